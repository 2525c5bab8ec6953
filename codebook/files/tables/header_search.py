"""Where the header of a table stands: in which of its first rows, and if not where it was looked for, where else."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from io import StringIO
from itertools import islice
from pathlib import Path

from codebook.errors import Fault
from codebook.files.decode import DELIMITERS, allow_long_fields
from codebook.files.tables.formats import RowLayout, as_text, is_text
from codebook.files.tables.workbook import iter_cells
from codebook.files.unfolding import open_text

_N_HEAD = 50
_SAMPLE = 1 << 16

Head = list[tuple[int, list[str]]]
"""The first rows of a table that are not empty: the number of each in its file, and its cells."""


def read_text_heads(path: Path, encoding: str, signs: Iterable[str] = DELIMITERS) -> list[Head]:
    """Return the head of a text file, for each sign that may stand between columns."""
    with open_text(path, encoding) as file:
        sample = file.read(_SAMPLE)
    return [_part(sample, sign) for sign in signs]


def _part(sample: str, sign: str) -> Head:
    allow_long_fields()
    reader, head, before = csv.reader(StringIO(sample, newline=""), delimiter=sign), Head(), 0
    try:
        for record in reader:
            if any(cell.strip() for cell in record):
                head.append((before + 1, record))
            before = reader.line_num
    except csv.Error:  # the reader of the whole file says what is wrong, with its line
        pass
    return head[:_N_HEAD]


def read_sheet_head(path: Path, sheet: str | None) -> Head:
    """Return the head of a sheet."""
    return [(number, [as_text(cell) for cell in cells]) for number, cells in islice(iter_cells(path, sheet), _N_HEAD)]


def typical_width(head: Head) -> float:
    """How many cells of a row are filled as a rule."""
    from statistics import median

    return median([_width(cells) for _, cells in head]) if head else 0


def _width(cells: list[str]) -> int:
    return sum(bool(cell.strip()) for cell in cells)


def find_naming_row(head: Head) -> int:
    """The number of the row that names the columns: the first that is filled about as far as rows usually are.

    Examples
    --------
    >>> find_naming_row([(1, ["Our study"]), (3, ["id", "text", "anna"]), (4, ["1", "Coal is cheap.", "yes"])])
    3
    """
    least = max(1.0, 0.6 * typical_width(head))
    fitting = [number for number, cells in head if _width(cells) >= least]
    return fitting[0] if fitting and fitting[0] <= head[len(head) // 2][0] else 1


def find_header(rows: RowLayout, names: Sequence[str]) -> Fault | None:
    """Return the fault of a header that holds all these names and stands elsewhere, with what to give; or None."""
    at = min(filter(None, (_find_names(head, names, above=rows.skip_rows + 1) for head in _heads(rows))), default=0)
    header = f"the header with {', '.join(map(repr, names))} is"
    if at:
        return Fault(
            rows.path.name, f"{header} in {_name_line(rows)} {at}, not in the first one", _say_form(skip_rows=at - 1)
        )
    for sheet in rows.sheets:
        if sheet != (rows.sheet or rows.sheets[0]) and (at := _find_names(read_sheet_head(rows.path, sheet), names)):
            form: dict[str, object] = {"sheet": sheet, **({"skip_rows": at - 1} if at > 1 else {})}
            return Fault(rows.path.name, f"{header} on the sheet {sheet!r}, in row {at}", _say_form(**form))
    return None


def guess_elsewhere(rows: RowLayout) -> list[Fault]:
    """Return where else the columns may be, whatever they are called: below a title, or on a sheet not read."""
    faults = [_guess_header(rows)]
    if others := [sheet for sheet in rows.sheets if sheet != (rows.sheet or rows.sheets[0])]:
        problem = f"the sheet {(rows.sheet or rows.sheets[0])!r} was read; not read: {', '.join(map(repr, others))}"
        faults.append(Fault(rows.path.name, problem, f"for another sheet, {_say_form(sheet=others[0])}"))
    return [fault for fault in faults if fault]


def _guess_header(rows: RowLayout) -> Fault | None:
    """Return the fault of a first row that looks like a title, where a row below looks like the header."""
    whole = max(_heads(rows), key=typical_width, default=Head())
    head = [(number, cells) for number, cells in whole if number > rows.skip_rows and _width(cells)]
    at = find_naming_row(head)
    if not head or at <= head[0][0] or typical_width(head) < 2:
        return None
    cells = [cell for cell in dict(head)[at] if cell.strip()]
    problem = f"the header seems to be in {_name_line(rows)} {at}: {', '.join(map(repr, cells[:8]))}"
    return Fault(rows.path.name, problem, _say_form(skip_rows=at - 1))


def _name_line(rows: RowLayout) -> str:
    return "line" if is_text(rows.path) else "row"


def _say_form(**form: object) -> str:
    """What to give, as yaml and as options of a command."""
    pairs = ", ".join(f"`{name}: {value}`" for name, value in form.items())
    options = " ".join(f"--form {name}={_quote(str(value))}" for name, value in form.items())
    return f"give {pairs} (`{options}`)"


def _quote(value: str) -> str:
    return f'"{value}"' if " " in value else value


def _find_names(head: Head, names: Sequence[str], above: int = 0) -> int:
    return next((number for number, cells in head if number > above and set(names) <= set(cells)), 0)


def _heads(rows: RowLayout) -> list[Head]:
    """The head of a csv file, with each sign that may stand between columns, or of a sheet; none of other files."""
    if is_text(rows.path):
        return read_text_heads(rows.path, rows.encoding)
    return [read_sheet_head(rows.path, rows.sheet)] if rows.kind == ".xlsx" else []
