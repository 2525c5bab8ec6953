"""Where the study stands and what is next: the page that JupyterLab opens with, from what is on disk alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from codebook.errors import CodebookError
from codebook.outputs.cells import frame_html, frame_texts
from codebook.outputs.links import FileLink, link_file
from codebook.outputs.templating import render
from codebook.paths import MARKER, project_folder, show_path
from codebook.run import list_runs, open_run, summarise_runs
from codebook.scaffold.study_draft import MARKS, list_marks
from codebook.study import Study, open_study

if TYPE_CHECKING:
    import pandas as pd

_N_QUESTIONS = 8
_RUN_COLUMNS = ["run", "engine", "model", "asked", "labelled", "cost"]


@dataclass(frozen=True)
class StudyState:
    """A study as it stands: what it says, its latest runs, what is wrong or open, and what to do next.

    Examples
    --------
    >>> import codebook as cb
    >>> from codebook.scaffold import show_study
    >>> show_study().name
    'my-study'
    """

    name: str
    facts: tuple[tuple[str, str], ...]
    runs: pd.DataFrame
    open_points: tuple[str, ...]
    steps: tuple[FileLink, ...]

    def __repr__(self) -> str:
        wide = max((len(name) for name, _ in self.facts), default=0)
        lines = [f"study {self.name}", *(f"  {name:<{wide}}  {value}" for name, value in self.facts)]
        lines += ["", "Open:", *(f"  {point}" for point in self.open_points)] if self.open_points else []
        lines += ["", "Runs:", frame_texts(self.runs, names=())[0].to_string(index=False)] if len(self.runs) else []
        return "\n".join([*lines, "", "Next:", *(f"  {step!r}" for step in self.steps)])

    def _repr_html_(self) -> str:
        runs = frame_html(self.runs, ()) if len(self.runs) else ""
        steps = [step._repr_html_() for step in self.steps]
        about = {"name": self.name, "facts": self.facts, "points": self.open_points}
        return render("start.html.j2", **about, runs=runs, steps=steps)


def show_study(n_runs: int = 5) -> StudyState:
    """Show where the study stands and what is next, with links; nothing is asked of a service and nothing is written.

    Parameters
    ----------
    n_runs
        How many of the latest runs are listed.

    Examples
    --------
    >>> import codebook as cb
    >>> show_study().name
    'my-study'
    """
    project = project_folder()
    try:
        study = open_study()
    except CodebookError as error:
        faults, runs = tuple(str(error).splitlines()), summarise_runs()[_RUN_COLUMNS].head(n_runs)
        return StudyState(project.name, (), runs, faults, (link_file(MARKER, "mend the study file"),))
    lines, instrument = _look_at_codebook(study)
    points = (*lines, *_list_questions(project, study))
    facts = {
        "codebook": instrument,
        "texts": f"{study.facts.units} ({_say_columns(study)})",
        "coders": study.coders or "none",
        "answered by": " ".join(filter(None, (study.facts.engine, study.facts.model))),
        "run": study.run,
    }
    runs = summarise_runs()[_RUN_COLUMNS].head(n_runs)
    steps = tuple(_next_steps(study, project, bool(points)))
    return StudyState(study.facts.study or project.name, tuple(facts.items()), runs, points, steps)


def _look_at_codebook(study: Study) -> tuple[list[str], str]:
    """The faults of the codebook, and what it measures."""
    try:
        book = study.codebook
    except CodebookError as error:
        return str(error).splitlines(), f"{study.facts.codebook} (faulty)"
    variables = ", ".join(f"{variable.name} ({variable.told})" for variable in book.variables)
    return [], f"{study.facts.codebook}: {book.name} {book.version}, {variables}"


def _say_columns(study: Study) -> str:
    named = [f"{name} {value}" for name in ("id_column", "text_column") if (value := getattr(study.facts, name))]
    there = (project_folder() / study.facts.units).exists() or "*" in study.facts.units
    return ", ".join([*named, *([] if there else ["not there yet"])]) or "a folder"


def _list_questions(project: Path, study: Study) -> list[str]:
    """The questions that the study's files still hold."""
    paths = [project / name for name in (study.facts.codebook, study.coders, study.path) if name]
    texts = {show_path(path): path.read_text(encoding="utf-8", errors="replace") for path in paths if path.is_file()}
    marks = list_marks(texts, MARKS[1])
    rest = [f"and {len(marks) - _N_QUESTIONS} more lines with `{MARKS[1]}`"] if len(marks) > _N_QUESTIONS else []
    return [*marks[:_N_QUESTIONS], *rest]


def _next_steps(study: Study, project: Path, open_points: bool) -> Iterator[FileLink]:
    if open_points:
        yield link_file(study.facts.codebook, "answer what is open, in the codebook first")
        yield _notebook("01_codebook", "look at codebook and texts")
    if study.run not in list_runs():
        yield _notebook("02_pilot", "ask a few texts, and see what all would cost")
        yield _notebook("03_submit", "ask all texts")
        return
    yield from _steps_of_run(study.run, project)


def _steps_of_run(run: str, project: Path) -> Iterator[FileLink]:
    """What is next for a run that was planned."""
    try:
        opened = open_run(run)
        status, folder = opened.status(), opened.folder
    except CodebookError as error:
        yield _notebook("00_status", " ".join(str(error).split())[:200])
        return
    report = folder.path / "report.html"
    if any(not job.job_id and job.state == "planned" for job in status.jobs):
        yield _notebook("03_submit", "hand in what is planned")
    elif not status.done or not folder.table_path.is_file():
        yield _notebook("04_collect", "fetch the answers")
        yield _notebook("00_status", "see how the jobs stand")
    elif not report.is_file() or report.stat().st_mtime_ns < folder.table_path.stat().st_mtime_ns:
        yield _notebook("05_validity", "hold the labels against the gold")
        yield _notebook("06_reliability", "see whether the coders agree")
        yield _notebook("08_report", "write the report")
    if report.is_file():
        yield link_file(report.relative_to(project), "read the report")


def _notebook(name: str, words: str) -> FileLink:
    return link_file(f"notebooks/{name}.ipynb", f"{name}: {words}")
