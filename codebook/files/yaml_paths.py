"""Paths in YAML files that are not what was meant: cut by a comment, or written as on another system."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import yaml

from codebook.errors import Fault
from codebook.files.yaml_text import YamlTree

_MOST = 300
_ESCAPES = {
    "\t": "/t",
    "\n": "/n",
    "\r": "/r",
    "\b": "/b",
    "\a": "/a",
    "\f": "/f",
    "\v": "/v",
    "\0": "/0",
    "\x1b": "/e",
}
"""What an escape in double quotes has made of a backslash and the letter after it."""


def find_broken_paths(tree: YamlTree, folder: Path) -> Iterator[Fault]:
    """Yield a fault for each text that would name a file below `folder` if it were written as it was meant."""
    for node in tree.scalars():
        value, place = str(node.value), f"{tree.where}, line {node.start_mark.line + 1}"
        if (whole := value + _find_rest(node, tree.text)) != value and _exists(folder, whole):
            yield Fault(place, f"a # begins a comment, so the path ends at {value!r}", f'put it in quotes: "{whole}"')
        meant = "".join(_ESCAPES.get(sign, sign) for sign in value).replace("\\", "/")
        if meant != value and not _exists(folder, value) and _exists(folder, meant):
            yield Fault(place, f"{value!r} is a path of another system", f"use / between folders: {meant}")


def _find_rest(node: yaml.ScalarNode, text: str) -> str:
    """What stands behind a plain scalar on its line, where a comment begins there."""
    end = node.end_mark.index
    rest = text[end : text.find("\n", end) % (len(text) + 1)].rstrip()
    return rest if node.style is None and rest.lstrip().startswith("#") else ""


def _exists(folder: Path, value: str) -> bool:
    if not value.strip() or len(value) > _MOST:
        return False
    try:
        return (folder / Path(value).expanduser()).exists()
    except (OSError, ValueError, RuntimeError):
        return False
