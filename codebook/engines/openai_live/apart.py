"""A crew at work in an event loop and thread of its own, so that it works in a notebook, whose loop runs already."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress

from codebook.engines.openai_live.crew import Crew

TICK_S = 0.1
GRACE_S = 5.0
"""Seconds that open calls are given after Ctrl-C: they are paid for. A second Ctrl-C ends them at once."""


class Apart:
    """A crew in a thread of its own, seen from the thread that waits for it."""

    def __init__(self, crew: Crew) -> None:
        self.crew = crew
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None

    def run(self, tick: Callable[[], bool]) -> None:
        """Work to the end. `tick` is called now and then, in the caller's thread; the crew stops when it is true.

        Raises
        ------
        KeyboardInterrupt
            Ctrl-C, after the open calls have come to their end or the grace is over; what was answered is on disk.
        """
        with ThreadPoolExecutor(1, thread_name_prefix="openai_live") as pool:
            future = pool.submit(self._run_loop)
            try:
                while not wait([future], TICK_S).done:
                    if tick():
                        self._do(self.crew.stop)
            except BaseException:
                self._wind_up(future)
                raise
            tick()
        _result(future)

    def _run_loop(self) -> None:
        asyncio.run(self._main())

    async def _main(self) -> None:
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        await self.crew.run()

    def _wind_up(self, future: Future[None]) -> None:
        """Let open calls end for a while, then break them off."""
        try:
            for _ in range(int(GRACE_S / TICK_S)):
                self._do(self.crew.stop)
                if wait([future], TICK_S).done:
                    break
        finally:
            if self._task and not future.done():
                self._do(self._task.cancel)

    def _do(self, what: Callable[[], object]) -> None:
        """Have something done in the loop; nothing, where it is not there yet or not there any more."""
        if self._loop:
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(what)


def _result(future: Future[None]) -> None:
    """Raise what went wrong in the loop, not the group in which it is wrapped."""
    try:
        future.result()
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None
