"""Which field of a record is the unit's id: given by a person, or taken where its name leaves no doubt, and told."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from codebook.errors import TableError
from codebook.exchange.collector import Collector
from codebook.files.tables.formats import as_text
from codebook.files.tables.rows import missing_column

_ID_WORDS = frozenset(
    ("id", "uid", "uuid", "guid", "key", "identifier", "doc", "docid", "document", "unit", "unitid", "item", "itemid")
)
_LONGEST = 200
_JOINER = "/"


def choose_unit(samples: Sequence[Mapping[str, Any]], collector: Collector, number: str) -> tuple[str, ...]:
    """Return the fields that hold the unit's id; empty for the tool's own number, which is asked about.

    `samples` are the fields of the first records, `number` is what the tool's own number is called, for people.
    """
    names = list(dict.fromkeys(name for record in samples for name in record))
    if collector.options.unit:
        missing = [name for name in collector.options.unit if name not in names]
        if missing and samples:
            faults = [missing_column(collector.files[0], name, names, "`unit`") for name in missing]
            raise TableError("The units cannot be read.", faults)
        collector.unit = collector.options.unit
        return collector.unit
    likely = [name for name in names if _is_id_name(name) and all(_is_id(record.get(name)) for record in samples)]
    if len(likely) == 1:
        collector.note(f"The field {likely[0]!r} was used as the unit's id; `unit` names another one.")
        collector.unit = tuple(likely)
        return collector.unit
    if samples:
        choice = ", ".join(map(repr, likely or names)) or "(there are no fields)"
        problem = f"it is not certain which field is the unit's id (until then, units are named by {number})"
        collector.ask("unit", problem, f"name it with `unit: ...`, one of {choice}")
    return ()


def read_unit(record: Mapping[str, Any], names: Sequence[str]) -> str:
    """Return the id of a record's unit, "" where one of its fields is empty.

    Examples
    --------
    >>> read_unit({"wave": 2.0, "id": "007"}, ["wave", "id"]), read_unit({"id": None}, ["id"])
    ('2/007', '')
    """
    parts = [as_text(record.get(name)) for name in names]
    return _JOINER.join(parts) if all(part.strip() for part in parts) else ""


def _is_id_name(name: str) -> bool:
    words = re.findall(r"[a-z0-9]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower())
    return not _ID_WORDS.isdisjoint(words)


def _is_id(value: Any) -> bool:
    return not isinstance(value, list | dict | bool) and 0 < len(as_text(value).strip()) <= _LONGEST
