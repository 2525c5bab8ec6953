"""The files of a job that is answered within `submit`, and what can be read off them after a crash.

A job's files lie in the engine's folder: `<job>.job.json` (what is asked, written first), `<job>.part.jsonl` (answers
so far), `<job>.jsonl` (all answers) and `<job>.cancel` (a wish to stop). Where answers stand in the shard's order, what
is done is the number of whole lines, and memory does not grow with them (`mend`); where they come in any order, what is
done is the custom_ids of the whole lines (`mend_unordered`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from filelock import FileLock, Timeout

from codebook.dialects.replies import open_line
from codebook.dialects.resultlines import read_pieces
from codebook.errors import EngineError
from codebook.files.lines import iter_lines, load_line, read_lines, write_lines
from codebook.records import Shard


class Done(NamedTuple):
    """An answer on disk: its bytes, LF included, the question it answers, and the line, empty where nobody can read it.

    What cannot be read is an answer all the same: it was given, and is not asked for again.
    """

    raw: bytes
    custom_id: str
    line: dict[str, Any]


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
        """Yield the whole answers on disk; stop at the first that is torn, which has no end or names no question."""
        path = self.final if self.final.exists() else self.part
        if not path.exists():
            return
        with path.open("rb") as file:
            for raw in file:
                piece = next(read_pieces(raw.rstrip(b"\n")))
                if not raw.endswith(b"\n") or not (piece.custom_id or piece.line):
                    return
                yield Done(raw, piece.custom_id, piece.line or {})

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
