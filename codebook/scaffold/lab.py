"""JupyterLab on a study's own folder, for this machine alone, without news, and with the start page open."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Sequence
from importlib.resources import as_file, files
from pathlib import Path

from codebook.errors import MissingExtraError, RunError
from codebook.files.run_versions import find_version
from codebook.paths import project_folder, runs_folder
from codebook.run import open_run

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

    Examples
    --------
    >>> import codebook as cb
    >>> start_lab(["--version"], browser=False)
    0
    """
    if importlib.util.find_spec("jupyterlab") is None:
        raise MissingExtraError("JupyterLab", "widgets")
    project = project_folder()
    with as_file(files("codebook") / "templates" / "jupyter") as defaults:
        command = lab_command(project, options, browser=browser)
        return subprocess.call(command, cwd=project, env=lab_environment(defaults))


def lab_command(project: Path, options: Sequence[str] = (), *, browser: bool = True) -> list[str]:
    """Return the command that starts JupyterLab, for this machine alone and with the start page where there is one."""
    start = START if (project / START).is_file() else ""
    return [
        *(sys.executable, "-m", "jupyterlab", "--ServerApp.ip=127.0.0.1", f"--ServerApp.root_dir={project}"),
        *([f"--LabApp.default_url=/lab/tree/{start}"] if start else []),
        *([] if browser else ["--no-browser"]),
        *(["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []),
        *options,
    ]


def lab_environment(defaults: Path) -> dict[str, str]:
    """Return the environment with a folder of other defaults, such as no news; what a person has set goes before."""
    paths = [str(defaults), *filter(None, [os.environ.get("JUPYTER_CONFIG_PATH")])]
    return {**os.environ, "JUPYTER_CONFIG_PATH": os.pathsep.join(paths)}


def find_report(run: str) -> Path:
    """Return the report of a run.

    Raises
    ------
    RunError
        There is no such run, or it has no report yet.

    Examples
    --------
    >>> import codebook as cb
    >>> path = cb.write_report("topics")
    >>> find_report("topics").name
    'report.html'
    """
    report = runs_folder() / find_version(runs_folder(), run) / "report.html"
    if not report.is_file():
        open_run(run)  # which says where there is no such run
        raise RunError(f"Run {run!r} has no report yet. To mend: codebook report {run}.")
    return report
