"""Which gold sample the gold at hand was drawn by: the one that is named, or else the run's own."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from codebook.analysis.core.codings import GoldSample
from codebook.errors import Fault
from codebook.paths import resolve_path, show_path
from codebook.sampling.files import read_gold_sample

GOLD_SAMPLE = "gold_sample.jsonl"
"""Name of a run's own gold sample, in its folder."""

NONE = "none"
"""In place of a sample's file: use none, though one may lie beside the run."""


def open_gold_sample(
    folder: str | Path, *, file: str = "", part: str = "test", unlock: bool = False
) -> GoldSample | None:
    """Find the sample by whose chances gold units are to be weighted.

    Gold that was drawn with unequal chances shows other figures than the whole, so a sample that lies beside the run
    is used unless it is told otherwise.

    Parameters
    ----------
    folder
        Of the run, where its own sample lies.
    file
        Of the sample; empty for the run's own if there is one, "none" for no sample.
    part, unlock
        As in `read_gold_sample`. A part that is locked is a fault only where it is used.

    Raises
    ------
    ParameterError
        No such file.
    RecordError
        The file is damaged.
    """
    path = resolve_path(file) if file else resolve_path(folder) / GOLD_SAMPLE
    if file == NONE:
        return GoldSample(pd.DataFrame(columns=["unit_id", "prob"]), declined=True)
    if not file and not path.is_file():
        return None
    is_locked = path.is_file() and part != "dev" and not unlock
    locked = (_refuse_locked(path, part),) if is_locked else ()
    sample = read_gold_sample(path, part=part, unlock=True)
    return GoldSample(sample, show_path(path), part, locked, named=bool(file))


def _refuse_locked(path: Path, part: str) -> Fault:
    ways = "`unlock: true` once prompt and codebook are final; until then `part: dev`, or `sample: none` for no sample"
    return Fault(show_path(path), f"the part {part!r} is locked", f"set {ways}")
