"""Open a PDF from its bytes or its path, or say why not; count, cut out and draw its pages.

Who sends PDFs and who answers about them both open them here. PDFium is not made for several threads: all calls to it
are made with `PDFIUM` held.
"""

from __future__ import annotations

import ctypes
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codebook.errors import CodebookError, MissingExtraError

if TYPE_CHECKING:
    from PIL.Image import Image
    from pypdfium2 import PdfDocument, PdfPage

PDFIUM = threading.RLock()

REDACTED = "[redacted]"
"""Stands in a text for words that are blacked out on the page."""

_HEAD = 1_024
_DATE = re.compile(rb"(?<=/CreationDate\(D:)\d{14}[^)]{0,7}(?=\))")
_ID = re.compile(rb"(?<=/ID\[<)[0-9A-F]{32}><[0-9A-F]{32}(?=>\])")


class PdfError(CodebookError):
    """The bytes are no PDF that can be used; the message is the reason, in words for a table."""


@contextmanager
def open_pdf(source: bytes | Path) -> Iterator[PdfDocument]:
    """Open a PDF while the block runs. Calls on what is given are to be made with `PDFIUM` held.

    Raises
    ------
    PdfError
        The file is empty, no PDF, encrypted, damaged, or has no pages.
    MissingExtraError
        pypdfium2 is not installed.
    """
    try:
        import pypdfium2
    except ImportError:
        raise MissingExtraError("Reading a PDF", "files") from None
    if problem := _look_at(source):
        raise PdfError(problem)
    with PDFIUM:
        try:
            document = pypdfium2.PdfDocument(source)
        except pypdfium2.PdfiumError:
            raise PdfError(_find_reason(source)) from None
        document.init_forms()  # else what was filled in is neither drawn nor read
    try:
        yield document
    finally:
        with PDFIUM:
            document.close()


def _look_at(source: bytes | Path) -> str:
    """What is wrong with a file that does not begin as a PDF does."""
    if isinstance(source, bytes):
        head = source[:_HEAD]
    else:
        with source.open("rb") as file:
            head = file.read(_HEAD)
    if not head:
        return "the file is empty"
    return "" if b"%PDF-" in head else "the file is not a PDF"


def _find_reason(source: bytes | Path) -> str:
    """Why PDFium does not open a file; it is asked again, since its wrapper hides a document without pages."""
    import pypdfium2.raw as pdfium

    data = source if isinstance(source, bytes) else source.read_bytes()
    if opened := pdfium.FPDF_LoadMemDocument64(data, len(data), None):
        pdfium.FPDF_CloseDocument(opened)
        return "the PDF has no pages"
    if pdfium.FPDF_GetLastError() in (pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY):
        return "the PDF is encrypted and needs a password"
    return "the PDF is damaged"


def count_pages(document: PdfDocument) -> int:
    """Return how many pages there are, after each was looked at.

    Raises
    ------
    PdfError
        A page cannot be found in the file.
    """
    import pypdfium2

    with PDFIUM:
        n_pages = len(document)
        try:
            for place in range(n_pages):
                document.get_page_size(place)
        except pypdfium2.PdfiumError:
            raise PdfError(f"the PDF is damaged at page {place + 1}") from None
    return n_pages


def read_page_texts(source: bytes | Path) -> list[str]:
    """Return the words that each page of a PDF holds as text; of a scan, none.

    Raises
    ------
    PdfError
        It cannot be used.
    MissingExtraError
        pypdfium2 is not installed.
    """
    texts = []
    with open_pdf(source) as document, PDFIUM:
        for number in range(len(document)):
            with closing(document[number]) as page, closing(page.get_textpage()) as words:
                fields = [text for text, _ in read_fields(document, page)]
                texts.append("\n".join([str(words.get_text_bounded()), *fields]).strip())
    return texts


def read_fields(document: PdfDocument, page: PdfPage) -> list[tuple[str, tuple[float, float, float, float]]]:
    """Return what was filled into the form fields of a page, and written on it as notes, each with its place.

    A box that is ticked is "☒", one that is not "☐". Places are left, bottom, right, top, in points.
    """
    import pypdfium2.raw as pdfium

    fields = []
    with PDFIUM:
        for place in range(pdfium.FPDFPage_GetAnnotCount(page)):
            note, edges = pdfium.FPDFPage_GetAnnot(page, place), pdfium.FS_RECTF()
            text = _read_note(document, note)
            if text and pdfium.FPDFAnnot_GetRect(note, edges):
                fields.append((text, (edges.left, edges.bottom, edges.right, edges.top)))
            pdfium.FPDFPage_CloseAnnot(note)
    return fields


def _read_note(document: PdfDocument, note: Any) -> str:
    """The value of a form field, or the text of a note that is shown on the page; empty for others."""
    import pypdfium2.raw as pdfium

    if pdfium.FPDFAnnot_GetSubtype(note) == pdfium.FPDF_ANNOT_FREETEXT:
        return _read_wide(lambda room, size: pdfium.FPDFAnnot_GetStringValue(note, b"Contents", room, size))
    if pdfium.FPDFAnnot_GetSubtype(note) != pdfium.FPDF_ANNOT_WIDGET or document.formenv is None:
        return ""
    kind = pdfium.FPDFAnnot_GetFormFieldType(document.formenv, note)
    if kind in (pdfium.FPDF_FORMFIELD_CHECKBOX, pdfium.FPDF_FORMFIELD_RADIOBUTTON):
        return "☒" if pdfium.FPDFAnnot_IsChecked(document.formenv, note) else "☐"
    if kind in (pdfium.FPDF_FORMFIELD_TEXTFIELD, pdfium.FPDF_FORMFIELD_COMBOBOX, pdfium.FPDF_FORMFIELD_LISTBOX):
        form = document.formenv
        return _read_wide(lambda room, size: pdfium.FPDFAnnot_GetFormFieldValue(form, note, room, size))
    return ""


def _read_wide(read: Callable[[Any, int], int]) -> str:
    """A text that PDFium writes in UTF-16 with a zero at its end."""
    size = read(None, 0)
    room = (ctypes.c_ushort * (size // 2 + 1))()
    read(room, size)
    return bytes(room).decode("utf-16-le", "replace").rstrip("\0").strip()


def cut_pages(document: PdfDocument, first: int, last: int) -> bytes:
    """Return the pages `first` to `last` (from 1) as a PDF of their own. The same pages give the same bytes.

    Raises
    ------
    PdfError
        A page is damaged.
    """
    import pypdfium2

    room = BytesIO()
    with PDFIUM, closing(pypdfium2.PdfDocument.new()) as cut:
        try:
            cut.import_pages(document, list(range(first - 1, last)))
            cut.save(room)
        except pypdfium2.PdfiumError:
            raise PdfError(f"the PDF is damaged between page {first} and page {last}") from None
    return _without_date(room.getvalue())


def _without_date(data: bytes) -> bytes:
    """A PDF in which the date of writing and the random id are noughts."""
    data = _DATE.sub(lambda match: b"0" * len(match[0]), data, count=1)
    tail = data.rfind(b"trailer")
    return data[:tail] + _ID.sub(b"0" * 32 + b"><" + b"0" * 32, data[tail:])


def draw_page(page: PdfPage, dpi: float, max_side: int) -> Image:
    """Draw a page at so many dots an inch, or fewer where its longer side would have more than `max_side` pixels."""
    with PDFIUM:
        scale = min(dpi / 72, max_side / max(page.get_size()))
        with closing(page.render(scale=scale)) as bitmap:
            drawn: Image = bitmap.to_pil().convert("RGB")
    return drawn


def to_page(page: PdfPage, size: tuple[int, int], x: float, y: float) -> tuple[float, float]:
    """Where a point of a page's picture lies on the page, in points from its lower left corner, as texts have it."""
    import pypdfium2.raw as pdfium

    left, bottom = ctypes.c_double(), ctypes.c_double()
    with PDFIUM:
        pdfium.FPDF_DeviceToPage(page, 0, 0, *size, 0, round(x), round(y), left, bottom)
    return left.value, bottom.value
