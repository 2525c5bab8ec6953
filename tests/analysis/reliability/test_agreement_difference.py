"""Two figures of agreement and how far they are apart, paired on the units of both."""

import math

import krippendorff
import numpy as np
import pandas as pd
import pytest

from codebook.analysis import Codings, VariableSpec
from codebook.analysis.core.examples import make_table
from codebook.analysis.reliability import compare_agreement, reliability
from codebook.errors import StatisticError


def people_and_model(n_units=80, right=(0.9, 0.9, 0.6), seed=1):
    """Two people and a model on two labels."""
    rng = np.random.default_rng(seed)
    truth = rng.random(n_units) < 0.5
    codes = {name: truth ^ (rng.random(n_units) > p) for name, p in zip(("ann", "ben", "model"), right, strict=True)}
    return pd.DataFrame(codes).replace({True: "yes", False: "no"})


def test_the_paired_difference_of_two_alphas_resamples_each_unit_once():
    wide = people_and_model()
    result = compare_agreement(wide, wide[["ann", "ben"]], names=("all", "people"), level="nominal")
    a, b, difference = result.frame.to_dict("records")
    assert difference["value"] == pytest.approx(a["value"] - b["value"])
    rng = np.random.default_rng(2)

    def alpha(frame):
        numbers = (frame == "yes").to_numpy(float).T
        return krippendorff.alpha(reliability_data=numbers, level_of_measurement="nominal")

    draws = []
    for _ in range(200):
        rows = wide.iloc[rng.integers(len(wide), size=len(wide))].reset_index(drop=True)
        draws.append(alpha(rows) - alpha(rows[["ann", "ben"]]))
    assert difference["se"] == pytest.approx(np.std(draws), rel=0.2)
    assert difference["high"] - difference["low"] == pytest.approx(3.92 * difference["se"], rel=0.2)
    assert difference["p"] < 0.01
    assert difference["high"] < 0
    assert "80 units in both" in result.finding
    assert "p = " in result.finding or "p < " in result.finding


def test_the_error_of_a_paired_difference_of_two_ac1_is_gwets():
    """Gwet (2016): the spread of the differences of what each unit adds to either coefficient."""
    wide = people_and_model(100, (0.9, 0.8, 0.7), seed=3)
    frame = compare_agreement(wide[["ann", "ben"]], wide[["ann", "model"]], level="nominal", coefficients=["ac1"]).frame
    pulls = []
    for pair, value in zip((["ann", "ben"], ["ann", "model"]), frame["value"], strict=False):
        yes = (wide[pair] == "yes").sum(axis=1).to_numpy() / 2
        share = yes.mean()
        chance = 2 * share * (1 - share)
        mine = ((yes != 0.5) - chance) / (1 - chance)
        pulls.append(mine - 2 * (1 - value) * (yes * (1 - share) + (1 - yes) * share - chance) / (1 - chance))
    apart = pulls[0] - pulls[1]
    assert frame["se"][2] == pytest.approx(math.sqrt(((apart - apart.mean()) ** 2).sum() / (100 * 99)), rel=1e-3)


def test_units_of_one_side_only_are_counted_and_left_out():
    first = people_and_model(30, seed=4)[["ann", "ben"]].assign(unit=[f"u{at}" for at in range(30)])
    second = people_and_model(30, seed=5)[["ann", "ben"]].assign(unit=[f"u{at}" for at in range(10, 40)])
    result = compare_agreement(first, second, names=("before", "after"), level="nominal")
    assert result.frame["n_units"].tolist() == [20, 20, 20]
    assert result.facts.dropped == {"units of one side only": 20}
    assert "Left aside: 20 units" in result.note
    apart = compare_agreement(first, second.assign(unit=second["unit"] + "x"), level="nominal")
    assert "no unit in common" in apart.note
    assert apart.frame["n_units"].tolist() == [30, 30, 60]
    assert apart.frame["se"][2] == pytest.approx(math.hypot(*apart.frame["se"][:2]))


def test_no_difference_has_a_large_p_and_a_difference_of_groups_tells_its_own():
    wide = people_and_model(60, (0.8, 0.8, 0.8), seed=6)
    same = compare_agreement(wide[["ann", "ben"]], wide[["ben", "ann"]], level="nominal").frame
    assert same["value"][2] == 0
    assert same["p"][2] > 0.9
    codings = Codings(
        make_table("v", wide.to_dict("list")), [VariableSpec("v", "nominal", ["no", "yes"])], models=("model",)
    )
    frame = reliability(codings, "difference").frame
    assert frame["p"].between(0, 1).all()
    assert "p = " in reliability(codings, "difference").finding


def test_what_cannot_be_compared_says_so_and_faults_come_together():
    wide = people_and_model(10)
    alone = compare_agreement(wide[["ann"]], wide[["ann", "ben"]], level="nominal")
    assert alone.facts.nothing == "No unit of a has labels of two coders: nothing to compare."
    with pytest.raises(StatisticError, match="tau"):
        compare_agreement(wide, wide, level="nominal", coefficients=["tau"])
