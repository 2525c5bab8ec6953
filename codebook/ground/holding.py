"""A file that one process holds at a time, with who holds it beside it.

The lock is the system's own and ends with the process, however it ends. Who holds it stands in a file beside it
(`.lock.who`), which is only read while the lock cannot be had: what a killed process left there says nothing.

A process that needs a folder for a while has one that nobody else may look into (`make_scratch`); where it is killed,
the next one clears it away.
"""

from __future__ import annotations

import getpass
import logging
import os
import re
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import orjson
from filelock import FileLock, Timeout

SAY_AFTER_S = 3.0
"""After which time it is said who is waited for."""


class HeldError(Exception):
    """Another process holds the file; the text says who, as far as that is known."""


@dataclass(frozen=True)
class Holder:
    """Who holds a file: user, machine, process, since when (local time, ISO 8601), and the command."""

    user: str
    host: str
    pid: int
    since: str
    command: str

    @classmethod
    def here(cls) -> Holder:
        """This process."""
        try:
            user = getpass.getuser()
        except (OSError, KeyError):  # a user without a name, as in a container
            user = str(os.getuid()) if hasattr(os, "getuid") else "somebody"
        words = [Path(sys.argv[0]).name if sys.argv and sys.argv[0] else "python", *sys.argv[1:2]]
        since = datetime.now().astimezone().isoformat(timespec="seconds")
        return cls(user, socket.gethostname(), os.getpid(), since, " ".join(words))

    def __str__(self) -> str:
        begin = datetime.fromisoformat(self.since)
        seconds = max(0, int((datetime.now().astimezone() - begin).total_seconds()))
        span = f"{seconds} s" if seconds < 120 else f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"
        here = self.host == socket.gethostname()
        place = "this machine" if here else self.host
        gone = ", which is gone: its lock was left over" if here and not _is_alive(self.pid) else ""
        return f"{self.user} on {place} ({self.command}, process {self.pid}{gone}), since {begin:%H:%M:%S} ({span})"


def who_holds(path: Path) -> Holder | None:
    """Who wrote that they hold a lock file; None where nobody did."""
    try:
        return Holder(**orjson.loads(_beside(path).read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


@contextmanager
def hold(path: Path, what: str, wait_s: float) -> Iterator[None]:
    """Hold a lock file. Who waits for longer than a few seconds is told for whom; `what` names what is held.

    Raises
    ------
    HeldError
        Another process holds it all the time.
    """
    lock = FileLock(path)
    try:
        lock.acquire(timeout=min(wait_s, SAY_AFTER_S))
    except Timeout:
        _wait(lock, path, what, wait_s)
    try:
        with suppress(OSError):  # a full disk, say: the lock holds all the same
            _beside(path).write_bytes(orjson.dumps(asdict(Holder.here())))
        yield
    finally:
        with suppress(OSError):
            _beside(path).unlink(missing_ok=True)
        lock.release()


def _wait(lock: FileLock, path: Path, what: str, wait_s: float) -> None:
    """Wait for the rest of the time, and say so."""
    begin = time.monotonic()
    if wait_s > SAY_AFTER_S:
        words = f"{what} is held by {who_holds(path) or 'another process'}; waiting for up to {wait_s:.0f} s."
        logging.getLogger("codebook").warning(words)
        with suppress(Timeout):
            lock.acquire(timeout=wait_s - SAY_AFTER_S)
            return
    waited = min(wait_s, SAY_AFTER_S) + time.monotonic() - begin
    raise HeldError(f"{who_holds(path) or 'nobody knows who'}; waited for {waited:.0f} s")


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.who")


def _is_alive(pid: int) -> bool:
    """Whether a process of this machine is there; True where that cannot be told."""
    if os.name == "nt":
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


GRAMMAR = "rfc3987_syntax"
"""A module that builds a grammar when it is imported."""
_NAME = re.compile(r"codebook-(\d+)-\w+")
_LOCK = "in use"


@contextmanager
def make_scratch() -> Iterator[Path]:
    """Make a temporary folder of this process, into which nobody else may look.

    Its name tells whose it is and a lock in it that he lives; what the dead left is cleared away here.
    """
    clear_leftovers()
    prefix = f"codebook-{os.getpid()}-"
    with tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True) as name, FileLock(Path(name, _LOCK)):
        yield Path(name)


def clear_leftovers() -> list[str]:
    """Remove the folders of processes that were killed, and return their names."""
    cleared = []
    for folder in sorted(Path(tempfile.gettempdir()).glob("codebook-*-*")):
        named = _NAME.fullmatch(folder.name)
        if named and _is_mine(folder) and not (os.name == "posix" and _is_alive(int(named[1]))) and _is_free(folder):
            shutil.rmtree(folder, ignore_errors=True)
            cleared.append(folder.name)
    return cleared


def _is_mine(folder: Path) -> bool:
    """Whether it is a folder of this user's, and no link to one."""
    with suppress(OSError):
        owner = folder.lstat().st_uid
        return folder.is_dir() and not folder.is_symlink() and (sys.platform == "win32" or owner == os.getuid())
    return False


def _is_free(folder: Path) -> bool:
    """Whether nobody holds the lock: processes of another container have numbers of their own."""
    with suppress(Timeout, OSError), FileLock(folder / _LOCK, timeout=0):
        return True
    return False


@contextmanager
def without_grammar() -> Iterator[None]:
    """Let jsonschema be imported without the grammar that it builds where `rfc3987_syntax` is installed.

    It takes longer (1.3 s) than all the rest, to judge addresses in other scripts, which nobody here does.
    """
    hidden = {} if GRAMMAR in sys.modules else {GRAMMAR: None}
    sys.modules.update(hidden)  # type: ignore[arg-type]  # None: it cannot be imported
    try:
        yield
    finally:
        for name in hidden:
            sys.modules.pop(name)
