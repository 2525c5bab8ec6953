"""The images and pages of the units that are shown, at addresses that name no file."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import Any

from codebook.coding.sessions.unit_sources import make_blocks
from codebook.records import FilePart, Unit

N_UNITS = 8
"""Units whose pictures are held: the one that is shown, and some that a coder goes back to."""
OUTSIDE = "This picture is not on this computer, so the page does not show it: {}"


class PictureShelf:
    """Makes the blocks of a unit's files once, and finds a picture by the name that it gave it."""

    def __init__(self) -> None:
        self._blocks: OrderedDict[str, list[dict[str, Any]]] = OrderedDict()
        self._parts: dict[str, dict[str, FilePart]] = {}

    def __call__(self, unit: Unit) -> list[dict[str, Any]]:
        """The blocks of a unit's files."""
        if unit.unit_id not in self._blocks:
            parts: dict[str, FilePart] = {}
            self._parts[unit.unit_id] = parts
            blocks = make_blocks(unit, lambda _, part: self._put(part, parts))
            self._blocks[unit.unit_id] = [_keep_inside(block) for block in blocks]
        self._blocks.move_to_end(unit.unit_id)
        while len(self._blocks) > N_UNITS:
            self._parts.pop(self._blocks.popitem(last=False)[0])
        return self._blocks[unit.unit_id]

    def find(self, name: str) -> FilePart | None:
        """The picture of that name, while it is held."""
        return next((parts[name] for parts in list(self._parts.values()) if name in parts), None)

    @staticmethod
    def _put(part: FilePart, parts: dict[str, FilePart]) -> str:
        if part.url:
            return part.url
        name = hashlib.sha256(part.data).hexdigest()[:32]
        parts[name] = part
        return f"picture/{name}"


def _keep_inside(block: dict[str, Any]) -> dict[str, Any]:
    """A block whose source is an address elsewhere says so instead."""
    source = block.get("source", "picture/")
    return block if source.startswith("picture/") else {"type": "text", "text": OUTSIDE.format(source), "fault": True}
