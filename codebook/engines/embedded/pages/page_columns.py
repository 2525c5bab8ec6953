"""Pieces of text with their places on a page: the gutters between columns, and the lines on either side of them.

Coordinates grow to the right and downwards, in any one unit; all distances are taken relative to the height of the
page's lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

GUTTER_WIDTH = 0.6
"""A gap at least this wide (in line heights) can part columns."""
GUTTER_LINES = 3
"""A gap parts columns where it runs along so many lines on each side."""
WIDE_GAP = 5.0
"""Pieces of one height on the page that are farther apart (in line heights) are not one line."""


class Piece(NamedTuple):
    """A run of text and the box it stands in: left, upper, right, lower edge. `unsure` are its doubtful words."""

    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    unsure: tuple[str, ...] = ()

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

    A strip is looked for at every quarter of a line height: it runs from one piece that lies across it to the next,
    and counts where, along its way, at least `GUTTER_LINES` pieces stand on each side of it.
    """
    boxes = np.array([piece[1:5] for piece in pieces])
    middles, width = (boxes[:, 1] + boxes[:, 3]) / 2, GUTTER_WIDTH * height
    gutters: list[Gutter] = []
    for x in np.arange(boxes[:, 0].min(), boxes[:, 2].max(), height / 4):
        left, right = boxes[:, 2] <= x, boxes[:, 0] >= x + width
        stops = np.sort(middles[~left & ~right])
        for low, high in zip([-np.inf, *stops], [*stops, np.inf], strict=True):
            sides = [middles[side & (middles > low) & (middles < high)] for side in (left, right)]
            if min(map(len, sides)) and _run_along(*sides) >= GUTTER_LINES:
                _add_gutter(gutters, Gutter(float(x), float(x + width), float(low), float(high)))
    return sorted(gutters)


def _run_along(left: Floats, right: Floats) -> int:
    """How many pieces stand beside one another: on the side that has fewer, within the heights that both cover."""
    top, foot = max(left.min(), right.min()), min(left.max(), right.max())
    return int(min(((side >= top) & (side <= foot)).sum() for side in (left, right)))


def _add_gutter(gutters: list[Gutter], new: Gutter) -> None:
    """Add a strip, joined with all that it touches and runs along with."""
    touched = [old for old in gutters if new.x0 <= old.x1 and min(new.y1, old.y1) > max(new.y0, old.y0)]
    for old in touched:
        gutters.remove(old)
        new = Gutter(min(old.x0, new.x0), max(old.x1, new.x1), min(old.y0, new.y0), max(old.y1, new.y1))
    gutters.append(new)


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
    return Piece(" ".join(piece.text for piece in pieces), min(x0), min(y0), max(x1), max(y1), unsure)
