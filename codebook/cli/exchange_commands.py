"""Commands for files that come and go: of those who code (given out, read back), of other tools, and for an archive."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from codebook.cli.options import find_coding_folder, open_given, pairs, say, units_options


@click.command("import")
@click.argument("file")
@click.option("--format", default="", help="The tool, such as label_studio; found by what is in FILE without it.")
@click.option("--unit", multiple=True, metavar="FIELD", help="The field of the unit's id; several are joined by /.")
@click.option("--unit-name", default="", metavar="ID", help="The one unit that a survey is about.")
@click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="ROLE=HEADING",
    callback=pairs,
    help="What a heading of a table is: coder, document, code or a variable (VARIABLE/CODER). May be repeated.",
)
@click.option(
    "--rename-coder", "coder_names", multiple=True, metavar="OLD=NEW", callback=pairs, help="May be repeated."
)
@click.option("--rename-variable", "names", multiple=True, metavar="OLD=NEW", callback=pairs, help="May be repeated.")
@click.option("--leave-out", multiple=True, metavar="NAME", help="A variable of FILE that is not wanted.")
@click.option("--variable", default="", help="The variable of the codebook that the one variable of FILE is.")
@click.option("--coder-name", default="", help="Who coded, where FILE names nobody.")
@click.option("--coded-by", default="", metavar="FILE|all", help="Who was asked to code what: a csv (unit, coder).")
@click.option("--join", is_flag=True, help="The codes of one unit and coder are one set, as of marked passages.")
@click.option("--confirmed", default="", metavar="FILE", help="For doccano: the export of confirmed examples only.")
@click.option("--duplicates", type=click.Choice(["first", "last"]), help="Which answer counts where a coder gave two.")
@click.option("--codebook", default="", metavar="FILE", help="The codebook's file; as in study.yaml without it.")
@click.option("--coders", default="", metavar="FILE", help="The coders.yaml of the entry; as in study.yaml without it.")
@click.option("--write", is_flag=True, help="Put the entry into coders.yaml.")
@click.pass_context
def import_file(ctx: click.Context, /, file: str, write: bool, **entry: Any) -> None:
    """Look at FILE of another tool: what it is, what became of every row, the first codings, its entry in coders.yaml.

    FILE may be a folder, a .zip or a .gz. Nothing is written without --write. What the file cannot say is asked, and
    ends it with 1.
    """
    from codebook.codings import look_at_export
    from codebook.paths import resolve_path
    from codebook.scheme import read_codebook

    codebook = entry.pop("codebook")
    study = open_given({"codebook": codebook, "coders": entry.pop("coders")})
    book = resolve_path(study.facts.codebook)
    scheme = read_codebook(book) if codebook or book.is_file() else None
    entry["columns"] = {name: values[-1] for name, values in entry["columns"].items()}
    new = {name: values[-1] for name, values in entry.pop("names").items()}
    entry["variables"] = new | dict.fromkeys(entry.pop("leave_out"), "")
    entry["rename_coders"] = {name: values[-1] for name, values in entry.pop("coder_names").items()}
    view = look_at_export(file, scheme, coders=study.coders or "coders.yaml", **entry)
    say(view)
    if write:
        say(view.write())
    ctx.exit(1 if view.faults else 0)


@click.command()
@click.argument("run", default="")
@click.option(
    "--texts",
    type=click.Choice(["include", "digest", "redact"]),
    default="include",
    show_default=True,
    help="Texts of units: as they are, each as its SHA-256, or nothing of them.",
)
@click.option("--study", "path", default="", metavar="FILE", help="A study file other than study.yaml.")
@click.option(
    "--out",
    default="",
    metavar="FOLDER",
    help="Write the deposit into FOLDER and FOLDER.zip; deposit/RUN where left out.",
)
@click.option("--title", default="", help="Title of the deposit; that of the study where not given.")
@click.option(
    "--personal-data",
    multiple=True,
    metavar="KIND: REASON",
    help="Why something that looks like an e-mail address, phone number or IP address may be published; one for each.",
)
@click.option("--no-replay", is_flag=True, help="Do not check that the deposit gives its tables again.")
def deposit(
    run: str, texts: str, path: str, out: str, title: str, personal_data: tuple[str, ...], no_replay: bool
) -> None:
    """Write a folder and zip of the study and RUN for a journal's or archive's data editor.

    In it are data, codebook, requests, raw replies, labels, tables and figures, executed notebooks, a draft of the
    paper, README, licence, citation, metadata (RO-Crate, Data Package) and the SHA-256 of every file. It is refused
    where something looks like a key. In a private study coders bear pseudonyms. What only you know is a blank in
    README.md and CITATION.cff; once you have filled it, a later deposit keeps it. What looks personal is named
    with its line; it needs a reason, here or under personal_data in study.yaml, or `codebook verify` fails.
    """
    from codebook.deposit import write_deposit
    from codebook.study import open_study

    study = open_study(path, run=run, personal_data=personal_data)
    say(repr(write_deposit(study, texts=texts, out=out, title=title, replay=not no_replay, tell=say)))


@click.command()
@click.argument("folder")
@click.option("--no-replay", is_flag=True, help="Check the files only, without the replay.")
@click.pass_context
def verify(ctx: click.Context, folder: str, no_replay: bool) -> None:
    """Check the deposit in FOLDER, or its zip, wherever it lies: digests, keys, personal data, and the same tables.

    Nothing in it is changed, and no model is asked. What looks personal needs a reason in the deposit.
    Exit code: 0 all is right, 1 something is wrong.
    """
    from codebook.deposit import verify_deposit

    verified = verify_deposit(folder, replay=not no_replay, tell=say)
    say(repr(verified))
    ctx.exit(0 if verified.passes else 1)


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
