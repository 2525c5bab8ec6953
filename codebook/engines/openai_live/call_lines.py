"""Request lines as calls, and what comes back as result lines. Bodies pass through as the bytes they are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import orjson

from codebook.dialects.resultlines import read_json, read_object
from codebook.engines.protocol import error_line
from codebook.files.lines import digest, dump_line, load_line

NAME = "openai_live"
_SHOWN = 500
_NAMES = frozenset({"custom_id", "method", "url"})
_STREAMING = ("stream", "stream_options")


@dataclass(frozen=True, slots=True)
class Ask:
    """A request line, ready to be sent."""

    custom_id: str
    url: str
    body: bytes

    @property
    def result_id(self) -> str:
        """An id for the answer: the same question always gets the same one."""
        return f"batch_req_{NAME}_{digest(self.custom_id)[:24]}"


@dataclass(frozen=True)
class Reply:
    """What a service returned, and the seconds that the call took."""

    status: int
    raw: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float | None = None

    @cached_property
    def body(self) -> dict[str, Any] | None:
        """The body, where it is a JSON object, which may be written as a text; else None."""
        try:
            value = read_json(self.raw)
        except ValueError:
            return None
        value = read_object(value) if isinstance(value, str) else value
        return value if isinstance(value, dict) else None

    @property
    def request_id(self) -> str:
        """The service's name for the call, to be told to its support; else the name in the body, if there is one."""
        named = self.headers.get("x-request-id") or self.headers.get("apim-request-id")
        return named or str((self.body or {}).get("id") or "")


class LostError(Exception):
    """No reply came. `code` is `connect` (nothing was sent), `page` (a proxy's), `connection_error` or `timeout`."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


def read_ask(line: bytes, where: str) -> Ask:
    """Read a request line. Its body is cut out of the line, not written anew.

    Examples
    --------
    >>> read_ask(b'{"custom_id":"a","method":"POST","url":"/v1/responses","body":{"n": 1.0}}', "line 1").body
    b'{"n": 1.0}'
    """
    request = load_line(line, where)
    name, url = str(request.get("custom_id")), str(request.get("url"))
    return Ask(name, url, _cut_body(line, request))


def _cut_body(line: bytes, request: Mapping[str, Any]) -> bytes:
    """The bytes of a line's body; written anew where they cannot be found for certain, or would ask for a stream."""
    body, begin = request.get("body"), line.find(b'"body":')
    if isinstance(body, dict) and any(name in body for name in _STREAMING):
        return orjson.dumps({name: value for name, value in body.items() if name not in _STREAMING})
    *others, last = request.items() or [("", None)]
    if begin >= 0 and last[0] == "body" and all(name in _NAMES and isinstance(value, str) for name, value in others):
        return line[begin + len(b'"body":') : line.rindex(b"}")].strip()
    return orjson.dumps(body)


def count_tokens(body: Mapping[str, Any] | None) -> int:
    """Return the tokens that an answer took, in and out; 0 where it does not say."""
    usage = (body or {}).get("usage")
    total = usage.get("total_tokens") if isinstance(usage, dict) else None
    return total if isinstance(total, int) else 0


def write_reply_line(ask: Ask, reply: Reply) -> bytes:
    """Write the result line of a reply: its body as it came, or, where that is no JSON, as a text.

    A reply that came well was paid, so that its line bears the status even where nobody can read it.
    """
    if reply.body is None:
        return _write_unreadable(ask, reply)
    body = orjson.Fragment(_unbreak(reply.raw))
    response = {"status_code": reply.status, "request_id": reply.request_id, "body": body}
    return _write(ask, response, None, reply.seconds)


def write_lost_line(ask: Ask, lost: LostError) -> bytes:
    """Write the result line of a question that never got a reply."""
    return _write(ask, None, {"code": lost.code, "message": str(lost)})


def _write_unreadable(ask: Ask, reply: Reply) -> bytes:
    if reply.status == 200:
        text = json.dumps(reply.raw.decode("utf-8", "surrogateescape"))  # every byte comes back from it
        response = {"status_code": 200, "request_id": reply.request_id, "body": orjson.Fragment(text)}
        return _write(ask, response, None, reply.seconds)
    text = reply.raw[: 4 * _SHOWN].decode("utf-8", "replace")[:_SHOWN]
    message = f"the body is no JSON object: {text}"
    body = error_line({}, reply.status, message, NAME)["response"]["body"]
    response = {"status_code": reply.status, "request_id": reply.request_id, "body": body}
    return _write(ask, response, None, reply.seconds)


def _write(
    ask: Ask, response: Mapping[str, Any] | None, error: Mapping[str, Any] | None, seconds: float | None = None
) -> bytes:
    """A result line as of a batch; `seconds`, which a batch does not tell, stands before its other fields."""
    taken = {} if seconds is None else {"seconds": round(seconds, 3)}
    return dump_line(taken | {"id": ask.result_id, "custom_id": ask.custom_id, "response": response, "error": error})


def _unbreak(raw: bytes) -> bytes:
    """JSON on one line: a line break can only stand between its tokens, where a space does as well."""
    return raw.replace(b"\r", b" ").replace(b"\n", b" ").strip()
