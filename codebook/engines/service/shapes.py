"""What the API itself takes, whoever the model is: fields that a line may not have, and the form of those it may.

`check_form` holds the schema of an answer against the rules of strict JSON schemas: a service refuses it before it asks
the model (source: the provider's guide to structured outputs, as of 2026-11-21).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from codebook.errors import Fault
from codebook.ground.quantities import say_count
from codebook.records import CHAT, EMBEDDINGS, RESPONSES

INCLUDED = "message.output_text.logprobs"
"""What responses must be asked to include for log probabilities."""

_LEAVE = "leave it out"
_BATCH_ONLY = {
    "service_tier": "leave it out; what a tier does in a batch is not documented",
    "background": "leave it out; a batch waits by itself",
}
_FOREIGN = {
    CHAT: {
        "max_output_tokens": "write max_completion_tokens",
        "reasoning": "write reasoning_effort",
        "text": "write verbosity; the form of the answer is made from the codebook",
        "instructions": "leave it out; instructions stand in the codebook",
        "input": _LEAVE,
        "include": "write logprobs and top_logprobs",
    },
    RESPONSES: {
        "max_tokens": "write max_output_tokens",
        "max_completion_tokens": "write max_output_tokens",
        "reasoning_effort": "write reasoning: {effort: ...}",
        "verbosity": "write text: {verbosity: ...}",
        "response_format": "leave it out; the form of the answer is made from the codebook",
        "messages": _LEAVE,
        "logprobs": f"write top_logprobs and include: [{INCLUDED}]",
        "seed": "leave it out; only chat completions take a seed",
        **dict.fromkeys(("stop", "presence_penalty", "frequency_penalty", "logit_bias"), _LEAVE),
    },
}
"""Fields of the other tongue, by endpoint; `n` is judged for every endpoint."""

_RANGES: dict[str, tuple[float, float]] = {
    "temperature": (0, 2),
    "top_p": (0, 1),
    "presence_penalty": (-2, 2),
    "frequency_penalty": (-2, 2),
    "top_logprobs": (0, 20),
    "max_tokens": (1, 10**9),
    "max_completion_tokens": (1, 10**9),
    "max_output_tokens": (16, 10**9),
}
_WHOLE = frozenset({"top_logprobs", "max_tokens", "max_completion_tokens", "max_output_tokens"})
_N_PAIRS, _N_KEY, _N_VALUE = 16, 64, 512
_N_INPUTS = 2_048


def check_tongue(body: Mapping[str, Any], url: str) -> list[Fault]:
    """Return a fault for each field that belongs to the other endpoint: the service knows no such field there."""
    foreign = _FOREIGN.get(url, {})
    faults = [Fault(name, f"{url} has no such field", foreign[name]) for name in foreign if body.get(name) is not None]
    if body.get("max_tokens") is not None and body.get("max_completion_tokens") is not None:
        faults.append(Fault("max_tokens", "it stands beside max_completion_tokens", _LEAVE))
    if url == CHAT and body.get("metadata") and body.get("store") is not True:
        mend = "leave it out; answers are joined to their units by custom_id"
        faults.append(Fault("metadata", "it is only taken where `store` is true", mend))
    return faults


def check_shapes(body: Mapping[str, Any], url: str, batch: bool) -> list[Fault]:
    """Return a fault for each field that no line may have, or that has a value out of its form."""
    faults = []
    if body.get("stream"):
        faults.append(Fault("stream", "an answer is a line, not a stream", _LEAVE))
    if body.get("n") not in (None, 1):
        faults.append(Fault("n", f"{body['n']!r} answers at once", "leave it out; ask for draws, which are told apart"))
    if batch:
        faults += [Fault(name, "not in a batch", mend) for name, mend in _BATCH_ONLY.items() if body.get(name)]
    faults += [fault for name in _RANGES if (fault := _check_range(name, body.get(name)))]
    if url == EMBEDDINGS:
        return faults + _check_inputs(body.get("input"))
    return faults + _check_logprobs(body, url) + _check_metadata(body.get("metadata"))


def _check_range(name: str, value: Any) -> Fault | None:
    low, high = _RANGES[name]
    kinds = (int,) if name in _WHOLE else (int, float)
    if value is None or (type(value) in kinds and low <= value <= high):
        return None
    kind = "a whole number" if name in _WHOLE else "a number"
    span = f"of at least {low}" if high >= 10**9 else f"from {low} to {high}"
    return Fault(name, f"{value!r} is not {kind} {span}", f"give {kind} {span}, or leave it out")


def _check_logprobs(body: Mapping[str, Any], url: str) -> list[Fault]:
    """Log probabilities are asked for in two fields, which must go together."""
    top = body.get("top_logprobs")
    if url == CHAT:
        flag = body.get("logprobs")
        if not isinstance(flag, bool | None):
            return [Fault("logprobs", f"{flag!r} is neither true nor false", "write logprobs: true and top_logprobs")]
        wrong, mend = top is not None and not flag, "write `logprobs: true` too"
    else:
        included = body.get("include")
        wrong = top is not None and not (isinstance(included, list) and INCLUDED in included)
        mend = f"write `include: [{INCLUDED}]` too"
    return [Fault("top_logprobs", "log probabilities are not asked for", mend)] if wrong else []


def _check_metadata(metadata: Any) -> list[Fault]:
    if metadata is None:
        return []
    mend = (
        f"give up to {_N_PAIRS} pairs, names up to {_N_KEY} and texts up to {_N_VALUE} characters; never a unit's text"
    )
    if not isinstance(metadata, Mapping):
        return [Fault("metadata", "it does not hold names with a text each", mend)]
    faults = []
    if len(metadata) > _N_PAIRS:
        faults.append(Fault("metadata", f"it holds {say_count(len(metadata), 'pair')}", mend))
    for key, value in metadata.items():
        if len(str(key)) > _N_KEY or not isinstance(value, str) or len(value) > _N_VALUE:
            faults.append(Fault(f"metadata.{str(key)[:_N_KEY]}", "name or text is too long, or it is no text", mend))
    return faults


def _check_inputs(inputs: Any) -> list[Fault]:
    """What is embedded: a text or a list of texts."""
    texts = inputs if isinstance(inputs, list) else [inputs]
    if len(texts) > _N_INPUTS:
        return [Fault("input", f"{say_count(len(texts), 'text')} in a request", f"give up to {_N_INPUTS:,}")]
    empty = [place for place, text in enumerate(texts, start=1) if text in ("", None, [])]
    problem = f"text {', '.join(map(str, empty[:5]))} is empty"
    return [Fault("input", problem, "leave out units without text")] if empty else []


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
