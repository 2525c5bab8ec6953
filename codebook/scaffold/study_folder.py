"""A new study's folder: codebook, texts, coders, notebooks, and the study file that holds them together."""

from __future__ import annotations

import csv
import io
import re
import shutil
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

from codebook.errors import Fault, ParameterError
from codebook.files.lines import write_atomic, write_whole
from codebook.paths import notebooks_folder
from codebook.scaffold.study_draft import as_yaml, draft_codebook, draft_coders, draft_study
from codebook.scaffold.table_guess import MADE_ID, TableGuess

SCHEMAS = ".schemas"
"""Folder of a study with the schemas that editors read."""
_PLACEHOLDER = "my-study"
_KEPT = ("README.md", ".gitignore")
"""What a folder may have already: it stays as it is."""


@dataclass(frozen=True, slots=True)
class NewStudy:
    """A study that was written: its folder, its files in it, and those of a person that stayed as they were.

    Examples
    --------
    >>> import codebook as cb
    >>> from codebook.scaffold import make_study
    >>> make_study(Path("another")).files[:2]
    ('README.md', 'codebook.yaml')
    """

    folder: Path
    files: tuple[str, ...]
    kept: tuple[str, ...] = ()

    def __str__(self) -> str:
        folders = Counter(str(Path(name).parent) for name in self.files)
        lines = [(self.folder / name).as_posix() for name in self.files if "/" not in name or name.startswith("data/")]
        lines += [f"{(self.folder / name).as_posix()}/: {folders[name]} files" for name in ("notebooks", SCHEMAS)]
        return "\n".join([*lines, *(f"{name} was there and stays as it is" for name in self.kept)])


def make_study(folder: Path, guess: TableGuess | None = None) -> NewStudy:
    """Write the files of a new study, which is named like its folder: for the texts of a table, or with an example.

    Raises
    ------
    ParameterError
        The folder holds such files already, or is none; nothing is written then.

    Examples
    --------
    >>> import codebook as cb
    >>> new = make_study(Path("another-study"))
    >>> sorted(name for name in new.files if name.endswith(".yaml"))
    ['codebook.yaml', 'coders.yaml', 'study.yaml']
    """
    wanted = dict(_files(folder.resolve().name, guess))
    data = [f"data/{_data_name(guess)}"] if guess else []
    _check_free(folder, [*wanted, *data])
    kept = tuple(name for name in _KEPT if (folder / name).exists())
    if guess:
        _copy_table(guess, folder / data[0])
    for name in [name for name in wanted if name not in kept]:
        write_whole(folder / name, wanted[name])
    return NewStudy(folder, tuple(name for name in [*wanted, *data] if name not in kept), kept)


def _check_free(folder: Path, names: list[str]) -> None:
    if folder.exists() and not folder.is_dir():
        raise ParameterError("A study needs a folder.", [Fault(str(folder), "it is a file", "choose another name")])
    there = [name for name in names if name not in _KEPT and (folder / name).exists()]
    if there:
        where = str(folder) if folder.name else str(folder.resolve())
        first_names = ", ".join(there[:3]) + ", ..." * (len(there) > 3)
        problem = f"{len(there)} of the files of a study are there already ({first_names}); nothing was written"
        mend = "choose another folder, or move these files away"
        raise ParameterError("A study is already there.", [Fault(where, problem, mend)])


def legal_name(text: str) -> str:
    """Return a text as the name of a codebook and a run: letters, digits, `_` and `-`.

    Examples
    --------
    >>> legal_name("Über die Zölle (2)"), legal_name("themen"), legal_name("研究")
    ('Uber-die-Zolle-2', 'themen', 'my-study')
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9_]+", "-", plain).strip("-_")[:40].rstrip("-_") or _PLACEHOLDER


def _files(study: str, guess: TableGuess | None) -> Iterator[tuple[str, bytes]]:
    """(path in the study, content): the template, or what is written for a table; schemas; notebooks."""
    drafts = _draft(study, guess) if guess else {}
    for name, content in _templates():
        if name in drafts:
            yield name, _add_schema(name, drafts[name]).encode()
        elif not (guess and name.startswith("data/")):
            yield name, _add_schema(name, _fill_in(name, content.decode(), study)).encode()
    for path in sorted(notebooks_folder().glob("*.ipynb")):
        yield f"notebooks/{path.name}", path.read_bytes()
    with as_file(files("codebook") / "templates" / "schemas") as schemas:
        for path in sorted(schemas.glob("*.json")):
            yield f"{SCHEMAS}/{path.name}", path.read_bytes()


def _templates() -> Iterator[tuple[str, bytes]]:
    with as_file(files("codebook") / "templates" / "study") as template:
        for path in sorted(template.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path.relative_to(template).as_posix().replace("dot.", "."), path.read_bytes()


def _fill_in(name: str, text: str, study: str) -> str:
    """Put the study's name where the template has one."""
    if name == "README.md":
        return text.replace(_PLACEHOLDER, study)
    named = text.replace(f"study: {_PLACEHOLDER}", f"study: {as_yaml(study)}")
    return named.replace(f": {_PLACEHOLDER}", f": {legal_name(study)}") if name.endswith(".yaml") else text


def _add_schema(name: str, text: str) -> str:
    """Name the schema of a yaml file in its first line, which editors obey; the path is taken from the file."""
    if not name.endswith(".yaml"):
        return text
    return f"# yaml-language-server: $schema={SCHEMAS}/{Path(name).stem}.json\n{text}"


def _draft(study: str, guess: TableGuess) -> dict[str, str]:
    file = f"data/{_data_name(guess)}"
    return {
        "codebook.yaml": draft_codebook(legal_name(study), guess),
        "coders.yaml": draft_coders(guess, file),
        "study.yaml": draft_study(study, legal_name(study), guess, file),
    }


def _data_name(guess: TableGuess) -> str:
    path = guess.place.path
    return f"{path.stem}.csv" if guess.makes_ids else path.name


def _copy_table(guess: TableGuess, path: Path) -> None:
    """Copy the table byte by byte; one without ids as csv, with a column of them."""
    with write_atomic(path) as file:
        if not guess.makes_ids:
            with guess.place.path.open("rb") as source:
                shutil.copyfileobj(source, file)
            return
        rows = guess.place.open()
        text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
        table = csv.writer(text, lineterminator="\n")
        table.writerow([MADE_ID, *rows.columns])
        table.writerows([number, *(row[name] for name in rows.columns)] for number, row in enumerate(rows, 1))
        text.detach()
