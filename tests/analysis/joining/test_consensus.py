"""Majority and Dawid-Skene: the published example, a plain EM beside it, clones, and bad input."""

from __future__ import annotations

import math
import re

import numpy as np
import pandas as pd
import pytest
from alphas import alpha_of

from codebook.analysis import VariableSpec, describe_runs, open_labels, validity
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.examples import make_table
from codebook.analysis.joining import JoinedLabels, consensus
from codebook.analysis.joining.dawid_skene import Fit, fit_dawid_skene
from codebook.codings import check_table, merge_tables
from codebook.errors import StatisticError

LABELS = list("abcd")

# Dawid and Skene (1979), Applied Statistics 28, table 1: fitness of 45 patients for anaesthesia on a scale of 1 to 4.
# One word a patient: observer 1 three times, then observers 2 to 5.
TABLE_1 = """
1111111 3334334 1122122 2223121 2223222 2223322 1222111 3333433 2222223 2322223 4444444 2223343 1111111 2223212 1211111
1112111 1111111 1111111 2222221 2221322 2222222 2222221 2223222 2212222 1111111 1111111 2322222 1111111 1111111 1121121
1111111 3333233 1111111 2222222 2223232 4334343 2212232 2323233 3333432 1111111 1111111 1212111 2322222 1211111 2222222
"""


def count_1979() -> np.ndarray:
    given = np.array([[int(digit) - 1 for digit in word] for word in re.findall(r"\d+", TABLE_1)])
    observer = [0, 0, 0, 1, 2, 3, 4]
    counts = np.zeros((len(given), 5, 4))
    for column, who in enumerate(observer):
        counts[np.arange(len(given)), who, given[:, column]] += 1
    return counts


def em(counts: np.ndarray, steps: int) -> tuple[np.ndarray, float]:
    """Dawid-Skene unit by unit, with products in place of logarithms."""
    posterior = counts.sum(axis=1) / counts.sum(axis=(1, 2))[:, None]
    for _ in range(steps):
        prior = posterior.mean(axis=0)
        errors = np.einsum("uk,ujl->jkl", posterior, counts)
        errors /= np.maximum(errors.sum(axis=2, keepdims=True), 1e-300)
        chances = prior * np.prod(errors[None] ** counts[:, :, None, :], axis=(1, 3))
        posterior = chances / chances.sum(axis=1, keepdims=True)
    return posterior, float(np.log(chances.sum(axis=1)).sum())


def simulate(n_units: int, right: list[float], seed: int, clones: int = 0, clone: float = 0.0) -> pd.DataFrame:
    """Coders of four labels who are right with these chances, and `clones` runs of one model.

    A clone gives its model's answer nine times in ten, else a label by chance. The coder `gold` knows the truth.
    """
    rng = np.random.default_rng(seed)
    truth = rng.integers(4, size=n_units)

    def err(answers: np.ndarray, chance: float) -> np.ndarray:
        return np.where(rng.random(n_units) < chance, answers, (answers + rng.integers(1, 4, n_units)) % 4)

    coders = {f"person {at}": err(truth, chance) for at, chance in enumerate(right)}
    model = err(truth, clone)
    coders |= {f"model@{at}": err(model, 0.97) for at in range(clones)}
    return make_table("v", {name: [LABELS[at] for at in codes] for name, codes in {"gold": truth, **coders}.items()})


def find_accuracy(table: pd.DataFrame, joined: JoinedLabels) -> float:
    gold = table[table["coder"] == "gold"].set_index("unit_id")["label"]
    return float((joined.result.frame.set_index("unit_id")["label"] == gold).mean())


def join(table: pd.DataFrame, how: str = "majority", *, labels: list[str] = LABELS, **options: object) -> JoinedLabels:
    return consensus(Codings(table, [VariableSpec("v", "nominal", labels)], gold="gold"), how, **options)


def test_the_published_example():
    # analysis_methods.md, section 2; the article prints the shares .40 .42 .11 .07
    fit = fit_dawid_skene(count_1979(), np.ones(45, dtype=int))
    assert fit.converged
    assert fit.prior.round(4).tolist() == [0.3996, 0.4220, 0.1118, 0.0667]
    assert round(fit.log_likelihood, 2) == -192.89
    posterior, likelihood = em(count_1979(), len(fit.traced))
    assert np.allclose(fit.posterior, posterior, atol=1e-8)
    assert fit.log_likelihood == pytest.approx(likelihood)
    assert np.allclose(fit.errors.sum(axis=2), 1)


def test_the_likelihood_never_falls():
    traced = np.array(fit_dawid_skene(count_1979(), np.ones(45, dtype=int)).traced)
    assert (np.diff(traced) > -1e-9).all()


def test_patterns_give_what_single_units_give():
    counts = count_1979()
    distinct, shown, times = np.unique(counts.reshape(45, -1), axis=0, return_inverse=True, return_counts=True)
    joined = fit_dawid_skene(distinct.reshape(-1, 5, 4), times)
    alone = fit_dawid_skene(counts, np.ones(45, dtype=int))
    assert len(times) < 30
    assert np.allclose(joined.posterior[shown.ravel()], alone.posterior, atol=1e-6)


def test_many_coders_do_not_underflow():
    codes = np.random.default_rng(1).integers(2, size=(60, 400))
    counts = np.eye(2)[codes]
    fit = fit_dawid_skene(counts, np.ones(60, dtype=int), most_steps=50)
    assert np.isfinite(fit.log_likelihood)
    assert np.allclose(fit.posterior.sum(axis=1), 1)


def test_it_finds_the_errors_that_made_the_codings():
    table = simulate(6000, [0.9, 0.8, 0.6], seed=4)
    people = ["person 0", "person 1", "person 2"]
    found = join(table, "dawid_skene")
    errors = found.errors.frame
    right = errors[errors["true"] == errors["given"]].groupby("coder", sort=False)["share"].mean()
    assert right.loc[people].tolist() == pytest.approx([0.9, 0.8, 0.6], abs=0.03)
    assert found.prior["share"].tolist() == pytest.approx([0.25] * 4, abs=0.03)
    assert find_accuracy(table, found) > find_accuracy(table, join(table))
    assert found.posterior[LABELS].sum(axis=1).to_numpy() == pytest.approx(np.ones(6000))
    assert found.errors.printed()["Coder"].tolist() == people
    assert found.errors.finding.startswith("Right most often, as Dawid-Skene has it, is person 0 in 88 %")
    axes = found.errors.plot().axes
    assert axes[0].get_ylabel().split() == ["likely", "label"]
    assert (axes[0].get_xlabel(), axes[1].get_xlabel()) == ("label given", "Share of the row, mean of all coders")
    assert errors.groupby("coder")["n"].sum().to_numpy() / 4 == pytest.approx([6000] * 3)


def test_clones_outvote_people_unless_they_are_one_coder():
    # analysis_methods.md, section 2: three people alone .951, with five runs of one .75 model .755
    table = simulate(5000, [0.85, 0.85, 0.85], seed=1, clones=5, clone=0.75)
    people = [f"person {at}" for at in range(3)]
    everyone = [*people, *(f"model@{at}" for at in range(5))]
    alone = find_accuracy(table, join(table, "dawid_skene", coders=people))
    with pytest.raises(StatisticError, match="runs='collapse'"):
        join(table, "dawid_skene")
    told_apart = {name: name for name in everyone}
    clones = find_accuracy(table, join(table, "dawid_skene", runs=told_apart))
    joined = join(table, "dawid_skene", runs="collapse")
    assert alone == pytest.approx(0.951, abs=0.02)
    assert clones == pytest.approx(0.755, abs=0.02)
    assert find_accuracy(table, joined) >= alone
    assert joined.result.facts.collapsed == {"model": [f"model@{at}" for at in range(5)]}
    assert joined.result.facts.coders == (*people, "model")
    assert "Runs of model are one coder: 'model@0'" in joined.result.note


def test_ties_are_reported_and_not_broken_by_the_order_of_labels():
    table = make_table("v", {"x": ["a", "b", "a"], "y": ["b", "a", "a"], "z": [None, None, "c"]})
    for labels in (LABELS, LABELS[::-1]):
        joined = join(table, labels=labels).result
        frame = joined.frame
        assert frame["label"].isna().tolist() == [True, True, False]
        assert [set(tied.split(", ")) for tied in frame["tied"][:2]] == [{"a", "b"}, {"a", "b"}]
    assert joined.facts.n_tied == 2
    assert joined.finding == "The majority of 3 coders: 1 of 3 units have a label; 2 ties have none."
    assert joined.printed().iloc[-1].tolist() == ["(tie)", "2", "–"]
    assert frame["why"].tolist()[:2] == ["absent", "absent"]
    assert frame["confidence"].round(2).tolist() == [0.5, 0.5, 0.67]
    assert joined.facts.coverage == {"v": {"labelled": 7, "absent": 2}}


def test_the_joined_labels_are_a_coder_of_the_table():
    table = simulate(60, [0.8, 0.8, 0.8], seed=2)
    majority = join(table)
    both = consensus(majority.codings, "dawid_skene")
    assert both.result.facts.coders == ("person 0", "person 1", "person 2")  # what was joined before does not vote
    assert both.codings.machines == ["majority", "dawid_skene"]
    assert both.codings.people == majority.codings.people == ["person 0", "person 1", "person 2"]
    whole = both.codings.frame
    pd.testing.assert_frame_equal(whole[list(table)].head(len(table)), table)
    assert both.joined.coders == ["gold", "majority", "dawid_skene"]
    assert join(table.query("coder == 'gold'"), coders=[]).joined.coders == ["gold"]
    with pytest.raises(StatisticError, match="join once"):
        consensus(both.codings)
    for two in (["majority", "gold"], ["majority", "dawid_skene"]):
        found = alpha_of(whole, variable="v", level="nominal", labels=LABELS, coders=two, replicates=0)
        assert found.value > 0.8
        assert found.n_coders == 2
    assert len(whole) == len(table) + 120


def test_draws_are_joined_to_one_coder():
    first = make_table("v", {"m": ["a", "a", "a"], "ann": ["b", "b", "b"], "bo": ["c", "b", "a"]})
    again = make_table("v", {"m": ["a", "b", "c"]}).assign(draw=1)
    third = make_table("v", {"m": ["b", "b", None]}).assign(draw=2)
    table = pd.concat([first, again, third], ignore_index=True)
    assert join(table).result.frame["tied"].tolist() == ["a, b, c", "", ""]
    joined = join(table, every_draw=True).result
    frame = joined.frame
    assert frame["n_codings"].tolist() == [3, 3, 2]  # the third unit: a and c, no label of m
    assert frame["label"].tolist()[1] == "b"
    assert frame["tied"].tolist() == ["a, b, c", "", "a, b"]
    assert joined.facts.coverage["v"]["tied"] == 1


def test_a_unit_without_a_label_is_kept_and_counted():
    table = make_table("v", {"x": ["a", None], "y": ["a", None], "z": ["a", None]})
    for how in ("majority", "dawid_skene"):
        joined = join(table, how).result
        assert joined.frame["detail"].tolist() == ["", "no coding with a label"]
        assert joined.facts.n_uncoded == 1
        assert np.isnan(joined.frame["confidence"][1])
    assert join(table, "dawid_skene").posterior["a"].isna().tolist() == [False, True]


def test_a_matrix_row_without_a_unit_is_undefined_with_the_reason():
    table = make_table("v", {name: ["a", "b", "a"] for name in "xyz"})
    errors = join(table, "dawid_skene").errors.frame
    assert errors["share"].isna().tolist() == [label in "cd" for label in errors["true"]]
    assert set(errors.loc[errors["share"].isna(), "reason"]) == {"no unit of this coder has this true label"}


def test_who_is_a_run_of_whom():
    table = pd.DataFrame({"coder": ["ann", "m@p1", "m@p2", "k"], "model": ["", "", "", "gpt-4-0613"]})
    assert describe_runs(table)["model"].tolist() == ["ann", "m", "m", "gpt-4-0613"]
    assert describe_runs(table)["prompt"].tolist() == ["", "p1", "p2", ""]
    given = pd.DataFrame({"coder": ["ann"], "model": ["M"], "prompt": ["q"], "version": ["2"]})
    described = describe_runs(table, given).set_index("coder")
    assert described.loc["ann"].tolist() == ["M", "q", "2"]
    assert described.loc["k"].tolist() == ["k", "", ""]
    with pytest.raises(StatisticError, match="one row per coder"):
        describe_runs(table, pd.DataFrame({"name": ["ann"]}))
    with pytest.raises(StatisticError, match="give each coder one row"):
        describe_runs(table, pd.DataFrame({"coder": ["ann", "ann"], "model": ["x", "y"]}))


def test_a_coder_worse_than_chance_is_named():
    table = simulate(2000, [0.95, 0.95, 0.95, 0.05], seed=3)
    assert "person 3: wrong more often than right" in join(table, "dawid_skene").result.note


def test_a_fit_that_did_not_settle_says_so():
    fit = fit_dawid_skene(count_1979(), np.ones(45, dtype=int), most_steps=3)
    assert not fit.converged
    assert np.isnan(Fit(fit.prior, fit.errors, fit.posterior, (), converged=False).log_likelihood)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"how": "vote"}, "majority, dawid_skene"),
        ({"runs": "join"}, "'refuse', 'collapse'"),
        ({"coders": ["nobody"]}, "name coders of the table"),
        ({"labels": ["a"]}, "not in the codebook"),
        ({"runs": {"nobody": "m"}}, "name coders of the table"),
    ],
)
def test_bad_requests_are_refused_with_the_mend(changed, message):
    with pytest.raises(StatisticError, match=message):
        join(simulate(20, [0.8, 0.8, 0.8], seed=1), **changed)


def test_u01_coders_whom_dawid_skene_cannot_weigh_are_said_in_empty_frames():
    parts = [make_table("v", {name: [None] * at + ["a"]}) for at, name in enumerate("xyz")]
    apart = join(pd.concat(parts), "dawid_skene")
    two = join(pd.concat(parts[:2]), "dawid_skene")
    nobody = join(pd.concat(parts), coders=[])
    for found, reason in ((apart, "have coders share units"), (two, "fewer than three"), (nobody, "nothing to join")):
        assert reason in found.result.facts.nothing
        assert reason in repr(found)
        assert found.result.frame.empty
        assert set(found.codings.coders) <= set("xyz")
        assert math.isnan(found.result.facts.log_likelihood)
    for found in (apart, two, join(pd.concat(parts), "dawid_skene", coders=[])):
        assert found.errors.facts.nothing == found.result.facts.nothing
        assert found.posterior.empty
        assert found.prior.empty
    assert "how='majority' and adjudicate" in repr(two)


@pytest.mark.parametrize("how", ["majority", "dawid_skene"])
def test_of_sets_of_labels_nothing_is_joined_and_the_mend_named_joins_them(how):
    labels = {name: ['["a"]', '["a","b"]', "[]"] for name in ("x", "y", "z", "gold")}
    sets = Codings(make_table("v", labels), [VariableSpec("v", "nominal", ["a", "b"], kind="multi")], gold="gold")
    joined = consensus(sets, how)
    assert "holds sets of labels" in joined.result.facts.nothing
    assert "nothing to compare" in validity(joined.joined).facts.nothing
    assert joined.codings is sets
    assert consensus(open_labels(sets).of("v=b"), how).result.frame["label"].tolist() == ["0", "1", "0"]


@pytest.mark.parametrize("how", ["majority", "dawid_skene"])
def test_plain_frames_wide_and_long_are_joined_alike(how):
    long = simulate(60, [0.8, 0.8, 0.8], seed=2).rename(columns={"unit_id": "unit"})[["unit", "coder", "label"]]
    wide = long.pivot(index="unit", columns="coder", values="label").loc[long["unit"].unique()]
    known = join(simulate(60, [0.8, 0.8, 0.8], seed=2), how, coders=sorted(wide)).result.frame
    for plain in (long, wide):
        frame = consensus(plain, how).result.frame
        pd.testing.assert_frame_equal(frame.assign(variable="v"), known)


RATED = {"ann": ["1", "3", None, "4"], "bo": ["2", "3", None, "5"], "cy": ["4", None, None, "4"]}


def rated(kind="rating", level="ordinal", labels=tuple("12345"), **more):
    variable = VariableSpec("heat", level, None if kind == "number" else list(labels), kind)
    return Codings(make_table("heat", RATED | more), [variable])


@pytest.mark.parametrize(
    ("how", "labels"), [("mean", ["2.333333333", "3", "4.333333333"]), ("median", ["2", "3", "4"])]
)
def test_numbers_are_joined_to_their_mean_or_median(how, labels):
    joined = consensus(rated(), how)
    frame = joined.result.frame
    assert frame["label"].dropna().tolist() == labels
    assert frame["n_codings"].tolist() == [3, 2, 0, 3]
    assert frame.loc[2, ["why", "detail"]].tolist() == ["absent", "no coding with a number"]
    assert f"The {how} of 3 coders: 3 of 4 units have a number" in joined.result.finding
    check_table(joined.codings.frame)


def test_a_mean_is_a_number_that_validity_and_reliability_take():
    codings = rated(gold=["2", "3", "3", "4"]).with_gold("gold")
    joined = consensus(codings, "mean")
    row = validity(joined.codings).frame.set_index("coder").loc["mean"]
    assert row["mae"] == pytest.approx(np.mean([1 / 3, 0, 1 / 3]))
    assert (row["n_asked"], row["n_answered"]) == (4, 3)


def test_runs_of_one_model_have_one_vote_in_a_mean():
    codings = rated("number", "interval", **{"m@1": ["5"] * 4, "m@2": ["5"] * 4})
    with pytest.raises(StatisticError, match="are runs of one model"):
        consensus(codings, "mean")
    labels = consensus(codings, "mean", runs="collapse").result.frame["label"].tolist()
    assert labels == ["3", "3.666666667", "5", "4.5"]


def test_words_have_no_mean():
    with pytest.raises(StatisticError, match="pass how='majority'"):
        consensus(rated(level="nominal"), "mean")
    with pytest.raises(StatisticError, match="labels such as 'hot' are not numbers"):
        consensus(rated(labels=("hot",), di=["hot"] * 4), "median")


def test_joined_labels_are_rows_that_can_be_put_under_the_table():
    codings = rated()
    joined = consensus(codings)
    below = joined.codings.frame[joined.codings.frame["coder"] == "majority"]
    table = codings.frame.assign(run_id="", custom_id="")
    assert set(merge_tables(table, below)["coder"]) == {*RATED, "majority"}
    pd.testing.assert_frame_equal(merge_tables(table, joined.result.frame), merge_tables(table, below))
