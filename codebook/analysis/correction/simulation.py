"""Studies made up so that the truth is known: how often does each way report an effect that is not there?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import raise_faults
from codebook.analysis.core.scales import Floats
from codebook.analysis.correction.model_matrix import Design
from codebook.analysis.correction.moments import fit_parts
from codebook.analysis.correction.regression import spread_normal
from codebook.errors import Fault

WAYS = (
    "model labels only",
    "gold only",
    "corrected",
    "corrected, doubtful units drawn more often",
    "the same, chances forgotten",
)
"""What is compared, in this order."""

_SHARE = 0.3  # of units with the label where group is 0
_RIGHT = ((0.70, 0.986), (0.98, 0.866))  # by group: share right with the label, and without; each .9 in all
_FLOOR = 0.2


def make_study(n_units: int, n_gold: int, *, effect: float = 0.0, seed: int = 1) -> pd.DataFrame:
    """A study of units in two groups, labelled by a model that is right in 90 % of either, but errs differently.

    In group 0 it misses the label, in group 1 it gives it too freely. `effect` is the true log odds ratio of the label
    between the groups.

    Returns
    -------
    pd.DataFrame
        group (0, 1), truth, predicted; gold and prob of a simple random sample; gold_doubt and prob_doubt of one in
        which units that the model doubts are drawn more often (each by itself, with its own chance).

    Examples
    --------
    >>> study = make_study(5000, 300)
    >>> bool(abs((study["truth"] == study["predicted"]).mean() - 0.9) < 0.02), int(study["gold"].notna().sum())
    (True, 300)
    """
    rng = np.random.default_rng(seed)
    group = np.arange(n_units) % 2
    odds = np.log(_SHARE / (1 - _SHARE)) + effect * group
    truth = rng.random(n_units) < 1 / (1 + np.exp(-odds))
    right = rng.random(n_units) < np.array(_RIGHT)[group, np.where(truth, 0, 1)]
    predicted = np.where(right, truth, ~truth)
    drawn = np.isin(np.arange(n_units), rng.choice(n_units, n_gold, replace=False))
    doubt = np.where(right, rng.beta(1, 3, n_units), rng.beta(2, 2, n_units))
    chance = _chances(doubt, n_gold)
    doubted = rng.random(n_units) < chance
    return pd.DataFrame(
        {
            **{"group": group, "truth": truth.astype(float), "predicted": predicted.astype(float)},
            **{"gold": np.where(drawn, truth, np.nan), "prob": n_gold / n_units},
            **{"gold_doubt": np.where(doubted, truth, np.nan), "prob_doubt": chance},
        }
    )


def simulate_studies(
    replicates: int = 100, *, n_units: int = 5000, n_gold: int = 300, effect: float = 0.0, seed: int = 1
) -> pd.DataFrame:
    """Estimates of the effect of the group, by each way, in many studies.

    Returns
    -------
    pd.DataFrame
        `study`, `way`, `estimate`, `se`, `low`, `high`; `attrs`: effect, n_units, n_gold, replicates, seed.

    Raises
    ------
    StatisticError
        No studies, or no more units than gold units.

    Examples
    --------
    >>> simulate_studies(1, seed=2)[["way", "estimate", "se"]].round(2)
                                              way  estimate    se
    0                           model labels only      0.84  0.06
    1                                   gold only      0.21  0.27
    2                                   corrected     -0.10  0.22
    3  corrected, doubtful units drawn more often      0.08  0.17
    4                 the same, chances forgotten     -0.48  0.24
    """
    raise_faults("No studies can be made.", _check(replicates, n_units, n_gold))
    seeds = np.random.SeedSequence(seed).generate_state(replicates)
    parts = []
    for study, own in enumerate(seeds):
        data = make_study(n_units, n_gold, effect=effect, seed=int(own))
        parts.append(_estimate(data).assign(study=study))
    frame = pd.concat(parts, ignore_index=True)[["study", "way", "estimate", "se", "low", "high"]]
    frame.attrs = {"effect": effect, "n_units": n_units, "n_gold": n_gold, "replicates": replicates, "seed": seed}
    return frame


def summarise_studies(studies: pd.DataFrame) -> pd.DataFrame:
    """How often each way finds an effect, and how often its interval holds the true one.

    Returns
    -------
    pd.DataFrame
        `way`, `found` (share of studies whose interval leaves out zero: with no effect these are false), `found_low`
        and `found_high` (Wilson), `covered` (share whose interval holds the true effect), `estimate` (mean), `se`
        (mean), `spread` (standard deviation of the estimates), `n_studies`.
    """
    effect = float(studies.attrs.get("effect", 0.0))
    rows = []
    for way, part in studies.groupby("way", sort=False):
        found = (part["low"] > 0) | (part["high"] < 0)
        covered = (part["low"] <= effect) & (effect <= part["high"])
        low, high = _wilson(float(found.mean()), len(part))
        rows.append(
            {
                **{"way": way, "found": found.mean(), "found_low": low, "found_high": high},
                **{"covered": covered.mean(), "estimate": part["estimate"].mean(), "se": part["se"].mean()},
                **{"spread": part["estimate"].std(), "n_studies": len(part)},
            }
        )
    frame = pd.DataFrame(rows)
    frame.attrs = {**studies.attrs, "note": "Intervals of 95 %. Found: the interval leaves out zero."}
    return frame


def _estimate(data: pd.DataFrame) -> pd.DataFrame:
    """The five estimates in one study, by the solver of `correct`."""
    random, doubted = _read_design(data, "gold", "prob"), _read_design(data, "gold_doubt", "prob_doubt")
    blind = replace(doubted, prob=np.full(len(doubted.gold), len(doubted.gold) / len(data)))
    corrected = [design.corrected_parts() for design in (random, doubted, blind)]
    every = [random.model_parts(), random.gold_parts(), *corrected]
    fits = [fit_parts(parts, "logistic", np.arange(len(data))) for parts in every]
    return pd.DataFrame([spread_normal(fit.estimate[1], fit.se[1], 0.95) for fit in fits]).assign(way=WAYS)


def _read_design(data: pd.DataFrame, gold: str, prob: str) -> Design:
    """What `correct` makes of the formula ``gold ~ group``."""
    at = np.flatnonzero(data[gold].notna())
    x = np.column_stack([np.ones(len(data)), data["group"].to_numpy(float)])
    y, human = data["predicted"].to_numpy(float), data[gold].to_numpy(float)[at]
    chance = data[prob].to_numpy(float)
    return Design(("Intercept", "group"), x, y, x[at], human, at, chance[at] * len(at) / chance.sum())


def _chances(doubt: Floats, n_gold: int) -> Floats:
    """Chances that grow with doubt, with a floor, and sum to n_gold."""
    base = _FLOOR / len(doubt) + (1 - _FLOOR) * doubt / doubt.sum()
    return np.asarray(np.minimum(n_gold * base, 1.0))


def _wilson(share: float, n: int) -> tuple[float, float]:
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(round(share * n), n, method="wilson")
    return float(low), float(high)


def _check(replicates: int, n_units: int, n_gold: int) -> list[Fault]:
    faults = []
    if replicates < 1:
        faults.append(Fault("replicates", f"{replicates} studies are none", "pass 100"))
    if not 10 <= n_gold < n_units:
        problem, mend = f"{n_gold:,} gold of {n_units:,} units", "pass 10 or more gold units, and more units than that"
        faults.append(Fault("n_gold", problem, mend))
    return faults
