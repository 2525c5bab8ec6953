"""Coefficients corrected for chance, as functions of weights of patterns: Fleiss, Gwet, Brennan-Prediger, Conger.

All are (observed - expected) / (1 - expected), with the same observed agreement and each its own idea of chance.
Cohen's kappa is Conger's for two coders, Scott's pi is Fleiss' for two coders. Units with one coding count in the
shares of the labels but not in the observed agreement, as Gwet (2014) has it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from codebook.analysis.core.patterns import Patterns
from codebook.analysis.core.scales import Floats

Statistic = Callable[[Floats], Floats]

_NOTHING = 1e-12


def shared_chance(patterns: Patterns, near: Floats | None, *, kind: str, n_declared: int) -> Statistic:
    """Coefficient whose chance comes from the shares of the labels over all coders.

    With p_c the mean over units of the share of label c, V labels and weights w summing to T, the expected agreement
    is sum w p p (`fleiss`), T / (V (V - 1)) x sum p (1 - p) (`gwet`: AC1, with weights AC2), T / V^2
    (`brennan_prediger`).

    Parameters
    ----------
    near
        Weights of every two labels, shape (n_labels, n_labels); None for identity.
    n_declared
        V, the labels the codebook allows.

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

    Parameters
    ----------
    patterns
        Of `coder_patterns`: their counts are those of each coder, side by side.
    """
    counts = patterns.counts.reshape(len(patterns.times), n_coders, -1)
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


def _divide(part: Floats, whole: Floats) -> Floats:
    return np.asarray(np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0))


def _corrected(observed: Floats, expected: Floats) -> Floats:
    rest = 1 - expected
    return np.asarray(np.divide(observed - expected, rest, out=np.full(len(rest), np.nan), where=rest > _NOTHING))
