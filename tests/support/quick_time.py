"""The live engine by a clock that jumps to what is waited for: minutes pass at once, and a busy machine is no fault."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, Self

import pytest
from fakes.loopback import Answer, Call

from codebook.engines.openai_live import Apart
from codebook.engines.openai_live.call_lines import Reply
from codebook.engines.service import Client

NOW = 1_800_000_000.0
"""The time of day, in seconds since 1970, when the clock begins at 0."""


class QuickLoop(asyncio.SelectorEventLoop):
    """An event loop that does not wait for its timers; for threads it does."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self._select = self._selector.select  # type: ignore[attr-defined]
        self._selector.select = self._jump  # type: ignore[attr-defined]

    def time(self) -> float:
        return self.now

    def _jump(self, timeout: float | None = None) -> Sequence[Any]:
        if not timeout:
            return list(self._select(timeout))
        events = self._select(0)
        self.now += 0.0 if events else timeout
        return list(events)


class Service:
    """What answers live calls in quick time, in the place of `Caller` and of a server.

    Attributes
    ----------
    calls
        When each call came, by the clock, in order; the first has the number 1.
    n_by_status
        Calls by the status of their answer.
    """

    def __init__(self, answer: Answer, patch: pytest.MonkeyPatch) -> None:
        self.answer, self.now = answer, 0.0
        self.calls: list[float] = []
        self.n_by_status: dict[int, int] = {}
        clock = SimpleNamespace(monotonic=self.time, time=lambda: NOW + self.time())
        for module in ("crew", "pace"):
            patch.setattr(f"codebook.engines.openai_live.{module}.time", clock)
        patch.setattr("codebook.engines.openai_live.Caller", self.connect)
        patch.setattr(Apart, "_run_loop", lambda apart: self.run(apart._main()))

    def time(self) -> float:
        """Seconds since the first call."""
        return self.loop.now if hasattr(self, "loop") else 0.0

    def run(self, main: Any) -> None:
        self.loop = QuickLoop()
        with asyncio.Runner(loop_factory=lambda: self.loop) as runner:
            runner.run(main)

    def connect(self, client: Client, timeout_s: float) -> Self:
        self.secret, self.timeout_s = "", timeout_s
        return self

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    def address(self, url: str) -> str:
        return url

    async def call(self, url: str, body: bytes) -> Reply:
        self.calls.append(self.time())
        response = self.answer(Call(len(self.calls), url, {}, body))
        assert math.isfinite(response.delay_s)
        await asyncio.sleep(response.delay_s)
        self.n_by_status[response.status] = self.n_by_status.get(response.status, 0) + 1
        return Reply(response.status, response.body, {name.lower(): text for name, text in response.headers.items()})
