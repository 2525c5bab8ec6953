"""What a statistic returns, and the bootstrap that gives its interval."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Literal

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import raise_faults
from codebook.analysis.core.scales import Floats, Ints
from codebook.errors import Fault
from codebook.ground.quantities import UNKNOWN, Kind, bound_of, format_figure, say_count, say_percent

MOST_UNDEFINED = 0.05
"""Share of undefined replicates above which no interval is given."""
_CELLS, _MOST_CELLS = 2**18, 2**22  # replicates x patterns drawn at a time: 2 MB stay near a processor; 32 MB at most
_ROWS = 64  # replicates from which on a statistic of many at once is quick
_FEW = 5  # units that show a pattern: fewer of them are drawn one by one
_FEW_PATTERNS, _MANY_PATTERNS = 32, 128  # such patterns, and any patterns, below which a multinomial is quicker


@dataclass(frozen=True, slots=True)
class Estimate:
    """A statistic with its percentile interval and everything a table must say beside it.

    `n_units` are the units with two or more codings, which carry the statistic and are resampled; `n_dropped` the
    units with fewer, `n_missing` the codings without a label. `se` is by linearisation; `jack_low` and `jack_high` are
    there for small samples; `n_clusters` is 0 where units were resampled. What is undefined is NaN, and `reason` says
    why.
    """

    statistic: str
    value: float
    low: float
    high: float
    n_units: int
    n_dropped: int
    n_coders: int
    n_codings: int
    level: str
    confidence: float
    replicates: int
    undefined_share: float
    seed: int
    reason: str = ""
    definition: str = ""
    n_missing: int = 0
    se: float = math.nan
    jack_low: float = math.nan
    jack_high: float = math.nan
    n_clusters: int = 0

    def __str__(self) -> str:
        name = f"{self.statistic} ({self.definition or self.level})"
        size = f"{say_count(self.n_units, 'unit')}, {say_count(self.n_coders, 'coder')}"
        if math.isnan(self.value):
            return f"{name} undefined: {self.reason}; {size}"
        low, high = (format_figure(end, 2, "bound") for end in (self.low, self.high))
        interval = "" if math.isnan(self.low) else f" [{low}, {high}]"
        note = f" ({self.reason})" if self.reason else ""
        return f"{name} = {format_figure(self.value)}{interval}, {size}{note}"


@dataclass(frozen=True, slots=True)
class Interval:
    """Percentile interval of a bootstrap, the share of replicates that are undefined, and why there is no interval."""

    low: float
    high: float
    undefined_share: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """How intervals are made: replicates of the units (or of their clusters), confidence, seed.

    Raises
    ------
    StatisticError
        Fewer than 0 replicates, or a confidence that is no share.

    Examples
    --------
    >>> Bootstrap(replicates=2000).sentence
    '95 % intervals from 2,000 bootstrap replicates, seed 1.'
    """

    replicates: int = 1000
    confidence: float = 0.95
    seed: int = 1

    def __post_init__(self) -> None:
        raise_faults("The bootstrap cannot be made.", check_bootstrap(self.replicates, self.confidence))

    @property
    def sentence(self) -> str:
        """How the intervals were made, for a note."""
        many = f"{self.replicates:,} bootstrap replicates, seed {self.seed}"
        return f"{100 * self.confidence:g} % intervals from {many}."


def say_figure(
    row: Mapping[Any, Any] | pd.Series,
    name: str,
    places: int = 2,
    *,
    factor: int = 1,
    kind: Kind = "coefficient",
    unknown: str = " [no interval]",
) -> str:
    """A figure of a row with its interval (`NAME_low`, or else `low`) in brackets, for a sentence.

    Examples
    --------
    >>> say_figure({"f1": 0.772, "f1_low": 0.723, "f1_high": 0.817}, "f1")
    '.77 [.72, .82]'
    >>> say_figure({"accuracy": 0.755, "accuracy_low": float("nan"), "accuracy_high": 1}, "accuracy", 1, factor=100)
    '75.5 [no interval]'
    """
    ends = (f"{name}_low", f"{name}_high") if f"{name}_low" in row else ("low", "high")
    shape: Kind = kind if factor == 1 else "amount"
    value = format_figure(float(row[name]) * factor, places, shape)
    low, high = (format_figure(float(row[end]) * factor, places, bound_of(shape)) for end in ends)
    return f"{value}{unknown if low == UNKNOWN else f' [{low}, {high}]'}"


def resample(
    times: Ints, statistic: Callable[[Floats], Floats], *, replicates: int, seed: int, members: Any = None
) -> Floats:
    """Values of `statistic` in bootstrap replicates of the units behind the patterns, or of clusters of them.

    Drawing N units with replacement is, for a statistic of pattern counts, one multinomial draw over the patterns:
    not an approximation, the same distribution.

    Parameters
    ----------
    times
        How many units show each pattern, shape (n_patterns,).
    statistic
        From weights, shape (n_draws, n_patterns), to values, shape (n_draws,) or (n_draws, n_values).
    members
        How often each cluster shows each pattern, a sparse array (n_clusters, n_patterns) of `join_clusters`: whole
        clusters are drawn then.

    Returns
    -------
    Floats
        Shape (replicates,) or (replicates, n_values).

    Examples
    --------
    >>> share = lambda weights: weights[:, 0] / weights.sum(axis=1)
    >>> draws = resample(np.array([30, 70]), share, replicates=4000, seed=1)
    >>> round(float(draws.mean()), 2), round(float(draws.std()), 3)
    (0.3, 0.046)
    """
    rng = np.random.default_rng(seed)
    drawn_from = times if members is None else np.ones(members.shape[0], dtype=np.int64)
    one_by_one = int(drawn_from[drawn_from <= _FEW].sum())
    width = len(times) + 4 * (one_by_one + _spare(int(drawn_from.sum())))
    step = max(1, min(_MOST_CELLS // width, max(_ROWS, _CELLS // width)))
    sizes = [min(step, replicates - done) for done in range(0, replicates, step)]

    def weigh(size: int) -> Floats:
        drawn = draw_times(rng, drawn_from, size)
        return drawn if members is None else np.asarray(drawn @ members)

    return np.concatenate([statistic(weigh(size)) for size in sizes])


def draw_times(rng: np.random.Generator, times: Ints, size: int) -> Floats:
    """How often each pattern is drawn when as many units as there are, are drawn with replacement, `size` times.

    Each row of the result, shape (size, n_patterns), is one multinomial draw, in half the time. Patterns that few units
    show are drawn together, and then unit by unit. The others are Poisson numbers that make a little less than all,
    and what is left is drawn unit by unit: Poisson numbers with a given sum are a multinomial draw.

    Examples
    --------
    >>> times = np.array([500] + 100 * [1])
    >>> draws = draw_times(np.random.default_rng(1), times, 2000)
    >>> np.unique(draws.sum(axis=1)).tolist()
    [600.0]
    >>> round(float(draws[:, 0].mean())), round(float(draws[:, 1:].mean()), 2)
    (500, 1.0)
    """
    n_units, few = int(times.sum()), times <= _FEW
    if few.sum() < _FEW_PATTERNS and len(times) < _MANY_PATTERNS:
        return rng.multinomial(n_units, times / n_units, size=size).astype(float)
    often = np.append(times[~few], times[few].sum())
    spare = _spare(n_units)
    if spare > 6 * len(often):
        drawn = rng.multinomial(n_units, often / n_units, size=size)
    else:
        drawn = rng.poisson(often * (1 - spare / n_units), size=(size, len(often)))
        while (over := drawn.sum(axis=1) > n_units).any():
            drawn[over] = rng.poisson(often * (1 - spare / n_units), size=(int(over.sum()), len(often)))
    weights = np.empty((size, len(times)))
    weights[:, ~few] = drawn[:, :-1]
    weights[:, few] = _draw_units(rng, times[few], drawn[:, -1])
    left = n_units - drawn.sum(axis=1)
    return weights + _draw_units(rng, times, left) if left.any() else weights


def _spare(n_units: int) -> int:
    """Units to be drawn one by one: two standard deviations of a Poisson sum. Rows that exceed all are drawn anew."""
    return int(2 * math.sqrt(n_units))


def _draw_units(rng: np.random.Generator, times: Ints, how_many: Ints) -> Ints:
    """Units drawn one by one, `how_many` (size,) in each row, counted by their pattern: shape (size, n_patterns)."""
    n_patterns, size = len(times), len(how_many)
    pattern = np.repeat(np.arange(n_patterns), times)
    narrow = np.uint16 if len(pattern) < 2**16 else np.int64  # short random integers take less time
    cells = np.repeat(np.arange(size) * n_patterns, how_many)
    cells += pattern[rng.integers(len(pattern), size=len(cells), dtype=narrow)]
    return np.bincount(cells, minlength=size * n_patterns).reshape(size, n_patterns)


def percentile_interval(draws: Floats, confidence: float) -> Interval:
    """Percentile interval of the defined replicates; none where more than 5 % are undefined.

    Examples
    --------
    >>> percentile_interval(np.arange(101.0), 0.5)
    Interval(low=25.0, high=75.0, undefined_share=0.0, reason='')
    >>> percentile_interval(np.array([0.1, np.nan]), 0.9).reason
    'no interval: 50 % of the replicates are undefined'
    """
    if not len(draws):
        return Interval(math.nan, math.nan, math.nan, "no interval: no replicates asked for")
    defined = draws[~np.isnan(draws)]
    undefined = 1 - len(defined) / len(draws)
    if undefined > MOST_UNDEFINED:
        reason = f"no interval: {say_percent(undefined)} of the replicates are undefined"
        return Interval(math.nan, math.nan, undefined, reason)
    low, high = np.quantile(defined, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(low), float(high), undefined)


def check_bootstrap(replicates: int, confidence: float) -> list[Fault]:
    """Faults of the settings of a bootstrap."""
    faults = []
    if replicates < 0:
        faults.append(Fault("replicates", f"{replicates} is negative", "pass 1000, or 0 for no interval"))
    if not 0 < confidence < 1:
        faults.append(Fault("confidence", f"{confidence} is not between 0 and 1", "pass a share, e.g. .95"))
    return faults


def package_versions() -> dict[str, str]:
    """Versions of what computes the figures."""
    return {name: version(name) for name in ("numpy", "pandas", "krippendorff")}


def adjust_p(p: Floats, method: Literal["bh", "by"] = "bh") -> Floats:
    """Adjusted p values; NaN stays NaN and is not counted.

    By Benjamini and Hochberg (`bh`), or by Benjamini and Yekutieli (`by`) for tests of any dependence.

    Examples
    --------
    >>> adjust_p(np.array([0.01, 0.04, np.nan, 0.03])).round(3)
    array([0.03, 0.04,  nan, 0.04])
    >>> adjust_p(np.array([0.01, np.nan, 0.02]), "by").round(3)
    array([0.03,  nan, 0.03])
    """
    from scipy.stats import false_discovery_control

    adjusted, known = np.full(len(p), np.nan), ~np.isnan(p)
    if known.any():
        adjusted[known] = false_discovery_control(p[known], method=method)
    return adjusted
