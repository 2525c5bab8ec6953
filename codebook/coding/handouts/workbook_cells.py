"""One cell of a workbook that came back: what a person meant, or why it cannot be told."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from codebook.coding.coder_state import Turn
from codebook.coding.handouts.workbook_columns import MARK
from codebook.errors import Fault, TableError, mend_name
from codebook.ground.joins import UNSEEN, find_cause, near_form, spell
from codebook.ground.quantities import say_count
from codebook.scheme import Variable
from codebook.scheme.codebook_checks import as_number
from codebook.scheme.number_values import read_number, say_bounds

_N_CELLS = 8
_COMMA = re.compile(r"[+-]?\d+,(?!\d{3}$)\d+")
"""A number with a comma for its point; before three digits at the end it may stand for thousands."""
_DATES = (date, datetime, time, timedelta)


@dataclass
class Spoilt:
    """What is wrong in a workbook, and what is worth a remark; the same thing in many cells is told once."""

    sheet: str = ""
    faults: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    remarks: dict[str, list[str]] = field(default_factory=dict)

    def add(self, where: str, problem: str, mend: str) -> None:
        """Note a fault of a cell, or of what else `where` names."""
        self.faults.setdefault((problem, mend), []).append(where)

    def remark(self, sentence: str, where: str = "") -> None:
        """Note what was taken in another way than it is written, or not at all."""
        self.remarks.setdefault(sentence, []).extend([where] if where else [])

    def check_owner(self, thing: str, owner: str, coder: str, turns: Collection[Turn]) -> None:
        """Note that a file is another coder's than was said, or that of a coder who has no units."""
        if coder and coder != owner:
            self.add(thing, f"it belongs to {owner!r}, not to {coder!r}", "read it as that coder's")
        elif not turns:
            self.add(thing, f"no units are assigned to {owner!r}", "assign them first, with codebook assign")

    def stop(self, name: str) -> None:
        """Raise the faults, if there are any: nothing is taken from a file that has one."""
        TableError.raise_any(f"No answer was read from {name}.", self.list_faults())

    def list_faults(self) -> list[Fault]:
        """The faults, in the order in which they were met."""
        return [Fault(self._say_cells(cells), *words) for words, cells in self.faults.items()]

    def list_remarks(self) -> list[str]:
        """The remarks as sentences."""
        return [f"{self._say_cells(cells)}: {what}" if cells else what for what, cells in self.remarks.items()]

    def _say_cells(self, cells: Sequence[str]) -> str:
        rest = len(cells) - _N_CELLS
        more = f" and {say_count(rest, 'more cell')}" if rest > 0 else ""
        return f"{', '.join(cells[:_N_CELLS])}{more}"


def read_text(value: Any) -> str:
    """Return the text of a cell as it was written; "" for an empty one, a whole number without its decimals.

    Examples
    --------
    >>> read_text(7.0), read_text("bell_x0007_"), read_text(None)
    ('7', 'bell\\x07', '')
    """
    from openpyxl.utils.escape import unescape

    if value is None:
        return ""
    if isinstance(value, str):
        return str(unescape(value))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def strip(text: str) -> str:
    """A text without blanks and unseen signs at its ends.

    Examples
    --------
    >>> strip("\\u00a0 jobs\\u200b ")
    'jobs'
    """
    seen = [at for at, sign in enumerate(text) if not sign.isspace() and unicodedata.category(sign) not in ("Cc", "Cf")]
    return text[seen[0] : seen[-1] + 1] if seen else ""


def find_unreadable(cell: Any) -> tuple[str, str] | None:
    """Return (problem, mend) of a cell that holds a formula, an error, a date or a truth value; else None."""
    if cell.data_type == "f":
        return "the cell contains a formula, so its value is not certain", "write its value as text"
    if cell.data_type == "e":
        return f"the spreadsheet shows an error in this cell ({cell.value})", "write the answer again"
    if isinstance(cell.value, _DATES):
        return f"the spreadsheet turned the answer into the date {cell.value}", "write it again as text"
    if isinstance(cell.value, bool):
        return f"it is the logical value {str(cell.value).upper()}", "write it again as text"
    return None


def read_choice(value: Any, labels: Sequence[str], spoilt: Spoilt, where: str) -> str | None:
    """Return the code that a cell names to the letter; blanks around it are told, all else is a fault."""
    text = read_text(value)
    if not strip(text):
        return None
    if text in labels:
        return text
    if not isinstance(value, str) and len(same := [each for each in labels if as_number(each) == value]) == 1:
        return same[0]
    near = {near_form(label): label for label in labels}.get(near_form(text))
    if near and all(cause in UNSEEN for cause in find_cause(text, near).split(" and ")):
        spoilt.remark(f"{spell(text)} was read as {near!r} (the two differ by {find_cause(text, near)}).", where)
        return near
    mend = f"did you mean {near!r}?" if near else mend_name(text, labels, f"choose one of {', '.join(labels[:12])}")
    spoilt.add(where, f"{spell(text)} is not a code of this column", mend)
    return None


def read_typed(value: Any, variable: Variable, spoilt: Spoilt, where: str) -> str | None:
    """Return the number or the text of a cell; a comma for a point is told, all else that is no number is a fault."""
    text = strip(read_text(value))
    if not text or not variable.is_number:
        return text or None
    if text in variable.labels:
        return text
    if _COMMA.fullmatch(text):
        spoilt.remark(f"{text!r} was read as {text.replace(',', '.')} (a decimal comma).", where)
        text = text.replace(",", ".")
    number, problem = read_number(text, variable)
    if problem:
        codes = "".join(f", or {code}" for code in variable.labels)
        spoilt.add(where, problem, f"write a number {say_bounds(variable)}".rstrip() + codes)
    return number


def read_mark(value: Any, spoilt: Spoilt, where: str) -> bool:
    """Return whether a cell is marked."""
    text = strip(read_text(value))
    if text and text.casefold() != MARK:
        spoilt.add(where, f"{text!r} is not a valid mark", f"write {MARK}, or empty the cell")
    return bool(text)
