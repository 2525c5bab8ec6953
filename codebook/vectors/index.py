"""The index of a store: which row holds the vector of which key. Sixteen bytes a row, in the order of the rows."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

KEY_BYTES = 16
"""Bytes of the SHA-256 of a text that are its key: two of a billion texts share one with a chance of 1 in 10**21."""

Ints = npt.NDArray[np.int64]


def key_of(text: str) -> bytes:
    """Return the key of a text: the first bytes of the SHA-256 of exactly this string, in UTF-8.

    Examples
    --------
    >>> key_of("coal").hex()
    '6d114c95fbf5208dd6cf5133f5f89db6'
    """
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:KEY_BYTES]


class KeyIndex:
    """Keys of a file, ready to be looked up. A part of a key at the file's end, left by a crash, does not count.

    Parameters
    ----------
    path
        The file of keys; one that is not there has none.
    """

    def __init__(self, path: Path) -> None:
        raw = path.read_bytes() if path.exists() else b""
        self.n_rows = len(raw) // KEY_BYTES
        self._first, self._second = _as_numbers(raw[: self.n_rows * KEY_BYTES])
        self._order = np.lexsort((self._second, self._first))
        self._sorted = self._first[self._order]

    def rows(self, texts: Sequence[str]) -> Ints:
        """Return the row of each text, `(n_texts,)`; -1 where there is none."""
        rows_of_texts = np.full(len(texts), -1, dtype=np.int64)
        if not self.n_rows or not len(texts):
            return rows_of_texts
        first, second = _as_numbers(b"".join(map(key_of, texts)))
        places = np.searchsorted(self._sorted, first)
        rows = self._order[np.minimum(places, self.n_rows - 1)]
        here = (self._first[rows] == first) & (self._second[rows] == second)
        rows_of_texts[here] = rows[here]
        return rows_of_texts


def _as_numbers(keys: bytes) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    """The two halves of keys that stand one behind the other."""
    halves = np.frombuffer(keys, dtype=">u8").astype(np.uint64).reshape(-1, 2)
    return np.ascontiguousarray(halves[:, 0]), np.ascontiguousarray(halves[:, 1])
