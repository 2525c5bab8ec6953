"""Answers that were lost with the folder of their run, which somebody removed; and that are there again.

What an answer was is kept (`lost`), so that nothing is lost for good where the folder comes back.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from codebook.ledger.book import Ledger
from codebook.ledger.connecting import MEMORY

_LOST_WITH = "paid, lost with"
"""How it begins what is said of an answer that was paid and is gone with the folder of its run."""
_REPLIES = "COALESCE(why, 'labelled') IN ('labelled', 'refused', 'truncated', 'invalid')"
_WHAT = "file, offset, length, why, detail, final"
_OF_RUN = "SELECT jobs.id FROM jobs JOIN shards ON shards.id = jobs.shard_id WHERE run_id = ?"


def settle_losses(ledger: Ledger, is_free: Callable[[str], bool]) -> None:
    """Note what is lost with folders of runs that are gone, and what is there again. Repeated it changes nothing.

    A reply that is lost is no answer any more: its question is `absent`. Where it was paid it is asked again on demand
    only. A file that is missing in a folder that is there is another matter: it is told by whoever wants to read it.

    Parameters
    ----------
    is_free
        Whether nobody charges for the answers of an engine, by its name.
    """
    if ledger.read_only or ledger.path == MEMORY:
        return
    runs = ledger.path.parent
    there = {run: os.path.lexists(runs / run) for run in _list_collected(ledger)}
    for run, gone in _list_collected(ledger).items():
        if there[run] == gone:
            with ledger.transaction() as db:
                db.execute("UPDATE runs SET gone = ? WHERE run_id = ?", (not there[run], run))
                if not there[run]:
                    _lose(ledger, run, is_free)
    paths = [path for (path,) in ledger._db.execute("SELECT path FROM lost_files") if (runs / path).is_file()]
    for path in paths:
        _find_again(ledger, path)


def _list_collected(ledger: Ledger) -> dict[str, bool]:
    """The runs of which something was collected, and whether their folders are known to be gone."""
    sql = """SELECT run_id, gone FROM runs WHERE run_id IN (SELECT run_id FROM shards
        JOIN jobs ON jobs.shard_id = shards.id WHERE collected_at IS NOT NULL AND engine <> '')"""
    return {run: bool(gone) for run, gone in ledger._db.execute(sql)}


def _lose(ledger: Ledger, run: str, is_free: Callable[[str], bool]) -> None:
    """Inside a transaction: what the folder of a run held is no answer any more."""
    db = ledger._db
    with_file = f"FROM answers WHERE file IS NOT NULL AND job IN ({_OF_RUN})"
    db.execute(f"INSERT OR REPLACE INTO lost SELECT id, {_WHAT} {with_file}", (run,))
    db.execute(f"INSERT OR IGNORE INTO lost_files SELECT DISTINCT file {with_file}", (run,))
    jobs = db.execute(f"SELECT id, engine FROM jobs WHERE id IN ({_OF_RUN})", (run,)).fetchall()  # noqa: S608
    for job, engine in jobs:
        free = is_free(engine)
        detail = f"lost with runs/{run}" if free else f"{_LOST_WITH} runs/{run}"
        sql = f"""UPDATE answers SET why = 'absent', detail = ?, final = ?
            WHERE job = ? AND file IS NOT NULL AND {_REPLIES}"""  # noqa: S608
        db.execute(sql, (detail, not free, job))
        db.execute("UPDATE answers SET file = NULL, offset = NULL, length = NULL WHERE job = ?", (job,))
        ledger._choose_answers(job)


def _find_again(ledger: Ledger, path: str) -> None:
    """Note that a file is there again: its answers are what they were, and need not be asked any more."""
    with ledger.transaction() as db:
        back = "SELECT answer_id FROM lost WHERE lost.file = ?"
        sql = f"SELECT DISTINCT job FROM answers WHERE id IN ({back})"  # noqa: S608
        jobs = [job for (job,) in db.execute(sql, (path,))]
        sql = f"""UPDATE answers SET ({_WHAT}) = (SELECT {_WHAT} FROM lost WHERE answer_id = answers.id)
            WHERE id IN ({back}) AND answers.file IS NULL"""  # noqa: S608
        db.execute(sql, (path,))
        db.execute(f"UPDATE sent SET replaces = NULL WHERE replaces IN ({back})", (path,))  # noqa: S608
        db.execute("DELETE FROM lost WHERE file = ?", (path,))
        db.execute("DELETE FROM lost_files WHERE path = ?", (path,))
        for job in jobs:
            ledger._choose_answers(job)
