"""Estimating equations of a regression: solve them, and the sandwich standard errors of the solution.

A fit is a sum of parts, each rows of a design with an outcome and weights. Model labels alone are one part, gold alone
is one part weighted by 1/prob, and the correction is both: model labels with weight 1 - R/prob, gold with R/prob. So
one solver gives all three, and the moment of a unit is m(model) + R/prob * (m(gold) - m(model)), the design-based
supervised learning of Egami, Hinck, Stewart and Wei (2023).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from codebook.analysis.core.scales import Floats, Ints

_MOST_STEPS, _MOST_HALVINGS = 100, 30
_SOLVED = 1e-10  # mean moment, columns scaled to 1
_FLAT = 1e-7  # smallest against largest singular value of the slope below which nothing is estimated
_FAR = 700.0  # of a linear predictor, where exp overflows


class Part(NamedTuple):
    """Rows of a design: `x` (n_rows, n_terms), `y` and `weight` (n_rows,), and the `unit` (n_rows,) of each row."""

    x: Floats
    y: Floats
    weight: Floats
    unit: Ints


@dataclass(frozen=True)
class Fit:
    """Coefficients and their covariance, or NaN and the reason."""

    estimate: Floats
    covariance: Floats
    reason: str = ""

    @property
    def se(self) -> Floats:
        """Standard errors, shape (n_terms,)."""
        return np.asarray(np.sqrt(np.diag(self.covariance)))


class Family(NamedTuple):
    """Mean of the outcome and its slope, both from the linear predictor."""

    mean: Callable[[Floats], Floats]
    slope: Callable[[Floats], Floats]


def _logistic(eta: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(eta, -_FAR, _FAR))))


def _exponential(eta: Floats) -> Floats:
    return np.exp(np.clip(eta, -_FAR, _FAR))


FAMILIES = {
    "linear": Family(lambda eta: eta, np.ones_like),
    "logistic": Family(_logistic, lambda eta: (share := _logistic(eta)) * (1 - share)),
    "poisson": Family(_exponential, _exponential),
}


def join_fits(fits: Sequence[Fit]) -> Fit:
    """Median over splits of the units, as R dsl: squared errors take up the spread of the splits."""
    if reasons := [fit.reason for fit in fits if fit.reason]:
        return no_fit(len(fits[0].estimate), reasons[0])
    estimates = np.array([fit.estimate for fit in fits])
    middle = np.median(estimates, axis=0)
    squares = np.array([fit.se**2 for fit in fits]) + (estimates - middle) ** 2
    return Fit(middle, np.diag(np.median(squares, axis=0)))


def spread_normal(estimate: float, se: float, confidence: float) -> dict[str, float]:
    """Estimate, standard error, interval and two-sided p by the normal distribution.

    Examples
    --------
    >>> {name: round(value, 3) for name, value in spread_normal(0.75042, 0.29477, 0.95).items()}
    {'estimate': 0.75, 'se': 0.295, 'low': 0.173, 'high': 1.328, 'p': 0.011}
    """
    reach = NormalDist().inv_cdf((1 + confidence) / 2) * se
    p = math.erfc(abs(estimate / se) / math.sqrt(2)) if se > 0 else math.nan
    return {"estimate": estimate, "se": se, "low": estimate - reach, "high": estimate + reach, "p": p}


def no_fit(n_terms: int, reason: str) -> Fit:
    """A fit of nothing but NaN, with the reason."""
    return Fit(np.full(n_terms, np.nan), np.full((n_terms, n_terms), np.nan), reason)


def fit_parts(parts: Sequence[Part], family: str, cluster: Ints) -> Fit:
    """Solve the summed moments of the parts; the variance is the sandwich, of sums by cluster where there are any.

    `cluster`: code of each unit's cluster, shape (n_units,); a code of its own for each unit where there are no
    clusters.

    Returned: NaN with a reason where the design is rank deficient, labels separate the outcome, or no root is found.

    Examples
    --------
    >>> x, y = np.column_stack([np.ones(4), [0, 0, 1, 1]]), np.array([1.0, 3.0, 4.0, 6.0])
    >>> fit = fit_parts([Part(x, y, np.ones(4), np.arange(4))], "linear", np.arange(4))
    >>> fit.estimate.round(6).tolist(), fit.se.round(3).tolist()
    ([2.0, 3.0], [0.707, 1.0])
    """
    n_terms, n_units = parts[0].x.shape[1], len(cluster)
    n_clusters = len(np.unique(cluster[np.concatenate([part.unit for part in parts])]))
    if n_clusters <= n_terms:
        return no_fit(n_terms, f"too few units or clusters ({n_clusters}) for standard errors: take finer clusters")
    scale = np.sqrt(sum(np.abs(part.weight) @ part.x**2 for part in parts) / n_units)
    if not (scale > 0).all():
        return no_fit(n_terms, "a term is zero in every unit")
    scaled = [part._replace(x=part.x / scale) for part in parts]
    beta, solved = _solve(scaled, FAMILIES[family], n_units)
    slope = sum_slopes(scaled, beta, FAMILIES[family]) / n_units
    if reason := _find_trouble(slope, scaled, solved, family):
        return no_fit(n_terms, reason)
    scores = _sum_scores(scaled, beta, FAMILIES[family], cluster)
    bread = np.linalg.inv(slope * n_units)
    covariance = bread @ (scores.T @ scores) @ bread.T
    return Fit(beta / scale, covariance / np.outer(scale, scale))


def _find_trouble(slope: Floats, parts: Sequence[Part], solved: bool, family: str) -> str:
    if not np.isfinite(slope).all():
        return "no solution: the linear predictor runs off"
    values = np.linalg.svd(slope, compute_uv=False)
    largest = 1.0 if family == "logistic" else values[0]  # a slope that is flat in every direction is separation too
    if values[-1] > _FLAT * largest:
        return "" if solved else "no solution of the estimating equations found: take fewer terms or more gold"
    crossed = sum(part.x.T @ part.x for part in parts)
    plain = np.linalg.svd(crossed, compute_uv=False)
    if plain[-1] <= _FLAT**2 * plain[0] or family == "linear":
        return "terms are collinear, or a label never occurs: leave a term out"
    return "separation: a term tells the outcome perfectly; leave it out, or code more gold"


def _solve(parts: Sequence[Part], family: Family, n_units: int) -> tuple[Floats, bool]:
    """Damped Newton steps from a start near the outcome's mean."""
    beta = _start(parts, family)
    moment = _moment(parts, beta, family) / n_units
    for _ in range(_MOST_STEPS):
        size = float(np.abs(moment).max())
        if size < _SOLVED:
            return beta, True
        step = np.linalg.lstsq(sum_slopes(parts, beta, family) / n_units, moment, rcond=None)[0]
        for halving in range(_MOST_HALVINGS):
            tried = beta + step / 2**halving
            after = _moment(parts, tried, family) / n_units
            if float(np.linalg.norm(after)) < float(np.linalg.norm(moment)):
                break
        else:
            return beta, size < math.sqrt(_SOLVED)
        beta, moment = tried, after
    return beta, False


def _start(parts: Sequence[Part], family: Family) -> Floats:
    """Zeros; for counts a least squares fit of their logarithm, from which Newton's steps do not run off."""
    if family is not FAMILIES["poisson"]:
        return np.zeros(parts[0].x.shape[1])
    x, y = np.concatenate([part.x for part in parts]), np.concatenate([part.y for part in parts])
    return np.asarray(np.linalg.lstsq(x, np.log(y + 0.5), rcond=None)[0])


def _moment(parts: Sequence[Part], beta: Floats, family: Family) -> Floats:
    return np.asarray(sum(part.x.T @ (part.weight * (part.y - family.mean(part.x @ beta))) for part in parts))


def sum_slopes(parts: Sequence[Part], beta: Floats, family: Family) -> Floats:
    """How fast the summed moments fall with the coefficients, shape (n_terms, n_terms)."""
    return np.asarray(sum((part.x.T * (part.weight * family.slope(part.x @ beta))) @ part.x for part in parts))


def _sum_scores(parts: Sequence[Part], beta: Floats, family: Family, cluster: Ints) -> Floats:
    """Moments summed by cluster, shape (n_clusters, n_terms)."""
    sums = np.zeros((int(cluster.max()) + 1, len(beta)))
    for part in parts:
        residual = part.weight * (part.y - family.mean(part.x @ beta))
        for term in range(len(beta)):
            weights = residual * part.x[:, term]
            sums[:, term] += np.bincount(cluster[part.unit], weights=weights, minlength=len(sums))
    return sums
