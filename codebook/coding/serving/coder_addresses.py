"""The tokens and the port of a coding folder's coders, kept with a person's own settings: addresses stay the same.

A page that is open while the server dies goes on when it is back. The file is for its owner alone and lies outside of
the study, which others may be given.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from codebook.files.lines import write_atomic
from codebook.paths import make_private, settings_folder

FILE = "coder_addresses.json"


@dataclass(frozen=True, slots=True)
class CoderAddresses:
    """The port that was taken last (0: none yet), and the token of each coder."""

    port: int
    tokens: dict[str, str]


def read_addresses(folder: Path, coders: Iterable[str], *, renew: bool = False) -> CoderAddresses:
    """Return the port and tokens for a coding folder; a coder who has no token gets one.

    With `renew`, all get new ones, and the old addresses open nothing any more.
    """
    entry = _read_all().get(_name(folder), {})
    tokens = {} if renew else entry.get("tokens", {})
    return CoderAddresses(
        entry.get("port", 0), {name: tokens.get(name) or secrets.token_urlsafe(32) for name in coders}
    )


def keep_addresses(folder: Path, addresses: CoderAddresses, *, renew: bool = False) -> None:
    """Keep them for the next start; where a person's settings cannot be written, they hold until the server ends."""
    entries = _read_all()
    before = {} if renew else entries.get(_name(folder), {}).get("tokens", {})
    entries[_name(folder)] = {"port": addresses.port, "tokens": {**before, **addresses.tokens}}
    with suppress(OSError), write_atomic(make_private(settings_folder()) / FILE) as file:
        os.fchmod(file.fileno(), 0o600) if hasattr(os, "fchmod") else None
        file.write(orjson.dumps(entries))


def _read_all() -> dict[str, Any]:
    with suppress(OSError, orjson.JSONDecodeError):
        entries = orjson.loads((settings_folder() / FILE).read_bytes())
        return entries if isinstance(entries, dict) else {}
    return {}


def _name(folder: Path) -> str:
    return hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]
