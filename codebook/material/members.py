"""The parts of a unit: the members of a group by their places, the pages of a document by their numbers."""

from __future__ import annotations

from collections.abc import Sequence

from codebook.records import Unit


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
