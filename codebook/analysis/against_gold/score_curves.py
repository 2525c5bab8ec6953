"""Curves of scores: does a coder's probability tell units with a label from those without? ROC and precision-recall."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from codebook.analysis.against_gold.confidence_bins import read_probabilities
from codebook.analysis.against_gold.gold_cells import (
    ONE_LABEL,
    Pair,
    list_facts,
    list_labels,
    read_gold,
    read_pair,
    remark_gold,
    say_no_pair,
)
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.drawing import dress_axes, legend_above, literal, new_figure, say_in_picture
from codebook.analysis.core.estimates import Bootstrap, say_figure
from codebook.analysis.core.result import Result, blank_result, nothing_to_say
from codebook.analysis.core.scales import Bools, Floats
from codebook.analysis.core.standard_errors import wilson_interval
from codebook.ground.quantities import places_of, say_count
from codebook.outputs.figure_style import MUTED, ORDER, Figure, house_style

RIGHT = "(label is right)"
"""The row that asks whether the probability tells right labels from wrong ones."""

_COLUMNS = (
    *("label", "n", "n_with", "roc_auc", "roc_auc_low", "roc_auc_high"),
    *("pr_auc", "pr_auc_low", "pr_auc_high", "prevalence", "reason"),
)
_MOST_DRAWN = 4
_NOTE = (
    "ROC AUC is the chance that a unit with the label has a higher score than a unit without it; scores that tell "
    "nothing reach .5. Its interval is that of Newcombe (2006). PR AUC is the average precision; scores that tell "
    "nothing reach the share of units with the label. The interval of PR AUC is Wilson's for these units."
)


def roc_curves(
    codings: Codings | pd.DataFrame,
    coder: str = "",
    *,
    gold: str = "",
    probability: pd.DataFrame | str = "confidence",
    confidence: float = 0.95,
) -> Result:
    """Areas under the ROC and the precision-recall curve of each label, and of right against wrong labels.

    A coder states the probability p of the label that it gave. That is a unit's score for this label; for each of k
    other labels it is (1 - p) / k. With two labels this is exact.

    Parameters
    ----------
    codings
        Of one variable with one label per unit, or a plain frame.
    coder, gold
        Who is compared with whom. By default the first coder beside the gold, and the gold of the codings.
    probability
        As in `calibration`.

    Returns
    -------
    Result
        A row per label, and one for right against wrong: label, n, n_with (gold units with it), roc_auc and pr_auc with
        _low and _high, prevalence, reason.

    Examples
    --------
    >>> from codebook.analysis.core.examples import make_table
    >>> table = make_table("spam", {"gold": list("nnyy"), "m": list("nnny")})
    >>> table["confidence"] = [None] * 4 + [0.9, 0.6, 0.65, 0.8]  # P(y) .1 .4 .35 .8, example of scikit-learn: AUC .75
    >>> roc_curves(table, gold="gold").frame[["label", "n_with", "roc_auc", "pr_auc"]].round(2)
                  label  n_with  roc_auc  pr_auc
    0                 n       2     0.75    0.83
    1                 y       2     0.75    0.83
    2  (label is right)       3     0.67    0.92
    """
    codings = read_gold(codings, gold=gold)
    coder = coder or codings.pick_pair()[0]
    title = f"{coder or 'A coder'}: curves of its scores"
    result = blank_result(codings, _COLUMNS, "score_curves", title, "calibration")
    if codings.variable.kind not in ("single", "rating"):
        return nothing_to_say(codings, codings.uncounted or ONE_LABEL, result)
    if not coder:
        return say_no_pair(codings, result)
    pair, chances = read_pair(codings, coder), read_probabilities(codings, coder, probability)
    if not len(chances):
        reason = f"No label of {codings.variable.name!r} by {coder!r} has a probability: there is no score to draw."
        return nothing_to_say(codings, reason, result)
    scores = dict(_list_scores(pair, chances, list(list_labels(codings))))
    frame = pd.DataFrame([_measure(name, *each, confidence) for name, each in scores.items()], columns=list(_COLUMNS))
    shown = codings.in_words(frame, "label")
    names = {"roc_auc": "ROC AUC", "pr_auc": "PR AUC", "n_with": "units with it"}
    named = {f"{name}{end}": f"{words}{end}" for name, words in names.items() for end in ("", "_low", "_high")}
    return replace(
        result,
        frame=frame,
        facts=list_facts(codings, {coder: pair}, Bootstrap(replicates=0, confidence=confidence)),
        finding=_say(shown, coder),
        remarks=remark_gold(codings, pair, _NOTE),
        table=shown.drop(columns=["prevalence"] if frame["reason"].any() else ["reason"]).rename(columns=named),
        figure=partial(_draw, shown, list(scores.values())),
    )


_Scored = tuple[Bools, Floats, Floats]


def _list_scores(pair: Pair, chances: pd.Series[float], labels: list[str]) -> Iterator[tuple[str, _Scored]]:
    """For each label: which units have it, the scores of the units, and their weights."""
    rows = np.flatnonzero(pair.coded >= 0)
    p = pd.Series(pair.units[rows].astype(str)).map(chances).to_numpy(dtype=float)
    rows, p = rows[~np.isnan(p)], p[~np.isnan(p)]
    gold, coded, weight = pair.gold[rows], pair.coded[rows], pair.design.weight[rows]
    others = max(len(labels) - 1, 1)
    for at, label in enumerate(labels):
        score = np.asarray(np.where(coded == at, p, (1 - p) / others), dtype=np.float64)
        yield label, (gold == at, score, weight)
    yield RIGHT, (gold == coded, np.asarray(p, dtype=np.float64), weight)


def _measure(label: str, has: Bools, score: Floats, weight: Floats, confidence: float) -> dict[str, Any]:
    n, n_with = len(has), int(has.sum())
    head = {"label": label, "n": n, "n_with": n_with}
    if n_with in (0, n):
        every, has_it = "every" if n_with else "no", "label is right" if label == RIGHT else "gold unit has the label"
        return head | {"reason": f"{every} {has_it}, so there are not two groups to tell apart"}
    false, true, precision, recall = trace_curves(has, score, weight)
    auc = float(np.trapezoid(np.r_[0, true], np.r_[0, false]))
    average = float(np.sum(np.diff(recall, prepend=0) * precision))
    low, high = newcombe_auc(auc, n_with, n - n_with, confidence)
    pr_low, pr_high = wilson_interval(average * n_with, n_with, confidence)
    return {
        **head,
        **{"roc_auc": auc, "roc_auc_low": low, "roc_auc_high": high},
        **{"pr_auc": average, "pr_auc_low": pr_low, "pr_auc_high": pr_high},
        **{"prevalence": float(np.average(has, weights=weight)), "reason": ""},
    }


def trace_curves(has: Bools, score: Floats, weight: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """False and true positive rate, precision and recall at each different score, from the highest on."""
    order = np.argsort(-score, kind="stable")
    ends = np.flatnonzero(np.diff(score[order], append=-np.inf))
    true, false = np.cumsum((weight * has)[order])[ends], np.cumsum((weight * ~has)[order])[ends]
    return false / false[-1], true / true[-1], true / (true + false), true / true[-1]


def newcombe_auc(auc: float, n_with: int, n_without: int, confidence: float = 0.95) -> tuple[float, float]:
    """Newcombe's interval (2006, method 5) of an area under the ROC curve; it has a width also where no scores overlap.

    Examples
    --------
    >>> [round(end, 3) for end in newcombe_auc(1.0, 10, 10)], [round(end, 3) for end in newcombe_auc(0.5, 50, 50)]
    ([0.8, 1.0], [0.39, 0.61])
    """
    from scipy.optimize import brentq
    from scipy.special import ndtri

    wide, mean_n = float(-ndtri((1 - confidence) / 2)), (n_with + n_without) / 2 - 1

    def miss(theta: float) -> float:
        spread = theta * (1 - theta) * (1 + mean_n * (1 - theta) / (2 - theta) + mean_n * theta / (1 + theta))
        return abs(theta - auc) - wide * math.sqrt(spread / (n_with * n_without))

    tiny = 1e-12
    low = 0.0 if auc <= tiny or miss(tiny) <= 0 else float(brentq(miss, tiny, auc - tiny if auc < 1 else 1 - 1e-9))
    high = 1.0 if auc >= 1 - tiny or miss(1 - tiny) <= 0 else float(brentq(miss, auc + tiny, 1 - tiny))
    return low, high


def _say(frame: pd.DataFrame, coder: str) -> str:
    places = places_of(int(frame["n"].iloc[0]))
    right = frame[frame["label"] == RIGHT].iloc[0]
    labels = frame[(frame["label"] != RIGHT) & frame["roc_auc"].notna()]
    head = f"The probabilities of {coder} tell right labels from wrong ones with an ROC AUC of"
    finding = f"{head} {say_figure(right, 'roc_auc', places)} ({say_count(int(right['n']), 'unit')})"
    if right["reason"]:
        finding = f"Of {say_count(int(right['n']), 'unit')} with a probability, {right['reason']}"
    if labels.empty:
        return f"{finding}."
    rows = labels.sort_values("roc_auc").to_dict("records")
    ends = " to ".join(f"{say_figure(row, 'roc_auc', places)} ({row['label']})" for row in (rows[0], rows[-1]))
    return f"{finding}; label by label it is {ends}."


@house_style()
def _draw(frame: pd.DataFrame, scores: list[_Scored]) -> Figure:
    """The curves of right against wrong, and of the commonest labels."""
    figure = new_figure("two", 82)
    left, right = figure.subplots(1, 2)
    known = frame[frame["roc_auc"].notna()].sort_values("n_with", ascending=False, kind="stable")
    for place, at in enumerate(known.index[:_MOST_DRAWN]):
        false, true, precision, recall = trace_curves(*scores[at])
        look: dict[str, Any] = {"color": ORDER[place], "linewidth": 1, "linestyle": ("-", "--", "-.", ":")[place]}
        name = "right against wrong" if frame["label"][at] == RIGHT else str(frame["label"][at])
        left.plot(np.r_[0, false], np.r_[0, true], label=name, **look)
        right.plot(np.r_[0, recall], np.r_[precision[0], precision], **look)
    left.plot([0, 1], [0, 1], color=MUTED, linewidth=0.6, linestyle=(0, (4, 3)))
    for axes in (left, right):
        axes.set(xlim=(0, 1), ylim=(0, 1.03))
    dress_axes(left, "false positive rate", "true positive rate (recall)")
    dress_axes(right, "recall", "precision")
    legend_above(left, 4)
    rest = len(known) - _MOST_DRAWN
    more = f" The {rest} rarer labels are in the table." if rest > 0 else ""
    say_in_picture(figure, f"n = {int(frame['n'].max()):,} gold units with a probability.{more}")
    return literal(figure)
