"""Whether two coders put labels together alike: the difference of their associations, unit by unit."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from codebook.analysis.association.indicators import join_indicators, read_all
from codebook.analysis.association.pair_statistics import name_column, pair_columns, phi_of
from codebook.analysis.association.pair_tables import (
    NO_PAIR,
    draw_pairs,
    make_facts,
    pair_labels,
    pooled_order,
    say_missing,
)
from codebook.analysis.core.checks import raise_faults
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.correlograms import remark_size, to_matrix
from codebook.analysis.core.counts import join_cluster
from codebook.analysis.core.estimates import Bootstrap, adjust_p, percentile_interval, say_figure
from codebook.analysis.core.estimates import resample as draw_values
from codebook.analysis.core.patterns import ALIKE, APART, Patterns
from codebook.analysis.core.plain_frames import as_codings
from codebook.analysis.core.result import Result, nothing_to_say
from codebook.analysis.core.scales import Floats, Ints
from codebook.analysis.core.standard_errors import join_clusters
from codebook.errors import Fault
from codebook.ground.quantities import format_figure, say_count
from codebook.outputs.figure_style import Figure

NOTE = (
    "phi_a and phi_b are of the units where both coders labelled both; difference = phi_a - phi_b. p: the difference "
    "over its bootstrap standard error, two-sided normal; p_bh: Benjamini-Hochberg over all pairs of the table."
)
_COLUMNS = ("a", "b", "n_units", "phi_a", "phi_b", "difference", "low", "high", "p", "p_bh", "reason")
_ENDS = {"low": "difference_low", "high": "difference_high"}
_RESAMPLED = ("units, with the labels of both coders", "clusters of units, with the labels of both coders")
_SURE = 0.05
_NO_CLUSTER = np.empty(0, dtype=np.int64)
_BITS = np.array([[(cell >> bit) & 1 for bit in range(4)] for cell in range(16)], dtype=float)
"""What a cell says: first coder's labels i and j, second coder's i and j; shape (16, 4)."""
_APART = np.abs(_BITS[:, :2] - _BITS[:, 2:]).sum(axis=1)
_ROOM = np.choose(_APART.astype(int), [ALIKE / 4, APART / 8, 0.0])
"""Units of each cell that a replicate is given beforehand: the two are alike, or differ in one of the labels."""


def compare_association(
    codings: Codings | pd.DataFrame,
    coders: Sequence[str],
    *,
    labels: Collection[str] | None = None,
    level: str = "",
    resample: Bootstrap = Bootstrap(),
) -> Result:
    """Difference of phi between two coders for every two labels, on the units that both labelled.

    Both coders' labels of a unit stay together when units are resampled, so the coders are compared as pairs. The
    figure shows the differences, with labels that go together (for all coders pooled) beside each other.

    Parameters
    ----------
    coders
        Two, e.g. a person and a model.
    labels
        Labels to associate, such as ``["1"]`` of yes/no variables, whose other label says the same; None for all.
    level
        Of a plain frame: `masi` where its labels are sets.

    Returns
    -------
    Result
        a, b, n_units, phi_a and phi_b (first and second coder), difference with low and high, p, p_bh, reason; the
        surest first. Labels of one single-label variable exclude each other and are left out.

    Raises
    ------
    StatisticError
        A wrong frame, not exactly two coders, or coders who share no unit.

    Examples
    --------
    >>> from codebook.analysis.core.examples import make_table
    >>> both, one, none = '["x", "y"]', '["x"]', "[]"
    >>> table = make_table("v", {"ann": [both] * 40 + [none] * 40, "m": ([both] * 2 + [one, '["y"]', none] * 2) * 10})
    >>> compared = compare_association(table, ["ann", "m"], level="masi")
    >>> compared.frame[["a", "b", "n_units", "phi_a", "phi_b", "difference"]].round(2)
         a    b  n_units  phi_a  phi_b  difference
    0  v=x  v=y       80    1.0    0.0         1.0
    """
    codings = as_codings(codings, level=level, needs_level=False)
    _check(coders)
    names, about = list(coders), f"{coders[0]} minus {coders[1]}"
    variables = [variable for variable in codings.variables if variable.labels]
    read = read_all(codings.frame, variables, names)
    wide = join_indicators(read, labels, by_coder=True)
    columns, values = _both(wide, names)
    cluster = _NO_CLUSTER
    if codings.clusters is not None:
        cluster = join_cluster(replace(read[0][1], units=wide.index), codings.clusters).cluster
    single = {variable.name for variable in variables if variable.kind != "multi"}
    titles = [name_column(column) for column in columns]
    pairs = _rank(
        {"a": titles[i], "b": titles[j], **_contrast(_cells(values, i, j), cluster, resample)}
        for i, j in pair_columns(columns, single)
    )
    facts = replace(make_facts(codings, read, len(wide)), bootstrap=resample, resampled=_RESAMPLED[bool(len(cluster))])
    if not len(pairs):
        return nothing_to_say(codings, NO_PAIR, Result(pairs, "difference", about, "correlogram", facts))
    shown = codings.in_words(pairs)
    return Result(
        pairs,
        "difference",
        about,
        "correlogram",
        facts,
        finding=_say_difference(shown, about, facts.places),
        remarks=(NOTE, *say_missing(read), *remark_size(to_matrix(pairs, "difference"))),
        table=shown[["a", "b", "phi_a", "phi_b", "difference", *_ENDS, "p_bh", "reason"]].rename(columns=_ENDS),
        figure=partial(_draw_differences, codings, labels, pairs),
        outputs=codings.outputs,
    )


def _draw_differences(codings: Codings, labels: Collection[str] | None, pairs: pd.DataFrame) -> Figure:
    pooled, _ = pair_labels(read_all(codings.frame, [each for each in codings.variables if each.labels]), labels)
    order = list(map(codings.name_label, pooled_order(pooled)))
    return draw_pairs(codings.in_words(pairs), "difference", order=order)


def _rank(rows: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """The pairs with their adjusted p, the surest first."""
    pairs = pd.DataFrame(rows, columns=[column for column in _COLUMNS if column != "p_bh"])
    pairs.insert(_COLUMNS.index("p_bh"), "p_bh", adjust_p(pairs["p"].to_numpy(dtype=float)))
    return pairs.sort_values("p", ignore_index=True)


def _check(coders: Sequence[str]) -> None:
    if isinstance(coders, str) or len(set(coders)) != 2 or len(coders) != 2:
        fault = Fault("coders", f"{coders!r} are not two different coders", "pass coders=[first, second]")
        raise_faults("The coders cannot be compared.", [fault])


def _say_difference(pairs: pd.DataFrame, about: str, places: int) -> str:
    """How many differences are sure, and the surest; pairs with the surest first."""
    sure, row = int((pairs["p_bh"] < _SURE).sum()), pairs.iloc[0]
    verb = "differs" if sure == 1 else "differ"
    number = f"{sure:,} of {say_count(len(pairs), 'pair')} of labels {verb} (adjusted p < {format_figure(_SURE)})"
    if math.isnan(row["p"]):
        return f"{about}: {number}."
    surest = f"{row['a']} and {row['b']}, {say_figure(row, 'difference', places)}, {say_count(row['n_units'], 'unit')}"
    return f"{about}: {number}; the surest is {surest}."


def _both(wide: pd.DataFrame, coders: Sequence[str]) -> tuple[list[tuple[str, ...]], tuple[Floats, Floats]]:
    """(variable, label) of the columns, and their values by each of the coders, shape (n_units, n_labels)."""
    there = wide.columns.get_level_values(0)
    labels = [tuple(map(str, column[1:])) for column in wide.columns if column[0] == there[0]]
    values = [wide.loc[:, there == name].to_numpy(dtype=float) for name in coders]
    if not all(each.size and (~np.isnan(each)).any() for each in values) or not _share(values[0], values[1]):
        problem = f"{coders[0]!r} and {coders[1]!r} labelled no unit in common"
        mend = "compare coders who labelled the same units"
        raise_faults("The coders cannot be compared.", [Fault("coders", problem, mend)])
    return labels, (values[0], values[1])


def _share(first: Floats, second: Floats) -> bool:
    return bool(((~np.isnan(first)).any(axis=1) & (~np.isnan(second)).any(axis=1)).any())


def _cells(values: tuple[Floats, Floats], i: int, j: int) -> Ints:
    """Which of the 16 patterns of two coders and two labels each unit shows, -1 for none, shape (n_units,)."""
    four = np.column_stack([values[0][:, [i, j]], values[1][:, [i, j]]])
    is_known = ~np.isnan(four).any(axis=1)
    return np.where(is_known, np.nan_to_num(four) @ [1, 2, 4, 8], -1).astype(np.int64)


def _phis(weights: Floats) -> Floats:
    """Phi of the first and of the second coder, shape (2, n_draws), of weights (n_draws, 16)."""
    n, labels = weights.sum(axis=1), weights @ _BITS
    pairs = (weights @ (_BITS[:, 0] * _BITS[:, 1]), weights @ (_BITS[:, 2] * _BITS[:, 3]))
    return np.stack([phi_of(n, labels[:, 0], labels[:, 1], pairs[0]), phi_of(n, labels[:, 2], labels[:, 3], pairs[1])])


def _differ(weights: Floats) -> Floats:
    first, second = _phis(weights)
    return np.asarray(first - second)


def _contrast(cells: Ints, cluster: Ints, bootstrap: Bootstrap) -> dict[str, Any]:
    times = np.bincount(cells[cells >= 0], minlength=16)
    phi_a, phi_b = (float(value) for value in _phis(times[None, :].astype(float))[:, 0])
    row = {"n_units": int(times.sum()), "phi_a": phi_a, "phi_b": phi_b, "difference": phi_a - phi_b}
    empty = {"low": math.nan, "high": math.nan, "p": math.nan}
    if math.isnan(phi_a - phi_b):
        reason = "one of the labels does not vary" if row["n_units"] else "never labelled by both"
        return {**row, **empty, "reason": reason}
    members = join_clusters(Patterns(_BITS, times, cells), cluster)
    settings = {"replicates": bootstrap.replicates, "seed": bootstrap.seed}
    draws = draw_values(times, _differ, members=members, prior=_ROOM, **settings)
    freedom = (row["n_units"] if members is None else members.shape[0]) - 1
    interval = percentile_interval(draws, bootstrap.confidence, phi_a - phi_b, freedom=freedom)
    if interval.reason:
        return {**row, **empty, "reason": interval.reason}
    return {**row, "low": interval.low, "high": interval.high, "p": _p(phi_a - phi_b, draws), "reason": ""}


def _p(difference: float, draws: Floats) -> float:
    error = float(np.nanstd(draws))
    if not error:
        return 1.0 if not difference else math.nan
    return math.erfc(abs(difference) / error / math.sqrt(2))
