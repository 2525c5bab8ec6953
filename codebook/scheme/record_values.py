"""What may stand in records: the lists of a variable, their fields, and the values that each field takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any

from codebook.ground.quantities import say_count
from codebook.scheme import RecordField, RecordList, Variable


def find_record_problem(reply: Mapping[str, Any], variable: Variable, *, places: bool = False) -> str:
    """Say what keeps a reply from being records of a variable; nothing where it is.

    With `places`, a quote may come with its place, as people mark it: `{"quote", "start", "end"}`.

    Examples
    --------
    >>> one = {"name": "mentions", "question": "?", "kind": "records", "fields": [{"name": "name"}]}
    >>> find_record_problem({"mentions": [{"name": "Ann"}, {"name": 7}]}, Variable.model_validate(one))
    'mentions, record 2: name 7 is not a text'
    """
    names = [records.name for records in variable.lists]
    if set(reply) != set(names):
        return f"it does not have the lists {', '.join(names)}"
    if places:
        reply = {
            name: [plain_record(record) for record in value] if isinstance(value, list) else value
            for name, value in reply.items()
        }
    return next((problem for records in variable.lists for problem in _problems(reply[records.name], records)), "")


def plain_record(record: Any) -> Any:
    """A record with its quotes as texts; what is no record stays as it is.

    Examples
    --------
    >>> plain_record({"words": {"quote": "coal", "start": 0, "end": 4}, "kind": "fuel"})
    {'words': 'coal', 'kind': 'fuel'}
    """
    if not isinstance(record, Mapping):
        return record
    return {name: value["quote"] if is_span(value) else value for name, value in record.items()}


def is_span(value: Any) -> bool:
    """Whether a value is a quote with its place, counted in code points, the end left out."""
    if not isinstance(value, Mapping) or value.keys() != {"quote", "start", "end"}:
        return False
    return type(value["start"]) is int and type(value["end"]) is int and 0 <= value["start"] < value["end"]


def _problems(value: Any, records: RecordList) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{records.name} is not a list"
        return
    if records.most and len(value) > records.most:
        yield f"{records.name} has {say_count(len(value), 'record')}, {records.most} are taken"
    names = [field.name for field in records.fields]
    for number, record in enumerate(value, start=1):
        where = f"{records.name}, record {number}"
        if not isinstance(record, dict) or set(record) != set(names):
            yield f"{where}: it does not have the fields {', '.join(names)}"
            continue
        for field in records.fields:
            if problem := _value_problem(record[field.name], field):
                yield f"{where}: {field.name} {problem}"


def _value_problem(value: Any, field: RecordField) -> str:
    if field.kind == "number":
        is_number = isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
        return "" if is_number else f"{value!r} is not a number"
    if not isinstance(value, str):
        return f"{value!r} is not a text"
    if field.kind == "choice" and value not in field.labels:
        return f"{value!r} is not in the codebook"
    return ""
