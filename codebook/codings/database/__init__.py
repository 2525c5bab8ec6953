"""Frames into the tables of a real database, in one transaction: all of them or nothing, and never twice.

A file is an SQLite database by the standard library; an address such as `postgresql+psycopg://...` goes through
SQLAlchemy, an extra. What is written takes the place of what the same run, or the same coding, wrote before.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from codebook.codings.database.address import write_address
from codebook.codings.database.frames import HasKey, KeyedTable, Sheet, make_sheets, refused
from codebook.codings.database.sqlite import SqliteTable
from codebook.ground.quantities import say_count
from codebook.paths import resolve_path


class RowCounts(dict[str, int]):
    """How many rows each table has; it shows itself in words."""

    def __repr__(self) -> str:
        return "; ".join(f"{name}: {say_count(n, 'row')}" for name, n in self.items())


def write_database(where: str | Path, *tables: HasKey) -> RowCounts:
    """Write tables into a database, either all or none; return the number of rows of each.

    Written again, nothing doubles: records of the same run, and of the same unit, coder, variable, draw and list, are
    replaced; of other frames the rows with the same key. All else stays. A table that lacks a column gets it.

    Parameters
    ----------
    where
        Path of an SQLite file (made where it is not there, relative to the project), or the address of a database.
    tables
        `Records`, `units_table`, or any frame as a `KeyedTable`.

    Raises
    ------
    TableError
        A frame has no key, or repeats it; or the database refuses it. Nothing was changed.
    MissingExtraError
        An address is given and SQLAlchemy is not installed.

    Examples
    --------
    >>> import pandas as pd
    >>> path = Path("study.db")
    >>> frame = pd.DataFrame({"unit_id": ["7", "7"], "n": [1, 2], "mention": ["Ann", "Ben"]})
    >>> for part in (frame, frame[:1]):
    ...     write_database(path, KeyedTable("entities", part, key=["unit_id", "n"], scope=["unit_id"]))
    entities: 2 rows
    entities: 1 row
    >>> with closing(sqlite3.connect(path)) as database:
    ...     database.execute("SELECT mention FROM entities").fetchall()
    [('Ann',)]
    """
    sheets = make_sheets(tables)
    if "://" in str(where):
        write_address(sheets, str(where))
    else:
        _write_file(sheets, resolve_path(where))
    return RowCounts((sheet.name, len(sheet.rows)) for sheet in sheets)


def _write_file(sheets: Sequence[Sheet], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with closing(sqlite3.connect(path, isolation_level=None, timeout=30)) as database:
            database.execute("BEGIN IMMEDIATE")
            try:
                for sheet in sheets:
                    table = SqliteTable(database, sheet.name)
                    table.prepare(sheet.key, sheet.kinds)
                    table.drop("run_id", sheet.runs)
                    table.drop_scopes(sheet.scope, sheet.scopes())
                    table.insert(list(sheet.kinds), sheet.rows)
                database.execute("COMMIT")
            except BaseException:
                database.execute("ROLLBACK")
                raise
    except sqlite3.Error as error:
        raise refused(str(error)) from None


__all__ = ["HasKey", "KeyedTable", "write_database"]
