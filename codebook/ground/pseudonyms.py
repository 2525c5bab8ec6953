"""Pseudonyms of persons: the same person has the same one in every file, and nobody without the key can find who it is.

The key is drawn once and lies among a person's own settings, outside of every study; the variable
CODEBOOK_PSEUDONYM_KEY names another one, for a team whose members shall write the same names.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets

from codebook.paths import make_private, settings_folder

VARIABLE = "CODEBOOK_PSEUDONYM_KEY"
_FILE = "pseudonym.key"


def name_person(name: str, key: str = "") -> str:
    """Return the pseudonym of a person.

    Parameters
    ----------
    key
        The secret; empty for the one of this machine.

    Examples
    --------
    >>> name_person("ann@example.org", "a key of the docs")
    'person_4d450266'
    """
    secret = key or os.environ.get(VARIABLE, "").strip() or _own_key()
    return f"person_{hmac.digest(secret.encode(), name.strip().casefold().encode(), hashlib.sha256).hex()[:8]}"


def _own_key() -> str:
    path = settings_folder() / _FILE
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        pass
    make_private(path.parent)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32))
    except FileExistsError:  # another process was quicker
        pass
    return path.read_text(encoding="ascii").strip()
