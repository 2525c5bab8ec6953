"""Variance by unit, model, prompt and draw: against published tables, ANOVA by statsmodels, and known truth."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from statsmodels.stats.anova import anova_lm

from codebook.analysis import Bootstrap, Codings, VariableSpec, generalizability
from codebook.errors import StatisticError

NONE = Bootstrap(0)


def long_answers(n_units=30, n_models=3, n_prompts=2, n_draws=2, *, sizes=(1.0, 0.5, 0.0, 0.3), seed=1) -> pd.DataFrame:
    """Numbers from a unit, a model, a unit by model and a draw effect of these standard deviations."""
    rng = np.random.default_rng(seed)
    unit, model = rng.normal(0, sizes[0], n_units), rng.normal(0, sizes[1], n_models)
    both = rng.normal(0, sizes[2], (n_units, n_models))
    rows = [
        (f"u{u}", f"m{m}@p{p}", r, unit[u] + model[m] + both[u, m] + rng.normal(0, sizes[3]))
        for u in range(n_units) for m in range(n_models) for p in range(n_prompts) for r in range(n_draws)
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["unit_id", "coder", "draw", "label"])
    return frame.assign(label=frame["label"].round(6).astype(str), variable="v", why=None)


def components(frame) -> pd.DataFrame:
    return frame[frame["part"] == "component"].set_index("source")


def test_mean_squares_are_those_of_an_anova_and_variances_solve_their_expectations():
    table = long_answers(12, sizes=(1, 0.5, 0.4, 0.3))
    frame = components(generalizability(table, level="interval", resample=NONE).frame)
    rows = table.assign(y=table["label"].astype(float), m=table["coder"].str[:2], p=table["coder"].str[3:])
    found = anova_lm(smf.ols("y ~ C(unit_id) * C(m) * C(p)", rows).fit())
    named = {"unit": "C(unit_id)", "model": "C(m)", "unit x prompt": "C(unit_id):C(p)", "model x prompt": "C(m):C(p)"}
    named |= {"unit x model": "C(unit_id):C(m)", "unit x model x prompt": "C(unit_id):C(m):C(p)", "draw": "Residual"}
    for source, term in named.items():
        assert frame["mean_square"][source] == pytest.approx(found["mean_sq"][term]), source
        assert frame["df"][source] == found["df"][term]
    squares = frame["mean_square"]
    by_model = (squares["unit x model"] - squares["unit x model x prompt"]) / (2 * 2)
    assert frame["variance"]["unit x model"] == pytest.approx(max(0, by_model))
    rest = squares["model"] - squares["unit x model"] - squares["model x prompt"] + squares["unit x model x prompt"]
    assert frame["variance"]["model"] == pytest.approx(max(0, rest / (12 * 2 * 2)))


def test_the_variances_put_in_come_out_with_intervals_around_them():
    frame = components(
        generalizability(
            long_answers(400, 5, 2, 2, sizes=(1, 0, 0.5, 0.7)), level="interval", resample=Bootstrap(confidence=0.99)
        ).frame
    )
    for source, truth in (("unit", 1.0), ("unit x model", 0.25), ("draw", 0.49)):
        assert frame["low"][source] < truth < frame["high"][source], source
    assert frame["share"].sum() == pytest.approx(1)
    assert frame["share"]["prompt"] < 0.01


def test_the_design_that_halves_the_error_does():
    result = generalizability(long_answers(60, 4, 2, 3, sizes=(1, 0, 0.6, 0.6)), level="interval", resample=NONE)
    designs = result.frame[result.frame["part"] == "design"].reset_index(drop=True)
    part = components(result.frame)["variance"]
    single = part.drop("unit").sum()
    assert designs["error"][0] == pytest.approx(single)
    best = designs[designs["error_share"] <= 0.5].iloc[0]
    assert f"The error is halved by {best['design']}" in result.finding
    n = {name: int(n) for n, name in (each.rstrip("s").split() for each in best["design"].split(", "))}
    by_hand = (
        part["draw"] / (n["model"] * n["prompt"] * n["draw"])
        + part["model"] / n["model"]
        + part["prompt"] / n["prompt"]
    )
    by_hand += part["unit x model"] / n["model"] + part["unit x prompt"] / n["prompt"]
    by_hand += (part["model x prompt"] + part["unit x model x prompt"]) / (n["model"] * n["prompt"])
    assert best["error"] == pytest.approx(by_hand)
    assert best["dependability"] == pytest.approx(part["unit"] / (part["unit"] + by_hand))
    assert result.plot().axes


def test_labels_count_as_indicators_and_gaps_are_left_out_and_counted():
    rng = np.random.default_rng(2)
    truth = rng.choice(list("abc"), 80)
    wide = pd.DataFrame(
        {f"m{at}": np.where(rng.random(80) < 0.8, truth, rng.choice(list("abc"), 80)) for at in range(4)}
    )
    wide.loc[3, "m1"] = None
    result = generalizability(wide, level="nominal", resample=NONE)
    part = components(result.frame)["variance"]
    whole = wide.drop(index=3)
    spread = sum((whole == label).to_numpy(float).var(axis=0, ddof=0).mean() for label in "abc")
    assert part.sum() == pytest.approx(spread, rel=0.05)  # p (1 - p), summed over labels
    assert result.facts.dropped == {"units without an answer of every run and draw": 1}
    assert result.facts.n_units == 79


def test_runs_that_are_not_crossed_are_one_facet_and_one_run_is_nothing():
    table = long_answers(20, 2, 2, 1)
    lame = table[table["coder"] != "m1@p1"]
    sources = components(generalizability(lame, level="interval", resample=NONE).frame).index.tolist()
    assert sources == ["unit", "run", "unit x run"]
    alone = generalizability(table[table["coder"] == "m0@p0"], level="interval")
    assert alone.finding == "One run and one draw: nothing to compare."
    with pytest.raises(StatisticError, match="has none"):
        generalizability(Codings(table, [VariableSpec("v", None, None)]))
    same = pd.DataFrame({"a": list("xxyy"), "b": list("xxyy")}).replace("y", "x")
    assert "there is no variance" in generalizability(same, level="nominal", resample=NONE).finding
