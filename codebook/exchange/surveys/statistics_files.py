"""Files of SPSS, Stata and SAS with value labels (.sav, .zsav, .por, .dta, .sas7bdat, .xpt), read by pyreadstat.

A label is the text of a number where there is one. Numbers that a person declared missing are no labels, and each keeps
its word; they are told from cells that are empty.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from codebook.errors import Fault, MissingExtraError, TableError
from codebook.exchange.collector import Collector
from codebook.exchange.export_source import ExportSource
from codebook.exchange.reading import WHOLE, Reading, ReadOptions
from codebook.exchange.surveys.label_cells import split_labels
from codebook.exchange.unit_fields import choose_unit
from codebook.files.tables.rows import require_columns
from codebook.ground.personal import is_personal_name

TITLE = "SPSS, Stata or SAS"
_READERS = {
    ".sav": "read_sav",
    ".zsav": "read_sav",
    ".por": "read_por",
    ".dta": "read_dta",
    ".sas7bdat": "read_sas7bdat",
    ".xpt": "read_xport",
}
_BEGINS = (b"$FL2", b"$FL3", b"<stata_dta>", b"HEADER RECORD", b"\x71\x01", b"\x72\x01", b"\x73\x01")
_CODER = "coder"
_SLASH = "/"
_N_SAMPLES = 50


@dataclass(frozen=True)
class Marked:
    """A column: its values, the words of its numbers, and what is declared missing."""

    name: str
    values: list[Any]
    words: Mapping[Any, str]
    ranges: tuple[tuple[Any, Any], ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether every number that is there is a whole one."""
        return all(float(value).is_integer() for value in self.values if _is_number(value) and not self.why(value))

    def why(self, value: Any) -> str:
        """Why a value is no answer; "" where it is one."""
        if value is None or value == "" or (isinstance(value, float) and np.isnan(value)):
            return "system-missing"
        word = self.words.get(value, "")
        if any(_is_between(value, low, high) for low, high in self.ranges):
            return f"user-missing {self.spell(value)}" + (f" = {word}" if word else "")
        return ""

    def spell(self, value: Any) -> str:
        """A value as text: its word, or the number."""
        if not _is_number(value):
            return str(value)
        return str(int(value)) if float(value).is_integer() else str(float(value))

    def label(self, value: Any, labels: Sequence[str] = ()) -> str:
        """The label of an answer: its word, or the number where that is what the codebook knows."""
        number = self.spell(value) if self.is_whole or not _is_number(value) else str(float(value))
        word = self.words.get(value, number)
        return number if number in labels and word not in labels else word


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value


def _is_between(value: Any, low: Any, high: Any) -> bool:
    if isinstance(value, str) or isinstance(low, str):
        return bool(value == low)
    return bool(low <= value <= high)


def looks_like(source: ExportSource) -> bool:
    """Whether it is a file of SPSS, Stata or SAS, by its first bytes and its ending."""
    with source.first.open("rb") as file:
        begin = file.read(16)
    return source.first.suffix.lower() in _READERS and (
        begin.startswith(_BEGINS) or b"\0" in begin or begin[:4].isalnum()
    )


def read_export(source: ExportSource, options: ReadOptions) -> Reading:
    """Read a row per unit, or a row per unit and coder.

    `columns` says what a column is: `coder` where a column names the coder, else `VARIABLE`, or `VARIABLE/CODER` where
    each coder has a column of their own, `{stance/anna: anna, stance/ben: ben}`; `VARIABLE=LABEL` where each label of a
    set has one. Without it every column is a variable.
    """
    columns = read_marked(source.first)
    if faults := [fault for column in columns.values() for fault in _find_twins(source.name, column)]:
        raise TableError(f"The labels of {source.name} are not clear.", faults)
    require_columns(source.name, [*options.unit, *options.columns.values()], columns)
    out = Collector("statistics", _name_program(source.first), [source.name], options)
    unit = _find_unit(columns, out)
    plan = _find_variables(columns, unit, out)
    coders = columns.get(options.columns.get(_CODER, ""))
    n_rows = max((len(column.values) for column in columns.values()), default=0)
    for number in range(n_rows):
        out.record()
        who = _name_unit(columns, unit, number)
        by = coders.label(coders.values[number]) if coders else options.coder_name
        _add_rows(plan, (who, by), number, out)
    return out.finish()


def _name_program(path: Path) -> str:
    kinds = {".dta": "Stata", ".sas7bdat": "SAS", ".xpt": "SAS"}
    return f"{kinds.get(path.suffix.lower(), 'SPSS')}, a file with value labels"


def read_marked(path: Path) -> dict[str, Marked]:
    """Read the columns of a file by their names."""
    try:
        import pyreadstat
    except ImportError:
        raise MissingExtraError("Reading files of SPSS, Stata and SAS", "spss") from None
    reader = getattr(pyreadstat, _READERS.get(path.suffix.lower(), "read_sav"))
    options = {"user_missing": True} if path.suffix.lower() not in (".por", ".xpt") else {}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            frame, meta = reader(str(path), **options)
            plain, _ = reader(str(path)) if options else (frame, meta)
    except (pyreadstat.ReadstatError, pyreadstat.PyreadstatError, ValueError, UnicodeDecodeError) as error:
        fault = Fault(
            path.name, f"it is damaged, or comes from another program ({error})", "save it again, or as csv with labels"
        )
        raise TableError(f"{path.name} cannot be read.", [fault]) from None
    return {name: _mark(frame[name], plain[name].isna().tolist(), meta) for name in frame.columns}


def _mark(column: pd.Series[Any], gaps: Sequence[bool], meta: Any) -> Marked:
    """A column of a frame; `gaps` are the rows without an answer, whatever the reason.

    pyreadstat 1.3 gives 0 for the empty cells of Stata's whole numbers when it is asked for declared missing values.
    """
    name = str(column.name)
    values = [value.isoformat() if hasattr(value, "isoformat") else value for value in column.tolist()]
    ranges = [(each["lo"], each["hi"]) for each in (meta.missing_ranges or {}).get(name, ())]
    ranges += [(letter, letter) for letter in (meta.missing_user_values or {}).get(name, ())]
    column_as_read = Marked(name, values, (meta.variable_value_labels or {}).get(name, {}), tuple(ranges))
    known = [None if gap and not column_as_read.why(value) else value for value, gap in zip(values, gaps, strict=True)]
    return replace(column_as_read, values=known)


def _find_twins(where: str, column: Marked) -> list[Fault]:
    """A fault for each word that two numbers in use have."""
    used = {value for value in column.values if value in column.words}
    counts = Counter(column.words[value] for value in used)
    mend = "give each value its own label, and save the file again"
    return [
        Fault(f"{where}, column {column.name!r}", f"{n} values have the label {word!r}", mend)
        for word, n in counts.items()
        if n > 1
    ]


def _find_unit(columns: Mapping[str, Marked], out: Collector) -> tuple[str, ...]:
    """The columns of the unit's id."""
    rows = zip(*(column.values[:_N_SAMPLES] for column in columns.values()), strict=True)
    return choose_unit([dict(zip(columns, row, strict=True)) for row in rows], out, "the row's number")


def _name_unit(columns: Mapping[str, Marked], unit: tuple[str, ...], number: int) -> str:
    """The unit of a row: an id that is kept as a number is written as one."""
    if not unit:
        return str(number + 1)
    return _SLASH.join(columns[name].spell(columns[name].values[number]) for name in unit)


@dataclass(frozen=True)
class Part:
    """What a column holds: the labels of a variable, by a coder ("" for that of the row), or one label of a set."""

    variable: str
    coder: str
    label: str
    column: Marked


def _find_variables(columns: Mapping[str, Marked], unit: tuple[str, ...], out: Collector) -> list[Part]:
    named = {key: heading for key, heading in out.options.columns.items() if key != _CODER}
    if named:
        return [Part(*_split_key(key), columns[heading]) for key, heading in named.items()]
    taken = {*unit, out.options.columns.get(_CODER, "")}
    rest = [name for name in columns if name not in taken]
    if personal := [name for name in rest if is_personal_name(name)]:
        out.note(f"Columns that may hold personal data were left out: {', '.join(personal)}.")
    parts = [Part(name, "", "", columns[name]) for name in rest if name not in personal]
    if parts and not out.options.coder_name and _CODER not in out.options.columns:
        example = f"{{VARIABLE/CODER: {parts[0].variable}}}"
        mend = f"write `columns: {example}` or `columns: {{coder: COLUMN}}`, or give `coder_name`"
        out.ask("columns", "the file does not say which coder filled in which column", mend)
    return parts


def _split_key(key: str) -> tuple[str, str, str]:
    """Variable, coder and label of a key.

    Examples
    --------
    >>> _split_key("stance/anna"), _split_key("topics=traffic/ben"), _split_key("mood")
    (('stance', 'anna', ''), ('topics', 'ben', 'traffic'), ('mood', '', ''))
    """
    name, _, coder = key.rpartition(_SLASH) if _SLASH in key else (key, "", "")
    variable, _, label = name.partition("=")
    return variable, coder, label


def _add_rows(parts: Sequence[Part], who: tuple[str, str], number: int, out: Collector) -> None:
    unit, by = who
    sets: dict[tuple[str, str], list[Part]] = {}
    for part in parts:
        if part.label:
            sets.setdefault((part.variable, part.coder), []).append(part)
            continue
        value = part.column.values[number]
        if why := part.column.why(value):
            out.add(unit, part.coder or by, part.variable, status="missing", note=why)
        else:
            label = part.column.label(value, out.options.labels.get(out.options.rename(part.variable), ()))
            more = {"answer": 0 if part.coder else number + 1}
            out.add(unit, part.coder or by, part.variable, split_labels(label, part.variable, ";", out), **more)
    for (variable, coder), some in sets.items():
        _add_set(unit, (variable, coder or by), some, number, out)
    if not parts:
        out.add(unit, by, WHOLE, status="empty")


def _add_set(unit: str, key: tuple[str, str], parts: Sequence[Part], number: int, out: Collector) -> None:
    """A set of a column per label: every number but 0 says that it was chosen."""
    variable, coder = key
    out.mark_set(variable)
    values = [(part, part.column.values[number]) for part in parts]
    answers = [(part.label, value) for part, value in values if not part.column.why(value)]
    if answers:
        out.add(unit, coder, variable, [label for label, value in answers if value not in (0, "0", "")])
    else:
        out.add(unit, coder, variable, status="missing", note=parts[0].column.why(values[0][1]))
