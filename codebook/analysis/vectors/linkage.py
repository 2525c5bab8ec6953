"""Average linkage: the two clusters whose members are nearest on average are joined, again and again."""

from __future__ import annotations

import numpy as np

from codebook.analysis.vectors.blocks import Floats, Ints

MOST_LINKED = 5_000
"""Vectors that may be joined: memory grows with their square, to 100 MB."""
_TIE = 1e-6


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
        if not cosine >= threshold:
            pool.close(chain.pop())
        elif len(chain) > 1 and other == chain[-2]:
            pool.join(chain.pop(), chain.pop())
        else:
            chain.append(other)
    return pool.clusters()


class _Pool:
    """The clusters so far, each named by a row of it, and the mean cosines between those that may still be joined."""

    def __init__(self, rows: Floats) -> None:
        self.open, self.parents, self.sizes = np.ones(len(rows), dtype=bool), np.arange(len(rows)), np.ones(len(rows))
        self.cosines = rows @ rows.T
        np.fill_diagonal(self.cosines, -np.inf)

    def nearest(self, name: int, before: int) -> tuple[int, float]:
        """(name, mean cosine) of the nearest open cluster; of equally near ones `before`, so that a chain ends."""
        cosines = self.cosines[name]
        place = int(cosines.argmax())
        if before >= 0 and cosines[before] >= cosines[place] - _TIE:
            place = before
        return place, float(cosines[place])

    def join(self, one: int, two: int) -> None:
        """Put two clusters together under the first of their names."""
        kept, gone = min(one, two), max(one, two)
        size = self.sizes[kept] + self.sizes[gone]
        shares = (self.sizes[kept] / size, self.sizes[gone] / size)
        mean = (shares[0] * self.cosines[kept] + shares[1] * self.cosines[gone]).astype(np.float32)
        self.cosines[kept] = self.cosines[:, kept] = mean
        self.cosines[kept, kept] = -np.inf
        self.sizes[kept], self.parents[gone] = size, kept
        self.close(gone)

    def close(self, name: int) -> None:
        """Note that nothing is near enough to be joined with a cluster."""
        self.open[name] = False
        self.cosines[name] = self.cosines[:, name] = -np.inf

    def clusters(self) -> Ints:
        """The name of each row's cluster."""
        found = self.parents.copy()
        while (found != self.parents[found]).any():
            found = self.parents[found]
        return found
