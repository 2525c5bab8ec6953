"""Words that were blacked out: each bar is marked in the text and is unsure, so that nothing vanishes unsaid."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from codebook.engines.embedded.pages.ink import cut_quad
from codebook.engines.embedded.pages.layout import WIDE_GAP, Piece
from codebook.files.pdfs import REDACTED, draw_page, to_page

if TYPE_CHECKING:
    from pypdfium2 import PdfPage, PdfTextPage

Box = tuple[float, float, float, float]
Quads = npt.NDArray[np.float32]

_TALL, _WIDE = 0.45, 1.2
"""A bar is at least so tall and so wide, in line heights: a rule is lower, a letter or a bullet is narrower."""
_SOLID = 0.8
"""The least part of what is dark there, and of the box around it, that a bar fills: print on black leaves gaps."""
_NEAR = 3.0
"""A bar stands at most so many line heights above or below a line; farther off it is part of a picture."""
_LEAST = 0.3
"""What is left of a line beside a bar is read where it is wider than so many line heights."""
_DPI, _LONGEST = 72, 2_000


def find_bars(image: npt.NDArray[np.uint8], height: float) -> Quads:
    """Corners of the bars on a page's image whose lines are so many pixels high, `(n_bars, 4, 2)`.

    Examples
    --------
    >>> page = np.full((100, 300, 3), 240, np.uint8)
    >>> page[40:60, 100:180] = 20
    >>> find_bars(page, 20.0).round().tolist()
    [[[100.0, 40.0], [179.0, 40.0], [179.0, 59.0], [100.0, 59.0]]]
    """
    import cv2

    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    dark = (grey < np.median(grey) / 2).astype(np.uint8)
    kernel = np.ones((round(_TALL * height) | 1, round(_WIDE * height) | 1), np.uint8)  # odd: else it moves a pixel
    core = cv2.morphologyEx(dark, cv2.MORPH_OPEN, kernel)
    if not core.any():
        return np.empty((0, 4, 2), np.float32)
    return np.array(list(_solid_parts(core, dark)), np.float32).reshape(-1, 4, 2)


def _solid_parts(core: npt.NDArray[Any], dark: npt.NDArray[Any]) -> Iterator[Quads]:
    """The parts of a page that are nothing but ink and do not reach its edge, each from the upper left corner on."""
    import cv2

    _, of_dark, dark_stats, _ = cv2.connectedComponentsWithStats(dark)
    n_parts, of_core, stats, _ = cv2.connectedComponentsWithStats(core)
    for part in range(1, n_parts):
        left, top, width, height, area = stats[part]
        if left == 0 or top == 0 or left + width == core.shape[1] or top + height == core.shape[0]:
            continue  # the shadow of a scanner
        inside = of_core[top : top + height, left : left + width] == part
        whole = dark_stats[of_dark[top : top + height, left : left + width][inside][0]][4]
        rows, columns = np.nonzero(inside)
        corners = cv2.boxPoints(cv2.minAreaRect(np.stack([columns + left, rows + top], axis=1).astype(np.float32)))
        around = cv2.contourArea(corners)
        if area >= _SOLID * max(whole, around):
            yield _from_upper_left(corners)


def _from_upper_left(corners: npt.NDArray[Any]) -> Quads:
    """Four corners clockwise, the upper left one first."""
    sums, steps = corners.sum(axis=1), corners[:, 1] - corners[:, 0]
    return np.asarray(corners[[sums.argmin(), steps.argmin(), sums.argmax(), steps.argmax()]], np.float32)


def keep_near(bars: Quads, lines: Quads, height: float) -> Quads:
    """The bars that stand in a line, beside one, or close above or below; all of them where there is no line."""
    if not len(bars) or not len(lines):
        return bars
    low, high = lines.min(axis=1), lines.max(axis=1)
    start, end = bars.min(axis=1)[:, None], bars.max(axis=1)[:, None]
    beside, apart = np.moveaxis(np.maximum(low - end, start - high), -1, 0)
    near = ((beside < WIDE_GAP * height) & (apart < 0)) | ((beside < 0) & (apart < _NEAR * height))
    return np.asarray(bars[near.any(axis=1)], np.float32)


def cut_at_bars(quads: Quads, bars: Quads, height: float) -> Quads:
    """Cut lines at the bars that stand in them, so that what is beside a bar is read by itself.

    Examples
    --------
    >>> line = np.array([[[0, 0], [100, 0], [100, 20], [0, 20]]], np.float32)
    >>> bar = np.array([[[40, 2], [70, 2], [70, 18], [40, 18]]], np.float32)
    >>> [part[:2, 0].round().tolist() for part in cut_at_bars(line, bar, 20.0)]
    [[0.0, 40.0], [70.0, 100.0]]
    """
    if not len(bars):
        return quads
    parts = [part for quad in quads for part in _cut_one(quad, bars, height)]
    return np.array(parts, np.float32).reshape(-1, 4, 2)


def _cut_one(quad: Quads, bars: Quads, height: float) -> Iterator[Quads]:
    (left, top), (right, foot) = quad.min(axis=0), quad.max(axis=0)
    edges = [0.0]
    for (x0, y0), (x1, y1) in sorted((tuple(bar.min(axis=0)), tuple(bar.max(axis=0))) for bar in bars):
        if y0 < (top + foot) / 2 < y1 and x0 < right and x1 > left:
            edges += [max(0.0, float((x0 - left) / (right - left))), min(1.0, float((x1 - left) / (right - left)))]
    edges.append(1.0)
    pieces = cut_quad(quad, edges[1:-1])[::2]
    for piece, start, end in zip(pieces, edges[::2], edges[1::2], strict=True):
        if end - start == 1.0 or (end - start) * (right - left) > _LEAST * height:
            yield piece


def mark_bars(bars: Quads) -> list[Piece]:
    """A mark in the place of each bar, which is unsure."""
    return [Piece(REDACTED, *_edges(bar), (REDACTED,)) for bar in bars]


def _edges(bar: Quads) -> Box:
    (x0, y0), (x1, y1) = bar.min(axis=0), bar.max(axis=0)
    return float(x0), float(y0), float(x1), float(y1)


def find_hidden(page: PdfPage, layer: PdfTextPage, boxes: Sequence[Box]) -> list[Box]:
    """Places on a page with a text layer that are blacked out and hold no text: left, bottom, right, top, in points.

    Parameters
    ----------
    boxes
        Places of the layer's runs of text.
    """
    if not boxes or not _has_drawing(page):
        return []
    picture = draw_page(page, _DPI, _LONGEST)
    height = float(np.median([top - bottom for _, bottom, _, top in boxes]))
    bars = find_bars(np.asarray(picture), height * picture.width / page.get_width())
    placed = np.array([[to_page(page, picture.size, x, y) for x, y in bar] for bar in bars], np.float32)
    lines = np.array([[box[:2], box[2:]] for box in boxes], np.float32)
    near = keep_near(placed.reshape(-1, 4, 2), lines, height)
    return [box for box in map(_edges, near) if not layer.get_text_bounded(*box).strip()]  # white on black is read


def _has_drawing(page: PdfPage) -> bool:
    """Whether anything but text stands on a page."""
    import pypdfium2.raw as pdfium

    others = (thing.type != pdfium.FPDF_PAGEOBJ_TEXT for thing in page.get_objects(max_depth=1))
    return any(others) or pdfium.FPDFPage_GetAnnotCount(page) > 0


def cut_box(box: Box, hidden: Sequence[Box]) -> Iterator[Box]:
    """The parts of a run of text beside what is blacked out in it, from left to right.

    Examples
    --------
    >>> list(cut_box((0, 0, 100, 10), [(40, 1, 70, 11)]))
    [(0, 0, 40, 10), (70, 0, 100, 10)]
    """
    left, bottom, right, top = box
    for x0, y0, x1, y1 in sorted(hidden):
        if y0 < (bottom + top) / 2 < y1 and left < x0 and x1 < right:
            yield left, bottom, x0, top
            left = x1
    yield left, bottom, right, top
