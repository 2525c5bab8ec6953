"""Potato: its exports (CSV, TSV, JSON lines), a row per coder and unit, and its own state, a folder per coder."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from codebook.exchange.collector import Collector
from codebook.exchange.export_source import ExportSource, is_json, read_record
from codebook.exchange.offset_counting import place_span
from codebook.exchange.reading import Reading, ReadOptions
from codebook.files.tables.formats import as_text

TITLE = "Potato"
_STATE = "user_state.json"
_LABELS, _SPANS = "instance_id_to_label_to_value", "instance_id_to_span_to_value"
_TAKEN_BACK = re.compile(r"deselect|clear|remove|delete|uncheck")
_TEXTS = ("text_box", "free_response")
"""Names of labels that hold a text which a coder wrote."""
_SPAN_COLUMN = "_spans"
Record = Mapping[str, Any]
Answers = Mapping[str, Mapping[str, Any]]
"""Scheme -> label -> value."""


def looks_like(source: ExportSource) -> bool:
    """Whether an export is one of Potato."""
    if any(name.rsplit("/", 1)[-1] == _STATE for name in source.names):
        return True
    record = source.record
    if isinstance(record, dict):
        return {"instance_id", "user_id", "labels"} <= set(record) or _LABELS in record
    return {"instance_id", "user_id"} <= set(source.columns)


def read_export(source: ExportSource, options: ReadOptions) -> Reading:
    """Read the rows of an export, or the state of every coder."""
    states = [file for file in source.files if file.name == _STATE]
    files = states or list(source.files)
    names = [name for name, file in zip(source.names, source.files, strict=True) if file in files]
    collector = Collector("potato", "Potato", names, options)
    for file in files:
        record = read_record(file)
        if isinstance(record, dict) and _LABELS in record:
            _read_state(record, collector)
        elif is_json(file):
            for _, each in source.values(file):
                spans = [span for listed in (each.get("spans") or {}).values() for span in listed]
                _read_row(each, each.get("labels") or {}, spans, collector)
        else:
            rows = source.rows(file, encoding=options.encoding, delimiter=options.delimiter)
            schemes = _find_schemes(rows.columns)
            for row in rows:
                _read_row(row, _open_labels(row, schemes), _open_spans(row), collector)
    if others := len(source.files) - len(files):
        collector.note(
            f"{others:,} other files of the folder were not read: they contain actions, addresses and settings."
        )
    return collector.finish()


def _read_row(row: Record, labels: Answers, spans: Sequence[Record], collector: Collector) -> None:
    unit, coder = as_text(row.get("instance_id")), as_text(row.get("user_id"))
    collector.record()
    if not unit or not coder:
        collector.set_aside("its `instance_id` or `user_id` is missing")
        return
    _add_answers(unit, coder, labels, spans, collector)


def _add_answers(unit: str, coder: str, labels: Answers, spans: Sequence[Record], collector: Collector) -> None:
    n_before, answer = collector.made, collector.records
    for scheme, values in labels.items():
        texts = [as_text(value) for label, value in values.items() if label in _TEXTS]
        codes = [label for label, value in values.items() if label not in _TEXTS and _is_chosen(value)]
        if len(codes) > 1 and collector.options.rename(scheme) not in (collector.options.sets or ()):
            collector.count(
                f"{scheme!r} has several labels: a set, or versions to 2.7.1, which kept all that was clicked"
            )
        if codes:
            collector.add(unit, coder, scheme, codes, answer=answer)
        for text in filter(None, texts):
            collector.add(unit, coder, scheme, text, answer=answer)
    for span in spans:
        _add_span(span, unit, coder, collector)
    if collector.made == n_before:
        collector.add(unit, coder, status="empty", answer=answer)


def _is_chosen(value: Any) -> bool:
    return value is not None and value is not False and as_text(value) not in ("", "false")


def _add_span(span: Record, unit: str, coder: str, collector: Collector) -> None:
    text, quote = collector.options.texts.get(unit), as_text(span.get("text"))
    place = place_span(text, int(span["start"]), int(span["end"]), quote, collector)
    scheme, label = as_text(span.get("schema")), as_text(span.get("name"))
    collector.add(unit, coder, scheme, label, answer=collector.records, **place.as_row())


def _find_schemes(columns: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Column -> scheme and label; the label of a scheme's own column, which holds the answer as it stands, is "".

    Examples
    --------
    >>> _find_schemes(["instance_id", "user_id", "mood.good", "about.delay, cancelled", "size.3", "size"])["size.3"]
    ('size', '3')
    """
    names = [
        name for name in columns if name not in ("instance_id", "user_id") and not name.endswith(f".{_SPAN_COLUMN}")
    ]
    whole = {name for name in names if any(other.startswith(f"{name}.") for other in names)}
    schemes: dict[str, tuple[str, str]] = {}
    for name in names:
        scheme = next((each for each in sorted(whole, key=len, reverse=True) if name.startswith(f"{each}.")), "")
        if name in whole:
            schemes[name] = (name, "")
        elif "." in name:
            scheme = scheme or name.partition(".")[0]
            schemes[name] = (scheme, name[len(scheme) + 1 :])
    return schemes


def _open_labels(row: Record, schemes: Mapping[str, tuple[str, str]]) -> dict[str, dict[str, Any]]:
    """The labels of a row of a table; where a scheme has a column of its own, that one stands."""
    labels: dict[str, dict[str, Any]] = {}
    for column, (scheme, label) in schemes.items():
        if label and row.get(column) and not row.get(scheme):
            labels.setdefault(scheme, {})[label] = row[column]
        elif not label and row.get(column):
            labels[scheme] = {row[column]: row[column]}
    return labels


def _open_spans(row: Record) -> list[Any]:
    return [
        span for name, cell in row.items() if name.endswith(f".{_SPAN_COLUMN}") and cell for span in orjson.loads(cell)
    ]


def _read_state(state: Record, collector: Collector) -> None:
    coder = as_text(state.get("user_id"))
    labels, spans = state.get(_LABELS) or {}, state.get(_SPANS) or {}
    behaviour = state.get("instance_id_to_behavioral_data") or {}
    for unit in dict.fromkeys([*(state.get("instance_id_ordering") or ()), *labels, *spans]):
        collector.record()
        if unit not in labels and unit not in spans:
            collector.add(as_text(unit), coder, status="not_seen", note="assigned, but not answered")
            continue
        last = _last_choices(behaviour.get(unit))
        options = collector.options
        singles = {
            name for name in last if options.sets is not None and options.rename(name) in options.only - options.sets
        }
        answers = _as_answers(labels.get(unit) or (), {name: last[name] for name in singles})
        marked = [dict(pair[0]) for pair in spans.get(unit) or ()]
        _add_answers(as_text(unit), coder, answers, marked, collector)


def _as_answers(pairs: Sequence[Any], last: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """The labels of one unit; of a single choice that kept every option clicked, the last one."""
    labels: dict[str, dict[str, Any]] = {}
    for key, value in pairs:
        labels.setdefault(as_text(key.get("schema")), {})[as_text(key.get("name"))] = value
    return {scheme: _keep_last(values, last.get(scheme)) for scheme, values in labels.items()}


def _keep_last(values: dict[str, Any], last: str | None) -> dict[str, Any]:
    return {last: values[last]} if last in values else values


def _last_choices(behaviour: Any) -> dict[str, str]:
    """Scheme -> the label that was chosen last."""
    changes = behaviour.get("annotation_changes") if isinstance(behaviour, dict) else None
    last: dict[str, str] = {}
    for change in changes or ():
        if (
            isinstance(change, dict)
            and change.get("label_name")
            and not _TAKEN_BACK.search(as_text(change.get("action")))
        ):
            last[as_text(change.get("schema_name"))] = as_text(change["label_name"])
    return last
