"""Commands for what is published: deposit writes it, verify checks it wherever it lies."""

from __future__ import annotations

import click

from codebook.cli.options import say


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
