"""What a project's own past says: how long jobs take, how many answers an hour, which runs belong to which study."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import orjson

if TYPE_CHECKING:
    import pandas as pd

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
    past = {engine: seconds[done["engine"] == engine] for engine in done["engine"].unique()}
    sizes = done["requests"]
    durations, said = [], []
    for engine, requests, runs in zip(jobs["engine"], jobs["requests"], is_running(jobs), strict=True):
        known = past.get(engine)
        seconds_s, rests_on = (
            (None, NO_HISTORY) if known is None else expect_duration(known, sizes[known.index], requests)
        )
        durations.append(seconds_s if runs else None)
        said.append(rests_on if runs else "")
    expected = jobs["created"] + pd.to_timedelta(pd.Series(durations, index=jobs.index, dtype=float), unit="s")
    return pd.DataFrame({"expected_end": expected, "expected_from": pd.Series(said, index=jobs.index, dtype=object)})


def expect_duration(seconds: pd.Series[float], sizes: pd.Series[int], requests: int) -> tuple[float, str]:
    """Return (seconds, what they rest on) for a job of so many requests, from durations and sizes of past jobs.

    Examples
    --------
    >>> import pandas as pd
    >>> expect_duration(pd.Series([60.0, 80.0, 70.0, 900.0]), pd.Series([100, 100, 120, 9000]), 110)
    (70.0, '3 jobs of similar size')
    >>> expect_duration(pd.Series([60.0, 60.0, 90.0]), pd.Series([10, 10, 10]), 100)
    (600.0, '3 jobs, scaled by requests')
    """
    similar = seconds[(sizes <= requests * _SIMILAR) & (sizes * _SIMILAR >= requests)]
    if len(similar) >= _SIMILAR:
        return float(similar.median()), f"{len(similar)} jobs of similar size"
    if len(seconds) >= _SIMILAR:
        return float((seconds / sizes).median() * requests), f"{len(seconds)} jobs, scaled by requests"
    return float(seconds.median()), f"{len(seconds)} job{'s' * (len(seconds) > 1)}"


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
