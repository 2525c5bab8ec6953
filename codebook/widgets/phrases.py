"""Times, numbers and states as a person reads them. Times are those of the place where the kernel runs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from codebook.records import ENDED, NOT_NEEDED
from codebook.run.history import say_seconds


def is_missing(value: Any) -> bool:
    """Whether a cell of a frame holds nothing.

    Examples
    --------
    >>> is_missing(None), is_missing(float("nan")), is_missing(""), is_missing(0)
    (True, True, True, False)
    """
    return value is None or value == "" or bool(value != value)


def say_time(moment: Any, now: datetime | None = None) -> str:
    """Say a time: the hour today, else the day too.

    Examples
    --------
    >>> from datetime import UTC
    >>> now = datetime(2026, 11, 21, 15, 0).astimezone()
    >>> say_time(now.replace(hour=9, minute=5), now), say_time(now.replace(month=3, day=2), now)
    ('09:05', '2 Mar 15:00')
    """
    if is_missing(moment):
        return ""
    here = datetime.fromtimestamp(moment.timestamp()).astimezone()
    today = (now or datetime.now()).astimezone()
    if here.date() == today.date():
        return f"{here:%H:%M}"
    year = f" {here.year}" if here.year != today.year else ""
    return f"{here.day} {here:%b}{year} {here:%H:%M}"


def say_zone() -> str:
    """Say which zone the times are in."""
    return datetime.now().astimezone().tzname() or "local time"


def say_span(span: Any) -> str:
    """Say how long, in its two largest units.

    Examples
    --------
    >>> from datetime import timedelta
    >>> say_span(timedelta(seconds=42)), say_span(timedelta(hours=3, minutes=5)), say_span(timedelta(days=2, hours=1))
    ('42 s', '3 h 5 min', '2 d 1 h')
    """
    if is_missing(span):
        return ""
    return say_seconds(span.total_seconds())


def say_number(value: Any) -> str:
    """Say a number without decimals, or a dash.

    Examples
    --------
    >>> say_number(12345.6), say_number(float("nan"))
    ('12,346', '–')
    """
    return "–" if is_missing(value) else f"{value:,.0f}"


def kind_of_state(state: str, collected: bool) -> str:
    """Return what a state means for the reader: unsent, waits, runs, fetch, done or bad.

    Examples
    --------
    >>> [kind_of_state(state, False) for state in ("planned", "waiting", "in_progress", "completed", "failed")]
    ['unsent', 'waits', 'runs', 'fetch', 'bad']
    """
    if state in ("planned", "creating"):
        return "unsent"
    if state == "waiting":
        return "waits"
    if state == NOT_NEEDED:
        return "done"
    if state not in ENDED:
        return "runs"
    if state in ("failed", "expired", "cancelled"):
        return "bad"
    return "done" if collected else "fetch"
