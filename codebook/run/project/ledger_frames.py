"""The ledger of a whole project as frames with times and money, and the choice of what is looked at."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from codebook.engines import About, about_engine
from codebook.errors import Fault, ParameterError
from codebook.files.run_versions import is_wanted
from codebook.ledger import KEPT, Ledger
from codebook.ledger.losses import settle_losses
from codebook.ledger.reports import ANSWER_FIELDS, JOB_FIELDS, report_answers, report_jobs
from codebook.paths import runs_folder
from codebook.run.history import JOB_TIMES, as_times, read_facts
from codebook.run.money import is_free

if TYPE_CHECKING:
    import pandas as pd

Moment = str | date | datetime | None


@dataclass(frozen=True, slots=True)
class Choice:
    """Which jobs or runs are looked at; empty is all. A run stands for its versions, a day for all its hours."""

    run: str = ""
    state: str | Collection[str] = ""
    study: str = ""
    engine: str = ""
    since: Moment = None
    until: Moment = None
    units: str = ""

    def rows(self, frame: pd.DataFrame) -> pd.Series[bool]:
        """Say which rows of a frame are chosen; by time it goes by `began`.

        Raises
        ------
        ParameterError
            `since` or `until` is no date.
        """
        import pandas as pd

        chosen = pd.Series(True, index=frame.index)
        chosen &= frame["run"].map(lambda name: is_wanted(name, self.run)).astype(bool)
        wanted = {"study": self.study, "engine": self.engine, "units": self.units}
        for column, value in wanted.items():
            chosen &= (frame[column] == value) | (value == "")
        if self.state:
            chosen &= frame["state"].isin([self.state] if isinstance(self.state, str) else list(self.state))
        if (start := _moment("since", self.since, last=False)) is not None:
            chosen &= frame["began"] >= start
        if (end := _moment("until", self.until, last=True)) is not None:
            chosen &= frame["began"] < end
        return chosen


@contextmanager
def open_ledger() -> Iterator[Ledger]:
    """Open the ledger of the project; one in memory where the project has none yet, so that reading makes no file."""
    path = runs_folder() / "ledger.db"
    with Ledger(path if path.is_file() else Path(":memory:")) as ledger:
        settle_losses(ledger, is_free)
        yield ledger


class LedgerFrames:
    """What the ledger of a project says of jobs and answers; each frame is read once, when it is first looked at."""

    @cached_property
    def jobs(self) -> pd.DataFrame:
        """See `read_jobs`."""
        with open_ledger() as ledger:
            return read_jobs(ledger)

    @cached_property
    def answers(self) -> pd.DataFrame:
        """See `read_answers`."""
        with open_ledger() as ledger:
            return read_answers(ledger)


def read_jobs(ledger: Ledger) -> pd.DataFrame:
    """Return every shard with its job, newest first, with times as times and what `run.json` says.

    Those of discarded runs are among them, for what they cost and how long they took.
    """
    import pandas as pd

    jobs = pd.DataFrame(report_jobs(ledger), columns=list(JOB_FIELDS))
    facts = read_facts(runs_folder(), jobs["run"].unique())
    for name in JOB_TIMES:
        jobs[name] = as_times(jobs[name])
    jobs["study"] = [facts[run].study for run in jobs["run"]]
    jobs["units"] = [facts[run].units for run in jobs["run"]]
    jobs["engine"] = [engine or facts[run].engine for engine, run in zip(jobs["engine"], jobs["run"], strict=True)]
    planned = as_times(pd.Series([facts[run].planned_at for run in jobs["run"]], index=jobs.index, dtype=object))
    jobs["began"] = jobs["created"].fillna(planned)
    jobs["discarded"] = jobs["run"].str.startswith(f"{KEPT}/")
    jobs["collected"] = jobs["collected"].notna()
    for name in ("queued", "worked"):
        jobs[name] = pd.to_timedelta(jobs[name].astype(float), unit="s")
    jobs["reserved"] = jobs["reserved"].astype(float).where(~jobs["collected"])
    order = ["began", "run", "shard"]
    return jobs.sort_values(order, ascending=[False, True, False], na_position="last").reset_index(drop=True)


def read_answers(ledger: Ledger) -> pd.DataFrame:
    """Return the answers by job and model that gave them, with the job's run, engine and end.

    Of engines that nobody charges for, no price is unknown; what was answered live would cost live what it did cost.
    Answers that name no model, as those that failed, are of the one that gave most of their job, or that was asked.
    """
    import pandas as pd

    answers = pd.DataFrame(report_answers(ledger), columns=list(ANSWER_FIELDS)).rename(columns={"model": "answered_by"})
    answers = answers.astype({"cost": float, "live": float})
    fields = ["job", "run", "ended", "collected", "engine", "model"]
    jobs = pd.DataFrame(report_jobs(ledger), columns=list(JOB_FIELDS))[fields]
    jobs["ended"] = as_times(jobs["ended"].fillna(jobs["collected"]))
    merged = answers.merge(jobs.drop(columns="collected"), on="job")
    named = merged[merged["answered_by"] != ""].sort_values("answers", kind="stable")
    likely = dict(zip(named["job"], named["answered_by"], strict=True))  # the last one counts
    merged["answered_by"] = [
        name or likely.get(job, asked)
        for name, job, asked in zip(merged["answered_by"], merged["job"], merged["model"], strict=True)
    ]
    free = [engine for engine in merged["engine"].unique() if is_free(engine)]
    merged["n_unpriced"] = merged["n_unpriced"].mask(merged["engine"].isin(free), 0)
    live = [engine for engine in merged["engine"].unique() if not (about_engine(engine) or About(batch=True)).batch]
    at_once = merged["engine"].isin(live)
    merged["live"], merged["n_live"] = (
        merged[name].mask(at_once, merged[other]) for name, other in (("live", "cost"), ("n_live", "n_priced"))
    )
    return merged


def _moment(name: str, value: Moment, *, last: bool) -> datetime | None:
    """A time in UTC from what was given; of a whole day its beginning, or where `last` its end."""
    if value is None or value == "":
        return None
    try:
        moment = value if isinstance(value, date) else datetime.fromisoformat(value)
    except ValueError:
        fault = Fault(name, f"{value!r} is no date", "write it like 2026-11-21, or 2026-11-21T14:30")
        raise ParameterError("The jobs cannot be chosen like this.", [fault]) from None
    whole_day = not isinstance(moment, datetime) or (isinstance(value, str) and len(value.strip()) <= len("2026-11-21"))
    if not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day)
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return moment + timedelta(days=1) if whole_day and last else moment


def now() -> datetime:
    """Return the time, UTC."""
    return datetime.now(UTC)
