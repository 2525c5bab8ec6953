"""Files of JSON lines: written whole or not at all, read line by line, and named by their digests.

A file of JSON lines is split on LF and on nothing else: U+2028, U+2029 and U+0085 are line ends to
`str.splitlines`, but not to JSON, so they are escaped on writing and never split on when reading.

A `HashedFile` is hashed and made lasting as it is written, by a thread that follows the writer at a distance.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import orjson

from codebook.errors import RecordError
from codebook.files.unfolding import open_bytes

if TYPE_CHECKING:
    from concurrent.futures import Future

_ESCAPES = ((b"\xe2\x80\xa8", b"\\u2028"), (b"\xe2\x80\xa9", b"\\u2029"), (b"\xc2\x85", b"\\u0085"))


def dump_line(value: Any) -> bytes:
    """Write a value as one JSON line, LF included.

    Examples
    --------
    >>> dump_line({"text": "a\\u2028b"})
    b'{"text":"a\\\\u2028b"}\\n'
    """
    return escape_ends(orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE))


def escape_ends(json: bytes) -> bytes:
    """The same JSON, in which nothing but LF ends a line.

    Examples
    --------
    >>> escape_ends('["a\\u2028b"]'.encode())
    b'["a\\\\u2028b"]'
    """
    if json.isascii():
        return json
    for raw, escaped in _ESCAPES:
        if raw[-1:] in json and raw in json:  # one byte is found faster than three
            json = json.replace(raw, escaped)
    return json


def dump_canonical(value: Any) -> bytes:
    """Write a value as canonical JSON: keys sorted, no spaces, no LF. Equal values give equal bytes.

    Examples
    --------
    >>> dump_canonical({"b": 1, "a": [True, None]})
    b'{"a":[true,null],"b":1}'
    """
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def digest(*parts: bytes | str) -> str:
    """SHA-256 of the parts, each preceded by its length, as 64 hex digits.

    Examples
    --------
    >>> digest("ab", "c") == digest("a", "bc")
    False
    """
    total = hashlib.sha256()
    for part in parts:
        raw = part.encode() if isinstance(part, str) else part
        total.update(b"%d:" % len(raw))
        total.update(raw)
    return total.hexdigest()


def digest_file(path: Path) -> str:
    """SHA-256 of a file's bytes, read in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def load_line(line: bytes, where: str) -> dict[str, Any]:
    """Read one JSON line that must hold an object."""
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise RecordError(f"{where}: this is not a line of JSON ({error}). The file is damaged or cut short.") from None
    if not isinstance(value, dict):
        raise RecordError(f"{where}: expected a JSON object, found {type(value).__name__}.")
    return value


def iter_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield `(offset, line)` for every non-empty line of a file, split on LF only, LF left out."""
    for _, offset, line in number_lines(path):
        yield offset, line


def number_lines(path: Path) -> Iterator[tuple[int, int, bytes]]:
    """Yield `(number, offset, line)` as `iter_lines` does; numbers count empty lines too, as an editor shows them."""
    offset = 0
    with open_bytes(path) as file:
        for number, line in enumerate(file, start=1):  # binary files iterate on b"\n" alone
            body = line.rstrip(b"\r\n")
            if body.strip():
                yield number, offset, body
            offset += len(line)


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the JSON object of every line of a file."""
    loads = orjson.loads
    for number, _, line in number_lines(path):
        try:
            value = loads(line)
        except orjson.JSONDecodeError:
            value = None
        yield value if isinstance(value, dict) else load_line(line, f"{path.name}, line {number}")


@contextmanager
def write_atomic(path: Path) -> Iterator[IO[bytes]]:
    """Open a temporary file that takes the place of `path` only when the block ends well.

    The bytes are on disk (fsync) before the rename, so a crash leaves the old file or the new one, never a part.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.part")
    try:
        with part.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def write_whole(path: Path, content: bytes | str) -> Path:
    """Write a file whole or not at all, and return its path; a text is written as UTF-8.

    Examples
    --------
    >>> write_whole(Path("note.txt"), "Coal is cheap.").read_text()
    'Coal is cheap.'
    """
    with write_atomic(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)
    return path


def write_json(path: Path, value: Any) -> Path:
    r"""Write a value as indented JSON, whole or not at all, and return its path.

    Examples
    --------
    >>> write_json(Path("note.json"), {"n": 1}).read_text()
    '{\n  "n": 1\n}\n'
    """
    return write_whole(path, orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def link_file(source: Path, target: Path) -> None:
    """Let a file lie in another place too: the same one where the disk can do that, else a copy that is on it."""
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        with source.open("rb") as whole, write_atomic(target) as copy:
            shutil.copyfileobj(whole, copy)


def write_lines(path: Path, values: Iterable[Any]) -> None:
    """Write values as a file of JSON lines, all or nothing."""
    with write_atomic(path) as file:
        file.writelines(dump_line(value) for value in values)


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
        from concurrent.futures import ThreadPoolExecutor

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
