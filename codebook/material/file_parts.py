"""The files of a unit made ready to be sent: images and PDFs, read anew at each pass, never held."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO
from typing import TYPE_CHECKING

from codebook.errors import Fault, UnitsError
from codebook.files.lines import digest_file
from codebook.files.pdfs import PDFIUM, PdfError, count_pages, cut_pages, draw_page, open_pdf
from codebook.ground.quantities import say_count
from codebook.material.images import is_address, prepare_image
from codebook.paths import missing_file, resolve_path
from codebook.records import FilePart, UnitFile

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument

MAX_SIDE = 4_000
"""Longest side, in pixels, of a page that is sent as an image."""
QUALITY = 90


def load_parts(files: Iterable[UnitFile]) -> tuple[FilePart, ...]:
    """Read the files of a unit and make them ready as their `ask` says; an address is passed on as it is."""
    return tuple(part for file in files for part in _load(file))


def _load(file: UnitFile) -> tuple[FilePart, ...]:
    if file.kind == "image":
        return (prepare_image(file),)
    return prepare_pdf(file)


def prepare_pdf(file: UnitFile) -> tuple[FilePart, ...]:
    """Make a PDF ready to be sent, as its `ask` says; an address is passed on as it is.

    As "file" it is one part: the file itself, or the pages `first` to `last` cut out. As "images" each page is a JPEG
    of quality 90 at `dpi`. Equal files give equal bytes as long as PDFium and Pillow stay the same. Names of files are
    not sent.
    """
    if is_address(file.path):
        return (FilePart("pdf", "", "application/pdf", url=file.path),)
    path = resolve_path(file.path)
    try:
        if file.sha256 and digest_file(path) != file.sha256:
            raise PdfError("the file has changed since the run was planned")
        with open_pdf(path) as document:
            n_pages = count_pages(document)
            first, last = int(file.ask.get("first", 1)), int(file.ask.get("last", n_pages))
            if not 1 <= first <= last <= n_pages:
                raise PdfError(f"it has {say_count(n_pages, 'page')}, but pages {first} to {last} are wanted")
            if file.ask.get("as") == "images":
                return tuple(
                    _draw(document, number, int(file.ask.get("dpi", 150))) for number in range(first, last + 1)
                )
            data = path.read_bytes() if (first, last) == (1, n_pages) else cut_pages(document, first, last)
    except PdfError as error:
        mend = "put the file back as it was, or plan a new run"
        raise UnitsError("A PDF cannot be sent.", [Fault(file.path, str(error), mend)]) from None
    except FileNotFoundError:
        raise UnitsError("A PDF no longer exists.", [missing_file(path)]) from None
    return (FilePart("pdf", "document.pdf", "application/pdf", data),)


def _draw(document: PdfDocument, number: int, dpi: int) -> FilePart:
    """A page as a JPEG."""
    room = BytesIO()
    with PDFIUM:
        page = document[number - 1]
        try:
            draw_page(page, dpi, MAX_SIDE).save(room, "JPEG", quality=QUALITY)
        finally:
            page.close()
    return FilePart("image", f"page-{number}.jpg", "image/jpeg", room.getvalue(), detail="high")
