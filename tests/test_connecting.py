"""A ledger on a medium that cannot be written: read as it is, with what lies beside it, and never changed."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest
from readonly import run_read_only
from scripted import make_book, register

from codebook.errors import RecordError
from codebook.ledger import MIGRATIONS, Ledger, connecting
from codebook.records import Unit, digest_file
from codebook.run import Run, open_run, plan

UNITS = [Unit(f"u{n}", f"Sentence number {n} about coal.") for n in range(6)]


@pytest.fixture
def run(project: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    register(monkeypatch)
    planned = plan(make_book("topic"), UNITS, run="one", engine="scripted")
    planned.submit()
    planned.collect()
    return open_run("one")


def files_of(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): digest_file(path) for path in folder.rglob("*") if path.is_file()}


def test_r16_a_finished_run_is_read_where_nothing_can_be_written(run: Run, project: Path, tmp_path: Path) -> None:
    before = files_of(project)
    out = tmp_path / "out.csv"
    said = run_read_only(
        project, [["status", "one"], ["status"], ["table", "one"], ["table", "one", str(out)], ["costs"]]
    )
    assert [code for code, _ in said] == [0] * 5, said
    assert "6 asked = 6 labelled" in said[0][1]
    assert "completed" in said[1][1]
    assert out.read_bytes() == run.folder.table_path.read_bytes()
    assert files_of(project) == before


def test_r16_changes_that_lie_beside_the_file_are_read_from_a_copy(run: Run, project: Path) -> None:
    """As a killed process leaves it, or a copy that was made while somebody wrote."""
    with Ledger(run.folder.ledger_path) as ledger:
        ledger.note_event("one", "test", "beside")
        for path in run.folder.runs.glob("ledger.db*"):
            shutil.copy(path, project / path.name)
    for path in project.glob("ledger.db*"):
        shutil.copy(path, run.folder.runs / path.name)
    (run.folder.runs / "ledger.db-shm").unlink()
    assert connecting.has_changes_beside(run.folder.ledger_path)
    before = files_of(project)
    ((code, said),) = run_read_only(project, [["status", "one"]])
    assert (code, "6 asked = 6 labelled" in said) == (0, True)
    assert files_of(project) == before


def test_r16_a_ledger_of_old_is_brought_up_to_date_in_a_copy(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("codebook.ledger.book.may_write", lambda _: False)
    monkeypatch.setattr("codebook.ledger.migrations.MIGRATIONS", (*MIGRATIONS, _add_table))
    before = files_of(run.folder.runs)
    with Ledger(run.folder.ledger_path) as ledger:
        assert ledger.path.parent != run.folder.runs
        assert ledger.n_rows("one") == 6
        assert ledger._db.execute("SELECT count(*) FROM new").fetchone() == (0,)
    assert not ledger.path.exists()
    assert files_of(run.folder.runs) == before


def _add_table(db: sqlite3.Connection) -> None:
    db.execute("CREATE TABLE new (a)")


def test_r16_what_would_have_to_be_noted_is_refused_with_the_mend(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("codebook.ledger.book.may_write", lambda _: False)
    with Ledger(run.folder.ledger_path) as ledger, pytest.raises(RecordError, match="copy the whole project"):
        ledger.note_event("one", "test", "nothing")


def test_r16_after_collecting_the_file_of_the_ledger_is_whole_by_itself(run: Run, project: Path) -> None:
    with Ledger(run.folder.ledger_path):  # another process keeps it open, so that nothing is put together at the end
        run.collect()
        assert not connecting.has_changes_beside(run.folder.ledger_path)
        copy = shutil.copy(run.folder.ledger_path, project / "copy.db")
    with Ledger(Path(copy)) as ledger:
        assert ledger.count_whys("one") == {"topic": {"": 6}}
