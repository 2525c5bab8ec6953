"""Commands for what a project holds on to: adopt takes a run in from its folder, erase takes one unit out of all."""

from __future__ import annotations

import click

from codebook.cli.options import say


@click.command()
@click.argument("unit")
@click.option("--run", default="", help="Only from this run; all runs of the project where not given.")
@click.option("--text-file", default="", metavar="FILE", help="A file with the text, for vectors made without ids.")
@click.confirmation_option(prompt="Take this unit's text and answers out of all files? It cannot be undone.")
def erase(unit: str, run: str, text_file: str) -> None:
    """Erase UNIT (its id): text, answers and id, from the files of runs and from the ledger.

    That one unit was erased, and when, is kept. Repeat it where it was interrupted.
    """
    from codebook.run import erase_unit

    say(erase_unit(unit, run=run, texts=[_read_text(text_file)] if text_file else []))


@click.command()
@click.argument("folder")
def adopt(folder: str) -> None:
    """Take the run in FOLDER into this project, from its files alone; nobody is asked.

    FOLDER is runs/NAME of a run whose ledger is missing, or that was renamed; or it lies elsewhere, as a deposited run
    does, and is copied to runs/ under its name. A run that is known is left as it is.
    """
    from codebook.run import adopt as take_in

    say(take_in(folder).status())


def _read_text(path: str) -> str:
    """The text of a file, without the end of its last line."""
    from codebook.errors import ParameterError
    from codebook.paths import missing_file, resolve_path

    file = resolve_path(path)
    if not file.is_file():
        raise ParameterError("The text cannot be read.", [missing_file(file)])
    return file.read_text(encoding="utf-8").removesuffix("\n")
