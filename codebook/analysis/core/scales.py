"""The scale of a variable: its labels in codebook order, its level, and how far two labels are apart."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from codebook.analysis.core.checks import name_some, raise_faults
from codebook.errors import Fault

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

LEVELS = ("nominal", "ordinal", "interval", "ratio")
"""Levels of measurement of a variable with one label per coding."""

SET_LEVELS = ("masi", "jaccard")
"""Distances between sets of labels, for a variable of kind `multi`."""


_LABELLED = ("single", "rating", "multi")
"""Kinds of variables that are answered by labels of the codebook."""

MEASURED = (*_LABELLED, "number")
"""Kinds of variables for which agreement and validity are defined."""

UNCOUNTED = {
    "records": "records, which are not compared as labels: span_validity holds them against the gold",
    "transcription": "transcripts, which are not compared as labels: transcript_accuracy tells how well they are read",
    "embedding": "vectors, which are not compared as labels",
    "text": "free text, which is not compared as labels",
}
"""Kinds of variables whose answers are no labels that can be counted, and what they hold."""

MOST_DIFFERENT = 10_000
"""Different values or sets whose distances are kept as a square, 0.8 GB."""


class VariableLike(Protocol):
    """What a whole-codebook function needs to know of a variable; `scheme.Variable` has it.

    Examples
    --------
    >>> from codebook.analysis.core.scales import VariableSpec
    >>> spec = VariableSpec("tone", "ordinal", ["low", "high"])
    >>> spec.name, spec.level, list(spec.labels)
    ('tone', 'ordinal', ['low', 'high'])
    """

    @property
    def name(self) -> str:
        """Name, as in the table's column `variable`."""

    @property
    def kind(self) -> str:
        """`single`, `multi`, `rating`, `number`, ..."""

    @property
    def level(self) -> str | None:
        """Level of measurement."""

    @property
    def labels(self) -> Sequence[str] | None:
        """Allowed labels, in codebook order."""


class UnitLike(Protocol):
    """What is read of a unit; `records.Unit` has it."""

    @property
    def unit_id(self) -> str:
        """Its id."""

    @property
    def text(self) -> str:
        """Its text."""


@dataclass(frozen=True)
class VariableSpec:
    """A variable of a table that has no codebook: its level is always given, its labels are in their order.

    `kind` is `single`, or `multi` for sets of labels; the level of a `multi` variable is not used. `titles` are what
    tables and figures call the labels, and `title` what they call the variable. `scale` are the labels that are points
    of a scale, where others are abstentions; empty where all are.

    Examples
    --------
    >>> from codebook.analysis import Codings, VariableSpec
    >>> from codebook.analysis.core.examples import make_table
    >>> codings = Codings(make_table("tone", {"ann": ["1", "2"]}), [VariableSpec("tone", "ordinal", ["1", "2", "3"])])
    >>> codings.variable.labels
    ['1', '2', '3']
    """

    name: str
    level: str | None
    labels: Sequence[str] | None = None
    kind: str = "single"
    titles: Mapping[str, str] = field(default_factory=dict)
    title: str = ""
    scale: Sequence[str] = ()


@dataclass(frozen=True)
class Scale:
    """Labels in codebook order with what their level needs.

    `values` are the numbers of an interval or ratio scale, shape (n_labels,). For sets of labels, `labels` are the
    distinct sets seen and `members`, shape (n_sets, n_codebook_labels), says which codebook label each set holds.
    `n_declared` is how many labels the codebook allows, 0 where it does not list them.
    """

    level: str
    labels: tuple[str, ...]
    values: Floats = field(default_factory=lambda: np.empty(0))
    members: Bools = field(default_factory=lambda: np.empty((0, 0), dtype=bool))
    n_declared: int = 0

    @property
    def n_labels(self) -> int:
        """How many different codes there are."""
        return len(self.labels)


def list_labels(variable: VariableLike) -> Sequence[str] | None:
    """The labels that a variable lists; None for a number that lists none, not even codes of abstention."""
    return variable.labels or None if variable.kind == "number" else variable.labels


def check_level(level: str, labels: Sequence[str] | None) -> list[Fault]:
    """Faults of a level and its labels as the caller passed them."""
    if level not in (*LEVELS, *SET_LEVELS):
        allowed = ", ".join((*LEVELS, *SET_LEVELS))
        return [Fault("level", f"{level!r} is not a level of measurement", f"pass one of {allowed}, from the codebook")]
    if labels is not None and not len(labels):
        return [Fault("labels", "no cell holds a label", "pass the columns that hold the labels")]
    if level not in ("interval", "ratio") and not labels:
        return [Fault("labels", f"a {level} scale needs its labels", "pass labels=, all of them, in codebook order")]
    if isinstance(labels, str) or len(set(labels or ())) < len(labels or ()):
        return [Fault("labels", f"{labels!r} is not a list of different labels", "pass each label once, in a list")]
    return _check_order(labels or ()) if level == "ordinal" else []


def _check_order(labels: Iterable[object]) -> list[Fault]:
    """Faults of an ordinal scale without an order: a set, or numbers that were sorted as text (1, 10, 2)."""
    if isinstance(labels, (Set, Mapping)):
        return [Fault("labels", f"a {type(labels).__name__} has no order", "pass a list, from lowest to highest")]
    names = [str(label) for label in labels]
    numbers = [number for number in map(as_number, names) if math.isfinite(number)]
    if names != sorted(names) or numbers == sorted(numbers):
        return []
    problem = f"the numbers {name_some(names, 12)} stand in the order of text, not of size"
    return [Fault("labels", problem, "order them: labels=sorted(labels, key=float)")]


def read_scale(
    distinct: Sequence[object], *, level: str, labels: Sequence[str] | None
) -> tuple[Scale, Ints, list[Fault]]:
    """Scale of the labels that occur, and the code of each.

    `distinct`: the labels that occur, shape (n_distinct,). `level` and `labels`: as the codebook has them.

    Returned: `codes`, shape (n_distinct,), are positions in `scale.labels`, -1 where there is a fault.

    Examples
    --------
    >>> scale, codes, faults = read_scale(["pos", "neg"], level="ordinal", labels=["neg", "neutral", "pos"])
    >>> codes.tolist(), faults
    ([2, 0], [])
    """
    not_text = [label for label in distinct if not isinstance(label, str)]
    if not_text:
        mend = 'make them text first, e.g. table["label"].astype("string")'
        return Scale(level, ()), np.full(len(distinct), -1), [Fault("label", f"{not_text[0]!r} is not text", mend)]
    texts = [str(label) for label in distinct]
    if level in SET_LEVELS:
        return _read_sets(texts, level, tuple(labels or ()))
    if level in ("interval", "ratio"):
        return _read_numbers(texts, level, labels)
    names = tuple(labels or ())
    return Scale(level, names, n_declared=len(names)), _positions(texts, names), _outside(texts, names)


def check_different(n_labels: int) -> None:
    """Raise a StatisticError for more labels than a square of their distances can hold."""
    if n_labels > MOST_DIFFERENT:
        problem = f"{n_labels:,} different values, whose distances two by two do not fit in memory"
        mend = "round the numbers, code them in bands, or pass level='interval'"
        raise_faults("Too many different values.", [Fault("label", problem, mend)])


def label_distances(scale: Scale) -> Floats:
    """Distance of every two labels, shape (n_labels, n_labels), for the scales where it is fixed beforehand.

    Ratio: ((a - b) / (a + b)) squared. Sets: 1 - Jaccard, or 1 - Jaccard x M for MASI (Passonneau 2006), with M = 1
    for equal sets, 2/3 when one holds the other, 1/3 when they overlap, 0 otherwise. Two empty sets agree; an empty
    set is at distance 1 from any other.

    Raises StatisticError: more than `MOST_DIFFERENT` labels.

    Examples
    --------
    >>> scale, _, _ = read_scale(['["a"]', '["a", "b"]', "[]"], level="masi", labels=["a", "b"])
    >>> label_distances(scale).round(3)
    array([[0.   , 1.   , 1.   ],
           [1.   , 0.   , 0.667],
           [1.   , 0.667, 0.   ]])
    """
    check_different(scale.n_labels)
    if scale.level == "ratio":
        a, b = scale.values[:, None], scale.values[None, :]
        return np.asarray(np.divide(a - b, a + b, out=np.zeros((len(a), len(a))), where=a != b) ** 2)
    members = scale.members.astype(np.float64)
    size = members.sum(axis=1)
    both = members @ members.T
    either = size[:, None] + size[None, :] - both
    similarity = np.divide(both, either, out=np.ones_like(both), where=either > 0)
    if scale.level == "masi":
        smaller = np.minimum(size[:, None], size[None, :])
        similarity *= np.select([either == both, both == smaller, both > 0], [1.0, 2 / 3, 1 / 3], 0.0)
    return np.asarray(1 - similarity)


def _positions(texts: list[str], names: tuple[str, ...]) -> Ints:
    place = {name: position for position, name in enumerate(names)}
    return np.array([place.get(text, -1) for text in texts], dtype=np.int64)


def _outside(texts: list[str], names: tuple[str, ...]) -> list[Fault]:
    strange = sorted(set(texts) - set(names))
    if not strange:
        return []
    mend = f"add them to the codebook, correct the codings, or set why to 'invalid' (codebook: {name_some(names, 12)})"
    if all(text.startswith("[") for text in strange):
        mend = "they look like sets of a multi variable: pass level='masi' or kind='multi', or use open_labels"
    noun = "label is" if len(strange) == 1 else "labels are"
    return [Fault("label", f"{len(strange)} {noun} not in the codebook: {name_some(strange)}", mend)]


def _read_numbers(texts: list[str], level: str, labels: Sequence[str] | None) -> tuple[Scale, Ints, list[Fault]]:
    numbers = [as_number(text) for text in texts]
    faults = _outside(texts, tuple(labels)) if labels else []
    wrong = sorted(text for text, number in zip(texts, numbers, strict=True) if not math.isfinite(number))
    if wrong:
        mend = "code abstentions as missing with a why, or pass level='ordinal' with the labels in order"
        faults.append(Fault("label", f"a label of the {level} scale is not a number: {name_some(wrong)}", mend))
    if level == "ratio" and min(numbers, default=0.0) < 0:
        faults.append(Fault("label", f"a ratio scale has no {min(numbers):g} below zero", "pass level='interval'"))
    declared = {number for number in map(as_number, labels or ()) if math.isfinite(number)}
    values = np.unique([number for number in (*numbers, *declared) if math.isfinite(number)])
    codes = np.searchsorted(values, numbers) if not faults else np.full(len(texts), -1)
    scale = Scale(level, tuple(f"{value:g}" for value in values), values, n_declared=len(declared))
    return scale, codes.astype(np.int64), faults


def as_number(text: str) -> float:
    """The number that a label spells; NaN where it spells none.

    Examples
    --------
    >>> as_number("3.2"), as_number("unclear")
    (3.2, nan)
    """
    try:
        return float(text)
    except ValueError:
        return math.nan


def list_coded(variables: Sequence[VariableLike], names: Iterable[object]) -> tuple[list[VariableLike], list[str]]:
    """The variables that are among the names of codings, and a sentence on the others; all where none of them is.

    Examples
    --------
    >>> topic, tone = VariableSpec("topic", "nominal"), VariableSpec("tone", "ordinal", ["-", "+"])
    >>> coded, remarks = list_coded([topic, tone], ["topic", "topic"])
    >>> [each.name for each in coded], remarks
    (['topic'], ["Nobody coded 'tone'."])
    """
    there = set(names)
    coded = [each for each in variables if each.name in there] or list(variables)
    lacking = name_some([each.name for each in variables if each not in coded], 12)
    return coded, [f"Nobody coded {lacking}."] if lacking else []


def say_without_labels(variables: Sequence[VariableLike], verb: str) -> str:
    """Why there is no label to count, to pair or to vote for: all of the variables are numbers or words; else empty.

    Examples
    --------
    >>> say_without_labels([VariableSpec("heat", "interval", None, "number")], "count")
    "'heat' holds numbers, which have no labels: nothing to count."
    """
    if not variables or any(each.kind in _LABELLED for each in variables):
        return ""
    told = {kind: what.partition(":")[0] for kind, what in UNCOUNTED.items()}
    parts = [f"{each.name!r} holds {told.get(each.kind, 'numbers, which have no labels')}" for each in variables]
    return f"{', and '.join(parts)}: nothing to {verb}."


def _read_sets(texts: list[str], level: str, labels: tuple[str, ...]) -> tuple[Scale, Ints, list[Fault]]:
    sets = [read_label_set(text) for text in texts]
    broken = sorted(text for text, label_set in zip(texts, sets, strict=True) if label_set is None)
    faults = _outside(sorted({label for label_set in sets if label_set for label in label_set}), labels)
    if broken:
        mend = 'write each as text like ["a", "b"], in codebook order; "[]" is none of them'
        faults.append(Fault("label", f"not a JSON list of different labels: {name_some(broken)}", mend))
    if faults:
        return Scale(level, ()), np.full(len(texts), -1), faults
    rows = np.zeros((len(sets), len(labels)), dtype=bool)
    for row, label_set in zip(rows, sets, strict=True):
        row[_positions(sorted(label_set or ()), labels)] = True
    members, codes = np.unique(rows, axis=0, return_inverse=True)
    names = (json.dumps([labels[at] for at in np.flatnonzero(row)], ensure_ascii=False) for row in members)
    return Scale(level, tuple(names), members=members), codes.reshape(-1).astype(np.int64), []


def read_label_set(text: str) -> frozenset[str] | None:
    """The labels of a unit of a multi variable, from a JSON list of different ones; None where it is no such list."""
    try:
        labels = json.loads(text)
    except ValueError:
        return None
    if (
        not isinstance(labels, list)
        or not all(isinstance(label, str) for label in labels)
        or len(set(labels)) < len(labels)
    ):
        return None
    return frozenset(labels)
