"""One table of an SQLite file: made, widened, rid of what is replaced, and filled, in the caller's transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

_TYPES = {"integer": "INTEGER", "real": "REAL", "text": "TEXT"}


class SqliteTable:
    """A table by its name, which may hold any sign."""

    def __init__(self, database: sqlite3.Connection, name: str) -> None:
        self.database = database
        self.name = name

    def prepare(self, key: Sequence[str], kinds: Mapping[str, str]) -> None:
        """Make the table, or add the columns that it lacks.

        Raises
        ------
        sqlite3.Error
            It is there with another key.
        """
        columns_there = self.database.execute("SELECT name, pk FROM pragma_table_info(?)", [self.name]).fetchall()
        if not columns_there:
            columns = [f"{quote(name)} {_TYPES[kind]}" for name, kind in kinds.items()]
            self._run("CREATE TABLE", self._named, f"({', '.join(columns)}, PRIMARY KEY ({_names(key)}))")
            return
        own_key = [name for name, number in columns_there if number]
        if set(own_key) != set(key):
            problem = f"table {self.name!r} exists with another key ({', '.join(own_key) or 'none'})"
            raise sqlite3.IntegrityError(problem)
        there = {name.casefold() for name, _ in columns_there}
        for name, kind in kinds.items():
            if name.casefold() not in there:
                self._run("ALTER TABLE", self._named, "ADD COLUMN", quote(name), _TYPES[kind])

    def drop(self, column: str, values: Sequence[Any]) -> None:
        """Delete the rows with one of these values."""
        self._run_many([(value,) for value in values], "DELETE FROM", self._named, "WHERE", quote(column), "= ?")

    def drop_scopes(self, columns: Sequence[str], values: Sequence[Sequence[Any]]) -> None:
        """Delete the rows that have one of these combinations of values."""
        same = " AND ".join(f"{quote(name)} = ?" for name in columns)
        self._run_many(values, "DELETE FROM", self._named, "WHERE", same)

    def insert(self, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Insert rows."""
        marks = ", ".join("?" for _ in columns)
        self._run_many(rows, "INSERT INTO", self._named, f"({_names(columns)})", "VALUES", f"({marks})")

    @property
    def _named(self) -> str:
        return quote(self.name)

    def _run(self, *words: str) -> None:
        self.database.execute(" ".join(words))

    def _run_many(self, values: Sequence[Sequence[Any]], *words: str) -> None:
        self.database.executemany(" ".join(words), values)


def quote(name: str) -> str:
    r"""Write a name so that SQL takes it as a name, whatever signs it holds.

    Examples
    --------
    >>> quote("a table"), quote('7"x')
    ('"a table"', '"7""x"')
    """
    return '"' + name.replace('"', '""') + '"'


def _names(columns: Sequence[str]) -> str:
    return ", ".join(map(quote, columns))
