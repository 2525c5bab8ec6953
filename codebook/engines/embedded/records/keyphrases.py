"""Topics of a text: phrases out of the text, ranked by their words and by their meaning, or labels out of a list.

Candidates are runs of words between function words and punctuation (English). Half of the rank is the sum of their
words' scores, a word's score being its degree over its frequency (Rose et al. 2010, Automatic keyword extraction from
individual documents, in: Text Mining, chapter 1); half is the cosine of phrase and text.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from codebook.engines.embedded.encoders import Vector

Encode = Callable[[list[str]], Vector]

MOST_WORDS = 4
"""Words of a phrase at most; a longer run of words is no candidate."""
MOST_WEIGHED = 40
"""Candidates whose meaning is weighed: of a long text those with the best words. More cost time and add little."""
USUAL_NUMBER = 10
"""Topics given where the request does not say how many it takes."""

_PLAIN = """
a an the this that these those some any each every either neither no none all both half much many more most few
fewer less least several enough such what whatever which whichever whose other another same own one ones
i me my mine myself we us our ours ourselves you your yours yourself he him his himself she her hers herself it its
itself they them their theirs themselves who whom whoever someone anyone everyone nobody something anything
everything nothing there here where when why how whether while
about above across after against along amid among around as at before behind below beneath beside besides between
beyond by concerning despite down during except for from in inside into like near of off on onto out outside over
past per regarding since than through throughout till to toward towards under underneath until up upon versus via
with within without
and but or nor so yet if unless because although though whereas lest once
am is are was were be been being do does did done doing have has had having can could may might must shall should
will would ought need used let lets cannot
get gets got getting go goes went going gone come comes came coming make makes made making take takes took taking
taken give gives gave given giving say says said saying see sees saw seen show shows showed shown use uses using
become becomes became seem seems seemed begin began include includes included including find found know known think
keep kept put set
not also only very too just even still already again ever never often always sometimes rather quite almost soon then
now later earlier ago together instead however therefore thus hence moreover furthermore meanwhile otherwise
perhaps maybe indeed yes well far away back else apart according due
came went began became brought bought built caught chose drew drove fell flew fought grew held knew lost met paid ran
rose sang sat sold sent spent spoke stood taught told thought threw won wore wrote
s t d ll re ve m
"""
FUNCTION_WORDS = frozenset(_PLAIN.split())
"""English words that say little by themselves, and common verbs of no regular past: they part the candidates."""
_ENDINGS = ("ed", "ly")
"""Endings of words that no candidate ends in: verbs of a regular past, and adverbs."""

_CONTRACTED = ("n't", "'re", "'ve", "'ll", "'d", "'m")
_WORDS = re.compile(r"[^\W\d_][\w'’+-]*|\d[\w.,'’+-]*\w|\d|[^\s\w]")
_JOINTS = re.compile(r"[^\S\n]*\Z")


class Phrase(NamedTuple):
    """A phrase as it first stands in the text, and where (code points, end left out)."""

    words: str
    start: int
    end: int


def find_topics(text: str, encode: Encode, n: int = USUAL_NUMBER) -> list[Phrase]:
    """Return at most `n` phrases of a text that tell what it is about, the best first.

    Parameters
    ----------
    encode
        From texts to vectors of length 1, `(n_texts, n_dimensions)`.
    """
    candidates = find_candidates(text)
    if not candidates:
        return []
    scores = score_words([words for _, words in candidates])
    best = np.argsort(-scores, kind="stable")[:MOST_WEIGHED]
    phrases = [candidates[at][0] for at in best]
    vectors = encode([text, *(phrase.words for phrase in phrases)])
    cosines = (vectors[1:] * vectors[0]).sum(axis=1)
    ranks = _rank(scores[best]) + _rank(cosines)
    return drop_contained([phrases[at] for at in np.argsort(ranks, kind="stable")])[:n]


def find_candidates(text: str) -> list[tuple[Phrase, tuple[str, ...]]]:
    """Return each run of words between function words and punctuation once, with its words in small letters.

    Examples
    --------
    >>> [phrase.words for phrase, _ in find_candidates("The price of hard coal, and hard coal itself, fell in 1986.")]
    ['price', 'hard coal']
    """
    runs: dict[tuple[str, ...], Phrase] = {}
    run: list[re.Match[str]] = []
    for word in _WORDS.finditer(text):
        if run and not _JOINTS.match(text[run[-1].end() : word.start()]):
            _close(run, text, runs)
        if _is_content(word[0]):
            run.append(word)
        else:
            _close(run, text, runs)
    _close(run, text, runs)
    return [(phrase, words) for words, phrase in runs.items()]


def _is_content(word: str) -> bool:
    plain = word.casefold().replace("’", "'")
    return word[0].isalnum() and plain not in FUNCTION_WORDS and not plain.endswith(_CONTRACTED)


def _close(run: list[re.Match[str]], text: str, runs: dict[tuple[str, ...], Phrase]) -> None:
    """Note a run of words, if it can be a phrase, and empty it."""
    while run and run[-1][0].endswith(_ENDINGS) and len(run[-1][0]) > 4:
        run.pop()
    words = tuple(word[0].casefold() for word in run)
    letters = sum(map(str.isalpha, "".join(words)))
    if 1 <= len(run) <= MOST_WORDS and letters > 2:
        start, end = run[0].start(), run[-1].end()
        runs.setdefault(words, Phrase(text[start:end], start, end))
    run.clear()


def score_words(candidates: Sequence[tuple[str, ...]]) -> Vector:
    """Return the sum of each candidate's word scores: degree (words it stands beside, itself too) over frequency.

    Examples
    --------
    >>> score_words([("hard", "coal"), ("coal",)]).tolist()
    [3.5, 1.5]
    """
    frequency = Counter(word for words in candidates for word in words)
    degree = Counter[str]()
    for words in candidates:
        for word in words:
            degree[word] += len(words)
    return np.array([sum(degree[word] / frequency[word] for word in words) for words in candidates], dtype=np.float64)


def _rank(scores: Vector) -> Vector:
    """Places in order of falling score, counted from 0; equal scores share the mean of their places."""
    ordered = np.sort(-scores)
    low, high = np.searchsorted(ordered, -scores, "left"), np.searchsorted(ordered, -scores, "right")
    return np.asarray((low + high - 1) / 2, dtype=np.float64)


def drop_contained(phrases: Sequence[Phrase]) -> list[Phrase]:
    """Leave out a phrase whose words all stand, in their order, in one before it.

    Examples
    --------
    >>> [phrase.words for phrase in drop_contained([Phrase("hard coal", 0, 9), Phrase("Coal", 0, 4)])]
    ['hard coal']
    """
    phrases_left: list[Phrase] = []
    for phrase in phrases:
        folded = f" {phrase.words.casefold()} "
        if not any(folded in f" {other.words.casefold()} " for other in phrases_left):
            phrases_left.append(phrase)
    return phrases_left
