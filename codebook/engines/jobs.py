"""What engines share that answer within `submit`: a job is files in the engine's folder, found again after a crash."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from filelock import Timeout

from codebook.engines.jobfiles import JobFiles
from codebook.engines.protocol import About, Limits
from codebook.errors import BusyError, EngineError, PendingError, RecordError
from codebook.files.lines import digest, digest_file, link_file, write_atomic
from codebook.records import JobState, Shard


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
        state = self.poll(job_id)
        if state.state == "failed":
            raise EngineError(f"{state.note}. To mend: submit the shard again.")
        if not state.ended:
            raise PendingError(
                f"job {job_id} is {state.state}: {state.n_done + state.n_failed} of {state.n_total} answered."
            )
        into.mkdir(parents=True, exist_ok=True)
        target, job = into / "output.jsonl", self._job(job_id)
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
