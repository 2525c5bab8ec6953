"""Figures that several rooms draw, and their pieces: dots with intervals, grids, axes of the right size.

Figures are made without pyplot's global state, are readable in grey, and show every text literally: a label with a
dollar sign or an underscore is not taken for mathematics.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING, Any, Literal
from unicodedata import east_asian_width

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import raise_faults
from codebook.errors import Fault
from codebook.ground.quantities import format_figure, places_of
from codebook.outputs.figure_fonts import choose_fonts, set_fonts
from codebook.outputs.figure_style import (
    MAX_HEIGHT,
    MM,
    MUTED,
    NOTE,
    SCREEN,
    TITLE,
    TYPE,
    WIDTHS,
    Axes,
    Figure,
    Width,
    house_style,
)

if TYPE_CHECKING:
    from matplotlib.axis import Axis

WRAP = 24
"""Characters after which a label is broken into lines."""
_MOST_LINES = 3
"""Lines of a label, at most."""
_WIDE = "\u2e80-\u9fff\uac00-\ud7af\uff00-\uffef"
_PARTS = rf"[{_WIDE}]|[^\s_/=\-{_WIDE}]*[\s_/=\-]+|[^\s_/=\-{_WIDE}]+"
"""What of a label is not parted: a word and what follows it, or one sign of Chinese, Japanese and Korean."""

_PLACES: ContextVar[int] = ContextVar("decimals of the figure that is drawn", default=0)


@contextmanager
def with_places(places: int) -> Iterator[None]:
    """Draw with so many decimals: a result's figure has those of its table and its sentence."""
    before = _PLACES.set(places)
    try:
        yield
    finally:
        _PLACES.reset(before)


def drawn_places(n_units: int) -> int:
    """Decimals of the figure that is drawn; of one that no result draws, by its units.

    Examples
    --------
    >>> with with_places(3):
    ...     drawn_places(20)
    3
    >>> drawn_places(20)
    2
    """
    return _PLACES.get() or places_of(n_units)


def check_frame(frame: pd.DataFrame, needed: Sequence[str]) -> None:
    """Raise a StatisticError where a frame lacks columns that its figure needs."""
    there = ", ".join(map(str, frame.columns))
    faults = [
        Fault("frame", f"there is no column {name!r}", f"name one of {there}") for name in needed if name not in frame
    ]
    raise_faults("The figure cannot be drawn.", faults)


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
def empty_figure(reason: str, title: str = "") -> Figure:
    """A figure of nothing, which says why.

    Examples
    --------
    >>> [text.get_text() for text in empty_figure("One coder: nothing to compare.").axes[0].texts]
    ['One coder: nothing to compare.']
    """
    lines = fit_lines(reason, WIDTHS["middle"] - 4)
    figure = new_figure("middle", 6 + 3.2 * len(lines))
    figure.set_label(title)
    axes = figure.subplots()
    axes.set_axis_off()
    axes.text(0, 0.5, "\n".join(lines), color=MUTED, va="center")
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
            return _put_title(self, str(self.get_label()))

    return NotebookFigure


def _put_title(figure: Figure, title: str) -> bytes:
    """The figure as a PNG for the screen, as it is saved, and above it the title."""
    from matplotlib.image import imread, imsave

    width, dpi = figure.get_size_inches()[0], 96 * SCREEN
    lines = fit_lines(title, width / MM - 2, TITLE, weight="bold")
    parts = [figure]
    if lines:
        head = figure_type()(figsize=(width, 1), dpi=dpi)
        text = head.text(MM / width, 0.5, "\n".join(lines), size=TITLE, weight="bold", va="center")
        set_fonts(head)
        head.set_size_inches(width, text.get_window_extent().height / dpi + 0.6 * TITLE / 72)
        parts = [head, figure]
    pictures = []
    for part in parts:
        part.savefig(room := BytesIO(), format="png", dpi=dpi)
        room.seek(0)
        pictures.append(imread(room))
    imsave(whole := BytesIO(), np.vstack(pictures), format="png", dpi=dpi)
    return whole.getvalue()


def fit_lines(text: str, width_mm: float, size: float = TYPE, *, weight: str = "normal") -> list[str]:
    """Break a sentence between its words into lines of a width, as the type in use measures it."""
    lines: list[str] = []
    for word in filter(None, re.split(r"[ \n]+", text)):
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
        font = FontProperties(family=choose_fonts(text)[0], size=size, weight=weight)
        return float(text_to_path.get_text_width_height_descent(text, font, ismath=False)[0]) / 72 / MM


def say_in_picture(figure: Figure, words: str) -> None:
    """A note under the figure, in lines of its width: what the bar is, how many units, who and which data."""
    width = figure.get_size_inches()[0] / MM
    lines = fit_lines(words, width - 2, NOTE)
    if lines:
        figure.supxlabel("\n".join(lines), fontsize=NOTE, color=MUTED, x=1 / width, ha="left", parse_math=False)


def dress_ticks(axis: Axis, *, most: int = 6) -> None:
    """Ticks of a figure as the figures are printed: no 0 before the point, a true minus, the same decimals on all."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis.set_major_locator(MaxNLocator(most, steps=[1, 2, 2.5, 5, 10]))

    def say(value: float, _: int) -> str:
        steps = np.diff(axis.get_majorticklocs())
        step = float(steps[0]) if len(steps) else 1.0
        places = next((many for many in range(6) if abs(round(step, many) - step) < 1e-9), 6)
        return "0" if abs(value) < step / 1e6 else format_figure(value, places)

    axis.set_major_formatter(FuncFormatter(say))


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


def shorten(name: str, most: int = 42) -> str:
    """A name in one line, cut where it is too long.

    Examples
    --------
    >>> shorten("politics"), len(shorten("a name that nobody wants to read in a figure", 30))
    ('politics', 30)
    """
    return name if len(name) <= most else f"{name[: most - 1].rstrip()}…"


def count_columns(text: str) -> int:
    """How many letters wide a text is; signs of Chinese, Japanese and Korean count two.

    Examples
    --------
    >>> count_columns("tax"), count_columns("政治")
    (3, 4)
    """
    return sum(2 if east_asian_width(sign) in "WF" else 1 for sign in text)


def dress_axes(axes: Axes, x: str = "", y: str = "", *, grid: Literal["both", "x", "y", ""] = "both") -> None:
    """Name both axes, draw a faint grid behind what is drawn, and take off the marks of the ticks.

    Ticks that were not set are printed as figures are.
    """
    from matplotlib.ticker import AutoLocator

    axes.set(xlabel=x, ylabel=y)
    for axis in (axes.xaxis, axes.yaxis):
        if isinstance(axis.get_major_locator(), AutoLocator):
            dress_ticks(axis)
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
    set_fonts(figure)
    return figure
