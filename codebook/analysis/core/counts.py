"""From the tidy table to counts: integer codes, then distinct patterns of codes with how many units show each.

Units with the same counts of labels add the same to every statistic of agreement. So the table is read once into
integers, collapsed to patterns, and whatever follows (also a bootstrap of units) works on patterns, whose number does
not grow with the number of units. Nothing is pivoted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import (
    LONG,
    check_coders,
    check_columns,
    check_ids,
    check_repeats,
    check_variable,
    check_whys,
    iter_cells,
    name_some,
    raise_faults,
    release_memory,
)
from codebook.analysis.core.patterns import Patterns, collapse
from codebook.analysis.core.sample_design import join_small
from codebook.analysis.core.scales import Bools, Floats, Ints, Scale, as_number, check_level, read_scale
from codebook.errors import Fault
from codebook.ground.joins import join_ids
from codebook.ground.quantities import say_count

Clusters = Mapping[str, object] | pd.Series
_EVEN = 1e-9  # of weights: nearer ones are equal


@dataclass(frozen=True)
class LabelCodes:
    """The labels of one variable as integers, one row per unit x coder.

    `unit`, `coder` and `code`, shape (n_rows,), are positions in `units`, `coders` and `scale.labels`; `code` is -1
    where the label is missing, and then `why` is a position in `whys` (else -1). `cluster`, shape (n_units,), says
    which units belong together; it is empty where each stands for itself. `weight` and `stratum`, shape (n_units,), are
    empty where all units weigh the same; a unit whose weight is not known has NaN. Coders are `interchangeable` where
    the table was one of counts, and their names stand for nobody.
    """

    scale: Scale
    unit: Ints
    coder: Ints
    code: Ints
    why: Ints
    units: pd.Index
    coders: tuple[str, ...]
    whys: tuple[str, ...]
    cluster: Ints = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    interchangeable: bool = False
    weight: Floats = field(default_factory=lambda: np.empty(0))
    stratum: Ints = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    @property
    def n_clusters(self) -> int:
        """How many clusters the units lie in; 0 where none are known."""
        return len(np.unique(self.cluster))

    @property
    def n_missing(self) -> int:
        """Rows without a label."""
        return int((self.code < 0).sum())

    @property
    def n_coders(self) -> int:
        """Coders of these rows, which may be fewer than `coders`."""
        return int(np.count_nonzero(np.bincount(self.coder, minlength=1)))

    @property
    def coverage(self) -> dict[str, int]:
        """Rows with a label, and those without one by the reason."""
        return {"labelled": len(self.code) - self.n_missing, **self.missing}

    @property
    def missing(self) -> dict[str, int]:
        """How many rows lack a label, by the reason, the commonest first."""
        times = np.bincount(self.why + 1, minlength=len(self.whys) + 1)[1:]  # a why is set exactly where no label is
        return {self.whys[at]: int(times[at]) for at in np.argsort(-times, kind="stable") if times[at]}

    def answered(self) -> LabelCodes:
        """The codings that have a label."""
        labelled = self.code >= 0
        if labelled.all():
            return self
        rows = np.flatnonzero(labelled)
        none = np.broadcast_to(np.int64(-1), len(rows))
        return replace(self, unit=self.unit[rows], coder=self.coder[rows], code=self.code[rows], why=none)

    def only(self, rows: Bools) -> LabelCodes:
        """The rows where `rows` is true; units and coders keep their positions."""
        return self if rows.all() else self.take(np.flatnonzero(rows))

    def take(self, rows: Ints) -> LabelCodes:
        """The rows at these positions; units and coders keep theirs."""
        return replace(self, unit=self.unit[rows], coder=self.coder[rows], code=self.code[rows], why=self.why[rows])

    def among(self, coders: Iterable[str]) -> LabelCodes:
        """The rows of these coders; nobody else and no other unit is left."""
        wanted = set(coders)
        if wanted >= set(self.coders):
            return self
        chosen = np.array([name in wanted for name in self.coders], dtype=bool)
        part = self.only(chosen[self.coder])
        coders = tuple(name for name in self.coders if name in wanted)
        part = replace(part, coder=(np.cumsum(chosen) - 1)[part.coder], coders=coders)
        return part.within(np.bincount(part.unit, minlength=len(self.units)) > 0)

    def within(self, units: Bools) -> LabelCodes:
        """The rows of the units where `units`, shape (n_units,), is true; no other unit is left."""
        part = self.only(units[self.unit])
        of_units = {name: getattr(self, name) for name in ("cluster", "weight", "stratum")}
        parts: dict[str, Any] = {name: each[units] if len(each) else each for name, each in of_units.items()}
        return replace(part, unit=(np.cumsum(units) - 1)[part.unit], units=self.units[units], **parts)

    def weighed(self) -> LabelCodes:
        """Weights of mean 1, where every unit that two coders labelled has one and they differ; else none.

        Units of unknown weight are left out where only one coder labelled them.
        """
        if not len(self.weight):
            return self
        known = ~np.isnan(self.weight)
        twice = np.bincount(self.unit[self.code >= 0], minlength=len(self.units)) > 1
        if not twice.any() or not known[twice].all() or np.ptp(self.weight[twice]) < _EVEN:
            return replace(self, weight=self.weight[:0], stratum=self.stratum[:0])
        stratum = join_small(np.where(twice, self.stratum, -1))
        return replace(self, weight=self.weight / self.weight[twice].mean(), stratum=stratum).within(known)

    def apart(self, patterns: Patterns) -> Patterns:
        """Patterns of these units, apart where units weigh differently."""
        return patterns.apart(self.weight, self.stratum) if len(self.weight) else patterns

    @property
    def is_traced(self) -> bool:
        """Whether something is known of each unit, so that patterns have to tell them apart."""
        return len(self.cluster) > 0 or len(self.weight) > 0

    def yes_no(self, label: int) -> LabelCodes:
        """Whether each coding is, or for sets holds, one label: codes 0 and 1 on a nominal scale "0", "1".

        `label` is a position in the scale's labels, or for sets in the codebook's.
        """
        members = self.scale.members
        holds = members[:, label] if members.size else np.arange(self.scale.n_labels) == label
        code = np.append(holds.astype(np.int64), -1)[self.code]
        return replace(self, scale=Scale("nominal", ("0", "1"), n_declared=2), code=code)


def read_codes(
    table: pd.DataFrame,
    *,
    variable: str,
    level: str,
    labels: Sequence[str] | None,
    coders: Iterable[str] | None = None,
    draw: int = 0,
) -> LabelCodes:
    """The label codes of one variable and draw, checked: all faults of the table are reported at once.

    Parameters
    ----------
    table
        The tidy table, one row per unit x coder x variable x draw.
    level, labels
        Level of measurement, or set distance, and the labels in codebook order (may be None for numbers).
    coders
        Whose codings to take; None takes everyone's.

    Raises
    ------
    StatisticError
        Missing columns, an unknown variable or coder, two codings of a unit by one coder, labels outside the codebook,
        a missing label without a why.

    Examples
    --------
    >>> from codebook.analysis.core.examples import observers_2011
    >>> codings = read_codes(observers_2011(), variable="code", level="nominal", labels=list("12345"))
    >>> len(codings.unit), codings.n_missing, codings.coders
    (48, 7, ('A', 'B', 'C', 'D'))
    """
    wanted = None if coders is None else list(dict.fromkeys(coders))
    about = f"The codings of {variable!r} cannot be used."
    raise_faults(about, [*check_columns(table), *check_level(level, labels)])
    raise_faults(about, [*check_variable(table, variable, draw), *check_coders(table, wanted)])
    rows = _find_rows(table, variable, draw, wanted)
    label, why = (table[name] if rows.all() else table.loc[rows, name] for name in ("label", "why"))
    if level in ("interval", "ratio") and labels is not None:
        label, why, labels = set_abstentions_aside(label, why, labels)
    unit, units = _number_rows(table["unit_id"], rows, number_ids)
    coder, coder_names = _number_rows(table["coder"], rows, pd.factorize)
    found_code, distinct = pd.factorize(label)
    why, whys = pd.factorize(why)
    scale, codes, faults = read_scale(list(distinct), level=level, labels=labels)
    faults = [
        *check_ids(unit, coder),
        *check_repeats(unit, coder, units, coder_names),
        *check_whys(found_code, why),
        *faults,
    ]
    raise_faults(about, faults)
    code = np.append(codes, -1)[found_code]
    if len(table) > LONG:
        release_memory()
    return LabelCodes(
        scale, unit, coder, code, why, units, tuple(str(name) for name in coder_names), tuple(map(str, whys))
    )


def count_patterns(codings: LabelCodes) -> Patterns:
    """Patterns of the labelled codings, those with one coding included.

    Examples
    --------
    >>> from codebook.analysis.core.examples import observers_2011
    >>> codings = read_codes(observers_2011(), variable="code", level="nominal", labels=list("12345"))
    >>> patterns = count_patterns(codings).pairable()
    >>> patterns.counts.shape, int(patterns.times.sum())
    ((9, 5), 11)
    """
    labelled = codings.answered()
    return labelled.apart(collapse(labelled.unit, labelled.code, codings.scale.n_labels, trace=labelled.is_traced))


def coder_patterns(codings: LabelCodes) -> tuple[Patterns, Floats]:
    """Patterns of who gave which label, and their counts by coder, shape (n_patterns, n_coders, n_labels).

    Of the labelled codings; coders without one are left out.
    """
    labelled, n_labels = codings.answered(), codings.scale.n_labels
    coders, coder = np.unique(labelled.coder, return_inverse=True)
    keys = coder * n_labels + labelled.code
    patterns = labelled.apart(collapse(labelled.unit, keys, len(coders) * n_labels, trace=labelled.is_traced))
    return patterns, patterns.counts.reshape(len(patterns.times), len(coders), n_labels)


def _find_rows(table: pd.DataFrame, variable: str, draw: int, wanted: list[str] | None) -> pd.Series:
    rows = (table["variable"] == variable) & (table["draw"] == draw)
    return rows if wanted is None else rows & table["coder"].isin(wanted)


def number_ids(ids: pd.Series) -> tuple[Ints, pd.Index]:
    """`pd.factorize` of ids that nearly all differ, by their hashes: of a million it takes a quarter of the memory.

    Examples
    --------
    >>> numbers, units = number_ids(pd.Series(["7", "9", "7"], dtype="str"))
    >>> numbers.tolist(), list(units)
    ([0, 1, 0], ['7', '9'])
    """
    if len(ids) > LONG and getattr(ids.dtype, "storage", "") == "pyarrow" and not ids.hasnans:
        places = np.arange(len(ids))
        numbers, distinct = pd.factorize(np.fromiter(map(hash, iter_cells(ids)), "int64", len(ids)))
        first = np.empty(len(distinct), dtype=np.int64)
        first[numbers[::-1]] = places[::-1]  # of the places of one id the first is written last
        again = np.flatnonzero(first[numbers] != places)
        if ids.iloc[again].array.equals(ids.iloc[first[numbers[again]]].array):  # else two ids have one hash
            return numbers, pd.Index(_take(ids, first))
    numbers, units = pd.factorize(ids)
    return numbers, pd.Index(units)


def _number_rows(column: pd.Series, rows: pd.Series, number: Callable[..., tuple[Any, Any]]) -> tuple[Ints, pd.Index]:
    """`number` of some rows of a column, which is not copied for it where they are most of its rows."""
    if 2 * rows.sum() <= len(rows):
        column, rows = column[rows], rows[rows]
    codes, texts = number(column)
    if rows.all():
        return codes, pd.Index(texts)
    codes = codes[rows.to_numpy()]
    present = pd.unique(codes[codes >= 0])
    place = np.full(len(texts) + 1, -1)  # the last is for what is missing
    place[present] = np.arange(len(present))
    return place[codes], pd.Index(_take(texts, present))


def _take(texts: Any, places: Ints) -> Any:
    """The texts at different places; those at the beginning in their order are not copied."""
    n, ordered = len(places), not len(places) or (places[-1] == len(places) - 1 and (np.diff(places) > 0).all())
    return texts[:n] if ordered else texts.take(places)


def set_abstentions_aside(
    label: pd.Series, why: pd.Series, labels: Sequence[str]
) -> tuple[pd.Series, pd.Series, Sequence[str] | None]:
    """Codings of a scale of numbers without codes such as "unclear" that are no numbers, and the labels that are left.

    A coder who abstained gave no label, and `why` says so. No labels are left where the codebook lists no numbers.
    """
    codes = [each for each in labels if math.isnan(as_number(each))]
    if codes and (rows := label.isin(codes)).any():
        label, why = label.mask(rows), why.mask(rows, "abstained")
    return label, why, [each for each in labels if each not in set(codes)] or None


def join_cluster(codings: LabelCodes, cluster: Clusters) -> LabelCodes:
    """The codings with the cluster of each unit.

    Raises StatisticError: units without a cluster, or with several.
    """
    clusters = cluster if isinstance(cluster, pd.Series) else pd.Series(dict(cluster), dtype=object)
    known = clusters[clusters.index.isin(codings.units)]
    about = "The units cannot be put into clusters."
    if known.index.has_duplicates:
        twice = name_some(known.index[known.index.duplicated()].unique())
        raise_faults(about, [Fault("cluster", f"several clusters for unit {twice}", "give each unit one cluster")])
    codes, _ = pd.factorize(known.reindex(codings.units))
    if (codes < 0).any():
        join = join_ids(map(str, codings.units[codes < 0]), map(str, clusters.index))
        problem = f"no cluster for {say_count(int((codes < 0).sum()), 'unit')}: {name_some(codings.units[codes < 0])}"
        more = f" ({join.example('the list of clusters')})" if join.near else ""
        if not join.strays:
            more = " (there they are numbers, in the table text)"
        raise_faults(about, [Fault("cluster", problem + more, "give each unit of the table its cluster, by unit_id")])
    return replace(codings, cluster=np.asarray(codes, dtype=np.int64))


def join_chances(codings: LabelCodes, sample: pd.DataFrame) -> LabelCodes:
    """The codings with the weight of each unit, 1 / its chance in the sample, and its stratum there.

    Units outside the sample have no known weight.

    Examples
    --------
    >>> from codebook.analysis.core.examples import make_table
    >>> codes = read_codes(make_table("v", {"a": ["x", "y"]}), variable="v", level="nominal", labels=["x", "y"])
    >>> join_chances(codes, pd.DataFrame({"unit_id": ["u2"], "prob": [0.25]})).weight.tolist()
    [nan, 4.0]
    """
    drawn = sample.set_index(sample["unit_id"].astype(str)).reindex(codings.units.astype(str))
    strata = pd.factorize(drawn["stratum"])[0] if "stratum" in drawn else np.zeros(len(drawn))
    return replace(codings, weight=1 / drawn["prob"].to_numpy(dtype=float), stratum=strata.astype(np.int64))
