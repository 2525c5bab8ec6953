"""Label Studio: its JSON (a task per unit, with annotations, drafts and predictions), and the door to its tables.

Its JSON_MIN, CSV and TSV have a row per annotation and lack skips and drafts.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any

import orjson

from codebook.exchange.collector import Collector
from codebook.exchange.export_source import ExportSource, read_head
from codebook.exchange.offset_counting import find_text, place_span
from codebook.exchange.reading import MODEL, Reading, ReadOptions
from codebook.exchange.unit_fields import choose_unit, read_unit
from codebook.files.tables.formats import as_text

TITLE = "Label Studio"
_N_SAMPLES = 200
_N_NAMED = 5


def looks_like(source: ExportSource) -> bool:
    """Whether an export is one of Label Studio."""
    return is_tasks(source.record) or is_table(source)


def read_export(source: ExportSource, options: ReadOptions) -> Reading:
    """Read an export of Label Studio: JSON by its annotations, the others by their columns."""
    return read_table(source, options) if is_table(source) else read_tasks(source, options)


def is_tasks(record: Any) -> bool:
    """Whether a JSON value is a task of Label Studio: exported with its annotations, or written for its import."""
    if not isinstance(record, dict) or not isinstance(record.get("data"), dict):
        return False
    return not {"annotations", "predictions"}.isdisjoint(record) or set(record) == {"data"}


def read_tasks(source: ExportSource, options: ReadOptions) -> Reading:
    """Read the tasks of a JSON export, one after the other."""
    collector = Collector("label_studio", "Label Studio, JSON", source.names, options)
    reader = _TaskReader(collector)
    for file in source.files:
        reader.read(task for _, task in source.values(file))
    reader.tell_twins()
    return collector.finish()


class _TaskReader:
    def __init__(self, collector: Collector) -> None:
        self.collector = collector
        self.n_tasks = Counter[str]()
        self.fields: tuple[str, ...] = ()

    def read(self, tasks: Iterator[Any]) -> None:
        samples = list(islice(tasks, _N_SAMPLES))
        data = [task["data"] for task in samples if is_tasks(task)]
        self.fields = choose_unit(data, self.collector, "the task's number")
        for task in chain(samples, tasks):
            if is_tasks(task):
                self._read_task(task)
            else:
                self.collector.record()
                self.collector.set_aside("not a task: it has no `data`")

    def _read_task(self, task: Mapping[str, Any]) -> None:
        collector, data = self.collector, task["data"]
        unit = read_unit(data, self.fields) if self.fields else as_text(task.get("id"))
        every = [*(task.get("annotations") or ()), *(task.get("drafts") or ()), *(task.get("predictions") or ())]
        if not unit:
            for _ in every or [None]:
                collector.record()
                collector.set_aside("its unit has no id")
            return
        self.n_tasks[unit] += 1
        for annotation in task.get("annotations") or ():
            self._read_annotation(annotation, unit, data)
        for draft in task.get("drafts") or ():
            self._read_draft(draft, unit)
        for prediction in task.get("predictions") or ():
            self._read_prediction(prediction, unit, data)
        if not every:
            collector.record()
            collector.add(unit, "", status="not_seen")

    def _read_annotation(self, annotation: Any, unit: str, data: Mapping[str, Any]) -> None:
        collector = self.collector
        collector.record()
        if not isinstance(annotation, dict):
            collector.set_aside("an annotation that is only a number: export annotations with their results")
            return
        coder = name_coder(annotation.get("completed_by"))
        time = as_text(annotation.get("created_at"))
        if annotation.get("was_cancelled"):
            note = "it had labels, which do not count as an answer" if annotation.get("result") else ""
            collector.add(unit, coder, status="skipped", note=note, time=time)
            return
        note = self._note(annotation, coder)
        answer = collector.records
        results = annotation.get("result") or []
        n_before = collector.made
        for result in results:
            more = {"time": time, "answer": answer, "note": note}
            add_result(collector, result, unit, coder, data, **more)
        if collector.made == n_before:
            collector.add(unit, coder, status="empty", note=note, time=time, answer=answer)

    def _note(self, annotation: Mapping[str, Any], coder: str) -> str:
        changed = annotation.get("updated_by")
        parts = ["ground truth"] if annotation.get("ground_truth") else []
        if changed is not None and name_coder(changed) != coder:
            self.collector.count("an annotation was changed by another person; it still counts as its coder's")
            parts.append("changed by another person")
        return "; ".join(parts)

    def _read_draft(self, draft: Any, unit: str) -> None:
        self.collector.record()
        draft = draft if isinstance(draft, dict) else {}
        note = "of a submitted annotation" if draft.get("annotation") else ""
        time = as_text(draft.get("created_at"))
        self.collector.add(unit, name_coder(draft.get("user")), status="draft", note=note, time=time)

    def _read_prediction(self, prediction: Any, unit: str, data: Mapping[str, Any]) -> None:
        """A prediction: in most exports its number only, in older ones and in files to import all of it."""
        collector = self.collector
        collector.record()
        whole = prediction if isinstance(prediction, dict) else {}
        model = as_text(whole.get("model_version")) or MODEL
        n_before = collector.made
        for result in whole.get("result") or ():
            add_result(collector, result, unit, model, data, status="prediction", answer=0)
        if collector.made == n_before:
            collector.add(unit, model, status="prediction")

    def tell_twins(self) -> None:
        """Say which units stand in several tasks."""
        twice = [unit for unit, n in self.n_tasks.items() if n > 1]
        if twice:
            names = ", ".join(map(repr, twice[:_N_NAMED]))
            problem = f"{len(twice):,} units occur in several tasks (first: {names})"
            self.collector.note(f"{problem}: codings of all their tasks count as codings of one unit.")


def name_coder(value: Any) -> str:
    """The name of a coder: a number, an e-mail address, or either in an object.

    Examples
    --------
    >>> name_coder(2), name_coder({"id": 3, "email": "ann@example.org"}), name_coder(None)
    ('2', 'ann@example.org', '(unknown)')
    """
    if isinstance(value, dict):
        value = value.get("email") or value.get("username") or value.get("id")
    return as_text(value) or "(unknown)"


Row = Mapping[str, Any]
_TOOL = frozenset(("annotation_id", "annotator", "created_at", "updated_at", "lead_time", "id", "agreement"))
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


_LISTS = ("choices", "taxonomy")
_PLAIN = ("rating", "number", "datetime", "selected")
_PLACES = ("start", "end", "startOffset", "endOffset", "globalOffsets", "text", "x", "y", "width", "height", "rotation")
PATH_SIGN = " > "
"""Between the steps of a path of a taxonomy."""


def add_result(collector: Collector, result: Any, unit: str, coder: str, data: Mapping[str, Any], **more: Any) -> None:
    """Add the rows of one result of an annotation."""
    if not isinstance(result, dict) or not result.get("from_name"):
        collector.count("a result without a control, such as a relation between spans, is not a label")
        return
    text = find_text(data, str(result.get("to_name", "")))
    note = " ".join(map(str, (result.get("meta") or {}).get("text") or ()))
    more["note"] = "; ".join(filter(None, [str(more.get("note", "")), note]))
    add_value(collector, result.get("value"), unit, coder, str(result["from_name"]), text=text, **more)


def add_value(
    collector: Collector, value: Any, unit: str, coder: str, variable: str, *, text: str | None, **more: Any
) -> None:
    """Add the rows of one value of a control."""
    if not isinstance(value, dict):
        collector.add(unit, coder, variable, as_text(value), **more)
        return
    place, quote = _find_place(value), value.get("text")
    if place and isinstance(quote, str | type(None)):
        span = place_span(text, *place, quote or "", collector)
        more |= span.as_row(more.get("note", ""), more.get("status", "coded"))
    elif any(name in value for name in ("x", "points", "rle")):
        where = {name: value[name] for name in _PLACES if name in value and name != "text"}
        more["note"] = "; ".join(filter(None, [more.get("note", ""), as_text(where)]))
    for label in _read_labels(value, collector, whole=place is None):
        collector.add(unit, coder, variable, label, **more)


def _find_place(value: Mapping[str, Any]) -> tuple[int, int] | None:
    """The span of a region in its text; of hypertext the offsets in the whole of it."""
    offsets = value.get("globalOffsets")
    places = offsets if isinstance(offsets, dict) else value
    start, end = places.get("start"), places.get("end")
    return (start, end) if isinstance(start, int) and isinstance(end, int) else None


def _read_labels(value: Mapping[str, Any], collector: Collector, *, whole: bool) -> list[str | list[str]]:
    """The labels of a value: one set of a whole text, one label each of a region."""
    for name in _LISTS:
        if isinstance(value.get(name), list):
            return [[_join_path(each) for each in value[name]]]
    for name in _PLAIN:
        if name in value:
            return [as_text(value[name])]
    for name, listed in value.items():
        if name.endswith("labels") and isinstance(listed, list):
            return [as_text(label) for label in listed]
    texts = value.get("text")
    if whole and isinstance(texts, str | list):
        texts = [texts] if isinstance(texts, str) else texts
        if len(texts) > 1:
            collector.count("an answer of several texts was joined with line breaks")
        return ["\n".join(map(as_text, texts))]
    if not whole and set(value) <= set(_PLACES):
        collector.count("a region without a label")
        return []
    collector.count("the value of an unknown control was kept as JSON")
    return [as_text(value)]


def _join_path(choice: Any) -> str:
    return PATH_SIGN.join(map(as_text, choice)) if isinstance(choice, list) else as_text(choice)
