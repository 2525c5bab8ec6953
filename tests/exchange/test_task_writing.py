"""Tasks for other tools: written, read, written again byte by byte; what a format cannot hold is said."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from codebook.analysis.core.codings import Codings
from codebook.codings import make_table
from codebook.errors import ParameterError
from codebook.exchange import add_suggestions, open_export, write_tasks
from codebook.records import Unit
from codebook.scheme import Codebook

FOLDER = Path(__file__).parents[1] / "data" / "exchange"


def _variable(name: str, kind: str, *categories: str) -> dict[str, Any]:
    level = "ordinal" if kind == "rating" else "nominal"
    return {"name": name, "question": "?", "kind": kind, "level": level, "categories": categories}


def _codebook(*variables: Mapping[str, Any]) -> Codebook:
    return Codebook.model_validate({"name": "town", "unit": "a text", "variables": variables})


STANCE = _variable("stance", "single", "for", "against, mostly", 'so "so"')
TOPICS = _variable("topics", "multi", "traffic", "C#", "housing")
STRENGTH = _variable("strength", "rating", *"12345")
TYPES = [{"name": "mention", "kind": "quote"}, {"name": "type", "kind": "choice", "categories": ["PER", "ORG"]}]
WHO = {"name": "who", "question": "?", "kind": "records", "fields": TYPES}
BOOK = _codebook(STANCE, TOPICS, STRENGTH, WHO)
UNITS = [
    Unit("007", "Ann 🌳🌳 met Ann and <b>Ben</b>.\nمجلس المدينة", {"year": "01990"}),
    Unit("a,b", "Nothing."),
    Unit("9", ""),
]
LABELS = {
    ("007", "stance"): "against, mostly",
    ("007", "topics"): '["traffic","C#"]',
    ("007", "strength"): "4",
    (
        "007",
        "who",
    ): '{"who":[{"mention":"Ann","type":"PER"},{"mention":"Ann","type":"ORG"},{"mention":"مجلس","type":"ORG"}]}',
    ("a,b", "stance"): 'so "so"',
    ("a,b", "topics"): "[]",
    ("a,b", "who"): '{"who":[{"mention":"nobody","type":"PER"}]}',
}


def _codings(*names: str) -> Codings:
    rows = [{"unit_id": u, "coder": "gpt", "variable": v, "label": x} for (u, v), x in LABELS.items() if v in names]
    return Codings(make_table(rows, BOOK), [BOOK.variable(name) for name in names])


@pytest.mark.parametrize(
    ("tool", "names", "options"),
    [
        ("label_studio", ["stance", "topics", "strength", "who"], {"unit": "unit_id"}),
        ("doccano", ["topics"], {"unit": "unit_id", "variables": {"label": "topics"}}),
        ("doccano", ["who"], {"unit": "unit_id", "variables": {"label": "who"}}),
        ("prodigy", ["stance"], {"unit": "unit_id", "variables": {"label": "stance"}}),
        ("prodigy", ["topics"], {"unit": "unit_id", "variables": {"label": "topics"}}),
        ("prodigy", ["who"], {"unit": "unit_id", "variables": {"spans": "who"}}),
    ],
)
def test_tasks_written_read_and_written_again_are_the_same_bytes(
    tmp_path: Path, tool: str, names: list[str], options: dict[str, Any]
) -> None:
    """Every suggestion is found again at its place."""
    first, second = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    book = (
        BOOK
        if tool == "label_studio"
        else _codebook(*(v for v in (STANCE, TOPICS, STRENGTH, WHO) if v["name"] in names))
    )
    write_tasks(UNITS, book, first, tool=tool, suggestions=_codings(*names))
    kinds = {"only": names, "sets": [name for name in names if book.variable(name).is_set]}
    reading = open_export(first, **options, **kinds)
    assert reading.format == tool
    shown = [row for row in reading.rows if row.status in ("coded", "prediction")]
    assert {row.coder for row in shown} == {
        "gpt" if tool == "label_studio" else "a" if tool == "doccano" else "(model)"
    }
    write_tasks(UNITS, book, second, tool=tool, suggestions=reading, coder=shown[0].coder)
    assert second.read_bytes() == first.read_bytes()
    places = [(row.start, row.end) for row in shown if row.variable == "who" and row.unit == "007"]
    assert places == ([(0, 3), (11, 14), (31, 35)] if "who" in names else [])


def test_what_a_format_cannot_hold_is_said(tmp_path: Path) -> None:
    """A passage that is not in the text, units without a task, several questions."""
    words = write_tasks(UNITS[:2], BOOK, tmp_path / "t.json", suggestions=_codings("stance", "who"))
    assert "a passage whose words are not in the text (1 time)" in words
    assert "2 with suggestions of gpt" in words
    assert "1 of 2 units with suggestions is not among the tasks" in write_tasks(
        UNITS[:1], BOOK, tmp_path / "t.json", suggestions=_codings("stance")
    )
    with pytest.raises(ParameterError, match="name one of stance, topics, strength, who"):
        write_tasks(UNITS, BOOK, tmp_path / "t.jsonl", tool="doccano")
    with pytest.raises(ParameterError, match="use one of label_studio, doccano, prodigy"):
        write_tasks(UNITS, BOOK, tmp_path / "t.jsonl", tool="xxx")


def test_the_configuration_of_label_studio_has_every_code(tmp_path: Path) -> None:
    """One control a variable, of its kind."""
    write_tasks(UNITS, BOOK, tmp_path / "t.json")
    config = (tmp_path / "t_config.xml").read_text(encoding="utf-8")
    assert '<Choices name="topics" toName="text" choice="multiple">' in config
    assert '<Rating name="strength" toName="text" maxRating="5" />' in config
    assert '<Choice value="so &quot;so&quot;" />' in config
    assert '<Label value="ORG" />' in config


def test_an_export_of_label_studio_keeps_every_field_that_is_not_understood(tmp_path: Path) -> None:
    """Suggestions are added, nothing else changes."""
    source, target = FOLDER / "label_studio" / "export_all_tasks.json", tmp_path / "again.json"
    add_suggestions(source, target, BOOK, unit="doc_id")
    assert json.loads(target.read_text(encoding="utf-8")) == json.loads(source.read_text(encoding="utf-8"))
    row = {"unit_id": "c02", "coder": "gpt", "variable": "stance", "label": "for"}
    codings = Codings(make_table([row], BOOK), [BOOK.variable("stance")])
    add_suggestions(source, target, BOOK, codings, unit="doc_id")
    tasks = json.loads(target.read_text(encoding="utf-8"))
    assert [task["data"]["doc_id"] for task in tasks if any(isinstance(p, dict) for p in task["predictions"])] == [
        "c02"
    ]
