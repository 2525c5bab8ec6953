"""Texts beside points and at the ends of lines, where they cover neither each other nor many points."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from codebook.analysis.core.scales import Floats, Ints
from codebook.outputs.figure_style import INK, NOTE, Axes

if TYPE_CHECKING:
    from matplotlib.text import Annotation
    from matplotlib.transforms import Bbox

Horizontal = Literal["left", "right"]
Vertical = Literal["center", "bottom", "top"]
_SIDES: tuple[tuple[int, Horizontal], ...] = ((1, "left"), (-1, "right"))
_HEIGHTS: tuple[tuple[int, Vertical], ...] = ((0, "center"), (1, "bottom"), (-1, "top"))
_SPOTS = [
    (x * reach, y * reach, horizontal, vertical)
    for reach in (7, 16, 30)
    for x, horizontal in _SIDES
    for y, vertical in _HEIGHTS
]
"""Places tried for a text, in points from its own, the nearest first."""
_LINE_POINTS = 9.0
"""From line to line of text, in points."""
_MOST_COVERED = 6


def place_labels(
    axes: Axes, places: Floats, texts: Sequence[str], rows: Ints, *, most: int, most_covered: float = _MOST_COVERED
) -> None:
    """Write the texts of some rows beside their points: the first texts that find room, up to a number.

    `places`: `(n_rows, 2)`, in the units of the axes. `texts` and `rows`: what may be written, and at which rows;
    `(n_labels,)` each. `most_covered`: points that a text may cover; it goes where it covers fewest.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure = axes.figure.figure
    assert figure is not None  # axes are of a figure
    renderer: Any = FigureCanvasAgg(figure).get_renderer()  # type: ignore[no-untyped-call]
    for _ in range(2):  # lays out the axes, whose form is settled by the second time
        figure.draw_without_rendering()
    points, frame = axes.transData.transform(places), axes.get_window_extent()
    taken: list[Bbox] = []
    for row, text in zip(rows, texts, strict=True):
        if len(taken) == most:
            return
        spots = [_write(axes, places[row], text, spot) for spot in _SPOTS]
        boxes = [spot.get_window_extent(renderer).padded(5) for spot in spots]
        covered = {
            at: int(((points >= box.min) & (points <= box.max)).all(axis=1).sum())
            for at, box in enumerate(boxes)
            if np.all(frame.min <= box.min) and np.all(box.max <= frame.max) and not box.count_overlaps(taken)
        }
        best = min((at for at, n in covered.items() if n <= most_covered), key=covered.__getitem__, default=None)
        if best is not None:
            taken.append(boxes[best])
        for at, spot in enumerate(spots):
            if at != best:
                spot.remove()


def _write(axes: Axes, point: Floats, text: str, spot: tuple[int, int, Horizontal, Vertical]) -> Annotation:
    """A text at a spot, with a line to its point."""
    x, y, horizontal, vertical = spot
    label = axes.annotate(
        text,
        (float(point[0]), float(point[1])),
        xytext=(x, y),
        textcoords="offset points",
        ha=horizontal,
        va=vertical,
        fontsize=NOTE,
        color=INK,
        linespacing=1.1,
        multialignment="left",
        bbox={"boxstyle": "square,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.8},
        arrowprops={"arrowstyle": "-", "color": INK, "linewidth": 0.6, "shrinkA": 0, "shrinkB": 1.5},
        zorder=5,
    )
    label.set_in_layout(False)
    return label


def label_ends(axes: Axes, texts: Sequence[str], ends: Sequence[float], colours: Sequence[str]) -> None:
    """Write a text beside the right end of each line, pushed apart where two ends are near.

    `ends`: last value of each line, `(n_lines,)`, in the units of the y axis.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> axes = Figure(figsize=(3, 2)).subplots()
    >>> label_ends(axes, ["one", "two"], [0.5, 0.5], ["k", "k"])
    >>> [round(text.xyann[1]) != 0 for text in axes.texts]
    [True, True]
    """
    figure = axes.figure.figure
    assert figure is not None  # axes are of a figure
    figure.draw_without_rendering()
    heights = axes.transData.transform(np.column_stack([np.ones(len(ends)), ends]))[:, 1] * 72 / figure.dpi
    order = np.argsort(heights)
    wanted = spread_apart(heights[order], _LINE_POINTS)
    for place, height in zip(order, wanted, strict=True):
        axes.annotate(
            texts[place],
            (1, float(ends[place])),
            xycoords=("axes fraction", "data"),
            xytext=(4, float(height - heights[place])),
            textcoords="offset points",
            va="center",
            color=colours[place],
            annotation_clip=False,
        )


def spread_apart(places: Floats, gap: float) -> Floats:
    """Ascending places moved as little as it takes to be `gap` apart.

    Examples
    --------
    >>> spread_apart(np.array([0.0, 1.0, 9.0]), 4).tolist()
    [-1.5, 2.5, 9.0]
    """
    from scipy.optimize import isotonic_regression

    steps = gap * np.arange(len(places))
    return np.asarray(isotonic_regression(places - steps).x + steps)
