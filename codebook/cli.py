"""The command `codebook`: a thin face. Each command is one call of the package and one print."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from codebook.errors import CodebookError, PendingError

if TYPE_CHECKING:
    from codebook.units import UnitSource

F = TypeVar("F", bound=Callable[..., Any])
WHYS = ("failed", "expired", "cancelled", "absent", "refused", "truncated", "invalid")


class _Commands(click.Group):
    """Prints the kit's own errors as a message instead of a traceback: exit code 1, or 3 where answers are pending."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except PendingError as error:
            click.echo(str(error), err=True)
            ctx.exit(3)
        except CodebookError as error:
            click.echo(f"Error: {error}", err=True)
            ctx.exit(1)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)  # in the order of work, not of the alphabet


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="codebook-kit")
def main() -> None:
    """Code texts with people and language models.

    \b
    A study, step by step:
      codebook new my-study            make a folder with a codebook, notebooks and a data template
      codebook check ...               is everything in order? nothing is sent
      codebook plan ...                write the requests of a run
      codebook submit RUN              hand them to the engine
      codebook collect RUN             fetch the answers, now or later
      codebook execute study.yaml      or all of it through the notebooks, ending in a report

    Every command may be repeated: what is done stays done, and no question is asked twice.
    Exit code: 0 done, 1 failed, 3 answers are still pending.
    """


def _pairs(_ctx: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, Any]:
    """`name=value` options as a mapping; a name given twice collects its values."""
    pairs: dict[str, Any] = {}
    for text in values:
        name, equals, value = text.partition("=")
        if not equals:
            raise click.BadParameter(f"{text!r}: write NAME=VALUE")
        pairs[name] = [*pairs[name], value] if name in pairs else [value]
    return pairs


def _units_options(command: F) -> F:
    """The options that say what is coded."""
    for option in (
        click.option("--where", multiple=True, metavar="COLUMN=VALUE", callback=_pairs, help="Keep these rows only."),
        click.option("--context", multiple=True, metavar="COLUMN", help="Column shown with the text; may be repeated."),
        click.option("--text", "text_column", default="text", show_default=True, help="Column with the texts."),
        click.option("--id", "id_column", default="id", show_default=True, help="Column with the ids."),
        click.option("--units", "units_path", default="data/texts.csv", show_default=True, help="The texts' file."),
        click.option("--codebook", "book", default="codebook.yaml", show_default=True, help="The codebook's file."),
    ):
        command = option(command)
    return command


def _read_units(
    units_path: str, id_column: str, text_column: str, context: tuple[str, ...], where: Mapping[str, Any]
) -> UnitSource:
    from codebook.units import read_units

    return read_units(
        units_path, id_column=id_column, text_column=text_column, context_columns=context, where=dict(where)
    )


@main.command()
@click.argument("folder", type=click.Path(path_type=Path))
def new(folder: Path) -> None:
    """Make a study FOLDER: codebook, data template, study.yaml and notebooks."""
    from codebook.scaffold import make_study

    for path in make_study(folder):
        click.echo(path.as_posix())
    click.echo(f"\nNext: cd {folder} and edit codebook.yaml and data/texts.csv, then `codebook execute study.yaml`.")


@main.command()
@_units_options
def check(book: str, **units: Any) -> None:
    """Check codebook and texts; nothing is sent and nothing is written."""
    from codebook.scheme import read_codebook
    from codebook.units import check_units

    scheme = read_codebook(book)
    said = ", ".join(f"{variable.name} ({variable.kind}, {variable.level})" for variable in scheme.variables)
    click.echo(f"codebook {scheme.name} {scheme.version}, {scheme.digest[:8]}: {said}")
    report = check_units(_read_units(**units))
    click.echo(report)
    report.raise_errors()


@main.command()
@_units_options
@click.option("--run", default="", help="Name of the run; made from what is planned where not given.")
@click.option("--engine", default="embedded", show_default=True, help="Who answers: embedded or replay.")
@click.option("--model", default="", help="Model to ask, where the engine has several.")
@click.option("--archive", default="", metavar="FOLDER", help="For --engine replay: the run that was recorded.")
@click.option("--draws", default=1, show_default=True, help="How often each question is asked.")
@click.option("--limit", default=0, metavar="N", help="A pilot: the first N units only.")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", callback=_pairs, help="Field of each request.")
def plan(book: str, run: str, settings: Mapping[str, Any], **options: Any) -> None:
    """Plan a run: write its requests. Questions that were answered before are not asked again."""
    import yaml

    from codebook.run import plan as plan_run

    columns = ("units_path", "id_column", "text_column", "context", "where")
    units = _read_units(**{name: options.pop(name) for name in columns})
    values = {name: yaml.safe_load(given[-1]) for name, given in settings.items()}
    click.echo(plan_run(book, units, run=run, settings=values, **options).status())


@main.command()
@click.argument("run")
def submit(run: str) -> None:
    """Hand the shards of RUN to its engine. Goes on where it stopped."""
    from codebook.run import open_run

    click.echo(open_run(run).submit(progress=True))


@main.command()
@click.argument("run", default="")
def status(run: str) -> None:
    """Say how RUN stands, or all runs of the project."""
    from codebook.run import list_runs, open_run

    for name in [run] if run else list_runs():
        click.echo(open_run(name).status(poll=True))


@main.command()
@click.argument("run")
@click.option("--partial", is_flag=True, help="Go on with the answers that are there; exit code 0.")
def collect(run: str, partial: bool) -> None:
    """Fetch the answers of RUN and write its table.csv. Exit code 3 while answers are pending."""
    from codebook.run import open_run

    click.echo(open_run(run).collect(partial=partial))


@main.command()
@click.argument("run")
@click.option("--why", "whys", multiple=True, type=click.Choice(WHYS), help="Retry these; may be repeated.")
def retry(run: str, whys: tuple[str, ...]) -> None:
    """Plan again the questions of RUN that were not answered, and only those; then submit.

    Without --why: failed, expired, cancelled and absent.
    """
    from codebook.run import RETRIED, open_run

    opened = open_run(run)
    click.echo(f"{opened.retry(whys or RETRIED):,} questions will be asked again.\n{opened.status()}")


@main.command()
@click.argument("run")
@click.confirmation_option(prompt="Stop what is running and give up what is not sent yet?")
def cancel(run: str) -> None:
    """Stop the jobs of RUN. Finished answers are kept."""
    from codebook.run import open_run

    click.echo(open_run(run).cancel())


@main.command()
@click.argument("run")
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--wide", is_flag=True, help="The wide form: id, quote, label, batch_id, request_id and so on.")
def table(run: str, file: Path | None, wide: bool) -> None:
    """Show the table of RUN with its coverage, or write it to FILE (.csv, .xlsx, .jsonl or .parquet)."""
    from codebook.run import open_run
    from codebook.table import show_table, write_table, write_wide

    opened = open_run(run)
    frame = opened.table()
    if file is None:
        click.echo(show_table(frame))
    elif wide:
        click.echo(write_wide(frame, opened.units(), file))
    else:
        click.echo(write_table(frame, file))


@main.command()
@click.argument("run")
@click.option("--coders", default="", metavar="FILE", help="coders.yaml: labels from people and other tools.")
@click.option("--replicates", default=1000, show_default=True, help="Bootstrap replicates of the interval.")
@click.option("--seed", default=1, show_default=True, help="Seed of the bootstrap.")
def reliability(run: str, coders: str, replicates: int, seed: int) -> None:
    """Agreement of the coders of RUN, and of those in coders.yaml, for each variable."""
    from codebook.analysis import agreement_table
    from codebook.run import open_run
    from codebook.table import coverage, merge_tables, read_coders

    opened = open_run(run)
    frame = opened.table()
    if coders:
        frame = merge_tables(frame, read_coders(coders, opened.codebook))
    click.echo(agreement_table(frame, opened.codebook.variables, replicates=replicates, seed=seed).to_string())
    click.echo(f"\n{coverage(frame).to_string()}")


@main.command()
@click.argument("target")
@click.option("-p", "--parameter", "overrides", multiple=True, metavar="NAME=VALUE", callback=_pairs, help="Set it.")
@click.option("--run", default="", help="For one notebook: the run it works on.")
@click.option("--only", multiple=True, metavar="STEP", help="Only these steps of the study; may be repeated.")
@click.pass_context
def execute(ctx: click.Context, target: str, overrides: Mapping[str, Any], run: str, only: tuple[str, ...]) -> None:
    """Run TARGET headlessly: a study.yaml with its chain of notebooks, or one notebook.

    Parameters are checked before anything runs: an unknown or misspelt name, a wrong type and anything that looks like
    a key are refused. Executed copies lie in runs/RUN/notebooks. Exit code: 0 done, 1 failed, 3 pending.
    """
    from codebook.execute import run_notebook, run_study

    values = {name: given[-1] for name, given in overrides.items()}
    if Path(target).suffix in (".yaml", ".yml"):
        ctx.exit(run_study(target, overrides=values, only=only or None, out=click.echo).exit_code)
    done = run_notebook(target, values, run=run)
    click.echo(f"{done.state}: {done.path}")
    ctx.exit(3 if done.state == "pending" else 0)


@main.command()
@click.argument("run")
@click.option("--title", default="", help="Heading of the page.")
def report(run: str, title: str) -> None:
    """Write runs/RUN/report.html from what is collected and saved."""
    from codebook.paths import show_path
    from codebook.report import write_report

    click.echo(f"report: {show_path(write_report(run, title=title))}")
