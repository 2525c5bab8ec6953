"""Adopt: a run is taken into this project's ledger from its folder, by the planner's and the harvest's own code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from codebook.dialects import read_reply
from codebook.errors import ParameterError, RunError
from codebook.files.lines import load_line
from codebook.ledger import FoundLine, Ledger
from codebook.ledger.carried import (
    Missing,
    Prior,
    find_place,
    find_prior,
    restore_asks,
    restore_costs,
    restore_erased,
    restore_job,
    restore_run,
)
from codebook.ledger.losses import settle_losses
from codebook.paths import show_path
from codebook.records import Answer, JobState
from codebook.run.adoption.deposits import take_in
from codebook.run.adoption.folder_contents import Contents, ShardFile
from codebook.run.answers.carrying import read_carried
from codebook.run.answers.harvest import explain_missing
from codebook.run.answers.line_reader import LineReader
from codebook.run.folder import RunFolder
from codebook.run.money import Meter, is_free
from codebook.run.plans.replacing import plan_digest
from codebook.run.verbs import Run, open_exact
from codebook.scheme import read_codebook

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
