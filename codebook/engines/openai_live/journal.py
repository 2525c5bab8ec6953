"""Answers on disk as they come: a line counts as written when it is synced, and lines are synced in groups."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import IO, Self

GROUP = 64
"""Lines after which a group is synced."""
GROUP_S = 0.1
"""Seconds after which a smaller group is synced."""
_MOST_BYTES = 16_000_000


class Journal:
    """A file that grows at its end. Writing and syncing happen in a thread, so that calls go on meanwhile.

    Attributes
    ----------
    n_written
        Lines that are on disk.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.n_written = path, 0
        self._lines: list[bytes] = []
        self._n_bytes, self._closing = 0, False
        self._error: OSError | None = None

    async def __aenter__(self) -> Self:
        self._file = self.path.open("ab")
        self._some, self._full, self._room = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._task = asyncio.create_task(self._write_groups())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closing = True
        self._some.set()
        self._full.set()
        try:
            await self._task
        finally:
            self._file.close()
        if self._error:
            raise self._error

    async def put(self, line: bytes) -> None:
        """Hand a line over; waits where the disk is far behind.

        Raises
        ------
        OSError
            The disk does not take it, such as when it is full.
        """
        self._lines.append(line)
        self._n_bytes += len(line)
        self._some.set()
        if len(self._lines) >= GROUP:
            self._full.set()
        while self._n_bytes > _MOST_BYTES and not self._error:
            self._full.set()
            self._room.clear()
            await self._room.wait()
        if self._error:
            raise self._error

    async def _write_groups(self) -> None:
        while not self._error and (self._lines or not self._closing):
            await self._some.wait()
            await self._wait_for_group()
            lines, self._lines, self._n_bytes = self._lines, [], 0
            self._some.clear()
            self._full.clear()
            if self._closing:
                self._some.set()
                self._full.set()
            try:
                await asyncio.to_thread(_append, self._file, lines)
                self.n_written += len(lines)
            except OSError as error:
                self._error = error
            self._room.set()

    async def _wait_for_group(self) -> None:
        try:
            async with asyncio.timeout(GROUP_S):
                await self._full.wait()
        except TimeoutError:
            pass


def _append(file: IO[bytes], lines: list[bytes]) -> None:
    file.writelines(lines)
    file.flush()
    os.fsync(file.fileno())
