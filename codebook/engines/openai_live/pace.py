"""How many calls are open at a time, and how fast new ones are made: found out from what the service bears.

A window of open calls grows from a few by one with every reply, until the service says too much (429) or all that are
allowed are open; where the service's headers say that there is plenty, it opens at once. At a 429 it is cut to 0.7 of
what was open, once a round trip, and nobody calls until the service's Retry-After is over. From there it grows along a
cubic curve (that of RFC 9438, with time in round trips): soon back near the old peak, slowly around it, and faster
again once the peak has proved too low. New calls are spread over the round trip, and never made faster than the
service's own count of what is left (`Allowance`) permits.

How long to wait is what the headers of a service say; where they say nothing, pauses are drawn.
"""

from __future__ import annotations

import asyncio
import math
import random
import re
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from codebook.engines.service.objects import read_date

Headers = Mapping[str, str]

LONGEST_WAIT_S = 120.0
"""A service that asks for more than this is not waited for: the job stops and goes on later. The SDK's own figure."""
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 30.0
_UNITS_S = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 0.001, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|us|µs|ns|d|h|m|s)")


def read_retry_after(headers: Headers) -> float | None:
    """Return the seconds for which a service wants to be left alone, or None where it does not say.

    `retry-after-ms` counts before `retry-after`, which is in seconds or an HTTP date; what is not later than now says
    nothing. Now is the time in the header `date`: the service's clock and this machine's need not agree.

    Examples
    --------
    >>> read_retry_after({"retry-after-ms": "250", "retry-after": "1"}), read_retry_after({"retry-after": "2"})
    (0.25, 2.0)
    >>> read_retry_after({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}) is None
    True
    >>> read_retry_after({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT", "date": "Wed, 21 Oct 2015 07:27:50 GMT"})
    10.0
    """
    for name, per_second in (("retry-after-ms", 1000), ("retry-after", 1)):
        seconds = _read_number(headers.get(name, "")) / per_second
        if seconds > 0:
            return seconds
    try:
        until = parsedate_to_datetime(headers.get("retry-after", "")).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None
    seconds = until - (read_date(headers) or time.time())
    return seconds if seconds > 0 else None


def read_span(text: str) -> float:
    """Read the time span of a rate limit header, in seconds; NaN where it is none.

    Examples
    --------
    >>> [read_span(text) for text in ("1s", "6m0s", "12ms", "1h2m3.5s", "0.25", "soon")]
    [1.0, 360.0, 0.012, 3723.5, 0.25, nan]
    """
    parts = _PART.findall(text)
    if parts and "".join(number + unit for number, unit in parts) == text:
        return sum(float(number) * _UNITS_S[unit] for number, unit in parts)
    return _read_number(text)


def draw_pause(n_failed: int) -> float:
    """Return the seconds to wait after so many failures in a row: full jitter below a bound that doubles.

    Examples
    --------
    >>> max(draw_pause(1) for _ in range(100)) <= 0.5
    True
    """
    return random.uniform(0, min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2 ** min(n_failed - 1, 20)))


def _read_number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        return math.nan
    return number if math.isfinite(number) else math.nan


_CUT = 0.7
_ROUNDS = 12.0
"""Round trips from a cut back to the old peak."""
_LOW = 4.0
"""Below this a window is not cut because few calls happened to be open."""
_TICK_S = 0.002
_FAST, _STEADY = 8.0, 1.2
"""How much faster than (window / round trip) calls may follow each other: at first, and after the first cut."""
_SHARE = 0.97
_CERTAIN = 5
"""Units that must be used up before a rate is read off the headers: with fewer, rounding would be all there is."""


@dataclass(frozen=True, slots=True)
class Turn:
    """Leave to make a call: its number, counted from 1, and when it was given, in seconds of the clock."""

    number: int
    began: float


class Pace:
    """Gives turns to callers. All of it happens in one event loop.

    Attributes
    ----------
    concurrency
        Calls that may be open at the very most.
    window
        Calls that may be open now.
    n_open
        Calls that are open.
    room
        A bound that the caller sets, such as by what money is left.
    """

    def __init__(self, concurrency: int) -> None:
        self.concurrency, self.room = concurrency, math.inf
        self.window, self.n_open, self.n_begun = float(min(concurrency, max(8, concurrency // 8))), 0, 0
        self.allowances = (Allowance("requests"), Allowance("tokens"))
        self._waiting: deque[asyncio.Future[Turn | None]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._closed, self._n_in_a_row = False, 0
        self._round_s, self._next_at, self._held_until, self._cut_at = math.nan, 0.0, 0.0, -math.inf
        self._peak = math.inf  # no 429 yet: the window grows by one a reply

    async def enter(self) -> Turn | None:
        """Wait for a turn; None once the pace is closed."""
        if self._closed:
            return None
        now = time.monotonic()
        if not self._waiting and self._has_room() and self._wait_s(now) <= _TICK_S:
            return self._begin(now)
        future: asyncio.Future[Turn | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        self._wake()
        return await future

    def leave(self) -> None:
        """Give a turn back: the call is over, whatever came of it."""
        self.n_open -= 1
        self._wake()

    def close(self) -> None:
        """Give no more turns."""
        self._closed = True
        while self._waiting:
            future = self._waiting.popleft()
            if not future.done():
                future.set_result(None)
        if self._timer:
            self._timer.cancel()

    def learn(self, turn: Turn, headers: Mapping[str, str], n_tokens: int = 0) -> None:
        """Take in the rate limit headers of a reply, and how many tokens it took."""
        now, n_since, tokens = time.monotonic(), self.n_begun - turn.number, self.allowances[1]
        if n_tokens:
            tokens.cost += (n_tokens - tokens.cost) * (0.1 if tokens.cost > 1 else 1.0)
        for allowance in self.allowances:
            allowance.learn(headers, n_since, turn.began, now, turn.number)

    def succeed(self, turn: Turn) -> None:
        """Note that a call was answered: the window may grow, if it was full."""
        now, self._n_in_a_row = time.monotonic(), 0
        round_s = now - turn.began
        self._round_s = round_s if math.isnan(self._round_s) else 0.9 * self._round_s + 0.1 * round_s
        if self.n_open >= 0.8 * self.window:
            self.window = min(float(self.concurrency), self._grow(now))

    def yield_way(self, turn: Turn, wait_s: float | None, *, hold: bool = True) -> None:
        """Note that the service has too much to do: fewer calls, and none at all for `wait_s` (None: a guess)."""
        now = time.monotonic()
        if turn.began > self._cut_at:  # calls made before the cut say nothing about the window after it
            self._peak = min(self.window, max(float(self.n_open), _LOW))
            self.window, self._cut_at = max(1.0, _CUT * self._peak), now
            self._n_in_a_row += 1
            if hold and wait_s is None:
                wait_s = draw_pause(self._n_in_a_row)
        if hold and wait_s:
            self._held_until = max(self._held_until, now + wait_s)
            self._next_at = self._held_until

    def _grow(self, now: float) -> float:
        """The window after one more reply."""
        if math.isinf(self._peak):
            limited = not math.isinf(self.allowances[0].left(now))
            plenty = limited and all(self.concurrency * each.cost < each.left(now) for each in self.allowances)
            return float(self.concurrency) if plenty else self.window + 1.0
        rounds = (now - max(self._cut_at, self._held_until)) / max(self._round_s, 1e-3)
        aim = self._peak * (1 + (1 - _CUT) * ((rounds - _ROUNDS) / _ROUNDS) ** 3)
        return self.window + min(1.0, max(0.0, (aim - self.window) / self.window))

    def _wake(self) -> None:
        """Give turns to as many as may have one now; come back when the next may."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        while self._waiting and self._has_room():
            now = time.monotonic()
            wait_s = self._wait_s(now)
            if wait_s > _TICK_S:
                self._timer = asyncio.get_running_loop().call_later(wait_s, self._wake)
                return
            future = self._waiting.popleft()
            if not future.done():
                future.set_result(self._begin(now))

    def _has_room(self) -> bool:
        return self.n_open < min(int(self.window), self.room)

    def _wait_s(self, now: float) -> float:
        return max(
            self._held_until - now, self._next_at - now, *(allowance.wait_s(now) for allowance in self.allowances)
        )

    def _begin(self, now: float) -> Turn:
        for allowance in self.allowances:
            allowance.take(now)
        if not math.isnan(self._round_s):
            haste = _FAST if math.isinf(self._peak) else _STEADY
            step_s = self._round_s / (self.window * haste)
            self._next_at = max(self._next_at, now - 5 * _TICK_S) + step_s
        self.n_open += 1
        self.n_begun += 1
        return Turn(self.n_begun, now)


class Allowance:
    """A service's own count of requests or tokens, as far as it can be known from here.

    The service counts a call when it arrives, and says what is left then; it says so when the reply is there, and by
    that time other calls are on their way. So what is left now is what was said, less what was sent since, plus what
    came back since at the service's rate. The rate is (limit - remaining) / reset: what is used up comes back by then.

    Parameters
    ----------
    kind
        `requests` or `tokens`, as in `x-ratelimit-remaining-requests`.

    Attributes
    ----------
    cost
        Units that a call takes.
    rate
        Units that come back in a second; NaN until the headers have said so.

    Examples
    --------
    >>> said = {"limit": "60", "remaining": "10", "reset": "50s"}
    >>> allowance = Allowance("requests")
    >>> allowance.learn({f"x-ratelimit-{name}-requests": value for name, value in said.items()}, 1, 0.0, 2.0)
    >>> allowance.rate, allowance.left(2.0), allowance.left(12.0)
    (1.0, 10.94, 20.64)
    """

    def __init__(self, kind: str) -> None:
        self._names = [f"x-ratelimit-{word}-{kind}" for word in ("limit", "remaining", "reset")]
        self.cost, self.rate = 1.0, math.nan
        self._limit, self._left, self._at, self._newest = math.inf, math.inf, 0.0, -1

    def left(self, now: float) -> float:
        """Units that are left now; infinite where the headers did not say."""
        if math.isnan(self.rate):
            return math.inf
        return min(self._limit, self._left + self.rate * _SHARE * (now - self._at))

    def wait_s(self, now: float) -> float:
        """Seconds until a call may be made. A unit is left in hand, since clocks differ."""
        lacking = 2 * self.cost - self.left(now)
        if lacking <= 0 or self._limit < 2 * self.cost:
            return 0.0
        return lacking / (self.rate * _SHARE)

    def take(self, now: float) -> None:
        """Count a call that is made now."""
        if not math.isnan(self.rate):
            self._left, self._at = self.left(now) - self.cost, now

    def learn(self, headers: Mapping[str, str], n_since: int, began: float, now: float, number: int = 0) -> None:
        """Read the headers of a reply to call `number`, made at `began`; `n_since` calls were made after it."""
        if self._names[0] not in headers:
            return
        limit, left, reset_s = (read_span(headers.get(name, "")) for name in self._names)
        if math.isnan(limit) or math.isnan(left) or number < self._newest:
            return
        if reset_s > 0 and limit - left >= min(_CERTAIN * self.cost, limit / 2):
            self.rate = (limit - left) / reset_s
        if not math.isnan(self.rate):
            came_back = self.rate * _SHARE * (now - began)
            self._limit, self._newest = limit, number
            self._left, self._at = left - n_since * self.cost + came_back, now
