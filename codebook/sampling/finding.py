"""Which gold sample the gold at hand was drawn by: the one that is named, or else the run's own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from codebook.errors import Fault, ParameterError
from codebook.paths import resolve_path, show_path
from codebook.sampling.files import read_gold_sample

GOLD_SAMPLE = "gold_sample.jsonl"
"""Name of a run's own gold sample, in its folder."""

NONE = "none"
"""In place of a sample's file: use none, though one may lie beside the run."""


@dataclass(frozen=True)
class FoundSample:
    """The part of a gold sample that is to be used, or None if all gold units weigh the same; `said` tells which."""

    frame: pd.DataFrame | None
    said: str


def find_gold_sample(
    folder: str | Path,
    table: pd.DataFrame,
    *,
    gold: str,
    variable: str,
    file: str = "",
    part: str = "test",
    unlock: bool = False,
) -> FoundSample:
    """Find the sample by whose chances gold units are to be weighted.

    Gold that was drawn with unequal chances shows other figures than the whole, so a sample that lies beside the run
    is used unless it is told otherwise. Where every unit of the run has a gold label there is nothing to weigh.

    Parameters
    ----------
    folder
        Of the run, where its own sample lies.
    table
        Tidy table with the run's labels and the gold.
    file
        Of the sample; empty for the run's own if there is one, "none" for no sample.
    part, unlock
        As in `read_gold_sample`.

    Raises
    ------
    ParameterError
        No such file, or the part is locked.
    RecordError
        The file is damaged.

    Examples
    --------
    >>> from codebook.codings import make_table
    >>> row = {"unit_id": "7", "variable": "tone", "label": "good"}
    >>> table = make_table([row | {"coder": "m", "run_id": "r"}, row | {"coder": "gold"}])
    >>> find_gold_sample("runs/r", table, gold="gold", variable="tone").said
    'There is no gold sample: all gold units weigh the same.'
    """
    own = resolve_path(folder) / GOLD_SAMPLE
    path = resolve_path(file) if file else own
    if file == NONE:
        return FoundSample(None, "No gold sample is used, as asked: all gold units weigh the same.")
    if not file and not own.is_file():
        return FoundSample(None, "There is no gold sample: all gold units weigh the same.")
    if not file and (why := _why_unused(table, gold, variable)):
        return FoundSample(None, f"{show_path(path)} is not used: {why}.")
    if path.is_file() and part != "dev" and not unlock:
        raise ParameterError("The gold sample is locked.", [_refuse_locked(path, part)])
    sample = read_gold_sample(path, part=part, unlock=unlock)
    chances = f"chances of {sample['prob'].min():.3g} to {sample['prob'].max():.3g}"
    return FoundSample(sample, f"{show_path(path)}: {len(sample):,} gold units (part {part!r}), weighted by {chances}.")


def _refuse_locked(path: Path, part: str) -> Fault:
    ways = "`unlock: true` once prompt and codebook are final; until then `part: dev`, or `sample: none` for no sample"
    return Fault(show_path(path), f"the part {part!r} is locked", f"set {ways}")


def _why_unused(table: pd.DataFrame, gold: str, variable: str) -> str:
    """Why the gold of a table is not weighted by the run's own sample; empty if it is."""
    rows = table[table["variable"] == variable]
    labelled = set(rows.loc[(rows["coder"] == gold) & rows["label"].notna(), "unit_id"])
    if not labelled:
        return f"no unit has a label of {gold!r} yet"
    every = set(rows.loc[rows["run_id"] != "", "unit_id"])
    return f"every unit of the run has a label of {gold!r}" if every <= labelled else ""
