"""How long the texts are, in words and about in tokens: what to know before they are sent."""

from __future__ import annotations

import heapq
import re
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field

LONG_TOKENS = 2_000
"""A text of more tokens is told: people tire over it, and models overlook what stands in its middle."""
_BYTES_PER_TOKEN = 4
_N_LONGEST = 3
_MARKUP = re.compile(
    r"</?(?:p|br|div|span|a|b|i|u|em|strong|ul|ol|li|h[1-6]|table|tr|td|th|img|script|style|font|blockquote)"
    r"(?:\s[^<>]{0,500})?/?>|&(?:nbsp|amp|lt|gt|quot|#\d{2,5});",
    re.IGNORECASE,
)


def has_markup(text: str) -> bool:
    """Return whether a text holds tags or signs of HTML, as what was copied from a web page does.

    Examples
    --------
    >>> [has_markup(text) for text in ("<p>Coal &amp; gas</p>", "3 < 4 and <e1>Ann</e1> & Ben")]
    [True, False]
    """
    return ("<" in text or "&" in text) and _MARKUP.search(text) is not None


def guess_tokens(text: str) -> int:
    """About how many tokens a text has: its bytes by four. Planning counts them with the model's own vocabulary."""
    n_bytes = len(text) if text.isascii() else len(text.encode("utf-8", "replace"))
    return -(-n_bytes // _BYTES_PER_TOKEN)


@dataclass
class TextLengths:
    """Lengths of the texts, eight bytes a text, and which are the longest."""

    words: array[int] = field(default_factory=lambda: array("I"))
    tokens: array[int] = field(default_factory=lambda: array("I"))
    longest: list[tuple[int, str]] = field(default_factory=list)

    def add(self, unit_id: str, text: str) -> int:
        """Count a text; returns about how many tokens it has."""
        n_words, n_tokens = len(text.split()), guess_tokens(text)
        self.words.append(n_words)
        self.tokens.append(n_tokens)
        if len(self.longest) < _N_LONGEST:
            heapq.heappush(self.longest, (n_tokens, unit_id))
        elif n_tokens >= self.longest[0][0]:
            heapq.heappushpop(self.longest, (n_tokens, unit_id))
        return n_tokens

    def tell(self) -> list[str]:
        """Lines for people; none where there is no text."""
        if not self.words:
            return []
        ids = ", ".join(f"{unit_id!r} ({n:,})" for n, unit_id in sorted(self.longest, reverse=True))
        tokens = f"{_say(self.tokens)}; {sum(self.tokens):,} in all; longest: {ids}"
        return [f"words per text: {_say(self.words)}", f"tokens (estimated): {tokens}"]


def _say(numbers: Sequence[int]) -> str:
    """The least, the middle, and what one text in twenty passes."""
    ordered = sorted(numbers)
    at = len(ordered) - 1
    return f"{ordered[0]:,} to {ordered[-1]:,}, median {ordered[at // 2]:,}, 95 % up to {ordered[-(-at * 95 // 100)]:,}"
