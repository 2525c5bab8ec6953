"""API keys: from the environment, then from the keyring of the operating system; never from a file or parameter."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable
from typing import Any

from codebook.errors import MissingKeyError

KEYS = {
    "openai": "OPENAI_API_KEY",
    "azure": "AZURE_OPENAI_API_KEY",
    "groq": "GROQ_API_KEY",
    "perplexity": "PERPLEXITY_API_KEY",
    "novita": "NOVITA_API_KEY",
    "ollama": "",
    "vllm": "",
    "compatible": "OPENAI_API_KEY",
}
"""Provider -> the variable that holds its key; empty where none is needed."""
PROVIDERS_FILE = "providers.yaml"
"""Where a project names providers of its own."""
_MASKED = re.compile(r"\bsk-[\w*-]{4,}")
SERVICE = "codebook"
"""The name under which keys stand in the keyring: `keyring set codebook OPENAI_API_KEY`."""


def find_key(variable: str) -> str:
    """Return the key of this name."""
    key = os.environ.get(variable, "").strip() or _from_keyring(variable)
    if not key:
        raise MissingKeyError(
            f"The API key {variable} is not set. To mend: `export {variable}=...` in the shell that starts the command "
            f"or JupyterLab, or keep it in the keyring of the system: `keyring set {SERVICE} {variable}` "
            "(pip install keyring). It belongs into no notebook, parameter or file."
        )
    return key


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
    keys = {variable: _from_keyring(variable) for variable in variables if variable}
    return {variable: key for variable, key in keys.items() if key}


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
    words = str(text).replace(key, "[the key]") if key else str(text)
    return _MASKED.sub("[the key]", words)


def name_variable(provider: str) -> str:
    """Return the variable that holds the key of a provider: no file of a study names another one.

    Examples
    --------
    >>> name_variable("openai"), name_variable("my-gateway")
    ('OPENAI_API_KEY', 'MY_GATEWAY_API_KEY')
    """
    if provider in KEYS:
        return KEYS[provider]
    return f"{re.sub('[^A-Z0-9]+', '_', provider.upper()).strip('_')}_API_KEY"
