"""What is compared with what: the codings of each variable, by label, group, pair of coders, or without one coder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import name_some, raise_faults
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.counts import LabelCodes, join_chances, join_cluster, read_codes
from codebook.analysis.core.scales import LEVELS, SET_LEVELS, Ints, VariableLike, list_coded, list_labels
from codebook.errors import Fault, StatisticError
from codebook.ground.quantities import say_count

BY = ("group", "label", "pair", "without", "difference")
"""What a row of a reliability may stand for, beside the values of a covariate."""

KINDS = ("single", "rating", "number", "multi")
"""Kinds of variables whose labels can be compared."""

MOST_VALUES = 60
"""Different values of a covariate by which codings are split."""

Head = dict[str, str]
Coverage = dict[str, dict[str, int]]


@dataclass(frozen=True)
class Comparison:
    """Label codes to be compared, and the columns that say which they are; without codes `reason` says why.

    A comparison with `beside` is a difference: `codes` less `beside`, of two sets of units, or of two groups of coders
    on the same units (`paired`); `dropped` says which units that leaves out.
    """

    head: Head
    codes: LabelCodes | None
    reason: str = ""
    beside: LabelCodes | None = None
    paired: bool = False
    dropped: str = ""


def read_comparisons(
    codings: Codings, by: str, min_units: int, faults: Sequence[Fault]
) -> tuple[list[Comparison], Coverage]:
    """All comparisons, in the order of the variables, and of each variable how many codings are labelled, and why not.

    `by`: one of `BY`, a covariate, or "" for all coders but the gold. `min_units`: pairs of coders with fewer common
    units are left out. `faults`: found before; they are raised with those that are found here.

    Raises StatisticError: every fault of the codings, the request and the variables at once.
    """
    everybody = [*codings.people, *codings.machines]
    groups = codings.groups if by in BY else {"all": everybody}
    problems, coverage, done = list(faults), Coverage(), list[Comparison]()
    coded, _ = list_coded(codings.variables, codings.frame["variable"].unique())
    for variable in codings.variables:
        if variable not in coded:
            head = {"variable": variable.name, "label": "", "level": variable.level or ""}
            empty = [Comparison({**head, "group": name}, None, f"nobody coded {variable.name!r}") for name in groups]
            done += empty if by in ("", "group") else []
            continue
        try:
            read = list(read_variable(codings, variable, everybody))
        except StatisticError as error:
            problems += [Fault(f"{variable.name}, {each.where}", each.problem, each.mend) for each in error.faults]
            continue
        if (codes := read[0][1]) is not None:
            coverage[variable.name] = codes.coverage
        done += [] if problems else _compare_variable(codings, variable, read, groups, (by, min_units))
    raise_faults("The reliability cannot be computed.", problems)
    return done, coverage


def check_by(codings: Codings, by: str) -> list[Fault]:
    """Faults of `by`, which says what a reliability is split by."""
    if codings.interchangeable and by in ("pair", "without"):
        mend = "ask for all coders, by='label' or by a covariate"
        return [Fault("by", "coders are interchangeable here: the codings are counts", mend)]
    if by in ("", *BY):
        return []
    covariates = list(codings.by_unit)
    if by not in covariates:
        more = (
            f" or a covariate: {name_some(covariates, 12)}" if covariates else " or a covariate of codings.with_groups"
        )
        return [Fault("by", f"{by!r} is unknown", f"pass one of {', '.join(BY)},{more}")]
    covariate = codings.covariate(by)
    if covariate.index.has_duplicates:
        twice = name_some(covariate.index[covariate.index.duplicated()].unique())
        return [Fault("by", f"{by!r} has several values for unit {twice}", "give each unit one value")]
    n_values = covariate[covariate.index.isin(codings.frame["unit_id"])].nunique()
    if 2 <= n_values <= MOST_VALUES:
        return []
    mend = f"split by 2 to {MOST_VALUES} values, by unit_id; put numbers into bands with pd.cut"
    return [Fault("by", f"{by!r} has {n_values:,} different values on these units", mend)]


def read_variable(
    codings: Codings, variable: VariableLike, coders: Sequence[str]
) -> Iterator[tuple[str, LabelCodes | None]]:
    """(level, codes) of a variable: one, or for sets of labels one a distance; none without a level."""
    level = variable.level or ""
    if variable.kind == "multi" and level not in SET_LEVELS:
        level = SET_LEVELS[0]
    if variable.kind not in KINDS:
        level = ""
    if level not in (*LEVELS, *SET_LEVELS):
        yield level, None
        return
    labels = _labels(variable, level)
    codes = read_codes(codings.frame, variable=variable.name, level=level, labels=labels, coders=coders or None)
    codes = replace(codes, interchangeable=codings.interchangeable)
    if codings.clusters is not None:
        codes = join_cluster(codes, codings.clusters)
    if codings.sample is not None and len(codings.sample.frame):
        codes = join_chances(codes, codings.sample.frame)
    yield level, codes
    if variable.kind == "multi":
        other = next(each for each in SET_LEVELS if each != level)
        yield other, replace(codes, scale=replace(codes.scale, level=other))


def _labels(variable: VariableLike, level: str) -> Sequence[str] | None:
    """The labels; on a scale without its abstention codes, which are set aside."""
    scale = getattr(variable, "scale", None)
    return list_labels(variable) if level == "nominal" or not scale or variable.labels is None else list(scale)


def _compare_variable(
    codings: Codings,
    variable: VariableLike,
    read: Sequence[tuple[str, LabelCodes | None]],
    groups: Mapping[str, Sequence[str]],
    request: tuple[str, int],
) -> Iterator[Comparison]:
    by, min_units = request
    for level, codes in read:
        sets = level in SET_LEVELS
        head = {"variable": variable.name, "label": "(set)" if sets else "", "level": level}
        if codes is None:
            mend = "give the variable one" if variable.kind in KINDS else "no alpha"
            reason = f"kind {variable.kind!r} has no level of measurement: {mend}"
            yield from (Comparison({**head, "group": group}, None, reason) for group in groups)
            continue
        parts = {group: codes.among(coders) for group, coders in groups.items()}
        if variable.kind != "number" and (by == "label" or (sets and by in ("", "group"))) and level != SET_LEVELS[1]:
            yield from _by_label(variable, head, parts)
        if by in ("", "group"):
            yield from (Comparison({**head, "group": group}, part) for group, part in parts.items())
        elif by == "without":
            yield from (each for group, part in parts.items() for each in _without_each({**head, "group": group}, part))
        elif by == "difference":
            yield from _less_first(head, parts)
        elif by == "pair":
            yield from _pairs(head, codes, groups, min_units)
        elif by != "label":
            yield from _by_value(head, codes, codings.covariate(by))


def _by_label(variable: VariableLike, head: Head, parts: Mapping[str, LabelCodes]) -> Iterator[Comparison]:
    """Whether each label was given or not; labels that the variable does not list are those of the codings."""
    for group, part in parts.items():
        names = (variable.labels or ()) if part.scale.members.size else part.scale.labels
        named = {**head, "level": "nominal", "group": group}
        yield from (Comparison({**named, "label": label}, part.yes_no(at)) for at, label in enumerate(names))


def _pairs(head: Head, codes: LabelCodes, groups: Mapping[str, Sequence[str]], min_units: int) -> Iterator[Comparison]:
    """Every pair of coders who are in one group, under the first such group."""
    for a, b, pair in each_pair(codes.answered(), min_units):
        within = next((name for name, coders in groups.items() if {a, b} <= set(coders)), "")
        if within:
            yield Comparison({**head, "group": within, "a": a, "b": b}, pair.among([a, b]))


def _without_each(head: Head, codes: LabelCodes) -> Iterator[Comparison]:
    yield Comparison({**head, "left_out": ""}, codes)
    for coder in codes.coders:
        rest = [name for name in codes.coders if name != coder]
        yield Comparison({**head, "left_out": coder}, codes.among(rest))


def _less_first(head: Head, parts: Mapping[str, LabelCodes]) -> Iterator[Comparison]:
    """Each group of coders less the first, on the units that two or more of either labelled; each unit is a cluster."""
    (first, ceiling), *others = parts.items()
    for name, part in others:
        both = labelled_twice(part).intersection(labelled_twice(ceiling), sort=False)
        sides = [side.within(np.asarray(side.units.isin(both))) for side in (part, ceiling)]
        if not len(ceiling.cluster):
            sides = [replace(side, cluster=both.get_indexer(side.units)) for side in sides]
        n_apart = len(part.units.union(ceiling.units, sort=False)) - len(both)
        dropped = f"{say_count(n_apart, 'unit')} without two codings of either group" if n_apart else ""
        yield Comparison({**head, "group": f"{name} - {first}"}, sides[0], "", sides[1], paired=True, dropped=dropped)


def labelled_twice(codes: LabelCodes) -> pd.Index:
    """Ids of the units that two or more coders labelled."""
    return codes.units[np.bincount(codes.answered().unit, minlength=len(codes.units)) > 1]


def _by_value(head: Head, codes: LabelCodes, covariate: pd.Series) -> Iterator[Comparison]:
    """The units of each value of a covariate, and the differences: of two values a - b, of more each from the rest."""
    value = covariate.astype(object).reindex(codes.units).to_numpy()
    order = covariate.astype("category").cat.categories
    there = [each for each in order if (value == each).any()]
    known = pd.notna(value)
    parts = {str(each): codes.within(value == each) for each in there}
    yield from (Comparison({**head, "group": name}, part) for name, part in parts.items())
    if len(there) == 2:
        (first, part), (second, beside) = parts.items()
        yield Comparison({**head, "group": f"{first} - {second}"}, part, beside=beside)
    elif len(there) > 2:
        rests = [codes.within(known & (value != each)) for each in there]
        for (name, part), beside in zip(parts.items(), rests, strict=True):
            yield Comparison({**head, "group": f"{name} - rest"}, part, beside=beside)


def each_pair(codes: LabelCodes, min_units: int) -> Iterator[tuple[str, str, LabelCodes]]:
    """Pairs of coders in the order of their names, each with the codes of their common units."""
    order = sorted(range(len(codes.coders)), key=lambda at: codes.coders[at])
    rows: dict[int, Ints] = {at: np.flatnonzero(codes.coder == at) for at in order}
    for place, first in enumerate(order):
        for second in order[place + 1 :]:
            _, here, there = np.intersect1d(codes.unit[rows[first]], codes.unit[rows[second]], return_indices=True)
            if len(here) >= max(1, min_units):
                both = np.concatenate([rows[first][here], rows[second][there]])
                yield codes.coders[first], codes.coders[second], codes.take(both)
