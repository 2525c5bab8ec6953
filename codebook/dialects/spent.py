"""How many tokens a reply says it took, in any tongue; what a service does not say, or says oddly, is unknown."""

from __future__ import annotations

from typing import Any

_MOST_TOKENS = 2**53


def read_count(value: Any) -> int | None:
    """A number of tokens, a float without a fraction too; None for what is none.

    Examples
    --------
    >>> [read_count(value) for value in (7, 7.0, 1.5, -1, True, "7", None)]
    [7, 7, None, None, None, None, None]
    """
    if type(value) is float and value.is_integer():
        value = int(value)
    return value if type(value) is int and 0 <= value < _MOST_TOKENS else None


def read_counts(usage: Any) -> tuple[int | None, int | None]:
    """Tokens (input, output) of a usage object, each None where it is unknown.

    Where one of them is missing, the total says it: embeddings have no output.

    Examples
    --------
    >>> read_counts({"prompt_tokens": 12, "completion_tokens": 3}), read_counts({"input_tokens": 12.0})
    ((12, 3), (12, None))
    >>> read_counts({"prompt_tokens": 12, "total_tokens": 12}), read_counts({"total_tokens": 15})
    ((12, 0), (None, None))
    """
    if type(usage) is not dict:
        return None, None
    tokens_in = _first(usage, "prompt_tokens", "input_tokens")
    tokens_out = _first(usage, "completion_tokens", "output_tokens")
    total = read_count(usage.get("total_tokens"))
    if tokens_in is not None and tokens_out is None and total is not None and total >= tokens_in:
        tokens_out = total - tokens_in
    elif tokens_in is None and tokens_out is not None and total is not None and total >= tokens_out:
        tokens_in = total - tokens_out
    return tokens_in, tokens_out


def read_part(usage: Any, part: str) -> int:
    """Tokens of a part that a usage object tells in its details, such as `cached_tokens`; 0 where it does not."""
    for name in _DETAILS[part] if type(usage) is dict else ():
        if isinstance(details := usage.get(name), dict):
            return read_count(details.get(part)) or 0
    return 0


_TAKEN, _GIVEN = (
    ("prompt_tokens_details", "input_tokens_details"),
    ("completion_tokens_details", "output_tokens_details"),
)
_DETAILS = {"cached_tokens": _TAKEN, "cache_write_tokens": _TAKEN, "reasoning_tokens": _GIVEN}


def _first(usage: dict[str, Any], name: str, other: str) -> int | None:
    """The first of these that is a number."""
    count = read_count(usage.get(name))
    return read_count(usage.get(other)) if count is None else count
