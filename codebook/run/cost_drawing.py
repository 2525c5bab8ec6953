"""Cost against accuracy as a figure: a dot a run, and the frontier of those that no other beats."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from codebook.analysis.core.drawing import dress_axes, literal, new_figure, say_in_picture
from codebook.analysis.core.label_places import place_labels
from codebook.analysis.core.scales import Floats
from codebook.ground.quantities import show_usd
from codebook.outputs.figure_style import BASELINE, MODEL, house_style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NO_CHARGE = "no charge"
MOST_PANELS = 3
"""Variables that are drawn; the table has all."""
_FREE = 0.5
"""Decades between the cheapest run and those that cost nothing: zero has no place on a log axis."""
_N_POINTS = 60


@house_style()
def draw_costs(frame: pd.DataFrame, note: str) -> Figure:
    """A panel a variable: accuracy with its interval against the cost of 1,000 labels, on a log axis.

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
