"""The kernel: reading the tidy table into codes, every fault at once, and patterns that lose nothing."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

import numpy as np
import pandas as pd
import pytest

from codebook.analysis.core.checks import name_some
from codebook.analysis.core.counts import count_patterns, read_codes
from codebook.analysis.core.examples import make_table, observers_2011
from codebook.analysis.core.patterns import collapse
from codebook.errors import StatisticError


def read(table: pd.DataFrame, **options: object):
    return read_codes(table, **{"variable": "code", "level": "nominal", "labels": list("12345"), **options})


@pytest.mark.parametrize(("n_labels", "per_unit"), [(2, 3), (10, 3), (60, 3), (3, 40), (60, 40), (4000, 4)])
def test_patterns_are_the_count_vectors_of_the_units(n_labels, per_unit):
    rng = np.random.default_rng(n_labels)
    unit = np.repeat(np.arange(500), per_unit)
    code = np.minimum(rng.geometric(0.4, len(unit)) - 1, n_labels - 1)
    kept = rng.random(len(unit)) < 0.7
    unit, code = unit[kept], code[kept]
    vectors = Counter(tuple(np.bincount(code[unit == u], minlength=n_labels)) for u in np.unique(unit))
    order = rng.permutation(len(unit))
    patterns = collapse(unit[order], code[order], n_labels)
    got = {tuple(row.astype(int)): int(times) for row, times in zip(patterns.counts, patterns.times, strict=True)}
    assert got == dict(vectors)
    assert len(got) == len(patterns.times)


def test_nothing_is_a_pattern_of_no_codings():
    table = make_table("code", {"ann": [None, None]})
    patterns = count_patterns(read(table))
    assert patterns.counts.shape == (0, 5)
    assert read(table).n_missing == 2


def test_too_many_different_values_are_refused_before_memory_is_taken():
    unit = np.repeat(np.arange(20_000), 2)
    with pytest.raises(StatisticError, match="round the numbers"):
        collapse(unit, np.arange(40_000), 40_000)


def test_order_of_rows_and_type_of_columns_do_not_matter():
    table = observers_2011()
    shuffled = table.sample(frac=1, random_state=1)
    categories = table.astype({"unit_id": "category", "coder": "category", "label": "category", "why": "category"})
    plain = table.astype({"unit_id": object, "label": object, "why": object})
    want = count_patterns(read(table))
    for other in (shuffled, categories, plain):
        got = count_patterns(read(other))
        np.testing.assert_array_equal(got.counts, want.counts)
        np.testing.assert_array_equal(got.times, want.times)


def test_the_table_is_not_changed():
    table = observers_2011()
    before = table.copy()
    read(table, coders=["A", "B"])
    pd.testing.assert_frame_equal(table, before)


def test_only_the_draw_asked_for_is_read():
    table = observers_2011()
    again = table.assign(draw=1, label=table["label"].where(table["label"].isna(), "1"))
    both = pd.concat([table, again], ignore_index=True)
    assert set(read(both).code[read(both).code >= 0]) == {0, 1, 2, 3, 4}
    assert set(read(both, draw=1).code) == {0, -1}
    with pytest.raises(StatisticError, match="pass draw= one of 0, 1"):
        read(both, draw=2)


def test_all_faults_come_at_once():
    table = observers_2011()
    table.loc[table.index[:7], "label"] = [f"odd {n}" for n in range(7)]
    table = pd.concat([table, table.iloc[[12, 13, 13]]], ignore_index=True)
    table.loc[20, "why"] = "refused"
    table.loc[9, "why"] = np.nan
    table.loc[30, "coder"] = np.nan
    with pytest.raises(StatisticError) as caught:
        read(table)
    text = str(caught.value)
    assert len(caught.value.faults) == 5
    assert "7 labels are not in the codebook: 'odd 0', 'odd 1', 'odd 2', 'odd 3', 'odd 4' and 2 more" in text
    assert "2 times a coder coded a unit more than once in this draw: unit u1, coder B; unit u2, coder B" in text
    assert "1 row has no label and no why" in text
    assert "1 row has a label and a why" in text
    assert "coder: missing in 1 row" in text


@pytest.mark.parametrize(
    ("options", "mend"),
    [
        ({"variable": "tone"}, "name one that it has: 'code'"),
        ({"coders": ["A", "E", "F"]}, "name coders of the table: 'A', 'B', 'C', 'D'"),
        ({"level": "likert"}, "pass one of nominal, ordinal, interval, ratio, masi, jaccard, from the codebook"),
        ({"labels": None}, "pass labels=, all of them, in codebook order"),
        ({"labels": "12345"}, "pass each label once, in a list"),
        ({"labels": ["1", "1"]}, "pass each label once, in a list"),
        ({"level": "masi"}, "write each as text like"),
    ],
)
def test_each_wrong_request_names_the_mend(options, mend):
    with pytest.raises(StatisticError, match=mend):
        read(observers_2011(), **options)


@pytest.mark.parametrize(
    ("codes", "options", "mend"),
    [
        (["1", "2.5", "unclear"], {"level": "interval", "labels": None}, "code abstentions as missing with a why"),
        (["1", "inf", "2"], {"level": "ratio", "labels": None}, "not a number: 'inf'"),
        (["1", "-2", "2"], {"level": "ratio", "labels": None}, "pass level='interval'"),
        (["1", "7", "2"], {"level": "interval"}, "add them to the codebook"),
        (['["1"]', '["1", "2"]', "[]"], {}, "pass level='masi' or kind='multi'"),
        (['["1"]', '["1", "1"]', "[]"], {"level": "jaccard"}, "JSON list of different labels"),
        (['["1"]', '["9"]', "[]"], {"level": "masi"}, "1 label is not in the codebook: '9'"),
    ],
)
def test_each_wrong_label_names_the_mend(codes, options, mend):
    with pytest.raises(StatisticError, match=mend):
        read(make_table("code", {"ann": codes}), **options)


def test_a_table_of_another_shape_says_which_columns_it_lacks():
    with pytest.raises(StatisticError, match=r"has no 'draw', 'why'.*with the columns unit_id coder variable"):
        read(observers_2011().drop(columns=["draw", "why"]))


def test_labels_must_be_text():
    table = make_table("code", {"ann": ["1", "2"]}).astype({"label": int})
    with pytest.raises(StatisticError, match="make them text first"):
        read(table)


def test_numbers_are_compared_as_numbers():
    codings = read(make_table("code", {"ann": ["10", "9", "9.0"]}), level="interval", labels=None)
    assert codings.code.tolist() == [1, 0, 0]
    assert codings.scale.values.tolist() == [9, 10]


def test_name_some_shows_few():
    assert name_some([]) == ""
    assert name_some(["a"]) == "'a'"


def test_import_pulls_numpy_and_pandas_only():
    heavy = ["matplotlib", "seaborn", "krippendorff", "scipy"]
    code = f"import codebook.analysis, sys; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
