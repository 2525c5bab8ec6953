"""Coefficients of ratings and numbers beside alpha: intraclass correlations, and the mean r and rho of every two."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np

from codebook.analysis.core.counts import coder_patterns
from codebook.analysis.core.scales import Bools, Floats, as_number
from codebook.analysis.ratings.intraclass import ICC_FORMS, icc_interval, icc_values
from codebook.analysis.ratings.rating_pairs import RATING_MEASURES, pair_statistics
from codebook.analysis.reliability.krippendorff import Measure, Pairable, undefined_measure

RATING_TITLES = {form: words.split(", ")[0] for form, words in ICC_FORMS.items()}
RATING_TITLES |= {"pearson": "Pearson's r", "spearman": "Spearman's rho"}
OF_RATINGS = ("alpha", "icc_2_1", "pearson")
"""What a reliability of numbers shows by itself."""


def measure_rating(pairs: Pairable, name: str) -> Measure:
    """An intraclass correlation, or the mean r or rho of every two coders, of the units that all of them labelled."""
    title = RATING_TITLES[name]
    ratings, complete, undefined = read_ratings(pairs)
    if undefined:
        return undefined_measure(title, "", pairs, f"{title} {undefined}")
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
    several = f"{title} is the mean of every two coders" if at >= 0 and n_coders > 2 else ""
    few = "" if complete.all() else f"{title} is of the units that all {n_coders} coders labelled"
    remark = "; ".join(filter(None, [several, few]))
    return Measure(title, "", lambda _: statistic, patterns, remark=remark, room=False)


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
        return *nothing, "is of numbers, and these labels are none"
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
