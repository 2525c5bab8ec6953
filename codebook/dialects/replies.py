"""A reply in either tongue: written as a service would, and read back to its text or the reason why there is none.

The reasons, most of them seen in public reports of batches that were read wrongly:

    refused    a refusal in place of or beside the text, a content filter, a question refused before it was asked
    truncated  the limit of output tokens was reached, or all tokens went into reasoning
    invalid    the reply ended by itself but says nothing: it is empty, a call of a tool, or of no shape that is known;
               it was paid for
    failed     an HTTP error, an error of the service, no response at all, status 0; asking again may help
    expired    the batch ended before the question was asked
    cancelled  the batch was stopped before the question was asked

Each of the messages of one response is a reply for itself, and one that was cut short is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from codebook.dialects.embeddings import is_embeddings, tell_vectors
from codebook.dialects.resultlines import UNREADABLE, read_object
from codebook.dialects.spent import read_counts, read_part
from codebook.dialects.usual_replies import Said, read_seconds, read_usual
from codebook.records import CHAT, Answer

MESSAGES = "\x1e"
"""Stands between several messages of one response, as RFC 7464 has it: JSON itself never holds this character."""

_CUT = ("incomplete", "in_progress")


def list_messages(body: dict[str, Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """(complete messages, messages that were cut short) of a response; what a model says on its way is left out.

    Examples
    --------
    >>> whole, cut = list_messages({"output": [{"type": "message", "status": "incomplete"}, {"type": "message"}]})
    >>> len(whole), len(cut)
    (1, 1)
    """
    items = _dicts(body.get("output"))
    messages = [item for item in items if item.get("type") == "message" and item.get("phase") != "commentary"]
    whole = [message for message in messages if message.get("status") not in _CUT]
    return whole, [message for message in messages if message.get("status") in _CUT]


Told = tuple[str | None, str | None, str]
"""(text, why, detail) of a reply."""

TWO_ANSWERS = "two_different_answers"
"""The code of an error of our own: a replayed archive holds two different answers for one id."""

_WHYS = {
    TWO_ANSWERS: "invalid",
    **dict.fromkeys(("batch_expired", "expired"), "expired"),
    **dict.fromkeys(("batch_cancelled", "batch_canceled"), "cancelled"),
    **dict.fromkeys(("content_filter", "content_policy_violation", "responsibleaipolicyviolation"), "refused"),
    **dict.fromkeys(("invalid_prompt", "bio_policy", "cyber_policy", "misalignment_policy_violation"), "refused"),
    **dict.fromkeys(("image_content_policy_violation", "moderation_blocked"), "refused"),
}
"""Reason by the code of an error, in small letters; every other code is `failed`."""

_LIMIT = ("truncated", "the reply hit the limit of output tokens")
_FILTER = ("refused", "content filter")
_FINISHES = {
    **dict.fromkeys(("length", "max_tokens", "model_length"), _LIMIT),
    **dict.fromkeys(("content_filter", "safety", "refusal"), _FILTER),
    "error": ("failed", "the service broke off the reply"),
}
"""Reason by the word with which a chat reply ends: OpenAI's, and those of services that speak its tongue."""

_FAULTY = frozenset({400, 401, 403, 404, 413, 422})
"""Statuses that find fault with the request itself: asked again, it fails again."""
_UNREAD: Said = (None, "invalid", UNREADABLE, "", "", None)
_EMPTY: dict[str, Any] = {}


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

    Nothing is repaired: a reply that was cut short or refused is no answer, whatever text it holds; the text is kept
    beside the reason. Nothing is taken for granted either: a line of any shape has a reason, so that one odd line
    cannot cost the others of its file. Model, fingerprint and usage are read from every body that has them, answered
    or not: what failed may have been billed.

    Where one response holds several messages that are complete and differ, the text is all of them, with `MESSAGES`
    between; whoever knows the schema says which is the answer.

    Examples
    --------
    >>> read_reply({"custom_id": "a", "response": None, "error": {"code": "batch_expired", "message": "too late"}}).why
    'expired'
    """
    response, body, status = open_line(line)
    text, why, detail, model, request_id, _ = _read_opened(line, response, body, status)
    usage = body.get("usage")
    tokens_in, tokens_out = read_counts(usage)
    return Answer(
        str(line.get("custom_id") or ""),
        text,
        why,
        detail,
        model,
        request_id,
        tokens_in or 0,
        tokens_out or 0,
        read_part(usage, "cached_tokens"),
        str(body.get("system_fingerprint") or ""),
        why == "failed" and status in _FAULTY,
    )


def read_said(lines: Iterable[bytes]) -> list[Said]:
    """Read what `read_reply` does, but for usage and fingerprint: all that the table needs of each line.

    A line that nobody can read is `invalid`, and `UNREADABLE` is said of it.
    """
    return read_usual(lines, _read_bytes)


def _read_bytes(raw: bytes) -> Said:
    line = read_object(raw)
    return _UNREAD if line is None else _read_any(line)


def _read_any(line: Mapping[str, Any]) -> Said:
    """Read a line of any shape."""
    return _read_opened(line, *open_line(line))


def _read_opened(line: Mapping[str, Any], response: dict[str, Any], body: dict[str, Any], status: Any) -> Said:
    error = line.get("error")
    if status == 200:
        text, why, detail = _read_body(body, str(line.get("custom_id") or ""))
        if error and (message := _say(error)):
            why, detail = _why(error), message
    elif not response and not error and ("response" not in line or line["response"]):
        text, why, detail = None, "invalid", "the line holds no response that can be read, and no error"
    else:
        text, why, detail = _read_failure(status, error or body.get("error"), response)
    names = (str(body.get("model") or ""), str(response.get("request_id") or ""))
    return text, why, detail, *names, read_seconds(line.get("seconds"))


def open_line(line: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any], Any]:
    """(response, body, status) of a result line, whatever shape a service gives them; empty where they are missing.

    Response and body may be JSON as a string; the body may stand in the response, be the response, or stand in the
    line itself; and a reply without a status has come well.

    Examples
    --------
    >>> open_line({"custom_id": "a", "response": {"status_code": "200", "body": '{"choices": []}'}})[1:]
    ({'choices': []}, 200)
    """
    response = _opened(line.get("response"))
    body, status = _opened(response.get("body")), response.get("status_code")
    if "body" not in response and status in (None, 200):
        body = response if _is_reply(response) else _opened(line.get("body"))
    if type(status) is not int:
        status = _read_status(status, body)
    return response, body, status


def _opened(value: Any) -> dict[str, Any]:
    """An object, which may be written as a string; empty for what is none."""
    if type(value) is str:
        return read_object(value) or _EMPTY
    return _dict(value)


def _read_status(status: Any, body: dict[str, Any]) -> Any:
    if status is None:
        return 200 if _is_reply(body) else None
    try:
        return int(status)
    except (ValueError, TypeError, OverflowError):
        return str(status)


def _is_reply(body: dict[str, Any]) -> bool:
    """Whether a body has what a reply of some endpoint has."""
    return "choices" in body or "output" in body or is_embeddings(body)


def _read_body(body: dict[str, Any], custom_id: str) -> Told:
    """Read a body of any endpoint."""
    if is_embeddings(body):
        return tell_vectors(body, custom_id)
    return _read_responses(body) if "output" in body or body.get("object") == "response" else _read_chat(body)


def _read_failure(status: Any, error: Any, response: dict[str, Any]) -> Told:
    """Say why a question was not answered: no response at all, or one with another status than 200."""
    message, code = _say(error), str(status) if response and status is not None else ""
    if code and message.startswith(f"{code}: "):  # some services repeat the status as the code
        code = ""
    nothing = f"status {status}" if response else "no response"
    return None, _why(error), ": ".join(part for part in (code, message) if part) if message else nothing


def _read_chat(body: dict[str, Any]) -> Told:
    """Read a chat completion."""
    choices, error = _dicts(body.get("choices")), body.get("error")
    if len(choices) > 1:
        return _read_choices(body, choices)
    choice = choices[0] if choices else _EMPTY
    message = _dict(choice.get("message"))
    content = message.get("content")
    text = content if type(content) is str else _join(content)
    if problem := _say(error):
        return text or None, _why(error), problem
    if not choices:
        return None, "invalid", "status 200, but there is no reply in it that can be read"
    if refusal := message.get("refusal") or _refusal(content):
        return text or None, "refused", str(refusal)
    finish = choice.get("finish_reason")
    if finish != "stop" and type(finish) is str and (verdict := _FINISHES.get(finish.casefold())):
        return text or None, *verdict
    if text:
        return text, None, ""
    return _explain_empty(body, bool(message.get("tool_calls") or message.get("function_call")))


def _read_choices(body: dict[str, Any], choices: list[dict[str, Any]]) -> Told:
    """Read several choices, though one was asked for: whole ones are as several messages, and a refusal refuses all."""
    told = [_read_chat({**body, "choices": [choice]}) for choice in choices]
    for verdict in told:
        if verdict[1] == "refused" or body.get("error"):
            return verdict
    texts = [text for text, why, _ in told if text and not why]
    return (MESSAGES.join(dict.fromkeys(texts)), None, "") if texts else told[0]


def _read_responses(body: dict[str, Any]) -> Told:
    """Read a response. Reasoning items may stand before the message, and comments of the model on its way to it."""
    whole, cut = list_messages(body)
    contents = [message.get("content") for message in whole or cut]
    parts = [part for content in contents for part in _dicts(content)]
    text = MESSAGES.join(dict.fromkeys(filter(None, map(_join, contents)))) or None
    status, reason, error = body.get("status"), _dict(body.get("incomplete_details")).get("reason"), body.get("error")
    if problem := _say(error):
        return text, _why(error), problem
    if refusal := _refusal(parts):
        return text, "refused", str(refusal)
    if reason == "content_filter":
        return text, *_FILTER
    if status == "incomplete" or (cut and not whole):
        return text, "truncated", f"incomplete: {reason or 'no reason given'}"
    if status != "completed" and status is not None:
        return text, "failed", f"the response is {status}"
    if text:
        return text, None, ""
    return _explain_empty(body, any(str(item.get("type")).endswith("_call") for item in _dicts(body.get("output"))))


def _explain_empty(body: dict[str, Any], called: bool) -> Told:
    """A reply that ended by itself and has no text: truncated where all its tokens went into reasoning."""
    if called:
        return None, "invalid", "the model called a tool instead of answering"
    if read_part(body.get("usage"), "reasoning_tokens"):
        return None, "truncated", "all output tokens went into reasoning"
    return None, "invalid", "the reply is empty"


def _join(content: Any) -> str:
    """The text of a message whose content is a list of parts."""
    parts = [part.get("text") for part in _dicts(content) if part.get("type") in ("output_text", "text")]
    return "".join(part for part in parts if type(part) is str)


def _refusal(content: Any) -> Any:
    """The refusal among the parts of a message; one without words is one too."""
    if type(content) is not list:
        return None
    refusals = (part for part in _dicts(content) if part.get("type") == "refusal")
    return next((part.get("refusal") or "no reason given" for part in refusals), None)


def _say(error: Any) -> str:
    """An error object of a service as one short text."""
    if type(error) is not dict:
        return str(error or "")
    message = ": ".join(str(error[key]) for key in ("code", "message") if error.get(key))
    return message or str(error.get("type") or "")


def _why(error: Any) -> str:
    """The reason that an error stands for, by its code or the one inside it (Azure's filter); `failed` by default."""
    outer = _dict(error)
    inner = outer.get("innererror") or _dict(outer.get("provider_specific_fields")).get("innererror")
    codes = (str(part.get("code") or part.get("type")).casefold() for part in (outer, _dict(inner)))
    return next((_WHYS[code] for code in codes if code in _WHYS), "failed")


def _dict(value: Any) -> dict[str, Any]:
    return value if type(value) is dict else _EMPTY


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if type(item) is dict] if type(value) is list else []
