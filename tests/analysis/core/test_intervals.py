"""Intervals at the edges: none collapses because no error was seen, each holds its value, and notes say how."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2_contingency
from statsmodels.stats.proportion import proportion_confint

from codebook.analysis import (
    Bootstrap,
    Codings,
    VariableSpec,
    alt_test,
    compare,
    compare_agreement,
    confusion,
    prevalence,
    stability,
    validity,
)
from codebook.analysis.core.estimates import DESIGNED, SIMPLE, percentile_interval
from codebook.analysis.core.examples import make_table, observers_2011
from codebook.analysis.core.gold_balance import say_unbalanced
from codebook.analysis.core.patterns import ALIKE, APART, Patterns, unseen_answers
from codebook.analysis.core.sample_design import Drawn, resample_design
from codebook.analysis.core.share_intervals import Shares
from codebook.analysis.reliability import compare_shares, label_shares, reliability

GOLD = ["a"] * 46 + ["b"] * 4
PERFECT = pd.DataFrame({"gold": GOLD, "m": GOLD})
FEW = Bootstrap(200)


def test_a_model_without_an_error_among_fifty_units_is_not_shown_to_make_none() -> None:
    frame = validity(PERFECT, gold="gold", by="label", level="nominal").frame.set_index(["part", "name"])
    for at, n in (("a", 46), ("b", 4)):
        row = frame.loc[("label", at)]
        wilson = proportion_confint(n, n, method="wilson")
        for name in ("recall", "precision"):
            assert (row[f"{name}_low"], row[f"{name}_high"]) == pytest.approx(wilson)
        assert row["f1_low"] == pytest.approx(
            2 * wilson[0] / (1 + wilson[0])
        )  # of the units that have the label at all
    overall = frame.loc["overall"]
    assert overall.loc["accuracy", "value_low"] == pytest.approx(proportion_confint(50, 50, method="wilson")[0])
    assert (overall["value"] == 1).all()
    assert overall["value_low"].between(0.3, 0.97).all()
    assert (overall["value_high"] == 1).all()


@pytest.mark.parametrize("name", ["alpha", "ac1", "percent", "fleiss", "cohen", "ac2", "brennan_prediger"])
def test_five_units_on_which_all_agree_do_not_show_that_all_would(name: str) -> None:
    wide = pd.DataFrame({"ann": list("xxyxx"), "ben": list("xxyxx")})
    codings = Codings(make_table("v", wide.to_dict("list")), [VariableSpec("v", "nominal", ["x", "y"])])
    row = reliability(codings, coefficients=[name]).frame.iloc[0]
    assert (row["value"], row["high"]) == (1, 1)
    assert row["low"] < 0.8
    assert math.isnan(row["jack_low"])
    assert math.isnan(row["se"])


def test_other_tables_collapse_as_little() -> None:
    wide = PERFECT.assign(k=GOLD)
    difference = compare(wide, "m", "k", gold="gold", level="nominal", resample=FEW).frame
    assert (difference["difference"] == 0).all()
    assert ((difference["difference_low"] < 0) & (difference["difference_high"] > 0)).all()
    cells = confusion(PERFECT, "m", gold="gold").frame.set_index(["gold", "coded"])
    assert cells.loc[("b", "b"), ["row_low", "row_high"]].tolist() == pytest.approx(
        proportion_confint(4, 4, method="wilson"), abs=1e-9
    )
    assert cells.loc[("a", "b"), "row_high"] > 0.05


@given(
    draws=st.lists(st.floats(-1, 1), min_size=1, max_size=50),
    value=st.floats(-1, 1),
    confidence=st.floats(0.5, 0.99),
    freedom=st.sampled_from([1.0, 9.0, math.inf]),
)
def test_an_interval_holds_its_value(draws: list[float], value: float, confidence: float, freedom: float) -> None:
    interval = percentile_interval(np.array(draws), confidence, value, freedom=freedom)
    assert interval.low <= value <= interval.high


@settings(max_examples=25)
@given(times=st.lists(st.integers(0, 30), min_size=2, max_size=6).filter(lambda times: sum(times) > 1))
def test_a_share_holds_its_value_and_has_a_width(times: list[int]) -> None:
    hits = np.eye(len(times))[:, :1]
    drawn = Drawn(np.array(times), np.linspace(0.5, 2, len(times)), np.zeros(len(times)))
    values, ends, _ = Shares(hits, np.ones_like(hits)).estimate(drawn, FEW)
    assert ends[0].low <= values[0] <= ends[0].high
    assert ends[0].high - ends[0].low > 0.01


@pytest.mark.parametrize("n_labels", [2, 3, 5, 20, 200])
@pytest.mark.parametrize("n_answers", [2, 3, 5, 30])
def test_what_was_not_seen_weighs_no_more_with_many_labels_or_coders(n_labels: int, n_answers: int) -> None:
    answers, prior = unseen_answers(n_labels, n_answers)
    alike = (answers == answers[:, :1]).all(axis=1)
    assert prior[alike].sum() == pytest.approx(ALIKE)
    assert prior[~alike].sum() == pytest.approx(APART)
    assert len(answers) < 500


def test_two_coders_and_two_labels_have_nearly_the_prior_of_jeffreys() -> None:
    wide = Patterns(np.array([[2.0, 0]]), np.array([9])).with_unseen()
    assert wide.prior is not None
    by_pattern = {tuple(row): 0.0 for row in wide.counts.tolist()}
    for row, given_ in zip(wide.counts.tolist(), wide.prior, strict=True):
        by_pattern[tuple(row)] += given_
    assert by_pattern == pytest.approx({(2, 0): 0.5, (0, 2): 0.5, (1, 1): 0.7})


def test_strata_of_few_units_vary_as_much_as_they_should() -> None:
    """Forty strata of two: the variance of a mean is s^2 / n, where drawing n of n would give half of it."""
    times, stratum = np.ones(80, dtype=np.int64), np.repeat(np.arange(40), 2)
    values = np.tile([0.0, 1.0], 40)
    drawn = Drawn(times, np.ones(80), stratum)
    means = resample_design(drawn, lambda weights: (weights @ values / weights.sum(axis=1))[:, None], Bootstrap(4000))
    assert drawn.freedom == 40
    assert means.std() == pytest.approx(math.sqrt(0.5 / 2 / 40), rel=0.05)


def test_few_clusters_are_warned_of_and_three_have_no_interval() -> None:
    rng = np.random.default_rng(2)
    gold = rng.choice(["a", "b"], size=60)
    wide = {"gold": gold.tolist(), "m": np.where(rng.random(60) < 0.8, gold, "a").tolist()}
    wide["k"] = np.where(rng.random(60) < 0.7, gold, "b").tolist()
    table, spec = make_table("v", wide), VariableSpec("v", "nominal", ["a", "b"])
    for n_clusters in (3, 12):
        clusters = {f"u{at + 1}": at % n_clusters for at in range(60)}
        codings = Codings(table, [spec], gold="gold", clusters=clusters)
        for result in (validity(codings, resample=FEW), compare(codings, "m", "k", resample=FEW), reliability(codings)):
            assert f"{n_clusters} clusters: with so few clusters, intervals are in doubt" in result.note
            low = next(name for name in ("low", "accuracy_low", "difference_low") if name in result.frame)
            assert result.frame[low].isna().all() == (n_clusters == 3)
    assert (
        "no interval: 3 clusters are too few"
        in validity(codings.with_clusters({u: int(u[1:]) % 3 for u in clusters}), by="label")
        .frame["reason"]
        .tolist()[2]
    )


def test_a_note_says_how_intervals_were_made() -> None:
    assert SIMPLE in validity(PERFECT, gold="gold", level="nominal", resample=FEW).note
    sample = pd.DataFrame({"unit_id": [str(at + 1) for at in range(50)], "prob": 0.5, "stratum": ["x", "y"] * 25})
    drawn = Codings(make_table("v", PERFECT.to_dict("list")), [VariableSpec("v", "nominal", ["a", "b"])], gold="gold")
    sample = sample.assign(unit_id="u" + sample["unit_id"])
    note = validity(drawn.with_sample(sample), resample=FEW).note
    assert DESIGNED in note
    assert SIMPLE not in note


@pytest.fixture(scope="module")
def by_label() -> Codings:
    """Four thousand units, 5 % yes; 250 gold units, half of them where the model says yes."""
    rng = np.random.default_rng(5)
    truth = rng.random(4000) < 0.05
    model = np.where(truth, rng.random(4000) < 0.8, rng.random(4000) < 0.03)
    drawn = np.concatenate([rng.permutation(np.flatnonzero(model == flag))[:125] for flag in (True, False)])
    names = np.array(["no", "yes"])
    gold = np.full(4000, None, dtype=object)
    gold[drawn] = names[truth[drawn].astype(int)]
    table = make_table("v", {"gold": gold.tolist(), "m": names[model.astype(int)].tolist()})
    table = table[(table["coder"] == "m") | table["label"].notna()]
    prob = 125 / np.where(model[drawn], model.sum(), (~model).sum())
    sample = pd.DataFrame({"unit_id": [f"u{at + 1}" for at in drawn], "prob": np.minimum(prob, 1.0)})
    sample = sample.assign(stratum=np.where(model[drawn], "yes", "no"))
    codings = Codings(table, [VariableSpec("v", "nominal", ["no", "yes"])], gold="gold", models=("m",))
    return codings.with_sample(sample)


def test_gold_that_was_visibly_not_drawn_by_chance_is_said_wherever_gold_is_taken(by_label: Codings) -> None:
    forgotten = by_label.with_sample("random")
    warning = "Gold is not a simple random sample of all units: the model gave the label 'yes' to"
    for codings, is_said in ((forgotten, True), (forgotten.with_sample(None), True), (by_label, False)):
        assert (warning in validity(codings, resample=FEW).note) is is_said
        assert (warning in confusion(codings, resample=FEW).note) is is_said
    assert warning in prevalence(forgotten).note
    assert warning not in prevalence(by_label).note


def test_gold_drawn_by_chance_is_not_called_anything_else() -> None:
    rng = np.random.default_rng(3)
    labels = pd.Series(rng.choice(["a", "b", "c"], p=[0.9, 0.08, 0.02], size=2000))
    drawn = [np.isin(labels.index, rng.choice(2000, size=150, replace=False)) for _ in range(20)]
    said = [say_unbalanced(labels, units) for units in drawn]
    assert sum(map(bool, said)) <= 1


def test_gold_is_called_unbalanced_where_pearsons_test_of_scipy_says_so() -> None:
    rng, verdicts = np.random.default_rng(5), set()
    for strength in np.linspace(0, 1, 40):
        gold = np.arange(600) < 150
        labels = pd.Series(np.where(rng.random(600) < 0.3 + 0.3 * strength * gold, "a", "b"))
        p = chi2_contingency(pd.crosstab(labels, gold), correction=False).pvalue
        assert bool(say_unbalanced(labels, gold)) is bool(p < 0.001)
        verdicts.add(bool(p < 0.001))
    assert verdicts == {True, False}


def test_weights_make_the_figures_those_of_all_units(by_label: Codings) -> None:
    row = validity(by_label, resample=FEW).frame.iloc[0]
    shares = prevalence(by_label).frame.set_index(["label", "source"])["estimate"]
    assert row["accuracy"] == pytest.approx(0.96, abs=0.02)
    assert shares[("yes", "corrected")] == pytest.approx(0.05, abs=0.02)
    assert validity(by_label.with_sample("random"), resample=FEW).frame["accuracy"][0] < 0.85


@pytest.fixture(scope="module")
def coded_twice(by_label: Codings) -> tuple[Codings, np.ndarray]:
    """The sample coded by two people, and both people's labels of all 4,000 units, which nobody could see."""
    rng, truth = np.random.default_rng(9), by_label.frame.set_index(["coder", "unit_id"])["label"]
    model = truth["m"].eq("yes").to_numpy()
    every = [np.where(rng.random(4000) < np.where(model, 0.6, 0.01), "yes", "no") for _ in range(2)]
    assert by_label.sample is not None
    places = by_label.sample.frame["unit_id"].str[1:].astype(int).to_numpy() - 1
    labels = {name: labels[places].tolist() for name, labels in zip(("ann", "ben"), every, strict=True)}
    frame = make_table("v", labels)
    frame["unit_id"] = np.tile(by_label.sample.frame["unit_id"], 2)
    return Codings(frame, by_label.variables, sample=by_label.sample), np.stack(every)


def weigh_slowly(labels: np.ndarray, weight: np.ndarray) -> dict[str, float]:
    """Horvitz-Thompson: each unit's pairs of labels go into the table of coincidences with its weight."""
    names, table, pairs = ["no", "yes"], np.zeros((2, 2)), np.zeros((2, 2))
    for (first, second), w in zip(labels.T, weight / weight.mean(), strict=True):
        pairs[names.index(first), names.index(second)] += w
        for one, other in ((first, second), (second, first)):
            table[names.index(one), names.index(other)] += w
    n, shares = table.sum(), table.sum(axis=1) / table.sum()
    agreed, of_two = np.trace(table) / n, pairs / pairs.sum()
    chance = {"ac1": 2 * shares[0] * shares[1], "cohen": float(of_two.sum(axis=1) @ of_two.sum(axis=0))}
    expected = n**2 - (table.sum(axis=1) ** 2).sum()
    values = {name: (agreed - each) / (1 - each) for name, each in chance.items()}
    return {**values, "alpha": 1 - (n - 1) * (n - np.trace(table)) / expected, "percent": agreed}


def test_agreement_on_a_sample_is_that_of_all_units(coded_twice: tuple[Codings, np.ndarray]) -> None:
    codings, every = coded_twice
    assert codings.sample is not None
    names = ("alpha", "ac1", "cohen", "percent")
    weighted = reliability(codings, coefficients=names, resample=Bootstrap(400)).frame.set_index("coefficient")
    labels = codings.frame["label"].to_numpy().reshape(2, -1)
    slow = weigh_slowly(labels, 1 / codings.sample.frame["prob"].to_numpy(float))
    assert weighted["value"].to_dict() == pytest.approx(slow)
    whole = weigh_slowly(every, np.ones(4000))
    alike = reliability(codings.with_sample("random"), coefficients=names, resample=Bootstrap(400)).frame
    for name, row in weighted.iterrows():
        assert row["low"] < whole[str(name)] < row["high"]
        assert 0 < row["se"] < row["high"] - row["low"]
    for row in alike.to_dict("records"):
        assert not row["low"] < whole[row["coefficient"]] < row["high"]


def test_whether_agreement_is_weighted_is_said(coded_twice: tuple[Codings, np.ndarray], by_label: Codings) -> None:
    codings, _ = coded_twice
    sentence = "Each unit weighs 1 / its chance of being drawn, so agreement is estimated for all units"
    assert sentence in reliability(codings, resample=FEW).note
    assert sentence not in reliability(codings.with_sample("random"), resample=FEW).note
    outside = codings.frame.iloc[[0, 250]].assign(unit_id="w")
    frame = pd.concat([codings.frame, outside, by_label.frame])
    more = Codings(frame, codings.variables, "gold", ("m",), sample=codings.sample)
    alike = "Of 251 units that people labelled, 250 are in a gold sample with unequal chances"
    for result in (reliability(more, resample=FEW), label_shares(more), compare_shares(more)):
        assert alike in result.note


def test_all_figures_of_a_weighted_agreement_are_defined_or_say_why(coded_twice: tuple[Codings, np.ndarray]) -> None:
    codings, _ = coded_twice
    several = ("alpha", "ac1", "fleiss", "conger", "light", "kendall_w", "percent_pooled_pairs", "pabak", "kappa_max")
    clusters = {unit: at % 40 for at, unit in enumerate(codings.frame["unit_id"].unique())}
    ordinal = codings.at_level("ordinal")
    for each in (ordinal, ordinal.with_clusters(clusters)):
        frame = reliability(each, coefficients=several, resample=FEW).frame
        assert frame["value"].notna().all()
        assert ((frame["low"] <= frame["value"]) & (frame["value"] <= frame["high"])).all()
    sides = codings.only(["ann", "ben"]), codings.only(["ann", "ben"])
    difference = compare_agreement(*sides, resample=FEW).frame
    assert difference["value"][2] == 0
    assert difference["value"][0] == pytest.approx(reliability(codings, resample=Bootstrap(0)).frame["value"][0])


def test_units_by_which_prompts_were_made_are_no_test(by_label: Codings) -> None:
    assert by_label.sample is not None
    frame = by_label.sample.frame.assign(part=["dev", *["test"] * 4] * 50)
    result = validity(by_label.with_sample(frame), resample=FEW)
    assert result.frame["n_gold"][0] == 200
    assert "50 units of part 'dev' of the gold sample are left out" in result.note


@pytest.mark.parametrize(("n_clusters", "has_interval"), [(4, False), (6, True)])
def test_s09_few_clusters_are_said_by_every_verb_that_draws_them(n_clusters: int, has_interval: bool) -> None:
    variable = VariableSpec("code", "nominal", list("12345"))
    table = observers_2011()
    clusters = pd.Series({f"u{n}": f"page {n % n_clusters}" for n in range(1, 13)})
    again = pd.concat([table, table.assign(draw=1)])
    people = Codings(table, [variable]).with_clusters(clusters)
    few = Bootstrap(50)
    results = [
        reliability(people, resample=few),
        compare_agreement(people, people.only(["A", "B", "C"]), resample=few),
        alt_test(replace(people, models=("D",)), 0.2, min_units=2, resample=few),
        stability(Codings(again, [variable]).with_clusters(clusters), over="draw", resample=few),
        validity(people.with_gold("A"), resample=few),
        compare(people.with_gold("A"), "B", "C", resample=few),
    ]
    for result in results:
        assert f"{n_clusters} clusters: with so few clusters" in result.note, result.name
        lows = result.frame[[name for name in result.frame if name == "low" or name.endswith("_low")]]
        if not has_interval:
            assert lows.drop(columns=["jack_low", "t_low"], errors="ignore").isna().all(axis=None), result.name
            assert result.frame["reason"].str.contains("4 clusters are too few").all(), result.name
            assert not result.frame["reason"].str.contains("no replicates asked for").any(), result.name
