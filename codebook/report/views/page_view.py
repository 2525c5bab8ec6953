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
from codebook.paths import missing_file, resolve_path
from codebook.visible import escape_block, spell_block

DPI = 72
"""Dots an inch of the picture."""
MAX_SIDE = 900
_HALF = "flex:1 1 320px;min-width:0;"


class Documents(Protocol):
    """Documents with the path of each, as `read_documents` gives them."""

    @property
    def path(self) -> Path:
        """The folder, or the only file."""

    def files(self) -> Sequence[Path]:
        """Return the files, in order."""


class PageView:
    """A page's picture (JPEG) and transcript; doubtful words are marked."""

    def __init__(self, said: str, picture: bytes, text: str, unsure: tuple[str, ...]) -> None:
        self.said, self.picture, self.text, self.unsure = said, picture, text, unsure

    def __repr__(self) -> str:
        return spell_block(f"{self.said}\n\n{self.text}")

    def _repr_html_(self) -> str:
        source = f"data:image/jpeg;base64,{b64encode(self.picture).decode()}"
        image = f'<img alt="" src="{source}" style="{_HALF}max-width:48%;border:1px solid #ccc;align-self:flex-start">'
        style = f"{_HALF}white-space:pre-wrap;tab-size:18;font:13px/1.4 Georgia,serif;overflow-wrap:anywhere"
        body = f'<div style="display:flex;gap:24px">{image}<div style="{style}">{self._marked()}</div></div>'
        return f'<div class="tex2jax_ignore"><p>{escape_block(self.said)}</p>{body}</div>'

    def _marked(self) -> str:
        """The text with its doubtful words marked."""
        unsure = set(self.unsure)
        return "".join(
            f"<mark>{escape_block(part)}</mark>" if part in unsure else escape_block(part)
            for part in re.split(r"(\s+)", self.text)
        )


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
    found = next((one for one in transcript.pages if one.page == page), None)
    if found is None:
        there = ", ".join(str(one.page) for one in transcript.pages) or "none"
        fault = Fault("page", f"{transcript.document!r} has no page {page}", f"choose one of its pages: {there}")
        raise ParameterError("The page cannot be shown.", [fault])
    room = BytesIO()
    with open_pdf(path) as document, PDFIUM:
        leaf = document[page - 1]
        draw_page(leaf, DPI, MAX_SIDE).save(room, "JPEG", quality=80)
        leaf.close()
    doubt = f"{len(found.unsure)} doubtful word{'s' * (len(found.unsure) != 1)}"
    said = f"{transcript.document}, page {page}, by {transcript.coder}: {len(found.text):,} characters, {doubt}"
    return PageView(said, room.getvalue(), found.text, tuple(found.unsure))


def _find(documents: Documents | str | Path, name: str) -> Path:
    """The PDF that a transcript is of."""
    if isinstance(documents, str | Path):
        path = resolve_path(documents)
        faults = [] if path.is_file() else [missing_file(path)]
    else:
        found = {path.stem: path for path in documents.files()}
        path = found.get(name, documents.path)
        faults = [] if name in found else [Fault("documents", f"none is named {name!r}", f"use one of {list(found)}")]
    if faults:
        raise ParameterError("The page cannot be shown.", faults)
    return path
