"""Alternative annotator test: the authors' figures, a plain loop beside it, and its conditions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from codebook.analysis import VariableSpec, alt_test
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.estimates import Bootstrap, adjust_p
from codebook.analysis.core.examples import make_table
from codebook.analysis.core.result import Result
from codebook.errors import StatisticError

LABELS = ["L0", "L1", "L2", "L3"]
PEOPLE = list("ABCD")


def read_fixture() -> pd.DataFrame:
    raw = pd.read_csv(Path(__file__).parents[2] / "data" / "alt_test.csv")
    return raw.rename(columns={"unit": "unit_id"}).assign(variable="frame", draw=0, why=None)


def ask(table: pd.DataFrame, replicates: int = 0, seed: int = 1, **changed: Any) -> Result:
    asked = {"models": ["llm"], "epsilon": 0.1, "resample": Bootstrap(replicates, seed=seed)}
    return alt_test(Codings(table, [VariableSpec("frame", "nominal", LABELS)]), **{**asked, **changed})


def run(table: pd.DataFrame, **changed: Any) -> pd.DataFrame:
    return ask(table, **changed).frame


def among(*coders: str) -> pd.DataFrame:
    table = read_fixture()
    return table[table["coder"].isin(coders)]


def loop(table: pd.DataFrame, epsilon: float) -> tuple[list[float], list[float]]:
    """p and advantage by person, unit by unit, as the article describes it."""
    wide = table.pivot(index="unit_id", columns="coder", values="label")
    found = []
    for person in PEOPLE:
        rows = [
            (row, [row[other] for other in PEOPLE if other != person and isinstance(row[other], str)])
            for _, row in wide[wide[person].notna()].iterrows()
        ]
        pairs = [(others.count(row["llm"]), others.count(row[person])) for row, others in rows if others]
        gaps = [int(own >= model) - int(model >= own) for model, own in pairs]
        p = stats.ttest_1samp(gaps, epsilon, alternative="less").pvalue
        found.append((p, np.mean([model >= own for model, own in pairs])))
    return [p for p, _ in found], [share for _, share in found]


@pytest.mark.parametrize(("epsilon", "rate"), [(0, 0), (0.05, 0.75), (0.1, 0.75), (0.15, 1), (0.2, 1)])
def test_the_authors_figures_on_the_fixture(epsilon, rate):
    # analysis_methods.md, section 7: the authors' function on alt_test.csv
    result = ask(read_fixture(), epsilon=epsilon)
    frame, over = result.frame, result.frame.iloc[-1]
    assert round(over["advantage"], 6) == 0.881006
    assert over["winning_rate"] == rate
    assert result.facts.passed == {"llm": rate >= 0.5}
    if epsilon == 0.1:
        assert frame["p"].head(4).round(5).tolist() == [0.14893, 0.00038, 0.00053, 0.00001]
    p, advantages = loop(read_fixture(), epsilon)
    assert frame["p"].head(4).tolist() == pytest.approx(p)
    assert frame["advantage"].head(4).tolist() == pytest.approx(advantages)
    assert frame["p_adjusted"].head(4).tolist() == pytest.approx(stats.false_discovery_control(p, method="by"))


def test_epsilon_must_be_stated():
    with pytest.raises(TypeError, match="epsilon"):
        alt_test(read_fixture(), models=["llm"])


def test_the_interval_is_seeded_and_holds_the_advantage():
    once, again = (run(read_fixture(), replicates=500, seed=3) for _ in range(2))
    pd.testing.assert_frame_equal(once, again)
    assert (once["low"] < once["advantage"]).all()
    assert (once["advantage"] < once["high"]).all()
    assert once["high"].iloc[-1] - once["low"].iloc[-1] < once["high"][0] - once["low"][0]


def test_numbers_are_scored_by_distance_and_labels_by_equality():
    near = {"a": list("123123") * 6, "b": list("123123") * 6, "c": list("123123") * 6, "m": list("234234") * 6}
    far = {**near, "a": list("441441") * 6}
    by_label, by_size = (
        alt_test(make_table("v", far), 0.1, models=["m"], level=level).frame for level in ("nominal", "interval")
    )
    assert by_label["advantage"][0] == 1  # neither is ever equal to the others: a tie on every unit
    assert by_size["human_advantage"][0] == 0  # but the model is one step away, the person two
    assert by_size["winning_rate"][0] == 1


def test_sets_are_scored_by_their_distance():
    sets = {"a": ['["x"]', "[]"] * 20, "b": ['["x"]', '["y"]'] * 20, "c": ['["x"]', '["y"]'] * 20}
    table = make_table("v", {**sets, "m": ['["x", "y"]', '["y"]'] * 20})
    frame = alt_test(table, 0.1, models=["m"], level="jaccard").frame
    assert frame["advantage"][0] == 0.5  # half overlap loses to an equal set, an equal set beats the empty one
    assert frame["human_advantage"][0] == 0.5


def test_an_unanswered_unit_is_lost_and_an_unasked_one_is_left_out():
    table = read_fixture()
    first = table["unit_id"].isin(sorted(table["unit_id"].unique())[:40]) & (table["coder"] == "llm")
    silent = table.assign(label=table["label"].mask(first), why=table["why"].mask(first, "refused"))
    unasked = table[~first]
    full, lost, left = run(table).iloc[-1], run(silent).iloc[-1], run(unasked).iloc[-1]
    assert lost["n_units"] == full["n_units"]
    assert lost["advantage"] < full["advantage"] - 0.15
    by_people = table[(table["coder"] != "llm") & ~table["unit_id"].isin(table.loc[first, "unit_id"])]
    assert left["n_units"] == (by_people.groupby("unit_id").size() > 1).sum() < full["n_units"] - 30
    assert "never put to the model" in left["dropped"]
    assert ask(silent).facts.coverage["frame"]["refused"] == 40


def test_a_unit_with_one_person_says_nothing():
    table = pd.concat([read_fixture(), make_table("frame", {"A": ["L1"], "llm": ["L1"]}).assign(unit_id="alone")])
    frame = run(table)
    assert frame["p"].head(4).tolist() == pytest.approx(run(read_fixture())["p"].head(4).tolist())
    assert frame["n_dropped"][0] == run(read_fixture())["n_dropped"][0] + 1
    assert "without a second person" in frame["dropped"][0]


def test_a_person_with_few_units_is_not_tested_and_counts_in_no_rate():
    table = read_fixture()
    few = table[(table["coder"] != "A") | table["unit_id"].isin(table.loc[table["coder"] == "A", "unit_id"].head(20))]
    result = ask(few)
    frame = result.frame
    assert "30 are needed" in frame["reason"][0]
    assert frame.loc[0, ["p", "p_adjusted", "winning_rate"]].isna().all()
    assert frame["winning_rate"].iloc[-1] == frame["winning_rate"][1:4].mean()
    assert "1 of 4 people" in result.facts.warnings[0]
    assert result.facts.warnings[-1] in result.note


def test_two_people_are_a_warning_and_constant_gaps_are_no_crash():
    assert "two people" in ask(among("A", "B", "llm")).facts.warnings[0].lower()
    same = make_table("frame", {name: ["L1"] * 40 for name in ("A", "B", "C", "llm")})
    assert run(same)["p"].head(3).tolist() == [0, 0, 0]
    assert run(same, epsilon=0)["p"].head(3).tolist() == [1, 1, 1]


def test_two_models_are_tested_each_on_its_own():
    table = read_fixture()
    rng = np.random.default_rng(1)
    dice = table[table["coder"] == "llm"].assign(coder="dice", label=lambda rows: rng.choice(LABELS, len(rows)))
    both = ask(pd.concat([table, dice], ignore_index=True), models=["llm", "dice"])
    assert both.facts.passed == {"llm": True, "dice": False}
    pd.testing.assert_frame_equal(both.frame[both.frame["model"] == "llm"], run(table), check_like=True)
    assert both.printed().columns.tolist()[:3] == ["Model", "Human", "n units"]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"epsilon": 1.5}, "state it before you look"),
        ({"models": "llm"}, "pass a list"),
        ({"models": []}, "name the coder to be tested"),
        ({"models": ["Z"]}, "name coders of the table"),
        ({"min_units": 1}, "t-test"),
        ({"level": "near"}, "level of measurement"),
    ],
)
def test_bad_requests_are_refused_with_the_mend(changed, message):
    with pytest.raises(StatisticError, match=message):
        run(read_fixture(), **changed)


def test_the_adjustment_leaves_untested_people_out():
    p = np.array([0.01, np.nan, 0.04, 0.2])
    assert adjust_p(p, "by")[[0, 2, 3]].tolist() == pytest.approx(multipletests(p[[0, 2, 3]], method="fdr_by")[1])


def test_labels_variables_and_draws_are_those_of_the_codings():
    table = read_fixture()
    for spec, message in (
        (("frame", LABELS[:2]), "not in the codebook"),
        (("tone", LABELS), "name coders of the table"),
    ):
        with pytest.raises(StatisticError, match=message):
            alt_test(Codings(table, [VariableSpec(spec[0], "nominal", spec[1])]), 0.1, models=["llm"])
    with pytest.raises(StatisticError, match="use one of 0"):
        Codings(table, [VariableSpec("frame", "nominal", LABELS)]).draw(7)


def test_another_draw_of_the_model_is_held_against_the_people_as_they_are():
    table = read_fixture()
    later = table[table["coder"] == "llm"].assign(draw=1, label="L0")
    codings = Codings(pd.concat([table, later]), [VariableSpec("frame", "nominal", LABELS)], models=("llm",))
    second = alt_test(codings.draw(1), 0.1, resample=Bootstrap(0)).frame
    assert second["n_units"].tolist() == run(table)["n_units"].tolist()
    assert second["advantage"].iloc[-1] < run(table)["advantage"].iloc[-1]


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        (
            lambda: ask(among("A", "llm")),
            "One person ('A') beside the models: nothing to compare. To compare, have two",
        ),
        (lambda: ask(read_fixture(), min_units=500), "llm: no person has 500 units that another person coded too; the"),
    ],
)
def test_too_few_people_or_units_are_said_in_a_sentence(result, reason):
    assert repr(result()).startswith(reason)
    assert result().plot().axes[0].texts


def test_the_people_of_a_plain_frame_are_all_but_the_model():
    table = read_fixture()
    wide = table.pivot(index="unit_id", columns="coder", values="label")
    result = alt_test(wide, 0.1, models=["llm"], level="nominal", resample=Bootstrap(100))
    pd.testing.assert_frame_equal(
        result.frame[["human", "p", "winning_rate"]], run(table)[["human", "p", "winning_rate"]]
    )
    assert result.finding.startswith("llm wins against 75 % of the people tested (epsilon .10, ")
    assert "it is no validity" in result.note
    axes = result.plot().axes[0]
    names = [text.get_text().split(" (1")[0] for text in axes.get_yticklabels()]
    assert (names[0], sorted(names[1:])) == ("(all)", PEOPLE)
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["person", "model"]


def test_clusters_are_drawn_whole():
    codings = Codings(read_fixture(), [VariableSpec("frame", "nominal", LABELS)], models=("llm",))
    units = sorted(codings.frame["unit_id"].unique())
    owner = {unit: f"author {at % 8}" for at, unit in enumerate(units)}
    alone, clustered = (alt_test(each, 0.1, resample=Bootstrap(60)) for each in (codings, codings.with_clusters(owner)))
    assert clustered.frame["advantage"].tolist() == alone.frame["advantage"].tolist()
    assert clustered.frame["low"].tolist() != alone.frame["low"].tolist()
    assert "the t-tests take units as independent" in clustered.note
