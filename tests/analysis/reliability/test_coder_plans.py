"""How many coders and units: the made-up alphas against the bootstrap of real ones, and the recommended design."""

import krippendorff
import numpy as np
import pandas as pd
import pytest

from codebook.analysis import Bootstrap, CoderPlan, Codings, VariableSpec, plan_coders
from codebook.analysis.core.examples import make_table
from codebook.analysis.reliability import reliability
from codebook.analysis.reliability.coder_plans import simulate_alphas
from codebook.errors import StatisticError


def pilot(n_units, n_coders, alpha=0.7, seed=1) -> pd.DataFrame:
    """Labels of coders who agree beyond chance with a chance of alpha."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(list("abc"), (n_units, 1), p=[0.5, 0.3, 0.2])
    guess = rng.choice(list("abc"), (n_units, n_coders), p=[0.5, 0.3, 0.2])
    codes = np.where(rng.random((n_units, n_coders)) < np.sqrt(alpha), truth, guess)
    return pd.DataFrame(codes, columns=[f"c{at}" for at in range(n_coders)])


def test_made_up_alphas_are_those_of_the_krippendorff_package_and_hit_what_is_assumed():
    rng = np.random.default_rng(3)
    alphas = simulate_alphas(rng, 0.6, np.array([0.7, 0.3]), (400, 80, 3))
    assert alphas.mean() == pytest.approx(0.6, abs=0.01)
    rng = np.random.default_rng(5)
    truth, guess = rng.choice(2, (1, 40, 1), p=[0.7, 0.3]), rng.choice(2, (1, 40, 3), p=[0.7, 0.3])
    codes = np.where(rng.random((1, 40, 3)) < np.sqrt(0.6), truth, guess)[0]
    again = simulate_alphas(np.random.default_rng(5), 0.6, np.array([0.7, 0.3]), (1, 40, 3))[0]
    assert again == pytest.approx(krippendorff.alpha(reliability_data=codes.T, level_of_measurement="nominal"))


def test_the_foreseen_width_is_that_of_the_interval_that_is_then_printed():
    frame = plan_coders(CoderPlan(coders=(2, 3), units=(150,))).frame.set_index("n_coders")
    for n_coders in (2, 3):
        widths = []
        for seed in range(6):
            wide = pilot(150, n_coders, seed=seed)
            row = reliability(wide, level="nominal", coefficients=["alpha"], resample=Bootstrap(400)).frame.iloc[0]
            widths.append(row["high"] - row["low"])
        assert frame["width"][n_coders] == pytest.approx(np.mean(widths), rel=0.15)


def test_the_cheapest_design_that_is_narrow_enough_is_recommended_and_drawn():
    result = plan_coders(CoderPlan(usd_per_coding=0.5))
    frame = result.frame
    (best,) = frame[frame["recommended"]].to_dict("records")
    assert best["width"] <= 0.2
    cheaper = frame[frame["n_codings"] < best["n_codings"]]
    assert (cheaper["width"] > 0.2).all()
    assert f"{best['n_coders']} coders on {best['n_units']} units" in result.finding
    texts = [text.get_text() for text in result.plot().axes[0].texts]
    assert f"recommended: {best['n_coders']} coders, {best['n_units']} units" in texts
    none = plan_coders(CoderPlan(units=(30,), width=0.05))
    assert none.finding.startswith("No design has an interval as narrow as wanted (.05)")
    assert not none.frame["recommended"].any()


def test_a_pilot_says_alpha_and_shares_and_a_bad_one_says_why_not():
    wide = pilot(60, 3, seed=4)
    codings = Codings(make_table("v", wide.to_dict("list")), [VariableSpec("v", "nominal", list("abc"))])
    plan = CoderPlan.of(codings, width=0.3)
    assert plan.alpha == reliability(codings, coefficients=["alpha"], resample=Bootstrap(0)).frame["value"][0]
    assert [n / 180 for n in plan.shares] == [(wide == label).to_numpy().mean() for label in "abc"]
    assert plan_coders(codings).finding
    same = Codings(make_table("v", {"A": ["a"] * 9, "B": ["a"] * 9}), [VariableSpec("v", "nominal", ["a", "b"])])
    with pytest.raises(StatisticError, match="no variation"):
        CoderPlan.of(same)
    with pytest.raises(StatisticError) as caught:
        CoderPlan(alpha=1.2, shares=[1], width=0, coders=(1,))
    assert [fault.where for fault in caught.value.faults] == ["alpha", "shares", "width", "coders, units"]
