"""How good the entities are: links, pairs and clusters against the truth, with intervals by drawing entities."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from codebook.analysis.entities.bootstrap import MEASURES, rates_with_intervals
from codebook.analysis.entities.linking import MATCHED, REVIEW
from codebook.analysis.entities.pair_checks import check_columns, raise_faults
from codebook.analysis.entities.truth import absent_mentions, known_entities, split_entities

Floats = NDArray[np.float64]

CLUSTER_MEASURES = ("pairwise", "b_cubed", "exact_cluster")


def evaluate_clusters(
    resolved: pd.DataFrame,
    truth: Mapping[Hashable, object] | pd.Series,
    *,
    half: str = "",
    replicates: int = 500,
    confidence: float = 0.95,
    seed: int = 1,
) -> pd.DataFrame:
    """Pairwise, B-cubed and exact-cluster precision, recall and F1 of the clusters of mentions.

    - pairwise: pairs of mentions in one cluster, of which one entity.
    - b_cubed: mean over mentions of the share of the cluster that is the mention's entity, and of the entity that is in
      its cluster (Bagga & Baldwin 1998).
    - exact_cluster: clusters that are an entity, whole and pure.

    A mention in review is a cluster of its own: what was not decided is not found. Counts are made a mention at a time
    over all mentions, then summed over the entities of the half; a pair across halves counts half in each.

    Parameters
    ----------
    resolved
        Columns `mention_id` and `entity_id`; `decision` where some are in review.
    truth
        Entity of each mention id.
    half
        "choose", "test", or empty for all entities.
    replicates, confidence, seed
        Percentile bootstrap over the true entities; the seed also splits them.

    Examples
    --------
    >>> resolved = pd.DataFrame({"mention_id": ["a", "b", "c"], "entity_id": ["1", "1", "1"]})
    >>> frame = evaluate_clusters(resolved, {"a": "x", "b": "x", "c": "y"}, replicates=0)
    >>> frame[["measure", "precision", "recall", "f1"]].round(2).to_numpy().tolist()
    [['pairwise', 0.33, 1.0, 0.5], ['b_cubed', 0.56, 1.0, 0.71], ['exact_cluster', 0.0, 0.0, 0.0]]
    """
    _check(resolved, truth)
    known = known_entities(truth).loc[resolved["mention_id"]].to_numpy()
    owners = _owners(truth, resolved, half, seed)
    counts = _mention_counts(known, _clusters(resolved))
    place = owners.get_indexer(pd.Index(known))
    sums = np.zeros((len(owners), *counts.shape[1:]))
    np.add.at(sums, place[place >= 0], counts[place >= 0])
    sums[:, CLUSTER_MEASURES.index("exact_cluster"), 2] = 1
    values, ends = rates_with_intervals(sums, replicates=replicates, confidence=confidence, seed=seed)
    frame = _frame(list(CLUSTER_MEASURES), values, ends)
    return frame.assign(n_mentions=int((place >= 0).sum()), n_entities=len(owners), **_review(resolved, place >= 0))


def evaluate_links(
    resolved: pd.DataFrame,
    truth: Mapping[Hashable, object] | pd.Series,
    *,
    half: str = "",
    replicates: int = 500,
    confidence: float = 0.95,
    seed: int = 1,
) -> pd.DataFrame:
    """Precision (of the mentions matched), recall (of those that the list has) and F1 of links to a list.

    Parameters are those of `evaluate_clusters`; a mention in review or new is not linked. `review_hit` is the share of
    the mentions in review whose entity is one of the two candidates shown.
    """
    _check(resolved, truth)
    raw = pd.Series(truth, dtype=object).loc[resolved["mention_id"]]
    known = known_entities(truth).loc[resolved["mention_id"]].to_numpy()
    owners = _owners(truth, resolved, half, seed)
    place = owners.get_indexer(pd.Index(known))
    linked = (resolved["decision"] == MATCHED).to_numpy()
    hit = linked & (resolved["entity_id"].astype(str).to_numpy() == known)
    listed = (raw.notna() & (raw != "")).to_numpy()
    counts = np.stack([linked, hit, listed, hit], axis=-1).astype(float)[:, None, :]
    sums = np.zeros((len(owners), 1, 4))
    np.add.at(sums, place[place >= 0], counts[place >= 0])
    values, ends = rates_with_intervals(sums, replicates=replicates, confidence=confidence, seed=seed)
    shown = (resolved["decision"] == REVIEW).to_numpy() & (place >= 0)
    near = resolved[["candidate_id", "runner_up_id"]].astype(str).to_numpy() == known[:, None]
    frame = _frame(["links"], values, ends).assign(n_mentions=int((place >= 0).sum()), n_entities=len(owners))
    return frame.assign(
        **_review(resolved, place >= 0), review_hit=near.any(axis=1)[shown].mean() if shown.any() else np.nan
    )


def _mention_counts(known: NDArray[np.object_], cluster: NDArray[np.object_]) -> Floats:
    """Found, right, true and found of these for each mention and measure, shape (n_mentions, 3, 4)."""
    frame = pd.DataFrame({"known": known, "cluster": cluster})
    size = frame.groupby("cluster")["cluster"].transform("size").to_numpy(dtype=float)
    whole = frame.groupby("known")["known"].transform("size").to_numpy(dtype=float)
    both = frame.groupby(["known", "cluster"])["known"].transform("size").to_numpy(dtype=float)
    ones = np.ones(len(frame))
    exact = ((size == both) & (whole == both)) / size
    pairwise = np.stack([size - 1, both - 1, whole - 1, both - 1], axis=-1)
    b_cubed = np.stack([ones, both / size, ones, both / whole], axis=-1)
    clusters = np.stack([1 / size, exact, np.zeros(len(frame)), exact], axis=-1)
    return np.stack([pairwise, b_cubed, clusters], axis=1)


def _clusters(resolved: pd.DataFrame) -> NDArray[np.object_]:
    """Cluster of each mention; one in review is alone."""
    cluster = resolved["entity_id"].astype(str)
    if "decision" in resolved:
        alone = resolved["decision"] == REVIEW
        cluster = cluster.mask(alone, "review: " + resolved["mention_id"].astype(str))
    return cluster.to_numpy(dtype=object)


def _owners(truth: Mapping[Hashable, object] | pd.Series, resolved: pd.DataFrame, half: str, seed: int) -> pd.Index:
    ids = resolved["mention_id"]
    known = known_entities(truth).loc[ids]
    owners: pd.Index = pd.Index(
        known[(split_entities(truth, seed=seed).loc[ids] == half).to_numpy() | (not half)].unique()
    )
    return owners


def _review(resolved: pd.DataFrame, looked_at: NDArray[np.bool_]) -> dict[str, float]:
    if "decision" not in resolved or not looked_at.any():
        return {"review_share": 0.0}
    return {"review_share": float((resolved["decision"] == REVIEW).to_numpy()[looked_at].mean())}


def _frame(measures: list[str], values: Floats, ends: Floats) -> pd.DataFrame:
    columns: dict[str, object] = {"measure": measures}
    for at, name in enumerate(MEASURES):
        columns |= {name: values[:, at], f"{name}_low": ends[0, :, at], f"{name}_high": ends[1, :, at]}
    return pd.DataFrame(columns)


def _check(resolved: pd.DataFrame, truth: Mapping[Hashable, object] | pd.Series) -> None:
    mend = "pass the frame of resolve_entities"
    faults = check_columns(resolved, ("mention_id", "entity_id"), "resolved mentions", mend)
    raise_faults(
        "The entities cannot be compared with the truth.",
        faults or absent_mentions(resolved["mention_id"], known_entities(truth)),
    )
