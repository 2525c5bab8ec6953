"""A map of vectors: the two directions in which they differ most."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from codebook.analysis.core.checks import raise_faults
from codebook.analysis.core.result import Facts, Result
from codebook.analysis.vectors.map_drawing import check_map, plot_map
from codebook.analysis.vectors.similarity_blocks import (
    DIGITS,
    VectorsLike,
    as_array,
    describe_rows,
    folder_of,
    iter_blocks,
)
from codebook.errors import Fault
from codebook.ground.quantities import say_percent

Doubles = npt.NDArray[np.float64]

_WIDTH, _MOST_ROUNDS, _PRECISION = 32, 500, 1e-14


@dataclass(frozen=True)
class MapFacts(Facts):
    """The share of the variance that each of the two components explains."""

    explained: tuple[float, float] = (0.0, 0.0)


def map_vectors(vectors: VectorsLike, *, hue: str = "", label: str = "", labelled: int = 8) -> Result:
    """The first two principal components of vectors at length 1.

    The same vectors always give the same map: there is no chance in it, and each axis points to where its largest
    loading is positive.

    Parameters
    ----------
    vectors
        `(n_rows, n_dimensions)`, at least three rows and two dimensions.
    hue
        What is known of the texts under this name: the groups of the figure, at most eight.
    label
        Column of texts, such as "text": `labelled` of them, far from one another, stand beside their points.

    Returns
    -------
    Result
        `.frame`: x and y, one row a vector, in their order, and what is known of the texts.

    Raises
    ------
    StatisticError
        The array is not one of vectors, or too small; a column is not known, or there are too many groups.

    Examples
    --------
    >>> map_vectors([[1, 0, 0], [0, 1, 0], [0, 1, 0.1], [1, 0.1, 0]]).frame.round(2)["x"].tolist()
    [0.72, -0.69, -0.69, 0.65]
    """
    known = as_array(vectors)
    if len(known) < 3 or known.shape[1] < 2:
        fault = Fault("vectors", f"their shape is {known.shape}", "pass at least three, of two dimensions or more")
        raise_faults("These vectors make no map.", [fault])
    mean, spread = _spread(known)
    values, axes = _find_axes(spread)
    axes *= np.sign(axes[np.abs(axes).argmax(axis=0), [0, 1]])
    places = np.concatenate([(block - mean) @ axes for _, block in iter_blocks(known)])
    frame = pd.DataFrame(np.round(places, DIGITS), columns=["x", "y"]).join(describe_rows(vectors))
    check_map(frame, hue, label)
    total = float(np.trace(spread))
    first, second = (round(float(value) / total, 4) if total > 0 else 0.0 for value in values)
    remark = "First two principal components of the vectors; axes without a scale, since its numbers say nothing."
    finding = f"The two axes hold {say_percent(first + second, 1)} of the differences between {len(frame):,} vectors."
    draw = partial(plot_map, frame, hue=hue, label=label, labelled=labelled, explained=(first, second))
    facts, folder = MapFacts(len(frame), explained=(first, second)), folder_of(vectors)
    names = tuple(map(str, frame))  # x, y and what is known of the texts, as it is called there
    return Result(frame, "map", "Map", "map", facts, finding, (remark,), figure=draw, outputs=folder, names=names)


def _spread(known: npt.NDArray[Any]) -> tuple[Doubles, Doubles]:
    """Mean and covariance of the vectors at length 1, summed block by block."""
    n_dimensions = known.shape[1]
    total, products = np.zeros(n_dimensions), np.zeros((n_dimensions, n_dimensions))
    for _, block in iter_blocks(known, 4_096):
        rows = block.astype(np.float64)
        total += rows.sum(axis=0)
        products += rows.T @ rows
    mean = total / len(known)
    return mean, products / len(known) - np.outer(mean, mean)


def _find_axes(spread: Doubles) -> tuple[Doubles, Doubles]:
    """The two largest eigenvalues of a symmetric matrix, with their vectors, by orthogonal iteration.

    All eigenvectors of 3,072 dimensions take half a minute; the first two, some hundredths of a second.
    """
    n_dimensions, last = len(spread), np.zeros(2)
    basis = np.linalg.qr(np.random.default_rng(0).standard_normal((n_dimensions, min(_WIDTH, n_dimensions))))[0]
    for _ in range(_MOST_ROUNDS):
        values, inner = np.linalg.eigh(basis.T @ spread @ basis)
        if np.abs(values[-2:] - last).max() <= _PRECISION * max(values[-1], 0):
            break
        last = values[-2:]
        basis = np.linalg.qr(spread @ basis)[0]
    return values[[-1, -2]], basis @ inner[:, [-1, -2]]
