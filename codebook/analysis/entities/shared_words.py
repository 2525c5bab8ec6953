"""Words of forms: how telling a word is, and how much of one form the other one holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from math import fsum, log

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def word_weights(forms: Iterable[str]) -> dict[str, float]:
    """Weight of each word: `log((n + 1) / (n_with + 1)) + .05` over the distinct forms, in shares of the largest.

    A word of every form ("republic") tells little, a word of one form tells most (inverse document frequency).

    Examples
    --------
    >>> weights = word_weights(["republic of korea", "republic of niger", "niger"])
    >>> weights["korea"] == 1 > weights["niger"] == weights["republic"]
    True
    """
    distinct = set(forms)
    counts = Counter(word for form in distinct for word in set(form.split()))
    weights = {word: log((len(distinct) + 1) / (count + 1)) + 0.05 for word, count in counts.items()}
    most = max(weights.values(), default=1.0)
    return {word: weight / most for word, weight in weights.items()}


def word_overlap(left: Sequence[str], right: Sequence[str]) -> Floats:
    """Words in both forms over words in either (Jaccard), a pair each: the baseline, shape (n_pairs,).

    Examples
    --------
    >>> word_overlap(["republic of niger"], ["niger"]).round(2).tolist()
    [0.33]
    """
    words = _WordSets()
    pairs = ((words[a], words[b]) for a, b in zip(left, right, strict=True))
    return np.array([len(a & b) / len(a | b) if a or b else 0.0 for a, b in pairs])


def word_cover(
    left: Sequence[str], right: Sequence[str], weights: dict[str, float], hints: Sequence[str] | None = None
) -> Floats:
    """How much of each form's weight the other one holds; a single letter holds for a word that begins with it.

    Parameters
    ----------
    hints
        More words of the right-hand side (a title, a state, a party): they may cover words of the left form, and
        need no cover themselves.

    Returns
    -------
    Floats
        Columns: share of the left form, share of the right form, largest weight of an uncovered word of the left, of
        the right; shape (n_pairs, 4).

    Examples
    --------
    >>> weights = {"a": 0.5, "adam": 1.0, "smith": 1.0}
    >>> word_cover(["a smith"], ["adam smith"], weights).round(2).tolist()
    [[1.0, 1.0, 0.0, 0.0]]
    >>> word_cover(["smith"], ["adam smith"], weights).round(2).tolist()
    [[1.0, 0.5, 0.0, 1.0]]
    """
    words = _WordSets()
    hints = [""] * len(left) if hints is None else hints
    rows = [_cover(words[a], words[b], words[h], weights) for a, b, h in zip(left, right, hints, strict=True)]
    return np.array(rows, dtype=float).reshape(-1, 4)


class _WordSets(dict[str, frozenset[str]]):
    """Words of a form, split once."""

    def __missing__(self, form: str) -> frozenset[str]:
        self[form] = words = frozenset(form.split())
        return words


def _cover(
    left: frozenset[str], right: frozenset[str], hints: frozenset[str], weights: dict[str, float]
) -> tuple[float, float, float, float]:
    """Shares of both forms that are covered, and the largest weights that are not."""
    open_left = _uncovered(left, right | hints)
    open_right = _uncovered(right, left)
    result = []
    for words, missing in ((left, open_left), (right, open_right)):
        whole = fsum(weights.get(word, 1.0) for word in words)  # the same in whatever order a set gives them
        lost = fsum(weights.get(word, 1.0) for word in missing)
        result.append(1 - lost / whole if whole else 0.0)
    worst = [max((weights.get(word, 1.0) for word in missing), default=0.0) for missing in (open_left, open_right)]
    return result[0], result[1], worst[0], worst[1]


def _uncovered(words: frozenset[str], others: frozenset[str]) -> list[str]:
    """Words that the others neither hold nor shorten."""
    missing = [word for word in words if word not in others]
    if not missing:
        return missing
    initials = {word for word in others if len(word) == 1}
    return [
        word
        for word in missing
        if word[0] not in initials and not (len(word) == 1 and any(other[0] == word for other in others))
    ]


def common_words(forms: Iterable[str], share: float = 0.02, least: int = 10) -> frozenset[str]:
    """Words in more than `share` of the distinct forms, and in more than `least` of them: "republic", "islands".

    A single letter is never one: it may be an initial.

    Examples
    --------
    >>> common_words([f"republic of {name}" for name in "abcdefghijklmn"]) == {"republic", "of"}
    True
    """
    distinct = set(forms)
    counts = Counter(word for form in distinct for word in set(form.split()))
    return frozenset(
        word for word, count in counts.items() if len(word) > 1 and count > max(least, share * len(distinct))
    )
