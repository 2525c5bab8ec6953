"""Commands up to the answers: new, check, freeze, trust, preflight, plan; run and pilot, which send and collect too."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from codebook.cli.options import (
    DRY_RUN,
    SERVICE,
    YES,
    ask_first,
    end_fruitless,
    open_given,
    say,
    service_options,
    show_dry_run,
    units_options,
)

if TYPE_CHECKING:
    from codebook.run import Run


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--from", "table", type=click.Path(path_type=Path), help="A table of texts, perhaps with coders' labels.")
@click.option("--sheet", default="", help="Sheet of a workbook; the one that holds texts where left out.")
@click.option("--skip-rows", type=click.IntRange(0), metavar="N", help="Rows above the one that names the columns.")
@click.option("--id-column", default="", metavar="COLUMN", help="Column with the ids.")
@click.option("--text-column", default="", metavar="COLUMN", help="Column with the texts.")
@click.option("--coder", "coders", multiple=True, metavar="COLUMN", help="Column of a coder; may be repeated.")
@click.option("--gold", default="", metavar="COLUMN", help="Column with the gold.")
def new(folder: Path, table: Path | None, **columns: Any) -> None:
    """Make a study FOLDER: codebook, texts, coders, study.yaml and notebooks; with --from, for a table of your own.

    The options say what would else be guessed from the table, and stands in the files as `# guessed:`.
    """
    from codebook.scaffold import TableChoice, guess_table, make_study, tell_guess

    if table is None and (named := [name for name, value in columns.items() if value not in ("", (), None)]):
        raise click.UsageError(f"--{named[0].replace('_', '-')} says something of a table: give one with --from")
    guess = None if table is None else guess_table(TableChoice(table.absolute(), **columns))
    study = make_study(folder, guess)
    say(study)
    if guess:
        say(tell_guess(guess, study.folder))
    say(f"\nNext: cd {folder}, edit codebook.yaml{'' if guess else ' and data/texts.csv'}, then `codebook check`.")


@click.command()
@units_options
@service_options
@click.option("--engine", default="", help="embedded, openai_batch, openai_live, cluster or replay.")
@click.option("--coders", default="", metavar="FILE", help="coders.yaml: labels of people and other tools.")
@click.option("--gold", default="", help="The coder who is the gold.")
@click.option("--sample", default="", metavar="FILE", help="The gold sample; `none` for none.")
@click.pass_context
def check(ctx: click.Context, /, **options: Any) -> None:
    """Check codebook and wording, texts, coders, gold sample, engine and key at once; nothing is sent or written.

    What is left out is as in study.yaml. Every fault is told, and ends it with 1; hints and warnings do not.
    """
    findings = open_given(options).check()
    say(findings)
    ctx.exit(0 if findings.ok else 1)


@click.command()
@service_options
@click.option("--engine", default="", help="embedded, openai_batch, openai_live, cluster or replay.")
@click.option("--codebook", default="", help="The codebook's file; codebook.yaml where left out.")
def freeze(**options: Any) -> None:
    """Mark codebook and prompt as final: the test part of the gold opens for runs that ask exactly this.

    What is left out is as in study.yaml. Noted in freezes.jsonl; after a change, freeze again.
    """
    say(open_given(options).freeze())


@click.command()
@click.argument("address", default="")
@click.option("--allow-http", is_flag=True, help="Take plain http: whoever is on the way can read texts and keys.")
@click.option("--forget", is_flag=True, help="Take the confirmation back.")
@YES
def trust(address: str, allow_http: bool, forget: bool, yes: bool) -> None:
    """Confirm that the host ADDRESS may get texts and keys of your studies; without it, list the confirmed hosts.

    The yes is kept in the folder of your own settings, never in a study.
    """
    from codebook.engines.service import forget_host, list_trusted, name_host, trust_host

    if not address:
        say("\n".join(list_trusted()) or "No host is confirmed.")
    elif forget:
        say(f"{address} is not confirmed any more." if forget_host(address) else f"{address} was not confirmed.")
    else:
        origin = name_host(address, allow_http=allow_http)
        ask_first(f"May texts and API keys be sent to {origin} whenever a study says so?", yes)
        say(f"{trust_host(address, allow_http=allow_http)} is confirmed.")


@click.command()
@units_options
@service_options
@click.option("-n", "k", default=3, show_default=True, help="How many texts to ask.")
def preflight(k: int, **options: Any) -> None:
    """Ask a few texts live, for cents: what fails here would fail as a batch. The batch does not ask them again."""
    from codebook.run import preflight as ask_first
    from codebook.run import say_where

    study = open_given(options)
    asking = {name: value for name, value in study.asking().items() if name not in ("engine", "archive", "draws")}
    say(say_where(asking["options"]))
    result = ask_first(study.codebook, study.open_units(), k=k, **asking)
    say(result)
    result.raise_errors()


@click.command()
@units_options
@service_options
@click.option("--run", default="", help="Name of the run; made from what is planned where the study has none.")
@click.option("--engine", default="", help="embedded, openai_batch, openai_live, cluster or replay.")
@click.option("--archive", default="", metavar="FOLDER", help="For --engine replay: the run that was recorded.")
@click.option("--draws", default=0, help="How often each question is asked.")
@click.option("--limit", default=0, metavar="N", help="A pilot: the first N units only.")
@click.option("--compare", multiple=True, metavar="MODEL", help="Only set prices side by side; may be repeated.")
@click.option("--grid", is_flag=True, help="Plan every cell of the study's grid, and say what the whole will cost.")
@SERVICE
@DRY_RUN
def plan(dry_run: bool, limit: int, compare: tuple[str, ...], grid: bool, **options: Any) -> None:
    """Plan a run: write its requests and say what they will cost. Questions answered before are not asked again.

    Where the run was handed in with something else, this makes its next version, RUN.v2, and says what changed.

    What is left out is as in study.yaml.
    """
    from codebook.run import compare_prices, rehearse_plan

    study = open_given(options)
    if grid:
        study.grid.plan()
        say(study.grid)
        say(study.grid.costs().to_string(index=False, na_rep="-"))
        return
    if compare:
        asking = {name: value for name, value in study.asking().items() if name not in ("archive", "model")}
        models = list(filter(None, [study.facts.model, *compare]))
        say(repr(compare_prices(study.codebook, study.open_units(), models, limit=limit, **asking)))
        say("Nothing was sent, and no plan was kept.")
        return
    if dry_run:
        units = study.open_units()
        asking = {"version": True, "limit": limit, "service": study.service, **study.asking()}
        dry = rehearse_plan(study.codebook, units, run=study.run, **asking)
        then = f"the same command without --dry-run, then codebook submit {dry.run}"
        show_dry_run(dry, f"Nothing was sent, and no plan was kept. To send it: {then}")
        return
    show_plan(study.plan(limit=limit))


def show_plan(planned: Run) -> None:
    """Print what is planned, what should be known of it, and what it will cost."""
    status = planned.status()
    say(status)
    for warning in planned.warnings:
        say(warning, err=True)
    if status.money:
        say(f"\n{planned.costs()!r}")


@click.command("run", params=[option for option in plan.params if option.name not in ("dry_run", "compare", "grid")])
@click.option("--cap", type=float, metavar="USD", help="What the run may cost in all.")
@click.pass_context
def run_whole(ctx: click.Context, /, limit: int, cap: float | None, **options: Any) -> None:
    """Plan a run, send it, wait, collect and notify, in one. Repeat it after an interruption: it goes on.

    The options are those of plan; what is left out is as in study.yaml. Exit code 3 where `max_wait_hours` are over, 1
    where nothing was labelled.
    """
    from codebook.errors import BudgetError, UnreachableError
    from codebook.run import wait as wait_for

    study = open_given(options)
    planned = study.plan(limit=limit)
    show_plan(planned)
    try:
        planned.submit(progress=True, cap=cap or study.facts.cap or None)
    except (UnreachableError, BudgetError) as error:  # waiting tries again; what was sent comes to its end first
        say(error, err=True)
    wait_for(planned, out=say)
    end_fruitless(ctx, planned.name)


@click.command(params=[option for option in plan.params if option.name not in ("compare", "grid", "limit")])
@click.option("--limit", default=50, show_default=True, metavar="N", help="How many texts, drawn at random.")
@click.option("--paraphrase", "paraphrases", multiple=True, metavar="FILE", help="A codebook with the same labels.")
@click.option("--seed", default=1, show_default=True, help="Seed of the draw of the texts, and of the bootstrap.")
@click.option("--replicates", default=1000, show_default=True, help="Bootstrap replicates of the intervals.")
def pilot(
    limit: int, draws: int, paraphrases: tuple[str, ...], seed: int, replicates: int, dry_run: bool, **options: Any
) -> None:
    """Ask a few texts in other words and more than once: are the labels stable, and what will the whole cost?

    Models and wordings are those of `grid:` in study.yaml, and those of --paraphrase; each question is asked twice at
    least. It says alpha over draws and over wordings, which texts get two labels, and what is still to be paid, each
    with an interval. What the pilot asks, the whole does not ask again.
    """
    from codebook.analysis import Bootstrap
    from codebook.study import estimate_costs

    study = open_given(options)
    trial = study.grid.pilot(limit, draws=draws, paraphrases=paraphrases, seed=seed)
    trial.plan()
    say(trial)
    if dry_run:
        say(f"{trial.costs().to_string(index=False, na_rep='-')}\nNothing was sent.")
        return
    trial.submit()
    trial.collect(partial=True)
    codings, resample = trial.codings(), Bootstrap(replicates, seed=seed)
    costs = estimate_costs(trial, study.open_units(), resample)
    results = [trial.stability(codings, resample), trial.flips(codings), costs]
    say("\n\n".join(repr(result.save()) for result in results))
