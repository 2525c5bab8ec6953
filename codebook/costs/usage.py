"""What a reply says it used, whatever tongue it is in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from codebook.dialects.embeddings import is_embeddings
from codebook.dialects.spent import read_count, read_counts, read_part


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one request as a service counted them.

    `tokens_in` includes `tokens_cached` (read from the service's prompt cache) and `tokens_written` (put into it);
    `tokens_out` includes `tokens_reasoning`.

    Examples
    --------
    >>> Usage(tokens_in=1200, tokens_out=35).tokens_cached
    0
    """

    tokens_in: int = 0
    tokens_cached: int = 0
    tokens_written: int = 0
    tokens_out: int = 0
    tokens_reasoning: int = 0


def read_usage(body: Any) -> Usage | None:
    """Read the usage of a reply of chat completions, responses or embeddings; None where it is not known.

    Known are input and output. A part that is missing or odd counts as 0, and never exceeds its whole: more cached
    than input tokens are cut to the input tokens.

    Examples
    --------
    >>> read_usage({"usage": {"prompt_tokens": 12, "completion_tokens": 3, "prompt_tokens_details": None}})
    Usage(tokens_in=12, tokens_cached=0, tokens_written=0, tokens_out=3, tokens_reasoning=0)
    >>> [read_usage({"usage": usage}) for usage in (None, "none", {"total_tokens": 15}, {"prompt_tokens": 12})]
    [None, None, None, None]
    """
    if not isinstance(body, Mapping):
        return None
    usage = body.get("usage")
    tokens_in, tokens_out = read_counts(usage)
    if is_embeddings(body):
        tokens_in, tokens_out = _read_embeddings(usage, tokens_in)
    if tokens_in is None or tokens_out is None:
        return None
    cached = min(read_part(usage, "cached_tokens"), tokens_in)
    written = min(read_part(usage, "cache_write_tokens"), tokens_in - cached)
    reasoning = min(read_part(usage, "reasoning_tokens"), tokens_out)
    return Usage(tokens_in, cached, written, tokens_out, reasoning)


def _read_embeddings(usage: Any, tokens_in: int | None) -> tuple[int | None, int]:
    """Tokens of vectors: there is no output, so that the total is the input."""
    total = read_count(usage.get("total_tokens")) if isinstance(usage, Mapping) else None
    return total if tokens_in is None else tokens_in, 0


def say_tokens(totals: Mapping[str, Any]) -> str:
    """Say the tokens of answers, and how many of these do not tell theirs; `totals` as the ledger or `run.json` has it.

    Examples
    --------
    >>> say_tokens({"tokens_in": 1200, "tokens_out": 30, "answers_without_tokens": 2})
    '1,200 tokens in and 30 out (2 replies do not tell theirs)'
    >>> say_tokens({"tokens_in": 0, "tokens_out": 0, "answers_without_tokens": 2})
    'tokens unknown'
    """
    n_untold = totals.get("answers_without_tokens", 0)
    if n_untold and not totals["tokens_in"]:
        return "tokens unknown"
    words = f"{totals['tokens_in']:,} tokens in and {totals['tokens_out']:,} out"
    return (
        f"{words} ({n_untold:,} repl{'ies do' if n_untold != 1 else 'y does'} not tell theirs)" if n_untold else words
    )
