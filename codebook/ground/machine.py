"""What the machine does not let the kit do - a full disk, a lock, no rights - in words, with the mend.

`in_words` is put around the verbs that notebooks call; the command line asks `explain` for whatever else arrives there.
"""

from __future__ import annotations

import errno
import functools
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from codebook.errors import CodebookError, MachineError
from codebook.paths import runs_folder, show_path

P = ParamSpec("P")
T = TypeVar("T")
C = TypeVar("C", bound=type)

NOTHING_LOST = "Nothing is lost: what was done is on disk, and the same call or command, repeated, goes on from there."

_ELSEWHERE = "name a place that you may write, or copy the whole project to a folder of your own and work there"
_PART = re.compile(r"\.(.+)\.\d+-\d+\.part")
_LOCAL = "copy the whole project to a local disk, and work there"
_FULL = ("the disk is full", "free some disk space, then repeat")
_LOCKED = ("another process holds it", "wait for the other process or close it (a database browser, say), then repeat")
_NO_LOCKS = ("its place has no working locks, as some network drives have not", _LOCAL)
_READ_ONLY = ("it cannot be written there", _ELSEWHERE)
_ROOM_FOR_LEDGER = 1 << 16
"""Bytes that must be free so that a ledger can be opened: its shared index takes half of them."""
_MEMORY = ("the memory is full", "close other programs, or take fewer units at a time, then repeat")

_BY_NUMBER: dict[str, tuple[str, str]] = {
    **dict.fromkeys(("ENOSPC", "EDQUOT"), _FULL),
    **dict.fromkeys(("EROFS",), _READ_ONLY),
    **dict.fromkeys(("EACCES", "EPERM"), ("this user may not read or write it", _ELSEWHERE)),
    **dict.fromkeys(("ENOLCK", "ENOSYS", "EOPNOTSUPP", "ENOTSUP", "ESTALE", "EDEADLK"), _NO_LOCKS),
    "EIO": ("the disk or the network drive does not answer", _LOCAL),
    "ENAMETOOLONG": ("the name of a file is too long", "shorten the names of folders, files or ids"),
    "ELOOP": ("links lead back to themselves", "remove the link"),
    **dict.fromkeys(("EMFILE", "ENFILE"), ("too many files are open", "close other programs, or raise `ulimit -n`")),
    "ENOMEM": _MEMORY,
    "ENOENT": ("there is no such file or folder", "correct the path, or put back what was moved"),
    **dict.fromkeys(
        ("EISDIR", "ENOTDIR", "EEXIST"),
        ("a file stands where a folder is needed, or the other way round", "give another name, or move it away"),
    ),
    "EBUSY": ("another program uses it", "close that program, then repeat"),
}
"""The number of an OSError by its name -> what is the matter, and the mend."""

_BY_WORDS = (
    (("is locked",), _LOCKED),
    (("disk is full",), _FULL),
    (("readonly", "unable to open"), _READ_ONLY),
    (("disk i/o error", "locking protocol"), _NO_LOCKS),
)
MEND_LEDGER = (
    "restore it from a backup; or move runs/ledger.db away and read each run in again with `codebook adopt runs/RUN`: "
    "nothing is paid twice"
)
_LEDGER = "The ledger (runs/ledger.db)"
_DAMAGED = ("it is damaged", MEND_LEDGER)


def explain(error: BaseException) -> MachineError | None:
    """Return what the machine did not let the kit do, or None where that is not what an error says.

    Examples
    --------
    >>> print(explain(OSError(errno.ENOSPC, "No space left on device", "table.csv")))
    table.csv: the disk is full. To mend: free some disk space, then repeat.
    """
    for cause in _chain(error):
        if isinstance(cause, MachineError):
            return cause
        if isinstance(cause, sqlite3.Error):
            return _explain_ledger(cause)
        if isinstance(cause, OSError) and (words := _BY_NUMBER.get(errno.errorcode.get(cause.errno or 0, ""))):
            named = cause.filename or cause.filename2
            where = f"{_show_name(named)}: " if named and not isinstance(named, int) else ""
            problem = words[0] if where else _begin(words[0])
            return MachineError(f"{where}{problem}. To mend: {words[1]}.")
        if isinstance(cause, MemoryError):
            return MachineError(f"{_begin(_MEMORY[0])}. To mend: {_MEMORY[1]}.")
    return None


def find_ledger_damage(path: Path) -> MachineError | None:
    """Look whether a ledger is damaged where nothing has said so yet: what was read from it may have been nonsense."""
    if not path.is_file():
        return None
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=1)) as db:
            finding = str(db.execute("PRAGMA quick_check(1)").fetchone()[0])
    except (sqlite3.Error, UnicodeDecodeError) as error:
        finding = str(error)
    return None if finding == "ok" else MachineError(f"{_LEDGER}: {_DAMAGED[0]} ({finding}). To mend: {_DAMAGED[1]}.")


def in_words(verb: Callable[P, T]) -> Callable[P, T]:
    """Make a verb say in words what the machine did not let it do; every other error passes as it is."""

    @functools.wraps(verb)
    def told(*args: P.args, **options: P.kwargs) -> T:
        try:
            return verb(*args, **options)
        except CodebookError:
            raise
        except (OSError, sqlite3.Error, MemoryError) as error:
            if (explained := explain(error)) is None:
                raise
            raise MachineError(f"{explained}\n{NOTHING_LOST}") from error

    return told


def all_in_words(kind: C) -> C:
    """Do the same for every public method of a class."""
    for name, method in list(vars(kind).items()):
        if not name.startswith("_") and callable(method) and not isinstance(method, type):
            setattr(kind, name, in_words(method))
    return kind


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error, and what it was raised from."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)


def _explain_ledger(error: sqlite3.Error) -> MachineError | None:
    if isinstance(error, sqlite3.ProgrammingError | sqlite3.IntegrityError | sqlite3.InterfaceError):
        return None  # the kit itself asked wrongly
    words = str(error).lower()
    known = next((pair for parts, pair in _BY_WORDS if any(part in words for part in parts)), None)
    if known is None and isinstance(error, sqlite3.OperationalError):  # a faulty statement, or a table that is gone
        return find_ledger_damage(runs_folder() / "ledger.db")
    problem, mend = _find_disk_fault(error, known) if known is _NO_LOCKS else known or _DAMAGED
    return MachineError(f"{_LEDGER}: {problem} ({error}). To mend: {mend}.")


def _find_disk_fault(error: sqlite3.Error, locks: tuple[str, str]) -> tuple[str, str]:
    """What is behind an error of input or output, which a full disk and broken locks both are."""
    folder = next(path for path in (runs_folder(), *runs_folder().parents) if path.exists())
    if shutil.disk_usage(folder).free < _ROOM_FOR_LEDGER:
        return _FULL
    kind = getattr(error, "sqlite_errorname", "").removeprefix("SQLITE_IOERR")
    return _BY_NUMBER["EIO"] if kind in ("_READ", "_WRITE", "_FSYNC", "_DIR_FSYNC", "_TRUNCATE") else locks


def _begin(words: str) -> str:
    return words[:1].upper() + words[1:]


def _show_name(name: Any) -> str:
    """A file as a person knows it: of a temporary one, the file whose place it was to take."""
    path = Path(name.decode(errors="replace") if isinstance(name, bytes) else str(name))
    meant = _PART.fullmatch(path.name)
    return show_path(path.with_name(meant[1]) if meant else path)
