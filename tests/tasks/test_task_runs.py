"""Every task goes the same way at a service: as a batch, live, and again from the archive, unchanged."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from commands import Command
from fakes.fake_openai import FakeOpenAI
from fakes.service import serve
from fakes.task_answers import answer

import codebook as cb
from codebook.records import Unit
from codebook.scheme import Codebook, parse_codebook
from codebook.units import Source

DATA = Path(__file__).parents[2] / "data"
MODEL = "gpt-6-luna"
EMBEDDING = "{name: near, unit: a name, variables: [{name: vector, kind: embedding}]}"


@pytest.fixture
def fake(project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeOpenAI]:
    with serve(project, monkeypatch, reply=answer) as service:
        yield service


def study_of(task: str) -> tuple[Codebook, Source | list[Unit]]:
    match task:
        case "images":
            form = {"image_column": "image", "image_folder": str(DATA / "clothing_images" / "images")}
            return book_of("clothing_images"), cb.open_units(DATA / "clothing_images" / "labels.csv", form=form)
        case "records":
            columns = {"id_column": "doc_id", "text_column": "text"}
            return book_of("entities_wikigold"), cb.open_units(DATA / "entities_wikigold" / "docs.jsonl", **columns)
        case "transcription":
            return book_of("scanned_pages"), cb.open_units(DATA / "scanned_pages" / "address_179*.pdf")
    names = ["Niger", "Nigeria", "Niger", "Côte d’Ivoire"]
    return parse_codebook(EMBEDDING), [Unit(f"n{place}", name) for place, name in enumerate(names)]


def book_of(name: str) -> Codebook:
    return cb.read_codebook(DATA / name / "codebook.yaml")


@pytest.mark.parametrize("engine", ["openai_batch", "openai_live"])
@pytest.mark.parametrize("task", ["images", "records", "transcription", "embedding"])
def test_a_task_at_a_service_and_again_from_its_archive(fake: FakeOpenAI, task: str, engine: str) -> None:
    book, units = study_of(task)
    model = "text-embedding-3-small" if task == "embedding" else MODEL
    asked = {"engine": engine, "model": model, "options": {"base_url": fake.base_url}}
    run = cb.plan(book, units, run="paid", limit=2 if task != "embedding" else 0, **asked)
    run.submit()
    status = run.collect()
    assert status.done
    table = run.table()
    assert table["why"].isna().all(), table[["why", "detail"]]
    n_labelled = 3 if task == "embedding" else len(table)  # a pack holds each different text once
    assert run.coverage().frame["labelled"].sum() == n_labelled
    assert run.totals()["tokens_in"] > 0
    n_billed = sum(fake.billed.values())
    assert n_billed == len(table)
    if task == "embedding":
        assert cb.run.store_vectors(run).array.shape == (3, 1536)
        return
    again = cb.plan(book, units, run="again", engine="replay", archive="runs/paid", limit=2)
    again.submit()
    again.collect()
    assert again.table()["label"].tolist() == table["label"].tolist()
    assert sum(fake.billed.values()) == n_billed


def test_records_and_transcripts_of_a_service_become_tables_and_files(
    fake: FakeOpenAI, project: Path, command: Command
) -> None:
    asked = {"engine": "openai_batch", "model": MODEL, "options": {"base_url": fake.base_url}}
    book, units = study_of("records")
    run = cb.plan(book, units, run="words", limit=2, **asked)
    run.submit()
    assert [job.requests for job in run.status().jobs] == [2, 2]  # a shard a variable
    run.collect()
    entities = run.records("entities").frame
    topics = run.records("topics").frame
    assert entities["how"].tolist() == ["exact", "exact"]
    assert topics["how"].tolist() == ["absent", "absent"]  # marked, not dropped
    said = command("records", "words", "entities", "study.db")
    assert said.output.startswith("study.db, table 'entities': entities: 2 records in 2 units"), said.output
    with closing(sqlite3.connect("study.db")) as database:
        tables = [database.execute(f"SELECT count(*) FROM {name}").fetchone() for name in ("entities", "units")]
    assert tables == [(2,), (2,)]
    assert "2 records in 2 units" in command("records", "words", "topics").output
    assert "no list is named 'persons'" in command("records", "words", "persons", "x.csv").output
    assert command("records", "words", "topics", "topics.json").exit_code == 0
    assert len(json.loads(Path("topics.json").read_text())) == 2
    book, units = study_of("transcription")
    run = cb.plan(book, units, run="pages", limit=2, **asked)
    run.submit()
    run.collect()
    written = run.transcripts().write(project / "out").frame
    assert dict(zip(written["document"], written["n_pages"], strict=True)) == {
        "address_1790_digital": 2,
        "address_1793_blank_and_upside_down": 3,
    }
    made = command("transcripts", "pages", "texts", "--text")
    assert made.exit_code == 0, made.output
    kept = json.loads(Path("texts/address_1790_digital.json").read_text())
    assert [page["page"] for page in kept["pages"]] == [1, 2]
    assert len(list(Path("texts").glob("*.txt"))) == 2
