"""Validity of gold that was drawn with unequal chances, in strata or in clusters; shares of the confusion; MCC."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import (
    accuracy_score,
    confusion_matrix,
    f1_score,
    jaccard_score,
    matthews_corrcoef,
    precision_recall_fscore_support,
)

from codebook.analysis import confusion, confusion_shares, validity, validity_summary
from codebook.analysis.against_gold.gold_cells import count_cells, read_pair
from codebook.analysis.against_gold.measures import measure_cells
from codebook.analysis.core.estimates import Bootstrap
from codebook.analysis.core.examples import make_table
from codebook.errors import StatisticError
from codebook.sampling import draw_gold

DATA = Path(__file__).parents[3] / "data"
LABELS = ["a", "b", "c"]
ASK = {"variable": "v", "coder": "m", "gold": "gold"}


def make_codes(n_units: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Gold and a coder who is right in seven of ten units, of three labels."""
    rng = np.random.default_rng(seed)
    gold = rng.choice(LABELS, size=n_units, p=[0.6, 0.3, 0.1])
    coded = np.where(rng.random(n_units) < 0.7, gold, rng.choice(LABELS, size=n_units))
    return gold, coded


def by_name(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.set_index(["part", "name"])


def test_weighted_measures_are_those_of_scikit_learn():
    gold, coded = make_codes(300)
    table = make_table("v", {"gold": gold, "m": coded})
    prob = np.random.default_rng(2).choice([0.1, 0.4, 0.9], size=300)
    sample = pd.DataFrame({"unit_id": table["unit_id"].head(300), "prob": prob})
    frame = by_name(validity(table, **ASK, labels=LABELS, sample=sample, replicates=0))
    theirs = precision_recall_fscore_support(gold, coded, labels=LABELS, sample_weight=1 / prob)
    for measure, values in zip(("precision", "recall", "f1"), theirs[:3], strict=True):
        assert frame.loc["label", measure].tolist() == pytest.approx(values.tolist())
    value = frame.loc["overall", "value"]
    assert value["macro F1"] == pytest.approx(f1_score(gold, coded, average="macro", sample_weight=1 / prob))
    assert value["MCC"] == pytest.approx(matthews_corrcoef(gold, coded, sample_weight=1 / prob))
    assert value["accuracy"] == pytest.approx(np.average(gold == coded, weights=1 / prob))
    assert frame.loc[("label", "a"), "n"] == (gold == "a").sum()
    for show, norm in (("row", "true"), ("column", "pred"), ("all", "all")):
        ours = confusion(table, **ASK, labels=LABELS, sample=sample, show=show)
        theirs = confusion_matrix(gold, coded, labels=LABELS, sample_weight=1 / prob, normalize=norm)
        assert ours.to_numpy() == pytest.approx(theirs)
    summary = validity_summary(table, variable="v", labels=LABELS, level="nominal", gold="gold", sample=sample)
    assert summary["mcc"][0] == pytest.approx(value["MCC"])
    assert summary["mcc_low"][0] < summary["mcc"][0] < summary["mcc_high"][0]


def test_weighted_sets_are_those_of_scikit_learn():
    """200 units with unequal chances; two empty sets are equal."""
    rng = np.random.default_rng(5)
    held = rng.random((2, 200, 3)) < np.array([0.5, 0.3, 0.1])
    held[1] = np.where(rng.random((200, 3)) < 0.8, held[0], held[1])
    sets = [[json.dumps([label for label, has in zip(LABELS, row, strict=True) if has]) for row in by] for by in held]
    table = make_table("v", dict(zip(("gold", "m"), sets, strict=True)))
    prob = rng.choice([0.1, 0.7], size=200)
    sample = pd.DataFrame({"unit_id": table["unit_id"].head(200), "prob": prob})
    frame = by_name(validity(table, **ASK, labels=LABELS, kind="multi", sample=sample, replicates=100))
    theirs = precision_recall_fscore_support(*held, average=None, sample_weight=1 / prob)
    for measure, values in zip(("precision", "recall", "f1"), theirs[:3], strict=True):
        assert frame.loc["label", measure].tolist() == pytest.approx(values.tolist())
    value = frame.loc["overall", "value"]
    assert value["exact match"] == pytest.approx(accuracy_score(*held, sample_weight=1 / prob))
    for average in ("micro", "macro"):
        assert value[f"{average} F1"] == pytest.approx(f1_score(*held, average=average, sample_weight=1 / prob))
    empty = ~held.any(axis=(0, 2))
    jaccard = [1.0 if none else jaccard_score(a, b) for a, b, none in zip(*held, empty, strict=True)]
    assert value["Jaccard"] == pytest.approx(np.average(jaccard, weights=1 / prob))
    assert (frame.loc["overall", "value_low"] < value).all()


def test_unanswered_units_are_one_more_label_in_mcc():
    gold, coded = make_codes(200)
    coded = [None if at % 9 == 0 else label for at, label in enumerate(coded)]
    frame = by_name(validity(make_table("v", {"gold": gold, "m": coded}), **ASK, labels=LABELS, replicates=0))
    theirs = matthews_corrcoef(gold, [label or "none" for label in coded])
    assert frame.loc[("overall", "MCC"), "value"] == pytest.approx(theirs)


def test_mcc_of_one_label_is_undefined():
    frame = by_name(validity(make_table("v", {"gold": list("aabb"), "m": list("aaaa")}), **ASK, labels=LABELS))
    row = frame.loc[("overall", "MCC")]
    assert math.isnan(row["value"])
    assert row["reason"] == "undefined: gold or the answers hold one label only"


def test_equal_chances_change_nothing():
    table = make_table("v", dict(zip(("gold", "m"), make_codes(120), strict=True)))
    sample = pd.DataFrame({"unit_id": table["unit_id"].head(120), "prob": 0.3})
    plain, weighted = (
        validity_summary(table, variable="v", labels=LABELS, level="ordinal", gold="gold", sample=each)
        for each in (None, sample)
    )
    numbers = plain.select_dtypes("number").columns
    drawn = [name for name in numbers if name not in ("alpha_low", "alpha_high")]  # of patterns in another order
    assert weighted[drawn].to_numpy() == pytest.approx(plain[drawn].to_numpy(), abs=1e-9)
    assert weighted[["alpha_low", "alpha_high"]].to_numpy() == pytest.approx(
        plain[["alpha_low", "alpha_high"]].to_numpy(), abs=0.04
    )


def rare_study(seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """5 % rare label, found with recall .8, precision about .9; half of 1,000 gold units are predicted positives."""
    rng = np.random.default_rng(seed)
    truth = rng.random(10_000) < 0.05
    found = np.where(truth, rng.random(10_000) < 0.8, rng.random(10_000) < 0.005)
    codes = {name: np.where(held, "yes", "no") for name, held in (("gold", truth), ("m", found))}
    table = make_table("v", codes)
    return table, draw_gold(table[table["coder"] == "m"], 1000, "by_label", seed=seed).frame


def test_recall_of_a_rare_label_needs_the_weights():
    """analysis_methods.md, finding 5: half the gold from predicted positives; unweighted recall is far off."""
    plain, weighted, held = [], [], 0
    for seed in range(20):
        table, sample = rare_study(seed)
        drawn = table[table["unit_id"].isin(sample["unit_id"])]
        ask = {**ASK, "labels": ["no", "yes"], "replicates": 300}
        plain.append(by_name(validity(drawn, **{**ask, "replicates": 0})).loc[("label", "yes"), "recall"])
        row = by_name(validity(table, **ask, sample=sample)).loc[("label", "yes")]
        weighted.append(row["recall"])
        held += row["recall_low"] <= 0.8 <= row["recall_high"]
    assert np.mean(plain) > 0.95
    assert np.mean(weighted) == pytest.approx(0.8, abs=0.03)
    assert held >= 17


def test_strata_are_resampled_apart():
    """Of a sample by predicted label, precision varies within a stratum and the share predicted not at all."""
    table, sample = rare_study(1)
    ask = {**ASK, "labels": ["no", "yes"], "replicates": 200}
    frame = validity(table, **ask, sample=sample)
    assert frame.attrs["resampled"] == "gold units within the strata of the sample"
    assert frame.attrs["weighted"] is True
    assert "weighted by 1 / their inclusion probability" in frame.attrs["note"]
    cells = count_cells(read_pair(table, **ASK, labels=["no", "yes"], sample=sample), ["no", "yes"])
    share = cells.coded[:, 1] @ cells.weighted / cells.weighted.sum()
    truth = (table.loc[table["coder"] == "m", "label"] == "yes").mean()
    assert share == pytest.approx(truth)
    shares = confusion_shares(table, **ask, sample=sample).groupby("coded")[["all"]].sum()
    assert shares.loc["yes", "all"] == pytest.approx(truth)


def test_a_stratum_of_one_unit_joins_the_largest():
    table = make_table("v", {"gold": list("aab" * 5), "m": list("abb" * 5)})
    sample = pd.DataFrame({"unit_id": table["unit_id"].head(15), "prob": 0.5, "stratum": ["x"] * 7 + ["y"] * 7 + ["z"]})
    pair = read_pair(table, **ASK, labels=["a", "b"], sample=sample)
    assert np.bincount(pair.design.stratum).tolist() == [8, 7]


def test_clusters_are_drawn_whole():
    """Ten copies of each of 30 units are worth no more than the 30: the interval is theirs."""
    gold, coded = make_codes(30)
    one = make_table("v", {"gold": gold, "m": coded})
    ten = make_table("v", {"gold": np.repeat(gold, 10), "m": np.repeat(coded, 10)})
    cluster = {unit: int(unit[1:]) // 10 if int(unit[1:]) % 10 else int(unit[1:]) // 10 - 1 for unit in ten["unit_id"]}
    ask = {**ASK, "labels": LABELS, "replicates": 2000}
    accuracy = [
        by_name(frame).loc[("overall", "accuracy")]
        for frame in (validity(one, **ask), validity(ten, **ask), validity(ten, **ask, cluster=cluster))
    ]
    wide, narrow, clustered = (row["value_high"] - row["value_low"] for row in accuracy)
    assert narrow < 0.5 * wide
    assert clustered == pytest.approx(wide, rel=0.1)
    with pytest.raises(StatisticError, match="give each unit of the table its cluster"):
        validity(ten, **ask, cluster={"u1": 1})
    alone = validity(one, **ask, cluster=dict.fromkeys(one["unit_id"], 0))
    row = by_name(alone).loc[("overall", "accuracy")]
    assert math.isnan(row["value_low"])
    assert row["reason"] == "no interval: all gold units are in one cluster"


def test_shares_of_the_confusion_with_intervals():
    gold, coded = make_codes(200)
    table = make_table("v", {"gold": gold, "m": [None if at % 20 == 0 else each for at, each in enumerate(coded)]})
    frame = confusion_shares(table, **ASK, labels=LABELS, replicates=300)
    assert frame["n"].sum() == frame.attrs["n_gold"] == 200
    assert list(frame["coded"].unique()) == [*LABELS, "(absent)"]
    assert frame.groupby("gold")["row"].sum().tolist() == pytest.approx([1, 1, 1])
    assert frame.groupby("coded")["column"].sum().tolist() == pytest.approx([1] * 4)
    assert frame["all"].sum() == pytest.approx(1)
    counts = confusion(table, **ASK, labels=LABELS)
    assert frame["n"].tolist() == counts.to_numpy().ravel().tolist()
    seen = frame[frame["n"] > 5]
    for share in ("row", "column", "all"):
        assert ((seen[f"{share}_low"] < seen[share]) & (seen[share] < seen[f"{share}_high"])).all()
    never = confusion_shares(make_table("v", {"gold": list("aab"), "m": list("aaa")}), **ASK, labels=["a", "b"])
    assert never["reason"].str.contains("column: never given").tolist() == [False, True, False, True]


def test_real_tone_of_headlines_by_shares():
    """Counts of a shipped study: each row share is the recall that validity gives."""
    gold = pd.read_csv(DATA / "econ_headlines" / "headlines.csv", dtype=str)
    made = pd.read_csv(DATA / "econ_headlines" / "method_predictions.csv", dtype=str)
    svm = made[(made["method_name"] == "svm") & (made["repetition"] == "0")]
    table = pd.concat(
        [
            pd.DataFrame({"unit_id": gold["headline_id"], "coder": "gold", "label": gold["gold"]}),
            pd.DataFrame({"unit_id": svm["headline_id"], "coder": "m", "label": svm["value"]}),
        ]
    ).assign(variable="v", draw=0, why=None)
    labels = ["-1", "0", "1"]
    shares = confusion(table, **ASK, labels=labels, show="row").to_numpy()
    frame = validity(table, **ASK, labels=labels, replicates=0)
    assert np.diag(shares).tolist() == pytest.approx(frame[frame["part"] == "label"]["recall"].tolist())


def test_intervals_of_f1_cover_what_they_say():
    """800 studies of 200 gold units, seed 0: the 95 % interval of one label's F1 holds the true one in 92 to 98 %."""
    rng = np.random.default_rng(0)
    p = np.array([[0.36, 0.06, 0.03], [0.05, 0.24, 0.06], [0.02, 0.04, 0.14]])
    f1 = 2 * np.diag(p) / (p.sum(axis=0) + p.sum(axis=1))
    truth = {"a": f1[0], "b": f1[1], "c": f1[2], "macro F1": f1.mean()}
    held = dict.fromkeys(truth, 0)
    order = np.array([(gold, coded) for gold in range(3) for coded in range(3)])
    table = make_table("v", {"gold": [LABELS[gold] for gold, _ in order], "m": [LABELS[coded] for _, coded in order]})
    cells = count_cells(read_pair(table, **ASK, labels=LABELS), LABELS)
    assert cells.codes.tolist() == order.tolist()
    for study in range(800):
        drawn = replace(cells, times=rng.multinomial(200, p.ravel()))
        measures = measure_cells(drawn, Bootstrap(300, 0.95, study))
        found = {**dict(zip(LABELS, measures.by_label["f1"], strict=True)), "macro F1": measures.overall["macro F1"]}
        for name, measure in found.items():
            held[name] += measure.low <= truth[name] <= measure.high
    assert all(0.92 <= n / 800 <= 0.98 for n in held.values()), held


SAMPLE = pd.DataFrame({"unit_id": ["u1", "u2", "u3"], "prob": [0.5, 0.25, 0.5]})


@pytest.mark.parametrize(
    ("sample", "mend"),
    [
        (SAMPLE.assign(unit_id=["u1", "u2", "x9"]), r"1 of 3 units of the sample is not in the table \(first: 'x9'\)"),
        (SAMPLE.assign(prob=[0.5, None, 0.5]), "1 gold units have no inclusion probability"),
        (SAMPLE.assign(prob=[0.5, 0, 0.5]), "a probability is above 0 and at most 1"),
        (SAMPLE.assign(prob=[0.5, 2, 0.5]), "a probability is above 0 and at most 1"),
        (SAMPLE.drop(columns="prob"), "pass the frame of draw_gold or read_gold_sample"),
        (SAMPLE.head(0), "draw gold with draw_gold"),
        (SAMPLE.assign(unit_id=["u1", "u1", "u2"]), "keep one row a unit"),
        (SAMPLE.assign(unit_id=["u1", "u2", "u4"]), "code them; leaving them out would make the probabilities wrong"),
    ],
)
def test_each_wrong_sample_names_the_mend(sample, mend):
    table = make_table("v", {"gold": ["a", "b", "a", None], "m": list("abba")})
    with pytest.raises(StatisticError, match=mend):
        validity(table, **ASK, labels=["a", "b"], sample=sample)
    with pytest.raises(StatisticError, match=mend):
        confusion(table, **ASK, labels=["a", "b"], sample=sample)


def test_gold_outside_the_sample_is_not_used():
    table = make_table("v", {"gold": ["a", "b", "a", "b"], "m": list("abbb")})
    frame = by_name(validity(table, **ASK, labels=["a", "b"], sample=SAMPLE, replicates=0))
    assert frame.attrs["n_gold"] == 3
    assert frame.loc[("overall", "accuracy"), "value"] == pytest.approx((2 + 4) / 8)


def test_a_share_that_is_not_known():
    with pytest.raises(StatisticError, match="pass one of count, row, column, all"):
        confusion(make_table("v", {"gold": ["a"], "m": ["a"]}), **ASK, labels=["a"], show="rows")
