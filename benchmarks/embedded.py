"""Speed of the embedded engine: from a shard of request lines to result lines on disk.

Run from the repository: `python benchmarks/embedded.py`. Prints seconds, requests/s and MB; it reads no gold label.
"""

from __future__ import annotations

import csv
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from memory import peak_mb

from codebook.dialects import Prompt, fence, write_body
from codebook.engines import make_engine
from codebook.files.lines import digest_file, dump_canonical, load_line, write_lines
from codebook.records import CHAT, Shard

TEXTS = Path(__file__).parents[1] / "data" / "topics_sib200_en" / "texts.csv"
TOPICS = {
    "science/technology": "Research, inventions, machines, computers, space and the natural sciences.",
    "travel": "Advice and facts for travellers: transport, hotels, sights, customs and safety on the way.",
    "politics": "Governments, elections, parties, laws, diplomacy and war.",
    "sports": "Games, athletes, teams, competitions and how a sport is played.",
    "health": "Illness, medicine, treatment, hospitals and how people stay well.",
    "entertainment": "Film, music, television, celebrities and shows.",
    "geography": "Countries, regions, landscapes, rivers, mountains and where they lie.",
}
SYSTEM = "Code one sentence.\n\nCategories:\n" + "\n".join(f"- {name}: {text}" for name, text in TOPICS.items())
SCHEMA = {"type": "object", "properties": {"label": {"type": "string", "enum": list(TOPICS)}}, "required": ["label"]}


def request_lines(texts: list[str], model: str) -> Iterator[dict[str, object]]:
    for number, text in enumerate(texts):
        body = write_body(Prompt(SYSTEM, fence(text), "topic", SCHEMA), CHAT, model)
        yield {
            "custom_id": f"topic.{number}",
            "method": "POST",
            "url": CHAT,
            "body": load_line(dump_canonical(body), ""),
        }


def write_shard(folder: Path, texts: list[str], model: str) -> Shard:
    path = folder / f"{len(texts)}.jsonl"
    write_lines(path, request_lines(texts, model))
    return Shard(path, digest_file(path), CHAT, model, len(texts), path.stat().st_size, 0)


def main() -> None:
    with TEXTS.open(encoding="utf-8", newline="") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    with tempfile.TemporaryDirectory() as name:
        engine = make_engine("embedded", folder=Path(name) / "work", threads=2)
        for what, asked in (("first answer, models loaded", texts[:1]), ("300", texts[:300]), ("all", texts)):
            shard = write_shard(Path(name), asked, engine.model)
            start = time.perf_counter()
            engine.submit(shard, what)
            taken = time.perf_counter() - start
            print(f"{what:30} {len(asked):5} sentences {taken:7.2f} s {len(asked) / taken:7.1f} requests/s")
    print(f"peak memory {peak_mb():.0f} MB")


if __name__ == "__main__":
    main()
