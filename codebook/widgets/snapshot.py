"""What a board shows: the frames of the project, or of one run, read at one moment."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from codebook.run import (
    RunStatus,
    cost_history,
    list_errors,
    list_jobs,
    list_unknown,
    poll_jobs,
    summarise_runs,
)
from codebook.run.history import is_running
from codebook.run.project.ledger_frames import Choice, now
from codebook.run.verbs import open_exact

if TYPE_CHECKING:
    import pandas as pd

SORTS = {
    "newest first": ("created", False),
    "oldest first": ("created", True),
    "run": ("run", True),
    "file of units": ("units", True),
    "state": ("state", True),
    "expected end": ("expected_end", True),
    "most failed": ("failed", False),
    "dearest": ("cost", False),
}
"""How jobs can be ordered: column, and whether the smallest comes first."""

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

    def sorted(self, order: str) -> Snapshot:
        """Return the same with its jobs in one of the orders of `SORTS`."""
        column, ascending = SORTS[order]
        jobs = self.jobs.sort_values(column, ascending=ascending, kind="stable", na_position="first")
        if column != "created":
            jobs = self.jobs.sort_values(column, ascending=ascending, kind="stable", na_position="last")
        return replace(self, jobs=jobs)

    @property
    def says(self) -> tuple[object, ...]:
        """All that an engine can change: equal for two moments between which nothing happened."""
        return tuple(self.jobs[["run", "shard", "state", "done", "failed"]].itertuples(index=False, name=None))


def take_snapshot(choice: Choice | None = None, *, poll: bool = False) -> Snapshot:
    """Read the frames; with `poll` the engines of running jobs are asked first.

    Raises
    ------
    CodebookError
        The ledger is damaged, or the run is not there.
    """
    wanted = choice or Choice()
    unreached = poll_jobs(wanted.run) if poll else {}
    whole, as_of = list_jobs(run=wanted.run), now()
    study = {"study": wanted.study, "engine": wanted.engine}
    when = {"since": wanted.since, "until": wanted.until, "units": wanted.units}
    everything = not (wanted.state or wanted.study or wanted.since or wanted.until or wanted.units)
    ended = whole["ended"].notna() & ~whole["collected"] & (whole["job_id"] != "")
    jobs = whole if everything else list_jobs(run=wanted.run, state=wanted.state, **study, **when)  # type: ignore[arg-type]
    runs = summarise_runs(run=wanted.run, **study, **when)  # type: ignore[arg-type]
    return Snapshot(
        jobs=jobs,
        runs=runs,
        errors=list_errors(limit=_N_ERRORS, run=wanted.run, **study, **when),  # type: ignore[arg-type]
        days=cost_history(run=wanted.run, **study),
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
