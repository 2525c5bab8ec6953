"""What a batch object of a service says, as a state of the kit, and what its refusals mean.

Whether a batch was made is said by the service's own list (`find_batch`): found, not there, or not to be told. The
whole list is read, in whatever order it is given, and no clock is asked. The search ends before the end of the list
only at a batch of the job that did not fail: any one of them answers the shard, and all of them are paid alike, so that
an older one further on would change nothing. That a batch is not there is believed of a list only that was read to its
end and shows, of each of its batches, something by which the job's own would be known.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

from codebook.engines.service.client import Client
from codebook.engines.service.objects import Batch, read_batch
from codebook.errors import EngineError, UnreachableError
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


KEY_FIELD = "codebook_job"
"""The field of a batch's metadata that holds the job key."""
N_PAGES, N_A_PAGE = 500, 100


@dataclass(frozen=True, slots=True)
class Wanted:
    """The job whose batch is looked for.

    Attributes
    ----------
    job_key
        Stands in the metadata of its batch.
    file_id
        The file that was uploaded for it, if known: the second evidence, where a service drops metadata.
    others
        Batches that are known to be other jobs', which may have the same file.
    """

    job_key: str
    file_id: str
    others: frozenset[str]

    def is_mine(self, batch: Batch) -> bool | None:
        """Whether a batch was made for this job; None where that cannot be told."""
        key = batch.metadata.get(KEY_FIELD)
        if not batch.batch_id:
            return None
        if key or batch.batch_id in self.others:
            return bool(key == self.job_key)
        if batch.input_file_id and self.file_id:
            return batch.input_file_id == self.file_id
        return False if batch.metadata else None


class Found(NamedTuple):
    """The batch of a job, if there is one; else why the list cannot say that there is none, empty where it can."""

    batch: Batch | None = None
    doubt: str = ""


def find_batch(client: Client, wanted: Wanted) -> Found:
    """Look for a job's batch in the list of the service.

    Raises
    ------
    UnreachableError
        The service does not answer now.
    """
    listing, failed, n_blind = Listing(client), None, 0
    for batch in listing:
        mine = wanted.is_mine(batch)
        if mine and batch.status != "failed":
            return Found(batch)
        failed = batch if mine else failed
        n_blind += mine is None
    if listing.doubt:
        return Found(doubt=listing.doubt)
    if n_blind:
        return Found(doubt=f"{n_blind:,} batches of its list show neither metadata nor their input file")
    if wanted.others and not wanted.others & listing.seen:
        return Found(doubt="its list shows none of the batches that were made before")
    return Found(failed)


def list_by_key(client: Client) -> dict[str, Batch]:
    """Return the batches of a service by the job keys in their metadata, as far as its list shows them.

    Raises
    ------
    UnreachableError
        The service does not answer now.
    """
    batches: dict[str, Batch] = {}
    for batch in Listing(client):
        key = batch.metadata.get(KEY_FIELD)
        if isinstance(key, str) and batch.batch_id and (key not in batches or batches[key].status == "failed"):
            batches[key] = batch
    return batches


class Listing:
    """The batches of a service, page by page, in its own order.

    Attributes
    ----------
    doubt
        Known after the last one: why there may be more than were shown; empty where those were all.
    seen
        The names of those that were shown.
    """

    def __init__(self, client: Client) -> None:
        self.client, self.doubt, self.seen = client, "", set[str]()

    def __iter__(self) -> Iterator[Batch]:
        cursor: dict[str, Any] = {}
        for _ in range(N_PAGES):
            page = self._ask(cursor)
            entries, more = page.get("data"), page.get("has_more")
            if self.doubt or not isinstance(entries, list):
                self.doubt = self.doubt or "its list of batches has an unknown form"
                return
            batches = [read_batch(entry if isinstance(entry, Mapping) else {}) for entry in entries]
            yield from batches
            names = {batch.batch_id for batch in batches}
            advances = bool(names - self.seen)
            self.seen |= names
            if more in (False, "false") or (more is None and not batches):
                return
            if not advances or not batches[-1].batch_id:
                self.doubt = "the pages of its list do not advance"
                return
            cursor = {"after": batches[-1].batch_id}
        self.doubt = f"its list is longer than {N_PAGES * N_A_PAGE:,} batches"

    def _ask(self, cursor: dict[str, Any]) -> dict[str, Any]:
        """A page; an empty one where the service has no list, which is the doubt then."""
        ask = self.client.sdk.batches.with_raw_response.list
        try:
            return self.client.ask("list of batches", ask, limit=N_A_PAGE, **cursor).body
        except EngineError as error:
            if isinstance(error, UnreachableError) or not error.status:
                raise
            self.doubt = f"the service shows no list of batches (status {error.status})"
            return {}
