"""Coefficients corrected for chance, as functions of weights of patterns, and what is reported beside a kappa.

Fleiss, Gwet, Brennan-Prediger, Conger: all are (observed - expected) / (1 - expected), with the same observed
agreement and each its own idea of chance. Cohen's kappa is Conger's for two coders, Scott's pi is Fleiss' for two
coders. Units with one coding count in the shares of the labels but not in the observed agreement, as Gwet (2014) has
it. Beside them agreement on one label, prevalence and bias, the largest kappa, Light's kappa; those of one label are
computed from yes (1) and no (0), as `by="label"` gives them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from codebook.analysis.core.counts import coder_patterns
from codebook.analysis.core.patterns import Patterns
from codebook.analysis.core.scales import SET_LEVELS, Floats
from codebook.analysis.reliability.krippendorff import Measure, Pairable, undefined_measure

Statistic = Callable[[Floats], Floats]

TITLES = {
    "positive_agreement": "Positive agreement",
    "negative_agreement": "Negative agreement",
    "prevalence_index": "Prevalence index",
    "bias_index": "Bias index",
    "kappa_max": "Largest possible kappa",
}
_OF_TWO = ("bias_index", "kappa_max")
_NOTHING = 1e-12
_CELLS = 20_000  # cells of the tables of pairs that are computed at a time


def shared_chance(patterns: Patterns, near: Floats | None, *, kind: str, n_declared: int) -> Statistic:
    """Coefficient whose chance comes from the shares of the labels over all coders.

    With p_c the mean over units of the share of label c, V labels and weights w summing to T, the expected agreement
    is sum w p p (`fleiss`), T / (V (V - 1)) x sum p (1 - p) (`gwet`: AC1, with weights AC2), T / V^2
    (`brennan_prediger`).

    `near`: weights of every two labels, shape (n_labels, n_labels); None for identity. `n_declared`: V, the labels the
    codebook allows.

    Examples
    --------
    >>> patterns = Patterns(np.array([[2.0, 0], [1, 1], [0, 2]]), np.array([5, 4, 1]))
    >>> [round(float(shared_chance(patterns, None, kind=kind, n_declared=2)(np.array([[5.0, 4, 1]]))[0]), 3)
    ...  for kind in ("fleiss", "gwet", "brennan_prediger")]
    [0.048, 0.31, 0.2]
    """
    agree, pairs = _observed(patterns.counts, near)
    shares = patterns.counts / patterns.sizes[:, None]
    total = n_declared if near is None else float(near.sum())

    def statistic(weights: Floats) -> Floats:
        label = weights @ shares / weights.sum(axis=1, keepdims=True)
        if kind == "fleiss":
            expected = (label * (label if near is None else label @ near)).sum(axis=1)
        elif kind == "gwet":
            expected = total / (n_declared * (n_declared - 1)) * (label * (1 - label)).sum(axis=1)
        else:
            expected = np.full(len(weights), total / n_declared**2)
        return _corrected(_divide(weights @ agree, weights @ pairs), expected)

    return statistic


def coders_chance(patterns: Patterns, near: Floats | None, *, n_coders: int) -> Statistic:
    """Conger's kappa, whose chance comes from each coder's own shares: the mean over pairs of coders of sum w p_g p_h.

    With two coders who coded the same units it is Cohen's kappa.

    `patterns`: of `coder_patterns`: their counts are those of each coder, side by side.
    """
    counts = _by_coder(patterns, n_coders)
    agree, pairs = _observed(counts.sum(axis=1), near)
    n_labels = counts.shape[2]

    def statistic(weights: Floats) -> Floats:
        labels = (weights @ patterns.counts).reshape(-1, n_coders, n_labels)
        coded = labels.sum(axis=2, keepdims=True)
        shares = np.divide(labels, coded, out=np.zeros_like(labels), where=coded > 0)
        there = (coded[:, :, 0] > 0).sum(axis=1)
        total = shares.sum(axis=1)
        between = (total * (total if near is None else total @ near)).sum(axis=1)
        within = (shares * (shares if near is None else shares @ near)).sum(axis=(1, 2))
        expected = _divide(between - within, there * (there - 1.0))
        return _corrected(_divide(weights @ agree, weights @ pairs), expected)

    return statistic


def _observed(counts: Floats, near: Floats | None) -> tuple[Floats, Floats]:
    """Share of agreeing pairs of each pattern, and whether it has pairs; shape (n_patterns,)."""
    sizes = counts.sum(axis=1)
    agreeing = (counts * ((counts if near is None else counts @ near) - 1)).sum(axis=1)
    pairs = sizes * (sizes - 1)
    return np.divide(agreeing, pairs, out=np.zeros_like(pairs), where=pairs > 0), (pairs > 0).astype(float)


def _corrected(observed: Floats, expected: Floats) -> Floats:
    return _divide(observed - expected, 1 - expected)


def measure_companion(pairs: Pairable, base: str) -> Measure:
    """One of `TITLES`, or Light's kappa, of codings already read."""
    undefined = pairs.undefined or _refusal(pairs, base)
    if undefined:
        return undefined_measure(pairs, undefined)
    if base in ("positive_agreement", "negative_agreement"):
        build: Callable[[Patterns], Statistic] = partial(specific_agreement, label=int(base == "positive_agreement"))
        return Measure(build, pairs.patterns)
    if base == "prevalence_index":
        return Measure(_prevalence, pairs.patterns)
    patterns, _ = coder_patterns(pairs.codings)
    build, remark = (_bias, "") if base == "bias_index" else (largest_kappa, pairs.alone)
    return Measure(build, patterns, remark=remark, n_coders=2)


def _refusal(pairs: Pairable, base: str) -> str:
    """Why there is no such figure here; empty where there is one."""
    if base in _OF_TWO and pairs.n_coders != 2:
        return f"{TITLES[base]} compares two coders, and there are {pairs.n_coders} here: ask by='pair'"
    if base == "kappa_max":
        return (
            "sets of labels have no largest kappa: ask by='label'" if pairs.scale.level in SET_LEVELS else pairs.alone
        )
    return (
        ""
        if pairs.scale.labels == ("0", "1")
        else f"{TITLES[base]} is defined for one label, yes or no: ask by='label'"
    )


def specific_agreement(patterns: Patterns, label: int) -> Statistic:
    """Agreement on one label: of the pairs of codings of which one has it, twice counted where both have it.

    sum n (n - 1) / sum n (m - 1), with n of the m codings of a unit that have the label. Of two coders it is
    2 a / (2 a + b + c): positive agreement, and for the other label negative agreement (Cicchetti and Feinstein 1990).

    Examples
    --------
    80 yes of both coders, 10 and 5 yes of one, 5 no of both; printed .91 and .40:

    >>> patterns = Patterns(np.array([[0.0, 2], [1, 1], [2, 0]]), np.array([80, 15, 5]))
    >>> [round(float(specific_agreement(patterns, label)(patterns.times[None, :])[0]), 2) for label in (1, 0)]
    [0.91, 0.4]
    """
    holds = patterns.counts[:, label]
    agreed, possible = holds * (holds - 1), holds * (patterns.sizes - 1)
    return lambda weights: _divide(weights @ agreed, weights @ possible)


def _prevalence(patterns: Patterns) -> Statistic:
    """Share of yes less share of no: (a - d) / n of two coders (Byrt, Bishop and Carlin 1993)."""
    balance = patterns.counts[:, 1] - patterns.counts[:, 0]
    return lambda weights: _divide(weights @ balance, weights @ patterns.sizes)


def _bias(patterns: Patterns) -> Statistic:
    """Share of yes of the first coder less that of the second: (b - c) / n (Byrt, Bishop and Carlin 1993)."""
    counts = _by_coder(patterns, 2)
    return lambda weights: _divide(weights @ (counts[:, 0, 1] - counts[:, 1, 1]), weights.sum(axis=1))


def _by_coder(patterns: Patterns, n_coders: int) -> Floats:
    """The counts of `coder_patterns`, shape (n_patterns, n_coders, n_labels)."""
    return patterns.counts.reshape(len(patterns.times), n_coders, -1)


def largest_kappa(patterns: Patterns) -> Statistic:
    """The kappa that two coders would reach if they agreed as far as their own shares of the labels allow.

    (sum min(p_1, p_2) - sum p_1 p_2) / (1 - sum p_1 p_2) (Cohen 1960).

    `patterns`: of `coder_patterns`, of two coders: their counts stand side by side.

    Examples
    --------
    Sim and Wright (2005), table 1, 22, 2, 4 and 11 patients: kappa .67, at most .89.

    >>> cells = Patterns(np.array([[1.0, 0, 1, 0], [1, 0, 0, 1], [0, 1, 1, 0], [0, 1, 0, 1]]), np.array([22, 2, 4, 11]))
    >>> largest_kappa(cells)(cells.times[None, :].astype(float)).round(2)
    array([0.89])
    """
    counts = _by_coder(patterns, 2)

    def statistic(weights: Floats) -> Floats:
        first, second = (weights @ counts[:, at] / weights.sum(axis=1, keepdims=True) for at in (0, 1))
        expected = (first * second).sum(axis=1)
        return _divide(np.minimum(first, second).sum(axis=1) - expected, 1 - expected)

    return statistic


def light_kappa(patterns: Patterns, near: Floats | None, *, n_coders: int) -> Statistic:
    """Mean over pairs of coders of Cohen's kappa, each on the units that both coded (Light 1971).

    `patterns`: of `coder_patterns`: the counts of the coders stand side by side. `near`: weights of every two labels,
    shape (n_labels, n_labels); None for identity.
    """
    counts = _by_coder(patterns, n_coders)
    tables = list(_pair_tables(counts))

    def statistic(weights: Floats) -> Floats:
        values = np.concatenate([_cohen(weights @ table, counts.shape[2], near) for table in tables], axis=1)
        known = ~np.isnan(values)
        return _divide(np.where(known, values, 0.0).sum(axis=1), known.sum(axis=1))

    return statistic


def _pair_tables(counts: Floats) -> Iterator[Any]:
    """Who gave what of every two coders, some pairs at a time: sparse (n_patterns, n_pairs x n_labels x n_labels)."""
    from scipy.sparse import csc_array

    n_patterns, n_coders, n_labels = counts.shape
    pattern, coder, label = np.nonzero(counts)
    ends = np.searchsorted(pattern, np.arange(n_patterns + 1))
    met = [np.stack(np.triu_indices(stop - start, k=1)) + start for start, stop in pairwise(ends)]
    first, second = np.concatenate(met, axis=1)
    pairs, place = np.unique(coder[first] * n_coders + coder[second], return_inverse=True)
    cells = (place * n_labels + label[first]) * n_labels + label[second]
    shape = (n_patterns, len(pairs) * n_labels**2)
    table = csc_array((np.ones(len(cells)), (pattern[first], cells)), shape=shape)
    step = max(1, _CELLS // n_labels**2) * n_labels**2
    yield from (table[:, start : start + step].tocsr() for start in range(0, shape[1], step))


def _cohen(tables: Floats, n_labels: int, near: Floats | None) -> Floats:
    """Cohen's kappas, shape (n_draws, n_pairs), from tables of two coders, (n_draws, n_pairs x n_labels x n_labels)."""
    table = tables.reshape(len(tables), -1, n_labels, n_labels)
    total = table.sum(axis=(2, 3))
    agreed = np.trace(table, axis1=2, axis2=3) if near is None else (table * near).sum(axis=(2, 3))
    first, second = (_divide(table.sum(axis=axis), total[..., None]) for axis in (3, 2))
    expected = (first * (second if near is None else second @ near)).sum(axis=2)
    return _divide(_divide(agreed, total) - expected, 1 - expected)


def _divide(part: Floats, whole: Floats) -> Floats:
    whole = np.broadcast_to(whole, part.shape)
    return np.asarray(np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > _NOTHING))
