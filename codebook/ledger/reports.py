"""What a whole project is asked: every job, every reason of a missing answer, all money, each by one query.

`iter_columns` gives the rows of a run as columns, for a table of them all. SQLite writes each column
of some thousand rows as JSON: it does so in a thread, without Python's lock, while the rows before are worked on, and a
row costs no tuple.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson

from codebook.ledger.book import Ledger
from codebook.ledger.connecting import connect
from codebook.ledger.queries import ANY_UNSENT, UNSENT_SQL, make_joins, make_why
from codebook.ledger.spending import CHARGED, UNTOLD
from codebook.material.unit_store import N_TEXTS_SQL, THERE_SQL
from codebook.records import EMBEDDINGS

_ROWS_AT_ONCE = 5_000
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


JOB_FIELDS = (
    "job", "run", "shard", "engine", "model", "state", "requests", "done", "failed", "created", "submitted", "seen",
    "expires", "ended", "collected", "reserved", "note", "job_id", "queued", "worked",
)  # fmt: skip
ANSWER_FIELDS = (
    "job", "model", "answers", "usable", "tokens_in", "tokens_out", "tokens_cached", "cost", "n_priced", "n_unpriced",
    "n_priced_labels", "n_untold", "live", "n_live",
)  # fmt: skip
ERROR_FIELDS = ("job", "why", "detail", "n", "n_final", "example")


def report_jobs(ledger: Ledger) -> list[tuple[Any, ...]]:
    """Every shard of every run with its job, as `JOB_FIELDS`; `job` is the ledger's own number, None where unsent."""
    sql = """SELECT jobs.id, run_id, number, COALESCE(engine, ''), model, COALESCE(state, 'planned'), n_requests,
        COALESCE(n_done, 0), COALESCE(n_failed, 0), created_at, submitted_at, seen_at, NULLIF(expires_at, ''),
        ended_at, collected_at, reserved_usd, COALESCE(jobs.note, shards.note), COALESCE(job_id, ''),
        queued_s, worked_s
        FROM shards LEFT JOIN jobs ON jobs.shard_id = shards.id ORDER BY shards.id"""
    return _select(ledger, sql)


def report_answers(ledger: Ledger) -> list[tuple[Any, ...]]:
    """The result lines read, by job and by the model that gave them, as `ANSWER_FIELDS`; cost in US dollars.

    `cost` is None where no line has a known price; `n_priced` says how many have one, and `n_unpriced` how many have
    none, answers that were paid and are lost among them. `n_untold` replies do not say what tokens they took. `live` is
    what the `n_live` answers of batches of which it is known would have cost live.
    """
    sql = f"""SELECT job, model, count(file), sum(why IS NULL), sum(tokens_in), sum(tokens_out), sum(tokens_cached),
        sum(cost_usd), count(cost_usd), sum(cost_usd IS NULL), sum(why IS NULL AND cost_usd IS NOT NULL),
        sum(file IS NOT NULL AND {UNTOLD}), sum(live_usd), count(live_usd)
        FROM {CHARGED} GROUP BY job, model"""  # noqa: S608
    return _select(ledger, sql)


def report_errors(ledger: Ledger) -> list[tuple[Any, ...]]:
    """Answers without a label by job, reason and detail, as `ERROR_FIELDS`; `example` is one custom_id.

    Of `n_final` of them asking again leads nowhere.
    """
    sql = """SELECT job, why, detail, count(*), sum(final), min(custom_id) FROM answers WHERE why IS NOT NULL
        GROUP BY job, why, detail"""
    return _select(ledger, sql)


def report_whys(ledger: Ledger) -> list[tuple[str, str, int]]:
    """Rows of every run by why ('' is labelled; 'never asked' is what had no text): (run, why, number).

    Of packs, their texts are counted.
    """
    why = f"CASE WHEN rows.skip IS NOT NULL AND NOT {THERE_SQL} THEN 'never asked' ELSE {make_why(ANY_UNSENT)} END"
    sql = f"""SELECT run_id, {why}, sum({N_TEXTS_SQL})
        FROM {make_joins(ANY_UNSENT)} GROUP BY 1, 2"""  # noqa: S608
    return _select(ledger, sql)


def count_there(ledger: Ledger, run: str) -> int:
    """How many texts of a run were not asked, since they have their vector already."""
    sql = f"SELECT COALESCE(sum({N_TEXTS_SQL}), 0) FROM rows WHERE run_id = ? AND draw = 0 AND {THERE_SQL}"  # noqa: S608
    return int(_select(ledger, sql, run)[0][0])


def name_embedders(ledger: Ledger, model: str) -> list[str]:
    """Who gave vectors by this model, in all runs; one of them is empty where that is not known of a run."""
    sql = """SELECT DISTINCT COALESCE(name, '') FROM shards JOIN jobs ON jobs.shard_id = shards.id
        JOIN runs ON runs.run_id = shards.run_id LEFT JOIN answerers ON answerers.id = runs.answerer
        WHERE url = ? AND model = ? AND collected_at IS NOT NULL AND job_id IS NOT NULL ORDER BY 1"""
    return [name for (name,) in _select(ledger, sql, EMBEDDINGS, model)]


def _select(ledger: Ledger, sql: str, *values: object) -> list[Any]:
    return ledger._db.execute(sql, values).fetchall()
