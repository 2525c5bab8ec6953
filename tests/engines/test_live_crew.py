"""The crew of the live engine by itself: a caller that only counts, and a clock that goes on when somebody rests."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import orjson
import pytest

from codebook.engines.openai_live import crew as crew_module
from codebook.engines.openai_live.call_lines import Ask, LostError, Reply
from codebook.engines.openai_live.crew import Crew
from codebook.engines.openai_live.journal import Journal
from codebook.engines.openai_live.spend import Spend
from codebook.records import CHAT

GOOD = Reply(200, b'{"object":"chat.completion","choices":[]}')


class Clock:
    """Seconds that pass only where somebody rests."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.n_holds = 0.0, 0
        monkeypatch.setattr(crew_module, "time", SimpleNamespace(monotonic=lambda: self.now))
        monkeypatch.setattr(crew_module, "draw_pause", lambda _: 10.0)
        monkeypatch.setattr("codebook.engines.openai_live.pace.draw_pause", self.hold)
        monkeypatch.setattr(Crew, "_rest", self.rest)

    def hold(self, _: int) -> float:
        self.n_holds += 1
        return 0.0

    async def rest(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(0)


class Counting:
    """A caller that answers by the question's name, and notes when it was called."""

    secret = ""

    def __init__(self, clock: Clock, answer: Callable[[str, int], Reply | LostError]) -> None:
        self.clock, self.answer = clock, answer
        self.calls: list[tuple[float, str]] = []
        self.n_calls: Counter[str] = Counter()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    def address(self, url: str) -> str:
        return f"http://127.0.0.1{url}"

    async def call(self, _: str, body: bytes) -> Reply:
        name = body.decode()
        self.calls.append((self.clock.now, name))
        self.n_calls[name] += 1
        await asyncio.sleep(0)
        outcome = self.answer(name, self.n_calls[name])
        if isinstance(outcome, LostError):
            raise outcome
        return outcome


def work(folder: Path, caller: Counting, names: list[str], *, concurrency: int) -> tuple[Crew, dict[str, Any]]:
    """Let a crew answer; it and the result lines by name."""

    async def run() -> Crew:
        asks = (Ask(name, CHAT, name.encode()) for name in names)
        journal: Any = Journal(folder / "part.jsonl")
        crew = Crew(asks, caller, journal, Spend(), concurrency=concurrency, attempts=6)  # type: ignore[arg-type]
        await crew.run()
        return crew

    crew = asyncio.run(run())
    lines = [orjson.loads(line) for line in (folder / "part.jsonl").read_bytes().splitlines()]
    assert len(lines) == len({line["custom_id"] for line in lines})
    return crew, {line["custom_id"]: line for line in lines}


BAD, FINE = [f"bad {n}" for n in range(9)], [f"good {n}" for n in range(40)]


def fail_with(outcome: Reply | LostError) -> Callable[[str, int], Reply | LostError]:
    return lambda name, _: outcome if name.startswith("bad") else GOOD


@pytest.mark.parametrize("outcome", [Reply(500, b"{}"), LostError("timeout", "no reply"), Reply(503, b"{}")])
@pytest.mark.parametrize("concurrency", [1, 2, 8])
def test_r46_lines_that_always_fail_step_aside_and_end_after_their_tries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, outcome: Reply | LostError, concurrency: int
) -> None:
    clock = Clock(monkeypatch)
    caller = Counting(clock, fail_with(outcome))
    names = [name for pair in zip(BAD, FINE, strict=False) for name in pair] + FINE[len(BAD) :]
    _, lines = work(tmp_path, caller, names, concurrency=concurrency)
    assert lines.keys() == {*BAD, *FINE}
    assert {caller.n_calls[name] for name in FINE} == {1}
    assert {caller.n_calls[name] for name in BAD} == {6}
    late = [name for at, name in caller.calls if at > 0 and name in FINE]
    assert len(late) < concurrency, "good lines waited for bad ones"  # those that were taken before the last rested
    assert clock.now <= 10.0 * 6 * len(BAD)


def test_r46_a_line_that_always_answers_429_slows_nobody_else_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    caller = Counting(clock, fail_with(Reply(429, b"{}")))
    names = [name for pair in zip(BAD, FINE, strict=False) for name in pair] + FINE[len(BAD) :]
    _, lines = work(tmp_path, caller, names, concurrency=4)
    assert {caller.n_calls[name] for name in BAD} == {6}
    assert [lines[name]["response"]["status_code"] for name in BAD] == [429] * len(BAD)
    assert clock.n_holds <= len(BAD), "only its first 429 says something of the service"
    assert len([name for at, name in caller.calls if at > 0 and name in FINE]) < 4


def test_r46_a_service_that_fails_for_all_is_asked_less_and_less(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    caller = Counting(clock, lambda name, n: Reply(500, b"{}") if n < 3 else GOOD)
    _, lines = work(tmp_path, caller, FINE, concurrency=4)
    assert {line["response"]["status_code"] for line in lines.values()} == {200}
    first = [name for at, name in caller.calls if at == 0]
    assert len(first) <= 3 * 4, "nobody rested although nothing worked"


def test_r46_what_steps_aside_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("codebook.engines.openai_live.crew.MOST_ASIDE_BYTES", 20)
    clock = Clock(monkeypatch)
    caller = Counting(clock, fail_with(Reply(500, b"{}")))
    _, lines = work(tmp_path, caller, [*BAD, *FINE], concurrency=2)
    assert len(lines) == len(BAD) + len(FINE)
    assert {caller.n_calls[name] for name in BAD} == {6}
