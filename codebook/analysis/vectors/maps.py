"""A map of vectors: the two directions in which they differ most."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from codebook.analysis.checks import raise_faults
from codebook.analysis.vectors.blocks import DIGITS, check_vectors, iter_blocks, versions
from codebook.errors import Fault


def map_vectors(vectors: npt.ArrayLike) -> pd.DataFrame:
    """Return the first two principal components of vectors at length 1.

    The same vectors always give the same map: there is no chance in it, and each axis points to where its largest
    loading is positive.

    Parameters
    ----------
    vectors
        `(n_rows, n_dimensions)`, at least three rows and two dimensions.

    Returns
    -------
    pd.DataFrame
        x and y, one row a vector, in their order. `attrs["explained"]`: the share of the variance that each of the two
        explains.

    Raises
    ------
    StatisticError
        The array is not one of vectors, or too small.

    Examples
    --------
    >>> map_vectors([[1, 0, 0], [0, 1, 0], [0, 1, 0.1], [1, 0.1, 0]]).round(2)["x"].tolist()
    [0.72, -0.69, -0.69, 0.65]
    """
    check_vectors(vectors)
    known = np.asanyarray(vectors)
    if len(known) < 3 or known.shape[1] < 2:
        fault = Fault("vectors", f"their shape is {known.shape}", "pass at least three, of two dimensions or more")
        raise_faults("These vectors make no map.", [fault])
    mean, spread = _spread(known)
    values, axes = np.linalg.eigh(spread)
    axes = axes[:, [-1, -2]]
    axes *= np.sign(axes[np.abs(axes).argmax(axis=0), [0, 1]])
    places = np.concatenate([(block - mean) @ axes for _, block in iter_blocks(known)])
    frame = pd.DataFrame(np.round(places, DIGITS), columns=["x", "y"])
    total = values.sum()
    shares = [round(float(value / total), 4) if total > 0 else 0.0 for value in values[[-1, -2]]]
    frame.attrs = {"method": "principal components", "explained": shares, "versions": versions()}
    return frame


def _spread(known: npt.NDArray[Any]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Mean and covariance of the vectors at length 1, summed block by block."""
    n_dimensions = known.shape[1]
    total, products = np.zeros(n_dimensions), np.zeros((n_dimensions, n_dimensions))
    for _, block in iter_blocks(known, 4_096):
        rows = block.astype(np.float64)
        total += rows.sum(axis=0)
        products += rows.T @ rows
    mean = total / len(known)
    return mean, products / len(known) - np.outer(mean, mean)
