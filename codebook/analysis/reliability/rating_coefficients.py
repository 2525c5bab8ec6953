"""Coefficients of ratings and numbers beside alpha: intraclass correlations, r and rho of every two, Kendall's W."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from itertools import combinations

import numpy as np

from codebook.analysis.core.counts import coder_patterns
from codebook.analysis.core.patterns import Patterns
from codebook.analysis.core.scales import Bools, Floats, as_number
from codebook.analysis.ratings.intraclass import ICC_FORMS, icc_interval, icc_values
from codebook.analysis.ratings.rating_pairs import RATING_MEASURES, pair_statistics
from codebook.analysis.reliability.krippendorff import Measure, Pairable, undefined_measure
from codebook.ground.quantities import say_count

RATING_TITLES = {form: words.split(", ")[0] for form, words in ICC_FORMS.items()}
RATING_TITLES |= {"pearson": "Pearson's r", "spearman": "Spearman's rho"}
OF_RATINGS = ("alpha", "icc_2_1", "pearson")
"""The coefficients that a reliability of numbers shows by default."""


def measure_rating(pairs: Pairable, name: str) -> Measure:
    """An intraclass correlation, or the mean r or rho of every two coders, of the units that all of them labelled."""
    title = RATING_TITLES[name]
    ratings, complete, undefined = read_ratings(pairs)
    if undefined:
        return undefined_measure(pairs, f"{title} {undefined}")
    patterns, _ = coder_patterns(pairs.codings)
    at = list(RATING_MEASURES).index(name) if name in RATING_MEASURES else -1

    def statistic(weights: Floats) -> Floats:
        drawn, values = weights[:, complete], np.full(len(weights), np.nan)
        enough = (drawn > 0).sum(axis=1) > 0
        if at < 0:
            values[enough] = icc_values(drawn[enough], ratings, name)
        else:
            two = combinations(ratings.T, 2)
            values[enough] = np.mean([pair_statistics(drawn[enough], *pair)[:, at] for pair in two], axis=0)
        return values

    n_coders = ratings.shape[1]
    several = f"{title} is the mean over all pairs of coders" if at >= 0 and n_coders > 2 else ""
    few = (
        "" if complete.all() else f"{title} is computed from the units that all {say_count(n_coders, 'coder')} labelled"
    )
    remark = "; ".join(filter(None, [several, few]))
    return Measure(lambda _: statistic, patterns, remark=remark, room=False)


def read_ratings(pairs: Pairable) -> tuple[Floats, Bools, str]:
    """The numbers of the units that all coders labelled, which patterns these are, and why there are none.

    Shapes (n_complete, n_coders) and (n_patterns,).
    """
    nothing = np.empty((0, 0)), np.empty(0, dtype=bool)
    if pairs.undefined or pairs.alone:
        return *nothing, f"is undefined: {pairs.undefined or pairs.alone}"
    scale = pairs.scale
    values = scale.values if len(scale.values) else np.array([as_number(label) for label in scale.labels])
    if scale.level not in ("ordinal", "interval", "ratio") or np.isnan(values).any():
        return *nothing, "needs numbers, and these labels are none"
    _, counts = coder_patterns(pairs.codings)
    complete = np.asarray(counts.sum(axis=(1, 2)) == counts.shape[1])
    if not complete.any():
        return *nothing, f"is undefined: no unit was labelled by all {counts.shape[1]} coders"
    return counts[complete] @ values, complete, ""


def f_interval(pairs: Pairable, name: str, confidence: float) -> tuple[float, float]:
    """The F interval of an intraclass correlation: none where units come in clusters, or weigh differently."""
    ratings, complete, undefined = read_ratings(pairs)
    if undefined or pairs.labelled.is_traced:
        return math.nan, math.nan
    patterns, _ = coder_patterns(pairs.codings)
    return icc_interval(np.repeat(ratings, patterns.times[complete], axis=0), name, confidence)


W_TITLE = "Kendall's W"


def measure_concordance(pairs: Pairable) -> Measure:
    """Kendall's W, with ties, of the units that every coder labelled; of an ordinal scale or of numbers."""
    undefined = pairs.undefined or pairs.alone
    if pairs.scale.level not in ("ordinal", "interval", "ratio"):
        undefined = f"{W_TITLE} compares orders, and {pairs.scale.level} labels have none"
    if not undefined:
        patterns, counts = coder_patterns(pairs.codings)
        complete = counts.sum(axis=(1, 2)) == counts.shape[1]
        if complete.any():
            n_coders = counts.shape[1]
            few = (
                ""
                if complete.all()
                else f"{W_TITLE} is computed from the units that all {say_count(n_coders, 'coder')} labelled"
            )
            return Measure(partial(kendall_w, n_coders=n_coders), patterns, remark=few, n_coders=n_coders)
        undefined = f"no unit was labelled by all {counts.shape[1]} coders"
    return undefined_measure(pairs, undefined)


def kendall_w(patterns: Patterns, *, n_coders: int) -> Callable[[Floats], Floats]:
    """W = 12 S / (m^2 (n^3 - n) - m sum T), S the squared deviations of the units' sums of ranks (Kendall 1948).

    Ranks are each coder's own, ties share theirs, and T = t^3 - t for each run of t ties.

    `patterns`: of `coder_patterns`: the counts of the coders stand side by side, labels in their order. Those that a
    coder did not code are left out.

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
