"""What a board shows: the frames of the project, or of one run, read at one moment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from codebook.run import RunStatus, list_unknown, poll_jobs
from codebook.run.history import is_running
from codebook.run.project.cost_table import sum_costs
from codebook.run.project.ledger_frames import Choice, LedgerFrames, now
from codebook.run.project.overview import choose_jobs, count_errors, sum_runs
from codebook.run.verbs import open_exact
from codebook.widgets.phrases import kind_of_state

if TYPE_CHECKING:
    import pandas as pd

    from codebook.analysis.core.scales import Ints

NEEDED = "needs you first"
SORTS = {
    NEEDED: ("", True),
    "newest first": ("", True),
    "oldest first": ("", False),
    "run": ("run", True),
    "file of units": ("units", True),
    "state": ("state", True),
    "expected end": ("expected_end", True),
    "most failed": ("failed", False),
    "most expensive": ("cost", False),
}
"""How jobs can be ordered: column, and whether the smallest comes first; '' is the order by time of the frame."""
_RANKS = {"bad": 0, "fetch": 0, "runs": 1, "waits": 2, "unsent": 3, "done": 4}

_N_ERRORS = 8


@dataclass(frozen=True)
class Snapshot:
    """Frames read at one moment. `jobs` are the chosen ones; `n_running` counts all, and `runs_all` names all.

    `to_fetch` names the runs with jobs that have ended and are not collected, whatever is chosen. `unknown` says of
    runs whose folders are there that the ledger does not know them.
    """

    jobs: pd.DataFrame
    runs: pd.DataFrame
    errors: pd.DataFrame
    days: pd.DataFrame
    as_of: datetime
    polled: bool
    unreached: dict[str, str]
    n_running: int
    runs_all: tuple[str, ...] = ()
    states_all: tuple[str, ...] = ()
    studies_all: tuple[str, ...] = ()
    units_all: tuple[str, ...] = ()
    to_fetch: tuple[str, ...] = ()
    status: RunStatus | None = None
    unknown: tuple[str, ...] = ()

    def sorted(self, order: str = NEEDED) -> Snapshot:
        """Return the same with its jobs in one of the orders of `SORTS`."""
        column, ascending = SORTS[order]
        if order == NEEDED:
            jobs = self.jobs.iloc[self._ranks().argsort(kind="stable")]
        elif column:
            jobs = self.jobs.sort_values(column, ascending=ascending, kind="stable", na_position="last")
        else:
            jobs = self.jobs.iloc[:: 1 if ascending else -1]
        return replace(self, jobs=jobs)

    def _ranks(self) -> Ints:
        """Of each job: 0 needs a person, 1 runs, 2 waits, 3 was never sent, 4 is done.

        A job that failed needs nobody any more once it is collected and its run has no question left that failed.
        """
        jobs = self.jobs
        kinds = [kind_of_state(*row) for row in jobs[["state", "collected"]].itertuples(index=False, name=None)]
        ranks = np.array([_RANKS[kind] for kind in kinds], dtype=int)
        failing = self.runs.loc[self.runs[["failed", "expired"]].sum(axis=1) > 0, "run"]
        given_up = (jobs["state"] == "cancelled") & (jobs["collected"] | (jobs["job_id"] == ""))
        settled = given_up | (jobs["collected"] & ~jobs["run"].isin(failing))
        return np.where((ranks == 0) & settled, _RANKS["done"], ranks)

    @property
    def says(self) -> tuple[object, ...]:
        """All that an engine can change: equal for two moments between which nothing happened."""
        return tuple(self.jobs[["run", "shard", "state", "done", "failed"]].itertuples(index=False, name=None))


def take_snapshot(
    choice: Choice | None = None, *, poll: bool = False, report: Callable[[int, int], None] | None = None
) -> Snapshot:
    """Read the frames; with `poll` the engines of running jobs are asked first, and `report` hears how far that is."""
    wanted = choice or Choice()
    unreached = poll_jobs(wanted.run, report) if poll else {}
    frames, as_of = LedgerFrames(), now()
    of_run, in_any_state = Choice(wanted.run), replace(wanted, state="")
    whole = choose_jobs(frames, of_run)
    ended = whole["ended"].notna() & ~whole["collected"] & (whole["job_id"] != "")
    return Snapshot(
        jobs=whole if wanted == of_run else choose_jobs(frames, wanted),
        runs=sum_runs(frames, in_any_state),
        errors=count_errors(frames, in_any_state, _N_ERRORS),
        days=sum_costs(frames, "day", replace(in_any_state, since=None, until=None, units="")),
        as_of=as_of,
        polled=poll,
        unreached=unreached,
        n_running=int(is_running(whole).sum()),
        runs_all=tuple(whole["run"].unique()),
        states_all=tuple(sorted(whole["state"].unique())),
        studies_all=tuple(sorted({study for study in whole["study"] if study})),
        units_all=tuple(sorted({units for units in whole["units"] if units})),
        to_fetch=tuple(whole.loc[ended, "run"].unique()),
        status=open_exact(wanted.run).status() if wanted.run else None,
        unknown=() if wanted.run else tuple(list_unknown().values()),
    )
