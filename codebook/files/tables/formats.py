"""One reader a format: csv, xlsx, JSON lines, parquet, SQLite. Each yields rows of text as a stream."""

from __future__ import annotations

import codecs
import csv
import datetime as dt
import json
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from codebook.errors import Fault, UnitsError
from codebook.files.decode import allow_long_fields, name_bytes
from codebook.files.lines import number_lines
from codebook.files.tables.parquet_rows import iter_records, open_parquet
from codebook.files.tables.workbook import Formula, iter_cells
from codebook.files.unfolding import find_kind, open_text

DATABASES = (".db", ".sqlite", ".sqlite3")
"""Endings that are taken for SQLite files."""
_HEAD = b"SQLite format 3\0"
_READING = (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE)
_N_SHOWN = 10


@contextmanager
def ask(path: Path, query: str) -> Iterator[sqlite3.Cursor]:
    """Ask a file one SELECT; everything else is refused by the database itself."""
    with path.open("rb") as file:
        if file.read(len(_HEAD)) != _HEAD:
            fault = Fault(path.name, "it is not an SQLite file", "give an SQLite file, or save the table as csv")
            raise UnitsError(f"{path.name} cannot be read.", [fault])
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
        try:
            if not query.strip():
                raise UnitsError(f"{path.name} is a database.", [_find_tables(path, database)])
            database.set_authorizer(_allow)
            yield database.execute(query)
        except (sqlite3.Error, sqlite3.Warning) as error:
            database.set_authorizer(None)
            raise UnitsError(f"{path.name} cannot be queried.", [_explain(path, database, error)]) from None


def _allow(action: int, *_: object) -> int:
    return sqlite3.SQLITE_OK if action in _READING else sqlite3.SQLITE_DENY


def _find_tables(path: Path, database: sqlite3.Connection) -> Fault:
    names = _list_tables(database)
    example = " ".join(["SELECT id, text FROM", *names[:1]])
    mend = f'write a query: `form: ["query: {example}"]` (`--form "query={example}"`)'
    return Fault(path.name, f"there is no query that says which rows to read; its tables are {_say(names)}", mend)


def _explain(path: Path, database: sqlite3.Connection, error: Exception) -> Fault:
    """Why a query was refused, and what may be asked."""
    reason = " ".join(str(error).split())[:200].rstrip(".")
    if "authorized" in reason or "one statement" in reason or "prohibited" in reason:
        return Fault(
            f"{path.name}, query", f"{reason}: the database can only be read", "write one SELECT, and nothing else"
        )
    if "locked" in reason or "open database" in reason:
        return Fault(
            path.name, f"it cannot be opened for reading ({reason})", "close the program that uses it, then repeat"
        )
    try:
        tables = _say(_list_tables(database))
    except sqlite3.Error:
        return Fault(path.name, f"it is damaged ({reason})", "restore it, or save the table as csv")
    return Fault(f"{path.name}, query", reason, f"correct the query; the tables are {tables}")


def _list_tables(database: sqlite3.Connection) -> list[str]:
    """Names of tables and views."""
    sql = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' ORDER BY name"
    return [name for (name,) in database.execute(sql)]


def _say(names: list[str]) -> str:
    return ", ".join(names[:_N_SHOWN]) + ", ..." * (len(names) > _N_SHOWN) if names else "none"


Row = dict[str, str]
_LOOKED_AT = 1000
_KEY = re.compile(rb'(?<!\\)(?:\\\\)*"\s*:')
"""The end of a key, colon included; in a text a quote has a backslash before it."""


@dataclass
class RowLayout:
    """How rows lie in a file. While it is read, `ragged` collects the lines of a wrong width.

    `needed` are the columns in which a formula without a value is refused; `at` is the line of the file, or the row of
    the sheet as a spreadsheet numbers it, that was read last; `query` is what is asked of a database.
    """

    path: Path
    columns: tuple[str, ...]
    encoding: str = "utf-8"
    how_encoded: str = ""
    guessed: bool = False
    delimiter: str | None = None
    sheet: str | None = None
    sheets: tuple[str, ...] = ()
    skip_rows: int = 0
    query: str = ""
    ragged: list[int] = field(default_factory=list)
    needed: list[str] = field(default_factory=list)
    at: int = 0

    @property
    def kind(self) -> str:
        """What the file is, by the end of its name."""
        return find_kind(self.path)


def is_text(path: Path) -> bool:
    """Whether a file is read as lines of text with a sign between columns."""
    return READERS.get(find_kind(path)) is read_csv


def _name_columns(path: Path, cells: Sequence[Any]) -> tuple[str, ...]:
    """Return the header as names; a column without one is called by its place; two alike or none are refused."""
    if not cells:
        fault = Fault(path.name, "it has no header", "add a line with the names of the columns")
        raise UnitsError(f"{path.name} is empty.", [fault])
    names = [as_text(cell) or f"column {place}" for place, cell in enumerate(cells, start=1)]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        faults = [Fault(f"{path.name}, header", f"two columns are named {name!r}", "rename one") for name in twice]
        raise UnitsError(f"The header of {path.name} is not clear.", faults)
    return tuple(names)


def _csv_records(rows: RowLayout) -> Iterator[tuple[int, list[str]]]:
    """Yield `(line, fields)` of the rows that are not empty; the csv module alone splits them.

    A row of which only the signs between columns are there (`;;;`, as Excel writes an empty one) is empty.
    """
    allow_long_fields()
    with open_text(rows.path, rows.encoding) as file:
        for _ in range(rows.skip_rows):
            file.readline()
        reader = csv.reader(file, delimiter=rows.delimiter or ",", strict=True)
        try:
            for record in reader:
                if len(record) == 1 or any(map(str.strip, record)):
                    yield reader.line_num + rows.skip_rows, record
        except csv.Error as error:
            where = f"{rows.path.name}, line {reader.line_num + rows.skip_rows}"
            mend = "put the field in quotation marks and double those inside it, or name the delimiter"
            raise UnitsError(f"{rows.path.name} is not a valid csv file.", [Fault(where, str(error), mend)]) from None


def _csv_header(rows: RowLayout) -> tuple[str, ...]:
    _, cells = next(_csv_records(rows), (0, []))
    return _name_columns(rows.path, cells)


def read_csv(rows: RowLayout) -> Iterator[Row]:
    """Yield the rows of a csv file; the lines of a wrong width go to `rows.ragged`."""
    columns, width = rows.columns, len(rows.columns)
    records = _csv_records(rows)
    next(records, None)
    for line, record in records:
        rows.at = line
        if len(record) != width:
            rows.ragged.append(line)
            record += [""] * (width - len(record))
        yield dict(zip(columns, record, strict=False))


def _sheet_rows(rows: RowLayout) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """Yield `(number, cells)` of the rows of a sheet below those that are skipped."""
    for number, cells in iter_cells(rows.path, rows.sheet):
        if number > rows.skip_rows:
            yield number, cells


def _xlsx_header(rows: RowLayout) -> tuple[str, ...]:
    _, cells = next(_sheet_rows(rows), (0, ()))
    names = list(cells)
    while names and names[-1] is None:
        names.pop()
    return _name_columns(rows.path, names)


def _read_xlsx(rows: RowLayout) -> Iterator[Row]:
    columns, width = rows.columns, len(rows.columns)
    sheet = _sheet_rows(rows)
    next(sheet, None)
    for number, cells in sheet:
        rows.at = number
        if any(cell is not None for cell in cells[width:]):
            rows.ragged.append(number)
        row = dict(zip(columns, [*cells[:width], *[None] * (width - len(cells))], strict=True))
        if any(row[name] is Formula.NO_VALUE for name in rows.needed):
            _refuse_formulas(rows, number, row, sheet)
        yield {name: as_text(cell) for name, cell in row.items()}


def _refuse_formulas(
    rows: RowLayout, number: int, row: dict[str, Any], rest: Iterator[tuple[int, tuple[Any, ...]]]
) -> None:
    """Refuse a sheet with formulas that have no value yet, after they were counted."""
    place = next(name for name in rows.needed if row[name] is Formula.NO_VALUE)
    wanted = [rows.columns.index(name) for name in rows.needed]
    n = sum(row[name] is Formula.NO_VALUE for name in rows.needed)
    n += sum(cells[at] is Formula.NO_VALUE for _, cells in rest for at in wanted if at < len(cells))
    problem = "the formula has no value" if n == 1 else f"the formula has no value; it is the first of {n:,}"
    mend = "open the file in Excel and save it: a program wrote the formulas, and nothing has calculated them yet"
    fault = Fault(f"{rows.path.name}, row {number}, column {place!r}", problem, mend)
    raise UnitsError(f"{rows.path.name} cannot be read.", [fault])


def _json_objects(rows: RowLayout) -> Iterator[dict[str, Any]]:
    for number, _, line in number_lines(rows.path):
        try:
            value = parse_json(line.removeprefix(codecs.BOM_UTF8))
        except UnicodeDecodeError as error:
            problem = f"{name_bytes(error.object[error.start : error.end])} is not UTF-8"
        except (ValueError, RecursionError) as error:
            problem = f"this is not a JSON object ({error})"
        else:
            if isinstance(value, dict):
                rows.at = number
                yield value
                continue
            problem = f"this is a JSON {type(value).__name__}, where an object is expected"
        fault = Fault(f"{rows.path.name}, line {number}", problem, "write one JSON object per line, in UTF-8")
        raise UnitsError(f"{rows.path.name} cannot be read.", [fault])


def parse_json(text: bytes) -> Any:
    """Read JSON, refusing a key that occurs twice in an object: all but the last would be lost without a word.

    Raises
    ------
    ValueError
        It is no JSON, or a key occurs twice.

    Examples
    --------
    >>> parse_json(b'{"id": 1, "text": "a", "id": 2}')
    Traceback (most recent call last):
    ValueError: the key 'id' occurs twice
    """
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return json.loads(text, object_pairs_hook=without_twins)  # half surrogates and numbers that orjson refuses
    if len(_KEY.findall(text)) != _count_keys(value):
        json.loads(text, object_pairs_hook=without_twins)
    return value


def _count_keys(value: Any) -> int:
    if isinstance(value, dict):
        return len(value) + sum(map(_count_keys, value.values()))
    return sum(map(_count_keys, value)) if isinstance(value, list) else 0


def without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object of JSON of its pairs; a key that occurs twice is a ValueError."""
    value = dict(pairs)
    if len(value) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the key {next(name for name in names if names.count(name) > 1)!r} occurs twice")
    return value


def _jsonl_header(rows: RowLayout) -> tuple[str, ...]:
    names: dict[str, None] = {}
    for _, value in zip(range(_LOOKED_AT), _json_objects(rows), strict=False):
        names.update(dict.fromkeys(value))
    return tuple(names)


def _read_jsonl(rows: RowLayout) -> Iterator[Row]:
    for value in _json_objects(rows):
        yield {name: as_text(value.get(name)) for name in (*rows.columns, *(value.keys() - set(rows.columns)))}


def _parquet_header(rows: RowLayout) -> tuple[str, ...]:
    with open_parquet(rows.path) as file:
        return _name_columns(rows.path, file.schema_arrow.names)


def _read_parquet(rows: RowLayout) -> Iterator[Row]:
    for number, value in enumerate(iter_records(rows.path), start=1):
        rows.at = number
        yield {name: as_text(cell) for name, cell in value.items()}


def as_text(value: Any) -> str:
    """Return a cell as text, exactly; what is no number (NaN) is nothing, as is a formula without a value.

    Examples
    --------
    >>> [as_text(cell) for cell in (1523.0, 0.5, float("nan"), None, True, dt.datetime(2015, 2, 10), [1, "a"])]
    ['1523', '0.5', '', '', 'true', '2015-02-10', '[1,"a"]']
    """
    match value:
        case str():
            return value
        case None | Formula.NO_VALUE:
            return ""
        case bool():
            return "true" if value else "false"
        case float():
            return "" if value != value else str(int(value)) if value.is_integer() else str(value)
        case dt.datetime() if value.time() == dt.time():
            return value.date().isoformat()
        case dt.date() | dt.time():
            return value.isoformat()
        case list() | dict():
            return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
        case _:
            return str(value)


def _sqlite_header(rows: RowLayout) -> tuple[str, ...]:
    with ask(rows.path, rows.query) as answer:
        return _name_columns(rows.path, [name for name, *_ in answer.description])


def _read_sqlite(rows: RowLayout) -> Iterator[Row]:
    with ask(rows.path, rows.query) as answer:
        for number, cells in enumerate(answer, start=1):
            if any(isinstance(cell, bytes) for cell in cells):
                fault = Fault(
                    f"{rows.path.name}, row {number}", "a cell holds bytes instead of text", "select other columns"
                )
                raise UnitsError(f"{rows.path.name} cannot be read.", [fault])
            yield dict(zip(rows.columns, map(as_text, cells), strict=True))


READERS = {
    **dict.fromkeys((".csv", ".tsv", ".txt"), read_csv),
    **dict.fromkeys((".jsonl", ".ndjson"), _read_jsonl),
    **dict.fromkeys(DATABASES, _read_sqlite),
    ".xlsx": _read_xlsx,
    ".parquet": _read_parquet,
}
LINES = (".csv", ".tsv", ".txt", ".jsonl", ".ndjson")
"""The kinds of files of lines, which may be packed: `.csv.gz`."""
HEADERS = {
    **dict.fromkeys((".csv", ".tsv", ".txt"), _csv_header),
    **dict.fromkeys((".jsonl", ".ndjson"), _jsonl_header),
    **dict.fromkeys(DATABASES, _sqlite_header),
    ".xlsx": _xlsx_header,
    ".parquet": _parquet_header,
}
