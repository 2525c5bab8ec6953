"""Commands for whoever leads a coding: give units to people, see how it goes, hand files out and read them back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from codebook.cli.options import find_coding_folder, open_given, say, units_options


@click.command()
@units_options
@click.option("--coder", "coders", multiple=True, metavar="NAME", help="A coder; may be repeated.")
@click.option("--double", type=click.FloatRange(0, 1), metavar="SHARE", help="Share of units coded by several.")
@click.option("--overlap", type=click.IntRange(0), metavar="N", help="Coders of each of these units; 0 for all coders.")
@click.option("--per-coder", type=click.IntRange(0), metavar="N", help="Most units for one coder; 0 for no limit.")
@click.option(
    "--repeat", type=click.FloatRange(0, 1), metavar="SHARE", help="Share of units that come to a coder a second time."
)
@click.option(
    "--with-suggestions", type=click.FloatRange(0, 1), metavar="SHARE", help="Share of units shown with a suggestion."
)
@click.option("--strata", metavar="COLUMN", help="Context column by which the draw is balanced.")
@click.option("--seed", type=int, metavar="N", help="Seed of the draw.")
@click.option("--sample", metavar="FILE", help="File of a gold sample: only its units are coded.")
@click.option("--folder", metavar="FOLDER", help="Where assignment and logs lie; coding, where none is named.")
@click.option(
    "--leaves",
    "leaving",
    multiple=True,
    metavar="NAME",
    help="A coder who leaves: units not coded yet go to the others.",
)
def assign(leaving: tuple[str, ...], **options: Any) -> None:
    """Give the units of the study to coders, by lot; a repeat adds new units and new coders, and moves nothing else.

    An option that is left out is as in `coding:` of study.yaml. What was coded is left alone in any case.
    """
    settings = ("coders", "double", "overlap", "per_coder", "repeat", "with_suggestions", "strata", "seed", "sample")
    changed = {name: value for name in (*settings, "folder") if (value := options.pop(name)) not in (None, ())}
    study = open_given(options)
    say(study.with_coding(**changed).assign(leaving=leaving))


@click.command()
@click.option("--folder", default="", help="The coding folder, or that of study.yaml.")
@click.option("--least", type=click.IntRange(2), metavar="N", help="Units below which no interval is given.")
def board(folder: str, least: int | None) -> None:
    """Say how the coding goes, and write it as a page: progress, agreement so far, codes that coders confuse.

    It shows the labels of coders. Nobody who still codes should see it.
    """
    from codebook.coding import coding_board

    place = find_coding_folder(folder)
    shown = coding_board(place) if least is None else coding_board(place, least=least)
    for result in shown.results:
        say(f"{result.title}. {result.finding}")
    say(f"The whole board: {shown.write(Path(place, 'board.html'))}")


@click.command()
@click.option(
    "--coder", "coders", multiple=True, metavar="NAME", help="A coder; may be repeated. All coders where none is named."
)
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

    write = write_pages if form == "page" else write_workbooks
    say(repr(write(coders, find_coding_folder(folder), round_name=round_name, overwrite=overwrite)))


@click.command("read-sheet")
@click.argument("files", nargs=-1, required=True)
@click.option("--coder", default="", help="The coder who filled in all files; else the name in each file counts.")
@click.option("--folder", default="", help="The coding folder, or that of study.yaml.")
@click.option("--take-back", is_flag=True, help="Of a workbook: cells that were emptied take their answers back.")
@click.option("--old-definitions", is_flag=True, help="Take answers given by an older definition, as such.")
def read_sheet(files: tuple[str, ...], coder: str, folder: str, take_back: bool, old_definitions: bool) -> None:
    """Read FILES that coders gave back: workbooks (.xlsx), or the answers that a page saved (.answers.jsonl).

    Every cell is checked, and a file with a fault is not read at all. What is new is added to the coder's log; reading
    a file twice changes nothing.
    """
    from codebook.coding import read_handout

    place = find_coding_folder(folder)
    for file in files:
        say(repr(read_handout(file, place, coder=coder, take_back=take_back, old_definitions=old_definitions)))
