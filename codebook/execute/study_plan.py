"""A study file, held against its notebooks before the first one starts."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codebook.errors import Fault, ParameterError
from codebook.execute.notebook import find_notebook
from codebook.execute.parameters import Parameter, Value, judge_value, read_parameters, suggest
from codebook.files.yaml_text import Loc, YamlTree, find_broken_paths, read_yaml
from codebook.ground.secrecy import judge_secrecy
from codebook.paths import notebooks_folder, project_folder, show_path

if TYPE_CHECKING:
    from pydantic import BaseModel

_RUN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_MENDS = {
    "extra_forbidden": "take it out; a study has study, run, notebooks, private, parameters, steps; a step has "
    "notebook and parameters",
    "missing": "add it",
}


@dataclass(frozen=True, slots=True)
class Step:
    """A notebook to run, with the parameters as it declares them."""

    number: int
    name: str
    path: Path
    parameters: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Plan:
    """A study that can be run; `notes` say what of it is not used."""

    name: str
    folder: Path
    steps: tuple[Step, ...]
    notes: tuple[str, ...] = ()


@dataclass
class _Checker:
    """Collects the faults of one study file, each with its line."""

    tree: YamlTree
    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, place: Loc, problem: str, mend: str) -> None:
        """Note a fault at a place of the file; a place that is not written there counts as the one around it."""
        self.faults.append(Fault(self.tree.place(place), problem, mend))

    def stop(self) -> None:
        """Raise all faults together, if there are any."""
        if self.faults:
            raise ParameterError("The study cannot be run; nothing was started.", list(dict.fromkeys(self.faults)))


def plan_study(path: Path, overrides: Mapping[str, str], only: Collection[str] | None = None) -> Plan:
    """Read a study file and hold all of it against the notebooks it names.

    Raises
    ------
    ParameterError
        Anything is wrong anywhere; all faults are named with file and line.
    """
    data, check = _read_yaml(path)
    check.faults.extend(find_broken_paths(check.tree, project_folder()))
    study = _validate(data, check)
    check.stop()
    parameters = {**study.parameters}
    run = overrides.get("run", study.run)
    if not _RUN.fullmatch(run):
        check.add(("run",), f"run is {run!r}", "name a folder with letters, digits, `-`, `_` and `.` only")
    if "run" in parameters:
        check.add(("parameters", "run"), "`run` is given as a parameter", "write it at the top: `run: name`")
    declared = _declare(study, check)
    check.stop()
    _check_names(study, declared, overrides, check)
    for name in only or ():
        if name not in [step.name for step in study.steps]:
            names = {step.name: 1 for step in study.steps}
            check.faults.append(Fault("steps to run", f"there is no step `{name}`", suggest(name, names, "steps")))
    steps = []
    for number, (step, (notebook, known)) in enumerate(zip(study.steps, declared, strict=True), start=1):
        sources: dict[str, tuple[Loc, object]] = {"run": (("run",), run)} if "run" in known else {}
        sources |= {name: (("parameters", name), parameters[name]) for name in parameters if name in known}
        place = ("steps", number - 1, "parameters")
        sources |= {name: ((*place, name), value) for name, value in step.parameters.items() if name in known}
        sources |= {name: ((), value) for name, value in overrides.items() if name in known}
        values = {name: _judge(known, name, value, place, check) for name, (place, value) in sources.items()}
        if only is None or step.name in only:
            steps.append(Step(number, step.name, notebook, values))
    check.stop()
    return Plan(study.study, project_folder() / "runs" / run, tuple(steps), tuple(check.notes))


def _judge(known: Mapping[str, Parameter], name: str, value: object, place: Loc, check: _Checker) -> Value:
    result = judge_secrecy(name, value) or judge_value(known[name], value)
    if isinstance(result, tuple):
        if place:
            check.add(place, *result)
        else:
            check.faults.append(Fault("command line", *result))
        return ""
    return result


def _check_names(
    study: Any, declared: list[tuple[Path, dict[str, Parameter]]], overrides: Mapping[str, str], check: _Checker
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


def _declare(study: Any, check: _Checker) -> list[tuple[Path, dict[str, Parameter]]]:
    """Find the notebook of every step, and what it declares; faults of either are added to the study's own."""
    declared = []
    for index, step in enumerate(study.steps):
        try:
            path = find_notebook(step.notebook, study.notebooks)
            declared.append((path, read_parameters(path)))
        except ParameterError as error:
            for fault in error.faults:
                if "parameters cell" in fault.where or fault.where.endswith(".ipynb"):
                    check.faults.append(fault)
                else:
                    check.add(("steps", index), fault.problem, fault.mend)
    return declared


def _validate(data: object, check: _Checker) -> Any:
    """Return the study as its model; faults of form are added to the checker."""
    from pydantic import ValidationError

    try:
        return _model().model_validate(data)
    except ValidationError as error:
        for fault in error.errors(include_url=False, include_input=False):
            place = tuple(part for part in fault["loc"] if not str(part).startswith(("function-", "list[", "str")))
            name = ".".join(map(str, place)) or "the file"
            mend = _MENDS.get(fault["type"], "see the example in the README or in `codebook new`")
            problem = "has no place here" if fault["type"] == "extra_forbidden" else fault["msg"].lower()
            check.add(place, f"{name}: {problem}", mend)
        return None


def _model() -> type[BaseModel]:
    """Return the model of a study file; made when needed, because importing pydantic takes time."""
    from pydantic import BaseModel, ConfigDict, Field, model_validator

    class StepModel(BaseModel):
        model_config = ConfigDict(extra="forbid")
        notebook: str = Field(min_length=1)
        parameters: dict[str, str | list[str]] = Field(default_factory=dict)

        @model_validator(mode="before")
        @classmethod
        def _take_short_form(cls, value: object) -> object:
            return {"notebook": value} if isinstance(value, str) else value

        @property
        def name(self) -> str:
            return re.sub(r"^\d+[_-]", "", Path(self.notebook).name.removesuffix(".ipynb"))

    class StudyModel(BaseModel):
        model_config = ConfigDict(extra="forbid")
        study: str = Field(min_length=1)
        run: str = Field(min_length=1)
        notebooks: str = "notebooks"
        private: bool = False
        parameters: dict[str, str | list[str]] = Field(default_factory=dict)
        steps: list[StepModel] = Field(min_length=1)

    return StudyModel


def _read_yaml(path: Path) -> tuple[object, _Checker]:
    """Read a YAML file with every scalar as the text that stands there; keys that stand twice are faults."""
    summary = "The study cannot be read."
    if not path.exists():
        fault = Fault(show_path(path), "there is no such file", "check the path, or make a study with `codebook new`")
        raise ParameterError(summary, [fault])
    tree = read_yaml(path, error=ParameterError, summary=summary)
    check = _Checker(tree)
    for loc, line in tree.repeated_keys():
        where = f"{tree.where}, line {line}"
        check.faults.append(Fault(where, f"`{loc[-1]}` stands here a second time", "keep one of them"))
    return {} if tree.value is None else tree.value, check
