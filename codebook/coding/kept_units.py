"""The units of a study as they are coded: kept once as JSON lines, and read one at a time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import orjson

from codebook.errors import RecordError
from codebook.files.lines import load_line
from codebook.material.unit_store import iter_units, read_unit, write_units
from codebook.paths import show_path
from codebook.records import Unit

_ID = re.compile(rb'\{"unit_id":("(?:[^"\\]|\\.)*")')


class KeptUnits:
    """The units in `units.jsonl` of a coding folder; only where each stands is held, never their texts.

    Attributes
    ----------
    n_read
        How many units were read so far.

    Examples
    --------
    >>> path = Path("units.jsonl")
    >>> keep_units(path, [Unit("7", "Coal is cheap."), Unit("9", "No coal.")])
    ['7', '9']
    >>> units = KeptUnits(path)
    >>> units["9"].text, len(units), units.n_read
    ('No coal.', 2, 1)
    """

    def __init__(self, path: Path) -> None:
        self.path, self.n_read = path, 0
        self._places = _find_places(path)

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, unit_id: str) -> bool:
        return unit_id in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __getitem__(self, unit_id: str) -> Unit:
        """Read a unit."""
        if unit_id not in self._places:
            mend = "assign it again, or restore the file from a backup"
            raise RecordError(f"{show_path(self.path)} has no unit {unit_id!r}. To mend: {mend}.")
        self.n_read += 1
        with self.path.open("rb") as file:
            file.seek(self._places[unit_id])
            return read_unit(load_line(file.readline(), f"{self.path.name}, unit {unit_id!r}"))


def _find_places(path: Path) -> dict[str, int]:
    """Where the line of each unit begins."""
    places: dict[str, int] = {}
    if not path.is_file():
        return places
    offset = 0
    with path.open("rb") as file:
        for line in file:
            if not (match := _ID.match(line)):
                raise RecordError(f"{show_path(path)} is damaged. To mend: restore it from a backup.")
            places[orjson.loads(match[1])] = offset
            offset += len(line)
    return places


def keep_units(path: Path, units: Iterable[Unit]) -> list[str]:
    """Keep units beside those that are kept already, which stay as they were; return the ids that are new."""
    known = {unit.unit_id: unit for unit, _ in iter_units(path)} if path.is_file() else {}
    fresh = {unit.unit_id: unit for unit in units if unit.unit_id not in known}
    if fresh or not path.is_file():
        write_units(path, ((unit, None) for unit in (*known.values(), *fresh.values())))
    return list(fresh)
