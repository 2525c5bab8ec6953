"""A model beside a person on one unit: which of the two is nearer to the other people?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import check_coders, name_some
from codebook.analysis.core.counts import LabelCodes
from codebook.analysis.core.patterns import collapse
from codebook.analysis.core.scales import SET_LEVELS, Floats, Ints, Scale, check_different, label_distances
from codebook.errors import Fault

MIN_UNITS = 30
"""Units below which a person is not tested: the t-test leans on the normal distribution (Calderon et al. 2025)."""

_CLOSE = 1e-9  # two scores nearer than this are equal


@dataclass(frozen=True)
class Duels:
    """A model beside each person on each unit: row by row the unit, the person and who did at least as well.

    Shape (n_duels,). `lost` is whether the person did at least as well as the model; both are true in a tie.
    `n_alone` counts codings of units without a second person, `n_unasked` those of units never put to the model, by
    person, shape (n_humans,).
    """

    unit: Ints
    human: Ints
    won: Floats
    lost: Floats
    n_alone: Ints
    n_unasked: Ints


def read_told(
    table: pd.DataFrame, variable: str, models: Sequence[str], humans: Sequence[str], draw: int
) -> pd.DataFrame:
    """Rows of a variable by models in `draw` and by people in draw 0, all numbered as draw 0."""
    by_model = table["coder"].isin(list(models)) & (table["draw"] == draw)
    by_human = table["coder"].isin(list(humans)) & (table["draw"] == 0)
    return table[(by_model | by_human) & (table["variable"] == variable)].assign(draw=0)


def fight(codings: LabelCodes, model: str, people: Sequence[str]) -> Duels:
    """Score a model and each person against the other people, unit by unit.

    Distances to the others are summed on patterns of labels: a person's own label is at distance 0 of itself, so it
    drops out of the person's sum, and is taken off the model's.
    """
    place = np.full(len(codings.coders), -1)
    for at, name in enumerate(people):
        place[codings.coders.index(name)] = at
    human, given = place[codings.coder], codings.code >= 0
    rows = np.flatnonzero((human >= 0) & given)
    unit, who, own = codings.unit[rows], human[rows], codings.code[rows]
    answers = np.full(len(codings.units), -2)
    by_model = codings.coder == codings.coders.index(model)
    answers[codings.unit[by_model]] = codings.code[by_model]
    said = answers[unit]
    patterns = collapse(unit, own, codings.scale.n_labels, trace=True)
    distances = _score_distances(codings.scale)
    sums = np.append(patterns.counts @ distances, np.full((len(patterns.times), 1), np.inf), axis=1)
    shown = patterns.shown[unit] if len(unit) else unit
    alone = patterns.sizes[shown] < 2
    theirs = sums[shown, own]
    models = sums[shown, np.maximum(said, -1)] - distances[np.maximum(said, 0), own]
    used = ~alone & (said > -2)
    counted = [np.bincount(who[flag], minlength=len(people)) for flag in (alone, ~alone & (said == -2))]
    won, lost = (models <= theirs + _CLOSE)[used], (theirs <= models + _CLOSE)[used]
    return Duels(unit[used], who[used], won.astype(float), lost.astype(float), *counted)


def _score_distances(scale: Scale) -> Floats:
    """What a score sums: unequal labels, squared differences, or distances of sets, shape (n_labels, n_labels)."""
    if scale.level in SET_LEVELS:
        return label_distances(scale)
    check_different(scale.n_labels)
    if scale.level in ("interval", "ratio"):
        return np.asarray((scale.values[:, None] - scale.values[None, :]) ** 2)
    return 1 - np.eye(scale.n_labels)


def check_request(epsilon: float, false_discovery: float, min_units: int) -> list[Fault]:
    """Faults of the settings of the test."""
    faults = []
    if not 0 <= epsilon < 1:
        mend = "state it before you look: .2 where the people are experts, .15 for skilled people, .1 for a crowd"
        faults.append(Fault("epsilon", f"{epsilon!r} is not a share from 0 to 1", mend))
    if not 0 < false_discovery < 1:
        faults.append(Fault("false_discovery", f"{false_discovery!r} is not between 0 and 1", "pass .05"))
    if min_units < 2:
        faults.append(Fault("min_units", f"a t-test of {min_units} units is not defined", f"pass {MIN_UNITS}"))
    return faults


def check_names(table: pd.DataFrame, models: Sequence[str], humans: Sequence[str]) -> list[Fault]:
    """Faults of who is named as a model and as a person."""
    faults = [
        Fault(what, f"{names!r} is one text", "pass a list of coders")
        for what, names in (("models", models), ("humans", humans))
        if isinstance(names, str)
    ]
    if faults:
        return faults
    if both := sorted(set(models) & set(humans)):
        faults.append(Fault("humans", f"{name_some(both)} is also a model", "name each coder once"))
    if not models:
        faults.append(Fault("models", "none is named", "name the coder to be tested"))
    if len(set(humans)) < 2:
        mend = "have two people or more, better three, code the same units"
        faults.append(Fault("humans", f"{len(set(humans))} named: nobody is left to compare with", mend))
    return [*faults, *check_coders(table, [*models, *humans])]
