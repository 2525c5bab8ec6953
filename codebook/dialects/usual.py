"""The short way through a result line: nearly all are chat replies that ended by themselves and are a text.

The types below say what such a line looks like. The decoder passes over every field that they do not name, which takes
half the time of reading the whole line, and gives up at the first one that is not as they say.
"""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, Struct, UnsetType
from msgspec.json import Decoder


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


_decode = Decoder(_Line).decode


def read_usual(line: bytes) -> tuple[str, str, str] | None:
    """Read (text, model, request_id) of a usual line; None for any other, whether it is JSON or not.

    Examples
    --------
    >>> choice = b'{"message":{"content":"yes"},"finish_reason":"stop"}'
    >>> body = b'{"object":"chat.completion","model":"m","choices":[%b]}' % choice
    >>> read_usual(b'{"response":{"status_code":200,"request_id":"r","body":%b}}' % body)
    ('yes', 'm', 'r')
    """
    try:
        response = _decode(line).response
    except (ValueError, RecursionError):
        return None
    body = response.body
    text = body.choices[0].message.content
    return (text, body.model, response.request_id) if text else None
