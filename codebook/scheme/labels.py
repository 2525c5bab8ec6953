"""A plain list of labels, one column of a table, as a codebook with one variable."""

from __future__ import annotations

import csv
from pathlib import Path

from codebook.errors import Fault, SchemeError
from codebook.paths import resolve_path, show_path
from codebook.scheme.model import Codebook
from codebook.scheme.reading import find_faults

Row = tuple[int, dict[str, str]]
"""The number of a row in its file, and its cells by column."""


def read_label_list(
    path: str | Path,
    *,
    column: str,
    kind: str,
    level: str,
    question: str,
    definition_column: str = "",
) -> Codebook:
    """Turn a plain list of labels (a column of a csv or xlsx file) into a codebook with one variable.

    Parameters
    ----------
    column, definition_column
        The columns that hold the names and, where there is one, the definitions.
    kind, level, question
        As in a codebook; they are not guessed from the list.

    Raises
    ------
    SchemeError
        The column is missing, or the list makes no codebook.
    """
    file = resolve_path(path)
    if not file.is_file():
        raise SchemeError(f"There is no list of labels at {show_path(file)}. To mend: give the path of a csv or xlsx.")
    columns, rows = _read_xlsx(file) if file.suffix.lower() == ".xlsx" else _read_csv(file)
    missing = [name for name in (column, definition_column or column) if name not in columns]
    if missing:
        mend = f"the columns are {', '.join(columns)}"
        faults = [Fault(f"column {name!r}", "missing", mend) for name in dict.fromkeys(missing)]
        raise SchemeError(f"{show_path(file)}:", faults)
    rows = [(number, row) for number, row in rows if row[column].strip()]
    categories = [{"name": row[column], "definition": row.get(definition_column, "")} for _, row in rows]
    variable = {
        "name": _as_name(column),
        "question": question,
        "kind": kind,
        "level": level,
        "categories": categories,
    }
    stem = "".join(letter if letter.isalnum() and letter.isascii() else "-" for letter in file.stem).strip("-")[:40]
    raw = {"name": stem or "codebook", "unit": "one text", "variables": [variable]}
    faults = []
    for loc, problem, mend in find_faults(raw):
        place = loc[3] if loc[2:3] == ("categories",) and len(loc) > 3 else None
        where = f"{show_path(file)}, row {rows[place][0]}" if isinstance(place, int) else show_path(file)
        faults.append(Fault(where, problem, mend))
    if faults:
        raise SchemeError(f"{show_path(file)} makes no codebook:", faults)
    return Codebook.model_validate(raw)


def _as_name(column: str) -> str:
    """A column's heading as the name of a variable."""
    name = "".join(letter if letter.isalnum() and letter.isascii() else "_" for letter in column)[:39]
    return name if name[:1].isalpha() else f"v{name}"


def _read_xlsx(file: Path) -> tuple[list[str], list[Row]]:
    import pandas as pd

    frame = pd.read_excel(file, dtype=str, keep_default_na=False)
    columns = list(map(str, frame.columns))
    return columns, [(place, dict(zip(columns, row, strict=True))) for place, row in enumerate(frame.to_numpy(), 2)]


def _read_csv(file: Path) -> tuple[list[str], list[Row]]:
    """Read a csv whose first row names the columns; they are separated as that row is: by comma, semicolon or tab."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            heading = opened.readline()
            opened.seek(0)
            reader = csv.reader(opened, delimiter=max(",;\t", key=heading.count))
            columns = next(reader, [])
            rows = [(number, cells) for number, cells in enumerate(reader, start=2) if cells]
    except UnicodeDecodeError:
        fault = Fault(show_path(file), "not UTF-8", "save the file with encoding UTF-8")
        raise SchemeError("The list of labels cannot be read.", [fault]) from None
    uneven = [number for number, cells in rows if len(cells) != len(columns)]
    if uneven:
        problem = f"a row has not {len(columns)} cells as the first has"
        faults = [Fault(f"{show_path(file)}, row {number}", problem, "quote cells with a comma") for number in uneven]
        raise SchemeError(f"{show_path(file)} is no even table:", faults)
    return columns, [(number, dict(zip(columns, cells, strict=True))) for number, cells in rows]
