"""What engines that answer in this process share: answers go to disk chunk by chunk, so a killed job goes on."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from tqdm import tqdm

from codebook.engines.jobfiles import JobFiles
from codebook.engines.jobs import JobEngine
from codebook.engines.protocol import error_line
from codebook.errors import CodebookError
from codebook.files.lines import dump_line, iter_lines, load_line
from codebook.records import Shard

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
