"""Confusion: which gold label became which label of the coder, as counts and as shares with intervals."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from codebook.analysis.against_gold.gold_cells import (
    Pair,
    list_facts,
    list_labels,
    read_gold,
    read_pair,
    remark_gold,
    say_no_labels,
    say_no_pair,
)
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.correlograms import STRONGEST, cluster_order, name_pairs
from codebook.analysis.core.estimates import MOST_UNDEFINED, Bootstrap, Interval
from codebook.analysis.core.forest import plot_estimates
from codebook.analysis.core.matrix_drawing import Cells, draw_rectangle
from codebook.analysis.core.matrix_layout import LONGEST, MOST_CELLS, MOST_NUMBERS, Tones
from codebook.analysis.core.patterns import group_rows
from codebook.analysis.core.result import Result, blank_result, nothing_to_say
from codebook.analysis.core.sample_design import Drawn
from codebook.analysis.core.scales import LEVELS, Floats, Ints
from codebook.analysis.core.share_intervals import Shares
from codebook.analysis.core.standard_errors import count_members
from codebook.ground.quantities import UNKNOWN, say_count, say_percent
from codebook.outputs import SHOWN_ROWS
from codebook.outputs.figure_style import Figure

_SHARES = ("row", "column", "all")
_TITLES = {"row": "share of gold label", "column": "share of coded label"}
NOTE = (
    "n counts units; shares are of the gold label and of the coder's label. What stands in round brackets is no label. "
    "The csv has every cell, and the figure its share of the gold label."
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
        One row per cell, in codebook order: gold, coded, n, then row, column, all (shares), each with _low and _high,
        and `reason`. `coded` also names, in brackets, why a label is missing, such as ``(refused)``; gold units without
        a row are ``(not asked)``. So n sums to the number of gold units. A share of no units is NaN.

    Examples
    --------
    >>> wide = pd.DataFrame({"gold": ["a", "a", "b", "b"] * 9, "m": ["a", "b", "b", "b"] * 9})
    >>> result = confusion(wide, gold="gold")
    >>> print(result.finding)
    'a' is taken for 'b' in 50 % [29 %, 71 %] of its units (9 units, by m).
    >>> result.frame[["gold", "coded", "n", "row", "row_low", "row_high", "column", "all"]].round(2)
      gold coded   n  row  row_low  row_high  column   all
    0    a     a   9  0.5     0.29      0.71    1.00  0.25
    1    a     b   9  0.5     0.29      0.71    0.33  0.25
    2    b     a   0  0.0     0.00      0.18    0.00  0.00
    3    b     b  18  1.0     0.82      1.00    0.67  0.50
    """
    codings = read_gold(codings, gold=gold)
    coder = coder or codings.pick_pair()[0]
    title = f"{coder or 'Coder'} against {codings.gold}"
    result = blank_result(codings, ["gold", "coded", "n"], "confusion", title, "validity")
    if (nothing := say_no_labels(codings, result)) is not None:
        return nothing
    if not coder:
        return say_no_pair(codings, result)
    if codings.variable.kind == "multi":
        reason = "Sets of labels have no confusion: each label is measured by itself."
        return nothing_to_say(codings, reason, result)
    pair, labels = read_pair(codings, coder), list_labels(codings)
    frame = _count(pair, labels, resample)
    order = labels if codings.variable.level in LEVELS[1:] else _order(frame, labels)
    shown, names = codings.in_words(frame), list(map(codings.name_label, order))
    return replace(
        result,
        frame=frame,
        facts=list_facts(codings, {coder: pair}, resample),
        finding=_say_confusion(shown, coder),
        remarks=(*remark_gold(codings, pair, NOTE), *_remark_size(frame)),
        table=_print_confused(shown),
        figure=partial(_draw, shown, names, f"label by {coder}", codings.gold),
    )


def _count(pair: Pair, labels: Sequence[str], bootstrap: Bootstrap) -> pd.DataFrame:
    columns, cell = _place(pair, labels)
    shares, alone = _estimate(pair, cell, (len(labels), len(columns)), bootstrap)
    counts = np.bincount(cell, minlength=len(labels) * len(columns))
    frame = pd.DataFrame({"gold": np.repeat(list(labels), len(columns)), "coded": columns * len(labels), "n": counts})
    for name, (value, intervals) in zip(_SHARES, shares, strict=True):
        frame[name], frame[f"{name}_low"] = value, [interval.low for interval in intervals]
        frame[f"{name}_high"] = [interval.high for interval in intervals]
    frame["reason"] = [_explain(row, alone, bootstrap.replicates) for row in frame.to_dict("records")]
    occurs = frame.groupby("coded")["n"].transform("sum").gt(0) | frame["coded"].isin(list(labels))
    return frame[occurs].reset_index(drop=True)


def list_confused(frame: pd.DataFrame) -> pd.DataFrame:
    """Cells in which a label was taken for another, the commonest first."""
    wrong = frame[frame["coded"].isin(set(frame["gold"])) & (frame["gold"] != frame["coded"]) & (frame["n"] > 0)]
    return wrong.sort_values("n", ascending=False, kind="stable", ignore_index=True)


def _say_confusion(frame: pd.DataFrame, coder: str) -> str:
    """The commonest of the wrong labels."""
    wrong = list_confused(frame)
    if wrong.empty:
        return f"{coder} took no label for another."
    row = wrong.iloc[0]
    low, high = (say_percent(row[f"row_{end}"]) for end in ("low", "high"))
    share = f"{say_percent(row['row'])}{'' if low == UNKNOWN else f' [{low}, {high}]'}"
    size = f"{say_count(row['n'], 'unit')}, by {coder}"
    return f"{row['gold']!r} is taken for {row['coded']!r} in {share} of its units ({size})."


def _print_confused(frame: pd.DataFrame) -> pd.DataFrame:
    """The most confused pairs; where there are none, the right labels."""
    wrong = list_confused(frame)
    rows = wrong if len(wrong) else frame[frame["n"] > 0]
    ends = ("", "_low", "_high")
    names = {f"{share}{end}": f"{title}{end}" for share, title in _TITLES.items() for end in ends}
    return rows[["gold", "coded", "n", *names]].head(SHOWN_ROWS).rename(columns={"coded": "coded as", **names})


def _remark_size(frame: pd.DataFrame) -> tuple[str, ...]:
    """What the caption adds where the figure has no room for all labels, or for their names."""
    labels = [str(label) for label in frame["gold"].unique()]
    if len(labels) > MOST_CELLS:
        return (f"The figure shows the {STRONGEST} most confused of {len(list_confused(frame)):,} pairs.",)
    long = [label for label in labels if len(label) > LONGEST] if len(labels) > MOST_NUMBERS else []
    return (f"In full: {'; '.join(long)}.",) if long else ()


def _order(frame: pd.DataFrame, labels: Sequence[str]) -> list[str]:
    """Labels in an order in which those that are taken for each other stand together."""
    shares = frame[frame["coded"].isin(list(labels))].pivot(index="gold", columns="coded", values="row")
    known = shares.reindex(index=list(labels), columns=list(labels)).fillna(0)
    order = cluster_order((known + known.T) / 2)
    return order if order.index(labels[0]) <= order.index(labels[-1]) else order[::-1]


def _draw(frame: pd.DataFrame, order: Sequence[str], by: str, gold: str) -> Figure:
    """Per cent of each gold label, units small below; more than 40 labels: the most confused pairs as dots."""
    if len(order) > MOST_CELLS:
        wrong, sizes = list_confused(frame), frame.groupby("gold")["n"].sum()
        rows = wrong.head(STRONGEST).assign(n=lambda cells: cells["gold"].map(sizes))
        names = name_pairs(rows["gold"].tolist(), rows["coded"].tolist(), " → ")
        note = f"The most confused {len(rows)} of {len(wrong):,} pairs. In brackets: units of the gold label."
        return plot_estimates(
            rows.assign(name=names), value="row", quantity=f"Share of the gold label, {by}", note=note
        )
    none = [name for name in dict.fromkeys(frame["coded"]) if name not in set(order)]
    shares, counts = (
        frame.pivot(index="gold", columns="coded", values=column).loc[list(order), [*order, *none]]
        for column in ("row", "n")
    )
    is_dense = len(order) > MOST_NUMBERS
    cells = Cells(
        shares.set_axis([*order, *(name.strip("()") for name in none)], axis=1),
        [[_say_share(share) for share in row] for row in shares.to_numpy()],
        [[f"{n:,}" if n else "" for n in row] for row in counts.to_numpy()],
        counts.sum(axis=1).tolist(),
        n_apart=len(none),
        rows=f"{gold} (units)",
        columns=by,
    )
    notes = [] if is_dense else ["Large: per cent of the gold label; small: units; dot: none."]
    notes += ["Behind the gap: no label."] if none else []
    return draw_rectangle(cells, Tones("Share of the gold label", percent=True), note=" ".join(notes))


def _say_share(share: float) -> str:
    """A share as per cent; none is a dot."""
    if np.isnan(share):
        return UNKNOWN
    return say_percent(share).removesuffix(" %") if share else "·"


def _place(pair: Pair, labels: Sequence[str]) -> tuple[list[str], Ints]:
    """Names of the columns, and the cell of each gold unit, counted row by row."""
    columns = [*labels, *(f"({why})" for why in pair.whys), "(not asked)"]
    missing = len(labels) + np.where(pair.asked, pair.why, len(pair.whys))
    return columns, pair.gold * len(columns) + np.where(pair.coded >= 0, pair.coded, missing)


def _estimate(
    pair: Pair, cell: Ints, shape: tuple[int, int], bootstrap: Bootstrap
) -> tuple[list[tuple[Floats, list[Interval]]], str]:
    """Values and intervals of the three shares of all cells, and why there are none."""
    design, n_cells = pair.design, shape[0] * shape[1]
    first, times, which = group_rows(cell, design.weight, design.stratum)
    members = count_members(design.cluster, which, len(first))
    drawn = Drawn(times, design.weight[first], design.stratum[first], members)
    hits, at = np.eye(n_cells)[cell[first]], np.arange(n_cells)
    wholes = {
        "row": (cell[first][:, None] // shape[1] == at // shape[1]).astype(float),
        "column": (cell[first][:, None] % shape[1] == at % shape[1]).astype(float),
        "all": np.ones((len(first), n_cells)),
    }
    shares = [Shares(hits, wholes[name]).estimate(drawn, bootstrap)[:2] for name in _SHARES]
    return shares, drawn.why_none("gold unit")


def _explain(row: Mapping[Hashable, Any], alone: str, replicates: int) -> str:
    """Why shares of a cell, or their intervals, are missing."""
    gaps = {"row": "not in gold", "column": "never given"}
    undefined = [f"{name}: {gap}" for name, gap in gaps.items() if np.isnan(row[name])]
    no_interval = any(np.isnan(row[f"{name}_low"]) and not np.isnan(row[name]) for name in _SHARES)
    more = f"no interval: undefined in more than {say_percent(MOST_UNDEFINED)} of the replicates"
    return "; ".join([*undefined, *([alone or more] if no_interval and replicates else [])])
