"""The map as a figure: a mark a vector, groups told apart in grey too, and a few texts where they find room."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import name_some, raise_faults
from codebook.analysis.core.drawing import literal, new_figure, say_in_picture, wrap
from codebook.analysis.core.label_places import place_labels
from codebook.analysis.vectors.similarity_blocks import Ints
from codebook.errors import Fault
from codebook.ground.quantities import say_percent
from codebook.outputs.figure_style import GRID, Axes, Figure, house_style

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
_MM = 110
_N_TRIED = 4
_WIDTH = 26
"""Characters of a line of a text beside its point."""


@house_style()
def plot_map(
    frame: pd.DataFrame,
    *,
    hue: str = "",
    label: str = "",
    labelled: int = 8,
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
    height = float(np.clip(_MM * spans[1] / spans[0], 66, _MM)) + 12
    figure = new_figure("two" if hue else "middle", height)
    axes = figure.subplots()
    size = float(np.clip(2_400 / max(len(frame), 1), 6, 24))
    for place, name in enumerate(groups or [""]):
        part = frame[frame[hue] == name] if hue else frame
        marker, colour = MARKS[place]
        style: dict[str, Any] = {"marker": marker, "color": colour, "s": size, "alpha": 0.75, "linewidths": 0}
        axes.scatter(part["x"], part["y"], label=wrap(f"{name} ({len(part):,})", 30), **style)
    _dress(axes, explained)
    say_in_picture(figure, f"n = {len(frame):,} vectors; what is near is alike, as far as two components show it.")
    if hue:
        axes.legend(title=hue, loc="upper left", bbox_to_anchor=(1, 1), alignment="left")
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


def _dress(axes: Axes, explained: tuple[float, float] | None) -> None:
    """Axes named by the variance they explain; no scale, since its numbers say nothing."""
    for name, number, share in zip("xy", (1, 2), explained or (None, None), strict=True):
        variance = "" if share is None else f" ({say_percent(share, 1)} of the variance)"
        axes.set(**{f"{name}label": f"component {number}{variance}"})
    axes.set(xticks=[], yticks=[])
    axes.margins(0.07)
    axes.set_aspect("equal", adjustable="box", anchor="W")
    for spine in axes.spines.values():
        spine.set(color=GRID, visible=True)


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
