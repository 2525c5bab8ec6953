"""What a batch object of a service says, as a state of the kit: whatever it leaves out or adds."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from codebook.records import JobState, LineFault

if TYPE_CHECKING:
    from openai.types import Batch

DAY_S = 86_400


def describe_batch(batch: Batch, file_days: int, hide: Callable[[str], str]) -> JobState:
    """Return what a batch object says, whatever it leaves out: an unknown status is kept, missing counts are 0.

    `hide` takes the API key out of messages.
    """
    counts = batch.request_counts
    done, failed = (counts.completed or 0, counts.failed or 0) if counts else (0, 0)
    faults = tuple(
        LineFault(str(error.code or ""), hide(str(error.message or "")), error.line or 0)
        for error in (batch.errors.data or [] if batch.errors else [])
    )
    return JobState(
        state=str(batch.status).lower(),
        n_total=(counts.total or 0) if counts else 0,
        n_done=done,
        n_failed=failed,
        note=_note(batch, faults, file_days),
        expires_at=_iso(batch.expires_at),
        faults=faults,
        again=is_full(faults) or any(not fault.line and misses_file(fault.message) for fault in faults),
    )


def is_full(faults: tuple[LineFault, ...]) -> bool:
    """Whether a batch was sent back because too many tokens wait at the service."""
    return any(fault.code == "token_limit_exceeded" for fault in faults)


def misses_file(said: str) -> bool:
    """Whether a message says that the input file cannot be found.

    Examples
    --------
    >>> misses_file("Cannot find file file-abc, or you lack access."), misses_file("The input file is empty.")
    (True, False)
    """
    said = said.lower()
    return "file" in said and ("find" in said or "not exist" in said)


def _note(batch: Batch, faults: tuple[LineFault, ...], file_days: int) -> str:
    if faults:
        return ""  # the run says which units they are about
    ended = batch.completed_at or batch.expired_at or batch.cancelled_at
    return f"the service keeps its files until {_iso(ended + file_days * DAY_S)[:10]}" if ended else ""


def read_ceiling(faults: tuple[LineFault, ...]) -> int | None:
    """Return the number of tokens that may wait at a time, as the message of a refusal names it.

    Examples
    --------
    >>> read_ceiling((LineFault("token_limit_exceeded", "Limit: 90,000 enqueued tokens."),))
    90000
    """
    found = (re.search(r"[Ll]imit:?\s+([\d,]+)\s+enqueued", fault.message) for fault in faults)
    return next((int(match[1].replace(",", "")) for match in found if match), None)


def _iso(seconds: float | None) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds") if seconds else ""
