"""A run is discarded: it goes, with its folder; the answers that were paid stay, are read, counted and erased."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from fakes.fake_openai import FakeOpenAI
from fakes.scripted import UNITS, make_book, register
from fakes.service import TEXTS, check_paid, check_sums, finish, lines_of, plan_batch, why_of

from codebook.cli import main
from codebook.errors import BudgetError, ParameterError, RecordError, RunError
from codebook.ledger import Ledger
from codebook.records import Unit
from codebook.run import (
    Run,
    adopt,
    cost_history,
    discard_run,
    erase_unit,
    list_errors,
    list_jobs,
    list_runs,
    list_unknown,
    open_run,
    plan,
    summarise_runs,
)
from codebook.widgets.snapshot import take_snapshot

KEPT = "runs/.kept/one~1"


def paths_in(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def discard_one() -> None:
    assert discard_run("one").startswith("Run one is discarded; its ")


def test_u04_answers_that_were_paid_serve_later_runs(fake: FakeOpenAI, project: Path) -> None:
    first = finish(plan_batch(fake))
    second = finish(plan_batch(fake, TEXTS[:3], run="two"))
    labels = first.table().set_index("unit_id")["label"]
    said = first.discard()
    assert said == f"Run one is discarded; its 6 answers stay with the project, in {KEPT}, and later runs rest on them."
    assert not first.folder.path.exists()
    (shard, result) = [path for path in paths_in(project / KEPT) if "/" in path][::-1]
    assert paths_in(project / KEPT) == sorted(
        [shard, result, "codebook.yaml", "ledger.jsonl", "run.json", "units.jsonl"]
    )
    for run in (second, finish(plan_batch(fake, run="three")), finish(plan_batch(fake))):
        table = run.table().set_index("unit_id")["label"]
        assert table.equals(labels[: len(table)])
        check_sums(run)
    check_paid(fake, 6)


def test_u04_a_kept_answer_is_checked_against_its_digest(fake: FakeOpenAI, project: Path) -> None:
    finish(plan_batch(fake))
    second = finish(plan_batch(fake, run="two"))
    discard_one()
    (path,) = (project / KEPT / "results").glob("*.jsonl")
    path.write_bytes(path.read_bytes().replace(b"coal", b"cool"))
    with pytest.raises(RecordError, match="was changed since it was written"):
        second.table()


def test_u04_a_discarded_run_is_in_no_list_and_its_cost_in_the_sums(fake: FakeOpenAI) -> None:
    finish(plan_batch(fake, [*TEXTS, "[refuse] a"]))
    before = cost_history("day")
    discard_one()
    assert list_runs() == list(summarise_runs()["run"]) == list(list_jobs()["run"]) == list(list_errors()["why"]) == []
    assert list_unknown() == {}
    assert cost_history("day").equals(before)
    assert list(cost_history("run")["run"]) == ["one (discarded)"]
    board = take_snapshot()
    assert (len(board.jobs), len(board.runs), board.runs_all) == (0, 0, ())
    assert board.days["cost"].sum() == before["cost"].sum() > 0
    result = CliRunner().invoke(main, ["status"])
    assert (result.exit_code, result.output) == (0, "No run has a job yet.\n")


def test_u04_the_cap_of_a_run_counts_what_discarded_ones_of_its_name_have_cost(fake: FakeOpenAI) -> None:
    finish(plan_batch(fake))
    with Ledger(open_run("one").folder.ledger_path) as ledger:
        spent = ledger.money("one").spent
    discard_one()
    again = plan_batch(fake, ["Another text."])
    with pytest.raises(BudgetError):
        again.submit(cap=spent * 1.01)
    assert check_sums(finish_with(again, cap=spent * 3)) == {"": 1}


def finish_with(run: Run, **given: Any) -> Run:
    run.submit(**given)
    run.collect()
    return open_run(run.name)


def test_u04_a_question_without_an_answer_is_asked_again_by_a_job_of_its_own_name(fake: FakeOpenAI) -> None:
    finish(plan_batch(fake, ["[500 once] a"]))
    assert discard_run("one").endswith(
        f"its one answer stays with the project, in {KEPT}, and later runs rest on them."
    )
    again = finish(plan_batch(fake, ["[500 once] a"]))
    assert check_sums(again) == {"": 1}
    assert [row.number for row in rows_of(again)] == [2], "the service knows the first job by its number"


def rows_of(run: Run) -> list[Any]:
    with Ledger(run.folder.ledger_path) as ledger:
        return ledger.jobs(run.name)


def test_u04_retry_copies_the_lines_of_a_kept_shard(fake: FakeOpenAI) -> None:
    finish(plan_batch(fake, ["[refuse] a", "b"]))
    second = finish(plan_batch(fake, ["[refuse] a"], run="two"))
    discard_one()
    assert why_of(second) == {"u0": "refused"}
    assert second.retry(["refused"]) == 1
    second.submit()
    sent = [lines_of(fake, batch)[0]["body"] for batch in fake.batches]
    assert sent[0] == sent[1]


def test_u04_a_run_with_jobs_under_way_is_not_discarded(fake: FakeOpenAI) -> None:
    fake.auto = False
    run = plan_batch(fake)
    run.submit()
    mend = r"jobs that are not collected: shard 1 \(batch_\w+\).*`codebook collect one`, or `codebook cancel one`"
    with pytest.raises(RunError, match=mend):
        run.discard()
    fake.settle()
    with pytest.raises(RunError, match=mend):
        run.discard()
    run.collect()
    discard_one()


def test_u04_a_run_is_discarded_twice_under_one_name(fake: FakeOpenAI, project: Path) -> None:
    for n in range(2):
        finish(plan_batch(fake, [f"Text {n}."]))
        discard_run("one")
    assert sorted(path.name for path in (project / "runs/.kept").iterdir()) == ["one~1", "one~2"]
    assert check_sums(finish(plan_batch(fake, ["Text 0.", "Text 1."]))) == {"": 2}
    check_paid(fake, 2, again=1)


def test_u04_files_are_copied_where_the_disk_knows_no_links(
    fake: FakeOpenAI, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = finish(plan_batch(fake))

    def refuse(*_: object) -> None:
        raise OSError("not on this disk")

    monkeypatch.setattr("os.link", refuse)
    run.discard()
    assert check_sums(finish(plan_batch(fake, run="two"))) == {"": 6}
    check_paid(fake, 6)


def test_u04_nobody_can_plan_or_open_what_is_kept(fake: FakeOpenAI) -> None:
    finish(plan_batch(fake))
    discard_one()
    for argument in (".kept/one~1", "one~1"):
        result = CliRunner().invoke(main, ["retry", argument])
        assert result.exit_code == 1
        assert "cannot name a folder" in result.output


def test_u04_nothing_is_discarded_while_an_erasure_is_begun(fake: FakeOpenAI, project: Path) -> None:
    run = finish(plan_batch(fake))
    (project / "runs" / ".erasing.json").write_text("{}")
    with pytest.raises(RunError, match="an erasure was begun and not finished: repeat `codebook erase`"):
        run.discard()
    assert check_sums(open_run("one")) == {"": 6}


def test_u04_a_run_that_rests_on_a_discarded_one_is_taken_to_another_project(
    fake: FakeOpenAI, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish(plan_batch(fake))
    before = finish(plan_batch(fake, run="two")).table()
    discard_one()
    open_run("two").collect()
    monkeypatch.setenv("CODEBOOK_PROJECT", str(tmp_path / "other"))
    for place, name in (("two", "two"), (".kept/one~1", "left")):
        shutil.copytree(project / "runs" / place, tmp_path / "other" / "runs" / name)
    with pytest.raises(ParameterError, match=r"adopt .kept/one~1 first \(.* under a name of its own, and adopt it so"):
        adopt("two")
    adopt("left")
    assert adopt("two").table().equals(before)
    assert cost_history("run")["cost"].sum() > 0


# --- erasure


@pytest.mark.parametrize("others", [False, True])
def test_u04_an_erasure_reaches_what_is_kept(project: Path, monkeypatch: pytest.MonkeyPatch, *, others: bool) -> None:
    register(monkeypatch)
    units = [*UNITS, Unit("person-x", "Grete Minde burnt the town of Tangermuende.")]
    one = plan(make_book("topic", "frames"), units, run="one", engine="scripted")
    finish(one)
    if others:
        finish(plan(make_book("topic"), units[3:], run="two", engine="scripted"))
    discard_one()
    erasure = erase_unit("person-x")
    assert "  one (discarded): 1 unit, " in str(erasure)
    needles = (b"person-x", b"Grete", b"Tangermuende")
    files = [path for path in (project / "runs").rglob("*") if path.is_file()]
    assert [path.name for path in files if any(needle in path.read_bytes() for needle in needles)] == []
    later = finish(plan(make_book("topic"), UNITS, run="three", engine="scripted"))
    assert check_sums(later) == {"": 6}
    assert rows_of(later) == [], "the answers about the others are still there"
    if others:
        assert check_sums(open_run("two")) == {"": 3}


def test_u04_an_erasure_of_what_only_a_discarded_run_held_keeps_the_answers_that_others_need(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(monkeypatch)
    text = "Grete Minde burnt the town of Tangermuende."
    finish(plan(make_book("topic"), [*UNITS, Unit("person-x", text)], run="one", engine="scripted"))
    two = finish(plan(make_book("topic"), [Unit("twin", text)], run="two", engine="scripted"))
    before = two.table()
    discard_one()
    erase_unit("person-x")
    assert open_run("two").table().equals(before)
    files = [path for path in (project / "runs").rglob("*") if path.is_file()]
    assert [path.name for path in files if b"person-x" in path.read_bytes()] == []


# --- a folder that is gone, and a death


def test_u04_a_run_whose_folder_is_gone_is_discarded_too(fake: FakeOpenAI, project: Path) -> None:
    run = finish(plan_batch(fake))
    shutil.rmtree(run.folder.path)
    discard_run("one")
    assert not (project / "runs/.kept").exists()
    assert list(cost_history("run")["run"]) == ["one (discarded)"]
