"""Who answers on a machine of the cluster: an engine of the kit, which writes the answers of a piece into its file."""

from __future__ import annotations

import os
import platform
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from codebook.engines.cluster.chunk_files import ChunkJob, ClusterJob, Piece, Task, write_piece
from codebook.engines.jobs import JobEngine
from codebook.errors import CodebookError, EngineError, UnreachableError
from codebook.ground.plugins import load_plugin

EMBEDDED, ENDPOINT, VLLM = "embedded", "endpoint", "vllm"
N_TRIES = 3
"""How often a piece is tried when its process dies."""
Row = dict[str, Any]
"""What comes back through the cluster: why a piece could not be answered, never an answer."""


def make_embedded(task: Task, folder: Path) -> JobEngine:
    """The engine whose models come inside packages."""
    from codebook.engines.embedded.engine import EmbeddedEngine

    return EmbeddedEngine(folder, model=task.model, threads=task.options.get("threads"))


def make_endpoint(task: Task, folder: Path) -> JobEngine:
    """The engine that calls an OpenAI-compatible endpoint; `calls` is how many calls are open at a machine."""
    from codebook.engines.openai_live import OpenAILiveEngine

    options = dict(task.options)
    n_calls = {"concurrency": options.pop("calls")} if "calls" in options else {}
    return OpenAILiveEngine(folder, model=task.model, **options, **n_calls)


MAKERS = {EMBEDDED: f"{__name__}:make_embedded", ENDPOINT: f"{__name__}:make_endpoint"}
"""Makes the engine that answers in a process of the cluster; vLLM has processes of its own (`vllm_rows.py`)."""


def make_answering(task: Task, folder: Path) -> JobEngine | None:
    """Return the engine of the kit that answers a task; None where there is none."""
    place = MAKERS.get(task.answering, task.answering)
    if ":" not in place:
        return None
    engine: JobEngine = load_plugin(task.answering, place)(task, folder)
    return engine


class Answerer:
    """Answers pieces of one job, in a process of the cluster.

    Parameters
    ----------
    folder, job_id
        Where the job is: a folder that this machine sees, too.
    """

    def __init__(self, folder: str, job_id: str) -> None:
        self.job = ClusterJob(Path(folder), job_id)
        self._engine: JobEngine | None = None

    def __call__(self, piece: Piece) -> Row:
        """Answer a piece, and return why that could not be done, if so: `passing` is whether later may be better."""
        try:
            self.answer(piece)
        except CodebookError as error:
            return {"problem": str(error), "passing": isinstance(error, UnreachableError)}
        except OSError as error:
            return {"problem": f"{type(error).__name__}: {error}", "passing": False}
        return {"problem": "", "passing": False}

    def answer(self, piece: Piece) -> None:
        """Answer the lines of a piece that are not answered yet; the engine is made for the first of them."""
        if not self.job.task_path.exists():
            raise EngineError(
                f"{platform.node()} does not see {self.job.task_path}. To mend: put the project into a folder that "
                "all machines of the cluster share."
            )
        task, chunk = self.job.read_task(), ChunkJob(self.job, piece)
        self.job.chunks.mkdir(exist_ok=True)
        if chunk.final.exists() or self.job.cancel.exists():
            return
        if self._engine is None:
            os.environ.update(task.environment)
            self._engine = make_answering(task, self.job.chunks)
        with chunk.lock, TemporaryDirectory() as scratch:
            if chunk.note_try() > N_TRIES:
                lines = f"lines {piece.numbers[0]} to {piece.numbers[-1]} of {task.shard.path.name}"
                raise EngineError(
                    f"the process that answers {lines} died {N_TRIES} times; the other lines can be asked again"
                )
            if self._engine and not chunk.final.exists():
                self._engine.answer_rest(write_piece(piece.read(task.shard.path), task, Path(scratch)), chunk)
        chunk.clear()


@lru_cache(1)
def find_answerer(folder: str, job_id: str) -> Answerer:
    """Who answers the pieces of a job in this process: made for the first of them."""
    return Answerer(folder, job_id)


def answer_piece(piece: Piece, folder: str, job_id: str) -> Row:
    """Answer a piece of a job, whoever hands it out."""
    return find_answerer(folder, job_id)(piece)
