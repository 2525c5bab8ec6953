"""Arrays of vectors block by block: checked, and at length 1, so that their product is the cosine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeGuard

import numpy as np
import numpy.typing as npt
import pandas as pd

from codebook.analysis.core.checks import raise_faults
from codebook.errors import Fault

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

BLOCK_ROWS = 16_384
"""Vectors looked at together."""
DIGITS = 6
"""Digits of a cosine that are shown: those behind depend on the order in which a machine sums."""


class TextVectors(Protocol):
    """Vectors by text, as `embed_texts` returns them."""

    @property
    def texts(self) -> Sequence[str]:
        """The text of each row."""

    @property
    def array(self) -> Floats:
        """The vectors, `(n_texts, n_dimensions)`."""

    @property
    def fields(self) -> pd.DataFrame | None:
        """What else is known of each text, one row per text."""

    @property
    def outputs(self) -> Path | None:
        """The folder into which results are saved."""

    def rows(self, texts: Sequence[str]) -> Ints:
        """The row of each text."""


VectorsLike = npt.ArrayLike | TextVectors


def _have_texts(vectors: VectorsLike) -> TypeGuard[TextVectors]:
    return hasattr(vectors, "texts")


def as_array(vectors: VectorsLike, name: str = "vectors", *, like: Any = None) -> npt.NDArray[Any]:
    """The vectors as an array, checked by `check_vectors`."""
    array = np.asanyarray(vectors.array if _have_texts(vectors) else vectors)
    check_vectors(array, name, like=like)
    return array


def describe_rows(vectors: VectorsLike) -> pd.DataFrame:
    """The text of each row, and what else is known of it; of a plain array a frame without columns."""
    if not _have_texts(vectors):
        return pd.DataFrame(index=range(len(np.asanyarray(vectors))))
    frame = pd.DataFrame(index=range(len(vectors.texts))) if vectors.fields is None else vectors.fields
    return frame.reset_index(drop=True).assign(text=list(vectors.texts))


def folder_of(vectors: VectorsLike) -> Path | None:
    """The folder into which results of these vectors are saved."""
    return getattr(vectors, "outputs", None)


def check_vectors(vectors: Any, name: str = "vectors", *, like: Any = None) -> None:
    """Refuse what is no array of vectors, or has other dimensions than `like`.

    Raises StatisticError: the array has another form than `(n_rows, n_dimensions)`, is empty, or holds what is no
    number.
    """
    array, faults = np.asanyarray(vectors), list[Fault]()
    if array.ndim != 2 or 0 in array.shape or array.dtype.kind not in "fiu":
        problem = f"an array of shape {array.shape} and type {array.dtype} is no list of vectors"
        faults.append(Fault(name, problem, "pass numbers of the form (rows, dimensions), such as Vectors.array"))
    elif like is not None and np.asanyarray(like).ndim == 2 and array.shape[1] != np.asanyarray(like).shape[1]:
        problem = f"they have {array.shape[1]} dimensions, the vectors {np.asanyarray(like).shape[1]}"
        faults.append(Fault(name, problem, "embed both with the same model and number of dimensions"))
    elif not all(np.isfinite(array[begin : begin + BLOCK_ROWS]).all() for begin in range(0, len(array), BLOCK_ROWS)):
        faults.append(Fault(name, "some numbers are not finite", "drop these rows, or embed their texts again"))
    raise_faults("The vectors cannot be used.", faults)


def unit_rows(rows: npt.ArrayLike) -> Floats:
    """Return rows at length 1 as float32; a row of zeros stays as it is.

    Examples
    --------
    >>> unit_rows([[3, 4], [0, 0]]).tolist()
    [[0.6000000238418579, 0.800000011920929], [0.0, 0.0]]
    """
    vectors = np.ascontiguousarray(rows, dtype=np.float32)
    lengths = np.sqrt(np.square(vectors).sum(axis=1, keepdims=True))
    return np.asarray(vectors / np.where(lengths > 0, lengths, 1), dtype=np.float32)


def iter_blocks(vectors: Any, n_rows: int = BLOCK_ROWS) -> Iterator[tuple[int, Floats]]:
    """Yield `(first row, rows at length 1)` for all of an array, some rows at a time."""
    for begin in range(0, len(vectors), n_rows):
        yield begin, unit_rows(vectors[begin : begin + n_rows])
