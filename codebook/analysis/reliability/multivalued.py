"""Multi-valued alpha: agreement on sets of labels, where chance draws each set's labels one by one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from codebook.analysis.core.patterns import Patterns
from codebook.analysis.core.scales import SET_LEVELS, Floats
from codebook.analysis.reliability.krippendorff import Measure, Pairable, undefined_measure

TITLE = "Multi-valued alpha"


def measure_multivalued(pairs: Pairable) -> Measure:
    """Multi-valued alpha (nominal) of sets of labels already read (Krippendorff and Craggs 2016).

    Two sets are 1 - 2 |C and K| / (|C| + |K|) apart; two empty ones agree. The expected distance keeps how many labels
    sets hold, and draws the labels themselves by how often each was given, one coding less for a label drawn twice.

    Examples
    --------
    Krippendorff and Craggs (2016), table 3, printed .287:

    >>> from codebook.analysis.core.counts import read_codes
    >>> from codebook.analysis.core.estimates import Bootstrap
    >>> from codebook.analysis.core.examples import make_table
    >>> from codebook.analysis.reliability.krippendorff import make_estimate, pairable
    >>> codes = {"F": ['["b","d"]', '["a","b","d"]', "[]", '["a"]'], "G": ['["d"]', '["b"]', '["a"]', None]}
    >>> table = make_table("themes", {**codes, "H": [None, '["b","d"]', '["a"]', None]})
    >>> pairs = pairable(read_codes(table, variable="themes", level="masi", labels=list("abd")))
    >>> round(make_estimate(pairs, measure_multivalued(pairs), Bootstrap(0))[0].value, 4)
    0.2866
    """
    patterns, members = pairs.patterns, pairs.scale.members.astype(float)
    no_sets = "" if pairs.scale.level in SET_LEVELS else f"{TITLE} needs sets of labels, as of a variable of kind multi"
    undefined = pairs.undefined or no_sets or pairs.alone
    if undefined:
        return undefined_measure(pairs, undefined)
    return Measure(partial(multivalued_alpha, members=members), patterns)


def multivalued_alpha(patterns: Patterns, members: Floats) -> Callable[[Floats], Floats]:
    """The coefficient from weights of patterns; `members` (n_sets, n_labels) says which labels each set holds."""
    counts, sizes = patterns.counts, members.sum(axis=1).astype(int)
    within = ((counts @ set_distances(members)) * counts).sum(axis=1) / (patterns.sizes - 1)

    def statistic(weights: Floats) -> Floats:
        sets = weights @ counts
        codings = sets.sum(axis=1)
        of_size = sets @ (sizes[:, None] == np.arange(sizes.max() + 1)) / codings[:, None]
        expected = expected_distance(of_size, sets @ members)
        observed = weights @ within / codings
        return np.asarray(1 - np.divide(observed, expected, out=np.full(len(observed), np.nan), where=expected > 0))

    return statistic


def set_distances(members: Floats) -> Floats:
    """1 - 2 |C and K| / (|C| + |K|) of every two sets, 0 for two empty ones; `members` (n_sets, n_labels)."""
    both, size = members @ members.T, members.sum(axis=1)
    total = size[:, None] + size[None, :]
    return np.asarray(1 - np.divide(2 * both, total, out=np.ones_like(both), where=total > 0))


def expected_distance(of_size: Floats, times: Floats) -> Floats:
    """Mean distance of two sets whose sizes are drawn by `of_size` and whose labels by how often each was given.

    Over all sets C and K of two sizes, each weighs the product of the labels' times, with one less for a label in both.
    The sums are coefficients of prod (1 + n x + n y + n (n - 1) x y z): label by label, not set by set.

    `of_size`: shares of sets with 0, 1, ... labels, shape (n_draws, n_sizes). `times`: how often each label was given,
    shape (n_draws, n_labels).
    """
    n_draws, n_sizes = of_size.shape
    total = np.zeros((n_draws, n_sizes, n_sizes))
    total[:, 0, 0] = 1
    common = np.zeros_like(total)  # the sum of |C and K|
    scale = np.maximum(times.sum(axis=1), 1)
    for n in (times / scale[:, None]).T:
        twice = n * np.maximum(n - 1 / scale, 0)
        one, both = n[:, None, None], twice[:, None, None]
        common = _grow(common, one, both)
        common[:, 1:, 1:] += both * total[:, :-1, :-1]
        total = _grow(total, one, both)
    size = np.arange(n_sizes)
    overlap = np.divide(common, total, out=np.zeros_like(total), where=total > 0)
    reach = np.maximum(size[:, None] + size[None, :], 1)
    apart = np.where(total > 0, 1 - 2 * overlap / reach, 0.0)
    apart[:, 0, 0] = 0
    return np.asarray((of_size[:, :, None] * of_size[:, None, :] * apart).sum(axis=(1, 2)))


def _grow(sums: Floats, one: Floats, both: Floats) -> Floats:
    """The sums by sizes with one label more, in neither set, in one of them, or in both."""
    grown = sums.copy()
    grown[:, 1:] += one * sums[:, :-1]
    grown[:, :, 1:] += one * sums[:, :, :-1]
    grown[:, 1:, 1:] += both * sums[:, :-1, :-1]
    return grown
