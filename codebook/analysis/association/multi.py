"""Multi-label codings opened into one yes/no variable a label."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import check_columns, check_variable, raise_faults
from codebook.analysis.core.scales import check_level, read_scale


def open_labels(table: pd.DataFrame, *, variable: str, labels: Sequence[str]) -> pd.DataFrame:
    """The codings of a `multi` variable as one variable a label, named `variable=label`, with labels "1" and "0".

    Parameters
    ----------
    table
        The tidy table; labels of `variable` are JSON lists.
    labels
        The allowed labels in codebook order.

    Returns
    -------
    pd.DataFrame
        Tidy table with n_labels rows for each row of the variable. A missing label stays missing, with its why.

    Examples
    --------
    >>> from codebook.analysis.core.examples import make_table
    >>> table = make_table("frames", {"ann": ['["moral"]', "[]"], "bo": ['["moral", "economy"]', None]})
    >>> opened = open_labels(table, variable="frames", labels=["moral", "economy"])
    >>> opened.loc[opened["variable"] == "frames=economy", ["unit_id", "coder", "label", "why"]]
      unit_id coder label     why
    4      u1   ann     0     NaN
    5      u2   ann     0     NaN
    6      u1    bo     1     NaN
    7      u2    bo   NaN  absent
    """
    about = f"The labels of {variable!r} cannot be opened."
    raise_faults(about, [*check_columns(table), *check_level("masi", labels)])
    rows = table[table["variable"] == variable]
    draw = rows["draw"].iloc[0] if len(rows) else 0
    raise_faults(about, check_variable(table, variable, draw))
    code, found = pd.factorize(rows["label"])
    scale, codes, faults = read_scale(list(found), level="masi", labels=labels)
    raise_faults(about, faults)
    held = np.zeros((len(found) + 1, len(labels)), dtype=bool)  # the last row stands for a missing label
    held[:-1] = scale.members[codes] if len(found) else False
    answers = np.where(held, "1", "0").astype(object)
    answers[-1] = None
    parts = [
        rows.assign(variable=f"{variable}={label}", label=pd.array(answers[code, at], dtype="str"))
        for at, label in enumerate(labels)
    ]
    return pd.concat(parts, ignore_index=True)
