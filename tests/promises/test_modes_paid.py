"""What would be paid twice, or counted wrongly: each test is named after its row in the list of failure modes."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest
import yaml
from fakes.fake_openai import FakeOpenAI
from fakes.service import (
    MODEL,
    TEXTS,
    check_paid,
    check_sums,
    finish,
    plan_batch,
)

from codebook.costs import find_rates, read_usage
from codebook.engines.service.remote_files import Note, NoteBook
from codebook.errors import BudgetError, UnreachableError
from codebook.files.lines import read_lines
from codebook.ground.quantities import show_usd
from codebook.run import Run, open_run
from codebook.shards import Cuts


class Killed(BaseException):
    """As if the process had ended here."""


def change_ledger(project: Path, sql: str) -> None:
    with sqlite3.connect(project / "runs" / "ledger.db") as db:
        assert db.execute(sql).rowcount
    db.close()


def check_once(fake: FakeOpenAI, run: Run) -> None:
    """The run ends with one batch and six answers, each paid once; planned and sent again it costs nothing more."""
    run.submit()
    run.collect()
    for name in (run.name, f"{run.name}-again"):
        other = finish(plan_batch(fake, run=name))
        assert check_sums(other) == {"": 6}
    assert fake.n_created == 1
    check_paid(fake, 6)
    assert open_run(f"{run.name}-again").status().money == (0, 0, None, 0)
    assert open_run(f"{run.name}-again").table()["cost_usd"].sum() == 0


# --- 16: paid twice


@pytest.mark.parametrize("stale", [0, 1])
def test_mode_16_paid_twice_lost_answer_to_create(fake: FakeOpenAI, stale: int) -> None:
    lost = fake.fault("batches.create", "lost answer")
    if stale:
        fake.fault("batches.list", "stale", times=stale, after=1)  # after the look before the upload
    run = plan_batch(fake)
    run.submit()
    assert lost.n_fired == 1
    check_once(fake, run)


def test_mode_16_paid_twice_create_hangs_until_the_client_gives_up(fake: FakeOpenAI) -> None:
    fake.fault("batches.create", "status", status=504, times=2)
    run = plan_batch(fake)
    run.submit()
    check_once(fake, run)


def test_mode_16_paid_twice_service_never_answers_create_but_works(fake: FakeOpenAI) -> None:
    """The answer is lost and the list is out of reach: the doubt stays, and is settled by the next submit."""
    fake.fault("batches.create", "lost answer")
    fake.fault("batches.list", "status", status=503, times=None, after=1, retry_after=0.01)
    run = plan_batch(fake)
    with pytest.raises(UnreachableError):
        run.submit()
    assert check_sums(run) == {"pending": 6}
    fake.clear_faults()
    assert len(fake.calls("batches.create")) == 1
    check_once(fake, run)
    assert len(fake.calls("files.create")) == 1


@pytest.mark.parametrize("moment", ["upload is noted", "create is intended", "batch is noted"])
@pytest.mark.parametrize("before", [True, False])
def test_mode_16_paid_twice_crash_between_the_steps(
    fake: FakeOpenAI, monkeypatch: pytest.MonkeyPatch, moment: str, before: bool
) -> None:
    run, write = plan_batch(fake), NoteBook.write

    def die(self: NoteBook, note: Note) -> Note:
        now = "batch is noted" if note.batch_id else "create is intended" if note.asked_at else "upload is noted"
        if now == moment and before:
            raise Killed
        write(self, note)
        if now == moment:
            raise Killed
        return note

    monkeypatch.setattr(NoteBook, "write", die)
    with pytest.raises(Killed):
        run.submit()
    assert check_sums(run) == {"pending": 6}
    monkeypatch.setattr(NoteBook, "write", write)
    check_once(fake, open_run("one"))


@pytest.mark.parametrize("lost", ["job id", "job id and notes", "ledger", "ledger and run"])
def test_mode_16_paid_twice_records_lost_here(fake: FakeOpenAI, project: Path, lost: str) -> None:
    fake.auto = False
    run = plan_batch(fake)
    run.submit()
    if "job id" in lost:
        change_ledger(project, "UPDATE jobs SET job_id = NULL, state = 'creating'")
    if "notes" in lost:
        shutil.rmtree(run.folder.work)
    if "ledger" in lost:
        for path in (project / "runs").glob("ledger.db*"):
            path.unlink()
    if "run" in lost:
        shutil.rmtree(run.folder.path)
    run = plan_batch(fake)
    run.submit()
    fake.settle()
    check_once(fake, run)


def test_mode_16_paid_twice_two_runs_with_questions_in_common(fake: FakeOpenAI) -> None:
    """The second asks only what is new, also while the first is under way."""
    fake.auto = False
    first = plan_batch(fake, TEXTS[:4])
    first.submit()
    second = plan_batch(fake, TEXTS, run="two")
    second.submit()
    fake.settle()
    second.collect()
    assert check_sums(second) == {"": 6}
    assert check_sums(open_run("one")) == {"": 4}
    check_paid(fake, 6)


def test_mode_16_paid_twice_retry_never_asks_the_good_ones(fake: FakeOpenAI) -> None:
    run = finish(plan_batch(fake, [*TEXTS, "[500 once] a", "[drop] b"]))
    assert check_sums(run) == {"": 6, "failed": 1, "absent": 1}
    check_paid(fake, 7)
    everything_else = ["failed", "refused", "truncated", "invalid"]
    assert [run.retry(everything_else), run.retry(everything_else)] == [1, 0]
    finish(run)
    assert check_sums(run) == {"": 7, "absent": 1}
    check_paid(fake, 8)


# --- 24: costs


def test_mode_24_cost_is_reserved_then_actual_at_the_batch_price(fake: FakeOpenAI) -> None:
    fake.auto = False
    run = plan_batch(fake, [*TEXTS, "[500] x"])
    assert run.status().money == (0, 0, None, 0)
    money = run.submit().money
    assert money is not None
    assert money.spent == 0
    assert money.reserved > 0, "what is in flight counts"
    assert f"{show_usd(money.reserved)} reserved" in str(run.status())
    fake.settle()
    run.collect()
    money = run.status().money
    assert money is not None
    assert money.reserved == 0
    table = run.table().set_index("unit_id")
    bodies = [line["response"]["body"] for path in run.folder.results.glob("*output*") for line in read_lines(path)]
    live = sum(find_rates(MODEL, batch=False).price(read_usage(body)).usd or 0 for body in bodies)
    assert 0 < money.spent == pytest.approx(live / 2) == pytest.approx(table["cost_usd"].sum())
    assert table.loc["u6", "cost_usd"] == 0
    assert check_sums(run) == {"": 6, "failed": 1}
    check_paid(fake, 6)


def test_mode_24_cost_unknown_is_said_and_may_be_stated(fake: FakeOpenAI, project: Path) -> None:
    strange = {"model": "some-model", "options": {"provider": "compatible"}}
    run = finish(plan_batch(fake, **strange))
    money = run.status().money
    assert money == (0, 0, None, 6)
    assert "6 answers of unknown price" in str(run.status())
    assert run.table()["cost_usd"].isna().all()
    capped = plan_batch(fake, ["another text"], run="capped", **strange)
    with pytest.raises(BudgetError, match="no known price"):
        capped.submit(cap=100.0)
    assert fake.n_created == 1
    prices = {"as_of": "2026-11-01", "models": {"some-model": {"input": 1.0, "output": 4.0}}}
    (project / "prices.yaml").write_text(yaml.safe_dump(prices), encoding="utf-8")
    priced = finish(plan_batch(fake, ["a third text"], run="priced", **strange))
    assert priced.table()["cost_usd"].gt(0).all()
    assert check_sums(run) == {"": 6}
    check_paid(fake, 7, again=1)


def test_mode_24_cost_cap_refuses_before_it_is_crossed(fake: FakeOpenAI) -> None:
    fake.auto = False
    run = plan_batch(fake, cuts=Cuts(n_requests=2))
    money = plan_batch(fake, ["How much is one? It has as many letters."], run="probe").submit().money
    assert money is not None
    cap = money.reserved * 5  # room for two shards of two questions, not for three
    with pytest.raises(BudgetError, match="raise the cap"):
        run.submit(cap=cap)
    assert fake.n_created == 1 + 2
    money = run.status().money
    assert money is not None
    assert money.spent + money.reserved <= cap == money.cap
    with pytest.raises(BudgetError):
        run.submit()  # the cap stays in force
    assert fake.n_created == 1 + 2
    fake.settle()
    assert run.collect(partial=True).n_pending == 2
    run.submit(cap=1.0)
    fake.settle()
    run.collect()
    assert check_sums(run) == {"": 6}
    check_paid(fake, 7, again=1)  # with the probe


def test_mode_24_cost_cap_holds_for_what_waited_for_room(fake: FakeOpenAI) -> None:
    fake.auto = True
    long, short = [f"{n} {'coal ' * 90}" for n in range(4)], ["short", "brief"]
    other = plan_batch(fake, long[:2], run="other")
    money = other.submit().money
    assert money is not None
    run = plan_batch(fake, [*long[2:], *short], cuts=Cuts(n_requests=2))
    first, second = (size_of(fake, path) for path in sorted(run.folder.shards.glob("*.jsonl")))
    fake.enqueued_limit = {MODEL: first + second + 1}  # as big as the other run, the first shard must wait
    status = run.submit(cap=money.reserved * 1.2)
    assert [job.state for job in status.jobs] == ["waiting", "in_progress"]
    fake.settle()
    assert check_sums(finish(other)) == {"": 2}
    run.status(poll=True)
    with pytest.raises(BudgetError):  # meanwhile the second took what the cap allows
        run.submit()
    assert batch_states(fake) == ["completed", "failed", "completed"]
    run.submit(cap=1.0)
    fake.settle()
    run.collect()
    assert check_sums(run) == {"": 4}
    check_paid(fake, 6, again=2)


def size_of(fake: FakeOpenAI, shard: Path) -> int:
    return sum(fake.tokens_of(line["body"]) for line in read_lines(shard))


def batch_states(fake: FakeOpenAI) -> list[str]:
    return [batch["status"] for batch in fake.batches.values()]


def test_mode_24_cost_of_a_failed_batch_is_nothing(fake: FakeOpenAI) -> None:
    fake.n_requests_max = 1
    run = finish(plan_batch(fake))
    assert run.status().money == (0, 0, None, 0)
    assert check_sums(run) == {"failed": 6}
    check_paid(fake, 0)
