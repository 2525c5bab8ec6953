"""Errors by group: figures of a group are those of its units, groups are drawn apart, weights and clusters hold."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from codebook.analysis import validity
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.estimates import Bootstrap
from codebook.analysis.core.examples import make_table
from codebook.analysis.core.scales import VariableSpec
from codebook.errors import StatisticError


def hold(table: pd.DataFrame) -> Codings:
    """Codings of the variable `v` beside the coder `gold`."""
    return Codings(table, [VariableSpec("v", "nominal", ["a", "b"])], gold="gold")


def label_rows(codings: Codings) -> pd.DataFrame:
    frame = validity(codings, "m", by="label", resample=Bootstrap(0)).frame
    return frame.set_index(["part", "name"])


def split(n_units: int, seed: int, right: dict[str, float]) -> tuple[Codings, pd.Series]:
    """Codings of a coder who is right with another probability in each group; groups of equal size."""
    rng = np.random.default_rng(seed)
    gold = rng.choice(["a", "b"], size=n_units)
    group = np.resize(list(right), n_units)
    correct = rng.random(n_units) < np.array([right[name] for name in group])
    coded = np.where(correct, gold, np.where(gold == "a", "b", "a"))
    table = make_table("v", {"gold": gold, "m": coded})
    party = pd.Series(group, index=table["unit_id"].head(n_units), name="party")
    return hold(table).with_groups(party), party


def of_group(frame: pd.DataFrame, measure: str, label: str = "") -> pd.DataFrame:
    return frame[(frame["measure"] == measure) & (frame["label"] == label)].set_index("group")


def test_figures_of_a_group_are_those_of_its_units():
    codings, _ = split(300, 1, {"left": 0.9, "right": 0.6})
    result = validity(codings, by="party")
    for name in ("left", "right"):
        alone = label_rows(codings.where(party=name))
        rows = [of_group(result.frame, measure).loc[name, "value"] for measure in ("accuracy", "macro F1", "MCC")]
        assert rows == pytest.approx([alone.loc[("overall", key), "value"] for key in ("accuracy", "macro F1", "MCC")])
        assert of_group(result.frame, "recall", "b").loc[name, "value"] == pytest.approx(
            alone.loc[("label", "b"), "recall"]
        )
    rows = of_group(result.frame, "accuracy")
    apart = rows.loc["left - right"]
    assert apart["difference"]
    assert apart["value"] == pytest.approx(rows.loc["left", "value"] - rows.loc["right", "value"])
    assert apart["low"] > 0
    assert rows["n"].tolist() == [150, 150, 300]
    assert result.finding.startswith("Accuracy of m: left .9")
    assert "differences by party" in result.finding
    assert "have an interval without 0 ('accuracy', 'macro F1', 'MCC'" in result.finding
    assert result.finding.endswith("; by chance alone about 0.35 would.")
    assert "bias what is found of the groups" in result.note
    assert result.facts.resampled == "gold units, by party"
    assert list(result.printed()) == ["Measure", "Group", "n", "Value"]
    axes = result.plot().axes[0]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["left", "right"]
    assert axes.get_xlabel() == "error rate of m, by party"
    names = [text.get_text() for text in axes.get_yticklabels()]
    assert names[0] == "any label wrong (150)"
    assert any(name.startswith("b missed") for name in names)
    errors = 1 - of_group(result.frame, "accuracy").loc[["left", "right"], "value"]
    drawn = {round(float(x), 9) for line in axes.lines for x in line.get_xdata()}
    assert {round(error, 9) for error in errors} <= drawn


def test_the_groups_are_drawn_independently():
    """Of two independent samples the variance of the difference is the sum of theirs."""
    codings, _ = split(400, 2, {"left": 0.8, "right": 0.7})
    rows = of_group(validity(codings, by="party", resample=Bootstrap(4000)).frame, "accuracy")
    width = (rows["high"] - rows["low"]).to_dict()
    assert width["left - right"] == pytest.approx(math.hypot(width["left"], width["right"]), rel=0.05)


@pytest.mark.slow
def test_intervals_of_a_difference_between_groups_cover_what_they_say():
    """25 studies of 200 units, seeds 0 to 24: 95 % intervals of a difference of .2 in accuracy."""
    holds = 0
    for seed in range(25):
        codings, _ = split(200, seed, {"left": 0.8, "right": 0.6})
        row = of_group(validity(codings, by="party", resample=Bootstrap(100, seed=seed)).frame, "accuracy")
        holds += row.loc["left - right", "low"] <= 0.2 <= row.loc["left - right", "high"]
    assert holds >= 22


def test_of_more_than_two_groups_each_is_held_against_the_rest():
    codings, _ = split(300, 3, {"left": 0.9, "right": 0.6, "green": 0.75})
    rows = of_group(validity(codings, by="party", resample=Bootstrap(100)).frame, "accuracy")
    assert list(rows.index) == ["green", "left", "right", "green - rest", "left - rest", "right - rest"]
    rest = label_rows(codings.where(party=["right", "green"])).loc[("overall", "accuracy"), "value"]
    assert rows.loc["left - rest", "value"] == pytest.approx(rows.loc["left", "value"] - rest)


def test_weights_and_clusters_hold_within_groups():
    codings, party = split(200, 4, {"left": 0.8, "right": 0.6})
    units = party.index
    prob = pd.Series(np.random.default_rng(1).choice([0.2, 0.8], size=200), index=units)
    sample = pd.DataFrame({"unit_id": units, "prob": prob.to_numpy()})
    weighted = validity(codings.with_sample(sample), by="party", resample=Bootstrap(100))
    wide = codings.frame.pivot(index="unit_id", columns="coder", values="label").loc[units]
    left = (party == "left").to_numpy()
    right = (wide["gold"] == wide["m"]).to_numpy()
    expected = np.average(right[left], weights=1 / prob[left])
    assert of_group(weighted.frame, "accuracy").loc["left", "value"] == pytest.approx(expected)
    assert weighted.facts.weighted is True
    together = codings.with_clusters(pd.Series(np.arange(200) // 2, index=units))
    result = validity(together, by="party", resample=Bootstrap(300))
    assert result.facts.resampled == "clusters of gold units"
    assert of_group(result.frame, "accuracy")["low"].notna().all()


def test_a_group_of_one_unit_has_no_interval_and_units_without_a_value_are_told():
    codings, party = split(40, 5, {"left": 0.9, "right": 0.7})
    few = pd.Series(["left"] * 30 + ["right"] + [None] * 9, index=party.index, name="few")
    result = validity(codings.with_groups(few), by="few", resample=Bootstrap(50))
    rows = of_group(result.frame, "accuracy")
    assert rows.loc[["right", "left - right"], "reason"].unique().tolist() == [
        "no interval: fewer than two units or clusters"
    ]
    assert rows.loc["left", "low"] < rows.loc["left", "high"]
    assert result.facts.dropped == {"no value of few": 9}
    assert "9 gold units have no value of 'few'" in result.note
    same = codings.with_groups(pd.Series("all", index=party.index, name="same"))
    assert validity(same, by="same").finding == "Every gold unit with a value of 'same' has 'all': nothing to compare."


@pytest.mark.parametrize(
    ("covariate", "mend"),
    [
        (None, "there is no covariate 'age'"),
        (pd.Series("x", index=["u1", "u1"]), "give each unit one value"),
        (pd.Series("x", index=["U1"]), r"first: 'U1'; the gold has 'u1'"),
        (pd.Series(range(40), index=[f"u{at}" for at in range(1, 41)]), "pd.cut"),
    ],
)
def test_each_wrong_covariate_names_the_mend(covariate, mend):
    table = make_table("v", {"gold": list("ab") * 20, "m": list("aabb") * 10})
    codings = replace(hold(table), covariates=None if covariate is None else covariate.to_frame("age"))
    with pytest.raises(StatisticError, match=mend):
        validity(codings, by="age")
