"""Do coders give labels equally often? Against the published tables, R's figures and the formulas."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import friedmanchisquare
from statsmodels.stats.contingency_tables import SquareTable, mcnemar

from codebook.analysis import Codings, VariableSpec, compare_shares, read_counts
from codebook.analysis.core.examples import make_table
from codebook.errors import StatisticError

INTERVIEWERS = "000 110 010 000 100 110 110 010 100 000 111 111 110 110 110 111 110 110"


def rows_of(result, test):
    return result.frame[result.frame["test"] == test].reset_index(drop=True)


def test_cochrans_q_of_three_interviewers_is_the_printed_one():
    """Siegel and Castellan (1988), 18 housewives: Q = 16.7 with 2 degrees of freedom."""
    wide = pd.DataFrame([list(row) for row in INTERVIEWERS.split()], columns=list("ABC"))
    result = compare_shares(wide, level="nominal")
    row = rows_of(result, "Cochran's Q").iloc[1]
    assert (round(row["statistic"], 1), row["df"], row["n_units"]) == (16.7, 2, 18)
    assert row["p_adjusted"] == row["p"]  # yes and no have one p
    assert "Q 16.7, p < .001 of the first; 3 coders, 18 units" in result.finding


def test_cochrans_q_of_two_coders_is_mcnemars_chi_square():
    rng = np.random.default_rng(1)
    wide = pd.DataFrame({"A": rng.choice(list("ab"), 60), "B": rng.choice(list("aab"), 60)})
    table = pd.crosstab(wide["A"], wide["B"]).to_numpy()
    row = rows_of(compare_shares(wide, level="nominal"), "Cochran's Q").iloc[0]
    assert row["statistic"] == pytest.approx(mcnemar(table, exact=False, correction=False).statistic)


def test_stuart_maxwell_and_bowker_are_those_of_statsmodels_and_leave_out_what_never_differs():
    rng = np.random.default_rng(2)
    wide = pd.DataFrame({"A": rng.choice(list("abc"), 90), "B": rng.choice(list("aabc"), 90)})
    square = SquareTable(pd.crosstab(wide["A"], wide["B"]).to_numpy(float), shift_zeros=False)
    for extra in ([], ["z"] * 20):  # a label in which the two always agree changes nothing
        both = pd.concat([wide, pd.DataFrame({"A": extra, "B": extra})], ignore_index=True)
        result = compare_shares(both, level="nominal")
        for test, other in (("Stuart-Maxwell", square.homogeneity()), ("Bowker", square.symmetry())):
            row = rows_of(result, test).iloc[0]
            assert row["statistic"] == pytest.approx(other.statistic)
            assert row["p"] == pytest.approx(other.pvalue)


def test_friedman_is_that_of_scipy_on_the_units_of_all_coders():
    rng = np.random.default_rng(3)
    wide = pd.DataFrame(rng.integers(1, 6, (40, 3)), columns=list("ABC")).astype("Int64")
    wide.loc[3, "B"] = pd.NA
    row = rows_of(compare_shares(wide, level="ordinal"), "Friedman").iloc[0]
    whole = wide.dropna().to_numpy(float)
    assert row["n_units"] == 39
    assert row["statistic"] == pytest.approx(friedmanchisquare(*whole.T).statistic)


def test_sets_are_tested_label_by_label_and_what_is_undefined_has_a_reason():
    sets = {"A": ['["x"]', '["x","y"]', "[]"], "B": ['["x"]', '["x"]', "[]"]}
    codings = Codings(make_table("v", sets), [VariableSpec("v", None, ["x", "y"], kind="multi")])
    frame = compare_shares(codings).frame
    assert frame["test"].unique().tolist() == ["Cochran's Q"]
    assert math.isnan(frame["statistic"][0])
    assert frame["reason"][0] == "no unit is coded differently"
    assert frame["statistic"][1] == 1
    same = compare_shares(pd.DataFrame({"A": list("ab"), "B": list("ab")}), level="nominal").frame
    assert (same["reason"] != "").all()


def test_one_coder_has_nobody_to_differ_from_and_counts_have_no_coders():
    assert "nothing to compare" in compare_shares(pd.DataFrame({"A": list("ab")}), level="nominal").finding
    with pytest.raises(StatisticError, match="interchangeable"):
        compare_shares(read_counts(pd.DataFrame({"a": [1, 2], "b": [1, 0]}), level="nominal"))
