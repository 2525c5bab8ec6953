"""Where does the variance of labels come from: units, models, prompts, draws? Which design would halve the error?

A generalizability study (Cronbach, Gleser, Nanda and Rajaratnam 1972; Brennan 2001): every model labels every unit with
every prompt, all are taken as drawn from many, and expected mean squares give the variance of each.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, combinations, product
from typing import Any

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import raise_faults
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.counts import read_codes
from codebook.analysis.core.estimates import Bootstrap, percentile_interval
from codebook.analysis.core.estimates import resample as draw_replicates
from codebook.analysis.core.forest import keep_order, plot_estimates
from codebook.analysis.core.plain_frames import as_codings
from codebook.analysis.core.result import Facts, Result, blank_result, nothing_to_say
from codebook.analysis.core.runs import Runs, describe_runs
from codebook.analysis.core.scales import Floats, Scale, VariableLike, list_labels
from codebook.errors import Fault
from codebook.ground.quantities import format_figure, say_count, say_percent

_ABOUT = "The variance cannot be split."
_COLUMNS = (
    *("part", "source", "df", "mean_square", "variance", "low", "high", "share", "share_low", "share_high"),
    *("design", "n_calls", "error", "error_share", "dependability", "reason"),
)
_QUANTITY = "share of the variance of one answer"
_UNIT, _DRAW = "unit", "draw"
_NOTE = (
    "The variance of one answer by its sources: differences between units are wanted, all else is error. Labels "
    "without an order count as one indicator (1 or 0) each. Models, prompts and draws are treated as random samples "
    "from many; negative estimates are shown as 0. Dependability (phi): the share of the units in the variance of a "
    "mean over the design. Error: the variance of that mean around the unit's own value; shifts of a model or prompt "
    "that are the same for all units count in it."
)


@dataclass(frozen=True)
class Crossed:
    """Answers of a crossed design: `values` (n_units, levels of each facet, n_draws, n_indicators), facets by name."""

    values: Floats
    facets: tuple[str, ...]

    @property
    def levels(self) -> tuple[int, ...]:
        """How many levels each facet has."""
        return self.values.shape[1:-2]

    @property
    def n_draws(self) -> int:
        """Answers in a cell."""
        return int(self.values.shape[-2])

    @property
    def effects(self) -> list[tuple[str, ...]]:
        """What variance may come from, by the facets it goes with: all crossings of units and facets."""
        names = (_UNIT, *self.facets)
        return [each for size in range(1, len(names) + 1) for each in combinations(names, size)]

    def sizes(self, effect: Sequence[str]) -> int:
        """Answers behind a mean of such an effect, beside units: levels of the facets that are not in it, and draws."""
        rest = (n for name, n in zip(self.facets, self.levels, strict=True) if name not in effect)
        return math.prod(rest) * self.n_draws


def generalizability(
    codings: Codings | pd.DataFrame, *, runs: Runs = None, level: str = "", resample: Bootstrap = Bootstrap()
) -> Result:
    """How much of the variance of a label comes from the units, and how much from model, prompt and draw?

    The models are compared (where no coder is known to be one, all coders but the gold), on the units that all of them
    labelled with all prompts and in all draws. Where not every model has every prompt, a facet `run` stands for both.

    Parameters
    ----------
    runs
        Who is which model with which prompt, as in `stability`.
    level
        Level of measurement, where no codebook states it; ordinal labels count by their places.

    Returns
    -------
    Result
        Rows of part "component": source, df, mean_square, variance, low, high, share (of the variance of one answer)
        with its interval. Then of part "design", the cheapest first: how many of each, n_calls per unit, error
        (variance), error_share (of that of one answer), dependability.

    Raises
    ------
    StatisticError
        A variable without a level, or faults of the codings.

    Examples
    --------
    Shrout and Fleiss (1979), six targets and four judges: mean squares 11.24, 32.49 and 1.02, and ICC(2,1) of .29.

    >>> judges = {"1": [9, 6, 8, 7, 10, 6], "2": [2, 1, 4, 1, 5, 2], "3": [5, 3, 6, 2, 6, 4], "4": [8, 2, 8, 6, 9, 7]}
    >>> frame = generalizability(pd.DataFrame(judges), level="interval").frame
    >>> frame.loc[frame["part"] == "component", ["source", "mean_square", "variance"]].round(2)
             source  mean_square  variance
    0          unit        11.24      2.56
    1         model        32.49      5.24
    2  unit x model         1.02      1.02
    >>> float(frame.loc[frame["n_calls"] == 1, "dependability"].iloc[0].round(2))
    0.29
    """
    codings = as_codings(codings, level=level)
    variable = codings.variable
    empty = blank_result(codings, _COLUMNS, "generalizability", "Where the variance comes from", "stability")
    crossed, dropped, reason = _read(codings, variable, runs)
    if crossed is None:
        return nothing_to_say(codings, reason, empty)
    components = pd.DataFrame(list(_list_components(crossed, resample)))
    variances = dict(zip(_names(crossed), components["variance"], strict=True))
    designs = pd.DataFrame(list(list_designs(_sizes(crossed), variances)))
    frame = pd.concat([components, designs], ignore_index=True).reindex(columns=list(_COLUMNS))
    frame["reason"] = frame["reason"].fillna("")
    named = components.assign(name=keep_order(components["source"].str.replace(" x ", " × ")))
    facts = Facts(
        n_units=len(crossed.values),
        n_coders=math.prod(crossed.levels),
        level=variable.level or "",
        bootstrap=resample,
        resampled="units",
        dropped=dropped,
        joins=codings.joins,
    )
    return replace(
        empty,
        frame=frame,
        facts=facts,
        finding=_say(components, designs, crossed, variable),
        remarks=(_NOTE, *facts.left_aside),
        table=_print(components, designs),
        figure=partial(plot_estimates, named, value="share", quantity=_QUANTITY, note=facts.interval),
    )


# -- reading ---------------------------------------------------------------------------------------------------------


def _read(codings: Codings, variable: VariableLike, runs: Runs) -> tuple[Crossed | None, dict[str, int], str]:
    """The crossed answers of the units that have all of them, what was left aside, and why there are none."""
    level = "masi" if variable.kind == "multi" else variable.level or ""
    if not level:
        mend = "give the variable its level of measurement, or pass level="
        raise_faults(_ABOUT, [Fault("level", f"{variable.name!r} has none", mend)])
    models = codings.machines or [name for name in codings.coders if name != codings.gold]
    rows = codings.frame[(codings.frame["variable"] == variable.name) & codings.frame["coder"].isin(models)]
    rows = rows.assign(cell=rows["coder"].astype(str) + "\n" + rows["draw"].astype(str))
    by_cell = rows.assign(coder=rows["cell"], draw=0)
    codes = read_codes(by_cell, variable=variable.name, level=level, labels=list_labels(variable)).answered()
    cells, facets = _list_cells(codes.coders, describe_runs(rows, runs))
    if len(cells) < 2:
        return None, {}, "One run and one draw: nothing to compare."
    codes = codes.among(cells["cell"])  # where not all were asked as often, the first draws
    table = np.full((len(codes.units), len(cells)), -1, dtype=np.int64)
    place = {name: at for at, name in enumerate(cells["cell"])}
    table[codes.unit, np.array([place[name] for name in codes.coders])[codes.coder]] = codes.code
    whole = (table >= 0).all(axis=1)
    dropped = {"units without an answer of every run and draw": int((~whole).sum())} if not whole.all() else {}
    if whole.sum() < 2:
        return None, dropped, "Fewer than two units have an answer of every run and draw: nothing to compare."
    indicators = _open_labels(codes.scale)[table[whole]]
    shape = [cells[name].nunique() for name in facets]
    values = indicators.reshape(len(indicators), *shape, -1, indicators.shape[-1])
    return Crossed(values, tuple(facets)), dropped, ""


def _list_cells(cells: Sequence[str], described: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Cells in the order of their facets and draws, and the facets that vary; `run` where they are not crossed."""
    parts = pd.DataFrame([name.split("\n") for name in cells], columns=["coder", "draw"]).assign(cell=list(cells))
    parts = parts.merge(described, on="coder", how="left")
    facts = [str(name) for name in described if name != "coder"]
    facets = [name for name in facts if parts[name].nunique() > 1]
    if facets and len(parts.drop_duplicates(facets)) < math.prod(parts[name].nunique() for name in facets):
        parts["run"], facets = parts["coder"], ["run"]
    if len(parts) % max(1, math.prod(parts[name].nunique() for name in facets)):
        first = parts.groupby("coder")["draw"].transform("min")
        parts = parts[parts["draw"] == first]
    return parts.sort_values([*facets, "draw"], kind="stable", ignore_index=True), facets


def _open_labels(scale: Scale) -> Floats:
    """Each label as numbers, shape (n_labels, n_indicators): its size, its place, or one indicator per label."""
    if scale.members.size:
        return scale.members.astype(float)
    if len(scale.values):
        return scale.values[:, None]
    return np.arange(scale.n_labels, dtype=float)[:, None] if scale.level == "ordinal" else np.eye(scale.n_labels)


# -- components ------------------------------------------------------------------------------------------------------


def _names(crossed: Crossed) -> list[tuple[str, ...]]:
    """The effects, and the draws where a cell has several."""
    return [*crossed.effects, *([(_DRAW,)] if crossed.n_draws > 1 else [])]


def mean_squares(weights: Floats, crossed: Crossed) -> tuple[Floats, Floats]:
    """Mean squares and degrees of freedom of all effects, for any weights of the units.

    With D the part of a unit's means that goes with facets F alone, and not with fewer, the squares of F are those of
    its mean over units, and the squares of units by F are sum w D^2 - n mean(D)^2.

    Parameters
    ----------
    weights
        Shape (n_draws, n_units).

    Returns
    -------
    Floats, Floats
        Each of shape (n_draws, n_effects), in the order of the effects and, where a cell has several, the draws.
    """
    n, cell = weights.sum(axis=1), crossed.values.mean(axis=-2)
    by_effect: dict[tuple[str, ...], tuple[Floats, Floats]] = {}
    for facets in chain.from_iterable(combinations(crossed.facets, size) for size in range(len(crossed.facets) + 1)):
        part = _part(cell, crossed.facets, facets).reshape(len(cell), -1)
        times = crossed.sizes(facets)
        middle = weights @ part / n[:, None]
        around = times * (weights @ (part**2).sum(axis=1) - n * (middle**2).sum(axis=1))
        free = math.prod(
            level - 1 for name, level in zip(crossed.facets, crossed.levels, strict=True) if name in facets
        )
        by_effect[(_UNIT, *facets)] = (around, (n - 1) * free)
        if facets:
            by_effect[facets] = (times * n * (middle**2).sum(axis=1), np.full(len(n), float(free)))
    if crossed.n_draws > 1:
        within = ((crossed.values - cell[..., None, :]) ** 2).reshape(len(cell), -1).sum(axis=1)
        by_effect[(_DRAW,)] = (weights @ within, n * math.prod(crossed.levels) * (crossed.n_draws - 1))
    squares, freedom = (np.stack([by_effect[name][at] for name in _names(crossed)], axis=1) for at in (0, 1))
    return np.divide(squares, freedom, out=np.full_like(squares, np.nan), where=freedom > 0), freedom


def _part(cell: Floats, facets: Sequence[str], wanted: Sequence[str]) -> Floats:
    """The part of the cells' means that goes with these facets together, and with no fewer of them."""
    part = cell
    for at, name in enumerate(facets, start=1):
        mean = part.mean(axis=at, keepdims=True)
        part = part - mean if name in wanted else mean
    return part


def solve_variances(squares: Floats, crossed: Crossed, n_units: float) -> Floats:
    """Variances from mean squares, by their expectations in a random, balanced design; shape as `squares`.

    E(MS of S) is the sum over T that hold S of (answers behind a mean of T) x variance of T, units counted where T has
    none, plus the variance of draws.
    """
    names = _names(crossed)
    column = {name: at for at, name in enumerate(names)}
    variances = np.zeros_like(squares)
    of_draw = squares[:, column[(_DRAW,)]] if (_DRAW,) in column else 0.0
    if (_DRAW,) in column:
        variances[:, column[(_DRAW,)]] = of_draw
    for name in sorted(crossed.effects, key=len, reverse=True):
        above = [other for other in crossed.effects if set(other) > set(name)]
        times = {each: crossed.sizes(each) * (1 if _UNIT in each else n_units) for each in (name, *above)}
        rest = squares[:, column[name]] - of_draw - sum(times[each] * variances[:, column[each]] for each in above)
        variances[:, column[name]] = rest / times[name]
    return variances


def _list_components(crossed: Crossed, bootstrap: Bootstrap) -> Iterator[dict[str, Any]]:
    n_units = len(crossed.values)

    def statistic(weights: Floats) -> Floats:
        squares, _ = mean_squares(weights, crossed)
        return np.maximum(solve_variances(squares, crossed, n_units), 0)

    ones = np.ones(n_units, dtype=np.int64)
    squares, freedom = mean_squares(ones[None, :].astype(float), crossed)
    variances = np.maximum(solve_variances(squares, crossed, n_units), 0)[0]
    many: dict[str, Any] = {"replicates": bootstrap.replicates, "seed": bootstrap.seed}
    draws = draw_replicates(ones, statistic, **many) if bootstrap.replicates else np.empty((0, len(variances)))
    total, totals = variances.sum(), draws.sum(axis=1, keepdims=True)
    shares = np.divide(draws, totals, out=np.full_like(draws, np.nan), where=totals > 0)
    for at, name in enumerate(_names(crossed)):
        interval, of_share = (
            percentile_interval(each[:, at], bootstrap.confidence, freedom=n_units - 1) for each in (draws, shares)
        )
        yield {
            **{"part": "component", "source": " x ".join(name), "df": float(freedom[0, at])},
            **{"mean_square": float(squares[0, at]), "variance": float(variances[at])},
            **{"low": interval.low, "high": interval.high, "share_low": of_share.low, "share_high": of_share.high},
            **{"share": float(variances[at] / total) if total > 0 else math.nan},
            "reason": "" if total > 0 else "no variation: every answer is the same",
        }


def _sizes(crossed: Crossed) -> dict[str, int]:
    """How many of each facet there are, and of draws where a cell has several."""
    draws = {_DRAW: crossed.n_draws} if crossed.n_draws > 1 else {}
    return dict(zip(crossed.facets, crossed.levels, strict=True)) | draws


# -- words -----------------------------------------------------------------------------------------------------------


def _say(components: pd.DataFrame, designs: pd.DataFrame, crossed: Crossed, variable: VariableLike) -> str:
    if components["reason"].iloc[0]:
        return f"{variable.name}: every answer is the same, there is no variance to split."
    rows = components.sort_values("share", ascending=False, kind="stable")
    unit = components.loc[components["source"] == _UNIT, "share"].iloc[0]
    others = [
        f"{row['source']} {say_percent(row['share'])}" for row in rows.to_dict("records") if row["source"] != _UNIT
    ]
    of_unit = f"{variable.name}: of the variance of one answer {say_percent(unit)} comes from the unit"
    head = f"{of_unit}, {', '.join(others[:3])}"
    size = f"{say_count(len(crossed.values), 'unit')}, {say_count(math.prod(crossed.levels), 'run')}"
    half = designs[designs["error_share"] <= 0.5]
    if half.empty:
        return f"{head} ({size}). No design with up to {MOST} of each halves the error."
    best = half.iloc[0]
    phi = format_figure(best["dependability"])
    return f"{head} ({size}). The error is halved by {best['design']} ({best['n_calls']} answers per unit; phi {phi})."


def _print(components: pd.DataFrame, designs: pd.DataFrame) -> pd.DataFrame:
    """Components, then designs, in one table of seven columns."""
    above = components[["source", "df", "variance", "share", "share_low", "share_high"]]
    below = designs.assign(source="mean over " + designs["design"])[["source", "n_calls", "error", "dependability"]]
    return pd.concat([above, below], ignore_index=True).rename(columns={"n_calls": "answers"})


MOST = 12
"""The largest number of each facet in the designs that are tried."""
Variances = Mapping[tuple[str, ...], float]


def list_designs(at_hand: dict[str, int], variances: Variances) -> Iterator[dict[str, Any]]:
    """One answer, the design at hand, the cheapest that halves the error, and twice as many of each facet alone."""
    names = list(at_hand)
    one = dict.fromkeys(names, 1)
    single = find_error(variances, one)
    designs = [one, *({**one, name: 2} for name in names), at_hand]
    if half := find_half(variances, names, single):
        designs.append(half)
    distinct = {tuple(design.values()): design for design in designs}
    for design in sorted(distinct.values(), key=lambda each: (math.prod(each.values()), -find_error(variances, each))):
        error = find_error(variances, design)
        whole = variances[(_UNIT,)] + error
        yield {
            **{"part": "design", "design": ", ".join(say_count(n, name) for name, n in design.items())},
            **{"n_calls": math.prod(design.values()), "error": error},
            "error_share": error / single if single > 0 else math.nan,
            "dependability": variances[(_UNIT,)] / whole if whole > 0 else math.nan,
        }


def find_error(variances: Variances, design: Mapping[str, int]) -> float:
    """Variance of a unit's mean over a design around its own: each component over the numbers of what it goes with."""
    every = math.prod(design.values())
    return sum(
        variance / (every if name == (_DRAW,) else math.prod(design[each] for each in name if each != _UNIT))
        for name, variance in variances.items()
        if name != (_UNIT,)
    )


def find_half(variances: Variances, names: Sequence[str], single: float) -> dict[str, int]:
    """The design with the fewest answers per unit that halves the error of one answer; empty where none does."""
    designs = (dict(zip(names, sizes, strict=True)) for sizes in product(range(1, MOST + 1), repeat=len(names)))
    enough = [design for design in designs if find_error(variances, design) <= single / 2]
    if not enough or single <= 0:
        return {}
    return min(enough, key=lambda each: (math.prod(each.values()), find_error(variances, each)))
