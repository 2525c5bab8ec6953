"""One comparison as rows of a frame, one a coefficient: its figures, or how far two sets of units are apart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from codebook.analysis.core.counts import LabelCodes
from codebook.analysis.core.estimates import Bootstrap, Estimate, percentile_interval, resample
from codebook.analysis.core.scales import SET_LEVELS, Floats
from codebook.analysis.core.standard_errors import linear_error
from codebook.analysis.reliability.coefficients import Coefficient, estimate_coefficient, make_measure, pick_coefficient
from codebook.analysis.reliability.comparisons import Comparison
from codebook.analysis.reliability.krippendorff import Measure, Pairable, pairable

BOUNDS = (0.667, 0.800)
"""Krippendorff's customary reference lines; they are no verdicts."""

_FIGURES = ("low", "high", "se", "jack_low", "jack_high")
_BY_T = ("t_low", "t_high", "p")
_COUNTS = ("n_units", "n_dropped", "n_missing", "n_coders", "n_codings", "n_clusters")
_SHARES = ("undefined_share", "below_667", "below_800", "commonest")
COLUMNS = ("coefficient", "detail", "value", *_FIGURES, *_BY_T, *_COUNTS, *_SHARES, "dropped", "reason")
"""Columns of a row after those that say what is compared."""
WEIGHTED = "weighted"
"""Extra key of a row: whether units are weighted by 1 / their chance in the gold sample."""


def comparison_rows(
    each: Comparison, coefficients: Sequence[str | Coefficient], bootstrap: Bootstrap, least: int = 0
) -> list[dict[str, object]]:
    """The rows of one comparison, one a coefficient; without an interval where a side has fewer than `least` units."""
    if each.codes is None:
        empty = {**dict.fromkeys(_FIGURES + _BY_T + _SHARES, math.nan), **dict.fromkeys(_COUNTS, 0), "value": math.nan}
        about = {"detail": "", "dropped": "", "reason": each.reason}
        names = [pick_coefficient(coefficient).name for coefficient in coefficients]
        return [{**each.head, "difference": False, "coefficient": name, **empty, **about} for name in names]
    pairs = pairable(each.codes)
    if pairs.scale.level == SET_LEVELS[1]:  # it has one distance of its own: it stands beside the first level
        coefficients = [name for name in coefficients if pick_coefficient(name).base != "alpha_multivalued"]
    if min(pairs.n_units, least if each.beside is None else pairable(each.beside).n_units) < least:
        rows = comparison_rows(each, coefficients, replace(bootstrap, replicates=0))
        return [row | {"reason": row["reason"] or f"no interval: fewer than {least} units"} for row in rows]
    if each.beside is None:
        rows = [_value_row(pairs, pick_coefficient(name), bootstrap) for name in coefficients]
    else:
        beside = pairable(each.beside)
        rows = [_difference_row(pairs, beside, pick_coefficient(name), bootstrap) for name in coefficients]
    if each.paired:
        alone = {"n_clusters": 0} if len(np.unique(pairs.labelled.cluster)) == pairs.n_units else {}
        counts = {name: getattr(pairs, name) for name in ("n_units", "n_dropped", "n_missing", "n_codings", "n_coders")}
        rows = [row | counts | alone | {"dropped": each.dropped} for row in rows]
    is_weighted, is_difference = pairs.patterns.weight is not None, each.beside is not None
    return [{**each.head, "difference": is_difference, WEIGHTED: is_weighted, **row} for row in rows]


def _value_row(pairs: Pairable, coefficient: Coefficient, bootstrap: Bootstrap) -> dict[str, object]:
    estimate, draws = estimate_coefficient(pairs, coefficient, bootstrap)
    margins = pairs.patterns.weighted @ pairs.patterns.counts
    known = draws[~np.isnan(draws)]
    below = {
        f"below_{bound * 1000:.0f}": math.nan if math.isnan(estimate.low) else float((known < bound).mean())
        for bound in BOUNDS
    }
    commonest = float(margins.max() / margins.sum()) if margins.sum() else math.nan
    return _row(coefficient, estimate, bootstrap, **below, commonest=commonest, dropped=pairs.dropped)


def _row(coefficient: Coefficient, estimate: Estimate, bootstrap: Bootstrap, **about: object) -> dict[str, object]:
    reason = estimate.reason if bootstrap.replicates or math.isnan(estimate.value) else ""
    names = ("value", *_FIGURES, *_COUNTS, "undefined_share")
    figures = {name: getattr(estimate, name) for name in names}
    by_t = {**dict(zip(_BY_T, (*t_interval(estimate), math.nan), strict=True)), **about}
    return {"coefficient": coefficient.name, "detail": estimate.definition, **figures, **by_t, "reason": reason}


def t_interval(estimate: Estimate) -> tuple[float, float]:
    """Gwet's interval (2014): value -+ t x standard error, t with one degree of freedom less than units or clusters.

    Examples
    --------
    >>> from codebook.analysis.core.counts import read_codes
    >>> from codebook.analysis.core.examples import observers_2011
    >>> from codebook.analysis.reliability.coefficients import COEFFICIENTS
    >>> codes = read_codes(observers_2011(), variable="code", level="nominal", labels=list("12345"))
    >>> estimate, _ = estimate_coefficient(pairable(codes), COEFFICIENTS["alpha"], Bootstrap(100))
    >>> [round(end, 2) for end in t_interval(estimate)]
    [0.43, 1.0]
    """
    from scipy.special import stdtrit

    freedom = (estimate.n_clusters or estimate.n_units) - 1
    if freedom < 1 or math.isnan(estimate.se):
        return math.nan, math.nan
    half = float(stdtrit(freedom, (1 + estimate.confidence) / 2)) * estimate.se
    return estimate.value - half, min(1.0, estimate.value + half)


def _find_p(draws: Floats) -> float:
    """Two-sided p of a difference: 1 - the confidence at which the percentile interval of the replicates meets zero."""
    known = draws[~np.isnan(draws)]
    if not len(known):
        return math.nan
    least = min(int((known <= 0).sum()), int((known >= 0).sum()))
    return min(1.0, 2 * (least + 1) / (len(known) + 1))


def _difference_row(a: Pairable, b: Pairable, coefficient: Coefficient, bootstrap: Bootstrap) -> dict[str, object]:
    """How much more the coders agree on the units of `a` than on those of `b`."""
    first, draws = estimate_coefficient(a, coefficient, bootstrap)
    second, others = estimate_coefficient(b, coefficient, replace(bootstrap, seed=bootstrap.seed + 1))
    measures = make_measure(a, coefficient), make_measure(b, coefficient)
    members = None if not (len(draws) and len(others)) else _join_members(measures, (a, b))
    error = math.hypot(first.se, second.se)
    if members is not None:
        drawn, error = _draw_together(measures, members, bootstrap)
    else:
        drawn = draws - others if len(draws) and len(others) else np.empty(0)
    n_clusters = first.n_clusters + second.n_clusters if members is None else members.shape[0]
    freedom = (n_clusters or first.n_units + second.n_units) - 1
    interval = percentile_interval(drawn, bootstrap.confidence, first.value - second.value, freedom=freedom)
    of_sides = [first.reason, second.reason]  # where a side has no interval, the replicates of the difference are none
    reasons = dict.fromkeys(filter(None, [*of_sides, "" if any(of_sides) and not len(drawn) else interval.reason]))
    both = replace(
        first,
        value=first.value - second.value,
        low=interval.low,
        high=interval.high,
        undefined_share=interval.undefined_share,
        se=error,
        jack_low=math.nan,
        jack_high=math.nan,
        reason="; ".join(reasons),
        n_coders=len(_who(a.codings) | _who(b.codings)),
        n_clusters=n_clusters,
        **{name: getattr(first, name) + getattr(second, name) for name in ("n_units", "n_dropped", "n_missing")},
        n_codings=first.n_codings + second.n_codings,
    )
    about = {**dict.fromkeys(_SHARES[1:], math.nan), "p": math.nan if math.isnan(both.low) else _find_p(drawn)}
    return _row(coefficient, both, bootstrap, **about, dropped="")


def _who(codes: LabelCodes) -> set[str]:
    return {codes.coders[at] for at in np.unique(codes.coder)}


def _join_members(measures: Sequence[Measure], sides: Sequence[Pairable]) -> Any:
    """How often each cluster shows each pattern of either side; None where no cluster has units in both.

    A sparse array (n_clusters, n_patterns of the first and the second side).
    """
    if not len(sides[0].labelled.cluster):
        return None
    from scipy.sparse import csr_array, hstack

    shown = [measure.wide.shown for measure in measures]
    units = [np.flatnonzero(patterns >= 0) for patterns in shown]
    clusters = [side.labelled.cluster[unit] for side, unit in zip(sides, units, strict=True)]
    if not np.isin(clusters[0], clusters[1]).any():
        return None
    names = np.unique(np.concatenate(clusters))
    parts = [
        csr_array(
            (np.ones(len(unit)), (np.searchsorted(names, cluster), patterns[unit])),
            shape=(len(names), len(measure.wide.times)),
        )
        for measure, patterns, unit, cluster in zip(measures, shown, units, clusters, strict=True)
    ]
    return hstack(parts, format="csr")


def _draw_together(measures: Sequence[Measure], members: Any, bootstrap: Bootstrap) -> tuple[Floats, float]:
    """Replicates and standard error of the difference where clusters have units on both sides.

    Each drawn cluster brings all its units; the error is by linearisation, as Gwet (2016) compares correlated
    coefficients.
    """
    wide = [measure.wide for measure in measures]
    first, second = (measure.weigh(patterns) for measure, patterns in zip(measures, wide, strict=True))
    n_patterns = len(wide[0].times)

    def statistic(weights: Floats) -> Floats:
        with np.errstate(invalid="ignore", divide="ignore"):  # a side that was not drawn at all is undefined
            return first(weights[:, :n_patterns]) - second(weights[:, n_patterns:])

    times, prior = (np.concatenate([getattr(each, name) for each in wide]) for name in ("times", "prior"))
    settings = {"replicates": bootstrap.replicates, "seed": bootstrap.seed}
    drawn = resample(times, statistic, members=members, prior=prior, **settings)
    return drawn, linear_error(times, statistic, members=members)
