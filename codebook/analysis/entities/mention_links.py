"""Mentions to entities: against a list, or by clusters; each with an id, a decision, and the runner-up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd

from codebook.analysis.entities.clusters import Linkage
from codebook.analysis.entities.forms import AS_IT_IS, entity_id
from codebook.analysis.entities.grouping import group_mentions, name_groups
from codebook.analysis.entities.linking import MATCHED, NEW, REVIEW, Candidate, Decision, Rules, decide
from codebook.analysis.entities.name_lists import Names, check_columns, raise_faults
from codebook.analysis.entities.shared_words import common_words
from codebook.errors import Fault

RESOLVED_COLUMNS = (
    *("mention_id", "name", "entity_id", "canonical", "decision", "score"),
    *("candidate", "candidate_id", "runner_up", "runner_up_id", "runner_up_score", "why"),
)


@dataclass(frozen=True)
class LinkRules:
    """When names are one entity, and when a person decides.

    Parameters
    ----------
    accept
        Least score of a match, of `choose_threshold` where pairs are labelled. None: .5 with a list and .6 without one,
        which suit the weighted mean of the scores.
    review
        Least score of a case for a person; below, a mention is new. None: two thirds of `accept` with a list, where an
        entity is expected; `accept` without one, where a form that fits nothing is an entity of its own.
    margin
        Least distance of the best entity from the runner-up.
    one_to_one
        With a list: an entity takes one mention, and only where each is the other's best (two clean lists).
    ask
        Off, nothing goes to a person: for a baseline, never for results.
    linkage
        Without a list: how two clusters are compared, by the mean of all their pairs or by the least.
    source
        Without a list: column of the mentions that says which list a name comes from, where such a list names an entity
        once. Two names of one source are then two entities, and a form that occurs twice in one is ambiguous.
    namespace
        Of the ids that are made; an entity of a list keeps the id of the list.
    """

    accept: float | None = None
    review: float | None = None
    margin: float = 0.05
    one_to_one: bool = False
    ask: bool = True
    linkage: Linkage = "average"
    source: str = ""
    namespace: str = ""

    def thresholds(self, *, listed: bool) -> tuple[float, float]:
        """`accept` and `review`, those that nobody set filled in.

        Examples
        --------
        >>> LinkRules().thresholds(listed=False), LinkRules(accept=0.75).thresholds(listed=True)
        ((0.6, 0.6), (0.75, 0.5))
        """
        accept = (0.5 if listed else 0.6) if self.accept is None else self.accept
        return accept, (accept * 2 / 3 if listed else accept) if self.review is None else self.review


def link_mentions(names: Names, pairs: pd.DataFrame, rules: LinkRules | None = None) -> pd.DataFrame:
    """Give each mention its entity, or send it to a person: doubtful mentions are merged with nothing.

    Parameters
    ----------
    pairs
        Of `combine_scores`, of these names: their column `score` decides.

    Returns
    -------
    pd.DataFrame
        One row per mention, in their order: `mention_id name entity_id canonical decision score candidate candidate_id
        runner_up runner_up_id runner_up_score why`. `decision` is "matched" (it has an entity of the list, or shares
        one with another mention), "new" (an entity of its own) or "review"; `candidate` and `runner_up` are the two
        entities that fit best, and `why` says why a person should look.

    Raises
    ------
    TableError
        A frame lacks a column.
    ParameterError
        Thresholds are not in order, or `one_to_one` is asked for without a list.

    Notes
    -----
    An id is the UUIDv5 of the entity's canonical form: the commonest of its forms, of equal ones the nearest to the
    others, then the first by alphabet. A mention that goes to a person has no id until that person has decided.

    Examples
    --------
    >>> import pandas as pd
    >>> listed = pd.DataFrame({"entity_id": ["NER", "NGA"], "name": ["Niger", "Nigeria"]})
    >>> names = Names(pd.DataFrame({"mention_id": ["m1"], "name": ["NIGER (the)"]}), listed)
    >>> from codebook.analysis.entities import candidate_pairs, combine_scores, score_pairs
    >>> pairs = combine_scores(score_pairs(candidate_pairs(names), names))
    >>> link_mentions(names, pairs)[["mention_id", "entity_id"]].to_numpy().tolist()
    [['m1', 'NER']]
    """
    rules = rules or LinkRules()
    accept, review = rules.thresholds(listed=names.entities is not None)
    _check(names, pairs, rules, (accept, review))
    common = common_words([*pairs["left_form"], *pairs["right_form"]])
    limits = Rules(accept=accept, review=review, margin=rules.margin, common=common, ask=rules.ask)
    decide_all = _cluster if names.entities is None else _link
    decisions, canonical = decide_all(names, pairs, limits, rules)
    rows = zip(names.mentions["mention_id"], names.mentions["name"], decisions, strict=True)
    return pd.DataFrame([_row(*row, canonical) for row in rows], columns=list(RESOLVED_COLUMNS))


def _cluster(
    names: Names, pairs: pd.DataFrame, limits: Rules, rules: LinkRules
) -> tuple[list[Decision], dict[str, str]]:
    """Decision of each mention without a list, and the canonical name of each id."""
    sources = names.mentions[rules.source].fillna("").astype(str).tolist() if rules.source else None
    groups = group_mentions(names.forms, pairs, limits, rules.linkage, sources)
    return name_groups(names.mentions, names.forms, groups, rules.namespace)


def _link(names: Names, pairs: pd.DataFrame, limits: Rules, rules: LinkRules) -> tuple[list[Decision], dict[str, str]]:
    """Decision of each mention before the list, and the name of each id; a new one is an entity of its own form."""
    judged = pairs["judged"] if "judged" in pairs else pd.Series(data=False, index=pairs.index)
    near: dict[int, list[Candidate]] = {}
    columns = (pairs["left_row"], pairs["right"].astype(str), pairs["right_form"], pairs["score"], judged)
    for row, entity, form, score, same in zip(*columns, strict=True):
        near.setdefault(row, []).append(Candidate(entity, form, float(score), bool(same)))
    ids = [entity_id(form, rules.namespace, rules=AS_IT_IS) for form in names.forms]
    cases = [decide(form, near.get(row, []), limits) for row, form in enumerate(names.forms)]
    cases = [
        replace(case, entity=new_id) if case.decision == NEW else case for case, new_id in zip(cases, ids, strict=True)
    ]
    firsts = names.others.drop_duplicates("entity_id")
    canonical = dict(zip(ids, names.mentions["name"], strict=True))
    canonical |= dict(zip(firsts["entity_id"].astype(str), firsts["name"], strict=True))
    return _one_to_one(cases, ids, rules.ask) if rules.one_to_one else cases, canonical


def _one_to_one(cases: list[Decision], ids: Sequence[str], ask: bool) -> list[Decision]:
    """Leave each entity to the mention that fits it best; the others, and equal ones, go to a person.

    Where nobody is asked, the first of equally good mentions gets the entity, and the others become new entities.
    """
    scores = [(case.entity, case.best.score) for case in cases if case.decision == MATCHED and case.best]
    most: dict[str, float] = {}
    for entity, score in scores:
        most[entity] = max(most.get(entity, 0.0), score)
    holders: dict[str, list[int]] = {}
    for place, case in enumerate(cases):
        if case.decision == MATCHED and case.best and case.best.score == most[case.entity]:
            holders.setdefault(case.entity, []).append(place)
    settled = []
    for place, (case, new_id) in enumerate(zip(cases, ids, strict=True)):
        best = holders.get(case.entity, []) if case.decision == MATCHED else [place]
        if best == [place] or (not ask and best[0] == place):
            settled.append(case)
        elif ask:
            why = "another mention fits the entity as well or better"
            settled.append(replace(case, decision=REVIEW, entity="", why=why))
        else:
            settled.append(replace(case, decision=NEW, entity=new_id))
    return settled


def _row(mention: object, name: str, case: Decision, canonical: dict[str, str]) -> tuple[object, ...]:
    best, second = case.best, case.runner_up
    return (
        *(mention, name, case.entity or None, canonical.get(case.entity), case.decision),
        best.score if best else None,
        *((canonical.get(best.entity), best.entity) if best else (None, None)),
        *((canonical.get(second.entity), second.entity, second.score) if second else (None, None, None)),
        case.why,
    )


def _check(names: Names, pairs: pd.DataFrame, rules: LinkRules, limits: tuple[float, float]) -> None:
    listed, needed = names.entities is not None, ("left_row", "right_row", "left_form", "right_form")
    faults = check_columns(pairs, (*needed, "listed", "found_by", "score"), "pairs", "pass those of combine_scores")
    if not faults and len(pairs) and bool(pairs["listed"].any()) != listed:
        faults.append(Fault("entities", "the pairs are of other names", "pass the pairs of candidate_pairs(names)"))
    columns = [rules.source] if rules.source else []
    faults += check_columns(names.mentions, columns, "mentions", "name one of its columns in `source`")
    if limits[1] > limits[0]:
        faults.append(Fault("review", f"{limits[1]:g} is above accept ({limits[0]:g})", "let review be the lower one"))
    if rules.one_to_one and not listed:
        faults.append(Fault("one_to_one", "there is no list", "give the names a list, or leave one_to_one off"))
    raise_faults("The mentions cannot be resolved.", faults)
