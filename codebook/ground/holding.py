"""A file that one process holds at a time, with who holds it beside it.

The lock is the system's own and ends with the process, however it ends. Who holds it stands in a file beside it
(`.lock.who`), which is only read while the lock cannot be had: what a killed process left there says nothing.
"""

from __future__ import annotations

import getpass
import logging
import os
import socket
import sys
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
