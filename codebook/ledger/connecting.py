"""Connections to the file of a ledger: for writing where it may be written, else for reading, on whatever medium."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp

WAIT_S = 60.0
"""How long to wait for another process that writes."""
MEMORY = Path(":memory:")


def connect(path: Path, *, any_thread: bool = False) -> sqlite3.Connection:
    """Open a ledger's file as it allows: for writing, for reading, or as it stands on a medium nobody can write.

    Raises
    ------
    sqlite3.OperationalError
        It cannot be opened at all.
    """
    *first, last = _list_addresses(path)
    for address in first:
        with suppress(_Refused):
            return _open(address, any_thread=any_thread)
    return _open(last, any_thread=any_thread)


def may_write(path: Path) -> bool:
    """Whether the file, or a new one of this name, may be written, and files beside it be made."""
    if path == MEMORY:
        return True
    return os.access(path.parent, os.W_OK | os.X_OK) and (not path.exists() or os.access(path, os.W_OK))


def has_changes_beside(path: Path) -> bool:
    """Whether the last changes are not in the file itself: whoever wrote them did not close it."""
    beside = path.with_name(f"{path.name}-wal")
    return beside.is_file() and beside.stat().st_size > 0


def copy_file(path: Path) -> Path:
    """Copy the file, with the changes that lie beside it, into a folder of its own, and return the copy."""
    folder = Path(mkdtemp(prefix="codebook-ledger-"))
    for ending in ("", "-wal"):
        if (source := path.with_name(path.name + ending)).is_file():
            shutil.copyfile(source, folder / source.name)
    return folder / path.name


class _Refused(sqlite3.OperationalError):
    """The file, or its folder, cannot be written, which this way of opening it needs."""


def _list_addresses(path: Path) -> list[str]:
    """The ways to open a file, the one that allows most first."""
    if path == MEMORY or not path.is_file() or may_write(path):
        return [str(path)]
    reading = f"{path.resolve().as_uri()}?mode=ro"
    return [reading, f"{reading}&immutable=1"]


def _open(address: str, *, any_thread: bool) -> sqlite3.Connection:
    how = {"uri": address.startswith("file:"), "check_same_thread": not any_thread}
    db = sqlite3.connect(address, timeout=WAIT_S, isolation_level=None, **how)
    try:
        db.execute("SELECT count(*) FROM sqlite_master")
    except sqlite3.OperationalError as error:
        db.close()
        if error.sqlite_errorname.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN")):
            raise _Refused(*error.args) from None
        raise
    except sqlite3.DatabaseError:
        pass  # no ledger, or damaged: said by whoever looks at its tables
    return db
