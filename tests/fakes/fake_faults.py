"""Faults on demand and rate limits of the fake service."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

_FILES = ("files.create", "files.retrieve", "files.content", "files.delete", "files.list")
_BATCHES = ("batches.create", "batches.retrieve", "batches.list", "batches.cancel")
CALLS = frozenset({*_FILES, *_BATCHES, "chat", "responses", "embeddings", "models.list", "models.retrieve"})
BODIES = frozenset({"page", "half JSON", "other JSON"})
"""Kinds that do the work and send something else than its reply."""
WIRE = frozenset({"lost answer", "disconnect", "timeout", "status"}) | BODIES
_FIELDS = frozenset({"without"})
ENDED = frozenset({"counts lie", "no output", "no errors file", "error file only"})
"""Kinds that count (and touch) only retrievals of a batch that has ended."""
KINDS = {
    "batches.create": _FIELDS | {"file pending"},
    "batches.retrieve": ENDED | _FIELDS | {"unknown status", "slow validation"},
    "batches.list": _FIELDS | {"stale", "oldest first", "stuck", "endless"},
    "files.retrieve": _FIELDS | {"late", "wrong bytes", "bytes as text"},
    "files.content": frozenset({"truncate", "shuffle", "late"}),
}


@dataclass
class Fault:
    """What goes wrong, how often (`times`, None: always), after how many calls that go well, and how often it did."""

    call: str
    kind: str
    times: int | None = 1
    after: int = 0
    options: dict[str, Any] = field(default_factory=dict)
    n_fired: int = 0

    def fires(self) -> bool:
        """Count one call, and say whether this is one that goes wrong."""
        if self.after:
            self.after -= 1
            return False
        if self.times is not None and self.n_fired >= self.times:
            return False
        self.n_fired += 1
        return True


class FaultList:
    """The faults that are ordered; a call meets at most one, the first ordered that is due."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> Fault:
        """Order a fault."""
        assert fault.call in CALLS, f"{fault.call!r} is none of {sorted(CALLS)}"
        allowed = WIRE | KINDS.get(fault.call, frozenset())
        assert fault.kind in allowed, f"{fault.kind!r} is none of {sorted(allowed)}"
        self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Forget all faults."""
        self._faults.clear()

    def take(self, call: str, *, ended: bool | None = None) -> Fault | None:
        """The fault of this call. `ended` is None before the work is done, then whether the batch has ended."""
        for fault in self._faults:
            before = fault.kind not in ENDED
            if fault.call != call or before != (ended is None) or (ended is False and not before):
                continue
            if fault.fires():
                return fault
        return None


class Bucket:
    """A token bucket: `per_s` calls a second, `burst` at once."""

    def __init__(self, per_s: float, burst: float) -> None:
        self.per_s, self.burst, self._left, self._at = per_s, burst, burst, time.monotonic()

    def take(self) -> float:
        """Seconds to wait; 0 where the call may pass."""
        now = time.monotonic()
        self._left, self._at = min(self.burst, self._left + (now - self._at) * self.per_s), now
        if self._left < 1:
            return (1 - self._left) / self.per_s
        self._left -= 1
        return 0.0

    @property
    def headers(self) -> dict[str, str]:
        """What the service says of the limit, per minute."""
        return {
            "x-ratelimit-limit-requests": str(round(self.per_s * 60)),
            "x-ratelimit-remaining-requests": str(int(self._left)),
            "x-ratelimit-reset-requests": f"{(self.burst - self._left) / self.per_s:.3f}s",
            "x-ratelimit-limit-tokens": "2000000",
            "x-ratelimit-remaining-tokens": "1999000",
            "x-ratelimit-reset-tokens": "30ms",
        }
