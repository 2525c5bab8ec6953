"""Rows of the frames of agreement: one comparison as a row a coefficient, or as one row of the reliability table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from codebook.analysis.core.estimates import Bootstrap, Estimate
from codebook.analysis.core.scales import Floats
from codebook.analysis.reliability.coefficients import COEFFICIENTS, estimate_coefficient
from codebook.analysis.reliability.comparisons import Comparison
from codebook.analysis.reliability.krippendorff import Pairable, pairable

BOUNDS = (0.667, 0.800)
"""Krippendorff's customary reference lines; they are no verdicts."""


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
