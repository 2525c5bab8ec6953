"""Inclusion probabilities: how many units of each stratum, how likely each unit, and a draw that keeps to them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_STEPS = 200


def allot(n: int, sizes: Ints, lowest: Ints, *, equal: bool) -> Ints:
    """How many units of each stratum: as many of each, or by its size, but no fewer than `lowest` and no more than all.

    Parameters
    ----------
    n
        Units in all, between the sums of `lowest` and `sizes`.
    sizes, lowest
        Units that a stratum has, and must have drawn, shape (n_strata,).

    Examples
    --------
    >>> allot(100, np.array([900, 90, 10]), np.array([5, 5, 5]), equal=False).tolist()
    [86, 9, 5]
    >>> allot(100, np.array([900, 90, 10]), np.array([5, 5, 5]), equal=True).tolist()
    [45, 45, 10]
    """
    wish = np.ones(len(sizes)) if equal else sizes.astype(float)
    exact = _fill(n, lambda level: np.clip(level * wish, lowest, sizes), float(sizes.max()))
    whole = np.floor(exact + 1e-9).astype(np.int64)
    rest = exact - whole
    most = np.argsort(-rest, kind="stable")[: n - int(whole.sum())]
    whole[most] += 1
    return whole


def chances_by_score(n: int, scores: Floats, floor: float) -> Floats:
    """Inclusion probabilities that sum to n, grow with the score, and are nowhere below `floor` times the mean chance.

    Parameters
    ----------
    scores
        Zero or more, shape (n_units,); all zero gives everyone the same chance.

    Examples
    --------
    >>> chances_by_score(2, np.array([0.0, 0.0, 1.0, 3.0]), 0.2).round(2).tolist()
    [0.14, 0.14, 0.71, 1.0]
    """
    total = float(scores.sum())
    even = np.full(len(scores), 1 / len(scores))
    base = floor * even + (1 - floor) * scores / total if total > 0 else even
    return _fill(n, lambda level: np.minimum(level * base, 1.0), 1 / float(base.min()))


def draw_systematic(prob: Floats, rng: np.random.Generator) -> Ints:
    """Positions of a sample of fixed size in which each unit has exactly its `prob`, shape (n_units,).

    Units are laid in random order on a line, each as long as its probability, and taken at every whole step from a
    random start (Madow 1949).

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> times = np.zeros(3)
    >>> for _ in range(4000):
    ...     times[draw_systematic(np.array([0.2, 0.8, 1.0]), rng)] += 1
    >>> (times / 4000).round(1).tolist()
    [0.2, 0.8, 1.0]
    """
    size = round(float(prob.sum()))
    order = rng.permutation(len(prob))
    ends = np.cumsum(prob[order])
    ends *= size / ends[-1]
    ends[-1] = size
    return np.sort(order[np.searchsorted(ends, rng.random() + np.arange(size), side="right")])


def _fill(n: int, at_level: Callable[[float], Floats], highest: float) -> Floats:
    """Values at the level where they sum to n; the sum grows with the level."""
    low, high = 0.0, max(highest, 1.0) * n
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if at_level(middle).sum() < n else (low, middle)
    return np.asarray(at_level(high), dtype=float)
