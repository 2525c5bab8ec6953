"""Validity against gold: a published table reproduced, unanswered units, undefined measures, sets of labels."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from alphas import alpha_of
from sklearn import metrics

from codebook.analysis import confusion, validity
from codebook.analysis.against_gold.gold_cells import count_cells, read_pair
from codebook.analysis.against_gold.measures import label_measures, measure_cells, overall_measures
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.estimates import Bootstrap
from codebook.analysis.core.examples import make_table
from codebook.analysis.core.scales import VariableSpec
from codebook.errors import StatisticError

DATA = Path(__file__).parents[3] / "data"
TONE = ["-1", "0", "1"]
NAMES = {"pos": "1", "neut": "0", "neg": "-1"}


def hold(table: pd.DataFrame, labels: list[str], *, level: str = "nominal", kind: str = "single") -> Codings:
    """Codings of the one variable of a table, beside the coder `gold`."""
    name = table["variable"].iloc[0]
    return Codings(table, [VariableSpec(name, level, labels, kind)], gold="gold")


def label_rows(codings: Codings | pd.DataFrame, coder: str = "", **options: object) -> pd.DataFrame:
    return validity(codings, coder, by="label", **options).frame.set_index(["part", "name"])


@pytest.fixture(scope="module")
def headlines() -> pd.DataFrame:
    """Gold and every repetition of every method, each a coder."""
    gold = pd.read_csv(DATA / "econ_headlines" / "headlines.csv", dtype=str)
    made = pd.read_csv(DATA / "econ_headlines" / "method_predictions.csv", dtype=str)
    parts = [
        pd.DataFrame({"unit_id": gold["headline_id"], "coder": "gold", "label": gold["gold"]}),
        pd.DataFrame(
            {
                "unit_id": made["headline_id"],
                "coder": made["method_name"] + "/" + made["repetition"],
                "label": made["value"],
            }
        ),
    ]
    table = pd.concat(parts, ignore_index=True).assign(variable="tone", draw=0, why=None)
    return table.astype({"why": "str"})


PUBLISHED = pd.read_csv(DATA / "econ_headlines" / "published_table2.csv").set_index("method_name")


@pytest.mark.parametrize("method", PUBLISHED.index)
def test_published_table_of_econ_headlines(headlines, method):
    coders = [coder for coder in headlines["coder"].unique() if coder.split("/")[0] == method]
    rows = []
    for coder in coders:
        ask = {"variable": "tone", "labels": TONE, "replicates": 0}
        frame = label_rows(hold(headlines, TONE), coder, resample=Bootstrap(0))
        alpha = alpha_of(headlines, **ask, level="ordinal", coders=["gold", coder]).value
        row = {"acc": frame.loc[("overall", "accuracy"), "value"], "alpha": alpha}
        for short, label in NAMES.items():
            own = frame.loc[("label", label)]
            row |= {f"{short}_{measure}": own[measure] for measure in ("precision", "recall", "f1")}
        rows.append(row)
    mean = pd.DataFrame(rows).mean()
    assert len(mean) == 11
    assert (mean - PUBLISHED.loc[method, list(mean.index)].astype(float)).abs().max() < 1e-9


def test_summary_is_the_same_figures_in_one_row(headlines):
    codings = hold(headlines, TONE, level="ordinal").only(["svm/0", "manual1/0", "gold"])
    summary = validity(codings).frame.set_index("coder")
    frame = label_rows(codings, "svm/0")
    row = summary.loc["svm/0"]
    assert row["accuracy"] == pytest.approx(PUBLISHED.loc["svm", "acc"])
    assert row["alpha"] == pytest.approx(PUBLISHED.loc["svm", "alpha"])
    for ours, theirs in (("accuracy", "accuracy"), ("macro_f1", "macro F1")):
        own = frame.loc[("overall", theirs)]
        assert row[[ours, f"{ours}_low", f"{ours}_high"]].tolist() == [
            own["value"],
            own["value_low"],
            own["value_high"],
        ]
    assert row["alpha_low"] < row["alpha"] < row["alpha_high"]
    assert (row["baseline_accuracy"], row["baseline_label"]) == (112 / 284, "0")
    assert summary.loc["manual1/0", ["n_gold", "n_asked", "n_answered"]].tolist() == [284, 280, 280]


def test_real_replies_of_models_with_unusable_ones():
    texts = pd.read_csv(DATA / "topics_sib200_en" / "texts.csv", dtype=str)
    replies = pd.read_csv(DATA / "topics_sib200_en" / "llm_replies_raw.csv", dtype=str)
    topics = sorted(texts["topic"].unique())
    named = [[topic for topic in topics if topic in reply.lower()] for reply in replies["reply"]]
    replies["label"] = [topic[0] if len(topic) == 1 else None for topic in named]
    replies["why"] = np.where(replies["label"].isna(), "invalid", None)
    gold = texts.rename(columns={"topic": "label"}).assign(coder="gold", why=None)
    coded = replies.rename(columns={"model": "coder"})
    table = pd.concat([gold, coded]).rename(columns={"text_id": "unit_id"})[["unit_id", "coder", "label", "why"]]
    table = table.assign(variable="topic", draw=0).astype({"label": "str", "why": "str"})
    summary = validity(hold(table, topics)).frame.sort_values("coder")
    assert summary["accuracy"].round(3).tolist() == [0.696, 0.711]
    assert summary["n_gold"].tolist() == [1004, 1004]
    assert (summary["n_asked"] - summary["n_answered"]).tolist() == [42, 42]
    cells = confusion(hold(table, topics), "gpt-4").frame
    assert cells["coded"].unique().tolist()[-2:] == ["(invalid)", "(not asked)"]
    assert cells["n"].sum() == 1004
    assert cells.loc[cells["coded"] == "(invalid)", "n"].sum() == 42


UNANSWERED = make_table(
    "v", {"gold": ["a", "a", "b", "b", None, "a"], "m": ["a", None, "b", "a", "a", None], "half": ["a", None] * 3}
).query("not (coder == 'half' and label.isna())")


def test_unanswered_is_wrong_and_not_asked_is_left_out():
    codings = hold(UNANSWERED, ["a", "b"])
    result = validity(codings, "m", by="label")
    frame = result.frame.set_index(["part", "name"])
    assert frame.loc[("overall", "accuracy"), "value"] == pytest.approx(2 / 5)
    assert frame.loc[("overall", "accuracy among answered"), "value"] == pytest.approx(2 / 3)
    assert frame.loc[("overall", "accuracy among answered"), "n"] == 3
    assert frame.loc[("label", "a"), "recall"] == pytest.approx(1 / 3)
    assert frame.loc[("label", "a"), "precision"] == pytest.approx(1 / 2)
    assert frame.loc[("baseline", "accuracy"), "value"] == pytest.approx(3 / 5)
    assert (result.facts.n_gold, result.facts.n_asked, result.facts.n_answered) == (5, 5, 3)
    assert "asked and not answered count as wrong" in result.note
    half = validity(codings, "half", by="label").facts
    assert (half.n_gold, half.n_asked) == (5, 2)
    cells = confusion(codings, "half").frame
    assert cells["n"].to_numpy().reshape(2, 3).tolist() == [[1, 0, 2], [1, 0, 1]]
    assert cells["coded"].tolist()[:3] == ["a", "b", "(not asked)"]


def test_undefined_measures_say_why():
    table = make_table("v", {"gold": ["a"] * 6 + ["b"] * 6, "m": ["a"] * 12})
    result = validity(hold(table, ["a", "b", "c", "d"]), by="label")
    frame = result.frame
    by = frame[frame["part"] == "label"].set_index("name")
    assert by["precision"].isna().tolist() == [False, True, True, True]
    assert by.loc["b", "reason"] == "precision: never predicted"
    assert by.loc["c", "reason"] == (
        "precision: never predicted; recall: not in gold; f1: neither in gold nor predicted"
    )
    assert by.loc["b", "f1"] == 0
    assert result.facts.never_predicted == ("b", "c", "d")
    assert result.facts.baseline == ("a", "b")
    baseline = frame[frame["part"] == "baseline"]
    assert (baseline["reason"] == "always 'a' (as common: 'b')").all()
    assert baseline["name"].tolist() == ["accuracy", "macro F1", "balanced accuracy", "weighted F1"]
    assert baseline["value"].tolist() == pytest.approx([1 / 2, 1 / 3, 1 / 2, 1 / 3])
    assert by.loc["a", "reason"] == "npv: predicted for every unit"
    macro = frame.set_index(["part", "name"]).loc[("overall", "macro F1")]
    assert macro["value"] == pytest.approx(1 / 3)


def test_a_coder_asked_about_no_gold_unit():
    table = make_table("v", {"gold": ["a", "b", None], "m": ["a", "b", "a"]})
    table = table.drop(index=table.index[3:5])
    frame = label_rows(hold(table, ["a", "b"]), "m")
    assert frame["value"].isna().all()
    assert (frame["reason"] == "no gold unit was put to this coder").all()
    result = validity(hold(table, ["a", "b"]), "m")
    summary = result.frame
    assert result.finding == "m cannot be held against the gold: no gold unit was put to this coder."
    assert validity(hold(table, ["a", "b"])).finding.startswith("Nobody else coded a unit that 'gold' labelled")
    assert math.isnan(summary["accuracy"][0])
    assert summary["reason"][0] == "no gold unit was put to this coder"


def test_a_coder_who_never_answers():
    table = make_table("v", {"gold": ["a", "b"], "m": [None, None]})
    frame = label_rows(hold(table, ["a", "b"]))
    assert frame.loc[("overall", "accuracy"), "value"] == 0
    answered = frame.loc[("overall", "accuracy among answered")]
    assert math.isnan(answered["value"])
    assert answered["reason"] == "no answer at all"


def test_the_draw_is_the_coders_and_gold_has_draw_zero():
    table = make_table("v", {"gold": ["a", "b"], "m": ["a", "b"]})
    again = table[table["coder"] == "m"].assign(draw=1, label=["b", "b"])
    table = pd.concat([table, again], ignore_index=True)
    codings = hold(table, ["a", "b"])
    values = [label_rows(codings.draw(number))["value"] for number in (0, 1)]
    assert [value[("overall", "accuracy")] for value in values] == [1.0, 0.5]
    summary = validity(codings.draw(1)).frame
    assert summary[["coder", "accuracy"]].to_numpy().tolist() == [["m", 0.5]]
    with pytest.raises(StatisticError, match="use one of 0, 1"):
        codings.draw(2)


def test_bootstrap_of_cells_is_resampling_gold_units(headlines):
    pair = read_pair(hold(headlines, TONE), "svm/0")
    cells = count_cells(pair, TONE)
    draws = np.random.default_rng(2).multinomial(cells.n_asked, cells.times / cells.n_asked, size=20)
    by_label, overall = label_measures(draws.astype(float), cells), overall_measures(draws.astype(float), cells)
    for times, mine, all_of in zip(draws, by_label, overall, strict=True):
        gold = np.repeat(cells.gold.argmax(axis=1), times)
        coded = np.repeat(cells.coded.argmax(axis=1), times)
        assert all_of[0] == pytest.approx((gold == coded).mean())
        f1 = []
        for label in range(3):
            hits = ((gold == label) & (coded == label)).sum()
            precision, recall = hits / (coded == label).sum(), hits / (gold == label).sum()
            f1.append(2 * precision * recall / (precision + recall))
            assert mine[3 + label] == pytest.approx(precision)
            assert mine[6 + label] == pytest.approx(recall)
        assert all_of[2] == pytest.approx(np.mean(f1))


@pytest.mark.slow
def test_intervals_cover_about_as_often_as_they_say():
    rng = np.random.default_rng(0)
    hits = 0
    for seed in range(150):
        right = rng.random(200) < 0.8
        table = make_table("v", {"gold": ["a", "b"] * 100, "m": np.where(right, ["a", "b"] * 100, ["b", "a"] * 100)})
        cells = count_cells(read_pair(hold(table, ["a", "b"]), "m"), ["a", "b"])
        accuracy = measure_cells(cells, Bootstrap(300, 0.9, seed)).overall["accuracy"]
        hits += accuracy.low <= 0.8 <= accuracy.high
    assert 0.83 < hits / 150 < 0.97


SETS = {
    "gold": ['["x", "y"]', '["x"]', "[]", '["z"]', '["x"]'],
    "m": ['["x"]', '["x"]', "[]", '["x", "z"]', None],
}


def test_sets_of_labels():
    codings = hold(make_table("v", SETS), ["x", "y", "z"], kind="multi")
    frame = label_rows(codings, "m")
    assert frame.loc[("label", "x"), ["n", "precision", "recall"]].tolist() == pytest.approx([3, 2 / 3, 2 / 3])
    assert frame.loc[("label", "z"), ["n", "precision", "recall", "f1"]].tolist() == [1, 1, 1, 1]
    overall = frame.loc["overall", "value"]
    assert overall["exact match"] == pytest.approx(2 / 5)
    assert overall["exact match among answered"] == pytest.approx(2 / 4)
    assert overall["Jaccard"] == pytest.approx((1 / 2 + 1 + 1 + 1 / 2 + 0) / 5)
    assert overall["micro F1"] == pytest.approx(2 * 3 / (5 + 4))
    assert overall["macro F1"] == pytest.approx((2 / 3 + 0 + 1) / 3)
    baseline = frame.loc["baseline"]
    assert baseline.loc["exact match", ["value", "reason"]].tolist() == [2 / 5, "always 'x'"]
    assert baseline.loc["micro F1", "value"] == pytest.approx(2 * 3 / (5 + 5))
    summary = validity(codings).frame
    alone = alpha_of(make_table("v", SETS), variable="v", level="masi", labels=["x", "y", "z"])
    assert summary.loc[0, ["accuracy", "alpha", "alpha_level"]].tolist() == [2 / 5, alone.value, "masi"]


def test_the_commonest_set_may_be_none():
    table = make_table("v", {"gold": ["[]", "[]", '["x"]'], "m": ["[]"] * 3})
    assert validity(hold(table, ["x"], kind="multi"), by="label").facts.baseline == ("(none)",)


def test_alpha_with_gold_at_the_level_of_numbers():
    table = make_table("v", {"gold": ["1", "2", "10"], "m": ["1", "3", "10"]})
    ask = {"variable": "v", "labels": ["1", "2", "3", "10"]}
    summary = validity(hold(table, ask["labels"], level="interval")).frame
    assert summary["alpha"][0] == pytest.approx(alpha_of(table, **ask, level="interval").value)
    words = make_table("v", {"gold": ["low", "high"], "m": ["low", "high"]})
    with pytest.raises(StatisticError, match="cannot be taken as interval"):
        validity(hold(words, ["low", "high"], level="interval"))


@pytest.mark.parametrize(
    ("options", "mend"),
    [
        ({"coder": "gold"}, "name another coder"),
        ({"coder": "x"}, "name coders of the table: 'gold', 'm', 'half'"),
        ({"gold": "m2"}, "name coders of the table"),
        ({"labels": ["a"]}, "add them to the codebook"),
        ({"kind": "song"}, "take one of single, rating, multi"),
        ({"variable": "w"}, "name the coder whose labels are the gold"),
        ({"gold": ""}, "gold='NAME'"),
    ],
)
def test_each_wrong_request_names_the_mend(options, mend):
    ask = {"variable": "v", "labels": ["a", "b"], "coder": "m", "gold": "gold", "kind": "single", **options}
    spec = VariableSpec(ask["variable"], "nominal", ask["labels"], ask["kind"])
    with pytest.raises(StatisticError, match=mend):
        validity(Codings(UNANSWERED, [spec], gold=ask["gold"]), ask["coder"], by="label")


@pytest.mark.parametrize(("kind", "verb"), [("transcription", "transcript_accuracy"), ("records", "span_validity")])
def test_answers_that_are_no_labels_name_the_verb_that_holds_them_against_the_gold(kind, verb):
    result = validity(Codings(UNANSWERED, [VariableSpec("v", None, None, kind)], gold="gold"), by="label")
    assert (len(result.frame), verb in result.finding) == (0, True)


def test_sets_are_not_taken_for_single_labels():
    with pytest.raises(StatisticError, match="kind='multi'"):
        validity(hold(make_table("v", SETS), ["x", "y", "z"]), "m", by="label")


WIDE = pd.DataFrame({"gold": list("aaaabbbb"), "m": list("aaabbbba"), "k": list("aaaaaaaa")})


def test_a_plain_frame_is_enough_wide_or_long():
    wide = validity(WIDE, "m", gold="gold", level="nominal").frame
    long = WIDE.rename_axis("unit").reset_index().melt("unit", var_name="coder", value_name="label")
    pd.testing.assert_frame_equal(validity(long, "m", gold="gold", level="nominal").frame, wide)
    pd.testing.assert_frame_equal(validity(hold(make_table("v", dict(WIDE.items())), ["a", "b"]), "m").frame, wide)
    rows = label_rows(WIDE, "k", gold="gold")
    assert rows.loc[("label", "a"), "recall"] == 1


def test_without_a_level_only_alpha_is_left_out():
    without, nominal = (validity(WIDE, gold="gold", level=level) for level in ("", "nominal"))
    assert without.frame["alpha"].isna().all()
    columns = [name for name in nominal.frame if not name.startswith("alpha")]
    pd.testing.assert_frame_equal(without.frame[columns], nominal.frame[columns])
    assert "Alpha with the gold is left out: no level of measurement is said" in without.note
    assert "alpha" not in without.finding
    assert "Alpha" not in without.printed()


def test_the_sentence_and_the_table_hold_every_coder_against_the_constant_label():
    result = validity(WIDE, gold="gold", level="nominal")
    assert result.finding.startswith("m meets the gold in 75.0 % of 8 units [")
    assert (
        "always answering 'a' or 'b' would meet it in 50.0 %; alpha with the gold (nominal) is .53 [" in result.finding
    )
    assert result.finding.endswith("do not use these labels as they are.")
    assert list(result.printed()) == [*("Coder", "Units", "Accuracy", "Macro F1", "Alpha", "Constant label")]
    axes = result.plot().axes[0]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["accuracy", "alpha", "constant label"]
    by_label = validity(WIDE, "k", by="label", gold="gold")
    assert by_label.note.count("k never gave 'b'.") == 1
    assert by_label.finding.startswith("By F1 k meets 'a' best (.67 [")
    assert len(by_label.printed().columns) <= 7
    assert [text.get_text() for text in by_label.plot().axes[0].get_yticklabels()] == ["a", "b"]


def test_confusion_of_a_plain_frame_wide_or_long():
    long = WIDE.rename_axis("unit").reset_index().melt("unit", var_name="coder", value_name="label")
    wide = confusion(WIDE, "m", gold="gold").frame
    pd.testing.assert_frame_equal(confusion(long, "m", gold="gold").frame, wide)
    assert wide["n"].tolist() == [3, 1, 1, 3]
    assert confusion(WIDE[["gold", "gold"]].set_axis(["gold", "z"], axis=1), gold="gold").finding == (
        "z took no label for another."
    )


def test_u16_where_units_were_not_answered_the_table_says_of_how_many_alpha_is():
    table = make_table("v", {"gold": list("abab") * 5, "m": list("abab") * 5, "k": list("abab") * 4 + [None] * 4})
    result = validity(hold(table, ["a", "b"]))
    assert list(result.printed())[:3] == ["Coder", "Units", "Answered"]
    assert list(result.printed())[-2:] == ["Alpha of answered", "Constant label"]
    assert result.printed()["Answered"].tolist() == ["20", "16"]
    finding = validity(hold(table, ["a", "b"]), "k").finding
    assert "alpha with the gold (nominal) on the 16 answered is 1.00 [" in finding
    assert "Answered" not in validity(hold(table, ["a", "b"]), "m").printed()


def test_specificity_npv_balanced_accuracy_and_weighted_f1_are_those_of_scikit_learn():
    chance = np.random.default_rng(5)
    gold, coded = chance.choice(list("aaabbc"), (2, 120))
    frame = validity(hold(make_table("v", {"gold": list(gold), "m": list(coded)}), list("abc")), by="label").frame
    rows = frame.set_index(["part", "name"])
    for label in "abc":
        truth, said = gold != label, coded != label
        assert rows.loc[("label", label), "specificity"] == pytest.approx(metrics.recall_score(truth, said))
        assert rows.loc[("label", label), "npv"] == pytest.approx(metrics.precision_score(truth, said))
        assert rows.loc[("label", label), "npv_low"] < rows.loc[("label", label), "npv"]
    overall = rows.loc["overall", "value"]
    assert overall["balanced accuracy"] == pytest.approx(metrics.balanced_accuracy_score(gold, coded))
    assert overall["weighted F1"] == pytest.approx(metrics.f1_score(gold, coded, average="weighted"))
