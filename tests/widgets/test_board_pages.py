"""What a board says and in which order; its marks for those who read it by ear or by keyboard."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
from fakes.scripted import collect_one, make_book, register

from codebook.records import Unit
from codebook.run import plan
from codebook.widgets import Board
from codebook.widgets.board_pages import board_html, board_text, jobs_table
from codebook.widgets.histories import show_costs, show_errors, show_runs
from codebook.widgets.snapshot import Snapshot, take_snapshot
from codebook.widgets.unit_viewer import show_units

LONG = "a_run_that_a_person_named_after_all_that_is_special_about_it_in_seventy_nine_signs"
STANDS = [  # run, state, job id, collected: in the order of time
    ("p", "planned", "", False),
    ("d", "completed", "1", True),
    ("w", "waiting", "", False),
    ("r", "in_progress", "2", False),
    ("lost", "failed", "3", True),
    ("mended", "failed", "4", True),
    ("given up", "cancelled", "", False),
    ("f", "completed", "5", False),
    ("stopped", "cancelled", "6", False),
    ("r2", "validating", "7", False),
]


@pytest.fixture
def snapshot(project: object, monkeypatch: pytest.MonkeyPatch) -> Snapshot:
    register(monkeypatch)
    plan(make_book("topic"), [Unit("a", "A text")], run="one", engine="scripted")
    return take_snapshot()


def with_jobs(snapshot: Snapshot, stands: list[tuple[str, str, str, bool]]) -> Snapshot:
    jobs = pd.concat([snapshot.jobs] * len(stands), ignore_index=True)
    for at, name in enumerate(("run", "state", "job_id", "collected")):
        jobs[name] = [stand[at] for stand in stands]
    runs = pd.concat([snapshot.runs] * len(stands), ignore_index=True).assign(run=jobs["run"])
    return replace(snapshot, jobs=jobs, runs=runs.assign(failed=[int(run == "lost") for run in jobs["run"]]))


def test_what_needs_a_person_comes_first_then_what_runs_waits_and_is_planned_then_what_is_done(snapshot):
    jobs = with_jobs(snapshot, STANDS)
    wanted = ["lost", "f", "stopped", "r", "r2", "w", "p", "d", "mended", "given up"]
    assert list(jobs.sorted().jobs["run"]) == wanted
    assert re.findall(r"<td class=name><div>([^<]+)</div></td><td class=n>", jobs_table(jobs.sorted()).html()) == wanted
    assert [line.split()[0] for line in board_text(jobs).splitlines()[-len(STANDS) :]][:3] == wanted[:3]


def test_by_time_jobs_stand_as_they_were_made_or_planned(snapshot):
    jobs, names = with_jobs(snapshot, STANDS), [stand[0] for stand in STANDS]
    assert list(jobs.sorted("newest first").jobs["run"]) == names
    assert list(jobs.sorted("oldest first").jobs["run"]) == names[::-1]


def test_long_names_break_where_their_parts_end_and_ids_do_not(snapshot):
    html = jobs_table(with_jobs(snapshot, [(LONG, "in_progress", f"batch_{'0' * 32}", False)])).html()
    assert f"<td class=name><div>{LONG.replace('_', '_<wbr>')}</div></td>" in html
    assert f"<td class=id><div>batch_{'0' * 32}</div></td>" in html


def test_a_hostile_name_stays_a_text_where_it_may_break(snapshot):
    evil = f"<img/src=x/onerror=alert(1)>_{'a' * 30}"
    html = jobs_table(with_jobs(snapshot, [(evil, "in_progress", evil, False)])).html()
    assert "<img" not in html
    assert html.count("&lt;img/") == 2


def test_each_table_has_a_caption_and_a_place_for_keys(snapshot):
    html = board_html(snapshot)
    assert html.count("<table><caption>") == html.count("<table>") > 1
    assert html.count('class="cb-scroll" role="region" tabindex="0" aria-label="') == html.count("<table>")
    assert re.search(r"<dl class=\"cb-facts\"><div><dt>never sent</dt><dd>1</dd>", html)


def widgets_of(box: Any) -> list[Any]:
    return [box, *(inner for child in getattr(box, "children", ()) for inner in widgets_of(child))]


def test_board_and_viewer_say_what_changes_and_what_to_do_without_a_kernel(project, monkeypatch):
    run = collect_one(monkeypatch)
    board = Board("one")
    viewer = show_units(run.codings())
    for controls, live in ((board.controls, ("as_of", "message")), (viewer.controls, ("count", "message"))):
        assert all("cb-live" in getattr(controls, name)._dom_classes for name in live)
        every = widgets_of(controls.box)
        assert [widget for widget in every if "Run this cell again." in str(getattr(widget, "value", ""))]
        (guard,) = [widget for widget in every if hasattr(widget, "outputs")]
        assert "aria-live" in guard.outputs[0]["data"]["application/javascript"]
    assert {"cb-no"} & set(board.controls.no._dom_classes)
    board.close()


def test_runs_errors_and_costs_are_shown_in_words_and_keep_their_frames(project, monkeypatch):
    register(monkeypatch)
    units = [*(Unit(f"u{n}", f"Text {n}") for n in range(3)), Unit("b", "[500]"), Unit("c", "[outside]")]
    run = plan(make_book("topic"), units, run="one", engine="scripted")
    run.submit()
    run.collect()
    runs, errors, costs = show_runs(), show_errors(), show_costs("model")
    assert (len(runs.frame.columns), len(errors.frame.columns)) > (25, 8)
    assert costs.frame.loc[0, "model"] == "scripted-1"
    for view, most in ((runs, 9), (errors, 6), (costs, 6)):
        html = view._repr_html_()
        assert 2 <= html.count("<th ") <= most
        assert not re.search(r"NaN|NaT|None|\+00:00|\.\d{7}", f"{html}{view!r}")
    assert ">1 invalid, 1 failed</div>" in runs._repr_html_() or ">1 failed, 1 invalid</div>" in runs._repr_html_()
    assert "60.0 % of what ended" in repr(runs)
    assert "500: as the text orders" in repr(errors)
    assert repr(show_costs(run="none")) == "There are no answers yet."
