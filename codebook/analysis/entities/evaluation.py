"""How good the entities are: links, pairs and clusters against the truth, with intervals by drawing entities."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from codebook.analysis.core.estimates import Bootstrap, say_figure
from codebook.analysis.core.result import Facts, Result
from codebook.analysis.core.share_intervals import JEFFREYS
from codebook.analysis.entities.linking import MATCHED, REVIEW
from codebook.analysis.entities.name_lists import Truth, check_columns, raise_faults, read_truth
from codebook.analysis.entities.truth import absent_mentions, known_entities, split_entities
from codebook.ground.quantities import say_percent

Floats = NDArray[np.float64]

MEASURES = ("precision", "recall", "f1")
CLUSTER_MEASURES = ("pairwise", "b_cubed", "exact_cluster")
REPLICATES = Bootstrap(500)
"""How entities are drawn where nothing else is asked for."""
_DECIDED = (
    "Counted are decisions about mentions; the F1 of the pair curve is of pairs before they are decided, and differs."
)
_CELLS = 2**22  # replicates x entities drawn at a time


def evaluate_clusters(
    resolved: pd.DataFrame, truth: Truth, *, half: str = "", resample: Bootstrap = REPLICATES
) -> Result:
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
    resample
        Of the true entities; its seed also splits them.

    Examples
    --------
    >>> resolved = pd.DataFrame({"mention_id": ["a", "b", "c"], "entity_id": ["1", "1", "1"]})
    >>> result = evaluate_clusters(resolved, {"a": "x", "b": "x", "c": "y"}, resample=Bootstrap(0))
    >>> result.frame[["measure", "precision", "recall", "f1"]].round(2).to_numpy().tolist()
    [['pairwise', 0.33, 1.0, 0.5], ['b_cubed', 0.56, 1.0, 0.71], ['exact_cluster', 0.0, 0.0, 0.0]]
    """
    _check(resolved, truth)
    known = known_entities(truth).loc[resolved["mention_id"]].to_numpy()
    owners = _owners(truth, resolved, half, resample.seed)
    counts = _mention_counts(known, _clusters(resolved))
    place = owners.get_indexer(pd.Index(known))
    sums = np.zeros((len(owners), *counts.shape[1:]))
    np.add.at(sums, place[place >= 0], counts[place >= 0])
    sums[:, CLUSTER_MEASURES.index("exact_cluster"), 2] = 1
    frame = _rates_frame(list(CLUSTER_MEASURES), *rates_with_intervals(sums, resample))
    frame = frame.assign(n_mentions=int((place >= 0).sum()), n_entities=len(owners), **_review(resolved, place >= 0))
    return judged_result(frame, "clusters", half, resample)


def evaluate_links(resolved: pd.DataFrame, truth: Truth, *, half: str = "", resample: Bootstrap = REPLICATES) -> Result:
    """Precision (of the mentions matched), recall (of those that the list has) and F1 of links to a list.

    Parameters are those of `evaluate_clusters`; a mention in review or new is not linked. `review_hit` is the share of
    the mentions in review whose entity is one of the two candidates shown.

    Examples
    --------
    >>> import pandas as pd
    >>> resolved = pd.DataFrame({"mention_id": ["a", "b"], "entity_id": ["1", "2"], "decision": "matched"})
    >>> resolved = resolved.assign(candidate_id=["1", "2"], runner_up_id="")
    >>> result = evaluate_links(resolved, {"a": "1", "b": "1"}, resample=Bootstrap(0))
    >>> result.frame.iloc[0][["precision", "recall"]].astype(float).round(2).tolist()
    [0.5, 0.5]
    """
    _check(resolved, truth)
    raw = read_truth(truth).loc[resolved["mention_id"]]
    known = known_entities(truth).loc[resolved["mention_id"]].to_numpy()
    owners = _owners(truth, resolved, half, resample.seed)
    place = owners.get_indexer(pd.Index(known))
    linked = (resolved["decision"] == MATCHED).to_numpy()
    hit = linked & (resolved["entity_id"].astype(str).to_numpy() == known)
    listed = (raw.notna() & (raw != "")).to_numpy()
    counts = np.stack([linked, hit, listed, hit], axis=-1).astype(float)[:, None, :]
    sums = np.zeros((len(owners), 1, 4))
    np.add.at(sums, place[place >= 0], counts[place >= 0])
    frame = _rates_frame(["links"], *rates_with_intervals(sums, resample))
    in_review = (resolved["decision"] == REVIEW).to_numpy() & (place >= 0)
    near = resolved[["candidate_id", "runner_up_id"]].astype(str).to_numpy() == known[:, None]
    frame = frame.assign(
        n_mentions=int((place >= 0).sum()),
        n_entities=len(owners),
        **_review(resolved, place >= 0),
        review_hit=near.any(axis=1)[in_review].mean() if in_review.any() else np.nan,
    )
    return judged_result(frame, "links", half, resample)


def judged_result(frame: pd.DataFrame, name: str, half: str, resample: Bootstrap, folder: Path | None = None) -> Result:
    """Figures of links or clusters, perhaps of several ways (column `way`), as a result."""
    whole = f"on the half “{half}” of the entities, which chose nothing" if half else "on all entities"
    facts = Facts(int(frame["n_mentions"].max()), bootstrap=resample, resampled="the true entities")
    finding = f"{_sentence(frame.iloc[0], facts.places)} {whole[0].upper()}{whole[1:]}."
    if "way" in frame and len(frame) > 1:
        other = frame[(frame["way"] != frame["way"].iloc[0]) & (frame["measure"] == frame["measure"].iloc[0])].iloc[0]
        finding += f" {str(other['way']).capitalize()}: F1 {say_figure(other, 'f1', facts.places, unknown='')}."
    remarks = ["A mention in review is not decided, so it is not found.", _DECIDED]
    columns = [
        "way",
        "measure",
        *(f"{each}{end}" for each in MEASURES for end in ("", "_low", "_high")),
        "review_share",
    ]
    table = frame[[column for column in columns if column in frame]]
    title = "Links against the truth" if name == "links" else "Clusters against the truth"
    return Result(frame, name, title, "entities", facts, finding, tuple(remarks), table, outputs=folder)


def compare_ways(ways: dict[str, Result], folder: Path | None) -> Result:
    """The same figures of several ways, the first beside the others."""
    first = next(iter(ways.values()))
    frames = [result.frame.assign(way=way) for way, result in ways.items()]
    frame = pd.concat(frames, ignore_index=True)
    frame = frame[["way", *(column for column in frame if column != "way")]]
    assert first.facts.bootstrap is not None
    return replace(judged_result(frame, first.name, "test", first.facts.bootstrap, folder), facts=first.facts)


def _sentence(row: pd.Series, places: int) -> str:
    what = {"links": "Links", "pairwise": "Pairs in one cluster"}.get(str(row["measure"]), str(row["measure"]))
    names = {"precision": "precision", "recall": "recall", "f1": "F1"}
    figures = ", ".join(f"{shown} {say_figure(row, name, places, unknown='')}" for name, shown in names.items())
    counts = f"{int(row['n_mentions']):,} names of {int(row['n_entities']):,} entities"
    return f"{what}: {figures} ({counts}; {say_percent(row['review_share'])} are left to a person)."


def rates(claimed: Floats, right_claimed: Floats, true: Floats, right_true: Floats) -> Floats:
    """Precision `right_claimed / claimed`, recall `right_true / true`, F1, last axis; without a find, precision is 1.

    Examples
    --------
    >>> rates(np.array(4.0), np.array(3.0), np.array(6.0), np.array(3.0)).tolist()
    [0.75, 0.5, 0.6]
    """
    precision = np.where(claimed > 0, right_claimed / np.maximum(claimed, 1e-12), 1.0)
    recall = np.where(true > 0, right_true / np.maximum(true, 1e-12), np.nan)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    return np.stack([precision, recall, f1], axis=-1)


def rates_with_intervals(counts: Floats, resample: Bootstrap) -> tuple[Floats, Floats]:
    """Rates of summed counts and their percentile interval over draws of entities, with room for what was not seen.

    Parameters
    ----------
    counts
        Of each entity and each threshold or measure: found, right of these, true, found of these; shape
        (n_entities, n_settings, 4).

    Returns
    -------
    tuple[Floats, Floats]
        Rates, shape (n_settings, 3), and low and high, shape (2, n_settings, 3); NaN without replicates.
    """
    n_entities, n_settings, _ = counts.shape
    values = rates(*np.moveaxis(counts.sum(axis=0), -1, 0))
    if not resample.replicates or not n_entities:
        return values, np.full((2, n_settings, 3), np.nan)
    rng, flat = np.random.default_rng(resample.seed), counts.reshape(n_entities, -1)
    step, size = max(1, _CELLS // n_entities), _size_unseen(counts)
    draws = []
    for done in range(0, resample.replicates, step):
        n = min(step, resample.replicates - done)
        times = rng.multinomial(n_entities, np.full(n_entities, 1 / n_entities), size=n)
        claimed, right_claimed, true, right_true = np.moveaxis((times @ flat).reshape(n, n_settings, 4), -1, 0)
        hit, miss = rng.standard_gamma(JEFFREYS, size=(2, n, 2, 1)) * size
        pairs = [(claimed, right_claimed), (true, right_true)]
        wide = [(all_ + hit[:, at] + miss[:, at], right + hit[:, at]) for at, (all_, right) in enumerate(pairs)]
        draws.append(rates(*wide[0], *wide[1]))
    tail = (1 - resample.confidence) / 2
    ends = np.quantile(np.concatenate(draws), [tail, 1 - tail], axis=0)
    return values, np.stack([np.fmin(ends[0], values), np.fmax(ends[1], values)])


def _size_unseen(counts: Floats) -> Floats:
    """How much an entity adds to the pairs found and to the true pairs, where all or none of them are right; else 0.

    Draws would show no error there, or no hit, and half of one of either is added to each beforehand (Jeffreys).
    Shape (2, n_settings).
    """
    wholes, rights = counts[:, :, [0, 2]], counts[:, :, [1, 3]]
    sums, right = wholes.sum(axis=0), rights.sum(axis=0)
    size = np.divide((wholes**2).sum(axis=0), sums, out=np.zeros_like(sums), where=sums > 0)
    return np.where((right == 0) | np.isclose(right, sums), size, 0.0).T


def rate_columns(values: Floats, ends: Floats) -> dict[str, Floats]:
    """Each measure with its low and high, as columns."""
    parts = {"": values, "_low": ends[0], "_high": ends[1]}
    return {f"{name}{end}": part[:, at] for at, name in enumerate(MEASURES) for end, part in parts.items()}


def _rates_frame(measures: list[str], values: Floats, ends: Floats) -> pd.DataFrame:
    return pd.DataFrame({"measure": measures, **rate_columns(values, ends)})


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


def _owners(truth: Truth, resolved: pd.DataFrame, half: str, seed: int) -> pd.Index:
    ids = resolved["mention_id"]
    known = known_entities(truth).loc[ids]
    inside = (split_entities(truth, seed=seed).loc[ids] == half).to_numpy() | (not half)
    owners: pd.Index = pd.Index(known[inside].unique())
    return owners


def _review(resolved: pd.DataFrame, looked_at: NDArray[np.bool_]) -> dict[str, float]:
    if "decision" not in resolved or not looked_at.any():
        return {"review_share": 0.0}
    return {"review_share": float((resolved["decision"] == REVIEW).to_numpy()[looked_at].mean())}


def _check(resolved: pd.DataFrame, truth: Truth) -> None:
    mend = "pass the frame of resolve_entities"
    faults = check_columns(resolved, ("mention_id", "entity_id"), "resolved mentions", mend)
    raise_faults(
        "The entities cannot be compared with the truth.",
        faults or absent_mentions(resolved["mention_id"], known_entities(truth)),
    )
