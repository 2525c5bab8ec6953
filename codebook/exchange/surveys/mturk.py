"""Results of a batch of MTurk: one row per assignment, its answers in columns or as JSON in one of them."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

import orjson

from codebook.exchange.collector import Collector
from codebook.exchange.export_source import ExportSource
from codebook.exchange.reading import WHOLE, Reading, ReadOptions
from codebook.exchange.unit_fields import choose_unit, read_unit
from codebook.files.tables.formats import as_text

TITLE = "MTurk, results of a batch"
_INPUT, _ANSWER, _JSON = "Input.", "Answer.", "Answer.taskAnswers"
_TRUTHS = {"true": True, "false": False, "on": True, "1": True, "0": False}

Answers = dict[str, Any]
"""Question -> a text, or option -> whether it was chosen."""


def looks_like(source: ExportSource) -> bool:
    """Whether its headings are those of a batch."""
    return {"HITId", "WorkerId", "AssignmentStatus"} <= set(source.columns)


def read_export(source: ExportSource, options: ReadOptions) -> Reading:
    """Read one row per assignment; what was rejected has no labels. Numbers of workers become pseudonyms."""
    rows = list(source.rows(encoding=options.encoding, delimiter=options.delimiter))
    out = Collector("mturk", TITLE, [source.name], options, persons=True)
    inputs = [
        {name.removeprefix(_INPUT): html.unescape(cell) for name, cell in row.items() if name.startswith(_INPUT)}
        for row in rows
    ]
    unit = choose_unit(inputs, out, "the number of the HIT")
    questions = _find_questions(source.columns)
    for row, fields in zip(rows, inputs, strict=True):
        out.record()
        name = read_unit(fields, unit) if unit else row["HITId"]
        _add_rows(row, name, questions, out)
    return out.finish()


def _find_questions(columns: tuple[str, ...]) -> dict[str, list[str]]:
    """Question -> its columns: one, or one an option."""
    questions: dict[str, list[str]] = {}
    for name in columns:
        if name.startswith(_ANSWER) and name != _JSON:
            questions.setdefault(name.removeprefix(_ANSWER).partition(".")[0], []).append(name)
    return questions


def _add_rows(row: Mapping[str, str], unit: str, questions: Mapping[str, list[str]], out: Collector) -> None:
    worker, more = row["WorkerId"], {"time": row.get("SubmitTime", "")}
    if row["AssignmentStatus"].strip().lower() == "rejected":
        out.add(unit, worker, WHOLE, status="rejected", **more)
        out.note("Rejected assignments have no labels.")
        return
    answers = _read_json(row[_JSON]) if row.get(_JSON, "").strip() else _read_columns(row, questions)
    read = {name: _read_answer(value) for name, value in answers.items()}
    labels = {name: label for name, label in read.items() if label is not None}
    for name, label in labels.items():
        out.add(unit, worker, name, label, answer=out.records, **more)
    if not labels:
        out.add(unit, worker, WHOLE, status="empty", answer=out.records, **more)


def _read_json(cell: str) -> Answers:
    """The answers of the newer form: a list with one object."""
    try:
        value = orjson.loads(cell)
    except orjson.JSONDecodeError:
        value = orjson.loads(html.unescape(cell))
    return dict(value[0] if isinstance(value, list) and value else value or {})


def _read_columns(row: Mapping[str, str], questions: Mapping[str, list[str]]) -> Answers:
    answers: Answers = {}
    for name, columns in questions.items():
        options = {column.removeprefix(_ANSWER).partition(".")[2]: row[column].strip() for column in columns}
        if any(option for option in options):
            chosen = {option: cell for option, cell in options.items() if cell}
            answers[name] = {option: _TRUTHS.get(cell.lower(), True) for option, cell in chosen.items()}
        else:
            answers[name] = options.get("", "")
    return answers


def _read_answer(value: Any) -> str | list[str] | None:
    """The label of an answer: the options that were chosen, or the text; None where there is none.

    Examples
    --------
    >>> _read_answer({"for": True, "against": False}), _read_answer("a &amp; b"), _read_answer("")
    (['for'], 'a & b', None)
    """
    if isinstance(value, dict):
        return [html.unescape(str(option)) for option, chosen in value.items() if chosen is True] if value else None
    text = html.unescape(as_text(value))
    return text if text.strip() else None
