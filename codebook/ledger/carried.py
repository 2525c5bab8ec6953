"""What a run's folder carries of the ledger, so that it can be taken to another project: lines of `ledger.jsonl`.

Questions, rows and the places of answers are made again from the folder itself; here stands what only the ledger knew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from codebook.ledger.book import Ledger
from codebook.ledger.spending import TAKEN

_N_AT_ONCE = 1_000
_OWN = ("id", "shard_id", "run_id", "digest", "planned", "answerer", "gone")
"""Columns that another ledger gives itself."""


class Missing(NamedTuple):
    """Why a question of a job has no result line; `final` is that asking again leads nowhere."""

    why: str
    detail: str
    final: bool


def describe_run(ledger: Ledger, run_id: str) -> Iterator[dict[str, Any]]:
    """Yield what a folder should carry: of the run, of each shard with its job, and of rows that other lines answer.

    A line of a shard has `shard` and `job` (their columns), `files` in the order in which they were read, `costs` of
    the answers in that order, `missing` (what holds for most questions without a line) and `others` by custom_id.
    `erased` is what answers took and cost whose unit was erased. `elsewhere` has the key of a row's question, and the
    run that asked it, by custom_id.
    """
    answerer = {"answered_by": ledger.answerer(run_id)}
    yield {"run": _row(ledger, "SELECT * FROM runs WHERE run_id = ?", run_id) | answerer}
    for shard_id, job in ledger._db.execute(_SHARDS, (run_id,)).fetchall():
        line: dict[str, Any] = {"shard": _row(ledger, "SELECT * FROM shards WHERE id = ?", shard_id)}
        if job is not None:
            line |= {"job": _row(ledger, "SELECT * FROM jobs WHERE id = ?", job)} | _answers(ledger, job)
        yield line
    rows = ledger._db.execute(_ELSEWHERE, (run_id,))
    while some := rows.fetchmany(_N_AT_ONCE):
        yield {"elsewhere": {custom_id: [key, run] for custom_id, key, run in some}}


_SHARDS = """SELECT shards.id, jobs.id FROM shards LEFT JOIN jobs ON jobs.shard_id = shards.id WHERE run_id = ?
    ORDER BY 1"""
_ELSEWHERE = """SELECT custom_id, lower(hex(request_key)), COALESCE(shards.run_id, '') FROM rows
    JOIN asks ON asks.id = rows.ask_id LEFT JOIN shards ON shards.id = asks.shard_id
    WHERE rows.run_id = ?1 AND NOT (shards.run_id IS ?1 AND EXISTS (SELECT 1 FROM sent
        WHERE sent.shard_id = asks.shard_id AND sent.custom_id = rows.custom_id AND sent.ask_id = rows.ask_id))
    AND NOT EXISTS (SELECT 1 FROM sent JOIN shards AS own ON own.id = sent.shard_id
        WHERE own.run_id = ?1 AND sent.ask_id = asks.id AND sent.custom_id = rows.custom_id
        AND shards.id IS shards.id)
    ORDER BY rows.id"""


def _row(ledger: Ledger, sql: str, key: int | str) -> dict[str, Any]:
    """A row by its columns, those left out that another ledger gives itself."""
    cursor = ledger._db.execute(sql, (key,))
    names = [column[0] for column in cursor.description]
    return {name: value for name, value in zip(names, cursor.fetchone(), strict=True) if name not in _OWN}


def _answers(ledger: Ledger, job: int) -> dict[str, Any]:
    """What a line says of the answers of a job."""
    db, line = ledger._db, dict[str, Any]()
    lines = db.execute(_LINES, (job,)).fetchall()
    line["files"] = list(dict.fromkeys(file.rpartition("/")[2] for file, _ in lines))
    if any(cost is not None for _, cost in lines):
        line["costs"] = [cost for _, cost in lines]
    if reasons := db.execute(_REASONS, (job,)).fetchall():
        commonest = reasons[0][:3]
        line["missing"] = commonest
        rest = {name: reason for name, *reason in db.execute(_WITHOUT, (job,)) if tuple(reason) != commonest}
        line |= {"others": rest} if rest else {}
    if erased := db.execute(f"SELECT {TAKEN} FROM erased WHERE job = ?", (job,)).fetchall():  # noqa: S608
        line["erased"] = erased
    return line


_LINES = "SELECT file, cost_usd FROM answers WHERE job = ? AND file IS NOT NULL ORDER BY id"
_REASONS = """SELECT why, detail, final, count(*) FROM answers WHERE job = ? AND file IS NULL GROUP BY 1, 2, 3
    ORDER BY 4 DESC"""
_WITHOUT = "SELECT custom_id, why, detail, final FROM answers WHERE job = ? AND file IS NULL ORDER BY id"

# --- and back


class Prior(NamedTuple):
    """A question that was answered before, and the place of its answer."""

    ask_id: int
    shard_id: int
    answer_id: int
    file: str
    offset: int
    length: int


def known_keys(ledger: Ledger, keys: Iterable[str], answerer: str) -> set[str]:
    """Those of the questions to `answerer` that the ledger has."""
    sql = f"SELECT lower(hex(request_key)) FROM asks WHERE {_ASKED} AND request_key IN"  # noqa: S608
    return {key for (key,) in ledger._look_up(sql, map(bytes.fromhex, keys), answerer)}


def find_prior(ledger: Ledger, keys: Iterable[str], answerer: str) -> list[Prior]:
    """Those of the questions to `answerer` that have a reply already, whether it is a label or not."""
    sql = f"""SELECT asks.id, asks.shard_id, answer_id, file, offset, length FROM asks
        JOIN answers ON answers.id = asks.answer_id WHERE file IS NOT NULL AND {_ASKED} AND request_key IN"""  # noqa: S608
    return [Prior(*row) for row in ledger._look_up(sql, map(bytes.fromhex, keys), answerer)]


_ASKED = "asks.answerer = COALESCE((SELECT id FROM answerers WHERE name = ?), 0)"


def find_place(ledger: Ledger, ask_id: int) -> tuple[str, int, int] | None:
    """Where the line is that answers a question now."""
    sql = """SELECT file, offset, length FROM asks JOIN answers ON answers.id = asks.answer_id
        WHERE asks.id = ? AND file IS NOT NULL"""
    place: tuple[str, int, int] | None = ledger._db.execute(sql, (ask_id,)).fetchone()
    return place


def restore_asks(ledger: Ledger, prior: Iterable[Prior]) -> None:
    """Let questions keep the answers that they had before."""
    with ledger.transaction() as db:
        values = ((each.shard_id, each.answer_id, each.ask_id) for each in prior)
        db.executemany("UPDATE asks SET shard_id = ?, answer_id = ? WHERE id = ?", values)


def restore_run(ledger: Ledger, run_id: str, values: Mapping[str, Any], events: Iterable[Sequence[str]]) -> None:
    """Note of a run what its folder carries of it, and what was done to it: (time, verb, what)."""
    _update(ledger, "runs", "run_id", run_id, values)
    with ledger.transaction() as db:
        rows = ((at, run_id, verb, what) for at, verb, what in events)
        db.executemany("INSERT INTO events (at, run_id, verb, what) VALUES (?, ?, ?, ?)", rows)


def restore_job(ledger: Ledger, shard_id: int, shard: Mapping[str, Any], job: Mapping[str, Any]) -> None:
    """Note of a shard and its job what the folder carries of them."""
    _update(ledger, "shards", "id", shard_id, shard)
    _update(ledger, "jobs", "shard_id", shard_id, job)


def restore_costs(ledger: Ledger, shard_id: int, costs: Sequence[float | None]) -> None:
    """Note what the answers of a job cost, in the order in which they were read."""
    sql = """SELECT answers.id FROM answers JOIN jobs ON jobs.id = answers.job
        WHERE jobs.shard_id = ? AND file IS NOT NULL ORDER BY answers.id"""
    answers = ledger._db.execute(sql, (shard_id,)).fetchall()
    if len(answers) == len(costs):
        with ledger.transaction() as db:
            pairs = ((cost, answer) for cost, (answer,) in zip(costs, answers, strict=True))
            db.executemany("UPDATE answers SET cost_usd = ? WHERE id = ?", pairs)


def restore_erased(ledger: Ledger, shard_id: int, erased: Iterable[Sequence[Any]]) -> None:
    """Note what answers of a job cost that were erased."""
    (job,) = ledger._db.execute("SELECT id FROM jobs WHERE shard_id = ?", (shard_id,)).fetchone()
    sql = f"INSERT INTO erased (job, {TAKEN}) VALUES ({', '.join('?' * 9)})"  # noqa: S608
    with ledger.transaction() as db:
        db.executemany(sql, ((job, *each) for each in erased))


def _update(ledger: Ledger, table: str, column: str, key: int | str, values: Mapping[str, Any]) -> None:
    """Set the columns of a row that this ledger has."""
    known = {name for (name,) in ledger._db.execute("SELECT name FROM pragma_table_info(?)", (table,))} - {*_OWN}
    columns = {name: value for name, value in values.items() if name in known}
    if columns:
        parts = ", ".join(f"{name} = ?" for name in columns)
        with ledger.transaction() as db:
            db.execute(f"UPDATE {table} SET {parts} WHERE {column} = ?", (*columns.values(), key))  # noqa: S608
