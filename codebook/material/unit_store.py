"""`units.jsonl` of a run: every unit, asked or not, as JSON lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from codebook.errors import RecordError
from codebook.files.lines import read_lines, write_lines
from codebook.records import Unit, UnitFile


def write_units(path: Path, units: Iterable[tuple[Unit, str | None]]) -> None:
    """Write `(unit, skip)` pairs as JSON lines, all or nothing, as a stream.

    Examples
    --------
    >>> import tempfile; folder = tempfile.TemporaryDirectory(); path = Path(folder.name) / "units.jsonl"
    >>> write_units(path, [(Unit("7", "Coal is cheap.", {"speaker": "A"}), None), (Unit("9", ""), "the text is empty")])
    >>> print(path.read_text().splitlines()[1])
    {"unit_id":"9","text":"","context":{},"skip":"the text is empty"}
    >>> [skip for unit, skip in iter_units(path)]
    [None, 'the text is empty']
    >>> folder.cleanup()
    """
    write_lines(
        path,
        (_to_line(unit) | {"skip": skip} for unit, skip in units),
    )


def _to_line(unit: Unit) -> dict[str, Any]:
    """A unit as it is kept; files and members stand there only where it has some."""
    line: dict[str, Any] = {"unit_id": unit.unit_id, "text": unit.text, "context": dict(unit.context)}
    if unit.files:
        line["files"] = [file._asdict() | {"ask": dict(file.ask)} for file in unit.files]
    if unit.members:
        line["members"] = unit.members
    return line


def iter_units(path: Path) -> Iterator[tuple[Unit, str | None]]:
    """Yield the `(unit, skip)` pairs that `write_units` wrote.

    Raises
    ------
    RecordError
        A line is damaged; the message names it.
    """
    for number, value in enumerate(read_lines(path), start=1):
        try:
            yield _from_line(value), value["skip"]
        except KeyError as error:
            where = f"{path.name}, line {number}"
            raise RecordError(f"{where}: no {error.args[0]!r}. The file is damaged; plan the run again.") from None


def is_part(about: Mapping[str, Any]) -> bool:
    """Whether the units of a run, as `run.json` tells of them, may have been chosen out of more.

    Units that were given as a list may be: nothing is known of where they come from.

    Examples
    --------
    >>> is_part({"source": {"file": "texts.csv", "where": {}, "limit": 20}}), is_part({"source": {"file": "texts.csv"}})
    (True, False)
    """
    source = about.get("source", {})
    return not source.get("file") or any(source.get(name) for name in ("limit", "where", "left_out"))


def _from_line(line: Mapping[str, Any]) -> Unit:
    files = tuple(UnitFile(**file) for file in line.get("files", ()))
    members = tuple((name, place) for name, place in line.get("members", ()))
    return Unit(line["unit_id"], line["text"], line["context"], files, members)
