"""The share of a label from the model's share, its sensitivity and its specificity: Rogan and Gladen (1978)."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from codebook.analysis.core.scales import Floats, Ints

ROGAN_GLADEN = "Rogan-Gladen"
"""Name of the row."""


class Rates(NamedTuple):
    """Share of units to which the model gives a label, `apparent`, and how often it is right, with and without it.

    `n`, `n_with` and `n_without` are the units behind each, of weighted ones the effective number (Kish 1965).
    """

    apparent: float
    sensitivity: float
    specificity: float
    n: float
    n_with: float
    n_without: float


def rogan_gladen(apparent: float, sensitivity: float, specificity: float) -> float:
    """(apparent + specificity - 1) / (sensitivity + specificity - 1); NaN where the model tells nothing.

    Examples
    --------
    23 of 150 cows test positive, sensitivity .96, specificity .89; epiR prints 5.1 of 100:

    >>> round(rogan_gladen(23 / 150, 0.96, 0.89), 3)
    0.051
    """
    tells = sensitivity + specificity - 1
    return (apparent + specificity - 1) / tells if tells > 0 else math.nan


def lang_reiczigel(rates: Rates, confidence: float) -> tuple[float, float]:
    """Interval of the share where sensitivity and specificity are estimates (Lang and Reiczigel 2014), within 0 to 1.

    Examples
    --------
    >>> rates = Rates(23 / 150, 0.96, 0.89, n=150, n_with=100, n_without=100)
    >>> [round(end, 3) for end in lang_reiczigel(rates, 0.95)]
    [0.0, 0.146]
    """
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    n = rates.n + z**2
    apparent = (rates.n * rates.apparent + z**2 / 2) / n
    se, sp = (
        (size * rate + 1) / (size + 2)
        for size, rate in ((rates.n_with, rates.sensitivity), (rates.n_without, rates.specificity))
    )
    share = rogan_gladen(apparent, se, sp)
    of_se, of_sp = se * (1 - se) / (rates.n_with + 2), sp * (1 - sp) / (rates.n_without + 2)
    shift = 2 * z**2 * (share * of_se - (1 - share) * of_sp)
    spread = math.sqrt(apparent * (1 - apparent) / n + (1 - share) ** 2 * of_sp + share**2 * of_se)
    half = z * spread / (se + sp - 1) if se + sp > 1 else math.nan
    return max(0.0, share + shift - half), min(1.0, share + shift + half)


def estimate_rogan_gladen(
    f: Floats, y: Floats, weight: Floats, gold: Ints, cluster: Ints
) -> tuple[Rates, float, float]:
    """The rates, the share, and its standard error by linearisation.

    Parameters
    ----------
    f
        Whether the model gives the label, shape (n_units,).
    y, weight, gold
        Whether the gold does, what each gold unit weighs, and their positions, shape (n_gold,).
    cluster
        Of each unit, shape (n_units,).
    """
    given = f[gold]
    with_, without = weight * y, weight * (1 - y)
    sensitivity = float(with_ @ given / with_.sum())
    specificity = float(without @ (1 - given) / without.sum())
    effective = [float(part.sum() ** 2 / (part**2).sum()) for part in (with_, without)]
    rates = Rates(float(f.mean()), sensitivity, specificity, float(len(f)), *effective)
    share = rogan_gladen(*rates[:3])
    pulls = (f - f.mean()) / len(f)
    of_se, of_sp = with_ * (given - sensitivity) / with_.sum(), without * (1 - given - specificity) / without.sum()
    np.add.at(pulls, gold, -share * of_se + (1 - share) * of_sp)
    sums = np.bincount(cluster, weights=pulls / (sensitivity + specificity - 1)) if share == share else np.zeros(1)
    return rates, share, float(np.sqrt(sums @ sums)) if share == share else math.nan
