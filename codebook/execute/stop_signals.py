"""Being stopped from outside: Ctrl-C, SIGTERM and SIGHUP end what runs in order, so that nothing is left behind."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

SAID = "Stopped. Nothing is lost; run the same command again."
_ENDS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
_stopped = threading.Event()


def is_stopping() -> bool:
    """Whether what runs was told to stop, so that nothing should be waited for any more."""
    return _stopped.is_set()


@contextmanager
def orderly_end() -> Iterator[None]:
    """Let SIGTERM and SIGHUP unwind what is inside, as Ctrl-C does; the exit code is then 128 and the signal's number.

    Where the program, or nohup, treats a signal in its own way, or outside of the main thread, nothing is changed. A
    second signal of the kind is ignored, since the end is near.
    """
    mine = _take_over() if threading.current_thread() is threading.main_thread() else {}
    try:
        yield
    except SystemExit:
        if mine and is_stopping():
            sys.stderr.write(f"\n{SAID}\n")
        raise
    finally:
        for number, before in mine.items():
            signal.signal(number, before)
        if mine:
            _stopped.clear()


def _take_over() -> dict[signal.Signals, Any]:
    """Handle the signals that nobody else handles; return how they were handled before."""
    usual = {signal.SIGINT: signal.default_int_handler} | dict.fromkeys(_ENDS, signal.SIG_DFL)
    mine = {number: before for number, before in usual.items() if signal.getsignal(number) is before}
    for number in mine:
        signal.signal(number, _stop)
    return mine


def _stop(number: int, _frame: FrameType | None) -> None:
    _stopped.set()
    if number == signal.SIGINT:
        signal.signal(number, signal.default_int_handler)  # a second Ctrl-C ends the end too
        raise KeyboardInterrupt
    for end in _ENDS:
        signal.signal(end, signal.SIG_IGN)
    raise SystemExit(128 + number)
