"""Files of a service: late, of another size than stated, cut short, or a web page in their place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fakes.fake_openai import FakeOpenAI
from fakes.service import batch_ids, check_paid, check_sums, detail_of, finish, job_note, look_until_gone, plan_batch

from codebook.engines.openai_batch import OpenAIBatchEngine
from codebook.engines.service.remote_files import download
from codebook.errors import CutShortError, PendingError, UnreachableError
from codebook.run import Run, open_run, wait


def submitted(fake: FakeOpenAI) -> tuple[Run, OpenAIBatchEngine, str]:
    """A run whose batch has ended at the service; its engine, and the file of its answers."""
    run = plan_batch(fake)
    run.submit()
    engine = run._engine()
    assert isinstance(engine, OpenAIBatchEngine)
    return run, engine, fake.batches[batch_ids(fake)[0]]["output_file_id"]


def look(run: Run) -> bool:
    """Collect once; whether it is done."""
    try:
        return run.collect().done
    except (UnreachableError, PendingError):
        return False


# --- R20, R52: sizes


@pytest.mark.parametrize("by", [7, -7, 100_000])
def test_r20_a_wrong_size_keeps_no_whole_file_from_being_collected(fake: FakeOpenAI, by: int, tmp_path: Path) -> None:
    fake.fault("files.retrieve", "wrong bytes", times=None, by=by)
    run, engine, file_id = submitted(fake)
    whole = fake.file_path(file_id).stat().st_size
    got = download(engine.client, file_id, tmp_path / "output.jsonl")
    assert got.doubt == f"file {file_id}: {whole:,} of {whole + by:,} bytes arrived"
    assert got.short == (by > 0)
    assert len(fake.calls("files.content")) == 2, "the same bytes twice are enough"
    assert check_sums(finish(run)) == {"": 6}
    assert fake.n_created == 1
    check_paid(fake, 6)
    assert f"{whole:,} of {whole + by:,} bytes arrived; whole lines were taken" in job_note(run.status())
    assert "bytes arrived" in str(run.record["answered"]["events"])


def test_r20_what_comes_cut_short_is_not_taken_before_it_was_looked_for_often(fake: FakeOpenAI, tmp_path: Path) -> None:
    _, engine, file_id = submitted(fake)
    fake.fault("files.content", "truncate", times=None, lying=True)
    whole, target = fake.file_path(file_id).stat().st_size, tmp_path / "output.jsonl"
    with pytest.raises(CutShortError, match=f"{whole // 2:,} of {whole:,} bytes arrived"):
        download(engine.client, file_id, target)
    assert not list(tmp_path.glob(".output*"))
    got = download(engine.client, file_id, target, trusting=True)
    assert (got.short, target.stat().st_size) == (True, whole // 2)


def test_r20_other_bytes_each_time_are_not_taken(fake: FakeOpenAI, tmp_path: Path) -> None:
    _, engine, file_id = submitted(fake)
    fake.fault("files.retrieve", "wrong bytes", times=None)
    fake.fault("files.content", "shuffle", times=None)
    with pytest.raises(CutShortError):
        download(engine.client, file_id, tmp_path / "output.jsonl")


@pytest.mark.parametrize("fields", [("bytes",), ("bytes", "status", "created_at", "filename", "purpose", "object")])
def test_r52_a_size_that_is_not_told_is_unknown(fake: FakeOpenAI, fields: tuple[str, ...]) -> None:
    fake.fault("files.retrieve", "without", times=None, fields=fields)
    assert check_sums(finish(plan_batch(fake))) == {"": 6}
    check_paid(fake, 6)


def test_r52_a_size_in_words_is_unknown(fake: FakeOpenAI) -> None:
    fake.fault("files.retrieve", "bytes as text", times=None)
    assert check_sums(finish(plan_batch(fake))) == {"": 6}
    check_paid(fake, 6)


def test_r52_a_file_without_a_size_is_not_taken_with_half_a_line(fake: FakeOpenAI, tmp_path: Path) -> None:
    _, engine, file_id = submitted(fake)
    fake.fault("files.retrieve", "without", times=None, fields=("bytes",))
    fake.fault("files.content", "truncate", times=None, lying=True)
    with pytest.raises(CutShortError, match="the last line is cut short"):
        download(engine.client, file_id, tmp_path / "output.jsonl")


# --- R37: files that come late


@pytest.mark.parametrize("calls", [("files.retrieve",), ("files.content",), ("files.retrieve", "files.content")])
def test_r37_a_file_that_comes_late_is_looked_for_again(fake: FakeOpenAI, calls: tuple[str, ...]) -> None:
    for call in calls:
        fake.fault(call, "late", times=4)
    run = plan_batch(fake)
    run.submit()
    looks = [look(run) for _ in range(6)]
    assert looks[-1]
    if "files.content" in calls:
        assert not any(looks[:4])
    assert check_sums(run) == {"": 6}
    assert (fake.n_created, run.retry()) == (1, 0)
    check_paid(fake, 6)


def test_r37_while_a_file_is_late_the_job_can_be_collected_and_says_so(fake: FakeOpenAI) -> None:
    fake.fault("files.content", "late", times=None)
    run = plan_batch(fake)
    run.submit()
    with pytest.raises((UnreachableError, PendingError), match="not there yet: collect again"):
        run.collect()
    assert check_sums(run) == {"pending": 6}
    (job,) = run.status().jobs
    assert (job.state, job.collected) == ("completed", False)
    assert run.retry() == 0


def test_r37_waiting_fetches_what_comes_late(fake: FakeOpenAI, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("codebook.run.waiting.sleep", lambda _: fake.advance(seconds=60))
    fake.fault("files.content", "late", times=10)
    said: list[str] = []
    assert wait(plan_batch(fake), out=said.append).done
    assert any("not there yet" in line for line in said)
    check_paid(fake, 6)


def test_r37_what_is_gone_was_paid_is_not_asked_again_and_is_healed_when_it_turns_up(fake: FakeOpenAI) -> None:
    run, _, file_id = submitted(fake)
    kept = fake.file_path(file_id).read_bytes(), fake.files[file_id]
    fake.lose_file(file_id)
    status = look_until_gone(fake, run)
    assert status.done
    assert check_sums(run) == {"absent": 6}
    assert all(detail.startswith("paid, lost: ") for detail in detail_of(run).values())
    assert (run.retry(), fake.n_created) == (0, 1)
    assert check_sums(plan_batch(fake, run="two")) == {"absent": 6}, "nor by another run"
    assert look(run), "it is looked for at each collect"
    assert check_sums(run) == {"absent": 6}

    fake.file_path(file_id).write_bytes(kept[0])
    fake.files[file_id] = kept[1]
    assert look(run)
    assert check_sums(run) == check_sums(open_run("two")) == {"": 6}
    assert "lost" not in str(run.status())
    assert run.totals()["tokens_in"] > 0
    check_paid(fake, 6)


def test_r37_what_turns_up_after_a_retry_was_planned_is_not_asked_again(fake: FakeOpenAI) -> None:
    run, _, file_id = submitted(fake)
    kept = fake.file_path(file_id).read_bytes(), fake.files[file_id]
    fake.lose_file(file_id)
    look_until_gone(fake, run)
    assert run.retry(["absent"]) == 6, "a person may decide to pay again"
    fake.file_path(file_id).write_bytes(kept[0])
    fake.files[file_id] = kept[1]
    assert look(run)
    finish(run)
    assert check_sums(run) == {"": 6}
    assert fake.n_created == 1
    check_paid(fake, 6)


def test_r50_the_state_of_a_job_whose_file_is_gone_tells_one_story(fake: FakeOpenAI) -> None:
    run, _, file_id = submitted(fake)
    run.status(poll=True)
    fake.lose_file(file_id)
    with pytest.raises(UnreachableError):
        run.collect()
    (job,) = run.status().jobs
    assert (job.state, job.collected) == ("completed", False)
    assert "not fetched yet: The job has ended, but its file is not there yet" in job.note
    look_until_gone(fake, run)
    (job,) = run.status().jobs
    assert job.note.startswith("paid, lost: ")
    assert "keeps its files" not in str(run.status())


def test_r37_a_batch_that_comes_back_heals_its_rows(fake: FakeOpenAI) -> None:
    run, _, _ = submitted(fake)
    (batch_id,) = batch_ids(fake)
    record = fake.batches[batch_id]
    fake.forget(batch_id)
    look_until_gone(fake, run)
    assert check_sums(run) == {"absent": 6}
    assert run.retry() == 0
    fake.batches[batch_id] = record
    assert look(run)
    assert check_sums(run) == {"": 6}
    assert job_note(run.status()).startswith("the service keeps its files until")
    check_paid(fake, 6)


def test_r37_a_file_that_stays_cut_short_gives_its_whole_lines_and_the_rest_is_not_asked_again(
    fake: FakeOpenAI,
) -> None:
    cut = fake.fault("files.content", "truncate", times=None, lying=True)
    run, _, _ = submitted(fake)
    look_until_gone(fake, run)
    whys = check_sums(run)
    assert set(whys) == {"", "absent"} | ({"invalid"} & set(whys))
    assert 0 < whys[""] < 6
    assert run.retry() == 0
    assert "bytes arrived; whole lines were taken" in job_note(run.status())
    assert cut.n_fired > 3
    fake.clear_faults()
    assert look(run)
    assert check_sums(run) == {"": 6}
    check_paid(fake, 6)


# --- R39: something else in place of a file


@pytest.mark.parametrize(
    "options",
    [{}, {"content_type": "application/octet-stream"}, {"text": "Please log in."}, {"text": "\ufeff <html></html>"}],
)
def test_r39_a_web_page_is_never_taken_for_a_result_file(fake: FakeOpenAI, options: dict[str, Any]) -> None:
    run, _, _ = submitted(fake)
    fake.fault("files.content", "page", times=None, **options)
    for _ in range(5):
        assert not look(run)
        fake.advance(seconds=600)
    assert check_sums(run) == {"pending": 6}
    fake.clear_faults()
    assert look(run)
    assert check_sums(run) == {"": 6}
    check_paid(fake, 6)


def test_r39_an_error_at_status_200_is_never_taken_for_a_result_file(fake: FakeOpenAI) -> None:
    run, _, _ = submitted(fake)
    fake.fault("files.content", "other JSON", times=2, value={"error": {"message": "try again"}})
    assert [look(run) for _ in range(3)] == [False, False, True]
    assert check_sums(run) == {"": 6}
    check_paid(fake, 6)
