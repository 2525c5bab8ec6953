"""What a process needs for a while: a private temporary folder; where it is killed, the next one clears it away."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

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
        if named and _is_mine(folder) and not _lives(int(named[1])) and _is_free(folder):
            shutil.rmtree(folder, ignore_errors=True)
            cleared.append(folder.name)
    return cleared


def _is_mine(folder: Path) -> bool:
    """Whether it is a folder of this user's, and no link to one."""
    with suppress(OSError):
        owner = folder.lstat().st_uid
        return folder.is_dir() and not folder.is_symlink() and (sys.platform == "win32" or owner == os.getuid())
    return False


def _lives(number: int) -> bool:
    """Whether there is a process of this number; on Windows the lock alone tells."""
    if sys.platform == "win32":
        return False
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


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
