"""Clusters of mentions: no chains, since a cluster joins another only if all their pairs together say so."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence, Set
from typing import Literal

Linkage = Literal["average", "complete"]


class _Link:
    """Scores between two clusters: their sum, their least, and how many pairs were scored; `barred`: never one."""

    __slots__ = ("barred", "count", "least", "total")

    def __init__(self, total: float, least: float, count: int, barred: bool = False) -> None:
        self.total, self.least, self.count, self.barred = total, least, count, barred

    def joined(self, other: _Link) -> _Link:
        barred = self.barred or other.barred
        return _Link(self.total + other.total, min(self.least, other.least), self.count + other.count, barred)

    def strength(self, n_pairs: int, linkage: Linkage) -> float:
        if self.barred:
            return 0.0
        if linkage == "complete":
            return self.least if self.count == n_pairs else 0.0
        return self.total / n_pairs


def cluster_pairs(
    n: int,
    pairs: Iterable[tuple[int, int, float]],
    accept: float,
    *,
    linkage: Linkage = "average",
    barred: Set[tuple[int, int]] = frozenset(),
    sources: Sequence[Set[str]] | None = None,
) -> list[int]:
    """Return the cluster of each of `n` rows; clusters are numbered by their first row.

    Agglomeration over the scored pairs alone, best first, while the strength reaches `accept`. A pair that was not
    scored counts as 0, so the memory is that of the pairs.

    Parameters
    ----------
    pairs
        Rows and score; a pair stands once.
    barred
        Pairs (in the order of `pairs`) that never come into one cluster.
    sources
        Of each row: two rows of one source never come into one cluster.
    linkage
        "average" takes the mean score of all pairs of two clusters, "complete" the least.

    Examples
    --------
    >>> chain = [(0, 1, 0.9), (1, 2, 0.9), (0, 2, 0.1)]
    >>> cluster_pairs(3, chain, 0.6), cluster_pairs(3, chain, 0.5)
    ([0, 0, 2], [0, 0, 0])
    """
    links: dict[int, dict[int, _Link]] = {}
    for a, b, score in pairs:
        links.setdefault(a, {})[b] = links.setdefault(b, {})[a] = _Link(score, score, 1, (a, b) in barred)
    members = {row: [row] for row in range(n)}
    sources_of = {row: set(sources[row]) for row in range(n)} if sources else {}
    heap = [
        (-link.total, a, b)
        for a, near in links.items()
        for b, link in near.items()
        if a < b and link.total >= accept and not link.barred
    ]
    heapq.heapify(heap)
    while heap:
        strength, a, b = heapq.heappop(heap)
        if b not in links.get(a, {}) or -strength != _strength(links, members, a, b, linkage):
            continue
        if sources_of.get(a, set()) & sources_of.get(b, set()):
            links[a][b].barred = True
            continue
        _merge(links, members, a, b)
        sources_of.setdefault(a, set()).update(sources_of.pop(b, set()))
        for other in links[a]:
            new = _strength(links, members, a, other, linkage)
            if new >= accept:
                heapq.heappush(heap, (-new, min(a, other), max(a, other)))
    cluster = [0] * n
    for name, rows in members.items():
        for row in rows:
            cluster[row] = name
    return cluster


def _strength(
    links: dict[int, dict[int, _Link]], members: dict[int, list[int]], a: int, b: int, linkage: Linkage
) -> float:
    return links[a][b].strength(len(members[a]) * len(members[b]), linkage)


def _merge(links: dict[int, dict[int, _Link]], members: dict[int, list[int]], a: int, b: int) -> None:
    """Let cluster `b` go up in `a`, the one with the smaller first row."""
    members[a] += members.pop(b)
    gone = links.pop(b)
    del links[a][b]
    for other, link in gone.items():
        if other == a:
            continue
        del links[other][b]
        there = links[a].get(other)
        links[a][other] = links[other][a] = link if there is None else there.joined(link)
