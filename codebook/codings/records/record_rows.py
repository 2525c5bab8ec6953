"""Records out of labels: one row a topic, an entity or whatever a variable of kind `records` lists, quotes placed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson
import pandas as pd

from codebook.codings.coverage_counts import coverage_sentence
from codebook.codings.frame import check_table
from codebook.codings.records.quotes import find_quotes
from codebook.errors import Fault, TableError
from codebook.ground.joins import join_ids
from codebook.material.members import find_member
from codebook.records import Unit
from codebook.scheme import Codebook, RecordList

RECORD_KEY = ("unit_id", "coder", "variable", "draw", "list", "n")
"""What names a record: whose it is, the list it stands in, and its number there, counted from 1."""
PLACE = ("start", "end", "how", "score", "member")
"""Columns of the place of a quote: code points of the unit's text, the end left out (missing where it is absent); how
it was found, from `quotes.HOW`; its likeness; and in which text of a group it stands."""


def records_table(
    table: pd.DataFrame,
    codebook: Codebook,
    name: str,
    *,
    units: Iterable[Unit] | Iterable[tuple[Unit, str | None]],
) -> pd.DataFrame:
    """Open the records of one list, such as all entities, wherever the codebook asks for it.

    Parameters
    ----------
    table
        The tidy table.
    name
        The list's name. Whether it was asked for alone or together with others makes no difference.
    units
        The units that were coded, from `run.units()` or `read_units`; read once, as a stream.

    Returns
    -------
    DataFrame
        One row a record: unit_id, coder, variable, draw, run_id, list, n (counted from 1), a column a field, and for
        the first quote start, end, how, score, member; for further quotes the same after the field's name and `_`.
        `attrs`: `coverage` in a sentence, `absent` quotes, `notes`; `key`, `scope` and `runs` for `write_database`.

    Raises
    ------
    TableError
        The codebook has no such list, or the unit of a label is not among `units`.

    Examples
    --------
    >>> from codebook.scheme import parse_codebook
    >>> from codebook.codings import make_table
    >>> book = parse_codebook('''
    ... name: names
    ... unit: a headline
    ... variables:
    ...   - {name: people, question: Whom does it name, kind: records, fields: [{name: mention, kind: quote}]}
    ... ''')
    >>> label = '{"people":[{"mention":"Ann"},{"mention":"Zoe"}]}'
    >>> table = make_table([{"unit_id": "7", "coder": "m", "variable": "people", "label": label}], book)
    >>> frame = records_table(table, book, "people", units=[Unit("7", "Coal, says Ann.")])
    >>> frame[["unit_id", "n", "mention", "start", "end", "how"]]
      unit_id  n mention  start   end     how
    0       7  1     Ann     11    14   exact
    1       7  2     Zoe   <NA>  <NA>  absent
    >>> frame.attrs["coverage"], frame.attrs["absent"]
    ('1 asked = 1 labelled', 1)
    """
    lists = find_lists(codebook, name)
    table = check_table(table)
    asked = table[table["variable"].isin(lists)]
    rows = [row for group in _by_unit(asked, units) for row in _open_unit(*group, lists)]
    frame = _to_frame(rows, lists[next(iter(lists))])
    frame.attrs = {
        "key": list(RECORD_KEY),
        "scope": list(RECORD_KEY[:-1]),
        "runs": sorted(set(asked["run_id"])),
        "coverage": coverage_sentence(asked) if len(asked) else "0 asked = 0 labelled",
        "absent": int((frame["how"] == "absent").sum()) if "how" in frame else 0,
        "notes": table.attrs.get("notes", []),
    }
    if joins := table.attrs.get("joins"):
        frame.attrs["joins"] = joins
    return frame


def find_lists(codebook: Codebook, name: str) -> dict[str, RecordList]:
    """Return the list of this name in each variable that has it.

    Raises
    ------
    TableError
        There is none, its fields differ from variable to variable, or a field is named like a column of the frame.
    """
    found = {v.name: records for v in codebook.variables for records in v.lists if records.name == name}
    if not found:
        names = ", ".join(repr(records.name) for v in codebook.variables for records in v.lists)
        mend = f"use one of {names}" if names else "add a variable of kind `records`"
        raise TableError("There are no such records.", [Fault(codebook.name, f"no list is named {name!r}", mend)])
    faults = [
        Fault(f"variable {variable!r}", f"a field of {name!r} is named {field.name!r}", "give the field another name")
        for variable, records in found.items()
        for field in records.fields
        if field.name in (*RECORD_KEY, "run_id")
    ]
    if len({tuple((field.name, field.kind) for field in records.fields) for records in found.values()}) > 1:
        mend = "give them the same fields, or names of their own"
        faults.append(Fault(codebook.name, f"the lists {name!r} of {', '.join(found)} have different fields", mend))
    if faults:
        raise TableError(f"The records of {name!r} do not fit into one frame.", faults)
    return found


_Unit = tuple[Unit, list[tuple[Any, ...]]]


def _by_unit(asked: pd.DataFrame, units: Iterable[Unit] | Iterable[tuple[Unit, str | None]]) -> Iterator[_Unit]:
    """Yield each unit with its labels, in the order of the units."""
    columns = ("coder", "variable", "draw", "run_id", "label")
    labels: dict[str, list[tuple[Any, ...]]] = {}
    there, ids = asked[asked["label"].notna()], list[str]()
    for unit_id, *cells in zip(there["unit_id"], *(there[name] for name in columns), strict=True):
        labels.setdefault(unit_id, []).append(tuple(cells))
    for one in units:
        unit = one[0] if isinstance(one, tuple) else one
        ids.append(unit.unit_id)
        if unit.unit_id in labels:
            yield unit, labels.pop(unit.unit_id)
    if labels:
        problem = join_ids(there["unit_id"], ids).say_strays("coded units", "among them", "the list of units")
        fault = Fault("units", problem, "give the units of this run")
        raise TableError("Quotes are looked for in the text of every unit.", [fault])


def _open_unit(
    unit: Unit, labels: Iterable[tuple[Any, ...]], lists: Mapping[str, RecordList]
) -> Iterator[dict[str, Any]]:
    """Yield the records of one unit, each coding's quotes placed together."""
    for coder, variable, draw, run_id, label in labels:
        records = lists[variable]
        found = orjson.loads(label)[records.name]
        head = {"unit_id": unit.unit_id, "coder": coder, "variable": variable, "draw": draw, "run_id": run_id}
        places = [_place(unit, field, [record[field] for record in found]) for field in _quotes(records)]
        for n, record in enumerate(found, start=1):
            fields = {field.name: record[field.name] for field in records.fields}
            spots = {name: cell for place in places for name, cell in place[n - 1].items()}
            yield {**head, "list": records.name, "n": n, **fields, **_name_places(records, spots)}


def _quotes(records: RecordList) -> list[str]:
    return [field.name for field in records.fields if field.kind == "quote"]


def _place(unit: Unit, field: str, quotes: list[str]) -> list[dict[str, Any]]:
    """The place of each quote of one field, under the field's name."""
    return [
        {
            f"{field}_start": found.start if found.start >= 0 else None,
            f"{field}_end": found.end if found.start >= 0 else None,
            f"{field}_how": found.how,
            f"{field}_score": round(found.score, 3),
            f"{field}_member": find_member(unit.members, found.start),
        }
        for found in find_quotes(quotes, unit.text)
    ]


def _name_places(records: RecordList, spots: Mapping[str, Any]) -> dict[str, Any]:
    """The places' columns: those of the first quote carry no field's name."""
    return dict(zip(_place_columns(records), spots.values(), strict=True))


def _place_columns(records: RecordList) -> list[str]:
    first, *more = _quotes(records) or [""]
    if any(field.name in PLACE for field in records.fields):  # a field has such a name itself
        first, more = "", _quotes(records)
    return [*(PLACE if first else ()), *(f"{field}_{name}" for field in more for name in PLACE)]


def _to_frame(rows: list[dict[str, Any]], records: RecordList) -> pd.DataFrame:
    """The rows as a frame whose columns have their types, also where there is no row."""
    ends = {"start": "Int64", "end": "Int64", "how": "str", "score": "float64", "member": "str"}
    kinds = dict.fromkeys(("unit_id", "coder", "variable"), "str") | {"draw": "int64", "run_id": "str", "list": "str"}
    kinds |= {"n": "int64"} | {f.name: "float64" if f.kind == "number" else "str" for f in records.fields}
    kinds |= {name: ends[name.rsplit("_", 1)[-1]] for name in _place_columns(records)}
    columns = {name: [row[name] for row in rows] for name in kinds}
    return pd.DataFrame(columns, dtype=object).astype(kinds)
