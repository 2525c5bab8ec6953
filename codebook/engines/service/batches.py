"""What a batch object of a service says, as a state of the kit, and what its refusals mean."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from codebook.engines.service.objects import Batch
from codebook.errors import EngineError
from codebook.records import JobState, LineFault

DAY_S = 86_400
_DOUBTFUL = frozenset({408, 409, 499})
"""Statuses of refusals after which something may have been done all the same."""
_EARLY = frozenset({423, 425})
"""Statuses with which a service says that something is not ready."""
_MISSING = re.compile(r"\bfind\b|not (be |been )?found|no .{0,20}found|no such file|not exist", re.IGNORECASE)
_UNREADY = re.compile(
    r"(must be|not( yet| been| be fully| fully| in| the| a)*|still( being)?|is( being)?|until it is|before it is)"
    r" ['`\"]?(process(ed|ing)|pending|uploading)|not( yet)? (ready|available)|['`\"]pending['`\"]",
    re.IGNORECASE,
)


def describe_batch(batch: Batch, file_days: int, hide: Callable[[str], str]) -> JobState:
    """Return what a batch object says, whatever it leaves out: an unknown status is kept, missing counts are 0.

    `hide` takes the API key out of messages.
    """
    faults = tuple(replace(fault, message=hide(fault.message)) for fault in batch.faults)
    full = any(fault.code == "token_limit_exceeded" for fault in faults)
    whole = (fault.message for fault in faults if not fault.line)
    return JobState(
        state=batch.status or "unknown",
        n_total=batch.n_total or 0,
        n_done=batch.n_done or 0,
        n_failed=batch.n_failed or 0,
        note=_note(batch, file_days),
        expires_at=_iso(batch.expires_at),
        faults=faults,
        queued_s=_span(batch.created_at, batch.began_at),
        worked_s=_span(batch.began_at, batch.ended_at),
        again=full or any(misses_file(message) or awaits_file(message) for message in whole),
        full=full,
        ceiling=_read_ceiling(faults),
    )


def misses_file(message: str) -> bool:
    """Whether a message says that the input file cannot be found.

    Examples
    --------
    >>> misses_file("Cannot find file file-abc, or you lack access."), misses_file("The input file is empty.")
    (True, False)
    """
    return "file" in message.lower() and bool(_MISSING.search(message))


def awaits_file(message: str) -> bool:
    """Whether a message says that the input file is there but cannot be used yet.

    Examples
    --------
    >>> awaits_file("Input file file-abc must be processed before it can be used."), awaits_file("file_not_ready")
    (True, True)
    >>> awaits_file("The file could not be processed: line 3"), awaits_file("Cannot find file file-abc.")
    (False, False)
    """
    return "file" in message.lower() and bool(_UNREADY.search(message.replace("_", " ")))


def is_early(error: EngineError) -> bool:
    """Whether a batch was refused since its input file cannot be used yet."""
    return error.status in _EARLY or awaits_file(error.words)


def did_nothing(error: EngineError) -> bool:
    """Whether a call that failed surely did nothing: it never left this machine, or the service refused it."""
    refused = 400 <= error.status < 500 or error.status == 501
    return error.unsent or (refused and error.status not in _DOUBTFUL)


def _note(batch: Batch, file_days: int) -> str:
    if batch.faults:
        return ""  # the run says which units they are about
    until = _iso(batch.ended_at + file_days * DAY_S)[:10] if batch.ended_at else ""
    return f"the service keeps its files until {until}" if until else ""


def _span(start: float | None, end: float | None) -> float | None:
    """Seconds between two times of a service, or None where one of them is not known."""
    return max(0.0, end - start) if start and end else None


def _read_ceiling(faults: tuple[LineFault, ...]) -> int | None:
    """Return the number of tokens that may wait at a time, as the message of a refusal names it.

    Examples
    --------
    >>> _read_ceiling((LineFault("token_limit_exceeded", "Limit: 90,000 enqueued tokens."),))
    90000
    """
    matches = (re.search(r"[Ll]imit:?\s+([\d,]+)\s+enqueued", fault.message) for fault in faults)
    return next((int(match[1].replace(",", "")) for match in matches if match), None)


def _iso(seconds: float | None) -> str:
    """A time as text; empty where it is unknown, or no time that there is."""
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds") if seconds else ""
    except (ValueError, OverflowError, OSError):
        return ""
