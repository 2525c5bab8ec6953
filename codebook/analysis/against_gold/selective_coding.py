"""Selective coding: a model's label is taken only where an error bound holds on the gold; the rest goes to people."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
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
from codebook.analysis.core.checks import name_some, raise_faults
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.estimates import Bootstrap
from codebook.analysis.core.forest import plot_estimates
from codebook.analysis.core.result import CodingsWithResult, blank_result, nothing_to_say
from codebook.analysis.core.scales import Bools, Floats, Ints
from codebook.errors import Fault
from codebook.ground.quantities import format_figure, say_count, say_percent
from codebook.outputs.figure_style import Figure

THRESHOLDS = (0.0, 0.6, 0.8, 0.9, 0.97)
"""Lowest probabilities at which labels may be taken: few, and fixed beforehand, since each one costs confidence."""

LEFT = "left to people"
_COLUMNS = ("label", "threshold", "n", "n_wrong", "error", "bound", "n_taken", "n_left", "reason")


@dataclass(frozen=True, repr=False)
class SelectiveLabels(CodingsWithResult):
    """Which labels of a model are taken, and which units people code; in a notebook it shows the result.

    `codings` are the codings without the model's labels that are not taken; their `why` is `left to people`. `left`
    are the units that people code, for `cb.coding.assign`, in the order of the codings.
    """

    left: tuple[str, ...] = ()


def selective_labels(
    codings: Codings | pd.DataFrame,
    coder: str = "",
    *,
    error: float = 0.1,
    confidence: float = 0.95,
    probability: str = "confidence",
    thresholds: Sequence[float] = THRESHOLDS,
    gold: str = "",
) -> SelectiveLabels:
    """Take a model's labels only where few enough of them are wrong; leave the other units to people.

    For each label and each threshold of the probability, the share of wrong labels is estimated on the gold units to
    which the model gave the label, with the upper bound of Clopper and Pearson (1934). The loosest threshold whose
    bound is within `error` is taken. Several thresholds have a price: each of n is tested at 1 / n of the risk
    (Bonferroni; as in "Learn then test", Angelopoulos et al. 2021). So the bound of each label holds with `confidence`;
    of twenty labels one may be beyond its bound. Bounds hold for units drawn like the gold, and for gold that was used
    for nothing else: neither for the codebook nor for the choice of a model.

    Parameters
    ----------
    codings
        Of one variable with one label per unit, or a plain frame.
    coder
        By default the first coder beside the gold.
    error
        The share of the taken units of each label that may be wrong.
    confidence
        The confidence of the bound of each label, such as .95.
    probability
        Column of the codings with the probability of the label given. Without it a label is
        taken as a whole or not at all.
    thresholds
        Lowest probabilities to try, 0 for all units; fixed before the gold was seen.
    gold
        Who is the gold, where the codings do not say it.

    Returns
    -------
    SelectiveLabels
        `result.frame`: a row per label: label, threshold (from which it is taken), n (gold units with it at the
        threshold), n_wrong, error, bound (upper), n_taken and n_left (units of the codings), reason.

    Raises
    ------
    StatisticError
        Labels that are sets; a sample that is locked; as for `validity`.

    Examples
    --------
    >>> wide = pd.DataFrame({"gold": ["a"] * 80 + ["b"] * 20, "m": ["a"] * 80 + ["b"] * 15 + ["a"] * 5})
    >>> chosen = selective_labels(wide, gold="gold", error=0.15)
    >>> chosen.result.frame[["label", "n", "n_wrong", "bound", "n_taken"]].round(3)
      label   n  n_wrong  bound  n_taken
    0     a  85        5  0.120       85
    1     b  15        0  0.181        0
    >>> chosen.result.frame["reason"][1], len(chosen.left)
    ('19 gold units without an error would be needed, there are 15', 15)
    """
    every = read_gold(codings, gold=gold, whole=True)
    codings = every.of_part()
    raise_faults("Labels cannot be chosen.", _check(error, confidence))
    coder = coder or codings.pick_pair()[0]
    title = f"{coder or 'Coder'}: labels that are taken"
    empty = blank_result(codings, _COLUMNS, "selective_labels", title, "validity")
    if codings.variable.kind not in ("single", "rating"):
        return SelectiveLabels(every, nothing_to_say(codings, codings.uncounted or ONE_LABEL, empty))
    if not coder:
        return SelectiveLabels(every, say_no_pair(codings, empty))
    pair = read_pair(codings, coder)
    chances = read_probabilities(every, coder, probability)
    given = _read_given(every, coder, chances)
    judged = _judge(pair, chances)
    labels = [label for label in list_labels(codings) if (given["label"] == label).any()]
    tried = sorted({0.0, *thresholds}) if len(chances) else [0.0]
    risk = (1 - confidence) / len(tried)
    rows = [choose(label, judged, given, tried, (error, risk)) for label in labels]
    frame = pd.DataFrame(rows, columns=list(_COLUMNS))
    from_on = frame.set_index("label")["threshold"]
    taken = (given["chance"] >= given["label"].map(from_on).fillna(np.inf)).to_numpy()
    facts = list_facts(codings, {coder: pair}, Bootstrap(replicates=0, confidence=confidence))
    result = replace(
        empty,
        frame=frame,
        facts=facts,
        finding=_say(codings.in_words(frame, "label"), coder, int(taken.sum()), len(given), error, confidence),
        remarks=remark_gold(codings, pair, *_remark(pair, tried, confidence)),
        table=_print(codings.in_words(frame, "label"), has_chances=bool(len(chances))),
        figure=partial(_draw, codings.in_words(frame, "label"), error, confidence),
    )
    return SelectiveLabels(_leave(every, given, taken), result, tuple(given["unit_id"][~taken]))


def _check(error: float, confidence: float) -> list[Fault]:
    shares = {"error": error, "confidence": confidence}
    return [
        Fault(name, f"{share} is not a share between 0 and 1", "pass .1 or .95, for example")
        for name, share in shares.items()
        if not 0 < share < 1
    ]


def _read_given(codings: Codings, coder: str, chances: pd.Series[float]) -> pd.DataFrame:
    """The labels of the coder and their probability: 1 if no unit has one; else below all thresholds."""
    frame, name = codings.frame, codings.variable.name
    rows = frame[(frame["coder"] == coder) & (frame["variable"] == name) & (frame["draw"] == 0)]
    units = rows["unit_id"].astype(str)
    known = units.map(chances).fillna(-1.0) if len(chances) else pd.Series(1.0, index=units.index)
    return pd.DataFrame({"unit_id": units, "label": rows["label"], "chance": known.where(rows["label"].notna(), -1.0)})


def _judge(pair: Pair, chances: pd.Series[float]) -> pd.DataFrame:
    """Label, probability, whether it is wrong, weight and cluster of each gold unit that the coder answered."""
    rows = np.flatnonzero(pair.coded >= 0)
    units = pair.units[rows].astype(str)
    chance = pd.Series(units).map(chances).fillna(-1.0).to_numpy() if len(chances) else np.ones(len(rows))
    labels = np.array(pair.scale.labels, dtype=object)[pair.coded[rows]]
    wrong = pair.coded[rows] != pair.gold[rows]
    weight, cluster = pair.design.weight[rows], pair.design.cluster[rows] if len(pair.design.cluster) else rows
    return pd.DataFrame({"label": labels, "chance": chance, "wrong": wrong, "weight": weight, "cluster": cluster})


def choose(
    label: str, judged: pd.DataFrame, given: pd.DataFrame, thresholds: Sequence[float], rule: tuple[float, float]
) -> dict[str, Any]:
    """The loosest threshold whose bound is low enough; without one, the figures of all gold units with the label."""
    error, risk = rule
    mine, theirs = judged[judged["label"] == label], given[given["label"] == label]
    tried = [_bound(mine[mine["chance"] >= each], each, risk) for each in thresholds]
    best = next((row for row in tried if row["bound"] <= error), None)
    row = best or {**tried[0], "threshold": math.nan}
    n_taken = int((theirs["chance"] >= best["threshold"]).sum()) if best else 0
    fewest = math.ceil(math.log(risk) / math.log(1 - error))
    reason = f"up to {format_figure(row['bound'])} may be wrong, and {format_figure(error)} is allowed"
    n_alone = mine["cluster"].nunique()
    if n_alone < fewest:
        what = "gold units" if n_alone == len(mine) else "clusters of gold units"
        reason = f"{fewest} {what} without an error would be needed, there are {n_alone}"
    counts = {"n_taken": n_taken, "n_left": len(theirs) - n_taken}
    return {"label": label, **row, **counts, "reason": "" if best else reason}


def _bound(part: pd.DataFrame, threshold: float, risk: float) -> dict[str, Any]:
    wrong, weight = part["wrong"].to_numpy(dtype=bool), part["weight"].to_numpy(dtype=float)
    share = float(np.average(wrong, weights=weight)) if len(part) else math.nan
    bound = upper_bound(wrong, weight, risk, part["cluster"].to_numpy()) if len(part) else 1.0
    about = {"threshold": threshold, "n": len(part), "n_wrong": int(wrong.sum())}
    return {**about, "error": share, "bound": bound}


def upper_bound(wrong: Bools, weight: Floats, risk: float, cluster: Ints | None = None) -> float:
    """The upper bound of Clopper and Pearson (1934) of the share wrong, which is exceeded with `risk` at most.

    Weighted units count as (sum of w)^2 / sum of w^2 of them (Korn and Graubard 1998). The units of one `cluster`,
    (n_units,), may all be wrong together, so they count as one unit with the sum of their weights: a few errors, or
    none, do not show how much the units of a cluster are alike.

    Examples
    --------
    >>> round(upper_bound(np.zeros(28, dtype=bool), np.ones(28), 0.05), 4)  # 1 - .05 ** (1 / 28)
    0.1015
    """
    from scipy.stats import beta

    whole = weight if cluster is None else np.bincount(np.unique(cluster, return_inverse=True)[1], weights=weight)
    n = whole.sum() ** 2 / (whole**2).sum()
    n_wrong = float(np.average(wrong, weights=weight)) * n
    return float(beta.ppf(1 - risk, n_wrong + 1, n - n_wrong)) if n_wrong < n else 1.0


def _leave(codings: Codings, given: pd.DataFrame, taken: Bools) -> Codings:
    """The codings without the labels that are not taken."""
    frame = codings.frame.copy()
    rows = given.index[~taken & given["label"].notna().to_numpy()]
    frame["label"], frame["why"] = frame["label"].astype(object), frame["why"].astype(object)
    frame.loc[rows, "label"] = None
    frame.loc[rows, "why"] = LEFT
    return replace(codings, frame=frame)


def _say(frame: pd.DataFrame, coder: str, n_taken: int, n: int, error: float, confidence: float) -> str:
    good = frame.loc[frame["n_taken"] > 0, "label"].tolist()
    if not good:
        return f"No label of {coder} can be taken with at most {say_percent(error)} wrong: people code all {n:,} units."
    sure = f"of each at most {say_percent(error)} are wrong, with {100 * confidence:g} % confidence"
    taken = f"{n_taken:,} of {n:,} labels of {coder} are taken ({name_some(good, 12)})"
    return f"{taken}: {sure}. People code {say_count(n - n_taken, 'unit')}."


def _remark(pair: Pair, thresholds: Sequence[float], confidence: float) -> Iterator[str]:
    many = f", each of {len(thresholds)} thresholds at 1 / {len(thresholds)} of the risk" if len(thresholds) > 1 else ""
    yield (
        f"Bounds are those of Clopper and Pearson{many}; that of each label holds with {100 * confidence:g} % "
        "confidence, for units drawn like the gold, and for gold that was used for nothing else."
    )
    if len(thresholds) == 1:
        yield "Without probabilities a label is taken as a whole or not at all."
    if pair.design.weighted:
        yield "Gold units drawn with unequal chances count as fewer units, so the bound is approximate."
    if len(pair.design.cluster):
        yield "Gold units of one cluster may be wrong together: in a bound they count as one unit."


def _print(frame: pd.DataFrame, *, has_chances: bool) -> pd.DataFrame:
    heads = ["label", *(["threshold"] if has_chances else []), "n", "n_wrong", "bound", "n_taken", "n_left", "reason"]
    names = {
        "threshold": "from probability",
        "n": "gold units",
        "n_wrong": "wrong",
        "bound": "at most",
        "n_taken": "taken",
        "n_left": "left",
    }
    return frame[heads if frame["reason"].any() else heads[:-1]].rename(columns=names)


def _draw(frame: pd.DataFrame, error: float, confidence: float) -> Figure:
    """The share of each label that is wrong, up to its bound."""
    rows = frame.assign(value=frame["error"], low=frame["error"], high=frame["bound"])
    note = f"Bars end at the upper {100 * confidence:.3g} % bound. A label beyond the line is left to people."
    return plot_estimates(rows, name="label", quantity="share of labels that are wrong", references=(error,), note=note)
