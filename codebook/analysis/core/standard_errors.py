"""Beside the bootstrap: the jackknife for small samples, and standard errors by linearisation; clusters in both."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from codebook.analysis.core.estimates import Interval
from codebook.analysis.core.patterns import Patterns
from codebook.analysis.core.scales import Floats, Ints
from codebook.ground.quantities import say_count

SMALL = 30
"""Units, or clusters, under which a jackknife interval stands beside that of the bootstrap."""

FEWEST_CLUSTERS = 5
"""Clusters under which there is no interval."""

FEWEST = 20
"""Units under which a figure of a coding that goes on has no interval: so far down those of the kit are checked."""

MOST_LINEAR = 2000
"""Patterns up to which the standard error is computed: its work grows with their square."""

_STEP = 1e-4


def wilson_interval(n_right: float, n: float, confidence: float = 0.95) -> tuple[float, float]:
    """Return Wilson's interval (1927) of a share: `n_right` of `n`.

    Examples
    --------
    >>> [round(end, 4) for end in wilson_interval(9, 10)]
    [0.5958, 0.9821]
    """
    wide, share = _normal_end(confidence), n_right / n
    middle = (share + wide**2 / (2 * n)) / (1 + wide**2 / n)
    half = wide * math.sqrt(share * (1 - share) / n + wide**2 / (4 * n**2)) / (1 + wide**2 / n)
    return max(0.0, middle - half), min(1.0, middle + half)


@cache
def _normal_end(confidence: float) -> float:
    from scipy.special import ndtri

    return -float(ndtri((1 - confidence) / 2))


def newcombe_interval(
    first: tuple[float, int], second: tuple[float, int], confidence: float = 0.95
) -> tuple[float, float]:
    """Return Newcombe's interval (1998, method 10) of the difference of two shares, each as `(n_right, n)`.

    It joins Wilson's intervals of the two.

    Examples
    --------
    Newcombe (1998), table II, 56 of 70 less 48 of 80, printed 0.0524 and 0.3339:

    >>> [round(end, 4) for end in newcombe_interval((56, 70), (48, 80))]
    [0.0524, 0.3339]
    """
    (a, (low_a, high_a)), (b, (low_b, high_b)) = (
        (n_right / n, wilson_interval(n_right, n, confidence)) for n_right, n in (first, second)
    )
    return a - b - math.hypot(a - low_a, high_b - b), a - b + math.hypot(high_a - a, b - low_b)


def why_no_interval(n_units: int, n_clusters: int = 0, what: str = "unit") -> str:
    """Why there is no interval: one unit does not vary, and few clusters tell little; else empty."""
    if n_units < 2:
        return f"no interval: one {what} does not vary"
    if n_clusters == 1:
        return f"no interval: all {what}s are in one cluster"
    few = 1 < n_clusters < FEWEST_CLUSTERS
    return f"no interval: {n_clusters} clusters are too few" if few else ""


def say_few_clusters(n_clusters: int) -> str:
    """Say that an interval by few clusters is in doubt.

    Examples
    --------
    >>> say_few_clusters(12)
    '12 clusters: with so few clusters, intervals are in doubt and probably too narrow.'
    """
    return f"{say_count(n_clusters, 'cluster')}: with so few clusters, intervals are in doubt and probably too narrow."


NO_JACKKNIFE = Interval(math.nan, math.nan, 0.0)


def join_clusters(patterns: Patterns, cluster: Ints) -> Any:
    """How often each cluster shows each pattern: a sparse array (n_clusters, n_patterns); None without clusters.

    Clusters none of whose units has a pattern are left out.

    `patterns`: traced to their units. `cluster`: of each unit, shape (n_units,), or empty.
    """
    unit = np.flatnonzero(patterns.shown >= 0)
    return count_members(cluster[unit] if len(cluster) else cluster, patterns.shown[unit], len(patterns.times))


def count_members(cluster: Ints, which: Ints, n_cells: int) -> Any:
    """How often each cluster shows each cell, a sparse array (n_clusters, n_cells); None without clusters."""
    if not len(cluster):
        return None
    from scipy.sparse import csr_array

    names, rows = np.unique(cluster, return_inverse=True)
    return csr_array((np.ones(len(rows)), (rows, which)), shape=(len(names), n_cells))


def jackknife(
    times: Ints, statistic: Callable[[Floats], Floats], *, confidence: float, members: Any = None
) -> Interval:
    """Interval value -+ t x standard error, from the statistic without each unit or cluster; cut at 1.

    SE^2 = (n - 1) / n x sum of (value without one - their mean)^2, t with n - 1 degrees of freedom (Efron 1982).

    `times`: how many units show each pattern, shape (n_patterns,). `members`: of `join_clusters`, to leave out
    clusters.

    Examples
    --------
    >>> share = lambda weights: weights[:, 0] / weights.sum(axis=1)
    >>> done = jackknife(np.array([6, 4]), share, confidence=0.95)
    >>> round(done.low, 3), round(done.high, 3)  # the standard error of a mean: .6 -+ 2.262 x sqrt(.24 / 9)
    (0.231, 0.969)
    """
    from scipy.special import stdtrit

    whole = times[None, :].astype(float)
    if members is None:
        without, often = whole - np.eye(len(times)), times.astype(float)
    else:
        without = whole - members.toarray()
        often = np.ones(len(without))
    n = float(often.sum())
    values = statistic(without) if n > 1 else np.full(len(without), math.nan)
    if np.isnan(values).any():
        return replace(NO_JACKKNIFE, reason="no jackknife: undefined when one is left out")
    spread = math.sqrt((n - 1) / n * float(often @ (values - often @ values / n) ** 2))
    half = float(stdtrit(n - 1, (1 + confidence) / 2)) * spread
    value = float(statistic(whole)[0])
    if spread < 1e-9:
        return replace(NO_JACKKNIFE, reason="no jackknife: the figure does not change when one is left out")
    return Interval(value - half, min(1.0, value + half), 0.0)


def linear_error(
    times: Ints, statistic: Callable[[Floats], Floats], *, members: Any = None, stratum: Ints | None = None
) -> float:
    """Standard error by linearisation: how each unit or cluster pulls at the statistic (infinitesimal jackknife).

    Where every unit has two or more codings it is, for AC1, Fleiss' kappa and Brennan-Prediger, the analytic standard
    error of Gwet (2014); with units coded once it is a little smaller, as their number is not taken as fixed. For
    Cohen's kappa it is that of Fleiss, Cohen and Everitt (1969) times sqrt(n / (n - 1)). NaN for more than
    `MOST_LINEAR` patterns, and where no unit pulls at it. Units drawn within strata, `stratum` (n_patterns,), pull
    about the mean of theirs (Cochran 1977).

    Examples
    --------
    >>> share = lambda weights: weights[:, 0] / weights.sum(axis=1)
    >>> round(linear_error(np.array([6, 4]), share), 4)  # sqrt(.6 x .4 / 9)
    0.1633
    """
    n_units = float(times.sum())
    if len(times) > MOST_LINEAR or n_units < 2:
        return math.nan
    step = min(_STEP, 0.1 / n_units)
    towards = n_units * np.eye(len(times)) - times
    slopes = (statistic(times + step * towards) - statistic(times - step * towards)) / (2 * step)
    if not slopes[times > 0].any():
        return math.nan
    if members is None and stratum is not None and np.ptp(stratum) > 0:
        return _error_in_strata(times, slopes / n_units, stratum)
    if members is None:
        return math.sqrt(float(times @ slopes**2) / (n_units * (n_units - 1)))
    n_clusters = members.shape[0]
    if n_clusters < 2:
        return math.nan
    pulls = (members @ slopes) / n_units
    return math.sqrt(n_clusters / (n_clusters - 1) * float(pulls @ pulls))


def _error_in_strata(times: Ints, pulls: Floats, stratum: Ints) -> float:
    sizes, sums, squares = (np.bincount(stratum, weights=times * each) for each in (1.0 + 0 * pulls, pulls, pulls**2))
    spread = squares - np.divide(sums**2, sizes, out=np.zeros(len(sizes)), where=sizes > 0)
    return math.sqrt(float((spread[sizes > 1] * sizes[sizes > 1] / (sizes[sizes > 1] - 1)).sum()))
