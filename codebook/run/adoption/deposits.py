"""A run that lies elsewhere is copied into the project: whole or not at all, and its source stays as it is."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from codebook.errors import BusyError, CodebookError, Fault, ParameterError, RunError
from codebook.files.digests import read_run_record
from codebook.ledger import Ledger
from codebook.paths import make_private, resolve_path, runs_folder, show_path
from codebook.run.folder import RunFolder

_COMING = ".adopting"
"""The folder, beside the runs, of copies that are being made."""


@contextmanager
def take_in(folder: str | Path) -> Iterator[RunFolder]:
    """Give the folder of a run of this project, by its name or path; one that lies elsewhere is copied to `runs/`.

    Where the block raises, the copy is removed again; a folder that was there stays.

    Raises
    ------
    ParameterError
        Another run of the project has its name, or it lies behind a link in `runs/`.
    RunError
        There is no run in the folder.
    BusyError
        Another process takes a run in.
    """
    runs, source = runs_folder(), Path(folder)
    named = len(source.parts) == 1 and (runs / source).exists()
    path = runs / source if named else resolve_path(source)
    if path.resolve().parent == runs.resolve() or not (path.exists() or len(source.parts) > 1):
        yield RunFolder(path.name)
        return
    if path.parent.resolve() == runs.resolve():
        fault = Fault(show_path(path), "it is a link to a folder elsewhere", f"remove it, and adopt {path.resolve()}")
        raise ParameterError("The folder cannot be adopted.", [fault])
    home = RunFolder(path.resolve().name)
    made = _bring(path.resolve(), home)
    try:
        yield home
    except CodebookError:
        if made:
            shutil.rmtree(home.path)
        raise


def _bring(source: Path, home: RunFolder) -> bool:
    """Copy a run to its place in the project; return False where it stands there already."""
    if not (source / "run.json").is_file():
        raise RunError(f"There is no run in {show_path(source)}: it holds no run.json. To mend: correct the path.")
    with _holding(home.runs) as room:
        if _is_there(source, home):
            return False
        _copy(source, room / home.name)
        (room / home.name).replace(home.path)
    return True


def clear_copies(runs: Path) -> None:
    """Remove copies that a killed process left half made."""
    if (runs / _COMING).is_dir():
        with _holding(runs):
            pass


@contextmanager
def _holding(runs: Path) -> Iterator[Path]:
    """Hold the folder of copies, emptied of what a killed process left."""
    room = make_private(runs / _COMING)
    try:
        with FileLock(room / ".lock", timeout=1):
            for path in room.iterdir():
                if path.is_dir():
                    shutil.rmtree(path)
            yield room
    except Timeout:
        raise BusyError("Another process takes a run in. To mend: wait for it to end, then repeat.") from None


def _is_there(source: Path, home: RunFolder) -> bool:
    """Whether the run stands in the project already, as a copy that was made before."""
    mend, place = f"rename {show_path(source)}, and adopt it under the new name", show_path(home.path)
    if home.path.exists():
        if home.record_path.is_file() and _planned(home.record_path) == _planned(source / "run.json"):
            return True
        fault = Fault(place, "it is another run of the same name", mend)
    elif _is_known(home):
        advice = f"copy it back to {place}, if it is that run; else {mend}"
        fault = Fault(home.name, "the ledger knows a run of this name, whose folder is gone", advice)
    else:
        return False
    raise ParameterError("The folder cannot be adopted; nothing was changed.", [fault])


def _is_known(home: RunFolder) -> bool:
    if not home.ledger_path.is_file():
        return False
    with Ledger(home.ledger_path) as ledger:
        return ledger.is_planned(home.name) is not None


def _planned(path: Path) -> tuple[object, ...]:
    """What stays the same of a record as long as the run lives."""
    record = read_run_record(path)
    return tuple(record.get(name) for name in ("planned_at", "codebook", "units", "asked"))


def _copy(source: Path, target: Path) -> None:
    """Copy folders and the files that can be read; what is open here is not, and pipes and devices are no record."""
    make_private(target)
    for path in sorted(source.iterdir()):
        if path.is_dir() and not path.is_symlink():
            _copy(path, target / path.name)
        elif path.is_file() and path.suffix not in (".lock", ".part") and path.name != ".lock":
            shutil.copyfile(path, target / path.name)
