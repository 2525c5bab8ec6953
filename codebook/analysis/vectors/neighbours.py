"""Which vectors are near a given one, and which pairs are nearly the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from codebook.analysis.core.checks import raise_faults
from codebook.analysis.vectors.similarity_blocks import (
    DIGITS,
    Floats,
    Ints,
    check_vectors,
    iter_blocks,
    unit_rows,
    versions,
)
from codebook.errors import Fault, MissingExtraError, StatisticError

if TYPE_CHECKING:
    Found = tuple[Floats, Ints]

MOST_EXACT = 7_000_000_000
"""Pairs of query and vector up to which all are compared. Beyond, an index is quicker, its making included: some 85,000
vectors among themselves take as long either way on one processor (`benchmarks/vectors.py`)."""
_QUERY_ROWS = 256
_INDEX: dict[str, Any] = {"connectivity": 16, "expansion_add": 128, "expansion_search": 96}


def nearest(
    vectors: npt.ArrayLike,
    queries: npt.ArrayLike,
    k: int = 10,
    *,
    own: npt.ArrayLike | None = None,
    exact: bool | None = None,
) -> pd.DataFrame:
    """Return the `k` vectors with the largest cosine to each query.

    Parameters
    ----------
    vectors, queries
        `(n_rows, n_dimensions)` and `(n_queries, n_dimensions)`. Memory does not grow with `n_rows`.
    own
        `(n_queries,)`: the row that each query is itself, which is left out.
    exact
        True compares all pairs; False asks an index (usearch's HNSW, extra `index`), which may miss some; None takes
        the quicker one (`MOST_EXACT`).

    Returns
    -------
    pd.DataFrame
        query, rank (from 1), row, cosine; fewer than `k` rows a query where there are fewer vectors. `attrs` say which
        way was taken.

    Raises
    ------
    StatisticError
        The arrays are not vectors of the same dimensions, or `k` is less than 1.
    MissingExtraError
        An index is wanted and usearch is not installed.

    Examples
    --------
    >>> nearest([[1, 0], [0, 1], [1, 1]], [[2, 1]], k=2)
       query  rank  row    cosine
    0      0     1    2  0.948683
    1      0     2    0  0.894427
    """
    check_vectors(vectors)
    check_vectors(queries, "queries", like=vectors)
    known, asked = np.asanyarray(vectors), np.asanyarray(queries)
    selves = None if own is None else np.asarray(own, dtype=np.int64)
    _check_request(k, selves, len(asked))
    wanted = min(k + (selves is not None), len(known))
    by_index = exact is False or (exact is None and len(known) * len(asked) > MOST_EXACT)
    cosines, rows = _ask_index(known, asked, wanted) if by_index else _compare(known, asked, wanted)
    frame = _as_frame(cosines, rows, selves, k)
    frame.attrs = {"k": k, "exact": not by_index, "n_vectors": len(known)}
    frame.attrs |= {"index": dict(_INDEX)} if by_index else {}
    frame.attrs["versions"] = versions(*(["usearch"] if by_index else []))
    return frame


def near_duplicates(vectors: npt.ArrayLike, threshold: float = 0.95, *, most: int = 1_000_000) -> pd.DataFrame:
    """Return every pair of vectors whose cosine is at least `threshold`, the nearest first.

    All pairs are compared, in blocks: memory grows only with the pairs that are found.

    Parameters
    ----------
    vectors
        `(n_rows, n_dimensions)`.
    most
        Refuse to list more pairs than this.

    Returns
    -------
    pd.DataFrame
        first, second (rows, first < second), cosine.

    Raises
    ------
    StatisticError
        The array is not one of vectors, the threshold not between 0 and 1, or there are more than `most` pairs.

    Examples
    --------
    >>> near_duplicates([[1, 0], [0, 1], [1, 0.1]], threshold=0.9)
       first  second    cosine
    0      0       2  0.995037
    """
    check_vectors(vectors)
    if not 0 < threshold <= 1:
        raise StatisticError("", [Fault("threshold", f"{threshold} is not a cosine of near texts", "pass e.g. .95")])
    known, found, n_found = np.asanyarray(vectors), list[pd.DataFrame](), 0
    for frame in _iter_pairs(known, threshold):
        found.append(frame)
        n_found += len(frame)
        if n_found > most:
            problem = f"more than {most:,} pairs have a cosine of at least {threshold}"
            raise StatisticError("The pairs are too many.", [Fault("threshold", problem, "raise it, or raise `most`")])
    frame = pd.concat([_pair_frame([], [], []), *found], ignore_index=True)
    frame["cosine"] = frame["cosine"].round(DIGITS)
    frame = frame.sort_values(["cosine", "first", "second"], ascending=[False, True, True], ignore_index=True)
    frame.attrs = {"threshold": threshold, "n_vectors": len(known), "versions": versions()}
    return frame


def _check_request(k: int, own: Ints | None, n_queries: int) -> None:
    faults = [] if k >= 1 else [Fault("k", f"{k} is less than 1", "ask for at least one neighbour")]
    if own is not None and own.shape != (n_queries,):
        faults.append(Fault("own", f"its shape is {own.shape}", f"give a row for each of the {n_queries} queries"))
    raise_faults("The neighbours cannot be found.", faults)


def _compare(known: Any, asked: Any, k: int) -> Found:
    """(cosines, rows) of the `k` nearest, each `(n_queries, k)`, by comparing all."""
    cosines = np.full((len(asked), k), -np.inf, dtype=np.float32)
    rows = np.full((len(asked), k), -1, dtype=np.int64)
    for begin, block in iter_blocks(known):
        for first, some in iter_blocks(asked, _QUERY_ROWS):
            part = slice(first, first + len(some))
            cosines[part], rows[part] = _merge(cosines[part], rows[part], some @ block.T, begin)
    return cosines, rows


def _merge(cosines: Floats, rows: Ints, fresh: Floats, begin: int) -> Found:
    """The best of what was found so far and of a block that begins at row `begin`, the best first."""
    k = cosines.shape[1]
    if fresh.shape[1] > k:
        places = np.argpartition(-fresh, k - 1, axis=1)[:, :k]
    else:
        places = np.broadcast_to(np.arange(fresh.shape[1]), fresh.shape)
    all_cosines = np.concatenate([cosines, np.take_along_axis(fresh, places, axis=1)], axis=1)
    all_rows = np.concatenate([rows, places + begin], axis=1)
    order = np.lexsort((all_rows, -all_cosines))[:, :k]  # by cosine; of equal ones the first row
    return np.take_along_axis(all_cosines, order, axis=1), np.take_along_axis(all_rows, order, axis=1)


def _ask_index(known: Any, asked: Any, k: int) -> Found:
    """(cosines, rows) as `_compare` gives them, by an index that finds nearly all."""
    try:
        from usearch.index import Index
    except ImportError:
        raise MissingExtraError("Finding neighbours among so many vectors", "index") from None
    index = Index(ndim=known.shape[1], metric="ip", dtype="f32", **_INDEX)
    for begin, block in iter_blocks(known):
        index.add(np.arange(begin, begin + len(block)), block, threads=1)  # several build another graph each time
    cosines = np.full((len(asked), k), -np.inf, dtype=np.float32)
    rows = np.full((len(asked), k), -1, dtype=np.int64)
    for first, some in iter_blocks(asked, _QUERY_ROWS):
        matches: Any = index.search(some, k)
        for place, count in enumerate(matches.counts):
            keys = np.asarray(matches.keys[place, :count], dtype=np.int64)
            rows[first + place, :count] = keys
            cosines[first + place, :count] = 1 - np.asarray(matches.distances[place, :count])
    return cosines, rows


def _as_frame(cosines: Floats, rows: Ints, own: Ints | None, k: int) -> pd.DataFrame:
    """One row a query and neighbour; places without a neighbour, and the query itself, are left out."""
    kept = rows >= 0
    if own is not None:
        kept &= rows != own[:, None]
    ranks = np.cumsum(kept, axis=1)
    kept &= ranks <= k
    queries = np.broadcast_to(np.arange(len(rows))[:, None], rows.shape)
    shown = np.round(cosines[kept].astype(np.float64), DIGITS)
    return pd.DataFrame({"query": queries[kept], "rank": ranks[kept], "row": rows[kept], "cosine": shown})


def _iter_pairs(known: Any, threshold: float) -> Iterator[pd.DataFrame]:
    """Yield the near pairs of every two blocks."""
    least = threshold - 0.5 * 10**-DIGITS
    for begin, block in iter_blocks(known):
        for first in range(0, begin + len(block), _QUERY_ROWS):
            some = unit_rows(known[first : first + _QUERY_ROWS])
            cosines = some @ block.T
            lower, upper = np.nonzero(cosines >= least)
            kept = lower + first < upper + begin
            lower, upper = lower[kept], upper[kept]
            if len(lower):
                yield _pair_frame(lower + first, upper + begin, cosines[lower, upper])


def _pair_frame(first: npt.ArrayLike, second: npt.ArrayLike, cosines: npt.ArrayLike) -> pd.DataFrame:
    rows = {"first": np.asarray(first, dtype=np.int64), "second": np.asarray(second, dtype=np.int64)}
    return pd.DataFrame({**rows, "cosine": np.asarray(cosines, dtype=np.float64)})
