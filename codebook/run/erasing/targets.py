"""What an erasure is about, run by run: found before anything is changed, and written down before it begins."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson

from codebook.errors import RecordError
from codebook.files.lines import write_whole
from codebook.ledger import KEPT
from codebook.material.unit_store import PACK, is_there, iter_units, make_pack, texts_of
from codebook.paths import show_path
from codebook.records import Unit

INTENT = ".erasing.json"


@dataclass
class Target:
    """What goes of one run.

    Attributes
    ----------
    units
        Units that go whole: the unit itself, and groups that it is a text of.
    packs, places
        Packs that lose texts: their id by the old one, and which texts those are.
    names
        What becomes of lines of the run's files, by custom_id: None where the line goes, else its new name.
    cuts
        Which texts go of the lines about packs, by custom_id.
    n_rows
        Rows of the run that go.
    """

    run: str
    units: list[str] = field(default_factory=list)
    packs: dict[str, str] = field(default_factory=dict)
    places: dict[str, list[int]] = field(default_factory=dict)
    names: dict[str, str | None] = field(default_factory=dict)
    cuts: dict[str, list[int]] = field(default_factory=dict)
    n_rows: int = 0

    @property
    def n_units(self) -> int:
        """How many units go, whole or as a text of a pack."""
        return len(self.units) + len(self.packs)


@dataclass
class Intent:
    """An erasure that was begun. `texts` are those that nothing else holds; `shared` says whether others have one."""

    unit_id: str
    begun: str
    texts: list[str]
    shared: bool
    targets: list[Target]

    def write(self, runs: Path) -> None:
        """Write it down, all or nothing."""
        write_whole(runs / INTENT, orjson.dumps(asdict(self)))


def read_intent(runs: Path) -> Intent | None:
    """Return the erasure that was begun and not finished, if there is one."""
    path = runs / INTENT
    if not path.is_file():
        return None
    try:
        fields: dict[str, Any] = orjson.loads(path.read_bytes())
        return Intent(**{**fields, "targets": [Target(**target) for target in fields["targets"]]})
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise RecordError(f"{show_path(path)} is damaged. To mend: remove it, then repeat the erasure.") from None


def find_targets(
    folders: Sequence[Path], unit_id: str, texts: Collection[str], everywhere: Sequence[Path]
) -> tuple[list[Target], list[str], bool]:
    """Look for a unit in the units of runs.

    Parameters
    ----------
    folders
        Of the runs from which it is to go.
    texts
        Further texts of it, for packs whose units are not known.
    everywhere
        The folders of all runs: a text that another unit has too stays in packs.

    Returns
    -------
    (targets, the texts that nothing else holds, whether another unit has one of its texts)
    """
    known, targets = set(texts), {folder: Target(_name(folder)) for folder in folders}
    for folder, target in targets.items():
        for unit, places in _find_whole(folder, unit_id):
            target.units.append(unit.unit_id)
            known.update(places)
    shared = set(_find_shared(everywhere, unit_id, known)) if known else set[str]()
    lonely = known - shared
    for folder, target in targets.items() if lonely else ():
        for unit in _iter_packs(folder):
            _cut_pack(target, unit, lonely)
    return [target for target in targets.values() if target.n_units], sorted(lonely), bool(shared)


def _name(folder: Path) -> str:
    """The name of a run, or of one that was discarded, by its folder."""
    return f"{KEPT}/{folder.name}" if folder.parent.name == KEPT else folder.name


def _find_whole(folder: Path, unit_id: str) -> Iterator[tuple[Unit, list[str]]]:
    """Yield the units that are the unit or a group with it, each with the text of the unit itself."""
    for unit, _ in iter_units(folder / "units.jsonl"):
        if unit.unit_id == unit_id:
            yield unit, [unit.text] * bool(unit.text.strip())
        elif any(member == unit_id for member, _ in unit.members):
            ends = [start for _, start in unit.members[1:]] + [len(unit.text)]
            spans = zip(unit.members, ends, strict=True)
            yield unit, [unit.text[start:end].strip() for (member, start), end in spans if member == unit_id]


def _find_shared(folders: Sequence[Path], unit_id: str, texts: Collection[str]) -> Iterator[str]:
    """Yield those of the texts that another unit has too."""
    for folder in folders:
        for unit, _ in iter_units(folder / "units.jsonl"):
            if unit.unit_id != unit_id and not unit.unit_id.startswith(PACK) and unit.text in texts:
                yield unit.text


def _iter_packs(folder: Path) -> Iterator[Unit]:
    units = iter_units(folder / "units.jsonl")
    return (unit for unit, skip in units if unit.unit_id.startswith(PACK) and (not skip or is_there(skip)))


def _cut_pack(target: Target, unit: Unit, texts: Collection[str]) -> None:
    """Note what becomes of a pack that holds some of the texts."""
    in_pack = texts_of(unit)
    places = [place for place, text in enumerate(in_pack) if text in texts]
    if len(places) == len(in_pack):
        target.units.append(unit.unit_id)
    elif places:
        target.packs[unit.unit_id] = make_pack([text for text in in_pack if text not in texts]).unit_id
        target.places[unit.unit_id] = places
