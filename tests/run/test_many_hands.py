"""Two people, or a cron job and a notebook, on one project: real processes; nothing is lost, asked twice or torn."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from fakes.scripted import UNITS, collect_one
from readonly import run_read_only

from codebook.errors import BusyError
from codebook.files.lines import read_lines
from codebook.ground.holding import hold
from codebook.run import open_run

WORK = """
import sys
from fakes.scripted import make_book, register
from codebook.records import Unit
from codebook.run import plan
register()
name, first = sys.argv[1], int(sys.argv[2])
units = [Unit(f"u{n}", f"Sentence number {n} about coal.") for n in range(first, first + 60)]
print("ready", flush=True)
sys.stdin.readline()
for turn in range(2):
    run = plan(make_book("topic"), units[: 30 * (turn + 1)], run=f"{name}{turn}", engine="scripted")
    run.submit()
    run.collect(partial=True)
"""
WRITE = """
import sys
from codebook.ledger import Ledger
from pathlib import Path
with Ledger(Path("runs/ledger.db")) as ledger:
    ledger.note_event("one", "test", "first")
    print("writes", flush=True)
    while True:
        ledger.note_event("one", "test", "x" * 2000)
"""


@contextmanager
def start(code: str, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that has said its first line, and is killed at the end if it is still at work."""
    with subprocess.Popen(
        [sys.executable, "-c", code, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        yield process
        process.kill()


@pytest.mark.slow
def test_two_processes_on_one_project_lose_nothing_and_ask_nothing_twice(project: Path) -> None:
    with (
        start(WORK, "cron", "0") as cron,
        start(WORK, "notebook", "30") as notebook,
    ):  # half of their units are the same
        for process in (cron, notebook):
            assert process.stdin is not None
            process.stdin.write(b"go\n")
            process.stdin.flush()
        assert [process.wait(120) for process in (cron, notebook)] == [0, 0]
    runs = [open_run(f"{name}{turn}") for name in ("cron", "notebook") for turn in range(2)]
    lines = [line["custom_id"] for run in runs for path in run.folder.results.glob("0*") for line in read_lines(path)]
    assert len(lines) == len(set(lines)) == 90
    for run in runs:
        run.collect()
        labels = run.table()["label"]
        assert len(labels) == labels.notna().sum() == 30 * (int(run.name[-1]) + 1)
    with closing(sqlite3.connect(project / "runs" / "ledger.db")) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert db.execute("SELECT count(*) FROM asks WHERE open = 1").fetchone() == (0,)


def test_who_works_on_a_run_is_said_and_looking_is_always_possible(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = collect_one(monkeypatch)
    monkeypatch.setattr("codebook.run.folder.WAIT_S", 0.1)
    with hold(run.folder.path / ".lock", "it", 1):
        for verb in (run.submit, run.collect, run.retry):
            with pytest.raises(
                BusyError, match=r"on run 'one': .+ on this machine \(.+, process \d+\), since .+waited"
            ):
                verb()
        assert run.status().done
        assert len(run.table()) == len(UNITS)
    run.collect()
    assert not (run.folder.path / ".lock.who").exists()


@pytest.mark.slow
def test_who_may_only_read_reads_while_another_process_writes(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = collect_one(monkeypatch)
    with start(WRITE) as writer:
        said = run_read_only(project, [["status", "one"], ["table", "one"], ["costs"]])
        assert writer.poll() is None, "the writer ended"
    assert [code for code, _ in said] == [0, 0, 0], said
    assert "6 asked = 6 labelled" in said[0][1]
    assert len(run.events()) > 3
