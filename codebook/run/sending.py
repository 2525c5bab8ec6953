"""Shards go to the engine one by one: within the cap, within what may wait there, intent before call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from codebook.engines import Engine
from codebook.engines.service.batches import is_full, read_ceiling
from codebook.errors import EngineError, RecordError, UnreachableError
from codebook.ledger import JobRow, Ledger
from codebook.records import ENDED, JobState, Shard
from codebook.run.folder import RunFolder
from codebook.run.money import Meter
from codebook.run.refusals import say_refusal
from codebook.shards import Cuts, check_shard

_N_LOST = 2
"""How often a shard is handed in again whose file the service did not find."""
UNREACHED = "state as last seen"
"""How the note of a job begins whose service could not be asked."""


def send_shards(folder: RunFolder, ledger: Ledger, meter: Meter, make_engine: Callable[[], Engine]) -> None:
    """Hand every shard without a job to the engine, as far as there is room; the others wait for the next call.

    Raises
    ------
    BudgetError
        The next shard would cross the cap. What was sent before stays sent.
    EngineError
        The service refused, or cannot be reached. The shard can be handed in again.
    RecordError
        A shard is not as it was planned, or the service would refuse it.
    """
    rows = [row for row in ledger.jobs(folder.name) if row.job_id is None and row.collected_at is None]
    engine = make_engine() if rows else None
    for row in rows:
        assert engine is not None  # there are rows
        if has_room(ledger, engine, row):
            _send(folder, ledger, meter, engine, row)


def has_room(ledger: Ledger, engine: Engine, row: JobRow) -> bool:
    """Whether a shard may be handed in now, by the tokens that wait in the project's unfinished jobs."""
    ceiling, waiting = engine.limits.n_enqueued, ledger.enqueued(row.model, apart_from=row.shard_id)
    if ceiling is not None:
        return waiting == 0 or waiting + row.n_tokens <= ceiling
    return row.attempt == 0 or waiting == 0  # a ceiling was met that nobody stated: one at a time from here


def _send(folder: RunFolder, ledger: Ledger, meter: Meter, engine: Engine, row: JobRow) -> None:
    path = folder.shards / row.file
    folder.check_shard(path, row.sha256)
    if meter.charges and (faults := check_shard(path, Cuts(engine.limits.n_requests, engine.limits.n_bytes))):
        shown = "\n".join(f"  - {fault}" for fault in faults[:20])
        raise RecordError(f"{path.name} would be refused by the service; it was not sent.\n{shown}")
    shard = Shard(path, row.sha256, row.url, row.model, row.n_requests, row.n_bytes, row.n_tokens)
    fresh = row.job_key is None or row.state == "waiting"  # what waits is not reserved: others may have used its room
    reserved = meter.reserve(ledger, folder.name, path) if fresh else row.reserved_usd
    key = row.job_key or f"{folder.name}:{row.number}:{row.sha256[:32]}"
    if not ledger.intend_job(row.shard_id, key, engine.name):
        return  # another process cancelled the run meanwhile
    ledger.reserve(row.shard_id, reserved)
    try:
        job_id = engine.submit(shard, key)
    except EngineError as error:
        ledger.note_doubt(row.shard_id, str(error))
        raise
    ledger.note_submitted(row.shard_id, job_id)
    ledger.note_event(folder.name, "submit", f"shard {row.number}: {job_id}")
    look_after(folder, ledger, engine, replace(row, job_key=key, job_id=job_id))


def look_after(folder: RunFolder, ledger: Ledger, engine: Engine, row: JobRow) -> None:
    """Ask how a job stands and note it. A service that does not answer leaves the last state, and that is said."""
    assert row.job_id is not None  # the caller chose submitted jobs only
    try:
        state = engine.poll(row.job_id)
    except UnreachableError as error:
        ledger.note_doubt(row.shard_id, f"{UNREACHED}: {error}")
        return
    if state.again and _may_wait(ledger, state, row):
        full = is_full(state.faults)
        said = "no room yet: too many tokens wait at the service" if full else "the service did not find its file"
        ledger.release_job(row.shard_id, f"{said}; submit hands it in again")
        ledger.note_event(folder.name, "wait", f"shard {row.number}: {row.job_id}: {state.faults[0].message}")
        return
    if state.faults and state.state in ENDED:
        state = replace(state, note=say_refusal(folder, ledger, row, state.faults))
    ledger.note_state(row.shard_id, state)


def _may_wait(ledger: Ledger, state: JobState, row: JobRow) -> bool:
    """Whether waiting helps: not where nothing else waits and the shard has more tokens than the service lets wait."""
    if not is_full(state.faults):
        return row.attempt < _N_LOST
    ceiling = read_ceiling(state.faults)
    alone = ledger.enqueued(row.model, apart_from=row.shard_id) == 0
    return ceiling is None or row.n_tokens <= ceiling or not alone
