"""Boards: how the jobs of the project, or of one run, stand, with what can be done about them."""

from __future__ import annotations

import os
import sys
import threading
import weakref
from collections.abc import Callable
from datetime import date, datetime, time
from functools import partial
from importlib.util import find_spec
from typing import Any

from codebook.errors import CodebookError
from codebook.ground.quantities import say_count
from codebook.run.project.ledger_frames import Choice
from codebook.widgets.actions import Question, ask_cancel, ask_retry, collect, collects_itself, say_error
from codebook.widgets.board_pages import (
    N_ROWS,
    as_of_html,
    board_html,
    board_text,
    facts_html,
    history_html,
    jobs_table,
    note_html,
    say_as_of,
    wrap,
)
from codebook.widgets.controls import ALL, Controls
from codebook.widgets.snapshot import Snapshot, take_snapshot
from codebook.widgets.worker import Clock, Worker

_FORMER: weakref.WeakValueDictionary[str, Board] = weakref.WeakValueDictionary()


class Board:
    """A board: widgets in a notebook that runs, and tables elsewhere.

    Everything a button does is done off the kernel's main thread, so that cells go on. Nothing but a button, or the
    refreshing that was switched on, calls a service.

    Parameters
    ----------
    run
        The run it is about; empty for all runs of the project.
    first_s, longest_s
        First and longest pause of the automatic refresh, in seconds.
    collect
        Whether the automatic refresh collects what has ended; runs whose settings say `auto_collect` it always does.

    Examples
    --------
    >>> import codebook as cb
    >>> board = Board("topics")
    >>> "12 asked = 12 labelled" in repr(board)
    True
    """

    def __init__(self, run: str = "", *, first_s: float = 10, longest_s: float = 300, collect: bool = False) -> None:
        self.run = run
        self.pauses = {"first_s": first_s, "longest_s": longest_s}
        self.collects, self.n_rows = collect, N_ROWS
        self.snapshot: Snapshot = take_snapshot(Choice(run=run))
        self._controls: Controls | None = None
        self._worker = Worker()
        self._clock: Clock | None = None
        self._question: Question | None = None
        self._quiet = threading.local()
        self._passing = ""
        if former := _FORMER.pop(run, None):  # the cell was run again
            former.stop()
        _FORMER[run] = self

    # --- as a table

    def __str__(self) -> str:
        return board_text(self.snapshot)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return board_html(self.snapshot)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return bundle(self, lambda: self.controls.box)

    # --- as widgets

    @property
    def controls(self) -> Controls:
        """The widgets; made when first asked for."""
        if self._controls is None:
            self._controls = Controls(whole=not self.run)
            self._controls.fetch.value = self.collects
            self._connect(self._controls)
            self._draw()
        return self._controls

    def _connect(self, controls: Controls) -> None:
        controls.refresh.on_click(
            lambda _: self._begin("asking the services", lambda: self._load(poll=True, report=self._report))
        )
        controls.cancel.on_click(lambda _: self._ask("looking at the run", ask_cancel))
        controls.retry.on_click(lambda _: self._ask("looking at the run", ask_retry))
        controls.collect.on_click(lambda _: self._collect())
        controls.yes.on_click(lambda _: self._answer())
        controls.no.on_click(lambda _: self._drop_question("Nothing was done."))
        controls.more.on_click(lambda _: self._show_all())
        controls.run.observe(lambda _: self._chosen(self._drop_question), "value")
        controls.auto.observe(lambda change: self._start_clock() if change["new"] else self.stop(), "value")
        controls.box.observe(self._count_views, "_view_count")
        read_anew = partial(self._begin, "reading", lambda: self._load(poll=False))
        for control in controls.choosing:
            control.observe(lambda _: self._chosen(read_anew), "value")

    def _count_views(self, change: dict[str, Any]) -> None:
        if change["old"] and not change["new"]:  # its output was cleared, or its cell deleted
            self.stop()

    # --- refreshing

    def refresh(self, *, poll: bool = True) -> None:
        """Read everything anew and show it; with `poll` the services are asked. Waits until that is done."""
        self.wait()
        self._load(poll=poll)

    def start(self) -> None:
        """Refresh again and again in the background, while anything runs."""
        self.controls.auto.value = True

    def _start_clock(self) -> None:
        self._clock = Clock(self._tick, **self.pauses)
        self._clock.start()

    def stop(self) -> None:
        """End the automatic refresh."""
        if self._clock is not None:
            self._clock.stop()
            self._clock = None
        if self._controls is not None:
            self._controls.auto.value = False

    def close(self) -> None:
        """End the automatic refresh and take the widgets away."""
        self.stop()
        if self._controls is not None:
            self._controls.box.close()

    def wait(self, timeout_s: float = 60) -> None:
        """Wait until what a button began is done."""
        self._worker.wait(timeout_s)

    def _tick(self) -> bool | None:
        """One automatic refresh: whether anything changed, or None where nothing runs any more."""
        before = self.snapshot.says
        if not self._worker.do_now(lambda: self._guarded(self._look)):
            return False
        if self.snapshot.n_running or self._wanted():
            return self.snapshot.says != before
        self._say("No job is running any more, so the automatic refresh has ended.")
        self.stop()
        return None

    def _look(self) -> None:
        """Ask the services how jobs stand, and collect what has ended where that is wanted, each run by itself."""
        self._load(poll=True)
        if wanted := self._wanted():
            messages = [_try_collecting(name) for name in wanted]
            self._finish("\n".join(messages))

    def _wanted(self) -> list[str]:
        """The runs whose jobs have ended and that are to be collected without asking."""
        every = self.controls.fetch.value
        return [name for name in self.snapshot.to_fetch if every or collects_itself(name)]

    def _load(self, *, poll: bool, report: Callable[[int, int], None] | None = None) -> None:
        choice = self._choice()
        self.snapshot = take_snapshot(choice, poll=poll, report=report)
        while self._choice() != choice:  # a person chose something else meanwhile
            choice = self._choice()
            self.snapshot = take_snapshot(choice)
        if self._controls is not None:
            self._draw()

    def _choice(self) -> Choice:
        if self.run or self._controls is None:
            return Choice(run=self.run)
        controls = self._controls
        menus = (controls.state, controls.study, controls.units)
        state, study, units = ("" if menu.value in (ALL, None) else menu.value for menu in menus)
        since, until = _read_day(controls.since.value, time.min), _read_day(controls.until.value, time.max)
        return Choice(state=state, study=study, units=units, since=since, until=until)

    def _chosen(self, follow: Callable[[], None]) -> None:
        """A menu has changed: by a person, unless this thread is drawing."""
        if not getattr(self._quiet, "on", False):
            follow()

    def _show_all(self) -> None:
        self.n_rows = len(self.snapshot.jobs)
        self._draw()

    def _draw(self) -> None:
        controls, snapshot = self.controls, self.snapshot
        self._quiet.on = True  # setting a menu is no choice of a person
        try:
            controls.offer(controls.state, [ALL, *snapshot.states_all])
            controls.offer(controls.study, [ALL, *snapshot.studies_all])
            controls.offer(controls.units, [ALL, *snapshot.units_all])
            controls.offer(controls.run, list(dict.fromkeys([*snapshot.sorted().jobs["run"], *snapshot.runs_all])))
        finally:
            self._quiet.on = False
        controls.as_of.value = note_html(say_as_of(snapshot), kind="")
        controls.more.layout.display = "none" if len(snapshot.jobs) <= self.n_rows else ""
        parts = [as_of_html(snapshot)] * bool(snapshot.unreached or snapshot.unknown)
        parts += [facts_html(snapshot), jobs_table(snapshot.sorted(controls.sort.value), self.n_rows).html()]
        controls.page.value = wrap("".join([*parts, history_html(snapshot)]), style=True)

    # --- acting

    def _ask(self, doing: str, ask: Callable[[str], Question | str]) -> None:
        name = self.run or self.controls.run.value
        if name:
            self._begin(doing, lambda: self._show_question(ask(name)))

    def _show_question(self, question: Question | str) -> None:
        if isinstance(question, str):
            self._drop_question(question)
            return
        self._question = question
        self.controls.show_question(note_html(question.text, kind="cb-note cb-warn"), question.yes)
        self._say("")

    def _drop_question(self, message: str = "") -> None:
        self._question = None
        self.controls.hide_question()
        self._say(message)

    def _answer(self) -> None:
        """Do what was asked, once: the question is gone before it is done."""
        question, self._question = self._question, None
        self.controls.hide_question()
        if question is not None:
            self._begin(f"working on run {question.run}", lambda: self._finish(question.act(question)))

    def _collect(self) -> None:
        name = self.run or self.controls.run.value
        if name:
            self._begin(f"collecting run {name}", lambda: self._finish(collect(name)))

    def _finish(self, message: str) -> None:
        self._load(poll=False)
        self._say(message)

    def _report(self, n_asked: int, n_runs: int) -> None:
        self._doing(f"asking the services: {n_asked:,} of {say_count(n_runs, 'run')}")

    # --- off the main thread

    def _begin(self, doing: str, work: Callable[[], None]) -> None:
        """Do something in the background: buttons rest meanwhile, and what goes wrong is said."""

        def run() -> None:
            try:
                self._guarded(work)
            finally:
                self._rest(False)

        if not self._worker.busy:
            self._rest(True)
            self._doing(doing)
            self._worker.start(run)

    def _guarded(self, work: Callable[[], None]) -> None:
        self._passing = self.controls.message.value
        try:
            work()
        except Exception as error:  # noqa: BLE001  a thread has nobody above it who could say it
            self._say(say_error(error), warn=True)
        else:
            if self.controls.message.value == self._passing:  # nothing else was said
                self._say("")

    def _doing(self, doing: str) -> None:
        """Say what is being done, which is taken away when it is done."""
        self._say(f"{doing} ...")
        self._passing = self.controls.message.value

    def _rest(self, resting: bool) -> None:
        for control in self.controls.acting:
            control.disabled = resting

    def _say(self, text: str, *, warn: bool = False) -> None:
        self.controls.message.value = note_html(text, kind="cb-note cb-warn" if warn else "cb-note") if text else ""


def _read_day(text: str, clock: time) -> datetime | str:
    """The begin or end of a day here, where the kernel runs; what is no day is left for the choice to refuse."""
    try:
        return datetime.combine(date.fromisoformat(text.strip()), clock).astimezone()
    except ValueError:
        return text.strip()


def _try_collecting(name: str) -> str:
    try:
        return collect(name)
    except CodebookError as error:
        return f"{name}: {say_error(error)}"


def has_front_end() -> bool:
    """Whether the cell that runs now was sent by a program that a person looks at, such as JupyterLab.

    Runners (papermill, nbclient, nbconvert) tell the kernel that nobody can answer a prompt; front ends do not. Voila
    runs cells like a runner, and is known by its environment.
    """
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    kernel = getattr(shell, "kernel", None)
    if kernel is None:
        return False
    return bool(getattr(kernel, "_allow_stdin", False)) or "voila" in os.environ.get("SERVER_SOFTWARE", "").lower()


def bundle(shown: Any, make_box: Callable[[], Any]) -> dict[str, Any]:
    """Return what a notebook keeps of an output: the widget, where one can be pressed, beside HTML and text."""
    data = {"text/plain": repr(shown), "text/html": shown._repr_html_()}
    return make_box()._repr_mimebundle_() | data if can_show("ipywidgets") else data


def can_show(package: str) -> bool:
    """Whether a person looks at what this cell shows, and the package that draws it is installed."""
    return has_front_end() and find_spec(package) is not None
