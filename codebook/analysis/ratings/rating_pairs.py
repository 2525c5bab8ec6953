"""Two columns of numbers of the same units: their correlation, their concordance, and how far they are apart."""

from __future__ import annotations

import numpy as np

from codebook.analysis.core.scales import Floats

RATING_MEASURES = {
    "pearson": "Pearson's r",
    "spearman": "Spearman's rho",
    "ccc": "Lin's concordance",
    "mae": "mean absolute error",
    "rmse": "root mean squared error",
    "bias": "mean error",
}
"""The measures of `pair_statistics`, in their order, and what they are called."""

_NO_SPREAD = 1e-12  # of the variance of all values: below it a column does not vary


def pair_statistics(weights: Floats, first: Floats, second: Floats) -> Floats:
    """Every measure of `RATING_MEASURES` for many weightings of the units at once.

    r and rho say whether both go up together; Lin's concordance (1989) also whether they lie on the line of equality:
    2 s_xy / (s_x^2 + s_y^2 + (mean_x - mean_y)^2). rho is r of the mean ranks. NaN where a column does not vary.

    Parameters
    ----------
    weights
        Shape (n_draws, n_pairs).
    first, second
        The numbers to compare, shape (n_pairs,); the mean error is `second` less `first`.

    Returns
    -------
    array
        Shape (n_draws, 6).

    Examples
    --------
    Peak flow by two meters, Bland and Altman (1986): r printed .94, mean difference -2.1 l/min (the other way round);
    Lin's concordance .943 (Stata, `concord`).

    >>> wright = np.array([494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427.0])
    >>> mini = np.array([512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451.0])
    >>> dict(zip(RATING_MEASURES, pair_statistics(np.ones((1, 17)), wright, mini)[0].round(3).tolist(), strict=True))
    {'pearson': 0.943, 'spearman': 0.9, 'ccc': 0.943, 'mae': 28.941, 'rmse': 37.667, 'bias': 2.118}
    """
    shares = weights / weights.sum(axis=1, keepdims=True)
    gap = second - first
    pearson, ccc = _correlate(shares, first, second)
    spearman, _ = _correlate(shares, _rank(shares, first), _rank(shares, second))
    errors = [shares @ np.abs(gap), np.sqrt(shares @ gap**2), shares @ gap]
    return np.stack([pearson, spearman, ccc, *errors], axis=1)


def _correlate(shares: Floats, first: Floats, second: Floats) -> tuple[Floats, Floats]:
    """(Pearson's r, Lin's concordance), each (n_draws,); the columns may differ by draw, (n_draws, n_pairs)."""
    middle = (first.mean() + second.mean()) / 2  # of both columns: their distance must stay
    x, y = (np.broadcast_to(each - middle, shares.shape) for each in (first, second))
    mean_x, mean_y = (shares * x).sum(axis=1), (shares * y).sum(axis=1)
    var_x, var_y = ((shares * (each - mean[:, None]) ** 2).sum(axis=1) for each, mean in ((x, mean_x), (y, mean_y)))
    joint = (shares * (x - mean_x[:, None]) * (y - mean_y[:, None])).sum(axis=1)
    least = _NO_SPREAD * (np.square(x).max(initial=0.0) + np.square(y).max(initial=0.0))
    known = (var_x > least) & (var_y > least)
    spread = var_x + var_y + (mean_x - mean_y) ** 2
    r = np.divide(joint, np.sqrt(var_x * var_y), out=np.full(len(joint), np.nan), where=known)
    ccc = np.divide(2 * joint, spread, out=np.full(len(joint), np.nan), where=known)
    return np.clip(r, -1, 1), ccc


def _rank(shares: Floats, values: Floats) -> Floats:
    """The mean rank of each value in each draw, as a share of the units, shape (n_draws, n_pairs)."""
    distinct, code = np.unique(values, return_inverse=True)
    at_value = shares @ np.eye(len(distinct))[code]
    return np.asarray((np.cumsum(at_value, axis=1) - at_value / 2)[:, code])


def best_constant(weights: Floats, values: Floats) -> float:
    """The one number with the least mean absolute error: the weighted median."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(reached, reached[-1] / 2)])
