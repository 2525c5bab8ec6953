"""A page of a document beside its transcript, for a notebook: the picture on the left, the text on the right."""

from __future__ import annotations

import re
from base64 import b64encode
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Protocol

from codebook.codings import Transcript
from codebook.errors import Fault, ParameterError
from codebook.files.pdfs import PDFIUM, draw_page, open_pdf
from codebook.ground.quantities import say_count
from codebook.outputs.templating import render
from codebook.paths import missing_file, resolve_path
from codebook.visible import spell_block

DPI = 72
"""Dots an inch of the picture."""
MAX_SIDE = 900
_MOST_NAMED = 5


class Documents(Protocol):
    """Documents with the path of each, as `read_documents` gives them."""

    @property
    def path(self) -> Path:
        """The folder, or the only file."""

    def files(self) -> Sequence[Path]:
        """Return the files, in order."""


class PageView:
    """A page's picture (JPEG) and transcript; doubtful words are marked where they stand.

    A transcript names its doubtful words. One that stands more often than it is named is underlined at each of its
    places, as one that may be meant, and `sentence` says so.

    Examples
    --------
    >>> PageView("letter, page 1", b"", "Dear Sir", ("Sir",)).doubts is not None
    True
    """

    def __init__(self, sentence: str, picture: bytes, text: str, unsure: tuple[str, ...]) -> None:
        self.picture, self.text, self.unsure = picture, text, unsure
        self.doubts, remarks = find_doubts(text, unsure)
        self.sentence = "; ".join([sentence, *remarks])

    def __repr__(self) -> str:
        return spell_block(f"{self.sentence}\n\n{self.text}")

    def _repr_html_(self) -> str:
        picture = b64encode(self.picture).decode()
        return render("page.html.j2", sentence=self.sentence, picture=picture, parts=self._cut())

    def _cut(self) -> list[tuple[str, str]]:
        """(words, doubt) of each stretch of the text."""
        parts, place = list[tuple[str, str]](), 0
        for start, end, doubt in self.doubts:
            parts += [(self.text[place:start], ""), (self.text[start:end], doubt)]
            place = end
        return [*parts, (self.text[place:], "")]


def find_doubts(text: str, unsure: Sequence[str]) -> tuple[list[tuple[int, int, str]], list[str]]:
    """Return where the doubtful words of a text stand, and what is to be said of those whose place is not known.

    Returns
    -------
    list, list
        Start, end and "doubt", or "perhaps" where the word stands more often than it is named; and remarks.

    Examples
    --------
    >>> find_doubts("I will, and you will not.", ["you", "will"])
    ([(2, 6, 'perhaps'), (12, 15, 'doubt'), (16, 20, 'perhaps')], ["underlined is each 'will' that may be meant"])
    """
    named = Counter(words for words in unsure if words.strip())
    places = {words: [match.span() for match in _whole(words).finditer(text)] for words in named}
    doubts = {words: "perhaps" if len(places[words]) > n else "doubt" for words, n in named.items()}
    marks = sorted((start, -end, doubts[words]) for words in named for start, end in places[words])
    several = [repr(words) for words in named if doubts[words] == "perhaps"]
    absent = [repr(words) for words in named if not places[words]]
    remarks = [f"underlined is each {_name_some(several)} that may be meant"] * bool(several)
    return list(_apart(marks)), remarks + [f"not in the text: {_name_some(absent)}"] * bool(absent)


def _whole(words: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(words)}(?!\w)")


def _name_some(names: Sequence[str]) -> str:
    more = [f"{len(names) - _MOST_NAMED:,} more"] if len(names) > _MOST_NAMED else []
    return ", ".join([*names[:_MOST_NAMED], *more])


def _apart(marks: Iterable[tuple[int, int, str]]) -> Iterator[tuple[int, int, str]]:
    """The marks (start, minus end, doubt) that do not begin inside the one before them, the longer of two first."""
    reached = 0
    for start, minus_end, doubt in marks:
        if start >= reached:
            yield start, -minus_end, doubt
            reached = -minus_end


def show_page(documents: Documents | str | Path, transcript: Transcript, page: int = 1) -> PageView:
    """Show a page of a PDF beside its transcript.

    Parameters
    ----------
    documents
        The documents (`read_documents`), of which the one is taken that the transcript is of; or the PDF's path.

    Raises
    ------
    ParameterError
        There is no such file, or the transcript does not have the page.

    Examples
    --------
    >>> import codebook as cb
    >>> from PIL import Image
    >>> Image.new("L", (80, 40), 255).save("letter.pdf")
    >>> from codebook.codings.transcripts import TranscriptPage
    >>> letter = Transcript(document="letter", coder="ann", pages=[TranscriptPage(page=1, text="Dear Sir")])
    >>> show_page("letter.pdf", letter)
    letter, page 1, by ann: 8 characters, 0 doubtful words
    <BLANKLINE>
    Dear Sir
    """
    path = _find(documents, transcript.document)
    leaf = next((each for each in transcript.pages if each.page == page), None)
    if leaf is None:
        there = ", ".join(str(each.page) for each in transcript.pages) or "none"
        fault = Fault("page", f"{transcript.document!r} has no page {page}", f"choose one of its pages: {there}")
        raise ParameterError("The page cannot be shown.", [fault])
    room = BytesIO()
    with open_pdf(path) as document, PDFIUM:
        sheet = document[page - 1]
        draw_page(sheet, DPI, MAX_SIDE).save(room, "JPEG", quality=80)
        sheet.close()
    doubt = say_count(len(leaf.unsure), "doubtful word")
    sentence = (
        f"{transcript.document}, page {page}, by {transcript.coder}: {say_count(len(leaf.text), 'character')}, {doubt}"
    )
    return PageView(sentence, room.getvalue(), leaf.text, tuple(leaf.unsure))


def _find(documents: Documents | str | Path, name: str) -> Path:
    """The PDF that a transcript is of."""
    if isinstance(documents, str | Path):
        path = resolve_path(documents)
        faults = [] if path.is_file() else [missing_file(path)]
    else:
        files = {path.stem: path for path in documents.files()}
        path = files.get(name, documents.path)
        faults = [] if name in files else [Fault("documents", f"none is named {name!r}", f"use one of {list(files)}")]
    ParameterError.raise_any("The page cannot be shown.", faults)
    return path
