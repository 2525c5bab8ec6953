"""Texts beside points: which points get one, and where it stands so that it covers no other text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from codebook.analysis.drawing import INK
from codebook.analysis.vectors.blocks import Ints

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.backend_bases import RendererBase
    from matplotlib.figure import Figure
    from matplotlib.text import Annotation
    from matplotlib.transforms import Bbox

_SPOTS = [
    (x, y, horizontal, vertical)
    for reach in (6, 16, 30)
    for x, horizontal in ((reach, "left"), (-reach, "right"))
    for y, vertical in ((0, "center"), (reach, "bottom"), (-reach, "top"))
]
"""Places tried for a text, in points from its own, the nearest first."""


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


def place_labels(
    figure: Figure, axes: Axes, places: npt.NDArray[np.float64], texts: Mapping[int, str], rows: Iterable[int]
) -> None:
    """Write the texts of some rows beside their points; one that fits nowhere is left out.

    Parameters
    ----------
    places
        `(n_rows, 2)`, in the units of the axes.
    texts
        The text of each row.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    figure.draw_without_rendering()  # lays out the axes, so that places on the page are known
    renderer, frame = canvas.get_renderer(), axes.get_window_extent()
    taken: list[Bbox] = []
    for row in rows:
        if written := _write(axes, renderer, places[row], texts[row], frame, taken):
            taken.append(written.get_window_extent(renderer).padded(2))


def _write(
    axes: Axes,
    renderer: RendererBase,
    point: npt.NDArray[np.float64],
    text: str,
    frame: Bbox,
    taken: list[Bbox],
) -> Annotation | None:
    """The text at the first spot where it covers no other and stays inside, or None."""
    from matplotlib.patheffects import withStroke

    for x, y, horizontal, vertical in _SPOTS:
        label = axes.annotate(
            text,
            (float(point[0]), float(point[1])),
            xytext=(x, y),
            textcoords="offset points",
            ha=horizontal,
            va=vertical,
            fontsize=7.5,
            color=INK,
            arrowprops={"arrowstyle": "-", "color": INK, "linewidth": 0.5, "shrinkA": 0, "shrinkB": 1},
            path_effects=[withStroke(linewidth=2.2, foreground="white")],
            zorder=5,
        )
        label.set_in_layout(False)
        box = label.get_window_extent(renderer)
        inside = frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1
        if inside and not any(box.overlaps(other) for other in taken):
            return label
        label.remove()
    return None
