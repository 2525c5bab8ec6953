"""Alphas of spans: against a second program's figures, and against alpha of single signs."""

import json
import math
from types import SimpleNamespace

import krippendorff
import numpy as np
import pandas as pd
import pytest

from codebook.analysis import Bootstrap, span_agreement
from codebook.errors import StatisticError

NONE = Bootstrap(0)


def to_spans(texts) -> pd.DataFrame:
    """A span a sign, from strings in which a dot is a gap: {unit: {coder: "aa.b"}}."""
    rows = [
        (unit, coder, at, at + 1, sign)
        for unit, coders in texts.items()
        for coder, signs in coders.items()
        for at, sign in enumerate(signs)
        if sign != "."
    ]
    return pd.DataFrame(rows, columns=["unit_id", "coder", "start", "end", "type"])


def random_texts(n_texts, n_coders, seed) -> dict:
    rng = np.random.default_rng(seed)
    texts = {}
    for at in range(n_texts):
        truth = rng.choice(list("..ab"), 12)
        seen = {c: np.where(rng.random(12) < 0.75, truth, rng.choice(list("..ab"), 12)) for c in "ABC"[:n_coders]}
        texts[f"t{at}"] = {coder: "".join(signs) for coder, signs in seen.items()}
    return texts


def test_of_spans_of_one_sign_it_is_alpha_of_the_signs():
    texts = random_texts(6, 3, seed=1)
    values = span_agreement(to_spans(texts), dict.fromkeys(texts, 12), resample=NONE).frame["value"]
    signs = ["".join(texts[unit][coder] for unit in texts) for coder in "ABC"]
    numbers = np.array([[".ab".index(sign) for sign in line] for line in signs], dtype=float)
    ask = {"level_of_measurement": "nominal"}
    assert values[0] == pytest.approx(krippendorff.alpha(reliability_data=numbers, **ask))
    assert values[1] == pytest.approx(krippendorff.alpha(reliability_data=np.minimum(numbers, 1), **ask))


def test_the_types_of_two_coders_stand_on_what_both_marked():
    texts = random_texts(5, 2, seed=2)
    frame = span_agreement(to_spans(texts), dict.fromkeys(texts, 12), resample=NONE).frame
    pairs = [pair for unit in texts.values() for pair in zip(unit["A"], unit["B"], strict=True) if "." not in pair]
    numbers = np.array([["ab".index(sign) for sign in line] for line in zip(*pairs, strict=True)], dtype=float)
    alpha = krippendorff.alpha(reliability_data=numbers, level_of_measurement="nominal")
    assert frame["value"][2:].tolist() == pytest.approx([alpha] * 3)  # of two types all three are one figure
    assert frame["covered"][2] == pytest.approx(len(pairs) / 60)


def test_intervals_are_over_texts_and_one_text_has_none():
    texts = random_texts(30, 3, seed=3)
    result = span_agreement(to_spans(texts), dict.fromkeys(texts, "x" * 12))
    frame = result.frame
    assert (frame["low"] < frame["value"]).all()
    assert (frame["value"] < frame["high"]).all()
    assert "30 texts" in result.finding
    one = span_agreement(to_spans({"t": texts["t0"]}), {"t": 12}).frame
    assert (one["reason"] == "no interval: there is only one text").all()


def test_coders_who_marked_alike_may_differ_in_the_next_text():
    texts = {f"t{at}": dict.fromkeys("AB", "aa..bb......"[at % 3 :] + "." * (at % 3)) for at in range(15)}
    frame = span_agreement(to_spans(texts), dict.fromkeys(texts, 12)).frame
    assert (frame[["value", "high"]] == 1).all(axis=None)
    assert frame["low"].between(0.5, 0.98).all()


def test_the_figures_of_a_second_program_are_found():
    """Three coders of a text of 20 signs, as the program unitized_alpha prints it."""
    rows = [("A", "1", 2, 5), ("A", "1", 9, 11), ("A", "2", 12, 20), ("P", "1", 2, 5), ("P", "2", 7, 15)]
    rows += [("S", "1", 2, 5), ("S", "2", 10, 15)]
    spans = pd.DataFrame(rows, columns=["coder", "type", "start", "end"]).assign(unit_id="t")
    values = span_agreement(spans, {"t": 20}, resample=NONE).frame["value"]
    assert values.round(3).tolist() == [0.474, 0.433, 0.779, 0.769, 0.787]


def test_a_coder_who_marked_nothing_is_known_by_being_asked():
    spans = to_spans({"t": {"A": "aa..", "B": "aa.."}, "s": {"A": "..a.", "B": "...."}, "r": {"A": "a..."}})
    asked = pd.DataFrame([("t", "A"), ("t", "B"), ("s", "A"), ("s", "B"), ("r", "A")], columns=["unit_id", "coder"])
    units = [SimpleNamespace(unit_id=name, text="abcd") for name in "tsr"]
    result = span_agreement(spans, units, asked=asked, resample=NONE)
    assert result.frame["n_units"].unique().tolist() == [2]
    assert "Left aside: 1 text with fewer than two coders." in result.note
    assert span_agreement(spans, units, resample=NONE).frame["n_units"][0] == 3  # else all coded all


def test_undefined_is_nan_with_a_reason():
    frame = span_agreement(to_spans({"t": {"A": "aa..", "B": "a..."}}), {"t": 4}, resample=NONE).frame
    assert frame["value"].isna().tolist() == [False, False, True, True]
    assert frame["reason"][2] == "there is one type only"
    alone = span_agreement(to_spans({"t": {"A": "aa.."}}), {"t": 4}, resample=NONE)
    assert math.isnan(alone.frame["value"][0])
    assert "no text was coded by two coders" in alone.finding


def test_all_faults_of_spans_are_said_together():
    rows = [("t", "A", 0, 3, "a"), ("t", "A", 2, 4, "b"), ("x", "A", 0, 1, "a"), ("t", "B", 0, 2, "a")]
    spans = pd.DataFrame(rows, columns=["unit_id", "coder", "start", "end", "type"])
    asked = pd.DataFrame([("t", "A")], columns=["unit_id", "coder"])
    with pytest.raises(StatisticError) as caught:
        span_agreement(spans, {"t": 4}, asked=asked)
    assert [fault.where for fault in caught.value.faults] == ["spans", "spans", "asked"]
    with pytest.raises(StatisticError, match="do not lie within their text"):
        span_agreement(spans.assign(end=9), {"t": 4, "x": 4})
    with pytest.raises(StatisticError, match="column 'draw' holds several: '0', '1'"):
        span_agreement(spans.assign(end=spans["start"] + 1, draw=[0, 1, 0, 0]), {"t": 4, "x": 4})
    assert json.dumps(caught.value.faults[1].mend).startswith('"keep one of them')
