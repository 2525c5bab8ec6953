"""The menu: few names, each there and described; what is needed more seldom stands in a room."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import codebook as cb

ROOT = Path(__file__).parents[2]


def test_the_menu_is_short_and_every_name_on_it_has_a_first_line() -> None:
    assert len(cb.__all__) <= 55
    for name in cb.__all__:
        assert (getattr(cb, name).__doc__ or "").strip(), name


def test_rooms_are_reached_by_their_name_and_a_stranger_is_told_what_there_is() -> None:
    assert cb.entities.resolve_entities is cb.analysis.entities.resolve_entities
    assert cb.sampling.gold_curve.__module__.startswith("codebook.sampling")
    with pytest.raises(AttributeError, match=r"no attribute 'agreement'; it offers .*reliability"):
        _ = cb.agreement


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").rglob("*.ipynb")), ids=lambda path: path.stem)
def test_every_name_that_a_notebook_uses_is_there(path: Path) -> None:
    for chain in sorted(set(re.findall(r"\bcb((?:\.[A-Za-z_]\w*)+)\(", path.read_text(encoding="utf-8")))):
        thing: object = cb
        for name in chain[1:].split("."):
            thing = getattr(thing, name)
