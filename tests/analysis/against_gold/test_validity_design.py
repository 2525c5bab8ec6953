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

from codebook.analysis import confusion, validity
from codebook.analysis.against_gold.gold_cells import count_cells, read_pair
from codebook.analysis.against_gold.measures import measure_cells
from codebook.analysis.core.codings import Clusters, Codings
from codebook.analysis.core.estimates import Bootstrap
from codebook.analysis.core.examples import make_table
from codebook.analysis.core.scales import VariableSpec
from codebook.errors import StatisticError
from codebook.sampling import draw_gold

DATA = Path(__file__).parents[3] / "data"
LABELS = ["a", "b", "c"]


def hold(
    table: pd.DataFrame,
    labels: list[str] = LABELS,
    *,
    level: str = "nominal",
    kind: str = "single",
    sample: pd.DataFrame | None = None,
    clusters: Clusters | None = None,
) -> Codings:
    """Codings of the variable `v` beside the coder `gold`."""
    codings = Codings(table, [VariableSpec("v", level, labels, kind)], gold="gold", clusters=clusters)
    return codings.with_sample(sample)


def label_rows(codings: Codings, replicates: int = 1000) -> pd.DataFrame:
    return validity(codings, "m", by="label", resample=Bootstrap(replicates)).frame.set_index(["part", "name"])


def make_codes(n_units: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Gold and a coder who is right in seven of ten units, of three labels."""
    rng = np.random.default_rng(seed)
    gold = rng.choice(LABELS, size=n_units, p=[0.6, 0.3, 0.1])
    coded = np.where(rng.random(n_units) < 0.7, gold, rng.choice(LABELS, size=n_units))
    return gold, coded


def test_weighted_measures_are_those_of_scikit_learn():
    gold, coded = make_codes(300)
    table = make_table("v", {"gold": gold, "m": coded})
    prob = np.random.default_rng(2).choice([0.1, 0.4, 0.9], size=300)
    sample = pd.DataFrame({"unit_id": table["unit_id"].head(300), "prob": prob})
    codings = hold(table, sample=sample)
    frame = label_rows(codings, 0)
    theirs = precision_recall_fscore_support(gold, coded, labels=LABELS, sample_weight=1 / prob)
    for measure, values in zip(("precision", "recall", "f1"), theirs[:3], strict=True):
        assert frame.loc["label", measure].tolist() == pytest.approx(values.tolist())
    value = frame.loc["overall", "value"]
    assert value["macro F1"] == pytest.approx(f1_score(gold, coded, average="macro", sample_weight=1 / prob))
    assert value["MCC"] == pytest.approx(matthews_corrcoef(gold, coded, sample_weight=1 / prob))
    assert value["accuracy"] == pytest.approx(np.average(gold == coded, weights=1 / prob))
    assert frame.loc[("label", "a"), "n"] == (gold == "a").sum()
    cells = confusion(codings, resample=Bootstrap(0)).frame
    for share, norm in (("row", "true"), ("column", "pred"), ("all", "all")):
        theirs = confusion_matrix(gold, coded, labels=LABELS, sample_weight=1 / prob, normalize=norm)
        assert cells[share].to_numpy().reshape(3, 3) == pytest.approx(theirs)
    summary = validity(codings).frame
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
    frame = label_rows(hold(table, kind="multi", sample=sample), 100)
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
    frame = label_rows(hold(make_table("v", {"gold": gold, "m": coded})), 0)
    theirs = matthews_corrcoef(gold, [label or "none" for label in coded])
    assert frame.loc[("overall", "MCC"), "value"] == pytest.approx(theirs)


def test_mcc_of_one_label_is_undefined():
    frame = label_rows(hold(make_table("v", {"gold": list("aabb"), "m": list("aaaa")})))
    row = frame.loc[("overall", "MCC")]
    assert math.isnan(row["value"])
    assert row["reason"] == "undefined: gold or the answers hold one label only"


def test_equal_chances_change_nothing():
    table = make_table("v", dict(zip(("gold", "m"), make_codes(120), strict=True)))
    sample = pd.DataFrame({"unit_id": table["unit_id"].head(120), "prob": 0.3})
    plain, weighted = (validity(hold(table, level="ordinal", sample=drawn)).frame for drawn in (None, sample))
    numbers = plain.select_dtypes("number").columns
    same = [name for name in numbers if name not in ("alpha_low", "alpha_high")]  # these: patterns in another order
    assert weighted[same].to_numpy() == pytest.approx(plain[same].to_numpy(), abs=1e-9)
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


@pytest.mark.slow
def test_recall_of_a_rare_label_needs_the_weights():
    """analysis_methods.md, finding 5: half the gold from predicted positives; unweighted recall is far off."""
    plain, weighted, held = [], [], 0
    for seed in range(20):
        table, sample = rare_study(seed)
        drawn = table[table["unit_id"].isin(sample["unit_id"])]
        plain.append(label_rows(hold(drawn, ["no", "yes"]), 0).loc[("label", "yes"), "recall"])
        row = label_rows(hold(table, ["no", "yes"], sample=sample), 300).loc[("label", "yes")]
        weighted.append(row["recall"])
        held += row["recall_low"] <= 0.8 <= row["recall_high"]
    assert np.mean(plain) > 0.95
    assert np.mean(weighted) == pytest.approx(0.8, abs=0.03)
    assert held >= 17


def test_strata_are_resampled_apart():
    """Of a sample by predicted label, precision varies within a stratum and the share predicted not at all."""
    table, sample = rare_study(1)
    codings = hold(table, ["no", "yes"], sample=sample)
    result = validity(codings, by="label", resample=Bootstrap(200))
    assert result.facts.resampled == "gold units within the strata of the sample"
    assert result.facts.weighted is True
    assert "weighted by 1 / their inclusion probability" in result.note
    cells = count_cells(read_pair(codings, "m"), ["no", "yes"])
    share = cells.coded[:, 1] @ cells.weighted / cells.weighted.sum()
    truth = (table.loc[table["coder"] == "m", "label"] == "yes").mean()
    assert share == pytest.approx(truth)
    shares = confusion(codings, resample=Bootstrap(200)).frame.groupby("coded")[["all"]].sum()
    assert shares.loc["yes", "all"] == pytest.approx(truth)


def test_a_stratum_of_one_unit_joins_the_largest():
    table = make_table("v", {"gold": list("aab" * 5), "m": list("abb" * 5)})
    sample = pd.DataFrame({"unit_id": table["unit_id"].head(15), "prob": 0.5, "stratum": ["x"] * 7 + ["y"] * 7 + ["z"]})
    pair = read_pair(hold(table, ["a", "b"], sample=sample), "m")
    assert np.bincount(pair.design.stratum).tolist() == [8, 7]


def test_clusters_are_drawn_whole():
    """Ten copies of each of 30 units are worth no more than the 30: the interval is theirs."""
    gold, coded = make_codes(30)
    one = make_table("v", {"gold": gold, "m": coded})
    ten = make_table("v", {"gold": np.repeat(gold, 10), "m": np.repeat(coded, 10)})
    cluster = {unit: int(unit[1:]) // 10 if int(unit[1:]) % 10 else int(unit[1:]) // 10 - 1 for unit in ten["unit_id"]}
    accuracy = [
        label_rows(codings, 2000).loc[("overall", "accuracy")]
        for codings in (hold(one), hold(ten), hold(ten, clusters=cluster))
    ]
    wide, narrow, clustered = (row["value_high"] - row["value_low"] for row in accuracy)
    assert narrow < 0.5 * wide
    assert wide < clustered < 1.15 * wide  # Student's t of 29 degrees of freedom, where Wilson has the normal
    with pytest.raises(StatisticError, match="give each unit of the table its cluster"):
        validity(hold(ten, clusters={"u1": 1}))
    alone = label_rows(hold(one, clusters=dict.fromkeys(one["unit_id"], 0)))
    row = alone.loc[("overall", "accuracy")]
    assert math.isnan(row["value_low"])
    assert row["reason"] == "no interval: all gold units are in one cluster"


def test_shares_of_the_confusion_with_intervals():
    gold, coded = make_codes(200)
    table = make_table("v", {"gold": gold, "m": [None if at % 20 == 0 else each for at, each in enumerate(coded)]})
    result = confusion(hold(table), resample=Bootstrap(300))
    frame = result.frame
    assert frame["n"].sum() == result.facts.n_gold == 200
    assert list(frame["coded"].unique()) == [*LABELS, "(absent)"]
    assert frame.groupby("gold")["row"].sum().tolist() == pytest.approx([1, 1, 1])
    assert frame.groupby("coded")["column"].sum().tolist() == pytest.approx([1] * 4)
    assert frame["all"].sum() == pytest.approx(1)
    texts = [text.get_text() for text in result.plot().axes[0].texts]
    in_cells = frame[frame["n"] > 0]
    both = [
        str(number)
        for row in zip(100 * in_cells["row"].round(2), in_cells["n"], strict=True)
        for number in map(int, row)
    ]
    assert sorted(text for text in texts if text != "·") == sorted(both)
    assert list(result.printed()) == ["Gold", "Coded as", "n", "Share of gold label", "Share of coded label"]
    seen = frame[frame["n"] > 5]
    for share in ("row", "column", "all"):
        assert ((seen[f"{share}_low"] < seen[share]) & (seen[share] < seen[f"{share}_high"])).all()
    never = confusion(hold(make_table("v", {"gold": list("aab"), "m": list("aaa")}), ["a", "b"])).frame
    assert never["reason"].str.contains("column: never given").tolist() == [False, True, False, True]


def test_confusion_figure_prints_and_colours_shares_with_counts_below():
    table = make_table("v", {"gold": ["a"] * 4 + ["b"], "m": ["a", "a", "a", "b", None]})
    result = confusion(hold(table))
    axes = result.plot().axes[0]
    assert [text.get_text() for text in axes.texts[:6]] == ["75", "3", "25", "1", "·", "·"]
    assert [text.get_text() for text in axes.texts[-4:]] == ["–"] * 4  # no gold label is c
    assert axes.collections[0].get_array().tolist() == [0.75, 0.25, 0, 0, 0, 0, 0, 1]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["a", "b", "c", "absent"]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["a (4)", "b (1)", "c (0)"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("label by m", "gold\n(units)")
    assert result.finding == "'a' is taken for 'b' in 25 % [5 %, 70 %] of its units (1 unit, by m)."
    sets = confusion(hold(make_table("v", {"gold": ['["a"]'], "m": ['["b"]']}), kind="multi"))
    assert sets.finding == "Sets of labels have no confusion: each label is measured by itself."


def test_labels_that_are_taken_for_each_other_stand_together_unless_their_order_means_something():
    gold = [*"a" * 20, *"b" * 20, *"c" * 20, *"d" * 20]
    coded = [*"a" * 14, *"d" * 6, *"b" * 20, *"c" * 20, *"d" * 14, *"a" * 6]
    table = make_table("v", {"gold": gold, "m": coded})
    for level, names in (("nominal", {"ad", "da"}), ("ordinal", {"ab"})):
        result = confusion(hold(table, list("abcd"), level=level), resample=Bootstrap(0))
        rows = "".join(tick.get_text()[0] for tick in result.plot().axes[0].get_yticklabels())
        assert any(pair in rows for pair in names)
        assert result.frame["gold"].unique().tolist() == list("abcd")
    assert rows == "abcd"


def test_the_printed_confusion_is_of_the_most_confused_pairs():
    gold = [label for label in "abcdef" for _ in range(36)]
    table = make_table("v", {"gold": gold, "m": [*"abcdef"] * 36})
    result = confusion(hold(table, list("abcdef")), resample=Bootstrap(0))
    assert len(result.frame) == 36
    printed = result.printed()
    assert len(printed) == 16
    assert (printed["Gold"] != printed["Coded as"]).all()
    right = confusion(hold(make_table("v", {"gold": list("ab"), "m": list("ab")}), list("ab")), resample=Bootstrap(0))
    assert right.printed()["Coded as"].tolist() == ["a", "b"]


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
    cells = confusion(hold(table, labels), resample=Bootstrap(0)).frame
    shares = cells.loc[cells["gold"] == cells["coded"], "row"]
    assert shares.tolist() == pytest.approx(label_rows(hold(table, labels), 0).loc["label", "recall"].tolist())


@pytest.mark.slow
def test_intervals_of_f1_cover_what_they_say():
    """800 studies of 200 gold units, seed 0: the 95 % interval of one label's F1 holds the true one in 92 to 98 %."""
    rng = np.random.default_rng(0)
    p = np.array([[0.36, 0.06, 0.03], [0.05, 0.24, 0.06], [0.02, 0.04, 0.14]])
    f1 = 2 * np.diag(p) / (p.sum(axis=0) + p.sum(axis=1))
    truth = {"a": f1[0], "b": f1[1], "c": f1[2], "macro F1": f1.mean()}
    held = dict.fromkeys(truth, 0)
    order = np.array([(gold, coded) for gold in range(3) for coded in range(3)])
    table = make_table("v", {"gold": [LABELS[gold] for gold, _ in order], "m": [LABELS[coded] for _, coded in order]})
    cells = count_cells(read_pair(hold(table), "m"), LABELS)
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
        (SAMPLE.assign(unit_id=["u1", "u1", "u2"]), "keep one row per unit"),
        (SAMPLE.assign(unit_id=["u1", "u2", "u4"]), "code them; leaving them out would make the probabilities wrong"),
    ],
)
def test_each_wrong_sample_names_the_mend(sample, mend):
    table = make_table("v", {"gold": ["a", "b", "a", None], "m": list("abba")})
    with pytest.raises(StatisticError, match=mend):
        validity(hold(table, ["a", "b"], sample=sample), "m")
    with pytest.raises(StatisticError, match=mend):
        confusion(hold(table, ["a", "b"], sample=sample), "m")


def test_gold_outside_the_sample_is_not_used():
    table = make_table("v", {"gold": ["a", "b", "a", "b"], "m": list("abbb")})
    result = validity(hold(table, ["a", "b"], sample=SAMPLE), by="label", resample=Bootstrap(0))
    assert result.facts.n_gold == 3
    row = result.frame.set_index(["part", "name"]).loc[("overall", "accuracy")]
    assert row["value"] == pytest.approx((2 + 4) / 8)
