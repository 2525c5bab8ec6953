"""Mentions without a list: clusters of forms, each form then tried against its own cluster and against the others.

Forms that speak against each other stay apart, and so do short forms that fit several that do.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from itertools import combinations

import pandas as pd

from codebook.analysis.entities.clusters import Linkage, cluster_pairs
from codebook.analysis.entities.forms import AS_IT_IS, entity_id
from codebook.analysis.entities.linking import (
    MATCHED,
    NEW,
    REVIEW,
    Candidate,
    Decision,
    Rules,
    decide_ranked,
    held_words,
)
from codebook.analysis.entities.shared_words import common_words

CONFLICT = "it fits one form of an entity and not the others"
ELSEWHERE = "another entity fits better than its own"
SHORT = "a short form of two entities"
TWICE = "one source has this form for two entities"
NEARLY = 0.9
"""Jaro-Winkler similarity from which two words are spelt nearly alike."""
LONGER = 12
"""Longer forms of a short one that are compared with each other, the best scored first."""


@dataclass(frozen=True, slots=True)
class Groups:
    """Decision of each row (entities are named by the first row of their cluster), and how near each is to its own."""

    decisions: list[Decision]
    nearness: list[float]


@dataclass(frozen=True, slots=True)
class _Field:
    """What a row is decided by: forms and scores of the rows that were looked at, and the clusters."""

    forms: Mapping[int, str]
    near: Mapping[int, Mapping[int, float]]
    cluster: Sequence[int]
    members: Mapping[int, Sequence[int]]
    limits: Rules


def group_mentions(
    forms: Sequence[str], pairs: pd.DataFrame, limits: Rules, linkage: Linkage, sources: Sequence[str] | None = None
) -> Groups:
    """Cluster the rows, then send to a person each one that another cluster fits nearly as well as its own.

    Parameters
    ----------
    forms
        Normal form of each row.
    pairs
        With `left_row right_row found_by score`; a row tied to another by its form goes where that one goes.
    sources
        Of each row; a source names an entity once.
    """
    tied = pairs[pairs["found_by"] == "form"]
    first = list(range(len(forms)))
    for row, tie in zip(tied["right_row"].tolist(), tied["left_row"].tolist(), strict=True):
        first[row] = tie
    once = {row: forms[row] for row in sorted(set(first))}
    near = _scores(pairs[pairs["found_by"] != "form"])
    words = TellingWords(forms)
    short = longer_forms(once, near, words) if limits.ask else {}
    twice = twice_in_a_source(first, sources) if sources else set()
    left_out = short.keys() | twice
    scored = [(a, b, score) for a, side in near.items() for b, score in side.items() if a < b and not {a, b} & left_out]
    barred = barred_pairs(once, [(a, b) for a, b, _ in scored], short, words) if limits.ask else set()
    holders = _named(first, sources) if sources else None
    cluster = cluster_pairs(len(forms), scored, limits.accept, linkage=linkage, barred=barred, sources=holders)
    members: dict[int, list[int]] = defaultdict(list)
    for row in once:
        if row not in left_out:
            members[cluster[row]].append(row)
    field = _Field(once, near, cluster, members, limits)
    decisions = {row: _decide(row, field) for row in once if row not in left_out}
    doubtful = {row for row, case in decisions.items() if case.decision == REVIEW}
    decisions |= {row: _decide_short(row, longer, field, doubtful) for row, longer in short.items()}
    decisions |= {row: _between(row, near[row], field, TWICE) for row in twice}
    nearness = [sum(near[row].get(other, 0.0) for other in members[cluster[row]]) for row in first]
    alike = float(tied["score"].max()) if len(tied) else 1.0
    return Groups(_settle([decisions[row] for row in first], forms, alike), nearness)


def _scores(pairs: pd.DataFrame) -> dict[int, dict[int, float]]:
    """Scores of the rows each row was compared with."""
    near: dict[int, dict[int, float]] = defaultdict(dict)
    columns = (pairs["left_row"].tolist(), pairs["right_row"].tolist(), pairs["score"].tolist())
    for a, b, score in zip(*columns, strict=True):
        near[a][b] = near[b][a] = score
    return near


def _named(first: Sequence[int], sources: Sequence[str]) -> list[set[str]]:
    """Sources of each form, at its first row."""
    holders: list[set[str]] = [set() for _ in first]
    for row, source in zip(first, sources, strict=True):
        holders[row] |= {source} - {""}
    return holders


def name_groups(
    mentions: pd.DataFrame, forms: Sequence[str], groups: Groups, namespace: str
) -> tuple[list[Decision], dict[str, str]]:
    """Give each cluster its id and its canonical name; returns the decisions with ids, and the name of each id."""
    rows: dict[str, list[int]] = defaultdict(list)
    for row, case in enumerate(groups.decisions):
        for entity in {case.entity, *(side.entity for side in (case.best, case.runner_up) if side)} - {""}:
            rows.setdefault(entity, [])
        if case.entity:
            rows[case.entity].append(row)
    names, ids, taken = {}, {}, set()
    for entity, home in rows.items():
        home = home or [int(entity)]
        form = _canonical(home, forms, groups.nearness)
        new_id = entity_id(form, namespace, rules=AS_IT_IS)
        if new_id in taken:
            new_id = entity_id(f"{form} {min(map(str, mentions['mention_id'].iloc[home]))}", namespace, rules=AS_IT_IS)
        taken.add(new_id)
        ids[entity] = new_id
        spelt = Counter(str(mentions["name"].iloc[row]) for row in home if forms[row] == form)
        names[new_id] = min(spelt, key=lambda name: (-spelt[name], name))
    return [_renamed(case, ids) for case in groups.decisions], names


def _decide(row: int, field: _Field) -> Decision:
    """Try a row against its own cluster without it, and against every cluster that holds one of its pairs."""
    near, limits, home = field.near.get(row, {}), field.limits, field.cluster[row]
    alone = len(field.members.get(home, [row])) == 1
    ranked = _rank(row, near, field)
    best, second = [*(side[0] for side in ranked[:2]), None, None][:2]
    if not limits.ask:
        own = sorted(ranked, key=lambda side: side[0].entity != str(home))
        best, second = [*(side[0] for side in own[:2]), None, None][:2]
        return Decision(MATCHED, best, second, entity=str(home))
    if alone and any(near[other] >= limits.accept for other in near if field.cluster[other] in field.members):
        return Decision(REVIEW, best, second, CONFLICT)
    if alone and (best is None or best.score < limits.review):
        return Decision(NEW, best, second, entity=str(home))
    if not alone and best is not None and (best.entity != str(home) or _nearer_elsewhere(row, field)):
        return Decision(REVIEW, best, second, ELSEWHERE)
    return decide_ranked(field.forms[row], ranked, limits if alone else replace(limits, accept=0.0))


def _nearer_elsewhere(row: int, field: _Field) -> bool:
    """Whether the best pair of a row, by more than the margin, is with a form of another cluster."""
    best = {True: 0.0, False: 0.0}
    for other, score in field.near[row].items():
        if field.cluster[other] in field.members:
            inside = field.cluster[other] == field.cluster[row]
            best[inside] = max(best[inside], score)
    return best[False] - best[True] > field.limits.margin


def _decide_short(row: int, longer: Sequence[int], field: _Field, doubtful: Set[int]) -> Decision:
    """A short form goes where all its longer forms are, if they are surely one entity; else to a person."""
    sure = (1 + field.limits.accept) / 2
    unsure = any(field.near[a].get(b, 0.0) < sure for a, b in combinations(longer, 2))
    if unsure or doubtful & set(longer) or len({field.cluster[other] for other in longer}) > 1:
        return _between(row, longer, field, SHORT)
    ranked = _rank(row, field.near[row], field)
    best, second = [*(side[0] for side in ranked[:2]), None, None][:2]
    if best is None or best.score < field.limits.review:
        return Decision(NEW, best, second, entity=str(row))
    return decide_ranked(field.forms[row], ranked, field.limits)


def _rank(row: int, others: Iterable[int], field: _Field) -> list[tuple[Candidate, list[str]]]:
    """Clusters of other rows, best first; of equal ones the row's own."""
    home = field.cluster[row]
    names = {field.cluster[other] for other in others} & field.members.keys()
    names -= {home} if field.members.get(home) == [row] else set()
    return sorted((_against(row, name, field) for name in names), key=lambda side: _order(side[0], home))


def _between(row: int, others: Iterable[int], field: _Field, why: str) -> Decision:
    """A row that was not clustered, before the clusters of the forms it may be short for."""
    sides = [side[0] for side in _rank(row, others, field)]
    best, second = [*sides, None, None][:2]
    return Decision(REVIEW, best, second, why)


def _against(row: int, name: int, field: _Field) -> tuple[Candidate, list[str]]:
    """A cluster as a candidate: mean score over its other forms, and these forms, the nearest first."""
    near = field.near.get(row, {})
    others = sorted(
        (other for other in field.members[name] if other != row), key=lambda case: (-near.get(case, 0.0), case)
    )
    mean = sum(near.get(other, 0.0) for other in others) / len(others)
    return Candidate(str(name), field.forms[others[0]], mean), [field.forms[other] for other in others]


def _order(side: Candidate, home: int) -> tuple[float, bool, str]:
    return -round(side.score, 9), side.entity != str(home), side.entity


def _settle(decisions: Sequence[Decision], forms: Sequence[str], alike: float) -> list[Decision]:
    """Matched is what shares its entity with another mention, new what is alone.

    What shares it by an equal form has its own entity as the best, with the score of equal forms.
    """
    sizes = Counter(case.entity for case in decisions if case.entity)
    settled = []
    for case, form in zip(decisions, forms, strict=True):
        if not case.entity or sizes[case.entity] == 1:
            settled.append(replace(case, decision=NEW) if case.entity else case)
        elif case.best and case.best.entity == case.entity:
            settled.append(replace(case, decision=MATCHED))
        else:
            own = Candidate(case.entity, form, alike)
            settled.append(replace(case, decision=MATCHED, best=own, runner_up=case.best))
    return settled


def _canonical(rows: Sequence[int], forms: Sequence[str], nearness: Sequence[float]) -> str:
    """Commonest form; of equal ones the nearest to the others, then the first by alphabet."""
    counts = Counter(forms[row] for row in rows)
    near = {forms[row]: nearness[row] for row in rows}
    return min(counts, key=lambda form: (-counts[form], -round(near[form], 9), form))


def _renamed(case: Decision, ids: dict[str, str]) -> Decision:
    best, second = (side and replace(side, entity=ids[side.entity]) for side in (case.best, case.runner_up))
    return replace(case, entity=ids.get(case.entity, ""), best=best, runner_up=second)


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
    longer_of = {}
    for row, form in forms.items():
        telling = words.of(form)
        longer = [other for other in near.get(row, {}) if held_words(telling, forms[other]) == telling]
        longer = [other for other in longer if words.own_words(forms[other], form) or len(forms[other]) > len(form)]
        best = sorted(longer, key=lambda other: (-near[row][other], other))[:LONGER]
        if any(words.differ(forms[a], forms[b]) for a, b in combinations(best, 2)):
            longer_of[row] = best
    return longer_of


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
    """First rows of the forms that occur twice in one source: it names an entity once, so they are two entities."""
    counts = Counter(zip(first, sources, strict=True))
    return {row for (row, source), count in counts.items() if count > 1 and source}


def _nearly(word: str, other: str) -> bool:
    from rapidfuzz.distance import JaroWinkler

    return JaroWinkler.normalized_similarity(word, other) >= NEARLY
