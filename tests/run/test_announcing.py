"""What a person is told of a run: each thing once, whoever looks first; and the line that says how far it is."""

from __future__ import annotations

import sqlite3
import warnings
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pytest
from fakes.fake_openai import FakeOpenAI
from fakes.scripted import UNITS, make_book, register
from fakes.service import TEXTS, batch_ids, finish, plan_batch

from codebook.errors import BudgetError, PendingError
from codebook.run import Service, list_jobs, open_run, plan, wait
from codebook.run.history import _as_spans, say_moment


class Notice(NamedTuple):
    title: str
    text: str


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[Notice]:
    """What a person was told, by whatever way."""
    notices: list[Notice] = []

    def note(title: str, text: str) -> str:
        notices.append(Notice(title, text))
        return "1 of 1 addresses were told"

    monkeypatch.setattr("codebook.run.notices.notify", note)
    monkeypatch.setattr("codebook.run.waiting.sleep", lambda _: None)
    monkeypatch.setenv("CODEBOOK_NOTIFY", "json://127.0.0.1")
    return notices


def test_collect_tells_once_that_a_run_has_ended(fake: FakeOpenAI, told: list[Notice]) -> None:
    run = finish(plan_batch(fake))
    run.collect()
    open_run("one").collect()
    assert told == [Notice("codebook: run one has ended", "6 asked = 6 labelled")]
    wait(open_run("one"), out=lambda _: None)
    assert len(told) == 1


def test_what_is_asked_again_is_told_again(fake: FakeOpenAI, told: list[Notice]) -> None:
    run = plan_batch(fake, [*TEXTS, "[500 once] again"])
    said: list[str] = []
    wait(run, out=said.append)
    assert run.retry() == 1
    wait(run, out=said.append)
    assert [notice.text for notice in told] == ["7 asked = 6 labelled + 1 failed", "7 asked = 7 labelled"]
    assert "notice (codebook: run one has ended): 1 of 1 addresses were told" in said


def test_a_job_that_expired_or_failed_is_told(fake: FakeOpenAI, told: list[Notice]) -> None:
    fake.auto = False
    run = plan_batch(fake, service=Service(requests_per_shard=3))
    run.submit()
    first, second = batch_ids(fake)
    fake.progress(first, done=1)
    fake.expire(first)
    fake.fail(second)
    run.status(poll=True)
    run.collect()
    titles = [notice.title for notice in told]
    assert titles[:2] == ["codebook: shard 1 of run one has expired", "codebook: shard 2 of run one has failed"]
    assert titles[2:] == ["codebook: run one has ended at the service", "codebook: run one has ended"]


def test_what_is_answered_and_not_collected_yet_is_not_all_done(fake: FakeOpenAI, told: list[Notice]) -> None:
    fake.auto = False
    run = plan_batch(fake)
    run.submit()
    (batch,) = batch_ids(fake)
    fake.finish(batch)
    said = str(run.status(poll=True))
    assert "6 asked = 0 labelled + 6 pending" in said
    assert "done 6 of 6 (6 not collected yet" in said
    fake.auto = True


def test_a_late_job_is_told_with_what_can_be_done(fake: FakeOpenAI, told: list[Notice]) -> None:
    fake.auto = False
    run = plan_batch(fake)
    run.submit()
    (batch,) = fake.batches.values()
    batch["expires_at"] = int((datetime.now(UTC) - timedelta(minutes=9)).timestamp())
    fake.now = lambda: batch["expires_at"] - 1.0
    for _ in range(2):
        with pytest.raises(PendingError):
            run.collect()
    ((title, text),) = told
    assert title == "codebook: shard 1 of run one is late"
    assert "codebook cancel one --shard 1" in text


def test_only_what_is_wanted_is_told(fake: FakeOpenAI, told: list[Notice]) -> None:
    finish(plan_batch(fake, service=Service(notify=("late", "failed"))))
    assert told == []


def test_an_end_of_waiting_without_an_end_of_the_run_is_told(fake: FakeOpenAI, told: list[Notice]) -> None:
    fake.auto = False
    run = plan_batch(fake)
    with pytest.raises(PendingError):
        wait(run, service=Service(max_wait_hours=0), out=lambda _: None)
    ((title, text),) = told
    assert (title, "not done after 0 hours" in text) == ("codebook: run one is not done", True)


def test_a_cap_that_ends_the_waiting_is_told(fake: FakeOpenAI, told: list[Notice]) -> None:
    run = plan_batch(fake)
    run.submit(cap=1)
    run.collect()
    told.clear()
    more = plan_batch(fake, ["A new text."], run="two")
    with pytest.raises(BudgetError):
        more.submit(cap=0.000001)
    with pytest.raises(BudgetError):
        wait(more, out=lambda _: None)
    ((title, text),) = told
    assert (title, "cap" in text) == ("codebook: run two is not done", True)


def test_what_is_answered_at_once_is_told_to_whoever_waits_only(
    told: list[Notice], project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(monkeypatch)
    run = plan(make_book("topic"), UNITS, run="here", engine="scripted")
    run.submit()
    run.collect()
    assert told == [], "whoever asked is there to see it"
    wait(run, out=lambda _: None)
    assert [notice.title for notice in told] == ["codebook: run here has ended"]


# --- how far it is


def test_one_line_says_how_far_all_shards_are(fake: FakeOpenAI, told: list[Notice]) -> None:
    fake.auto = False
    run = plan_batch(fake, service=Service(requests_per_shard=3))
    assert run.status().progress == "[" + "-" * 20 + "] done 0 of 6 (2 shards not sent yet)"
    run.submit()
    first, second = batch_ids(fake)
    fake.progress(first, done=2)
    fake.progress(second, done=1)
    deadline = datetime.fromtimestamp(fake.batches[second]["expires_at"], UTC)
    status = run.status(poll=True)
    assert status.progress == f"[##########----------] done 3 of 6 (2 jobs, at the latest {say_moment(deadline)})"
    assert status.progress in str(status)
    fake.finish(first)
    assert run.collect(partial=True).progress.startswith("[#############-------] done 4 of 6 (1 job, ")


def test_units_are_counted_where_one_request_answers_several(fake: FakeOpenAI) -> None:
    fake.auto = False
    twins = [text for text in TEXTS[:3] for _ in range(2)]
    run = plan_batch(fake, twins)
    run.submit()
    fake.progress(batch_ids(fake)[0], done=2)
    assert " done 4 of 6 (1 job, " in run.status(poll=True).progress


def test_waiting_prints_a_line_a_change_and_the_whole_at_the_end(fake: FakeOpenAI, told: list[Notice]) -> None:
    fake.auto = True
    run, said = plan_batch(fake), list[str]()
    wait(run, out=said.append)
    lines = [line for line in said if line.startswith("[")]
    assert lines == list(dict.fromkeys(lines))
    assert lines[-1] == "[" + "#" * 20 + "] done 6 of 6"
    assert said[-1].startswith("Run one: openai_batch")
    assert sum(text.startswith("Run one") for text in said) == 1


def test_the_past_says_when_it_ends_and_when_it_is_late(fake: FakeOpenAI, project: Path) -> None:
    for number in range(3):
        finish(plan_batch(fake, [f"{text} {number}" for text in TEXTS], run=f"past{number}"))
    with closing(sqlite3.connect(project / "runs" / "ledger.db")) as db, db:
        db.execute("UPDATE jobs SET created_at = '2026-01-01T10:00:00+00:00', ended_at = '2026-01-01T10:10:00+00:00'")
    fake.auto = False
    run = plan_batch(fake)
    run.submit()
    (job,) = run.status().jobs
    expected = datetime.fromisoformat(job.created) + timedelta(minutes=10)
    assert (job.expected, job.late) == (expected, False)
    assert f"expected {say_moment(expected)} (3 jobs of similar size), at the latest " in str(run.status())
    _age(project, timedelta(minutes=25))
    assert "which has passed" in run.status().progress
    assert not run.status().jobs[0].late
    _age(project, timedelta(minutes=20))
    assert run.status().jobs[0].late
    assert list_jobs(run="one")["late"].tolist() == [True]


def _age(project: Path, by: timedelta) -> None:
    """Let the running job be older than it is."""
    with closing(sqlite3.connect(project / "runs" / "ledger.db")) as db, db:
        for job, created in db.execute("SELECT id, created_at FROM jobs WHERE ended_at IS NULL").fetchall():
            moved = (datetime.fromisoformat(created) - by).isoformat()
            db.execute("UPDATE jobs SET created_at = ? WHERE id = ?", (moved, job))


def test_nothing_is_expected_after_the_services_own_end(fake: FakeOpenAI, project: Path) -> None:
    finish(plan_batch(fake, [f"{text} past" for text in TEXTS], run="past"))
    with closing(sqlite3.connect(project / "runs" / "ledger.db")) as db, db:
        db.execute("UPDATE jobs SET created_at = '2026-01-01T10:00:00+00:00', ended_at = '2026-01-09T10:00:00+00:00'")
    fake.auto = False
    run = plan_batch(fake)
    run.submit()
    (job,) = run.status().jobs
    assert job.expected == datetime.fromisoformat(job.expires)


def test_absent_answers_are_asked_again_by_advice(fake: FakeOpenAI) -> None:
    run = finish(plan_batch(fake, [f"[drop] {text}" for text in TEXTS]))
    assert "6 questions have no answer: retry asks exactly those again." in run.status().advice
    assert run.retry() == 6


def test_an_expected_moment_has_no_more_digits_than_the_times_of_jobs() -> None:
    spans = _as_spans([1 / 3, None], pd.RangeIndex(2))
    assert (spans.isna().tolist(), spans[0].nanoseconds) == ([False, True], 0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert (pd.Timestamp("2026-01-01", tz="UTC") + spans)[0].to_pydatetime().microsecond == 333_333
