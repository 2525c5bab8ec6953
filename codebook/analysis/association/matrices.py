"""Long tables of pairs as square matrices, and the order in which neighbours in the figure are near each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import name_some, raise_faults
from codebook.analysis.core.drawing import fade, heatmap, literal, note, sized_figure
from codebook.errors import Fault
from codebook.ground.quantities import format_figure
from codebook.outputs.figure_style import DIVERGING, house_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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


@house_style()
def plot_correlogram(
    matrix: pd.DataFrame,
    *,
    title: str = "",
    significance: pd.DataFrame | None = None,
    threshold: float = 0.05,
) -> Figure:
    """Lower triangle of a square matrix as a heatmap with its numbers.

    Parameters
    ----------
    matrix
        Symmetric, of `to_matrix`; cells without a value show a dash, and rows and columns of nothing but dashes are
        left out. What has no figure at all is named under the picture.
    significance
        p values in the same order as `matrix`; cells at or above `threshold` are faded, and a note says so.

    Examples
    --------
    >>> matrix = pd.DataFrame([[np.nan, 0.4], [0.4, np.nan]], index=["x", "y"], columns=["x", "y"])
    >>> figure = plot_correlogram(matrix, title="Labels")
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['.40']
    """
    _check_square(matrix, significance)
    rows, columns = _places_with_figures(matrix)
    lower = matrix.iloc[rows, columns]
    shown = np.greater.outer(rows, columns)
    numbers = [[format_figure(value).replace("-", "−") for value in row] for row in lower.to_numpy()]
    names, notes = [*lower.index, *lower.columns], []
    figure, axes = sized_figure(names, 0.62 * len(columns), 0.62 * len(rows), title)
    heatmap(axes, lower, shown, numbers, DIVERGING, ends=(-1, 1))
    if significance is not None:
        strong = significance.iloc[rows, columns].to_numpy(dtype=float) < threshold
        weak = shown & lower.notna().to_numpy() & ~strong
        fade(axes, weak)
        notes += [f"Faded: p not below {format_figure(threshold)} (Benjamini-Hochberg)."] if weak.any() else []
    if alone := [str(name) for name in matrix.columns if name not in names]:
        notes.append(f"Without any figure: {', '.join(alone)}.")
    if notes:
        note(figure, " ".join(notes))
    return literal(figure)


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


def _places_with_figures(matrix: pd.DataFrame) -> tuple[list[int], list[int]]:
    """Rows and columns of the lower triangle that have a figure: labels that one coder gave exclude each other."""
    known = np.tril(matrix.notna().to_numpy(), -1)
    if not known.any():
        return list(range(1, len(matrix))), list(range(len(matrix) - 1))
    return np.flatnonzero(known.any(axis=1)).tolist(), np.flatnonzero(known.any(axis=0)).tolist()


def _check_square(matrix: pd.DataFrame, significance: pd.DataFrame | None) -> None:
    faults = []
    if list(matrix.index) != list(matrix.columns) or len(matrix) < 2:
        mend = "pass a square matrix of two or more, e.g. to_matrix(pairs, 'phi')"
        faults.append(Fault("matrix", f"rows and columns of its shape {matrix.shape} are not the same names", mend))
    if significance is not None and significance.shape != matrix.shape:
        mend = "make it with the same order, e.g. to_matrix(pairs, 'p_bh', order=list(matrix))"
        faults.append(Fault("significance", f"its shape {significance.shape} is not that of the matrix", mend))
    raise_faults("The correlogram cannot be drawn.", faults)
