"""Precision, recall and F1 from counts, with intervals by drawing entities."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MEASURES = ("precision", "recall", "f1")

_CELLS = 2**22  # replicates x entities drawn at a time


def rates(found: Floats, right_found: Floats, true: Floats, right_true: Floats) -> Floats:
    """Precision `right_found / found`, recall `right_true / true` and F1, last axis; without a find, precision is 1.

    Examples
    --------
    >>> rates(np.array(4.0), np.array(3.0), np.array(6.0), np.array(3.0)).tolist()
    [0.75, 0.5, 0.6]
    """
    precision = np.where(found > 0, right_found / np.maximum(found, 1e-12), 1.0)
    recall = np.where(true > 0, right_true / np.maximum(true, 1e-12), np.nan)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    return np.stack([precision, recall, f1], axis=-1)


def rates_with_intervals(counts: Floats, *, replicates: int, confidence: float, seed: int) -> tuple[Floats, Floats]:
    """Rates of summed counts and their percentile interval over draws of entities with replacement.

    Parameters
    ----------
    counts
        Of each entity and each threshold or measure: found, right of these, true, found of these; shape
        (n_entities, n_settings, 4).

    Returns
    -------
    tuple[Floats, Floats]
        Rates, shape (n_settings, 3), and low and high, shape (2, n_settings, 3); NaN without replicates.
    """
    n_entities, n_settings, _ = counts.shape
    values = rates(*np.moveaxis(counts.sum(axis=0), -1, 0))
    if not replicates or not n_entities:
        return values, np.full((2, n_settings, 3), np.nan)
    rng = np.random.default_rng(seed)
    flat, step = counts.reshape(n_entities, -1), max(1, _CELLS // n_entities)
    draws = []
    for done in range(0, replicates, step):
        size = min(step, replicates - done)
        times = rng.multinomial(n_entities, np.full(n_entities, 1 / n_entities), size=size)
        sums = (times.astype(float) @ flat).reshape(size, n_settings, 4)
        draws.append(rates(*np.moveaxis(sums, -1, 0)))
    ends = [(1 - confidence) / 2, (1 + confidence) / 2]
    return values, np.asarray(np.quantile(np.concatenate(draws), ends, axis=0), dtype=np.float64)
