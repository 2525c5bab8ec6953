"""What a reply means: it is kept, the question is asked again, or the job stops."""

from __future__ import annotations

import re
from typing import Any

from codebook.engines.openai_live.call_lines import LostError, Reply
from codebook.engines.openai_live.waits import LONGEST_WAIT_S, read_retry_after
from codebook.engines.service import explain
from codebook.engines.service.objects import is_page, lacks_endpoint, read_words
from codebook.errors import EngineError, UnreachableError

OVERLOADED = frozenset({429, 503, 529})
"""Statuses with which a service says that it has too much to do."""
_PASSING = frozenset({408, 409, 429})
_FOR_NOW = frozenset({302, 303, 307})
_NO_CREDIT = frozenset({"insufficient_quota", "billing_hard_limit_reached"})


def may_pass(reply: Reply | LostError) -> bool:
    """Whether the same question may be answered later: the SDK's rule, `x-should-retry` included."""
    if isinstance(reply, LostError):
        return True
    advice = reply.headers.get("x-should-retry")
    if advice in ("true", "false"):
        return advice == "true"
    return reply.status in _PASSING or reply.status >= 500


def find_stop(reply: Reply, address: str, secret: str) -> EngineError | None:
    """Return the error that ends the job, where no other question can fare better than this one did."""
    what = f"call of {address}"
    if reply.status in (401, 403) or (reply.status == 429 and _code(reply) in _NO_CREDIT):
        return explain(_as_sdk_error(reply, address), what, secret)
    if 300 <= reply.status < 400:
        to = f"status {reply.status}, {reply.headers.get('location', 'no address')}"
        kind = UnreachableError if reply.status in _FOR_NOW else EngineError  # as to a login page, which may go away
        return kind(f"{what}: the service is elsewhere ({to}). To mend: correct base_url.")
    words = read_words(reply.raw[:1000].decode("utf-8", "replace") if reply.body is None else _error(reply))
    if lacks_endpoint(reply.status, words):
        mend = "correct base_url" if "/v1/" in address else f"add /v1 to base_url ({_with_version(address)})"
        kind = UnreachableError if is_page(reply.raw, reply.headers) else EngineError  # a proxy's page may go away
        return kind(
            f"{address} does not exist at the service (status {reply.status}). To mend: {mend}; a service may have "
            "batches and no live calls."
        )
    wait_s = read_retry_after(reply.headers)
    if reply.status in OVERLOADED and wait_s and wait_s > LONGEST_WAIT_S:
        return UnreachableError(
            f"{what}: the service asks to be left alone for {wait_s:,.0f} s (status {reply.status}). "
            "Answers so far are kept; submit again later, it goes on where it stopped."
        )
    return None


def _with_version(address: str) -> str:
    """The base of an address, with the version behind it.

    Examples
    --------
    >>> _with_version("http://127.0.0.1:8000/chat/completions")
    'http://127.0.0.1:8000/v1'
    """
    return re.sub(r"/(chat/completions|responses|embeddings)$", "/v1", address)


def _as_sdk_error(reply: Reply, address: str) -> Exception:
    """The exception that the SDK raises for a reply."""
    import httpx2
    import openai

    kinds: dict[int, type[openai.APIStatusError]] = {
        401: openai.AuthenticationError,
        403: openai.PermissionDeniedError,
        429: openai.RateLimitError,
    }
    response = httpx2.Response(reply.status, request=httpx2.Request("POST", address))
    error = _error(reply)
    message = error.get("message") or reply.raw[:300].decode("utf-8", "replace")
    return kinds[reply.status](f"Error code: {reply.status} - {message}", response=response, body=error)


def _error(reply: Reply) -> dict[str, Any]:
    """The error object of a body, which may stand in `error` or be the body itself."""
    body = reply.body or {}
    error = body.get("error", body)
    return error if isinstance(error, dict) else {"message": str(error)}


def _code(reply: Reply) -> str:
    error = _error(reply)
    return str(error.get("code") or error.get("type") or "")
