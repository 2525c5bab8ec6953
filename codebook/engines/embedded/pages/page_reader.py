"""Pages of a PDF, or a page's photograph, as text: the text layer where there is one, else optical reading.

What is printed is given back in reading order, paragraph by paragraph, without page numbers and running heads. The
order of columns is our own (`layout`). An installed Tesseract is asked of pages in other alphabets only.
Words cut at a line's end are joined, lost spaces put back, running heads left out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any
from unicodedata import category

import numpy as np
import orjson

from codebook.dialects import Prompt
from codebook.engines.embedded.pages.layout import Layout, Piece, Row, lay_out
from codebook.engines.embedded.pages.ocr import Pixels, load_ocr
from codebook.engines.embedded.pages.redactions import cut_box, find_hidden
from codebook.engines.embedded.pages.tesseract import read_foreign
from codebook.engines.embedded.request_reader import UnreadableError
from codebook.files.pdfs import PDFIUM, REDACTED, PdfError, count_pages, draw_page, open_pdf, read_fields
from codebook.files.pictures import PictureError, open_picture
from codebook.records import FilePart

if TYPE_CHECKING:
    from PIL.Image import Image
    from pypdfium2 import PdfDocument, PdfPage

MARGIN_LINES = 2
"""So many lines at the top and at the foot of a page can be running heads."""

_LOST_SPACE = re.compile(r"(?<=[^\W\d_]{2})[,;:](?=[^\W\d_])|(?<=[a-z]{2})[.!?](?=[A-Z][a-z])")
_PAGE_NUMBER = re.compile(
    r"\W*(?:p(?:age|\.)?\s*)?(?:\d{1,4}|[ivxlc]{1,7})(?:\s*(?:/|of)\s*\d{1,4})?\W*", re.IGNORECASE
)
_CUT_WORD = re.compile(r"(\w*[^\W\d_])-$")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
NAMELESS = "\ufffd"
"""In the place of a sign of which a PDF does not say what it is."""
_NO_WRITING = ("So", "Co", "Cn")
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
    """Write a page's blocks as text: a paragraph per line, a row per line with tabs, a blank line between blocks."""
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


FEW_CHARACTERS = 20
"""A page whose text layer has fewer characters is read optically."""
DPI = 200
"""Dots an inch at which a page is drawn to be read."""
MAX_SIDE = 4_000
"""Longest side, in pixels, of an image that is read."""

_FIRST = re.compile(r"[^\n]*\b(?:Number them from|Its number is) (\d+)")


@dataclass(frozen=True, slots=True)
class Page:
    """A page as read.

    `text` has paragraphs parted by blank lines and rows of tables with tabs; `unsure` are words whose reading is in
    doubt; `tables` are rows of cells; `source` is "text layer", "ocr", "tesseract" or "blank"; `turned` is by how many
    degrees the page lay turned.
    """

    number: int
    text: str
    unsure: tuple[str, ...] = ()
    tables: tuple[tuple[tuple[str, ...], ...], ...] = ()
    source: str = "text layer"
    turned: int = 0
    n_columns: int = 1


@dataclass(frozen=True, slots=True)
class _Found:
    """The pieces of a page before its margins are dropped."""

    pieces: Sequence[Piece]
    source: str
    turned: int = 0


def read_pages(files: Sequence[FilePart], first: int = 1) -> list[Page]:
    """Read the pages of PDFs and of photographs or scans (what pillow opens), in their order.

    Parameters
    ----------
    first
        Number of the first page.

    Raises
    ------
    UnreadableError
        A file is no PDF that opens without a password and no image, or it stands elsewhere.
    MissingExtraError
        A package of the extra `pages` is not installed.
    """
    return _finish([page for part in files for page in _find_in_part(part)], first)


OTHER_READER = "tesseract"


def transcribe_pages(prompt: Prompt, encode: object = None) -> tuple[str, str]:
    """Answer a request for the pages of its files, as JSON in the form of its schema. Nothing is encoded.

    Behind the answer stands who gave it beside the reader's own models: `OTHER_READER`, or nobody.

    Raises
    ------
    UnreadableError
        The schema asks for more than page, text, unsure words and tables, or a file cannot be read here.
    """
    fields = check_question(prompt)
    pages = read_pages(prompt.files, _first_number(prompt.user))
    entries = ({"page": page.number, "text": page.text, "unsure": page.unsure, "tables": page.tables} for page in pages)
    reply = orjson.dumps({"pages": [{name: page[name] for name in fields} for page in entries]}).decode()
    return reply, OTHER_READER if any(page.source == OTHER_READER for page in pages) else ""


def check_question(prompt: Prompt) -> list[str]:
    """Return what a prompt asks of a page, in the order of its schema.

    Raises
    ------
    UnreadableError
        It holds no file, or asks for more than is read.
    """
    if not prompt.files:
        raise UnreadableError("the request holds no file whose pages could be read")
    return _find_fields(prompt.schema)


def _find_fields(schema: Mapping[str, Any]) -> list[str]:
    if foreign := sorted(set(schema["properties"]) - {"pages"}):
        raise UnreadableError(f"the schema asks for {foreign[0]!r} beside the pages: the pages' text is read, no more")
    try:
        fields = list(schema["properties"]["pages"]["items"]["properties"])
    except (KeyError, TypeError):
        raise UnreadableError("the schema does not say what is asked of a page") from None
    if foreign := sorted(set(fields) - {"page", "text", "unsure", "tables"}):
        raise UnreadableError(f"the schema asks for {foreign[0]!r} of a page: text, unsure words and tables are read")
    return fields


def _first_number(message: str) -> int:
    """The number of the first page, which the message tells after its context; else 1."""
    _, _, rest = message.rpartition("\n</context>\n")
    number = _FIRST.match(rest)
    return int(number[1]) if number else 1


def _find_in_part(part: FilePart) -> list[_Found]:
    if not part.data:
        raise UnreadableError(f"a file stands at an address ({part.url}), and this engine fetches nothing")
    return [_read_raster(_open_image(part.data))] if part.kind == "image" else _find_in_pdf(part.data)


def _find_in_pdf(data: bytes) -> list[_Found]:
    try:
        with open_pdf(data) as document:
            return [_read_page(document, number) for number in range(1, count_pages(document) + 1)]
    except PdfError as error:
        raise UnreadableError(str(error)) from None


def _open_image(data: bytes) -> Pixels:
    """Pixels in BGR, upright as the camera held it, at most `MAX_SIDE` long."""
    try:
        image = open_picture(data)
    except PictureError as error:
        raise UnreadableError(f"the page's image cannot be read: {error}") from None
    image.thumbnail((MAX_SIDE, MAX_SIDE))
    return _as_pixels(image)


def _as_pixels(image: Image) -> Pixels:
    return np.ascontiguousarray(np.asarray(image)[:, :, ::-1])


def _read_page(document: PdfDocument, number: int) -> _Found:
    """The text layer of a page, or what is read from its picture."""
    with PDFIUM, closing(document[number - 1]) as page:
        fields = read_fields(document, page)
        pieces = [*_text_layer(page), *(Piece(text, *_turn_box(box, page.get_rotation())) for text, box in fields)]
        if sum(len(piece.text) for piece in pieces) >= FEW_CHARACTERS:
            return _Found(pieces, "text layer")
        image = draw_page(page, DPI, MAX_SIDE)
    read = _read_raster(_as_pixels(image))
    return read if read.pieces or not pieces else _Found(pieces, "text layer")


def _text_layer(page: PdfPage) -> Iterator[Piece]:
    """The runs of text of a page's text layer, as the page is shown, and a mark for what is blacked out.

    A hyphen that cuts a word is U+FFFE in PDFium.
    """
    rotation = page.get_rotation()
    with closing(page.get_textpage()) as layer:
        runs = [layer.get_rect(place) for place in range(layer.count_rects())]
        hidden = find_hidden(page, layer, runs)
        for box in [part for run in runs for part in cut_box(run, hidden)]:
            if text := " ".join(mark_nameless(layer.get_text_bounded(*box).replace("\ufffe", "-")).split()):
                yield Piece(text, *_turn_box(box, rotation), find_unnamed(text))
    for box in hidden:
        yield Piece(REDACTED, *_turn_box(box, rotation), (REDACTED,))


def mark_nameless(text: str) -> str:
    """Put U+FFFD in the place of each sign of which the PDF does not say what it is, such as the "fi" of some fonts.

    Such a sign comes as a control character, and would be lost as a space.

    Examples
    --------
    >>> mark_nameless("the \x1crst o\x1ece").replace("\ufffd", "?")
    'the ?rst o?ce'
    """
    return _CONTROL.sub(NAMELESS, text)


def find_unnamed(text: str) -> tuple[str, ...]:
    """Words with a sign that has no name, or of signs that are no writing, as a font of symbols gives them.

    Examples
    --------
    >>> find_unnamed("■ Yes ☒ ✤❅❁❒ ok")
    ('✤❅❁❒',)
    """
    return tuple(
        word
        for word in text.split()
        if NAMELESS in word or (len(word) > 1 and all(category(sign) in _NO_WRITING for sign in word))
    )


def _turn_box(box: tuple[float, float, float, float], rotation: int) -> tuple[float, float, float, float]:
    """Left, upper, right, lower edge of a box (left, bottom, right, top; upwards) on a page shown turned clockwise.

    Places are relative to one another only: where the page begins does not matter.
    """
    left, bottom, right, top = box
    match rotation:
        case 90:
            return bottom, left, top, right
        case 180:
            return -right, bottom, -left, top
        case 270:
            return -top, -right, -bottom, -left
    return left, -top, right, -bottom


def _read_raster(image: Pixels) -> _Found:
    """A page by the reader's own models; by Tesseract where it is in letters that these do not know."""
    pieces, turned, foreign = load_ocr().read(image)
    if foreign and (lines := read_foreign(_as_png(image))):
        return _Found([*lines, *(piece for piece in pieces if piece.text == REDACTED)], OTHER_READER)
    spaced = [
        piece._replace(text=restore_spaces(piece.text), unsure=tuple(restore_spaces(" ".join(piece.unsure)).split()))
        for piece in pieces
    ]
    return _Found(spaced, "ocr" if spaced else "blank", turned)


def _as_png(image: Pixels) -> bytes:
    from PIL import Image

    room = BytesIO()
    Image.fromarray(image[:, :, ::-1]).save(room, "PNG")
    return room.getvalue()


def _finish(pages: Sequence[_Found], first: int) -> list[Page]:
    """Pages out of their pieces; heads and hyphens are judged by all the pages that were asked for together."""
    vocabulary = hyphenated(piece.text for page in pages for piece in page.pieces)
    layouts = map(lay_out, drop_margins([page.pieces for page in pages]))
    return [
        Page(
            number,
            write_text(layout, vocabulary),
            _unsure(layout),
            layout.tables,
            page.source,
            page.turned,
            layout.n_columns,
        )
        for number, (page, layout) in enumerate(zip(pages, layouts, strict=True), start=first)
    ]


def _unsure(layout: Layout) -> tuple[str, ...]:
    """Doubtful words in reading order, each once."""
    lines = (line.line if isinstance(line, Row) else line for block in layout.blocks for line in block)
    return tuple(dict.fromkeys(word for line in lines for word in line.unsure))
