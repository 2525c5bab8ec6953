"""Tetrachoric and rank correlation, clustered order, coders compared: numbers against their sources."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from codebook.analysis import cluster_order, compare_association, correlogram, tetrachoric, to_matrix
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.estimates import Bootstrap, adjust_p
from codebook.analysis.core.examples import make_table
from codebook.codings import read_coders
from codebook.errors import StatisticError
from codebook.scheme import read_codebook

CELLS = [(40, 10, 20, 30), (61, 26, 28, 85), (120, 5, 8, 3)]


@pytest.mark.parametrize(("cells", "printed"), list(zip(CELLS, (0.60709, 0.65376, 0.56733), strict=True)))
def test_tetrachoric_is_that_of_polycor(cells, printed):
    """analysis_methods.md, section 2: polycor in R, whose search stops within 2e-5; scipy's own P(h, k, r) below."""
    assert tetrachoric(*cells) == pytest.approx(printed, abs=2e-5)
    n11, n10, n01, n00 = cells
    assert tetrachoric(n10, n11, n00, n01) == pytest.approx(-tetrachoric(*cells))


def test_tetrachoric_of_a_half_and_half_table_is_a_sine():
    """Sheppard: with both cuts at the median, p11 = 1/4 + asin(r) / (2 pi)."""
    for r in (-0.9, 0.0, 0.3, 0.995):
        p11 = 0.25 + math.asin(r) / (2 * math.pi)
        assert tetrachoric(p11, 0.5 - p11, 0.5 - p11, p11) == pytest.approx(r, abs=1e-9)


def test_tetrachoric_finds_the_correlation_that_made_the_table():
    from scipy.stats import multivariate_normal

    h, k, r = -1.2, 0.4, -0.7
    both = multivariate_normal(mean=[0, 0], cov=[[1, r], [r, 1]]).cdf([h, k])
    a, b = (float(multivariate_normal().cdf(cut)) for cut in (h, k))
    assert tetrachoric(both, a - both, b - both, 1 - a - b + both) == pytest.approx(r, abs=1e-6)


@pytest.mark.parametrize("cells", [(44268, 193, 14, 0), (0, 1, 2, 3), (5, math.nan, 2, 3), (5, -1, 2, 3)])
def test_tetrachoric_refuses_an_empty_cell(cells):
    with pytest.raises(StatisticError, match="use phi beside phi_max"):
        tetrachoric(*cells)


SETS = SimpleNamespace(name="v", kind="multi", level="nominal", labels=["x", "y"])
BOTH, ONE, OTHER, NONE = '["x", "y"]', '["x"]', '["y"]', "[]"


def ratings(name: str, values: list[str | None], level: str = "ordinal") -> tuple[pd.DataFrame, SimpleNamespace]:
    return make_table(name, {"ann": values}), SimpleNamespace(
        name=name, kind="rating", level=level, labels=["1", "2", "3", "4", "5"]
    )


def pairs_of(table: pd.DataFrame, *variables: SimpleNamespace, of: str = "labels", **asked: Any) -> pd.DataFrame:
    return correlogram(Codings(table, variables), of, **asked).frame


def differ(table: pd.DataFrame, coders: Any = ("ann", "m"), replicates: int = 1000) -> pd.Series:
    compared = compare_association(Codings(table, [SETS]), coders, resample=Bootstrap(replicates))
    return compared.frame.iloc[0]


def test_tetrachoric_comes_on_request_and_says_why_not():
    table = make_table("v", {"ann": [BOTH] * 40 + [ONE] * 10 + [OTHER] * 20 + [NONE] * 30})
    assert "tetrachoric" not in pairs_of(table, SETS)
    row = pairs_of(table, SETS, statistic="tetrachoric").iloc[0]
    assert (row["tetrachoric"], row["reason"]) == (tetrachoric(40, 10, 20, 30), "")
    empty = pairs_of(table[:70], SETS, statistic="tetrachoric").iloc[0]
    assert math.isnan(empty["tetrachoric"])
    assert empty["phi"] < 0
    assert "empty" in empty["reason"]


def test_spearman_is_that_of_scipy_with_ties():
    from scipy.stats import spearmanr

    rng = np.random.default_rng(5)
    x = rng.integers(1, 6, 60)
    y = np.clip(x + rng.integers(-1, 3, 60), 1, 5)
    (first, one), (second, two) = ratings("x", [str(v) for v in x]), ratings("y", [str(v) for v in y], "interval")
    third, nominal = ratings("z", ["1"] * 60, "nominal")
    table = pd.concat([first, second, third])
    result = correlogram(Codings(table, [one, two, nominal]), "variables", statistic="spearman")
    rho, p = spearmanr(x, y)
    assert result.frame[["spearman", "p", "p_bh"]].to_numpy()[0].tolist() == pytest.approx([rho, p, p])
    assert "Left out, since spearman cannot be made of them: z." in result.note


def test_spearman_undefined_and_units_without_label():
    (first, one), (second, two) = ratings("x", ["1", "1", None, "1"]), ratings("y", ["1", "2", "3", "4"])
    result = correlogram(Codings(pd.concat([first, second]), [one, two]), "variables", statistic="spearman")
    assert result.frame[["n", "n_units", "reason"]].to_numpy()[0].tolist() == [3, 3, "no variation in one of them"]
    assert result.facts.dropped == {"x, absent": 1}
    assert "x: 1 coding without a label left out (1 absent)." in result.note


def test_adjusted_p_is_that_of_statsmodels():
    from statsmodels.stats.multitest import multipletests

    p = np.random.default_rng(2).random(40) ** 3
    assert adjust_p(p).tolist() == pytest.approx(multipletests(p, method="fdr_bh")[1].tolist())


def test_clustered_order_puts_together_what_goes_together():
    groups = np.array([0, 1, 0, 1, 0, 1])
    values = np.where(groups[:, None] == groups, 0.7, -0.2) * (1 - np.eye(6)) + np.eye(6)
    names = [f"{'ab'[group]}{at}" for at, group in enumerate(groups)]
    order = cluster_order(pd.DataFrame(values, index=names, columns=names))
    assert sorted(order) == sorted(names)
    assert "".join(name[0] for name in order) in ("aaabbb", "bbbaaa")
    holes = pd.DataFrame(np.full((3, 3), np.nan), index=list("abc"), columns=list("abc"))
    assert sorted(cluster_order(holes)) == ["a", "b", "c"]


def paired(n: int, seed: int, *, flip: float) -> pd.DataFrame:
    """Two coders of the same units; in the second coder's codings y is drawn anew for a share of the units."""
    rng = np.random.default_rng(seed)
    x = rng.random(n) < 0.5
    y = np.where(rng.random(n) < 0.8, x, ~x)
    other = np.where(rng.random(n) < flip, rng.random(n) < 0.5, y)
    cells = {(True, True): BOTH, (True, False): ONE, (False, True): OTHER, (False, False): NONE}
    return make_table(
        "v",
        {
            "ann": [cells[bool(a), bool(b)] for a, b in zip(x, y, strict=True)],
            "m": [cells[bool(a), bool(b)] for a, b in zip(x, other, strict=True)],
        },
    )


def test_two_coders_are_compared_on_the_units_of_both():
    table = paired(400, 3, flip=0.5)
    alone = table[~((table["coder"] == "m") & table["unit_id"].isin(["u1", "u2", "u3"]))]
    row = differ(alone)
    shared = table[~table["unit_id"].isin(["u1", "u2", "u3"])]
    phis = [pairs_of(shared[shared["coder"] == name], SETS)["phi"][0] for name in ("ann", "m")]
    assert row["n_units"] == 397
    assert row[["phi_a", "phi_b"]].tolist() == pytest.approx(phis)
    assert row["difference"] == pytest.approx(phis[0] - phis[1])
    assert 0 < row["low"] < row["difference"] < row["high"]
    assert row["p_bh"] < 0.001


def test_interval_of_a_difference_is_that_of_a_plain_bootstrap():
    table = paired(150, 8, flip=0.3)
    row = differ(table, replicates=4000)
    codes = {BOTH: (1, 1), ONE: (1, 0), OTHER: (0, 1), NONE: (0, 0)}
    sides = [np.array([codes[text] for text in table.loc[table["coder"] == name, "label"]]) for name in ("ann", "m")]
    rng, draws = np.random.default_rng(9), []
    for _ in range(2000):
        at = rng.integers(150, size=150)
        draws.append(np.corrcoef(sides[0][at].T)[0, 1] - np.corrcoef(sides[1][at].T)[0, 1])
    assert [row["low"], row["high"]] == pytest.approx(np.quantile(draws, [0.025, 0.975]).tolist(), abs=0.015)


def test_two_coders_who_never_differ_are_not_shown_to_be_one():
    table = paired(50, 1, flip=0)
    row = differ(table)
    assert row[["difference", "p"]].tolist() == [0, 1]
    assert -0.2 < row["low"] < 0 < row["high"] < 0.2


def test_a_label_that_one_coder_never_gives_has_no_difference():
    table = make_table("v", {"ann": [BOTH, ONE, OTHER, NONE], "m": [ONE, ONE, NONE, NONE]})
    row = differ(table)
    assert math.isnan(row["difference"])
    assert row["reason"] == "one of the labels does not vary"


TABLE = make_table("v", {"ann": [BOTH, NONE], "m": [BOTH, NONE]})


def test_yes_no_questions_of_trained_coders_are_associated_by_their_yes():
    """narrative_frames: 23 questions, 253 pairs; with both labels every pair would come four times."""
    folder = Path(__file__).parents[3] / "data" / "narrative_frames"
    book = read_codebook(folder / "codebook.yaml")
    codings = read_coders(folder / "coders.yaml", book)
    table = codings.frame
    pairs = correlogram(codings, labels=["1"]).frame
    assert len(pairs) == 23 * 22 / 2
    row = pairs[(pairs["a"] == "HI1=1") & (pairs["b"] == "HI2=1")].iloc[0]
    wide = table[table["variable"].isin(["HI1", "HI2"])].pivot(
        index=["unit_id", "coder"], columns="variable", values="label"
    )
    assert row["phi"] == pytest.approx(wide.dropna().astype(float).corr().loc["HI1", "HI2"])
    compared = compare_association(codings, ["A1", "A2"], labels=["1"], resample=Bootstrap(200)).frame
    assert set(zip(compared["a"], compared["b"], strict=True)) == set(zip(pairs["a"], pairs["b"], strict=True))
    assert 0 < (compared["p_bh"] < 0.05).sum() < 60


SILENT = make_table("v", {"ann": [BOTH, NONE], "m": [None, None]})
APART = pd.concat([TABLE[TABLE["coder"] == "ann"], TABLE[TABLE["coder"] == "m"].assign(unit_id=["u8", "u9"])])


@pytest.mark.parametrize(
    ("call", "mend"),
    [
        (lambda: differ(TABLE, ["ann"]), r"pass coders=\[first, second\]"),
        (lambda: differ(TABLE, "ab"), r"pass coders=\[first, second\]"),
        (lambda: differ(TABLE, ["ann", "bo"]), "'bo'"),
        (lambda: differ(TABLE, replicates=-1), "pass 1000"),
        (lambda: differ(SILENT), "labelled the same units"),
        (lambda: differ(APART), "labelled the same units"),
        (lambda: pairs_of(TABLE, SETS, of="variables", statistic="phi"), "pass one of cramers_v, spearman"),
        (lambda: pairs_of(TABLE, SETS, of="variables", statistic="spearman"), "ordinal, interval, ratio"),
        (lambda: pairs_of(TABLE), "at least one"),
        (lambda: pairs_of(TABLE, SETS, labels=["z"]), "choose from 'x', 'y'"),
        (lambda: pairs_of(TABLE, SETS, labels="x"), "not a list of labels"),
        (lambda: to_matrix(pairs_of(TABLE, SETS), "kappa"), "phi_max"),
        (lambda: to_matrix(pairs_of(TABLE, SETS), "phi", order=["v=x"]), "pass order=None"),
        (lambda: cluster_order(pd.DataFrame({"a": [1]})), "square matrix"),
        (lambda: cluster_order(pd.DataFrame([[1, 3], [3, 1]])), "counts and lift are not"),
    ],
)
def test_each_wrong_call_names_the_mend(call, mend):
    with pytest.raises(StatisticError, match=mend):
        call()


def test_clusters_are_drawn_whole_where_the_codings_have_some():
    table = paired(150, 8, flip=0.3)
    codings = Codings(table, [SETS])
    owner = {f"u{at}": f"author {at % 6}" for at in range(1, 151)}
    alone, clustered, single = (
        compare_association(each, ["ann", "m"], resample=Bootstrap(300))
        for each in (codings, codings.with_clusters(owner), codings.with_clusters({unit: unit for unit in owner}))
    )
    assert clustered.frame["difference"].tolist() == alone.frame["difference"].tolist()
    assert clustered.frame["low"][0] != alone.frame["low"][0]
    assert single.frame["low"][0] == pytest.approx(alone.frame["low"][0], abs=0.03)
    assert "Resampled are clusters of units" in clustered.note
    assert clustered.finding.startswith("ann minus m: 1 of 1 pair of labels differs")
    assert clustered.plot().axes[0].get_title() == ""


def test_two_columns_are_compared_as_they_are():
    wide = pd.DataFrame({"ann": [BOTH, NONE] * 20, "m": [BOTH, ONE, OTHER, NONE] * 10})
    assert compare_association(wide, ["ann", "m"], level="masi").frame["difference"].tolist() == [1.0]
    tone = compare_association(wide, ["ann", "m"])
    assert tone.facts.nothing.startswith("Labels of one single-label variable exclude each other")
