"""What one plan has otherwise than another, in words: the instrument by variable, the units by count, who is asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from codebook.material.unit_store import iter_units
from codebook.records import Unit
from codebook.run.folder import RunFolder
from codebook.scheme import Change, Codebook, diff_codebooks

_MOST = 12
"""Changes that are told of one variable."""
_CHANGES = ("new", "changed", "gone")
_UNTOLD = ("private", "options", "settings")


def list_differences(
    old: RunFolder, book: Codebook, units_path: Path, asking: Mapping[str, Any], answerer: str = ""
) -> list[str]:
    """Say what a plan has otherwise than a run: its codebook, the file of its units, what it asks of whom."""
    record = old.read_record()
    lines = list(_compare_books(old.read_codebook(), book)) if record["codebook"]["sha256"] != book.digest else []
    lines += _compare_units(old.units_path, units_path)
    lines += _compare_asked(record["asked"], asking)
    before = record.get("answerer", answerer)
    return lines or [f"who answers: {before} became {answerer}"] * (before != answerer)


def _compare_books(old: Codebook, new: Codebook) -> Iterator[str]:
    """A sentence for each variable that is new, gone or asked otherwise, and one for what is asked of nobody."""
    changes = diff_codebooks(old, new)
    before, after = ({variable.name for variable in book.variables} for book in (old, new))
    for variable in new.variables:
        name = variable.name
        mine = [change for change in changes if f"variables[{name}]" in change.where]
        changes = [change for change in changes if change not in mine]
        if name not in before:
            yield f"variable {name} is new"
        elif old.variable_digest(name) != new.variable_digest(name):
            yield f"variable {name} was reworded" + (f": {_tell(mine)}" if mine else ", as all were")
    yield from (f"variable {variable.name} is gone" for variable in old.variables if variable.name not in after)
    gone = tuple(f"variables[{name}]" for name in before - after)
    if rest := [change for change in changes if not change.where.startswith(gone)]:
        yield f"codebook: {_tell(rest)}"


def _tell(changes: list[Change]) -> str:
    texts = [str(change) for change in changes[:_MOST]]
    more = [f"and {len(changes) - _MOST:,} changes more"] * (len(changes) > _MOST)
    return "; ".join([*texts, *more])


def _compare_units(old: Path, new: Path) -> list[str]:
    """How many units are new, gone or otherwise; nothing where none is."""
    if not old.is_file():
        return ["units: the earlier units are gone from their folder, so what differs is not known"]
    counts = count_changes(old, new)
    counted = [f"{counts[what]:,} {'are' if counts[what] > 1 else 'is'} {what}" for what in _CHANGES if counts[what]]
    return [f"units: of {counts['all']:,}, {', '.join(counted)}"] if counted else []


def count_changes(old: Path, new: Path) -> Counter[str]:
    """Count all units of a new file, and those that are new, changed and gone against an old one."""
    before = {unit.unit_id: _fingerprint(unit, skip) for unit, skip in iter_units(old)}
    counts: Counter[str] = Counter()
    for unit, skip in iter_units(new):
        known = before.pop(unit.unit_id, None)
        what = "new" if known is None else "same" if known == _fingerprint(unit, skip) else "changed"
        counts.update(["all", what])
    counts["gone"] = len(before)
    return counts


def _fingerprint(unit: Unit, skip: str | None) -> int:
    return hash(repr((unit, skip)))


def _compare_asked(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Each parameter that differs, those within options and settings by their own names."""
    flat = [{**asked, **asked.get("options", {}), **asked.get("settings", {})} for asked in (old, new)]
    before, after = ({name: value for name, value in each.items() if name not in _UNTOLD} for each in flat)
    lines = [
        f"{name}: {_say(before.get(name))} became {_say(after.get(name))}"
        for name in {**before, **after}
        if before.get(name) != after.get(name)
    ]
    return lines + ["ids are hidden now"] * (bool(old.get("private")) < bool(new.get("private")))


def _say(value: object) -> str:
    return "none" if value in (None, "") else str(value)
