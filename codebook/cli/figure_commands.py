"""Commands for figures, as the notebooks print them: reliability and validity, which need no run, and compare."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from codebook.cli.options import say

if TYPE_CHECKING:
    from codebook.analysis.core.codings import Codings
    from codebook.analysis.core.result import Result

F = TypeVar("F", bound=Callable[..., Any])
CODEBOOKS = (".yaml", ".yml", ".qdc", ".csv", ".xlsx")
"""Endings of files that hold a codebook."""
_RUN_HELP = "Without RUN, as in study.yaml; `none`, or --codebook, for the labels of people alone."


def label_options(command: F) -> F:
    """The options that say whose labels, and how intervals are made. What is left out is as in study.yaml."""
    for option in (
        click.option("--seed", default=1, show_default=True, help="Seed of the bootstrap."),
        click.option("--replicates", default=1000, show_default=True, help="Bootstrap replicates of the intervals."),
        click.option("--variable", default="", help="Only this variable; validity without it takes the first."),
        click.option("--models", multiple=True, metavar="CODER", help="A coder of that file who is a model."),
        click.option("--gold", default="", help="The coder who is the gold."),
        click.option("--coders", default="", metavar="FILE", help="coders.yaml: labels of people and other tools."),
        click.option("--codebook", default="", metavar="FILE", help="Read labels of people by it, without a run."),
        click.argument("run", default=""),
    ):
        command = option(command)
    return command


@click.command(epilog=_RUN_HELP)
@click.option(
    "--by",
    default="group",
    show_default=True,
    help="group, label, pair, without, difference, or a column of the units.",
)
@click.option(
    *("--coefficient", "coefficients"),
    multiple=True,
    metavar="NAME",
    help="May be repeated; what suits the level of the variable where not given, as cb.reliability.",
)
@label_options
def reliability(by: str, coefficients: tuple[str, ...], replicates: int, seed: int, **labels: Any) -> None:
    """Do the coders agree? People, models, and people with each model: the table of the notebook 06_reliability."""
    from codebook.analysis import Bootstrap
    from codebook.analysis.reliability import reliability as agree

    codings = _open_codings(**labels)
    _show(agree(codings, by=by, coefficients=coefficients, resample=Bootstrap(replicates, seed=seed)), codings)


@click.command(epilog=_RUN_HELP)
@click.option("--by", default="", help="label, or a column of the units; one row for each coder where not given.")
@click.option("--coder", default="", help="Whose labels, with --by; the first beside the gold where not given.")
@click.option("--sample", default="", metavar="FILE", help="The gold sample; `none` for none.")
@click.option(
    "--part", type=click.Choice(["dev", "test"]), default="test", show_default=True, help="Part of the gold sample."
)
@click.option("--unlock", is_flag=True, help="Prompt and codebook are final: open the test part.")
@click.option(
    "--second", is_flag=True, help="With and without the labels of a second instrument (codebook retry --model ...)."
)
@label_options
def validity(by: str, coder: str, part: str, unlock: bool, second: bool, **options: Any) -> None:
    """Do the coders meet the gold? Beside what a constant label would get: the table of the notebook 05_validity."""
    from codebook.analysis import Bootstrap
    from codebook.analysis import validity as meet_gold

    resample = Bootstrap(options.pop("replicates"), seed=options.pop("seed"))
    if second:
        from codebook.study import compare_second, open_study

        variable, _ = options.pop("variable"), options.pop("codebook")
        figures = partial(compare_second, open_study(**options), variable, part=part, unlock=unlock, resample=resample)
        say("\n\n".join(repr(figures(by=by).save()) for by in ("", "label")))
        return
    codings = _open_codings(**options, part=part, unlock=unlock)
    codings_of_one = codings if len(codings.variables) == 1 else codings.of()
    _show(meet_gold(codings_of_one, coder, by=by, resample=resample), codings)


@click.command(epilog="Versions of a run are called RUN.v1, RUN.v2 and so on. What is left out is as in study.yaml.")
@click.argument("runs", nargs=-1, metavar="[RUN ... | CODEBOOK CODEBOOK]")
@click.option("--page", default="", metavar="FILE", help="Write the differences of their codebooks as an HTML page.")
@click.option(
    "--finding", default="", metavar="FORMULA", help="A regression, by the first and last: 'n_words ~ label'."
)
@click.option("--coders", default="", metavar="FILE", help="coders.yaml, with the gold for the accuracy of each.")
@click.option("--gold", default="", help="The coder who is the gold.")
@click.option("--variable", default="", help="Only this variable of the codebook.")
@click.option(
    "--part", type=click.Choice(["dev", "test"]), default="dev", show_default=True, help="Part of the gold sample."
)
@click.option("--replicates", default=1000, show_default=True, help="Bootstrap replicates of the intervals.")
@click.option("--seed", default=1, show_default=True, help="Seed of the bootstrap.")
def compare(
    runs: tuple[str, ...],
    coders: str,
    gold: str,
    replicates: int,
    seed: int,
    *,
    page: str,
    finding: str,
    **options: str,
) -> None:
    """Set runs side by side: agreement, accuracy, cost, shares, and what changed in codebook and labels.

    A single run is set beside its earlier version. Of two codebook files: what differs, and what would be asked anew.
    The tables are those of the notebook 16_compare.
    """
    from codebook.analysis import Bootstrap
    from codebook.run import compare_runs
    from codebook.scheme import compare_codebooks, read_codebook
    from codebook.study import open_study

    if is_files := len(runs) == 2 and all(Path(name).suffix.lower() in CODEBOOKS for name in runs):
        changes = compare_codebooks(*map(read_codebook, runs))
    else:
        study = open_study(run=runs[0] if runs else "", coders=coders, gold=gold)
        changes = study.compare_codebooks(runs[1:])
    say(changes)
    say(f"page: {changes.write_page(page)}") if page else None
    if is_files:
        return
    resample = Bootstrap(replicates, seed=seed)
    options_of_all: dict[str, Any] = {"coders": study.coders, "gold": study.gold, "resample": resample, **options}
    named = runs if len(runs) > 1 else [study.run]  # of several, each is the very run that is named
    kinds = ["", "cost", "share", *filter(None, [finding]), "label", "unit"]
    results = [compare_runs(named, by, **options_of_all) for by in kinds]
    say("\n\n".join(["", *dict.fromkeys(map(repr, results))]))


def _open_codings(
    *, run: str, codebook: str, variable: str, part: str = "test", unlock: bool = False, **facts: Any
) -> Codings:
    """The labels of the study's run and people, or of people alone where a codebook is given without a run."""
    from codebook.study import open_study

    wanted = run or ("none" if codebook else "")
    codings = open_study(run=wanted, codebook=codebook, **facts).codings(part=part, unlock=unlock)
    return codings.of(variable) if variable else codings


def _show(result: Result, codings: Codings) -> None:
    """Print a result as a notebook does, then what it rests on."""
    from codebook.codings import coverage

    shown = repr(result)
    said_already = [sentence for sentence in codings.joins if sentence in shown]
    under = "\n".join([repr(coverage(codings)), *codings.notes]).splitlines()
    lines = [line for line in under if line not in said_already]
    say("\n".join([shown, "", *lines]).rstrip())
