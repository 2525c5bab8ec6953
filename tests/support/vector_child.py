"""Adds vectors to a store and is killed at each write in turn; says as JSON lines what came of it.

`vector_child.py FOLDER`. A child dies before or after its nth fsync, or with the last file torn in the middle of what
was written; then another one adds the rest.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from codebook.vectors import VectorStore

N, N_DIMENSIONS, N_AT_ONCE = 40, 6, 16
TEXTS = [f"text {number}" for number in range(N)]


def vector_of(text: str) -> np.ndarray:
    """The one right vector of a text."""
    return np.random.default_rng(list(text.encode())).standard_normal(N_DIMENSIONS).astype("<f4")


def add_all(folder: Path) -> int:
    """Add what is missing, some at a time; return how many were."""
    store = VectorStore(folder)
    todo = store.missing(TEXTS)
    for begin in range(0, len(todo), N_AT_ONCE):
        some = todo[begin : begin + N_AT_ONCE]
        store.add(some, np.array([vector_of(text) for text in some]))
    store.add([], np.empty((0, N_DIMENSIONS)))
    return len(todo)


def die_at(nth: int, how: str) -> None:
    """Make the nth fsync the last thing this process does."""
    sync, count, synced = os.fsync, 0, dict[int, int]()

    def counted(number: int) -> None:
        nonlocal count
        count += 1
        file, size = os.fstat(number).st_ino, os.fstat(number).st_size
        if count == nth and how == "torn":  # what an earlier fsync was for stays
            os.ftruncate(number, max(synced.get(file, 0), size - 37))
        if count == nth and how != "after":
            os.kill(os.getpid(), signal.SIGKILL)
        sync(number)
        synced[file] = size
        if count == nth:
            os.kill(os.getpid(), signal.SIGKILL)

    os.fsync = counted


def look(folder: Path) -> dict[str, Any]:
    """How many vectors there are, and how many of them are wrong."""
    store = VectorStore(folder)
    rows = store.rows(TEXTS)
    wrong = [
        text for text, row in zip(TEXTS, rows, strict=True) if row >= 0 and (store.array[row] != vector_of(text)).any()
    ]
    return {"n": len(store), "wrong": wrong, "rows": sorted(int(row) for row in rows if row >= 0)}


def sweep(root: Path) -> None:
    """Die at every point."""
    for how in ("before", "after", "torn"):
        nth, died = 0, True
        while died:
            nth += 1
            folder = root / f"{how}-{nth}"
            child = os.fork()
            if not child:
                die_at(nth, how)
                add_all(folder)
                os._exit(0)
            died = os.waitpid(child, 0)[1] == signal.SIGKILL
            first = look(folder)
            n_added = add_all(folder)
            last, shape = look(folder), np.load(folder / "vectors.npy", mmap_mode="r").shape
            told = {"how": how, "nth": nth, "died": died, "first": first, "n_added": n_added, "last": last}
            sys.stdout.buffer.write(orjson.dumps({**told, "shape": shape}) + b"\n")


if __name__ == "__main__":
    sweep(Path(sys.argv[1]))
