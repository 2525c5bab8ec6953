"""What a project's own past says: how long jobs take, how many answers an hour, which runs belong to which study."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from codebook.ground.quantities import say_count

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    _Past = tuple[NDArray[Any], NDArray[Any]]  # seconds and sizes of past jobs

JOB_TIMES = ("created", "submitted", "seen", "expires", "ended")
"""The columns of a frame of jobs that hold a time."""
NO_HISTORY = "no history yet"
WINDOW = timedelta(hours=24)
"""Within this time services promise a batch, where they name no time of its end."""
_JUST_NOW = timedelta(minutes=2)
"""By so much two clocks may differ before a time that is still to come is taken for a clock that was put back."""
_DAY_S, _HOUR_S, _MINUTE_S = 86_400, 3_600, 60
_SLACK_S = 1_800.0
_SIMILAR = 3
"""Jobs are of similar size up to this factor of requests; and so many jobs are enough to go by their size."""


class RunFacts(NamedTuple):
    """What `run.json` says of a run: its study, engine, model, when it was planned, and the file of its units.

    Empty is unknown. Of a run that was planned without a study, `study` is the codebook's name. `changed` is what a
    version has otherwise than the one before.
    """

    study: str = ""
    engine: str = ""
    model: str = ""
    planned_at: str = ""
    units: str = ""
    changed: str = ""


def read_facts(runs: Path, names: Iterable[str]) -> dict[str, RunFacts]:
    """Return the facts of the runs below a folder; a record that is gone or damaged gives empty ones."""
    return {name: _read_facts(runs / name / "run.json") for name in names}


def _read_facts(path: Path) -> RunFacts:
    try:
        record = orjson.loads(path.read_bytes())
        asking = record["asked"]
        units = str((record["units"].get("source") or {}).get("file", ""))
        changed = "; ".join(record.get("version", {}).get("differs", []))
        study = record.get("study") or record["codebook"]["name"]
        about = (study, asking["engine"], asking["model"], record["planned_at"])
        return RunFacts(*about, units, changed)
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError):
        return RunFacts()


def say_seconds(seconds: float) -> str:
    """Say how long, in the two largest units.

    Examples
    --------
    >>> say_seconds(42), say_seconds(11_100), say_seconds(176_400)
    ('42 s', '3 h 5 min', '2 d 1 h')
    """
    whole = max(0, int(seconds))
    for size, unit, small, small_unit in ((_DAY_S, "d", _HOUR_S, "h"), (_HOUR_S, "h", _MINUTE_S, "min")):
        if whole >= size:
            rest = whole % size // small
            return f"{whole // size} {unit}" + (f" {rest} {small_unit}" if rest else "")
    return f"{whole // _MINUTE_S} min" if whole >= _MINUTE_S else f"{whole} s"


def say_moment(moment: datetime) -> str:
    """Say when, by the clock of this machine; the day only where it is not today.

    Examples
    --------
    >>> from datetime import UTC
    >>> say_moment(datetime(2026, 3, 1, 12, tzinfo=UTC)).startswith("2026-0")
    True
    """
    there, today = moment.astimezone(), datetime.now().astimezone().date()
    return f"{there:%H:%M %Z}" if there.date() == today else f"{there:%Y-%m-%d %H:%M %Z}"


def seconds_between(start: str | None, end: str | None) -> float | None:
    """Return the seconds between two times of the ledger; None where the clock was put back in between."""
    if not start or not end:
        return None
    seconds = (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()
    return seconds if seconds >= 0 else None


def sum_seconds(spans: Iterable[tuple[str | None, str | None]]) -> float | None:
    """Seconds of jobs from their making to their end; None where one has not ended, or there is none."""
    seconds = [seconds_between(*span) for span in spans]
    known = [each for each in seconds if each is not None]
    return round(sum(known), 1) if known and len(known) == len(seconds) else None


def find_ages(created: pd.Series[Any], moment: datetime) -> pd.Series[Any]:
    """Say how long ago each time was; missing where the clock has been put back since, so that nobody knows.

    Examples
    --------
    >>> import pandas as pd
    >>> made = pd.Series(pd.to_datetime(["2026-03-01 00:00", "2026-03-02 00:01", "2027-04-07 00:00"], utc=True))
    >>> list(find_ages(made, pd.Timestamp("2026-03-02", tz="UTC")).dt.total_seconds())
    [86400.0, 0.0, nan]
    """
    ages: pd.Series[Any] = moment - created
    ages = ages.where(ages > -_JUST_NOW)
    return ages.mask(ages < timedelta(0), timedelta(0))


def find_due(expires: datetime | None, submitted: datetime | None) -> datetime | None:
    """Return when a job should have ended: when its service gives it up, else a day after it was handed in."""
    return expires or (submitted + WINDOW if submitted else None)


def as_times(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return times of the ledger (text, UTC) as times; empty is missing."""
    import pandas as pd

    texts = column.where(column.notna() & (column != ""), None)
    return pd.to_datetime(texts, utc=True, format="ISO8601").astype("datetime64[us, UTC]")


class Expected(NamedTuple):
    """How long a job should take, in seconds, and by how much more it may before it is late; None where unknown."""

    seconds: float | None = None
    spread_s: float | None = None
    rests_on: str = ""


class Outlook(NamedTuple):
    """When a running job should end, what that rests on, and from when on it is late; None where unknown."""

    end: datetime | None = None
    rests_on: str = ""
    late_at: datetime | None = None


def expect_ends(jobs: pd.DataFrame) -> pd.DataFrame:
    """Say when the running jobs of a frame should end, by the completed jobs of the same engine in it.

    The median duration of jobs of similar size is taken where there are three; else, of three or more jobs, the median
    of seconds per request; else the median duration of what there is. It is never later than the service's own end.

    Returns
    -------
    DataFrame
        `expected_end` (UTC; missing without history, and for jobs that do not run), `expected_from`, which says what
        it rests on, and `late_at`, from when on the job is late: where it takes much longer than those before it, and
        in any case past the end that its service promised; same index.
    """
    import pandas as pd

    done = jobs[(jobs["state"] == "completed") & jobs["created"].notna() & jobs["ended"].notna()]
    seconds = (done["ended"] - done["created"]).dt.total_seconds()
    done, seconds = done[seconds >= 0], seconds[seconds >= 0]  # else the clock was put back in between
    past: dict[str, _Past] = {
        str(engine): (seconds[done["engine"] == engine].to_numpy(), of_engine["requests"].to_numpy())
        for engine, of_engine in done.groupby("engine")
    }
    known: dict[tuple[str, int], Expected] = {}
    expected: list[Expected] = []
    for engine, requests, runs in zip(jobs["engine"], jobs["requests"], is_running(jobs), strict=True):
        if runs and (engine, requests) not in known:
            known[engine, requests] = _expect(past.get(engine), requests)
        expected.append(known[engine, requests] if runs else Expected())
    due = jobs["expires"].fillna(jobs["submitted"] + WINDOW).where(is_running(jobs))
    end = jobs["created"] + _as_spans([each.seconds for each in expected], jobs.index)
    late = end + _as_spans([each.spread_s for each in expected], jobs.index)
    frame = pd.DataFrame({"expected_end": end.where(~(end > due), due)}, index=jobs.index)
    frame["expected_from"] = [each.rests_on for each in expected]
    return frame.assign(late_at=late.where(late < due, due))


def _as_spans(seconds: list[float | None], index: pd.Index[Any]) -> pd.Series[Any]:
    import pandas as pd

    spans = pd.to_timedelta(pd.Series(seconds, index=index, dtype=float), unit="s")
    return spans.astype("timedelta64[us]")  # as exact as the times of jobs; datetime warns of what it cannot hold


def _expect(past: _Past | None, requests: int) -> Expected:
    return Expected(rests_on=NO_HISTORY) if past is None else expect_duration(*past, requests)


def expect_duration(seconds: NDArray[Any], sizes: NDArray[Any], requests: int) -> Expected:
    """Return how long a job of so many requests should take, from durations and sizes of past jobs.

    It is late where it takes more than twice as long, longer than the longest of them, and half an hour more.

    Examples
    --------
    >>> import numpy as np
    >>> expect_duration(np.array([60.0, 80.0, 70.0, 9000.0]), np.array([100, 100, 120, 9000]), 110)
    Expected(seconds=70.0, spread_s=1800.0, rests_on='3 jobs of similar size')
    >>> expect_duration(np.array([60.0, 60.0, 90.0]), np.array([10, 10, 10]), 100)[::2]
    (600.0, '3 jobs, scaled by requests')
    """
    import numpy as np

    similar = seconds[(sizes <= requests * _SIMILAR) & (sizes * _SIMILAR >= requests)]
    if len(similar) >= _SIMILAR:
        return _judge(similar, f"{say_count(len(similar), 'job')} of similar size")
    if len(seconds) >= _SIMILAR:
        return _judge(seconds / sizes * requests, f"{say_count(len(seconds), 'job')}, scaled by requests")
    return Expected(float(np.median(seconds)), None, say_count(len(seconds), "job"))


def _judge(durations: NDArray[Any], rests_on: str) -> Expected:
    import numpy as np

    middle = float(np.median(durations))
    return Expected(middle, max(middle, float(durations.max()) - middle, _SLACK_S), rests_on)


def is_running(jobs: pd.DataFrame) -> pd.Series[bool]:
    """Whether an engine may still be at work on each job."""
    return jobs["created"].notna() & jobs["ended"].isna() & (jobs["job_id"] != "")


def busy_hours(jobs: pd.DataFrame) -> pd.Series[float]:
    """Return for how long at least one job of each run was at work, in hours, by run; jobs side by side count once."""
    spans = jobs[["run", "created", "ended"]].dropna().sort_values(["run", "created"])
    runs = spans["run"]
    busy_until = spans.groupby("run")["ended"].cummax().groupby(runs).shift()
    start = spans["created"].where(busy_until.isna() | (spans["created"] > busy_until), busy_until)
    seconds = (spans["ended"] - start).dt.total_seconds().clip(lower=0)
    return seconds.groupby(runs).sum() / 3600
