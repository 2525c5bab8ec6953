"""How many coders and how many units, before anybody codes: the width of alpha's interval against the cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import raise_faults
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.drawing import dress_axes, literal, new_figure, say_in_picture
from codebook.analysis.core.estimates import Bootstrap
from codebook.analysis.core.result import Facts, Result
from codebook.analysis.core.scales import Floats
from codebook.analysis.reliability.agreement_rows import comparison_rows
from codebook.analysis.reliability.agreement_tables import label_shares
from codebook.analysis.reliability.comparisons import Comparison, read_variable
from codebook.errors import Fault
from codebook.ground.quantities import format_figure, say_count, show_usd
from codebook.outputs.figure_style import BASELINE, INK, Figure, house_style, mark_of

_ABOUT = "The coding cannot be planned."
_COLUMNS = ("n_coders", "n_units", "n_codings", "usd", "alpha", "low", "high", "width", "undefined", "recommended")
_NOTE = (
    "Made-up codings: each coder sees the unit's true label with a chance of the square root of alpha, and else draws "
    "a label by the shares; so alpha is as assumed. Width: of the range that holds 95 % of these alphas. The plan does "
    "not tell whether alpha will be that high. Units in clusters, such as texts of one author, tell less than as many "
    "independent units."
)
_STROKES = ("-", (0, (6, 2)), (0, (2, 1.5)), (0, (6, 2, 1, 2)), (0, (1, 1)))


@dataclass(frozen=True)
class CoderPlan:
    """What is assumed of the coding, and what is wanted.

    Parameters
    ----------
    alpha
        The nominal alpha that the coders are expected to reach.
    shares
        Shares of the labels; they are scaled to sum to 1.
    width
        The wanted width of the 95 % interval of alpha: .20 is plus or minus .10.
    coders, units
        Numbers to choose from: coders per unit, and units that all of them code.
    usd_per_coding
        Cost of one coding (one unit by one coder); 0 where only the number of codings matters.
    replicates, seed
        Number of made-up codings per design, and the seed.

    Raises
    ------
    StatisticError
        Shares, numbers or a width that are not possible: all of them at once.

    Examples
    --------
    >>> plan = CoderPlan(alpha=0.8, shares=[0.9, 0.1], usd_per_coding=0.4)
    >>> plan.width, plan.coders
    (0.2, (2, 3, 4))
    """

    alpha: float = 0.7
    shares: Sequence[float] = (0.5, 0.3, 0.2)
    width: float = 0.20
    coders: Sequence[int] = (2, 3, 4)
    units: Sequence[int] = (30, 50, 100, 150, 200, 300, 500)
    usd_per_coding: float = 0.0
    replicates: int = 400
    seed: int = 1

    def __post_init__(self) -> None:
        faults = []
        if not 0 < self.alpha < 1:
            faults.append(Fault("alpha", f"{self.alpha:g} is not between 0 and 1", "pass what you expect, e.g. .7"))
        if len(self.shares) < 2 or min(self.shares, default=0) <= 0:
            faults.append(
                Fault("shares", f"{list(self.shares)} are not shares of two or more labels", "pass e.g. [.7, .2, .1]")
            )
        if not self.width > 0:
            faults.append(Fault("width", f"{self.width:g} is not above 0", "pass e.g. .2 for plus or minus .1"))
        if min(self.coders, default=0) < 2 or min(self.units, default=0) < 2:
            faults.append(
                Fault("coders, units", "agreement needs two or more coders and units", "pass 2 or more of each")
            )
        if self.replicates < 100 or self.usd_per_coding < 0:
            faults.append(
                Fault(
                    "replicates, usd_per_coding",
                    "fewer than 100 replicates, or a cost below 0",
                    "pass 400, and 0 or more",
                )
            )
        raise_faults(_ABOUT, faults)

    @classmethod
    def of(cls, codings: Codings, **changes: Any) -> CoderPlan:
        """The plan after a pilot: alpha and the shares of the labels are those of the people in it.

        Raises
        ------
        StatisticError
            The pilot has no alpha between 0 and 1.
        """
        people = codings.people or codings.coders
        _, codes = next(read_variable(codings.at_level("nominal"), codings.at_level("nominal").variable, people))
        (row,) = comparison_rows(Comparison({}, codes, "no labels"), ["alpha"], Bootstrap(0))
        alpha = float(str(row["value"]))
        if not 0 < alpha < 1:
            mend = "pass CoderPlan(alpha=.7, shares=[...]) with what you expect"
            raise_faults(_ABOUT, [Fault("pilot", f"its alpha is {format_figure(alpha)}: {row['reason']}", mend)])
        counts = label_shares(codings.only(people)).frame.groupby("label", sort=False)["n"].sum()
        return cls(**{"alpha": alpha, "shares": counts[counts > 0].tolist(), **changes})


def plan_coders(plan: CoderPlan | Codings = CoderPlan()) -> Result:
    """How many coders per unit, and how many units, give an interval of alpha of the wanted width?

    Parameters
    ----------
    plan
        What is assumed and wanted; or the codings of a pilot, which give alpha and the shares.

    Returns
    -------
    Result
        One row per design: n_coders, n_units, n_codings, usd, alpha (mean), low, high, width, undefined (share of the
        made-up codings with one label only), recommended (the cheapest that is as narrow as wanted; of equally cheap
        ones the narrowest).

    Examples
    --------
    >>> result = plan_coders(CoderPlan(alpha=0.7, width=0.25, coders=(2, 3), units=(50, 100, 200)))
    >>> print(result.finding)
    2 coders on 100 units (200 codings): alpha .70 would have an interval of about .23, as wanted (.25 at most).
    """
    plan = CoderPlan.of(plan) if isinstance(plan, Codings) else plan
    frame = pd.DataFrame(list(_list_designs(plan)), columns=list(_COLUMNS))
    enough = frame[frame["width"] <= plan.width].sort_values(["n_codings", "width"], kind="stable")
    frame.loc[enough.index[:1], "recommended"] = True
    facts = Facts(bootstrap=None, decimals=2)
    assumed = f"Assumed: alpha {format_figure(plan.alpha)}, {say_count(len(plan.shares), 'label')}."
    settings = f"{plan.replicates:,} made-up codings per design, seed {plan.seed}."
    return Result(
        frame,
        "coder_plan",
        "Coders and units for an alpha",
        "reliability",
        facts,
        _say(frame, plan),
        (assumed, _NOTE, settings),
        _print(frame, plan),
        lambda: _draw(frame, plan),
    )


def _list_designs(plan: CoderPlan) -> Iterator[dict[str, Any]]:
    shares = np.array(plan.shares, dtype=float) / sum(plan.shares)
    for n_coders in sorted(set(plan.coders)):
        for n_units in sorted(set(plan.units)):
            rng = np.random.default_rng([plan.seed, n_coders, n_units])
            alphas = simulate_alphas(rng, plan.alpha, shares, (plan.replicates, n_units, n_coders))
            known = alphas[~np.isnan(alphas)]
            low, high = np.quantile(known, [0.025, 0.975]) if len(known) else (np.nan, np.nan)
            n_codings = n_coders * n_units
            yield {
                **{"n_coders": n_coders, "n_units": n_units, "n_codings": n_codings},
                **{"usd": n_codings * plan.usd_per_coding, "alpha": float(known.mean()) if len(known) else np.nan},
                **{"low": float(low), "high": float(high), "width": float(high - low)},
                **{"undefined": float(np.isnan(alphas).mean()), "recommended": False},
            }


def simulate_alphas(rng: np.random.Generator, alpha: float, shares: Floats, shape: tuple[int, int, int]) -> Floats:
    """Nominal alphas of made-up codings; `shape` is codings x units x coders, NaN where they have one label only.

    Two coders who each see the label with a chance of sqrt(alpha), and else give one by the shares, agree beyond chance
    with a chance of alpha.

    Examples
    --------
    >>> alphas = simulate_alphas(np.random.default_rng(1), 0.7, np.array([0.6, 0.4]), (300, 200, 3))
    >>> round(float(alphas.mean()), 2)
    0.7
    """
    n_studies, n_units, n_coders = shape
    truth = rng.choice(len(shares), (n_studies, n_units, 1), p=shares)
    guess = rng.choice(len(shares), shape, p=shares)
    codes = np.where(rng.random(shape) < np.sqrt(alpha), truth, guess)
    counts = np.stack([(codes == at).sum(axis=2) for at in range(len(shares))], axis=2).astype(float)
    within = (n_coders**2 - (counts**2).sum(axis=2)).sum(axis=1) / (n_coders - 1)
    margins, n = counts.sum(axis=1), n_units * n_coders
    apart = n**2 - (margins**2).sum(axis=1)
    return np.asarray(1 - np.divide((n - 1) * within, apart, out=np.full(n_studies, np.nan), where=apart > 0))


def _say(frame: pd.DataFrame, plan: CoderPlan) -> str:
    best = frame[frame["recommended"]]
    row = (frame.sort_values("width") if best.empty else best).iloc[0]
    cost = f", {show_usd(float(row['usd']))}" if plan.usd_per_coding else ""
    size = f"{row['n_coders']} coders on {row['n_units']:,} units ({row['n_codings']:,} codings{cost})"
    alpha, width, wanted = (format_figure(float(each)) for each in (plan.alpha, row["width"], plan.width))
    if best.empty:
        return f"No design has an interval as narrow as wanted ({wanted}): the narrowest, {size}, has about {width}."
    return f"{size}: alpha {alpha} would have an interval of about {width}, as wanted ({wanted} at most)."


def _print(frame: pd.DataFrame, plan: CoderPlan) -> pd.DataFrame:
    marked = frame.assign(choice=np.where(frame["recommended"], "recommended", ""))
    cost = ["usd"] if plan.usd_per_coding else []
    shown = marked[["n_coders", "n_units", "n_codings", *cost, "alpha", "low", "high", "width", "choice"]]
    return shown.rename(columns={"low": "alpha_low", "high": "alpha_high"})


@house_style()
def _draw(frame: pd.DataFrame, plan: CoderPlan) -> Figure:
    """Width against cost, a line per number of coders; the recommended design has a diamond and its size."""
    cost = "usd" if plan.usd_per_coding else "n_codings"
    figure = new_figure("middle", 78)
    axes = figure.subplots()
    for at, (n_coders, part) in enumerate(frame.groupby("n_coders")):
        name = f"{n_coders} coders per unit"
        mark = mark_of(name, at)
        stroke = _STROKES[at % len(_STROKES)]
        axes.plot(
            part[cost], part["width"], linestyle=stroke, marker=mark.marker, markersize=3, color=mark.colour, label=name
        )
    axes.axhline(plan.width, color=BASELINE, linewidth=0.6, zorder=0)
    for row in frame[frame["recommended"]].to_dict("records"):
        axes.plot(row[cost], row["width"], "D", color=INK, markersize=5, zorder=5)
        text = f"recommended: {row['n_coders']} coders, {row['n_units']:,} units"
        axes.annotate(text, (row[cost], row["width"]), xytext=(7, 8), textcoords="offset points", color=INK)
    axes.set_xscale("log")
    low, high = frame[cost].min(), frame[cost].max()
    ticks = [step * 10.0**power for power in range(-2, 7) for step in (1, 2, 5) if low <= step * 10.0**power <= high]
    axes.set_xticks(ticks, [f"{tick:,g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_ylim(0, None)
    axes.legend(loc="upper right")
    what = "cost in US dollars (log)" if plan.usd_per_coding else "codings: units × coders (log)"
    dress_axes(axes, what, "width of alpha's interval")
    wanted = f"Horizontal line: the wanted width, {format_figure(plan.width)}."
    say_in_picture(figure, f"Alpha {format_figure(plan.alpha)} assumed. {wanted}")
    return literal(figure)
