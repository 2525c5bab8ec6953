"""What engines share that answer within `submit`: a job is files in the engine's folder, found again after a crash.

A job's files are `<job>.job.json` (what is asked, written first), `<job>.part.jsonl` (answers so far), `<job>.jsonl`
(all answers) and `<job>.cancel` (a wish to stop). Where answers stand in the shard's order, what is done is the number
of whole lines, and memory does not grow with them (`mend`); where they come in any order, what is done is the
custom_ids of the whole lines (`mend_unordered`).
"""

from __future__ import annotations

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from filelock import FileLock, Timeout
from tqdm import tqdm

from codebook.dialects.replies import open_line
from codebook.dialects.resultlines import read_pieces
from codebook.engines.protocol import About, Limits, error_line
from codebook.errors import BusyError, CodebookError, EngineError, PendingError, RecordError
from codebook.files.lines import (
    digest,
    digest_file,
    dump_line,
    iter_lines,
    link_file,
    load_line,
    read_lines,
    write_atomic,
    write_lines,
)
from codebook.records import JobState, Shard


class Done(NamedTuple):
    """An answer on disk: its bytes, LF included, the question it answers, and the line, empty where nobody can read it.

    What cannot be read is an answer all the same: it was given, and is not asked for again.
    """

    raw: bytes
    custom_id: str
    line: dict[str, Any]


def read_whole(path: Path) -> Iterator[Done]:
    """Yield the whole answers of a file; stop at the first that is torn, which has no end or names no question."""
    if not path.exists():
        return
    with path.open("rb") as file:
        for raw in file:
            piece = next(read_pieces(raw.rstrip(b"\n")))
            if not raw.endswith(b"\n") or not (piece.custom_id or piece.line):
                return
            yield Done(raw, piece.custom_id, piece.line or {})


class JobFiles:
    """The files of one job. Where nothing else is said, a file that is not there is an empty one."""

    def __init__(self, folder: Path, job_id: str) -> None:
        self.job_id = job_id
        stem = re.sub(r"[^A-Za-z0-9_-]", "_", job_id)  # an id from elsewhere must not lead out of the folder
        self.intent, self.cancel = folder / f"{stem}.job.json", folder / f"{stem}.cancel"
        self.part, self.final = folder / f"{stem}.part.jsonl", folder / f"{stem}.jsonl"
        self.lock = FileLock(folder / f"{stem}.lock", timeout=1)

    def write_intent(self, shard: Shard, job_key: str) -> None:
        """Note what is asked, before it is answered."""
        intent = {"job_key": job_key, "shard": shard.path.name, "sha256": shard.sha256, "n_requests": shard.n_requests}
        write_lines(self.intent, [intent])

    def check_intent(self, shard: Shard) -> None:
        """Refuse another shard under the same key."""
        if self.intent.exists() and next(read_lines(self.intent))["sha256"] != shard.sha256:
            raise EngineError(
                f"job {self.job_id} was made for another shard than {shard.path.name}. To mend: use a new job key."
            )

    def n_total(self) -> int:
        """How many requests the job has."""
        return int(next(read_lines(self.intent))["n_requests"])

    def answers(self) -> Iterator[Done]:
        """Yield the whole answers on disk."""
        yield from read_whole(self.final if self.final.exists() else self.part)

    def mend(self, shard: Shard) -> int:
        """Cut the part file behind its last answer that is whole and in its place; return how many there are."""
        n_done = n_bytes = 0
        for answer, (_, line) in zip(self.answers(), iter_lines(shard.path), strict=False):
            if answer.custom_id != load_line(line, shard.path.name).get("custom_id"):
                break
            n_done, n_bytes = n_done + 1, n_bytes + len(answer.raw)
        self._cut(n_bytes)
        return n_done

    def mend_unordered(self) -> Iterator[Done]:
        """Yield the whole answers of the part file, in whatever order, and then cut it behind the last of them."""
        n_bytes = 0
        for answer in self.answers():
            n_bytes += len(answer.raw)
            yield answer
        self._cut(n_bytes)

    def finish(self) -> None:
        """Note that every request is answered: the part file gets its lasting name."""
        self.part.replace(self.final)

    def _cut(self, n_bytes: int) -> None:
        if self.part.exists():
            os.truncate(self.part, n_bytes)

    def count(self) -> tuple[int, int]:
        """(answers without an error, answers with one), as a service counts them."""
        n_done = n_failed = 0
        for answer in self.answers():
            n_done += 1
            n_failed += bool(answer.line) and open_line(answer.line)[2] != 200
        return n_done - n_failed, n_failed

    def state(self) -> str:
        """The API's word for where the job is."""
        if self.final.exists():
            return "completed"
        if not self.cancel.exists():
            return "in_progress"
        try:
            with self.lock.acquire(timeout=0):
                return "cancelled"
        except Timeout:
            return "cancelling"


class JobEngine(ABC):
    """An engine that answers within `submit`. A subclass says how, in `answer_rest`; all else is here.

    Parameters
    ----------
    folder
        Where the work lies; jobs are found again there.
    progress
        Show a bar on standard error. It never shows texts.
    """

    name: ClassVar[str]
    about: ClassVar[About] = About()
    limits = Limits()

    def __init__(self, folder: Path, *, progress: bool = False) -> None:
        self.folder, self.progress = Path(folder), progress

    @property
    @abstractmethod
    def model(self) -> str:
        """The model id that belongs into the request bodies."""

    @property
    def answerer(self) -> str:
        """Who answers: the engine itself."""
        return self.name

    @abstractmethod
    def answer_rest(self, shard: Shard, job: JobFiles) -> None:
        """Answer what the part file does not hold yet, and call `job.finish` when all is there."""

    def check_ready(self) -> None:  # noqa: B027  most engines need nothing
        """Look for what answering needs."""

    def prepare(self, shard: Shard) -> None:  # noqa: B027  most engines need no such look
        """Look at a shard before anything of it is answered; an error raised here leaves no trace."""

    def submit(self, shard: Shard, job_key: str) -> str:
        """Answer a shard, or what is left of it, and return the job id.

        Raises
        ------
        RecordError
            The shard's file is not the one that was planned.
        EngineError
            The key already belongs to a job with another shard.
        BusyError
            Another process is answering this job.
        """
        job = self._job(self._job_id(job_key))
        job.check_intent(shard)
        if job.final.exists():
            return job.job_id
        if digest_file(shard.path) != shard.sha256:
            raise RecordError(
                f"{shard.path} has changed since it was written (SHA-256 differs). To mend: plan the run again."
            )
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            with job.lock:
                if not job.final.exists() and not job.cancel.exists():
                    self.check_ready()
                    self.prepare(shard)
                    job.write_intent(shard, job_key)
                    self.answer_rest(shard, job)
        except Timeout:
            raise BusyError(f"another process is answering job {job.job_id}. To mend: wait for it.") from None
        return job.job_id

    def find(self, job_key: str) -> str | None:
        """Return the job made earlier under this key, if there is one."""
        job = self._job(self._job_id(job_key))
        return job.job_id if job.intent.exists() else None

    def may_know(self, job_key: str) -> bool:
        """Whether a job was begun under this key: its intent is written before the first answer."""
        return self.find(job_key) is not None

    def poll(self, job_id: str) -> JobState:
        """Say how far a job is; a job this folder does not know has failed."""
        job = self._job(job_id)
        if not job.intent.exists():
            return JobState("failed", note=f"{self.folder} knows no job {job_id}")
        n_total = job.n_total()
        n_good, n_failed = job.count()
        return JobState(job.state(), n_total, n_good, n_failed)

    def fetch(self, job_id: str, into: Path) -> list[Path]:
        """Put the answers as `output.jsonl` into a folder: a hard link where possible, else a copy.

        Raises
        ------
        PendingError
            The job still runs, or was interrupted and waits for `submit` to be repeated.
        """
        job = self._job(job_id)
        if not (job.intent.exists() and job.final.exists()):  # else all is answered, and nothing need be counted
            state = self.poll(job_id)
            if not job.intent.exists():
                raise EngineError(f"{state.note}. To mend: submit the shard again.")
            if not state.ended:
                raise PendingError(
                    f"job {job_id} is {state.state}: {state.n_done + state.n_failed} of {state.n_total} answered."
                )
        into.mkdir(parents=True, exist_ok=True)
        target = into / "output.jsonl"
        if job.final.exists():
            link_file(job.final, target)
        else:
            with write_atomic(target) as file:
                file.writelines(answer.raw for answer in job.answers())
        return [target]

    def cancel(self, job_id: str) -> None:
        """Ask a running job to stop soon. A finished or unknown job stays as it is."""
        job = self._job(job_id)
        if job.intent.exists() and not job.final.exists():
            job.cancel.touch()

    def _job_id(self, job_key: str) -> str:
        readable = re.sub(r"[^A-Za-z0-9_-]+", "-", job_key)[:40].strip("-")
        return f"{self.name}-{readable}-{digest(job_key)[:12]}"

    def _job(self, job_id: str) -> JobFiles:
        return JobFiles(self.folder, job_id)


Line = Mapping[str, Any] | bytes


class LocalEngine(JobEngine):
    """An engine that answers lines in their order, a chunk at a time.

    Parameters
    ----------
    folder, progress
        As of `JobEngine`.
    chunk
        Lines answered before they are written and synced to disk: what a crash can cost.
    """

    def __init__(self, folder: Path, *, chunk: int = 64, progress: bool = False) -> None:
        super().__init__(folder, progress=progress)
        self.chunk = chunk

    @abstractmethod
    def answer(self, lines: list[dict[str, Any]]) -> Sequence[Line]:
        """Answer request lines, one result line each, in their order. A line given as bytes is written as it is."""

    def at_once(self, shard: Shard) -> int:
        """Return how many lines of a shard are answered before they are written and synced."""
        return self.chunk

    def answer_rest(self, shard: Shard, job: JobFiles) -> None:
        """Answer what the part file does not hold yet, chunk by chunk."""
        n_done = job.mend(shard)
        lines = islice(iter_lines(shard.path), n_done, None)
        numbered = ((f"{shard.path.name}, line {n}", line) for n, (_, line) in enumerate(lines, n_done + 1))
        bar = tqdm(total=shard.n_requests, initial=n_done, desc=self.name, unit="request", disable=not self.progress)
        with job.part.open("ab") as file, bar:
            while chunk := [load_line(line, where) for where, line in islice(numbered, self.at_once(shard))]:
                if job.cancel.exists():
                    return
                for answer in self._answer_chunk(chunk):
                    file.write(answer if isinstance(answer, bytes) else dump_line(answer))
                file.flush()
                os.fsync(file.fileno())
                bar.update(len(chunk))
        job.finish()

    def _answer_chunk(self, lines: list[dict[str, Any]]) -> Sequence[Line]:
        """Answer a chunk; where that fails, line by line, so that one bad line costs one answer."""
        try:
            return self.answer(lines)
        except CodebookError:
            raise
        except Exception as error:  # noqa: BLE001  whatever it is, it must not cost the other answers of the shard
            if len(lines) == 1:
                return [error_line(lines[0], 500, f"{type(error).__name__}: {error}", self.name)]
            return [answer for line in lines for answer in self._answer_chunk([line])]
