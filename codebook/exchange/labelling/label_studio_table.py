"""Label Studio, JSON_MIN, CSV and TSV: one row per annotation, its controls among the columns of the data.

The tool leaves out what was skipped, drafts, predictions and who changed an annotation: the JSON export has them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any

import orjson

from codebook.exchange.collector import Collector
from codebook.exchange.export_source import ExportSource, read_head
from codebook.exchange.labelling.label_studio_values import add_value
from codebook.exchange.reading import Reading, ReadOptions
from codebook.exchange.text_places import find_text
from codebook.exchange.unit_fields import choose_unit, read_unit
from codebook.files.tables.formats import as_text

Row = Mapping[str, Any]
_TOOL = frozenset(("annotation_id", "annotator", "created_at", "updated_at", "lead_time", "id", "agreement"))
_N_SAMPLES = 200
_CONTROL = re.compile(r"<\w+\b(?=[^>]*\btoName=)[^>]*?\bname=[\"']([^\"']+)", re.IGNORECASE)
_CONFIG = "label_config.xml"
_LOST = "This export lacks skips, drafts, predictions and who changed an annotation: the JSON export has them."


def is_table(source: ExportSource) -> bool:
    """Whether an export is a table of Label Studio."""
    record = source.record
    if isinstance(record, dict):
        return {"annotation_id", "lead_time"} <= set(record) or {"annotator", "id", "lead_time"} <= set(record)
    return {"annotation_id", "annotator", "lead_time"} <= set(source.columns)


def read_table(source: ExportSource, options: ReadOptions) -> Reading:
    """Read the rows of a table, one after the other."""
    is_json = isinstance(source.record, dict)
    title = "Label Studio, JSON_MIN" if is_json else "Label Studio, CSV or TSV"
    collector = Collector("label_studio", title, source.names, options)
    collector.note(_LOST)
    for file in source.files:
        if is_json:
            rows: Iterator[Row] = (row for _, row in source.values(file))
        else:
            rows = iter(source.rows(file, encoding=options.encoding, delimiter=options.delimiter))
        samples = list(islice(rows, _N_SAMPLES))
        config = source.path.parent / _CONFIG
        named = tuple(_CONTROL.findall(read_head(config))) if config.is_file() else ()
        controls = _find_controls(samples, named, collector, is_json=is_json)
        fields = _find_unit(samples, controls, collector)
        for row in chain(samples, rows):
            _read_row(row, controls, fields, collector)
    return collector.finish()


def _find_unit(samples: Sequence[Row], controls: Sequence[str], collector: Collector) -> tuple[str, ...]:
    is_number = all(as_text(row.get("id")).isdecimal() for row in samples)
    taken = {*controls, *(_TOOL - {"id"}), *(["id"] if is_number else [])}
    named = set(collector.options.unit)
    data = [{name: row[name] for name in row if name not in taken or name in named} for row in samples]
    return choose_unit(data, collector, "the task's number")


def _find_controls(samples: Sequence[Row], config: Sequence[str], collector: Collector, *, is_json: bool) -> list[str]:
    """The columns of codes: named by a person, by the configuration beside the file, or by how they are filled."""
    columns = [name for name in dict.fromkeys(name for row in samples for name in row) if name not in _TOOL]
    options = collector.options
    named = {name for name, meant in options.variables.items() if meant}
    known = named | {name for name in columns if options.rename(name) in options.only} or set(config)
    if known:
        return [name for name in columns if name in known]
    likely = _find_by_order(samples) if is_json else [name for name in columns if _is_control(name, samples)]
    data = [name for name in columns if name not in likely]
    words = f"used as codes: {', '.join(likely) or 'none'}; as data: {', '.join(data) or 'none'}"
    if is_json or _have_twins(samples):
        collector.note(f"The columns do not say what they hold; {words}. `variables` lists the codes.")
    elif samples:
        collector.ask("variables", f"the columns do not say which of them hold codes ({words})", "list those")
    return likely


def _find_by_order(samples: Sequence[Row]) -> list[str]:
    """Of JSON_MIN: the controls stand between the task's number and the coder."""
    names: dict[str, None] = {}
    for row in samples:
        keys = list(row)
        if "id" in keys and "annotator" in keys:
            names.update(dict.fromkeys(keys[keys.index("id") + 1 : keys.index("annotator")]))
    return list(names)


def _is_control(name: str, samples: Sequence[Row]) -> bool:
    """Whether a column holds values of a control, is empty where nobody coded, or differs within a task."""
    cells = [as_text(row.get(name)) for row in samples]
    if any(not isinstance(_open_cell(cell), str) for cell in cells):
        return True
    coded = [bool(as_text(row.get("annotator"))) for row in samples]
    uncoded = [cell for cell, is_coded in zip(cells, coded, strict=True) if not is_coded]
    if uncoded:
        return not any(uncoded)
    first: dict[str, str] = {}
    return any(first.setdefault(as_text(row.get("id")), cell) != cell for row, cell in zip(samples, cells, strict=True))


def _have_twins(samples: Sequence[Row]) -> bool:
    """Whether there are rows that nobody coded, or tasks that were coded twice: both tell codes from data."""
    tasks = [as_text(row.get("id")) for row in samples]
    return len(set(tasks)) < len(tasks) or not all(as_text(row.get("annotator")) for row in samples)


def _read_row(row: Row, controls: Sequence[str], fields: Sequence[str], collector: Collector) -> None:
    collector.record()
    unit = read_unit(row, fields) if fields else as_text(row.get("id"))
    coder, time = as_text(row.get("annotator")), as_text(row.get("created_at"))
    if not unit:
        collector.set_aside("its unit has no id")
        return
    if not coder:
        collector.add(unit, "", status="not_seen")
        return
    n_before = collector.made
    text = find_text({name: row[name] for name in row if name not in controls and name not in _TOOL}, "text")
    for name in controls:
        for value in _open_values(row.get(name)):
            add_value(collector, value, unit, coder, name, text=text, time=time, answer=collector.records)
    if collector.made == n_before:
        collector.add(unit, coder, status="empty", time=time, answer=collector.records)


def _open_values(cell: Any) -> list[Any]:
    """The values of a cell: a plain text is a choice, which may be one of several elsewhere."""
    value = _open_cell(cell) if isinstance(cell, str) else cell
    if value is None or value == "":
        return []
    values = value if isinstance(value, list) else [value]
    return [{"choices": [each]} if isinstance(each, str) else each for each in values]


def _open_cell(cell: str) -> Any:
    """What the JSON of a cell holds, where it is of the tool; else the text itself."""
    if cell[:1] not in ("{", "["):
        return cell
    try:
        value = orjson.loads(cell)
    except orjson.JSONDecodeError:
        return cell
    values = value if isinstance(value, list) else [value]
    return value if any(isinstance(each, dict) for each in values) else cell
