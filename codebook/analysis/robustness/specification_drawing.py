"""The specification curve (Simonsohn, Simmons and Nelson 2020): estimates in order, above the choices behind each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from codebook.analysis.core.drawing import (
    check_frame,
    dress_axes,
    empty_figure,
    literal,
    new_figure,
    say_in_picture,
    shorten,
    wrap,
)
from codebook.analysis.core.forest import plot_estimates
from codebook.analysis.core.runs import name_prompts
from codebook.ground.quantities import format_figure, say_percent
from codebook.outputs.figure_style import BASELINE, DIVERGING, GRID, INK, MODEL, MUTED, house_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CHOICES = ("model", "prompt", "aggregation", "source")
FOREST_BELOW = 15
"""Specifications from which on a curve is drawn; fewer can be named each."""
_HEADS = {"model": "Model", "prompt": "Prompt", "aggregation": "Labels", "source": "Source"}
_JOINED = {
    "single": "one run",
    "draws": "majority of its draws",
    "prompts": "majority of prompts",
    "models": "majority of models",
    "all": "majority of all",
}
_COLUMNS = (14, 38, 64)
"""Where the numbers behind the choices end, in points from the axes."""
_ROW_MM, _ROOM_MM = 3.6, 100
"""Height of a choice, and of all choices at most."""
_LONGEST = 40
_WIDE = 60
"""Specifications from which on the figure is two columns wide."""


def name_choices(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with its choices as a reader would call them; the first specification is the main one.

    Examples
    --------
    >>> frame = pd.DataFrame({"model": ["m", "m", "(all)"], "prompt": ["", "a25de464", "(all)"],
    ...                       "aggregation": ["single", "single", "all"]})
    >>> name_choices(frame).to_numpy().tolist()
    [['m', 'original', 'one run'], ['m', 'paraphrase', 'one run'], ['all models', 'all prompts', 'majority of all']]
    """
    named = {}
    if "model" in frame:
        named["model"] = frame["model"].replace({"(all)": "all models"})
    if "prompt" in frame:
        named["prompt"] = frame["prompt"].replace(
            {"(all)": "all prompts", "": "not on record", **name_prompts(frame["prompt"])}
        )
    if "aggregation" in frame:
        named["aggregation"] = frame["aggregation"].replace(_JOINED)
    return frame.assign(**named)


@house_style()
def plot_specifications(
    frame: pd.DataFrame, *, null: float = 0.0, choices: Sequence[str] = CHOICES, quantity: str = "estimate"
) -> Figure:
    """The specification curve: estimates in order with their intervals, and below them the choices behind each.

    Filled dots are significant, hollow ones are not; a diamond is the main specification, the first of the frame. Where
    `source` varies, as naive and corrected, each has its own curve, side by side. Below 15 specifications each has a
    row of its own. Undefined ones are left out and counted.

    Parameters
    ----------
    frame
        Of `specifications`.
    choices
        Columns of the frame; those that never vary are left out.
    quantity
        What the estimate is, with its unit.

    Examples
    --------
    >>> frame = pd.DataFrame({"model": [f"m{n % 2}" for n in range(20)], "estimate": 0.3, "low": 0.1, "high": 0.5,
    ...                       "significant": 1.0})
    >>> [text.get_text() for text in plot_specifications(frame, choices=["model"]).axes[1].get_yticklabels()]
    ['Model', 'm0', 'm1']
    """
    check_frame(frame, ["estimate", "low", "high", "significant"])
    number = frame["specification"] if "specification" in frame else pd.Series(range(len(frame)), index=frame.index)
    named = name_choices(frame).assign(is_main=number == number.min())
    known = named[named["estimate"].notna()].sort_values("estimate", kind="stable")
    if known.empty:
        whys = dict.fromkeys(frame["reason"]) if "reason" in frame else ()
        return empty_figure(f"No specification has an estimate: {'; '.join(map(str, whys))}.")
    varied = [name for name in choices if name in known and known[name].nunique() > 1]
    note = " ".join(_say_note(known, n_undefined=len(frame) - len(known)))
    if len(known) < FOREST_BELOW:
        return _draw_forest(known, varied, null, quantity, note)
    known, curves = _order_curves(
        known.reset_index(drop=True), list(dict.fromkeys(named["source"])) if "source" in varied else []
    )
    medians = "; ".join(f"{_say_middle(part)}, {name}" if name else _say_middle(part) for name, part in curves)
    note += f" Filled: significant. Bars: the interval of each estimate. Solid: median ({medians})."
    note += " Diamond: main specification."
    values = {  # those that stand for all of them last
        name: sorted(named[name].astype(str).unique(), key=lambda value: value.startswith("all ")) for name in varied
    }
    most = max(2, int((_ROOM_MM / _ROW_MM - len(varied)) / max(len(varied), 1)))
    rows = [(name, value) for name in varied for value in ["", *values[name][:most]]]
    left_out = [f"{len(values[name]) - most:,} of {name}" for name in varied if len(values[name]) > most]
    note += f" Rows left out: {', '.join(left_out)}." if left_out else ""
    figure = new_figure("two" if len(known) > _WIDE else "middle", 62 + _ROW_MM * len(rows))
    heights = [50, _ROW_MM * len(rows)] if rows else [50]
    parts = figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    _draw_curve(parts[0], known, null, quantity)
    for name, part in curves:
        ends, middle = (part.index.min() - 0.5, part.index.max() + 0.5), part["estimate"].median()
        parts[0].plot(ends, (middle, middle), color=BASELINE, linewidth=0.8, zorder=0.9)
        spot = (sum(ends) / 2, 1)
        parts[0].annotate(name, spot, xycoords=("data", "axes fraction"), ha="center", va="bottom", color=MUTED)
    if rows:
        _draw_marks(parts[1], known, rows, null)
    say_in_picture(figure, note)
    return literal(figure)


def _say_note(known: pd.DataFrame, n_undefined: int) -> Iterator[str]:
    """What a reader of the picture has to know."""
    sure = int((known["significant"] == 1).sum())
    yield f"{len(known):,} specifications, {sure:,} significant" + (
        f", {n_undefined:,} undefined and left out." if n_undefined else "."
    )
    if "n_labelled" in known:
        fewest, most = int(known["n_labelled"].min()), int(known["n_labelled"].max())
        yield f"Units: {fewest:,}." if fewest == most else f"Units: {fewest:,} to {most:,}."


def _order_curves(known: pd.DataFrame, sources: list[str]) -> tuple[pd.DataFrame, list[tuple[str, pd.DataFrame]]]:
    """The specifications with their places from left to right as index, and the curve of each source by its name."""
    if not sources:
        return known, [("", known)]
    curve = known["source"].map(sources.index)
    ordered = known.assign(curve=curve).sort_values("curve", kind="stable", ignore_index=True)
    ordered.index += ordered["curve"]  # a gap between two curves
    return ordered, [(name, ordered[ordered["source"] == name]) for name in sources]


def _draw_forest(known: pd.DataFrame, varied: Sequence[str], null: float, quantity: str, note: str) -> Figure:
    """A row per specification, the main one named so."""
    records = known.to_dict("records")
    choices = [", ".join(str(row[name]) for name in varied) or "the specification" for row in records]
    names = [f"main: {name}" if row["is_main"] else name for name, row in zip(choices, records, strict=True)]
    rows = known.assign(name=names, n_units=known.get("n_labelled", np.nan))
    lines = f"Bars: interval of each estimate. Median {_say_middle(known)}."
    return plot_estimates(rows, value="estimate", references=(null,), quantity=quantity, note=f"{note} {lines}")


def _say_middle(known: pd.DataFrame) -> str:
    return format_figure(float(known["estimate"].median()), 2, "amount")


def _draw_curve(axes: Axes, known: pd.DataFrame, null: float, quantity: str) -> None:
    axes.axhline(null, color=MUTED, linewidth=0.6, linestyle=(0, (4, 3)), zorder=0.9)
    axes.vlines(known.index, known["low"], known["high"], color=DIVERGING[1], linewidth=1)
    for is_sure in (False, True):
        for is_main, marker, size in ((False, "o", 3.5), (True, "D", 5)):
            dots = known[((known["significant"] == 1) == is_sure) & (known["is_main"] == is_main)]
            axes.plot(
                dots.index,
                dots["estimate"],
                marker,
                color=MODEL,
                markerfacecolor=MODEL if is_sure else "white",
                markersize=size,
                markeredgewidth=0.8,
            )
    dress_axes(axes, y=wrap(quantity, 36), grid="y")
    axes.spines["bottom"].set_visible(False)


def _draw_marks(axes: Axes, known: pd.DataFrame, rows: Sequence[tuple[str, str]], null: float) -> None:
    """Which specification took which choice, and how those with it came out."""
    for height, (name, value) in enumerate(rows):
        if not value:
            continue
        part = known[known[name].astype(str) == value]
        axes.axhline(height, color=GRID, linewidth=0.4, zorder=0)
        axes.plot(part.index, [height] * len(part), "s", color=INK, markersize=2.6)
        shares = (float((part["estimate"] > null).mean()), float(part["significant"].mean()))
        _write_columns(axes, height, (f"{len(part):,}", *map(say_percent, shares)), INK)
    _write_columns(axes, 0, ("n", f"> {null:g}", "signif."), MUTED)
    axes.set_yticks(range(len(rows)), [shorten(value, _LONGEST) or _HEADS.get(name, name) for name, value in rows])
    for label, (_, value) in zip(axes.get_yticklabels(), rows, strict=True):
        label.set(fontweight="normal" if value else "bold")
    axes.set_ylim(len(rows) - 0.5, -0.8)
    axes.set_xticks([])
    dress_axes(axes, grid="")
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)


def _write_columns(axes: Axes, height: float, texts: Sequence[str], colour: str) -> None:
    for place, text in zip(_COLUMNS, texts, strict=True):
        spot: dict[str, Any] = {"xycoords": axes.get_yaxis_transform(), "textcoords": "offset points"}
        spot |= {"xytext": (place, 0), "annotation_clip": False}
        axes.annotate(text, (1, height), ha="right", va="center", color=colour, **spot)
