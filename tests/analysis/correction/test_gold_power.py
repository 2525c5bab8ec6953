"""How much gold an effect needs: against studies in which that gold was drawn."""

import numpy as np
import pandas as pd
import pytest

from codebook.analysis import Codings, VariableSpec, correct, make_study, plan_correction
from codebook.analysis.core.examples import make_table
from codebook.errors import StatisticError

ASK = {"formula": "gold ~ group", "effect": {"group": 0.1}}


def corrected(study, **words):
    frame = correct(study, "gold ~ group", **words).frame
    return frame[(frame["coefficient"] == "group") & (frame["source"] == "corrected")].iloc[0]


@pytest.mark.slow
@pytest.mark.parametrize("family", ["linear", "logistic"])
def test_the_error_with_more_gold_is_that_of_studies_with_more_gold(family):
    foreseen, met = [], []
    for seed in range(12):
        rows = plan_correction(make_study(2000, 200, seed=seed), **ASK, family=family).frame
        foreseen.append(rows.loc[rows["n_gold"] == 600, "se"].iloc[0])
        met.append(corrected(make_study(2000, 600, seed=seed + 100), family=family)["se"])
    assert np.mean(foreseen) == pytest.approx(np.mean(met), rel=0.06)


@pytest.mark.slow
def test_power_is_how_often_the_effect_is_found():
    """60 made-up studies with 300 gold units and an effect of .8 in the log odds."""
    found = [
        corrected(make_study(1500, 300, effect=0.8, seed=seed), family="logistic")["low"] > 0 for seed in range(60)
    ]
    words = {"formula": "gold ~ group", "effect": {"group": 0.8}, "family": "logistic"}
    plans = [plan_correction(make_study(1500, 300, effect=0.8, seed=seed), **words).frame for seed in range(5)]
    power = np.mean([plan.loc[plan["is_now"], "power"].iloc[0] for plan in plans])
    assert power == pytest.approx(np.mean(found), abs=0.13)


def test_now_is_the_reported_error_and_enough_is_the_least_that_is():
    study = make_study(3000, 300, seed=4)
    result = plan_correction(study, **ASK)
    now = result.frame[result.frame["is_now"]].iloc[0]
    assert now["se"] == pytest.approx(corrected(study)["se"])
    enough = result.frame[result.frame["is_enough"]].iloc[0]
    assert 0.8 <= enough["power"] < 0.805
    assert f"and 80 % with {enough['n_gold']:,.0f} gold units" in result.finding
    assert result.frame["se"].is_monotonic_decreasing
    assert result.plot().axes[0].get_xlabel() == "gold units"


def test_an_effect_that_no_gold_finds_is_said_to_be_one():
    finding = plan_correction(make_study(300, 150, seed=5), "gold ~ group", {"group": 0.01}).finding
    assert "even with gold for all 300 units" in finding


def test_from_codings_and_with_all_faults_at_once():
    study = make_study(600, 200, seed=6)
    gold = [None if np.isnan(value) else str(int(value)) for value in study["gold"]]
    table = make_table("v", {"gold": gold, "m": study["predicted"].astype(int).astype(str).tolist()})
    codings = Codings(table, [VariableSpec("v", "nominal", ["0", "1"])], gold="gold", models=("m",)).with_sample(
        "random"
    )
    covariates = pd.DataFrame({"group": study["group"].to_numpy()}, index=[f"u{at + 1}" for at in range(600)])
    by_codings = plan_correction(codings, "label ~ group", {"group": 0.2}, label="1", data=covariates)
    by_frame = plan_correction(study, "gold ~ group", {"group": 0.2})
    np.testing.assert_allclose(by_codings.frame["se"], by_frame.frame["se"])
    nobody = plan_correction(Codings(table, codings.variables), "label ~ group", {"group": 0.2}, label="1")
    assert nobody.facts.nothing
    with pytest.raises(StatisticError, match=r"(?s)no coefficient 'age'.*'group' is zero or no number"):
        plan_correction(study, "gold ~ group", {"age": 1, "group": 0})
