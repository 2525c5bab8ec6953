"""Verify a deposit from outside: the same files, no key, no personal data without a reason, the same tables."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from codebook.deposit.deposit_layout import ABOUT, STUDY, About, find_changes, read_about, read_digests
from codebook.deposit.leak_search import find_keys, find_persons, find_unexplained, say_personal
from codebook.deposit.read_me import say_seconds
from codebook.errors import CodebookError, Fault, ParameterError
from codebook.execute import replay_study
from codebook.execute.secrets import read_secrets
from codebook.files.unfolding import Archive
from codebook.ground.quantities import say_count
from codebook.paths import missing_file, show_path


@dataclass(frozen=True)
class Verified:
    """What a check of a deposit found.

    Attributes
    ----------
    faults
        What is wrong with the deposit: files, keys, what looks personal and has no reason there, other tables.
    seconds
        How long the replay took; None where it was left out.
    setting
        What is drawn or set otherwise here, with the same figures.
    """

    folder: Path
    about: About
    n_files: int
    faults: tuple[Fault, ...]
    seconds: float | None = None
    setting: str = ""

    @property
    def passes(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults

    def __repr__(self) -> str:
        lines = [f"  WRONG     {fault}" for fault in self.faults]
        lines += [f"  LOOK      {self.setting}"] if self.setting else []
        lines += [f"  REASON    {each}" for each in say_personal(self.about)]
        lines += [f"  LEFT OUT  {each}" for each in self.about.left_out]
        files = f"{say_count(self.n_files, 'file')} are listed with their SHA-256"
        anew = "the tables were not rebuilt" if self.seconds is None else f"replayed in {say_seconds(self.seconds)}"
        wrong = f"{say_count(len(self.faults), 'fault')}." if self.faults else "nothing is wrong."
        return "\n".join([*lines, f"{show_path(self.folder)}: {files}; {anew}; {wrong}"])


def verify_deposit(
    folder: str | Path, *, replay: bool = True, tell: Callable[[str], None] = lambda line: None
) -> Verified:
    """Check a deposit wherever it lies: a folder, or the zip as it was published. It is not changed.

    Parameters
    ----------
    folder
        The deposit.
    replay
        Make its tables anew, offline, and hold them against those in it.
    tell
        Takes the lines to be shown while the steps run.

    Raises
    ------
    ParameterError
        It is not a deposit.

    Examples
    --------
    >>> import codebook as cb
    >>> study = cb.open_study(run="topics", codebook="codebook.yaml", coders="coders.yaml")
    >>> folder = cb.deposit.write_deposit(study, replay=False).folder
    >>> verify_deposit(folder, replay=False).passes
    True
    """
    with _opened(Path(folder).expanduser().resolve()) as room:
        about = read_about(room)
        faults = [*find_changes(room), *find_keys(room, read_secrets()), *find_unexplained(find_persons(room), about)]
        seconds, setting = None, ""
        if replay and about.steps:
            seconds, differing, setting = _replay(room, about, tell)
            faults += differing
        return Verified(Path(folder), about, len(read_digests(room)), tuple(faults), seconds, setting)


@contextmanager
def _opened(path: Path) -> Iterator[Path]:
    """The folder of a deposit; a zip is unpacked into a folder that is removed afterwards."""
    if path.is_dir():
        yield path
        return
    if not path.is_file() or not zipfile.is_zipfile(path):
        fault = Fault(show_path(path), "it is neither a folder nor a zip", "give what `codebook deposit` wrote")
        fault = fault if path.exists() else missing_file(path)
        raise ParameterError("This is not a deposit.", [fault])
    with tempfile.TemporaryDirectory(prefix="codebook-verify-", ignore_cleanup_errors=True) as place:
        Archive(path)  # refuses one that leads out of its folder, or grows beyond measure
        with zipfile.ZipFile(path) as packed:
            packed.extractall(place)
        inside = [each.parent for each in Path(place).rglob(ABOUT)]
        yield min(inside, key=lambda each: len(each.parts)) if inside else Path(place)


def _replay(room: Path, about: About, tell: Callable[[str], None]) -> tuple[float | None, list[Fault], str]:
    """Replay a copy, so that the deposit stays as it is; return its seconds, what differs, and what is set anew."""
    mend = "the archived replies, the steps or the tables are not those that were deposited: get the deposit again"
    with tempfile.TemporaryDirectory(prefix="codebook-verify-", ignore_cleanup_errors=True) as place:
        copy = Path(place) / "deposit"
        shutil.copytree(room, copy)
        only = None if about.texts == "include" else about.steps
        try:
            replayed = replay_study(copy / "runs" / about.run, copy / STUDY, only=only, tell=tell)
        except CodebookError as error:
            return None, [Fault("replay", str(error).replace(str(copy), "."), mend)], ""
    faults = [Fault("replay", f"{row}", mend) for row in replayed.differences.rows]
    faults += [Fault("replay", each, mend) for each in replayed.damage]
    if replayed.study.state != "done":
        faults.append(Fault("replay", f"its steps ended {replayed.study.state}", mend))
    return round(replayed.seconds, 1), faults, replayed.differences.setting
