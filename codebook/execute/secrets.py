"""The secrets of this machine that are kept out of executed notebooks, pages and messages."""

from __future__ import annotations

import os
from contextlib import suppress
from functools import lru_cache

from codebook.errors import CodebookError, ParameterError
from codebook.files.yaml_text import read_yaml
from codebook.ground.secrecy import KEYS, PROVIDERS_FILE, find_secrets, name_variable, secrets_in
from codebook.paths import project_folder


def read_secrets() -> dict[str, str]:
    """Return the values to be kept out of files, by name: those of this process, and keys in the system's keyring."""
    names = dict.fromkeys([*KEYS.values(), *map(name_variable, _own_providers())])
    return {**_read_keyring(tuple(names)), **secrets_in(os.environ)}


def _own_providers() -> list[str]:
    """Return the names of the project's own providers."""
    path = project_folder() / PROVIDERS_FILE
    with suppress(CodebookError):  # a faulty file is told where it is used
        entries = read_yaml(path, error=ParameterError, summary="").value if path.is_file() else None
        return [str(name) for name in entries] if isinstance(entries, dict) else []
    return []


@lru_cache(maxsize=4)
def _read_keyring(names: tuple[str, ...]) -> dict[str, str]:
    return find_secrets(names)
