"""What the x-ratelimit headers of a service say is left, carried forward in time between two replies."""

from __future__ import annotations

import math
from collections.abc import Mapping

from codebook.engines.openai_live.waits import read_span

_SHARE = 0.97
_CERTAIN = 5
"""Units that must be used up before a rate is read off the headers: with fewer, rounding would be all there is."""


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
