"""A study from texts to report, by the number of units: seconds and peak memory of each stage, beside a naive loop.

    python benchmarks/scale.py                          # 10,000 and 100,000 units
    python benchmarks/scale.py --units 1000000          # minutes, and 4 GB of disk until it ends
    python benchmarks/scale.py --units 50000 --profile plan   # where one stage spends its time

Every stage is a process of its own, as a notebook each would be, so its peak memory is its own; that of a process that
has only imported what it needs is told at the top. Seconds are of the wall, with those of the processor beside them.
The answers come at once from an engine that draws each label by the name of its request. The labels that come out have
one digest, by which two versions of the kit are compared.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from zlib import crc32

from instant import InstantEngine
from memory import peak_mb

from codebook.dialects import read_prompt, write_body, write_reply
from codebook.engines import ENGINES
from codebook.engines.protocol import result_line
from codebook.files.lines import read_lines
from codebook.records import CHAT
from codebook.requests import make_custom_id
from codebook.run import open_run, plan
from codebook.scheme import read_codebook
from codebook.shards import Cuts
from codebook.tasks import make_questions
from codebook.units import read_units

CODEBOOK = Path(__file__).parents[1] / "data" / "topics_sib200_en" / "codebook.yaml"
N_PER_SHARD = 10_000
N_PEOPLE = 2_000
"""Units that two people code, who are right in eight of ten; one of them is the gold."""
MODEL = InstantEngine.asks
RUN = "scale"


class Instant(InstantEngine):
    """Gives one of the labels of the schema, drawn by the name of the request."""

    def answer(self, lines: list[dict[str, Any]]) -> Sequence[dict[str, Any]]:
        labels = read_prompt(lines[0]["body"], lines[0]["url"]).schema["properties"]["label"]["enum"]
        replies = [json.dumps({"label": draw_label(line["custom_id"], labels)}) for line in lines]
        return [
            result_line(line, 200, write_reply(line["url"], MODEL, reply, request_id="", usage=(400, 5)), self.name)
            for line, reply in zip(lines, replies, strict=True)
        ]


def draw_label(name: str, labels: Sequence[str]) -> str:
    return labels[crc32(name.encode()) % len(labels)]


class Study:
    """The files of the study, and its stages by name."""

    def __init__(self, folder: Path, n_units: int) -> None:
        self.folder, self.n_units = folder, n_units
        self.texts, self.people = folder / "texts.csv", folder / "coders.yaml"
        os.environ["CODEBOOK_PROJECT"] = str(folder)
        ENGINES["instant"] = f"{Path(__file__).stem}:Instant"

    def write(self) -> None:
        """The texts, and what two people coded."""
        with self.texts.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["id", "text"])
            for n in range(self.n_units):
                writer.writerow([f"unit-{n}", f"Sentence {n} says that coal is cheap, and {n % 97} doubt it."])
        labels, rng = read_codebook(CODEBOOK).variables[0].labels, random.Random(1)
        with (self.folder / "people.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["id", "gold", "ann"])
            for n in sorted(rng.sample(range(self.n_units), min(N_PEOPLE, self.n_units))):
                label = draw_label(make_custom_id(f"unit-{n}", "topic"), labels)
                writer.writerow([f"unit-{n}", *(label if rng.random() < 0.8 else rng.choice(labels) for _ in "12")])
        columns = "{gold: gold, ann: ann}"
        self.people.write_text(f"coders:\n  - file: people.csv\n    unit: id\n    columns: {columns}\n")

    def source(self) -> Any:
        return read_units(self.texts, id_column="id", text_column="text")

    def start(self) -> None:
        """Nothing: what a process takes that has imported what all of them need."""

    def naive(self) -> None:
        """The same lines as most scripts write them: a dict and json.dumps a unit; no keys, digests or ledger."""
        (question,) = make_questions(read_codebook(CODEBOOK)).values()
        with (self.folder / "naive.jsonl").open("w", encoding="utf-8") as file:
            for unit in self.source():
                body = write_body(question.write_prompt(unit), CHAT, MODEL)
                line = {"custom_id": unit.unit_id, "method": "POST", "url": CHAT, "body": body}
                file.write(json.dumps(line) + "\n")
        (self.folder / "naive.jsonl").unlink()

    def plan(self) -> None:
        """Units, shards and ledger; `plan again` finds that nothing is to be done."""
        plan(CODEBOOK, self.source(), run=RUN, engine="instant", cuts=Cuts(n_requests=N_PER_SHARD))

    plan_again = plan

    def submit(self) -> None:
        """Hand in every shard, and have it answered."""
        open_run(RUN).submit()

    def index(self) -> None:
        """Check, read and note every answer."""
        open_run(RUN)._collect_jobs()

    def collect(self) -> None:
        """Write table and record."""
        open_run(RUN).collect()

    def table(self) -> Any:
        """The whole tidy table as a frame, all columns of it."""
        return open_run(RUN).table()

    def codings(self) -> Any:
        """The labels of the run and of the people, ready for a statistic."""
        return open_run(RUN).codings(self.people)

    def reliability(self) -> None:
        """The first statistic, codings included."""
        import codebook as cb

        self._save(cb.reliability(self.codings()))

    def validity(self) -> None:
        """The model against the gold, codings included."""
        import codebook as cb

        self._save(cb.validity(self.codings()))

    def _save(self, result: Any) -> None:
        result.save()

    def report(self) -> None:
        """The page of the study."""
        from codebook.report import write_report

        write_report(RUN, coders=self.people)


STAGES = {
    "start": Study.start,
    "naive": Study.naive,
    "plan": Study.plan,
    "plan again": Study.plan_again,
    "submit": Study.submit,
    "index": Study.index,
    "collect": Study.collect,
    "table": Study.table,
    "codings": Study.codings,
    "reliability": Study.reliability,
    "validity": Study.validity,
    "report": Study.report,
}


def measure(study: Study, stage: str) -> dict[str, Any]:
    """Seconds and peak memory of a stage in this process; what it says of itself comes along."""
    begin, worked = time.perf_counter(), time.process_time()
    made: Any = STAGES[stage](study)
    figures = {
        "seconds": time.perf_counter() - begin,
        "processor": time.process_time() - worked,
        "peak_mb": peak_mb(),
    }
    if stage == "table":
        return figures | {"labels": digest_labels(made), "n_labelled": int(made["label"].notna().sum())}
    return figures


def digest_labels(table: Any) -> str:
    """What two tables of the same labels have alike."""
    found = hashlib.sha256()
    for name in ("unit_id", "variable", "draw", "label", "why", "custom_id", "coder"):
        found.update("\n".join(table[name].astype("str").fillna("-")).encode())
    return found.hexdigest()[:16]


def measure_apart(study: Study, stage: str) -> dict[str, Any]:
    """The same in a fresh process, whose peak memory is its own."""
    command = [sys.executable, __file__, "--units", str(study.n_units), "--folder", str(study.folder), "--stage", stage]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{stage}: {done.stderr}")
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def run_study(n_units: int, tell: Callable[[str], None]) -> dict[str, dict[str, Any]]:
    """All stages of a study of so many units."""
    with tempfile.TemporaryDirectory() as name:
        study = Study(Path(name), n_units)
        study.write()
        figures = {}
        for stage in STAGES:
            figures[stage] = measure_apart(study, stage)
            tell(f"{n_units:,} {stage}: {json.dumps(figures[stage])}")
        run = study.folder / "runs" / RUN
        sizes = {"texts": study.texts, "ledger": run.parent / "ledger.db", "table": run / "table.csv"}
        figures["sizes"] = {what: path.stat().st_size / 2**20 for what, path in sizes.items()}
        shards = list(run.glob("shards/*"))
        figures["sizes"]["shards"] = sum(path.stat().st_size for path in shards) / 2**20
        n_lines = sum(1 for path in shards for _ in read_lines(path))
        n_read = sum(1 for _ in read_lines(run / "units.jsonl"))
        figures["counts"] = {"n_read": n_read, "n_lines": n_lines, "n_shards": len(shards)}
    return figures


def show(studies: dict[int, dict[str, dict[str, Any]]]) -> str:
    """The figures side by side, and how they grew from the smallest number of units to the largest."""
    first, last = min(studies), max(studies)
    rows = [f"{'':<12}" + "".join(f"{n:>24,} units" for n in studies) + f"{'growth':>10}"]
    rows.append(f"{'':<12}" + f"{'seconds':>10}{'processor':>10}{'peak MB':>10}" * len(studies) + f"{'per unit':>10}")
    for stage in STAGES:
        cells = "".join(
            f"{one[stage]['seconds']:>10.1f}{one[stage]['processor']:>10.1f}{one[stage]['peak_mb']:>10.0f}"
            for one in studies.values()
        )
        rates = [studies[n][stage]["processor"] / n for n in (last, first)]
        growth = f"{rates[0] / rates[1]:>10.2f}" if last > first and rates[1] else ""
        rows.append(f"{stage:<12}{cells}{growth}")
    for n, one in studies.items():
        sizes = ", ".join(f"{what} {size:,.0f} MB" for what, size in one["sizes"].items())
        ratio = one["plan"]["processor"] / one["naive"]["processor"]
        rows.append(f"{n:,} units: {sizes}; planning takes {ratio:.2f} times as long as the naive loop,")
        rate, labels = n / one["index"]["processor"], one["table"]["labels"]
        rows.append(f"    indexing notes {rate:,.0f} lines a second of processor; labels {labels}")
    return "\n".join(rows)


def profile(study: Study, stage: str) -> None:
    """Run the stages before this one, and print where it spends its time."""
    import cProfile
    import pstats

    study.write()
    for name in list(STAGES)[2 : list(STAGES).index(stage)]:
        measure_apart(study, name)
    watch = cProfile.Profile()
    watch.runcall(STAGES[stage], study)
    pstats.Stats(watch).sort_stats("tottime").print_stats(30)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--units", type=int, nargs="*", default=[10_000, 100_000])
    parser.add_argument("--json", action="store_true", help="print all figures as JSON")
    parser.add_argument("--folder", default="", help="where a study lies already")
    parser.add_argument("--stage", default="", help="one stage, as a line of JSON; it needs the folder")
    parser.add_argument("--profile", default="", help="the stage to profile")
    chosen = parser.parse_args()
    if chosen.profile:
        with tempfile.TemporaryDirectory() as folder:
            profile(Study(Path(folder), chosen.units[0]), chosen.profile)
    elif chosen.stage:
        print(json.dumps(measure(Study(Path(chosen.folder), chosen.units[0]), chosen.stage)))
    else:
        tell = lambda line: print(line, file=sys.stderr, flush=True)  # noqa: E731
        studies = {n_units: run_study(n_units, tell) for n_units in chosen.units}
        print(json.dumps(studies) if chosen.json else show(studies))


if __name__ == "__main__":
    main()
