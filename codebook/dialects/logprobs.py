"""How probable a reply was to the model that gave it, where the service was asked to say so."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard

from codebook.dialects.replies import list_messages, open_line


def read_logprob(line: Mapping[str, Any]) -> float | None:
    """Return the natural logarithm of the probability of a reply's text: the sum over its tokens.

    It is there only where the request asked for it: chat `logprobs: true`; responses `top_logprobs` and
    `include: ["message.output_text.logprobs"]`.

    What it is: the probability with which the model, at its temperature and under the schema, would have written this
    very string again, braces and quotes of the JSON included. `math.exp` of it lies between 0 and 1.

    What it is not: the probability that the label is right. It is not calibrated, it counts every way to write the
    same label apart, it says nothing of the reasoning before the reply, and it is smaller for longer labels. Whether
    a service takes the schema into account in its figures is not documented; a token outside the twenty likeliest is
    given as -9999. Measure it against gold codings before it is used as confidence.

    Parameters
    ----------
    line
        A result line of the Batch API, or the body of a reply in either tongue.

    Returns
    -------
    float or None
        None where the service gave no log probabilities, or not for every token.

    Examples
    --------
    >>> tokens = [{"token": '{"label":', "logprob": -0.1}, {"token": '"a"}', "logprob": -0.4}]
    >>> read_logprob({"choices": [{"message": {"content": '{"label":"a"}'}, "logprobs": {"content": tokens}}]})
    -0.5
    """
    tokens = [token for part in _parts(_body(line)) for token in part]
    values = [token.get("logprob") if isinstance(token, dict) else None for token in tokens]
    known = [value for value in values if _is_logprob(value)]
    return math.fsum(known) if known and len(known) == len(tokens) else None


def _is_logprob(value: Any) -> TypeGuard[float]:
    """A number no greater than 0 (a rounding error aside); a truth value is none."""
    return type(value) in (int, float) and -1e9 <= value <= 1e-6


def _body(line: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a result line, or the body itself."""
    return open_line(line)[1] if "response" in line else dict(line)


def _parts(body: dict[str, Any]) -> Iterator[list[Any]]:
    """The lists of tokens of a reply's text. A part of text without such a list makes the sum unknown: [None]."""
    if "output" not in body:
        choices = body.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else None
        yield _tokens(_get(choice, "logprobs", "content"))
        return
    whole, _ = list_messages(body)
    parts = [_texts(message) for message in whole]
    spoken = [part for part in parts if part]
    if len({tuple(_get(text, "text") for text in part) for part in spoken}) > 1:
        yield [None]  # several messages: which is the answer is not known here
    elif spoken:
        yield from (_tokens(_get(text, "logprobs")) for text in spoken[-1])


def _texts(message: Mapping[str, Any]) -> list[Any]:
    """The parts of a message that are text."""
    parts = _list(_get(message, "content"))
    return [
        part
        for part in parts
        if _get(part, "type") == "output_text" and isinstance(_get(part, "text"), str) and part["text"]
    ]


def _tokens(value: Any) -> list[Any]:
    return value if isinstance(value, list) and value else [None]


def _get(value: Any, *names: str) -> Any:
    """Follow names into nested objects; None where one is missing."""
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
