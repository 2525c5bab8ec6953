"""A file that is hashed and made lasting as it is written, by a thread that follows the writer at a distance."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

_TOGETHER = 1 << 18
"""Bytes written at once: many lines, but not more than a processor keeps close by."""
_STEP = 1 << 21
"""Bytes read back, hashed and synced at once: all three free Python's lock, so that lines are made meanwhile."""


class HashedFile:
    """A new file of lines, `n_bytes` long so far. Its digest is that of the bytes that the system has for it.

    A fault of the disk is raised by `write` or by `close`.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = HashedFile(Path(folder, "lines"))
    ...     file.write(b"one\\n")
    ...     file.close() == hashlib.sha256(b"one\\n").hexdigest()
    True
    """

    def __init__(self, path: Path) -> None:
        self.n_bytes = self._n_waiting = self._n_told = self._n_hashed = 0
        self._waiting: list[bytes] = []
        self._sha256 = hashlib.sha256()
        self._file, self._back = path.open("wb"), path.open("rb", buffering=0)
        self._thread = ThreadPoolExecutor(1, "hashed-file")
        self._step: Future[None] | None = None

    def write(self, line: bytes) -> None:
        """Add a line."""
        self._waiting.append(line)
        self._n_waiting += len(line)
        self.n_bytes += len(line)
        if self._n_waiting >= _TOGETHER:
            self._flush()
            if self.n_bytes - self._n_told >= _STEP and (self._step is None or self._step.done()):
                self._tell()

    def close(self) -> str:
        """Write what is left, make it lasting (fsync), and return the SHA-256 of the whole as 64 hex digits."""
        try:
            self._flush()
            self._tell().result()
        finally:
            self.stop()
        return self._sha256.hexdigest()

    def stop(self) -> None:
        """End the thread and let go of the file, whole or not. May be repeated."""
        self._thread.shutdown()
        self._back.close()
        self._file.close()

    def _flush(self) -> None:
        self._file.write(b"".join(self._waiting))
        self._file.flush()
        self._waiting.clear()
        self._n_waiting = 0

    def _tell(self) -> Future[None]:
        """Let the thread follow up to here, after the step before, whose fault is raised here."""
        if self._step:
            self._step.result()
        self._n_told = self.n_bytes
        self._step = self._thread.submit(self._follow, self.n_bytes)
        return self._step

    def _follow(self, end: int) -> None:
        block = memoryview(bytearray(min(_STEP, end - self._n_hashed)))
        while self._n_hashed < end:
            n_read = self._back.readinto(block[: end - self._n_hashed])
            if not n_read:
                raise OSError(f"{self._file.name} is shorter than what was written to it")
            self._sha256.update(block[:n_read])
            self._n_hashed += n_read
        os.fsync(self._file.fileno())
