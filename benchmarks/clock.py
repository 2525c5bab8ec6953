"""Seconds of a piece of work, as the benchmarks of the analysis count them."""

from __future__ import annotations

import time
from collections.abc import Callable


def clock(work: Callable[[], object], repeats: int = 3, *, timer: Callable[[], float] = time.process_time) -> float:
    """Seconds of the fastest of some runs; those of the processor, unless told otherwise."""
    times = []
    for _ in range(repeats):
        start = timer()
        work()
        times.append(timer() - start)
    return min(times)
