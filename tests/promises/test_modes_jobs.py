"""Jobs that end badly, late or not at all: each test is named after its row in the list of failure modes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from fakes.fake_openai import FakeOpenAI
from fakes.service import (
    TEXTS,
    batch_ids,
    check_paid,
    check_sums,
    detail_of,
    finish,
    job_note,
    lines_of,
    look_until_gone,
    plan_batch,
    units_of,
    why_of,
)

from codebook.errors import PendingError, UnreachableError
from codebook.files.lines import digest_file
from codebook.ground.quantities import show_usd
from codebook.records import Service
from codebook.run import open_run, wait


@pytest.mark.parametrize("writes_lines", [True, False])
def test_mode_01_expired_keeps_what_is_done_and_asks_exactly_the_rest(fake: FakeOpenAI, writes_lines: bool) -> None:
    fake.auto, fake.writes_expired_lines = False, writes_lines
    run = plan_batch(fake)
    run.submit()
    (batch,) = batch_ids(fake)
    fake.progress(batch, done=4)
    with pytest.raises(PendingError):
        run.collect()
    fake.expire(batch)
    assert run.status(poll=True).jobs[0].state == "expired"
    status = run.collect()
    assert check_sums(run) == {"": 4, "expired": 2}
    check_paid(fake, 4)
    assert status.money is not None
    assert 0 < status.money.spent == pytest.approx(run.table()["cost_usd"].sum())
    assert f"{show_usd(status.money.spent)} paid" in str(status)
    assert "retry asks exactly those again" in status.advice

    rest = sorted(unit for unit, why in why_of(run).items() if why)
    fake.auto = "at once"
    assert run.retry() == 2
    finish(run)
    assert units_of(run, lines_of(fake, batch_ids(fake)[1])) == rest
    assert check_sums(run) == {"": 6}
    check_paid(fake, 6)


def test_mode_03_completed_without_output_file_is_an_end(fake: FakeOpenAI) -> None:
    run = finish(plan_batch(fake, ["[500] a", "[400] b", "[500] c"]))
    assert fake.batches[batch_ids(fake)[0]]["output_file_id"] is None
    assert check_sums(run) == {"failed": 3}
    assert set(detail_of(run).values()) == {"500: as the text orders", "400: as the text orders"}
    check_paid(fake, 0)
    assert run.status().money == (0, 0, None, 0)
    assert run.retry() == 2, "what the service refused as faulty would fail again"
    assert run.retry(["failed"]) == 1


def test_mode_03_answers_that_are_counted_and_in_no_file_are_looked_for_and_not_paid_again(fake: FakeOpenAI) -> None:
    run = plan_batch(fake)
    run.submit()
    fake.fault("batches.retrieve", "no output", times=None)
    status = look_until_gone(fake, run)
    assert status.done
    assert check_sums(run) == {"absent": 6}
    assert "counts 6 answers and names no file of answers" in job_note(status)
    assert all(detail.startswith("paid, lost: ") for detail in detail_of(run).values())
    assert run.retry() == 0
    check_paid(fake, 6)
    assert run.retry(["absent"]) == 6


def test_mode_03_a_file_of_answers_that_is_named_late_is_taken(fake: FakeOpenAI) -> None:
    run = plan_batch(fake, [*TEXTS, "[500] a"])
    run.submit()
    run.status(poll=True)
    fake.fault("batches.retrieve", "no output")
    with pytest.raises(UnreachableError, match="counts 6 answers and names no file of answers: collect again"):
        run.collect()
    assert finish(run).status().n_labelled == 6
    assert check_sums(run) == {"": 6, "failed": 1}
    check_paid(fake, 6)


def test_mode_18_files_are_fetched_at_first_sight_and_kept(fake: FakeOpenAI) -> None:
    run = plan_batch(fake)
    run.submit()
    days_left = f"the service keeps its files until {datetime.fromtimestamp(fake.now() + 30 * 86400, UTC):%Y-%m-%d}"
    assert days_left in str(run.status(poll=True))
    run.collect()
    for path in run.folder.results.glob("*.jsonl"):
        assert path.name.split("-")[1] == digest_file(path)[:12]
    fake.advance(days=31)
    again = open_run("one").collect()
    assert again.done
    assert check_sums(run) == {"": 6}
    check_paid(fake, 6)


@pytest.mark.parametrize("how", ["expired", "deleted"])
def test_mode_18_files_that_vanished_are_said_and_a_follow_up_offered(fake: FakeOpenAI, how: str) -> None:
    run = plan_batch(fake)
    run.submit()
    run.status(poll=True)
    if how == "expired":
        fake.advance(days=31)
    else:
        fake.lose_file(fake.batches[batch_ids(fake)[0]]["output_file_id"])
    status = look_until_gone(fake, run)
    assert check_sums(run) == {"absent": 6}
    assert all(detail.startswith("paid, lost: ") for detail in detail_of(run).values())
    assert "6 paid, and lost: retry leaves them out unless told `--why absent`" in status.advice
    assert "6 answers of unknown price" in str(status)
    assert job_note(status).startswith("paid, lost: ")
    assert finish(plan_batch(fake, run="two")).status().n_labelled == 0
    assert fake.n_created == 1, "nothing is sent again without being asked"
    assert run.retry() == 0
    assert run.retry(["absent"]) == 6
    assert check_sums(finish(run)) == {"": 6}


def test_mode_18_one_vanished_file_does_not_cost_the_other(fake: FakeOpenAI) -> None:
    run = plan_batch(fake, [*TEXTS, "[500] x"])
    run.submit()
    run.status(poll=True)
    fake.lose_file(fake.batches[batch_ids(fake)[0]]["error_file_id"])
    look_until_gone(fake, run)
    assert check_sums(run) == {"": 6, "absent": 1}
    check_paid(fake, 6)
    assert run.retry() == 1


def test_mode_18_a_batch_that_vanished_is_lost_only_after_several_looks(fake: FakeOpenAI) -> None:
    fake.auto = False
    run = plan_batch(fake)
    run.submit()
    fake.forget(batch_ids(fake)[0])
    status = run.status(poll=True)
    assert "look again in a few minutes" in job_note(status)
    assert status.jobs[0].running
    assert check_sums(run) == {"pending": 6}

    fake.advance(seconds=3600)  # however late it is, one more look does not decide
    with pytest.raises(PendingError):
        run.collect()
    run.collect()
    assert check_sums(run) == {"absent": 6}
    assert "paid, lost" in job_note(run.status())
    assert fake.n_created == 1
    assert run.retry() == 0
    assert run.retry(["absent"]) == 6


@pytest.mark.parametrize("state", ["validating", "brewing", "finalizing"])
def test_mode_20_stuck_or_unknown_states_go_on(fake: FakeOpenAI, state: str) -> None:
    fake.auto = False
    run = plan_batch(fake)
    run.submit()
    (batch,) = batch_ids(fake)
    if state != "validating":
        fake.progress(batch, done=6)
    if state == "brewing":
        fake.fault("batches.retrieve", "unknown status", times=None)
    elif state == "finalizing":
        fake.batches[batch]["status"] = "finalizing"
    with pytest.raises(PendingError):
        run.collect()
    (job,) = run.status().jobs
    assert (job.state, job.running, job.collected) == (state, True, False)
    assert job.submitted
    assert datetime.fromisoformat(job.expires).timestamp() == fake.batches[batch]["expires_at"]
    assert {"submitted", "expires"} <= set(run.status().to_frame())
    assert check_sums(run) == {"pending": 6}
    fake.clear_faults()
    fake.advance(hours=25)
    run.collect()
    assert check_sums(run) == ({"": 6} if state != "validating" else {"expired": 6})
    check_paid(fake, 0 if state == "validating" else 6)


def test_mode_20_stuck_polls_keep_the_last_state_and_say_so(fake: FakeOpenAI) -> None:
    fake.auto = False
    run = plan_batch(fake)
    run.submit()
    fake.progress(batch_ids(fake)[0], done=3)
    assert run.status(poll=True).jobs[0].done == 3
    fake.fault("batches.retrieve", "status", times=None, status=503, retry_after=0.01)
    with pytest.raises(PendingError):
        run.collect()
    (job,) = run.status().jobs
    assert (job.state, job.done) == ("in_progress", 3)
    assert job.note.startswith("state as last seen: ")
    assert check_sums(run) == {"pending": 6}
    fake.clear_faults()
    fake.settle()
    run.collect()
    assert "as last seen" not in str(run.status())
    assert check_sums(run) == {"": 6}
    check_paid(fake, 6)


def test_mode_20_stuck_is_what_is_not_on_disk_and_pauses_grow(
    fake: FakeOpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A completed batch whose file comes cut short each time is not done; the wait goes on with longer pauses."""
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 6:
            fake.clear_faults()

    monkeypatch.setattr("codebook.run.waiting.sleep", pause)
    fake.fault("files.content", "truncate", times=None, lying=True)
    run = plan_batch(fake)
    said: list[str] = []
    status = wait(run, out=said.append, service=Service(poll_s=(1, 4)))
    assert status.done
    assert any("bytes arrived" in line for line in said)
    assert len(pauses) == 6
    assert pauses[-1] > 2 * min(pauses[:2])
    assert max(pauses) <= 4 * 1.2
    assert check_sums(run) == {"": 6}
    check_paid(fake, 6)


@pytest.mark.parametrize("writes_lines", [True, False])
def test_mode_26_cancelled_keeps_what_is_done(fake: FakeOpenAI, writes_lines: bool) -> None:
    fake.auto, fake.writes_cancelled_lines = False, writes_lines
    run = plan_batch(fake)
    run.submit()
    (batch,) = batch_ids(fake)
    fake.progress(batch, done=3)
    assert run.cancel().jobs[0].state == "cancelling"
    assert check_sums(run) == {"pending": 6}
    fake.cancel(batch)
    run.collect()
    assert check_sums(run) == {"": 3, "cancelled": 3}
    check_paid(fake, 3)
    rest = sorted(unit for unit, why in why_of(run).items() if why)
    fake.auto = "at once"
    assert run.retry() == 3
    finish(run)
    assert units_of(run, lines_of(fake, batch_ids(fake)[1])) == rest
    assert check_sums(run) == {"": 6}
    check_paid(fake, 6)


@pytest.mark.parametrize("status", [409, 400])
def test_mode_26_cancelling_an_ended_batch_loses_nothing(fake: FakeOpenAI, status: int) -> None:
    fake.cancel_ended_status = status
    run = plan_batch(fake)
    fake.auto = False
    run.submit()
    fake.settle()
    run.cancel()
    run.collect()
    assert check_sums(run) == {"": 6}
    check_paid(fake, 6)
