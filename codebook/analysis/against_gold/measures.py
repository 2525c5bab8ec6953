"""Measures of validity on the cells of a coder beside gold, for many weightings of them at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from codebook.analysis.against_gold.gold_cells import Cells
from codebook.analysis.core.estimates import Bootstrap, percentile_interval
from codebook.analysis.core.patterns import Patterns
from codebook.analysis.core.sample_design import resample_design
from codebook.analysis.core.scales import Bools, Floats, Ints, Scale
from codebook.analysis.reliability.alpha import alpha_values

LABEL_MEASURES = ("prevalence", "precision", "recall", "f1")
OVERALL = ("accuracy", "accuracy among answered", "macro F1", "Jaccard", "micro F1", "MCC")
_GAPS = {"precision": "never predicted", "recall": "not in gold", "f1": "neither in gold nor predicted"}

MEASURES = {
    "single": {
        "accuracy": "accuracy",
        "accuracy among answered": "accuracy among answered",
        "macro F1": "macro F1",
        "MCC": "MCC",
    },
    "multi": {
        "accuracy": "exact match",
        "accuracy among answered": "exact match among answered",
        "Jaccard": "Jaccard",
        "micro F1": "micro F1",
        "macro F1": "macro F1",
    },
}
"""Measures over all labels of a kind of variable, by what they are called there."""

NOT_ASKED = "no gold unit was put to this coder"
ONE_CLUSTER = "no interval: all gold units are in one cluster"
ONE_UNIT = "no interval: there is one gold unit"
NO_MCC = "undefined: gold or the answers hold one label only"
NOTE = (
    "Units asked and not answered count as wrong in accuracy and recall; 'among answered' leaves them out. "
    "Gold units never put to the coder are left out everywhere. Macro F1: mean over labels in gold or in the answers."
)


@dataclass(frozen=True)
class Measure:
    """A measure with its interval; `gap` says why a part of it is missing."""

    value: float
    low: float
    high: float
    gap: str = ""


@dataclass(frozen=True)
class Measures:
    """All measures of one coder: by label, over all, and over all for a constant answer."""

    by_label: dict[str, list[Measure]]
    overall: dict[str, Measure]
    baseline: dict[str, Measure]


def measure_cells(cells: Cells, bootstrap: Bootstrap) -> Measures:
    """Every measure with its interval from one bootstrap of the gold units asked of the coder."""
    constant = cells.always(commonest(cells)[0])

    def every(weights: Floats) -> Floats:
        parts = (label_measures(weights, cells), overall_measures(weights, cells), overall_measures(weights, constant))
        return np.concatenate(parts, axis=1)

    n_labels, n_columns = len(cells.labels), 4 * len(cells.labels) + 2 * len(OVERALL)
    values, draws, alone = np.full(n_columns, np.nan), np.empty((0, n_columns)), ""
    if cells.n_asked:
        values = every(cells.weighted[None, :])[0]
        alone = why_no_draws(cells)
        if bootstrap.replicates and not alone:
            draws = resample_cells(cells, every, bootstrap)
    measures = [make_measure(value, draws[:, at], bootstrap, alone) for at, value in enumerate(values)]
    overall, baseline = measures[-2 * len(OVERALL) : -len(OVERALL)], measures[-len(OVERALL) :]
    return Measures(
        {name: measures[at * n_labels : (at + 1) * n_labels] for at, name in enumerate(LABEL_MEASURES)},
        dict(zip(OVERALL, overall, strict=True)),
        dict(zip(OVERALL, baseline, strict=True)),
    )


def resample_cells(cells: Cells, statistic: Callable[[Floats], Floats], bootstrap: Bootstrap) -> Floats:
    """Values of a statistic of the cells in replicates of the gold units, as they were drawn."""
    drawn_as = {"weight": cells.weight, "members": cells.members}
    stratum = np.broadcast_to(cells.stratum, cells.times.shape)
    return resample_design(
        cells.times, statistic, stratum=stratum, replicates=bootstrap.replicates, seed=bootstrap.seed, **drawn_as
    )


def why_no_draws(cells: Cells) -> str:
    """Why nothing can be resampled: one unit, or one cluster of them, does not vary; empty where it does."""
    if cells.n_asked < 2:
        return ONE_UNIT
    return ONE_CLUSTER if cells.members is not None and cells.members.shape[0] == 1 else ""


def measure_statistic(cells: Cells, statistic: Callable[[Floats], Floats], bootstrap: Bootstrap) -> Measure:
    """One statistic of the weighted cells, from shape (n_draws, n_cells) to (n_draws,), with its interval."""
    if not cells.n_asked:
        return Measure(np.nan, np.nan, np.nan, NOT_ASKED)
    alone = why_no_draws(cells)
    draws = resample_cells(cells, statistic, bootstrap) if bootstrap.replicates and not alone else np.empty(0)
    return make_measure(float(statistic(cells.weighted[None, :])[0]), draws, bootstrap, alone)


def alpha_statistic(cells: Cells, scale: Scale, codes: Ints) -> Callable[[Floats], Floats]:
    """Krippendorff's alpha of gold and coder as a function of weighted cells; unanswered units say nothing of it.

    `codes`, shape (n_codes + 1,), are the codes of `scale` for those of the cells.
    """
    rows = np.flatnonzero(cells.answered)
    indicators = np.eye(scale.n_labels)
    counts = indicators[codes[cells.codes[rows, 0]]] + indicators[codes[cells.codes[rows, 1]]]
    patterns = Patterns(counts, cells.times[rows])
    return lambda weights: alpha_values(weights[:, rows], patterns, scale)


def make_measure(value: float, draws: Floats, bootstrap: Bootstrap, alone: str = "") -> Measure:
    """A measure out of its value and its values in bootstrap replicates, shape (replicates,).

    `alone` says why there are no replicates.
    """
    if np.isnan(value):
        return Measure(value, np.nan, np.nan, "undefined")
    interval = percentile_interval(draws, bootstrap.confidence)
    return Measure(
        float(value), interval.low, interval.high, alone or (interval.reason if bootstrap.replicates else "")
    )


def spread(name: str, measure: Measure) -> dict[str, float]:
    """A measure as the three columns of a frame."""
    return {name: measure.value, f"{name}_low": measure.low, f"{name}_high": measure.high}


def name_measures(kind: str) -> dict[str, str]:
    """Names of the measures over all labels, without the accuracy among the answered."""
    names = MEASURES["multi" if kind == "multi" else "single"]
    return {key: name for key, name in names.items() if not key.endswith("answered")}


def explain_gaps(measures: dict[str, Measure]) -> str:
    """Why figures are missing, measure by measure, as one line.

    Examples
    --------
    >>> gone = Measure(float("nan"), float("nan"), float("nan"), "undefined")
    >>> explain_gaps({"precision": gone, "recall": Measure(0.0, 0.0, 0.0)})
    'precision: never predicted'
    """
    gaps = {name: measure.gap for name, measure in measures.items() if measure.gap}
    return "; ".join(f"{name}: {_GAPS.get(name, gap) if gap == 'undefined' else gap}" for name, gap in gaps.items())


def label_measures(weights: Floats, cells: Cells) -> Floats:
    """Prevalence, precision, recall and F1 of each label, shape (n_draws, 4 x n_labels), the four side by side.

    NaN: precision of a label never predicted, recall of one not in gold, F1 of one that is neither.

    Examples
    --------
    >>> yes = np.array([[True], [True], [False], [False]])
    >>> cells = Cells(("x",), yes, yes[[0, 2, 1, 3]], np.ones(4, dtype=bool), np.array([8, 2, 4, 6]), 20)
    >>> label_measures(cells.times[None, :].astype(float), cells).round(3)
    array([[0.5  , 0.667, 0.8  , 0.727]])
    """
    hits = weights @ (cells.gold & cells.coded).astype(float)
    gold, coded = weights @ cells.gold.astype(float), weights @ cells.coded.astype(float)
    n_asked = np.broadcast_to(weights.sum(axis=1, keepdims=True), gold.shape)
    parts = [ratio(gold, n_asked), ratio(hits, coded), ratio(hits, gold), ratio(2 * hits, gold + coded)]
    return np.concatenate(parts, axis=1)


def overall_measures(weights: Floats, cells: Cells) -> Floats:
    """Accuracy, accuracy among the answered, macro F1, Jaccard, micro F1, MCC, shape (n_draws, 6).

    Accuracy is the share of exact matches; a unit asked and not answered is wrong. Macro F1 is the mean over the
    labels that occur in gold or in the answers. MCC is that of Gorodkin (2004), for one label a unit.
    """
    right = cells.answered & (cells.gold == cells.coded).all(axis=1)
    either = (cells.gold | cells.coded).sum(axis=1)
    overlap = ratio((cells.gold & cells.coded).sum(axis=1), either, empty=1.0) * cells.answered
    n_asked, n_answered = weights.sum(axis=1), weights @ cells.answered
    both = weights @ (cells.gold & cells.coded).sum(axis=1)
    sizes = weights @ (cells.gold.sum(axis=1) + cells.coded.sum(axis=1))
    f1 = label_measures(weights, cells)[:, 3 * len(cells.labels) :]
    macro = ratio(np.nansum(f1, axis=1), (~np.isnan(f1)).sum(axis=1))
    parts = [ratio(weights @ right, n_asked), ratio(weights @ right, n_answered), macro]
    mcc = _correlate(weights, cells, weights @ right)
    return np.stack([*parts, ratio(weights @ overlap, n_asked), ratio(2 * both, sizes), mcc], axis=1)


def _correlate(weights: Floats, cells: Cells, right: Floats) -> Floats:
    """Matthews correlation coefficient, shape (n_draws,); no answer counts as one more label of the coder."""
    gold, coded = weights @ cells.gold.astype(float), weights @ cells.coded.astype(float)
    n_asked, none = weights.sum(axis=1), weights @ ~cells.answered
    room_gold = n_asked**2 - (gold**2).sum(axis=1)
    room_coded = n_asked**2 - (coded**2).sum(axis=1) - none**2
    whole = np.sqrt(np.maximum(room_gold, 0) * np.maximum(room_coded, 0))
    whole = np.where(whole > 1e-9 * n_asked**2, whole, 0.0)  # rounding: a single label leaves no room
    return ratio(right * n_asked - (gold * coded).sum(axis=1), whole)


def ratio(part: Floats, whole: Floats, *, empty: float = np.nan) -> Floats:
    """`part` / `whole`, and `empty` where the whole is nothing."""
    part, whole = np.asarray(part, dtype=float), np.asarray(whole, dtype=float)
    return np.asarray(np.divide(part, whole, out=np.full(np.broadcast(part, whole).shape, empty), where=whole > 0))


def commonest(cells: Cells) -> tuple[Bools, list[str]]:
    """Gold's commonest answer, shape (n_labels,), and the names of all that are equally common."""
    if not cells.n_asked:
        return np.zeros(len(cells.labels), dtype=bool), []
    answers, which = np.unique(cells.gold, axis=0, return_inverse=True)
    times = np.bincount(which.reshape(-1), weights=cells.weighted)
    top = answers[np.isclose(times, times.max())][::-1]  # first in codebook order first
    names = [" + ".join(label for label, has in zip(cells.labels, row.tolist(), strict=True) if has) for row in top]
    return top[0], [name or "(none)" for name in names]
