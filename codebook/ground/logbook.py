"""The log of a project: what was done when, and how it ended; no texts, no keys, no ids. And tracebacks, apart from it.

`runs/codebook.log` has a line for each command. Both files are bounded, and a log that cannot be written fails nothing.
"""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkstemp

from codebook.paths import runs_folder, show_path

LOG = "codebook.log"
FAULTS = "codebook-faults.log"
MAX_BYTES = 1_000_000
"""Of each file; what is older goes into one file with `.old` in its name, and from there out."""


def note(words: str, outcome: str, seconds: float) -> None:
    """Add a line to the project's log: time (UTC), process, what was done, how it ended, how long it took (s).

    Where the project has no `runs/` yet, nothing is written.
    """
    with suppress(OSError):
        line = f"{_now()}  {os.getpid()}  {words}  {outcome}  {seconds:.1f} s"
        _append(_folder() / LOG, " ".join(line.splitlines()))


def keep_traceback(words: str, text: str) -> str:
    """Keep a traceback, and return the path where a person finds it; "" where there is no place at all."""
    entry = f"{_now()}  {os.getpid()}  {words}\n{text}"
    with suppress(OSError):
        path = _folder() / FAULTS
        _append(path, entry)
        return show_path(path)
    with suppress(OSError):
        number, name = mkstemp(prefix="codebook-fault-", suffix=".log")
        with os.fdopen(number, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"{entry}\n")
        return name
    return ""


def drop_tracebacks() -> list[str]:
    """Delete the tracebacks that were kept, which may show a text or an id; return the paths of the files."""
    paths = [_folder() / name for name in (FAULTS, _old(FAULTS))] if runs_folder().is_dir() else []
    dropped = [path for path in paths if path.is_file()]
    for path in dropped:
        path.unlink()
    return [show_path(path) for path in dropped]


def _old(name: str) -> str:
    return f"{Path(name).stem}.old{Path(name).suffix}"


def _folder() -> Path:
    folder = runs_folder()
    if not folder.is_dir():
        raise FileNotFoundError(folder)
    return folder


def _append(path: Path, text: str) -> None:
    """Add lines for the file's owner alone, in one write, so that those of two processes do not mix."""
    if path.exists() and path.stat().st_size > MAX_BYTES:
        path.replace(path.with_name(_old(path.name)))
    number = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(number, f"{text}\n".encode(errors="backslashreplace"))
    finally:
        os.close(number)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
