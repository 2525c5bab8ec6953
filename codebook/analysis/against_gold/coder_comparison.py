"""Two coders against the same gold: the paired difference with its interval, and McNemar's test."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from codebook.analysis.against_gold.gold_cells import (
    Cells,
    Pair,
    change_level,
    hold_labels,
    match_codes,
    read_pair,
    why_no_pair,
)
from codebook.analysis.against_gold.measures import (
    OVERALL,
    alpha_statistic,
    check_request,
    measure_statistic,
    overall_measures,
    spread,
)
from codebook.analysis.core.checks import carry_joins, raise_faults
from codebook.analysis.core.counts import Clusters
from codebook.analysis.core.empty import make_empty
from codebook.analysis.core.estimates import Bootstrap
from codebook.analysis.core.sample_design import count_members, group_rows
from codebook.analysis.core.scales import SET_LEVELS, Floats
from codebook.errors import Fault

_SHOWN = {
    "single": {"accuracy": "accuracy", "macro F1": "macro F1", "MCC": "MCC"},
    "multi": {"accuracy": "exact match", "Jaccard": "Jaccard", "micro F1": "micro F1", "macro F1": "macro F1"},
}
_EXACT = 25
"""Discordant units under which McNemar's test is exact (binomial)."""

NOTE = (
    "Differences are a - b, on the gold units put to both; a unit that one of them did not answer is wrong for it. "
    "Alpha is of the units that both answered. p is of McNemar's test that both are right equally often."
)


@dataclass(frozen=True)
class _Both:
    """Cells of a and of b over the same patterns of three answers, and how many units only one was asked about."""

    a: Cells
    b: Cells
    n_apart: int


def compare(
    table: pd.DataFrame,
    a: str | None,
    b: str | None,
    *,
    variable: str,
    labels: Sequence[str],
    level: str,
    gold: str,
    kind: str = "single",
    replicates: int = 1000,
    confidence: float = 0.95,
    seed: int = 1,
    draw: int = 0,
    sample: pd.DataFrame | None = None,
    cluster: Clusters | None = None,
) -> pd.DataFrame:
    """How much better coder `a` meets the gold than coder `b`, on the gold units that were put to both.

    Parameters
    ----------
    a, b
        None, where there are no two coders beside the gold, gives an empty frame that says so.
    level
        For alpha with gold; for `multi` the distance of sets, any other then being taken as `masi`.
    sample, cluster
        As in `validity`. McNemar's test takes every unit as drawn alike and for itself, so it is then left out, unless
        all units of the sample weigh the same.

    Returns
    -------
    pd.DataFrame
        A row a measure (accuracy, macro F1, MCC, alpha; for `multi` exact match, Jaccard, micro and macro F1, alpha):
        measure, n, value_a, value_b, difference with _low and _high, and in the first row only_a and only_b (units that
        only one has right), p, test; `reason`. `attrs`: a, b, gold, n_apart (gold units put to one only), coverage,
        seed, versions, note.

    Raises
    ------
    StatisticError
        a and b are one coder, or share no gold unit; as for `validity`.

    Examples
    --------
    >>> from codebook.analysis.core.examples import make_table
    >>> codes = {"gold": list("aaaabbbb") * 5, "m": list("aaabbbbb") * 5, "k": list("aabbbbba") * 5}
    >>> how = {"variable": "tone", "labels": ["a", "b"], "level": "nominal", "gold": "gold"}
    >>> frame = compare(make_table("tone", codes), "m", "k", **how)
    >>> frame[["measure", "value_a", "value_b", "difference", "only_a", "only_b"]].round(2)
        measure  value_a  value_b  difference  only_a  only_b
    0  accuracy     0.88     0.62        0.25    10.0     0.0
    1  macro F1     0.87     0.62        0.25     NaN     NaN
    2       MCC     0.77     0.26        0.52     NaN     NaN
    3     alpha     0.75     0.25        0.50     NaN     NaN
    """
    check_request(kind, replicates, confidence)
    if a is None or b is None:
        alone = (
            f"Only {a or b!r} was held against the gold here. To say who meets it better takes two, such as two models."
        )
        reason = alone if a or b else why_no_pair(table, variable, gold)
        return make_empty(reason, ["measure", "n", "difference"], table=table)
    sets = kind == "multi"
    set_level = level if level in SET_LEVELS else "masi"
    read_level, alpha_level = (set_level, set_level) if sets else ("nominal", level)
    how = Bootstrap(replicates, confidence, seed)
    asked: dict[str, Any] = {"variable": variable, "labels": labels, "gold": gold, "level": read_level, "draw": draw}
    pairs = _read_both(table, a, b, sample=sample, cluster=cluster, **asked)
    both = _count_both(pairs, labels)
    rows = [_row(name, both, statistic, how) for name, statistic in _overall(kind)]
    rows.append(_row("alpha", both, _alpha(pairs, labels, alpha_level), how, answered=True))
    rows[0] = _add_test(rows[0], both, pairs[0])
    frame = pd.DataFrame(rows)
    frame["reason"] = frame.pop("reason")
    told: dict[Hashable, Any] = {"variable": variable, "a": a, "b": b, "gold": gold, "kind": kind, "level": alpha_level}
    design = pairs[0].design
    told |= {"draw": draw, "n_apart": both.n_apart, "resampled": design.resampled, "weighted": design.weighted}
    told |= {"coverage": {coder: pair.coverage for coder, pair in zip((a, b), pairs, strict=True)}}
    frame.attrs = {**told, "note": " ".join([NOTE, *design.notes]), **how.attrs, **carry_joins(table)}
    return frame


def _read_both(table: pd.DataFrame, a: str, b: str, *, variable: str, gold: str, draw: int, **asked: Any) -> list[Pair]:
    """The pairs of a and b with gold, on one scale."""
    about = f"{a!r} and {b!r} cannot be compared."
    if a == b:
        raise_faults(about, [Fault("a, b", f"both are {a!r}", "name two coders")])
    pairs = [read_pair(table, variable=variable, gold=gold, draw=draw, coder=coder, **asked) for coder in (a, b)]
    n_asked = [int(pair.asked.sum()) for pair in pairs]
    first, second = pairs
    shared = first.asked & second.asked[second.units.get_indexer(first.units)]
    if not shared.any():
        problem = f"no gold unit of {variable!r} was put to both ({n_asked[0]:,} to {a!r}, {n_asked[1]:,} to {b!r})"
        raise_faults(about, [Fault("a, b", problem, "take draws and coders that share gold units")])
    return pairs


def _count_both(pairs: list[Pair], labels: Sequence[str]) -> _Both:
    """Patterns of gold's, a's and b's answer on the units put to both."""
    first, second = pairs
    order = second.units.get_indexer(first.units)
    rows = np.flatnonzero(first.asked & second.asked[order])
    answers = (first.gold[rows], first.coded[rows], second.coded[order[rows]], second.gold[order[rows]])
    design = first.design.only(rows)
    at, times, which = group_rows(*answers, design.weight, design.stratum)
    members = count_members(design.cluster, which, len(at))
    made = []
    for pair, gold, coded in ((first, answers[0][at], answers[1][at]), (second, answers[3][at], answers[2][at])):
        held = hold_labels(pair.scale, len(labels))
        one = Cells(tuple(labels), held[gold], held[coded], coded >= 0, times, len(pair.gold))
        drawn = {"weight": design.weight[at], "stratum": design.stratum[at], "members": members}
        made.append(replace(one, codes=np.stack([gold, coded], axis=1), **drawn))
    n_either = int((first.asked | second.asked[order]).sum())
    return _Both(made[0], made[1], n_either - len(rows))


_Statistic = tuple[Callable[[Cells], Callable[[Floats], Floats]], Callable[[Cells], Callable[[Floats], Floats]]]


def _overall(kind: str) -> list[tuple[str, _Statistic]]:
    """Name and statistic, for a and for b, of each measure over all labels."""
    shown = _SHOWN["multi" if kind == "multi" else "single"]

    def take(at: int) -> Callable[[Cells], Callable[[Floats], Floats]]:
        return lambda cells: lambda weights: overall_measures(weights, cells)[:, at]

    return [(name, (take(OVERALL.index(key)), take(OVERALL.index(key)))) for key, name in shown.items()]


def _alpha(pairs: list[Pair], labels: Sequence[str], level: str) -> _Statistic:
    """Alpha with gold: each pair has its own scale, as sets that nobody gave are not on it."""
    made = []
    for pair in pairs:
        changed = change_level(pair.codings, level=level, labels=labels)
        codes = match_codes(pair.codings, changed)
        made.append(lambda cells, scale=changed.scale, codes=codes: alpha_statistic(cells, scale, codes))
    return made[0], made[1]


def _row(name: str, both: _Both, statistic: _Statistic, how: Bootstrap, *, answered: bool = False) -> dict[str, Any]:
    a, b = both.a, both.b
    if answered:
        a, b = (replace(cells, answered=both.a.answered & both.b.answered) for cells in (a, b))
    of_a, of_b = statistic[0](a), statistic[1](b)
    units = both.a.weighted[None, :]
    measure = measure_statistic(both.a, lambda weights: of_a(weights) - of_b(weights), how)
    values = {"value_a": float(of_a(units)[0]), "value_b": float(of_b(units)[0])}
    lacking = " and ".join(key[-1] for key, value in values.items() if np.isnan(value))
    reason = f"undefined for {lacking}" if lacking else measure.gap
    head = {"measure": name, "n": a.n_answered if answered else a.n_asked, **values}
    empty = {"only_a": np.nan, "only_b": np.nan, "p": np.nan, "test": ""}
    return {**head, **spread("difference", measure), **empty, "reason": reason}


def _add_test(row: dict[str, Any], both: _Both, pair: Pair) -> dict[str, Any]:
    """McNemar's test (1947) on the units that only one of them has right; exact where they are few."""
    from statsmodels.stats.contingency_tables import mcnemar

    right_a, right_b = (cells.answered & (cells.gold == cells.coded).all(axis=1) for cells in (both.a, both.b))
    times = both.a.times
    only_a, only_b = int(times[right_a & ~right_b].sum()), int(times[right_b & ~right_a].sum())
    counts = {**row, "only_a": float(only_a), "only_b": float(only_b)}
    apart = "units are in clusters" if len(pair.design.cluster) else "units were drawn with unequal chances"
    if len(pair.design.cluster) or not pair.design.even:
        return {**counts, "reason": "; ".join(filter(None, [row["reason"], f"no McNemar test: {apart}"]))}
    exact = only_a + only_b < _EXACT
    done = mcnemar([[0, only_a], [only_b, 0]], exact=exact, correction=False)
    return {**counts, "p": float(done.pvalue), "test": "McNemar, exact" if exact else "McNemar, chi-square"}
