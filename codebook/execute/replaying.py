"""Replay: a study is rebuilt from its archived replies, offline, and held against what was saved then.

The runs of the archive are copied beside it, their raw replies read anew, and all steps of the study run over them.
Nobody is asked: a question that the archive does not answer stops the step that puts it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from codebook.engines import DEFAULT
from codebook.engines.replay import list_sources
from codebook.engines.unasked import mark_replayed
from codebook.errors import Fault, ParameterError
from codebook.execute.notebook import TIMEOUT_S
from codebook.execute.study import EXIT_CODES, StudyResult, run_study, tell_differences
from codebook.files.digests import digest_of, find_faults, read_run_record
from codebook.files.run_versions import find_version, goes_on_from
from codebook.outputs import keep_order
from codebook.outputs.output_differences import Differences, compare_records
from codebook.paths import MARKER, RUNS_VARIABLE, make_private, project_folder, resolve_path, runs_folder
from codebook.records import Asking
from codebook.run.adoption.adopting import note_run
from codebook.run.folder import RunFolder
from codebook.study import name_reported, open_study
from codebook.study.study_facts import StudyFacts
from codebook.study.study_report import name_home

_MADE = ("outputs", "notebooks", "exports", "table.csv", "report.html")
"""What is made again, so it is taken out of the copy of a run."""


@dataclass(frozen=True)
class Replay:
    """What came of a replay.

    Attributes
    ----------
    study
        What came of the steps; its folder is gone unless a place for what is rebuilt was named.
    differences
        What differs from what was saved in the archive, by figure: `differences.frame` has file, row, column, before
        and after.
    damage
        Files of the record that were changed since they were written.
    runs
        The runs that were replayed.
    seconds
        How long it took.

    Examples
    --------
    >>> Replay(StudyResult("done", 0, (), Path("runs")), Differences(n_same=3), (), ("topics",), 2.0)
    3 files are the same to the byte; no figure or sentence differs.
    The whole study is rebuilt from the archived replies of topics, offline, in 2 s.
    """

    study: StudyResult
    differences: Differences
    damage: tuple[str, ...]
    runs: tuple[str, ...]
    seconds: float

    @property
    def same(self) -> bool:
        """Whether every step is done, no figure differs, and the record is unchanged."""
        return self.study.state == "done" and not self.differences.rows and not self.damage

    @property
    def exit_code(self) -> int:
        """0 where all is the same; else that of the steps, or 1."""
        return EXIT_CODES[self.study.state] or int(not self.same)

    def sentences(self, most: int = 30) -> Iterator[str]:
        """Say what the replay found, with the first differences."""
        yield from (f"  CHANGED   {each}" for each in self.damage)
        yield from tell_differences(self.differences, most)
        whole = "The whole study is rebuilt" if self.study.state == "done" else "The study is not rebuilt to its end"
        runs = ", ".join(self.runs) or "people"
        yield f"{whole} from the archived replies of {runs}, offline, in {self.seconds:.0f} s."

    def __repr__(self) -> str:
        return "\n".join(self.sentences())


def replay_study(
    run: str | Path,
    study: str | Path = "",
    *,
    only: Collection[str] | None = None,
    out: str | Path = "",
    tell: Callable[[str], None] = print,
    timeout_s: float = TIMEOUT_S,
) -> Replay:
    """Rebuild every table, figure and sentence of a study from archived replies, and hold them against the archive.

    No key is needed, nothing is sent, and the archive stays as it is. With it come its other versions, the runs that
    its study made beside it, and those whose answers it shares.

    Parameters
    ----------
    run
        The archived run: `runs/RUN`, here or in the folder of another study, such as a deposit.
    study
        The study file, where it is not the study.yaml of the project in which the run lies.
    only
        Names of the steps to run; all when left out.
    out
        A new folder that keeps what is rebuilt; nothing is kept where empty.
    tell
        Takes the lines to be shown while the steps run.
    timeout_s
        Longest time for one notebook, in seconds.

    Raises
    ------
    ParameterError
        There is no such run, or what its folder holds does not fit together.

    Examples
    --------
    >>> replay_study("runs/coal")
    Traceback (most recent call last):
    codebook.errors.ParameterError: There is nothing to replay.
      - runs/coal: there is no such folder. To mend: give the folder of the archived run, such as runs/topics.
    More on such a message: codebook explain ParameterError
    """
    start = time.monotonic()
    source = _find_source(run)
    project = next((folder for folder in source.parents if (folder / MARKER).is_file()), project_folder())
    if study and not (project / study).is_file() and Path(study).is_file():
        study = Path(study).resolve()
    places = {"CODEBOOK_PROJECT": str(project)}
    with _beside(out) as runs, in_environment(**places, **{RUNS_VARIABLE: str(runs)}):
        mark_replayed(runs)  # nobody is asked
        names, damage = _bring_runs(source, runs)
        opened = open_study(study)
        written, home = name_reported(opened) or opened.facts.run_name, name_home(opened)
        for line in _tell_asked(source, opened.facts) if not home else ():
            tell(line)
        chosen = {} if find_version(source.parent, written) == source.name else {"run": source.name}
        if home and not chosen:
            keep_order(source.parent / home / "outputs", make_private(runs / home) / "outputs")
        result = run_study(study or MARKER, overrides=chosen, only=only, out=tell, timeout_s=timeout_s)
        compared = [*(names or [source.name]), *([home] if home and not chosen else [])]
        pairs = [(source.parent / name, runs / name, name) for name in compared]
        differences = sum((compare_records(*pair) for pair in pairs), Differences())
    return Replay(result, differences, tuple(damage), tuple(names), time.monotonic() - start)


def _find_source(run: str | Path) -> Path:
    """The folder of the archived run; a bare name is one of the project."""
    named = runs_folder() / run
    source = named if len(Path(run).parts) == 1 and named.is_dir() else resolve_path(run)
    if not source.is_dir():
        mend = "give the folder of the archived run, such as runs/topics"
        raise ParameterError("There is nothing to replay.", [Fault(str(run), "there is no such folder", mend)])
    return source.resolve()


@contextmanager
def _beside(out: str | Path) -> Iterator[Path]:
    """A folder for what is rebuilt, that is new; without a name one that goes away."""
    if not out:
        with tempfile.TemporaryDirectory(prefix="codebook-replay-", ignore_cleanup_errors=True) as folder:
            yield Path(folder).resolve()
        return
    place = resolve_path(out).resolve()
    if place.exists() and any(place.iterdir()):
        fault = Fault(str(out), "the folder is not empty", "name a new one")
        raise ParameterError("The study cannot be rebuilt there.", [fault])
    yield make_private(place)


@contextmanager
def in_environment(**names: str) -> Iterator[None]:
    """Work with other variables of the environment."""
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(names)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def _bring_runs(source: Path, runs: Path) -> tuple[list[str], list[str]]:
    """Copy the run and those that belong to it, and take them in; return their names, and what is damaged."""
    damage, brought = list[str](), list[str]()
    for name in _list_runs(source):
        home = RunFolder(name)
        shutil.copytree(source.parent / name, home.path, ignore=shutil.ignore_patterns(".lock", "work"))
        damage += _accept_changes(home)
        keep_order(home.path / "outputs")
        for made in _MADE:
            path = home.path / made
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        note_run(home, as_event=False)
        brought.append(name)
    return brought, damage


def _list_runs(source: Path) -> list[str]:
    """The runs to be replayed: the one named, its versions and those beside it; before each those it rests on."""
    folder, ordered, coming = source.parent, list[str](), set[str]()
    there = {path.parent.name: path.parent for path in sorted(folder.glob("*/run.json"))}
    base, study = find_version(folder, source.name), _read_study(source)

    def add(name: str) -> None:
        if name in coming or name not in there:
            return
        coming.add(name)
        for other in list_sources(there[name]):
            add(other)
        ordered.append(name)

    for name, path in there.items():
        if name == source.name or goes_on_from(name, base) or _read_study(path) == study != "":
            add(name)
    return ordered


def _read_study(folder: Path) -> str:
    """Of which study a run is; empty where that is not known."""
    path = folder / "run.json"
    return str(read_run_record(path).get("study", "")) if path.is_file() else ""


def _tell_asked(source: Path, facts: StudyFacts) -> Iterator[str]:
    """Say who was asked, where the study names somebody else: the run was made with options of a command."""
    asked = Asking.from_record(read_run_record(source / "run.json"))
    if asked.engine != (facts.engine or DEFAULT) or facts.model not in ("", asked.model):
        said = ", ".join(filter(None, [facts.engine or DEFAULT, facts.model]))
        was = ", ".join(filter(None, [asked.engine, asked.model]))
        yield f"  note: the study says {said}; run {source.name} was answered by {was}, and is replayed so"


def _accept_changes(home: RunFolder) -> list[str]:
    """Go on with result files that were changed since they were written, in this copy only, and say which they are."""
    record = home.read_record()
    files = record.get("files", {})
    changed = [(path, why) for path, why in find_faults(home.path, record) if path.is_file()]
    changed = [(path, why) for path, why in changed if path.parent == home.results]
    for path, _ in changed:
        number, _, rest = path.name.split("-", 2)
        renamed = path.rename(path.with_name(f"{number}-{digest_of(path)[:12]}-{rest}"))
        files.pop(f"results/{path.name}", None)
        files[f"results/{renamed.name}"] = digest_of(renamed)
        if home.carried_path.is_file():
            carried = home.carried_path.read_bytes()
            home.carried_path.write_bytes(carried.replace(path.name.encode(), renamed.name.encode()))
    if changed:
        home.write_record(record | {"files": files})
    return [f"{home.name}/results/{path.name} {why}" for path, why in changed]
