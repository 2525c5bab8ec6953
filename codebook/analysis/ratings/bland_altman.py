"""Limits of agreement: how far apart do two coders stay? (Bland and Altman 1986, 1999)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import check_coders, raise_faults
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.counts import read_codes
from codebook.analysis.core.drawing import dress_axes, literal, new_figure, say_in_picture
from codebook.analysis.core.estimates import say_figure
from codebook.analysis.core.plain_frames import as_codings
from codebook.analysis.core.result import Facts, Result, blank_result, nothing_to_say
from codebook.analysis.core.scales import Floats, list_labels
from codebook.errors import Fault
from codebook.ground.quantities import format_figure, say_count
from codebook.outputs.figure_style import GRID, MODEL, MUTED, Figure, house_style

_SHARE = 1.959964  # standard deviations to either side that hold 95 % of normal differences
_NOTE = (
    "95 % of differences lie between the limits if they are normal and do not grow with the rating: see the figure. "
    "Intervals are those of Bland and Altman (1999), by Student's t."
)


def limits_of_agreement(
    codings: Codings | pd.DataFrame, coder: str = "", other: str = "", *, level: str = "", confidence: float = 0.95
) -> Result:
    """How far is one coder from another, on average and at most? With the plot of Bland and Altman.

    Parameters
    ----------
    codings
        Ratings or numbers of one variable, or a plain frame.
    coder, other
        Who is compared with whom. By default the first coder beside the gold, and the gold.
    level
        The level of measurement, where no codebook names it.

    Returns
    -------
    Result
        `frame`: name (mean difference, lower limit, upper limit), n, value, low, high, reason; differences are those
        of `coder` less `other`.

    Raises
    ------
    StatisticError
        The labels are not numbers, or a coder does not occur.

    Examples
    --------
    Peak flow by two meters, Bland and Altman (1986): mean difference -2.1 l/min, standard deviation 38.8.

    >>> wright = [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427]
    >>> mini = [512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451]
    >>> frame = pd.DataFrame({"wright": wright, "mini": mini})
    >>> result = limits_of_agreement(frame, "wright", "mini", level="interval")
    >>> result.frame[["name", "n", "value", "low", "high"]].round(1)
                  name   n  value    low   high
    0  mean difference  17   -2.1  -22.0   17.8
    1      lower limit  17  -78.1 -112.9  -43.3
    2      upper limit  17   73.9   39.1  108.6
    """
    codings = as_codings(codings, level=level)
    other = other or codings.gold
    coder = coder or next((name for name in codings.coders if name != other), "")
    raise_faults("There are no limits of agreement.", _check(codings, coder, other))
    first, second = _read_pairs(codings, coder, other)
    title = f"{coder} and {other}: limits of agreement"
    empty = blank_result(codings, ["name", "n", "value", "low", "high", "reason"], "limits", title, "validity")
    if not len(first):
        return nothing_to_say(codings, f"{coder} and {other} have no unit in common: nothing to compare.", empty)
    frame = _measure(first - second, confidence)
    rows = frame.to_dict("records")
    ends = " and ".join(format_figure(row["value"], 2, "amount") for row in rows[1:])
    mean_difference = f"{coder} is {say_figure(rows[0], 'value', 2, kind='amount')} from {other} on average"
    finding = f"{mean_difference}, and in 95 % of units between {ends}" if len(first) > 1 else mean_difference
    return Result(
        frame,
        "limits_of_agreement",
        title,
        "validity",
        Facts(len(first), 2, level=codings.variable.level or "", joins=codings.joins, decimals=2),
        f"{finding} ({say_count(len(first), 'unit')}).",
        (_NOTE,),
        figure=lambda: draw_limits(first, second, frame, coder, other),
        outputs=codings.outputs,
    )


def _check(codings: Codings, coder: str, other: str) -> list[Fault]:
    faults = check_coders(codings.frame, [name for name in (coder, other) if name])
    if not coder or not other or coder == other:
        faults.append(Fault("coder", f"{coder!r} and {other!r} are not two coders", "name both: coder=, other="))
    return faults


def _read_pairs(codings: Codings, coder: str, other: str) -> tuple[Floats, Floats]:
    """Numbers of the units that both labelled."""
    name, labels = codings.variable.name, list_labels(codings.variable)
    codes = read_codes(codings.frame, variable=name, level="interval", labels=labels, coders=[coder, other]).answered()
    values = np.full((2, len(codes.units)), np.nan)
    values[np.array([codes.coders.index(coder), codes.coders.index(other)]).argsort()[codes.coder], codes.unit] = (
        codes.scale.values[codes.code]
    )
    both = ~np.isnan(values).any(axis=0)
    return values[0, both], values[1, both]


def _measure(gaps: Floats, confidence: float) -> pd.DataFrame:
    from scipy.stats import t

    n, mean = len(gaps), float(gaps.mean())
    spread = float(gaps.std(ddof=1)) if n > 1 else math.nan
    reason = "only one unit" if n < 2 else "" if spread > 0 else "no interval: the difference is the same in every unit"
    reach = float(t.ppf((1 + confidence) / 2, n - 1)) * spread if n > 1 and spread > 0 else math.nan
    wide = math.sqrt(1 / n + _SHARE**2 / (2 * (n - 1))) if n > 1 else math.nan
    rows = []
    for name, value, half in (
        ("mean difference", mean, reach / math.sqrt(n)),
        ("lower limit", mean - _SHARE * spread, reach * wide),
        ("upper limit", mean + _SHARE * spread, reach * wide),
    ):
        rows.append({"name": name, "n": n, "value": value, "low": value - half, "high": value + half, "reason": reason})
    return pd.DataFrame(rows)


@house_style()
def draw_limits(first: Floats, second: Floats, frame: pd.DataFrame, coder: str, other: str) -> Figure:
    """The difference of each unit over the mean of its two ratings; the area of a dot counts units at one place."""
    figure = new_figure("middle", 78)
    axes = figure.subplots()
    for row in frame.dropna(subset="value").to_dict("records"):
        if not math.isnan(row["low"]):
            axes.axhspan(row["low"], row["high"], color=GRID, linewidth=0, alpha=0.6)
        dash = "-" if row["name"] == "mean difference" else (0, (4, 3))
        axes.axhline(row["value"], color=MUTED, linewidth=0.7, linestyle=dash)
        words = f"{row['name'].removesuffix(' difference')} {format_figure(row['value'], 2, 'amount')}"
        place: dict[str, Any] = {"xytext": (-2, 2), "textcoords": "offset points", "ha": "right", "va": "bottom"}
        axes.annotate(words, (1, row["value"]), xycoords=("axes fraction", "data"), color=MUTED, **place)
    places, times = np.unique(np.stack([(first + second) / 2, first - second], axis=1), axis=0, return_counts=True)
    size = 9 * np.sqrt(times) if times.max() > 1 else 9
    axes.scatter(places[:, 0], places[:, 1], s=size, color=MODEL, alpha=0.75, linewidths=0, zorder=3)
    axes.margins(x=0.06, y=0.12)
    dress_axes(axes, f"mean of {coder} and {other}", f"{coder} less {other}")
    several = " A larger dot stands for several units." if times.max() > 1 else ""
    say_in_picture(
        figure, f"n = {say_count(len(first), 'unit')}. Grey: 95 % intervals of the mean and of the limits.{several}"
    )
    return literal(figure)
