"""Topics and entities: the answer to a question whose schema asks for lists of records under these two names.

What a field of a record holds is told by its name and its form. A list of `topics` takes phrases out of the text, or,
where a field lists its values (`enum`), the labels nearest to the text, by the rule of multi-label answers. A list of
`entities` takes names, types and the words as they stand in the text. Anything else is refused by its name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import orjson

from codebook.dialects import Prompt
from codebook.engines.embedded.encoders import Vector
from codebook.engines.embedded.records.keyphrases import USUAL_NUMBER, Encode, find_topics
from codebook.engines.embedded.records.named_entities import USUAL, find_entities
from codebook.engines.embedded.request_reader import UnreadableError, read_definitions, read_text

MARGIN = 0.02
"""A listed topic is given where its cosine is at most this far from the best one's."""
LISTS = ("topics", "entities")
"""The lists that this engine can fill."""

_QUOTES = ("quote", "mention")
_NAMES = {"topics": ("topic", "name", "label", "phrase", "keyphrase"), "entities": ("entity", "name")}
_MOST = re.compile(r"\bat most (\d+)\b", re.IGNORECASE)


class AskedField(NamedTuple):
    """A field of a record: its name, what goes in (`name`, `quote` or `choice`), and the values of a choice."""

    name: str
    role: str
    labels: tuple[str, ...] = ()


class AskedList(NamedTuple):
    """A list of records that is asked for; `most` is how many it takes, 0 where that is not said."""

    name: str
    fields: tuple[AskedField, ...]
    most: int

    @property
    def choice(self) -> AskedField | None:
        """The field that is a choice, if there is one."""
        return next((field for field in self.fields if field.role == "choice"), None)


def extract_records(prompt: Prompt, encode: Encode) -> str:
    """Return the reply to a question about the topics or entities of a text, as JSON in the form of its schema.

    Parameters
    ----------
    encode
        From texts to vectors of length 1, `(n_texts, n_dimensions)`; asked for topics only.

    Raises
    ------
    UnreadableError
        The schema asks for something else; the message names it.

    Examples
    --------
    >>> one = {"type": "object", "properties": {"mention": {"type": "string"}}}
    >>> schema = {"type": "object", "properties": {"entities": {"type": "array", "items": one}}}
    >>> extract_records(Prompt("", "Peter met Paul in Rome.", "names", schema), encode=None)
    '{"entities":[{"mention":"Peter"},{"mention":"Paul"},{"mention":"Rome"}]}'
    """
    if prompt.files:
        raise UnreadableError("the embedded engine finds topics and entities in texts, not in images or PDFs")
    text = read_text(prompt)
    lists = read_lists(prompt.schema)
    reply = {
        records.name: _find_entities(text, records)
        if records.name == "entities"
        else _find_topics(text, records, prompt.system, encode)
        for records in lists
    }
    return orjson.dumps(reply).decode()


def read_lists(schema: Mapping[str, Any]) -> list[AskedList]:
    """Return what a schema asks for, list by list.

    Raises
    ------
    UnreadableError
        It asks for a list or a field that this engine cannot fill, or for something that is no list of records.
    """
    properties = schema.get("properties")
    if not isinstance(properties, Mapping) or not properties:
        raise UnreadableError("the schema of the answer has no properties")
    for name in properties:
        if name not in LISTS:
            raise UnreadableError(f"the embedded engine cannot answer the property {name!r}: it finds topics, entities")
    return [_read_list(name, form) for name, form in properties.items()]


def _read_list(name: str, form: Any) -> AskedList:
    items = form.get("items") if isinstance(form, Mapping) else None
    fields = items.get("properties") if isinstance(items, Mapping) else None
    if not isinstance(fields, Mapping) or not fields:
        raise UnreadableError(f"the property {name!r} is no list of objects with properties")
    read = tuple(_read_field(name, field, subschema) for field, subschema in fields.items())
    roles = [field.role for field in read]
    if roles.count("choice") > 1:
        raise UnreadableError(f"the embedded engine makes one choice a record of {name!r}, not {roles.count('choice')}")
    if name == "topics" and "choice" in roles and len(roles) > 1:
        raise UnreadableError("the embedded engine gives a topic out of a list alone: it cannot quote what decides")
    most = _MOST.search(str(form.get("description", "")))
    return AskedList(name, read, int(most[1]) if most else 0)


def _read_field(name: str, field: str, form: Any) -> AskedField:
    """What goes into a field, by its form (a list of values makes it a choice) and its name."""
    kind = form.get("type") if isinstance(form, Mapping) else None
    if kind == "string" and isinstance(labels := form.get("enum"), list | tuple):
        return AskedField(field, "choice", tuple(map(str, labels)))
    if kind == "string" and field == "type" and name == "entities":
        return AskedField(field, "choice", USUAL)
    if kind == "string" and field in _QUOTES:
        return AskedField(field, "quote")
    if kind == "string" and field in _NAMES[name]:
        return AskedField(field, "name")
    known = ", ".join((*_NAMES[name], *_QUOTES))
    raise UnreadableError(
        f"the embedded engine cannot fill the field {field!r} of {name!r}: it fills {known}, and a choice"
    )


def _find_entities(text: str, wanted: AskedList) -> list[dict[str, str]]:
    types = wanted.choice.labels if wanted.choice else USUAL
    entities = find_entities(text, types)[: wanted.most or None]
    return [_record(wanted.fields, entity.mention, entity.type) for entity in entities]


def _record(fields: Iterable[AskedField], quote: str, choice: str = "") -> dict[str, str]:
    """A record of words as they stand in the text; a name is the same on one line."""
    values = {"quote": quote, "name": " ".join(quote.split()), "choice": choice}
    return {field.name: values[field.role] for field in fields}


def _find_topics(text: str, wanted: AskedList, system: str, encode: Encode) -> list[dict[str, str]]:
    if wanted.choice:
        labels = choose_labels(text, read_definitions(system, wanted.choice.labels), encode)
        return [{wanted.choice.name: label} for label in labels[: wanted.most or None]]
    return [_record(wanted.fields, phrase.words) for phrase in find_topics(text, encode, wanted.most or USUAL_NUMBER)]


def choose_labels(text: str, definitions: Mapping[str, str], encode: Encode) -> list[str]:
    """Return the labels whose definitions are nearest to a text, the nearest first: all within `MARGIN` of it."""
    labels: Sequence[str] = list(definitions)
    descriptions = [label if definitions[label] == label else f"{label}: {definitions[label]}" for label in labels]
    vectors: Vector = encode([text, *descriptions])
    cosines = (vectors[1:] * vectors[0]).sum(axis=1)
    order = np.argsort(-cosines, kind="stable")
    return [labels[at] for at in order if cosines[at] >= cosines.max() - MARGIN]
