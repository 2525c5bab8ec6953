"""Boards without a browser: buttons are clicked and values are read, on runs in several states."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from fakes.scripted import make_book, register

from codebook.errors import RunError, UnreachableError
from codebook.records import Service, Unit
from codebook.run import Run, list_jobs, open_run, plan
from codebook.run.project.overview import choose_jobs
from codebook.shards import Cuts
from codebook.units import open_units
from codebook.widgets import Board, show_dashboard, show_status
from codebook.widgets.board import bundle, has_front_end
from codebook.widgets.board_pages import draw_bars
from codebook.widgets.worker import Clock, Worker

TOPIC = make_book("topic")
MISCHIEF = "<img src=x onerror=alert(1)>"


@pytest.fixture(autouse=True)
def _engine(monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch)


@pytest.fixture(autouse=True)
def _no_threads_left() -> Iterator[None]:
    yield
    left = [thread for thread in threading.enumerate() if thread.name.startswith("codebook-")]
    for thread in left:
        thread.join(10)
    assert not [thread for thread in left if thread.is_alive()]


def plan_run(run: str, units: list[Unit], *, n: int = 100) -> Run:
    return plan(TOPIC, units, run=run, engine="scripted", cuts=Cuts(n_requests=n))


def hang(run: Run) -> Path:
    run.folder.work.mkdir(parents=True, exist_ok=True)
    marker = run.folder.work / "hang"
    marker.touch()
    return marker


@pytest.fixture
def several(project: Path) -> Path:
    """A run with errors, one that runs in two jobs, one that is only planned."""
    done = plan_run("done", [*(Unit(f"u{n}", f"Sentence {n}.") for n in range(4)), Unit("b", "[500 once]")])
    done.submit()
    done.collect()
    running = plan_run("running", [Unit(f"r{n}", f"Text {n}") for n in range(4)], n=2)
    hang(running)
    running.submit()
    plan_run("planned", [Unit("p", "Another text")])
    return project


@pytest.fixture
def boards() -> Iterator[Callable[..., Board]]:
    made: list[Board] = []

    def make(run: str = "", **pauses: float) -> Board:
        made.append(Board(run, **pauses))
        return made[-1]

    yield make
    for board in made:
        clock = board._clock
        board.close()
        board.wait()
        if clock is not None:
            clock.join()


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<style>.*?</style>|<[^>]+>", " ", html, flags=re.DOTALL)).strip()


def click(board: Board, name: str) -> str:
    """Press a button, wait until what it does is done, and return what the board says."""
    getattr(board.controls, name).click()
    board.wait()
    return text_of(board.controls.message.value)


def until(condition: Callable[[], bool], timeout_s: float = 300) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        threading.Event().wait(0.01)


# --- what is shown


def test_without_a_front_end_it_is_the_table(several):
    board = show_dashboard()
    data = board._repr_mimebundle_()
    assert set(data) == {"text/plain", "text/html"}
    html = text_of(data["text/html"])
    for said in ("running 2 in_progress", "0 of 2", "completed", "no service was asked", "as the text orders"):
        assert said in html, said
    assert re.search(r"as of \d\d:\d\d:\d\d", html)
    assert "in_progress" in data["text/plain"]
    assert str(board) == repr(board) == data["text/plain"]


def test_with_a_front_end_the_widget_stands_beside_the_table(several, monkeypatch, boards):
    monkeypatch.setattr("codebook.widgets.board.has_front_end", lambda: True)
    board = boards()
    data = board._repr_mimebundle_()
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == board.controls.box.model_id
    assert "<table>" in data["text/html"]


def test_without_ipywidgets_it_is_the_table(several, monkeypatch):
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    monkeypatch.setattr("codebook.widgets.board.has_front_end", lambda: True)
    assert set(show_dashboard()._repr_mimebundle_()) == {"text/plain", "text/html"}


def test_a_program_without_a_kernel_has_no_front_end():
    assert not has_front_end()
    frame = pd.DataFrame({"a": [1]})
    assert bundle(frame, lambda: None) == {"text/plain": repr(frame), "text/html": frame._repr_html_()}


def test_one_run_is_shown_with_its_counts(several, boards):
    board = boards("running")
    html = text_of(board._repr_html_())
    assert "topic: 4 asked = 0 labelled + 4 pending" in html
    assert "Next: codebook collect running, now or later." in html
    assert "planned" not in text_of(board.controls.page.value)
    assert show_status().run == "planned", "the newest"
    with pytest.raises(RunError, match="plan it first, or open one of"):
        show_status("nowhere")


def test_an_empty_project_says_what_to_do(project, boards):
    board = boards()
    assert "Plan and submit a run" in text_of(board.controls.page.value)
    assert click(board, "cancel") == ""
    assert click(board, "refresh") == ""
    with pytest.raises(RunError, match="plan one first"):
        show_status()


def test_no_text_becomes_markup(several, boards, monkeypatch):
    mischief = {"note": MISCHIEF, "job_id": MISCHIEF, "run": MISCHIEF, "study": MISCHIEF, "engine": MISCHIEF}

    def spoiled(*asked: Any) -> pd.DataFrame:
        return choose_jobs(*asked).assign(**mischief, state=MISCHIEF, model=MISCHIEF)

    monkeypatch.setattr("codebook.widgets.snapshot.poll_jobs", lambda run, report: {MISCHIEF: MISCHIEF})
    monkeypatch.setattr("codebook.widgets.snapshot.choose_jobs", spoiled)
    board = boards()
    board.controls.refresh.click()
    board.wait()
    controls = board.controls
    for html in (board._repr_html_(), controls.page.value, controls.as_of.value, controls.message.value):
        assert "<img" not in html
    assert "&lt;img" in controls.page.value
    assert "<img" not in draw_bars(MISCHIEF, [MISCHIEF] * 2, [1, 2], [MISCHIEF] * 2)


def test_many_jobs_are_shown_when_asked(project, boards):
    plan_run("many", [Unit(f"u{n}", f"Text {n}") for n in range(60)], n=1)
    board = boards()
    assert "50 of 60 shown" in text_of(board.controls.page.value)
    board.controls.more.click()
    assert board.controls.page.value.count("<tr>") > 60
    assert board.controls.more.layout.display == "none"


# --- refresh, filter, sort


def test_refresh_asks_the_engine(several, boards):
    board = boards()
    (several / "runs" / "running" / "work" / "hang").unlink()
    assert "in_progress" in board.controls.page.value
    click(board, "refresh")
    assert "in_progress" not in board.controls.page.value
    assert "to collect" in text_of(board.controls.page.value)
    assert not board.controls.refresh.disabled


def test_refresh_says_how_far_it_is(several, boards):
    board, messages = boards(), []
    board.controls.message.observe(lambda change: messages.append(text_of(change["new"])), "value")
    assert click(board, "refresh") == "", "it is taken away at the end"
    assert messages[:2] == ["asking the services ...", "asking the services: 0 of 1 run ..."]


def test_a_day_that_is_none_is_said(several, boards):
    board = boards()
    choose(board, until="28.12.2026")
    assert "is no date. To mend: write it like 2026-11-21" in text_of(board.controls.message.value)


def test_a_service_out_of_reach_is_said_and_the_last_state_kept(several, boards, monkeypatch):
    def refuse(*_: object) -> None:
        raise UnreachableError("the service does not answer")

    monkeypatch.setattr("fakes.scripted.Scripted.poll", refuse)
    board = boards()
    click(board, "refresh")
    assert "not reached for 1 run: the last known state is shown" in text_of(board.controls.as_of.value)
    assert "in_progress" in board.controls.page.value
    assert "does not answer" in board.controls.page.value


def choose(board: Board, **values: Any) -> list[str]:
    for name, value in values.items():
        getattr(board.controls, name).value = value
        board.wait()
    return list(board.snapshot.jobs["run"].unique())


def test_jobs_are_filtered_and_sorted(several, boards):
    board = boards()
    assert board.controls.state.options == ("all", "completed", "in_progress", "planned")
    assert choose(board, state="in_progress") == ["running"]
    assert board.controls.state.value == "in_progress", "what is chosen stays chosen"
    assert choose(board, state="all", study="debate") == ["planned", "running", "done"]
    today = pd.Timestamp.now().date()
    assert choose(board, since=str(today + timedelta(days=1))) == []
    assert choose(board, since=str(today - timedelta(days=1)), until=str(today)) == ["planned", "running", "done"]
    choose(board, sort="run")
    page = text_of(board.controls.page.value)
    assert page.index("done 1 completed") < page.index("planned 1 planned") < page.index("running 1 in_progress")
    choose(board, sort="newest first")
    page = text_of(board.controls.page.value)
    assert page.index("running 2 in_progress") < page.index("running 1 in_progress") < page.index("done 1 completed")


# --- cancel, collect, retry


def test_cancel_names_what_stops_and_what_it_cost_and_then_stops_it(several, boards):
    board = boards()
    assert board.controls.run.options == ("running", "planned", "done"), "what needs a person first"
    board.controls.run.value = "running"
    assert click(board, "cancel") == ""
    question = text_of(board.controls.question.value)
    assert re.search(r"Cancel run running\? This stops 2 jobs: shard 1, \S+running-1\S+, in_progress", question)
    assert "0 of 2 answered" in question
    assert "It has cost nothing so far" in question
    assert board.controls.yes.description == "Yes, cancel running"
    assert board.controls.ask.layout.display == "flex"
    assert open_run("running").status().n_pending == 4, "one click stops nothing"

    (several / "runs" / "running" / "work" / "hang").unlink()
    click(board, "yes")
    assert board.controls.ask.layout.display == "none"
    assert not [job for job in open_run("running").status().jobs if job.running]


def test_cancelling_what_was_never_sent(several, boards):
    board = boards("planned")
    click(board, "cancel")
    assert "gives up 1 unsent shard" in text_of(board.controls.question.value)
    assert "is cancelled" in click(board, "yes")
    assert "1 asked = 0 labelled + 1 cancelled" in text_of(board.controls.page.value)
    assert click(board, "cancel") == "No job of run planned is running or waiting to be sent."


def test_no_and_another_run_take_the_question_away(several, boards):
    board = boards()
    board.controls.run.value = "running"
    click(board, "cancel")
    assert click(board, "no") == "Nothing was done."
    click(board, "cancel")
    board.controls.run.value = "planned"
    assert board.controls.ask.layout.display == "none"
    click(board, "yes")  # a late click
    assert list_jobs(state="in_progress")["run"].tolist() == ["running"] * 2


def test_a_stale_yes_is_refused(several, boards):
    board = boards("running")
    click(board, "cancel")
    (several / "runs" / "running" / "work" / "hang").unlink()
    open_run("running").status(poll=True)  # it ends while the question stands
    assert "has changed since the question was shown, so nothing was done" in click(board, "yes")
    assert set(list_jobs(run="running")["state"]) == {"completed"}


def test_a_double_click_acts_once(several, boards):
    board = boards("planned")
    click(board, "cancel")
    board.controls.yes.click()
    board.controls.yes.click()
    board.wait()
    with (several / "runs" / "ledger.db").open("rb"):
        assert len(list_jobs(run="planned", state="cancelled")) == 1


def test_collect_says_how_the_run_stands(several, boards):
    board = boards("running")
    (several / "runs" / "running" / "work" / "hang").unlink()
    assert "topic: 4 asked = 4 labelled" in click(board, "collect")
    assert (several / "runs" / "running" / "table.csv").is_file()
    assert "4 asked = 4 labelled" in text_of(board.controls.page.value)


def test_retry_says_how_many_and_asks_again(several, boards):
    board = boards("done")
    assert click(board, "retry") == ""
    assert "Ask 1 question of run done again" in text_of(board.controls.question.value)
    assert board.controls.yes.description == "Yes, ask 1 question again"
    assert "1 question of run done asked again" in click(board, "yes")
    click(board, "collect")
    assert "topic: 5 asked = 5 labelled" in text_of(board.controls.page.value)
    assert "no question that ended without an answer" in click(board, "retry")


# --- working


def test_buttons_rest_and_nothing_freezes_while_it_works(several, boards, monkeypatch):
    go, begun = threading.Event(), threading.Event()

    def slow(run: str) -> str:
        begun.set()
        go.wait(300)
        return "collected"

    monkeypatch.setattr("codebook.widgets.board.collect", slow)
    board = boards("done")
    controls = board.controls
    controls.collect.click()  # returns at once
    assert begun.wait(300)
    assert text_of(controls.message.value) == "collecting run done ..."
    assert all(control.disabled for control in controls.acting)
    controls.refresh.click()
    assert text_of(controls.message.value) == "collecting run done ..."
    go.set()
    board.wait()
    assert text_of(controls.message.value) == "collected"
    assert not any(control.disabled for control in controls.acting)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (RunError("Run x is not there. To mend: plan it."), "Run x is not there. To mend: plan it."),
        (ValueError("odd"), "ValueError: odd"),
        (RunError("refused sk-abcdefghijklmnopqrstuv"), "refused [removed]"),
        (RunError("refused hunter2hunter2"), "refused [removed: MY_API_KEY]"),
    ],
)
def test_an_error_is_a_message_without_traceback_and_key(several, boards, monkeypatch, error, said):
    def fail(run: str) -> str:
        raise error

    board = boards("done")
    monkeypatch.setattr("codebook.widgets.board.collect", fail)
    monkeypatch.setenv("MY_API_KEY", "hunter2hunter2")
    assert click(board, "collect") == said
    assert not board.controls.collect.disabled


# --- automatic refresh


def test_it_refreshes_by_itself_until_nothing_runs(several, boards):
    board = boards(first_s=0.02)
    assert not board.controls.auto.value, "off at the start"
    board.controls.auto.value = True
    clock = board._clock
    until(lambda: board.snapshot.polled)
    assert "in_progress" in board.controls.page.value
    (several / "runs" / "running" / "work" / "hang").unlink()
    until(lambda: not board.controls.auto.value)
    assert "to collect" in text_of(board.controls.page.value)
    assert text_of(board.controls.message.value) == "No job is running any more, so the automatic refresh has ended."
    clock.join()
    assert not clock.alive


@pytest.mark.parametrize("by", ["the box", "the setting"])
def test_the_board_collects_by_itself_what_has_ended_where_that_is_wanted(several, boards, by):
    if by == "the setting":
        open_run("running").collect(partial=True, service=Service(auto_collect=True))
    board = boards(first_s=0.01, longest_s=0.02, collect=by == "the box")
    board.start()
    clock = board._clock
    (several / "runs" / "running" / "work" / "hang").unlink()
    clock.join()
    assert open_run("running").status().n_labelled == 4
    assert "Run running is collected" in text_of(board.controls.message.value) or not board.snapshot.to_fetch
    assert (several / "runs" / "running" / "table.csv").is_file()


def test_jobs_are_chosen_by_the_file_of_their_units(several, boards):
    book = make_book("topic")
    (several / "posts.csv").write_text("id,text\na,A post on coal\n")
    plan(book, open_units("posts.csv", id_column="id", text_column="text"), run="posts", engine="scripted").submit()
    board = boards()
    assert list(board.controls.units.options) == ["all", "posts.csv"]
    board.controls.units.value = "posts.csv"
    board.wait()
    assert set(board.snapshot.jobs["run"]) == set(board.snapshot.runs["run"]) == {"posts"}


@pytest.mark.parametrize("end", ["stop", "close", "switch", "gone from the screen", "cell run again"])
def test_the_automatic_refresh_ends(several, boards, end):
    board = boards(first_s=0.02)
    board.start()
    clock = board._clock
    assert clock.alive
    if end == "switch":
        board.controls.auto.value = False
    elif end == "gone from the screen":
        board.controls.box._view_count = 1
        board.controls.box._view_count = 0
    elif end == "cell run again":
        boards()
    else:
        getattr(board, end)()
    clock.join()
    assert not clock.alive


def test_a_service_out_of_reach_does_not_end_the_refresh(several, boards, monkeypatch):
    monkeypatch.setattr("codebook.widgets.board.take_snapshot", take := FailingOnce())
    board = boards(first_s=0.02)
    board.start()
    until(lambda: take.n > 3)
    assert board._clock.alive


class FailingOnce:
    def __init__(self) -> None:
        self.n = 0

    def __call__(self, *args: Any, **options: Any) -> Any:
        from codebook.widgets.snapshot import take_snapshot

        self.n += 1
        if self.n == 2:
            raise UnreachableError("the ledger is on a disk that is away")
        return take_snapshot(*args, **options)


class Ticks:
    def __init__(self, *answers: bool | None) -> None:
        self.answers, self.pauses = list(answers), []

    def tick(self) -> bool | None:
        self.pauses.append(self.clock.pause_s)
        return self.answers.pop(0)


def test_pauses_grow_while_nothing_changes():
    ticks = Ticks(False, False, False, True, None)
    ticks.clock = Clock(ticks.tick, first_s=0.01, longest_s=0.02)
    ticks.clock.start()
    ticks.clock.join()
    assert ticks.pauses == pytest.approx([0.01, 0.015, 0.02, 0.02, 0.01])


def test_a_clock_ends_with_its_object():
    ticks = Ticks(*[False] * 1000)
    clock = ticks.clock = Clock(ticks.tick, first_s=0.01, longest_s=0.01)
    clock.start()
    del ticks
    clock.join()
    assert not clock.alive


def test_a_worker_does_one_thing_at_a_time():
    worker, go, done = Worker(), threading.Event(), []
    assert worker.start(lambda: done.append(go.wait(300)))
    assert not worker.start(lambda: done.append("second"))
    assert not worker.do_now(lambda: done.append("third"))
    go.set()
    worker.wait()
    assert worker.do_now(lambda: done.append("fourth"))
    assert done == [True, "fourth"]


@pytest.mark.slow
def test_a_program_ends_while_its_board_refreshes(several):
    program = """
from fakes.scripted import register; register()
from codebook.widgets import Board
board = Board(first_s=0.01); board.start()
while not board.snapshot.polled: pass
print("ended")
"""
    done = subprocess.run(
        [sys.executable, "-c", program], env=dict(os.environ), capture_output=True, text=True, timeout=300, check=False
    )
    assert (done.stdout, done.stderr, done.returncode) == ("ended\n", "", 0)
