"""Errors by group: is a coder right as often on the units of one group as on those of another?

Errors that differ by group bias what is found of the groups, however small they are on the whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from codebook.analysis.against_gold.gold_cells import (
    Cells,
    Pair,
    count_cells,
    list_facts,
    list_labels,
    read_pair,
    remark_gold,
    say_no_pair,
)
from codebook.analysis.against_gold.measures import (
    LABEL_MEASURES,
    NOTE,
    OVERALL,
    Measure,
    Statistics,
    join_parts,
    label_parts,
    make_measure,
    measure_all,
    mixed_measures,
    name_measures,
    overall_parts,
)
from codebook.analysis.against_gold.rating_errors import (
    ERROR_NOTE,
    error_statistic,
    is_scale,
    measure_differences,
    read_points,
)
from codebook.analysis.core.checks import name_some, raise_faults
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.estimates import Bootstrap, say_figure
from codebook.analysis.core.forest import keep_order, plot_estimates
from codebook.analysis.core.result import Result, blank_result, nothing_to_say
from codebook.analysis.core.sample_design import join_small
from codebook.analysis.core.scales import Floats, Ints
from codebook.analysis.core.share_intervals import Parts
from codebook.analysis.ratings.rating_pairs import RATING_MEASURES
from codebook.errors import Fault
from codebook.ground.joins import join_ids
from codebook.ground.quantities import kind_of, places_of, say_count
from codebook.outputs.figure_style import Figure

_COLUMNS = ("measure", "label", "group", "difference", "n", "value", "low", "high", "reason")
_OF_LABEL = ("recall", "precision")
_OF_NUMBERS = ("mae", "bias", "rmse", "pearson", "ccc")
_MOST_VALUES = 20
_OF_TWO = 3
"""Rows of a measure of two groups: each, and their difference; of more groups the differences are in the table."""
_TOGETHER = 4
"""Groups that stand together in a row of the figure, at most."""
_ERRORS = "Wrong: share of all units; missed: share of the units with the label in the gold."
_FEW = "no interval: fewer than two units or clusters"
_DRAWN = (
    "Errors that differ by group bias what is found of the groups. Units are resampled within each group; a cluster "
    "with units in several groups brings all of them along."
)


@dataclass(frozen=True)
class _Groups:
    """Cells of the units of each group: `group`, shape (n_cells,), is a place in `names`."""

    cells: Cells
    group: Ints
    names: tuple[str, ...]

    @property
    def masks(self) -> dict[str, Floats]:
        """Of each group, and where there are more than two of its rest, which cells count, shape (n_cells,)."""
        masks = {name: (self.group == at).astype(float) for at, name in enumerate(self.names)}
        return masks if len(masks) < 3 else {**masks, **{f"not {name}": 1 - mask for name, mask in masks.items()}}

    @property
    def contrasts(self) -> list[tuple[str, str, str]]:
        """(name, group, what it is held against) of each difference."""
        if len(self.names) == 2:
            a, b = self.names
            return [(f"{a} - {b}", a, b)]
        return [(f"{name} - rest", name, f"not {name}") for name in self.names]


def compare_groups(codings: Codings, coder: str, by: str, bootstrap: Bootstrap) -> Result:
    """Measures of a coder against gold on the units of each value of a covariate, and how far the values are apart."""
    name = re.sub(r"\W+", "_", f"validity_by_{by}", flags=re.ASCII)
    title = f"{coder or 'Coder'} against the gold, by {by}"
    result = blank_result(codings, _COLUMNS, name, title, "validity")
    covariate = codings.covariate(by)
    if codings.uncounted:
        return nothing_to_say(codings, codings.uncounted, result)
    if not coder:
        return say_no_pair(codings, result)
    pair = read_pair(codings, coder)
    group, names = _read_groups(covariate, pair, by)
    if len(names) == 1:
        reason = f"Every gold unit with a value of {by!r} has {names[0]!r}: nothing to compare."
        return nothing_to_say(codings, reason, result)
    is_number = codings.variable.kind == "number"
    labels = () if is_number else list_labels(codings)
    shown_of = [] if is_number else [_show_labels(labels, codings.variable.kind)]
    if is_scale(codings):
        shown_of.append(_show_errors(pair.scale.values if is_number else read_points(labels)))
    groups = _count_groups(pair, labels, group, names)
    rows = [row for each in shown_of for row in _rows(groups, each, bootstrap)]
    frame = pd.DataFrame(rows, columns=list(_COLUMNS))
    facts = list_facts(codings, {coder: pair}, bootstrap)
    drawn = "clusters of gold units" if len(pair.design.cluster) else f"{facts.resampled}, by {by}"
    shown = codings.in_words(frame, "label")
    n_without = int((pair.asked & (group < 0)).sum())
    without = [f"{n_without:,} gold units have no value of {by!r}, and are left out."] if n_without else []
    facts = replace(facts, resampled=drawn, dropped={f"no value of {by}": n_without} if n_without else {})
    return replace(
        result,
        frame=frame,
        facts=facts,
        finding=_say_groups(shown, coder, by, bootstrap),
        remarks=remark_gold(codings, pair, ERROR_NOTE if is_number else NOTE, _DRAWN, *without),
        table=shown.assign(measure=_name_measures(shown)).drop(columns=["label", "difference"]),
        figure=lambda: (_draw_errors if is_number else _draw)(shown, coder, by, facts.interval),
    )


def _read_groups(covariate: pd.Series, pair: Pair, by: str) -> tuple[Ints, tuple[str, ...]]:
    """Of each gold unit the place of its value among the names, -1 without one, and the names of those that occur."""
    about, faults = f"The gold cannot be split by {by!r}.", []
    if covariate.index.has_duplicates:
        twice = name_some(covariate.index[covariate.index.duplicated()].unique())
        raise_faults(about, [Fault("by", f"there are several values for unit {twice}", "give each unit one value")])
    values = covariate.astype("category").reindex(pair.units)[pair.asked].cat.remove_unused_categories()
    names = tuple(map(str, values.cat.categories))
    if not names:
        join = join_ids(map(str, covariate.dropna().index), map(str, pair.units))
        more = f" ({join.example('the gold')})" if join.near else ""
        faults.append(Fault("by", f"no gold unit has a value{more}", "give the covariate by unit_id"))
    if len(names) > _MOST_VALUES:
        mend = f"split by 2 to {_MOST_VALUES} values; put numbers into bands with pd.cut"
        faults.append(Fault("by", f"there are {len(names):,} different values", mend))
    raise_faults(about, faults)
    group = np.full(len(pair.units), -1, dtype=np.int64)
    group[pair.asked] = values.cat.codes
    return group, names


def _count_groups(pair: Pair, labels: Sequence[str], group: Ints, names: tuple[str, ...]) -> _Groups:
    """Cells of the units with a value; each group is a stratum of its own, or several where the sample has them."""
    rows = np.flatnonzero(pair.asked & (group >= 0))
    design = pair.design.only(rows)
    width = int(design.stratum.max(initial=0)) + 1
    stratum = np.empty(len(rows), dtype=np.int64)
    for at in range(len(names)):
        inside = group[rows] == at
        stratum[inside] = at * width + join_small(design.stratum[inside])
    part = replace(
        pair,
        gold=pair.gold[rows],
        coded=pair.coded[rows],
        why=pair.why[rows],
        units=pair.units[rows],
        design=replace(design, stratum=stratum),
    )
    cells = count_cells(part, labels)
    return _Groups(cells, cells.stratum // width, names)


def _rows(groups: _Groups, shown: _Shown, bootstrap: Bootstrap) -> Iterator[dict[str, object]]:
    """A row for each measure and group, then for each difference."""
    drawn: dict[str, tuple[list[Measure], Floats]] = {}
    parts = {name: groups.cells.take(np.flatnonzero(mask)) for name, mask in groups.masks.items()}
    for at, (name, part) in enumerate(parts.items()):
        seed = bootstrap.seed + (at if part.members is None else 0)  # the same clusters are drawn in every group
        drawn[name] = shown.measure(part, replace(bootstrap, seed=seed))
    few = {  # units of a group that can be drawn; where clusters are, these
        name: (part.n_asked if part.members is None else part.drawn.n_clusters) < 2 for name, part in parts.items()
    }
    for measure, label, column in shown.columns:
        head = {"measure": measure, "label": label}
        n = {name: _count_units(part, measure, label) for name, part in parts.items()}
        for name in groups.names:
            row = {**head, "group": name, "difference": False, "n": n[name]}
            yield row | _as_row(drawn[name][0][column], _FEW if few[name] else "")
        for name, a, b in groups.contrasts:
            row = {**head, "group": name, "difference": True, "n": n[a] + n[b]}
            freedom = min(parts[a].drawn.freedom, parts[b].drawn.freedom)
            yield row | _subtract(drawn[a], drawn[b], column, bootstrap, _FEW if few[a] or few[b] else "", freedom)


@dataclass(frozen=True)
class _Shown:
    """What is measured of each group: (measure, label, column) of each figure, and the function that computes them."""

    columns: Sequence[tuple[str, str, int]]
    measure: Callable[[Cells, Bootstrap], tuple[list[Measure], Floats]]


def _show_labels(labels: Sequence[str], kind: str) -> _Shown:
    def shares(weights: Floats, cells: Cells) -> Parts:
        return join_parts(label_parts(weights, cells), overall_parts(weights, cells))

    statistics = Statistics(shares, mixed_measures, f1=(3 * len(labels), 4 * len(labels)))
    return _Shown(
        list(_list_measures(labels, kind)),
        lambda cells, bootstrap: measure_all(cells, statistics, bootstrap, keep=True),
    )


def _show_errors(values: Floats) -> _Shown:
    """For numbers: how far a coder is from the gold in each group, and in which direction."""
    columns = [(RATING_MEASURES[name], "", list(RATING_MEASURES).index(name)) for name in _OF_NUMBERS]
    return _Shown(
        columns, lambda cells, bootstrap: measure_differences(cells, error_statistic(cells, values), bootstrap)
    )


def _subtract(
    a: tuple[list[Measure], Floats],
    b: tuple[list[Measure], Floats],
    column: int,
    bootstrap: Bootstrap,
    few: str,
    freedom: float,
) -> dict[str, object]:
    apart = np.empty(0) if few or not (len(a[1]) and len(b[1])) else a[1][:, column] - b[1][:, column]
    return _as_row(make_measure(a[0][column].value - b[0][column].value, apart, bootstrap, few, freedom=freedom))


def _list_measures(labels: Sequence[str], kind: str) -> Iterator[tuple[str, str, int]]:
    """(measure, label, column) of what is shown: over all labels, then recall and precision of each label."""
    for key, name in name_measures(kind).items():
        yield name, "", len(LABEL_MEASURES) * len(labels) + OVERALL.index(key)
    for measure in _OF_LABEL:
        for at, label in enumerate(labels):
            yield measure, label, LABEL_MEASURES.index(measure) * len(labels) + at


def _count_units(cells: Cells, measure: str, label: str) -> int:
    """Units of a group that a measure is of: with the label in gold (recall), by the coder (precision), or all."""
    if not label:
        return cells.n_asked
    holds = cells.gold if measure == "recall" else cells.coded
    return int(cells.times[holds[:, cells.labels.index(label)]].sum())


def _as_row(measure: Measure, few: str = "") -> dict[str, object]:
    reason = few if few and not np.isnan(measure.value) else measure.gap
    return {"value": measure.value, "low": measure.low, "high": measure.high, "reason": reason}


def _say_groups(frame: pd.DataFrame, coder: str, by: str, bootstrap: Bootstrap) -> str:
    """The first measure of each group and difference, and how many differences have an interval without 0."""
    rows = [row for row in frame.to_dict("records") if row["measure"] == frame["measure"].iloc[0]]
    places = places_of(sum(row["n"] for row in rows if not row["difference"]))
    rows = [row for row in rows if len(rows) == _OF_TWO or not row["difference"]]
    kind = kind_of((), str(rows[0]["measure"]))
    parts = [
        f"{row['group']} {say_figure(row, 'value', places, kind=kind)}"
        + f" ({say_count(row['n'], 'unit')})" * (not row["difference"])
        for row in rows
    ]
    sentence = f"{str(rows[0]['measure']).capitalize()} of {coder}: {'; '.join(parts)}."
    known = frame[frame["difference"] & frame["low"].notna()]
    if not len(known):
        return sentence
    apart = known[(known["low"] > 0) | (known["high"] < 0)]
    if not len(apart):
        return f"{sentence} None of {len(known):,} differences by {by} has an interval without 0."
    chance = f"{len(known) * (1 - bootstrap.confidence):.2g}"
    names = name_some(dict.fromkeys(_name_measures(apart)))
    without = f"Of {say_count(len(known), 'difference')} by {by} {len(apart):,} have an interval without 0 ({names})"
    return f"{sentence} {without}; by chance alone about {chance} would."


def _name_measures(frame: pd.DataFrame) -> pd.Series[str]:
    return frame["measure"] + frame["label"].map(lambda label: f" of {label}" if label else "")


def _draw_errors(frame: pd.DataFrame, coder: str, by: str, note: str) -> Figure:
    """The mean absolute error in each group."""
    rows = frame[(frame["measure"] == frame["measure"].iloc[0]) & ~frame["difference"]]
    quantity = f"mean absolute error of {coder}, by {by}"
    return plot_estimates(rows.assign(name=keep_order(rows["group"])), quantity=quantity, note=note)


def _draw(frame: pd.DataFrame, coder: str, by: str, note: str) -> Figure:
    """Share of the units of each group that are labelled wrong, and of each label the share that is missed.

    Of more groups than can stand together in a row, each has a row, and the labels are left to the table.
    """
    is_overall, quantity = frame["measure"] == frame["measure"].iloc[0], f"error rate of {coder}, by {by}"
    rows = frame[(is_overall | (frame["measure"] == "recall")) & ~frame["difference"]]
    rows = rows.assign(value=1 - rows["value"], low=1 - rows["high"], high=1 - rows["low"])
    if rows["group"].nunique() > _TOGETHER:
        overall = rows[rows["label"] == ""]
        return plot_estimates(overall.assign(name=keep_order(overall["group"])), quantity=quantity, note=note)
    names = rows["label"].map(lambda label: f"{label} missed" if label else "any label wrong")
    named = rows.assign(name=names, block=rows["label"] != "")
    return plot_estimates(named, group="group", quantity=quantity, note=f"{_ERRORS} {note}")
