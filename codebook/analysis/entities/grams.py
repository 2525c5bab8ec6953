"""Neighbours of forms by their characters: an index of n-grams, read a form at a time, so memory stays flat."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import sqrt

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

COMMON = 0.2
"""A gram in more than this share of the forms (and in more than 1,000) is not looked up: it finds everybody."""


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
