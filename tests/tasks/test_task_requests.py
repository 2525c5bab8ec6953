"""The request lines of every task in both tongues, held by golden files, and taken by a service that checks the rules.

A changed prompt is a changed instrument: whoever changes one writes the golden files anew with CODEBOOK_GOLDEN=write.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
import pytest
from fakes.fake_answers import Answerer
from fakes.fake_parts import check_parts

import codebook as cb
from codebook.dialects import read_reply
from codebook.engines.service.families import check_body
from codebook.files.lines import digest
from codebook.records import CHAT, EMBEDDINGS, RESPONSES, Unit
from codebook.requests import RequestMaker
from codebook.scheme import Codebook, parse_codebook
from codebook.tasks import make_questions

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).parents[1] / "golden" / "tasks"
EMBEDDING = "{name: near, unit: a name, variables: [{name: vector, kind: embedding}]}"
WRITE = os.environ.get("CODEBOOK_GOLDEN") == "write"  # read here: every test begins with an empty environment
LINES = [f"{task}-{tongue}" for task in ("images", "records", "transcription") for tongue in ("chat", "responses")]
LINES.append("embedding-embeddings")
URLS = {"chat": CHAT, "responses": RESPONSES, "embeddings": EMBEDDINGS}


def study_of(task: str) -> tuple[Codebook, Iterator[Unit]]:
    """A codebook and units of a task, all shipped."""
    data = ROOT / "data"
    match task:
        case "images":
            source = cb.open_units(data / "clothing_images" / "images", form={"detail": "low"})
            return cb.read_codebook(data / "clothing_images" / "codebook.yaml"), iter(source)
        case "records":
            texts = cb.open_units(data / "entities_wikigold" / "docs.jsonl", id_column="doc_id", text_column="text")
            return cb.read_codebook(data / "entities_wikigold" / "codebook.yaml"), iter(texts)
        case "transcription":
            pages = cb.open_units(data / "scanned_pages" / "address_1793*.pdf")
            return cb.read_codebook(data / "scanned_pages" / "codebook.yaml"), iter(pages)
    names = ["Niger", "Nigeria", "Côte d’Ivoire"]
    return parse_codebook(EMBEDDING), iter([Unit("pack-3-names", orjson.dumps(names).decode())])


@pytest.fixture(params=LINES)
def lines(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> tuple[str, list[dict[str, Any]]]:
    """The name of a golden file, and the first lines that the task writes today."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("CODEBOOK_PROJECT", str(ROOT))
    task, _, tongue = request.param.partition("-")
    book, units = study_of(task)
    model = "text-embedding-3-small" if tongue == "embeddings" else "gpt-6-luna"
    maker = RequestMaker(make_questions(book), model=model, url=URLS[tongue])
    return request.param, [orjson.loads(one.line) for unit in islice(units, 2) for one in maker.ask(unit)]


def shorten(text: str) -> str:
    """Data addresses by their digest: what a picture holds is tested elsewhere, that it is the same is told here."""

    def digest_of(found: re.Match[str]) -> str:
        return f"{found[1]},{len(found[2])} characters {digest(found[2])[:16]}"

    return re.sub(r"(data:[a-z/]+;base64),([A-Za-z0-9+/=]+)", digest_of, text)


def test_request_lines_are_those_of_the_golden_file(lines: tuple[str, list[dict[str, Any]]]) -> None:
    name, found = lines
    text = "".join(shorten(orjson.dumps(line, option=orjson.OPT_INDENT_2).decode()) + "\n" for line in found)
    path = GOLDEN / f"{name}.json"
    if WRITE:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_a_service_takes_them_by_its_rules(lines: tuple[str, list[dict[str, Any]]]) -> None:
    name, found = lines
    answerer = Answerer(None, "2026-10-01")
    for line in found:
        assert check_body(line["body"], line["url"], today=date(2026, 11, 21)) == []
        reply = answerer.answer(line)
        assert reply.status == 200, reply.body
        answer = read_reply({"custom_id": "a", "response": {"status_code": 200, "body": reply.body, "request_id": "r"}})
        assert answer.why is None, answer
    if name.startswith(("images", "transcription")):
        kinds = [
            part["type"] for line in found for part in _content(line) if part["type"] not in ("text", "input_text")
        ]
        assert set(kinds) <= {"image_url", "input_image", "file", "input_file"}
        assert len(kinds) == len(found)


def _content(line: dict[str, Any]) -> list[dict[str, Any]]:
    body = line["body"]
    content = (body.get("messages") or body["input"])[-1]["content"]
    check_parts(line["url"], body)
    return list(content)
