"""What installed packages add to the kit's drawers: entry points, each loaded when it is wanted."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Any

from codebook.errors import Fault, ParameterError

ENGINE_GROUP = "codebook.engines"
TASK_GROUP = "codebook.tasks"


@cache
def list_plugins(group: str) -> Mapping[str, str]:
    """Return what packages register in a group: name -> module:object; of a name that several register, all of them."""
    from importlib.metadata import entry_points

    places: dict[str, set[str]] = {}
    for point in entry_points(group=group):
        places.setdefault(point.name, set()).add(point.value)
    return {name: " and ".join(sorted(values)) for name, values in sorted(places.items())}


def load_plugin(name: str, place: str) -> Any:
    """Return the object at a place, `module:object`."""
    module, _, attribute = place.partition(":")
    try:
        return getattr(import_module(module), attribute)
    except (ModuleNotFoundError, AttributeError) as error:
        mend = "install what its package needs, or uninstall that package; of two with the same name, one"
        raise ParameterError(f"{name!r} cannot be loaded.", [Fault(place, str(error), mend)]) from error
