"""Classifications of Zooniverse: one row per volunteer's work on a subject, its answers as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from codebook.errors import Fault, TableError
from codebook.exchange.collector import Collector
from codebook.exchange.export_source import ExportSource
from codebook.exchange.reading import WHOLE, Reading, ReadOptions
from codebook.exchange.unit_fields import choose_unit, read_unit
from codebook.files.tables.formats import as_text

TITLE = "Zooniverse, classifications"
_OWN = ("retired", "metadata")
_GUEST = "not-logged-in-"
_VERSION = "workflow_version"


def looks_like(source: ExportSource) -> bool:
    """Whether its headings are those of classifications."""
    return {"classification_id", "annotations", "subject_data"} <= set(source.columns)


def read_export(source: ExportSource, options: ReadOptions) -> Reading:
    """Read one row per classification; a task is a variable."""
    rows = list(source.rows(encoding=options.encoding, delimiter=options.delimiter))
    out = Collector("zooniverse", TITLE, [source.name], options)
    subjects = [_read_subject(_load(row["subject_data"], source.name, place)) for place, row in enumerate(rows, 2)]
    unit = choose_unit(subjects, out, "the number of the subject")
    _tell_versions(rows, out)
    for place, (row, subject) in enumerate(zip(rows, subjects, strict=True), start=2):
        out.record()
        name = read_unit(subject, unit) if unit else row.get("subject_ids", "")
        _add_rows(row, name, _load(row["annotations"], source.name, place), out)
    return out.finish()


def _load(cell: str, where: str, line: int) -> Any:
    try:
        return orjson.loads(cell)
    except orjson.JSONDecodeError as error:
        fault = Fault(f"{where}, row {line}", f"a cell is not JSON ({error})", "export the classifications again")
        raise TableError(f"{where} cannot be read.", [fault]) from None


def _read_subject(data: Any) -> dict[str, Any]:
    """The fields of a subject's manifest; those that Zooniverse adds are left out."""
    fields: Any = next(iter(data.values()), {}) if isinstance(data, dict) else {}
    known = {str(name): value for name, value in fields.items()} if isinstance(fields, dict) else {}
    return {name: value for name, value in known.items() if name not in _OWN and not name.startswith(("#", "//"))}


def _tell_versions(rows: Sequence[Mapping[str, str]], out: Collector) -> None:
    versions = Counter(row.get(_VERSION, "") for row in rows)
    if len(versions) > 1:
        counts = ", ".join(f"{version} ({n:,})" for version, n in versions.items())
        out.note(
            f"There are several versions of the workflow, which may ask different questions: {counts}. All were read."
        )
    guests = {row["user_name"] for row in rows if row["user_name"].startswith(_GUEST)}
    if guests:
        out.note(f"{len(guests):,} guests are known by a hash of their address only: one guest may be several people.")


def _add_rows(row: Mapping[str, str], unit: str, tasks: Any, out: Collector) -> None:
    more: dict[str, Any] = {"time": row.get("created_at", ""), "answer": out.records}
    added = False
    for task in tasks if isinstance(tasks, list) else ():
        name, value = str(task.get("task", "")), task.get("value")
        if value is None:
            out.add(unit, row["user_name"], name, status="missing", note="no answer", **more)
        elif isinstance(value, list) and not all(isinstance(each, str) for each in value):
            out.count(f"marks or combined questions of task {name} are not labels and were not read")
            continue
        else:
            out.add(unit, row["user_name"], name, value if isinstance(value, list) else as_text(value), **more)
        if isinstance(value, list):
            out.mark_set(name)
        added = True
    if not added:
        out.add(unit, row["user_name"], WHOLE, status="empty", **more)
