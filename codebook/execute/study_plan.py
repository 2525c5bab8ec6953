"""A study file, held against its notebooks before the first one starts."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from codebook.errors import Fault, ParameterError
from codebook.execute.notebook import find_notebook
from codebook.execute.parameters import Parameter, Value, judge_value, read_notebook, read_parameters, suggest
from codebook.files.yaml_text import Loc
from codebook.ground.moved_names import MOVED, say_moved
from codebook.ground.secrecy import judge_secrecy
from codebook.paths import notebooks_folder, project_folder, runs_folder, show_path
from codebook.study.study_facts import NONE, as_texts, fact_shapes
from codebook.study.study_file import RUN_NAME, StudyFaults, StudyFile, read_study_file
from codebook.study.study_opening import open_study

_OF_A_RUN = {"submit", "collect", "report"}


@dataclass(frozen=True, slots=True)
class Step:
    """A notebook to run, with the parameters as it declares them; `cell` is that of the grid, where it runs for one."""

    number: int
    name: str
    path: Path
    parameters: Mapping[str, Value]
    cell: str = ""

    @property
    def label(self) -> str:
        """What it is called in lines and files."""
        return f"{self.name}-{self.cell}" if self.cell else self.name


@dataclass(frozen=True, slots=True)
class Plan:
    """A study that can be run; `notes` say what of it is not used, `archive` is the recorded run that it replays."""

    name: str
    folder: Path
    steps: tuple[Step, ...]
    notes: tuple[str, ...] = ()
    archive: str = ""


def plan_study(path: Path, overrides: Mapping[str, str], only: Collection[str] | None = None) -> Plan:
    """Read a study file and hold all of it against the notebooks it names.

    Raises
    ------
    ParameterError
        Anything is wrong anywhere; all faults are named with file and line.
    """
    study, check = read_study_file(path)
    run = overrides.get("run", study.facts.run_name)
    if not RUN_NAME.fullmatch(run):
        check.add(("run",), f"run is {run!r}", "name a folder with letters, digits, `-`, `_` and `.` only")
    if not study.facts.study:
        check.add(("study",), "study: field required", "add it: the name of the study")
    if not study.steps:
        check.add(("steps",), "steps: field required", "add it: the notebooks to run, in order")
    declared = _declare(study, check)
    if study.facts.run == NONE and "run" not in overrides:
        _refuse_runs(declared, check)
    if len(declared) < len(study.steps):
        check.stop()
    _check_names(study, declared, overrides, check)
    for name in only or ():
        if name not in [step.name for step in study.steps]:
            names = {step.name: 1 for step in study.steps}
            check.faults.append(Fault("steps to run", f"there is no step `{name}`", suggest(name, names, "steps")))
    steps = []
    for number, (step, (notebook, known)) in enumerate(zip(study.steps, declared, strict=True), start=1):
        name = NONE if study.facts.run == NONE and "run" not in overrides else run
        sources: dict[str, tuple[Loc, object]] = {"run": (("run",), name)} if "run" in known else {}
        sources |= _share_facts(study, known)
        sources |= {name: (("parameters", name), value) for name, value in study.parameters.items() if name in known}
        place = ("steps", number - 1, "parameters")
        sources |= {name: ((*place, name), value) for name, value in step.parameters.items() if name in known}
        sources |= {name: ((), value) for name, value in overrides.items() if name in known}
        values = {name: _judge(known, name, value, place, check) for name, (place, value) in sources.items()}
        if only is None or step.name in only:
            steps.append(Step(number, step.name, notebook, values))
    check.stop()
    steps = [each for step in steps for each in _spread(step, declared[step.number - 1][1], study.facts.grid, path)]
    return Plan(study.facts.study, runs_folder() / run, tuple(steps), tuple(check.notes), study.facts.archive)


def _spread(step: Step, known: Mapping[str, Parameter], grid: Mapping[str, object], path: Path) -> list[Step]:
    """A step that declares `cell` runs once for each cell of the grid, where the study has one and names none."""
    if not grid or "cell" not in known or "cell" in step.parameters:
        return [step]
    names = [cell.name for cell in open_study(path).grid.cells]
    return [replace(step, parameters={**step.parameters, "cell": name}, cell=name) for name in names]


def _refuse_runs(declared: list[tuple[Path, dict[str, Parameter]]], check: StudyFaults) -> None:
    """Refuse the notebooks that make or tell of a run, where the study says that there is none."""
    for number, (notebook, _) in enumerate(declared):
        if notebook.stem.partition("_")[2] in _OF_A_RUN:
            mend = "name a run, or take the step out"
            check.add(("steps", number), f"{notebook.stem} needs a run, and the study says `run: none`", mend)


def _share_facts(study: StudyFile, known: Mapping[str, Parameter]) -> dict[str, tuple[Loc, object]]:
    """The facts of the study that a notebook takes as parameters; one that means another thing by the name does not."""
    shapes = fact_shapes()
    facts = {name: as_texts(value) for name, value in study.facts.said().items() if name != "run"}
    return {
        name: (study.places[name], value)
        for name, value in facts.items()
        if name in known and known[name].type == shapes[name]
    }


def _judge(known: Mapping[str, Parameter], name: str, value: object, place: Loc, check: StudyFaults) -> Value:
    result = judge_secrecy(name, value) or judge_value(known[name], value)
    if isinstance(result, tuple):
        if place:
            check.add(place, *result)
        else:
            check.faults.append(Fault("command line", *result))
        return ""
    return result


def _check_names(
    study: StudyFile,
    declared: list[tuple[Path, dict[str, Parameter]]],
    overrides: Mapping[str, str],
    check: StudyFaults,
) -> None:
    """Refuse names that nothing declares: in the study's parameters, in a step's own, and among the overrides.

    A name that only notebooks declare that are no step here is not used, which is noted: the study may have been cut.
    """
    everywhere = {name: parameter for _, known in declared for name, parameter in known.items()}
    sources = {name: (check.tree.place(("parameters", name)), value) for name, value in study.parameters.items()}
    sources |= {name: ("command line", text) for name, text in overrides.items()}
    unused = {name: source for name, source in sources.items() if name not in everywhere and name != "run"}
    chain = everywhere | (_read_chain(study.notebooks) if unused else {})
    for name, (where, value) in unused.items():
        if name not in chain or judge_secrecy(name, value):
            near = {close: chain[close] for close in difflib.get_close_matches(name, chain, n=1)}
            check.faults.append(Fault(where, *_unknown(everywhere | near, name, value, "no step declares")))
        else:
            check.notes.append(f"{where}: `{name}` is used by none of these steps")
    for index, (step, (path, known)) in enumerate(zip(study.steps, declared, strict=True)):
        for name, value in step.parameters.items():
            place = ("steps", index, "parameters", name)
            if name == "run":
                check.add(place, "`run` is given as a parameter", "write it at the top: `run: name`")
            elif name not in known:
                check.add(place, *_unknown(known, name, value, f"{path.name} does not declare"))


def _unknown(known: Mapping[str, Parameter], name: str, value: object, who: str) -> tuple[str, str]:
    return judge_secrecy(name, value) or (f"{who} the parameter `{name}`", suggest(name, known, "parameters"))


def _read_chain(folder: str) -> dict[str, Parameter]:
    """All parameters that notebooks of the study's folder declare, and those that come with the kit."""
    known: dict[str, Parameter] = {}
    for home in (notebooks_folder(), project_folder() / folder):
        for path in sorted(home.glob("*.ipynb")):
            with suppress(ParameterError):  # what is no step may be as it likes
                known |= read_parameters(path)
    return known


def _declare(study: StudyFile, check: StudyFaults) -> list[tuple[Path, dict[str, Parameter]]]:
    """Find the notebook of every step, and what it declares; faults of either are added to the study's own."""
    declared = []
    for index, step in enumerate(study.steps):
        try:
            path = find_notebook(step.notebook, study.notebooks)
            declared.append((path, read_parameters(path)))
            check.faults += _find_moved(path)
        except ParameterError as error:
            for fault in error.faults:
                if "parameters cell" in fault.where or fault.where.endswith(".ipynb"):
                    check.faults.append(fault)
                else:
                    check.add(("steps", index), fault.problem, fault.mend)
    return declared


def _find_moved(path: Path) -> list[Fault]:
    """The calls of a notebook, perhaps copied by an earlier state of the kit, whose names have moved since."""
    cells = [cell["source"] if cell["cell_type"] == "code" else "" for cell in read_notebook(path)["cells"]]
    return [
        Fault(f"{show_path(path)}, cell {number}", f"cb.{name} is gone", say_moved(name).partition(": ")[2])
        for number, source in enumerate(cells, start=1)
        for name in MOVED
        if re.search(rf"\bcb\.{re.escape(name)}\b", source)
    ]
