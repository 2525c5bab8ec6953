"""The life of a shard: planned, handed in, under way, ended or given up, and who has a claim to its questions.

A question is claimed in the transaction that notes the intent of handing its shard in, and not before: what is only
planned keeps nobody from asking. It stays claimed until its answer is collected, the service has said that it did not
take the shard, or the job is given up.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from codebook.errors import RecordError
from codebook.ledger.connecting import wait_for_others
from codebook.ledger.queries import Queries
from codebook.records import ENDED, NOT_NEEDED, JobState, Shard

MEND_READ_ONLY = "To mend: copy the whole project to a folder that you may write, and work there."


class Claims(Queries):
    """What is noted of shards and jobs."""

    path: Path
    read_only: bool

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of the block or nothing of it; within another one it is a part of that.

        Raises
        ------
        RecordError
            The ledger can only be read.
        """
        if self.read_only:
            raise RecordError(f"{self.path.name} can only be read here, so nothing can be noted. {MEND_READ_ONLY}")
        within = self._db.in_transaction
        if within:
            yield self._db
            return
        wait_for_others(self._db, "BEGIN IMMEDIATE")
        try:
            yield self._db
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:  # SQLite itself rolls back where the disk is full
                self._db.execute("ROLLBACK")
            raise

    def intend_job(self, shard_id: int, job_key: str, engine: str, reserved_usd: float | None = None) -> bool:
        """Before the call: claim the questions of a shard, and note that a job is about to be made of it.

        Repeated with the same key it changes nothing.

        Parameters
        ----------
        job_key, engine
            Under which name, and by whom, the job is to be made.
        reserved_usd
            What it is expected to cost, until its answers say what it did.

        Returns
        -------
        bool
            False: no job may be made and nothing is noted, since the shard was given up, or one of its questions was
            claimed or answered meanwhile (`taken`).
        """
        with self.transaction() as db:
            sql = "SELECT job_key, state, collected_at FROM jobs WHERE shard_id = ?"
            known, state, collected = db.execute(sql, (shard_id,)).fetchone() or (None, "", None)
            if known and state != "waiting":
                return known == job_key and collected is None
            if self.taken(shard_id):
                return False
            db.execute(
                "INSERT INTO jobs (shard_id, job_key, engine, state, created_at, reserved_usd) "
                "VALUES (?, ?, ?, 'creating', ?, ?) ON CONFLICT (shard_id) DO UPDATE SET "
                "state = excluded.state, reserved_usd = excluded.reserved_usd",
                (shard_id, job_key, engine, now(), reserved_usd),
            )
            db.execute(
                "UPDATE asks SET open = 1, shard_id = ?1 WHERE id IN (SELECT ask_id FROM sent WHERE shard_id = ?1)",
                (shard_id,),
            )
        return True

    def withdraw_intent(self, shard_id: int, note: str) -> None:
        """After a call that certainly handed nothing in: the shard is planned, or waits, as before, and why is said."""
        with self.transaction() as db:
            self._free(shard_id)
            again = (
                "UPDATE jobs SET state = 'waiting', note = ?, reserved_usd = NULL WHERE shard_id = ? AND attempt > 0"
            )
            db.execute(f"{again} AND state = 'creating'", (note, shard_id))
            db.execute("UPDATE shards SET note = ? WHERE id = ?", (note, shard_id))
            db.execute("DELETE FROM jobs WHERE shard_id = ? AND state = 'creating'", (shard_id,))

    def cut_shard(self, shard_id: int, shard: Shard, custom_ids: Collection[str], old: str) -> bool:
        """Note that a shard that is not handed in has become smaller; False where it was given up or handed in.

        Parameters
        ----------
        shard
            The new file.
        custom_ids
            The lines that it has no more.
        old
            The path of the file before, relative to the ledger's folder; it is to be removed.
        """
        with self.transaction() as db:
            if not self.job(shard_id).unsent:
                return False
            values = (shard.path.name, shard.sha256, shard.n_requests, shard.n_bytes, shard.n_tokens, shard_id)
            db.execute(
                "UPDATE shards SET file = ?, sha256 = ?, n_requests = ?, n_bytes = ?, n_tokens = ? WHERE id = ?", values
            )
            lines = ((shard_id, custom_id) for custom_id in custom_ids)
            db.executemany("DELETE FROM sent WHERE shard_id = ? AND custom_id = ?", lines)
            db.execute("INSERT OR IGNORE INTO leftovers VALUES (?)", (old,))
        return True

    def spare_shard(self, shard_id: int, note: str, old: str) -> bool:
        """Close a shard of which nothing has to be asked any more, as `cut_shard` does for some of its lines."""
        with self.transaction() as db:
            if not self.job(shard_id).unsent:
                return False
            self._close(shard_id, NOT_NEEDED, note)
            db.execute("UPDATE shards SET n_requests = 0, n_bytes = 0, n_tokens = 0 WHERE id = ?", (shard_id,))
            db.execute("DELETE FROM sent WHERE shard_id = ?", (shard_id,))
            db.execute("INSERT OR IGNORE INTO leftovers VALUES (?)", (old,))
        return True

    def note_submitted(self, shard_id: int, job_id: str) -> None:
        """After the call: the engine's name for the job."""
        sql = """UPDATE jobs SET job_id = ?, state = 'validating', note = '', submitted_at = ?
            WHERE shard_id = ? AND job_id IS NULL"""
        with self.transaction() as db:
            db.execute(sql, (job_id, now(), shard_id))

    def release_job(self, shard_id: int, note: str) -> None:
        """The service ran nothing of the job and will take the same shard later: it waits, under a new key.

        Others may ask its questions meanwhile.
        """
        sql = """UPDATE jobs SET attempt = attempt + 1, job_key = job_key || '+', job_id = NULL, state = 'waiting',
            note = ?, submitted_at = NULL, ended_at = NULL, seen_at = ? WHERE shard_id = ? AND collected_at IS NULL"""
        with self.transaction() as db:
            db.execute(sql, (note, now(), shard_id))
            self._free(shard_id)

    def note_doubt(self, shard_id: int, note: str) -> None:
        """The service could not be asked: the last state is kept, and why it may be old is said."""
        with self.transaction() as db:
            db.execute("UPDATE jobs SET note = ? WHERE shard_id = ? AND collected_at IS NULL", (note, shard_id))

    def set_cap(self, run_id: str, usd: float | None) -> None:
        """Note what the run may cost."""
        with self.transaction() as db:
            db.execute("UPDATE runs SET cap_usd = ? WHERE run_id = ?", (usd, run_id))

    def note_state(self, shard_id: int, state: JobState) -> None:
        """What the engine said of the job; the time of its end is noted once."""
        ended = now() if state.state in ENDED else None
        sql = """UPDATE jobs SET state = ?, n_total = ?, n_done = ?, n_failed = ?, note = ?, expires_at = ?,
            queued_s = COALESCE(?, queued_s), worked_s = COALESCE(?, worked_s), seen_at = ?,
            ended_at = COALESCE(ended_at, ?) WHERE shard_id = ? AND collected_at IS NULL"""
        counts, times = (state.n_total, state.n_done, state.n_failed), (state.queued_s, state.worked_s)
        values = (state.state, *counts, state.note, state.expires_at, *times, now(), ended, shard_id)
        with self.transaction() as db:
            db.execute(sql, values)

    def close_unsent(self, run_id: str, number: int = 0) -> int:
        """Give up shards that are not handed in, or the one shard; return how many."""
        with self.transaction():
            unsent = [row for row in self.jobs(run_id) if row.unsent and number in (0, row.number)]
            for row in unsent:
                self._close(row.shard_id, "cancelled", row.note)
        return len(unsent)

    def note_event(self, run_id: str, verb: str, what: str) -> None:
        """Note what a verb did."""
        with self.transaction():
            self._note(run_id, verb, what)

    def _note(self, run_id: str, verb: str, what: str) -> None:
        """Inside a transaction: what a verb did."""
        sql = "INSERT INTO events (at, run_id, verb, what) VALUES (?, ?, ?, ?)"
        self._db.execute(sql, (now(), run_id, verb, what))

    def _close(self, shard_id: int, state: str, note: str) -> None:
        """Inside a transaction: end a shard that is not handed in; there is nothing to collect."""
        self._db.execute(
            "INSERT INTO jobs (shard_id, job_key, engine, state, note, created_at, ended_at, collected_at) "
            "VALUES (?1, ?2, '', ?3, ?4, ?5, ?5, ?5) ON CONFLICT (shard_id) DO UPDATE SET "
            "state = ?3, note = ?4, ended_at = ?5, collected_at = ?5",
            (shard_id, f"never sent: {shard_id}", state, note, now()),
        )

    def _free(self, shard_id: int) -> None:
        """Inside a transaction: nobody is asked the questions of a shard."""
        self._db.execute("UPDATE asks SET open = 0 WHERE shard_id = ? AND open = 1", (shard_id,))


def now() -> str:
    """The time, UTC, ISO 8601 to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
