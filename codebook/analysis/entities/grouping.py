"""Mentions without a list: clusters of forms, each form then tried against its own cluster and against the others."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd

from codebook.analysis.entities.clusters import Linkage, cluster_pairs
from codebook.analysis.entities.forms import AS_IT_IS, entity_id
from codebook.analysis.entities.linking import MATCHED, NEW, REVIEW, Candidate, Decision, Rules, decide_ranked

CONFLICT = "it fits one form of an entity and not the others"


@dataclass(frozen=True, slots=True)
class Groups:
    """Decision of each row (entities are named by the first row of their cluster), and how near each is to its own."""

    decisions: list[Decision]
    nearness: list[float]


def group_mentions(forms: Sequence[str], pairs: pd.DataFrame, limits: Rules, linkage: Linkage) -> Groups:
    """Cluster the rows, then send to a person each one that another cluster fits nearly as well as its own.

    Parameters
    ----------
    forms
        Normal form of each row.
    pairs
        With `left_row right_row found_by score`; a row tied to another by its form goes where that one goes.
    """
    tied = pairs[pairs["found_by"] == "form"]
    first = dict(zip(tied["right_row"], tied["left_row"], strict=True))
    looked_at = pairs[pairs["found_by"] != "form"]
    columns = (looked_at["left_row"].tolist(), looked_at["right_row"].tolist(), looked_at["score"].tolist())
    scored = list(zip(*columns, strict=True))
    cluster = cluster_pairs(len(forms), scored, limits.accept, linkage=linkage)
    near: dict[int, dict[int, float]] = defaultdict(dict)
    for a, b, score in scored:
        near[a][b] = near[b][a] = score
    members: dict[int, list[int]] = defaultdict(list)
    for row, name in enumerate(cluster):
        if row not in first:
            members[name].append(row)
    found = {
        row: _decide(row, cluster, near[row], members, forms, limits) for row in range(len(forms)) if row not in first
    }
    decisions = [found[first.get(row, row)] for row in range(len(forms))]
    nearness = [sum(near[row].get(other, 0.0) for other in members[cluster[row]]) for row in range(len(forms))]
    return Groups(_settle(decisions), nearness)


def name_groups(
    mentions: pd.DataFrame, forms: Sequence[str], groups: Groups, namespace: str
) -> tuple[list[Decision], dict[str, str]]:
    """Give each cluster its id and its canonical name; returns the decisions with ids, and the name of each id."""
    rows: dict[str, list[int]] = defaultdict(list)
    for row, one in enumerate(groups.decisions):
        for entity in {one.entity, *(side.entity for side in (one.best, one.runner_up) if side)} - {""}:
            rows.setdefault(entity, [])
        if one.entity:
            rows[one.entity].append(row)
    names, ids, taken = {}, {}, set()
    for entity, own in rows.items():
        own = own or [int(entity)]
        form = _canonical(own, forms, groups.nearness)
        given = entity_id(form, namespace, rules=AS_IT_IS)
        if given in taken:
            given = entity_id(f"{form} {min(map(str, mentions['mention_id'].iloc[own]))}", namespace, rules=AS_IT_IS)
        taken.add(given)
        ids[entity] = given
        spelt = Counter(str(mentions["name"].iloc[row]) for row in own if forms[row] == form)
        names[given] = min(spelt, key=lambda name: (-spelt[name], name))
    return [_renamed(one, ids) for one in groups.decisions], names


def _decide(
    row: int,
    cluster: Sequence[int],
    near: dict[int, float],
    members: dict[int, list[int]],
    forms: Sequence[str],
    limits: Rules,
) -> Decision:
    """Try a row against its own cluster without it, and against every cluster that holds one of its pairs."""
    own, alone = cluster[row], len(members[cluster[row]]) == 1
    names = {cluster[other] for other in near} - ({own} if alone else set())
    ranked = sorted(
        (_against(row, name, near, members, forms) for name in names), key=lambda side: _order(side[0], own)
    )
    best, second = [*(side[0] for side in ranked[:2]), None, None][:2]
    if not limits.ask:
        return Decision(MATCHED, best, second, entity=str(own))
    if alone and any(score >= limits.accept for score in near.values()):
        return Decision(REVIEW, best, second, CONFLICT)
    if alone and (best is None or best.score < limits.review):
        return Decision(NEW, best, second, entity=str(own))
    if not alone and best is not None and best.entity != str(own):
        return Decision(REVIEW, best, second, "another entity fits better than its own")
    return decide_ranked(forms[row], ranked, limits if alone else replace(limits, accept=0.0))


def _against(
    row: int, name: int, near: dict[int, float], members: dict[int, list[int]], forms: Sequence[str]
) -> tuple[Candidate, list[str]]:
    """A cluster as a candidate: mean score over its other forms, and these forms, the nearest first."""
    others = sorted(
        (other for other in members[name] if other != row), key=lambda other: (-near.get(other, 0.0), other)
    )
    mean = sum(near.get(other, 0.0) for other in others) / len(others)
    return Candidate(str(name), forms[others[0]], mean), [forms[other] for other in others]


def _order(side: Candidate, own: int) -> tuple[float, bool, str]:
    return -round(side.score, 9), side.entity != str(own), side.entity


def _settle(decisions: list[Decision]) -> list[Decision]:
    """Matched is what shares its entity with another mention, new what is alone."""
    sizes = Counter(one.entity for one in decisions if one.entity)
    return [
        replace(one, decision=MATCHED if sizes[one.entity] > 1 else NEW) if one.entity else one for one in decisions
    ]


def _canonical(rows: Sequence[int], forms: Sequence[str], nearness: Sequence[float]) -> str:
    """Commonest form; of equal ones the nearest to the others, then the first by alphabet."""
    counts = Counter(forms[row] for row in rows)
    near = {forms[row]: nearness[row] for row in rows}
    return min(counts, key=lambda form: (-counts[form], -round(near[form], 9), form))


def _renamed(one: Decision, ids: dict[str, str]) -> Decision:
    best, second = (side and replace(side, entity=ids[side.entity]) for side in (one.best, one.runner_up))
    return replace(one, entity=ids.get(one.entity, ""), best=best, runner_up=second)
