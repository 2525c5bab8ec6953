"""Calibration as a figure: share right by probability, the units of each bin, and the risk-coverage curve."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from codebook.analysis.core.drawing import drawn_places, dress_axes, dress_ticks, literal, new_figure, say_in_picture
from codebook.analysis.core.scales import Ints
from codebook.ground.quantities import format_figure
from codebook.outputs.figure_style import GRID, MISSED, MODEL, MUTED, Axes, Figure, house_style

FEW_UNITS = 10
"""Units below which a bin says little: its dot is hollow, and no line goes through it."""
_MOST_TOLD = 12
"""Bins whose units are told in numbers."""


@house_style()
def draw_calibration(frame: pd.DataFrame, n_right: Ints, note: str) -> Figure:
    """Share right by probability, above the units of each bin; beside it the share wrong among the surest units.

    `frame`: of `calibration`. `n_right`: units of each bin whose label is right, `(n_bins,)`.
    """
    figure = new_figure("two", 88)
    axes = figure.subplot_mosaic([["curve", "sure"], ["units", "sure"]], height_ratios=[3, 1])
    bins = frame[frame["part"] == "bin"]
    _draw_bins(axes["curve"], bins, frame[frame["part"] == "overall"].set_index("name")["value"])
    _draw_units(axes["units"], bins, n_right)
    _draw_risk(axes["sure"], frame[frame["part"] == "coverage"])
    few = f"Hollow: bins of fewer than {FEW_UNITS} units." if (bins["n"] < FEW_UNITS).any() else ""
    say_in_picture(figure, f"n = {int(bins['n'].sum()):,} gold units. {few} {note}".replace("  ", " "))
    return literal(figure)


def _draw_bins(axes: Axes, bins: pd.DataFrame, overall: pd.Series) -> None:
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.6, linestyle=(0, (4, 3)))
    axes.annotate("as sure as right", (0.2, 0.17), color=MUTED, rotation=0)
    axes.vlines(bins["probability"], bins["low"], bins["high"], color=MODEL, linewidth=1)
    few = bins["n"] < FEW_UNITS
    axes.plot(bins.loc[~few, "probability"], bins.loc[~few, "value"], "o-", color=MODEL, markersize=4, linewidth=0.7)
    axes.plot(bins.loc[few, "probability"], bins.loc[few, "value"], "o", color=MODEL, markerfacecolor="white", ms=4)
    places = drawn_places(int(bins["n"].sum()))
    lines = [f"{name} {format_figure(float(overall[name]), places)}" for name in ("Brier", "ECE")]
    axes.text(0.03, 0.97, "\n".join(lines), transform=axes.transAxes, va="top")
    axes.set(xlim=(0, 1), ylim=(-0.03, 1.03))
    axes.set_title("Calibration", loc="left")
    dress_axes(axes, "", "share of labels that are right")
    axes.tick_params(labelbottom=False)


def _draw_units(axes: Axes, bins: pd.DataFrame, n_right: Ints) -> None:
    """Units of each bin, right below wrong."""
    n, places = bins["n"].to_numpy(), bins["probability"]
    axes.bar(places, n_right, width=0.035, color=MODEL, label="right")
    axes.bar(
        places,
        n - n_right,
        width=0.035,
        bottom=n_right,
        color=MISSED,
        label="wrong",
        hatch="////",
        edgecolor="white",
        linewidth=0,
    )
    for at, height in zip(places, n, strict=True) if len(n) <= _MOST_TOLD else ():
        place: dict[str, Any] = {"xytext": (0, 1.5), "textcoords": "offset points", "ha": "center"}
        axes.annotate(f"{height:,.0f}", (at, height), fontsize=5.5, color=MUTED, **place)
    axes.legend(loc="upper left", ncols=2, frameon=False)
    axes.set(xlim=(0, 1), ylim=(0, 1.8 * n.max()))
    dress_ticks(axes.yaxis, most=3)
    dress_axes(axes, "mean probability of the label", "units", grid="y")


def _draw_risk(axes: Axes, sure: pd.DataFrame) -> None:
    axes.fill_between(sure["share"], 1 - sure["high"], 1 - sure["low"], color=GRID, linewidth=0)
    axes.plot(sure["share"], 1 - sure["value"], "o-", color=MODEL, markersize=4, linewidth=0.7)
    top = float(np.nanmax([(1 - sure["low"]).max(), (1 - sure["value"]).max(), 0.05]))
    axes.set(xlim=(0, 1.03), ylim=(0, 1.08 * top))
    axes.set_title("Risk-coverage", loc="left")
    dress_axes(axes, "coverage: share of units kept, the surest first", "risk: share wrong among those kept")
