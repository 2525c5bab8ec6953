"""Frames made ready for a database: key, columns, rows in plain values; every fault is found before it is opened."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pandas as pd

from codebook.errors import Fault, TableError
from codebook.ground.quantities import say_count


class HasKey(Protocol):
    """What becomes a table of a database: records, or a frame with its key."""

    @property
    def name(self) -> str:
        """Of the table."""

    @property
    def frame(self) -> pd.DataFrame:
        """Its rows."""

    @property
    def key(self) -> Sequence[str]:
        """Columns that name a row."""

    @property
    def scope(self) -> Sequence[str]:
        """Columns of the key that say what the rows take the place of; empty for the key."""

    @property
    def runs(self) -> Sequence[str]:
        """Runs whose rows are replaced as a whole."""


_NEEDED = ("name", "frame", "key", "scope", "runs")


@dataclass(frozen=True, eq=False)
class KeyedTable:
    """A frame for a database: its table name, the columns that identify a row, and which rows it replaces.

    Examples
    --------
    >>> KeyedTable("runs", pd.DataFrame({"run": ["a"]}), key=["run"]).name
    'runs'
    """

    name: str
    frame: pd.DataFrame
    key: Sequence[str] = ()
    scope: Sequence[str] = ()
    runs: Sequence[str] = ()


@dataclass(frozen=True)
class Sheet:
    """A frame ready to be written: its key, its columns with their kinds, and its rows in plain values.

    `scope` are the columns that say what rows take the place of, such as unit, coder and list: the key where nothing
    else is said. `runs` are the runs whose rows are replaced as a whole.
    """

    name: str
    key: tuple[str, ...]
    kinds: Mapping[str, str]
    rows: Sequence[tuple[Any, ...]]
    scope: tuple[str, ...]
    runs: tuple[str, ...]

    def scopes(self) -> list[tuple[Any, ...]]:
        """The different values of the scope's columns."""
        places = [list(self.kinds).index(name) for name in self.scope]
        return list(dict.fromkeys(tuple(row[at] for at in places) for row in self.rows))


def make_sheets(tables: Iterable[HasKey]) -> list[Sheet]:
    """Make tables ready.

    Raises
    ------
    TableError
        Lists all that keeps a frame from being a table.
    """
    faults: list[Fault] = []
    sheets = []
    for number, table in enumerate(tables, start=1):
        if isinstance(table, pd.DataFrame) or not all(hasattr(table, name) for name in _NEEDED):
            mend = "give KeyedTable(name, frame, key=[...]) or run.records(...); `write_table` takes codings"
            kind = f"a {type(table).__name__} does not say which columns identify a row"
            faults.append(Fault(f"table {number} of those given", kind, mend))
            continue
        frame, key = table.frame, tuple(table.key)
        if problem := _find_problem(frame, key):
            faults.append(Fault(f"table {table.name!r}", *problem))
            continue
        runs = tuple(table.runs) if "run_id" in frame else ()
        scope = tuple(table.scope) if table.scope and set(table.scope) <= set(key) else key
        kinds = {str(column): _kind(frame[column]) for column in frame.columns}
        sheets.append(Sheet(table.name, key, kinds, list(_plain_rows(frame)), scope, runs))
    TableError.raise_any("The tables cannot be written; nothing was changed.", faults)
    return sheets


def _find_problem(frame: pd.DataFrame, key: Sequence[str]) -> tuple[str, str] | None:
    """(problem, mend) of a frame that cannot become a table."""
    if not key:
        return "it is not said which columns identify a row", "name them: KeyedTable(name, frame, key)"
    if missing := [name for name in key if name not in frame]:
        return (
            f"the column {missing[0]!r} of the key does not exist",
            f"use some of {', '.join(map(str, frame.columns))}",
        )
    if frame[list(key)].isna().any(axis=None):
        return f"the key ({', '.join(key)}) has empty cells", "fill them in, or remove the rows"
    if (twice := frame.duplicated(list(key))).any():
        first = ", ".join(map(str, frame.loc[twice, list(key)].iloc[0]))
        return (
            f"{say_count(int(twice.sum()), 'row repeats', 'rows repeat')} the key ({', '.join(key)}), such as {first}",
            "name all columns of the key",
        )
    folded = [str(name).casefold() for name in frame.columns]
    return ("two columns have the same name", "rename one") if len(set(folded)) < len(folded) else None


def _kind(column: pd.Series[Any]) -> str:
    """What a column holds: "integer", "real" or "text"."""
    if pd.api.types.is_integer_dtype(column.dtype) or pd.api.types.is_bool_dtype(column.dtype):
        return "integer"
    return "real" if pd.api.types.is_float_dtype(column.dtype) else "text"


def _plain_rows(frame: pd.DataFrame) -> Iterator[tuple[Any, ...]]:
    """The rows in values of Python; what is missing is None."""
    plain = frame.astype(object).where(frame.notna(), None)
    columns = [[_plain(cell) for cell in plain[name]] for name in plain]
    return zip(*columns, strict=True)


def _plain(cell: Any) -> Any:
    number = cell.item() if hasattr(cell, "item") else cell
    return int(number) if isinstance(number, bool) else number if isinstance(number, int | float | None) else str(cell)


def refused(reason: str) -> TableError:
    """Return the error of a database that does not take the tables."""
    mend = "read what the database says; use another table name or another database"
    return TableError("The tables were not written; nothing was changed.", [Fault("the database", reason, mend)])
