"""An entry of `coders.yaml`: a file with labels, and what its columns mean."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from codebook.errors import mend_name
from codebook.exchange import FORMATS
from codebook.scheme import Codebook

AUTO = "auto"
"""In place of a format: it is found by what is in the file."""
LOGS = "coding_logs"
"""The format of a coding folder, in which people coded by assignment."""
_OF_TOOLS = ("unit_name", "variables", "coded_by", "end", "confirmed", "accept")
_OF_TABLES = ("coder", "label", "reply", "variable_column", "draw", "where", "separator", "skip_rows")

_Several = Annotated[tuple[str, ...], BeforeValidator(lambda value: [value] if isinstance(value, str) else value)]
_Columns = Annotated[
    dict[str, str],
    BeforeValidator(lambda value: {str(name): name for name in value} if isinstance(value, list) else value),
]


class CodingSource(BaseModel):
    """An entry of `coders.yaml`: a file, and what its columns mean.

    Either wide, `columns` (coder -> column), or long, `coder` (a column) or `coder_name` (one coder for the whole
    file) with `label` (a column of labels) or `reply` (a column of raw replies; the label is the one category named).

    Attributes
    ----------
    unit, draw : str
        The columns of the unit's id (several are joined by `/`) and of the draw (0 where there is none).
    unit_name : str
        Of another tool: the one unit that a survey is about, where no column holds its id.
    ids : {"near", "exact"}
        `near` joins an id that is not there to the one id that it almost is (1523.0 to 1523), and counts it; `exact`
        says that ids which almost meet are different units. Where nothing is said, many of them are an error.
    variable, variable_column : str
        The variable that was coded, or the column that names it. Not needed where the codebook has one variable.
    where : mapping
        Rows to keep: column -> value or list of values.
    rename, skip : mapping, list
        Declared recoding (label in the file -> label of the codebook), and labels to leave out. Both are counted; a
        coding that is left out is a row without a label, why `invalid`.
    rename_coders : mapping
        Name in the file -> name in the table, for one person who is written in two ways.
    duplicates : {"error", "first", "last"}
        What to do where a coder coded a unit twice.
    join : bool
        For `multi`: the rows of one unit and coder are one set of labels, as in a file with a row per coded segment.
    separator, empty : str
        For `multi`: the sign between labels in a cell; without it a cell is a JSON list, in any order. An empty cell
        or list means not coded; `empty: none` makes it the answer "none of them".
    decimal : {".", ","}
        For `number` and `rating`: the sign between a number's digits and its decimals.
    format : str
        The file is of another tool, such as `label_studio` (`auto`: it is found by what is in it). `columns` then says
        what its headings mean, and coders and labels are read as the tool writes them. `coding_logs` is a coding
        folder, in which people coded by assignment; that of the project counts without an entry.
    variables : mapping
        Name of a variable in a file of another tool -> name in the codebook; "" leaves it out.
    coded_by : mapping
        Coder -> the units that this coder was asked to code, where the file cannot say who saw what; the name of a
        table with a row per unit and coder; or `all`.
    end : {"exclusive", "standard"}
        REFI-QDA: where passages end, if no quote of the file shows it (see `ReadOptions`).
    confirmed : str
        doccano: the export of the confirmed examples alone.
    accept : list
        What is taken upon oneself, in the words of the fault that asks for it.
    sheet, encoding, delimiter, skip_rows
        As in `files.open_rows`; `skip_rows` counts the lines above the header.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str
    format: str | None = None
    unit: _Several = ()
    unit_name: str | None = None
    ids: Literal["near", "exact"] | None = None
    columns: _Columns = Field(default_factory=dict)
    coder: str | None = None
    coder_name: str | None = None
    rename_coders: dict[str, str] = Field(default_factory=dict)
    label: str | None = None
    reply: str | None = None
    variable: str | None = None
    variable_column: str | None = None
    draw: str | None = None
    where: dict[str, _Several] = Field(default_factory=dict)
    duplicates: Literal["error", "first", "last"] = "error"
    join: bool = False
    separator: Annotated[str, Field(min_length=1)] | None = None
    empty: Literal["skip", "none"] = "skip"
    decimal: Literal[".", ","] = "."
    rename: dict[str, str] = Field(default_factory=dict)
    skip: _Several = ()
    variables: _Columns = Field(default_factory=dict)
    coded_by: dict[str, tuple[str, ...]] | str = Field(default_factory=dict)
    end: Literal["exclusive", "standard"] | None = None
    confirmed: str | None = None
    accept: _Several = ()
    sheet: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    skip_rows: Annotated[int, Field(ge=0)] = 0

    def problems(self, codebook: Codebook) -> Iterator[tuple[str, str]]:
        """Yield `(problem, mend)` for what does not fit together."""
        if self.format is not None:
            yield from self._problems_of_tool(codebook)
            return
        if not any(self.unit):
            yield "`unit` is missing", "add `unit: ...`, or `format: auto` for a file of another tool"
            return
        for key in _OF_TOOLS:
            if getattr(self, key):
                yield f"`{key}` is for files of other tools", "name the tool, `format: ...`, or leave it out"
        if self.columns and (self.coder or self.coder_name or self.label or self.reply):
            yield "the entry mixes the wide and the long form", "give `columns`, or `coder` with `label` or `reply`"
        if not self.columns and (self.coder is None) == (self.coder_name is None):
            yield "it is not clear who coded", "give `coder` (a column) or `coder_name` (a name), or `columns`"
        if not self.columns and (self.label is None) == (self.reply is None):
            yield "it is not clear where the labels are", "give `label` or `reply`, or `columns`"
        yield from self._problems_of_names(codebook)
        yield from self._problems_of_variables(codebook)

    def _problems_of_names(self, codebook: Codebook) -> Iterator[tuple[str, str]]:
        """Names that only files of statistics programs have: `stance/anna` is a variable and a coder there."""
        variables = {variable.name for variable in codebook.variables}
        for name, column in self.columns.items():
            variable, slash, coder = name.partition("/")
            if slash and coder and variable.partition("=")[0] in variables:
                mend = (
                    f"write an entry for each variable, such as `variable: {variable.partition('=')[0]}` with "
                    f"`columns: {{{coder}: {column}}}`"
                )
                yield f"`columns` names a variable with a coder ({name!r}), as files of statistics programs do", mend
                return

    def _problems_of_tool(self, codebook: Codebook) -> Iterator[tuple[str, str]]:
        names = [variable.name for variable in codebook.variables]
        if self.format not in (known := [*FORMATS, AUTO, LOGS]):
            yield f"`format`: {self.format!r} is unknown", mend_name(self.format or "", known)
        for key in _OF_TABLES:
            if getattr(self, key):
                yield f"`{key}` is for plain tables, not for files of other tools", f"leave out `{key}` or `format`"
        for name in (self.variable, *self.variables.values()):
            if name and name not in names:
                yield f"variable {name!r} is not in the codebook", f"use one of {', '.join(names)}"

    def _problems_of_variables(self, codebook: Codebook) -> Iterator[tuple[str, str]]:
        names = [variable.name for variable in codebook.variables]
        multi = [v.name for v in codebook.variables if v.is_set and self.variable in (None, v.name)]
        if self.variable is not None and self.variable_column is not None:
            yield "`variable` and `variable_column` exclude each other", "give one of the two"
        if self.variable is None and self.variable_column is None and len(names) > 1:
            yield "it is not clear which variable was coded", f"give `variable`, one of {', '.join(names)}"
        if self.variable is not None and self.variable not in names:
            yield f"variable {self.variable!r} is not in the codebook", f"use one of {', '.join(names)}"
            return
        if self.reply is not None and multi:
            yield "`reply` cannot be read for a `multi` variable", "give labels: `label` with `separator`"
        if self.join and not multi:
            yield "`join` is for variables of kind `multi`, whose labels are sets", "leave it out, or use `duplicates`"
        if self.join and self.duplicates != "error":
            yield "`join` and `duplicates` exclude each other", "give one of the two"

    def columns_used(self) -> list[str]:
        """Return the columns that the file must have."""
        named = (*self.unit, self.coder, self.label, self.reply, self.variable_column, self.draw)
        return list(dict.fromkeys([*(name for name in named if name), *self.columns.values(), *self.where]))
