"""What is made of records: counts of their quotes, lists by unit, mentions with ids; and units with their members."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from textwrap import shorten

import pandas as pd

from codebook.analysis.entities import Names
from codebook.codings.records.quotes import HOW
from codebook.errors import TableError
from codebook.files import open_rows
from codebook.ground.joins import Sides, join_faults, join_ids, tell_strays
from codebook.records import Unit

Units = Iterable[Unit] | Iterable[tuple[Unit, str | None]]


def count_quotes(records: pd.DataFrame) -> pd.DataFrame:
    """Count how the quotes of a frame of `records_table` were found, one row a coder.

    Examples
    --------
    >>> count_quotes(pd.DataFrame({"coder": ["m", "m", "m"], "how": ["exact", "absent", "exact"]}))
      coder  exact  folded  aligned  absent
    0     m      2       0        0       1
    """
    counted = pd.crosstab(records["coder"], records["how"]).reindex(columns=list(HOW), fill_value=0)
    return counted.rename_axis(None, axis=1).reset_index()


def list_by_unit(
    records: pd.DataFrame,
    field: str,
    *,
    units: Units,
    n_characters: int = 120,
) -> pd.DataFrame:
    """List what each unit's records hold in one field beside the unit's beginning, for a person to judge.

    Units without a record stand there with nothing beside them. Records of other units are told in `attrs["joins"]`.

    Raises
    ------
    TableError
        No record is of one of the units.

    Examples
    --------
    >>> frame = pd.DataFrame({"unit_id": ["7", "7"], "topic": ["coal", "hard coal"]})
    >>> list_by_unit(frame, "topic", units=[Unit("7", "The price of hard coal fell."), Unit("9", "-")], n_characters=13)
      unit_id           text            topic
    0       7  The price ...  coal; hard coal
    1       9              -
    """
    held = records.groupby("unit_id", sort=False)[field].agg("; ".join).to_dict()
    each = (one[0] if isinstance(one, tuple) else one for one in units)
    rows = [
        (unit.unit_id, shorten(unit.text, n_characters, placeholder=" ..."), held.get(unit.unit_id, ""))
        for unit in each
    ]
    sides = Sides("units with records", "among the units", "the list of units")
    join = join_ids(map(str, held), (row[0] for row in rows))
    if faults := join_faults(join, "units", sides, "give the units of this run"):
        raise TableError("The records cannot be listed by unit.", faults)
    frame = pd.DataFrame(rows, columns=["unit_id", "text", field])
    if joins := tell_strays(join, sides):
        frame.attrs["joins"] = joins
    return frame


def units_table(units: Units) -> pd.DataFrame:
    """List units by their ids, one row a text: a unit that is no group is its own one member.

    Examples
    --------
    >>> units_table([Unit("t1", "Coal? No.", members=(("7", 0), ("9", 6)))]).to_numpy().tolist()
    [['t1', '7', 0], ['t1', '9', 6]]
    """
    each = (one[0] if isinstance(one, tuple) else one for one in units)
    rows = [(unit.unit_id, *member) for unit in each for member in unit.members or ((unit.unit_id, 0),)]
    frame = pd.DataFrame(rows, columns=["unit_id", "member", "start"])
    frame = frame.astype({"unit_id": "str", "member": "str", "start": "int64"})
    frame.attrs = {"key": ["unit_id", "member"], "scope": ["unit_id"]}
    return frame


def name_mentions(records: pd.DataFrame, field: str) -> pd.DataFrame:
    """Give each record a `mention_id`, and its `name` out of a field: what entity resolution reads.

    Examples
    --------
    >>> frame = pd.DataFrame({"unit_id": ["7"], "list": ["people"], "n": [2], "mention": ["Ann  Lee"]})
    >>> name_mentions(frame, "mention")[["mention_id", "name"]].to_numpy().tolist()
    [['7.people.2', 'Ann Lee']]
    """
    several = [column for column in ("coder", "draw") if column in records and records[column].nunique() > 1]
    parts = [records[column].astype("str") for column in (*several, "unit_id", "list", "n")]
    ids = [".".join(cells) for cells in zip(*parts, strict=True)]
    return records.assign(mention_id=ids, name=[" ".join(text.split()) for text in records[field]])


def read_names(path: str | Path, *, listed: str = "", source: str = "source_column") -> Names:
    """Read names from a table with the columns `mention_id` and `name`, and `entity_id` where the entity is known.

    Parameters
    ----------
    listed
        The source whose names are the list of entities; empty for none.
    source
        Column that says from which source a name is.

    Raises
    ------
    UnitsError
        The file cannot be read, or lacks a column.
    """
    rows = open_rows(path)
    rows.require(["mention_id", "name", *([source, "entity_id"] if listed else [])])
    table = pd.DataFrame(list(rows), columns=list(rows.columns), dtype=object)
    on_list = (table[source] == listed) if listed else pd.Series(data=False, index=table.index)
    mentions = table[~on_list].reset_index(drop=True)
    truth = mentions.set_index("mention_id")["entity_id"] if "entity_id" in table else None
    return Names(mentions, table[on_list].reset_index(drop=True) if listed else None, truth)
