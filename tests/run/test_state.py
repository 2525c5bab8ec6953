"""How a run and its jobs are told: late where they are late, queued and worked on apart, by the id of their batch."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from click.testing import CliRunner
from commands import Command
from fakes.fake_openai import KEY, FakeOpenAI
from fakes.service import OTHER_KEY, TEXTS, batch_ids, look_until_gone, plan_batch

from codebook.cli import main
from codebook.engines.service.batches import describe_batch
from codebook.engines.service.objects import read_batch
from codebook.errors import PendingError
from codebook.run import list_jobs, open_run
from codebook.run.history import find_due, say_moment
from codebook.widgets import show_dashboard


def test_times_in_the_queue_and_at_work_are_kept_apart_by_the_clock_of_the_service(fake: FakeOpenAI) -> None:
    fake.auto = False
    run = plan_batch(fake)
    run.submit()
    (batch,) = fake.batches.values()
    deadline = datetime.fromtimestamp(batch["expires_at"], UTC)
    (job,) = run.status(poll=True).jobs
    assert (job.queued_s, job.worked_s) == (None, None)
    assert "queued" not in str(run.status())

    fake.progress(batch["id"], done=2)
    batch["in_progress_at"] = batch["created_at"] + 180
    (job,) = run.status(poll=True).jobs
    assert (job.queued_s, job.worked_s) == (180, None)
    said = str(run.status())
    assert f"shard 1 ({batch['id']}): in_progress, 2 of 6 answered; at the latest {say_moment(deadline)}" in said
    assert "; queued 3 min" in said

    fake.finish(batch["id"])
    batch["completed_at"] = batch["in_progress_at"] + 7_500
    run.collect()
    assert "collected; queued 3 min; worked on 2 h 5 min" in str(run.status())
    row = list_jobs().iloc[0]
    assert (row["queued"], row["worked"]) == (pd.Timedelta("3min"), pd.Timedelta("2h5min"))
    assert "queued 3 min, worked on 2 h 5 min" in show_dashboard()._repr_html_()
    said = CliRunner().invoke(main, ["status"]).output
    assert "3 min 2 h 5 min" in said
    assert batch["id"] in said


@pytest.mark.parametrize("odd", [None, 0, "soon", ""])
def test_a_time_that_the_service_does_not_give_is_not_known(odd: object) -> None:
    times = {"created_at": 1_700_000_000, "in_progress_at": 1_700_000_060, "completed_at": 1_700_000_160}
    state = describe_batch(read_batch(times), 30, str)
    assert (state.queued_s, state.worked_s) == (60, 100)
    state = describe_batch(read_batch(times | {"in_progress_at": odd}), 30, str)
    assert (state.queued_s, state.worked_s) == (None, None)


def test_a_job_that_should_have_ended_is_called_late(fake: FakeOpenAI) -> None:
    fake.auto = False
    run = plan_batch(fake)
    run.submit()
    (batch,) = fake.batches.values()
    assert not run.status(poll=True).jobs[0].late
    assert not list_jobs()["late"].any()
    due = datetime.now(UTC) - timedelta(minutes=10)
    fake.now = lambda: due.timestamp() - 1  # the service has not noticed yet
    batch["expires_at"] = int(due.timestamp())
    status = run.status(poll=True)
    assert status.jobs[0].late
    assert f"LATE, it was due {say_moment(due)}" in str(status)
    assert "Shard 1 is late. Next: wait on" in status.advice
    assert f"codebook cancel {run.name} --shard 1" in status.advice
    assert "1 LATE" in status.progress
    assert list_jobs()["late"].tolist() == [True]
    assert "in_progress, LATE" in CliRunner().invoke(main, ["status"]).output.replace("validating", "in_progress")
    assert ">late</span>" in show_dashboard()._repr_html_()


def test_where_the_service_names_no_end_a_batch_is_due_a_day_after_it_was_handed_in() -> None:
    submitted = datetime(2026, 11, 21, 9, tzinfo=UTC)
    assert find_due(None, submitted) == datetime(2026, 11, 22, 9, tzinfo=UTC)
    assert find_due(submitted, submitted) == submitted
    assert find_due(None, None) is None


def test_r41_collect_says_why_answers_are_outstanding(
    fake: FakeOpenAI, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.auto = False
    plan_batch(fake).submit()
    with pytest.raises(PendingError, match=r"Nothing is lost\. Next:"):
        open_run("one").collect()  # it is under way: nothing more is to be said
    monkeypatch.setenv("OPENAI_API_KEY", OTHER_KEY)
    with pytest.raises(PendingError, match=r"Why: shard 1: state as last seen: .*was made with another API key"):
        open_run("one").collect()
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    fake.fault("batches.retrieve", "disconnect", times=None)
    done = command("collect", "one")
    assert done.exit_code == 3
    assert "Why: shard 1: state as last seen" in done.output


def test_r41_a_run_says_why_another_one_keeps_it_waiting(fake: FakeOpenAI, monkeypatch: pytest.MonkeyPatch) -> None:
    fake.auto = False
    plan_batch(fake).submit()
    two = plan_batch(fake, [*TEXTS[:2], "Another sentence."], run="two")
    two.submit()
    monkeypatch.setenv("OPENAI_API_KEY", OTHER_KEY)
    with pytest.raises(PendingError, match=r"run 'one', shard 1: state as last seen: .*another API key"):
        two.collect()


def test_r11_a_run_that_was_renamed_with_a_batch_out_keeps_no_other_from_going_on(
    fake: FakeOpenAI, command: Command
) -> None:
    fake.auto = False
    one = plan_batch(fake)
    one.submit()
    plan_batch(fake, [*TEXTS[:2], "Another sentence."], run="two").submit()
    one.folder.path.rename(one.folder.runs / "renamed")
    done = command("status")
    assert "codebook adopt runs/renamed" in done.output
    assert "two" in done.output
    fake.auto = "at once"
    collected = command("collect", "two")
    assert (collected.exit_code, "run 'one': There is no run 'one'" in collected.output) == (3, True)
    assert open_run("two").status().counts["topic"] == {"": 1, "pending": 2}
    fake.auto = False
    plan_batch(fake, ["One more sentence."], run="three").submit()
    stopped = command("cancel", "--all", "--yes")
    assert (stopped.exit_code, "one: The folder runs/one is gone" in stopped.output) == (1, True)
    assert open_run("three").status().jobs[0].state in ("cancelling", "cancelled")
    fake.auto = "at once"
    (one.folder.runs / "renamed").rename(one.folder.path)
    assert command("collect", "two").exit_code == 0


def test_r50_after_a_result_file_was_lost_there_is_one_story(fake: FakeOpenAI) -> None:
    run = plan_batch(fake)
    run.submit()
    run.status(poll=True)
    fake.lose_file(fake.batches[batch_ids(fake)[0]]["output_file_id"])
    status = look_until_gone(fake, run)
    assert "keeps its files until" not in str(status)
    assert str(status).count("paid, lost: ") == 1
    assert "absent" in status.sentence


def test_a_run_is_found_by_the_id_of_its_batch(fake: FakeOpenAI) -> None:
    plan_batch(fake).submit()
    plan_batch(fake, ["Another sentence."], run="two").submit()
    for run, batch_id in zip(("one", "two"), batch_ids(fake), strict=True):
        assert CliRunner().invoke(main, ["status", batch_id]).output.splitlines()[0].startswith(f"Run {run}:")
    open_run("one").collect()
