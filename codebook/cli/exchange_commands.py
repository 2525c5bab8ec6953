"""Commands for files of other tools."""

from __future__ import annotations

from typing import Any

import click

from codebook.cli.options import open_given, pairs, say


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
