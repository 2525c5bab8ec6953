"""One result line as bytes: read strictly, then as Python reads it, then as far as it can be; never an exception.

A line that nobody can read still names its question: the custom_id is looked for in the bytes, so that it costs one
row. Where a line end is lost, two lines stand on one: each is taken for itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, NamedTuple

import orjson

UNREADABLE = "the result line cannot be read as JSON; its bytes are kept in the result file"
"""What is said of an answer whose line nobody can read."""

_NAME = re.compile(rb'(?<!\\)"custom_id"\s*:\s*("(?:[^"\\]|\\.)*")')
_APART = re.compile(r'"\s+:')
_decode = json.JSONDecoder().raw_decode


class Piece(NamedTuple):
    """What stands between two bytes of a line: the question it answers ("" if unknown), and the object if it is one."""

    start: int
    end: int
    custom_id: str
    line: dict[str, Any] | None


def read_json(raw: bytes | str) -> Any:
    """Read JSON strictly, then as Python does: half a character (a lone surrogate) becomes U+FFFD.

    Examples
    --------
    >>> read_json(r'{"text": "half \\ud83d"}') == {"text": "half \\ufffd"}
    True
    """
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        text = raw if isinstance(raw, str) else raw.decode("utf-8", "surrogatepass")
        try:
            return _mend(json.loads(text))
        except RecursionError:
            raise ValueError("it is nested too deeply") from None


def holds_halves(text: str) -> bool:
    r"""Whether JSON, which `read_json` has read, holds half a character.

    Examples
    --------
    >>> holds_halves(r'"\ud83d"'), holds_halves(r'"\ud83d\ude00"')
    (True, False)
    """
    if "\\u" not in text:
        return False
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return True
    return False


def find_twice(text: str, value: Any) -> str:
    """Return a field that an object of some JSON, read as `value`, has twice with different values; "" for none.

    Readers of JSON take the last one in silence.

    Examples
    --------
    >>> [find_twice(text, read_json(text)) for text in ('{"a":1,"a":2}', '{"a":1, "a":1}', '[{"a":1},{"a":2}]')]
    ['a', '', '']
    """
    if not _APART.search(text) and text.count('":') == _count_fields(value):
        return ""
    twice: list[str] = []

    def note(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        first = dict[str, Any]()
        twice.extend(name for name, inner in pairs if first.setdefault(name, inner) != inner)
        return first

    with suppress(RecursionError):
        json.loads(text, object_pairs_hook=note)
    return twice[0] if twice else ""


def _count_fields(value: Any) -> int:
    """How often a name and its colon, or what looks so within a text, stand in some JSON; -1 where it is too deep."""
    try:
        return orjson.dumps(value).count(b'":')
    except orjson.JSONEncodeError:
        return -1


def read_object(raw: bytes | str) -> dict[str, Any] | None:
    """Read a JSON object as `read_json` does; None where it is none."""
    try:
        value = read_json(raw)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def read_pieces(raw: bytes) -> Iterator[Piece]:
    r"""Yield what a result line holds: one piece as a rule.

    Examples
    --------
    >>> [(piece.custom_id, piece.line is None) for piece in read_pieces(b'{"custom_id":"a","response":{"bo\x00')]
    [('a', True)]
    >>> [piece.custom_id for piece in read_pieces(b'{"custom_id":"a"}*{"custom_id":"b"}')]
    ['a', 'b']
    """
    line = read_object(raw)
    if line is not None:
        yield Piece(0, len(raw), str(line.get("custom_id") or ""), line)
        return
    names = list(_NAME.finditer(raw))
    starts = [max(0, raw.rfind(b"{", 0, name.start())) for name in names]
    ends = [*starts[1:], len(raw)]
    for name, start, end in zip(names, starts or [0], ends, strict=False):
        n_read, line = _read_first(raw[start:end])
        yield Piece(start, start + n_read if line else end, _read_name(name[1]), line)
    if not names:
        yield Piece(0, len(raw), "", None)


def _read_name(raw: bytes) -> str:
    try:
        return str(read_json(raw))
    except ValueError:
        return ""


def _read_first(raw: bytes) -> tuple[int, dict[str, Any] | None]:
    """The object with which some bytes begin, and how many bytes it has; what stands behind it is no part of it."""
    try:
        text = raw.decode("utf-8", "surrogatepass")
        value, n_read = _decode(text)
    except (ValueError, RecursionError):
        return 0, None
    n_bytes = len(text[:n_read].encode("utf-8", "surrogatepass"))
    return (n_bytes, _mend(value)) if isinstance(value, dict) else (0, None)


def _mend(value: Any) -> Any:
    """The same value, in which half a character stands as U+FFFD and no number is larger than JSON libraries hold."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_mend(item) for item in value]
    if isinstance(value, dict):
        return {_mend(name): _mend(item) for name, item in value.items()}
    if type(value) is int and not -(2**63) <= value < 2**64:  # which the strict reader takes as a float too
        return float(str(value))
    return value
