"""Krippendorff's alpha on patterns, for many weightings of them at once, and its check by the krippendorff package."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from codebook.analysis.core.counts import LabelCodes
from codebook.analysis.core.patterns import Patterns
from codebook.analysis.core.scales import SET_LEVELS, Floats, Scale, label_distances
from codebook.errors import Fault, StatisticError

CHECKED_CELLS = 200_000
"""Units x labels x labels up to which every alpha is computed a second time by the krippendorff package."""

TOLERANCE = 1e-9

Disagreement = tuple[Floats, Floats]


def alpha_values(weights: Floats, patterns: Patterns, scale: Scale, distances: Floats | None = None) -> Floats:
    """Alpha of each row of `weights`, NaN where fewer than two labels are used.

    alpha = 1 - (n - 1) x sum of o d / sum of n_c n_k d, where o_ck sums n_uc (n_uk - [c = k]) / (m_u - 1) over the
    units u with m_u >= 2 codings, and n counts their codings (Krippendorff 2011).

    `weights`: how often each pattern counts, shape (n_draws, n_patterns). `patterns`: of two or more codings each.
    `distances`: of every two labels, shape (n_labels, n_labels), in place of those of the level.

    Returned: shape (n_draws,).

    Examples
    --------
    >>> from codebook.analysis.core.scales import read_scale
    >>> scale, _, _ = read_scale(["0", "1"], level="nominal", labels=["0", "1"])
    >>> patterns = Patterns(np.array([[2.0, 0], [1, 1], [0, 2]]), np.array([5, 4, 1]))
    >>> alpha_values(patterns.times[None, :].astype(float), patterns, scale).round(3)  # example A, printed .095
    array([0.095])
    """
    margins = weights @ patterns.counts
    codings = margins.sum(axis=1)
    sums = disagreement(scale) if distances is None else partial(_by_distance, distances=distances)
    observed, expected = sums(weights, margins, patterns)
    defined = ((margins > 0).sum(axis=1) >= 2) & (expected > 0)
    ratio = np.divide((codings - 1) * observed, expected, out=np.full(len(codings), np.nan), where=defined)
    return np.asarray(1 - ratio)


def disagreement(scale: Scale) -> Callable[[Floats, Floats, Patterns], Disagreement]:
    """The function that sums observed and expected disagreement at the level of `scale`, each of shape (n_draws,)."""
    if scale.level == "nominal":
        return _nominal
    if scale.level == "ordinal":
        return _ordinal
    if scale.level == "interval":
        values = scale.values - scale.values.mean() if len(scale.values) else scale.values
        return lambda weights, margins, patterns: _interval(weights, margins, patterns, values)
    distances = label_distances(scale)
    return lambda weights, margins, patterns: _by_distance(weights, margins, patterns, distances)


def _nominal(weights: Floats, margins: Floats, patterns: Patterns) -> Disagreement:
    sizes = patterns.sizes
    within = (sizes**2 - (patterns.counts**2).sum(axis=1)) / (sizes - 1)
    return weights @ within, margins.sum(axis=1) ** 2 - (margins**2).sum(axis=1)


def _interval(weights: Floats, margins: Floats, patterns: Patterns, values: Floats) -> Disagreement:
    """Squared differences need only sums and sums of squares, of each unit and of all."""
    counts, sizes = patterns.counts, patterns.sizes
    within = 2 * (sizes * (counts @ values**2) - (counts @ values) ** 2) / (sizes - 1)
    total = 2 * (margins.sum(axis=1) * (margins @ values**2) - (margins @ values) ** 2)
    return weights @ within, total


def _ordinal(weights: Floats, margins: Floats, patterns: Patterns) -> Disagreement:
    """The ordinal distance is the squared difference of mid-ranks, and the ranks are those of each draw."""
    codings = margins.sum(axis=1, keepdims=True)
    ranks = (np.cumsum(margins, axis=1) - margins / 2) / codings - 0.5
    counts, sizes = patterns.counts, patterns.sizes
    squares = (weights @ (counts * (sizes / (sizes - 1))[:, None]) * ranks**2).sum(axis=1)
    means = (weights / (sizes - 1) * (ranks @ counts.T) ** 2).sum(axis=1)
    total = codings[:, 0] * (margins * ranks**2).sum(axis=1) - (margins * ranks).sum(axis=1) ** 2
    return 2 * (squares - means), 2 * total


def _by_distance(weights: Floats, margins: Floats, patterns: Patterns, distances: Floats) -> Disagreement:
    counts = patterns.counts
    within = ((counts @ distances) * counts).sum(axis=1) / (patterns.sizes - 1)
    return weights @ within, ((margins @ distances) * margins).sum(axis=1)


def is_checked(patterns: Patterns) -> bool:
    """Whether units x labels x labels is at most `CHECKED_CELLS`: the package's time and memory grow with that."""
    n_used = int(np.count_nonzero(patterns.counts.any(axis=0)))
    return n_used > 1 and int(patterns.times.sum()) * n_used**2 <= CHECKED_CELLS


def check_against_library(codings: LabelCodes, value: float) -> None:
    """Compute alpha again with the krippendorff package and refuse a figure on which the two differ.

    The counts are made here from the codings, not from the patterns, so that the collapsing is checked too.

    Raises StatisticError: the two differ by more than 1e-9.
    """
    used = np.flatnonzero(np.bincount(codings.code, minlength=1))
    code = np.searchsorted(used, codings.code)
    units, unit = np.unique(codings.unit, return_inverse=True)
    counts = np.bincount(unit * len(used) + code, minlength=len(units) * len(used)).reshape(len(units), len(used))
    other = _library_alpha(counts, codings.scale, used)
    if not abs(other - value) <= TOLERANCE:
        problem = f"alpha is {value!r} here and {other!r} in the krippendorff package"
        mend = "do not publish either; report this with the table and the versions of numpy and krippendorff"
        raise StatisticError("Two implementations of alpha differ.", [Fault(codings.scale.level, problem, mend)])


def _library_alpha(counts: np.ndarray, scale: Scale, used: np.ndarray) -> float:
    import krippendorff

    level: Any = scale.level
    domain = scale.values[used] if scale.level in ("interval", "ratio") else np.arange(len(used))
    if scale.level in SET_LEVELS:
        distances = label_distances(scale)[np.ix_(used, used)]
        level = lambda v1, v2, i1, i2, n_v, dtype=np.float64: distances[i1, i2]  # noqa: E731
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(krippendorff.alpha(value_counts=counts, value_domain=domain, level_of_measurement=level))
