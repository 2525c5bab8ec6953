"""Did suggestions pull the labels of people? Those who saw one beside those who, by lot, saw none."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pandas as pd

from codebook.analysis.core.checks import check_coders, name_some, raise_faults
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.counts import join_cluster, read_codes
from codebook.analysis.core.estimates import Bootstrap, say_figure
from codebook.analysis.core.forest import keep_order, plot_estimates
from codebook.analysis.core.result import Facts, Result, blank_result, nothing_to_say
from codebook.analysis.core.scales import LEVELS, list_labels, read_label_set
from codebook.analysis.core.standard_errors import FEWEST, newcombe_interval, wilson_interval
from codebook.analysis.reliability.agreement_rows import comparison_rows
from codebook.analysis.reliability.comparisons import KINDS, Comparison
from codebook.errors import Fault
from codebook.ground.quantities import format_figure, places_of, say_percent

WITH, WITHOUT = "with", "without"
"""Values of the column `arm`: the coder saw a suggestion, or by lot saw none."""

_APART = f"{WITH} - {WITHOUT}"
_SAME, _RIGHT, _ALPHA = "label of the suggestion", "label of the gold", "alpha"
_COLUMNS = ("measure", "coder", "arm", "difference", "n", "n_same", "value", "low", "high", "seconds", "reason")
_ABOUT = "The pull of suggestions cannot be told."
_NOTE = (
    "Share of codings with the suggested label, by whether the coder saw the suggestion; seconds are medians. Wilson "
    "intervals of shares, Newcombe's (1998) of differences: codings count as independent. Alpha is of the people."
)


def suggestion_report(codings: Codings, model: str = "", *, resample: Bootstrap = Bootstrap()) -> Result:
    """How often people took a suggestion over, and how often they gave its label without having seen it.

    Parameters
    ----------
    codings
        Of one variable, with the columns `arm` ("with": a suggestion was shown; "without": by lot none was) and
        `suggestion` (the label that was, or would have been, suggested), as coding logs have them.
    model
        The coder whose labels were suggested, where a row does not say what was.
    resample
        For the intervals of alpha; its confidence is that of all.

    Returns
    -------
    Result
        One row per measure, coder (empty for all) and arm, then how far the arms are apart: measure (label of the
        suggestion, label of the gold where there is one, alpha), coder, arm, difference, n (codings; units of alpha),
        n_same, value, low, high, seconds (median), reason. Below 20 no interval is given.

    Raises
    ------
    StatisticError
        No column says in which arm a label was given, or nobody knows what was suggested.

    Examples
    --------
    >>> from codebook.analysis.core.examples import make_table
    >>> from codebook.analysis.core.scales import VariableSpec
    >>> table = make_table("tone", {"ann": ["a", "b"] * 40, "bo": ["a", "a", "b", "a"] * 20, "m": ["a"] * 80})
    >>> table["arm"] = ["with", "with", "without", "without"] * 60
    >>> codings = Codings(table, [VariableSpec("tone", "nominal", ["a", "b"])], models=("m",))
    >>> result = suggestion_report(codings, "m", resample=Bootstrap(200))
    >>> print(result.finding)
    With a suggestion its label was given in 75 % of 80 codings, without one in 50 % of 80; difference .25 [.10, .38].
    """
    variable = codings.variable
    result = blank_result(codings, _COLUMNS, "suggestions", "Pull of suggestions", "reliability")
    raise_faults(_ABOUT, _check(codings, model))
    rows, n_unknown = _pair(codings, model)
    if missing := [arm for arm in (WITH, WITHOUT) if not (rows["arm"] == arm).any()]:
        reason = (
            f"No label of a person was given {name_some(missing)} a suggestion: there is nothing to hold it against."
        )
        return nothing_to_say(codings, reason, result)
    frame = pd.DataFrame(_list_rows(codings, rows, resample), columns=list(_COLUMNS))
    facts = Facts(
        n_units=rows["unit_id"].nunique(),
        n_coders=rows["coder"].nunique(),
        level=variable.level or "",
        bootstrap=resample,
        resampled="units with two or more codings of an arm",
        dropped={"codings of which no suggestion is known": n_unknown} if n_unknown else {},
        joins=codings.joins,
    )
    return replace(
        result,
        frame=frame,
        facts=facts,
        finding=_say(frame),
        remarks=(_NOTE, *facts.left_aside),
        table=_print(frame),
        figure=partial(_draw, frame, f"{100 * resample.confidence:g} % intervals."),
    )


def _check(codings: Codings, model: str) -> list[Fault]:
    faults = check_coders(codings.frame, [model] if model else [])
    if "arm" not in codings.frame:
        mend = "use the codings of coding logs, or add the column: 'with' or 'without' for each label"
        faults.append(Fault("arm", "no column says whether a suggestion was shown", mend))
    if "suggestion" not in codings.frame and not model:
        mend = 'name the coder whose labels were suggested: suggestion_report(codings, "MODEL")'
        faults.append(Fault("suggestion", "nobody says what was suggested", mend))
    return faults


def _pair(codings: Codings, model: str) -> tuple[pd.DataFrame, int]:
    """Labels of people in one of the arms, each with what was or would have been suggested; and how many lack that."""
    every = codings.frame[codings.frame["label"].notna() & (codings.frame["draw"] == 0)]
    rows = every[every["coder"].isin(codings.people) & every["arm"].isin([WITH, WITHOUT])]
    suggested = rows["suggestion"] if "suggestion" in rows else pd.Series(index=rows.index, dtype=object)
    suggested = suggested.where(suggested.notna() & (suggested != ""))
    if model:
        labels = every[every["coder"] == model].set_index("unit_id")["label"]
        would_be = rows["unit_id"].map(labels[~labels.index.duplicated()])
        was_shown = (rows["arm"] == WITH) & ("suggestion" in rows)  # then the row itself says what
        suggested = suggested.where(was_shown, suggested.fillna(would_be))
    known = suggested.notna()
    return rows[known].assign(suggestion=suggested[known]), int((~known).sum())


def _list_rows(codings: Codings, rows: pd.DataFrame, bootstrap: Bootstrap) -> Iterator[dict[str, Any]]:
    gold = codings.frame[codings.frame["coder"] == codings.gold].dropna(subset="label")
    right = rows["unit_id"].map(gold.drop_duplicates("unit_id").set_index("unit_id")["label"])
    measures = {_SAME: rows["suggestion"], **({_RIGHT: right} if right.notna().any() else {})}
    known = {}
    for measure, labels in measures.items():
        first, second = (each.map(lambda text: read_label_set(str(text)) or text) for each in (rows["label"], labels))
        known[measure] = rows.assign(same=first == second)[labels.notna()]  # sets in any order
    for measure, part in known.items():
        yield from ({"measure": measure, "coder": "", **row} for row in _share_rows(part, bootstrap.confidence))
    yield from _alpha_rows(codings, rows, bootstrap)
    if rows["coder"].nunique() == 1:
        return
    for measure, part in known.items():
        for coder, own in part.groupby("coder", sort=True):
            yield from ({"measure": measure, "coder": coder, **row} for row in _share_rows(own, bootstrap.confidence))


def _share_rows(part: pd.DataFrame, confidence: float) -> Iterator[dict[str, Any]]:
    """The share in each arm, and their difference."""
    arms = {arm: part[part["arm"] == arm] for arm in (WITH, WITHOUT)}
    counts = {arm: (int(rows["same"].sum()), len(rows)) for arm, rows in arms.items()}
    for arm, (n_same, n) in counts.items():
        ends = wilson_interval(n_same, n, confidence) if n >= FEWEST else (math.nan, math.nan)
        value = n_same / n if n else math.nan
        seconds = pd.to_numeric(arms[arm].get("seconds", pd.Series(dtype=float)), errors="coerce").median()
        yield _row(arm, n, value, ends, n_same=n_same, seconds=float(seconds))
    (a, n_a), (b, n_b) = counts.values()
    ends = (math.nan, math.nan)
    if min(n_a, n_b) >= FEWEST:
        ends = newcombe_interval((a, n_a), (b, n_b), confidence)
    value = a / n_a - b / n_b if n_a and n_b else math.nan
    yield _row(_APART, n_a + n_b, value, ends, n_same=a + b, enough=min(n_a, n_b) >= FEWEST)


def _row(
    arm: str,
    n: int,
    value: float,
    ends: tuple[float, float],
    *,
    n_same: float = math.nan,
    seconds: float = math.nan,
    enough: bool | None = None,
) -> dict[str, Any]:
    has_interval = n >= FEWEST if enough is None else enough
    reason = "" if has_interval else f"no interval: fewer than {FEWEST}" if not math.isnan(value) else "no coding"
    figures = {"value": value, "low": ends[0], "high": ends[1], "seconds": seconds}
    return {"arm": arm, "difference": arm == _APART, "n": n, "n_same": n_same, **figures, "reason": reason}


def _alpha_rows(codings: Codings, rows: pd.DataFrame, bootstrap: Bootstrap) -> Iterator[dict[str, Any]]:
    """Alpha of the people on what they labelled in each arm, and the difference; a unit in both arms is one cluster."""
    variable = codings.variable
    level = "masi" if variable.kind == "multi" else variable.level or ""
    if variable.kind not in KINDS or level not in (*LEVELS, "masi") or rows["coder"].nunique() < 2:
        return
    clusters = codings.clusters if codings.clusters is not None else pd.Series({unit: unit for unit in rows["unit_id"]})
    codes = {
        arm: join_cluster(
            read_codes(rows[rows["arm"] == arm], variable=variable.name, level=level, labels=list_labels(variable)),
            clusters,
        )
        for arm in (WITH, WITHOUT)
    }
    compared = {arm: Comparison({}, each) for arm, each in codes.items()}
    compared[_APART] = Comparison({}, codes[WITH], beside=codes[WITHOUT])
    for arm, each in compared.items():
        (figures,) = comparison_rows(each, ("alpha",), bootstrap, FEWEST)
        row = {name: figures[name] for name in ("value", "low", "high", "reason")}
        head = {"measure": _ALPHA, "coder": "", "arm": arm, "difference": arm == _APART, "n": figures["n_units"]}
        yield {**head, "n_same": math.nan, "seconds": math.nan, **row}


def _say(frame: pd.DataFrame) -> str:
    """The share of each arm, and the difference."""
    same = frame[(frame["measure"] == _SAME) & (frame["coder"] == "")].set_index("arm").to_dict("index")
    shown, bare, apart = (same[arm] for arm in (WITH, WITHOUT, _APART))
    more = say_figure(apart, "value", places_of(int(apart["n"])))
    return (
        f"With a suggestion its label was given in {say_percent(shown['value'])} of {shown['n']:,} codings, without "
        f"one in {say_percent(bare['value'])} of {bare['n']:,}; difference {more}."
    )


def _print(frame: pd.DataFrame) -> pd.DataFrame:
    """Seven columns: what, who, arm, how many, the figure with its interval, seconds."""
    shown = frame.assign(coder=frame["coder"].replace("", "all"))
    columns = ["measure", "coder", "arm", "n", "value", "low", "high"]
    if frame["seconds"].notna().any():
        columns.append("seconds")
        shown["seconds"] = [format_figure(each, 1, "amount") for each in frame["seconds"]]
    return shown[columns]


def _draw(frame: pd.DataFrame, note: str) -> Any:
    rows = frame[~frame["difference"]]
    names = rows["measure"] + rows["coder"].map(lambda coder: f", {coder}" if coder else "")
    named = rows.assign(name=keep_order(names), block=rows["measure"])
    return plot_estimates(named, group="arm", quantity="share of codings, or alpha", note=note)
