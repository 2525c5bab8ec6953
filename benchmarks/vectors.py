"""Vectors: all pairs or an index, the store, and 20,000 texts through kills with the real models.

Run from the repository: `python benchmarks/vectors.py neighbours`, `duplicates`, `store` or `resume` (all of them where
none is named).
Seconds are of the processor, so that a busy machine changes little; one thread of linear algebra.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"))

import numpy as np
from memory import peak_mb

from codebook.analysis.vectors import cluster_vectors, map_vectors, near_duplicates, nearest
from codebook.run import embed_texts, open_run
from codebook.vectors import VectorStore

N_CENTRES, N_TEXTS, N_QUERIES = 200, 20_000, 1_000
MANY = (10_000, 20_000, 40_000)
SIZES = ((384, 10_000), (384, 50_000), (896, 10_000), (896, 50_000))
"""Dimensions, and how many vectors."""
WORDS = ["coal", "gas", "wind", "sun", "oil", "steel", "iron", "rail", "road", "ship"]


def draw(n: int, d: int) -> np.ndarray:
    """Vectors around common centres, as those of texts are."""
    rng = np.random.default_rng(1)
    centres = rng.standard_normal((N_CENTRES, d)).astype("f4")
    return centres[rng.integers(0, N_CENTRES, n)] + rng.standard_normal((n, d)).astype("f4")


def taken(call: Callable[[], object]) -> tuple[float, object]:
    start = time.process_time()
    found = call()
    return time.process_time() - start, found


def neighbours() -> None:
    for d, n in SIZES:
        vectors, asked = draw(n, d), draw(n, d)[:N_QUERIES]
        exact_s, exact = taken(lambda: nearest(vectors, asked, 10, exact=True))  # noqa: B023
        all_s = exact_s * n / N_QUERIES
        print(f"{n:7,} of {d}: {N_QUERIES:,} queries {exact_s:6.2f} s; all among themselves {all_s:7.1f} s", end="")
        index_s, found = taken(lambda: nearest(vectors, asked, 10, exact=False))  # noqa: B023
        twice_s, _ = taken(lambda: nearest(vectors, np.vstack([asked, asked]), 10, exact=False))  # noqa: B023
        recall = len(exact.frame.merge(found.frame, on=["query", "row"])) / len(exact.frame)
        each_s = max(twice_s - index_s, 0) / N_QUERIES
        print(f"; by an index {index_s + each_s * (n - N_QUERIES):6.1f} s, recall {recall:.3f}", flush=True)
    vectors = draw(N_TEXTS, 384)
    for what, call in (
        (f"20 clusters of {N_TEXTS:,}", lambda: cluster_vectors(vectors, k=20)),
        (
            f"clusters of {N_TEXTS // 4:,} by a threshold",
            lambda: cluster_vectors(vectors[: N_TEXTS // 4], threshold=0.4),
        ),
        (f"map of {N_TEXTS:,}", lambda: map_vectors(vectors)),
    ):
        print(f"{what}: {taken(call)[0]:.1f} s", flush=True)
    print(f"peak memory {peak_mb():.0f} MB")


def duplicates() -> None:
    """Pairs of which one is nearly the other: by comparing all, by an index, and which of them an index finds."""
    for n in MANY:
        vectors, rng = draw(n, 384), np.random.default_rng(2)
        copies = rng.integers(0, n - n // 20, n // 20)
        vectors[-len(copies) :] = vectors[copies] + 0.15 * rng.standard_normal((len(copies), 384)).astype("f4")
        exact_s, exact = taken(lambda: near_duplicates(vectors, 0.95, exact=True).frame)  # noqa: B023
        index_s, found = taken(lambda: near_duplicates(vectors, 0.95, exact=False).frame)  # noqa: B023
        recall = len(exact.merge(found, on=["first", "second"])) / len(exact)
        print(f"{n:7,}: {len(exact):,} near pairs: all compared {exact_s:6.1f} s,", end=" ")
        print(f"by an index {index_s:6.1f} s, recall {recall:.3f}", flush=True)


def store() -> None:
    with tempfile.TemporaryDirectory() as name:
        n = N_TEXTS // 2
        kept, vectors = VectorStore(Path(name) / "m"), draw(n, 384)
        for part in range(20):
            texts = [f"text {part * n + number}" for number in range(n)]
            seconds, _ = taken(lambda: kept.add(texts, vectors))  # noqa: B023
        every = [f"text {number}" for number in range(20 * n)]
        looked_s, _ = taken(lambda: kept.rows(every))
        print(f"the last {n:,} of {len(kept):,}: added in {seconds:.2f} s; rows of all found in {looked_s:.2f} s")
        print(f"peak memory {peak_mb():.0f} MB; the file has {kept.vectors_path.stat().st_size / 2**20:.0f} MB")


def child() -> None:
    embed_texts([f"{WORDS[n % 10]} {WORDS[n // 10 % 10]} {n}" for n in range(N_TEXTS)], dimensions=384, run="big")


def resume() -> None:
    """Kill a run of 20,000 texts twice on its way, and let it end."""
    with tempfile.TemporaryDirectory() as name:
        environment = {**os.environ, "CODEBOOK_PROJECT": name}
        start, alive = time.perf_counter(), []
        for share in (0.2, 0.6, 1.0):
            process = subprocess.Popen([sys.executable, __file__, "child"], env=environment)
            while process.poll() is None and (done := _n_answered(Path(name))) < share * N_TEXTS / 64:
                time.sleep(0.2)
            if share < 1:
                process.send_signal(signal.SIGKILL)
                done = _n_answered(Path(name))
            process.wait()
            alive.append(done)
        os.environ["CODEBOOK_PROJECT"] = name
        run, seconds = open_run("big"), time.perf_counter() - start
        (results,) = run.folder.results.glob("*.jsonl")
        n_lines = results.read_bytes().count(b"\n")
        n_stored = len(VectorStore(Path(name) / "runs" / "vectors" / "embedded-use-minilm-2-384"))
        print(f"packs answered when it was killed: {alive[:-1]}; lines in the end {n_lines}, vectors {n_stored:,}")
        print(f"{N_TEXTS:,} texts in {seconds:.0f} s, kills included ({N_TEXTS / seconds:.0f} texts/s)")


def _n_answered(project: Path) -> int:
    """Lines of answers on disk."""
    return sum(path.read_bytes().count(b"\n") for path in project.glob("runs/big/work/*.part*"))


if __name__ == "__main__":
    parts = {"neighbours": neighbours, "duplicates": duplicates, "store": store, "resume": resume, "child": child}
    for chosen in sys.argv[1:] or ["neighbours", "duplicates", "store", "resume"]:
        parts[chosen]()
