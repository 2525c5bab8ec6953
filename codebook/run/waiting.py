"""Wait for a run to end: a loop with pauses that grow, bounded, and safe to interrupt at any moment."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from time import monotonic, sleep

from codebook.errors import BudgetError, BusyError, PendingError, RunError, UnreachableError
from codebook.ledger import Ledger
from codebook.records import Service
from codebook.run.folder import RunFolder
from codebook.run.notices import announce, tell
from codebook.run.state import RunStatus
from codebook.run.verbs import Run

GROWTH = 1.5
JITTER = 0.2
"""Pauses are drawn from this share around their length, so that many clients do not call in step."""


def wait(run: Run, *, service: Service | None = None, out: Callable[[str], object] = print) -> RunStatus:
    """Send what waits for room and collect what ended, until no answer is outstanding; then notify.

    An interruption (Ctrl-C, a closed laptop) stops the waiting, never the jobs: come back with `collect` or `wait`.

    Parameters
    ----------
    service
        How often to look, and for how long (`poll_s`, `max_wait_hours`), and of what a person is told; as it was where
        not given.
    out
        Is told how far all of it is, in a line, whenever that has changed; at the end, how the run stands.

    Raises
    ------
    PendingError
        Answers are outstanding after `max_wait_hours`.
    BudgetError
        The cap keeps shards from being sent, and everything that was sent has ended.

    Examples
    --------
    >>> import codebook as cb
    >>> status = cb.wait(cb.open_run("topics"))
    [####################] done 12 of 12
    Run topics: embedded, embedded-use-minilm-2
      topic: 12 asked = 12 labelled
      ...
    """
    run._heed(service)
    pace = run.service
    end, last_line, doubts_said = monotonic() + pace.max_wait_hours * 3600, "", set[str]()
    pauses = _pauses(*pace.poll_s)
    try:
        while True:
            status, refused, doubts = _step(run)
            for doubt in sorted(doubts - doubts_said):  # what stays as it was is not told at each look
                out(doubt)
            doubts_said = doubts
            if (line := status.progress) != last_line:
                last_line, pauses = line, _pauses(*pace.poll_s)
                out(line)
            if status.done:
                _end(run, status, out)
                return status
            if refused and not any(job.running for job in status.jobs):
                raise _told(run, "cap", refused, out)
            if idle := _find_idle(run, status):
                raise _told(run, "pending", _say_idle(run, status, idle), out)
            if monotonic() > end:
                words = (
                    f"Run {run.name!r} is not done after {pace.max_wait_hours:g} hours. Nothing is lost; wait again."
                )
                raise _told(run, "pending", PendingError(words), out)
            sleep(next(pauses))
    except KeyboardInterrupt:
        out(f"Stopped waiting. Jobs of {run.name} go on at the service; `codebook collect {run.name}` fetches them.")
        raise


def _end(run: Run, status: RunStatus, out: Callable[[str], object]) -> None:
    """Say how the run stands, and tell it where `collect` did not: whoever waited may be away."""
    with Ledger(run.folder.ledger_path) as ledger:
        late = announce(ledger, status, run.service.notify)
    for line in (*late, str(status)):
        out(line)


def _told(run: Run, occasion: str, error: RunError, out: Callable[[str], object]) -> RunError:
    """An error that ends the waiting, after a person was told of it."""
    if occasion in run.service.notify and (notice := tell(f"codebook: run {run.name} is not done", str(error))):
        out(notice)
    return error


def _say_idle(run: Run, status: RunStatus, idle: Sequence[str]) -> PendingError:
    return PendingError(
        f"Run {run.name!r} waits for {status.n_pending:,} answers to questions of {' and '.join(idle)}, "
        "and nobody is at work there. Nothing is lost. To mend: "
        f"`codebook submit {idle[0]}`, or `codebook cancel {idle[0]}` and `codebook retry {run.name}`."
    )


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
    """Send and collect once; why a service cannot be asked is told and tried again, a cap is kept for the end.

    With it comes what else is to be told: why answers are outstanding, and what came of notices.
    """
    refused, doubts = None, set[str]()
    run.notices = ()
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
    reasons = {why for why in status.reasons if not any(why.partition(": ")[2] in doubt for doubt in doubts)}
    return status, refused, doubts | reasons | {*run.notices}


def _pauses(first_s: float, longest_s: float) -> Iterator[float]:
    pause_s = first_s
    while True:
        yield pause_s * random.uniform(1 - JITTER, 1 + JITTER)
        pause_s = min(longest_s, pause_s * GROWTH)
