"""From lines to text: words cut at a line's end are joined, lost spaces put back, running heads left out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from codebook.engines.embedded.pages.layout import Layout
from codebook.engines.embedded.pages.page_columns import Piece
from codebook.engines.embedded.pages.tables import Row

MARGIN_LINES = 2
"""So many lines at the top and at the foot of a page can be running heads."""

_LOST_SPACE = re.compile(r"(?<=[^\W\d_]{2})[,;:](?=[^\W\d_])|(?<=[a-z]{2})[.!?](?=[A-Z][a-z])")
_PAGE_NUMBER = re.compile(
    r"\W*(?:p(?:age|\.)?\s*)?(?:\d{1,4}|[ivxlc]{1,7})(?:\s*(?:/|of)\s*\d{1,4})?\W*", re.IGNORECASE
)
_CUT_WORD = re.compile(r"(\w*[^\W\d_])-$")
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")


def restore_spaces(text: str) -> str:
    """Put back the space that optical reading loses after a mark between two words; figures are left alone.

    Examples
    --------
    >>> restore_spaces("about to provide.You will,if 6,979 at 10:30, e.g. U.S. law")
    'about to provide. You will, if 6,979 at 10:30, e.g. U.S. law'
    """
    return _LOST_SPACE.sub(lambda mark: f"{mark[0]} ", text)


def drop_margins(pages: Sequence[Sequence[Piece]]) -> list[list[Piece]]:
    """Leave out page numbers and running heads.

    Left out is a line among the `MARGIN_LINES` uppermost or lowest of a page that is a page number and nothing else;
    or, among these, one that two or more pages have at the same edge, whatever its digits.

    Examples
    --------
    >>> pages = [[Piece("Messages", 0, 0, 9, 9), Piece(text, 0, 20, 9, 29), Piece("7", 0, 99, 9, 108)] for text in "ab"]
    >>> [[piece.text for piece in page] for page in drop_margins(pages)]
    [['a'], ['b']]
    """
    edges = [_edges(page) for page in pages]
    seen = Counter(key for page in edges for key in {(edge, _bare(line)) for edge, line in page})
    body = []
    for page, margins in zip(pages, edges, strict=True):
        heads = {id(piece) for edge, line in margins if seen[edge, _bare(line)] > 1 for piece in line}
        numbers = {id(piece) for _, line in margins if _PAGE_NUMBER.fullmatch(_text(line)) for piece in line}
        body.append([piece for piece in page if id(piece) not in heads | numbers])
    return body


def _edges(page: Sequence[Piece]) -> list[tuple[str, list[Piece]]]:
    """The lines at the top and at the foot of a page that has more than these."""
    lines: list[list[Piece]] = []
    for piece in sorted(page, key=lambda piece: piece.middle):
        if lines and piece.middle - lines[-1][0].middle < (piece.y1 - piece.y0) / 2:
            lines[-1].append(piece)
        else:
            lines.append([piece])
    if len(lines) <= MARGIN_LINES:
        return []
    top, foot = lines[:MARGIN_LINES], lines[-MARGIN_LINES:]
    return [*(("top", line) for line in top), *(("foot", line) for line in foot)]


def _text(line: Iterable[Piece]) -> str:
    return " ".join(piece.text for piece in sorted(line, key=lambda piece: piece.x0))


def _bare(line: Iterable[Piece]) -> str:
    return re.sub(r"\d+", "#", _text(line)).casefold()


def write_text(layout: Layout, vocabulary: frozenset[str] = frozenset()) -> str:
    """Write a page's blocks as text: a paragraph a line, a row a line with tabs, a blank line between blocks."""
    return "\n\n".join(
        "\n".join("\t".join(row.cells) for row in block if isinstance(row, Row))
        or join_words([line.text for line in block if isinstance(line, Piece)], vocabulary)
        for block in layout.blocks
    )


def join_words(lines: Sequence[str], vocabulary: frozenset[str] = frozenset()) -> str:
    """Join the lines of a paragraph, and words that a hyphen cuts at a line's end.

    The hyphen goes where the next line goes on with a small letter, unless the word is written with it elsewhere
    (`vocabulary`). A dash or two hyphens stay.

    Examples
    --------
    >>> join_words(["The consti-", "tution of a well-", "digested plan"], frozenset({"well-digested"}))
    'The constitution of a well-digested plan'
    """
    text = ""
    for line in map(str.strip, lines):
        cut, goes_on = _CUT_WORD.search(text), _WORD.match(line)
        if cut is None or goes_on is None or not line[0].islower():
            text = f"{text} {line}" if text else line
        elif f"{cut[1]}-{goes_on[0]}".casefold() in vocabulary:
            text += line
        else:
            text = text[:-1] + line
    return text


def hyphenated(texts: Iterable[str]) -> frozenset[str]:
    """Return the words of some lines that are written with a hyphen inside."""
    return frozenset(word.casefold() for text in texts for word in _WORD.findall(text) if "-" in word)
