"""Count the tokens of a request: its messages, its schema, and what each message adds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from codebook.costs.image_tokens import count_part, is_image
from codebook.costs.tokens import TokenCounter
from codebook.records import EMBEDDINGS

MESSAGE_TOKENS = 4
"""Tokens that a message adds to those of its text: its marks and its role."""

REPLY_TOKENS = 3
"""Tokens that begin the reply, once a request."""

_TEXTS = frozenset({"text", "input_text", "output_text", "refusal"})


def count_request(body: Any, counter: TokenCounter, url: str = "") -> int:
    """Count the input tokens of a body of chat completions, responses or embeddings.

    Counted are all messages, the JSON schema as it is written, tools, and for each message `MESSAGE_TOKENS` and for
    each request `REPLY_TOKENS`. That overhead, and how a service spells a schema, are not published for new models: a
    pilot's own bill corrects them. Images are counted where their size and the rule of the model's family are known
    (`codebook.costs.image_tokens`), files never; `find_uncounted` names what is not.

    Examples
    --------
    >>> from codebook.costs.tokens import find_counter
    >>> body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "tokens are counted"}]}
    >>> count_request(body, find_counter("gpt-4o-mini"))
    10
    """
    body = body if isinstance(body, Mapping) else {}
    if url == EMBEDDINGS or _embeds(body):
        return _count_inputs(body.get("input"), counter)
    total = REPLY_TOKENS
    for texts in iter_messages(body):
        total += MESSAGE_TOKENS + sum(map(counter.count, texts))
    total += sum(count_part(part, _model(body)) or 0 for part in _parts(body) if is_image(part))
    if schema := find_schema(body):
        total += counter.count(_dump(schema))
    return total + sum(counter.count(_dump(tool)) for tool in _list(body.get("tools")))


def find_uncounted(body: Any) -> tuple[str, ...]:
    """Name the kinds of parts that `count_request` leaves out, such as images and files; empty where all is text.

    Examples
    --------
    >>> body = {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]}
    >>> find_uncounted(body | {"model": "gpt-6-luna"})
    ('image_url',)
    """
    body = body if isinstance(body, Mapping) else {}
    foreign = [part for part in _parts(body) if part.get("type") not in _TEXTS]
    unknown = [part for part in foreign if not is_image(part) or count_part(part, _model(body)) is None]
    return tuple(sorted({str(part.get("type")) for part in unknown}))


def iter_messages(body: Mapping[str, Any]) -> Iterator[list[str]]:
    """Yield the texts of each message, instructions first."""
    if isinstance(instructions := body.get("instructions"), str) and instructions:
        yield [instructions]
    for message in _messages(body):
        content = message.get("content")
        parts = [part for part in _list(content) if isinstance(part, Mapping)]
        texts = [content] if isinstance(content, str) else [part.get("text", part.get("refusal")) for part in parts]
        yield [text for text in [*texts, message.get("name")] if isinstance(text, str)]


def find_schema(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The form that the answer must have, with its name; empty where the request asks for free text."""
    chat = _dict(_dict(body.get("response_format")).get("json_schema"))
    form = chat or _dict(_dict(body.get("text")).get("format"))
    return {name: form[name] for name in ("name", "description", "schema") if name in form} if "schema" in form else {}


def _messages(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The messages of either tongue; a plain input is one."""
    messages = body.get("messages", body.get("input"))
    if isinstance(messages, str):
        return [{"content": messages}]
    return [message for message in _list(messages) if isinstance(message, Mapping)]


def _parts(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The parts of all messages that are made of parts."""
    contents = [_list(message.get("content")) for message in _messages(body)]
    return [part for content in contents for part in content if isinstance(part, Mapping)]


def _model(body: Mapping[str, Any]) -> str:
    return str(body.get("model", ""))


def _embeds(body: Mapping[str, Any]) -> bool:
    """Whether a body asks for embeddings: by its model, or since its input is a list of texts or of tokens."""
    inputs = body.get("input")
    plain = isinstance(inputs, list) and bool(inputs) and not any(isinstance(item, Mapping) for item in inputs)
    return plain or ("messages" not in body and str(body.get("model", "")).startswith("text-embedding"))


def _count_inputs(inputs: Any, counter: TokenCounter) -> int:
    """Tokens of what is to be embedded: a text, a list of texts, or tokens as numbers."""
    if isinstance(inputs, str):
        return counter.count(inputs)
    return sum(1 if isinstance(item, int) else _count_inputs(item, counter) for item in _list(inputs))


def _dump(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _dict(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
