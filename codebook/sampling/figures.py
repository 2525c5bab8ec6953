"""Figure of the expected width of an interval against the number of gold units."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from codebook.errors import Fault, ParameterError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_INK, _FAINT = "#1a1a1a", "#d9d9d9"
_COLOURS = ("#1b2a6b", "#c96a12", "#5c5c5c", "#6f83bd", "#a0522d")
_STROKES = ("-", (0, (6, 2)), (0, (2, 1.5)), (0, (6, 2, 1, 2)), (0, (1, 1)))
"""Lines differ in stroke too, so they can be told apart in grey."""


def plot_gold_size(curve: pd.DataFrame, *, half_width: float = 0.05, title: str = "") -> Figure:
    """Expected half-width against gold units, one panel a figure and one line each.

    Parameters
    ----------
    curve
        Of `gold_curve`.
    half_width
        Marked by a grey line.

    Raises
    ------
    ParameterError
        The frame is not of `gold_curve`.

    Examples
    --------
    >>> from codebook.sampling import gold_curve
    >>> [axes.get_title() for axes in plot_gold_size(gold_curve()).axes]
    ['accuracy', 'share of a label']
    """
    from matplotlib.figure import Figure

    absent = [name for name in ("figure", "line", "n", "half_width") if name not in curve]
    if absent:
        faults = [Fault("curve", f"it has no column {name!r}", "pass the frame of gold_curve()") for name in absent]
        raise ParameterError("The curve cannot be drawn.", faults)
    panels = list(curve["figure"].unique())
    figure = Figure(figsize=(4.1 * len(panels), 3.6), dpi=150, layout="constrained")
    every = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axes, panel in zip(every, panels, strict=True):
        _draw_panel(axes, curve[curve["figure"] == panel], half_width)
        axes.set_title(panel, fontsize=10, color=_INK)
    every[0].set_ylabel("half-width of the 95 % interval".replace("95", f"{100 * _confidence(curve):g}"), fontsize=9)
    if title:
        figure.suptitle(title, fontsize=11, color=_INK)
    return figure


def _confidence(curve: pd.DataFrame) -> float:
    return float(curve.attrs.get("confidence", 0.95))


def _draw_panel(axes: Axes, part: pd.DataFrame, half_width: float) -> None:
    for at, (name, line) in enumerate(part.groupby("line", sort=False)):
        stroke, colour = _STROKES[at % len(_STROKES)], _COLOURS[at % len(_COLOURS)]
        axes.plot(line["n"], line["half_width"], linestyle=stroke, color=colour, linewidth=1.6, label=str(name))
    axes.axhline(half_width, color=_FAINT, linewidth=1.2, zorder=0)
    axes.set_xscale("log")
    ticks = [n for n in (50, 100, 200, 500, 1000, 2000, 5000, 10_000) if part["n"].min() <= n <= part["n"].max()]
    axes.set_xticks(ticks, [f"{n:,}" for n in ticks])
    axes.minorticks_off()
    axes.set_ylim(bottom=0)
    axes.set_xlabel("gold units", fontsize=9, color=_INK)
    axes.grid(color=_FAINT, linewidth=0.5)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, colors=_INK, labelsize=9)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.legend(frameon=False, fontsize=8)
