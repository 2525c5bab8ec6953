"""The baseline of named entities: every run of words with a capital letter, all of one type."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Protocol

import pandas as pd

_RUN = re.compile(r"\b[^\W\d_a-z][\w.'’&-]*(?: [^\W\d_a-z][\w.'’&-]*)*")


class UnitLike(Protocol):
    """What is read of a unit; `records.Unit` has it."""

    @property
    def unit_id(self) -> str:
        """Its id."""

    @property
    def text(self) -> str:
        """Its text."""


def capital_runs(units: Iterable[UnitLike], *, type: str = "") -> pd.DataFrame:
    """Find every run of words that begin with a capital letter; the first word of a line counts if another follows.

    It needs no model, and shows what one is worth: hold it against the same gold with `span_validity`.

    Parameters
    ----------
    type
        What every run is said to be, such as gold's commonest type.

    Returns
    -------
    pd.DataFrame
        Columns unit_id, start, end, type.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> capital_runs([SimpleNamespace(unit_id="7", text="The pit of Hard Coal Ltd in Essen .")], type="ORG")
      unit_id  start  end type
    0       7     11   24  ORG
    1       7     28   33  ORG
    """
    rows = [(unit.unit_id, *span, type) for unit in units for span in _find_runs(unit.text)]
    return pd.DataFrame(rows, columns=["unit_id", "start", "end", "type"])


def _find_runs(text: str) -> Iterable[tuple[int, int]]:
    for found in _RUN.finditer(text):
        before = text[: found.start()].rstrip(" ")[-1:]
        begins_line = not before or before in "\n.!?"
        if found[0][0].isupper() and (" " in found[0] or not begins_line):
            yield found.span()
