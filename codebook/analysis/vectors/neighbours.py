"""Which vectors are near a given one, and which pairs are nearly the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from codebook.analysis.core.checks import raise_faults
from codebook.analysis.core.result import Facts, Result
from codebook.analysis.vectors.similarity_blocks import (
    DIGITS,
    Floats,
    Ints,
    VectorsLike,
    as_array,
    describe_rows,
    folder_of,
    iter_blocks,
    unit_rows,
)
from codebook.errors import Fault, MissingExtraError, StatisticError
from codebook.ground.quantities import say_count

if TYPE_CHECKING:
    Found = tuple[Floats, Ints]

MOST_EXACT = 7_000_000_000
"""Pairs of query and vector up to which all are compared. Beyond, an index is quicker, its making included: some 85,000
vectors among themselves take as long either way on one processor (`benchmarks/vectors.py`)."""
MOST_PAIRED = 150_000
"""`near_duplicates` compares all pairs of up to this many vectors: with so many, either way takes three minutes."""
_QUERY_ROWS = 256
_N_NEIGHBOURS = 16
"""Neighbours of each vector that the search for pairs first asks the index for."""
_INDEX: dict[str, Any] = {"connectivity": 16, "expansion_add": 128, "expansion_search": 96}


@dataclass(frozen=True)
class NeighbourFacts(Facts):
    """How neighbours were looked for: by comparing all (`exact`), or by an index with these settings."""

    k: int = 0
    exact: bool = True
    index: Mapping[str, int] = field(default_factory=dict)


def nearest(
    vectors: VectorsLike,
    queries: VectorsLike,
    k: int = 10,
    *,
    self_rows: npt.ArrayLike | None = None,
    exact: bool | None = None,
) -> Result:
    """The `k` vectors with the largest cosine to each query.

    Parameters
    ----------
    vectors, queries
        `(n_rows, n_dimensions)` and `(n_queries, n_dimensions)`. Memory does not grow with `n_rows`.
    self_rows
        `(n_queries,)`: the row that each query is itself, which is left out.
    exact
        True compares all pairs; False asks an index (usearch's HNSW, extra `index`), which may miss some; None takes
        the quicker one (`MOST_EXACT`).

    Returns
    -------
    Result
        `.frame`: query, rank (from 1), row, cosine, and of vectors of texts `question`, what is known of the row, and
        its `text`; fewer than `k` rows a query where there are fewer vectors.

    Raises
    ------
    StatisticError
        The arrays are not vectors of the same dimensions, or `k` is less than 1.
    MissingExtraError
        An index is wanted and usearch is not installed.

    Examples
    --------
    >>> nearest([[1, 0], [0, 1], [1, 1]], [[2, 1]], k=2).frame
       query  rank  row    cosine
    0      0     1    2  0.948683
    1      0     2    0  0.894427
    """
    frame = find_nearest(vectors, queries, k, self_rows=self_rows, exact=exact)
    questions, rows = describe_rows(queries), describe_rows(vectors)
    if "text" in questions:
        frame["question"] = questions["text"].to_numpy()[frame["query"]]
    frame = frame.join(rows, on="row")
    by_index = _by_index(len(rows), len(questions), exact)
    facts = NeighbourFacts(len(rows), k=k, exact=not by_index, index=_INDEX if by_index else {})
    words = "an index, which may miss some" if by_index else "comparing all"
    finding = f"The {k:,} nearest of {len(rows):,} vectors to each of {len(questions):,}, found by {words}."
    columns = [name for name in ("question", "rank", "cosine", *rows) if name in frame and name != "unit_id"]
    table = frame[columns if "text" in rows else list(frame)].iloc[:, -7:]
    result = Result(frame, "search", "The nearest", "neighbours", facts, finding, (), table)
    return replace(result, names=tuple(map(str, rows)), outputs=folder_of(vectors))


def find_nearest(
    vectors: VectorsLike,
    queries: VectorsLike,
    k: int,
    *,
    self_rows: npt.ArrayLike | None = None,
    exact: bool | None = None,
) -> pd.DataFrame:
    """The rows of `nearest`: query, rank, row, cosine."""
    known = as_array(vectors)
    targets = as_array(queries, "queries", like=known)
    themselves = None if self_rows is None else np.asarray(self_rows, dtype=np.int64)
    _check_request(k, themselves, len(targets))
    wanted = min(k + (themselves is not None), len(known))
    by_index = _by_index(len(known), len(targets), exact)
    best = _search(_make_index(known), targets, wanted) if by_index else _compare(known, targets, wanted)
    return _as_frame(*best, themselves, k)


def _by_index(n_vectors: int, n_queries: int, exact: bool | None) -> bool:
    """Whether neighbours are looked for by an index."""
    return exact is False or (exact is None and n_vectors * n_queries > MOST_EXACT)


def near_duplicates(
    vectors: VectorsLike, threshold: float = 0.95, *, most: int = 1_000_000, exact: bool | None = None
) -> Result:
    """Every pair of vectors whose cosine is at least `threshold`, the nearest first.

    All pairs are compared, in blocks: memory grows only with the pairs that are found. Beyond 150,000 vectors
    (`MOST_PAIRED`) an index is asked instead, for the neighbours of each vector that are near enough.

    Parameters
    ----------
    vectors
        `(n_rows, n_dimensions)`.
    most
        Refuse to list more pairs than this.
    exact
        As in `nearest`: True compares all pairs, False asks an index, which may miss some, None takes the quicker one.

    Returns
    -------
    Result
        `.frame`: first, second (rows, first < second), cosine; of vectors of texts `first_text` and `second_text`.

    Raises
    ------
    StatisticError
        The array is not one of vectors, the threshold not between 0 and 1, or there are more than `most` pairs.
    MissingExtraError
        An index is wanted and usearch is not installed.

    Examples
    --------
    >>> near_duplicates([[1, 0], [0, 1], [1, 0.1]], threshold=0.9).frame
       first  second    cosine
    0      0       2  0.995037
    """
    known = as_array(vectors)
    if not 0 < threshold <= 1:
        raise StatisticError("", [Fault("threshold", f"{threshold} is not a cosine of near texts", "pass e.g. .95")])
    by_index = exact is False or (exact is None and len(known) > MOST_PAIRED)
    frame = _gather_pairs((_ask_pairs if by_index else _iter_pairs)(known, threshold), most, threshold)
    frame["cosine"] = frame["cosine"].round(DIGITS)
    frame = frame.sort_values(["cosine", "first", "second"], ascending=[False, True, True], ignore_index=True)
    rows = describe_rows(vectors)
    if "text" in rows:
        frame = frame.assign(**{f"{side}_text": rows["text"].to_numpy()[frame[side]] for side in ("first", "second")})
    table = frame[["first_text", "second_text", "cosine"]] if "text" in rows else frame
    words = ", found by an index, which may miss some" * by_index
    finding = (
        f"{say_count(len(frame), 'pair')} of {len(known):,} vectors with a cosine of {threshold:g} or more{words}."
    )
    facts = NeighbourFacts(len(known), exact=not by_index, index=_INDEX if by_index else {})
    folder, title = folder_of(vectors), "Nearly the same"
    return Result(frame, "near_duplicates", title, "neighbours", facts, finding, (), table, outputs=folder)


def _gather_pairs(parts: Iterable[pd.DataFrame], most: int, threshold: float) -> pd.DataFrame:
    """All parts together, each pair once; an index finds a pair from both sides."""
    gathered, n_pairs = [_pair_frame([], [], [])], 0
    for part in parts:
        gathered.append(part)
        n_pairs += len(part)
        if n_pairs > most:
            gathered = [pd.concat(gathered, ignore_index=True).drop_duplicates(["first", "second"])]
            n_pairs = len(gathered[0])
        if n_pairs > most:
            problem = f"more than {most:,} pairs have a cosine of at least {threshold}"
            raise StatisticError("The pairs are too many.", [Fault("threshold", problem, "raise it, or raise `most`")])
    return pd.concat(gathered, ignore_index=True).drop_duplicates(["first", "second"])


def _check_request(k: int, self_rows: Ints | None, n_queries: int) -> None:
    faults = [] if k >= 1 else [Fault("k", f"{k} is less than 1", "ask for at least one neighbour")]
    if self_rows is not None and self_rows.shape != (n_queries,):
        faults.append(
            Fault("self_rows", f"its shape is {self_rows.shape}", f"give a row for each of the {n_queries} queries")
        )
    raise_faults("The neighbours cannot be found.", faults)


def _compare(known: Any, queries: Any, k: int) -> Found:
    """(cosines, rows) of the `k` nearest, each `(n_queries, k)`, by comparing all."""
    cosines = np.full((len(queries), k), -np.inf, dtype=np.float32)
    rows = np.full((len(queries), k), -1, dtype=np.int64)
    for begin, block in iter_blocks(known):
        for first, some in iter_blocks(queries, _QUERY_ROWS):
            part = slice(first, first + len(some))
            cosines[part], rows[part] = _merge(cosines[part], rows[part], some @ block.T, begin)
    return cosines, rows


def _merge(cosines: Floats, rows: Ints, fresh: Floats, begin: int) -> Found:
    """The best of what was there so far and of a block that begins at row `begin`, the best first."""
    k = cosines.shape[1]
    if fresh.shape[1] > k:
        places = np.argpartition(-fresh, k - 1, axis=1)[:, :k]
    else:
        places = np.broadcast_to(np.arange(fresh.shape[1]), fresh.shape)
    all_cosines = np.concatenate([cosines, np.take_along_axis(fresh, places, axis=1)], axis=1)
    all_rows = np.concatenate([rows, places + begin], axis=1)
    order = np.lexsort((all_rows, -all_cosines))[:, :k]  # by cosine; of equal ones the first row
    return np.take_along_axis(all_cosines, order, axis=1), np.take_along_axis(all_rows, order, axis=1)


def _make_index(known: Any) -> Any:
    """An index of vectors, the same one each time."""
    try:
        from usearch.index import Index
    except ImportError:
        raise MissingExtraError("Finding neighbours among so many vectors", "index") from None
    index = Index(ndim=known.shape[1], metric="ip", dtype="f32", **_INDEX)
    for begin, block in iter_blocks(known):
        index.add(np.arange(begin, begin + len(block)), block, threads=1)  # several build another graph each time
    return index


def _search(index: Any, queries: Any, k: int) -> Found:
    """(cosines, rows) of the `k` nearest that an index finds."""
    cosines = np.full((len(queries), k), -np.inf, dtype=np.float32)
    rows = np.full((len(queries), k), -1, dtype=np.int64)
    for first, some in iter_blocks(queries, _QUERY_ROWS):
        matches: Any = index.search(some, k)
        for place, one in enumerate(matches if len(some) > 1 else [matches]):  # of one query it is no list
            count = len(one.keys)
            rows[first + place, :count] = np.asarray(one.keys, dtype=np.int64)
            cosines[first + place, :count] = 1 - np.asarray(one.distances)
    return cosines, rows


def _as_frame(cosines: Floats, rows: Ints, self_rows: Ints | None, k: int) -> pd.DataFrame:
    """One row per query and neighbour; places without a neighbour, and the query itself, are left out."""
    there = rows >= 0
    if self_rows is not None:
        there &= rows != self_rows[:, None]
    ranks = np.cumsum(there, axis=1)
    there &= ranks <= k
    queries = np.broadcast_to(np.arange(len(rows))[:, None], rows.shape)
    rounded = np.round(cosines[there].astype(np.float64), DIGITS)
    return pd.DataFrame({"query": queries[there], "rank": ranks[there], "row": rows[there], "cosine": rounded})


def _iter_pairs(known: Any, threshold: float) -> Iterator[pd.DataFrame]:
    """Yield the near pairs of every two blocks."""
    least = threshold - 0.5 * 10**-DIGITS
    for begin, block in iter_blocks(known):
        for first in range(0, begin + len(block), _QUERY_ROWS):
            some = unit_rows(known[first : first + _QUERY_ROWS])
            cosines = some @ block.T
            lower, upper = np.nonzero(cosines >= least)
            apart = lower + first < upper + begin
            lower, upper = lower[apart], upper[apart]
            if len(lower):
                yield _pair_frame(lower + first, upper + begin, cosines[lower, upper])


def _ask_pairs(known: Any, threshold: float) -> Iterator[pd.DataFrame]:
    """Yield the near pairs that an index finds; a vector whose last neighbour is near, too, is asked for more."""
    index, least = _make_index(known), threshold - 0.5 * 10**-DIGITS
    for begin, block in iter_blocks(known):
        unsettled, k = np.arange(len(block)), min(_N_NEIGHBOURS, len(known))
        pairs: list[Any] = []
        while len(unsettled):
            cosines, rows = _search(index, block[unsettled], k)
            more = (cosines[:, -1] >= least) & (k < len(known))
            firsts = np.broadcast_to((unsettled + begin)[:, None], rows.shape)
            near = (cosines >= least) & ~more[:, None] & (rows >= 0) & (rows != firsts)
            pairs.append(np.column_stack([firsts[near], rows[near]]))
            unsettled, k = unsettled[more], min(4 * k, len(known))
        yield _exact_pairs(known, np.sort(np.concatenate(pairs), axis=1), least)


def _exact_pairs(known: Any, pairs: Any, least: float) -> pd.DataFrame:
    """Different pairs of rows with their cosines, as comparing all has them."""
    first, second = np.unique(pairs, axis=0).T if len(pairs) else np.empty((2, 0), np.int64)
    cosines = np.einsum("ij,ij->i", unit_rows(known[first]), unit_rows(known[second]))
    near = cosines >= least
    return _pair_frame(first[near], second[near], cosines[near])


def _pair_frame(first: npt.ArrayLike, second: npt.ArrayLike, cosines: npt.ArrayLike) -> pd.DataFrame:
    rows = {"first": np.asarray(first, dtype=np.int64), "second": np.asarray(second, dtype=np.int64)}
    return pd.DataFrame({**rows, "cosine": np.asarray(cosines, dtype=np.float64)})
