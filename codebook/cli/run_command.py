"""The command that does a whole run: plan, send, wait, collect, notify."""

from __future__ import annotations

from typing import Any

import click

from codebook.cli.options import end_fruitless, open_given, say
from codebook.cli.plan_commands import plan, show_plan


@click.command("run", params=[option for option in plan.params if option.name not in ("dry_run", "compare", "grid")])
@click.option("--cap", type=float, metavar="USD", help="What the run may cost in all; it stays.")
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
