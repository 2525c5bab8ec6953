"""A copy of the table for spreadsheets: text cells, so that what looks like a formula or a link stays a text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from codebook.codings.coverage_counts import count_coverage
from codebook.errors import Fault, TableError
from codebook.files.lines import write_atomic
from codebook.files.tables import open_rows
from codebook.files.tables.workbook_writer import MAX_CELL, MAX_ROWS, SheetOfFrame, measure_cell, write_workbook
from codebook.ground.quantities import say_count

if TYPE_CHECKING:
    from codebook.scheme import Codebook

SHEET = "codings"
_MAY_BE_CUT = ("evidence", "raw", "detail", "quote", "error_info", "text")
_MARK = re.compile(r" \[\.\.\. cut here: the table has [\d,]+ characters\]\Z")
_TEXT = "text of the unit"
"""Column of the texts, which are no part of the table: reading leaves it out."""


def write_sheet(
    table: pd.DataFrame,
    path: Path,
    name: str = SHEET,
    *,
    texts: Mapping[str, str] | None = None,
    codebook: Codebook | None = None,
) -> str:
    """Write a table as a sheet, codings with texts beside the labels, their coverage and the codebook on further ones.

    Returns a sentence on cut cells, or nothing.
    """
    _check_fits(table)
    frame = table if texts is None else _put_texts(table, texts)
    coverage = [SheetOfFrame("coverage", count_coverage(table))] if name == SHEET else []
    book = [SheetOfFrame("codebook", list_categories(codebook))] if codebook else []
    with write_atomic(path) as file:
        n_cut = write_workbook(file, [SheetOfFrame(name, frame), *coverage, *book])
    if not n_cut:
        return ""
    was = say_count(n_cut, "text was", "texts were")
    return f" {was} cut to what a cell can hold ({MAX_CELL:,} characters) and marked; .jsonl keeps all."


def _put_texts(table: pd.DataFrame, texts: Mapping[str, str]) -> pd.DataFrame:
    """The table with the text of each unit beside its id."""
    frame = table.copy()
    frame.insert(1, _TEXT, table["unit_id"].map(lambda unit: texts.get(unit, "")))
    return frame


def list_categories(book: Codebook) -> pd.DataFrame:
    """Return a row for each category of a codebook: what coders were asked, and what each code means."""
    rows = [
        {
            "variable": variable.name,
            "question": variable.question,
            "code": category.name,
            "definition": category.definition,
            "include": "; ".join(category.include),
            "exclude": "; ".join(category.exclude),
        }
        for variable in book.variables
        for category in (*variable.categories, *variable.abstain)
    ]
    return pd.DataFrame(rows)


def read_sheet(path: Path) -> tuple[pd.DataFrame, list[str]]:
    """Read the sheet of codings back as a frame of texts; the notes say if texts had been cut."""
    rows = open_rows(path, sheet=SHEET)
    columns: dict[str, list[str]] = {name: [] for name in rows.columns if name != _TEXT}
    n_cut = 0
    for row in rows:
        for name, text in ((name, text) for name, text in row.items() if name in columns):
            columns[name].append(text)
            n_cut += name in _MAY_BE_CUT and _MARK.search(text) is not None
    notes = (
        [f"{path.name}: {say_count(n_cut, 'text was', 'texts were')} cut when this copy was written."] if n_cut else []
    )
    return pd.DataFrame(columns, dtype="str"), notes


def _check_fits(table: pd.DataFrame) -> None:
    faults = []
    mend = "write .csv, .jsonl or .parquet instead"
    if len(table) > MAX_ROWS:
        faults.append(Fault("table", f"{say_count(len(table), 'row')}, but a sheet can hold only {MAX_ROWS:,}", mend))
    for name in table.columns:
        if name not in _MAY_BE_CUT and pd.api.types.is_string_dtype(table[name].dtype):
            for text in table[name][table[name].str.len() > MAX_CELL // 2]:
                if measure_cell(text) > MAX_CELL:
                    faults.append(
                        Fault(f"column {name!r}, {text[:40]!r}...", "the text is longer than a cell can hold", mend)
                    )
    TableError.raise_any("The table does not fit a spreadsheet.", faults)
