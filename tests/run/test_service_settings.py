"""How a service is called, sent to and waited for: one object, kept with the run, heeded by engines and by the wait."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from fakes.fake_openai import FakeOpenAI
from fakes.service import MODEL, TEXTS, batch_ids, check_paid, check_sums, plan_batch, write_provider

from codebook.cli import main
from codebook.errors import EngineError, ParameterError, PendingError
from codebook.records import Asking
from codebook.run import OCCASIONS, RunFolder, Service, open_run, read_service, wait


def test_all_faults_of_the_settings_are_told_at_once() -> None:
    given = {"timout_s": 3, "attempts": "0", "notify": "dnoe", "poll_s": [9, 1], "auto_collect": "maybe"}
    with pytest.raises(ParameterError) as told:
        read_service(given)
    assert [fault.where for fault in told.value.faults] == [f"service, {name}" for name in given]
    assert [fault.mend for fault in told.value.faults][0:3:2] == ["did you mean 'timeout_s'?", "did you mean 'done'?"]


@pytest.mark.parametrize(
    "secret", ["sk-proj-" + "aB3d" * 8, "mailto://me:Passw0rd99@host.example", "https://a.example/?token=abc123"]
)
def test_no_message_on_settings_shows_a_key(project: Path, monkeypatch: pytest.MonkeyPatch, secret: str) -> None:
    for name in ("notify", "timeout_s", secret):
        with pytest.raises(ParameterError) as told:
            read_service({name: secret})
        assert secret not in str(told.value)
        (project / "study.yaml").write_text(f"study: s\nservice: {{'{name}': '{secret}'}}\n", encoding="utf-8")
        done = CliRunner().invoke(main, ["check"])
        assert (done.exit_code, secret in done.output) == (1, False)
        (project / "study.yaml").write_text("study: s\n", encoding="utf-8")
        done = CliRunner().invoke(main, ["plan", "--service", f"{name}={secret}"])
        assert (done.exit_code, secret in done.output) == (1, False)
    monkeypatch.setenv("MY_SECRET_KEY", "correct horse 7 battery")
    with pytest.raises(ParameterError, match=r"'\.\.\.' cannot be taken"):
        read_service({"priority": "correct horse 7 battery"})


def test_settings_are_read_from_texts_and_kept_without_their_defaults() -> None:
    given = {"timeout_s": "30", "poll_s": "[1, 20]", "priority": "2", "auto_collect": "true", "notify": "done, late"}
    service = read_service(given)
    assert service == Service(30.0, None, (1.0, 20.0), 48.0, 0, 2, True, ("done", "late"))
    assert read_service(service.to_record()) == service
    assert Service().to_record() == {}
    assert read_service({"notify": []}).notify == ()
    assert read_service({}).notify == OCCASIONS


def test_the_settings_of_a_run_are_kept_with_it_and_make_no_other_plan(fake: FakeOpenAI) -> None:
    first = plan_batch(fake, service=Service(requests_per_shard=2, timeout_s=7, attempts=5))
    assert [job.requests for job in first.status().jobs] == [2, 2, 2]
    again = plan_batch(fake, service=Service(requests_per_shard=3, timeout_s=9))
    assert [job.requests for job in again.status().jobs] == [2, 2, 2], "what is planned stays"
    assert open_run("one").service == Service(requests_per_shard=3, timeout_s=9)
    again.submit(service=Service(attempts=2))
    assert open_run("one").record["service"] == {"attempts": 2}
    again.collect(service=Service())
    assert "service" not in open_run("one").record
    assert check_sums(again) == {"": 6}


@pytest.mark.parametrize("engine", ["openai_batch", "openai_live"])
def test_engines_call_for_as_long_and_as_often_as_the_settings_say(fake: FakeOpenAI, engine: str) -> None:
    asking = Asking(engine=engine, model=MODEL, options={"base_url": fake.base_url})
    made = RunFolder("one").make_engine(asking, Service(timeout_s=11, attempts=5))
    if engine == "openai_batch":
        client = made.client.sdk
        assert (client.timeout, client.max_retries) == (11, 4)
    else:
        assert (made.timeout_s, made.attempts) == (11, 5)


def test_what_the_options_of_an_engine_say_counts_before_the_settings(fake: FakeOpenAI) -> None:
    asking = Asking(engine="openai_live", model=MODEL, options={"base_url": fake.base_url, "timeout_s": 3})
    made = RunFolder("one").make_engine(asking, Service(timeout_s=11, attempts=5))
    assert (made.timeout_s, made.attempts) == (3, 5)
    assert RunFolder("one").make_engine(Asking(), Service(timeout_s=11)).name == "embedded", "it has no calls"


def test_a_batch_call_is_tried_as_often_as_said(fake: FakeOpenAI) -> None:
    fake.fault("batches.retrieve", "status", times=None, status=500, retry_after=0.001)
    run = plan_batch(fake, service=Service(attempts=1))
    run.submit()
    assert len(fake.calls("batches.retrieve")) == 1


def test_of_runs_that_wait_for_room_the_one_with_the_higher_priority_is_sent_first(
    fake: FakeOpenAI, project: Path
) -> None:
    low = plan_batch(fake, service=Service(requests_per_shard=2))
    room = max(row.n_tokens for row in _rows("one")) * 3 // 2
    write_provider(project, n_enqueued={"gpt-6": room})
    fake.auto, fake.enqueued_limit = False, {MODEL: room}
    low.submit()
    assert fake.n_created == 1
    high = plan_batch(fake, [f"New {text}" for text in TEXTS[:2]], run="two", service=Service(priority=1))
    high.submit()
    assert [job.state for job in high.status().jobs] == ["planned"], "there is no room"
    fake.finish(batch_ids(fake)[0])
    low.collect(partial=True)
    low.submit()
    assert fake.n_created == 2
    assert [job.state for job in open_run("two").status().jobs] == ["validating"]
    assert [bool(job.job_id) for job in low.status().jobs] == [True, False, False]
    fake.auto = "at once"
    high.collect()
    low.submit()
    low.collect(partial=True)
    low.submit()
    low.collect()
    assert check_sums(low) == {"": 6}
    check_paid(fake, 8, again=2)  # two units of the two runs have one name


def _rows(name: str) -> list:
    with RunFolder(name).open_ledger() as ledger:
        return ledger.jobs(name)


def test_a_run_that_cannot_be_sent_keeps_no_other_from_being_sent(fake: FakeOpenAI, project: Path) -> None:
    low = plan_batch(fake, service=Service(requests_per_shard=2))
    room = max(row.n_tokens for row in _rows("one")) * 3 // 2
    write_provider(project, n_enqueued={"gpt-6": room})
    fake.auto = False
    low.submit()
    high = plan_batch(fake, ["A new text."], run="two", service=Service(priority=1))
    high.submit()
    next(high.folder.shards.iterdir()).write_text("changed")
    fake.finish(batch_ids(fake)[0])
    low.collect(partial=True)
    low.submit()
    assert [bool(job.job_id) for job in low.status().jobs] == [True, True, False]


def test_waiting_looks_as_often_and_as_long_as_the_settings_say(
    fake: FakeOpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.auto, clock, pauses = False, [0.0], list[float]()

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        clock[0] += 600

    monkeypatch.setattr("codebook.run.waiting.sleep", pause)
    monkeypatch.setattr("codebook.run.waiting.monotonic", lambda: clock[0])
    run = plan_batch(fake)
    with pytest.raises(PendingError, match=r"not done after 0\.5 hours"):
        wait(run, service=Service(poll_s=(30, 30), max_wait_hours=0.5), out=lambda _: None)
    assert len(pauses) == 4
    assert all(30 * 0.8 <= seconds <= 30 * 1.2 for seconds in pauses)


def test_a_file_does_not_stay_where_its_batch_is_refused(fake: FakeOpenAI) -> None:
    run = plan_batch(fake)
    fake.fault("batches.create", "status", status=400, message="The endpoint is not allowed.")
    with pytest.raises(EngineError, match="not allowed"):
        run.submit()
    assert fake.files == {}
    run.submit()
    run.collect()
    assert check_sums(run) == {"": 6}
    assert fake.n_created == 1


def test_a_file_that_could_not_be_deleted_then_is_deleted_with_the_others(fake: FakeOpenAI) -> None:
    run = plan_batch(fake)
    fake.fault("batches.create", "status", status=400, message="The endpoint is not allowed.")
    fake.fault("files.delete", "status", status=400)
    with pytest.raises(EngineError, match="not allowed"):
        run.submit()
    assert len(fake.files) == 1
    assert run.delete_remote() == 1
    assert fake.files == {}
