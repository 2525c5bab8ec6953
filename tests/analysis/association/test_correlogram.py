"""Association of labels and coders, and the figures, tested by their data."""

from __future__ import annotations

import io
import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from alphas import alpha_of

from codebook.analysis import (
    VariableSpec,
    compare_shares,
    correlogram,
    label_indicators,
    plot_correlogram,
    plot_estimates,
    to_matrix,
)
from codebook.analysis.association.pair_statistics import chi2_p
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.estimates import adjust_p
from codebook.analysis.core.examples import make_table, observers_2011
from codebook.errors import StatisticError

SETS = SimpleNamespace(name="v", kind="multi", level="nominal", labels=["x", "y"])


def pairs_of(table: pd.DataFrame, *variables: SimpleNamespace, of: str = "labels") -> pd.DataFrame:
    return correlogram(Codings(table, variables), of).frame


def two_by_two(n11: int, n10: int, n01: int, n00: int) -> pd.DataFrame:
    return make_table("v", {"ann": ['["x", "y"]'] * n11 + ['["x"]'] * n10 + ['["y"]'] * n01 + ["[]"] * n00})


@pytest.mark.parametrize(
    ("cells", "phi"),
    [((40, 10, 20, 30), 0.40825), ((61, 26, 28, 85), 0.45226), ((120, 5, 8, 3), 0.26968)],
)
def test_phi_of_three_known_tables(cells, phi):
    row = pairs_of(two_by_two(*cells), SETS).iloc[0]
    assert round(row["phi"], 5) == phi
    n11, n10, n01, _ = cells
    assert row[["n", "n_a", "n_b", "n11"]].tolist() == [sum(cells), n11 + n10, n11 + n01, n11]
    assert row["jaccard"] == pytest.approx(n11 / (n11 + n10 + n01))
    assert row["lift"] == pytest.approx(n11 * sum(cells) / ((n11 + n10) * (n11 + n01)))
    assert row["p"] == pytest.approx(math.erfc(math.sqrt(sum(cells) * row["phi"] ** 2 / 2)))
    a, b = sorted((n11 + n10, n11 + n01))
    top = two_by_two(a, 0, b - a, sum(cells) - b)  # the closest tie that such margins allow
    assert pairs_of(top, SETS)["phi"][0] == pytest.approx(row["phi_max"])


def test_codings_of_one_unit_are_not_independent():
    one = two_by_two(40, 10, 20, 30)
    three = pd.concat([one.assign(coder=name) for name in ("ann", "bo", "cy")], ignore_index=True)
    alone, pooled = (pairs_of(table, SETS).iloc[0] for table in (one, three))
    assert (pooled["n"], pooled["n_units"]) == (300, 100)
    assert pooled[["phi", "p"]].tolist() == pytest.approx(alone[["phi", "p"]].tolist())
    assert pairs_of(three[three["coder"] == "bo"], SETS)["n"][0] == 100


def test_labels_of_a_single_variable_exclude_each_other_and_are_left_out():
    topic = SimpleNamespace(name="topic", kind="single", level="nominal", labels=["p", "q", "r"])
    tone = SimpleNamespace(name="tone", kind="rating", level="ordinal", labels=["1", "2"])
    table = pd.concat(
        [
            make_table("topic", {"ann": ["p", "q", "r", "p"], "bo": ["p", "q", "q", None]}),
            make_table("tone", {"ann": ["1", "2", "2", None], "bo": ["1", "2", "1", "1"]}),
        ]
    )
    pairs = pairs_of(table, topic, tone)
    assert len(pairs) == 3 * 2
    assert set(pairs["a"]) == {"topic=p", "topic=q", "topic=r"}
    assert set(pairs["n"]) == {6}
    across = correlogram(Codings(table, [topic], gold="bo", models=("ann",))).frame
    same = across[(across["a"] == "ann: topic=p") & (across["b"] == "bo: topic=p")].iloc[0]
    assert (same["n"], same["n_units"], same["n11"], same["phi"]) == (3, 3, 1, 1.0)
    assert len(across) == 3 * 3
    wide = label_indicators(Codings(table, [topic, tone]), by_coder=True)
    assert wide.shape == (4, 2 * 5)
    v = pairs_of(table, topic, tone, of="variables")
    assert v[["a", "b", "n", "n_units", "df"]].to_numpy().tolist() == [["topic", "tone", 6, 3, 2]]


def test_association_undefined_is_nan_with_the_reason():
    row = pairs_of(two_by_two(3, 0, 4, 0), SETS).iloc[0]
    assert math.isnan(row["phi"])
    assert math.isnan(row["p_bh"])
    assert row["reason"] == "one of them does not vary"
    single = [SimpleNamespace(name=name, kind="single", level="nominal", labels=["x", "y"]) for name in "ab"]
    table = pd.concat([make_table("a", {"ann": ["x", "x"]}), make_table("b", {"ann": ["x", "y"]})])
    assert pairs_of(table, *single, of="variables")["reason"].tolist() == ["no variation in one of them"]


def test_p_values_against_printed_quantiles():
    assert [round(chi2_p(x, df), 4) for x, df in [(6.635, 1), (7.815, 3), (21.026, 12), (43.773, 30)]] == [
        0.01,
        0.05,
        0.05,
        0.05,
    ]
    assert chi2_p(0.0, 4) == 1.0


def test_adjusted_p_is_the_least_of_the_later_ones():
    p = np.array([0.04, 0.01, 0.02, 0.9])  # sorted .01 .02 .04 .9, times 4/rank: .04 .04 .0533 .9
    assert adjust_p(p).tolist() == pytest.approx([0.04 * 4 / 3, 0.04, 0.04, 0.9])


def test_coders_are_set_beside_each_other_by_the_alphas_of_two():
    ask = {"variable": "code", "level": "interval", "labels": list("12345")}
    codings = Codings(observers_2011(), [VariableSpec("code", "interval", list("12345"))])
    result = correlogram(codings, "coders", min_units=1)
    matrix = to_matrix(result.frame, "alpha", order=list("ABCD"))
    assert list(matrix) == list("ABCD") == list(matrix.index)
    assert np.isnan(np.diag(matrix)).all()
    assert matrix.loc["C", "B"] == alpha_of(observers_2011(), **ask, coders=["B", "C"]).value
    two = correlogram(codings.only(["D", "A"]), "coders", min_units=1, statistic="percent")
    assert [text.get_text() for text in two.plot().axes[0].texts] == ["A", ".89", "D"]
    assert result.facts.level == "interval"
    with pytest.raises(StatisticError, match="pass one of alpha, percent"):
        correlogram(codings, "coders", statistic="kappa")
    with pytest.raises(StatisticError, match="pass one of labels, coders, variables"):
        correlogram(codings, "people")


def test_the_busiest_coders_stand_in_the_figure_and_the_note_says_so():
    result = correlogram(observers_2011(), "coders", level="nominal", most=3)
    assert set(result.frame["a"]) | set(result.frame["b"]) == set("BCD")
    assert result.note.endswith("The 3 coders with the most labels of 4.")
    alone = correlogram(observers_2011(), "coders", level="nominal", min_units=12)
    assert repr(alone) == "No two coders labelled 12 units in common: nothing to compare."


def test_pairs_of_a_plain_frame_wide_or_long():
    wide = pd.DataFrame({"ann": list("aabb"), "ben": list("abbb"), "m": list("aabb")}, index=list("uvwx"))
    long = wide.rename_axis("unit").reset_index().melt("unit", var_name="coder", value_name="label")
    for of in ("labels", "coders"):
        by_wide, by_long = (correlogram(frame, of, level="nominal", min_units=1) for frame in (wide, long))
        pd.testing.assert_frame_equal(by_wide.frame, by_long.frame)
    assert by_wide.finding.startswith("Most alike of 3 pairs: ann and m, alpha 1.00 (4 units); least: ")
    one = correlogram(wide[["ann", "m"]], "coders", level="nominal", min_units=1)
    assert one.finding == "The only pair is ann and m, alpha 1.00 (4 units)."
    assert correlogram(wide).finding.startswith("Labels of one single-label variable exclude each other")


def test_labels_of_the_gold_stand_beside_those_of_the_run_in_the_order_of_the_codebook():
    table = make_table("tone", {"ann": list("bbaa"), "gold": list("aabb"), "m": list("aabb"), "old": list("abab")})
    table["run_id"] = np.where(table["coder"] == "m", "r", "")
    codings = Codings(table, [VariableSpec("tone", "nominal", ["b", "a"])], gold="gold", models=("old",))
    result = correlogram(codings)
    assert {name.split(":")[0] for name in [*result.frame["a"], *result.frame["b"]]} == {"gold", "m"}
    axes = result.plot().axes[0]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["b", "a"]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["b", "a"]
    assert (axes.get_ylabel().split(), axes.get_xlabel()) == (["gold:", "tone"], "m: tone")
    assert result.printed().columns.tolist() == ["gold: tone", "m: tone", "n", "Phi", "Largest phi", "Adjusted p"]
    pooled = correlogram(codings.with_gold(""))
    assert pooled.facts.nothing.startswith("Labels of one single-label variable exclude each other")


MATRIX = pd.DataFrame(
    [[np.nan, 0.5, -0.3], [0.5, np.nan, np.nan], [-0.3, np.nan, np.nan]],
    index=["costs $5 and $10", "a_b", "c^{2}"],
    columns=["costs $5 and $10", "a_b", "c^{2}"],
)


def draw(figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=60)
    return buffer.getvalue()


def test_correlogram_has_figures_below_the_diagonal_and_counts_above():
    p = pd.DataFrame([[1, 0.01, 0.5], [0.01, 1, 1], [0.5, 1, 1]], index=MATRIX.index, columns=MATRIX.columns)
    counts = pd.DataFrame([[0, 40, 50], [40, 0, 6], [50, 6, 0]], index=MATRIX.index, columns=MATRIX.columns)
    figure = plot_correlogram(MATRIX, title="$x$", significance=p, counts=counts)
    texts = [text.get_text().replace("\n", " ") for text in figure.axes[0].texts]
    assert texts == ["costs $5 and $10", "40", "50", ".50", "a_b", "6", "−.30", "–", "c^{2}"]
    assert figure.axes[0].collections[0].get_array().tolist() == [0.5]
    words = "Above the diagonal: units. No fill, grey: p not below .05 (Benjamini-Hochberg)."
    assert figure._supxlabel.get_text().replace("\n", " ") == words
    assert draw(figure).startswith(b"\x89PNG")


def test_rows_and_columns_without_figures_are_left_out_and_what_vanishes_is_named():
    names = ["a=x", "a=y", "alone", "b=x", "b=y"]
    matrix = pd.DataFrame(np.nan, index=names, columns=names)
    for one, two, value in (("a=x", "b=x", 0.7), ("a=y", "b=x", -0.2), ("a=x", "b=y", 0.1)):
        matrix.loc[one, two] = matrix.loc[two, one] = value
    p = matrix.abs().rsub(1)
    figure = plot_correlogram(matrix, significance=p, threshold=0.85)
    axes = figure.axes[0]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["x", "y"]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["x", "y"]
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("b", "a")
    assert [text.get_text() for text in axes.texts] == [".70", "−.20", ".10", "–"]
    assert axes.collections[0].get_array().tolist() == [0.7, -0.2]
    assert figure._supxlabel.get_text().replace("\n", " ").endswith("Without any figure: alone.")
    empty = plot_correlogram(matrix * np.nan)
    assert len([text for text in empty.axes[0].texts if text.get_text() == "–"]) == 10


def test_text_is_shown_as_it_is():
    from matplotlib.text import Text

    figure = plot_correlogram(MATRIX, title="cost in $ and in $")
    draw(figure)
    assert not any(text.get_parse_math() for text in figure.findobj(Text))


def test_labels_are_not_cut():
    names = ["a very long label that nobody would want to read at all in a figure", "short", "x" * 60]
    matrix = pd.DataFrame(np.eye(3), index=names, columns=names)
    figure = plot_correlogram(matrix, title="A title " * 12)
    draw(figure)
    width, height = figure.canvas.get_width_height()
    names = [tick.get_text().replace("\n", " ") for tick in figure.axes[0].get_yticklabels()]
    assert names[:2] == ["1  a very long label that nobody would want to read at all in a …", "2  short"]
    for text in figure.axes[0].get_yticklabels():
        box = text.get_window_extent()
        assert box.x0 >= -1
        assert box.y0 >= -1
        assert box.x1 <= width + 1
        assert box.y1 <= height + 1


def test_figures_leave_no_trace_in_pyplot():
    import matplotlib.pyplot as plt

    before = plt.get_fignums()
    plot_correlogram(MATRIX)
    plot_estimates(pd.DataFrame({"name": ["a"], "value": [0.5], "low": [0.4], "high": [0.6]}))
    assert plt.get_fignums() == before


def test_estimates_figure_has_dots_intervals_and_references():
    frame = pd.DataFrame(
        {
            "variable": ["tone", "tone", "topic"],
            "label": ["", "", "sports"],
            "group": ["humans", "models", "humans"],
            "alpha": [0.7, 0.6, np.nan],
            "low": [0.6, np.nan, np.nan],
            "high": [0.8, np.nan, np.nan],
        }
    )
    figure = plot_estimates(
        frame, name=["variable", "label"], value="alpha", group="group", references=(0.667, 0.8), quantity="alpha"
    )
    axes = figure.axes[0]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["tone", "topic sports"]
    numbers = [text.get_text() for text in axes.texts if text.get_text()]
    assert numbers == [".667", ".800", ".70", "[.60, .80]", ".60", "undefined"]
    assert axes.get_xlabel() == "alpha"
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["humans", "models"]
    draw(figure)


@pytest.mark.parametrize(
    ("call", "mend"),
    [
        (lambda: plot_correlogram(pd.DataFrame([[1]], index=["a"], columns=["a"])), "two or more"),
        (lambda: plot_correlogram(MATRIX.iloc[:2]), r"to_matrix\(pairs, 'phi'\)"),
        (lambda: plot_correlogram(MATRIX, significance=MATRIX.iloc[:2]), "with the same order"),
        (lambda: plot_estimates(pd.DataFrame({"name": []})), "no column 'value'"),
    ],
)
def test_each_wrong_frame_names_the_mend(call, mend):
    with pytest.raises(StatisticError, match=mend):
        call()


def test_faults_of_all_variables_come_at_once():
    other = SimpleNamespace(name="w", kind="single", level="nominal", labels=["x"])
    wrong = SimpleNamespace(name="v", kind="multi", level="nominal", labels=["x"])
    with pytest.raises(StatisticError) as caught:
        pairs_of(pd.concat([two_by_two(1, 1, 1, 1), make_table("w", {"ann": ["y"]})]), wrong, other)
    assert [fault.where for fault in caught.value.faults] == ["v, label", "w, label"]


def test_to_matrix_keeps_the_order_asked_for():
    pairs = pd.DataFrame({"a": ["x"], "b": ["y"], "phi": [0.4]})
    assert list(to_matrix(pairs, "phi", order=["y", "z", "x"])) == ["y", "z", "x"]


def test_s17_a_variable_that_nobody_coded_is_left_out_and_said() -> None:
    code, tone = VariableSpec("code", "nominal", list("12345")), VariableSpec("tone", "ordinal", ["-", "+"])
    table = observers_2011()
    table = pd.concat([table, table.assign(variable="genre")], ignore_index=True)
    coded = [code, VariableSpec("genre", "nominal", list("12345"))]
    for find in (correlogram, lambda data: correlogram(data, "variables"), compare_shares):
        result, wanted = find(Codings(table, [*coded, tone])), find(Codings(table, coded))
        pd.testing.assert_frame_equal(result.frame, wanted.frame)
        assert "Nobody coded 'tone'." in result.note
        assert "Nobody coded" not in wanted.note
        with pytest.raises(StatisticError, match="the table has no row of 'tone'"):
            find(Codings(table, [tone, replace(tone, name="mood")]))
