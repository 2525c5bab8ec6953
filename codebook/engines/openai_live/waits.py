"""How long to wait: what the headers of a service say, and the pauses where they say nothing."""

from __future__ import annotations

import math
import random
import re
import time
from collections.abc import Mapping
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
