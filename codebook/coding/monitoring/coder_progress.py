"""How far each coder is: done, left, flagged, skipped, to be coded anew, minutes and pace."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from codebook.analysis.core.result import Facts, Result
from codebook.coding.assignments import FOLDER, Assigned, read_assignment
from codebook.coding.coder_state import CoderState
from codebook.coding.coding_log import CodingLog, log_path
from codebook.coding.kept_units import KeptUnits
from codebook.coding.sessions.session import CodingSession
from codebook.coding.sessions.session_plan import SessionPlan
from codebook.ground.quantities import UNKNOWN, format_figure, say_count
from codebook.paths import resolve_path
from codebook.scheme import read_codebook

_COUNTS = ("total", "done", "left", "skipped", "flagged", "recode")
_COLUMNS = ("coder", "round", *_COUNTS, "minutes", "per_hour", "minutes_left", "last")
_LEAST_MINUTES = 0.1  # a pace from less would be no more than chance
_NOTE = (
    "Minutes count from the display of a unit to the decision, without pauses of more than ten minutes; the pace is "
    "not known at the very start."
)
_ANEW = "To code again: these were coded under an earlier definition."


def coding_progress(folder: str | Path = FOLDER) -> Result:
    """How far each coder is in each round. Logs are only read, so coders can go on coding.

    Returns
    -------
    Result
        One row per coder and round: total, done, left, skipped, flagged, recode, minutes, per_hour, minutes_left (NaN
        until known), last (time of the last act, empty before the first).

    Raises
    ------
    ParameterError
        There is no assignment.

    Examples
    --------
    >>> from codebook.coding import Trial
    >>> _ = Trial.example("trial")
    >>> print(coding_progress("trial").finding)
    80 of 80 assigned units are coded.
    """
    place = resolve_path(folder)
    rows = list(_list_rows(place))
    frame = pd.DataFrame(rows, columns=list(_COLUMNS)).astype(dict.fromkeys(("per_hour", "minutes_left"), float))
    facts = Facts(n_units=int(frame["total"].sum()), n_coders=frame["coder"].nunique())
    remarks = (_ANEW, _NOTE) if frame["recode"].any() else (_NOTE,)
    result = Result(frame, "progress", "Progress of the coders", "coverage", facts)
    return replace(result, finding=_say(frame), remarks=remarks, table=_print(frame))


def _list_rows(folder: Path) -> Iterator[dict[str, Any]]:
    assignment = read_assignment(folder)
    book, units = read_codebook(assignment.codebook), KeptUnits(folder / "units.jsonl")
    parts: dict[tuple[str, str], list[Assigned]] = {}
    for row in sorted(assignment.rows, key=lambda row: row.place):
        parts.setdefault((row.coder, row.round), []).append(row)
    logs = {coder: CodingLog(log_path(folder, coder), read_only=True) for coder in assignment.coders}
    for (coder, round_name), rows in sorted(parts.items()):
        session = CodingSession(SessionPlan(coder, book, tuple(rows), units, round=round_name), logs[coder])
        yield {"coder": coder, "round": round_name, **_measure(session, round_name)}


def _measure(session: CodingSession, round_name: str) -> dict[str, Any]:
    """What a session says of itself, with minutes and pace of its round alone."""
    progress = session.progress()
    acts = [act for act in session.log.acts if act.get("round", "main") == round_name and "unit" in act]
    minutes = CoderState(act for act in acts if act["act"] == "label").minutes
    pace = 60 * progress["done"] / minutes if minutes >= _LEAST_MINUTES and progress["done"] else None
    left = None if pace is None else 60 * progress["left"] / pace
    last = str(acts[-1]["time"]) if acts else ""
    counts = {name: progress[name] for name in _COUNTS}
    return {**counts, "minutes": minutes, "per_hour": pace, "minutes_left": left, "last": last}


def _say(frame: pd.DataFrame) -> str:
    done, total, skipped = (int(frame[name].sum()) for name in ("done", "total", "skipped"))
    slowest = frame.sort_values("left", ascending=False, kind="stable").iloc[0]
    parts = [f"{done:,} of {say_count(total, 'assigned unit')} are coded"]
    parts += [f"{skipped:,} skipped"] if skipped else []
    parts += [f"{slowest['coder']} has most left ({slowest['left']:,})"] if slowest["left"] else []
    return f"{'; '.join(parts)}."


def _print(frame: pd.DataFrame) -> pd.DataFrame:
    """Seven columns: who, how many of how many, what is left, skipped and flagged, pace and time left."""
    several = frame["round"].nunique() > 1
    names = frame["coder"] + (", " + frame["round"] if several else "")
    anew = ["" if not n else f" ({n:,} to code again)" for n in frame["recode"]]
    return pd.DataFrame(
        {
            "Coder": names,
            "Done": [
                f"{done:,} of {total:,}{more}"
                for done, total, more in zip(frame["done"], frame["total"], anew, strict=True)
            ],
            "Left": frame["left"],
            "Skipped": frame["skipped"],
            "Flagged": frame["flagged"],
            "Per hour": [format_figure(pace, 0, "amount") for pace in frame["per_hour"]],
            "Minutes left": [UNKNOWN if left != left else f"{left:,.0f}" for left in frame["minutes_left"]],
        }
    )
