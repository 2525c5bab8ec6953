"""Reliability: do coders agree with each other? Krippendorff's alpha, with its interval."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from codebook.analysis.alpha import alpha_values, check_against_library
from codebook.analysis.checks import raise_faults
from codebook.analysis.counts import Codings, count_patterns, read_codings
from codebook.analysis.estimates import Estimate, check_bootstrap, package_versions, percentile_interval, resample
from codebook.analysis.patterns import Patterns
from codebook.analysis.scales import Floats


@dataclass(frozen=True)
class Pairable:
    """The labelled codings of the units that two or more coders labelled, and what was left aside."""

    codings: Codings
    patterns: Patterns
    n_dropped: int
    n_missing: int

    @property
    def n_units(self) -> int:
        """Units with two or more codings: the population that is resampled."""
        return int(self.patterns.times.sum())

    @property
    def undefined(self) -> str:
        """Why no statistic of agreement exists here; empty where one does."""
        if self.codings.n_coders >= 2:
            return ""
        return "fewer than two coders" if len(self.codings.coders) < 2 else "no unit was coded by two coders"


@dataclass(frozen=True)
class Bootstrap:
    """How an interval is made: replicates of the units, confidence, seed."""

    replicates: int = 1000
    confidence: float = 0.95
    seed: int = 1

    @property
    def attrs(self) -> dict[Hashable, Any]:
        """For the `attrs` of a frame, so that the caption can say how its intervals were made."""
        settings: dict[Hashable, Any] = {
            "seed": self.seed,
            "replicates": self.replicates,
            "confidence": self.confidence,
        }
        return {**settings, "versions": package_versions()}


def pairable(codings: Codings) -> Pairable:
    """Codings that carry information on agreement.

    Examples
    --------
    >>> from codebook.analysis.examples import observers_2011
    >>> kept = pairable(read_codings(observers_2011(), variable="code", level="nominal", labels=list("12345")))
    >>> kept.n_units, kept.n_dropped, len(kept.codings.code), kept.n_missing
    (11, 1, 40, 7)
    """
    given = codings.answered()
    sizes = np.bincount(given.unit, minlength=len(codings.units))
    kept = given.only((sizes >= 2)[given.unit])
    n_dropped = int((sizes < 2).sum())
    return Pairable(kept, count_patterns(given).pairable(), n_dropped, codings.n_missing)


def krippendorff_alpha(
    table: pd.DataFrame,
    *,
    variable: str,
    level: str,
    labels: Sequence[str] | None,
    coders: Iterable[str] | None = None,
    replicates: int = 1000,
    confidence: float = 0.95,
    seed: int = 1,
    draw: int = 0,
) -> Estimate:
    """Krippendorff's alpha of one variable, with a percentile interval from resampled units.

    Units with fewer than two codings say nothing of agreement: they are left out of the value and of the resampled
    population, and counted in `n_dropped`. Every value small enough is computed a second time by the krippendorff
    package. Undefined (fewer than two coders, no common unit, no variation) is NaN with the reason.

    Parameters
    ----------
    table
        The tidy table, one row a unit x coder x variable x draw.
    level
        `nominal`, `ordinal`, `interval` or `ratio`, as the codebook has it; `masi` or `jaccard` for the sets of
        labels of a `multi` variable. There is no default: it decides what counts as near.
    labels
        The allowed labels in codebook order; their order is the order of an ordinal scale. May be None for the
        numbers of an interval or ratio scale.
    coders
        Whose codings to compare; None takes everyone's.
    draw
        Which repeat of the requests; people have draw 0.

    Returns
    -------
    Estimate

    Raises
    ------
    StatisticError
        The table does not keep its contract, or the two implementations differ.

    Examples
    --------
    Krippendorff (2011), example C, printed .743 and .815:

    >>> from codebook.analysis.examples import observers_2011
    >>> table, labels = observers_2011(), list("12345")
    >>> print(krippendorff_alpha(table, variable="code", level="nominal", labels=labels))
    Krippendorff's alpha (nominal) = .74 [.41, 1.00], 11 units, 4 coders
    >>> round(krippendorff_alpha(table, variable="code", level="ordinal", labels=labels).value, 3)
    0.815
    """
    raise_faults("The bootstrap cannot be made.", check_bootstrap(replicates, confidence))
    codings = read_codings(table, variable=variable, level=level, labels=labels, coders=coders, draw=draw)
    return estimate_alpha(pairable(codings), Bootstrap(replicates, confidence, seed))[0]


def estimate_alpha(kept: Pairable, how: Bootstrap) -> tuple[Estimate, Floats]:
    """Alpha of codings already read, and its replicates, shape (n_replicates,)."""
    scale, patterns = kept.codings.scale, kept.patterns
    used = np.flatnonzero(patterns.counts.sum(axis=0))
    alone = f"no variation: every coding is {scale.labels[used[0]]!r}" if len(used) == 1 else ""
    estimate, draws = make_estimate(
        kept, lambda weights: alpha_values(weights, patterns, scale), how, undefined=kept.undefined or alone
    )
    check_against_library(kept.codings, estimate.value)
    return replace(estimate, statistic="Krippendorff's alpha", level=scale.level), draws


def make_estimate(
    kept: Pairable, statistic: Callable[[Floats], Floats], how: Bootstrap, *, undefined: str
) -> tuple[Estimate, Floats]:
    """Value, interval and replicates of a statistic of patterns; NaN with `undefined` as the reason if that is set."""
    value, draws = math.nan, np.empty(0)
    if not undefined:
        value = float(statistic(kept.patterns.times[None, :].astype(float))[0])
        if how.replicates:
            draws = resample(kept.patterns.times, statistic, replicates=how.replicates, seed=how.seed)
    interval = percentile_interval(draws, how.confidence)
    codings = kept.codings
    estimate = Estimate(
        statistic="",
        value=value,
        low=interval.low,
        high=interval.high,
        n_units=kept.n_units,
        n_dropped=kept.n_dropped,
        n_coders=codings.n_coders,
        n_codings=len(codings.code),
        level="nominal",
        confidence=how.confidence,
        replicates=how.replicates,
        undefined_share=interval.undefined_share,
        seed=how.seed,
        reason=undefined or interval.reason,
        n_missing=kept.n_missing,
    )
    return estimate, draws
