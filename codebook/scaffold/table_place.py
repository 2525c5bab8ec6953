"""Where in a file the table of texts stands: which sheet of a workbook, and which row names the columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import mean

from codebook.errors import Fault, ParameterError
from codebook.files import RowFile, find_encoding, open_rows, reading
from codebook.files.decode import DELIMITERS, find_separator_line
from codebook.files.tables.formats import READERS, read_csv
from codebook.files.tables.header_search import Head, find_naming_row, read_sheet_head, read_text_heads, typical_width
from codebook.files.tables.workbook import list_sheets
from codebook.files.unfolding import find_kind

_LONGEST_NAME = 100
TEXT_CHARS = 20
"""Mean length of the cells of a column, in characters, from which on it may be one of texts."""
NAME_COLUMNS = "write a row with a name for each column above the table, or say --skip-rows N: the rows above that row"


@dataclass(frozen=True)
class TablePlace:
    """A table in a file: what has to be said so that it is read right, and why where that is a guess."""

    path: Path
    sheet: str = ""
    skip_rows: int = 0
    encoding: str = ""
    other_sheets: tuple[str, ...] = ()
    guesses: Mapping[str, str] = field(default_factory=dict)

    @property
    def form(self) -> dict[str, str]:
        """How it is read, as far as that does not go without saying."""
        parts = {"sheet": self.sheet, "skip_rows": str(self.skip_rows or ""), "encoding": self.encoding}
        return {name: value for name, value in parts.items() if value}

    def open(self) -> RowFile:
        """Open its rows."""
        form = {"sheet": self.sheet or None, "encoding": self.encoding or None, "skip_rows": self.skip_rows}
        return open_rows(self.path, **form)  # type: ignore[arg-type]


def find_place(path: Path, *, sheet: str = "", skip_rows: int | None = None) -> TablePlace:
    """Find the table in a file, by what is given and by how the first rows look.

    Raises
    ------
    UnitsError
        The file cannot be read.
    ParameterError
        Several sheets hold texts, or no row names the columns.
    """
    kind = READERS.get(find_kind(path))
    if kind is None or not path.is_file() or kind not in (read_csv, READERS[".xlsx"]):
        open_rows(path)  # which says what is wrong with it
        return TablePlace(path)
    place = _find_in_text(path) if kind is read_csv else _find_in_workbook(path, sheet)
    if skip_rows is not None:
        guesses = {name: reason for name, reason in place.guesses.items() if name != "skip_rows"}
        place = replace(place, skip_rows=skip_rows, guesses=guesses)
    _check_names(place)
    return place


def _find_in_text(path: Path) -> TablePlace:
    with reading(path):
        encoding = find_encoding(path)
    signs = "\t" if find_kind(path) == ".tsv" else DELIMITERS
    head = max(read_text_heads(path, encoding.name, signs), key=typical_width)
    skip_rows = 0 if find_separator_line(path, encoding.name) else find_naming_row(head) - 1
    guesses = _say_skipped(head, skip_rows)
    if encoding.guessed:
        guesses["encoding"] = encoding.reason
    return TablePlace(path, "", skip_rows, encoding.name if encoding.guessed else "", (), guesses)


def _find_in_workbook(path: Path, sheet: str) -> TablePlace:
    with reading(path):
        names = list_sheets(path)
        wanted = [sheet] if sheet else names  # a sheet that is not there is told by the reader
        heads = {name: read_sheet_head(path, name) for name in wanted}
    full = {name: head for name, head in heads.items() if len(head) > 1} or heads
    chosen = sheet or _choose_sheet(path, full)
    head = heads[chosen]
    skip_rows = find_naming_row(head) - 1
    guesses = _say_skipped(head, skip_rows)
    if len(full) > 1:
        guesses["sheet"] = "the only sheet with a column of texts"
    others = tuple(name for name in names if name != chosen)
    return TablePlace(path, chosen if others else "", skip_rows, "", others, guesses)


def _choose_sheet(path: Path, heads: Mapping[str, Head]) -> str:
    """The one sheet that holds something, or else the one that holds texts."""
    likely = [name for name, head in heads.items() if _has_texts(head)] if len(heads) > 1 else list(heads)
    if len(likely) == 1:
        return likely[0]
    listed = "; ".join(f"{name!r} with {len(head[0][1]) if head else 0} columns" for name, head in heads.items())
    problem = f"{len(likely) or 'none'} of its sheets look{'s' * (not likely)} like texts ({listed})"
    mend = f"name the sheet: --sheet {(likely or list(heads))[0]!r}"
    raise ParameterError("The kit cannot tell which table is meant.", [Fault(path.name, problem, mend)])


def _has_texts(head: Head) -> bool:
    columns = zip(*(cells for _, cells in head if len(cells) == len(head[-1][1])), strict=False)
    return any(mean(map(len, cells)) >= TEXT_CHARS for cells in columns)


def _say_skipped(head: Head, skip_rows: int) -> dict[str, str]:
    above = [" ".join(filter(None, cells)) for number, cells in head if number <= skip_rows]
    beginning = "; ".join(text[:60] for text in above[:2])
    where = f"the columns are named in row {skip_rows + 1}, below "
    return {"skip_rows": where + (f"{beginning!r}" if above else "empty rows")} if skip_rows else {}


def _check_names(place: TablePlace) -> None:
    """Refuse a row of data as the row that names the columns."""
    columns = place.open().columns
    where = f"{place.path.name}, row {place.skip_rows + 1}"
    long = [name for name in columns if len(name) > _LONGEST_NAME]
    if long:
        problem = f"it should name the columns, and holds {long[0][:40]!r}"
        raise ParameterError("The kit cannot tell what the columns are.", [Fault(where, problem, NAME_COLUMNS)])
