"""A file seen as units: which column is the id, which the text, which the context, and which rows are meant."""

from __future__ import annotations

import random
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypedDict, Unpack

from codebook.errors import Fault, UnitsError
from codebook.files.decode import Encoding
from codebook.files.tables import Row, RowFile, open_rows
from codebook.files.tables.rows import as_values
from codebook.ground.quantities import say_count
from codebook.paths import show_path
from codebook.records import Unit
from codebook.units.any_source import Source

ROW_NUMBER = "#row"
"""As the id column: the place of the row in the file, counted from 1. Only good while the file never changes."""
_AND = " + "
"""As part of the id column: what stands between the columns that make an id together."""
JOINT = "/"
"""What stands between the parts of such an id, as in files of coders."""
HALF_CHARACTER = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class UnitSource(Source):
    """The units of a file of rows. Duplicate ids are found by `check_units`, which has to come first."""

    rows: RowFile
    id_column: str
    text_column: str
    context_columns: tuple[str, ...] = ()
    where: Mapping[str, frozenset[str]] | None = None
    max_chars: int = 100_000

    @property
    def path(self) -> Path:
        """The file."""
        return self.rows.path

    @cached_property
    def id_columns(self) -> tuple[str, ...]:
        """The columns that make an id: one, several, or none where rows are numbered."""
        return _find_ids(self.id_column, self.rows.columns)

    @property
    def encoding(self) -> Encoding | None:
        """How the file is encoded, and how that is known; None where its format says so."""
        rows = self.rows
        return Encoding(rows.encoding, rows.how_encoded, rows.guessed) if rows.how_encoded else None

    def describe(self) -> dict[str, Any]:
        """File, columns and filter."""
        return {
            "file": show_path(self.path),
            "id_column": self.id_column,
            "text_column": self.text_column,
            "context_columns": list(self.context_columns),
            "where": {name: sorted(values) for name, values in (self.where or {}).items()},
        } | ({"query": self.rows.query} if self.rows.query else {})

    def tell(self) -> list[str]:
        """How the file is encoded, and which columns are sent."""
        rows, lines = self.rows, list[str]()
        if rows.how_encoded:
            lines.append(f"encoding {rows.encoding} ({rows.how_encoded}); delimiter {rows.delimiter!r}")
        sent = dict.fromkeys([*(self.id_columns or [ROW_NUMBER]), self.text_column, *self.context_columns])
        unsent = [column for column in rows.columns if column not in sent]
        if len(rows.sheets) > 1:
            lines.append(_say_sheets(rows))
        return [*lines, f"sent: {', '.join(sent)}; not sent: {', '.join(unsent) or 'nothing'}"]

    def with_skips(self) -> Iterator[tuple[Unit, str | None]]:
        """Yield `(unit, skip)`: `skip` says why the unit is kept but not asked (its why is `absent`), or is None.

        Raises
        ------
        UnitsError
            At the first row that cannot be a unit: wrong number of fields, no id, half a character.
        """
        rows = self.rows
        for number, row in self.selected():
            unit = self.unit(number, row)
            if rows.ragged:
                self._refuse(f"line {rows.ragged[0]}", "the row does not have as many fields as the header")
            if not unit.unit_id:
                self._refuse(rows.place, "the unit has no id")
            parts = (unit.unit_id, unit.text, *unit.context.values())
            if not all(map(str.isascii, parts)) and any(map(HALF_CHARACTER.search, parts)):
                self._refuse(rows.place, "the unit holds half a character (a lone surrogate)")
            yield unit, self.skip(unit)

    def selected(self) -> Iterator[tuple[int, Row]]:
        """Return `(number, row)` of the rows that `where` keeps; the number counts all rows from 1."""
        rows: Iterator[tuple[int, Row]] = enumerate(self.rows, start=1)
        for column, values in (self.where or {}).items():
            rows = _keep(rows, column, values)
        return rows

    def unit(self, number: int, row: Row) -> Unit:
        """Return the unit that a row holds."""
        columns = self.id_columns
        parts = [row[name] for name in columns] if len(columns) > 1 else ()
        if parts:
            unit_id = JOINT.join(parts) if all(part.strip() for part in parts) else ""
        else:
            unit_id = row[columns[0]] if columns else str(number)
        context = {name: row[name] for name in self.context_columns} if self.context_columns else {}
        return Unit(unit_id if unit_id.strip() else "", row[self.text_column], context)

    def skip(self, unit: Unit) -> str | None:
        """Say why a unit is not asked, or None. A text is never cut to fit."""
        if not unit.text.strip():
            return "the text is empty"
        if len(unit.text) > self.max_chars:
            return f"the text has {say_count(len(unit.text), 'character')}, more than max_chars = {self.max_chars:,}"
        return None

    def _refuse(self, where: str, problem: str) -> None:
        fault = Fault(
            f"{self.path.name}, {where}", problem, "run check_units, which lists every problem, and correct the file"
        )
        raise UnitsError(f"{self.path.name} cannot be coded as it is.", [fault])


def _keep(rows: Iterator[tuple[int, Row]], column: str, values: Collection[str]) -> Iterator[tuple[int, Row]]:
    return (numbered for numbered in rows if numbered[1][column] in values)


def _say_sheets(rows: RowFile) -> str:
    """Which sheet of a workbook is read, and how to take another."""
    name = rows.sheet or rows.sheets[0]
    others = [sheet for sheet in rows.sheets if sheet != name]
    choice = "as given" if rows.sheet else "the first"
    return (
        f"sheet {name!r}, {choice}; not read: {', '.join(map(repr, others))} "
        f'(to read another: `form: ["sheet: {others[0]}"]` in study.yaml, or `--form "sheet={others[0]}"`)'
    )


class TableForm(TypedDict, total=False):
    """How a table is read: encoding and delimiter of a .csv, sheet of a workbook, lines above the header, a query."""

    encoding: str | None
    delimiter: str | None
    sheet: str | None
    skip_rows: int
    query: str


def read_units(
    path: str | Path,
    *,
    id_column: str,
    text_column: str,
    context_columns: Sequence[str] = (),
    where: Mapping[str, str | Sequence[str]] | Sequence[str] | None = None,
    max_chars: int = 100_000,
    **table: Unpack[TableForm],
) -> UnitSource:
    r"""Read the units of a .csv, .xlsx, .jsonl or .parquet file, or of an SQLite file, as a stream.

    Ids, texts and context are exact: no stripping, no normalising. Only these columns are ever sent.

    Parameters
    ----------
    id_column : str
        Column with the ids; "wave + id" joins several by a slash, where ids repeat from wave to wave. "#row" asks for
        the row's number instead, which is only good while the file never changes.
    text_column : str
        Column with the texts to be coded.
    context_columns : sequence of str
        Columns shown with the text; an empty name is none.
    where : mapping, optional
        Rows to keep: column -> value, or the list of its values. Also as texts such as "split: test", which a notebook
        parameter can hold; a column named twice keeps both values.
    max_chars : int
        Longer texts (characters) are kept as rows but not asked; they are never cut.
    table
        How the file is read: `encoding`, `delimiter`, `sheet`, `skip_rows`, `query`, as in `open_rows`.

    Raises
    ------
    UnitsError
        The file cannot be read, or lacks a column; the columns it has are listed.

    Examples
    --------
    >>> path = Path("texts.csv")
    >>> _ = path.write_text("id,split,text\n7,test,Coal is cheap.\n8,train,Coal is dirty.\n9,test,\n")
    >>> units = read_units(path, id_column="id", text_column="text", where={"split": "test"})
    >>> [(unit.unit_id, unit.text) for unit in units]
    [('7', 'Coal is cheap.')]
    >>> [(unit.unit_id, skip) for unit, skip in units.with_skips()]
    [('7', None), ('9', 'the text is empty')]
    """
    rows = open_rows(path, **table)
    wanted = where if isinstance(where, Mapping) else _parse_where(where or ())
    filters = {column: as_values(value) for column, value in wanted.items()}
    ids = _find_ids(id_column, rows.columns)
    context = tuple(filter(None, context_columns))
    roles = dict.fromkeys(context, "`context_columns` (--context)") | dict.fromkeys(filters, "`where` (--where)")
    roles |= {text_column: "`text_column` (--text)", **dict.fromkeys(ids, "`id_column` (--id)")}
    rows.require(dict.fromkeys([*ids, text_column, *context, *filters]), roles)
    return UnitSource(rows, id_column, text_column, context, filters, max_chars)


def _find_ids(id_column: str, columns: Sequence[str]) -> tuple[str, ...]:
    """The columns that make an id: the one of this name, or those between whose names a plus sign stands."""
    if id_column == ROW_NUMBER:
        return ()
    return (id_column,) if id_column in columns else tuple(map(str.strip, id_column.split(_AND)))


def _parse_where(texts: Sequence[str]) -> dict[str, list[str]]:
    """Read `column: value` texts."""
    filters: dict[str, list[str]] = {}
    for text in texts:
        column, colon, value = text.partition(":")
        if not colon:
            raise UnitsError("The filter cannot be read.", [Fault("where", repr(text), "write `column: value`")])
        filters.setdefault(column.strip(), []).append(value.strip())
    return filters


@dataclass(frozen=True)
class LeftOut(Source):
    """The units of `source` whose ids are not in `ids`."""

    source: Source
    ids: frozenset[str]

    @property
    def path(self) -> Path:
        """The file or folder."""
        return self.source.path

    def with_skips(self) -> Iterator[tuple[Unit, str | None]]:
        """Yield `(unit, skip)` of the units that are left, as the source does."""
        return ((unit, skip) for unit, skip in self.source.with_skips() if unit.unit_id not in self.ids)

    @property
    def encoding(self) -> Encoding | None:
        """That of the source."""
        return self.source.encoding

    def remarks(self) -> Iterator[tuple[str, str]]:
        """What the source remarks."""
        return self.source.remarks()

    def describe(self) -> dict[str, Any]:
        """What the source says, and which ids are left out."""
        return self.source.describe() | {"left_out": sorted(self.ids)}

    def tell(self) -> list[str]:
        """What the source tells, and how many units are left out."""
        return [*self.source.tell(), f"left out: {say_count(len(self.ids), 'unit')}"]


@dataclass(frozen=True)
class Drawn(LeftOut):
    """The units of `source` whose ids are in `ids`, drawn with a seed: each had the same chance."""

    seed: int = 1

    def with_skips(self) -> Iterator[tuple[Unit, str | None]]:
        """Yield `(unit, skip)` of the units that were drawn, as the source does."""
        return ((unit, skip) for unit, skip in self.source.with_skips() if unit.unit_id in self.ids)

    def describe(self) -> dict[str, Any]:
        """What the source says, how many units were drawn, and with which seed."""
        return self.source.describe() | {"drawn": len(self.ids), "seed": self.seed}

    def tell(self) -> list[str]:
        """What the source tells, and how many units were drawn."""
        return [*self.source.tell(), f"drawn: {say_count(len(self.ids), 'unit')}, seed {self.seed}"]


def draw_units(source: Source, n: int, seed: int = 1) -> Drawn:
    """Draw n units of a source, each with the same chance, in one pass; all where it has no more.

    By Vitter's algorithm R (1985, Random sampling with a reservoir, ACM Transactions on Mathematical Software 11).

    Examples
    --------
    >>> import codebook as cb
    >>> drawn = draw_units(cb.open_study().open_units(), 3, seed=2)
    >>> len(list(drawn)), drawn.tell()[-1]
    (3, 'drawn: 3 units, seed 2')
    """
    dice, ids = random.Random(seed), list[str]()
    for number, unit in enumerate(source, start=1):
        if len(ids) < n:
            ids.append(unit.unit_id)
        elif (place := dice.randrange(number)) < n:
            ids[place] = unit.unit_id
    return Drawn(source, frozenset(ids), seed)
