"""The ledger's tables, as numbered changes. A change that has been released is never edited: add the next one.

runs     what was planned, by name
answerers  who answers, by the name that the engine gives
asks     a question by its key and by who is asked; it is asked once, whoever needs it: `open` from the handing in of
         the shard `shard_id` (or from the doubt whether it was handed in) until its answer is collected
rows     a unit x variable x draw of a run, and the ask that answers it
shards   files of request lines
sent     which custom_id of which shard stands for which ask, and the answer that a new one is to replace
jobs     a shard at an engine
answers  a result line: file, offset and length, or why there is none
events   what each verb did
lost     answers as they were before the folder of their run was removed, and their files (lost_files)
erased   what answers took and cost whose unit was erased, by their job and by nothing else
leftovers  files below the ledger's folder that nothing needs any more, until they are removed

A question put to one service is another question than the same one put to another service. The name of
whoever answers comes from the engine. Ledgers of the first versions do not have it; it is worked out here
from what `run.json` of their runs says, as those versions understood it. Where that is gone, it stays unknown: such
answers stay where they are shown, and are given to no other run.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson

from codebook.errors import CodebookError, ParameterError, RecordError
from codebook.files.yaml_text import read_yaml
from codebook.ground.machine import MEND_LEDGER
from codebook.ground.network_folders import tell_shared
from codebook.ledger.connecting import MEMORY, connect, has_changes_beside, reads_beside, wait_for_others
from codebook.records import name_service

UPGRADE = "upgrade"
"""The verb of the events that tell what a change of the tables brought to light."""
SYNCHRONOUS = "FULL"
"""What is noted is on the disk before anything is sent (SQLite's word)."""
_SERVICES = ("openai_batch", "openai_live")
_ADDRESSES = {
    "openai": "https://api.openai.com/v1",
    "groq": "https://api.groq.com/openai/v1",
    "perplexity": "https://api.perplexity.ai/v1",
    "novita": "https://api.novita.ai/openai/v1",
    "ollama": "http://127.0.0.1:11434/v1",
    "vllm": "http://127.0.0.1:8000/v1",
}
"""Where each provider was called by the first versions, unless a study said something else."""


def name_old_answerers(ledger_path: Path, runs: list[str]) -> dict[str, str]:
    """Return who answered each of these runs of the first versions, as far as that can be told."""
    names = {run: name_old_answerer(ledger_path.parent, _read_asked(ledger_path.parent / run)) for run in runs}
    return {run: name for run, name in names.items() if name}


def name_old_answerer(folder: Path, settings: Mapping[str, Any]) -> str:
    """Return who answered a run of the first versions, by what was asked; empty where that is not known.

    An archive may be another one by now, and costs nothing.

    Parameters
    ----------
    folder
        Of all runs of the project.
    """
    addresses = _read_own(folder.parent / "providers.yaml")
    options, engine = settings.get("options") or {}, str(settings.get("engine") or "")
    if "archive" in options or engine not in _SERVICES:
        return "" if "archive" in options else engine
    provider = str(options.get("provider") or "openai")
    address = options.get("base_url") or addresses.get(provider) or _ADDRESSES.get(provider)
    return name_service(provider, str(address)) if address else ""


def _read_asked(run: Path) -> Mapping[str, Any]:
    try:
        settings = orjson.loads((run / "run.json").read_bytes())["asked"]
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError):
        return {}
    return settings if isinstance(settings, Mapping) else {}


def _read_own(path: Path) -> dict[str, str]:
    """The addresses in a project's own list of providers; what cannot be read counts as not said."""
    try:
        entries = read_yaml(path, error=ParameterError, summary="", typed=True).value
    except (OSError, CodebookError):
        return {}
    if not isinstance(entries, Mapping):
        return {}
    addresses = {str(name): entry.get("base_url") for name, entry in entries.items() if isinstance(entry, Mapping)}
    return {name: str(address) for name, address in addresses.items() if address}


def note_answerer(db: sqlite3.Connection, name: str) -> int:
    """Inside a transaction: return the number of whoever answers."""
    db.execute("INSERT OR IGNORE INTO answerers (name) VALUES (?)", (name,))
    return int(db.execute("SELECT id FROM answerers WHERE name = ?", (name,)).fetchone()[0])


def m001_first(db: sqlite3.Connection) -> None:
    """Runs, asks, rows, shards, jobs, answers and events."""
    for statement in (
        "CREATE TABLE runs (run_id TEXT PRIMARY KEY, digest TEXT NOT NULL, planned INTEGER NOT NULL DEFAULT 0)",
        """CREATE TABLE shards (
            id INTEGER PRIMARY KEY, run_id TEXT NOT NULL, number INTEGER NOT NULL, file TEXT NOT NULL,
            sha256 TEXT NOT NULL, url TEXT NOT NULL, model TEXT NOT NULL,
            n_requests INTEGER NOT NULL, n_bytes INTEGER NOT NULL, n_tokens INTEGER NOT NULL,
            UNIQUE (run_id, number))""",
        """CREATE TABLE asks (
            id INTEGER PRIMARY KEY, request_key BLOB NOT NULL UNIQUE, shard_id INTEGER NOT NULL,
            open INTEGER NOT NULL DEFAULT 1, answer_id INTEGER)""",
        "CREATE INDEX asks_open ON asks (shard_id) WHERE open = 1",
        """CREATE TABLE rows (
            id INTEGER PRIMARY KEY, run_id TEXT NOT NULL, custom_id TEXT NOT NULL, unit_id TEXT NOT NULL,
            variable TEXT NOT NULL, draw INTEGER NOT NULL, ask_id INTEGER, skip TEXT,
            UNIQUE (run_id, custom_id))""",
        "CREATE INDEX rows_ask ON rows (ask_id)",
        """CREATE TABLE sent (
            shard_id INTEGER NOT NULL, custom_id TEXT NOT NULL, ask_id INTEGER NOT NULL,
            PRIMARY KEY (shard_id, custom_id)) WITHOUT ROWID""",
        """CREATE TABLE jobs (
            id INTEGER PRIMARY KEY, shard_id INTEGER NOT NULL UNIQUE, job_key TEXT NOT NULL UNIQUE,
            job_id TEXT, engine TEXT NOT NULL, state TEXT NOT NULL,
            n_total INTEGER NOT NULL DEFAULT 0, n_done INTEGER NOT NULL DEFAULT 0, n_failed INTEGER NOT NULL DEFAULT 0,
            note TEXT NOT NULL DEFAULT '', created_at TEXT NOT NULL, submitted_at TEXT, seen_at TEXT, ended_at TEXT,
            collected_at TEXT)""",
        """CREATE TABLE answers (
            id INTEGER PRIMARY KEY, ask_id INTEGER NOT NULL, job INTEGER NOT NULL, custom_id TEXT NOT NULL,
            file TEXT, offset INTEGER, length INTEGER, why TEXT, detail TEXT NOT NULL DEFAULT '',
            model TEXT NOT NULL DEFAULT '', request_id TEXT NOT NULL DEFAULT '',
            tokens_in INTEGER NOT NULL DEFAULT 0, tokens_out INTEGER NOT NULL DEFAULT 0,
            UNIQUE (job, custom_id))""",
        "CREATE INDEX answers_ask ON answers (ask_id)",
        """CREATE TABLE events (
            id INTEGER PRIMARY KEY, at TEXT NOT NULL, run_id TEXT NOT NULL, verb TEXT NOT NULL, what TEXT NOT NULL)""",
    ):
        db.execute(statement)


def m002_money(db: sqlite3.Connection) -> None:
    """What a run may cost, what is reserved for a job and what an answer cost; jobs that are handed in again."""
    for statement in (
        "ALTER TABLE runs ADD COLUMN cap_usd REAL",
        "ALTER TABLE jobs ADD COLUMN attempt INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE jobs ADD COLUMN expires_at TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE jobs ADD COLUMN reserved_usd REAL",
        "ALTER TABLE answers ADD COLUMN tokens_cached INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE answers ADD COLUMN fingerprint TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE answers ADD COLUMN cost_usd REAL",
    ):
        db.execute(statement)


def m003_times(db: sqlite3.Connection) -> None:
    """How long a job waited at its service, and how long it was worked on."""
    for name in ("queued_s", "worked_s"):
        db.execute(f"ALTER TABLE jobs ADD COLUMN {name} REAL")


def m004_final(db: sqlite3.Connection) -> None:
    """Whether asking again leads nowhere: the request itself was refused, or the answer was paid and is lost."""
    db.execute("ALTER TABLE answers ADD COLUMN final INTEGER NOT NULL DEFAULT 0")


def m005_claims(db: sqlite3.Connection) -> None:
    """Planned is not asked: what was never handed in is open no more; what was given up or discarded, and when."""
    unsent = """SELECT shards.id FROM shards LEFT JOIN jobs ON jobs.shard_id = shards.id
        WHERE jobs.id IS NULL OR jobs.state = 'waiting' AND jobs.collected_at IS NULL"""
    for statement in (
        "ALTER TABLE sent ADD COLUMN replaces INTEGER",
        f"""UPDATE sent SET replaces = (SELECT answer_id FROM asks WHERE asks.id = sent.ask_id)
            WHERE shard_id IN ({unsent})""",  # noqa: S608
        f"UPDATE asks SET open = 0 WHERE open = 1 AND shard_id IN ({unsent})",  # noqa: S608
        "CREATE TABLE leftovers (path TEXT PRIMARY KEY) WITHOUT ROWID",
        "ALTER TABLE shards ADD COLUMN note TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE jobs ADD COLUMN given_up_at TEXT",
        "ALTER TABLE runs ADD COLUMN discarded_at TEXT",
    ):
        db.execute(statement)


def m006_answerers(db: sqlite3.Connection) -> None:
    """A question belongs to whoever is asked: the same one at another service is another question."""
    path = next(path for _, name, path in db.execute("PRAGMA database_list") if name == "main")
    runs = [run for (run,) in db.execute("SELECT run_id FROM runs")]
    known = name_old_answerers(Path(path), runs) if path else {}
    for statement in (
        "CREATE TABLE answerers (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)",
        "ALTER TABLE runs ADD COLUMN answerer INTEGER NOT NULL DEFAULT 0",
    ):
        db.execute(statement)
    for run, name in known.items():
        db.execute("UPDATE runs SET answerer = ? WHERE run_id = ?", (note_answerer(db, name), run))
    for statement in (
        """CREATE TABLE new_asks (
            id INTEGER PRIMARY KEY, request_key BLOB NOT NULL, answerer INTEGER NOT NULL, shard_id INTEGER NOT NULL,
            open INTEGER NOT NULL DEFAULT 0, answer_id INTEGER, UNIQUE (request_key, answerer))""",
        """INSERT INTO new_asks SELECT asks.id, request_key, COALESCE(runs.answerer, 0), asks.shard_id, open, answer_id
            FROM asks LEFT JOIN answers ON answers.id = asks.answer_id LEFT JOIN jobs ON jobs.id = answers.job
            LEFT JOIN shards ON shards.id = CASE WHEN open = 1 THEN asks.shard_id
                ELSE COALESCE(jobs.shard_id, asks.shard_id) END
            LEFT JOIN runs ON runs.run_id = shards.run_id""",
        "DROP TABLE asks",
        "ALTER TABLE new_asks RENAME TO asks",
        "CREATE INDEX asks_open ON asks (shard_id) WHERE open = 1",
        f"""INSERT INTO events (at, run_id, verb, what)
            SELECT strftime('%Y-%m-%dT%H:%M:%S.000+00:00', 'now'), rows.run_id, '{UPGRADE}',
                count(*) || ' of its answers were not given by ' || mine.name || ', which it asks, but by '
                || other.name || ', which another run asked: the kit gave them to both then'
            FROM rows JOIN asks ON asks.id = rows.ask_id JOIN runs ON runs.run_id = rows.run_id
            JOIN answerers AS mine ON mine.id = runs.answerer JOIN answerers AS other ON other.id = asks.answerer
            WHERE mine.id <> other.id AND asks.answer_id IS NOT NULL GROUP BY rows.run_id, other.id""",  # noqa: S608
    ):
        db.execute(statement)


def m007_losses(db: sqlite3.Connection) -> None:
    """What answers were that are lost with the folder of their run, so that they are as before if it comes back."""
    for statement in (
        "ALTER TABLE runs ADD COLUMN gone INTEGER NOT NULL DEFAULT 0",
        """CREATE TABLE lost (answer_id INTEGER PRIMARY KEY, file TEXT NOT NULL, offset INTEGER, length INTEGER,
            why TEXT, detail TEXT NOT NULL, final INTEGER NOT NULL)""",
        "CREATE TABLE lost_files (path TEXT PRIMARY KEY) WITHOUT ROWID",
    ):
        db.execute(statement)


def m008_live(db: sqlite3.Connection) -> None:
    """What an answer of a batch would have cost live."""
    db.execute("ALTER TABLE answers ADD COLUMN live_usd REAL")


def m009_erased(db: sqlite3.Connection) -> None:
    """What answers cost that were erased: of which job they were stays, and of which question does not."""
    db.execute("""CREATE TABLE erased (job INTEGER NOT NULL, file TEXT, why TEXT, model TEXT NOT NULL,
        tokens_in INTEGER NOT NULL, tokens_out INTEGER NOT NULL, tokens_cached INTEGER NOT NULL,
        cost_usd REAL, live_usd REAL)""")


MIGRATIONS: tuple[Callable[[sqlite3.Connection], None], ...] = (
    m001_first,
    m002_money,
    m003_times,
    m004_final,
    m005_claims,
    m006_answerers,
    m007_losses,
    m008_live,
    m009_erased,
)


def open_tables(db: sqlite3.Connection, path: Path, *, read_only: bool = False) -> None:
    """Make the tables of a new file, bring those of an old one up to date, and leave a newer or foreign file alone."""
    read_version(db, path)
    if not read_only:
        _choose_journal(db, "" if path == MEMORY else tell_shared(path.parent))
        db.execute(f"PRAGMA synchronous = {SYNCHRONOUS}")
        migrate(db)


def needs_copy(path: Path) -> bool:
    """Whether a file that can only be read must be copied for it: its last changes lie beside it, or it is of old."""
    if has_changes_beside(path) and not reads_beside(path):
        return True
    with closing(connect(path)) as db:
        return read_version(db, path) < len(MIGRATIONS)


def read_version(db: sqlite3.Connection, path: Path) -> int:
    """Return which of the numbered changes were made in a file."""
    try:
        version = int(db.execute("PRAGMA user_version").fetchone()[0])
    except sqlite3.OperationalError:
        raise  # locked, or not allowed to be opened: the file itself may be sound
    except sqlite3.DatabaseError as error:
        raise RecordError(f"{path} is no ledger, or damaged ({error}). To mend: {MEND_LEDGER}.") from None
    if version > len(MIGRATIONS):
        raise RecordError(
            f"{path.name} was written by a newer version of codebook-kit (tables {version}, known {len(MIGRATIONS)}). "
            "To mend: upgrade the kit."
        )
    return version


def _choose_journal(db: sqlite3.Connection, network: str) -> None:
    """Let readers and a writer work side by side; on a network folder one after the other, since no more works there.

    SQLite does not wait here for another process that does the same.
    """
    for pause_s in (0.01, 0.05, 0.2, 0.5, 1, 2, None):
        try:
            db.execute(f"PRAGMA journal_mode = {'DELETE' if network else 'WAL'}")
        except sqlite3.OperationalError:
            if pause_s is None:
                raise
            time.sleep(pause_s)
        else:
            return


def migrate(db: sqlite3.Connection) -> None:
    """Bring the file to the newest version, each step in a transaction of its own."""
    for number, step in enumerate(MIGRATIONS, start=1):
        if db.execute("PRAGMA user_version").fetchone()[0] >= number:
            continue
        wait_for_others(db, "BEGIN IMMEDIATE")
        if db.execute("PRAGMA user_version").fetchone()[0] < number:  # another process may have been quicker
            step(db)
            db.execute(f"PRAGMA user_version = {number:d}")
        db.execute("COMMIT")
