"""Records out of labels: one row per topic, an entity or whatever a variable of kind `records` lists, quotes placed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson
import pandas as pd

from codebook.analysis.core.codings import Codings
from codebook.codings.coverage_counts import coverage_sentence
from codebook.codings.frame import check_table
from codebook.codings.records.record_lists import NOBODY, RECORD_KEY, Records, Units, plain_units
from codebook.errors import Fault, TableError
from codebook.ground.joins import join_ids
from codebook.ground.quotes import Found, find_quotes
from codebook.material.unit_store import find_member
from codebook.records import Unit
from codebook.scheme import Codebook, RecordList
from codebook.scheme.record_values import is_span, plain_record

PLACE = ("start", "end", "how", "score", "member")
"""Columns of the place of a quote: code points of the unit's text, the end left out (missing where it is absent); how
it was found, from `quotes.HOW`; its likeness; and in which text of a group it stands."""


def open_records(codings: Codings | pd.DataFrame, codebook: Codebook, name: str, *, units: Units) -> Records:
    """Open the records of one list, such as all entities, wherever the codebook asks for it.

    Parameters
    ----------
    codings
        The codings, or their tidy table.
    name
        The list's name. Whether it was asked for alone or together with others makes no difference.
    units
        The units that were coded, from `run.units()` or `read_units`.

    Returns
    -------
    Records
        `.frame` has one row per record: unit_id, coder, variable, draw, run_id, list, n (counted from 1), a column a
        field, and for the first quote start, end, how, score, member; for further quotes the same after the field's
        name and `_`.

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
    >>> records = open_records(table, book, "people", units=[Unit("7", "Coal, says Ann.")])
    >>> records.frame[["unit_id", "n", "mention", "start", "end", "how"]]
      unit_id  n mention  start   end     how
    0       7  1     Ann     11    14   exact
    1       7  2     Zoe   <NA>  <NA>  absent
    >>> records
    people: 2 records in 1 unit, 1 quote is not in their text; 1 asked = 1 labelled.
    """
    lists = find_lists(codebook, name)
    whole = codings if isinstance(codings, Codings) else Codings(codings, codebook.variables)
    table = check_table(whole.frame)
    coded = table[table["variable"].isin(lists)]
    again = list(units) if isinstance(units, Iterator) else units
    rows = [row for group in _by_unit(coded, again) for row in _open_unit(*group, lists)]
    return Records(
        name,
        _to_frame(rows, lists[next(iter(lists))]),
        runs=tuple(sorted(set(coded["run_id"]))),
        coverage=coverage_sentence(coded) if len(coded) else NOBODY,
        units=again,
        notes=whole.notes,
        joins=whole.joins,
        outputs=whole.outputs,
    )


def find_lists(codebook: Codebook, name: str) -> dict[str, RecordList]:
    """Return the list of this name in each variable that has it.

    Raises
    ------
    TableError
        There is none, its fields differ from variable to variable, or a field is named like a column of the frame.
    """
    lists = {v.name: records for v in codebook.variables for records in v.lists if records.name == name}
    if not lists:
        names = ", ".join(repr(records.name) for v in codebook.variables for records in v.lists)
        mend = f"use one of {names}" if names else "add a variable of kind `records`"
        raise TableError("There are no such records.", [Fault(codebook.name, f"no list is named {name!r}", mend)])
    faults = [
        Fault(f"variable {variable!r}", f"a field of {name!r} is named {field.name!r}", "rename the field")
        for variable, records in lists.items()
        for field in records.fields
        if field.name in (*RECORD_KEY, "run_id")
    ]
    if len({tuple((field.name, field.kind) for field in records.fields) for records in lists.values()}) > 1:
        mend = "give them the same fields, or different names"
        faults.append(Fault(codebook.name, f"the lists {name!r} of {', '.join(lists)} have different fields", mend))
    TableError.raise_any(f"The records of {name!r} do not fit into one frame.", faults)
    return lists


_Unit = tuple[Unit, list[tuple[Any, ...]]]


def _by_unit(coded: pd.DataFrame, units: Units) -> Iterator[_Unit]:
    """Yield each unit with its labels, in the order of the units."""
    columns = ("coder", "variable", "draw", "run_id", "label")
    labels: dict[str, list[tuple[Any, ...]]] = {}
    there, ids = coded[coded["label"].notna()], list[str]()
    for unit_id, *cells in zip(there["unit_id"], *(there[name] for name in columns), strict=True):
        labels.setdefault(unit_id, []).append(tuple(cells))
    for unit in plain_units(units):
        ids.append(unit.unit_id)
        if unit.unit_id in labels:
            yield unit, labels.pop(unit.unit_id)
    if labels:
        problem = join_ids(there["unit_id"], ids).say_strays("coded units", "among them", "the list of units")
        fault = Fault("units", problem, "give the units of this run")
        raise TableError("The texts of some units are missing, so quotes cannot be found.", [fault])


def _open_unit(
    unit: Unit, labels: Iterable[tuple[Any, ...]], lists: Mapping[str, RecordList]
) -> Iterator[dict[str, Any]]:
    """Yield the records of one unit, each coding's quotes placed together."""
    for coder, variable, draw, run_id, label in labels:
        records = lists[variable]
        items = orjson.loads(label)[records.name]
        head = {"unit_id": unit.unit_id, "coder": coder, "variable": variable, "draw": draw, "run_id": run_id}
        places = [_place(unit, field, [record[field] for record in items]) for field in _quotes(records)]
        for n, record in enumerate(items, start=1):
            plain = plain_record(record)
            fields = {field.name: plain[field.name] for field in records.fields}
            spots = {name: cell for place in places for name, cell in place[n - 1].items()}
            yield {**head, "list": records.name, "n": n, **fields, **_name_places(records, spots)}


def _quotes(records: RecordList) -> list[str]:
    return [field.name for field in records.fields if field.kind == "quote"]


def _find(quotes: list[Any], text: str) -> list[Found]:
    """The places of quotes: those that a person marked, where these words stand there; the others are looked for."""
    marked = [
        Found(quote["start"], quote["end"], "exact", 1.0)
        if is_span(quote) and text[quote["start"] : quote["end"]] == quote["quote"]
        else None
        for quote in quotes
    ]
    sought = [quote["quote"] if is_span(quote) else quote for quote in quotes]
    rest = iter(find_quotes([quote for quote, place in zip(sought, marked, strict=True) if place is None], text))
    return [place or next(rest) for place in marked]


def _place(unit: Unit, field: str, quotes: list[Any]) -> list[dict[str, Any]]:
    """The place of each quote of one field, under the field's name."""
    return [
        {
            f"{field}_start": place.start if place.start >= 0 else None,
            f"{field}_end": place.end if place.start >= 0 else None,
            f"{field}_how": place.how,
            f"{field}_score": round(place.score, 3),
            f"{field}_member": find_member(unit.members, place.start),
        }
        for place in _find(quotes, unit.text)
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
