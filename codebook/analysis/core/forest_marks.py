"""What stands on the axes of a forest: dots and bars, numbers beside them, customary lines, the legend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from codebook.analysis.core.drawing import dress_ticks, measure_mm, shorten
from codebook.ground.quantities import format_figure
from codebook.outputs.figure_style import BASELINE, CORRECTED, GRID, INK, MODEL, MUTED, NOTE, Axes, Figure, Mark

FEW = 10
"""Units below which a marker is open."""
_PALE, _DARK_ORANGE = "#f5f5f5", "#a5540a"  # the ground of a row; orange that is read as text on it
POINT = 72 / 25.4
"""A mm in points."""
LEGEND_LINE = 4.6
"""mm of a line of the legend."""


def draw_member(axes: Axes, lines: pd.DataFrame, mark: Mark, *, label: str = "", at: str = "y") -> None:
    """Dots with intervals of one group."""
    axes.hlines(lines[at], lines["low"], lines["high"], color=mark.colour, linewidth=1.2, zorder=2)
    is_open = lines["low"].isna() | (lines["n"] < FEW) | mark.is_open
    for part, face in ((lines[~is_open], mark.colour), (lines[is_open], "white")):
        style: dict[str, Any] = {"color": mark.colour, "markerfacecolor": face, "linestyle": "none", "zorder": 3}
        style |= {"clip_on": False, "in_layout": False}  # a dot at the end of the axis is whole
        axes.plot(part["value"], part[at], mark.marker, **style)
    if label:
        face = "white" if mark.is_open else mark.colour
        axes.plot([], [], mark.marker, color=mark.colour, markerfacecolor=face, linestyle="none", label=label)


def band(axes: Axes, lines: pd.DataFrame) -> None:
    """A pale ground under every second row: which dots belong together."""
    rows = lines.drop_duplicates("row")[["middle", "bottom"]].to_numpy()
    for middle, bottom in rows[1::2]:
        axes.axhspan(2 * middle - bottom, bottom, color=_PALE, linewidth=0, zorder=0)


def print_numbers(axes: Axes, text: tuple[str, str, str], y: float, columns: list[float], mark: Mark) -> None:
    """Value, interval and units right of the axes, each in its column."""
    edges = (np.cumsum([width + 1.8 for width in columns]) + 1) * POINT
    colour = {BASELINE: MUTED, MODEL: INK, CORRECTED: _DARK_ORANGE}.get(mark.colour, mark.colour)
    for part, edge in zip(text, edges, strict=True):
        place: dict[str, Any] = {"xytext": (edge, 0), "textcoords": "offset points", "annotation_clip": False}
        ink = MUTED if part.startswith("undefined") else colour
        style: dict[str, Any] = {"ha": "right", "va": "center", "color": ink}
        axes.annotate(part, (1, y), xycoords=("axes fraction", "data"), **place, **style)


def say_undefined(axes: Axes, lines: pd.DataFrame) -> None:
    """The word, where a row has no value."""
    for y in lines.loc[lines["value"].isna(), "middle"].unique():
        axes.annotate(
            "undefined", (0.01, y), xycoords=("axes fraction", "data"), color=MUTED, fontsize=NOTE, va="center"
        )


def dress(axes: Axes, lines: pd.DataFrame, names: dict[str, str], references: Sequence[float], room: float) -> None:
    """Names of the rows, span and ticks of the axis, grid and reference lines."""
    middles = lines.drop_duplicates("row")["middle"]
    axes.set_yticks(middles, list(names.values()), linespacing=1.05)
    axes.set_ylim(measure_height(lines), 0)
    axes.set_xlim(*_span(lines, references))
    dress_ticks(axes.xaxis, most=max(2, int(room / 9)))
    axes.grid(axis="x", color=GRID)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    mark_references(axes, references, room)


def _span(lines: pd.DataFrame, references: Sequence[float]) -> tuple[float, float]:
    """From 0 to 1 where that holds all figures; where 0 is the reference, or they exceed 1, what they need."""
    figures = np.concatenate([lines[["value", "low", "high"]].to_numpy(dtype=float).ravel(), [*references, 0]])
    low, high = float(np.nanmin(figures)), float(np.nanmax(figures))
    if high <= 1 and 0 not in references:
        return min(low * 1.06, 0), 1.0
    pad = 0.06 * ((high - low) or 1)
    return low - pad, high + pad


def mark_references(axes: Axes, references: Sequence[float], room: float) -> None:
    """Lines with their values above; the values of two that are near stand on their outer sides."""
    low, high = axes.get_xlim()
    places = [(at - low) / (high - low) * room for at in references]
    for at, reference in enumerate(references):
        axes.axvline(reference, color=MUTED, linewidth=0.6, linestyle=(0, (4, 3)), zorder=0.9)
        text = (
            "0" if not reference else format_figure(reference, 3 if any(round(at, 2) != at for at in references) else 2)
        )
        near = [other - places[at] for other in places if 0 < abs(other - places[at]) < 8]
        side = "center" if not near else "right" if near[0] > 0 else "left"
        place: dict[str, Any] = {
            "xytext": (0, 2),
            "textcoords": "offset points",
            "ha": side,
            "fontsize": NOTE,
            "color": MUTED,
        }
        axes.annotate(text, (reference, 1), xycoords=("data", "axes fraction"), **place)


def count_columns(members: list[str], width: float) -> int:
    """In how many columns the legend of a figure of this width (mm) stands: all groups in one line, if they fit."""
    widths = [measure_mm(shorten(member)) + 8 for member in members]
    return len(members) if sum(widths) <= width - 4 else max(1, int((width - 4) / max(widths)))


def put_legend(figure: Figure, axes: Axes, n_columns: int, *, left: float, above: float) -> None:
    """The groups above, from the left end of the names on."""
    from matplotlib.transforms import offset_copy

    handles, labels = axes.get_legend_handles_labels()
    axes.legend(
        handles,
        [shorten(label) for label in labels],
        ncols=n_columns,
        loc="lower left",
        bbox_to_anchor=(0, 1),
        bbox_transform=offset_copy(axes.transAxes, figure, -left * POINT, above * POINT, units="points"),
        borderaxespad=0,
        borderpad=0.1,
        handletextpad=0.2,
        handlelength=1.2,
        columnspacing=1.2,
    )


def measure_height(lines: pd.DataFrame) -> float:
    """How high all lines are together, in mm."""
    return float(lines["bottom"].max())
