"""The map as a figure: a mark a vector, groups told apart in grey too, and a few texts where they find room."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import name_some, raise_faults
from codebook.analysis.core.drawing import FAINT, INK, MUTED, figure_type, literal
from codebook.analysis.vectors.labelling import pick_spread, place_labels
from codebook.errors import Fault

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

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


def plot_map(
    frame: pd.DataFrame,
    *,
    hue: str = "",
    label: str = "",
    labelled: int = 8,
    title: str = "",
) -> Figure:
    """Draw a map of vectors.

    Parameters
    ----------
    frame
        Of `map_vectors`, with columns x and y, and those named below put to it.
    hue
        Column of groups, at most eight, in order of their categories or else of their size. Each group's name stands
        at its middle.
    label
        Column of texts; `labelled` of them, far from one another, are written beside their points where they fit.

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
    groups = _find_groups(frame, hue, label)
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
    _dress(axes, frame, hue, title)
    if hue:
        axes.legend(title=hue, frameon=False, fontsize=8, title_fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
    if label:
        rows = pick_spread(frame, _N_TRIED * labelled)
        texts = [_shorten(frame[label].iloc[row]) for row in rows]
        place_labels(axes, frame[["x", "y"]].to_numpy(float), texts, rows, most=labelled)
    return literal(figure)


def _find_groups(frame: pd.DataFrame, hue: str, label: str) -> list[Any]:
    """The groups in their order; faults of the frame."""
    needed = [name for name in ("x", "y", hue, label) if name]
    absent = [name for name in needed if name not in frame.columns]
    faults = [Fault("columns", f"the frame has no {name_some(absent)}", "take it of map_vectors and add the others")]
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


def _dress(axes: Axes, frame: pd.DataFrame, hue: str, title: str) -> None:
    """Axes named by the variance they explain; no scale, since its numbers say nothing."""
    shares = frame.attrs.get("explained", [None, None])
    for name, share in zip("xy", shares, strict=True):
        told = "" if share is None else f" ({100 * share:.1f} % of the variance)"
        axes.set(**{f"{name}label": f"component {1 if name == 'x' else 2}{told}"})
    axes.set(xticks=[], yticks=[], title=title)
    axes.margins(0.07)
    axes.set_aspect("equal", adjustable="box")
    axes.title.set(fontsize=11, color=INK)
    for text in (axes.xaxis.label, axes.yaxis.label):
        text.set(fontsize=8.5, color=MUTED)
    for spine in axes.spines.values():
        spine.set_color(FAINT)
