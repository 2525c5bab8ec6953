"""What goes wrong on the way to the service: each test is named after its row in the list of failure modes."""

from __future__ import annotations

from pathlib import Path

import pytest
from fakes.fake_batches import ENDED
from fakes.fake_openai import KEY, FakeOpenAI
from fakes.service import (
    MODEL,
    OTHER_KEY,
    TEXTS,
    batch_ids,
    check_paid,
    check_sums,
    detail_of,
    finish,
    job_note,
    n_tokens,
    plan_batch,
    write_provider,
)

from codebook.errors import EngineError, PendingError
from codebook.files.lines import read_lines
from codebook.run import open_run, wait
from codebook.shards import Cuts


def enqueued(fake: FakeOpenAI) -> int:
    """Tokens that wait at the service now, as the kit counts them: bytes of the lines by four."""
    alive = [name for name, batch in fake.batches.items() if batch["status"] not in ENDED]
    return sum(fake.file_path(fake.batches[name]["input_file_id"]).stat().st_size // 4 for name in alive)


def test_mode_02_enqueued_tokens_go_out_in_waves_under_a_stated_ceiling(fake: FakeOpenAI, project: Path) -> None:
    fake.auto = False
    ceiling = round(n_tokens(plan_batch(fake, TEXTS[:1], run="measure")) * 2.5)  # room for two shards of one request
    write_provider(project, n_enqueued={"gpt-6": ceiling})
    fake.enqueued_limit = {MODEL: ceiling}
    run = plan_batch(fake, [f"{text} Again." for text in TEXTS], cuts=Cuts(n_requests=1))
    peaks = []
    while not run.status().done:
        run.submit()
        peaks.append(enqueued(fake))
        assert "0 failed" not in str(run.status())
        fake.settle()
        run.collect(partial=True)
    assert len(peaks) == 3, "it did not go out in waves of two"
    assert 0 < max(peaks) <= ceiling
    assert {batch["status"] for batch in fake.batches.values()} == {"completed"}  # the service never refused one
    assert fake.n_created == 6
    assert check_sums(run) == {"": 6}
    check_paid(fake, 6)


def test_mode_02_enqueued_tokens_over_an_unknown_ceiling_wait_and_are_no_failure(fake: FakeOpenAI) -> None:
    fake.auto = True
    run = plan_batch(fake, cuts=Cuts(n_requests=2))
    sizes = [fake.tokens_of(line["body"]) for line in read_lines(next(run.folder.shards.glob("0001-*")))]
    fake.enqueued_limit = {MODEL: round(sum(sizes) * 1.5)}  # room for one
    status = run.submit()
    assert [job.state for job in status.jobs] == ["in_progress", "waiting", "waiting"]
    assert "submit hands it in again" in job_note(status, 1)
    assert check_sums(run) == {"pending": 6}
    refused = {batch["metadata"]["codebook_sha256"] for batch in fake.batches.values() if batch["status"] == "failed"}
    for _ in range(12):
        if not run.submit().done:
            assert set(check_sums(run)) <= {"", "pending"}
            run.collect(partial=True)
    assert check_sums(run) == {"": 6}
    check_paid(fake, 6)
    ran = [batch["metadata"]["codebook_sha256"] for batch in fake.batches.values() if batch["status"] == "completed"]
    assert len(ran) == len(set(ran)) == 3
    assert refused < set(ran)  # the very files that were refused ran later
    assert len(fake.calls("files.create")) == 3, "a file that waits for room is uploaded once"


def test_mode_02_enqueued_tokens_of_one_file_above_the_ceiling_fail_plainly(fake: FakeOpenAI, project: Path) -> None:
    fake.auto, fake.enqueued_limit = True, {MODEL: 100}
    run = finish(plan_batch(fake))
    assert check_sums(run) == {"failed": 6}
    assert "Limit: 100 enqueued tokens" in job_note(run.status())
    assert all("token_limit_exceeded" in detail for detail in detail_of(run).values())
    check_paid(fake, 0)
    assert run.status().money == (0, 0, None, 0)
    write_provider(project, n_enqueued={"gpt-6": 1000})  # now the ceiling is known, retry cuts below it
    fake.enqueued_limit = {}
    assert run.retry() == 6
    fake.auto = "at once"
    while not run.status().done:
        run.submit()
        run.collect(partial=True)
    assert check_sums(run) == {"": 6}
    check_paid(fake, 6)


def test_mode_17_interrupt_of_wait_leaves_the_batch_running(fake: FakeOpenAI, monkeypatch: pytest.MonkeyPatch) -> None:
    fake.auto = False
    run = plan_batch(fake)

    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("codebook.run.waiting.sleep", interrupt)
    said: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        wait(run, out=said.append)
    assert "go on at the service" in said[-1]
    assert "codebook collect one" in said[-1]
    assert fake.calls("batches.cancel") == []
    assert check_sums(open_run("one")) == {"pending": 6}
    fake.settle()
    open_run("one").collect()
    assert check_sums(open_run("one")) == {"": 6}
    check_paid(fake, 6)
    assert fake.n_created == 1


def test_mode_19_another_key_is_named_and_nothing_is_sent_again(
    fake: FakeOpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.auto = False
    run = plan_batch(fake)
    run.submit()
    fake.settle()
    monkeypatch.setenv("OPENAI_API_KEY", OTHER_KEY)
    status = run.status(poll=True)
    assert "was made with another API key" in job_note(status)
    assert "set the key of then, OPENAI_API_KEY" in job_note(status)
    assert KEY not in str(status)
    assert OTHER_KEY not in str(status)
    with pytest.raises(PendingError):
        run.collect()
    run.submit()
    plan_batch(fake).submit()
    assert run.retry() == 0
    with pytest.raises(EngineError):
        run.cancel()
    assert check_sums(run) == {"pending": 6}
    assert fake.n_created == 1
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    assert check_sums(finish(run)) == {"": 6}
    check_paid(fake, 6)


@pytest.mark.parametrize(("n_times", "n_uploads"), [(1, 1), (2, 2)])
def test_mode_21_a_file_that_create_cannot_see_is_named_again_then_uploaded_again(
    fake: FakeOpenAI, n_times: int, n_uploads: int
) -> None:
    fake.file_not_ready = n_times
    run = finish(plan_batch(fake))
    assert (len(fake.calls("files.create")), len(fake.calls("batches.create"))) == (n_uploads, n_times + 1)
    assert fake.n_created == 1
    assert check_sums(run) == {"": 6}
    check_paid(fake, 6)


def test_mode_21_a_file_that_is_never_seen_ends_the_tries(fake: FakeOpenAI) -> None:
    fake.file_not_ready = 100
    run = plan_batch(fake)
    with pytest.raises(EngineError, match="Cannot find file file-"):
        run.submit()
    assert len(fake.calls("batches.create")) <= 4
    assert "Cannot find file file-" in job_note(run.status())  # the id for a ticket
    assert check_sums(run) == {"pending": 6}
    fake.file_not_ready = 0
    assert check_sums(finish(run)) == {"": 6}
    check_paid(fake, 6)


def test_mode_21_a_file_that_validation_cannot_see_is_handed_in_again(fake: FakeOpenAI) -> None:
    fake.auto = False
    run = plan_batch(fake)
    run.submit()
    fake.lose_file(fake.batches[batch_ids(fake)[0]]["input_file_id"])
    fake.auto = "at once"
    run.collect(partial=True)
    assert check_sums(run) == {"pending": 6}
    assert check_sums(finish(run)) == {"": 6}
    check_paid(fake, 6)
    for _ in range(5):  # but not for ever
        never = plan_batch(fake, ["[500] never"], run="never")
        fake.auto = False
        never.submit()
        for name in batch_ids(fake):
            if fake.batches[name]["status"] == "validating":
                fake.lose_file(fake.batches[name]["input_file_id"])
        fake.auto = "at once"
        never.collect(partial=True)
    assert check_sums(never) == {"failed": 1}
    assert fake.n_created <= 6
    assert "Cannot find file file-" in job_note(never.status())
