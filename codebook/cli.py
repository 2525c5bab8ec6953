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
      codebook preflight ...           ask a few texts live first, where a service is to be paid
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


def _service_options(command: F) -> F:
    """The options that say who answers, where that is a service, and how it is asked."""
    for option in (
        click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", callback=_pairs, help="Request field."),
        click.option(
            "--url", default="/v1/chat/completions", show_default=True, help="Endpoint: this or /v1/responses."
        ),
        click.option("--base-url", default="", help="Address of the service, where the provider has none of its own."),
        click.option(
            "--provider", default="", help="Who is called: openai, azure, groq, ollama ... or providers.yaml."
        ),
        click.option("--model", default="", help="Model to ask, where the engine has several."),
    ):
        command = option(command)
    return command


def _take_plan(given: dict[str, Any]) -> dict[str, Any]:
    """The options of a plan as the package takes them: the units read, settings typed, the engine's own apart."""
    import yaml

    columns = ("units_path", "id_column", "text_column", "context", "where")
    units = _read_units(**{name: given.pop(name) for name in columns})
    settings = {name: yaml.safe_load(values[-1]) for name, values in given.pop("settings").items()}
    options = {name: value for name in ("provider", "base_url") if (value := given.pop(name))}
    return {"units": units, "settings": settings, "options": options, **given}


@main.command()
@_units_options
@_service_options
@click.option("-n", "k", default=3, show_default=True, help="How many texts to ask.")
def preflight(book: str, **given: Any) -> None:
    """Ask a few texts live, for cents: what fails here would fail as a batch. The batch does not ask them again."""
    from codebook.run import preflight as ask_first

    found = ask_first(book, **_take_plan(given))
    click.echo(found)
    found.raise_errors()


@main.command()
@_units_options
@_service_options
@click.option("--run", default="", help="Name of the run; made from what is planned where not given.")
@click.option("--engine", default="embedded", show_default=True, help="embedded, openai_batch, openai_live or replay.")
@click.option("--archive", default="", metavar="FOLDER", help="For --engine replay: the run that was recorded.")
@click.option("--draws", default=1, show_default=True, help="How often each question is asked.")
@click.option("--limit", default=0, metavar="N", help="A pilot: the first N units only.")
def plan(book: str, **given: Any) -> None:
    """Plan a run: write its requests and say what they will cost. Questions answered before are not asked again."""
    from codebook.run import plan as plan_run

    planned = plan_run(book, **_take_plan(given))
    click.echo(planned.status())
    if planned.status().money:
        costs = planned.costs()
        click.echo(f"\n{costs.to_string(index=False, na_rep='')}")
        click.echo("\n".join(f"  {note}" for note in costs.attrs["notes"]))


_WAIT = click.option("--wait", is_flag=True, help="Stay, send and collect until all is done, then notify.")


@main.command()
@click.argument("run")
@click.option("--cap", type=float, metavar="USD", help="What RUN may cost in all; stays until another one is given.")
@_WAIT
def submit(run: str, cap: float | None, wait: bool) -> None:
    """Hand the shards of RUN to its engine, as far as there is room. Goes on where it stopped."""
    from codebook.run import open_run
    from codebook.run import wait as wait_for

    opened = open_run(run)
    status = opened.submit(progress=True, cap=cap)
    if wait:
        wait_for(opened, out=click.echo)
    else:
        click.echo(status)


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
@_WAIT
def collect(run: str, partial: bool, wait: bool) -> None:
    """Fetch the answers of RUN and write its table.csv. Exit code 3 while answers are pending."""
    from codebook.run import open_run
    from codebook.run import wait as wait_for

    opened = open_run(run)
    if wait:
        wait_for(opened, out=click.echo)
    else:
        click.echo(opened.collect(partial=partial))


@main.command()
@click.argument("run")
@click.option("--why", "whys", multiple=True, type=click.Choice(WHYS), help="Retry these; may be repeated.")
@click.option("--max-tokens", type=int, metavar="N", help="A larger cap on the tokens of a reply, for truncated.")
def retry(run: str, whys: tuple[str, ...], max_tokens: int | None) -> None:
    """Plan again the questions of RUN that were not answered, and only those; then submit.

    Without --why: failed, expired, cancelled and absent.
    """
    from codebook.run import RETRIED, open_run

    opened = open_run(run)
    click.echo(
        f"{opened.retry(whys or RETRIED, max_tokens=max_tokens):,} questions will be asked again.\n{opened.status()}"
    )


@main.command()
@click.argument("run")
@click.confirmation_option(prompt="Stop what is running and give up what is not sent yet?")
def cancel(run: str) -> None:
    """Stop the jobs of RUN. Finished answers are kept."""
    from codebook.run import open_run

    click.echo(open_run(run).cancel())


@main.command()
@click.argument("run")
@click.confirmation_option(prompt="Delete what the service keeps of this run? The answers on disk stay.")
def delete_remote(run: str) -> None:
    """Delete the files of RUN at the service, after the answers on disk were checked."""
    from codebook.run import open_run

    click.echo(f"{open_run(run).delete_remote()} files were deleted.")


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
