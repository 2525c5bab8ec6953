"""What a project's own past says: how long jobs take, how many answers an hour, which runs belong to which study."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import orjson

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

NO_HISTORY = "no history yet"
_SIMILAR = 3
"""Jobs are of similar size up to this factor of requests; and so many jobs are enough to go by their size."""


class RunFacts(NamedTuple):
    """What `run.json` says of a run: name of the codebook, engine, model, and when it was planned; empty if unknown."""

    study: str = ""
    engine: str = ""
    model: str = ""
    planned_at: str = ""


def read_facts(runs: Path, names: Iterable[str]) -> dict[str, RunFacts]:
    """Return the facts of the runs below a folder; a record that is gone or damaged gives empty ones."""
    return {name: _read_facts(runs / name / "run.json") for name in names}


def _read_facts(path: Path) -> RunFacts:
    try:
        record = orjson.loads(path.read_bytes())
        asked = record["asked"]
        return RunFacts(record["codebook"]["name"], asked["engine"], asked["model"], record["planned_at"])
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError):
        return RunFacts()


def expect_ends(jobs: pd.DataFrame) -> pd.DataFrame:
    """Say when the running jobs of a frame should end, by the completed jobs of the same engine in it.

    The median duration of jobs of similar size is taken where there are three; else, of three or more jobs, the median
    of seconds per request; else the median duration of what there is.

    Returns
    -------
    DataFrame
        `expected_end` (UTC; missing without history, and for jobs that do not run) and `expected_from`, which says what
        it rests on; same index.
    """
    import pandas as pd

    done = jobs[(jobs["state"] == "completed") & jobs["created"].notna() & jobs["ended"].notna()]
    seconds = (done["ended"] - done["created"]).dt.total_seconds()
    past = {
        engine: (seconds[done["engine"] == engine].to_numpy(), of_engine["requests"].to_numpy())
        for engine, of_engine in done.groupby("engine")
    }
    known: dict[tuple[str, int], tuple[float | None, str]] = {}
    found: list[tuple[float | None, str]] = []
    for engine, requests, runs in zip(jobs["engine"], jobs["requests"], is_running(jobs), strict=True):
        if runs and (engine, requests) not in known:
            known[engine, requests] = expect_duration(*past[engine], requests) if engine in past else (None, NO_HISTORY)
        found.append(known[engine, requests] if runs else (None, ""))
    durations = pd.Series([duration_s for duration_s, _ in found], index=jobs.index, dtype=float)
    expected = jobs["created"] + pd.to_timedelta(durations, unit="s")
    return pd.DataFrame({"expected_end": expected, "expected_from": [said for _, said in found]}, index=jobs.index)


def expect_duration(seconds: NDArray[np.float64], sizes: NDArray[np.int64], requests: int) -> tuple[float | None, str]:
    """Return (seconds, what they rest on) for a job of so many requests, from durations and sizes of past jobs.

    Examples
    --------
    >>> import numpy as np
    >>> expect_duration(np.array([60.0, 80.0, 70.0, 900.0]), np.array([100, 100, 120, 9000]), 110)
    (70.0, '3 jobs of similar size')
    >>> expect_duration(np.array([60.0, 60.0, 90.0]), np.array([10, 10, 10]), 100)
    (600.0, '3 jobs, scaled by requests')
    """
    import numpy as np

    similar = seconds[(sizes <= requests * _SIMILAR) & (sizes * _SIMILAR >= requests)]
    if len(similar) >= _SIMILAR:
        return float(np.median(similar)), f"{len(similar)} jobs of similar size"
    if len(seconds) >= _SIMILAR:
        return float(np.median(seconds / sizes) * requests), f"{len(seconds)} jobs, scaled by requests"
    return float(np.median(seconds)), f"{len(seconds)} job{'s' * (len(seconds) > 1)}"


def is_running(jobs: pd.DataFrame) -> pd.Series[bool]:
    """Whether an engine may still be at work on each job."""
    return jobs["created"].notna() & jobs["ended"].isna() & (jobs["job_id"] != "")


def busy_hours(jobs: pd.DataFrame) -> float:
    """Return for how long at least one of these jobs was at work, in hours; jobs side by side count once."""
    spans = jobs[["created", "ended"]].dropna().sort_values("created")
    hours, until = 0.0, None
    for created, ended in spans.itertuples(index=False, name=None):
        start = created if until is None else max(created, until)
        if ended > start:
            hours += (ended - start).total_seconds() / 3600
        until = ended if until is None else max(until, ended)
    return hours
