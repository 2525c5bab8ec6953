"""Rating: one point of a scale (kind `rating`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from codebook.tasks.question import Question


class Rate(Question):
    """One point of a scale of ascending numbers; the label is the point as the codebook spells it.

    Points are sent as text, so that `-1`, `0.5` and an abstention code travel in one enum and come back to the letter.
    """

    rule = "Choose one point of the scale. The points are listed from the lowest to the highest."

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
