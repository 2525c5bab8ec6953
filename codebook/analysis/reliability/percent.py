"""Percent agreement, in its four meanings, with intervals."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

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
    about: dict[str, Any] = {"detail": definition, "undefined": pairs.undefined}
    if pairs.undefined or definition != "mean_coder_pairs":
        build, hits = partial(_pattern_agreement, definition=definition), None
        if not pairs.undefined and definition != "pooled_pairs":
            shares = _count_pairs(pairs.patterns, definition)[0]
            hits = shares if np.isin(shares, (0, 1)).all() else None
        return Measure(build, pairs.patterns, hits=hits, **about)
    if pairs.n_units * len(pairs.codings.coders) ** 2 > _MOST_PAIRS and pairs.patterns.weight is None:
        value, fixed = _mean_over_pairs(pairs.codings), "no interval: too many pairs to resample"
        return Measure(lambda _: lambda weights: np.full(len(weights), value), pairs.patterns, fixed=fixed, **about)
    patterns, counts = coder_patterns(pairs.codings)
    n_coders = counts.shape[1]
    return Measure(partial(_pair_agreement, n_coders=n_coders), patterns, n_coders=n_coders, **about)


def _count_pairs(patterns: Patterns, definition: str) -> tuple[Floats, Floats]:
    """What each unit of a pattern adds to the agreeing pairs, and to all of them, shape (n_patterns,)."""
    counts, sizes = patterns.counts, patterns.sizes
    agreeing, pairs = (counts * (counts - 1)).sum(axis=1), sizes * (sizes - 1)
    if definition == "mean_pairwise":
        agreeing, pairs = agreeing / pairs, np.ones_like(pairs)
    if definition == "all_coders_agree":
        agreeing, pairs = (agreeing == pairs).astype(float), np.ones_like(pairs)
    return agreeing, pairs


def _pattern_agreement(patterns: Patterns, *, definition: str) -> Callable[[Floats], Floats]:
    agreeing, pairs = _count_pairs(patterns, definition)
    return lambda weights: np.asarray((weights @ agreeing) / (weights @ pairs))


def _pair_agreement(patterns: Patterns, *, n_coders: int) -> Callable[[Floats], Floats]:
    """The mean over pairs of coders, from the patterns of `coder_patterns`."""
    counts = patterns.counts.reshape(len(patterns.times), n_coders, -1)
    first, second = np.triu_indices(counts.shape[1], k=1)
    common = counts.sum(axis=2)[:, first] * counts.sum(axis=2)[:, second]
    agreed = (counts[:, first] * counts[:, second]).sum(axis=2)
    met = patterns.times @ common > 0  # coders without a common unit are no pair, whatever could be seen
    agreed, common = agreed * met, common * met
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
