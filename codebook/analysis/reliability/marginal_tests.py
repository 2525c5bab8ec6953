"""Do the coders give the labels equally often? Cochran's Q, Stuart-Maxwell, Bowker and Friedman, by their libraries."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import name_some, raise_faults
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.counts import LabelCodes
from codebook.analysis.core.estimates import adjust_p
from codebook.analysis.core.gold_balance import say_alike
from codebook.analysis.core.plain_frames import as_codings
from codebook.analysis.core.result import Facts, Result, blank_result, nothing_to_say
from codebook.analysis.core.scales import SET_LEVELS, Bools, Floats, Ints, VariableLike, list_coded
from codebook.analysis.reliability.comparisons import read_variable
from codebook.errors import Fault
from codebook.ground.quantities import format_figure, say_count, say_p

_ABOUT = "The shares cannot be compared."
_COLUMNS = (
    "variable",
    "label",
    "test",
    "a",
    "b",
    "n_coders",
    "n_units",
    "statistic",
    "df",
    "p",
    "p_adjusted",
    "reason",
)
_NOTE = (
    "Cochran's Q: do all coders give the label equally often (with two coders McNemar's chi square)? Stuart-Maxwell: "
    "do two coders give all labels equally often? Bowker: where two coders differ, do they swap their labels equally "
    "often? Friedman: do coders rate equally high? All tests use the units that every coder of the row labelled, treat "
    "units as independent, and say nothing about agreement. p adjusted: by Benjamini and Hochberg over the labels."
)
_MOST_PAIRS = 45


def compare_shares(codings: Codings | pd.DataFrame, *, level: str = "") -> Result:
    """Do the coders give the labels equally often? This shows coders with habits of their own.

    Parameters
    ----------
    level
        Level of measurement, where no codebook states it.

    Returns
    -------
    Result
        `frame` has one row per test: variable, label (of Cochran's Q), test, a and b (the two coders of Stuart-Maxwell
        and Bowker), n_coders, n_units, statistic (chi square), df, p, p_adjusted (over the labels of a variable),
        reason.

    Raises
    ------
    StatisticError
        Faults of the codings; coders that are interchangeable.

    Examples
    --------
    Stuart (1955), the sight of 7,477 women's two eyes; printed 11.96 with 3 degrees of freedom:

    >>> times = np.array([[1520, 266, 124, 66], [234, 1512, 432, 78], [117, 362, 1772, 205], [36, 82, 179, 492]])
    >>> right, left = (np.repeat(places.ravel(), times.ravel()) + 1 for places in np.indices((4, 4)))
    >>> result = compare_shares(pd.DataFrame({"right": right, "left": left}), level="nominal")
    >>> result.frame.loc[result.frame["label"] == "", ["test", "statistic", "df", "n_units"]].round(2)
                 test  statistic  df  n_units
    0  Stuart-Maxwell      11.96   3     7477
    1          Bowker      19.11   6     7477
    """
    codings = as_codings(codings, level=level)
    empty = blank_result(codings, _COLUMNS, "share_tests", "Do coders give labels equally often?", "shares")
    if codings.interchangeable:
        mend = "pass codings that say who gave which label"
        raise_faults(_ABOUT, [Fault("coders", "they are interchangeable here: the codings are counts", mend)])
    if codings.alone:
        return nothing_to_say(codings, codings.alone, empty)
    everybody = [*codings.people, *codings.machines]
    coded, uncoded = list_coded(codings.variables, codings.frame["variable"].unique())
    read = [(each, next(read_variable(codings, each, everybody))[1]) for each in coded]
    rows = [row for variable, codes in read if codes is not None for row in _list_tests(variable, codes)]
    if not rows:
        return nothing_to_say(codings, "No variable has labels that can be counted: nothing to compare.", empty)
    frame = pd.DataFrame(rows, columns=list(_COLUMNS))
    frame["p_adjusted"] = _adjust(frame)
    shown = codings.in_words(frame, "label")
    return replace(
        empty,
        frame=frame,
        facts=Facts(int(frame["n_units"].max()), int(frame["n_coders"].max()), joins=codings.joins),
        finding=_say(shown),
        remarks=(_NOTE, *uncoded, *_say_pairs(frame), *say_alike(codings)),
        table=_print(shown),
    )


def _say_pairs(frame: pd.DataFrame) -> list[str]:
    """The sentence on pairs that are not tested, where there are too many coders."""
    n = int(frame["n_coders"].max())
    n_pairs = n * (n - 1) // 2
    return (
        [f"{n_pairs:,} pairs of coders are too many to test each of them: choose coders."]
        if n_pairs > _MOST_PAIRS
        else []
    )


def _adjust(frame: pd.DataFrame) -> pd.Series:
    """p of the labels of each variable, adjusted; NaN for the tests of no label."""
    adjusted = pd.Series(np.nan, index=frame.index)
    for _, rows in frame[frame["label"] != ""].groupby("variable", sort=False):
        adjusted[rows.index] = adjust_p(rows["p"].to_numpy(dtype=float))
    return adjusted


def _list_tests(variable: VariableLike, codes: LabelCodes) -> Iterator[dict[str, Any]]:
    """The tests of one variable: of pairs of coders, of an order, and of each label."""
    labelled = codes.answered()
    sets = codes.scale.level in SET_LEVELS
    pairs = list(combinations(range(len(labelled.coders)), 2))
    if not sets and len(pairs) <= _MOST_PAIRS:
        for first, second in pairs:
            yield from _pair_tests(variable.name, labelled, (first, second))
    whole = _complete(labelled, range(len(labelled.coders)))
    head = {"variable": variable.name, "a": "", "b": "", "n_coders": len(labelled.coders), "n_units": len(whole)}
    if codes.scale.level in ("ordinal", "interval", "ratio") and len(labelled.coders) > 2:
        yield {**head, "label": "", "test": "Friedman", **_friedman(whole)}
    names = tuple(variable.labels or ()) if sets else codes.scale.labels
    for at, label in enumerate(names):
        holds = codes.scale.members[:, at][whole] if sets else whole == at
        yield {**head, "label": label, "test": "Cochran's Q", **_cochran(holds)}


def _complete(codes: LabelCodes, coders: Any) -> Ints:
    """Codes of the units that all these coders labelled, shape (n_units, n_coders)."""
    table = np.full((len(codes.units), len(codes.coders)), -1, dtype=np.int64)
    table[codes.unit, codes.coder] = codes.code
    chosen = table[:, list(coders)]
    return chosen[(chosen >= 0).all(axis=1)]


def _pair_tests(variable: str, codes: LabelCodes, pair: tuple[int, int]) -> Iterator[dict[str, Any]]:
    """Stuart-Maxwell and Bowker of two coders, on the labels that either used."""
    labels = _complete(codes, pair)
    names = {"variable": variable, "label": "", "a": codes.coders[pair[0]], "b": codes.coders[pair[1]], "n_coders": 2}
    used, code = np.unique(labels, return_inverse=True)
    code = code.reshape(labels.shape)
    for test in ("Stuart-Maxwell", "Bowker"):
        head = {**names, "test": test, "n_units": len(labels)}
        if len(used) < 2:
            yield {**head, **_none("no common unit" if not len(labels) else "both coders give only the same one label")}
            continue
        times = np.zeros((len(used), len(used)))
        np.add.at(times, (code[:, 0], code[:, 1]), 1)
        yield {**head, **(_stuart_maxwell(times) if test == "Stuart-Maxwell" else _bowker(times))}


def _stuart_maxwell(times: Floats) -> dict[str, Any]:
    """Of the labels in which the two ever differ: the others have equal shares, and would make it singular."""
    from statsmodels.stats.contingency_tables import SquareTable

    apart = times - np.diag(np.diag(times))
    differ = (apart + apart.T).any(axis=0)
    if not differ.any():
        return _none("the two coders never differ")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        outcome = SquareTable(times[np.ix_(differ, differ)], shift_zeros=False).homogeneity()
    if math.isnan(outcome.statistic):
        return _none("too few pairs of labels were confused to compute it")
    return {"statistic": float(outcome.statistic), "df": int(outcome.df), "p": float(outcome.pvalue), "reason": ""}


def _bowker(times: Floats) -> dict[str, Any]:
    """Of the pairs of labels that were ever taken for each other; an empty pair has no degree of freedom."""
    from scipy.stats import chi2

    places = np.triu_indices(len(times), 1)
    upper, lower = times[places], times.T[places]
    met = upper + lower > 0
    if not met.any():
        return _none("the two coders never differ")
    value = float(((upper - lower)[met] ** 2 / (upper + lower)[met]).sum())
    return {"statistic": value, "df": int(met.sum()), "p": float(chi2.sf(value, met.sum())), "reason": ""}


def _friedman(labels: Ints) -> dict[str, Any]:
    from scipy.stats import friedmanchisquare

    if not len(labels) or (labels == labels[:, :1]).all():
        return _none("no unit was labelled by all coders" if not len(labels) else "no unit is rated differently")
    outcome = friedmanchisquare(*labels.T)
    return {"statistic": float(outcome.statistic), "df": labels.shape[1] - 1, "p": float(outcome.pvalue), "reason": ""}


def _cochran(holds: Bools) -> dict[str, Any]:
    from statsmodels.stats.contingency_tables import cochrans_q

    if not len(holds) or (holds == holds[:, :1]).all():
        return _none("no unit was labelled by all coders" if not len(holds) else "no unit is coded differently")
    outcome = cochrans_q(holds.astype(int))
    return {"statistic": float(outcome.statistic), "df": int(outcome.df), "p": float(outcome.pvalue), "reason": ""}


def _none(reason: str) -> dict[str, Any]:
    return {"statistic": math.nan, "df": 0, "p": math.nan, "reason": reason}


def _say(frame: pd.DataFrame) -> str:
    """The labels that coders give unequally often, or that there is none."""
    labels = frame[frame["label"] != ""]
    unequal = labels[labels["p_adjusted"] < 0.05].sort_values("p")
    if labels["p"].isna().all():
        return f"No label can be tested: {'; '.join(dict.fromkeys(labels['reason']))}."
    tested = say_count(int(labels["p"].notna().sum()), "label")
    coders, units = say_count(int(labels["n_coders"].max()), "coder"), say_count(int(labels["n_units"].max()), "unit")
    if unequal.empty:
        return (
            f"Of {tested} tested, none is given significantly more often by some coders than by others ({coders}, "
            f"{units})."
        )
    first = unequal.iloc[0]
    one = labels["variable"].nunique() == 1
    every = [row["label"] if one else f"{row['variable']}: {row['label']}" for row in unequal.to_dict("records")]
    names = name_some(every, 5)
    q = f"Cochran's Q {format_figure(first['statistic'], 1, 'amount')}, {say_p(first['p'])}"
    return (
        f"Given significantly more often by some coders than by others: {names} ({q} of the first; {coders}, {units})."
    )


def _print(frame: pd.DataFrame) -> pd.DataFrame:
    pair = [f"{a}, {b}" if a else f"all {n}" for a, b, n in zip(frame["a"], frame["b"], frame["n_coders"], strict=True)]
    shown = frame.assign(coders=pair, subject=frame["variable"].where(frame["label"] == "", frame["label"]))
    if frame["variable"].nunique() > 1:
        joined = frame["variable"] + ": " + frame["label"]
        shown["subject"] = frame["variable"].where(frame["label"] == "", joined)
    columns = ["subject", "test", "coders", "n_units", "statistic", "df", "p"]
    return shown[columns].rename(columns={"subject": "variable or label", "statistic": "chi square"})
