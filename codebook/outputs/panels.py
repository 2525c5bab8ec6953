"""How a printed table stands on a portrait page: upright, turned, or in parts that repeat its first columns.

In come the printed rows of `print_rows`; out go panels, each at most seven columns and as wide as a page. Notebook,
report, LaTeX and Word print the same panels.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from codebook.ground.quantities import MINUS, UNKNOWN
from codebook.outputs.text_widths import measure_longest_piece, measure_text, wrap_head

MOST_COLUMNS = 7
"""Columns of a table on a portrait page."""
PAGE_WIDTH = 92.0
"""Of a portrait page's column of text, in digits of its tables' type."""
GAP = 1.75
"""Between two columns, in digits."""
FIGURE_SPACE, MINUS_SPACE, POINT_SPACE = "\u2007", "\u2002", "\u2008"
_FEW_ROWS = 3
_MOST_KEYS = 3
_SENTENCE, _SENTENCE_WIDTH = 60, 18.0
_WORDS_WIDTH = 10.0


@dataclass(frozen=True, slots=True)
class Panel:
    """A table that fits on a page: names of columns, which hold numbers, and rows of texts."""

    columns: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: tuple[tuple[str, ...], ...]
    is_turned: bool = False

    @property
    def texts(self) -> list[list[str]]:
        """The texts column by column."""
        return [[row[at] for row in self.rows] for at in range(len(self.columns))]

    @property
    def needs(self) -> list[float]:
        """The width below which a column would break a number or a word, in digits."""
        return [_measure_need(*column) for column in zip(self.columns, self.numeric, self.texts, strict=True)]

    @property
    def wishes(self) -> list[float]:
        """The width of a column without a break in its texts, in digits."""
        texts = zip(self.texts, self.needs, strict=True)
        return [max([need, *map(measure_text, column)]) for column, need in texts]

    def fit_widths(self, room: float = PAGE_WIDTH) -> list[float]:
        """Return the width of each column: what it wishes where there is room, else what it needs and a share."""
        needs, wishes = self.needs, self.wishes
        spare = room - GAP * (len(needs) - 1) - sum(needs)
        widths = list(needs)
        while spare > 0.01 and (open_ones := [at for at, width in enumerate(widths) if width < wishes[at] - 0.01]):
            share = spare / len(open_ones)
            for at in open_ones:
                more = min(share, wishes[at] - widths[at])
                widths[at], spare = widths[at] + more, spare - more
        return widths

    def wrap_heads(self, widths: Sequence[float]) -> list[list[str]]:
        """The lines of each column's name."""
        return [wrap_head(name, width) for name, width in zip(self.columns, widths, strict=True)]


def _measure_need(name: str, number: bool, texts: Sequence[str]) -> float:
    head = max(map(measure_text, name.split(" ")), default=0.0)
    if number:
        return max([head, *map(measure_text, texts)])
    longest = max(map(measure_text, texts), default=0.0)
    broad = _SENTENCE_WIDTH if longest > _SENTENCE else _WORDS_WIDTH
    return max([head, min(longest, broad), *map(measure_longest_piece, texts)])


def lay_out(printed: Mapping[str, Any]) -> list[Panel]:
    """Return the panels of printed rows: one upright, one turned where rows are few, or parts that repeat the first.

    Examples
    --------
    >>> wide = {"columns": list("abcdefghi"), "numeric": [False] + 8 * [True], "rows": [["x", *"12345678"]] * 4}
    >>> [panel.columns for panel in lay_out(wide)]
    [('a', 'b', 'c', 'd', 'e', 'f', 'g'), ('a', 'h', 'i')]
    >>> [panel.columns for panel in lay_out(wide | {"rows": wide["rows"][:2]})]
    [('a', 'x', 'x')]
    """
    columns, rows = tuple(printed["columns"]), tuple(tuple(row) for row in printed["rows"])
    panel = Panel(columns, tuple(printed["numeric"]), rows)
    aligned = _align(panel)
    if _fits(aligned):
        return [aligned]
    if 0 < len(rows) <= _FEW_ROWS < len(columns):
        return [_turn(panel)]
    return list(_split(aligned))


def _align(panel: Panel) -> Panel:
    texts = [
        align_figures(column) if number else column for number, column in zip(panel.numeric, panel.texts, strict=True)
    ]
    return replace(panel, rows=tuple(zip(*texts, strict=True))) if panel.rows else panel


def _fits(panel: Panel) -> bool:
    needs = panel.needs
    return len(needs) <= MOST_COLUMNS and sum(needs) + GAP * (len(needs) - 1) <= PAGE_WIDTH


def _turn(panel: Panel) -> Panel:
    """The columns below each other: the first is the head, each other one a row."""
    head, *others = panel.texts
    rows = tuple((name, *texts) for name, texts in zip(panel.columns[1:], others, strict=True))
    return Panel((panel.columns[0], *head), (False,) * (1 + len(head)), rows, is_turned=True)


def _split(panel: Panel) -> Iterator[Panel]:
    """Parts of at most seven columns; the first columns, up to the first number, stand in each."""
    n_keys = _count_keys(panel)
    keys, others = list(range(n_keys)), list(range(n_keys, len(panel.columns)))
    part = list(keys)
    for at in others:
        if len(part) > n_keys and not _fits(_choose(panel, [*part, at])):
            yield _choose(panel, part)
            part = list(keys)
        part.append(at)
    yield _choose(panel, part)


def _count_keys(panel: Panel) -> int:
    """How many of the first columns say what a row is: words up to the first number, in half of the page."""
    words = next((at for at, number in enumerate(panel.numeric) if number), 1)
    needs = panel.needs
    few = range(1, min(words, _MOST_KEYS) + 1)
    return max((n for n in few if sum(needs[:n]) + GAP * n <= PAGE_WIDTH / 2), default=1)


def _choose(panel: Panel, places: Sequence[int]) -> Panel:
    return Panel(
        tuple(panel.columns[at] for at in places),
        tuple(panel.numeric[at] for at in places),
        tuple(tuple(row[at] for at in places) for row in panel.rows),
    )


def say_layout(panels: Sequence[Panel]) -> str:
    """Say how a table stands, where it does not stand as it is; empty for an upright one.

    Examples
    --------
    >>> say_layout(2 * [Panel(("label", "a"), (False, True), ())])
    'The table stands in 2 parts; the first columns repeat.'
    """
    if len(panels) > 1:
        return f"The table stands in {len(panels)} parts; the first columns repeat."
    return "The table is turned: its columns stand below each other." if panels[0].is_turned else ""


def align_figures(texts: Sequence[str]) -> list[str]:
    """Return a column of numbers so that decimals, and the brackets of intervals, stand below each other.

    What a shorter number lacks is filled with blanks as wide as a digit, a minus or a point.

    Examples
    --------
    >>> aligned = align_figures([".89 [.81, .96]", "1.00 [.90, 1.00]"])
    >>> [text.replace(FIGURE_SPACE, "_") for text in aligned]
    ['_.89 [.81, _.96]', '1.00 [.90, 1.00]']
    """
    if not has_intervals(texts) and len({len(text.partition(".")[2]) for text in texts}) < 2:
        return list(texts)  # ranged right, they stand as they should
    parts = [re.split(r"( \[|, |\])", text) for text in texts]
    for at in range(0, max(map(len, parts), default=0), 2):
        numbers = _pad([row[at] if len(row) > at else "" for row in parts])
        for row, number in zip(parts, numbers, strict=True):
            row[at : at + 1] = [number] if len(row) > at else []
    return ["".join(row) for row in parts]


def _pad(numbers: Sequence[str]) -> list[str]:
    """The numbers, all equally wide, with the decimal point at the same place; an absent one stays absent."""
    is_broken = any("." in number for number in numbers)
    parts = [
        ("", "", "", number)
        if is_broken and number == UNKNOWN
        else (number[:1] if number.startswith(MINUS) else "", *number.lstrip(MINUS).partition("."))
        for number in numbers
    ]
    n_whole, n_decimals = (max(len(part[at]) for part in parts) for at in (1, 3))
    plus = MINUS_SPACE if any(sign for sign, *_ in parts) else ""
    no_point = POINT_SPACE if is_broken else ""
    return [
        f"{FIGURE_SPACE * (n_whole - len(whole))}{sign or plus}{whole}{point or no_point}"
        f"{decimals}{FIGURE_SPACE * (n_decimals - len(decimals))}"
        if number
        else ""
        for number, (sign, whole, point, decimals) in zip(numbers, parts, strict=True)
    ]


def has_intervals(texts: Sequence[str]) -> bool:
    """Whether numbers of a column have intervals: it is ranged left then, aligned by its blanks."""
    return any(" [" in text for text in texts)
