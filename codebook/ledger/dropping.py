"""What the ledger forgets: a plan that nothing was handed in of, and a run that somebody discards.

What was asked stays: jobs, answers and what they cost. Files that nothing needs any more are noted in the same
transaction (`leftovers`), and removed after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from codebook.ledger.answerers import note_answerer
from codebook.ledger.claims import Claims, now
from codebook.ledger.spending import KEPT


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
