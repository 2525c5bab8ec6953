"""Widgets for notebooks: views of frames, which show the same as a plain table where there is no front end.

In come the frames of the project; out go boards with what can be done, tables in words, cards of units, and the form
in which a person codes them. Open `board.py` first, then `actions.py`; `unit_viewer.py` for the cards, `coding_form.py`
for the form.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from codebook.errors import RunError
from codebook.ground.lazy_rooms import lazy_names
from codebook.run import open_run, summarise_runs
from codebook.widgets.board import Board

if TYPE_CHECKING:
    from codebook.widgets.coding_form import CodingForm, show_coding_form
    from codebook.widgets.histories import HistoryView, show_costs, show_errors, show_runs
    from codebook.widgets.unit_viewer import UnitViewer, show_units
else:
    __getattr__, __dir__ = lazy_names(__name__)

__all__ = [
    "Board",
    "CodingForm",
    "HistoryView",
    "UnitViewer",
    "show_coding_form",
    "show_costs",
    "show_dashboard",
    "show_errors",
    "show_runs",
    "show_status",
    "show_units",
]


def show_dashboard(run: str = "") -> Board:
    """Show all jobs of the project: states, expected ends, rates, errors and money; refresh, filter, cancel, collect.

    Parameters
    ----------
    run
        One run in its place, as `show_status` shows it.

    Returns
    -------
    Board
        Shows as widgets where a front end is, and as tables elsewhere, as in an executed notebook.

    Examples
    --------
    >>> import codebook as cb
    >>> board = show_dashboard()
    >>> "topics" in repr(board)
    True
    """
    return show_status(run) if run else Board()


def show_status(run: str = "") -> Board:
    """Show one run: how its questions and jobs stand; refresh, cancel, collect and retry.

    Parameters
    ----------
    run
        Its name, which stands for its newest version that was handed in; the newest run of the project where not given.

    Raises
    ------
    RunError
        There is no such run; the runs there are, are listed.

    Examples
    --------
    >>> import codebook as cb
    >>> board = cb.show_status("topics")
    >>> "12 asked = 12 labelled" in repr(board)
    True
    """
    return Board(open_run(run).name if run else _newest_run())


def _newest_run() -> str:
    names = summarise_runs()["run"]
    if names.empty:
        raise RunError("The project has no run yet. To mend: plan one first.")
    return str(names.iloc[0])
