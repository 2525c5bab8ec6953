"""What a statistic returns, and the replicates that give its interval."""

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
from codebook.ground.quantities import UNKNOWN, Kind, bound_of, format_figure, say_percent

SIMPLE = (
    "Replicates weigh the units at random and leave room for what was not seen; a share of units has Wilson's interval."
)
DESIGNED = (
    "Each replicate draws one unit or cluster fewer than there are, rescaled, and leaves room for what was not seen."
)
"""How intervals were made, for a note: of units for themselves, and of units in strata or clusters."""

MOST_UNDEFINED = 0.05
"""Share of undefined replicates above which no interval is given."""
_CELLS, _MOST_CELLS = 2**18, 2**22  # replicates x patterns drawn at a time: 2 MB stay near a processor; 32 MB at most
_ROWS = 64  # replicates from which on a statistic of many at once is quick


@dataclass(frozen=True, slots=True)
class Estimate:
    """A statistic with its interval and everything a table must say beside it.

    `n_units` are the units with two or more codings, which carry the statistic and are resampled; `n_dropped` the
    units with fewer, `n_missing` the codings without a label. `se` is by linearisation; `jack_low` and `jack_high` are
    there for small samples; `n_clusters` is 0 where units were resampled. What is undefined is NaN, and `reason` says
    why.
    """

    value: float
    low: float
    high: float
    n_units: int
    n_dropped: int
    n_coders: int
    n_codings: int
    n_missing: int
    confidence: float
    undefined_share: float
    reason: str = ""
    definition: str = ""
    se: float = math.nan
    jack_low: float = math.nan
    jack_high: float = math.nan
    n_clusters: int = 0


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
    times: Ints,
    statistic: Callable[[Floats], Floats],
    *,
    replicates: int,
    seed: int,
    members: Any = None,
    prior: Floats | None = None,
) -> Floats:
    """Values of `statistic` in replicates that weigh the units behind the patterns, or clusters of them, at random.

    The weights of the patterns are drawn from the Dirichlet distribution with the parameters `times` + `prior`: the
    Bayesian bootstrap (Rubin 1981), which weighs units where the usual bootstrap counts them, with the same mean
    and variance. In both, what was not seen has no weight; `prior` gives it some. Clusters are drawn, one fewer than
    there are, and rescaled (Rao and Wu 1988).

    Parameters
    ----------
    times
        How many units show each pattern, shape (n_patterns,).
    statistic
        From weights, shape (n_draws, n_patterns), to values, shape (n_draws,) or (n_draws, n_values).
    members
        How often each cluster shows each pattern, a sparse array (n_clusters, n_patterns) of `join_clusters`: whole
        clusters are drawn then.
    prior
        Units that each pattern is given beforehand, shape (n_patterns,).

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
    >>> draws = resample(np.array([0, 100]), share, replicates=4000, seed=1, prior=np.array([0.5, 0.5]))
    >>> round(float(np.quantile(draws, 0.975)), 3)
    0.026
    """
    rng, beforehand = np.random.default_rng(seed), np.random.default_rng([seed, 1])
    width = len(times) if members is None else sum(members.shape)
    step = max(1, min(_MOST_CELLS // width, max(_ROWS, _CELLS // width)))
    sizes = [min(step, replicates - done) for done in range(0, replicates, step)]

    def weigh(size: int) -> Floats:
        if members is None:
            return draw_posterior(rng, times, size, prior)
        drawn = np.asarray(draw_rescaled(rng, np.ones(members.shape[0], dtype=np.int64), size) @ members)
        return drawn if prior is None else drawn + beforehand.standard_gamma(prior, size=drawn.shape)

    return np.concatenate([statistic(weigh(size)) for size in sizes])


def draw_posterior(rng: np.random.Generator, times: Ints, size: int, prior: Floats | None = None) -> Floats:
    """Weights of the patterns, shape (size, n_patterns): as many units as there are, times Dirichlet(times + prior).

    Examples
    --------
    >>> draws = draw_posterior(np.random.default_rng(1), np.array([500, 100, 0]), 2000)
    >>> draws.sum(axis=1).round().max(), draws.mean(axis=0).round(), draws[:, 0].std().round()
    (np.float64(600.0), array([500., 100.,   0.]), np.float64(9.0))
    """
    drawn = rng.standard_gamma(times if prior is None else times + prior, size=(size, len(times)))
    drawn *= float(times.sum()) / drawn.sum(axis=1, keepdims=True)
    return drawn


def draw_rescaled(rng: np.random.Generator, times: Ints, size: int) -> Floats:
    """Weights of the patterns where n - 1 of n units are drawn with replacement, and each counts n / (n - 1).

    Their mean then varies as much as it should, also where n is small (Rao and Wu 1988). A single unit stays as it is.

    Examples
    --------
    >>> draws = draw_rescaled(np.random.default_rng(1), np.array([1, 1, 1]), 4000)
    >>> float(draws.sum(axis=1).max()), round(float((draws @ [0, 1, 2]).std()), 2)  # 3 x the standard error .577
    (3.0, 1.72)
    """
    n = int(times.sum())
    if n < 2:
        return np.broadcast_to(times.astype(float), (size, len(times))).copy()
    if n > 8 * len(times):
        return np.asarray(rng.multinomial(n - 1, times / n, size=size) * (n / (n - 1)), dtype=float)
    drawn = np.repeat(np.arange(len(times)), times)[rng.integers(n, size=(size, n - 1))]
    drawn += len(times) * np.arange(size)[:, None]
    counts = np.bincount(drawn.ravel(), minlength=size * len(times))
    return np.asarray(counts.reshape(size, len(times)) * (n / (n - 1)))


def percentile_interval(
    draws: Floats, confidence: float, value: float = math.nan, *, freedom: float = math.inf
) -> Interval:
    """Percentile interval of the defined replicates, widened to hold `value`; none where more than 5 % are undefined.

    `freedom` are the degrees of freedom where few clusters or strata were drawn: the percentiles are those that are
    as far out as Student's t is (the expanded percentile interval of Hesterberg 2015).

    Examples
    --------
    >>> percentile_interval(np.arange(101.0), 0.5)
    Interval(low=25.0, high=75.0, undefined_share=0.0, reason='')
    >>> percentile_interval(np.arange(101.0), 0.5, 90).high
    90.0
    >>> round(percentile_interval(np.arange(101.0), 0.9, freedom=9).low, 1)
    3.3
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
    tail = _tail(confidence, freedom)
    low, high = np.quantile(defined, [tail, 1 - tail])
    return Interval(float(np.fmin(low, value)), float(np.fmax(high, value)), undefined)


def _tail(confidence: float, freedom: float) -> float:
    """The share of replicates below an interval."""
    if math.isinf(freedom):
        return (1 - confidence) / 2
    from scipy.special import ndtr, stdtrit

    return float(ndtr(stdtrit(max(freedom, 1), (1 - confidence) / 2)))


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
