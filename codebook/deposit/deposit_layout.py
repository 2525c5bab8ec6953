"""How a deposit lies: the names of its files, `deposit.json`, which says how it was made, and the list of digests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from codebook.errors import Fault, ParameterError, RecordError
from codebook.files.digests import read_json
from codebook.files.lines import digest_file, write_json, write_whole
from codebook.paths import show_path

ABOUT = "deposit.json"
MANIFEST = "manifest-sha256.txt"
WITHHELD = "withheld.csv"
STUDY = "study.yaml"
LOCKS = ("environment/requirements.txt", "environment/requirements.lock")
"""Every package with its version; and, where they are known, with the SHA-256 of its archives."""
LABELS = "data/labels_of_people.csv"
CODERS = "data/coders_of_the_deposit.yaml"
PERSONS_FILES = ("README.md", "CITATION.cff", "LICENSE.txt")
"""What a person goes on writing."""
_LINE = re.compile(r"([0-9a-f]{64}) [ *](.+)")
_MEND = "get the deposit again from where it was published"

Texts = Literal["include", "digest", "redact"]


@dataclass(frozen=True)
class About:
    """How a deposit was made.

    Attributes
    ----------
    run, runs
        The run that the deposit is about, and all runs that lie in it.
    texts
        What became of the texts of units: include, digest (each one's SHA-256), or redact (nothing of them).
    private
        Whether coders are named by pseudonyms.
    replay
        The command that makes its tables anew, run in the folder.
    seconds
        How long that took here; None where it was not run.
    steps
        The steps of the study that are run for it.
    left_out
        What cannot be made anew from it, and why.
    personal
        Of each kind of personal data why it may be published, and how many lines of which file look like it.
    drafts
        The SHA-256 of what a person goes on writing, as the kit wrote it: what has another one is kept later.
    """

    run: str
    runs: tuple[str, ...]
    made_at: str
    texts: Texts = "include"
    private: bool = False
    replay: str = ""
    seconds: float | None = None
    steps: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    personal: dict[str, dict[str, Any]] = field(default_factory=dict)
    drafts: dict[str, str] = field(default_factory=dict)
    software: dict[str, Any] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Write it."""
        write_json(folder / ABOUT, asdict(self))


def read_about(folder: Path) -> About:
    """Read how a deposit was made.

    Raises
    ------
    ParameterError
        The folder is not a deposit.
    RecordError
        The file is damaged.

    Examples
    --------
    >>> import codebook as cb
    >>> study = cb.open_study(run="topics", codebook="codebook.yaml", coders="coders.yaml")
    >>> folder = cb.deposit.write_deposit(study, replay=False).folder
    >>> read_about(folder).texts
    'include'
    """
    path = folder / ABOUT
    if not path.is_file():
        fault = Fault(show_path(folder), f"it holds no {ABOUT}", "give the folder or zip that `codebook deposit` wrote")
        raise ParameterError("This is not a deposit.", [fault])
    try:
        about = About(**read_json(path))
    except TypeError as error:
        raise RecordError(f"{show_path(path)} is damaged ({error}). To mend: get the deposit again.") from None
    tuples = {name: tuple(getattr(about, name)) for name in ("runs", "steps", "left_out")}
    return About(**(asdict(about) | tuples))


def check_texts(texts: str) -> Texts:
    """Refuse a word that names no way to treat texts.

    Raises
    ------
    ParameterError
        It is none.
    """
    for known in get_args(Texts):
        if texts == known:
            way: Texts = known
            return way
    mend = "use include, digest (whoever has the texts can check them) or redact (nothing of the texts leaves)"
    fault = Fault("texts", f"{texts!r} is not a way to treat texts", mend)
    raise ParameterError("The deposit cannot be written with these settings.", [fault])


def is_persons(place: str) -> bool:
    """Whether a person goes on writing a file of a deposit."""
    return place in PERSONS_FILES or place.startswith("paper/")


def list_files(folder: Path) -> Iterator[tuple[str, Path]]:
    """(place in the folder, file) of all files of a deposit, sorted."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() or path.is_symlink():
            yield path.relative_to(folder).as_posix(), path


# --- the list of digests, as `sha256sum -c` reads it


def write_digests(folder: Path) -> None:
    """Write the SHA-256 of every other file of a deposit."""
    lines = [f"{digest_file(path)}  {place}\n" for place, path in list_files(folder) if place != MANIFEST]
    write_whole(folder / MANIFEST, "".join(lines))


def read_digests(folder: Path) -> dict[str, str]:
    """The SHA-256 of each file, as the list says; empty where there is no list."""
    return {match[2]: match[1] for match in map(_LINE.fullmatch, _read_list(folder)) if match}


def _read_list(folder: Path) -> list[str]:
    path = folder / MANIFEST
    return path.read_text(encoding="utf-8", errors="replace").strip().split("\n") if path.is_file() else []


def find_changes(folder: Path) -> Iterator[Fault]:
    """Yield each file of a deposit that is changed, missing or added since its list was written."""
    listed = read_digests(folder)
    if not listed:
        yield Fault(MANIFEST, "it is missing or empty", _MEND)
        return
    for number, line in enumerate(_read_list(folder), start=1):
        if not _LINE.fullmatch(line):
            yield Fault(f"{MANIFEST}, line {number}", "the line is not a SHA-256 with the name of a file", _MEND)
    there = {place: path for place, path in list_files(folder) if path.is_file()}
    for place, sha256 in listed.items():
        if place not in there:
            yield Fault(place, "it is missing", _MEND)
        elif digest_file(there[place]) != sha256:
            yield Fault(place, f"it was changed: its SHA-256 is not the one in {MANIFEST}", _MEND)
    for place in sorted(there.keys() - listed.keys() - {MANIFEST}):
        yield Fault(place, "it was added: the list of digests does not name it", "take it out, or deposit again")
