"""Ask how jobs stand, fetch and index those that ended, and delete what a service keeps: each job by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from codebook.engines import Engine, KeepsFiles
from codebook.errors import CodebookError, EngineError, RunError, UnreachableError
from codebook.ledger import JobRow, Ledger
from codebook.run.answers.harvest import harvest_job, heal_job
from codebook.run.folder import RunFolder
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


def delete_files(folder: RunFolder, ledger: Ledger, engine: Engine, older_than: timedelta = timedelta(0)) -> int:
    """Delete files at the service: of collected jobs, and those that became part of none; return how many.

    Parameters
    ----------
    older_than
        Only files of jobs that ended so long ago.

    Raises
    ------
    EngineError
        Some files could not be deleted; the others were.
    """
    failures, n_deleted = list[Failure](), 0
    if not isinstance(engine, KeepsFiles):
        return 0
    before = (datetime.now(UTC) - older_than).isoformat(timespec="milliseconds")
    for row in ledger.jobs(folder.name):
        too_young = older_than > timedelta(0) and (row.ended_at or row.collected_at or "") > before
        if row.job_id and row.collected_at and not too_young:
            with keep_failure(folder.name, row, failures):
                n_deleted += engine.delete_files(row.job_id)
    n_deleted += engine.delete_leftovers()
    ledger.note_event(folder.name, "delete", f"{n_deleted} files at the service")
    raise_failures(failures, f"{n_deleted} files were deleted, and some could not be. To mend: repeat it later.")
    return n_deleted


class Failure(NamedTuple):
    """What went wrong with a shard of a run."""

    run: str
    shard: int
    error: Exception


@contextmanager
def keep_failure(run: str, row: JobRow, failures: list[Failure]) -> Iterator[None]:
    """Put whatever goes wrong in the block to the failures; Ctrl-C passes."""
    try:
        yield
    except Exception as error:  # noqa: BLE001  told by raise_failures
        failures.append(Failure(run, row.number, error))


def raise_failures(failures: Sequence[Failure], summary: str = "") -> None:
    """Raise what went wrong, if anything did: the error itself where it is one, else one error that names them all.

    Parameters
    ----------
    summary
        What is said of them all; where it is given, one error is listed under it too.

    Raises
    ------
    UnreachableError
        All of them may be over later.
    EngineError
        All are an engine's, and may not be over.
    RunError
        They are not.
    """
    by_reason: dict[str, list[str]] = {}
    for run, shard, error in failures:
        by_reason.setdefault(say_error(error), []).append(f"{run!r} shard {shard}")
    if len(by_reason) == 1 and not summary:
        raise failures[0].error
    if by_reason:
        lines = [f"  - {', '.join(jobs)}: {reason}" for reason, jobs in by_reason.items()]
        message = (
            summary or f"{len(failures)} jobs could not be collected; all others are. Nothing is lost: collect again."
        )
        kinds = (UnreachableError, EngineError, RunError)
        kind = next(
            kind for kind in kinds if kind is RunError or all(isinstance(failure.error, kind) for failure in failures)
        )
        raise kind("\n".join([message, *lines])) from failures[0].error


def say_error(error: Exception) -> str:
    """An error in one line; one that the kit did not foresee, with its type."""
    return str(error) if isinstance(error, CodebookError) else f"{type(error).__name__}: {error}"
