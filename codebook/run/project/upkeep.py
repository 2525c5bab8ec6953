"""What a project holds on to, here and at services: how much it is, what of it may go, and what is to be stopped."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path
from time import time
from typing import TYPE_CHECKING, NamedTuple

from codebook.errors import CodebookError, RunError
from codebook.ground.quantities import say_count
from codebook.ledger import Ledger
from codebook.paths import project_folder, runs_folder
from codebook.run.folder import RunFolder, list_runs
from codebook.run.jobs.stopping import give_up_lost
from codebook.run.state import RunStatus
from codebook.run.verbs import open_exact, open_run

if TYPE_CHECKING:
    import pandas as pd

REBUILT = {"exports": "collect and export write them again", "notebooks": "`codebook execute` writes them again"}
"""Folders of a run that hold nothing but what is made from the rest of it, and how they are made again."""
_DAY_S = 86_400


class Disk(NamedTuple):
    """Room on the disk of the project, in bytes: what its runs take, and what is free."""

    n_used: int
    n_free: int


def check_run(name: str) -> str:
    """Return the name of a run that is there, though its folder be gone or a discard of it was begun.

    Raises
    ------
    RunError
        There is none.

    Examples
    --------
    >>> import codebook as cb
    >>> cb.run.check_run("topics")
    'topics'
    """
    folder = RunFolder(name)
    if folder.ledger_path.is_file():
        with Ledger(folder.ledger_path) as ledger:
            if ledger.is_planned(name) is not None or name in ledger.leftovers():
                return name
    return open_exact(name).name


def cancel_run(name: str, shard: int = 0, *, give_up: bool = False) -> RunStatus | str:
    """Stop a run as `Run.cancel` does, also one whose folder is gone; return how it stands, or what was done.

    Raises
    ------
    EngineError
        Jobs could not be stopped; the others were.
    RunError
        There is no such run, or its folder is gone and jobs may be under way.

    Examples
    --------
    >>> import codebook as cb
    >>> cancel_run("topics").jobs[0].state
    'completed'
    """
    folder = RunFolder(name)
    if folder.record_path.is_file():
        return open_exact(name).cancel(shard, give_up=give_up)
    return give_up_lost(folder, shard, give_up=give_up)


def delete_remote(names: Collection[str] = (), *, older_than_days: float = 0) -> int:
    """Delete what services keep of runs, of all where none is named; the answers on disk are checked first.

    Returns how many files were deleted.

    Raises
    ------
    RunError
        Of some runs not all could be deleted; of the others it was.

    Examples
    --------
    >>> import codebook as cb
    >>> delete_remote(["topics"])
    0
    """
    n_deleted, failures = 0, list[str]()
    for name in names or list_runs():
        try:
            opened = open_run(name) if names else open_exact(name)
            n_deleted += opened.delete_remote(older_than_days=older_than_days)
        except CodebookError as error:
            if len(names) == 1:
                raise
            failures.append(f"  - {name}: {error}")
    if failures:
        deleted = say_count(n_deleted, "file was", "files were")
        message = f"{deleted} deleted. Not all could be; repeat it later for these runs:"
        raise RunError("\n".join([message, *failures]))
    return n_deleted


def measure_runs() -> tuple[pd.DataFrame, Disk]:
    """Return the room that each run takes, in bytes, by what it is: results, shards, outputs, rebuilt, other; `total`.

    `rebuilt` is what `tidy_runs` may remove. The dearest runs come first.

    Examples
    --------
    >>> import codebook as cb
    >>> rooms, disk = measure_runs()
    >>> rooms["run"].tolist(), bool(rooms["total"][0] > 10_000)
    (['topics'], True)
    """
    import pandas as pd

    parts = ["results", "shards", "outputs", "rebuilt", "other"]
    rows = []
    for name in list_runs():
        sizes = dict.fromkeys(parts, 0)
        for place, n_bytes in _measure(RunFolder(name).path):
            part = "rebuilt" if place in REBUILT else place
            sizes[part if part in sizes else "other"] += n_bytes
        rows.append({"run": name, **sizes, "total": sum(sizes.values())})
    frame = pd.DataFrame(rows, columns=["run", *parts, "total"]).sort_values("total", ascending=False, kind="stable")
    runs = runs_folder()
    n_used = sum(n_bytes for _, n_bytes in _measure(runs)) if runs.is_dir() else 0
    return frame.reset_index(drop=True), Disk(n_used, shutil.disk_usage(project_folder()).free)


def find_rebuilt(older_than_days: float = 0) -> list[Path]:
    """Return the files that can be made again from the rest of their run, and were not touched for so many days.

    Examples
    --------
    >>> import codebook as cb
    >>> find_rebuilt(older_than_days=30)
    []
    """
    before = time() - older_than_days * _DAY_S
    folders = (RunFolder(name).path / place for name in list_runs() for place in REBUILT)
    files = (path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file())
    return [path for path in files if path.lstat().st_mtime <= before]


def tidy_runs(files: Collection[Path]) -> int:
    """Remove files that `find_rebuilt` found, and the folders that are empty then; return how many bytes are free.

    Examples
    --------
    >>> import codebook as cb
    >>> tidy_runs(cb.run.find_rebuilt()) >= 0
    True
    """
    n_bytes = 0
    for path in files:
        with RunFolder(path.relative_to(runs_folder()).parts[0]).lock():
            n_bytes += path.stat().st_size if path.exists() else 0
            path.unlink(missing_ok=True)
    for folder in sorted({path.parent for path in files}, reverse=True):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
    return n_bytes


def _measure(folder: Path) -> Iterator[tuple[str, int]]:
    """The first part of the place of each file below a folder, and its bytes; a file with two names counts once."""
    seen = set[tuple[int, int]]()
    for home, _, names in os.walk(folder):
        for name in names:
            path = Path(home, name)
            try:
                about = path.lstat()
            except OSError:  # it went meanwhile
                continue
            if (about.st_dev, about.st_ino) not in seen:
                seen.add((about.st_dev, about.st_ino))
                yield path.relative_to(folder).parts[0], about.st_size
