"""What the commands show of a whole project: jobs, runs and errors, chosen and sorted; room on the disk; no project."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest
from commands import Command
from fakes.fake_openai import FakeOpenAI
from fakes.scripted import make_book
from fakes.service import MODEL, TEXTS, batch_ids, finish, plan_batch

from codebook.cli.options import show_frame
from codebook.engines.service.batches import DAY_S
from codebook.run import Service, list_jobs, measure_runs, open_run, plan
from codebook.units import open_units


@pytest.fixture
def two(fake: FakeOpenAI, project: Path) -> FakeOpenAI:
    """A run of a file that is done, and one that is under way."""
    (project / "posts.csv").write_text("id,text\na,A post on coal.\nb,[refuse] no.\n")
    source = open_units("posts.csv", id_column="id", text_column="text")
    options = {"base_url": fake.base_url}
    asked = {"engine": "openai_batch", "model": MODEL, "options": options}
    finish(plan(make_book("topic"), source, run="done", **asked))
    fake.auto = False
    plan_batch(fake, TEXTS, run="open", service=Service(requests_per_shard=3)).submit()
    return fake


def test_status_chooses_sorts_and_limits(two: FakeOpenAI, command: Command) -> None:
    whole = command("status").output
    assert all(batch in whole for batch in batch_ids(two))
    assert command("status", "--state", "completed").output.count("batch_") == 1
    assert command("status", "--units", "posts.csv").output.split("\n")[1].split()[0] == "done"
    assert len(command("status", "--units", "./posts.csv").output.splitlines()) == 2
    assert command("status", "--sort", "run", "--limit", "1").output.split("\n")[1].split()[0] == "done"
    assert "No job fits this choice" in command("status", "--since", "2100-01-01").output
    assert "No job fits this choice" in command("status", "--study", "another").output
    assert "No job fits this choice" in command("status", "open", "--state", "completed").output
    assert "write it like" in command("status", "--since", "soon").output


def test_status_shows_real_ends_and_readable_ages(two: FakeOpenAI, command: Command) -> None:
    shown = command("status").output
    assert "days" not in shown
    assert "ended" in shown.splitlines()[0]
    (row,) = [line for line in shown.splitlines() if line.split()[0] == "done"]
    ended = list_jobs(run="done")["ended"].iloc[0].to_pydatetime()
    assert f"{ended.astimezone():%H:%M}" in row


def test_status_writes_jobs_as_json(two: FakeOpenAI, command: Command) -> None:
    jobs = json.loads(command("status", "--json").stdout)
    assert {job["job_id"] for job in jobs} == set(batch_ids(two))
    (done,) = [job for job in jobs if job["run"] == "done"]
    assert (done["state"], done["requests"], done["done"], done["path"]) == ("completed", 2, 2, "runs/done")
    (first, second) = json.loads(command("status", "open", "--json").stdout)
    assert {first["shard"], second["shard"]} == {1, 2}


def test_a_verbose_status_says_what_was_done_and_what_the_service_said(fake: FakeOpenAI, command: Command) -> None:
    plan_batch(fake)
    fake.fault("batches.create", "status", status=400, message="The endpoint is not allowed.")
    assert command("submit", "one").exit_code == 1
    said = command("status", "one", "-v").output
    assert "shard 1 was not handed in: batch of 0001-" in said
    assert "The endpoint is not allowed." in said


def test_a_run_without_a_job_of_its_own_is_named(fake: FakeOpenAI, command: Command) -> None:
    finish(plan_batch(fake, run="pilot"))
    plan_batch(fake, run="main")
    assert "main: no job of its own; 6 of 6 labelled by what others asked" in command("status").output
    assert "main" not in command("status", "--state", "completed").output


def test_runs_and_errors_are_listed(two: FakeOpenAI, command: Command) -> None:
    shown = command("runs", "--sort", "run").output.splitlines()
    assert [line.split()[0] for line in shown[1:]] == ["done", "open"]
    assert [line.split()[0] for line in command("runs", "--units", "posts.csv").output.splitlines()[1:]] == ["done"]
    record = open_run("open").record | {"version": {"differs": ["the definition of coal was changed"] * 3}}
    open_run("open").folder.write_record(record)
    (row,) = [line for line in command("runs").output.splitlines() if line.split()[0] == "open"]
    assert row.endswith("definition of coal was changed; the ...")  # no word is cut
    assert "refused" in command("errors").output
    assert "refused" in command("errors", "done").output
    assert "No answer is without a label" in command("errors", "open").output


@pytest.mark.parametrize("words", [("status",), ("runs",), ("errors",), ("costs",), ("tidy",)])
def test_an_empty_place_is_said_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Command, words: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    outside = command(*words)
    assert "Empty DataFrame" not in outside.output
    assert f"there is no study.yaml in {tmp_path} or above it" in outside.output
    (tmp_path / "study.yaml").write_text("study: s\n")
    inside = command(*words).output
    assert re.match(r"(No|There is no|Nothing) [a-z ]+\.\n", inside)
    assert words != ("errors",) or inside == "There is no run.\n"
    assert "study.yaml" not in inside


# --- what may go


def test_tidy_says_how_much_room_is_taken_and_removes_what_can_be_made_again(
    fake: FakeOpenAI, project: Path, command: Command
) -> None:
    run = finish(plan_batch(fake))
    run.export()
    before = {path for path in run.folder.path.rglob("*") if path.is_file()}
    exports = {path for path in before if path.parent.name == "exports"}
    assert exports
    refused = command("tidy", input="n\n")
    assert (refused.exit_code, "of the disk are free" in refused.output) == (1, True)
    assert "Nothing is there" in command("tidy", "--older-than", "3", "--yes").output
    done = command("tidy", "--yes")
    assert f"{len(exports)} files were removed" in done.output
    assert {path for path in run.folder.path.rglob("*") if path.is_file()} == before - exports
    assert measure_runs()[0]["rebuilt"].tolist() == [0]
    assert "Nothing is there" in command("tidy", "--yes").output
    run.export()
    assert {path for path in run.folder.path.rglob("*") if path.is_file()} == before


def test_old_files_alone_are_removed_where_an_age_is_said(fake: FakeOpenAI, command: Command) -> None:
    run = finish(plan_batch(fake))
    run.export()
    old, *others = sorted((run.folder.path / "exports").iterdir())
    then = time.time() - 5 * DAY_S
    os.utime(old, (then, then))
    assert "1 file was removed" in command("tidy", "--older-than", "3", "--yes").output
    assert sorted((run.folder.path / "exports").iterdir()) == others


def test_files_at_the_service_go_for_all_runs_and_by_age(two: FakeOpenAI, command: Command) -> None:
    assert command("delete-remote", "--yes").exit_code == 2
    assert command("delete-remote", "--all", "--older-than", "1", "--yes").output == "0 files were deleted.\n"
    assert command("delete-remote", "--all", "--yes").output == "2 files were deleted.\n"
    assert len(two.files) == 2, "those of the jobs under way"


def test_a_run_whose_files_cannot_be_deleted_keeps_no_other_from_it(two: FakeOpenAI, command: Command) -> None:
    finish_all(two)
    next(open_run("done").folder.results.iterdir()).write_text("changed")
    refused = command("delete-remote", "--all", "--yes")
    assert (refused.exit_code, "  - done: " in refused.output) == (1, True)
    assert "4 files were deleted" in refused.output


def test_files_of_a_job_that_ended_this_moment_are_deleted(two: FakeOpenAI, monkeypatch: pytest.MonkeyPatch) -> None:
    finish_all(two)
    with closing(sqlite3.connect("runs/ledger.db")) as db, db:  # by a clock of the service that is ahead
        db.execute("UPDATE jobs SET ended_at = '2999-01-01T00:00:00.000+00:00'")
    assert open_run("open").delete_remote(older_than_days=1) == 0
    assert open_run("open").delete_remote() == 4, "two batches, each with a request and a result file"


def finish_all(fake: FakeOpenAI) -> None:
    fake.auto = "at once"
    open_run("open").collect()


def test_a_moment_between_two_microseconds_is_shown_without_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    """As the middle of the ends of two jobs: every warning is an error here."""
    show_frame(pd.DataFrame({"expected_end": [pd.Timestamp("2026-01-02 10:00:00.000000001", tz="UTC")]}), "none")
    assert "expected_end" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("cancel", "nine"), "There is no run 'nine'"),
        (("discard", "nine"), "There is no run 'nine'"),
        (("delete-remote", "nine"), "There is no run 'nine'"),
        (("erase", "h01", "--run", "nine"), "There is no run 'nine'"),
        (("erase", "nobody"), "No run holds a unit 'nobody'"),
        (("trust", "http://far.example"), "--allow-http"),
    ],
)
def test_what_cannot_be_done_is_said_before_a_yes_is_asked(
    two: FakeOpenAI, command: Command, words: tuple[str, ...], said: str
) -> None:
    refused = command(*words)
    assert refused.exit_code == 1
    assert said in refused.output
    assert "[y/N]" not in refused.output
    asked = command("discard", "done")
    assert (asked.exit_code, "[y/N]" in asked.output) == (1, True)
    assert open_run("done")
