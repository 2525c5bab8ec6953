"""Texts in csv files that a spreadsheet would run as formulas: counted, and on request made harmless."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

_STARTS = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"[+-]?[0-9]+([.,][0-9]+)*\s?%?")


def say_formulas(frame: pd.DataFrame, *, mend: str) -> str:
    """Say how many cells of a csv file a spreadsheet would take for formulas, and the safe form; "" for none.

    Examples
    --------
    >>> import pandas as pd
    >>> say_formulas(pd.DataFrame({"label": ["=cmd()", "-5", "a"]}), mend="write .xlsx").partition(", which")[0]
    ' 1 cell of 1 row begins with =, +, -, @ or a tab'
    """
    marks = _find_formulas(frame)
    n_cells, n_rows = int(marks.to_numpy().sum()), int(marks.any(axis=1).sum())
    if not n_cells:
        return ""
    cells = "1 cell" if n_cells == 1 else f"{n_cells:,} cells"
    rows = "1 row" if n_rows == 1 else f"{n_rows:,} rows"
    verb, what = ("begins", "a formula") if n_cells == 1 else ("begin", "formulas")
    said = f"{cells} of {rows} {verb} with =, +, -, @ or a tab, which a spreadsheet takes for {what}"
    return f" {said}. To be safe: {mend}."


def quote_formulas(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a copy in which an apostrophe stands before every text that a spreadsheet would take for a formula.

    Examples
    --------
    >>> import pandas as pd
    >>> quote_formulas(pd.DataFrame({"label": ["=cmd()", "-5", "a"]}))["label"].tolist()
    ["'=cmd()", '-5', 'a']
    """
    marks = _find_formulas(frame)
    quoted = frame.copy()
    for name in marks.columns:
        column = quoted[name]
        quoted[name] = column.mask(marks[name], "'" + column)
    return quoted


def _find_formulas(frame: pd.DataFrame) -> pd.DataFrame:
    """Which cells of the columns of texts a spreadsheet would run; a number with its sign is none."""
    found: dict[Any, NDArray[np.bool_]] = {}
    for name in frame.columns:
        column = frame[name]
        if isinstance(column.dtype, pd.StringDtype):
            marks = column.str.startswith(_STARTS, na=False).to_numpy(bool, copy=True)
        elif column.dtype == object:
            marks = np.array([isinstance(cell, str) and cell.startswith(_STARTS) for cell in column], bool)
        else:
            continue
        for place in np.flatnonzero(marks):
            marks[place] = not _NUMBER.fullmatch(column.iloc[place])
        if marks.any():
            found[name] = marks
    return pd.DataFrame(found, index=frame.index, dtype=bool)
