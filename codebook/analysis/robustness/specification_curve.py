"""One finding under every model, prompt and way of joining runs: does it hang on a choice?"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import carry_joins, check_columns, raise_faults
from codebook.analysis.core.counts import LabelCodes, read_codes
from codebook.analysis.core.estimates import package_versions
from codebook.analysis.core.patterns import collapse
from codebook.analysis.core.runs import Runs, describe_runs, find_modal, pad
from codebook.errors import Fault, StatisticError
from codebook.ground.joins import Sides, join_faults, join_ids

AGGREGATIONS = ("single", "draws", "prompts", "models", "all")
"""Ways to get one label a unit: one run in one draw, or the majority of a run's draws, a model's prompts, a prompt's
models, or everything."""

Finding = Callable[[pd.DataFrame], "pd.DataFrame | pd.Series | Mapping[str, Any]"]

_ABOUT = "The finding cannot be specified."
_VALUES = Sides("units", "among the values", "the list of values")
_FIGURES = ("estimate", "low", "high", "p")


@dataclass(frozen=True)
class _Choice:
    model: str
    prompt: str
    aggregation: str
    coders: tuple[str, ...]


def specifications(
    table: pd.DataFrame,
    finding: Finding,
    *,
    variable: str,
    labels: Sequence[str],
    coders: Sequence[str] | None = None,
    runs: Runs = None,
    aggregations: Sequence[str] = AGGREGATIONS,
    null: float = 0.0,
    alpha: float = 0.05,
    draw: int = 0,
) -> pd.DataFrame:
    """Compute a finding anew from the labels of every model x prompt x way of joining them.

    Parameters
    ----------
    finding
        From a frame with unit_id and label (NaN where there is none) to the finding: a mapping or frame with `estimate`
        and, if it has them, `low`, `high`, `p`, `n`. Several rows, e.g. the three sources of `correct`, are kept apart
        by their other columns (`source`). A `StatisticError` makes the row undefined, with its reason.
    coders
        The models; None for all. Leave people and the gold out.
    runs
        Who is which model with which prompt, see `describe_runs`.
    aggregations
        Of `AGGREGATIONS`; those that join nothing here are left out. A tie has no label.
    null, alpha
        A row is significant if p is below `alpha`, or without p if its interval leaves out `null`.

    Returns
    -------
    pd.DataFrame
        specification (number), model, prompt, aggregation, what the finding says besides (source, coefficient ...),
        estimate, low, high, p, significant (NaN where undefined), n_runs, n_units, n_labelled, n_tied, reason.
        `attrs`: n_specifications, null, alpha, labels by coverage, versions. See `summarise_specifications`.

    Raises
    ------
    StatisticError
        Faults of the table or of what was asked; a finding that returns no estimate.

    Examples
    --------
    >>> from codebook.analysis.core.examples import make_table
    >>> table = make_table("tone", {"m@p1": list("aab"), "m@p2": list("abb"), "k@p1": list("aaa")})
    >>> share = lambda rows: {"estimate": (rows["label"] == "a").mean() - 0.5}
    >>> frame = specifications(table, share, variable="tone", labels=["a", "b"])
    >>> frame[["model", "prompt", "aggregation", "estimate", "n_labelled", "n_tied"]].round(2)
       model prompt aggregation  estimate  n_labelled  n_tied
    0      m     p1      single      0.17           3       0
    1      m     p2      single     -0.17           3       0
    2      k     p1      single      0.50           3       0
    3      m  (all)     prompts     -0.17           2       1
    4  (all)     p1      models      0.17           2       1
    5  (all)  (all)         all      0.17           3       0
    """
    raise_faults(_ABOUT, [*check_columns(table), *_check_aggregations(aggregations)])
    rows = table["variable"] == variable
    if coders is not None:
        rows &= table["coder"].isin(list(coders))
    told = table[rows].assign(coder=table.loc[rows, "coder"].astype(str) + "\n" + table["draw"].astype(str), draw=0)
    codings = read_codes(told, variable=variable, level="nominal", labels=labels)
    described = describe_runs(table if runs is not None else table[rows], runs)
    choices = list(_list_choices(codings, described, aggregations, draw))
    raise_faults(_ABOUT, [] if choices else [Fault("draw", f"no label in draw {draw}", "name a draw of the table")])
    lines = []
    for number, choice in enumerate(choices, start=1):
        given, about = _join(codings, choice)
        head = {"specification": number, "model": choice.model, "prompt": choice.prompt}
        for found in _find(finding, given):
            lines.append({**head, "aggregation": choice.aggregation, **_judge(found, null, alpha), **about})
    frame = pd.DataFrame(lines)
    tail = [*_FIGURES, "significant", "n_runs", "n_units", "n_labelled", "n_tied", "reason"]
    frame = frame[[*(name for name in frame if name not in tail), *tail]]
    frame.attrs = {
        **{"variable": variable, "n_specifications": len(choices), "null": null, "alpha": alpha, "draw": draw},
        "coverage": {"labelled": len(codings.code) - codings.n_missing, **codings.missing},
        **{"versions": package_versions(), **carry_joins(table)},
    }
    return frame


def gap_in_means(values: Mapping[str, float], label: str, *, confidence: float = 0.95) -> Finding:
    """A finding for `specifications`: how much larger is the mean of a number among units with a label than without?

    Parameters
    ----------
    values
        The number of each unit_id, e.g. its length or the year; units without one are left out.

    Returns
    -------
    Finding
        Gives estimate, low, high and p (Welch's t-test), n.

    Examples
    --------
    >>> rows = pd.DataFrame({"unit_id": list("uvwxyz"), "label": ["a", "a", "a", "b", "b", "b"]})
    >>> found = gap_in_means(dict(zip("uvwxyz", [5, 6, 7, 1, 2, 3])), "a")(rows)
    >>> found["estimate"], round(found["p"], 3), found["n"]
    (4.0, 0.008, 6)
    """

    def find(rows: pd.DataFrame) -> dict[str, Any]:
        from scipy.stats import ttest_ind

        if values:
            raise_faults("There is no gap.", join_faults(join_ids(rows["unit_id"], values), "values", _VALUES))
        number = pd.to_numeric(rows["unit_id"].map(dict(values))).astype(float)
        known = rows["label"].notna() & number.notna()
        parts = [number[known & (rows["label"] == label)], number[known & (rows["label"] != label)]]
        if min(map(len, parts)) < 2:
            problem = f"{len(parts[0])} units with {label!r}, {len(parts[1])} without: a mean needs two"
            raise StatisticError("There is no gap.", [Fault("label", problem, "choose a commoner label")])
        test = ttest_ind(*parts, equal_var=False)
        low, high = test.confidence_interval(confidence)
        gap = float(parts[0].mean() - parts[1].mean())
        return {"estimate": gap, "low": float(low), "high": float(high), "p": float(test.pvalue), "n": int(known.sum())}

    return find


def summarise_specifications(frame: pd.DataFrame, by: str | None = None) -> pd.DataFrame:
    """How far a finding hangs on the choices: one row, or one for each value of `by` (e.g. source).

    Returns
    -------
    pd.DataFrame
        n (specifications with an estimate), n_undefined, median, lowest, highest, share_significant (of those that can
        be judged), share_above and share_below (significant above or below `null`), sign_changes (both signs occur),
        signs_significant (both signs are significant somewhere).

    Examples
    --------
    >>> frame = pd.DataFrame({"estimate": [0.2, -0.1, 0.3], "significant": [1.0, 0.0, 1.0]})
    >>> summarise_specifications(frame)[["n", "median", "share_significant", "sign_changes"]].round(2)
       n  median  share_significant  sign_changes
    0  3     0.2               0.67          True
    """
    null = frame.attrs.get("null", 0.0)
    if by is not None and by not in frame:
        raise_faults(_ABOUT, [Fault("by", f"the frame has no column {by!r}", f"it has {', '.join(map(str, frame))}")])
    parts = [("", frame)] if by is None else list(frame.groupby(by, sort=False))
    rows = [{**({by: key} if by else {}), **_summarise(part, null)} for key, part in parts]
    summary = pd.DataFrame(rows)
    summary.attrs = dict(frame.attrs)
    return summary


def _summarise(part: pd.DataFrame, null: float) -> dict[str, Any]:
    known = part[part["estimate"].notna()]
    gaps, judged = known["estimate"] - null, known["significant"]
    above, below = (judged * (gaps > 0)).mean(), (judged * (gaps < 0)).mean()
    return {
        **{"n": len(known), "n_undefined": len(part) - len(known), "median": known["estimate"].median()},
        **{"lowest": known["estimate"].min(), "highest": known["estimate"].max()},
        **{"share_significant": judged.mean(), "share_above": above, "share_below": below},
        "sign_changes": bool((gaps > 0).any() and (gaps < 0).any()),
        "signs_significant": bool(above > 0 and below > 0),
    }


def _check_aggregations(aggregations: Sequence[str]) -> list[Fault]:
    if isinstance(aggregations, str) or not aggregations or set(aggregations) - set(AGGREGATIONS):
        return [Fault("aggregations", f"{aggregations!r}", f"pass a list of {', '.join(AGGREGATIONS)}")]
    return []


def _list_choices(
    codings: LabelCodes, described: pd.DataFrame, aggregations: Sequence[str], draw: int
) -> Iterator[_Choice]:
    """Every way to get one label a unit that differs from the ways before it."""
    named = pd.DataFrame([name.partition("\n")[::2] for name in codings.coders], columns=["coder", "draw"])
    named = named.assign(run=list(codings.coders)).merge(described, on="coder", how="left")
    first = named[named["draw"] == str(draw)]
    groups = {
        "single": [((row.model, row.prompt), [row.run]) for row in first.itertuples()],
        "draws": [((part.model.iloc[0], part.prompt.iloc[0]), list(part.run)) for _, part in named.groupby("coder")],
        "prompts": [((model, "(all)"), list(part.run)) for model, part in first.groupby("model", sort=False)],
        "models": [(("(all)", prompt), list(part.run)) for prompt, part in first.groupby("prompt", sort=False)],
        "all": [(("(all)", "(all)"), list(first.run))],
    }
    seen: set[frozenset[str]] = set()
    for name in (name for name in AGGREGATIONS if name in aggregations):
        for (model, prompt), runs in groups[name]:
            if (name == "single" or len(runs) > 1) and frozenset(runs) not in seen:
                seen.add(frozenset(runs))
                yield _Choice(str(model), str(prompt), name, tuple(runs))


def _join(codings: LabelCodes, choice: _Choice) -> tuple[pd.DataFrame, dict[str, int]]:
    """The labels of a choice, one row a unit that was put to its runs, and what to count beside them."""
    part = codings.among(choice.coders)
    given = part.answered()
    patterns = collapse(given.unit, given.code, part.scale.n_labels, trace=True)
    shown = pad(patterns.shown, len(part.units))
    code = np.append(find_modal(patterns)[0], -1)[shown]
    labels = np.array([*part.scale.labels, None], dtype=object)[code]
    frame = pd.DataFrame({"unit_id": part.units.astype(str), "label": labels}).astype({"label": "str"})
    counts = {"n_runs": len(choice.coders), "n_units": len(frame), "n_labelled": int((code >= 0).sum())}
    return frame, {**counts, "n_tied": int(((code < 0) & (shown >= 0)).sum())}


def _find(finding: Finding, given: pd.DataFrame) -> list[dict[str, Any]]:
    try:
        found = finding(given)
    except StatisticError as error:
        return [{"reason": "; ".join(fault.problem for fault in error.faults) or error.summary}]
    frame = found if isinstance(found, pd.DataFrame) else pd.DataFrame([dict(found)])
    if "estimate" not in frame or frame.empty:
        mend = "return a mapping or frame with `estimate`, and low, high, p where it has them"
        raise_faults(_ABOUT, [Fault("finding", "it returned no estimate", mend)])
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def _judge(found: Mapping[str, Any], null: float, alpha: float) -> dict[str, Any]:
    """A finding with all its columns, and whether it is significant: 1, 0 or NaN."""
    estimate, low, high, p = (float(found.get(name, math.nan)) for name in _FIGURES)
    significant = math.nan
    if not math.isnan(p):
        significant = float(p < alpha)
    elif not math.isnan(low + high):
        significant = float(not low <= null <= high)
    figures = {"estimate": estimate, "low": low, "high": high, "p": p, "significant": significant}
    reason = str(found.get("reason", "") or ("undefined" if math.isnan(estimate) else ""))
    return {**{name: value for name, value in found.items() if name not in figures}, **figures, "reason": reason}
