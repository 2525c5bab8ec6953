"""Nobody is asked while a study is replayed: what the archive does not answer is an error, whoever would answer it."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

from codebook.engines.protocol import Engine
from codebook.errors import ReplayError
from codebook.records import Shard

_MARK = ".replayed"


def mark_replayed(runs: Path) -> None:
    """Let the runs of a folder ask no engine."""
    (runs / _MARK).touch()


def is_replayed(runs: Path) -> bool:
    """Whether the runs of a folder ask no engine."""
    return (runs / _MARK).is_file()


class Unasked:
    """An engine with its name and properties that answers nothing.

    Parameters
    ----------
    engine
        The engine whose properties count.
    model, answerer
        Who was asked, by the record of a run, where there is one: the engine may have another model by now.

    Examples
    --------
    >>> from codebook.engines import make_engine
    >>> Unasked(make_engine("embedded", folder=Path("work")), "embedded-1").model
    'embedded-1'
    """

    def __init__(self, engine: Engine, model: str = "", answerer: str = "") -> None:
        self.about, self.name, self.limits = engine.about, engine.name, engine.limits
        self.model = model or engine.model
        self.answerer = answerer or engine.answerer

    def check_ready(self) -> None:
        """Nothing is needed to answer nothing."""

    def may_know(self, _job_key: str) -> bool:
        """No job is ever made."""
        return False

    def submit(self, shard: Shard, *_: object) -> NoReturn:
        """Refuse to ask.

        Raises
        ------
        ReplayError
            Always.
        """
        self._refuse(f"has no answer to {shard.n_requests:,} questions ({shard.path.name})")

    def fetch(self, job_id: str, *_: object) -> NoReturn:
        """Refuse to ask."""
        self._refuse(f"lacks the answers of job {job_id}")

    poll, find, cancel = fetch, fetch, fetch

    def _refuse(self, problem: str) -> NoReturn:
        raise ReplayError(
            f"the archive {problem}. Nobody is asked in a replay. To mend: give codebook, units and settings as they "
            "were when it was recorded; or run the study without --replay, which asks what is new."
        )
