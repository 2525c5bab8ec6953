"""A row per unit and a column per variable and coder: the wide table for R, Stata, SPSS and spreadsheets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pandas as pd

from codebook.analysis.core.codings import Codings
from codebook.analysis.core.scales import VariableLike
from codebook.codings.database import KeyedTable
from codebook.codings.exports import is_database, write_frame
from codebook.errors import Fault, TableError
from codebook.ground.quantities import say_count

_SIGN = "."
WHY = "why"


def to_columns(codings: Codings) -> pd.DataFrame:
    """Return one row per unit and one column per variable and coder: `topic.ann`, or `topic` for a single coder.

    A set is a column of 0 and 1 for each of its labels (`topics.ann.traffic`). Where a label is missing, another column
    says why (`topic.ann.why`); it is empty where this coder was not asked. Several draws are columns of their own.

    Examples
    --------
    >>> from codebook.analysis import VariableSpec
    >>> from codebook.codings import make_table
    >>> rows = [("7", "ann", "a", None), ("7", "ben", "b", None), ("8", "ann", None, "absent")]
    >>> keys = ("unit_id", "coder", "label", "why")
    >>> table = make_table([{"variable": "topic", **dict(zip(keys, row))} for row in rows])
    >>> to_columns(Codings(table, [VariableSpec("topic", "nominal", ["a", "b"])])).fillna("")
      unit_id topic.ann topic.ann.why topic.ben
    0       7         a                       b
    1       8                  absent
    """
    frame = codings.frame
    units = pd.Index(dict.fromkeys(frame["unit_id"]), name="unit_id")
    columns: dict[str, pd.Series[Any]] = {}
    for variable in codings.variables:
        part = frame[frame["variable"] == variable.name]
        for (coder, draw), rows in part.groupby(["coder", "draw"], sort=False):
            names = [variable.name]
            names += [str(coder)] if frame["coder"].nunique() > 1 else []
            names += [str(draw)] if frame["draw"].nunique() > 1 else []
            columns |= dict(_columns(_SIGN.join(names), rows.set_index("unit_id"), variable))
    return pd.DataFrame(columns, index=units).reset_index()


def _columns(name: str, rows: pd.DataFrame, variable: VariableLike) -> Iterator[tuple[str, pd.Series[Any]]]:
    """The columns of one coder and variable: the label, or a column per label of a set; and why there is none."""
    labels = rows["label"]
    if variable.kind == "multi":
        chosen = labels.dropna().map(lambda label: set(orjson.loads(label)))
        for label in variable.labels or ():
            yield f"{name}{_SIGN}{label}", chosen.map(lambda each, label=label: int(label in each)).astype("Int64")
    else:
        yield name, labels
    if rows["why"].notna().any():
        yield f"{name}{_SIGN}{WHY}", rows["why"]


def write_columns(codings: Codings, path: str | Path, *, formulas: str = "keep") -> str:
    """Write the table of `to_columns` in the format of the file's ending; return what was written.

    Raises
    ------
    TableError
        The ending is unknown, the path is a database, or a sheet cannot hold the table.

    Examples
    --------
    >>> from codebook.analysis import VariableSpec
    >>> from codebook.codings import make_table
    >>> path = Path("labels.csv")
    >>> table = make_table([{"unit_id": "007", "coder": "ann", "variable": "topic", "label": "a"}])
    >>> write_columns(Codings(table, [VariableSpec("topic", "nominal", ["a", "b"])]), path)
    'labels.csv: 1 row (one per unit), 1 column of labels.'
    """
    if is_database(path):
        fault = Fault(
            str(path), "a database does not take a table with a column per coder", "give a file, or leave --columns out"
        )
        raise TableError("The table cannot be written like this.", [fault])
    frame = to_columns(codings)
    name, note = write_frame(KeyedTable("units", frame, ("unit_id",)), path, formulas)
    n_columns = say_count(frame.shape[1] - 1, "column")
    return f"{name}: {say_count(len(frame), 'row')} (one per unit), {n_columns} of labels.{note}"
