"""A form with files, read as it streams in. (That of aiohttp 3.14 warns of its own deprecated calls.)"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

from aiohttp import web

from fakes.fake_checks import RefusedError


@dataclass
class Part:
    """A field of a form; `chunks` must be read to the end before the next part."""

    name: str
    filename: str | None
    chunks: AsyncIterator[bytes]


class Parts:
    """The parts of a request, in order."""

    def __init__(self, request: web.Request) -> None:
        boundary = re.search(r'boundary="?([^";]+)', request.headers.get("Content-Type", ""))
        if boundary is None:
            raise RefusedError(400, "Expected multipart/form-data.")
        self._content, self._left = request.content, b"\r\n"
        self._end = b"\r\n--" + boundary[1].encode()

    async def __aiter__(self) -> AsyncIterator[Part]:
        await self._skip(self._end)
        while True:
            head = (await self._skip(b"\r\n")).decode()
            if head == "--":
                return
            head = (await self._skip(b"\r\n\r\n")).decode()
            found = dict(re.findall(r'[ ;](name|filename)="([^"]*)"', head))
            yield Part(found["name"], found.get("filename"), self._read(self._end))

    async def _skip(self, mark: bytes) -> bytes:
        return b"".join([chunk async for chunk in self._read(mark)])

    async def _read(self, mark: bytes) -> AsyncIterator[bytes]:
        """Yield what stands before a mark, and go behind it."""
        while (at := self._left.find(mark)) < 0:
            ready = max(0, len(self._left) - len(mark) + 1)
            if ready:
                yield self._left[:ready]
            more = await self._content.readany()
            if not more:
                raise RefusedError(400, "The form was cut short.")
            self._left = self._left[ready:] + more
        found, self._left = self._left[:at], self._left[at + len(mark) :]
        yield found
