"""How the numbers of one column of a table are written: all in one style, which its name and its values tell."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from codebook.ground.quantities import PASS_ONE, UNKNOWN, Kind, bound_of, format_figure, is_number_text, show_usd

_MISSING = ("NAType", "NaTType")
"""Types of pandas' signs for what is missing, which are known by name, as most who import this need no pandas."""
_CHANCES = ("p", "p_bh", "p_by", "p_adjusted", "chance_of_chance")
_BELOW = "below_"  # the share of replicates below a bound
_SHARES = ("accuracy", "precision", "recall", "f1", "share", "row", "baseline_accuracy", "agreement", "coverage")
_MONEY = "usd"
_HEADS = {"p_bh": "adjusted p", "p_by": "adjusted p", "phi_max": "largest phi", "n11": "n with both"}
_HEADS |= {"f1": "F1", "macro_f1": "macro F1", "mcc": "MCC", "cramers_v": "Cramér's V", "p_adjusted": "adjusted p"}
_HEADS |= {
    "cer": "CER",
    "usd": "USD",
    "usd_live": "USD live",
    "usd_batch": "USD batch",
    "unit_id": "unit",
    "percent": "agreement",
    "prob": "chance",
}
_HEADS |= {"below_667": "P(below .667)", "below_800": "P(below .800)"}


@dataclass(frozen=True, slots=True)
class NumberStyle:
    """Decimals and kind of the figures of a column; `counts` are whole numbers, `money` keeps its cents."""

    places: int
    kind: Kind = "coefficient"
    counts: bool = False
    money: bool = False

    def text(self, value: Any) -> str:
        """A cell: nothing for missing."""
        number = to_number(value)
        if number is None or math.isnan(number):
            return ""
        if self.money:
            return show_usd(number).removeprefix("$")
        return format_figure(number, 0, "amount") if self.counts else format_figure(number, self.places, self.kind)


def head_text(name: object) -> str:
    """What stands over a column, in words.

    Examples
    --------
    >>> head_text("p_bh"), head_text("macro_f1")
    ('adjusted p', 'macro F1')
    """
    return _HEADS.get(str(name), str(name).replace("_", " "))


def capital_head(name: object) -> str:
    """What stands over a column of our own tables: words with a capital first; symbols of one letter stay as they are.

    Examples
    --------
    >>> capital_head("macro_f1"), capital_head("n_units"), capital_head("p")
    ('Macro F1', 'n units', 'p')
    """
    head = head_text(name)
    return head if len(head.split(" ")[0]) < 2 else head[0].upper() + head[1:]


def style_of(name: object, values: Iterable[Any], places: int = 2) -> NumberStyle:
    """The style of a column.

    Parameters
    ----------
    values
        Of the column, and of its bounds where it has an interval.

    Examples
    --------
    >>> style_of("alpha", [0.5, 1.0]).text(0.5), style_of("n_units", [12, 1004]).text(1004)
    ('.50', '1,004')
    >>> style_of("p_bh", [1e-14], 3).text(1e-14), style_of("chi2", [0.5, 1.25], 3).text(0.5)
    ('< .001', '0.500')
    >>> style_of("usd", [0.0012]).text(0.0012)
    '0.0012'
    """
    numbers = [number for value in values if (number := to_number(value)) is not None and not math.isnan(number)]
    if name in _CHANCES or str(name).startswith(_BELOW):
        return NumberStyle(3, "chance")
    if _MONEY in str(name).lower():
        return NumberStyle(0, "amount", money=True)
    if all(number.is_integer() or math.isinf(number) for number in numbers):
        return NumberStyle(0, "amount", counts=True)
    if name in PASS_ONE or any(abs(number) > 1 for number in numbers):
        return NumberStyle(places, "amount")
    return NumberStyle(places, "share" if name in _SHARES else "coefficient")


def _styles_of(
    name: object, rows: Sequence[Sequence[Any]], places: int, measures: Sequence[str], *, whole: bool = True
) -> list[NumberStyle]:
    """The style of each row: one for the column, but where rows are of several measures one for those that can pass 1.

    Without `whole`, a column of nothing but 0 and 1 is no column of counts.
    """
    passing = [measure in PASS_ONE for measure in measures or [""] * len(rows)]
    styles = {}
    for can_pass in set(passing):
        values = [value for row, passes in zip(rows, passing, strict=True) if passes == can_pass for value in row]
        style = style_of(name, values, places)
        if style.counts and not whole and name not in PASS_ONE and _are_bounded(values):
            style = NumberStyle(places, "share" if name in _SHARES else "coefficient")
        styles[can_pass] = replace(style, kind="amount") if can_pass and style.kind != "chance" else style
    return [styles[passes] for passes in passing]


def _are_bounded(values: Iterable[Any]) -> bool:
    return all(is_blank(value) or abs(to_number(value) or 0) <= 1 for value in values)


def column_texts(name: object, values: Sequence[Any], places: int = 2, measures: Sequence[str] = ()) -> list[str]:
    """The cells of a column of numbers; `measures` says what each row is, where they differ.

    Examples
    --------
    >>> column_texts("alpha", [0.70588, -0.149, float("nan"), 0.0]), column_texts("n", [1004])
    (['.71', '−.15', '', '.00'], ['1,004'])
    """
    styles = _styles_of(name, [(value,) for value in values], places, measures)
    return [value if isinstance(value, str) else style.text(value) for value, style in zip(values, styles, strict=True)]


def interval_texts(
    name: object, rows: Sequence[Sequence[Any]], places: int = 2, measures: Sequence[str] = ()
) -> list[str]:
    """Values with their bounds in brackets, shape (n_rows, 3), all in one style.

    Examples
    --------
    >>> interval_texts("f1", [(0.5, 0.25, 1.0), (0.25, float("nan"), float("nan"))])
    ['.50 [.25, 1.00]', '.25']
    >>> interval_texts("alpha", [(1, 1, 1)]), interval_texts("n", [(12, 10, 14)])
    (['1.00 [1.00, 1.00]'], ['12 [10, 14]'])
    """
    styles = _styles_of(name, rows, places, measures, whole=False)
    texts = []
    for (value, low, high), style in zip(rows, styles, strict=True):
        ends = replace(style, kind=bound_of(style.kind))
        texts.append((style.text(value), ends.text(low), ends.text(high)))
    return [f"{value} [{low}, {high}]" if low and high else value for value, low, high in texts]


def to_number(value: Any) -> float | None:
    """The number that a cell holds, or None: missing is NaN.

    Examples
    --------
    >>> import pandas as pd
    >>> to_number("0.5"), to_number(None), to_number(pd.NA), to_number("topic")
    (0.5, nan, nan, None)
    """
    if value is None or type(value).__name__ in _MISSING or value == "":
        return math.nan
    try:
        return float(str(value))
    except ValueError:
        return None


def reads_as_number(value: Any) -> bool:
    """Whether a cell is a number or nothing, as it is or as it was printed."""
    return to_number(value) is not None or is_number_text(str(value).removesuffix(UNKNOWN))


def is_blank(value: Any) -> bool:
    """Whether a cell holds nothing.

    Examples
    --------
    >>> is_blank(None), is_blank(float("nan")), is_blank(""), is_blank(0)
    (True, True, True, False)
    """
    return (number := to_number(value)) is not None and math.isnan(number)


def word_text(value: Any) -> str:
    """A cell of words, to the letter."""
    return "" if is_blank(value) else str(value)
