"""Batches at a service that answers oddly: nothing is made twice, and what cannot be known is said to be unknown."""

from __future__ import annotations

import time
from typing import Any

import pytest
from click.testing import CliRunner
from fakes.fake_openai import KEY, FakeOpenAI
from fakes.service import MODEL, check_paid, check_sums, finish, job_note, plan_batch

from codebook.cli import main
from codebook.engines.service.objects import read_object
from codebook.errors import EngineError, UndecidedError, UnreachableError
from codebook.files.lines import read_lines
from codebook.records import CHAT
from codebook.run import open_run, wait
from codebook.shards import Cuts

NO_EVIDENCE = ("metadata", "input_file_id")
PLAIN = {"input_file_id": "file-of-others", "endpoint": CHAT, "completion_window": "24h"}


def crowd(fake: FakeOpenAI, patch: pytest.MonkeyPatch, *, older: int = 0, newer: int = 0) -> None:
    """Let other people's batches stand before and behind each of ours in the list."""
    make = fake.create_batch
    for _ in range(older):
        make(KEY, PLAIN)

    def create(owner: str, body: dict[str, Any]) -> dict[str, Any]:
        record = make(owner, body)
        for _ in range(newer):
            make(KEY, PLAIN)
        return record

    patch.setattr(fake, "create_batch", create)


def count_ours(fake: FakeOpenAI) -> int:
    """Batches that were made of our files."""
    return sum(batch["input_file_id"] != PLAIN["input_file_id"] for batch in fake.batches.values())


# --- R2: was it made?


@pytest.mark.parametrize("order", ["newest first", "oldest first"])
def test_r02_a_batch_is_found_wherever_it_stands_in_the_list(
    fake: FakeOpenAI, monkeypatch: pytest.MonkeyPatch, order: str
) -> None:
    crowd(fake, monkeypatch, older=250, newer=150)
    fake.fault("batches.create", "lost answer")
    if order == "oldest first":
        fake.fault("batches.list", order, times=None)
    run = finish(plan_batch(fake))
    assert count_ours(fake) == 1
    assert check_sums(run) == {"": 6}
    check_paid(fake, 6)


@pytest.mark.parametrize("hours", [25, 48, -48, 10_000])
def test_r02_the_local_clock_decides_nothing(fake: FakeOpenAI, monkeypatch: pytest.MonkeyPatch, hours: float) -> None:
    monkeypatch.setattr("codebook.engines.openai_batch.time", lambda: time.time() + hours * 3600)
    fake.fault("batches.create", "lost answer")
    run = finish(plan_batch(fake))
    assert fake.n_created == 1
    assert check_sums(run) == {"": 6}
    check_paid(fake, 6)


UNDECIDED = {
    "stuck": ("lost answer", "stuck", {}, "do not advance"),
    "endless": ("disconnect", "endless", {}, "do not advance"),
    "no evidence": ("lost answer", "without", {"fields": NO_EVIDENCE}, "neither metadata nor their input file"),
    "no list": ("lost answer", "status", {"status": 404, "message": "Not Found"}, "no list of batches"),
    "no list at all": ("lost answer", "status", {"status": 405, "message": "Method Not Allowed"}, "no list of batches"),
    "no data": ("lost answer", "other JSON", {"value": {"batches": []}}, "unknown form"),
}


@pytest.mark.parametrize("case", UNDECIDED)
def test_r02_undecided_makes_nothing_and_says_so_until_the_list_can_tell(
    fake: FakeOpenAI, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    lost, kind, options, reason = UNDECIDED[case]
    crowd(fake, monkeypatch, older=120, newer=120 if kind == "stuck" else 0)
    made = fake.fault("batches.create", lost)
    fake.fault("batches.list", kind, times=None, after=2 if kind != "stuck" else 0, **options)  # two pages before it
    run = plan_batch(fake)
    for _ in range(3):
        with pytest.raises(UndecidedError, match=f"not known whether the batch was made.*{reason}"):
            run.submit()
        assert "It is not known whether the batch was made" in job_note(run.status())
        assert "submit RUN --again" in job_note(run.status())
    assert (made.n_fired, len(fake.calls("batches.create")), check_sums(run)) == (1, 1, {"pending": 6})
    fake.clear_faults()
    assert check_sums(finish(run)) == {"": 6}
    assert count_ours(fake) == 1
    assert len(fake.calls("files.create")) == 1
    check_paid(fake, 6)


def test_r02_a_list_that_lags_for_several_looks_is_waited_for(fake: FakeOpenAI) -> None:
    fake.fault("batches.create", "lost answer")
    fake.fault("batches.list", "stale", times=3, after=1)
    run = finish(plan_batch(fake))
    assert fake.n_created == 1
    assert check_sums(run) == {"": 6}


def test_r02_without_metadata_the_file_tells_whose_batch_it_is(
    fake: FakeOpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd(fake, monkeypatch, older=5, newer=5)
    fake.fault("batches.create", "lost answer")
    fake.fault("batches.list", "without", times=None, fields=("metadata", "created_at"))
    run = finish(plan_batch(fake))
    assert count_ours(fake) == 1
    assert check_sums(run) == {"": 6}
    check_paid(fake, 6)


def test_r02_a_file_that_was_refused_for_room_is_not_taken_for_the_next_try(
    fake: FakeOpenAI,
) -> None:
    """A shard that is handed in again has the file of its first batch, which failed: that one is not adopted."""
    fake.auto = True
    run = plan_batch(fake, cuts=Cuts(n_requests=3))
    first = read_lines(next(run.folder.shards.glob("0001-*")))
    fake.enqueued_limit = {MODEL: sum(fake.tokens_of(line["body"]) for line in first) * 3 // 2}  # room for one
    fake.fault("batches.list", "without", times=None, fields=("metadata",))
    run.submit()
    fake.fault("batches.create", "lost answer")
    for _ in range(20):
        run.submit()
        if run.collect(partial=True).done:
            break
    assert check_sums(run) == {"": 6}
    assert {batch["status"] for batch in fake.batches.values()} == {"completed", "failed"}
    check_paid(fake, 6)


def test_r02_a_list_that_hides_what_was_made_before_decides_nothing(fake: FakeOpenAI) -> None:
    run = plan_batch(fake, cuts=Cuts(n_requests=3))
    fake.fault("batches.create", "disconnect", after=1)
    fake.fault("batches.list", "other JSON", times=None, value={"data": [], "has_more": False})
    with pytest.raises(UndecidedError, match="shows none of the batches"):
        run.submit()
    assert fake.n_created == 1
    fake.clear_faults()
    assert check_sums(finish(run)) == {"": 6}
    check_paid(fake, 6)


def test_r02_a_very_long_list_is_read_to_its_end_or_decides_nothing(
    fake: FakeOpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd(fake, monkeypatch, older=50, newer=2_300)
    fake.fault("batches.create", "lost answer")
    monkeypatch.setattr("codebook.engines.service.batches.N_PAGES", 3)
    run = plan_batch(fake)
    with pytest.raises(UndecidedError, match="longer than 300 batches"):
        run.submit()
    monkeypatch.setattr("codebook.engines.service.batches.N_PAGES", 500)
    run.submit()
    assert count_ours(fake) == 1


def test_r02_what_the_service_surely_did_not_do_is_no_doubt(fake: FakeOpenAI) -> None:
    """A limit on the rate, or a refusal, makes no batch: it is asked again though the service has no list."""
    fake.fault("batches.list", "status", status=404, times=None, message="Not Found")
    fake.fault("batches.create", "status", status=429, message="Too many requests.", retry_after=0, times=2)
    fake.fault("batches.create", "status", status=400, message="Bad metadata.", times=1)
    run = plan_batch(fake)
    with pytest.raises(EngineError, match="Bad metadata"):
        run.submit()
    assert check_sums(finish(run)) == {"": 6}
    assert fake.n_created == 1
    check_paid(fake, 6)


def no_list(fake: FakeOpenAI) -> None:
    """Let the service have no list of batches."""
    fake.fault("batches.list", "status", status=404, times=None, message="Not Found")


def test_r02_a_person_may_decide_to_make_it_anew(fake: FakeOpenAI) -> None:
    no_list(fake)
    fake.fault("batches.create", "disconnect")
    run = plan_batch(fake)
    result = CliRunner().invoke(main, ["submit", "one"])
    assert result.exit_code
    assert "codebook submit RUN --again" in result.output
    assert fake.n_created == 0
    result = CliRunner().invoke(main, ["submit", "one", "--again", "--wait"])
    assert result.exit_code == 0, result.output
    assert check_sums(run) == {"": 6}
    assert fake.n_created == 1
    assert any("made anew on demand" in what for *_, what in open_run("one").record["answered"]["events"])


def test_r02_again_makes_nothing_that_is_not_in_doubt(fake: FakeOpenAI) -> None:
    run = plan_batch(fake)
    run.submit(again=True)
    run.submit(again=True)
    assert fake.n_created == 1
    fake.fault("batches.create", "lost answer")
    other = plan_batch(fake, ["Another one."], run="two")
    other.submit(again=True)
    assert fake.n_created == 2, "what the list shows is found, and not made anew"


def test_r02_a_shard_in_doubt_keeps_no_other_from_being_sent(fake: FakeOpenAI) -> None:
    no_list(fake)
    fake.fault("batches.create", "lost answer", after=1)
    run = plan_batch(fake, cuts=Cuts(n_requests=2))
    with pytest.raises(UndecidedError):
        run.submit()
    assert fake.n_created == 3
    assert [bool(job.job_id) for job in run.status().jobs] == [True, False, True]
    fake.clear_faults()
    assert check_sums(finish(run)) == {"": 6}
    assert fake.n_created == 3
    check_paid(fake, 6)


def test_r02_collect_looks_again_for_what_is_in_doubt(fake: FakeOpenAI) -> None:
    fake.fault("batches.list", "status", status=503, times=None, after=1, retry_after=0)
    fake.fault("batches.create", "lost answer")
    run = plan_batch(fake)
    with pytest.raises(UnreachableError):
        run.submit()
    fake.clear_faults()
    run.collect()
    assert check_sums(run) == {"": 6}
    assert fake.n_created == 1
    check_paid(fake, 6)


def test_r02_waiting_ends_the_doubt_when_the_list_can_tell(fake: FakeOpenAI, monkeypatch: pytest.MonkeyPatch) -> None:
    no_list(fake)
    fake.fault("batches.create", "lost answer")
    n_pauses, said = 0, list[str]()

    def pause(_: float) -> None:
        nonlocal n_pauses
        n_pauses += 1
        if n_pauses == 3:
            fake.clear_faults()

    monkeypatch.setattr("codebook.run.waiting.sleep", pause)
    run = plan_batch(fake)
    assert wait(run, out=said.append).done
    told = [line for line in said if line.startswith("It is not known whether the batch was made")]
    assert len(told) == 1, "what stays as it was is told once"
    assert fake.n_created == 1
    check_paid(fake, 6)


def test_r02_cancel_does_not_say_that_what_is_in_doubt_never_ran(fake: FakeOpenAI) -> None:
    no_list(fake)
    fake.fault("batches.create", "lost answer")
    run = plan_batch(fake)
    for verb in (run.submit, run.cancel):
        with pytest.raises(UnreachableError, match="not known whether the batch was made"):
            verb()
    assert check_sums(run) == {"pending": 6}
    assert fake.n_created == 1


# --- R48, R49: clocks, and times that are not told


@pytest.mark.parametrize("hours", [-5, 0, 5])
@pytest.mark.parametrize("tells_time", [True, False])
def test_r48_a_new_batch_that_is_not_shown_is_not_given_up_whatever_the_clocks_say(
    fake: FakeOpenAI, monkeypatch: pytest.MonkeyPatch, hours: float, tells_time: bool
) -> None:
    fake.auto, fake.tells_time = False, tells_time
    fake.advance(hours=hours)
    run = plan_batch(fake)
    run.submit()
    fake.fault("batches.retrieve", "status", status=404, message="No batch found.", times=2)
    monkeypatch.setattr("codebook.engines.service.remote_files.time", lambda: time.time() + 86_400)
    for _ in range(2):
        status = run.status(poll=True)
        assert status.jobs[0].running
        assert "look again in a few minutes" in job_note(status)
    fake.settle()
    run.collect()
    assert check_sums(run) == {"": 6}
    check_paid(fake, 6)


def test_r48_a_batch_that_stays_away_is_given_up_by_the_service_s_own_clock(
    fake: FakeOpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.auto = False
    run = plan_batch(fake)
    run.submit()
    fake.forget(next(iter(fake.batches)))
    monkeypatch.setattr("codebook.engines.service.remote_files.time", lambda: time.time() + 86_400 * fake.offset_s)
    for _ in range(5):
        assert run.status(poll=True).jobs[0].running
    fake.advance(seconds=16 * 60)
    assert not run.status(poll=True).jobs[0].running
    assert "cannot be fetched any more" in job_note(run.status())
    assert fake.n_created == 1


def test_r49_times_that_are_null_are_unknown(fake: FakeOpenAI) -> None:
    fields = ("created_at", "expires_at", "completed_at", "in_progress_at", "request_counts", "errors", "usage")
    for call in ("batches.create", "batches.retrieve", "batches.list"):
        fake.fault(call, "without", times=None, fields=fields)
    run = finish(plan_batch(fake))
    assert check_sums(run) == {"": 6}
    assert fake.n_created == 1
    check_paid(fake, 6)


# --- R19, R51: a file that is there and not ready

WORDS = (
    "The file must be processed before it can be used in a batch.",
    "File file-1 is not yet processed.",
    "The input file is still being processed, please wait.",
    "Input file is not in the 'processed' state.",
)


@pytest.mark.parametrize("words", WORDS)
def test_r19_a_file_that_is_not_processed_yet_is_waited_for(fake: FakeOpenAI, words: str) -> None:
    fake.fault("batches.create", "file pending", times=2, message=words)
    run = finish(plan_batch(fake))
    assert (len(fake.calls("files.create")), fake.n_created) == (1, 1)
    assert check_sums(run) == {"": 6}
    check_paid(fake, 6)


@pytest.mark.parametrize(("status", "code"), [(425, None), (423, None), (400, "file_not_ready"), (409, None)])
def test_r19_a_status_or_code_says_so_too(fake: FakeOpenAI, status: int, code: str | None) -> None:
    fake.fault("batches.create", "status", status=status, code=code, message="Not now.", times=2)
    run = finish(plan_batch(fake))
    assert (len(fake.calls("files.create")), fake.n_created) == (1, 1)
    check_paid(fake, 6)
    assert check_sums(run) == {"": 6}


def test_r19_a_file_that_takes_longer_is_told_and_the_upload_kept(fake: FakeOpenAI) -> None:
    fake.fault("batches.create", "file pending", times=4)
    run = plan_batch(fake)
    with pytest.raises(UnreachableError, match=r"not processed it yet .*the same upload is used"):
        run.submit()
    assert (fake.n_created, check_sums(run)) == (0, {"pending": 6})
    assert check_sums(finish(run)) == {"": 6}
    assert (len(fake.calls("files.create")), fake.n_created) == (1, 1)


def test_r51_submit_and_wait_goes_on_while_the_file_is_not_processed(
    fake: FakeOpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("codebook.run.waiting.sleep", lambda _: None)
    fake.fault("batches.create", "file pending", times=10)
    run = plan_batch(fake)
    result = CliRunner().invoke(main, ["submit", "one", "--wait"])
    assert result.exit_code == 0, result.output
    assert "not processed it yet" in result.output
    assert check_sums(run) == {"": 6}
    assert (len(fake.calls("files.create")), fake.n_created) == (1, 1)


def test_r51_waiting_goes_on_while_the_file_is_not_processed(fake: FakeOpenAI, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("codebook.run.waiting.sleep", lambda _: None)
    fake.fault("batches.create", "file pending", times=10)
    said: list[str] = []
    run = plan_batch(fake)
    assert wait(run, out=said.append).done
    assert any("not processed it yet" in line for line in said)
    assert (len(fake.calls("files.create")), fake.n_created) == (1, 1)
    check_paid(fake, 6)


# --- R39: what is no JSON object

CALLS = ("files.create", "batches.create", "batches.list", "batches.retrieve", "files.retrieve")


@pytest.mark.parametrize("raw", [b"<html>", b" Please log in", b"", b'{"id": "batch', b'"ok"', b"[]", b"null", b"\xff"])
def test_r39_what_is_no_json_object_is_no_reply(raw: bytes) -> None:
    with pytest.raises(UnreachableError, match=r"batch b1: .* came instead of a reply"):
        read_object(raw, {"content-type": "application/json"}, "batch b1")


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("kind", ["page", "half JSON", "other JSON"])
def test_r39_what_is_no_json_object_is_unreachable_in_every_call(fake: FakeOpenAI, call: str, kind: str) -> None:
    run, said = plan_batch(fake), list[str]()
    odd = fake.fault(call, kind, times=1 if call == "batches.create" else 6)
    for _ in range(7):
        try:
            run.submit()
            run.collect(partial=True)
        except UnreachableError as error:
            said.append(str(error))
        said.append(job_note(run.status()))
        if run.status().done:
            break
    assert odd.n_fired == odd.times
    if call != "batches.create":  # there it is a doubt, which the list settles
        assert any("came instead of a reply" in text for text in said)
    assert check_sums(run) == {"": 6}
    assert fake.n_created == 1
    check_paid(fake, 6)


def test_r39_waiting_survives_a_night_of_pages(fake: FakeOpenAI, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = ("files.create", "batches.create", "batches.list", "batches.retrieve", "files.retrieve", "files.content")
    fake.auto, n_pauses = True, 0

    def pause(_: float) -> None:
        nonlocal n_pauses
        n_pauses += 1
        fake.clear_faults()
        if n_pauses % 3:
            for call in calls:
                fake.fault(call, "page", times=None)

    monkeypatch.setattr("codebook.run.waiting.sleep", pause)
    pause(0)
    said: list[str] = []
    run = plan_batch(fake)
    assert wait(run, out=said.append).done
    assert n_pauses > 4
    assert any("a web page came instead of" in line for line in said)
    assert check_sums(run) == {"": 6}
    assert fake.n_created == 1
    check_paid(fake, 6)


# --- R43: an address that lacks something


def test_r43_an_address_without_its_version_is_named_with_the_mend(fake: FakeOpenAI) -> None:
    run = plan_batch(fake, options={"base_url": fake.base_url.removesuffix("/v1")})
    with pytest.raises(EngineError, match=r"127\.0\.0\.1:\d+/files does not exist .*404.*add /v1 to base_url"):
        run.submit()
    assert fake.n_created == 0


def test_r43_a_service_without_batches_is_named_with_the_mend(fake: FakeOpenAI) -> None:
    for call in ("batches.create", "batches.list"):
        fake.fault(call, "status", status=404, message="Not Found", times=None)
    run = plan_batch(fake)
    with pytest.raises(EngineError, match=r"/v1/batches does not exist .*openai_live"):
        run.submit()
    assert len(fake.calls("files.create")) == 1
