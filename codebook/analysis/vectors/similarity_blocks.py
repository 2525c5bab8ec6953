"""Arrays of vectors block by block: checked, and at length 1, so that their product is the cosine."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import numpy as np
import numpy.typing as npt

from codebook.analysis.core.checks import raise_faults
from codebook.errors import Fault

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

BLOCK_ROWS = 16_384
"""Vectors looked at together."""
DIGITS = 6
"""Digits of a cosine that are shown: those behind depend on the order in which a machine sums."""


def check_vectors(vectors: Any, name: str = "vectors", *, like: Any = None) -> None:
    """Refuse what is no array of vectors, or has other dimensions than `like`.

    Raises
    ------
    StatisticError
        The array has another form than `(n_rows, n_dimensions)`, is empty, or holds what is no number.
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
    given = np.ascontiguousarray(rows, dtype=np.float32)
    lengths = np.sqrt(np.square(given).sum(axis=1, keepdims=True))
    return np.asarray(given / np.where(lengths > 0, lengths, 1), dtype=np.float32)


def iter_blocks(vectors: Any, n_rows: int = BLOCK_ROWS) -> Iterator[tuple[int, Floats]]:
    """Yield `(first row, rows at length 1)` for all of an array, some rows at a time."""
    for begin in range(0, len(vectors), n_rows):
        yield begin, unit_rows(vectors[begin : begin + n_rows])


def versions(*more: str) -> dict[str, str]:
    """Versions of what computed a frame, for its `attrs`."""
    return {name: version(name) for name in ("numpy", "pandas", *more)}
