"""Findings in words: one sentence for the top of the report, with number, interval, n and what it is held against."""

from __future__ import annotations

import pandas as pd

from codebook.analysis.core.empty import why_empty


def note_on(frame: pd.DataFrame) -> str:
    """Say what a frame of the analysis carries beside its numbers: its own note, replicates, seed, lost ids.

    Examples
    --------
    >>> frame = pd.DataFrame({"alpha": [0.3]})
    >>> frame.attrs = {"seed": 1, "replicates": 1000, "note": "Units with one coding are left out."}
    >>> note_on(frame)
    'Units with one coding are left out. 95 % intervals from 1,000 bootstrap replicates, seed 1.'
    """
    if why_empty(frame):
        return " ".join(frame.attrs.get("joins", []))
    said = [str(frame.attrs["note"])] if frame.attrs.get("note") else []
    if frame.attrs.get("resampled"):
        said.append(f"Resampled are {frame.attrs['resampled']}.")
    if frame.attrs.get("replicates"):
        share = 100 * frame.attrs.get("confidence", 0.95)
        how = f"{frame.attrs['replicates']:,} bootstrap replicates, seed {frame.attrs['seed']}"
        said.append(f"{share:g} % intervals from {how}.")
    said += frame.attrs.get("joins", [])
    return " ".join(said)
