"""Percent agreement, in its four meanings, with intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import raise_faults
from codebook.analysis.core.counts import LabelCodes, coder_patterns, read_codes
from codebook.analysis.core.estimates import Bootstrap, Estimate, check_bootstrap
from codebook.analysis.core.patterns import Patterns
from codebook.analysis.core.scales import Floats, check_spellings
from codebook.analysis.reliability.krippendorff import Pairable, make_estimate, pairable
from codebook.errors import Fault

DEFINITIONS = {
    "mean_pairwise": "mean over units of the share of pairs of coders who agree",
    "all_coders_agree": "share of units on which all their coders agree",
    "pooled_pairs": "agreeing pairs of codings of all units, of all such pairs",
    "mean_coder_pairs": "mean over pairs of coders of the share of common units on which they agree (Holsti)",
}
"""The four meanings of percent agreement. All look only at units with two or more codings."""

_MOST_PAIRS = 2 * 10**7  # patterns x pairs of coders up to which the fourth meaning is bootstrapped


def percent_agreement(
    table: pd.DataFrame,
    *,
    variable: str,
    labels: Sequence[str] | None = None,
    level: str | None = None,
    definition: str = "mean_pairwise",
    coders: Iterable[str] | None = None,
    replicates: int = 1000,
    confidence: float = 0.95,
    seed: int = 1,
    draw: int = 0,
) -> Estimate:
    """Share of agreement, in one of its four meanings; the result names which.

    Two codings agree when their labels are the same at the level of the variable, as in every other statistic: the
    same number on an interval or ratio scale (1 and 1.0), else the same text (for a `multi` variable: the same set).
    It is not corrected for chance: report it beside alpha, never instead.

    Parameters
    ----------
    labels
        Allowed labels; None takes those in the table.
    level
        Of the variable. None compares texts, and refuses labels that are one number written in two ways.
    definition
        `mean_pairwise`: mean over units of the share of pairs of coders who agree. `all_coders_agree`: share of units
        on which all their coders agree. `pooled_pairs`: agreeing pairs of all pairs, so that units with many coders
        weigh more. `mean_coder_pairs`: mean over pairs of coders of their agreement on common units (Holsti). For
        complete data the first, third and fourth are equal.

    Examples
    --------
    >>> from codebook.analysis.core.examples import observers_2011
    >>> for definition in DEFINITIONS:
    ...     print(percent_agreement(observers_2011(), variable="code", definition=definition))
    Percent agreement (mean_pairwise) = .82 [.59, 1.00], 11 units, 4 coders
    Percent agreement (all_coders_agree) = .73 [.45, 1.00], 11 units, 4 coders
    Percent agreement (pooled_pairs) = .78 [.56, 1.00], 11 units, 4 coders
    Percent agreement (mean_coder_pairs) = .78 [.56, 1.00], 11 units, 4 coders
    """
    faults = check_bootstrap(replicates, confidence)
    if definition not in DEFINITIONS:
        faults.append(Fault("definition", f"{definition!r} is unknown", f"pass one of {', '.join(DEFINITIONS)}"))
    raise_faults("Percent agreement cannot be computed.", faults)
    read_as = "nominal" if level in (None, "nominal", "ordinal") else str(level)
    if labels is None and read_as == "nominal" and {"variable", "label"} <= set(table.columns):
        labels = sorted(map(str, table.loc[table["variable"] == variable, "label"].dropna().unique())) or ["none"]
        raise_faults("Percent agreement cannot be computed.", check_spellings(labels) if level is None else [])
    codings = read_codes(table, variable=variable, level=read_as, labels=labels, coders=coders, draw=draw)
    return estimate_percent(pairable(codings), definition, Bootstrap(replicates, confidence, seed))[0]


def estimate_percent(kept: Pairable, definition: str, how: Bootstrap) -> tuple[Estimate, Floats]:
    """Percent agreement of codings already read, and its replicates."""
    reason, patterns = "", kept.patterns
    if kept.undefined or definition != "mean_coder_pairs":
        statistic = _pattern_agreement(patterns, definition)
    elif kept.n_units * len(kept.codings.coders) ** 2 > _MOST_PAIRS:
        value, how = _mean_over_pairs(kept.codings), replace(how, replicates=0)
        statistic, reason = lambda weights: np.full(len(weights), value), "no interval: too many pairs to resample"
    else:
        patterns, said = coder_patterns(kept.codings)
        statistic = _pair_agreement(said)
    estimate, draws = make_estimate(kept, statistic, how, undefined=kept.undefined, patterns=patterns)
    reason = reason or estimate.reason
    return replace(estimate, statistic="Percent agreement", definition=definition, reason=reason), draws


def _pattern_agreement(patterns: Patterns, definition: str) -> Callable[[Floats], Floats]:
    counts, sizes = patterns.counts, patterns.sizes
    agreeing, pairs = (counts * (counts - 1)).sum(axis=1), sizes * (sizes - 1)
    if definition == "mean_pairwise":
        agreeing, pairs = agreeing / pairs, np.ones_like(pairs)
    if definition == "all_coders_agree":
        agreeing, pairs = (agreeing == pairs).astype(float), np.ones_like(pairs)
    return lambda weights: np.asarray((weights @ agreeing) / (weights @ pairs))


def _pair_agreement(said: Floats) -> Callable[[Floats], Floats]:
    """The mean over pairs of coders as a function of the weights of `said`, shape (n_patterns, n_coders, n_labels)."""
    first, second = np.triu_indices(said.shape[1], k=1)
    common = said.sum(axis=2)[:, first] * said.sum(axis=2)[:, second]
    agreed = (said[:, first] * said[:, second]).sum(axis=2)
    return lambda weights: _mean_share(weights @ agreed, weights @ common)


def _mean_over_pairs(codings: LabelCodes) -> float:
    """The same without patterns, coder by coder, for many units and coders."""
    said = np.full((len(codings.units), len(codings.coders)), -1, dtype=np.int32)
    said[codings.unit, codings.coder] = codings.code
    agreed, common = [], []
    for coder in range(said.shape[1] - 1):
        own, others = said[:, [coder]], said[:, coder + 1 :]
        both = (own >= 0) & (others >= 0)
        common.append(both.sum(axis=0))
        agreed.append((both & (own == others)).sum(axis=0))
    return float(_mean_share(np.concatenate(agreed)[None, :], np.concatenate(common)[None, :])[0])


def _mean_share(agreed: Floats, common: Floats) -> Floats:
    """Mean over the pairs of coders that have common units; shapes (n_draws, n_pairs)."""
    share = np.divide(agreed, common, out=np.zeros(agreed.shape), where=common > 0)
    return np.asarray(share.sum(axis=1) / (common > 0).sum(axis=1))
