"""Ask how jobs stand, and fetch and index those that ended: each by itself, so that one keeps no other."""

from __future__ import annotations

from collections.abc import Callable

from codebook.engines import Engine
from codebook.ledger import Ledger
from codebook.run.answers.harvest import harvest_job, heal_job
from codebook.run.folder import RunFolder
from codebook.run.jobs.failures import Failure, keep_failure
from codebook.run.jobs.sending import look_after, settle_doubt
from codebook.run.money import Meter
from codebook.scheme import Codebook


def poll_shards(folder: RunFolder, ledger: Ledger, make_engine: Callable[[], Engine]) -> list[Failure]:
    """Ask the engine how each open job stands; where none is open, no engine is needed."""
    failures: list[Failure] = []
    rows = [row for row in ledger.jobs(folder.name) if row.open and row.job_id and not row.ended_at]
    if rows:
        engine = make_engine()
        for row in rows:
            with keep_failure(folder.name, row, failures):
                look_after(folder, ledger, engine, row)
    return failures


def fetch_shards(
    folder: RunFolder, codebook: Codebook, ledger: Ledger, make_engine: Callable[[], Engine], meter: Meter
) -> list[Failure]:
    """Fetch and index the jobs that ended, once it is settled which there are; return what could not be done."""
    failures: list[Failure] = []
    for row in ledger.jobs(folder.name):
        if row.state == "creating" and row.open:
            with keep_failure(folder.name, row, failures):
                settle_doubt(folder, ledger, make_engine(), row)
    failures += poll_shards(folder, ledger, make_engine)
    lost = ledger.lost_shards(folder.name)
    for row in ledger.jobs(folder.name):
        verb = heal_job if row.shard_id in lost else harvest_job if row.open and row.ended_at else None
        if row.job_id and verb:
            with keep_failure(folder.name, row, failures):
                verb(folder, codebook, ledger, make_engine(), row, meter)
    return failures
