"""Harvest: the result lines of an ended job are fetched, checked, put in place and indexed, in that order."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path

from codebook.dialects import read_reply
from codebook.engines import Engine
from codebook.errors import BusyError, EngineError, GoneError
from codebook.ledger import FoundLine, JobRow, Ledger
from codebook.records import RETRIED, Answer, JobState, LineFault, digest_file, iter_lines, load_line
from codebook.run.folder import RunFolder
from codebook.run.labels import remember
from codebook.run.money import Meter
from codebook.run.refusals import custom_ids_at
from codebook.scheme import Codebook
from codebook.tasks import make_questions

_MISSING = {
    "completed": ("absent", "the job ended without a line for this question"),
    "cancelled": ("cancelled", "the job was cancelled before this question was answered"),
    "expired": ("expired", "the job ran out of time before this question was answered"),
}


def harvest_job(
    folder: RunFolder, codebook: Codebook, ledger: Ledger, engine: Engine, row: JobRow, meter: Meter
) -> None:
    """Fetch and index the answers of one ended job. Repeating it changes nothing.

    Raises
    ------
    RecordError
        A result file is damaged; nothing of it is indexed.
    """
    assert row.job_id is not None  # the caller chose submitted jobs only
    state, note, faults = row.state, row.note, tuple[LineFault, ...]()
    try:
        if state == "failed":
            faults = engine.poll(row.job_id).faults
        files = _fetch(folder, engine, row.job_id, row.number)
    except GoneError as error:
        files, state, note = [], "failed", f"the result files are gone: {error}"
    except EngineError:
        now = engine.poll(row.job_id)
        if now.state != "failed":
            raise
        ledger.note_state(row.shard_id, now)  # failed as a whole, or lost since: there are no files
        files, state, note = [], now.state, now.note
    missing_why, detail = _MISSING.get(state, (state, note))
    found = Counter[bool]()
    lines = chain(_refused(folder, row, faults), _read(folder, codebook, ledger, row, files, meter, found))
    n_answers, strangers = ledger.add_answers(row.shard_id, lines, missing_why=missing_why, detail=detail)
    said = f"shard {row.number}: {state}, {n_answers} of {row.n_requests} lines{_say_counts(row, found)}"
    ledger.note_event(folder.name, "collect", said + _say_strangers(strangers))


def _say_counts(row: JobRow, found: Counter[bool]) -> str:
    """What the service counted, where its files hold something else: the files are trusted, never the counts."""
    if not row.n_done + row.n_failed or (row.n_done, row.n_failed) == (found[True], found[False]):
        return ""
    held = f"the files hold {found[True]} and {found[False]}"
    return f"; the service counted {row.n_done} completed and {row.n_failed} failed, {held}"


def _say_strangers(strangers: list[str]) -> str:
    """Lines that answer nothing that was asked."""
    return f"; {len(strangers)} lines answer nothing that was asked, such as {strangers[0]}" if strangers else ""


def _refused(folder: RunFolder, row: JobRow, faults: tuple[LineFault, ...]) -> Iterator[FoundLine]:
    """Why a service refused lines of a file, each under the line it names."""
    names = custom_ids_at(folder.shards / row.file, {fault.line for fault in faults})
    for fault in faults:
        if fault.line in names:
            said = f"the service refused this line: {fault.code}: {fault.message}"
            yield FoundLine(Answer(names[fault.line], why="failed", detail=said), None, None, None)


def settle_job(folder: RunFolder, ledger: Ledger, engine: Engine, row: JobRow) -> str | None:
    """Return the job of a submit that was interrupted; give up a shard that never reached the engine."""
    job_id = engine.find(row.job_key or "")
    if job_id:
        ledger.note_submitted(row.shard_id, job_id)
        return job_id
    with suppress(BusyError), folder.lock():  # where a submit is at work, the doubt is its own to settle
        note = "it never reached the engine"
        ledger.note_state(row.shard_id, JobState("cancelled", row.n_requests, note=note))
        ledger.add_answers(row.shard_id, (), missing_why="cancelled", detail=note)
    return None


def _fetch(folder: RunFolder, engine: Engine, job_id: str, number: int) -> list[Path]:
    """Download into a folder of its own, check every line, then give each file its lasting name."""
    fresh = folder.results / f".fetch-{number:04d}"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    placed = []
    for file in engine.fetch(job_id, fresh):
        for line_number, (_, line) in enumerate(iter_lines(file), start=1):
            load_line(line, f"{file.name} of job {job_id}, line {line_number}")
        target = folder.results / f"{number:04d}-{digest_file(file)[:12]}-{file.stem}.jsonl"
        file.replace(target)
        placed.append(target)
    shutil.rmtree(fresh)
    return placed


def _read(
    folder: RunFolder,
    codebook: Codebook,
    ledger: Ledger,
    row: JobRow,
    files: list[Path],
    meter: Meter,
    found: Counter[bool],
) -> Iterator[FoundLine]:
    """Yield every result line as an answer, judged by the codebook, with its place under `runs/`.

    `found` counts the lines with a reply (True) and those without.
    """
    variables = ledger.variables_sent(row.shard_id)
    readers = {name: remember(question.read_label) for name, question in make_questions(codebook).items()}
    for file in files:
        place = file.relative_to(folder.runs).as_posix()
        for offset, line in iter_lines(file):
            said = load_line(line, place)
            answer = read_reply(said)
            found[answer.why not in RETRIED] += 1
            if answer.why is None and answer.custom_id in variables:
                label = readers[variables[answer.custom_id]](answer.text or "")
                if label.why:
                    answer = answer._replace(why=label.why, detail=label.detail)
            yield FoundLine(answer, place, offset, len(line), meter.price_line(said))
