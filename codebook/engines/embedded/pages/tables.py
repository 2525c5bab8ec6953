"""Tables of a page: cells that stand side by side, row under row."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from codebook.engines.embedded.pages.page_columns import GUTTER_LINES, Gutter, Piece, as_line, place_column

SHORT_CELL = 3
"""Columns that line up are a table where half of them have cells of at most so many words (their median)."""


class Row(NamedTuple):
    """A row of a table: its place on the page as one line, and its cells, empty ones too."""

    line: Piece
    cells: tuple[str, ...]


def find_rows(lines: Sequence[Piece], gutters: Sequence[Gutter], height: float) -> list[list[list[Piece]]]:
    """Return the tables as runs of rows of cells, each from left to right.

    Cells that stand side by side make a row. Rows that follow one another are a table where there are at least three
    of them and half of their columns have short cells; else they are lines of columns that happen to line up.
    """
    runs: list[list[list[Piece]]] = [[]]
    for row in _align(lines, height):
        if len(row) == 1 and (not runs[-1] or not _lies_in_column(row[0], runs[-1][-1])):
            runs.append([])
            continue
        if runs[-1] and min(cell.y0 for cell in row) - max(cell.y1 for cell in runs[-1][-1]) > 2 * height:
            runs.append([])
        if len(row) > 1 or runs[-1]:
            runs[-1].append(row)
    return [run for run in runs if sum(len(row) > 1 for row in run) >= GUTTER_LINES and _is_table(run, lines, gutters)]


def _align(lines: Sequence[Piece], height: float) -> list[list[Piece]]:
    """Lines of one height on the page together, from left to right; rows from top to bottom."""
    rows: list[list[Piece]] = []
    for line in sorted(lines, key=lambda line: line.middle):
        if rows and line.middle - rows[-1][0].middle < height / 2:
            rows[-1].append(line)
        else:
            rows.append([line])
    return [sorted(row) if len(row) == 1 else sorted(row, key=lambda cell: cell.x0) for row in rows]


def _lies_in_column(line: Piece, above: Sequence[Piece]) -> bool:
    """Whether a line by itself stands under one cell of a row only, so that it goes on with the table."""
    return sum(cell.x0 < line.x1 and cell.x1 > line.x0 for cell in above) <= 1 < len(above)


def _is_table(run: Sequence[Sequence[Piece]], lines: Sequence[Piece], gutters: Sequence[Gutter]) -> bool:
    """Whether half of the columns are of short cells, over all the way that the gutters between them run."""
    crossed = [gutter for row in run for pair in pairwise(row) for gutter in gutters if gutter.parts(*pair)]
    if not crossed:
        return False
    top, foot = min(gutter.y0 for gutter in crossed), max(gutter.y1 for gutter in crossed)
    words: dict[int, list[int]] = {}
    for line in lines:
        if top <= line.middle <= foot:
            words.setdefault(place_column(line, gutters), []).append(len(line.text.split()))
    short = [median(counts) <= SHORT_CELL for counts in words.values()]
    return 2 * sum(short) >= len(short)


def make_row(cells: Sequence[Piece], run: Sequence[Sequence[Piece]], gutters: Sequence[Gutter]) -> Row:
    """A row with a cell for every column that its table has."""
    columns = sorted({place_column(cell, gutters) for row in run for cell in row})
    texts = dict.fromkeys(columns, "")
    for cell in cells:
        column = place_column(cell, gutters)
        texts[column] = f"{texts[column]} {cell.text}".strip()
    return Row(as_line(cells), tuple(texts.values()))
