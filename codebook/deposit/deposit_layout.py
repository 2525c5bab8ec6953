"""How a deposit lies: the names of its files, and `deposit.json`, which says how it was made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import orjson

from codebook.errors import Fault, ParameterError, RecordError
from codebook.files.digests import read_json
from codebook.files.lines import write_atomic
from codebook.paths import show_path

ABOUT = "deposit.json"
MANIFEST = "manifest-sha256.txt"
WITHHELD = "withheld.csv"
STUDY = "study.yaml"
LOCK = "environment/requirements.txt"
LABELS = "data/labels_of_people.csv"
CODERS = "data/coders_of_the_deposit.yaml"
PERSONS_FILES = ("README.md", "CITATION.cff", "LICENSE.txt")
"""What a person goes on writing; once it was changed, a later deposit keeps it. So it is with all of `paper/`."""

Texts = Literal["include", "digest", "redact"]


@dataclass(frozen=True)
class About:
    """How a deposit was made.

    Attributes
    ----------
    run, runs
        The run that is told of, and all runs that lie in it.
    texts
        What became of the texts of units: include, digest (each one's SHA-256), or redact (nothing of them).
    private
        Whether coders bear pseudonyms.
    replay
        The command that makes its tables anew, run in the folder.
    seconds
        How long that took here; None where it was not run.
    steps
        The steps of the study that are run for it.
    left_out
        What cannot be made anew from it, and why.
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
    software: dict[str, Any] = field(default_factory=dict)

    @property
    def tells_texts(self) -> bool:
        """Whether the texts of units lie in it."""
        return self.texts == "include"

    def write(self, folder: Path) -> None:
        """Write it."""
        with write_atomic(folder / ABOUT) as file:
            file.write(orjson.dumps(asdict(self), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def read_about(folder: Path) -> About:
    """Read how a deposit was made.

    Raises
    ------
    ParameterError
        The folder is no deposit.
    RecordError
        What it says is damaged.

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
        raise ParameterError("This is no deposit.", [fault])
    try:
        about = About(**read_json(path))
    except TypeError as error:
        raise RecordError(f"{show_path(path)} is damaged ({error}). To mend: get the deposit again.") from None
    tuples = {name: tuple(getattr(about, name)) for name in ("runs", "steps", "left_out")}
    return About(**(asdict(about) | tuples))


def check_texts(texts: str) -> Texts:
    """Refuse what is no way to treat texts.

    Raises
    ------
    ParameterError
        It is none.
    """
    for known in get_args(Texts):
        if texts == known:
            way: Texts = known
            return way
    mend = "say include, digest (who has the texts can check them) or redact (nothing of them leaves)"
    raise ParameterError(
        "The deposit cannot be made so.", [Fault("texts", f"{texts!r} is no way to treat texts", mend)]
    )


def list_files(folder: Path) -> Iterator[tuple[str, Path]]:
    """(place in the folder, file) of all files of a deposit, sorted."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() or path.is_symlink():
            yield path.relative_to(folder).as_posix(), path
