"""A document as a list of parts, which Word and LaTeX print alike: headings, paragraphs, tables and figures.

A text may hold blanks that a person fills: what stands in brackets and begins with "Say" is marked, so nobody overlooks
it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_BLANK = re.compile(r"\[(?:Say|Name|Choose|Give)\b[^\[\]]*\]")


@dataclass(frozen=True)
class Heading:
    """A heading; level 0 is the title of the whole."""

    text: str
    level: int = 1


@dataclass(frozen=True)
class Paragraph:
    """A paragraph, or an item of a list; `cites` are keys of the bibliography that stand at its end."""

    text: str
    is_item: bool = False
    cites: tuple[str, ...] = ()


@dataclass(frozen=True)
class TableBlock:
    """A table: printed rows (see `print_rows`), with title, note and finding."""

    name: str
    title: str
    printed: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""
    finding: str = ""


@dataclass(frozen=True)
class Picture:
    """A figure that was saved as PNG and PDF under one name, with its caption."""

    path: Path
    caption: str
    width_mm: float = 120.0


Part = Heading | Paragraph | TableBlock | Picture


def split_blanks(text: str) -> Iterator[tuple[str, bool]]:
    """Yield the pieces of a text, each with whether it is a blank for a person to fill.

    Examples
    --------
    >>> list(split_blanks("Coded [1] by two. [Say who they were.]"))
    [('Coded [1] by two. ', False), ('[Say who they were.]', True)]
    """
    at = 0
    for match in _BLANK.finditer(text):
        if match.start() > at:
            yield text[at : match.start()], False
        yield match[0], True
        at = match.end()
    if at < len(text):
        yield text[at:], False


def place_citation(part: Paragraph, citation: str) -> Iterator[tuple[str, bool | None]]:
    """Yield the pieces of a paragraph as `split_blanks`, and with None the citation, before the last full stop.

    Examples
    --------
    >>> part = Paragraph("Alpha is .8. [Say why.]", cites=("krippendorff2004",))
    >>> list(place_citation(part, "(2004)"))
    [('Alpha is .8', False), ('(2004)', None), ('. ', False), ('[Say why.]', True)]
    """
    pieces = list(split_blanks(part.text))
    told = [at for at, (piece, is_blank) in enumerate(pieces) if piece.strip() and not is_blank]
    last = max(told, default=-1) if part.cites else None
    for at, (piece, is_blank) in enumerate(pieces):
        if at != last:
            yield piece, is_blank
            continue
        words = piece.rstrip().removesuffix(".")
        yield words, False
        yield citation, None
        yield piece[len(words) :], False
    if last == -1:
        yield citation, None
