"""Long tables of pairs as square matrices, and the order in which neighbours in the figure are near each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import name_some, raise_faults
from codebook.errors import Fault


def to_matrix(pairs: pd.DataFrame, value: str, *, order: Sequence[str] | None = None) -> pd.DataFrame:
    """Square symmetric matrix of one column of a long table of pairs a, b; NaN where there is no pair.

    Parameters
    ----------
    order
        Names of the rows, e.g. of `cluster_order`; None takes them as they come. It must hold every name.

    Examples
    --------
    >>> to_matrix(pd.DataFrame({"a": ["x"], "b": ["y"], "phi": [0.4]}), "phi")
         x    y
    x  NaN  0.4
    y  0.4  NaN
    """
    _check_pairs(pairs, value, order)
    names = list(order) if order is not None else list(dict.fromkeys([*pairs["a"], *pairs["b"]]))
    place = {name: at for at, name in enumerate(names)}
    matrix = np.full((len(names), len(names)), np.nan)
    first, second = pairs["a"].map(place).to_numpy(dtype=int), pairs["b"].map(place).to_numpy(dtype=int)
    matrix[first, second] = matrix[second, first] = pairs[value].to_numpy(dtype=float)
    return pd.DataFrame(matrix, index=names, columns=names)


def cluster_order(matrix: pd.DataFrame) -> list[str]:
    """Names of a square matrix in clustered order, so that what goes together stands together.

    Average linkage of 1 - value, with the leaves turned so that neighbours are as near as can be; a cell without a
    value counts as no association.

    Parameters
    ----------
    matrix
        Symmetric, values between -1 and 1, of `to_matrix`.

    Examples
    --------
    >>> matrix = pd.DataFrame(np.eye(4), index=list("abcd"), columns=list("abcd"))
    >>> matrix.loc["a", "d"] = matrix.loc["d", "a"] = 0.8
    >>> matrix.loc["b", "c"] = matrix.loc["c", "b"] = 0.6
    >>> order = "".join(cluster_order(matrix))
    >>> abs(order.index("a") - order.index("d")), abs(order.index("b") - order.index("c"))
    (1, 1)
    """
    _check_matrix(matrix)
    if len(matrix) < 3:
        return list(map(str, matrix.index))
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    apart = 1 - np.nan_to_num(matrix.to_numpy(dtype=float))
    np.fill_diagonal(apart, 0)
    tree = linkage(squareform((apart + apart.T) / 2, checks=False), method="average", optimal_ordering=True)
    return [str(matrix.index[int(at)]) for at in leaves_list(tree)]


def _check_pairs(pairs: pd.DataFrame, value: str, order: Sequence[str] | None) -> None:
    absent = [column for column in ("a", "b", value) if column not in pairs]
    mend = f"pass a long table of pairs, e.g. the frame of correlogram; this one has {name_some(pairs.columns, 12)}"
    faults = [Fault("pairs", f"there is no column {column!r}", mend) for column in absent]
    if not absent and order is not None:
        outside = [name for name in dict.fromkeys([*pairs["a"], *pairs["b"]]) if name not in set(order)]
        if outside:
            faults.append(Fault("order", f"it lacks {name_some(outside)}", "name every row, or pass order=None"))
    raise_faults("The matrix cannot be made.", faults)


def _check_matrix(matrix: pd.DataFrame) -> None:
    faults = []
    if list(matrix.index) != list(matrix.columns):
        problem = f"rows and columns of its shape {matrix.shape} are not the same names"
        faults.append(Fault("matrix", problem, "pass a square matrix, e.g. to_matrix(pairs, 'phi')"))
    elif (most := float(np.nanmax(np.abs(matrix.to_numpy(dtype=float)), initial=0))) > 1 + 1e-9:
        faults.append(
            Fault(
                "matrix", f"a value is {most:g}", "pass values between -1 and 1, such as phi; counts and lift are none"
            )
        )
    raise_faults("There is no clustered order.", faults)
