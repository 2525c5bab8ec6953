"""What the ledger is asked. Nothing here changes the file."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

from codebook.ground.whys import RETRIABLE
from codebook.ledger.migrations import UPGRADE
from codebook.ledger.spending import UNTOLD, Spending
from codebook.material.unit_store import N_TEXTS_SQL, THERE_SQL

_ANSWERED = """(answers.id IS NOT NULL AND (COALESCE(answers.why, 'labelled') IN
    ('labelled', 'refused', 'truncated', 'invalid') OR answers.why = 'absent' AND answers.final = 1))"""
_SPARED = f"{_ANSWERED} AND asks.answer_id IS NOT sent.replaces"
"""Of a line that is not handed in: its question has got an answer since it was planned."""
_UNSENT = f"""FROM shards LEFT JOIN jobs ON jobs.shard_id = shards.id CROSS JOIN sent ON sent.shard_id = shards.id
    JOIN asks ON asks.id = sent.ask_id LEFT JOIN answers ON answers.id = asks.answer_id
    WHERE (jobs.id IS NULL OR jobs.state = 'waiting' AND jobs.collected_at IS NULL) AND NOT ({_SPARED})"""
UNSENT_SQL = f"SELECT sent.ask_id {_UNSENT} AND shards.run_id = :run"
"""The questions that a run will ask by shards that are not handed in."""


def make_joins(unsent: str) -> str:
    """Rows with their question and its answer; where it is asked again, an answer without a label is none.

    Parameters
    ----------
    unsent
        The condition that the question of a row stands in a shard of its run that is not handed in.
    """
    return f"""rows LEFT JOIN asks ON asks.id = rows.ask_id LEFT JOIN answers ON answers.id = asks.answer_id
        AND (answers.why IS NULL OR NOT (asks.open = 1 OR {unsent}))"""


def make_why(unsent: str) -> str:
    """Why a row of `make_joins` has no label; empty where it has one."""
    return f"""CASE
        WHEN {THERE_SQL} THEN ''
        WHEN rows.skip IS NOT NULL THEN 'absent'
        WHEN answers.id IS NOT NULL THEN COALESCE(answers.why, '')
        WHEN asks.open = 1 OR {unsent} THEN 'pending'
        ELSE 'cancelled' END"""


_OWN_UNSENT = f"asks.id IN ({UNSENT_SQL})"
_WHY, _JOINS = make_why(_OWN_UNSENT), make_joins(_OWN_UNSENT)
ANY_UNSENT = f"(rows.run_id, asks.id) IN (SELECT shards.run_id, sent.ask_id {_UNSENT})"
_N_LOOKED_UP = 256


@dataclass(frozen=True, slots=True)
class JobRow:
    """A shard of a run and its job, if it has one: `state` is 'planned' before there is a job."""

    shard_id: int
    number: int
    file: str
    sha256: str
    url: str
    model: str
    n_requests: int
    n_bytes: int
    n_tokens: int
    job_key: str | None
    job_id: str | None
    state: str
    n_done: int
    n_failed: int
    note: str
    created_at: str | None
    submitted_at: str | None
    ended_at: str | None
    collected_at: str | None
    attempt: int = 0
    expires_at: str = ""
    reserved_usd: float | None = None
    queued_s: float | None = None
    worked_s: float | None = None

    @property
    def open(self) -> bool:
        """Whether an engine may still be working on it, or its answers are not fetched yet."""
        return self.job_key is not None and self.state != "waiting" and self.collected_at is None

    @property
    def unsent(self) -> bool:
        """Whether it was not handed in, or the service did not take it: nobody is asked by it now."""
        return self.collected_at is None and (self.job_key is None or self.state == "waiting")


_JOBS = """SELECT shards.id, number, file, sha256, url, model, n_requests, n_bytes, n_tokens,
    job_key, job_id, COALESCE(state, 'planned'), COALESCE(n_done, 0), COALESCE(n_failed, 0),
    COALESCE(jobs.note, shards.note), created_at, submitted_at, ended_at, collected_at, COALESCE(attempt, 0),
    COALESCE(expires_at, ''), reserved_usd, queued_s, worked_s
    FROM shards LEFT JOIN jobs ON jobs.shard_id = shards.id"""


class RowState(NamedTuple):
    """A row of a run with the place of its answer: `file` is None where there is no result line to read.

    `cost_usd` is 0 where the answer was paid under another row or by another run.
    """

    custom_id: str
    unit_id: str
    variable: str
    draw: int
    why: str
    detail: str
    file: str | None
    offset: int
    length: int
    batch_id: str
    started_at: str | None
    ended_at: str | None
    cost_usd: float | None = None


class RetriedRow(NamedTuple):
    """A question to be asked again: its name in this run and its key, and under which name which shard asks it.

    The last four are empty where no shard is known to ask it.
    """

    custom_id: str
    request_key: str
    sent_as: str
    run_id: str
    file: str
    sha256: str


class InvalidReply(NamedTuple):
    """Replies of a run that are no label for the same reason: how many, and the unit and place of one."""

    detail: str
    n: int
    unit_id: str
    file: str
    offset: int
    length: int


class Queries(Spending):
    """The reading half of the ledger."""

    def is_planned(self, run_id: str) -> bool | None:
        """Whether the run is planned to its end; None if the ledger does not know it."""
        row = self._db.execute("SELECT planned FROM runs WHERE run_id = ?", (run_id,)).fetchone()
        return None if row is None else bool(row[0])

    def n_rows(self, run_id: str) -> int:
        """How many rows of the run are planned."""
        return int(self._db.execute("SELECT count(*) FROM rows WHERE run_id = ?", (run_id,)).fetchone()[0])

    def n_asked(self, run_id: str) -> int:
        """How many rows of the run are planned to be asked."""
        sql = "SELECT count(*) FROM rows WHERE run_id = ? AND skip IS NULL"
        return int(self._db.execute(sql, (run_id,)).fetchone()[0])

    def noted_among(self, run_id: str, custom_ids: Iterable[str]) -> set[str]:
        """Those of the custom_ids whose rows are planned."""
        sql = "SELECT custom_id FROM rows WHERE run_id = ? AND custom_id IN"
        return {custom_id for (custom_id,) in self._look_up(sql, custom_ids, run_id)}

    def answerer(self, run_id: str) -> str:
        """Who answers a run; empty where that is not known."""
        sql = "SELECT name FROM runs JOIN answerers ON answerers.id = runs.answerer WHERE run_id = ?"
        row = self._db.execute(sql, (run_id,)).fetchone()
        return str(row[0]) if row else ""

    def has_questions(self) -> bool:
        """Whether any run of the project has planned or asked a question."""
        return bool(self._db.execute("SELECT EXISTS (SELECT 1 FROM asks)").fetchone()[0])

    def asked_among(self, request_keys: Iterable[str], answerer: str, run_id: str = "") -> set[str]:
        """Those of the questions that `answerer` was asked, in any run, and that are answered or will be.

        A reply that is no label (refused, truncated, invalid) counts as an answer: asking again is a choice (`retry`).
        A failure, an expiry or a missing line is no answer, and a plan asks nothing; one that was paid and is lost
        counts, however. Those that rows of the run `run_id` need already are among them.
        """
        sql = f"""SELECT request_key FROM asks LEFT JOIN answers ON answers.id = asks.answer_id WHERE
            (asks.open = 1 OR {_ANSWERED} OR EXISTS
                (SELECT 1 FROM rows WHERE rows.ask_id = asks.id AND rows.run_id = ?))
            AND asks.answerer = (SELECT id FROM answerers WHERE name = ?) AND request_key IN"""  # noqa: S608
        return {key.hex() for (key,) in self._look_up(sql, map(bytes.fromhex, request_keys), run_id, answerer)}

    def taken(self, shard_id: int) -> dict[str, str]:
        """Lines of a shard that need not be asked any more: custom_id -> the run that asks it, empty where answered.

        An answer that was there when the shard was planned is none that spares asking again.
        """
        sql = f"""SELECT sent.custom_id, CASE asks.open WHEN 1 THEN COALESCE(shards.run_id, '') ELSE '' END
            FROM sent JOIN asks ON asks.id = sent.ask_id LEFT JOIN answers ON answers.id = asks.answer_id
            LEFT JOIN shards ON shards.id = asks.shard_id
            WHERE sent.shard_id = ?1 AND (asks.open = 1 AND asks.shard_id <> ?1
                OR {_SPARED})"""  # noqa: S608
        return dict(self._db.execute(sql, (shard_id,)))

    def _look_up(self, sql: str, values: Iterable[object], *before: object) -> Iterator[tuple[Any, ...]]:
        """Yield what a query that ends in IN finds, a few hundred values at a time."""
        left = iter(values)
        while some := tuple(islice(left, _N_LOOKED_UP)):
            yield from self._db.execute(f"{sql} ({','.join('?' * len(some))})", (*before, *some))

    def last_shard_number(self, run_id: str) -> int:
        """The highest number of a shard of the run, 0 if there is none; of discarded runs of its name, too.

        So the name of a job is never given twice.
        """
        sql = "SELECT COALESCE(max(number), 0) FROM shards WHERE run_id = ?"
        return max(int(self._db.execute(sql, (name,)).fetchone()[0]) for name in (run_id, *self.list_kept(run_id)))

    def jobs(self, run_id: str) -> list[JobRow]:
        """Every shard of the run with its job, in order."""
        return [JobRow(*row) for row in self._db.execute(f"{_JOBS} WHERE run_id = ? ORDER BY number", (run_id,))]

    def job(self, shard_id: int) -> JobRow:
        """A shard with its job."""
        return JobRow(*self._db.execute(f"{_JOBS} WHERE shards.id = ?", (shard_id,)).fetchone())

    def lost_shards(self, run_id: str) -> set[int]:
        """The shards of the run of whose answers some were paid and are lost: their files may turn up all the same."""
        sql = """SELECT DISTINCT shards.id FROM shards JOIN jobs ON jobs.shard_id = shards.id
            JOIN answers ON answers.job = jobs.id WHERE shards.run_id = ? AND jobs.job_id IS NOT NULL
            AND answers.final = 1 AND answers.file IS NULL AND answers.detail LIKE 'paid, lost%'"""
        return {row[0] for row in self._db.execute(sql, (run_id,))}

    def awaited_runs(self, run_id: str) -> list[str]:
        """Other runs whose outstanding answers this run waits for."""
        sql = """SELECT DISTINCT shards.run_id FROM rows JOIN asks ON asks.id = rows.ask_id
            JOIN shards ON shards.id = asks.shard_id
            WHERE rows.run_id = ?1 AND asks.open = 1 AND shards.run_id <> ?1"""
        return [row[0] for row in self._db.execute(sql, (run_id,))]

    def list_waiting(self, run_id: str) -> list[str]:
        """Other runs that were begun to be sent, with shards that wait for the room of the models this run asks."""
        sql = """SELECT DISTINCT run_id FROM shards LEFT JOIN jobs ON jobs.shard_id = shards.id
            WHERE run_id <> ?1 AND (jobs.id IS NULL OR jobs.state = 'waiting') AND jobs.collected_at IS NULL
            AND model IN (SELECT model FROM shards WHERE run_id = ?1)
            AND EXISTS (SELECT 1 FROM events WHERE events.run_id = shards.run_id AND verb IN ('submit', 'wait'))
            AND run_id IN (SELECT run_id FROM runs WHERE discarded_at IS NULL) ORDER BY shards.id"""
        return [row[0] for row in self._db.execute(sql, (run_id,))]

    def count_whys(self, run_id: str) -> dict[str, dict[str, int]]:
        """Rows of the run by variable and by why ('' is labelled); of packs, their texts."""
        counted = f"sum({N_TEXTS_SQL})"
        sql = f"SELECT variable, {_WHY}, {counted} FROM {_JOINS} WHERE run_id = :run GROUP BY 1, 2"  # noqa: S608
        counts: dict[str, dict[str, int]] = {}
        for variable, why, n in self._db.execute(sql, {"run": run_id}):
            counts.setdefault(variable, {})[why] = n
        return counts

    def iter_rows(self, run_id: str) -> Iterator[RowState]:
        """Yield every row of the run in the order of its units, with the place of its answer."""
        sql = f"""SELECT rows.custom_id, unit_id, variable, draw, {_WHY},
            COALESCE(rows.skip, answers.detail, ''), answers.file, COALESCE(answers.offset, 0),
            COALESCE(answers.length, 0), COALESCE(jobs.job_id, ''), jobs.created_at, jobs.ended_at,
            CASE WHEN shards.run_id = rows.run_id AND answers.custom_id = rows.custom_id THEN cost_usd
                ELSE cost_usd * 0 END
            FROM {_JOINS} LEFT JOIN jobs ON jobs.id = answers.job LEFT JOIN shards ON shards.id = jobs.shard_id
            WHERE rows.run_id = :run ORDER BY rows.id"""  # noqa: S608
        return map(RowState._make, self._db.execute(sql, {"run": run_id}))

    def job_times(self) -> dict[int, tuple[str, str | None, str | None]]:
        """The id, begin and end of every job of the project, by its number."""
        sql = "SELECT id, COALESCE(job_id, ''), created_at, ended_at FROM jobs"
        return {number: (job_id, start, end) for number, job_id, start, end in self._db.execute(sql)}

    def variables_sent(self, shard_id: int) -> dict[str, str]:
        """The variable that each line of a shard asks about, by custom_id."""
        sql = """SELECT sent.custom_id, min(rows.variable) FROM sent JOIN rows ON rows.ask_id = sent.ask_id
            WHERE sent.shard_id = ? GROUP BY sent.custom_id"""
        return dict(self._db.execute(sql, (shard_id,)))

    def rows_to_retry(self, run_id: str, whys: Collection[str], *, final: bool = True) -> list[RetriedRow]:
        """The questions of the run that ended for one of these reasons and are not asked now, each once.

        Each comes with a line that asks it: in the newest shard of the run itself, else in that which asked it last.
        `final` says whether those count too that asking again does not help.
        """
        marks = ",".join(f"'{why}'" for why in whys if why in RETRIABLE)
        sql = f"""WITH lines AS (
                SELECT sent.ask_id, max(sent.shard_id) AS shard_id FROM shards JOIN sent ON sent.shard_id = shards.id
                WHERE shards.run_id = :run GROUP BY sent.ask_id)
            SELECT min(rows.custom_id), lower(hex(asks.request_key)), COALESCE(min(sent.custom_id), ''),
                COALESCE(shards.run_id, ''), COALESCE(shards.file, ''), COALESCE(shards.sha256, '')
            FROM {_JOINS} LEFT JOIN lines ON lines.ask_id = asks.id
            LEFT JOIN shards ON shards.id = COALESCE(lines.shard_id, asks.shard_id)
            LEFT JOIN sent ON sent.shard_id = shards.id AND sent.ask_id = asks.id
            WHERE rows.run_id = :run AND {_WHY} IN ({marks}) AND rows.skip IS NULL
                AND COALESCE(answers.final, 0) <= :final
            GROUP BY asks.id ORDER BY asks.id"""  # noqa: S608
        return [RetriedRow(*row) for row in self._db.execute(sql, {"run": run_id, "final": final})]

    def count_final(self, run_id: str) -> dict[str, int]:
        """Rows of the run, by why, that `retry` leaves out unless it is told: asking again leads nowhere."""
        sql = f"""SELECT {_WHY}, count(*) FROM {_JOINS} WHERE rows.run_id = :run AND answers.final = 1
            AND asks.open = 0 GROUP BY 1"""  # noqa: S608
        return dict(self._db.execute(sql, {"run": run_id}))

    def invalid_replies(self, run_id: str, word: str) -> list[InvalidReply]:
        """The invalid replies of a run by their detail, where this holds a word; the first of each is the example."""
        sql = f"""SELECT answers.detail, count(*), unit_id, answers.file, answers.offset, answers.length, min(rows.id)
            FROM {_JOINS} WHERE rows.run_id = :run AND answers.why = 'invalid' AND answers.file IS NOT NULL
            AND instr(answers.detail, :word) GROUP BY answers.detail ORDER BY min(rows.id)"""  # noqa: S608
        return [InvalidReply(*row[:-1]) for row in self._db.execute(sql, {"run": run_id, "word": word})]

    def count_replies(self, run_id: str) -> int:
        """Rows of a run that have a reply, whether it is a label or not."""
        sql = f"""SELECT count(*) FROM {_JOINS} WHERE rows.run_id = :run AND answers.file IS NOT NULL
            AND COALESCE(answers.why, 'labelled') IN ('labelled', 'refused', 'truncated', 'invalid')"""  # noqa: S608
        return int(self._db.execute(sql, {"run": run_id}).fetchone()[0])

    def totals(self, run_id: str) -> dict[str, Any]:
        """Answers that the rows of a run rest on, their tokens, how many do not tell these, and the models."""
        sql = f"""SELECT count(*), COALESCE(sum(tokens_in), 0), COALESCE(sum(tokens_out), 0),
                COALESCE(sum(tokens_cached), 0), COALESCE(sum({UNTOLD}), 0) FROM
            (SELECT DISTINCT answers.* FROM {_JOINS}
             WHERE rows.run_id = :run AND answers.file IS NOT NULL) AS answers"""  # noqa: S608
        n_answers, tokens_in, tokens_out, tokens_cached, n_untold = self._db.execute(sql, {"run": run_id}).fetchone()
        sql = f"SELECT DISTINCT model FROM {_JOINS} WHERE run_id = :run AND model <> '' ORDER BY 1"  # noqa: S608
        models = [row[0] for row in self._db.execute(sql, {"run": run_id})]
        tokens = {"tokens_in": tokens_in, "tokens_out": tokens_out, "tokens_cached": tokens_cached}
        return {"answers": n_answers, **tokens, "answers_without_tokens": n_untold, "models": models}

    def commonest_models(self, run_id: str) -> dict[str, str]:
        """The model that gave most answers of a run on each variable that has any."""
        sql = f"""SELECT variable, model FROM {_JOINS} WHERE run_id = :run AND model <> ''
            GROUP BY 1, 2 ORDER BY count(*), model DESC"""  # noqa: S608
        return dict(self._db.execute(sql, {"run": run_id}))  # the last one counts

    def list_tokens(self, run_id: str) -> list[tuple[str, str, int, str, int, int]]:
        """(unit, variable, draw, model, tokens in, tokens out) of each row whose answer tells its tokens."""
        sql = f"""SELECT unit_id, variable, draw, answers.model, answers.tokens_in, answers.tokens_out FROM {_JOINS}
            WHERE rows.run_id = :run AND answers.file IS NOT NULL AND NOT {UNTOLD} ORDER BY rows.id"""  # noqa: S608
        return list(self._db.execute(sql, {"run": run_id}))

    def count_borrowed(self, run_id: str) -> tuple[int, int, int]:
        """(answers, tokens in, tokens out) that the rows of a run rest on and that other runs asked for."""
        sql = f"""SELECT count(*), COALESCE(sum(tokens_in), 0), COALESCE(sum(tokens_out), 0) FROM
            (SELECT DISTINCT answers.* FROM {_JOINS} JOIN jobs ON jobs.id = answers.job
             JOIN shards ON shards.id = jobs.shard_id
             WHERE rows.run_id = :run AND answers.file IS NOT NULL AND shards.run_id <> :run)"""  # noqa: S608
        borrowed: tuple[int, int, int] = self._db.execute(sql, {"run": run_id}).fetchone()
        return borrowed

    def cost_of_answers(self, run_id: str) -> float | None:
        """What the answers that a run rests on have cost, whoever asked, in USD; None where one is unknown."""
        sql = f"""SELECT COALESCE(sum(cost_usd), 0), count(*) - count(cost_usd) FROM
            (SELECT DISTINCT answers.* FROM {_JOINS} WHERE rows.run_id = :run AND answers.file IS NOT NULL)"""  # noqa: S608
        usd, n_unknown = self._db.execute(sql, {"run": run_id}).fetchone()
        return None if n_unknown else float(usd)

    def fingerprints(self, run_id: str) -> list[str]:
        """What the services called the systems behind the models that answered a run."""
        sql = f"SELECT DISTINCT fingerprint FROM {_JOINS} WHERE run_id = :run AND fingerprint <> '' ORDER BY 1"  # noqa: S608
        return [row[0] for row in self._db.execute(sql, {"run": run_id})]

    def variables(self, run_id: str) -> list[str]:
        """The variables that a run asks about."""
        return [row[0] for row in self._db.execute("SELECT DISTINCT variable FROM rows WHERE run_id = ?", (run_id,))]

    def count_anew(self, run_id: str) -> dict[str, tuple[int, int]]:
        """Of each variable the different questions that shards of the run itself ask, and all that its rows need."""
        sql = """SELECT variable, count(DISTINCT CASE WHEN ask_id IN (SELECT ask_id FROM sent
                JOIN shards ON shards.id = sent.shard_id WHERE shards.run_id = ?1) THEN ask_id END),
            count(DISTINCT ask_id) FROM rows WHERE run_id = ?1 AND skip IS NULL GROUP BY variable
            ORDER BY min(rows.id)"""
        return {variable: (n_anew, n_all) for variable, n_anew, n_all in self._db.execute(sql, (run_id,))}

    def count_questions(self, run_ids: Collection[str]) -> tuple[int, int]:
        """How many questions some runs need, each counted in every run; and how many different ones there are."""
        marks = ",".join("?" * len(run_ids))
        sql = f"SELECT count(*), count(DISTINCT ask_id) FROM rows WHERE skip IS NULL AND run_id IN ({marks})"  # noqa: S608
        n_all, n_different = self._db.execute(sql, tuple(run_ids)).fetchone()
        return int(n_all), int(n_different)

    def unit_of(self, shard_id: int, custom_id: str) -> str:
        """The unit that a line of a shard asks about; empty if nothing is known of it."""
        sql = """SELECT rows.unit_id FROM sent JOIN rows ON rows.ask_id = sent.ask_id
            WHERE sent.shard_id = ? AND sent.custom_id = ? LIMIT 1"""
        row = self._db.execute(sql, (shard_id, custom_id)).fetchone()
        return str(row[0]) if row else ""

    def find_requests(self, run_id: str, custom_id: str) -> list[tuple[str, str, str]]:
        """Where a row's question was asked: run, file of the shard, custom_id in it.

        Shards of the run itself come first, the newest before the others; it may be another run that asked it.
        """
        own = """SELECT run_id, file, custom_id FROM shards CROSS JOIN sent ON sent.shard_id = shards.id
            WHERE run_id = ? AND custom_id = ? ORDER BY number DESC"""
        any_run = """SELECT shards.run_id, shards.file, COALESCE(answers.custom_id, rows.custom_id) FROM rows
            JOIN asks ON asks.id = rows.ask_id LEFT JOIN answers ON answers.id = asks.answer_id
            LEFT JOIN jobs ON jobs.id = answers.job JOIN shards ON shards.id = COALESCE(jobs.shard_id, asks.shard_id)
            WHERE rows.run_id = ? AND rows.custom_id = ?"""
        return [place for sql in (own, any_run) for place in self._db.execute(sql, (run_id, custom_id))]

    def upgrade_notes(self, run_id: str) -> list[str]:
        """What a change of the ledger's tables brought to light about a run."""
        return [what for _, verb, what in self.events(run_id) if verb == UPGRADE]

    def events(self, run_id: str) -> list[tuple[str, str, str]]:
        """(time, verb, what) of all that was done to a run."""
        sql = "SELECT at, verb, what FROM events WHERE run_id = ? ORDER BY id"
        return list(self._db.execute(sql, (run_id,)))

    def runs(self) -> list[str]:
        """The runs of the project, oldest first, less those that were discarded."""
        return [row[0] for row in self._db.execute("SELECT run_id FROM runs WHERE discarded_at IS NULL ORDER BY rowid")]
