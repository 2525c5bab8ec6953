"""study.yaml, read and checked: one reader for notebooks, commands and the chain."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cache
from inspect import cleandoc
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

from codebook.coding import read_coding
from codebook.errors import Fault, ParameterError, mend_name
from codebook.files.misfits import say_misfit
from codebook.files.yaml_text import Loc, YamlTree, find_broken_paths, read_yaml
from codebook.ground.secrecy import hide_keys, judge_secrecy
from codebook.paths import project_folder, show_path
from codebook.records import read_service
from codebook.study.study_facts import Pairs, StudyFacts, is_empty

if TYPE_CHECKING:
    from pydantic import BaseModel

_STEPS = """notebooks
    Folder of the notebooks.
parameters
    Of notebooks, what is no fact of the study: name and value.
steps
    The notebooks of `codebook execute`, in order: a name, or a mapping with notebook and its own parameters.
"""
RUN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass
class StudyFaults:
    """Collects the faults of one study file, each with its line."""

    tree: YamlTree
    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, place: Loc, problem: str, mend: str) -> None:
        """Note a fault at a place of the file; a place that is not written there counts as the one around it."""
        self.faults.append(Fault(self.tree.place(place), hide_keys(problem), mend))

    def stop(self) -> None:
        """Raise all faults together, if there are any."""
        if self.faults:
            raise ParameterError("The study cannot be run; nothing was started.", list(dict.fromkeys(self.faults)))


@dataclass(frozen=True, slots=True)
class StudyStep:
    """A notebook of the chain, as the file names it, and its own parameters."""

    notebook: str
    parameters: Mapping[str, str | list[str]]

    @property
    def name(self) -> str:
        """The notebook's name without number and ending."""
        return re.sub(r"^\d+[_-]", "", Path(self.notebook).name.removesuffix(".ipynb"))


@dataclass(frozen=True)
class StudyFile:
    """What a study file says: the facts, wherever they stand; the parameters that are no facts; the chain.

    Examples
    --------
    >>> import codebook as cb
    >>> from codebook.study import read_study_file
    >>> file, notes = read_study_file(Path("study.yaml"))
    >>> [step.name for step in file.steps][:3]
    ['codebook', 'pilot', 'submit']
    """

    path: Path
    facts: StudyFacts
    places: Mapping[str, Loc]
    parameters: Mapping[str, str | list[str]]
    notebooks: str
    steps: tuple[StudyStep, ...]


def read_study_file(path: Path) -> tuple[StudyFile, StudyFaults]:
    """Read a study file. What is wrong with its form is raised; the caller adds to the other faults, and raises them.

    Facts may stand under `parameters`, as in files of earlier versions.

    Raises
    ------
    ParameterError
        It cannot be read, or a key or value of it is none; all faults are named with file and line.

    Examples
    --------
    >>> import codebook as cb
    >>> file, faults = read_study_file(Path("study.yaml"))
    >>> file.facts.units, len(file.steps)
    ('data/texts.csv', 8)
    """
    data, check = _read_tree(path)
    check.faults.extend(find_broken_paths(check.tree, project_folder()))
    model = _validate(data, check)
    check.stop()
    filled = {name for name in model.model_fields_set if not is_empty(getattr(model, name))}
    places: dict[str, Loc] = {each.name: (each.name,) for each in fields(StudyFacts) if each.name in filled}
    facts = {name: getattr(model, name) for name in places}
    parameters = dict(model.parameters)
    for name in [name for name in parameters if name in StudyFacts.__dataclass_fields__]:
        _lift(name, parameters, facts, places, check)
    for name, value in facts.items():
        if fault := judge_secrecy(name, value):
            check.add(places[name], *fault)
    notices = {"notify": facts["notify"]} if "notify" in facts else {}
    _check_block("service", facts.get("service", {}), read_service, places, check)
    _check_block("notify", notices, read_service, places, check)
    _check_block("coding", facts.get("coding", {}), read_coding, places, check)
    if "grid" in facts:
        from codebook.study.grid_settings import read_grid

        _check_block("grid", facts["grid"], read_grid, places, check)
    steps = tuple(StudyStep(step.notebook, step.parameters) for step in model.steps)
    return StudyFile(path, StudyFacts(**facts), places, parameters, model.notebooks, steps), check


def _check_block(
    name: str,
    block: Mapping[str, Any],
    read: Callable[[Mapping[str, Any]], object],
    places: Mapping[str, Loc],
    check: StudyFaults,
) -> None:
    """Tell what is no setting of a block, or none that can be."""
    try:
        read(block)
    except ParameterError as error:
        for fault in error.faults:
            setting = fault.where.rpartition(", ")[2]
            check.add(
                (*places[name], *([setting] if setting in block and setting != name else [])), fault.problem, fault.mend
            )


def _lift(
    name: str, parameters: dict[str, Any], facts: dict[str, Any], places: dict[str, Loc], check: StudyFaults
) -> None:
    """Take a fact from among the parameters, where it has the form of one; notebooks may mean another thing by it."""
    from pydantic import ValidationError

    if name == "run":
        check.add(("parameters", name), "`run` is given as a parameter", "write it at the top: `run: name`")
    elif name in places:
        where = check.tree.place(places[name])
        check.add(("parameters", name), f"`{name}` stands at {where} already", "keep one of them")
    else:
        try:
            value = getattr(study_model().model_validate({"study": "s", name: parameters[name]}), name)
        except ValidationError:
            return
        facts[name], places[name] = value, ("parameters", name)
        del parameters[name]


def _validate(data: object, check: StudyFaults) -> Any:
    """Return the study as its model; faults of form are added to the checker."""
    from pydantic import ValidationError

    known = [*study_model().model_fields]
    try:
        return study_model().model_validate(data)
    except ValidationError as error:
        for fault in error.errors(include_url=False):
            place = tuple(
                part for part in fault["loc"] if not str(part).startswith(("function-", "list[", "str", "dict["))
            )
            name = ".".join(map(str, place)) or "the file"
            if fault["type"] == "extra_forbidden" and (secret := judge_secrecy(str(place[-1]), fault["input"])):
                check.add(place, *secret)
            elif fault["type"] == "extra_forbidden":
                listed = f"take it out; a study has {', '.join(known)}; a step has notebook and parameters"
                check.add(place, f"{name}: has no place here", mend_name(str(place[-1]), known, listed))
            else:
                problem, mend = ("it is missing", "add it") if fault["type"] == "missing" else say_misfit(fault)
                check.add(place, f"{name}: {problem}", mend)
        return None


@cache
def study_model() -> type[BaseModel]:
    """Return the model of a study file; made when needed, because importing pydantic takes time."""
    from typing import Annotated

    from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, create_model, model_validator

    def split(value: object) -> object:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    def pair(value: object) -> object:
        return [value] if isinstance(value, str) and value else value

    class StepModel(BaseModel):
        model_config = ConfigDict(extra="forbid")
        notebook: str = Field(min_length=1)
        parameters: dict[str, str | list[str]] = Field(default_factory=dict)

        @model_validator(mode="before")
        @classmethod
        def _take_short_form(cls, value: object) -> object:
            return {"notebook": value} if isinstance(value, str) else value

    written: dict[object, Any] = {
        Sequence[str]: (Annotated[list[str], BeforeValidator(split)], []),
        Pairs: (Annotated[dict[str, str | list[str]] | list[str], BeforeValidator(pair)], []),
        Mapping[str, Any]: (dict[str, Any], Field(default_factory=dict)),
    }
    hints = get_type_hints(StudyFacts)
    facts = {each.name: written.get(hints[each.name], (hints[each.name], each.default)) for each in fields(StudyFacts)}
    return create_model(
        "StudyModel",
        __doc__=f"{cleandoc(StudyFacts.__doc__ or '')}\n{_STEPS}",
        __config__=ConfigDict(extra="forbid"),
        **facts | {"settings": (dict[str, Any] | list[str], [])},
        notebooks=(str, "notebooks"),
        parameters=(dict[str, str | list[str]], Field(default_factory=dict)),
        steps=(list[StepModel], Field(default_factory=list)),
    )


def _read_tree(path: Path) -> tuple[object, StudyFaults]:
    """Read a YAML file with every scalar as the text that stands there; keys that occur twice are faults."""
    summary = "The study cannot be read."
    if not path.exists():
        fault = Fault(show_path(path), "there is no such file", "check the path, or make a study with `codebook new`")
        raise ParameterError(summary, [fault])
    tree = read_yaml(path, error=ParameterError, summary=summary)
    check = StudyFaults(tree)
    check.faults += [fault for _, fault in tree.repeated_keys()]
    return {} if tree.value is None else tree.value, check
