"""Ratings and numbers beside the gold: how far off, in which direction, and whether they go up and down with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from codebook.analysis.against_gold.gold_cells import Cells, Pair, count_cells
from codebook.analysis.against_gold.measures import NOT_ASKED, Measure, make_measure, spread, why_no_draws
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.estimates import Bootstrap, say_figure
from codebook.analysis.core.forest import plot_estimates
from codebook.analysis.core.sample_design import resample_design
from codebook.analysis.core.scales import Floats, Ints, as_number
from codebook.analysis.ratings.rating_pairs import RATING_MEASURES, best_constant, pair_statistics
from codebook.ground.quantities import format_figure
from codebook.outputs.figure_style import Figure

SAME_EVERYWHERE = "no interval: the figure is the same in every sample of these units"
_OF_NUMBERS = ("interval", "ratio")
ERROR_NOTE = (
    "An error is the coder's number less the gold's, in points of the scale; errors are of answered units. Lin's "
    "concordance is 1 where all numbers equal the gold; r is 1 where they lie on one rising line with it."
)


@dataclass(frozen=True)
class RatingErrors:
    """The measures of one coder by name (`RATING_MEASURES`), the number of units, and a constant to compare with.

    `constant` is the number with the least mean absolute error, gold's median; `constant_mae` is that error.
    """

    by_name: dict[str, Measure]
    n: int
    constant: float
    constant_mae: float

    def spread(self) -> dict[str, float]:
        """As columns of a frame."""
        columns = {key: value for name, each in self.by_name.items() for key, value in spread(name, each).items()}
        return columns | {"baseline_mae": self.constant_mae}

    @property
    def gaps(self) -> list[str]:
        """Why r and the mean absolute error are missing; r stands for all figures that need numbers that vary."""
        return [f"{RATING_MEASURES[name]}: {gap}" for name in ("pearson", "mae") if (gap := self.by_name[name].gap)]


def is_scale(codings: Codings) -> bool:
    """Whether the labels are points of a scale of numbers, so that some are farther from the gold than others."""
    variable = codings.variable
    points = getattr(variable, "scale", None) or variable.labels or ()
    numbers = all(np.isfinite(as_number(label)) for label in points)
    return variable.kind == "number" or (numbers and (variable.kind == "rating" or variable.level in _OF_NUMBERS))


def read_points(labels: Sequence[str]) -> Floats:
    """The number of each label; NaN for a label that is no number, such as an abstention."""
    return np.array([as_number(label) for label in labels])


def measure_errors(cells: Cells, values: Floats, bootstrap: Bootstrap) -> RatingErrors:
    """Every measure with its interval, on the units to which gold and coder both gave a number.

    `values`, shape (n_codes,), are the numbers of the codes of the cells.
    """
    rows, gold, _ = answered_points(cells, values)
    if not len(rows):
        nothing = Measure(np.nan, np.nan, np.nan, NOT_ASKED if not cells.n_asked else "no answer is a number")
        return RatingErrors(dict.fromkeys(RATING_MEASURES, nothing), 0, np.nan, np.nan)
    measures, _ = measure_differences(cells, error_statistic(cells, values), bootstrap)
    weights = cells.weighted[rows]
    constant = best_constant(weights, gold)
    mae = float(np.average(np.abs(gold - constant), weights=weights))
    return RatingErrors(dict(zip(RATING_MEASURES, measures, strict=True)), int(cells.times[rows].sum()), constant, mae)


def answered_points(cells: Cells, values: Floats) -> tuple[Ints, Floats, Floats]:
    """The cells in which gold and coder both gave a number, and these numbers."""
    points = np.append(values, np.nan)[cells.codes].reshape(-1, 2)
    rows = np.flatnonzero(~np.isnan(points).any(axis=1))
    return rows, *points[rows].T


def error_statistic(cells: Cells, values: Floats) -> Callable[[Floats], Floats]:
    """`RATING_MEASURES`, (n_draws, 6), from weights of the cells; undefined in a sample without a number."""
    rows, gold, coded = answered_points(cells, values)

    def statistic(weights: Floats) -> Floats:
        figures, drawn = np.full((len(weights), len(RATING_MEASURES)), np.nan), weights[:, rows].sum(axis=1) > 0
        figures[drawn] = pair_statistics(weights[drawn][:, rows], gold, coded)
        return figures

    return statistic


def measure_differences(
    cells: Cells, statistic: Callable[[Floats], Floats], bootstrap: Bootstrap
) -> tuple[list[Measure], Floats]:
    """Each of some statistics of numbers with its interval, and their values in replicates, (replicates, n).

    Numbers vary, so no unseen units are added; where the value is the same in every sample there is no interval.
    """
    values, alone = statistic(cells.weighted[None, :])[0], why_no_draws(cells)
    draws = np.empty((0, len(values)))
    if bootstrap.replicates and not alone:
        draws = resample_design(cells.drawn, statistic, bootstrap)
    return [measure_number(value, draws[:, at], bootstrap, alone) for at, value in enumerate(values)], draws


def measure_number(value: float, draws: Floats, bootstrap: Bootstrap, alone: str) -> Measure:
    """A measure without an interval where all samples give the same value: an interval of no width claims certainty."""
    measure = make_measure(value, draws, bootstrap, alone)
    if np.isclose(measure.low, measure.high, rtol=1e-9):
        return Measure(measure.value, np.nan, np.nan, SAME_EVERYWHERE)
    return measure


def number_row(pair: Pair, bootstrap: Bootstrap) -> dict[str, object]:
    """The row of one coder of a number, without accuracy and without labels."""
    cells = count_cells(pair, ())
    errors = measure_errors(cells, pair.scale.values, bootstrap)
    return {
        **{"n_gold": cells.n_gold, "n_asked": cells.n_asked, "n_answered": cells.n_answered},
        **errors.spread(),
        "baseline_label": format_figure(errors.constant, 2).rstrip("0").rstrip(".") if errors.n else "",
        "reason": "; ".join(errors.gaps) if cells.n_asked else NOT_ASKED,
    }


def say_errors(row: pd.Series, places: int) -> str:
    """How far off a coder is, in which direction, and whether it goes up and down with the gold."""
    if np.isnan(row["mae"]):
        return ""
    of_constant, bias = (format_figure(float(row[name]), places, "amount") for name in ("baseline_mae", "bias"))
    constant = f"a constant number would be off by {of_constant}"
    mean = f"mean error {'+' if row['bias'] > 0 else ''}{bias}"
    off = f"{row['coder']} is off by {say_figure(row, 'mae', places, kind='amount')} on average ({mean})"
    ccc = format_figure(float(row["ccc"]), places)
    together = f"r with the gold is {say_figure(row, 'pearson', places)}, Lin's concordance {ccc}"
    warning = ""
    if np.isnan(row["pearson"]) or min(row["pearson"], np.nan_to_num(row["pearson_low"], nan=1.0)) <= 0:
        warning = " It is not shown that these numbers go up and down with the gold: do not use them as they are."
    return f"{off}; {constant}; {together}.{warning}"


def print_errors(frame: pd.DataFrame) -> pd.DataFrame:
    """The table that a paper prints about coders of a number."""
    names = {"n_asked": "units", "mae": "mean absolute error", "bias": "mean error", "rmse": "RMSE", "pearson": "r"}
    names |= {"ccc": "concordance"}
    figures = [f"{name}{end}" for name in ("mae", "bias", "rmse", "pearson", "ccc") for end in ("", "_low", "_high")]
    named = {f"{name}{end}": f"{shown}{end}" for name, shown in names.items() for end in ("", "_low", "_high")}
    return frame[["coder", "n_asked", *figures]].rename(columns=named)


def draw_errors(frame: pd.DataFrame, models: Sequence[str], note: str) -> Figure:
    """r and Lin's concordance of each coder: where r is larger, a coder follows the gold at a distance."""
    shown = {"pearson": "r", "ccc": "Lin's concordance"}
    parts = [
        frame[["coder"]].assign(
            measure=name,
            n=frame["n_answered"],
            **{end or "value": frame[f"{column}{'_' * bool(end)}{end}"] for end in ("", "low", "high")},
        )
        for column, name in shown.items()
    ]
    rows = pd.concat(parts, ignore_index=True)
    rows = rows.assign(block=rows["coder"].isin(models)).sort_values("block", kind="stable")
    return plot_estimates(rows, name="coder", group="measure", quantity="correlation with the gold", note=note)
