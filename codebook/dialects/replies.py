"""A reply in either tongue: written as a service would, and read back to its text or the reason why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from codebook.records import CHAT, Answer

Said = tuple[str | None, str | None, str]
"""(text, why, detail) of a reply."""

_ENDS = {"batch_expired": "expired", "batch_cancelled": "cancelled"}
_REFUSALS = frozenset({"content_filter", "content_policy_violation", "invalid_prompt"})
"""Codes with which a service refuses a question before a model reads it."""


def write_reply(url: str, model: str, text: str, *, request_id: str, usage: tuple[int, int]) -> dict[str, Any]:
    """Spell an answer as the body that a service would return; `usage` is (input, output) tokens."""
    tokens_in, tokens_out = usage
    if url == CHAT:
        message = {"role": "assistant", "content": text, "refusal": None}
        return {
            "id": request_id,
            "object": "chat.completion",
            "created": 0,
            "model": model,
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {
                "prompt_tokens": tokens_in,
                "completion_tokens": tokens_out,
                "total_tokens": tokens_in + tokens_out,
            },
        }
    part = {"type": "output_text", "text": text, "annotations": []}
    return {
        "id": request_id,
        "object": "response",
        "created_at": 0,
        "status": "completed",
        "model": model,
        "output": [{"type": "message", "role": "assistant", "status": "completed", "content": [part]}],
        "usage": {"input_tokens": tokens_in, "output_tokens": tokens_out, "total_tokens": tokens_in + tokens_out},
    }


def read_reply(line: Mapping[str, Any]) -> Answer:
    """Read a result line of the Batch API: the reply's text, or the reason why there is none.

    Nothing is repaired: a reply that was cut short or refused is no answer, whatever text it holds. Nothing is taken
    for granted either: a line of any shape has a reason, so that one odd line cannot cost the others of its file.

    Examples
    --------
    >>> read_reply({"custom_id": "a", "response": None, "error": {"code": "batch_expired", "message": "too late"}}).why
    'expired'
    """
    custom_id = str(line.get("custom_id") or "")
    response, error = _dict(line.get("response")), line.get("error")
    request_id = str(response.get("request_id") or "")
    body, status = _dict(response.get("body")), response.get("status_code")
    if error or not response:
        why = _ENDS.get(_code(error)) or _why_failed(error)
        return Answer(custom_id, why=why, detail=_say(error) or "no response", request_id=request_id)
    if status != 200:
        detail = _say(body.get("error")) or f"status {status}"
        return Answer(custom_id, why=_why_failed(body.get("error")), detail=detail, request_id=request_id)
    text, reason, detail = _read_responses(body) if "output" in body else _read_chat(body)
    usage = _dict(body.get("usage"))
    return Answer(
        custom_id,
        text=text,
        why=reason,
        detail=detail,
        model=str(body.get("model") or ""),
        request_id=request_id,
        tokens_in=_count(usage, "prompt_tokens", "input_tokens"),
        tokens_out=_count(usage, "completion_tokens", "output_tokens"),
    )


def _read_chat(body: Mapping[str, Any]) -> Said:
    """Read a chat completion."""
    choices = _dicts(body.get("choices"))
    if not choices:
        return (
            None,
            _why_failed(body.get("error")),
            _say(body.get("error")) or "status 200, but there is no reply in it",
        )
    message, finish = _dict(choices[0].get("message")), choices[0].get("finish_reason")
    text = _text(message.get("content"))
    if message.get("refusal"):
        return text, "refused", str(message["refusal"])
    if finish == "content_filter":
        return text, "refused", "content filter"
    if finish == "length":
        return text, "truncated", "the reply hit the limit of output tokens"
    return _whole(text, body, "completion_tokens_details")


def _read_responses(body: Mapping[str, Any]) -> Said:
    """Read a response; reasoning items may stand before the message."""
    parts = [
        part for item in _dicts(body["output"]) if item.get("type") == "message" for part in _dicts(item.get("content"))
    ]
    text = _text(parts)
    refusal = next((part.get("refusal") for part in parts if part.get("type") == "refusal"), None)
    status, reason = body.get("status"), _dict(body.get("incomplete_details")).get("reason")
    if body.get("error"):
        return text, _why_failed(body["error"]), _say(body["error"])
    if refusal:
        return text, "refused", str(refusal)
    if reason == "content_filter":
        return text, "refused", "content filter"
    if status == "incomplete":
        return text, "truncated", f"incomplete: {reason or 'no reason given'}"
    if status not in (None, "completed"):
        return text, "failed", f"the response is {status}"
    return _whole(text, body, "output_tokens_details")


def _whole(text: str | None, body: Mapping[str, Any], details: str) -> Said:
    """A reply that ended by itself: an empty one is truncated where all its tokens went into reasoning."""
    if text:
        return text, None, ""
    if _count(_dict(_dict(body.get("usage")).get(details)), "reasoning_tokens"):
        return None, "truncated", "all output tokens went into reasoning"
    return None, "invalid", "the reply is empty"


def _text(content: Any) -> str | None:
    """The text of a message, whose content is a string or a list of parts."""
    if isinstance(content, str):
        return content or None
    parts = (part.get("text") for part in _dicts(content) if part.get("type") in ("text", "output_text"))
    return "".join(part for part in parts if isinstance(part, str)) or None


def _say(error: Any) -> str:
    """An error object of a service as one short text."""
    if not isinstance(error, Mapping):
        return str(error or "")
    return ": ".join(str(error[key]) for key in ("code", "message") if error.get(key))


def _why_failed(error: Any) -> str:
    return "refused" if _code(error) in _REFUSALS else "failed"


def _code(error: Any) -> str:
    return str(_dict(error).get("code") or "")


def _count(usage: Mapping[str, Any], *names: str) -> int:
    """The first of these counts that is a number; 0 where none is."""
    return next((usage[name] for name in names if isinstance(usage.get(name), int)), 0)


def _dict(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _dicts(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []
