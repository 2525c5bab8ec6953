"""Model labels made better with the gold: each unit's is predicted by a regression that has not seen its own gold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import raise_faults
from codebook.analysis.core.scales import Floats, Ints
from codebook.analysis.correction.inputs import ABOUT, Inputs
from codebook.errors import Fault


@dataclass(frozen=True)
class CrossFit:
    """Into how many folds, how often the units are split anew, and from which seed; 0 folds is no cross-fitting."""

    folds: int = 0
    splits: int = 10
    seed: int = 1

    def check(self) -> list[Fault]:
        """Faults of the settings."""
        if (self.folds == 0 or self.folds >= 2) and self.splits >= 1:
            return []
        problem = f"{self.folds} folds and {self.splits} splits"
        return [Fault("cross_fit, splits", problem, "pass cross_fit=0 for none or 5, and splits=10")]


def refine_labels(
    inputs: Inputs, how: CrossFit, *, gold: Sequence[str], predicted: Sequence[str], names: Sequence[str]
) -> list[Inputs]:
    """The inputs once for each split, with model labels replaced by cross-fitted predictions of the gold.

    The prediction is a linear regression of gold on model labels and the other columns of the formula, gold units
    weighted by 1/prob. Folds are of clusters where there are any.

    Raises
    ------
    StatisticError
        Labels are text, or too few gold units remain outside a fold.
    """
    raise_faults(ABOUT, _check_numbers(inputs, [*gold, *predicted]))
    features = _feature_matrix(inputs.frame, [*predicted, *names])
    outcomes = inputs.frame[list(gold)].astype(float).to_numpy()[inputs.gold]
    rng = np.random.default_rng(how.seed)
    refined = []
    for _ in range(how.splits):
        fold = (rng.permutation(int(inputs.cluster.max()) + 1) % how.folds)[inputs.cluster]
        guesses = _predict(features, outcomes, inputs, fold)
        columns = dict(zip(predicted, guesses.T, strict=True))
        refined.append(replace(inputs, frame=inputs.frame.assign(**columns)))
    return refined


def _predict(features: Floats, outcomes: Floats, inputs: Inputs, fold: Ints) -> Floats:
    """Predictions of each gold column for every unit, shape (n_units, n_columns)."""
    guesses = np.empty((len(features), outcomes.shape[1]))
    for number in range(int(fold.max()) + 1):
        seen = fold[inputs.gold] != number
        if seen.sum() <= features.shape[1]:
            problem = f"a fold leaves {int(seen.sum())} gold units for {features.shape[1]} coefficients"
            raise_faults(ABOUT, [Fault("cross_fit", problem, "take cross_fit=0, or code more gold")])
        root = np.sqrt(1 / inputs.prob[seen])[:, None]
        known = features[inputs.gold[seen]]
        line = np.linalg.lstsq(root * known, root * outcomes[seen], rcond=None)[0]
        guesses[fold == number] = features[fold == number] @ line
    return guesses


def _feature_matrix(frame: pd.DataFrame, names: Sequence[str]) -> Floats:
    columns = frame[list(dict.fromkeys(names))]
    opened = pd.get_dummies(columns, drop_first=True).astype(float).to_numpy()
    return np.column_stack([np.ones(len(frame)), opened])


def _check_numbers(inputs: Inputs, names: Sequence[str]) -> list[Fault]:
    faults = []
    for name in names:
        kind = pd.api.types.infer_dtype(inputs.frame[name], skipna=True)
        if kind not in ("boolean", "floating", "integer", "mixed-integer-float"):
            mend = f"make a column of 0 and 1, e.g. of {name} == 'sports', or take cross_fit=0"
            faults.append(Fault(f"column {name!r}", "labels of text cannot be cross-fitted", mend))
    return faults
