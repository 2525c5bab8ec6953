"""Notes on jobs at a service: written before a call, so that a crash leaves a trace of what may have been done."""

from __future__ import annotations

from pathlib import Path

import orjson
from pydantic import BaseModel, ConfigDict

from codebook.records import digest, write_atomic


class Note(BaseModel):
    """What is known of a job. Times are seconds since 1970; 0 is not yet.

    Attributes
    ----------
    job_key, sha256
        The job, and the digest of its shard.
    key_name
        What the API key is called (`name_key`); the key itself is never noted.
    file_id, batch_id
        The service's names of the uploaded shard and of the batch.
    asked_at
        When the service was first asked to make the batch; from then on there may be one.
    made_at
        When the batch was made.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    job_key: str
    sha256: str = ""
    key_name: str = ""
    file_id: str = ""
    batch_id: str = ""
    asked_at: float = 0
    made_at: float = 0


class NoteBook:
    """The notes of an engine, a file for each job."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def _path(self, job_key: str) -> Path:
        return self.folder / f"note-{digest(job_key)[:24]}.json"

    def read(self, job_key: str) -> Note | None:
        """Return what is noted of a job, or None."""
        path = self._path(job_key)
        return Note.model_validate_json(path.read_bytes()) if path.is_file() else None

    def write(self, note: Note) -> Note:
        """Write a note to disk, all or nothing, and return it."""
        with write_atomic(self._path(note.job_key)) as file:
            file.write(orjson.dumps(note.model_dump(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
        return note

    def find(self, batch_id: str) -> Note | None:
        """Return the note on the job with this batch, or None."""
        notes = (Note.model_validate_json(path.read_bytes()) for path in self.folder.glob("note-*.json"))
        return next((note for note in notes if note.batch_id == batch_id), None)
