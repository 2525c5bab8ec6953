"""The face of agreement: groups, labels, pairs, leave-one-out, clusters, the printed table, and coverage."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import codebook as cb
from codebook.analysis import (
    VariableSpec,
    agreement,
    agreement_table,
    coder_pairs,
    krippendorff_alpha,
    label_margins,
    open_labels,
    plot_estimates,
    reliability_table,
)
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.counts import join_cluster, read_codes
from codebook.analysis.core.estimates import Bootstrap, draw_times
from codebook.analysis.core.examples import make_table, observers_2011
from codebook.analysis.reliability.coefficients import COEFFICIENTS, estimate_coefficient
from codebook.analysis.reliability.krippendorff import pairable
from codebook.codings import group_coders
from codebook.codings import make_table as make_tidy
from codebook.errors import StatisticError
from codebook.scheme import Codebook

ROOT = Path(__file__).parents[3]
CODE = VariableSpec("code", "ordinal", list("12345"))
EVERY = ["alpha", "ac1", "ac2", "fleiss", "conger", "brennan_prediger", "percent", "percent_mean_coder_pairs"]


@pytest.fixture(scope="module")
def econ() -> tuple[pd.DataFrame, Codebook]:
    folder = ROOT / "data" / "econ_headlines"
    book = cb.read_codebook(folder / "codebook.yaml")
    return cb.read_coders(folder / "coders.yaml", book).frame, book


@pytest.fixture(scope="module")
def frames() -> tuple[pd.DataFrame, VariableSpec]:
    path = ROOT / "data" / "narrative_frames" / "frame_sets_derived.csv"
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    sets = ["[" + ", ".join(f'"{name}"' for name in held.split("|") if name) + "]" for held in frame["frames"]]
    table = pd.DataFrame({"unit_id": frame["article_id"], "coder": frame["coder"], "label": sets})
    table = table.assign(variable="frames", draw=0, why=pd.Series(None, index=table.index, dtype="str"))
    return table, VariableSpec("frames", "nominal", ["CO", "EC", "HI", "MO", "RE"], "multi")


def test_one_row_a_coefficient_with_all_that_a_table_must_say():
    frame = agreement(observers_2011(), [CODE], coefficients=EVERY)
    assert frame["coefficient"].tolist() == EVERY
    assert set(frame["n_units"]) == {11}
    assert set(frame["n_dropped"]) == {1}
    assert set(frame["n_missing"]) == {7}
    assert frame["dropped"][0] == "1 unit with fewer than two codings; codings without a label: 7 absent"
    assert (frame["low"] <= frame["value"]).all()
    assert (frame["value"] <= frame["high"]).all()
    assert frame["jack_low"].notna().all()
    assert frame["detail"].tolist()[1:4] == ["identity", "ordinal", "identity"]
    assert frame.attrs["coverage"] == {"code": {"labelled": 41, "absent": 7}}
    assert sum(frame.attrs["coverage"]["code"].values()) == 48
    assert {key: frame.attrs[key] for key in ("seed", "replicates", "confidence", "draw", "by")} == {
        "seed": 1,
        "replicates": 1000,
        "confidence": 0.95,
        "draw": 0,
        "by": "overall",
    }
    assert frame.attrs["resampled"] == "units with two or more codings"
    assert "numpy" in frame.attrs["versions"]


def test_groups_stand_side_by_side(econ):
    """Students alone .8137, crowd alone .6867 (README of the data), ordinal."""
    table, book = econ
    groups = {
        "students": [name for name in table["coder"].unique() if name.startswith("S")],
        "crowd": [name for name in table["coder"].unique() if name.startswith("slot")],
    }
    groups["all"] = groups["students"] + groups["crowd"]
    frame = agreement(table, book.variables, groups=groups, coefficients=["alpha"], replicates=200)
    assert frame.set_index("group")["value"].round(4).to_dict() == {"students": 0.8137, "crowd": 0.6867, "all": 0.7201}
    alone = krippendorff_alpha(
        table, variable="tone", level="ordinal", labels=["-1", "0", "1"], coders=groups["crowd"], replicates=200
    )
    row = frame[frame["group"] == "crowd"].iloc[0]
    assert (row["value"], row["low"], row["high"], row["n_units"]) == (alone.value, alone.low, alone.high, 284)


def test_humans_models_and_all():
    rows = [
        {"unit_id": "1", "coder": coder, "variable": "v", "label": "x", "run_id": run}
        for coder, run in (("ann", ""), ("bo", ""), ("m1", "r1"), ("m2", "r2"), ("gpt", ""), ("gold", ""))
    ]
    table = make_tidy(rows)
    assert group_coders(table, models=["gpt"]) == {
        "humans": ["ann", "bo"],
        "models": ["m1", "m2", "gpt"],
        "humans + m1": ["ann", "bo", "m1"],
        "humans + m2": ["ann", "bo", "m2"],
        "humans + gpt": ["ann", "bo", "gpt"],
        "all": ["ann", "bo", "m1", "m2", "gpt"],
    }
    with_column = table.assign(model=["", "", "", "", "gpt-4", ""])
    assert group_coders(with_column) == group_coders(table, models=["gpt"])
    assert list(group_coders(table[table["run_id"] == ""], leave_out=[])) == ["humans"]
    many = [{**rows[2], "coder": f"m{at}"} for at in range(9)]
    assert list(group_coders(make_tidy(rows[:2] + many))) == ["humans", "models", "all"]


def test_s11_a_missing_ac1_has_its_reason(frames):
    table, spec = frames
    made = agreement_table(table, [spec], replicates=0)
    sets = made["label"] == "(set)"
    assert made.loc[sets, "ac1"].isna().all()
    assert made.loc[sets, "reason"].str.contains("sets of labels have none: ask by='label'").all()
    assert made.loc[~sets, "ac1"].notna().all()
    numbers = agreement_table(make_table("v", {"a": ["1", "2"], "b": ["1.0", "3"]}), [VariableSpec("v", "interval")])
    assert "AC1 needs the number of allowed labels" in numbers["reason"][0]


def test_labels_one_against_the_others(frames):
    table, spec = frames
    by_label = agreement(table, [spec], by="label", coefficients=["alpha", "ac1"], replicates=100)
    assert by_label["label"].tolist() == [label for label in spec.labels for _ in range(2)]
    opened = open_labels(Codings(table, [spec])).frame
    for row in by_label[by_label["coefficient"] == "alpha"].itertuples():
        name = f"frames={row.label}"
        alone = krippendorff_alpha(opened, variable=name, level="nominal", labels=["0", "1"], replicates=100)
        assert (row.value, row.low, row.high) == (alone.value, alone.low, alone.high)
    single = agreement(observers_2011(), [CODE], by="label", coefficients=["alpha"], replicates=0)
    assert single["label"].tolist() == list("12345")
    binary = observers_2011()
    binary["label"] = binary["label"].map(lambda code: "1" if code == "3" else "0", na_action="ignore")
    alone = krippendorff_alpha(binary, variable="code", level="nominal", labels=["0", "1"], replicates=0)
    assert single["value"][2] == pytest.approx(alone.value, abs=1e-12)


def test_sets_have_alpha_but_no_coefficient_that_counts_categories(frames):
    table, spec = frames
    frame = agreement(table, [spec], coefficients=["alpha", "ac1", "fleiss"], replicates=50)
    assert frame["level"].tolist() == ["masi"] * 3 + ["jaccard"] * 3
    assert frame["value"].round(5).tolist()[::3] == [0.27399, 0.32922]
    assert frame["reason"][1] == ("Gwet's AC1 needs a list of categories, and sets of labels have none: ask by='label'")
    assert not math.isnan(frame["value"][2])  # sets equal or not


def test_narrative_frames_question_by_question():
    """README of the data (two programs): EC2 .6999, MO2 .5152, CO1 .4478, EC1 .4614, HI1 .0644, RE7 .1700, RE1 .0."""
    folder = ROOT / "data" / "narrative_frames"
    book = cb.read_codebook(folder / "codebook.yaml")
    table = cb.read_coders(folder / "coders.yaml", book).frame
    frame = agreement(table, book.variables, coefficients=["alpha", "ac1"], replicates=300)
    alpha = frame[frame["coefficient"] == "alpha"].set_index("variable")
    known = {"EC2": 0.6999, "MO2": 0.5152, "CO1": 0.4478, "EC1": 0.4614, "HI1": 0.0644, "RE7": 0.17, "RE1": 0}
    assert alpha.loc[list(known), "value"].to_dict() == pytest.approx(known, abs=6e-5)
    assert len(alpha) == 23
    assert (alpha["low"].isna() == (alpha["undefined_share"] > 0.05)).all()
    assert frame.set_index(["variable", "coefficient"]).loc[("RE1", "ac1"), "value"] > 0.99  # the same codings


def test_pairs_stand_under_the_first_group_that_has_both():
    groups = {"humans": ["A", "B"], "all": list("ABCD")}
    ask = {"coefficients": ["alpha", "cohen_quadratic", "scott"], "replicates": 0}
    frame = agreement(observers_2011(), [CODE], by="pair", groups=groups, **ask)
    pairs = frame.drop_duplicates(["a", "b"])
    assert list(zip(pairs["a"], pairs["b"], pairs["group"], strict=True)) == [
        ("A", "B", "humans"),
        *((a, b, "all") for a, b in ("AC", "AD", "BC", "BD", "CD")),
    ]
    old = coder_pairs(observers_2011(), variable="code", level="ordinal", labels=list("12345"))
    assert frame.loc[frame["coefficient"] == "alpha", "value"].tolist() == old["alpha"].tolist()
    assert set(frame["reason"]) == {""}
    some = agreement(observers_2011(), [CODE], by="pair", min_units=9, **ask)
    assert set(some["a"] + some["b"]) == {"AB", "AD", "BC", "BD", "CD"}  # A and C share 8


def test_without_each_coder():
    frame = agreement(observers_2011(), [CODE], by="leave_one_out", coefficients=["alpha"], replicates=50)
    assert frame["left_out"].tolist() == ["", *"ABCD"]
    for coder in "ABCD":
        others = [name for name in "ABCD" if name != coder]
        alone = krippendorff_alpha(
            observers_2011(), variable="code", level="ordinal", labels=list("12345"), coders=others, replicates=50
        )
        row = frame[frame["left_out"] == coder].iloc[0]
        assert (row["value"], row["low"], row["n_units"]) == (alone.value, alone.low, alone.n_units)


@pytest.fixture(scope="module")
def clustered() -> tuple[pd.DataFrame, dict[str, str]]:
    """60 authors of 5 texts; an author's texts share the label, and the coders' trouble with it."""
    rng = np.random.default_rng(4)
    label = np.repeat(rng.integers(3, size=60), 5)
    hard = np.repeat(rng.random(60) < 0.4, 5)
    codes = {}
    for name in ("a", "b", "c"):
        own = np.where(hard, np.repeat(rng.integers(3, size=60), 5), label)
        codes[name] = [str(code) for code in own]
    return make_table("v", codes), {f"u{at + 1}": f"author {at // 5}" for at in range(300)}


def test_clusters_are_drawn_whole(clustered):
    table, author = clustered
    spec = VariableSpec("v", "nominal", list("012"))
    by_unit = agreement(table, [spec], coefficients=["alpha", "ac1", "conger"])
    by_author = agreement(table, [spec], coefficients=["alpha", "ac1", "conger"], cluster=author)
    assert by_author["value"].tolist() == by_unit["value"].tolist()
    assert set(by_author["n_clusters"]) == {60}
    width = {name: (frame["high"] - frame["low"]) for name, frame in (("unit", by_unit), ("author", by_author))}
    ratio = (width["author"] / width["unit"]).to_numpy()
    assert (abs(ratio - math.sqrt(5)) < 0.35).all()  # five equal texts an author: intervals sqrt(5) times as wide
    errors = (by_author["se"] / by_unit["se"]).to_numpy()
    assert errors == pytest.approx(math.sqrt(5), rel=0.03)
    assert by_author.attrs["resampled"] == "clusters of units"
    as_series = agreement(table, [spec], coefficients=["alpha"], cluster=pd.Series(author))
    assert as_series["low"][0] == by_author["low"][0]


def test_cluster_replicates_are_those_of_resampled_clusters(clustered):
    """The same draws, made by hand: units of the drawn clusters put together, alpha by the krippendorff package."""
    import krippendorff

    table, author = clustered
    codings = join_cluster(read_codes(table, variable="v", level="nominal", labels=list("012")), author)
    kept = pairable(codings)
    draws = estimate_coefficient(kept, COEFFICIENTS["alpha"], Bootstrap(20, seed=3))[1]
    ones = np.ones(60, dtype=np.int64)
    drawn = draw_times(np.random.default_rng(3), ones, 20).astype(int)
    matrix = np.array([codings.code[codings.coder == at] for at in range(3)])
    for times, value in zip(drawn, draws, strict=True):
        columns = np.concatenate([np.repeat(np.arange(5 * at, 5 * at + 5), n) for at, n in enumerate(times)])
        naive = krippendorff.alpha(reliability_data=matrix[:, columns], level_of_measurement="nominal")
        assert value == pytest.approx(naive, abs=1e-12)


def test_few_clusters_have_a_jackknife_and_one_has_no_interval(clustered):
    table, author = clustered
    spec = VariableSpec("v", "nominal", list("012"))
    few = agreement(table, [spec], coefficients=["alpha"], cluster={unit: name[-1] for unit, name in author.items()})
    assert few["n_clusters"].tolist() == [10]
    assert few["jack_low"][0] < few["value"][0] < few["jack_high"][0]
    one = agreement(table, [spec], coefficients=["alpha"], cluster=dict.fromkeys(author, "x"))
    assert math.isnan(one["low"][0])
    assert one["reason"][0] == "no interval: all units are in one cluster"


@pytest.mark.parametrize(
    "times",
    [[400, 90, *[4] * 20, *[1] * 60], [60, 50, *range(6, 46), *[1] * 40], [60, 50, *range(6, 136)], [30, 70]],
    ids=["rare ones by unit", "and Poisson numbers", "Poisson numbers alone", "plain"],
)
def test_draws_are_multinomial_however_they_are_made(times):
    times = np.array(times)
    n = times.sum()
    draws = draw_times(np.random.default_rng(1), times, 20_000)
    assert (draws.sum(axis=1) == n).all()
    assert draws.min() >= 0
    np.testing.assert_allclose(draws.mean(axis=0), times, rtol=0.05)
    np.testing.assert_allclose(draws.var(axis=0), times * (1 - times / n), rtol=0.08)
    chances = times[:2] / n
    expected = -math.sqrt(math.prod(chances) / math.prod(1 - chances))
    assert np.corrcoef(draws[:, 0], draws[:, 1])[0, 1] == pytest.approx(expected, abs=0.03)
    again = draw_times(np.random.default_rng(1), times, 20_000)
    np.testing.assert_array_equal(draws, again)


def test_the_reliability_table_has_ac1_and_the_commonest_label():
    frame = agreement_table(observers_2011(), [CODE], groups={"all": list("ABCD"), "two": ["A", "B"]})
    ac1 = agreement(observers_2011(), [CODE], coefficients=["ac1"], replicates=0)
    assert frame["ac1"][0] == ac1["value"][0]
    assert frame["commonest"][0] == pytest.approx(13 / 40)  # "2" in 13 of 40 pairable codings
    assert frame["jack_low"].notna().all()
    assert frame["dropped"].tolist()[1] == "3 units with fewer than two codings; codings without a label: 4 absent"


def test_the_table_for_a_paper_says_value_interval_and_what_was_left_aside():
    printed = reliability_table(agreement(observers_2011(), [CODE], coefficients=["alpha", "ac2_linear", "cohen"]))
    row = printed.iloc[0]
    assert row["Krippendorff's alpha"] == ".82 [.47, 1.00]"
    assert row["Gwet's AC2 (linear)"].startswith(".86 [")
    assert row["Cohen's kappa"] == "undefined"
    assert "Cohen's kappa compares two coders, here are 4: ask by='pair', or for conger" in row["Remarks"]
    assert row["Remarks"].endswith("1 unit with fewer than two codings; codings without a label: 7 absent")
    assert printed.attrs["note"].startswith("In brackets 95 % percentile intervals; resampled are units")
    assert "Label" not in printed
    with pytest.raises(StatisticError, match=r"pass agreement\(\.\.\.\)"):
        reliability_table(pd.DataFrame({"value": [1.0]}))


def test_margins_add_up(frames):
    table, spec = frames
    frame = label_margins(table, [spec], groups={"first": ["A1"], "all": ["A1", "A2", "A3", "A4"]})
    assert len(frame) == 4 * 5
    assert frame.groupby("coder")["group"].first().to_dict() == {
        "A1": "first",
        **dict.fromkeys(("A2", "A3", "A4"), "all"),
    }
    held = table[table["coder"] == "A2"]["label"].str.contains('"MO"')
    row = frame[(frame["coder"] == "A2") & (frame["label"] == "MO")].iloc[0]
    assert (row["n"], row["n_codings"]) == (held.sum(), len(held))
    single = label_margins(observers_2011(), [CODE])
    assert single.groupby("coder")["share"].sum().to_numpy() == pytest.approx(np.ones(4))


def test_a_figure_takes_the_frame_as_it_is():
    frame = agreement(observers_2011(), [CODE], by="label", coefficients=["alpha"], replicates=100)
    figure = plot_estimates(frame, name="label", group="group", references=(0.667, 0.8))
    axes = figure.axes[0]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == list("12345")
    shown = [value for line in axes.lines if line.get_label() == "all" for value in line.get_xdata()]
    assert shown == frame["value"].tolist()


def test_intervals_cover_as_often_as_they_say():
    """95 % intervals of alpha, 100 units, 400 simulated studies, seed 1; benchmarks/analysis_agreement.py has more."""
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        from analysis_agreement import covered
    finally:
        sys.path.pop(0)
    assert 0.92 <= covered(100, 400, seed=1, replicates=500) <= 0.98
