"""Discard: a run that was never handed in goes, with its rows, its shards and its folder."""

from __future__ import annotations

from contextlib import nullcontext

from codebook.errors import RunError
from codebook.ledger import Ledger
from codebook.run.folder import RunFolder
from codebook.run.trimming import sweep_leftovers


def discard_run(name: str) -> None:
    """Drop a run of which nothing was handed in; answers that others gave to its questions stay with the project.

    Its folder may be gone already. The ledger forgets the run first, then the folder goes.

    Raises
    ------
    RunError
        There is no such run, or it was handed in.
    """
    folder = RunFolder(name)
    if not folder.ledger_path.is_file():
        raise RunError(f"There is no run {name!r}: the project has no ledger.")
    with Ledger(folder.ledger_path) as ledger:
        if ledger.is_planned(name) is None:
            raise RunError(f"The ledger knows no run {name!r}. To mend: `codebook status` lists the runs.")
        with folder.lock() if folder.path.is_dir() else nullcontext():
            if ledger.was_sent(name) or not ledger.discard(name, ledger.name_discarded(name)):
                raise RunError(f"Run {name!r} was handed in: its answers were asked for and stay. Nothing was changed.")
        sweep_leftovers(folder.runs, ledger)
