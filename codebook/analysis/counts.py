"""From the tidy table to counts: integer codes, then distinct patterns of codes with how many units show each.

Units with the same counts of labels add the same to every statistic of agreement. So the table is read once into
integers, collapsed to patterns, and whatever follows (also a bootstrap of units) works on patterns, whose number does
not grow with the number of units. Nothing is pivoted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from codebook.analysis.checks import (
    check_coders,
    check_columns,
    check_ids,
    check_repeats,
    check_variable,
    check_whys,
    raise_faults,
)
from codebook.analysis.scales import Bools, Floats, Ints, Scale, check_level, read_scale
from codebook.errors import Fault

_EXACT = 2**52  # integers that a float64 sum holds exactly
_MOST_CELLS = 10**8  # of patterns x labels, 0.8 GB


@dataclass(frozen=True)
class Codings:
    """Codings of one variable as integers, one row a unit x coder.

    `unit`, `coder` and `code`, shape (n_rows,), are positions in `units`, `coders` and `scale.labels`; `code` is -1
    where the label is missing, and then `why` is a position in `whys` (else -1).
    """

    scale: Scale
    unit: Ints
    coder: Ints
    code: Ints
    why: Ints
    units: pd.Index
    coders: tuple[str, ...]
    whys: tuple[str, ...]

    @property
    def n_missing(self) -> int:
        """Rows without a label."""
        return int((self.code < 0).sum())

    @property
    def n_coders(self) -> int:
        """Coders of these rows, which may be fewer than `coders`."""
        return int(np.count_nonzero(np.bincount(self.coder, minlength=1)))

    def answered(self) -> Codings:
        """The codings that have a label."""
        return self.only(self.code >= 0)

    def only(self, rows: Bools) -> Codings:
        """The rows where `rows` is true; units and coders keep their positions."""
        return self if rows.all() else self.take(np.flatnonzero(rows))

    def take(self, rows: Ints) -> Codings:
        """The rows at these positions; units and coders keep theirs."""
        return replace(self, unit=self.unit[rows], coder=self.coder[rows], code=self.code[rows], why=self.why[rows])


@dataclass(frozen=True)
class Patterns:
    """Distinct vectors of label counts: `counts` (n_patterns, n_labels), each shown by `times` (n_patterns,) units."""

    counts: Floats
    times: Ints

    @property
    def sizes(self) -> Floats:
        """Codings on a unit of each pattern, shape (n_patterns,)."""
        return np.asarray(self.counts.sum(axis=1))

    def pairable(self) -> Patterns:
        """The patterns of two or more codings: the only ones that say anything of agreement."""
        keep = self.sizes >= 2
        return Patterns(self.counts[keep], self.times[keep])


def read_codings(
    table: pd.DataFrame,
    *,
    variable: str,
    level: str,
    labels: Sequence[str] | None,
    coders: Iterable[str] | None = None,
    draw: int = 0,
) -> Codings:
    """Codings of one variable and draw, checked: all faults of the table are reported at once.

    Parameters
    ----------
    table
        The tidy table, one row a unit x coder x variable x draw.
    level, labels
        Level of measurement, or set distance, and the labels in codebook order (may be None for numbers).
    coders
        Whose codings to take; None takes everyone's.

    Raises
    ------
    StatisticError
        Missing columns, an unknown variable or coder, two codings of a unit by one coder, labels outside the codebook,
        a missing label without a why.

    Examples
    --------
    >>> from codebook.analysis.examples import observers_2011
    >>> codings = read_codings(observers_2011(), variable="code", level="nominal", labels=list("12345"))
    >>> len(codings.unit), codings.n_missing, codings.coders
    (48, 7, ('A', 'B', 'C', 'D'))
    """
    wanted = None if coders is None else list(dict.fromkeys(coders))
    about = f"The codings of {variable!r} cannot be used."
    raise_faults(about, [*check_columns(table), *check_level(level, labels)])
    raise_faults(about, [*check_variable(table, variable, draw), *check_coders(table, wanted)])
    part = _select(table, variable, draw, wanted)
    unit, units = pd.factorize(part["unit_id"])
    coder, coder_names = pd.factorize(part["coder"])
    found_code, found = pd.factorize(part["label"])
    why, whys = pd.factorize(part["why"])
    scale, codes, faults = read_scale(list(found), level=level, labels=labels)
    faults = [
        *check_ids(unit, coder),
        *check_repeats(unit, coder, pd.Index(units), pd.Index(coder_names)),
        *check_whys(found_code, why),
        *faults,
    ]
    raise_faults(about, faults)
    code = np.append(codes, -1)[found_code]
    return Codings(
        scale, unit, coder, code, why, pd.Index(units), tuple(str(name) for name in coder_names), tuple(map(str, whys))
    )


def count_patterns(codings: Codings) -> Patterns:
    """Patterns of the labelled codings, those with one coding included.

    Examples
    --------
    >>> from codebook.analysis.examples import observers_2011
    >>> codings = read_codings(observers_2011(), variable="code", level="nominal", labels=list("12345"))
    >>> patterns = count_patterns(codings).pairable()
    >>> patterns.counts.shape, int(patterns.times.sum())
    ((9, 5), 11)
    """
    given = codings.answered()
    return collapse(given.unit, given.code, codings.scale.n_labels)


def collapse(unit: Ints, code: Ints, n_labels: int) -> Patterns:
    """Distinct count vectors of the units that occur in `unit`.

    Parameters
    ----------
    unit, code
        One entry a coding, shape (n_codings,).

    Examples
    --------
    >>> patterns = collapse(np.array([0, 0, 1, 1, 2, 2]), np.array([0, 1, 1, 0, 1, 1]), 2)
    >>> patterns.counts.tolist(), patterns.times.tolist()
    ([[1.0, 1.0], [0.0, 2.0]], [2, 1])
    """
    if not len(unit):
        return Patterns(np.empty((0, n_labels)), np.empty(0, dtype=np.int64))
    base = int(np.bincount(unit).max()) + 1
    if base**n_labels < _EXACT:
        return _collapse_by_weight(unit, code, n_labels, base)
    return _collapse_by_sorting(unit, code, n_labels)


def _collapse_by_weight(unit: Ints, code: Ints, n_labels: int, base: int) -> Patterns:
    """A unit's counts are the digits of one number, which a single bincount sums."""
    weights = base ** np.arange(n_labels, dtype=np.int64)
    keys = np.bincount(unit, weights=weights.astype(np.float64)[code]).astype(np.int64)
    if base**n_labels <= 4 * len(keys) + 2**20:
        times = np.bincount(keys)
        distinct = np.flatnonzero(times)
        times = times[distinct]
    else:
        distinct, times = np.unique(keys, return_counts=True)
    seen = distinct > 0  # zero: a position in `units` without a labelled coding
    counts = distinct[seen, None] // weights[None, :] % base
    return Patterns(counts.astype(np.float64), times[seen])


def _collapse_by_sorting(unit: Ints, code: Ints, n_labels: int) -> Patterns:
    """A unit's codes in order are the digits: for many labels and few codings a unit."""
    unit = np.unique(unit, return_inverse=True)[1]
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
    _, first, times = np.unique(keys, return_index=True, return_counts=True)
    _check_size(len(first), n_labels)
    pattern = np.repeat(np.arange(len(first)), sizes[first])
    inside = np.arange(len(pattern)) - np.repeat(np.cumsum(sizes[first]) - sizes[first], sizes[first])
    shown = code[np.repeat(starts[first], sizes[first]) + inside]
    counts = np.bincount(pattern * n_labels + shown, minlength=len(first) * n_labels)
    return Patterns(counts.reshape(len(first), n_labels).astype(np.float64), times)


def _check_size(n_patterns: int, n_labels: int) -> None:
    if n_patterns * n_labels > _MOST_CELLS:
        problem = f"{n_patterns:,} patterns of {n_labels:,} different values do not fit in memory"
        raise_faults(
            "Too many different values.", [Fault("label", problem, "round the numbers, or code them in bands")]
        )


def _select(table: pd.DataFrame, variable: str, draw: int, wanted: list[str] | None) -> pd.DataFrame:
    rows = (table["variable"] == variable) & (table["draw"] == draw)
    if wanted is not None:
        rows &= table["coder"].isin(wanted)
    part = table[["unit_id", "coder", "label", "why"]]
    return part if rows.all() else part[rows]
