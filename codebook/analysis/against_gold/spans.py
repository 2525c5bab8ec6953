"""Spans of text, such as named entities, held against gold: precision, recall and F1, typed and untyped."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd

from codebook.analysis.against_gold.measures import explain_gaps, make_measure, ratio, spread
from codebook.analysis.core.checks import carry_joins, name_some, raise_faults
from codebook.analysis.core.empty import make_empty
from codebook.analysis.core.estimates import Bootstrap, check_bootstrap, resample
from codebook.analysis.core.scales import Floats
from codebook.errors import Fault
from codebook.ground.joins import Sides, join_faults, join_ids, tell_strays

NOTE = (
    "A span is right if it has the place and type of one in gold; untyped, if it has its place. Each gold span makes "
    "one span right. A unit that was asked and not answered misses all its gold spans; a quote that its text does not "
    "hold is a wrong span."
)
_SPANS = Sides("units with spans", "among those that were put", "the list of these")
_GOLD = _SPANS._replace(whose="units with gold spans")
MATCHES = ("exact", "overlap")
"""When a span has the place of another: the same first and last sign, or one sign in common."""
_Span = tuple[int, int, str]
_COLUMNS = (
    *("part", "name", "n", "n_found"),
    *(f"{name}{end}" for name in ("precision", "recall", "f1") for end in ("", "_low", "_high")),
    "reason",
)
_RUN = re.compile(r"\b[^\W\d_a-z][\w.'’&-]*(?: [^\W\d_a-z][\w.'’&-]*)*")


@dataclass(frozen=True)
class SpanCounts:
    """Spans by unit and type, shape (n_units, n_types) each; the last type is "untyped", which counts places alone."""

    types: tuple[str, ...]
    hits: Floats
    found: Floats
    gold: Floats


def span_validity(
    spans: pd.DataFrame,
    gold: pd.DataFrame | None,
    *,
    units: Iterable[str],
    type_column: str = "type",
    match: str = "exact",
    replicates: int = 1000,
    confidence: float = 0.95,
    seed: int = 1,
) -> pd.DataFrame:
    """Precision, recall and F1 of one coder's spans against gold, by type and overall.

    F1 is that of the counts of all spans (micro), as in the CoNLL shared tasks (Tjong Kim Sang and De Meulder 2003).
    Intervals resample units, since the spans of one text are not independent.

    Parameters
    ----------
    spans, gold
        One row a span: unit_id, start, end and the type, as `records_table` gives them; one coder and draw each. None,
        where nobody gave gold, gives an empty frame that says so.
    units
        The units that the coder was put; spans of others are left out, and counted in `attrs["joins"]`.
    type_column
        Name of the column with the type; where the frames have none, spans are untyped.
    match
        "exact" or "overlap". Of spans that overlap, those that share most are paired first.

    Returns
    -------
    pd.DataFrame
        Rows of `part` "type", then of "overall" `typed` and `untyped`: n (gold spans), n_found, precision, recall, f1,
        each with _low and _high, and `reason` where a figure is missing. `attrs`: n_units, n_absent (quotes without a
        place), match, seed, replicates, versions, a note; `coverage` where the spans carry it.

    Raises
    ------
    StatisticError
        A column is missing, or the spans of several coders or draws stand in one frame.

    Examples
    --------
    >>> gold = pd.DataFrame({"unit_id": ["a", "a"], "start": [0, 9], "end": [5, 13], "type": ["PER", "LOC"]})
    >>> spans = gold.assign(type=["PER", "ORG"])
    >>> frame = span_validity(spans, gold, units=["a"], replicates=0)
    >>> frame[["part", "name", "n", "n_found", "precision", "recall", "f1"]]
          part     name  n  n_found  precision  recall   f1
    0     type      LOC  1        0        NaN     0.0  0.0
    1     type      ORG  0        1        0.0     NaN  0.0
    2     type      PER  1        1        1.0     1.0  1.0
    3  overall    typed  2        2        0.5     0.5  0.5
    4  overall  untyped  2        2        1.0     1.0  1.0
    """
    asked = list(dict.fromkeys(units))
    if gold is None:
        return make_empty("There is no gold: nothing to compare.", _COLUMNS, table=spans)
    _check(spans, gold, asked, match, check_bootstrap(replicates, confidence))
    joins = [told for sides, frame in ((_SPANS, spans), (_GOLD, gold)) for told in _hold_against(asked, frame, sides)]
    counts = count_spans(spans, gold, asked, type_column=type_column, match=match)
    how = Bootstrap(replicates, confidence, seed)
    frame = pd.DataFrame(_rows(counts, how))
    frame.attrs = {
        **{"n_units": len(asked), "n_absent": int((spans["start"].isna() | (spans["start"] < 0)).sum())},
        **{"match": match, "note": NOTE, **how.attrs},
        **{name: spans.attrs[name] for name in ("coverage",) if name in spans.attrs},
        **carry_joins(spans, gold, told=joins),
    }
    return frame


def _hold_against(asked: Sequence[str], frame: pd.DataFrame, sides: Sides) -> list[str]:
    """What is to be told of spans of other units; an error where none is of these."""
    join = join_ids(frame["unit_id"].astype(str), asked)
    raise_faults("The spans cannot be compared.", join_faults(join, "units", sides))
    return tell_strays(join, sides)


def _check(spans: pd.DataFrame, gold: pd.DataFrame, units: Sequence[str], match: str, faults: list[Fault]) -> None:
    for name, frame in (("spans", spans), ("gold", gold)):
        if missing := [column for column in ("unit_id", "start", "end") if column not in frame]:
            faults.append(Fault(name, f"no column {name_some(missing)}", "pass a frame of records_table with a quote"))
        for column in ("coder", "draw", "variable", "list"):
            if column in frame and frame[column].nunique() > 1:
                several = name_some(frame[column].unique())
                faults.append(Fault(name, f"several in column {column!r}: {several}", "choose the rows of one"))
    if match not in MATCHES:
        faults.append(Fault("match", f"{match!r} is not known", f"pass one of {', '.join(MATCHES)}"))
    if not units:
        faults.append(Fault("units", "there is none", "pass the ids of the units that were asked"))
    raise_faults("The spans cannot be held against gold.", faults)


def count_spans(
    spans: pd.DataFrame, gold: pd.DataFrame, units: Sequence[str], *, type_column: str, match: str
) -> SpanCounts:
    """Count the spans of each unit: those right, those found and those in gold."""
    found, wanted = (_by_unit(frame, units, type_column) for frame in (spans, gold))
    types = sorted({kind for some in (*found, *wanted) for _, _, kind in some} - {""})
    column = {kind: at for at, kind in enumerate(types)}
    counts = np.zeros((3, len(units), len(types) + 1))
    for row, (here, there) in enumerate(zip(found, wanted, strict=True)):
        for kind in types:
            mine, theirs = ([one[:2] for one in some if one[2] == kind] for some in (here, there))
            counts[:, row, column[kind]] = (_count_hits(mine, theirs, match), len(mine), len(theirs))
        mine, theirs = ([one[:2] for one in some] for some in (here, there))
        counts[:, row, -1] = (_count_hits(mine, theirs, match), len(mine), len(theirs))
    return SpanCounts((*types, "untyped"), *counts)


def _by_unit(frame: pd.DataFrame, units: Sequence[str], type_column: str) -> list[list[_Span]]:
    """The spans of each unit; one without a place is put where none can match it."""
    places = {unit: at for at, unit in enumerate(units)}
    spans: list[list[_Span]] = [[] for _ in units]
    kinds = frame[type_column].fillna("") if type_column in frame else pd.Series("", index=frame.index)
    starts, ends = (frame[name].fillna(-1).astype("int64") for name in ("start", "end"))
    for unit, start, end, kind in zip(frame["unit_id"], starts, ends, kinds, strict=True):
        if unit in places:
            spans[places[unit]].append((start, end, str(kind)))
    return spans


def _count_hits(found: Sequence[tuple[int, int]], gold: Sequence[tuple[int, int]], match: str) -> int:
    """How many found spans can each be paired with a gold span of its own.

    Examples
    --------
    >>> _count_hits([(0, 5), (0, 5), (8, 9)], [(0, 5), (7, 12)], "exact")
    1
    >>> _count_hits([(0, 5), (0, 5), (8, 9)], [(0, 5), (7, 12)], "overlap")
    2
    """
    if match == "exact":
        return sum((Counter(span for span in found if span[0] >= 0) & Counter(gold)).values())
    shared = [
        (min(end, last) - max(start, first), mine, theirs)
        for mine, (start, end) in enumerate(found)
        for theirs, (first, last) in enumerate(gold)
        if start >= 0 and min(end, last) > max(start, first)
    ]
    used_mine, used_theirs = set[int](), set[int]()
    for _, mine, theirs in sorted(shared, key=lambda one: (-one[0], *one[1:])):
        if mine not in used_mine and theirs not in used_theirs:
            used_mine.add(mine)
            used_theirs.add(theirs)
    return len(used_mine)


def _rows(counts: SpanCounts, how: Bootstrap) -> Iterator[dict[str, object]]:
    """One row a type, then all types together, then places alone."""
    hits, found, gold = map(_with_typed, (counts.hits, counts.found, counts.gold))

    def every(weights: Floats) -> Floats:
        right, mine, theirs = weights @ hits, weights @ found, weights @ gold
        return np.concatenate([ratio(right, mine), ratio(right, theirs), ratio(2 * right, mine + theirs)], axis=1)

    one_each = np.ones(len(hits), dtype=np.int64)
    values = every(one_each[None, :].astype(float))[0]
    draws = np.empty((0, len(values)))
    if how.replicates:
        draws = resample(one_each, every, replicates=how.replicates, seed=how.seed)
    types = counts.types[:-1]
    names = [*(("type", kind) for kind in types), *([("overall", "typed")] if types else []), ("overall", "untyped")]
    for at, (part, name) in enumerate(names):
        places = zip(("precision", "recall", "f1"), range(at, len(values), len(names)), strict=True)
        own = {measure: make_measure(values[place], draws[:, place], how) for measure, place in places}
        head = {"part": part, "name": name, "n": int(gold[:, at].sum()), "n_found": int(found[:, at].sum())}
        figures = {key: value for measure, one in own.items() for key, value in spread(measure, one).items()}
        yield {**head, **figures, "reason": explain_gaps(own)}


def _with_typed(counts: Floats) -> Floats:
    """Put the sum over the types, where there are any, before the last column."""
    types, places = counts[:, :-1], counts[:, -1:]
    typed = types.sum(axis=1, keepdims=True) if types.shape[1] else types
    return np.concatenate([types, typed, places], axis=1)


class UnitLike(Protocol):
    """What is read of a unit; `records.Unit` has it."""

    @property
    def unit_id(self) -> str:
        """Its id."""

    @property
    def text(self) -> str:
        """Its text."""


def capital_runs(units: Iterable[UnitLike], *, type: str = "") -> pd.DataFrame:
    """Find every run of words that begin with a capital letter; the first word of a line counts if another follows.

    It needs no model, and shows what one is worth: hold it against the same gold with `span_validity`.

    Parameters
    ----------
    type
        What every run is said to be, such as gold's commonest type.

    Returns
    -------
    pd.DataFrame
        Columns unit_id, start, end, type.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> capital_runs([SimpleNamespace(unit_id="7", text="The pit of Hard Coal Ltd in Essen .")], type="ORG")
      unit_id  start  end type
    0       7     11   24  ORG
    1       7     28   33  ORG
    """
    rows = [(unit.unit_id, *span, type) for unit in units for span in _find_runs(unit.text)]
    return pd.DataFrame(rows, columns=["unit_id", "start", "end", "type"])


def _find_runs(text: str) -> Iterable[tuple[int, int]]:
    for found in _RUN.finditer(text):
        before = text[: found.start()].rstrip(" ")[-1:]
        begins_line = not before or before in "\n.!?"
        if found[0][0].isupper() and (" " in found[0] or not begins_line):
            yield found.span()
