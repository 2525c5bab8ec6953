"""Reading order: pieces of text with their places on a page become lines, columns, tables and paragraphs.

The same rules serve the text layer of a PDF and the lines that optical reading found.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

import numpy as np

from codebook.engines.embedded.pages.page_columns import Piece, find_gutters, join_lines, place_column
from codebook.engines.embedded.pages.tables import Row, find_rows, make_row

PARAGRAPH_GAP = 1.35
"""A step between lines of more than this many usual steps starts a paragraph."""


@dataclass(frozen=True, slots=True)
class Layout:
    """A page in reading order: paragraphs (lists of lines) and tables (lists of rows), and how many columns it has."""

    blocks: tuple[tuple[Piece, ...] | tuple[Row, ...], ...]
    n_columns: int

    @property
    def tables(self) -> tuple[tuple[tuple[str, ...], ...], ...]:
        """The tables as rows of cells."""
        rows = ([line.cells for line in block if isinstance(line, Row)] for block in self.blocks)
        return tuple(tuple(table) for table in rows if table)


def lay_out(pieces: Sequence[Piece]) -> Layout:
    """Put the pieces of a page into reading order.

    Examples
    --------
    >>> left = [Piece(f"left {n} has five words", 0, 12 * n, 90, 12 * n + 10) for n in range(4)]
    >>> right = [Piece(f"right {n} has five words", 110, 12 * n + 5, 200, 12 * n + 15) for n in range(4)]
    >>> page = lay_out([piece for pair in zip(left, right) for piece in pair])
    >>> [line.text.split()[0] for block in page.blocks for line in block]
    ['left', 'left', 'left', 'left', 'right', 'right', 'right', 'right']
    >>> page.n_columns
    2
    """
    pieces = [piece for piece in pieces if piece.text.strip()]
    if not pieces:
        return Layout((), 0)
    height = median(piece.y1 - piece.y0 for piece in pieces)
    gutters = find_gutters(pieces, height)
    lines = join_lines(pieces, gutters, height)
    rows = find_rows(lines, gutters, height)
    taken = {id(line) for run in rows for cells in run for line in cells}
    rest = [line for line in lines if id(line) not in taken]
    tables = [[make_row(cells, run, gutters) for cells in run] for run in rows]
    ordered = order_lines([*rest, *(row.line for table in tables for row in table)])
    row_of = {id(row.line): row for table in tables for row in table}
    columns = {place_column(line, gutters) for line in rest}
    return Layout(tuple(_make_blocks(ordered, row_of, height)), len(columns) or 1)


def order_lines(lines: Sequence[Piece]) -> list[Piece]:
    """Return lines in reading order: a topological sort of what must be read before what.

    Of two lines, one above the other is read first where they share a part of the page's width; else the left one,
    unless a line between their heights reaches across both.

    References
    ----------
    Breuel, T. M. (2003). High performance document layout analysis. Symposium on Document Image Understanding
    Technology, Greenbelt.
    """
    if not lines:
        return []
    lines = sorted(lines, key=lambda line: (line.middle, line.x0))
    x0, x1 = np.array([line.x0 for line in lines]), np.array([line.x1 for line in lines])
    middle = np.array([line.middle for line in lines])
    shares = (x0[:, None] < x1[None]) & (x1[:, None] > x0[None])
    before = shares & (middle[:, None] < middle[None])
    for first, second in np.argwhere(~shares & (x1[:, None] <= x0[None])):
        low, high = sorted((middle[first], middle[second]))
        before[first, second] = not (shares[first] & shares[second] & (middle > low) & (middle < high)).any()
    left, ordered = list(range(len(lines))), []
    while left:
        waits = before[np.ix_(left, left)].sum(axis=0)
        ordered.append(left.pop(int(waits.argmin())))
    return [lines[place] for place in ordered]


def _make_blocks(
    ordered: Sequence[Piece], row_of: Mapping[int, Row], height: float
) -> Iterator[tuple[Piece, ...] | tuple[Row, ...]]:
    """Cut the ordered lines where a paragraph or a table begins or ends."""
    steps = [
        lower.middle - upper.middle for upper, lower in pairwise(ordered) if lower.middle - upper.middle > height / 2
    ]
    usual = median(steps) if steps else height
    starts = [0] + [
        place
        for place, (upper, lower) in enumerate(pairwise(ordered), start=1)
        if (id(upper) in row_of) != (id(lower) in row_of)
        or (id(upper) not in row_of and _starts_paragraph(upper, lower, ordered[place + 1 : place + 2], usual, height))
    ]
    for start, end in pairwise([*starts, len(ordered)]):
        block = ordered[start:end]
        rows = tuple(row_of[id(line)] for line in block if id(line) in row_of)
        yield rows or tuple(block)


def _starts_paragraph(upper: Piece, lower: Piece, after: Sequence[Piece], usual: float, height: float) -> bool:
    """Whether a line starts a paragraph: by the step down to it, or by standing in from the lines around it.

    At the top of a further column it does unless it goes on in small letters.
    """
    if lower.middle < upper.middle or lower.x0 > upper.x1:
        return not lower.text[:1].islower()
    stands_in = lower.x0 - upper.x0 > height / 2 and any(lower.x0 - line.x0 > height / 2 for line in after)
    return lower.middle - upper.middle > PARAGRAPH_GAP * usual or stands_in
