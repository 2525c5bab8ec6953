"""A plan that nothing was handed in of gives way; a dry run leaves nothing that holds anybody up."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner
from commands import Command
from fakes.fake_openai import FakeOpenAI
from fakes.scripted import Scripted, make_book, register
from fakes.service import MODEL, TEXTS, check_paid, check_sums, finish, plan_batch

from codebook.cli import main
from codebook.engines import About
from codebook.errors import Fault, ParameterError, PendingError, RunError, UnreachableError
from codebook.files.lines import digest_file, read_lines
from codebook.ledger import Ledger
from codebook.records import Unit
from codebook.run import Run, discard_run, list_runs, open_run, plan, preflight, rehearse_plan
from codebook.shards import Cuts
from codebook.units import read_units

UNITS = [Unit(f"u{n}", text) for n, text in enumerate(TEXTS)]


def ledger_of(run: Run) -> Ledger:
    return Ledger(run.folder.ledger_path)


def shard_names(run: Run) -> list[str]:
    """The shards that the ledger knows; they are those on disk."""
    with ledger_of(run) as ledger:
        known = [row.file for row in ledger.jobs(run.name)]
        assert ledger.leftovers() == []
    assert sorted(path.name for path in run.folder.shards.iterdir()) == sorted(known)
    return known


def last_event(run: Run, verb: str = "plan") -> str:
    with ledger_of(run) as ledger:
        return [what for _, done, what in ledger.events(run.name) if done == verb][-2]


CHANGES: dict[str, tuple[dict[str, Any], str]] = {
    "model": ({"model": "gpt-5.4-mini"}, "model"),
    "engine": ({"engine": "openai_live", "options": {"pause_s": None}}, "engine, pause_s"),
    "address": ({"options": {"base_url": "http://127.0.0.1:9/v1"}}, "base_url"),
    "codebook": ({"book": make_book("topic", "tone")}, "codebook"),
    "units": ({"units": TEXTS[:2]}, "units"),
    "settings": ({"settings": {"max_completion_tokens": 300}}, "settings"),
    "draws": ({"draws": 2}, "draws"),
}


@pytest.mark.parametrize("what", [name for name in CHANGES if name != "engine"])
def test_r38_a_run_that_was_not_handed_in_can_be_planned_with_something_else(fake: FakeOpenAI, what: str) -> None:
    given, named = CHANGES[what]
    given = dict(given)
    first = plan_batch(fake, cuts=Cuts(n_requests=4))
    old = shard_names(first)
    second = plan_batch(fake, given.pop("units", TEXTS), **given)
    assert not set(old) & set(shard_names(second)) or what == "address"
    assert last_event(second) == f"nothing was handed in, so the plan was replaced. What changed: {named}"
    fresh = plan_batch(fake, CHANGES[what][0].get("units", TEXTS), run="fresh", **given)
    assert second.record["asked"] == fresh.record["asked"] != first.record["asked"] or what in ("codebook", "units")
    assert second.codebook == fresh.codebook
    assert digest_file(second.folder.units_path) == digest_file(fresh.folder.units_path)
    assert [row.n_requests for row in _jobs(second)] == [row.n_requests for row in _jobs(fresh)]
    assert check_sums(second) == check_sums(fresh)


def _jobs(run: Run) -> list[Any]:
    with ledger_of(run) as ledger:
        return ledger.jobs(run.name)


def test_r38_a_mistyped_address_is_corrected_and_blocks_nobody(
    fake: FakeOpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole story: planned and submitted at an address where nobody is, then in a right run, then corrected."""
    dead = plan_batch(fake, TEXTS[:4], run="dead", options={"base_url": "http://127.0.0.1:9/v1"})
    monkeypatch.setattr("openai._base_client.INITIAL_RETRY_DELAY", 0.01)
    with pytest.raises(UnreachableError, match="cannot be reached"):
        dead.submit()
    assert [job.state for job in dead.status().jobs] == ["planned"]
    right = finish(plan_batch(fake, run="right"))
    assert check_sums(right) == {"": 6}
    assert dead.cancel().counts == {"topic": {"cancelled": 4}}
    mended = plan_batch(fake, TEXTS[:4], run="dead")
    assert check_sums(finish(mended)) == {"": 4}
    check_paid(fake, 6)


def test_r38_what_was_handed_in_is_not_replaced(fake: FakeOpenAI) -> None:
    fake.auto = False
    run = plan_batch(fake, cuts=Cuts(n_requests=3))
    run.submit()
    record, units = run.folder.record_path.read_bytes(), run.folder.units_path.read_bytes()
    with pytest.raises(RunError, match=r"What differs:\n  - draws\nTo mend: give the new plan a new run name"):
        plan_batch(fake, draws=2)
    with pytest.raises(RunError, match="planned with other units"):
        plan_batch(fake, TEXTS[:2])
    assert (run.folder.record_path.read_bytes(), run.folder.units_path.read_bytes()) == (record, units)
    assert len(shard_names(run)) == 2


def test_r38_a_run_that_has_its_answers_from_others_is_not_replaced_once_it_is_collected(fake: FakeOpenAI) -> None:
    finish(plan_batch(fake))
    second = plan_batch(fake, TEXTS[:3], run="two")
    assert plan_batch(fake, TEXTS[:4], run="two").status().n_rows == 4, "not collected yet"
    second = open_run("two")
    second.collect()
    with pytest.raises(RunError, match="planned with other units"):
        plan_batch(fake, TEXTS[:5], run="two")


def test_r38_a_run_whose_ledger_is_lost_is_not_replaced(fake: FakeOpenAI, project: Path) -> None:
    run = plan_batch(fake)
    for path in (project / "runs").glob("ledger.db*"):
        path.unlink()
    with pytest.raises(RunError, match="draws"):
        plan_batch(fake, draws=2)
    assert check_sums(finish(plan_batch(fake))) == {"": 6}
    assert run.name == "one"


def test_r38_a_replaced_plan_leaves_no_question_and_no_table_behind(fake: FakeOpenAI) -> None:
    run = plan_batch(fake)
    run.collect(partial=True)
    assert run.folder.table_path.is_file()
    plan_batch(fake, model="gpt-5.4-mini")
    assert not run.folder.table_path.exists()
    with ledger_of(run) as ledger:
        assert ledger._db.execute("SELECT count(*) FROM asks").fetchone()[0] == len(TEXTS)


def test_r38_a_plan_of_texts_that_changed_packs_them_anew(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from fakes.vectors_engine import register

    from codebook.scheme import parse_codebook

    register(monkeypatch)
    book = parse_codebook("{name: e, unit: a text, variables: [{name: vectors, kind: embedding}]}")
    plan(book, UNITS, run="one", engine="vectors")
    run = plan(book, UNITS[:2], run="one", engine="vectors")
    assert run.status().n_rows == 2
    run.submit()
    run.collect()
    with pytest.raises(RunError, match="planned with other texts"):
        plan(book, UNITS, run="one", engine="vectors")


# --- dry runs


def everything(project: Path) -> dict[str, str]:
    return {path.relative_to(project).as_posix(): digest_file(path) for path in project.rglob("*") if path.is_file()}


def test_u04_a_dry_run_of_a_plan_leaves_nothing(fake: FakeOpenAI, project: Path) -> None:
    asked: dict[str, Any] = {"engine": "openai_batch", "model": MODEL, "options": {"base_url": fake.base_url}}
    before = everything(project)
    tried = rehearse_plan(make_book("topic"), UNITS, run="mine", cuts=Cuts(n_requests=4), **asked)
    assert everything(project) == before
    assert tried.run == "mine"
    planned = plan(make_book("topic"), UNITS, run="mine", cuts=Cuts(n_requests=4), **asked)
    pd.testing.assert_frame_equal(planned.dry_run().frame, tried.frame)
    assert tried.notes[-1] in repr(tried)
    assert tried.leaves[0] in repr(tried)
    before = everything(project)
    again = rehearse_plan(make_book("topic"), UNITS, run="mine", **asked | {"draws": 2})
    assert list(again.frame["requests"]) == [12]
    assert everything(project) == before, "nor does it touch a plan that is there"
    assert fake.requests == []


def test_u04_a_dry_run_knows_what_was_asked_and_what_it_plans_twice(fake: FakeOpenAI) -> None:
    finish(plan_batch(fake, TEXTS[:2]))
    asked: dict[str, Any] = {"engine": "openai_batch", "model": MODEL, "options": {"base_url": fake.base_url}}
    units = [*UNITS, Unit("copy", TEXTS[5])]
    tried = rehearse_plan(make_book("topic"), units, cuts=Cuts(n_requests=2), **asked)
    assert list(tried.frame["requests"]) == [2, 2]
    assert tried.run == plan(make_book("topic"), units, cuts=Cuts(n_requests=2), **asked).name
    with pytest.raises(ParameterError, match=r"modle: a plan has no such parameter"):
        rehearse_plan(make_book("topic"), UNITS, modle="x")


def test_u04_a_dry_run_of_submit_says_what_would_be_left_out(fake: FakeOpenAI) -> None:
    run = plan_batch(fake)
    plan_batch(fake, TEXTS[:2], run="two").submit()
    notes = run.dry_run().notes
    assert "shard 1: 2 of 6 questions are being asked by two since the plan; they are left out when it is sent" in notes


@pytest.fixture
def study(fake: FakeOpenAI, project: Path) -> Path:
    (project / "codebook.yaml").write_text(
        "name: debate\nunit: a text\nvariables:\n- {name: topic, question: 'What?', kind: single, level: nominal, "
        "categories: [coal, sports, travel]}\n"
    )
    (project / "data").mkdir()
    lines = [f"t{number},{text}" for number, text in enumerate(TEXTS)]
    (project / "data" / "texts.csv").write_text("\n".join(["id,text", *lines]) + "\n")
    (project / "providers.yaml").write_text(f"openai: {{base_url: '{fake.base_url}'}}\n")
    return project


def test_u04_a_dry_run_holds_no_question_of_the_run_that_follows(
    study: Path,
    fake: FakeOpenAI,
    command: Command,
) -> None:
    asked = ("--engine", "openai_batch", "--model", MODEL)
    assert "no plan was kept" in command("plan", *asked, "--dry-run").output
    for words in (("plan", "--run", "mine", *asked), ("submit", "mine"), ("collect", "mine")):
        done = command(*words)
        assert done.exit_code == 0, done.output
    assert "6 asked = 6 labelled" in done.output
    assert [path.name for path in (study / "runs").iterdir() if path.is_dir()] == ["mine"]


def test_u04_a_preflight_after_the_plan_of_a_batch_asks(fake: FakeOpenAI) -> None:
    batch = plan_batch(fake)
    found = preflight(make_book("topic"), UNITS, model=MODEL, options={"base_url": fake.base_url})
    assert found.ok
    assert len(fake.calls("chat")) == 3
    batch.submit()
    batch.collect()
    assert check_sums(batch) == {"": 6}
    assert (len(fake.calls("chat")), sum(fake.billed.values()), set(fake.billed.values())) == (3, 6, {1})


def test_u04_a_run_that_was_cancelled_before_it_was_sent_can_be_planned_anew(fake: FakeOpenAI) -> None:
    run = plan_batch(fake)
    run.cancel()
    again = plan_batch(fake, draws=2)
    assert again.status().n_rows == again.status().n_pending == 12
    assert len(shard_names(again)) == 1
    shutil.rmtree(again.folder.shards)
    assert check_sums(finish(plan_batch(fake, draws=2))) == {"": 12}
    assert len(list(read_lines(next(again.folder.shards.iterdir())))) == 12


def test_u04_a_preflight_that_could_not_ask_says_nothing_of_a_batch(fake: FakeOpenAI) -> None:
    fake.auto = False
    plan_batch(fake).submit()
    found = preflight(make_book("topic"), UNITS, model=MODEL, options={"base_url": fake.base_url})
    with pytest.raises(PendingError, match=r"could not ask: one asks the same questions already.*codebook collect one"):
        found.raise_errors()
    assert fake.calls("chat") == []


def test_u04_a_run_that_was_not_handed_in_is_discarded(fake: FakeOpenAI, project: Path) -> None:
    finish(plan_batch(fake, TEXTS[:2], run="kept"))
    run = plan_batch(fake)
    discard_run("one")
    assert not run.folder.path.exists()
    assert list_runs() == ["kept"]
    with ledger_of(run) as ledger:
        assert ledger.runs() == ["kept"]
        assert ledger.leftovers() == []
    with pytest.raises(RunError, match="knows no run 'one'"):
        discard_run("one")
    again = plan_batch(fake)
    shutil.rmtree(again.folder.path)
    assert CliRunner().invoke(main, ["discard", "one", "--yes"]).output == "Run one is discarded.\n"
    assert check_sums(finish(plan_batch(fake))) == {"": 6}
    check_paid(fake, 6)


def test_a_note_in_other_words_renames_no_run(
    fake: FakeOpenAI, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "texts.csv"
    path.write_bytes("unit_id,text\n1,Gr\u00fc\u00dfe aus Köln\n2,\n".encode())
    source = read_units(path, id_column="unit_id", text_column="text")
    with monkeypatch.context() as patch:
        patch.setattr(Fault, "__str__", lambda fault: f"in other words: {fault.problem}")
        before = plan(make_book("topic"), source)
    again = plan(make_book("topic"), source)
    assert before.record["units"]["source"]["notes"] != []
    assert again.name == before.name
    assert list_runs() == [before.name]


def test_whoever_charges_says_so_and_is_not_paid_for_a_guess(
    tmp_path: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(monkeypatch)
    path = tmp_path / "texts.csv"
    path.write_bytes(b"unit_id,text\n" + b"".join(f"{n},Gr\xfc\xdfe aus K\xf6ln\n".encode("latin-1") for n in range(9)))
    source = read_units(path, id_column="unit_id", text_column="text")
    plan(make_book("topic"), source, engine="scripted", run="free")
    monkeypatch.setattr(Scripted, "about", About(charges=True))
    with pytest.raises(ParameterError, match="Nothing is paid for texts whose encoding is a guess"):
        plan(make_book("topic"), source, engine="scripted", run="paid")
