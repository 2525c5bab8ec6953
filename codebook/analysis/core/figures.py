"""Figures of the right wing: correlogram, confusion, estimates. Each takes a frame and returns a matplotlib Figure.

The figure of an empty frame that says why it is empty says the same. Figures are made without pyplot's global state,
are readable in grey, and show every text literally: a label with a dollar sign or an underscore is not taken for
mathematics.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import raise_faults
from codebook.analysis.core.drawing import (
    DIVERGING,
    SEQUENTIAL,
    dots,
    dress_estimates,
    empty_figure,
    fade,
    heatmap,
    literal,
    new_figure,
    note,
)
from codebook.analysis.core.empty import why_empty
from codebook.analysis.core.estimates import format_figure
from codebook.errors import Fault

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_correlogram(
    matrix: pd.DataFrame,
    *,
    title: str = "",
    vmin: float = -1,
    vmax: float = 1,
    significance: pd.DataFrame | None = None,
    threshold: float = 0.05,
) -> Figure:
    """Lower triangle of a square matrix as a heatmap with its numbers.

    Parameters
    ----------
    matrix
        Symmetric, e.g. of `coder_correlogram` or `to_matrix`; cells without a value show a dash, and rows and columns
        of nothing but dashes are left out. What has no figure at all is named under the picture.
    vmin, vmax
        Ends of the colour scale; its middle is white.
    significance
        p values in the same order as `matrix`; cells at or above `threshold` are faded, and a note says so.

    Examples
    --------
    >>> matrix = pd.DataFrame([[np.nan, 0.4], [0.4, np.nan]], index=["x", "y"], columns=["x", "y"])
    >>> figure = plot_correlogram(matrix, title="Labels")
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['.40']
    """
    if reason := why_empty(matrix):
        return empty_figure(reason, title)
    _check_square(matrix, significance)
    rows, columns = _places_with_figures(matrix)
    lower = matrix.iloc[rows, columns]
    shown = np.greater.outer(rows, columns)
    numbers = [[format_figure(value).replace("-", "−") for value in row] for row in lower.to_numpy()]
    drawn, notes = [*lower.index, *lower.columns], []
    figure, axes = new_figure(drawn, 0.62 * len(columns), 0.62 * len(rows), title)
    heatmap(axes, lower, shown, numbers, DIVERGING, vmin, vmax)
    if significance is not None:
        strong = significance.iloc[rows, columns].to_numpy(dtype=float) < threshold
        weak = shown & lower.notna().to_numpy() & ~strong
        fade(axes, weak)
        notes += [f"Faded: p not below {format_figure(threshold)} (Benjamini-Hochberg)."] if weak.any() else []
    if alone := [str(name) for name in matrix.columns if name not in drawn]:
        notes.append(f"Without any figure: {', '.join(alone)}.")
    if notes:
        note(figure, " ".join(notes))
    return literal(figure)


def plot_confusion(frame: pd.DataFrame, *, title: str = "") -> Figure:
    """Confusion table as a heatmap: counts are printed, the colour is the share of the gold label (row).

    Parameters
    ----------
    frame
        Of `confusion`: gold labels by the coder's labels and reasons for no label.

    Examples
    --------
    >>> frame = pd.DataFrame([[8, 2], [1, 9]], index=["no", "yes"], columns=["no", "yes"])
    >>> [text.get_text() for text in plot_confusion(frame).axes[0].texts]
    ['8', '2', '1', '9']
    """
    if reason := why_empty(frame):
        return empty_figure(reason, title)
    totals = frame.sum(axis=1).to_numpy(dtype=float)[:, None]
    shares = frame / np.where(totals > 0, totals, 1)
    numbers = [[f"{value:,}" for value in row] for row in frame.to_numpy()]
    figure, axes = new_figure([*frame.index, *frame.columns], 0.72 * frame.shape[1], 0.62 * frame.shape[0], title)
    heatmap(
        axes,
        pd.DataFrame(shares),
        np.ones(frame.shape, dtype=bool),
        numbers,
        SEQUENTIAL,
        0,
        1,
        bar="share of gold label",
    )
    axes.set_xlabel("" if frame.columns.name is None else f"label by {frame.columns.name}")
    axes.set_ylabel("" if frame.index.name is None else str(frame.index.name))
    return literal(figure)


def plot_estimates(
    frame: pd.DataFrame,
    *,
    name: str | Sequence[str] = "name",
    value: str = "value",
    low: str = "low",
    high: str = "high",
    group: str | None = None,
    references: Sequence[float] = (),
    title: str = "",
) -> Figure:
    """Dot and interval for each row, first row on top.

    Parameters
    ----------
    name
        Column, or columns, that name a row.
    value, low, high
        Columns of the figure and its interval. A row without a value says "undefined"; one without an interval
        has a hollow marker.
    group
        Column whose values get a marker each, e.g. the group of coders.
    references
        Values marked by a line, e.g. (.667, .8) for alpha: customary lines, no verdicts.

    Examples
    --------
    >>> frame = pd.DataFrame({"name": ["tone"], "value": [0.7], "low": [0.6], "high": [0.8]})
    >>> [line.get_text() for line in plot_estimates(frame, references=(0.667, 0.8)).axes[0].get_yticklabels()]
    ['tone']
    """
    if reason := why_empty(frame):
        return empty_figure(reason, title)
    columns = [name] if isinstance(name, str) else list(name)
    _check_present(frame, [*columns, value, low, high, *([group] if group else [])])
    keys = [" ".join(part for part in map(str, row) if part) for row in frame[columns].to_numpy()]
    rows = list(dict.fromkeys(keys))
    groups = list(dict.fromkeys(frame[group])) if group else [""]
    figure, axes = new_figure(rows, 4.6, 0.34 * len(rows) * max(1, 0.55 * len(groups)) + 0.5, title, bar=0)
    for at, each in enumerate(groups):
        part = frame[frame[group] == each] if group else frame
        heights = [rows.index(key) for key, kept in zip(keys, frame.index.isin(part.index), strict=True) if kept]
        offset = (at - (len(groups) - 1) / 2) * 0.7 / len(groups)
        figures = part[[value, low, high]].to_numpy(dtype=float)
        dots(axes, np.array(heights) + offset, figures, at, str(each))
    dress_estimates(axes, rows, references, legend=str(group) if group else "")
    return literal(figure)


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


def _check_present(frame: pd.DataFrame, columns: Sequence[str]) -> None:
    absent = [column for column in columns if column not in frame.columns]
    faults = [
        Fault("frame", f"it has no column {column!r}", f"it has {', '.join(map(str, frame))}") for column in absent
    ]
    raise_faults("The estimates cannot be drawn.", faults if not len(frame.columns) or absent else [])
