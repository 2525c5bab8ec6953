"""Ratings and numbers: every measure against a second implementation, and what is shown of them by itself."""

from dataclasses import replace

import krippendorff
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats
from sklearn.metrics import mean_absolute_error, root_mean_squared_error
from statsmodels.stats.anova import anova_lm

from codebook import correlogram
from codebook.analysis import Codings, VariableSpec, compare, confusion, validity, verdicts
from codebook.analysis.core.examples import make_table
from codebook.analysis.ratings import ICC_FORMS, icc_interval, icc_values, limits_of_agreement, pair_statistics
from codebook.analysis.ratings.intraclass import mean_squares
from codebook.analysis.ratings.rating_pairs import best_constant
from codebook.analysis.reliability import reliability
from codebook.errors import StatisticError

RNG = np.random.default_rng(7)
GOLD = RNG.integers(1, 8, 200).astype(float)
MODEL = np.clip(GOLD + RNG.integers(-1, 3, 200), 1, 7)


def concordance(x, y, w):
    """Lin (1989), written out."""
    mx, my = np.average(x, weights=w), np.average(y, weights=w)
    joint = np.average((x - mx) * (y - my), weights=w)
    return 2 * joint / (np.average((x - mx) ** 2, weights=w) + np.average((y - my) ** 2, weights=w) + (mx - my) ** 2)


@pytest.mark.parametrize("shift", [0, 1, 1e6])
def test_measures_of_pairs_are_those_of_scipy_and_sklearn(shift):
    times = RNG.integers(0, 4, 200)
    x, y = GOLD + shift, MODEL + 2 * shift
    pearson, spearman, ccc, mae, rmse, bias = pair_statistics(times[None, :].astype(float), x, y)[0]
    many = np.repeat(x, times), np.repeat(y, times)
    assert pearson == pytest.approx(stats.pearsonr(*many).statistic)
    assert spearman == pytest.approx(stats.spearmanr(*many).statistic)
    assert ccc == pytest.approx(concordance(x, y, times))
    assert mae == pytest.approx(mean_absolute_error(*many))
    assert rmse == pytest.approx(root_mean_squared_error(*many))
    assert bias == pytest.approx((many[1] - many[0]).mean())


def test_what_does_not_vary_has_no_correlation():
    figures = pair_statistics(np.ones((1, 4)), np.full(4, 3.0), np.array([1.0, 2, 3, 4]))[0]
    assert np.isnan(figures[:3]).all()
    assert figures[3] == pytest.approx(1.0)


def test_the_best_constant_is_the_median():
    weights, values = RNG.random(50), RNG.normal(size=50)
    losses = [np.average(np.abs(values - each), weights=weights) for each in values]
    assert best_constant(weights, values) == values[int(np.argmin(losses))]


def anova(ratings):
    n, k = ratings.shape
    rows = pd.DataFrame({"y": ratings.ravel(), "u": np.repeat(range(n), k), "c": np.tile(range(k), n)})
    two = anova_lm(sm.OLS.from_formula("y ~ C(u) + C(c)", rows).fit())
    one = anova_lm(sm.OLS.from_formula("y ~ C(u)", rows).fit())
    return [*(two["sum_sq"] / two["df"]), one["sum_sq"].iloc[1] / one["df"].iloc[1]]


def test_mean_squares_are_those_of_an_analysis_of_variance():
    ratings = RNG.normal(size=(12, 3)) + RNG.normal(size=(12, 1)) + [0, 0.5, 2]
    assert [float(each[0]) for each in mean_squares(np.ones((1, 12)), ratings)] == pytest.approx(anova(ratings))
    twice = np.repeat(ratings, 2, axis=0)
    assert mean_squares(np.full((1, 12), 2.0), ratings)[0] == pytest.approx(mean_squares(np.ones((1, 24)), twice)[0])


@pytest.mark.parametrize(("form", "effect", "n"), [("icc_1_1", 0.0, 500), ("icc_2_1", 0.3, 500), ("icc_3_k", 0.7, 500)])
def test_icc_intervals_cover(form, effect, n):
    truth = {"icc_1_1": 0.6, "icc_2_1": 0.6 / (1 + effect**2), "icc_3_k": 4 * 0.6 / (0.4 + 4 * 0.6)}[form]
    chance, hits = np.random.default_rng(3), []
    for _ in range(n):
        coders = chance.normal(0, effect, (1, 4))
        ratings = chance.normal(0, 0.6**0.5, (25, 1)) + coders + chance.normal(0, 0.4**0.5, (25, 4))
        low, high = icc_interval(ratings, form)
        hits.append(low <= truth <= high)
    assert 0.92 <= np.mean(hits) <= 0.98


def test_icc_of_coders_who_never_differ_has_no_interval_and_of_equal_units_no_value():
    same = np.repeat(np.arange(5.0)[:, None], 3, axis=1)
    assert icc_values(np.ones((1, 5)), same, "icc_2_1")[0] == pytest.approx(1.0)
    assert np.isnan(icc_interval(same, "icc_2_1")).all()
    assert np.isnan(icc_values(np.ones((1, 5)), np.ones((5, 3)), "icc_2_1")[0])


def test_validity_of_a_rating_says_that_a_model_is_always_one_point_high():
    wide = pd.DataFrame({"gold": GOLD, "m": GOLD + 1}).astype(int)
    result = validity(wide, gold="gold", level="interval")
    row = result.frame.iloc[0]
    assert row["accuracy"] == 0
    assert (row["mae"], row["bias"], row["pearson"]) == pytest.approx((1.0, 1.0, 1.0))
    assert row["ccc"] < 0.95
    assert np.isnan(row[["mae_low", "mae_high", "pearson_low"]].astype(float)).all(), "no interval without width"
    assert "m is off by 1.00 [no interval] on average (mean error +1.00)" in result.finding
    assert len(result.printed().columns) <= 7


def test_validity_of_a_number_has_errors_and_no_accuracy():
    rows = {"gold": [f"{each:.1f}" for each in GOLD * 1.5], "m": [f"{each:.1f}" for each in MODEL * 1.5 + 0.3]}
    codings = Codings(make_table("heat", rows), [VariableSpec("heat", "interval", None, "number")], gold="gold")
    result = validity(codings)
    row = result.frame.iloc[0]
    assert "accuracy" not in result.frame
    assert row["mae"] == pytest.approx(np.abs(MODEL * 1.5 + 0.3 - GOLD * 1.5).mean())
    assert row["mae_low"] < row["mae"] < row["mae_high"] < row["baseline_mae"]
    assert result.plot() is not None
    printed = result.printed().iloc[0]
    mean = printed["Mean error"].partition(" [")[0]
    assert mean.startswith(("0.", "−0."))
    assert (
        f"off by {printed['Mean absolute error']} on average (mean error {'+' * (mean[0] == '0')}{mean})"
        in result.finding
    )
    for nothing in (
        validity(codings, by="label"),
        confusion(codings),
        compare(codings.with_gold("gold")),
        verdicts(codings),
    ):
        assert nothing.frame.empty
    assert "Numbers are not compared label by label" in confusion(codings).finding


def test_two_coders_and_two_groups_are_compared_by_their_errors():
    """Against the differences of the same figures taken apart, of numbers and of ratings."""
    rows = {"gold": GOLD, "m": MODEL, "k": np.roll(MODEL, 1)}
    table = make_table("heat", {name: [f"{each:g}" for each in values] for name, values in rows.items()})
    units = [f"u{at + 1}" for at in range(len(GOLD))]
    side = pd.Series(np.where(np.arange(len(GOLD)) % 2, "x", "y"), index=units, name="side")
    points = [f"{each:g}" for each in sorted({*GOLD, *MODEL})]
    for spec in (VariableSpec("heat", "interval", None, "number"), VariableSpec("heat", "interval", points, "rating")):
        codings = Codings(table, [spec], gold="gold").with_groups(side)
        row = compare(codings, "m", "k").frame.set_index("measure").loc["mean absolute error"]
        errors = [np.abs(rows[name] - GOLD).mean() for name in ("m", "k")]
        assert (row["value_a"], row["value_b"]) == pytest.approx(errors)
        assert row["difference"] == pytest.approx(errors[0] - errors[1])
        assert row["difference_low"] < row["difference"] < row["difference_high"]
        by = validity(codings, "m", by="side").frame.set_index(["measure", "group"])["value"]
        for name in "xy":
            inside = (side == name).to_numpy()
            assert by["mean absolute error", name] == pytest.approx(np.abs(MODEL - GOLD)[inside].mean())
        assert by["mean absolute error", "x - y"] == pytest.approx(
            by["mean absolute error", "x"] - by["mean absolute error", "y"]
        )
    number = Codings(table, [VariableSpec("heat", "interval", None, "number")], gold="gold").with_groups(side)
    better = "m meets the gold better" if errors[0] < errors[1] else "k meets the gold better"
    assert better in compare(number, "m", "k").finding
    for result in (compare(number, "m", "k"), validity(number, "m", by="side")):
        assert result.plot() is not None


def test_gold_weights_and_unanswered_units_hold_for_errors_too():
    table = make_table("heat", {"gold": ["1", "2", "3", "4"], "m": ["2", "2", None, "8"]})
    codings = Codings(table, [VariableSpec("heat", "interval", None, "number")], gold="gold")
    sample = pd.DataFrame({"unit_id": ["u1", "u2", "u3", "u4"], "prob": [0.25, 0.5, 0.5, 0.5]})
    row = validity(codings.with_sample(sample)).frame.iloc[0]
    assert (row["n_asked"], row["n_answered"]) == (4, 3)
    assert row["mae"] == pytest.approx((4 * 1 + 2 * 0 + 2 * 4) / 8)


def test_limits_of_agreement_are_the_mean_and_1_96_deviations():
    result = limits_of_agreement(pd.DataFrame({"m": MODEL, "gold": GOLD}), "m", "gold", level="interval")
    gap = MODEL - GOLD
    ends = [gap.mean(), gap.mean() - 1.959964 * gap.std(ddof=1), gap.mean() + 1.959964 * gap.std(ddof=1)]
    assert result.frame["value"].tolist() == pytest.approx(ends)
    assert result.plot().axes[0].get_ylabel() == "m less gold"
    same = limits_of_agreement(pd.DataFrame({"a": [1, 2, 3], "b": [1, 2, 3]}), "a", "b", level="interval").frame
    assert same["reason"].str.startswith("no interval: the difference is the same").all()
    with pytest.raises(StatisticError, match="are not two coders"):
        limits_of_agreement(pd.DataFrame({"a": [1, 2]}), level="interval")


JUDGES = {
    "a": [9, 6, 8, 7, 10, 6],
    "b": [2, 1, 4, 1, 5, 2],
    "c": [5, 3, 6, 2, 6, 4],
    "d": [8, 2, 8, 6, 9, 7],
}


def rate(**more):
    rows = {
        name: [None if each is None else str(each) for each in ratings] for name, ratings in (JUDGES | more).items()
    }
    return Codings(make_table("skill", rows), [VariableSpec("skill", "interval", None, "number")])


def test_reliability_of_numbers_shows_alpha_icc_and_r_by_itself():
    frame = reliability(rate()).frame.set_index("coefficient")
    assert frame.index.tolist() == ["alpha", "icc_2_1", "pearson"]
    assert frame.loc["icc_2_1", ["value", "low", "high"]].astype(float).round(2).tolist() == [0.29, 0.02, 0.76]
    matrix = pd.DataFrame(JUDGES).corr().to_numpy()
    assert frame.loc["pearson", "value"] == pytest.approx(matrix[np.triu_indices(4, 1)].mean())
    assert "F intervals (McGraw and Wong 1996)" in reliability(rate()).note
    nothing = "'skill' holds numbers, which have no labels: nothing to compare."
    assert reliability(rate(), by="label").facts.nothing == nothing


@pytest.mark.parametrize("labels", [None, ()], ids=["of a frame", "of a codebook"])
def test_every_two_coders_of_numbers_are_set_side_by_side(labels):
    """A codebook lists no labels of a number: then no cell seemed to hold one."""
    codings = replace(rate(), variables=[VariableSpec("skill", "interval", labels, "number")])
    frame = correlogram(codings, "coders", min_units=2).frame.set_index(["a", "b"])
    for (a, b), value in frame["alpha"].items():
        table = np.array([JUDGES[a], JUDGES[b]], dtype=float)
        assert value == pytest.approx(krippendorff.alpha(table, level_of_measurement="interval"))
    assert len(frame) == 6


def test_every_form_of_the_icc_is_a_coefficient_of_the_units_that_all_rated():
    gap = {"d": [8, 2, 8, 6, 9, 7], "e": [None, 3, 5, 5, 8, 6]}
    frame = reliability(rate(**gap), coefficients=list(ICC_FORMS)).frame
    whole = np.array(list((JUDGES | gap).values()), dtype=float).T[1:]
    for row in frame.to_dict("records"):
        assert row["value"] == pytest.approx(icc_values(np.ones((1, 5)), whole, row["coefficient"])[0])
        assert (row["low"], row["high"]) == pytest.approx(icc_interval(whole, row["coefficient"]))
        assert "is computed from the units that all 5 coders labelled" in row["reason"]


def test_an_icc_of_words_is_undefined_with_its_reason():
    words = pd.DataFrame({"a": list("xyxy"), "b": list("xxyy")})
    frame = reliability(words, level="nominal", coefficients=["icc_2_1", "pearson"]).frame
    assert frame["value"].isna().all()
    assert frame["reason"].str.contains("needs numbers, and these labels are none").all()


def test_clusters_of_units_have_a_bootstrap_interval_and_differences_work():
    codings = rate().with_clusters({f"u{n}": n // 2 for n in range(1, 7)})
    row = reliability(codings, coefficients=["icc_3_1"]).frame.iloc[0]
    assert row["n_clusters"] == 4
    assert row["low"] != pytest.approx(icc_interval(np.array(list(JUDGES.values()), float).T, "icc_3_1")[0])
