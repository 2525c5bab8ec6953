"""Work on many jobs, each by itself: what one of them meets is kept and told at the end, and ends nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from codebook.errors import CodebookError, EngineError, RunError, UnreachableError
from codebook.ledger import JobRow


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
