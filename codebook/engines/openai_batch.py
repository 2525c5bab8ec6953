"""Answers through a Batch API: half the price, within a day, and nothing is paid twice.

What a job is stands in a note on disk before the service is called. A batch is made by one call that is never repeated
blindly: after any doubt the service's list is searched for the job's key, which stands in the batch's metadata, or for
its file. Where the list cannot say whether there is one, nothing is made, and that is said (`UndecidedError`). What a
service does not find is looked for again before it counts as gone (`NoteBook.note_miss`).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from time import sleep, time
from typing import Any, TypedDict, Unpack

from codebook.engines.protocol import About, Limits, Remark
from codebook.engines.service import ATTEMPTS, TIMEOUT_S, Client, check_model, find_provider
from codebook.engines.service.batches import (
    DAY_S,
    KEY_FIELD,
    Wanted,
    describe_batch,
    did_nothing,
    find_batch,
    is_early,
    list_by_key,
    misses_file,
)
from codebook.engines.service.objects import Batch, lacks_endpoint, read_batch, read_file
from codebook.engines.service.remote_files import Fetcher, Note, NoteBook
from codebook.errors import EngineError, Fault, GoneError, ParameterError, UndecidedError, UnreachableError
from codebook.records import JobState, Shard

_TRIES = 4


class CallSettings(TypedDict, total=False):
    """How the service is called; what each means stands at the engine."""

    pause_s: float
    timeout_s: float
    attempts: int


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
        Seconds between two looks at the service after a doubt, and the first pause before a call is repeated (2).
    timeout_s, attempts
        Seconds that an operation on the connection may take (120), and how often a call is made before it counts as
        failed (3). The call that makes a batch is never repeated without a look at the service's list.

    Raises
    ------
    ParameterError
        No model, a provider that is unknown or has no batches, or a number that is too small.
    """

    name = "openai_batch"
    about = About(charges=True, batch=True, at_once="openai_live")

    def __init__(
        self,
        folder: Path,
        *,
        model: str = "",
        provider: str = "openai",
        base_url: str = "",
        progress: bool = False,
        **calls: Unpack[CallSettings],
    ) -> None:
        self.provider = find_provider(provider, base_url)
        timeout_s, attempts = calls.get("timeout_s", TIMEOUT_S), calls.get("attempts", ATTEMPTS)
        numbers = {"timeout_s": timeout_s, "attempts": attempts}
        faults = [Fault(name, f"{n} is too small", "give 1 or more") for name, n in numbers.items() if n < 1]
        faults += check_model(model)
        if not self.provider.batches:
            faults.append(Fault("provider", f"{provider} has no Batch API", "use the engine openai_live"))
        ParameterError.raise_any("The engine 'openai_batch' cannot be made like this.", faults)
        self.model, self.pause_s = model, calls.get("pause_s", 2.0)
        self.client = Client(self.provider, timeout_s, attempts)
        self.notes = NoteBook(Path(folder))
        self.fetcher = Fetcher(self.client, self.notes)
        self._listed: dict[str, Batch] | None = None

    @property
    def answerer(self) -> str:
        """Who answers: the service, as of live calls."""
        return self.provider.answerer

    @property
    def limits(self) -> Limits:
        """What one batch may hold, and how much may wait at a time."""
        known, ceiling = self.provider, self.provider.enqueued(self.model)
        return Limits(known.n_requests, known.n_bytes, ceiling, n_enqueued=ceiling)

    # --- submit

    def check_ready(self) -> None:
        """Look for the key and the SDK.

        Raises
        ------
        MissingKeyError
            The provider's key is not set.
        MissingExtraError
            The SDK is not installed.
        """
        _ = self.client.sdk

    def may_know(self, job_key: str) -> bool:
        """Whether there may be a batch under this key, by the notes: one was asked for."""
        note = self.notes.read(job_key)
        return note is not None and bool(note.asked_at or note.batch_id)

    def submit(self, shard: Shard, job_key: str) -> str:
        """Upload a shard and make its batch; return the batch's id. The same key never makes a second batch.

        Raises
        ------
        UndecidedError
            A batch was asked for, and it cannot be told whether there is one; none was made again.
        UnreachableError
            The service does not answer; the job is as it was, repeat it later.
        EngineError
            The service refused the file or the batch.
        """
        if batch_id := self.find(job_key):
            return batch_id
        note = self.notes.read(job_key)
        # nothing was asked for with another key, nor with lines that were left out since
        if note is None or (note.key_name, note.sha256) != (self.client.key_name, shard.sha256):
            note = self._begin(shard, job_key)
        if not note.file_id:
            note = self._upload(shard, note)
        return self._create(shard, note)

    def submit_anew(self, shard: Shard, job_key: str) -> str:
        """Make the batch of a shard although there may be one: a person decided that. Else as `submit`."""
        note = self.notes.read(job_key)
        if note and not note.batch_id:
            self.notes.write(note.model_copy(update={"asked_at": 0}))
        return self.submit(shard, job_key)

    def _begin(self, shard: Shard, job_key: str) -> Note:
        """The first note of a job. One that is handed in again (its key ends in +) uses the file that is there."""
        note = Note(job_key=job_key, sha256=shard.sha256, key_name=self.client.key_name)
        earlier = self.notes.read(job_key[:-1]) if job_key.endswith("+") else None
        if earlier and (earlier.sha256, earlier.key_name) == (note.sha256, note.key_name):
            return note.model_copy(update={"file_id": earlier.file_id})
        return note

    def _upload(self, shard: Shard, note: Note) -> Note:
        """Upload a shard's file; a file that is left over after a crash costs nothing and expires."""
        what, files = f"upload of {shard.path.name}", self.client.sdk.files.with_raw_response
        days = {"anchor": "created_at", "seconds": self.provider.file_days * DAY_S}
        expiry: dict[str, Any] = {"expires_after": days} if self.provider.sets_expiry else {}
        try:
            with shard.path.open("rb") as file:  # an open file is streamed; a path or bytes would be held in memory
                made = self.client.ask(what, files.create, file=(shard.path.name, file), purpose="batch", **expiry)
        except EngineError as error:
            if lacks_endpoint(error.status, error.words):
                raise self.client.lacks("/files", error) from None
            raise
        if not (stored := read_file(made.body)).file_id:
            raise UnreachableError(f"{what}: the reply names no file. Nothing is lost; try again later.")
        return self.notes.write(note.model_copy(update={"file_id": stored.file_id, "batch_id": ""}))

    def _create(self, shard: Shard, note: Note) -> str:
        """Make the batch: one call at a time, each preceded by its intent and, after a doubt, by a look at the list."""
        for attempt in range(_TRIES):
            if attempt:
                sleep(self.pause_s * 2**attempt)
                if note.asked_at and (batch_id := self.find(note.job_key)):  # a list may lag for longer
                    return batch_id
            intent = self.notes.write(note.model_copy(update={"asked_at": note.asked_at or time()}))
            try:
                return self._note_batch(intent, self._call_create(shard, intent))
            except EngineError as error:
                if did_nothing(error):
                    note = self._go_on(shard, self.notes.write(note), error, attempt)
                    continue
                note = intent
                if batch_id := self.find(note.job_key):
                    return batch_id
                if attempt == _TRIES - 1 or not isinstance(error, UnreachableError):
                    raise
        raise AssertionError("the loop returns or raises")

    def _go_on(self, shard: Shard, note: Note, error: EngineError, attempt: int) -> Note:
        """As `_heed_refusal`; where the batch is refused for good, its file does not stay at the service."""
        try:
            return self._heed_refusal(shard, note, error, attempt)
        except UnreachableError:
            raise
        except EngineError:
            with suppress(EngineError):  # what stays, `delete_leftovers` deletes
                self._drop_file(note)
            raise

    def _drop_file(self, note: Note) -> int:
        """Delete the uploaded file of a job without a batch; return how many files were there."""
        n_deleted = self._delete(note.file_id)
        self.notes.write(note.model_copy(update={"file_id": ""}))
        return n_deleted

    def _delete(self, file_id: str) -> int:
        """Delete a file at the service; return 1, or 0 where it was there no more."""
        with suppress(GoneError):
            self.client.ask(f"delete of {file_id}", self.client.sdk.files.with_raw_response.delete, file_id)
            return 1
        return 0

    def _heed_refusal(self, shard: Shard, note: Note, error: EngineError, attempt: int) -> Note:
        """The note for the next try after the service made no batch, or the error that ends the tries."""
        last = attempt == _TRIES - 1
        if lacks_endpoint(error.status, error.words):
            raise self.client.lacks("/batches", error) from None
        if is_early(error):
            if last:
                raise UnreachableError(
                    f"batch of {shard.path.name}: the service has its file but has not processed it yet "
                    f"({error.words}). No batch was made, and nothing is lost. To mend: repeat it in some minutes "
                    "(submit, or submit --wait); the same upload is used."
                ) from None
            return note
        if misses_file(error.words) and not last:
            return self._upload(shard, note) if attempt else note  # once more with the same file, then anew
        if last or not isinstance(error, UnreachableError):
            raise error
        return note

    def _call_create(self, shard: Shard, note: Note) -> Batch:
        days = {"anchor": "created_at", "seconds": self.provider.file_days * DAY_S}
        expiry: dict[str, Any] = {"output_expires_after": days} if self.provider.sets_expiry else {}
        once = self.client.sdk.with_options(max_retries=0)
        metadata = {KEY_FIELD: note.job_key, "codebook_shard": shard.path.name, "codebook_sha256": shard.sha256}
        made = self.client.ask(
            f"batch of {shard.path.name}",
            once.batches.with_raw_response.create,
            input_file_id=note.file_id,
            endpoint=shard.url,
            completion_window=self.provider.window,
            metadata=metadata,
            **expiry,
        )
        batch = read_batch(made.body)
        if not batch.batch_id:
            raise UnreachableError(f"batch of {shard.path.name}: the reply names no batch.")
        return batch

    def _note_batch(self, note: Note, batch: Batch) -> str:
        self.notes.write(note.model_copy(update={"batch_id": batch.batch_id}))
        return batch.batch_id

    # --- find, poll

    def find(self, job_key: str) -> str | None:
        """Return the batch made under this key: from the notes, else from the service's list; None where there is none.

        Where one was asked for and nothing is known of it, the list is looked at twice, and must say twice that it is
        not there.

        Raises
        ------
        UndecidedError
            The list cannot say whether there is one.
        """
        note = self.notes.read(job_key)
        if note is None:
            return self._find_unnoted(job_key)
        if note.batch_id:
            return note.batch_id
        if not note.asked_at:
            return None  # a batch was never asked for
        self._check_key(note, f"job {job_key}")
        wanted, doubts = Wanted(job_key, note.file_id, self._others(job_key)), list[str]()
        for pause_s in (0.0, self.pause_s):  # a list may lag behind what was just made
            sleep(pause_s)
            outcome = find_batch(self.client, wanted)
            if outcome.batch:
                return self._note_batch(note, outcome.batch)
            doubts += [outcome.doubt] * bool(outcome.doubt)
        if doubts:
            raise UndecidedError(
                f"It is not known whether the batch was made (job {job_key}): {doubts[0]}. It was not made again. "
                "To mend: submit or collect later, which looks again; or decide to have it made anew, which pays twice "
                "if it was made: `codebook submit RUN --again`."
            )
        return None

    def _find_unnoted(self, job_key: str) -> str | None:
        """A batch of a job that is not noted here, such as after a loss of the notes. The list is read once for all."""
        if self._listed is None:
            self._listed = list_by_key(self.client)
        batch = self._listed.get(job_key)
        return self._note_batch(Note(job_key=job_key, key_name=self.client.key_name), batch) if batch else None

    def _others(self, job_key: str) -> frozenset[str]:
        """The batches that are known to have been made for other jobs with this key."""
        key_name = self.client.key_name
        noted = (note for note in self.notes if note.job_key != job_key and note.key_name == key_name)
        return frozenset(note.batch_id for note in noted if note.batch_id)

    def poll(self, job_id: str) -> JobState:
        """Say how far a batch is.

        Raises
        ------
        UnreachableError
            The service does not answer, or the batch was made with another key: what was known of it still counts.
        """
        try:
            batch = self._retrieve(job_id)
        except GoneError as error:
            message = f"{error} What it finished was paid, but cannot be fetched any more."
            return JobState("failed", note=message, lost=True)
        state = describe_batch(batch, self.provider.file_days, self.client.hide)
        if state.again and not state.full and (note := self.notes.find(job_id)):
            self.notes.write(note.model_copy(update={"file_id": ""}))  # next time it is uploaded anew
        return state

    def _retrieve(self, job_id: str) -> Batch:
        """The batch as the service shows it; one that it does not find counts as gone after several looks only."""
        note, retrieve = self.notes.find(job_id), self.client.sdk.batches.with_raw_response.retrieve
        self._check_key(note, f"batch {job_id}")
        try:
            answer = self.client.ask(f"batch {job_id}", retrieve, job_id)
        except GoneError as error:
            self.fetcher.check_gone(
                job_id, job_id, f"{error} It is not given up: look again in a few minutes.", error.at
            )
            raise
        if note:
            self.notes.note_found(note, job_id)
        return read_batch(answer.body, answer.at)

    def _check_key(self, note: Note | None, what: str) -> None:
        """Refuse to look for a job with another key than it was made with: the service would say it is not there."""
        if note and note.key_name and note.key_name != self.client.key_name:
            raise UnreachableError(
                f"{what} was made with another API key (its name is {note.key_name}, that of the key set now is "
                f"{self.client.key_name}). Nothing is lost. To mend: set the key of then, {self.provider.key}."
            )

    # --- fetch, cancel, delete

    def fetch(self, job_id: str, into: Path) -> list[Path]:
        """Download the result files of an ended batch into a folder; a batch that never ran has none.

        A file that the service does not find, or does not send whole, is looked for again by later calls. When that is
        over, what there is is returned, and `remarks` says what is missing.

        Raises
        ------
        UnreachableError
            The service does not answer, or does not have a file yet.
        GoneError
            The service no longer has the answers.
        """
        return self.fetcher.fetch(job_id, self._retrieve(job_id), into)

    def remarks(self, job_id: str) -> Sequence[Remark]:
        """What is to be said of the files that `fetch` got last."""
        return self.fetcher.remarks.get(job_id, ())

    def cancel(self, job_id: str) -> None:
        """Ask the service to stop a batch; an ended one stays as it is. What is finished is kept, and paid."""
        try:
            self.client.ask(f"cancel of {job_id}", self.client.sdk.batches.with_raw_response.cancel, job_id)
        except EngineError:
            if not self.poll(job_id).ended:
                raise

    def delete_files(self, job_id: str) -> int:
        """Delete the files of a batch at the service; return how many. The answers must be on disk and checked."""
        batch = self._retrieve(job_id)
        files = (batch.input_file_id, batch.output_file_id, batch.error_file_id)
        return sum(self._delete(file_id) for file_id in files if file_id)

    def delete_leftovers(self) -> int:
        """Delete files that were uploaded and of which no batch was asked for; return how many."""
        unused = [note for note in self.notes if note.file_id and not note.batch_id and not note.asked_at]
        of_this_key = [note for note in unused if note.key_name in ("", self.client.key_name)] if unused else []
        return sum(self._drop_file(note) for note in of_this_key)
