"""Codes that are taken for each other, with the texts on which it happened."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from codebook.analysis.core.codings import Codings
from codebook.analysis.core.result import Facts, Result, blank_result, nothing_to_say
from codebook.analysis.core.scales import read_label_set
from codebook.analysis.joining import disagreements

_COLUMNS = ("a", "b", "n_pairs", "n_units", "unit_id", "votes", "text")


def confused_texts(codings: Codings, most: int = 5, *, each: int = 3) -> Result:
    """The pairs of codes that coders confuse most often, each with a few example units.

    Parameters
    ----------
    codings
        Of one variable; texts of the units are those known.
    most, each
        How many pairs of codes, and how many units of each.

    Returns
    -------
    Result
        One row per pair and unit: a, b, n_pairs (pairs of codings), n_units, unit_id, votes ("a 2, b 1"), text.

    Examples
    --------
    >>> from codebook.analysis.core.examples import make_table
    >>> from codebook.analysis.core.scales import VariableSpec
    >>> table = make_table("tone", {"ann": list("aabc"), "bo": list("abac")})
    >>> codings = Codings(table, [VariableSpec("tone", "nominal", list("abc"))], texts={"u2": "irony"})
    >>> confused_texts(codings).frame[["a", "b", "n_units", "unit_id", "votes", "text"]]
       a  b  n_units unit_id     votes   text
    0  a  b        2      u2  a 1, b 1  irony
    1  a  b        2      u3  a 1, b 1
    """
    pairs = disagreements(codings, "label")
    result = blank_result(codings, _COLUMNS, "confused_texts", "Codes that coders confuse", "adjudication")
    if pairs.facts.nothing:
        return nothing_to_say(codings, pairs.facts.nothing, result)
    ranked = disagreements(codings).frame
    labels = {
        unit: {_meaning(str(label)) for label in part}
        for unit, part in _labels(codings).groupby("unit_id", sort=False)["label"]
    }
    rows = [
        row for pair in pairs.frame.head(most).to_dict("records") for row in _list_units(pair, ranked, labels, each)
    ]
    frame = pd.DataFrame(rows, columns=list(_COLUMNS))
    words = codings.in_words(frame)
    return replace(
        result,
        frame=frame,
        facts=Facts(n_units=pairs.facts.n_units, n_coders=pairs.facts.n_coders, joins=codings.joins),
        finding=pairs.finding,
        remarks=(f"The {most} commonest pairs, with at most {each} units each, the most disputed first.",),
        table=_print(words),
    )


def _labels(codings: Codings) -> pd.DataFrame:
    frame = codings.frame
    return frame[frame["label"].notna() & (frame["draw"] == 0) & (frame["coder"] != codings.gold)]


def _meaning(label: str) -> object:
    """A label as it is compared: sets in any order and writing."""
    codes = read_label_set(label) if label.startswith("[") else None
    return label if codes is None else codes


def _list_units(
    pair: dict[Any, Any], ranked: pd.DataFrame, labels: Mapping[Any, set[object]], each: int
) -> Iterator[dict[str, Any]]:
    """The units on which both labels of a pair were given, the most disputed first."""
    sides = {_meaning(pair["a"]), _meaning(pair["b"])}
    both = ranked[[sides <= labels[unit] for unit in ranked["unit_id"]]].head(each)
    for row in both.to_dict("records"):
        head = {name: pair[name] for name in ("a", "b", "n_pairs", "n_units")}
        yield {**head, **{name: row.get(name, "") for name in ("unit_id", "votes", "text")}}


def _print(frame: pd.DataFrame) -> pd.DataFrame:
    codes = frame["a"] + " / " + frame["b"] + " (" + frame["n_units"].astype(str) + ")"
    first = codes.mask(codes.duplicated(), "")
    return pd.DataFrame(
        {"Codes (units)": first, "Unit": frame["unit_id"], "Votes": frame["votes"], "Text": frame["text"]}
    )
