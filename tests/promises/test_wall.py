"""The wall around the house: however a command ends, a person reads a sentence with a mend; and the log of commands."""

from __future__ import annotations

import errno
import logging
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace as Namespace
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

import codebook
from codebook.cli import main
from codebook.errors import BusyError, MachineError, PendingError, RunError
from codebook.ground import logbook, machine
from codebook.ground.machine import NOTHING_LOST, all_in_words, explain, in_words
from codebook.ledger import Ledger, connecting

Fail = Callable[..., Result]
SECRET = "sk-" + "a1B2c3D4" * 5


def broken_disk(number: int, name: str = "") -> OSError:
    return OSError(number, os.strerror(number), *([name] if name else []))


@pytest.fixture
def fail(project: Path, monkeypatch: pytest.MonkeyPatch) -> Fail:
    """Run a command that ends with the error given."""
    (project / "runs").mkdir()

    def run(error: BaseException, *more: str) -> Result:
        @click.command("fail")
        @click.argument("run", default="")
        @click.option("--text", "text_column", default="")
        @click.option("--why", "whys", multiple=True)
        @click.option("--wait", is_flag=True)
        def broken(**_: object) -> None:
            raise error

        monkeypatch.setitem(main.commands, "fail", broken)
        return CliRunner().invoke(main, ["fail", *more])

    return run


@pytest.mark.parametrize(
    ("error", "problem", "mend"),
    [
        (broken_disk(errno.ENOSPC, "runs/one/table.csv"), "runs/one/table.csv: the disk is full", "free some disk"),
        (broken_disk(errno.EDQUOT), "the disk is full", "free some disk"),
        (broken_disk(errno.EROFS, "a"), "a: it cannot be written there", "name a place that you may write"),
        (broken_disk(errno.EACCES, "a"), "may not read or write", "name a place that you may write"),
        (broken_disk(errno.EROFS, "out/.t.csv.12-34.part"), "out/t.csv: it cannot be written", "name a place"),
        (broken_disk(errno.ENOLCK), "no working locks", "copy the whole project to a local disk"),
        (broken_disk(errno.EIO), "does not answer", "copy the whole project to a local disk"),
        (broken_disk(errno.ENAMETOOLONG, "x" * 300), "name of a file is too long", "shorten the names"),
        (broken_disk(errno.ELOOP, "a"), "links lead back to themselves", "remove the link"),
        (broken_disk(errno.EMFILE), "too many files are open", "close other programs"),
        (MemoryError(), "memory is full", "close other programs, or take fewer units"),
        (sqlite3.OperationalError("database is locked"), "another process holds it", "wait for the other process"),
        (sqlite3.OperationalError("database or disk is full"), "the disk is full", "free some disk"),
        (sqlite3.OperationalError("attempt to write a readonly database"), "cannot be written", "name a place"),
        (sqlite3.OperationalError("disk I/O error"), "no working locks", "copy the whole"),
        (sqlite3.DatabaseError("database disk image is malformed"), "it is damaged", "restore it from a backup"),
    ],
)
def test_r13_what_the_machine_does_not_allow_is_told_with_the_mend(fail: Fail, error, problem, mend) -> None:
    done = fail(error, "one")
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: codebook fail was stopped. ")
    assert problem.lower() in done.stderr.lower()
    assert f"To mend: {mend}" in done.stderr
    assert NOTHING_LOST in done.stderr
    assert "Traceback" not in done.output
    assert "The traceback is in runs/codebook-faults.log" in done.stderr
    assert type(error).__name__ in Path("runs/codebook-faults.log").read_text(encoding="utf-8")


@pytest.mark.parametrize("error", [KeyError("x"), RecursionError("too deep"), sqlite3.ProgrammingError("closed")])
def test_r13_a_fault_of_the_kit_says_so_and_where_its_traceback_is(fail: Fail, error: Exception) -> None:
    done = fail(error)
    assert done.exit_code == 1
    assert f"stopped by a fault of the kit, which your files may have set off ({type(error).__name__}: " in done.stderr
    assert "send that traceback" in done.stderr
    assert NOTHING_LOST in done.stderr
    kept = Path("runs/codebook-faults.log")
    assert "raise error" in kept.read_text(encoding="utf-8")
    assert kept.stat().st_mode & 0o777 == 0o600


def test_r13_an_error_behind_another_one_is_found() -> None:
    error = ValueError("the workbook is not closed")
    error.__context__ = broken_disk(errno.ENOSPC, "a.xlsx")
    assert "the disk is full" in str(explain(error))
    error.__cause__ = ValueError("no")
    assert explain(error) is None
    assert explain(ValueError("no")) is None


def test_a_faulty_statement_is_no_damaged_ledger(project: Path) -> None:
    path = project / "runs" / "ledger.db"
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE runs (run_id TEXT)")
        for statement in ("SELECT nothing FROM runs", "SELEC * FROM runs", "SELECT * FROM none", "SELECT max()"):
            with pytest.raises(sqlite3.OperationalError) as error:
                db.execute(statement)
            assert explain(error.value) is None, statement
            with pytest.raises(sqlite3.OperationalError):
                in_words(db.execute)(statement)
    path.write_bytes(b"SQLite format 3\0" + bytes(4_000))
    assert "the ledger" in str(explain(error.value)).lower()
    assert "it is damaged" in str(explain(error.value))


@pytest.mark.parametrize("place", [["--debug", "fail"], ["fail", "--debug"]])
def test_r13_debug_shows_the_traceback_wherever_it_stands(fail: Fail, place: list[str]) -> None:
    fail(KeyError("x"))
    done = CliRunner().invoke(main, place)
    assert "Traceback (most recent call last)" in done.stderr
    assert "fault of the kit" in done.stderr


def test_r13_ctrl_c_says_that_nothing_is_lost(fail: Fail) -> None:
    done = fail(KeyboardInterrupt())
    assert done.exit_code == 130
    assert done.stderr.strip() == "Stopped. Nothing is lost; run the same command again."


def test_r13_the_kits_own_errors_keep_their_exit_codes(fail: Fail) -> None:
    assert fail(PendingError("come back later")).exit_code == 3
    done = fail(RunError("no such run"))
    assert (done.exit_code, done.stderr) == (
        1,
        "Error: no such run\nMore on such a message: codebook explain RunError\n",
    )


def test_r13_a_broken_pipe_is_no_error(project: Path) -> None:
    program = "from codebook.cli import main; main(['--help'])"
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-c", program], stdout=writer, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writer)
    assert "Traceback" not in done.stderr


def test_r13_the_traceback_goes_to_a_temporary_file_where_runs_cannot_be_written(
    fail: Fail, project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (project / "runs").rmdir()
    assert "codebook-fault-" in fail(KeyError("x")).stderr
    (kept,) = tmp_path.glob("codebook-fault-*.log")
    assert "KeyError" in kept.read_text(encoding="utf-8")
    assert not (project / "runs").exists()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    assert "--debug shows the traceback." in fail(KeyError("x")).stderr


def test_r13_no_key_gets_into_the_file_of_tracebacks(fail: Fail, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_API_KEY", SECRET)
    done = fail(ValueError(f"header {SECRET} refused"))
    assert SECRET not in done.output + Path("runs/codebook-faults.log").read_text(encoding="utf-8")
    assert "[removed: MY_API_KEY]" in done.stderr


# --- the log


def test_r13_the_log_has_a_line_a_command_without_texts_and_keys(fail: Fail) -> None:
    fail(PendingError("come back later"), "one", "--wait", "--text", "A secret text", "--why", "failed")
    fail(KeyboardInterrupt(), "one")
    CliRunner().invoke(main, ["fail", "--unknown", SECRET])
    fail(RunError("no such run"), SECRET)
    CliRunner().invoke(main, ["nothing", SECRET])
    log = Path("runs/codebook.log")
    lines = log.read_text(encoding="utf-8").splitlines()
    assert [line.split("  ")[2:4] for line in lines] == [
        ["codebook fail one --text ... --why failed --wait", "exit 3 (PendingError)"],
        ["codebook fail one", "exit 130 (KeyboardInterrupt)"],
        ["codebook fail", "NoSuchOption"],
        ["codebook fail <RUN>", "exit 1 (RunError)"],
        ["codebook", "NoSuchCommand"],
    ]
    assert all(line.endswith(" s") and line[:2] == "20" for line in lines)
    assert log.stat().st_mode & 0o777 == 0o600


def test_r13_the_log_is_bounded(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "runs").mkdir()
    monkeypatch.setattr(logbook, "MAX_BYTES", 200)
    for number in range(20):
        logbook.note(f"codebook status {number}\nwith a line end", "done", 0.1)
    names = sorted(path.name for path in (project / "runs").iterdir())
    assert names == ["codebook.log", "codebook.old.log"]
    assert all((project / "runs" / name).stat().st_size < 300 for name in names)
    assert "codebook status 19 with a line end  done  0.1 s" in (project / "runs/codebook.log").read_text("utf-8")


def test_r13_tracebacks_can_be_dropped(fail: Fail) -> None:
    assert logbook.drop_tracebacks() == []
    fail(KeyError("a text of a person"))
    assert logbook.drop_tracebacks() == ["runs/codebook-faults.log"]
    assert [path.name for path in Path("runs").iterdir()] == ["codebook.log"]


def test_r13_a_log_that_cannot_be_written_fails_nothing(project: Path) -> None:
    logbook.note("codebook check", "done", 1)
    assert not (project / "runs").exists()
    (project / "runs" / "codebook.log").mkdir(parents=True)
    assert CliRunner().invoke(main, ["status"]).exit_code == 0


# --- verbs in notebooks


def test_r13_verbs_of_notebooks_tell_it_too(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> Any:
        raise broken_disk(errno.ENOSPC, "runs/ledger.db")

    monkeypatch.setattr("codebook.run.project.ledger_frames.open_ledger", broken)
    with pytest.raises(MachineError, match=r"runs/ledger\.db: the disk is full.*\nNothing is lost"):
        codebook.list_jobs()
    assert codebook.list_jobs is codebook.list_jobs
    assert codebook.list_jobs.__doc__ == codebook.run.list_jobs.__doc__  # type: ignore[attr-defined]


def test_r13_every_public_method_of_a_class_tells_it() -> None:
    @all_in_words
    class Verbs:
        def submit(self) -> None:
            raise broken_disk(errno.EROFS)

        @property
        def name(self) -> str:
            return "one"

        def refuse(self) -> None:
            raise ValueError("as it is")

    with pytest.raises(MachineError, match="cannot be written there"):
        Verbs().submit()
    with pytest.raises(ValueError, match="as it is"):
        Verbs().refuse()
    assert Verbs().name == "one"
    with pytest.raises(BrokenPipeError):
        in_words(lambda: (_ for _ in ()).throw(BrokenPipeError(errno.EPIPE, "x")))()
    assert machine.explain(MachineError("known")).args == ("known",)


# --- a ledger that another process holds


def test_r13_a_locked_ledger_is_said_and_not_waited_for_in_silence(
    project: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(connecting, "SAY_AFTER_S", 0.02)
    monkeypatch.setattr(connecting, "WAIT_S", 0.4)
    path = project / "runs" / "ledger.db"
    with (
        caplog.at_level(logging.WARNING, logger="codebook"),
        Ledger(path) as mine,
        Ledger(path) as others,
        others.transaction(),
        pytest.raises(BusyError, match="Another process holds"),
    ):
        mine.start_run("one", "digest", "replay")
    assert [record.getMessage()[:42] for record in caplog.records] == ["Another process holds the ledger (runs/led"]


def test_r13_an_error_of_input_or_output_is_looked_into(fail: Fail, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = sqlite3.OperationalError("disk I/O error")
    broken.sqlite_errorname = "SQLITE_IOERR_WRITE"
    assert "does not answer" in fail(broken).stderr
    broken.sqlite_errorname = "SQLITE_IOERR_SHMSIZE"
    assert "no working locks" in fail(broken).stderr
    monkeypatch.setattr("shutil.disk_usage", lambda path: Namespace(total=10**9, free=4096))
    assert "the disk is full (disk I/O error). To mend: free some disk space" in fail(broken).stderr
