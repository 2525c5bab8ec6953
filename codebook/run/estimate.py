"""From a pilot to the whole: texts, tokens and time, by rule of three."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codebook.run.labels import seconds_between
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
        "tokens_in": totals["tokens_in"],
        "tokens_out": totals["tokens_out"],
        "seconds": round(sum(seconds_between(job.created, job.ended) or 0.0 for job in status.jobs), 1),
    }
    factor = whole / n_texts if n_texts else 0.0
    scaled = {name: round(value * factor, 1 if name == "seconds" else None) for name, value in asked.items()}
    return pd.DataFrame([{"part": "pilot", **asked}, {"part": "whole, estimated", **scaled}])
