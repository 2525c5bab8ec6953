"""Answers by concurrent live calls to any service that speaks the OpenAI API, at whatever speed it bears.

In comes a shard, out go result lines on disk as they come. Open this file, then `crew.py` (the workers, and what a
reply means), `pace.py` (how fast) and `journal.py` (how answers are kept).

A crew works in an event loop and thread of its own (`Apart`), so that it works in a notebook, whose loop runs already.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path
from typing import Any, TypedDict, Unpack

from tqdm import tqdm

from codebook.dialects.replies import open_line
from codebook.engines.jobs import JobEngine, JobFiles
from codebook.engines.openai_live.call_lines import NAME, Ask, read_ask
from codebook.engines.openai_live.calls import Caller, import_aiohttp
from codebook.engines.openai_live.crew import Crew
from codebook.engines.openai_live.journal import Journal
from codebook.engines.openai_live.spend import Price, Spend
from codebook.engines.protocol import About, Limits
from codebook.engines.service import Client, check_model, find_provider
from codebook.errors import Fault, ParameterError
from codebook.files.lines import iter_lines
from codebook.records import Shard

TICK_S = 0.1
GRACE_S = 5.0
"""Seconds that open calls are given after Ctrl-C: they are paid for. A second Ctrl-C ends them at once."""


class Apart:
    """A crew in a thread of its own, seen from the thread that waits for it."""

    def __init__(self, crew: Crew) -> None:
        self.crew = crew
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None

    def run(self, tick: Callable[[], bool]) -> None:
        """Work to the end. `tick` is called now and then, in the caller's thread; the crew stops when it is true.

        Raises
        ------
        KeyboardInterrupt
            Ctrl-C, after the open calls have come to their end or the grace is over; what was answered is on disk.
        """
        with ThreadPoolExecutor(1, thread_name_prefix="openai_live") as pool:
            future = pool.submit(self._run_loop)
            try:
                while not wait([future], TICK_S).done:
                    if tick():
                        self._do(self.crew.stop)
            except BaseException:
                self._wind_up(future)
                raise
            tick()
        _result(future)

    def _run_loop(self) -> None:
        asyncio.run(self._main())

    async def _main(self) -> None:
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        await self.crew.run()

    def _wind_up(self, future: Future[None]) -> None:
        """Let open calls end for a while, then break them off."""
        try:
            for _ in range(int(GRACE_S / TICK_S)):
                self._do(self.crew.stop)
                if wait([future], TICK_S).done:
                    break
        finally:
            if self._task and not future.done():
                self._do(self._task.cancel)

    def _do(self, what: Callable[[], object]) -> None:
        """Have something done in the loop; nothing, where it is not there yet or not there any more."""
        if self._loop:
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(what)


def _result(future: Future[None]) -> None:
    """Raise what went wrong in the loop, not the group in which it is wrapped."""
    try:
        future.result()
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None


class CallSettings(TypedDict, total=False):
    """How the calls are made, and what they may cost; what each means stands at the engine."""

    concurrency: int
    attempts: int
    timeout_s: float
    price: Price | None
    cap: float | None


class OpenAILiveEngine(JobEngine):
    """Answers a shard by live calls, many at a time.

    Answers go to disk as they come, in whatever order. An interrupted or killed job goes on when its shard is submitted
    again, and no answer that is on disk is asked for again. A live call has no name by which a service could know it
    again, so calls that were open at a kill are made, and paid, twice: at most `concurrency` of them, and as many
    answers as were not synced yet (64, or a tenth of a second's).

    A reply with status 408, 409, 429 or 5xx, a lost connection and a timeout are tried again; other errors are the
    answer to their line, in the service's own words. A refused key and an account without credit stop the job.

    Parameters
    ----------
    folder
        Where the work lies.
    model
        The model to ask.
    provider, base_url
        Who is asked: a record of `codebook.engines.service.PROVIDERS` or of the project's `providers.yaml`, and its
        address where it has none of its own.
    progress
        Show a bar on standard error, with what is spent where `price` is given. It never shows texts or keys.
    concurrency
        Calls that are open at a time, at the most (64). How many there are, the service's replies say.
    attempts
        Calls made for a line before its error is its answer (6).
    timeout_s
        Seconds that a call may take (120).
    price
        Prices the body of a reply, in US dollars; None where it cannot.
    cap
        US dollars that the jobs of this engine may cost: no call is started that could cross it. What a resumed job
        already holds counts.

    Raises
    ------
    ParameterError
        No model, a provider that is unknown, a number that is too small, or a cap without prices.
    """

    name = NAME
    about = About(charges=True, watches_money=True)

    def __init__(
        self,
        folder: Path,
        *,
        model: str = "",
        provider: str = "openai",
        base_url: str = "",
        progress: bool = False,
        **calls: Unpack[CallSettings],
    ) -> None:
        super().__init__(folder, progress=progress)
        self.provider = find_provider(provider, base_url)
        price, cap = calls.get("price"), calls.get("cap")
        self.concurrency, self.attempts = calls.get("concurrency", 64), calls.get("attempts", 6)
        self.timeout_s, self.spend = calls.get("timeout_s", 120.0), Spend(price, cap)
        numbers = {"concurrency": self.concurrency, "attempts": self.attempts, "timeout_s": self.timeout_s}
        faults = [Fault(key, f"{value} is too small", "give 1 or more") for key, value in numbers.items() if value < 1]
        faults += check_model(model)
        if cap is not None and price is None:
            faults.append(Fault("cap", "cannot be kept without prices", "give price="))
        ParameterError.raise_any("The engine 'openai_live' cannot be made like this.", faults)
        self._model, self.client = model, Client(self.provider)

    @property
    def model(self) -> str:
        """The model id that belongs into the request bodies."""
        return self._model

    @property
    def answerer(self) -> str:
        """Who answers: the service."""
        return self.provider.answerer

    @property
    def limits(self) -> Limits:  # type: ignore[override]
        """What one shard may hold: as much as a batch file, so that the same shard may go either way."""
        return Limits(self.provider.n_requests, self.provider.n_bytes)

    def check_ready(self) -> None:
        """Look for the key and the packages.

        Raises
        ------
        MissingKeyError
            The provider's key is not set.
        MissingExtraError
            The SDK or aiohttp is not installed.
        """
        import_aiohttp()
        _ = self.client.sdk

    def answer_rest(self, shard: Shard, job: JobFiles) -> None:
        """Answer what the part file does not hold yet.

        Raises
        ------
        EngineError
            The service refused the key, or has no credit left.
        UnreachableError
            The service cannot be reached, or asks to come back much later.
        BudgetError
            One more answer could cross the cap.
        """
        done = self._read_done(job)
        asks = _iter_asks(shard.path, done)
        caller, journal = Caller(self.client, self.timeout_s), Journal(job.part)
        n_workers = min(self.concurrency, shard.n_requests)
        crew = Crew(asks, caller, journal, self.spend, concurrency=n_workers, attempts=self.attempts)
        bar = tqdm(total=shard.n_requests, initial=len(done), desc=NAME, unit="request", disable=not self.progress)
        with bar:
            Apart(crew).run(lambda: self._look(bar, len(done), crew, job))
        if crew.error:
            raise crew.error
        if len(done) + journal.n_written == shard.n_requests:
            job.finish()

    def _read_done(self, job: JobFiles) -> frozenset[str]:
        """The custom_ids that are answered on disk; what those answers cost is counted."""
        done = []
        for answer in job.mend_unordered():
            done.append(answer.custom_id)
            _, body, status = open_line(answer.line)
            if status == 200 or not answer.line:
                self.spend.add(body)
        return frozenset(done)

    def _look(self, bar: tqdm[Any], n_before: int, crew: Crew, job: JobFiles) -> bool:
        """Bring the bar up to date; say whether the job is to be stopped."""
        notes = [str(self.spend)] * (self.spend.price is not None) + [f"{crew.n_failed} failed"] * (crew.n_failed > 0)
        bar.set_postfix_str(", ".join(notes), refresh=False)
        bar.update(n_before + crew.journal.n_written - bar.n)
        return job.cancel.exists()


def _iter_asks(path: Path, done: frozenset[str]) -> Iterator[Ask]:
    """Yield the questions of a shard that have no answer yet."""
    for number, (_, line) in enumerate(iter_lines(path), 1):
        ask = read_ask(line, f"{path.name}, line {number}")
        if ask.custom_id not in done:
            yield ask


__all__ = ["OpenAILiveEngine"]
