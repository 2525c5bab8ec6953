"""Spans of texts shown in their texts: what a coder marked, and what the gold has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from codebook.codings.records.record_lists import NOBODY, Records
from codebook.errors import TableError
from codebook.ground.joins import Sides, join_faults, join_ids
from codebook.outputs.templating import render
from codebook.records import Unit
from codebook.visible import spell_block

if TYPE_CHECKING:
    import pandas as pd

_KINDS = {
    "right": ("right", "as in gold"),
    "other type": ("other", "place as in gold, another type"),
    "not in gold": ("extra", "not in gold"),
    "missed": ("missed", "in gold, untouched"),
}
"""How a span stands to gold: the class of its style, and what the key says."""

_Mark = tuple[int, int, str, str]
"""Start, end, what is written beside it, and how it stands to gold."""


class SpanView:
    """Texts with their spans marked; as plain text each span stands in brackets with its type.

    Examples
    --------
    >>> from pandas import DataFrame
    >>> spans = DataFrame({"unit_id": ["7"], "start": [14], "end": [17], "type": ["PER"]})
    >>> show_spans([Unit("7", "Coal, so says Ann.")], spans).marked[0][0]
    '7'
    """

    def __init__(self, marked: list[tuple[str, str, list[_Mark]]], *, beside_gold: bool) -> None:
        self.marked, self.beside_gold = marked, beside_gold

    def __repr__(self) -> str:
        shown = "\n\n".join(f"{unit_id}: {_mark_text(text, marks)}" for unit_id, text, marks in self.marked)
        return spell_block(shown)

    def _repr_html_(self) -> str:
        texts = [(unit_id, _cut(text, marks)) for unit_id, text, marks in self.marked]
        return render("spans.html.j2", key=list(_KINDS.values()) if self.beside_gold else [], texts=texts)


def show_spans(
    units: Iterable[Unit],
    spans: Records | pd.DataFrame,
    gold: Records | pd.DataFrame | None = None,
    *,
    type_column: str = "type",
    n: int = 2,
) -> SpanView:
    """Show the first `n` units with spans, each span marked in its text; with gold, what is right, wrong and missed.

    Parameters
    ----------
    spans, gold
        Records, or a frame with unit_id, start, end and the type. Where spans overlap, the first is shown; of gold
        only those that no span touches, and nothing where nobody gave any.

    Raises
    ------
    TableError
        No span is of one of the units.

    Examples
    --------
    >>> import pandas as pd
    >>> spans = pd.DataFrame({"unit_id": ["7"], "start": [14], "end": [17], "type": ["PER"]})
    >>> show_spans([Unit("7", "Coal, so says Ann.")], spans)
    7: Coal, so says [Ann: PER].
    """
    golden = _frame_of(gold)
    mine = _by_unit(_frame_of(spans), type_column)
    theirs = None if golden is None else _by_unit(golden, type_column)
    marked: list[tuple[str, str, list[_Mark]]] = []
    ids: list[str] = []
    for unit in units:
        if len(marked) == n:
            break
        ids.append(unit.unit_id)
        if unit.unit_id in mine:
            places = mine[unit.unit_id]
            marks = _compare(places, theirs.get(unit.unit_id, {}) if theirs is not None else places)
            marked.append((unit.unit_id, unit.text, list(_apart(marks))))
    if mine and not marked and n:
        sides = Sides("units with spans", "among the units", "the list of units")
        raise TableError("There is nothing to show.", join_faults(join_ids(mine, ids), "units", sides))
    return SpanView(marked, beside_gold=theirs is not None)


_Spans = dict[tuple[int, int], str]


def _frame_of(spans: Records | pd.DataFrame | None) -> pd.DataFrame | None:
    """The frame of records; None where nobody was asked for them."""
    if not isinstance(spans, Records):
        return spans
    return None if spans.coverage == NOBODY else spans.frame


def _by_unit(frame: pd.DataFrame | None, type_column: str) -> dict[str, _Spans]:
    spans: dict[str, _Spans] = {}
    if frame is None:
        return spans
    there = frame[frame["start"].notna()]
    kinds = there[type_column] if type_column in there else [""] * len(there)
    for unit_id, start, end, kind in zip(there["unit_id"], there["start"], there["end"], kinds, strict=True):
        spans.setdefault(str(unit_id), {}).setdefault((int(start), int(end)), str(kind))
    return spans


def _compare(mine: _Spans, theirs: _Spans) -> list[_Mark]:
    marks: list[_Mark] = []
    for (start, end), kind in mine.items():
        other = theirs.get((start, end))
        standing = "not in gold" if other is None else "right" if other == kind else "other type"
        marks.append((start, end, kind if standing != "other type" else f"{kind}, gold {other}", standing))
    for (start, end), kind in theirs.items():
        if all(end <= first or last <= start for first, last in mine):
            marks.append((start, end, kind, "missed"))
    return sorted(marks)


def _apart(marks: Iterable[_Mark]) -> Iterator[_Mark]:
    """The marks that do not begin inside the one before them."""
    reached = 0
    for mark in marks:
        if mark[0] >= reached:
            yield mark
            reached = mark[1]


def _cut(text: str, marks: Iterable[_Mark]) -> list[tuple[str, str, str]]:
    """(words, class of the style, label) of each stretch of a text; no class where nothing is marked."""
    parts, place = [], 0
    for start, end, label, standing in marks:
        parts += [(text[place:start], "", ""), (text[start:end], _KINDS[standing][0], label)]
        place = end
    return [*parts, (text[place:], "", "")]


def _mark_text(text: str, marks: Iterable[_Mark]) -> str:
    parts, place = [], 0
    for start, end, label, standing in marks:
        words = ", ".join(part for part in (label, "" if standing == "right" else standing) if part)
        parts.append(f"{text[place:start]}[{text[start:end]}{f': {words}' if words else ''}]")
        place = end
    return "".join([*parts, text[place:]])
