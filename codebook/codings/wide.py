"""The wide form: a row per coding with its quote, as older scripts and readers of batches expect it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from codebook.codings.database import KeyedTable
from codebook.codings.exports import is_database, write_frame
from codebook.codings.frame import check_table
from codebook.errors import Fault, TableError
from codebook.ground.joins import join_ids
from codebook.ground.quantities import say_count
from codebook.records import Unit

_SEVERAL = ("variable", "coder", "draw")
WIDE = ("id", "quote", "label", "batch_id", "request_id", "processing_time", "error_info")
Texts = Mapping[str, str] | Iterable[Unit] | Iterable[tuple[Unit, str | None]]


def to_wide(table: pd.DataFrame, units: Texts) -> pd.DataFrame:
    """Join codings and texts: `id, quote, label, batch_id, request_id, processing_time, error_info`.

    One row per coding. `processing_time` is in seconds, `error_info` is `why` and its detail. Where the table has more
    than one variable, coder or draw, a column of that name follows.

    Parameters
    ----------
    units : mapping or iterable
        unit_id -> text, or units as `read_units` or `iter_units` give them.

    Raises
    ------
    TableError
        A coded unit has no text.

    Examples
    --------
    >>> from codebook.codings import make_table
    >>> table = make_table([{"unit_id": "7", "coder": "ann", "variable": "topic", "label": None, "why": "refused"}])
    >>> to_wide(table, [Unit("7", "Coal is cheap.")]).loc[0].dropna().to_dict()
    {'id': '7', 'quote': 'Coal is cheap.', 'batch_id': '', 'request_id': '', 'error_info': 'refused'}
    """
    table = check_table(table)
    texts, ids = _texts(units, set(table["unit_id"]))
    quotes = table["unit_id"].map(texts)
    if (join := join_ids(table["unit_id"], ids)).strays:
        problem = join.say_strays("coded units", "among them", "the list of units")
        fault = Fault("units", problem, "give the units of this run")
        raise TableError("The wide form needs the text of every unit.", [fault])
    nothing = pd.Series("", index=table.index, dtype="str")
    detail = table.get("detail", nothing)
    reason = detail.mask(detail != "", ": " + detail)
    wide = pd.DataFrame(
        {
            "id": table["unit_id"],
            "quote": quotes.astype("str"),
            "label": table["label"],
            "batch_id": table.get("batch_id", nothing),
            "request_id": table.get("request_id", nothing),
            "processing_time": table.get("seconds", pd.Series(float("nan"), index=table.index)),
            "error_info": (table["why"] + reason).fillna(""),
        }
    )
    several = [name for name in _SEVERAL if table[name].nunique() > 1]
    return wide.assign(**{name: table[name] for name in several})


def write_wide(table: pd.DataFrame, units: Texts, path: str | Path, *, formulas: str = "keep") -> str:
    """Write the wide form in the format of the file's ending, as `write_table` does; return what was written.

    In a database run, variable, coder and draw are always told, since they are the key.

    Raises
    ------
    TableError
        The suffix is unknown, a sheet cannot hold the table, or a coded unit has no text.

    Examples
    --------
    >>> import codebook as cb
    >>> study = cb.open_run("topics")
    >>> print(write_wide(study.table(), study.units(), "wide.csv"))
    wide.csv: 12 rows in the wide form.
    """
    table = check_table(table)
    wide, runs = to_wide(table, units), tuple(sorted({*table["run_id"]} - {""}))
    if is_database(path):
        wide = wide.assign(**{name: table[name] for name in ("run_id", *_SEVERAL)})
    name, note = write_frame(KeyedTable("wide", wide, ("run_id", "id", *_SEVERAL), runs=runs), path, formulas)
    return f"{name}: {say_count(len(wide), 'row')} in the wide form.{note}"


def _texts(units: Texts, wanted: set[str]) -> tuple[dict[str, str], list[str]]:
    """Return unit_id -> text of the units that are coded, and the ids of all; the other texts are not held."""
    if isinstance(units, Mapping):
        pairs: Iterable[tuple[str, str]] = units.items()
    else:
        each = (unit[0] if isinstance(unit, tuple) else unit for unit in units)
        pairs = ((unit.unit_id, unit.text) for unit in each)
    texts, ids = dict[str, str](), list[str]()
    for unit_id, text in pairs:
        ids.append(unit_id)
        if unit_id in wanted:
            texts[unit_id] = text
    return texts, ids
