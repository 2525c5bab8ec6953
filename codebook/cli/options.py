"""Options that several commands share, and how they are read."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import reduce
from typing import TYPE_CHECKING, Any, TypeVar

import click

from codebook.ground.quantities import say_percent
from codebook.visible import spell_block

if TYPE_CHECKING:
    import pandas as pd

    from codebook.records import Service
    from codebook.run.questions.rehearsal import DryRun
    from codebook.study import Study

F = TypeVar("F", bound=Callable[..., Any])
WAIT = click.option("--wait", is_flag=True, help="Wait: send and collect until all is done, then notify.")
DRY_RUN = click.option("--dry-run", is_flag=True, help="Check, size and price what would be sent; send nothing.")


def show_frame(frame: pd.DataFrame, empty: str) -> None:
    """Print a frame as a person reads it; where it is empty, say so in words."""
    from codebook.run.history import say_moment, say_seconds

    printable = frame.copy()
    for name, column in frame.items():
        if column.dtype.kind == "M":
            days = (column.dropna() == column.dropna().dt.normalize()).all()
            printable[name] = [
                "" if t != t else f"{t:%Y-%m-%d}" if days else say_moment(t.to_pydatetime(warn=False)) for t in column
            ]
        elif column.dtype.kind == "m":
            printable[name] = ["" if span != span else say_seconds(span.total_seconds()) for span in column]
        elif name in _SHARES:
            printable[name] = ["" if share != share else say_percent(share, 1) for share in column]
    say(printable.to_string(index=False, na_rep="") if len(frame) else empty)


_SHARES = ("share", "share_done", "success_rate", "error_rate")


def say_empty(what: str) -> str:
    """That there is nothing to show; outside of a study, that there is none."""
    from codebook.paths import MARKER, project_folder

    folder = project_folder()
    if (folder / MARKER).is_file() or (folder / "runs").is_dir() or "CODEBOOK_PROJECT" in os.environ:
        return f"{what}."
    return (
        f"{what}: there is no {MARKER} in {folder} or above it. To mend: change to the folder of your study, or make "
        "one with `codebook new`."
    )


def show_dry_run(dry: DryRun, end: str) -> None:
    """Print what would be sent and where it would go, and every fault; a faulty shard ends it with an error."""
    from codebook.errors import RecordError

    if dry.frame.empty:
        say("\n".join([f"Nothing is left to be sent: every question of run {dry.run!r} was asked before.", *dry.notes]))
        return
    say(repr(dry))
    if dry.faults:
        raise RecordError(f"The service would refuse the shards of run {dry.run!r}; nothing was sent.")
    say(end)


def pairs(_ctx: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, Any]:
    """`name=value` options as a mapping; a name given twice collects its values."""
    pairs: dict[str, Any] = {}
    for text in values:
        name, equals, value = text.partition("=")
        if not equals:
            raise click.BadParameter(f"{text!r}: write NAME=VALUE")
        pairs[name] = [*pairs[name], value] if name in pairs else [value]
    return pairs


SERVICE = click.option(
    "--service",
    multiple=True,
    metavar="NAME=VALUE",
    callback=pairs,
    help="How a service is called and waited for: timeout_s, attempts, poll_s, requests_per_shard, priority ...",
)


def read_pairs(words_of: Mapping[str, list[str]]) -> dict[str, Any]:
    """What `--service` says: the last value of each name, and of `notify` all of them."""
    return {name: values if name == "notify" else values[-1] for name, values in words_of.items()}


def take_service(words_of: Mapping[str, list[str]], run: str) -> Service | None:
    """What `--service` says, over what holds for a run; nothing where it says nothing."""
    from codebook.run import open_run, read_service

    return read_service(open_run(run).service.to_record() | read_pairs(words_of)) if words_of else None


def find_coding_folder(folder: str) -> str:
    """The coding folder that was named, or that of the study."""
    from codebook.study import open_study

    return folder or open_study().coding.folder


def join_options(*options: Callable[[F], F]) -> Callable[[F], F]:
    """Options that several commands have in common, as one decorator; the last one is shown first."""
    return lambda command: reduce(lambda changed, option: option(changed), options, command)


units_options = join_options(
    click.option(
        "--form",
        multiple=True,
        metavar="NAME=VALUE",
        callback=pairs,
        help="How units are read, such as sheet or encoding.",
    ),
    click.option("--where", multiple=True, metavar="COLUMN=VALUE", callback=pairs, help="Keep these rows."),
    click.option(
        *("--context-column", "--context", "context_columns"),
        multiple=True,
        metavar="COLUMN",
        help="Column shown with the text; may be repeated.",
    ),
    click.option(
        "--text-column", "--text", "text_column", default="", help="Column with the texts; text where left out."
    ),
    click.option(
        *("--id-column", "--id", "id_column"),
        default="",
        help='Column with the ids; id where left out. "wave + id" joins two.',
    ),
    click.option("--units", default="", help="A table, a folder or PDFs; data/texts.csv where left out."),
    click.option("--codebook", default="", help="The codebook's file; codebook.yaml where left out."),
)
"""The options that say what is coded; what is left out is as in study.yaml."""


service_options = join_options(
    click.option(
        "--set",
        "settings",
        multiple=True,
        metavar="NAME=VALUE",
        callback=pairs,
        help="A field of the request, such as temperature=0.",
    ),
    click.option("--url", default="", help="Endpoint: /v1/chat/completions, or /v1/responses."),
    click.option("--base-url", default="", help="Address of the service, where the provider has none of its own."),
    click.option("--provider", default="", help="Who is called: openai, azure, groq, ollama ... or providers.yaml."),
    click.option("--private", is_flag=True, help="Show no id of a unit and no name of a run to the service."),
    click.option("--model", default="", help="Model to ask, where the engine has several."),
)
"""The options that say who answers, where that is a service, and how it is asked."""


def open_given(options: Mapping[str, Any]) -> Study:
    """The study, for this command with what its options say."""
    from codebook.errors import ParameterError
    from codebook.files.yaml_text import parse_value
    from codebook.study import open_study

    for name, values in options.get("settings", {}).items():  # a fault has the option's name
        parse_value(values[-1], f"--set {name}", error=ParameterError, summary="The settings cannot be read.")
    last = {name: {key: values[-1] for key, values in options.get(name, {}).items()} for name in ("form", "settings")}
    study = open_study(**{**options, **last, "service": {}})
    if not (service := read_pairs(options.get("service", {}))):
        return study
    return replace(study, facts=study.facts.changed({"service": {**study.facts.service, **service}}))


def end_fruitless(ctx: click.Context, run: str) -> None:
    """End with 1 where a run came to its end and nothing was labelled; nothing where it is none, or goes on."""
    from codebook.files.run_versions import list_versions
    from codebook.paths import runs_folder
    from codebook.run import open_run

    status = open_run(run).status() if list_versions(runs_folder(), run) else None
    if status and status.fruitless:
        say(f"Error: run {run!r} has ended and nothing was labelled: {status.sentence}.", err=True)
        ctx.exit(1)


YES = click.option("--yes", is_flag=True, help="Do not ask.")


def ask_first(question: str, yes: bool) -> None:
    """Go on after a yes. It comes behind all that may be refused: nobody says yes to what cannot be done."""
    if not yes:
        click.confirm(question, abort=True)


def say(message: object, *, err: bool = False) -> None:
    """Print a message; signs that a terminal would obey are spelt out."""
    click.echo(spell_block(str(message)), err=err)
