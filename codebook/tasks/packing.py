"""Texts to be embedded become packs: each different text once, some in a request, within what a service takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from codebook.files.lines import digest
from codebook.material.unit_store import PACK_TEXTS, THERE, is_there, make_pack, texts_of
from codebook.records import Unit

_N_AT_ONCE = 4_096
Pair = tuple[Unit, str | None]
Missing = Callable[[list[str]], list[str]]


@dataclass(frozen=True, slots=True)
class Room:
    """What fits: texts a request, tokens a request, tokens a text. `count` says how many tokens a text has.

    A token has at least one byte, so texts are counted only where their bytes are more than the tokens allowed.
    """

    n_texts: int = PACK_TEXTS
    n_tokens: int = 300_000
    n_tokens_a_text: int = 8_192
    count: Callable[[str], int] = len

    def measure(self, text: str) -> tuple[int, str | None]:
        """(room that a text takes, why it cannot be sent or None)."""
        n_bytes = len(text.encode())
        if n_bytes <= self.n_tokens_a_text:
            return n_bytes, None
        n_tokens = self.count(text)
        if n_tokens > self.n_tokens_a_text:
            return 0, f"the text has {n_tokens:,} tokens; a model embeds {self.n_tokens_a_text:,}, and it is never cut"
        return n_tokens, None


def pack_units(pairs: Iterable[Pair], missing: Missing, room: Room, dimensions: int = 0) -> Iterator[Pair]:
    """Yield packs of the units' texts that have no vector yet, and the units that are not asked as they are.

    Texts that have their vector come in packs of their own, which are not asked.

    Parameters
    ----------
    pairs
        Units, each with the reason why it is not asked or None.
    missing
        Returns those of some texts that have no vector yet.
    dimensions
        Of the vectors that are there.

    Examples
    --------
    >>> units = [(Unit("1", "coal"), None), (Unit("2", ""), "the text is empty"), (Unit("3", "coal"), None)]
    >>> for unit, skip in pack_units(units, list, Room()):
    ...     print(unit.unit_id, unit.text, skip)
    2  the text is empty
    pack-1-6a5196c1bf19b7c6 ["coal"] None
    """
    seen, texts, taken, there = set[bytes](), list[str](), 0, list[str]()
    for some in _iter_lists(pairs):
        fresh = dict[str, int]()
        for unit, skip in some:
            size, too_long = (0, skip) if skip else room.measure(unit.text)
            if too_long:
                yield unit, too_long
            elif (key := _key(unit.text)) not in seen:
                seen.add(key)
                fresh[unit.text] = size
        lacking = dict.fromkeys(missing(list(fresh)))
        there += [text for text in fresh if text not in lacking]
        for text in lacking:
            if texts and (len(texts) >= room.n_texts or taken + fresh[text] > room.n_tokens):
                yield make_pack(texts), None
                texts, taken = [], 0
            texts.append(text)
            taken += fresh[text]
    if texts:
        yield make_pack(texts), None
    for start in range(0, len(there), PACK_TEXTS):
        yield make_pack(there[start : start + PACK_TEXTS]), f"{THERE}{dimensions}"


def keep_packs(planned: Iterable[Pair], pairs: Iterable[Pair], missing: Missing, room: Room) -> bool:
    """Whether packs that were planned before are still those of these units: what they lack has its vector by now."""
    packed, skipped = set[bytes](), set[tuple[str, str]]()
    for unit, skip in planned:
        if skip and not is_there(skip):
            skipped.add((unit.unit_id, skip))
        else:
            packed.update(map(_key, texts_of(unit)))
    seen = set[bytes]()
    for some in _iter_lists(pairs):
        judged = [(unit, skip or room.measure(unit.text)[1]) for unit, skip in some]
        left = {(unit.unit_id, skip) for unit, skip in judged if skip}
        texts = {_key(unit.text): unit.text for unit, skip in judged if not skip}
        if not left <= skipped or missing([text for key, text in texts.items() if key not in packed]):
            return False
        seen |= packed & texts.keys()
        skipped -= left
    return seen == packed and not skipped


def _iter_lists(pairs: Iterable[Pair]) -> Iterator[list[Pair]]:
    """Yield some pairs at a time."""
    left = iter(pairs)
    while some := list(islice(left, _N_AT_ONCE)):
        yield some


def _key(text: str) -> bytes:
    return bytes.fromhex(digest(text)[:32])
