"""Regressions with labels of a model, corrected by a gold sample: beside the model's alone and the gold's alone."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from statistics import NormalDist

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import carry_joins, raise_faults
from codebook.analysis.core.empty import make_empty, why_empty
from codebook.analysis.correction.crossfit import CrossFit, refine_labels
from codebook.analysis.correction.inputs import ABOUT, Inputs, listed, read_inputs
from codebook.analysis.correction.model_matrix import Design, build_design, find_names, swap_labels
from codebook.analysis.correction.moments import FAMILIES, Fit, fit_parts, no_fit
from codebook.analysis.correction.sentences import NOTE, SOURCES, find_warnings, package_versions
from codebook.errors import Fault


def correct(
    formula: str,
    data: pd.DataFrame,
    *,
    gold: str | Sequence[str] = "gold",
    predicted: str | Sequence[str] = "predicted",
    prob: str = "prob",
    sample: pd.DataFrame | None = None,
    family: str = "linear",
    cluster: str | None = None,
    cross_fit: int = 0,
    splits: int = 10,
    confidence: float = 0.95,
    seed: int = 1,
) -> pd.DataFrame:
    """Regress with model labels as outcome, covariate or both; correct by the gold units.

    Design-based supervised learning (Egami, Hinck, Stewart and Wei 2023): the estimating equation of a unit is
    m(model) + R/prob * (m(gold) - m(model)), R = 1 for gold units; standard errors are the sandwich, by cluster where
    one is named. It holds however wrong the model is, if gold was drawn with the stated probabilities.

    Parameters
    ----------
    formula
        As the formulaic package reads it; the gold column's name stands for the label, e.g. ``gold ~ age`` or
        ``votes ~ gold + C(party)``. Of text labels name one: ``{gold == "sports"} ~ age``.
    data
        One row a unit, e.g. of `pair_with_gold`, with covariates. `gold` is empty where a unit is no gold unit.
    gold, predicted
        Column, or columns in the same order, of gold labels and of the model's.
    prob
        Column with the chance with which each unit was drawn for gold. Where every unit has one, they are scaled so
        that their mean is the share of gold units, as the R package dsl does (1 in samples of fixed size).
    sample
        Of `draw_gold` or `read_gold_sample`: gives the probabilities by `unit_id` and says which units are gold.
    family
        "linear", "logistic" or "poisson".
    cross_fit, splits
        Folds in which model labels are first regressed on the gold (linear, with the formula's other columns), and how
        often the units are split anew; coefficients are medians over splits. 0 folds takes model labels as they are.

    Returns
    -------
    pd.DataFrame
        Three rows a coefficient: `coefficient`, `source` (model labels only, gold only, corrected), `estimate`, `se`,
        `low`, `high`, `p` (two-sided, normal), `n` (units), `n_gold`, `reason` (why it is NaN). `attrs`: formula,
        family, n_units, n_gold, dropped (units left out, by reason), n_clusters, prob_scale, seed, warnings, note,
        versions, coverage where the data carry it.

    Raises
    ------
    StatisticError
        All faults of the data at once: unknown columns, missing or impossible probabilities, missing clusters.

    Examples
    --------
    >>> data = pd.DataFrame({"x": [0, 1] * 6, "predicted": [0, 1, 0, 1, 0, 1, 0, 1, 1, 1, 0, 0], "prob": 0.5})
    >>> data["gold"] = [0, 1, 0, 0, 1, 1] + [None] * 6
    >>> frame = correct("gold ~ x", data, family="linear")
    >>> frame[["coefficient", "source", "estimate", "n_gold"]].round(2)
      coefficient             source  estimate  n_gold
    0   Intercept  model labels only      0.17       0
    1   Intercept          gold only      0.33       6
    2   Intercept          corrected      0.50       6
    3           x  model labels only      0.67       0
    4           x          gold only      0.33       6
    5           x          corrected     -0.00       6
    """
    golds, labels = listed(gold), listed(predicted)
    how = CrossFit(cross_fit, splits, seed)
    if reason := why_empty(data) or _find_silence(data, labels):
        return make_empty(reason, ["coefficient", "source", "estimate", "low", "high"], table=data)
    names = find_names(formula)
    raise_faults(ABOUT, [*_check_settings(family, confidence), *how.check(), *_check_use(golds, names)])
    others = sorted(names - set(golds))
    columns = {"gold": golds, "predicted": labels}
    inputs = read_inputs(data, **columns, names=others, prob=prob, cluster=cluster, sample=sample)
    design = build_design(formula, inputs, **columns, family=family)
    fits = fit_sources(design, inputs, family)
    if how.folds and not _find_lack(design, family):
        refined = refine_labels(inputs, how, **columns, names=others)
        swapped = [swap_labels(design, build_design(formula, each, **columns, family="")) for each in refined]
        fits["corrected"] = _combine([fit_parts(each.corrected_parts(), family, inputs.cluster) for each in swapped])
    frame = pd.DataFrame(list(_list_rows(design, fits, confidence)))
    frame.attrs = {
        **{"formula": formula, "family": family, "gold": golds, "predicted": labels, "cluster": cluster or ""},
        **{"n_units": len(design.y), "n_gold": len(design.gold), "dropped": inputs.dropped},
        **{"n_clusters": inputs.n_clusters, "prob_scale": inputs.prob_scale, "confidence": confidence},
        "weighted": True,
        **{"cross_fit": cross_fit, "splits": splits if cross_fit else 0, "seed": seed},
        **{"warnings": find_warnings(inputs, len(design.terms)), "note": NOTE, "versions": package_versions()},
        **{name: data.attrs[name] for name in ("coverage",) if name in data.attrs},
        **carry_joins(data, told=_say_dropped(inputs.dropped, len(data))),
    }
    return frame


def _say_dropped(dropped: Mapping[str, int], n_units: int) -> list[str]:
    """What is to be told of units without a model label or a covariate."""
    parts = ", ".join(f"{name} in {n:,}" for name, n in dropped.items())
    return [f"Of {n_units:,} units those with a gap are left out: {parts}."] if parts else []


def fit_sources(design: Design, inputs: Inputs, family: str) -> dict[str, Fit]:
    """The three fits by source; gold that identifies no fit of its own corrects nothing either."""
    n_terms = len(design.terms)
    model = fit_parts(design.model_parts(), family, inputs.cluster)
    if reason := _find_lack(design, family):
        return dict(zip(SOURCES, (model, no_fit(n_terms, reason), no_fit(n_terms, reason)), strict=True))
    human = fit_parts(design.gold_parts(), family, inputs.cluster)
    corrected = fit_parts(design.corrected_parts(), family, inputs.cluster)
    return dict(zip(SOURCES, (model, human, corrected), strict=True))


def _find_lack(design: Design, family: str) -> str:
    """Why the gold units cannot carry the regression; empty where they can."""
    n_gold, n_terms = design.x_gold.shape
    if n_gold <= n_terms:
        s = "" if n_gold == 1 else "s"
        return f"{n_gold} gold unit{s} for {n_terms} coefficients: code more gold"
    if family != "linear" and np.ptp(design.y_gold) == 0:
        return f"the outcome is {design.y_gold[0]:g} in every gold unit: draw gold by label, so that it varies"
    if np.linalg.matrix_rank(design.x_gold) < n_terms:
        idle = [t for t, column in zip(design.terms, design.x_gold.T, strict=True) if np.ptp(column) == 0]
        named = [term for term in idle if term != "Intercept"]
        what = f"{', '.join(named)} never varies" if named else "terms are collinear"
        return f"{what} in the gold units: draw gold by label or stratum, or leave the term out"
    return ""


def _combine(fits: Sequence[Fit]) -> Fit:
    """Median over splits of the units, as R dsl: squared errors take up the spread of the splits."""
    if reasons := [fit.reason for fit in fits if fit.reason]:
        return no_fit(len(fits[0].estimate), reasons[0])
    estimates = np.array([fit.estimate for fit in fits])
    middle = np.median(estimates, axis=0)
    squares = np.array([fit.se**2 for fit in fits]) + (estimates - middle) ** 2
    return Fit(middle, np.diag(np.median(squares, axis=0)))


def _list_rows(design: Design, fits: dict[str, Fit], confidence: float) -> Iterator[dict[str, object]]:
    n_units, n_gold = len(design.y), len(design.gold)
    sizes = dict(zip(SOURCES, ((n_units, 0), (n_gold, n_gold), (n_units, n_gold)), strict=True))
    for at, term in enumerate(design.terms):
        for source, fit in fits.items():
            n, n_of_gold = sizes[source]
            yield {
                **{"coefficient": term, "source": source},
                **spread_normal(float(fit.estimate[at]), float(fit.se[at]), confidence),
                **{"n": n, "n_gold": n_of_gold, "reason": fit.reason},
            }


def spread_normal(estimate: float, se: float, confidence: float) -> dict[str, float]:
    """Estimate, standard error, interval and two-sided p by the normal distribution.

    Examples
    --------
    >>> {name: round(value, 3) for name, value in spread_normal(0.75042, 0.29477, 0.95).items()}
    {'estimate': 0.75, 'se': 0.295, 'low': 0.173, 'high': 1.328, 'p': 0.011}
    """
    reach = NormalDist().inv_cdf((1 + confidence) / 2) * se
    p = math.erfc(abs(estimate / se) / math.sqrt(2)) if se > 0 else math.nan
    return {"estimate": estimate, "se": se, "low": estimate - reach, "high": estimate + reach, "p": p}


def _check_settings(family: str, confidence: float) -> list[Fault]:
    faults = []
    if family not in FAMILIES:
        faults.append(Fault("family", f"{family!r} is not known", f"pass one of {', '.join(FAMILIES)}"))
    if not 0 < confidence < 1:
        faults.append(Fault("confidence", f"{confidence} is not between 0 and 1", "pass a share, e.g. .95"))
    return faults


def _find_silence(data: pd.DataFrame, labels: Sequence[str]) -> str:
    """Why there is nothing to correct, where the model gave no label; empty where it gave some."""
    if len(data) and set(labels) <= set(data) and data[list(labels)].isna().all(axis=None):
        return "No unit has a label of the model: nothing to correct."
    return ""


def _check_use(golds: Sequence[str], names: set[str]) -> list[Fault]:
    idle = [name for name in golds if name not in names]
    mend = "let the gold column's name stand for the label in the formula, or do not name it"
    return [Fault("formula", f"it does not use {', '.join(map(repr, idle))}", mend)] if idle else []
