"""All labels of people in a study: those of a `coders.yaml`, and what was coded by assignment, side by side."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from codebook.analysis.core.codings import Codings
from codebook.coding.assignments import FOLDER, read_assignment
from codebook.coding.coding_log import list_logs
from codebook.coding.log_codings import read_logs
from codebook.codings.coder_files.coders import parse_coders, read_coders
from codebook.codings.coder_files.coding_source import LOGS
from codebook.codings.frame import check_table, join_codings, keep_known
from codebook.ground.joins import hold_ids
from codebook.paths import resolve_path, show_path
from codebook.scheme import Codebook

NONE = "none"
"""In place of a coding folder: leave what was coded there out."""


class People(NamedTuple):
    """Where the labels of people are stored.

    `coders` is a `coders.yaml`, or empty. `folder` is a coding folder, "none" for none; where nothing is said, that of
    the project, if it is of the same codebook.

    Examples
    --------
    >>> People("coders.yaml", "none")
    People(coders='coders.yaml', folder='none')
    """

    coders: str | Path = ""
    folder: str | Path = ""


def read_people(
    people: People | str | Path, codebook: Codebook, *, units: Iterable[str] | None = None, partial: bool = False
) -> Codings | None:
    """Read the labels of people: of the files in a `coders.yaml`, and of the logs of a coding folder.

    Parameters
    ----------
    people
        Where they are; a text is a `coders.yaml`.
    units, partial
        As in `read_coders`.

    Returns
    -------
    Codings or None
        None where there is neither.

    Examples
    --------
    >>> from codebook.scheme import parse_codebook
    >>> book = parse_codebook('''
    ... name: tone
    ... unit: a post
    ... variables: [{name: tone, question: "?", kind: single, level: nominal, categories: [good, bad]}]
    ... ''')
    >>> read_people(People("", "none"), book) is None
    True
    """
    coders, folder = people if isinstance(people, People) else People(people)
    ids = None if units is None else hold_ids(units)
    parts = [read_coders(coders, codebook, units=ids, partial=partial)] if coders else []
    if has_logs(folder, codebook) and not _is_listed(coders, codebook, resolve_path(folder or FOLDER)):
        parts.append(_read_logs(resolve_path(folder or FOLDER), codebook, ids))
    return join_codings(*parts) if parts else None


def _is_listed(coders: str | Path, codebook: Codebook, folder: Path) -> bool:
    """Whether a `coders.yaml` names a coding folder itself."""
    if not coders:
        return False
    path = resolve_path(coders)
    sources = (source for _, source in parse_coders(path, codebook)[0])
    return any(each.format == LOGS and (path.parent / each.file).resolve() == folder.resolve() for each in sources)


def has_logs(folder: str | Path, codebook: Codebook) -> bool:
    """Whether a coding folder has answers, and belongs to this codebook or was named by a person.

    Examples
    --------
    >>> from codebook.scheme import parse_codebook
    >>> book = parse_codebook('''
    ... name: tone
    ... unit: a post
    ... variables: [{name: tone, question: "?", kind: single, level: nominal, categories: [good, bad]}]
    ... ''')
    >>> has_logs("none", book)
    False
    """
    place = resolve_path(folder or FOLDER)
    if str(folder) == NONE or not (place / "assignment.csv").is_file() or not any(list_logs(place)):
        return False
    return bool(folder) or read_assignment(place).codebook_name == codebook.name


def _read_logs(folder: Path, codebook: Codebook, ids: Iterable[str] | None) -> Codings:
    """The labels of the logs, of units that are known."""
    codings = read_logs(folder, codebook)
    frame = check_table(codings.frame, codebook)
    if ids is None:
        return replace(codings, frame=frame)
    summary = "The units that people coded are not among the units."
    known = keep_known(replace(codings, frame=frame), ids, show_path(folder / "logs"), summary)
    return replace(known, notes=(*known.notes, *known.joins))
