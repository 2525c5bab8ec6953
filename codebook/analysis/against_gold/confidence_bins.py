"""Calibration: are labels given with probability .8 right in 80 % of the units? And what do the sure ones gain?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from codebook.analysis.against_gold.gold_cells import (
    Pair,
    list_facts,
    read_gold,
    read_pair,
    remark_gold,
    say_no_labels,
    say_no_pair,
)
from codebook.analysis.core.checks import name_some, raise_faults
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.drawing import drawn_places, dress_axes, dress_ticks, literal, new_figure, say_in_picture
from codebook.analysis.core.estimates import Bootstrap, Interval, percentile_interval, say_figure
from codebook.analysis.core.result import Result, blank_result, nothing_to_say
from codebook.analysis.core.sample_design import Design, Drawn, resample_design
from codebook.analysis.core.scales import Bools, Floats, Ints
from codebook.analysis.core.share_intervals import Shares, divide
from codebook.analysis.core.standard_errors import count_members
from codebook.errors import Fault, unknown_choice
from codebook.ground.joins import join_ids
from codebook.ground.quantities import format_figure, places_of, say_count
from codebook.outputs.figure_style import GRID, MISSED, MODEL, MUTED, Axes, Figure, house_style

_MOST_DRAWN = 2**22
BINNING = ("width", "count")
"""Bins of equal width, or of about equally many units."""
NOTE = (
    "Of gold units with a label and a probability of that label. Brier: mean of (probability - right)^2. ECE: mean "
    "over bins of |share right - mean probability|. Chance alone lifts it above 0, and the more so the fewer units a "
    "bin holds: 'ECE by chance' is what probabilities without any fault would show here. The interval of ECE is a wide "
    "one: from 2 x value - upper percentile (from 0, where the value is within that of chance) to the upper percentile."
)
_OVERALL = ("accuracy", "mean probability", "Brier", "Brier of a constant", "ECE")
_MEND = "To compare, ask for probabilities in the run (logprobs), or for a confidence in the codebook."
_COLUMNS = ("part", "name", "n", "value", "low", "high", "probability", "share", "reason")
_SHARES_SURE = np.arange(1.0, 0.0, -0.1)
"""Shares of the units kept, the surest first."""


@dataclass(frozen=True)
class _Judged:
    """Probability of each unit's label, whether it is right, shape (n_units,), bin and thresholds."""

    probability: Floats
    right: Bools
    design: Design
    place: np.ndarray
    edges: Floats
    thresholds: Floats

    def sums(self) -> Floats:
        """What is summed over units, shape (n_units, 4 + 3 n_bins + 2 n_thresholds)."""
        ones, p, right = np.ones(len(self.right)), self.probability, self.right.astype(float)
        inside = self.place[:, None] == np.arange(len(self.edges) - 1)
        sure = (p[:, None] >= self.thresholds).astype(float)
        bins = [inside * column[:, None] for column in (ones, p, right)]
        return np.column_stack([ones, p, right, (p - right) ** 2, *bins, sure, sure * right[:, None]])

    def shares(self) -> Shares:
        """The share that is right: of all units, of each bin, and of the units above each threshold."""
        whole = [
            np.ones((len(self.right), 1)),
            self.place[:, None] == np.arange(len(self.edges) - 1),
            self.probability[:, None] >= self.thresholds,
        ]
        wholes = np.column_stack(whole).astype(float)
        return Shares(wholes * self.right[:, None], wholes)

    def count_right(self) -> Ints:
        """Units of each filled bin whose label is right, shape (n_filled,)."""
        n_bins = len(self.edges) - 1
        filled = np.bincount(self.place, minlength=n_bins) > 0
        return np.bincount(self.place[self.right], minlength=n_bins)[filled]

    def figures(self, sums: Floats) -> Floats:
        """From sums, shape (n_draws, n_sums), to overall figures, accuracy of bins and of what is kept, then shares."""
        n_bins, n_sure = len(self.edges) - 1, len(self.thresholds)
        (n, p, right, squares), rest = sums[:, :4].T, sums[:, 4:]
        in_bin, p_bin, right_bin = (rest[:, at * n_bins : (at + 1) * n_bins] for at in range(3))
        sure, right_sure = rest[:, 3 * n_bins : 3 * n_bins + n_sure], rest[:, 3 * n_bins + n_sure :]
        accuracy = divide(right, n)
        ece = np.abs(right_bin - p_bin).sum(axis=1) / n
        overall = np.stack([accuracy, p / n, squares / n, accuracy * (1 - accuracy), ece], axis=1)
        means = divide(p_bin, in_bin)
        return np.concatenate(
            [overall, divide(right_bin, in_bin), divide(right_sure, sure), means, sure / n[:, None]], axis=1
        )


def calibration(
    codings: Codings | pd.DataFrame,
    coder: str = "",
    *,
    gold: str = "",
    probability: pd.DataFrame | str = "confidence",
    bins: int = 10,
    binning: str = "width",
    resample: Bootstrap = Bootstrap(),
) -> Result:
    """How well do a coder's probabilities tell where its labels are right?

    Of a `multi` variable a set is right if it is gold's. Where no probability is on record, the result says so.

    Parameters
    ----------
    coder
        Empty takes the first beside the gold.
    gold
        Who is the gold, where the codings do not say it.
    probability
        Column of the codings with the probability of the label given, or a frame with unit_id and `probability` or
        `logprob` (natural logarithm, as `run.logprobs()` gives it), perhaps of several variables.
    bins, binning
        How many bins, of equal `width` or of equal `count`; empty ones are left out.

    Returns
    -------
    Result
        part, name, n, value, low, high, probability, share, reason. Part "overall": accuracy, mean probability, Brier,
        Brier of a constant (who always says the accuracy), ECE, ECE by chance. "bin": value is the share right,
        probability the mean. "coverage": value is the share right among the units whose probability is at least
        `probability`, which are `share` of all, the surest first.

    Raises
    ------
    StatisticError
        A column that is not there, probabilities outside 0 to 1; as for `validity`.

    Examples
    --------
    >>> from codebook.analysis.core.examples import make_table
    >>> table = make_table("tone", {"gold": list("aabb") * 10, "m": list("aaba") * 10})
    >>> table["confidence"] = [None] * 40 + [0.9, 0.8, 0.9, 0.6] * 10
    >>> result = calibration(table, gold="gold", bins=5)
    >>> print(result.finding.split(". ")[1])
    ECE is .25 [.18, .32], by chance .07; Brier is .11, of a constant .19.
    >>> result.frame.query("part != 'coverage'")[["part", "name", "n", "value", "probability"]].round(3)
          part                 name   n  value  probability
    0  overall             accuracy  40  0.750          NaN
    1  overall     mean probability  40  0.800          NaN
    2  overall                Brier  40  0.105          NaN
    3  overall  Brier of a constant  40  0.188          NaN
    4  overall                  ECE  40  0.250          NaN
    5  overall        ECE by chance  40  0.068          NaN
    6      bin           .60 to .80  10  0.000        0.600
    7      bin          .80 to 1.00  30  1.000        0.867
    """
    codings = read_gold(codings, gold=gold)
    raise_faults("Calibration cannot be computed.", _check_bins(bins, binning))
    coder = coder or codings.pick_pair()[0]
    title = f"Calibration of {coder or 'a coder'}"
    result = blank_result(codings, _COLUMNS, "calibration", title, "calibration")
    if (nothing := say_no_labels(codings, result)) is not None:
        return nothing
    if not coder:
        return say_no_pair(codings, result)
    pair = read_pair(codings, coder)
    by_unit = read_probabilities(codings, coder, probability)
    if not len(by_unit):
        reason = f"No label of {codings.variable.name!r} by {coder!r} has a probability: nothing to compare. {_MEND}"
        return nothing_to_say(codings, reason, result)
    judged, n_without = _judge(pair, by_unit, bins, binning)
    frame = pd.DataFrame(_rows(judged, resample))
    facts = list_facts(codings, {coder: pair}, resample, n_units=len(judged.right))
    return replace(
        result,
        frame=frame,
        facts=replace(facts, coverage={coder: {**pair.coverage, "no probability": n_without}}),
        finding=_say_calibration(frame, coder),
        remarks=remark_gold(codings, pair, NOTE),
        figure=partial(draw_calibration, frame, judged.count_right(), resample.sentence),
    )


def _say_calibration(frame: pd.DataFrame, coder: str) -> str:
    rows = {row["name"]: row for row in frame.to_dict("records") if row["part"] == "overall"}
    accuracy = rows["accuracy"]
    places = places_of(accuracy["n"])
    values = {name: format_figure(row["value"], places) for name, row in rows.items()}
    right = f"{coder} is right in {say_figure(accuracy, 'value', places)} of {say_count(accuracy['n'], 'unit')}"
    ece = f"ECE is {say_figure(rows['ECE'], 'value', places)}, by chance {values['ECE by chance']}"
    brier = f"Brier is {values['Brier']}, of a constant {values['Brier of a constant']}"
    return f"{right}, with a mean probability of {values['mean probability']}. {ece}; {brier}."


def _check_bins(bins: int, binning: str) -> list[Fault]:
    faults = [] if bins >= 1 else [Fault("bins", f"{bins} is no number of bins", "pass 10, or 1 or more")]
    faults += unknown_choice("binning", binning, BINNING)
    return faults


def read_probabilities(codings: Codings, coder: str, probability: pd.DataFrame | str) -> pd.Series[float]:
    """Probability of the coder's label, by unit_id; empty where none is on record."""
    about = f"The probabilities of {coder!r} cannot be used."
    frame, column = (codings.frame, probability) if isinstance(probability, str) else (probability, "probability")
    if column not in frame and not isinstance(probability, str):
        column = "logprob"
    if isinstance(probability, str) and probability == "confidence" and column not in frame:
        return pd.Series(dtype=float)
    absent = [name for name in ("unit_id", column) if name not in frame]
    if absent:
        mend = "name the column of the table that has them, or pass run.logprobs()"
        raise_faults(about, [Fault("probability", f"there is no column {name_some(absent)}", mend)])
    for name, value in (("variable", codings.variable.name), ("coder", coder), ("draw", 0)):
        frame = frame[frame[name] == value] if name in frame else frame
    values = pd.Series(pd.to_numeric(frame[column], errors="coerce").to_numpy(float), frame["unit_id"].astype(str))
    values = values.map(np.exp) if column == "logprob" else values
    values = values.dropna()
    faults = []
    if (wrong := (values < 0) | (values > 1)).any():
        problem = f"{int(wrong.sum()):,} are not between 0 and 1: {name_some(values[wrong].round(3))}"
        faults.append(
            Fault("probability", problem, "pass shares, not per cent or scores; or logprobs, which are below 0")
        )
    if values.index.has_duplicates:
        twice = name_some(values.index[values.index.duplicated()].unique())
        faults.append(Fault("probability", f"several for {twice}", "pass one a unit"))
    raise_faults(about, faults)
    return values


def _judge(pair: Pair, by_unit: pd.Series[float], bins: int, binning: str) -> tuple[_Judged, int]:
    """The labelled gold units with a probability, and how many have none."""
    p: Floats = np.asarray(by_unit.reindex(pair.units.astype(str)), dtype=float)
    labelled = pair.coded >= 0
    rows = np.flatnonzero(labelled & ~np.isnan(p))
    if not len(rows):
        problem = f"none of the {int(labelled.sum()):,} labelled gold units has one"
        join = join_ids(by_unit.index, pair.units.astype(str))
        problem += f" ({join.example('the gold')})" if join.near else ""
        mend = "pass the probabilities of the units that have gold"
        raise_faults("Calibration cannot be computed.", [Fault("probability", problem, mend)])
    p = np.take(p, rows)
    edges: Floats = np.linspace(0, 1, bins + 1).round(12)
    if binning == "count":
        edges = np.unique(np.quantile(p, edges))
    edges = edges if len(edges) > 1 else np.repeat(edges, 2)
    place = np.clip(np.searchsorted(edges, p, side="right") - 1, 0, len(edges) - 2)
    thresholds: Floats = np.unique(np.quantile(p, 1 - _SHARES_SURE, method="inverted_cdf"))
    judged = _Judged(p, pair.coded[rows] == pair.gold[rows], pair.design.only(rows), place, edges, thresholds)
    return judged, int(labelled.sum()) - len(rows)


def _rows(judged: _Judged, bootstrap: Bootstrap) -> Iterator[dict[str, Any]]:
    """A row for each overall figure, filled bin and threshold."""
    sums, design = judged.sums(), judged.design
    members = count_members(design.cluster, np.arange(len(sums)), len(sums))
    drawn = Drawn(np.ones(len(sums), dtype=np.int64), design.weight, design.stratum, members)
    values = judged.figures((design.weight @ sums)[None, :])[0]
    draws = np.empty((0, len(values)))
    if bootstrap.replicates and not drawn.why_none("gold unit"):
        draws = resample_design(drawn, lambda weights: judged.figures(weights @ sums), bootstrap)
    n_bins, n_sure, first = len(judged.edges) - 1, len(judged.thresholds), len(_OVERALL)
    extra = values[first + n_bins + n_sure :]
    chance = _by_chance(judged, bootstrap)
    accuracy, *shares = judged.shares().estimate(drawn, bootstrap)[1]
    for at, name in enumerate(_OVERALL):
        interval = percentile_interval(draws[:, at], bootstrap.confidence, values[at], freedom=drawn.freedom)
        interval = accuracy if name == "accuracy" else interval
        row = _row("overall", name, len(sums), values[at], (interval, drawn), bootstrap)
        yield row if name != "ECE" else _widen(row, chance, bootstrap)
    usual = float(chance.mean()) if len(chance) else np.nan
    interval = percentile_interval(chance, bootstrap.confidence)
    yield _row("overall", "ECE by chance", len(sums), usual, (interval, drawn), bootstrap)
    for at in range(n_bins):
        n = int((judged.place == at).sum())
        if n:
            name = " to ".join(f"{edge:.2f}".removeprefix("0") for edge in judged.edges[at : at + 2])
            row = _row("bin", name, n, values[first + at], (shares[at], drawn), bootstrap)
            yield row | {"probability": extra[at]}
    for at in reversed(range(n_sure)):
        threshold, column = float(judged.thresholds[at]), n_bins + at
        n = int((judged.probability >= threshold).sum())
        row = _row(
            "coverage", f"at least {threshold:.3f}", n, values[first + column], (shares[column], drawn), bootstrap
        )
        yield row | {"probability": threshold, "share": extra[n_bins + at]}


def _row(
    part: str, name: str, n: int, value: float, figure: tuple[Interval, Drawn], bootstrap: Bootstrap
) -> dict[str, Any]:
    interval, drawn = figure
    reason = drawn.why_none("gold unit") or (interval.reason if bootstrap.replicates else "")
    head = {"part": part, "name": name, "n": n, "value": float(value), "low": interval.low, "high": interval.high}
    return {**head, "probability": np.nan, "share": np.nan, "reason": reason}


def _widen(row: dict[str, Any], chance: Floats, bootstrap: Bootstrap) -> dict[str, Any]:
    """The row of ECE with its interval: replicates are as much too high as the value is, so its low end is reversed."""
    if np.isnan(row["low"]):
        return row
    within = row["value"] <= percentile_interval(chance, bootstrap.confidence).high
    return {**row, "low": 0.0 if within else max(0.0, 2 * row["value"] - row["high"])}


def _by_chance(judged: _Judged, bootstrap: Bootstrap) -> Floats:
    """ECE of these units if each label were right with its probability (Broecker and Smith 2007), (n_replicates,)."""
    rng = np.random.default_rng([bootstrap.seed, 2])
    inside = (judged.place[:, None] == np.arange(len(judged.edges) - 1)) * judged.design.weight[:, None]
    p, whole = judged.probability, judged.design.weight.sum()
    step = max(1, _MOST_DRAWN // len(p))
    sizes = [min(step, bootstrap.replicates - done) for done in range(0, bootstrap.replicates, step)]
    off = [np.abs(((rng.random((size, len(p))) < p) - p) @ inside).sum(axis=1) / whole for size in sizes]
    return np.concatenate([np.empty(0), *off])


FEW_UNITS = 10
"""Units below which a bin says little: its dot is hollow, and no line goes through it."""
_MOST_TOLD = 12
"""Bins whose units are told in numbers."""


@house_style()
def draw_calibration(frame: pd.DataFrame, n_right: Ints, note: str) -> Figure:
    """Share right by probability, above the units of each bin; beside it the share wrong among the surest units.

    `frame`: of `calibration`. `n_right`: units of each bin whose label is right, `(n_bins,)`.
    """
    figure = new_figure("two", 88)
    axes = figure.subplot_mosaic([["curve", "sure"], ["units", "sure"]], height_ratios=[3, 1])
    bins = frame[frame["part"] == "bin"]
    _draw_bins(axes["curve"], bins, frame[frame["part"] == "overall"].set_index("name")["value"])
    _draw_units(axes["units"], bins, n_right)
    _draw_risk(axes["sure"], frame[frame["part"] == "coverage"])
    few = f"Hollow: bins of fewer than {FEW_UNITS} units." if (bins["n"] < FEW_UNITS).any() else ""
    say_in_picture(figure, f"n = {int(bins['n'].sum()):,} gold units. {few} {note}".replace("  ", " "))
    return literal(figure)


def _draw_bins(axes: Axes, bins: pd.DataFrame, overall: pd.Series) -> None:
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.6, linestyle=(0, (4, 3)))
    axes.annotate("as sure as right", (0.2, 0.17), color=MUTED, rotation=0)
    axes.vlines(bins["probability"], bins["low"], bins["high"], color=MODEL, linewidth=1)
    few = bins["n"] < FEW_UNITS
    axes.plot(bins.loc[~few, "probability"], bins.loc[~few, "value"], "o-", color=MODEL, markersize=4, linewidth=0.7)
    axes.plot(bins.loc[few, "probability"], bins.loc[few, "value"], "o", color=MODEL, markerfacecolor="white", ms=4)
    places = drawn_places(int(bins["n"].sum()))
    lines = [f"{name} {format_figure(float(overall[name]), places)}" for name in ("Brier", "ECE")]
    axes.text(0.03, 0.97, "\n".join(lines), transform=axes.transAxes, va="top")
    axes.set(xlim=(0, 1), ylim=(-0.03, 1.03))
    axes.set_title("Calibration", loc="left")
    dress_axes(axes, "", "share of labels that are right")
    axes.tick_params(labelbottom=False)


def _draw_units(axes: Axes, bins: pd.DataFrame, n_right: Ints) -> None:
    """Units of each bin, right below wrong."""
    n, places = bins["n"].to_numpy(), bins["probability"]
    axes.bar(places, n_right, width=0.035, color=MODEL, label="right")
    axes.bar(
        places,
        n - n_right,
        width=0.035,
        bottom=n_right,
        color=MISSED,
        label="wrong",
        hatch="////",
        edgecolor="white",
        linewidth=0,
    )
    for at, height in zip(places, n, strict=True) if len(n) <= _MOST_TOLD else ():
        place: dict[str, Any] = {"xytext": (0, 1.5), "textcoords": "offset points", "ha": "center"}
        axes.annotate(f"{height:,.0f}", (at, height), fontsize=5.5, color=MUTED, **place)
    axes.legend(loc="upper left", ncols=2, frameon=False)
    axes.set(xlim=(0, 1), ylim=(0, 1.8 * n.max()))
    dress_ticks(axes.yaxis, most=3)
    dress_axes(axes, "mean probability of the label", "units", grid="y")


def _draw_risk(axes: Axes, sure: pd.DataFrame) -> None:
    axes.fill_between(sure["share"], 1 - sure["high"], 1 - sure["low"], color=GRID, linewidth=0)
    axes.plot(sure["share"], 1 - sure["value"], "o-", color=MODEL, markersize=4, linewidth=0.7)
    top = float(np.nanmax([(1 - sure["low"]).max(), (1 - sure["value"]).max(), 0.05]))
    axes.set(xlim=(0, 1.03), ylim=(0, 1.08 * top))
    axes.set_title("Risk-coverage", loc="left")
    dress_axes(axes, "coverage: share of units kept, the surest first", "risk: share wrong among those kept")
