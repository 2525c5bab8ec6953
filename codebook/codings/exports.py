"""The tidy table in files of every format, by their endings, and in databases. Reading a file gives the same table.

A csv cell cannot tell "nothing" from "the empty text". It need not: a label is missing exactly where `why` is set,
`why` is never the empty text, numbers are missing where empty, and the other columns are never missing.
"""

from __future__ import annotations

import csv
import io
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import orjson
import pandas as pd
from numpy.typing import NDArray

from codebook.codings.contract import KEY, NUMBERS
from codebook.codings.database import HasKey, KeyedTable, write_database
from codebook.codings.frame import check_table, make_table
from codebook.codings.sheets import read_sheet, write_sheet
from codebook.errors import Fault, MissingExtraError, TableError
from codebook.files.lines import dump_line, read_lines, write_atomic
from codebook.files.tables import DATABASES, reading
from codebook.files.tables.formats import LINES
from codebook.files.unfolding import find_kind
from codebook.ground.quantities import say_count
from codebook.paths import find_file_fault, resolve_path

if TYPE_CHECKING:
    from codebook.scheme import Codebook

_CHUNK = 50_000
_MEND = "use .csv, .tsv, .xlsx, .json, .jsonl or .parquet"
_MEND_WRITE = "use .csv, .tsv, .xlsx, .json, .jsonl, .parquet or .db (SQLite), or the address of a database"
_STARTS = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"[+-]?[0-9]+([.,][0-9]+)*\s?%?")


def write_table(
    table: pd.DataFrame | Iterator[pd.DataFrame],
    path: str | Path,
    *,
    formulas: str = "keep",
    texts: Mapping[str, str] | None = None,
    codebook: Codebook | None = None,
) -> str:
    r"""Write a table in the format of the file's ending, completely or not at all; return what was written.

    .csv and .tsv are UTF-8 with every text in quotes; .jsonl, .json (one array) and .parquet (an extra) are the best
    record; .xlsx is a copy for spreadsheets: text cells, so no formula lives, coverage on a second sheet. A cell of a
    sheet holds 32,767 characters: longer texts are cut there with a mark, and the sentence returned counts them. .db
    and .sqlite are SQLite, an address is a database's (`write_database`): rows of the same run are replaced there.

    Parameters
    ----------
    table
        The table, or its pieces in order, such as `run.iter_table()`: all but an .xlsx and a database is then written
        piece by piece, whatever the memory. No coding may be in two of them.
    formulas
        What becomes in a .csv or .tsv of texts that a spreadsheet would take for formulas: "keep" writes them as they
        are, so that reading gives the same table, and the sentence returned counts them; "quote" puts an apostrophe
        before each, for a copy that is opened in a spreadsheet.
    texts, codebook
        unit_id -> text, which an .xlsx shows beside the labels; and what a further sheet of it says of each code.

    Raises
    ------
    TableError
        The table does not keep its contract, the suffix is unknown, or a sheet cannot hold the table.

    Examples
    --------
    >>> from codebook.codings import make_table
    >>> table = make_table([{"unit_id": "7", "coder": "=cmd()", "variable": "topic", "label": "NA"}])
    >>> write_table(table, Path("table.csv"))
    "table.csv: 1 row of 8 columns. 1 cell of 1 row begins with =, +, -, @ or a tab, which a spreadsheet takes for a
    formula. To be safe: write .xlsx, or `--quote-formulas` (formulas='quote')."
    >>> print(Path("table.csv").read_text(), end="")
    "unit_id","coder","variable","label","draw","why","run_id","custom_id"
    "7","=cmd()","topic","NA",0,"","",""
    >>> read_table(Path("table.csv")).equals(table)
    True
    """
    pieces = table if isinstance(table, Iterator) else iter([table])
    if not is_database(path) and resolve_path(path).suffix.lower() in _STREAMS:
        stream = _write_stream(map(check_table, pieces), resolve_path(path), formulas)
        return f"{Path(path).name}: {say_count(stream.n_rows, 'row')} of {stream.n_columns} columns.{stream.note}"
    table = check_table(pd.concat(pieces, ignore_index=True))
    runs = tuple(sorted({*table["run_id"]} - {""}))
    keyed = KeyedTable("codings", table, ("run_id", *KEY), runs=runs)
    if not is_database(path) and resolve_path(path).suffix.lower() == ".xlsx":
        name, note = Path(path).name, write_sheet(table, resolve_path(path), texts=texts, codebook=codebook)
    else:
        name, note = write_frame(keyed, path, formulas)
    return f"{name}: {say_count(len(table), 'row')} of {table.shape[1]} columns.{note}"


def write_frame(
    table: HasKey, where: str | Path, formulas: str = "keep", *, beside: Sequence[HasKey] = ()
) -> tuple[str, str]:
    """Write a frame in the format that the ending says, or into a database; return its name and a note.

    `beside` are further tables, for a database.
    """
    frame, note = table.frame, ""
    if is_database(where):
        write_database(where, table, *beside)
        return f"{'the database' if '://' in str(where) else Path(where).name}, table {table.name!r}", ""
    path = resolve_path(where)
    match path.suffix.lower():
        case ending if ending in _STREAMS:
            note = _write_stream([frame], path, formulas).note
        case ".xlsx":
            note = write_sheet(frame, path, table.name)
        case _:
            raise _unknown(path, _MEND_WRITE)
    return path.name, note


def is_database(where: str | Path) -> bool:
    """Whether a path is an SQLite file's by its ending, or an address."""
    return "://" in str(where) or Path(where).suffix.lower() in DATABASES


@dataclass
class _Stream:
    """The pieces of a frame on their way into a file, counted as they pass."""

    sheet: bool
    formulas: str
    n_rows: int = 0
    n_columns: int = 0
    formula_counts: list[tuple[int, int]] = field(default_factory=list)

    def watch(self, pieces: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        """Yield the pieces; in a file for spreadsheets formulas are quoted, or counted."""
        for piece in pieces:
            self.n_rows, self.n_columns = self.n_rows + len(piece), piece.shape[1]
            if self.sheet and self.formulas == "keep":
                marks = _find_formulas(piece)
                self.formula_counts.append((int(marks.to_numpy().sum()), int(marks.any(axis=1).sum())))
            yield quote_formulas(piece) if self.sheet and self.formulas == "quote" else piece

    @property
    def note(self) -> str:
        """How many cells of a csv a spreadsheet would take for formulas, and the safe form; empty for none."""
        n_cells, n_rows = map(sum, zip((0, 0), *self.formula_counts, strict=True))
        if not n_cells:
            return ""
        cells, rows = say_count(n_cells, "cell"), say_count(n_rows, "row")
        verb, what = ("begins", "a formula") if n_cells == 1 else ("begin", "formulas")
        problem = f"{cells} of {rows} {verb} with =, +, -, @ or a tab, which a spreadsheet takes for {what}"
        return f" {problem}. To be safe: write .xlsx, or `--quote-formulas` (formulas='quote')."


def _write_stream(pieces: Iterable[pd.DataFrame], path: Path, formulas: str) -> _Stream:
    """Write pieces of a frame one after the other, all or nothing."""
    if formulas not in ("keep", "quote"):
        fault = Fault("formulas", f"{formulas!r} is not a way to write formulas", "use 'keep' or 'quote'")
        raise TableError("The table cannot be written like this.", [fault])
    ending = path.suffix.lower()
    stream = _Stream(ending in (".csv", ".tsv"), formulas)
    with write_atomic(path) as file:
        _STREAMS[ending](stream.watch(pieces), file)
    return stream


def read_table(path: str | Path) -> pd.DataFrame:
    """Read a table that `write_table` wrote.

    Raises
    ------
    TableError
        No such file, an unknown suffix, or the file holds no tidy table.

    Examples
    --------
    >>> import codebook as cb
    >>> cb.read_table("runs/topics/table.csv")[["unit_id", "label"]].head(2)
      unit_id    label
    0     h01  economy
    1     h02  economy
    """
    path = resolve_path(path)
    if fault := find_file_fault(path):
        raise TableError("The table does not exist.", [fault])
    with reading(path, TableError):
        return _read(path)


def _read(path: Path) -> pd.DataFrame:
    kind = find_kind(path)
    match kind if kind in LINES else path.suffix.lower():
        case ".csv" | ".tsv" as ending:
            pieces = _read_csv(path, "\t" if ending == ".tsv" else ",")
            return check_table(pd.concat(pieces, ignore_index=True))
        case ".jsonl":
            return check_table(_read_objects(path, read_lines(path)))
        case ".json":
            return check_table(_read_objects(path, iter(orjson.loads(path.read_bytes()))))
        case ".parquet":
            return check_table(_pyarrow("Reading parquet")[1].read_table(path).to_pandas())
        case ".xlsx":
            texts, notes = read_sheet(path)
            for note in notes:
                warnings.warn(note, stacklevel=2)
            return check_table(restore(texts))
        case _:
            raise _unknown(path, _MEND)


def _write_csv(pieces: Iterable[pd.DataFrame], file: IO[bytes], delimiter: str = ",") -> None:
    """Write pieces as csv: UTF-8, texts in quotes, missing cells empty, lines end with LF."""
    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=False)
    writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n", delimiter=delimiter)
    for number, piece in enumerate(pieces):
        if not number:
            writer.writerow(piece.columns)
        for chunk in _chunks(piece):
            writer.writerows(zip(*(_cells(chunk[name]) for name in piece.columns), strict=True))
    text.flush()
    text.detach()


def _write_json_lines(pieces: Iterable[pd.DataFrame], file: IO[bytes]) -> None:
    file.writelines(dump_line(row) for piece in pieces for row in iter_rows(piece))


def iter_rows(table: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield the rows of a frame as dicts, None where a cell is missing; in chunks."""
    names = list(table.columns)
    for chunk in _chunks(table):
        for cells in zip(*(_cells(chunk[name]) for name in names), strict=True):
            yield dict(zip(names, cells, strict=True))


def restore(texts: pd.DataFrame) -> pd.DataFrame:
    """Return a frame of texts with what is missing missing again; see the head of this module."""
    frame = texts.copy()
    if {"label", "why"} <= set(frame.columns):
        frame["label"] = frame["label"].mask(frame["why"] != "")
        frame["why"] = frame["why"].mask(frame["why"] == "")
    for name in NUMBERS:
        if name in frame:
            frame[name] = [float(cell) if cell else float("nan") for cell in frame[name]]
    return frame


def _chunks(frame: pd.DataFrame) -> Iterator[pd.DataFrame]:
    return (frame.iloc[start : start + _CHUNK] for start in range(0, len(frame), _CHUNK))


def _cells(column: pd.Series[Any]) -> list[Any]:
    cells = column.tolist()
    if not column.hasnans:
        return cells
    return [None if missing else cell for cell, missing in zip(cells, column.isna(), strict=True)]


def _write_array(pieces: Iterable[pd.DataFrame], file: IO[bytes]) -> None:
    """Write the rows as one JSON array, a row per line."""
    file.write(b"[")
    for number, row in enumerate(row for piece in pieces for row in iter_rows(piece)):
        file.write((b",\n" if number else b"\n") + orjson.dumps(row))
    file.write(b"\n]\n")


def iter_table(path: Path) -> Iterator[pd.DataFrame]:
    """Yield a .csv that `write_table` wrote piece by piece, each piece checked.

    Raises
    ------
    TableError
        The file holds no tidy table.

    Examples
    --------
    >>> import codebook as cb
    >>> [len(piece) for piece in iter_table(Path("runs/topics/table.csv"))]
    [12]
    """
    with reading(path, TableError):
        yield from map(check_table, _read_csv(path))


def _read_csv(path: Path, delimiter: str = ",") -> Iterator[pd.DataFrame]:
    """Yield pieces of a file of texts, what is missing missing again; one at least."""
    form: dict[str, Any] = {"sep": delimiter, "dtype": str, "keep_default_na": False, "encoding": "utf-8"}
    try:
        empty = restore(pd.read_csv(path, nrows=0, **form))
        with pd.read_csv(path, chunksize=_CHUNK, **form) as chunks:
            pieces = map(restore, chunks)
            yield next(pieces, empty)
            yield from pieces
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        mend = "read a file that write_table wrote, or bring in other files with read_codings"
        raise TableError(f"{path.name} is not a tidy table.", [Fault(path.name, str(error), mend)]) from None


def _read_objects(path: Path, lines: Iterator[Any]) -> pd.DataFrame:
    chunks: list[pd.DataFrame] = []
    keys: set[str] | None = None
    while rows := list(islice(lines, _CHUNK)):
        keys = keys or {*rows[0]}
        if any(not isinstance(row, dict) or row.keys() != keys for row in rows):
            fault = Fault(path.name, "its objects have different keys", "read a file that write_table wrote")
            raise TableError(f"{path.name} is not a tidy table.", [fault])
        chunks.append(pd.DataFrame(rows))
    return pd.concat(chunks, ignore_index=True) if chunks else make_table([])


def _write_parquet(pieces: Iterable[pd.DataFrame], file: IO[bytes]) -> None:
    """Write pieces as parquet, in groups of some ten thousand rows, whose repeated texts stand there once."""
    pyarrow, parquet = _pyarrow("Writing parquet")
    first, *_ = some = next(groups := _gather(pieces))
    schema = pyarrow.Table.from_pandas(first, preserve_index=False).schema
    with parquet.ParquetWriter(file, schema) as writer:
        for group in chain([some], groups):
            frame = pd.concat(group, ignore_index=True)
            writer.write_table(pyarrow.Table.from_pandas(frame, schema=schema, preserve_index=False))


def _gather(pieces: Iterable[pd.DataFrame]) -> Iterator[list[pd.DataFrame]]:
    """Yield lists of pieces that have some ten thousand rows together."""
    group: list[pd.DataFrame] = []
    for piece in pieces:
        group.append(piece)
        if sum(map(len, group)) >= _CHUNK:
            yield group
            group = []
    if group:
        yield group


_STREAMS: Mapping[str, Callable[[Iterable[pd.DataFrame], IO[bytes]], None]] = {
    ".csv": _write_csv,
    ".tsv": partial(_write_csv, delimiter="\t"),
    ".jsonl": _write_json_lines,
    ".json": _write_array,
    ".parquet": _write_parquet,
}
"""The formats whose rows stand one after the other, by their endings."""


def _pyarrow(what: str) -> tuple[Any, Any]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise MissingExtraError(what, "parquet") from None
    return pyarrow, parquet


def _unknown(path: Path, mend: str) -> TableError:
    fault = Fault(path.name, f"tables cannot be kept in files with the ending {path.suffix or '(none)'}", mend)
    return TableError(f"{path.name} cannot be a table.", [fault])


def quote_formulas(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a copy in which an apostrophe stands before every text that a spreadsheet would take for a formula.

    Examples
    --------
    >>> import pandas as pd
    >>> quote_formulas(pd.DataFrame({"label": ["=cmd()", "-5", "a"]}))["label"].tolist()
    ["'=cmd()", '-5', 'a']
    """
    marks = _find_formulas(frame)
    quoted = frame.copy()
    for name in marks.columns:
        column = quoted[name]
        quoted[name] = column.mask(marks[name], "'" + column)
    return quoted


def _find_formulas(frame: pd.DataFrame) -> pd.DataFrame:
    """Which cells of the columns of texts a spreadsheet would run; a number with its sign is none."""
    cells: dict[Any, NDArray[np.bool_]] = {}
    for name in frame.columns:
        column = frame[name]
        if isinstance(column.dtype, pd.StringDtype):
            marks = column.str.startswith(_STARTS, na=False).to_numpy(bool, copy=True)
        elif column.dtype == object:
            marks = np.array([isinstance(cell, str) and cell.startswith(_STARTS) for cell in column], bool)
        else:
            continue
        for place in np.flatnonzero(marks):
            marks[place] = not _NUMBER.fullmatch(column.iloc[place])
        if marks.any():
            cells[name] = marks
    return pd.DataFrame(cells, index=frame.index, dtype=bool)
