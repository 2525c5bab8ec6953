"""Commands that look at all runs of a project: status, runs, errors."""

from __future__ import annotations

from textwrap import shorten
from typing import TYPE_CHECKING, Any

import click

from codebook.cli.options import join_options, say, say_empty, show_frame

if TYPE_CHECKING:
    from codebook.run import Run

_ORDERS = {
    "created": False, "ended": False, "expected_end": True, "state": True, "run": True, "study": True, "units": True,
    "requests": False, "failed": False, "cost": False,
}  # fmt: skip
"""By what jobs can be sorted, and whether the smallest comes first."""
_RUN_ORDERS = {
    "first_submitted": False, "last_ended": False, "run": True, "study": True, "units": True, "asked": False,
    "success_rate": True, "cost": False,
}  # fmt: skip
_SECONDS = ("age", "queued", "worked")


choice_options = join_options(
    click.option("--until", default="", metavar="DAY", help="Only what began until then."),
    click.option("--since", default="", metavar="DAY", help="Only what began since then: 2026-11-21."),
    click.option("--engine", default="", help="Only of this engine."),
    click.option("--units", default="", metavar="FILE", help="Only of this file of units."),
    click.option("--study", default="", help="Only of this study, by its name."),
)
"""The options that choose what is looked at."""


@click.command()
@click.argument("run", default="")
@click.option("--state", multiple=True, help="Only jobs in this state, such as completed; may be repeated.")
@choice_options
@click.option(
    "--sort", type=click.Choice(list(_ORDERS)), default="created", show_default=True, help="What to sort the jobs by."
)
@click.option("--limit", default=0, metavar="N", help="Only the first N jobs.")
@click.option("--json", "as_json", is_flag=True, help="The jobs as JSON: id, state, counts, times, place.")
@click.option("--verbose", "-v", is_flag=True, help="Of RUN: what was done when, and what services said.")
@click.pass_context
def status(ctx: click.Context, /, run: str, as_json: bool, verbose: bool, sort: str, limit: int, **choice: Any) -> None:
    """Say how RUN stands (its name, or the id of one of its batches); without RUN, list all jobs of the project."""
    from codebook.run import find_run, list_jobs, poll_jobs

    opened, chosen = find_run(run) if run else None, bool(limit or any(choice.values()))
    if opened and not as_json and not chosen:
        _say_run(opened, verbose=verbose)
        return
    name = opened.name if opened else ""
    unreached, jobs = poll_jobs(name), list_jobs(run=name, **_name_units(choice))
    jobs = jobs.sort_values(sort, ascending=_ORDERS[sort], kind="stable", na_position="last")
    jobs = jobs.iloc[: limit or None]
    if as_json:
        say(_write_json(jobs))
    else:
        show_frame(_describe_jobs(jobs), say_empty("No job fits this choice" if chosen else "No run has a job yet"))
        _say_silent(jobs, chosen=chosen or bool(run))
    for unreached_run, message in unreached.items():
        say(f"{unreached_run}: {message}", err=True)
    end_unknown(ctx)


def _say_run(opened: Run, *, verbose: bool) -> None:
    """How a run stands; with what was done when, as the ledger noted it."""
    say(opened.status(poll=True))
    for notice in opened.notices:
        say(notice, err=True)
    if verbose:
        say("\n".join(["", *(f"{at}  {verb:<8}  {what}" for at, verb, what in opened.events())]))


def _describe_jobs(jobs: Any) -> Any:
    """The columns of jobs that a person looks at first; empty ones are left out."""
    late = jobs["state"].mask(jobs["late"], jobs["state"] + ", LATE")
    columns = ["run", "shard", "engine", "model", "state", "requests", "done", "failed", "age", "expected_end", "ended"]
    columns += ["cost"] + ["unpriced"] * bool(jobs["unpriced"].any())
    columns += [name for name in ("queued", "worked") if jobs[name].notna().any()] + ["job_id"]
    age = list(map(_say_age, jobs["created"], jobs["age"]))
    return jobs.assign(state=late, age=age)[columns]


def _say_age(created: Any, age: Any) -> str:
    """How long ago a job was made; empty where it was not made yet, unknown where the clock was put back since."""
    from codebook.run.history import say_seconds

    if age != age:  # a missing time is like nothing, not even itself
        return "unknown" if created == created else ""
    return say_seconds(age.total_seconds())


def _say_silent(jobs: Any, *, chosen: bool) -> None:
    """Name the runs that have no job of their own, since all they ask was asked by others: they are there, too."""
    from codebook.run import list_runs, summarise_runs

    if chosen or set(list_runs()) <= set(jobs["run"]):
        return
    runs = summarise_runs()
    for _, row in runs[~runs["run"].isin(set(jobs["run"]))].iterrows():
        say(f"{row['run']}: no job of its own; {row['labelled']:,} of {row['asked']:,} labelled by what others asked")


def _write_json(jobs: Any) -> str:
    """Jobs as a list of objects; times are ISO 8601 (UTC), spans are seconds, `path` is the folder of the run."""
    spans = {name: jobs[name].dt.total_seconds() for name in _SECONDS}
    frame = jobs.assign(**spans, path=["runs/" + run for run in jobs["run"]])
    return str(frame.to_json(orient="records", date_format="iso", indent=2))


def _name_units(choice: dict[str, Any]) -> dict[str, Any]:
    """The choice as frames have it: a file of units by its place in the project, however it was written."""
    from codebook.paths import resolve_path, show_path

    units = choice["units"]
    return {**choice, "units": show_path(resolve_path(units)) if units else ""}


def end_unknown(ctx: click.Context) -> None:
    """Name the runs that are not in what was shown, since the ledger does not know them, and end with 1."""
    from codebook.run import list_unknown

    if unknown := list_unknown():
        say("\n".join(unknown.values()), err=True)
        ctx.exit(1)


@click.command()
@choice_options
@click.option(
    "--sort",
    type=click.Choice(list(_RUN_ORDERS)),
    default="first_submitted",
    show_default=True,
    help="What to sort the runs by.",
)
@click.option("--limit", default=0, metavar="N", help="Only the first N runs.")
@click.pass_context
def runs(ctx: click.Context, /, sort: str, limit: int, **choice: str) -> None:
    """List the runs of the project: what was asked of whom, how it ended, and what it cost."""
    from codebook.run import summarise_runs

    summary = summarise_runs(**_name_units(choice))
    summary = summary.sort_values(sort, ascending=_RUN_ORDERS[sort], kind="stable", na_position="first")
    summary = summary.iloc[: limit or None]
    columns = ["run", "study", "units", "engine", "model", "asked", "labelled", "pending", "error_rate", "running"]
    columns += ["first_submitted", "last_ended", "cost", "unpriced"] + ["changed"] * bool(
        (summary["changed"] != "").any()
    )
    summary["changed"] = [shorten(text, 80, placeholder=" ...") for text in summary["changed"]]
    show_frame(summary[columns], say_empty("There is no run"))
    end_unknown(ctx)


@click.command()
@click.argument("run", default="")
@choice_options
@click.option("--limit", default=20, show_default=True, metavar="N", help="Only the N commonest.")
@click.pass_context
def errors(ctx: click.Context, /, run: str, limit: int, **choice: str) -> None:
    """List the reasons why answers have no label, the commonest first; of RUN, or of all runs of the project."""
    from codebook.run import find_run, list_errors, list_runs

    reasons = list_errors(run=find_run(run).name if run else "", limit=limit, **_name_units(choice))
    show_frame(reasons, say_empty("No answer is without a label" if list_runs() else "There is no run"))
    if not run:
        end_unknown(ctx)
