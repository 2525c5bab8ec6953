"""Spans of texts shown in their texts: what a coder marked, and what the gold has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from codebook.errors import TableError
from codebook.ground.joins import Sides, join_faults, join_ids
from codebook.records import Unit
from codebook.visible import escape_block, spell_block

if TYPE_CHECKING:
    import pandas as pd

_STYLES = {
    "right": "background:#cfe3d4;border-bottom:2px solid #2f6b3f",
    "other type": "background:#f3e3b8;border-bottom:2px solid #9a6a00",
    "not in gold": "background:#f1d0cc;border-bottom:2px dashed #a3271b",
    "missed": "border-bottom:2px dotted #5c5c5c",
}
_TELLS = {
    "right": "as in gold",
    "other type": "place as in gold, another type",
    "not in gold": "not in gold",
    "missed": "in gold, untouched",
}
_CELL = "padding:1px 3px;border-radius:3px;"

_Mark = tuple[int, int, str, str]
"""Start, end, what is written beside it, and how it stands to gold."""


class SpanView:
    """Texts with their spans marked; as plain text each span stands in brackets with its type."""

    def __init__(self, marked: list[tuple[str, str, list[_Mark]]], kinds: list[str]) -> None:
        self.marked, self.kinds = marked, kinds

    def __repr__(self) -> str:
        shown = "\n\n".join(f"{unit_id}: {_mark_text(text, marks)}" for unit_id, text, marks in self.marked)
        return spell_block(shown)

    def _repr_html_(self) -> str:
        key = " &nbsp; ".join(f'<span style="{_CELL}{_STYLES[kind]}">{_TELLS[kind]}</span>' for kind in self.kinds)
        shown = "".join(
            f'<p style="white-space:pre-line;line-height:1.9;max-width:60em"><b>{escape_block(unit_id)}</b>\n'
            f"{_mark_html(text, marks)}</p>"
            for unit_id, text, marks in self.marked
        )
        return f'<div class="tex2jax_ignore" dir="auto"><p>{key}</p>{shown}</div>'


def show_spans(
    units: Iterable[Unit],
    spans: pd.DataFrame,
    gold: pd.DataFrame | None = None,
    *,
    type_column: str = "type",
    n: int = 2,
) -> SpanView:
    """Show the first `n` units with spans, each span marked in its text; with gold, what is right, wrong and missed.

    Parameters
    ----------
    spans, gold
        Of `records_table`: unit_id, start, end and the type. Where spans overlap, the first is shown; of gold only
        those that no span touches.

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
    mine, theirs = _by_unit(spans, type_column), _by_unit(gold, type_column) if gold is not None else None
    marked: list[tuple[str, str, list[_Mark]]] = []
    ids: list[str] = []
    for unit in units:
        if len(marked) == n:
            break
        ids.append(unit.unit_id)
        if unit.unit_id in mine:
            found = mine[unit.unit_id]
            marks = _compare(found, theirs.get(unit.unit_id, {}) if theirs is not None else found)
            marked.append((unit.unit_id, unit.text, list(_apart(marks))))
    if mine and not marked and n:
        sides = Sides("units with spans", "among the units", "the list of units")
        raise TableError("There is nothing to show.", join_faults(join_ids(mine, ids), "units", sides))
    return SpanView(marked, [] if gold is None else list(_STYLES))


_Spans = dict[tuple[int, int], str]


def _by_unit(frame: pd.DataFrame, type_column: str) -> dict[str, _Spans]:
    spans: dict[str, _Spans] = {}
    there = frame[frame["start"].notna()]
    kinds = there[type_column] if type_column in there else [""] * len(there)
    for unit_id, start, end, kind in zip(there["unit_id"], there["start"], there["end"], kinds, strict=True):
        spans.setdefault(str(unit_id), {}).setdefault((int(start), int(end)), str(kind))
    return spans


def _compare(mine: _Spans, theirs: _Spans) -> list[_Mark]:
    marks: list[_Mark] = []
    for (start, end), kind in mine.items():
        other = theirs.get((start, end))
        how = "not in gold" if other is None else "right" if other == kind else "other type"
        marks.append((start, end, kind if how != "other type" else f"{kind}, gold {other}", how))
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


def _mark_html(text: str, marks: Iterable[_Mark]) -> str:
    parts, place = [], 0
    for start, end, kind, how in marks:
        words = escape_block(text[start:end])
        told = f'<span style="font-size:70%;color:#5c5c5c;margin-left:4px">{escape_block(kind)}</span>' if kind else ""
        parts.append(f'{escape_block(text[place:start])}<span style="{_CELL}{_STYLES[how]}">{words}{told}</span>')
        place = end
    return "".join([*parts, escape_block(text[place:])])


def _mark_text(text: str, marks: Iterable[_Mark]) -> str:
    parts, place = [], 0
    for start, end, kind, how in marks:
        told = ", ".join(part for part in (kind, "" if how == "right" else how) if part)
        parts.append(f"{text[place:start]}[{text[start:end]}{f': {told}' if told else ''}]")
        place = end
    return "".join([*parts, text[place:]])
