"""How large the cells of a matrix are, where its names stand, and what the cells hold: colours, numbers, signs.

The cells shrink, never the type. All lengths are mm, measured from the upper left corner of the cells.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import pandas as pd

from codebook.analysis.core.drawing import fit_lines, measure_mm, wrap
from codebook.analysis.core.scales import Bools, Floats
from codebook.ground.quantities import format_figure
from codebook.outputs.figure_style import (
    DIVERGING,
    GRID,
    INK,
    MAX_HEIGHT,
    NOTE,
    SEQUENTIAL,
    SMALLEST,
    TYPE,
    WIDTHS,
    Axes,
    Figure,
    Width,
    luminance,
)

MOST_NUMBERS = 15
"""Rows or columns up to which cells show their numbers."""
MOST_CELLS = 40
"""Rows or columns up to which there are cells at all."""
EDGE = 1.5
"""Between what is drawn and the edge of the figure."""
LONGEST = 30
"""Signs of a name in one line; a longer one is cut."""
_GAP = 1.6  # between groups of rows or columns
_LINE = 1.28 / 72 * 25.4  # height of a line of type of one point
_WIDEST, _HIGHEST = 22.0, 10.0  # a cell
_SIZES = (TYPE, NOTE, SMALLEST)
_HINTED = 1.06  # type on a screen is wider than in print by so much


@dataclass(frozen=True)
class Grid:
    """Cells of one size with names: `heads` above the columns, `names` beside the rows or on the diagonal.

    `left` and `top` are the room for names; `gaps` are the rows, and the columns, before which there is a gap;
    `head_size` is the size of type of the heads, in points; `corner` is the title of the rows.
    """

    width: Width
    left: float
    top: float
    cell: tuple[float, float]
    heads: Sequence[str]
    names: Sequence[str]
    gaps: tuple[Sequence[int], Sequence[int]] = ((), ())
    head_size: float = TYPE
    corner: str = ""

    @cached_property
    def x(self) -> Floats:
        """Left edge of each column."""
        return _place(len(self.heads), self.cell[0], self.gaps[1])

    @cached_property
    def y(self) -> Floats:
        """Upper edge of each row."""
        return _place(len(self.names), self.cell[1], self.gaps[0])

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of all cells together."""
        return float(self.x[-1] + self.cell[0]), float(self.y[-1] + self.cell[1])


def _place(n: int, side: float, gaps: Sequence[int]) -> Floats:
    """Where `n` cells begin."""
    return np.arange(n) * side + _GAP * np.array([sum(gap <= at for gap in gaps) for at in range(n)])


def find_gaps(groups: Sequence[str]) -> tuple[int, ...]:
    """Places at which another group begins.

    Examples
    --------
    >>> find_gaps(["EC", "EC", "HI", "RE"])
    (2, 3)
    """
    return tuple(at for at in range(1, len(groups)) if groups[at] != groups[at - 1])


def line_height(size: float = TYPE) -> float:
    """Height of one line of type."""
    return size * _LINE


@lru_cache(maxsize=4096)
def text_width(text: str, size: float = TYPE) -> float:
    """Width of a text of one or more lines."""
    return max((measure_mm(line, size) for line in text.split("\n")), default=0.0) * _HINTED


@lru_cache(maxsize=4096)
def fit(name: str, room: float, size: float = TYPE) -> str:
    """A name in at most three lines of a width, broken where it may be; empty where it does not fit."""
    for signs in range(max(1, int(room / (0.07 * size))), 0, -1):  # beginning with the narrowest of letters
        lines = wrap(name, signs)
        if "…" in lines and "…" not in name:
            return ""
        if text_width(lines, size) <= room:
            return lines
    return ""


def fit_or_break(text: str, room: float) -> str:
    """A text in lines of a width; a word that is longer stays whole."""
    return fit(text, room) or "\n".join(fit_lines(text, room)) or text


@dataclass(frozen=True)
class Names:
    """What stands around cells: heads of columns, names of rows (in lines), and the title of the rows in the corner.

    `rest` is the height of all that is neither cells nor heads; `gaps` are columns before which there is a gap;
    `is_dense` where there are too many for numbers in the cells, `has_small` where a second number is below the first.
    """

    heads: Sequence[str]
    rows: Sequence[str]
    corner: str
    rest: float
    gaps: Sequence[int] = ()
    is_dense: bool = False
    has_small: bool = False


def lay_rectangle(around: Names) -> Grid | None:
    """The narrowest grid whose heads fit above its columns; None where they fit above none."""
    least = (2.4, 2.4) if around.is_dense else (7.5, 6.6 if around.has_small else 4.6)
    left = max([*map(text_width, around.rows), *map(text_width, around.corner.split())]) + EDGE + 1.2
    fitting = _fit_heads(around.heads, left + EDGE + _GAP * len(around.gaps), least[0])
    if fitting is None:
        return None
    width, room, heads, size = fitting
    corner = fit_or_break(around.corner, left - EDGE - 1) if around.corner else ""
    top = max(_count_lines(heads) * line_height(size), _count_lines([corner]) * line_height()) + 1
    least_height = max(least[1], _count_lines(around.rows) * line_height() + 0.4)
    most = max((MAX_HEIGHT - around.rest - top) / len(around.rows), 1.0)
    cell = (room, min(max(least_height, min(room, _HIGHEST)), most))
    return Grid(width, left, top, cell, heads, around.rows, ((), around.gaps), size, corner)


def _count_lines(texts: Sequence[str]) -> int:
    return 1 + max((text.count("\n") for text in texts), default=0)


def _fit_heads(heads: Sequence[str], rest: float, least: float) -> tuple[Width, float, list[str], float] | None:
    """The narrowest figure, the width of its columns, and the heads in lines of the largest type that fits."""
    for width, millimetres in WIDTHS.items():
        room = min((millimetres - rest) / len(heads), _WIDEST)
        for size in _SIZES if room >= least else ():
            broken = [fit(head, room - 0.3, size) for head in heads]
            if all(broken):
                return width, room, broken, size
    return None


def lay_diagonal(
    names: Sequence[str], left: float, rest: float, gaps: Sequence[int], rows: Sequence[str] = ()
) -> Grid | None:
    """The narrowest square grid whose names fit into the cells of its diagonal; None where they fit into none.

    `rows`: names beside the rows, for which `left` has room, where numbers stand on the diagonal.
    """
    fitting = _fit_heads(names, left + EDGE + _GAP * len(gaps), 7.5)
    if fitting is None:
        return None
    width, room, broken, size = fitting
    least = max(5.0, _count_lines(broken) * line_height(size) + 0.8, _count_lines(rows) * line_height() + 0.4)
    most = (MAX_HEIGHT - rest - _GAP * len(gaps)) / len(names)
    if least > most and not rows:
        return None
    height = min(max(least, min(0.62 * room, _HIGHEST)), most)
    return Grid(width, left, EDGE, (room, height), broken, rows or [""] * len(broken), (gaps, gaps), size)


def lay_stairs(names: Sequence[str], left: float, rest: float, gaps: Sequence[int]) -> Grid:
    """The narrowest grid of small squares whose names, each in one line from the diagonal to the right, fit into it."""
    room = left + EDGE + 1 + _GAP * len(gaps)
    high = (MAX_HEIGHT - rest - _GAP * len(gaps)) / len(names)
    widths = [text_width(name) for name in names]
    sides: dict[Width, float] = {
        width: min(high, 6.0, *((millimetres - room - text) / (at + 1) for at, text in enumerate(widths)))
        for width, millimetres in WIDTHS.items()
    }
    width: Width = next((name for name, side in sides.items() if side >= 3.2), "two")
    side = sides[width]
    size = TYPE if side >= line_height() else NOTE if side >= line_height(NOTE) else SMALLEST
    return Grid(width, left, EDGE, (side, side), names, [""] * len(names), (gaps, gaps), size)


WEAK = "#767676"
"""Of numbers that are not significant: 4.5 : 1 on white."""
LEAST_CONTRAST = 4.5
"""Of digits and marks with the colour below them."""


@dataclass(frozen=True)
class Tones:
    """Colours of values: what the values are, the ends of the colours, and the part of them that the bar shows."""

    title: str
    colours: Sequence[str] = SEQUENTIAL
    ends: tuple[float, float] = (0.0, 1.0)
    shown: tuple[float, float] = (0.0, 1.0)
    percent: bool = False

    @classmethod
    def of(cls, values: pd.DataFrame, title: str, *, whole: bool = False) -> Tones:
        """From 0 to 1 where nothing is negative; else both ways from 0, as far as the values go, or to 1 (`whole`).

        Examples
        --------
        >>> Tones.of(pd.DataFrame([[0.2, 0.9]]), "alpha").shown, Tones.of(pd.DataFrame([[-0.13, 0.9]]), "alpha").shown
        ((0.0, 1.0), (-0.2, 0.9))
        """
        known = values.to_numpy(dtype=float)
        known = known[~np.isnan(known)]
        low, high = float(min(known, default=0)), float(max(known, default=1))
        if whole:
            return cls(title, DIVERGING, (-1.0, 1.0), (-1.0, 1.0))
        if low >= 0 and high <= 1:
            return cls(title)
        low, high = math.floor(10 * low + 1e-9) / 10, max(math.ceil(10 * high - 1e-9) / 10, 0.0)
        most = max(-low, high, 0.1)
        return cls(title, DIVERGING, (-most, most), (low, high))

    def palette(self) -> Any:
        """The colours as matplotlib has them."""
        from matplotlib.cm import ScalarMappable
        from matplotlib.colors import LinearSegmentedColormap, Normalize

        return ScalarMappable(Normalize(*self.ends), LinearSegmentedColormap.from_list("codebook", list(self.colours)))

    def ticks(self) -> dict[float, str]:
        """Values that the bar names, each as it is printed."""
        low, high = self.shown
        places = sorted({low, 0.0, high}) if low not in (0, -1) else np.linspace(low, high, 3 if low else 5).tolist()
        if self.percent:
            return {at: f"{100 * at:.0f} %" for at in places}
        n_digits = max(len(f"{at:.2f}".rstrip("0").partition(".")[2]) for at in places)
        return {at: format_figure(at, 0 if abs(at) == 1 else n_digits) if at else "0" for at in places}


def readable_ink(colour: Any) -> str:
    """Ink or white, whichever can be read on a colour; black on the few greys between.

    Examples
    --------
    >>> [readable_ink(colour) for colour in ("white", "#1b2a6b", "#7d7d7d")]
    ['#1a1a1a', 'white', 'black']
    """
    return next((ink for ink in (INK, "white") if contrast(ink, colour) >= LEAST_CONTRAST), "black")


def contrast(first: Any, second: Any) -> float:
    """How well one colour is seen on another, from 1 to 21 (WCAG 2).

    Examples
    --------
    >>> round(contrast("black", "white")), round(contrast("#767676", "white"), 2)
    (21, 4.54)
    """
    dark, light = sorted(luminance(colour) for colour in (first, second))
    return (light + 0.05) / (dark + 0.05)


def fill_cells(axes: Axes, grid: Grid, values: pd.DataFrame, filled: Bools, tones: Tones) -> None:
    """Cells in the colours of their values, where `filled`."""
    from matplotlib.collections import PatchCollection

    palette = tones.palette()
    cells = PatchCollection(_squares(grid, filled), cmap=palette.cmap, norm=palette.norm, edgecolor="white")
    cells.set(linewidth=0.5, zorder=1)
    cells.set_array(values.to_numpy(dtype=float)[filled])
    axes.add_collection(cells)


def outline_cells(axes: Axes, grid: Grid, which: Bools) -> None:
    """Cells without a fill."""
    from matplotlib.collections import PatchCollection

    axes.add_collection(PatchCollection(_squares(grid, which), facecolor="white", edgecolor=GRID, linewidth=0.5))


def _squares(grid: Grid, which: Bools) -> list[Any]:
    from matplotlib.patches import Rectangle

    return [Rectangle((grid.x[column], grid.y[row]), *grid.cell) for row, column in np.argwhere(which)]


def write_cell(axes: Axes, grid: Grid, at: tuple[int, int], text: str, **looks: Any) -> None:
    """A text in the middle of a cell; `below` (mm) moves it down."""
    x, y = grid.x[at[1]] + grid.cell[0] / 2, grid.y[at[0]] + grid.cell[1] / 2 + looks.pop("below", 0)
    axes.text(x, y, text, ha="center", va="center_baseline" if "\n" not in text else "center", zorder=5, **looks)


def mark_minus(axes: Axes, grid: Grid, values: pd.DataFrame, filled: Bools, tones: Tones) -> None:
    """A minus in each cell below 0: without colour the two ends of the scale look much alike."""
    palette = tones.palette()
    below = filled & (values.to_numpy(dtype=float) < 0)
    if not below.any():
        return
    rows, columns = np.nonzero(below)
    inks = [readable_ink(palette.to_rgba(value)) for value in values.to_numpy(dtype=float)[below]]
    half = 0.25 * grid.cell[0]
    x, y = grid.x[columns] + grid.cell[0] / 2, grid.y[rows] + grid.cell[1] / 2
    axes.hlines(y, x - half, x + half, colors=inks, linewidth=0.7, zorder=5, label="below 0")


def draw_bar(figure: Figure, axes: Axes, tones: Tones) -> None:
    """The colour bar in its axes, its title above it."""
    bar = figure.colorbar(tones.palette(), cax=axes, orientation="horizontal")
    bar.set_ticks(list(tones.ticks()), labels=list(tones.ticks().values()))
    axes.set_xlim(*tones.shown)
    bar.outline.set_visible(False)
    axes.tick_params(labelsize=NOTE, length=1.5, pad=1.5)
    axes.set_xlabel(tones.title, loc="left", labelpad=2)
    axes.xaxis.set_label_position("top")
