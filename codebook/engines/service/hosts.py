"""Hosts that may get texts and keys: this machine, a provider's own, and those a person confirmed outside the study.

A study, its `providers.yaml` and a base_url come from somebody, maybe from a stranger. They cannot choose where a key
goes: a host that the kit does not know gets nothing before a person has said yes on this machine (`codebook trust`).
"""

from __future__ import annotations

import ipaddress
import json
import os
from pathlib import Path
from urllib.parse import urlsplit

from codebook.engines.service.providers import PROVIDERS, Provider, find_address_fault
from codebook.errors import Fault, ParameterError
from codebook.files.lines import write_whole
from codebook.files.yaml_text import read_yaml
from codebook.paths import make_private, settings_folder

VARIABLE = "CODEBOOK_TRUSTED_HOSTS"
"""The environment variable that confirms hosts too, for machines without a person: addresses with commas between."""
_DOMAINS = {
    "openai": ("api.openai.com", ".api.openai.com"),
    "azure": (
        *(".openai.azure.com", ".openai.azure.us", ".openai.azure.cn"),
        *(".cognitiveservices.azure.com", ".services.ai.azure.com"),
    ),
}
"""Hosts that are a provider's own besides that of its record; a dot at the beginning stands for any name before it."""
_HEAD = (
    "# Hosts that may get texts and keys of studies, confirmed by `codebook trust`. Delete a line to take it back.\n"
)


def trusted_path() -> Path:
    """Return the file of confirmed hosts: in the folder of the person's settings, never in a study."""
    return settings_folder() / "hosts.yaml"


def list_trusted() -> list[str]:
    """Return the addresses that a person confirmed: those of the file, then those of CODEBOOK_TRUSTED_HOSTS.

    Raises
    ------
    ParameterError
        The file or the variable cannot be read.
    """
    named = [part.strip() for part in os.environ.get(VARIABLE, "").split(",")]
    return list(dict.fromkeys([*_read_file(), *(find_origin(part) for part in named if part)]))


def trust_host(address: str, *, allow_http: bool = False) -> str:
    """Confirm a host for all studies of this person, and return its address as it is kept.

    Parameters
    ----------
    address
        A host, or an address of which host and port count; `https://` where it does not say.
    allow_http
        Take an address of plain `http://`: whoever is on the way can read texts and keys.

    Raises
    ------
    ParameterError
        It is no address, or one of plain http that was not allowed.
    """
    origin = name_host(address, allow_http=allow_http)
    _write_file([*(known for known in _read_file() if known != origin), origin])
    return origin


def name_host(address: str, *, allow_http: bool = False) -> str:
    """Return the address of a host as it would be kept; it raises what `trust_host` does, and confirms nothing."""
    origin = find_origin(address)
    if origin.startswith("http://") and not is_near(origin) and not allow_http:
        raise ParameterError("The host was not confirmed.", [_refuse_http(origin)])
    return origin


def forget_host(address: str) -> bool:
    """Take a confirmation back; say whether there was one in the file."""
    origin, before = find_origin(address), _read_file()
    if origin in before:
        _write_file([known for known in before if known != origin])
    return origin in before


def find_origin(address: str) -> str:
    """Return scheme, host and port of an address.

    Raises
    ------
    ParameterError
        It is no address of the web.

    Examples
    --------
    >>> find_origin("Gateway.example.org"), find_origin("https://a.example:443/v1"), find_origin("http://[::1]:80/x")
    ('https://gateway.example.org', 'https://a.example', 'http://[::1]')
    """
    whole = address.strip() if "://" in address else f"https://{address.strip()}"
    if fault := find_address_fault(whole):
        raise ParameterError("The host cannot be confirmed like this.", [fault])
    parts = urlsplit(whole)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    usual = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port not in (None, usual) else "")


def is_near(address: str) -> bool:
    """Whether an address is of this machine.

    Examples
    --------
    >>> [is_near(f"http://{host}/v1") for host in ("127.0.0.1:8000", "[::1]:1", "localhost", "localhost.evil.example")]
    [True, True, True, False]
    """
    host = urlsplit(address).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_own(provider: Provider) -> bool:
    """Whether an address is the provider's own, as the kit knows it."""
    known = PROVIDERS.get(provider.name)
    parts = urlsplit(provider.address)
    if known is None or parts.scheme != "https" or parts.port not in (None, 443):
        return False
    hosts = _DOMAINS.get(provider.name) or (urlsplit(known.address).hostname or "",)
    host = parts.hostname or ""
    return any(host.endswith(name) if name.startswith(".") else host == name for name in hosts if name)


def is_confirmed(provider: Provider) -> bool:
    """Whether texts and key may go to the address of a provider."""
    return is_near(provider.address) or is_own(provider) or find_origin(provider.address) in list_trusted()


def check_host(provider: Provider) -> None:
    """Refuse to send anything to a host that nobody vouches for.

    Raises
    ------
    ParameterError
        It is neither this machine, nor the provider's own, nor confirmed; the message says how to confirm it.
    """
    if not is_confirmed(provider):
        raise ParameterError("Nothing was sent.", [_find_doubt(provider)])


def find_http_fault(provider: Provider) -> Fault | None:
    """Return the fault of an address of plain http that is not of this machine and was not allowed, or None."""
    if provider.address.startswith("http://") and not is_confirmed(provider):
        return _refuse_http(find_origin(provider.address))
    return None


def say_destination(provider: Provider) -> str:
    """Say where texts and key go, and what is needed before they do.

    Examples
    --------
    >>> from codebook.engines.service.providers import PROVIDERS
    >>> say_destination(PROVIDERS["openai"])
    'texts and the key OPENAI_API_KEY go to https://api.openai.com'
    >>> say_destination(PROVIDERS["ollama"])
    'texts go to http://127.0.0.1:11434, without a key'
    """
    origin = find_origin(provider.address)
    key = f" and the key {provider.key}" if provider.key else ""
    sentence = f"texts{key} go to {origin}{'' if key else ', without a key'}"
    if is_near(origin) or is_own(provider):
        return sentence
    if is_confirmed(provider):
        return f"{sentence} (confirmed on this machine)"
    return f"{sentence}, which nobody confirmed: nothing is sent before `codebook trust {_trust_words(origin)}`"


def _find_doubt(provider: Provider) -> Fault:
    origin = find_origin(provider.address)
    whose = f"which is not the address that the kit knows of {provider.name!r}"
    known = PROVIDERS.get(provider.name)
    if known is None or not (_DOMAINS.get(provider.name) or known.base_url):
        whose = "which the kit does not know"
    what = f"texts and the key {provider.key}" if provider.key else "texts"
    problem = f"{what} would go to {origin}, {whose}: the study, providers.yaml or base_url names it"
    mend = f"if you know and trust it, `codebook trust {_trust_words(origin)}`; else correct it"
    return Fault("base_url", problem, mend)


def _trust_words(origin: str) -> str:
    """What is written behind `codebook trust` for an address."""
    if origin.startswith("http://"):
        return f"{origin} --allow-http"
    return origin.removeprefix("https://")


def _refuse_http(origin: str) -> Fault:
    problem = f"{origin} is plain http and not of this machine: whoever is on the way can read texts and keys"
    mend = f"use https, or a tunnel to this machine; if the way is safe, `codebook trust {origin} --allow-http`"
    return Fault("base_url", problem, mend)


def _read_file() -> list[str]:
    path = trusted_path()
    if not path.exists():
        return []
    summary = "The file of confirmed hosts cannot be read."
    value = read_yaml(path, error=ParameterError, summary=summary).value or []
    if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
        mend = "write one address a line: `- https://host`; or delete it and confirm the hosts again"
        raise ParameterError(summary, [Fault(path.as_posix(), "it must hold a list of addresses", mend)])
    return [find_origin(entry) for entry in value]


def _write_file(origins: list[str]) -> None:
    make_private(trusted_path().parent)
    write_whole(trusted_path(), _HEAD.encode() + b"".join(f"- {json.dumps(origin)}\n".encode() for origin in origins))
