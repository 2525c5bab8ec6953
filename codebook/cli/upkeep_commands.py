"""Commands for what a project holds on to: adopt and erase, and what may go here (tidy) and there (delete-remote)."""

from __future__ import annotations

import click

from codebook.cli.options import YES, ask_first, say, say_empty, show_frame
from codebook.cli.status_commands import end_unknown
from codebook.ground.quantities import say_count


@click.command()
@click.argument("unit")
@click.option("--run", default="", help="Only from this run; all runs of the project where not given.")
@click.option("--text-file", default="", metavar="FILE", help="A file with the text, for vectors made without ids.")
@YES
def erase(unit: str, run: str, text_file: str, yes: bool) -> None:
    """Erase UNIT (its id): text, answers and id, from the files of runs and from the ledger.

    That one unit was erased, and when, is kept. Repeat it where it was interrupted.
    """
    from codebook.run import erase_unit
    from codebook.run.erasing import check_erasure

    texts = [_read_text(text_file)] if text_file else []
    check_erasure(unit, run=run, texts=texts)
    ask_first("Take this unit's text and answers out of all files? It cannot be undone.", yes)
    say(erase_unit(unit, run=run, texts=texts))


@click.command()
@click.argument("folders", nargs=-1, required=True, metavar="FOLDER...")
def adopt(folders: tuple[str, ...]) -> None:
    """Take the run in each FOLDER into this project, from its files alone; nobody is asked.

    FOLDER is runs/NAME of a run whose ledger is missing, or that was renamed; or it lies elsewhere, as a deposited run
    does, and is copied to runs/ under its name. A run that is known is left as it is. Of several, such as all
    folders in runs, those whose answers others share come first.
    """
    from codebook.run import adopt as take_in
    from codebook.run.adoption.adopting import order_folders

    for folder in order_folders(folders):
        say(take_in(folder).status())


@click.command()
@click.argument("run", default="")
@click.option("--all", "everything", is_flag=True, help="Of all runs of the project.")
@click.option("--older-than", default=0.0, metavar="DAYS", help="Only of jobs that ended so many days ago.")
@YES
@click.pass_context
def delete_remote(ctx: click.Context, /, run: str, everything: bool, older_than: float, yes: bool) -> None:
    """Delete the files of RUN, or of all runs, at the service, after the answers on disk were checked.

    Uploads that never became a batch go, too.
    """
    from codebook.run import delete_remote as delete
    from codebook.run import open_run

    if bool(run) == everything:
        raise click.UsageError("Give a RUN, or --all.")
    if run:
        open_run(run)
    ask_first("Delete what the service keeps? The answers on disk stay.", yes)
    n_deleted = delete([run] if run else (), older_than_days=older_than)
    say(f"{say_count(n_deleted, 'file was', 'files were')} deleted.")
    if everything:
        end_unknown(ctx)


@click.command()
@click.option("--older-than", default=0.0, metavar="DAYS", help="Only files not touched for so many days.")
@YES
def tidy(older_than: float, yes: bool) -> None:
    """Say how much room the runs take, and remove what can be made again, if you want it.

    That is exports/ and notebooks/ of each run. Results, shards, tables, outputs and reports always stay.
    """
    from codebook.run import find_rebuilt, measure_runs, tidy_runs

    frame, disk = measure_runs()
    sizes = frame.columns.drop("run")
    show_frame(
        frame.assign(**{name: [_say_bytes(n) for n in frame[name]] for name in sizes}), say_empty("There is no run")
    )
    say(f"runs/ takes {_say_bytes(disk.n_used)}; {_say_bytes(disk.n_free)} of the disk are free.")
    files = find_rebuilt(older_than)
    n_bytes = sum(path.stat().st_size for path in files)
    if not files:
        say("Nothing is there that can be made again.")
        return
    size = f"{say_count(len(files), 'file')} of exports/ and notebooks/ ({_say_bytes(n_bytes)})"
    ask_first(f"Remove {size}? What is in them can be made again.", yes)
    say(f"{say_count(len(files), 'file was', 'files were')} removed, {_say_bytes(tidy_runs(files))}.")


def _say_bytes(n_bytes: int) -> str:
    """A size as people read it.

    Examples
    --------
    >>> _say_bytes(999), _say_bytes(1_500_000)
    ('999 B', '1.5 MB')
    """
    size = float(n_bytes)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def _read_text(path: str) -> str:
    """The text of a file, without the end of its last line."""
    from codebook.errors import ParameterError
    from codebook.paths import missing_file, resolve_path

    file = resolve_path(path)
    if not file.is_file():
        raise ParameterError("The text cannot be read.", [missing_file(file)])
    return file.read_text(encoding="utf-8").removesuffix("\n")
