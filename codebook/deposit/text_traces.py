"""Whether texts of units still stand in a deposit that is to hold none: words in the same order, in any file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from codebook.deposit.deposit_layout import list_files
from codebook.deposit.leak_search import read_text_lines, tell_lines
from codebook.errors import Fault
from codebook.material.unit_store import iter_units
from codebook.scheme import Codebook, render_markdown

_N_WORDS, _STEP = 6, 6
"""So many words in a row are a trace; every so many words of a text one is looked for, so any dozen are found."""
_WORD = re.compile(r"\w+")


def find_texts(room: Path, units: Path, book: Codebook) -> Iterator[Fault]:
    """Yield each place of a deposit where six words of a unit stand in a row that are not the codebook's own."""
    traces = {trace for unit, _ in iter_units(units) for text in _texts_of(unit) for trace in _pieces(text, _STEP)}
    traces -= set(_pieces(render_markdown(book).replace("\\", ""), 1))
    for place, path in list_files(room) if traces else ():
        lines = (number for number, line in read_text_lines(path) if not traces.isdisjoint(_pieces(line, 1)))
        mend = "take it out of the study, or deposit with --texts include"
        yield from tell_lines(place, lines, "words of a unit's text stand there (they are not shown)", mend)


def _texts_of(unit: object) -> Iterator[str]:
    yield getattr(unit, "text", "")
    yield from getattr(unit, "context", {}).values()


def _pieces(text: str, step: int) -> Iterator[int]:
    """Every so many words of a text a run of them, as a number."""
    words = _WORD.findall(text.casefold().replace("\\n", " "))
    for at in range(0, len(words) - _N_WORDS + 1, step):
        yield hash(tuple(words[at : at + _N_WORDS]))
