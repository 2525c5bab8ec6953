"""One score of many: a weighted mean, or a logistic regression where some pairs are labelled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from codebook.analysis.entities.name_lists import Truth, check_columns, raise_faults
from codebook.analysis.entities.scores import score_columns
from codebook.analysis.entities.truth import label_pairs
from codebook.errors import Fault

Floats = NDArray[np.float64]

MEAN_WEIGHTS = {
    **{"cosine": 1.0, "token_sort": 1.0, "jaro_winkler": 1.0, "weighted_overlap": 1.0, "grams": 1.0},
    **{"cosine_lead": 2.0, "token_sort_lead": 1.0, "weighted_overlap_lead": 1.0, "grams_lead": 1.0},
}
"""Weights without labelled pairs; a compared column weighs 1, what is not named 0."""


@dataclass(frozen=True, slots=True)
class PairModel:
    """Logistic regression with ridge over scores at mean 0 and deviation 1: a weight a score, all of them to be read.

    `n_same` and `n_different` are the labelled pairs it was fitted on.

    Examples
    --------
    >>> model = PairModel(("cosine",), (2.0,), 0.0, (0.5,), (0.25,), 1.0, 10, 30)
    >>> model.names
    ('cosine',)
    """

    names: tuple[str, ...]
    weights: tuple[float, ...]
    intercept: float
    means: tuple[float, ...]
    deviations: tuple[float, ...]
    ridge: float
    n_same: int
    n_different: int

    def table(self) -> pd.DataFrame:
        """Weights, largest first: how the log odds change with one deviation of a score."""
        frame = pd.DataFrame({"score": self.names, "weight": self.weights, "mean": self.means, "sd": self.deviations})
        return frame.sort_values("weight", key=abs, ascending=False, ignore_index=True)

    def predict(self, scores: pd.DataFrame) -> Floats:
        """Probability that a pair is the same, as the labelled pairs have it, shape (n_pairs,)."""
        values = _standard(scores, self.names, np.array(self.means), np.array(self.deviations))
        return _sigmoid(values @ np.array(self.weights) + self.intercept)


def fit_pairs(
    scores: pd.DataFrame,
    truth: Truth,
    *,
    names: Sequence[str] = (),
    ridge: float = 1.0,
    seed: int = 1,
    half: str = "choose",
) -> PairModel:
    """Fit the weights of the scores on the labelled pairs of one half of the entities.

    Newton's method (iteratively reweighted least squares) with a penalty of `ridge / 2` times the squared weights.

    Parameters
    ----------
    truth
        Entity of each mention id.
    names
        Scores to be used; empty for all.
    seed, half
        Of the split by entities; the other half is left for the figures. An empty `half` takes all pairs.

    Raises
    ------
    TableError
        Truth or a score is missing.
    ParameterError
        The half has no pair of one of the two kinds.

    Examples
    --------
    >>> import pandas as pd
    >>> from codebook.analysis.entities import Names, candidate_pairs, score_pairs
    >>> forms = ["Ann Lee", "Lee, Ann", "Ann Li", "Bo Ek", "Ek, Bo", "Bo Eck"]
    >>> names = Names(pd.DataFrame({"mention_id": list("abcdef"), "name": forms}))
    >>> scores = score_pairs(candidate_pairs(names), names)
    >>> model = fit_pairs(scores, dict(zip("abcdef", "112334")), names=["word_overlap"], half="")
    >>> model.n_same, model.n_different, model.weights[0] > 0
    (2, 4, True)
    """
    names = tuple(names or score_columns(scores))
    raise_faults("The weights cannot be fitted.", check_columns(scores, names, "pairs", "pass those of score_pairs"))
    labelled = label_pairs(scores, truth, seed=seed)
    used = labelled[(labelled["found_by"] != "form") & ((labelled["half"] == half) | (not half))]
    same = used["same"].to_numpy(dtype=float)
    if not 0 < same.sum() < len(same):
        problem = f"{int(same.sum())} of {len(same)} pairs are the same"
        fault = Fault(f"half {half!r}", problem, "label more entities, or combine without a model")
        raise_faults("The weights cannot be fitted.", [fault])
    raw = used[list(names)].to_numpy(dtype=float)
    means, deviations = np.nanmean(raw, axis=0), np.nanstd(raw, axis=0)
    deviations = np.where(deviations > 0, deviations, 1)
    weights = _newton(_standard(used, names, means, deviations), same, ridge)
    return PairModel(
        names=names,
        weights=tuple(weights[:-1].tolist()),
        intercept=float(weights[-1]),
        means=tuple(means.tolist()),
        deviations=tuple(deviations.tolist()),
        ridge=ridge,
        n_same=int(same.sum()),
        n_different=int(len(same) - same.sum()),
    )


def combine_scores(
    scores: pd.DataFrame, model: PairModel | None = None, *, weights: Mapping[str, float] | None = None
) -> pd.DataFrame:
    """Return the pairs with `score`: of the model, or a weighted mean of the scores that are not missing.

    Examples
    --------
    >>> pairs = pd.DataFrame({"found_by": ["both"], "token_sort": [0.8], "cosine": [0.9], "word_overlap": [0.0]})
    >>> combine_scores(pairs, weights={"token_sort": 1, "cosine": 1})["score"].round(2).tolist()
    [0.85]
    """
    if model is not None:
        return scores.assign(score=_equal_forms(scores, model.predict(scores)))
    weights = dict(weights or mean_weights(scores))
    raise_faults("The scores cannot be combined.", check_columns(scores, weights, "pairs", "name its scores"))
    values, shares = scores[list(weights)].to_numpy(dtype=float), np.array(list(weights.values()), dtype=float)
    there = ~np.isnan(values)
    total = np.where(there, values, 0) @ shares
    return scores.assign(score=_equal_forms(scores, total / np.maximum(there @ shares, 1e-12)))


def _equal_forms(scores: pd.DataFrame, combined: Floats) -> Floats:
    """Rows that count as one have score 1."""
    return np.where(scores["found_by"] == "form", 1.0, combined)


def mean_weights(scores: pd.DataFrame) -> dict[str, float]:
    """Weights of the mean of the scores that are there, where no pair is labelled."""
    there = score_columns(scores)
    weights = {name: MEAN_WEIGHTS.get(name, 1.0 if name.startswith("same_") else 0.0) for name in there}
    return {name: weight for name, weight in weights.items() if weight}


def _standard(scores: pd.DataFrame, names: Sequence[str], means: Floats, deviations: Floats) -> Floats:
    """Scores at mean 0 and deviation 1; a missing one is at the mean, so it says nothing."""
    values = (scores[list(names)].to_numpy(dtype=float) - means) / deviations
    return np.nan_to_num(values, nan=0.0)


def _newton(values: Floats, same: Floats, ridge: float, steps: int = 50) -> Floats:
    """Weights and, last, the intercept, which is not penalised."""
    design = np.column_stack([values, np.ones(len(values))])
    penalty = np.full(design.shape[1], ridge)
    penalty[-1] = 1e-9
    weights = np.zeros(design.shape[1])
    for _ in range(steps):
        chances = _sigmoid(design @ weights)
        gradient = design.T @ (chances - same) + penalty * weights
        bend = (design * (chances * (1 - chances))[:, None]).T @ design + np.diag(penalty + 1e-9)
        step = np.linalg.solve(bend, gradient)
        weights = weights - step
        if np.abs(step).max() < 1e-8:
            break
    return weights


def _sigmoid(values: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(values, -35, 35))), dtype=np.float64)
