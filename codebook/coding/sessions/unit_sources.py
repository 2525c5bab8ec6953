"""Images and pages of a unit as a form shows them: inside the view, or at an address that a server gives them."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from typing import Any

from codebook.errors import MissingExtraError, UnitsError
from codebook.material.file_parts import load_parts
from codebook.material.unit_store import page_numbers
from codebook.records import FilePart, Unit, UnitFile

SourceMaker = Callable[[Unit], Iterable[dict[str, Any]]]
"""Gives the blocks of a unit's files."""
_DPI = 110


def load_pictures(unit: Unit) -> list[tuple[int, FilePart]]:
    """The images of a unit and the pages of its PDFs as images, each with its number; nothing of the rest."""
    parts = load_parts(_as_images(file) for file in unit.files)
    numbers = page_numbers(unit) or range(1, len(parts) + 1)
    return list(zip(numbers if len(numbers) == len(parts) else range(1, len(parts) + 1), parts, strict=True))


def _as_images(file: UnitFile) -> UnitFile:
    """A PDF is drawn page by page."""
    return file if file.kind == "image" else file._replace(ask={**file.ask, "as": "images", "dpi": _DPI})


def embed_files(unit: Unit) -> list[dict[str, Any]]:
    """The blocks of a unit's files with all their bytes; what cannot be shown is said in a block of text."""

    def as_data(_: int, part: FilePart) -> str:
        return part.url or f"data:{part.media_type};base64,{base64.b64encode(part.data).decode()}"

    return make_blocks(unit, as_data)


def make_blocks(unit: Unit, place: Callable[[int, FilePart], str]) -> list[dict[str, Any]]:
    """The blocks of a unit's files, each with the source that `place` gives it."""
    if not unit.files:
        return []
    try:
        pictures = load_pictures(unit)
    except (UnitsError, MissingExtraError) as error:
        return [{"type": "text", "text": str(error), "fault": True}]
    kind = "page" if any(file.kind == "pdf" for file in unit.files) else "image"
    return [_block(kind, number, place(number, part), len(pictures)) for number, part in pictures]


def _block(kind: str, number: int, source: str, total: int) -> dict[str, Any]:
    if kind == "page":
        return {"type": "page", "source": source, "number": number}
    return {"type": "image", "source": source, "alt": "image" if total == 1 else f"image {number} of {total}"}
