"""The scripted engine does what the texts and the marker files order, and notes whom it answered."""

from __future__ import annotations

from pathlib import Path

import pytest

from codebook.records import Unit
from codebook.run import Run, plan
from fakes.scripted import MODEL, Scripted, asked_lines, collect_one, make_book, register, result_ids


@pytest.fixture
def run(project: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    register(monkeypatch)
    orders = ["refuse", "truncate", "filter", "outside", "notjson", "empty", "400", "500", "expired", "drop", "twice"]
    units = [Unit(order, f"[{order}] coal") for order in [*orders, "stranger", "500 once"]]
    return plan(make_book("topic"), [*units, Unit("plain", "coal")], run="one", engine="scripted")


def test_each_order_has_its_why(run: Run) -> None:
    run.submit()
    run.collect()
    whys = run.table().set_index("unit_id")["why"].dropna().to_dict()
    assert whys == {
        "refuse": "refused",
        "truncate": "truncated",
        "filter": "refused",
        "outside": "invalid",
        "notjson": "invalid",
        "empty": "invalid",
        "400": "failed",
        "500": "failed",
        "expired": "expired",
        "drop": "absent",
        "500 once": "failed",
    }
    assert run.retry() > 0
    run.submit()
    run.collect()
    again = run.table().set_index("unit_id")["why"]
    assert (again["500"], again.isna()["500 once"]) == ("failed", True)


def test_whom_it_answered_is_noted_and_lines_are_lost_and_doubled(run: Run) -> None:
    run.submit()
    run.collect()
    asked, found = asked_lines(run.folder.path), result_ids(run.folder.path)
    assert len(asked) == len(set(asked)) == 14
    assert {name: found.count(name) for name in asked if found.count(name) != 1} == {
        name: 0 if ".drop." in name else 2 for name in asked if ".drop." in name or ".twice." in name
    }
    assert set(found) - set(asked) == {"nobody.asked"}


@pytest.mark.parametrize(("marker", "state"), [("hang", "in_progress"), ("hang-1", "in_progress"), ("fail", "failed")])
def test_marker_files_order_the_state_of_a_job(run: Run, marker: str, state: str) -> None:
    (run.folder.path / "work").mkdir(exist_ok=True)
    (run.folder.path / "work" / marker).touch()
    run.submit()
    (job,) = run.status(poll=True).jobs
    assert job.state == state


def test_it_has_one_model_and_answers_the_same_again(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Scripted(project).model == MODEL
    with pytest.raises(AssertionError, match="another"):
        Scripted(project, model="another")
    assert collect_one(monkeypatch).table()["label"].notna().all()
