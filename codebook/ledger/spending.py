"""What answers took and cost, and what is reserved for those that are under way. Nothing here changes the file."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from typing import NamedTuple

KEPT = ".kept"
"""The folder, below that of the runs, of the answers that discarded runs were given."""
UNTOLD = (
    "(answers.tokens_in = 0 AND COALESCE(answers.why, 'labelled') IN ('labelled', 'refused', 'truncated', 'invalid'))"
)
"""Replies that do not say what they took: every request has tokens."""
MAYBE_PAID = "(answers.file IS NOT NULL OR answers.final = 1 AND answers.why = 'absent')"
"""Answers that somebody may have charged for: those that came, and those that were paid and are lost."""
_AMOUNTS = "why, model, tokens_in, tokens_out, tokens_cached, cost_usd, live_usd"
TAKEN = f"file, {_AMOUNTS}"
"""What is kept of an answer whose unit was erased; of its file only whether it had one."""
CHARGED = f"""(SELECT job, {TAKEN} FROM answers WHERE {MAYBE_PAID}
    UNION ALL SELECT job, {TAKEN} FROM erased) AS answers"""  # noqa: S608
"""What may have been charged, erased answers among it."""
ERASE = f"INSERT INTO erased (job, {TAKEN}) SELECT job, substr(file, 1, 0), {_AMOUNTS} FROM answers"  # noqa: S608
"""Note what answers took and cost, before they go."""


class Money(NamedTuple):
    """US dollars of a run: paid, reserved, the cap if there is one; and the answers whose price is unknown.

    Reserved is for what is under way or was given up, and for answers of unknown price what their job was expected to
    cost.
    """

    spent: float
    reserved: float
    cap: float | None
    n_unpriced: int

    @property
    def known(self) -> float | None:
        """What is known to be paid; None where there are answers and the price of none is known."""
        return None if self.n_unpriced and not self.spent else self.spent


class Spending:
    """Questions about tokens and money."""

    _db: sqlite3.Connection

    def money(self, run_id: str) -> Money:
        """What the run's own jobs have cost and what is reserved for those whose answers are not in yet, in USD."""
        sql = f"""SELECT COALESCE(sum(cost_usd), 0), count(cost_usd), count(*) FROM {CHARGED}
            JOIN jobs ON jobs.id = answers.job JOIN shards ON shards.id = jobs.shard_id WHERE run_id = ?"""  # noqa: S608
        spent, n_priced, n_answers = self._db.execute(sql, (run_id,)).fetchone()
        sql = """SELECT COALESCE(sum(reserved_usd), 0) FROM jobs JOIN shards ON shards.id = jobs.shard_id
            WHERE run_id = ? AND (collected_at IS NULL AND state <> 'waiting' OR given_up_at IS NOT NULL)"""
        reserved = self._db.execute(sql, (run_id,)).fetchone()[0] + self.held(run_id)
        cap = self._db.execute("SELECT cap_usd FROM runs WHERE run_id = ?", (run_id,)).fetchone()
        return Money(spent, reserved, cap[0] if cap else None, n_answers - n_priced)

    def held(self, run_id: str) -> float:
        """What stays reserved for answers of unknown price, in USD: each its share of what its job was to cost."""
        sql = f"""SELECT COALESCE(sum(reserved_usd / n_requests), 0) FROM answers
            JOIN jobs ON jobs.id = answers.job JOIN shards ON shards.id = jobs.shard_id
            WHERE run_id = ? AND cost_usd IS NULL AND {MAYBE_PAID}"""  # noqa: S608
        return float(self._db.execute(sql, (run_id,)).fetchone()[0])

    def spent_before(self, run_id: str) -> float:
        """What discarded runs of this name have cost, and what is still reserved for them, in USD."""
        moneys = [self.money(name) for name in self.list_kept(run_id)]
        return sum(money.spent + money.reserved for money in moneys)

    def used_by_model(self, model: str, variables: Collection[str]) -> tuple[int, int, int]:
        """(answers, tokens in, tokens out) of a model to questions of these variables, in the whole project.

        A custom_id begins with the first 16 letters of its variable, so that answers of another kind do not count.
        """
        sql = f"""SELECT count(*), COALESCE(sum(answers.tokens_in), 0), COALESCE(sum(answers.tokens_out), 0)
            FROM answers JOIN jobs ON jobs.id = answers.job JOIN shards ON shards.id = jobs.shard_id
            WHERE shards.model = ? AND answers.tokens_out > 0
            AND substr(answers.custom_id, 1, instr(answers.custom_id, '.') - 1) IN
                ({",".join("?" * len(variables))})"""  # noqa: S608
        values = (model, *(name[:16] for name in variables))
        totals: tuple[int, int, int] = self._db.execute(sql, values).fetchone()
        return totals

    def enqueued(self, model: str, *, apart_from: int = 0) -> int:
        """Tokens of a model that wait, or may wait, in unfinished jobs of the project, one shard left out."""
        sql = """SELECT COALESCE(sum(n_tokens), 0) FROM jobs JOIN shards ON shards.id = jobs.shard_id
            WHERE model = ? AND (job_id IS NOT NULL OR state = 'creating') AND ended_at IS NULL
            AND collected_at IS NULL AND shards.id <> ?"""
        return int(self._db.execute(sql, (model, apart_from)).fetchone()[0])

    def list_kept(self, run_id: str) -> list[str]:
        """The names under which discarded runs of this name are kept."""
        sql = "SELECT run_id FROM runs WHERE substr(run_id, 1, length(?1)) = ?1"
        return [row[0] for row in self._db.execute(sql, (f"{KEPT}/{run_id}~",))]
