"""What of the project a study rests on: its file, its notebooks, and each file that one of its facts names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from codebook.codings.coder_files.coders import parse_coders
from codebook.engines.replay import list_sources
from codebook.errors import CodebookError, Fault, ParameterError, RunError
from codebook.execute import find_notebook, read_parameters
from codebook.files.digests import read_run_record
from codebook.files.run_versions import find_version, order_of
from codebook.ledger import KEPT
from codebook.material.unit_store import iter_units
from codebook.paths import missing_file, project_folder, resolve_path, show_path
from codebook.run import RunFolder
from codebook.study import Study, StudyFile, name_reported, read_study_file
from codebook.study.study_facts import NONE
from codebook.study.study_report import name_home

_FILES = ("codebook", "units", "coders", "sample")
_NO_FILES = ("study", "title", "run", "archive", "engine", "model", "url", "base_url", "provider")
_BESIDE = ("readme", "license", "licence", "copying", "notice", "citation", "provenance")
"""How the names of files begin that go with the data beside which they lie."""
_OWN = ("runs", ".venv", ".git")


@dataclass(frozen=True)
class Sources:
    """What a deposit is made of: the study, its file where there is one, and places in the deposit with their files.

    `home` names the folder of what is saved of the whole study where that is no run: its grid alone is asked.
    """

    study: Study
    file: StudyFile | None
    notebooks: dict[str, Path]
    data: dict[str, Path]
    runs: dict[str, RunFolder]
    home: str = ""

    @property
    def run(self) -> RunFolder:
        """The run that the deposit is about."""
        return self.runs[next(iter(self.runs))]

    def runs_in_order(self) -> list[tuple[str, RunFolder]]:
        """Each run behind those whose answers it shares."""
        places = {folder.name: place for place, folder in self.runs.items()}
        ordered, coming = list[str](), set[str]()

        def add(name: str) -> None:
            if name in places and name not in coming:
                coming.add(name)
                for other in list_sources(self.runs[places[name]].path):
                    add(other)
                ordered.append(places[name])

        for name in places:
            add(name)
        return [(place, self.runs[place]) for place in ordered]


def find_sources(study: Study) -> Sources:
    """Find all that a study rests on.

    Raises
    ------
    ParameterError
        A file that the study names is gone or lies outside of the project; all faults are named.
    RunError
        The run, or one that it rests on, is not there or has no table yet; there are labels of people alone.
    """
    path = resolve_path(study.path) if study.path else None
    file = read_study_file(path)[0] if path and path.is_file() else None
    runs = {_place_of(folder): folder for folder in find_runs(study)}
    steps = [find_notebook(step.notebook, file.notebooks) for step in file.steps] if file else []
    notebooks = {show_path(each): each for each in steps}
    faults: list[Fault] = []
    named = [*_of_facts(study, faults), *_of_units(next(iter(runs.values()))), *_of_parameters(study, file, notebooks)]
    data = dict(_place(named, faults))
    ParameterError.raise_any("The deposit cannot be made; nothing was written.", list(dict.fromkeys(faults)))
    programs = {_inside(place): each for place, each in notebooks.items()}
    return Sources(study, file, programs, data, runs, name_home(study))


def find_runs(study: Study) -> list[RunFolder]:
    """The run of a study, and behind it those whose answers it has and those that say they are of the study."""
    runs = project_folder() / "runs"
    folder = RunFolder(find_version(runs, name_reported(study) or study.name))
    if not folder.record_path.is_file() and study.has_people:
        mend = "codebook run --run NAME --engine embedded (which costs nothing), then codebook deposit NAME"
        raise RunError(f"The study has labels of people alone, and a deposit is of a run beside them. To mend: {mend}.")
    if not folder.record_path.is_file() or not folder.table_path.is_file():
        folder.read_record()
        raise RunError(f"Run {folder.name!r} has no table yet. To mend: collect it, then deposit.")
    needed = {folder.name: folder}
    waiting = [folder]
    while waiting:
        for name in list_sources(waiting.pop().path):
            other = _open_any(runs, name)
            if name not in needed and other is not None:
                needed[name] = other
                waiting.append(other)
    for path in sorted(runs.glob("*/run.json"), key=lambda path: order_of(path.parent.name)):
        with suppress(CodebookError):  # one that is damaged and not needed
            record = read_run_record(path)
            if study.facts.study and record.get("study") == study.facts.study and (path.parent / "table.csv").is_file():
                needed.setdefault(path.parent.name, RunFolder(path.parent.name))
    return list(needed.values())


def _open_any(runs: Path, name: str) -> RunFolder | None:
    from codebook.run.folder import find_folder

    folder = find_folder(name)
    return folder if (runs / name / "run.json").is_file() else None


def _place_of(folder: RunFolder) -> str:
    """A run's name in the deposit; what a discarded run left bears a name that can be adopted."""
    return folder.name.removeprefix(f"{KEPT}/").replace("~", "-kept-")


def _of_facts(study: Study, faults: list[Fault]) -> Iterator[Path]:
    for name in _FILES:
        value = str(getattr(study.facts, name) or "")
        if value in ("", NONE) or (name == "coders" and not study.coders):
            continue
        path = resolve_path(value)
        if not path.exists():
            faults.append(missing_file(path))
            continue
        yield path
        if name == "coders":
            yield from (path.parent / source.file for _, source in parse_coders(path, study.codebook)[0])
    if study.coded_in:
        yield study.coded_in


def _of_units(folder: RunFolder) -> Iterator[Path]:
    """Images and documents that units name."""
    for unit, _ in iter_units(folder.units_path):
        yield from (resolve_path(file.path) for file in unit.files if "://" not in file.path)


def _of_parameters(study: Study, file: StudyFile | None, notebooks: dict[str, Path]) -> Iterator[Path]:
    """Files and folders of the project that a parameter of a step names, or its default in the notebook."""
    values: list[object] = [value for name, value in study.facts.said().items() if name not in _NO_FILES]
    if file:
        values += [*file.parameters.values(), *(value for step in file.steps for value in step.parameters.values())]
    for path in notebooks.values():
        values += [parameter.default for parameter in read_parameters(path).values()]
    for text in _flatten(values):
        with suppress(OSError, ValueError):  # no name of a file
            path = resolve_path(text)
            inside = path.resolve().is_relative_to(project_folder()) and path.resolve() != project_folder()
            if inside and path.exists() and path.resolve().relative_to(project_folder()).parts[0] not in _OWN:
                yield path


def _flatten(values: Iterable[object]) -> Iterator[str]:
    for value in values:
        if isinstance(value, str):
            yield from (part for part in (value, value.partition(": ")[2]) if part and "\n" not in part)
        elif isinstance(value, list | tuple):
            yield from _flatten(value)
        elif isinstance(value, dict):
            yield from _flatten(value.values())


def _place(paths: Iterable[Path], faults: list[Fault]) -> Iterator[tuple[str, Path]]:
    """(place in the deposit, file) of some files and folders, with the licences and descriptions beside them."""
    home, beside = project_folder(), dict[Path, None]()
    for path in paths:
        if not path.resolve().is_relative_to(home):
            mend = "copy it into the folder of the study, and name it there"
            faults.append(Fault(show_path(path), "it lies outside of the study's folder", mend))
            continue
        inner = [each for each in sorted(path.rglob("*")) if each.is_file()] if path.is_dir() else [path]
        yield from ((show_path(each), each) for each in inner if not each.name.startswith("."))
        beside[path.parent if path.is_file() else path] = None
    for folder in beside:
        if folder.resolve() != home:
            close = (each for each in sorted(folder.iterdir()) if each.name.lower().startswith(_BESIDE))
            yield from ((show_path(each), each) for each in close if each.is_file())


def _inside(place: str) -> str:
    """The place of a notebook in the deposit; one that comes with the kit lies where a study has its own."""
    return place if not Path(place).is_absolute() else f"notebooks/{Path(place).name}"
