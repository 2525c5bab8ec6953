"""Forms that speak against each other, and short forms that fit several that do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

from codebook.analysis.entities.linking import held_words
from codebook.analysis.entities.word_overlap import common_words

NEARLY = 0.9
"""Jaro-Winkler similarity from which two words are spelt nearly alike."""

LONGER = 12
"""Longer forms of a short one that are compared with each other, the best scored first."""


class TellingWords:
    """Words of forms that tell who is meant, and which of them are no slip: in two forms, or in three mentions.

    Parameters
    ----------
    forms
        Normal form of each mention.

    Examples
    --------
    >>> words = TellingWords(["niger", "republic of niger", "nigeria", "federal republic of nigeria", "benin"])
    >>> words.nearly_one("niger", "nigeria"), words.nearly_one("republic of niger", "niger")
    (True, False)
    """

    def __init__(self, forms: Iterable[str]) -> None:
        mentions = Counter(forms)
        self.common = common_words(mentions)
        in_forms: Counter[str] = Counter()
        in_mentions: Counter[str] = Counter()
        for form, count in mentions.items():
            in_forms.update(dict.fromkeys(form.split(), 1))
            in_mentions.update(dict.fromkeys(form.split(), count))
        self.known = frozenset(word for word in in_forms if in_forms[word] > 1 or in_mentions[word] > 2)
        self._words: dict[str, frozenset[str]] = {}

    def of(self, form: str) -> frozenset[str]:
        """Telling words of a form; all of its words where none is telling."""
        if form not in self._words:
            words = frozenset(form.split())
            self._words[form] = words - self.common or words
        return self._words[form]

    def own_words(self, form: str, other: str) -> frozenset[str]:
        """Telling words of a form that the other neither holds nor shortens."""
        initials = {word for word in other.split() if len(word) == 1}
        words = self.of(form)
        return frozenset(word for word in words - held_words(words, other) if word[0] not in initials)

    def differ(self, form: str, other: str) -> bool:
        """Whether each has a telling word that the other lacks."""
        return bool(self.own_words(form, other)) and bool(self.own_words(other, form))

    def rivals(self, form: str, other: str) -> bool:
        """Whether forms share a telling word and each has another, known one: North Korea, South Korea."""
        first, second = self.own_words(form, other), self.own_words(other, form)
        return bool(first & self.known and second & self.known and self.of(form) & self.of(other))

    def nearly_one(self, form: str, other: str) -> bool:
        """Whether forms differ in one word, known in both spellings, and spelt nearly alike: Niger, Nigeria."""
        first, second = self.own_words(form, other), self.own_words(other, form)
        if not (len(first) == len(second) == 1 and first | second <= self.known):
            return False
        return _nearly(*first, *second)


def longer_forms(
    forms: Mapping[int, str], near: Mapping[int, Mapping[int, float]], words: TellingWords
) -> dict[int, list[int]]:
    """Rows of which two longer forms differ, and their longer forms.

    A longer form holds every telling word of the short one (a single letter as an initial) and has another one. Two
    differ where each has a telling word that the other lacks.
    """
    found = {}
    for row, form in forms.items():
        said = words.of(form)
        longer = [other for other in near.get(row, {}) if held_words(said, forms[other]) == said]
        longer = [other for other in longer if words.own_words(forms[other], form) or len(forms[other]) > len(form)]
        best = sorted(longer, key=lambda other: (-near[row][other], other))[:LONGER]
        if any(words.differ(forms[a], forms[b]) for a, b in combinations(best, 2)):
            found[row] = best
    return found


def barred_pairs(
    forms: Mapping[int, str],
    scored: Iterable[tuple[int, int]],
    longer: Mapping[int, Sequence[int]],
    words: TellingWords,
) -> set[tuple[int, int]]:
    """Pairs that never come into one cluster: one word spelt nearly alike, or rivals with a short form in common.

    The short form stands as it is in both ("Korea" in "North Korea" and "South Korea"); an initial is not enough, since
    "M. Turner" does not tell Mike from Michael.
    """
    barred = {pair for pair in scored if words.nearly_one(forms[pair[0]], forms[pair[1]])}
    for row, others in longer.items():
        whole = [other for other in others if words.of(forms[row]) <= words.of(forms[other])]
        rivals = (pair for pair in combinations(sorted(whole), 2) if words.rivals(forms[pair[0]], forms[pair[1]]))
        barred.update(rivals)
    return barred


def twice_in_a_source(first: Sequence[int], sources: Sequence[str]) -> set[int]:
    """First rows of the forms that stand twice in one source: it names an entity once, so they are two entities."""
    counts = Counter(zip(first, sources, strict=True))
    return {row for (row, source), count in counts.items() if count > 1 and source}


def _nearly(word: str, other: str) -> bool:
    from rapidfuzz.distance import JaroWinkler

    return JaroWinkler.normalized_similarity(word, other) >= NEARLY
