"""Notes on jobs at a service: written before a call, so that a crash leaves a trace of what may have been done."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from time import time

from pydantic import BaseModel, ConfigDict, ValidationError

from codebook.files.digests import damaged, read_json
from codebook.files.lines import digest, write_json

LOOKS, GRACE_S = 3, 15 * 60
"""A thing that a service does not find is gone when it was missed in so many looks, over so many seconds."""


class Miss(BaseModel):
    """How often a thing was not found, and when first: by the service's clock (0: it did not say), and by ours."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    n: int = 0
    at: float = 0
    here: float = 0


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
        When the service was first asked to make the batch, by this machine's clock; from then on there may be one.
    missed
        What the service was asked for in vain: the batch or a file of it, by its name.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    job_key: str
    sha256: str = ""
    key_name: str = ""
    file_id: str = ""
    batch_id: str = ""
    asked_at: float = 0
    missed: dict[str, Miss] = {}


class NoteBook:
    """The notes of an engine, a file for each job."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._keys: dict[str, str] = {}

    def _path(self, job_key: str) -> Path:
        return self.folder / f"note-{digest(job_key)[:24]}.json"

    def read(self, job_key: str) -> Note | None:
        """Return what is noted of a job, or None."""
        path = self._path(job_key)
        return _read(path) if path.is_file() else None

    def write(self, note: Note) -> Note:
        """Write a note to disk, all or nothing, and return it."""
        write_json(self._path(note.job_key), note.model_dump())
        return note

    def __iter__(self) -> Iterator[Note]:
        return (_read(path) for path in self.folder.glob("note-*.json"))

    def find(self, batch_id: str) -> Note | None:
        """Return the note on the job with this batch, or None."""
        if batch_id not in self._keys:
            self._keys |= {note.batch_id: note.job_key for note in self if note.batch_id}
        return self.read(self._keys[batch_id]) if batch_id in self._keys else None

    def note_miss(self, note: Note, name: str, at: float | None) -> bool:
        """Note that the service did not find a thing; say whether it counts as gone.

        One look never decides, nor does a clock that jumps: times are compared by the service's own clock (`at`) where
        it tells, and what was looked for too seldom is not gone, however late it is.
        """
        here = time()
        first = note.missed.get(name) or Miss(at=at or 0, here=here)
        passed_s = at - first.at if at and first.at else here - first.here
        if passed_s < 0:  # a clock was put back: from here on
            first, passed_s = first.model_copy(update={"at": at or 0, "here": here}), 0
        miss = first.model_copy(update={"n": first.n + 1})
        self.write(note.model_copy(update={"missed": {**note.missed, name: miss}}))
        return miss.n >= LOOKS and passed_s >= GRACE_S

    def note_found(self, note: Note, name: str) -> None:
        """Forget that a thing was missed before."""
        if name in note.missed:
            left = {other: miss for other, miss in note.missed.items() if other != name}
            self.write(note.model_copy(update={"missed": left}))


def _read(path: Path) -> Note:
    try:
        return Note.model_validate(read_json(path))
    except ValidationError as error:
        raise damaged(path, error.errors()[0]["msg"], "restore it from a backup") from None
