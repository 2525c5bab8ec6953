"""From a pilot to the whole: texts, tokens and time, by rule of three."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from codebook.run.result_table import seconds_between
from codebook.run.state import RunStatus
from codebook.run.verbs import Run
from codebook.tasks.packing import count_texts
from codebook.units import Source

if TYPE_CHECKING:
    import pandas as pd


def estimate_whole(pilot: Run, units: Source) -> pd.DataFrame:
    """Say what all the units would take, from the pilot's own tokens and seconds per question.

    Returns
    -------
    DataFrame
        Rows `pilot` and `whole`: texts, questions, tokens in and out, seconds. Seconds are those of the pilot's jobs,
        so they hold for the same engine and machine; the start of an engine weighs more in a small pilot.
    """
    import pandas as pd

    status = pilot.status()
    n_texts = sum(count_texts(unit.unit_id) for unit, skip in pilot.units_with_skips() if skip is None)
    whole = sum(1 for _ in units)
    totals = pilot.totals()
    asked = {
        "texts": n_texts,
        "questions": n_texts * len(pilot.codebook.variables) * pilot.asked["draws"],
        "tokens_in": _known(totals, "tokens_in"),
        "tokens_out": _known(totals, "tokens_out"),
        "seconds": _sum_seconds(status),
    }
    factor = whole / n_texts if n_texts else None
    scaled = {name: _scale(value, factor, 1 if name == "seconds" else None) for name, value in asked.items()}
    frame = pd.DataFrame([{"part": "pilot", **asked}, {"part": "whole, estimated", **scaled}])
    numbers = ["texts", "questions", "tokens_in", "tokens_out"]
    return frame.astype(dict.fromkeys(numbers, "Int64") | {"seconds": "float64"})


def _known(totals: Mapping[str, Any], name: str) -> int | None:
    """Tokens of the pilot by all its answers; None where some of these do not tell them, or there is none."""
    told = totals["answers"] and not totals["answers_without_tokens"]
    return int(totals[name]) if told else None


def _sum_seconds(status: RunStatus) -> float | None:
    """Seconds of the pilot's jobs; None where one has not ended, or there is none."""
    spans = [seconds_between(job.created, job.ended) for job in status.jobs]
    known = [span for span in spans if span is not None]
    return round(sum(known), 1) if known and len(known) == len(spans) else None


def _scale(value: float | None, factor: float | None, digits: int | None) -> float | None:
    return None if value is None or factor is None else round(value * factor, digits)
