"""What an erasure takes out of the ledger: rows, the questions that nobody else has, and every name of theirs."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from codebook.errors import BusyError
from codebook.ledger.book import Ledger
from codebook.ledger.claims import now
from codebook.ledger.spending import ERASE, MAYBE_PAID


class ErasedRow(NamedTuple):
    """A row of a run, by what names it, and the question it rests on; `ask_id` is None where it was not asked."""

    row_id: int
    run_id: str
    custom_id: str
    unit_id: str
    variable: str
    draw: int
    ask_id: int | None


class SentLine(NamedTuple):
    """A line of a shard, the question it asks, and whether its job is under way."""

    run_id: str
    custom_id: str
    ask_id: int
    under_way: bool


@dataclass(frozen=True)
class Rewritten:
    """A file that was written anew: its name and digest before and now, its size, and where its lines are now.

    `moved` maps the offset of a line to its new offset and length; a line that is gone is not in it.
    """

    old: str
    new: str
    was: str
    sha256: str
    n_lines: int
    n_bytes: int
    n_tokens: int
    moved: Mapping[int, tuple[int, int]]


@dataclass(frozen=True)
class Forgetting:
    """All that is changed at once.

    Attributes
    ----------
    rows, asks
        Ids of rows and of questions that go.
    names
        (run, old, new) of custom_ids that get another name.
    units
        (run, old, new) of units that get another name.
    keys
        New key of questions that were cut, by their id.
    shards, results
        (run, file) of files that were written anew.
    plans
        The digest of the plan of each run, as it is now.
    scrub
        Takes the names out of notes.
    """

    rows: Collection[int] = ()
    asks: Collection[int] = ()
    names: Sequence[tuple[str, str, str]] = ()
    units: Sequence[tuple[str, str, str]] = ()
    keys: Mapping[int, str] = field(default_factory=dict)
    shards: Sequence[tuple[str, Rewritten]] = ()
    results: Sequence[tuple[str, Rewritten]] = ()
    plans: Mapping[str, str] = field(default_factory=dict)
    scrub: Callable[[str], str] = str


def find_rows(ledger: Ledger, run_id: str, unit_ids: Collection[str]) -> list[ErasedRow]:
    """The rows of some units of a run."""
    sql = "SELECT id, run_id, custom_id, unit_id, variable, draw, ask_id FROM rows WHERE run_id = ? AND unit_id IN"
    return [ErasedRow(*row) for row in ledger._look_up(sql, unit_ids, run_id)]


def find_asks(ledger: Ledger, run_id: str, custom_ids: Collection[str]) -> set[int]:
    """The questions that lines of these names ask in the shards of a run."""
    sql = "SELECT ask_id FROM sent JOIN shards ON shards.id = shard_id WHERE run_id = ? AND custom_id IN"
    return {ask for (ask,) in ledger._look_up(sql, custom_ids, run_id)}


def is_sent(ledger: Ledger, run_id: str, custom_id: str) -> bool:
    """Whether a line of a shard of the run has this name."""
    return bool(find_asks(ledger, run_id, [custom_id]))


def find_rows_of_asks(ledger: Ledger, asks: Collection[int]) -> list[ErasedRow]:
    """All rows that rest on some questions, in any run."""
    sql = "SELECT id, run_id, custom_id, unit_id, variable, draw, ask_id FROM rows WHERE ask_id IN"
    return [ErasedRow(*row) for row in ledger._look_up(sql, asks)]


def find_lines(ledger: Ledger, asks: Collection[int]) -> list[SentLine]:
    """All lines of shards, in any run, that ask some questions."""
    sql = """SELECT shards.run_id, sent.custom_id, sent.ask_id, COALESCE(jobs.collected_at IS NULL AND
        (jobs.job_id IS NOT NULL OR jobs.state = 'creating'), 0)
        FROM sent JOIN shards ON shards.id = sent.shard_id LEFT JOIN jobs ON jobs.shard_id = shards.id
        WHERE sent.ask_id IN"""
    return [SentLine(run, name, ask, bool(open_)) for run, name, ask, open_ in ledger._look_up(sql, asks)]


def forget(ledger: Ledger, what: Forgetting) -> None:
    """Take all of it out, in one transaction. Repeated it changes nothing."""
    ledger._db.execute("PRAGMA secure_delete = ON")
    with ledger.transaction() as db:
        _delete(ledger, "rows", "id", what.rows)
        sql = f"{ERASE} WHERE {MAYBE_PAID} AND ask_id = ?"
        db.executemany(sql, ((ask,) for ask in what.asks))
        for table in ("answers", "sent"):
            _delete(ledger, table, "ask_id", what.asks)
        _delete(ledger, "asks", "id", what.asks)
        db.execute("DELETE FROM lost WHERE answer_id NOT IN (SELECT id FROM answers)")
        _rename(ledger, what)
        for run_id, file in what.shards:
            sizes = (file.sha256, file.n_lines, file.n_bytes, file.n_tokens)
            sql = """UPDATE shards SET file = ?, sha256 = ?, n_requests = ?, n_bytes = ?, n_tokens = ?
                WHERE run_id = ? AND file = ?"""
            db.execute(sql, (file.new, *sizes, run_id, file.old))
        sql = "UPDATE answers SET file = ?, offset = ?, length = ? WHERE id = ?"
        for run_id, file in what.results:
            db.executemany(sql, _move(ledger, run_id, file))
        for run_id, digest in what.plans.items():
            db.execute("UPDATE runs SET digest = ? WHERE run_id = ?", (digest, run_id))
        _scrub(ledger, what.scrub)


def close_empty(ledger: Ledger, run_id: str) -> None:
    """Give up the shards of a run that were not handed in and hold no line any more."""
    for row in ledger.jobs(run_id):
        if row.job_key is None and not row.n_requests:
            ledger.close_unsent(run_id, row.number)


def note_erasure(ledger: Ledger, run_id: str, what: str) -> None:
    """Note once that something was erased: the same words on the same day are not noted again."""
    sql = "SELECT 1 FROM events WHERE run_id = ? AND verb = 'erase' AND what = ? AND substr(at, 1, 10) = ?"
    if ledger._db.execute(sql, (run_id, what, now()[:10])).fetchone() is None:
        ledger.note_event(run_id, "erase", what)


def overwrite_free_space(ledger: Ledger) -> None:
    """Write the file anew, so that nothing of what was deleted is left in it."""
    try:
        ledger._db.execute("VACUUM")
        busy = ledger._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    except sqlite3.OperationalError as error:
        if not error.sqlite_errorname.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            raise
        busy = 1
    if busy:
        raise BusyError(
            "Another process has the ledger open, so that its file still holds what was erased. To mend: close other "
            "notebooks and commands of this project, then repeat the erasure."
        )


def _delete(ledger: Ledger, table: str, column: str, ids: Collection[int]) -> None:
    sql = f"DELETE FROM {table} WHERE {column} = ?"  # noqa: S608
    ledger._db.executemany(sql, ((each,) for each in ids))


_NAMES = (
    """UPDATE sent SET custom_id = ?3 WHERE custom_id = ?2
        AND shard_id IN (SELECT id FROM shards WHERE run_id = ?1)""",
    """UPDATE answers SET custom_id = ?3 WHERE custom_id = ?2
        AND job IN (SELECT jobs.id FROM jobs JOIN shards ON shards.id = jobs.shard_id WHERE run_id = ?1)""",
    "UPDATE rows SET custom_id = ?3 WHERE custom_id = ?2 AND run_id = ?1",
)


def _rename(ledger: Ledger, what: Forgetting) -> None:
    """New names of lines, rows and units, and new keys of questions."""
    db = ledger._db
    for sql in _NAMES:
        db.executemany(sql, what.names)
    for run_id, old, new in what.units:
        db.execute("UPDATE rows SET unit_id = ? WHERE run_id = ? AND unit_id = ?", (new, run_id, old))
    db.executemany(
        "UPDATE asks SET request_key = ? WHERE id = ?", ((bytes.fromhex(key), ask) for ask, key in what.keys.items())
    )


def _move(ledger: Ledger, run_id: str, file: Rewritten) -> Iterator[tuple[Any, ...]]:
    """(file, offset, length, id) of the answers whose lines are elsewhere now."""
    old, new = (f"{run_id}/results/{name}" for name in (file.old, file.new))
    answers = ledger._db.execute("SELECT id, offset FROM answers WHERE file = ?", (old,)).fetchall()
    return ((new, *file.moved[offset], answer) for answer, offset in answers if offset in file.moved)


def _scrub(ledger: Ledger, scrub: Callable[[str], str]) -> None:
    """Take names out of all notes of the project."""
    for table, column in (("events", "what"), ("shards", "note"), ("jobs", "note"), ("answers", "detail")):
        notes: Iterable[tuple[int, str]] = ledger._db.execute(f"SELECT id, {column} FROM {table} WHERE {column} <> ''")  # noqa: S608
        changed = [(scrub(text), each) for each, text in notes if scrub(text) != text]
        ledger._db.executemany(f"UPDATE {table} SET {column} = ? WHERE id = ?", changed)  # noqa: S608
