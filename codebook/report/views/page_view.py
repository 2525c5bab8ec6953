"""A page of a document beside its transcript, for a notebook: the picture on the left, the text on the right."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence
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


class Documents(Protocol):
    """Documents with the path of each, as `read_documents` gives them."""

    @property
    def path(self) -> Path:
        """The folder, or the only file."""

    def files(self) -> Sequence[Path]:
        """Return the files, in order."""


class PageView:
    """A page's picture (JPEG) and transcript; doubtful words are marked."""

    def __init__(self, sentence: str, picture: bytes, text: str, unsure: tuple[str, ...]) -> None:
        self.sentence, self.picture, self.text, self.unsure = sentence, picture, text, unsure

    def __repr__(self) -> str:
        return spell_block(f"{self.sentence}\n\n{self.text}")

    def _repr_html_(self) -> str:
        words = [(part, part in self.unsure) for part in re.split(r"(\s+)", self.text)]
        picture = b64encode(self.picture).decode()
        return render("page.html.j2", sentence=self.sentence, picture=picture, words=words)


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
    sentence = f"{transcript.document}, page {page}, by {transcript.coder}: {len(leaf.text):,} characters, {doubt}"
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
    if faults:
        raise ParameterError("The page cannot be shown.", faults)
    return path
