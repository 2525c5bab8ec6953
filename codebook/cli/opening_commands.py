"""Commands that open what a person looks at: JupyterLab on the study, and the report of a run."""

from __future__ import annotations

import click

from codebook.cli.options import say


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
