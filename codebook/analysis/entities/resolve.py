"""Mentions to entities: against a list, or by clusters; each with an id, a decision, and the runner-up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from codebook.analysis.entities.clusters import Linkage
from codebook.analysis.entities.forms import AS_IT_IS, FormRules, entity_id, normalise_form
from codebook.analysis.entities.grouping import group_mentions, name_groups
from codebook.analysis.entities.linking import MATCHED, NEW, REVIEW, Candidate, Decision, Rules, decide
from codebook.analysis.entities.pair_checks import check_columns, check_entities, check_mentions, raise_faults
from codebook.analysis.entities.shared_words import common_words
from codebook.errors import Fault

RESOLVED_COLUMNS = (
    *("mention_id", "name", "entity_id", "canonical", "decision", "score"),
    *("candidate", "candidate_id", "runner_up", "runner_up_id", "runner_up_score", "why"),
)


def resolve_entities(
    mentions: pd.DataFrame,
    pairs: pd.DataFrame,
    entities: pd.DataFrame | None = None,
    *,
    accept: float | None = None,
    review: float | None = None,
    margin: float = 0.05,
    one_to_one: bool = False,
    ask: bool = True,
    linkage: Linkage = "average",
    source: str = "",
    namespace: str = "",
    rules: FormRules | None = None,
) -> pd.DataFrame:
    """Give each mention its entity, or send it to a person: doubtful mentions are merged with nothing.

    Parameters
    ----------
    mentions, entities
        As they were given to `candidate_pairs`.
    pairs
        Of `combine_scores`: their column `score` decides.
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
        once. Two names of one source are then two entities, and a form that stands twice in one is ambiguous.
    namespace
        Of the ids that are made; an entity of a list keeps the id of the list.

    Returns
    -------
    pd.DataFrame
        One row a mention, in their order: `mention_id name entity_id canonical decision score candidate candidate_id
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
    """
    if accept is None:
        accept = 0.6 if entities is None else 0.5
    if review is None:
        review = accept if entities is None else accept * 2 / 3
    _check(mentions, pairs, entities, (accept, review), one_to_one, source)
    forms = [normalise_form(name, rules) for name in mentions["name"]]
    common = common_words([*pairs["left_form"], *pairs["right_form"]])
    limits = Rules(accept=accept, review=review, margin=margin, common=common, ask=ask)
    if entities is None:
        sources = mentions[source].fillna("").astype(str).tolist() if source else None
        grouped = group_mentions(forms, pairs, limits, linkage, sources)
        decided, names = name_groups(mentions, forms, grouped, namespace)
    else:
        decided = _link(forms, pairs, limits, namespace)
        decided = _one_to_one(decided) if one_to_one else decided
        firsts = entities.drop_duplicates("entity_id")
        ids = (entity_id(form, namespace, rules=AS_IT_IS) for form in forms)
        names = dict(zip(ids, mentions["name"], strict=True))
        names |= dict(zip(firsts["entity_id"].astype(str), firsts["name"], strict=True))
    rows = zip(mentions["mention_id"], mentions["name"], decided, strict=True)
    resolved = pd.DataFrame([_row(*row, names) for row in rows], columns=list(RESOLVED_COLUMNS))
    resolved.attrs.update(accept=accept, review=review, margin=margin, linkage=linkage, one_to_one=one_to_one)
    return resolved


def _link(forms: Sequence[str], pairs: pd.DataFrame, limits: Rules, namespace: str) -> list[Decision]:
    """Decision of each mention before the list; a new one is an entity of its own form."""
    judged = pairs["judged"] if "judged" in pairs else pd.Series(False, index=pairs.index)
    near: dict[int, list[Candidate]] = {}
    columns = (pairs["left_row"], pairs["right"].astype(str), pairs["right_form"], pairs["score"], judged)
    for row, entity, form, score, said in zip(*columns, strict=True):
        near.setdefault(row, []).append(Candidate(entity, form, float(score), bool(said)))
    decided = [decide(form, near.get(row, []), limits) for row, form in enumerate(forms)]
    return [
        replace(one, entity=entity_id(form, namespace, rules=AS_IT_IS)) if one.decision == NEW else one
        for one, form in zip(decided, forms, strict=True)
    ]


def _one_to_one(decided: list[Decision]) -> list[Decision]:
    """Leave each entity to the mention that fits it best; the others, and equal ones, go to a person."""
    scores = [(one.entity, one.best.score) for one in decided if one.decision == MATCHED and one.best]
    most: dict[str, float] = {}
    for entity, score in scores:
        most[entity] = max(most.get(entity, 0.0), score)
    holders = Counter(entity for entity, score in scores if score == most[entity])
    return [
        replace(one, decision=REVIEW, entity="", why="another mention fits the entity as well or better")
        if one.decision == MATCHED and one.best and (one.best.score < most[one.entity] or holders[one.entity] > 1)
        else one
        for one in decided
    ]


def _row(mention: object, name: str, one: Decision, names: dict[str, str]) -> tuple[object, ...]:
    best, second = one.best, one.runner_up
    return (
        *(mention, name, one.entity or None, names.get(one.entity), one.decision),
        best.score if best else None,
        *((names.get(best.entity), best.entity) if best else (None, None)),
        *((names.get(second.entity), second.entity, second.score) if second else (None, None, None)),
        one.why,
    )


def _check(
    mentions: pd.DataFrame,
    pairs: pd.DataFrame,
    entities: pd.DataFrame | None,
    limits: tuple[float, float],
    one_to_one: bool,
    source: str,
) -> None:
    faults = check_mentions(mentions) + ([] if entities is None else check_entities(entities))
    needed = ("left_row", "right_row", "left_form", "right_form", "listed", "found_by", "score")
    faults += check_columns(pairs, needed, "pairs", "pass those of combine_scores")
    if not faults and len(pairs) and bool(pairs["listed"].any()) != (entities is not None):
        mend = "pass the list to candidate_pairs and to resolve_entities, or to neither"
        faults.append(Fault("entities", "the pairs were not made with what is given here", mend))
    faults += check_columns(mentions, [source] if source else [], "mentions", "name one of its columns in `source`")
    if limits[1] > limits[0]:
        faults.append(Fault("review", f"{limits[1]:g} is above accept ({limits[0]:g})", "let review be the lower one"))
    if one_to_one and entities is None:
        faults.append(Fault("one_to_one", "there is no list", "pass entities=, or leave one_to_one off"))
    raise_faults("The mentions cannot be resolved.", faults)
