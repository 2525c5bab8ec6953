"""What a number may be: the bounds and steps of a variable, the points of a scale, and one spelling of each number."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Protocol

MOST_POINTS = 101
"""Points of a rating scale at most; what is finer is a number."""

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_MOST_DIGITS = 30  # of a number written out, before and after its point


class Bounded(Protocol):
    """What is asked of a variable here."""

    @property
    def minimum(self) -> float | None:
        """The least that it takes."""

    @property
    def maximum(self) -> float | None:
        """The most that it takes."""

    @property
    def step(self) -> float | None:
        """How far apart its values are, counted from the minimum, or from 0."""

    @property
    def decimals(self) -> int | None:
        """Places behind the point at most."""


def spell_number(number: float | Decimal) -> str:
    """The one spelling of a number: digits, a point only where it is needed, no exponent.

    Examples
    --------
    >>> [spell_number(number) for number in (3.0, 3.20, -0.0, 1e6, Decimal("0.50"))]
    ['3', '3.2', '0', '1000000', '0.5']
    """
    exact = number if isinstance(number, Decimal) else Decimal(repr(number))
    text = f"{exact:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def list_points(minimum: float | None, maximum: float | None, step: float | None) -> tuple[str, ...]:
    """The points of a scale from its lowest to its highest; none where the bounds make no scale.

    Examples
    --------
    >>> list_points(1, 5, None), list_points(0, 1, 0.25)
    (('1', '2', '3', '4', '5'), ('0', '0.25', '0.5', '0.75', '1'))
    """
    if minimum is None or maximum is None or minimum >= maximum or (step is not None and step <= 0):
        return ()
    low, high, apart = (Decimal(repr(float(each))) for each in (minimum, maximum, 1 if step is None else step))
    n_steps = (high - low) / apart
    if n_steps >= MOST_POINTS or n_steps % 1:
        return ()
    return tuple(spell_number(low + at * apart) for at in range(int(n_steps) + 1))


def fill_scale(raw: Mapping[str, Any]) -> Any:
    """The categories of a raw variable: of a rating by its bounds every point in order, the given ones as given.

    Examples
    --------
    >>> top = {"name": "3", "definition": "Very."}
    >>> fill_scale({"kind": "rating", "minimum": "1", "maximum": "3", "categories": [top]})
    [{'name': '1'}, {'name': '2'}, {'name': '3', 'definition': 'Very.'}]
    """
    categories = raw.get("categories") or ()
    categories = [categories] if isinstance(categories, str) else categories
    if raw["kind"] == "number" or not isinstance(categories, list | tuple):
        return categories
    try:
        bounds = [None if raw.get(name) is None else float(raw[name]) for name in ("minimum", "maximum", "step")]
    except (TypeError, ValueError):
        return categories
    names = [_name_of(each) for each in categories]
    if set(points := list_points(*bounds)) <= set(names):
        return categories
    known = dict(zip(names, categories, strict=True))
    others = [known[name] for name in known if name not in points]
    return [*(known.get(point, {"name": point}) for point in points), *others]


def _name_of(category: Any) -> Any:
    name = category.get("name") if isinstance(category, Mapping) else getattr(category, "name", category)
    return name if isinstance(name, str) else None


def read_number(value: object, variable: Bounded) -> tuple[str | None, str]:
    """Return (the number in its one spelling, ""), or (None, what keeps it from being one); nothing is rounded or cut.

    Examples
    --------
    >>> from codebook.scheme import Variable
    >>> heat = Variable(name="heat", question="?", kind="number", level="interval", minimum=0, maximum=10, decimals=1)
    >>> [read_number(value, heat)[0] for value in ("3.20", 3.2, 10)]
    ['3.2', '3.2', '10']
    >>> [read_number(value, heat)[1] for value in ("3,2", 10.1, 3.25)]  # doctest: +NORMALIZE_WHITESPACE
    ["'3,2' is no number; write a point, not a comma", '10.1 is more than 10', '3.25 has more than 1 decimal']
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None, f"{value!r} is no number"
    text = value.strip() if isinstance(value, str) else repr(value)
    if not _NUMBER.fullmatch(text):
        comma = "; write a point, not a comma" if _NUMBER.fullmatch(text.replace(",", ".")) else ""
        return None, f"{value!r} is no number{comma}"
    number = Decimal(text)
    if number and (abs(number.adjusted()) >= _MOST_DIGITS or len(spell_number(number)) > 2 * _MOST_DIGITS):
        return None, f"{text} has too many digits"
    problem = _find_problem(number, variable)
    return (None, problem) if problem else (spell_number(number), "")


def _find_problem(number: Decimal, variable: Bounded) -> str:
    text = spell_number(number)
    if variable.minimum is not None and number < Decimal(repr(variable.minimum)):
        return f"{text} is less than {spell_number(variable.minimum)}"
    if variable.maximum is not None and number > Decimal(repr(variable.maximum)):
        return f"{text} is more than {spell_number(variable.maximum)}"
    if variable.decimals is not None and len(text.partition(".")[2]) > variable.decimals:
        return f"{text} has more than {variable.decimals} decimal{'s' * (variable.decimals != 1)}"
    first = Decimal(repr(variable.minimum or 0.0))
    if variable.step is not None and (number - first) % Decimal(repr(variable.step)):
        return f"{text} is not in steps of {spell_number(variable.step)} from {spell_number(first)}"
    return ""


def say_bounds(variable: Bounded) -> str:
    """The bounds of a variable in words; empty where it has none.

    Examples
    --------
    >>> from codebook.scheme import Variable
    >>> share = Variable(name="share", question="?", kind="number", level="ratio", minimum=0, maximum=100, step=5)
    >>> say_bounds(share), say_bounds(share.model_copy(update={"maximum": None, "step": None, "decimals": 0}))
    ('from 0 to 100, in steps of 5', '0 or more, whole numbers only')
    """
    low, high = variable.minimum, variable.maximum
    if low is not None and high is not None:
        parts = [f"from {spell_number(low)} to {spell_number(high)}"]
    else:
        parts = [f"{spell_number(low)} or more"] if low is not None else []
        parts += [f"{spell_number(high)} or less"] if high is not None else []
    if variable.step is not None:
        parts.append(f"in steps of {spell_number(variable.step)}")
    if variable.decimals is not None:
        plural = "s" * (variable.decimals != 1)
        parts.append(f"at most {variable.decimals} decimal{plural}" if variable.decimals else "whole numbers only")
    return ", ".join(parts)
