"""Does a coder agree with oneself? Units that came to the same coder a second time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pandas as pd

from codebook.analysis.core.codings import Codings
from codebook.analysis.core.estimates import Bootstrap, say_figure
from codebook.analysis.core.forest import plot_estimates
from codebook.analysis.core.result import Facts, Result, blank_result, nothing_to_say
from codebook.analysis.core.standard_errors import FEWEST
from codebook.analysis.reliability import reliability
from codebook.ground.quantities import places_of, say_count

_FIGURES = ("coefficient", "value", "low", "high", "n_units", "reason")
_COLUMNS = ("coder", *_FIGURES)


def self_agreement(codings: Codings, *, least: int = FEWEST, resample: Bootstrap = Bootstrap()) -> Result:
    """How often each coder gave a repeated unit the same label again, and alpha between the two times.

    Parameters
    ----------
    codings
        Of one variable; the second time is draw 1 of the same coder.
    least
        Units below which no interval is given.

    Returns
    -------
    Result
        Two rows per coder: coder, coefficient (percent, alpha), value, low, high, n_units, reason.

    Examples
    --------
    >>> from codebook.analysis.core.examples import make_table
    >>> from codebook.analysis.core.scales import VariableSpec
    >>> first = make_table("tone", {"ann": list("aabb"), "bo": list("abab")})
    >>> again = make_table("tone", {"ann": list("aaba")}).assign(draw=1)
    >>> codings = Codings(pd.concat([first, again]), [VariableSpec("tone", "nominal", ["a", "b"])])
    >>> print(self_agreement(codings).finding)
    The same label a second time: ann .75 [no interval] (4 units).
    """
    result = blank_result(codings, _COLUMNS, "self_agreement", "Agreement of coders with themselves", "reliability")
    frame = pd.DataFrame(list(_list_rows(codings, least, resample)), columns=list(_COLUMNS))
    if frame.empty:
        return nothing_to_say(
            codings, "No unit was shown to a coder a second time, so there is nothing to compare.", result
        )
    facts = Facts(
        n_units=int(frame["n_units"].max()),
        n_coders=frame["coder"].nunique(),
        level=codings.variable.level or "",
        bootstrap=resample,
        resampled="units that came twice",
        joins=codings.joins,
    )
    return replace(
        result,
        frame=frame,
        facts=facts,
        finding=_say(frame),
        remarks=(f"No interval below {least} units.",),
        table=frame[["coder", "coefficient", "value", "low", "high", "n_units"]],
        figure=partial(
            plot_estimates,
            frame,
            name="coder",
            group="coefficient",
            quantity="agreement with oneself",
            note=facts.interval,
        ),
    )


def _list_rows(codings: Codings, least: int, bootstrap: Bootstrap) -> Iterator[dict[Any, Any]]:
    """Of each person who labelled a unit twice, the two times as if two coders."""
    frame = codings.frame[codings.frame["label"].notna() & codings.frame["draw"].isin([0, 1])]
    for coder in codings.people:
        labels = frame[frame["coder"] == coder]
        twice = labels[labels.groupby("unit_id")["draw"].transform("nunique") > 1]
        if twice.empty:
            continue
        times = twice.assign(coder=twice["draw"].map({0: "first", 1: "second"}), draw=0)
        pair = replace(codings, frame=times, gold="", models=())
        figures = reliability(pair, coefficients=("percent", "alpha"), resample=bootstrap, least=least).frame
        whole = figures[figures["label"].isin(["", "(set)"])].drop_duplicates("coefficient")
        yield from ({"coder": coder, **row} for row in whole[list(_FIGURES)].to_dict("records"))


def _say(frame: pd.DataFrame) -> str:
    rows = frame[frame["coefficient"] == "percent"].to_dict("records")
    parts = [
        f"{row['coder']} {say_figure(row, 'value', places_of(row['n_units']), kind='share')} "
        f"({say_count(row['n_units'], 'unit')})"
        for row in rows
    ]
    return f"The same label a second time: {'; '.join(parts)}."
