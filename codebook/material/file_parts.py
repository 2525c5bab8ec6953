"""The files of a unit made ready to be sent: images and PDFs, read anew at each pass, never held."""

from __future__ import annotations

from collections.abc import Iterable

from codebook.records import FilePart, UnitFile


def load_parts(files: Iterable[UnitFile]) -> tuple[FilePart, ...]:
    """Read the files of a unit and make them ready as their `ask` says; an address is passed on as it is.

    Raises
    ------
    UnitsError
        A file is gone, is not what it was, or cannot be read.
    """
    return tuple(part for file in files for part in _load(file))


def _load(file: UnitFile) -> tuple[FilePart, ...]:
    if file.kind == "image":
        from codebook.material.images import prepare_image

        return (prepare_image(file),)
    from codebook.material.pdf_parts import prepare_pdf

    return prepare_pdf(file)
