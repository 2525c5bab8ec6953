"""A pack: one unit that stands for several texts to be embedded. Its id tells how many, its text is their JSON list."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import orjson

from codebook.files.lines import digest
from codebook.records import Unit

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
