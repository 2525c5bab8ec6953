"""A small, fast HTTP server on loopback for live calls: what it answers, when and how often, the test says.

In the test's process::

    with Loopback(lambda call: Response(429, headers={"Retry-After": "1"})) as server:
        engine = OpenAILiveEngine(folder, model="m", provider="vllm", base_url=server.base_url)

As a process of its own, for benchmarks: it prints its address, and `GET /stats` tells what it saw::

    python tests/fakes/loopback.py --latency 0.25 --rate 100 --headers 100
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self

PLAIN = json.dumps(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1700000000,
        "model": "m",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": '{"label":"coal"}'}, "finish_reason": "stop"}
        ],
        "usage": {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12},
    }
).encode()


@dataclass(frozen=True)
class Call:
    """A request that came in; `number` counts from 1."""

    number: int
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Response:
    """What goes back after `delay_s`, or once `when` is set; with `drop` the connection is closed after `body`."""

    status: int = 200
    body: bytes = PLAIN
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    drop: bool = False
    when: threading.Event | None = None

    def encode(self) -> bytes:
        length = len(self.body) + (7 if self.drop else 0)
        head = f"HTTP/1.1 {self.status} X\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        return f"{head}\r\n".encode() + self.body


Answer = Callable[[Call], Response]


def say(status: int, message: str = "", code: str | None = None, **headers: str) -> Response:
    """An error as the service spells it; `retry_after="1"` becomes the header."""
    error = {"error": {"message": message, "type": "x", "param": None, "code": code}}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, json.dumps(error).encode(), named)


class _Connection(asyncio.Protocol):
    """One connection: requests with a Content-Length, one after the other."""

    def __init__(self, server: Loopback) -> None:
        self.server, self.data, self.n_open = server, bytearray(), 0
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.server.connections.add(self)

    def connection_lost(self, _: Exception | None) -> None:
        self.server.connections.discard(self)
        self.server.n_open -= self.n_open
        self.n_open = 0

    def data_received(self, data: bytes) -> None:
        self.data += data
        while (end := self.data.find(b"\r\n\r\n")) >= 0:
            first, *lines = bytes(self.data[:end]).decode("latin-1").split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            rest = end + 4 + int(headers.get("content-length", 0))
            if len(self.data) < rest:
                return
            body = bytes(self.data[end + 4 : rest])
            del self.data[:rest]
            self.receive(first.split(" ")[1], headers, body)

    def receive(self, path: str, headers: dict[str, str], body: bytes) -> None:
        server = self.server
        if path == "/stats":
            self.transport.write(Response(body=json.dumps(server.stats).encode()).encode())
            return
        server.n_calls += 1
        server.n_open += 1
        self.n_open += 1
        server.most_open = max(server.most_open, server.n_open)
        response = server.answer(Call(server.n_calls, path, headers, body))
        server.n_by_status[response.status] = server.n_by_status.get(response.status, 0) + 1
        if response.delay_s:
            asyncio.get_running_loop().call_later(response.delay_s, self.send, response)
        else:
            self.send(response)

    def send(self, response: Response) -> None:
        if self.n_open and response.when and not response.when.is_set():
            asyncio.get_running_loop().call_later(0.005, self.send, response)
        elif self.n_open:  # else the client has gone
            self.n_open -= 1
            self.server.n_open -= 1
            self.server.note(response)
            self.transport.write(response.encode())
            if response.drop:
                self.transport.close()


class Loopback:
    """The server, while the `with` block lasts. `answer` is called in its thread, in the order of arrival."""

    def __init__(self, answer: Answer = lambda _: Response(), *, port: int = 0) -> None:
        self.answer, self.port = answer, port
        self.n_calls = self.n_open = self.most_open = 0
        self.good_by_second: dict[int, int] = {}
        self.began = math.nan
        self.n_by_status: dict[int, int] = {}
        self.connections: set[_Connection] = set()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def stats(self) -> dict[str, Any]:
        told = {"calls": self.n_calls, "most_open": self.most_open, "by_status": self.n_by_status}
        return told | {"good_by_second": self.good_by_second}

    def note(self, response: Response) -> None:
        """Count a reply in its second after the first one."""
        now = time.monotonic()
        self.began = now if math.isnan(self.began) else self.began
        second = int(now - self.began)
        self.good_by_second[second] = self.good_by_second.get(second, 0) + (response.status == 200)

    async def start(self) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        reuse = self.port > 0  # somebody may hold it, so that nobody else takes it
        server = await loop.create_server(
            lambda: _Connection(self), "127.0.0.1", self.port, backlog=1024, reuse_port=reuse
        )
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def _serve(self) -> None:
        server = await self.start()
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        self._ready.set()
        await self._end.wait()
        server.close()
        for connection in list(self.connections):
            connection.transport.abort()
        await asyncio.sleep(0)

    def __enter__(self) -> Self:
        self._ready = threading.Event()
        self._thread = threading.Thread(target=asyncio.run, args=(self._serve(),))
        self._thread.start()
        assert self._ready.wait(60)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()


@contextmanager
def hold_port() -> Iterator[int]:
    """A port of our own at which nobody answers, until a `Loopback(port=...)` does."""
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


class Limited:
    """Answers up to `rate` calls a second, from a bucket that holds a second's worth, and 429 beyond.

    With `headers`, replies carry the x-ratelimit headers of a service that grants so many a second, true or not.
    """

    def __init__(
        self, *, rate: float = math.inf, headers: float = 0, latency_s: float = 0.25, spread: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self.rate, self.headers, self.latency_s, self.spread, self.clock = rate, headers, latency_s, spread, clock
        self.level, self.said, self.at = rate, headers, clock()
        self.random = random.Random(7)

    def __call__(self, _: Call) -> Response:
        now = self.clock()
        self.level = min(self.rate, self.level + self.rate * (now - self.at)) if self.rate < math.inf else math.inf
        self.said = min(self.headers, self.said + self.headers * (now - self.at))
        self.at = now
        granted = self.level >= 1
        if granted:
            self.level, self.said = self.level - 1, max(0.0, self.said - 1)
            return Response(headers=self.tell(), delay_s=self.draw_latency())
        return Response(429, say(429, "slow down", "rate_limit_exceeded").body, {"Retry-After": "1", **self.tell()})

    def tell(self) -> dict[str, str]:
        if not self.headers:
            return {}
        reset_s = (self.headers - self.said) / self.headers
        said = {"limit": f"{self.headers:.0f}", "remaining": f"{int(self.said)}", "reset": f"{reset_s * 1000:.0f}ms"}
        return {f"x-ratelimit-{name}-requests": value for name, value in said.items()}

    def draw_latency(self) -> float:
        """Log-normal around the mean where a spread (sigma) is given."""
        if not self.spread:
            return self.latency_s
        return self.latency_s * self.random.lognormvariate(-(self.spread**2) / 2, self.spread)


async def _serve_for_ever(server: Loopback) -> None:
    listening = await server.start()
    print(server.base_url, flush=True)
    await listening.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latency", type=float, default=0.25)
    parser.add_argument("--spread", type=float, default=0.0)
    parser.add_argument("--rate", type=float, default=math.inf)
    parser.add_argument("--headers", type=float, default=0)
    given = parser.parse_args()
    answer = Limited(rate=given.rate, headers=given.headers, latency_s=given.latency, spread=given.spread)
    asyncio.run(_serve_for_ever(Loopback(answer)))


if __name__ == "__main__":
    main()
