"""A ledger on a medium that cannot be written: read as it is, with what lies beside it, and never changed."""

from __future__ import annotations

import shutil
import sqlite3
import tarfile
from pathlib import Path

import pandas as pd
import pytest
from fakes.scripted import UNITS, collect_one
from readonly import run_read_only

import codebook as cb
from codebook.errors import RecordError
from codebook.files.lines import digest_file
from codebook.ledger import MIGRATIONS, Ledger, connecting
from codebook.run import Run


@pytest.fixture
def run(project: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    return collect_one(monkeypatch)


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


def test_a_run_on_a_full_disk_is_read_and_a_write_says_that_it_is_full(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a disk without a free byte SQLite cannot read either, unless it is told that nobody writes."""
    room = shutil.disk_usage(project)._replace(free=0)
    monkeypatch.setattr(connecting.shutil, "disk_usage", lambda _: room)
    assert "6 asked = 6 labelled" in str(cb.open_run("one").status())
    assert len(cb.open_run("one").table()) == 6
    with Ledger(project / "runs" / "ledger.db") as ledger:
        assert ledger.read_only
        with pytest.raises(OSError, match="No space left"), ledger.transaction():
            pass
    monkeypatch.setattr(connecting.shutil, "disk_usage", lambda _: room._replace(total=0, used=0))
    with Ledger(project / "runs" / "ledger.db") as ledger:
        assert not ledger.read_only, "a folder of a network that does not tell its size is no full disk"


@pytest.mark.slow
def test_r16_the_report_of_a_run_that_cannot_be_written_goes_elsewhere(run: Run, project: Path, tmp_path: Path) -> None:
    run.coverage().save()
    cb.write_report("one")
    methods = run.folder.path / "outputs" / "methods.md"
    methods.write_text("What a person wrote.")
    before, out = files_of(project), tmp_path / "out"
    commands = [["report", "one", "--out", str(out)], ["report", "one"], ["collect", "one"]]
    written, *refused = run_read_only(project, commands)
    assert written[0] == 0, written
    assert [code for code, _ in refused] == [1, 1]
    assert "runs/one cannot be written. To mend: give another folder for the report" in refused[0][1]
    assert "runs/one cannot be written, only read. To mend: copy the whole project" in refused[1][1]
    page = (out / "report.html").read_text()
    assert "Coverage" in page
    assert "What a person wrote." in page
    assert {path.name for path in (out / "outputs").iterdir()} >= {"coverage.csv", "methods.md", "checklist.csv"}
    assert files_of(project) == before
    (out / "outputs" / "methods.md").write_text("What a person wrote there.")
    cb.write_report("one", out=out)
    assert "What a person wrote there." in (out / "report.html").read_text()


@pytest.mark.slow
def test_r16_a_study_is_packed_and_read_on_another_machine(run: Run, project: Path, tmp_path: Path) -> None:
    """The whole folder of the project, unpacked elsewhere where nothing can be written."""
    with tarfile.open(tmp_path / "study.tar", "w") as tar:
        tar.add(project, "study")
    with tarfile.open(tmp_path / "study.tar") as tar:
        tar.extractall(tmp_path / "elsewhere", filter="tar")
    table, unpacked, out = run.folder.table_path.read_bytes(), tmp_path / "elsewhere" / "study", tmp_path / "out"
    shutil.rmtree(project)
    commands = [
        ["status", "one"],
        ["table", "one", str(out / "table.csv")],
        ["reliability", "one"],
        ["report", "one", "--out", str(out)],
    ]
    before = files_of(unpacked)
    said = run_read_only(unpacked, commands)
    assert [code for code, _ in said] == [0] * 4, said
    assert (out / "table.csv").read_bytes() == table
    assert (out / "report.html").is_file()
    assert files_of(unpacked) == before


@pytest.mark.slow
def test_r16_a_run_is_replayed_from_a_folder_that_cannot_be_written(run: Run, project: Path, tmp_path: Path) -> None:
    fresh = tmp_path / "fresh"
    (fresh / "data").mkdir(parents=True)
    (fresh / "study.yaml").write_text("study: again\n")
    shutil.copy(run.folder.codebook_path, fresh / "codebook.yaml")
    rows = "".join(f"{unit.unit_id},{unit.text}\n" for unit in UNITS)
    (fresh / "data" / "texts.csv").write_text(f"id,text\n{rows}")
    archive = ["--engine", "replay", "--archive", str(run.folder.path)]
    commands = [["plan", "--run", "again", *archive], ["submit", "again"], ["collect", "again"]]
    said = run_read_only(project, commands, CODEBOOK_PROJECT=str(fresh))
    assert [code for code, _ in said] == [0] * 3, said
    again = pd.read_csv(fresh / "runs" / "again" / "table.csv")
    assert again["label"].tolist() == run.table()["label"].tolist()


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
