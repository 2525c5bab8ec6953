"""The ledger: every change is one transaction, and says what was meant before it says what was done."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import orjson

from codebook.errors import RunError
from codebook.ledger.claims import Drops, now
from codebook.ledger.connecting import connect, copy_file, may_write
from codebook.ledger.migrations import needs_copy, note_answerer, open_tables
from codebook.paths import make_private
from codebook.records import Answer, Shard


class PlannedRow(NamedTuple):
    """A row of a plan: unit, variable and draw; `skip` says why it is not asked at all, or is None."""

    custom_id: str
    unit_id: str
    variable: str
    draw: int
    request_key: str
    skip: str | None


class FoundLine(NamedTuple):
    """A result line read: its answer, where it stands (None where there is no line), and what it cost, if known.

    `live_usd` is what an answer of a batch would have cost live.
    """

    answer: Answer
    file: str | None
    offset: int | None
    length: int | None
    cost_usd: float | None = None
    live_usd: float | None = None


class Ledger(Drops):
    """The ledger of a project, opened for reading and writing; many processes may have it open at a time.

    Where file or folder cannot be written, it is opened for reading: the file itself, or a copy of it where its last
    changes lie beside it, or an older version of the kit wrote it.

    Attributes
    ----------
    path
        The file that is read.
    read_only
        Whether nothing can be noted.

    Raises
    ------
    RecordError
        The file is damaged, no ledger, or written by a newer version of the kit.
    """

    def __init__(self, path: Path) -> None:
        self.read_only = path.exists() and not may_write(path)
        self._copy = copy_file(path) if self.read_only and needs_copy(path) else None
        self.path = self._copy or path
        if not self.read_only:
            make_private(path.parent)
        self._db = connect(self.path)
        try:
            open_tables(self._db, self.path, read_only=self.read_only and not self._copy)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file. May be repeated."""
        self._db.close()
        if self._copy:
            shutil.rmtree(self._copy.parent, ignore_errors=True)

    def settle(self) -> None:
        """Put all changes into the file itself, as far as no other process is reading: it is then whole if copied."""
        if not self.read_only:
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    # --- plan

    def start_run(self, run_id: str, digest: str, answerer: str) -> tuple[str, str]:
        """Note a run; return the digest it was first planned with, and who it was planned to ask.

        `answerer` is empty where that is not known; no other run is then given its answers.
        """
        with self.transaction() as db:
            number = note_answerer(db, answerer) if answerer else 0
            sql = "INSERT OR IGNORE INTO runs (run_id, digest, answerer) VALUES (?, ?, ?)"
            db.execute(sql, (run_id, digest, number))
            if not self.was_sent(run_id):  # who it asks may be unknown in a ledger of the first versions
                sql = "UPDATE runs SET answerer = ? WHERE run_id = ? AND answerer = 0"
                db.execute(sql, (number, run_id))
            known = str(db.execute("SELECT digest FROM runs WHERE run_id = ?", (run_id,)).fetchone()[0])
        return known, self.answerer(run_id)

    def finish_plan(self, run_id: str) -> None:
        """Note that every unit of the run is planned."""
        with self.transaction() as db:
            db.execute("UPDATE runs SET planned = 1 WHERE run_id = ?", (run_id,))

    def add_planned(
        self, run_id: str, rows: Sequence[PlannedRow], shard: tuple[int, Shard, dict[str, str]] | None = None
    ) -> None:
        """Note rows of a run and, where given, the shard that asks for them: (number, shard, custom_id -> key).

        All in one transaction.
        """
        with self.transaction() as db:
            keys = {row.request_key for row in rows if not row.skip}
            asks = self._add_shard(run_id, *shard, keys)[1] if shard else self._find_asks(keys, self._number(run_id))
            db.executemany(
                "INSERT INTO rows (run_id, custom_id, unit_id, variable, draw, ask_id, skip) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    (run_id, custom_id, unit_id, variable, draw, None if skip else asks[key][0], skip)
                    for custom_id, unit_id, variable, draw, key, skip in rows
                ),
            )

    def _add_asks(self, keys: Collection[str], answerer: int) -> dict[str, tuple[int, int | None]]:
        """Inside a transaction: note questions where they are new; return `_find_asks` of them."""
        new = sorted(set(keys))
        first = int(self._db.execute("SELECT COALESCE(max(id), 0) + 1 FROM asks").fetchone()[0])
        rows = ((first + place, bytes.fromhex(key), answerer) for place, key in enumerate(new))
        sql = "INSERT OR IGNORE INTO asks (id, request_key, answerer, shard_id) VALUES (?, ?, ?, 0)"
        if self._db.executemany(sql, rows).rowcount == len(new):  # as a rule: none need be looked up then
            return {key: (first + place, None) for place, key in enumerate(new)}
        return self._find_asks(new, answerer)

    def _find_asks(self, keys: Collection[str], answerer: int) -> dict[str, tuple[int, int | None]]:
        """The number of each question that is noted, and of its answer, by its key."""
        sql = "SELECT request_key, id, answer_id FROM asks WHERE answerer = ? AND request_key IN"
        asks = self._look_up(sql, map(bytes.fromhex, sorted(keys)), answerer)  # as the index has them: quicker by far
        return {key.hex(): (ask_id, answer_id) for key, ask_id, answer_id in asks}

    def _number(self, run_id: str) -> int:
        """The number of who answers a run."""
        return int(self._db.execute("SELECT answerer FROM runs WHERE run_id = ?", (run_id,)).fetchone()[0])

    def _add_shard(
        self, run_id: str, number: int, shard: Shard, sent: dict[str, str], others: Collection[str] = ()
    ) -> tuple[int, dict[str, tuple[int, int | None]]]:
        """Inside a transaction: the shard, its questions where they are new, and which line would ask which.

        Returns the ledger's own number of the shard; and `_find_asks` of its questions and of the `others`.
        """
        db, answerer = self._db, self._number(run_id)
        values = (run_id, number, shard.path.name, shard.sha256, shard.url, shard.model)
        sizes = (shard.n_requests, shard.n_bytes, shard.n_tokens)
        shard_id = db.execute(
            "INSERT INTO shards (run_id, number, file, sha256, url, model, n_requests, n_bytes, n_tokens) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            values + sizes,
        ).lastrowid
        asks = self._add_asks(sent.values(), answerer)
        asks |= self._find_asks(set(others) - asks.keys(), answerer)
        db.executemany(
            "INSERT INTO sent (shard_id, custom_id, ask_id, replaces) VALUES (?, ?, ?, ?)",
            ((shard_id, custom_id, *asks[key]) for custom_id, key in sorted(sent.items())),
        )
        return int(shard_id or 0), asks

    def add_shard(self, run_id: str, number: int, shard: Shard, sent: dict[str, str]) -> None:
        """Note a shard that asks again what was asked before.

        Rows that rest on the answer of somebody else, as the first versions of the kit had it, rest on their own now.
        """
        with self.transaction() as db:
            shard_id, _ = self._add_shard(run_id, number, shard, sent)
            sql = """SELECT sent.ask_id, rows.ask_id FROM sent
                JOIN rows ON rows.run_id = ? AND rows.custom_id = sent.custom_id
                WHERE sent.shard_id = ? AND rows.ask_id <> sent.ask_id"""
            others = [(ask_id, run_id, other) for ask_id, other in db.execute(sql, (run_id, shard_id))]
            db.executemany("UPDATE rows SET ask_id = ? WHERE run_id = ? AND ask_id = ?", others)

    # --- collect

    def add_answers(
        self,
        shard_id: int,
        answers: Iterable[FoundLine],
        *,
        missing_why: str,
        detail: str = "",
        find_loss: Callable[[], str] = str,
    ) -> tuple[int, list[str]]:
        """Index the result lines of a job and close its questions, in one transaction.

        Parameters
        ----------
        answers
            Of two lines for one custom_id the last is kept.
        missing_why, detail
            Noted for every question of the shard that no line answers.
        find_loss
            Asked once all lines are read: why those without a line may have been paid; "" where they were not. They are
            absent then, and are asked again on demand only.

        Returns
        -------
        (number of answers noted, custom_ids in the file that were never asked)
        """

        def find_missing() -> tuple[str, str, bool]:
            return ("absent", loss, True) if (loss := find_loss()) else (missing_why, detail, False)

        with self.transaction():
            return self._index(shard_id, answers, find_missing)

    def heal(self, shard_id: int, answers: Iterable[FoundLine], state: str, note: str) -> int:
        """Index lines of a collected job whose answers were lost; return how many lines it has now.

        Questions that are planned to be asked again need not be asked where their answer has turned up.
        """
        with self.transaction() as db:
            (job,) = db.execute("SELECT id FROM jobs WHERE shard_id = ?", (shard_id,)).fetchone()
            lost = db.execute("SELECT id FROM answers WHERE job = ? AND file IS NULL AND final = 1", (job,)).fetchall()
            n_answers, _ = self._index(shard_id, answers, lambda: ("absent", note, True))
            with_file = "(SELECT id FROM answers WHERE id = ? AND file IS NOT NULL)"
            db.executemany(f"UPDATE sent SET replaces = NULL WHERE replaces IN {with_file}", lost)  # noqa: S608
            db.execute("UPDATE jobs SET state = ?, note = ? WHERE id = ?", (state, note, job))
        return n_answers

    def give_up(self, shard_id: int, note: str) -> bool:
        """End a job that may still be at work: its questions count as cancelled and may be asked by others.

        What it was expected to cost stays reserved, since it may be billed. False: it is collected already.
        """
        with self.transaction() as db:
            sql = """UPDATE jobs SET state = 'cancelled', note = ?1, ended_at = COALESCE(ended_at, ?2), given_up_at = ?2
                WHERE shard_id = ?3 AND collected_at IS NULL"""
            if not db.execute(sql, (note, now(), shard_id)).rowcount:
                return False
            self._index(shard_id, (), lambda: ("cancelled", note, False))
        return True

    def _index(
        self, shard_id: int, answers: Iterable[FoundLine], find_missing: Callable[[], tuple[str, str, bool]]
    ) -> tuple[int, list[str]]:
        """Inside a transaction: the answers of a job, and its end.

        `find_missing` says, once all lines are read, why the others are missing, in detail, and whether that is final.
        """
        db = self._db
        job = db.execute("SELECT id FROM jobs WHERE shard_id = ?", (shard_id,)).fetchone()[0]
        asks = dict(db.execute("SELECT custom_id, ask_id FROM sent WHERE shard_id = ?", (shard_id,)))
        strangers, missing = list[str](), dict(asks)
        db.executemany(_ADD_ANSWER, _answer_values(job, asks, answers, strangers, missing))
        if missing:
            reasons = find_missing()
            sql = "INSERT OR IGNORE INTO answers (ask_id, job, custom_id, why, detail, final) VALUES (?, ?, ?, ?, ?, ?)"
            db.executemany(sql, ((ask_id, job, name, *reasons) for name, ask_id in missing.items()))
        self._choose_answers(job)
        self._free(shard_id)
        db.execute("UPDATE jobs SET collected_at = COALESCE(collected_at, ?) WHERE id = ?", (now(), job))
        count = db.execute("SELECT count(*) FROM answers WHERE job = ? AND file IS NOT NULL", (job,)).fetchone()[0]
        return int(count), strangers

    def _choose_answers(self, job: int) -> None:
        """Let each question point to its answer: a label stands; else the newest with a line, then without.

        Nobody is asked it now. As a rule there is one answer, which need not be compared with others.
        """
        self._db.execute(
            """UPDATE asks SET answer_id = COALESCE(
                (SELECT CASE count(*) WHEN 1 THEN max(id) END FROM answers WHERE answers.ask_id = asks.id),
                (SELECT answers.id FROM answers WHERE answers.ask_id = asks.id
                ORDER BY answers.why IS NULL DESC, answers.file IS NOT NULL DESC, answers.id DESC LIMIT 1)),
                open = CASE WHEN shard_id = (SELECT shard_id FROM jobs WHERE id = ?1) THEN 0 ELSE open END
            WHERE id IN (SELECT ask_id FROM answers WHERE job = ?1)""",
            (job,),
        )

    def note_odd(self, shard_id: int, note: str, *, instead: bool = False) -> None:
        """Note what was odd about the answers of a job, behind what is noted of it, or instead of that."""
        with self.transaction() as db:
            (before,) = db.execute("SELECT note FROM jobs WHERE shard_id = ?", (shard_id,)).fetchone()
            notes = [note] if instead else [before] if note in before else [before, note]
            db.execute("UPDATE jobs SET note = ? WHERE shard_id = ?", ("; ".join(filter(None, notes)), shard_id))


_SAID = ("file", "offset", "length", "cost_usd", "live_usd", "why", "detail", "model", "request_id", "fingerprint",
    "tokens_in", "tokens_out", "tokens_cached", "final")  # fmt: skip
_ADD_ANSWER = f"""INSERT INTO answers (ask_id, job, custom_id, {", ".join(_SAID)})
    VALUES (?, ?, ?{", ?" * len(_SAID)}) ON CONFLICT (job, custom_id)
    DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in _SAID)}"""  # noqa: S608  names of our own


def _answer_values(
    job: int, asks: dict[str, int], lines: Iterable[FoundLine], strangers: list[str], missing: dict[str, int]
) -> Iterator[tuple[int | float | str | None, ...]]:
    """Yield what is noted of each line; the custom_ids that were never asked go to `strangers`.

    Those that have a line leave `missing`.
    """
    for (name, _, why, detail, model, request_id, *counts, fingerprint, final), *place_and_costs in lines:
        if name not in asks:
            strangers.append(name)
            continue
        missing.pop(name, None)
        texts = (why, detail[:500], model, request_id, fingerprint)
        yield (asks[name], job, name, *place_and_costs, *texts, *counts, final)


def open_known(runs: Path, run_id: str) -> Ledger:
    """Open the ledger below the folder of all runs, which must know this run.

    Raises
    ------
    RunError
        It does not: it was deleted or is another one, or the run's folder was renamed, copied or brought here.
    """
    path = runs / "ledger.db"
    if not path.is_file():
        raise RunError(say_unknown(runs, run_id, "there is no runs/ledger.db"))
    ledger = Ledger(path)
    if ledger.is_planned(run_id) is None:
        ledger.close()
        raise RunError(say_unknown(runs, run_id, "runs/ledger.db has no run of this name"))
    return ledger


def say_unknown(runs: Path, run_id: str, why: str) -> str:
    """Say that a run is not in the ledger, and what helps."""
    former = _read_name(runs / run_id / "run.json") or run_id
    renamed = f" Its run.json calls it {former!r}: if you renamed it, name it so again." if former != run_id else ""
    mend = f"`codebook adopt runs/{run_id}` reads it in from its folder; or plan it again. Nothing is paid twice."
    return f"The ledger does not know run {run_id!r} ({why}).{renamed} To mend: {mend}"


def _read_name(path: Path) -> str:
    try:
        return str(orjson.loads(path.read_bytes())["run"])
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError):
        return ""
