"""Figure of a calibration: the curve with the units of each bin under it, and what is right among the sure ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import name_some, raise_faults
from codebook.analysis.core.drawing import DIVERGING, FAINT, INK, MUTED, figure_type, literal
from codebook.analysis.core.estimates import format_figure
from codebook.errors import Fault

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def plot_calibration(frame: pd.DataFrame, *, title: str = "") -> Figure:
    """Share right by probability, above the units of each bin; beside it the share right among the surest units.

    Parameters
    ----------
    frame
        Of `calibration`.

    Examples
    --------
    >>> from codebook.analysis.against_gold.confidence_bins import calibration
    >>> from codebook.analysis.core.examples import make_table
    >>> table = make_table("tone", {"gold": list("aabb") * 10, "m": list("aaba") * 10})
    >>> table["confidence"] = [None] * 40 + [0.9, 0.8, 0.9, 0.6] * 10
    >>> frame = calibration(table, variable="tone", labels=["a", "b"], coder="m", gold="gold", bins=5)
    >>> figure = plot_calibration(frame)
    >>> [int(bar.get_height()) for bar in figure.axes[2].patches]
    [10, 30]
    """
    absent = [name for name in ("part", "n", "value", "low", "high", "probability", "share") if name not in frame]
    if absent or not len(frame):
        mend = "pass the frame of calibration()"
        raise_faults(
            "The calibration cannot be drawn.", [Fault("frame", f"it has no {name_some(absent) or 'row'}", mend)]
        )
    figure = figure_type()(figsize=(8.4, 4.4), dpi=150, layout="constrained")
    axes = figure.subplot_mosaic([["curve", "kept"], ["units", "kept"]], height_ratios=[4, 1])
    overall = frame[frame["part"] == "overall"].set_index("name")
    _draw_curve(axes["curve"], frame[frame["part"] == "bin"], overall)
    _draw_units(axes["units"], frame[frame["part"] == "bin"])
    _draw_kept(axes["kept"], frame[frame["part"] == "coverage"])
    if title:
        figure.suptitle(title, fontsize=11, color=INK)
    return literal(figure)


def _draw_curve(axes: Axes, bins: pd.DataFrame, overall: pd.DataFrame) -> None:
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.9, linestyle=(0, (4, 3)))
    axes.annotate("as sure as right", (0.13, 0.03), fontsize=8, color=MUTED)
    axes.vlines(bins["probability"], bins["low"], bins["high"], color=DIVERGING[0], linewidth=1.6)
    axes.plot(bins["probability"], bins["value"], "o-", color=DIVERGING[0], markersize=5.5, linewidth=0.8)
    values = overall["value"].astype(float).to_dict()
    said = [f"{name} {format_figure(values[name], 3)}" for name in ("Brier", "ECE")]
    axes.text(0.03, 0.97, "\n".join(said), transform=axes.transAxes, va="top", fontsize=8, color=INK)
    axes.set(xlim=(0, 1), ylim=(-0.02, 1.02), xticklabels=[])
    _dress(axes, "", "share right")


def _draw_units(axes: Axes, bins: pd.DataFrame) -> None:
    axes.bar(bins["probability"], bins["n"], width=0.03, color=DIVERGING[1])
    for at, n in zip(bins["probability"], bins["n"], strict=True):
        axes.annotate(
            f"{n:,}", (at, n), xytext=(0, 2), textcoords="offset points", ha="center", fontsize=7, color=MUTED
        )
    axes.set(xlim=(0, 1), ylim=(0, 1.35 * bins["n"].max()))
    _dress(axes, "mean probability of the label", "units")


def _draw_kept(axes: Axes, kept: pd.DataFrame) -> None:
    axes.fill_between(kept["share"], kept["low"], kept["high"], color=FAINT, linewidth=0)
    axes.plot(kept["share"], kept["value"], "o-", color=DIVERGING[4], markersize=5, linewidth=1)
    bottom = np.nanmin([kept["low"].min(), kept["value"].min()])
    axes.set(xlim=(0, 1.02), ylim=(max(0.0, float(bottom) - 0.05), 1.01))
    _dress(axes, "share of units kept, the surest first", "share right among them")


def _dress(axes: Axes, x: str, y: str) -> None:
    axes.set_xlabel(x, color=MUTED, fontsize=9)
    axes.set_ylabel(y, color=MUTED, fontsize=9)
    axes.grid(color=FAINT, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, colors=INK, labelsize=8)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
