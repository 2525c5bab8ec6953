"""Average linkage without a matrix of all pairs: the mean cosine of two clusters is the product of their sums."""

from __future__ import annotations

import numpy as np

from codebook.analysis.vectors.blocks import Floats, Ints

MOST_LINKED = 5_000
"""Vectors that may be joined: the time grows with their square."""
_TIE = 1e-9


def link(rows: Floats, threshold: float) -> Ints:
    """Return the cluster of each row, `(n_rows,)`: joined while the mean cosine between two is at least `threshold`.

    A chain of nearest neighbours is followed until two clusters are each other's nearest, which are then joined
    (Murtagh 1983; exact for average linkage). A cluster whose nearest is below the threshold is done: joining others
    never brings one nearer than its nearest part was.

    Parameters
    ----------
    rows
        `(n_rows, n_dimensions)`, each of length 1.
    """
    pool = _Pool(rows)
    chain: list[int] = []
    while pool.open.any():
        if not chain:
            chain.append(int(np.flatnonzero(pool.open)[0]))
        other, cosine = pool.nearest(chain[-1], chain[-2] if len(chain) > 1 else -1)
        if other < 0 or cosine < threshold:
            pool.close(chain.pop())
        elif len(chain) > 1 and other == chain[-2]:
            pool.join(chain.pop(), chain.pop())
        else:
            chain.append(other)
    return pool.clusters()


class _Pool:
    """The clusters so far, each named by a row of it; `open` are those that may still be joined."""

    def __init__(self, rows: Floats) -> None:
        self.sums, self.sizes = rows.astype(np.float64), np.ones(len(rows))
        self.open, self.parents = np.ones(len(rows), dtype=bool), np.arange(len(rows))

    def nearest(self, name: int, before: int) -> tuple[int, float]:
        """(name, mean cosine) of the nearest open cluster; of equally near ones `before`, so that a chain ends."""
        names = np.flatnonzero(self.open)
        names = names[names != name]
        if not len(names):
            return -1, -1.0
        cosines = self.sums[names] @ self.sums[name] / (self.sizes[names] * self.sizes[name])
        place = int(cosines.argmax())
        if before >= 0 and cosines[names == before][0] >= cosines[place] - _TIE:
            return before, float(cosines[names == before][0])
        return int(names[place]), float(cosines[place])

    def join(self, one: int, two: int) -> None:
        """Put two clusters together under the first of their names."""
        kept, gone = min(one, two), max(one, two)
        self.sums[kept] += self.sums[gone]
        self.sizes[kept] += self.sizes[gone]
        self.open[gone], self.parents[gone] = False, kept

    def close(self, name: int) -> None:
        """Note that nothing is near enough to be joined with a cluster."""
        self.open[name] = False

    def clusters(self) -> Ints:
        """The name of each row's cluster."""
        found = self.parents.copy()
        while (found != self.parents[found]).any():
            found = self.parents[found]
        return found
