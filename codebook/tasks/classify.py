"""Classification: one category a unit, or every category that applies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from codebook.scheme import Category, Codebook, Variable
from codebook.scheme.number_values import say_bounds
from codebook.tasks.question import Question


class Classify(Question):
    """Exactly one category a unit (kind `single`).

    Examples
    --------
    >>> from codebook.scheme import parse_codebook
    >>> book = parse_codebook('''
    ... name: tone
    ... unit: a headline
    ... variables:
    ...   - {name: tone, question: "Which tone?", kind: single, level: nominal, categories: [good, bad]}
    ... ''')
    >>> question = Classify(book, book.variables[0])
    >>> question.read_label('{"label":"good"}').label
    'good'
    >>> question.read_label('{"label":"rather good"}').why
    'invalid'
    """

    rule = "Choose exactly one category."

    def value_schema(self) -> dict[str, Any]:
        """One string out of the labels."""
        return {"label": {"type": "string", "enum": list(self.variable.labels)}}

    def read_value(self, reply: Mapping[str, Any]) -> tuple[str | None, str]:
        """Return the label if it is in the codebook, to the letter."""
        label = reply["label"]
        return (label, "") if label in self.variable.labels else (None, f"{label!r} is not in the codebook")

    def write_answer(self, label: str) -> str:
        """The reply with this label."""
        return orjson.dumps({"label": label}).decode()


class ClassifyMulti(Question):
    """Every category that applies (kind `multi`). The label is a JSON list in codebook order; `[]` is an answer.

    Examples
    --------
    >>> import codebook as cb
    >>> book = cb.read_codebook("codebook.yaml")
    >>> ClassifyMulti(book, book.variables[0]).read_label('{"labels": ["sports", "economy"]}').label
    '["economy","sports"]'
    """

    rule = "Choose every category that applies. None of them is an answer too: an empty list."

    def value_schema(self) -> dict[str, Any]:
        """A list of strings out of the labels."""
        return {"labels": {"type": "array", "items": {"type": "string", "enum": list(self.variable.labels)}}}

    def read_value(self, reply: Mapping[str, Any]) -> tuple[str | None, str]:
        """Return the labels in codebook order; an abstention together with categories contradicts itself."""
        chosen = reply["labels"]
        if not isinstance(chosen, list):
            return None, "the labels are not a list"
        foreign = [label for label in chosen if label not in self.variable.labels]
        if foreign:
            return None, f"{', '.join(map(repr, foreign))} not in the codebook"
        ordered = [label for label in self.variable.labels if label in chosen]
        if any(category.name in ordered for category in self.variable.abstain) and len(ordered) > 1:
            return None, "an abstention code stands together with categories"
        return orjson.dumps(ordered).decode(), ""

    def write_answer(self, label: str) -> str:
        """The reply with this one label."""
        return orjson.dumps({"labels": [label]}).decode()


class Rate(Question):
    """One point of a scale of ascending numbers; the label is the point as the codebook spells it.

    Points are sent as text, so that `-1`, `0.5` and an abstention code travel in one enum and come back to the letter.
    Of a scale by its bounds the message says the bounds, and lists the points that are explained.

    Examples
    --------
    >>> import codebook as cb
    >>> book = cb.read_codebook("codebook.yaml")
    >>> Rate(book, book.variables[0]).read_label('{"label": "7"}').why
    'invalid'
    """

    rule = "Choose one point of the scale. The points are listed from the lowest to the highest."

    def __init__(self, codebook: Codebook, variable: Variable) -> None:
        super().__init__(codebook, variable)
        if variable.minimum is not None:
            bounds = say_bounds(variable.model_copy(update={"step": variable.step or 1}))
            explained = " Points that are not listed lie between those that are." if self.listed else ""
            self.rule = f"Choose one point of the scale, {bounds}.{explained}"

    @property
    def listed(self) -> tuple[Category, ...]:
        """All points of a scale that is listed; of one by its bounds those of which something is said."""
        if self.variable.minimum is None:
            return self.variable.categories
        return tuple(each for each in self.variable.categories if each.model_fields_set != {"name"})

    def value_schema(self) -> dict[str, Any]:
        """One string out of the scale points and abstention codes."""
        return {"rating": {"type": "string", "enum": list(self.variable.labels)}}

    def read_value(self, reply: Mapping[str, Any]) -> tuple[str | None, str]:
        """Return the point if the codebook has it, to the letter."""
        point = reply["rating"]
        return (point, "") if point in self.variable.labels else (None, f"{point!r} is not a point of the scale")

    def write_answer(self, label: str) -> str:
        """The reply with this point."""
        return orjson.dumps({"rating": label}).decode()
