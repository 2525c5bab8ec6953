"""What a coder may answer, kind by kind: checked before it is written, and put into the form in which it is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from codebook.errors import Fault, ParameterError
from codebook.records import Unit
from codebook.scheme import Variable
from codebook.scheme.number_values import read_number, say_bounds
from codebook.scheme.record_values import find_record_problem, is_span, plain_record
from codebook.tasks.transcribe import find_page_problem

Label = Any
"""A code, or a text (as it is); a number (kept in its one spelling, as text); a list of codes for a set; for records
`{list: [record]}`, a quote in it as text or with its place `{"quote", "start", "end"}`; the pages of a transcription
`{"pages": [{"page", "text", "unsure"}]}`."""


def check_label(label: Label, variable: Variable, unit: Unit) -> Label:
    """Return a label as it is kept: sets in the order of the codebook, spans with their words.

    Raises
    ------
    ParameterError
        It is no answer to the variable; a label outside the codebook is never mapped to a near one.

    Examples
    --------
    >>> from codebook.scheme import Variable
    >>> tone = Variable(name="tone", question="?", kind="multi", level="nominal", categories=["good", "bad"])
    >>> check_label(["bad", "good"], tone, Unit("7", "")), check_label([], tone, Unit("7", ""))
    (['good', 'bad'], [])
    """
    if variable.kind == "multi":
        return _check_set(label, variable)
    if variable.kind == "records":
        return _check_records(label, variable, unit)
    if variable.kind == "transcription":
        return _check_pages(label, variable)
    if variable.kind == "text":
        return _check_text(label, variable)
    if variable.is_number and label not in variable.labels:
        return _check_number(label, variable)
    if variable.is_open:
        _refuse(
            variable,
            f"the kind {variable.kind} is not coded by people",
            "remove it from the codebook that people code with",
        )
    if label not in variable.labels:
        _refuse(variable, f"{label!r} is not in the codebook", f"use one of {', '.join(variable.labels)}")
    return label


def _check_text(label: Label, variable: Variable) -> str:
    if not isinstance(label, str) or not label.strip():
        _refuse(variable, f"{label!r} is not a text", "write some words")
    return str(label)


def _check_number(label: Label, variable: Variable) -> str:
    number, problem = read_number(label, variable)
    if number is None:
        codes = "".join(f", or {category.name}" for category in variable.abstain)
        _refuse(variable, problem, f"give a number {say_bounds(variable)}".rstrip() + codes)
    return str(number)


def _check_set(label: Label, variable: Variable) -> list[str]:
    if not isinstance(label, Sequence) or isinstance(label, str):
        _refuse(variable, f"{label!r} is not a list of codes", "give a list; an empty list means that none applies")
    if outside := [part for part in label if part not in variable.labels]:
        _refuse(variable, f"{outside[0]!r} is not in the codebook", f"use some of {', '.join(variable.labels)}")
    return [name for name in variable.labels if name in label]


def _check_records(label: Label, variable: Variable, unit: Unit) -> dict[str, Any]:
    if isinstance(label, list) and len(variable.lists) == 1:
        label = {variable.lists[0].name: label}
    if not isinstance(label, Mapping):
        _refuse(variable, "the records are not given as lists by name", "give {list: [record, ...]}")
    if problem := find_record_problem(label, variable, places=True):
        _refuse(variable, problem, "give every list of the variable, and every field of its records")
    for record in (record for records in label.values() for record in records):
        for name, value in record.items():
            if is_span(value) and (problem := find_span_problem(value, unit.text)):
                _refuse(
                    variable, f"{name}: {problem}", "count code points in the original text; the end is not included"
                )
    return dict(label)


def find_span_problem(span: Mapping[str, Any], text: str) -> str:
    """Say what keeps a span from being the words at its place; nothing where it is.

    Examples
    --------
    >>> find_span_problem({"quote": "é", "start": 1, "end": 2}, "né")
    ''
    """
    start, end = span["start"], span["end"]
    return "" if text[start:end] == span["quote"] else f"the text from {start} to {end} is {text[start:end]!r}"


def without_places(label: Mapping[str, Any]) -> dict[str, Any]:
    """Records with their quotes as texts; what is no list stays as it is.

    Examples
    --------
    >>> without_places({"spans": [{"words": {"quote": "coal", "start": 0, "end": 4}}]})
    {'spans': [{'words': 'coal'}]}
    """
    return {
        name: [plain_record(record) for record in records] if isinstance(records, list) else records
        for name, records in label.items()
    }


def _check_pages(label: Label, variable: Variable) -> dict[str, Any]:
    pages = label.get("pages") if isinstance(label, Mapping) else label
    if problem := find_page_problem(pages, tables=variable.tables):
        _refuse(variable, problem, 'give {"pages": [{"page": 1, "text": ..., "unsure": []}, ...]}')
    return {"pages": pages}


def dump_label(label: Label) -> str:
    """A label as the tidy table has it: a code as it is, all else as JSON.

    Examples
    --------
    >>> dump_label("sports"), dump_label(["a", "b"])
    ('sports', '["a","b"]')
    """
    return label if isinstance(label, str) else orjson.dumps(label).decode()


def _refuse(variable: Variable, problem: str, mend: str) -> None:
    raise ParameterError("The answer was not saved.", [Fault(variable.name, problem, mend)])
