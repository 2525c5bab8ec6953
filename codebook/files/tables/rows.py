"""Rows of text from csv, xlsx, JSON lines and parquet: one way to read them all, in a flat memory.

Every value becomes text, exactly: nothing is stripped or normalised, and an empty cell is the empty text. Numbers lose
nothing but a decimal part of zero (an id kept as 1523.0 reads "1523"), dates become ISO, truth values "true", "false".
Whatever a reader of another library raises about a damaged file comes out as one `UnitsError` with the mend.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from codebook.errors import CodebookError, Fault, InputError, TableError, UnitsError
from codebook.files.decode import Encoding, find_delimiter, find_encoding, find_separator_line, read_delimiter
from codebook.files.tables.formats import DATABASES, HEADERS, LINES, READERS, Row, RowLayout, is_text
from codebook.files.tables.header_search import find_header, guess_elsewhere
from codebook.files.tables.workbook import list_sheets
from codebook.files.unfolding import GZIP, find_kind
from codebook.paths import find_file_fault, resolve_path

_WEBANNO = "#FORMAT=WebAnno"
_MENDS = {
    ".xlsx": "open it in Excel or LibreOffice and save it again as .xlsx, or as csv",
    ".parquet": "write it again with the program that made it, or save the table as csv",
    ".jsonl": "write one JSON object per line, in UTF-8",
    ".ndjson": "write one JSON object per line, in UTF-8",
    GZIP: "pack it again, or unpack it and name the file inside",
}


@dataclass
class RowFile(RowLayout):
    """A file of rows. Iterating reads it anew, as a stream; meanwhile `n_read` counts the rows.

    `needed` are the columns that `require` asked for.
    """

    n_read: int = 0

    def __iter__(self) -> Iterator[Row]:
        self.ragged.clear()
        self.n_read = 0
        with reading(self.path):
            for row in READERS[self.kind](self):
                self.n_read += 1
                yield row

    @property
    def place(self) -> str:
        """Where in the file the last row was read, as an editor or a spreadsheet numbers it."""
        return f"{'row' if self.kind in ('.xlsx', '.parquet') else 'line'} {self.at:,}"

    def require(self, names: Iterable[str], roles: Mapping[str, str] | None = None) -> None:
        """Raise one `UnitsError` that names every column that is not there, with its nearest neighbour.

        `roles` says of a column by what it was named, such as "`id_column`".
        """
        wanted = list(dict.fromkeys(names))
        missing = [name for name in wanted if name not in self.columns]
        self.needed = list(dict.fromkeys([*self.needed, *(name for name in wanted if name in self.columns)]))
        if not missing:
            return
        if elsewhere := find_header(self, missing):
            faults = [elsewhere]
        elif self.columns[:1] and self.columns[0].startswith(_WEBANNO):
            mend = "export a table with one row per unit (csv, xlsx, JSON lines), or records as JSON lines"
            faults = [Fault(self.path.name, "it is WebAnno's TSV, which has one line per token and no header", mend)]
        else:
            faults = [missing_column(self.path.name, name, self.columns, (roles or {}).get(name)) for name in missing]
            faults += guess_elsewhere(self)
        raise UnitsError(f"{self.path.name} has the columns {', '.join(map(repr, self.columns))}.", faults)


@contextmanager
def reading(path: Path, kind: type[InputError] = UnitsError) -> Iterator[None]:
    """Read a file inside the block: what a reader raises because the file is damaged becomes one error of the kit."""
    try:
        yield
    except CodebookError:
        raise
    except Exception as error:
        raise kind(f"{path.name} cannot be read.", [_explain_damage(path, error)]) from error


def _explain_damage(path: Path, error: Exception) -> Fault:
    message = " ".join(str(error).split())[:200] or type(error).__name__
    kind = path.suffix.lower()
    if isinstance(error, MemoryError):
        return Fault(path.name, "it does not fit into memory", "save the table as csv, which is read row by row")
    if isinstance(error, OSError) and error.strerror:
        return Fault(path.name, f"it cannot be read ({error.strerror})", "check the file and the folder, then repeat")
    return Fault(
        path.name, f"it is damaged, or it is not a {kind} file ({message})", _MENDS.get(kind, "save it again as UTF-8")
    )


def missing_column(where: str, name: str, columns: Iterable[str], role: str | None = None) -> Fault:
    """Return the fault of a column that is not there, with a did-you-mean, and by what it was named."""
    names = list(columns)
    folded = {column.casefold().strip(): column for column in names}
    near = difflib.get_close_matches(name.casefold().strip(), list(folded), n=1)
    mend = f"did you mean {folded[near[0]]!r}?" if near else f"use one of {', '.join(map(repr, names))}"
    return Fault(where, f"there is no column {name!r}" + (f", which is named by {role}" if role else ""), mend)


def require_columns(where: str, names: Iterable[str], columns: Iterable[str]) -> None:
    """Raise one `TableError` that names every column that is not there."""
    there = list(columns)
    if faults := [missing_column(where, name, there) for name in names if name not in there]:
        raise TableError(f"The columns of {where} are not clear.", faults)


def open_rows(
    path: str | Path,
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    sheet: str | None = None,
    skip_rows: int = 0,
    query: str = "",
) -> RowFile:
    """Open a file of rows by its suffix: .csv, .tsv, .txt, .xlsx, .jsonl, .ndjson, .parquet, .db or .sqlite.

    A file of lines may be packed (.csv.gz): it is unpacked as it is read.

    Parameters
    ----------
    encoding, delimiter : str, optional
        Of a csv file; found in the file where not given. A first line such as `sep=;` is obeyed.
    sheet : str, optional
        Of an xlsx file; the first sheet where not given.
    skip_rows : int
        Lines of a csv, or rows of an xlsx file, that stand above the header.
    query : str
        Of an SQLite file, the SELECT whose rows are meant; the file is only read.

    Raises
    ------
    UnitsError
        No such file, a suffix that is not read, bytes that cannot be decoded, a sheet that is not there, a damaged
        file, or two columns with one name.

    Examples
    --------
    >>> path = Path("texts.csv")
    >>> _ = path.write_text("id;text\\n1;good, and cheap\\n")
    >>> rows = open_rows(path)
    >>> rows.columns, rows.delimiter, list(rows)
    (('id', 'text'), ';', [{'id': '1', 'text': 'good, and cheap'}])
    """
    path = resolve_path(path)
    kind = find_kind(path)
    if fault := find_file_fault(path):
        raise UnitsError("The texts are not there.", [fault])
    if fault := _find_kind_fault(path):
        raise UnitsError(f"{path.name} cannot be read.", [fault])
    rows = RowFile(path, (), sheet=sheet, skip_rows=_read_skip(skip_rows), query=_read_query(kind, query))
    with reading(path):
        if is_text(path):
            _find_dialect(rows, find_encoding(path, encoding), delimiter)
        rows.columns = HEADERS[kind](rows)
        rows.sheets = list_sheets(path) if kind == ".xlsx" else ()
    return rows


def _find_kind_fault(path: Path) -> Fault | None:
    """The fault of a file that is not read, by the end of its name."""
    kind = find_kind(path)
    if kind in READERS:
        packed = path.suffix.lower() == GZIP and kind not in LINES
        return Fault(path.name, f"a packed {kind} file cannot be read", "unpack it first") if packed else None
    kinds = ".csv, .tsv, .txt, .xlsx, .jsonl, .ndjson, .parquet and .db (SQLite)"
    ending = path.suffix.lower() or "(none)"
    return Fault(path.name, f"files with the ending {ending} cannot be read", f"save it as one of {kinds}")


def _read_query(kind: str, query: str) -> str:
    """A query, which only a database is asked."""
    if query and kind not in DATABASES:
        problem = f"a query is not possible for a file that ends in {kind}"
        fault = Fault("query", problem, "leave `query` out, or give an SQLite file")
        raise UnitsError("The file cannot be read with these settings.", [fault])
    return query


def _read_skip(value: object) -> int:
    """A number of rows, given as one or as text."""
    text = str(value).strip()
    if not text.isdecimal():
        fault = Fault("skip_rows", f"{value!r} is not a number of rows", "give the number of lines above the header")
        raise UnitsError("The file cannot be read with these settings.", [fault])
    return int(text)


def _find_dialect(rows: RowFile, encoding: Encoding, delimiter: str | None) -> None:
    """Find how a csv file is written: encoding, the sign between columns, and where its header stands."""
    rows.encoding, rows.how_encoded, rows.guessed = encoding.name, encoding.reason, encoding.guessed
    named = None if rows.skip_rows else find_separator_line(rows.path, rows.encoding)
    if named:
        rows.skip_rows = 1
    if delimiter or named:
        rows.delimiter = read_delimiter(delimiter or named or ",")
    elif rows.kind == ".tsv":
        rows.delimiter = "\t"
    else:
        rows.delimiter = find_delimiter(rows.path, rows.encoding, rows.skip_rows)


def as_values(value: str | Sequence[str]) -> frozenset[str]:
    """Return one value, or several, as the set of values to keep."""
    return frozenset([value]) if isinstance(value, str) else frozenset(value)
