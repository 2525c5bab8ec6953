"""The curve of specifications."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from codebook.analysis.core.drawing import DIVERGING, FAINT, INK, MUTED, check_frame, empty_figure, figure_type, literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def plot_specifications(
    frame: pd.DataFrame, *, choices: Sequence[str] = ("model", "prompt", "aggregation", "source"), title: str = ""
) -> Figure:
    """The specification curve: estimates in order with their intervals, and below them the choices behind each.

    Filled dots are significant, hollow ones are not; undefined specifications are left out and counted. Where all are
    undefined the figure says why.

    Parameters
    ----------
    frame
        Of `specifications`.
    choices
        Columns shown below; those the frame lacks, or that never vary, are left out.

    Examples
    --------
    >>> frame = pd.DataFrame({"model": ["m", "k"], "estimate": [0.3, -0.1], "low": [0.1, -0.3], "high": [0.5, 0.1],
    ...                       "significant": [1.0, 0.0]})
    >>> [text.get_text() for text in plot_specifications(frame).axes[1].get_yticklabels()]
    ['k', 'm']
    """
    check_frame(frame, ["estimate", "low", "high", "significant"])
    known = frame[frame["estimate"].notna()].sort_values("estimate", kind="stable", ignore_index=True)
    if known.empty:
        whys = dict.fromkeys(frame["reason"]) if "reason" in frame else ()
        return empty_figure(f"No specification has an estimate: {'; '.join(map(str, whys))}.", title)
    varied = [name for name in choices if name in known and known[name].nunique() > 1]
    rows = [(name, value) for name in varied for value in sorted(known[name].astype(str).unique())]
    height = 0.2 * len(rows) + 0.15 * len(varied)
    size = (min(12.0, 3.4 + 0.16 * len(known) + 0.06 * max([len(value) for _, value in rows], default=0)), 3.2 + height)
    figure = figure_type()(figsize=size, dpi=150, layout="constrained")
    ratios = [3, height] if rows else [3]
    parts = figure.subplots(len(ratios), 1, sharex=True, squeeze=False, height_ratios=ratios)
    _draw_curve(parts[0, 0], known, frame.attrs.get("null", 0.0), n_undefined=len(frame) - len(known))
    if rows:
        _draw_marks(parts[1, 0], known, rows)
    if title:
        figure.suptitle(title, fontsize=11, color=INK)
    return literal(figure)


def _draw_curve(axes: Axes, known: pd.DataFrame, null: float, *, n_undefined: int) -> None:
    axes.axhline(null, color=MUTED, linewidth=0.9, linestyle=(0, (4, 3)), zorder=0.9)
    axes.vlines(known.index, known["low"], known["high"], color=DIVERGING[1], linewidth=1.2)
    sure = known["significant"] == 1
    for part, face, label in ((~sure, "white", "not significant"), (sure, DIVERGING[0], "significant")):
        chosen = known[part]
        if chosen.empty:
            continue
        axes.plot(chosen.index, chosen["estimate"], "o", color=DIVERGING[0], markerfacecolor=face, ms=4.5, label=label)
    axes.set_ylabel("estimate", color=INK, fontsize=9)
    axes.grid(axis="y", color=FAINT, linewidth=0.6)
    drawn = axes.legend(loc="upper left", fontsize=8)
    drawn.set_frame_on(False)
    words = f"{len(known)} specifications, {int(sure.sum())} significant"
    axes.set_title(words + (f", {n_undefined} undefined" if n_undefined else ""), fontsize=9, color=MUTED, loc="right")
    _clean(axes)


def _draw_marks(axes: Axes, known: pd.DataFrame, rows: Sequence[tuple[str, str]]) -> None:
    heights, at, before = [], 0.0, rows[0][0]
    for name, _ in rows:
        at += 0.6 if name != before else 0.0
        before = name
        heights.append(at)
        at += 1
    for height, (name, value) in zip(heights, rows, strict=True):
        chosen = known.index[known[name].astype(str) == value]
        axes.plot(chosen, [height] * len(chosen), "s", color=INK, markersize=3.5)
    for name in dict.fromkeys(name for name, _ in rows):
        own = [height for height, (other, _) in zip(heights, rows, strict=True) if other == name]
        place = (1.01, sum(own) / len(own))
        axes.annotate(name, place, xycoords=("axes fraction", "data"), va="center", fontsize=8, color=MUTED)
    axes.set_yticks(heights, [value or "(none)" for _, value in rows])
    axes.set_ylim(heights[-1] + 0.7, -0.7)
    axes.set_xticks([])
    _clean(axes)


def _clean(axes: Axes) -> None:
    axes.set_axisbelow(True)
    axes.tick_params(length=0, colors=INK, labelsize=8)
    for side in ("top", "right", "bottom"):
        axes.spines[side].set_visible(False)
