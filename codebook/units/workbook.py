"""The cells of a workbook's sheet, as a stream, with their texts exact."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

from codebook.errors import Fault, UnitsError

_STRINGS = "xl/sharedstrings.xml"
_SI = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}si"


def iter_cells(path: Path, name: str | None = None) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a sheet (the first, or the one named) as tuples of values; formulas give their cached value.

    Raises
    ------
    UnitsError
        The file is no workbook, or has no sheet of that name.
    """
    from openpyxl.utils.escape import unescape

    book = _open(path)
    try:
        if name is not None and name not in book.sheetnames:
            mend = f"use one of {', '.join(map(repr, book.sheetnames))}"
            raise UnitsError(f"{path.name} cannot be read.", [Fault(path.name, f"there is no sheet {name!r}", mend)])
        sheet = book[name if name is not None else book.sheetnames[0]]
        sheet.reset_dimensions()  # some programs write a wrong size
        if (strings := _exact_strings(path)) is not None:
            sheet._shared_strings = strings
        for cells in sheet.iter_rows(values_only=True):
            yield tuple(unescape(cell) if isinstance(cell, str) else cell for cell in cells)
    finally:
        book.close()


def _open(path: Path) -> Any:
    from openpyxl import load_workbook

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of styles and validations, which hold no data
        try:
            return load_workbook(path, read_only=True, data_only=True)
        except (BadZipFile, KeyError, OSError) as error:
            fault = Fault(path.name, f"it is no .xlsx workbook ({error})", "save it again as .xlsx, or as csv")
            raise UnitsError(f"{path.name} cannot be read.", [fault]) from None


def _exact_strings(path: Path) -> list[str] | None:
    """Return the texts of a workbook as they stand, or None where openpyxl reads them right.

    A workbook holds control characters as `_xHHHH_`, and a text that looks so with `_x005F` before it. openpyxl drops
    every "x005F_", after which the two cannot be told apart. So, where one occurs, the texts are read here.
    """
    from openpyxl.cell.text import Text
    from openpyxl.xml.functions import iterparse

    with ZipFile(path) as archive:
        parts = [part for part in archive.namelist() if part.lower() == _STRINGS]
        if not parts or not _occurs(archive, parts[0], b"x005F_"):
            return None
        strings = []
        with archive.open(parts[0]) as file:
            for _, node in iterparse(file):
                if node.tag == _SI:
                    text: Any = Text.from_tree(node)
                    strings.append(text.content)
                    node.clear()
        return strings


def _occurs(archive: ZipFile, part: str, wanted: bytes) -> bool:
    tail = b""
    with archive.open(part) as file:
        while block := file.read(1 << 20):
            if wanted in tail + block:
                return True
            tail = block[-len(wanted) :]
    return False
