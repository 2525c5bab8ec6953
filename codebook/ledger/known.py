"""The ledger of a project, opened for one run that it must know."""

from __future__ import annotations

from pathlib import Path

import orjson

from codebook.errors import RunError
from codebook.ledger.book import Ledger


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
