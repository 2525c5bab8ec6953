"""Wait for a run to end: a loop with pauses that grow, bounded, and safe to interrupt at any moment."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from time import monotonic, sleep

from codebook.errors import BudgetError, BusyError, PendingError, UnreachableError
from codebook.ledger import Ledger
from codebook.run.folder import RunFolder
from codebook.run.state import RunStatus
from codebook.run.verbs import Run

GROWTH = 1.5
JITTER = 0.2
"""Pauses are drawn from this share around their length, so that many clients do not call in step."""


def wait(
    run: Run,
    *,
    hours: float = 48,
    first_s: float = 5,
    longest_s: float = 300,
    out: Callable[[str], object] = print,
) -> RunStatus:
    """Send what waits for room and collect what ended, until no answer is outstanding; then notify.

    An interruption (Ctrl-C, a closed laptop) stops the waiting, never the jobs: come back with `collect` or `wait`.

    Parameters
    ----------
    hours
        Give up waiting after so long.
    first_s, longest_s
        First pause between two looks, in seconds, and the longest; a change in the run makes it short again.
    out
        Is told each change.

    Raises
    ------
    PendingError
        Answers are outstanding after `hours`.
    BudgetError
        The cap keeps shards from being sent, and everything that was sent has ended.
    """
    from codebook.run.notices import notify

    end, said, told = monotonic() + hours * 3600, "", set[str]()
    pauses = _pauses(first_s, longest_s)
    try:
        while True:
            status, refused, doubts = _step(run)
            for doubt in sorted(doubts - told):  # what stays as it was is not told at each look
                out(doubt)
            told = doubts
            if str(status) != said:
                said, pauses = str(status), _pauses(first_s, longest_s)
                out(said)
            if status.done:
                notify(f"codebook: run {run.name} has ended", f"{status.sentence}")
                return status
            if refused and not any(job.running for job in status.jobs):
                raise refused
            if idle := _find_idle(run, status):
                raise PendingError(
                    f"Run {run.name!r} waits for {status.n_pending:,} answers to questions of {' and '.join(idle)}, "
                    "and nobody is at work there. Nothing is lost. To mend: "
                    f"`codebook submit {idle[0]}`, or `codebook cancel {idle[0]}` and `codebook retry {run.name}`."
                )
            if monotonic() > end:
                raise PendingError(f"Run {run.name!r} is not done after {hours:g} hours. Nothing is lost; wait again.")
            sleep(next(pauses))
    except KeyboardInterrupt:
        out(f"Stopped waiting. Jobs of {run.name} go on at the service; `codebook collect {run.name}` fetches them.")
        raise


def _find_idle(run: Run, status: RunStatus) -> list[str]:
    """The runs that are waited for, where all that is outstanding is theirs and none of them is under way."""
    if status.done or not all(job.collected for job in status.jobs):
        return []
    with Ledger(run.folder.ledger_path) as ledger:
        jobs = [row for name in status.waits_for for row in ledger.jobs(name) if row.open]
    if any(row.job_id for row in jobs) or any(_is_held(name) for name in status.waits_for):
        return []
    return list(status.waits_for)


def _is_held(name: str) -> bool:
    """Whether a process is at work on a run."""
    folder = RunFolder(name)
    if not folder.record_path.is_file():
        return False
    try:
        with folder.lock():
            return False
    except BusyError:
        return True


def _step(run: Run) -> tuple[RunStatus, BudgetError | None, set[str]]:
    """Send and collect once; why a service cannot be asked is told and tried again, a cap is kept for the end."""
    refused, doubts = None, set[str]()
    try:
        run.submit()
    except BudgetError as error:
        refused = error
    except UnreachableError as error:
        doubts.add(str(error))
    try:
        status = run.collect(partial=True)
    except UnreachableError as error:
        doubts.add(str(error))
        status = run.status()
    return status, refused, doubts


def _pauses(first_s: float, longest_s: float) -> Iterator[float]:
    pause_s = first_s
    while True:
        yield pause_s * random.uniform(1 - JITTER, 1 + JITTER)
        pause_s = min(longest_s, pause_s * GROWTH)
