"""Argilla: records as its client writes them; flat they have the state of every answer, nested they have lost it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from codebook.exchange.collector import Collector
from codebook.exchange.export_source import ExportSource
from codebook.exchange.offset_counting import find_text, place_span
from codebook.exchange.reading import MODEL, Reading, ReadOptions
from codebook.exchange.unit_fields import choose_unit, read_unit
from codebook.files.tables.formats import as_text

TITLE = "Argilla"
NO_STATUS = "no status"
"""What a person accepts who reads records without the state of their answers."""
_RESPONSES, _USERS, _STATES = ".responses", ".responses.users", ".responses.status"
_STATUS = {"submitted": "coded", "draft": "draft", "discarded": "skipped"}
_NESTED = ("fields", "metadata")
Record = Mapping[str, Any]
Response = tuple[str, str, Any, str]
"""Question, user, value and state."""


def looks_like(source: ExportSource) -> bool:
    """Whether an export is one of Argilla."""
    record = source.record
    if not isinstance(record, dict):
        return False
    return _is_nested(record) or any(name.endswith(_USERS) for name in record)


def _is_nested(record: Record) -> bool:
    return isinstance(record.get("responses"), dict) and isinstance(record.get("fields"), dict)


def read_export(source: ExportSource, options: ReadOptions) -> Reading:
    """Read the records, one after the other."""
    is_nested = _is_nested(source.record)
    collector = Collector("argilla", f"Argilla, {'nested' if is_nested else 'flat'} records", source.names, options)
    fields = choose_unit([_data(source.record)], collector, "") if options.unit else ("id",)
    collector.unit = fields
    for file in source.files:
        for _, record in source.values(file):
            unit = read_unit({"id": record.get("id"), **_data(record)}, fields)
            if unit:
                _read_record(record, unit, collector)
            else:
                collector.record()
                collector.set_aside("its unit has no id")
    return collector.finish()


def _data(record: Record) -> dict[str, Any]:
    """Fields and metadata of a record; of a flat one all its columns."""
    if _is_nested(record):
        return {"id": record.get("id")} | {key: v for name in _NESTED for key, v in (record.get(name) or {}).items()}
    return {name: value for name, value in record.items() if "." not in name and name not in ("status", "_server_id")}


def _read_record(record: Record, unit: str, collector: Collector) -> None:
    responses = list(_nested_responses(record) if _is_nested(record) else _flat_responses(record))
    suggestions = list(_find_suggestions(record))
    if not responses:
        collector.record()
        collector.add(unit, "", status="not_seen", note="only a suggestion" if suggestions else "")
        return
    states: dict[str, list[str]] = {}
    for _, user, _, state in responses:
        states.setdefault(user, []).append(state)
    for user, user_states in states.items():
        collector.record()
        state = next((each for each in user_states if each != "submitted"), "submitted")
        mine = [(question, value) for question, who, value, _ in responses if who == user]
        _read_answer(state, mine, unit, user, record, collector)
    for agent in dict.fromkeys(suggestions):
        collector.record()
        collector.add(unit, agent, status="prediction")


def _nested_responses(record: Record) -> Iterator[Response]:
    for question, responses in record["responses"].items():
        for response in responses or ():
            yield question, as_text(response.get("user_id")), response.get("value"), as_text(response.get("status"))


def _flat_responses(record: Record) -> Iterator[Response]:
    for name, values in record.items():
        if name.endswith(_RESPONSES) and values is not None:
            question = name.removesuffix(_RESPONSES)
            users = record.get(question + _USERS) or [None] * len(values)
            states = record.get(question + _STATES) or [None] * len(values)
            for user, value, state in zip(users, values, states, strict=True):
                yield question, as_text(user), value, as_text(state)


def _find_suggestions(record: Record) -> Iterator[str]:
    """The agents of the suggestions."""
    if _is_nested(record):
        for suggestion in (record.get("suggestions") or {}).values():
            yield as_text(suggestion.get("agent")) or MODEL
        return
    for name, value in record.items():
        if name.endswith(".suggestion") and value is not None:
            yield as_text(record.get(f"{name}.agent")) or MODEL


def _read_answer(
    state: str, values: list[tuple[str, Any]], unit: str, user: str, record: Record, collector: Collector
) -> None:
    if not state:
        if NO_STATUS not in collector.options.accept:
            problem = "the answers have no status here, so drafts and discarded answers look like submitted ones"
            mend = f"export with `to_list(flatten=True)`, or treat all of them as submitted: `accept: {NO_STATUS}`"
            collector.ask("accept", problem, mend)
        collector.count("an answer without a status was treated as submitted")
    status = _STATUS.get(state or "submitted", "draft")
    if status != "coded":
        note = "it had labels, which do not count as an answer" if any(value for _, value in values) else ""
        collector.add(unit, user, status=status, note=note)
        return
    n_before = collector.made
    for question, value in values:
        _add_value(question, value, unit, user, record, collector)
    if collector.made == n_before:
        collector.add(unit, user, status="empty", answer=collector.records)


def _add_value(question: str, value: Any, unit: str, user: str, record: Record, collector: Collector) -> None:
    more = {"answer": collector.records}
    if isinstance(value, list) and value and all(isinstance(each, dict) and "start" in each for each in value):
        text = find_text(_data(record), "text")
        for span in value:
            place = place_span(text, span["start"], span["end"], as_text(span.get("text")), collector)
            collector.add(unit, user, question, as_text(span.get("label")), **place.as_row(), **more)
    elif isinstance(value, list) and all(isinstance(each, str) for each in value):
        collector.mark_set(question)
        collector.add(unit, user, question, value, **more)
    elif value is not None:
        if isinstance(value, list | dict):
            collector.count("an answer of an unknown kind, such as a ranking, was kept as JSON")
        collector.add(unit, user, question, as_text(value), **more)
