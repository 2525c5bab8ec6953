"""The result files of a batch: fetched, looked for again where they are late, and given up only after several looks."""

from __future__ import annotations

from pathlib import Path

from codebook.engines.protocol import Remark
from codebook.engines.service.client import Client
from codebook.engines.service.download import Download, download
from codebook.engines.service.notes import NoteBook
from codebook.engines.service.objects import Batch
from codebook.errors import CutShortError, GoneError, UnreachableError


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
            The file with the answers is gone, and no other is there.
        """
        into.mkdir(parents=True, exist_ok=True)
        files = {"output": batch.output_file_id, "errors": batch.error_file_id}
        answers = "output" if batch.output_file_id else "errors"  # some services write both into one
        found, self.remarks[job_id] = list[Path](), list[Remark]()
        for name, file_id in files.items():
            if file_id and (file := self._fetch_file(job_id, file_id, into / f"{name}.jsonl", paid=name == answers)):
                found.append(file.path)
        if batch.output_file_id and not found:
            raise GoneError(" ".join(remark.words for remark in self.remarks[job_id]))
        return found

    def _fetch_file(self, job_id: str, file_id: str, target: Path, *, paid: bool) -> Download | None:
        """Download a result file, or as much as there is of it; what is missing, and whether it was paid, is noted."""
        try:
            file = download(self.client, file_id, target)
        except (GoneError, CutShortError) as error:
            said = f"The job has ended, but its file is not there yet: collect again in a few minutes ({error})"
            self.check_gone(job_id, file_id, said, error.at)
            if isinstance(error, GoneError):
                self.remarks[job_id].append(Remark(f"{error} It is gone.", incomplete=paid))
                return None
            file = download(self.client, file_id, target, trusting=True)
        if file.doubt:
            self.remarks[job_id].append(Remark(f"{file.doubt}; whole lines were taken", paid and file.short))
        return file

    def check_gone(self, job_id: str, name: str, said: str, at: float | None) -> None:
        """Note that a batch, or a file of it, was looked for in vain.

        Raises
        ------
        UnreachableError
            With what is `said`: it was looked for too seldom, or too shortly, to be gone.
        """
        note = self.notes.find(job_id)
        if note is None:
            raise UnreachableError(f"{said} To mend: check that the key is that of the job's project.") from None
        if not self.notes.note_miss(note, name, at):
            raise UnreachableError(said) from None
