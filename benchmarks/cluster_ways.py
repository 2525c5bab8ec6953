"""Ways to have pieces of a shard answered that `cluster.py` measures: ours on Ray, plain processes, and Dask.

All have the same pieces, the same work and the same chunk files, so that what differs is who hands pieces to whom.
`python cluster_ways.py WAY FOLDER JOB` is what drives a job to its end, as the process that can be killed.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from codebook.engines.cluster.answering import Row, answer_piece
from codebook.engines.cluster.chunk_files import ClusterJob, Piece, Task
from codebook.engines.cluster.driver import answer_job, choose_pipeline
from codebook.engines.cluster.ray_tasks import LOCAL, connect
from codebook.engines.jobs import LocalEngine
from codebook.engines.protocol import result_line

NAME = "cluster_ways:make_spinning"
SECONDS = 0.005
"""Of a processor, for each line."""


class Spinning(LocalEngine):
    """Works for a while, and writes down what it was asked, and by which process."""

    name, model = "spinning", "spinning-1"

    def answer(self, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [self._spin(line) for line in lines]

    def _spin(self, line: dict[str, Any]) -> dict[str, Any]:
        end = time.thread_time() + SECONDS
        while time.thread_time() < end:
            pass
        calls = os.open(self.folder.parent / "calls.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(calls, f"{line['custom_id']} {os.getpid()}\n".encode())
        os.close(calls)
        return result_line(line, 200, {"text": "done"}, self.name)


def make_spinning(task: Task, folder: Path) -> LocalEngine:
    return Spinning(folder, chunk=8)


def map_processes(pieces: list[Piece], folder: str, job_id: str, n_answering: int) -> Iterator[Row]:
    with ProcessPoolExecutor(n_answering) as pool:
        yield from pool.map(partial(answer_piece, folder=folder, job_id=job_id), pieces)


def map_dask(pieces: list[Piece], folder: str, job_id: str, n_answering: int) -> Iterator[Row]:
    from dask.distributed import Client, LocalCluster, as_completed

    with (
        LocalCluster(n_answering, threads_per_worker=1, dashboard_address=None, host="127.0.0.1") as cluster,
        Client(cluster) as client,
    ):
        futures = client.map(partial(answer_piece, folder=folder, job_id=job_id), pieces, pure=False)
        yield from (future.result() for future in as_completed(futures))


WAYS = {"processes": map_processes, "dask": map_dask}


def drive(way: str, folder: Path, job_id: str) -> None:
    """Have a job answered in one of the ways, to its end."""
    job = ClusterJob(folder, job_id)
    task = job.read_task()
    if way == "cluster":
        with connect(LOCAL, task.concurrency):
            answer_job(job, task, job.note_start(), choose_pipeline(task))
    else:
        answer_job(job, task, job.note_start(), WAYS[way])


if __name__ == "__main__":
    drive(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
