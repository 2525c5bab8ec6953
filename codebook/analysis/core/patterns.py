"""Distinct patterns of label counts: units with equal counts say the same of agreement, so they are kept once.

The number of patterns does not grow with the number of units, and a replicate of the units is one draw of weights for
them. Where units come in clusters, `trace` remembers the pattern of each unit, and clusters are drawn instead. Units
that were drawn with unequal chances are apart where they weigh differently.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from codebook.analysis.core.checks import raise_faults
from codebook.analysis.core.scales import Floats, Ints
from codebook.errors import Fault

_EXACT = 2**52  # integers that a float64 sum holds exactly
_MOST_CELLS = 10**8  # of patterns x labels, 0.8 GB


def _no_trace() -> Ints:
    return np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class Patterns:
    """Distinct vectors of label counts: `counts` (n_patterns, n_labels), each shown by `times` (n_patterns,) units.

    `shown`, if traced, is the pattern of each unit, -1 for a unit without one; `prior` (n_patterns,), where it is set,
    how many units of each pattern a replicate is given beforehand. Each unit of a pattern weighs `weight` and is of one
    `stratum`, both (n_patterns,); they are None where all weigh the same.
    """

    counts: Floats
    times: Ints
    shown: Ints = field(default_factory=_no_trace)
    prior: Floats | None = None
    weight: Floats | None = None
    stratum: Ints | None = None

    @property
    def weighted(self) -> Floats:
        """Units of each pattern times their weight, shape (n_patterns,)."""
        return np.asarray(self.times if self.weight is None else self.times * self.weight, dtype=float)

    @property
    def n_strata(self) -> int:
        """Strata of the sample from which the units come; 1 where it has none."""
        return 1 if self.stratum is None else len(np.unique(self.stratum[self.times > 0]))

    def apart(self, weight: Floats, stratum: Ints) -> Patterns:
        """The same patterns, traced, apart by the weight and stratum of their units, both of shape (n_units,).

        Examples
        --------
        >>> patterns = collapse(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 0]), 2, trace=True)
        >>> apart = patterns.apart(np.array([0.5, 1.5]), np.array([0, 1]))
        >>> apart.counts.tolist(), apart.times.tolist(), apart.weight.tolist()
        ([[1.0, 1.0], [1.0, 1.0]], [1, 1], [0.5, 1.5])
        """
        units = np.flatnonzero(self.shown >= 0)
        first, times, which = group_rows(self.shown[units], weight[units], stratum[units])
        shown, first = np.full(len(self.shown), -1, dtype=np.int64), units[first]
        shown[units] = which
        return Patterns(self.counts[self.shown[first]], times, shown, None, weight[first], stratum[first])

    @property
    def sizes(self) -> Floats:
        """Codings of a unit of each pattern, shape (n_patterns,)."""
        return np.asarray(self.counts.sum(axis=1))

    def pairable(self) -> Patterns:
        """The patterns of two or more codings: the only ones that say anything of agreement."""
        keep = self.sizes >= 2
        place = np.append(np.where(keep, np.cumsum(keep) - 1, -1), -1)  # the last for units without a pattern
        pairable = replace(self, counts=self.counts[keep], times=self.times[keep], shown=place[self.shown])
        if self.weight is None or self.stratum is None:
            return pairable
        return replace(pairable, weight=self.weight[keep], stratum=self.stratum[keep])

    def with_unseen(self, n_coders: int = 0, heavy: Floats | None = None) -> Patterns:
        """The same patterns, and after them those that could have been shown: no unit has them, `prior` gives some.

        `n_coders` is set where the counts are those of each coder, side by side; less is then given, in proportion to
        the pairs of coders that a unit has among all pairs. Each pattern is given at each of the weights `heavy`.

        Examples
        --------
        >>> wide = Patterns(np.array([[2.0, 0]]), np.array([20])).with_unseen()
        >>> wide.counts.tolist()[:4], wide.times.tolist()[:4], wide.prior.round(3).tolist()[:4]
        ([[2.0, 0.0], [2.0, 0.0], [0.0, 2.0], [1.0, 1.0]], [20, 0, 0, 0], [0.0, 0.5, 0.5, 0.175])
        """
        n_columns = self.counts.shape[1]
        n_labels = n_columns // (n_coders or 1)
        size = self._commonest_size()
        answers, n_added = unseen_answers(n_labels, n_coders or size)
        n_added = n_added * size * (size - 1) / (n_coders * (n_coders - 1)) if n_coders > 1 else n_added
        places = answers + np.arange(n_coders) * n_labels if n_coders else answers
        n_weights = 1 if heavy is None else len(heavy)
        wide = Patterns(
            np.concatenate([self.counts, np.tile(count_answers(places, n_columns), (n_weights, 1))]),
            np.concatenate([self.times, np.zeros(n_weights * len(n_added), dtype=self.times.dtype)]),
            self.shown,
            np.concatenate([np.zeros(len(self.times)), np.tile(n_added, n_weights)]),
        )
        if heavy is None or self.weight is None or self.stratum is None:
            return wide
        stratum = np.append(self.stratum, np.zeros(n_weights * len(n_added), dtype=np.int64))
        return replace(wide, weight=np.append(self.weight, np.repeat(heavy, len(n_added))), stratum=stratum)

    def _commonest_size(self) -> int:
        """How many codings most units have, of those with two or more."""
        sizes = self.sizes.astype(np.int64)
        often = np.bincount(np.maximum(sizes, 2), weights=self.times * (sizes >= 2), minlength=3)
        return int(often[2:].argmax()) + 2


def group_rows(*columns: Ints | Floats) -> tuple[Ints, Ints, Ints]:
    """Distinct rows of some columns of shape (n_units,): the place of each, how often it occurs, and that of each unit.

    Examples
    --------
    >>> [part.tolist() for part in group_rows(np.array([1, 0, 1]), np.array([0.5, 2.0, 0.5]))]
    [[1, 0], [1, 2], [1, 0, 1]]
    """
    key = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        _, code = np.unique(column, return_inverse=True)
        _, key = np.unique(key * (int(code.max(initial=0)) + 1) + code, return_inverse=True)
    _, first, which, times = np.unique(key, return_index=True, return_inverse=True, return_counts=True)
    return first, times, which


def collapse(unit: Ints, code: Ints, n_labels: int, *, trace: bool = False) -> Patterns:
    """Distinct count vectors of the units that occur in `unit`.

    `unit` and `code`: one entry per coding, shape (n_codings,). `trace`: also the pattern of each unit 0, 1, ... up
    to the last that occurs.

    Raises StatisticError: more patterns x labels than memory holds.

    Examples
    --------
    >>> patterns = collapse(np.array([0, 0, 1, 1, 2, 2]), np.array([0, 1, 1, 0, 1, 1]), 2)
    >>> patterns.counts.tolist(), patterns.times.tolist()
    ([[1.0, 1.0], [0.0, 2.0]], [2, 1])
    """
    if not len(unit):
        return Patterns(np.empty((0, n_labels)), _no_trace())
    base = int(np.bincount(unit).max()) + 1
    if base**n_labels < _EXACT:
        return _collapse_by_weight(unit, code, n_labels, base, trace)
    return _collapse_by_sorting(unit, code, n_labels, trace)


def _collapse_by_weight(unit: Ints, code: Ints, n_labels: int, base: int, trace: bool) -> Patterns:
    """A unit's counts are the digits of one number, which a single bincount sums."""
    weights = base ** np.arange(n_labels, dtype=np.int64)
    keys = np.bincount(unit, weights=weights.astype(np.float64)[code]).astype(np.int64)
    if base**n_labels <= 16 * len(keys) + 2**14:  # else sorting the keys is quicker
        times = np.bincount(keys)
        distinct = np.flatnonzero(times)
        times = times[distinct]
    else:
        distinct, times = np.unique(keys, return_counts=True)
    seen = distinct > 0  # zero: a position in `units` without a labelled coding
    _check_size(len(distinct), n_labels)
    shown = np.where(seen, np.cumsum(seen) - 1, -1)[np.searchsorted(distinct, keys)] if trace else _no_trace()
    counts = distinct[seen, None] // weights[None, :] % base
    return Patterns(counts.astype(np.float64), times[seen], shown)


def _collapse_by_sorting(unit: Ints, code: Ints, n_labels: int, trace: bool) -> Patterns:
    """A unit's codes in order are the digits: for many labels and few codings a unit."""
    present, unit = np.unique(unit, return_inverse=True)
    order = np.argsort(unit * n_labels + code)
    unit, code = unit[order], code[order]
    sizes = np.bincount(unit)
    starts = np.cumsum(sizes) - sizes
    keys, span = np.zeros(len(sizes), dtype=np.int64), 1
    for place in range(int(sizes.max())):
        if span * (n_labels + 1) >= 2**62:
            distinct, keys = np.unique(keys, return_inverse=True)
            span = len(distinct)
        digit = np.where(place < sizes, code[np.minimum(starts + place, len(code) - 1)] + 1, 0)
        keys, span = keys * (n_labels + 1) + digit, span * (n_labels + 1)
    _, first, which, times = np.unique(keys, return_index=True, return_inverse=True, return_counts=True)
    _check_size(len(first), n_labels)
    shown = np.full(int(present[-1]) + 1 if trace else 0, -1, dtype=np.int64)
    if trace:
        shown[present] = which
    pattern = np.repeat(np.arange(len(first)), sizes[first])
    inside = np.arange(len(pattern)) - np.repeat(np.cumsum(sizes[first]) - sizes[first], sizes[first])
    codes = code[np.repeat(starts[first], sizes[first]) + inside]
    counts = np.bincount(pattern * n_labels + codes, minlength=len(first) * n_labels)
    return Patterns(counts.reshape(len(first), n_labels).astype(np.float64), times, shown)


def _check_size(n_patterns: int, n_labels: int) -> None:
    if n_patterns * n_labels > _MOST_CELLS:
        problem = f"{n_patterns:,} patterns of {n_labels:,} different values do not fit in memory"
        raise_faults(
            "Too many different values.", [Fault("label", problem, "round the numbers, or code them in bands")]
        )


ALIKE, APART = 1.0, 0.7
"""Units on which all answers are alike, and on which one is not, that each replicate is given beforehand.

Where no error, no disagreement or no second label was seen, data that are only drawn again show none either, and an
interval has no width. So each replicate is given `ALIKE` units on which all answers are the same, spread evenly over
the labels, and `APART` units on which one answer is another label, spread over neighbouring labels. Of two answers and
two labels that is nearly Jeffreys' prior (1/2 for each of four cells); the sums do not grow with labels or coders, as
his would, so that they cannot outweigh the data. The two numbers were chosen by the coverage of the intervals
(`benchmarks/coverage.py`, docs/explain/intervals.md).
"""

_MOST_LABELS = 40  # labels that are given such units; of more, as many evenly spaced
_MOST_TURNS = 5  # answers up to which each in turn is the other one, for every two labels


def unseen_answers(n_labels: int, n_answers: int) -> tuple[Ints, Floats]:
    """Answers that could have come, as codes of shape (n, n_answers), and the units given of each, shape (n,).

    Examples
    --------
    >>> answers, prior = unseen_answers(2, 2)
    >>> answers.tolist(), prior.tolist()
    ([[0, 0], [1, 1], [1, 0], [0, 1], [0, 1], [1, 0]], [0.5, 0.5, 0.175, 0.175, 0.175, 0.175])
    """
    labels = np.unique(np.linspace(0, max(n_labels - 1, 0), min(n_labels, _MOST_LABELS)).astype(np.int64))
    alike = np.repeat(labels[:, None], n_answers, axis=1)
    share = np.full(len(labels), ALIKE / max(len(labels), 1))
    if len(labels) < 2:
        return alike, share
    pairs = np.concatenate([np.stack([labels[:-1], labels[1:]], axis=1), np.stack([labels[1:], labels[:-1]], axis=1)])
    turns = np.arange(n_answers) if n_answers <= _MOST_TURNS else np.zeros(1, dtype=np.int64)
    turn, at = np.meshgrid(turns, np.arange(len(pairs)), indexing="ij")
    other = (turn + (at if len(turns) == 1 else 0)) % n_answers
    first, second = pairs[at.ravel()].T[:, :, None]
    apart = np.where(np.arange(n_answers) == other.reshape(-1, 1), second, first)
    return np.concatenate([alike, apart]), np.append(share, np.full(len(apart), APART / len(apart)))


def count_answers(answers: Ints, n_labels: int) -> Floats:
    """How often each label stands among the answers of each row, shape (n, n_labels)."""
    rows = np.repeat(np.arange(len(answers)), answers.shape[1])
    counts = np.bincount(rows * n_labels + answers.ravel(), minlength=len(answers) * n_labels)
    return counts.reshape(len(answers), n_labels).astype(float)
