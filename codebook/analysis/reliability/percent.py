"""Percent agreement, in its four meanings, with intervals."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from codebook.analysis.core.counts import LabelCodes, coder_patterns
from codebook.analysis.core.patterns import Patterns
from codebook.analysis.core.scales import Floats
from codebook.analysis.reliability.krippendorff import Measure, Pairable

DEFINITIONS = {
    "mean_pairwise": "mean over units of the share of pairs of coders who agree",
    "all_coders_agree": "share of units on which all their coders agree",
    "pooled_pairs": "agreeing pairs of codings of all units, of all such pairs",
    "mean_coder_pairs": "mean over pairs of coders of the share of common units on which they agree (Holsti)",
}
"""The four meanings of percent agreement. All look only at units with two or more codings."""

_MOST_PAIRS = 2 * 10**7  # patterns x pairs of coders up to which the fourth meaning is bootstrapped


def measure_percent(pairs: Pairable, definition: str) -> Measure:
    """Percent agreement of codings already read, in one of its four meanings.

    It is not corrected for chance: report it beside alpha, never instead.
    """
    fixed, patterns = "", pairs.patterns
    if pairs.undefined or definition != "mean_coder_pairs":
        statistic = _pattern_agreement(patterns, definition)
    elif pairs.n_units * len(pairs.codings.coders) ** 2 > _MOST_PAIRS:
        statistic, fixed = _constant(_mean_over_pairs(pairs.codings)), "no interval: too many pairs to resample"
    else:
        patterns, counts = coder_patterns(pairs.codings)
        statistic = _pair_agreement(counts)
    return Measure("Percent agreement", definition, statistic, patterns, undefined=pairs.undefined, fixed=fixed)


def _pattern_agreement(patterns: Patterns, definition: str) -> Callable[[Floats], Floats]:
    counts, sizes = patterns.counts, patterns.sizes
    agreeing, pairs = (counts * (counts - 1)).sum(axis=1), sizes * (sizes - 1)
    if definition == "mean_pairwise":
        agreeing, pairs = agreeing / pairs, np.ones_like(pairs)
    if definition == "all_coders_agree":
        agreeing, pairs = (agreeing == pairs).astype(float), np.ones_like(pairs)
    return lambda weights: np.asarray((weights @ agreeing) / (weights @ pairs))


def _constant(value: float) -> Callable[[Floats], Floats]:
    return lambda weights: np.full(len(weights), value)


def _pair_agreement(counts: Floats) -> Callable[[Floats], Floats]:
    """The mean over pairs of coders, from `counts` of shape (n_patterns, n_coders, n_labels)."""
    first, second = np.triu_indices(counts.shape[1], k=1)
    common = counts.sum(axis=2)[:, first] * counts.sum(axis=2)[:, second]
    agreed = (counts[:, first] * counts[:, second]).sum(axis=2)
    return lambda weights: _mean_share(weights @ agreed, weights @ common)


def _mean_over_pairs(codings: LabelCodes) -> float:
    """The same without patterns, coder by coder, for many units and coders."""
    labels = np.full((len(codings.units), len(codings.coders)), -1, dtype=np.int32)
    labels[codings.unit, codings.coder] = codings.code
    agreed, common = [], []
    for coder in range(labels.shape[1] - 1):
        mine, others = labels[:, [coder]], labels[:, coder + 1 :]
        both = (mine >= 0) & (others >= 0)
        common.append(both.sum(axis=0))
        agreed.append((both & (mine == others)).sum(axis=0))
    return float(_mean_share(np.concatenate(agreed)[None, :], np.concatenate(common)[None, :])[0])


def _mean_share(agreed: Floats, common: Floats) -> Floats:
    """Mean over the pairs of coders that have common units; shapes (n_draws, n_pairs)."""
    share = np.divide(agreed, common, out=np.zeros(agreed.shape), where=common > 0)
    return np.asarray(share.sum(axis=1) / (common > 0).sum(axis=1))
