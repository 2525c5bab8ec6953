"""Where a project's files are, whatever folder a notebook or a command happens to run in."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

from codebook.errors import Fault

MARKER = "study.yaml"
GOLD_SAMPLE = "gold_sample.jsonl"
"""Name of a run's own gold sample, in its folder."""
EXECUTED_VARIABLE = "CODEBOOK_EXECUTED"
"""Set in the kernel of a notebook whose executed copy lies with its run."""
RUNS_VARIABLE = "CODEBOOK_RUNS"
"""The environment variable that names another folder for the runs, as while a study is replayed beside its archive."""
STUDY_VARIABLE = "CODEBOOK_STUDY"
"""The environment variable that tells the notebooks of a study which file they are run by."""


def project_folder(start: str | Path | None = None) -> Path:
    """Return the project's folder: the nearest one, from `start` upwards, that holds a `study.yaml`.

    Notebook tools disagree about the working directory, so every relative path of the kit is taken from here. The
    environment variable CODEBOOK_PROJECT names the folder outright; without a marker it is the working directory. A
    `study.yaml` in the root of the disk does not make the whole disk a project.
    """
    if named := os.environ.get("CODEBOOK_PROJECT"):
        return Path(named).resolve()
    here = Path(start or Path.cwd()).resolve()
    return next((folder for folder in (here, *here.parents[:-1]) if (folder / MARKER).is_file()), here)


def runs_folder() -> Path:
    """Return the folder of all runs: `runs/` of the project, or the one that CODEBOOK_RUNS names, seen from there.

    Examples
    --------
    >>> runs_folder() == project_folder() / "runs"
    True
    """
    return project_folder() / (os.environ.get(RUNS_VARIABLE) or "runs")


def resolve_path(path: str | Path) -> Path:
    """Return an absolute path; a relative one is taken from the project's folder."""
    return project_folder() / Path(path).expanduser()


def show_path(path: Path) -> str:
    """Return a path as a person should read it: relative to the project where it lies inside, `/` between parts."""
    try:
        return path.resolve().relative_to(project_folder()).as_posix()
    except (ValueError, OSError, RuntimeError):  # outside the project; or links that lead back to themselves
        return path.as_posix()


def name_record(path: Path) -> str:
    """Return a path as figures name it, the same wherever runs are: `runs/RUN/FILE` of a run; else as `show_path`."""
    home, place = runs_folder().resolve(), path.resolve()
    return f"runs/{place.relative_to(home).as_posix()}" if place.is_relative_to(home) else show_path(path)


def settings_folder() -> Path:
    """Return the folder of a person's own settings, outside of every study, by the custom of the system.

    The environment variable CODEBOOK_CONFIG names another one.
    """
    if named := os.environ.get("CODEBOOK_CONFIG"):
        return Path(named).expanduser()
    if sys.platform == "win32" and (roaming := os.environ.get("APPDATA")):
        return Path(roaming) / "codebook"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "codebook"
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "codebook"


def notebooks_folder() -> Path:
    """Return where the kit's notebooks lie: inside the installed package, or beside it in a clone."""
    package = Path(__file__).parent
    inside = package / "notebooks"
    return inside if inside.is_dir() else package.parent / "notebooks"


def make_private(folder: Path) -> Path:
    """Make a folder, with those above it that are missing, for its owner alone; those that are there stay as they are.

    Examples
    --------
    >>> import tempfile; home = tempfile.TemporaryDirectory()
    >>> oct(make_private(Path(home.name, "runs", "one")).parent.stat().st_mode & 0o777)
    '0o700'
    >>> home.cleanup()
    """
    for missing in reversed([each for each in (folder, *folder.parents) if not each.exists()]):
        missing.mkdir(mode=0o700, exist_ok=True)
    return folder


def missing_file(path: Path) -> Fault:
    """Return the fault of a file that is not there."""
    mend = "correct the path; a relative one is taken from the project's folder"
    if "\\" in path.name:
        mend = f"write / between folders, as {Path(show_path(path).replace(chr(92), '/')).as_posix()}"
    return Fault(show_path(path), "no such file", mend)


def find_file_fault(path: Path) -> Fault | None:
    """Return why there is no file to read at a path, or None: only regular files are ever opened.

    Examples
    --------
    >>> print(find_file_fault(Path("/dev/null")))
    /dev/null: it is a device and no file. To mend: give a file; what a pipe or a device holds, save as one first.
    """
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return missing_file(path)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        return Fault(show_path(path), f"it cannot be opened ({reason})", "correct the path, or allow it to be read")
    if stat.S_ISREG(mode):
        return None
    mend = "give a file; what a pipe or a device holds, save as one first"
    return Fault(show_path(path), f"it is {_name_kind(mode)} and no file", mend)


def leads_out(path: Path, folder: Path) -> bool:
    """Whether a path is a link to something outside a folder, or one of the folders between them is."""
    try:
        return not path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError):  # links that lead back to themselves lead nowhere
        return False


def _name_kind(mode: int) -> str:
    kinds = {"a folder": stat.S_ISDIR, "a pipe": stat.S_ISFIFO, "a socket": stat.S_ISSOCK}
    return next((name for name, is_kind in kinds.items() if is_kind(mode)), "a device")
