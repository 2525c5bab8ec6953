"""How wide a text is in print, measured in digits: a column gets its width from what stands in it."""

from __future__ import annotations

import re
import unicodedata

_WIDTHS = {
    "ijl.,:;'|![]f\u2009\u2008": 0.6,
    " ()-tr\u00a0": 0.78,
    "sceazkvxy": 1.0,
    "bdhnpqugo": 1.12,
    "m": 1.68,
    "w%&@+=<>\u2212\u2002": 1.56,
    "MW": 2.0,
}
_OF_CHARACTER = {character: width for characters, width in _WIDTHS.items() for character in characters}
_CAPITAL, _WIDE = 1.5, 2.0
_BREAKS = re.compile(r"[^\s_/=\-]*[_/=\-]+|[^\s_/=\-]+")
LONGEST_PIECE = 20
"""Characters of a piece without a place to break, from which on it is broken all the same."""


def measure_text(text: str) -> float:
    """Return the width of a text in digits, as in Computer Modern and not much different from other types.

    Examples
    --------
    >>> measure_text("0.25"), round(measure_text("science"), 1), measure_text("\u653f\u6cbb")
    (3.6, 6.7, 4.0)
    """
    return sum(_OF_CHARACTER.get(character) or _measure_other(character) for character in text)


def _measure_other(character: str) -> float:
    if unicodedata.combining(character):
        return 0.0
    if unicodedata.east_asian_width(character) in "WF":
        return _WIDE
    return _CAPITAL if character.isupper() else 1.0


def break_text(text: str) -> list[str]:
    """Return the pieces between which a text may be broken: after a blank, _ / - and =; longer ones by their length.

    Examples
    --------
    >>> break_text("embedded-use topic=science/technology")
    ['embedded-', 'use', 'topic=', 'science/', 'technology']
    """
    pieces = _BREAKS.findall(text)
    return [piece[start : start + LONGEST_PIECE] for piece in pieces for start in range(0, len(piece), LONGEST_PIECE)]


def measure_longest_piece(text: str) -> float:
    """Return the width of the widest piece of a text that cannot be broken: no column is narrower."""
    return max(map(measure_text, break_text(text)), default=0.0)


def wrap_head(text: str, width: float) -> list[str]:
    """Return the lines of a column's name, none wider than the column or its longest word needs.

    Examples
    --------
    >>> wrap_head("macro F1 of a constant label", 12)
    ['macro F1 of', 'a constant', 'label']
    """
    lines: list[str] = []
    for word in text.split(" "):
        if lines and measure_text(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines
