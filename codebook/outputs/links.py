"""Links from notebooks to files of the project, such as the report or the next notebook."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from codebook.outputs.templating import render
from codebook.paths import EXECUTED_VARIABLE, project_folder, runs_folder, show_path


@dataclass(frozen=True, slots=True)
class FileLink:
    """A file of the project: in a notebook a link to it, elsewhere its path.

    Examples
    --------
    >>> import codebook as cb
    >>> from pathlib import Path
    >>> FileLink(Path("codebook.yaml"), "the codebook")
    the codebook: codebook.yaml
    """

    path: Path
    words: str = ""
    run: str = ""

    def __repr__(self) -> str:
        return f"{self.words}: {show_path(self.path)}" if self.words else show_path(self.path)

    @property
    def address(self) -> str:
        """Of the file, from where the notebook lies."""
        try:
            return quote(Path(os.path.relpath(self.path, _notebook_folder(self.run))).as_posix())
        except ValueError:  # on another drive
            return self.path.as_uri()

    def _repr_html_(self) -> str:
        return render("link.html.j2", address=self.address, words=self.words or show_path(self.path))


def link_file(path: str | Path, words: str = "", *, run: str = "") -> FileLink:
    """Return a link to a file of the project, which a notebook shows.

    Parameters
    ----------
    path
        The file; a relative path is taken from the project's folder.
    words
        What the link says; the path where empty.
    run
        The run that an executed copy of the notebook belongs to: it lies in the folder of that run, and links go from
        there.

    Examples
    --------
    >>> link_file("runs/coal/report.html")
    runs/coal/report.html
    """
    return FileLink(project_folder() / path, words, run)


def _notebook_folder(run: str) -> Path:
    """Where the notebook lies whose cell is running: a front end works there; an executed copy lies with its run."""
    if run and os.environ.get(EXECUTED_VARIABLE):
        return runs_folder() / run / "notebooks"
    return Path.cwd()
