"""Intraclass correlations of units by coders: the six forms of Shrout and Fleiss (1979), with their F intervals."""

from __future__ import annotations

import math

import numpy as np

from codebook.analysis.core.scales import Floats

ICC_FORMS = {
    "icc_1_1": "ICC(1,1), one rating, other coders for each unit",
    "icc_2_1": "ICC(2,1), one rating, agreement, coders stand for others",
    "icc_3_1": "ICC(3,1), one rating, consistency, these coders",
    "icc_1_k": "ICC(1,k), mean of the coders, other coders for each unit",
    "icc_2_k": "ICC(2,k), mean of the coders, agreement",
    "icc_3_k": "ICC(3,k), mean of the coders, consistency",
}
"""The forms by name."""


def mean_squares(weights: Floats, ratings: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Mean squares of units, of coders, of the residual, and within units, each (n_draws,).

    `weights`: how many units show each row, shape (n_draws, n_rows). `ratings`: the numbers of the coders, shape
    (n_rows, n_coders), without a gap.
    """
    n_units, n_coders = weights.sum(axis=1), ratings.shape[1]
    centred = ratings - np.average(ratings, axis=0, weights=weights.sum(axis=0)).mean()
    of_unit, of_coder = centred.mean(axis=1), weights @ centred / n_units[:, None]
    grand = of_coder.mean(axis=1)
    units = n_coders * (weights @ of_unit**2 - n_units * grand**2)
    coders = n_units * ((of_coder - grand[:, None]) ** 2).sum(axis=1)
    whole = weights @ (centred**2).sum(axis=1) - n_units * n_coders * grand**2
    within = np.maximum(whole - units, 0.0)
    left = np.maximum(within - coders, 0.0)
    free = np.where(n_units > 1, n_units - 1, np.nan)  # of one unit nothing varies
    return (
        np.asarray(units / free),
        np.asarray(coders / (n_coders - 1)),
        np.asarray(left / (free * (n_coders - 1))),
        np.asarray(within / (n_units * (n_coders - 1))),
    )


def icc_values(weights: Floats, ratings: Floats, form: str) -> Floats:
    """One form of the intraclass correlation for many weightings of the units, shape (n_draws,).

    NaN where the units do not vary at all.

    Examples
    --------
    Six targets by four judges, Shrout and Fleiss (1979): printed .17 .29 .71 and, for the mean of four, .44 .62 .91.

    >>> judges = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    >>> [icc_values(np.ones((1, 6)), np.array(judges, float), form).round(2).tolist()[0] for form in ICC_FORMS]
    [0.17, 0.29, 0.71, 0.44, 0.62, 0.91]
    """
    units, coders, left, within = mean_squares(weights, ratings)
    n_units, k = weights.sum(axis=1), ratings.shape[1]
    one = {"1": within, "2": left, "3": left}[form[4]]
    more = {"1": 0.0, "2": (coders - left) / n_units, "3": 0.0}[form[4]]
    below = units + (k - 1) * one + k * more if form.endswith("1") else units + more
    possible = (units > 1e-12 * np.abs(ratings).max(initial=1.0)) | (within > 1e-12)
    return np.asarray(np.divide(units - one, below, out=np.full(len(units), np.nan), where=possible & (below > 0)))


def icc_interval(ratings: Floats, form: str, confidence: float = 0.95) -> tuple[float, float]:
    """The F interval of one form (Shrout and Fleiss 1979; McGraw and Wong 1996); NaN where the coders never differ.

    With 25 units, intervals of nominal 95 % cover .94 to .96. Those of ICC(2,1) cover .91 where three or four coders
    differ much in their level (a standard deviation of .7 of that of all ratings): so few coders show little of their
    variance.

    Parameters
    ----------
    ratings
        A row per unit, shape (n_units, n_coders).

    Examples
    --------
    >>> judges = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    >>> for form in ICC_FORMS:  # R psych: -.13 .72, .02 .76, .34 .95, -.88 .91, .07 .93, .68 .99
    ...     print(form, *(round(end, 2) for end in icc_interval(np.array(judges, float), form)))
    icc_1_1 -0.13 0.72
    icc_2_1 0.02 0.76
    icc_3_1 0.34 0.95
    icc_1_k -0.88 0.91
    icc_2_k 0.07 0.93
    icc_3_k 0.68 0.99
    """
    from scipy.stats import f

    n, k = ratings.shape
    units, coders, left, within = (float(each[0]) for each in mean_squares(np.ones((1, n)), ratings))
    noise, free = (within, n * (k - 1)) if form[4] == "1" else (left, (n - 1) * (k - 1))
    if n < 2 or k < 2 or noise <= 0 or units <= 0:
        return math.nan, math.nan
    level = (1 + confidence) / 2
    if form[4] == "2":
        single = float(icc_values(np.ones((1, n)), ratings, "icc_2_1")[0])
        apart, spare = single * k * coders / left, n * (1 + (k - 1) * single) - k * single
        freedom = (k - 1) * (n - 1) * (apart + spare) ** 2 / ((n - 1) * apart**2 + spare**2)
        high, low = f.ppf(level, n - 1, freedom), f.ppf(level, freedom, n - 1)
        rest = k * coders + (k * n - k - n) * left
        ends = [
            n * (units - high * left) / (high * rest + n * units),
            n * (low * units - left) / (rest + n * low * units),
        ]
    else:
        ratios = [units / noise / f.ppf(level, n - 1, free), units / noise * f.ppf(level, free, n - 1)]
        ends = [(ratio - 1) / (ratio + k - 1) for ratio in ratios]
    if form.endswith("k"):
        ends = [end * k / (1 + end * (k - 1)) for end in ends]
    return float(ends[0]), float(ends[1])
