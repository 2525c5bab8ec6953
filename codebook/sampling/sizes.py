"""How many units to code by hand, before any is coded."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import pandas as pd

from codebook.analysis.core.drawing import dress_axes, literal, new_figure, say_in_picture
from codebook.analysis.core.label_places import label_ends
from codebook.analysis.core.result import Result
from codebook.analysis.core.standard_errors import wilson_interval
from codebook.errors import Fault, ParameterError
from codebook.ground.quantities import format_figure, say_percent
from codebook.outputs.figure_style import BASELINE, CORRECTED, INK, MODEL, MUTED, NOTE, PEOPLE, house_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


ALPHA_RISK = 0.05
"""One-sided risk in `units_for_alpha`, as in the published tables."""

_PRINTED = (100, 300, 1000)
"""Gold units of the printed curve."""

CURVE = (50, 75, 100, 150, 200, 250, 300, 400, 500, 750, 1000, 1500, 2000)


@dataclass(frozen=True)
class GoldPlan:
    """What the gold is to tell, and what is assumed of the labels.

    Parameters
    ----------
    half_width, accuracies
        Plus or minus that the accuracy is to be known by, and how high it may turn out.
    recall, recall_half_width, prevalence
        Of a rare label, found in this share of the units.
    alphas, alpha_prevalence
        Smallest alpha that is to be told from less, and the share of the rarest label that matters.
    share
        Of the label whose share is to be known.
    n_gold, n_units
        For the worth of gold: gold units, and units that only the model labels.

    Raises
    ------
    ParameterError
        What is no share, or no number of units: all of it at once.
    """

    half_width: float = 0.05
    accuracies: Sequence[float] = (0.5, 0.8, 0.9, 0.95)
    recall: float = 0.8
    recall_half_width: float = 0.10
    prevalence: float = 0.05
    alphas: Sequence[float] = (0.667, 0.8)
    alpha_prevalence: float = 0.25
    share: float = 0.3
    n_gold: int = 300
    n_units: int = 10_000
    confidence: float = 0.95

    def __post_init__(self) -> None:
        names = ("half_width", "recall", "recall_half_width", "prevalence", "alpha_prevalence", "share", "confidence")
        shares = {name: getattr(self, name) for name in names}
        shares |= {f"accuracies[{at}]": value for at, value in enumerate(self.accuracies)}
        shares |= {f"alphas[{at}]": value for at, value in enumerate(self.alphas)}
        _check(shares, {"n_gold": self.n_gold, "n_units": self.n_units})

    @property
    def useful(self) -> list[float]:
        """Accuracies of a model that is better than a coin."""
        return [accuracy for accuracy in self.accuracies if accuracy > 0.5]


def _check(shares: Mapping[str, float], numbers: Mapping[str, int]) -> None:
    """Raise with all that is not a share, or not a number of units."""
    faults = [
        Fault(name, f"{value:g} is not between 0 and 1", "pass a share, e.g. .8")
        for name, value in shares.items()
        if not 0 < value < 1
    ]
    faults += [
        Fault(name, f"{value:,} is no number of units", "pass 1 or more")
        for name, value in numbers.items()
        if value < 1
    ]
    ParameterError.raise_any("The size of the gold sample cannot be worked out.", faults)


def wilson_half_width(share: float, n: int, confidence: float = 0.95) -> float:
    """Half the width of Wilson's interval of a share seen in n units (Wilson 1927).

    Examples
    --------
    >>> round(wilson_half_width(0.9, 141), 4)
    0.05
    """
    low, high = wilson_interval(share * n, n, confidence)
    return (high - low) / 2


def units_for_share(share: float, half_width: float, confidence: float = 0.95) -> int:
    """Units after which Wilson's interval of a share, such as an accuracy, is no wider than plus or minus `half_width`.

    Examples
    --------
    >>> [units_for_share(share, 0.05) for share in (0.5, 0.8, 0.9, 0.95)]
    [381, 245, 141, 83]
    """
    low, high = 0, 1
    while wilson_half_width(share, high, confidence) > half_width:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        wide = wilson_half_width(share, middle, confidence) > half_width
        low, high = (middle, high) if wide else (low, middle)
    return high


def units_for_recall(recall: float, half_width: float, prevalence: float, confidence: float = 0.95) -> int:
    """Random units until enough of them have a label of this prevalence to tell its recall.

    Examples
    --------
    >>> units_for_recall(0.8, 0.10, 0.05)
    1200
    """
    return math.ceil(units_for_share(recall, half_width, confidence) / prevalence)


def units_for_alpha(alpha: float, prevalence: float, risk: float = ALPHA_RISK) -> int:
    """Units to be coded twice to tell that Krippendorff's alpha is no smaller than `alpha`, one-sided.

    2 z^2 ((1 + alpha)(3 - alpha) / (4 p (1 - p)(1 - alpha)) - alpha), p the share of the rarest label that matters
    (Krippendorff 2019).

    Examples
    --------
    >>> units_for_alpha(0.8, 0.25), units_for_alpha(0.667, 0.25)
    (139, 81)
    """
    z = NormalDist().inv_cdf(1 - risk)
    spread = 4 * prevalence * (1 - prevalence) * (1 - alpha)
    return math.ceil(2 * z * z * ((1 + alpha) * (3 - alpha) / spread - alpha))


def correlation_of_labels(accuracy: float, prevalence: float) -> float:
    """Squared correlation of a model's yes/no label with gold, where errors are as likely for both.

    Examples
    --------
    >>> round(correlation_of_labels(0.9, 0.3), 4)
    0.5989
    """
    labelled = prevalence * accuracy + (1 - prevalence) * (1 - accuracy)
    spread = prevalence * (1 - prevalence)
    return float(spread * (2 * accuracy - 1) ** 2 / (labelled * (1 - labelled)))


def worth_of_gold(n_gold: int, n_units: int, accuracy: float, prevalence: float = 0.3) -> int:
    """As many gold units without a model tell a share as well as `n_gold` do with `n_units` more labelled by it.

    n / (1 - rho^2 N / (n + N)), the variance of PPI++ (Angelopoulos, Duchi and Zrnic 2023).

    Examples
    --------
    >>> [worth_of_gold(300, 10_000, accuracy) for accuracy in (0.8, 0.9, 0.95)]
    [435, 716, 1244]
    """
    explained = correlation_of_labels(accuracy, prevalence) * n_units / (n_gold + n_units)
    return int(n_gold / (1 - explained))


def gold_size(plan: GoldPlan = GoldPlan()) -> Result:
    """How many units to code for what: a table to plan the gold by.

    Returns
    -------
    Result
        `purpose` (accuracy, recall, alpha, worth), `assumed`, `half_width`, `n` (units to code; for worth: gold units
        without a model that tell as much as `n_gold` with one), `formula`.

    Examples
    --------
    >>> gold_size().frame[["purpose", "assumed", "n"]].head(5)
        purpose                      assumed     n
    0  accuracy                 accuracy .50   381
    1  accuracy                 accuracy .80   245
    2  accuracy                 accuracy .90   141
    3  accuracy                 accuracy .95    83
    4    recall  recall .80, label in 5.0 %  1200
    """
    rows = [(*row, _formula(row[0], plan)) for row in _list_purposes(plan)]
    frame = pd.DataFrame(rows, columns=["purpose", "assumed", "half_width", "n", "formula"])
    most = frame.loc[frame["purpose"] == "accuracy", "n"].max()
    finding = f"{most:,} units tell any accuracy to plus or minus {format_figure(plan.half_width)}; a recall of "
    finding += f"{format_figure(plan.recall)} of a label in {_percent(plan.prevalence)} takes "
    finding += f"{frame.loc[frame['purpose'] == 'recall', 'n'].iloc[0]:,}."
    return Result(frame, "gold_sizes", "Units to code", "gold", finding=finding, remarks=(_NOTE,))


def _list_purposes(plan: GoldPlan) -> Iterator[tuple[str, str, float, int]]:
    """Purpose, what is assumed, half-width and number of units."""
    for accuracy in plan.accuracies:
        n = units_for_share(accuracy, plan.half_width, plan.confidence)
        yield "accuracy", f"accuracy {format_figure(accuracy)}", plan.half_width, n
    n = units_for_recall(plan.recall, plan.recall_half_width, plan.prevalence, plan.confidence)
    rare = f"recall {format_figure(plan.recall)}, label in {_percent(plan.prevalence)}"
    yield "recall", rare, plan.recall_half_width, n
    for alpha in plan.alphas:
        yield "alpha", f"alpha {format_figure(alpha, 3)}", math.nan, units_for_alpha(alpha, plan.alpha_prevalence)
    for accuracy in plan.useful:
        n = worth_of_gold(plan.n_gold, plan.n_units, accuracy, plan.share)
        yield "worth", f"{plan.n_gold:,} gold, model accuracy {format_figure(accuracy)}", math.nan, n


def _formula(purpose: str, plan: GoldPlan) -> str:
    return {
        "accuracy": "Wilson's interval",
        "recall": "Wilson's interval of the units with the label, divided by its prevalence",
        "alpha": "Krippendorff (2019), one-sided, risk .05",
        "worth": f"PPI++: n / (1 - rho^2 N / (n + N)), a label in {say_percent(plan.share)} of the units",
    }[purpose]


def _percent(share: float) -> str:
    return say_percent(share, 1)


_NOTE = (
    "n is the number of units to code in a simple random sample; for alpha each by two coders or more. Worth: gold "
    "units, coded without any model, that would tell a label's share as well."
)


def gold_curve(plan: GoldPlan = GoldPlan(), *, n: int = 0, sizes: Sequence[int] = CURVE) -> Result:
    """Half-width of the interval to expect against the number of gold units.

    Parameters
    ----------
    n
        Gold units that there are, or are to be drawn: "you are here" in the figure.

    Returns
    -------
    Result
        `figure` (accuracy; share of a label), `line`, `n`, `half_width`. The share is once of gold alone and once
        corrected with `n_units` labelled by a model of each accuracy.

    Examples
    --------
    >>> gold_curve(GoldPlan(accuracies=[0.9]), sizes=[300]).frame.round(3)
                 figure                        line    n  half_width
    0          accuracy                accuracy .90  300       0.034
    1  share of a label                   gold only  300       0.052
    2  share of a label  corrected, model right .90  300       0.034
    """
    _check({}, {f"sizes[{at}]": size for at, size in enumerate(sizes)})
    columns = ["figure", "line", "n", "half_width"]
    frame = pd.DataFrame(_list_widths(plan, sizes), columns=columns)
    here = pd.DataFrame(_list_widths(plan, [n] if n else []), columns=columns)
    widths = pd.DataFrame(_list_widths(plan, sorted({*_PRINTED, *([n] if n else [])})), columns=columns)
    table = widths.pivot_table("half_width", ["figure", "line"], "n", sort=False)
    table = table.set_axis([f"{size:,} gold units" for size in table], axis=1).reset_index()
    half = f"Half of the {100 * plan.confidence:g} % interval."
    right = f"Right: a label in {100 * plan.share:g} % of the units, {plan.n_units:,} more labelled by the model."
    return Result(
        frame,
        "gold_curve",
        "Interval to expect from gold",
        "gold",
        finding=_say_here(plan, n),
        remarks=(half, right),
        table=table,
        figure=partial(plot_gold_curve, frame, here, plan.half_width, f"{half} {right}"),
    )


def _say_here(plan: GoldPlan, here: int) -> str:
    """How near the gold at hand comes."""
    if not here:
        return ""
    lines = [(line, format_figure(width, 3)) for name, line, _, width in _list_widths(plan, [here]) if "share" in name]
    parts = "; ".join(f"{line} {width}" for line, width in lines)
    return f"With {here:,} gold units a share of {format_figure(plan.share)} is known to plus or minus: {parts}."


def _list_widths(plan: GoldPlan, sizes: Sequence[int]) -> Iterator[tuple[str, str, int, float]]:
    """Panel, line, gold units and half-width."""
    for accuracy in plan.useful:
        for n in sizes:
            yield "accuracy", f"accuracy {format_figure(accuracy)}", n, wilson_half_width(accuracy, n, plan.confidence)
    z = NormalDist().inv_cdf((1 + plan.confidence) / 2)
    lines = {"gold only": 0.0}
    lines |= {f"corrected, model right {format_figure(a)}": correlation_of_labels(a, plan.share) for a in plan.useful}
    for line, explained in lines.items():
        for n in sizes:
            error = plan.share * (1 - plan.share) / n * (1 - explained * plan.n_units / (n + plan.n_units))
            yield "share of a label", line, n, z * math.sqrt(error)


_STROKES = ("-", (0, (6, 2)), (0, (2, 1.5)), (0, (6, 2, 1, 2)), (0, (1, 1)))
"""Lines differ in stroke too, so they can be told apart in grey."""
_TICKS = tuple(step * 10**power for power in range(6) for step in (1, 2, 5))
_BESIDE: dict[str, Any] = {"xytext": (3, 2), "textcoords": "offset points", "color": MUTED, "fontsize": NOTE}


@house_style()
def plot_gold_curve(curve: pd.DataFrame, here: pd.DataFrame, half_width: float, note: str) -> Figure:
    """Half-width of the interval to expect against gold units, a panel for each figure and a line for each model.

    Parameters
    ----------
    curve
        Columns figure, line, n and half_width.
    here
        The same columns for the gold units that there are; empty where none are named.
    half_width
        What is wanted: a line across.
    """
    panels = list(curve["figure"].unique())
    figure = new_figure("two" if len(panels) > 1 else "middle", 72)
    grid = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axes, panel in zip(grid, panels, strict=True):
        _draw_panel(axes, curve[curve["figure"] == panel], here[here["figure"] == panel], half_width)
        axes.set_title(panel)
    grid[0].set(ylabel="half-width of the interval", ylim=(0, None))
    say_in_picture(figure, note)
    for axes in grid:
        lines = {str(line.get_label()): line for line in axes.get_lines() if not str(line.get_label()).startswith("_")}
        ends = [float(line.get_ydata()[-1]) for line in lines.values()]
        colours = [str(line.get_color()) for line in lines.values()]
        label_ends(axes, [*lines, f"wanted: ±{format_figure(half_width)}"], [*ends, half_width], [*colours, MUTED])
    return literal(figure)


def _draw_panel(axes: Axes, part: pd.DataFrame, here: pd.DataFrame, half_width: float) -> None:
    for at, (name, line) in enumerate(part.groupby("line", sort=False)):
        style = _STROKES[at % len(_STROKES)]
        axes.plot(line["n"], line["half_width"], linestyle=style, color=_colour(str(name)), label=str(name))
    axes.axhline(half_width, color=BASELINE, linewidth=0.6, zorder=0)
    axes.set_xscale("log")
    ticks = [n for n in _TICKS if part["n"].min() <= n <= part["n"].max()]
    axes.set_xticks(ticks, [f"{n:,}" for n in ticks])
    axes.minorticks_off()
    dress_axes(axes, "gold units (log)")
    if len(here):
        n = int(here["n"].iloc[0])
        axes.axvline(n, color=MUTED, linewidth=0.7, linestyle=(0, (4, 3)), zorder=0)
        axes.plot(here["n"], here["half_width"], "o", color=INK, markersize=3)
        axes.annotate(f"you are here: n = {n:,}", (n, 1), xycoords=axes.get_xaxis_transform(), va="top", **_BESIDE)


def _colour(line: str) -> str:
    """Of people alone, of the model, or of both together."""
    return PEOPLE if line == "gold only" else CORRECTED if line.startswith("corrected") else MODEL
