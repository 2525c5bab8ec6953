"""The whole project at a glance: its jobs, runs, errors and money as frames, read from the ledger by few queries.

A service is called only by `poll_jobs`. All times are UTC; all money is in US dollars.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from codebook.errors import CodebookError
from codebook.files.run_versions import is_wanted
from codebook.ground.whys import WHYS
from codebook.ledger import say_unknown
from codebook.ledger.reports import ERROR_FIELDS, report_errors, report_whys
from codebook.paths import runs_folder
from codebook.run.folder import list_runs
from codebook.run.history import as_times, busy_hours, expect_ends, find_ages, is_running, read_facts
from codebook.run.jobs.sending import UNREACHED
from codebook.run.project.cost_table import count_money, count_tokens
from codebook.run.project.ledger_frames import Choice, LedgerFrames, Moment, now, open_ledger
from codebook.run.verbs import Run, open_exact, open_run

if TYPE_CHECKING:
    import pandas as pd

JOB_COLUMNS = (
    *("run", "study", "shard", "engine", "model", "state", "requests", "done", "failed", "share_done", "created"),
    *("submitted", "seen", "expires", "ended", "age", "expected_end", "expected_from", "collected", "cost"),
    *("unpriced", "reserved", "note", "job_id", "queued", "worked", "late", "units"),
)
ERROR_COLUMNS = ("why", "status", "detail", "n", "n_final", "share", "runs", "example", "last")
_STATUS = r"^(?:status )?([1-5]\d\d)(?=:|$)"
"""How the detail of an error begins where the service told an HTTP status."""
_NO_ANSWER = ("failed", "expired", "cancelled", "absent")


def list_jobs(
    *,
    run: str = "",
    state: str | Collection[str] = "",
    study: str = "",
    engine: str = "",
    since: Moment = None,
    until: Moment = None,
    units: str = "",
) -> pd.DataFrame:
    """Return every job of every run, one row for each shard, newest first, by what the ledger knows (see `poll_jobs`).

    Parameters
    ----------
    run, state, study, engine, units
        Keep these only: a run, one state or several ("planned" has no job yet), the codebook's name, who answers, the
        file of the units.
    since, until
        Keep jobs made in this time (UTC); a day without an hour is meant whole.

    Returns
    -------
    DataFrame
        run, study, shard, engine, model, state, requests, done, failed, share_done, created, submitted, seen (when the
        state was last heard), expires, ended, age, expected_end, expected_from (what that rests on), collected, cost,
        unpriced (answers whose price is unknown, which are not in it), reserved, note, job_id; `queued` and `worked`,
        how long the job waited at its service and how long it was worked on, by the service's own times; `late`,
        whether it should have ended by now; `units`, the file of its units.

    Raises
    ------
    ParameterError
        `since` or `until` is no date.

    Examples
    --------
    >>> import codebook as cb
    >>> cb.list_jobs()[["run", "shard", "state", "requests", "done"]]
          run  shard      state  requests  done
    0  topics      1  completed        12    12
    """
    return choose_jobs(LedgerFrames(), Choice(run, state, study, engine, since, until, units))


def choose_jobs(frames: LedgerFrames, choice: Choice) -> pd.DataFrame:
    """Return the chosen jobs, as `list_jobs` does."""
    answers, jobs = frames.answers, frames.jobs.join(expect_ends(frames.jobs))
    jobs["late"] = is_running(jobs) & (jobs["late_at"] < now())
    jobs["cost"] = jobs["job"].map(answers.groupby("job")["cost"].sum(min_count=1)).astype(float)
    jobs["unpriced"] = jobs["job"].map(answers.groupby("job")["n_unpriced"].sum()).fillna(0).astype(int)
    jobs["age"] = find_ages(jobs["created"], now())
    jobs["share_done"] = (jobs["done"] + jobs["failed"]).div(jobs["requests"]).clip(upper=1.0).astype(float)
    chosen = jobs[~jobs["discarded"] & choice.rows(jobs)]
    return chosen.loc[:, list(JOB_COLUMNS)].reset_index(drop=True)


def poll_jobs(run: str = "", report: Callable[[int, int], None] | None = None) -> dict[str, str]:
    """Ask the engines how running jobs stand, of one run or of all; return a message for each run not reached.

    `report` is called before each run is asked, with how many were and how many there are.

    Examples
    --------
    >>> import codebook as cb
    >>> poll_jobs("topics")
    {}
    """
    unreached = {}
    jobs = _read_kept()
    names = [name for name in dict.fromkeys(jobs.loc[is_running(jobs), "run"]) if is_wanted(name, run)]
    for n_asked, name in enumerate(names):
        if report is not None:
            report(n_asked, len(names))
        try:
            open_exact(name).status(poll=True)
        except CodebookError as error:
            unreached[name] = str(error)
    jobs = _read_kept() if names else jobs
    doubted = jobs[jobs["note"].str.startswith(UNREACHED) & Choice(run).rows(jobs)]
    return unreached | dict(zip(doubted["run"], doubted["note"], strict=True))


def list_unknown() -> dict[str, str]:
    """Return the runs whose folders are there and that the ledger does not know, each with what helps.

    Examples
    --------
    >>> import codebook as cb
    >>> list_unknown()
    {}
    """
    runs = runs_folder()
    why = "runs/ledger.db has no run of this name" if (runs / "ledger.db").is_file() else "there is no runs/ledger.db"
    with open_ledger() as ledger:
        known = set(ledger.runs())
    return {name: say_unknown(runs, name, why) for name in list_runs() if name not in known}


def find_run(name: str) -> Run:
    """Open a run by its name, or by the id of one of its jobs, such as a batch's.

    Raises
    ------
    RunError
        There is neither; the runs there are, are listed.

    Examples
    --------
    >>> import codebook as cb
    >>> find_run("topics")
    <Run topics>
    """
    if not (runs_folder() / name).is_dir():
        jobs = list_jobs()
        if runs := list(jobs.loc[jobs["job_id"] == name, "run"]):
            return open_exact(runs[0])
    return open_run(name)


def list_running() -> list[str]:
    """Return the runs of the project that have jobs under way, by what the ledger knows.

    Examples
    --------
    >>> import codebook as cb
    >>> list_running()
    []
    """
    jobs = _read_kept()
    return list(dict.fromkeys(jobs.loc[is_running(jobs), "run"]))


def _read_kept() -> pd.DataFrame:
    """The jobs of the project as the ledger has them, newest first, without those of discarded runs."""
    jobs = LedgerFrames().jobs
    return jobs[~jobs["discarded"]]


def summarise_runs(
    *, run: str = "", study: str = "", engine: str = "", since: Moment = None, until: Moment = None, units: str = ""
) -> pd.DataFrame:
    """Return one row for each run, newest first: how its questions ended, how quickly, and what it cost.

    Returns
    -------
    DataFrame
        run, study, engine, model, units (their file); asked = labelled + each why; of the `finished` questions (sent,
        and come to an end) `success_rate` is the share with a label and `error_rate` the share without any reply
        (failed, expired, cancelled or absent): the rest are replies that are no label. `items_per_hour`: answers of
        ended jobs by the time in which any was at work. tokens_in, tokens_out, tokens_cached (missing where no reply
        tells them), cost, and `unpriced`, the answers whose price is unknown and which are not in it, of the run's own
        jobs. cost_per_label, live_would_be, saved: as of `cost_history`. models: those that answered. first_submitted,
        last_ended. `changed`: what a version has otherwise than the one before.

    Examples
    --------
    >>> import codebook as cb
    >>> summarise_runs()[["run", "asked", "labelled"]]
          run  asked  labelled
    0  topics     12        12
    """
    return sum_runs(LedgerFrames(), Choice(run, "", study, engine, since, until, units))


def sum_runs(frames: LedgerFrames, choice: Choice) -> pd.DataFrame:
    """Return the chosen runs, as `summarise_runs` does."""
    import pandas as pd

    from codebook.outputs.readable import ReadableFrame

    with open_ledger() as ledger:
        whys = pd.DataFrame(report_whys(ledger), columns=["run", "why", "n"])
        names = ledger.runs()
    facts = read_facts(runs_folder(), names)
    runs = pd.DataFrame(
        [(name, *facts[name]) for name in names],
        columns=["run", "study", "engine", "model", "began", "units", "changed"],
    )
    runs["began"] = as_times(runs["began"])
    chosen = runs[choice.rows(runs)]
    by_run = frames.answers.groupby("run")
    rows = chosen.drop(columns="began").set_index("run", drop=False)
    rows = rows.join(_count_whys(whys)).join(_count_jobs(frames.jobs))
    rows = rows.join(count_tokens(by_run)).join(count_money(by_run).rename(columns={"n_unpriced": "unpriced"}))
    rows = rows.join(by_run["answered_by"].agg(_join_names).rename("models"))
    counts = ["asked", "labelled", *WHYS, "finished", "jobs", "running", "unpriced", "n_priced", "n_priced_labels"]
    rows[counts] = rows[counts].fillna(0).astype(int)
    rows["models"] = rows["models"].astype(object).fillna("")
    rows["changed"] = rows.pop("changed").fillna("")
    order = chosen.sort_values("began", ascending=False, kind="stable", na_position="last")["run"]
    return ReadableFrame(rows.loc[list(order)].reset_index(drop=True))


def list_errors(
    run: str = "",
    *,
    limit: int = 20,
    study: str = "",
    engine: str = "",
    since: Moment = None,
    until: Moment = None,
    units: str = "",
) -> pd.DataFrame:
    """Return the commonest reasons why an answer has no label, over all attempts, also those that a retry mended.

    Returns
    -------
    DataFrame
        why, status (of HTTP; missing where there was none), detail, n, n_final (of these, what `retry` leaves out
        unless it is told this why, since it would fail again), share (of all answers chosen), runs (how many), example
        (a custom_id), last (when the newest of its jobs ended).

    Examples
    --------
    >>> import codebook as cb
    >>> len(list_errors())
    0
    """
    return count_errors(LedgerFrames(), Choice(run, "", study, engine, since, until, units), limit)


def count_errors(frames: LedgerFrames, choice: Choice, limit: int) -> pd.DataFrame:
    """Return the commonest errors of what is chosen, as `list_errors` does."""
    import pandas as pd

    from codebook.outputs.readable import ReadableFrame

    with open_ledger() as ledger:
        errors = pd.DataFrame(report_errors(ledger), columns=list(ERROR_FIELDS))
    jobs, answers = frames.jobs, frames.answers
    chosen = jobs[~jobs["discarded"] & choice.rows(jobs)]
    errors = errors.merge(chosen[["job", "run", "ended"]], on="job")
    n_labelled = int(answers[answers["job"].isin(chosen["job"])]["usable"].sum())
    named = {"n": ("n", "sum"), "n_final": ("n_final", "sum")}
    named |= {"runs": ("run", "nunique"), "example": ("example", "min"), "last": ("ended", "max")}
    grouped = errors.groupby(["why", "detail"], as_index=False).agg(**named)
    grouped["status"] = (
        grouped["detail"].astype("str").str.extract(_STATUS, expand=False).astype("Float64").astype("Int64")
    )
    grouped["share"] = grouped["n"] / max(1, n_labelled + int(grouped["n"].sum()))
    grouped = grouped.sort_values(["n", "why", "detail"], ascending=[False, True, True]).head(limit)
    return ReadableFrame(grouped.loc[:, list(ERROR_COLUMNS)].reset_index(drop=True))


def _count_whys(whys: pd.DataFrame) -> pd.DataFrame:
    """Rows of each run by why, and the rates; what had no text is absent, but no error."""
    counts = whys.pivot_table(index="run", columns="why", values="n", aggfunc="sum", fill_value=0)
    counts = counts.reindex(columns=["", *WHYS, "never asked"], fill_value=0).rename(columns={"": "labelled"})
    finished = counts.drop(columns=["pending", "never asked"]).sum(axis=1)
    finished = finished.where(finished > 0)
    rates = {
        "finished": finished,
        "success_rate": counts["labelled"] / finished,
        "error_rate": counts[[*_NO_ANSWER]].sum(axis=1) / finished,
    }
    counts["absent"] += counts.pop("never asked")
    counts.insert(0, "asked", counts.sum(axis=1))
    return counts.assign(**rates)


def _count_jobs(jobs: pd.DataFrame) -> pd.DataFrame:
    """Jobs of each run: how many, how many run, answers an hour, money reserved, first and last time."""
    ended = jobs[jobs["ended"].notna() & (jobs["job_id"] != "")]
    hours = busy_hours(ended)
    open_jobs = jobs[~jobs["collected"] & (jobs["state"] != "waiting")]
    counts = (
        jobs.assign(runs=is_running(jobs))
        .groupby("run")
        .agg(
            jobs=("shard", "count"),
            running=("runs", "sum"),
            first_submitted=("submitted", "min"),
            last_ended=("ended", "max"),
        )
    )
    counts["items_per_hour"] = ended.groupby("run")["done"].sum() / hours.where(hours > 0)
    counts["reserved"] = open_jobs.groupby("run")["reserved"].sum(min_count=1)
    order = ["jobs", "running", "items_per_hour", "reserved", "first_submitted", "last_ended"]
    return counts[order]


def _join_names(names: pd.Series[str]) -> str:
    return ", ".join(sorted({name for name in names if name}))
