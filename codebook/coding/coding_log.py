"""One coder's log: a line of JSON an act, on disk before it is acknowledged, never rewritten.

Whoever holds the log writes to it; a second process reads only. What a kill left of a last line is set aside; a line
that is broken further up is a fault, for it is somebody's work.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from codebook.errors import BusyError, Fault, MachineError, ParameterError, RecordError
from codebook.files.lines import dump_line, load_line
from codebook.ground.machine import explain
from codebook.paths import make_private, show_path

Act = Mapping[str, Any]
"""One line of a log."""
ACTS = ("label", "note", "flag", "skip", "undo", "redo", "context", "open")
ADJUDICATION = "adjudication"
"""Name of the log of adjudication, which is no coder's."""
_NAME = re.compile(r"\w[\w .@+-]{0,59}(?<![ .])")
_RESERVED = frozenset({"con", "prn", "aux", "nul", ADJUDICATION})


def coder_fault(coder: str, where: str = "coder") -> Fault | None:
    """Return why nobody can be called so, or None: a coder's name is the name of the coder's file.

    Examples
    --------
    >>> coder_fault("Zoë B."), coder_fault("ann")
    (Fault(where='coder', problem="'Zoë B.' cannot name a file", ...), None)
    """
    if _NAME.fullmatch(coder) and coder.casefold() not in _RESERVED:
        return None
    mend = "use letters, digits, spaces and . _ @ + -, 60 at most; begin with a letter or digit, end with no dot"
    return Fault(where, f"{coder!r} cannot name a file", mend)


def log_path(folder: Path, coder: str) -> Path:
    """Return where a coder's log lies."""
    if coder != ADJUDICATION and (fault := coder_fault(coder)):
        raise ParameterError("The coder needs another name.", [fault])
    return folder / "logs" / f"{coder}.jsonl"


def read_acts(path: Path) -> tuple[list[Act], bytes]:
    """Return the acts of a log, and what stands behind its last whole line; nothing where there is no log."""
    if not path.is_file():
        return [], b""
    *lines, rest = path.read_bytes().split(b"\n")
    name = show_path(path)
    return [_read_act(line, number, f"{name}, line {number}") for number, line in enumerate(lines, start=1)], rest


def _read_act(line: bytes, number: int, where: str) -> Act:
    act = load_line(line, where)
    if act.get("act") not in ACTS:
        raise RecordError(
            f"{where}: {act.get('act')!r} is not a valid entry. The file was edited. To mend: restore it from a backup."
        )
    if act.get("n") != number:
        problem = f"it has the number {act.get('n')!r}: lines were removed or added"
        raise RecordError(f"{where}: {problem}. To mend: restore the file from a backup.")
    return act


class CodingLog:
    """The log of one coder, opened to be written to, or read only where somebody else holds it.

    Parameters
    ----------
    path
        Of the file; it is made with its folder at the first act.
    read_only
        Do not even try to hold it.

    Raises
    ------
    RecordError
        A line that is not the last one is broken.

    Examples
    --------
    >>> path = Path("ann.jsonl")
    >>> with CodingLog(path) as log:
    ...     _ = log.append({"act": "label", "unit": "7", "label": "sports"})
    ...     CodingLog(path).read_only, log.acts[0]["n"]
    (True, 1)
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path, self.read_only, self.remark = path, read_only, ""
        self._lock = FileLock(path.with_name(f".{path.stem}.lock"), thread_local=False)
        self._file: int | None = None
        self.acts: list[Act] = []
        if not read_only:
            self._take()
        try:
            self.acts, torn = read_acts(path)
            self.n_bytes = path.stat().st_size - len(torn) if path.is_file() else 0
            if torn and not self.read_only:
                self._set_aside(torn)
        except BaseException:
            self.close()
            raise

    def _take(self) -> None:
        """Hold the log, or else read only."""
        try:
            make_private(self.path.parent)
            self._lock.acquire(timeout=0)
        except Timeout:
            self.read_only = True
            self.remark = "This coder is already coding in another window or program. This window is read only."
        except OSError as error:
            self.read_only = True
            self.remark = f"Read only: {explain(error) or error}"

    def _set_aside(self, torn: bytes) -> None:
        """Keep what a kill left of a last line beside the log, and end the log before it."""
        aside = self.path.with_name(f"{self.path.stem}.torn-{datetime.now(UTC):%Y%m%dT%H%M%S%f}")
        aside.write_bytes(torn)
        os.truncate(self.path, self.n_bytes)
        self.remark = (
            f"The last line was cut short when the program ended; the incomplete part is kept in {aside.name}."
        )

    def append(self, act: Act) -> Act:
        """Write an act and return it with its number and time; it is on disk when this returns.

        Raises
        ------
        BusyError
            The log is read only.
        MachineError
            It could not be written: the log is as it was before.
        """
        if self.read_only:
            raise BusyError(self.remark or f"{show_path(self.path)} is read only.")
        line = {"n": len(self.acts) + 1, "time": now(), **act}
        raw = dump_line(line)
        try:
            self._write(raw)
        except OSError as error:
            self._take_back()
            raise MachineError(f"NOT SAVED. {explain(error) or error}") from error
        self.acts.append(line)
        self.n_bytes += len(raw)
        return line

    def _write(self, raw: bytes) -> None:
        if self._file is None:
            self._file = self._open()
        about = os.fstat(self._file)
        if about.st_size != self.n_bytes or not self.path.exists() or not os.path.samestat(about, self.path.stat()):
            problem = f"{show_path(self.path)} was changed by another program"
            raise MachineError(f"NOT SAVED. {problem}. To mend: close the form and open it again.")
        if os.write(self._file, raw) != len(raw):
            raise OSError(28, "No space left on device", str(self.path))
        os.fsync(self._file)

    def _open(self) -> int:
        """Open the file to append to it; a new one's name is on disk too."""
        new = not self.path.exists()
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
        if new and os.name == "posix":
            folder = os.open(self.path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        return file

    def _take_back(self) -> None:
        """Cut off what a write that failed has left."""
        with suppress(OSError):
            if self._file is not None and os.fstat(self._file).st_size > self.n_bytes:
                os.ftruncate(self._file, self.n_bytes)

    def close(self) -> None:
        """Let go of the file. May be repeated."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
        self._lock.release()

    def __enter__(self) -> CodingLog:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def now() -> str:
    """The time as a log has it: UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def list_logs(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield (coder, log) of every coder who has begun, by name; the adjudication is none."""
    for path in sorted((folder / "logs").glob("*.jsonl")):
        if path.stem != ADJUDICATION and not path.name.startswith("."):
            yield path.stem, path
