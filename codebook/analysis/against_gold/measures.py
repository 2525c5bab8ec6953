"""Measures of validity on the cells of a coder beside gold, for many weightings of them at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from codebook.analysis.against_gold.gold_cells import Cells
from codebook.analysis.against_gold.unseen_cells import add_unseen
from codebook.analysis.core.estimates import Bootstrap, percentile_interval
from codebook.analysis.core.patterns import Patterns
from codebook.analysis.core.sample_design import resample_design
from codebook.analysis.core.scales import Bools, Floats, Ints, Scale
from codebook.analysis.core.share_intervals import Parts, add_room, divide, wilson_ends
from codebook.analysis.reliability.alpha import alpha_values

LABEL_MEASURES = ("prevalence", "precision", "recall", "f1", "specificity", "npv")
OVERALL = (
    *("accuracy", "accuracy among answered", "macro F1", "Jaccard", "micro F1", "MCC"),
    *("balanced accuracy", "weighted F1"),
)
_GAPS = {
    **{"precision": "never predicted", "recall": "not in gold", "f1": "neither in gold nor predicted"},
    **{"specificity": "every gold unit has it", "npv": "predicted for every unit"},
}

MEASURES = {
    "single": {
        "accuracy": "accuracy",
        "accuracy among answered": "accuracy among answered",
        "macro F1": "macro F1",
        "MCC": "MCC",
        "balanced accuracy": "balanced accuracy",
        "weighted F1": "weighted F1",
    },
    "multi": {
        "accuracy": "exact match",
        "accuracy among answered": "exact match among answered",
        "Jaccard": "Jaccard",
        "micro F1": "micro F1",
        "macro F1": "macro F1",
        "weighted F1": "weighted F1",
    },
}
"""Measures over all labels of a kind of variable, by what they are called there."""

NOT_ASKED = "no gold unit was put to this coder"
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
    """Every measure with its interval: for a share Wilson's, for others from replicates of the gold units asked."""
    constant = commonest(cells)[0]
    n_labels = len(cells.labels)

    def shares(weights: Floats, cells: Cells) -> Parts:
        always = cells.always(constant)
        parts = (label_parts(weights, cells), overall_parts(weights, cells), overall_parts(weights, always))
        return join_parts(*parts)

    def others(weights: Floats, cells: Cells) -> Floats:
        return np.concatenate([mixed_measures(weights, each) for each in (cells, cells.always(constant))], axis=1)

    measures, _ = measure_all(cells, Statistics(shares, others, f1=(3 * n_labels, 4 * n_labels)), bootstrap)
    n_of_labels, n_mixed = len(LABEL_MEASURES) * n_labels, len(OVERALL) - 2
    labels, rest = measures[:n_of_labels], measures[n_of_labels:]
    first, second, mixed = rest[:2], rest[2:4], rest[4:]
    return Measures(
        {name: labels[at * n_labels : (at + 1) * n_labels] for at, name in enumerate(LABEL_MEASURES)},
        dict(zip(OVERALL, [*first, *mixed[:n_mixed]], strict=True)),
        dict(zip(OVERALL, [*second, *mixed[n_mixed:]], strict=True)),
    )


def measure_overall(cells: Cells, bootstrap: Bootstrap) -> tuple[dict[str, Measure], dict[str, float]]:
    """`OVERALL` with intervals, and the values of a constant answer."""
    measures, _ = measure_all(cells, Statistics(overall_parts, mixed_measures), bootstrap)
    (baseline,) = overall_measures(cells.weighted[None, :], cells.always(commonest(cells)[0]))
    return dict(zip(OVERALL, measures, strict=True)), dict(zip(OVERALL, map(float, baseline), strict=True))


@dataclass(frozen=True)
class Statistics:
    """Shares of weighted units, and after them other statistics of the cells, shape (n_draws, n_others).

    The shares at the positions `f1` are those among units with the label in gold or in the answers; they become F1.
    """

    shares: Callable[[Floats, Cells], Parts]
    others: Callable[[Floats, Cells], Floats]
    f1: tuple[int, int] = (0, 0)

    def values(self, weights: Floats, cells: Cells) -> Floats:
        """All of them, shape (n_draws, n_shares + n_others)."""
        return np.concatenate([self.as_f1(divide(*self.shares(weights, cells))), self.others(weights, cells)], axis=1)

    def as_f1(self, shares: Floats) -> Floats:
        """The shares, where each J that is to become F1 is replaced by 2 J / (1 + J)."""
        of_either = shares[..., slice(*self.f1)]
        shares[..., slice(*self.f1)] = 2 * of_either / (1 + of_either)
        return shares


def measure_all(
    cells: Cells, statistics: Statistics, bootstrap: Bootstrap, *, keep: bool = False
) -> tuple[list[Measure], Floats]:
    """All of these statistics, each with its interval, and replicates, shape (replicates, n).

    Where shares have Wilson's intervals there are replicates of the others alone, unless all are to be kept.
    """
    alone = why_no_draws(cells)
    simple, how = (
        bool(cells.n_asked) and cells.drawn.is_simple,
        replace(bootstrap, replicates=0) if alone else bootstrap,
    )
    values, draws = draw_statistics(cells, statistics, how, shares=keep or not simple)
    exact = _measure_shares(cells, statistics, values, bootstrap.confidence) if simple and len(draws) else []
    freedom = cells.drawn.freedom if cells.n_asked else 0
    rest = values[len(exact) :]
    columns = draws.T[draws.shape[1] - len(rest) :]
    others = [
        make_measure(value, column, bootstrap, alone, freedom=freedom)
        for value, column in zip(rest, columns, strict=True)
    ]
    return [*exact, *others], draws


def _measure_shares(cells: Cells, statistics: Statistics, values: Floats, confidence: float) -> list[Measure]:
    """The shares with Wilson's intervals."""
    hits, wholes = (part[0] for part in statistics.shares(cells.times[None, :].astype(float), cells))
    exact = [wilson_ends(*each, confidence) for each in zip(hits, wholes, strict=True)]
    lows, highs = statistics.as_f1(np.array([(end.low, end.high) for end in exact]).T)
    return [
        Measure(float(value), np.nan, np.nan, "undefined")
        if np.isnan(value)
        else Measure(float(value), float(low), float(high))
        for value, low, high in zip(values, lows, highs, strict=False)
    ]


def draw_statistics(
    cells: Cells, statistics: Statistics, bootstrap: Bootstrap, *, shares: bool = True
) -> tuple[Floats, Floats]:
    """Values, shape (n,), and values in replicates, shape (replicates, n), with room for what was not seen.

    Each share is given hits and misses of its own, since the errors of one label do not depend on other labels.
    Without `shares` there are replicates of the other statistics alone.
    """
    values = statistics.values(cells.weighted[None, :], cells)[0]
    if not bootstrap.replicates or not cells.n_asked:
        return values, np.empty((0, len(values)))
    (wide,), prior = add_unseen(cells)
    n, n_wide = len(cells.times), len(prior)
    (room, more), may = add_room(wide.drawn), _see_possible(cells, statistics) if shares else ()

    def every(weights: Floats) -> Floats:
        others = statistics.others(weights[:, :n_wide], wide)
        if not shares:
            return others
        hits, wholes = statistics.shares(weights[:, :n], cells)
        unseen = np.split(weights[:, n_wide:], 2, axis=1)
        right, wrong = (part @ each for part, each in zip(unseen, may, strict=True))
        return np.concatenate([statistics.as_f1(divide(hits + right, wholes + right + wrong)), others], axis=1)

    return values, resample_design(room, every, bootstrap, np.append(prior, more[n_wide:]))


def _see_possible(cells: Cells, statistics: Statistics) -> tuple[Floats, Floats]:
    """Whether units of each weight can hold a hit, and a miss, of each share, both (n_weights, n_shares).

    Where gold was drawn by the coder's label, all units of one weight have the same label, and none of them can be a
    hit of another label. To find this out, each answer that occurs in the gold is tried on all units.
    """
    heavy = cells.drawn.heavy
    if len(heavy) < 2:
        return np.ones((1, 1)), np.ones((1, 1))
    answers = np.unique(cells.gold, axis=0)
    near = np.abs(np.broadcast_to(cells.weight, cells.times.shape)[:, None] - heavy).argmin(axis=1)
    groups = (near == np.arange(len(heavy))[:, None]) * cells.times.astype(float)
    could = [
        statistics.shares(groups, replace(cells, gold=np.broadcast_to(each, cells.gold.shape))) for each in answers
    ]
    hits = np.max([hit for hit, _ in could], axis=0) > 0
    misses = np.max([whole - hit for hit, whole in could], axis=0) > 0
    return tuple(np.where(each.any(axis=0), each, 1.0) for each in (hits, misses))  # type: ignore[return-value]


def resample_cells(
    beside: Sequence[Cells], build: Callable[..., Callable[[Floats], Floats]], bootstrap: Bootstrap
) -> Floats:
    """Values of what `build` makes of the cells of one or several coders, in replicates of the gold units."""
    wide, prior = add_unseen(*beside)
    return resample_design(wide[0].drawn, build(*wide), bootstrap, prior)


def why_no_draws(cells: Cells) -> str:
    """Why nothing can be resampled: one unit, or one cluster of them, does not vary; empty where it does."""
    return cells.drawn.why_none("gold unit")


def measure_statistics(
    beside: Sequence[Cells], build: Callable[..., Callable[[Floats], Floats]], bootstrap: Bootstrap
) -> list[Measure]:
    """Statistics of the weighted cells, from shape (n_draws, n_cells) to (n_draws, n), each with its interval."""
    cells = beside[0]
    values = build(*beside)(cells.weighted[None, :])[0]
    if not cells.n_asked:
        return [Measure(np.nan, np.nan, np.nan, NOT_ASKED) for _ in values]
    alone = why_no_draws(cells)
    known = bootstrap.replicates and not alone and not np.isnan(values).all()
    draws = resample_cells(beside, build, bootstrap) if known else np.empty((0, len(values)))
    freedom = cells.drawn.freedom
    return [
        make_measure(value, column, bootstrap, alone, freedom=freedom)
        for value, column in zip(values, draws.T, strict=True)
    ]


def alpha_statistic(cells: Cells, scale: Scale, codes: Ints) -> Callable[[Floats], Floats]:
    """Krippendorff's alpha of gold and coder, (n_draws, 1), of weighted cells; unanswered units say nothing of it.

    `codes`, shape (n_codes + 1,), are the codes of `scale` for those of the cells.
    """
    rows = np.flatnonzero(cells.answered)
    indicators = np.eye(scale.n_labels)
    counts = indicators[codes[cells.codes[rows, 0]]] + indicators[codes[cells.codes[rows, 1]]]
    patterns = Patterns(counts, cells.times[rows])
    return lambda weights: alpha_values(weights[:, rows], patterns, scale)[:, None]


def make_measure(
    value: float, draws: Floats, bootstrap: Bootstrap, alone: str = "", *, freedom: float = np.inf
) -> Measure:
    """A measure from its value and its values in replicates, shape (replicates,).

    `alone` says why there are no replicates.
    """
    if np.isnan(value):
        return Measure(value, np.nan, np.nan, "undefined")
    interval = percentile_interval(draws, bootstrap.confidence, value, freedom=freedom)
    return Measure(
        float(value), interval.low, interval.high, alone or (interval.reason if bootstrap.replicates else "")
    )


def spread(name: str, measure: Measure) -> dict[str, float]:
    """A measure as the three columns of a frame."""
    return {name: measure.value, f"{name}_low": measure.low, f"{name}_high": measure.high}


def name_measures(kind: str) -> dict[str, str]:
    """Names of the measures over all labels by which coders and groups are compared."""
    names = MEASURES["multi" if kind == "multi" else "single"]
    apart = ("accuracy among answered", "balanced accuracy", "weighted F1")
    return {key: name for key, name in names.items() if key not in apart}


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
    """`LABEL_MEASURES` of each label, shape (n_draws, 6 x n_labels), side by side.

    These are NaN: precision of a label never predicted; recall of a label not in gold; F1 of a label that is neither;
    specificity of a label that every gold unit has; negative predictive value (npv) of one predicted for every unit.

    Examples
    --------
    >>> yes = np.array([[True], [True], [False], [False]])
    >>> cells = Cells(("x",), yes, yes[[0, 2, 1, 3]], np.ones(4, dtype=bool), np.array([8, 2, 4, 6]), 20)
    >>> label_measures(cells.times[None, :].astype(float), cells).round(3)
    array([[0.5  , 0.667, 0.8  , 0.727, 0.6  , 0.75 ]])
    """
    n_labels = len(cells.labels)
    return Statistics(label_parts, _no_others, f1=(3 * n_labels, 4 * n_labels)).values(weights, cells)


def _no_others(weights: Floats, cells: Cells) -> Floats:
    return np.empty((len(weights), 0))


def label_parts(weights: Floats, cells: Cells) -> Parts:
    """Prevalence, precision, recall, the share that becomes F1, specificity and npv of each label, as hits and wholes.

    A unit without an answer is not a false positive, and it is not a negative of npv either.
    """
    gold, coded, hits, spared, without, lacking = np.split(weights @ cells.indicators, 6, axis=1)
    n_asked = np.broadcast_to(weights.sum(axis=1, keepdims=True), gold.shape)
    parts = [gold, hits, hits, hits, spared, lacking]
    wholes = [n_asked, coded, gold, gold + coded - hits, n_asked - gold, without]
    return np.concatenate(parts, axis=1), np.concatenate(wholes, axis=1)


def overall_parts(weights: Floats, cells: Cells) -> Parts:
    """Accuracy and accuracy among the answered as hits and wholes. A unit asked and not answered is wrong."""
    right = cells.answered & (cells.gold == cells.coded).all(axis=1)
    hits = weights @ right
    return np.stack([hits, hits], axis=1), np.stack([weights.sum(axis=1), weights @ cells.answered], axis=1)


def join_parts(*parts: Parts) -> Parts:
    """Parts side by side."""
    hits, wholes = zip(*parts, strict=True)
    return np.concatenate(hits, axis=1), np.concatenate(wholes, axis=1)


def overall_measures(weights: Floats, cells: Cells) -> Floats:
    """`OVERALL`, shape (n_draws, 8).

    Accuracy is the share of exact matches; a unit asked and not answered is wrong.
    """
    return np.concatenate([divide(*overall_parts(weights, cells)), mixed_measures(weights, cells)], axis=1)


def mixed_measures(weights: Floats, cells: Cells) -> Floats:
    """`OVERALL` but for accuracy, shape (n_draws, 6): what is over all labels and not a share of units.

    Macro F1 is the mean over the labels that occur in gold or in the answers; weighted F1 weighs labels by their gold
    units; balanced accuracy is the mean recall of labels in gold. MCC is that of Gorodkin (2004), one label per unit.
    """
    right = cells.answered & (cells.gold == cells.coded).all(axis=1)
    either = (cells.gold | cells.coded).sum(axis=1)
    overlap = divide((cells.gold & cells.coded).sum(axis=1), either, empty=1.0) * cells.answered
    both = weights @ (cells.gold & cells.coded).sum(axis=1)
    sizes = weights @ (cells.gold.sum(axis=1) + cells.coded.sum(axis=1))
    gold, coded, hits = np.split(weights @ cells.indicators[:, : 3 * len(cells.labels)], 3, axis=1)
    recall, of_either = divide(hits, gold), divide(hits, gold + coded - hits)
    f1 = 2 * of_either / (1 + of_either)
    macro, balanced = (divide(np.nansum(each, axis=1), (~np.isnan(each)).sum(axis=1)) for each in (f1, recall))
    weighted = divide(np.nansum(f1 * gold, axis=1), gold.sum(axis=1))
    mcc = _correlate(gold, coded, weights.sum(axis=1), weights @ right, weights @ ~cells.answered)
    jaccard = divide(weights @ overlap, weights.sum(axis=1))
    return np.stack([macro, jaccard, divide(2 * both, sizes), mcc, balanced, weighted], axis=1)


def _correlate(gold: Floats, coded: Floats, n_asked: Floats, right: Floats, none: Floats) -> Floats:
    """Matthews correlation coefficient, shape (n_draws,); no answer (`none`) counts as one more label of the coder."""
    room_gold = n_asked**2 - (gold**2).sum(axis=1)
    room_coded = n_asked**2 - (coded**2).sum(axis=1) - none**2
    whole = np.sqrt(np.maximum(room_gold, 0) * np.maximum(room_coded, 0))
    whole = np.where(whole > 1e-9 * n_asked**2, whole, 0.0)  # rounding: a single label leaves no room
    return divide(right * n_asked - (gold * coded).sum(axis=1), whole)


def commonest(cells: Cells) -> tuple[Bools, list[str]]:
    """Gold's commonest answer, shape (n_labels,), and the names of all that are equally common."""
    if not cells.n_asked:
        return np.zeros(len(cells.labels), dtype=bool), []
    answers, which = np.unique(cells.gold, axis=0, return_inverse=True)
    times = np.bincount(which.reshape(-1), weights=cells.weighted)
    top = answers[np.isclose(times, times.max())][::-1]  # first in codebook order first
    names = [" + ".join(label for label, has in zip(cells.labels, row.tolist(), strict=True) if has) for row in top]
    return top[0], [name or "(none)" for name in names]
