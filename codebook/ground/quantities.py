"""Where a number becomes text, in sentences, tables, figures and on axes: counts, figures, chances, parts of a whole.

The csv files and frames keep every digit and the hyphen of ASCII; what a person reads has the true minus, no 0 before
the point where a quantity is bounded by 1, and never 0 or 1 for what is only nearly none or all. A quantity that can
pass 1 keeps its 0, however small it is here. Halves are rounded up, of the decimal number that the csv shows: .485 is
.49, and 48.5 % is 49 %, though a binary float may lie a trace below.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

MINUS = "−"
"""The true minus; LaTeX and Word print it as one."""

MANY_UNITS = 1000
"""Units above which a third decimal says something: the standard error of a share is below .016 then."""

UNKNOWN = "–"
"""What stands where a figure is not defined."""

PASS_ONE = frozenset({
    *("estimate", "coefficient", "se", "odds_ratio", "ratio", "seconds", "tokens_in", "tokens_out"),
    *("mae", "rmse", "bias", "mean absolute error", "root mean squared error", "RMSE", "mean error"),
    *("mean difference", "lower limit", "upper limit"),
})  # fmt: skip
"""Names of quantities, as of columns and measures, that can pass 1."""

_NOISE = 1e-12  # what sums of floats leave of none
_SURE_DIGITS = 12  # of a float, which sums leave as they are

Kind = Literal["coefficient", "share", "chance", "bound", "amount"]
"""What is bounded by 1 with a sign, or from 0 to 1; a chance, of which 0 and 1 are never known; an end of an interval;
what has no bound."""


def say_count(n: int, noun: str, plural: str = "") -> str:
    """Say how many of something.

    Examples
    --------
    >>> say_count(1, "job"), say_count(2000, "job"), say_count(2, "person", "people")
    ('1 job', '2,000 jobs', '2 people')
    """
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"


def is_or_are(n: int) -> str:
    """The verb of a number of things.

    Examples
    --------
    >>> is_or_are(1), is_or_are(0)
    ('is', 'are')
    """
    return "is" if n == 1 else "are"


def places_of(n_units: int) -> int:
    """Decimals of the figures of one result: two, and three above 1,000 units.

    Examples
    --------
    >>> places_of(1000), places_of(1004)
    (2, 3)
    """
    return 3 if n_units > MANY_UNITS else 2


def round_text(size: float, places: int = 0) -> str:
    """A number of 0 or more with so many decimals, a half rounded up: where all numbers that people read are rounded.

    Examples
    --------
    >>> round_text(0.485, 2), round_text(48.5), round_text(0.1 + 0.7, 1), round_text(1004.25, 1), round_text(2e20)
    ('0.49', '49', '0.8', '1,004.3', '200,000,000,000,000,000,000')
    """
    if size >= 10 ** (_SURE_DIGITS - places):
        return f"{size:,.{places}f}"
    step = Decimal(1).scaleb(-places)
    return f"{Decimal(f'{size:.{_SURE_DIGITS}g}').quantize(step, ROUND_HALF_UP):,f}"


def format_figure(value: float, places: int = 2, kind: Kind = "coefficient") -> str:
    """A figure as journals print it.

    Parameters
    ----------
    kind
        A "coefficient" says "> .99" of what is less than one and rounds to it; a "share" also "0" of exactly none and
        "< .01" of what rounds to it. A "bound" is rounded only. An "amount" may exceed one and keeps its 0.

    Examples
    --------
    >>> format_figure(0.3117), format_figure(-0.149, 3), format_figure(1.0), format_figure(0.9996), format_figure(0)
    ('.31', '−.149', '1.00', '> .99', '.00')
    >>> format_figure(0.0004, 3, "share"), format_figure(0, 3, "share"), format_figure(-1e-14)
    ('< .001', '0', '.00')
    >>> format_figure(0.9996, 2, "bound"), format_figure(0.5, 2, "amount")
    ('1.00', '0.50')
    >>> format_figure(1004.5, 1, "amount"), format_figure(float("nan")), format_figure(float("-inf"))
    ('1,004.5', '–', '−∞')
    """
    if kind == "chance":
        return say_chance(value, places)
    if math.isnan(value):
        return UNKNOWN
    size, sign = abs(value), MINUS if value < 0 else ""
    if kind == "share" and size < _NOISE:
        return "0"
    if math.isinf(value):
        return f"{sign}∞"
    digits = round_text(size, places)
    if kind == "amount":
        return sign * (_rounds_to(size, places) > 0) + digits
    if kind != "bound" and size < 1 and _rounds_to(size, places) == 1:
        return f"{'<' if sign else '>'} {sign}{'.' + '9' * places if places else '0'}"
    if not _rounds_to(size, places):
        return f"< {_least(places)}" if kind == "share" else digits.removeprefix("0")
    return sign + (digits[1:] if digits.startswith("0.") else digits)


def bound_of(kind: Kind) -> Kind:
    """The kind of the ends of an interval of a figure.

    Examples
    --------
    >>> bound_of("share"), bound_of("amount")
    ('bound', 'amount')
    """
    return kind if kind == "amount" else "bound"


def kind_of(figures: Iterable[float], quantity: str = "") -> Kind:
    """The kind of figures that stand beside each other: where one exceeds 1, none of them is bounded by it.

    `quantity` is what they are, or words that begin with it.

    Examples
    --------
    >>> kind_of([0.5, -1.0, float("nan")]), kind_of([0.998, -2.4]), kind_of([0.5], "mean error of m, by source")
    ('coefficient', 'amount', 'amount')
    """
    names = {quantity, *(name for name in PASS_ONE if quantity.startswith(f"{name} "))}
    passes = names & PASS_ONE or any(abs(figure) > 1 + _NOISE for figure in figures)
    return "amount" if passes else "coefficient"


def say_chance(chance: float, places: int = 3) -> str:
    """A probability, such as a p value or a share of bootstrap replicates: never none, never sure.

    Examples
    --------
    >>> say_chance(0.0314), say_chance(1e-14), say_chance(0), say_chance(1), say_chance(float("nan"))
    ('.031', '< .001', '< .001', '> .999', '–')
    """
    if math.isnan(chance):
        return UNKNOWN
    if chance < float(_least(places)):
        return f"< {_least(places)}"
    return f"> .{'9' * places}" if _rounds_to(chance, places) >= 1 else format_figure(chance, places)


def say_p(p: float) -> str:
    """A p value with its sign.

    Examples
    --------
    >>> say_p(0.0314), say_p(0.00001), say_p(float("nan"))
    ('p = .031', 'p < .001', 'no p')
    """
    if math.isnan(p):
        return "no p"
    chance = say_chance(p)
    return f"p {chance}" if chance[0] in "<>" else f"p = {chance}"


def say_percent(share: float, places: int = 0) -> str:
    """A share in per cent: 0 and 100 for exactly none and all only.

    Examples
    --------
    >>> say_percent(0.143), say_percent(0.7546, 1), say_percent(0), say_percent(0.001), say_percent(0.9996)
    ('14 %', '75.5 %', '0 %', '< 1 %', '> 99 %')
    """
    if not math.isfinite(share):
        return UNKNOWN
    digits = round_text(100 * abs(share), places)
    if share != 0 and not _rounds_to(100 * abs(share), places):
        return f"< {10**-places:.{places}f} %"
    if share < 1 and _rounds_to(100 * abs(share), places) == 100:
        return f"> {100 - 10**-places:.{places}f} %"
    exact = abs(share) in (0, 1)
    return f"{MINUS if share < 0 else ''}{digits.split('.')[0] if exact else digits} %"


def say_part(n: float, n_all: float, places: int = 2) -> str:
    """A part of a whole: in numbers where it is none or all, else the share.

    Examples
    --------
    >>> say_part(0, 146), say_part(146, 146), say_part(1, 2500), say_part(34, 146), say_part(0, 0)
    ('0 of 146', '146 of 146', '< .01', '.23', '–')
    """
    if not n_all:
        return UNKNOWN
    return f"{n:,.0f} of {n_all:,.0f}" if n in (0, n_all) else format_figure(n / n_all, places, "share")


def show_usd(usd: float | None, *, about: bool = False) -> str:
    """Write an amount for people: at least cents, at most six digits after the point, two that count for tiny amounts.

    `about` rounds it to cents, and what is less than a dollar to the two digits that count; unknown is a dash then.

    Examples
    --------
    >>> show_usd(1234.5), show_usd(0.1 + 0.2), show_usd(0.00001234), show_usd(0), show_usd(None)
    ('$1,234.50', '$0.30', '$0.000012', '$0.00', 'unknown')
    >>> [show_usd(usd, about=True) for usd in (12.3456, 0.01234, 0.0, None)]
    ['$12.35', '$0.012', '$0.00', '–']
    """
    if usd is None or (about and math.isnan(usd)):
        return UNKNOWN if about else "unknown"
    if about:
        usd = math.copysign(_rounds_to(abs(usd), 2), usd) if abs(usd) >= 1 else float(f"{usd:.2g}")
    if 0 < usd < 0.001:
        return f"${usd:.{1 - math.floor(math.log10(usd))}f}"
    whole, _, rest = f"{usd:,.6f}".rstrip("0").partition(".")
    return f"${whole}.{rest:0<2}"


def is_number_text(text: str) -> bool:
    """Whether a text is a number as it is printed here, alone or with its interval, or nothing.

    Examples
    --------
    >>> [is_number_text(text) for text in ("−.15 [−.20, .01]", "< .001", "0 of 146", "–", "1,004", "$1.50", "topic 1")]
    [True, True, True, True, True, True, False]
    """
    plain = text.split(" [")[0].replace(MINUS, "-").replace(",", "").removesuffix(" %").lstrip("<> $")
    return plain in ("", UNKNOWN, "∞", "-∞") or bool(re.fullmatch(r"-?(\d+\.?\d*|\.\d+)( of \d+)?", plain))


def _rounds_to(size: float, places: int) -> float:
    return float(round_text(size, places).replace(",", ""))


def _least(places: int) -> str:
    """The smallest figure above none that so many decimals can show."""
    return f".{'0' * (places - 1)}1" if places else "1"
