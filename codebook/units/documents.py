"""A folder of PDFs seen as units: one a document, or several where a document is over the limits of a request.

Every PDF stays a unit: one that is encrypted, damaged, empty or no PDF at all is kept with the reason, and not asked.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codebook.errors import Fault, UnitsError
from codebook.files.lines import digest_file
from codebook.files.pdfs import PdfError, count_pages, cut_pages, open_pdf
from codebook.ground.quantities import say_count
from codebook.paths import missing_file, resolve_path, show_path
from codebook.records import Unit, UnitFile
from codebook.units.any_source import Source
from codebook.units.traps import find_trap

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument

MAX_PAGES = 50
"""Pages of a request, where nothing else is asked: a reply of more is likely to be cut off."""
MAX_MB = 20.0
"""Megabytes of a PDF in a request, where nothing else is asked; base64 makes four thirds of it. OpenAI takes 50."""
_WAYS = ("file", "images")
_RANGE = re.compile(r"\s*(\d*)\s*(-?)\s*(\d*)\s*")


@dataclass(frozen=True)
class DocumentSource(Source):
    """The PDFs of a folder as units. Duplicate ids are found by `check_units`, which has to come first.

    Examples
    --------
    >>> _ = Path("letter.pdf").write_bytes(b"")
    >>> read_documents(".").pattern
    '**/*'
    """

    root: Path
    pattern: str
    first: int
    last: int | None
    way: str
    dpi: int
    max_pages: int
    max_mb: float
    where: tuple[str, ...] = ()

    @property
    def path(self) -> Path:
        """The folder, or the only file."""
        return self.root

    def describe(self) -> dict[str, Any]:
        """Folder, filter, pages and limits."""
        return {
            "file": show_path(self.root),
            "pattern": self.pattern,
            "where": list(self.where),
            "pages": [self.first, self.last],
            "as": self.way,
            "dpi": self.dpi,
            "max_pages": self.max_pages,
            "max_mb": self.max_mb,
        }

    def tell(self) -> list[str]:
        """How the documents are sent, and how many other files lie there."""
        form = "as PDF files" if self.way == "file" else f"as page images of {self.dpi} dpi"
        pages = (
            "all pages" if (self.first, self.last) == (1, None) else f"pages {self.first} to {self.last or 'the end'}"
        )
        others = sum(path.is_file() and path.suffix.lower() != ".pdf" for path in self._found())
        left = f"; {say_count(others, 'other file')} left out" if others else ""
        return [f"sent: {pages}, {form}, at most {self.max_pages} pages and {self.max_mb:g} MB per request{left}"]

    def with_skips(self) -> Iterator[tuple[Unit, str | None]]:
        """Yield `(unit, skip)`: `skip` says why a document is kept but not asked, or is None."""
        for path in self.files():
            try:
                yield from self._units(path)
            except (PdfError, OSError) as error:
                reason = str(error) if isinstance(error, PdfError) else f"the file cannot be read ({error.strerror})"
                yield Unit(path.stem, ""), reason

    def remarks(self) -> Iterator[tuple[str, str]]:
        """Yield what of the folder is never opened, and documents of one name: their pages would become one."""
        names = Counter(path.stem.casefold() for path in self.files())
        yield from (
            ("document of the same name", show_path(path)) for path in self.files() if names[path.stem.casefold()] > 1
        )
        for path in self._found():
            if path.suffix.lower() == ".pdf" and path != self.root and (trap := find_trap(path, self.root)):
                yield trap, show_path(path)

    def files(self) -> list[Path]:
        """The PDFs, by name, in order of their paths; those that are links out of the folder are left aside."""
        paths = [path for path in self._found() if path.suffix.lower() == ".pdf" and path.is_file()]
        paths = [path for path in paths if path == self.root or not find_trap(path, self.root)]
        return [path for path in paths if not self.where or any(fnmatchcase(path.stem, name) for name in self.where)]

    def _found(self) -> list[Path]:
        if self.root.is_file():
            return [self.root]
        return sorted(path for path in self.root.glob(self.pattern) if not path.name.startswith("."))

    def _units(self, path: Path) -> Iterator[tuple[Unit, str | None]]:
        """The units of one document."""
        with open_pdf(path) as document:
            n_pages = count_pages(document)
            last = min(self.last or n_pages, n_pages)
            if self.first > last:
                raise PdfError(f"the PDF has {say_count(n_pages, 'page')}, so there is no page {self.first}")
            spans = list(self._split(document, path, self.first, last, whole=(1, n_pages) == (self.first, last)))
        sha256, width = digest_file(path), max(3, len(str(n_pages)))
        for start, end in spans:
            part = f".p{start:0{width}}-{end:0{width}}" if len(spans) > 1 else ""
            ask = {"first": start, "last": end, "as": self.way} | ({"dpi": self.dpi} if self.way == "images" else {})
            yield Unit(path.stem + part, "", files=(UnitFile(show_path(path), "pdf", sha256, ask),)), None

    def _split(
        self, document: PdfDocument, path: Path, first: int, last: int, *, whole: bool = False
    ) -> Iterator[tuple[int, int]]:
        """Yield (first, last) of parts that keep the limits: cut after every `max_pages`, then in halves by size."""
        if last - first + 1 > self.max_pages:
            for start in range(first, last + 1, self.max_pages):
                yield from self._split(document, path, start, min(start + self.max_pages - 1, last))
        elif self.way == "images" or self._size(document, path, first, last, whole) <= self.max_mb * 1e6:
            yield first, last
        elif first == last:
            raise PdfError(f"page {first} alone has more than max_mb = {self.max_mb:g}")
        else:
            middle = (first + last) // 2
            yield from self._split(document, path, first, middle)
            yield from self._split(document, path, middle + 1, last)

    def _size(self, document: PdfDocument, path: Path, first: int, last: int, whole: bool) -> int:
        """Bytes of a part as it is sent. What is cut out of a small file is taken to be no larger than the file."""
        size = path.stat().st_size
        return size if whole or size <= self.max_mb * 1e6 else len(cut_pages(document, first, last))


def read_documents(
    path: str | Path,
    *,
    pages: str = "",
    as_: str = "file",
    dpi: int = 150,
    max_pages: int = MAX_PAGES,
    max_mb: float = MAX_MB,
    where: str | Sequence[str] = (),
) -> DocumentSource:
    """Read PDFs as units: one per document, with the name of its file without the ending.

    A document over the limits is cut into parts, named like "minutes.p001-050", which `Run.transcripts` joins again.

    Parameters
    ----------
    path
        A folder (its subfolders too), one PDF, or a pattern such as "scans/17*.pdf".
    pages
        Pages to send of each document, counted from 1: "3", "2-5", "2-" or "-5"; all where empty.
    as_
        "file" sends the PDF (its pages cut out where not all are meant), "images" a picture of each page.
    dpi
        Dots an inch of page pictures.
    max_pages, max_mb
        Pages of a request, and megabytes of its PDF.
    where
        Names to keep (without suffix), such as "address_*"; one or several; all where empty.

    Raises
    ------
    UnitsError
        There is no such folder or no PDF in it, or a parameter cannot be used.

    Examples
    --------
    >>> _ = Path("empty.pdf").write_bytes(b"")
    >>> [(unit.unit_id, skip) for unit, skip in read_documents(".").with_skips()]
    [('empty', 'the file is empty')]
    """
    first, last = _parse_pages(pages)
    root, pattern = _find_root(path)
    faults = []
    if as_ not in _WAYS:
        faults.append(Fault("as_", f"{as_!r} is not a way to send pages", "use 'file' or 'images'"))
    faults += [
        Fault(name, f"{value} is not greater than 0", "give a positive number")
        for name, value in (("dpi", dpi), ("max_pages", max_pages), ("max_mb", max_mb))
        if value <= 0
    ]
    UnitsError.raise_any("The documents cannot be read with these settings.", faults)
    names = (where,) if isinstance(where, str) else tuple(where)
    source = DocumentSource(root, pattern, first, last, as_, dpi, max_pages, max_mb, tuple(filter(None, names)))
    if not source.files():
        mend = "correct the path or the names to keep"
        raise UnitsError("There are no documents.", [Fault(show_path(root), "no PDF was found", mend)])
    return source


def _find_root(path: str | Path) -> tuple[Path, str]:
    """(folder, pattern) of a folder, a file or a path with * ? or [ in it."""
    resolved = resolve_path(path)
    if resolved.exists():
        return resolved, "**/*"
    parts = resolved.parts
    at = next((place for place, part in enumerate(parts) if re.search(r"[*?[]", part)), 0)
    root = Path(*parts[:at]) if at else resolved
    if not at or not root.is_dir():
        raise UnitsError("There are no documents.", [missing_file(root)])
    return root, "/".join(parts[at:])


def _parse_pages(pages: str) -> tuple[int, int | None]:
    """(first, last) of "", "3", "2-5", "2-" or "-5"."""
    match = _RANGE.fullmatch(pages)
    if not pages.strip():
        return 1, None
    if match is None or not (match[1] or match[3]):
        mend = 'write "3", "2-5", "2-" or "-5"; pages count from 1'
        raise UnitsError("The pages cannot be read.", [Fault("pages", f"{pages!r} is not a range of pages", mend)])
    first = int(match[1] or 1)
    last = int(match[3]) if match[3] else None if match[2] else first
    if not 1 <= first <= (first if last is None else last):
        mend = "give the first page before the last; pages count from 1"
        raise UnitsError("The pages cannot be read.", [Fault("pages", f"{pages!r} contains no page", mend)])
    return first, last
