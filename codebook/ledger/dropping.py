"""What the ledger forgets: a plan that nothing was handed in of, and a run that somebody discards.

What was asked stays: jobs, answers and what they cost. Files that nothing needs any more are noted in the same
transaction (`leftovers`), and removed after it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from codebook.ledger.answerers import note_answerer
from codebook.ledger.claims import Claims, now

KEPT = ".kept"
"""The folder, beside the runs, of the answers that discarded runs were given."""


class Drops(Claims):
    """Runs that are planned anew or given up."""

    def was_sent(self, run_id: str) -> bool:
        """Whether a shard of the run was handed in, or may have been."""
        sql = "SELECT 1 FROM jobs JOIN shards ON shards.id = jobs.shard_id WHERE run_id = ? AND engine <> '' LIMIT 1"
        return self._db.execute(sql, (run_id,)).fetchone() is not None

    def drop_plan(self, run_id: str, digest: str, answerer: str, said: str) -> bool:
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
            self._note(run_id, "plan", said)
        return True

    def name_discarded(self, run_id: str) -> str:
        """The name under which the jobs of a run go on when it is discarded; no run can be named so."""
        sql = "SELECT count(*) FROM runs WHERE substr(run_id, 1, length(?1) + 1) = ?1 || '~'"
        return f"{run_id}~{self._db.execute(sql, (run_id,)).fetchone()[0] + 1}"

    def discard(self, run_id: str, name: str) -> bool:
        """Forget a run; its jobs, their answers and their costs stay, under another name (`name_discarded`).

        Its result files count as those of the same names in `.kept/<name>` from now on, where they must be already. The
        folder of the run is noted as left over. False: a job is open, and nothing was changed.
        """
        with self.transaction() as db:
            if any(row.open for row in self.jobs(run_id)):
                return False
            self._drop_unsent(run_id)
            self._drop_rows(run_id)
            mine = "SELECT id FROM shards WHERE run_id = ?"
            jobs = f"SELECT id FROM jobs WHERE shard_id IN ({mine})"  # noqa: S608
            results = f"{run_id}/results/"
            db.execute(
                f"UPDATE answers SET file = ? || substr(file, ?) WHERE job IN ({jobs}) AND substr(file, 1, ?) = ?",  # noqa: S608
                (f"{KEPT}/{name}/", len(results) + 1, run_id, len(results), results),
            )
            db.execute(f"DELETE FROM sent WHERE shard_id IN ({mine})", (run_id,))  # noqa: S608
            db.execute(f"UPDATE jobs SET job_key = ? || ':' || id WHERE shard_id IN ({mine})", (name, run_id))  # noqa: S608
            db.execute("UPDATE shards SET run_id = ? WHERE run_id = ?", (name, run_id))
            db.execute("UPDATE events SET run_id = ? WHERE run_id = ?", (name, run_id))
            db.execute("UPDATE runs SET run_id = ?, discarded_at = ? WHERE run_id = ?", (name, now(), run_id))
            db.execute("INSERT OR IGNORE INTO leftovers VALUES (?)", (run_id,))
            self._note(name, "discard", f"run {run_id} was discarded; answers that were paid stay with the project")
        return True

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
