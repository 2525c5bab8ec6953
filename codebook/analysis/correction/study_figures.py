"""The figure of studies in which nothing is to be found: how often each way finds an effect."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pandas as pd

from codebook.analysis.core.drawing import DIVERGING, FAINT, INK, MUTED, figure_type, literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


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
