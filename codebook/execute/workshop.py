"""Where a notebook runs: a private temporary folder that is cleared away, after a kill by whoever runs the next one."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from itertools import count
from pathlib import Path

from filelock import FileLock, Timeout

_NAME = re.compile(r"codebook-(\d+)-\w+")
_LOCK = "in use"
_PROFILE = """\
c = get_config()
c.IPKernelApp.log_level = 'ERROR'  # ipykernel 7.3+ warns at every start that it uses TCP
c.InteractiveShell.automagic = False  # else a cell of the one line `run: str = "x"` is taken for %run
"""
_GRAMMAR = "rfc3987_syntax"
_SCHEME = "codebook-memory://"
_numbers = count(1)


@contextmanager
def make_workshop() -> Iterator[Path]:
    """Make a temporary folder with an IPython profile of its own, so that no start-up file takes part.

    Nobody else may look into it. Its name tells whose it is and a lock in it that he lives; what the dead left is
    cleared away here.
    """
    clear_leftovers()
    with tempfile.TemporaryDirectory(prefix=f"codebook-{os.getpid()}-", ignore_cleanup_errors=True) as folder:
        profile = Path(folder, "ipython", "profile_default")
        with FileLock(Path(folder, _LOCK)):
            profile.mkdir(parents=True)
            (profile / "ipython_kernel_config.py").write_text(_PROFILE)
            yield Path(folder)


def clear_leftovers() -> list[str]:
    """Remove the workshops of processes that were killed, and return their names."""
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


class Memory:
    """Where papermill puts the executed copy after each cell: in memory, since secrets are still in it."""

    def __init__(self) -> None:
        self.copies: dict[str, str] = {}

    def write(self, copy: str, place: str) -> None:
        """Keep a copy."""
        self.copies[place] = copy

    def pretty_path(self, place: str) -> str:
        """Return the name of a place."""
        return place


@contextmanager
def keep_in_memory() -> Iterator[tuple[str, Memory]]:
    """A place that papermill writes to as if it were a file, and the memory that it is in."""
    memory, place = _register(), f"{_SCHEME}{next(_numbers)}.ipynb"
    try:
        yield place, memory
    finally:
        memory.copies.pop(place, None)


@contextmanager
def without_grammar() -> Iterator[None]:
    """Let jsonschema be imported without the grammar that it builds where `rfc3987_syntax` is installed.

    It takes longer (1.3 s) than all the rest, to judge addresses in other scripts, of which a notebook's form has none.
    """
    hidden = {} if _GRAMMAR in sys.modules else {_GRAMMAR: None}
    sys.modules.update(hidden)  # type: ignore[arg-type]  # None: it cannot be imported
    try:
        yield
    finally:
        for name in hidden:
            sys.modules.pop(name)


@lru_cache(maxsize=1)
def _register() -> Memory:
    with without_grammar():
        from papermill.iorw import papermill_io

    memory = Memory()
    papermill_io.register(_SCHEME, memory)
    return memory
