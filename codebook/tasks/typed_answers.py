"""Answers that are written and not chosen: a number in its bounds (kind `number`), or a text (kind `text`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from codebook.scheme import Codebook, Variable
from codebook.scheme.number_values import read_number, say_bounds
from codebook.tasks.question import Question


class GiveNumber(Question):
    """A number, or an abstention code. The label is the number in its one spelling: 3.20 and 3.2 are `3.2`.

    A number out of its bounds, with too many decimals or between the steps is `invalid`: nothing is cut or rounded.
    The bounds stand in the message and in the schema, and are checked here, whatever a service makes of the schema.

    Examples
    --------
    >>> from codebook.scheme import parse_codebook
    >>> book = parse_codebook('''
    ... name: heat
    ... unit: a post
    ... variables: [{name: heat, question: How heated, kind: number, level: interval, minimum: 0, maximum: 10}]
    ... ''')
    >>> question = GiveNumber(book, book.variables[0])
    >>> question.read_label('{"number":3.20}').label, question.read_label('{"number":11}').detail
    ('3.2', '11 is more than 10')
    >>> question.read_label('{"number":"3,2"}').why
    'invalid'
    """

    heading = "Codes"

    def __init__(self, codebook: Codebook, variable: Variable) -> None:
        super().__init__(codebook, variable)
        bounds = say_bounds(variable)
        codes = " If it has none, answer with an abstention code." if variable.abstain else ""
        self.rule = f"Give one number{f' ({bounds})' if bounds else ''}, as digits with a point for decimals.{codes}"

    def value_schema(self) -> dict[str, Any]:
        """A number in its bounds, or one of the abstention codes."""
        number = _write_bounds(self.variable)
        codes = [category.name for category in self.variable.abstain]
        return {"number": {"anyOf": [number, {"type": "string", "enum": codes}]} if codes else number}

    def read_value(self, reply: Mapping[str, Any]) -> tuple[str | None, str]:
        """Return the number in its one spelling, or the abstention code."""
        value = reply["number"]
        if isinstance(value, str):
            return (value, "") if value in self.variable.labels else (None, f"{value!r} is not a number but a text")
        return read_number(value, self.variable)

    def write_answer(self, label: str) -> str:
        """The reply with this label."""
        return orjson.dumps({"number": label}).decode()


def _write_bounds(variable: Variable) -> dict[str, Any]:
    """The schema of the number; steps and decimals are said in words only."""
    dumped = variable.model_dump(mode="json", include={"minimum", "maximum"}, exclude_none=True)
    return {"type": "integer" if variable.decimals == 0 else "number", **dumped}


class GiveText(Question):
    """A text in the coder's own words; the label is the text as it is.

    Examples
    --------
    >>> from codebook.scheme import parse_codebook
    >>> claim = "{name: claim, question: What is claimed, kind: text}"
    >>> book = parse_codebook(f"name: claims\\nunit: a post\\nvariables: [{claim}]")
    >>> GiveText(book, book.variables[0]).read_label('{"text":"Coal is over."}').label
    'Coal is over.'
    """

    rule = "Answer in your own words, as short as the question allows."

    def value_schema(self) -> dict[str, Any]:
        """A text."""
        return {"text": {"type": "string"}}

    def read_value(self, reply: Mapping[str, Any]) -> tuple[str | None, str]:
        """Return the text, if there is one."""
        text = reply["text"]
        if not isinstance(text, str):
            return None, f"{text!r} is not a text"
        return (text, "") if text.strip() else (None, "the text is empty")

    def write_answer(self, label: str) -> str:
        """The reply with this text."""
        return orjson.dumps({"text": label}).decode()
