"""A coder's workbook: texts locked, answers chosen from lists, the codebook and what to do on sheets beside them.

The sheets are protected without a password: against slips, not against people. What a reader must know to take it back
(whose it is, which codebook, every unit and a digest of its text) stands on a hidden sheet.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

from codebook.coding.handouts.handout import Handout, print_text
from codebook.coding.handouts.workbook_columns import (
    ABOUT,
    CODES,
    CODING,
    FORMAT,
    HEAD_ROW,
    INSTRUCTIONS,
    MARK,
    Column,
    answer_role,
    lay_out_columns,
    list_codes,
)
from codebook.errors import Fault, ParameterError
from codebook.files.lines import write_atomic
from codebook.files.tables.workbook_writer import MAX_CELL, MAX_ROWS, escape_text, measure_cell, new_workbook
from codebook.ground.quantities import say_count
from codebook.scheme.model import Category, Variable
from codebook.scheme.number_values import say_bounds, spell_number
from codebook.visible import spell_line

_PAGE = "give this coder a page instead, which shows everything that the form shows"
_LINE_HEIGHT, _HIGHEST = 15, 405
_WIDTHS = {"unit": 14, "again": 7, "text": 80, "context": 18, "choice": 20, "number": 12, "words": 40}
_WIDTHS |= {"mark": 11, "note": 32, "flag": 10, "skip": 24}
_LOCKED = ("unit", "again", "text", "context")
_CODE_HEAD = ("variable", "question", "code", "definition", "it is also", "it is not", "examples")
_CODE_WIDTHS = (16, 32, 22, 60, 40, 40, 60)
_FREE_OF_LOCKS = {"format_columns": True, "format_rows": True, "autofilter": True}


def write_workbook_of(handout: Handout, path: Path) -> str:
    """Write the workbook of a coder, whole or not at all, and return a sentence on it."""
    ParameterError.raise_any(f"No workbook can be made for {handout.coder!r}.", [*_find_faults(handout)])
    with write_atomic(path) as file, new_workbook(file) as book:
        _Pages(book, handout).fill()
    n_long = sum(_height(handout.units[turn.unit].text, _WIDTHS["text"]) > _HIGHEST for turn in handout.turns)
    remark = (
        f" {say_count(n_long, 'text is', 'texts are')} longer than a row can show; read on in the formula bar above."
        * bool(n_long)
    )
    return f"{path.name}: {say_count(len(handout.turns), 'unit')} for {spell_line(handout.coder)}.{remark}"


def _find_faults(handout: Handout) -> Iterator[Fault]:
    for variable in handout.codebook.variables:
        if not answer_role(variable):
            yield Fault(
                f"variable {variable.name!r}", f"answers of the kind {variable.kind} do not fit into a cell", _PAGE
            )
    columns = lay_out_columns(handout.codebook, handout.contexts)
    heads = [column.head for column in columns]
    for head in dict.fromkeys(head for head in heads if heads.count(head) > 1):
        yield Fault("columns", f"two of them would be called {head!r}", "rename the variable, the code or the column")
    if len(handout.turns) > MAX_ROWS - HEAD_ROW:
        yield Fault("units", f"{len(handout.turns):,} units do not fit on one sheet", "give the coder fewer units")
    for name in dict.fromkeys(turn.unit for turn in handout.turns):
        unit = handout.units[name]
        if unit.files:
            yield Fault(f"unit {name!r}", "a workbook cannot show an image or PDF", _PAGE)
        elif any(measure_cell(text) > MAX_CELL for text in (unit.text, *unit.context.values())):
            yield Fault(f"unit {name!r}", f"its text is longer than a cell can hold ({MAX_CELL:,} characters)", _PAGE)


@dataclass
class _Pages:
    """The sheets of one workbook, filled row by row."""

    book: Any
    handout: Handout

    def fill(self) -> None:
        """Write all sheets; the one to fill in comes first."""
        words = {"num_format": "@", "valign": "top", "text_wrap": True}
        answer = {**words, "locked": False, "bg_color": "#FFF9E0", "border": 1, "border_color": "#C9C2A6"}
        self.locked, self.bold = self.book.add_format(words), self.book.add_format({**words, "bold": True})
        self.head = self.book.add_format({**words, "bold": True, "bottom": 1, "bg_color": "#E8EEF4"})
        self.over = self.book.add_format({"num_format": "@", "valign": "bottom", "italic": True})
        self.over_wrapped = self.book.add_format({**words, "valign": "bottom", "italic": True})
        self.answer = self.book.add_format(answer)
        self.number = self.book.add_format({**answer, "num_format": "General"})
        self.centred = self.book.add_format({**answer, "align": "center"})
        coding, codes, to_do, about = (self._add(name) for name in (CODING, CODES, INSTRUCTIONS, ABOUT))
        about.very_hidden()
        self._fill_codes(codes)
        self._fill_coding(coding)
        self._fill_instructions(to_do)
        self._fill_about(about)

    def _add(self, name: str) -> Any:
        sheet = self.book.add_worksheet(name)
        sheet._escape_control_characters = escape_text  # its own mars "_x0041_x0042_"
        sheet.protect("", _FREE_OF_LOCKS)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        return sheet

    # -- the sheet to fill in ----------------------------------------------------------------------------------

    def _fill_coding(self, sheet: Any) -> None:
        handout = self.handout
        again = any(turn.draw for turn in handout.turns)
        columns = lay_out_columns(handout.codebook, handout.contexts, again=again)
        last = HEAD_ROW + len(handout.turns) - 1
        self._head_coding(sheet, columns, last)
        for number, turn in enumerate(handout.turns, start=HEAD_ROW):
            unit = handout.units[turn.unit]
            sheet.set_row(number, _fit_height(_height(unit.text, _WIDTHS["text"])))
            cells = {"unit": unit.unit_id, "again": str(turn.draw + 1), "text": unit.text}
            for at, column in enumerate(columns):
                if column.role in _LOCKED:
                    text = cells.get(column.role, unit.context.get(column.head[1:-1], ""))
                    sheet.write_string(number, at, text, self.locked)
                else:
                    sheet.write_blank(number, at, None, self._form(column))

    def _head_coding(self, sheet: Any, columns: Sequence[Column], last: int) -> None:
        """Questions, names of columns, widths, lists to choose from, and what stays on the screen."""
        handout = self.handout
        banner = f"coder: {handout.coder}"
        sheet.set_row(0, _fit_height(max(_height(column.above, _WIDTHS[column.role]) for column in columns)))
        sheet.set_row(1, _fit_height(max(_height(column.head, _WIDTHS[column.role]) for column in columns)))
        for at, column in enumerate(columns):
            width = max(_WIDTHS[column.role], min(len(column.head) + 2, 24) if column.role == "choice" else 0)
            sheet.set_column(at, at, width)
            form = self.over if column.role == "mark" else self.over_wrapped
            sheet.write_string(0, at, column.above if at else banner, form)
        for at, column in enumerate(columns):
            sheet.write_string(1, at, column.head, self.head)
            if column.is_answer and handout.turns and (rule := self._rule(column)):
                sheet.data_validation(HEAD_ROW, at, last, at, rule)
        sheet.freeze_panes(HEAD_ROW, 1)
        sheet.repeat_rows(0, 1)
        sheet.autofilter(HEAD_ROW - 1, 0, max(last, HEAD_ROW), len(columns) - 1)
        sheet.ignore_errors({"number_stored_as_text": f"A1:XFD{last + 1}"})
        sheet.activate()
        first = next(at for at, column in enumerate(columns) if column.is_answer)
        sheet.set_selection(HEAD_ROW, first, HEAD_ROW, first)

    def _form(self, column: Column) -> Any:
        return {"mark": self.centred, "flag": self.centred, "number": self.number}.get(column.role, self.answer)

    def _rule(self, column: Column) -> dict[str, Any] | None:
        """What a spreadsheet lets a coder write into a column."""
        if column.role in ("mark", "flag"):
            message = f"Write {MARK}, or leave the cell empty."
            return {"validate": "list", "source": [MARK], "error_title": "A mark", "error_message": message}
        if column.role == "number":
            return _number_rule(self.handout.codebook.variable(column.variable))
        if column.role != "choice":
            return None
        first, last = self.places[column.variable]
        message = (
            f"Choose one of the codes of {column.variable} from the list. The sheet '{CODES}' says what they mean."
        )
        source = f"={CODES}!$C${first}:$C${last}"
        return {"validate": "list", "source": source, "error_title": "There is no such code", "error_message": message}

    # -- the sheets beside it ------------------------------------------------------------------------------------

    def _fill_codes(self, sheet: Any) -> None:
        """A row for each code; where the codes of a variable stand is kept for the lists."""
        self.places = dict[str, tuple[int, int]]()
        for at, (name, width) in enumerate(zip(_CODE_HEAD, _CODE_WIDTHS, strict=True)):
            sheet.set_column(at, at, width)
            sheet.write_string(0, at, name, self.head)
        number = 1
        for variable in self.handout.codebook.variables:
            rows = [_describe(code) for code in list_codes(variable)]
            if variable.is_number:
                rows.insert(0, ("(a number)", say_bounds(variable), "", "", ""))
            elif not rows:
                rows = [("(your words)", "", "", "", "")]
            self.places[variable.name] = (number + 1, number + len(rows))
            for place, row in enumerate(rows):
                cells = (variable.name, _say_question(variable) if place == 0 else "", *row)
                tallest = max(_height(text, width) for text, width in zip(cells, _CODE_WIDTHS, strict=True))
                sheet.set_row(number, _fit_height(tallest))
                for at, text in enumerate(cells):
                    sheet.write_string(number, at, text[:MAX_CELL], self.bold if at == 2 else self.locked)
                number += 1
        sheet.freeze_panes(1, 0)

    def _fill_instructions(self, sheet: Any) -> None:
        sheet.set_column(0, 0, 110)
        for number, text in enumerate(say_instructions(self.handout)):
            sheet.set_row(number, _fit_height(_height(text, 110)))
            sheet.write_string(number, 0, text[:MAX_CELL], self.bold if number == 0 else self.locked)

    def _fill_about(self, sheet: Any) -> None:
        handout = self.handout
        facts = {"format": FORMAT, "key": handout.key, "study": handout.study, "coder": handout.coder}
        facts |= {"assignment": handout.assignment, "codebook": handout.codebook.digest}
        for variable in handout.codebook.variables:
            facts[f"variable {variable.name}"] = handout.codebook.variable_digest(variable.name)
        rows = [(name, text, "", "") for name, text in facts.items()]
        for turn in handout.turns:
            rows.append((turn.unit, turn.round, str(turn.draw), print_text(handout.units[turn.unit].text)))
        for number, row in enumerate([*rows[: len(facts)], ("unit", "round", "draw", "text"), *rows[len(facts) :]]):
            for at, text in enumerate(row):
                sheet.write_string(number, at, text, self.locked)


def _number_rule(variable: Variable) -> dict[str, Any]:
    """What a cell for a number takes: what is in the bounds; any text too where there are abstention codes."""
    words = ", or ".join(filter(None, [f"A number {say_bounds(variable)}".strip(), *variable.labels])) + "."
    message = {"input_message": words[:255], "error_title": "Outside the bounds", "error_message": words[:255]}
    low, high = (None if each is None else spell_number(each) for each in (variable.minimum, variable.maximum))
    if variable.labels or (low is None and high is None):
        return {"validate": "any", "input_message": words[:255]}
    if low is not None and high is not None:
        return {"validate": "decimal", "criteria": "between", "minimum": low, "maximum": high, **message}
    criteria = "<=" if low is None else ">="
    return {"validate": "decimal", "criteria": criteria, "value": high if low is None else low, **message}


def say_instructions(handout: Handout) -> list[str]:
    """Return what a coder must know to fill in a workbook, a paragraph each."""
    book = handout.codebook
    lines = [f"{handout.study or book.name}: {say_count(len(handout.turns), 'unit')} for {handout.coder}"]
    lines += [f"You code: {book.unit}.", *filter(None, book.instructions.split("\n")), ""]
    lines += [f"1. Answer on the sheet '{CODING}', in the yellow cells. All other cells are locked."]
    lines += [f"2. Read what the codes mean on the sheet '{CODES}' before you begin."]
    variables = book.variables
    if any(answer_role(each) == "choice" for each in variables):
        lines += ["3. Choose a code from the list: click on the cell and on its arrow, or press Alt+Down, or type it."]
    if any(answer_role(each) == "number" for each in variables):
        lines += [f"   Where a number is asked for, type it; the sheet '{CODES}' says what range is allowed."]
    if any(answer_role(each) == "mark" for each in variables):
        lines += [
            f"   Where a question has a column for each code, write {MARK} under each code that applies. If none "
            f"applies, write {MARK} under '(none of these)': a row without any mark counts as not coded."
        ]
    lines += [
        f"4. In doubt, write a note, or {MARK} under 'flag'. If you cannot code a unit now, say why under 'skip'."
    ]
    lines += ["5. You need not finish at once. A cell that is empty is not coded yet."]
    lines += ["6. Save it as an Excel workbook (.xlsx) under its own name, and send the whole file back."]
    lines += [
        "Do not copy codes from one row to another by dragging, and do not add or delete rows, columns and sheets."
    ]
    return lines


def _say_question(variable: Variable) -> str:
    if variable.is_number:
        rule = ", or ".join([f"A number {say_bounds(variable)}".strip(), *variable.labels]) + "."
    else:
        rule = "Mark every code that applies." if variable.is_set else "Choose one." if variable.labels else ""
    return f"{variable.question} {rule}".strip()


def _describe(code: Category) -> tuple[str, str, str, str, str]:
    examples = [
        f"{each.text or each.image} ({each.why})" if each.why else each.text or each.image for each in code.examples
    ]
    return code.name, code.definition, "\n".join(code.include), "\n".join(code.exclude), "\n".join(examples)


def _height(text: str, width: int) -> int:
    """Points that a text needs in a column of some signs; wide signs, as of Chinese, count twice."""
    n_lines = sum(max(1, ceil(_measure(line) / (width - 1))) for line in text.split("\n"))
    return _LINE_HEIGHT * n_lines


def _measure(line: str) -> int:
    return len(line) + sum(sign > "\u2e7f" for sign in line)


def _fit_height(height: int) -> int:
    return min(height + 3, _HIGHEST + 3)
