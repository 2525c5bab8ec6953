"""Who was right in the end: how often each coder's label was the one decided for, and where a third was."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pandas as pd

from codebook.analysis.core.codings import Codings
from codebook.analysis.core.forest import plot_estimates
from codebook.analysis.core.result import Facts, Result, nothing_to_say
from codebook.analysis.core.scales import read_label_set
from codebook.analysis.core.standard_errors import FEWEST, wilson_interval
from codebook.ground.quantities import is_or_are, say_count

_COLUMNS = ("coder", "n", "n_won", "value", "low", "high", "reason")


def sides_won(codings: Codings, decided: str = "adjudicated", *, confidence: float = 0.95) -> Result:
    """Of the units on which coders differed and somebody decided, how often each coder's label was decided for.

    Parameters
    ----------
    codings
        Of one variable, with the decisions as a coder: those of `adjudicate`.
    decided
        That coder.

    Returns
    -------
    Result
        One row per coder: n (disputed and decided units that the coder labelled), n_won, value, low and high (Wilson;
        none below 20 units), reason; and the row "a third label", where no coder's label was decided for.

    Examples
    --------
    >>> from codebook.analysis.core.examples import make_table
    >>> from codebook.analysis.core.scales import VariableSpec
    >>> table = make_table("tone", {"ann": list("aaab"), "bo": list("abba"), "adjudicated": [None, "a", "a", "c"]})
    >>> result = sides_won(Codings(table, [VariableSpec("tone", "nominal", list("abc"))]))
    >>> print(result.finding)
    3 disputed units are decided: for ann on 2 of 3, for bo on 0 of 3, for a third label on 1.
    """
    names = [name for name in (*codings.people, *codings.machines) if name != decided]
    result = Result(pd.DataFrame(columns=list(_COLUMNS)), "sides_won", "How often each side won", "decisions")
    if decided not in codings.coders:
        return nothing_to_say(codings, f"Nobody called {decided!r} has decided: no side has won.", result)
    labels, decisions = _read_disputed(codings, names, decided)
    if labels.empty:
        return nothing_to_say(codings, "No disputed unit is decided: no side has won.", result)
    frame = pd.DataFrame(list(_count(labels, decisions, confidence)), columns=list(_COLUMNS))
    return replace(
        result,
        frame=frame,
        facts=Facts(n_units=len(decisions), n_coders=len(names), joins=codings.joins),
        finding=_say(frame, len(decisions)),
        remarks=(f"Wilson intervals; none below {FEWEST} units. Sets of labels are compared whole.",),
        table=frame.drop(columns="reason"),
        figure=partial(_draw, frame, f"{100 * confidence:g} % intervals after Wilson."),
        outputs=codings.outputs,
    )


def _read_disputed(codings: Codings, names: list[str], decided: str) -> tuple[pd.DataFrame, pd.Series[Any]]:
    """Labels (units x coders, a cell empty where there is none) and decisions of units that are both."""
    rows = codings.frame[codings.frame["label"].notna() & (codings.frame["draw"] == 0)]
    rows = rows.assign(label=rows["label"].map(lambda text: read_label_set(str(text)) or text))
    wide = rows.pivot(index="unit_id", columns="coder", values="label")
    labels = wide.reindex(columns=names).dropna(how="all")
    decisions = wide[decided].reindex(labels.index)
    is_disputed = labels.apply(lambda row: len(set(row.dropna())) > 1, axis=1).astype(bool)
    chosen = is_disputed & decisions.notna()
    return labels[chosen], decisions[chosen]


def _count(labels: pd.DataFrame, decisions: pd.Series[Any], confidence: float) -> Iterator[dict[str, Any]]:
    wins = labels.apply(lambda column: column == decisions)
    for name in labels:
        n, n_won = int(labels[name].notna().sum()), int(wins[name].sum())
        yield _row(str(name), n, n_won, confidence)
    yield _row("a third label", len(labels), int((~wins.any(axis=1)).sum()), confidence)


def _row(name: str, n: int, n_won: int, confidence: float) -> dict[str, Any]:
    low, high = wilson_interval(n_won, n, confidence) if n >= FEWEST else (math.nan, math.nan)
    reason = "" if n >= FEWEST else f"no interval: fewer than {FEWEST} units" if n else "no disputed unit"
    return dict(zip(_COLUMNS, (name, n, n_won, n_won / n if n else math.nan, low, high, reason), strict=True))


def _say(frame: pd.DataFrame, n_units: int) -> str:
    *coders, third = frame.to_dict("records")
    sides = [f"for {row['coder']} on {row['n_won']:,} of {row['n']:,}" for row in coders]
    more = f"for a third label on {third['n_won']:,}"
    return f"{say_count(n_units, 'disputed unit')} {is_or_are(n_units)} decided: {', '.join([*sides, more])}."


def _draw(frame: pd.DataFrame, note: str) -> Any:
    return plot_estimates(frame, name="coder", quantity="share of disputed units decided for", note=note)
