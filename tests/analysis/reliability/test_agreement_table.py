"""The face of agreement: groups, labels, pairs, leave-one-out, clusters, the printed table, and coverage."""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from pathlib import Path

import krippendorff
import numpy as np
import pandas as pd
import pytest
from alphas import agreement, alpha_of

import codebook as cb
from codebook.analysis import VariableSpec, open_labels
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.counts import join_cluster, read_codes
from codebook.analysis.core.estimates import SIMPLE, Bootstrap, draw_posterior, draw_rescaled, resample
from codebook.analysis.core.examples import make_table, observers_2011
from codebook.analysis.core.plain_frames import as_codings
from codebook.analysis.core.standard_errors import join_clusters
from codebook.analysis.reliability import label_shares, reliability
from codebook.analysis.reliability.comparisons import BY
from codebook.analysis.reliability.krippendorff import measure_alpha, pairable
from codebook.codings import make_table as make_tidy
from codebook.errors import StatisticError
from codebook.ground.quantities import format_figure
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
    facts = reliability(Codings(observers_2011(), [CODE]), coefficients=EVERY).facts
    assert facts.coverage == {"code": {"labelled": 41, "absent": 7}}
    assert sum(facts.coverage["code"].values()) == 48
    assert facts.bootstrap == Bootstrap(replicates=1000, confidence=0.95, seed=1)
    assert (facts.n_units, facts.n_coders, facts.level) == (11, 4, "ordinal")
    assert facts.resampled == "units with two or more codings"
    assert "numpy" in facts.versions


def test_groups_stand_side_by_side(econ):
    """Students alone .8137, crowd alone .6867 (README of the data), ordinal."""
    table, book = econ
    groups = {
        "students": [name for name in table["coder"].unique() if name.startswith("S")],
        "crowd": [name for name in table["coder"].unique() if name.startswith("slot")],
    }
    groups["all"] = groups["students"] + groups["crowd"]
    codings = Codings(table, book.variables, gold="gold", models=tuple(groups["crowd"]))
    frame = reliability(codings, by="group", coefficients=["alpha"], resample=Bootstrap(200)).frame
    values = frame.set_index("group")["value"].round(4).to_dict()
    assert {name: values[name] for name in ("people", "models", "all")} == {
        "people": 0.8137,
        "models": 0.6867,
        "all": 0.7201,
    }
    alone = alpha_of(
        table, variable="tone", level="ordinal", labels=["-1", "0", "1"], coders=groups["crowd"], replicates=200
    )
    row = frame[frame["group"] == "models"].iloc[0]
    assert (row["value"], row["low"], row["high"], row["n_units"]) == (alone.value, alone.low, alone.high, 284)


def test_people_models_and_all():
    rows = [
        {"unit_id": "1", "coder": coder, "variable": "v", "label": "x", "run_id": run}
        for coder, run in (("ann", ""), ("bo", ""), ("m1", "r1"), ("m2", "r2"), ("gpt", ""), ("gold", ""))
    ]
    table, spec = make_tidy(rows), VariableSpec("v", "nominal", ["x"])
    groups = Codings(table, [spec], gold="gold", models=("gpt",)).groups
    assert groups == {
        "people": ["ann", "bo"],
        "models": ["m1", "m2", "gpt"],
        "people + m1": ["ann", "bo", "m1"],
        "people + m2": ["ann", "bo", "m2"],
        "people + gpt": ["ann", "bo", "gpt"],
        "all": ["ann", "bo", "m1", "m2", "gpt"],
    }
    with_column = table.assign(model=["", "", "", "", "gpt-4", ""])
    assert Codings(with_column, [spec], gold="gold").groups == groups
    assert list(Codings(table[table["run_id"] == ""], [spec]).groups) == ["people"]
    many = [{**rows[2], "coder": f"m{at}"} for at in range(9)]
    assert list(Codings(make_tidy(rows[:2] + many), [spec]).groups) == ["people", "models", "all"]


def test_s11_a_missing_ac1_has_its_reason(frames):
    table, spec = frames
    made = agreement(table, [spec], coefficients=["ac1"], replicates=0)
    sets = made["label"] == "(set)"
    assert made.loc[sets, "value"].isna().all()
    assert made.loc[sets, "reason"].str.contains("sets of labels have none: ask by='label'").all()
    assert made.loc[~sets, "value"].notna().all()
    numbers = agreement(make_table("v", {"a": ["1", "2"], "b": ["1.0", "3"]}), [VariableSpec("v", "interval")])
    assert "AC1 needs the number of allowed labels" in numbers["reason"][1]


def test_labels_one_against_the_others(frames):
    table, spec = frames
    by_label = agreement(table, [spec], by="label", coefficients=["alpha", "ac1"], replicates=100)
    assert by_label["label"].tolist() == [label for label in spec.labels for _ in range(2)]
    opened = open_labels(Codings(table, [spec])).frame
    for row in by_label[by_label["coefficient"] == "alpha"].itertuples():
        name = f"frames={row.label}"
        alone = alpha_of(opened, variable=name, level="nominal", labels=["0", "1"], replicates=100)
        assert (row.value, row.low, row.high) == (alone.value, alone.low, alone.high)
    single = agreement(observers_2011(), [CODE], by="label", coefficients=["alpha"], replicates=0)
    assert single["label"].tolist() == list("12345")
    binary = observers_2011()
    binary["label"] = binary["label"].map(lambda code: "1" if code == "3" else "0", na_action="ignore")
    alone = alpha_of(binary, variable="code", level="nominal", labels=["0", "1"], replicates=0)
    assert single["value"][2] == pytest.approx(alone.value, abs=1e-12)


def test_sets_have_alpha_but_no_coefficient_that_counts_categories(frames):
    table, spec = frames
    frame = agreement(table, [spec], coefficients=["alpha", "ac1", "fleiss"], replicates=50)
    assert frame["label"].unique().tolist() == [*spec.labels, "(set)"]
    frame = frame[frame["label"] == "(set)"].reset_index(drop=True)
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
    codings = Codings(observers_2011(), [CODE], models=("C", "D"))
    ask = {"coefficients": ["alpha", "cohen_quadratic", "scott"], "resample": Bootstrap(0)}
    frame = reliability(codings, "pair", **ask).frame
    pairs = frame.drop_duplicates(["a", "b"])
    assert list(zip(pairs["a"], pairs["b"], pairs["group"], strict=True)) == [
        ("A", "B", "people"),
        *((a, b, "people + C" if b == "C" else "people + D") for a, b in ("AC", "AD", "BC", "BD")),
        ("C", "D", "models"),
    ]
    for row in frame[frame["coefficient"] == "alpha"].itertuples():
        alone = alpha_of(
            observers_2011(), variable="code", level="ordinal", labels=list("12345"), coders=[row.a, row.b]
        )
        assert row.value == alone.value
    assert set(frame["reason"]) == {""}
    some = reliability(codings, "pair", min_units=9, **ask).frame
    assert set(some["a"] + some["b"]) == {"AB", "AD", "BC", "BD", "CD"}  # A and C share 8
    none = reliability(codings, "pair", min_units=99, **ask)
    assert none.facts.nothing == "No two coders of a group labelled 99 units in common: nothing to compare."
    assert "a" in none.frame


def test_pairs_of_one_variable_are_a_matrix_people_before_models():
    codings = Codings(observers_2011(), [CODE], models=("A", "B"))
    result = reliability(codings, "pair", resample=Bootstrap(0))
    axes, bar = result.plot().axes
    texts = [text.get_text() for text in axes.texts]
    assert [text for text in texts if text[0].isalpha()] == ["people", "models", *"CDAB"]
    alpha = result.frame[result.frame["coefficient"] == "alpha"]
    assert sorted(text for text in texts if text[0] in ".1" and "." in text) == sorted(
        map(format_figure, alpha["value"])
    )
    assert sorted(text for text in texts if text.isdecimal()) == sorted(map(str, alpha["n_units"]))
    assert bar.get_xlabel() == "Krippendorff's alpha (ordinal) of code"


def test_of_many_coders_the_pairs_that_agree_least_are_drawn_and_the_note_says_so():
    labels = np.random.default_rng(1).choice(["1", "2"], (12, 42))
    wide = pd.DataFrame(labels, columns=[f"c{at}" for at in range(42)])
    result = reliability(wide, "pair", level="nominal", coefficients=["percent"], resample=Bootstrap(0))
    assert len(result.plot().axes[0].get_yticklabels()) == 30
    assert "The figure shows the 30 of 861 pairs that agree least." in result.note


def test_without_each_coder():
    frame = agreement(observers_2011(), [CODE], by="without", coefficients=["alpha"], replicates=50)
    assert frame["left_out"].tolist() == ["", *"ABCD"]
    for coder in "ABCD":
        others = [name for name in "ABCD" if name != coder]
        alone = alpha_of(
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
    codings = Codings(table, [spec], clusters=author)
    assert reliability(codings, resample=Bootstrap(0)).facts.resampled == "clusters of units"
    as_series = agreement(table, [spec], coefficients=["alpha"], cluster=pd.Series(author))
    assert as_series["low"][0] == by_author["low"][0]


def test_cluster_replicates_are_those_of_resampled_clusters(clustered):
    """The same draws, made by hand: units of the drawn clusters put together, alpha by the krippendorff package."""
    import krippendorff

    table, author = clustered
    codings = join_cluster(read_codes(table, variable="v", level="nominal", labels=list("012")), author)
    kept = pairable(codings)
    members, alpha = join_clusters(kept.patterns, codings.cluster), measure_alpha(kept)
    draws = resample(kept.patterns.times, alpha.statistic, replicates=20, seed=3, members=members)
    ones = np.ones(60, dtype=np.int64)
    drawn = (draw_rescaled(np.random.default_rng(3), ones, 20) * 59 / 60).round().astype(int)
    assert (drawn.sum(axis=1) == 59).all()
    matrix = np.array([codings.code[codings.coder == at] for at in range(3)])
    for times, value in zip(drawn, draws, strict=True):
        columns = np.concatenate([np.repeat(np.arange(5 * at, 5 * at + 5), n) for at, n in enumerate(times)])
        naive = krippendorff.alpha(reliability_data=matrix[:, columns], level_of_measurement="nominal")
        n_codings = 3 * columns.size  # alpha holds n - 1, and each of the 59 clusters counts 60 / 59
        assert (1 - value) / (n_codings - 59 / 60) == pytest.approx((1 - naive) / (n_codings - 1), abs=1e-12)


def test_few_clusters_have_a_jackknife_and_one_has_no_interval(clustered):
    table, author = clustered
    spec = VariableSpec("v", "nominal", list("012"))
    few = agreement(table, [spec], coefficients=["alpha"], cluster={unit: name[-1] for unit, name in author.items()})
    assert few["n_clusters"].tolist() == [10]
    assert few["jack_low"][0] < few["value"][0] < few["jack_high"][0]
    one = agreement(table, [spec], coefficients=["alpha"], cluster=dict.fromkeys(author, "x"))
    assert math.isnan(one["low"][0])
    assert one["reason"][0] == "no interval: all units are in one cluster"


@pytest.mark.parametrize("times", [[400, 90, *[4] * 20, *[1] * 60], [30, 70]], ids=["many patterns", "two"])
def test_weights_of_replicates_have_the_mean_and_variance_of_drawn_units(times):
    """Those of a Dirichlet draw: n x p and n^2 p (1 - p) / (n + 1)."""
    times = np.array(times)
    n = times.sum()
    draws = draw_posterior(np.random.default_rng(1), times, 20_000)
    np.testing.assert_allclose(draws.sum(axis=1), n)
    np.testing.assert_allclose(draws.mean(axis=0), times, rtol=0.05)
    np.testing.assert_allclose(draws.var(axis=0), times * (1 - times / n) * n / (n + 1), rtol=0.08)
    chances = times[:2] / n
    expected = -math.sqrt(math.prod(chances) / math.prod(1 - chances))
    assert np.corrcoef(draws[:, 0], draws[:, 1])[0, 1] == pytest.approx(expected, abs=0.03)


@pytest.mark.parametrize("times", [[1, 1], [2, 1], [60, 40], [1] * 30])
def test_rescaled_draws_vary_as_a_mean_of_few_units_does(times):
    """Their variance is n / (n - 1) times that of the usual bootstrap: that of the unbiased estimate."""
    times = np.array(times)
    n = times.sum()
    draws = draw_rescaled(np.random.default_rng(1), times, 20_000)
    np.testing.assert_allclose(draws.sum(axis=1), n)
    np.testing.assert_allclose(draws.mean(axis=0), times, rtol=0.05)
    np.testing.assert_allclose(draws.var(axis=0), times * (1 - times / n) * n / (n - 1), rtol=0.08)


def test_the_commonest_label_and_what_is_left_aside_are_beside_the_figure():
    frame = agreement(observers_2011(), [CODE])
    assert frame["commonest"].tolist() == pytest.approx([13 / 40] * 3)  # "2" in 13 of 40 pairable codings
    assert frame["jack_low"].notna().all()
    two = observers_2011()
    two = agreement(two[two["coder"].isin(["A", "B"])], [CODE])
    assert two["dropped"].tolist()[1] == "3 units with fewer than two codings; codings without a label: 4 absent"


def test_the_table_for_a_paper_says_value_interval_and_what_was_left_aside():
    codings = Codings(observers_2011(), [CODE])
    result = reliability(codings, by="group", coefficients=["alpha", "ac2_linear", "cohen"])
    row = result.printed().iloc[0]
    assert row.index.tolist()[:4] == ["Variable", "Coders", "Units", "n coders"]
    assert row["Krippendorff's alpha"] == ".82 [.48, .98]"
    assert row["Gwet's AC2 (linear)"].startswith(".86 [")
    assert row["Cohen's kappa"] == "undefined"
    assert "Cohen's kappa compares two coders, and there are 4 here: ask by='pair', or for conger" in result.note
    assert "1 unit with fewer than two codings; codings without a label: 7 absent." in result.note
    assert "Resampled are units with two or more codings. 95 % intervals from 1,000 bootstrap" in result.note
    assert result.note.endswith(SIMPLE)
    assert result.finding == "Krippendorff's alpha (ordinal) of code: people .82 [.48, .98] (4 coders, 11 units)."
    for by in ("", *(by for by in BY if by != "difference")):  # people alone have no other group
        many = reliability(codings, by, coefficients=EVERY[:5], resample=Bootstrap(0)).printed()
        assert len(many.columns) <= 7
        assert many["Coefficient"].nunique() == 5


def test_shares_of_labels_add_up(frames):
    table, spec = frames
    frame = label_shares(Codings(table, [spec])).frame
    assert len(frame) == 4 * 5
    held = table[table["coder"] == "A2"]["label"].str.contains('"MO"')
    row = frame[(frame["coder"] == "A2") & (frame["label"] == "MO")].iloc[0]
    assert (row["n"], row["n_codings"]) == (held.sum(), len(held))
    single = label_shares(observers_2011(), level="nominal")
    assert single.frame.groupby("coder")["share"].sum().to_numpy() == pytest.approx(np.ones(4))
    assert single.printed().columns.tolist() == ["Label", *"BDCA"]
    assert single.finding == (
        "The commonest label of code is '2': from .27 (D) to .36 (B) of a coder's labels; C gives '3' most (.40)."
    )
    assert "different numbers of codings (A 9, B 11, C 10, D 11), so perhaps of different units" in single.note
    wide = pd.DataFrame({"model": list("aaaaab"), "gold": ["b", "b", "a", None, None, None]})
    finding = label_shares(wide, level="nominal").finding
    assert finding.endswith("is 'a': from .33 (gold) to .83 (model) of a coder's labels; gold gives 'b' most (.67).")
    nobody = label_shares(make_table("v", {"a": [None]}), level="nominal")
    assert nobody.facts.nothing == "No coding has a label: nothing to count."


def test_a_figure_shows_the_values_as_they_are():
    result = reliability(Codings(observers_2011(), [CODE]), "label", coefficients=["alpha"], resample=Bootstrap(100))
    axes = result.plot().axes[0]
    rows = result.frame.sort_values("value", ascending=False, kind="stable")
    assert [tick.get_text() for tick in axes.get_yticklabels()] == [f"{row.label}" for row in rows.itertuples()]
    shown = sorted(value for line in axes.lines if line.get_marker() == "s" for value in line.get_xdata())
    assert shown == sorted(rows["value"])


@pytest.mark.parametrize("by", ["", *(by for by in BY if by != "difference")])  # one group has no other
def test_plain_frames_wide_and_long_give_the_same(by):
    long = observers_2011().rename(columns={"unit_id": "unit"})[["unit", "coder", "label"]]
    wide = long.pivot(index="unit", columns="coder", values="label").loc[long["unit"].unique()]
    ask = {"level": "nominal", "resample": Bootstrap(50)}
    known = reliability(Codings(observers_2011(), [VariableSpec("code", "nominal", list("12345"))]), by, **ask).frame
    for plain in (long, wide):
        frame = reliability(plain, by, **ask).frame
        pd.testing.assert_frame_equal(frame.assign(variable="code"), known)


def test_from_two_columns_of_an_excel_to_alpha_with_interval(tmp_path):
    path = tmp_path / "x.xlsx"
    table = pd.DataFrame({"anna": ["a", "b", "a", "b"] * 10, "ben": ["a", "b", "a", "a"] * 10})
    table.insert(0, "text", "Some text.")
    table.to_excel(path, index=False)
    result = reliability(pd.read_excel(path)[["anna", "ben"]], level="nominal")
    assert repr(result).startswith("Krippendorff's alpha (nominal) of label: .47 [.14, .71] (2 coders, 40 units).")
    assert "P(" not in result.note


def test_by_a_covariate_each_value_and_the_difference(clustered):
    table, author = clustered
    units = pd.Index(author)
    party = pd.Series(np.where(np.arange(300) % 2, "left", "right"), index=units, name="party")
    codings = Codings(table, [VariableSpec("v", "nominal", list("012"))]).with_groups(party)
    frame = reliability(codings, by="party", coefficients=["alpha"]).frame.set_index("group")
    assert frame["difference"].tolist() == [False, False, True]
    for value in ("left", "right"):
        alone = reliability(codings.where(party=value), coefficients=["alpha"]).frame.iloc[0]
        assert frame.loc[value, ["value", "low", "high", "n_units"]].tolist() == [*alone[["value", "low", "high"]], 150]
    gap = frame.loc["left - right"]
    assert gap["value"] == frame.loc["left", "value"] - frame.loc["right", "value"]
    assert gap["low"] < gap["value"] < gap["high"]
    assert gap["se"] == pytest.approx(math.hypot(*frame["se"].iloc[:2]))
    assert (gap["high"] - gap["low"]) / (2 * 1.96) == pytest.approx(gap["se"], rel=0.1)
    three = reliability(
        codings.with_groups(party.map({"left": "l", "right": "r"}).where(units != "u1", "x").rename("p")), "p"
    )
    assert three.frame["group"].unique().tolist() == ["l", "r", "x", "l - rest", "r - rest", "x - rest"]
    assert "left - right" in reliability(codings, "party", resample=Bootstrap(50)).finding


def test_a_cluster_with_units_on_both_sides_is_drawn_once(clustered):
    """Twins: each author has the same texts on both sides, so that only what was not seen keeps a draw from 0."""
    table, author = clustered
    twin = table.assign(unit_id="again " + table["unit_id"])
    both = pd.concat([table, twin], ignore_index=True)
    clusters = author | {f"again {unit}": name for unit, name in author.items()}
    side = pd.Series(
        ["twin" if unit.startswith("again") else "one" for unit in clusters], index=list(clusters), name="side"
    )
    codings = Codings(both, [VariableSpec("v", "nominal", list("012"))], clusters=clusters).with_groups(side)
    gap = reliability(codings, "side", resample=Bootstrap(200)).frame.set_index("group").loc["one - twin"]
    assert gap["value"].abs().max() < 1e-12
    assert gap[["low", "high"]].abs().to_numpy().max() < 0.02
    assert gap["n_clusters"].tolist() == [60] * 3
    apart = {unit: f"{name} {side[unit]}" for unit, name in clusters.items()}
    gap = reliability(codings.with_clusters(apart), "side", resample=Bootstrap(200)).frame.set_index("group")
    assert (gap.loc["one - twin", "low"] < -0.05).all()
    assert set(gap.loc["one - twin", "n_clusters"]) == {120}


@pytest.mark.parametrize(
    ("covariate", "mend"),
    [
        (pd.Series("x", index=["u1", "u2"]), "has 1 different values on these units. To mend: split by 2 to 60"),
        (pd.Series(range(300), index=[f"u{at + 1}" for at in range(300)]), "put numbers into bands with pd.cut"),
        (pd.Series(["x", "y"], index=["u1", "u1"]), "several values for unit 'u1'"),
        (pd.Series(["x", "y"], index=["U1", "U2"]), "has 0 different values on these units"),
    ],
)
def test_a_covariate_that_cannot_split_names_the_mend(clustered, covariate, mend):
    codings = Codings(clustered[0], [VariableSpec("v", "nominal", list("012"))])
    with pytest.raises(StatisticError, match=mend):
        reliability(replace(codings, covariates=covariate.to_frame("party")), "party")


@pytest.mark.slow
def test_intervals_cover_as_often_as_they_say():
    """95 % intervals of alpha, 100 units, 400 simulated studies, seed 1; benchmarks/analysis_agreement.py has more."""
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        from analysis_agreement import covered
    finally:
        sys.path.pop(0)
    assert 0.92 <= covered(100, 400, seed=1, replicates=500) <= 0.98


def test_the_finding_on_sets_is_that_of_the_sets() -> None:
    sets = pd.DataFrame({"ann": [["a"], ["b"], ["a", "b"], []], "ben": [["a"], ["b"], ["a"], []]})
    result = reliability(sets, level="masi")
    assert result.finding.startswith("Krippendorff's alpha (masi) of label: ")


def test_groups_are_held_against_the_people_on_units_drawn_once_for_both_sides() -> None:
    rng = np.random.default_rng(3)
    truth = rng.choice(list("abc"), 120)
    noise = {"ann": 0.2, "ben": 0.25, "m": 0.5}
    wide = pd.DataFrame(
        {who: np.where(rng.random(120) < p, rng.choice(list("abc"), 120), truth) for who, p in noise.items()}
    )
    wide = wide.astype(object)
    wide.loc[:3, "ben"] = None
    codings = replace(as_codings(wide, level="nominal"), models=("m",))
    result = reliability(codings, "difference", coefficients=["alpha"], resample=Bootstrap(2000))
    (row,) = result.frame.to_dict("records")
    codes = wide.loc[4:].replace(dict(zip("abc", range(3), strict=True))).to_numpy(float).T

    def gap(at: np.ndarray) -> float:
        three, pair = (krippendorff.alpha(codes[:n, at], level_of_measurement="nominal") for n in (3, 2))
        return float(three - pair)

    assert (row["group"], row["n_units"]) == ("people + m - people", 116)
    assert row["value"] == pytest.approx(gap(np.arange(116)))
    drawn = [gap(np.random.default_rng(seed).integers(116, size=116)) for seed in range(400)]
    assert [row["low"], row["high"]] == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=0.012)
    apart = reliability(codings, "group", coefficients=["alpha"]).frame
    wider = math.hypot(*(apart["high"] - apart["low"]).iloc[:2])
    assert row["high"] - row["low"] < 0.8 * wider, (
        "people are in both groups: the difference is surer than of strangers"
    )
    assert row["dropped"] == "4 units without two codings of either group"
    assert "Each unit is drawn once for both sides" in result.note
    assert "customary" not in result.note
    assert result.plot() is not None
    alone = reliability(wide[["ann", "ben"]], "difference", level="nominal")
    assert alone.finding == "One group of coders: there is no other to hold against it."
