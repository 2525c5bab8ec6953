"""Figures that several rooms draw, and their pieces: dots with intervals, grids, axes of the right size.

Figures are made without pyplot's global state, are readable in grey, and show every text literally: a label with a
dollar sign or an underscore is not taken for mathematics.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING, Any, Literal
from unicodedata import east_asian_width

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import raise_faults
from codebook.analysis.core.scales import Floats
from codebook.errors import Fault
from codebook.ground.quantities import format_figure
from codebook.outputs.figure_style import (
    DIVERGING,
    INK,
    MAX_HEIGHT,
    MM,
    MUTED,
    NOTE,
    SCREEN,
    TITLE,
    TYPE,
    WIDTHS,
    Width,
    house_style,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FAINT = "#d9d9d9"
WRAP = 24
"""Characters after which a label is broken into lines."""
_MOST_LINES = 3
"""Lines of a label, at most."""
_WIDE = "\u2e80-\u9fff\uac00-\ud7af\uff00-\uffef"
_PARTS = rf"[{_WIDE}]|[^\s_/=\-{_WIDE}]*[\s_/=\-]+|[^\s_/=\-{_WIDE}]+"
"""What of a label is not parted: a word and what follows it, or one sign of Chinese, Japanese and Korean."""


@house_style()
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
    figure, axes = sized_figure(rows, 4.6, 0.34 * len(rows) * max(1, 0.55 * len(groups)) + 0.5, title, bar=0)
    for at, member in enumerate(groups):
        part = frame[frame[group] == member] if group else frame
        is_member = frame.index.isin(part.index)
        heights = [rows.index(key) for key, is_row in zip(keys, is_member, strict=True) if is_row]
        offset = (at - (len(groups) - 1) / 2) * 0.7 / len(groups)
        _dots(axes, np.array(heights) + offset, part[[value, *ends]].to_numpy(dtype=float), at, str(member))
    dress_estimates(axes, rows, references, legend=str(group) if group else "")
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


def new_figure(width: Width = "one", height_mm: float = 60) -> Figure:
    """An empty figure of exactly 89, 120 or 183 mm, and at most 170 mm high; what is in it is laid out inside.

    Examples
    --------
    >>> (25.4 * new_figure("middle", 58).get_size_inches()).round(1).tolist()
    [120.0, 58.0]
    """
    with house_style():
        size = WIDTHS[width] * MM, min(height_mm, MAX_HEIGHT) * MM
        return figure_type()(figsize=size, layout="constrained")


@house_style()
def sized_figure(
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
    figure.set_label(title)
    return figure, axes


@house_style()
def empty_figure(reason: str, title: str = "") -> Figure:
    """A figure of nothing, which says why.

    Examples
    --------
    >>> [text.get_text() for text in empty_figure("One coder: nothing to compare.").axes[0].texts]
    ['One coder: nothing to compare.']
    """
    figure, axes = sized_figure([], 5.0, 0.4, title, bar=0)
    axes.set_axis_off()
    axes.text(0, 0.5, "\n".join(textwrap.wrap(reason, 70)), fontsize=10, color=MUTED, va="center")
    return literal(figure)


@cache
def figure_type() -> type[Figure]:
    """A Figure in the house style that a notebook shows by itself; without pyplot's help it would show its name only.

    Its label is its title: it stands above the figure on the screen, and not in a saved file.
    """
    from matplotlib.figure import Figure

    class NotebookFigure(Figure):
        @house_style()
        def draw(self, renderer: Any) -> None:
            super().draw(renderer)

        @house_style()
        def savefig(self, fname: Any, **options: Any) -> None:
            super().savefig(fname, **options)

        @house_style()
        def _repr_png_(self) -> bytes:
            room = BytesIO()
            with _titled(self):
                self.savefig(room, format="png", dpi=96 * SCREEN)
            return room.getvalue()

    return NotebookFigure


@contextmanager
def _titled(figure: Figure) -> Iterator[None]:
    """Give the figure its title, and as much more height as that takes."""
    width, height = figure.get_size_inches()
    lines = fit_lines(str(figure.get_label()), width / MM - 2, TITLE, weight="bold")
    if not lines:
        yield
        return
    figure.set_size_inches(width, height + (1.3 * len(lines) + 0.4) * TITLE / 72)
    title = figure.suptitle("\n".join(lines), x=MM / width, ha="left", parse_math=False)
    try:
        yield
    finally:
        title.remove()
        figure._suptitle = None  # type: ignore[attr-defined]
        figure.set_size_inches(width, height)


def fit_lines(text: str, width_mm: float, size: float = TYPE, *, weight: str = "normal") -> list[str]:
    """Break a sentence between its words into lines of a width, as the type in use measures it."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and measure_mm(longer, size, weight=weight) <= width_mm:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def measure_mm(text: str, size: float = TYPE, *, weight: str = "normal") -> float:
    """How wide a line of text is."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    with house_style():
        font = FontProperties(size=size, weight=weight)
        return float(text_to_path.get_text_width_height_descent(text, font, ismath=False)[0]) / 72 / MM


def say_in_picture(figure: Figure, words: str) -> None:
    """A note under the figure, in lines of its width: what the bar is, how many units, who and which data."""
    width = figure.get_size_inches()[0] / MM
    lines = fit_lines(words, width - 2, NOTE)
    if lines:
        figure.supxlabel("\n".join(lines), fontsize=NOTE, color=MUTED, x=1 / width, ha="left", parse_math=False)


note = say_in_picture


def wrap(text: str, width: int = WRAP) -> str:
    """A label in at most three lines, broken after blank, _, /, - or =, and never inside a word.

    Examples
    --------
    >>> print(wrap("address_1793_blank_and_upside_down"))
    address_1793_blank_and_
    upside_down
    """
    lines = [""]
    for part in re.findall(_PARTS, text):
        if lines[-1] and count_columns(lines[-1] + part.rstrip()) > width:
            lines.append("")
        lines[-1] += part
    lines = [line.rstrip() for line in lines]
    if len(lines) > _MOST_LINES:
        lines = [*lines[: _MOST_LINES - 1], f"{lines[_MOST_LINES - 1]} …"]
    return "\n".join(_cut(line, 2 * width) for line in lines) or " "


def _cut(line: str, width: int) -> str:
    """A word of more than two lines' length ends in an ellipsis."""
    return line if count_columns(line) <= width else f"{line[: width - 1]}…"


def count_columns(text: str) -> int:
    """How many letters wide a text is; signs of Chinese, Japanese and Korean count two.

    Examples
    --------
    >>> count_columns("tax"), count_columns("政治")
    (3, 4)
    """
    return sum(2 if east_asian_width(sign) in "WF" else 1 for sign in text)


def dress_axes(axes: Axes, x: str = "", y: str = "", *, grid: Literal["both", "x", "y", ""] = "both") -> None:
    """Name both axes, draw a faint grid behind what is drawn, and take off the marks of the ticks."""
    axes.set(xlabel=x, ylabel=y)
    if grid:
        axes.grid(axis=grid)
    axes.tick_params(length=0)


def legend_above(axes: Axes, n_columns: int = 2) -> None:
    """A legend in lines above the axes, from the left edge of the figure on."""
    from matplotlib.transforms import blended_transform_factory

    figure = axes.figure.figure
    assert figure is not None  # axes are of a figure
    place = blended_transform_factory(figure.transFigure, axes.transAxes)
    options: dict[str, Any] = {"loc": "lower left", "borderaxespad": 0.4, "columnspacing": 1.2}
    axes.legend(bbox_to_anchor=(0, 1), bbox_transform=place, ncols=n_columns, **options)


def literal(figure: Figure) -> Figure:
    """Show every text as it is: a dollar sign in a label is no mathematics."""
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        text.set_parse_math(False)
    return figure
