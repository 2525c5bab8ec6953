"""Answers belong to whoever gave them: another service never gets the first one's as its own."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from archives import hand_made, rest_of
from fakes.fake_openai import FakeOpenAI
from fakes.scripted import make_book
from fakes.service import MODEL, TEXTS, check_sums, finish, plan_batch
from ledgers import OLD

from codebook.engines import make_engine
from codebook.engines.service import PROVIDERS
from codebook.errors import RunError
from codebook.files.lines import read_lines
from codebook.ledger import Ledger
from codebook.ledger.migrations import name_old_answerers
from codebook.records import Unit
from codebook.run import Run, open_run, plan, preflight

UNITS = [Unit(f"u{n}", text) for n, text in enumerate(TEXTS)]


def ask_live(fake: FakeOpenAI, units: list[Unit], run: str, **options: Any) -> Run:
    chosen = {"base_url": fake.base_url, **options}
    return plan(make_book("topic"), units, run=run, engine="openai_live", model=MODEL, options=chosen)


@pytest.fixture
def other(fake: FakeOpenAI, project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeOpenAI]:
    """Another service, which always answers sports."""
    body = {"choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant"}}]}
    body["choices"][0]["message"] = {"role": "assistant", "content": '{"label":"sports"}'}  # type: ignore[index]
    usage = {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12}
    whole = {"id": "x", "object": "chat.completion", "created": 1, "model": MODEL, "usage": usage, **body}
    with FakeOpenAI(project.parent / "other", auto="at once", reply=lambda _: whole) as service:
        yield service


# --- names


@pytest.mark.parametrize("provider", [name for name in PROVIDERS if PROVIDERS[name].base_url or name == "openai"])
def test_r12_a_service_has_one_name_however_it_is_called(tmp_path: Path, provider: str) -> None:
    live = make_engine("openai_live", folder=tmp_path, model="m", provider=provider)
    assert live.answerer.startswith(f"{provider} http")
    if PROVIDERS[provider].batches:
        assert make_engine("openai_batch", folder=tmp_path, model="n", provider=provider).answerer == live.answerer


@pytest.mark.parametrize(
    ("one", "two", "same"),
    [
        ("https://a.example/v1", "https://A.example:443/v1/", True),
        ("http://127.0.0.1:8000/v1", "http://127.0.0.1:8000/v1/", True),
        ("http://127.0.0.1:8000/v1", "http://127.0.0.1:8001/v1", False),
        ("https://a.example/v1", "https://b.example/v1", False),
        ("https://a.example/v1", "https://a.example/v2", False),
    ],
)
def test_r12_addresses_are_compared_as_services(tmp_path: Path, one: str, two: str, same: bool) -> None:
    names = [
        make_engine("openai_live", folder=tmp_path, model="m", provider="compatible", base_url=address).answerer
        for address in (one, two)
    ]
    assert (names[0] == names[1]) == same
    assert make_engine("openai_live", folder=tmp_path, model="m", base_url=one).answerer != names[0], (
        "the provider counts"
    )


def test_r12_the_first_versions_named_everybody_as_the_engines_do(project: Path) -> None:
    """What is worked out from an old run.json is what the engine of today says of itself."""
    own = {"gateway": {"base_url": "https://gateway.example.org/v1/"}, "ollama": {"n_requests": 3}}
    (project / "providers.yaml").write_text(yaml.safe_dump(own), encoding="utf-8")
    options: list[dict[str, Any]] = [{}, {"base_url": "https://Mine.example.org/v1"}]
    options += [{"provider": "azure", "base_url": "https://x.openai.azure.com/openai/v1"}]
    options += [{"provider": name} for name in ("groq", "perplexity", "novita", "ollama", "vllm", "gateway")]
    wanted = {}
    for number, given in enumerate(options):
        run, folder = f"r{number}", project / "runs" / f"r{number}"
        folder.mkdir(parents=True)
        asked = {"engine": "openai_live", "model": "m", "options": given}
        (folder / "run.json").write_bytes(orjson.dumps({"asked": asked}))
        wanted[run] = make_engine("openai_live", folder=folder, model="m", **given).answerer
    (project / "runs" / "own").mkdir()
    (project / "runs" / "own" / "run.json").write_text('{"asked": {"engine": "embedded", "model": "m"}}')
    wanted["own"] = make_engine("embedded", folder=project).answerer
    for damaged in ("gone", "replayed", "odd", "list"):
        (project / "runs" / damaged).mkdir()
    (project / "runs" / "replayed" / "run.json").write_text('{"asked": {"engine": "x", "options": {"archive": "a"}}}')
    (project / "runs" / "odd" / "run.json").write_text('{"asked": 7}')
    (project / "runs" / "list" / "run.json").write_text("[]")
    assert name_old_answerers(project / "runs" / "ledger.db", [*wanted, "gone", "replayed", "odd", "list"]) == wanted


def test_r12_an_archive_is_known_by_what_it_holds(tmp_path: Path) -> None:
    one, two = (hand_made(tmp_path / name / "archive", {"a": ("x", rest_of(1))}) for name in "ab")
    names = [make_engine("replay", folder=tmp_path / "work", archive=folder).answerer for folder in (one, two)]
    assert names[0] == names[1]
    (two / "results" / "1.jsonl").write_bytes((two / "results" / "0.jsonl").read_bytes())
    assert make_engine("replay", folder=tmp_path / "work", archive=two).answerer != names[0]


# --- runs


def test_r12_another_service_is_asked_and_each_run_shows_its_own(fake: FakeOpenAI, other: FakeOpenAI) -> None:
    first = finish(plan_batch(fake, TEXTS[:3]))
    second = finish(plan_batch(other, TEXTS[:3], run="two"))
    assert (sum(fake.billed.values()), sum(other.billed.values())) == (3, 3)
    assert set(second.table()["label"]) == {"sports"}
    assert open_run("one").table()["label"].tolist() == first.table()["label"].tolist() != ["sports"] * 3
    third = finish(plan_batch(other, TEXTS[:4], run="three"))
    assert (sum(other.billed.values()), set(third.table()["label"])) == (4, {"sports"})
    assert second.record["answerer"] == f"openai {other.base_url}"


def test_r12_batch_and_live_of_one_service_share_their_answers(fake: FakeOpenAI) -> None:
    preflight(make_book("topic"), UNITS, model=MODEL, options={"base_url": fake.base_url})
    batch = plan_batch(fake)
    assert [job.requests for job in batch.status().jobs] == [3]
    finish(batch)
    live = ask_live(fake, UNITS, "live", timeout_s=30)
    assert live.status().jobs == ()
    assert check_sums(live) == {"": 6}


def test_r12_a_claim_at_one_service_does_not_hold_up_another(fake: FakeOpenAI, other: FakeOpenAI) -> None:
    fake.auto = False
    plan_batch(fake).submit()
    second = plan_batch(other, run="two")
    assert second.status().waits_for == ()
    assert check_sums(finish(second)) == {"": 6}


def test_r12_a_replay_beside_the_run_answers_from_the_archive(fake: FakeOpenAI) -> None:
    first = finish(plan_batch(fake, TEXTS[:3]))
    again = plan(make_book("topic"), UNITS[:3], run="again", engine="replay", archive=first.folder.path)
    assert [job.requests for job in again.status().jobs] == [3]
    same = ["unit_id", "label", "why", "raw", "request_id"]
    assert finish(again).table()[same].equals(first.table()[same])
    assert [line["custom_id"] for path in again.folder.results.iterdir() for line in read_lines(path)]
    assert sum(fake.billed.values()) == 3


def test_r12_an_address_that_was_moved_after_the_plan_is_noticed(
    fake: FakeOpenAI, other: FakeOpenAI, project: Path
) -> None:
    def move(address: str) -> None:
        (project / "providers.yaml").write_text(yaml.safe_dump({"openai": {"base_url": address}}), encoding="utf-8")

    asked: dict[str, Any] = {"engine": "openai_batch", "model": MODEL, "options": {"pause_s": 0.01}}
    move(fake.base_url)
    run = plan(make_book("topic"), UNITS[:2], run="one", **asked)
    move(other.base_url)
    with pytest.raises(RunError, match=f"planned to be answered by openai {fake.base_url}, and would go to openai "):
        run.submit()
    assert other.requests == []
    run = plan(make_book("topic"), UNITS[:2], run="one", **asked)
    assert set(finish(run).table()["label"]) == {"sports"}
    move(fake.base_url)
    with pytest.raises(RunError, match=r"(?s)who answers \(openai .*, now openai .*new run name"):
        plan(make_book("topic"), UNITS[:2], run="one", **asked)


# --- ledgers of the first version


def bring_old(project: Path, fake: FakeOpenAI, *, unrecorded: str = "") -> Path:
    """A ledger of the first version with the records of its runs but one; the texts are Text 0 to Text 9."""
    path = project / "runs" / "ledger.db"
    path.parent.mkdir()
    db = sqlite3.connect(path)
    db.executescript(OLD.read_text(encoding="utf-8"))
    runs = [run for (run,) in db.execute("SELECT run_id FROM runs")]
    db.close()
    for run in runs:
        engine = {"live": "openai_live", "replayed": "replay"}.get(run, "openai_batch")
        address = fake.base_url.replace("127.0.0.1", "localhost") if run == "elsewhere" else fake.base_url
        options = {"archive": "runs/answered"} if engine == "replay" else {"base_url": address}
        (path.parent / run).mkdir()
        if run != unrecorded:
            record = {"asked": {"engine": engine, "model": MODEL, "options": options}}
            (path.parent / run / "run.json").write_bytes(orjson.dumps(record))
    return path


def old_units(*numbers: int) -> list[Unit]:
    return [Unit(f"u{n}", f"Text {n}") for n in numbers]


def test_r12_an_old_ledger_gives_answers_to_the_service_that_gave_them(fake: FakeOpenAI, project: Path) -> None:
    path = bring_old(project, fake)
    here, there = f"openai {fake.base_url}", f"openai {fake.base_url.replace('127.0.0.1', 'localhost')}"
    with Ledger(path) as ledger:
        found = {run: ledger.answerer(run) for run in ledger.runs()}
        (note,) = ledger.upgrade_notes("elsewhere")
        assert not any(ledger.upgrade_notes(run) for run in found if run != "elsewhere")
    assert found.pop("elsewhere") == there
    assert found.pop("replayed") == "", "an archive is not known any more; it costs nothing to ask it again"
    assert set(found.values()) == {here}
    assert note.startswith(
        f"2 of its answers were not given by {there}, which it asks, but by {here}, which another run"
    )
    assert plan_batch(fake, old_units(0, 1, 2), run="new").status().jobs == (), "batch and live are one service"
    moved = {"base_url": fake.base_url.replace("127.0.0.1", "localhost")}
    assert [job.requests for job in plan_batch(fake, old_units(0, 1), run="moved", options=moved).status().jobs] == [2]


def test_r12_what_is_not_known_is_given_to_nobody(fake: FakeOpenAI, project: Path) -> None:
    path = bring_old(project, fake, unrecorded="answered")
    new = plan_batch(fake, old_units(0, 1, 2), run="new")
    assert [job.requests for job in new.status().jobs] == [2], "only the live run is known"
    with Ledger(path) as ledger:
        assert ledger.answerer("answered") == ""
        assert [row.why for row in ledger.iter_rows("elsewhere")] == ["", ""], "what is shown stays"


def test_r12_a_retry_of_what_another_service_answered_asks_the_own_one(fake: FakeOpenAI, project: Path) -> None:
    path = bring_old(project, fake)
    with Ledger(path) as ledger, ledger.transaction() as db:
        db.execute("UPDATE answers SET why = 'refused' WHERE custom_id LIKE 'topic.u0.%'")
    from codebook.records import Shard

    with Ledger(path) as ledger:
        ((name, key, *_),) = ledger.rows_to_retry("elsewhere", ["refused"])
        ledger.add_shard("elsewhere", 1, Shard(Path("1.jsonl"), "0" * 64, "", MODEL, 1, 1, 1), {name: key})
        assert [row.why for row in ledger.iter_rows("elsewhere")] == ["pending", ""]
        assert [row.why for row in ledger.iter_rows("live")] == ["refused", ""], "the other run keeps its answer"
        assert ledger.taken(ledger.jobs("elsewhere")[0].shard_id) == {}
