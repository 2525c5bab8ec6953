"""The life of a shard: planned, handed in, under way, ended or given up, and who has a claim to its questions.

A question is claimed in the transaction that notes the intent of handing its shard in, and not before: what is only
planned keeps nobody from asking. It stays claimed until its answer is collected, the service has said that it did not
take the shard, or the job is given up.

The ledger forgets a plan that nothing was handed in of, and a run that somebody discards (`Drops`). What was asked
stays: jobs, answers and what they cost. Files that nothing needs any more are noted in the same transaction
(`leftovers`), and removed after it.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from codebook.errors import RecordError
from codebook.ledger.connecting import CACHE_KB, PAGES_BESIDE, has_no_room, wait_for_others
from codebook.ledger.migrations import note_answerer
from codebook.ledger.queries import Queries
from codebook.ledger.spending import KEPT
from codebook.records import ENDED, NOT_NEEDED, JobState, Shard

MEND_READ_ONLY = "To mend: copy the whole project to a folder that you may write, and work there."


class Claims(Queries):
    """What is noted of shards and jobs."""

    path: Path
    read_only: bool

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of the block or nothing of it; within another one it is a part of that."""
        if self.read_only:
            if has_no_room(self.path):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))
            raise RecordError(f"{self.path.name} can only be read here, so nothing can be noted. {MEND_READ_ONLY}")
        within = self._db.in_transaction
        if within:
            yield self._db
            return
        self._db.execute(f"PRAGMA cache_size = -{CACHE_KB}")
        self._db.execute(f"PRAGMA wal_autocheckpoint = {PAGES_BESIDE}")
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


class Drops(Claims):
    """Runs that are planned anew or given up."""

    def was_sent(self, run_id: str) -> bool:
        """Whether a shard of the run was handed in, or may have been."""
        sql = "SELECT 1 FROM jobs JOIN shards ON shards.id = jobs.shard_id WHERE run_id = ? AND engine <> '' LIMIT 1"
        return self._db.execute(sql, (run_id,)).fetchone() is not None

    def drop_plan(self, run_id: str, digest: str, answerer: str, what: str) -> bool:
        """Forget the plan of a run, to be planned anew with another digest or somebody else to answer it.

        False: something was handed in, and nothing was changed.
        """
        with self.transaction() as db:
            if self.was_sent(run_id):
                return False
            self._drop_unsent(run_id)
            self._drop_rows(run_id)
            sql = "UPDATE runs SET digest = ?, answerer = ?, planned = 0 WHERE run_id = ?"
            db.execute(sql, (digest, note_answerer(db, answerer), run_id))
            db.execute("INSERT OR IGNORE INTO leftovers VALUES (?)", (f"{run_id}/table.csv",))
            self._note(run_id, "plan", what)
        return True

    def name_kept(self, run_id: str) -> str:
        """The name under which the jobs of a run go on when it is discarded; no run can be named so."""
        n_before = len(self.list_kept(run_id))
        return f"{KEPT}/{run_id}~{n_before + 1}"

    def intend_keeping(self, name: str) -> None:
        """Before files are put into the folder of this name: they are left over, unless `discard` comes to its end."""
        with self.transaction() as db:
            db.execute("INSERT OR IGNORE INTO leftovers VALUES (?)", (name,))

    def discard(self, run_id: str, name: str, keep_files: Callable[[], None]) -> bool:
        """Forget a run; its jobs, their answers and their costs stay, under another name (`name_kept`).

        Its files count as those of the same places in the folder of that name from now on. The folder of the run is
        noted as left over. False: a job is open, and nothing was changed.

        Parameters
        ----------
        keep_files
            Puts the files there that answers need. It is called within the transaction, so that nobody takes them for
            left over before they count.
        """
        with self.transaction() as db:
            if any(row.open for row in self.jobs(run_id)):
                return False
            self._drop_unsent(run_id)
            self._drop_rows(run_id)
            keep_files()
            mine = "SELECT jobs.id FROM jobs JOIN shards ON shards.id = jobs.shard_id WHERE run_id = ?"
            place = f"{run_id}/"
            db.execute(
                f"UPDATE answers SET file = ? || substr(file, ?) WHERE job IN ({mine}) AND substr(file, 1, ?) = ?",  # noqa: S608
                (f"{name}/", len(place) + 1, run_id, len(place), place),
            )
            db.execute(f"DELETE FROM lost WHERE answer_id IN (SELECT id FROM answers WHERE job IN ({mine}))", (run_id,))  # noqa: S608
            db.execute("DELETE FROM lost_files WHERE path NOT IN (SELECT file FROM lost)")
            db.execute(f"UPDATE jobs SET job_key = ? || ':' || id WHERE id IN ({mine})", (name, run_id))  # noqa: S608
            db.execute("UPDATE shards SET run_id = ? WHERE run_id = ?", (name, run_id))
            db.execute("UPDATE events SET run_id = ? WHERE run_id = ?", (name, run_id))
            db.execute("UPDATE runs SET run_id = ?, discarded_at = ? WHERE run_id = ?", (name, now(), run_id))
            db.execute("DELETE FROM leftovers WHERE path = ?", (name,))
            db.execute("INSERT OR IGNORE INTO leftovers VALUES (?)", (run_id,))
            self._note(name, "discard", f"run {run_id} was discarded; answers that were paid stay with the project")
        return True

    def count_given(self, run_id: str) -> int:
        """How many answers the jobs of a run were given, whether they are labels or not."""
        sql = """SELECT count(*) FROM answers JOIN jobs ON jobs.id = answers.job
            JOIN shards ON shards.id = jobs.shard_id WHERE run_id = ? AND answers.file IS NOT NULL"""
        return int(self._db.execute(sql, (run_id,)).fetchone()[0])

    def _drop_unsent(self, run_id: str) -> None:
        """Inside a transaction: the shards of a run that were never handed in, and their files."""
        db = self._db
        unsent = """SELECT shards.id FROM shards LEFT JOIN jobs ON jobs.shard_id = shards.id
            WHERE run_id = ? AND (jobs.id IS NULL OR engine = '')"""
        sql = f"INSERT OR IGNORE INTO leftovers SELECT run_id || '/shards/' || file FROM shards WHERE id IN ({unsent})"  # noqa: S608
        db.execute(sql, (run_id,))
        db.execute(f"DELETE FROM sent WHERE shard_id IN ({unsent})", (run_id,))  # noqa: S608
        db.execute(f"DELETE FROM shards WHERE id IN ({unsent})", (run_id,))  # noqa: S608
        db.execute("DELETE FROM jobs WHERE shard_id NOT IN (SELECT id FROM shards)")

    def _drop_rows(self, run_id: str) -> None:
        """Inside a transaction: the rows of a run, and questions that nobody else has and nobody was asked."""
        self._db.execute(
            """DELETE FROM asks WHERE id IN (SELECT ask_id FROM rows WHERE run_id = ?1) AND open = 0
            AND NOT EXISTS (SELECT 1 FROM answers WHERE answers.ask_id = asks.id)
            AND NOT EXISTS (SELECT 1 FROM rows WHERE rows.ask_id = asks.id AND rows.run_id <> ?1)""",
            (run_id,),
        )
        self._db.execute("DELETE FROM rows WHERE run_id = ?", (run_id,))

    # --- files

    def leftovers(self) -> list[str]:
        """Paths that nothing needs any more, relative to the ledger's folder: files, and folders of runs."""
        return [row[0] for row in self._db.execute("SELECT path FROM leftovers")]

    @contextmanager
    def forget_leftover(self, path: str) -> Iterator[bool]:
        """A transaction in which what lies at a path is removed; False where it is in use again, and must stay."""
        with self.transaction() as db:
            in_use = """SELECT 1 FROM shards WHERE run_id || '/shards/' || file = ?1 AND n_requests > 0
                UNION SELECT 1 FROM runs WHERE run_id = ?1"""
            yield db.execute(in_use, (path,)).fetchone() is None
            db.execute("DELETE FROM leftovers WHERE path = ?", (path,))
