"""One door to units of every kind: texts, groups of texts, images, PDFs. Which kind it is, the path and `form` say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from codebook.errors import Fault, UnitsError, mend_name
from codebook.files.yaml_text import parse_pairs
from codebook.ground.quantities import say_count
from codebook.paths import resolve_path, show_path
from codebook.units.any_source import Source
from codebook.units.documents import read_documents
from codebook.units.groups import group_units
from codebook.units.image_source import SUFFIXES, read_images
from codebook.units.source import read_units

Where = Mapping[str, str | Sequence[str]] | Sequence[str]

_FILE = ("encoding", "delimiter", "sheet", "skip_rows", "query")
_TABLE = (*_FILE, "max_chars")
_FORMS = {
    "texts": _TABLE,
    "groups": ("group_column", "separator", "long_groups", *_TABLE),
    "images": ("image_column", "group_column", "image_folder", "max_side", "detail", "pass_urls", "damaged", *_FILE),
    "documents": ("pages", "as", "dpi", "max_pages", "max_mb", "names"),
}
"""What may be said of each kind: the further parameters of its reader."""


def open_units(
    path: str | Path,
    *,
    id_column: str = "",
    text_column: str = "",
    context_columns: Sequence[str] = (),
    where: Where = (),
    form: Mapping[str, Any] | Sequence[str] = (),
) -> Source:
    """Open units of any kind by their path: a table of texts or images, a folder of images, or PDFs.

    Parameters
    ----------
    path
        A table (.csv, .xlsx, .jsonl, .parquet, or .db with a `query`); a folder of images or of PDFs; a PDF, or a
        pattern such as `scans/*.pdf`.
    id_column, text_column, context_columns, where
        Of a table, as in `read_units`; of texts, the columns are `id` and `text` where none is named.
    form
        What shapes the units, as a mapping or as texts of the form "name: value". `group_column` makes groups of texts,
        `image_column` makes images (`read_images`); a folder of PDFs takes `pages`, `as` and more (`read_documents`).
        An SQLite file takes `query`, one SELECT.

    Raises
    ------
    UnitsError
        There is nothing at the path, it holds images and PDFs both, or `form` says what is not known there.

    Examples
    --------
    >>> path = Path("posts.csv")
    >>> _ = path.write_text("id,thread,text\\n7,a,Coal?\\n9,a,No coal.\\n")
    >>> threads = open_units(path, id_column="id", text_column="text", form=["group_column: thread"])
    >>> [(unit.unit_id, [name for name, _ in unit.members]) for unit in threads]
    [('a', ['7', '9'])]
    """
    parts = read_form(form)
    kind = _find_kind(path, parts)
    _check_form(kind, parts)
    columns = {"id_column": id_column, "text_column": text_column, "context_columns": context_columns, "where": where}
    return _READERS[kind](path, columns, parts)


def read_form(form: Mapping[str, Any] | Sequence[str]) -> dict[str, Any]:
    """Return what `form` says as a mapping.

    Raises
    ------
    UnitsError
        A text is not of the form "name: value".

    Examples
    --------
    >>> read_form(["group_column: thread", "max_chars: 2000"])
    {'group_column': 'thread', 'max_chars': 2000}
    """
    return parse_pairs(form, "form", error=UnitsError, summary="The settings under `form` cannot be read.")


def _find_kind(path: str | Path, form: Mapping[str, Any]) -> str:
    """Which kind of units stands at a path."""
    file = resolve_path(path)
    if "image_column" in form:
        return "images"
    if file.is_dir():
        return _find_kind_in(file)
    if file.suffix.lower() == ".pdf" or "*" in file.name:
        return "documents"
    return "groups" if form.get("group_column") else "texts"


def _find_kind_in(folder: Path) -> str:
    endings = Counter(file.suffix.lower() for file in folder.rglob("*") if file.is_file())
    n_images = sum(endings[ending] for ending in SUFFIXES)
    if endings[".pdf"] and n_images:
        problem = f"it contains {say_count(endings['.pdf'], 'PDF')} and {say_count(n_images, 'image')}"
        mend = f'give "{show_path(folder)}/*.pdf" for the PDFs, or move one kind to a folder of its own'
        raise UnitsError("It is not clear what the units are.", [Fault(show_path(folder), problem, mend)])
    return "documents" if endings[".pdf"] else "images"


def _check_form(kind: str, form: Mapping[str, Any]) -> None:
    known = _FORMS[kind]
    faults = []
    for name in form:
        if name not in known:
            mend = mend_name(name, known, f"for {kind} use {', '.join(known)}")
            faults.append(Fault("form", f"there is no setting {name!r} for {kind}", mend))
    UnitsError.raise_any("The units cannot be read with these settings.", faults)


def _open_texts(path: str | Path, columns: Mapping[str, Any], form: Mapping[str, Any]) -> Source:
    table = {name: form[name] for name in _TABLE if name in form}
    named = {"id_column": columns["id_column"] or "id", "text_column": columns["text_column"] or "text"}
    texts = read_units(path, **{**columns, **named}, **table)
    groups = {name: form[name] for name in ("separator", "long_groups") if name in form}
    return group_units(texts, str(form.get("group_column", "")), **groups)


def _open_images(path: str | Path, columns: Mapping[str, Any], form: Mapping[str, Any]) -> Source:
    return read_images(path, **(columns if "image_column" in form else {}), **form)


def _open_documents(path: str | Path, columns: Mapping[str, Any], form: Mapping[str, Any]) -> Source:
    renamed = {{"as": "as_", "names": "where"}.get(name, name): value for name, value in form.items()}
    return read_documents(path, **(renamed | {"pages": str(renamed.get("pages", ""))}))


_READERS: Mapping[str, Callable[[str | Path, Mapping[str, Any], Mapping[str, Any]], Source]] = {
    "texts": _open_texts,
    "groups": _open_texts,
    "images": _open_images,
    "documents": _open_documents,
}
