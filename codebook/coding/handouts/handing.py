"""Hand out the units of coders, a file each, in the folder of the coding; and read what comes back, whatever it is."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from codebook.coding.assignments import FOLDER, Assignment, read_assignment
from codebook.coding.coder_state import CoderState
from codebook.coding.coding_log import log_path, read_acts
from codebook.coding.handouts.handout import Handout
from codebook.coding.handouts.page_answers import read_page
from codebook.coding.handouts.page_files import write_page_of
from codebook.coding.handouts.returns import Returned, read_workbook
from codebook.coding.handouts.workbook_sheets import write_workbook_of
from codebook.coding.kept_units import KeptUnits
from codebook.errors import Fault, InputError
from codebook.paths import resolve_path, show_path
from codebook.scheme import Codebook, read_codebook

HANDOUTS = "handouts"
"""Folder of what is handed out, in the coding folder."""


@dataclass(frozen=True)
class HandedOut:
    """The files that were handed out, one per coder, and a sentence on each.

    Examples
    --------
    >>> import codebook as cb
    >>> _ = cb.open_study().with_coding(coders=("ann",)).assign()
    >>> handed = cb.coding.write_workbooks()
    >>> [path.name for path in handed.paths]
    ['my-study.ann.xlsx']
    """

    paths: tuple[Path, ...]
    sentences: tuple[str, ...]

    def __repr__(self) -> str:
        return "\n".join(self.sentences)


def write_workbooks(
    coders: str | Sequence[str] = (), folder: str | Path = FOLDER, *, round_name: str = "main", overwrite: bool = False
) -> HandedOut:
    """Write an Excel workbook for each coder: the units left to code, lists of codes to choose from, and the codebook.

    What comes back is read with `read_workbook`. A file that is there already is left as it is.

    Parameters
    ----------
    coders
        Whose; everybody's who has units where nobody is named.
    folder
        The coding folder; the workbooks lie in its folder `handouts`.
    round_name
        "main", or that of another round.
    overwrite
        Replace files that are there, although somebody may have filled them in.

    Raises
    ------
    ParameterError
        There is no assignment, nothing for a coder, or something that no workbook can show.

    Examples
    --------
    >>> import codebook as cb
    >>> _ = cb.open_study().with_coding(coders=("ann",)).assign()
    >>> write_workbooks()
    my-study.ann.xlsx: 12 units for ann.
    """
    return _hand_out(coders, resolve_path(folder), round_name, (".xlsx", write_workbook_of), overwrite=overwrite)


def write_pages(
    coders: str | Sequence[str] = (), folder: str | Path = FOLDER, *, round_name: str = "main", overwrite: bool = False
) -> HandedOut:
    """Write a page for each coder: the coding form with the units left to code, in one file that works offline.

    What comes back is read with `read_page`. The parameters are those of `write_workbooks`.

    Raises
    ------
    ParameterError
        There is no assignment, or nothing for a coder.

    Examples
    --------
    >>> import codebook as cb
    >>> _ = cb.open_study().with_coding(coders=("ann",)).assign()
    >>> write_pages().paths[0].name
    'my-study.ann.html'
    """
    return _hand_out(coders, resolve_path(folder), round_name, (".html", write_page_of), overwrite=overwrite)


def read_handout(
    path: str | Path,
    folder: str | Path = FOLDER,
    *,
    coder: str = "",
    take_back: bool = False,
    old_definitions: bool = False,
) -> Returned:
    """Read what a coder sent back: a workbook (`read_workbook`) or the answers of a page (`read_page`).

    Raises
    ------
    TableError
        Everything that is wrong in it.

    Examples
    --------
    >>> import codebook as cb
    >>> _ = cb.open_study().with_coding(coders=("ann",)).assign()
    >>> (path,) = cb.coding.write_workbooks().paths
    >>> read_handout(path)
    my-study.ann.xlsx: 0 units filled in by ann; nothing has changed since it was read.
    """
    name = str(path).lower()
    if name.endswith((".jsonl", ".json", ".txt", ".html", ".htm")):
        return read_page(path, folder, coder=coder, old_definitions=old_definitions)
    return read_workbook(path, folder, coder=coder, take_back=take_back, old_definitions=old_definitions)


def _hand_out(
    coders: str | Sequence[str],
    place: Path,
    round_name: str,
    form: tuple[str, Callable[[Handout, Path], str]],
    *,
    overwrite: bool,
) -> HandedOut:
    """Write one file per coder; all faults of all coders at once."""
    assignment = read_assignment(place)
    book = read_codebook(assignment.codebook)
    names = [coders] if isinstance(coders, str) else list(coders)
    paths, sentences, faults = list[Path](), list[str](), list[Fault]()
    for coder in names or assignment.coders:
        handout = _make_handout(place, assignment, book, coder, round_name)
        path = place / HANDOUTS / f"{name_file(assignment.study or book.name, coder)}{form[0]}"
        paths.append(path)
        if path.exists() and not overwrite:
            sentences.append(f"{show_path(path)} already exists and was not changed.")
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            sentences.append(form[1](handout, path))
        except InputError as error:
            summary, kind = error.summary, type(error)
            faults += error.faults
    if faults:
        raise kind(summary, list(dict.fromkeys(faults)))
    return HandedOut(tuple(paths), tuple(sentences))


def _make_handout(place: Path, assignment: Assignment, book: Codebook, coder: str, round_name: str) -> Handout:
    """The units of a coder that are not coded yet."""
    state = CoderState(read_acts(log_path(place, coder))[0])
    names = [variable.name for variable in book.variables]
    rows = assignment.of(coder, round_name)
    turns = [row.turn for row in rows if any(name not in state.answers(row.turn) for name in names)]
    units = KeptUnits(place / "units.jsonl")
    chosen = {turn.unit: units[turn.unit] for turn in turns}
    return Handout(assignment.study, coder, book, turns, chosen, assignment.digest)


def name_file(study: str, coder: str) -> str:
    """The name of a coder's file, without its ending.

    Examples
    --------
    >>> name_file("coal / 2026", "Zoë B")
    'coal-2026.Zoë-B'
    """
    return ".".join(re.sub(r"[^\w-]+", "-", part).strip("-") for part in (study, coder) if part)
