"""Prodigy: JSON lines, one line per answer; the codes of a choice are the ids of its options."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from codebook.exchange.collector import Collector
from codebook.exchange.export_source import ExportSource
from codebook.exchange.offset_counting import place_span
from codebook.exchange.reading import MODEL, UNKNOWN_CODER, Reading, ReadOptions
from codebook.exchange.unit_fields import choose_unit, read_unit
from codebook.files.tables.formats import as_text

TITLE = "Prodigy"
CHOICE, SPANS = "label", "spans"
"""The names of its variables: of a choice, and of spans."""
_TEXT = "user_input"
_N_SAMPLES = 200
_BINARY = ("classification", "text_classification", "textcat", "image", "html", "text")
_WHOLE = ("choice", *_BINARY)
"""Views in which a span is shown and not coded."""
_DATE = re.compile(r"\d{4}-\d\d-\d\d[ T_]\d\d.\d\d")
Record = Mapping[str, Any]


def looks_like(source: ExportSource) -> bool:
    """Whether an export is one of Prodigy."""
    record = source.record
    if not isinstance(record, dict):
        return False
    is_task = isinstance(record.get("meta"), dict) and not {"options", "spans"}.isdisjoint(record)
    return "_task_hash" in record or {"_view_id", "answer"} <= set(record) or is_task


def read_export(source: ExportSource, options: ReadOptions) -> Reading:
    """Read the answers, line by line; of a task that a coder answered again, the last line stands."""
    collector = Collector("prodigy", "Prodigy", source.names, options)
    last = {_task(record): number for number, record in _records(source) if "_task_hash" in record}
    samples = list(islice(_records(source), _N_SAMPLES))
    meta = [_fields(record) for _, record in samples]
    fields = choose_unit(meta, collector, "Prodigy's `_input_hash`")
    reader = _Reader(collector, fields)
    for number, record in _records(source):
        collector.record()
        if last.get(_task(record), number) != number:
            collector.set_aside("answered again: a later line of the same coder and task was kept")
        else:
            reader.read(record)
    return collector.finish()


def _records(source: ExportSource) -> Iterator[tuple[int, Record]]:
    every = (record for file in source.files for _, record in source.values(file))
    return enumerate((record for record in every if isinstance(record, dict)), start=1)


def _task(record: Record) -> tuple[str, str]:
    return name_coder(record), as_text(record.get("_task_hash"))


def _fields(record: Record) -> dict[str, Any]:
    """What the data says of a text: its `meta`, and fields of its own."""
    plain = {name: value for name, value in record.items() if isinstance(value, str | int) and name[:1] != "_"}
    meta = record.get("meta")
    drop = ("text", "answer", "label", _TEXT)
    return {**{name: plain[name] for name in plain if name not in drop}, **(meta if isinstance(meta, dict) else {})}


def name_coder(record: Record) -> str:
    """The coder of an answer; of old files the session."""
    return as_text(record.get("_annotator_id")) or as_text(record.get("_session_id")) or UNKNOWN_CODER


class _Reader:
    def __init__(self, collector: Collector, fields: tuple[str, ...]) -> None:
        self.collector, self.fields = collector, fields
        self.options: dict[str, str] = {}

    def read(self, record: Record) -> None:
        """Add the rows of one answer."""
        collector, coder = self.collector, name_coder(record)
        unit = read_unit(_fields(record), self.fields) if self.fields else as_text(record.get("_input_hash"))
        if not unit:
            collector.set_aside("its unit has no id")
            return
        if _DATE.match(coder):
            collector.note(f"The session {coder!r} is a time, not a person: `rename_coders` says who it was.")
        more: dict[str, Any] = {"time": _time(record.get("_timestamp")), "answer": collector.records}
        match record.get("answer"):
            case "accept":
                self._accept(record, unit, coder, more)
            case "reject" if _is_binary(record):
                collector.add(unit, coder, as_text(record["label"]), "no", **more)
            case "reject":
                collector.add(unit, coder, status="rejected", note=_unread(record), **more)
            case "ignore":
                collector.add(unit, coder, status="skipped", note=_unread(record), **more)
            case _:
                self._read_task(record, unit)

    def _read_task(self, record: Record, unit: str) -> None:
        """A task that nobody has answered: what it holds is suggested."""
        if "accept" not in record and not record.get("spans"):
            self.collector.add(unit, "", status="not_seen")
            return
        self._accept(record, unit, MODEL, {"status": "prediction"})

    def _accept(self, record: Record, unit: str, coder: str, more: dict[str, Any]) -> None:
        collector, n_before = self.collector, self.collector.made
        if isinstance(record.get("accept"), list):
            self._tell_options(record)
            if (record.get("config") or {}).get("choice_style") != "single":
                collector.mark_set(CHOICE)
            collector.add(unit, coder, CHOICE, [as_text(choice) for choice in record["accept"]], **more)
        elif _is_binary(record):
            collector.add(unit, coder, as_text(record["label"]), "yes", **more)
        if record.get("_view_id") not in _WHOLE:
            for span in record.get("spans") or ():
                self._add_span(span, unit, coder, record, more)
        if record.get("relations"):
            collector.count("a relation between spans is not a label")
        for name in dict.fromkeys((_TEXT, *collector.options.variables)):
            if name not in (CHOICE, SPANS) and isinstance(record.get(name), str) and record[name]:
                collector.add(unit, coder, name, record[name], **more)
        if collector.made == n_before:
            collector.add(unit, coder, status="empty", **more)

    def _add_span(self, span: Any, unit: str, coder: str, record: Record, more: dict[str, Any]) -> None:
        start, end = span.get("start"), span.get("end")
        if not isinstance(start, int) or not isinstance(end, int):
            shape = {name: span[name] for name in ("type", "x", "y", "width", "height", "points") if name in span}
            self.collector.add(unit, coder, SPANS, as_text(span.get("label")), note=as_text(shape), **more)
            return
        text = record.get("text")
        place = place_span(text if isinstance(text, str) else None, start, end, "", self.collector)
        where = place.as_row(status=more.get("status", "coded"))
        self.collector.add(unit, coder, SPANS, as_text(span.get("label")), **{**more, **where})

    def _tell_options(self, record: Record) -> None:
        for option in record.get("options") or ():
            code, words = as_text(option.get("id")), as_text(option.get("text"))
            if code != words and code not in self.options:
                self.options[code] = words
                self.collector.note(f"The code {code!r} means the option {words!r}; `rename` gives it another name.")


def _is_binary(record: Record) -> bool:
    """Whether the question was whether one label fits."""
    view = record.get("_view_id")
    return bool(record.get("label")) and "accept" not in record and (view in _BINARY or not record.get("spans"))


def _unread(record: Record) -> str:
    return "it had codes, which do not count as an answer" if record.get("accept") or record.get("spans") else ""


def _time(value: Any) -> str:
    if not isinstance(value, int | float):
        return ""
    return dt.datetime.fromtimestamp(value, dt.UTC).isoformat().replace("+00:00", "Z")
