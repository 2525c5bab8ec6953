"""Whether a batch was made, by the service's own list: found, not there, or not to be told.

The whole list is read, in whatever order it is given, and no clock is asked. The search ends before the end of the list
only at a batch of the job that did not fail: any one of them answers the shard, and all of them are paid alike, so that
an older one further on would change nothing. That a batch is not there is believed of a list only that was read to its
end and shows, of each of its batches, something by which the job's own would be known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
