"""Workbooks that a person opens in a spreadsheet: a bold head that stays, a filter, widths, pages that print.

What looks like a formula or a link stays a text, and so does an id that looks like a number.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from numbers import Real
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

MAX_CELL = 32_767
"""Characters (UTF-16 units, as a spreadsheet counts) that a cell holds."""
MAX_ROWS = 1_048_575
_UNSAFE = "\x00-\x08\x0b-\x1f\ufffe\uffff"
_CONTROL = re.compile(f"[{_UNSAFE}]")
_LOOKS_ESCAPED = re.compile(f"_(?=x[0-9A-Fa-f]{{4}}[_{_UNSAFE}])")
_OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}
_LOOKED_AT, _NARROWEST, _WIDEST, _LONG = 300, 6, 60, 600
_A4 = 9
_RANGED_RIGHT = {"valign": "top", "align": "right", "indent": 1}


@dataclass(frozen=True, slots=True)
class SheetOfFrame:
    """A sheet of a workbook: its name, and the frame on it; `right` are columns whose texts are ranged right."""

    name: str
    frame: pd.DataFrame
    right: Sequence[str] = ()


@contextmanager
def new_workbook(file: IO[bytes]) -> Iterator[Any]:
    """Give a workbook to be filled sheet by sheet and row by row (memory stays flat); at the end it is in the file.

    Raises
    ------
    OSError
        The file cannot be written.
    """
    import xlsxwriter
    from xlsxwriter.exceptions import FileCreateError

    book = xlsxwriter.Workbook(_QuietFile(file), _OPTIONS)
    book.set_properties({"created": datetime(1980, 1, 1)})  # so that the same table is the same file
    yield book
    try:
        book.close()
    except FileCreateError as error:
        raise error.args[0] from error  # the OSError that it hides


def write_workbook(file: IO[bytes], sheets: Sequence[SheetOfFrame]) -> int:
    """Write sheets of frames; return how many texts of the first had to be cut."""
    with new_workbook(file) as book:
        n_cut, *_ = [_fill(book, book.add_worksheet(sheet.name[:31]), sheet) for sheet in sheets]
    return n_cut


def make_workbook(sheets: Sequence[SheetOfFrame]) -> bytes:
    """Return a workbook as bytes."""
    room = BytesIO()
    write_workbook(room, sheets)
    return room.getvalue()


def _fill(book: Any, sheet: Any, content: SheetOfFrame) -> int:
    """Write a frame with its head; return how many texts were cut."""
    frame, n_cut = content.frame, 0
    sheet._escape_control_characters = escape_text  # its own mars "_x0041_x0042_", and "_x0041" before a control sign
    forms, numbers = _lay_out(book, sheet, content), book.add_format(_RANGED_RIGHT)
    for number, cells in enumerate(frame.itertuples(index=False, name=None), start=1):
        for column, cell in enumerate(cells):
            if isinstance(cell, str):
                fitting = _fit(cell)
                n_cut += fitting is not cell
                sheet.write_string(number, column, fitting, forms[column])
            elif _is_number(cell):
                _write_number(sheet, number, column, float(cell), numbers)
            elif not _is_missing(cell):
                sheet.write_string(number, column, str(cell), forms[column])
    return n_cut


def _lay_out(book: Any, sheet: Any, content: SheetOfFrame) -> list[Any]:
    """Set head, filter, widths and pages of a sheet; return the form of each column's texts."""
    frame = content.frame
    head = {"bold": True, "bottom": 1, "valign": "top", "text_wrap": True}
    heads = {False: book.add_format(head), True: book.add_format(head | _RANGED_RIGHT)}
    words = {wrap: book.add_format({"num_format": "@", "valign": "top", "text_wrap": wrap}) for wrap in (False, True)}
    right = book.add_format({"num_format": "@", **_RANGED_RIGHT})
    forms = []
    for column, name in enumerate(map(str, frame.columns)):
        cells = [cell for cell in frame.iloc[:_LOOKED_AT, column] if not _is_missing(cell)]
        longest = max(map(len, map(str, cells)), default=0)
        is_right = name in content.right or (bool(cells) and all(map(_is_number, cells)))
        sheet.set_column(column, column, min(max(longest + 2, len(name) + 4, _NARROWEST), _WIDEST))
        sheet.write_string(0, column, name, heads[is_right])
        forms.append(right if name in content.right else words[_WIDEST < longest <= _LONG])
    if len(frame.columns):
        from xlsxwriter.utility import xl_range

        area = (0, 0, len(frame), len(frame.columns) - 1)
        sheet.autofilter(*area)
        sheet.ignore_errors({"number_stored_as_text": xl_range(*area)})
    sheet.freeze_panes(1, 0)
    sheet.repeat_rows(0)
    sheet.set_landscape()
    sheet.set_paper(_A4)
    sheet.fit_to_pages(1, 0)
    return forms


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


def _is_number(cell: object) -> bool:
    return isinstance(cell, Real) and not isinstance(cell, bool)


def _write_number(sheet: Any, row: int, column: int, value: float, form: Any) -> None:
    """Write a number as one where a workbook's 16 digits hold it exactly, else as text; nothing for NaN."""
    if math.isnan(value):
        return
    if math.isfinite(value) and float(f"{value:.16G}") == value:
        sheet.write_number(row, column, value, form)
    else:
        sheet.write_string(row, column, repr(float(value)), form)


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
    return cell is None or type(cell).__name__ in ("NAType", "NaTType") or cell != cell


def measure_cell(text: str) -> int:
    """How long a text is, as a spreadsheet counts."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _fit(text: str) -> str:
    if len(text) <= MAX_CELL // 2 or measure_cell(text) <= MAX_CELL:
        return text
    mark = f" [... cut here: the table has {len(text):,} characters]"
    start = text.encode("utf-16-le", "surrogatepass")[: 2 * (MAX_CELL - len(mark))]
    return start.decode("utf-16-le", "ignore") + mark
