"""Confusion: which gold label became which label of the coder, as counts and as shares with intervals."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from codebook.analysis.against_gold.gold_cells import (
    Pair,
    list_facts,
    list_labels,
    read_gold,
    read_pair,
    remark_gold,
    say_no_pair,
)
from codebook.analysis.against_gold.measures import ONE_CLUSTER, ratio
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.drawing import heatmap, literal, sized_figure
from codebook.analysis.core.estimates import MOST_UNDEFINED, Bootstrap, percentile_interval, say_figure
from codebook.analysis.core.result import Result, nothing_to_say
from codebook.analysis.core.sample_design import count_members, group_rows, resample_design
from codebook.analysis.core.scales import Floats, Ints
from codebook.ground.quantities import say_count
from codebook.outputs.figure_style import SEQUENTIAL

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SHARES = ("row", "column", "all")
NOTE = (
    "n counts units. Shares are of the gold label (row), of the coder's label (column), of all; what stands in round "
    "brackets is no label. In the figure the colour is the share of the gold label."
)


def confusion(
    codings: Codings | pd.DataFrame, coder: str = "", *, gold: str = "", resample: Bootstrap = Bootstrap()
) -> Result:
    """Which label of the gold became which label of a coder? Counts, and shares with intervals.

    With a gold sample, shares are of units that weigh 1 / their chance; counts are of the units that were drawn. A
    `multi` variable has no confusion, and the result says so.

    Parameters
    ----------
    coder
        Empty takes the first beside the gold.
    gold
        Who is the gold, where the codings do not say it.

    Returns
    -------
    Result
        One row a cell, in codebook order: gold, coded, n, then row, column, all (shares), each with _low and _high, and
        `reason`. `coded` is also each why in brackets, e.g. ``(refused)``, and ``(not asked)`` for gold units without a
        row: n sums to the gold units. A share of nothing is NaN.

    Examples
    --------
    >>> wide = pd.DataFrame({"gold": ["a", "a", "b", "b"] * 9, "m": ["a", "b", "b", "b"] * 9})
    >>> result = confusion(wide, gold="gold")
    >>> print(result.finding)
    m most often takes 'a' for 'b': 9 units, .50 [.27, .71] of that gold label.
    >>> result.frame[["gold", "coded", "n", "row", "row_low", "row_high", "column", "all"]].round(2)
      gold coded   n  row  row_low  row_high  column   all
    0    a     a   9  0.5     0.29      0.73    1.00  0.25
    1    a     b   9  0.5     0.27      0.71    0.33  0.25
    2    b     a   0  0.0     0.00      0.00    0.00  0.00
    3    b     b  18  1.0     1.00      1.00    0.67  0.50
    """
    codings = read_gold(codings, gold=gold)
    coder = coder or codings.pick_pair()[0]
    title = f"{coder or 'Coder'} against {codings.gold}"
    result = Result(pd.DataFrame(columns=["gold", "coded", "n"]), "confusion", title, "validity")
    if not coder:
        return say_no_pair(codings, result)
    if codings.variable.kind == "multi":
        reason = "Sets of labels have no confusion: each label is measured by itself."
        return nothing_to_say(codings, reason, result)
    pair, labels = read_pair(codings, coder), list_labels(codings)
    frame = _count(pair, labels, resample)
    return replace(
        result,
        frame=frame,
        facts=list_facts(codings, {coder: pair}, resample),
        finding=_say_confusion(frame, coder, labels),
        remarks=remark_gold(codings, pair, NOTE),
        figure=lambda: _draw(frame, coder, codings.gold),
        outputs=codings.outputs,
    )


def _count(pair: Pair, labels: Sequence[str], bootstrap: Bootstrap) -> pd.DataFrame:
    columns, cell = _place(pair, labels)
    values, draws, alone = _replicate(pair, cell, (len(labels), len(columns)), bootstrap)
    counts = np.bincount(cell, minlength=values.shape[1])
    frame = pd.DataFrame({"gold": np.repeat(list(labels), len(columns)), "coded": columns * len(labels), "n": counts})
    for name, value, drawn in zip(_SHARES, values, draws, strict=True):
        intervals = [percentile_interval(column, bootstrap.confidence) for column in drawn.T]
        frame[name], frame[f"{name}_low"] = value, [interval.low for interval in intervals]
        frame[f"{name}_high"] = [interval.high for interval in intervals]
    frame["reason"] = [_explain(row, alone, bootstrap.replicates) for row in frame.to_dict("records")]
    occurs = frame.groupby("coded")["n"].transform("sum").gt(0) | frame["coded"].isin(list(labels))
    return frame[occurs].reset_index(drop=True)


def _say_confusion(frame: pd.DataFrame, coder: str, labels: Sequence[str]) -> str:
    """The commonest of the wrong labels."""
    cells = frame[frame["coded"].isin(list(labels))].to_dict("records")
    wrong = [row for row in cells if row["gold"] != row["coded"] and row["n"]]
    if not wrong:
        return f"{coder} took no label for another."
    row = max(wrong, key=lambda cell: cell["n"])
    share = f"{say_figure(row, 'row')} of that gold label"
    return f"{coder} most often takes {row['gold']!r} for {row['coded']!r}: {say_count(row['n'], 'unit')}, {share}."


def _draw(frame: pd.DataFrame, coder: str, gold: str) -> Figure:
    """Counts of the cells; the colour is the share of the gold label."""
    rows, columns = list(dict.fromkeys(frame["gold"])), list(dict.fromkeys(frame["coded"]))
    counts = frame["n"].to_numpy().reshape(len(rows), len(columns))
    totals = counts.sum(axis=1, keepdims=True).astype(float)
    shares = pd.DataFrame(counts / np.where(totals > 0, totals, 1), index=rows, columns=columns)
    numbers = [[f"{value:,}" for value in row] for row in counts]
    title = f"{coder} against {gold}"
    figure, axes = sized_figure([*rows, *columns], 0.72 * len(columns), 0.62 * len(rows), title)
    every = np.ones(counts.shape, dtype=bool)
    heatmap(axes, shares, every, numbers, SEQUENTIAL, bar="share of gold label")
    axes.set(xlabel=f"label by {coder}", ylabel=gold)
    return literal(figure)


def _place(pair: Pair, labels: Sequence[str]) -> tuple[list[str], Ints]:
    """Names of the columns, and the cell of each gold unit, counted row by row."""
    columns = [*labels, *(f"({why})" for why in pair.whys), "(not asked)"]
    missing = len(labels) + np.where(pair.asked, pair.why, len(pair.whys))
    return columns, pair.gold * len(columns) + np.where(pair.coded >= 0, pair.coded, missing)


def _shares(cells: Floats) -> tuple[Floats, Floats, Floats]:
    """Shares of row, column and all, each of the shape of `cells` (n_draws, n_rows, n_columns)."""
    row, column, every = cells.sum(axis=2, keepdims=True), cells.sum(axis=1, keepdims=True), cells.sum(axis=(1, 2))
    return ratio(cells, row), ratio(cells, column), ratio(cells, every[:, None, None])


def _replicate(pair: Pair, cell: Ints, shape: tuple[int, int], bootstrap: Bootstrap) -> tuple[Floats, Floats, str]:
    """The three shares of all cells (3, n_cells), in replicates (3, n_draws, n_cells), and why there are none."""
    design, n_cells = pair.design, shape[0] * shape[1]
    first, times, which = group_rows(cell, design.weight, design.stratum)
    indicators = np.eye(n_cells)[cell[first]]

    def statistic(weights: Floats) -> Floats:
        parts = _shares((weights @ indicators).reshape(-1, *shape))
        return np.concatenate([part.reshape(len(weights), -1) for part in parts], axis=1)

    members = count_members(design.cluster, which, len(first))
    weight, stratum = design.weight[first], design.stratum[first]
    values = statistic((times * weight)[None, :]).reshape(3, n_cells)
    alone = ONE_CLUSTER if members is not None and members.shape[0] == 1 else ""
    draws = np.empty((0, 3 * n_cells))
    if bootstrap.replicates and not alone:
        drawn_as = {"weight": weight, "stratum": stratum, "members": members}
        draws = resample_design(times, statistic, replicates=bootstrap.replicates, seed=bootstrap.seed, **drawn_as)
    return values, draws.reshape(len(draws), 3, n_cells).transpose(1, 0, 2), alone


def _explain(row: Mapping[Hashable, Any], alone: str, replicates: int) -> str:
    """Why shares of a cell, or their intervals, are missing."""
    gaps = {"row": "not in gold", "column": "never given"}
    undefined = [f"{name}: {gap}" for name, gap in gaps.items() if np.isnan(row[name])]
    no_interval = any(np.isnan(row[f"{name}_low"]) and not np.isnan(row[name]) for name in _SHARES)
    more = f"no interval: undefined in more than {MOST_UNDEFINED:.0%} of the replicates".replace("%", " %")
    return "; ".join([*undefined, *([alone or more] if no_interval and replicates else [])])
