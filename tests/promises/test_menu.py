"""The menu: few names, each there and described; what is needed more seldom stands in a room."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import codebook as cb
from codebook.ground.moved_names import MOVED

ROOT = Path(__file__).parents[2]
ROOMS = (
    *("analysis", "analysis.correction", "analysis.entities", "analysis.joining", "analysis.reliability"),
    *("analysis.vectors", "coding", "codings", "costs", "engines", "exchange", "execute", "outputs", "report", "run"),
    *("sampling", "scaffold", "scheme", "study", "tasks", "units", "vectors", "widgets"),
)
WITHOUT_EXAMPLE = (Path(__file__).parent / "without_example.txt").read_text(encoding="utf-8").split()
"""Names of the rooms whose docstrings have no example yet. The list may only shrink."""


def has_example(thing: Any) -> bool:
    """Whether a docstring, of a class that of one of its methods, has an example, which the doctests run."""
    methods = [each for name, each in vars(thing).items() if name[0] != "_"] if inspect.isclass(thing) else []
    return any(">>>" in (getattr(each, "__doc__", "") or "") for each in (thing, *methods))


def public_things(room: str) -> Iterator[tuple[str, Any]]:
    """(name with its room, function or class) of what a room offers and has made itself."""
    module = importlib.import_module(f"codebook.{room}")
    for name in getattr(module, "__all__", ()):
        thing = getattr(module, name)
        is_own = getattr(thing, "__module__", "").startswith(module.__name__)
        if is_own and (inspect.isfunction(thing) or inspect.isclass(thing)):
            yield f"{room}.{name}", thing


@pytest.mark.parametrize("name", cb.__all__)
def test_every_name_of_the_menu_has_an_example_that_runs(name: str) -> None:
    thing = getattr(cb, name)
    assert has_example(thing) or not callable(thing)


def test_every_name_of_a_room_has_an_example_but_for_those_that_are_listed() -> None:
    bare = {name for room in ROOMS for name, thing in public_things(room) if not has_example(thing)}
    known = set(WITHOUT_EXAMPLE)
    assert not bare - known, "write an example into the docstring, as a person would type it"
    assert not known - bare, "take it off the list: it has one now"


def test_every_name_of_a_room_has_a_first_line() -> None:
    every = [pair for room in ROOMS for pair in public_things(room)]
    assert len(every) > 250
    assert not [name for name, thing in every if not (thing.__doc__ or "").strip()]


def test_the_menu_is_short_and_every_name_on_it_has_a_first_line() -> None:
    assert len(cb.__all__) <= 55
    for name in cb.__all__:
        assert (getattr(cb, name).__doc__ or "").strip(), name


LAZY = sorted(path for path in (ROOT / "codebook").rglob("__init__.py") if "lazy_names(" in path.read_text("utf-8"))


@pytest.mark.parametrize("path", LAZY, ids=lambda path: path.parent.name)
def test_what_mypy_and_editors_are_told_is_what_a_room_offers_and_loads(path: Path) -> None:
    module = importlib.import_module(".".join(path.relative_to(ROOT).parent.parts))
    body = ast.parse(path.read_text("utf-8")).body
    imports = [node for block in body if isinstance(block, ast.If) for node in block.body]
    told = {each.name for node in imports if isinstance(node, ast.ImportFrom) for each in node.names}
    rooms = {name for name in told if inspect.ismodule(getattr(module, name))}
    assert told - rooms <= set(module.__all__) <= told | set(vars(module))
    assert set(module.__all__) <= set(dir(module))
    offered = [
        node.value for node in body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    ]
    assert ast.literal_eval(offered[0]) == module.__all__, "a checker knows a list only that is written out"


def test_rooms_are_reached_by_their_name_and_a_stranger_is_told_what_there_is() -> None:
    assert cb.entities.resolve_entities is cb.analysis.entities.resolve_entities
    assert cb.sampling.gold_curve.__module__.startswith("codebook.sampling")
    with pytest.raises(AttributeError, match=r"no attribute 'agreement'; it offers .*reliability"):
        _ = cb.agreement
    with pytest.raises(AttributeError, match=r"no attribute 'gold_curve'; write cb.sampling.gold_curve$"):
        _ = cb.gold_curve


@pytest.mark.parametrize("name", MOVED)
def test_a_name_that_moved_names_its_new_place(name: str) -> None:
    *room, last = name.split(".")
    with pytest.raises(AttributeError, match=rf"moved: write cb\.{re.escape(MOVED[name])}$"):
        getattr(importlib.import_module(".".join(["codebook", *room])), last)
    place = cb
    for part in MOVED[name].partition("(")[0].split("."):
        place = getattr(place, part)
    assert callable(place)


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").rglob("*.ipynb")), ids=lambda path: path.stem)
def test_every_name_that_a_notebook_uses_is_there(path: Path) -> None:
    for chain in sorted(set(re.findall(r"\bcb((?:\.[A-Za-z_]\w*)+)\(", path.read_text(encoding="utf-8")))):
        thing: object = cb
        for name in chain[1:].split("."):
            thing = getattr(thing, name)
