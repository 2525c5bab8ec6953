"""The rows of a run as columns, for a table of them all.

SQLite writes each column of some thousand rows as JSON: it does so in a thread, without Python's lock, while the rows
before are worked on, and a row costs no tuple.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson

from codebook.ledger.connecting import connect
from codebook.ledger.queries import UNSENT_SQL, make_joins, make_why

_ROWS_AT_ONCE = 4_000
_UNSENT = "asks.id IN (SELECT ask_id FROM unsent)"
_OWN_COST = """CASE WHEN answers.custom_id = rows.custom_id AND answers.job IN
    (SELECT jobs.id FROM jobs JOIN shards ON shards.id = jobs.shard_id WHERE shards.run_id = ?1)
    THEN cost_usd ELSE cost_usd * 0 END"""
_CELLS = (
    *("rows.custom_id", "unit_id", "variable", "draw", make_why(_UNSENT), "COALESCE(rows.skip, answers.detail, '')"),
    *("answers.file", "answers.offset", "answers.length", "answers.job"),
    _OWN_COST,
)
_SQL = f"""SELECT {", ".join(f"json_group_array({cell})" for cell in _CELLS)} FROM {make_joins(_UNSENT)}
    WHERE +rows.run_id = ?1 AND rows.id BETWEEN ?2 AND ?3"""  # noqa: S608


def iter_columns(path: Path, run_id: str) -> Iterator[list[list[Any]]]:
    """Yield the columns of a run's rows in the order of its units, some thousand rows at a time, once at least.

    They are custom_id, unit_id, variable, draw, why, detail, file, offset, length, job (its number, see
    `Queries.job_times`) and cost_usd, as `Queries.iter_rows` has them, but for the cost, which has 15 digits here.

    Parameters
    ----------
    path
        Of the ledger.
    """
    with closing(_read(path, run_id)) as reading, ThreadPoolExecutor(1, "ledger") as thread:
        coming = thread.submit(next, reading, None)
        while (columns := coming.result()) is not None:
            coming = thread.submit(next, reading, None)
            yield [orjson.loads(column) for column in columns]


def _read(path: Path, run_id: str) -> Generator[tuple[str, ...]]:
    """Yield the columns as JSON, all from one state of the ledger."""
    with closing(connect(path, any_thread=True)) as db:
        db.execute("PRAGMA temp_store = MEMORY")
        db.execute("BEGIN")
        db.execute("CREATE TEMP TABLE unsent (ask_id INTEGER PRIMARY KEY)")  # made once for all pieces
        db.execute(f"INSERT OR IGNORE INTO unsent {UNSENT_SQL}", {"run": run_id})
        first, last = db.execute("SELECT min(id), max(id) FROM rows WHERE run_id = ?", (run_id,)).fetchone()
        if first is None:
            yield ("[]",) * len(_CELLS)
            return
        for start in range(first, last + 1, _ROWS_AT_ONCE):
            yield db.execute(_SQL, (run_id, start, min(last, start + _ROWS_AT_ONCE - 1))).fetchone()
