"""Does agreement drift? By blocks of time for all coders together, and by blocks of each coder's own order."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import raise_faults
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.estimates import Bootstrap, say_figure
from codebook.analysis.core.forest import keep_order, plot_estimates
from codebook.analysis.core.result import Facts, Result, blank_result, nothing_to_say
from codebook.analysis.core.standard_errors import FEWEST, newcombe_interval, wilson_interval
from codebook.analysis.reliability import reliability
from codebook.errors import Fault
from codebook.ground.quantities import format_figure, places_of

ALPHA, ALONE = "alpha", "agreement with the others"
_COLUMNS = ("measure", "coder", "block", "first", "last", "n", "value", "low", "high", "reason")
_NOTE = (
    "Alpha: units in the order in which they got their second label. Each coder: share of the other coders' labels "
    "that are the same, in blocks of the coder's own order (Wilson intervals over units)."
)


def drift(codings: Codings, blocks: int = 4, *, least: int = FEWEST, resample: Bootstrap = Bootstrap()) -> Result:
    """How agreement changes from the first labels to the last: which coder drifts, and when.

    Parameters
    ----------
    codings
        Of one variable, with the column `time` of coding logs.
    blocks
        How many parts, with as many units each.
    least
        Units of a block below which no interval is given.

    Returns
    -------
    Result
        One row per measure (alpha; agreement with the others), coder and block, in order of time: first, last (times),
        n (units), value, low, high, reason.

    Raises
    ------
    StatisticError
        No column says when a label was given; fewer than two blocks.

    Examples
    --------
    >>> from codebook.analysis.core.examples import make_table
    >>> from codebook.analysis.core.scales import VariableSpec
    >>> table = make_table("tone", {"ann": list("aabb") * 20, "bo": list("aabb") * 10 + list("abab") * 10})
    >>> table["time"] = [f"2026-12-01T{at // 60:02}:{at % 60:02}:00Z" for at in range(80)] * 2
    >>> codings = Codings(table, [VariableSpec("tone", "nominal", ["a", "b"])])
    >>> print(drift(codings, 2, resample=Bootstrap(200)).finding)
    Alpha was 1.00 [.81, 1.00] in the first of 2 blocks and is .01 [−.30, .32] in the last.
    """
    result = blank_result(codings, _COLUMNS, "drift", "Agreement over time", "reliability")
    raise_faults("Drift cannot be measured.", _check(codings, blocks))
    rows = _read_labels(codings)
    if rows.empty:
        return nothing_to_say(codings, "No unit was labelled by two people, so drift cannot be measured.", result)
    shared = [*_alpha_rows(codings, rows, blocks, least, resample)]
    by_coder = [
        row for coder, part in rows.groupby("coder", sort=True) for row in _coder_rows(str(coder), part, blocks, least)
    ]
    frame = pd.DataFrame([*shared, *by_coder], columns=list(_COLUMNS))
    facts = Facts(
        n_units=rows["unit_id"].nunique(),
        n_coders=rows["coder"].nunique(),
        level=codings.variable.level or "",
        bootstrap=resample,
        resampled="units with two or more codings",
        joins=codings.joins,
    )
    return replace(
        result,
        frame=frame,
        facts=facts,
        finding=_say(frame, blocks),
        remarks=(_NOTE,),
        table=frame[["measure", "coder", "block", "n", "value", "low", "high"]],
        figure=partial(_draw, frame, f"No interval below {least} units."),
    )


def _check(codings: Codings, blocks: int) -> list[Fault]:
    faults = []
    if "time" not in codings.frame:
        mend = "use the codings from coding logs, or add the column"
        faults.append(Fault("time", "no column says when a label was given", mend))
    if blocks < 2:
        faults.append(Fault("blocks", f"{blocks} blocks cannot be compared", "pass 2 or more"))
    return faults


def _read_labels(codings: Codings) -> pd.DataFrame:
    """Labels of people on units that two of them labelled, each with the share of the others' that are the same."""
    frame = codings.frame
    rows = frame[frame["label"].notna() & (frame["draw"] == 0) & frame["coder"].isin(codings.people)]
    n_all = rows.groupby("unit_id")["label"].transform("size")
    n_same = rows.groupby(["unit_id", "label"])["label"].transform("size")
    shared = rows.assign(agrees=(n_same - 1) / (n_all - 1).clip(lower=1))
    return shared[n_all > 1].sort_values("time", kind="stable")


def _cut(n: int, blocks: int) -> Any:
    """The block of each of n things in order, from 1."""
    return np.arange(n) * blocks // max(n, 1) + 1


def _alpha_rows(
    codings: Codings, rows: pd.DataFrame, blocks: int, least: int, bootstrap: Bootstrap
) -> Iterator[dict[str, Any]]:
    """Alpha of all coders by when the second label of a unit came."""
    second = rows[rows.groupby("unit_id").cumcount() == 1]
    block = pd.Series(_cut(len(second), blocks), index=second["unit_id"], name="block")
    times = second.assign(block=block.to_numpy()).groupby("block")["time"].agg(["min", "max"])
    for number in times.index:
        units = block.index[block == number]
        part = replace(codings, frame=rows[rows["unit_id"].isin(units)])
        rows_found = reliability(part, coefficients=("alpha",), resample=bootstrap, least=least).frame
        rows_of_all = rows_found[rows_found["label"].isin(["", "(set)"])]
        row = {name: rows_of_all[name].iloc[0] for name in ("value", "low", "high", "reason")}
        first, last = times.loc[number]
        yield {"measure": ALPHA, "coder": "", "block": number, "first": first, "last": last, "n": len(units), **row}


def _coder_rows(coder: str, rows: pd.DataFrame, blocks: int, least: int) -> Iterator[dict[str, Any]]:
    """Agreement of one coder with the others, in the order in which the coder coded."""
    for number, part in rows.groupby(_cut(len(rows), blocks)):
        n, share = len(part), float(part["agrees"].mean())
        low, high = wilson_interval(share * n, n) if n >= least else (float("nan"), float("nan"))
        reason = "" if n >= least else f"no interval: fewer than {least} units"
        head = {"measure": ALONE, "coder": coder, "block": number}
        times = {"first": part["time"].iloc[0], "last": part["time"].iloc[-1]}
        yield {**head, **times, "n": n, "value": share, "low": low, "high": high, "reason": reason}


def _say(frame: pd.DataFrame, blocks: int) -> str:
    """Alpha of the first block and of the last; and the coder who fell most, where one fell."""
    alpha = frame[frame["measure"] == ALPHA].to_dict("records")
    places = places_of(int(frame["n"].sum()))
    first, last = (say_figure(row, "value", places) for row in (alpha[0], alpha[-1]))
    return f"Alpha was {first} in the first of {blocks} blocks and is {last} in the last{_say_fall(frame, places)}."


def _say_fall(frame: pd.DataFrame, places: int) -> str:
    """The coder who fell most, where that is more than chance; of two coders both agree as much with the other."""
    falls = []
    for coder, blocks in frame[frame["measure"] == ALONE].groupby("coder"):
        first, last = (blocks.iloc[at] for at in (0, -1))
        if not math.isnan(min(first["low"], last["low"])):
            ends = [(float(end["value"] * end["n"]), int(end["n"])) for end in (first, last)]
            falls.append((newcombe_interval(ends[0], ends[1])[0], coder, first["value"], last["value"]))
    if len(falls) < 3 or max(falls)[0] <= 0:
        return ""
    _, name, before, after = max(falls)
    words = [format_figure(share, places, "share") for share in (before, after)]
    return f"; {name} fell most, from {words[0]} agreement with the others to {words[1]}"


def _draw(frame: pd.DataFrame, note: str) -> Any:
    blocks = keep_order("block " + frame["block"].astype(str))
    named = frame.assign(name=blocks, who=frame["coder"].replace("", "alpha, all coders"))
    return plot_estimates(named, group="who", quantity="alpha, or agreement with the other coders", note=note)
