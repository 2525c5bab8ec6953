"""Vectors belong to whoever gave them: a service never gets those of another one as its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import orjson
import pytest
from fakes import vectors_engine
from fakes.fake_openai import FakeOpenAI

import codebook as cb
from codebook.ledger import Ledger
from codebook.records import Unit
from codebook.run import open_run, plan
from codebook.run.plans.planning import rehearse_plan
from codebook.scheme import parse_codebook
from codebook.vectors import Vectors, VectorStore, store_name

MODEL = "text-embedding-3-small"
TEXTS = ["coal", "gas", "wind"]
BOOK = parse_codebook("{name: near, unit: a text, variables: [{name: vectors, kind: embedding}]}")


@pytest.fixture
def other(fake: FakeOpenAI, project: Path) -> Iterator[FakeOpenAI]:
    """Another service."""
    with FakeOpenAI(project.parent / "other", auto="at once") as service:
        yield service


def embed(service: FakeOpenAI, texts: list[str] = TEXTS, **given: str) -> Vectors:
    options = {"base_url": service.base_url}
    return cb.embed_texts(texts, engine="openai_live", model=MODEL, dimensions=8, options=options, **given)


def n_billed(service: FakeOpenAI) -> int:
    return sum(service.billed.values())


def make_old(vectors: Vectors) -> VectorStore:
    """Let vectors stand where the first versions kept them, which did not say whose they are."""
    old = vectors.store.folder.with_name(store_name(MODEL, 8))
    vectors.store.folder.rename(old)
    about = orjson.loads((old / "about.json").read_bytes())
    del about["answered_by"]
    (old / "about.json").write_bytes(orjson.dumps(about))
    return VectorStore(old)


def test_r12_vectors_belong_to_the_service_that_gave_them(fake: FakeOpenAI, other: FakeOpenAI) -> None:
    first = embed(fake)
    second = embed(other, run="two")
    assert (n_billed(fake), n_billed(other)) == (1, 1)
    assert first.store.folder != second.store.folder
    assert second.store.about["answered_by"] == f"openai {other.base_url}"
    embed(fake)
    embed(other, [*TEXTS, "sun"], run="three")
    assert (n_billed(fake), n_billed(other)) == (1, 2)
    assert len(second.store) == 4, "only what this service had not embedded was sent"


def test_r12_vectors_of_another_service_are_planned_and_rehearsed_anew(fake: FakeOpenAI, other: FakeOpenAI) -> None:
    embed(fake)
    given = {"engine": "openai_live", "model": MODEL, "settings": {"dimensions": 8}}
    units = [Unit(text, text) for text in TEXTS]
    dry = rehearse_plan(BOOK, units, run="two", options={"base_url": other.base_url}, **given)
    assert dry.frame["requests"].sum() == 1
    same = plan(BOOK, units, run="three", options={"base_url": fake.base_url}, **given)
    assert same.dry_run().frame.empty, "this service has given them"


def test_r12_the_models_of_the_kit_keep_their_place(project: Path) -> None:
    vectors = cb.embed_texts(TEXTS, dimensions=384)
    assert vectors.store.folder == project / "runs" / "vectors" / "embedded-use-minilm-2-384"


def test_r12_engines_of_this_machine_have_places_of_their_own(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vectors_engine.register(monkeypatch)
    assert cb.embed_texts(TEXTS, engine="vectors").store.folder.name.startswith("numbers-1-own-vectors-")


def test_r12_an_old_store_stays_with_the_only_service_that_can_have_filled_it(
    fake: FakeOpenAI, other: FakeOpenAI
) -> None:
    old = make_old(embed(fake))
    second = embed(other, run="two")
    assert n_billed(other) == 1
    assert second.store.folder != old.folder
    again = embed(fake)
    assert (again.store.folder, n_billed(fake)) == (old.folder, 1)
    assert old.about["answered_by"] == f"openai {fake.base_url}"


def test_r12_an_old_store_of_several_services_is_given_to_nobody_and_that_is_said(
    fake: FakeOpenAI, other: FakeOpenAI
) -> None:
    first = embed(fake, run="one")
    embed(other, ["sun"], run="two")
    values = first.array.copy()
    old = make_old(first)
    options = {"base_url": fake.base_url}
    units = [Unit(text, text) for text in TEXTS]
    given = {"engine": "openai_live", "model": MODEL, "settings": {"dimensions": 8}, "options": options}
    run = plan(BOOK, [*units, Unit("new", "new")], run="three", **given)
    (warning,) = run.status().warnings
    assert "which service gave each is not known: none is used" in warning
    assert "codebook collect RUN" in warning
    assert not old.about.get("answered_by")
    open_run("one").collect()
    assert (embed(fake, run="four").array == values).all()
    assert n_billed(fake) == 1, "what a run has on disk is not asked again"


def test_r12_a_run_of_unknown_origin_reads_its_vectors_and_gives_them_to_nobody(
    fake: FakeOpenAI, project: Path
) -> None:
    vectors = embed(fake, run="one")
    values, record = vectors.array.copy(), project / "runs" / "one" / "run.json"
    old = make_old(vectors)
    told = orjson.loads(record.read_bytes())
    del told["answerer"]
    record.write_bytes(orjson.dumps(told))
    with Ledger(project / "runs" / "ledger.db") as ledger, ledger.transaction() as db:
        db.execute("UPDATE runs SET answerer = 0")
        db.execute("UPDATE asks SET answerer = 0")
    kept = cb.run.store_vectors(open_run("one"))
    assert kept.store.folder == old.folder
    assert np.array_equal(kept.array, values)
    embed(fake, run="two")
    assert n_billed(fake) == 2
