"""A plain list of labels, one column of a table, as a codebook with one variable."""

from __future__ import annotations

from pathlib import Path

from codebook.errors import Fault, SchemeError, UnitsError
from codebook.files import open_rows
from codebook.paths import resolve_path, show_path
from codebook.scheme.codebook_file import find_faults
from codebook.scheme.model import Codebook

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
    encoding: str | None = None,
) -> Codebook:
    """Turn a plain list of labels (a column of a csv or xlsx file) into a codebook with one variable.

    Parameters
    ----------
    column, definition_column
        The columns that hold the names and, where there is one, the definitions.
    kind, level, question
        As in a codebook; they are not guessed from the list.
    encoding
        Of a csv file that is not UTF-8.

    Raises
    ------
    SchemeError
        The column is missing, or the list makes no codebook.
    """
    file = resolve_path(path)
    if not file.exists():
        raise SchemeError(f"There is no list of labels at {show_path(file)}. To mend: give the path of a csv or xlsx.")
    columns, rows = _read_table(file, encoding)
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


def _read_table(file: Path, encoding: str | None) -> tuple[tuple[str, ...], list[Row]]:
    """Read a table whose first row names the columns, as tables of units are read."""
    where = show_path(file)
    if not file.stat().st_size:
        return (), []
    try:
        table = open_rows(file, encoding=encoding)
        rows = list(enumerate(table, start=2 + table.skip_rows))
    except UnitsError as error:
        raise SchemeError("The list of labels cannot be read.", error.faults) from error
    if table.guessed:
        mend = f"save the file with encoding UTF-8, or give encoding={table.encoding!r} if that is right"
        raise SchemeError("The list of labels cannot be read.", [Fault(where, table.how_encoded, mend)])
    if table.ragged:
        problem = f"a row has not {len(table.columns)} cells as the first has"
        faults = [Fault(f"{where}, row {number}", problem, "quote cells with a comma") for number in table.ragged]
        raise SchemeError(f"{where} is no even table:", faults)
    return table.columns, rows
