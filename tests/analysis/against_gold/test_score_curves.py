"""Curves of scores beside scikit-learn, and intervals that keep a width."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from codebook.analysis import Codings, VariableSpec, roc_curves
from codebook.analysis.against_gold.score_curves import RIGHT, newcombe_auc
from codebook.analysis.core.examples import make_table

RNG = np.random.default_rng(2)
LABELS = ["a", "b", "c"]
GOLD = RNG.choice(LABELS, 300, p=[0.5, 0.35, 0.15])
SURE = RNG.choice(np.linspace(0.4, 1, 13), 300)  # with ties
CODED = np.where(RNG.random(300) < SURE, GOLD, RNG.choice(LABELS, 300))


def make(gold=GOLD, coded=CODED, sure=SURE):
    table = make_table("topic", {"gold": list(gold), "m": list(coded)})
    table["confidence"] = [np.nan] * len(gold) + list(sure)
    return Codings(table, [VariableSpec("topic", "nominal", LABELS)], gold="gold", models=["m"])


@pytest.mark.parametrize("weighted", [False, True])
def test_areas_are_those_of_scikit_learn(weighted):
    codings, prob = make(), RNG.uniform(0.1, 1, 300)
    if weighted:
        codings = codings.with_sample(pd.DataFrame({"unit_id": [f"u{n}" for n in range(1, 301)], "prob": prob}))
    frame = roc_curves(codings).frame.set_index("label")
    weights = {"sample_weight": 1 / prob} if weighted else {}
    for label in LABELS:
        score = np.where(label == CODED, SURE, (1 - SURE) / 2)
        assert frame.loc[label, "roc_auc"] == pytest.approx(roc_auc_score(label == GOLD, score, **weights))
        assert frame.loc[label, "pr_auc"] == pytest.approx(average_precision_score(label == GOLD, score, **weights))
    assert frame.loc[RIGHT, "roc_auc"] == pytest.approx(roc_auc_score(GOLD == CODED, SURE, **weights))


@pytest.mark.slow
def test_no_interval_of_an_area_collapses_and_they_cover():
    assert newcombe_auc(1.0, 5, 40)[0] < 0.9
    assert newcombe_auc(0.0, 5, 40)[1] > 0.1
    hits, truth = [], 0.9214  # of two normals two standard deviations apart: the chance that one is above the other
    for _ in range(600):
        has = np.arange(60) < 15
        hits.append(truth_in(roc_auc_score(has, RNG.normal(2 * has)), truth))
    assert 0.92 <= np.mean(hits) <= 0.985


def truth_in(auc, truth):
    low, high = newcombe_auc(auc, 15, 45)
    return low <= truth <= high


def test_a_label_that_no_gold_unit_has_is_undefined_with_its_reason():
    frame = roc_curves(make(["a"] * 5 + ["b"] * 5, ["a"] * 10, [0.9] * 10)).frame.set_index("label")
    assert np.isnan(frame.loc["c", "roc_auc"])
    assert frame.loc["c", "reason"] == "no gold unit has the label, so there are not two groups to tell apart"
    assert frame.loc["a", "roc_auc"] == 0.5, "one score for all"


def test_without_scores_the_result_says_so():
    codings = make()
    bare = Codings(codings.frame.drop(columns="confidence"), codings.variables, gold="gold", models=["m"])
    assert "there is no score to draw" in roc_curves(bare).finding
    assert roc_curves(codings).plot() is not None
