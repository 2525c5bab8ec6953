"""What a frame must be to be a tidy table, rule by rule; `frame.check_table` asks them all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import orjson
import pandas as pd

from codebook.analysis.core.checks import iter_cells
from codebook.errors import Fault, TableError, mend_name
from codebook.ground.quantities import say_count
from codebook.ground.whys import WHYS
from codebook.scheme import Codebook, Variable
from codebook.scheme.number_values import read_number
from codebook.scheme.record_values import find_record_problem

KEY = ("unit_id", "coder", "variable", "draw")
COLUMNS = ("unit_id", "coder", "variable", "label", "draw", "why", "run_id", "custom_id")
OPTIONAL = (
    *("evidence", "confidence", "model", "raw", "detail"),
    *("request_id", "batch_id", "seconds", "cost_usd"),
    *("note", "flag", "time", "arm", "suggestion", "codebook_version"),
)
NUMBERS = ("confidence", "seconds", "cost_usd")
MAY_MISS = ("label", "why")
ALL = (*COLUMNS, *OPTIONAL)
OF_CODINGS = (*COLUMNS, "evidence", "confidence", "model", "raw", "detail")
"""What the analysis, and who looks at units, want of the table of a run."""
REPEATED = ("run_id", "evidence", "model", "raw", "detail")
"""Texts of which codings hold each once, and of each row its number (pandas calls that a category)."""
DEFAULTS: dict[str, Any] = {"draw": 0, "why": None, "run_id": "", "custom_id": ""}
_N_SHOWN = 5
_N_LISTED = 20


def refuse(faults: list[Fault]) -> None:
    """Raise what keeps a frame from being a tidy table."""
    TableError.raise_any("This is not a tidy table.", faults)


def column_faults(frame: Any) -> Iterator[Fault]:
    """Find columns that are missing, unknown or there twice; what is no frame has none."""
    if not isinstance(frame, pd.DataFrame):
        mend = "give a frame of codings, such as `run.table()` or `make_table` returns"
        yield Fault("table", f"it is a {type(frame).__name__}, not a frame", mend)
        return
    if missing := [name for name in COLUMNS if name not in frame]:
        names = ", ".join(map(repr, missing))
        verb = "is" if len(missing) == 1 else "are"
        yield Fault("columns", f"{names} {verb} missing", "make the table with make_table, or add the columns")
    for name in frame.columns:
        if name not in ALL:
            mend = mend_name(str(name), ALL, f"remove it; allowed besides are {', '.join(OPTIONAL)}")
            yield Fault(f"column {str(name)!r}", "it is not a column of the tidy table", mend)
    if not frame.columns.is_unique:
        yield Fault("columns", "a name occurs twice", "remove one of the two")


def typed(column: pd.Series[Any], name: str, faults: list[Fault]) -> pd.Series[Any]:
    """Return a column with its type; what cannot be typed goes to `faults`."""
    try:
        if name == "draw":
            return _whole(column)
        if name in NUMBERS:
            return column.astype("float64")
        return _text(column, name)
    except (ValueError, TypeError) as error:
        faults.append(Fault(f"column {name!r}", str(error), _MENDS.get(name, "give text, exactly as it should stand")))
        return column


_MENDS = {"draw": "number the draws 0, 1, 2, ..."} | dict.fromkeys(NUMBERS, "give numbers, or leave cells empty")


def _whole(column: pd.Series[Any]) -> pd.Series[Any]:
    if column.dtype == "int64" and (column >= 0).all():
        return column
    whole = column.astype("float64")
    if not (whole.notna() & (whole >= 0) & (whole % 1 == 0)).all():
        raise ValueError("a draw is a whole number, 0 or more")
    return column.astype("int64")


def _text(column: pd.Series[Any], name: str) -> pd.Series[Any]:
    if name in REPEATED and is_numbered(column):
        return column
    of_arrow = isinstance(column.dtype, pd.StringDtype) and column.dtype.storage == "pyarrow"
    if of_arrow and column.dtype == "str":
        text = column
    elif of_arrow or pd.api.types.is_integer_dtype(column.dtype) or column.isna().all():
        text = column.astype("str")
    elif isinstance(column.dtype, pd.CategoricalDtype):
        text = column.astype(object).astype("str")
    else:
        if pd.api.types.infer_dtype(column, skipna=True) not in ("string", "empty"):
            raise TypeError(f"holds values that are not text, such as {column.dropna().iloc[0]!r}")
        text = column.astype("str")
        _check_encodes(text)
    return text if name in MAY_MISS or not text.hasnans else text.fillna("")


def is_numbered(column: pd.Series[Any]) -> bool:
    """Whether each text of a column is held once, none is missing, and the empty one may stand in it."""
    dtype = column.dtype
    if not isinstance(dtype, pd.CategoricalDtype) or column.hasnans or "" not in dtype.categories:
        return False
    return isinstance(dtype.categories.dtype, pd.StringDtype)


def _check_encodes(text: pd.Series[Any]) -> None:
    """Raise UnicodeEncodeError, a ValueError, at half a character; pandas does so itself where it has pyarrow."""
    if getattr(text.dtype, "storage", "") == "python":
        for cell in text.dropna():
            cell.encode()


def why_faults(table: pd.DataFrame) -> Iterator[Fault]:
    """Find rows with a label and a why, with neither, or with an unknown why."""
    label, why = table["label"].notna(), table["why"].notna()
    if (both := label & why).any():
        yield Fault(
            _places(table, both), "a row has both a label and a why", "keep one: why says that the label is missing"
        )
    if (neither := ~label & ~why).any():
        mend = f"set why to one of {', '.join(WHYS)}, or leave the row out if the coder never saw the unit"
        yield Fault(_places(table, neither), "a row has neither a label nor a why", mend)
    if (unknown := why & ~table["why"].isin(WHYS)).any():
        words = ", ".join(map(repr, table.loc[unknown, "why"].unique()[:_N_SHOWN]))
        yield Fault(_places(table, unknown), f"why is {words}", f"use one of {', '.join(WHYS)}")


def key_faults(table: pd.DataFrame) -> Iterator[Fault]:
    """Find rows without a key, and codings that repeat one."""
    for name in KEY[:3]:
        if (empty := table[name] == "").any():
            yield Fault(_places(table, empty), f"there is no {name}", f"give every row its {name}")
    if _may_repeat(table) and (twice := table.duplicated(list(KEY))).any():
        mend = "remove the repeats (coders.yaml: `duplicates: first`), or number them as draws"
        yield Fault(
            _places(table, twice),
            f"{say_count(int(twice.sum()), 'coding repeats', 'codings repeat')} unit, coder, variable and draw",
            mend,
        )


def _may_repeat(table: pd.DataFrame) -> bool:
    """Whether two rows have one key, or 64 bits of it alike: a million rows are held in a few MB."""
    keys = zip(*(iter_cells(table[name]) for name in KEY), strict=True)
    hashes = np.fromiter(map(hash, keys), "int64", len(table))
    hashes.sort()
    return bool((hashes[1:] == hashes[:-1]).any())


def label_faults(table: pd.DataFrame, codebook: Codebook) -> Iterator[Fault]:
    """Find variables and labels that are not in the codebook."""
    names = [variable.name for variable in codebook.variables]
    if (unknown := ~table["variable"].isin(names)).any():
        what = ", ".join(map(repr, table.loc[unknown, "variable"].unique()[:_N_SHOWN]))
        mend = f"use one of {', '.join(map(repr, names))}, or add it to the codebook"
        yield Fault(_places(table, unknown), f"variable {what} is not in the codebook", mend)
    for variable in codebook.variables:
        labels = table.loc[table["variable"] == variable.name, "label"]
        counts = {str(label): n for label, n in labels.value_counts().items()}
        right = _say_right(variable)
        mend = f"{right}; an answer outside the codebook has no label, and its why is `invalid`"
        wrong = [(label, problem) for label in counts if (problem := find_label_problem(label, variable))]
        for label, problem in wrong[:_N_LISTED]:
            rows = say_count(int(counts[label]), "row")
            yield Fault(f"variable {variable.name!r}, label {label[:80]!r} ({rows})", problem, mend)


def _say_right(variable: Variable) -> str:
    """What labels of a variable look like."""
    if variable.is_number:
        return ", or ".join(["write numbers as 3.2", *(category.name for category in variable.abstain)])
    if variable.is_open:
        return "give a text" if variable.kind == "text" else "give the records as JSON"
    return f"use {', '.join(variable.labels)}"


def find_label_problem(label: str, variable: Variable) -> str | None:
    """Say what keeps a label from being one of a variable's labels, or None."""
    if variable.is_open:
        return _find_open_problem(label, variable)
    if variable.is_number and label not in variable.labels:
        return read_number(label, variable)[1] or None
    if not variable.is_set:
        return None if variable.is_number or label in variable.labels else "it is not in the codebook"
    try:
        chosen = orjson.loads(label)
    except orjson.JSONDecodeError:
        return "it is not a JSON list"
    if not isinstance(chosen, list) or not all(isinstance(part, str) for part in chosen):
        return "it is not a JSON list of texts"
    outside = [part for part in chosen if part not in variable.labels]
    return f"{outside[0]!r} is not in the codebook" if outside else None


def _find_open_problem(label: str, variable: Variable) -> str | None:
    """Say what keeps a label of a kind without a list of labels from being its answer: a text, or a JSON object."""
    if variable.kind == "text":
        return None if label.strip() else "it is empty"
    try:
        reply = orjson.loads(label)
    except orjson.JSONDecodeError:
        return "it is not JSON"
    if not isinstance(reply, dict):
        return "it is not a JSON object"
    return (find_record_problem(reply, variable, places=True) if variable.lists else "") or None


def _places(table: pd.DataFrame, where: pd.Series[bool]) -> str:
    first = table.loc[where].head(_N_SHOWN)
    units = ", ".join(map(repr, first["unit_id"]))
    n = int(where.sum())
    more = ", ..." if n > len(first) else ""
    return f"{n:,} row{'s' if n > 1 else ''} (unit_id {units}{more})"
