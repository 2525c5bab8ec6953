"""Label Studio: the values of its controls, as its JSON and its tables write them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from codebook.exchange.collector import Collector
from codebook.exchange.text_places import find_text, place_span
from codebook.files.tables.formats import as_text

_LISTS = ("choices", "taxonomy")
_PLAIN = ("rating", "number", "datetime", "selected")
_PLACES = ("start", "end", "startOffset", "endOffset", "globalOffsets", "text", "x", "y", "width", "height", "rotation")
PATH_SIGN = " > "
"""Between the steps of a path of a taxonomy."""


def add_result(collector: Collector, result: Any, unit: str, coder: str, data: Mapping[str, Any], **more: Any) -> None:
    """Add the rows of one result of an annotation."""
    if not isinstance(result, dict) or not result.get("from_name"):
        collector.count("a result without a control, such as a relation between spans, is not a label")
        return
    text = find_text(data, str(result.get("to_name", "")))
    note = " ".join(map(str, (result.get("meta") or {}).get("text") or ()))
    more["note"] = "; ".join(filter(None, [str(more.get("note", "")), note]))
    add_value(collector, result.get("value"), unit, coder, str(result["from_name"]), text=text, **more)


def add_value(
    collector: Collector, value: Any, unit: str, coder: str, variable: str, *, text: str | None, **more: Any
) -> None:
    """Add the rows of one value of a control."""
    if not isinstance(value, dict):
        collector.add(unit, coder, variable, as_text(value), **more)
        return
    place, quote = _find_place(value), value.get("text")
    if place and isinstance(quote, str | type(None)):
        span = place_span(text, *place, quote or "", collector)
        more |= span.as_row(more.get("note", ""), more.get("status", "coded"))
    elif any(name in value for name in ("x", "points", "rle")):
        where = {name: value[name] for name in _PLACES if name in value and name != "text"}
        more["note"] = "; ".join(filter(None, [more.get("note", ""), as_text(where)]))
    for label in _read_labels(value, collector, whole=place is None):
        collector.add(unit, coder, variable, label, **more)


def _find_place(value: Mapping[str, Any]) -> tuple[int, int] | None:
    """The span of a region in its text; of hypertext the offsets in the whole of it."""
    offsets = value.get("globalOffsets")
    places = offsets if isinstance(offsets, dict) else value
    start, end = places.get("start"), places.get("end")
    return (start, end) if isinstance(start, int) and isinstance(end, int) else None


def _read_labels(value: Mapping[str, Any], collector: Collector, *, whole: bool) -> list[str | list[str]]:
    """The labels of a value: one set of a whole text, one label each of a region."""
    for name in _LISTS:
        if isinstance(value.get(name), list):
            return [[_join_path(each) for each in value[name]]]
    for name in _PLAIN:
        if name in value:
            return [as_text(value[name])]
    for name, listed in value.items():
        if name.endswith("labels") and isinstance(listed, list):
            return [as_text(label) for label in listed]
    texts = value.get("text")
    if whole and isinstance(texts, str | list):
        texts = [texts] if isinstance(texts, str) else texts
        if len(texts) > 1:
            collector.count("an answer of several texts was joined with line breaks")
        return ["\n".join(map(as_text, texts))]
    if not whole and set(value) <= set(_PLACES):
        collector.count("a region without a label")
        return []
    collector.count("the value of an unknown control was kept as JSON")
    return [as_text(value)]


def _join_path(choice: Any) -> str:
    return PATH_SIGN.join(map(as_text, choice)) if isinstance(choice, list) else as_text(choice)
