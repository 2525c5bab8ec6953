"""Confusion: which gold label became which label of the coder, as counts and as shares with intervals."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from codebook.analysis.against_gold.gold_cells import Pair, read_pair, why_no_pair
from codebook.analysis.against_gold.measures import ONE_CLUSTER, ratio
from codebook.analysis.core.checks import carry_joins, raise_faults
from codebook.analysis.core.counts import Clusters
from codebook.analysis.core.empty import make_empty
from codebook.analysis.core.estimates import MOST_UNDEFINED, Bootstrap, check_bootstrap, percentile_interval
from codebook.analysis.core.sample_design import count_members, group_rows, resample_design
from codebook.analysis.core.scales import Floats, Ints
from codebook.errors import Fault

SHARES = ("count", "row", "column", "all")
"""What a confusion may show: units, or shares of the gold label, of the coder's label, of all."""


def confusion(
    table: pd.DataFrame,
    *,
    variable: str,
    labels: Sequence[str],
    coder: str | None,
    gold: str,
    kind: str = "single",
    show: str = "count",
    draw: int = 0,
    sample: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Gold label by coder's label, for a variable with one label a unit; the frame of a `multi` variable is empty.

    Parameters
    ----------
    coder
        None, where nobody coded beside the gold, gives an empty frame that says so.
    gold
        The coder of the table whose labels are the gold (draw 0).
    show
        `count` of units, or the share of the `row` (gold label), of the `column` (coder's label), of `all`.
    draw
        Of the coder.
    sample
        Of `read_gold_sample`: gold outside it is not used, and shares are weighted by 1 / `prob`. Counts are of the
        units that were drawn.

    Returns
    -------
    pd.DataFrame
        Rows are gold labels, columns the coder's labels, all in codebook order, then a column in brackets for each
        why, e.g. ``(refused)``, and ``(not asked)`` for gold units without a row: as counts, it sums to the gold units.
        A share of nothing is NaN.

    Examples
    --------
    >>> from codebook.analysis.core.examples import make_table
    >>> table = make_table("tone", {"gold": ["a", "a", "b", "b"], "model": ["a", "b", "b", None]})
    >>> confusion(table, variable="tone", labels=["a", "b"], coder="model", gold="gold")
    model  a  b  (absent)
    gold
    a      1  1         0
    b      0  1         1
    """
    raise_faults("The confusion cannot be counted.", _check_show(show))
    if reason := _why_none(table, variable, coder, gold, kind):
        return make_empty(reason, table=table)
    asked: dict[str, Any] = {"variable": variable, "coder": coder, "gold": gold, "draw": draw}
    pair = read_pair(table, labels=labels, sample=sample, **asked)
    columns, cell = _place(pair, labels)
    counts = np.bincount(cell, minlength=len(labels) * len(columns))
    seen = counts.reshape(len(labels), -1).any(axis=0) | (np.arange(len(columns)) < len(labels))
    shaped = counts.reshape(len(labels), -1)
    if show != "count":
        weighted = np.bincount(cell, pair.design.weight, len(counts)).astype(float).reshape(1, *shaped.shape)
        shaped = _shares(weighted)[SHARES.index(show) - 1][0]
    index, names = pd.Index(list(labels), name=gold), pd.Index(columns, name=coder)
    frame = pd.DataFrame(shaped, index=index, columns=names).loc[:, seen]
    frame.attrs |= {**asked, "n_gold": len(pair.gold), "show": show, "weighted": pair.design.weighted}
    frame.attrs |= carry_joins(table)
    return frame


def confusion_shares(
    table: pd.DataFrame,
    *,
    variable: str,
    labels: Sequence[str],
    coder: str | None,
    gold: str,
    kind: str = "single",
    replicates: int = 1000,
    confidence: float = 0.95,
    seed: int = 1,
    draw: int = 0,
    sample: pd.DataFrame | None = None,
    cluster: Clusters | None = None,
) -> pd.DataFrame:
    """The confusion as one row a cell: count, and the shares of row, column and all with intervals.

    Returns
    -------
    pd.DataFrame
        gold, coded, n, then row, column, all, each with _low and _high, and `reason`. Cells as in `confusion`.

    Examples
    --------
    >>> from codebook.analysis.core.examples import make_table
    >>> table = make_table("tone", {"gold": ["a", "a", "b", "b"] * 9, "model": ["a", "b", "b", "b"] * 9})
    >>> frame = confusion_shares(table, variable="tone", labels=["a", "b"], coder="model", gold="gold")
    >>> frame[["gold", "coded", "n", "row", "row_low", "row_high", "column", "all"]].round(2)
      gold coded   n  row  row_low  row_high  column   all
    0    a     a   9  0.5     0.29      0.73    1.00  0.25
    1    a     b   9  0.5     0.27      0.71    0.33  0.25
    2    b     a   0  0.0     0.00      0.00    0.00  0.00
    3    b     b  18  1.0     1.00      1.00    0.67  0.50
    """
    raise_faults("The confusion cannot be counted.", check_bootstrap(replicates, confidence))
    if reason := _why_none(table, variable, coder, gold, kind):
        return make_empty(reason, ["gold", "coded", "n"], table=table)
    asked: dict[str, Any] = {"variable": variable, "coder": coder, "gold": gold, "draw": draw}
    pair = read_pair(table, labels=labels, sample=sample, cluster=cluster, **asked)
    columns, cell = _place(pair, labels)
    how = Bootstrap(replicates, confidence, seed)
    values, draws, alone = _replicate(pair, cell, (len(labels), len(columns)), how)
    counts = np.bincount(cell, minlength=values.shape[1])
    frame = pd.DataFrame({"gold": np.repeat(list(labels), len(columns)), "coded": columns * len(labels), "n": counts})
    for name, value, drawn in zip(SHARES[1:], values, draws, strict=True):
        intervals = [percentile_interval(column, confidence) for column in drawn.T]
        frame[name], frame[f"{name}_low"] = value, [interval.low for interval in intervals]
        frame[f"{name}_high"] = [interval.high for interval in intervals]
    frame["reason"] = [_explain(row, alone, replicates) for row in frame.to_dict("records")]
    kept = frame.groupby("coded")["n"].transform("sum").gt(0) | frame["coded"].isin(list(labels))
    frame = frame[kept].reset_index(drop=True)
    told = {"n_gold": len(pair.gold), "weighted": pair.design.weighted, "resampled": pair.design.resampled}
    frame.attrs |= {**asked, **told, "coverage": pair.coverage}
    frame.attrs |= how.attrs | carry_joins(table)
    return frame


def _why_none(table: pd.DataFrame, variable: str, coder: str | None, gold: str, kind: str) -> str:
    """Why there is no confusion to count; empty where there is."""
    if coder is None:
        return why_no_pair(table, variable, gold)
    return "Sets of labels have no confusion: each label is measured by itself." if kind == "multi" else ""


def _check_show(show: str) -> list[Fault]:
    return [] if show in SHARES else [Fault("show", f"{show!r} is not known", f"pass one of {', '.join(SHARES)}")]


def _place(pair: Pair, labels: Sequence[str]) -> tuple[list[str], Ints]:
    """Names of the columns, and the cell of each gold unit, counted row by row."""
    columns = [*labels, *(f"({why})" for why in pair.whys), "(not asked)"]
    missing = len(labels) + np.where(pair.asked, pair.why, len(pair.whys))
    return columns, pair.gold * len(columns) + np.where(pair.coded >= 0, pair.coded, missing)


def _shares(cells: Floats) -> tuple[Floats, Floats, Floats]:
    """Shares of row, column and all, each of the shape of `cells` (n_draws, n_rows, n_columns)."""
    row, column, every = cells.sum(axis=2, keepdims=True), cells.sum(axis=1, keepdims=True), cells.sum(axis=(1, 2))
    return ratio(cells, row), ratio(cells, column), ratio(cells, every[:, None, None])


def _replicate(pair: Pair, cell: Ints, shape: tuple[int, int], how: Bootstrap) -> tuple[Floats, Floats, str]:
    """The three shares of all cells (3, n_cells), in replicates (3, n_draws, n_cells), and why there are none."""
    design, n_cells = pair.design, shape[0] * shape[1]
    first, times, which = group_rows(cell, design.weight, design.stratum)
    held = np.eye(n_cells)[cell[first]]

    def statistic(weights: Floats) -> Floats:
        parts = _shares((weights @ held).reshape(-1, *shape))
        return np.concatenate([part.reshape(len(weights), -1) for part in parts], axis=1)

    members = count_members(design.cluster, which, len(first))
    weight, stratum = design.weight[first], design.stratum[first]
    values = statistic((times * weight)[None, :]).reshape(3, n_cells)
    alone = ONE_CLUSTER if members is not None and members.shape[0] == 1 else ""
    draws = np.empty((0, 3 * n_cells))
    if how.replicates and not alone:
        drawn_as = {"weight": weight, "stratum": stratum, "members": members}
        draws = resample_design(times, statistic, replicates=how.replicates, seed=how.seed, **drawn_as)
    return values, draws.reshape(len(draws), 3, n_cells).transpose(1, 0, 2), alone


def _explain(row: Mapping[Hashable, Any], alone: str, replicates: int) -> str:
    """Why shares of a cell, or their intervals, are missing."""
    gaps = {"row": "not in gold", "column": "never given"}
    undefined = [f"{name}: {gap}" for name, gap in gaps.items() if np.isnan(row[name])]
    no_interval = any(np.isnan(row[f"{name}_low"]) and not np.isnan(row[name]) for name in SHARES[1:])
    more = f"no interval: undefined in more than {MOST_UNDEFINED:.0%} of the replicates".replace("%", " %")
    return "; ".join([*undefined, *([alone or more] if no_interval and replicates else [])])
