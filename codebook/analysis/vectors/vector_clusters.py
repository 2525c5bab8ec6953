"""Groups of vectors: a given number of them, or as many as a threshold of nearness makes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from codebook.analysis.core.checks import raise_faults
from codebook.analysis.vectors.similarity_blocks import DIGITS, Floats, Ints, check_vectors, unit_rows, versions
from codebook.errors import Fault

N_STARTS = 4
"""How often k-means starts anew; the grouping with the largest mean cosine is kept."""
MOST_ROUNDS = 100
MOST_LINKED = 5_000
"""Vectors that may be joined: memory grows with their square, to 100 MB."""
_TIE = 1e-6


def cluster_vectors(
    vectors: npt.ArrayLike, *, k: int | None = None, threshold: float | None = None, seed: int = 1
) -> pd.DataFrame:
    """Group vectors into `k` clusters, or into as many as a threshold makes; one of the two is given.

    Parameters
    ----------
    vectors
        `(n_rows, n_dimensions)`.
    k
        Number of clusters, found by spherical k-means (Dhillon and Modha 2001) from seeds drawn far apart (k-means++,
        Arthur and Vassilvitskii 2007), the best of four starts.
    threshold
        Clusters are joined, the two nearest first, while the mean cosine between their members is at least this
        (average linkage). At most 5,000 vectors.
    seed
        Of k-means. The threshold needs none.

    Returns
    -------
    pd.DataFrame
        row, cluster, cosine (to the cluster's centre). Clusters are numbered from 0 by their size, the largest first,
        equal ones by their first row. `attrs`: method, n_clusters, mean_cosine, versions, and what was asked.

    Raises
    ------
    StatisticError
        The array is not one of vectors, or the request is not one of `k` and `threshold` that can be met.

    Examples
    --------
    >>> cluster_vectors([[1, 0], [0, 1], [1, 0.1], [1, 0.2]], k=2)["cluster"].tolist()
    [0, 1, 0, 0]
    >>> cluster_vectors([[1, 0], [0, 1], [1, 0.1], [1, 0.2]], threshold=0.98)["cluster"].tolist()
    [0, 1, 0, 0]
    """
    check_vectors(vectors)
    known = np.asanyarray(vectors)
    _check_request(len(known), k, threshold)
    rows = unit_rows(known)
    about: dict[Any, Any] = {"n_vectors": len(rows)}
    if k is not None:
        clusters = _number(_find_means(rows, k, seed))
        about |= {"method": "spherical k-means", "k": k, "seed": seed, "starts": N_STARTS}
    else:
        assert threshold is not None  # checked above
        clusters = _number(link(rows, threshold))
        about |= {"method": "average linkage", "threshold": threshold}
    cosines = np.einsum("ij,ij->i", rows, _centres(rows, clusters, int(clusters.max()) + 1)[clusters])
    frame = pd.DataFrame({"row": np.arange(len(rows)), "cluster": clusters})
    frame["cosine"] = np.round(cosines.astype(np.float64), DIGITS)
    mean = round(float(frame["cosine"].mean()), DIGITS)
    frame.attrs = about | {"n_clusters": int(clusters.max()) + 1, "mean_cosine": mean, "versions": versions()}
    return frame


def _check_request(n_rows: int, k: int | None, threshold: float | None) -> None:
    faults = []
    if (k is None) == (threshold is None):
        faults.append(Fault("k, threshold", "one of the two is needed", "pass k=10, or threshold=.6"))
    if k is not None and not 1 <= k <= n_rows:
        faults.append(Fault("k", f"{k} clusters of {n_rows} vectors", f"pass a number from 1 to {n_rows}"))
    if threshold is not None and not -1 <= threshold <= 1:
        faults.append(Fault("threshold", f"{threshold} is no cosine", "pass a number up to 1, such as .6"))
    if threshold is not None and n_rows > MOST_LINKED:
        mend = "pass k, or cluster a sample"
        faults.append(Fault("vectors", f"{n_rows:,} are more than {MOST_LINKED:,}, too many to be joined", mend))
    raise_faults("The vectors cannot be clustered like this.", faults)


def _find_means(rows: Floats, k: int, seed: int) -> Ints:
    """The grouping of the best start, `(n_rows,)`."""
    found = [_run_means(rows, k, np.random.default_rng([seed, start])) for start in range(N_STARTS)]
    return max(found, key=lambda pair: pair[0])[1]


def _run_means(rows: Floats, k: int, rng: np.random.Generator) -> tuple[float, Ints]:
    """(mean cosine, clusters) of one start of k-means."""
    centres = rows[_draw_seeds(rows, k, rng)]
    clusters = np.full(len(rows), -1, dtype=np.int64)
    for _ in range(MOST_ROUNDS):
        cosines = rows @ centres.T
        fresh = _fill(cosines.argmax(axis=1), cosines.max(axis=1), k)
        if (fresh == clusters).all():
            break
        clusters = fresh
        centres = _centres(rows, clusters, k)
    return round(float(np.einsum("ij,ij->i", rows, centres[clusters]).mean()), DIGITS), clusters


def _draw_seeds(rows: Floats, k: int, rng: np.random.Generator) -> list[int]:
    """Rows to begin with: each drawn with a chance that grows with its distance from those before."""
    chosen = [int(rng.integers(len(rows)))]
    distance = np.ones(len(rows))
    while len(chosen) < k:
        distance = np.minimum(distance, np.maximum(0, 1 - rows @ rows[chosen[-1]]).astype(np.float64))
        distance[chosen] = 0
        total = distance.sum()
        free = np.setdiff1d(np.arange(len(rows)), chosen)
        chosen.append(int(rng.choice(len(rows), p=distance / total) if total > 0 else rng.choice(free)))
    return chosen


def _fill(clusters: Ints, cosines: Floats, k: int) -> Ints:
    """Give a cluster that lost all its members the row that is farthest from its centre, of a cluster with several."""
    filled = clusters.astype(np.int64)
    for empty in np.setdiff1d(np.arange(k), filled):
        several = np.bincount(filled, minlength=k)[filled] > 1
        filled[np.flatnonzero(several)[cosines[several].argmin()]] = empty
    return filled


def _centres(rows: Floats, clusters: Ints, k: int) -> Floats:
    """The mean direction of each cluster, `(k, n_dimensions)`; none of the `k` is empty."""
    order = np.argsort(clusters, kind="stable")
    begins = np.searchsorted(clusters[order], np.arange(k))
    return unit_rows(np.add.reduceat(rows[order], begins, axis=0, dtype=np.float64))


def _number(clusters: Ints) -> Ints:
    """The same grouping, numbered by size and first row.

    Examples
    --------
    >>> _number(np.array([7, 2, 2, 9])).tolist()
    [1, 0, 0, 2]
    """
    names, first, places, counts = np.unique(clusters, return_index=True, return_inverse=True, return_counts=True)
    numbers = np.empty(len(names), dtype=np.int64)
    numbers[np.lexsort((first, -counts))] = np.arange(len(names))
    return numbers[places]


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
