"""Commands that plan, send and collect in one: a whole run, and a pilot in several wordings, asked more than once."""

from __future__ import annotations

from typing import Any

import click

from codebook.cli.options import end_fruitless, open_given, say
from codebook.cli.plan_commands import plan, show_plan


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
