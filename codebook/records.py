"""What flows through the kit, and how it is written to and read from JSON lines.

A file of JSON lines is split on LF and on nothing else: U+2028, U+2029 and U+0085 are line ends to
`str.splitlines`, but not to JSON, so they are escaped on writing and never split on when reading.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, NamedTuple
from urllib.parse import urlsplit

import orjson

from codebook.errors import RecordError

CHAT = "/v1/chat/completions"
RESPONSES = "/v1/responses"
EMBEDDINGS = "/v1/embeddings"

ENDED = frozenset({"completed", "failed", "expired", "cancelled"})
"""Job states after which no more answers come. Every other word, known or not, means still running."""

NOT_NEEDED = "not needed"
"""The kit's word for a shard that is never handed in: others asked all its questions before."""

WHYS = ("refused", "truncated", "invalid", "failed", "expired", "cancelled", "absent", "pending")
"""Why a label is missing, in the order in which coverage shows it."""
RETRIED = ("failed", "expired", "cancelled", "absent")
"""The whys that are asked again unless told otherwise: those where no answer was given."""
RETRIABLE = (*RETRIED, "refused", "truncated", "invalid")

_ESCAPES = ((b"\xe2\x80\xa8", b"\\u2028"), (b"\xe2\x80\xa9", b"\\u2029"), (b"\xc2\x85", b"\\u0085"))


class UnitFile(NamedTuple):
    """A file that belongs to a unit: `path` under the project, or an address that is passed on as it is.

    `kind` is "image" or "pdf", `sha256` the digest of its bytes (empty for an address). `ask` says how it is sent: of
    an image `max_side` (pixels) and `detail`; of a PDF the pages `first` to `last`, `as` ("file" or "images"), `dpi`.
    """

    path: str
    kind: str
    sha256: str = ""
    ask: Mapping[str, Any] = {}


class FilePart(NamedTuple):
    """A file as it stands in a request: its bytes, or the address from which the service takes them."""

    kind: str
    name: str
    media_type: str
    data: bytes = b""
    url: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Unit:
    """One thing to be coded: its id from the data, its text, the context shown with it, and its files in order.

    Of a group, `members` are (id, place in `text`) of each of its texts; places count code points.
    """

    unit_id: str
    text: str
    context: Mapping[str, str] = field(default_factory=dict)
    files: tuple[UnitFile, ...] = ()
    members: tuple[tuple[str, int], ...] = ()


class Request(NamedTuple):
    """One question about one unit: a line of a shard, plus what the ledger maps it back to.

    `body` is JSON in which nothing but LF ends a line (`escape_ends`).
    """

    custom_id: str
    request_key: str
    url: str
    body: bytes
    unit_id: str
    variable: str
    draw: int = 0

    @property
    def line(self) -> bytes:
        """The request as a line of the Batch API, LF included."""
        named, url = escape_ends(orjson.dumps(self.custom_id)), orjson.dumps(self.url)
        return b"".join((b'{"custom_id":', named, b',"method":"POST","url":', url, b',"body":', self.body, b"}\n"))


@dataclass(frozen=True, slots=True)
class Shard:
    """One file of request lines: one model, one endpoint, written once."""

    path: Path
    sha256: str
    url: str
    model: str
    n_requests: int
    n_bytes: int
    n_tokens: int


@dataclass(frozen=True, slots=True)
class Job:
    """A shard at an engine."""

    job_key: str
    job_id: str
    state: str


@dataclass(frozen=True, slots=True)
class LineFault:
    """Why a service refused a file of requests: `line` counts from 1, 0 where the fault is the whole file's."""

    code: str
    message: str
    line: int = 0


@dataclass(frozen=True, slots=True)
class JobState:
    """What an engine says of a job. `note` is for people, such as the reason of a failure.

    `faults` are the lines for which a service refused the whole file; `again` says that nothing ran and the same shard
    may be handed in again later. `expires_at` is when the service gives up, UTC, ISO 8601, or empty. By the service's
    own clock the job waited `queued_s` before it was begun, and took `worked_s` from then to its end, in seconds; None
    where that is not known. `lost` says that its answers may have been paid, and cannot be had any more.
    """

    state: str
    n_total: int = 0
    n_done: int = 0
    n_failed: int = 0
    note: str = ""
    expires_at: str = ""
    faults: tuple[LineFault, ...] = ()
    again: bool = False
    queued_s: float | None = None
    worked_s: float | None = None
    lost: bool = False

    @property
    def ended(self) -> bool:
        """Whether no more answers will come."""
        return self.state in ENDED


class Answer(NamedTuple):
    """A result line, read: `text` is the reply, or `why` says why there is none (one of `WHYS`).

    `final` says that asking again leads nowhere: the service found fault with the request itself, or the answer was
    paid and is lost.
    """

    custom_id: str
    text: str | None = None
    why: str | None = None
    detail: str = ""
    model: str = ""
    request_id: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    tokens_cached: int = 0
    fingerprint: str = ""
    final: bool = False


def say_erased(record: Mapping[str, Any]) -> list[str]:
    """Say how many units were erased from a run and when, by its `run.json`.

    Examples
    --------
    >>> say_erased({"erased": [{"at": "2026-11-21T09:00:00+00:00", "units": 1, "rows": 3}]})
    ['1 unit (3 rows) was erased on 2026-11-21']
    """
    return [
        f"{entry['units']:,} unit{'s' * (entry['units'] != 1)} ({entry['rows']:,} rows) "
        f"{'was' if entry['units'] == 1 else 'were'} erased on {entry['at'][:10]}"
        for entry in record.get("erased", [])
    ]


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


def request_key(url: str, body: bytes, draw: int = 0) -> str:
    """Name a question by what is asked: SHA-256 of endpoint, canonical body (`dump_canonical`) and draw."""
    return digest(url, body, str(draw))


def normalise_address(address: str) -> str:
    """Return the address of a service as it is compared: without what makes no other service of it.

    Examples
    --------
    >>> normalise_address("HTTPS://API.example.org:443/v1/?api-version=2"), normalise_address("http://[::1]:8000/")
    ('https://api.example.org/v1', 'http://[::1]:8000')
    """
    parts = urlsplit(address)
    host = (parts.hostname or "").lower()
    shown = f"[{host}]" if ":" in host else host
    usual = {"https": 443, "http": 80}.get(parts.scheme.lower())
    port = "" if parts.port in (None, usual) else f":{parts.port}"
    return f"{parts.scheme.lower()}://{shown}{port}{parts.path.rstrip('/')}"


def name_service(provider: str, address: str) -> str:
    """Return the name under which the answers of a service are kept.

    Examples
    --------
    >>> name_service("openai", "https://api.openai.com/v1/")
    'openai https://api.openai.com/v1'
    """
    return f"{provider} {normalise_address(address)}"


def digest_file(path: Path) -> str:
    """SHA-256 of a file's bytes, read in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def load_line(line: bytes, where: str) -> dict[str, Any]:
    """Read one JSON line that must hold an object.

    Raises
    ------
    RecordError
        The line is no JSON object; `where` says which line it was.
    """
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise RecordError(f"{where}: not a line of JSON ({error}). The file is damaged or cut short.") from None
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
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):  # binary files iterate on b"\n" alone
            body = line.rstrip(b"\r\n")
            if body.strip():
                yield number, offset, body
            offset += len(line)


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the JSON object of every line of a file.

    Raises
    ------
    RecordError
        A line is no JSON object; the message names file and line.
    """
    for number, _, line in number_lines(path):
        yield load_line(line, f"{path.name}, line {number}")


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


def write_lines(path: Path, values: Iterable[Any]) -> None:
    """Write values as a file of JSON lines, all or nothing."""
    with write_atomic(path) as file:
        file.writelines(dump_line(value) for value in values)
