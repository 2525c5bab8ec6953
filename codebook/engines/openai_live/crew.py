"""A fixed number of workers that take questions from an iterator, have them answered and write the answers down.

A question that fails stands aside until it may be asked again, and its worker goes on with others.
A reply is kept, or the question is asked again (`may_pass`), or the job stops (`find_stop`).
"""

from __future__ import annotations

import asyncio
import heapq
import math
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

from codebook.engines.openai_live.call_lines import (
    Ask,
    LostError,
    Reply,
    count_tokens,
    write_lost_line,
    write_reply_line,
)
from codebook.engines.openai_live.calls import Caller
from codebook.engines.openai_live.journal import Journal
from codebook.engines.openai_live.pace import LONGEST_WAIT_S, Pace, Turn, draw_pause, read_retry_after
from codebook.engines.openai_live.spend import Spend
from codebook.engines.service import explain
from codebook.engines.service.objects import is_page, lacks_endpoint, read_words
from codebook.errors import EngineError, UnreachableError

OVERLOADED = frozenset({429, 503, 529})
"""Statuses with which a service says that it has too much to do."""
_PASSING = frozenset({408, 409, 429})
_FOR_NOW = frozenset({302, 303, 307})
_NO_CREDIT = frozenset({"insufficient_quota", "billing_hard_limit_reached"})


def may_pass(reply: Reply | LostError) -> bool:
    """Whether the same question may be answered later: the SDK's rule, `x-should-retry` included."""
    if isinstance(reply, LostError):
        return True
    advice = reply.headers.get("x-should-retry")
    if advice in ("true", "false"):
        return advice == "true"
    return reply.status in _PASSING or reply.status >= 500


def find_stop(reply: Reply, address: str, secret: str) -> EngineError | None:
    """Return the error that ends the job, where no other question can fare better than this one did."""
    what = f"call of {address}"
    if reply.status in (401, 403) or (reply.status == 429 and _code(reply) in _NO_CREDIT):
        return explain(_as_sdk_error(reply, address), what, secret)
    if 300 <= reply.status < 400:
        to = f"status {reply.status}, {reply.headers.get('location', 'no address')}"
        kind = UnreachableError if reply.status in _FOR_NOW else EngineError  # as to a login page, which may go away
        return kind(f"{what}: the service is elsewhere ({to}). To mend: correct base_url.")
    words = read_words(reply.raw[:1000].decode("utf-8", "replace") if reply.body is None else _error(reply))
    if lacks_endpoint(reply.status, words):
        mend = "correct base_url" if "/v1/" in address else f"add /v1 to base_url ({_with_version(address)})"
        kind = UnreachableError if is_page(reply.raw, reply.headers) else EngineError  # a proxy's page may go away
        return kind(
            f"{address} does not exist at the service (status {reply.status}). To mend: {mend}; a service may have "
            "batches and no live calls."
        )
    wait_s = read_retry_after(reply.headers)
    if reply.status in OVERLOADED and wait_s and wait_s > LONGEST_WAIT_S:
        return UnreachableError(
            f"{what}: the service asks to be left alone for {wait_s:,.0f} s (status {reply.status}). "
            "Answers so far are kept; submit again later, it goes on where it stopped."
        )
    return None


def _with_version(address: str) -> str:
    """The base of an address, with the version behind it.

    Examples
    --------
    >>> _with_version("http://127.0.0.1:8000/chat/completions")
    'http://127.0.0.1:8000/v1'
    """
    return re.sub(r"/(chat/completions|responses|embeddings)$", "/v1", address)


def _as_sdk_error(reply: Reply, address: str) -> Exception:
    """The exception that the SDK raises for a reply."""
    import httpx2
    import openai

    kinds: dict[int, type[openai.APIStatusError]] = {
        401: openai.AuthenticationError,
        403: openai.PermissionDeniedError,
        429: openai.RateLimitError,
    }
    response = httpx2.Response(reply.status, request=httpx2.Request("POST", address))
    error = _error(reply)
    message = error.get("message") or reply.raw[:300].decode("utf-8", "replace")
    return kinds[reply.status](f"Error code: {reply.status} - {message}", response=response, body=error)


def _error(reply: Reply) -> dict[str, Any]:
    """The error object of a body, which may stand in `error` or be the body itself."""
    body = reply.body or {}
    error = body.get("error", body)
    return error if isinstance(error, dict) else {"message": str(error)}


def _code(reply: Reply) -> str:
    error = _error(reply)
    return str(error.get("code") or error.get("type") or "")


_NOBODY = frozenset({"connect", "page"})
"""Codes of calls that did not reach the service."""
MOST_ASIDE_BYTES = 50_000_000
"""Bodies that stand aside at a time; where they are more, the oldest are waited for."""


@dataclass(frozen=True, slots=True)
class Patience:
    """When a service that does not reply is given up: it cannot be connected to, or a proxy answers in its place.

    `n_calls` in a row and `first_s` seconds, or `few_s` seconds where there are fewer calls, if it never replied in
    this job; `later_s` seconds if it did.
    """

    n_calls: int = 20
    first_s: float = 3.0
    few_s: float = 10.0
    later_s: float = 60.0

    def is_over(self, n_calls: int, seconds: float, *, replied: bool) -> bool:
        """Whether so many calls in so many seconds without a reply are enough."""
        if replied:
            return seconds >= self.later_s
        return seconds >= (self.first_s if n_calls >= self.n_calls else self.few_s)


class Crew:
    """Answers questions until there are none left, or until it is stopped.

    Parameters
    ----------
    asks
        The questions; read by one worker at a time, as they are needed.
    concurrency
        Workers, and calls that may be open at a time.
    attempts
        Calls made for a question before its error is its answer.

    Attributes
    ----------
    error
        Why it stopped before the end, if it did.
    n_failed
        Questions whose answer is an error.
    """

    def __init__(
        self, asks: Iterator[Ask], caller: Caller, journal: Journal, spend: Spend, *, concurrency: int, attempts: int
    ) -> None:
        self.queue, self.caller, self.journal, self.spend = Queue(asks), caller, journal, spend
        self.concurrency, self.attempts = concurrency, attempts
        self.pace, self.patience = Pace(concurrency), Patience()
        self.error: Exception | None = None
        self.n_failed = 0
        self._stopped = asyncio.Event()
        self._n_replies = self._n_good = self._n_in_vain = self._n_unreached = 0
        self._unreached_at = math.nan

    async def run(self) -> None:
        """Answer all questions."""
        self._heed_cap()
        async with self.journal, self.caller, asyncio.TaskGroup() as group:
            for _ in range(self.concurrency):
                group.create_task(self._work())

    def stop(self, error: Exception | None = None) -> None:
        """Make no new calls. Those that are open come to their end, and their answers are kept."""
        self.error = self.error or error
        self._stopped.set()
        self.pace.close()

    async def _work(self) -> None:
        while not self._stopped.is_set():
            taken = self.queue.take(time.monotonic(), self._n_replies, self._n_good)
            if taken is None:
                return
            task, wait_s = taken
            await self._rest(wait_s)
            if (line := await self._ask(task)) is not None:
                await self.journal.put(line)

    async def _ask(self, task: Task) -> bytes | None:
        """Ask a question once: its result line; None where it stands aside, or where the crew was stopped."""
        turn = await self.pace.enter()
        if turn is None:
            return None
        try:
            outcome = await self._call(task.ask)
            self._heed(turn, outcome, task)
            if stop := self._find_stop(task.ask, outcome):
                self.stop(stop)
                return None
        finally:
            self.pace.leave()
        if isinstance(outcome, Reply) and outcome.status == 200:
            self._n_good, self._n_in_vain = self._n_good + 1, 0
            return self._write(task.ask, outcome)
        return await self._note_failure(task, outcome)

    async def _note_failure(self, task: Task, outcome: Reply | LostError) -> bytes | None:
        """Let a question that failed stand aside, or write its error down after the last try.

        Where nothing works any more, nobody hurries on to the next question.
        """
        self._n_in_vain += not self._is_own(task)
        task.n_tries, task.n_failed = task.n_tries + self._counts(outcome, task.n_replies), task.n_failed + 1
        task.n_replies, task.n_good = self._n_replies, self._n_good
        if task.n_tries >= self.attempts or not may_pass(outcome):
            return self._write(task.ask, outcome)
        self.queue.put(task, time.monotonic() + _pause_s(outcome, task.n_failed))
        if self._n_in_vain > self.concurrency and not _holds(outcome):
            await self._rest(draw_pause(self._n_in_vain // self.concurrency))
        return None

    def _is_own(self, task: Task) -> bool:
        """Whether a question that failed before fails by itself: others were answered meanwhile, once at least."""
        task.fails_alone = task.fails_alone or (task.n_failed > 0 and self._n_good > task.n_good)
        return task.fails_alone

    async def _call(self, ask: Ask) -> Reply | LostError:
        try:
            return await self.caller.call(ask.url, ask.body)
        except LostError as lost:
            return lost

    def _heed(self, turn: Turn, outcome: Reply | LostError, task: Task) -> None:
        """Learn from what came of a call: how fast to go on, and what is spent.

        A question that fails by itself says nothing of how much the service bears.
        """
        if isinstance(outcome, LostError):
            if outcome.code in _NOBODY:
                self._note_unreached(outcome)
            elif not self._is_own(task):
                self.pace.yield_way(turn, None, hold=False)
            return
        self._n_replies, self._n_unreached, self._unreached_at = self._n_replies + 1, 0, math.nan
        body = outcome.body if outcome.status == 200 else None
        self.pace.learn(turn, outcome.headers, count_tokens(body))
        if outcome.status in OVERLOADED:
            if not self._is_own(task):
                self.pace.yield_way(turn, read_retry_after(outcome.headers))
        elif outcome.status < 500:
            self.pace.succeed(turn)
        if outcome.status == 200:
            self.spend.add(body or {})  # what nobody can read was paid as well
            self._heed_cap()

    def _find_stop(self, ask: Ask, outcome: Reply | LostError) -> Exception | None:
        if isinstance(outcome, LostError) or outcome.status == 200:
            return None
        return find_stop(outcome, self.caller.address(ask.url), self.caller.secret)

    def _heed_cap(self) -> None:
        """Let only so many calls be open as what is left of the cap can pay for."""
        if self.spend.cap is not None:
            self.pace.room = self.spend.room
            if error := self.spend.check():
                self.stop(error)

    def _note_unreached(self, lost: LostError) -> None:
        now = time.monotonic()
        self._n_unreached += 1
        if math.isnan(self._unreached_at):
            self._unreached_at = now
        if self.patience.is_over(self._n_unreached, now - self._unreached_at, replied=self._n_replies > 0):
            self.stop(
                UnreachableError(
                    f"{self.caller.sdk.base_url} cannot be reached: {self._n_unreached} calls in a row got no reply "
                    f"({lost}). Answers so far are kept. To mend: check base_url and the network, and submit again."
                )
            )

    def _counts(self, outcome: Reply | LostError, n_replies: int) -> bool:
        """Whether a call counts as an attempt: not where nothing was sent, nor where a proxy answers everybody.

        `n_replies` had come when the question was asked before.
        """
        if isinstance(outcome, Reply) or outcome.code not in _NOBODY:
            return True
        return outcome.code == "page" and self._n_replies > n_replies

    def _write(self, ask: Ask, outcome: Reply | LostError) -> bytes:
        if isinstance(outcome, LostError):
            self.n_failed += 1
            return write_lost_line(ask, outcome)
        self.n_failed += outcome.status != 200
        return write_reply_line(ask, outcome)

    async def _rest(self, seconds: float) -> None:
        """Wait, but not once the crew is stopped."""
        if seconds:
            try:
                async with asyncio.timeout(seconds):
                    await self._stopped.wait()
            except TimeoutError:
                pass


def _holds(outcome: Reply | LostError) -> bool:
    """Whether all wait together after this: the service has too much to do."""
    return isinstance(outcome, Reply) and outcome.status in OVERLOADED


def _pause_s(outcome: Reply | LostError, n_failed: int) -> float:
    """Seconds until a question is asked again.

    After an overload, for which all wait together, others go first: what comes of them says whether it is the service
    that has too much to do, or this question that always gets such an answer.
    """
    wait_s = None if isinstance(outcome, LostError) else read_retry_after(outcome.headers)
    if wait_s and wait_s <= LONGEST_WAIT_S:
        return wait_s + (draw_pause(n_failed) if _holds(outcome) else 0.0)
    return draw_pause(n_failed)


@dataclass(slots=True)
class Task:
    """A question on its way: how often it was asked in vain, and what had come of the others by then.

    `fails_alone` says that it fails by itself, whatever comes of the others.
    """

    ask: Ask
    n_tries: int = 0
    n_failed: int = 0
    n_replies: int = 0
    n_good: int = 0
    fails_alone: bool = False


class Queue:
    """Questions to be asked: those that stood aside long enough, then new ones."""

    def __init__(self, asks: Iterator[Ask]) -> None:
        self._asks = asks
        self._aside: list[tuple[float, int, Task]] = []
        self._numbers, self._n_bytes = count(), 0

    def put(self, task: Task, due: float) -> None:
        """Let a question stand aside until a time."""
        heapq.heappush(self._aside, (due, next(self._numbers), task))
        self._n_bytes += len(task.ask.body)

    def take(self, now: float, n_replies: int, n_good: int) -> tuple[Task, float] | None:
        """The next question and the seconds until it may be asked; None where there is none.

        A new one is told how many replies, and good ones, had come by then.
        """
        if not self._aside or (self._aside[0][0] > now and self._n_bytes < MOST_ASIDE_BYTES):
            if (ask := next(self._asks, None)) is not None:
                return Task(ask, n_replies=n_replies, n_good=n_good), 0.0
            if not self._aside:
                return None
        due, _, task = heapq.heappop(self._aside)
        self._n_bytes -= len(task.ask.body)
        return task, max(0.0, due - now)
