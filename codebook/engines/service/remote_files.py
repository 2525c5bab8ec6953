"""Files of a service, streamed to disk and checked: a file that is cut short is never taken for a whole one.

The result files of a batch are looked for again where they are late, and given up only after several looks.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from hashlib import sha256
from json import loads
from pathlib import Path
from time import sleep, time
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from codebook.engines.protocol import Remark
from codebook.engines.service.client import Client
from codebook.engines.service.objects import Batch, is_page, read_date, read_file
from codebook.errors import CutShortError, EngineError, GoneError, UnreachableError
from codebook.files.digests import damaged, read_json
from codebook.files.lines import digest, iter_lines, write_json
from codebook.ground.quantities import say_count

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


_PAUSES_S = (0.5, 2.0, 5.0)
_BLOCK = 1 << 20
_SIGN = b'"custom_id"'
"""What stands in every result file."""


class Arrived(NamedTuple):
    """What was written to disk: how many bytes, their digest, and whether the last line is whole."""

    n_bytes: int
    digest: bytes
    whole: bool

    def differs(self, stated: int | None) -> str:
        """Say in what it is not the file that the service states; empty where it is."""
        if stated:
            return "" if stated == self.n_bytes else f"{self.n_bytes:,} of {stated:,} bytes arrived"
        return "" if self.whole else f"{self.n_bytes:,} bytes arrived, and the last line is cut short"


class Download(NamedTuple):
    """A file on disk; `doubt` is in what it is not the file that the service states, `short` whether lines may miss."""

    path: Path
    doubt: str = ""
    short: bool = False


def download(client: Client, file_id: str, target: Path, *, trusting: bool = False) -> Download:
    """Stream a file to disk; it gets its name only when nothing says that a part of it is missing.

    Where the service states another size, the file is taken if the same bytes came twice in a row and end with a whole
    line; with `trusting` (it was looked for often enough) also if they do not.

    Raises
    ------
    GoneError
        The service does not have the file.
    CutShortError
        It was cut short each time.
    UnreachableError
        The service does not answer.
    """
    part, before = target.with_name(f".{target.name}.part"), None
    error = UnreachableError("")
    try:
        for pause_s in (*_PAUSES_S, 0.0):
            try:
                stated = _find_size(client, file_id)
                arrived, at = client.call(f"file {file_id}", _stream, client, file_id, part)
            except UnreachableError as caught:
                error, before = caught, None
            else:
                doubt = arrived.differs(stated)
                if not doubt or (arrived == before and (arrived.whole or trusting)):
                    part.replace(target)
                    short = not arrived.whole or arrived.n_bytes < (stated or 0)
                    return Download(target, doubt and f"file {file_id}: {doubt}", short)
                error, before = CutShortError(f"file {file_id}: {doubt}. Nothing is lost; collect again."), arrived
                error.at = at
            sleep(pause_s)
        raise error
    finally:
        part.unlink(missing_ok=True)


def _find_size(client: Client, file_id: str) -> int | None:
    """The size that the service states, if it does; some do not tell of files that they have."""
    try:
        about = client.ask(f"file {file_id}", client.sdk.files.with_raw_response.retrieve, file_id)
    except EngineError as error:
        if isinstance(error, UnreachableError) or not error.status:
            raise
        return None
    return read_file(about.body).n_bytes or None


def _stream(client: Client, file_id: str, part: Path) -> tuple[Arrived, float | None]:
    """Write a file's bytes to disk; with what arrived, when that was by the service's clock."""
    hashed, n_bytes, tail, signed = sha256(), 0, b"", False
    with client.sdk.files.with_streaming_response.content(file_id) as response, part.open("wb") as file:
        at = read_date(response.headers)
        for block in _check_blocks(response.iter_bytes(_BLOCK), dict(response.headers), file_id):
            n_bytes += file.write(block)
            hashed.update(block)
            tail += block
            signed = signed or _SIGN in tail
            tail = tail.rpartition(b"\n")[2]
        file.flush()
        os.fsync(file.fileno())
    if n_bytes and not signed:
        gone = GoneError(f"file {file_id}: what came in its place is no file of results.")
        gone.at = at
        raise gone
    return Arrived(n_bytes, hashed.digest(), _is_whole(tail)), at


def _check_blocks(blocks: Iterator[bytes], headers: dict[str, str], file_id: str) -> Iterator[bytes]:
    """Pass on the blocks of a file, unless the first of them is a web page's."""
    for number, block in enumerate(blocks):
        if not number and is_page(block, headers):
            raise UnreachableError(
                f"file {file_id}: a web page came instead of it, as from a login page or a proxy. "
                "Nothing is lost; collect again later."
            )
        yield block


def _is_whole(tail: bytes) -> bool:
    """Whether what stands behind the last line end is nothing, or a line of its own."""
    try:
        return not tail.strip() or isinstance(loads(tail), dict)
    except (ValueError, RecursionError):
        return False


class Fetcher:
    """Fetches the result files of batches.

    Attributes
    ----------
    remarks
        What is to be said of the files that were fetched last, by job.
    """

    def __init__(self, client: Client, notes: NoteBook) -> None:
        self.client, self.notes = client, notes
        self.remarks: dict[str, list[Remark]] = {}

    def fetch(self, job_id: str, batch: Batch, into: Path) -> list[Path]:
        """Download the result files of an ended batch into a folder, as far as they are there.

        Raises
        ------
        UnreachableError
            The service does not answer, or does not have a file yet.
        GoneError
            The file with the answers is gone, or was never named, and no other is there.
        """
        into.mkdir(parents=True, exist_ok=True)
        files = {"output": batch.output_file_id, "errors": batch.error_file_id}
        answers = "output" if batch.output_file_id else "errors"  # some services write both into one
        paths, self.remarks[job_id] = list[Path](), list[Remark]()
        for name, file_id in files.items():
            if file_id and (file := self._fetch_file(job_id, file_id, into / f"{name}.jsonl", paid=name == answers)):
                paths.append(file.path)
        self._check_counts(job_id, batch, paths)
        if (batch.output_file_id or batch.n_done) and not paths:
            raise GoneError(" ".join(remark.words for remark in self.remarks[job_id]))
        return paths

    def _check_counts(self, job_id: str, batch: Batch, paths: list[Path]) -> None:
        """Look again for answers that a batch counts where it names no file of them: they were paid."""
        if batch.output_file_id or not batch.n_done:
            return
        n_lines = sum(1 for path in paths for _ in iter_lines(path))
        if n_lines < batch.n_done + (batch.n_failed or 0):
            words = f"Batch {job_id} has ended, counts {say_count(batch.n_done, 'answer')} and names no file of answers"
            self.check_gone(job_id, "answers", f"{words}: collect again in a few minutes.", batch.seen_at)
            self.remarks[job_id].append(Remark(f"{words}.", incomplete=True))

    def _fetch_file(self, job_id: str, file_id: str, target: Path, *, paid: bool) -> Download | None:
        """Download a result file, or as much as there is of it; what is missing, and whether it was paid, is noted."""
        try:
            file = download(self.client, file_id, target)
        except (GoneError, CutShortError) as error:
            message = f"The job has ended, but its file is not there yet: collect again in a few minutes ({error})"
            self.check_gone(job_id, file_id, message, error.at)
            if isinstance(error, GoneError):
                self.remarks[job_id].append(Remark(f"{error} It is gone.", incomplete=paid))
                return None
            file = download(self.client, file_id, target, trusting=True)
        if file.doubt:
            self.remarks[job_id].append(Remark(f"{file.doubt}; whole lines were taken", paid and file.short))
        return file

    def check_gone(self, job_id: str, name: str, message: str, at: float | None) -> None:
        """Note that a batch, or a file of it, was looked for in vain.

        Raises
        ------
        UnreachableError
            With what is `said`: it was looked for too seldom, or too shortly, to be gone.
        """
        note = self.notes.find(job_id)
        if note is None:
            raise UnreachableError(f"{message} To mend: check that the key is that of the job's project.") from None
        if not self.notes.note_miss(note, name, at):
            raise UnreachableError(message) from None
