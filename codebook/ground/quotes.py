"""Where quoted words stand in a text: exactly, but for case and spaces, nearly, or not at all.

Places are counted in code points of the text as it is, the end left out, so `text[start:end]` are its own words. A
quote that is not found is marked, never dropped and never mended.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

HOW = ("exact", "folded", "aligned", "absent")
"""How a quote was found: to the letter; but for case, spaces, quote marks and dashes; nearly; or not at all."""
LEAST_SCORE = 0.85
"""Likeness from which on words of the text count as the quote: 1 - (letters put in or taken out) / (all letters)."""

_ALIKE = str.maketrans("‘’‚“”„«»‐‑‒–—−", "'" * 3 + '"' * 5 + "-" * 6, "\u00ad\u200b")


class Found(NamedTuple):
    """A place in a text, how the quote was found there (`HOW`), and how like it is to the quote, from 0 to 1.

    An absent quote has place -1 and its best likeness.
    """

    start: int
    end: int
    how: str
    score: float


Span = tuple[int, int]


def find_quotes(quotes: Sequence[str], text: str) -> list[Found]:
    """Find quotes that belong together, such as all mentions in a text.

    Where each can be given a place behind the one before it, they are read in that order: a list that follows the
    text. Else the n-th quote of the same words gets their n-th place, as long as there are so many, then the last.

    Examples
    --------
    >>> [place.start for place in find_quotes(["Niger", "Nigeria", "Niger"], "Niger, not Nigeria: Niger.")]
    [0, 11, 20]
    >>> text = "Coal is cheap;  HARD coal  is not. The Comission said so."
    >>> [place.how for place in find_quotes(["coal", "hard coal is not", "Commission said", "Nuclear power"], text)]
    ['exact', 'folded', 'aligned', 'absent']
    """
    search = _Search(text)
    places = [search.find(quote) for quote in quotes]
    return _in_order(places) or _by_number(quotes, places)


def _in_order(places: Sequence[Sequence[Found]]) -> list[Found]:
    """Each quote at its first place behind the one before it; nothing if one has none. Absent quotes are passed by."""
    chosen, end = list[Found](), 0
    for spots in places:
        place = next((spot for spot in spots if spot.how == "absent" or spot.start >= end), None)
        if place is None:
            return []
        chosen.append(place)
        end = max(end, place.end)
    return chosen


def _by_number(quotes: Sequence[str], places: Sequence[Sequence[Found]]) -> list[Found]:
    seen: dict[str, int] = {}
    chosen = []
    for quote, spots in zip(quotes, places, strict=True):
        number = seen[quote] = seen.get(quote, -1) + 1
        chosen.append(spots[min(number, len(spots) - 1)])
    return chosen


class _Search:
    """One text, in which many quotes are looked for; what only some of them need is made when it is needed."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.known: dict[str, list[Found]] = {}

    def find(self, quote: str) -> list[Found]:
        """All places of a quote in the text's order, by the first way that gives any; one absent place if none does."""
        if quote not in self.known:
            self.known[quote] = self._exact(quote) or self._folded(quote) or [self._aligned(quote)]
        return self.known[quote]

    def _exact(self, quote: str) -> list[Found]:
        spans = _whole_words(quote.strip(), self.text) if quote.strip() else ()
        return [Found(start, end, "exact", 1.0) for start, end in spans]

    def _folded(self, quote: str) -> list[Found]:
        words, (folded, places) = fold(quote)[0].strip(), self._text_folded
        spans = _whole_words(words, folded) if words else ()
        return [Found(places[start], places[end - 1] + 1, "folded", 1.0) for start, end in spans]

    def _aligned(self, quote: str) -> Found:
        """The stretch of the text that is most like the quote, begun and ended at the nearest bounds of words."""
        from rapidfuzz import fuzz

        words, (folded, places) = fold(quote)[0].strip(), self._text_folded
        if not words or not folded:
            return Found(-1, -1, "absent", 0.0)
        near = fuzz.partial_ratio_alignment(words, folded) if len(words) < len(folded) else None
        span = (near.dest_start, near.dest_end) if near else (0, len(folded))
        score, start, end = max(_tighten(words, folded, span, fuzz.ratio), default=(0.0, *span))
        if score < LEAST_SCORE:  # in scripts without spaces, words have no bounds
            score, start, end = fuzz.ratio(words, folded[slice(*span)]) / 100, *span
        if score < LEAST_SCORE:
            return Found(-1, -1, "absent", score)
        return Found(places[start], places[end - 1] + 1, "aligned", score)

    @cached_property
    def _text_folded(self) -> tuple[str, list[int]]:
        return fold(self.text)


def fold(text: str) -> tuple[str, list[int]]:
    """Return a text without what two spellings of the same words may differ in, and the place of each sign of it.

    Case, kinds of spaces, quote marks and dashes, ligatures, and whether an accent is a sign of its own.

    Examples
    --------
    >>> fold("Ein  ‘Maß’")
    ("ein 'mass'", [0, 1, 2, 3, 5, 6, 7, 8, 8, 9])
    """
    signs: list[str] = []
    places: list[int] = []
    for place, sign in enumerate(text):
        if sign.isspace():
            if signs[-1:] != [" "]:
                signs.append(" ")
                places.append(place)
            continue
        plain = sign if sign.isascii() else unicodedata.normalize("NFKD", sign.translate(_ALIKE))
        for part in plain.casefold():
            signs.append(part)
            places.append(place)
    return "".join(signs), places


def _whole_words(words: str, text: str) -> Sequence[Span]:
    """Places of words in a text that begin and end no longer word; all their places where there is none such."""
    spans = [(match.start(), match.end()) for match in re.finditer(re.escape(words), text)]
    return [span for span in spans if _is_bound(text, span[0]) and _is_bound(text, span[1])] or spans


def _is_bound(text: str, place: int) -> bool:
    """Whether a place is not inside a word."""
    return not 0 < place < len(text) or not (text[place - 1].isalnum() and text[place].isalnum())


def _tighten(
    words: str, text: str, span: Span, likeness: Callable[[str, str], float]
) -> Iterator[tuple[float, int, int]]:
    """Yield (score, start, end) of the span with each end put to the bound of a word before it and behind it."""
    for start in _bounds(text, span[0]):
        for end in _bounds(text, span[1]):
            tight = text[start:end].strip()
            if tight:
                start_now = start + len(text[start:end]) - len(text[start:end].lstrip())
                yield likeness(words, tight) / 100, start_now, start_now + len(tight)


def _bounds(text: str, place: int) -> Span:
    """The bounds of words at or next to a place, on both sides."""
    before = behind = place
    while not _is_bound(text, before):
        before -= 1
    while not _is_bound(text, behind):
        behind += 1
    return before, behind
