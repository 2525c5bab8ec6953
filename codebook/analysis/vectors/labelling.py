"""Texts beside points: which points get one, and where it stands so that it covers no other text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from codebook.analysis.core.drawing import INK
from codebook.analysis.vectors.blocks import Ints

if TYPE_CHECKING:
    from matplotlib.axes import Axes
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
_MOST_COVERED = 6
"""Points that a text may cover."""


def pick_spread(frame: pd.DataFrame, n_points: int) -> Ints:
    """Return rows that lie far from one another: the most remote first, then always the farthest from those chosen.

    Examples
    --------
    >>> pick_spread(pd.DataFrame({"x": [0, 1, 9, 10], "y": [0, 0, 0, 0]}), 2).tolist()
    [0, 3]
    """
    places = frame[["x", "y"]].to_numpy(float)
    if not len(places) or n_points < 1:
        return np.array([], dtype=np.int64)
    chosen = [int(np.square(places - places.mean(axis=0)).sum(axis=1).argmax())]
    distance = np.full(len(places), np.inf)
    while len(chosen) < min(n_points, len(places)):
        distance = np.minimum(distance, np.square(places - places[chosen[-1]]).sum(axis=1))
        chosen.append(int(distance.argmax()))
    return np.array(chosen, dtype=np.int64)


def place_labels(axes: Axes, places: npt.NDArray[np.float64], texts: Sequence[str], rows: Ints, *, most: int) -> None:
    """Write the texts of some rows beside their points, the first that find room, at most so many.

    Parameters
    ----------
    places
        `(n_rows, 2)`, in the units of the axes.
    texts, rows
        What may be written, and at which rows; `(n_labels,)` each.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure = axes.figure.figure
    assert figure is not None  # axes are of a figure
    renderer: Any = FigureCanvasAgg(figure).get_renderer()  # type: ignore[no-untyped-call]
    for _ in range(2):  # lays out the axes, whose form is settled by the second time
        figure.draw_without_rendering()
    figure.set_layout_engine("none")  # what is placed now stays in its place
    points, frame = axes.transData.transform(places), axes.get_window_extent()
    taken: list[Bbox] = []
    for row, text in zip(rows, texts, strict=True):
        if len(taken) == most:
            return
        spots = [_write(axes, places[row], text, spot) for spot in _SPOTS]
        boxes = [spot.get_window_extent(renderer).padded(5) for spot in spots]
        covered = {
            at: _count_inside(points, box)
            for at, box in enumerate(boxes)
            if _is_inside(box, frame) and not box.count_overlaps(taken)
        }
        best = min((at for at, n in covered.items() if n <= _MOST_COVERED), key=covered.__getitem__, default=None)
        if best is not None:
            taken.append(boxes[best])
        for at, spot in enumerate(spots):
            if at != best:
                spot.remove()


def _write(
    axes: Axes, point: npt.NDArray[np.float64], text: str, spot: tuple[int, int, Horizontal, Vertical]
) -> Annotation:
    """A text at a spot, with a line to its point."""
    x, y, horizontal, vertical = spot
    label = axes.annotate(
        text,
        (float(point[0]), float(point[1])),
        xytext=(x, y),
        textcoords="offset points",
        ha=horizontal,
        va=vertical,
        fontsize=7.5,
        color=INK,
        linespacing=1.1,
        multialignment="left",
        bbox={"boxstyle": "square,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.8},
        arrowprops={"arrowstyle": "-", "color": INK, "linewidth": 0.6, "shrinkA": 0, "shrinkB": 1.5},
        zorder=5,
    )
    label.set_in_layout(False)
    return label


def _is_inside(box: Bbox, frame: Bbox) -> bool:
    return bool(np.all(frame.min <= box.min) and np.all(box.max <= frame.max))


def _count_inside(points: npt.NDArray[np.float64], box: Bbox) -> int:
    """How many points a box covers."""
    return int(((points >= box.min) & (points <= box.max)).all(axis=1).sum())
