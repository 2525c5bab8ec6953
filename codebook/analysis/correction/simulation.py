"""Studies made up so that the truth is known: how often does each way report an effect that is not there?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import raise_faults
from codebook.analysis.core.drawing import dress_axes, literal, new_figure, say_in_picture, wrap
from codebook.analysis.core.result import Facts, Result
from codebook.analysis.core.scales import Floats
from codebook.analysis.core.standard_errors import wilson_interval
from codebook.analysis.correction.model_matrix import Design
from codebook.analysis.correction.moments import fit_parts, spread_normal
from codebook.errors import Fault
from codebook.ground.quantities import say_percent
from codebook.outputs.figure_style import BASELINE, INK, MISSED, Axes, Figure, house_style

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
_DRAWN = 60
"""Studies that the figure has room for; all are counted."""


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
) -> Result:
    """Estimates of the effect of the group, by each way, in many studies: how often is one found that is not there?

    Returns
    -------
    Result
        `study`, `way`, `estimate`, `se`, `low`, `high`; its table and sentence are of `rate_ways`.

    Raises
    ------
    StatisticError
        No studies, or no more units than gold units.

    Examples
    --------
    >>> simulate_studies(1, seed=2).frame[["way", "estimate", "se"]].round(2)
                                              way  estimate    se
    0                           model labels only      0.84  0.06
    1                                   gold only      0.21  0.27
    2                                   corrected     -0.10  0.22
    3  corrected, doubtful units drawn more often      0.08  0.17
    4                 the same, chances forgotten     -0.48  0.24
    """
    raise_faults("No studies can be made.", _check(replicates, n_units, n_gold))
    seeds = np.random.SeedSequence(seed).generate_state(replicates)
    parts = [
        _estimate(make_study(n_units, n_gold, effect=effect, seed=int(state))).assign(study=study)
        for study, state in enumerate(seeds)
    ]
    frame = pd.concat(parts, ignore_index=True)[["study", "way", "estimate", "se", "low", "high"]]
    rates = rate_ways(frame, effect)
    shares = [say_percent(share) for share in rates["found"]]
    sources = f"in {shares[0]} by the model labels alone, in {shares[1]} by the gold alone, in {shares[2]} corrected"
    size = f"{replicates:,} studies of {n_units:,} units and {n_gold:,} gold units, seed {seed}; model right in 90 %."
    return Result(
        frame,
        "false_findings",
        "Effects that are found" if effect else "False findings",
        "correction",
        facts=Facts(n_units=n_units),
        finding=f"In {replicates:,} studies an effect is found {sources}.",
        remarks=(size, "Intervals of 95 %. Found: the interval leaves out zero."),
        table=rates[["way", "found", "found_low", "found_high", "covered", "estimate", "spread"]],
        figure=lambda: _plot_studies(frame, rates, effect),
    )


def rate_ways(studies: pd.DataFrame, effect: float = 0.0) -> pd.DataFrame:
    """How often each way finds an effect, and how often its interval holds the true one.

    Returns
    -------
    pd.DataFrame
        `way`, `found` (share of studies whose interval leaves out zero: with no effect these are false), `found_low`
        and `found_high` (Wilson), `covered` (share whose interval holds the true effect), `estimate` (mean), `se`
        (mean), `spread` (standard deviation of the estimates), `n_studies`.

    Examples
    --------
    >>> from codebook.analysis.correction import simulate_studies
    >>> rate_ways(simulate_studies(5, n_gold=100, n_units=400).frame)[["way", "n_studies"]]
                                              way  n_studies
    0                           model labels only          5
    1                                   gold only          5
    2                                   corrected          5
    3  corrected, doubtful units drawn more often          5
    4                 the same, chances forgotten          5
    """
    rows = []
    for way, part in studies.groupby("way", sort=False):
        leaves_out = (part["low"] > 0) | (part["high"] < 0)
        covered = (part["low"] <= effect) & (effect <= part["high"])
        low, high = wilson_interval(int(leaves_out.sum()), len(part))
        rows.append(
            {
                **{"way": way, "found": leaves_out.mean(), "found_low": low, "found_high": high},
                **{"covered": covered.mean(), "estimate": part["estimate"].mean(), "se": part["se"].mean()},
                **{"spread": part["estimate"].std(), "n_studies": len(part)},
            }
        )
    return pd.DataFrame(rows)


def _estimate(data: pd.DataFrame) -> pd.DataFrame:
    """The five estimates in one study, by the solver of `correct`."""
    random, doubted = _read_design(data, "gold", "prob"), _read_design(data, "gold_doubt", "prob_doubt")
    blind = replace(doubted, prob=np.full(len(doubted.gold), len(doubted.gold) / len(data)))
    corrected = [design.corrected_parts() for design in (random, doubted, blind)]
    parts = [random.model_parts(), random.gold_parts(), *corrected]
    fits = [fit_parts(part, "logistic", np.arange(len(data))) for part in parts]
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


def _check(replicates: int, n_units: int, n_gold: int) -> list[Fault]:
    faults = []
    if replicates < 1:
        faults.append(Fault("replicates", f"{replicates} studies are none", "pass 100"))
    if not 10 <= n_gold < n_units:
        problem, mend = f"{n_gold:,} gold of {n_units:,} units", "pass 10 or more gold units, and more units than that"
        faults.append(Fault("n_gold", problem, mend))
    return faults


@house_style()
def _plot_studies(studies: pd.DataFrame, rates: pd.DataFrame, effect: float) -> Figure:
    """Intervals of the first studies, a panel per way, marked where they leave out the true effect; all are counted."""
    n_studies = int(studies["study"].nunique())
    n_drawn = min(_DRAWN, n_studies)
    figure = new_figure("two", 82)
    panels = figure.subplots(1, len(rates), sharey=True, squeeze=False)[0]
    for axes, row in zip(panels, rates.to_dict("records"), strict=True):
        part = studies[studies["way"] == row["way"]]
        _draw_way(axes, part[part["study"] < n_drawn], effect)
        axes.set_title(wrap(str(row["way"]), 22))
        n_wrong = n_studies - round(row["covered"] * n_studies)
        axes.set_xlabel(
            f"{say_percent(n_wrong / n_studies)} {'miss it' if effect else 'find one'}\n{n_wrong:,} of {n_studies:,}"
        )
    panels[0].set_ylabel("difference of the groups (log odds ratio)")
    drawn = "all of them drawn" if n_drawn == n_studies else f"the first {n_drawn:,} drawn, all counted"
    truth = f"true effect {effect:g}" if effect else "no effect is there"
    say_in_picture(
        figure, f"{n_studies:,} made-up studies, {drawn}; {truth}. Bars: 95 % intervals; diamonds leave out the truth."
    )
    return literal(figure)


def _draw_way(axes: Axes, part: pd.DataFrame, effect: float) -> None:
    missed = ((part["low"] > effect) | (part["high"] < effect)).to_numpy()
    for rows, colour, marker, size in ((~missed, BASELINE, "o", 1.6), (missed, MISSED, "D", 2.2)):
        some = part[rows]
        axes.vlines(some["study"], some["low"], some["high"], color=colour, linewidth=0.6)
        axes.plot(some["study"], some["estimate"], marker, color=colour, markersize=size)
    axes.axhline(effect, color=INK, linewidth=0.7)
    axes.set_xticks([])
    dress_axes(axes, grid="y")
    axes.spines["bottom"].set_visible(False)
