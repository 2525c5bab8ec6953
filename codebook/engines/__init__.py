"""DRAWER: who answers. Every engine turns the Batch API's request lines into its result lines.

To add an engine: a class that keeps the protocol `Engine`, and the line of its package that registers it as an entry
point of the group `codebook.engines`. Open `protocol.py` first, then `jobs.py`, which most engines here stand on.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any, cast, get_args, get_type_hints

from codebook.engines.protocol import (
    About,
    Engine,
    Foresees,
    KeepsFiles,
    KnowsLanguages,
    Limits,
    MakesAnew,
    Remark,
    Remarks,
)
from codebook.errors import Fault, ParameterError, mend_name
from codebook.ground.plugins import ENGINE_GROUP, list_plugins, load_plugin

ENGINES = {
    "cluster": "codebook.engines.cluster.cluster_engine:ClusterEngine",
    "cluster_live": "codebook.engines.cluster.cluster_engine:ClusterLiveEngine",
    "embedded": "codebook.engines.embedded.engine:EmbeddedEngine",
    "openai_batch": "codebook.engines.openai_batch:OpenAIBatchEngine",
    "openai_live": "codebook.engines.openai_live:OpenAILiveEngine",
    "replay": "codebook.engines.replay:ReplayEngine",
}
"""Those of the kit as pyproject.toml registers them, for a source tree that nobody installed: name -> module:class."""
DEFAULT = "embedded"
"""Who answers where nobody is named."""
LIVE = "openai_live"
"""Who is asked for a preflight where nobody is named."""


def list_engines() -> dict[str, str]:
    """Return all engines, name -> module:class; each is imported when it is wanted, so that its extra may be missing.

    A package cannot take the name of an engine of the kit.

    Examples
    --------
    >>> sorted(list_engines())
    ['cluster', 'cluster_live', 'embedded', 'openai_batch', 'openai_live', 'replay']
    """
    return {**list_plugins(ENGINE_GROUP), **ENGINES}


def make_engine(name: str, *, folder: Path, model: str = "", **settings: Any) -> Engine:
    """Return the engine of this name.

    Parameters
    ----------
    folder
        Where the engine keeps its work, `<run>/work`.
    model
        The model to ask; empty for the engine's own.
    settings
        The engine's own parameters, such as `archive` of `replay`.

    Raises
    ------
    ParameterError
        The engine or one of the settings is unknown, or a setting that it needs is missing.

    Examples
    --------
    >>> make_engine("embeded", folder=Path("work"))
    Traceback (most recent call last):
    codebook.errors.ParameterError: There is no engine 'embeded'.
      - engine: 'embeded' is not one of cluster, cluster_live, embedded, ... To mend: did you mean 'embedded'?
    More on such a message: codebook explain ParameterError
    """
    known = list_engines()
    if name not in known:
        fault = Fault("engine", f"{name!r} is not one of {', '.join(known)}", mend_name(name, known))
        raise ParameterError(f"There is no engine {name!r}.", [fault])
    make = load_plugin(name, known[name])
    _check_settings(name, make, settings)
    return cast(Engine, make(folder, model=model, **settings))


def about_engine(name: str) -> About | None:
    """Return what an engine says of itself, without making it; None where it is not known here.

    Examples
    --------
    >>> about_engine("embedded").charges, about_engine("nobody")
    (False, None)
    """
    place = list_engines().get(name)
    about: About | None = load_plugin(name, place).about if place else None
    return about


def list_settings(name: str) -> frozenset[str]:
    """Return the names of an engine's own settings; empty where it is not known here.

    Examples
    --------
    >>> sorted(list_settings("openai_live"))[:2]
    ['attempts', 'base_url']
    """
    place = list_engines().get(name)
    return frozenset(_list_settings(load_plugin(name, place))) if place else frozenset()


def _list_settings(make: Any) -> dict[str, bool]:
    """The settings of an engine, and whether each may be left out; those of an unpacked TypedDict may."""
    settings: dict[str, bool] = {}
    for key, value in inspect.signature(make).parameters.items():
        if value.kind is value.VAR_KEYWORD:
            (group,) = get_args(get_type_hints(make.__init__)[key])
            settings |= dict.fromkeys(group.__annotations__, True)
        elif key not in ("folder", "model"):
            settings[key] = value.default is not value.empty
    return settings


def _check_settings(name: str, make: Any, settings: dict[str, Any]) -> None:
    """Refuse settings that the engine does not have, and say which it needs."""
    known = _list_settings(make)
    faults = [
        Fault(key, f"the engine has the settings {', '.join(known)}", mend_name(key, known))
        for key in settings
        if key not in known
    ]
    needed = [key for key, optional in known.items() if not optional and key not in settings]
    faults += [Fault(key, "is needed and missing", f"give {key}=") for key in needed]
    ParameterError.raise_any(f"The engine {name!r} cannot be made with these settings.", faults)


__all__ = [
    "DEFAULT",
    "ENGINES",
    "LIVE",
    "About",
    "Engine",
    "Foresees",
    "KeepsFiles",
    "KnowsLanguages",
    "Limits",
    "MakesAnew",
    "Remark",
    "Remarks",
    "about_engine",
    "list_engines",
    "list_settings",
    "make_engine",
]
