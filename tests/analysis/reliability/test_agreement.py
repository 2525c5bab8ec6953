"""Coefficients of agreement against published figures and other packages.

Published figures are in tests/data/reliability_examples.json with their sources. irrCAC: R package irrCAC on its data
set cac.raw4raters, which are the 12 units of Krippendorff (2011).
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import nltk
import numpy as np
import pandas as pd
import pytest
from alphas import agreement, alpha_of
from nltk.metrics import jaccard_distance
from nltk.metrics.agreement import AnnotationTask
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats import inter_rater

import codebook as cb
from codebook.analysis import COEFFICIENTS, VariableSpec
from codebook.analysis.core.counts import LabelCodes, read_codes
from codebook.analysis.core.estimates import Bootstrap, Estimate, resample
from codebook.analysis.core.examples import make_table, observers_2011
from codebook.analysis.core.scales import Scale
from codebook.analysis.core.standard_errors import jackknife, linear_error, wilson_interval
from codebook.analysis.reliability.coefficients import (
    WEIGHTS,
    Coefficient,
    agreement_weights,
    estimate_coefficient,
    make_measure,
)
from codebook.analysis.reliability.krippendorff import pairable
from codebook.scheme import Codebook

DATA = Path(__file__).parents[3] / "data"
CASES = json.loads((Path(__file__).parents[2] / "data" / "reliability_examples.json").read_text("utf-8"))["cases"]
NAMES = {
    "gwet_ac1": "ac1",
    "cohen_kappa": "cohen",
    "fleiss_kappa": "fleiss",
    "bennett_s": "brennan_prediger",
    "scott_pi": "scott",
}
MINE = [case for case in CASES if case["statistic"] in NAMES]
TONE = ["-1", "0", "1"]


def read_case(case: dict) -> LabelCodes:
    """LabelCodes of a worked example; its labels in the order of the source."""
    data = case["data"]
    if data["layout"] == "contingency":
        cells = [(a, b) for a, row in enumerate(data["matrix"]) for b, n in enumerate(row) for _ in range(n)]
        rows = [[data["labels"][code] for code in cell] for cell in cells]
    elif data["layout"] == "unit_category_counts":
        rows = [np.repeat(data["labels"], counts).tolist() for counts in data["matrix"]]
    else:
        rows = [[None if code is None else str(code) for code in unit] for unit in data["values"]]
    labels = data.get("labels") or sorted({label for row in rows for label in row if label is not None})
    level = "ordinal" if "weights" in case["params"] else "nominal"
    table = make_table("v", {f"c{at}": [row[at] for row in rows] for at in range(len(rows[0]))})
    return read_codes(table, variable="v", level=level, labels=labels)


def estimate(codings: LabelCodes, name: str, **how) -> Estimate:
    return estimate_coefficient(pairable(codings), COEFFICIENTS[name], Bootstrap(**how))[0]


def case_of(name: str) -> LabelCodes:
    return read_case(next(case for case in CASES if case["id"] == name))


@pytest.mark.parametrize("case", MINE, ids=lambda case: case["id"])
def test_worked_examples(case):
    name = "_".join(filter(None, [NAMES[case["statistic"]], case["params"].get("weights")]))
    found = estimate(read_case(case), name)
    assert found.value == pytest.approx(case["expected"], abs=case["tolerance"])
    assert found.definition == case["params"].get("weights", "identity")


def test_no_worked_example_is_left_out():
    assert len(MINE) == 12
    assert {case["statistic"] for case in CASES} - {*NAMES} == {"krippendorff_alpha", "percent_agreement"}


@pytest.mark.parametrize(
    ("name", "value"),
    [("fleiss", 0.76117), ("ac1", 0.77544), ("brennan_prediger", 0.77273), ("conger", 0.76282), ("alpha", 0.74342)],
)
def test_twelve_units_and_four_coders_with_gaps_as_irrcac_has_them(name, value):
    assert round(estimate(case_of("d03_missing_ac1"), name).value, 5) == value


@pytest.mark.parametrize(
    ("name", "sd"), [("fleiss", 0.139), ("ac1", 0.119), ("brennan_prediger", 0.122), ("alpha", 0.145)]
)
def test_spread_of_the_unit_bootstrap(name, sd):
    """Reference: another bootstrap of the same 12 units (analysis methods, section 2)."""
    measure = make_measure(pairable(case_of("d03_missing_ac1")), COEFFICIENTS[name])
    patterns = measure.patterns
    alone = np.eye(len(patterns.times))[np.repeat(np.arange(len(patterns.times)), patterns.times)]  # a unit a cluster
    draws = resample(patterns.times, measure.statistic, replicates=20_000, seed=1, members=alone)
    n_units = len(alone)
    assert np.nanstd(draws) * np.sqrt((n_units - 1) / n_units) == pytest.approx(sd, abs=0.006)


def gwet_errors(counts: np.ndarray) -> dict[str, float]:
    """Analytic standard errors of Gwet (2014, chapter 5), unit by unit, as irrCAC computes them."""
    sizes, n, n_labels = counts.sum(axis=1), len(counts), counts.shape[1]
    two = sizes >= 2
    agree = np.where(two, (counts * (counts - 1)).sum(axis=1) / np.where(two, sizes * (sizes - 1), 1), 0)
    shares = counts / sizes[:, None]
    label, observed = shares.mean(axis=0), agree[two].mean()
    by_unit = {
        "fleiss": shares @ label,
        "ac1": shares @ (1 - label) / (n_labels - 1),
        "brennan_prediger": np.full(n, 1 / n_labels),
    }
    errors = {}
    for name, chance in by_unit.items():
        expected = chance.mean()
        value = (observed - expected) / (1 - expected)
        pulls = n / two.sum() * (agree - expected * two) / (1 - expected)
        pulls = pulls - 2 * (1 - value) * (chance - expected) / (1 - expected)
        errors[name] = float(np.sqrt(((pulls - value) ** 2).sum() / (n * (n - 1))))
    return errors


def unit_counts(codings: LabelCodes) -> np.ndarray:
    given = codings.answered()
    keys = given.unit * codings.scale.n_labels + given.code
    return np.bincount(keys, minlength=len(codings.units) * codings.scale.n_labels).reshape(len(codings.units), -1)


def test_analytic_standard_errors_are_gwets():
    """Printed by irrCAC: Fleiss .1530, AC1 .1430, Brennan-Prediger .1447; ours is the same without single codings."""
    codings = case_of("d03_missing_ac1")
    printed = {"fleiss": 0.1530, "ac1": 0.1430, "brennan_prediger": 0.1447}
    assert gwet_errors(unit_counts(codings)) == pytest.approx(printed, abs=6e-5)  # AC1: .14295
    without = codings.only(codings.unit != 11)  # the unit with one coding
    for name, error in gwet_errors(unit_counts(without)[:11]).items():
        assert estimate(without, name).se == pytest.approx(error, rel=1e-5)
    for name, error in gwet_errors(unit_counts(case_of("d05_fleiss_kappa"))).items():
        assert estimate(case_of("d05_fleiss_kappa"), name).se == pytest.approx(error, rel=1e-5)


def test_cohens_standard_error_and_interval():
    """Table 20 5 / 10 15: kappa .400, SE .1270, interval .1511 to .6489 (statsmodels, R psych)."""
    found = estimate(case_of("d04_cohen_kappa"), "cohen")
    other = inter_rater.cohens_kappa(np.array([[20, 5], [10, 15]]))
    error = found.se * math.sqrt(49 / 50)
    assert round(error, 4) == 0.1270
    assert error == pytest.approx(other.std_kappa, rel=1e-6)
    assert [round(found.value + z * 1.959964 * error, 4) for z in (-1, 1)] == [0.1511, 0.6489]
    assert found.low == pytest.approx(0.1511, abs=0.04)
    assert found.high == pytest.approx(0.6489, abs=0.04)


@pytest.fixture(scope="module")
def random_codings() -> pd.DataFrame:
    rng = np.random.default_rng(8)
    truth = rng.integers(1, 6, 200)
    codes = {name: np.clip(truth + rng.integers(-1, 2, 200), 1, 5).astype(str).tolist() for name in "ab"}
    return make_table("v", codes)


@pytest.mark.parametrize("weights", [None, "linear", "quadratic"])
def test_cohen_is_that_of_scikit_learn(random_codings, weights):
    codings = read_codes(random_codings, variable="v", level="ordinal", labels=list("12345"))
    name = "cohen" if weights is None else f"cohen_{weights}"
    a, b = (codings.code[codings.coder == coder] for coder in (0, 1))
    assert estimate(codings, name, replicates=0).value == pytest.approx(
        cohen_kappa_score(a, b, weights=weights), abs=1e-12
    )
    conger = estimate(codings, name.replace("cohen", "conger"), replicates=0)
    assert conger.value == pytest.approx(estimate(codings, name, replicates=0).value, abs=1e-12)


def test_fleiss_is_that_of_statsmodels():
    codings = case_of("d05_fleiss_kappa")
    other = inter_rater.fleiss_kappa(unit_counts(codings), method="fleiss")
    assert estimate(codings, "fleiss").value == pytest.approx(other, abs=1e-12)
    randolph = inter_rater.fleiss_kappa(unit_counts(codings), method="randolph")
    assert estimate(codings, "brennan_prediger").value == pytest.approx(randolph, abs=1e-12)


def plain_weighted(values: list[list[float | None]], points: list[float], near: np.ndarray, kind: str) -> float:
    """A weighted coefficient pair by pair, with no counts: the slow way."""
    place = {point: at for at, point in enumerate(points)}
    units = [[place[value] for value in unit if value is not None] for unit in values]
    units = [unit for unit in units if unit]
    observed = np.mean(
        [
            np.mean([near[a, b] for i, a in enumerate(unit) for j, b in enumerate(unit) if i != j])
            for unit in units
            if len(unit) > 1
        ]
    )
    share = np.mean([np.bincount(unit, minlength=len(points)) / len(unit) for unit in units], axis=0)
    n = len(points)
    expected = {
        "ac2": near.sum() / (n * (n - 1)) * (share * (1 - share)).sum(),
        "fleiss": share @ near @ share,
        "brennan_prediger": near.sum() / n**2,
    }[kind]
    return float((observed - expected) / (1 - expected))


@pytest.mark.parametrize("kind", ["ac2", "fleiss", "brennan_prediger"])
@pytest.mark.parametrize("weights", ["linear", "quadratic", "ordinal"])
def test_weighted_coefficients_with_gaps(kind, weights):
    values = next(case for case in CASES if case["id"] == "d03_missing_ac1")["data"]["values"]
    at = np.arange(5)
    apart = np.abs(at[:, None] - at)
    far = {"linear": apart / 4, "quadratic": (apart / 4) ** 2, "ordinal": apart * (apart + 1) / 20}[weights]
    codings = read_codes(observers_2011(), variable="code", level="ordinal", labels=list("12345"))
    plain = plain_weighted(values, [1, 2, 3, 4, 5], 1 - far, kind)
    assert estimate(codings, f"{kind}_{weights}").value == pytest.approx(plain, abs=1e-12)


def ratio_weights(points: list[float]) -> np.ndarray:
    """Ratio weights as irrCAC's `ratio.weights` has them, from the formula of Gwet (2014)."""
    low, high = min(points), max(points)
    ends = ((high - low) / (high + low)) ** 2
    return np.array([[1 - ((a - b) / (a + b)) ** 2 / ends if a != b else 1.0 for b in points] for a in points])


TENS = {"A": ["10", "20", "30", "30", "40", "40", "10", "20"], "B": ["10", "20", "20", "30", "40", "30", "20", "20"]}


@pytest.mark.parametrize(
    ("table", "labels", "value"),
    [
        (make_table("code", TENS), ["10", "20", "30", "40"], 0.82035),
        (observers_2011(), list("12345"), 0.8574),
    ],
    ids=["tens", "observers"],
)
def test_s03_ac2_of_a_ratio_scale_without_zero_is_irrcacs(table, labels, value):
    """R irrCAC, `gwet.ac1.raw(ratings, weights="ratio")`: the weights end at the least label, not at 0."""
    found = estimate(read_codes(table, variable="code", level="ratio", labels=labels), "ac2", replicates=0)
    assert found.value == pytest.approx(value, abs=5e-5)


@pytest.mark.parametrize("points", [[0, 1, 4], [10, 20, 30, 40], [0.5, 0.75, 8], [3, 7], [2]], ids=str)
def test_s03_ratio_weights_are_those_of_the_formula(points):
    scale = Scale("ratio", tuple(map(str, points)), np.array(points, dtype=float), n_declared=len(points))
    np.testing.assert_allclose(agreement_weights(scale, "ratio"), ratio_weights(points), atol=1e-12)


@pytest.mark.parametrize("kind", ["ac2", "fleiss", "brennan_prediger"])
@pytest.mark.parametrize("least", [0, 1, 50])
def test_s03_coefficients_with_ratio_weights_pair_by_pair(kind, least):
    """Random tables with gaps, of numbers that begin at 0 and of such that do not, against the slow way."""
    rng = np.random.default_rng(least)
    points = [float(least + step) for step in (0, 1, 3, 10)]
    values = [[rng.choice([*points, None], p=[0.3, 0.2, 0.2, 0.1, 0.2]) for _ in range(3)] for _ in range(40)]
    texts = {f"c{at}": [None if unit[at] is None else f"{unit[at]:g}" for unit in values] for at in range(3)}
    codings = read_codes(make_table("v", texts), variable="v", level="ratio", labels=[f"{p:g}" for p in points])
    found = estimate_weighted(codings, kind, "ratio")
    assert found == pytest.approx(plain_weighted(values, points, ratio_weights(points), kind), abs=1e-12)


def estimate_weighted(codings: LabelCodes, kind: str, weights: str) -> float:
    coefficient = Coefficient(f"{kind}_{weights}", kind, kind, weights)
    return estimate_coefficient(pairable(codings), coefficient, Bootstrap(0))[0].value


def test_ac2_takes_the_weights_of_the_level():
    table, labels = observers_2011(), list("12345")
    found = {
        level: estimate(read_codes(table, variable="code", level=level, labels=labels), "ac2")
        for level in ("nominal", "ordinal", "interval", "ratio")
    }
    assert [each.definition for each in found.values()] == ["identity", "ordinal", "quadratic", "ratio"]
    assert round(found["nominal"].value, 5) == 0.77544  # AC1
    assert len({round(each.value, 6) for each in found.values()}) == 4


@pytest.mark.parametrize("weights", WEIGHTS)
def test_weights_are_one_for_equal_labels_and_symmetric(weights):
    members = np.array([[0, 0], [1, 0], [1, 1]], dtype=bool)
    level = weights if weights in ("masi", "jaccard", "ratio") else "interval"
    near = agreement_weights(Scale(level, ("0", "1", "4"), np.array([0.0, 1, 4]), members, 3), weights)
    assert np.diag(near).tolist() == [1, 1, 1]
    np.testing.assert_array_equal(near, near.T)
    assert near.min() == 0
    if weights == "linear":
        assert near[0].tolist() == [1, 0.75, 0]  # of the numbers 0, 1, 4, not of their places


def test_skew():
    """50 units, 49 unanimous on one label and 1 split: agreement .98, alpha .00, AC1 .98; of alpha little is known."""
    table = make_table("v", {"a": ["x"] * 50, "b": ["x"] * 49 + ["y"]})
    spec = VariableSpec("v", "nominal", ["x", "y"])
    frame = agreement(table, [spec], coefficients=["percent", "alpha", "ac1", "fleiss"], replicates=4000)
    frame = frame.set_index("coefficient")
    assert frame["value"].round(2).to_dict() == {"percent": 0.98, "alpha": 0.0, "ac1": 0.98, "fleiss": -0.01}
    assert frame.loc["alpha", "undefined_share"] == 0
    assert frame.loc["alpha", "low"] < 0 < 0.3 < frame.loc["alpha", "high"] < 0.95
    assert frame.loc["percent", ["low", "high"]].tolist() == pytest.approx(wilson_interval(49, 50))
    assert 0.85 < frame.loc["ac1", "low"] < 0.98 < frame.loc["ac1", "high"] < 1


@pytest.mark.parametrize(("level", "value"), [("nominal", 0.65), ("ordinal", 0.79)])
def test_econ_headlines_at_two_levels(level, value):
    """Votes of three crowd coders, first repetition, beside the gold: the level alone takes alpha from .65 to .79."""
    gold = pd.read_csv(DATA / "econ_headlines" / "headlines.csv", dtype=str)[["headline_id", "gold"]]
    votes = pd.read_csv(DATA / "econ_headlines" / "method_predictions.csv", dtype=str)
    votes = votes[(votes["method_name"] == "crowd3") & (votes["repetition"] == "1")]
    both = gold.merge(votes, on="headline_id", validate="1:1")
    table = make_table("tone", {"gold": both["gold"].tolist(), "crowd": both["value"].tolist()})
    assert round(alpha_of(table, variable="tone", level=level, labels=TONE).value, 2) == value


@pytest.mark.parametrize(
    ("level", "value"),
    [
        ("nominal", 0.4310),
        pytest.param("ordinal", 0.4560, marks=pytest.mark.slow),
        pytest.param("interval", 0.4593, marks=pytest.mark.slow),
    ],
)
def test_coal_debate_with_all_114_coders(level, value):
    """Test questions included, first coding a sentence and coder; values of the krippendorff package."""
    frame = pd.read_csv(DATA / "coal_debate" / "codings.csv", dtype=str).drop_duplicates(["sentence_id", "coder"])
    table = pd.DataFrame({"unit_id": frame["sentence_id"], "coder": frame["coder"], "label": frame["code"]})
    table = table.assign(variable="stance", draw=0, why=pd.Series(None, index=table.index, dtype="str"))
    every = ["alpha", "ac1", "ac2", "fleiss", "conger", "percent_mean_coder_pairs"]
    found = agreement(table, [VariableSpec("stance", level, TONE)], coefficients=every, replicates=200)
    assert set(found["n_coders"]) == {114}
    assert set(found["n_units"]) == {467}
    assert round(found["value"][0], 4) == value
    assert (found["low"] < found["value"]).all()
    assert (found["value"] < found["high"]).all()


@pytest.fixture(scope="module")
def relations() -> tuple[pd.DataFrame, Codebook]:
    book = cb.read_codebook(DATA / "relations_multilabel" / "codebook.yaml")
    return cb.read_coders(DATA / "relations_multilabel" / "coders.yaml", book).frame, book


def test_relations_sets(relations):
    """Alpha at MASI distance .39346, at Jaccard distance .42408 (README of the data: nltk and a second program)."""
    table, book = relations
    frame = agreement(table, book.variables, coefficients=["alpha"])
    frame = frame[frame["label"] == "(set)"]
    assert frame.set_index("level")["value"].round(5).to_dict() == {"masi": 0.39346, "jaccard": 0.42408}
    assert (frame["jack_low"] < frame["value"]).all()  # ten sentences: a jackknife interval beside it
    assert frame["n_coders"].tolist() == [67, 67]


@pytest.mark.parametrize("distance", ["masi", "jaccard"])
def test_sets_are_those_of_nltk(relations, distance):
    table, book = relations
    given = zip(table["coder"], table["unit_id"], table["label"], strict=True)
    data = [(coder, unit, frozenset(json.loads(label))) for coder, unit, label in given]
    other = AnnotationTask(data=data, distance=masi_exact if distance == "masi" else jaccard_distance).alpha()
    labels = book.variables[0].labels
    found = alpha_of(table, variable="relations", level=distance, labels=labels, replicates=0)
    assert found.value == pytest.approx(other, abs=1e-9)
    assert nltk.__version__


def masi_exact(a: frozenset, b: frozenset) -> float:
    """MASI distance with 2/3 and 1/3; nltk's own rounds them to .67 and .33."""
    both = len(a & b)
    weight = 1 if a == b else 2 / 3 if both == min(len(a), len(b)) else 1 / 3 if both else 0
    return 1 - both / len(a | b) * weight


def test_empty_sets_agree_with_each_other_and_with_nothing_else():
    sets = {"a": ['["x"]', "[]", "[]", '["x", "y"]'], "b": ['["x"]', "[]", '["y"]', '["x", "y"]']}
    values = [
        alpha_of(make_table("v", sets), variable="v", level=level, labels=["x", "y"], replicates=0).value
        for level in ("masi", "jaccard")
    ]
    renamed = {who: [text.replace("[]", '["none"]') for text in texts] for who, texts in sets.items()}
    again = alpha_of(make_table("v", renamed), variable="v", level="jaccard", labels=["x", "y", "none"], replicates=0)
    assert values[1] == pytest.approx(again.value, abs=1e-12)  # as if "none of them" were a label of its own
    assert values == pytest.approx([1 - 14 / 42, 1 - 14 / 40])  # by hand


def test_jackknife_is_leaving_out_each_unit():
    codings = read_codes(observers_2011(), variable="code", level="nominal", labels=list("12345"))
    kept = pairable(codings)
    ask = {"variable": "code", "level": "nominal", "labels": list("12345"), "replicates": 0}
    units = [unit for unit in codings.units if unit != "u12"]
    table = observers_2011()
    without = np.array([alpha_of(table[table["unit_id"] != unit], **ask).value for unit in units])
    error = math.sqrt(10 / 11 * ((without - without.mean()) ** 2).sum())
    found, _ = estimate_coefficient(kept, COEFFICIENTS["alpha"], Bootstrap())
    assert found.jack_low == pytest.approx(found.value - 2.228139 * error, abs=1e-6)  # t, 10 degrees of freedom
    assert found.jack_high == 1
    large = estimate_coefficient(pairable(case_of("d07_kappa")), COEFFICIENTS["alpha"], Bootstrap(200))[0]
    assert math.isnan(large.jack_low)  # 91 units


def test_jackknife_says_where_it_is_undefined():
    done = jackknife(np.array([1, 3]), lambda weights: np.where(weights[:, 0] > 0, 0.5, np.nan), confidence=0.95)
    assert math.isnan(done.low)
    assert done.reason == "no jackknife: undefined when one is left out"
    assert math.isnan(linear_error(np.ones(3000, dtype=np.int64), lambda weights: weights[:, 0]))
