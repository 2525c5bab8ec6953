from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import orjson
import pytest
from click.testing import CliRunner
from fakes import vectors_engine
from fakes.fake_embeddings import vector_of as fake_vector
from fakes.service import plan_batch
from fakes.vectors_engine import computed, vector_of

import codebook as cb
from codebook.cli import main
from codebook.dialects import read_reply
from codebook.dialects.embeddings import read_vectors, write_vectors
from codebook.engines import Limits, make_engine
from codebook.errors import ParameterError, PendingError, RecordError, RunError
from codebook.files.lines import iter_lines, read_lines
from codebook.material.unit_store import PACK_TEXTS, make_pack, texts_of
from codebook.records import EMBEDDINGS, Unit
from codebook.run import open_run, plan
from codebook.run.vectors.packs import choose_cuts
from codebook.scheme import parse_codebook
from codebook.tasks import Classify, Embed, show_question
from codebook.tasks.packing import Room, pack_units

BOOK = parse_codebook("{name: near, unit: a text, variables: [{name: vectors, kind: embedding}]}")


@pytest.fixture
def numbers(project, monkeypatch):
    """A project with the test engine."""
    vectors_engine.register(monkeypatch)
    return project


def units(*texts: str) -> list[Unit]:
    return [Unit(f"u{number}", text) for number, text in enumerate(texts)]


def plan_numbers(*texts: str, run: str = "one", **given):
    return plan(BOOK, units(*texts), run=run, engine="vectors", **given)


def stored(run_name: str, texts: list[str]) -> np.ndarray:
    return cb.run.store_vectors(open_run(run_name)).store.get(texts)


def store_of(run_name: str) -> Path:
    return cb.run.store_vectors(open_run(run_name)).store.folder


# --- packs


def test_each_different_text_is_in_one_pack_in_order():
    texts = [f"t{number % 150}" for number in range(300)]
    packs = [unit for unit, skip in pack_units(((unit, None) for unit in units(*texts)), list, Room()) if not skip]
    assert [len(texts_of(pack)) for pack in packs] == [PACK_TEXTS, PACK_TEXTS, 150 - 2 * PACK_TEXTS]
    assert [text for pack in packs for text in texts_of(pack)] == list(dict.fromkeys(texts))
    assert all(pack.unit_id.startswith(f"pack-{len(texts_of(pack))}-") for pack in packs)


def test_a_pack_keeps_within_the_tokens_of_a_request_and_texts_that_are_too_long_are_told():
    room = Room(n_tokens=20, n_tokens_a_text=10, count=lambda text: len(text.split()))
    given = ["a" * 10, "b" * 9, "c" * 9, "word " * 9 + "d", "word " * 11]
    found = list(pack_units(((unit, None) for unit in units(*given)), list, room))
    packs = [texts_of(unit) for unit, skip in found if not skip]
    assert packs == [["a" * 10, "b" * 9], ["c" * 9, "word " * 9 + "d"]]
    ((unit, skip),) = [pair for pair in found if pair[1]]
    assert (unit.unit_id, unit.text) == ("u4", "word " * 11)
    assert skip == "the text has 11 tokens; a model embeds 10, and it is never cut"


def test_a_pack_is_named_by_its_texts_and_nothing_else():
    assert make_pack(["a", "b"]) == make_pack(("a", "b"))
    names = {make_pack(texts).unit_id for texts in (["a", "b"], ["b", "a"], ["ab"], ["a", "b", ""], ["a"])}
    assert len(names) == 5


def test_shards_hold_no_more_texts_than_a_batch_may():
    assert choose_cuts(Limits(), Embed.n_texts).n_requests * PACK_TEXTS <= 50_000
    assert choose_cuts(Limits(n_requests=10), Embed.n_texts).n_requests == 10
    assert choose_cuts(Limits(), Classify.n_texts).n_requests == 50_000


# --- replies


def line_of(body: dict, custom_id: str = "vectors.pack-2-ab.0.x") -> dict:
    return {"custom_id": custom_id, "response": {"status_code": 200, "request_id": "r", "body": body}, "error": None}


@pytest.mark.parametrize("form", ["base64", "float"])
def test_vectors_are_read_in_the_order_of_their_index_to_the_last_bit(form):
    vectors = np.random.default_rng(1).standard_normal((2, 5)).astype("<f4")
    body = orjson.loads(orjson.dumps(write_vectors(vectors, "m", form, 7)))
    body["data"].reverse()
    found, problem = read_vectors(body)
    assert problem == ""
    assert found.dtype == np.float32
    assert (found == vectors).all()
    answer = read_reply(line_of(body))
    assert (answer.text, answer.why, answer.model, answer.tokens_in) == ("2 vectors of 5", None, "m", 7)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ([], "no vector"),
        (None, "no vector"),
        (["x"], "no vector"),
        ([{"index": 0, "embedding": [1, 2]}], "1 vector of 2 came|1 vector came for 2 texts"),
        ([{"index": 0, "embedding": [1, 2]}, {"index": 0, "embedding": [1, 2]}], "not numbered from 0 to 1"),
        ([{"index": 0, "embedding": [1, 2]}, {"embedding": [1, 2]}], "not numbered from 0 to 1"),
        ([{"index": 0, "embedding": [1, 2]}, {"index": 1, "embedding": [1]}], "different dimensions: 1, 2"),
        ([{"index": 0, "embedding": [1, 2]}, {"index": 1, "embedding": []}], "vector 1 is neither"),
        ([{"index": 0, "embedding": [1, 2]}, {"index": 1, "embedding": [1, None]}], "vector 1 is neither"),
        ([{"index": 0, "embedding": [1, 2]}, {"index": 1, "embedding": [[1], [2]]}], "vector 1 is neither"),
        ([{"index": 0, "embedding": "?"}, {"index": 1, "embedding": "AACAPw=="}], "vector 0 is neither"),
        ([{"index": 0, "embedding": "AACA"}, {"index": 1, "embedding": "AACAPw=="}], "vector 0 is neither"),
        ([{"index": 0, "embedding": "AADAfw=="}, {"index": 1, "embedding": "AACAPw=="}], "vector 0 is neither"),
    ],
)
def test_a_reply_that_is_not_the_vectors_that_were_asked_for_is_invalid_with_the_reason(data, problem):
    answer = read_reply(line_of({"object": "list", "data": data, "model": "m"}))
    assert (answer.text, answer.why) == (None, "invalid")
    assert any(part in answer.detail for part in problem.split("|"))


# --- the line that is sent


def test_the_request_line_is_the_one_of_the_batch_api(numbers):
    plan_numbers("coal", "gas", "coal", "", settings={"dimensions": 4})
    (path,) = open_run("one").folder.shards.glob("*.jsonl")
    ((_, line),) = iter_lines(path)
    pack = make_pack(["coal", "gas"])
    asked = orjson.loads(line)
    assert asked.pop("custom_id").startswith(f"vectors.{pack.unit_id}.0.")
    assert orjson.dumps(asked).decode() == (
        '{"method":"POST","url":"/v1/embeddings","body":{"model":"numbers-1","input":["coal","gas"],'
        '"encoding_format":"base64","dimensions":4}}'
    )


@pytest.mark.parametrize(
    ("settings", "mend"),
    [
        ({"temperature": 0}, "takes dimensions, encoding_format, user"),
        ({"input": "x"}, "`input` is not free"),
        ({"dimensions": "512"}, "a whole number above 0"),
        ({"dimensions": True}, "a whole number above 0"),
        ({"encoding_format": "int8"}, "base64"),
    ],
)
def test_settings_that_vectors_cannot_have_are_refused(numbers, settings, mend):
    with pytest.raises(ParameterError, match=mend):
        plan_numbers("coal", settings=settings)


def test_the_question_is_shown_as_texts():
    assert show_question(BOOK, units("coal")).endswith("--- unit\ncoal")


# --- runs


def test_a_run_puts_its_vectors_into_the_store_and_its_table_counts_them(numbers):
    texts = [f"t{number}" for number in range(100)] + ["[floats]"]
    run = plan_numbers(*texts, "t5", " ")
    run.submit()
    assert run.collect().done
    table = run.table()
    assert sorted(table["label"].dropna()) == ["37 vectors of 6", "64 vectors of 6"]
    assert table.loc[table["unit_id"] == "u102", ["why", "detail"]].to_numpy().tolist() == [
        ["absent", "the text is empty"]
    ]
    assert (stored("one", texts) == [vector_of(text) for text in texts]).all()
    assert (store_of("one") / "vectors.npy").is_file()


def test_r44_texts_are_counted_and_not_the_packs_that_hold_them(numbers):
    run = plan_numbers(*[f"t{number}" for number in range(100)], " ")
    planned = "101 texts asked = 0 embedded + 1 absent + 100 pending (in 2 requests)"
    assert planned in str(run.status())
    assert run.record["units"]["n"] == 101
    with pytest.raises(PendingError, match="100 of 101"):
        run.collect()
    run.submit()
    status = run.collect()
    assert (status.n_rows, status.n_pending, status.counts) == (101, 0, {"vectors": {"": 100, "absent": 1}})
    assert status.sentence == "101 texts asked = 100 embedded + 1 absent (in 2 requests)"
    assert run.coverage().frame[["asked", "labelled", "absent"]].to_numpy().tolist() == [[101, 100, 1]]
    assert "101 asked = 100 labelled + 1 absent" in str(cb.show_table(run.table()))
    row = cb.run.summarise_runs().iloc[0]
    assert (row["asked"], row["labelled"], row["finished"], row["success_rate"]) == (101, 100, 100, 1)
    assert status.sentence in str(cb.show_status("one"))
    assert run.record["answered"]["events"][0][2] == "101 texts"


def test_planned_again_after_its_vectors_are_stored_a_run_is_the_same_run(numbers):
    texts = [f"t{number}" for number in range(70)]
    plan_numbers(*texts).submit()
    open_run("one").collect()
    again = plan_numbers(*texts)
    assert again.submit().done
    assert len(computed()) == 70
    with pytest.raises(RunError, match="give the new plan a new run name"):
        plan_numbers(*texts, "new")
    with pytest.raises(RunError, match="give the new plan a new run name"):
        plan_numbers(*texts[:-1])


def test_a_text_that_has_its_vector_is_sent_in_no_run_again(numbers):
    for run, count in (("one", 70), ("two", 100)):
        planned = plan_numbers(*[f"t{number}" for number in range(count)], run=run)
        planned.submit()
        planned.collect()
    assert len(computed()) == len(set(computed())) == 100
    status = open_run("two").status()
    assert status.sentence == "100 texts asked = 100 embedded (in 1 request)"
    assert "not asked: 70 texts have their vector already, which the run uses" in str(status)
    plan_numbers("t1", run="four", settings={"dimensions": 3}).submit()
    assert computed()[100:] == ["t1"], "other dimensions are other vectors"


def test_a_run_whose_texts_all_have_their_vector_uses_them_and_goes_on_to_its_table(numbers):
    plan_numbers("coal", "gas", "wind").submit()
    open_run("one").collect()
    for run, texts, whys in (("two", ["wind", "coal"], []), ("three", ["wind", "", "coal"], ["the text is empty"])):
        plan_numbers(*texts, run=run).submit()
        status = open_run(run).collect()
        assert not status.fruitless, "what is there is no less than what is asked"
        assert "not asked: 2 texts have their vector already" in str(status)
        table = open_run(run).table()
        assert list(table["label"].dropna()) == ["2 vectors of 6"]
        assert list(table.loc[table["why"] == "absent", "detail"]) == whys
        assert stored(run, ["wind", "coal"]).tolist() == [vector_of("wind").tolist(), vector_of("coal").tolist()]
        assert cb.run.store_vectors(open_run(run)).texts == ("wind", "coal")
        assert table["coder"].unique().tolist() == open_run("one").table()["coder"].unique().tolist()
        assert (open_run(run).retry(), plan_numbers(*texts, run=run).submit().done) == (0, True)
    assert computed() == ["coal", "gas", "wind"], "nothing is asked twice"


def test_the_notebooks_of_a_study_go_on_where_the_pilot_embedded_every_text(numbers):
    (numbers / "codebook.yaml").write_text(
        "name: near\nunit: a text\nvariables:\n  - {name: vectors, kind: embedding}\n", encoding="utf-8"
    )
    (numbers / "units.csv").write_text("id,text\n1,coal\n2,gas\n3,\n", encoding="utf-8")
    (numbers / "study.yaml").write_text("units: units.csv\nengine: vectors\nrun: one\n", encoding="utf-8")
    for command in (["pilot"], ["plan", "--dry-run"], ["run"], ["table", "one"], ["costs"]):
        done = CliRunner().invoke(main, command)
        assert done.exit_code == 0, done.output
    assert open_run("one").status().sentence == "3 asked = 2 labelled + 1 absent"
    assert sorted(set(computed())) == ["coal", "gas"]


def test_erasing_a_unit_takes_its_text_from_packs_that_were_not_asked(numbers):
    plan_numbers("coal", "gas", "wind").submit()
    open_run("one").collect()
    plan_numbers("gas", "coal", run="two").submit()
    cb.erase_unit("u1", texts=["gas"])
    assert "gas" not in open_run("two").folder.units_path.read_text(encoding="utf-8")
    assert list(open_run("two").table()["label"]) == ["1 vector of 6"]


@pytest.mark.parametrize(
    ("order", "why", "detail"),
    [
        ("[short]", "invalid", "1 vector came for 2 texts"),
        ("[nan]", "invalid", "neither finite numbers nor base64"),
        ("[mixed]", "invalid", "different dimensions: 2, 6"),
        ("[500]", "failed", "as the text orders"),
    ],
)
def test_a_spoilt_reply_costs_its_pack_and_stores_nothing_of_it(numbers, order, why, detail):
    run = plan_numbers("good", order)
    run.submit()
    run.collect()
    (row,) = run.table().to_dict("records")
    assert (row["why"], detail in row["detail"]) == (why, True)
    assert len(cb.run.store_vectors(run)) == 0
    assert run.retry([why]) == 1


def test_the_vectors_of_a_run_can_be_stored_anew_from_its_results(numbers):
    texts = [f"t{number}" for number in range(100)]
    run = plan_numbers(*texts)
    run.submit()
    run.collect()
    for path in store_of("one").iterdir():
        path.unlink()
    assert (cb.run.store_vectors(run).array == [vector_of(text) for text in texts]).all()
    assert cb.run.store_vectors(run).texts == tuple(texts)
    assert len(computed()) == 100


def test_other_dimensions_than_were_asked_for_are_refused(numbers, monkeypatch):
    monkeypatch.setattr(vectors_engine, "vector_of", lambda text, dimensions: vector_of(text, 5))
    run = plan_numbers("coal", settings={"dimensions": 4})
    run.submit()
    with pytest.raises(RecordError, match=r"asked for 4 dimensions and got 5.*plan a new run without it"):
        run.collect()


def test_a_run_of_questions_holds_no_vectors(project):
    book = parse_codebook(
        "{name: b, unit: x, variables: [{name: v, question: q, kind: single, level: nominal, categories: [a, b]}]}"
    )
    run = plan(book, units("coal"), run="one")
    with pytest.raises(ParameterError, match="plan a codebook of kind embedding"):
        cb.run.store_vectors(run)


def test_replayed_vectors_are_those_of_the_archive(numbers):
    texts = [f"t{number}" for number in range(80)]
    first = plan_numbers(*texts)
    first.submit()
    first.collect()
    for path in store_of("one").iterdir():
        path.unlink()
    (numbers / "runs" / "ledger.db").rename(numbers / "elsewhere.db")
    (numbers / "runs" / "one").rename(numbers / "archive")
    run = plan(BOOK, units(*texts), run="again", engine="replay", archive="archive")
    run.submit()
    run.collect()
    assert (stored("again", texts) == [vector_of(text) for text in texts]).all()
    assert len(computed()) == 80


# --- in one call


def test_texts_become_vectors_in_one_call_in_their_order_each_once(numbers):
    texts = ["b", "a", "b", "c"]
    vectors = cb.embed_texts(texts, engine="vectors")
    assert vectors.texts == ("b", "a", "c")
    assert (vectors.array == [vector_of(text) for text in "bac"]).all()
    assert vectors.rows(texts).tolist() == [0, 1, 0, 2]
    assert list(vectors.texts) == ["b", "a", "c"]
    assert (vectors.model, vectors.dimensions) == ("numbers-1", 6)
    assert isinstance(vectors.array, np.memmap)
    other = cb.embed_texts(["c", "b", "d"], engine="vectors")
    assert (other.array == [vector_of(text) for text in "cbd"]).all()
    assert computed() == ["b", "a", "c", "d"]
    with pytest.raises(ParameterError, match="1 have no vector here: 'a'"):
        other.rows(["b", "a"])


@pytest.mark.parametrize(
    ("texts", "mend"),
    [(["a", " ", ""], "text 1, 2: 2 are empty"), (["a", None], "text 1: 1 are no text"), ([], "give at least one")],
)
def test_what_has_no_vector_is_refused_before_anything_is_sent(numbers, texts, mend):
    with pytest.raises(ParameterError, match=mend):
        cb.embed_texts(texts, engine="vectors")
    assert not (numbers / "runs").exists()


def test_what_failed_is_asked_again_by_the_same_call(numbers):
    texts = [f"t{number}" for number in range(64)] + ["[500 once]"]
    with pytest.raises(RunError, match=r"1 of 65 texts got no vector.*failed: 500: as the text.*asks for them again"):
        cb.embed_texts(texts, engine="vectors")
    assert len(cb.embed_texts(texts, engine="vectors")) == 65
    assert len(computed()) == 66


# --- the engine that comes with the kit

EMBEDDED = [
    pytest.param(896, (0, 896), marks=pytest.mark.slow),
    pytest.param(512, (0, 512), marks=pytest.mark.slow),
    (384, (512, 896)),
]
"""Dimensions, and which of those of both models together they are."""


@pytest.mark.parametrize(("dimensions", "parts"), EMBEDDED)
def test_the_embedded_engine_gives_each_model_alone_or_both(project, dimensions, parts):
    texts = ["Coal is cheap.", "Der Kohlepreis steigt.", "Niger"]
    vectors = cb.embed_texts(texts, dimensions=dimensions)
    assert vectors.array.shape == (3, dimensions)
    assert np.allclose(np.linalg.norm(vectors.array, axis=1), 1, atol=1e-6)
    both = make_engine("embedded", folder=project / "work").encode(texts)
    scale = 1 if dimensions == 896 else 2**0.5
    assert np.allclose(vectors.array, scale * both[:, slice(*parts)], atol=1e-6)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"input": ["coal"], "dimensions": 100}, "no vectors of 100 dimensions, only of 896, 512, 384"),
        ({"input": ["coal", ""]}, "text 2 is empty"),
        ({"input": [[1, 2]]}, "a text or a list of texts"),
        ({"input": []}, "a text or a list of texts"),
        ({"input": "coal", "encoding_format": "int8"}, "written as float or base64"),
        ({"input": "coal", "model": "text-embedding-3-small"}, "this engine is the model"),
    ],
)
def test_what_the_embedded_engine_cannot_embed_is_answered_with_the_reason(project, body, reason):
    engine = make_engine("embedded", folder=project / "work")
    line = {"custom_id": "a", "url": EMBEDDINGS, "body": {"model": engine.model, **body}}
    (answer,) = engine.answer([line])
    assert answer["response"]["status_code"] == 400
    assert reason in answer["response"]["body"]["error"]["message"]


def test_the_embedded_engine_says_one_vector_for_one_text_in_either_form(project):
    engine = make_engine("embedded", folder=project / "work")
    body = {"model": engine.model, "input": "coal", "dimensions": 384}
    forms = [{}, {"encoding_format": "float"}, {"encoding_format": "base64"}]
    lines = engine.answer([{"custom_id": "a", "url": EMBEDDINGS, "body": body | form} for form in forms])
    arrays = [read_vectors(line["response"]["body"])[0] for line in lines]
    assert (arrays[0] == arrays[1]).all()
    assert (arrays[1] == arrays[2]).all()
    assert lines[0]["response"]["body"]["usage"] == {"prompt_tokens": 1, "total_tokens": 1}


# --- a service

MODEL = "text-embedding-3-small"


@pytest.mark.parametrize("settings", [{}, {"dimensions": 256}, {"encoding_format": "float", "dimensions": 32}])
def test_a_batch_of_vectors_at_the_service(fake, settings):
    texts = [f"Sentence {number} about coal." for number in range(130)]
    run = plan_batch(fake, texts, book=BOOK, model=MODEL, settings=settings)
    run.submit()
    run.collect()
    n = settings.get("dimensions", 1536)
    found = stored("one", texts)
    assert np.allclose(found, [fake_vector(text, n) for text in texts], atol=1e-6)
    assert [batch["endpoint"] for batch in fake.batches.values()] == [EMBEDDINGS]
    assert sum(fake.billed.values()) == 3
    assert run.totals()["tokens_in"] > 0


def test_vectors_one_call_after_the_other_and_what_a_batch_gave_is_not_asked_live(fake):
    texts = [f"Sentence {number} about coal." for number in range(130)]
    options = {"base_url": fake.base_url}
    vectors = cb.embed_texts(texts[:70], engine="openai_live", model=MODEL, dimensions=64, options=options)
    assert np.allclose(vectors.array, [fake_vector(text, 64) for text in texts[:70]], atol=1e-6)
    fake.auto = False
    with pytest.raises(PendingError, match=r"60 of 130 texts have no vector yet.*call embed_texts again"):
        cb.embed_texts(texts, engine="openai_batch", model=MODEL, dimensions=64, options=options | {"pause_s": 0.01})
    fake.auto = "at once"
    vectors = cb.embed_texts(
        texts, engine="openai_batch", model=MODEL, dimensions=64, options=options | {"pause_s": 0.01}
    )
    assert vectors.array.shape == (130, 64)
    assert np.allclose(vectors.array, [fake_vector(text, 64) for text in texts], atol=1e-6)
    (batch,) = fake.batches.values()
    sent = list(read_lines(fake.file_path(batch["input_file_id"])))
    assert sum(len(line["body"]["input"]) for line in sent) == 60


# --- commands


def test_vectors_by_commands(numbers, monkeypatch):
    (numbers / "codebook.yaml").write_text(
        "name: near\nunit: a text\nvariables:\n  - {name: vectors, kind: embedding}\n", encoding="utf-8"
    )
    (numbers / "data").mkdir()
    (numbers / "data" / "texts.csv").write_text("id,text\n1,coal\n2,gas\n3,coal\n", encoding="utf-8")
    shell = CliRunner()
    for command in (
        ["plan", "--run", "one", "--engine", "vectors", "--set", "dimensions=3"],
        ["submit", "one"],
        ["collect", "one"],
    ):
        done = shell.invoke(main, command)
        assert done.exit_code == 0, done.output
    assert (stored("one", ["coal", "gas"]) == [vector_of("coal", 3), vector_of("gas", 3)]).all()


# --- crashes


def embed_apart(project: Path, n_texts: int) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "CODEBOOK_PROJECT": str(project)}
    command = [sys.executable, "-m", "fakes.vectors_engine", str(n_texts)]
    return subprocess.run(command, env=environment, capture_output=True, check=False, timeout=1800)


@pytest.mark.slow
def test_20_000_texts_go_on_after_each_kill_and_only_the_open_packs_are_computed_again(numbers):
    n_texts, deaths = 20_000, (40, 1, 100)  # after so many packs of each life
    for death in deaths:
        (numbers / f"die-{death}").touch()
        assert embed_apart(numbers, n_texts).returncode == -9
    done = embed_apart(numbers, n_texts)
    assert done.returncode == 0, done.stderr.decode()
    texts = [f"text {number}" for number in range(n_texts)]
    times = computed()
    assert set(times) == set(texts)
    assert len(times) == n_texts + PACK_TEXTS * len(deaths), "each death costs the pack that was open"
    vectors = cb.embed_texts(texts, engine="vectors")
    assert len(computed()) == len(times)
    assert (vectors.array[::997] == [vector_of(text) for text in texts[::997]]).all()
    assert len(vectors.store) == n_texts
