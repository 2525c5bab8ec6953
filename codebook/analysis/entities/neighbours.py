"""Nearest vectors: exact in numpy up to a size that was measured, then through an index that is already there."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from codebook.errors import Fault, MissingExtraError, ParameterError

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

EXACT_UP_TO = 2_000_000_000
"""Pairs of vectors compared exactly."""

_CELLS = 2**22  # cosines held at a time, 16 MB

Method = Literal["auto", "exact", "index"]


def nearest_vectors(
    queries: NDArray[np.floating], vectors: NDArray[np.floating], k: int, *, method: Method = "auto"
) -> tuple[Ints, Floats]:
    """Rows of the `k` nearest vectors of each query by cosine, best first, and the cosines; shape (n_queries, k).

    Parameters
    ----------
    queries, vectors
        Shape (n_queries, d) and (n_vectors, d); any length, a row of zeros has cosine 0.
    method
        "exact" compares all in blocks of numpy; "index" builds a graph (HNSW) with usearch, which finds nearly all;
        "auto" is exact up to `EXACT_UP_TO` pairs of vectors.

    Raises
    ------
    MissingExtraError
        An index is needed, and usearch is not installed.

    Examples
    --------
    >>> rows, cosines = nearest_vectors(np.array([[1.0, 0.0]]), np.array([[0.0, 2.0], [3.0, 0.0]]), 1)
    >>> rows.tolist(), cosines.tolist()
    ([[1]], [[1.0]])
    """
    if queries.ndim != 2 or vectors.ndim != 2 or queries.shape[1] != vectors.shape[1]:
        problem = f"their shapes are {queries.shape} and {vectors.shape}"
        fault = Fault("vectors", problem, "pass two arrays of one number of columns, made by one model")
        raise ParameterError("The vectors cannot be compared.", [fault])
    k = min(k, len(vectors))
    if not k or not len(queries):
        return np.empty((len(queries), k), dtype=np.int64), np.empty((len(queries), k))
    large = len(queries) * len(vectors) > EXACT_UP_TO
    find = _by_index if method == "index" or (method == "auto" and large) else _exactly
    return find(_unit(queries), _unit(vectors), k)


def _unit(vectors: NDArray[np.floating]) -> NDArray[np.float32]:
    lengths = np.sqrt(np.square(vectors, dtype=np.float64).sum(axis=1, keepdims=True))
    return np.asarray(vectors / np.where(lengths > 0, lengths, 1), dtype=np.float32)


def _exactly(queries: NDArray[np.float32], vectors: NDArray[np.float32], k: int) -> tuple[Ints, Floats]:
    step = max(1, _CELLS // len(vectors))
    parts = [_best(queries[start : start + step] @ vectors.T, k) for start in range(0, len(queries), step)]
    return np.concatenate([rows for rows, _ in parts]), np.concatenate([cosines for _, cosines in parts])


def _best(cosines: NDArray[np.float32], k: int) -> tuple[Ints, Floats]:
    """Largest `k` of each row, best first, equal ones by row number."""
    rows = np.argpartition(-cosines, k - 1, axis=1)[:, :k]
    found = np.take_along_axis(cosines, rows, axis=1).astype(np.float64)
    order = np.lexsort((rows, -found.round(6)), axis=1)
    return np.take_along_axis(rows, order, axis=1), np.take_along_axis(found, order, axis=1)


def _by_index(queries: NDArray[np.float32], vectors: NDArray[np.float32], k: int) -> tuple[Ints, Floats]:
    try:
        from usearch.index import Index
    except ImportError:
        what = f"Finding neighbours among {len(queries):,} x {len(vectors):,} vectors"
        raise MissingExtraError(what, "index") from None
    index = Index(ndim=vectors.shape[1], metric="cos", dtype="f32")
    index.add(np.arange(len(vectors)), vectors, threads=1)  # several threads build another graph each time
    found = index.search(queries, k)
    keys, distances = np.atleast_2d(found.keys), np.atleast_2d(found.distances)
    return keys.astype(np.int64), 1 - distances.astype(np.float64)
