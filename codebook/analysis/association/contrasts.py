"""Whether two coders put labels together alike: the difference of their associations, unit by unit."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from codebook.analysis.association.correlogram import NO_PAIR, table_attrs
from codebook.analysis.association.indicators import label_indicators
from codebook.analysis.association.pair_statistics import name_column, pair_columns, phi_of
from codebook.analysis.core.checks import carry_joins, raise_faults
from codebook.analysis.core.empty import mark_empty
from codebook.analysis.core.estimates import Bootstrap, adjust_p, check_bootstrap, percentile_interval, resample
from codebook.analysis.core.scales import Floats, Ints, VariableLike
from codebook.errors import Fault

NOTE = (
    "phi_a and phi_b are of the units where both coders labelled both; difference = phi_a - phi_b. p: the difference "
    "over its bootstrap standard error, two-sided normal; p_bh: Benjamini-Hochberg over all pairs of the table."
)
_COLUMNS = ("a", "b", "n_units", "phi_a", "phi_b", "difference", "low", "high", "p", "p_bh", "reason")
_BITS = np.array([[(cell >> bit) & 1 for bit in range(4)] for cell in range(16)], dtype=float)
"""What a cell says: first coder's labels i and j, second coder's i and j; shape (16, 4)."""


def compare_association(
    table: pd.DataFrame,
    variables: Iterable[VariableLike],
    *,
    coders: Sequence[str],
    only: Collection[str] | None = None,
    replicates: int = 1000,
    confidence: float = 0.95,
    seed: int = 1,
    draw: int = 0,
) -> pd.DataFrame:
    """Difference of phi between two coders for every two labels, on the units that both labelled.

    Parameters
    ----------
    coders
        Two, e.g. a person and a model.
    only
        Labels to associate, such as ``["1"]`` of yes/no variables, whose other label says the same; None for all.
    replicates
        Of the units; both coders' labels of a unit stay together, so the coders are compared as pairs.

    Returns
    -------
    pd.DataFrame
        a, b, n_units, phi_a and phi_b (first and second coder), difference with low and high, p, p_bh, reason.
        Labels of one single-label variable exclude each other and are left out.

    Raises
    ------
    StatisticError
        A wrong table, not exactly two coders, or coders who share no unit.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from codebook.analysis.core.examples import make_table
    >>> both, one, none = '["x", "y"]', '["x"]', "[]"
    >>> table = make_table("v", {"ann": [both] * 40 + [none] * 40, "m": ([both] * 2 + [one, '["y"]', none] * 2) * 10})
    >>> variable = SimpleNamespace(name="v", kind="multi", level="nominal", labels=["x", "y"])
    >>> found = compare_association(table, [variable], coders=["ann", "m"])
    >>> found[["a", "b", "n_units", "phi_a", "phi_b", "difference"]].round(2)
         a    b  n_units  phi_a  phi_b  difference
    0  v=x  v=y       80    1.0    0.0         1.0
    """
    variables, how = list(variables), Bootstrap(replicates, confidence, seed)
    _check(coders, replicates, confidence)
    wide = label_indicators(table, variables, coders=list(coders), only=only, by_coder=True, draw=draw)
    labels, values = _both(wide, coders)
    names = [name_column(label) for label in labels]
    exclusive = {variable.name for variable in variables if variable.kind != "multi"}
    rows = [
        {"a": names[i], "b": names[j], **_contrast(_cells(values, i, j), how)}
        for i, j in pair_columns(labels, exclusive)
    ]
    pairs = pd.DataFrame(rows, columns=[column for column in _COLUMNS if column != "p_bh"])
    pairs.insert(_COLUMNS.index("p_bh"), "p_bh", adjust_p(pairs["p"].to_numpy(dtype=float)))
    pairs.attrs = {**table_attrs(coders, draw, wide.attrs["missing"], NOTE), **how.attrs, **carry_joins(table)}
    return mark_empty(pairs, NO_PAIR)


def _check(coders: Sequence[str], replicates: int, confidence: float) -> None:
    faults = check_bootstrap(replicates, confidence)
    if isinstance(coders, str) or len(set(coders)) != 2 or len(coders) != 2:
        mend = "pass coders=[first, second]"
        faults.insert(0, Fault("coders", f"{coders!r} are not two different coders", mend))
    raise_faults("The coders cannot be compared.", faults)


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


def _share(one: Floats, other: Floats) -> bool:
    return bool(((~np.isnan(one)).any(axis=1) & (~np.isnan(other)).any(axis=1)).any())


def _cells(values: tuple[Floats, Floats], i: int, j: int) -> Ints:
    """How many units show each of the 16 patterns of two coders and two labels."""
    four = np.column_stack([values[0][:, [i, j]], values[1][:, [i, j]]])
    known = four[~np.isnan(four).any(axis=1)]
    return np.bincount((known @ [1, 2, 4, 8]).astype(np.int64), minlength=16)


def _phis(weights: Floats) -> Floats:
    """Phi of the first and of the second coder, shape (2, n_draws), of weights (n_draws, 16)."""
    n = weights.sum(axis=1)
    held, both = weights @ _BITS, (weights @ (_BITS[:, 0] * _BITS[:, 1]), weights @ (_BITS[:, 2] * _BITS[:, 3]))
    return np.stack([phi_of(n, held[:, 0], held[:, 1], both[0]), phi_of(n, held[:, 2], held[:, 3], both[1])])


def _contrast(times: Ints, how: Bootstrap) -> dict[str, Any]:
    phi_a, phi_b = (float(value) for value in _phis(times[None, :].astype(float))[:, 0])
    row = {"n_units": int(times.sum()), "phi_a": phi_a, "phi_b": phi_b, "difference": phi_a - phi_b}
    empty = {"low": math.nan, "high": math.nan, "p": math.nan}
    if math.isnan(phi_a - phi_b):
        reason = "one of the labels does not vary" if row["n_units"] else "never labelled by both"
        return {**row, **empty, "reason": reason}

    def differ(weights: Floats) -> Floats:
        one, other = _phis(weights)
        return np.asarray(one - other)

    draws = resample(times, differ, replicates=how.replicates, seed=how.seed)
    found = percentile_interval(draws, how.confidence)
    if found.reason:
        return {**row, **empty, "reason": found.reason}
    return {**row, "low": found.low, "high": found.high, "p": _p(phi_a - phi_b, draws), "reason": ""}


def _p(difference: float, draws: Floats) -> float:
    error = float(np.nanstd(draws))
    if not error:
        return 1.0 if not difference else math.nan
    return math.erfc(abs(difference) / error / math.sqrt(2))
