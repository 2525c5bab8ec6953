"""Records that people or other tools gave, such as gold entities, as labels of the tidy table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from codebook.codings.frame import make_table
from codebook.codings.records.record_rows import find_lists
from codebook.errors import Fault, TableError
from codebook.files.lines import dump_canonical, read_lines
from codebook.ground.joins import Sides, join_faults, join_ids, tell_strays
from codebook.paths import resolve_path
from codebook.scheme import Codebook


def read_record_codings(
    path: str | Path,
    codebook: Codebook,
    name: str,
    *,
    unit: str,
    column: str,
    fields: Mapping[str, str] | None = None,
    coder: str = "gold",
    units: Iterable[str] | None = None,
) -> pd.DataFrame:
    """Read records that people gave, from JSON lines that each hold a unit and the list of its records.

    Parameters
    ----------
    name
        The codebook's list, alone in its variable.
    unit, column
        The keys of a line with the unit's id and with the list.
    fields
        The codebook's field -> the key in a record, where it has another name.
    units
        Ids of the units that the records are of, such as those of a run: records of others are left out and counted.

    Raises
    ------
    TableError
        A line lacks a key, or a record does not keep the codebook; no line is of one of the units, or more almost are
        than are.

    Examples
    --------
    >>> from codebook.scheme import parse_codebook
    >>> book = parse_codebook('''
    ... name: names
    ... unit: a headline
    ... variables:
    ...   - {name: people, question: Whom does it name, kind: records, fields: [{name: mention, kind: quote}]}
    ... ''')
    >>> import tempfile; folder = tempfile.TemporaryDirectory(); path = Path(folder.name) / "gold.jsonl"
    >>> _ = path.write_text('{"id": "7", "names": [{"text": "Ann", "sure": true}]}')
    >>> table = read_record_codings(path, book, "people", unit="id", column="names", fields={"mention": "text"})
    >>> table["label"].tolist()
    ['{"people":[{"mention":"Ann"}]}']
    >>> folder.cleanup()
    """
    path, lists = resolve_path(path), find_lists(codebook, name)
    variable, records = next(iter(lists.items()))
    keys = {field.name: (fields or {}).get(field.name, field.name) for field in records.fields}
    rows = []
    for number, line in enumerate(read_lines(path), start=1):
        try:
            given = [{field: record[key] for field, key in keys.items()} for record in line[column]]
            row = {"unit_id": line[unit], "coder": coder, "variable": variable}
        except KeyError as error:
            mend = "name the keys of the file: `unit`, `column`, `fields`"
            fault = Fault(f"{path.name}, line {number}", f"there is no {error.args[0]!r}", mend)
            raise TableError(f"{path.name} does not hold the records.", [fault]) from None
        rows.append(row | {"label": dump_canonical({name: given}).decode()})
    table = make_table(rows, codebook)
    table.attrs["notes"] = [f"{path.name}: {len(rows):,} units read."]
    return table if units is None else _keep_known(table, units, path.name)


def _keep_known(table: pd.DataFrame, units: Iterable[str], name: str) -> pd.DataFrame:
    """The rows of known units; the others are told."""
    join = join_ids(table["unit_id"], units)
    sides = Sides(f"units of {name}", "among the units", "the list of units")
    if faults := join_faults(join, name, sides, "write the ids of both alike, or name their key with `unit`"):
        raise TableError("The records are of other units.", faults)
    if not (joins := tell_strays(join, sides)):
        return table
    kept = table[~table["unit_id"].isin(join.strays)].reset_index(drop=True)
    kept.attrs = {"notes": [*table.attrs["notes"], *joins], "joins": joins}
    return kept
