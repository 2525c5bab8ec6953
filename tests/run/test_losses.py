"""The folder of a run is removed by hand: what other runs rest on is said to be lost, and asked again on demand."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from fakes.fake_openai import FakeOpenAI
from fakes.scripted import UNITS, asked_lines, make_book, register
from fakes.service import TEXTS, check_paid, check_sums, detail_of, finish, plan_batch

from codebook.cli import main
from codebook.errors import RecordError
from codebook.ledger import Ledger
from codebook.run import Run, cost_history, discard_run, list_errors, open_run, plan, summarise_runs

SAID = "paid, lost with runs/one"


@pytest.fixture
def two(fake: FakeOpenAI) -> Run:
    """A run of five units, of which three rest on answers that another one was given."""
    finish(plan_batch(fake, TEXTS[:3]))
    return finish(plan_batch(fake, [*TEXTS[:3], "More.", "And more."], run="two"))


def remove_one(run: Run) -> Path:
    """Move the folder of the other run away."""
    return shutil.move(run.folder.runs / "one", run.folder.runs.parent / "elsewhere")


def test_r53_status_table_coverage_and_retry_tell_one_story(fake: FakeOpenAI, two: Run) -> None:
    remove_one(two)
    spent = cost_history("day")["cost"].sum()
    assert check_sums(two) == {"": 2, "absent": 3}
    assert [detail_of(two)[f"u{n}"] for n in range(5)] == [SAID] * 3 + [""] * 2
    two.collect()
    assert check_sums(open_run("two")) == {"": 2, "absent": 3}
    row = summarise_runs(run="two").iloc[0]
    assert (row["labelled"], row["absent"]) == (2, 3)
    assert list(list_errors()["detail"]) == [SAID]
    assert cost_history("day")["cost"].sum() == spent > 0, "it was paid all the same"
    assert "3 paid, and lost: retry leaves them out unless told `--why absent`" in str(two.status())
    assert (two.retry(), two.logprobs().empty) == (0, True)
    assert two.retry(["absent"]) == 3
    assert check_sums(two) == {"": 2, "pending": 3}
    assert check_sums(finish(two)) == {"": 5}
    assert sum(fake.billed.values()) == 8


def test_r53_a_plan_asks_nothing_that_was_paid_and_is_lost_and_claims_no_answer(fake: FakeOpenAI, two: Run) -> None:
    remove_one(two)
    three = plan_batch(fake, TEXTS[:3], run="three")
    assert check_sums(three) == {"absent": 3}
    assert "nothing to send: every question was asked before" in str(three.status())
    assert three.status().fruitless
    result = CliRunner().invoke(main, ["retry", "three", "--why", "absent"])
    assert "3 questions will be asked again" in result.output
    assert check_sums(finish(three)) == {"": 3}
    assert check_sums(two) == {"": 5}, "the answers serve whoever asked the same"


def test_r53_a_folder_that_comes_back_is_as_it_was_and_spares_what_was_planned_again(
    fake: FakeOpenAI, two: Run
) -> None:
    before = two.table()
    elsewhere = remove_one(two)
    assert two.retry(["absent"]) == 3
    shutil.move(elsewhere, two.folder.runs / "one")
    assert two.table().equals(before)
    two.submit()
    assert check_sums(two) == {"": 5}
    check_paid(fake, 5)
    assert [job.state for job in open_run("two").status().jobs] == ["completed", "not needed"]
    remove_one(two)
    assert check_sums(two) == {"": 2, "absent": 3}


def test_r53_a_run_that_is_planned_again_fetches_what_the_service_still_has(fake: FakeOpenAI, two: Run) -> None:
    before = two.table()
    shutil.rmtree(two.folder.runs / "one")
    again = plan_batch(fake, TEXTS[:3])
    assert check_sums(again) == {"absent": 3}
    again.collect()
    assert check_sums(open_run("one")) == {"": 3}
    assert two.table().equals(before)
    check_paid(fake, 5)


def test_r53_a_file_that_is_missing_in_a_folder_that_is_there_is_an_error(two: Run) -> None:
    for name in ("one", "two"):
        (path,) = (two.folder.runs / name / "results").glob("*.jsonl")
        aside = path.rename(two.folder.runs.parent / path.name)
        with pytest.raises(RecordError, match="is gone"):
            two.table()
        aside.rename(path)
    assert check_sums(two) == {"": 5}


def test_r53_what_failed_stays_what_it_was(fake: FakeOpenAI) -> None:
    finish(plan_batch(fake, ["[500 once] a", "[refuse] b"]))
    two = finish(plan_batch(fake, ["[refuse] b"], run="two"))
    shutil.rmtree(two.folder.runs / "one")
    assert check_sums(two) == {"absent": 1}
    three = plan_batch(fake, ["[500 once] a"], run="three")
    assert check_sums(finish(three)) == {"": 1}


def test_r53_what_nobody_was_paid_for_is_asked_again_by_itself(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch)
    finish(plan(make_book("topic"), UNITS[:4], run="one", engine="scripted"))
    two = finish(plan(make_book("topic"), UNITS[:4], run="two", engine="scripted"))
    shutil.rmtree(project / "runs" / "one")
    assert check_sums(two) == {"absent": 4}
    assert set(detail_of(two).values()) == {"lost with runs/one"}
    assert two.retry() == 4
    assert check_sums(finish(two)) == {"": 4}
    assert len(asked_lines(project)) == 4


def test_r53_a_lost_run_can_be_discarded_and_then_its_folder_means_nothing(fake: FakeOpenAI, two: Run) -> None:
    elsewhere = remove_one(two)
    assert discard_run("one") == "Run one is discarded."
    shutil.move(elsewhere, two.folder.runs / "one")
    assert check_sums(two) == {"": 2, "absent": 3}
    with Ledger(two.folder.ledger_path) as ledger:
        assert ledger._db.execute("SELECT count(*) FROM lost").fetchone() == (0,)


def test_r53_what_is_kept_of_a_discarded_run_can_be_lost_too(fake: FakeOpenAI, two: Run) -> None:
    discard_run("one")
    shutil.rmtree(two.folder.runs / ".kept")
    assert check_sums(two) == {"": 2, "absent": 3}
    assert detail_of(two)["u0"] == "paid, lost with runs/.kept/one~1"
