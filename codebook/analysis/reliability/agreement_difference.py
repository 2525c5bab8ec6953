"""Do some coders agree more than others, or more after a changed codebook? Paired on the units that both sides have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import raise_faults
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.counts import LabelCodes, join_cluster, read_codes
from codebook.analysis.core.estimates import Bootstrap, say_figure
from codebook.analysis.core.forest import keep_order, plot_estimates
from codebook.analysis.core.plain_frames import as_codings
from codebook.analysis.core.result import Facts, Result, nothing_to_say
from codebook.analysis.core.scales import LEVELS, list_labels
from codebook.analysis.core.standard_errors import FEWEST
from codebook.analysis.reliability.agreement_rows import comparison_rows
from codebook.analysis.reliability.agreement_words import name_coefficient
from codebook.analysis.reliability.coefficients import Coefficient, check_coefficients
from codebook.analysis.reliability.comparisons import KINDS, Comparison, labelled_twice, read_variable
from codebook.errors import Fault
from codebook.ground.quantities import MINUS, format_figure, places_of, say_count, say_p

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
    named = [name_coefficient(*row) for row in zip(frame["coefficient"], frame["detail"], strict=True)]
    shown = frame.assign(coefficient=named, side=frame["side"].str.replace(" - ", f" {MINUS} "))
    in_clusters = any(side.clusters is not None for side in sides)
    facts = Facts(
        n_units=int(frame["n_units"].iloc[0]),
        n_coders=int(frame["n_coders"].iloc[2]),
        level=pair[0].scale.level if pair[0].scale.level == pair[1].scale.level else "",
        bootstrap=resample,
        resampled="clusters of units" if in_clusters else "units",
        n_clusters=pair[0].n_clusters if in_clusters else 0,
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
        table=shown[["coefficient", "side", "value", "low", "high", "p", "n_units", "n_coders"]],
        figure=partial(_draw, shown, facts.interval),
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


def _draw(shown: pd.DataFrame, note: str) -> Any:
    one = len(shown) == 3  # the two sides and their difference
    rows = shown.assign(name=keep_order(shown["side"] if one else shown["coefficient"] + ": " + shown["side"]))
    quantity = shown["coefficient"].iloc[0] if one else "agreement"
    return plot_estimates(rows, references=(0.0,), quantity=quantity, note=note)


BEFORE, AFTER, GAIN = "before", "after", "after - before"
_OF_ROUNDS = ("label", "round", "difference", "value", "low", "high", "p", "n_units", "reason")
_ABOUT_ROUNDS = "The rounds cannot be compared."
_NOTE_ROUNDS = (
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
    result = Result(pd.DataFrame(columns=list(_OF_ROUNDS)), "norming", "Agreement before and after", "reliability")
    if before.uncounted:
        return nothing_to_say(before, before.uncounted, result)
    raise_faults(_ABOUT_ROUNDS, _check_rounds(before, after))
    rounds, dropped = _meet(before, after)
    coders = rounds[0]["coder"].nunique()
    if coders < 2:
        return nothing_to_say(before, "No two people coded the same units in both rounds: nothing to compare.", result)
    frame = pd.DataFrame(list(_list_rounds(before, rounds, resample)), columns=list(_OF_ROUNDS))
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
        finding=_say_rounds(frame, coders),
        remarks=(_NOTE_ROUNDS, *facts.left_aside),
        table=shown[["label", "round", "value", "low", "high", "p", "n_units"]].replace({"label": {"": "all codes"}}),
        figure=partial(_draw_rounds, shown, facts.interval),
        outputs=after.outputs,
    )


def _check_rounds(before: Codings, after: Codings) -> list[Fault]:
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


def _list_rounds(
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


def _say_rounds(frame: pd.DataFrame, n_coders: int) -> str:
    rows = frame[frame["label"] == ""].set_index("round").to_dict("index")
    n_units = int(rows[GAIN]["n_units"])
    first, second = (format_figure(rows[name]["value"], places_of(n_units)) for name in (BEFORE, AFTER))
    gain = say_figure(rows[GAIN], "value", places_of(n_units))
    size = f"{say_count(n_coders, 'coder')}, {say_count(n_units, 'unit')} coded in both rounds"
    return f"Alpha was {first} before and is {second} after; difference {gain} ({size})."


def _draw_rounds(frame: pd.DataFrame, note: str) -> Any:
    rows = frame[~frame["difference"]]
    named = rows.assign(name=keep_order(rows["label"].replace("", "all codes")), block=rows["label"] != "")
    return plot_estimates(named, group="round", quantity="alpha", note=note)
