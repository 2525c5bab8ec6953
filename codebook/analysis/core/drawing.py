"""Figures that several rooms draw, and their pieces: dots with intervals, grids, axes of the right size.

Figures are made without pyplot's global state, are readable in grey, and show every text literally: a label with a
dollar sign or an underscore is not taken for mathematics.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import raise_faults
from codebook.analysis.core.scales import Bools, Floats
from codebook.errors import Fault
from codebook.ground.quantities import format_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DIVERGING = ("#1b2a6b", "#8088bd", "#f7f6f2", "#efb56b", "#c96a12")
"""Dark blue to orange: the ends differ in lightness, so the sign is also seen in grey."""

SEQUENTIAL = ("#ffffff", "#c9d3ea", "#6f83bd", "#1b2a6b")
INK, MUTED, FAINT = "#1a1a1a", "#5c5c5c", "#d9d9d9"
WRAP = 24
"""Characters after which a label is broken into lines."""
_UPRIGHT = 5
"""Characters of a label that fit under a cell without being turned."""


def plot_estimates(
    frame: pd.DataFrame,
    *,
    name: str | Sequence[str] = "name",
    value: str = "value",
    group: str | None = None,
    references: Sequence[float] = (),
    title: str = "",
) -> Figure:
    """Dot and interval for each row, first row on top.

    Parameters
    ----------
    name
        Column, or columns, that name a row.
    value
        Column of the figure; its interval stands in `VALUE_low` and `VALUE_high`, or in `low` and `high`. A row without
        a value says "undefined"; one without an interval has a hollow marker.
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
    columns = [name] if isinstance(name, str) else list(name)
    ends = [f"{value}_{end}" if f"{value}_{end}" in frame else end for end in ("low", "high")]
    check_frame(frame, [*columns, value, *ends, *([group] if group else [])])
    keys = [" ".join(part for part in map(str, row) if part) for row in frame[columns].to_numpy()]
    rows = list(dict.fromkeys(keys))
    groups = list(dict.fromkeys(frame[group])) if group else [""]
    figure, axes = new_figure(rows, 4.6, 0.34 * len(rows) * max(1, 0.55 * len(groups)) + 0.5, title, bar=0)
    for at, member in enumerate(groups):
        part = frame[frame[group] == member] if group else frame
        is_member = frame.index.isin(part.index)
        heights = [rows.index(key) for key, is_row in zip(keys, is_member, strict=True) if is_row]
        offset = (at - (len(groups) - 1) / 2) * 0.7 / len(groups)
        _dots(axes, np.array(heights) + offset, part[[value, *ends]].to_numpy(dtype=float), at, str(member))
    dress_estimates(axes, rows, references, legend=str(group) if group else "")
    return literal(figure)


def plot_grid(
    frame: pd.DataFrame, *, rows: str = "prompt", columns: str = "model", value: str = "alpha", title: str = ""
) -> Figure:
    """Heatmap of a figure between 0 and 1 of every cell of rows x columns, e.g. of repeated draws by prompt and model.

    A cell without a figure shows a dash.

    Examples
    --------
    >>> frame = pd.DataFrame({"model": ["m", "k"], "prompt": ["p1", "p1"], "alpha": [0.9, 0.7]})
    >>> [text.get_text() for text in plot_grid(frame).axes[0].texts]
    ['.90', '.70']
    """
    check_frame(frame, [rows, columns, value])
    if frame.duplicated([rows, columns]).any():
        mend = f"choose rows of the frame so that {rows} and {columns} name one each"
        raise_faults("The figure cannot be drawn.", [Fault("frame", "several rows for one cell", mend)])
    order = [list(dict.fromkeys(frame[name])) for name in (rows, columns)]
    grid = frame.pivot(index=rows, columns=columns, values=value).loc[order[0], order[1]]
    numbers = [[format_figure(cell) for cell in row] for row in grid.to_numpy(dtype=float)]
    figure, axes = new_figure([*grid.index, *grid.columns], 0.9 * grid.shape[1], 0.62 * grid.shape[0], title)
    heatmap(axes, grid, np.ones(grid.shape, dtype=bool), numbers, SEQUENTIAL, bar=value)
    axes.set(xlabel=columns, ylabel=rows)
    return literal(figure)


def check_frame(frame: pd.DataFrame, needed: Sequence[str]) -> None:
    """Raise a StatisticError where a frame lacks columns that its figure needs."""
    there = ", ".join(map(str, frame.columns))
    faults = [
        Fault("frame", f"there is no column {name!r}", f"name one of {there}") for name in needed if name not in frame
    ]
    raise_faults("The figure cannot be drawn.", faults)


def _dots(axes: Axes, heights: Floats, figures: Floats, at: int, label: str) -> None:
    """Dots with intervals: `figures` has columns value, low, high. Hollow where there is no interval."""
    marker, colour = "osD^vP"[at % 6], (DIVERGING[0], DIVERGING[4], MUTED)[at % 3]
    axes.hlines(heights, figures[:, 1], figures[:, 2], color=colour, linewidth=1.6)
    axes.plot(figures[:, 0], heights, marker, color=colour, markersize=5.5, label=label)
    alone = np.isnan(figures[:, 1])
    axes.plot(figures[alone, 0], heights[alone], marker, color=colour, markerfacecolor="white", markersize=5.5)
    for height in heights[np.isnan(figures[:, 0])]:
        axes.annotate(
            "undefined", (0.01, height), xycoords=("axes fraction", "data"), color=MUTED, fontsize=8, va="center"
        )


def dress_estimates(axes: Axes, rows: Sequence[str], references: Sequence[float], *, legend: str) -> None:
    """Names of the rows, reference lines, grid and legend."""
    for reference in references:
        axes.axvline(reference, color=MUTED, linewidth=0.9, linestyle=(0, (4, 3)), zorder=0.9)
        axes.annotate(
            format_figure(reference, 3),
            (reference, 1),
            xycoords=("data", "axes fraction"),
            xytext=(0, 2),
            textcoords="offset points",
            ha="center",
            fontsize=8,
            color=MUTED,
        )
    axes.set_yticks(range(len(rows)), [wrap(row) for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    low, high = axes.get_xlim()
    axes.set_xlim(min(low, 0), max(high, 1.02))
    axes.grid(axis="x", color=FAINT, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, colors=INK, labelsize=9)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    if legend:
        drawn = axes.legend(title=legend, loc="upper left", bbox_to_anchor=(1, 1), fontsize=8, title_fontsize=8)
        drawn.set_frame_on(False)
        drawn.set_alignment("left")


def new_figure(
    labels: Sequence[object], width: float, height: float, title: str, *, bar: float = 1.0
) -> tuple[Figure, Axes]:
    """A figure large enough for its cells (inches) and the longest of its labels."""
    longest = max((len(line) for label in labels for line in wrap(str(label)).split("\n")), default=1)
    margin = 0.085 * longest + 0.5
    size = (
        max(width, 1.6) + margin + bar,
        max(height, 1.0) + (0.92 * margin if bar else 0.5) + (0.45 if title else 0.1),
    )
    figure = figure_type()(figsize=size, dpi=150, layout="constrained")
    axes = figure.subplots()
    if title:
        figure.suptitle("\n".join(textwrap.wrap(title, max(20, int(size[0] * 11)))), fontsize=11, color=INK)
    return figure, axes


def empty_figure(reason: str, title: str = "") -> Figure:
    """A figure of nothing, which says why.

    Examples
    --------
    >>> [text.get_text() for text in empty_figure("One coder: nothing to compare.").axes[0].texts]
    ['One coder: nothing to compare.']
    """
    figure, axes = new_figure([], 5.0, 0.4, title, bar=0)
    axes.set_axis_off()
    axes.text(0, 0.5, "\n".join(textwrap.wrap(reason, 70)), fontsize=10, color=MUTED, va="center")
    return literal(figure)


@cache
def figure_type() -> type[Figure]:
    """A Figure that a notebook shows by itself; without pyplot's help it would show its name only."""
    from matplotlib.figure import Figure

    class NotebookFigure(Figure):
        def _repr_png_(self) -> bytes:
            room = BytesIO()
            self.savefig(room, format="png", bbox_inches="tight")
            return room.getvalue()

    return NotebookFigure


def heatmap(
    axes: Axes,
    values: pd.DataFrame,
    shown: Bools,
    numbers: list[list[str]],
    colours: Sequence[str],
    *,
    ends: tuple[float, float] = (0, 1),
    bar: str = "",
) -> None:
    """Cells of `values` coloured between the `ends` of the scale, with `numbers` printed where `shown`."""
    import seaborn
    from matplotlib.colors import LinearSegmentedColormap

    seaborn.heatmap(
        values,
        mask=~shown,
        cmap=LinearSegmentedColormap.from_list("codebook", list(colours)),
        vmin=ends[0],
        vmax=ends[1],
        square=True,
        linewidths=0.8,
        linecolor="white",
        cbar_kws={"shrink": 0.7, "label": bar, "aspect": 18},
        ax=axes,
    )
    _print_numbers(axes, values, shown, numbers, dark=_dark_parts(colours, *ends))
    axes.set_xticks(np.arange(values.shape[1]) + 0.5, [wrap(str(name)) for name in values.columns], rotation=0)
    axes.set_yticks(np.arange(values.shape[0]) + 0.5, [wrap(str(name)) for name in values.index], rotation=0)
    if max((len(str(name)) for name in values.columns), default=0) > _UPRIGHT:
        for label in axes.get_xticklabels():
            label.set(rotation=45, ha="right", rotation_mode="anchor")
    axes.tick_params(length=0, colors=INK, labelsize=9)
    axes.set(xlabel="", ylabel="")


def _dark_parts(colours: Sequence[str], vmin: float, vmax: float) -> tuple[float, float]:
    """Below the first and above the second value the ground is dark blue, and numbers are white."""
    span = vmax - vmin
    return (vmin + 0.22 * span, np.inf) if colours == DIVERGING else (-np.inf, vmin + 0.55 * span)


def _print_numbers(
    axes: Axes, values: pd.DataFrame, shown: Bools, numbers: list[list[str]], *, dark: tuple[float, float]
) -> None:
    for (row, column), value in np.ndenumerate(values.to_numpy(dtype=float)):
        if shown[row, column]:
            colour = "white" if value < dark[0] or value > dark[1] else INK
            place = {"ha": "center", "va": "center", "fontsize": 8.5}
            axes.text(column + 0.5, row + 0.5, numbers[row][column], color=colour, **place)  # type: ignore[arg-type]


def fade(axes: Axes, weak: Bools) -> None:
    """Veil the cells where `weak` is true."""
    from matplotlib.patches import Rectangle

    for row, column in zip(*np.nonzero(weak), strict=True):
        axes.add_patch(Rectangle((column, row), 1, 1, facecolor="white", alpha=0.7, edgecolor="none", zorder=4))


def note(figure: Figure, text: str) -> None:
    """A line under the figure."""
    figure.supxlabel(text, fontsize=8, color=MUTED, x=0.02, ha="left")


def wrap(text: str) -> str:
    """A label broken into lines."""
    return "\n".join(textwrap.wrap(text, WRAP, break_on_hyphens=False)) or " "


def literal(figure: Figure) -> Figure:
    """Show every text as it is: a dollar sign in a label is no mathematics."""
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        text.set_parse_math(False)
    return figure
