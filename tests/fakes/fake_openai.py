"""A fake of OpenAI's API on loopback, to which the real `openai` SDK speaks by `base_url`.

In the test's process::

    with FakeOpenAI(tmp_path / "service", auto="at once") as fake:
        client = openai.OpenAI(api_key=fake.key, base_url=fake.base_url)
        fake.fault("batches.create", "lost answer")

As a process of its own, which lives on while clients die (`fake_process.FakeProcess` starts one)::

    PYTHONPATH=tests python -m fakes.fake_openai --port 0 --folder X

What the texts order is told in `fake_answers`, the kinds of faults in `FakeOpenAI.fault`.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aiohttp import web

from fakes.fake_batches import Store
from fakes.fake_checks import RefusedError
from fakes.fake_faults import Bucket, Fault, FaultList
from fakes.fake_http import Seen, make_app

KEY = "test-key-0123456789abcdef"


class FakeOpenAI(Store):
    """The service, served while the `with` block lasts.

    Parameters
    ----------
    folder
        Where files are kept.
    key
        The key that is taken; each of `other_keys` is another project.
    reply
        None: what the texts order. "plain": one pre-made body a batch, for speed. A function: it gets the request line
        and returns the body of a reply, or None for the usual one.
    auto
        True: a batch takes a step at each retrieve (in_progress, finalizing, completed). "at once": completed at the
        first. False: only by `progress`, `finish`, `expire`, `cancel`, `fail`, `settle`.

    Attributes
    ----------
    base_url
        Where clients go.
    requests
        All that came in (`fake_http.Seen`).
    batches, files
        The records as served, by id.
    billed
        How often each (custom_id, digest of the body) was answered for money. Live calls are named by their header
        `X-Client-Request-Id`, or "".
    n_created
        Batches made.
    enqueued_limit, tokens_of
        Tokens that may wait, by model, and how a body's are counted (bytes / 4).
    n_bytes_max, n_requests_max, windows
        What a batch takes.
    refuse_expiry
        Whether `expires_after` and `output_expires_after` are unknown parameters.
    file_not_ready
        How many of the next creates answer "Cannot find file".
    cancel_ended_status
        The status for cancelling an ended batch.
    writes_expired_lines, writes_cancelled_lines
        Whether requests that were not done stand in the error file.
    tells_time
        Whether replies bear the service's time.
    latency_s, n_live, peak_live
        Seconds that a live answer takes; calls at work now, and at most.
    keep_bodies
        Whether `requests` holds bodies.
    """

    def __init__(
        self,
        folder: Path,
        *,
        key: str = KEY,
        other_keys: tuple[str, ...] = (),
        reply: str | Callable[[dict[str, Any]], Any] | None = None,
        auto: bool | str = True,
        snapshot: str = "2026-09-01",
        port: int = 0,
    ) -> None:
        super().__init__(folder, auto=auto, reply=reply, date=snapshot)
        self.key, self.other_keys, self.port = key, other_keys, port
        self.base_url = ""
        self.requests: list[Seen] = []
        self.faults = FaultList()
        self.models = ("gpt-6-luna", "gpt-6-sol", "gpt-5.4-mini", "gpt-4.1-mini", "text-embedding-3-small", "live-only")
        self.tells_time = True
        self.latency_s, self.n_live, self.peak_live, self.keep_bodies = 0.0, 0, 0, True
        self._bucket: Bucket | None = None
        self._ready, self._stopping = threading.Event(), asyncio.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="fake-openai", daemon=True)

    # -- orders of a test

    def fault(self, call: str, kind: str, times: int | None = 1, after: int = 0, **options: Any) -> Fault:
        """Order a fault for the next `times` (None: all) calls, after `after` good ones. The result counts `n_fired`.

        Any call: "lost answer" (work done, then the connection is cut), "disconnect" (cut before any work), "timeout"
        (`seconds`=30; `work`=True does the work before; the work is not done for a client that is gone), "status"
        (`status`=500, `code`, `message`, `retry_after`). The work is done, and at status 200 comes: "page" (HTML;
        `text`, `content_type`), "half JSON", "other JSON" (`value`).
        "files.content": "truncate" (`n` bytes; `lying`=True does not tell the whole length), "shuffle", "late" (404).
        "files.retrieve": "late" (404), "wrong bytes" (`by`=7 too many), "bytes as text".
        "batches.create": "file pending" (400; `message`).
        "batches.list": "stale" (the `newest`=1 are not shown yet), "oldest first", "stuck" (the first page, whatever is
        asked), "endless" (always more to come).
        "batches.create", "batches.retrieve", "batches.list", "files.retrieve": "without" (`fields`, which are null).
        "batches.retrieve": "unknown status" (`status`="brewing"), "slow validation" (no step); and once the batch has
        ended: "counts lie" (`counts`), "no output", "no errors file", "error file only".
        A call meets at most one fault, and one of an ended batch besides.
        """
        return self.faults.add(Fault(call, kind, times, after, options))

    def clear_faults(self) -> None:
        """Forget all faults that are ordered."""
        self.faults.clear()

    def reset(self) -> None:
        """Forget all that was asked and answered; the clock and the settings stay."""
        with self.lock:
            for memory in (self.batches, self.hidden, self.files, self.file_owner, self.billed, self.requests):
                memory.clear()  # type: ignore[attr-defined]
            self.n_created = 0
            self.clear_faults()
            self.answerer.forget()

    def rate_limit(self, requests_per_second: float | None, burst: float | None = None) -> None:
        """Answer 429 to live calls beyond this rate; None: no limit."""
        per_s = requests_per_second
        self._bucket = None if per_s is None else Bucket(per_s, burst or max(1, math.ceil(per_s)))

    def check_rate(self) -> dict[str, str]:
        """The headers of a live call's answer; refuse it where it comes too soon."""
        if self._bucket is None:
            return Bucket(1000, 1000).headers
        wait_s = self._bucket.take()
        if wait_s:
            headers = {name.replace("-", "_"): value for name, value in self._bucket.headers.items()}
            said = f"Rate limit reached. Please try again in {wait_s:.3f}s."
            raise RefusedError(429, said, "rate_limit_exceeded", retry_after=f"{wait_s:.3f}", **headers)
        return self._bucket.headers

    def calls(self, call: str) -> list[Seen]:
        """The requests of one call, such as "batches.create"."""
        return [seen for seen in self.requests if seen.call == call]

    def state(self) -> dict[str, Any]:
        """All that a test in another process may ask for."""
        with self.lock:
            return {
                "base_url": self.base_url,
                "n_created": self.n_created,
                "batches": dict(self.batches),
                "files": dict(self.files),
                "billed": [[*name, n] for name, n in self.billed.items()],
                "calls": [[seen.call, seen.status, seen.at] for seen in self.requests],
                "peak_live": self.peak_live,
            }

    # -- serving

    def __enter__(self) -> FakeOpenAI:
        self._thread.start()
        self._ready.wait()
        if self._failure:
            raise self._failure
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()
        if self._failure:
            raise self._failure

    def _run(self) -> None:
        self._loop = asyncio.new_event_loop()
        try:
            self._loop.run_until_complete(self._serve())
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
        except BaseException as error:  # noqa: BLE001  it is raised in the thread that waits
            self._failure = error
        finally:
            self._loop.close()
            self._ready.set()

    async def _serve(self) -> None:
        runner = web.AppRunner(make_app(self), access_log=None, shutdown_timeout=0.05)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", self.port).start()
            self.port = runner.addresses[0][1]
            self.base_url = f"http://127.0.0.1:{self.port}/v1"
            self._ready.set()
            await self._stopping.wait()
        finally:
            await runner.cleanup()


def main() -> None:
    """Serve until standard input ends or the process is stopped; the first line printed is the address."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--key", default=KEY)
    parser.add_argument("--other-key", action="append", default=[])
    parser.add_argument("--auto", choices=["steps", "at once", "no"], default="steps")
    parser.add_argument("--reply", choices=["plain", "orders"], default="orders")
    given = parser.parse_args()
    auto: bool | str = {"steps": True, "no": False}.get(given.auto, "at once")
    reply = "plain" if given.reply == "plain" else None
    others = tuple(given.other_key)
    with FakeOpenAI(given.folder, key=given.key, other_keys=others, reply=reply, auto=auto, port=given.port) as fake:
        print(fake.base_url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
