"""Agreement of coders in one face: any coefficients, overall, by label, by pair, without each coder, by group."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import carry_joins, raise_faults
from codebook.analysis.core.counts import Clusters, LabelCodes, read_codes
from codebook.analysis.core.empty import mark_empty
from codebook.analysis.core.estimates import Bootstrap, Estimate, check_bootstrap
from codebook.analysis.core.scales import Floats, VariableLike
from codebook.analysis.reliability.coefficients import COEFFICIENTS, check_coefficients, estimate_coefficient
from codebook.analysis.reliability.comparisons import BY, Comparison, Request, each_pair, read_comparisons, why_no_group
from codebook.analysis.reliability.krippendorff import Pairable, pairable
from codebook.errors import Fault

__all__ = ["BOUNDS", "agreement", "agreement_table", "coder_pairs"]
_ABOUT = "The reliability table cannot be made."
_HEADS = ("variable", "label", "group", "a", "b", "left_out", "level")
BOUNDS = (0.667, 0.800)
"""Krippendorff's customary reference lines; they are no verdicts."""


def agreement(
    table: pd.DataFrame,
    variables: Iterable[VariableLike],
    *,
    coefficients: Sequence[str] = ("alpha", "ac1", "percent"),
    by: str = "overall",
    groups: Mapping[str, Sequence[str]] | None = None,
    cluster: Clusters | None = None,
    min_units: int = 1,
    replicates: int = 1000,
    confidence: float = 0.95,
    seed: int = 1,
    draw: int = 0,
) -> pd.DataFrame:
    """Coefficients of agreement, one row each, with intervals from resampled units or clusters.

    Parameters
    ----------
    variables
        Of the codebook, or `VariableSpec`: objects with `name`, `kind`, `level` and `labels`.
    coefficients
        Names of `COEFFICIENTS`: alpha, percent, percent_all_coders_agree, percent_pooled_pairs,
        percent_mean_coder_pairs, ac1, ac2 (weights of the level), fleiss, conger, cohen and scott (two coders),
        brennan_prediger; all but the first five also with _linear, _quadratic or _ordinal.
    by
        `overall`; `label`: each label against all others; `pair`: each two coders with common units, under the first
        group that has both; `leave_one_out`: each group without one of its coders, the first row without none.
        The labels of a `multi` variable are sets: overall at MASI and at Jaccard distance.
    groups
        Names of coders to compare with each other, e.g. of `group_coders`: humans, models, all. None: `all`. Of no
        group the frame is empty, and says why.
    cluster
        Cluster of each unit_id, e.g. its author: whole clusters are then resampled.
    min_units
        Common units below which a pair is left out.
    replicates
        Of the bootstrap; 0 gives values alone.

    Returns
    -------
    pd.DataFrame
        Columns variable, label, group (a, b; left_out), level, coefficient, detail (weights, or definition of percent
        agreement), value, low, high, se (by linearisation), jack_low and jack_high (under 30 units or clusters),
        n_units (with two or more codings), n_dropped, n_missing, n_coders, n_codings, n_clusters, undefined_share,
        below_667, below_800 (shares of the replicates), dropped and reason (in words). `attrs` hold seed, replicates,
        confidence, draw, by, what was resampled, coverage by variable, and versions.

    Raises
    ------
    StatisticError
        All faults of the table and of what was asked, each with its mend.

    Examples
    --------
    >>> from codebook.analysis.core.examples import observers_2011
    >>> from codebook.analysis.core.scales import VariableSpec
    >>> code = VariableSpec("code", "ordinal", list("12345"))
    >>> agreement(observers_2011(), [code])[["coefficient", "value", "low", "n_units", "n_dropped"]].round(3)
      coefficient  value    low  n_units  n_dropped
    0       alpha  0.815  0.471       11          1
    1         ac1  0.775  0.509       11          1
    2     percent  0.818  0.591       11          1
    """
    faults = [*check_bootstrap(replicates, confidence), *check_coefficients(coefficients)]
    if by not in BY:
        faults.append(Fault("by", f"{by!r} is unknown", f"pass one of {', '.join(BY)}"))
    how = Bootstrap(replicates, confidence, seed)
    asked = Request(groups, cluster, draw, min_units, (by,), faults)
    comparisons, coverage = read_comparisons(table, variables, asked, _ABOUT)
    rows = [row for comparison in comparisons for row in comparison_rows(comparison, coefficients, how)]
    extra = {"pair": ("a", "b"), "leave_one_out": ("left_out",)}.get(by, ())
    heads = [name for name in _HEADS if name not in ("a", "b", "left_out") or name in extra]
    frame = pd.DataFrame(rows, columns=[*heads, *make_row({}, None, "", "", math.nan)])
    frame.attrs = {**_attrs(how, coverage, cluster, draw), "by": by, **carry_joins(table)}
    pairs = f"No two coders of a group labelled {min_units:,} units in common: nothing to compare."
    return mark_empty(frame, pairs if by == "pair" and groups != {} else why_no_group(groups))


def agreement_table(
    table: pd.DataFrame,
    variables: Iterable[VariableLike],
    *,
    groups: Mapping[str, Sequence[str]] | None = None,
    cluster: Clusters | None = None,
    replicates: int = 1000,
    confidence: float = 0.95,
    seed: int = 1,
    draw: int = 0,
) -> pd.DataFrame:
    """Reliability of every variable in every group of coders, one row each: alpha, AC1 and percent agreement.

    A `multi` variable has one row a label (given or not, nominal) and two rows for its sets, at MASI and at Jaccard
    distance. Other kinds without a level of measurement get a row that says so. `agreement` has more coefficients.

    Parameters
    ----------
    variables, groups, cluster, replicates
        As in `agreement`.

    Returns
    -------
    pd.DataFrame
        Columns variable, label, group, level, n_units, n_pairable (units with two or more codings), n_coders,
        n_codings, n_missing, percent (mean_pairwise), alpha, low, high, jack_low and jack_high (under 30 units or
        clusters), ac1 (of label sets NaN), commonest (share of the commonest label among the pairable codings),
        below_667 and below_800 (share of the replicates below), undefined_share, dropped, reason.

    Examples
    --------
    >>> from codebook.analysis.core.examples import observers_2011
    >>> from codebook.analysis.core.scales import VariableSpec
    >>> code = VariableSpec("code", "ordinal", list("12345"))
    >>> frame = agreement_table(observers_2011(), [code], groups={"all": list("ABCD"), "two": ["A", "B"]})
    >>> frame[["group", "level", "n_units", "n_pairable", "n_coders", "percent", "alpha"]].round(3)
      group    level  n_units  n_pairable  n_coders  percent  alpha
    0   all  ordinal       12          11         4    0.818  0.815
    1   two  ordinal       12           9         2    0.889  0.923
    """
    how = Bootstrap(replicates, confidence, seed)
    asked = Request(groups, cluster, draw, 1, ("set_label", "overall"), check_bootstrap(replicates, confidence))
    comparisons, coverage = read_comparisons(table, variables, asked, _ABOUT)
    rows = [{**each.head, **table_row(each, how)} for each in comparisons]
    frame = pd.DataFrame(rows, columns=["variable", "label", "level", "group", *no_figures("")])
    frame.attrs = {**_attrs(how, coverage, cluster, draw), "percent": "mean_pairwise", **carry_joins(table)}
    return mark_empty(frame, why_no_group(groups))


def coder_pairs(
    table: pd.DataFrame,
    *,
    variable: str,
    level: str,
    labels: Sequence[str] | None,
    coders: Iterable[str] | None = None,
    min_units: int = 1,
    replicates: int = 0,
    confidence: float = 0.95,
    seed: int = 1,
    draw: int = 0,
) -> pd.DataFrame:
    """Alpha and percent agreement of every two coders who share units.

    Parameters
    ----------
    min_units
        Least number of common units for a pair to be listed.
    replicates
        For intervals, which are off by default: there may be thousands of pairs.

    Returns
    -------
    pd.DataFrame
        One row a pair: a, b, n_units, percent, alpha, low, high, reason.

    Examples
    --------
    >>> from codebook.analysis.core.examples import observers_2011
    >>> pairs = coder_pairs(observers_2011(), variable="code", level="nominal", labels=list("12345"))
    >>> pairs[["a", "b", "n_units", "percent", "alpha"]].head(2).round(3)
       a  b  n_units  percent  alpha
    0  A  B        9    0.889  0.852
    1  A  C        8    0.625  0.489
    """
    raise_faults("The pairs cannot be compared.", check_bootstrap(replicates, confidence))
    codings = read_codes(table, variable=variable, level=level, labels=labels, coders=coders, draw=draw)
    how = Bootstrap(replicates, confidence, seed)
    rows = [_pair_row(pair, a, b, how) for a, b, pair in each_pair(codings.answered(), min_units)]
    frame = pd.DataFrame(rows, columns=["a", "b", "n_units", "percent", "alpha", "low", "high", "reason"])
    frame.attrs = {"level": level, "min_units": min_units, "replicates": replicates, "seed": seed, "draw": draw}
    frame.attrs |= carry_joins(table)
    return mark_empty(frame, f"No two coders labelled {max(1, min_units):,} units in common: nothing to compare.")


def _pair_row(pair: LabelCodes, a: str, b: str, how: Bootstrap) -> dict[str, object]:
    kept = pairable(pair)
    alpha, _ = estimate_coefficient(kept, COEFFICIENTS["alpha"], how)
    reason = alpha.reason if how.replicates or math.isnan(alpha.value) else ""
    figures = {"percent": plain_value(kept, "percent"), "alpha": alpha.value, "low": alpha.low, "high": alpha.high}
    return {"a": a, "b": b, "n_units": alpha.n_units, **figures, "reason": reason}


def _attrs(
    how: Bootstrap, coverage: Mapping[str, Mapping[str, int]], cluster: Clusters | None, draw: int
) -> dict[Hashable, Any]:
    resampled = "units with two or more codings" if cluster is None else "clusters of units"
    return {**how.attrs, "draw": draw, "resampled": resampled, "coverage": dict(coverage)}


def plain_value(kept: Pairable, name: str) -> float:
    """A coefficient without its interval."""
    return estimate_coefficient(kept, COEFFICIENTS[name], Bootstrap(0))[0].value


def comparison_rows(each: Comparison, coefficients: Sequence[str], how: Bootstrap) -> list[dict[str, object]]:
    """The rows of one comparison, one a coefficient."""
    if each.codings is None:
        return [{**each.head, **make_row({"name": name}, None, "", each.reason, math.nan)} for name in coefficients]
    kept = pairable(each.codings)
    rows = []
    for name in coefficients:
        estimate, draws = estimate_coefficient(kept, COEFFICIENTS[name], how)
        reason = estimate.reason if how.replicates or math.isnan(estimate.value) else ""
        below = {f"below_{bound * 1000:.0f}": _share_below(estimate, draws, bound) for bound in BOUNDS}
        rows.append({**each.head, **make_row({"name": name, **below}, estimate, kept.dropped, reason, estimate.value)})
    return rows


def make_row(
    about: Mapping[str, object], estimate: Estimate | None, dropped: str, reason: str, value: float
) -> dict[str, object]:
    """One estimate as the columns of `agreement`; `about` has its name and the shares below the bounds."""
    figures = ("low", "high", "se", "jack_low", "jack_high")
    counts = ("n_units", "n_dropped", "n_missing", "n_coders", "n_codings", "n_clusters")
    return {
        "coefficient": about.get("name", ""),
        "detail": estimate.definition if estimate else "",
        "value": value,
        **{name: getattr(estimate, name, math.nan) for name in figures},
        **{name: getattr(estimate, name, 0) for name in counts},
        "undefined_share": getattr(estimate, "undefined_share", math.nan),
        "below_667": about.get("below_667", math.nan),
        "below_800": about.get("below_800", math.nan),
        "dropped": dropped,
        "reason": reason,
    }


def table_row(each: Comparison, how: Bootstrap) -> dict[str, object]:
    """A comparison as one row of the reliability table."""
    if each.codings is None:
        return no_figures(each.reason)
    kept = pairable(each.codings)
    alpha, draws = estimate_coefficient(kept, COEFFICIENTS["alpha"], how)
    ac1, _ = estimate_coefficient(kept, COEFFICIENTS["ac1"], Bootstrap(0))
    reasons = [alpha.reason, ac1.reason if math.isnan(ac1.value) else ""]
    margins = kept.patterns.times @ kept.patterns.counts
    return {
        "n_units": len(each.codings.units),
        "n_pairable": alpha.n_units,
        "n_coders": alpha.n_coders,
        "n_codings": alpha.n_codings,
        "n_missing": alpha.n_missing,
        "percent": plain_value(kept, "percent"),
        "alpha": alpha.value,
        "low": alpha.low,
        "high": alpha.high,
        "jack_low": alpha.jack_low,
        "jack_high": alpha.jack_high,
        "ac1": ac1.value,
        "commonest": float(margins.max() / margins.sum()) if margins.sum() else math.nan,
        "below_667": _share_below(alpha, draws, BOUNDS[0]),
        "below_800": _share_below(alpha, draws, BOUNDS[1]),
        "undefined_share": alpha.undefined_share,
        "dropped": kept.dropped,
        "reason": "; ".join(dict.fromkeys(filter(None, reasons))),
    }


def _share_below(estimate: Estimate, draws: Floats, bound: float) -> float:
    """Share of the defined replicates below `bound`; NaN where there is no interval."""
    return math.nan if math.isnan(estimate.low) else float((draws[~np.isnan(draws)] < bound).mean())


def no_figures(reason: str) -> dict[str, object]:
    """A row of the reliability table without a figure."""
    counts = dict.fromkeys(("n_units", "n_pairable", "n_coders", "n_codings", "n_missing"), 0)
    figures = ("percent", "alpha", "low", "high", "jack_low", "jack_high", "ac1", "commonest")
    shares = ("below_667", "below_800", "undefined_share")
    return {**counts, **dict.fromkeys((*figures, *shares), math.nan), "dropped": "", "reason": reason}
