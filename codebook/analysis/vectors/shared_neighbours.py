"""Whether neighbours are alike in what people said of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import raise_faults
from codebook.analysis.vectors.similarity_blocks import versions
from codebook.errors import Fault


def neighbour_agreement(
    neighbours: pd.DataFrame, labels: Sequence[Any], *, replicates: int = 1000, confidence: float = 0.95, seed: int = 1
) -> pd.DataFrame:
    """Return how often a neighbour has the label of its query, by rank, beside what chance would give.

    Parameters
    ----------
    neighbours
        Of `nearest`, of vectors among themselves (with `own`).
    labels
        `(n_rows,)`: the label of each vector.
    replicates
        Of the bootstrap, which draws queries; 0 for no interval.

    Returns
    -------
    pd.DataFrame
        rank, n_queries, value (share of neighbours with the query's label), low, high, chance: the share among all
        pairs of different rows.

    Raises
    ------
    StatisticError
        There are fewer labels than rows, or no neighbours.

    Examples
    --------
    >>> near = pd.DataFrame({"query": [0, 1, 2], "rank": 1, "row": [1, 0, 1], "cosine": 0.9})
    >>> neighbour_agreement(near, ["a", "a", "b"], replicates=0)[["rank", "value", "chance"]].round(3)
       rank  value  chance
    0     1  0.667   0.333
    """
    known = pd.factorize(np.asarray(labels, dtype=object))[0]
    last = int(neighbours[["query", "row"]].to_numpy().max(initial=-1))
    if len(neighbours) == 0 or last >= len(known):
        fault = Fault("labels", f"{len(known)} labels for {last + 1} rows", "give a label a vector, in their order")
        raise_faults("The neighbours cannot be compared.", [fault])
    same = known[neighbours["query"]] == known[neighbours["row"]]
    grid = neighbours.assign(same=same).pivot(index="query", columns="rank", values="same").astype(float)
    counts = np.bincount(known).astype(float)
    frame = pd.DataFrame(
        {"rank": grid.columns, "n_queries": grid.notna().sum().to_numpy(), "value": grid.mean().to_numpy()}
    )
    frame[["low", "high"]] = _draw_intervals(grid.to_numpy(), replicates, confidence, seed)
    frame["chance"] = (counts * (counts - 1)).sum() / (len(known) * max(len(known) - 1, 1))
    frame.attrs = {"replicates": replicates, "confidence": confidence, "seed": seed, "versions": versions()}
    return frame


def _draw_intervals(grid: np.ndarray, replicates: int, confidence: float, seed: int) -> np.ndarray:
    """Percentile intervals of the mean of each column, `(n_ranks, 2)`; NaN without replicates."""
    if not replicates:
        return np.full((grid.shape[1], 2), np.nan)
    rng = np.random.default_rng(seed)
    means = [np.nanmean(grid[rng.integers(len(grid), size=len(grid))], axis=0) for _ in range(replicates)]
    tail = (1 - confidence) / 2
    return np.asarray(np.quantile(means, [tail, 1 - tail], axis=0).T)
