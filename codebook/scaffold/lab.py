"""JupyterLab on a study's own folder, for this machine alone, without news, and with the start page open."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from codebook.errors import MissingExtraError, RunError
from codebook.paths import project_folder
from codebook.run import RunFolder

START = "notebooks/start.ipynb"


def start_lab(options: Sequence[str] = (), *, browser: bool = True) -> int:
    """Start JupyterLab and return its exit code when it ends; Ctrl-C ends it.

    Parameters
    ----------
    options
        Further options of `jupyter lab`.
    browser
        Open a browser; else the address is printed.

    Raises
    ------
    MissingExtraError
        JupyterLab is not installed.
    """
    if importlib.util.find_spec("jupyterlab") is None:
        raise MissingExtraError("JupyterLab", "widgets")
    return subprocess.call(lab_command(project_folder(), options, browser=browser), cwd=project_folder())


def lab_command(project: Path, options: Sequence[str] = (), *, browser: bool = True) -> list[str]:
    """Return the command that starts JupyterLab: what it says holds for this start, and no setting is changed."""
    start = START if (project / START).is_file() else ""
    return [
        *(sys.executable, "-m", "jupyterlab", "--ServerApp.ip=127.0.0.1", f"--ServerApp.root_dir={project}"),
        *("--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"),
        *([f"--LabApp.default_url=/lab/tree/{start}"] if start else []),
        *([] if browser else ["--no-browser"]),
        *(["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []),
        *options,
    ]


def find_report(run: str) -> Path:
    """Return the report of a run.

    Raises
    ------
    RunError
        There is no such run, or it has no report yet.
    """
    folder = RunFolder(run)
    folder.read_record()
    report = folder.path / "report.html"
    if not report.is_file():
        raise RunError(f"Run {run!r} has no report yet. To mend: codebook report {run}.")
    return report
