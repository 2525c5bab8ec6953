"""Commands of who leads a coding: units are given to people, and a board shows how it goes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from codebook.cli.options import open_given, say, units_options


@click.command()
@units_options
@click.option("--coder", "coders", multiple=True, metavar="NAME", help="Who codes; may be repeated.")
@click.option("--double", type=click.FloatRange(0, 1), metavar="SHARE", help="Share of units coded by several.")
@click.option("--overlap", type=click.IntRange(0), metavar="N", help="Coders of each of those; 0 for all of them.")
@click.option("--per-coder", type=click.IntRange(0), metavar="N", help="Units of a coder at most; 0 for no bound.")
@click.option("--repeat", type=click.FloatRange(0, 1), metavar="SHARE", help="Share that comes to a coder again.")
@click.option("--with-suggestions", type=click.FloatRange(0, 1), metavar="SHARE", help="Arm that sees suggestions.")
@click.option("--strata", metavar="COLUMN", help="Context column by which all this is balanced.")
@click.option("--seed", type=int, metavar="N", help="Of the draw.")
@click.option("--sample", metavar="FILE", help="Of a gold sample: only its units are coded.")
@click.option("--folder", metavar="FOLDER", help="Where assignment and logs lie; coding, where none is named.")
@click.option("--leaves", "leaving", multiple=True, metavar="NAME", help="Who leaves: open units go to the others.")
def assign(leaving: tuple[str, ...], **options: Any) -> None:
    """Give the units of the study to coders, by lot; repeated, it adds new units and new coders and moves nothing else.

    What is left out is as in `coding:` of study.yaml. What was coded is left alone in any case.
    """
    settings = ("coders", "double", "overlap", "per_coder", "repeat", "with_suggestions", "strata", "seed", "sample")
    changed = {name: value for name in (*settings, "folder") if (value := options.pop(name)) not in (None, ())}
    study = open_given(options)
    say(study.with_coding(**changed).assign(leaving=leaving))


@click.command()
@click.option("--folder", default="", help="The coding folder, or that of study.yaml.")
@click.option("--least", type=click.IntRange(2), metavar="N", help="Units below which no interval is given.")
def board(folder: str, least: int | None) -> None:
    """Say how the coding goes, and write it as a page: progress, agreement so far, codes taken for each other.

    It shows what coders said. Nobody should see it who still codes.
    """
    from codebook.coding import coding_board
    from codebook.study import open_study

    place = folder or open_study().coding.folder
    shown = coding_board(place) if least is None else coding_board(place, least=least)
    for result in shown.results:
        say(f"{result.title}. {result.finding}")
    say(f"All of it: {shown.write(Path(place, 'board.html'))}")
