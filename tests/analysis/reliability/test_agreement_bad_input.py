"""Bad input to agreement: an error with the mend, or NaN with the reason; nothing is dropped without a word."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from alphas import agreement

from codebook.analysis import COEFFICIENTS, VariableSpec
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.examples import make_table, observers_2011
from codebook.analysis.reliability import reliability
from codebook.analysis.reliability.comparisons import BY
from codebook.errors import StatisticError

CODE = VariableSpec("code", "nominal", list("12345"))
PLAIN = ["alpha", "ac1", "ac2", "fleiss", "conger", "cohen", "scott", "brennan_prediger", "percent"]


def ask(table: pd.DataFrame, *, variable: VariableSpec = CODE, **options) -> pd.DataFrame:
    return agreement(table, [variable], **{"coefficients": PLAIN, "replicates": 50, **options})


def of_two(a: list, b: list, level: str | None = "nominal", labels: list[str] | None = None) -> pd.DataFrame:
    return ask(make_table("v", {"a": a, "b": b}), variable=VariableSpec("v", level, labels))


@pytest.mark.parametrize("level", [None, ""])
def test_a_missing_level_is_said_never_defaulted(level):
    frame = ask(observers_2011(), variable=VariableSpec("code", level, list("12345")))
    assert frame["value"].isna().all()
    assert set(frame["reason"]) == {"kind 'single' has no level of measurement: give the variable one"}
    with pytest.raises(StatisticError, match="pass level= one of nominal, ordinal, interval, ratio, masi, jaccard"):
        reliability(observers_2011(), level=level or "")


@pytest.mark.parametrize(
    ("options", "mend"),
    [
        ({"coefficients": ["tau"]}, "'tau' is unknown. To mend: pass some of alpha, percent"),
        ({"coefficients": ["kappa"]}, "'kappa' is unknown. To mend: kappa of two coders is 'cohen'"),
        ({"coefficients": ["icc"]}, "'icc' is unknown. To mend: name which one: of single ratings 'icc_1_1'"),
        ({"coefficients": "alpha"}, r"pass \['alpha'\]"),
        ({"by": "party"}, "pass one of group, label, pair, without, difference, or a covariate of codings.with_groups"),
        ({"replicates": -1}, "pass 1000, or 0 for no interval"),
        ({"confidence": 95}, "pass a share"),
        ({"cluster": {"u1": "x"}}, "give each unit of the table its cluster, by unit_id"),
        ({"cluster": pd.Series("x", index=["u1", "u1"])}, "several clusters for unit 'u1'"),
    ],
)
def test_each_wrong_request_names_the_mend(options, mend):
    with pytest.raises(StatisticError, match=mend):
        ask(observers_2011(), **options)


def test_all_faults_of_a_request_come_at_once():
    with pytest.raises(StatisticError) as caught:
        ask(observers_2011(), coefficients=["kappa"], by="x")
    assert [fault.where for fault in caught.value.faults] == ["coefficients", "by"]
    two = [VariableSpec("code", "nominal", list("123")), VariableSpec("tone", "nominal", ["a"])]
    with pytest.raises(StatisticError) as caught:
        agreement(observers_2011(), two)
    assert [fault.where for fault in caught.value.faults] == ["code, label"]


def test_duplicate_codings_are_refused():
    table = observers_2011()
    with pytest.raises(StatisticError, match="keep one coding of each, or number repeats in `draw`"):
        ask(pd.concat([table, table.iloc[[0]]], ignore_index=True))


def test_unknown_labels_are_refused():
    with pytest.raises(
        StatisticError, match=r"1 label is not in the codebook: '5'\. To mend: add them to the codebook"
    ):
        ask(observers_2011(), variable=VariableSpec("code", "nominal", list("1234")))


def test_coders_who_share_no_unit():
    frame = of_two(["x", None], [None, "y"], labels=["x", "y"])
    assert frame["value"].isna().all()
    assert set(frame["reason"]) == {"no unit was coded by two coders"}
    assert frame["dropped"][0] == "2 units with fewer than two codings; codings without a label: 2 absent"


def test_one_coder():
    alone = Codings(make_table("v", {"a": ["x", "y"]}), [VariableSpec("v", "nominal", ["x", "y"])])
    for by in ("", *BY):
        result = reliability(alone, by)
        assert result.frame.empty
        assert result.facts.nothing.startswith("One coder ('a'): nothing to compare.")
    assert {"a", "b", "value", "reason"} <= set(reliability(alone, "pair").frame)
    pair = ask(make_table("v", {"a": ["x"], "b": ["x"]}), variable=VariableSpec("v", "nominal", ["x"]), by="without")
    assert set(pair.loc[pair["left_out"] != "", "reason"]) == {"fewer than two coders"}


def test_one_category_is_undefined_never_one():
    frame = of_two(["x"] * 40, ["x"] * 40, labels=["x", "y"]).set_index("coefficient")
    for name in ("alpha", "fleiss", "conger", "cohen", "scott"):
        assert math.isnan(frame.loc[name, "value"])
        assert frame.loc[name, "reason"] == "no variation: every coding is 'x'"
    assert frame.loc["percent", "value"] == 1
    assert frame.loc["ac1", "value"] == 1  # by its definition; the reason beside it says what that is worth
    assert frame.loc["ac1", "reason"] == "no variation: every coding is 'x'"
    alone = of_two(["x", "x"], ["x", "x"], labels=["x"]).set_index("coefficient")
    assert math.isnan(alone.loc["ac1", "value"])
    assert alone.loc["ac1", "reason"].endswith(
        "needs the number of allowed labels, here 1: a variable needs two labels"
    )


def test_all_missing_says_why():
    table = make_table("v", {"a": [None, None], "b": [None, None]})
    table.loc[0, "why"] = "refused"
    frame = ask(table, variable=VariableSpec("v", "nominal", ["x", "y"]))
    assert frame["value"].isna().all()
    assert set(frame["reason"]) == {"no label at all: 3 absent, 1 refused"}
    facts = reliability(Codings(table, [VariableSpec("v", "nominal", ["x", "y"])])).facts
    assert facts.coverage == {"v": {"labelled": 0, "absent": 3, "refused": 1}}


def test_labels_spelt_like_nothing_are_labels():
    odd = ["nan", "NA", "None", "", "null"]
    rng = np.random.default_rng(2)
    a = rng.integers(5, size=60)
    b = np.where(rng.random(60) < 0.7, a, rng.integers(5, size=60))
    plain = of_two([str(code) for code in a], [str(code) for code in b], labels=list("01234"))
    spelt = of_two([odd[code] for code in a], [odd[code] for code in b], labels=odd)
    assert spelt["value"].tolist() == plain["value"].tolist()
    assert spelt["low"].equals(plain["low"])
    assert set(spelt["n_missing"]) == {0}
    assert set(spelt["n_codings"]) == {120}


def test_numbers_as_text_are_numbers_and_numbers_are_refused():
    as_text = of_two(["9", "10", "100", "9.0"], ["9", "10", "90", "9"], level="interval")
    by_size = of_two(["1", "2", "92", "1"], ["1", "2", "82", "1"], level="interval")
    assert as_text["value"][0] == pytest.approx(by_size["value"][0])
    table = make_table("v", {"a": ["1", "2"], "b": ["1", "2"]})
    for column in (table["label"].astype(int), pd.Series([1.0, 2.0, 1.0, None])):
        with pytest.raises(StatisticError, match="make them text first"):
            ask(table.assign(label=column), variable=VariableSpec("v", "interval"))
    with pytest.raises(StatisticError, match="a label of the interval scale is not a number: 'two'"):
        of_two(["1", "two"], ["1", "2"], level="interval")


@pytest.mark.parametrize(
    ("labels", "mend"),
    [
        ({"1", "2"}, "a set has no order. To mend: pass a list, from lowest to highest"),
        ({"1": 0, "2": 1}.keys(), "pass a list, from lowest to highest"),
        (["1", "10", "2"], r"stand in the order of text, not of size. To mend: order them: labels=sorted\("),
        (["-1", "-2", "0"], "stand in the order of text"),
        (None, "an? ordinal scale needs its labels"),
    ],
)
def test_an_ordinal_scale_without_an_order_is_refused(labels, mend):
    with pytest.raises(StatisticError, match=mend):
        of_two(["1", "2"], ["1", "2"], level="ordinal", labels=labels)


@pytest.mark.parametrize("labels", [["5", "4", "1", "2"], ["10", "2", "1"], ["low", "mid", "top"], ["1", "2", "-9"]])
def test_a_declared_order_is_taken_as_it_is(labels):
    frame = of_two(labels[:2] * 3, labels[:2] * 3, level="ordinal", labels=labels)
    assert frame["value"][0] == 1


def test_the_number_of_labels_must_be_known_for_some():
    frame = of_two(["1", "2", "3"], ["1", "2", "2"], level="interval").set_index("coefficient")
    reason = "needs the number of allowed labels, here unknown: pass Codings whose variable lists them"
    assert frame.loc["ac1", "reason"].endswith(reason)
    assert not math.isnan(frame.loc["fleiss", "value"])
    declared = of_two(["1", "2", "3"], ["1", "2", "2"], level="interval", labels=list("12345"))
    assert not math.isnan(declared.set_index("coefficient").loc["ac1", "value"])


def test_weights_without_an_order_are_refused_with_the_reason():
    names = [name for name in COEFFICIENTS if name.endswith(("linear", "quadratic", "ordinal"))]
    frame = ask(observers_2011(), coefficients=names)
    assert frame["value"].isna().all()
    assert frame["reason"].str.endswith("weights need an order, and nominal labels have none").all()


def test_answers_that_are_no_labels_are_not_compared_and_the_reason_is_said():
    result = reliability(Codings(observers_2011(), [VariableSpec("code", "nominal", (), "records")]))
    assert result.frame.empty
    assert result.facts.nothing.startswith("'code' holds records, which are not compared as labels")


def test_more_patterns_than_memory_are_refused_beforehand(monkeypatch):
    values = [str(value) for value in range(1, 25_001)]
    table = make_table("v", {"a": values, "b": values[::-1]})
    with pytest.raises(StatisticError, match="do not fit in memory"):
        ask(table, variable=VariableSpec("v", "interval"), coefficients=["alpha"])
    monkeypatch.setattr("codebook.analysis.core.scales.MOST_DIFFERENT", 4)
    with pytest.raises(StatisticError, match=r"5 different values, whose distances .* or pass level='interval'"):
        ask(observers_2011(), variable=VariableSpec("code", "ratio"), coefficients=["alpha"])


def test_abstentions_are_no_points_of_a_scale():
    """A codebook's abstention code is left out of an ordinal scale, and so are the codings that the table has of it."""
    tone = VariableSpec("v", "ordinal", ["1", "2", "3", "unclear"], scale=["1", "2", "3"])
    table = make_table("v", {"a": ["1", "2", "3"], "b": ["1", "2", "2"]})
    plain = ask(table, variable=VariableSpec("v", "ordinal", ["1", "2", "3"]))
    assert ask(table, variable=tone)["value"].equals(plain["value"])
    table.loc[0, "label"] = "unclear"
    assert ask(table, variable=tone)["n_codings"][0] == 4
