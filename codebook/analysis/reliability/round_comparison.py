"""A norming round: the same units coded again by the same coders after the codebook was changed. Do they agree more?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pandas as pd

from codebook.analysis.core.checks import raise_faults
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.counts import LabelCodes, join_cluster, read_codes
from codebook.analysis.core.estimates import Bootstrap, say_figure
from codebook.analysis.core.forest import keep_order, plot_estimates
from codebook.analysis.core.result import Facts, Result, nothing_to_say
from codebook.analysis.core.scales import LEVELS, list_labels
from codebook.analysis.core.standard_errors import FEWEST
from codebook.analysis.reliability.agreement_rows import comparison_rows
from codebook.analysis.reliability.comparisons import KINDS, Comparison
from codebook.errors import Fault
from codebook.ground.quantities import format_figure, places_of, say_count

BEFORE, AFTER, GAIN = "before", "after", "after - before"
_COLUMNS = ("label", "round", "difference", "value", "low", "high", "p", "n_units", "reason")
_ABOUT = "The rounds cannot be compared."
_NOTE = (
    "Alpha of the same coders on the same units, before and after; below it each code against all others. Units are "
    "resampled once for both rounds. Units that were chosen because they were disputed agree more the second time by "
    "chance alone."
)


def norming(before: Codings, after: Codings, *, resample: Bootstrap = Bootstrap()) -> Result:
    """Alpha before and after a changed codebook, on the units that the same coders coded in both rounds.

    Parameters
    ----------
    before, after
        Codings of one variable, in the first round and in the second. Only units and coders of both are compared;
        models and the gold are left out.

    Returns
    -------
    Result
        For all codes (label is empty) and for each: label, round (before, after, after - before), difference, value
        (alpha), low, high (none below 20 units), p (of a difference), n_units, reason. `facts.dropped` says which
        codings one round lacks.

    Raises
    ------
    StatisticError
        The rounds are of different variables, or of a kind that has no alpha.

    Examples
    --------
    >>> from codebook.analysis.core.examples import make_table
    >>> from codebook.analysis.core.scales import VariableSpec
    >>> tone = [VariableSpec("tone", "nominal", ["a", "b"])]
    >>> first = Codings(make_table("tone", {"ann": list("aabb") * 10, "bo": list("abab") * 10}), tone)
    >>> second = Codings(make_table("tone", {"ann": list("aabb") * 10, "bo": list("aabb") * 10}), tone)
    >>> print(norming(first, second, resample=Bootstrap(200)).finding)
    Alpha was .01 before and is 1.00 after; difference .99 [.62, 1.28] (2 coders, 40 units coded in both rounds).
    """
    raise_faults(_ABOUT, _check(before, after))
    result = Result(pd.DataFrame(columns=list(_COLUMNS)), "norming", "Agreement before and after", "reliability")
    rounds, dropped = _meet(before, after)
    coders = rounds[0]["coder"].nunique()
    if coders < 2:
        return nothing_to_say(before, "No two people coded the same units in both rounds: nothing to compare.", result)
    frame = pd.DataFrame(list(_list_rows(before, rounds, resample)), columns=list(_COLUMNS))
    facts = Facts(
        n_units=int(frame["n_units"].iloc[0]),
        n_coders=coders,
        level=before.variable.level or "",
        bootstrap=resample,
        resampled="units coded in both rounds",
        dropped=dropped,
        joins=before.joins,
    )
    shown = before.in_words(frame)
    return replace(
        result,
        frame=frame,
        facts=facts,
        finding=_say(frame, coders),
        remarks=(_NOTE, *facts.left_aside),
        table=_print(shown),
        figure=partial(_draw, shown, facts.interval),
        outputs=after.outputs,
    )


def _check(before: Codings, after: Codings) -> list[Fault]:
    first, second = before.variable, after.variable
    faults = []
    if first.name != second.name:
        mend = 'choose the same variable: codings.of("NAME")'
        faults.append(Fault("variable", f"one round is of {first.name!r}, the other of {second.name!r}", mend))
    if first.kind not in KINDS or (first.kind != "multi" and first.level not in LEVELS):
        mend = f"choose a variable with a level, of a kind among {', '.join(KINDS)}"
        faults.append(Fault("kind", f"labels of kind {first.kind!r} have no alpha", mend))
    return faults


def _meet(before: Codings, after: Codings) -> tuple[tuple[pd.DataFrame, pd.DataFrame], dict[str, int]]:
    """The labels of both rounds, cut to units and coders of both, and how many codings one round lacks."""
    keys = ["unit_id", "coder"]
    labels = [
        each.frame[each.frame["label"].notna() & (each.frame["draw"] == 0) & each.frame["coder"].isin(each.people)]
        for each in (before, after)
    ]
    common = labels[0][keys].merge(labels[1][keys])
    first, second = (each.merge(common) for each in labels)
    counts = {"codings without one after": len(labels[0]) - len(first)}
    counts |= {"codings without one before": len(labels[1]) - len(second)}
    return (first, second), {what: n for what, n in counts.items() if n}


def _list_rows(
    before: Codings, rounds: tuple[pd.DataFrame, pd.DataFrame], bootstrap: Bootstrap
) -> Iterator[dict[str, Any]]:
    variable = before.variable
    level = "masi" if variable.kind == "multi" else variable.level or ""
    clusters = before.clusters if before.clusters is not None else pd.Series({u: u for u in rounds[0]["unit_id"]})
    first, second = (
        join_cluster(read_codes(each, variable=variable.name, level=level, labels=list_labels(variable)), clusters)
        for each in rounds
    )
    yield from _compare("", first, second, bootstrap)
    if variable.kind in ("single", "multi"):
        for at, label in enumerate(variable.labels or ()):
            yield from _compare(label, first.yes_no(at), second.yes_no(at), bootstrap)


def _compare(label: str, first: LabelCodes, second: LabelCodes, bootstrap: Bootstrap) -> Iterator[dict[str, Any]]:
    compared = {BEFORE: Comparison({}, first), AFTER: Comparison({}, second)}
    compared[GAIN] = Comparison({}, second, beside=first, paired=True)
    for name, each in compared.items():
        (figures,) = comparison_rows(each, ("alpha",), bootstrap, FEWEST)
        row = {column: figures[column] for column in ("value", "low", "high", "p", "n_units", "reason")}
        yield {"label": label, "round": name, "difference": name == GAIN, **row}


def _say(frame: pd.DataFrame, n_coders: int) -> str:
    rows = frame[frame["label"] == ""].set_index("round").to_dict("index")
    n_units = int(rows[GAIN]["n_units"])
    first, second = (format_figure(rows[name]["value"], places_of(n_units)) for name in (BEFORE, AFTER))
    gain = say_figure(rows[GAIN], "value", places_of(n_units))
    size = f"{say_count(n_coders, 'coder')}, {say_count(n_units, 'unit')} coded in both rounds"
    return f"Alpha was {first} before and is {second} after; difference {gain} ({size})."


def _print(frame: pd.DataFrame) -> pd.DataFrame:
    shown = frame.assign(label=frame["label"].replace("", "all codes"))
    return shown[["label", "round", "value", "low", "high", "p", "n_units"]]


def _draw(frame: pd.DataFrame, note: str) -> Any:
    rows = frame[~frame["difference"]]
    named = rows.assign(name=keep_order(rows["label"].replace("", "all codes")), block=rows["label"] != "")
    return plot_estimates(named, group="round", quantity="alpha", note=note)
