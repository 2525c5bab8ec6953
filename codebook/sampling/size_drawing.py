"""The gold curve as a figure: what to expect of how many gold units, and where one stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from codebook.analysis.core.drawing import dress_axes, literal, new_figure, say_in_picture
from codebook.analysis.core.label_places import label_ends
from codebook.ground.quantities import format_figure
from codebook.outputs.figure_style import BASELINE, CORRECTED, INK, MODEL, MUTED, NOTE, PEOPLE, house_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_STROKES = ("-", (0, (6, 2)), (0, (2, 1.5)), (0, (6, 2, 1, 2)), (0, (1, 1)))
"""Lines differ in stroke too, so they can be told apart in grey."""
_TICKS = tuple(step * 10**power for power in range(6) for step in (1, 2, 5))
_BESIDE: dict[str, Any] = {"xytext": (3, 2), "textcoords": "offset points", "color": MUTED, "fontsize": NOTE}


@house_style()
def plot_gold_curve(curve: pd.DataFrame, here: pd.DataFrame, half_width: float, note: str) -> Figure:
    """Half-width of the interval to expect against gold units, a panel for each figure and a line for each model.

    Parameters
    ----------
    curve
        Columns figure, line, n and half_width.
    here
        The same columns for the gold units that there are; empty where none are named.
    half_width
        What is wanted: a line across.
    """
    panels = list(curve["figure"].unique())
    figure = new_figure("two" if len(panels) > 1 else "middle", 72)
    grid = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axes, panel in zip(grid, panels, strict=True):
        _draw_panel(axes, curve[curve["figure"] == panel], here[here["figure"] == panel], half_width)
        axes.set_title(panel)
    grid[0].set(ylabel="half-width of the interval", ylim=(0, None))
    say_in_picture(figure, note)
    for axes in grid:
        lines = {str(line.get_label()): line for line in axes.get_lines() if not str(line.get_label()).startswith("_")}
        ends = [float(line.get_ydata()[-1]) for line in lines.values()]
        colours = [str(line.get_color()) for line in lines.values()]
        label_ends(axes, [*lines, f"wanted: ±{format_figure(half_width)}"], [*ends, half_width], [*colours, MUTED])
    return literal(figure)


def _draw_panel(axes: Axes, part: pd.DataFrame, here: pd.DataFrame, half_width: float) -> None:
    for at, (name, line) in enumerate(part.groupby("line", sort=False)):
        style = _STROKES[at % len(_STROKES)]
        axes.plot(line["n"], line["half_width"], linestyle=style, color=_colour(str(name)), label=str(name))
    axes.axhline(half_width, color=BASELINE, linewidth=0.6, zorder=0)
    axes.set_xscale("log")
    ticks = [n for n in _TICKS if part["n"].min() <= n <= part["n"].max()]
    axes.set_xticks(ticks, [f"{n:,}" for n in ticks])
    axes.minorticks_off()
    dress_axes(axes, "gold units (log)")
    if len(here):
        n = int(here["n"].iloc[0])
        axes.axvline(n, color=MUTED, linewidth=0.7, linestyle=(0, (4, 3)), zorder=0)
        axes.plot(here["n"], here["half_width"], "o", color=INK, markersize=3)
        axes.annotate(f"you are here: n = {n:,}", (n, 1), xycoords=axes.get_xaxis_transform(), va="top", **_BESIDE)


def _colour(line: str) -> str:
    """Of people alone, of the model, or of both together."""
    return PEOPLE if line == "gold only" else CORRECTED if line.startswith("corrected") else MODEL
