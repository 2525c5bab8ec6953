"""The cells of a workbook's sheet, as a stream, with their texts exact.

A workbook is a zip archive of XML. Its sizes are looked at before anything is unfolded, and what it says of the size of
a sheet is not believed.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import closing
from enum import Enum
from pathlib import Path
from typing import Any
from zipfile import ZipFile, ZipInfo

from codebook.errors import Fault, UnitsError
from codebook.files.unfolding import say_size

MAX_EMPTY_ROWS = 100_000
MAX_COLUMNS = 16_384
"""That is all that a sheet can have."""

_OLE = bytes.fromhex("D0CF11E0A1B11AE1")
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_CSV = "save the sheet as csv (in Excel: 'CSV UTF-8') and use that file"

Cells = tuple[Any, ...]


class Formula(Enum):
    """What stands for the value of a formula where the workbook holds none."""

    NO_VALUE = "a formula without a value"


def iter_cells(path: Path, name: str | None = None) -> Iterator[tuple[int, Cells]]:
    """Yield (number, cells) of the rows of a sheet (the first, or the one named) that are not empty.

    A formula gives the value that was stored with it, or `Formula.NO_VALUE`.
    """
    from openpyxl.utils.escape import unescape

    refuse_bombs(path)
    reader, sheets = _open(path)
    with closing(reader.archive):
        parser = _parse_rows(reader, _find_part(sheets, path, name))
        last, n_empty = 0, 0
        while (row := _next_row(parser)) is not None:
            number, cells = row
            if any(cell.strip() if isinstance(cell, str) else cell is not None for cell in cells):
                last, n_empty = number, 0
                yield number, tuple(unescape(cell) if isinstance(cell, str) else cell for cell in cells)
            elif (n_empty := n_empty + 1) > MAX_EMPTY_ROWS:
                problem = f"there are more than {MAX_EMPTY_ROWS:,} empty rows below row {last:,}"
                mend = f"delete the rows below the table and save it again, or {_CSV}"
                raise UnitsError(f"{path.name} cannot be read.", [Fault(path.name, problem, mend)])


def refuse_bombs(path: Path) -> None:
    """Refuse a workbook that would unfold to more than any table holds, or whose XML brings its own definitions."""
    with path.open("rb") as file:
        if file.read(8) == _OLE:
            problem = "it is an old .xls workbook, or a workbook with a password"
            mend = f"open it in Excel, remove the password and save it as .xlsx; or {_CSV}"
            raise UnitsError(f"{path.name} is not opened.", [Fault(path.name, problem, mend)])
    with ZipFile(path) as archive:
        faults = [fault for part in archive.infolist() if (fault := _find_bomb(archive, part, path.name))]
    UnitsError.raise_any(f"{path.name} is not opened.", faults)


def _find_bomb(archive: ZipFile, part: ZipInfo, name: str) -> Fault | None:
    if growth := say_size(part.file_size, part.compress_size):
        return Fault(f"{name}, {part.filename}", growth, _CSV)
    if part.filename.endswith((".xml", ".rels")):
        with archive.open(part) as file:
            if b"<!DOCTYPE" in file.read(1_000).upper():
                return Fault(f"{name}, {part.filename}", "it defines XML entities, which a workbook never does", _CSV)
    return None


def _open(path: Path) -> tuple[Any, dict[str, str]]:
    """Open a workbook as far as its texts, formats and sheets (name -> place in the archive), and no further."""
    from openpyxl.styles.stylesheet import apply_stylesheet

    reader = _read_outline(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        try:
            apply_stylesheet(reader.archive, reader.wb)
            reader.shared_strings = _read_strings(reader)
            return reader, _find_sheets(reader)
        except BaseException:
            reader.archive.close()
            raise


def _read_outline(path: Path) -> Any:
    """Open a workbook as far as what sheets it has."""
    from openpyxl.reader.excel import ExcelReader

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of styles and validations, which hold no data
        reader = ExcelReader(path, read_only=True, data_only=True, keep_links=False)
        try:
            reader.read_manifest()
            reader.read_workbook()
        except BaseException:
            reader.archive.close()
            raise
    return reader


def _find_sheets(reader: Any) -> dict[str, str]:
    """Sheets by name, each with its place in the archive."""
    sheets = [(sheet.name, rel) for sheet, rel in reader.parser.find_sheets()]
    return {name: str(rel.target) for name, rel in sheets if "chartsheet" not in rel.Type}


def list_sheets(path: Path) -> tuple[str, ...]:
    """Return the names of a workbook's sheets, in its order."""
    refuse_bombs(path)
    reader = _read_outline(path)
    with closing(reader.archive):
        return tuple(_find_sheets(reader))


def find_merged(path: Path, name: str | None = None) -> list[str]:
    """Return the cells of a sheet that are merged over several rows, such as "A3:A4": all but the first are empty."""
    from openpyxl.utils.cell import range_boundaries
    from openpyxl.xml.functions import iterparse

    reader = _read_outline(path)
    ranges = []
    with closing(reader.archive), reader.archive.open(_find_part(_find_sheets(reader), path, name)) as source:
        for _, element in iterparse(source):
            if element.tag == f"{_MAIN}mergeCell":
                _, first, _, last = range_boundaries(element.get("ref", "A1"))
                ranges += [element.get("ref")] if first != last else []
            elif element.tag == f"{_MAIN}row":
                element.clear()
    return ranges


def _read_strings(reader: Any) -> list[str]:
    """Return the texts of a workbook as they stand.

    A workbook holds control characters as `_xHHHH_`, and a text that looks so with `_x005F` before it. openpyxl's own
    reader drops every "x005F_", after which the two cannot be told apart.
    """
    from openpyxl.xml.constants import SHARED_STRINGS
    from openpyxl.xml.functions import iterparse

    part = reader.package.find(SHARED_STRINGS)
    strings: list[str] = []
    if part is None:
        return strings
    with reader.archive.open(part.PartName[1:]) as file:
        for _, node in iterparse(file):
            if node.tag == f"{_MAIN}si":
                strings.append("".join(_find_texts(node)))
                node.clear()
    return strings


def _find_texts(node: Any) -> Iterator[str]:
    """The text of a cell, or of its runs of one form; how it is spoken (`rPh`) is left out."""
    for child in node:
        if child.tag == f"{_MAIN}t":
            yield child.text or ""
        elif child.tag == f"{_MAIN}r":
            yield child.findtext(f"{_MAIN}t") or ""


def _find_part(sheets: dict[str, str], path: Path, name: str | None) -> str:
    """The place in the archive of the sheet that is meant."""
    if not sheets:
        raise UnitsError(f"{path.name} cannot be read.", [Fault(path.name, "it has no sheet", _CSV)])
    if name is not None and name not in sheets:
        mend = f"use one of {', '.join(map(repr, sheets))}"
        raise UnitsError(f"{path.name} cannot be read.", [Fault(path.name, f"there is no sheet {name!r}", mend)])
    return sheets[name] if name is not None else next(iter(sheets.values()))


def _parse_rows(reader: Any, part: str) -> Iterator[tuple[int, list[Any]]]:
    """Yield (number, cells) of the rows of a sheet as they come, each as wide as its last cell."""
    from openpyxl.worksheet._reader import WorkSheetParser
    from openpyxl.xml.functions import iterparse

    class CellParser(WorkSheetParser):
        def parse_cell(self, element: Any) -> dict[str, Any]:
            cell: dict[str, Any] = super().parse_cell(element)
            if cell["value"] is None and element.get("t") != "str" and element.find(f"{_MAIN}f") is not None:
                cell["value"] = Formula.NO_VALUE
            return cell

    book = reader.wb
    with reader.archive.open(part) as source:
        parser = CellParser(
            source,
            reader.shared_strings,
            data_only=True,
            epoch=book.epoch,
            date_formats=book._date_formats,
            timedelta_formats=book._timedelta_formats,
        )
        for _, element in iterparse(source):
            if element.tag == f"{_MAIN}row":
                number, cells = parser.parse_row(element)
                yield number, _place(cells)
                element.clear()


def _place(cells: list[dict[str, Any]]) -> list[Any]:
    """Put cells at their columns; a sheet leaves out those that are empty."""
    width = max((cell["column"] for cell in cells), default=0)
    if width > MAX_COLUMNS:
        raise ValueError(f"there is a cell beyond column {MAX_COLUMNS:,}")
    placed = [None] * width
    for cell in cells:
        placed[cell["column"] - 1] = cell["value"]
    return placed


def _next_row(parser: Iterator[tuple[int, list[Any]]]) -> tuple[int, list[Any]] | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a date outside the calendar, which is read as #VALUE!
        return next(parser, None)
