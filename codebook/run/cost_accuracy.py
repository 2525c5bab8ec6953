"""What a label costs beside how often it is right: which run is worth its money?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from codebook.analysis.core.codings import Codings
from codebook.analysis.core.drawing import dress_axes, literal, new_figure, say_in_picture
from codebook.analysis.core.estimates import say_figure
from codebook.analysis.core.label_places import place_labels
from codebook.analysis.core.result import Result, nothing_to_say
from codebook.analysis.core.scales import Floats
from codebook.ground.quantities import show_usd
from codebook.outputs.figure_style import BASELINE, MODEL, Axes, Figure, house_style
from codebook.run.run_views import RunViews

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    *("variable", "run", "model", "n_labels", "cost", "cost_per_1000"),
    *("n_gold", "accuracy", "accuracy_low", "accuracy_high", "on_frontier", "reason"),
)
_NO_GOLD = "No unit of the runs has a gold label, so how often they are right is not known."
_FRONTIER = (
    "A run with a filled dot on the line: no other run is as cheap and right as often. The cost is that of all answers "
    "of a run, whoever asked for them."
)


def weigh_costs(
    runs: Sequence[RunViews], codings: Codings, accuracies: Sequence[dict[str, Any]], result: Result
) -> Result:
    """Each run's cost of 1,000 labels beside its accuracy, and which runs no other beats in both.

    Parameters
    ----------
    accuracies
        Rows with variable, run, n_gold, accuracy, accuracy_low and accuracy_high.
    result
        With the name, title, facts and remarks that it is to have.
    """
    import pandas as pd

    prices = {run.name: _price_labels(run) for run in runs}
    frame = pd.DataFrame([{**row, **prices[row["run"]]} for row in accuracies]).reindex(columns=list(COLUMNS))
    if frame["accuracy"].isna().all():
        return nothing_to_say(codings, _NO_GOLD, replace(result, frame=frame.head(0)))
    frame["reason"] = [_say_gap(row) for row in frame.to_dict("records")]
    parts = frame[frame["reason"] == ""].groupby("variable", sort=False)
    frame["on_frontier"] = frame.index.isin([at for _, part in parts for at in find_frontier(part)])
    drawn, absent = frame[frame["reason"] == ""], frame[frame["reason"] != ""]
    left_out = [f"Not drawn: {row['run']}, {row['reason']}." for row in absent.to_dict("records")]
    remarks = (_FRONTIER, *dict.fromkeys(left_out))
    return replace(
        result,
        frame=frame,
        finding=" ".join(_say_frontier(drawn)) or "Of no run both cost and accuracy are known.",
        remarks=(*result.remarks, *remarks),
        table=_print_costs(frame),
        figure=partial(draw_costs, drawn, " ".join([*_say_sizes(drawn, result), *remarks])) if len(drawn) else None,
    )


def _say_sizes(drawn: pd.DataFrame, result: Result) -> Iterator[str]:
    """How many gold units the accuracy is of, and what the bars are."""
    sizes = {row["variable"]: f"{row['n_gold']:,.0f}" for row in drawn.to_dict("records")}
    several = ", ".join(f"{n} ({name})" for name, n in sizes.items())
    yield f"n = {several if len(set(sizes.values())) > 1 else next(iter(sizes.values()))} gold units."
    if result.facts.bootstrap and result.facts.bootstrap.replicates:
        yield f"Bars: {result.facts.bootstrap.sentence}"


def _price_labels(run: RunViews) -> dict[str, Any]:
    """Model, labels and cost of a run, of 1,000 labels too; an unknown cost is missing."""
    n_labels, cost = int(run.table()["label"].notna().sum()), run.amounts()["cost"]
    usd = math.nan if cost is None else cost
    model = ", ".join(run.totals()["models"]) or run.asked.model
    return {
        **{"model": model, "n_labels": n_labels, "cost": usd},
        "cost_per_1000": 1_000 * usd / n_labels if n_labels else math.nan,
    }


def _say_gap(row: Mapping[Any, Any]) -> str:
    """Why a run has no place in the figure; empty where it has one."""
    if math.isnan(row["accuracy"]):
        return "no unit of it has a gold label"
    if not row["n_labels"]:
        return "it has no label"
    return "its cost is not known" if math.isnan(row["cost"]) else ""


def find_frontier(part: pd.DataFrame) -> list[Any]:
    """Rows (their index) that no other row equals or beats in both, cost of a label and accuracy; the cheapest first.

    Examples
    --------
    >>> import pandas as pd
    >>> find_frontier(pd.DataFrame({"cost_per_1000": [0, 2, 1, 3], "accuracy": [0.7, 0.9, 0.8, 0.85]}))
    [0, 2, 1]
    """
    ordered = part.sort_values(["cost_per_1000", "accuracy"], ascending=[True, False], kind="stable")
    before = ordered["accuracy"].cummax().shift(fill_value=-math.inf)
    return list(ordered.index[ordered["accuracy"] > before])


def _say_frontier(drawn: pd.DataFrame) -> Iterator[str]:
    """Of each variable the runs on the frontier, the cheapest first."""
    best = drawn[drawn["on_frontier"]]
    for variable, part in best.sort_values("cost_per_1000", kind="stable").groupby("variable", sort=False):
        runs = [
            f"{row['run']} ({say_price(row['cost_per_1000'])}, accuracy {say_figure(row, 'accuracy')})"
            for row in part.to_dict("records")
        ]
        yield f"{variable}: no run is as cheap and right as often as {', '.join(runs)}; prices are per 1,000 labels."


def say_price(usd: float) -> str:
    """What 1,000 labels cost, in the three digits that count.

    Examples
    --------
    >>> say_price(0.0), say_price(1.2345), say_price(float("nan"))
    ('no charge', '$1.23', 'unknown')
    """
    if math.isnan(usd):
        return "unknown"
    return show_usd(float(f"{usd:.3g}")) if usd else NO_CHARGE


def _print_costs(frame: pd.DataFrame) -> pd.DataFrame:
    """At most seven columns: the variable where there are several."""
    ends = {"accuracy_low": "low", "accuracy_high": "high"}
    several = ["variable"] * (frame["variable"].nunique() > 1)
    columns = [*several, "run", "model", "n_labels", "per 1,000 labels", "accuracy", *ends, "on the frontier"]
    prices = frame["cost_per_1000"].map(say_price)
    marks = frame["on_frontier"].map({True: "yes", False: ""})
    return frame.assign(**{"per 1,000 labels": prices, "on the frontier": marks})[columns].rename(columns=ends)


NO_CHARGE = "no charge"
MOST_PANELS = 3
"""Variables that are drawn; the table has all."""
_FREE = 0.5
"""Decades between the cheapest run and those that cost nothing: zero has no place on a log axis."""
_N_POINTS = 60


@house_style()
def draw_costs(frame: pd.DataFrame, note: str) -> Figure:
    """A panel for each variable: accuracy with its interval against the cost of 1,000 labels, on a log axis.

    Parameters
    ----------
    frame
        Columns variable, run, cost_per_1000, accuracy with _low and _high, on_frontier.
    """
    variables = list(dict.fromkeys(frame["variable"]))[:MOST_PANELS]
    drawn = frame[frame["variable"].isin(variables)]
    drawn = drawn.assign(place=place_costs(drawn["cost_per_1000"].to_numpy(float)))
    figure = new_figure("two" if len(variables) > 1 else "middle", 75)
    panels = figure.subplots(1, len(variables), sharex=True, sharey=True, squeeze=False)[0]
    parts = [drawn[drawn["variable"] == variable] for variable in variables]
    for axes, part, variable in zip(panels, parts, variables, strict=True):
        _draw_runs(axes, part)
        dress_axes(axes, "US dollars per 1,000 labels (log)")
        axes.set_title(variable, loc="left")
    panels[0].set_ylabel("accuracy (share of gold units)")
    _scale_costs(panels[0], drawn)
    say_in_picture(figure, note)
    for axes, part in zip(panels, parts, strict=True):
        places = np.concatenate([part[["place", "accuracy"]].to_numpy(float), *_list_strokes(part)])
        place_labels(axes, places, list(part["run"]), np.arange(len(part)), most=len(part), most_covered=np.inf)
    return literal(figure)


def place_costs(costs: Floats) -> Floats:
    """Where costs stand on the axis: their logarithm to 10; those of nothing to the left of the cheapest.

    Examples
    --------
    >>> place_costs(np.array([0.0, 10.0, 1.0])).tolist(), place_costs(np.array([0.0])).tolist()
    ([-0.5, 1.0, 0.0], [-0.5])
    """
    places = np.log10(costs, out=np.full(len(costs), np.inf), where=costs > 0)
    lowest = places.min(initial=np.inf)
    return np.where(costs > 0, places, (lowest if np.isfinite(lowest) else 0.0) - _FREE)


def _draw_runs(axes: Axes, part: pd.DataFrame) -> None:
    best = part[part["on_frontier"]].sort_values("place")
    axes.step(best["place"], best["accuracy"], where="post", color=BASELINE, zorder=1)
    axes.vlines(part["place"], part["accuracy_low"], part["accuracy_high"], color=MODEL, linewidth=1)
    for is_best, face in ((True, MODEL), (False, "white")):
        dots = part[part["on_frontier"] == is_best]
        axes.plot(dots["place"], dots["accuracy"], "o", color=MODEL, markerfacecolor=face, markersize=4.5)


def _list_strokes(part: pd.DataFrame) -> Iterator[Floats]:
    """Points along the intervals and the frontier, which a name is not to cover."""
    for row in part.to_dict("records"):
        yield _list_points((row["place"], row["accuracy_low"]), (row["place"], row["accuracy_high"]))
    best = part[part["on_frontier"]].sort_values("place")[["place", "accuracy"]].to_numpy(float)
    for left, right in pairwise(best):
        yield _list_points(left, (right[0], left[1]))
        yield _list_points((right[0], left[1]), right)


def _list_points(start: ArrayLike, end: ArrayLike) -> Floats:
    return np.linspace(np.asarray(start, dtype=float), np.asarray(end, dtype=float), _N_POINTS)


def _scale_costs(axes: Axes, drawn: pd.DataFrame) -> None:
    """Ticks of powers of ten (of 2 and 5 times, too, where the costs lie near), and apart from them that of nothing."""
    charged = drawn.loc[drawn["cost_per_1000"] > 0, "place"]
    low, high = (float(charged.min()), float(charged.max())) if len(charged) else (0.0, 0.0)
    steps = (1,) if high - low > 2 else (1, 2, 5)
    powers = range(int(np.floor(low)) - 1, int(np.ceil(high)) + 1)
    prices = [step * 10.0**power for power in powers for step in steps] if len(charged) else []
    ticks = {float(np.log10(price)): show_usd(price) for price in prices}
    ticks = {place: text for place, text in ticks.items() if low - 0.35 <= place <= high + 0.35}
    free = drawn.loc[drawn["cost_per_1000"] == 0, "place"]
    if len(free):
        ticks = {float(free.iloc[0]): NO_CHARGE} | {at: text for at, text in ticks.items() if at > low - _FREE / 2}
        if len(charged):
            axes.axvline(low - _FREE / 2, color=BASELINE, linewidth=0.6, linestyle=(0, (1, 2)))
    axes.set_xticks(list(ticks), list(ticks.values()))
    ends = [*(charged - 0.35), *(charged + 0.35), *(free - 0.35), *(free + 0.35)]
    axes.set_xlim(min(ends), max(ends))
