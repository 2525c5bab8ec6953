"""A workbook that came back, opened: is it one of ours, is it whole, and whose is it?"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from codebook.coding.coder_state import Turn
from codebook.coding.handouts.workbook_cells import Spoilt, read_text
from codebook.coding.handouts.workbook_columns import (
    ABOUT,
    CODES,
    CODING,
    FORMAT,
    INSTRUCTIONS,
    Column,
    lay_out_columns,
)
from codebook.errors import Fault, TableError
from codebook.files.digests import digest_of
from codebook.files.tables.rows import reading
from codebook.files.tables.workbook import refuse_bombs
from codebook.paths import find_file_fault
from codebook.scheme import Codebook

_TAKE_NEW = "copy the answers into a new workbook of this coder"
_SAVE = "open it in the spreadsheet and save it as an Excel workbook (.xlsx)"


@dataclass(frozen=True)
class WorkbookAbout:
    """What a workbook says of itself on its hidden sheet.

    `key` is that of this very workbook, whatever the file is called. `variables` are the digests of the definitions by
    which it asks; `turns` have the digest of each text.
    """

    name: str
    sha256: str
    key: str
    study: str
    coder: str
    assignment: str
    variables: Mapping[str, str]
    turns: Mapping[Turn, str]

    @cached_property
    def _by_name(self) -> dict[tuple[str, str], Turn]:
        return {(turn.unit, str(turn.draw + 1)): turn for turn in self.turns}

    @cached_property
    def _by_text(self) -> dict[str, str]:
        return {text: turn.unit for turn, text in reversed([*self.turns.items()])}

    def find(self, unit: str, again: str) -> Turn | None:
        """The turn of a unit and the time that it is shown."""
        return self._by_name.get((unit, again))

    def find_by_text(self, text: str) -> str:
        """The id of the unit whose text has this digest; "" where there is none."""
        return self._by_text.get(text, "")

    def has_text(self, turn: Turn, text: str) -> bool:
        """Whether a text has the digest of that of a turn."""
        return self.turns[turn] == text

    def lay_out(self, codebook: Codebook) -> list[Column]:
        """The columns that must be there: those of the variables that it asks, without contexts."""
        columns = lay_out_columns(codebook, again=any(turn.draw for turn in self.turns))
        return [column for column in columns if not column.variable or column.variable in self.variables]


@contextmanager
def open_returned(path: Path, spoilt: Spoilt) -> Iterator[tuple[Any, WorkbookAbout]]:
    """Open a workbook, and read what it says of itself; faults that end the reading go into `spoilt`."""
    from openpyxl import load_workbook

    _check_kind(path)
    with reading(path, TableError):
        refuse_bombs(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of extensions of Excel that openpyxl leaves out
            book = load_workbook(path, keep_links=False)
    try:
        about = _read_about(path, book)
        _check_sheets(book.sheetnames, book, spoilt)
        yield book, about
    finally:
        book.close()


def _check_kind(path: Path) -> None:
    """Refuse what is no .xlsx by its name; what it really is, the readers say."""
    fault = find_file_fault(path)
    if fault is None and path.suffix.lower() not in (".xlsx", ".xlsm"):
        problem = (
            f"a file that ends in {path.suffix or 'nothing'} has lost the lists, the ids and the name of the coder"
        )
        fault = Fault(path.name, problem, _SAVE)
    if fault:
        raise TableError(f"No answer was read from {path.name}.", [fault])


def _read_about(path: Path, book: Any) -> WorkbookAbout:
    """Read the hidden sheet; without it nobody knows whose answers these are."""
    rows = [[read_text(value) for value in row] for row in book[ABOUT].values] if ABOUT in book.sheetnames else []
    facts = {row[0]: row[1] for row in rows if len(row) > 1}
    ends = next((number for number, row in enumerate(rows) if row[:2] == ["unit", "round"]), 0)
    if facts.get("format") != FORMAT or not ends:
        problem = f"the hidden sheet {ABOUT!r} is missing, so it is not known whose answers these are"
        if ABOUT in book.sheetnames:
            problem = f"its hidden sheet {ABOUT!r} was changed"
        elif CODING not in book.sheetnames:
            problem = "it is not a workbook that was handed out to a coder"
        raise TableError(f"No answer was read from {path.name}.", [Fault(path.name, problem, _TAKE_NEW)])
    facts = {row[0]: row[1] for row in rows[:ends]}
    variables = {name[9:]: text for name, text in facts.items() if name.startswith("variable ")}
    turns = {Turn(unit, name, int(draw)): text for unit, name, draw, text in (row[:4] for row in rows[ends + 1 :])}
    about = (facts["key"], facts["study"], facts["coder"], facts["assignment"], variables, turns)
    return WorkbookAbout(path.name, digest_of(path), *about)


def _check_sheets(names: Sequence[str], book: Any, spoilt: Spoilt) -> None:
    """Say whether the sheet of answers is gone, and which sheets were added."""
    ours = (CODING, CODES, INSTRUCTIONS, ABOUT)
    strange = [name for name in names if name not in ours]
    if CODING not in names:
        added = f"; it has {', '.join(map(repr, strange))}" if strange else ""
        spoilt.add(
            "the workbook", f"it has no sheet {CODING!r}{added}", f"rename the sheet with the answers to {CODING!r}"
        )
    for name in strange if CODING in names else ():
        if any(value is not None for row in book[name].values for value in row):
            spoilt.remark(f"The sheet {name!r} was not read.")
