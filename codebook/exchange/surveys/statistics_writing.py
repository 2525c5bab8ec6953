"""Codings as a file of SPSS or Stata (and so of R), with value labels: numbers for codes, words from the codebook.

Why a label is missing is told by numbers that are declared missing, in Stata by letters; a cell is empty where a coder
did not code the unit.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from string import ascii_lowercase
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import orjson
import pandas as pd

from codebook.analysis.core.codings import Codings
from codebook.errors import Fault, MissingExtraError, ParameterError, unknown_choice
from codebook.files.lines import write_whole
from codebook.ground.quantities import say_count
from codebook.ground.whys import WHYS
from codebook.paths import resolve_path, show_path
from codebook.scheme.codebook_checks import as_number
from codebook.scheme.model import Codebook, Variable

ENDINGS = (".sav", ".zsav", ".dta")
BY = ("unit", "coder")
"""What is a row: a unit, with a column per coder and variable; or a unit and coder, with a column per variable."""
_MOST_NAME, _MOST_WORD = 31, 120
_MOST_TITLE = {".dta": 80}
_BASES = (-90, -990, -9990, -99990)
_RESERVED = set(
    re.findall(r"\w+", "all and by eq ge gt le lt ne not or to with if in using byte double float int long")
)
_CHOSEN = {0: "not chosen", 1: "chosen"}
_MEASURES = {"nominal": "nominal", "ordinal": "ordinal", "interval": "scale", "ratio": "scale"}
_LETTERS = dict(zip(WHYS, ascii_lowercase, strict=False))


@dataclass(frozen=True)
class _Column:
    """A column: its name, what it is called, its values by row (a number, a why, or None), and its words."""

    name: str
    title: str
    values: Sequence[float | str | None]
    words: Mapping[int, str]
    measure: str = "nominal"

    @property
    def whys(self) -> list[str]:
        """The reasons that occur, in the order of the kit."""
        return [why for why in WHYS if why in self.values]

    @property
    def format(self) -> str:
        """How SPSS shows its numbers: with two decimals where one is not whole."""
        return "F8.2" if any(isinstance(value, float) and value % 1 for value in self.values) else "F8.0"

    @property
    def base(self) -> int:
        """Below this number stand the reasons; no code is one of them."""
        codes = [*self.words, *(value for value in self.values if isinstance(value, int | float))]
        return next(base for base in _BASES if not any(base - len(WHYS) <= code <= base for code in codes))


@dataclass
class _Plan:
    """What is written: the names in use, and what was cut or left out, with how often."""

    suffix: str
    names: set[str] = field(default_factory=set)
    losses: Counter[str] = field(default_factory=Counter)

    def name(self, *parts: str) -> str:
        """A name that the programs take, unlike all others."""
        joined = re.sub(r"\W", "_", "_".join(filter(None, parts)), flags=re.ASCII)
        joined = joined if joined[:1].isalpha() else f"v_{joined}"
        if joined.lower() in _RESERVED:
            joined += "_"
        name, number = joined[:_MOST_NAME], 1
        while name.lower() in self.names:
            number += 1
            name = f"{joined[: _MOST_NAME - 1 - len(str(number))]}_{number}"
        self.names.add(name.lower())
        return name

    def cut(self, text: str, most: int, what: str) -> str:
        """A text that the program holds; what is cut is counted."""
        line = " ".join(text.split())
        if len(line.encode()) <= most:
            return line
        self.losses[f"{what} is longer than the program allows and was cut"] += 1
        return line.encode()[: most - 3].decode(errors="ignore") + "…"


def write_statistics(codings: Codings, codebook: Codebook, path: str | Path, *, by: str = "unit") -> str:
    """Write codings for SPSS (.sav, .zsav) or Stata (.dta), which R reads too; return what was left out.

    A category is a number with its name as value label: the number that its name is, or its place in the codebook. A
    set is a column of 0 and 1 for each of its labels. Both programs write the time into their files, so two of them
    have the same content and not the same bytes.

    Parameters
    ----------
    by
        One of `BY`.

    Raises
    ------
    MissingExtraError
        pyreadstat is not installed.
    ParameterError
        The path has another ending, or `by` is none of these.

    Examples
    --------
    >>> from codebook.scheme import parse_codebook
    >>> book = parse_codebook('''
    ... name: letters
    ... unit: a letter
    ... variables:
    ...   - {name: mood, question: How does it sound, kind: single, level: nominal, categories: [good, bad]}
    ... ''')
    >>> row = {"unit_id": "7", "coder": "ann", "variable": "mood", "label": "bad", "draw": 0, "why": None}
    >>> codings = Codings(pd.DataFrame([row]), book.variables)
    >>> path = Path("letters.sav")
    >>> write_statistics(codings, book, path)
    'letters.sav: 1 row (one per unit), 2 columns.'
    """
    file = resolve_path(path)
    faults = []
    if file.suffix.lower() not in ENDINGS:
        faults.append(Fault(show_path(file), "this is not a file of SPSS or Stata", f"use one of {', '.join(ENDINGS)}"))
    faults += unknown_choice("by", by, BY)
    ParameterError.raise_any("The codings cannot be written.", faults)
    plan = _Plan(file.suffix.lower())
    cells = _read_cells(codings, plan)
    keys = list(dict.fromkeys((unit, coder if by == "coder" else "") for unit, coder, _ in cells))
    columns = list(_make_columns(cells, keys, codebook, plan))
    _write(file, _key_frame(keys, by), columns, codebook)
    lost = "".join(f"; {what} ({n:,})" for what, n in sorted(plan.losses.items()))
    n_columns = len(columns) + 1 + (by == "coder")
    row = "one per unit" if by == "unit" else "one per unit and coder"
    return f"{file.name}: {say_count(len(keys), 'row')} ({row}), {say_count(n_columns, 'column')}{lost}."


Cells = dict[tuple[str, str, str], tuple[str | None, str | None]]
"""Unit, coder and variable -> label and why."""
_KEYS = ("unit_id", "coder")


def _read_cells(codings: Codings, plan: _Plan) -> Cells:
    cells: Cells = {}
    columns = ("unit_id", "coder", "variable", "draw", "label", "why")
    for unit, coder, variable, draw, label, why in zip(*(codings.frame[name] for name in columns), strict=True):
        if draw:
            plan.losses["repeated answers of a model were left out"] += 1
            continue
        cells[unit, coder, variable] = (label, None) if isinstance(label, str) else (None, str(why))
    return cells


def _key_frame(keys: Sequence[tuple[str, str]], by: str) -> pd.DataFrame:
    n_keys = 1 if by == "unit" else 2
    return pd.DataFrame([key[:n_keys] for key in keys], columns=list(_KEYS[:n_keys]), dtype=object)


def _make_columns(cells: Cells, keys: Sequence[tuple[str, str]], codebook: Codebook, plan: _Plan) -> Iterator[_Column]:
    """Yield the columns of every variable, coder by coder where each row is a unit."""
    coders = list(dict.fromkeys(coder for _, coder, _ in cells))
    plan.names.update(_KEYS)
    for variable in codebook.variables:
        if variable.is_open:
            plan.losses[f"{variable.name} has the kind {variable.kind} and cannot be a column"] += 1
            continue
        for coder in [""] if keys and keys[0][1] else coders:
            column = [cells.get((unit, coder or row_coder, variable.name)) for unit, row_coder in keys]
            if any(column) or not coder:
                yield from _make_column(column, variable, coder, plan)


def _make_column(
    column: Sequence[tuple[str | None, str | None] | None], variable: Variable, coder: str, plan: _Plan
) -> Iterator[_Column]:
    """Yield the column of a variable, or those of the labels of a set."""
    whose = f" ({coder})" if coder else ""
    most = _MOST_TITLE.get(plan.suffix, 255)
    called = variable.title or variable.question
    if not variable.is_set:
        numbers = {} if variable.is_number else number_codes(variable)
        if variable.is_number and (n := sum(cell is not None and cell[0] in variable.labels for cell in column)):
            plan.losses[f"an abstention in {variable.name} became an empty cell"] += n
        values = [_value_of(cell, numbers, variable) for cell in column]
        title = plan.cut(f"{called}{whose}", most, "the text of a column")
        words = {number: plan.cut(name, _MOST_WORD, "a value label") for name, number in numbers.items()}
        yield _Column(plan.name(variable.name, coder), title, values, words, _MEASURES[variable.level])
        return
    sets = [None if cell is None else cell[1] if cell[0] is None else orjson.loads(cell[0]) for cell in column]
    for number, label in enumerate(variable.labels, start=1):
        values = [each if each is None or isinstance(each, str) else int(label in each) for each in sets]
        title = plan.cut(f"{variable.titles.get(label, label)}: {called}{whose}", most, "the text of a column")
        yield _Column(plan.name(variable.name, str(number), coder), title, values, _CHOSEN)


def _value_of(
    cell: tuple[str | None, str | None] | None, numbers: Mapping[str, int], variable: Variable
) -> float | str | None:
    """The number of a cell, or why it has none; nothing where nobody coded, or abstained from a number."""
    label, why = cell or (None, None)
    if label is None:
        return why
    if not variable.is_number:
        return numbers[label]
    return None if label in variable.labels else float(label)


def number_codes(variable: Variable) -> dict[str, int]:
    """The number of each label: that which its name is, or else the next one in the order of the codebook.

    Examples
    --------
    >>> number_codes(Variable(name="a", question="?", kind="single", level="nominal", categories=["no", "yes"]))
    {'no': 1, 'yes': 2}
    >>> rating = {"categories": ["-1", "0", "1"], "abstain": ["unclear"], "kind": "rating", "level": "ordinal"}
    >>> number_codes(Variable(name="a", question="?", **rating))
    {'-1': -1, '0': 0, '1': 1, 'unclear': 2}
    """
    whole = {
        label: int(number)
        for label in variable.labels
        if (number := as_number(label)) is not None and number.is_integer() and str(int(number)) == label
    }
    free = max([*whole.values(), 0]) + 1
    rest = [label for label in variable.labels if label not in whole]
    numbers = whole | {label: free + place for place, label in enumerate(rest)}
    return {label: numbers[label] for label in variable.labels}


# -- the file ------------------------------------------------------------------------------------------------------


def _write(file: Path, keys: pd.DataFrame, columns: Sequence[_Column], codebook: Codebook) -> None:
    try:
        import pyreadstat
    except ImportError:
        raise MissingExtraError("Writing files of SPSS and Stata", "spss") from None
    is_stata = file.suffix.lower() == ".dta"
    frame = keys.assign(**{column.name: _fill(column, is_stata=is_stata) for column in columns})
    titles = {"unit_id": codebook.unit[:80], "coder": "coder"} | {column.name: column.title for column in columns}
    common: dict[str, Any] = {
        "column_labels": {name: titles[name] for name in frame.columns},
        "variable_value_labels": {column.name: _list_words(column, is_stata=is_stata) for column in columns},
        "file_label": f"{codebook.name} {codebook.version}"[:60],
    }
    with TemporaryDirectory(prefix="codebook-statistics-") as folder:
        place = Path(folder) / f"codings{file.suffix.lower()}"
        if is_stata:
            missing = {column.name: [_LETTERS[why] for why in column.whys] for column in columns if column.whys}
            pyreadstat.write_dta(frame, str(place), missing_user_values=missing or None, **common)
        else:
            pyreadstat.write_sav(frame, str(place), **common, **_spss_only(columns, file.suffix.lower() == ".zsav"))
        data = place.read_bytes()
    write_whole(file, data)


def _spss_only(columns: Sequence[_Column], compress: bool) -> dict[str, Any]:
    ranges = {
        column.name: [{"lo": column.base - len(WHYS), "hi": column.base - 1}] for column in columns if column.whys
    }
    return {
        "missing_ranges": ranges or None,
        "variable_measure": {column.name: column.measure for column in columns},
        "variable_format": {column.name: column.format for column in columns},
        "compress": compress,
    }


def _fill(column: _Column, *, is_stata: bool) -> pd.Series[Any]:
    """The values as the program holds them: a reason is a number that is declared missing, or a letter."""
    codes: dict[str, Any] = {why: _LETTERS[why] if is_stata else _why_number(column, why) for why in column.whys}
    values = [
        np.nan if value is None else codes[value] if isinstance(value, str) else float(value) for value in column.values
    ]
    return pd.Series(values, dtype=object if is_stata and column.whys else "float64")


def _why_number(column: _Column, why: str) -> int:
    return column.base - 1 - WHYS.index(why)


def _list_words(column: _Column, *, is_stata: bool) -> dict[Any, str]:
    reasons: dict[Any, str] = {(_LETTERS[why] if is_stata else _why_number(column, why)): why for why in column.whys}
    return dict(column.words) | reasons
