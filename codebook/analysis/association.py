"""Association of 0/1 columns and of cross tables, with p values and their adjustment for many pairs."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd

from codebook.analysis.scales import Floats

COLUMNS = ("a", "b", "n", "n_units", "n_a", "n_b", "n11", "phi", "phi_max", "jaccard", "lift", "p", "p_bh", "reason")


def associate(frame: pd.DataFrame, exclusive: set[str]) -> pd.DataFrame:
    """Association of every two columns of 0/1 indicators, over the rows where neither is missing.

    Parameters
    ----------
    frame
        Rows are observations, indexed by `unit_id` (and coder); columns end in the levels (variable, label).
    exclusive
        Variables whose labels exclude each other: pairs within one of them (and one coder) are left out.
    """
    names = ["=".join(column[-2:]) for column in frame.columns]
    names = [": ".join([*column[:-2], name]) for column, name in zip(frame.columns, names, strict=True)]
    values = frame.to_numpy(dtype=float)
    asked = ~np.isnan(values)
    given, seen = np.nan_to_num(values), asked.astype(float)
    both, shared, first = given.T @ given, seen.T @ seen, given.T @ seen
    units = _shared_units(frame, asked)
    rows = []
    for i, j in _pairs(frame, exclusive):
        counts = (shared[i, j], first[i, j], first[j, i], both[i, j])
        rows.append({"a": names[i], "b": names[j], **_two_by_two(*counts, n_units=units[i, j])})
    pairs = pd.DataFrame(rows, columns=[column for column in COLUMNS if column != "p_bh"])
    pairs.insert(len(COLUMNS) - 2, "p_bh", adjust_p(pairs["p"].to_numpy(dtype=float)))
    return pairs


def cramers_v(cross: Floats, n_units: int) -> dict[str, object]:
    """Cramer's V of a cross table of codings; chi-square and p of as many observations as there are units."""
    cross = cross[cross.sum(axis=1) > 0][:, cross.sum(axis=0) > 0]
    df = (cross.shape[0] - 1) * (cross.shape[1] - 1)
    if df < 1:
        reason = "no variation in one of them" if cross.size else "never coded together"
        return {"cramers_v": math.nan, "chi2": math.nan, "df": 0, "p": math.nan, "reason": reason}
    expected = cross.sum(axis=1, keepdims=True) * cross.sum(axis=0) / cross.sum()
    share = float(((cross - expected) ** 2 / expected).sum() / cross.sum())
    chi2 = share * n_units
    value = math.sqrt(share / (min(cross.shape) - 1))
    return {"cramers_v": value, "chi2": chi2, "df": df, "p": chi2_p(chi2, df), "reason": ""}


def chi2_p(chi2: float, df: int) -> float:
    """Upper tail of the chi-square distribution, by the recurrence of the incomplete gamma function.

    Examples
    --------
    >>> [round(chi2_p(x, df), 4) for x, df in [(3.8415, 1), (5.9915, 2), (18.307, 10)]]
    [0.05, 0.05, 0.05]
    """
    if chi2 <= 0:
        return 1.0
    half = chi2 / 2
    tail, order = (math.erfc(math.sqrt(half)), 0.5) if df % 2 else (math.exp(-half), 1.0)
    while order < df / 2:
        tail += math.exp(order * math.log(half) - half - math.lgamma(order + 1))
        order += 1
    return min(1.0, tail)


def adjust_p(p: Floats) -> Floats:
    """Benjamini-Hochberg adjusted p values; NaN stays NaN and is not counted.

    Examples
    --------
    >>> adjust_p(np.array([0.01, 0.04, np.nan, 0.03])).round(3)
    array([0.03, 0.04,  nan, 0.04])
    """
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known])][::-1]
    ranks = np.arange(len(order), 0, -1)
    adjusted = np.full(len(p), np.nan)
    adjusted[order] = np.minimum(1, np.minimum.accumulate(p[order] * len(order) / ranks))
    return adjusted


def _pairs(frame: pd.DataFrame, exclusive: set[str]) -> Iterator[tuple[int, int]]:
    columns = list(frame.columns)
    for i, one in enumerate(columns):
        for j in range(i + 1, len(columns)):
            if one[:-1] != columns[j][:-1] or one[-2] not in exclusive:
                yield i, j


def _shared_units(frame: pd.DataFrame, asked: np.ndarray) -> Floats:
    """Units on which both columns are known by one coder at least, shape (n_columns, n_columns)."""
    unit, units = pd.factorize(frame.index.get_level_values("unit_id"))
    patterns, which = np.unique(asked, axis=0, return_inverse=True)  # few: who was asked what
    number = np.zeros((asked.shape[1], asked.shape[1]))
    seen = np.zeros((len(units), len(patterns)), dtype=bool)
    seen[unit, which.reshape(-1)] = True
    for i in range(asked.shape[1]):
        together = patterns & patterns[:, [i]]
        number[i] = ((seen.astype(float) @ together) > 0).sum(axis=0)
    return number


def _two_by_two(n: float, n_a: float, n_b: float, n11: float, *, n_units: float) -> dict[str, object]:
    counts = {"n": int(n), "n_units": int(n_units), "n_a": int(n_a), "n_b": int(n_b), "n11": int(n11)}
    either = n_a + n_b - n11
    jaccard = n11 / either if either else math.nan
    lift = n11 * n / (n_a * n_b) if n_a and n_b else math.nan
    spread = n_a * (n - n_a) * n_b * (n - n_b)
    if not spread:
        reason = "never coded together" if not n else "one of them does not vary"
        figures = {"phi": math.nan, "phi_max": math.nan, "jaccard": jaccard, "lift": lift, "p": math.nan}
        return {**counts, **figures, "reason": reason}
    phi = (n * n11 - n_a * n_b) / math.sqrt(spread)
    rare, frequent = sorted((n_a, n_b))
    phi_max = math.sqrt(rare * (n - frequent) / (frequent * (n - rare)))
    p = chi2_p(n_units * phi**2, 1)
    return {**counts, "phi": phi, "phi_max": phi_max, "jaccard": jaccard, "lift": lift, "p": p, "reason": ""}
