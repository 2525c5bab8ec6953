"""Who answers: a question put to one service is another question than the same one put to another service.

The name of whoever answers comes from the engine. Ledgers of the first versions do not have it; it is worked out here
from what `run.json` of their runs says, as those versions understood it. Where that is gone, it stays unknown: such
answers stay where they are shown, and are given to no other run.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from codebook.errors import CodebookError, ParameterError
from codebook.files.yaml_text import read_yaml
from codebook.records import name_service

UPGRADE = "upgrade"
"""The verb of the events that tell what a change of the tables brought to light."""
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
