"""A copy of the table for spreadsheets: text cells, so that what looks like a formula or a link stays a text."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import IO, Any

import pandas as pd

from codebook.codings.coverage_counts import count_coverage
from codebook.errors import Fault, TableError
from codebook.files import open_rows
from codebook.files.lines import write_atomic

MAX_CELL = 32_767
"""Characters (UTF-16 units, as a spreadsheet counts) that a cell holds."""

MAX_ROWS = 1_048_575
SHEET = "codings"
_MAY_BE_CUT = ("evidence", "raw", "detail", "quote", "error_info", "text")
_MARK = re.compile(r" \[\.\.\. cut here: the table has [\d,]+ characters\]\Z")
_UNSAFE = "\x00-\x08\x0b-\x1f\ufffe\uffff"
_CONTROL = re.compile(f"[{_UNSAFE}]")
_LOOKS_ESCAPED = re.compile(f"_(?=x[0-9A-Fa-f]{{4}}[_{_UNSAFE}])")
_OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}


def write_sheet(table: pd.DataFrame, path: Path, name: str = SHEET) -> str:
    """Write a table as a sheet, codings with their coverage as a second; return a sentence on cut cells, or nothing."""
    import xlsxwriter
    from xlsxwriter.exceptions import FileCreateError

    _check_fits(table)
    coverage = [("coverage", count_coverage(table))] if name == SHEET else []
    with write_atomic(path) as file:
        book = xlsxwriter.Workbook(_QuietFile(file), _OPTIONS)
        n_cut, *_ = [_fill(book.add_worksheet(title), frame) for title, frame in [(name[:31], table), *coverage]]
        try:
            book.close()
        except FileCreateError as error:
            raise error.args[0] from error  # the OSError that it hides
    if not n_cut:
        return ""
    texts = "1 text is" if n_cut == 1 else f"{n_cut:,} texts are"
    return f" {texts} longer than a cell can hold ({MAX_CELL:,} characters) and cut there, marked; .jsonl keeps all."


class _QuietFile:
    """A file whose zip archive may still want to end itself when the file is closed, which it is after a full disk."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._place = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def write(self, data: bytes) -> int:
        if self._file.closed:
            self._place += len(data)
            return len(data)
        return self._file.write(data)

    def seek(self, place: int, whence: int = 0) -> int:
        self._place = place
        return place if self._file.closed else self._file.seek(place, whence)

    def tell(self) -> int:
        return self._place if self._file.closed else self._file.tell()

    def flush(self) -> None:
        if not self._file.closed:
            self._file.flush()


def read_sheet(path: Path) -> tuple[pd.DataFrame, list[str]]:
    """Read the sheet of codings back as a frame of texts; the notes say if texts had been cut."""
    rows = open_rows(path, sheet=SHEET)
    columns: dict[str, list[str]] = {name: [] for name in rows.columns}
    n_cut = 0
    for row in rows:
        for name, text in row.items():
            columns[name].append(text)
            n_cut += name in _MAY_BE_CUT and _MARK.search(text) is not None
    notes = [f"{path.name}: {n_cut:,} texts were cut when this copy was written."] if n_cut else []
    return pd.DataFrame(columns, dtype="str"), notes


def _check_fits(table: pd.DataFrame) -> None:
    faults = []
    mend = "write .csv, .jsonl or .parquet instead"
    if len(table) > MAX_ROWS:
        faults.append(Fault("table", f"{len(table):,} rows, a sheet holds {MAX_ROWS:,}", mend))
    for name in table.columns:
        if name not in _MAY_BE_CUT and pd.api.types.is_string_dtype(table[name].dtype):
            for text in table[name][table[name].str.len() > MAX_CELL // 2]:
                if _length(text) > MAX_CELL:
                    faults.append(Fault(f"column {name!r}, {text[:40]!r}...", "longer than a cell can hold", mend))
    if faults:
        raise TableError("The table does not fit a spreadsheet.", faults)


def _fill(sheet: Any, frame: pd.DataFrame) -> int:
    """Write a frame, row by row (memory stays flat); return how many texts were cut."""
    n_cut = 0
    sheet._escape_control_characters = escape_text  # its own mars "_x0041_x0042_", and "_x0041" before a control sign
    for column, name in enumerate(frame.columns):
        sheet.write_string(0, column, name)
    for number, cells in enumerate(frame.itertuples(index=False, name=None), start=1):
        for column, cell in enumerate(cells):
            if isinstance(cell, str):
                fitting = _fit(cell)
                n_cut += fitting is not cell
                sheet.write_string(number, column, fitting)
            elif not _is_missing(cell):
                _write_number(sheet, number, column, cell)
    return n_cut


def _write_number(sheet: Any, row: int, column: int, value: float) -> None:
    """Write a number as one where a workbook's 16 digits hold it exactly, else as text."""
    if math.isfinite(value) and float(f"{value:.16G}") == value:
        sheet.write_number(row, column, value)
    else:
        sheet.write_string(row, column, repr(float(value)))


def escape_text(text: str) -> str:
    """Write control characters as a workbook holds them, `_xHHHH_`, and escape what only looks so.

    Examples
    --------
    >>> escape_text("bell" + chr(7)), escape_text("_x0041_")
    ('bell_x0007_', '_x005F_x0041_')
    """
    escaped = _LOOKS_ESCAPED.sub("_x005F_", text) if "_x" in text else text
    return _CONTROL.sub(lambda match: f"_x{ord(match[0]):04X}_", escaped)


def _is_missing(cell: Any) -> bool:
    return cell is None or (isinstance(cell, float) and math.isnan(cell))


def _length(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _fit(text: str) -> str:
    if len(text) <= MAX_CELL // 2 or _length(text) <= MAX_CELL:
        return text
    mark = f" [... cut here: the table has {len(text):,} characters]"
    start = text.encode("utf-16-le", "surrogatepass")[: 2 * (MAX_CELL - len(mark))]
    return start.decode("utf-16-le", "ignore") + mark
