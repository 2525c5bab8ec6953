"""Keys and passwords: known by their look, their name or their value; refused as values, and taken out of what is kept.

Every face asks `judge_secrecy` before anything is written: command line, notebooks, study.yaml, plans from Python. The
key of a service comes from the environment, then from the keyring of the system; never from a file or parameter.
"""

from __future__ import annotations

import hashlib
import html
import itertools
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from codebook.errors import MissingKeyError

_KEY_SHAPES = re.compile(
    r"""(?<![A-Za-z0-9]) (?:
        (?: sk | pk | rk )[-_][A-Za-z0-9_-]{16,}          # OpenAI, Anthropic, Stripe and many who copy them
      | (?: gsk_ | hf_ | r8_ | xai- | npm_ | dapi | glpat- | nvapi- | pplx- )[A-Za-z0-9_-]{16,}
      | gh[pousr]_[A-Za-z0-9]{20,} | github_pat_[A-Za-z0-9_]{20,}
      | xox[abeoprs]-[A-Za-z0-9-]{10,}
      | (?: AKIA | ASIA )[A-Z0-9]{16}
      | AIza[A-Za-z0-9_-]{30,}
      | eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}         # a JSON web token
      | [Bb]earer\s+(?=\S*\d)\S{16,}
    )""",
    re.VERBOSE,
)
_KEY_SIGNS = (
    *(
        "sk-",
        "sk_",
        "pk-",
        "pk_",
        "rk-",
        "rk_",
        "gsk_",
        "hf_",
        "r8_",
        "xai-",
        "npm_",
        "dapi",
        "glpat-",
        "nvapi-",
        "pplx-",
    ),
    *("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "xox", "AKIA", "ASIA", "AIza", "eyJ", "earer"),
)
"""How one of these shapes begins: looked for first, since a line is read in a tenth of the time by it."""
_BEARER = re.compile(r"(?<![A-Za-z0-9])[Bb]earer\s+\S{8,}")
"""In a parameter; in a text it may be somebody who bears."""
_PASSWORD_IN_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://[^\s/:@]*:[^\s/@]+@")
_KEY_IN_QUERY = re.compile(
    r"""[a-z][a-z0-9+.-]*://\S*[?&;]
        (?: [\w.-]*(?: key | token | secret | password | passwd | signature ) | sig | pwd )=[^&\s]+""",
    re.IGNORECASE | re.VERBOSE,
)
_LONG_TOKEN = re.compile(r"(?<![A-Za-z0-9_/.+-])[A-Za-z0-9_+-]{40,}(?![A-Za-z0-9_/.+-])")
_UNBROKEN = re.compile(r"[A-Za-z0-9]{12,}")
_SECRET_PARTS = frozenset(
    {"secret", "secrets", "password", "passwd", "passphrase", "credential", "credentials", "apikey", "authorization"}
)
_KEY_OWNERS = frozenset({"api", "access", "auth", "azure", "openai", "private", "secret", "subscription", "account"})
_SECRET_VARIABLE = re.compile(
    r"(?:^|_)[A-Z]*(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIAL|CREDS?|AUTHORIZATION|COOKIE)S?(?:_|$)"
    r"|(?:^|_)(?:[A-Z]*PASS|PW|PWD|PAT|PIN|AUTH|DSN)(?:_?\d*)?$",
    re.IGNORECASE,
)
_ORDINARY = frozenset(
    {"HOME", "USER", "USERNAME", "LOGNAME", "PWD", "OLDPWD", "SHELL", "TERM", "LANG", "LANGUAGE", "TZ", "EDITOR"}
)
"""Variables that are no secret, whatever they hold; what equals one of their values is none either."""
NOTIFY_VARIABLE = "CODEBOOK_NOTIFY"
"""Addresses of notifications may hold passwords."""
MIN_SECRET, MIN_MIXED = 8, 6
"""Shorter values are not looked for: they would be found in ordinary words. Those that mix letters with digits or signs
may be a little shorter."""
MEND = "put it in an environment variable (such as OPENAI_API_KEY) and leave it out of notebooks and studies"


# --- what looks like a key, or asks for one


def looks_like_key(value: object) -> bool:
    """Whether a text, or one in a list, has the form of a key, a bearer token or an address with a password or key.

    Examples
    --------
    >>> looks_like_key("sk-" + "a1B2" * 8), looks_like_key("data/task-lists/codebook.yaml")
    (True, False)
    >>> looks_like_key("https://a.example/v1?api-key=1234")
    True
    """
    if isinstance(value, list | tuple):
        return any(looks_like_key(item) for item in value)
    if not isinstance(value, str):
        return False
    if is_keylike(value) or _BEARER.search(value):
        return True
    return any(_is_drawn(token.group()) for token in _LONG_TOKEN.finditer(value))


def is_keylike(text: str) -> bool:
    """Whether a text holds what has the form of a key of a known maker, or an address with a password or key.

    For files, in which digests and codes of pictures stand: a long token by itself is none here.

    Examples
    --------
    >>> is_keylike("key: sk-" + "a1B2" * 8), is_keylike("Zq3" * 20), is_keylike("a bearer represented it")
    (True, False, False)
    """
    if any(sign in text for sign in _KEY_SIGNS) and _KEY_SHAPES.search(text):
        return True
    return "://" in text and bool(_PASSWORD_IN_ADDRESS.search(text) or _KEY_IN_QUERY.search(text))


def _is_drawn(token: str) -> bool:
    """Whether a long token mixes cases and digits without a break, as keys do that were drawn.

    Digests in hex do not mix them, and words or the parts of a model's name are joined by `_` and `-`.
    """
    kinds = (str.isupper, str.islower, str.isdigit)
    mixed = all(sum(map(kind, token)) >= 3 for kind in kinds) and len(set(token)) >= 20
    return mixed and bool(_UNBROKEN.search(token))


def names_key(name: str) -> bool:
    """Whether a parameter's name says that it holds a secret; `max_tokens` and `key_column` do not.

    Examples
    --------
    >>> [names_key(name) for name in ("api_key", "OPENAI_API_KEY", "hf_token", "max_tokens", "key_column")]
    [True, True, True, False, False]
    """
    parts = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.replace("-", "_")).lower().split("_")
    if _SECRET_PARTS & set(parts) or parts[-1] == "token":
        return True
    return any(a in _KEY_OWNERS and b in {"key", "keys"} for a, b in itertools.pairwise(parts))


def judge_secrecy(name: str, value: object) -> tuple[str, str] | None:
    """Return `(problem, mend)` for a parameter that holds a key by its look, name or value; that is not repeated.

    By its value: it is what a variable of the environment keeps secret. What a mapping or a list holds is judged too,
    and so is a text of the form "name: value".

    Examples
    --------
    >>> judge_secrecy("metadata", {"api_key": "hunter2"})[0]
    'parameter `metadata.api_key` looks like a key (its value is not shown)'
    >>> judge_secrecy("options", ["provider: azure", "api_key: hunter2"])[0]
    'parameter `options.api_key` looks like a key (its value is not shown)'
    >>> judge_secrecy("max_tokens", 200)
    """
    if (names_key(name.rsplit(".", 1)[-1]) and value) or looks_like_key(value) or _is_kept_secret(value):
        return f"parameter `{_name_shown(name)}` looks like a key (its value is not shown)", MEND
    return next(filter(None, (judge_secrecy(f"{name}.{part}", inner) for part, inner in _parts(value))), None)


def _is_kept_secret(value: object) -> bool:
    """Whether a text is, or holds, what a variable of the environment keeps secret; a folder is none within a path."""
    if isinstance(value, list | tuple):
        return any(map(_is_kept_secret, value))
    if not isinstance(value, str):
        return False
    secrets = secrets_in(os.environ).values()
    return any(secret.strip() == value.strip() or (secret in value and "/" not in secret) for secret in secrets)


def _parts(values: object) -> Iterator[tuple[str, object]]:
    if isinstance(values, Mapping):
        yield from ((str(name), value) for name, value in values.items())
    elif isinstance(values, list | tuple):
        for number, item in enumerate(values):
            name, colon, value = item.partition(":") if isinstance(item, str) else ("", "", item)
            if not isinstance(item, str):
                yield str(number), item
            elif colon and re.fullmatch(r"\s*[\w-]+\s*", name):
                yield name.strip(), value.strip()


def _name_shown(name: str) -> str:
    return "..." if looks_like_key(name) else name


def hide_keys(text: str) -> str:
    """Return a message in which `...` stands for what looks like a key or is kept secret by the environment.

    Examples
    --------
    >>> hide_keys("notify: sk-" + "a1B2" * 8 + " cannot be taken"), hide_keys("is there mailto://me:hunter22@x.org?")
    ('notify: ... cannot be taken', 'is there ...x.org?')
    """
    for pattern in (_KEY_SHAPES, _PASSWORD_IN_ADDRESS, _KEY_IN_QUERY):
        text = pattern.sub("...", text)
    for secret in secrets_in(os.environ).values():
        text = text.replace(secret, "...")
    return text


# --- values that are secret, and taking them out


def secrets_in(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the values of an environment to be kept out of files, by the names of their variables.

    A variable counts by its name (...KEY, ...TOKEN, ...SECRET, ...PASSWORD, ...PASS, ...PAT, ...CREDS and the like) or
    by its value: what looks like a key, and an address with a password, of which the password counts by itself too.

    Examples
    --------
    >>> secrets_in({"DATABASE_URL": "postgres://me:one+two+three@db/x", "LANG": "en_GB.UTF-8", "MY_KEY": "true"})
    {'DATABASE_URL': 'postgres://me:one+two+three@db/x', 'DATABASE_URL, password': 'one+two+three'}
    """
    ordinary = {value for name, value in environment.items() if name in _ORDINARY or name.startswith("LC_")}
    secrets: dict[str, str] = {}
    for name, value in environment.items():
        if value in ordinary or not is_long_enough(value):
            continue
        if name == NOTIFY_VARIABLE or _SECRET_VARIABLE.search(name) or looks_like_key(value):
            secrets[name] = value
        secrets |= {f"{name}, password": word for word in _passwords(value)}
    return secrets


def is_long_enough(value: str) -> bool:
    """Whether a value can be looked for without being found in ordinary words and numbers."""
    value = value.strip()
    mixed = any(map(str.isalpha, value)) and not value.isalpha()
    return len(value) >= MIN_SECRET or (mixed and len(value) >= MIN_MIXED)


def _passwords(value: str) -> Iterator[str]:
    """The passwords of the addresses in a text, as they stand there and as they are meant."""
    for match in _PASSWORD_IN_ADDRESS.finditer(value):
        try:
            word = urlsplit(f"{match.group()}host").password or ""
        except ValueError:
            continue
        yield from (form for form in dict.fromkeys((word, unquote(word))) if is_long_enough(form))


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
            for form in _forms(secret):
                value = value.replace(form, f"[removed: {name}]")
    return value


def _forms(secret: str) -> list[str]:
    """A secret as it may stand in a text: as it is, and as HTML, Python, JSON or an address write it; longest first."""
    plain = {secret, secret.strip()}
    written = {form(spelling) for spelling in plain for form in _WRITERS}
    return sorted(filter(None, plain | written), key=lambda form: (-len(form), form))


_WRITERS = (
    html.escape,
    lambda text: html.escape(text, quote=False),
    lambda text: repr(text)[1:-1],
    lambda text: json.dumps(text)[1:-1],
    lambda text: quote(text, safe=""),
)


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
