"""Majority and Dawid-Skene: the published example, a plain EM beside it, clones, and bad input."""

from __future__ import annotations

import math
import re

import numpy as np
import pandas as pd
import pytest
from alphas import alpha_of

from codebook.analysis import consensus, dawid_skene, describe_runs
from codebook.analysis.core.empty import why_empty
from codebook.analysis.core.examples import make_table
from codebook.analysis.joining.dawid_skene_em import Fit, fit_dawid_skene
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


def find_accuracy(table: pd.DataFrame, found: pd.DataFrame) -> float:
    gold = table[table["coder"] == "gold"].set_index("unit_id")["label"]
    return float((found.set_index("unit_id")["label"] == gold).mean())


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
    found = dawid_skene(table, variable="v", labels=LABELS, coders=people)
    right = found.errors[found.errors["true"] == found.errors["given"]].groupby("coder", sort=False)["share"].mean()
    assert right.loc[people].tolist() == pytest.approx([0.9, 0.8, 0.6], abs=0.03)
    assert found.prior["share"].tolist() == pytest.approx([0.25] * 4, abs=0.03)
    assert find_accuracy(table, found.labels) > find_accuracy(
        table, consensus(table, variable="v", labels=LABELS, coders=people)
    )
    assert found.posterior[LABELS].sum(axis=1).to_numpy() == pytest.approx(np.ones(6000))
    assert found.errors.groupby("coder")["n"].sum().to_numpy() / 4 == pytest.approx([6000] * 3)


def test_clones_outvote_people_unless_they_are_one_coder():
    # analysis_methods.md, section 2: three people alone .951, with five runs of one .75 model .755
    table = simulate(5000, [0.85, 0.85, 0.85], seed=1, clones=5, clone=0.75)
    people = [f"person {at}" for at in range(3)]
    everyone = [*people, *(f"model@{at}" for at in range(5))]
    how = {"variable": "v", "labels": LABELS, "how": "dawid_skene"}
    alone = find_accuracy(table, consensus(table, coders=people, **how))
    with pytest.raises(StatisticError, match="runs='collapse'"):
        consensus(table, coders=everyone, **how)
    told_apart = {name: name for name in everyone}
    clones = find_accuracy(table, consensus(table, coders=everyone, runs=told_apart, **how))
    joined = consensus(table, coders=everyone, runs="collapse", **how)
    assert alone == pytest.approx(0.951, abs=0.02)
    assert clones == pytest.approx(0.755, abs=0.02)
    assert find_accuracy(table, joined) >= alone
    assert joined.attrs["collapsed"] == {"model": [f"model@{at}" for at in range(5)]}
    assert joined.attrs["coders"] == [*people, "model"]


def test_ties_are_reported_and_not_broken_by_the_order_of_labels():
    table = make_table("v", {"x": ["a", "b", "a"], "y": ["b", "a", "a"], "z": [None, None, "c"]})
    for labels in (LABELS, LABELS[::-1]):
        frame = consensus(table, variable="v", labels=labels)
        assert frame["label"].isna().tolist() == [True, True, False]
        assert [set(tied.split(", ")) for tied in frame["tied"][:2]] == [{"a", "b"}, {"a", "b"}]
    assert frame.attrs["n_tied"] == 2
    assert frame["why"].tolist()[:2] == ["absent", "absent"]
    assert frame["confidence"].round(2).tolist() == [0.5, 0.5, 0.67]
    assert frame.attrs["coverage"] == {"labelled": 7, "absent": 2}


def test_the_joined_labels_are_a_coder_of_the_table():
    table = simulate(60, [0.8, 0.8, 0.8], seed=2)
    asked = {"variable": "v", "labels": LABELS, "coders": ["person 0", "person 1", "person 2"]}
    both = [consensus(table, how=how, **asked) for how in ("majority", "dawid_skene")]
    whole = pd.concat([table, *both], ignore_index=True)
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
    asked = {"variable": "v", "labels": LABELS}
    assert consensus(table, **asked)["tied"].tolist() == ["a, b, c", "", ""]
    frame = consensus(table, draw=None, **asked)
    assert frame["n_codings"].tolist() == [3, 3, 2]  # the third unit: a and c, no label of m
    assert frame["label"].tolist()[1] == "b"
    assert frame["tied"].tolist() == ["a, b, c", "", "a, b"]
    assert frame.attrs["coverage"]["tied"] == 1


def test_a_unit_without_a_label_is_kept_and_counted():
    table = make_table("v", {"x": ["a", None], "y": ["a", None], "z": ["a", None]})
    for how in ("majority", "dawid_skene"):
        frame = consensus(table, variable="v", labels=LABELS, how=how)
        assert frame["detail"].tolist() == ["", "no coding with a label"]
        assert frame.attrs["n_uncoded"] == 1
        assert np.isnan(frame["confidence"][1])
    assert dawid_skene(table, variable="v", labels=LABELS).posterior["a"].isna().tolist() == [False, True]


def test_a_matrix_row_without_a_unit_is_undefined_with_the_reason():
    table = make_table("v", {name: ["a", "b", "a"] for name in "xyz"})
    errors = dawid_skene(table, variable="v", labels=LABELS).errors
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
    with pytest.raises(StatisticError, match="one row a coder"):
        describe_runs(table, pd.DataFrame({"name": ["ann"]}))
    with pytest.raises(StatisticError, match="give each coder one row"):
        describe_runs(table, pd.DataFrame({"coder": ["ann", "ann"], "model": ["x", "y"]}))


def test_a_coder_worse_than_chance_is_named():
    table = simulate(2000, [0.95, 0.95, 0.95, 0.05], seed=3)
    found = dawid_skene(table, variable="v", labels=LABELS, coders=[f"person {at}" for at in range(4)])
    assert found.labels.attrs["warnings"][0].startswith("person 3: wrong more often than right")


def test_a_fit_that_did_not_settle_says_so():
    fit = fit_dawid_skene(count_1979(), np.ones(45, dtype=int), most_steps=3)
    assert not fit.converged
    assert np.isnan(Fit(fit.prior, fit.errors, fit.posterior, (), converged=False).log_likelihood)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"how": "vote"}, "majority, dawid_skene"),
        ({"runs": "join"}, "'refuse', 'collapse'"),
        ({"coders": ["person 0", "person 1"], "how": "dawid_skene"}, "adjudicate"),
        ({"coders": ["nobody"]}, "name coders of the table"),
        ({"labels": ["a"]}, "not in the codebook"),
        ({"variable": "w"}, "no row of 'w'"),
        ({"draw": 4}, "no draw 4"),
        ({"runs": {"nobody": "m"}}, "name coders of the table"),
    ],
)
def test_bad_requests_are_refused_with_the_mend(changed, message):
    asked = {"variable": "v", "labels": LABELS, **changed}
    with pytest.raises(StatisticError, match=message):
        consensus(simulate(20, [0.8, 0.8, 0.8], seed=1), **asked)


def test_u01_coders_whom_dawid_skene_cannot_weigh_are_said_in_empty_frames():
    parts = [make_table("v", {name: [None] * at + ["a"]}) for at, name in enumerate("xyz")]
    apart = dawid_skene(pd.concat(parts), variable="v", labels=LABELS)
    two = dawid_skene(pd.concat(parts[:2]), variable="v", labels=LABELS)
    nobody = dawid_skene(pd.concat(parts), variable="v", labels=LABELS, coders=[])
    for found, reason in ((apart, "have coders share units"), (two, "fewer than three"), (nobody, "nothing to join")):
        for frame in (found.labels, found.posterior, found.prior, found.errors):
            assert reason in why_empty(frame)
        assert math.isnan(found.log_likelihood)
    assert "nothing to join" in why_empty(consensus(parts[0], variable="v", labels=LABELS, coders=[]))
    with pytest.raises(StatisticError, match="have coders share units"):
        consensus(pd.concat(parts), variable="v", labels=LABELS, how="dawid_skene")
