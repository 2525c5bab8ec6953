"""Shards go to the engine one by one: within the cap, within what may wait there, intent before call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from codebook.engines import Engine, MakesAnew
from codebook.errors import EngineError, RecordError, RunError, UndecidedError, UnreachableError
from codebook.files.lines import digest
from codebook.ledger import JobRow, Ledger
from codebook.records import ENDED, Asking, JobState, Shard
from codebook.run.answers.harvest import say_refusal
from codebook.run.folder import RunFolder
from codebook.run.money import Meter
from codebook.run.questions.trimming import sweep_leftovers, trim_shard
from codebook.shards import Cuts, check_shard

_N_LOST = 2
"""How often a shard is handed in again whose file the service did not find."""
_N_RACES = 5
"""How often a shard is looked at again whose questions others claimed in the moment before its own claim."""
UNREACHED = "state as last seen"
"""How the note of a job begins whose service could not be asked."""


def send_shards(
    folder: RunFolder,
    ledger: Ledger,
    meter: Meter,
    make_engine: Callable[[], Engine],
    *,
    again: bool = False,
    ahead: Sequence[str] = (),
) -> None:
    """Hand every shard without a job to the engine, as far as there is room; the others wait for the next call.

    Questions that were answered or claimed since the plan are left out first, and where nothing is left of a shard no
    engine is needed for it. A shard of which it is not known whether a job was made keeps no other from being sent.

    Parameters
    ----------
    again
        Hand such a shard in anew: a person decided to pay twice if need be.
    ahead
        Runs that wait for the same room and come first: then nothing is sent.

    Raises
    ------
    BudgetError
        The next shard would cross the cap. What was sent before stays sent.
    UndecidedError
        It is not known whether a job was made of a shard; it was not made again. All others are sent.
    EngineError
        The service refused, or cannot be reached. The shard can be handed in again.
    RecordError
        A shard is not as it was planned, or the service would refuse it.
    RunError
        Somebody else would answer than the run was planned for.
    """
    sweep_leftovers(folder.runs, ledger)
    engine: Engine | None = None
    undecided: UndecidedError | None = None
    for planned in ledger.jobs(folder.name):
        if planned.job_id is not None or (row := trim_shard(folder, ledger, planned)) is None:
            continue
        if engine is None:
            engine = make_engine()
            _check_answerer(folder, ledger, engine)
            engine.check_ready()
        if ahead or not has_room(ledger, engine, row):
            _note_waiting(folder, ledger, ahead)
        else:
            try:
                _send(folder, ledger, meter, engine, row, again=again)
            except UndecidedError as error:
                undecided = undecided or error
    if undecided:
        raise undecided


def _note_waiting(folder: RunFolder, ledger: Ledger, ahead: Sequence[str]) -> None:
    """Note, once in a row, that shards of the run wait for room: others know by it that the run is to be sent."""
    note = f"no room yet: {' and '.join(ahead)} with a higher priority" if ahead else "no room yet"
    events = ledger.events(folder.name)
    if not events or events[-1][1:] != ("wait", note):
        ledger.note_event(folder.name, "wait", note)


def _check_answerer(folder: RunFolder, ledger: Ledger, engine: Engine) -> None:
    """Refuse to have a run answered by somebody else than it was planned for: its answers would pass for theirs."""
    planned = ledger.answerer(folder.name)
    if planned not in ("", engine.answerer):
        raise RunError(
            f"Run {folder.name!r} was planned to be answered by {planned}, and would go to {engine.answerer} now. It "
            "was not sent. To mend: put the address back, or plan it anew; under another name, if it was sent before."
        )


def has_room(ledger: Ledger, engine: Engine, row: JobRow) -> bool:
    """Whether a shard may be handed in now, by the tokens that wait in the project's unfinished jobs."""
    ceiling, waiting = engine.limits.n_enqueued, ledger.enqueued(row.model, apart_from=row.shard_id)
    if ceiling is not None:
        return waiting == 0 or waiting + row.n_tokens <= ceiling
    return row.attempt == 0 or waiting == 0  # a ceiling was met that nobody stated: one at a time from here


def _send(folder: RunFolder, ledger: Ledger, meter: Meter, engine: Engine, row: JobRow, *, again: bool) -> None:
    for _ in range(_N_RACES):
        _check(folder, meter, engine, row)
        key = row.job_key or name_job(folder, row)
        # what waits is not reserved: others may have used its room
        reserved = meter.reserve(ledger, folder.name, folder.shards / row.file) if row.unsent else row.reserved_usd
        if ledger.intend_job(row.shard_id, key, engine.name, reserved):
            _hand_in(folder, ledger, engine, row, key, again=again)
            return
        if (left := trim_shard(folder, ledger, row)) is None:
            return  # others asked the rest, or another process cancelled the run
        row = left


def name_job(folder: RunFolder, row: JobRow) -> str:
    """Return the name by which a service knows the job of a shard; that of a private run does not tell the run's name.

    It is the same whenever the same run is planned, so that a job is found again though all of `runs/` was lost.
    """
    private = Asking.from_record(folder.read_record()).salt
    run = f"private-{digest(private, folder.name)[:20]}" if private else folder.name
    return f"{run}:{row.number}:{row.sha256[:32]}"


def _check(folder: RunFolder, meter: Meter, engine: Engine, row: JobRow) -> None:
    """Refuse to send a shard that was changed, or that the service would refuse."""
    path = folder.shards / row.file
    folder.check_shard(path, row.sha256)
    if meter.charges and (faults := check_shard(path, Cuts(engine.limits.n_requests, engine.limits.n_bytes))):
        lines = "\n".join(f"  - {fault}" for fault in faults[:20])
        raise RecordError(f"{path.name} would be refused by the service; it was not sent.\n{lines}")


def _hand_in(folder: RunFolder, ledger: Ledger, engine: Engine, row: JobRow, key: str, *, again: bool) -> None:
    """The call, after its intent. Where it certainly did nothing, its questions are free again."""
    shard = Shard(folder.shards / row.file, row.sha256, row.url, row.model, row.n_requests, row.n_bytes, row.n_tokens)
    try:
        try:
            job_id = engine.submit(shard, key)
        except UndecidedError as error:
            if not again or not isinstance(engine, MakesAnew):
                raise
            note = f"shard {row.number}: made anew on demand, and paid twice if it was made before: {error}"
            ledger.note_event(folder.name, "submit", note)
            job_id = engine.submit_anew(shard, key)
    except EngineError as error:
        if row.unsent and not engine.may_know(key):
            ledger.withdraw_intent(row.shard_id, f"not handed in: {error}")
            ledger.note_event(folder.name, "submit", f"shard {row.number} was not handed in: {error}")
        else:
            ledger.note_doubt(row.shard_id, str(error))
        raise
    ledger.note_submitted(row.shard_id, job_id)
    ledger.note_event(folder.name, "submit", f"shard {row.number}: {job_id}")
    look_after(folder, ledger, engine, replace(row, job_key=key, job_id=job_id))


def settle_doubt(folder: RunFolder, ledger: Ledger, engine: Engine, row: JobRow) -> None:
    """Look for the job of a shard whose handing in is in doubt; where it is not to be found, `submit` goes on."""
    if not isinstance(engine, MakesAnew):
        return  # it answers within `submit`, which knows what it did
    try:
        job_id = engine.find(row.job_key or "")
    except UnreachableError as error:
        ledger.note_doubt(row.shard_id, str(error))
        return
    if job_id:
        ledger.note_submitted(row.shard_id, job_id)
        ledger.note_event(folder.name, "collect", f"shard {row.number}: {job_id} was found")
        look_after(folder, ledger, engine, replace(row, job_id=job_id))


def look_after(folder: RunFolder, ledger: Ledger, engine: Engine, row: JobRow) -> None:
    """Ask how a job stands and note it. A service that does not answer leaves the last state, and that is said."""
    assert row.job_id is not None  # the caller chose submitted jobs only
    try:
        state = engine.poll(row.job_id)
    except UnreachableError as error:
        ledger.note_doubt(row.shard_id, f"{UNREACHED}: {error}")
        return
    if state.again and _may_wait(ledger, state, row):
        note = "no room yet: too many tokens wait at the service" if state.full else "the service did not find its file"
        ledger.release_job(row.shard_id, f"{note}; submit hands it in again")
        ledger.note_event(folder.name, "wait", f"shard {row.number}: {row.job_id}: {state.faults[0].message}")
        return
    if state.faults and state.state in ENDED:
        state = replace(state, note=say_refusal(folder, ledger, row, state.faults))
    ledger.note_state(row.shard_id, state)


def _may_wait(ledger: Ledger, state: JobState, row: JobRow) -> bool:
    """Whether waiting helps: not where nothing else waits and the shard has more tokens than the service lets wait."""
    if not state.full:
        return row.attempt < _N_LOST
    alone = ledger.enqueued(row.model, apart_from=row.shard_id) == 0
    return state.ceiling is None or row.n_tokens <= state.ceiling or not alone
