"""Reliability of a whole codebook as one table, and of every pair of coders."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from codebook.analysis.checks import check_coders, check_columns, raise_faults
from codebook.analysis.counts import Codings, read_codings
from codebook.analysis.estimates import Estimate, check_bootstrap
from codebook.analysis.multi import open_labels
from codebook.analysis.percent import estimate_percent
from codebook.analysis.reliability import Bootstrap, estimate_alpha, pairable
from codebook.analysis.scales import LEVELS, SET_LEVELS, Floats, VariableLike
from codebook.errors import Fault, StatisticError

BOUNDS = (0.667, 0.800)
"""Krippendorff's customary reference lines; they are no verdicts."""


def agreement_table(
    table: pd.DataFrame,
    variables: Iterable[VariableLike],
    *,
    groups: Mapping[str, Sequence[str]] | None = None,
    replicates: int = 1000,
    confidence: float = 0.95,
    seed: int = 1,
    draw: int = 0,
) -> pd.DataFrame:
    """Reliability of every variable in every group of coders.

    A `multi` variable has one row a label (given or not, nominal) and two rows for its sets, at MASI and at Jaccard
    distance. Other kinds without a level of measurement get a row that says so.

    Parameters
    ----------
    variables
        The codebook's variables: objects with `name`, `kind`, `level` and `labels`.
    groups
        Names of coders to compare with each other, e.g. ``{"humans": ["ann", "bo"], "all": [...]}``; None takes all
        coders as one group `all`.

    Returns
    -------
    pd.DataFrame
        Columns variable, label, group, level, n_units, n_pairable (units with two or more codings), n_coders,
        n_codings, n_missing, percent (mean_pairwise), alpha, low, high, below_667 and below_800 (share of the
        replicates below), undefined_share, reason. `attrs` hold seed, replicates, confidence, percent's definition
        and versions.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from codebook.analysis.examples import observers_2011
    >>> code = SimpleNamespace(name="code", kind="rating", level="ordinal", labels=list("12345"))
    >>> frame = agreement_table(observers_2011(), [code], groups={"all": list("ABCD"), "two": ["A", "B"]})
    >>> frame[["group", "level", "n_units", "n_pairable", "n_coders", "percent", "alpha"]].round(3)
      group    level  n_units  n_pairable  n_coders  percent  alpha
    0   all  ordinal       12          11         4    0.818  0.815
    1   two  ordinal       12           9         2    0.889  0.923
    """
    about = "The reliability table cannot be made."
    raise_faults(about, [*check_columns(table), *check_bootstrap(replicates, confidence)])
    named = {"all": list(table["coder"].unique())} if groups is None else {key: list(v) for key, v in groups.items()}
    how = Bootstrap(replicates, confidence, seed)
    rows: list[dict[str, object]] = []
    faults = [fault for coders in named.values() for fault in check_coders(table, coders)]
    for variable in variables:
        try:
            rows += _variable_rows(table, variable, {} if faults else named, how, draw)
        except StatisticError as error:
            faults += [Fault(f"{variable.name}, {fault.where}", fault.problem, fault.mend) for fault in error.faults]
    raise_faults(about, faults)
    frame = pd.DataFrame(rows)
    resampled = "units with two or more codings"
    frame.attrs = {**how.attrs, "draw": draw, "percent": "mean_pairwise", "resampled": resampled}
    return frame


def coder_pairs(
    table: pd.DataFrame,
    *,
    variable: str,
    level: str,
    labels: Sequence[str] | None,
    coders: Iterable[str] | None = None,
    min_units: int = 1,
    replicates: int = 0,
    confidence: float = 0.95,
    seed: int = 1,
    draw: int = 0,
) -> pd.DataFrame:
    """Alpha and percent agreement of every two coders who share units.

    Parameters
    ----------
    min_units
        Least number of common units for a pair to be listed.
    replicates
        For intervals, which are off by default: there may be thousands of pairs.

    Returns
    -------
    pd.DataFrame
        One row a pair: a, b, n_units, percent, alpha, low, high, reason.

    Examples
    --------
    >>> from codebook.analysis.examples import observers_2011
    >>> pairs = coder_pairs(observers_2011(), variable="code", level="nominal", labels=list("12345"))
    >>> pairs[["a", "b", "n_units", "percent", "alpha"]].head(2).round(3)
       a  b  n_units  percent  alpha
    0  A  B        9    0.889  0.852
    1  A  C        8    0.625  0.489
    """
    raise_faults("The pairs cannot be compared.", check_bootstrap(replicates, confidence))
    codings = read_codings(table, variable=variable, level=level, labels=labels, coders=coders, draw=draw)
    how = Bootstrap(replicates, confidence, seed)
    rows = [_pair_row(pair, a, b, how) for a, b, pair in _each_pair(codings.answered(), min_units)]
    frame = pd.DataFrame(rows, columns=["a", "b", "n_units", "percent", "alpha", "low", "high", "reason"])
    frame.attrs = {"level": level, "min_units": min_units, "replicates": replicates, "seed": seed, "draw": draw}
    return frame


def _each_pair(given: Codings, min_units: int) -> Iterator[tuple[str, str, Codings]]:
    """Pairs of coders in the order of their names, each with the codings of their common units."""
    order = sorted(range(len(given.coders)), key=lambda at: given.coders[at])
    rows = {at: np.flatnonzero(given.coder == at) for at in order}
    for place, first in enumerate(order):
        for second in order[place + 1 :]:
            _, mine, theirs = np.intersect1d(given.unit[rows[first]], given.unit[rows[second]], return_indices=True)
            if len(mine) >= max(1, min_units):
                both = np.concatenate([rows[first][mine], rows[second][theirs]])
                yield given.coders[first], given.coders[second], given.take(both)


def _pair_row(pair: Codings, a: str, b: str, how: Bootstrap) -> dict[str, object]:
    kept = pairable(pair)
    alpha, _ = estimate_alpha(kept, how)
    percent = estimate_percent(kept, "mean_pairwise", Bootstrap(0))
    reason = alpha.reason if how.replicates or math.isnan(alpha.value) else ""
    figures = {"percent": percent.value, "alpha": alpha.value, "low": alpha.low, "high": alpha.high}
    return {"a": a, "b": b, "n_units": alpha.n_units, **figures, "reason": reason}


def _variable_rows(
    table: pd.DataFrame, variable: VariableLike, groups: Mapping[str, Sequence[str]], how: Bootstrap, draw: int
) -> Iterator[dict[str, object]]:
    """Rows of one variable; with no groups the table is only checked."""
    asked: list[tuple[str, Sequence[str] | None]] = [*groups.items()] or [("", None)]
    for label, level, part, name, labels in _parts(table, variable):
        for group, coders in asked:
            head = {"variable": variable.name, "label": label, "group": group, "level": level}
            if level not in (*LEVELS, *SET_LEVELS):
                yield {**head, **_no_figures(f"kind {variable.kind!r} has no level of measurement: no alpha")}
                continue
            codings = read_codings(part, variable=name, level=level, labels=labels, coders=coders, draw=draw)
            yield {**head, **_figures(codings, how if groups else Bootstrap(0))}


def _parts(
    table: pd.DataFrame, variable: VariableLike
) -> Iterator[tuple[str, str, pd.DataFrame, str, Sequence[str] | None]]:
    """What is compared: (label, level, table, name in it, labels). A multi variable is opened into its labels."""
    if variable.kind != "multi":
        yield "", variable.level or "", table, variable.name, variable.labels
        return
    opened = open_labels(table, variable=variable.name, labels=variable.labels or ())
    for label in variable.labels or ():
        yield label, "nominal", opened, f"{variable.name}={label}", ("0", "1")
    for distance in SET_LEVELS:
        yield "(set)", distance, table, variable.name, variable.labels


def _figures(codings: Codings, how: Bootstrap) -> dict[str, object]:
    kept = pairable(codings)
    alpha, draws = estimate_alpha(kept, how)
    percent = estimate_percent(kept, "mean_pairwise", Bootstrap(0))
    return {
        "n_units": len(codings.units),
        "n_pairable": alpha.n_units,
        "n_coders": alpha.n_coders,
        "n_codings": alpha.n_codings,
        "n_missing": alpha.n_missing,
        "percent": percent.value,
        "alpha": alpha.value,
        "low": alpha.low,
        "high": alpha.high,
        "below_667": _share_below(alpha, draws, BOUNDS[0]),
        "below_800": _share_below(alpha, draws, BOUNDS[1]),
        "undefined_share": alpha.undefined_share,
        "reason": alpha.reason,
    }


def _share_below(alpha: Estimate, draws: Floats, bound: float) -> float:
    """Share of the defined replicates below `bound`; NaN where there is no interval."""
    return math.nan if math.isnan(alpha.low) else float((draws[~np.isnan(draws)] < bound).mean())


def _no_figures(reason: str) -> dict[str, object]:
    counts = dict.fromkeys(("n_units", "n_pairable", "n_coders", "n_codings", "n_missing"), 0)
    figures = ("percent", "alpha", "low", "high", "below_667", "below_800", "undefined_share")
    return {**counts, **dict.fromkeys(figures, math.nan), "reason": reason}
