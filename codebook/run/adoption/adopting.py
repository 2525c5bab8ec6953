"""Adopt: a run is taken into this project's ledger from its folder, by the planner's and the harvest's own code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from codebook.dialects import read_reply
from codebook.engines.replay import list_sources
from codebook.errors import Fault, ParameterError, RunError
from codebook.files.digests import digest_of, find_faults
from codebook.files.lines import dump_canonical, load_line, number_lines
from codebook.ground.quantities import say_count
from codebook.ledger import KEPT, FoundLine, Ledger, PlannedRow
from codebook.ledger.carried import (
    Missing,
    Prior,
    find_place,
    find_prior,
    known_keys,
    restore_asks,
    restore_costs,
    restore_erased,
    restore_job,
    restore_run,
)
from codebook.ledger.losses import settle_losses
from codebook.ledger.migrations import name_old_answerer
from codebook.paths import resolve_path, show_path
from codebook.records import Answer, Asking, JobState, Shard, request_key
from codebook.run.adoption.deposits import take_in
from codebook.run.answers.carrying import Carried, read_carried
from codebook.run.answers.harvest import explain_missing
from codebook.run.answers.line_reader import LineReader
from codebook.run.folder import RunFolder
from codebook.run.money import Meter, is_free
from codebook.run.plans.replacing import plan_digest
from codebook.run.questions.planner import list_rows, make_keys
from codebook.run.verbs import Run, open_exact
from codebook.scheme import Codebook, read_codebook
from codebook.shards import BYTES_PER_TOKEN, weigh_line

_ROWS_AT_ONCE = 50_000
_UNKNOWN: Mapping[str, Any] = {"created_at": "", "ended_at": None, "seen_at": None, "submitted_at": None}


def adopt(folder: str | Path) -> Run:
    """Take a run into this project from its folder, and return it; one that lies elsewhere is copied to `runs/` first.

    Rows, questions, shards, jobs and answers are read again from the files, whose digests are checked. Times, ids of
    jobs and costs come from `ledger.jsonl`, which every collected run has; of older runs they are unknown, but for what
    `run.json` tells of them. A run that the ledger knows is left as it is.

    Parameters
    ----------
    folder
        `runs/NAME`, or NAME; or where a deposited run lies, which stays as it is. The folder's name is the run's.

    Raises
    ------
    ParameterError
        The folder does not fit together, or with what the ledger knows, or another run has its name; all faults are
        named, and nothing is changed.
    RunError
        There is no such run, or its plan is not at its end here.

    Examples
    --------
    >>> import codebook as cb
    >>> cb.adopt("runs/topics")
    <Run topics>
    """
    with take_in(folder) as home:
        note_run(home)
    return open_exact(home.name)


def order_folders(folders: Sequence[str]) -> list[str]:
    """Folders of runs, each behind those whose answers it shares.

    Examples
    --------
    >>> order_folders(["runs/topics"])
    ['runs/topics']
    """
    named = {Path(folder).name: folder for folder in folders}
    ordered = list[str]()

    def add(name: str, coming: tuple[str, ...] = ()) -> None:
        if name not in named or name in coming or named[name] in ordered:
            return
        for other in list_sources(resolve_path(named[name])):
            add(other, (*coming, name))
        ordered.append(named[name])

    for name in named:
        add(name)
    return ordered


def note_run(home: RunFolder, *, as_event: bool = True) -> None:
    """Put a run into the ledger that does not know it; its record tells so, where that is to be an event of it."""
    record, book = home.read_record(), read_codebook(home.codebook_path)
    with home.lock(), Ledger(home.ledger_path) as ledger:
        settle_losses(ledger, is_free)
        planned = ledger.is_planned(home.name)
        if planned is None:
            carried = read_carried(home, record.get("answered", {}).get("events", []))
            with ledger.transaction():
                _Adoption(Contents(home, book, record, carried), ledger).run(as_event=as_event)
            ledger.settle()
        elif not planned:
            raise RunError(f"Run {home.name!r} is planned in part here. To mend: repeat the plan; it goes on.")


@dataclass
class _Adoption:
    """One adoption; all of it happens in one transaction of the ledger."""

    contents: Contents
    ledger: Ledger

    def run(self, *, as_event: bool) -> None:
        """Note all of the run, or raise with every fault."""
        contents, ledger, name = self.contents, self.ledger, self.contents.folder.name
        contents.read(ledger)
        self._raise_faults()
        prior = find_prior(ledger, set(contents.keys.values()), contents.answerer)
        self._note()
        self._keep(prior)
        self._raise_faults()
        events = contents.record.get("answered", {}).get("events", [])
        restore_run(ledger, name, {**contents.carried.run, "discarded_at": None}, events)
        ledger.finish_plan(name)
        if as_event:
            summary = f"{len(contents.rows)} rows and {len(contents.shards)} shards, from the folder"
            ledger.note_event(name, "adopt", summary)

    def _raise_faults(self) -> None:
        if self.contents.faults:
            place = show_path(self.contents.folder.path)
            raise ParameterError(f"{place} cannot be adopted; nothing was changed.", self.contents.faults)

    def _note(self) -> None:
        """Note run, shards, jobs with their answers, and rows."""
        contents, ledger, name = self.contents, self.ledger, self.contents.folder.name
        record = contents.record
        planned = plan_digest(contents.book.digest, record["units"]["sha256"], record["asked"])
        ledger.start_run(name, planned, contents.answerer)
        for file in contents.shards:
            ledger.add_shard(name, file.number, file.shard, dict(file.keys))
            self._note_job(ledger.jobs(name)[-1].shard_id, file)
        for start in range(0, len(contents.rows), _ROWS_AT_ONCE):
            some = contents.rows[start : start + _ROWS_AT_ONCE]
            ledger.add_planned(name, [row._replace(request_key=contents.keys.get(row.custom_id, "")) for row in some])

    def _note_job(self, shard_id: int, file: ShardFile) -> None:
        """Note what became of a shard: answered, ended, under way, or never handed in."""
        carried = self.contents.carried.shards.get(file.number, {})
        job: dict[str, Any] = dict(carried.get("job") or {})
        results = self.contents.list_results(file.number)
        if not job.get("collected_at") and not results:
            self._note_open(shard_id, file, job)
        elif not file.keys:
            self.ledger.close_unsent(self.contents.folder.name, file.number)
            restore_job(self.ledger, shard_id, carried.get("shard", {}), job | {"job_key": f"never sent: {shard_id}"})
        else:
            self._note_ended(shard_id, file, job, results)
        if erased := carried.get("erased"):
            restore_erased(self.ledger, shard_id, erased)

    def _note_ended(self, shard_id: int, file: ShardFile, job: Mapping[str, Any], results: list[Path]) -> None:
        """Note a job that was collected: its lines are read as they were then."""
        contents, ledger, key = self.contents, self.ledger, f"adopted: {shard_id}"
        asking, carried = contents.asking, contents.carried.shards.get(file.number, {})
        if not ledger.intend_job(shard_id, key, str(job.get("engine") or asking.engine)):
            problem = f"questions of shard {file.number} are under way in another run of this project"
            contents.fault(file.shard.path, problem, "collect that run first, then repeat")
            return
        state, note = str(job.get("state") or "completed"), str(job.get("note", ""))
        missing = Missing(*carried.get("missing", (*explain_missing(state, note), False)))
        others = (_without_line(name, Missing(*reason)) for name, reason in carried.get("others", {}).items())
        reader = LineReader(contents.folder, contents.book, contents.variables, Meter(asking))
        ledger.note_state(shard_id, JobState(state, file.shard.n_requests))
        ledger.add_answers(
            shard_id,
            chain(others, reader.read(results)),
            missing_why=missing.why,
            detail=missing.detail,
            find_loss=lambda: missing.detail if missing.final else "",
        )
        restore_job(ledger, shard_id, carried.get("shard", {}), {**_UNKNOWN, **job, "job_key": key})
        if "costs" in carried:
            restore_costs(ledger, shard_id, carried["costs"])

    def _note_open(self, shard_id: int, file: ShardFile, job: Mapping[str, Any]) -> None:
        """Note a shard without answers: a job that may be under way is found again by the name it was made under."""
        noted = str(job.get("job_key") or "") if job.get("state") != "waiting" else ""
        key = noted or self._find_doubt(file)
        if not key:
            return
        contents, former = self.contents, self.contents.record["run"]
        if self.ledger.intend_job(shard_id, key, str(job.get("engine") or contents.asking.engine)):
            restore_job(self.ledger, shard_id, {}, job)
        else:
            problem = f"shard {file.number} is under way as a shard of run {former!r}"
            contents.fault(file.shard.path, problem, f"name the folder runs/{former} again: the ledger knows it so")

    def _find_doubt(self, file: ShardFile) -> str:
        """The name under which a job of a shard may have been made, by what its engine noted; empty for none."""
        folder = self.contents.folder
        engine = folder.make_engine(self.contents.asking)
        names = dict.fromkeys([str(self.contents.record["run"]), folder.name])
        keys = (f"{name}:{file.number}:{file.shard.sha256[:32]}" for name in names)
        return next((key for key in keys if engine.may_know(key)), "")

    def _keep(self, prior: Sequence[Prior]) -> None:
        """Let other runs keep their answers; where this run has other ones to the same questions, it does not fit."""
        same, differing = list[Prior](), list[str]()
        for each in prior:
            old = self._read_reply(each.file, each.offset, each.length)
            if old is None:
                continue  # its file is gone: the folder was renamed
            same.append(each)
            place = find_place(self.ledger, each.ask_id)
            new = self._read_reply(*place) if place else None
            if new is not None and (new.text, new.why) != (old.text, old.why):
                differing.append(each.file.split("/")[0])
        restore_asks(self.ledger, same)
        if differing:
            runs = " and ".join(map(repr, sorted(set(differing))))
            problem = f"{len(differing):,} of its questions have other answers in this project, in run {runs}"
            self.contents.fault(self.contents.folder.path, problem, "adopt it in a project of its own")

    def _read_reply(self, file: str, offset: int, length: int) -> Answer | None:
        path = self.contents.folder.runs / file
        if not path.is_file():
            return None
        with path.open("rb") as lines:
            lines.seek(offset)
            return read_reply(load_line(lines.read(length), file))


def _without_line(custom_id: str, missing: Missing) -> FoundLine:
    answer = Answer(custom_id, why=missing.why, detail=missing.detail, final=bool(missing.final))
    return FoundLine(answer, None, None, None)


_MEND = "restore the folder from where it came from; nothing was changed"


@dataclass(frozen=True)
class ShardFile:
    """A shard: its number, what the ledger notes of it, and the key of the question of each of its lines."""

    number: int
    shard: Shard
    keys: Mapping[str, str]


@dataclass
class Contents:
    """The folder of a run.

    Attributes
    ----------
    rows, shards
        Of the run, in the order in which they were planned; the rows without the keys of their questions.
    keys
        The key of each question by custom_id.
    variables
        The variable that each line asks about, by custom_id.
    faults
        What does not fit.
    """

    folder: RunFolder
    book: Codebook
    record: Mapping[str, Any]
    carried: Carried
    rows: list[PlannedRow] = field(default_factory=list)
    shards: list[ShardFile] = field(default_factory=list)
    keys: Mapping[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def read(self, ledger: Ledger) -> None:
        """Read all of it; questions that another run asked must be in the ledger."""
        if self._check_units():
            self.rows = list(list_rows(self.folder, self.book, self.asking))
            self._check_files()
            draws = {row.custom_id: row.draw for row in self.rows if not row.skip}
            self.variables = {row.custom_id: row.variable for row in self.rows}
            self.shards = list(self._read_shards(draws))
            self.keys = self._find_keys(ledger)

    @property
    def asking(self) -> Asking:
        """Who was asked, and how."""
        return Asking.from_record(self.record)

    @property
    def answerer(self) -> str:
        """Who answers the run, as its folder says; empty where that is not known."""
        carried, noted = self.carried.run.get("answered_by"), self.record.get("answerer")
        return str(carried or noted or name_old_answerer(self.folder.runs, self.record["asked"]))

    def fault(self, path: Path, problem: str, mend: str = _MEND) -> None:
        """Note something that does not fit."""
        self.faults.append(Fault(show_path(path), problem, mend))

    def list_results(self, number: int) -> list[Path]:
        """The result files of a shard that were read, in that order; of a run of old all that there are."""
        known = self.carried.shards.get(number, {}).get("files")
        if known is not None:
            return [self.folder.results / name for name in known]
        paths = self.folder.results.glob(f"{number:04d}-*.jsonl")
        return sorted(paths, key=lambda path: ("output" not in path.name, path))

    def _check_units(self) -> bool:
        folder, record = self.folder, self.record
        if self.book.digest != record["codebook"]["sha256"]:
            self.fault(folder.codebook_path, "it is not the codebook that run.json names")
        if not folder.units_path.is_file() or digest_of(folder.units_path) != record["units"]["sha256"]:
            self.fault(folder.units_path, "it is gone, or not the one that run.json names")
            return False
        return True

    def _check_files(self) -> None:
        """Hold shards and results against their digests."""
        recorded = self.record.get("files", {})
        for path in (path for number in self.carried.shards for path in self.list_results(number)):
            if not path.is_file() and f"results/{path.name}" not in recorded:
                self.fault(path, "is gone")
        for path, problem in find_faults(self.folder.path, self.record):
            self.fault(path, problem)

    def _read_shards(self, draws: Mapping[str, int]) -> Iterator[ShardFile]:
        """Yield the shards in the order of their numbers; one of which nothing was asked has no file."""
        noted = {number: line["shard"] for number, line in self.carried.shards.items() if "shard" in line}
        paths: dict[int, Path] = {}
        for path in sorted(self.folder.shards.glob("[0-9]*.jsonl")):
            number = int(path.name.partition("-")[0])
            if noted.get(number, {}).get("file", path.name) == path.name and paths.setdefault(number, path) != path:
                self.fault(path, f"there is another shard {number}")
        seen: dict[str, str] = {}
        for number in sorted(paths.keys() | noted.keys()):
            if number in paths:
                yield self._read_shard(number, paths[number], draws, seen)
                continue
            known = noted[number]
            path = self.folder.shards / known["file"]
            if known["n_requests"]:
                self.fault(path, "it is gone")
            yield ShardFile(number, Shard(path, known["sha256"], known["url"], known["model"], 0, 0, 0), {})

    def _read_shard(self, number: int, path: Path, draws: Mapping[str, int], seen: dict[str, str]) -> ShardFile:
        """Read a shard; a question that is asked again keeps the key of its first line."""
        keys, strays, weight = dict[str, str](), list[str](), 0
        url, model, place_of_file = "", "", show_path(path)
        for place, _, raw in number_lines(path):
            line = load_line(raw, f"{place_of_file}, line {place}")
            name, body = str(line["custom_id"]), line["body"]
            url, model = str(line["url"]), str(body["model"])
            draw = draws[name] if name in draws else self._find_draw(name)
            if draw is None:
                strays.append(name)
                continue
            key = seen.setdefault(name, request_key(url, dump_canonical(body), draw))
            keys[name], weight = key, weight + weigh_line(raw) + 1
        if strays:
            self.fault(
                path,
                f"{say_count(len(strays), 'line asks', 'lines ask')} about nothing in units.jsonl, such as {strays[0]}",
            )
        size = (path.stat().st_size, weight // BYTES_PER_TOKEN)
        return ShardFile(number, Shard(path, digest_of(path), url, model, len(keys), *size), keys)

    def _find_draw(self, name: str) -> int | None:
        """The draw of a line that bears no row's name, since its unit was erased and another run rests on it."""
        parts = name.split(".")
        variable = next((each.name for each in self.book.variables if each.name[:16] == parts[0]), "")
        if not self.record.get("erased") or not variable or len(parts) < 3 or not parts[-2].isdecimal():
            return None
        self.variables[name] = variable
        return int(parts[-2])

    def _find_keys(self, ledger: Ledger) -> dict[str, str]:
        """The key of every question; one that stands in no shard was asked by another row, or by another run."""
        elsewhere = self.carried.elsewhere
        of_shards = {name: key for shard in reversed(self.shards) for name, key in shard.keys.items()}
        of_others = {name: key for name, (key, _) in elsewhere.items()}
        with_key = of_shards.keys() | of_others.keys()
        left = [row.custom_id for row in self.rows if not row.skip and row.custom_id not in with_key]
        if left:
            made = make_keys(self.folder, self.book, self.asking)
            as_sent = {made[name]: key for name, key in of_shards.items() if name in made}
            of_others |= {name: as_sent.get(made[name], made[name]) for name in left}
        known = known_keys(ledger, of_others.values(), self.answerer) | set(of_shards.values())
        if lacking := [name for name, key in of_others.items() if key not in known]:
            self._miss(lacking, sorted({elsewhere[name][1] for name in lacking if name in elsewhere} - {""}))
        return of_others | of_shards

    def _miss(self, names: Sequence[str], runs: Sequence[str]) -> None:
        by = f" by run {' and '.join(map(repr, runs))}" if runs else " by another run"
        mend = f"adopt {' and '.join(runs) or 'the run that asked them'} first"
        if any(run.startswith(f"{KEPT}/") for run in runs):
            mend += " (what a discarded run left: copy that folder of runs/ under a name of its own, and adopt it so)"
        problem = f"{len(names):,} of its questions were asked{by}, such as {names[0]}, and the ledger lacks them"
        self.fault(self.folder.path, problem, mend)
