"""Answers through a Batch API: half the price, within a day, and nothing is paid twice.

What a job is stands in a note on disk before the service is called. A batch is made by one call that is never repeated
blindly: after any doubt the service's list is searched for the job's key, which stands in the batch's metadata.
"""

from __future__ import annotations

from contextlib import suppress
from itertools import islice, takewhile
from pathlib import Path
from time import sleep, time
from typing import TYPE_CHECKING, Any

from codebook.engines.base import Limits
from codebook.engines.service import Client, check_model, find_provider
from codebook.engines.service.batches import DAY_S, describe_batch, is_full, misses_file
from codebook.engines.service.download import download
from codebook.engines.service.notes import Note, NoteBook
from codebook.errors import EngineError, Fault, GoneError, ParameterError, UnreachableError
from codebook.records import JobState, Shard

if TYPE_CHECKING:
    from openai.types import Batch

KEY_FIELD = "codebook_job"
"""The field of a batch's metadata that holds the job key."""
_LISTED = 5_000
_FRESH_S = 15 * 60
_TRIES = 4


class OpenAIBatchEngine:
    """Hands shards to the Batch API of a provider.

    Parameters
    ----------
    folder
        Where the notes of its jobs lie.
    model
        The model to ask.
    provider, base_url
        Who is asked: a record of `codebook.engines.service.PROVIDERS` or of the project's `providers.yaml`, and its
        address where it has none of its own.
    pause_s
        Seconds between two looks at the service after a doubt, and the first pause before a call is repeated.

    Raises
    ------
    ParameterError
        No model, or a provider that is unknown or has no batches.
    """

    name = "openai_batch"

    def __init__(
        self,
        folder: Path,
        *,
        model: str = "",
        provider: str = "openai",
        base_url: str = "",
        pause_s: float = 2.0,
        progress: bool = False,
    ) -> None:
        self.provider = find_provider(provider, base_url)
        faults = check_model(model)
        if not self.provider.batches:
            faults.append(Fault("provider", f"{provider} has no Batch API", "use the engine openai_live"))
        if faults:
            raise ParameterError("The engine 'openai_batch' cannot be made like this.", faults)
        self.model, self.pause_s = model, pause_s
        self.client = Client(self.provider)
        self.notes = NoteBook(Path(folder))

    @property
    def limits(self) -> Limits:
        """What one batch may hold, and how much may wait at a time."""
        known, ceiling = self.provider, self.provider.enqueued(self.model)
        return Limits(known.n_requests, known.n_bytes, ceiling, n_enqueued=ceiling)

    # --- submit

    def submit(self, shard: Shard, job_key: str) -> str:
        """Upload a shard and make its batch; return the batch's id. The same key never makes a second batch.

        Raises
        ------
        UnreachableError
            The service does not answer; the job is as it was, repeat it later.
        EngineError
            The service refused the file or the batch.
        """
        if batch_id := self.find(job_key):
            return batch_id
        note = self.notes.read(job_key)
        if note is None or note.key_name != self.client.key_name:  # nothing was asked for with another key
            note = self._begin(shard, job_key)
        if not note.file_id:
            note = self._upload(shard, note)
        return self._create(shard, note)

    def _begin(self, shard: Shard, job_key: str) -> Note:
        """The first note of a job. One that is handed in again (its key ends in +) uses the file that is there."""
        note = Note(job_key=job_key, sha256=shard.sha256, key_name=self.client.key_name)
        earlier = self.notes.read(job_key[:-1]) if job_key.endswith("+") else None
        if earlier and (earlier.sha256, earlier.key_name) == (note.sha256, note.key_name):
            return note.model_copy(update={"file_id": earlier.file_id})
        return note

    def _upload(self, shard: Shard, note: Note) -> Note:
        """Upload a shard's file; a file that is left over after a crash costs nothing and expires."""
        days = {"anchor": "created_at", "seconds": self.provider.file_days * DAY_S}
        expiry: dict[str, Any] = {"expires_after": days} if self.provider.sets_expiry else {}
        with shard.path.open("rb") as file:  # an open file is streamed; a path or bytes would be held in memory
            made = self.client.call(
                f"upload of {shard.path.name}",
                self.client.sdk.files.create,
                file=(shard.path.name, file),
                purpose="batch",
                **expiry,
            )
        return self.notes.write(note.model_copy(update={"file_id": made.id, "batch_id": ""}))

    def _create(self, shard: Shard, note: Note) -> str:
        """Make the batch: one call at a time, each preceded by its intent and, after a doubt, by a look at the list."""
        for attempt in range(_TRIES):
            if attempt:
                sleep(self.pause_s * 2**attempt)
            note = self.notes.write(note.model_copy(update={"asked_at": note.asked_at or time()}))
            try:
                return self._note_batch(note, self._call_create(shard, note))
            except UnreachableError:
                if found := self.find(note.job_key):
                    return found
                if attempt == _TRIES - 1:
                    raise
            except EngineError as error:
                if not _names_file(error) or attempt == _TRIES - 1:
                    raise
                if attempt:  # the file is there but the service cannot see it: once more with the file, then anew
                    note = self._upload(shard, note)
        raise AssertionError("the loop returns or raises")

    def _call_create(self, shard: Shard, note: Note) -> Batch:
        days = {"anchor": "created_at", "seconds": self.provider.file_days * DAY_S}
        expiry: dict[str, Any] = {"output_expires_after": days} if self.provider.sets_expiry else {}
        once = self.client.sdk.with_options(max_retries=0)
        metadata = {KEY_FIELD: note.job_key, "codebook_shard": shard.path.name, "codebook_sha256": shard.sha256}
        window: Any = self.provider.window
        endpoint: Any = shard.url
        made: Batch = self.client.call(
            f"batch of {shard.path.name}",
            once.batches.create,
            input_file_id=note.file_id,
            endpoint=endpoint,
            completion_window=window,
            metadata=metadata,
            **expiry,
        )
        return made

    def _note_batch(self, note: Note, batch: Batch) -> str:
        self.notes.write(note.model_copy(update={"batch_id": batch.id, "made_at": float(batch.created_at)}))
        return batch.id

    # --- find, poll

    def find(self, job_key: str) -> str | None:
        """Return the batch made under this key: from the notes, else from the service's list; the oldest counts.

        Where one was asked for and nothing is known of it, the list is looked at twice.
        """
        note = self.notes.read(job_key)
        if note and note.batch_id:
            return note.batch_id
        if note and not note.asked_at:
            return None  # a batch was never asked for
        self._check_key(note, f"job {job_key}")
        for pause_s in (0.0, self.pause_s) if note else (0.0,):  # a list may lag behind what was just made
            sleep(pause_s)
            if found := self._search(job_key, note.asked_at - DAY_S if note else 0.0):
                return self._note_batch(note or Note(job_key=job_key, key_name=self.client.key_name), found)
        return None

    def _search(self, job_key: str, since: float) -> Batch | None:
        """The oldest batch in the list that was made under this key; one that failed only if there is no other."""
        found = self.client.call("list of batches", self._list, since)
        mine = [batch for batch in found if (batch.metadata or {}).get(KEY_FIELD) == job_key]
        return min(mine, key=lambda batch: (batch.status == "failed", batch.created_at), default=None)

    def _list(self, since: float) -> list[Batch]:
        """The newest batches, back to a time; the service lists the newest first."""
        listed = islice(self.client.sdk.batches.list(limit=100), _LISTED)
        return list(takewhile(lambda batch: batch.created_at >= since, listed))

    def poll(self, job_id: str) -> JobState:
        """Say how far a batch is.

        Raises
        ------
        UnreachableError
            The service does not answer, or the batch was made with another key: what was known of it still counts.
        """
        try:
            state = describe_batch(self._retrieve(job_id), self.provider.file_days, self.client.hide)
        except GoneError as error:
            note = self.notes.find(job_id)
            if note is None:
                raise UnreachableError(f"{error} To mend: check that the key is that of the job's project.") from None
            if time() - note.made_at < _FRESH_S:
                raise UnreachableError(f"{error} It is new: look again in a few minutes.") from None
            return JobState("failed", note=f"{error} What it finished was paid, but cannot be fetched any more.")
        if state.again and not is_full(state.faults) and (note := self.notes.find(job_id)):
            self.notes.write(note.model_copy(update={"file_id": ""}))  # next time it is uploaded anew
        return state

    def _retrieve(self, job_id: str) -> Batch:
        self._check_key(self.notes.find(job_id), f"batch {job_id}")
        return self.client.call(f"batch {job_id}", self.client.sdk.batches.retrieve, job_id)

    def _check_key(self, note: Note | None, what: str) -> None:
        """Refuse to look for a job with another key than it was made with: the service would say it is not there."""
        if note and note.key_name and note.key_name != self.client.key_name:
            raise UnreachableError(
                f"{what} was made with another API key (its name is {note.key_name}, that of the key set now is "
                f"{self.client.key_name}). Nothing is lost. To mend: set the key of then, {self.provider.key}."
            )

    # --- fetch, cancel, delete

    def fetch(self, job_id: str, into: Path) -> list[Path]:
        """Download both result files of an ended batch into a folder; a batch that never ran has none.

        Raises
        ------
        GoneError
            The service no longer has the answers.
        """
        batch = self._retrieve(job_id)
        into.mkdir(parents=True, exist_ok=True)
        output, errors = batch.output_file_id, batch.error_file_id
        fetched = [download(self.client, output, into / "output.jsonl")] if output else []
        try:
            fetched += [download(self.client, errors, into / "errors.jsonl")] if errors else []
        except GoneError:
            if not fetched:  # else the answers that were paid are kept, and questions without a line count as missing
                raise
        return fetched

    def cancel(self, job_id: str) -> None:
        """Ask the service to stop a batch; an ended one stays as it is. What is finished is kept, and paid."""
        try:
            self.client.call(f"cancel of {job_id}", self.client.sdk.batches.cancel, job_id)
        except EngineError:
            if not self.poll(job_id).ended:
                raise

    def delete_files(self, job_id: str) -> int:
        """Delete the files of a batch at the service; return how many. The answers must be on disk and checked."""
        batch = self._retrieve(job_id)
        deleted = 0
        for file_id in (batch.input_file_id, batch.output_file_id, batch.error_file_id):
            if file_id:
                with suppress(GoneError):
                    self.client.call(f"delete of {file_id}", self.client.sdk.files.delete, file_id)
                    deleted += 1
        return deleted


def _names_file(error: Exception) -> bool:
    """Whether a refusal says that the input file cannot be found."""
    return isinstance(error, GoneError) or misses_file(str(error))
