"""Krippendorff's alpha with its interval, of labels and of sets; and what every coefficient of agreement stands on."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np

from codebook.analysis.core.counts import LabelCodes, count_patterns
from codebook.analysis.core.estimates import Bootstrap, Estimate, percentile_interval, resample
from codebook.analysis.core.patterns import Patterns
from codebook.analysis.core.sample_design import Drawn, resample_design
from codebook.analysis.core.scales import SET_LEVELS, Bools, Floats, Scale
from codebook.analysis.core.standard_errors import (
    NO_JACKKNIFE,
    SMALL,
    jackknife,
    join_clusters,
    linear_error,
    why_no_interval,
    wilson_interval,
)
from codebook.analysis.reliability.alpha import alpha_values, check_against_library, is_checked
from codebook.ground.quantities import say_count


@dataclass(frozen=True)
class Pairable:
    """What of some codings carries information on agreement, and what was left aside.

    `labelled` are the codings with a label, `patterns` those of the units that two or more coders labelled. Some
    coefficients also use the units with one coding, for the shares of the labels.
    """

    labelled: LabelCodes
    patterns: Patterns
    n_dropped: int
    missing: Mapping[str, int]

    @cached_property
    def codings(self) -> LabelCodes:
        """The labelled codings of the units that two or more coders labelled."""
        return self.labelled.only(self._rows)

    @cached_property
    def _rows(self) -> Bools:
        sizes = np.bincount(self.labelled.unit, minlength=1)
        return np.asarray((sizes >= 2)[self.labelled.unit])

    @property
    def scale(self) -> Scale:
        """The scale of the variable."""
        return self.labelled.scale

    @property
    def n_units(self) -> int:
        """Units with two or more codings: the population that is resampled."""
        return int(self.patterns.times.sum())

    @property
    def n_codings(self) -> int:
        """Codings of those units."""
        return int(self.patterns.times @ self.patterns.sizes)

    @property
    def n_missing(self) -> int:
        """Codings without a label."""
        return sum(self.missing.values())

    @cached_property
    def n_coders(self) -> int:
        """Coders of the units with two or more codings."""
        return int(np.count_nonzero(np.bincount(self.labelled.coder, weights=self._rows, minlength=1)))

    @property
    def undefined(self) -> str:
        """Why no statistic of agreement exists here; empty where one does."""
        if self.n_units:
            return ""
        if not len(self.labelled.code):
            return f"no label at all: {self.whys}" if self.missing else "no coding at all"
        return "fewer than two coders" if self.labelled.n_coders < 2 else "no unit was coded by two coders"

    @property
    def whys(self) -> str:
        """Why codings have no label, with how many each."""
        return ", ".join(f"{n:,} {why}" for why, n in self.missing.items())

    @property
    def dropped(self) -> str:
        """What was left aside and why, in words; empty if nothing."""
        units = f"{say_count(self.n_dropped, 'unit')} with fewer than two codings"
        return "; ".join(
            [units] * (self.n_dropped > 0) + [f"codings without a label: {self.whys}"] * (self.n_missing > 0)
        )

    @property
    def alone(self) -> str:
        """A sentence where all codings have the same label; else empty."""
        used = np.flatnonzero(self.patterns.counts.sum(axis=0))
        return f"no variation: every coding is {self.scale.labels[used[0]]!r}" if len(used) == 1 else ""


def pairable(codings: LabelCodes) -> Pairable:
    """Codings that carry information on agreement.

    Examples
    --------
    >>> from codebook.analysis.core.examples import observers_2011
    >>> from codebook.analysis.core.counts import read_codes
    >>> pairs = pairable(read_codes(observers_2011(), variable="code", level="nominal", labels=list("12345")))
    >>> pairs.n_units, pairs.n_dropped, len(pairs.codings.code), pairs.n_missing
    (11, 1, 40, 7)
    """
    labelled = codings.answered().weighed()
    patterns = count_patterns(labelled).pairable()
    return Pairable(labelled, patterns, len(codings.units) - int(patterns.times.sum()), codings.missing)


@dataclass(frozen=True)
class Measure:
    """A coefficient of some codings, ready to be computed for any weights of its patterns.

    `build` makes of patterns the statistic that takes weights, shape (n_draws, n_patterns), to values, shape
    (n_draws,); `detail` is that of the coefficient. `undefined` says why it has no value, `fixed` why it has no
    interval; `remark` is what else must be said of a value. `n_coders` is set where the patterns tell the coders apart.
    `hits` (n_patterns,) is there where the statistic is a share of units: 1 for the patterns that count, else 0. `room`
    is false for a statistic of numbers, which vary by themselves: no unseen patterns are added to those that were seen.
    """

    build: Callable[[Patterns], Callable[[Floats], Floats]]
    patterns: Patterns
    detail: str = ""
    undefined: str = ""
    fixed: str = ""
    remark: str = ""
    n_coders: int = 0
    hits: Floats | None = None
    room: bool = True

    @cached_property
    def statistic(self) -> Callable[[Floats], Floats]:
        """The statistic of the patterns."""
        return self.build(self.patterns)

    def weigh(self, patterns: Patterns) -> Callable[[Floats], Floats]:
        """The statistic of some patterns by how many units show each, whatever these weigh."""
        statistic, weight = self.build(patterns), patterns.weight
        return statistic if weight is None else lambda times: statistic(times * weight)

    @cached_property
    def wide(self) -> Patterns:
        """The patterns, and those that could have been shown."""
        if not self.room:
            return replace(self.patterns, prior=np.zeros(len(self.patterns.times)))
        heavy = None if self.patterns.weight is None else see_drawn(self.patterns).heavy
        return self.patterns.with_unseen(self.n_coders, heavy)


def undefined_measure(pairs: Pairable, undefined: str, detail: str = "") -> Measure:
    """A coefficient that has no value here, and why."""
    return Measure(lambda _: lambda weights: weights[:, 0], pairs.patterns, detail, undefined)


def measure_alpha(pairs: Pairable, distances: Floats | None = None) -> Measure:
    """Krippendorff's alpha of codings already read, with distances of one's own where they are passed."""

    def build(patterns: Patterns) -> Callable[[Floats], Floats]:
        return lambda weights: alpha_values(weights, patterns, pairs.scale, distances)

    return Measure(build, pairs.patterns, undefined=pairs.undefined or pairs.alone)


def estimate_alpha(pairs: Pairable, bootstrap: Bootstrap) -> tuple[Estimate, Floats]:
    """Alpha of codings already read, and its replicates, shape (n_replicates,).

    Every value small enough is computed a second time by the krippendorff package.

    Raises StatisticError: the two implementations differ.

    Examples
    --------
    Krippendorff (2011), example C, printed .743:

    >>> from codebook.analysis.core.counts import read_codes
    >>> from codebook.analysis.core.examples import observers_2011
    >>> codes = read_codes(observers_2011(), variable="code", level="nominal", labels=list("12345"))
    >>> estimate, _ = estimate_alpha(pairable(codes), Bootstrap())
    >>> [round(figure, 2) for figure in (estimate.value, estimate.low, estimate.high)]
    [0.74, 0.44, 0.93]
    """
    estimate, draws = make_estimate(pairs, measure_alpha(pairs), bootstrap)
    if pairs.patterns.weight is None and is_checked(pairs.patterns) and not math.isnan(estimate.value):
        check_against_library(pairs.codings, estimate.value)
    return estimate, draws


def make_estimate(pairs: Pairable, measure: Measure, bootstrap: Bootstrap) -> tuple[Estimate, Floats]:
    """Value, interval and replicates of a measure; NaN with the reason where it is undefined.

    Whole clusters are resampled where the codings have them. A share of units has Wilson's interval.
    """
    used, undefined = measure.patterns, measure.undefined
    bootstrap = replace(bootstrap, replicates=0) if measure.fixed else bootstrap
    value, draws, error, jack, n_clusters, few = math.nan, np.empty(0), math.nan, NO_JACKKNIFE, 0, ""
    if not undefined:
        members = join_clusters(used, pairs.labelled.cluster)
        n_clusters = 0 if members is None else members.shape[0]
        few = why_no_interval(pairs.n_units, n_clusters)
        value = float(measure.statistic(used.weighted[None, :])[0])
        if bootstrap.replicates and not few:
            draws = draw_measure(measure, bootstrap, join_clusters(measure.wide, pairs.labelled.cluster))
        if bootstrap.replicates and pairs.n_units > 1 and n_clusters != 1:
            error = linear_error(used.times, measure.weigh(used), members=members, stratum=used.stratum)
            if (n_clusters or pairs.n_units) < SMALL and used.weight is None:
                jack = jackknife(used.times, measure.statistic, confidence=bootstrap.confidence, members=members)
    freedom = n_clusters - 1 if n_clusters else pairs.n_units - used.n_strata
    interval = percentile_interval(draws, bootstrap.confidence, value, freedom=freedom)
    if measure.hits is not None and len(draws) and not n_clusters and used.weight is None:
        low, high = wilson_interval(float(used.times @ measure.hits), pairs.n_units, bootstrap.confidence)
        interval = replace(interval, low=low, high=high)
    reasons = [undefined] if undefined else [few or interval.reason, jack.reason]
    reasons = [*([measure.fixed] if measure.fixed else reasons), measure.remark]
    names = ("n_units", "n_dropped", "n_coders", "n_codings", "n_missing")
    estimate = Estimate(
        value,
        interval.low,
        interval.high,
        **{name: getattr(pairs, name) for name in names},
        confidence=bootstrap.confidence,
        undefined_share=interval.undefined_share,
        reason="; ".join(filter(None, reasons)),
        definition=measure.detail,
        se=error,
        jack_low=jack.low,
        jack_high=jack.high,
        n_clusters=n_clusters,
    )
    return estimate, draws


def draw_measure(measure: Measure, bootstrap: Bootstrap, members: Any) -> Floats:
    """Values of a measure in replicates, shape (replicates,), with room for what was not seen."""
    wide, settings = measure.wide, {"replicates": bootstrap.replicates, "seed": bootstrap.seed}
    if wide.weight is not None:
        return resample_design(see_drawn(wide, members), measure.build(wide), bootstrap, wide.prior)
    return resample(wide.times, measure.build(wide), members=members, prior=wide.prior, **settings)


def see_drawn(patterns: Patterns, members: Any = None) -> Drawn:
    """The units of patterns as they were drawn."""
    ones, none = np.ones(len(patterns.times)), np.zeros(len(patterns.times), dtype=np.int64)
    weight, stratum = (ones if patterns.weight is None else patterns.weight), patterns.stratum
    return Drawn(patterns.times, weight, none if stratum is None else stratum, members)


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
