"""Tables whose headings depend on the program's language and on what was switched on: which column is what.

Headings are compared without capitals, blanks and signs, and a person may always say which is which.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from codebook.errors import Fault, TableError
from codebook.exchange.export_source import ExportSource
from codebook.exchange.reading import ReadOptions
from codebook.files.decode import allow_long_fields, find_delimiter, find_encoding, read_delimiter
from codebook.files.tables.formats import as_text
from codebook.files.tables.rows import missing_column
from codebook.files.tables.workbook import iter_cells

Roles = Mapping[str, Sequence[str]]
"""What a column is -> the headings that it has in the programs' languages, the likeliest first."""


@dataclass(frozen=True)
class Sheet:
    """A table of texts; a heading may occur twice, and rows are as long as the header."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def find(self, heading: str) -> int:
        """The place of the column with this heading; -1 where there is none."""
        return self.columns.index(heading) if heading in self.columns else -1


def fold_heading(heading: str) -> str:
    """A heading as it is compared with others.

    Examples
    --------
    >>> fold_heading(" Document-Name "), fold_heading("Coverage %")
    ('documentname', 'coverage')
    """
    return "".join(sign for sign in heading.casefold() if sign.isalnum())


def is_table(source: ExportSource) -> bool:
    """Whether its first file is a workbook or a table of text with several columns."""
    return is_workbook(source) or len(source.columns) > 1


def is_workbook(source: ExportSource) -> bool:
    """Whether its first file is a workbook."""
    return any(name.lower() == "xl/workbook.xml" for name in source.packed_names)


def read_headings(source: ExportSource) -> tuple[str, ...]:
    """The headings of the first file alone; empty where it is no table."""
    if is_workbook(source):
        _, cells = next(iter_cells(source.first), (0, ()))
        return tuple(as_text(cell) for cell in cells)
    return source.columns


def read_sheet(source: ExportSource, options: ReadOptions) -> Sheet:
    """Read the first file as a table: text in any encoding that it shows, or a sheet."""
    if is_workbook(source):
        cells = (row for _, row in iter_cells(source.first, options.sheet or None))
        records: Iterator[list[str]] = ([as_text(cell) for cell in row] for row in cells)
    else:
        records = _read_records(source.first, options)
    header = next(records, None)
    if header is None:
        raise TableError("There is nothing to read.", [Fault(source.name, "it is empty", "export it again")])
    rows = tuple(tuple([*row, *[""] * (len(header) - len(row))][: len(header)]) for row in records)
    return Sheet(source.name, tuple(header), tuple(row for row in rows if any(row)))


def _read_records(path: Path, options: ReadOptions) -> Iterator[list[str]]:
    allow_long_fields()
    encoding = find_encoding(path, options.encoding or None).name
    if options.delimiter:
        sign = read_delimiter(options.delimiter)
    else:
        sign = "\t" if path.suffix.lower() == ".tsv" else find_delimiter(path, encoding)
    with path.open(encoding=encoding, newline="") as file:
        first = next(file, "").removeprefix("\ufeff")
        yield from (row for row in csv.reader(chain([first] if first else [], file), delimiter=sign) if row)


def count_roles(columns: Sequence[str], roles: Roles) -> int:
    """How many of the known headings are there."""
    folded = set(map(fold_heading, columns))
    return sum(any(fold_heading(heading) in folded for heading in headings) for headings in roles.values())


def find_roles(sheet: Sheet, roles: Roles, columns: Mapping[str, str], needed: Sequence[str]) -> dict[str, int]:
    """Return what is known of the columns, role -> its place; `columns` is what a person says, role -> heading.

    Raises
    ------
    TableError
        A heading is not there; two columns may be the same; a role that is needed is not found. All faults are listed.

    Examples
    --------
    >>> sheet = Sheet("a.csv", ("Dokumentname", "Code"), ())
    >>> find_roles(sheet, {"document": ["Document name", "Dokumentname"], "code": ["Code"]}, {}, ["document"])
    {'document': 0, 'code': 1}
    """
    places, faults = dict[str, int](), list[Fault]()
    for role, heading in columns.items():
        if role in roles and heading in sheet.columns:
            places[role] = sheet.find(heading)
        elif role in roles:
            faults.append(missing_column(sheet.name, heading, sheet.columns, f"`columns: {role}`"))
    folded = [fold_heading(column) for column in sheet.columns]
    for role, headings in roles.items():
        likeliest = next((known for known in map(fold_heading, headings) if known in folded), None)
        fitting = [at for at, name in enumerate(folded) if name == likeliest]
        if role not in columns and len(fitting) > 1:
            faults.append(Fault(sheet.name, f"{len(fitting)} columns could be the {role}", _say_columns(role, sheet)))
        elif role not in columns and fitting:
            places[role] = fitting[0]
    lost = [role for role in needed if role not in places and role not in columns]
    faults += [
        Fault(sheet.name, f"it is not clear which column is the {role}", _say_columns(role, sheet)) for role in lost
    ]
    TableError.raise_any(f"The columns of {sheet.name} are not clear.", faults)
    return places


def _say_columns(role: str, sheet: Sheet) -> str:
    return f"write `columns: {{{role}: HEADING}}` with one of {', '.join(map(repr, dict.fromkeys(sheet.columns)))}"
