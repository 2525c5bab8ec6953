"""Planned is not asked: a question is claimed when its shard is handed in, and who sends takes over what is planned."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from fakes.fake_openai import FakeOpenAI
from fakes.service import TEXTS, check_paid, check_sums, finish, lines_of, plan_batch, units_of, why_of
from ledgers import OLD, collect, key, plan, submit, whys

from codebook.cli import main
from codebook.errors import MissingKeyError, PendingError, RunError, UnreachableError
from codebook.files.lines import digest, read_lines
from codebook.ledger import Ledger
from codebook.records import Shard
from codebook.run import Run, cancel_run, open_run, wait
from codebook.run.jobs import sending
from codebook.shards import Cuts, write_without


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(tmp_path / "runs" / "ledger.db") as opened:
        yield opened


def other_shard(ledger: Ledger, shard_id: int) -> Shard:
    row = ledger.job(shard_id)
    return Shard(Path("0001-new.jsonl"), digest("new"), row.url, row.model, row.n_requests - 1, 100, 25)


# --- the ledger


def test_r38_a_plan_claims_nothing_and_blocks_nobody(ledger: Ledger) -> None:
    plan(ledger, "r", {"u": "q"})
    assert ledger.asked_among([key("q")], "replay") == set()
    assert ledger.asked_among([key("q")], "replay", "r") == {key("q")}, "the run itself need not plan it twice"
    assert plan(ledger, "s", {"v": "q"})
    assert whys(ledger, "r") == {"u": "pending"}
    assert whys(ledger, "s") == {"v": "pending"}
    assert ledger.awaited_runs("r") == ledger.awaited_runs("s") == []


def test_r38_who_hands_in_first_asks_and_the_other_only_the_rest(ledger: Ledger) -> None:
    first = plan(ledger, "r", {"u1": "q1", "u2": "q2"})
    second = plan(ledger, "s", {"v1": "q1", "v3": "q3"})
    submit(ledger, second)
    assert ledger.taken(first) == {"r.u1": "s"}
    assert whys(ledger, "r") == {"u1": "pending", "u2": "pending"}
    assert ledger.awaited_runs("r") == ["s"]
    assert not ledger.intend_job(first, "key", "replay"), "one of its questions is claimed"
    assert ledger.job(first).state == "planned"
    assert ledger.cut_shard(first, other_shard(ledger, first), {"r.u1"}, "r/shards/old.jsonl")
    assert ledger.taken(first) == {}
    assert ledger.leftovers() == ["r/shards/old.jsonl"]
    submit(ledger, first)
    collect(ledger, second, {"s.v1": "", "s.v3": "refused"})
    assert whys(ledger, "r") == {"u1": "", "u2": "pending"}
    assert whys(ledger, "s") == {"v1": "", "v3": "refused"}


@pytest.mark.parametrize("why", ["", "refused", "failed"])
def test_r38_an_answer_spares_a_planned_question_and_a_failure_does_not(ledger: Ledger, why: str) -> None:
    planned = plan(ledger, "r", {"u": "q"})
    asked = plan(ledger, "s", {"v": "q"})
    submit(ledger, asked)
    collect(ledger, asked, {"s.v": why})
    spared = why != "failed"
    assert whys(ledger, "r") == {"u": why if spared else "pending"}
    assert ledger.taken(planned) == ({"r.u": ""} if spared else {})
    assert ledger.spare_shard(planned, "every question is answered", "r/shards/old.jsonl")
    assert not ledger.spare_shard(planned, "twice", "r/shards/old.jsonl")
    (job,) = ledger.jobs("r")
    assert (job.state, job.n_requests, job.open, job.unsent) == ("not needed", 0, False, False)
    assert whys(ledger, "r") == {"u": why}


def test_r38_a_retry_is_asked_unless_another_run_has_asked_again_since(ledger: Ledger) -> None:
    first = plan(ledger, "r", {"u": "q"})
    submit(ledger, first)
    collect(ledger, first, {"r.u": "refused"})
    plan(ledger, "s", {"v": "q"})
    again = {}
    for run, name in (("r", "r.u"), ("s", "s.v")):
        shard = Shard(Path(f"{run}2.jsonl"), digest(run), "", "m", 1, 1, 1)
        ledger.add_shard(run, 2, shard, {name: key("q")})
        again[run] = ledger.jobs(run)[-1].shard_id
        assert whys(ledger, run).popitem()[1] == "pending"
        assert ledger.taken(again[run]) == {}, "the refusal was there when it was planned"
    submit(ledger, again["s"])
    assert ledger.taken(again["r"]) == {"r.u": "s"}
    collect(ledger, again["s"], {"s.v": "refused"})
    assert ledger.taken(again["r"]) == {"r.u": ""}


def test_r38_a_shard_that_the_service_did_not_take_keeps_nobody_from_asking(ledger: Ledger) -> None:
    waiting = plan(ledger, "r", {"u": "q"})
    submit(ledger, waiting)
    ledger.release_job(waiting, "no room yet")
    (job,) = ledger.jobs("r")
    assert (job.state, job.job_key, job.unsent) == ("waiting", f"key {waiting}+", True)
    assert whys(ledger, "r") == {"u": "pending"}
    other = plan(ledger, "s", {"v": "q"})
    assert ledger.intend_job(waiting, f"key {waiting}+", "replay", 0.5)
    assert ledger.job(waiting).state == "creating"
    assert ledger.taken(other) == {"s.v": "r"}
    ledger.withdraw_intent(waiting, "not handed in: no room")
    assert (ledger.job(waiting).state, ledger.taken(other)) == ("waiting", {})
    assert ledger.close_unsent("r") == 1
    assert not ledger.intend_job(waiting, f"key {waiting}+", "replay")
    assert whys(ledger, "r") == {"u": "cancelled"}


def test_u04_an_intent_that_came_to_nothing_is_a_plan_again(ledger: Ledger) -> None:
    shard_id = plan(ledger, "r", {"u": "q"})
    before = ledger.jobs("r")
    assert ledger.intend_job(shard_id, "key", "replay", 0.25)
    assert ledger.money("r").reserved == 0.25
    ledger.withdraw_intent(shard_id, "not handed in: no service")
    assert ledger.jobs("r") == [replace(before[0], note="not handed in: no service")]
    assert ledger.asked_among([key("q")], "replay") == set()
    submit(ledger, shard_id)
    assert ledger.job(shard_id).note == ""
    ledger.withdraw_intent(shard_id, "")
    assert ledger.job(shard_id).job_id, "what has a job is not withdrawn"


def test_r45_a_row_that_is_asked_again_bears_nothing_of_its_old_answer(ledger: Ledger) -> None:
    shard_id = plan(ledger, "r", {"u": "q"})
    submit(ledger, shard_id)
    collect(ledger, shard_id, {}, missing="failed")
    (row,) = ledger.iter_rows("r")
    assert (row.batch_id, row.detail) == (f"job-{shard_id}", "no line")
    ledger.add_shard("r", 2, Shard(Path("2.jsonl"), digest("2"), "", "m", 1, 1, 1), {"r.u": key("q")})
    (row,) = ledger.iter_rows("r")
    assert (row.why, row.batch_id, row.detail, row.file) == ("pending", "", "", None)
    assert (row.started_at, row.ended_at, row.cost_usd) == (None, None, None)
    whys(ledger, "r")


# --- ledgers of the first version


@pytest.fixture
def old(project: Path) -> Path:
    path = project / "runs" / "ledger.db"
    path.parent.mkdir()
    db = sqlite3.connect(path)
    db.executescript(OLD.read_text(encoding="utf-8"))
    db.close()
    return path


def test_r38_an_old_ledger_frees_what_was_only_planned(old: Path) -> None:
    with Ledger(old) as ledger:
        found = {run: whys(ledger, run) for run in ledger.runs()}
        states = {run: [job.state for job in ledger.jobs(run)] for run in ledger.runs()}
        sql = "SELECT count(*) FROM asks JOIN answers ON answers.id = answer_id WHERE open = 0 AND why IS NOT 'failed'"
        n_answered = ledger._db.execute(sql).fetchone()[0]
        n_open = ledger._db.execute("SELECT count(*) FROM asks WHERE open = 1").fetchone()[0]
        retried = ledger.jobs("answered")[1].shard_id
        assert ledger.taken(retried) == {}, "what was planned again is still to be asked"
    assert found["answered"] == {"u0": "", "u1": "", "no": "pending", "bad": "failed"}
    assert found["elsewhere"] == found["replayed"] == {"u0": "", "u1": ""}
    assert found["live"] == {"u0": "", "u2": ""}
    assert (found["planned"], states["planned"]) == ({"u3": "pending", "u4": "pending"}, ["planned"] * 2)
    assert found["waits"] == {"u3": "cancelled", "u5": "pending"}, "nobody has asked u3; retry does"
    assert (found["waiting"], states["waiting"]) == ({"u6": "pending", "u7": "pending"}, ["in_progress", "waiting"])
    assert (found["doubt"], states["doubt"]) == ({"u8": "pending"}, ["creating"])
    assert (found["under-way"], states["under-way"]) == ({"u9": "pending"}, ["validating"])
    assert n_open == 3, "one in progress, one in doubt, one under way"
    assert n_answered == 4


# --- runs


def test_r38_the_run_that_sends_takes_over_and_the_other_asks_the_rest(fake: FakeOpenAI) -> None:
    first = plan_batch(fake, TEXTS)
    second = plan_batch(fake, [*TEXTS[:2], "Another."], run="two")
    second.submit()
    (before,) = first.folder.shards.iterdir()
    first.submit()
    (after,) = first.folder.shards.iterdir()
    assert before != after, "the smaller shard has a name of its own"
    assert len(list(read_lines(after))) == 4
    assert units_of(first, lines_of(fake, list(fake.batches)[1])) == ["u2", "u3", "u4", "u5"]
    first.collect()
    assert check_sums(first) == {"": 6}
    assert check_sums(finish(second)) == {"": 3}
    check_paid(fake, 7, again=1)
    said = [what for _, verb, what in open_run("one").record["answered"]["events"] if verb == "submit"]
    assert said[0] == "shard 1: 2 of 6 questions are being asked by two, and left out"


def test_r38_a_shard_of_which_nothing_is_left_needs_no_service(
    fake: FakeOpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = plan_batch(fake, cuts=Cuts(n_requests=3)), plan_batch(fake, run="two")
    finish(second)
    assert first.status().done, "the answers are there, whoever asked"
    assert first.status().advice == "Done."
    monkeypatch.delenv("OPENAI_API_KEY")
    status = first.submit()
    assert [(job.state, job.requests, job.note) for job in status.jobs] == [
        ("not needed", 0, "every question is answered")
    ] * 2
    assert "shard 1: not needed; every question is answered" in str(status)
    assert list(first.folder.shards.iterdir()) == []
    assert check_sums(first) == {"": 6}
    assert first.submit() == status
    check_paid(fake, 6)


def test_r38_a_question_that_is_claimed_in_the_last_moment_is_not_asked_twice(
    fake: FakeOpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.auto = False
    first, others = plan_batch(fake), [plan_batch(fake, TEXTS[n : n + 1], run=f"other-{n}") for n in range(3)]
    check = sending._check

    def claim_meanwhile(*args: Any) -> None:
        check(*args)
        if others and args[0].name == "one":
            others.pop().submit()

    monkeypatch.setattr(sending, "_check", claim_meanwhile)
    first.submit()
    assert len(lines_of(fake, list(fake.batches)[-1])) == 3
    fake.settle()
    first.collect()
    assert check_sums(first) == {"": 6}
    check_paid(fake, 6, again=2)


def test_r38_questions_that_others_claim_without_end_leave_the_shard_planned(
    fake: FakeOpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = plan_batch(fake)
    monkeypatch.setattr(Ledger, "intend_job", lambda *_: False)
    assert [job.state for job in run.submit().jobs] == ["planned"]
    assert fake.n_created == 0


def test_r38_equal_texts_of_one_run_are_asked_once_after_a_planning_that_was_interrupted(
    fake: FakeOpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    add, n_added = Ledger.add_planned, list[int]()

    def die(*args: Any) -> None:
        if n_added:
            raise KeyboardInterrupt
        n_added.append(1)
        add(*args)

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "add_planned", die)
        with pytest.raises(KeyboardInterrupt):
            plan_batch(fake, ["a", "b", "c", "a"], cuts=Cuts(n_requests=2))
    run = plan_batch(fake, ["a", "b", "c", "a"], cuts=Cuts(n_requests=2))
    assert [job.requests for job in run.status().jobs] == [2, 1]
    assert check_sums(finish(run)) == {"": 4}
    check_paid(fake, 3)


def test_u04_submit_without_a_key_leaves_the_shard_planned(fake: FakeOpenAI, monkeypatch: pytest.MonkeyPatch) -> None:
    run = plan_batch(fake)
    with monkeypatch.context() as patch:
        patch.delenv("OPENAI_API_KEY")
        with pytest.raises(MissingKeyError, match="export OPENAI_API_KEY"):
            run.submit()
        assert [job.state for job in run.status().jobs] == ["planned"]
        assert run.cancel().counts == {"topic": {"cancelled": 6}}
    assert fake.requests == []


def test_r38_a_service_that_cannot_be_reached_leaves_the_shard_planned(fake: FakeOpenAI) -> None:
    fake.fault("batches.list", "status", status=503, times=None, retry_after=0.01)
    run = plan_batch(fake)
    with pytest.raises(UnreachableError):
        run.submit()
    status = run.status()
    assert [job.state for job in status.jobs] == ["planned"]
    assert "shard 1: planned, 0 of 6 answered; not handed in: " in str(status)
    assert status.money is not None
    assert status.money.reserved == 0
    assert status.advice == "Next: codebook submit one."
    assert plan_batch(fake, run="two").status().jobs[0].requests == 6
    fake.clear_faults()
    assert check_sums(finish(run)) == {"": 6}


def test_r38_retry_makes_the_questions_anew_where_their_shard_is_gone(fake: FakeOpenAI) -> None:
    fake.auto = False
    first = plan_batch(fake, ["[500 once] a", "b"])
    first.submit()
    second = plan_batch(fake, ["[500 once] a"], run="two")
    fake.settle()
    first.collect()
    assert why_of(second) == {"u0": "failed"}
    for path in first.folder.shards.iterdir():
        path.unlink()
    assert second.retry() == 1
    (shard,) = second.folder.shards.iterdir()
    sent, again = lines_of(fake, next(iter(fake.batches)))[0], next(read_lines(shard))
    assert again == sent
    fake.auto = "at once"
    assert check_sums(finish(second)) == {"": 1}


def test_a_shard_written_anew_keeps_the_bytes_of_its_lines(fake: FakeOpenAI) -> None:
    run = plan_batch(fake, ["a\u2028b", *TEXTS])
    (row,) = _rows(run)
    shard = Shard(
        run.folder.shards / row.file, row.sha256, row.url, row.model, row.n_requests, row.n_bytes, row.n_tokens
    )
    lines = shard.path.read_bytes().splitlines(keepends=True)
    some = {line["custom_id"] for line in list(read_lines(shard.path))[2:5]}
    smaller, same = write_without(shard, some), write_without(shard, ())
    assert smaller.path.read_bytes() == b"".join([*lines[:2], *lines[5:]])
    assert smaller.path.name == f"0001-{smaller.sha256[:12]}.jsonl"
    assert (smaller.n_requests, smaller.n_bytes) == (4, smaller.path.stat().st_size)
    assert same == shard
    assert sorted(path.name for path in run.folder.shards.iterdir()) == sorted([shard.path.name, smaller.path.name])


def _rows(run: Run) -> list[Any]:
    with Ledger(run.folder.ledger_path) as ledger:
        return ledger.jobs(run.name)


def test_r38_waiting_for_a_run_that_is_not_under_way_ends_and_says_what_to_do(fake: FakeOpenAI) -> None:
    fake.fault("batches.create", "lost answer")
    fake.fault("batches.list", "status", status=503, times=None, after=1, retry_after=0.01)
    dead = plan_batch(fake, run="dead")
    with pytest.raises(UnreachableError):
        dead.submit()
    waiting = plan_batch(fake, TEXTS[:2], run="two")
    assert waiting.status().waits_for == ("dead",)
    with pytest.raises(PendingError, match=r"waits for 2 answers to questions of dead.*codebook submit dead"):
        wait(waiting, out=lambda _: None)


def test_r38_a_run_whose_folder_was_removed_is_given_up_and_frees_its_questions(fake: FakeOpenAI) -> None:
    fake.auto = False
    gone = plan_batch(fake, run="gone")
    gone.submit()
    other = plan_batch(fake, TEXTS[:2], run="two")
    shutil.rmtree(gone.folder.path)
    with pytest.raises(RunError, match=r"folder runs/gone is gone.*codebook cancel gone --give-up"):
        cancel_run("gone")
    done = CliRunner().invoke(main, ["cancel", "gone", "--give-up", "--yes"])
    assert (done.exit_code, done.output) == (0, "Never sent: 0 shards of run gone; given up: 1 job.\n")
    assert not gone.folder.path.exists()
    assert why_of(other) == {"u0": "cancelled", "u1": "cancelled"}
    with Ledger(other.folder.ledger_path) as ledger:
        assert "given up, and may still be billed: the folder of its run is gone" in ledger.jobs("gone")[0].note
        assert ledger.money("gone").reserved > 0, "it may still be billed"
    fake.auto = "at once"
    assert other.retry() == 2
    assert check_sums(finish(other)) == {"": 2}


def test_r47_one_dead_job_ends_neither_the_run_nor_the_sweep_and_give_up_ends_it(fake: FakeOpenAI) -> None:
    fake.auto = False
    runs = [plan_batch(fake, [f"{name} {n}" for n in range(4)], run=name, cuts=Cuts(n_requests=2)) for name in "ab"]
    for run in runs:
        run.submit()
    fake.forget(next(iter(fake.batches)))
    done = CliRunner().invoke(main, ["cancel", "--all", "--yes"])
    assert done.exit_code == 1
    assert "a: 1 of 2 jobs of run 'a' could not be stopped" in done.output
    states = [batch["status"] for batch in fake.batches.values()]
    assert states.count("cancelling") == 3
    status = runs[0].cancel(give_up=True)
    assert status.jobs[0].state == "cancelled"
    assert status.jobs[0].note.startswith("given up, and may still be billed: ")
