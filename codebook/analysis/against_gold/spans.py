"""Spans of text, such as named entities, held against gold: precision, recall and F1, typed and untyped."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd

from codebook.analysis.against_gold.measures import Measure, explain_gaps, spread
from codebook.analysis.core.checks import name_some, raise_faults
from codebook.analysis.core.estimates import Bootstrap, say_figure
from codebook.analysis.core.forest import plot_estimates
from codebook.analysis.core.result import Facts, Result
from codebook.analysis.core.sample_design import Drawn
from codebook.analysis.core.scales import Floats, UnitLike
from codebook.analysis.core.share_intervals import Shares
from codebook.errors import Fault, unknown_choice
from codebook.ground.joins import Sides, join_faults, join_ids, tell_strays
from codebook.ground.quantities import format_figure, places_of, say_count

NOTE = (
    "A span is right if it has the place and type of one in gold; untyped, if it has its place. Each gold span makes "
    "one span right. A unit that was asked and not answered misses all its gold spans; a quote that its text does not "
    "hold is a wrong span."
)
_QUANTITY = "F1 of spans against the gold"
_NO_GOLD = "There is no gold: nothing to compare."
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
    coded: Floats
    gold: Floats


@dataclass(frozen=True)
class SpanFacts(Facts):
    """Facts of spans against gold: when places match, and how many quotes have no place in their text."""

    match: str = "exact"
    n_absent: int = 0


def span_validity(
    spans: pd.DataFrame,
    gold: pd.DataFrame | None,
    units: Iterable[str | UnitLike],
    *,
    type_column: str = "type",
    match: str = "exact",
    baseline: pd.DataFrame | str = "",
    resample: Bootstrap = Bootstrap(),
) -> Result:
    """Precision, recall and F1 of one coder's spans against gold, by type and overall.

    F1 is that of the counts of all spans (micro), as in the CoNLL shared tasks (Tjong Kim Sang and De Meulder 2003).
    Intervals resample units, since the spans of one text are not independent.

    Parameters
    ----------
    spans, gold
        One row per span: unit_id, start, end and the type, as `Run.records` gives them; one coder and draw each. Where
        nobody gave gold (None), the result says so.
    units
        The units that the coder was put, or their ids; spans of others are left out, and counted.
    type_column
        Name of the column with the type; where the frames have none, spans are untyped.
    match
        "exact" or "overlap". Of spans that overlap, those that share most are paired first.
    baseline
        Spans to compare with, or "capitals": every run of capital letters in the texts of the units, of gold's
        commonest type.

    Returns
    -------
    Result
        Rows of `part` "type", then of "overall" `typed` and `untyped`: n (gold spans), n_found, precision, recall, f1,
        each with _low and _high, and `reason` where a figure is missing. With a baseline its overall rows follow, and
        `by` says whose they are.

    Raises
    ------
    StatisticError
        A column is missing, or the spans of several coders or draws stand in one frame.

    Examples
    --------
    >>> gold = pd.DataFrame({"unit_id": ["a", "a"], "start": [0, 9], "end": [5, 13], "type": ["PER", "LOC"]})
    >>> result = span_validity(gold.assign(type=["PER", "ORG"]), gold, ["a"], resample=Bootstrap(0))
    >>> result.finding
    'F1 against 2 gold spans in 1 unit: typed .50 [no interval], untyped 1.00 [no interval].'
    >>> result.frame[["part", "name", "n", "n_found", "precision", "recall", "f1"]]
          part     name  n  n_found  precision  recall   f1
    0     type      LOC  1        0        NaN     0.0  0.0
    1     type      ORG  0        1        0.0     NaN  0.0
    2     type      PER  1        1        1.0     1.0  1.0
    3  overall    typed  2        2        0.5     0.5  0.5
    4  overall  untyped  2        2        1.0     1.0  1.0
    """
    result = Result(pd.DataFrame(columns=list(_COLUMNS)), "span_validity", "Spans against the gold", "validity")
    if gold is None:
        return replace(result, facts=Facts(nothing=_NO_GOLD), finding=_NO_GOLD)
    listed = list(units)
    ids = list(dict.fromkeys(unit if isinstance(unit, str) else unit.unit_id for unit in listed))
    _check(spans, gold, ids, match)
    joins = [text for sides, frame in ((_SPANS, spans), (_GOLD, gold)) for text in _hold_against(ids, frame, sides)]
    frame = pd.DataFrame(_rows(count_spans(spans, gold, ids, type_column=type_column, match=match), resample))
    n_rows = len(frame)
    if isinstance(baseline, pd.DataFrame) or baseline:
        other, name = _read_baseline(baseline, listed, gold, type_column)
        counts = count_spans(other, gold, ids, type_column=type_column, match=match)
        whole = pd.DataFrame(_rows(counts, resample)).query("part == 'overall'")
        coder = str(spans["coder"].iloc[0]) if "coder" in spans and len(spans) else "spans"
        frame = pd.concat([frame, whole], ignore_index=True)
        frame["by"] = np.repeat(np.array([coder, name], dtype=object), [n_rows, len(whole)])
    group = "by" if "by" in frame else None
    facts = SpanFacts(len(ids), bootstrap=resample, resampled="units", joins=tuple(joins))
    return replace(
        result,
        frame=frame,
        facts=replace(facts, match=match, n_absent=int((spans["start"].isna() | (spans["start"] < 0)).sum())),
        finding=_say_spans(frame.iloc[:n_rows], frame.iloc[n_rows:], len(ids)),
        remarks=(NOTE,),
        table=_name_rows(frame, n_rows),
        figure=partial(plot_estimates, frame, value="f1", group=group, quantity=_QUANTITY, note=facts.interval),
    )


def _read_baseline(
    baseline: pd.DataFrame | str, units: Sequence[str | UnitLike], gold: pd.DataFrame, type_column: str
) -> tuple[pd.DataFrame, str]:
    """Spans to compare with, and what they are called."""
    if isinstance(baseline, pd.DataFrame):
        return baseline, "baseline"
    texts = [unit for unit in units if not isinstance(unit, str)]
    faults = []
    if baseline != "capitals":
        faults.append(Fault("baseline", f"{baseline!r} is not known", "pass a frame of spans, or 'capitals'"))
    elif len(texts) < len(units):
        faults.append(Fault("units", "ids have no text to find capital letters in", "pass the units themselves"))
    raise_faults("There is no baseline to compare the spans with.", faults)
    types = [*gold[type_column].mode()] if type_column in gold else []
    return capital_runs(texts, type=str(types[0]) if types else ""), "capital letters"


def _name_rows(frame: pd.DataFrame, n_rows: int) -> pd.DataFrame:
    """The frame for a paper: what are rows of the baseline, their name says."""
    names = list(frame["name"][:n_rows])
    if "by" in frame:
        names += [f"{row['name']} ({row['by']})" for _, row in frame[n_rows:].iterrows()]
    return frame.assign(name=names).drop(columns=["part", "by"], errors="ignore")


def _say_spans(frame: pd.DataFrame, others: pd.DataFrame, n_units: int) -> str:
    """F1, typed and untyped, beside that of the baseline."""
    overall = frame[frame["part"] == "overall"]
    figures = ", ".join(f"{row['name']} {say_figure(row, 'f1', places_of(n_units))}" for _, row in overall.iterrows())
    sentence = f"F1 against {int(overall['n'].iloc[-1]):,} gold spans in {say_count(n_units, 'unit')}: {figures}"
    if not len(others):
        return f"{sentence}."
    beside = ", ".join(f"{row['name']} {format_figure(row['f1'], places_of(n_units))}" for _, row in others.iterrows())
    return f"{sentence}; the baseline {beside}."


def _hold_against(ids: Sequence[str], frame: pd.DataFrame, sides: Sides) -> list[str]:
    """Sentences on spans of other units; an error where none is of these."""
    join = join_ids(frame["unit_id"].astype(str), ids)
    raise_faults("The spans cannot be compared.", join_faults(join, "units", sides))
    return tell_strays(join, sides)


def _check(spans: pd.DataFrame, gold: pd.DataFrame, units: Sequence[str], match: str) -> None:
    faults = []
    for name, frame in (("spans", spans), ("gold", gold)):
        if missing := [column for column in ("unit_id", "start", "end") if column not in frame]:
            faults.append(Fault(name, f"no column {name_some(missing)}", "pass the frame of records with a quote"))
        for column in ("coder", "draw", "variable", "list"):
            if column in frame and frame[column].nunique() > 1:
                several = name_some(frame[column].unique())
                faults.append(Fault(name, f"several in column {column!r}: {several}", "choose the rows of one"))
    faults += unknown_choice("match", match, MATCHES)
    if not units:
        faults.append(Fault("units", "there is none", "pass the ids of the units that were asked"))
    raise_faults("The spans cannot be held against gold.", faults)


def count_spans(
    spans: pd.DataFrame, gold: pd.DataFrame, units: Sequence[str], *, type_column: str, match: str
) -> SpanCounts:
    """Count the spans of each unit: those right, those of the coder and those of gold."""
    by_coder, by_gold = (_by_unit(frame, units, type_column) for frame in (spans, gold))
    types = sorted({kind for some in (*by_coder, *by_gold) for _, _, kind in some} - {""})
    column = {kind: at for at, kind in enumerate(types)}
    counts = np.zeros((3, len(units), len(types) + 1))
    for row, unit in enumerate(zip(by_coder, by_gold, strict=True)):
        for kind in types:
            coded, gold_of_kind = ([span[:2] for span in some if span[2] == kind] for some in unit)
            counts[:, row, column[kind]] = (_count_hits(coded, gold_of_kind, match), len(coded), len(gold_of_kind))
        coded, every = ([span[:2] for span in some] for some in unit)
        counts[:, row, -1] = (_count_hits(coded, every, match), len(coded), len(every))
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


def _count_hits(coded: Sequence[tuple[int, int]], gold: Sequence[tuple[int, int]], match: str) -> int:
    """How many coded spans can each be paired with a gold span of its own.

    Examples
    --------
    >>> _count_hits([(0, 5), (0, 5), (8, 9)], [(0, 5), (7, 12)], "exact")
    1
    >>> _count_hits([(0, 5), (0, 5), (8, 9)], [(0, 5), (7, 12)], "overlap")
    2
    """
    if match == "exact":
        return sum((Counter(span for span in coded if span[0] >= 0) & Counter(gold)).values())
    shared = [
        (min(end, last) - max(start, first), at, at_gold)
        for at, (start, end) in enumerate(coded)
        for at_gold, (first, last) in enumerate(gold)
        if start >= 0 and min(end, last) > max(start, first)
    ]
    pairs, pairs_gold = set[int](), set[int]()
    for _, at, at_gold in sorted(shared, key=lambda overlap: (-overlap[0], *overlap[1:])):
        if at not in pairs and at_gold not in pairs_gold:
            pairs.add(at)
            pairs_gold.add(at_gold)
    return len(pairs)


def _rows(counts: SpanCounts, bootstrap: Bootstrap) -> Iterator[dict[str, object]]:
    """One row per type, then all types together, then places alone."""
    hits, coded, gold = map(_with_typed, (counts.hits, counts.coded, counts.gold))

    shares = Shares(np.concatenate([hits] * 3, axis=1), np.concatenate([coded, gold, coded + gold - hits], axis=1))
    n_units, n_columns = len(hits), hits.shape[1]
    drawn = Drawn(np.ones(n_units, dtype=np.int64), np.ones(n_units), np.zeros(n_units, dtype=np.int64))
    values, ends, _ = shares.estimate(drawn, bootstrap)
    ends = [replace(end, reason="") if drawn.n_units == 1 or not bootstrap.replicates else end for end in ends]
    ranges = np.array([(float(value), end.low, end.high) for value, end in zip(values, ends, strict=True)])
    ranges[2 * n_columns :] = 2 * ranges[2 * n_columns :] / (1 + ranges[2 * n_columns :])  # as F1
    measures = [
        Measure(value, low, high, "undefined" if np.isnan(value) else end.reason)
        for (value, low, high), end in zip(ranges.tolist(), ends, strict=True)
    ]
    types = counts.types[:-1]
    names = [*(("type", kind) for kind in types), *([("overall", "typed")] if types else []), ("overall", "untyped")]
    for at, (part, name) in enumerate(names):
        places = zip(("precision", "recall", "f1"), range(at, len(values), len(names)), strict=True)
        row = {name: measures[place] for name, place in places}
        head = {"part": part, "name": name, "n": int(gold[:, at].sum()), "n_found": int(coded[:, at].sum())}
        figures = {key: value for name, measure in row.items() for key, value in spread(name, measure).items()}
        yield {**head, **figures, "reason": explain_gaps(row)}


def _with_typed(counts: Floats) -> Floats:
    """Put the sum over the types, where there are any, before the last column."""
    types, places = counts[:, :-1], counts[:, -1:]
    typed = types.sum(axis=1, keepdims=True) if types.shape[1] else types
    return np.concatenate([types, typed, places], axis=1)


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
    for match in _RUN.finditer(text):
        before = text[: match.start()].rstrip(" ")[-1:]
        begins_line = not before or before in "\n.!?"
        if match[0][0].isupper() and (" " in match[0] or not begins_line):
            yield match.span()
