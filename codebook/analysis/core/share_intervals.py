"""Intervals of shares: by Wilson where each unit stands for itself, else by replicates of the units as drawn."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from codebook.analysis.core.estimates import Bootstrap, Interval, percentile_interval
from codebook.analysis.core.sample_design import Drawn, resample_design
from codebook.analysis.core.scales import Floats
from codebook.analysis.core.standard_errors import wilson_interval

JEFFREYS = 0.5
"""Hits, and misses, that a share is given beforehand in a replicate: Jeffreys' prior."""

Parts = tuple[Floats, Floats]
"""Hits, and the wholes of which they are a share, each of shape (n_draws, n_shares)."""


@dataclass(frozen=True)
class Shares:
    """Shares of units: what each unit of a cell adds to the hits and to the wholes, shape (n_cells, n_shares).

    Where a unit adds 0 or 1, the share is one of units. Where it may add more, like a text of several spans,
    and all are hits (or all misses), nobody knows whether its parts go together: what was not seen is a whole unit.

    Examples
    --------
    Four of four, by Wilson (1927):

    >>> right = Shares(np.array([[1.0]]), np.array([[1.0]]))
    >>> drawn = Drawn(np.array([4]), np.ones(1), np.zeros(1))
    >>> interval = right.estimate(drawn, Bootstrap())[1][0]
    >>> round(interval.low, 2), interval.high
    (0.51, 1.0)
    """

    hits: Floats
    wholes: Floats

    def values(self, weights: Floats) -> Floats:
        """The shares for weights of the cells, shape (n_draws, n_shares); NaN of nothing."""
        return divide(weights @ self.hits, weights @ self.wholes)

    @property
    def of_units(self) -> bool:
        """Whether each unit is a hit or none."""
        return bool(np.isin(self.hits, (0, 1)).all() and np.isin(self.wholes, (0, 1)).all())

    def estimate(self, drawn: Drawn, bootstrap: Bootstrap) -> tuple[Floats, list[Interval], Floats]:
        """Values (n_shares,), an interval each, and the values in replicates (replicates, n_shares)."""
        values, alone = self.values((drawn.times * drawn.weight)[None, :])[0], drawn.why_none()
        draws = self.draw(drawn, replace(bootstrap, replicates=0) if alone else bootstrap)
        if len(draws) and drawn.is_simple and self.of_units:
            ends = [wilson_ends(*each, bootstrap.confidence) for each in zip(*self._count(drawn), strict=True)]
            return values, ends, draws
        settings = {"freedom": drawn.freedom}
        ends = [
            percentile_interval(column, bootstrap.confidence, value, **settings)
            for value, column in zip(values, draws.T, strict=True)
        ]
        ends = [replace(end, reason=alone) if alone else end for end in ends]
        return values, ends, draws

    def _count(self, drawn: Drawn) -> Parts:
        return drawn.times @ self.hits, drawn.times @ self.wholes

    def draw(self, drawn: Drawn, bootstrap: Bootstrap) -> Floats:
        """Values in replicates of the units, shape (replicates, n_shares), with room for what was not seen."""
        if not bootstrap.replicates:
            return np.empty((0, self.hits.shape[1]))
        hits, sums = self._count(drawn)
        size = divide(drawn.times @ self.wholes**2, sums)  # what a unit adds on average, units weighed by what they add
        size = np.nan_to_num(np.where((hits == 0) | (hits == sums), size, 1.0))
        (wide, prior), n = add_room(drawn), len(drawn.times)

        def statistic(weights: Floats) -> Floats:
            hit, miss = (part.sum(axis=1, keepdims=True) * size for part in np.split(weights[:, n:], 2, axis=1))
            return divide(weights[:, :n] @ self.hits + hit, weights[:, :n] @ self.wholes + hit + miss)

        return resample_design(wide, statistic, bootstrap, prior)


def add_room(drawn: Drawn) -> tuple[Drawn, Floats]:
    """After the cells those of hits and of misses that were not seen, one for each weight; and the prior of all."""
    n = len(drawn.heavy)
    prior = np.concatenate([np.zeros(len(drawn.times)), np.full(2 * n, JEFFREYS)])
    return drawn.with_more(np.tile(drawn.heavy, 2)), prior


def wilson_ends(n_right: float, n: float, confidence: float) -> Interval:
    """Wilson's interval of a share; NaN of nothing."""
    if not n:
        return Interval(np.nan, np.nan, 0.0)
    return Interval(*wilson_interval(float(n_right), int(n), confidence), 0.0)


def divide(part: Floats, whole: Floats, *, empty: float = np.nan) -> Floats:
    """`part` / `whole`, and `empty` where the whole is nothing."""
    part, whole = np.asarray(part, dtype=float), np.asarray(whole, dtype=float)
    return np.asarray(np.divide(part, whole, out=np.full(np.broadcast(part, whole).shape, empty), where=whole > 0))
