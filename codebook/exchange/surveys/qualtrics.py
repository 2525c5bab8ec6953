"""Answers of Qualtrics, as CSV or TSV: three rows of headings, previews and unfinished answers among the rows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import orjson

from codebook.errors import Fault, TableError
from codebook.exchange.collector import Collector
from codebook.exchange.export_source import ExportSource
from codebook.exchange.heading_roles import Sheet, fold_heading, read_sheet
from codebook.exchange.reading import UNKNOWN_CODER, WHOLE, Reading, ReadOptions
from codebook.exchange.surveys.label_cells import split_labels
from codebook.files.tables.rows import require_columns

TITLE = "Qualtrics"
_IMPORT = '"ImportId"'
_LOOP = re.compile(r"^(\d+)_(?=Q|[A-Za-z]\w*)")
_PART = re.compile(r"^(.+)_\d+$")
_TEXT = re.compile(r"^(.+?)(?:_\d+)?_TEXT$")
_NOT_ANSWERED = "-99"
_TESTS = frozenset(("survey preview", "survey test", "offline survey preview", "1", "2", "9", "17"))
_SPAM = frozenset(("spam", "8", "12"))
_CODERS = ("coder", "codername", "coderid", "annotator", "annotatorid")


class Column(NamedTuple):
    """A column of a question: its place, its name, what is asked, and the loop that it is asked in."""

    place: int
    name: str
    question: str
    loop: str


class Item(NamedTuple):
    """A variable: its name, its loop, its columns, and of ticks what each of them means."""

    name: str
    loop: str
    columns: tuple[Column, ...]
    ticks: tuple[str, ...] = ()


def looks_like(source: ExportSource) -> bool:
    """Whether the third row says from where each column is imported."""
    return len(source.columns) > 1 and _IMPORT in source.head.replace('""', '"')


def read_export(source: ExportSource, options: ReadOptions) -> Reading:
    """Read one row per answer; each question is a variable, several ticks of one are a set.

    The unit is a column (`unit`), the loop that a question is asked in, or the one unit that the survey is about
    (`unit_name`).
    """
    sheet = read_sheet(source, options)
    if len(sheet.rows) < 2 or not any(_IMPORT in cell for cell in sheet.rows[1]):
        fault = Fault(sheet.name, "the third row does not describe the columns", "export it again as CSV or TSV")
        raise TableError(f"{sheet.name} is not an export of Qualtrics.", [fault])
    named = [*options.unit, *(heading for role, heading in options.columns.items() if role == "coder")]
    require_columns(sheet.name, named, sheet.columns)
    out = Collector("qualtrics", TITLE, [sheet.name], options)
    items = list(_find_items(sheet, options))
    for number, row in enumerate(sheet.rows[2:], start=1):
        out.record()
        _Response(sheet, row, number, out).add_rows(items)
    return out.finish()


def _find_items(sheet: Sheet, options: ReadOptions) -> Iterator[Item]:
    """The variables; columns of one question that hold ticks are one."""
    groups: dict[tuple[str, str], list[Column]] = {}
    for place, (name, question, imported) in enumerate(zip(sheet.columns, *sheet.rows[:2], strict=True)):
        if not _read_import(imported).startswith("QID") or name in options.unit:
            continue
        match = None if options.unit or options.unit_name else _LOOP.match(name)
        column = Column(place, name[match.end() :] if match else name, question, match[1] if match else "")
        part = None if _TEXT.match(column.name) else _PART.match(column.name)
        groups.setdefault((column.loop, part[1] if part else column.name), []).append(column)
    for (loop, name), columns in groups.items():
        options_of = tuple(column.question.rpartition(" - ")[2].strip() for column in columns)
        if columns[0].name != name and _are_ticks(sheet, columns, options_of):
            yield Item(name, loop, tuple(columns), options_of)
        else:
            yield from (Item(_name_single(column), loop, (column,)) for column in columns)


def _read_import(cell: str) -> str:
    """From where a column is imported, such as QID2_1; "" where the cell does not say."""
    try:
        return str(orjson.loads(cell)["ImportId"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return ""


def _are_ticks(sheet: Sheet, columns: Sequence[Column], options_of: Sequence[str]) -> bool:
    """Whether each column holds nothing but its own option, as words or as 1."""
    cells = (
        (row[column.place], name)
        for row in sheet.rows[2:]
        for column, name in zip(columns, options_of, strict=True)
        if row[column.place] not in ("", _NOT_ANSWERED)
    )
    return all(cell in (name, "1") for cell, name in cells)


def _name_single(column: Column) -> str:
    """The variable of a column; a text that goes with an option is named after it."""
    match, parts = _TEXT.match(column.name), column.question.split(" - ")
    return f"{match[1]}_{parts[-2].strip()}" if match and len(parts) > 2 else column.name


class _Response:
    """One row below the headings."""

    def __init__(self, sheet: Sheet, row: Sequence[str], number: int, out: Collector) -> None:
        self.sheet, self.row, self.number, self.out = sheet, row, number, out

    def cell(self, *names: str) -> str:
        """The first of these columns that is there; "" for none."""
        places = (self.sheet.find(name) for name in names)
        return next((self.row[place] for place in places if place >= 0), "")

    def add_rows(self, items: Sequence[Item]) -> None:
        """Add a row for each answer, or the one that says why there is none."""
        state, finished = self.cell("Status").strip().lower(), self.cell("Finished").strip().lower()
        if state in _TESTS or state in _SPAM:
            self._add("", WHOLE, status="test" if state in _TESTS else "rejected")
            return
        answers = [(item, self._read(item)) for item in items]
        labelled = [(item, label) for item, label in answers if label]
        if finished in ("false", "0"):
            for item, label in labelled:
                self._add(item.loop, item.name, label, status="draft", note="not finished")
            if not labelled:
                self._add("", WHOLE, status="draft", note="not finished")
            return
        loops = {item.loop for item, _ in labelled}
        for item, label in answers:
            if label:
                self._add(item.loop, item.name, label)
            elif item.loop in loops and not _TEXT.match(item.columns[0].name):
                self._add(item.loop, item.name, status="missing", note=self._say_gap(item))
        if not labelled:
            self._add("", WHOLE, status="empty")

    def _read(self, item: Item) -> str | list[str]:
        """The label of a variable; empty where there is none."""
        cells = [self.row[column.place] for column in item.columns]
        if item.ticks:
            return [name for name, cell in zip(item.ticks, cells, strict=True) if cell not in ("", _NOT_ANSWERED)]
        cell = "" if cells[0] == _NOT_ANSWERED else cells[0]
        return split_labels(cell, item.name, ",", self.out)

    def _say_gap(self, item: Item) -> str:
        if any(self.row[column.place] == _NOT_ANSWERED for column in item.columns):
            return "seen but not answered"
        return "nothing ticked: no option applies, or it was not shown" if item.ticks else "not answered, or not shown"

    def _add(self, loop: str, variable: str, label: str | list[str] = "", **more: str) -> None:
        time = self.cell("RecordedDate", "EndDate")
        self.out.add(self._unit(loop), self._coder(), variable, label, time=time, answer=self.number, **more)

    def _unit(self, loop: str) -> str:
        options = self.out.options
        if options.unit:
            return "/".join(self.cell(name) for name in options.unit)
        if options.unit_name or loop:
            return options.unit_name or loop
        mend = "name the column with its id, `unit: ...`; or the one unit that the survey is about, `unit_name: ...`"
        self.out.ask("unit", "no column says which unit was coded", mend)
        return "(unknown)"

    def _coder(self) -> str:
        options = self.out.options
        if "coder" in options.columns:
            return self.cell(options.columns["coder"]) or UNKNOWN_CODER
        named = next((name for name in self.sheet.columns if fold_heading(name) in _CODERS), "")
        return (self.cell(named) if named else "") or options.coder_name or UNKNOWN_CODER
