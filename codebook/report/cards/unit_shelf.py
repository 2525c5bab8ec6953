"""Units by their ids: of a run each is read from its file when it is shown, so that a million of them open at once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

import orjson

from codebook.files.lines import iter_lines, load_line
from codebook.material.unit_store import iter_units, read_unit
from codebook.records import Unit

_ID = re.compile(rb'\{"unit_id":("(?:[^"\\]|\\.)*")')

_PLACE = 48
"""Bits that hold a place in a file."""


class UnitShelf:
    """The units of `units.jsonl` files, and others by their ids, as texts or as units.

    Parameters
    ----------
    files
        Files that `write_units` wrote; one that is not there holds nothing.
    others
        Texts or units by id, looked up for what no file holds.
    """

    def __init__(self, files: Sequence[Path] = (), others: Mapping[str, Unit | str] | None = None) -> None:
        self.files, self._others = [path for path in files if path.is_file()], others or {}
        self._held: dict[str, Unit] = {}

    @cached_property
    def _places(self) -> dict[str, int]:
        """File and place of each unit, as one number; of a unit in several files, the first."""
        places: dict[str, int] = {}
        for number, path in reversed(list(enumerate(self.files))):
            places |= {_read_id(line, path): number << _PLACE | offset for offset, line in iter_lines(path)}
        return places

    def hold(self, unit_ids: Iterable[str]) -> None:
        """Read some units in one go and keep them, so that no list of all has to be made for a few."""
        wanted = set(unit_ids) - self._held.keys()
        for path in self.files:
            for _, line in iter_lines(path) if wanted else ():
                if (unit_id := _read_id(line, path)) in wanted:
                    self._held[unit_id] = read_unit(load_line(line, path.name))
                    wanted.remove(unit_id)
                    if not wanted:
                        return

    def find(self, unit_id: str) -> Unit | None:
        """The unit, or None where nobody has kept it."""
        if unit_id in self._held:
            return self._held[unit_id]
        if unit_id in self._places:
            place = self._places[unit_id]
            path = self.files[place >> _PLACE]
            with path.open("rb") as file:
                file.seek(place & (1 << _PLACE) - 1)
                return read_unit(load_line(file.readline(), path.name))
        other = self._others.get(unit_id)
        return Unit(unit_id, other) if isinstance(other, str) else other

    def search(self, words: str) -> set[str]:
        """The ids of the units in whose text, context or id these words stand, in capitals or not."""
        wanted = words.casefold()
        parts = ((unit.unit_id, "\n".join([unit.unit_id, unit.text, *unit.context.values()])) for unit in self._walk())
        return {unit_id for unit_id, text in parts if wanted in text.casefold()}

    def _walk(self) -> Iterator[Unit]:
        for path in self.files:
            yield from (unit for unit, _ in iter_units(path))
        if not self.files:
            for unit_id, other in self._others.items():
                yield Unit(unit_id, other) if isinstance(other, str) else other


def _read_id(line: bytes, path: Path) -> str:
    match = _ID.match(line)
    return str(orjson.loads(match[1]) if match else load_line(line, path.name)["unit_id"])
