"""Checks of mentions, entities, vectors and pairs: each returns its faults, so that all are reported at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from codebook.analysis.core.checks import name_some
from codebook.errors import Fault, ParameterError, TableError


def raise_faults(summary: str, faults: Sequence[Fault]) -> None:
    """Raise a TableError with all `faults`, or a ParameterError where none is about a table."""
    if faults:
        tables = any(fault.where.startswith("table") for fault in faults)
        raise (TableError if tables else ParameterError)(summary, faults)


def check_mentions(mentions: pd.DataFrame) -> list[Fault]:
    """Faults of a frame of mentions: columns `mention_id` (unique) and `name`."""
    return _check_frame(mentions, "mention_id", "mentions", unique=True)


def check_entities(entities: pd.DataFrame) -> list[Fault]:
    """Faults of a list of entities: columns `entity_id` (a row a known form) and `name`."""
    return _check_frame(entities, "entity_id", "entities", unique=False)


def check_columns(frame: pd.DataFrame, columns: Iterable[str], what: str, mend: str) -> list[Fault]:
    """Faults of a frame that lacks columns."""
    absent = [column for column in columns if column not in frame.columns]
    return [Fault(f"table of {what}", f"it has no column {name_some(absent, 9)}", mend)] if absent else []


def check_vectors(
    mentions: pd.DataFrame,
    vectors: NDArray[np.floating] | None,
    others: pd.DataFrame,
    other_vectors: NDArray[np.floating] | None,
) -> list[Fault]:
    """Faults of vectors that do not stand one a row, or of which one side is missing."""
    if (vectors is None) != (other_vectors is None):
        return [Fault("vectors", "only one of the two tables has vectors", "pass both, or none")]
    sides = (("vectors", mentions, vectors), ("entity_vectors", others, other_vectors))
    return [
        Fault(name, f"shape {array.shape} for {len(frame):,} rows", "pass one vector a row, in the frame's order")
        for name, frame, array in sides
        if array is not None and (array.ndim != 2 or len(array) != len(frame))
    ]


def _check_frame(frame: pd.DataFrame, key: str, what: str, *, unique: bool) -> list[Fault]:
    mend = f"rename the columns, e.g. frame.rename(columns={{'id': '{key}', 'title': 'name'}})"
    faults = check_columns(frame, (key, "name"), what, mend)
    if faults:
        return faults
    where = f"table of {what}"
    if frame[key].isna().any():
        faults.append(Fault(where, f"{int(frame[key].isna().sum())} rows have no {key}", "give each one, or drop them"))
    if unique and frame[key].duplicated().any():
        twice = name_some(frame.loc[frame[key].duplicated(), key].unique())
        faults.append(Fault(where, f"{key} {twice} stands twice", "give each row an id of its own"))
    empty = frame["name"].isna() | (frame["name"].astype(str).str.strip() == "")
    if empty.any():
        named = name_some(frame.loc[empty, key])
        faults.append(Fault(where, f"{key} {named} has no name", "drop these rows, or fill in the name"))
    return faults
