"""Commands for what is under way: submit, costs, collect, retry, cancel, discard."""

from __future__ import annotations

from typing import Any

import click

from codebook.cli.options import (
    DRY_RUN,
    SERVICE,
    WAIT,
    YES,
    ask_first,
    end_fruitless,
    say,
    say_empty,
    show_dry_run,
    show_frame,
    take_service,
)
from codebook.cli.status_commands import end_unknown
from codebook.ground.quantities import say_count
from codebook.ground.whys import RETRIABLE


@click.command()
@click.argument("run")
@click.option("--cap", type=float, metavar="USD", help="What RUN may cost in all; it holds until another cap is given.")
@click.option("--again", is_flag=True, help="Ask again what may have been asked before; if it was, it is paid twice.")
@DRY_RUN
@SERVICE
@WAIT
@click.pass_context
def submit(
    ctx: click.Context, run: str, cap: float | None, again: bool, dry_run: bool, service: dict[str, Any], wait: bool
) -> None:
    """Hand the shards of RUN to its engine, as far as there is room. Goes on where it stopped."""
    from codebook.errors import UnreachableError
    from codebook.run import open_run
    from codebook.run import wait as wait_for

    opened = open_run(run, planned=True)
    if dry_run:
        show_dry_run(opened.dry_run(), f"Nothing was sent. To send it: codebook submit {run}")
        return
    for line in opened.leaves:
        say(line)
    try:
        status = opened.submit(progress=True, cap=cap, again=again, service=take_service(service, opened.name))
    except UnreachableError:
        if not wait:
            raise
    if wait:
        wait_for(opened, out=say)
        end_fruitless(ctx, opened.name)
    else:
        say(status)


@click.command()
@click.option(
    "--by",
    type=click.Choice(["engine", "model", "run", "day"]),
    default="run",
    show_default=True,
    help="What to sum by.",
)
@click.option("--run", default="", help="Only this run.")
@click.pass_context
def costs(ctx: click.Context, by: str, run: str) -> None:
    """Say what the project has cost, from the tokens that the replies report.

    `live_would_be` is what the same answers would have cost live, `saved` what batches saved of it; empty is unknown.
    """
    from codebook.run import cost_history

    history = cost_history(by=by, run=run)
    show_frame(history, say_empty("Nothing was answered yet"))
    if history["cost"].notna().any() or history["n_unpriced"].any():
        say(_CREDIT)
    end_unknown(ctx)


_CREDIT = (
    "What is left of your credit is not known here, since no key of a service tells it: see the billing page of your "
    "account. `codebook submit RUN --cap 5` keeps a run under 5 dollars."
)


@click.command()
@click.argument("run")
@click.option("--partial", is_flag=True, help="Go on with the answers that are there; exit code 0.")
@SERVICE
@WAIT
@click.pass_context
def collect(ctx: click.Context, run: str, partial: bool, service: dict[str, Any], wait: bool) -> None:
    """Fetch the answers of RUN and write its table.csv.

    Exit code 3 while answers are pending, 1 where the run has ended and nothing was labelled.
    """
    from codebook.run import find_run
    from codebook.run import wait as wait_for

    opened = find_run(run)
    if wait:
        wait_for(opened, service=take_service(service, run), out=say)
    else:
        say(opened.collect(partial=partial, service=take_service(service, run)))
        for notice in opened.notices:
            say(notice, err=True)
    if "formula" in opened.table_note:
        say(opened.table_note.replace("write .xlsx, or", f"codebook table {run} FILE.xlsx, or FILE.csv with"))
    end_fruitless(ctx, opened.name)


@click.command()
@click.argument("run")
@click.option("--why", "whys", multiple=True, type=click.Choice(RETRIABLE), help="Retry these; may be repeated.")
@click.option("--max-tokens", type=int, metavar="N", help="A larger cap on the tokens of a reply, for truncated.")
@click.option("--model", default="", help="Ask this other model what was refused, invalid or truncated.")
@click.option("--engine", default="", help="With another engine than that of the study.")
@click.option("--show-error", "show_errors", is_flag=True, help="Show the model its answer and what was wrong with it.")
@SERVICE
def retry(
    run: str,
    whys: tuple[str, ...],
    max_tokens: int | None,
    model: str,
    engine: str,
    service: dict[str, Any],
    *,
    show_errors: bool,
) -> None:
    """Plan again the questions of RUN that were not answered, and only those; then submit.

    Without --why: failed, expired, cancelled and absent; not what the service refused for good (such as 400), nor what
    was paid and is lost: the status counts these.

    With --model, --engine or --show-error it is a second instrument: what was refused, invalid or truncated is asked in
    a run of its own, RUN-second, or RUN-again of the same model, and these labels always keep a coder name of their
    own. The report, and `codebook validity RUN --second`, give the figures with and without them.
    """
    from codebook.run import find_run

    if model or engine or show_errors:
        from codebook.study import open_study, plan_second
        from codebook.study.second_instrument import say_second

        second = plan_second(open_study(run=run), model, whys=whys, show_errors=show_errors, engine=engine)
        say(say_second(second, whys))
        return
    opened = find_run(run)
    n_again = opened.retry(whys, max_tokens=max_tokens, service=take_service(service, run))
    say(f"{say_count(n_again, 'question')} will be asked again.\n{opened.status()}")


@click.command()
@click.argument("run", default="")
@click.option("--shard", default=0, metavar="N", help="Only this shard of RUN.")
@click.option("--all", "everything", is_flag=True, help="All runs of the project that are under way.")
@click.option("--give-up", is_flag=True, help="Give up jobs that cannot be stopped; they may still be billed.")
@YES
def cancel(run: str, shard: int, everything: bool, give_up: bool, yes: bool) -> None:
    """Stop the jobs of RUN, one of them, or those of all runs. Finished answers are kept."""
    from codebook.errors import CodebookError, RunError
    from codebook.files.run_versions import find_version
    from codebook.paths import runs_folder
    from codebook.run import cancel_run, check_run, list_running, list_unknown

    if bool(run) == everything:
        raise click.UsageError("Give a RUN, or --all.")
    exact = "" if everything else check_run(find_version(runs_folder(), run, planned=True))
    ask_first("Stop what is running and give up what is not sent yet?", yes)
    if exact:
        say(cancel_run(exact, shard, give_up=give_up))
        return
    names, failures = list_running(), list[str]()
    for name in names:
        try:
            say(cancel_run(name, give_up=give_up))
        except CodebookError as error:
            failures.append(f"  - {name}: {error}")
    failures += [f"  - {reason}" for reason in list_unknown().values()]
    if not names and not failures:
        say(say_empty("Nothing is under way"))
    if failures:
        raise RunError("\n".join(["Not all runs could be stopped; the others were.", *failures]))


@click.command()
@click.argument("run")
@YES
def discard(run: str, yes: bool) -> None:
    """Drop RUN, with its folder. Answers that it was given stay with the project, and later runs rest on them.

    What it cost still counts. Before it, `codebook delete-remote RUN` deletes what the service keeps.
    """
    from codebook.run import check_run, discard_run
    from codebook.run.jobs.discarding import name_discarded

    check_run(name_discarded(run))
    ask_first("Drop this run, with its table and outputs? Its answers stay with the project.", yes)
    say(discard_run(run))
