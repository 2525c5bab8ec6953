"""The cells of a matrix: their colours, numbers that can be read on them, marks of the sign, and the colour bar."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from codebook.analysis.core.matrix_layout import Grid
from codebook.analysis.core.scales import Bools
from codebook.ground.quantities import format_figure
from codebook.outputs.figure_style import DIVERGING, GRID, INK, NOTE, SEQUENTIAL, Axes, Figure

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
    dark, light = sorted(_luminance(colour) for colour in (first, second))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: Any) -> float:
    from matplotlib.colors import to_rgb

    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in to_rgb(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


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
