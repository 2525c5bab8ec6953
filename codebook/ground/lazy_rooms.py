"""The names of a room, each loaded when it is first used: so a room costs what is used of it.

A room imports its names under `if TYPE_CHECKING:`, for mypy and editors, and these lines are also what is loaded:

    if TYPE_CHECKING:
        from codebook.codings.wide import to_wide, write_wide
    else:
        __getattr__, __dir__ = lazy_names(__name__)
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

from codebook.ground.moved_names import say_moved


def lazy_names(
    room: str, say_place: Callable[[str], str] = say_moved
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return `__getattr__` and `__dir__` of a room, by what stands in its file under `if TYPE_CHECKING:`.

    Parameters
    ----------
    room
        The module's `__name__`.
    say_place
        Says of a name that is not here (as `run.name`, of room `run`) where it stands; empty where nobody knows.

    Examples
    --------
    >>> load, names = lazy_names("codebook.exchange")
    >>> load("Account").__module__, "open_export" in names()
    ('codebook.exchange.account', True)
    >>> load("akount")
    Traceback (most recent call last):
    AttributeError: module 'codebook.exchange' has no attribute 'akount'
    """

    @cache
    def find_places() -> dict[str, str]:
        return _read_imports(room)

    def load(name: str) -> Any:
        place = "" if name.startswith("__") else find_places().get(name, "")
        if not place:
            hint = say_place(f"{room}.{name}".partition(".")[2])
            raise AttributeError(f"module {room!r} has no attribute {name!r}" + f"; {hint}" * bool(hint))
        return import_module(f"{room}.{name}") if place == room else getattr(import_module(place), name)

    def list_names() -> list[str]:
        return sorted({*find_places(), *sys.modules[room].__all__})

    return load, list_names


def _read_imports(room: str) -> dict[str, str]:
    """What a room imports of the kit under `if TYPE_CHECKING:`, name -> module; of itself, its inner rooms."""
    import ast
    import inspect

    blocks = [node for node in ast.parse(inspect.getsource(sys.modules[room])).body if isinstance(node, ast.If)]
    imports = [node for block in blocks for node in block.body if isinstance(node, ast.ImportFrom)]
    return {each.name: node.module for node in imports if node.module for each in node.names}
