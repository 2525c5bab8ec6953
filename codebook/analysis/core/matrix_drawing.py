"""Matrices as figures: confusions, correlograms, grids; cells with numbers, or many cells with colour alone.

A figure has one of the three widths of a journal, and is at most 170 mm high. Up to 15 rows or columns cells show their
numbers, up to 40 their colour; of more, draw the strongest pairs as dots.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import raise_faults
from codebook.analysis.core.drawing import check_frame, fit_lines, literal, new_figure, say_in_picture, shorten, wrap
from codebook.analysis.core.matrix_layout import (
    EDGE,
    LONGEST,
    MOST_NUMBERS,
    WEAK,
    Grid,
    Names,
    Tones,
    draw_bar,
    fill_cells,
    find_gaps,
    fit_or_break,
    lay_diagonal,
    lay_rectangle,
    lay_stairs,
    line_height,
    mark_minus,
    outline_cells,
    readable_ink,
    text_width,
    write_cell,
)
from codebook.analysis.core.scales import Bools
from codebook.errors import Fault, StatisticError
from codebook.ground.quantities import format_figure
from codebook.outputs.figure_style import INK, MM, MUTED, NOTE, SMALLEST, TYPE, WIDTHS, Axes, Figure, house_style

_BAR = (34.0, 2.0)  # mm: length and height of the colour bar
_BELOW = 12.0  # mm for the colour bar with its title and ticks


@dataclass(frozen=True)
class Cells:
    """What a matrix shows: the values that give the colours, the numbers in the cells, small ones below them.

    `counts` stand behind the names of the rows; the last `n_apart` columns stand behind a gap; `weak` cells have no
    fill and a grey number; `rows` and `columns` are the titles of both.
    """

    values: pd.DataFrame
    numbers: Sequence[Sequence[str]]
    small: Sequence[Sequence[str]] = ()
    counts: Sequence[int] = ()
    n_apart: int = 0
    weak: Bools | None = None
    rows: str = ""
    columns: str = ""


@house_style()
def draw_rectangle(cells: Cells, tones: Tones, *, note: str = "") -> Figure:
    """Rows by columns, the names of columns level and on top; where they are too long, the numbers of the rows."""
    heads, names = [str(name) for name in cells.values.columns], [str(name) for name in cells.values.index]
    gaps = (len(heads) - cells.n_apart,) if 0 < cells.n_apart < len(heads) else ()
    is_dense = max(len(heads) - cells.n_apart, len(names)) > MOST_NUMBERS
    around = Names(heads, names, cells.rows, _rest(note) + 2 * line_height(), gaps, is_dense, bool(cells.small))
    grid = lay_rectangle(replace(around, rows=_name_rows(names, cells.counts, is_dense * LONGEST)))
    if grid is None:
        grid, key = _lay_coded(around, cells.counts)
        note = " ".join(filter(None, [*key, note]))
    title = fit_or_break(cells.columns, WIDTHS[grid.width] - grid.left - EDGE) if cells.columns else ""
    figure, axes = _begin(grid, tones, note, above=line_height() * (title.count("\n") + bool(title)))
    filled = cells.values.notna().to_numpy() & (True if cells.weak is None else ~cells.weak)
    fill_cells(axes, grid, cells.values, filled, tones)
    outline_cells(axes, grid, ~filled)
    _name_sides(axes, grid, title)
    if is_dense:
        mark_minus(axes, grid, cells.values, filled, tones)
    else:
        _print_cells(axes, grid, cells, _inks(cells.values, filled, tones))
    return literal(figure)


def plot_grid(
    frame: pd.DataFrame,
    *,
    rows: str = "prompt",
    columns: str = "model",
    value: str = "alpha",
    title: str = "",
    quantity: str = "",
) -> Figure:
    """A figure of every cell of rows x columns, e.g. of repeated draws by prompt and model.

    A cell without a figure shows a dash. `quantity` says what the figures are, if not `value`.

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
    figure = draw_rectangle(
        Cells(grid, format_cells(grid), rows=rows, columns=columns), Tones.of(grid, quantity or value)
    )
    figure.set_label(title)
    return figure


def format_cells(values: pd.DataFrame) -> list[list[str]]:
    """The figure of each cell as it is printed."""
    return [[format_figure(value) for value in row] for row in values.to_numpy(dtype=float)]


def _lay_coded(around: Names, counts: Sequence[int]) -> tuple[Grid, list[str]]:
    """A grid whose heads are numbers of the rows, or letters, and what the letters mean."""
    heads, names = around.heads, around.rows
    codes, key = _code(heads, names)
    numbered = [f"{at}  {name}" for at, name in enumerate(names, start=1)] if set(heads) & set(names) else names
    for longest in (LONGEST, LONGEST // 2) if around.is_dense else (0,):
        rows = _name_rows(numbered, counts, longest)
        if grid := lay_rectangle(replace(around, heads=codes, rows=rows)):
            return grid, key
    fault = Fault("frame", f"{len(heads)} columns have no room", "draw fewer columns")
    raise StatisticError("The figure cannot be drawn.", [fault])


def _name_rows(names: Sequence[str], counts: Sequence[int], longest: int) -> list[str]:
    """Names of rows, cut to one line of so many signs, or in lines (0); their counts stand behind them."""
    lines = [shorten(name, longest) if longest else wrap(name) for name in names]
    return [f"{line} ({n:,})" for line, n in zip(lines, counts, strict=True)] if len(counts) else lines


def _code(heads: Sequence[str], names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Numbers of the rows for heads that rows bear, too, letters for others; and what the letters mean."""
    letters = iter("abcdefghijklmnopqrstuvwxyz" * 2)
    number = {name: str(at) for at, name in enumerate(names, start=1)}
    codes = [number.get(head) or next(letters) for head in heads]
    return codes, [f"{code}: {head}." for code, head in zip(codes, heads, strict=True) if head not in number]


@house_style()
def draw_halves(
    values: pd.DataFrame,
    tones: Tones,
    *,
    numbers: Sequence[Sequence[str]],
    above: Sequence[Sequence[str]] = (),
    weak: Bools | None = None,
    groups: Sequence[str] = (),
    note: str = "",
) -> Figure:
    """A square matrix: its numbers below the diagonal, those of `above` over it, the names on it.

    `weak`: cells without a fill, their numbers in grey: what is not significant. `groups`: of each name; names of a
    group stand together, with its bracket at the left.
    """
    names, groups = [str(name) for name in values.index], groups if any(groups) else [""] * len(values)
    grid = _lay_halves(names, groups, _rest(note))
    figure, axes = _begin(grid, tones, note)
    lower = np.tril(np.ones(values.shape, dtype=bool), -1)
    filled = lower & values.notna().to_numpy()
    filled &= True if weak is None else ~weak
    fill_cells(axes, grid, values, filled, tones)
    outline_cells(axes, grid, lower & ~filled)
    _bracket(axes, grid, groups)
    if len(names) > MOST_NUMBERS:
        for name, x, y in zip(grid.heads, grid.x, grid.y, strict=True):  # in one line each, from the diagonal on
            axes.text(x + 0.6, y + grid.cell[1] / 2, name, va="center_baseline", fontsize=grid.head_size)
        mark_minus(axes, grid, values, filled, tones)
    else:
        _print_halves(axes, grid, (numbers, above), _inks(values, filled, tones))
    return literal(figure)


def _lay_halves(names: Sequence[str], groups: Sequence[str], rest: float) -> Grid:
    gaps = find_gaps(groups)
    left = EDGE + (max(text_width(wrap(group)) for group in groups) + 2.5) * bool(gaps)
    if len(names) > MOST_NUMBERS:
        return lay_stairs([shorten(name, LONGEST) for name in names], left, rest, gaps)
    if grid := lay_diagonal(names, left, rest, gaps):
        return grid
    codes = [str(at + 1) for at in range(len(names))]
    rows = [wrap(f"{code}  {name}") for code, name in zip(codes, names, strict=True)]
    grid = lay_diagonal(codes, left + max(map(text_width, rows)) + 1.2, rest, gaps, rows)
    assert grid is not None  # 15 columns of 7.5 mm fit beside 45 mm of names
    return grid


def _rest(note: str) -> float:
    """Height of the margins, the colour bar and the note, of a figure of one column."""
    return 2 * EDGE + _BELOW + _note_height(note, WIDTHS["one"])


def _note_height(note: str, width: float) -> float:
    return len(fit_lines(note, width - 2, NOTE)) * line_height(NOTE) + 1.8 if note else 0


def _begin(grid: Grid, tones: Tones, note: str, above: float = 0) -> tuple[Figure, Axes]:
    """A figure with axes in mm, 0 at the upper left corner of the cells, its colour bar and its note."""
    below = _note_height(note, WIDTHS[grid.width]) + EDGE
    height = EDGE + above + grid.top + grid.size[1] + _BELOW + below
    figure = new_figure(grid.width, height)
    figure.set_layout_engine("none")
    axes, bar = figure.add_axes((0, 0, 1, 1)), figure.add_axes((0, 0, 0.5, 0.5))
    _put(figure, axes, (grid.left, below + _BELOW, *grid.size))
    _put(figure, bar, (max(grid.left, EDGE + 2), below + 3.6, *_BAR))
    axes.set(xlim=(0, grid.size[0]), ylim=(grid.size[1], 0), xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    draw_bar(figure, bar, tones)
    if note:
        say_in_picture(figure, note)
    return figure, axes


def _put(figure: Figure, axes: Axes, box: tuple[float, float, float, float]) -> None:
    """Hold axes at a place in mm from the lower left corner, however high the figure is."""
    from matplotlib.transforms import Bbox

    def locate(*_: object) -> Bbox:
        width, height = figure.get_size_inches() / MM
        return Bbox.from_bounds(box[0] / width, box[1] / height, box[2] / width, box[3] / height)

    axes.set_axes_locator(locate)


def _name_sides(axes: Axes, grid: Grid, title: str) -> None:
    """Heads of the columns on top, names of the rows at the left, and the titles of both."""
    axes.xaxis.tick_top()
    axes.set_xticks(grid.x + grid.cell[0] / 2, grid.heads, fontsize=grid.head_size)
    room = grid.cell[1] / (1 + max(name.count("\n") for name in grid.names))
    size = next((size for size in (TYPE, NOTE) if line_height(size) <= room), SMALLEST)
    axes.set_yticks(grid.y + grid.cell[1] / 2, grid.names, fontsize=size)
    axes.tick_params(length=0, pad=2)
    if title:
        is_short = text_width(title) < grid.size[0]
        axes.set_xlabel(title, loc="center" if is_short else "left", labelpad=3, color=MUTED)
        axes.xaxis.set_label_position("top")
    if grid.corner:
        axes.set_ylabel(grid.corner, rotation=0, ha="right", va="bottom", color=MUTED, linespacing=1.1)
        axes.yaxis.set_label_coords(-1.0 / grid.size[0], 1 + 0.9 / grid.size[1])


def _inks(values: pd.DataFrame, filled: Bools, tones: Tones) -> list[list[str]]:
    """The colour of each number: readable on its cell, grey where the cell has no fill."""
    palette, figures = tones.palette(), values.to_numpy(dtype=float)
    return [
        [readable_ink(palette.to_rgba(value)) if is_filled else WEAK for value, is_filled in zip(*row, strict=True)]
        for row in zip(figures, filled, strict=True)
    ]


def _print_cells(axes: Axes, grid: Grid, cells: Cells, inks: list[list[str]]) -> None:
    shift = 0.22 * grid.cell[1] if cells.small else 0
    for at in np.ndindex(*cells.values.shape):
        number, ink = cells.numbers[at[0]][at[1]], inks[at[0]][at[1]]
        small = cells.small[at[0]][at[1]] if cells.small else ""
        write_cell(axes, grid, at, number, below=-shift if small else 0, color=ink)
        if small:
            write_cell(axes, grid, at, small, below=shift, color=ink, fontsize=SMALLEST)


def _print_halves(
    axes: Axes, grid: Grid, numbers: tuple[Sequence[Sequence[str]], Sequence[Sequence[str]]], inks: list[list[str]]
) -> None:
    for row, column in np.ndindex(len(grid.heads), len(grid.heads)):
        at = row, column
        if row == column:
            write_cell(axes, grid, at, grid.heads[row], fontsize=grid.head_size, linespacing=1.05)
        elif row > column:
            write_cell(axes, grid, at, numbers[0][row][column], color=inks[row][column])
        elif numbers[1]:
            write_cell(axes, grid, at, numbers[1][row][column], color=MUTED, fontsize=NOTE)
    if any(grid.names):
        axes.set_yticks(grid.y + grid.cell[1] / 2, grid.names)
        axes.tick_params(length=0, pad=2)


def _bracket(axes: Axes, grid: Grid, groups: Sequence[str]) -> None:
    """A bracket and a name at the left of each group of rows."""
    starts = [0, *find_gaps(groups), len(groups)]
    x = -1.2 if not any(grid.names) else 1.2 - max(map(text_width, grid.names)) - 3.6
    for first, last in pairwise(starts) if len(starts) > 2 else ():
        top, bottom = grid.y[first] + 0.3, grid.y[last - 1] + grid.cell[1] - 0.3
        axes.plot([x, x], [top, bottom], color=INK, linewidth=0.6, clip_on=False)
        if list(grid.heads[first:last]) != [groups[first]]:
            axes.text(x - 0.8, (top + bottom) / 2, wrap(groups[first]), ha="right", va="center", color=MUTED)
