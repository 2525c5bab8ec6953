"""The process that has jobs of a folder answered: it goes on when whoever began it is gone, and begins where one died.

One process a folder (`driver.lock`): `python -m codebook.engines.cluster.driver FOLDER`. What goes wrong is noted with
the job; what Ray says stands in `driver.log`.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from time import monotonic, sleep

from filelock import FileLock, Timeout

from codebook.engines.cluster.answering import VLLM, Row
from codebook.engines.cluster.chunk_files import ClusterJob, Piece, Task
from codebook.engines.cluster.ray_tasks import connect, map_pieces
from codebook.errors import EngineError, UnreachableError
from codebook.ground.quantities import say_count

_BEGIN_S = 60.0
"""Seconds that a new process is given until it holds its lock."""


def _make_lock(folder: Path) -> FileLock:
    return FileLock(folder / "driver.lock")


def is_at_work(folder: Path) -> bool:
    """Whether a process has the jobs of a folder answered."""
    if not folder.is_dir():
        return False
    try:
        with _make_lock(folder).acquire(timeout=0):
            return False
    except Timeout:
        return True


def start_driver(folder: Path) -> None:
    """Let a process work on the open jobs of a folder, where none does; it outlives this one.

    Raises
    ------
    EngineError
        It ended before it began.
    """
    if is_at_work(folder):
        return
    command = [sys.executable, "-m", "codebook.engines.cluster.driver", str(folder)]
    with (folder / "driver.log").open("ab") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    end = monotonic() + _BEGIN_S
    while not is_at_work(folder):
        if process.poll() is not None:
            if list_open(folder) and process.returncode:
                log_path = folder / "driver.log"
                raise EngineError(
                    f"no process could begin to work on the cluster's jobs; the reason stands in {log_path}."
                )
            return
        if monotonic() > end:
            break
        sleep(0.05)
    process.returncode = 0  # it is left to itself: nobody here waits for its end


def list_open(folder: Path) -> list[ClusterJob]:
    """The jobs of a folder with something to do, in the order in which they were handed in."""
    paths = sorted(folder.glob("*.task.json"), key=lambda path: path.stat().st_mtime_ns)
    jobs = [ClusterJob(folder, path.name.removesuffix(".task.json")) for path in paths]
    return [job for job in jobs if job.open]


def work(folder: Path) -> None:
    """Have every open job answered, those included that come meanwhile; return at once where another process does."""
    while list_open(folder):
        try:
            with _make_lock(folder).acquire(timeout=2), ExitStack() as stack:
                _work_on(folder, stack)
        except Timeout:
            return


def _work_on(folder: Path, stack: ExitStack) -> None:
    there: tuple[str, int] | None = None
    while jobs := list_open(folder):
        job, task = jobs[0], jobs[0].read_task()
        try:
            with job.lock.acquire(timeout=5):
                n_cpus = task.concurrency + (task.answering == VLLM)  # one for what hands its lines on
                if (task.address, n_cpus) != there:
                    stack.close()
                    stack.enter_context(connect(task.address, n_cpus))
                    there = task.address, n_cpus
                answer_job(job, task, job.note_start(), choose_pipeline(task))
        except Exception as error:  # noqa: BLE001  whatever it is, it is told, and keeps no other job
            job.note_failure(error)


Pipeline = Callable[[list[Piece], str, str, int], Iterator[Row]]
"""Has pieces of a job (folder and id) answered by so many processes, and yields rows that say what was wrong."""


def choose_pipeline(task: Task) -> Pipeline:
    """How Ray has a task answered."""
    if task.answering == VLLM:
        from codebook.engines.cluster.vllm_rows import map_lines

        return map_lines
    return map_pieces


def answer_job(job: ClusterJob, task: Task, n_start: int, pipeline: Pipeline) -> None:
    """Have the lines answered that have no answer on disk, and make one file of all answers.

    Raises
    ------
    EngineError
        Somebody who answers cannot; what was answered is kept.
    """
    job.keep_parts()
    if pieces := list(job.cut(task, n_start)):
        for row in pipeline(pieces, str(job.final.parent), job.job_id, task.concurrency):
            if row["problem"]:
                raise (UnreachableError if row["passing"] else EngineError)(row["problem"])
    if not job.cancel.exists() and (n_missing := job.merge(task)):
        raise EngineError(f"{say_count(n_missing, 'question')} came back without an answer")


if __name__ == "__main__":
    work(Path(sys.argv[1]))
