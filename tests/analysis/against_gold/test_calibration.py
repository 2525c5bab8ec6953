"""Calibration: Brier and ECE against their definitions and scikit-learn, the curve, coverage, bad input."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from codebook.analysis import calibration
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.estimates import Bootstrap
from codebook.analysis.core.examples import make_table
from codebook.analysis.core.result import Result
from codebook.analysis.core.scales import VariableSpec
from codebook.errors import StatisticError


def calibrate(table: pd.DataFrame, replicates: int = 1000, *, kind: str = "single", **options: object) -> Result:
    """Calibration of the coder `m`; sample and clusters go to the codings."""
    about = {name: options.pop(name) for name in ("clusters", "gold") if name in options}
    codings = Codings(table, [VariableSpec("v", "nominal", ["a", "b"], kind)], **{"gold": "gold", **about})
    codings = codings.with_sample(options.pop("sample", None))
    bootstrap = Bootstrap(replicates, seed=options.pop("seed", 1))
    return calibration(codings, options.pop("coder", "m"), resample=bootstrap, **options)


def make_study(n_units: int, seed: int, boast: float = 0.0) -> pd.DataFrame:
    """A coder who is right with the probability it says, less `boast`."""
    rng = np.random.default_rng(seed)
    says = rng.uniform(0.5, 1, size=n_units)
    right = rng.random(n_units) < says - boast
    gold = rng.choice(["a", "b"], size=n_units)
    coded = np.where(right, gold, np.where(gold == "a", "b", "a"))
    table = make_table("v", {"gold": gold, "m": coded})
    return table.assign(confidence=np.concatenate([np.full(n_units, np.nan), says]))


def parts(table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Probability and whether right, unit by unit."""
    gold, coded = (table[table["coder"] == coder].reset_index(drop=True) for coder in ("gold", "m"))
    return coded["confidence"].to_numpy(), (gold["label"] == coded["label"]).to_numpy()


def overall(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[frame["part"] == "overall"].set_index("name")


def test_figures_are_those_of_scikit_learn():
    table = make_study(500, 1)
    p, right = parts(table)
    frame = calibrate(table, 200).frame
    figures = overall(frame)
    assert figures.loc["Brier", "value"] == pytest.approx(brier_score_loss(right, p))
    assert figures.loc["Brier of a constant", "value"] == pytest.approx(brier_score_loss(right, [right.mean()] * 500))
    bins = frame[frame["part"] == "bin"]
    shares, means = calibration_curve(right, p, n_bins=10)
    assert bins["value"].tolist() == pytest.approx(shares.tolist())
    assert bins["probability"].tolist() == pytest.approx(means.tolist())
    assert bins["n"].sum() == 500
    assert figures.loc["ECE", "value"] == pytest.approx((bins["n"] * abs(shares - means)).sum() / 500)
    assert ((bins["low"] < bins["value"]) & (bins["value"] < bins["high"])).all()
    equal = calibrate(table, 0, binning="count", bins=5).frame
    shares, means = calibration_curve(right, p, n_bins=5, strategy="quantile")
    assert equal.loc[equal["part"] == "bin", "value"].tolist() == pytest.approx(shares.tolist())
    assert equal.loc[equal["part"] == "bin", "n"].tolist() == [100] * 5


def test_coverage_against_accuracy():
    table = make_study(400, 2)
    p, right = parts(table)
    kept = calibrate(table, 0).frame.query("part == 'coverage'")
    assert kept["share"].iloc[-1] == pytest.approx(1)
    assert kept["value"].iloc[-1] == pytest.approx(right.mean())
    for _, row in kept.iterrows():
        chosen = p >= row["probability"]
        assert row["n"] == chosen.sum()
        assert (row["share"], row["value"]) == (pytest.approx(chosen.mean()), pytest.approx(right[chosen].mean()))
    assert kept["value"].iloc[0] > kept["value"].iloc[-1]


def test_weights_of_the_sample_count():
    table = make_study(200, 3)
    p, right = parts(table)
    prob = np.random.default_rng(4).choice([0.1, 0.8], size=200)
    sample = pd.DataFrame({"unit_id": table["unit_id"].head(200), "prob": prob})
    result = calibrate(table, 100, sample=sample)
    figures = overall(result.frame)
    assert figures.loc["Brier", "value"] == pytest.approx(brier_score_loss(right, p, sample_weight=1 / prob))
    assert figures.loc["mean probability", "value"] == pytest.approx(np.average(p, weights=1 / prob))
    assert result.facts.weighted is True
    clustered = calibrate(table, 100, clusters={unit: unit[-1] for unit in table["unit_id"]})
    assert clustered.facts.resampled == "clusters of gold units"


@pytest.mark.slow
@pytest.mark.parametrize("boast", [0.0, 0.15])
def test_interval_of_ece_holds_the_true_one(boast):
    """40 studies of 400 units: the true ECE is the boast, as every bin is off by it; seeds 0 to 39."""
    held = 0
    for seed in range(40):
        rows = overall(calibrate(make_study(400, seed, boast), 200, bins=5, seed=seed).frame)
        held += rows.loc["ECE", "low"] <= boast <= rows.loc["ECE", "high"]
    assert held >= 36


@pytest.mark.slow
def test_ece_by_chance_is_what_a_faultless_coder_shows():
    values = [overall(calibrate(make_study(400, seed), 0).frame).loc["ECE", "value"] for seed in range(60)]
    row = overall(calibrate(make_study(400, 99)).frame).loc["ECE by chance"]
    assert row["value"] == pytest.approx(np.mean(values), rel=0.15)
    assert row["low"] < row["value"] < row["high"]


def test_log_probabilities_of_a_run():
    table = make_study(50, 5)
    coded = table[table["coder"] == "m"]
    logprobs = pd.DataFrame(
        {"unit_id": coded["unit_id"], "variable": "v", "draw": 0, "logprob": np.log(coded["confidence"])}
    )
    both = pd.concat([logprobs, logprobs.assign(variable="w", logprob=-9.0), logprobs.assign(draw=1, logprob=-9.0)])
    ours, theirs = (calibrate(table, 0, **more).frame for more in ({"probability": both}, {}))
    assert ours["value"].tolist() == pytest.approx(theirs["value"].tolist(), nan_ok=True)
    assert ours["n"].tolist() == theirs["n"].tolist()


def test_units_without_a_probability_are_counted():
    table = make_study(40, 6)
    table.loc[[41, 42, 43], "confidence"] = np.nan
    table.loc[44, ["label", "why"]] = [None, "refused"]
    result = calibrate(table, 0)
    frame = result.frame
    assert result.facts.coverage["m"] == {"labelled": 39, "refused": 1, "no probability": 3}
    assert frame["n"][0] == 36


def test_sets_are_right_when_they_are_golds():
    table = make_table("v", {"gold": ['["a"]', '["b"]'], "m": ['["a"]', '["a", "b"]']}).assign(confidence=0.5)
    assert overall(calibrate(table, 0, kind="multi").frame).loc["accuracy", "value"] == 0.5


def test_one_cluster_has_no_interval_and_one_value_has_one_bin():
    table = make_study(20, 7)
    frame = calibrate(table, clusters=dict.fromkeys(table["unit_id"], 1)).frame
    assert math.isnan(frame["low"][0])
    assert frame["reason"][0] == "no interval: all gold units are in one cluster"
    same = calibrate(table.assign(confidence=0.8), 0, binning="count").frame
    assert same.loc[same["part"] == "bin", "n"].tolist() == [20]


def test_the_figure_shows_the_frame():
    result = calibrate(make_study(300, 8), 100)
    frame, figure = result.frame, result.plot()
    bins, kept = (frame[frame["part"] == part] for part in ("bin", "coverage"))
    curve, risk, units = figure.axes
    assert curve.lines[1].get_ydata().tolist() == bins.loc[bins["n"] >= 10, "value"].tolist()
    assert curve.lines[2].get_ydata().tolist() == bins.loc[bins["n"] < 10, "value"].tolist()
    assert curve.lines[2].get_linestyle() == "None", "no line goes through a bin of few units"
    right, wrong = (np.array([bar.get_height() for bar in bars]) for bars in units.containers)
    assert (right + wrong).tolist() == bins["n"].tolist()
    assert (right / bins["n"]).tolist() == pytest.approx(bins["value"].tolist())
    assert risk.get_title(loc="left") == "Risk-coverage"
    assert risk.lines[0].get_xdata().tolist() == kept["share"].tolist()
    assert risk.lines[0].get_ydata().tolist() == (1 - kept["value"]).tolist()
    accuracy = f"{overall(frame).loc['accuracy', 'value']:.2f}".removeprefix("0")
    assert result.finding.startswith(f"m is right in {accuracy} [")
    assert "Chance alone lifts it" in result.note


def test_without_a_probability_there_is_nothing_to_compare():
    table = make_study(10, 9)
    for frame in (table.drop(columns="confidence"), spoil(table, np.nan)):
        result = calibrate(frame)
        assert result.finding.startswith("No label of 'v' by 'm' has a probability: nothing to compare.")
        assert "ask for probabilities in the run (logprobs)" in result.finding
        assert len(result.frame) == 0
    none = pd.DataFrame(columns=["unit_id", "variable", "draw", "logprob"])
    assert calibrate(table, probability=none).facts.nothing == result.finding
    assert calibrate(table[table["coder"] == "m"], coder="").finding.startswith("No unit has a label of 'gold'")


def test_a_long_frame_is_enough():
    table = make_study(60, 10)
    long = table.rename(columns={"unit_id": "unit"})[["unit", "coder", "label", "confidence"]]
    plain = calibration(long, gold="gold", resample=Bootstrap(50))
    pd.testing.assert_frame_equal(plain.frame, calibrate(table, 50).frame)


def spoil(table: pd.DataFrame, values: object) -> pd.DataFrame:
    return table.assign(confidence=values)


@pytest.mark.parametrize(
    ("change", "options", "mend"),
    [
        (lambda table: table, {"probability": "sure"}, r"or pass run.logprobs\(\)"),
        (lambda table: spoil(table, 80.0), {}, "pass shares, not per cent or scores"),
        (
            lambda table: table,
            {"probability": pd.DataFrame({"unit_id": ["u1", "u1"], "logprob": [-1, -2]})},
            "pass one a",
        ),
        (
            lambda table: table,
            {"probability": pd.DataFrame({"unit_id": ["x"], "logprob": [-1.0]})},
            "units that have gold",
        ),
        (
            lambda table: table,
            {"probability": pd.DataFrame({"unit_id": ["u1"], "logprob": [0.7]})},
            "which are below 0",
        ),
        (lambda table: table, {"bins": 0}, "pass 10, or 1 or more"),
        (lambda table: table, {"binning": "even"}, "pass one of width, count"),
        (lambda table: table, {"coder": "x"}, "name coders of the table"),
    ],
)
def test_each_wrong_request_names_the_mend(change, options, mend):
    with pytest.raises(StatisticError, match=mend):
        calibrate(change(make_study(10, 9)), **options)
