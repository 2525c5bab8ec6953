"""Extraction: every topic, entity or other record that a unit holds (kind `records`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from codebook.files.lines import dump_canonical
from codebook.scheme import RecordField, RecordList
from codebook.scheme.record_values import find_record_problem
from codebook.tasks.question import Question, flatten, strict_object

_KINDS = {
    "text": "a text",
    "quote": "words of the unit, copied exactly",
    "choice": "one of its categories",
    "number": "a number",
}


class Extract(Question):
    """Lists of records, each a value for every field. The label is a JSON object; an empty list is an answer.

    Examples
    --------
    >>> from codebook.scheme import parse_codebook
    >>> book = parse_codebook('''
    ... name: people
    ... unit: a headline
    ... variables:
    ...   - name: people
    ...     question: Whom does it name?
    ...     kind: records
    ...     fields:
    ...       - {name: mention, kind: quote}
    ...       - {name: role, kind: choice, categories: [speaker, other]}
    ... ''')
    >>> question = Extract(book, book.variables[0])
    >>> question.read_label('{"people":[{"mention":"Ann","role":"speaker"}]}').label
    '{"people":[{"mention":"Ann","role":"speaker"}]}'
    >>> question.read_label('{"people":[{"mention":"Ann","role":"boss"}]}').detail
    "people, record 1: role 'boss' is not in the codebook"
    """

    rule = (
        "List every record that the unit holds, in the order of the unit unless a list says otherwise. None is an "
        "answer too: an empty list.\n"
        "Give every field of a record. Copy a quote from the unit to the letter; quote nothing that is not there."
    )
    heading = "Lists"
    apart = True

    def value_schema(self) -> dict[str, Any]:
        """One array of objects a list."""
        return {records.name: _list_schema(records) for records in self.variable.lists}

    def read_value(self, reply: Mapping[str, Any]) -> tuple[str | None, str]:
        """Return the records as canonical JSON, if each has exactly its fields, with values that they may hold."""
        problem = find_record_problem(reply, self.variable)
        return (None, problem) if problem else (dump_canonical(reply).decode(), "")

    def write_answer(self, label: str) -> str:
        """The reply is the label itself."""
        return label

    def _category_lines(self) -> Iterator[str]:
        """One line for each list and field, then the categories of each choice, `- name: definition`."""
        for records in self.variable.lists:
            yield f"- {records.name}: {flatten(records.definition) or records.name}{_say_most(records, ' ({})')}"
            for field in records.fields:
                definition = f": {flatten(field.definition)}" if field.definition else ""
                yield f"  field {field.name} ({_KINDS[field.kind]}){definition}"
        for records in self.variable.lists:
            for field in records.fields:
                yield from self._choice_lines(field, records)

    def _choice_lines(self, field: RecordField, records: RecordList) -> Iterator[str]:
        if field.categories:
            yield f"\nCategories of {field.name} in {records.name}:"
        for category in field.categories:
            yield f"- {category.name}: {flatten(category.definition) or category.name}"
            yield from self._detail_lines(category)


def _list_schema(records: RecordList) -> dict[str, Any]:
    items = strict_object({field.name: _field_schema(field) for field in records.fields})
    description = " ".join(part for part in (flatten(records.definition), _say_most(records, "{}.")) if part)
    return {"type": "array", **({"description": description} if description else {}), "items": items}


def _field_schema(field: RecordField) -> dict[str, Any]:
    description = flatten(field.definition)
    if field.kind == "quote":
        description = f"{_KINDS['quote']}: {description}" if description else _KINDS["quote"]
    schema: dict[str, Any] = {"type": "number" if field.kind == "number" else "string"}
    if description:
        schema["description"] = description
    return schema | ({"enum": list(field.labels)} if field.kind == "choice" else {})


def _say_most(records: RecordList, form: str) -> str:
    """How many records a list takes; arrays of strict schemas have no such keyword with every service."""
    return form.format(f"At most {records.most} records") if records.most else ""
