"""The secrets of this machine that are kept out of executed notebooks, pages and messages."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache

from codebook.engines.service import find_secrets, key_names
from codebook.errors import CodebookError
from codebook.ground.secrecy import secrets_in


def read_secrets(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the values to be kept out of files, by name: see `secrecy.secrets_in`.

    Without an `environment` given, those of this process count, and the keys of providers in the system's keyring.
    """
    if environment is not None:
        return secrets_in(environment)
    names = key_names()
    with suppress(CodebookError):  # a faulty providers.yaml is told where it is used
        names = key_names(own=True)
    return {**_read_keyring(names), **secrets_in(os.environ)}


@lru_cache(maxsize=4)
def _read_keyring(names: tuple[str, ...]) -> dict[str, str]:
    return find_secrets(names)
