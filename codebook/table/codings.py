"""One file with labels from anywhere, as one entry of `coders.yaml` describes it, read into codings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from codebook.errors import Fault
from codebook.scheme import Codebook, Variable
from codebook.table.contract import find_label_problem
from codebook.table.frame import dump_labels
from codebook.table.replies import find_named
from codebook.units import as_values, open_rows

_N_SHOWN = 5
_Several = Annotated[tuple[str, ...], BeforeValidator(lambda value: [value] if isinstance(value, str) else value)]
_Columns = Annotated[
    dict[str, str],
    BeforeValidator(lambda value: {name: name for name in value} if isinstance(value, list) else value),
]


class CodingSource(BaseModel):
    """An entry of `coders.yaml`: a file, and what its columns mean.

    Either wide, `columns` (coder -> column), or long, `coder` (a column) or `coder_name` (one coder for the whole
    file) with `label` (a column of labels) or `reply` (a column of raw replies; the label is the one category named).

    Attributes
    ----------
    unit, draw : str
        The columns of the unit's id and of the draw (0 where there is none).
    variable, variable_column : str
        The variable that was coded, or the column that names it. Not needed where the codebook has one variable.
    where : mapping
        Rows to keep: column -> value or list of values.
    rename, skip : mapping, list
        Declared recoding (label in the file -> label of the codebook), and labels to leave out. Both are counted.
    duplicates : {"error", "first", "last"}
        What to do where a coder coded a unit twice.
    separator, empty : str
        For `multi`: the sign between labels in a cell; `empty: none` makes an empty cell the answer "none of them".
    sheet, encoding, delimiter : str
        As in `units.open_rows`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str
    unit: str
    columns: _Columns = Field(default_factory=dict)
    coder: str | None = None
    coder_name: str | None = None
    label: str | None = None
    reply: str | None = None
    variable: str | None = None
    variable_column: str | None = None
    draw: str | None = None
    where: dict[str, _Several] = Field(default_factory=dict)
    duplicates: Literal["error", "first", "last"] = "error"
    separator: str | None = None
    empty: Literal["skip", "none"] = "skip"
    rename: dict[str, str] = Field(default_factory=dict)
    skip: _Several = ()
    sheet: str | None = None
    encoding: str | None = None
    delimiter: str | None = None

    def problems(self, codebook: Codebook) -> Iterator[tuple[str, str]]:
        """Yield `(problem, mend)` for what does not fit together."""
        if self.columns and (self.coder or self.coder_name or self.label or self.reply):
            yield "both a wide and a long form", "give `columns`, or `coder` with `label` or `reply`"
        if not self.columns and (self.coder is None) == (self.coder_name is None):
            yield "it is not clear who coded", "give `coder` (a column) or `coder_name` (a name), or `columns`"
        if not self.columns and (self.label is None) == (self.reply is None):
            yield "it is not clear where the labels are", "give `label` or `reply`, or `columns`"
        if self.variable is not None and self.variable_column is not None:
            yield "`variable` and `variable_column`", "give one of the two"
        names = [variable.name for variable in codebook.variables]
        if self.variable is None and self.variable_column is None and len(names) > 1:
            yield "it is not clear which variable was coded", f"give `variable`, one of {', '.join(names)}"
        if self.variable is not None and self.variable not in names:
            yield f"variable {self.variable!r} is not in the codebook", f"use one of {', '.join(names)}"
        if self.reply is not None and any(
            v.kind == "multi" for v in codebook.variables if self.variable in (None, v.name)
        ):
            yield "`reply` cannot be read for a `multi` variable", "give labels: `label` with `separator`"

    def columns_used(self) -> list[str]:
        """Return the columns that the file must have."""
        named = (self.unit, self.coder, self.label, self.reply, self.variable_column, self.draw)
        return list(dict.fromkeys([*(name for name in named if name), *self.columns.values(), *self.where]))


@dataclass
class Codings:
    """What was read from one file: rows of the tidy table, and counts of what was left out or changed."""

    source: CodingSource
    rows: dict[tuple[str, str, str, str], dict[str, Any]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    outside: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    twice: list[str] = field(default_factory=list)
    ragged: list[int] = field(default_factory=list)

    def note(self) -> str:
        """Say in a sentence what was read, left out and changed."""
        counts, name = self.counts, self.source.file
        said = [f"{name}: {_count(counts['rows'], 'row')} read, {_count(len(self.rows), 'coding')}"]
        if n := counts["filtered"]:
            said.append(f"{_count(n, 'row')} left out by `where`")
        if n := counts["empty"]:
            said.append(f"{_count(n, 'empty cell')}, not coded")
        if n := counts["skipped"]:
            said.append(f"{_count(n, 'cell')} left out by `skip`")
        if n := counts["renamed"]:
            said.append(f"{_count(n, 'label')} renamed")
        if n := len(self.twice):
            said.append(f"{_count(n, 'repeated coding')} dropped, the {self.source.duplicates} kept")
        if self.source.reply:
            said.append(f"{_count(counts['invalid'], 'reply', 'replies')} not naming exactly one category")
        return "; ".join(said) + "."

    def faults(self, where: str, codebook: Codebook) -> Iterator[Fault]:
        """Yield what keeps these codings from being a table."""
        names = ", ".join(variable.name for variable in codebook.variables)
        if self.ragged:
            problem = f"{len(self.ragged):,} rows have another number of fields than the header (line {self.ragged[0]})"
            yield Fault(where, problem, "correct the quote marks there, or give the `delimiter`")
        if n := self.counts["no unit"]:
            yield Fault(where, f"{_count(n, 'row')} without {self.source.unit!r}", "give every row its unit")
        for (variable, label, problem), n in self.outside.most_common():
            if problem == _NO_VARIABLE:
                mend = f"use one of {names}, choose rows with `where`, or add it to the codebook"
            else:
                mend = _mend_label(label, codebook.variable(variable))
            yield Fault(where, f"variable {variable!r}, label {label!r} ({n:,} times): {problem}", mend)
        if self.twice and self.source.duplicates == "error":
            shown = ", ".join(map(repr, self.twice[:_N_SHOWN]))
            problem = f"{len(self.twice):,} codings repeat unit, coder and variable (units {shown})"
            yield Fault(where, problem, "say `duplicates: first` or `last`, or name the column of draws with `draw`")


_NO_VARIABLE = "there is no such variable"


def read_source(source: CodingSource, folder: Path, codebook: Codebook) -> Codings:
    """Read one file as its entry says; what is wrong with the labels is in the result's `faults`.

    Raises
    ------
    UnitsError
        The file cannot be read, or lacks a column.
    """
    rows = open_rows(folder / source.file, encoding=source.encoding, delimiter=source.delimiter, sheet=source.sheet)
    rows.require(source.columns_used())
    where = [(column, as_values(values)) for column, values in source.where.items()]
    variables = {variable.name: variable for variable in codebook.variables}
    codings = Codings(source)
    for row in rows:
        codings.counts["rows"] += 1
        if not all(row[column] in values for column, values in where):
            codings.counts["filtered"] += 1
        elif not row[source.unit].strip():
            codings.counts["no unit"] += 1
        else:
            _read_row(row, codings, variables)
    codings.ragged = rows.ragged
    return codings


def _read_row(row: Mapping[str, str], codings: Codings, variables: Mapping[str, Variable]) -> None:
    source = codings.source
    name = row[source.variable_column] if source.variable_column else source.variable or next(iter(variables))
    draw = row[source.draw] if source.draw else "0"
    coder = row[source.coder] if source.coder else source.coder_name or ""
    cells = source.columns or {coder: source.label or source.reply or ""}
    for who, column in cells.items():
        if name not in variables:
            codings.outside[name, row[column][:80], _NO_VARIABLE] += 1
            continue
        found = _read_cell(row[column], variables[name], codings)
        if found is not None:
            key = (row[source.unit], who, name, draw)
            _keep(key, found, codings)


def _keep(key: tuple[str, str, str, str], found: dict[str, Any], codings: Codings) -> None:
    if key in codings.rows:
        codings.twice.append(key[0])
        if codings.source.duplicates != "last":
            return
    codings.rows[key] = found


def _read_cell(cell: str, variable: Variable, codings: Codings) -> dict[str, Any] | None:
    """Return label, why and raw of one cell, or None where nothing was coded."""
    source, counts = codings.source, codings.counts
    if source.reply:
        label = find_named(cell, variable)
        counts["invalid"] += label is None
        return {"label": label, "why": "invalid" if label is None else None, "raw": cell}
    if cell in source.skip:
        counts["skipped"] += 1
        return None
    if not cell.strip() and (source.empty == "skip" or variable.kind != "multi"):
        counts["empty"] += 1
        return None
    label, problem = _read_label(cell, variable, codings)
    if problem:
        codings.outside[variable.name, label[:80], problem] += 1
        return None
    return {"label": label, "why": None}


def _read_label(cell: str, variable: Variable, codings: Codings) -> tuple[str, str | None]:
    source = codings.source
    is_list = variable.kind == "multi" and (source.separator is not None or not cell.strip())
    parts = (cell.split(source.separator) if cell.strip() else []) if is_list else [cell]
    codings.counts["renamed"] += any(part in source.rename for part in parts)
    named = [source.rename.get(part, part) for part in parts]
    if not is_list:
        return named[0], find_label_problem(named[0], variable)
    if outside := [part for part in named if part not in variable.labels]:
        return outside[0], "it is not in the codebook"
    return dump_labels(named, variable), None


def _mend_label(label: str, variable: Variable) -> str:
    """Name the declared recoding that would help; nothing is ever recoded without it."""
    near = next((name for name in variable.labels if _means_same(label, name)), "one of the codebook's")
    return f"`rename: {{{label!r}: {near!r}}}`, add the category to the codebook, or leave it out with `skip`"


def _means_same(label: str, name: str) -> bool:
    if label.strip().casefold() == name.casefold():
        return True
    try:
        return float(label) == float(name)
    except ValueError:
        return False


def _count(n: int, one: str, many: str = "") -> str:
    return f"{n:,} {one if n == 1 else many or one + 's'}"
