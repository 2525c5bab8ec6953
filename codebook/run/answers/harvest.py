"""Harvest: the result lines of an ended job are fetched, put in place, read one by one and indexed, in that order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path

from codebook.engines import Engine, Remark, Remarks
from codebook.errors import BusyError, EngineError, GoneError, RecordError, UnreachableError
from codebook.files.lines import digest_file, load_line, number_lines
from codebook.ground.quantities import say_count
from codebook.ledger import FoundLine, JobRow, Ledger
from codebook.records import Answer, JobState, LineFault
from codebook.run.answers.line_reader import LineReader
from codebook.run.folder import AT_ONCE_S, RunFolder
from codebook.run.money import Meter
from codebook.scheme import Codebook

NOT_FETCHED, LOST = "not fetched yet", "paid, lost: "
"""How the note of a job begins whose files are not there yet, and that of one whose files are gone."""
_MISSING = {
    "completed": ("absent", "the job ended without a line for this question"),
    "cancelled": ("cancelled", "the job was cancelled before this question was answered"),
    "expired": ("expired", "the job ran out of time before this question was answered"),
}


def harvest_job(
    folder: RunFolder, codebook: Codebook, ledger: Ledger, engine: Engine, row: JobRow, meter: Meter
) -> None:
    """Fetch and index the answers of one ended job. Repeating it changes nothing.

    A line that cannot be read costs one row, which is `invalid`; answers that are gone at the service were paid, and
    are never asked again unless that is demanded.
    """
    assert row.job_id is not None  # the caller chose submitted jobs only
    earlier = row.note.partition(NOT_FETCHED)[0].rstrip("; ")
    state, note, lost, faults = row.state, earlier, False, tuple[LineFault, ...]()
    try:
        if state == "failed":
            now = engine.poll(row.job_id)
            faults, lost = now.faults, now.lost
        files = _fetch(folder, engine, row.job_id, row.number)
    except GoneError as error:
        files, note, lost = [], str(error), True
    except UnreachableError as error:
        ledger.note_doubt(row.shard_id, "; ".join(filter(None, [earlier, f"{NOT_FETCHED}: {error}"])))
        raise
    except EngineError:
        now = engine.poll(row.job_id)
        if now.state != "failed":
            raise
        ledger.note_state(row.shard_id, now)  # failed as a whole, or lost since: there are no files
        files, state, note, lost = [], now.state, now.note, now.lost
    missing_why, detail = explain_missing(state, note)
    reader = LineReader(folder, codebook, ledger.variables_sent(row.shard_id), meter)
    lines = chain(_refused(folder, row, faults), reader.read(files))
    remarks = [] if lost else _remarks(engine, row.job_id)
    short = "; ".join(remark.words for remark in remarks if remark.incomplete)
    loss = f"{LOST}{note if lost else short}" if lost or short else ""
    find_loss = lambda: loss or reader.say_loss()  # noqa: E731
    n_answers, strangers = ledger.add_answers(
        row.shard_id, lines, missing_why=missing_why, detail=detail, find_loss=find_loss
    )
    odd = [loss] if lost else [*(remark.words for remark in remarks), *reader.say_odd()]
    if odd or earlier != row.note:
        ledger.note_odd(row.shard_id, "; ".join(odd if lost else [earlier, *odd]).strip("; "), instead=True)
    summary = f"shard {row.number}: {state}, {n_answers} of {row.n_requests} lines"
    parts = [summary, *_say_counts(row, reader), *odd, *_say_strangers(strangers)]
    ledger.note_event(folder.name, "collect", "; ".join(parts))


def heal_job(folder: RunFolder, codebook: Codebook, ledger: Ledger, engine: Engine, row: JobRow, meter: Meter) -> None:
    """Look once more for the answers of a collected job that were lost. Where they are not there, nothing changes."""
    assert row.job_id is not None  # the caller chose submitted jobs only
    try:
        state = engine.poll(row.job_id)
        files = _fetch(folder, engine, row.job_id, row.number)
    except EngineError:
        return
    if any(remark.incomplete for remark in _remarks(engine, row.job_id)):
        return
    reader = LineReader(folder, codebook, ledger.variables_sent(row.shard_id), meter)
    n_answers = ledger.heal(row.shard_id, reader.read(files), state.state, state.note)
    summary = f"shard {row.number}: its answers were lost and are there again, {n_answers} of {row.n_requests} lines"
    ledger.note_event(folder.name, "collect", summary)


def _remarks(engine: Engine, job_id: str) -> Sequence[Remark]:
    """What the engine has to say of the files that it fetched."""
    return engine.remarks(job_id) if isinstance(engine, Remarks) else ()


def explain_missing(state: str, note: str) -> tuple[str, str]:
    """Why a question of an ended job has no line, and in detail."""
    return _MISSING.get(state, (state, note))


def _say_counts(row: JobRow, reader: LineReader) -> Iterator[str]:
    """What the service counted, where its files hold something else: the files are trusted, never the counts."""
    if row.n_done + row.n_failed and (row.n_done, row.n_failed) != (reader.n_replies, reader.n_failures):
        in_files = f"the files hold {reader.n_replies} and {reader.n_failures}"
        yield f"the service counted {row.n_done} completed and {row.n_failed} failed, {in_files}"


def _say_strangers(strangers: list[str]) -> Iterator[str]:
    """Lines that answer nothing that was asked."""
    if strangers:
        lines = say_count(len(strangers), "line answers", "lines answer")
        yield f"{lines} nothing that was asked, such as {strangers[0]}"


def _refused(folder: RunFolder, row: JobRow, faults: tuple[LineFault, ...]) -> Iterator[FoundLine]:
    """Why a service refused lines of a file, each under the line it names."""
    names = custom_ids_at(folder.shards / row.file, {fault.line for fault in faults})
    for fault in faults:
        if fault.line in names:
            reason = f"the service refused this line: {fault.code}: {fault.message}"
            yield FoundLine(Answer(names[fault.line], why="failed", detail=reason), None, None, None)


def settle_job(folder: RunFolder, ledger: Ledger, engine: Engine, row: JobRow) -> str | None:
    """Return the job of a submit that was interrupted; give up a shard that never reached the engine."""
    job_id = engine.find(row.job_key or "")
    if job_id:
        ledger.note_submitted(row.shard_id, job_id)
        return job_id
    with suppress(BusyError), folder.lock(AT_ONCE_S):  # where a submit is at work, the doubt is its own to settle
        note = "it never reached the engine"
        ledger.note_state(row.shard_id, JobState("cancelled", row.n_requests, note=note))
        ledger.add_answers(row.shard_id, (), missing_why="cancelled", detail=note)
    return None


def _fetch(folder: RunFolder, engine: Engine, job_id: str, number: int) -> list[Path]:
    """Download into a folder of its own, then give each file its lasting name. What cannot be placed stays there."""
    fresh = folder.results / f".fetch-{number:04d}"
    fresh.mkdir(parents=True, exist_ok=True)
    placed = []
    for file in engine.fetch(job_id, fresh):
        target = folder.results / f"{number:04d}-{digest_file(file)[:12]}-{file.stem}.jsonl"
        file.replace(target)
        file.unlink(missing_ok=True)  # after a death both may be one file, and then both names stay
        placed.append(target)
    for torn in fresh.glob(".*.part"):  # of a process that was killed
        torn.unlink()
    with suppress(OSError):  # something else lies in it
        fresh.rmdir()
    return placed


def custom_ids_at(shard: Path, numbers: Collection[int]) -> dict[int, str]:
    """Return the custom_id of each of these lines of a shard, counted from 1."""
    wanted = {number for number in numbers if number > 0}
    if not wanted or not shard.is_file():
        return {}
    custom_ids = {}
    for number, _, line in number_lines(shard):
        if number in wanted:
            try:
                custom_ids[number] = str(load_line(line, shard.name).get("custom_id"))
            except RecordError:
                continue
    return custom_ids


def say_refusal(folder: RunFolder, ledger: Ledger, row: JobRow, faults: Collection[LineFault]) -> str:
    """Say why a file was refused: every reason with its count, the commonest first, each with a unit as example.

    Nothing of such a file is answered and nothing is charged.
    """
    names = custom_ids_at(folder.shards / row.file, {fault.line for fault in faults})
    counts = Counter(fault.code for fault in faults)
    examples = {fault.code: fault for fault in reversed(list(faults))}
    parts = []
    for code, n in counts.most_common():
        fault = examples[code]
        unit = ledger.unit_of(row.shard_id, names.get(fault.line, ""))
        at = f" (unit {unit!r}, line {fault.line})" if unit else ""
        parts.append(f"{n} x {code}{at}: {fault.message}")
    return f"the service refused the file, nothing was charged: {'; '.join(parts)}"
