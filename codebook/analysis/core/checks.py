"""Checks of a tidy table before a statistic: each returns the faults it finds, so that all are reported at once."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from codebook.errors import Fault, StatisticError
from codebook.ground.quantities import say_count

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

COLUMNS = ("unit_id", "coder", "variable", "label", "draw", "why")
"""Columns of the tidy table that analysis reads."""

SHOWN = 5
"""How many offenders an error names before it only counts them."""

LONG = 50_000
"""Rows from which on memory counts more than the last millisecond; so many are taken at a time."""


def iter_cells(column: pd.Series) -> Iterator[Any]:
    """Yield the cells of a long column, some at a time: quickly, and without holding all of them."""
    for start in range(0, len(column), LONG):
        yield from column.iloc[start : start + LONG].tolist()


def find_distinct(column: pd.Series, rows: Bools | None = None) -> list[Any]:
    """The different cells of a long column in order of appearance, of some rows of it; it is not copied for that."""
    distinct: dict[Any, None] = {}
    for start in range(0, len(column), LONG):
        part = column.iloc[start : start + LONG]
        distinct |= dict.fromkeys((part if rows is None else part[rows[start : start + LONG]]).unique())
    return [cell for cell in distinct if not pd.isna(cell)]


def release_memory() -> None:
    """Give back what long columns took that are gone; pyarrow keeps it for the next ones otherwise."""
    if pyarrow := sys.modules.get("pyarrow"):
        pyarrow.default_memory_pool().release_unused()


def name_some(things: Iterable[object], shown: int = SHOWN) -> str:
    """First few of `things` in quotes, then how many more.

    Examples
    --------
    >>> name_some("abcdefg")
    "'a', 'b', 'c', 'd', 'e' and 2 more"
    """
    every = [repr(str(thing)) for thing in things]
    more = f" and {len(every) - shown} more" if len(every) > shown else ""
    return ", ".join(every[:shown]) + more


raise_faults = StatisticError.raise_any


def check_columns(table: object) -> list[Fault]:
    """Faults of a table that lacks columns of the tidy table, or is none."""
    mend = f"pass the tidy table, with the columns {' '.join(COLUMNS)}"
    if not isinstance(table, pd.DataFrame):
        return [Fault("table", f"it is of type {type(table).__name__}", mend)]
    absent = [column for column in COLUMNS if column not in table.columns]
    return [Fault("columns", f"the table has no {name_some(absent, 9)}", mend)] if absent else []


def check_variable(table: pd.DataFrame, variable: str, draw: int) -> list[Fault]:
    """Faults of a variable or a draw that the table does not have."""
    rows = table["variable"] == variable
    if not rows.any():
        there = name_some(find_distinct(table["variable"]), 12) or "none"
        return [Fault("variable", f"the table has no row of {variable!r}", f"name one that it has: {there}")]
    draws = table.loc[rows, "draw"].unique()
    if draw not in draws:
        there = ", ".join(map(str, sorted(draws)))
        return [Fault("draw", f"{variable!r} has no draw {draw!r}", f"pass draw= one of {there}")]
    return []


def check_coders(table: pd.DataFrame, wanted: list[str] | None) -> list[Fault]:
    """Faults of coders asked for by name who are nowhere in the table."""
    there = find_distinct(table["coder"])
    strange = sorted(set(wanted or ()) - set(there), key=str)
    mend = f"name coders of the table: {name_some(there, 12)}"
    return [Fault("coders", f"no coding by {name_some(strange)}", mend)] if strange else []


def check_ids(unit: Ints, coder: Ints) -> list[Fault]:
    """Faults of rows without a unit or a coder (-1 in the codes, shape (n_rows,))."""
    lacking = {"unit_id": int((unit < 0).sum()), "coder": int((coder < 0).sum())}
    return [
        Fault(name, f"missing in {say_count(n, 'row')}", "fill it in, or drop the rows")
        for name, n in lacking.items()
        if n
    ]


def check_repeats(unit: Ints, coder: Ints, units: pd.Index, coders: pd.Index) -> list[Fault]:
    """Faults of units that one coder coded more than once."""
    width = int(coder.max(initial=-1)) + 1
    keys = (unit * width + coder)[(unit >= 0) & (coder >= 0)]
    if int(unit.max(initial=-1) + 1) * width <= 8 * len(keys) + 2**20:
        times = np.bincount(keys)
        repeated = np.flatnonzero(times > 1)
    else:
        distinct, counts = np.unique(keys, return_counts=True)
        repeated = distinct[counts > 1]
    if not len(repeated):
        return []
    shown = [f"unit {units[key // width]}, coder {coders[key % width]}" for key in repeated[:SHOWN]]
    more = f" and {len(repeated) - SHOWN:,} more" if len(repeated) > SHOWN else ""
    problem = f"{len(repeated):,} times a coder coded a unit more than once in this draw: {'; '.join(shown)}{more}"
    return [Fault("unit_id x coder", problem, "keep one coding of each, or number repeats in `draw`")]


def check_whys(label: Ints, why: Ints) -> list[Fault]:
    """Faults of rows with neither a label nor a why (-1 in both codes), or with both."""
    neither, both = int(((label < 0) & (why < 0)).sum()), int(((label >= 0) & (why >= 0)).sum())
    faults = []
    if neither:
        mend = "set why (e.g. 'absent'), or drop the rows"
        faults.append(Fault("label", f"{say_count(neither, 'row has', 'rows have')} no label and no why", mend))
    if both:
        faults.append(Fault("why", f"{say_count(both, 'row has', 'rows have')} a label and a why", "keep one of them"))
    return faults
