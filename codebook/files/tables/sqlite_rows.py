"""One SELECT asked of an SQLite file, which is opened for reading and never changed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from codebook.errors import Fault, UnitsError

DATABASES = (".db", ".sqlite", ".sqlite3")
"""Endings that are taken for SQLite files."""
_HEAD = b"SQLite format 3\0"
_READING = (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE)
_N_SHOWN = 10


@contextmanager
def ask(path: Path, query: str) -> Iterator[sqlite3.Cursor]:
    """Ask a file one SELECT; everything else is refused by the database itself."""
    with path.open("rb") as file:
        if file.read(len(_HEAD)) != _HEAD:
            fault = Fault(path.name, "it is not an SQLite file", "give an SQLite file, or save the table as csv")
            raise UnitsError(f"{path.name} cannot be read.", [fault])
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
        try:
            if not query.strip():
                raise UnitsError(f"{path.name} is a database.", [_find_tables(path, database)])
            database.set_authorizer(_allow)
            yield database.execute(query)
        except (sqlite3.Error, sqlite3.Warning) as error:
            database.set_authorizer(None)
            raise UnitsError(f"{path.name} cannot be queried.", [_explain(path, database, error)]) from None


def _allow(action: int, *_: object) -> int:
    return sqlite3.SQLITE_OK if action in _READING else sqlite3.SQLITE_DENY


def _find_tables(path: Path, database: sqlite3.Connection) -> Fault:
    names = _list_tables(database)
    example = " ".join(["SELECT id, text FROM", *names[:1]])
    mend = f'write a query: `form: ["query: {example}"]` (`--form "query={example}"`)'
    return Fault(path.name, f"there is no query that says which rows to read; its tables are {_say(names)}", mend)


def _explain(path: Path, database: sqlite3.Connection, error: Exception) -> Fault:
    """Why a query was refused, and what may be asked."""
    reason = " ".join(str(error).split())[:200].rstrip(".")
    if "authorized" in reason or "one statement" in reason or "prohibited" in reason:
        return Fault(
            f"{path.name}, query", f"{reason}: the database can only be read", "write one SELECT, and nothing else"
        )
    if "locked" in reason or "open database" in reason:
        return Fault(
            path.name, f"it cannot be opened for reading ({reason})", "close the program that uses it, then repeat"
        )
    try:
        tables = _say(_list_tables(database))
    except sqlite3.Error:
        return Fault(path.name, f"it is damaged ({reason})", "restore it, or save the table as csv")
    return Fault(f"{path.name}, query", reason, f"correct the query; the tables are {tables}")


def _list_tables(database: sqlite3.Connection) -> list[str]:
    """Names of tables and views."""
    sql = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' ORDER BY name"
    return [name for (name,) in database.execute(sql)]


def _say(names: list[str]) -> str:
    return ", ".join(names[:_N_SHOWN]) + ", ..." * (len(names) > _N_SHOWN) if names else "none"
