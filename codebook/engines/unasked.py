"""Nobody is asked while a study is replayed: what the archive does not answer is an error, whoever would answer it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn

from codebook.engines.protocol import Engine
from codebook.errors import ReplayError
from codebook.records import Shard

_MARK = ".replayed"


def mark_replayed(runs: Path) -> None:
    """Have nobody asked by the runs of a folder."""
    (runs / _MARK).touch()


def is_replayed(runs: Path) -> bool:
    """Whether nobody is asked by the runs of a folder."""
    return (runs / _MARK).is_file()


class Unasked:
    """An engine as it says of itself who it is, and that answers nothing.

    Examples
    --------
    >>> from codebook.engines import make_engine
    >>> Unasked(make_engine("embedded", folder=Path("work"))).fetch("job-1")
    Traceback (most recent call last):
    codebook.errors.ReplayError: the archive lacks the answers of job job-1. Nobody is asked in a replay. To mend: ...
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def check_ready(self) -> None:
        """Nothing is needed to answer nothing."""

    def may_know(self, _job_key: str) -> bool:
        """No job is ever made."""
        return False

    def submit(self, shard: Shard, *_: object) -> NoReturn:
        """Refuse to ask."""
        self._refuse(f"has no answer to {shard.n_requests:,} questions ({shard.path.name})")

    def fetch(self, job_id: str, *_: object) -> NoReturn:
        """Refuse to ask."""
        self._refuse(f"lacks the answers of job {job_id}")

    submit_anew, poll, find, cancel, delete_files = submit, fetch, fetch, fetch, fetch

    def _refuse(self, problem: str) -> NoReturn:
        raise ReplayError(
            f"the archive {problem}. Nobody is asked in a replay. To mend: give codebook, units and settings as they "
            "were when it was recorded; or run the study without --replay, which asks what is new."
        )
