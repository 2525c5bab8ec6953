"""A shard leaves out what others asked since it was planned, before it is handed in; files that nothing needs."""

from __future__ import annotations

import shutil
from pathlib import Path
from uuid import uuid4

from codebook.ledger import JobRow, Ledger
from codebook.records import Shard
from codebook.run.folder import RunFolder
from codebook.shards import write_without

_GONE = ".gone"
"""The folder, beside the runs, of what is being removed."""


def trim_shard(folder: RunFolder, ledger: Ledger, row: JobRow) -> JobRow | None:
    """Leave out of a shard what is answered or claimed by others; return it as it is then, or None where it is closed.

    The smaller file is written first, under its own name, then noted, and then the old file goes. A shard whose handing
    in is in doubt stays as it is.
    """
    row = ledger.job(row.shard_id)
    if row.collected_at is not None:
        return None
    taken = ledger.taken(row.shard_id) if row.unsent else {}
    if not taken:
        return row
    path, words = folder.shards / row.file, say_taken(taken)
    place = path.relative_to(folder.runs).as_posix()
    if len(taken) == row.n_requests:
        if ledger.spare_shard(row.shard_id, f"every question is {words}", place):
            ledger.note_event(folder.name, "submit", f"shard {row.number} is not needed: every question is {words}")
    else:
        folder.check_shard(path, row.sha256)
        shard = Shard(path, row.sha256, row.url, row.model, row.n_requests, row.n_bytes, row.n_tokens)
        if ledger.cut_shard(row.shard_id, write_without(shard, taken), taken, place):
            whole = f"{len(taken):,} of {row.n_requests:,} questions"
            ledger.note_event(folder.name, "submit", f"shard {row.number}: {whole} are {words}, and left out")
    sweep_leftovers(folder.runs, ledger)
    return trim_shard(folder, ledger, row)


def say_taken(taken: dict[str, str]) -> str:
    """What became of questions, by the runs that ask them."""
    runs = sorted({run for run in taken.values() if run})
    parts = ["answered"] * ("" in taken.values()) + [f"being asked by {' and '.join(runs)}"] * bool(runs)
    return " or ".join(parts)


def sweep_leftovers(runs: Path, ledger: Ledger) -> None:
    """Remove the files and folders that the ledger says nothing needs; what is in use again is left alone.

    A folder is moved away first, which is one step, and then removed.
    """
    gone = runs / _GONE
    for place in ledger.leftovers():
        with ledger.forget_leftover(place) as unneeded:
            if unneeded and (runs / place).is_dir():
                gone.mkdir(exist_ok=True)
                (runs / place).replace(gone / f"{Path(place).name}.{uuid4().hex}")
            elif unneeded:
                (runs / place).unlink(missing_ok=True)
    shutil.rmtree(gone, ignore_errors=True)
