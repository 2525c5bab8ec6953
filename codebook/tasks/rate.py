"""Rating: one point of a scale (kind `rating`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from codebook.scheme import Category, Codebook, Variable
from codebook.scheme.number_values import say_bounds
from codebook.tasks.question import Question


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
