"""One mention before its candidates: matched, new, or a case for a person, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

MATCHED, NEW, REVIEW = "matched", "new", "review"
DECISIONS = (MATCHED, NEW, REVIEW)
LONG = 5
"""A form with this many words, as of a title or product, is no short form of two others: its words raise no doubt."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The settled `LinkRules`: least score of a match, of a case for a person, and least lead over the runner-up.

    `common` are words that tell nothing of who is meant, since too many forms have them; without `ask`, nobody looks.
    """

    accept: float
    review: float
    margin: float
    common: frozenset[str] = frozenset()
    ask: bool = True


@dataclass(frozen=True, slots=True)
class Candidate:
    """An entity that a mention may be, through one of its forms; `judged` where somebody said that it is."""

    entity: str
    form: str
    score: float
    judged: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided of a mention: `best` and `runner_up` where there are such, why it is in review, its entity."""

    decision: str
    best: Candidate | None = None
    runner_up: Candidate | None = None
    why: str = ""
    entity: str = ""


def decide(form: str, candidates: Sequence[Candidate], rules: Rules) -> Decision:
    """Decide a mention by its normal form and its candidates.

    Examples
    --------
    >>> two = [Candidate("s1", "adam smith", 0.9), Candidate("s2", "adrian smith", 0.7)]
    >>> decide("a smith", two, Rules(accept=0.5, review=0.2, margin=0.1)).why
    'the words it shares fit both'
    >>> decide("adam smith", two, Rules(accept=0.5, review=0.2, margin=0.1)).decision
    'matched'
    """
    ranked = rank_entities(candidates)
    if any(case.judged for case in ranked):
        return _as_judged(ranked)
    if not ranked or ranked[0].score < (rules.review if rules.ask else rules.accept):
        best, second, *_ = [*ranked, None, None]
        return Decision(NEW, best, second)
    forms: dict[str, list[str]] = {}
    for case in candidates:
        forms.setdefault(case.entity, []).append(case.form)
    return decide_ranked(form, [(case, forms[case.entity]) for case in ranked], rules)


def decide_ranked(form: str, ranked: Sequence[tuple[Candidate, Sequence[str]]], rules: Rules) -> Decision:
    """Decide by the entities that fit, best first, each with its forms; the first is at least a case for a person."""
    (best, forms), rivals = ranked[0], ranked[1:]
    for rival, others in rivals if rules.ask else ():
        if why := doubt(form, (best.score, forms), (rival.score, others), rules):
            return Decision(REVIEW, best, rival, why)
    runner_up = rivals[0][0] if rivals else None
    if best.score < rules.accept:
        return Decision(REVIEW, best, runner_up, "the score lies between new and matched")
    return Decision(MATCHED, best, runner_up, entity=best.entity)


def rank_entities(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Best form of each entity, highest score first, equal ones by entity."""
    ordered = sorted(candidates, key=lambda case: (case.entity, not case.judged, -case.score, case.form))
    firsts = [next(group) for _, group in groupby(ordered, key=attrgetter("entity"))]
    return sorted(firsts, key=lambda case: (-case.score, case.entity))


def doubt(form: str, best: tuple[float, Sequence[str]], rival: tuple[float, Sequence[str]], rules: Rules) -> str:
    """Why a rival may be meant as well as the best entity; empty where it may not.

    Parameters
    ----------
    best, rival
        Score and normal forms of the two entities.

    Examples
    --------
    >>> rules = Rules(accept=0.5, review=0.2, margin=0.1)
    >>> doubt("korea", (0.7, ["south korea"]), (0.4, ["north korea"]), rules)
    'the words it shares fit both'
    >>> doubt("niger", (0.9, ["niger"]), (0.85, ["nigeria"]), rules)
    ''
    >>> doubt("virgin islands", (0.8, ["british virgin islands"]), (0.75, ["islands of virgin"]), rules)
    'the runner-up is nearly as good'
    """
    if form in best[1] and form not in rival[1]:
        return ""
    if best[0] - rival[0] < rules.margin and rival[0] >= rules.review:
        return "the runner-up is nearly as good"
    if len(form.split()) >= LONG and best[0] >= rules.accept:
        return ""
    words = frozenset(form.split()) - rules.common
    shared, others = (max((held_words(words, case) for case in side[1]), key=len) for side in (best, rival))
    if not shared or (rival[0] < rules.review and others != words):
        return ""
    if others - shared:
        return "it has words of two entities"
    if others == shared and not any(words >= set(case.split()) - rules.common for case in best[1]):
        return "the words it shares fit both"
    return ""


def held_words(words: frozenset[str], form: str) -> frozenset[str]:
    """Words that a form holds; a single letter is held by a word that begins with it.

    Examples
    --------
    >>> sorted(held_words(frozenset(["a", "smith", "jr"]), "adam smith"))
    ['a', 'smith']
    """
    others = form.split()
    initials = {word[0] for word in others}
    return frozenset(word for word in words if word in others or (len(word) == 1 and word in initials))


def _as_judged(ranked: Sequence[Candidate]) -> Decision:
    """What somebody said of the pairs, unless it was said of two entities."""
    judged = [case for case in ranked if case.judged]
    if len(judged) > 1:
        return Decision(REVIEW, judged[0], judged[1], "judged the same as two entities")
    others = [case for case in ranked if not case.judged]
    return Decision(MATCHED, judged[0], others[0] if others else None, entity=judged[0].entity)
