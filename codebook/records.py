"""What flows through the kit: units, requests, shards, jobs and answers, each a small record."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import orjson
from msgspec import Struct

from codebook.errors import Fault, ParameterError, mend_name
from codebook.files.lines import digest, escape_ends
from codebook.ground.quantities import say_count
from codebook.ground.secrecy import hide_keys

CHAT = "/v1/chat/completions"
RESPONSES = "/v1/responses"
EMBEDDINGS = "/v1/embeddings"

ENDED = frozenset({"completed", "failed", "expired", "cancelled"})
"""Job states after which no more answers come. Every other word, known or not, means still running."""

NOT_NEEDED = "not needed"
"""The kit's word for a shard that is never handed in: others asked all its questions before."""


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


class Unit(Struct, frozen=True):  # made by the million: a frozen dataclass takes ten times as long
    """One thing to be coded: its id from the data, its text, the context shown with it, and its files in order.

    Of a group, `members` are (id, place in `text`) of each of its texts; places count code points. `loss` says what of
    it is not sent, since it is damaged.
    """

    unit_id: str
    text: str
    context: Mapping[str, str] = {}
    files: tuple[UnitFile, ...] = ()
    members: tuple[tuple[str, int], ...] = ()
    loss: str = ""


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
class Asking:
    """Who is asked, and how: what `run.json` says under `asked`.

    `options` are the engine's own parameters, the folder of an archive among them. `private` says that a service sees
    no ids; of a planned run it is the digest of its units, which hides them.
    """

    url: str = CHAT
    draws: int = 1
    settings: Mapping[str, Any] = field(default_factory=dict)
    engine: str = "embedded"
    model: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    private: str | bool = False

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Asking:
        """What a `run.json` says."""
        return cls(**{name: value for name, value in record["asked"].items() if name in cls.__dataclass_fields__})

    def to_record(self) -> dict[str, Any]:
        """The same as `run.json` has it."""
        parts = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {name: value for name, value in parts.items() if name != "private" or value}

    @property
    def salt(self) -> str:
        """What ids are hidden with; empty where they are not."""
        return self.private if isinstance(self.private, str) else ""


OCCASIONS = ("done", "failed", "expired", "late", "pending", "cap")
"""What a person can be told of a run: it is done, a job failed, expired or is late, and why nobody waits any more."""


@dataclass(frozen=True, slots=True)
class Service:
    """How whoever answers is called, sent to and waited for: the block `service:` of a study. It changes no label.

    Attributes
    ----------
    timeout_s, attempts
        Seconds that a call may take, and how often it is made before it counts as failed; None is the engine's own.
    poll_s
        First pause between two looks at a run that is waited for, and the longest, in seconds.
    max_wait_hours
        Give up waiting after so long.
    requests_per_shard
        What a shard holds at most, of what its service takes; 0 is as much as that.
    priority
        Of runs that wait for room at a service, those with the highest number are sent first.
    auto_collect
        Whether a board that refreshes by itself fetches what has ended.
    notify
        Of what a person is told, of `OCCASIONS`. Addresses are not said here: they stand in CODEBOOK_NOTIFY.
    """

    timeout_s: float | None = None
    attempts: int | None = None
    poll_s: tuple[float, float] = (5.0, 300.0)
    max_wait_hours: float = 48.0
    requests_per_shard: int = 0
    priority: int = 0
    auto_collect: bool = False
    notify: tuple[str, ...] = OCCASIONS

    def to_record(self) -> dict[str, Any]:
        """What of it is not the default, as `run.json` has it."""
        return {name: value for name in _FIELDS if (value := getattr(self, name)) != getattr(_DEFAULT, name)}


_FIELDS, _DEFAULT = tuple(Service.__dataclass_fields__), Service()
_LEAST = {"timeout_s": 1, "attempts": 1, "max_wait_hours": 0, "requests_per_shard": 0}
_WHOLE = ("attempts", "requests_per_shard", "priority")


def read_service(given: Mapping[str, Any], where: str = "service") -> Service:
    """Return the settings that a mapping holds, such as the block of a study; texts are read as YAML reads them.

    Raises
    ------
    ParameterError
        A name or a value is none of them; all are told.

    Examples
    --------
    >>> read_service({"poll_s": "30", "attempts": 2}).poll_s
    (30.0, 30.0)
    >>> read_service({"timout_s": 5})
    Traceback (most recent call last):
    codebook.errors.ParameterError: The settings of the service cannot be read.
      - service, timout_s: it is no setting of the service. To mend: did you mean 'timeout_s'?
    More on such a message: codebook explain ParameterError
    """
    values, faults = dict[str, Any](), list[Fault]()
    for name, value in given.items():
        place = hide_keys(f"{where}, {name}")
        if name not in _FIELDS:
            faults.append(Fault(place, "it is no setting of the service", mend_name(str(name), _FIELDS)))
            continue
        try:
            values[name] = _read_setting(name, value)
        except (ValueError, TypeError) as error:
            faults.append(Fault(place, hide_keys(f"{value!r} cannot be taken"), str(error)))
    ParameterError.raise_any("The settings of the service cannot be read.", faults)
    return Service(**values)


def _read_setting(name: str, value: Any) -> Any:
    """A setting as its field has it; the message of a ValueError is the mend."""
    value = _typed(value, name)
    if name == "notify":
        chosen = tuple(str(value).replace(",", " ").split() if isinstance(value, str) else map(str, value))
        if unknown := [word for word in chosen if word not in OCCASIONS]:
            raise ValueError(mend_name(unknown[0], OCCASIONS))
        return chosen
    if name == "auto_collect":
        if not isinstance(value, bool):
            raise ValueError("write true or false")
        return value
    if name == "poll_s":
        bounds = value if isinstance(value, list | tuple) else [value, value]
        pauses = [_read_number(_typed(each, name), 0.001) for each in bounds]
        if len(pauses) != 2 or pauses[0] > pauses[1]:
            raise ValueError("write seconds, or the first pause and the longest: [5, 300]")
        return (pauses[0], pauses[1])
    if value is None and getattr(_DEFAULT, name) is None:
        return None
    number = _read_number(value, _LEAST.get(name, -math.inf))
    if name not in _WHOLE:
        return number
    if number != int(number):
        raise ValueError("write a whole number")
    return int(number)


def _typed(value: Any, name: str) -> Any:
    """A text as YAML reads it; all else as it is."""
    if not isinstance(value, str) or not value.strip():
        return value
    from codebook.files.yaml_text import parse_value

    return parse_value(value, name, error=ParameterError, summary="It cannot be read.")


def _read_number(value: Any, least: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < least:
        raise ValueError("write a number" + f" of at least {least:g}" * (least > -math.inf))
    return float(value)


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
    where that is not known. `lost` says that its answers may have been paid, and cannot be had any more. `full` says
    that nothing ran since too many tokens wait at the service, and `ceiling` how many may, where it told.
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
    full: bool = False
    ceiling: int | None = None

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
        f"{say_count(entry['units'], 'unit')} ({entry['rows']:,} rows) "
        f"{'was' if entry['units'] == 1 else 'were'} erased on {entry['at'][:10]}"
        for entry in record.get("erased", [])
    ]


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
    name = f"[{host}]" if ":" in host else host
    usual = {"https": 443, "http": 80}.get(parts.scheme.lower())
    port = "" if parts.port in (None, usual) else f":{parts.port}"
    return f"{parts.scheme.lower()}://{name}{port}{parts.path.rstrip('/')}"


def name_service(provider: str, address: str) -> str:
    """Return the name under which the answers of a service are kept.

    Examples
    --------
    >>> name_service("openai", "https://api.openai.com/v1/")
    'openai https://api.openai.com/v1'
    """
    return f"{provider} {normalise_address(address)}"
