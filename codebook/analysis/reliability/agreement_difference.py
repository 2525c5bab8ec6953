"""Do the coders of one set of codings agree more than those of another? Paired on the units that both have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import raise_faults
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.counts import LabelCodes
from codebook.analysis.core.estimates import Bootstrap, say_figure
from codebook.analysis.core.forest import keep_order, plot_estimates
from codebook.analysis.core.plain_frames import as_codings
from codebook.analysis.core.result import Facts, Result, nothing_to_say
from codebook.analysis.reliability.agreement_rows import comparison_rows
from codebook.analysis.reliability.agreement_words import name_coefficient
from codebook.analysis.reliability.coefficients import Coefficient, check_coefficients
from codebook.analysis.reliability.comparisons import Comparison, labelled_twice, read_variable
from codebook.errors import Fault
from codebook.ground.quantities import MINUS, places_of, say_count, say_p

_ABOUT = "The two cannot be compared."
_COLUMNS = ("coefficient", "detail", "side", "value", "low", "high", "se", "p", "n_units", "n_coders", "reason")
_PAIRED = "Both figures are of the units with two or more labels on each side; a replicate draws a unit for both sides."
_APART = "The two sides have no unit in common: their units are drawn independently."


def compare_agreement(
    a: Codings | pd.DataFrame,
    b: Codings | pd.DataFrame,
    *,
    names: tuple[str, str] = ("a", "b"),
    coefficients: Sequence[str | Coefficient] = ("alpha",),
    level: str = "",
    resample: Bootstrap = Bootstrap(),
) -> Result:
    """How much more do the coders of `a` agree than those of `b`? With interval and p.

    For example people, and people with a model: `codings.only(people)` and `codings.only([*people, model])`; or rounds
    before and after training, two variables, two groups of units. Units that both sides have are paired, as McKenzie et
    al. (1996) and Gwet (2016) compare correlated coefficients.

    Parameters
    ----------
    a, b
        Codings of one variable each. The gold does not count as a coder.
    names
        Of the two sides, for table and figure.
    coefficients, level
        As in `reliability`.

    Returns
    -------
    Result
        `frame` has three rows per coefficient, of the side a, b and a - b: value, low, high, se (by linearisation), p
        (of the difference, two-sided, by the replicates), n_units, n_coders, reason.

    Raises
    ------
    StatisticError
        All faults of the codings and of the request.

    Examples
    --------
    >>> people = pd.DataFrame({"ann": list("aabb") * 10, "ben": list("aaba") * 10})
    >>> words = {"level": "nominal", "names": ("people", "with model"), "resample": Bootstrap(200)}
    >>> print(compare_agreement(people, people.assign(model=list("abab") * 10), **words).finding)
    Krippendorff's alpha: people .47, with model −.02; difference .49 [.06, .76], p = .030 (40 units in both).
    """
    raise_faults(_ABOUT, check_coefficients(coefficients))
    sides = [as_codings(side, level=level) for side in (a, b)]
    title = f"Agreement: {names[0]} {MINUS} {names[1]}"
    empty = Result(pd.DataFrame(columns=list(_COLUMNS)), "agreement_difference", title, "reliability")
    read = [_read(side) for side in sides]
    raise_faults(_ABOUT, [fault for _, faults in read for fault in faults])
    codes = [code for code, _ in read if code is not None]
    if lacking := [name for name, side in zip(names, codes, strict=True) if not len(labelled_twice(side))]:
        return nothing_to_say(sides[0], f"No unit of {lacking[0]} has labels of two coders: nothing to compare.", empty)
    pair, n_common, dropped = _pair(codes, sides)
    rows = list(_list_rows(pair, names, n_common > 0, coefficients, resample))
    frame = pd.DataFrame(rows, columns=list(_COLUMNS))
    facts = Facts(
        n_units=int(frame["n_units"].iloc[0]),
        n_coders=int(frame["n_coders"].iloc[2]),
        level=pair[0].scale.level if pair[0].scale.level == pair[1].scale.level else "",
        bootstrap=resample,
        resampled="clusters of units" if sides[0].clusters is not None else "units",
        dropped={"units of one side only": dropped} if dropped else {},
        joins=tuple(dict.fromkeys([*sides[0].joins, *sides[1].joins])),
    )
    left = (
        [f"Left aside: {say_count(dropped, 'unit')} without two labels on each side."] if dropped and n_common else []
    )
    return replace(
        empty,
        frame=frame,
        facts=facts,
        finding=_say(frame, n_common),
        remarks=(_PAIRED if n_common else _APART, *left),
        table=_print(frame),
        figure=partial(_draw, frame, facts.interval),
        outputs=sides[0].outputs,
    )


def _read(codings: Codings) -> tuple[LabelCodes | None, list[Fault]]:
    """The label codes of the one variable of codings, or why there are none."""
    variable = codings.variable
    _, codes = next(read_variable(codings, variable, [*codings.people, *codings.machines]))
    if codes is None:
        return None, [Fault(variable.name, "it has no level of measurement", "pass level=, or choose another variable")]
    return codes, []


def _pair(codes: Sequence[LabelCodes], sides: Sequence[Codings]) -> tuple[list[LabelCodes], int, int]:
    """Both sides on the units they share, in the same clusters; how many these are, and how many only one side has."""
    first, second = (labelled_twice(side) for side in codes)
    both = first.intersection(second, sort=False)
    if not len(both):
        return list(codes), 0, 0
    clusters = next((side.clusters for side in sides if side.clusters is not None), None)
    named = pd.Series(both, index=both) if clusters is None else pd.Series(clusters).reindex(both)
    code = pd.Series(pd.factorize(named)[0], index=both)
    cut = [side.within(np.asarray(side.units.isin(both))) for side in codes]
    paired = [replace(side, cluster=code.reindex(side.units).to_numpy(dtype=np.int64)) for side in cut]
    return paired, len(both), len(first.union(second, sort=False)) - len(both)


def _list_rows(
    pair: Sequence[LabelCodes],
    names: tuple[str, str],
    paired: bool,
    coefficients: Sequence[str | Coefficient],
    bootstrap: Bootstrap,
) -> Iterator[dict[str, Any]]:
    a, b = pair
    compared = [Comparison({"side": names[0]}, a), Comparison({"side": names[1]}, b)]
    compared.append(Comparison({"side": f"{names[0]} - {names[1]}"}, a, beside=b, paired=paired))
    n_coders = len({side.coders[at] for side in pair for at in np.unique(side.answered().coder)})
    for coefficient in coefficients:
        for each in compared:
            for row in comparison_rows(each, [coefficient], bootstrap):
                yield row if each.beside is None else row | {"n_coders": n_coders}


def _say(frame: pd.DataFrame, n_common: int) -> str:
    a, b, difference = frame.head(3).to_dict("records")
    places = places_of(int(difference["n_units"]))
    values = [
        f"{row['side']} {say_figure({**row, 'low': np.nan, 'high': np.nan}, 'value', places, unknown='')}"
        for row in (a, b)
    ]
    p = f", {say_p(difference['p'])}" if difference["p"] == difference["p"] else ""
    size = f"{say_count(n_common, 'unit')} in both" if n_common else "no unit in both"
    head = name_coefficient(difference["coefficient"], difference["detail"])
    if difference["value"] != difference["value"]:
        return f"{head}: the difference is undefined ({difference['reason']})."
    return f"{head}: {', '.join(values)}; difference {say_figure(difference, 'value', places)}{p} ({size})."


def _print(frame: pd.DataFrame) -> pd.DataFrame:
    named = [name_coefficient(*row) for row in zip(frame["coefficient"], frame["detail"], strict=True)]
    shown = frame.assign(coefficient=named, side=frame["side"].str.replace(" - ", f" {MINUS} "))
    return shown[["coefficient", "side", "value", "low", "high", "p", "n_units", "n_coders"]]


def _draw(frame: pd.DataFrame, note: str) -> Any:
    one = frame["coefficient"].nunique() == 1
    heads = [name_coefficient(*row) for row in zip(frame["coefficient"], frame["detail"], strict=True)]
    sides = frame["side"].str.replace(" - ", f" {MINUS} ")
    names = sides if one else [f"{head}: {side}" for head, side in zip(heads, sides, strict=True)]
    rows = frame.assign(name=keep_order(pd.Series(names, index=frame.index)))
    return plot_estimates(rows, references=(0.0,), quantity=heads[0] if one else "agreement", note=note)
