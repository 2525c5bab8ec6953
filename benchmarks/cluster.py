"""Measure who hands pieces of a shard to two processes: the engine `cluster` (Ray), plain processes, and Dask.

    python benchmarks/cluster.py                    # 1,600 lines of 5 ms of a processor, so 8 s of work: ideal 4 s
    python benchmarks/cluster.py --peers FOLDER     # with Dask out of that folder

Dask is no dependency: `pip install --target FOLDER "dask[distributed]"` puts it where `--peers` finds it.

Of each way: seconds from the start of the process that drives the job to its end, over what two processors could do at
best (measured in the same minute, since neighbours slow both), and the processor's seconds of all that it began; then
the same with a process killed that answers, and with the driver killed and begun again. What must hold whoever is
killed: each line once in the end, and what was on disk not asked again.
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import psutil
from cluster_ways import NAME, SECONDS

from codebook.engines.cluster.chunk_files import ClusterJob, Task
from codebook.files.lines import digest_file, read_lines, write_lines
from codebook.records import CHAT, Shard

HERE = Path(__file__).parent
N_PROCESSES, CHUNK = 2, 40
IDEAL = """
import sys, time
end = time.thread_time() + float(sys.argv[1])
while time.thread_time() < end: pass
"""


def prepare(folder: Path, n_lines: int) -> ClusterJob:
    """A shard and a job of it, of which nothing is answered."""
    path = folder / "shard.jsonl"
    lines = [{"custom_id": f"c{n}", "url": CHAT, "body": {"model": "m", "text": "x" * 6000}} for n in range(n_lines)]
    write_lines(path, lines)
    shard = Shard(path, digest_file(path), CHAT, "m", n_lines, path.stat().st_size, 0)
    job = ClusterJob(folder, "job")
    job.write_intent(shard, "key")
    job.write_task(Task(shard, NAME, "m", concurrency=N_PROCESSES, chunk=CHUNK))
    return job


class ProcessorWatch(threading.Thread):
    """Adds up the processor's seconds of a process and of all below it, as long as they are there."""

    def __init__(self, process: int) -> None:
        super().__init__(daemon=True)
        self.root, self.seconds = psutil.Process(process), dict[int, float]()

    def run(self) -> None:
        while self.root.is_running():
            with suppress(psutil.Error):
                for each in [self.root, *self.root.children(recursive=True)]:
                    times = each.cpu_times()
                    self.seconds[each.pid] = times.user + times.system
            time.sleep(0.1)

    @property
    def sum(self) -> float:
        return sum(self.seconds.values())


def start(peers: str, way: str, job: ClusterJob) -> subprocess.Popen[bytes]:
    """Begin a driver, in a group of its own, so that what it begins can be ended with it."""
    places = [str(HERE), str(HERE.parent), *([peers] if peers else [])]  # those of peers come last
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(places)}
    words = [sys.executable, str(HERE / "cluster_ways.py"), way, str(job.final.parent), job.job_id]
    log = (job.final.parent / "log.txt").open("ab")
    with log:
        return subprocess.Popen(words, env=environment, stdout=log, stderr=log, process_group=0)


def read_calls(job: ClusterJob) -> list[list[str]]:
    """(custom_id, process) of every call."""
    path = job.final.parent / "calls.txt"
    return [line.split() for line in path.read_text().splitlines()] if path.exists() else []


def wait_for(job: ClusterJob, n_calls: int, driver: subprocess.Popen[bytes]) -> None:
    while len(read_calls(job)) < n_calls and driver.poll() is None:
        time.sleep(0.02)


def end(driver: subprocess.Popen[bytes]) -> None:
    """Wait for the end of what a killed driver began, as who begins again would; end what is still there."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(driver.pid, number)
        except ProcessLookupError:
            return
        time.sleep(1)


def run(peers: str, way: str, n_lines: int, kill: str) -> tuple[float, float, str]:
    """Seconds of a job, those of the processor, and what came of it; `kill` is "", "answering" or "driver"."""
    with tempfile.TemporaryDirectory() as scratch:
        job = prepare(Path(scratch), n_lines)
        begin = time.monotonic()
        driver = start(peers, way, job)
        watch = ProcessorWatch(driver.pid)
        watch.start()
        if kill:
            wait_for(job, n_lines // 2, driver)
            if calls := read_calls(job):  # else it has failed at once, which is told below
                os.kill(driver.pid if kill == "driver" else int(calls[-1][1]), signal.SIGKILL)
        if kill == "driver":
            driver.wait()
            end(driver)
            driver = start(peers, way, job)
        failed = driver.wait()
        seconds = time.monotonic() - begin
        asked = Counter(name for name, _ in read_calls(job))
        names = [line["custom_id"] for line in read_lines(job.final)] if job.final.exists() else []
        once = "each once" if sorted(names) == sorted({f"c{n}" for n in range(n_lines)}) else "NOT each once"
        if failed or not names:
            return seconds, watch.sum, f"it failed; {sum(1 for _ in job.answers()):,} answers on disk"
        return seconds, watch.sum, f"{len(names):,} lines, {once}; {sum(asked.values()) - len(asked)} asked again"


def measure_ideal(n_lines: int) -> float:
    """Seconds that two processes need for half the work each, with nobody who hands it out."""
    words = [sys.executable, "-S", "-c", IDEAL, str(n_lines * SECONDS / N_PROCESSES)]
    begin = time.monotonic()
    processes = [subprocess.Popen(words) for _ in range(N_PROCESSES)]
    for process in processes:
        process.wait()
    return time.monotonic() - begin


def compare(ways: list[str], peers: str, n_lines: int, n_runs: int, kills: Sequence[str]) -> Iterator[str]:
    """Lines of the table."""
    times: dict[str, list[tuple[float, float, float]]] = {way: [] for way in ways}
    for _ in range(n_runs):
        for way in ways:
            ideal = measure_ideal(n_lines)
            times[way].append((*run(peers, way, n_lines, "")[:2], ideal))
    for way, rows in times.items():
        whole, processor, ideal = (statistics.median(column) for column in zip(*rows, strict=True))
        over = statistics.median(seconds - best for seconds, _, best in rows)
        yield f"{way:10} {whole:6.1f} s, {over:5.1f} s over the ideal of {ideal:.1f} s; processor {processor:.1f} s"
    for kill in kills:
        for way in ways:
            seconds, _, words = run(peers, way, n_lines, kill)
            yield f"{way:10} {seconds:6.1f} s, {kill} killed: {words}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", default="", help="folder in which Dask is installed; without it Dask is left out")
    parser.add_argument("--lines", type=int, default=1600)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--kill", nargs="*", default=["answering", "driver"], help="who is killed; nobody where empty")
    chosen = parser.parse_args()
    ways = ["cluster", "processes", *(["dask"] if chosen.peers else [])]
    for line in compare(ways, chosen.peers, chosen.lines, chosen.runs, chosen.kill):
        print(line, flush=True)


if __name__ == "__main__":
    main()
