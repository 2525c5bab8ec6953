"""Whether a batch was made, by the service's own list: found, not there, or not to be told.

The whole list is read, in whatever order it is given, and no clock is asked. The search ends before the end of the list
only at a batch of the job that did not fail: any one of them answers the shard, and all of them are paid alike, so that
an older one further on would change nothing. That a batch is not there is believed of a list only that was read to its
end and shows, of each of its batches, something by which the job's own would be known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from codebook.engines.service.client import Client
from codebook.engines.service.objects import Batch, read_batch
from codebook.errors import EngineError, UnreachableError

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
    reading, page = _Reading(wanted), dict[str, Any]()
    for _ in range(N_PAGES):
        try:
            page = client.ask(
                "list of batches", client.sdk.batches.with_raw_response.list, limit=N_A_PAGE, **reading.cursor
            ).found
        except EngineError as error:
            if isinstance(error, UnreachableError) or not error.status:
                raise
            return Found(doubt=f"the service shows no list of batches (status {error.status})")
        if (found := reading.take(page)) is not None:
            return found
    return Found(doubt=f"its list is longer than {N_PAGES * N_A_PAGE:,} batches")


class _Reading:
    """The pages of a list as they are read."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted, self.cursor = wanted, dict[str, Any]()
        self.seen, self.n_blind, self.failed = set[str](), 0, None

    failed: Batch | None

    def take(self, page: Mapping[str, Any]) -> Found | None:
        """Take in a page; return what came of the search if it is at its end."""
        entries, more = page.get("data"), page.get("has_more")
        if not isinstance(entries, list):
            return Found(doubt="its list of batches has an unknown form")
        batches = [read_batch(entry if isinstance(entry, Mapping) else {}) for entry in entries]
        for batch in batches:
            mine = self.wanted.is_mine(batch)
            if mine and batch.status != "failed":
                return Found(batch)
            self.failed = batch if mine else self.failed
            self.n_blind += mine is None
        names = {batch.batch_id for batch in batches}
        advances = bool(names - self.seen)
        self.seen |= names
        if more in (False, "false") or (more is None and not batches):
            return self._end()
        if not advances or not batches[-1].batch_id:
            return Found(doubt="the pages of its list do not advance")
        self.cursor = {"after": batches[-1].batch_id}
        return None

    def _end(self) -> Found:
        """What a list says that was read to its end."""
        if self.n_blind:
            return Found(doubt=f"{self.n_blind:,} batches of its list show neither metadata nor their input file")
        if self.wanted.others and not self.wanted.others & self.seen:
            return Found(doubt="its list shows none of the batches that were made before")
        return Found(self.failed)
