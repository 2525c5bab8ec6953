"""Reading order: pieces of text with their places on a page become lines, columns, tables and paragraphs.

The same rules serve the text layer of a PDF and the lines that optical reading found. Coordinates grow to the right and
downwards, in any one unit; all distances are taken relative to the height of the page's lines.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

GUTTER_LINES = 3
"""A gap parts columns where it runs along so many lines on each side, at least."""
GUTTER_AREA = 1.35
"""A gap parts columns where its width times the lines along it, both in line heights, is at least this: the narrower it
is, the longer it must be."""
NO_ACCIDENT = 20.0
"""A gap parts columns where blanks stand above one another so by a chance of at most exp(-20)."""
SPACE = 1.5
"""A blank wider than this (in line heights) is no space between words."""
TELLING, SURE = 4.0, 7.0
"""What a line tells of that chance at most, as its negative logarithm: by a blank that may be a space, and else."""
WIDE_GAP = 5.0
"""Pieces of one height on the page that are farther apart (in line heights) are not one line."""


class Piece(NamedTuple):
    """A run of text and the box it stands in: left, upper, right, lower edge.

    `unsure` are its doubtful words; `gaps` the blank stretches inside it, from where to where, if they were looked for.
    """

    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    unsure: tuple[str, ...] = ()
    gaps: tuple[tuple[float, float], ...] = ()

    @property
    def middle(self) -> float:
        """Height of its middle on the page."""
        return (self.y0 + self.y1) / 2


class Gutter(NamedTuple):
    """An empty strip between columns, and from where to where it runs."""

    x0: float
    x1: float
    y0: float
    y1: float

    def parts(self, first: Piece, second: Piece) -> bool:
        """Whether it lies between two pieces that stand side by side."""
        left, right = (first, second) if first.x0 <= second.x0 else (second, first)
        runs = self.y0 <= left.middle <= self.y1 and self.y0 <= right.middle <= self.y1
        middle = (self.x0 + self.x1) / 2
        return runs and (left.x0 + left.x1) / 2 < middle < (right.x0 + right.x1) / 2


def find_gutters(pieces: Sequence[Piece], height: float) -> list[Gutter]:
    """Return the empty strips between columns, from left to right.

    A strip is looked for at every eighth of a line height: it runs from one piece that lies across it to the next, and
    is as wide as the pieces along it leave it. A line that is blank at this place, as it may be between two words,
    stands on both sides.
    """
    lines = join_lines(pieces, (), height)
    boxes, blanks = np.array([line[1:5] for line in lines]), _gather_blanks(lines)
    middles = (boxes[:, 1] + boxes[:, 3]) / 2
    gutters: list[Gutter] = []
    for x in np.arange(boxes[:, 0].min(), boxes[:, 2].max(), height / 8):
        inside = blanks[(blanks[:, 1] <= x) & (x <= blanks[:, 2])]
        if min((boxes[:, 2] <= x).sum(), (boxes[:, 0] >= x).sum()) + len(inside) < GUTTER_LINES:
            continue
        for gutter, along in _strips(middles, _find_free(boxes, inside, float(x), height)):
            n_lines, width = min(len(side) for side in along), gutter.x1 - gutter.x0
            if n_lines < GUTTER_LINES or n_lines * width < GUTTER_AREA * height:
                continue
            if min(sum(_tell(lines[at], gutter, height) for at in side) for side in along) >= NO_ACCIDENT:
                _add_gutter(gutters, gutter)
    return sorted(_leave_out_slivers(gutters, height))


def _gather_blanks(lines: Sequence[Piece]) -> Floats:
    """The blanks inside lines, `(n_blanks, 3)`: the line's place, from where, to where."""
    return np.array([(at, *gap) for at, line in enumerate(lines) for gap in line.gaps], np.float64).reshape(-1, 3)


def _find_free(boxes: Floats, inside: Floats, x: float, height: float) -> tuple[Floats, Floats]:
    """Up to where each line reaches on the left of a place, and from where on the right; infinite where it does not.

    `inside` are the blanks at this place. A line that has only a space between words there, narrow beside what the
    others leave free, runs across, as a heading does.
    """
    left = np.where(boxes[:, 2] <= x, boxes[:, 2], -np.inf)
    right = np.where(boxes[:, 0] >= x, boxes[:, 0], np.inf)
    sides, widths = (left[np.isfinite(left)], right[np.isfinite(right)]), inside[:, 2] - inside[:, 1]
    n_apart = (len(sides[0]) + len(sides[1])) // 2
    between = [float(sides[1].min() - sides[0].max())] * n_apart if all(map(len, sides)) else []
    if len(inside):
        usual = float(np.quantile([*widths, *between], 0.25))
        wide = inside[widths > min(usual / 2, SPACE * height)]
        at = wide[:, 0].astype(int)
        left[at], right[at] = wide[:, 1], wide[:, 2]
    return left, right


def _gap_at(line: Piece, x: float) -> tuple[float, float] | None:
    return next(((low, high) for low, high in line.gaps if low <= x <= high), None)


def _strips(middles: Floats, edges: tuple[Floats, Floats]) -> Iterator[tuple[Gutter, list[npt.NDArray[np.int_]]]]:
    """The strips at one place across the page, and which lines run along each of them, on its left and on its right."""
    free = np.isfinite(edges[0]), np.isfinite(edges[1])
    stops = np.sort(middles[~free[0] & ~free[1]])
    for top, foot in zip([-np.inf, *stops], [*stops, np.inf], strict=True):
        sides = [side & (middles > top) & (middles < foot) for side in free]
        if all(side.any() for side in sides):
            x0, x1 = float(edges[0][sides[0]].max()), float(edges[1][sides[1]].min())
            low, high = max(middles[side].min() for side in sides), min(middles[side].max() for side in sides)
            along = [np.flatnonzero(side & (middles >= low) & (middles <= high)) for side in sides]
            yield Gutter(x0, x1, float(top), float(foot)), along


def _tell(line: Piece, gutter: Gutter, height: float) -> float:
    """Negative logarithm of the chance that a line is blank somewhere by another blank as wide as a strip."""
    gap = _gap_at(line, (gutter.x0 + gutter.x1) / 2)
    if gap is None:
        return SURE
    width = gutter.x1 - gutter.x0
    others = sum(high - low for low, high in line.gaps if (low, high) != gap and high - low >= width)
    most = SURE if gap[1] - gap[0] > SPACE * height else TELLING
    return min(most, -math.log(max(others, 1.0) / (line.x1 - line.x0)))


def _add_gutter(gutters: list[Gutter], new: Gutter) -> None:
    """Add a strip, joined with all that it touches and runs along with."""
    touched = [old for old in gutters if new.x0 <= old.x1 and min(new.y1, old.y1) > max(new.y0, old.y0)]
    for old in touched:
        gutters.remove(old)
        new = Gutter(min(old.x0, new.x0), max(old.x1, new.x1), min(old.y0, new.y0), max(old.y1, new.y1))
    gutters.append(new)


def _leave_out_slivers(gutters: Sequence[Gutter], height: float) -> list[Gutter]:
    """The gutters without those that stand within a line height of a wider one: no column fits between."""
    wide: list[Gutter] = []
    for new in sorted(gutters, key=lambda gutter: gutter.x0 - gutter.x1):
        beside = [old for old in wide if min(new.y1, old.y1) > max(new.y0, old.y0)]
        if not any(new.x0 - height < old.x1 and old.x0 - height < new.x1 for old in beside):
            wide.append(new)
    return wide


def place_column(piece: Piece, gutters: Sequence[Gutter]) -> int:
    """Return the number of gutters to the left of a piece, at its height."""
    centre = (piece.x0 + piece.x1) / 2
    return sum((gutter.x0 + gutter.x1) / 2 < centre and gutter.y0 <= piece.middle <= gutter.y1 for gutter in gutters)


def join_lines(pieces: Sequence[Piece], gutters: Sequence[Gutter], height: float) -> list[Piece]:
    """Return lines: pieces of one height on the page, side by side, with no gutter and no wide gap between them."""
    lines: list[list[Piece]] = []
    for piece in sorted(pieces, key=lambda piece: (piece.x0, piece.y0)):
        ends = [(abs(line[-1].middle - piece.middle), place) for place, line in enumerate(lines)]
        near = [place for step, place in sorted(ends) if step < height / 2]
        fitting = (place for place in near if _continues(lines[place][-1], piece, gutters, height))
        place = next(fitting, None)
        if place is None:
            lines.append([piece])
        else:
            lines[place].append(piece)
    return [as_line(line) for line in lines]


def _continues(before: Piece, after: Piece, gutters: Sequence[Gutter], height: float) -> bool:
    gap = after.x0 - before.x1
    return -height < gap < WIDE_GAP * height and not any(gutter.parts(before, after) for gutter in gutters)


def as_line(pieces: Sequence[Piece]) -> Piece:
    """Pieces from left to right as one."""
    if len(pieces) == 1:
        return pieces[0]
    x0, y0, x1, y1 = zip(*(piece[1:5] for piece in pieces), strict=True)
    unsure = tuple(word for piece in pieces for word in piece.unsure)
    gaps = [gap for piece in pieces for gap in piece.gaps]
    gaps += [(left.x1, right.x0) for left, right in pairwise(pieces) if left.x1 < right.x0]
    text = " ".join(piece.text for piece in pieces)
    return Piece(text, min(x0), min(y0), max(x1), max(y1), unsure, tuple(sorted(gaps)))


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
