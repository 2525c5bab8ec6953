"""One round more in the assignment of a coding folder; what was assigned before stays as it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from codebook.coding.assigning import Design
from codebook.coding.assignments import Assignment, assign, read_assignment, save_assignment, write_assignment
from codebook.coding.kept_units import keep_units
from codebook.errors import Fault, ParameterError
from codebook.paths import show_path
from codebook.records import Unit
from codebook.scheme import Codebook


def add_round(
    folder: Path,
    codebook: Codebook | str | Path,
    units: Iterable[Unit],
    coders: Sequence[str],
    round_name: str,
    design: Design,
    facts: Mapping[str, Any],
) -> Assignment:
    """Assign units in a round of its own, with what else is to be kept of it."""
    every = list(units)
    drawn = assign(every, coders, design, round_name=round_name)
    drawn = replace(drawn, rounds=tuple({**each, **facts} for each in drawn.rounds))
    if not (folder / "assignment.csv").is_file():
        return write_assignment(drawn, codebook, every, folder=folder)
    return join_round(folder, drawn, every)


def join_round(folder: Path, drawn: Assignment, units: Iterable[Unit] = ()) -> Assignment:
    """Put the rows of a round behind those that are there; the same round twice is there once."""
    there = read_assignment(folder)
    if {*drawn.rows} <= {*there.rows}:
        return there
    names = {str(each["round"]) for each in there.rounds}
    if taken := [str(each["round"]) for each in drawn.rounds if str(each["round"]) in names]:
        fault = Fault(
            "round",
            f"there is already another round {taken[0]!r}",
            f"choose another name than {', '.join(sorted(names))}",
        )
        raise ParameterError(f"The round was not added to {show_path(folder)}.", [fault])
    keep_units(folder / "units.jsonl", units)
    joined = replace(there, rows=(*there.rows, *drawn.rows), rounds=(*there.rounds, *drawn.rounds))
    save_assignment(joined, folder)
    return joined


def next_name(there: Assignment, stem: str) -> str:
    """The first name of a round that is free: `norming-1`, `norming-2` and so on."""
    names = {str(each["round"]) for each in there.rounds}
    return next(name for number in range(1, len(names) + 2) if (name := f"{stem}-{number}") not in names)
