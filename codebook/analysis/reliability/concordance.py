"""Kendall's W: do coders put the units in the same order?"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from codebook.analysis.core.counts import coder_patterns
from codebook.analysis.core.patterns import Patterns
from codebook.analysis.core.scales import Floats
from codebook.analysis.reliability.krippendorff import Measure, Pairable, undefined_measure

TITLE = "Kendall's W"


def measure_concordance(pairs: Pairable) -> Measure:
    """Kendall's W, with ties, of the units that every coder labelled; of an ordinal scale or of numbers."""
    undefined = pairs.undefined or pairs.alone
    if pairs.scale.level not in ("ordinal", "interval", "ratio"):
        undefined = f"{TITLE} compares orders, and {pairs.scale.level} labels have none"
    if not undefined:
        patterns, counts = coder_patterns(pairs.codings)
        complete = counts.sum(axis=(1, 2)) == counts.shape[1]
        if complete.any():
            few = "" if complete.all() else f"{TITLE} is of the units that all {counts.shape[1]} coders labelled"
            n_coders = counts.shape[1]
            return Measure(TITLE, "", partial(kendall_w, n_coders=n_coders), patterns, remark=few, n_coders=n_coders)
        undefined = f"no unit was labelled by all {counts.shape[1]} coders"
    return undefined_measure(TITLE, "", pairs, undefined)


def kendall_w(patterns: Patterns, *, n_coders: int) -> Callable[[Floats], Floats]:
    """W = 12 S / (m^2 (n^3 - n) - m sum T), S the squared deviations of the units' sums of ranks (Kendall 1948).

    Ranks are each coder's own, ties share theirs, and T = t^3 - t for each run of t ties.

    Parameters
    ----------
    patterns
        Of `coder_patterns`: the counts of the coders stand side by side, labels in their order. Those that a coder did
        not code are left out.

    Examples
    --------
    Siegel and Castellan (1988), three interviewers rank six applicants, printed .16:

    >>> ranks = np.array([[1, 6, 3, 2, 5, 4], [1, 5, 6, 4, 2, 3], [6, 3, 2, 5, 4, 1]])
    >>> patterns = Patterns(np.eye(6)[ranks.T - 1].reshape(6, 18), np.ones(6, dtype=np.int64))
    >>> kendall_w(patterns, n_coders=3)(np.ones((1, 6))).round(2)
    array([0.16])
    """
    there = (patterns.sizes == n_coders).astype(float)
    counts = patterns.counts.reshape(len(there), n_coders, -1) * there[:, None, None]

    def statistic(weights: Floats) -> Floats:
        drawn = weights * there
        n = drawn.sum(axis=1)
        sums, ties = np.zeros_like(drawn), np.zeros(len(n))
        for of_coder in counts.transpose(1, 0, 2):
            margin = drawn @ of_coder
            ranks = np.cumsum(margin, axis=1) - margin / 2
            sums += ranks @ of_coder.T
            ties += (margin**3 - margin).sum(axis=1)
        middle = n_coders * n / 2
        spread = (drawn * (sums - middle[:, None]) ** 2).sum(axis=1)
        most = n_coders**2 * (n**3 - n) - n_coders * ties
        return np.asarray(np.divide(12 * spread, most, out=np.full(len(n), np.nan), where=most > 1e-9))

    return statistic
