"""A norming round: units coded before, coded again by the same coders after the codebook was changed."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

from codebook.coding.assignments import FOLDER, Assigned, Assignment, read_assignment
from codebook.coding.coding_log import now
from codebook.coding.deciding.sides import MAIN, read_disputes
from codebook.coding.rounds.adding import join_round, next_name
from codebook.errors import Fault, ParameterError, unknown_choice
from codebook.files.lines import digest
from codebook.ground.quantities import say_count
from codebook.paths import resolve_path
from codebook.scheme import read_codebook

WHICH = ("disputed", "random")
"""From which units a round is drawn: those on which coders differ, or all that they have coded."""


def add_norming(
    n: int = 20, which: str = "disputed", *, folder: str | Path = FOLDER, variable: str = "", seed: int = 1
) -> Assignment:
    """Draw units that are coded, and give them to the same coders again in a separate round.

    A disputed unit teaches most. To measure whether the codebook has become better draw at random: units that were
    chosen because coders differed agree more the second time by chance alone.

    Parameters
    ----------
    n
        Units; all where there are fewer.
    which
        `disputed` or `random`.
    variable
        On which coders differ; empty for the first of the codebook.

    Returns
    -------
    Assignment
        With the round `norming-1`, or the next number that is free.

    Raises
    ------
    ParameterError
        No unit is there to draw.

    Examples
    --------
    >>> from codebook.coding import Trial
    >>> _ = Trial.example("trial")
    >>> add_norming(10, folder="trial").rounds[-1]["round"]
    'norming-1'
    """
    place = resolve_path(folder)
    there = read_assignment(place)
    chosen = read_codebook(there.codebook).variable(variable).name
    disputes = read_disputes(place, there, chosen)
    units = [unit for unit, each in disputes.items() if each.is_disputed or (which == "random" and each.is_complete)]
    faults = unknown_choice("which", which, WHICH)
    if which in WHICH and not units:
        waiting = say_count(sum(bool(each.waiting) for each in disputes.values()), "unit")
        mend = f"wait until coders have finished ({waiting} left), or pass which='random'"
        faults.append(Fault("units", f"no unit is {'disputed' if which == WHICH[0] else 'coded twice'}", mend))
    ParameterError.raise_any("The norming round cannot be drawn.", faults)
    name = next_name(there, "norming")
    drawn = random.Random(f"{seed}:{name}").sample(units, min(n, len(units)))
    rows = [row for coder in there.coders for row in _order(there, coder, drawn, name, seed)]
    about = {"round": name, "at": now(), "which": which, "variable": chosen, "seed": seed, "n_units": len(drawn)}
    note = {**about, "coders": list(dict.fromkeys(row.coder for row in rows)), "unit_ids": digest(*drawn)}
    return join_round(place, replace(there, rows=tuple(rows), rounds=(note,)))


def _order(there: Assignment, coder: str, units: list[str], name: str, seed: int) -> list[Assigned]:
    """The drawn units of a coder, in another order for each."""
    coded = {row.unit_id for row in there.rows if row.coder == coder and row.round == MAIN}
    mine = [unit for unit in units if unit in coded]
    random.Random(f"{seed}:{name}:{coder}").shuffle(mine)
    return [Assigned(unit, coder, place, name) for place, unit in enumerate(mine, start=1)]
