"""Where the print of a line begins, ends and leaves blank: the detector's boxes are wider than what is printed.

By it lines that run through two columns are cut at the gutter before they are read.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from codebook.engines.embedded.pages.layout import Gutter, Piece

_CORE = (0.2, 0.8)
"""The part of a line's height that is looked at; above and below it are parts of other lines."""
_DARK_PIXELS = 2
"""So many dark pixels, one above the other, are print and no speck."""
_LEAST_GAP = 0.2
"""A blank narrower than this part of a line's height stands between two letters."""


class Ink(NamedTuple):
    """A line's print from left to right, in shares of its box: where it begins, where it ends, what is blank inside."""

    start: float = 0.0
    end: float = 1.0
    gaps: tuple[tuple[float, float], ...] = ()

    def on_page(self, quad: npt.NDArray[Any]) -> Ink:
        """The same in shares of a line's length on its page.

        A line whose sides are not equally high, as corners in whole pixels make them, was cut out as if it were seen
        aslant: what is in its middle has moved.

        Examples
        --------
        >>> quad = np.array([[0, 0], [700, 0], [700, 20], [0, 22]], np.float32)
        >>> [round(edge, 3) for edge in Ink(0.0, 1.0, ((0.5, 0.52),)).on_page(quad).gaps[0]]
        [0.524, 0.544]
        """
        upper_left, upper_right, lower_right, lower_left = quad
        left, right = (float(np.linalg.norm(side)) for side in (lower_left - upper_left, lower_right - upper_right))
        ratio = left / max(1.0, right)

        def place(share: float) -> float:
            return ratio * share / (1 + (ratio - 1) * share)

        gaps = tuple((place(low), place(high)) for low, high in self.gaps)
        return Ink(place(self.start), place(self.end), gaps)


def find_ink(line: npt.NDArray[np.uint8]) -> Ink:
    """Look at a line that was cut out of its page and laid straight, `(height, width, 3)`.

    Examples
    --------
    >>> line = np.full((20, 100, 3), 250, np.uint8)
    >>> line[5:15, 10:40] = line[5:15, 60:90] = 20
    >>> find_ink(line)
    Ink(start=0.1, end=0.9, gaps=((0.4, 0.6),))
    """
    height, width = line.shape[:2]
    grey = line.mean(axis=2)[int(_CORE[0] * height) : int(_CORE[1] * height) + 1]
    dark, light = np.percentile(grey, (2, 80))
    printed = np.flatnonzero((grey < (dark + light) / 2).sum(axis=0) >= _DARK_PIXELS)
    if light - dark < 1 or not len(printed):
        return Ink()
    steps = np.flatnonzero(np.diff(printed) > 1 + _LEAST_GAP * height)
    gaps = tuple((float(printed[at] + 1) / width, float(printed[at + 1]) / width) for at in steps)
    return Ink(float(printed[0]) / width, float(printed[-1] + 1) / width, gaps)


def narrow_box(box: Sequence[float], ink: Ink) -> tuple[float, float, float, float, tuple[tuple[float, float], ...]]:
    """Left, upper, right, lower edge of what is printed in a box, and its gaps, in the units of the page.

    Examples
    --------
    >>> narrow_box((100, 0, 200, 20), Ink(0.1, 0.9, ((0.4, 0.6),)))
    (110.0, 0, 190.0, 20, ((140.0, 160.0),))
    """
    x0, y0, x1, y1 = box
    width = x1 - x0
    gaps = tuple((x0 + low * width, x0 + high * width) for low, high in ink.gaps)
    return x0 + ink.start * width, y0, x0 + ink.end * width, y1, gaps


def find_cuts(piece: Piece, gutters: Sequence[Gutter]) -> list[float]:
    """Where a line is to be cut, from left to right: in the middle of its gaps that lie in a gutter."""
    runs = [gutter for gutter in gutters if gutter.y0 <= piece.middle <= gutter.y1]
    return [
        (low + high) / 2
        for low, high in piece.gaps
        if any(low <= (gutter.x0 + gutter.x1) / 2 <= high for gutter in runs)
    ]


def cut_quad(quad: npt.NDArray[Any], shares: Sequence[float]) -> list[npt.NDArray[np.float32]]:
    """Cut a line's corners, from the upper left one clockwise, at shares of its width.

    Examples
    --------
    >>> quad = np.array([[0, 0], [100, 0], [100, 20], [0, 20]], np.float32)
    >>> [part[:2, 0].round(3).tolist() for part in cut_quad(quad, [0.5])]
    [[0.0, 50.0], [50.0, 100.0]]
    """
    upper_left, upper_right, lower_right, lower_left = quad
    ends = [0.0, *shares, 1.0]
    return [
        np.array(
            [
                upper_left + low * (upper_right - upper_left),
                upper_left + high * (upper_right - upper_left),
                lower_left + high * (lower_right - lower_left),
                lower_left + low * (lower_right - lower_left),
            ],
            np.float32,
        )
        for low, high in pairwise(ends)
    ]
