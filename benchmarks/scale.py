"""How planning, answering and the table grow with the number of units: seconds and peak memory, beside a naive loop.

    python benchmarks/scale.py              # 5,000 and 50,000 units, each in a fresh process, as a table
    python benchmarks/scale.py --units 5000 # one of them, as a line of JSON

Peak memory is that of the process so far, so each figure includes those above it. The table is held in memory by its
nature; everything before it streams. The answers come at once from an engine that always gives the first label.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from instant import InstantEngine
from memory import peak_mb

from codebook.dialects import read_prompt, write_body, write_reply
from codebook.engines import ENGINES
from codebook.engines.protocol import result_line
from codebook.files.lines import read_lines
from codebook.material.unit_store import iter_units
from codebook.records import CHAT
from codebook.run import plan
from codebook.scheme import read_codebook
from codebook.shards import Cuts
from codebook.tasks import make_questions
from codebook.units import read_units

CODEBOOK = Path(__file__).parents[1] / "data" / "topics_sib200_en" / "codebook.yaml"
N_PER_SHARD = 10_000
MODEL = InstantEngine.asks


class Instant(InstantEngine):
    """Gives the first label of the schema."""

    def answer(self, lines: list[dict[str, Any]]) -> Sequence[dict[str, Any]]:
        first = read_prompt(lines[0]["body"], lines[0]["url"]).schema["properties"]["label"]["enum"][0]
        text = json.dumps({"label": first})
        return [
            result_line(line, 200, write_reply(line["url"], MODEL, text, request_id="", usage=(400, 5)), self.name)
            for line in lines
        ]


class Clock:
    """Seconds of each stage, and the peak memory (MB) of the process after it."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.peak_mb: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        begin = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - begin
        self.peak_mb[name] = peak_mb()


def write_texts(path: Path, n_units: int) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "text"])
        for number in range(n_units):
            writer.writerow(
                [f"unit-{number}", f"Sentence {number} says that coal is cheap, and {number % 97} doubt it."]
            )


def write_naively(path: Path, texts: Path) -> None:
    """The same lines as most scripts write them: a dict and json.dumps a unit, without keys, digests or ledger."""
    (question,) = make_questions(read_codebook(CODEBOOK)).values()
    source = read_units(texts, id_column="id", text_column="text")
    with path.open("w", encoding="utf-8") as file:
        for unit in source:
            body = write_body(question.write_prompt(unit), CHAT, MODEL)
            line = {"custom_id": unit.unit_id, "method": "POST", "url": CHAT, "body": body}
            file.write(json.dumps(line) + "\n")


def measure(n_units: int, folder: Path) -> dict[str, Any]:
    """Run the chain in this process and return its figures."""
    ENGINES["instant"] = f"{__name__ if __name__ != '__main__' else Path(__file__).stem}:Instant"
    os.environ["CODEBOOK_PROJECT"] = str(folder)
    texts, clock = folder / "texts.csv", Clock()
    write_texts(texts, n_units)
    with clock.stage("start"):
        read_codebook(CODEBOOK)
    with clock.stage("naive"):
        write_naively(folder / "naive.jsonl", texts)
    with clock.stage("plan"):
        source = read_units(texts, id_column="id", text_column="text")
        run = plan(CODEBOOK, source, run="scale", engine="instant", cuts=Cuts(n_requests=N_PER_SHARD))
    with clock.stage("plan again"):
        plan(CODEBOOK, source, run="scale", engine="instant", cuts=Cuts(n_requests=N_PER_SHARD))
    shards = sorted(run.folder.shards.iterdir())
    with clock.stage("read back"):
        n_read = sum(1 for _ in iter_units(run.folder.units_path))
        n_lines = sum(1 for shard in shards for _ in read_lines(shard))
    with clock.stage("submit"):
        run.submit()
    with clock.stage("index"):
        run._collect_jobs()
    with clock.stage("table"):
        table = run.table()
    with clock.stage("collect"):
        run.collect()
    return {
        "n_units": n_units,
        "n_read": n_read,
        "n_lines": n_lines,
        "n_labelled": int(table["label"].notna().sum()),
        "n_shards": len(shards),
        "texts_mb": texts.stat().st_size / 2**20,
        "shards_mb": sum(shard.stat().st_size for shard in shards) / 2**20,
        "ledger_mb": run.folder.ledger_path.stat().st_size / 2**20,
        "seconds": clock.seconds,
        "peak_mb": clock.peak_mb,
    }


def measure_apart(n_units: int) -> dict[str, Any]:
    """Measure in a fresh process, whose peak memory is its own."""
    command = [sys.executable, __file__, "--units", str(n_units)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def show(figures: Sequence[dict[str, Any]]) -> str:
    """The figures side by side."""
    head = "".join(f"{one['n_units']:>16,} units" for one in figures)
    rows = [f"{'':<12}{head}", f"{'':<12}" + f"{'seconds':>12}{'peak MB':>10}" * len(figures)]
    for stage in figures[0]["seconds"]:
        cells = "".join(f"{one['seconds'][stage]:>12.2f}{one['peak_mb'][stage]:>10.0f}" for one in figures)
        rows.append(f"{stage:<12}{cells}")
    for one in figures:
        seconds = one["seconds"]
        rows.append(
            f"{one['n_units']:,} units: {one['texts_mb']:.1f} MB of texts, {one['n_shards']} shards of "
            f"{one['shards_mb']:.0f} MB, ledger {one['ledger_mb']:.0f} MB; planning takes "
            f"{seconds['plan'] / seconds['naive']:.1f} times as long as the naive loop"
        )
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--units", type=int, default=0)
    chosen = parser.parse_args()
    if not chosen.units:
        print(show([measure_apart(n_units) for n_units in (5_000, 50_000)]))
        return
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measure(chosen.units, Path(folder))))


if __name__ == "__main__":
    main()
