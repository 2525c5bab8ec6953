"""A model beside a person on one unit: which of the two is nearer to the other people?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from codebook.analysis.counts import Codings
from codebook.analysis.patterns import collapse
from codebook.analysis.scales import SET_LEVELS, Floats, Ints, Scale, check_different, label_distances

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


def fight(codings: Codings, model: str, people: Sequence[str]) -> Duels:
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
