"""Batch jobs on this side of the service, beside other ways to do the same: writing requests, reading results.

    python benchmarks/batch.py                  # 50,000 units, 3 runs each, as a table
    python benchmarks/batch.py --peers FOLDER   # with openbatch and openai-batch out of that folder

The peers are no dependency: `pip install --target FOLDER openbatch openai-batch httpx` puts them where `--peers` finds
them (openai-batch needs httpx, which the SDK no longer brings along). Each measurement runs in a fresh process, the
ways take turns, and medians are shown. Texts are made with a fixed seed. Seconds of ways that make no digest and no
fsync are those of Python; the disk may still be at work.
"""

from __future__ import annotations

import argparse
import csv
import importlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from batch_ways import BUILD, READ, Instant, make_book, make_units
from memory import peak_mb

from codebook.engines import ENGINES
from codebook.material.unit_store import write_units
from codebook.records import Unit
from codebook.run import open_run, plan
from codebook.run.folder import RunFolder
from codebook.units import read_units

WAYS: dict[str, dict[str, Any]] = {"build": BUILD, "read": READ}
PEERS = {"openai-batch": "openai_batch", "openbatch": "openbatch"}
IMPORTED = PEERS | {"SDK's models": "openai.types.chat"}
WARM: dict[str, Callable[[], Any]] = {"ours, table": lambda: open_run("warm").table()}
"""Ways that import more as they go: they are put to one line before."""


def whole(n_units: int, folder: Path) -> dict[str, float]:
    """Plan, submit, collect and table of a csv file; seconds of each."""
    texts = folder / "texts.csv"
    with texts.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "text"])
        writer.writerows((unit.unit_id, unit.text) for unit in make_units(n_units))
    times = {}

    def stage(name: str, work: Callable[[], Any]) -> Any:
        begin = time.perf_counter()
        done = work()
        times[name] = time.perf_counter() - begin
        return done

    source = read_units(texts, id_column="id", text_column="text")
    run = stage("plan", lambda: plan(make_book(), source, run="bench", engine="instant"))
    stage("submit", run.submit)
    stage("harvest", run._collect_jobs)
    stage("collect", run.collect)
    assert len(stage("table", run.table)) == n_units
    return times


def prepare(n_units: int, folder: Path) -> dict[str, float]:
    """Make what the ways of reading read: a run whose answers are in, in `asked` not collected, in `read` collected."""
    os.environ["CODEBOOK_PROJECT"] = str(folder / "asked")
    for run, units in (("warm", [Unit("one", "A text.")]), ("bench", make_units(n_units))):
        plan(make_book(), units, run=run, engine=Instant.name).submit()
    clone(folder / "asked", folder / "read")
    os.environ["CODEBOOK_PROJECT"] = str(folder / "read")
    for run in ("warm", "bench"):
        open_run(run).collect()
    return {}


def clone(project: Path, into: Path) -> None:
    """A copy that shares the large files; those of the ledger are written to, so they are copied."""
    shutil.copytree(project, into, copy_function=lambda a, b: (shutil.copy if "ledger" in a else os.link)(a, b))


def measure(work: str, way: str, n_units: int, folder: Path) -> dict[str, Any]:
    """Measure one way in this process."""
    os.environ["CODEBOOK_PROJECT"] = str(folder)
    if work in STAGES:
        return {"seconds": STAGES[work](n_units, folder)} | peak()
    doing: Callable[[], None]
    if work == "build":
        units = list(make_units(n_units))
        write_units(RunFolder("bench", folder).units_path, ((unit, None) for unit in units))
        doing = partial(BUILD[way], units, folder)
    else:
        doing = partial(READ[way], folder)
    for name in ("pandas", IMPORTED.get(way, "pandas")):
        importlib.import_module(name)  # what an import takes is not what a line takes
    if way in WARM:
        WARM[way]()
    begin, cpu = time.perf_counter(), time.process_time()
    doing()
    return {"seconds": {"wall": time.perf_counter() - begin, "cpu": time.process_time() - cpu}} | peak()


def peak() -> dict[str, float]:
    return {"peak_mb": peak_mb()}


STAGES = {"whole": whole, "prepare": prepare}


def measure_apart(work: str, way: str, n_units: int, folder: Path, peers: str = "") -> dict[str, Any] | None:
    """Measure in a fresh process; None where the peer is not installed."""
    asked = ["--units", str(n_units), "--peers", peers, "--measure", work, way, str(folder)]
    done = subprocess.run([sys.executable, __file__, *asked], capture_output=True, text=True, check=False)
    if way in PEERS and f"No module named '{PEERS[way]}'" in done.stderr:
        return None
    if done.returncode:
        raise RuntimeError(done.stderr)
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def compare(work: str, n_units: int, n_runs: int, folder: Path, peers: str) -> Iterator[str]:
    """Measure all ways of a work in turns; yield a line each, and how many times as long the others take."""
    found: dict[str, list[dict[str, Any] | None]] = {way: [] for way in WAYS[work]}
    for _ in range(n_runs):
        for way in WAYS[work]:
            place = folder / "one"
            if work == "read":
                clone(folder / ("asked" if way == "ours, harvest" else "read"), place)
            else:
                place.mkdir()
            found[way].append(measure_apart(work, way, n_units, place, peers))
            shutil.rmtree(place)
    yield f"{work:<24}{'wall s':>9}{'CPU s':>9}{'per s':>12}{'x ours':>9}"
    base = 0.0
    for way, figures in found.items():
        there = [one["seconds"] for one in figures if one]
        if not there:
            yield f"{way:<24}  not installed"
            continue
        wall, cpu = (statistics.median(one[name] for one in there) for name in ("wall", "cpu"))
        base = base or wall
        yield f"{way:<24}{wall:>9.2f}{cpu:>9.2f}{n_units / wall:>12,.0f}{wall / base:>9.2f}"


def show_whole(n_units: int, n_runs: int, folder: Path) -> Iterator[str]:
    """Measure the chain as a whole; yield a line for each stage, and one for the peak memory."""
    found = []
    for _ in range(n_runs):
        (folder / "one").mkdir()
        found.append(measure_apart("whole", "-", n_units, folder / "one"))
        shutil.rmtree(folder / "one")
    yield f"{'whole':<24}{'wall s':>9}"
    for name in found[0]["seconds"]:
        yield f"{name:<24}{statistics.median(one['seconds'][name] for one in found):>9.2f}"
    yield f"peak memory: {max(one['peak_mb'] for one in found):.0f} MB"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--units", type=int, default=50_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--peers", default="", help="folder in which openbatch and openai-batch are installed")
    parser.add_argument("--only", choices=["build", "read", "whole"])
    parser.add_argument("--measure", nargs=3, metavar=("WORK", "WAY", "FOLDER"), help="one, as a line of JSON")
    chosen = parser.parse_args()
    if chosen.peers:
        sys.path.append(chosen.peers)  # last, so that none of its packages takes the place of ours
    ENGINES[Instant.name] = "batch_ways:Instant"
    if chosen.measure:
        work, way, folder = chosen.measure
        print(json.dumps(measure(work, way, chosen.units, Path(folder))))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        measure_apart("prepare", "-", chosen.units, folder)
        for work in ("build", "read"):
            if chosen.only in (None, work):
                print(*compare(work, chosen.units, chosen.runs, folder, chosen.peers), "", sep="\n", flush=True)
        if chosen.only in (None, "whole"):
            print(*show_whole(chosen.units, chosen.runs, folder), sep="\n")


if __name__ == "__main__":
    main()
