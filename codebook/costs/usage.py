"""What a reply says it used, whatever tongue it is in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one request as a service counted them.

    `tokens_in` includes `tokens_cached` (read from the service's prompt cache) and `tokens_written` (put into it);
    `tokens_out` includes `tokens_reasoning`.
    """

    tokens_in: int = 0
    tokens_cached: int = 0
    tokens_written: int = 0
    tokens_out: int = 0
    tokens_reasoning: int = 0


def read_usage(body: Any) -> Usage:
    """Read the usage of a reply of chat completions, responses or embeddings. What is missing or odd counts as 0.

    A part never exceeds its whole: more cached than input tokens are cut to the input tokens.

    Examples
    --------
    >>> read_usage({"usage": {"prompt_tokens": 12, "completion_tokens": 3, "prompt_tokens_details": None}})
    Usage(tokens_in=12, tokens_cached=0, tokens_written=0, tokens_out=3, tokens_reasoning=0)
    >>> read_usage({"usage": "none"}) == Usage()
    True
    """
    usage = _dict(_dict(body).get("usage"))
    taken = _first(usage, "prompt_tokens_details", "input_tokens_details")
    given = _first(usage, "completion_tokens_details", "output_tokens_details")
    tokens_in = _count(usage, "prompt_tokens", "input_tokens")
    tokens_out = _count(usage, "completion_tokens", "output_tokens")
    cached = min(_count(taken, "cached_tokens"), tokens_in)
    written = min(_count(taken, "cache_write_tokens"), tokens_in - cached)
    return Usage(tokens_in, cached, written, tokens_out, min(_count(given, "reasoning_tokens"), tokens_out))


def _count(values: Mapping[str, Any], *names: str) -> int:
    """The first of these that is a whole number of at least 0; 0 where none is."""
    found = (values.get(name) for name in names)
    return next((value for value in found if type(value) is int and value >= 0), 0)


def _first(values: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    return next((values[name] for name in names if isinstance(values.get(name), Mapping)), {})


def _dict(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
