"""Commands for the results of a run: table, transcripts, records, execute, report, and what opens it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from codebook.cli.options import end_fruitless, pairs, say
from codebook.paths import MARKER


@click.command()
@click.argument("run")
@click.argument("file", default="")
@click.option("--wide", is_flag=True, help="The wide form: id, quote, label, batch_id, request_id and so on.")
@click.option("--columns", is_flag=True, help="One row for each unit, with a column for each variable and coder.")
@click.option("--quote-formulas", is_flag=True, help="In a .csv or .tsv, put ' before what a spreadsheet would run.")
def table(run: str, file: str, wide: bool, columns: bool, quote_formulas: bool) -> None:
    """Show the table of RUN with its coverage, or write it to FILE.

    The ending says how: .csv, .tsv, .xlsx, .json (an array), .jsonl, .parquet, or .db and .sqlite, where rows of the
    same run are replaced; or FILE is the address of a database, such as postgresql+psycopg://host/name.
    """
    from codebook.codings import show_table, write_columns, write_wide
    from codebook.errors import RunError
    from codebook.paths import resolve_path
    from codebook.run import find_run

    opened = find_run(run)
    frame = opened.table()
    if not file:
        say(show_table(frame, notes=opened.notes))
        return
    if frame.empty and "://" not in file and resolve_path(file).exists():
        raise RunError(
            f"Run {run!r} has no row left, so {file} was not replaced. To mend: give the name of a new file."
        )
    say("\n".join(opened.notes), err=True) if opened.notes else None
    formulas = "quote" if quote_formulas else "keep"
    if columns:
        say(write_columns(opened.codings(), file, formulas=formulas))
    elif wide:
        say(write_wide(frame, opened.units(), file, formulas=formulas))
    else:
        say(opened.write_table(frame, file, formulas=formulas))


@click.command()
@click.argument("run")
@click.argument("folder", default="")
@click.option("--variable", default="", help="The variable of the transcriptions, where RUN has several.")
@click.option("--text", is_flag=True, help="Write a .txt beside each, too.")
def transcripts(run: str, folder: str, variable: str, text: bool) -> None:
    """Write the transcripts of RUN into FOLDER (or runs/RUN/transcripts): a checked JSON file for each document."""
    from codebook.run import find_run

    say(repr(find_run(run).transcripts(variable).write(folder, text=text)))


@click.command()
@click.argument("run")
@click.argument("name")
@click.argument("file", default="")
def records(run: str, name: str, file: str) -> None:
    """Show the records of RUN in the list NAME of its codebook, such as entities, or write them to FILE.

    FILE is as of `codebook table`. A database gets the units with their members, too.
    """
    from codebook.run import find_run

    opened = find_run(run).records(name)
    rows = f"{opened.frame.to_string(index=False, na_rep='')}\n" if len(opened.frame) else ""
    say(opened.write(file) if file else f"{rows}{opened!r}")


@click.command()
@click.argument("target", default="")
@click.option(
    "-p", "--parameter", "overrides", multiple=True, metavar="NAME=VALUE", callback=pairs, help="Set a parameter."
)
@click.option("--run", default="", help="For one notebook: the run it works on.")
@click.option("--only", multiple=True, metavar="STEP", help="Only these steps of the study; may be repeated.")
@click.option("--wait", is_flag=True, help="Stay while answers are pending, collect them, and go on with the steps.")
@click.option(
    "--replay", default="", metavar="FOLDER", help="Rebuild the study from the archived run in FOLDER, offline."
)
@click.option("--out", default="", metavar="FOLDER", help="With --replay: a new folder that keeps what is rebuilt.")
@click.pass_context
def execute(
    ctx: click.Context, /, target: str, overrides: Mapping[str, Any], run: str, only: tuple[str, ...], **options: Any
) -> None:
    """Run TARGET headlessly: a study.yaml with its chain of notebooks, or one notebook; study.yaml without it.

    Parameters are checked before anything runs: an unknown or misspelt name, a wrong type and anything that looks like
    a key are refused. Executed copies lie in runs/RUN/notebooks. Exit code: 0 done, 1 failed or nothing labelled, 3
    pending. With --replay no model is asked, nothing in the archive is changed, and each figure or sentence that comes
    out otherwise than it was saved is listed; exit code 1 then.
    """
    from codebook.execute import run_notebook, run_study

    if options["replay"]:
        _replay(ctx, target, options["replay"], only, options["out"])
        return
    target, wait = target or MARKER, options["wait"]
    values = {name: texts[-1] for name, texts in overrides.items()}
    if Path(target).suffix in (".yaml", ".yml"):
        result = run_study(target, overrides=values, only=only or None, out=say)
        while wait and result.state == "pending" and _wait_for_answers(result.folder.name):
            result = run_study(target, overrides=values, only=result.left, out=say)
        if result.exit_code == 0:
            end_fruitless(ctx, result.folder.name)
        ctx.exit(result.exit_code)
    done = run_notebook(target, values, run=run)
    say(f"{done.state}: {done.path}")
    ctx.exit(3 if done.state == "pending" else 0)


def _replay(ctx: click.Context, study: str, archive: str, only: tuple[str, ...], out: str) -> None:
    """Rebuild a study from its archive, and end with 1 where anything is otherwise."""
    from codebook.execute import replay_study

    replay = replay_study(archive, study, only=only or None, out=out, tell=say)
    say(replay)
    if out and replay.differences.rows:
        from codebook.paths import resolve_path, show_path

        path = resolve_path(out) / "differences.csv"
        replay.differences.frame.to_csv(path, index=False)
        say(f"All differences: {show_path(path)}")
    ctx.exit(replay.exit_code)


def _wait_for_answers(name: str) -> bool:
    """Wait for a run of a study and those whose names go on from it; whether anything was waited for."""
    from codebook.files.run_versions import goes_on_from, split_version
    from codebook.run import list_runs
    from codebook.run import wait as wait_for
    from codebook.run.verbs import open_exact

    base = split_version(name)[0]
    runs = [open_exact(run) for run in list_runs() if goes_on_from(run, base)]
    pending = [run for run in runs if (status := run.status()).jobs and not status.done]
    for run in pending:
        wait_for(run, out=say)
    return bool(pending)


@click.command()
@click.argument("run", default="")
@click.option("--title", default="", help="Heading of the page.")
@click.option("--coders", default="", metavar="FILE", help="coders.yaml: labels of people, for methods and checklist.")
@click.option("--gold", default="", help="The coder in it that is the gold.")
@click.option("--no-texts", is_flag=True, help="Show no texts, pictures and replies of units.")
@click.option("--out", default="", metavar="FOLDER", help="Write the page and its files there, not into the run.")
@click.option("--paper", is_flag=True, help="Draft the paper as well, in runs/RUN/paper: LaTeX, BibTeX and Word.")
def report(run: str, title: str, coders: str, gold: str, no_texts: bool, out: str, paper: bool) -> None:
    """Write runs/RUN/report.html from what is collected and saved. What is left out is as in study.yaml."""
    from codebook.paths import show_path
    from codebook.report import write_paper
    from codebook.study import name_reported, open_study, report_study

    study = open_study(run=run, title=title, coders=coders, gold=gold)
    say(f"report: {show_path(report_study(study, texts=not no_texts, out=out))}")
    if paper:
        named = {"title": study.facts.title, "coders": study.coders, "gold": study.gold}
        paper_path = show_path(write_paper(name_reported(study), **named))
        say(f"paper: {paper_path}; fill in what is marked in yellow: only you know it")


@click.command(context_settings={"ignore_unknown_options": True})
@click.option("--no-browser", is_flag=True, help="Open no browser; the address is printed.")
@click.argument("options", nargs=-1, type=click.UNPROCESSED, metavar="[JUPYTER OPTIONS]...")
@click.pass_context
def lab(ctx: click.Context, no_browser: bool, options: tuple[str, ...]) -> None:
    """Open JupyterLab on the study's folder, for this machine alone; Ctrl-C ends it."""
    from codebook.scaffold.lab import start_lab

    ctx.exit(start_lab(options, browser=not no_browser))


@click.command("open")
@click.argument("run", default="")
def open_report(run: str) -> None:
    """Open the report of RUN in the browser; without RUN, that of the study's own run. Its path is printed."""
    import webbrowser

    from codebook.paths import show_path
    from codebook.scaffold.lab import find_report
    from codebook.study import open_study

    report = find_report(run or open_study().run)
    say(show_path(report))
    if not webbrowser.open(report.as_uri()):
        say("There is no browser to open it with here; open that file in one.", err=True)
