"""Where a project's files are, whatever folder a notebook or a command happens to run in."""

from __future__ import annotations

import os
from pathlib import Path

from codebook.errors import Fault

MARKER = "study.yaml"


def project_folder(start: str | Path | None = None) -> Path:
    """Return the project's folder: the nearest one, from `start` upwards, that holds a `study.yaml`.

    Notebook tools disagree about the working directory, so every relative path of the kit is taken from here. The
    environment variable CODEBOOK_PROJECT names the folder outright; without a marker it is the working directory.
    """
    if named := os.environ.get("CODEBOOK_PROJECT"):
        return Path(named).resolve()
    here = Path(start or Path.cwd()).resolve()
    return next((folder for folder in (here, *here.parents) if (folder / MARKER).is_file()), here)


def resolve_path(path: str | Path) -> Path:
    """Return an absolute path; a relative one is taken from the project's folder."""
    return project_folder() / Path(path).expanduser()


def show_path(path: Path) -> str:
    """Return a path as a person should read it: relative to the project where it lies inside, `/` between parts."""
    try:
        return path.resolve().relative_to(project_folder()).as_posix()
    except ValueError:
        return path.as_posix()


def missing_file(path: Path) -> Fault:
    """Return the fault of a file that is not there."""
    return Fault(show_path(path), "no such file", "correct the path; a relative one is taken from the project's folder")
