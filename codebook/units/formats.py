"""One reader a format: csv, xlsx, JSON lines, parquet. Each yields rows of text as a stream."""

from __future__ import annotations

import csv
import datetime as dt
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from codebook.errors import Fault, MissingExtraError, UnitsError
from codebook.records import iter_lines
from codebook.units.decode import allow_long_fields
from codebook.units.workbook import iter_cells

if TYPE_CHECKING:
    from codebook.units.rows import RowFile

Row = dict[str, str]
_LOOKED_AT = 1000


def _name_columns(path: Path, cells: Iterable[Any]) -> tuple[str, ...]:
    """Return the header as names; a column without one is called by its place, two alike are refused."""
    names = [as_text(cell) or f"column {place}" for place, cell in enumerate(cells, start=1)]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        faults = [Fault(f"{path.name}, header", f"two columns are named {name!r}", "rename one") for name in twice]
        raise UnitsError(f"The header of {path.name} is not clear.", faults)
    return tuple(names)


def _csv_records(rows: RowFile) -> Iterator[tuple[int, list[str]]]:
    """Yield `(line, fields)`; the file is decoded as a stream and split by the csv module alone."""
    allow_long_fields()
    with rows.path.open("r", encoding=rows.encoding, newline="") as file:
        reader = csv.reader(file, delimiter=rows.delimiter or ",", strict=True)
        try:
            for record in reader:
                if record:
                    yield reader.line_num, record
        except csv.Error as error:
            where = f"{rows.path.name}, line {reader.line_num}"
            mend = "put the field in quotes and double the quotes inside it, or give the delimiter"
            raise UnitsError(f"{rows.path.name} is not sound csv.", [Fault(where, str(error), mend)]) from None


def _csv_header(rows: RowFile) -> tuple[str, ...]:
    _, cells = next(_csv_records(rows), (0, []))
    if not cells:
        raise UnitsError(f"{rows.path.name} is empty.", [Fault(rows.path.name, "no header", "give a header line")])
    return _name_columns(rows.path, cells)


def read_csv(rows: RowFile) -> Iterator[Row]:
    """Yield the rows of a csv file; the lines of a wrong width go to `rows.ragged`."""
    columns, width = rows.columns, len(rows.columns)
    records = _csv_records(rows)
    next(records, None)
    for line, record in records:
        if len(record) != width:
            rows.ragged.append(line)
            record += [""] * (width - len(record))
        yield dict(zip(columns, record, strict=False))


def _xlsx_header(rows: RowFile) -> tuple[str, ...]:
    cells = list(next(iter_cells(rows.path, rows.sheet), ()))
    while cells and cells[-1] is None:
        cells.pop()
    if not cells:
        raise UnitsError(f"{rows.path.name} is empty.", [Fault(rows.path.name, "no header", "give a header line")])
    return _name_columns(rows.path, cells)


def _read_xlsx(rows: RowFile) -> Iterator[Row]:
    columns, width = rows.columns, len(rows.columns)
    sheet = iter_cells(rows.path, rows.sheet)
    next(sheet, None)
    for number, cells in enumerate(sheet, start=2):
        if any(cell is not None for cell in cells[width:]):
            rows.ragged.append(number)
        if any(cell is not None for cell in cells):
            texts = [as_text(cell) for cell in cells[:width]]
            yield dict(zip(columns, texts + [""] * (width - len(texts)), strict=True))


def _json_objects(rows: RowFile) -> Iterator[dict[str, Any]]:
    for number, (_, line) in enumerate(iter_lines(rows.path), start=1):
        try:
            value = _parse(line.removeprefix(b"\xef\xbb\xbf"))
        except ValueError as error:
            problem = f"not a JSON object ({error})"
        else:
            if isinstance(value, dict):
                yield value
                continue
            problem = f"a JSON {type(value).__name__} where an object is expected"
        fault = Fault(f"{rows.path.name}, line {number}", problem, "write one JSON object a line, in UTF-8")
        raise UnitsError(f"{rows.path.name} cannot be read.", [fault])


def _parse(line: bytes) -> Any:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return json.loads(line)  # half surrogates and very large numbers, which orjson refuses


def _jsonl_header(rows: RowFile) -> tuple[str, ...]:
    names: dict[str, None] = {}
    for _, value in zip(range(_LOOKED_AT), _json_objects(rows), strict=False):
        names.update(dict.fromkeys(value))
    return tuple(names)


def _read_jsonl(rows: RowFile) -> Iterator[Row]:
    for value in _json_objects(rows):
        yield {name: as_text(value.get(name)) for name in (*rows.columns, *(value.keys() - set(rows.columns)))}


def _parquet_file(rows: RowFile) -> Any:
    try:
        from pyarrow import parquet
    except ImportError:
        raise MissingExtraError("Reading parquet", "parquet") from None
    return parquet.ParquetFile(rows.path)


def _parquet_header(rows: RowFile) -> tuple[str, ...]:
    with _parquet_file(rows) as file:
        return _name_columns(rows.path, file.schema_arrow.names)


def _read_parquet(rows: RowFile) -> Iterator[Row]:
    with _parquet_file(rows) as file:
        for batch in file.iter_batches(batch_size=4096):
            for value in batch.to_pylist():
                yield {name: as_text(cell) for name, cell in value.items()}


def as_text(value: Any) -> str:
    """Return a cell as text, exactly; see the head of this module.

    Examples
    --------
    >>> [as_text(cell) for cell in (1523.0, 0.5, None, True, dt.datetime(2015, 2, 10), [1, "a"])]
    ['1523', '0.5', '', 'true', '2015-02-10', '[1,"a"]']
    """
    match value:
        case str():
            return value
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float():
            return str(int(value)) if value.is_integer() else str(value)
        case dt.datetime() if value.time() == dt.time():
            return value.date().isoformat()
        case dt.date() | dt.time():
            return value.isoformat()
        case list() | dict():
            return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
        case _:
            return str(value)


READERS = {
    **dict.fromkeys((".csv", ".tsv", ".txt"), read_csv),
    **dict.fromkeys((".jsonl", ".ndjson"), _read_jsonl),
    ".xlsx": _read_xlsx,
    ".parquet": _read_parquet,
}
HEADERS = {
    **dict.fromkeys((".csv", ".tsv", ".txt"), _csv_header),
    **dict.fromkeys((".jsonl", ".ndjson"), _jsonl_header),
    ".xlsx": _xlsx_header,
    ".parquet": _parquet_header,
}
