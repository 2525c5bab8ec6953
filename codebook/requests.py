"""Codebook and units become requests: one a unit, variable and draw, named so that a rerun names them the same."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from codebook.dialects import write_body
from codebook.records import CHAT, Request, Unit, dump_canonical, request_key
from codebook.tasks import Question


def make_custom_id(unit_id: str, variable: str, draw: int = 0) -> str:
    """Name a request: readable, ASCII, at most 64 characters, the same in every run.

    Variable, unit and draw can be read off it where they are short and plain; the 12 characters at its end (60 bits of
    SHA-256) tell apart what shortening made alike.

    Examples
    --------
    >>> make_custom_id("1523", "topic")
    'topic.1523.0.2q7x5rn5d3dp'
    >>> len(make_custom_id("https://example.org/" + "x" * 500, "v" * 40, 12)) <= 64
    True
    """
    whole = hashlib.sha256(f"{variable}\0{unit_id}\0{draw}".encode()).digest()
    tail = base64.b32encode(whole)[:12].decode().lower()
    return f"{variable[:16]}.{_slug(unit_id)[:26]}.{draw}.{tail}"


def _slug(text: str) -> str:
    return "".join(letter if letter.isascii() and (letter.isalnum() or letter in "-_") else "-" for letter in text[:26])


def make_requests(
    questions: Mapping[str, Question],
    unit: Unit,
    *,
    model: str,
    url: str = CHAT,
    draws: int = 1,
    settings: Mapping[str, Any] | None = None,
) -> Iterator[Request]:
    """Yield the requests about one unit: one a variable and draw.

    Parameters
    ----------
    questions
        From `codebook.tasks.make_questions`; made once for all units.
    draws
        How often each question is asked. Each draw has a key of its own, so that it is really asked again.
    settings
        Further fields of the request body, such as `temperature` or `max_completion_tokens`.
    """
    for name, question in questions.items():
        body = write_body(question.write_prompt(unit, settings), url, model)
        # sent as written, since a model answers in the order of the schema; only the key is taken of the canonical form
        sent, canonical = orjson.dumps(body), dump_canonical(body)
        for draw in range(draws):
            custom_id = make_custom_id(unit.unit_id, name, draw)
            yield Request(custom_id, request_key(url, canonical, draw), url, sent, unit.unit_id, name, draw)
