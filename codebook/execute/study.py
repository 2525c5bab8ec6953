"""A study: notebooks in order, with their parameters, run without a hand on them.

study: topics                       # name
run: topics-demo                    # the run's folder: runs/topics-demo
notebooks: notebooks                # folder of the notebooks
parameters: {codebook: data/topics_sib200_en/codebook.yaml}    # for every notebook that declares them
steps:
  - codebook                        # a notebook, without number and .ipynb
  - notebook: reliability
    parameters: {seed: 7}
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import Literal

from codebook.errors import ExecutionError, Fault, ParameterError, RecordError
from codebook.execute.kernels import Kernels, kernel_server
from codebook.execute.notebook import TIMEOUT_S, execute_notebook, paged
from codebook.execute.parameters import read_parameters
from codebook.execute.stop_signals import orderly_end
from codebook.execute.study_plan import Step, plan_study
from codebook.files.run_versions import find_version
from codebook.ground.quantities import say_count
from codebook.outputs import read_outputs
from codebook.outputs.output_differences import Differences, compare_records
from codebook.paths import project_folder, resolve_path, show_path
from codebook.visible import spell_block, spell_line

State = Literal["done", "pending", "failed"]
EXIT_CODES: Mapping[State, int] = {"done": 0, "failed": 1, "pending": 3}


@dataclass(frozen=True, slots=True)
class StepResult:
    """What came of one step: its executed copy and the page to read it, once it has run.

    Examples
    --------
    >>> step = StepResult("codebook", "done", 2.5, Path("01_codebook.ipynb"), Path("01_codebook.html"))
    >>> step.name, step.state, step.html.name
    ('codebook', 'done', '01_codebook.html')
    """

    name: str
    state: State
    seconds: float
    notebook: Path
    html: Path


@dataclass(frozen=True, slots=True)
class StudyResult:
    """What came of a study: `exit_code` is 0 done, 3 pending, 1 failed; `report` the page that a step wrote, if any.

    `remarks` say where there was nothing to do, such as one coder who can be compared with nobody; `left` names the
    steps that are not done.

    Examples
    --------
    >>> result = StudyResult("failed", 1, (), Path("runs/topics"))
    >>> result.state, result.exit_code, result.report
    ('failed', 1, None)
    """

    state: State
    exit_code: int
    steps: tuple[StepResult, ...]
    folder: Path
    report: Path | None = None
    remarks: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


def run_study(
    study_path: str | Path = "study.yaml",
    *,
    overrides: Mapping[str, str] | None = None,
    only: Collection[str] | None = None,
    out: Callable[[str], None] = print,
    timeout_s: float = TIMEOUT_S,
) -> StudyResult:
    """Run the steps of a study one after another; stop at the first that fails or has to wait for answers.

    Parameters
    ----------
    overrides
        Parameters that go before those of the study file, for every step that declares them.
    only
        Names of the steps to run; all when left out.
    out
        Takes the lines to be shown: one a step, and what to do when it stopped.
    timeout_s
        Longest time for one notebook, in seconds.

    Raises
    ------
    ParameterError
        The study file, a notebook or a parameter is wrong; all faults are named, and nothing was run.

    Examples
    --------
    >>> import codebook as cb
    >>> result = cb.run_study("study.yaml", only=["codebook"], out=lambda line: None)
    >>> result.state, result.exit_code, [(step.name, step.html.name) for step in result.steps]
    ('done', 0, [('codebook', '01_codebook.html')])
    """
    path = _find_study(study_path)
    plan = plan_study(path, overrides or {}, only)
    home = _find_home(plan.folder)

    def tell(line: str) -> None:
        out(spell_block(line))

    before = _stamp(home / "report.html")
    tell(f"study {plan.name}: {say_count(len(plan.steps), 'step')}, into {show_path(home)}")
    for note in plan.notes:
        tell(f"  note: {note}")
    results = _run_steps(plan.steps, plan.folder, timeout_s, path, tell)
    before, home = before if _find_home(plan.folder) == home else (0, 0), _find_home(plan.folder)
    state: State = next((result.state for result in results if result.state != "done"), "done")
    remarks = tuple(_read_remarks(home)) if state == "done" else ()
    for remark in remarks:
        tell(f"  {remark}")
    written = home / "report.html" if _stamp(home / "report.html") != before else None
    if written:
        tell(f"report: {show_path(written)}")
    if plan.archive and state == "done":
        for line in tell_differences(compare_records(resolve_path(plan.archive), home, home.name)):
            tell(line)
    ended = [result.state for result in results]
    undone = [step.name for step, how in zip_longest(plan.steps, ended) if how != "done"]
    left = tuple(dict.fromkeys(undone))
    return StudyResult(state, EXIT_CODES[state], tuple(results), home, written, remarks, left)


def tell_differences(differences: Differences, most: int = 30) -> Iterator[str]:
    """Name the first figures and sentences that differ from those of an archive, and say how much there is."""
    yield from (f"  DIFFERS   {each}" for each in differences.rows[:most])
    if rest := Counter(each.file for each in differences.rows[most:]):
        yield f"  ... and {rest.total():,} more in {', '.join(f'{file} ({n})' for file, n in rest.items())}"
    yield from differences.sentences()


def _run_steps(
    steps: Sequence[Step], folder: Path, timeout_s: float, study: Path, tell: Callable[[str], None]
) -> list[StepResult]:
    """Run steps up to the first that is not done; those that use the kit share what they import."""
    results: list[StepResult] = []
    former_files: dict[Path, bytes | None] = {}
    width = max(len(step.label) for step in steps)
    n_warm = sum(b"import codebook" in step.path.read_bytes() for step in steps)
    home = _find_home(folder)
    with kernel_server(n_warm, _list_ahead(steps, home)) as server:
        for step, following in zip_longest(steps, steps[1:]):
            former_files |= _keep_copies(step, home)
            with orderly_end():
                result, message = _run_step(step, home, timeout_s, Kernels(server, study))
            results.append(result)
            if (newest := _find_home(folder)) != home:
                tell(f"  {newest.name} is the next version of {home.name}, which stays; copies go to the new one")
                results, home = [_move_copies(each, former_files, newest) for each in results], newest
            tell(f"  {step.number:02d} {step.label:<{width}} {result.seconds:7.1f} s  {result.state}")
            if result.state != "done":
                tell(message)
            waits = any(result.state == "pending" for result in results)
            if result.state == "failed" or (
                waits and not (following and following.cell and following.name == step.name)
            ):
                break  # what waits keeps no other cell of the grid from being sent
    return results


def _find_home(folder: Path) -> Path:
    """The folder of the version of a run that is handed in: a step may have made a new one."""
    return folder.parent / find_version(folder.parent, folder.name)


def _keep_copies(step: Step, home: Path) -> dict[Path, bytes | None]:
    """What lies where a step will put its executed copy and page, to be put back if they are another version's."""
    copy = _place_copy(step, home)
    return {path: path.read_bytes() if path.is_file() else None for path in (copy, copy.with_suffix(".html"))}


def _move_copies(result: StepResult, former_files: Mapping[Path, bytes | None], home: Path) -> StepResult:
    """Put copy and page of a step into the folder of a new version, and those that were there before back."""
    places = [home / "notebooks" / path.name for path in (result.notebook, result.html)]
    for path, place in zip((result.notebook, result.html), places, strict=True):
        if path != place and path.is_file():
            place.parent.mkdir(parents=True, exist_ok=True)
            path.replace(place)
            if (former := former_files.get(path)) is not None:
                path.write_bytes(former)
    return replace(result, notebook=places[0], html=places[1])


def _place_copy(step: Step, home: Path) -> Path:
    return home / "notebooks" / f"{step.number:02d}_{step.label}.ipynb"


def _list_ahead(steps: Sequence[Step], folder: Path) -> list[str]:
    """What the engine of the study can load ahead; nothing where the answers are there."""
    from codebook.engines import DEFAULT, about_engine

    asks = [step for step in steps if "engine" in read_parameters(step.path)]
    if not asks or (folder / "table.csv").exists():
        return []
    names = [str(name) for step in asks if (name := step.parameters.get("engine"))]
    about = about_engine(names[0] if names else DEFAULT)
    return [about.ahead] if about and about.ahead else []


def _read_remarks(folder: Path) -> list[str]:
    """What the outputs of a run say there was nothing to do about, each sentence once."""
    with suppress(RecordError):  # a damaged list is told by the steps that read it
        return list(dict.fromkeys(entry.note for entry in read_outputs(folder / "outputs") if entry.kind == "remark"))
    return []


def _find_study(study_path: str | Path) -> Path:
    """Return the study's path, taken from the project's folder or else from the one the caller is in."""
    path = resolve_path(study_path)
    path = path if path.is_file() else Path.cwd() / study_path
    if path.is_file() and project_folder(path.parent) != project_folder():
        home = project_folder(path.parent)
        fault = Fault(show_path(path), "this study is of another project", f"change to its folder first: cd {home}")
        raise ParameterError("The study cannot be run from here.", [fault])
    return path


def _run_step(step: Step, folder: Path, timeout_s: float, kernels: Kernels) -> tuple[StepResult, str]:
    copy = _place_copy(step, folder)
    start = time.monotonic()
    state: State = "failed"
    try:
        with paged(copy):
            execution = execute_notebook(
                *(step.path, step.parameters),
                out=copy,
                timeout_s=timeout_s,
                on_cell=lambda number: _show_cell(step, number),
                kernels=kernels,
            )
        state, message = execution.state, f"{execution.message}\nTo go on: run the same command again later."
    except ExecutionError as error:
        message = f"{error}\nThe executed copy is {show_path(copy)}."
    finally:
        _show_cell(step, None)
    return StepResult(step.label, state, time.monotonic() - start, copy, copy.with_suffix(".html")), message


def _show_cell(step: Step, number: int | None) -> None:
    """Show on a terminal, on a line that goes away again, which cell is running: some take minutes."""
    if sys.stderr.isatty():
        running = "" if number is None else f"  {step.number:02d} {spell_line(step.label)}: cell {number} ..."
        sys.stderr.write(f"\r\x1b[K{running}")
        sys.stderr.flush()


def _stamp(path: Path) -> tuple[int, int]:
    if not path.is_file():
        return (0, 0)
    stat = path.stat()
    return (stat.st_mtime_ns, stat.st_ino)
