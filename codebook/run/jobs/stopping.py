"""Stop what is under way: each job by itself, and where a service cannot be asked, given up if a person says so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from codebook.engines import Engine
from codebook.errors import CodebookError, EngineError, Fault, ParameterError, RunError
from codebook.ground.quantities import say_count
from codebook.ledger import JobRow, Ledger
from codebook.run.answers.harvest import settle_job
from codebook.run.folder import RunFolder
from codebook.run.jobs.fetching import Failure, keep_failure
from codebook.run.jobs.sending import look_after


def stop_shards(
    folder: RunFolder, ledger: Ledger, make_engine: Callable[[], Engine], shard: int, *, give_up: bool
) -> tuple[int, list[Failure]]:
    """Give up shards that were never sent and stop the running jobs; return how many those are, and what failed."""
    numbers = [row.number for row in ledger.jobs(folder.name)]
    if shard and shard not in numbers:
        there = Fault("shard", f"there is no shard {shard}", f"use one of {', '.join(map(str, numbers))}")
        raise ParameterError(f"Run {folder.name!r} cannot be stopped there.", [there])
    given_up = ledger.close_unsent(folder.name, shard)
    running = [row for row in _open_jobs(ledger, folder.name, shard) if not row.ended_at]
    failures = stop_jobs(folder, ledger, make_engine, running, give_up=give_up)
    if given_up or running:
        words = f"{given_up} shards were never sent, {len(running)} jobs were asked to stop"
        ledger.note_event(folder.name, "cancel", f"{words}, {len(failures)} could not be")
    return len(running), failures


def ended_jobs(ledger: Ledger, run: str, shard: int) -> list[JobRow]:
    """Jobs that had ended when they were last looked at, and are not collected."""
    return [row for row in _open_jobs(ledger, run, shard) if row.ended_at]


def _open_jobs(ledger: Ledger, run: str, shard: int) -> list[JobRow]:
    return [row for row in ledger.jobs(run) if row.open and shard in (0, row.number)]


def stop_jobs(
    folder: RunFolder, ledger: Ledger, make_engine: Callable[[], Engine], jobs: Sequence[JobRow], *, give_up: bool
) -> list[Failure]:
    """Ask the engine to stop these jobs, each by itself; return what could not be stopped.

    Parameters
    ----------
    make_engine
        Is called where there is a job to stop; what it raises counts for every job.
    give_up
        Give up the jobs that cannot be stopped, and those that were asked to stop before and have not ended.
    """
    failures: list[Failure] = []
    for row in jobs:
        with keep_failure(folder.name, row, failures):
            try:
                _stop(folder, ledger, make_engine(), row)
            except CodebookError as error:
                if not give_up:
                    raise
                give_up_job(folder, ledger, row, str(error))
                continue
            if give_up and row.state == "cancelling" and ledger.job(row.shard_id).open:
                give_up_job(folder, ledger, row, "it was asked to stop and did not end")
    return failures


def _stop(folder: RunFolder, ledger: Ledger, engine: Engine, row: JobRow) -> None:
    if job_id := row.job_id or settle_job(folder, ledger, engine, row):
        engine.cancel(job_id)
        look_after(folder, ledger, engine, replace(row, job_id=job_id))


def give_up_job(folder: RunFolder, ledger: Ledger, row: JobRow, reason: str) -> None:
    """Note that nobody waits for a job any more. Its questions are free; what it does may still be billed."""
    note = f"given up, and may still be billed: {reason}"
    if not ledger.give_up(row.shard_id, note):
        raise EngineError("it has ended meanwhile. To mend: collect the run.")
    ledger.note_event(folder.name, "give up", f"{name_job(row)}: {note}")


def name_job(row: JobRow) -> str:
    """A job as a message names it."""
    return f"shard {row.number}" + f" ({row.job_id})" * bool(row.job_id)


def give_up_lost(folder: RunFolder, shard: int = 0, *, give_up: bool) -> str:
    """Stop a run whose folder is gone, by the ledger alone; return what was done."""
    if not folder.ledger_path.is_file():
        raise RunError(f"There is no run {folder.name!r}: the project has no ledger.")
    with Ledger(folder.ledger_path) as ledger:
        if ledger.is_planned(folder.name) is None:
            raise RunError(f"The ledger knows no run {folder.name!r}. To mend: `codebook status` lists the runs.")
        n_unsent = ledger.close_unsent(folder.name, shard)
        jobs = [row for row in ledger.jobs(folder.name) if row.open and shard in (0, row.number)]
        if jobs and not give_up:
            raise RunError(
                f"The folder runs/{folder.name} is gone, so nobody can be asked to stop "
                f"{', '.join(map(name_job, jobs))}. To mend: name the folder so again, if you renamed it; "
                f"or plan the run again as it was, which finds them; or `codebook cancel {folder.name} --give-up`, "
                "though they may still be billed."
            )
        for row in jobs:
            give_up_job(folder, ledger, row, "the folder of its run is gone")
    unsent, given_up = say_count(n_unsent, "shard"), say_count(len(jobs), "job")
    return f"Never sent: {unsent} of run {folder.name}; given up: {given_up}."
