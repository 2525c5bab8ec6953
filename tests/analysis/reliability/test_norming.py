"""A norming round: alpha before and after, on what the same coders coded in both rounds."""

from __future__ import annotations

import pytest

import codebook as cb
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.examples import make_table
from codebook.analysis.core.scales import VariableSpec
from codebook.analysis.reliability.agreement_difference import norming
from codebook.errors import StatisticError

TONE = VariableSpec("tone", "nominal", ["a", "b"])
FEW = cb.Bootstrap(100)


def of(labels: dict[str, list], variable: VariableSpec = TONE, **about) -> Codings:
    return Codings(make_table(variable.name, labels), [variable], **about)


FIRST = {"ann": list("aabb") * 10, "bo": list("abbb") * 10}
SECOND = {"ann": list("aabb") * 10, "bo": list("aabb") * 9 + list("abab")}


def test_alpha_of_each_round_is_that_of_reliability_and_units_are_drawn_once_for_both():
    rows = norming(of(FIRST), of(SECOND), resample=FEW).frame
    whole = rows[rows["label"] == ""].set_index("round")
    for name, labels in (("before", FIRST), ("after", SECOND)):
        alone = cb.reliability(of(labels), coefficients=["alpha"], resample=cb.Bootstrap(0)).frame["value"].iloc[0]
        assert whole.loc[name, "value"] == pytest.approx(alone, abs=1e-12)
    assert whole.loc["after - before", "value"] == pytest.approx(whole["value"]["after"] - whole["value"]["before"])
    assert whole.loc["after - before", "low"] > 0
    assert whole["n_units"].tolist() == [40, 40, 40]
    same = norming(of(FIRST), of(FIRST), resample=FEW).frame.set_index(["label", "round"])
    value, low, high = same.loc[("", "after - before"), ["value", "low", "high"]]
    assert (value, low < 0 < high, high - low < 0.3) == (0, True, True)  # 40 equal units do not show that all are


def test_every_code_is_compared_by_itself():
    frame = norming(of(FIRST), of(SECOND), resample=FEW).frame
    assert frame["label"].drop_duplicates().tolist() == ["", "a", "b"]


def test_only_what_the_same_coders_coded_twice_is_compared_and_the_rest_is_told():
    second = {"ann": SECOND["ann"], "bo": [*SECOND["bo"][:30], *[None] * 10], "cy": SECOND["ann"], "m": SECOND["ann"]}
    result = norming(of({**FIRST, "m": FIRST["ann"]}, models=("m",)), of(second, models=("m",)), resample=FEW)
    assert (result.facts.n_units, result.facts.n_coders) == (30, 2)
    assert result.facts.dropped == {"codings without one after": 10, "codings without one before": 40}


def test_a_few_units_have_no_interval():
    few = {name: labels[:8] for name, labels in FIRST.items()}
    frame = norming(of(few), of(few), resample=FEW).frame
    assert frame["low"].isna().all()
    assert set(frame["reason"]) == {"no interval: fewer than 20 units"}


def test_sets_and_scales_have_their_alpha_and_texts_none():
    sets = {"ann": ['["a","b"]', "[]"] * 10, "bo": ['["a"]', "[]"] * 10}
    spec = VariableSpec("v", "nominal", ["a", "b"], "multi")
    assert norming(of(sets, spec), of(sets, spec), resample=FEW).frame["value"].notna().any()
    words = VariableSpec("v", "nominal", None, "transcription")
    said = norming(of({"ann": ["x"]}, words), of({"ann": ["x"]}, words)).finding
    assert said.startswith("'v' holds transcripts, which are not compared as labels")
    with pytest.raises(StatisticError, match="the other of 'v'"):
        norming(of(FIRST), of(sets, spec))
    alone = norming(of({"ann": ["a"]}), of({"ann": ["a"]}))
    assert "nothing to compare" in alone.finding


def test_the_gain_of_a_round_has_a_p():
    first = of({"ann": list("aabb") * 10, "bo": list("abab") * 10})
    second = of({"ann": list("aabb") * 10, "bo": list("aabb") * 10})
    rows = norming(first, second, resample=FEW).frame.set_index(["label", "round"])["p"]
    assert rows["", "after - before"] < 0.05
    assert rows["", "before"] != rows["", "before"]  # a figure has no p, a difference has
    assert norming(first, first, resample=FEW).frame["p"][2] > 0.9
