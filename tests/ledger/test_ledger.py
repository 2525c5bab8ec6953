"""Ledger: a question is asked once, whoever needs it; what is noted is noted whole, by many processes at a time."""

import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from ledgers import check_places, collect, key, make_shard, plan, submit, whys

from codebook.errors import RecordError
from codebook.ledger import MIGRATIONS, FoundLine, Ledger, PlannedRow, iter_columns, reports
from codebook.records import Answer, JobState

ANSWERED = ("", "refused", "truncated", "invalid")
UNANSWERED = ("failed", "expired", "cancelled", "absent")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "runs" / "ledger.db"


@pytest.fixture
def ledger(path: Path):
    with Ledger(path) as opened:
        yield opened


def retry(ledger: Ledger, run: str, custom_id: str, name: str) -> int:
    """Ask one question again in a shard of its own."""
    number = ledger.last_shard_number(run) + 1
    ledger.add_shard(run, number, make_shard(run, number, 1), {custom_id: key(name)})
    return ledger.jobs(run)[-1].shard_id


def dump(path: Path) -> list[str]:
    """All that the file holds, as SQL."""
    with sqlite3.connect(path) as db:
        lines = list(db.iterdump())
    db.close()
    return lines


# --- the file


def test_an_empty_file_gets_its_tables(path):
    path.parent.mkdir()
    path.touch()
    with Ledger(path) as ledger:
        assert ledger.runs() == []
    db = sqlite3.connect(path)
    assert db.execute("PRAGMA user_version").fetchone()[0] == len(MIGRATIONS)
    assert db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    db.close()


def test_opening_again_changes_nothing(path):
    with Ledger(path) as ledger:
        plan(ledger, "r", {"u": "q"})
    before = dump(path)
    for _ in range(2):
        with Ledger(path) as ledger:
            assert ledger.runs() == ["r"]
    assert dump(path) == before


def test_a_newer_file_is_refused_and_left_alone(path):
    path.parent.mkdir()
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 999")
    db.close()
    before = path.read_bytes()
    with pytest.raises(RecordError, match=r"ledger\.db was written by a newer version .* To mend: upgrade the kit"):
        Ledger(path)
    assert path.read_bytes() == before


def test_a_file_that_is_no_ledger_is_refused(path):
    path.parent.mkdir()
    path.write_bytes(b"this is no database, but a text of more than a hundred bytes. " * 100)
    with pytest.raises(RecordError, match=r"ledger\.db is no ledger, or damaged .* To mend: restore it"):
        Ledger(path)


def test_a_migration_that_fails_is_not_half_done(path, monkeypatch):
    def broken(db: sqlite3.Connection) -> None:
        db.execute("CREATE TABLE half (a)")
        raise RuntimeError("in the middle")

    with monkeypatch.context() as patch:
        patch.setattr("codebook.ledger.migrations.MIGRATIONS", (*MIGRATIONS, broken))
        with pytest.raises(RuntimeError, match="in the middle"):
            Ledger(path)
    with Ledger(path) as ledger:
        assert ledger.runs() == []
    assert not [line for line in dump(path) if "half" in line]


def test_a_transaction_that_raises_leaves_nothing(ledger, path):
    before = dump(path)

    def interrupted() -> None:
        with ledger.transaction() as db:
            db.execute("INSERT INTO runs (run_id, digest) VALUES ('r', 'd')")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert dump(path) == before
    assert ledger.start_run("r", "d", "replay") == ("d", "replay")


def test_a_shard_is_noted_with_all_its_rows_or_not_at_all(ledger, path):
    plan(ledger, "r", {"u": "q"})
    before = dump(path)
    rows = [
        PlannedRow(f"r.{unit}", unit, "topic", 0, key("new"), None) for unit in ("new", "u")
    ]  # r.u is there already
    with pytest.raises(sqlite3.IntegrityError):
        ledger.add_planned("r", rows, (2, make_shard("r", 2, 1), {"r.new": key("new")}))
    assert dump(path) == before
    assert not ledger.asked_among([key("new")], "replay")


# --- plan


def test_a_run_keeps_the_digest_it_was_first_planned_with(ledger):
    assert ledger.is_planned("r") is None
    assert ledger.start_run("r", "one", "a") == ("one", "a")
    assert ledger.start_run("r", "two", "b") == ("one", "a")
    assert ledger.is_planned("r") is False
    ledger.finish_plan("r")
    assert ledger.is_planned("r") is True
    assert ledger.runs() == ["r"]


def test_rows_are_counted_and_found(ledger):
    plan(ledger, "r", {"u1": "q1", "u2": "q2"})
    skipped = [PlannedRow("r.u3", "u3", "topic", 0, "", "the text is empty")]
    ledger.add_planned("r", skipped)
    assert ledger.n_rows("r") == 3
    noted = [bool(ledger.noted_among(run, [name])) for run, name in (("r", "r.u3"), ("r", "r.u4"), ("s", "r.u3"))]
    assert noted == [True, False, False]
    assert whys(ledger) == {"u1": "pending", "u2": "pending", "u3": "absent"}
    assert [row.detail for row in ledger.iter_rows("r")] == ["", "", "the text is empty"]


def test_columns_are_the_rows_to_the_letter(ledger, monkeypatch):
    monkeypatch.setattr(reports, "_ROWS_AT_ONCE", 3)
    odd = ['say "hi"', "back\\slash", "tab\t", "nul\0", "line\nend", "\u2028", "é", "\U0001f600", "\x7f", "1e5"]
    shard_id = plan(ledger, "r", {unit: unit for unit in odd})
    plan(ledger, "s", {"between": "another", **{unit: unit for unit in odd[:4]}})
    ledger.add_planned("r", [PlannedRow("r.late", "late", "topic", 1, "", "the text is empty")])
    submit(ledger, shard_id)
    costs = [0.1 + 0.2, 1 / 3, 1e-12, 123456.789012345, 0.0, None, 2.5e-05, 0.0123456789012345, 7.0, 1e-7]
    lines = [
        FoundLine(Answer(f"r.{unit}", text="x", model="m"), "a/r.jsonl", 10 * n, 9, cost)
        for n, (unit, cost) in enumerate(zip(odd, costs, strict=True))
    ]
    ledger.note_state(shard_id, JobState("completed", len(odd), len(odd)))
    ledger.add_answers(shard_id, lines, missing_why="absent", detail="no line")
    check_places(ledger, "r")
    check_places(ledger, "s")
    assert [row.cost_usd for row in ledger.iter_rows("r")] == [*costs, None]


def test_a_run_without_rows_has_empty_columns(ledger):
    assert [len(column) for found in iter_columns(ledger.path, "r") for column in found] == [0] * 11


def test_columns_that_are_not_read_to_their_end_let_go_of_the_ledger(ledger, path, monkeypatch):
    monkeypatch.setattr(reports, "_ROWS_AT_ONCE", 1)
    plan(ledger, "r", {"u1": "q1", "u2": "q2", "u3": "q3"})
    reading = iter_columns(path, "r")
    next(reading)
    reading.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ledger")]


def test_equal_questions_of_one_run_are_sent_once(ledger):
    shard_id = plan(ledger, "r", {"u1": "same", "u2": "same", "u3": "other"})
    assert ledger.variables_sent(shard_id) == {"r.u1": "topic", "r.u3": "topic"}
    submit(ledger, shard_id)
    collect(ledger, shard_id, {"r.u1": "", "r.u3": "refused"})
    assert whys(ledger) == {"u1": "", "u2": "", "u3": "refused"}
    one, two, _ = ledger.iter_rows("r")
    assert (one.file, one.offset, one.length) == (two.file, two.offset, two.length) == ("a/r.jsonl", 0, 9)
    assert ledger.totals("r") == {
        "answers": 2,
        "tokens_in": 10,
        "tokens_out": 0,
        "tokens_cached": 0,
        "answers_without_tokens": 0,
        "models": ["m-1"],
    }


# --- the life of a question


def test_planned_pending_answered(ledger):
    shard_id = plan(ledger, "r", {"u": "q"})
    (job,) = ledger.jobs("r")
    assert (job.state, job.job_key, job.open, job.n_requests) == ("planned", None, False, 1)
    assert whys(ledger) == {"u": "pending"}

    ledger.intend_job(shard_id, "key", "replay")
    (job,) = ledger.jobs("r")
    assert (job.state, job.job_id, job.open) == ("creating", None, True)

    ledger.note_submitted(shard_id, "job-1")
    ledger.note_submitted(shard_id, "job-2")
    (job,) = ledger.jobs("r")
    assert (job.state, job.job_id, job.ended_at) == ("validating", "job-1", None)

    ledger.note_state(shard_id, JobState("in_progress", 1, 0, note="unreachable"))
    (job,) = ledger.jobs("r")
    assert (job.state, job.note, job.ended_at) == ("in_progress", "unreachable", None)
    assert whys(ledger) == {"u": "pending"}

    ledger.note_state(shard_id, JobState("completed", 1, 1))
    (ended,) = ledger.jobs("r")
    ledger.note_state(shard_id, JobState("completed", 1, 1))
    assert ledger.jobs("r")[0].ended_at == ended.ended_at is not None
    assert ended.open

    assert collect(ledger, shard_id, {"r.u": ""}) == (1, [])
    assert whys(ledger) == {"u": ""}
    (job,) = ledger.jobs("r")
    assert not job.open
    ledger.note_state(shard_id, JobState("in_progress"))
    assert ledger.jobs("r") == [job]
    (row,) = ledger.iter_rows("r")
    assert (row.batch_id, row.file, row.detail) == ("job-1", "a/r.jsonl", "")


def test_intending_twice_is_one_job(ledger):
    shard_id = plan(ledger, "r", {"u": "q"})
    assert ledger.intend_job(shard_id, "key", "replay")
    before = ledger.jobs("r")
    assert ledger.intend_job(shard_id, "key", "replay")
    assert ledger.jobs("r") == before


def test_adding_answers_twice_changes_nothing(ledger, path):
    shard_id = plan(ledger, "r", {"u1": "q1", "u2": "q2"})
    submit(ledger, shard_id)
    first = collect(ledger, shard_id, {"r.u1": ""})
    before = dump(path)
    lines = [FoundLine(Answer("r.u1", "x", model="m-1", tokens_in=5), "a/r.jsonl", 0, 9)]
    assert ledger.add_answers(shard_id, lines, missing_why="absent", detail="no line") == first
    assert dump(path) == before


def test_r21_of_two_lines_for_one_question_the_last_is_kept_since_the_reader_says_which_counts(ledger):
    shard_id = plan(ledger, "r", {"u": "q"})
    submit(ledger, shard_id)
    lines = [
        FoundLine(Answer("r.u", "label"), "a.jsonl", 10, 9),
        FoundLine(Answer("r.u", why="refused", detail="x" * 1_000), "a.jsonl", 0, 9),
    ]
    assert ledger.add_answers(shard_id, lines, missing_why="absent") == (1, [])
    (row,) = ledger.iter_rows("r")
    assert (row.why, row.offset, len(row.detail)) == ("refused", 0, 500)


def test_lines_that_nobody_asked_for_are_reported(ledger):
    shard_id = plan(ledger, "r", {"u": "q"})
    other = plan(ledger, "s", {"u": "other"})
    submit(ledger, shard_id)
    assert collect(ledger, shard_id, {"r.u": "", "stranger": "", "s.u": ""}) == (1, ["stranger", "s.u"])
    assert whys(ledger, "s") == {"u": "pending"}
    assert ledger.jobs("s")[0].shard_id == other


@pytest.mark.parametrize("missing", ["expired", "cancelled", "failed", "absent"])
def test_a_question_without_a_line_gets_the_reason_of_its_job(ledger, missing):
    shard_id = plan(ledger, "r", {"u1": "q1", "u2": "q2"})
    submit(ledger, shard_id)
    assert collect(ledger, shard_id, {"r.u1": ""}, missing=missing) == (1, [])
    assert whys(ledger) == {"u1": "", "u2": missing}
    _, row = ledger.iter_rows("r")
    assert (row.file, row.detail) == (None, "no line")


@pytest.mark.parametrize("first", [*ANSWERED[1:], *UNANSWERED])
def test_a_retried_question_takes_the_label_and_keeps_it(ledger, first):
    shard_id = plan(ledger, "r", {"u": "q"})
    submit(ledger, shard_id)
    collect(ledger, shard_id, {"r.u": first})
    assert whys(ledger) == {"u": first}
    ((custom_id, request_key, sent_as, run, file, sha256),) = ledger.rows_to_retry("r", [first])
    shard = make_shard("r", 1, 1)
    assert (custom_id, request_key, sent_as, run) == ("r.u", key("q"), "r.u", "r")
    assert (file, sha256) == (shard.path.name, shard.sha256)

    again = retry(ledger, "r", "r.u", "q")
    assert whys(ledger) == {"u": "pending"}
    assert ledger.rows_to_retry("r", [first]) == []
    submit(ledger, again)
    collect(ledger, again, {"r.u": ""})
    assert whys(ledger) == {"u": ""}

    third = retry(ledger, "r", "r.u", "q")
    assert whys(ledger) == {"u": ""}
    submit(ledger, third)
    collect(ledger, third, {"r.u": "failed"})
    assert whys(ledger) == {"u": ""}


def test_without_a_label_the_newest_answer_with_a_line_stands(ledger):
    shard_id = plan(ledger, "r", {"u": "q"})
    for why in ("failed", "refused"):
        submit(ledger, shard_id)
        collect(ledger, shard_id, {"r.u": why})
        assert whys(ledger) == {"u": why}
        shard_id = retry(ledger, "r", "r.u", "q")
    submit(ledger, shard_id)
    collect(ledger, shard_id, {}, missing="expired")
    assert whys(ledger) == {"u": "refused"}


# --- paying once


def test_a_question_that_is_open_is_not_asked_by_another_run(ledger):
    shard_id = plan(ledger, "r", {"u": "q"})
    submit(ledger, shard_id)
    assert ledger.asked_among([key("q")], "replay")
    assert plan(ledger, "s", {"v": "q"}) == 0
    assert ledger.jobs("s") == []
    assert (ledger.awaited_runs("s"), ledger.awaited_runs("r")) == (["r"], [])
    assert whys(ledger, "s") == {"v": "pending"}
    collect(ledger, shard_id, {"r.u": ""})
    assert whys(ledger, "s") == {"v": ""}
    assert ledger.awaited_runs("s") == []


@pytest.mark.parametrize("why", [*ANSWERED, *UNANSWERED])
def test_only_a_question_without_an_answer_is_asked_again(ledger, why):
    assert not ledger.asked_among([key("q")], "replay")
    shard_id = plan(ledger, "r", {"u": "q"})
    submit(ledger, shard_id)
    collect(ledger, shard_id, {"r.u": why})
    assert bool(ledger.asked_among([key("q")], "replay")) == (why in ANSWERED)
    again = plan(ledger, "s", {"v": "q"})
    assert bool(again) == (why not in ANSWERED)
    if again:
        assert whys(ledger, "r") == {"u": why}, "planned is not asked"
        submit(ledger, again)
        assert whys(ledger, "r") == {"u": "pending"}
        collect(ledger, again, {"s.v": ""})
        assert whys(ledger, "r") == {"u": ""}
    assert whys(ledger, "s") == {"v": "" if again else why}


def test_a_question_without_a_line_is_asked_again(ledger):
    shard_id = plan(ledger, "r", {"u": "q"})
    submit(ledger, shard_id)
    collect(ledger, shard_id, {}, missing="expired")
    assert not ledger.asked_among([key("q")], "replay")


# --- cancel


def test_shards_that_were_never_sent_are_given_up(ledger):
    sent = plan(ledger, "r", {"u1": "q1"})
    plan(ledger, "r", {"u2": "q2"}, number=2)
    plan(ledger, "s", {"v": "other"})
    submit(ledger, sent)
    assert ledger.close_unsent("r") == 1
    assert ledger.close_unsent("r") == 0
    assert whys(ledger) == {"u1": "pending", "u2": "cancelled"}
    assert whys(ledger, "s") == {"v": "pending"}
    assert [(job.state, job.open) for job in ledger.jobs("r")] == [("validating", True), ("cancelled", False)]
    assert not ledger.asked_among([key("q2")], "replay")
    assert [row.custom_id for row in ledger.rows_to_retry("r", ["cancelled"])] == ["r.u2"]


def test_a_shard_that_was_given_up_gets_no_job(ledger):
    shard_id = plan(ledger, "r", {"u": "q"})
    ledger.close_unsent("r")
    assert not ledger.intend_job(shard_id, "key", "replay")


def test_giving_up_a_retry_brings_back_what_was(ledger):
    shard_id = plan(ledger, "r", {"u": "q"})
    submit(ledger, shard_id)
    collect(ledger, shard_id, {"r.u": "refused"})
    retry(ledger, "r", "r.u", "q")
    ledger.close_unsent("r")
    assert whys(ledger) == {"u": "refused"}


def test_nothing_is_retried_for_no_reason(ledger):
    shard_id = plan(ledger, "r", {"u": "q"})
    submit(ledger, shard_id)
    collect(ledger, shard_id, {"r.u": "refused"})
    assert ledger.rows_to_retry("r", []) == []
    assert ledger.rows_to_retry("r", ["failed"]) == []
    assert ledger.rows_to_retry("other", ["refused"]) == []


# --- events, and many processes


def test_events_are_kept_in_order(ledger):
    for verb in ("plan", "submit"):
        ledger.note_event("r", verb, "done")
    assert [(verb, what) for _, verb, what in ledger.events("r")] == [("plan", "done"), ("submit", "done")]
    assert ledger.events("s") == []


WRITER = """
import sys
import threading
from pathlib import Path
from codebook.ledger import Ledger, PlannedRow
path, name = Path(sys.argv[1]), sys.argv[2]
for number in range(10):
    with Ledger(path) as ledger:
        ledger.start_run(name, name, "replay")
        rows = [PlannedRow(f"{number}.{place}", str(place), "v", 0, "", "skipped") for place in range(20)]
        ledger.add_planned(name, rows)
        ledger.note_event("all", "write", name)
"""


def test_processes_that_write_at_once_lose_nothing(path):
    names = [f"run{number}" for number in range(4)]
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(path), name]) for name in names]
    assert [writer.wait(300) for writer in writers] == [0] * len(names)
    with Ledger(path) as ledger:
        assert sorted(ledger.runs()) == names
        assert [ledger.n_rows(name) for name in names] == [200] * len(names)
        assert len(ledger.events("all")) == 10 * len(names)


def test_reading_goes_on_while_another_connection_writes(ledger, path):
    plan(ledger, "r", {f"u{n}": f"q{n}" for n in range(5)})
    rows = ledger.iter_rows("r")
    first = next(rows)
    with Ledger(path) as other:
        plan(other, "s", {"v": "q0"})
        other.note_event("s", "plan", "beside")
    assert [first.unit_id, *(row.unit_id for row in rows)] == [f"u{n}" for n in range(5)]
    assert ledger.runs() == ["r", "s"]
