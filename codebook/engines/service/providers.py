"""Who speaks the OpenAI API, and how each differs: a record per provider instead of branches in the code.

A project adds its own, or corrects one of these, in a `providers.yaml` beside `study.yaml`:

    my-gateway:
      base_url: https://gateway.example.org/v1
      n_enqueued: {gpt-6-luna: 2000000}

The file comes with a study, maybe from a stranger, so it cannot choose among the secrets of this machine: the key of
`my-gateway` is MY_GATEWAY_API_KEY, that of a provider of the kit stays as it is; `key: ""` says that none is needed.

Sources of the figures: the providers' own pages, as of 2026-11-21.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from codebook.errors import Fault, ParameterError, mend_name
from codebook.files.misfits import say_misfit
from codebook.files.yaml_text import read_yaml
from codebook.ground.secrecy import KEYS, PROVIDERS_FILE, looks_like_key, name_variable
from codebook.paths import project_folder, show_path
from codebook.records import CHAT, EMBEDDINGS, RESPONSES, name_service


class Provider(BaseModel):
    """What a service takes, keeps and charges.

    Attributes
    ----------
    base_url
        Address of the API; empty is OpenAI's.
    key
        Environment variable (or name in the OS keyring) of the API key, which follows from the provider's name; empty
        where none is needed.
    endpoints
        What it can be asked.
    n_requests, n_bytes
        What one batch file may hold.
    n_enqueued
        Tokens that may wait in batches at a time, by the beginning of the model's name; the longest that fits counts.
        It depends on the account's tier, so it is empty until it is told or learned.
    discount
        Price of a batch as a share of the live price; None where it is not known.
    window
        Completion window of a batch.
    file_days
        Days for which files are kept.
    sets_expiry
        Whether `expires_after` of an upload and `output_expires_after` of a batch are taken.
    prices
        Name of the provider in the price list; empty where its prices are unknown.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    base_url: str = ""
    key: str = ""
    endpoints: tuple[str, ...] = (CHAT,)
    batches: bool = True
    n_requests: int = Field(default=50_000, ge=1)
    n_bytes: int = Field(default=200_000_000, ge=1)
    n_enqueued: dict[str, int] = {}
    discount: float | None = Field(default=None, ge=0, le=1)
    window: str = "24h"
    file_days: int = Field(default=30, ge=1)
    sets_expiry: bool = False
    prices: str = ""

    @property
    def address(self) -> str:
        """Where it is called."""
        return self.base_url or OPENAI

    @property
    def answerer(self) -> str:
        """The name under which its answers are kept."""
        return name_service(self.name, self.address)

    def enqueued(self, model: str) -> int | None:
        """Tokens of this model that may wait in batches at a time, or None where that is not known.

        Examples
        --------
        >>> Provider(name="x", n_enqueued={"gpt-4o": 90_000, "gpt-4o-mini": 2_000_000}).enqueued("gpt-4o-mini")
        2000000
        """
        fitting = [start for start in self.n_enqueued if model.startswith(start)]
        return self.n_enqueued[max(fitting, key=len)] if fitting else None


OPENAI = "https://api.openai.com/v1"
"""Said outright wherever it is called: a variable of the environment must not redirect it."""
_ALL = (CHAT, RESPONSES, EMBEDDINGS)
_BUILT_IN = (
    Provider(name="openai", key=KEYS["openai"], endpoints=_ALL, discount=0.5, sets_expiry=True, prices="openai"),
    Provider(name="azure", key=KEYS["azure"], endpoints=_ALL, discount=0.5, sets_expiry=True, prices="azure"),
    Provider(name="groq", base_url="https://api.groq.com/openai/v1", key=KEYS["groq"], prices="groq"),
    Provider(name="perplexity", base_url="https://api.perplexity.ai/v1", key=KEYS["perplexity"], prices="perplexity"),
    Provider(
        name="novita", base_url="https://api.novita.ai/openai/v1", key=KEYS["novita"], file_days=15, prices="novita"
    ),
    Provider(name="ollama", base_url="http://127.0.0.1:11434/v1", key="", endpoints=_ALL, batches=False),
    Provider(name="vllm", base_url="http://127.0.0.1:8000/v1", key="", endpoints=_ALL, batches=False),
    Provider(name="compatible", key=KEYS["compatible"], endpoints=_ALL),
)
PROVIDERS = {provider.name: provider for provider in _BUILT_IN}
"""The records that come with the kit. `compatible` is any other service: nothing is taken for granted of it."""
_ADDRESS = re.compile(r"https?://(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?(/[A-Za-z0-9._~%!$&'()*+,;=:@/-]*)?")


def find_provider(name: str, base_url: str = "") -> Provider:
    """Return the record of a provider, with another address where `base_url` is given.

    Raises
    ------
    ParameterError
        There is no such provider, `providers.yaml` is faulty, or an address is missing or has a password in it.
    """
    known = PROVIDERS | _own_providers(project_folder() / PROVIDERS_FILE)
    if name not in known:
        mend = mend_name(name, known, f"use one of {', '.join(known)}, or add it to {PROVIDERS_FILE}")
        raise ParameterError("The provider is not known.", [Fault("provider", f"{name!r} has no record", mend)])
    provider = known[name]
    if base_url:
        provider = provider.model_copy(update={"base_url": base_url})
    if fault := _find_fault(provider):
        raise ParameterError("The provider cannot be reached.", [fault])
    return provider


def check_model(model: str) -> list[Fault]:
    """Return the fault of an engine that was given no model: a service has many, and none is the kit's to choose."""
    return [] if model else [Fault("model", "is needed and missing", "name the model to ask, such as gpt-6-luna")]


def find_address_fault(address: str) -> Fault | None:
    """Return what is wrong with an address: it is written into records, so it may hold no password and no key.

    What is wrong is not repeated. Only plain forms are taken, so that no two readers see two hosts in it.
    """
    where, mend = "base_url", "write https://host/v1"
    try:
        parts = urlsplit(address)
        n_port = parts.port or 0
    except ValueError:
        return Fault(where, "it is no address", mend)
    if parts.username is not None or parts.password is not None:
        return Fault(where, "it holds a name or password", "keep it out; the key is looked for in the environment")
    if parts.query or parts.fragment or "?" in address:
        problem = "it holds a query (what stands behind `?`), where a key does not belong"
        return Fault(where, problem, "keep it out; the key is looked for in the environment")
    if looks_like_key(address):
        return Fault(where, "it looks as if it held a key", "keep it out; the key is looked for in the environment")
    if not _ADDRESS.fullmatch(address) or n_port > 65_535:
        return Fault(where, f"{address!r} is no address of the web", mend)
    return None


def _find_fault(provider: Provider) -> Fault | None:
    if not provider.base_url and provider.name != "openai":
        return Fault("base_url", f"the address of {provider.name!r} is missing", "give base_url=")
    return find_address_fault(provider.address)


def _own_providers(path: Path) -> dict[str, Provider]:
    """The records of a project's own file; what one does not say stays as the kit has it."""
    if not path.is_file():
        return {}
    return dict(_parse(path, path.stat().st_mtime_ns))


@lru_cache(maxsize=8)
def _parse(path: Path, _changed: int) -> dict[str, Provider]:
    tree = read_yaml(path, error=ParameterError, summary="The file of providers cannot be read.", typed=True)
    entries = {} if tree.value is None else tree.value
    if not isinstance(entries, dict):
        fault = Fault(show_path(path), "it must hold names with a record each", "write `name:` and its fields under it")
        raise ParameterError("The file of providers cannot be read.", [fault])
    records: dict[str, Provider] = {}
    faults: list[Fault] = []
    for name, entry in entries.items():
        place = f"{show_path(path)}, {name}"
        base: dict[str, Any] = PROVIDERS[name].model_dump() if name in PROVIDERS else {}
        base["key"] = name_variable(str(name))
        try:
            records[str(name)] = Provider.model_validate({**base, **(entry or {}), "name": str(name)})
            faults += _judge_entry(place, records[str(name)])
        except (ValidationError, TypeError) as error:
            faults += _explain(place, error)
    ParameterError.raise_any("The file of providers is faulty.", faults)
    return records


def _judge_entry(where: str, entry: Provider) -> list[Fault]:
    """What a record of a project's file may not say: whose secret is sent, and what no address may hold."""
    variable, faults = name_variable(entry.name), list[Fault]()
    others = {
        provider.key: provider.name
        for provider in PROVIDERS.values()
        if provider.name != entry.name and provider.name != "compatible"
    }
    if not variable.removesuffix("_API_KEY") and variable:
        faults.append(Fault(where, "no variable can be named after it", "name it with letters and digits"))
    elif entry.name not in PROVIDERS and variable in others:
        problem = f"its key would be {variable}, which is that of {others[variable]!r}"
        faults.append(Fault(where, problem, "give it another name"))
    if entry.key not in ("", variable):
        problem = "it names a variable that is not this provider's: a study cannot choose which secret is sent"
        allowed = f"keep the key in {variable} and take `key` out; " if variable else "take `key` out; "
        faults.append(Fault(f"{where}, key", problem, f'{allowed}`key: ""` says that none is needed'))
    if entry.base_url and (fault := find_address_fault(entry.base_url)):
        faults.append(Fault(f"{where}, base_url", fault.problem, fault.mend))
    return faults


def _explain(where: str, error: ValidationError | TypeError) -> list[Fault]:
    fields = ", ".join(Provider.model_fields)
    if isinstance(error, TypeError):
        return [Fault(where, "it is no record", f"write fields under the name: {fields}")]
    return [
        Fault(f"{where}, {'.'.join(map(str, item['loc']))}", problem, f"{mend}; the fields are {fields}")
        for item in error.errors()
        for problem, mend in [say_misfit(item)]
    ]
