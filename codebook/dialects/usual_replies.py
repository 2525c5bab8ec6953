"""The short way through a result line: nearly all are chat replies that ended by themselves and are a text.

The types say what such a line looks like. The decoder passes over every field that they do not name, which takes half
the time of reading the whole line, and gives up at the first one that is not as they say: `replies.py` reads those.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, Literal

from msgspec import UNSET, Raw, Struct, UnsetType
from msgspec.json import Decoder, decode

from codebook.dialects.spent import read_counts, read_part
from codebook.records import Answer

_LONGEST_S = 1e9

Said = tuple[str | None, str | None, str, str, str, float | None]
"""(text, why, detail, model, request_id, seconds of the call where they are told) of a result line."""


class _Message(Struct, gc=False):
    content: str
    refusal: None = None


class _Choice(Struct, gc=False):
    message: _Message
    finish_reason: Literal["stop"]


class _Body(Struct, gc=False):
    object: Literal["chat.completion"]
    model: str
    choices: tuple[_Choice]
    error: None = None
    output: UnsetType = UNSET


class _Response(Struct, gc=False):
    status_code: Literal[200]
    request_id: str
    body: _Body


class _Line(Struct, gc=False):
    response: _Response
    error: None = None
    seconds: float | None = None


class _CountedBody(_Body, gc=False):
    usage: Raw = Raw(b"null")
    system_fingerprint: Any = None


class _CountedResponse(Struct, gc=False):
    status_code: Literal[200]
    request_id: str
    body: _CountedBody


class _CountedLine(Struct, gc=False):
    custom_id: str
    response: _CountedResponse
    error: None = None


_decode, _decode_counted = Decoder(_Line).decode, Decoder(_CountedLine).decode


def read_usual(lines: Iterable[bytes], read_any: Callable[[bytes], Said]) -> list[Said]:
    """Read what lines say; `read_any` is for those that are not as usual, whether they are JSON or not.

    Examples
    --------
    >>> choice = b'{"message":{"content":"yes"},"finish_reason":"stop"}'
    >>> body = b'{"object":"chat.completion","model":"m","choices":[%b]}' % choice
    >>> line = b'{"response":{"status_code":200,"request_id":"r","body":%b}}' % body
    >>> read_usual([line, b"{}"], lambda line: (None, "failed", "no response", "", ""))
    [('yes', None, '', 'm', 'r', None), (None, 'failed', 'no response', '', '')]
    """
    replies: list[Said] = []
    for line in lines:
        try:
            usual = _decode(line)
        except (ValueError, RecursionError):
            replies.append(read_any(line))
            continue
        response, body = usual.response, usual.response.body
        text = body.choices[0].message.content
        fields = (text, None, "", body.model, response.request_id, read_seconds(usual.seconds))
        replies.append(fields if text else read_any(line))
    return replies


def read_usual_answer(line: bytes) -> tuple[Answer, dict[str, Any]] | None:
    """Read a line with its usage, and return the part of its body that tells the cost; None where it is not as usual.

    Examples
    --------
    >>> choice = b'{"message":{"content":"yes"},"finish_reason":"stop"}'
    >>> body = b'{"object":"chat.completion","model":"m","choices":[%b],"usage":{"total_tokens":3}}' % choice
    >>> line = b'{"custom_id":"a","response":{"status_code":200,"request_id":"r","body":%b}}' % body
    >>> answer, body = read_usual_answer(line)
    >>> answer.custom_id, answer.text, body
    ('a', 'yes', {'model': 'm', 'usage': {'total_tokens': 3}})
    """
    try:
        usual = _decode_counted(line)
        body = usual.response.body
        counts, spent = _read_spent(body.model, bytes(body.usage))
    except (ValueError, RecursionError):
        return None
    if not (usual.custom_id and (text := body.choices[0].message.content)):
        return None
    fields = (usual.custom_id, text, None, "", body.model, usual.response.request_id, *counts)
    return Answer(*fields, str(body.system_fingerprint or "")), spent


@lru_cache(4_096)
def _read_spent(model: str, usage: bytes) -> tuple[tuple[int, int, int], dict[str, Any]]:
    """Tokens (input, output, cached), and the part of the body that tells them; few replies of a run differ in it."""
    value = decode(usage)
    tokens_in, tokens_out = read_counts(value)
    counts = tokens_in or 0, tokens_out or 0, read_part(value, "cached_tokens")
    return counts, {"model": model, "usage": value}


def read_seconds(seconds: Any) -> float | None:
    """The seconds that a call took, as the live engine notes them."""
    return float(seconds) if type(seconds) in (int, float) and 0 <= seconds < _LONGEST_S else None
