"""Corrected shares: against PPI++ written out, with unequal chances, on shipped labels; and labels set beside gold."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from codebook.analysis.core.codings import Codings, SampleLike
from codebook.analysis.core.examples import make_table
from codebook.analysis.core.gold_samples import GoldSample
from codebook.analysis.core.scales import VariableSpec
from codebook.analysis.correction import SOURCES, correct, pair_with_gold, prevalence
from codebook.analysis.correction.shares import estimate_rogan_gladen, lang_reiczigel
from codebook.errors import Fault, StatisticError
from codebook.sampling import draw_gold, take_part

DATA = Path(__file__).parents[3] / "data"
VARIABLE = VariableSpec("v", "nominal", ["yes", "no"])
SETS = VariableSpec("v", None, ["yes", "no"], "multi")


def read(table: pd.DataFrame, sample: SampleLike = "random", variable: VariableSpec = VARIABLE) -> Codings:
    """Codings of a model and a gold, by default a random sample."""
    return Codings(table, [variable], gold="gold", models=("model",)).with_sample(sample)


def tidy(gold: np.ndarray, model: np.ndarray) -> pd.DataFrame:
    """The labels as a tidy table; None is missing."""
    table = make_table("v", {"gold": list(gold), "model": list(model)})
    return table[~((table["coder"] == "gold") & table["label"].isna())]


def make_labels(n_units: int, accuracy: float, seed: int, share: float = 0.3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = np.where(rng.random(n_units) < share, "yes", "no").astype(object)
    wrong = np.where(truth == "yes", "no", "yes")
    return truth, np.where(rng.random(n_units) < accuracy, truth, wrong).astype(object)


def row_of(frame: pd.DataFrame, label: str, source: str) -> pd.Series:
    return frame[(frame["label"] == label) & (frame["source"] == source)].iloc[0]


def test_random_gold_gives_the_mean_of_ppi_plus_plus():
    """Angelopoulos, Duchi and Zrnic (2023): w mean(f, unlabelled) + mean(y - w f), w = cov / ((1 + n/N) var)."""
    truth, model = make_labels(3000, 0.85, 1)
    drawn = np.random.default_rng(2).permutation(3000) < 400
    result = prevalence(read(tidy(np.where(drawn, truth, None), model)))
    frame = result.frame
    y, f = (truth[drawn] == "yes").astype(float), (model == "yes").astype(float)
    n, rest = len(y), f[~drawn]
    both = np.cov(y, f[drawn])
    spread = np.mean((f - f.mean()) ** 2)
    w = both[0, 1] / ((1 + n / len(rest)) * spread)
    mean = w * rest.mean() + (y - w * f[drawn]).mean()
    se = math.sqrt(w * w * rest.var() / len(rest) + (y - w * f[drawn]).var() / n)
    row = row_of(frame, "yes", "corrected")
    assert row["weight"] * len(rest) / 3000 == pytest.approx(w, rel=0.02)
    assert row["estimate"] == pytest.approx(mean, abs=2e-4)
    assert row["se"] == pytest.approx(se, rel=0.01)
    assert row["high"] - row["low"] == pytest.approx(2 * 1.959964 * row["se"])
    gold = row_of(frame, "yes", "gold only")
    assert gold["estimate"] == pytest.approx(y.mean())
    assert gold["se"] == pytest.approx(math.sqrt(y.var() / n))
    assert row["worth"] == pytest.approx(n * (gold["se"] / row["se"]) ** 2)
    assert row["se"] < gold["se"]
    assert f"{round(row['worth']):,}" in set(result.printed()["Worth"])  # units, which are whole


def test_a_given_weight_is_the_plain_formula():
    truth, model = make_labels(2000, 0.8, 3)
    drawn = np.arange(2000) < 300
    table = tidy(np.where(drawn, truth, None), model)
    y, f = (truth[drawn] == "yes").astype(float), (model == "yes").astype(float)
    full = row_of(prevalence(read(table), weight=1).frame, "yes", "corrected")
    assert full["estimate"] == pytest.approx(f.mean() + (y - f[drawn]).mean())  # design-based, m(f) + R/prob (y - f)
    part = 1700 / 2000  # PPI with weight 1 on the unlabelled alone
    ppi = row_of(prevalence(read(table), weight=part).frame, "yes", "corrected")
    assert ppi["estimate"] == pytest.approx(part * f.mean() + (y - part * f[drawn]).mean())
    none = row_of(prevalence(read(table), weight=0).frame, "yes", "corrected")
    assert none["estimate"] == pytest.approx(y.mean())


def test_a_sample_by_label_is_weighted_without_being_told():
    truth, model = make_labels(20_000, 0.9, 4, share=0.05)
    table = tidy(truth, model)
    sample = draw_gold(table[table["coder"] == "model"], 600, "by_label", seed=3).frame
    result = prevalence(read(table, sample))
    frame = result.frame
    true = float((truth == "yes").mean())
    rows = {source: row_of(frame, "yes", source) for source in SOURCES}
    assert rows["model labels only"]["low"] > 2 * true
    for source in ("gold only", "corrected"):
        assert rows[source]["low"] < true < rows[source]["high"]
    naive = (truth[sample["unit_id"].str[1:].astype(int) - 1] == "yes").mean()
    assert naive > 3 * true
    assert (result.facts.n_gold, result.facts.weighted) == (600, True)
    assert frame.groupby("source")["estimate"].sum().to_numpy() == pytest.approx(1)
    assert "The model's share lies outside the corrected interval." in result.finding


def test_shares_of_topics_with_real_replies():
    texts = pd.read_csv(DATA / "topics_sib200_en" / "texts.csv", dtype=str)
    replies = pd.read_csv(DATA / "topics_sib200_en" / "llm_replies_raw.csv", dtype=str)
    replies = replies[replies["model"] == "gpt-4"]
    topics = sorted(texts["topic"].unique())
    named = [[topic for topic in topics if topic in reply.lower()] for reply in replies["reply"]]
    label = [found[0] if len(found) == 1 else None for found in named]
    model = replies.rename(columns={"text_id": "unit_id"})[["unit_id"]].assign(
        coder="model", label=label, why=["invalid" if each is None else None for each in label]
    )
    gold = texts.rename(columns={"text_id": "unit_id", "topic": "label"})[["unit_id", "label"]]
    gold = gold[gold["unit_id"].isin(model["unit_id"])].assign(coder="gold", why=None)
    table = pd.concat([model, gold]).assign(variable="topic", draw=0).astype({"label": "str", "why": "str"})
    sample = draw_gold(table[table["coder"] == "model"], 100, "by_label", seed=2).frame
    assert "(invalid)" in sample["stratum"].tolist()
    result = prevalence(read(table, sample, VariableSpec("topic", "nominal", topics)))
    frame = result.frame
    assert result.facts.n_units == 204
    assert result.facts.coverage == {"topic": {"labelled": 162, "invalid": 42}}
    assert row_of(frame, "travel", "model labels only")["n"] == 162
    true = gold["label"].value_counts(normalize=True)
    corrected = frame[frame["source"] == "corrected"].set_index("label")
    known = corrected[corrected["reason"] == ""]
    inside = (known["low"] <= true[known.index]) & (true[known.index] <= known["high"])
    assert inside.sum() >= len(known) - 1
    gap = (frame[frame["source"] == "model labels only"].set_index("label")["estimate"] - true).abs()
    assert (corrected["estimate"] - true).abs().mean() < gap.mean()


def test_sets_of_labels_and_clusters():
    rng = np.random.default_rng(5)
    sets = np.array(["[]", '["yes"]', '["yes", "no"]'], dtype=object)
    truth = rng.choice(sets, 600)
    model = np.where(rng.random(600) < 0.8, truth, rng.choice(sets, 600))
    table = tidy(np.where(np.arange(600) < 150, truth, None), model)
    codings = read(table, variable=SETS)
    frame = prevalence(codings).frame
    assert row_of(frame, "yes", "model labels only")["estimate"] == pytest.approx(np.mean(model != "[]"))
    assert row_of(frame, "yes", "corrected")["estimate"] == pytest.approx(2 / 3, abs=0.1)
    authors = pd.Series(np.repeat(np.arange(60), 10), index=[f"u{n}" for n in range(1, 601)])
    clustered = prevalence(codings.with_clusters(authors))
    by_author = clustered.frame
    assert clustered.facts.n_clusters == 60
    assert row_of(by_author, "yes", "gold only")["estimate"] == row_of(frame, "yes", "gold only")["estimate"]
    assert row_of(by_author, "yes", "gold only")["se"] != row_of(frame, "yes", "gold only")["se"]
    opened = pair_with_gold(codings, label="no").frame
    assert opened["predicted"].tolist() == [float('"no"' in each) for each in model]
    with pytest.raises(StatisticError, match="label by label"):
        pair_with_gold(codings)


def test_no_gold_of_a_label_gives_no_interval():
    gold = np.array(["no"] * 30 + [None] * 70, dtype=object)
    model = np.array(["no"] * 60 + ["yes"] * 40, dtype=object)
    frame = prevalence(read(tidy(gold, model))).frame
    for label in ("yes", "no"):
        row = row_of(frame, label, "corrected")
        assert math.isnan(row["estimate"])
        assert math.isnan(row["high"])
    assert row_of(frame, "yes", "gold only")["estimate"] == 0
    assert "at most about .100): draw gold by the model's label" in row_of(frame, "yes", "gold only")["reason"]
    assert row_of(frame, "yes", "model labels only")["estimate"] == 0.4
    one = prevalence(read(tidy(np.where(np.arange(100) == 3, "no", None), model))).frame
    assert row_of(one, "no", "corrected")["reason"] == "one gold unit has no spread: code more gold"


def test_what_the_model_never_says_has_no_interval_of_its_own():
    gold = np.array(["yes", "no"] * 15 + [None] * 70, dtype=object)
    frame = prevalence(read(tidy(gold, np.array(["no"] * 100, dtype=object)))).frame
    row = row_of(frame, "yes", "model labels only")
    assert (row["estimate"], row["reason"]) == (0, "the model never gives it")
    assert math.isnan(row["high"])
    assert row_of(frame, "yes", "corrected")["estimate"] == pytest.approx(0.5)
    silent = tidy(gold, np.array([None] * 100, dtype=object))
    result = prevalence(read(silent))
    frame = result.frame
    assert result.facts.dropped == {"absent": 100}
    assert math.isnan(row_of(frame, "yes", "model labels only")["estimate"])
    assert row_of(frame, "yes", "corrected")["estimate"] == pytest.approx(0.5)


def test_one_cluster_tells_no_interval():
    truth, model = make_labels(60, 0.9, 1)
    same = {f"u{n}": "author" for n in range(1, 61)}
    frame = prevalence(read(tidy(truth, model)).with_clusters(same)).frame
    assert frame[["estimate", "low", "high"]].isna().all(axis=None)
    assert frame["reason"].str.startswith("too few units or clusters (1)").all()


def test_a_part_of_the_sample_has_its_own_chances():
    truth, model = make_labels(4000, 0.9, 6)
    table = tidy(truth, model)
    sample = draw_gold(table[table["coder"] == "model"], 500, "by_label", dev_share=0.3, seed=2)
    test = take_part(sample, "test")
    result = prevalence(read(table, test))
    frame = result.frame
    assert result.facts.n_gold == 350
    row = row_of(frame, "yes", "corrected")
    assert row["low"] < (truth == "yes").mean() < row["high"]
    assert (1 / test.frame["prob"]).sum() == pytest.approx(4000)


def test_bad_input_is_refused_with_the_mend():
    truth, model = make_labels(100, 0.9, 7)
    table = tidy(truth, model)
    sample = draw_gold(table[table["coder"] == "model"], 20).frame
    codings = read(table, sample)
    for change, message in (
        (lambda: codings.with_sample(pd.concat([sample, sample.head(1)])), r"occur more than once.*one row per unit"),
        (
            lambda: codings.with_sample(sample.assign(unit_id="z" + sample["unit_id"])),
            r"20 units of the sample are not in the table",
        ),
        (lambda: codings.with_sample(sample.assign(prob=0.0)), r"20 are not above 0"),
        (lambda: codings.with_sample(sample.assign(prob=np.nan)), r"20 gold units have no inclusion probability"),
        (lambda: codings.with_sample("all"), r"'all' is no gold sample.*read_gold_sample"),
        (lambda: codings.with_clusters({"u1": "a"}), r"99 units have none.*its cluster"),
        (lambda: read(table, sample, VariableSpec("v", "nominal", ["yes"])), r"'no'"),
    ):
        with pytest.raises(StatisticError, match=f"(?s){message}"):
            prevalence(change())
    for options, message in (
        ({"coder": "gold"}, r"is the gold itself"),
        ({"coder": "nobody"}, r"no coding by 'nobody'"),
        ({"weight": 2}, r"2 is not between 0 and 1"),
    ):
        with pytest.raises(StatisticError, match=message):
            prevalence(codings, **options)
    uncoded = tidy(np.where(np.arange(100) < 50, truth, None), model)
    with pytest.raises(StatisticError, match=r"drawn units have no label of 'gold'.*code them"):
        prevalence(read(uncoded, sample))
    with pytest.raises(StatisticError, match=r"'maybe' is not a label"):
        pair_with_gold(codings, label="maybe")
    locked = GoldSample(sample, locked=(Fault("gold_sample.jsonl", "the part 'test' is locked", "unlock it"),))
    with pytest.raises(StatisticError, match="locked"):
        prevalence(codings.with_sample(locked))


def test_frames_as_people_have_them_give_the_same_figures():
    truth, model = make_labels(300, 0.85, 1)
    units = [f"u{at}" for at in range(300)]
    wide = pd.DataFrame({"unit_id": units, "gold": np.where(np.arange(300) < 90, truth, None), "model": model})
    long = wide.melt("unit_id", var_name="coder", value_name="label").dropna()
    rows = {"level": "nominal", "gold": "gold", "sample": "random"}
    frames = [prevalence(frame, **rows).frame for frame in (wide, long)]
    pd.testing.assert_frame_equal(*frames)
    whole = prevalence(read(tidy(wide["gold"].to_numpy(), model))).frame
    keys = ["label", "source"]
    pd.testing.assert_frame_equal(*(frame.sort_values(keys, ignore_index=True) for frame in (whole, frames[0])))
    pairs = [pair_with_gold(frame, label="yes", **rows) for frame in (wide, long)]
    assert pairs[0].frame["gold"].notna().sum() == pairs[1].facts.n_gold == 90
    assert not pairs[0].facts.weighted
    pd.testing.assert_frame_equal(prevalence(wide, gold="gold", sample="random").frame, frames[0])


def test_the_first_model_is_corrected_and_named():
    truth, model = make_labels(200, 0.85, 1)
    gold = np.where(np.arange(200) < 90, truth, None)
    table = make_table("v", {"gold": list(gold), "ann": list(truth), "model": list(model), "other": list(truth)})
    table = table[~((table["coder"] == "gold") & table["label"].isna())]
    codings = replace(read(table), models=("model", "other"))
    assert prevalence(codings).facts.coder == "model"
    assert "Model labels are those of other." in prevalence(codings, "other").note
    with pytest.raises(StatisticError, match=r"there are 'ann', 'model', 'other'.*name one of them"):
        prevalence(replace(codings, models=()))
    with pytest.raises(StatisticError, match="no coding by 'ben'"):
        codings.one_coder("ben")


def test_words_of_the_texts_are_a_covariate():
    truth, model = make_labels(120, 0.8, 2)
    units = [f"u{at}" for at in range(1, 121)]
    codings = read(tidy(np.where(np.arange(120) < 60, truth, None), model))
    codings = replace(codings, texts={unit: "word " * (at % 7) for at, unit in enumerate(units)}).with_word_counts()
    assert codings.covariate("n_words").tolist()[:8] == [0, 1, 2, 3, 4, 5, 6, 0]
    result = correct(codings, "label ~ {n_words / 10}", label="yes", family="logistic")
    assert set(result.frame["coefficient"]) == {"Intercept", "n_words / 10"}
    assert result.title == "yes: label ~ {n_words / 10} (log odds)"


@pytest.mark.parametrize("verb", [prevalence, pair_with_gold])
def test_u01_without_gold_the_result_says_so(verb):
    rows = {"level": "nominal", "gold": "gold", "sample": "random"}
    reason = "No unit has a label of 'gold': nothing to compare. To compare, let people code a sample (10_gold_sample)."
    assert verb(pd.DataFrame({"m": ["a", "b"], "ann": ["a", None]}), **rows).finding == reason


def test_the_result_prints_draws_and_saves_three_rows_a_label(tmp_path):
    truth, model = make_labels(300, 0.85, 1)
    table = tidy(np.where(np.arange(300) < 90, truth, None), model)
    result = prevalence(replace(read(table), outputs=tmp_path))
    assert list(result.printed()) == ["Label", "Source", "Share", "n", "n gold", "Worth"]
    assert [text.get_text() for text in result.plot().axes[0].get_yticklabels()] == ["no", "yes"]
    assert result.finding.startswith("yes: model labels only .")
    assert "(300 units, 90 of them gold)" in result.finding
    result.save()
    assert {path.name for path in tmp_path.iterdir()} >= {"shares.csv", "shares.png", "manifest.json"}
    alone = prevalence(replace(read(table), sample=None))
    assert alone.facts.nothing.startswith("No gold sample was drawn")


def test_rogan_gladen_is_its_formula_and_has_an_interval_at_the_edge():
    """Rogan and Gladen (1978) by the counts; with an error free model the interval of its rates is still there."""
    truth, model = make_labels(4000, 0.85, 21)
    gold = np.where(np.arange(4000) < 120, truth, None)
    row = row_of(prevalence(read(tidy(gold, model))).frame, "yes", "Rogan-Gladen")
    seen = pd.crosstab(truth[:120], model[:120]).to_numpy()
    (right_no, wrong_yes), (wrong_no, right_yes) = seen
    se, sp = right_yes / (right_yes + wrong_no), right_no / (right_no + wrong_yes)
    share = ((model == "yes").mean() + sp - 1) / (se + sp - 1)
    assert row["estimate"] == pytest.approx(share)
    p, n_yes, n_no = (model == "yes").mean(), right_yes + wrong_no, right_no + wrong_yes
    apart = p * (1 - p) / 4000 + share**2 * se * (1 - se) / n_yes + (1 - share) ** 2 * sp * (1 - sp) / n_no
    assert row["se"] == pytest.approx(np.sqrt(apart) / (se + sp - 1), rel=0.1)  # but that gold is a part of the units
    assert row["low"] < share < row["high"]
    same = row_of(prevalence(read(tidy(gold, truth))).frame, "yes", "Rogan-Gladen")
    assert same["high"] - same["low"] > 4 * np.sqrt(same["estimate"] * (1 - same["estimate"]) / 4000)


def test_rogan_gladens_interval_covers_what_it_says():
    hits = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        y = rng.random(2000) < 0.1
        f = np.where(y, rng.random(2000) < 0.8, rng.random(2000) < 0.05).astype(float)
        gold = np.arange(200)
        rates, _, _ = estimate_rogan_gladen(f, y[gold].astype(float), np.ones(200), gold, np.arange(2000))
        low, high = lang_reiczigel(rates, 0.95)
        hits += low <= 0.1 <= high
    assert 0.92 <= hits / 200 <= 0.99


def test_a_model_that_tells_nothing_has_no_rogan_gladen():
    truth, _ = make_labels(100, 0.9, 3)
    flipped = np.where(truth == "yes", "no", "yes")
    row = row_of(prevalence(read(tidy(truth, flipped))).frame, "yes", "Rogan-Gladen")
    assert np.isnan(row["estimate"])
    assert row["reason"] == "the model gives the label to units without it at least as often as to units with it"


def test_correct_and_prevalence_keep_units_without_an_answer_alike():
    truth, model = make_labels(300, 0.85, 22)
    silent = np.where(np.arange(300) % 7 == 0, None, model)
    codings = read(tidy(np.where(np.arange(300) < 150, truth, None), silent))
    shares = prevalence(codings, weight=1).frame
    result = correct(codings, "label ~ 1", label="yes")
    for source in SOURCES:
        row = result.frame[result.frame["source"] == source].iloc[0]
        assert [row["estimate"], row["se"], row["n"]] == pytest.approx(
            row_of(shares, "yes", source)[["estimate", "se", "n"]].tolist()
        )
    assert "No answer of the model for 43 units: taken as without the label, which the gold corrects." in result.note
