"""A label out of a raw reply: the one category that it names, or none."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from codebook.scheme import Variable


def find_named(reply: str, variable: Variable) -> str | None:
    """Return the one category that a reply names, as whole words in any case; None when it names none, or several.

    Both are compared in one Unicode form, so that an accent may stand on its letter or behind it.

    Examples
    --------
    >>> topic = Variable(name="topic", question="?", kind="single", level="nominal", categories=["sports", "travel"])
    >>> [find_named(reply, topic) for reply in ("It is about Sports.", "sports or travel", "a transport issue")]
    ['sports', None, None]
    """
    pattern, names = _names_of(variable.labels)
    matches = pattern.findall(unicodedata.normalize("NFC", reply))
    found = {names.get(match) or names.get(match.casefold(), match) for match in matches}
    return found.pop() if len(found) == 1 else None


@lru_cache(maxsize=64)
def _names_of(labels: tuple[str, ...]) -> tuple[re.Pattern[str], dict[str, str]]:
    """Return a pattern of the names, longest first ("not relevant" is not "relevant"), and their own spelling."""
    composed = {unicodedata.normalize("NFC", label): label for label in labels}
    names = {label.casefold(): own for label, own in composed.items()}
    clash = len(names) < len(labels)
    ordered = "|".join(_as_word(label) for label in sorted(composed, key=len, reverse=True))
    return re.compile(ordered, 0 if clash else re.IGNORECASE), composed if clash else names


def _as_word(label: str) -> str:
    """A number is not found inside another one: neither 1 in -1, nor in 10 or 1.5."""
    before = r"(?<![\w.,+-])" if label[:1].isdigit() else r"(?<!\w)"
    return rf"{before}{re.escape(label)}(?!\w|[.,]\d)"
