"""Work off the kernel's main thread: one thing at a time, and a clock that repeats one thing while it is worth it."""

from __future__ import annotations

import atexit
import random
import threading
import weakref
from collections.abc import Callable

GROWTH, JITTER = 1.5, 0.2


class Worker:
    """Does one thing at a time in a thread of its own, so that no cell and no click waits for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    @property
    def busy(self) -> bool:
        """Whether something asked for by `start` is still being done."""
        return self._thread is not None and self._thread.is_alive()

    def start(self, work: Callable[[], None]) -> bool:
        """Begin something; False, and nothing begins, while the last thing is being done."""
        if self.busy:
            return False
        self._thread = threading.Thread(target=self._run, args=(work,), name="codebook-board", daemon=True)
        self._thread.start()
        return True

    def _run(self, work: Callable[[], None]) -> None:
        with self._lock:
            work()

    def do_now(self, work: Callable[[], None]) -> bool:
        """Do something in this thread; False, and nothing is done, while anything else is."""
        if self.busy or not self._lock.acquire(blocking=False):
            return False
        try:
            work()
        finally:
            self._lock.release()
        return True

    def wait(self, timeout_s: float = 60) -> None:
        """Wait until what was begun is done."""
        if self._thread is not None:
            self._thread.join(timeout_s)


class Clock:
    """Calls `tick` again and again in a daemon thread, with pauses that grow while nothing changes.

    Parameters
    ----------
    tick
        A bound method. It returns True where something changed, False where not, None where it need not be called any
        more. It is held weakly: where its object is gone, the clock stops.
    first_s, longest_s
        The first pause and the longest, in seconds.
    """

    def __init__(self, tick: Callable[[], bool | None], *, first_s: float = 10, longest_s: float = 300) -> None:
        self._tick = weakref.WeakMethod(tick)
        self._first_s, self._longest_s = first_s, longest_s
        self._stop = threading.Event()
        self.pause_s = first_s
        self._thread = threading.Thread(target=self._run, name="codebook-refresh", daemon=True)

    def start(self) -> None:
        """Begin; the first call comes after the first pause."""
        atexit.register(self.stop)
        self._thread.start()

    def stop(self) -> None:
        """Stop; a call that is under way comes to its end."""
        self._stop.set()
        atexit.unregister(self.stop)

    def join(self, timeout_s: float = 60) -> None:
        """Wait until the thread has ended."""
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout_s)

    @property
    def alive(self) -> bool:
        """Whether it still calls."""
        return self._thread.is_alive() and not self._stop.is_set()

    def _run(self) -> None:
        try:
            while not self._stop.wait(self.pause_s * random.uniform(1 - JITTER, 1 + JITTER)):
                tick = self._tick()
                changed = None if tick is None else tick()
                del tick  # held only while it is called
                if changed is None:
                    return
                self.pause_s = self._first_s if changed else min(self._longest_s, self.pause_s * GROWTH)
        finally:
            self.stop()
