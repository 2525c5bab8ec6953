"""A run that the ledger does not know says so in every verb; it is never shown as done, and no table is lost by it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from fakes.scripted import UNITS, collect_one, make_book

from codebook.cli import main
from codebook.errors import RunError
from codebook.run import Run, list_unknown, open_run, plan
from codebook.run.questions.planner import Planner
from codebook.widgets import show_dashboard

UNKNOWN = "The ledger does not know run '{}'.*codebook adopt runs/{}"


@pytest.fixture
def run(project: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    return collect_one(monkeypatch)


def command(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


def _delete(run: Run) -> str:
    run.folder.ledger_path.unlink()
    return "one"


def _empty(run: Run) -> str:
    run.folder.ledger_path.write_bytes(b"")
    return "one"


def _rename(run: Run) -> str:
    run.folder.path.rename(run.folder.path.with_name("two"))
    return "two"


def _copy(run: Run) -> str:
    shutil.copytree(run.folder.path, run.folder.path.with_name("two"))
    return "two"


LOSSES: dict[str, Callable[[Run], str]] = {"deleted": _delete, "empty": _empty, "renamed": _rename, "copied": _copy}


@pytest.mark.parametrize("loss", LOSSES)
def test_r11_every_verb_says_that_the_ledger_does_not_know_the_run(run: Run, loss: str) -> None:
    name = LOSSES[loss](run)
    table = (run.folder.runs / name / "table.csv").read_bytes()
    expected = UNKNOWN.format(name, name)
    opened = open_run(name)
    verbs: list[Callable[[], object]] = [
        *(opened.status, opened.table, opened.codings, opened.coverage, opened.logprobs, opened.totals, opened.costs),
        *(opened.export, opened.dry_run, opened.submit, opened.collect, opened.retry, opened.cancel),
        *(opened.delete_remote, lambda: opened.collect(partial=True), lambda: opened.status(poll=True)),
    ]
    for verb in verbs:
        with pytest.raises(RunError, match=expected):
            verb()
    for words in (["status", name], ["table", name], ["collect", name], ["report", name], ["reliability", name]):
        done = command(*words)
        assert (done.exit_code, "Done" in done.output) == (1, False), words
        assert f"codebook adopt runs/{name}" in done.output
    assert command("table", name, f"runs/{name}/table.csv").exit_code == 1
    assert (run.folder.runs / name / "table.csv").read_bytes() == table
    assert not list((run.folder.runs / name).glob("exports/*"))


def test_r11_a_renamed_run_is_told_its_former_name(run: Run) -> None:
    with pytest.raises(RunError, match=r"Its run\.json calls it 'one': if you renamed it, name it so again"):
        open_run(_rename(run)).status()


def test_r11_the_whole_project_names_what_the_ledger_does_not_know(run: Run) -> None:
    assert list_unknown() == {}
    whole = (["status"], ["costs"], ["errors"], ["cancel", "--all", "--yes"], ["delete-remote", "--all", "--yes"])
    assert [command(*words).exit_code for words in whole] == [0] * 5
    run.folder.ledger_path.unlink()
    for words in whole:
        done = command(*words)
        assert (done.exit_code, "Nothing is under way" in done.output) == (1, False), words
        assert "does not know run 'one' (there is no runs/ledger.db)" in done.output
    board = show_dashboard()
    assert "does not know run &#x27;one&#x27;" in board._repr_html_()
    assert "does not know run 'one'" in str(board)
    assert not run.folder.ledger_path.exists()


def test_r11_a_half_planned_run_has_no_table_and_says_what_to_do(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Planner, "run", _interrupt)
    with pytest.raises(KeyboardInterrupt):
        plan(make_book("tone"), UNITS, run="half", engine="scripted")
    half = open_run("half")
    assert half.status().advice == "It is not planned to its end. Next: repeat the plan; it goes on."
    assert "every question was answered before" not in str(half.status())
    out = run.folder.path / "kept.csv"
    out.write_text("kept")
    done = command("table", "half", str(out))
    assert (done.exit_code, out.read_text()) == (1, "kept")
    assert "repeat the plan" in done.output


def _interrupt(_: Planner) -> None:
    raise KeyboardInterrupt


def test_r11_a_run_is_found_by_the_id_of_its_job(run: Run) -> None:
    job_id = run.status().jobs[0].job_id
    done = command("status", job_id)
    assert (done.exit_code, done.output.splitlines()[0]) == (0, "Run one: scripted, scripted-1")
    assert command("status", "batch_nobody").exit_code == 1
    for verb in ("collect", "retry", "table"):
        assert command(verb, job_id).exit_code == 0, verb
