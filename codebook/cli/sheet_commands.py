"""Commands for coders who work away from the kit: files that they take away, and what comes back."""

from __future__ import annotations

import click

from codebook.cli.options import say


@click.command()
@click.option("--coder", "coders", multiple=True, metavar="NAME", help="For whom; may be repeated. Or all coders.")
@click.option(
    "--as",
    "form",
    type=click.Choice(["workbook", "page"]),
    default="workbook",
    show_default=True,
    help="An Excel workbook, or a page for the browser that needs no network.",
)
@click.option("--round", "round_name", default="main", show_default=True, help="Round of the assignment.")
@click.option("--folder", default="", help="The coding folder, or that of study.yaml.")
@click.option("--overwrite", is_flag=True, help="Replace files that are there, although they may be filled in.")
def sheets(coders: tuple[str, ...], form: str, round_name: str, folder: str, overwrite: bool) -> None:
    """Write a file for each coder to fill in: the units that are left, the codebook, and what to do.

    They lie in coding/handouts. What comes back is read by `codebook read-sheet`.
    """
    from codebook.coding import write_pages, write_workbooks
    from codebook.study import open_study

    write = write_pages if form == "page" else write_workbooks
    say(repr(write(coders, folder or open_study().coding.folder, round_name=round_name, overwrite=overwrite)))


@click.command("read-sheet")
@click.argument("files", nargs=-1, required=True)
@click.option("--coder", default="", help="Whose they must be; whoever's they say where nobody is named.")
@click.option("--folder", default="", help="The coding folder, or that of study.yaml.")
@click.option("--take-back", is_flag=True, help="Of a workbook: cells that were emptied take their answers back.")
@click.option("--old-definitions", is_flag=True, help="Take answers given by an older definition, as such.")
def read_sheet(files: tuple[str, ...], coder: str, folder: str, take_back: bool, old_definitions: bool) -> None:
    """Read FILES that coders gave back: workbooks (.xlsx), or the answers that a page saved (.answers.jsonl).

    Every cell is checked, and a file with a fault is not read at all. What is new is added to the coder's log; reading
    a file twice changes nothing.
    """
    from codebook.coding import read_handout
    from codebook.study import open_study

    place = folder or open_study().coding.folder
    for file in files:
        say(repr(read_handout(file, place, coder=coder, take_back=take_back, old_definitions=old_definitions)))
