"""Where the header of a table stands, if not where it was looked for: further down, or on another sheet."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice

from codebook.errors import Fault
from codebook.files.decode import DELIMITERS
from codebook.files.formats import RowLayout, as_text, is_text
from codebook.files.workbook import iter_cells

_N_HEAD = 50

Head = tuple[int, list[str]]
"""A line or row of a file, and its cells."""


def find_header(rows: RowLayout, names: Sequence[str]) -> Fault | None:
    """Return the fault of a header that holds all these names and stands elsewhere, with what to give; or None."""
    at = _find_names(_first_heads(rows), names, above=rows.skip_rows + 1)
    header = f"the header with {', '.join(map(repr, names))} stands"
    if at:
        return Fault(
            rows.path.name, f"{header} in {_name_line(rows)} {at}, not in the first", _say_form(skip_rows=at - 1)
        )
    for sheet in rows.sheets:
        if sheet != (rows.sheet or rows.sheets[0]) and (at := _find_names(_first_rows(rows, sheet), names)):
            form: dict[str, object] = {"sheet": sheet, **({"skip_rows": at - 1} if at > 1 else {})}
            return Fault(rows.path.name, f"{header} on the sheet {sheet!r}, in row {at}", _say_form(**form))
    return None


def guess_elsewhere(rows: RowLayout) -> list[Fault]:
    """Return where else the columns may be, whatever they are called: below a title, or on a sheet not read."""
    faults = [_guess_header(rows)]
    if others := [sheet for sheet in rows.sheets if sheet != (rows.sheet or rows.sheets[0])]:
        problem = f"the sheet {(rows.sheet or rows.sheets[0])!r} was read, and not {', '.join(map(repr, others))}"
        faults.append(Fault(rows.path.name, problem, f"for another one {_say_form(sheet=others[0])}"))
    return [fault for fault in faults if fault]


def _guess_header(rows: RowLayout) -> Fault | None:
    """Return the fault of a first row that looks like a title, where a wider row below looks like the header."""
    heads = [(number, [cell for cell in cells if cell.strip()]) for number, cells in _split_alike(rows)]
    heads = [(number, cells) for number, cells in heads if number > rows.skip_rows and cells]
    widest = max((len(cells) for _, cells in heads), default=0)
    if len(heads) < 2 or len(heads[0][1]) > 1 or widest < 2:
        return None
    at, cells = next(head for head in heads if len(head[1]) == widest)
    problem = f"the header seems to stand in {_name_line(rows)} {at}: {', '.join(map(repr, cells[:8]))}"
    return Fault(rows.path.name, problem, _say_form(skip_rows=at - 1))


def _split_alike(rows: RowLayout) -> list[Head]:
    """The first lines, parted by the sign that gives most of them one width; or the first rows of a sheet."""
    if not is_text(rows.path):
        return list(_first_heads(rows))
    parted = [
        [(number, next(csv.reader([line], delimiter=sign), [])) for number, line in _first_lines(rows)]
        for sign in DELIMITERS
    ]
    return max(
        parted, key=lambda heads: max(Counter(len(cells) for _, cells in heads if len(cells) > 1).values(), default=0)
    )


def _name_line(rows: RowLayout) -> str:
    return "line" if is_text(rows.path) else "row"


def _say_form(**form: object) -> str:
    """What to give, as yaml and as options of a command."""
    pairs = ", ".join(f"`{name}: {value}`" for name, value in form.items())
    options = " ".join(f"--form {name}={_quote(str(value))}" for name, value in form.items())
    return f"give {pairs} (`{options}`)"


def _quote(value: str) -> str:
    return f'"{value}"' if " " in value else value


def _find_names(heads: Iterator[Head], names: Sequence[str], above: int = 0) -> int:
    try:
        return next((number for number, head in heads if number > above and set(names) <= set(head)), 0)
    except csv.Error:
        return 0


def _first_heads(rows: RowLayout) -> Iterator[Head]:
    """The first lines of a csv file, with each sign that may stand between columns, or rows of a sheet."""
    if is_text(rows.path):
        for number, line in _first_lines(rows):
            yield from ((number, next(csv.reader([line], delimiter=sign), [])) for sign in DELIMITERS)
    elif rows.path.suffix.lower() == ".xlsx":
        yield from _first_rows(rows, rows.sheet)


def _first_rows(rows: RowLayout, sheet: str | None) -> Iterator[Head]:
    for number, cells in islice(iter_cells(rows.path, sheet), _N_HEAD):
        yield number, [as_text(cell) for cell in cells]


def _first_lines(rows: RowLayout) -> Iterator[tuple[int, str]]:
    with rows.path.open("r", encoding=rows.encoding, newline="") as file:
        for number in range(1, _N_HEAD + 1):
            yield number, file.readline(1 << 16).rstrip("\r\n")
