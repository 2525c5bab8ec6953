"""Connections to the file of a ledger: for writing where it may be written, else for reading, on whatever medium."""

from __future__ import annotations

import logging
import os
import shutil
import sqlite3
import time
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp

from codebook.errors import BusyError, RecordError
from codebook.ground.machine import MEND_LEDGER

WAIT_S = 60.0
"""How long to wait for another process that writes."""
SAY_AFTER_S = 3.0
"""After which time it is said that another process is waited for."""
MEMORY = Path(":memory:")
CACHE_KB = 48 * 1024
"""Memory that who writes may take for pages: keys are met in no order, and a million have some 50 MB of index."""
PAGES_BESIDE = 16 * 1024
"""Changed pages (of 4 kB, on the disk already) that may lie beside the file before they are put into it: pages of an
index change with every shard, and are then written there once for many."""
ROOM_BYTES = 64 * 1024
"""What SQLite needs on the disk to begin with: an index of the changes that lie beside the file takes 32 kB."""
_ENDINGS = ("", "-wal", "-journal")
"""Of the file, and of the changes that are not in it yet, or are to be taken back."""
_FILE = "runs/ledger.db"
_HELD = f"Another process holds the ledger ({_FILE})"
_CLOSE = "end it, or close the program that has the file open"


def connect(path: Path, *, any_thread: bool = False) -> sqlite3.Connection:
    """Open a ledger's file as it allows: for writing, for reading, or as it stands on a medium nobody can write."""
    *first, last = _list_addresses(path)
    for address in first:
        with suppress(_Refused):
            return _open(address, any_thread=any_thread)
    return _open(last, any_thread=any_thread)


def may_write(path: Path) -> bool:
    """Whether the file, or a new one of this name, may be written, and files beside it be made.

    A ledger on a full disk is read as on a medium that nobody can write: SQLite needs some room even to read.
    """
    if path == MEMORY:
        return True
    if path.is_file() and has_no_room(path):
        return False
    return os.access(path.parent, os.W_OK | os.X_OK) and (not path.exists() or os.access(path, os.W_OK))


def has_no_room(path: Path) -> bool:
    """Whether the disk is so full that SQLite cannot even begin; a folder of a network may not tell its size."""
    disk = shutil.disk_usage(path.parent)
    return disk.total > 0 and disk.free < ROOM_BYTES


def has_changes_beside(path: Path) -> bool:
    """Whether the last changes are not in the file itself: whoever wrote them did not close it."""
    return any(beside.st_size for beside in _stamps(path)[1:] if beside)


def reads_beside(path: Path) -> bool:
    """Whether a file that cannot be written is read together with the changes beside it: its writer is at work."""
    try:
        _open(_list_addresses(path)[0], any_thread=False).close()
    except sqlite3.OperationalError:
        return False
    return True


def copy_file(path: Path) -> Path:
    """Copy the file, with the changes that lie beside it, into a folder of its own, and return the copy."""
    folder = Path(mkdtemp(prefix="codebook-ledger-"))
    for pause_s in (0.05, 0.2, 0.5, 1, 2):
        before = _stamps(path)
        for ending in _ENDINGS:
            (folder / (path.name + ending)).unlink(missing_ok=True)
            with suppress(FileNotFoundError):
                shutil.copyfile(path.with_name(path.name + ending), folder / (path.name + ending))
        if [_stamp(each) for each in before] == [_stamp(each) for each in _stamps(path)]:
            return folder / path.name
        time.sleep(pause_s)
    shutil.rmtree(folder, ignore_errors=True)
    raise BusyError(
        f"Another process writes the ledger ({_FILE}) all the time. To mend: repeat it when that has ended."
    )


def _stamps(path: Path) -> list[os.stat_result | None]:
    """Size and times of the file and of what may lie beside it, None where there is none."""
    places = [path.with_name(path.name + ending) for ending in _ENDINGS]
    return [place.stat() if place.is_file() else None for place in places]


def _stamp(about: os.stat_result | None) -> tuple[int, int, int] | None:
    return about and (about.st_ino, about.st_size, about.st_mtime_ns)


def wait_for_others(db: sqlite3.Connection, statement: str) -> None:
    """Do what another process may hold up, and say so when that takes more than a few seconds."""
    end, warned = time.monotonic() + WAIT_S, False
    while True:
        try:
            db.execute(statement)
        except sqlite3.OperationalError as error:
            if not error.sqlite_errorname.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
                raise
            if time.monotonic() >= end:
                raise BusyError(
                    f"{_HELD} for {WAIT_S:.0f} s. To mend: {_CLOSE}, then repeat; nothing is lost."
                ) from None
            if not warned:
                logging.getLogger("codebook").warning(
                    f"{_HELD}; waiting for up to {WAIT_S:.0f} s. If it hangs: {_CLOSE}."
                )
            warned = True
        else:
            return


class _Refused(sqlite3.OperationalError):
    """The file, or its folder, cannot be written, which this way of opening it needs."""


def _list_addresses(path: Path) -> list[str]:
    """The ways to open a file, the one that allows most first."""
    if path == MEMORY or not path.is_file() or may_write(path):
        return [str(path)]
    reading = f"{path.resolve().as_uri()}?mode=ro"
    return [reading, f"{reading}&immutable=1"]


def _open(address: str, *, any_thread: bool) -> sqlite3.Connection:
    options = {"uri": address.startswith("file:"), "check_same_thread": not any_thread}
    db = sqlite3.connect(address, timeout=SAY_AFTER_S, isolation_level=None, **options)
    try:
        wait_for_others(db, "SELECT count(*) FROM sqlite_master")
    except sqlite3.OperationalError as error:
        db.close()
        is_full = error.sqlite_errorname.startswith("SQLITE_IOERR") and address.endswith("?mode=ro")
        if is_full or error.sqlite_errorname.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN")):
            raise _Refused(*error.args) from None
        raise
    except UnicodeDecodeError as error:  # of SQLite's own message, which names what it has found
        db.close()
        raise RecordError(f"{_FILE} is no ledger, or damaged ({error}). To mend: {MEND_LEDGER}.") from error
    except sqlite3.DatabaseError:
        pass  # no ledger, or damaged: said by whoever looks at its tables
    return db
