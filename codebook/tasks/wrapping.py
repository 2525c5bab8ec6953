"""What stands around an answer that is no reply by itself: it is never taken off, but it is said.

Every reply of a run may be wrapped in the same way; then it is the service or the model that is to be told otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from json import JSONDecoder

import orjson

from codebook.dialects.resultlines import read_json

WRAPPED = "; wrapped: "
"""Stands in the detail of an invalid reply before the way in which an answer is wrapped in it."""

MENDS = {
    "a think block": "turn the thinking off, or let the service keep it apart (its reasoning parser)",
    "a code fence": "ask a model or service that keeps to the schema of the request",
    "words around the JSON": "ask a model or service that keeps to the schema of the request",
    "the same JSON twice": "ask another model, or an endpoint that keeps to the schema of the request",
    "JSON as a text": "ask another endpoint of the service: this one writes the answer as a text of JSON",
    "extra fields": "ask a model or service that keeps to the schema of the request",
}
"""The ways, and what helps."""

_THINK = re.compile(r"\s*(?:<(think|thinking|reasoning)>)?.*</(?:think|thinking|reasoning)>\s*(?P<rest>.*)", re.DOTALL)
_FENCE = re.compile(r"\s*```[\w-]*\s(?P<rest>.*?)```\s*", re.DOTALL)
_MOST = 3


def find_wrapping(text: str, required: Collection[str], is_answer: Callable[[str], bool]) -> str:
    r"""Say what an answer is wrapped in; "" where no answer is found.

    Parameters
    ----------
    required
        The fields of an answer.
    is_answer
        Whether a text is an answer by itself.

    Examples
    --------
    >>> find_wrapping('```json\n{"label":"a"}\n```', ["label"], '{"label":"a"}'.__eq__)
    'a code fence'
    """
    ways: list[str] = []
    for _ in range(_MOST):
        layer = next(_unwrap(text, required), None)
        if layer is None:
            return ""
        way, text = layer
        ways.append(way)
        if is_answer(text.strip()):
            return " and ".join(ways)
    return ""


def _unwrap(text: str, required: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield what one layer may be, and what is in it."""
    if think := _THINK.fullmatch(text):
        yield "a think block", think["rest"]
    if fence := _FENCE.fullmatch(text):
        yield "a code fence", fence["rest"]
    yield from _unwrap_json(text, required)
    if twice := _halve(text):
        yield "the same JSON twice", twice
    start, end = text.find("{"), text.rfind("}")
    if 0 <= start < end and (start > 0 or end < len(text) - 1):
        yield "words around the JSON", text[start : end + 1]


def _unwrap_json(text: str, required: Collection[str]) -> Iterator[tuple[str, str]]:
    try:
        value = read_json(text)
    except ValueError:
        return
    if isinstance(value, str):
        yield "JSON as a text", value
    elif isinstance(value, dict) and set(required) < set(value):
        yield "extra fields", orjson.dumps({name: value[name] for name in required}).decode()


def _halve(text: str) -> str:
    """The JSON that a text holds twice."""
    decode = JSONDecoder().raw_decode
    text = text.strip()
    try:
        first, end = decode(text)
        rest = text[end:].lstrip()
        second, second_end = decode(rest)
    except (ValueError, RecursionError):
        return ""
    return rest if first == second and second_end == len(rest) else ""
