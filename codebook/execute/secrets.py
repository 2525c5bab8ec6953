"""Keys stay out of notebooks: refused as parameters, and removed from executed copies."""

from __future__ import annotations

import html
import itertools
import os
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from codebook.engines.service import PROVIDERS, find_secrets

_KEY_SHAPES = re.compile(
    r"""(?<![A-Za-z0-9]) (?:
        (?: sk | pk | rk )[-_][A-Za-z0-9_-]{16,}          # OpenAI, Anthropic, Stripe and many who copy them
      | (?: gsk_ | hf_ | r8_ | xai- | npm_ | dapi | glpat- | nvapi- | pplx- )[A-Za-z0-9_-]{16,}
      | gh[pousr]_[A-Za-z0-9]{20,} | github_pat_[A-Za-z0-9_]{20,}
      | xox[abeoprs]-[A-Za-z0-9-]{10,}
      | (?: AKIA | ASIA )[A-Z0-9]{16}
      | AIza[A-Za-z0-9_-]{30,}
      | eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}         # a JSON web token
      | [Bb]earer\s+\S{8,}
    )""",
    re.VERBOSE,
)
_PASSWORD_IN_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://[^\s/:@]+:[^\s/@]+@")
_LONG_TOKEN = re.compile(r"(?<![A-Za-z0-9_/.+-])[A-Za-z0-9_+-]{40,}(?![A-Za-z0-9_/.+-])")
_SECRET_PARTS = frozenset(
    {"secret", "secrets", "password", "passwd", "passphrase", "credential", "credentials", "apikey"}
)
_KEY_OWNERS = frozenset({"api", "access", "auth", "azure", "openai", "private", "secret", "subscription", "account"})
_SECRET_VARIABLE = re.compile(r"(?:^|_)[A-Z]*(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL)S?(?:_|$)", re.IGNORECASE)
NOTIFY_VARIABLE = "CODEBOOK_NOTIFY"
"""Addresses of notifications may hold passwords."""
MIN_SECRET = 8
"""Values of fewer characters are not looked for: they would be found in ordinary words."""


def looks_like_key(value: object) -> bool:
    """Whether a text, or one in a list, has the form of an API key, a bearer token or an address with a password.

    Examples
    --------
    >>> looks_like_key("sk-" + "a1B2" * 8), looks_like_key("data/task-lists/codebook.yaml")
    (True, False)
    """
    if isinstance(value, list | tuple):
        return any(looks_like_key(item) for item in value)
    if not isinstance(value, str):
        return False
    if _KEY_SHAPES.search(value) or _PASSWORD_IN_ADDRESS.search(value):
        return True
    return any(_is_mixed(token.group()) for token in _LONG_TOKEN.finditer(value))


def _is_mixed(token: str) -> bool:
    """Whether a long token mixes cases and digits as drawn keys do; digests in hex and words joined by `_` do not."""
    kinds = (str.isupper, str.islower, str.isdigit)
    return all(sum(map(kind, token)) >= 3 for kind in kinds) and len(set(token)) >= 20


def names_key(name: str) -> bool:
    """Whether a parameter's name says that it holds a secret; `max_tokens` and `key_column` do not.

    Examples
    --------
    >>> [names_key(name) for name in ("api_key", "OPENAI_API_KEY", "hf_token", "max_tokens", "key_column")]
    [True, True, True, False, False]
    """
    parts = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().split("_")
    if _SECRET_PARTS & set(parts) or parts[-1] == "token":
        return True
    return any(a in _KEY_OWNERS and b in {"key", "keys"} for a, b in itertools.pairwise(parts))


def read_secrets(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the values to be kept out of files, by name: variables called ...KEY, ...TOKEN, ...SECRET, ...PASSWORD.

    Without an `environment` given, those of this process count, and the keys of providers in the system's keyring.
    """
    found = os.environ if environment is None else environment
    named = {name: value for name, value in found.items() if _SECRET_VARIABLE.search(name) or name == NOTIFY_VARIABLE}
    kept = {} if environment is not None else _read_keyring()
    return {name: value for name, value in {**kept, **named}.items() if len(value) >= MIN_SECRET}


@lru_cache(maxsize=1)
def _read_keyring() -> dict[str, str]:
    return find_secrets(provider.key for provider in PROVIDERS.values())


def remove_secrets(value: Any, secrets: Mapping[str, str]) -> Any:
    """Return a value of JSON with `[removed: NAME]` wherever one of its texts holds a secret.

    Examples
    --------
    >>> remove_secrets({"text": ["key=abcdefgh1"]}, {"MY_KEY": "abcdefgh1"})
    {'text': ['key=[removed: MY_KEY]']}
    """
    if isinstance(value, dict):
        return {remove_secrets(key, secrets): remove_secrets(item, secrets) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [remove_secrets(item, secrets) for item in value]
    if isinstance(value, str):
        for name, secret in sorted(secrets.items(), key=lambda pair: -len(pair[1])):
            for form in {
                secret,
                secret.strip(),
                html.escape(secret),
                html.escape(secret, quote=False),
                repr(secret)[1:-1],
            }:
                value = value.replace(form, f"[removed: {name}]")
    return value
