"""A workbook that came back: every cell looked at, all faults at once, and the answers row by row.

Rows are joined by the ids of their units, never by their order. Nothing is taken from a workbook that has a fault.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from codebook.coding.coder_state import Turn
from codebook.coding.handouts.handout import print_text
from codebook.coding.handouts.workbook_cells import (
    Spoilt,
    find_unreadable,
    read_choice,
    read_mark,
    read_text,
    read_typed,
    strip,
)
from codebook.coding.handouts.workbook_columns import AGAIN, CODING, EXTRAS, HEAD_ROW, TEXT, UNIT, Column
from codebook.coding.handouts.workbook_opening import WorkbookAbout, open_returned
from codebook.ground.joins import join_ids, spell
from codebook.ground.quantities import is_or_are, say_count
from codebook.scheme import Codebook

Label = str | list[str]
Assigned = Callable[[str], Collection[Turn]]
"""The turns that a coder has, by the coder's name; none for a stranger."""


@dataclass(frozen=True)
class RowAnswers:
    """What a row says of a unit: labels by variable (None where the cell is empty), note, flag and reason to skip."""

    row: int
    turn: Turn
    labels: Mapping[str, Label | None]
    note: str = ""
    flag: bool = False
    skip: str = ""


@dataclass(frozen=True)
class WorkbookAnswers:
    """The answers of a workbook, what it says of itself, and what was remarked in reading it."""

    about: WorkbookAbout
    rows: Sequence[RowAnswers]
    remarks: Sequence[str] = ()


def read_answers(
    path: Path, codebook: Codebook, assigned: Assigned, *, coder: str = "", old_definitions: bool = False
) -> WorkbookAnswers:
    """Read a workbook that a coder has filled in, by the codebook of now; parameters as those of `read_workbook`."""
    spoilt = Spoilt()
    with open_returned(path, spoilt) as (book, about):
        spoilt.stop(path.name)
        spoilt.check_owner("the workbook", about.coder, coder, assigned(about.coder))
        _check_definitions(about, codebook, spoilt, old_definitions=old_definitions)
        reader = _SheetReader(book[CODING], about, codebook, frozenset(assigned(about.coder)), spoilt)
        rows = reader.read()
    spoilt.stop(path.name)
    return WorkbookAnswers(about, rows, spoilt.list_remarks())


def _check_definitions(about: WorkbookAbout, codebook: Codebook, spoilt: Spoilt, *, old_definitions: bool) -> None:
    """Say which variables the workbook asked by another definition, or not at all."""
    now = {each.name: codebook.variable_digest(each.name) for each in codebook.variables}
    for name in now.keys() - about.variables.keys():
        spoilt.remark(f"The variable {name!r} is newer than this workbook, which has no column for it.")
    for name, was in about.variables.items():
        if name not in now:
            spoilt.remark(f"The variable {name!r} is no longer in the codebook: its column was not read.")
        elif now[name] != was and old_definitions:
            spoilt.remark(
                f"The answers to {name!r} were given under an older definition; they are kept and marked as such."
            )
        elif now[name] != was:
            mend = "write a new workbook, or keep answers given under old definitions (--old-definitions)"
            spoilt.add(
                f"variable {name!r}", "the workbook uses an older definition than the one in the codebook now", mend
            )


@dataclass
class _SheetReader:
    """The sheet with the answers."""

    sheet: Any
    about: WorkbookAbout
    codebook: Codebook
    assigned: Collection[Turn]
    spoilt: Spoilt
    columns: dict[str, tuple[int, Column]] = field(default_factory=dict)

    def read(self) -> list[RowAnswers]:
        """Check the sheet as a whole, then its rows; every turn once."""
        head = self._find_columns()
        if not head:
            return []
        self._check_form(head)
        rows: dict[Turn, RowAnswers] = {}
        for number in range(head + 1, self.sheet.max_row + 1):
            if answers := self._read_row(number):
                if earlier := rows.get(answers.turn):
                    problem = f"the unit {answers.turn.unit!r} is there and also in row {earlier.row}"
                    self.spoilt.add(f"row {number}", problem, "keep one of the rows")
                rows.setdefault(answers.turn, answers)
        if lacking := [turn.unit for turn in self.about.turns if turn not in rows]:
            n, first = len(lacking), spell(lacking[0])
            self.spoilt.remark(f"{n:,} of {len(self.about.turns):,} units no longer have a row (first: {first}).")
        return list(rows.values())

    # -- the sheet as a whole ------------------------------------------------------------------------------------

    def _find_columns(self) -> int:
        """Find the row of names and the columns by them; 0 where they are not there."""
        wanted = {column.head: column for column in self.about.lay_out(self.codebook)}
        for row in range(1, HEAD_ROW + 9):
            heads = [(cell.column, strip(read_text(cell.value))) for cell in self.sheet[row]]
            if UNIT.head in {name for _, name in heads}:
                break
        else:
            mend = f"write the column names into row {HEAD_ROW} again, as in a new workbook"
            self.spoilt.add(f"row {HEAD_ROW}", f"no column is named {UNIT.head!r}", mend)
            return 0
        for at, name in heads:
            if name in self.columns:
                self.spoilt.add(self._name(row, at), f"a second column is named {name!r}", "remove one of them")
            elif name in wanted:
                self.columns[name] = (at, wanted[name])
        self._check_heads(row, heads, wanted)
        return row

    def _check_heads(self, row: int, heads: Sequence[tuple[int, str]], wanted: Mapping[str, Column]) -> None:
        """Say which columns are gone, and which were added."""
        strange = {name: at for at, name in heads if name and name not in wanted and not name.startswith("(")}
        for name in wanted.keys() - self.columns.keys():
            near = [each for each in strange if get_close_matches(name, [each.casefold()])][:1]
            problem = f"there is no column {name!r}" + (f", but one called {near[0]!r}" if near else "")
            mend = f"write {name!r} above it again" if near else "copy the column from a new workbook of this coder"
            self.spoilt.add(f"row {row}", problem, mend)
        for name, at in strange.items():
            if all(self.sheet.cell(number, at).value is None for number in range(row + 1, self.sheet.max_row + 1)):
                continue
            variable = name.partition(":")[0]
            if variable not in self.about.variables:
                self.spoilt.remark(f"The column {name!r} was added by hand and was not read.")
            elif any(each.name == variable for each in self.codebook.variables):
                mend = "code these units again with the current codebook"
                self.spoilt.add(f"column {name!r}", "this code is no longer in the codebook", mend)

    def _check_form(self, head: int) -> None:
        """Say what is merged or hidden."""
        for area in self.sheet.merged_cells.ranges:
            if area.max_row > head:
                self.spoilt.add(
                    f"cells {area.coord}", "they are merged: only the first one can hold an answer", "unmerge them"
                )
        hidden = [n for n, row in self.sheet.row_dimensions.items() if row.hidden and n > head]
        if hidden:
            n_hidden = f"{say_count(len(hidden), 'row')} {is_or_are(len(hidden))} hidden"
            self.spoilt.remark(f"{n_hidden}, as by a filter; hidden rows were read too.")
        banner = strip(read_text(self.sheet.cell(1, 1).value))
        if head > 1 and banner.startswith("coder:") and banner != f"coder: {self.about.coder}":
            problem = f"the sheet of {banner[7:]!r} is in the workbook of {self.about.coder!r}"
            self.spoilt.add(
                self._name(1, 1), problem, "do not copy sheets between workbooks; answer in your own workbook"
            )

    # -- its rows --------------------------------------------------------------------------------------------------

    def _read_row(self, number: int) -> RowAnswers | None:
        """The answers of a row; None where it is empty or nobody knows whose they are."""
        cells = {name: self.sheet.cell(number, at) for name, (at, _) in self.columns.items()}
        if not any(strip(read_text(cell.value)) for cell in cells.values()):
            return None
        turn = self._find_turn(number, cells)
        for name, cell in cells.items():
            intact = name == TEXT.head and turn and self.about.has_text(turn, print_text(read_text(cell.value)))
            if not intact and (unreadable := find_unreadable(cell)):
                self.spoilt.add(cell.coordinate, *unreadable)
        if turn is None:
            return None
        self._check_text(turn, cells)
        labels = dict(self._read_labels(cells))
        note, flag, skip = (cells[column.head] for column in EXTRAS)
        because = strip(read_text(skip.value))
        if because and labels and all(label is not None for label in labels.values()):
            problem = f"the unit {turn.unit!r} is both skipped and coded"
            self.spoilt.add(skip.coordinate, problem, "empty this cell, or remove the codes")
        flagged = read_mark(flag.value, self.spoilt, flag.coordinate)
        return RowAnswers(number, turn, labels, strip(read_text(note.value)), flagged, because)

    def _find_turn(self, number: int, cells: Mapping[str, Any]) -> Turn | None:
        """The turn that a row is about, by the id and the time that it is shown."""
        cell = cells[UNIT.head]
        name, again = read_text(cell.value), "1"
        if AGAIN.head in cells:
            again = strip(read_text(cells[AGAIN.head].value)) or "1"
        turn = self.about.find(name, again) or self.about.find(strip(name), again)
        if turn is None:
            self._refuse_id(cell, name, cells)
            return None
        if not isinstance(cell.value, str):
            self.spoilt.remark(
                "The spreadsheet turned ids into numbers; they were read as text again.", cell.coordinate
            )
        if turn not in self.assigned:
            mend = "give the coder a new workbook, or assign the unit again"
            self.spoilt.add(cell.coordinate, f"the unit {name!r} is no longer assigned to {self.about.coder!r}", mend)
            return None
        return turn

    def _refuse_id(self, cell: Any, name: str, cells: Mapping[str, Any]) -> None:
        """Say that a row's id is none of the workbook's, and which it may have been."""
        text = cells.get(TEXT.head)
        meant = self.about.find_by_text(print_text(read_text(text.value))) if text is not None else ""
        near = join_ids([name], [turn.unit for turn in self.about.turns]).near.get(name, "")
        likely = near or meant
        mend = f"write {likely!r} there, as text" if likely else "delete the row, or write its original id"
        problem = f"{spell(name)} is not a unit of this workbook" if strip(name) else "the id of the unit is missing"
        if not find_unreadable(cell):
            self.spoilt.add(cell.coordinate, problem, mend)

    def _check_text(self, turn: Turn, cells: Mapping[str, Any]) -> None:
        """Refuse a row whose text is not the one that was handed out for the unit."""
        cell = cells.get(TEXT.head)
        if (
            cell is None
            or self.about.has_text(turn, text := print_text(read_text(cell.value)))
            or find_unreadable(cell)
        ):
            return
        other = self.about.find_by_text(text)
        what = f"the text belongs to unit {other!r}" if other else "the text was edited"
        mend = "undo the sorting, and sort whole rows only" if other else "restore the original text, or delete the row"
        self.spoilt.add(cell.coordinate, f"{what}, not to {turn.unit!r}" if other else what, mend)

    def _read_labels(self, cells: Mapping[str, Any]) -> Iterator[tuple[str, Label | None]]:
        """(variable, label) of a row; None where the cell is empty."""
        for variable in self.codebook.variables:
            if variable.name not in self.about.variables:
                continue
            if variable.is_set:
                yield variable.name, self._read_set(variable.name, cells)
            elif (cell := cells.get(variable.name)) is not None and not find_unreadable(cell):
                if variable.is_number or variable.kind == "text":
                    yield variable.name, read_typed(cell.value, variable, self.spoilt, cell.coordinate)
                else:
                    yield variable.name, read_choice(cell.value, variable.labels, self.spoilt, cell.coordinate)

    def _read_set(self, variable: str, cells: Mapping[str, Any]) -> list[str] | None:
        """The codes that are marked; an empty list for none of these, None where nothing is marked."""
        marks = [(column, cells[name]) for name, (_, column) in self.columns.items() if column.role == "mark"]
        mine = [(column, cell) for column, cell in marks if column.variable == variable]
        marked = [(c.code, cell) for c, cell in mine if read_mark(cell.value, self.spoilt, cell.coordinate)]
        alone = {"", *(code.name for code in self.codebook.variable(variable).abstain)}
        for code, cell in marked:
            if code in alone and len(marked) > 1:
                what = f"{code!r} is" if code else "'(none of these)' is"
                self.spoilt.add(
                    cell.coordinate, f"{what} marked together with other codes of {variable}", "keep one or the other"
                )
        codes = {code for code, _ in marked}
        return [code for code in self.codebook.variable(variable).labels if code in codes] if marked else None

    def _name(self, row: int, column: int) -> str:
        return str(self.sheet.cell(row, column).coordinate)
