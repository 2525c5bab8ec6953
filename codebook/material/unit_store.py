"""`units.jsonl` of a run: every unit, asked or not, as JSON lines.

The members of a group are found by their places, the pages of a document by their numbers. A pack is one unit that
stands for several texts to be embedded: its id tells how many, its text is their JSON list. Texts that have their
vector already stand there too, in packs that are not asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
from msgspec import MsgspecError, Struct
from msgspec.json import Decoder

from codebook.errors import RecordError
from codebook.files.lines import digest, load_line, number_lines, write_lines
from codebook.ground.quantities import say_count
from codebook.records import Unit, UnitFile


def find_member(members: Sequence[tuple[str, int]], place: int) -> str:
    """Return the id of the member in whose text a place lies; "" where there is no member, or no place.

    Examples
    --------
    >>> find_member([("7", 0), ("9", 6)], 5), find_member([("7", 0), ("9", 6)], 6), find_member([], 3)
    ('7', '9', '')
    """
    if place < 0:
        return ""
    return next((name for name, start in reversed(members) if start <= place), "")


def page_numbers(unit: Unit) -> range | None:
    """Return the numbers that the pages of a unit should have, or None where its files do not tell.

    A PDF tells by `first` and `last` of its `ask`; images count from 1.

    Examples
    --------
    >>> from codebook.records import UnitFile
    >>> page_numbers(Unit("a", "", files=(UnitFile("a.pdf", "pdf", ask={"first": 51, "last": 60}),)))
    range(51, 61)
    """
    pdfs = [file for file in unit.files if file.kind == "pdf"]
    if not pdfs:
        return range(1, len(unit.files) + 1) if unit.files else None
    ask = pdfs[0].ask
    if len(unit.files) > 1 or "last" not in ask:
        return None
    return range(int(ask.get("first", 1)), int(ask["last"]) + 1)


PACK = "pack-"
"""How the ids of packs begin. The number of texts follows, by which a reply with too few vectors is known."""
PACK_TEXTS = 64
"""Texts of a pack. A service takes 2,048 a request; but what is lost or cut short is asked again as a whole, a reply
is held in memory, and the price is by the token. Every engine gets the same packs, so that one's answers serve another.
"""
_PACK_ID = re.compile(rf"{PACK}(\d+)-[0-9a-f]{{16}}")
N_TEXTS_SQL = (
    f"CASE WHEN unit_id GLOB '{PACK}[0-9]*-{'[0-9a-f]' * 16}' "
    f"THEN CAST(substr(unit_id, {len(PACK) + 1}) AS INTEGER) ELSE 1 END"
)
"""`count_texts` for a column `unit_id` of a database."""
THERE = "embedded before, of "
"""How the skip of a pack begins whose texts have their vector already; how many numbers a vector has follows."""
THERE_SQL = f"rows.skip LIKE '{THERE}%'"
"""`is_there` for a row of a database."""


def is_there(skip: str | None) -> bool:
    """Whether a unit is not asked since its texts have their vector already.

    Examples
    --------
    >>> is_there(f"{THERE}896"), is_there("the text is empty"), is_there(None)
    (True, False, False)
    """
    return bool(skip and skip.startswith(THERE))


def make_pack(texts: Sequence[str]) -> Unit:
    """Return the unit that stands for texts: its id is made of them, its text is their JSON list."""
    return Unit(f"{PACK}{len(texts)}-{digest(*texts)[:16]}", orjson.dumps(list(texts)).decode())


def texts_of(unit: Unit) -> list[str]:
    """Return the texts of a pack; a unit that is no pack is a text by itself."""
    texts: Any = orjson.loads(unit.text) if unit.unit_id.startswith(PACK) else [unit.text]
    return list(texts)


def count_texts(unit_id: str) -> int:
    """Return how many texts a unit stands for: those of a pack, else one.

    Examples
    --------
    >>> count_texts("pack-64-6a5196c1bf19b7c6"), count_texts("pack-2"), count_texts("7")
    (64, 1, 1)
    """
    match = _PACK_ID.fullmatch(unit_id)
    return int(match[1]) if match else 1


def say_there(unit_id: str, skip: str) -> str:
    """Say what vectors a pack has whose texts have theirs already, as the label of one that was asked does.

    Examples
    --------
    >>> say_there("pack-64-6a5196c1bf19b7c6", f"{THERE}896")
    '64 vectors of 896'
    """
    return f"{say_count(count_texts(unit_id), 'vector')} of {skip.removeprefix(THERE)}"


def write_units(path: Path, units: Iterable[tuple[Unit, str | None]]) -> None:
    """Write `(unit, skip)` pairs as JSON lines, all or nothing, as a stream.

    Examples
    --------
    >>> path = Path("units.jsonl")
    >>> write_units(path, [(Unit("7", "Coal is cheap.", {"speaker": "A"}), None), (Unit("9", ""), "the text is empty")])
    >>> print(path.read_text().splitlines()[1])
    {"unit_id":"9","text":"","context":{},"skip":"the text is empty"}
    >>> [skip for unit, skip in iter_units(path)]
    [None, 'the text is empty']
    """
    write_lines(path, (_to_line(unit, skip) for unit, skip in units))


def _to_line(unit: Unit, skip: str | None) -> dict[str, Any]:
    """A unit as it is kept; files, members and a loss stand there only where it has some."""
    line: dict[str, Any] = {"unit_id": unit.unit_id, "text": unit.text, "context": dict(unit.context)}
    if unit.files:
        line["files"] = [file._asdict() | {"ask": dict(file.ask)} for file in unit.files]
    if unit.members:
        line["members"] = unit.members
    if unit.loss:
        line["loss"] = unit.loss
    line["skip"] = skip
    return line


def iter_units(path: Path) -> Iterator[tuple[Unit, str | None]]:
    """Yield the `(unit, skip)` pairs that `write_units` wrote.

    Raises
    ------
    RecordError
        A line is damaged; the message names it.
    """
    for number, _, raw in number_lines(path):
        try:
            usual = _read_usual(raw)
        except MsgspecError:
            yield _read_other(raw, f"{path.name}, line {number}")
        else:
            yield Unit(usual.unit_id, usual.text, usual.context), usual.skip


class _UsualLine(Struct, forbid_unknown_fields=True, gc=False):
    """A line without any of the fields that only some units have."""

    unit_id: str
    text: str
    context: dict[str, str]
    skip: str | None


_read_usual = Decoder(_UsualLine).decode


def _read_other(raw: bytes, where: str) -> tuple[Unit, str | None]:
    value = load_line(raw, where)
    try:
        return read_unit(value), value["skip"]
    except KeyError as error:
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
    return not source.get("file") or any(source.get(name) for name in ("limit", "where", "query", "left_out", "drawn"))


def read_unit(line: Mapping[str, Any]) -> Unit:
    """Return the unit that a line of `units.jsonl` holds."""
    files = tuple(UnitFile(**file) for file in line.get("files", ()))
    members = tuple((name, place) for name, place in line.get("members", ()))
    return Unit(line["unit_id"], line["text"], line["context"], files, members, line.get("loss", ""))
