"""A result with nothing in it: an empty frame that says in one sentence why, so that the steps after it go on.

One coder beside the gold, no gold, no two coders with units in common: that is no fault, there is nothing to compare.
A function then returns such a frame, a figure of it shows the sentence, and the report has it as a remark. What was
asked for wrongly (a coder whom nobody knows, a table without its columns) is a fault as ever.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

import pandas as pd

from codebook.analysis.core.checks import carry_joins, check_columns, raise_faults
from codebook.errors import Fault

_KEY = "nothing"
_SLIP = 0.8
"""Likeness of two names from which on one is taken for a slip of the other."""


def make_empty(reason: str, columns: Iterable[str] = (), *, table: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return a frame without rows, with `reason` in its `attrs`, and what `table` tells of ids that did not meet.

    Examples
    --------
    >>> frame = make_empty("One coder beside the gold: nothing to compare.", ["alpha"])
    >>> why_empty(frame.sort_values("alpha").head())
    'One coder beside the gold: nothing to compare.'
    """
    frame = pd.DataFrame(columns=list(columns))
    frame.attrs = {_KEY: reason, "note": "", **({} if table is None else carry_joins(table))}
    return frame


def why_empty(frame: pd.DataFrame | None) -> str:
    """Return why there is nothing in a frame; empty for a frame that has rows, or that says nothing of it.

    Examples
    --------
    >>> why_empty(pd.DataFrame({"alpha": [0.7]})), why_empty(pd.DataFrame())
    ('', '')
    """
    return "" if frame is None or len(frame) else str(frame.attrs.get(_KEY, ""))


def why_no_gold(table: pd.DataFrame, variable: str, gold: str) -> str:
    """Say why there is no gold to hold labels against; empty where there is some.

    Raises
    ------
    StatisticError
        The gold is nobody, and its name nearly that of a coder: a slip.

    Examples
    --------
    >>> from codebook.analysis.core.examples import make_table
    >>> why_no_gold(make_table("tone", {"model": ["a", "b"]}), "tone", "gold")
    "No unit has a label of 'gold': nothing to compare. To compare, let people code a sample (10_gold_sample)."
    """
    raise_faults("There is no gold.", check_columns(table))
    coders = list(table["coder"].dropna().astype(str).unique())
    meant = {} if gold in coders else {name.casefold(): name for name in coders}
    if near := get_close_matches(gold.casefold(), meant, n=1, cutoff=_SLIP):
        mend = f"did you mean {meant[near[0]]!r}?"
        raise_faults("There is no gold.", [Fault("gold", f"no coding by {gold!r}", mend)])
    if ((table["coder"] == gold) & (table["variable"] == variable) & table["label"].notna()).any():
        return ""
    mend = "let people code a sample (10_gold_sample)"
    return f"No unit has a label of {gold!r}: nothing to compare. To compare, {mend}."
