"""Pairs worth a look: near in meaning (vectors) or near in spelling (n-grams), of all pairs there are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from math import sqrt

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from codebook.analysis.entities.forms import FormRules, normalise_form
from codebook.analysis.entities.pair_checks import (
    check_columns,
    check_entities,
    check_mentions,
    check_vectors,
    raise_faults,
)
from codebook.analysis.vectors import nearest

Ints = NDArray[np.int64]
PAIR_COLUMNS = ("left", "right", "listed", "left_row", "right_row", "left_form", "right_form", "found_by")
Floats = NDArray[np.float64]
COMMON = 0.2
"""A gram in more than this share of the forms (and in more than 1,000) is not looked up: it finds everybody."""


def candidate_pairs(
    mentions: pd.DataFrame,
    entities: pd.DataFrame | None = None,
    *,
    vectors: NDArray[np.floating] | None = None,
    entity_vectors: NDArray[np.floating] | None = None,
    neighbours: int = 10,
    gram: int = 3,
    exact: bool | None = None,
    rules: FormRules | None = None,
    beside: Sequence[str] = (),
) -> pd.DataFrame:
    """Pairs of a mention and an entity of a list, or of two mentions where there is no list.

    Parameters
    ----------
    mentions
        Columns `mention_id` and `name`; others may be compared later.
    entities
        Columns `entity_id` and `name`; an entity may have several rows, one a known form. None to look for the same
        entity among the mentions.
    vectors, entity_vectors
        Of the names, in the order of the frames, shape (n, d). None: by spelling alone.
    neighbours
        Nearest taken in each way of looking.
    gram
        Characters of an n-gram.
    rules
        How names are made alike.
    exact
        Neighbours by comparing all vectors (True), by an index (False, extra `index`), or the quicker way, as of
        `nearest`.
    beside
        Without a list: columns that must be equal too before two rows of the same form count as one.

    Returns
    -------
    pd.DataFrame
        One row a pair: `left right listed left_row right_row left_form right_form found_by`. `left` is the
        mention's id, `right` the entity's (`listed` is true) or the other mention's; rows are counted from 0, forms
        are normal. `found_by` is "vectors", "characters" or "both". Without a list, mentions of one form are looked
        up once, by the first of them, and the others are tied to it by a pair with `found_by` "form".

    Raises
    ------
    TableError
        A frame lacks a column, or an id is missing or not unique.
    ParameterError
        Vectors do not fit.

    Examples
    --------
    >>> mentions = pd.DataFrame({"mention_id": ["m1"], "name": ["NIGER (the)"]})
    >>> listed = pd.DataFrame({"entity_id": ["NER", "NGA", "FRA"], "name": ["Niger", "Nigeria", "France"]})
    >>> candidate_pairs(mentions, listed)[["left", "right", "found_by"]].to_numpy().tolist()
    [['m1', 'NER', 'characters'], ['m1', 'NGA', 'characters']]
    """
    others = mentions if entities is None else entities
    other_vectors = vectors if entities is None else entity_vectors
    faults = check_mentions(mentions) + ([] if entities is None else check_entities(entities))
    faults += check_columns(mentions, beside, "mentions", "name columns of the mentions in `beside`")
    faults += check_vectors(mentions, vectors, others, other_vectors)
    raise_faults("The candidate pairs cannot be looked for.", faults)
    left = [normalise_form(name, rules) for name in mentions["name"]]
    right = left if entities is None else [normalise_form(name, rules) for name in others["name"]]
    first = _first_rows(mentions, left, beside) if entities is None else np.arange(len(left))
    rows = np.unique(first)
    near = rows if entities is None else np.arange(len(right))
    k = neighbours + (entities is None)
    found = {"characters": _by_grams([left[row] for row in rows], [right[row] for row in near], k, gram)}
    if vectors is not None and other_vectors is not None:
        found["vectors"] = _by_vectors(vectors[rows], other_vectors[near], k, exact)
    joined = _join(found, len(near), one_table=entities is None)
    joined["left_row"], joined["right_row"] = rows[joined["left_row"]], near[joined["right_row"]]
    later = np.flatnonzero(first != np.arange(len(left)))
    tied = pd.DataFrame({"left_row": first[later], "right_row": later, "found_by": "form"})
    ids = others["mention_id" if entities is None else "entity_id"]
    whole = pd.concat([joined, tied], ignore_index=True)
    return _frame(whole, mentions["mention_id"], ids, left, right, listed=entities is not None)


def _first_rows(mentions: pd.DataFrame, forms: Sequence[str], beside: Sequence[str]) -> Ints:
    """Row of the first mention of the same form (and the same columns beside it), for each mention."""
    firsts: dict[tuple[object, ...], int] = {}
    keys = zip(forms, *(mentions[column].astype(str) for column in beside), strict=True)
    return np.array([firsts.setdefault(key, row) for row, key in enumerate(keys)], dtype=np.int64)


def _by_vectors(left: NDArray[np.floating], right: NDArray[np.floating], k: int, exact: bool | None) -> Ints:
    found = nearest(right, left, k, exact=exact)
    pairs: Ints = found[["query", "row"]].to_numpy(dtype=np.int64)
    return pairs


def _by_grams(left: Sequence[str], right: Sequence[str], k: int, gram: int) -> Ints:
    """Pairs of rows; each distinct form is looked up once, and stands for all rows that have it."""
    holders: dict[str, list[int]] = {}
    for row, form in enumerate(right):
        holders.setdefault(form, []).append(row)
    forms = list(holders)
    index = GramIndex(forms, gram)
    found = {form: [forms[near] for near in index.nearest(form, k)[0]] for form in dict.fromkeys(left)}
    rows = [
        (row, other)
        for row, form in enumerate(left)
        for other in chain.from_iterable(holders[near] for near in found[form])
    ]
    return np.array(rows, dtype=np.int64).reshape(-1, 2)


def _join(found: dict[str, Ints], n_right: int, *, one_table: bool) -> pd.DataFrame:
    """Union of the pairs found, each once, with the ways that found it."""
    parts = []
    for way, pairs in found.items():
        if one_table:
            pairs = np.sort(pairs[pairs[:, 0] != pairs[:, 1]], axis=1)
        parts.append(pd.DataFrame({"key": np.unique(pairs[:, 0] * n_right + pairs[:, 1]), way: True}))
    joined = parts[0]
    for part in parts[1:]:
        joined = joined.merge(part, on="key", how="outer")
    ways = [name for name in ("vectors", "characters") if name in joined]
    by = joined[ways].notna().to_numpy()
    names = np.array(ways)[by.argmax(axis=1)]
    joined["found_by"] = np.where(by.sum(axis=1) > 1, "both", names)
    joined["left_row"], joined["right_row"] = joined["key"] // n_right, joined["key"] % n_right
    return joined.sort_values("key")[["left_row", "right_row", "found_by"]]


def _frame(
    rows: pd.DataFrame,
    left_ids: pd.Series,
    right_ids: pd.Series,
    left: Sequence[str],
    right: Sequence[str],
    *,
    listed: bool,
) -> pd.DataFrame:
    left_row, right_row = rows["left_row"].to_numpy(), rows["right_row"].to_numpy()
    columns = {
        "left": left_ids.to_numpy()[left_row],
        "right": right_ids.to_numpy()[right_row],
        "listed": listed,
        "left_row": left_row,
        "right_row": right_row,
        "left_form": np.array(left, dtype=object)[left_row],
        "right_form": np.array(right, dtype=object)[right_row],
        "found_by": rows["found_by"].to_numpy(),
    }
    return pd.DataFrame(columns)[list(PAIR_COLUMNS)]


class GramIndex:
    """Which forms hold which n-grams of characters, with tf-idf weights (Salton & Buckley 1988).

    Parameters
    ----------
    forms
        Distinct normal forms, shape (n_forms,).
    size
        Characters of a gram; a word's ends count as a space.

    Examples
    --------
    >>> index = GramIndex(["niger", "nigeria", "france"])
    >>> neighbours, cosines = index.nearest("niger", 2)
    >>> neighbours.tolist(), cosines.round(2).tolist()
    ([0, 1], [1.0, 0.35])
    """

    def __init__(self, forms: Sequence[str], size: int = 3) -> None:
        self.size, self.n_forms = size, len(forms)
        self._grams: dict[str, int] = {}
        found = [(form, self._known(gram)) for form, text in enumerate(forms) for gram in set(_grams(text, size))]
        pairs = np.array(found, dtype=np.int64).reshape(-1, 2)
        order = np.argsort(pairs[:, 1], kind="stable")
        self._forms = pairs[order, 0]
        self._starts = np.searchsorted(pairs[order, 1], np.arange(len(self._grams) + 1))
        counts = np.diff(self._starts)
        self._weights = np.log((self.n_forms + 1) / counts)
        self._silent = counts > max(1_000, COMMON * self.n_forms)
        squares = np.bincount(pairs[:, 0], self._weights[pairs[:, 1]] ** 2, minlength=self.n_forms)
        self._lengths = np.sqrt(np.maximum(squares, 1e-12))

    def nearest(self, form: str, k: int) -> tuple[Ints, Floats]:
        """Rows of the `k` nearest forms and their cosines, best first; fewer where fewer share a gram."""
        grams = [self._grams[gram] for gram in set(_grams(form, self.size)) if gram in self._grams]
        length = sqrt(sum(self._weights[gram] ** 2 for gram in grams)) or 1.0
        heard = [gram for gram in grams if not self._silent[gram]]
        if not heard:
            return np.empty(0, dtype=np.int64), np.empty(0)
        rows = [self._forms[self._starts[gram] : self._starts[gram + 1]] for gram in heard]
        weights = np.repeat(self._weights[heard] ** 2, [len(part) for part in rows])
        touched, place = np.unique(np.concatenate(rows), return_inverse=True)
        cosines = np.bincount(place, weights) / self._lengths[touched] / length
        order = np.lexsort((touched, -cosines.round(12)))[:k]
        return touched[order], cosines[order]

    def _known(self, gram: str) -> int:
        return self._grams.setdefault(gram, len(self._grams))


def _grams(form: str, size: int) -> Iterator[str]:
    text = f" {form} "
    return (text[start : start + size] for start in range(max(1, len(text) - size + 1)))
