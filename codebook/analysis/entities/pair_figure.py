"""Figure of the curve: precision, recall and F1 over the threshold, a panel a score, the chosen threshold marked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from codebook.analysis.core.drawing import DIVERGING, FAINT, INK, MUTED, figure_type, literal, note
from codebook.analysis.core.estimates import format_figure
from codebook.analysis.entities.pair_checks import check_columns, raise_faults

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LINES = {
    "precision": (DIVERGING[0], (0, (5, 2))),
    "recall": (DIVERGING[4], (0, (1, 1.4))),
    "f1": (INK, "solid"),
}
_SHOWN = {"precision": "precision", "recall": "recall", "f1": "F1"}


def plot_pair_curve(
    curve: pd.DataFrame, *, title: str = "", half: str = "test", names: Mapping[str, str] | None = None
) -> Figure:
    """Draw the curve of one half of the entities, with intervals, and F1 at the threshold chosen on the other half.

    Parameters
    ----------
    curve
        Of `pair_curve`.
    names
        What a score is called above its panel, e.g. {"word_overlap": "Words shared (baseline)"}.
    """
    needed = ("score", "half", "threshold", "precision", "recall", "f1", "f1_low", "f1_high", "chosen", "n_true")
    faults = check_columns(curve, needed, "the curve", "pass the frame of pair_curve")
    raise_faults("The curve cannot be drawn.", faults)
    scores = list(dict.fromkeys(curve["score"]))
    figure = figure_type()(figsize=(3.7 * len(scores) + 0.6, 3.7), dpi=150, layout="constrained")
    panels = figure.subplots(1, len(scores), sharey=True, squeeze=False)[0]
    for axes, score in zip(panels, scores, strict=True):
        rows = curve[(curve["score"] == score) & (curve["half"] == half)]
        _draw(axes, rows)
        axes.set_title((names or {}).get(score, score), fontsize=10, color=INK, loc="left")
    panels[0].set_ylabel("precision, recall, F1", fontsize=9, color=INK)
    panels[-1].legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
    if title:
        figure.suptitle(title, fontsize=11, color=INK)
    note(figure, _said(curve, half))
    return literal(figure)


def _draw(axes: Axes, rows: pd.DataFrame) -> None:
    """Three lines with their bands, the chosen threshold and its F1; precision only where something was found."""
    for measure, (colour, style) in _LINES.items():
        shown = rows[rows["n_pairs"] > 0] if measure == "precision" else rows
        ends = shown[f"{measure}_low"], shown[f"{measure}_high"]
        axes.fill_between(shown["threshold"], *ends, color=colour, alpha=0.13, linewidth=0)
        axes.plot(
            shown["threshold"], shown[measure], color=colour, linestyle=style, linewidth=1.7, label=_SHOWN[measure]
        )
    for _, row in rows[rows["chosen"]].iterrows():
        axes.axvline(row["threshold"], color=MUTED, linewidth=0.9, linestyle=(0, (4, 3)), zorder=0)
        axes.plot([row["threshold"]], [row["f1"]], "o", color=INK, markersize=5.5)
        right = row["threshold"] < 0.6
        axes.annotate(
            f"F1 {format_figure(row['f1'])} [{format_figure(row['f1_low'])}, {format_figure(row['f1_high'])}]",
            (row["threshold"], 0.03),
            xytext=(5 if right else -5, 0),
            textcoords="offset points",
            ha="left" if right else "right",
            fontsize=8,
            color=INK,
        )
    axes.set(xlim=(0, 1), ylim=(0, 1.02))
    axes.set_xlabel("threshold of the score", fontsize=9, color=INK)
    axes.grid(color=FAINT, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, colors=INK, labelsize=8)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)


def _said(curve: pd.DataFrame, half: str) -> str:
    rows = curve[curve["half"] == half]
    true = int(rows["n_true"].max()) if len(rows) else 0
    share = f"{curve.attrs['confidence']:.0%} ".replace("%", " %") if "confidence" in curve.attrs else ""
    return (
        f"{true:,} true pairs of the entities in the half “{half}”; bands: {share}bootstrap intervals over entities; "
        "dashed: threshold chosen on the other half"
    )
