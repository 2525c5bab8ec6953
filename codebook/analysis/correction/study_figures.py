"""Figures: what gold is expected to bring, and how often each way finds an effect that is not there."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pandas as pd

from codebook.analysis.core.checks import raise_faults
from codebook.analysis.core.drawing import DIVERGING, FAINT, INK, MUTED, figure_type, literal
from codebook.errors import Fault

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLOURS = (DIVERGING[0], DIVERGING[4], MUTED, "#6f83bd", "#a0522d")
_STROKES = ("-", (0, (6, 2)), (0, (2, 1.5)), (0, (6, 2, 1, 2)), (0, (1, 1)))
"""Lines differ in stroke too, so they can be told apart in grey."""


def plot_studies(studies: pd.DataFrame, *, shown: int = 60, title: str = "") -> Figure:
    """Intervals of the first studies, a panel a way; those that leave out the true effect are marked.

    Examples
    --------
    >>> from codebook.analysis.correction import simulate_studies
    >>> [axes.get_title() for axes in plot_studies(simulate_studies(2)).axes][:2]
    ['model labels only', 'gold only']
    """
    effect = float(studies.attrs.get("effect", 0.0))
    ways = list(studies["way"].unique())
    figure = figure_type()(figsize=(2.1 * len(ways), 3.8), dpi=150, layout="constrained")
    every = figure.subplots(1, len(ways), sharey=True, squeeze=False)[0]
    for axes, way in zip(every, ways, strict=True):
        _draw_way(axes, studies[(studies["way"] == way) & (studies["study"] < shown)], effect)
        axes.set_title("\n".join(textwrap.wrap(str(way), 22)), fontsize=8.5, color=INK)
    every[0].set_ylabel("effect (log odds ratio)", fontsize=9)
    figure.supxlabel(f"{min(shown, studies['study'].nunique())} studies, 95 % intervals", fontsize=9)
    if title:
        figure.suptitle(title, fontsize=11, color=INK)
    return literal(figure)


def _draw_way(axes: Axes, part: pd.DataFrame, effect: float) -> None:
    missed = ((part["low"] > effect) | (part["high"] < effect)).to_numpy()
    for rows, colour, marker in ((~missed, MUTED, "o"), (missed, DIVERGING[4], "D")):
        some = part[rows]
        axes.vlines(some["study"], some["low"], some["high"], color=colour, linewidth=0.9)
        axes.plot(some["study"], some["estimate"], marker, color=colour, markersize=2.2)
    axes.axhline(effect, color=INK, linewidth=0.9)
    axes.grid(axis="y", color=FAINT, linewidth=0.5)
    axes.set_axisbelow(True)
    axes.set_xticks([])
    axes.tick_params(length=0, labelsize=9, colors=INK)
    axes.set_xlabel(f"{missed.mean():.0%} miss".replace("%", " %"), fontsize=9, color=INK)
    for side in ("top", "right", "bottom"):
        axes.spines[side].set_visible(False)


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
    StatisticError
        The frame is not of `gold_curve`.

    Examples
    --------
    >>> curve = pd.DataFrame({"figure": "accuracy", "line": "right .90", "n": [100, 300], "half_width": [0.06, 0.03]})
    >>> [axes.get_title() for axes in plot_gold_size(curve).axes]
    ['accuracy']
    """
    absent = [name for name in ("figure", "line", "n", "half_width") if name not in curve]
    faults = [Fault("curve", f"it has no column {name!r}", "pass the frame of gold_curve()") for name in absent]
    raise_faults("The curve cannot be drawn.", faults)
    panels = list(curve["figure"].unique())
    figure = figure_type()(figsize=(4.1 * len(panels), 3.6), dpi=150, layout="constrained")
    every = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axes, panel in zip(every, panels, strict=True):
        _draw_panel(axes, curve[curve["figure"] == panel], half_width)
        axes.set_title(panel, fontsize=10, color=INK)
    every[0].set_ylabel("half-width of the 95 % interval".replace("95", f"{100 * _confidence(curve):g}"), fontsize=9)
    if title:
        figure.suptitle(title, fontsize=11, color=INK)
    return literal(figure)


def _confidence(curve: pd.DataFrame) -> float:
    return float(curve.attrs.get("confidence", 0.95))


def _draw_panel(axes: Axes, part: pd.DataFrame, half_width: float) -> None:
    for at, (name, line) in enumerate(part.groupby("line", sort=False)):
        stroke, colour = _STROKES[at % len(_STROKES)], _COLOURS[at % len(_COLOURS)]
        axes.plot(line["n"], line["half_width"], linestyle=stroke, color=colour, linewidth=1.6, label=str(name))
    axes.axhline(half_width, color=FAINT, linewidth=1.2, zorder=0)
    axes.set_xscale("log")
    ticks = [n for n in (50, 100, 200, 500, 1000, 2000, 5000, 10_000) if part["n"].min() <= n <= part["n"].max()]
    axes.set_xticks(ticks, [f"{n:,}" for n in ticks])
    axes.minorticks_off()
    axes.set_ylim(bottom=0)
    axes.set_xlabel("gold units", fontsize=9, color=INK)
    axes.grid(color=FAINT, linewidth=0.5)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, colors=INK, labelsize=9)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.legend(frameon=False, fontsize=8)
