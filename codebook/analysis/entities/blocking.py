"""Pairs worth a look: near in meaning (vectors) or near in spelling (n-grams), of all pairs there are."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from codebook.analysis.entities.name_lists import Names, check_columns, raise_faults
from codebook.analysis.vectors.neighbours import find_nearest

Ints = NDArray[np.int64]
PAIR_COLUMNS = ("left", "right", "listed", "left_row", "right_row", "left_form", "right_form", "found_by")
COMMON = 0.2
"""A gram in more than this share of the forms (and in more than 1,000) is not looked up: it finds everybody."""
_BLOCK_ROWS = 512  # forms looked up together, so that memory stays flat


@dataclass(frozen=True)
class Blocking:
    """Which pairs are looked at.

    Parameters
    ----------
    neighbours
        Nearest taken in each way of looking.
    gram
        Characters of an n-gram.
    exact
        Neighbours by comparing all vectors (True), by an index (False, extra `index`), or the quicker way, as of
        `nearest`.
    beside
        Without a list: columns that must be equal too before two rows of the same form count as one.
    """

    neighbours: int = 10
    gram: int = 3
    exact: bool | None = None
    beside: Sequence[str] = ()


def candidate_pairs(names: Names, blocking: Blocking | None = None) -> pd.DataFrame:
    """Pairs of a mention and an entity of a list, or of two mentions where there is no list.

    Returns
    -------
    pd.DataFrame
        One row per pair: `left right listed left_row right_row left_form right_form found_by`. `left` is the
        mention's id, `right` the entity's (`listed` is true) or the other mention's; rows are counted from 0, forms
        are normal. `found_by` is "vectors", "characters" or "both". Without a list, mentions of one form are looked
        up once, by the first of them, and the others are tied to it by a pair with `found_by` "form".

    Raises
    ------
    TableError
        The mentions lack a column of `beside`.

    Examples
    --------
    >>> mentions = pd.DataFrame({"mention_id": ["m1"], "name": ["NIGER (the)"]})
    >>> listed = pd.DataFrame({"entity_id": ["NER", "NGA", "FRA"], "name": ["Niger", "Nigeria", "France"]})
    >>> candidate_pairs(Names(mentions, listed))[["left", "right", "found_by"]].to_numpy().tolist()
    [['m1', 'NER', 'characters'], ['m1', 'NGA', 'characters']]
    """
    ways = blocking or Blocking()
    faults = check_columns(names.mentions, ways.beside, "mentions", "name columns of the mentions in `beside`")
    raise_faults("The candidate pairs cannot be looked for.", faults)
    left, right, alone = names.forms, names.other_forms, names.entities is None
    first = _first_rows(names.mentions, left, ways.beside) if alone else np.arange(len(left))
    rows = np.unique(first)
    near = rows if alone else np.arange(len(right))
    k = ways.neighbours + alone
    pairs = {"characters": _by_grams([left[row] for row in rows], [right[row] for row in near], k, ways.gram)}
    if names.vectors is not None and names.other_vectors is not None:
        neighbours = find_nearest(names.other_vectors[near], names.vectors[rows], k, exact=ways.exact)
        pairs["vectors"] = neighbours[["query", "row"]].to_numpy(dtype=np.int64)
    joined = _join(pairs, len(near), one_table=alone)
    joined["left_row"], joined["right_row"] = rows[joined["left_row"]], near[joined["right_row"]]
    later = np.flatnonzero(first != np.arange(len(left)))
    tied = pd.DataFrame({"left_row": first[later], "right_row": later, "found_by": "form"})
    return _name_rows(pd.concat([joined, tied], ignore_index=True), names)


def _first_rows(mentions: pd.DataFrame, forms: Sequence[str], beside: Sequence[str]) -> Ints:
    """Row of the first mention of the same form (and the same columns beside it), for each mention."""
    firsts: dict[tuple[object, ...], int] = {}
    keys = zip(forms, *(mentions[column].astype(str) for column in beside), strict=True)
    return np.array([firsts.setdefault(key, row) for row, key in enumerate(keys)], dtype=np.int64)


def _by_grams(left: Sequence[str], right: Sequence[str], k: int, gram: int) -> Ints:
    """Pairs of rows; each distinct form is looked up once, and stands for all rows that have it."""
    holders: dict[str, list[int]] = {}
    for row, form in enumerate(right):
        holders.setdefault(form, []).append(row)
    forms, distinct = list(holders), list(dict.fromkeys(left))
    nearest = dict(zip(distinct, nearest_forms(distinct, forms, k, size=gram), strict=True))
    rows = [
        (row, other)
        for row, form in enumerate(left)
        for other in chain.from_iterable(holders[forms[near]] for near in nearest[form])
    ]
    return np.array(rows, dtype=np.int64).reshape(-1, 2)


def nearest_forms(left: Sequence[str], right: Sequence[str], k: int, *, size: int = 3) -> list[Ints]:
    """Rows of the `k` forms on the right that are nearest to each on the left, best first; fewer that share a gram.

    Nearness is the cosine of the n-grams with tf-idf weights (Salton & Buckley 1988); a word's ends count as a space.

    Examples
    --------
    >>> nearest_forms(["niger"], ["france", "nigeria", "niger"], 2)[0].tolist()
    [2, 1]
    """
    places: dict[str, int] = {}
    for form in right:
        for gram in _grams(form, size):
            places.setdefault(gram, len(places))
    rights, lefts = (_count_grams(forms, places, size) for forms in (right, left))
    counts = np.bincount(rights.indices, minlength=len(places))
    weights = np.log((len(right) + 1) / counts)
    silent = counts > max(1_000, COMMON * len(right))
    _weigh(rights, weights, weights)
    _weigh(lefts, np.where(silent, 0, weights), weights)
    lefts.eliminate_zeros()
    turned, nearest = rights.T.tocsr(), list[Ints]()
    for begin in range(0, len(left), _BLOCK_ROWS):
        cosines = lefts[begin : begin + _BLOCK_ROWS] @ turned
        ends = zip(cosines.indptr, cosines.indptr[1:], strict=False)
        nearest += [_best(cosines.indices[low:high], cosines.data[low:high].round(12), k) for low, high in ends]
    return nearest


GRAM_SIZES = (3, 4, 5)
_MODEL_NUMBER = re.compile(r"\b([^\W\d_]{1,3}) (?=\d)")


def gram_cosines(left: Sequence[str], right: Sequence[str]) -> NDArray[np.float64]:
    """Cosine of the runs of 3 to 5 characters of each pair of forms, with tf-idf weights, shape (n_pairs,).

    Up to three letters before a number are joined to it, as in model numbers of products.

    Examples
    --------
    >>> gram_cosines(["canon ps 10x", "canon ps 10x"], ["canon ps10x", "nikon d50"]).round(2).tolist()
    [1.0, 0.0]
    """
    forms = list(dict.fromkeys([*left, *right]))
    texts = [_MODEL_NUMBER.sub(r"\1", form) for form in forms]
    places: dict[str, int] = {}
    for text in texts:
        for size in GRAM_SIZES:
            for gram in _grams(text, size):
                places.setdefault(gram, len(places))
    table = _count_grams(texts, places, *GRAM_SIZES)
    weights = np.log((len(texts) + 1) / np.bincount(table.indices, minlength=len(places)))
    _weigh(table, weights, weights)
    row_of = {form: row for row, form in enumerate(forms)}
    rows = [np.array([row_of[form] for form in side], dtype=np.int64) for side in (left, right)]
    cosines = np.zeros(len(left))
    for begin in range(0, len(left), _BLOCK_ROWS):
        part = slice(begin, begin + _BLOCK_ROWS)
        cosines[part] = table[rows[0][part]].multiply(table[rows[1][part]]).sum(axis=1)
    return np.clip(cosines, 0, 1)


def _grams(form: str, size: int) -> dict[str, None]:
    """The different n-grams of a form, in their order."""
    text = f" {form} "
    return dict.fromkeys(text[start : start + size] for start in range(max(1, len(text) - size + 1)))


def _count_grams(forms: Sequence[str], places: Mapping[str, int], *sizes: int) -> Any:
    """Which form holds which gram, a sparse array of 1, (n_forms, n_grams)."""
    from scipy.sparse import csr_array

    rows = [sorted({places[gram] for size in sizes for gram in _grams(form, size) if gram in places}) for form in forms]
    ends = np.cumsum([0, *map(len, rows)])
    columns = np.fromiter(chain.from_iterable(rows), dtype=np.int64, count=ends[-1])
    return csr_array((np.ones(len(columns)), columns, ends), shape=(len(forms), len(places)))


def _weigh(table: Any, weights: NDArray[np.float64], length_weights: NDArray[np.float64]) -> None:
    """Put weights in place of the ones, in shares of each form's length."""
    lengths = np.sqrt(np.maximum(table @ length_weights**2, 1e-12))
    table.data = weights[table.indices] / np.repeat(lengths, np.diff(table.indptr))


def _best(rows: Ints, cosines: NDArray[np.float64], k: int) -> Ints:
    """The `k` rows with the largest cosines, of equal ones the first."""
    if len(rows) > k:
        near = cosines >= np.partition(cosines, -k)[-k]
        rows, cosines = rows[near], cosines[near]
    return rows[np.lexsort((rows, -cosines))[:k]]


def _join(ways: Mapping[str, Ints], n_right: int, *, one_table: bool) -> pd.DataFrame:
    """Union of the pairs of all ways, each once, with the ways that found it."""
    parts = []
    for way, pairs in ways.items():
        if one_table:
            pairs = np.sort(pairs[pairs[:, 0] != pairs[:, 1]], axis=1)
        parts.append(pd.DataFrame({"key": np.unique(pairs[:, 0] * n_right + pairs[:, 1]), way: True}))
    joined = parts[0]
    for part in parts[1:]:
        joined = joined.merge(part, on="key", how="outer")
    there = [name for name in ("vectors", "characters") if name in joined]
    by = joined[there].notna().to_numpy()
    joined["found_by"] = np.where(by.sum(axis=1) > 1, "both", np.array(there)[by.argmax(axis=1)])
    joined["left_row"], joined["right_row"] = joined["key"] // n_right, joined["key"] % n_right
    return joined.sort_values("key")[["left_row", "right_row", "found_by"]]


def _name_rows(rows: pd.DataFrame, names: Names) -> pd.DataFrame:
    """The pairs with ids and forms."""
    left_row, right_row = rows["left_row"].to_numpy(), rows["right_row"].to_numpy()
    key = "mention_id" if names.entities is None else "entity_id"
    columns = {
        "left": names.mentions["mention_id"].to_numpy()[left_row],
        "right": names.others[key].to_numpy()[right_row],
        "listed": names.entities is not None,
        "left_row": left_row,
        "right_row": right_row,
        "left_form": np.array(names.forms, dtype=object)[left_row],
        "right_form": np.array(names.other_forms, dtype=object)[right_row],
        "found_by": rows["found_by"].to_numpy(),
    }
    return pd.DataFrame(columns)[list(PAIR_COLUMNS)]
