"""API keys: from the environment, then from the keyring of the operating system; never from a file or parameter."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable
from typing import Any

from codebook.errors import MissingKeyError

_MASKED = re.compile(r"\bsk-[\w*-]{4,}")
SERVICE = "codebook"
"""The name under which keys stand in the keyring: `keyring set codebook OPENAI_API_KEY`."""


def find_key(variable: str) -> str:
    """Return the key of this name.

    Raises
    ------
    MissingKeyError
        Neither the environment nor the keyring has it; the message says how to set it.
    """
    found = os.environ.get(variable, "").strip() or _from_keyring(variable)
    if not found:
        raise MissingKeyError(
            f"The API key {variable} is not set. To mend: `export {variable}=...` in the shell that starts the command "
            f"or JupyterLab, or keep it in the keyring of the system: `keyring set {SERVICE} {variable}` "
            "(pip install keyring). It belongs into no notebook, parameter or file."
        )
    return found


def name_key(key: str) -> str:
    """Return a name by which a key can be told from another, and nothing else be learned of it.

    Examples
    --------
    >>> name_key("a-key-of-the-docs")
    '47f2ba45f7'
    """
    return hashlib.sha256(b"codebook key name:" + key.encode()).hexdigest()[:10]


def find_secrets(variables: Iterable[str]) -> dict[str, str]:
    """Return the keys of these names that the keyring holds, to be kept out of what is written."""
    found = {variable: _from_keyring(variable) for variable in variables if variable}
    return {variable: key for variable, key in found.items() if key}


def _from_keyring(variable: str) -> str:
    """The key in the keyring; empty where there is no keyring package, no keyring or no such entry."""
    try:
        import keyring
    except ImportError:
        return ""
    try:
        return (keyring.get_password(SERVICE, variable) or "").strip()
    except Exception:  # noqa: BLE001  a locked or missing keyring has as many errors as there are systems
        return ""


def hide_key(text: Any, key: str) -> str:
    """Return a text without the key, whole or in the masked form that services put into their messages.

    Examples
    --------
    >>> hide_key("Incorrect API key provided: sk-ab****wxyz.", "sk-abcdefuvwxyz")
    'Incorrect API key provided: [the key].'
    """
    shown = str(text).replace(key, "[the key]") if key else str(text)
    return _MASKED.sub("[the key]", shown)
