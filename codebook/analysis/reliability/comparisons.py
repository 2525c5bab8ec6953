"""What is compared with what: the codings of each variable, by label, group, pair of coders, or without one coder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import check_coders, check_columns, raise_faults
from codebook.analysis.core.counts import Clusters, LabelCodes, join_cluster, read_codes
from codebook.analysis.core.scales import LEVELS, SET_LEVELS, Ints, VariableLike
from codebook.errors import Fault, StatisticError

BY = ("overall", "label", "pair", "leave_one_out")
"""What a row of an agreement frame may stand for."""
KINDS = ("single", "rating", "number", "multi")
"""Kinds of variables whose labels can be compared."""
Head = dict[str, str]


@dataclass(frozen=True)
class Comparison:
    """LabelCodes to be compared, and the columns that say which they are; without codings `reason` says why.

    `labels` are those that sets are made of, in codebook order; empty for other variables.
    """

    head: Head
    codings: LabelCodes | None
    reason: str = ""
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Request:
    """What is asked of a table.

    `groups` are names of coders to compare with each other; None takes all as one group `all`, and of no group there is
    nothing to compare. `cluster` is the cluster of each unit. Pairs of coders with fewer than `min_units` common units
    are left out. `by` has words of `BY`, or `set_label` for the labels of `multi` variables alone. `faults` are those
    already found.
    """

    groups: Mapping[str, Sequence[str]] | None = None
    cluster: Clusters | None = None
    draw: int = 0
    min_units: int = 1
    by: tuple[str, ...] = ("overall",)
    faults: Sequence[Fault] = ()


def read_comparisons(
    table: pd.DataFrame, variables: Iterable[VariableLike], asked: Request, about: str
) -> tuple[list[Comparison], dict[str, dict[str, int]]]:
    """All comparisons, in the order of the variables, and for each variable its coverage: rows labelled, and by why.

    Raises
    ------
    StatisticError
        Every fault of the table, the request and the variables at once.
    """
    raise_faults(about, [*check_columns(table), *asked.faults])
    named = _name_groups(table, asked.groups)
    faults = [fault for coders in named.values() for fault in check_coders(table, coders)]
    if any(isinstance(coders, str) for coders in (asked.groups or {}).values()):
        faults.append(Fault("groups", "a group is one text", "give each group a list of coders"))
    done: list[Comparison] = []
    coverage = {}
    for variable in variables:
        try:
            read = list(_read_variable(table, variable, {} if faults else named, asked))
        except StatisticError as error:
            faults += [Fault(f"{variable.name}, {fault.where}", fault.problem, fault.mend) for fault in error.faults]
            continue
        for level, codings in read:
            if codings is not None:
                coverage[variable.name] = {"labelled": len(codings.code) - codings.n_missing, **codings.missing}
            done += _compare(variable, level, codings, named, asked)
    raise_faults(about, faults)
    return done, coverage


def why_no_group(groups: Mapping[str, Sequence[str]] | None) -> str:
    """Say why there is no group of coders to compare; groups of `group_coders` know it themselves."""
    told = "No group of two coders or more: nothing to compare. To compare, give labels of a second coder."
    return str(getattr(groups, "nothing", "")) or told


def _name_groups(table: pd.DataFrame, groups: Mapping[str, Sequence[str]] | None) -> dict[str, list[str]]:
    if groups is None:
        return {"all": list(table["coder"].dropna().unique())}
    return {name: list(coders) for name, coders in groups.items()}


def _read_variable(
    table: pd.DataFrame, variable: VariableLike, groups: Mapping[str, Sequence[str]], asked: Request
) -> Iterator[tuple[str, LabelCodes | None]]:
    """(level, codings) of a variable: one, or for sets of labels one a distance; none without a level."""
    level = SET_LEVELS[0] if variable.kind == "multi" else variable.level or ""
    if variable.kind not in KINDS:
        level = ""
    if level not in (*LEVELS, *SET_LEVELS):
        yield level, None
        return
    coders = sorted({coder for names in groups.values() for coder in names}) or None
    labels = _labels(table, variable, level)
    codings = read_codes(table, variable=variable.name, level=level, labels=labels, coders=coders, draw=asked.draw)
    if asked.cluster is not None:
        codings = join_cluster(codings, asked.cluster)
    yield level, codings
    if variable.kind == "multi":
        yield SET_LEVELS[1], replace(codings, scale=replace(codings.scale, level=SET_LEVELS[1]))


def _labels(table: pd.DataFrame, variable: VariableLike, level: str) -> Sequence[str] | None:
    """The labels; on a scale without its abstention codes, if the table has none of them."""
    scale = getattr(variable, "scale", None)
    if level == "nominal" or not scale or variable.labels is None or len(scale) == len(variable.labels):
        return variable.labels
    apart = [label for label in variable.labels if label not in set(scale)]
    return variable.labels if table.loc[table["variable"] == variable.name, "label"].isin(apart).any() else list(scale)


def _compare(
    variable: VariableLike, level: str, codings: LabelCodes | None, groups: Mapping[str, Sequence[str]], asked: Request
) -> Iterator[Comparison]:
    sets = level in SET_LEVELS
    head = {"variable": variable.name, "label": "(set)" if sets else "", "level": level}
    if codings is None:
        mend = "give the variable one" if variable.kind in KINDS else "no alpha"
        reason = f"kind {variable.kind!r} has no level of measurement: {mend}"
        yield from (Comparison({**head, "group": group}, None, reason) for group in groups)
        return
    parts = {group: codings.among(coders) for group, coders in groups.items()}
    if ("label" in asked.by or (sets and "set_label" in asked.by)) and level != SET_LEVELS[1]:
        yield from _by_label(variable, head, parts)
    for group, part in parts.items():
        if "overall" in asked.by:
            yield Comparison({**head, "group": group}, part, labels=tuple(variable.labels or ()) if sets else ())
        if "leave_one_out" in asked.by:
            yield Comparison({**head, "group": group, "left_out": ""}, part)
            yield from _without_each({**head, "group": group}, part)
    if "pair" in asked.by and groups:
        yield from _pairs(head, codings, groups, asked.min_units)


def _by_label(variable: VariableLike, head: Head, parts: Mapping[str, LabelCodes]) -> Iterator[Comparison]:
    """Whether each label was given or not; labels that the variable does not list are those of the codings."""
    for group, part in parts.items():
        names = (variable.labels or ()) if part.scale.members.size else part.scale.labels
        named = {**head, "level": "nominal", "group": group}
        yield from (Comparison({**named, "label": label}, part.yes_no(at)) for at, label in enumerate(names))


def _pairs(
    head: Head, codings: LabelCodes, groups: Mapping[str, Sequence[str]], min_units: int
) -> Iterator[Comparison]:
    """Every pair of coders who are in one group, under the first such group."""
    for a, b, pair in each_pair(codings.answered(), min_units):
        within = next((name for name, coders in groups.items() if {a, b} <= set(coders)), "")
        if within:
            yield Comparison({**head, "group": within, "a": a, "b": b}, pair.among([a, b]))


def _without_each(head: Head, codings: LabelCodes) -> Iterator[Comparison]:
    for coder in codings.coders:
        others = [name for name in codings.coders if name != coder]
        yield Comparison({**head, "left_out": coder}, codings.among(others))


def each_pair(given: LabelCodes, min_units: int) -> Iterator[tuple[str, str, LabelCodes]]:
    """Pairs of coders in the order of their names, each with the codings of their common units."""
    order = sorted(range(len(given.coders)), key=lambda at: given.coders[at])
    rows: dict[int, Ints] = {at: np.flatnonzero(given.coder == at) for at in order}
    for place, first in enumerate(order):
        for second in order[place + 1 :]:
            _, mine, theirs = np.intersect1d(given.unit[rows[first]], given.unit[rows[second]], return_indices=True)
            if len(mine) >= max(1, min_units):
                both = np.concatenate([rows[first][mine], rows[second][theirs]])
                yield given.coders[first], given.coders[second], given.take(both)
