"""Coded units as examples in the codebook, drawn with a seed; the others are left to be coded and to be tested on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import orjson

from codebook.errors import Fault, ParameterError
from codebook.records import Unit
from codebook.scheme import Category, Codebook, Example, Variable
from codebook.units import Source
from codebook.units.left_out import LeftOut

if TYPE_CHECKING:
    import pandas as pd


def draw_examples(
    codebook: Codebook,
    units: Source,
    table: pd.DataFrame,
    *,
    n_each: int = 8,
    seed: int = 1,
    coder: str = "gold",
    variable: str = "",
) -> tuple[Codebook, LeftOut]:
    """Put coded units into the codebook as examples; return it and the units that are left.

    The same seed draws the same units. Units that are not asked, and units of several images, are not drawn.

    Parameters
    ----------
    table
        Tidy table with the labels of `coder`, such as `read_coders` returns it.
    n_each
        How many units a category; of kind `multi`, units that have this category alone.
    variable
        Which variable; the first where empty.

    Raises
    ------
    ParameterError
        A category has fewer coded units than that.
    """
    asked = codebook.variable(variable)
    chosen = _choose(_by_label(table, asked, coder), _drawable(units), asked, n_each, seed)
    places = {unit_id: label for label, ids in chosen.items() for unit_id in ids}
    drawn = {unit.unit_id: unit for unit in units if unit.unit_id in places}
    categories = [_add(category, (drawn[one] for one in chosen[category.name])) for category in asked.categories]
    told = asked.model_copy(update={"categories": tuple(categories)})
    variables = tuple(told if one.name == asked.name else one for one in codebook.variables)
    book = codebook.model_dump() | {"variables": [one.model_dump() for one in variables]}
    return Codebook.model_validate(book), LeftOut(units, frozenset(places))


def _drawable(units: Source) -> frozenset[str]:
    return frozenset(unit.unit_id for unit in units if len(unit.files) <= 1)


def _by_label(table: pd.DataFrame, asked: Variable, coder: str) -> dict[str, list[str]]:
    """Ids of the units that have each label, in their own order."""
    rows = table[(table["coder"] == coder) & (table["variable"] == asked.name) & table["label"].notna()]
    found: dict[str, list[str]] = {}
    for unit_id, label in sorted(zip(rows["unit_id"], rows["label"], strict=True)):
        alone = orjson.loads(label) if asked.kind == "multi" else [label]
        if len(alone) == 1:
            found.setdefault(alone[0], []).append(unit_id)
    return found


def _choose(
    found: dict[str, list[str]], drawable: frozenset[str], asked: Variable, n_each: int, seed: int
) -> dict[str, list[str]]:
    dice, faults, chosen = np.random.default_rng(seed), list[Fault](), dict[str, list[str]]()
    for label in asked.scale:
        ids = [unit_id for unit_id in found.get(label, ()) if unit_id in drawable]
        if len(ids) < n_each:
            mend = f"draw at most {len(ids)} each, or code more units"
            faults.append(Fault(f"n_each = {n_each}", f"{label!r} has {len(ids)} coded units", mend))
        chosen[label] = [ids[place] for place in dice.permutation(len(ids))[:n_each]]
    if faults:
        raise ParameterError("There are not enough coded units to draw examples from.", faults)
    return chosen


def _add(category: Category, units: Iterable[Unit]) -> Category:
    examples = [Example(text=unit.text, image=unit.files[0].path if unit.files else "") for unit in units]
    return category.model_copy(update={"examples": (*category.examples, *examples)})
