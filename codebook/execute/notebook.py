"""One notebook, run as strictly as a function: parameters checked, folder fixed, this very Python, the copy kept."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import orjson

from codebook import errors
from codebook.errors import ExecutionError, Fault, ParameterError
from codebook.execute.html import write_html
from codebook.execute.kernels import ANEW, START_S, Kernels, make_kernel_manager
from codebook.execute.parameters import (
    Parameter,
    Value,
    check_parameters,
    read_notebook,
    read_parameters,
    read_tags,
    suggest,
)
from codebook.execute.secrets import read_secrets
from codebook.execute.stop_signals import orderly_end
from codebook.execute.workshop import ENGINE, keep_in_memory, make_workshop
from codebook.files.lines import write_json
from codebook.files.run_versions import find_version
from codebook.ground.secrecy import remove_secrets
from codebook.paths import make_private, project_folder, runs_folder, show_path
from codebook.study.study_facts import NONE
from codebook.study.study_opening import open_study

TIMEOUT_S = 3600.0
_MARKER = "papermill-error-cell-tag"
_COLOURS = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_CAUSE_LINES = 30


@dataclass(frozen=True, slots=True)
class Execution:
    """What came of running a notebook: `pending` when a cell raised PendingError, with its message.

    Examples
    --------
    >>> execution = Execution("pending", Path("runs/topics/notebooks/04_collect.ipynb"), 2.5, "2 of 3 jobs run")
    >>> execution.state, execution.path.name
    ('pending', '04_collect.ipynb')
    """

    state: Literal["done", "pending"]
    path: Path
    seconds: float
    message: str = ""


def find_notebook(name: str | Path, folder: str | Path = "notebooks") -> Path:
    """Return the notebook of a name: a path, or `codebook` for `notebooks/01_codebook.ipynb`.

    Raises
    ------
    ParameterError
        There is none, or more than one.

    Examples
    --------
    >>> import codebook as cb
    >>> find_notebook("validity").name
    '05_validity.ipynb'
    """
    if Path(name).suffix == ".ipynb":
        for start in (project_folder(), project_folder() / folder, Path.cwd()):
            if (start / name).is_file():
                return start / name
    home, wanted = project_folder() / folder, Path(name).name.removesuffix(".ipynb")
    short = {path: _without_number(path.stem) for path in sorted(home.glob("*.ipynb"))}
    paths = [path for path in short if wanted in (path.stem, short[path])]
    if len(paths) == 1:
        return paths[0]
    problem, mend = f"`{name}` may be any of {', '.join(path.name for path in paths)}", "write the file's whole name"
    if not paths:
        mend = suggest(_without_number(Path(name).stem), dict.fromkeys(short.values()), "notebooks")
        problem = f"there is no notebook `{name}`"
    raise ParameterError("The notebook cannot be found.", [Fault(show_path(home), problem, mend)])


def _without_number(stem: str) -> str:
    return re.sub(r"^\d+[_-]", "", stem)


def run_notebook(
    name: str | Path, parameters: Mapping[str, object] | None = None, *, run: str = "", timeout_s: float = TIMEOUT_S
) -> Execution:
    """Run one notebook, and keep the executed copy and its HTML under `runs/<run>/notebooks/`.

    `run` is passed on to a notebook that declares the parameter `run`; without it, its own default names the folder, or
    else the study's run.

    Raises
    ------
    ParameterError
        A parameter is unknown, of the wrong type or looks like a key; nothing was run.
    ExecutionError
        A cell failed.

    Examples
    --------
    >>> import codebook as cb
    >>> execution = run_notebook("codebook", run="topics")
    >>> execution.state, execution.path.name
    ('done', '01_codebook.ipynb')
    """
    path = find_notebook(name)
    declared = read_parameters(path)
    parameter_values = dict(parameters or {})
    if run and "run" in declared:
        parameter_values.setdefault("run", run)
    values = check_parameters(declared, parameter_values, where=show_path(path))
    runs = runs_folder()
    folder = runs / find_version(runs, run or _name_home(declared, values))
    out = folder / "notebooks" / path.name
    with orderly_end(), paged(out):
        return execute_notebook(path, values, out=out, timeout_s=timeout_s)


def _name_home(declared: Mapping[str, Parameter], values: Mapping[str, Value]) -> str:
    """The run whose folder keeps the copy: the one given, or that of the study; none where the notebook takes none."""
    if "run" not in declared:
        return "notebooks"
    name = str(values.get("run") or declared["run"].default)
    return open_study(run=name).name if name in ("", NONE) else name


@contextmanager
def paged(copy: Path) -> Iterator[None]:
    """Write the page of an executed copy in the end, whatever came; where it was stopped, take an older page away.

    Ctrl-C may have come in the middle of an import, so nothing is imported after it.
    """
    page = copy.with_suffix(".html")
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        page.unlink(missing_ok=True)
        raise
    except BaseException:
        _write_page(copy, page)
        raise
    _write_page(copy, page)


def _write_page(copy: Path, page: Path) -> None:
    if copy.is_file():
        write_html(copy, page)


def execute_notebook(
    path: str | Path,
    parameters: Mapping[str, object] | None = None,
    *,
    out: Path,
    timeout_s: float = TIMEOUT_S,
    on_cell: Callable[[int], None] = lambda number: None,
    kernels: Kernels = ANEW,
) -> Execution:
    """Run a notebook with papermill in the project's folder and write the executed copy to `out`, whatever happens.

    The kernel is the Python that runs this, whatever kernel the notebook or the machine names. Values of environment
    variables that hold secrets are taken out of the copy before it is kept. `on_cell` hears the number of each cell as
    it starts. `kernels` says of which study it is a step, and where its kernel comes from.

    Raises
    ------
    ParameterError
        A parameter is unknown, of the wrong type or looks like a key; nothing was run.
    ExecutionError
        A cell failed, the kernel died or the time was up.

    Examples
    --------
    >>> import codebook as cb
    >>> from pathlib import Path
    >>> execute_notebook("notebooks/01_codebook.ipynb", out=Path("executed.ipynb")).state
    'done'
    """
    path = Path(path)
    values = check_parameters(read_parameters(path), parameters or {}, where=show_path(path))
    start = time.monotonic()
    read_secrets()  # now, since what asks the keyring may be slow, and there may be no time in the end
    with orderly_end(), make_workshop() as workshop, keep_in_memory() as (place, memory):
        try:
            failure = _run_papermill(path, values, _Room(workshop, place, kernels), start + timeout_s, on_cell)
        except BaseException:  # the user stopped it: keep what was done so far
            keep_copy(memory.copies.get(place, ""), out, path)
            raise
        keep_copy(memory.copies.get(place, ""), out, path, note=failure.note if failure else "")
    if failure is None:
        return Execution("done", out, time.monotonic() - start)
    if failure.pending:
        return Execution("pending", out, time.monotonic() - start, remove_secrets(failure.cause, read_secrets()))
    cause, source = remove_secrets([failure.cause, failure.source], read_secrets())
    raise ExecutionError(show_path(path), failure.cell, source, cause)


@dataclass(frozen=True, slots=True)
class _Failure:
    cell: int
    source: str
    cause: str
    pending: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class _Room:
    """Where a notebook runs, and where its executed copy is kept meanwhile."""

    workshop: Path
    copy: str
    kernels: Kernels


def _run_papermill(
    path: Path, values: Mapping[str, Value], room: _Room, deadline: float, on_cell: Callable[[int], None]
) -> _Failure | None:
    """Run papermill, and return what stopped it, or None."""
    import logging

    import papermill
    from jupyter_client.kernelspec import NoSuchKernel
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    started: list[tuple[int, str]] = [(0, "")]

    def note_start(cell: Any, cell_index: int) -> None:
        started.append((cell_index, cell.source))
        on_cell(_number(path, cell_index, values))

    loud = logging.getLogger("papermill")
    level = loud.level
    loud.setLevel(logging.CRITICAL)
    log = (room.workshop / "kernel.log").open("wb")
    try:
        executed = papermill.execute_notebook(
            str(path.resolve()).replace("{", "{{").replace("}", "}}"),  # papermill fills in what is in braces
            room.copy,
            dict(values),
            engine_name=ENGINE,
            kernel_name="python3",
            language="python",
            progress_bar=False,
            start_timeout=START_S,
            kernel_manager_class=make_kernel_manager(room.workshop, log, room.kernels),
            resources={"metadata": {"path": str(project_folder())}},
            on_cell_start=note_start,
            timeout_func=lambda cell: max(1, int(deadline - time.monotonic())),
        )
        if not _left_early(executed):
            return None
        cause = "The cell ended the notebook before its last cell. To mend: take out the call of exit."
    except papermill.PapermillExecutionError as error:
        cause = explain_failure(error.ename, error.evalue, error.traceback)
        pending = error.ename == "PendingError"
        number = _number(path, error.cell_index, values)
        note = f"Stopped at cell {number}: {cause.splitlines()[-1] if cause else error.ename}"
        note = f"Not finished yet: {cause} The cells after cell {number} have not run." if pending else note
        return _Failure(number, error.source, cause, pending, note)
    except CellTimeoutError:
        cause = "The time for this notebook was up. To mend: give it more (timeout), or a smaller pilot."
    except (DeadKernelError, NoSuchKernel, RuntimeError) as error:
        reason = (room.workshop / "kernel.log").read_text(errors="replace").strip()[-1000:] or str(error)
        cause = f"The kernel stopped ({reason}). Was memory short? To mend: try a smaller pilot."
    finally:
        log.close()
        loud.setLevel(level)
    index, source = started[-1]
    return _Failure(_number(path, index, values), source, cause, note=f"Stopped: {cause}")


def _left_early(notebook: Any) -> bool:
    """Whether a cell called `sys.exit`, which papermill takes for success though the cells after it did not run."""
    outputs = (output for cell in notebook.cells for output in cell.get("outputs", []))
    return any(output.output_type == "error" for output in outputs)


def _number(path: Path, index: int, values: Mapping[str, Value]) -> int:
    """Return the number of a cell in the notebook as its author sees it: from 1, without the cell papermill put in."""
    cells = read_notebook(path)["cells"]
    put_in = next((i for i, cell in enumerate(cells, start=1) if "parameters" in read_tags(cell)), 0)
    return index + 1 - bool(values and index >= put_in)


def explain_failure(ename: str, evalue: str, traceback: list[str]) -> str:
    """Return the cause of a failure: the message of an error of the kit, otherwise the traceback's last lines."""
    if isinstance(kind := getattr(errors, ename, None), type) and issubclass(kind, errors.CodebookError):
        return _COLOURS.sub("", evalue)
    lines = _COLOURS.sub("", "\n".join(traceback)).rstrip().split("\n")
    cut = ["..."] if len(lines) > _CAUSE_LINES else []
    return "\n".join([*cut, *lines[-_CAUSE_LINES:]]) if traceback else f"{ename}: {evalue}"


def keep_copy(copy: str, out: Path, source: Path, *, note: str = "") -> None:
    """Write the executed copy, a text, to its place: no colours, no absolute paths in the record, no secrets.

    A `note` on top says why it stopped, in place of what papermill puts there.
    """
    if not copy:
        return
    notebook = orjson.loads(copy)
    record = notebook["metadata"].get("papermill", {})
    record |= {"input_path": _record_path(source), "output_path": _record_path(out)}
    for cell in notebook["cells"]:
        cell["source"] = "".join(cell["source"])
        for output in cell.get("outputs", []):
            _plain(output)
    if note:
        notebook["cells"] = [cell for cell in notebook["cells"] if _MARKER not in cell["metadata"].get("tags", [])]
        words = f"> **{html.escape(remove_secrets(note, read_secrets()), quote=False)}**"
        about = {"cell_type": "markdown", "id": "codebook-note", "metadata": {"tags": [_MARKER]}}
        notebook["cells"].insert(0, about | {"source": words})
    notebook = remove_secrets(notebook, read_secrets())
    make_private(out.parent)
    write_json(out, notebook)


def _record_path(path: Path) -> str:
    place = show_path(path)
    return path.name if Path(place).is_absolute() else place


def _plain(output: dict[str, Any]) -> None:
    """Join what the file format keeps as lists of lines, so that a secret is found, and take colours from errors."""
    if "text" in output:
        output["text"] = "".join(output["text"])
    for kind, value in output.get("data", {}).items():
        if isinstance(value, list) and kind.split("/")[0] in {"text", "image"}:
            output["data"][kind] = "".join(value)
    if "traceback" in output:
        output["traceback"] = [_COLOURS.sub("", line) for line in output["traceback"]]
