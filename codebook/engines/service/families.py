"""What a family of models takes, and what of a request its service would refuse or a researcher should know.

The table is `families.yaml`, dated and with its sources. One wrong field fails every line of a batch, so a body is
judged here first. What is not in the table is not judged: nothing is known of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from codebook.engines.service.shapes import INCLUDED, check_form, check_shapes, check_tongue
from codebook.errors import Fault, ParameterError
from codebook.files.misfits import say_misfit
from codebook.files.yaml_text import YamlTree, read_yaml
from codebook.paths import project_folder
from codebook.records import CHAT, EMBEDDINGS, RESPONSES

FILE = "families.yaml"
_ENDPOINTS = {"chat": CHAT, "responses": RESPONSES, "embeddings": EMBEDDINGS}
_DATED = re.compile(r"-(\d{4}-\d{2}-\d{2}|\d{4})\Z")
_SAMPLING = ("temperature", "top_p", "logprobs", "top_logprobs")
_DEFAULTS = {
    "temperature": 1,
    "top_p": 1,
    "logprobs": False,
    "presence_penalty": 0,
    "frequency_penalty": 0,
    "verbosity": "medium",
}
"""Values that say nothing, so that they are taken where every other is refused."""

_SMALL_CAP = 1_000
_SOON = timedelta(days=90)


_Form = TypeVar("_Form", bound=BaseModel)


class Family(BaseModel):
    """What models whose name begins with `name` take; the fields are explained in `families.yaml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    endpoints: tuple[str, ...] = ("chat", "responses")
    efforts: tuple[str, ...] = ()
    efforts_responses: tuple[str, ...] = ()
    effort: str = ""
    refuses: tuple[str, ...] = ()
    schemas: bool = True
    batches: bool | None = None


class _Table(BaseModel):
    """The file of families as it is written."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    as_of: date | None = None
    refusals: dict[str, list[str]] = {}
    families: dict[str, dict[str, Any]] = {}
    shutdown: dict[date, list[str]] = {}
    snapshots: dict[str, str] = {}

    def dates(self) -> dict[str, date]:
        """When a model is shut down, by its name."""
        return {name: day for day, names in self.shutdown.items() for name in names}


def find_family(model: str) -> Family | None:
    """Return the family of a model: the longest name with which the model's begins, up to its end or a hyphen.

    A fine-tuned model (`ft:...`) is of the family it was made from.

    Examples
    --------
    >>> find_family("gpt-4o-mini-2024-07-18").name, find_family("gpt-5-mini").name, find_family("gpt-7")
    ('gpt-4o-mini', 'gpt-5', None)
    """
    name = model.split(":")[1] if model.startswith("ft:") else model
    families = _table().families
    fitting = [start for start in families if name == start or name.startswith(f"{start}-")]
    if not fitting:
        return None
    longest = max(fitting, key=len)
    return Family.model_validate({"name": longest, **families[longest]})


def find_shutdown(model: str) -> date | None:
    """Return the day from which a model no longer answers, or None where none is known.

    Examples
    --------
    >>> find_shutdown("gpt-4o-mini-2024-07-18")
    datetime.date(2027, 1, 14)
    """
    dates = _table().dates()
    return dates.get(model) or dates.get(_DATED.sub("", model))


def check_body(
    body: Mapping[str, Any], url: str, *, provider: str = "openai", today: date, batch: bool = True
) -> list[Fault]:
    """Return a fault for everything in a request's body that the service would refuse.

    Parameters
    ----------
    body, url
        What is asked, and where.
    provider
        Name of the provider. Models and fields are judged for OpenAI and Azure only, shut-downs for OpenAI only; of
        a compatible service nothing is taken for granted but the forms that all share.
    today
        The day, for models that are shut down.
    batch
        Whether the body is a line of a batch; some fields are good for live calls only.

    Examples
    --------
    >>> body = {"model": "gpt-5-mini", "temperature": 0, "max_tokens": 50}
    >>> for fault in check_body(body, "/v1/chat/completions", today=date(2026, 11, 21)):
    ...     print(fault)
    max_tokens: gpt-5 does not take it. To mend: write max_completion_tokens.
    temperature: gpt-5 does not take it. To mend: leave temperature out; gpt-5 takes only 1.
    """
    faults = check_shapes(body, url, batch) + check_form(body, url)
    if not _is_openai(provider):
        return faults
    faults += check_tongue(body, url)
    model = str(body.get("model") or "")
    family = find_family(model)
    if provider == "openai" and (day := find_shutdown(model)) and day <= today:
        faults.insert(0, Fault("model", f"{model} was shut down on {day}", "choose a model that still answers"))
    return faults + (_check_family(body, url, family, batch) if family else [])


def warn_body(body: Mapping[str, Any], url: str, *, provider: str = "openai", today: date) -> list[Fault]:
    """Return what the service takes and a researcher should know all the same.

    Examples
    --------
    >>> for fault in warn_body({"model": "gpt-4o-mini"}, "/v1/chat/completions", today=date(2026, 11, 21)):
    ...     print(fault.problem)
    gpt-4o-mini is an alias: the model behind it may change during a study
    gpt-4o-mini is shut down on 2027-01-14, in 54 days
    """
    if not _is_openai(provider):
        return []
    family = find_family(str(body.get("model") or ""))
    faults = _warn_model(str(body.get("model") or ""), family, today) if family and provider == "openai" else []
    if url == RESPONSES and body.get("store") is not False:
        faults.append(Fault("store", "the service keeps texts and answers for 30 days", "write `store: false`"))
    elif url == CHAT and body.get("store"):
        faults.append(Fault("store", "the service keeps texts and answers", "leave it out"))
    return faults + (_warn_cap(body, url, family) if family else [])


def _is_openai(provider: str) -> bool:
    return provider == "openai" or provider.startswith("azure")


def _check_family(body: Mapping[str, Any], url: str, family: Family, batch: bool) -> list[Fault]:
    """What this family does not take."""
    taken = [_ENDPOINTS.get(word, word) for word in family.endpoints]
    if url not in taken:
        return [Fault("url", f"{family.name} does not answer at {url}", f"use {' or '.join(taken)}")]
    faults = _check_effort(body, url, family)
    if batch and family.batches is False:
        faults.append(Fault("model", f"{family.name} is not taken in batches", "ask it live, or choose another model"))
    if not family.schemas and ("response_format" in body or "text" in body):
        faults.append(Fault("model", f"{family.name} takes no strict schema of the answer", "choose a newer model"))
    refused = dict.fromkeys((*family.refuses, *(_SAMPLING if _reasons(body, url, family) else ())))
    for name in refused:
        where, value = _find_value(body, url, name)
        if value is not None and not (name in _DEFAULTS and value == _DEFAULTS[name]):
            faults.append(Fault(where, f"{family.name} does not take it", _mend(name, url, family)))
    return faults


def _check_effort(body: Mapping[str, Any], url: str, family: Family) -> list[Fault]:
    where, effort = _find_value(body, url, "effort")
    if effort is None:
        return []
    if not family.effort:
        return [Fault(where, f"{family.name} does not reason", "leave it out")]
    words = family.efforts + (family.efforts_responses if url == RESPONSES else ())
    if not words or effort in words:
        return []
    return [Fault(where, f"{family.name} does not take {effort!r} here", f"use one of {', '.join(words)}")]


def _reasons(body: Mapping[str, Any], url: str, family: Family) -> bool:
    """Whether the model would think before it answers."""
    effort = _find_value(body, url, "effort")[1] or family.effort
    return bool(family.effort) and not (effort == "none" and "none" in family.efforts)


def _find_value(body: Mapping[str, Any], url: str, name: str) -> tuple[str, Any]:
    """Where a field stands in this tongue, and its value; None where it is not given."""
    if name == "effort":
        return _nested(body, "reasoning", "effort") if url == RESPONSES else _nested(body, "reasoning_effort")
    if url == RESPONSES and name == "verbosity":
        return _nested(body, "text", "verbosity")
    if url == RESPONSES and name == "logprobs":
        included = body.get("include")
        return "include", True if isinstance(included, list) and INCLUDED in included else None
    return _nested(body, name)


def _nested(value: Any, *path: str) -> tuple[str, Any]:
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return ".".join(path), value


def _mend(name: str, url: str, family: Family) -> str:
    if name == "max_tokens":
        return "write max_completion_tokens"
    only = f"; {family.name} takes only {_DEFAULTS[name]}" if name in _DEFAULTS else ""
    field = "reasoning: {effort: none}" if url == RESPONSES else "reasoning_effort: none"
    unless = f", unless you write `{field}`" if name in _SAMPLING and "none" in family.efforts else ""
    return f"leave {name} out{only}{unless}"


def _warn_model(model: str, family: Family, today: date) -> list[Fault]:
    faults = []
    if not _DATED.search(model) and not model.startswith("ft:") and family.endpoints != ("embeddings",):
        snapshot = _table().snapshots.get(model)
        pin = f"pin a snapshot, such as {snapshot}" if snapshot else "ask the provider for a dated name and pin it"
        problem = f"{model} is an alias: the model behind it may change during a study"
        faults.append(Fault("model", problem, f"{pin}; the snapshot returned is recorded with each answer"))
    if (day := find_shutdown(model)) and today < day <= today + _SOON:
        problem = f"{model} is shut down on {day}, in {(day - today).days} days"
        faults.append(Fault("model", problem, "finish before, or choose a model that can be asked again later"))
    return faults


def _warn_cap(body: Mapping[str, Any], url: str, family: Family) -> list[Fault]:
    faults = []
    name = "max_output_tokens" if url == RESPONSES else "max_completion_tokens"
    cap = body.get(name)
    if type(cap) is int and cap < _SMALL_CAP and _reasons(body, url, family):
        mend = f"allow {_SMALL_CAP:,} or more, or leave it out"
        faults.append(Fault(name, f"{cap} tokens hold the reasoning too, so answers may come back empty", mend))
    if url == CHAT and body.get("max_tokens") is not None and "max_tokens" not in family.refuses:
        faults.append(Fault("max_tokens", "newer models no longer take it", "write max_completion_tokens"))
    return faults


def _table() -> _Table:
    """The table that comes with the kit, with what the project's own says instead."""
    shipped, project = Path(__file__).with_name(FILE), project_folder() / FILE
    return _merge(
        shipped, project if project.is_file() else None, project.stat().st_mtime_ns if project.is_file() else 0
    )


@lru_cache(maxsize=8)
def _merge(shipped: Path, project: Path | None, _changed: int) -> _Table:
    table = _parse(shipped)
    if project is None:
        return table
    more = _parse(project)
    dates: dict[date, list[str]] = {}
    for name, day in (table.dates() | more.dates()).items():
        dates.setdefault(day, []).append(name)
    return _Table(families=table.families | more.families, shutdown=dates, snapshots=table.snapshots | more.snapshots)


def _parse(path: Path) -> _Table:
    """Read a file of families.

    Raises
    ------
    ParameterError
        It is not YAML, or not of the form.
    """
    summary = "The file of model families cannot be read."
    tree = read_yaml(path, error=ParameterError, summary=summary, typed=True)
    table = _read_part(_Table, {} if tree.value is None else tree.value, tree, (), summary)
    for name, entry in table.families.items():
        _read_part(Family, {"name": name, **entry}, tree, ("families", name), summary)
    return table


def _read_part(form: type[_Form], value: Any, tree: YamlTree, at: tuple[str, ...], summary: str) -> _Form:
    """Read a part of the file; each fault has its line and the fields that there are."""
    try:
        return form.model_validate(value)
    except ValidationError as error:
        fields = f"the fields are {', '.join(form.model_fields)}"
        faults = []
        for item in error.errors():
            place = (*at, *map(str, item["loc"]))
            problem, mend = say_misfit(item)
            if item["type"] == "extra_forbidden":
                problem, mend = "it is no field", "take it out"
            named = f"`{'.'.join(place)}`: {problem}" if place else problem
            faults.append(Fault(tree.place(place), named, f"{mend}; {fields}"))
        raise ParameterError(summary, faults) from None
