"""Peak memory of many PDFs on their way from a folder to transcripts: planned, sharded, read, joined, written.

Run by hand: python benchmarks/documents.py --documents 500
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
from pathlib import Path

from memory import peak_mb

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

BALLAST = 60_000


def write_folder(folder: Path, n: int) -> None:
    """Write `n` PDFs of one page with a text layer and 60 kB that cannot be packed."""
    from pdf_files import write_pdf

    rng = random.Random(1)
    for number in range(n):
        lines = [
            f"Letter {number} to the editor of the paper.",
            f"It has the number {number}, and nothing else to say.",
        ]
        ballast = rng.randbytes(BALLAST).hex().encode()[:BALLAST]
        (folder / f"letter{number:04}.pdf").write_bytes(write_pdf([lines]) + b"\n%" + ballast + b"\n")


def measure(folder: Path, n: int) -> dict[str, object]:
    """Take the documents through a run; return counts, seconds and the peak after each stage."""
    import codebook as cb
    from codebook.scheme import parse_codebook

    book = parse_codebook("{name: letters, unit: a letter, variables: [{name: transcript, kind: transcription}]}")
    seconds, peaks = {}, {"start": peak_mb()}

    def stamp(stage: str, began: float) -> None:
        seconds[stage], peaks[stage] = time.perf_counter() - began, peak_mb()

    began = time.perf_counter()
    run = cb.plan(book, cb.read_documents(folder / "letters"), run="letters")
    stamp("plan", began)
    began = time.perf_counter()
    run.submit()
    run.collect()
    stamp("read", began)
    began = time.perf_counter()
    files = run.transcripts().write(folder / "out").frame
    stamp("write", began)
    last = json.loads((folder / "out" / f"letter{n - 1:04}.json").read_text())
    shards = sum(path.stat().st_size for path in (folder / "runs").rglob("shards/*.jsonl"))
    return {
        "n_written": int((files["n_pages"] == 1).sum()),
        "last": last["pages"][0]["text"],
        "shards_mb": shards / 1e6,
        "peak_mb": peaks,
        "seconds": seconds,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=500)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        os.environ["CODEBOOK_PROJECT"] = name
        (Path(name) / "letters").mkdir()
        write_folder(Path(name) / "letters", asked.documents)
        print(json.dumps(measure(Path(name), asked.documents)))
