"""The correlogram: long tables of pairs as square matrices, their order, and the figure.

It is a matrix in two halves, rows by columns, or dots where there are many.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import name_some, raise_faults
from codebook.analysis.core.forest import plot_estimates
from codebook.analysis.core.label_titles import SharedNames, group_names
from codebook.analysis.core.matrix_drawing import Cells, draw_halves, draw_rectangle, format_cells
from codebook.analysis.core.matrix_layout import LONGEST, MOST_CELLS, MOST_NUMBERS, Tones
from codebook.analysis.core.scales import Bools
from codebook.errors import Fault
from codebook.ground.quantities import format_figure
from codebook.outputs.figure_style import Figure

STRONGEST = 30
"""Pairs that are drawn as dots where there are too many for cells."""


@dataclass(frozen=True)
class PairMeasure:
    """What the figures of pairs are: their name, whether they may be negative, and what was counted.

    `groups` are those of names that do not tell their group themselves, such as people and models. Where one group
    stands against another, the group `rows`, such as the gold, is the rows.

    Examples
    --------
    >>> PairMeasure("Krippendorff's alpha", signed=True).counted
    'units'
    """

    quantity: str = ""
    signed: bool = False
    counted: str = "units"
    groups: Mapping[str, str] = field(default_factory=dict)
    rows: str = ""


def plot_correlogram(
    matrix: pd.DataFrame,
    *,
    title: str = "",
    significance: pd.DataFrame | None = None,
    threshold: float = 0.05,
    counts: pd.DataFrame | None = None,
    measure: PairMeasure = PairMeasure(),
) -> Figure:
    """A square matrix in two halves: its figures below the diagonal, above it how many units they are of.

    Where the names are of two groups and only pairs across them have a figure, such as labels of a model and of the
    gold, one group is the rows and the other the columns. Of more than 40 names the 30 strongest pairs are dots.

    Parameters
    ----------
    matrix
        Symmetric, of `to_matrix`; cells without a value show a dash. A name without any figure is left out, and named
        under the picture.
    significance
        p values in the same order as `matrix`; cells at or above `threshold` have no fill and a grey number.
    counts
        Units of each pair, in the same order.
    measure
        What the figures are.

    Examples
    --------
    >>> matrix = pd.DataFrame([[np.nan, 0.4], [0.4, np.nan]], index=["x", "y"], columns=["x", "y"])
    >>> figure = plot_correlogram(matrix, measure=PairMeasure("phi", signed=True))
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['x', '.40', 'y']
    """
    _check_square(matrix, significance, counts)
    order = _order(matrix, measure)
    values = matrix.iloc[order, order]
    p, n = (each if each is None else each.iloc[order, order] for each in (significance, counts))
    weak = None if p is None else np.asarray(values.notna() & ~(p < threshold))
    sides = _find_sides(values, measure)
    alone = [str(name) for at, name in enumerate(matrix.columns) if at not in order]
    sure = f"p not below {format_figure(threshold)} (Benjamini-Hochberg)"
    grey = "" if count_names(values, measure) > MOST_NUMBERS else ", grey"
    undefined = np.tril(values.isna(), -1).any() if count_names(values, measure) > MOST_NUMBERS else False
    notes = [f"No fill{grey}: {sure}{', or undefined' if undefined else ''}."] if np.any(weak) else []
    notes += [f"Without any figure: {', '.join(alone)}."] if alone else []
    if count_names(values, measure) > MOST_CELLS:
        figure = plot_strongest(_list_pairs(values), "value", measure.quantity)
    elif sides:
        figure = _draw_sides(values, n, weak, sides, measure, notes)
    else:
        figure = _draw_square(values, n, weak, measure, notes)
    figure.set_label(title)
    return figure


def plot_strongest(pairs: pd.DataFrame, value: str, quantity: str) -> Figure:
    """The 30 strongest of pairs a, b as dots, with the intervals low, high where the frame has them."""
    known = pairs[pairs[value].notna()].sort_values(value, key=abs, ascending=False, kind="stable")
    parted = SharedNames.of(list(dict.fromkeys([*known["a"], *known["b"]])))
    short = dict(zip(dict.fromkeys([*known["a"], *known["b"]]), parted.names, strict=True))
    rows = known.head(STRONGEST).rename(columns={value: "value"})
    rows = rows.assign(name=name_pairs(rows["a"].map(short).tolist(), rows["b"].map(short).tolist()))
    rows = rows.reindex(columns=["name", "value", "low", "high", *({"n_units"} & set(rows))])
    references = (0.0,) if (rows["value"] < 0).any() else ()
    words = f"The strongest {len(rows)} of {len(known):,} pairs." if len(known) > len(rows) else ""
    return plot_estimates(rows, references=references, quantity=quantity, note=words)


def name_pairs(first: Sequence[str], second: Sequence[str], between: str = " – ") -> list[str]:
    """Two names in one line, each with half of the room and cut in its middle; whole where two would be the same.

    Examples
    --------
    >>> name_pairs(["politics", "a long name of some 31"], ["travel", "sports"], " → ")
    ['politics → travel', 'a long n…ome 31 → sports']
    """
    pairs, half = list(zip(first, second, strict=True)), LONGEST // 4

    def cut(name: str) -> str:
        return name if len(name) <= 2 * half + 1 else f"{name[: half + 1].rstrip()}…{name[1 - half :].lstrip()}"

    short = [between.join(map(cut, pair)) for pair in pairs]
    return short if len(set(short)) == len(short) else [between.join(pair) for pair in pairs]


def _order(values: pd.DataFrame, measure: PairMeasure) -> list[int]:
    """Places of the names with a figure, groups together and in the order of their first name."""
    matrix = values.to_numpy(dtype=float, copy=True)
    np.fill_diagonal(matrix, np.nan)
    known = ~np.isnan(matrix).all(axis=1)
    places = np.flatnonzero(known if known.any() else ~known).tolist()
    groups = _group([str(values.index[at]) for at in places], measure)
    first = {group: groups.index(group) for group in groups}
    return [place for _, place in sorted(zip(groups, places, strict=True), key=lambda pair: first[pair[0]])]


def _group(names: Sequence[str], measure: PairMeasure) -> list[str]:
    if measure.groups:
        groups = [measure.groups.get(name, "") for name in names]
        return groups if len(set(groups)) > 1 else [""] * len(names)
    return group_names(SharedNames.of(names).names)


def remark_size(matrix: pd.DataFrame) -> tuple[str, ...]:
    """What a caption adds where the figure has no room: that it shows the strongest pairs, or names that it cuts.

    Examples
    --------
    >>> names = [f"name {at}" for at in range(41)]
    >>> remark_size(pd.DataFrame(0.5, index=names, columns=names))
    ('The figure shows the 30 strongest of 820 pairs.',)
    """
    n_names = count_names(matrix, PairMeasure())
    if n_names > MOST_CELLS:
        n_pairs = int(np.tril(matrix.notna(), -1).sum())
        return (f"The figure shows the {STRONGEST} strongest of {n_pairs:,} pairs.",)
    names = SharedNames.of([str(name) for name in matrix.index]).names
    long = [name for name in names if len(name) > LONGEST] if n_names > MOST_NUMBERS else []
    return (f"In full: {'; '.join(long)}.",) if long else ()


def count_names(values: pd.DataFrame, measure: PairMeasure) -> int:
    """How many names stand on the longer side of the figure."""
    return max(map(len, _find_sides(values, measure) or [values.index]))


def _find_sides(values: pd.DataFrame, measure: PairMeasure) -> tuple[list[int], list[int]] | None:
    """Places of the rows and of the columns where there are two groups, and figures only across them."""
    groups = _group([str(name) for name in values.index], measure)
    both = sorted(dict.fromkeys(groups), key=lambda name: name == measure.rows)
    if len(both) != 2:
        return None
    columns, rows = ([at for at, group in enumerate(groups) if group == name] for name in both)
    within = [values.iloc[part, part].to_numpy(dtype=float, copy=True) for part in (rows, columns)]
    for square in within:
        np.fill_diagonal(square, np.nan)
    return (rows, columns) if all(np.isnan(square).all() for square in within) else None


def _draw_sides(
    values: pd.DataFrame,
    counts: pd.DataFrame | None,
    weak: Bools | None,
    sides: tuple[list[int], list[int]],
    measure: PairMeasure,
    notes: Sequence[str],
) -> Figure:
    names = [SharedNames.of([str(values.index[at]) for at in side]) for side in sides]
    part = values.iloc[sides[0], sides[1]].set_axis(names[0].names, axis=0).set_axis(names[1].names, axis=1)
    n = None if counts is None else counts.iloc[sides[0], sides[1]]
    small, words = _say_counts(n, measure, is_dense=max(part.shape) > MOST_NUMBERS)
    cells = Cells(
        part,
        format_cells(part),
        small,
        weak=None if weak is None else weak[np.ix_(*sides)],
        rows=names[0].before,
        columns=names[1].before,
    )
    return draw_rectangle(
        cells, Tones.of(part, measure.quantity, whole=measure.signed), note=" ".join([*words, *notes])
    )


def _draw_square(
    values: pd.DataFrame, counts: pd.DataFrame | None, weak: Bools | None, measure: PairMeasure, notes: Sequence[str]
) -> Figure:
    parted = SharedNames.of([str(name) for name in values.index])
    common = ", ".join(filter(None, [parted.before, f"label {parted.after}" if parted.after else ""]))
    quantity = " of ".join(filter(None, [measure.quantity, common]))
    above, words = _say_counts(counts, measure, is_dense=len(values) > MOST_NUMBERS)
    return draw_halves(
        values.set_axis(parted.names, axis=0),
        Tones.of(values, quantity, whole=measure.signed),
        numbers=format_cells(values),
        above=above,
        weak=weak,
        groups=_group([str(name) for name in values.index], measure),
        note=" ".join([*(word.replace("Small", "Above the diagonal") for word in words), *notes]),
    )


def _say_counts(n: pd.DataFrame | None, measure: PairMeasure, *, is_dense: bool) -> tuple[list[list[str]], list[str]]:
    """The count of each cell, and what they are; where all are the same, or there is no room, in words alone."""
    if n is None:
        return [], []
    numbers = n.to_numpy(dtype=float)
    known = numbers[~np.isnan(numbers)]
    if not len(known):
        return [], []
    least, most = int(known.min()), int(known.max())
    if least == most or is_dense:
        size = f"{least:,}" if least == most else f"{least:,} to {most:,}"
        return [], [f"{size} {measure.counted} a pair."]
    return [["" if np.isnan(each) else f"{each:,.0f}" for each in row] for row in numbers], [
        f"Small: {measure.counted}."
    ]


def _list_pairs(values: pd.DataFrame) -> pd.DataFrame:
    """A square matrix as a long table of pairs."""
    names, figures = [str(name) for name in values.index], values.to_numpy(dtype=float)
    rows, columns = np.tril_indices(len(values), -1)
    pairs = {"a": [names[at] for at in columns], "b": [names[at] for at in rows], "value": figures[rows, columns]}
    return pd.DataFrame(pairs)


def _check_names(matrix: pd.DataFrame, least: int = 0) -> list[Fault]:
    if list(matrix.index) == list(matrix.columns) and len(matrix) >= least:
        return []
    problem = f"rows and columns of its shape {matrix.shape} are not the same names"
    return [Fault("matrix", problem, "pass a square matrix of two or more, e.g. to_matrix(pairs, 'phi')")]


def _check_square(matrix: pd.DataFrame, significance: pd.DataFrame | None, counts: pd.DataFrame | None) -> None:
    faults = _check_names(matrix, 2)
    for name, other, column in (("significance", significance, "p_bh"), ("counts", counts, "n_units")):
        if other is not None and other.shape != matrix.shape:
            mend = f"make it with the same order, e.g. to_matrix(pairs, {column!r}, order=list(matrix))"
            faults.append(Fault(name, f"its shape {other.shape} is not that of the matrix", mend))
    raise_faults("The correlogram cannot be drawn.", faults)


def to_matrix(pairs: pd.DataFrame, value: str, *, order: Sequence[str] | None = None) -> pd.DataFrame:
    """Square symmetric matrix of one column of a long table of pairs a, b; NaN where there is no pair.

    Parameters
    ----------
    order
        Names of the rows, e.g. of `cluster_order`; None takes them as they come. It must hold every name.

    Examples
    --------
    >>> to_matrix(pd.DataFrame({"a": ["x"], "b": ["y"], "phi": [0.4]}), "phi")
         x    y
    x  NaN  0.4
    y  0.4  NaN
    """
    _check_pairs(pairs, value, order)
    names = list(order) if order is not None else list(dict.fromkeys([*pairs["a"], *pairs["b"]]))
    place = {name: at for at, name in enumerate(names)}
    matrix = np.full((len(names), len(names)), np.nan)
    first, second = pairs["a"].map(place).to_numpy(dtype=int), pairs["b"].map(place).to_numpy(dtype=int)
    matrix[first, second] = matrix[second, first] = pairs[value].to_numpy(dtype=float)
    return pd.DataFrame(matrix, index=names, columns=names)


def cluster_order(matrix: pd.DataFrame) -> list[str]:
    """Names of a square matrix in clustered order, so that what goes together stands together.

    Average linkage of 1 - value, with the leaves turned so that neighbours are as near as can be; a cell without a
    value counts as no association.

    Parameters
    ----------
    matrix
        Symmetric, values between -1 and 1, of `to_matrix`.

    Examples
    --------
    >>> matrix = pd.DataFrame(np.eye(4), index=list("abcd"), columns=list("abcd"))
    >>> matrix.loc["a", "d"] = matrix.loc["d", "a"] = 0.8
    >>> matrix.loc["b", "c"] = matrix.loc["c", "b"] = 0.6
    >>> order = "".join(cluster_order(matrix))
    >>> abs(order.index("a") - order.index("d")), abs(order.index("b") - order.index("c"))
    (1, 1)
    """
    faults = _check_names(matrix)
    if not faults and (most := float(np.nanmax(np.abs(matrix.to_numpy(dtype=float)), initial=0))) > 1 + 1e-9:
        mend = "pass values between -1 and 1, such as phi; counts and lift are not"
        faults = [Fault("matrix", f"a value is {most:g}", mend)]
    raise_faults("There is no clustered order.", faults)
    if len(matrix) < 3:
        return list(map(str, matrix.index))
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    apart = 1 - np.nan_to_num(matrix.to_numpy(dtype=float))
    np.fill_diagonal(apart, 0)
    tree = linkage(squareform((apart + apart.T) / 2, checks=False), method="average", optimal_ordering=True)
    return [str(matrix.index[int(at)]) for at in leaves_list(tree)]


def _check_pairs(pairs: pd.DataFrame, value: str, order: Sequence[str] | None) -> None:
    absent = [column for column in ("a", "b", value) if column not in pairs]
    mend = f"pass a long table of pairs, e.g. the frame of correlogram; this one has {name_some(pairs.columns, 12)}"
    faults = [Fault("pairs", f"there is no column {column!r}", mend) for column in absent]
    if not absent and order is not None:
        outside = [name for name in dict.fromkeys([*pairs["a"], *pairs["b"]]) if name not in set(order)]
        if outside:
            faults.append(Fault("order", f"it lacks {name_some(outside)}", "name every row, or pass order=None"))
    raise_faults("The matrix cannot be made.", faults)
