"""Published tables as tidy tables: the worked examples that docstrings and tests run on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

_OBSERVERS = {
    "A": "1 2 3 3 2 1 4 1 2 . . .",
    "B": "1 2 3 3 2 2 4 1 2 5 . 3",
    "C": ". 3 3 3 2 3 4 2 2 5 1 .",
    "D": "1 2 3 3 2 4 4 1 2 5 1 .",
}


def observers_2011() -> pd.DataFrame:
    """Krippendorff (2011), example C: 12 units, 4 observers, 5 labels, missing codings.

    Examples
    --------
    >>> observers_2011().shape
    (48, 6)
    """
    codes = {coder: [None if code == "." else code for code in line.split()] for coder, line in _OBSERVERS.items()}
    return make_table("code", codes)


def make_table(variable: str, codes: Mapping[str, Sequence[str | None]]) -> pd.DataFrame:
    """Tidy table of one variable from the labels of each coder, in the order of the units; None is missing.

    Examples
    --------
    >>> make_table("tone", {"ann": ["pos", None]})
      unit_id coder variable label  draw     why
    0      u1   ann     tone   pos     0     NaN
    1      u2   ann     tone   NaN     0  absent
    """
    rows = [
        (f"u{number}", coder, variable, label, 0, "absent" if label is None else None)
        for coder, labels in codes.items()
        for number, label in enumerate(labels, start=1)
    ]
    table = pd.DataFrame(rows, columns=["unit_id", "coder", "variable", "label", "draw", "why"])
    return table.astype({"label": "str", "why": "str"})
