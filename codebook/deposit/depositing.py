"""Deposit: one folder and one zip with all that a journal's data editor asks for, and that replays offline."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from codebook.deposit.assembling import MADE, Assembly
from codebook.deposit.coder_pseudonyms import find_names
from codebook.deposit.data_package import load_rocrate, write_crate, write_data_package
from codebook.deposit.deposit_layout import (
    ABOUT,
    About,
    check_texts,
    is_persons,
    list_files,
    read_about,
    read_digests,
    write_digests,
)
from codebook.deposit.environment import describe_machine, write_environment
from codebook.deposit.leak_search import (
    acknowledge,
    find_keys,
    find_persons,
    find_unexplained,
    read_reasons,
    say_personal,
)
from codebook.deposit.read_me import LICENCES, say_seconds, say_size, write_citation, write_readme
from codebook.deposit.study_sources import find_sources
from codebook.errors import Fault, ParameterError
from codebook.execute import Replay, replay_study
from codebook.execute.replaying import in_environment
from codebook.execute.secrets import read_secrets
from codebook.files.lines import digest_file
from codebook.ground.quantities import say_count
from codebook.paths import make_private, project_folder, resolve_path, show_path
from codebook.report import write_paper
from codebook.report.paper import NOTE
from codebook.study import Study, open_study

_DATE = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Deposited:
    """What was deposited: folder, zip, how it was made, and what a person should look at before it goes out."""

    folder: Path
    zip: Path
    about: About
    remarks: tuple[str, ...]

    def __repr__(self) -> str:
        n, size = len(list(list_files(self.folder))), self.zip.stat().st_size
        lines = [f"{show_path(self.folder)}: {say_count(n, 'file')}", f"{show_path(self.zip)}: {say_size(size)}"]
        if self.about.seconds is not None:
            lines.append(f"Its tables were rebuilt from it in {say_seconds(self.about.seconds)}, and are the same.")
        lines += [f"LOOK      {remark}" for remark in self.remarks]
        lines += [f"REASON    {each}" for each in say_personal(self.about)]
        lines += [f"LEFT OUT  {each}" for each in self.about.left_out]
        next_step = (
            "Fill the blanks in README.md and CITATION.cff, and deposit again, which keeps them. Then: codebook verify"
        )
        return "\n".join([*lines, f"{next_step} {show_path(self.folder)}"])


def write_deposit(
    study: Study | None = None,
    *,
    texts: str = "include",
    out: str | Path = "",
    title: str = "",
    replay: bool = True,
    tell: Callable[[str], None] = print,
) -> Deposited:
    """Write a deposit of a study and its run, all or nothing, as a folder and as a zip beside it.

    What a person changed in README.md, CITATION.cff, LICENSE.txt and `paper/` of an earlier deposit is kept.

    Parameters
    ----------
    study
        The study; that of the project where none is given.
    texts
        What becomes of the texts of units: "include", "digest" (each one's SHA-256) or "redact" (nothing of them).
    out
        The folder; `deposit/RUN` where empty.
    title
        Of the deposit; that of the study where empty.
    replay
        Make every table anew from the deposit, and hold it against the archived one, before it is closed.
    tell
        Takes the lines to be shown.

    Raises
    ------
    ParameterError
        A file of the study is missing or lies outside of it; something in it looks like a key; a text would leave that
        is to be kept; or the tables that are made anew are others. All faults are named, and nothing is written.
    RunError
        The run has no table yet.
    MissingExtraError
        The extra `deposit` is not installed.

    Examples
    --------
    >>> import codebook as cb
    >>> study = cb.open_study(run="topics", codebook="codebook.yaml", coders="coders.yaml")
    >>> deposited = cb.deposit.write_deposit(study, replay=False)
    >>> deposited.about.texts, cb.deposit.verify_deposit(deposited.folder, replay=False).faults
    ('include', ())
    """
    load_rocrate()
    study, way = study or open_study(), check_texts(texts)
    reasons, sources = read_reasons(study.facts.personal_data), find_sources(study)
    target = resolve_path(out or f"deposit/{sources.home or sources.run.name}")
    _check_target(target)
    title = title or study.facts.title or f"Coding {study.codebook.name}"
    setting = ""
    with _room_of(target) as room:
        assembly = Assembly(sources, way, bool(study.facts.private), room)
        assembly.fill()
        about = _begin(assembly, reasons, replay=replay)
        if replay and about.steps:
            tell(f"making the tables anew from {show_path(target)}: {', '.join(about.steps)}")
            replayed = _replay(assembly, about, tell)
            about = replace(about, seconds=round(replayed.seconds, 1))
            setting = replayed.differences.setting
        about = _write_words(assembly, about, title, target)
        about, remarks = _look_for_persons(assembly, about, reasons)
        about.write(room)
        write_crate(room, about, title=title, study=study.facts.study or about.run)
        _refuse_leaks(assembly)
        write_digests(room)
        _swap(room, target)
    return Deposited(target, _zip(target), about, tuple(filter(None, [*remarks, setting])))


def _check_target(target: Path) -> None:
    """Refuse a folder that holds something else than an earlier deposit."""
    inside = target.resolve().is_relative_to(project_folder() / "runs") or target.resolve() == project_folder()
    is_other = target.exists() and any(target.iterdir()) and not (target / ABOUT).is_file()
    if inside or is_other:
        problem = "the folder holds something other than a deposit"
        fault = Fault(show_path(target), problem, "name a folder of its own with --out")
        raise ParameterError("The deposit cannot be written there.", [fault])


@contextmanager
def _room_of(target: Path) -> Iterator[Path]:
    """A folder beside the deposit, in which it is made; gone if that fails."""
    room = target.with_name(f".{target.name}.part")
    shutil.rmtree(room, ignore_errors=True)
    make_private(room)
    try:
        yield room
    finally:
        shutil.rmtree(room, ignore_errors=True)


def _begin(assembly: Assembly, reasons: Mapping[str, str], *, replay: bool) -> About:
    """How the deposit is made, as far as it is known before anything is made anew."""
    run, steps = next(iter(assembly.sources.runs)), assembly.steps
    only = " ".join(f"--only {step}" for step in steps) if assembly.hold else ""
    return About(
        run=run,
        runs=tuple(assembly.sources.runs),
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        texts=assembly.texts,
        private=assembly.private,
        replay=f"codebook execute study.yaml --replay runs/{run} {only}".strip() if steps else "",
        steps=steps,
        left_out=tuple(_list_left_out(assembly, is_made_anew=replay and bool(steps))),
        personal=acknowledge((), reasons),
        software=describe_machine(),
    )


def _list_left_out(assembly: Assembly, *, is_made_anew: bool) -> Iterator[str]:
    """What cannot be made anew from the deposit, or does not lie in it, and why."""
    file, was = assembly.sources.file, assembly.sources.run.read_codebook()
    if not assembly.is_open and not is_made_anew:
        named = "each step asks a model" if file and file.steps else "study.yaml names no steps"
        why = "it was left out (--no-replay)" if assembly.steps else named
        yield f"tables, figures, executed notebooks and the report are not here: the replay makes them, and {why}"
    if not assembly.hold:
        return
    asking = [step.name for step in file.steps if step.name not in assembly.steps] if file else []
    named = f" (steps {', '.join(asking)})" if asking else ""
    yield f"asking a model again{named}: the requests hold texts, so the deposit holds only their keys"
    yield "what shows or measures texts: cards of units, quotes, transcripts, records, vectors"
    if (here := assembly.book.digest[:8]) != was.digest[:8]:
        models = f"models are called @{here} here and @{was.digest[:8]} in the study"
        yield f"examples of the codebook that hold words of units: they are withheld, so that {models}"


def _replay(assembly: Assembly, about: About, tell: Callable[[str], None]) -> Replay:
    """Make the tables anew from what lies in the deposit; where outputs were left out, they are put in so.

    Raises
    ------
    ParameterError
        A step failed, or a table is another one.
    """
    room, made = assembly.room, assembly.room.with_name(f"{assembly.room.name}.made")
    shutil.rmtree(made, ignore_errors=True)
    only = about.steps if assembly.hold else None
    try:
        replayed = replay_study(room / "runs" / about.run, room / "study.yaml", only=only, out=made, tell=tell)
        _refuse_differences(replayed, assembly.sources.home or about.run)
        if not assembly.is_open:
            names = (*MADE, "table.csv") if assembly.hold else MADE
            for run in filter(None, (*replayed.runs, assembly.sources.home)):
                _bring_made(made / run, room / "runs" / run, names)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return replayed


def _bring_made(source: Path, target: Path, names: Collection[str]) -> None:
    """Put in what was made anew of a run: without texts, its table quotes answers as they are in the deposit."""
    target.mkdir(exist_ok=True)
    for name in names:
        if (source / name).is_dir():
            shutil.copytree(source / name, target / name, dirs_exist_ok=True)
        elif (source / name).is_file():
            shutil.copyfile(source / name, target / name)


def _refuse_differences(replayed: Replay, run: str) -> None:
    rows = replayed.differences.rows
    if replayed.study.state == "done" and not rows:
        return
    mend = "run the study to its end (codebook execute study.yaml), then deposit again"
    start = f"{run}/outputs/"
    if unmade := [each.removeprefix(start) for each in replayed.differences.unmade if each.startswith(start)]:
        others = f"{', '.join(unmade[:4])}{f' and {len(unmade) - 4:,} more' if len(unmade) > 4 else ''}"
        mend = f"no step makes {others}: name the notebooks that did among the `steps` of study.yaml; then {mend}"
    rest = f" (and {len(rows) - 4:,} more)" if len(rows) > 4 else ""
    faults = [Fault("replay", f"{'; '.join(map(str, rows[:4]))}{rest}", mend)] if rows else []
    faults = faults or [Fault("replay", f"its steps ended {replayed.study.state}", mend)]
    raise ParameterError("The deposit does not give the same tables again; nothing was written.", faults)


def _write_words(assembly: Assembly, about: About, title: str, target: Path) -> About:
    """Write README, citation, paper and metadata; what a person changed in an earlier deposit replaces the draft."""
    room = assembly.room
    locks = write_environment(room)
    _write_paper(assembly, about, title)
    _bring_licence(room)
    (room / "CITATION.cff").write_bytes(write_citation(title, about.made_at))
    (room / "README.md").write_bytes(write_readme(assembly, about, title, locks))
    about = replace(about, drafts={place: digest_file(path) for place, path in list_files(room) if is_persons(place)})
    for place, path in _find_changed(target):
        (room / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, room / place)
    write_data_package(room, name=about.run, title=title, book=assembly.book, made_at=about.made_at)
    return about


def _find_changed(target: Path) -> Iterator[tuple[str, Path]]:
    """(place, file) of what a person changed or added in an earlier deposit, however many there were since."""
    if (target / ABOUT).is_file():
        drafts = read_about(target).drafts or read_digests(target)
        files = ((place, path) for place, path in list_files(target) if is_persons(place))
        yield from ((place, path) for place, path in files if digest_file(path) != drafts.get(place))


def _write_paper(assembly: Assembly, about: About, title: str) -> None:
    """Put in the paper: that of the run, if there is one, else a new draft from what lies in the deposit."""
    own, target = assembly.sources.run.path / "paper", assembly.room.resolve() / "paper"
    if own.is_dir() and assembly.is_open:
        shutil.copytree(own, target, ignore=shutil.ignore_patterns("*.aux", "*.log", ".*", NOTE))
        return
    home = project_folder() if assembly.is_open else assembly.room
    with in_environment(CODEBOOK_PROJECT=str(home.resolve())):
        study = assembly.sources.study if assembly.is_open else open_study()
        write_paper(assembly.sources.run.name, title=title, coders=study.coders, gold=study.gold, out=target)
    (target / NOTE).unlink()


def _bring_licence(room: Path) -> None:
    for name in LICENCES:
        if (project_folder() / name).is_file():
            shutil.copyfile(project_folder() / name, room / "LICENSE.txt")
            return


def _look_for_persons(assembly: Assembly, about: About, reasons: Mapping[str, str]) -> tuple[About, list[str]]:
    """Note what looks personal and why it may be published; return with it what a person should look at."""
    places = list(find_persons(assembly.room))
    about = replace(about, personal=acknowledge(places, reasons))
    faults = [*find_unexplained(places, about), *find_names(assembly.room, assembly.names)]
    unmet = [kind for kind, known in about.personal.items() if not known["lines"]]
    remarks = [f"personal_data names {kind}, and nothing looks like one" for kind in unmet]
    return about, [*map(str, faults), *remarks]


def _refuse_leaks(assembly: Assembly) -> None:
    """Refuse keys, and texts that are to stay.

    Raises
    ------
    ParameterError
        Something of this stands in the deposit.
    """
    faults = list(find_keys(assembly.room, read_secrets()))
    if assembly.hold:
        faults += assembly.hold.traces.find(assembly.room)
    ParameterError.raise_any("The deposit would show what must not be published; nothing was written.", faults)


def _swap(room: Path, target: Path) -> None:
    """Put the new deposit in the place of the old one."""
    old = target.with_name(f".{target.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.replace(old)
    room.replace(target)
    shutil.rmtree(old, ignore_errors=True)


def _zip(folder: Path) -> Path:
    """Pack the folder; the same files make the same zip."""
    path = folder.with_name(f"{folder.name}.zip")
    part = path.with_name(f".{path.name}.part")
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as packed:
        for place, file in list_files(folder):
            packed.writestr(zipfile.ZipInfo(f"{folder.name}/{place}", _DATE), file.read_bytes(), zipfile.ZIP_DEFLATED)
    part.replace(path)
    return path
