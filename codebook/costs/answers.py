"""How long an answer may be, before there is any: from the form that the request asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from codebook.costs.bodies import find_schema
from codebook.costs.tokens import TokenCounter

FREE_TEXT = 40
"""Tokens taken for a text that the form leaves free, such as a quotation or a reason."""

FREE_ANSWER = 200
"""Tokens taken for an answer without a form."""

FREE_ITEMS = 3
"""Items taken for a list that is not made of labels."""

CAPS = ("max_completion_tokens", "max_output_tokens", "max_tokens")


def guess_answer(body: Mapping[str, Any], counter: TokenCounter) -> int:
    """Guess the output tokens of an answer: the longest labels that the JSON schema allows, as JSON.

    A list of labels is taken to hold them all, a free text to have `FREE_TEXT` tokens. The request's own cap on output
    is the most. Reasoning is not in the guess.

    Examples
    --------
    >>> from codebook.costs.tokens import find_counter
    >>> label = {"type": "object", "properties": {"label": {"enum": ["yes", "certainly not"]}}}
    >>> body = {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": label}}}
    >>> guess_answer(body, find_counter("gpt-4o"))  # {"label":"certainly not"}
    7
    """
    form = find_schema(body)
    guess = counter.count(_dump(_fill(form["schema"], counter))) if form else FREE_ANSWER
    caps: list[int] = [body[name] for name in CAPS if type(body.get(name)) is int]
    return min([guess, *caps])


def _fill(schema: Any, counter: TokenCounter, depth: int = 0) -> Any:
    """A long value that a schema allows."""
    if not isinstance(schema, Mapping) or depth > 10:
        return None
    if isinstance(choices := schema.get("enum"), list) and choices:
        return max(choices, key=lambda choice: counter.count(_dump(choice)))
    if "const" in schema:
        return schema["const"]
    kinds = schema.get("type")
    kind = next((one for one in kinds if one != "null"), "null") if isinstance(kinds, list) else kinds
    if kind == "object" or "properties" in schema:
        fields = schema.get("properties")
        return {name: _fill(part, counter, depth + 1) for name, part in fields.items()} if fields else {}
    if kind == "array":
        return _fill_list(schema.get("items"), counter, depth)
    if isinstance(ways := schema.get("anyOf"), list):
        filled = [_fill(way, counter, depth + 1) for way in ways]
        return max(filled, key=lambda value: len(_dump(value)), default=None)
    return {"string": " word" * FREE_TEXT, "boolean": False}.get(str(kind), 100)


def _fill_list(items: Any, counter: TokenCounter, depth: int) -> list[Any]:
    choices = items.get("enum") if isinstance(items, Mapping) else None
    return choices if isinstance(choices, list) else [_fill(items, counter, depth + 1)] * FREE_ITEMS


def _dump(value: Any) -> str:
    return orjson.dumps(value).decode()
