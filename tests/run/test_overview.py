"""The frames of a whole project: jobs, runs, errors and money, on runs in several states."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import orjson
import pandas as pd
import pytest
from click.testing import CliRunner
from fakes.scripted import make_book, register
from fakes.service import finish as finish_batch
from fakes.service import plan_batch

from codebook.cli import main
from codebook.errors import ParameterError, UnreachableError
from codebook.ground.whys import WHYS
from codebook.ledger import Ledger
from codebook.records import Unit
from codebook.run import Run, cost_history, list_errors, list_jobs, open_run, plan, poll_jobs, summarise_runs
from codebook.run.history import NO_HISTORY, busy_hours, expect_duration
from codebook.shards import Cuts
from codebook.widgets.board_pages import _made

TOPIC = make_book("topic")
GOOD = [Unit(f"u{n}", f"Sentence number {n} about coal.") for n in range(6)]
BAD = [Unit(f"bad {order}", f"[{order}]") for order in ("refuse", "outside", "500", "500] [too")]


@pytest.fixture(autouse=True)
def _engine(monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch)


def plan_run(run: str, units: list[Unit], *, n: int = 100) -> Run:
    return plan(TOPIC, units, run=run, engine="scripted", cuts=Cuts(n_requests=n))


def finish(run: str, units: list[Unit], *, n: int = 100) -> Run:
    planned = plan_run(run, units, n=n)
    planned.submit()
    planned.collect()
    return planned


def hang(run: Run, name: str = "hang") -> Path:
    run.folder.work.mkdir(parents=True, exist_ok=True)
    marker = run.folder.work / name
    marker.touch()
    return marker


def change_ledger(project: Path, sql: str, *values: object) -> None:
    with closing(sqlite3.connect(project / "runs" / "ledger.db")) as db, db:
        db.execute(sql, values)


@pytest.fixture
def several(project: Path) -> Path:
    """A project with a run that is done with errors, one that runs, and one that is only planned."""
    finish("done", [*GOOD, *BAD, Unit("nothing", " ")])
    running = plan_run("running", [Unit(f"r{n}", f"Text {n}") for n in range(8)], n=4)
    hang(running)
    running.submit()
    plan_run("planned", [Unit("p", "Another text")])
    return project


# --- jobs


def test_every_shard_of_every_run_is_listed_newest_first(several):
    jobs = list_jobs()
    assert list(zip(jobs["run"], jobs["shard"], jobs["state"], strict=True)) == [
        ("planned", 1, "planned"),
        ("running", 2, "in_progress"),
        ("running", 1, "in_progress"),
        ("done", 1, "completed"),
    ]
    done = jobs.iloc[-1]
    assert (done["study"], done["engine"], done["requests"], done["done"], done["failed"]) == (
        "debate",
        "scripted",
        10,
        8,
        2,
    )
    assert done["share_done"] == 1
    assert done["collected"]
    assert done["ended"] >= done["created"]
    planned = jobs.iloc[0]
    assert planned["engine"] == "scripted", "a shard without a job belongs to the engine of its run"
    assert planned[["created", "ended", "age", "expected_end"]].isna().all()
    assert jobs["cost"].isna().all()
    assert poll_jobs("done") == {}


def test_jobs_are_chosen_by_state_run_study_engine_and_time(several):
    assert set(list_jobs(state="in_progress")["run"]) == {"running"}
    assert set(list_jobs(state=["planned", "completed"])["run"]) == {"planned", "done"}
    assert set(list_jobs(run="done")["run"]) == {"done"}
    assert len(list_jobs(study="debate")) == 4
    assert list_jobs(study="another").empty
    assert list_jobs(engine="openai_batch").empty
    today, day = datetime.now(UTC).date(), timedelta(days=1)
    assert len(list_jobs(since=today - day, until=today + day)) == 4
    assert list_jobs(since=str(today + day * 2)).empty
    assert list_jobs(until=datetime.now(UTC) - day).empty


def test_a_day_without_an_hour_is_meant_whole(several):
    change_ledger(several, "UPDATE jobs SET created_at = '2026-03-01T23:59:00.000+00:00' WHERE state = 'completed'")
    assert list(list_jobs(since="2026-03-01", until="2026-03-01")["run"]) == ["done"]
    assert list(list_jobs(until=date(2026, 3, 1))["run"]) == ["done"]
    assert list_jobs(until="2026-03-01T12:00").empty
    with pytest.raises(ParameterError, match=r"write it like 2026-11-21"):
        list_jobs(since="yesterday")


def test_an_empty_project_gives_empty_frames_and_no_file(project):
    assert list_jobs().empty
    assert poll_jobs() == {}
    assert summarise_runs().empty
    assert list_errors().empty
    assert cost_history().empty
    assert not (project / "runs").exists()
    assert list(list_jobs().columns)[:4] == ["run", "study", "shard", "engine"]


def test_polling_asks_the_engine_and_reading_does_not(several):
    (several / "runs" / "running" / "work" / "hang").unlink()
    assert set(list_jobs(run="running")["state"]) == {"in_progress"}
    assert poll_jobs("running") == {}
    assert set(list_jobs(run="running")["state"]) == {"completed"}


def test_a_service_out_of_reach_keeps_the_last_state_and_is_said(several, monkeypatch):
    def refuse(*_: object) -> None:
        raise UnreachableError("the service does not answer")

    monkeypatch.setattr("fakes.scripted.Scripted.poll", refuse)
    unreached, jobs = poll_jobs(), list_jobs()
    assert set(jobs[jobs["run"] == "running"]["state"]) == {"in_progress"}
    assert list(unreached) == ["running"]
    assert "does not answer" in unreached["running"]


def test_a_run_whose_folder_is_damaged_is_still_listed(several):
    (several / "runs" / "running" / "run.json").write_text("{")
    unreached, jobs = poll_jobs(), list_jobs()
    assert list(jobs[jobs["run"] == "running"]["study"]) == ["", ""]
    assert "damaged" in unreached["running"]


# --- expected ends


def test_expected_end_comes_from_jobs_of_similar_size(several):
    for n, minutes in enumerate((30, 50, 40)):
        finish(f"past {n}".replace(" ", "-"), [Unit(f"{n}-{m}", f"Past {n} {m}") for m in range(5)])
        start = datetime(2026, 1, 1, tzinfo=UTC)
        change_ledger(
            several,
            "UPDATE jobs SET created_at = ?, ended_at = ? WHERE job_key LIKE ?",
            start.isoformat(),
            (start + timedelta(minutes=minutes)).isoformat(),
            f"past-{n}:%",
        )
    change_ledger(several, "UPDATE jobs SET state = 'cancelled' WHERE job_key LIKE 'done:%'")
    jobs = list_jobs(run="running")
    assert set(jobs["expected_from"]) == {"3 jobs of similar size"}
    assert list(jobs["expected_end"] - jobs["created"]) == [pd.Timedelta(minutes=40)] * 2
    assert list_jobs(state="completed")["expected_end"].isna().all()


def test_without_history_no_end_is_expected(project):
    run = plan_run("first", GOOD)
    hang(run)
    run.submit()
    (job,) = list_jobs().to_dict("records")
    assert job["expected_from"] == NO_HISTORY
    assert pd.isna(job["expected_end"])


@pytest.mark.parametrize(
    ("seconds", "sizes", "requests", "expected"),
    [
        ([100.0], [10], 1000, (100.0, "1 job")),
        ([100.0, 200.0], [10, 10], 1000, (150.0, "2 jobs")),
        ([10.0, 20.0, 60.0], [10, 10, 10], 1000, (2000.0, "3 jobs, scaled by requests")),
        ([10.0, 20.0, 60.0, 9.0], [30, 10, 90, 100], 30, (20.0, "3 jobs of similar size")),
    ],
)
def test_durations(seconds, sizes, requests, expected):
    assert expect_duration(np.array(seconds), np.array(sizes), requests)[::2] == expected


def test_jobs_side_by_side_count_once():
    hour = pd.Timestamp("2026-01-01", tz="UTC") + pd.to_timedelta([0, 1, 2, 3, 10, 12, 20], unit="h")
    jobs = pd.DataFrame({"created": hour[[0, 1, 4, 6, 1]], "ended": [hour[3], hour[2], hour[5], pd.NaT, hour[2]]})
    jobs["run"] = ["a", "a", "a", "a", "b"]
    assert busy_hours(jobs).to_dict() == {"a": 3 + 2, "b": 1}


# --- runs


def test_a_run_is_one_row_that_sums(several):
    runs = summarise_runs()
    assert list(runs["run"]) == ["planned", "running", "done"]
    assert (runs["asked"] == runs["labelled"] + runs[list(WHYS)].sum(axis=1)).all()
    done = runs.set_index("run").loc["done"]
    assert done[["asked", "labelled", "refused", "invalid", "failed", "absent"]].to_list() == [11, 6, 1, 1, 2, 1]
    assert done["success_rate"] == pytest.approx(6 / 10), "the empty text was never sent"
    assert done["error_rate"] == pytest.approx(2 / 10)
    assert done["tokens_in"] == 8 * 10
    assert done["models"] == "scripted-1"
    assert done["items_per_hour"] > 0
    assert done["last_ended"] >= done["first_submitted"]
    running = runs.set_index("run").loc["running"]
    assert (running["pending"], running["jobs"], running["running"]) == (8, 2, 2)
    assert pd.isna(running["success_rate"])
    assert list(summarise_runs(run="done")["run"]) == ["done"]
    assert summarise_runs(study="another").empty


def test_a_retry_counts_in_the_same_run(project):
    run = finish("again", [Unit("x", "[500 once]"), *GOOD])
    assert summarise_runs().loc[0, "failed"] == 1
    assert run.retry() == 1
    run.submit()
    run.collect()
    row = summarise_runs().loc[0]
    assert (row["labelled"], row["failed"], row["jobs"], row["success_rate"]) == (7, 0, 2, 1)
    assert list_errors()["n"].tolist() == [1], "what was mended stays in the list of errors"


# --- errors


def test_the_commonest_errors_come_first_with_an_example(several):
    errors = list_errors()
    first = errors.iloc[0]
    assert (first["why"], first["detail"], first["n"], first["runs"]) == ("failed", "500: as the text orders", 2, 1)
    assert first["share"] == pytest.approx(2 / 10)
    assert first["example"].startswith("topic.bad")
    assert set(errors["why"]) == {"failed", "refused", "invalid"}
    assert (first["status"], first["n_final"]) == (500, 0)
    assert errors.loc[errors["why"] == "refused", "status"].isna().all()
    assert len(list_errors(limit=1)) == 1
    assert list_errors("running").empty
    assert list_errors(run="running").empty
    assert list_errors(until="2020-01-01").empty


def test_a_refused_request_is_told_apart_from_one_that_may_pass_another_time(fake):
    finish_batch(plan_batch(fake, ["[400] a", "[500] b", "[500] c"]))
    errors = list_errors().set_index("status")
    assert errors.index.tolist() == [500, 400]
    assert errors["n"].tolist() == [2, 1]
    assert errors["n_final"].tolist() == [0, 1], "a retry would fail again"
    assert open_run("one").retry() == 2


# --- money


def set_costs(project: Path) -> None:
    change_ledger(project, "UPDATE answers SET cost_usd = 0.5 WHERE file IS NOT NULL AND id % 2 = 0")
    change_ledger(project, "UPDATE jobs SET ended_at = '2026-02-03T12:00:00.000+00:00' WHERE job_key LIKE 'done:%'")


def count_priced_labels(project: Path) -> int:
    """Labels whose price is known."""
    with sqlite3.connect(project / "runs" / "ledger.db") as db:
        sql = "SELECT count(*) FROM answers WHERE file IS NOT NULL AND cost_usd IS NOT NULL AND why IS NULL"
        return int(db.execute(sql).fetchone()[0])


def test_costs_by_day_model_and_run(several):
    set_costs(several)
    (day,) = cost_history().to_dict("records")
    n_priced = day["n_priced"]
    assert n_priced > 0
    assert (day["day"], day["answers"], day["labelled"]) == (pd.Timestamp("2026-02-03", tz="UTC"), 10, 6)
    assert day["cost"] == pytest.approx(n_priced * 0.5)
    by_model = cost_history("model").set_index("model")
    assert list(by_model.index) == ["scripted-1"], "an error line names no model; it is that of its job"
    assert by_model.loc["scripted-1", "answers"] == 10
    assert by_model["cost"].sum() == pytest.approx(day["cost"])
    by_run = cost_history("run")
    assert list(by_run["run"]) == ["done"]
    assert by_run.loc[0, "cost"] == pytest.approx(day["cost"])
    with pytest.raises(ParameterError, match="use engine, model, run or day"):
        cost_history("week")


def test_costs_show_with_their_job_and_run(several):
    set_costs(several)
    change_ledger(several, "UPDATE jobs SET reserved_usd = 2.5 WHERE job_key LIKE 'running:1:%'")
    jobs = list_jobs()
    total = cost_history()["cost"].sum()
    assert jobs.set_index("run").loc["done", "cost"] == pytest.approx(total)
    assert jobs["cost"].notna().sum() == 1
    runs = summarise_runs().set_index("run")
    n_labels = count_priced_labels(several)
    assert runs.loc["done", "cost_per_label"] == pytest.approx(total / n_labels)
    assert pd.isna(runs.loc["running", "cost"])
    assert runs.loc["running", "reserved"] == pytest.approx(2.5)


# --- speed


def fill(project: Path, n_runs: int, n_jobs: int, n_answers: int) -> None:
    """A ledger with so many runs, jobs of each, and answers of each job."""
    states = ["completed", "completed", "in_progress", "failed"]
    for n in range(n_runs):
        folder = project / "runs" / f"r{n}"
        folder.mkdir(parents=True)
        asked = {"engine": "openai_batch", "model": "m"}
        record = {"codebook": {"name": f"study {n % 7}"}, "asked": asked, "planned_at": f"2026-01-01T00:{n % 60:02}"}
        (folder / "run.json").write_bytes(orjson.dumps(record))
    with Ledger(project / "runs" / "ledger.db") as ledger, ledger.transaction() as db:
        for n in range(n_runs * n_jobs):
            run, state, at = f"r{n % n_runs}", states[n % 4], f"2026-01-{n % 28 + 1:02}T10:00:00.000+00:00"
            ended = None if state == "in_progress" else at.replace("T10", "T11")
            db.execute("INSERT OR IGNORE INTO runs (run_id, digest, planned) VALUES (?, '', 1)", (run,))
            db.execute("INSERT INTO shards VALUES (?, ?, ?, 'f', '', '', 'm', 100, 1, 1, '')", (n + 1, run, n))
            db.execute(
                "INSERT INTO jobs (id, shard_id, job_key, job_id, engine, state, created_at, submitted_at, ended_at) "
                "VALUES (?, ?, ?, ?, 'openai_batch', ?, ?, ?, ?)",
                (n + 1, n + 1, f"k{n}", f"b{n}", state, at, at, ended),
            )
            for m in range(n_answers):
                ask = n * n_answers + m + 1
                db.execute("INSERT INTO asks VALUES (?, ?, 1, ?, 0, ?)", (ask, ask.to_bytes(8), n + 1, ask))
                db.execute(
                    "INSERT INTO answers (id, ask_id, job, custom_id, file, model) VALUES (?, ?, ?, ?, 'f', 'm')",
                    (ask, ask, n + 1, str(m)),
                )
                values = (ask, run, str(ask), str(ask), ask)
                db.execute("INSERT INTO rows VALUES (?, ?, ?, ?, 'v', 0, ?, NULL)", values)


def test_two_thousand_jobs_are_listed_in_well_under_a_second(project):
    fill(project, n_runs=200, n_jobs=10, n_answers=10)
    list_jobs(run="r1")  # imports
    start = time.process_time()
    jobs = list_jobs()
    listed_s = time.process_time() - start
    start = time.process_time()
    runs = summarise_runs()
    summarised_s = time.process_time() - start
    assert (len(jobs), len(runs)) == (2000, 200)
    assert (jobs["expected_from"] == "1,000 jobs of similar size").sum() == 500
    assert listed_s < 1, f"listed in {listed_s:.2f} s"
    assert summarised_s < 2, f"summarised in {summarised_s:.2f} s"


def test_r34_ages_after_a_clock_that_was_put_back_are_unknown(several):
    change_ledger(several, "UPDATE jobs SET created_at = '2099-04-07T12:00:00.000+00:00' WHERE state = 'in_progress'")
    jobs = list_jobs(run="running")
    assert jobs["created"].notna().all()
    assert jobs["age"].isna().all()
    said = CliRunner().invoke(main, ["status"]).output
    assert said.count("unknown") == 2
    assert "-1 day" not in said
    assert "days" not in said
    shown = [_made(job) for job in jobs.to_dict("records")]
    assert [cell.lines[1] for cell in shown] == [[("the clock was set back since", "cb-dim")]] * 2


def test_r34_a_job_that_ended_before_it_began_is_no_history(several):
    change_ledger(several, "UPDATE jobs SET ended_at = '2001-01-01T00:00:00.000+00:00' WHERE state = 'completed'")
    jobs = list_jobs(run="running")
    assert set(jobs["expected_from"]) == {"no history yet"}
    assert jobs["expected_end"].isna().all()
    assert open_run("done").table()["seconds"].isna().all()
