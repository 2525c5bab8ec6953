"""Which definition do disputed units speak against, and which coder was right in the end?"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import pandas as pd

from codebook.analysis.core.codings import Codings
from codebook.analysis.core.forest import plot_estimates
from codebook.analysis.core.result import Facts, Result, blank_result, nothing_to_say
from codebook.analysis.core.scales import read_label_set, say_without_labels
from codebook.analysis.core.standard_errors import FEWEST, wilson_interval
from codebook.analysis.joining.disagreement import cut_text
from codebook.ground.quantities import is_or_are, say_count

_COLUMNS = ("label", "n_given", "n_disputed", "share", "with", "too_wide", "too_narrow", "definition", "units", "text")
_N_UNITS, _N_TEXT = 3, 160
_NOTE = (
    "Disputed: units on which coders differ and somebody gave this code. Too wide: a coder gave it, and another code "
    "was decided. Too narrow: it was decided, and a coder gave another. Of sets of codes each code is looked at alone."
)


def disputed_definitions(codings: Codings, decided: str = "") -> Result:
    """Codes by how many disputed units they are part of, each with its definition and the units to read first.

    Parameters
    ----------
    codings
        Of one variable of a codebook, whose definitions stand beside the codes; texts of the units are those known.
    decided
        The coder who holds the decisions, such as "adjudicated": where there are any it is told whether a definition
        takes in too much or too little.

    Returns
    -------
    Result
        One row per code, the most disputed first: label, n_given (units), n_disputed, share, with (the codes it was
        disputed with, the commonest first), too_wide, too_narrow, definition, units (to read first), text (of the
        first).

    Examples
    --------
    >>> from codebook.analysis.core.examples import make_table
    >>> from codebook.analysis.core.scales import VariableSpec
    >>> table = make_table("tone", {"ann": list("aabc"), "bo": list("abbc"), "adjudicated": [None, "b", None, None]})
    >>> codings = Codings(table, [VariableSpec("tone", "nominal", list("abc"))])
    >>> disputed_definitions(codings, "adjudicated").frame.iloc[:, :7]
      label  n_given  n_disputed  share with  too_wide  too_narrow
    0     a        2           1    0.5  b 1         1           0
    1     b        2           1    0.5  a 1         0           1
    2     c        1           0    0.0              0           0
    """
    variable = codings.variable
    result = blank_result(codings, _COLUMNS, "disputed_definitions", "Disputed definitions", "adjudication")
    if nothing := say_without_labels([variable], "define"):
        return nothing_to_say(codings, nothing, result)
    units = dict(_read_units(codings, decided))
    if not units:
        return nothing_to_say(codings, "No unit was labelled by two coders: no definition is disputed.", result)
    rows = [_describe(label, units, variable, codings.texts) for label in variable.labels or ()]
    frame = pd.DataFrame(rows, columns=list(_COLUMNS))
    frame = frame.sort_values("n_disputed", ascending=False, kind="stable", ignore_index=True)
    facts = Facts(n_units=len(units), n_coders=len(codings.people) + len(codings.machines), joins=codings.joins)
    shown = codings.in_words(frame)
    return replace(
        result,
        frame=frame,
        facts=facts,
        finding=_say(shown),
        remarks=(_NOTE,),
        table=_print(shown, decided in codings.coders),
    )


Sides = tuple[list[frozenset[str]], frozenset[str] | None]
"""The codes that each coder gave a unit, and those that were decided."""


def _read_units(codings: Codings, decided: str) -> Iterator[tuple[str, Sides]]:
    """What the coders and the decision say of each unit that two of them labelled."""
    names = {name for name in (*codings.people, *codings.machines) if name != decided}
    rows = codings.frame[codings.frame["label"].notna() & (codings.frame["draw"] == 0)]
    decisions = rows[rows["coder"] == decided].drop_duplicates("unit_id").set_index("unit_id")["label"]
    for unit, labels in rows[rows["coder"].isin(names)].groupby("unit_id", sort=False)["label"]:
        if len(labels) > 1:
            decision = _codes_of(decisions[unit]) if unit in decisions.index else None
            yield str(unit), ([_codes_of(label) for label in labels], decision)


def _codes_of(label: object) -> frozenset[str]:
    codes = read_label_set(str(label)) if str(label).startswith("[") else None
    return frozenset([str(label)]) if codes is None else codes


def _describe(label: str, units: Mapping[str, Sides], variable: Any, texts: Mapping[str, str]) -> dict[str, Any]:
    given = [unit for unit, (sides, _) in units.items() if any(label in side for side in sides)]
    disputed = [unit for unit in given if not all(label in side for side in units[unit][0])]
    decided = {unit: (sides, decision) for unit, (sides, decision) in units.items() if decision is not None}
    others = Counter(
        code
        for unit in disputed
        for code in frozenset().union(*units[unit][0]) - frozenset.intersection(*units[unit][0]) - {label}
    )
    first = disputed[0] if disputed else ""
    categories = (*getattr(variable, "categories", ()), *getattr(variable, "abstain", ()))
    return {
        "label": label,
        "n_given": len(given),
        "n_disputed": len(disputed),
        "share": len(disputed) / len(given) if given else float("nan"),
        "with": ", ".join(f"{code} {n}" for code, n in others.most_common(3)),
        "too_wide": sum(unit in decided and label not in (units[unit][1] or ()) for unit in given),
        "too_narrow": sum(
            label in decision and not all(label in side for side in sides) for sides, decision in decided.values()
        ),
        "definition": next((str(each.definition) for each in categories if each.name == label), ""),
        "units": ", ".join(disputed[:_N_UNITS]),
        "text": texts.get(first, ""),
    }


def _say(frame: pd.DataFrame) -> str:
    first = frame.iloc[0]
    if not first["n_disputed"]:
        return "No definition is disputed: coders agree on every code."
    said = f"{say_count(first['n_disputed'], 'unit')} of {first['n_given']:,} that got it are disputed"
    return f"Most disputed is {first['label']!r}: {said} (with {first['with']})."


def _print(frame: pd.DataFrame, is_decided: bool) -> pd.DataFrame:
    """The disputed codes: how often, against which, by which definition, and the text to read first."""
    rows = frame[frame["n_disputed"] > 0]
    definitions = rows["definition"].map(partial(cut_text, most=_N_TEXT))
    cells = {"Code": rows["label"], "Units": rows["n_given"], "Disputed": rows["n_disputed"], "With": rows["with"]}
    if is_decided:
        cells |= {"Too wide": rows["too_wide"], "Too narrow": rows["too_narrow"]}
        return pd.DataFrame(cells | {"Definition": definitions})
    texts = rows["text"] if (rows["text"] != "").any() else rows["units"]
    first = texts.map(partial(cut_text, most=_N_TEXT))
    return pd.DataFrame(cells | {"Definition": definitions, "Read first": first})


_OF_SIDES = ("coder", "n", "n_won", "value", "low", "high", "reason")


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
    result = blank_result(codings, _OF_SIDES, "sides_won", "How often each side won", "decisions")
    if decided not in codings.coders:
        return nothing_to_say(codings, f"Nobody called {decided!r} has decided: no side has won.", result)
    labels, decisions = _read_disputed(codings, names, decided)
    if labels.empty:
        return nothing_to_say(codings, "No disputed unit is decided: no side has won.", result)
    frame = pd.DataFrame(list(_count_wins(labels, decisions, confidence)), columns=list(_OF_SIDES))
    note = f"{100 * confidence:g} % intervals after Wilson."
    return replace(
        result,
        frame=frame,
        facts=Facts(n_units=len(decisions), n_coders=len(names), joins=codings.joins),
        finding=_say_sides(frame, len(decisions)),
        remarks=(f"Wilson intervals; none below {FEWEST} units. Sets of labels are compared whole.",),
        table=frame.drop(columns="reason"),
        figure=partial(plot_estimates, frame, name="coder", quantity="share of disputed units decided for", note=note),
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


def _count_wins(labels: pd.DataFrame, decisions: pd.Series[Any], confidence: float) -> Iterator[dict[str, Any]]:
    wins = labels.apply(lambda column: column == decisions)
    for name in labels:
        n, n_won = int(labels[name].notna().sum()), int(wins[name].sum())
        yield _row_of(str(name), n, n_won, confidence)
    yield _row_of("a third label", len(labels), int((~wins.any(axis=1)).sum()), confidence)


def _row_of(name: str, n: int, n_won: int, confidence: float) -> dict[str, Any]:
    low, high = wilson_interval(n_won, n, confidence) if n >= FEWEST else (math.nan, math.nan)
    reason = "" if n >= FEWEST else f"no interval: fewer than {FEWEST} units" if n else "no disputed unit"
    return dict(zip(_OF_SIDES, (name, n, n_won, n_won / n if n else math.nan, low, high, reason), strict=True))


def _say_sides(frame: pd.DataFrame, n_units: int) -> str:
    *coders, third = frame.to_dict("records")
    sides = [f"for {row['coder']} on {row['n_won']:,} of {row['n']:,}" for row in coders]
    more = f"for a third label on {third['n_won']:,}"
    return f"{say_count(n_units, 'disputed unit')} {is_or_are(n_units)} decided: {', '.join([*sides, more])}."
