"""Two coders against the same gold: the paired difference with its interval, and McNemar's test."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from codebook.analysis.against_gold.gold_cells import (
    Cells,
    Pair,
    change_level,
    hold_labels,
    list_facts,
    list_labels,
    match_codes,
    read_alpha_level,
    read_gold,
    read_pair,
    remark_gold,
    say_no_pair,
)
from codebook.analysis.against_gold.measures import (
    OVERALL,
    Measure,
    alpha_statistic,
    measure_statistics,
    name_measures,
    overall_measures,
    spread,
)
from codebook.analysis.against_gold.rating_errors import (
    answered_points,
    error_statistic,
    is_scale,
    measure_differences,
    read_points,
)
from codebook.analysis.core.checks import raise_faults
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.estimates import Bootstrap, say_figure
from codebook.analysis.core.forest import keep_order, plot_estimates
from codebook.analysis.core.patterns import group_rows
from codebook.analysis.core.result import Facts, Result, blank_result, nothing_to_say
from codebook.analysis.core.scales import Floats
from codebook.analysis.core.standard_errors import count_members
from codebook.analysis.ratings.rating_pairs import RATING_MEASURES
from codebook.errors import Fault
from codebook.ground.quantities import MINUS, format_figure, kind_of, say_count, say_p
from codebook.outputs.figure_style import Figure

_EXACT = 25
"""Discordant units under which McNemar's test is exact (binomial)."""

NOTE = (
    "Differences are a - b, on the gold units put to both; a unit that one of them did not answer is wrong for it. "
    "Alpha is of the units that both answered. p is of McNemar's test that both are right equally often."
)

_ERRORS = (
    "Errors, r and concordance are computed on the units that both coders answered. "
    "A smaller error and a larger r are nearer to the gold."
)
_PRINTED = ("measure", "n", "value_a", "value_b", "difference", "difference_low", "difference_high", "p", "reason")
_IN_POINTS = ("mae", "rmse", "bias")


@dataclass(frozen=True)
class _Both:
    """Cells of a and of b over the same patterns of three answers, and how many units only one was asked about."""

    a: Cells
    b: Cells
    n_apart: int


def compare(
    codings: Codings | pd.DataFrame,
    a: str = "",
    b: str = "",
    *,
    gold: str = "",
    level: str = "",
    resample: Bootstrap = Bootstrap(),
) -> Result:
    """How much better does coder `a` meet the gold than coder `b`, on the gold units that were put to both?

    With a gold sample, units weigh 1 / their chance. McNemar's test takes every unit as drawn alike and for itself, so
    it is left out where chances differ or units are in clusters.

    Parameters
    ----------
    a, b
        Empty takes the first two beside the gold; where there are none, the result says so.
    gold, level
        As in `validity`.

    Returns
    -------
    Result
        A row per measure (accuracy, macro F1, MCC, alpha; for `multi` exact match, Jaccard, micro and macro F1, alpha;
        for numbers, and also for ratings, mean absolute error, RMSE, r, rho, concordance and mean error): measure,
        n, value_a, value_b, difference with _low and _high, and in the first row only_a and only_b (units that only
        one has right), p, test; `reason`.

    Raises
    ------
    StatisticError
        a and b are one coder, or share no gold unit; as for `validity`.

    Examples
    --------
    >>> codes = {"gold": list("aaaabbbb") * 5, "m": list("aaabbbbb") * 5, "k": list("aabbbbba") * 5}
    >>> result = compare(pd.DataFrame(codes), "m", "k", gold="gold", level="nominal")
    >>> result.frame[["measure", "value_a", "value_b", "difference", "only_a", "only_b"]].round(2)
        measure  value_a  value_b  difference  only_a  only_b
    0  accuracy     0.88     0.62        0.25    10.0     0.0
    1  macro F1     0.87     0.62        0.25     NaN     NaN
    2       MCC     0.77     0.26        0.52     NaN     NaN
    3     alpha     0.75     0.25        0.50     NaN     NaN
    """
    codings = read_gold(codings, gold=gold, level=level)
    a, b = _name_two(codings, a, b)
    title = f"{a or b or 'One coder'} less {b if a and b else 'another'}"
    result = blank_result(codings, ["measure", "n", "difference"], "validity_difference", title, "validity")
    if codings.uncounted:
        return nothing_to_say(codings, codings.uncounted, result)
    if not (a and b):
        return _say_alone(codings, a or b, result)
    is_number = codings.variable.kind == "number"
    labels, alpha_level = (() if is_number else list_labels(codings)), read_alpha_level(codings)
    pairs = _read_both(codings, a, b)
    both = _count_both(pairs, labels)
    names = {} if is_number else name_measures(codings.variable.kind)
    rows = list(_rows(list(names.values()), both, _overall(list(names)), resample)) if names else []
    if alpha_level and not is_number:
        rows += _rows(["alpha"], both, _alpha(pairs, labels, alpha_level), resample, answered=True)
    rows[:1] = [_add_test(row, both, pairs[0]) for row in rows[:1]]
    if is_scale(codings):
        rows += _error_rows(both, [pair.scale.values if is_number else read_points(labels) for pair in pairs], resample)
    frame = pd.DataFrame(rows)
    frame["reason"] = frame.pop("reason")
    how = [*([] if is_number else [NOTE]), *([_ERRORS] if is_scale(codings) else [])]
    apart = [f"{both.n_apart:,} gold units were put to one of them only, and are left out."] if both.n_apart else []
    facts = list_facts(codings, {a: pairs[0], b: pairs[1]}, resample, n_apart=both.n_apart, level=alpha_level)
    return replace(
        result,
        frame=frame,
        facts=facts,
        finding=_say_difference(frame, a, b, facts),
        remarks=remark_gold(codings, pairs[0], f"a is {a}, b is {b}.", *how, *apart),
        table=frame[list(_PRINTED)],
        figure=lambda: _draw(frame, f"difference to the gold: {a} {MINUS} {b}", facts.interval),
    )


def _draw(frame: pd.DataFrame, quantity: str, note: str) -> Figure:
    """The differences in the order of the table; for numbers only those in points of the scale."""
    known = frame.dropna(subset=["difference"])
    points = known["measure"].isin([RATING_MEASURES[name] for name in _IN_POINTS])
    is_number = frame["measure"].iloc[0] == RATING_MEASURES["mae"]
    known = known[points] if is_number else known[~known["measure"].isin(list(RATING_MEASURES.values()))]
    rows = known.assign(measure=keep_order(known["measure"]))
    return plot_estimates(rows, name="measure", value="difference", references=(0,), quantity=quantity, note=note)


def _name_two(codings: Codings, a: str, b: str) -> tuple[str, str]:
    """The coders a and b, the first two beside the gold where they are not named; empty for nobody."""
    if not (a and b):
        first, second = codings.pick_pair()
        a = a or next((name for name in (first, second) if name != b), "")
        b = b or next((name for name in (second, first) if name != a), "")
    return a, b


def _say_alone(codings: Codings, coder: str, result: Result) -> Result:
    if not coder:
        return say_no_pair(codings, result)
    problem = f"Only {coder!r} was held against the gold, and it takes two to say who meets it better"
    return nothing_to_say(codings, f"{problem}: nothing to compare.", result)


def _say_difference(frame: pd.DataFrame, a: str, b: str, facts: Facts) -> str:
    """The first difference with its interval, and whether one of both is shown better: by interval and by test."""
    row, places = frame.iloc[0], facts.places
    confidence = facts.bootstrap.confidence if facts.bootstrap else Bootstrap().confidence
    kind = kind_of((), row["measure"])
    first, second = (format_figure(row[name], places, kind) for name in ("value_a", "value_b"))
    values = f"{first} of {a} less {second} of {b}"
    difference = f"{say_figure(row, 'difference', places, kind=kind)}, on {say_count(int(row['n']), 'unit')}"
    low, high = row["difference_low"], row["difference_high"]
    better = a if low > 0 else b if high < 0 else ""
    if better and row["measure"] == RATING_MEASURES["mae"]:  # less is nearer
        better = b if better == a else a
    better = "" if row["p"] > 1 - confidence else better
    verdict = f"{better} meets the gold better" if better else "Neither is shown to meet the gold better"
    test = f" ({row['test']}: {say_p(row['p'])})" if row["test"] else ""
    return f"{str(row['measure']).capitalize()} {values} is {difference}. {verdict}{test}."


def _read_both(codings: Codings, a: str, b: str) -> list[Pair]:
    """The pairs of a and b with gold, on one scale."""
    about = f"{a!r} and {b!r} cannot be compared."
    if a == b:
        raise_faults(about, [Fault("a, b", f"both are {a!r}", "name two coders")])
    first, second = pairs = [read_pair(codings, coder) for coder in (a, b)]
    shared = first.asked & second.asked[second.units.get_indexer(first.units)]
    if not shared.any():
        n_asked = " and ".join(
            f"{int(pair.asked.sum()):,} to {coder!r}" for coder, pair in zip((a, b), pairs, strict=True)
        )
        problem = f"no gold unit of {codings.variable.name!r} was put to both ({n_asked})"
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
    both = []
    for pair, gold, coded in ((first, answers[0][at], answers[1][at]), (second, answers[3][at], answers[2][at])):
        holds = hold_labels(pair.scale, len(labels))
        cells = Cells(tuple(labels), holds[gold], holds[coded], coded >= 0, times, len(pair.gold))
        drawn = {"weight": design.weight[at], "stratum": design.stratum[at], "members": members}
        both.append(replace(cells, codes=np.stack([gold, coded], axis=1), **drawn))
    n_either = int((first.asked | second.asked[order]).sum())
    return _Both(both[0], both[1], n_either - len(rows))


_Statistic = tuple[Callable[[Cells], Callable[[Floats], Floats]], Callable[[Cells], Callable[[Floats], Floats]]]


def _overall(names: Sequence[str]) -> _Statistic:
    """For a and for b: these measures over all labels, side by side."""
    places = [OVERALL.index(name) for name in names]

    def statistic(cells: Cells) -> Callable[[Floats], Floats]:
        return lambda weights: overall_measures(weights, cells)[:, places]

    return statistic, statistic


def _alpha(pairs: list[Pair], labels: Sequence[str], level: str) -> _Statistic:
    """Alpha with gold: each pair has its own scale, as sets that nobody gave are not on it."""
    statistics = []
    for pair in pairs:
        changed = change_level(pair.codings, level=level, labels=labels)
        codes = match_codes(pair.codings, changed)
        statistics.append(lambda cells, scale=changed.scale, codes=codes: alpha_statistic(cells, scale, codes))
    return statistics[0], statistics[1]


def _rows(
    names: Sequence[str], both: _Both, statistic: _Statistic, bootstrap: Bootstrap, *, answered: bool = False
) -> Iterator[dict[str, Any]]:
    """A row for each of these measures, which the statistic has side by side."""
    a, b = both.a, both.b
    if answered:
        a, b = (replace(cells, answered=both.a.answered & both.b.answered) for cells in (a, b))
    units = both.a.weighted[None, :]
    ends = zip(statistic[0](a)(units)[0], statistic[1](b)(units)[0], strict=True)
    measures = measure_statistics([a, b], partial(_subtract, statistic), bootstrap)
    for name, (of_a, of_b), measure in zip(names, ends, measures, strict=True):
        values = {"value_a": float(of_a), "value_b": float(of_b)}
        lacking = " and ".join(key[-1] for key, value in values.items() if np.isnan(value))
        reason = f"undefined for {lacking}" if lacking else measure.gap
        head = {"measure": name, "n": a.n_answered if answered else a.n_asked, **values}
        empty = {"only_a": np.nan, "only_b": np.nan, "p": np.nan, "test": ""}
        yield {**head, **spread("difference", measure), **empty, "reason": reason}


def _error_rows(both: _Both, values: Sequence[Floats], bootstrap: Bootstrap) -> list[dict[str, Any]]:
    """One row for each of `RATING_MEASURES`: a, b, and a - b, on the units to which both coders gave a number."""
    rows = np.intersect1d(answered_points(both.a, values[0])[0], answered_points(both.b, values[1])[0])
    a, b = both.a.take(rows), both.b.take(rows)
    of_a, of_b = error_statistic(a, values[0]), error_statistic(b, values[1])
    if len(rows):
        ends = [statistic(a.weighted[None, :])[0] for statistic in (of_a, of_b)]
        measures = measure_differences(a, lambda weights: of_a(weights) - of_b(weights), bootstrap)[0]
    else:
        nothing = Measure(np.nan, np.nan, np.nan, "no unit has a number from both coders")
        ends, measures = [np.full(len(RATING_MEASURES), np.nan)] * 2, [nothing] * len(RATING_MEASURES)
    empty = {"only_a": np.nan, "only_b": np.nan, "p": np.nan, "test": ""}
    order = [*_IN_POINTS, *(name for name in RATING_MEASURES if name not in _IN_POINTS)]
    places = [(list(RATING_MEASURES).index(name), RATING_MEASURES[name]) for name in order]
    return [
        {"measure": title, "n": a.n_asked, "value_a": float(ends[0][at]), "value_b": float(ends[1][at])}
        | {**spread("difference", measures[at]), **empty, "reason": measures[at].gap}
        for at, title in places
    ]


def _subtract(statistic: _Statistic, a: Cells, b: Cells) -> Callable[[Floats], Floats]:
    of_a, of_b = statistic[0](a), statistic[1](b)
    return lambda weights: of_a(weights) - of_b(weights)


def _add_test(row: dict[str, Any], both: _Both, pair: Pair) -> dict[str, Any]:
    """McNemar's test (1947) on the units that only one of them has right; exact where they are few."""
    right_a, right_b = (cells.answered & (cells.gold == cells.coded).all(axis=1) for cells in (both.a, both.b))
    times = both.a.times
    only_a, only_b = int(times[right_a & ~right_b].sum()), int(times[right_b & ~right_a].sum())
    counts = {**row, "only_a": float(only_a), "only_b": float(only_b)}
    apart = "units are in clusters" if len(pair.design.cluster) else "units were drawn with unequal chances"
    if len(pair.design.cluster) or not pair.design.even:
        return {**counts, "reason": "; ".join(filter(None, [row["reason"], f"no McNemar test: {apart}"]))}
    exact = only_a + only_b < _EXACT
    p = _mcnemar(only_a, only_b, exact=exact)
    return {**counts, "p": p, "test": "McNemar, exact" if exact else "McNemar, chi-square"}


def _mcnemar(only_a: int, only_b: int, *, exact: bool) -> float:
    """The p value of as many units that only one has right: by the binomial, or by chi-square without correction."""
    from scipy.stats import binom, chi2

    n = only_a + only_b
    if exact:
        return min(1.0, 2 * float(binom.cdf(min(only_a, only_b), n, 0.5)))
    return float(chi2.sf((only_a - only_b) ** 2 / n, 1))
