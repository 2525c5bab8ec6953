"""Read from a request line what the embedded engine is asked, or say why it cannot answer.

Only standard fields are read, so the same line is valid for a remote service: the JSON schema names the kind of answer
and the labels, the system message holds a line `- label: definition` for each, and the turns are coded examples.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from codebook.dialects import Prompt, Turn, read_prompt, unfence
from codebook.errors import CodebookError

MAX_CHARACTERS = 100_000

_KINDS = {"label": "single", "labels": "multi", "rating": "rating"}
_PROPERTIES = {
    "quote": "an embedding engine cannot quote evidence",
    "confidence": "cosines are not confidence",
    "number": "it finds the nearest of some labels, and measures nothing",
    "text": "it writes no text",
}
_FIELDS = {
    "logprobs": "cosines are not probabilities",
    "stream": "a batch is not streamed",
    "tools": "it calls no tools",
}


class UnreadableError(CodebookError):
    """The request asks for something this engine cannot do; its message is the reason given with status 400."""


@dataclass(frozen=True, slots=True)
class Task:
    """What is asked of a text: choose by `kind` (single, multi, rating) among labels that are explained to the engine.

    `definitions` maps label to definition, in the order of the schema, abstention codes left out; `examples` are
    (text, its labels).
    """

    kind: str
    answer: str
    definitions: Mapping[str, str]
    examples: tuple[tuple[str, tuple[str, ...]], ...]


def read_body(request: Mapping[str, Any], model: str) -> Mapping[str, Any]:
    """Return the body of a request line for this model.

    Raises
    ------
    UnreadableError
        It is for another model, or asks for what no skill gives.
    """
    body = request.get("body")
    if not isinstance(body, Mapping) or body.get("model") != model:
        other = body.get("model") if isinstance(body, Mapping) else None
        raise UnreadableError(f"this engine is the model {model!r}, the request asks for {other!r}")
    for field, reason in _FIELDS.items():
        if body.get(field):
            raise UnreadableError(f"the embedded engine cannot answer with {field!r}: {reason}")
    if body.get("n") not in (None, 1):
        raise UnreadableError("the embedded engine gives one answer a request: 'n' must be 1")
    return body


def read_question(body: Mapping[str, Any], url: str) -> Prompt:
    """Return the prompt of a request's body.

    Raises
    ------
    UnreadableError
        The body is no question in the language of this endpoint.
    """
    try:
        return read_prompt(body, url)
    except CodebookError as error:
        raise UnreadableError(f"the embedded engine cannot read the question: {error}") from None
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise UnreadableError(f"the body has not the form of {url}: {error!r}") from None


def read_text(prompt: Prompt) -> str:
    """Return the text that a prompt is about.

    Raises
    ------
    UnreadableError
        There is no readable text, or too much.
    """
    text = unfence(prompt.user)
    if len(text) > MAX_CHARACTERS:
        raise UnreadableError(f"the text has {len(text):,} characters; the embedded engine reads {MAX_CHARACTERS:,}")
    if not any(letter.isprintable() and not letter.isspace() for letter in text):
        raise UnreadableError("there is no text to code: no readable character")
    return text


def read_task(prompt: Prompt) -> Task:
    """Return what a prompt asks of its text.

    A label without a definition stands for itself. A label listed as `- label (abstention): ...` is left out: an
    embedding engine always finds a nearest label, it never abstains.

    Raises
    ------
    UnreadableError
        The schema asks for something else than labels, or there is nothing to choose between.

    Examples
    --------
    >>> schema = {"properties": {"label": {"type": "string", "enum": ["war", "art", "unclear"]}}}
    >>> system = "- war: Armed conflict.\\n- art: Works: of art.\\n- unclear (abstention): Cannot be said."
    >>> dict(read_task(Prompt(system, "?", "topic", schema)).definitions)
    {'war': 'Armed conflict.', 'art': 'Works: of art.'}
    """
    answer, kind, labels = _read_schema(prompt.schema)
    definitions = read_definitions(prompt.system, labels)
    if len(definitions) < 2:
        raise UnreadableError("there is nothing to choose between: fewer than two labels besides abstention codes")
    bare = [label for label, definition in definitions.items() if definition == label]
    if kind == "rating" and bare:
        raise UnreadableError(
            f"a point of a scale is found by its definition, and these have none: {', '.join(map(repr, bare))}"
        )
    examples = tuple(_read_example(turn, answer, labels) for turn in prompt.turns)
    return Task(kind, answer, definitions, examples)


def _read_schema(schema: Any) -> tuple[str, str, tuple[str, ...]]:
    """(property, kind, labels) of the schema of the answer."""
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    if not isinstance(properties, Mapping):
        raise UnreadableError("the schema of the answer has no properties")
    for name in properties:
        if name not in _KINDS:
            reason = _PROPERTIES.get(name, "it gives labels and nothing else")
            raise UnreadableError(f"the embedded engine cannot answer the property {name!r}: {reason}")
    if len(properties) != 1:
        raise UnreadableError(f"the schema asks for {len(properties)} answers; the embedded engine gives one")
    name, form = next(iter(properties.items()))
    form = form.get("items") if isinstance(form, Mapping) and name == "labels" else form
    labels = form.get("enum") if isinstance(form, Mapping) else None
    if not isinstance(labels, list | tuple) or not all(isinstance(label, str) for label in labels):
        raise UnreadableError(f"the property {name!r} has no list of labels (`enum` of texts) to choose from")
    return name, _KINDS[name], tuple(labels)


def read_definitions(system: str, labels: tuple[str, ...]) -> dict[str, str]:
    """Return the definition of each label that is no abstention code, in the order of the labels.

    A line belongs to the longest label it starts with, and of several lines of a label the last one counts: the
    categories stand behind the instructions.
    """
    definitions: dict[str, str] = {}
    abstaining: set[str] = set()
    by_length = sorted(labels, key=len, reverse=True)
    for line in system.split("\n"):
        for label in by_length if line.startswith("- ") else ():
            if line.startswith(f"- {label}: "):
                definitions[label] = line[len(label) + 4 :].strip() or label
                break
            if line.startswith(f"- {label} (abstention): "):
                abstaining.add(label)
                break
    return {label: definitions.get(label, label) for label in labels if label in definitions or label not in abstaining}


def _read_example(turn: Turn, answer: str, labels: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """(text, labels) of a coded example."""
    try:
        value = orjson.loads(turn.answer)[answer]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        value = None
    chosen = value if isinstance(value, list) else [value]
    if not all(label in labels for label in chosen):
        raise UnreadableError(f"the answer of an example is not one of the schema: {turn.answer[:80]!r}")
    return unfence(turn.question), tuple(chosen)


def describe_label(label: str, definition: str) -> str:
    """What is encoded for a label: its name tells too, unless it is a number or all there is."""
    return definition if definition == label or not any(map(str.isalpha, label)) else f"{label}: {definition}"
