"""Verdicts on labels, and selective coding: what they promise holds in samples drawn again and again."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from codebook.analysis import Bootstrap, Codings, VariableSpec, roc_curves, selective_labels, verdicts
from codebook.analysis.against_gold.label_verdicts import NOT, UNKNOWN, WEAK, WORKS, as_f1, decide
from codebook.analysis.against_gold.selective_coding import LEFT, THRESHOLDS, choose, upper_bound
from codebook.analysis.core.examples import make_table
from codebook.analysis.core.standard_errors import wilson_interval
from codebook.coding import assign
from codebook.errors import StatisticError
from codebook.records import Unit

QUICK = Bootstrap(replicates=0)
LABELS = ["a", "b", "c"]


def make(columns, confidence=None, models=("m",)):
    table = make_table("topic", columns)
    if confidence is not None:
        table["confidence"] = [
            value for name in columns for value in (confidence if name == "m" else [None] * len(confidence))
        ]
    return Codings(table, [VariableSpec("topic", "nominal", LABELS)], gold="gold", models=list(models))


def repeat(*cells):
    """Columns gold and m of (gold, m, times)."""
    return {
        "gold": [gold for gold, _, n in cells for _ in range(n)],
        "m": [coded for _, coded, n in cells for _ in range(n)],
    }


def test_the_four_verdicts_with_the_gold_that_is_needed():
    cells = [("a", "a", 95), ("b", "b", 150), ("b", "c", 75), ("c", "b", 50), ("c", "c", 5), ("a", "c", 3)]
    result = verdicts(make(repeat(*cells)))
    frame = result.frame.set_index("label")
    assert frame["verdict"].to_dict() == {"a": WORKS, "b": WEAK, "c": NOT}
    assert frame.loc["b", "f1"] == pytest.approx(2 * 150 / (2 * 150 + 125))
    few = verdicts(make(repeat(("a", "a", 50), ("b", "b", 3), ("b", "a", 1)))).frame.set_index("label")
    assert few["verdict"].to_dict() == {"a": WORKS, "b": UNKNOWN, "c": UNKNOWN}
    assert few.loc["b", "needed"] > few.loc["b", "n"] == 4
    assert few.loc["c", "reason"] == "neither in gold nor predicted"
    assert "'b' has 4 of about" in verdicts(make(repeat(("a", "a", 50), ("b", "b", 3), ("b", "a", 1)))).finding


def test_the_figure_shows_the_floor_and_names_people_only_where_people_coded():
    cells = repeat(("a", "a", 30), ("b", "b", 30), ("b", "a", 5))
    alone = verdicts(make(cells)).plot().axes[0]
    assert (alone.get_xlabel(), alone.get_legend()) == ("F1 of m with the gold, and the floor", None)
    assert ".70" in [text.get_text() for text in alone.texts], "the line of the floor has its value"
    people = Codings(
        make_table("topic", cells | {"p": cells["gold"], "q": cells["m"]}),
        [VariableSpec("topic", "nominal", LABELS)],
        gold="gold",
        models=["m"],
    )
    beside = verdicts(people, "m").plot().axes[0]
    about = "F1 of m with the gold, agreement of people on the label, and the floor"
    assert beside.get_xlabel().replace("\n", " ") == about
    assert beside.get_legend() is not None


def test_no_interval_collapses_because_no_error_was_seen():
    frame = verdicts(make(repeat(("a", "a", 4), ("b", "b", 46)))).frame.set_index("label")
    assert frame.loc["a", ["f1", "high"]].tolist() == [1.0, 1.0]
    assert frame.loc["a", "low"] < 0.7
    assert frame.loc["a", "verdict"] == UNKNOWN


def test_the_floor_is_what_people_reach_less_a_margin_and_never_under_a_half():
    people = {"ann": ["a"] * 90 + ["b"] * 10 + ["c", "a"], "bo": ["a"] * 80 + ["b"] * 20 + ["a", "c"]}
    columns = {"gold": ["a"] * 85 + ["b"] * 17, "m": ["a"] * 85 + ["b"] * 17, **people}
    frame = verdicts(make(columns), resample=QUICK).frame.set_index("label")
    agreement = 2 * 80 / (2 * 80 + 10 + 2)
    assert frame.loc["a", "people"] == pytest.approx(agreement)
    assert frame.loc["a", "floor"] == pytest.approx(agreement - 0.1)
    assert frame.loc["c", "floor"] == 0.5
    assert verdicts(make(columns).only(["gold", "m"]), resample=QUICK).frame["floor"].tolist() == [0.7] * 3


def test_the_gold_that_is_said_to_be_needed_makes_the_interval_narrow_enough():
    cells = [("a", "a", 7), ("a", "b", 3), ("b", "a", 2), ("b", "b", 40)]
    needed = verdicts(make(repeat(*cells))).frame.set_index("label").loc["a", "needed"]
    more = [(gold, coded, round(n * needed / 10)) for gold, coded, n in cells]
    row = verdicts(make(repeat(*more))).frame.set_index("label").loc["a"]
    assert row["high"] - row["low"] == pytest.approx(0.2, abs=0.01)


def test_a_label_under_its_floor_is_called_working_in_at_most_one_sample_of_forty():
    chance, f1 = np.random.default_rng(4), 0.699  # just under the floor: recall and precision of a label of 30 %
    cells = np.array([0.3 * f1, 0.3 * (1 - f1), 0.3 * (1 - f1), 1 - 0.3 * (2 - f1)])
    drawn = chance.multinomial(200, cells / cells.sum(), 2000)
    either = drawn[:, :3].sum(axis=1)
    ends = [[as_f1(end) for end in wilson_interval(both, n)] for both, n in zip(drawn[:, 0], either, strict=True)]
    said = [decide(low, high, 0.7, 0.1) for low, high in ends]
    assert said.count(WORKS) / 2000 <= 0.03
    assert 0.93 <= np.mean([low <= f1 <= high for low, high in ends]) <= 0.97


@pytest.mark.slow
def test_the_error_bound_holds_in_samples_drawn_again_and_again():
    """The true share wrong among the labels taken is within the bound in 95 % of samples, threshold chosen and all."""
    chance, error, broken, n_used = np.random.default_rng(8), 0.12, 0, 0
    sure = chance.random(200_000)
    wrong = chance.random(200_000) > 0.62 + 0.36 * sure  # the surer, the more often right
    true_error = {each: wrong[sure >= each].mean() for each in THRESHOLDS}
    assert min(true_error.values()) < error < max(true_error.values())
    given = pd.DataFrame({"label": ["a"], "chance": [1.0]})
    for _ in range(250):
        at = chance.integers(0, len(sure), 350)
        judged = pd.DataFrame(
            {"label": "a", "chance": sure[at], "wrong": wrong[at], "weight": 1.0, "cluster": range(350)}
        )
        threshold = choose("a", judged, given, sorted(THRESHOLDS), (error, 0.05 / len(THRESHOLDS)))["threshold"]
        n_used += threshold == threshold
        broken += true_error.get(threshold, 0.0) > error
    assert n_used > 60, "something is taken in many samples"
    assert broken / 250 <= 0.05


def test_labels_are_taken_above_the_loosest_threshold_whose_bound_holds():
    sure = [0.95] * 100 + [0.7] * 100
    columns = {"gold": ["a"] * 200, "m": ["a"] * 200}
    columns["gold"][100:140] = ["b"] * 40
    chosen = selective_labels(make(columns, sure))
    row = chosen.result.frame.iloc[0]
    assert (row["threshold"], row["n"], row["n_wrong"], row["n_taken"], row["n_left"]) == (0.8, 100, 0, 100, 100)
    assert row["bound"] == pytest.approx(binomtest(0, 100, alternative="less").proportion_ci(0.99, "exact").high)
    frame = chosen.codings.frame
    assert set(frame.loc[frame["why"] == LEFT, "unit_id"]) == set(chosen.left)
    assert chosen.result.plot() is not None


def test_units_that_are_left_become_an_assignment_of_people():
    chosen = selective_labels(make(repeat(("a", "a", 60), ("b", "b", 5), ("b", "c", 5))))
    assert len(chosen.left) == 10
    assert "60 of 70 labels of m are taken ('a')" in chosen.result.finding
    assert "would be needed, there are 5" in chosen.result.frame.set_index("label").loc["b", "reason"]
    units = [Unit(f"u{n}", "text") for n in range(1, 71)]
    work = assign([unit for unit in units if unit.unit_id in set(chosen.left)], ["ann"])
    assert {row.unit_id for row in work.of("ann")} == set(chosen.left)


def test_bounds_of_a_sample_with_unequal_chances_count_fewer_units():
    wrong = np.array([False] * 18 + [True] * 2)
    even = upper_bound(wrong, np.ones(20), 0.05)
    assert even == pytest.approx(binomtest(2, 20, alternative="less").proportion_ci(0.95, "exact").high)
    assert upper_bound(wrong, np.r_[np.full(10, 0.2), np.full(10, 1.8)], 0.05) > even


def draw_clusters(chance, n_clusters, size, alike=0.6):
    """Gold a or b by halves, the model wrong in 20 %: in a share `alike` of the clusters in all units or none."""
    is_bad = chance.random(n_clusters) < 0.2
    together = np.repeat(chance.random(n_clusters) < alike, size)
    wrong = np.where(together, np.repeat(is_bad, size), chance.random(n_clusters * size) < 0.2)
    gold = np.where(np.arange(n_clusters * size) % 2, "a", "b")
    coded = np.where(wrong, np.where(gold == "a", "b", "a"), gold)
    codings = make({"gold": gold.tolist(), "m": coded.tolist()})
    return codings, codings.with_clusters({f"u{at + 1}": at // size for at in range(len(gold))})


@pytest.mark.slow
def test_verdicts_and_bounds_hold_for_gold_in_clusters():
    """F1 is .8: by clusters its interval holds it; taken as units alone it does so far too seldom."""
    chance, held, alone, broken = np.random.default_rng(3), 0, 0, 0
    for _ in range(14):
        units, clusters = draw_clusters(chance, 30, 10)
        row = verdicts(clusters, resample=Bootstrap(100)).frame.iloc[0]
        bare = verdicts(units, resample=QUICK).frame.iloc[0]
        held += row["low"] <= 0.8 <= row["high"]
        alone += bare["low"] <= 0.8 <= bare["high"]
        broken += selective_labels(clusters, error=0.19).result.frame["n_taken"].gt(0).any()
    assert held >= 12
    assert alone <= 11
    assert broken <= 3  # of two labels in 14 samples, at 5 % each


def test_units_of_a_cluster_count_as_one_in_a_bound_and_the_note_says_so():
    columns = repeat(("a", "a", 60), ("b", "b", 60))
    clusters = {f"u{at + 1}": at // 6 for at in range(120)}
    chosen = selective_labels(make(columns).with_clusters(clusters)).result
    assert chosen.frame["bound"].tolist() == [pytest.approx(1 - 0.05 ** (1 / 10))] * 2
    assert chosen.frame["reason"][0] == "29 clusters of gold units without an error would be needed, there are 10"
    assert "count as one unit" in chosen.note
    judged = verdicts(make(columns).with_clusters(clusters), resample=Bootstrap(200))
    assert "draw clusters of gold units" in judged.note
    assert "Resampled are clusters of gold units" in judged.note
    alone = verdicts(make(columns), resample=QUICK).frame["low"]
    assert (judged.frame["low"] <= alone).tolist() == [True, True, False]  # nobody gave the third
    few = verdicts(make(columns).with_clusters({unit: at % 3 for unit, at in clusters.items()})).frame
    assert few["reason"].tolist() == ["no interval: 3 clusters are too few"] * 2 + ["neither in gold nor predicted"]
    assert few["verdict"].tolist() == [UNKNOWN] * 3


def test_what_cannot_be_chosen_is_refused_with_a_mend():
    with pytest.raises(StatisticError, match="is not a share"):
        selective_labels(make(repeat(("a", "a", 5))), error=1.5)
    nobody = selective_labels(make(repeat(("a", "a", 5))).only(["gold"]))
    assert nobody.result.frame.empty
    assert nobody.left == ()
    sets = Codings(
        make_table("f", {"gold": ["[]"], "m": ["[]"]}), [VariableSpec("f", "nominal", ["a"], "multi")], gold="gold"
    )
    assert "not one label per unit" in selective_labels(sets).result.finding
    assert "not one label per unit" in roc_curves(sets).finding
