"""Groups of vectors: those that they form, and whether neighbours are alike in what people said of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import raise_faults
from codebook.analysis.core.estimates import Bootstrap, say_figure
from codebook.analysis.core.result import Facts, Result
from codebook.analysis.core.standard_errors import wilson_interval
from codebook.analysis.vectors.neighbours import find_nearest
from codebook.analysis.vectors.similarity_blocks import (
    DIGITS,
    Floats,
    Ints,
    VectorsLike,
    as_array,
    describe_rows,
    folder_of,
    unit_rows,
)
from codebook.errors import Fault
from codebook.ground.quantities import format_figure, places_of, say_count, say_percent

MOST_LINKED = 5_000
"""Vectors that may be joined: memory grows with their square, to 100 MB."""
N_STARTS = 4
"""How often k-means starts anew; the grouping with the largest mean cosine is kept."""
MOST_ROUNDS = 100
_TIE = 1e-6
"""How far below the threshold a mean cosine may be, since sums of float32 are not exact."""


@dataclass(frozen=True)
class ClusterFacts(Facts):
    """How clusters were found: the method with its setting, their number, the mean cosine to their centres."""

    method: str = ""
    n_clusters: int = 0
    mean_cosine: float = 0.0


def cluster_vectors(
    vectors: VectorsLike, *, k: int | None = None, threshold: float | None = None, like: str = "", seed: int = 1
) -> Result:
    """Group vectors into `k` clusters, or into as many as a threshold makes, or as many as there are groups.

    Parameters
    ----------
    vectors
        `(n_rows, n_dimensions)`.
    k
        Number of clusters, found by spherical k-means (Dhillon and Modha 2001) from seeds drawn far apart (k-means++,
        Arthur and Vassilvitskii 2007), the best of four starts.
    threshold
        Clusters are joined, the two nearest first, while the mean cosine between their members is at least this
        (average linkage). At most 5,000 vectors.
    like
        What is known of the texts under this name, such as their topic: as many clusters as that has values.
    seed
        Of k-means. The threshold needs none.

    Returns
    -------
    Result
        `.frame`: row, cluster, cosine (to the cluster's centre), and what is known of the texts. Clusters are numbered
        from 0 by their size, the largest first, equal ones by their first row.

    Raises
    ------
    StatisticError
        The array is not one of vectors, or the request is not one of `k`, `threshold` and `like` that can be met.

    Examples
    --------
    >>> cluster_vectors([[1, 0], [0, 1], [1, 0.1], [1, 0.2]], k=2).frame["cluster"].tolist()
    [0, 1, 0, 0]
    >>> cluster_vectors([[1, 0], [0, 1], [1, 0.1], [1, 0.2]], threshold=0.98).frame["cluster"].tolist()
    [0, 1, 0, 0]
    """
    array = as_array(vectors)
    k = len(set(labels_of(vectors, like))) if like and k is None else k
    _check_request(len(array), k, threshold)
    rows = unit_rows(array)
    if k is not None:
        starts = [_run_means(rows, k, np.random.default_rng([seed, start])) for start in range(N_STARTS)]
        clusters = _number(max(starts, key=lambda pair: pair[0])[1])
        method = f"spherical k-means, {N_STARTS} starts, seed {seed}"
    else:
        assert threshold is not None  # checked above
        clusters, method = _number(_link(rows, threshold)), f"average linkage from a mean cosine of {threshold:g} on"
    cosines = np.einsum("ij,ij->i", rows, _centres(rows, clusters, int(clusters.max()) + 1)[clusters])
    frame = pd.DataFrame({"row": np.arange(len(rows)), "cluster": clusters})
    frame["cosine"] = np.round(cosines.astype(np.float64), DIGITS)
    mean, n_clusters = round(float(frame["cosine"].mean()), DIGITS), int(clusters.max()) + 1
    frame = frame.join(describe_rows(vectors))
    facts = ClusterFacts(len(frame), method=method, n_clusters=n_clusters, mean_cosine=mean)
    number = say_count(n_clusters, "cluster")
    cosine = format_figure(mean, facts.places)
    finding = f"{number} of {len(frame):,} vectors; mean cosine to their centres {cosine}."
    result = Result(frame, "cluster_members", "Clusters", "clusters", facts, finding, (f"By {method}.",))
    return replace(result, table=_summary(frame).drop(columns="row"), outputs=folder_of(vectors))


def cluster_groups(clusters: Result, by: str) -> Result:
    """How the clusters and known groups of the texts meet: counts, and the text nearest to each cluster's middle.

    Parameters
    ----------
    clusters
        Of `cluster_vectors`.
    by
        The column of its frame with the groups.

    Raises
    ------
    StatisticError
        There is no such column.

    Examples
    --------
    >>> import codebook as cb
    >>> from codebook.analysis.vectors import cluster_vectors
    >>> vectors = cb.embed_texts(cb.open_study(context_columns=["gold"]).open_units())
    >>> groups = cluster_groups(cluster_vectors(vectors, like="gold"), "gold")
    >>> len(groups.frame)
    3
    """
    members = clusters.frame
    if by not in members:
        fault = Fault("by", f"no {by!r} is known of the texts", "embed units that have it in their context")
        raise_faults("The clusters cannot be compared with groups.", [fault])
    counts, summary = pd.crosstab(members["cluster"], members[by]), _summary(members).set_index("cluster")
    typical = {"typical": summary["typical"]} if "typical" in summary else {}
    frame = counts.assign(**typical).rename_axis(columns=None).reset_index()
    share = (counts.max(axis=1) / counts.sum(axis=1)).to_numpy()
    table = summary[["n"]].assign(commonest=counts.idxmax(axis=1), share=share, **typical).reset_index()
    purity = counts.max(axis=1).sum() / len(members)
    finding = f"{say_percent(purity)} of the vectors are in a cluster whose commonest {by} is theirs."
    remarks = (*clusters.remarks, "Typical is the text nearest to the middle of its cluster.")
    return replace(clusters, frame=frame, name="clusters", finding=finding, remarks=remarks, table=table)


def _summary(members: pd.DataFrame) -> pd.DataFrame:
    """Of each cluster its size, its mean cosine, and the row (and text) nearest to its middle."""
    by_cluster = members.groupby("cluster")["cosine"]
    middle = members.loc[by_cluster.idxmax()]
    frame = pd.DataFrame({"n": by_cluster.size(), "mean_cosine": by_cluster.mean()}).reset_index()
    typical = {"typical": middle["text"].to_numpy()} if "text" in members else {}
    return frame.assign(row=middle["row"].to_numpy(), **typical)


def _check_request(n_rows: int, k: int | None, threshold: float | None) -> None:
    faults = []
    if (k is None) == (threshold is None):
        faults.append(Fault("k, threshold", "one of them is needed", "pass k=10, or threshold=.6"))
    if k is not None and not 1 <= k <= n_rows:
        faults.append(Fault("k", f"{k} clusters of {n_rows} vectors", f"pass a number from 1 to {n_rows}"))
    if threshold is not None and not -1 <= threshold <= 1:
        faults.append(Fault("threshold", f"{threshold} is no cosine", "pass a number up to 1, such as .6"))
    if threshold is not None and n_rows > MOST_LINKED:
        mend = "pass k, or cluster a sample"
        faults.append(Fault("vectors", f"{n_rows:,} are more than {MOST_LINKED:,}, too many to be joined", mend))
    raise_faults("The vectors cannot be clustered like this.", faults)


def _run_means(rows: Floats, k: int, rng: np.random.Generator) -> tuple[float, Ints]:
    """(mean cosine, clusters) of one start of k-means."""
    centres = rows[_draw_seeds(rows, k, rng)]
    clusters = np.full(len(rows), -1, dtype=np.int64)
    for _ in range(MOST_ROUNDS):
        cosines = rows @ centres.T
        fresh = _fill(cosines.argmax(axis=1), cosines.max(axis=1), k)
        if (fresh == clusters).all():
            break
        clusters = fresh
        centres = _centres(rows, clusters, k)
    return round(float(np.einsum("ij,ij->i", rows, centres[clusters]).mean()), DIGITS), clusters


def _draw_seeds(rows: Floats, k: int, rng: np.random.Generator) -> list[int]:
    """Rows to begin with: each drawn with a chance that grows with its distance from those before."""
    chosen = [int(rng.integers(len(rows)))]
    distance = np.ones(len(rows))
    while len(chosen) < k:
        distance = np.minimum(distance, np.maximum(0, 1 - rows @ rows[chosen[-1]]).astype(np.float64))
        distance[chosen] = 0
        total = distance.sum()
        free = np.setdiff1d(np.arange(len(rows)), chosen)
        chosen.append(int(rng.choice(len(rows), p=distance / total) if total > 0 else rng.choice(free)))
    return chosen


def _fill(clusters: Ints, cosines: Floats, k: int) -> Ints:
    """Give a cluster that lost all its members the row that is farthest from its centre, of a cluster with several."""
    filled = clusters.astype(np.int64)
    for empty in np.setdiff1d(np.arange(k), filled):
        several = np.bincount(filled, minlength=k)[filled] > 1
        filled[np.flatnonzero(several)[cosines[several].argmin()]] = empty
    return filled


def _centres(rows: Floats, clusters: Ints, k: int) -> Floats:
    """The mean direction of each cluster, `(k, n_dimensions)`; none of the `k` is empty."""
    order = np.argsort(clusters, kind="stable")
    begins = np.searchsorted(clusters[order], np.arange(k))
    return unit_rows(np.add.reduceat(rows[order], begins, axis=0, dtype=np.float64))


def _number(clusters: Ints) -> Ints:
    """The same grouping, numbered by size and first row.

    Examples
    --------
    >>> _number(np.array([7, 2, 2, 9])).tolist()
    [1, 0, 0, 2]
    """
    names, first, places, counts = np.unique(clusters, return_index=True, return_inverse=True, return_counts=True)
    numbers = np.empty(len(names), dtype=np.int64)
    numbers[np.lexsort((first, -counts))] = np.arange(len(names))
    return numbers[places]


def _link(rows: Floats, threshold: float) -> Ints:
    """The cluster of each row: joined by average linkage while the mean cosine between two is at least `threshold`."""
    from scipy.cluster.hierarchy import fcluster, linkage

    if len(rows) == 1:
        return np.zeros(1, dtype=np.int64)
    distances = np.concatenate([1 - rows[row + 1 :] @ rows[row] for row in range(len(rows) - 1)], dtype=np.float64)
    tree: Any = linkage(distances, method="average")
    return np.asarray(fcluster(tree, 1 - threshold + _TIE, criterion="distance"), dtype=np.int64)


_COLUMNS = ("rank", "n_queries", "value", "low", "high", "chance")


def neighbour_agreement(
    vectors: VectorsLike, labels: Sequence[Any] | str, k: int = 5, *, resample: Bootstrap | None = None
) -> Result:
    """How often a neighbour has the label of its query, by rank, beside what chance would give.

    Parameters
    ----------
    vectors
        `(n_rows, n_dimensions)`; each is held against its `k` nearest.
    labels
        `(n_rows,)`: the label of each vector, or the name of what is known of their texts. An empty name: no groups.
    resample
        Only its confidence is used: shares have Wilson's interval.

    Returns
    -------
    Result
        `.frame`: rank, n_queries, value (share of neighbours with the query's label), low, high, chance: the share
        among all pairs of different rows.

    Raises
    ------
    StatisticError
        There are fewer labels than rows.

    Examples
    --------
    >>> result = neighbour_agreement([[1, 0], [1, 0.1], [0, 1]], ["a", "a", "b"], 1, resample=Bootstrap(0))
    >>> result.frame[["rank", "value", "chance"]].round(3)
       rank  value  chance
    0     1  0.667   0.333
    """
    array, draws, folder = as_array(vectors), resample or Bootstrap(), folder_of(vectors)
    name, title = "neighbours", "Are neighbours alike?"
    if isinstance(labels, str) and not labels:
        reason = "There are no groups: nothing to hold the neighbours against."
        return Result(pd.DataFrame(columns=_COLUMNS), name, title, name, Facts(nothing=reason), reason, outputs=folder)
    codes = pd.factorize(np.asarray(labels_of(vectors, labels), dtype=object))[0]
    if len(array) != len(codes):
        fault = Fault(
            "labels",
            f"{say_count(len(codes), 'label')} for {say_count(len(array), 'row')}",
            "give a label per vector, in their order",
        )
        raise_faults("The neighbours cannot be compared.", [fault])
    neighbours = find_nearest(array, array, k, self_rows=np.arange(len(array)))
    same = codes[neighbours["query"]] == codes[neighbours["row"]]
    grid = neighbours.assign(same=same).pivot(index="query", columns="rank", values="same").astype(float)
    counts = np.bincount(codes).astype(float)
    frame = pd.DataFrame(
        {"rank": grid.columns, "n_queries": grid.notna().sum().to_numpy(), "value": grid.mean().to_numpy()}
    )
    both = zip(frame["value"], frame["n_queries"], strict=True)
    frame[["low", "high"]] = [wilson_interval(share * n, n, draws.confidence) for share, n in both]
    frame["chance"] = (counts * (counts - 1)).sum() / (len(codes) * max(len(codes) - 1, 1))
    about = labels if isinstance(labels, str) else "label"
    facts = Facts(len(array))
    intervals = f"Intervals of {100 * draws.confidence:g} % are Wilson's and treat vectors as independent."
    remark = f"Share of the vectors whose neighbour of this rank has the same {about}; any two: chance. {intervals}"
    return Result(frame, name, title, name, facts, _sentence(frame, about), (remark,), outputs=folder)


def labels_of(vectors: VectorsLike, labels: Sequence[Any] | str) -> Sequence[Any]:
    """The labels themselves, or what is known of the texts under that name.

    Raises StatisticError: nothing of that name is known.
    """
    if not isinstance(labels, str):
        return labels
    fields = describe_rows(vectors)
    if labels not in fields:
        mend = "embed units that have it in their context, or pass a label per vector"
        raise_faults(
            "The vectors have no such groups.", [Fault("labels", f"no {labels!r} is known of the texts", mend)]
        )
    return list(fields[labels])


def _sentence(frame: pd.DataFrame, about: str) -> str:
    first = frame.iloc[0]
    places = places_of(int(first["n_queries"]))
    value, chance = say_figure(first, "value", places, unknown=""), format_figure(first["chance"], places)
    return f"The nearest neighbour has the same {about} in {value} of {first['n_queries']:,.0f}; any two, {chance}."
