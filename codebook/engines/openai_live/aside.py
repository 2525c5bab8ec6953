"""Questions that failed and stand aside until it is their turn again, so that they keep no other question waiting."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

from codebook.engines.openai_live.call_lines import Ask

MOST_ASIDE_BYTES = 50_000_000
"""Bodies that stand aside at a time; where they are more, the oldest are waited for."""


@dataclass(slots=True)
class Task:
    """A question on its way: how often it was asked in vain, and what had come of the others by then.

    `own` says that it fails by itself, whatever comes of the others.
    """

    ask: Ask
    n_tries: int = 0
    n_failed: int = 0
    n_replies: int = 0
    n_good: int = 0
    own: bool = False


class Queue:
    """Questions to be asked: those that stood aside long enough, then new ones."""

    def __init__(self, asks: Iterator[Ask]) -> None:
        self._asks = asks
        self._aside: list[tuple[float, int, Task]] = []
        self._numbers, self._n_bytes = count(), 0

    def put(self, task: Task, due: float) -> None:
        """Let a question stand aside until a time."""
        heapq.heappush(self._aside, (due, next(self._numbers), task))
        self._n_bytes += len(task.ask.body)

    def take(self, now: float, n_replies: int, n_good: int) -> tuple[Task, float] | None:
        """The next question and the seconds until it may be asked; None where there is none.

        A new one is told how many replies, and good ones, had come by then.
        """
        if not self._aside or (self._aside[0][0] > now and self._n_bytes < MOST_ASIDE_BYTES):
            if (ask := next(self._asks, None)) is not None:
                return Task(ask, n_replies=n_replies, n_good=n_good), 0.0
            if not self._aside:
                return None
        due, _, task = heapq.heappop(self._aside)
        self._n_bytes -= len(task.ask.body)
        return task, max(0.0, due - now)
