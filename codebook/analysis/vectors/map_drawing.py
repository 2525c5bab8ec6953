"""The map as a figure: a mark a vector, groups told apart in grey too, and a few texts where they find room."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from codebook.analysis.core.checks import name_some, raise_faults
from codebook.analysis.core.drawing import FAINT, figure_type, literal
from codebook.analysis.vectors.similarity_blocks import Ints
from codebook.errors import Fault
from codebook.outputs.figure_style import INK, MUTED, house_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Annotation
    from matplotlib.transforms import Bbox

MARKS = (
    ("o", "#1b2a6b"),
    ("^", "#c96a12"),
    ("s", "#6f83bd"),
    ("D", "#7a3e8e"),
    ("v", "#2f7f6f"),
    ("P", "#e0a100"),
    ("X", "#8c2d2d"),
    ("h", "#5c5c5c"),
)
"""Marker and colour of each group: the form tells them apart where the colour does not."""
_INCHES = 4.8
_N_TRIED = 4
_WIDTH = 26
"""Characters of a line of a text beside its point."""
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


@house_style()
def plot_map(
    frame: pd.DataFrame,
    *,
    hue: str = "",
    label: str = "",
    labelled: int = 8,
    title: str = "",
    explained: tuple[float, float] | None = None,
) -> Figure:
    """Draw a map of vectors.

    Parameters
    ----------
    frame
        Columns x and y, and those named below.
    hue
        Column of groups, at most eight, in order of their categories or else of their size. Each group's name stands
        at its middle.
    label
        Column of texts; `labelled` of them, far from one another, are written beside their points where they fit.
    explained
        Share of the variance of each component.

    Raises
    ------
    StatisticError
        A column is missing, or there are more groups than can be told apart.

    Examples
    --------
    >>> frame = pd.DataFrame({"x": [0, 1, 2], "y": [0, 1, 0], "kind": ["a", "b", "a"]})
    >>> [text.get_text() for text in plot_map(frame, hue="kind").axes[0].get_legend().get_texts()]
    ['a (2)', 'b (1)']
    """
    groups = check_map(frame, hue, label)
    spans = [float(np.ptp(frame[name])) or 1.0 for name in "xy"] if len(frame) else [1.0, 1.0]
    height = float(np.clip(_INCHES * spans[1] / spans[0], 2.6, 5.2)) + 0.6
    figure = figure_type()(figsize=(_INCHES + (2.0 if hue else 0.4), height), dpi=150, layout="constrained")
    axes = figure.subplots()
    size = float(np.clip(2_400 / max(len(frame), 1), 7, 34))
    for place, name in enumerate(groups or [""]):
        part = frame[frame[hue] == name] if hue else frame
        marker, colour = MARKS[place]
        style: dict[str, Any] = {"marker": marker, "color": colour, "s": size, "alpha": 0.75, "linewidths": 0}
        axes.scatter(part["x"], part["y"], label=f"{name} ({len(part):,})", **style)
    _dress(axes, title, explained)
    if hue:
        axes.legend(title=hue, frameon=False, fontsize=8, title_fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
    if label:
        rows = pick_spread(frame, _N_TRIED * labelled)
        texts = [_shorten(frame[label].iloc[row]) for row in rows]
        place_labels(axes, frame[["x", "y"]].to_numpy(float), texts, rows, most=labelled)
    return literal(figure)


def check_map(frame: pd.DataFrame, hue: str, label: str) -> list[Any]:
    """The groups in their order; faults of the frame."""
    needed = [name for name in ("x", "y", hue, label) if name]
    absent = [name for name in needed if name not in frame.columns]
    faults = [Fault("columns", f"the frame has no {name_some(absent)}", "name columns that it has")]
    raise_faults("The map cannot be drawn.", faults if absent else [])
    if not hue:
        return []
    counts = frame[hue].value_counts(sort=not isinstance(frame[hue].dtype, pd.CategoricalDtype))
    groups = [name for name, count in counts.items() if count]
    if len(groups) > len(MARKS):
        problem, mend = f"{len(groups)} groups; {len(MARKS)} can be told apart", "put the rarest together as 'other'"
        raise_faults("The map cannot be drawn.", [Fault(hue, problem, mend)])
    return groups


def _shorten(text: object) -> str:
    """The beginning of a text, on two lines at most."""
    lines = textwrap.wrap(str(text), _WIDTH, max_lines=2, placeholder=" ...")
    return "\n".join(lines)


def _dress(axes: Axes, title: str, explained: tuple[float, float] | None) -> None:
    """Axes named by the variance they explain; no scale, since its numbers say nothing."""
    for name, number, share in zip("xy", (1, 2), explained or (None, None), strict=True):
        variance = "" if share is None else f" ({100 * share:.1f} % of the variance)"
        axes.set(**{f"{name}label": f"component {number}{variance}"})
    axes.set(xticks=[], yticks=[], title=title)
    axes.margins(0.07)
    axes.set_aspect("equal", adjustable="box")
    axes.title.set(fontsize=11, color=INK)
    for text in (axes.xaxis.label, axes.yaxis.label):
        text.set(fontsize=8.5, color=MUTED)
    for spine in axes.spines.values():
        spine.set_color(FAINT)


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
