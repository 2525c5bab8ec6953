"""The rules of a strict JSON schema, by which a service refuses the schema of an answer before it asks the model.

Source: the provider's guide to structured outputs, as of 2026-11-21.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from codebook.errors import Fault
from codebook.records import RESPONSES

_N_PROPERTIES, _N_LEVELS, _N_CHARACTERS = 5_000, 10, 120_000
_N_VALUES, _N_VALUES_LONG, _N_CHARACTERS_LONG = 1_000, 250, 15_000
_FORBIDDEN = frozenset(
    {"allOf", "oneOf", "not", "if", "then", "else", "dependentRequired", "dependentSchemas", "dependencies"}
)
_TWO_STAGES = "shorten the labels, give codes in their place, or ask in two stages"


def check_form(body: Mapping[str, Any], url: str) -> list[Fault]:
    """Return a fault for everything that is wrong with the form of the answer that a body asks for."""
    where, form = _find_form(body, url)
    if form is None:
        return []
    faults = []
    name, schema = form.get("name"), form.get("schema")
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name):
        mend = "use 1 to 64 of the letters A-Z and a-z, digits, _ and - (it is made from the variable's name)"
        faults.append(Fault(f"{where}.name", f"{name!r} cannot be the name of a schema", mend))
    if not isinstance(schema, Mapping):
        return [*faults, Fault(f"{where}.schema", "the schema is missing", "give the JSON schema of the answer")]
    return faults + (check_schema(schema, f"{where}.schema") if form.get("strict") is True else [])


def _find_form(body: Mapping[str, Any], url: str) -> tuple[str, Mapping[str, Any] | None]:
    """Where the form of the answer stands, and the form; None where the request asks for free text."""
    text = body.get("text")
    holder = text.get("format") if url == RESPONSES and isinstance(text, Mapping) else body.get("response_format")
    if not isinstance(holder, Mapping) or holder.get("type") != "json_schema":
        return "", None
    if url == RESPONSES:
        return "text.format", holder
    form = holder.get("json_schema")
    return "response_format.json_schema", form if isinstance(form, Mapping) else {}


def check_schema(schema: Mapping[str, Any], where: str = "schema") -> list[Fault]:
    """Return a fault for every rule of strict schemas that a schema breaks.

    Examples
    --------
    >>> for fault in check_schema({"type": "object", "properties": {"label": {"type": "string"}}}):
    ...     print(fault)
    schema: properties that are not required: label. To mend: list every property in `required`; one that may be left
    out is a union with null.
    schema: additionalProperties is not false. To mend: write `additionalProperties: false`.
    """
    faults = []
    if schema.get("type") != "object" or "anyOf" in schema:
        faults.append(Fault(where, "the root is no plain object", "write `type: object` at the root, without anyOf"))
    nodes = list(_walk(schema, where, 0))
    for place, node, _ in nodes:
        faults += _check_node(node, place)
    return faults + _check_sizes(nodes, where)


Node = tuple[str, Mapping[str, Any], int]
"""(where, schema, levels of objects it stands in)."""


def _walk(root: Mapping[str, Any], where: str, level: int) -> Iterator[Node]:
    """Every schema in a schema. A reference ($ref) is not followed: what it names stands under $defs."""
    waiting: list[Node] = [(where, root, level + _is_object(root))]
    while waiting:
        place, node, level = waiting.pop()
        yield place, node, level
        inner = [(f"{place}.{name}", child) for name, child in _children(node)]
        waiting += [(name, child, level + _is_object(child)) for name, child in reversed(inner)]


def _children(node: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The schemas that stand directly in a schema, each with where it does."""
    for group in ("properties", "$defs", "definitions"):
        if isinstance(named := node.get(group), Mapping):
            yield from ((f"{group}.{name}", child) for name, child in named.items() if isinstance(child, Mapping))
    for group in ("anyOf", "prefixItems"):
        if isinstance(listed := node.get(group), list):
            yield from ((f"{group}[{i}]", child) for i, child in enumerate(listed) if isinstance(child, Mapping))
    if isinstance(items := node.get("items"), Mapping):
        yield "items", items


def _is_object(node: Mapping[str, Any]) -> bool:
    kind = node.get("type")
    return kind == "object" or (isinstance(kind, list) and "object" in kind) or "properties" in node


def _check_node(node: Mapping[str, Any], where: str) -> list[Fault]:
    """The rules that every schema in a schema must keep."""
    mend = "strict schemas do not take it; use anyOf, or separate variables"
    faults = [Fault(where, f"`{word}` is not allowed", mend) for word in sorted(_FORBIDDEN & set(node))]
    faults += _check_enum(node, where)
    if not _is_object(node):
        return faults
    properties, required = node.get("properties"), node.get("required")
    names = [str(name) for name in properties] if isinstance(properties, Mapping) else []
    listed = required if isinstance(required, list) else []
    if missing := [name for name in names if name not in listed]:
        mend = "list every property in `required`; one that may be left out is a union with null"
        faults.append(Fault(where, f"properties that are not required: {', '.join(missing)}", mend))
    if foreign := [str(name) for name in listed if name not in names]:
        faults.append(Fault(where, f"required, but no property: {', '.join(foreign)}", "leave them out of `required`"))
    if node.get("additionalProperties") is not False:
        faults.append(Fault(where, "additionalProperties is not false", "write `additionalProperties: false`"))
    return faults


def _values(node: Mapping[str, Any]) -> list[Any]:
    enum = node.get("enum")
    return enum if isinstance(enum, list) else []


def _check_enum(node: Mapping[str, Any], where: str) -> list[Fault]:
    texts = [value for value in _values(node) if isinstance(value, str)]
    total = sum(map(len, texts))
    if len(texts) <= _N_VALUES_LONG or total <= _N_CHARACTERS_LONG:
        return []
    problem = (
        f"{len(texts)} values of {total:,} characters; above {_N_VALUES_LONG} values {_N_CHARACTERS_LONG:,} are taken"
    )
    return [Fault(where, problem, _TWO_STAGES)]


def _check_sizes(nodes: list[Node], where: str) -> list[Fault]:
    """The limits of a schema as a whole."""
    counts = {
        ("values of enums", _N_VALUES): sum(len(_values(node)) for _, node, _ in nodes),
        ("properties", _N_PROPERTIES): sum(len(_names(node, "properties")) for _, node, _ in nodes),
        ("levels of objects", _N_LEVELS): max(level for _, _, level in nodes),
        ("characters of names and values", _N_CHARACTERS): sum(_count_characters(node) for _, node, _ in nodes),
    }
    return [
        Fault(where, f"{count:,} {what}; {limit:,} are taken", _TWO_STAGES)
        for (what, limit), count in counts.items()
        if count > limit
    ]


def _names(node: Mapping[str, Any], group: str) -> list[str]:
    named = node.get(group)
    return [str(name) for name in named] if isinstance(named, Mapping) else []


def _count_characters(node: Mapping[str, Any]) -> int:
    """Characters of the names of properties and definitions, and of the values of enum and const."""
    names = [name for group in ("properties", "$defs", "definitions") for name in _names(node, group)]
    values = [str(value) for value in (*_values(node), node.get("const", ""))]
    return sum(map(len, names)) + sum(map(len, values))
