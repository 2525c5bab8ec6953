"""Findings in words: one sentence for the top of the report, with number, interval, n and what it is held against."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from codebook.analysis.core.empty import why_empty


def say_validity(summary: pd.DataFrame) -> str:
    """Say how the first coder of a validity summary meets the gold, beside the constant-label baseline.

    The sentence warns where the interval does not lie above the baseline, or alpha's not above 0.

    Examples
    --------
    >>> row = {"coder": "m", "n_asked": 1004, "accuracy": 0.755, "accuracy_low": 0.728, "accuracy_high": 0.781}
    >>> row |= {"baseline_accuracy": 0.251, "baseline_label": "travel", "reason": "", "alpha_level": "nominal"}
    >>> print(say_validity(pd.DataFrame([row | {"alpha": 0.7, "alpha_low": 0.67, "alpha_high": 0.73}])))
    m meets the gold in 75.5 % of 1,004 units [72.8, 78.1]; always answering 'travel' would meet it in 25.1 %; \
alpha with the gold (nominal) is .70 [.67, .73].
    """
    if reason := why_empty(summary):
        return reason
    row = summary.iloc[0]
    if math.isnan(row["accuracy"]):
        return f"{row['coder']} cannot be held against the gold: {row['reason']}."
    share = f"{100 * row['accuracy']:.1f} % of {int(row['n_asked']):,} units {_interval(row, 'accuracy', 100, 1)}"
    labels = " or ".join(f"'{label}'" for label in row["baseline_label"].split(" = "))
    constant = f"always answering {labels} would meet it in {100 * row['baseline_accuracy']:.1f} %"
    alpha = f"alpha with the gold ({row['alpha_level']}) is {_short(row['alpha'], 2)} {_interval(row, 'alpha', 1, 2)}"
    return f"{row['coder']} meets the gold in {share}; {constant}; {alpha}.{_warn(row)}"


def _warn(row: pd.Series[Any]) -> str:
    """A warning where the interval does not clear the constant label, or chance."""
    if not row["accuracy_low"] > row["baseline_accuracy"]:
        return " It is not shown to be better than that constant: do not use these labels as they are."
    if not row["alpha_low"] > 0:
        return " Agreement with the gold beyond chance is not shown: do not use these labels as they are."
    return ""


def note_on(frame: pd.DataFrame) -> str:
    """Say what a frame of the analysis carries beside its numbers: its own note, replicates, seed, lost ids.

    Examples
    --------
    >>> frame = pd.DataFrame({"alpha": [0.3]})
    >>> frame.attrs = {"seed": 1, "replicates": 1000, "note": "Units with one coding are left out."}
    >>> note_on(frame)
    'Units with one coding are left out. 95 % intervals from 1,000 bootstrap replicates, seed 1.'
    """
    if why_empty(frame):
        return " ".join(frame.attrs.get("joins", []))
    said = [str(frame.attrs["note"])] if frame.attrs.get("note") else []
    if frame.attrs.get("resampled"):
        said.append(f"Resampled are {frame.attrs['resampled']}.")
    if frame.attrs.get("replicates"):
        share = 100 * frame.attrs.get("confidence", 0.95)
        how = f"{frame.attrs['replicates']:,} bootstrap replicates, seed {frame.attrs['seed']}"
        said.append(f"{share:g} % intervals from {how}.")
    said += frame.attrs.get("joins", [])
    return " ".join(said)


def _interval(row: pd.Series[Any], name: str, factor: float, places: int) -> str:
    low, high = (row[f"{name}_{end}" if name else end] * factor for end in ("low", "high"))
    return "[no interval]" if math.isnan(low) else f"[{_short(low, places)}, {_short(high, places)}]"


def _short(value: float, places: int) -> str:
    return f"{value:.{places}f}".replace("0.", ".", 1) if abs(value) < 1 else f"{value:.{places}f}"
