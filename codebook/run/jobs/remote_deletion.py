"""Delete what a service keeps of a run, job by job: what cannot be deleted now keeps nothing else there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from codebook.engines import Engine, KeepsFiles
from codebook.ledger import Ledger
from codebook.run.folder import RunFolder
from codebook.run.jobs.failures import Failure, keep_failure, raise_failures


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
