"""One coder beside gold: the distinct pairs of answers with how many units show each, and the measures on them.

Every measure of validity is a function of these cells, so a replicate of the gold units is one draw of their weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import check_coders, raise_faults
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.counts import LabelCodes, join_cluster, read_codes
from codebook.analysis.core.estimates import Bootstrap
from codebook.analysis.core.gold_balance import say_unbalanced
from codebook.analysis.core.gold_samples import why_no_gold
from codebook.analysis.core.patterns import group_rows
from codebook.analysis.core.plain_frames import as_codings
from codebook.analysis.core.result import Facts, Result, nothing_to_say
from codebook.analysis.core.sample_design import Design, Drawn, check_drawn, read_design
from codebook.analysis.core.scales import SET_LEVELS, UNCOUNTED, Bools, Floats, Ints, Scale, check_level, read_scale
from codebook.analysis.core.scales import list_labels as named_labels
from codebook.analysis.core.standard_errors import count_members
from codebook.errors import Fault, StatisticError

KINDS = ("single", "rating", "multi")
"""Kinds of variables whose labels are right or wrong."""

WITH_NUMBERS = (*KINDS, "number")
"""These kinds and numbers, which are more or less wrong."""

ONE_LABEL = (
    "Sets of labels and numbers are not one label per unit with a probability: no label is chosen, no curve is drawn."
)

_COUNTED = {"multi": "masi", "number": "interval"}
"""The level at which answers are the same or not, where it is not nominal."""


@dataclass(frozen=True)
class GoldFacts(Facts):
    """Facts of coders held against the gold.

    `n_gold` units have a gold label, `n_asked` of them were put to the (first) coder, who answered `n_answered`;
    `never_predicted` are labels that it gave to none, `baseline` gold's commonest answer (several in a tie). `n_apart`
    units were put to one of two coders only.
    """

    gold: str = ""
    n_gold: int = 0
    n_asked: int = 0
    n_answered: int = 0
    never_predicted: tuple[str, ...] = ()
    baseline: tuple[str, ...] = ()
    n_apart: int = 0


@dataclass(frozen=True)
class Cells:
    """Distinct pairs of gold answer and coder's answer.

    `gold` and `coded`, shape (n_cells, n_labels), say which labels each answer holds (one for a single label, none
    where the coder gave no answer); `answered` and `times` have shape (n_cells,). `n_gold` counts the units with a
    gold label, of which `times` holds those asked of the coder. Each unit of a cell weighs `weight` (n_cells,) and is
    of one `stratum` (n_cells,); `members` counts the cells of each cluster. `codes` (n_cells, 2) are the answers of
    gold and coder as codes of the scale, -1 without one.
    """

    labels: tuple[str, ...]
    gold: Bools
    coded: Bools
    answered: Bools
    times: Ints
    n_gold: int
    weight: Floats = field(default_factory=lambda: np.ones(1))
    stratum: Ints = field(default_factory=lambda: np.zeros(1, dtype=np.int64))
    members: Any = None
    codes: Ints = field(default_factory=lambda: np.empty((0, 2), dtype=np.int64))

    @cached_property
    def indicators(self) -> Floats:
        """Where each label is, shape (n_cells, 6 x n_labels): in gold, in the answer, in both, in neither; and of units
        with an answer: not in the answer, in neither."""
        lacking = ~self.coded & self.answered[:, None]
        parts = [self.gold, self.coded, self.gold & self.coded, ~self.gold & ~self.coded, lacking, lacking & ~self.gold]
        return np.concatenate(parts, axis=1).astype(float)

    @property
    def weighted(self) -> Floats:
        """Units of each cell times their weight, shape (n_cells,)."""
        return np.asarray(self.times * self.weight)

    @property
    def drawn(self) -> Drawn:
        """The units as they were drawn."""
        shape = self.times.shape
        return Drawn(
            self.times, np.broadcast_to(self.weight, shape), np.broadcast_to(self.stratum, shape), self.members
        )

    @property
    def n_asked(self) -> int:
        """Gold units that were put to the coder."""
        return int(self.times.sum())

    @property
    def n_answered(self) -> int:
        """Gold units that the coder gave a label."""
        return int(self.times[self.answered].sum())

    @property
    def never_predicted(self) -> list[str]:
        """Labels that the coder gave to no gold unit."""
        return [label for at, label in enumerate(self.labels) if not self.coded[:, at].any()]

    def take(self, rows: Ints) -> Cells:
        """Some of the cells. All clusters stay, also those without a unit in these cells."""
        cells: dict[str, Any] = {name: getattr(self, name)[rows] for name in ("gold", "coded", "answered", "times")}
        design: dict[str, Any] = {name: getattr(self.drawn, name)[rows] for name in ("weight", "stratum")}
        members = None if self.members is None else self.members[:, rows]
        codes = self.codes[rows] if len(self.codes) else self.codes
        return replace(self, **cells, **design, members=members, codes=codes, n_gold=int(self.times[rows].sum()))

    def list_codes(self, answers: Bools) -> Ints:
        """The codes of some answers, shape (n, n_labels). An answer that nobody gave here has the first code."""
        if (answers.sum(axis=1) == 1).all():
            return np.asarray(answers.argmax(axis=1))
        rows = np.concatenate([self.gold, self.coded])
        same = (answers[:, None, :] == rows[None, :, :]).all(axis=2)
        return np.asarray(self.codes.T.ravel()[same.argmax(axis=1)])

    def always(self, answer: Bools) -> Cells:
        """The cells of a coder who gives one and the same answer, shape (n_labels,), to every unit."""
        coded = np.broadcast_to(answer, self.gold.shape)
        return replace(self, coded=coded, answered=np.ones(len(self.times), dtype=bool))


@dataclass(frozen=True)
class Pair:
    """Codes of gold and coder over the units with a gold label, shape (n_gold,).

    `coded` is -1 without an answer; `why` is then a position in `whys`, and -2 marks units never put to the coder.
    """

    scale: Scale
    gold: Ints
    coded: Ints
    why: Ints
    whys: tuple[str, ...]
    codings: LabelCodes
    units: pd.Index
    design: Design

    @property
    def asked(self) -> Bools:
        """Whether each gold unit was put to the coder."""
        return np.asarray(self.why != -2)

    @property
    def coverage(self) -> dict[str, int]:
        """Gold units by what became of them: labelled, each why, not asked. It sums to them."""
        times = {why: int((self.why == at).sum()) for at, why in enumerate(self.whys)}
        counts = {"labelled": int((self.coded >= 0).sum()), **times, "not asked": int((~self.asked).sum())}
        return {name: n for name, n in counts.items() if n or name == "labelled"}


def read_gold(codings: Codings | pd.DataFrame, *, gold: str = "", level: str = "", whole: bool = False) -> Codings:
    """Codings of one variable with a gold coder, from codings or from a plain frame. The level need not be given.

    `whole` is that of `as_codings`.

    Raises StatisticError: nobody is named as the gold, or the variable is of a kind that nothing is known of.
    """
    codings = as_codings(codings, level=level, gold=gold, needs_level=False, whole=whole)
    kind, faults = codings.variable.kind, []
    if kind not in (*WITH_NUMBERS, *UNCOUNTED):
        problem = f"validity by labels is not defined for kind {kind!r}"
        faults.append(Fault("kind", problem, f"take one of {', '.join(WITH_NUMBERS)}"))
    if not codings.gold and not codings.uncounted:
        faults.append(Fault("gold", "nobody is named", "name the coder whose labels are the gold: gold='NAME'"))
    raise_faults("Labels cannot be held against the gold.", faults)
    return codings


def read_pair(codings: Codings, coder: str, *, level: str = "") -> Pair:
    """Answers of `coder` beside those of the gold; of `multi` variables as sets.

    With a sample, gold outside it is not used, and each unit weighs 1 / its inclusion probability.

    Examples
    --------
    >>> from codebook.analysis.core.plain_frames import as_codings
    >>> wide = pd.DataFrame({"gold": ["a", "b", "a"], "model": ["a", None, "b"]})
    >>> pair = read_pair(as_codings(wide, gold="gold", level="nominal"), "model")
    >>> pair.gold.tolist(), pair.coded.tolist(), pair.whys
    ([0, 1, 0], [0, -1, 1], ('absent',))
    """
    variable, gold, frame = codings.variable, codings.gold, codings.frame
    about = f"{coder!r} cannot be held against gold {gold!r}."
    faults = check_coders(frame, [coder, gold])
    if coder == gold:
        faults.append(Fault("coder", f"{coder!r} is the gold itself", "name another coder"))
    raise_faults(about, faults)
    by_gold = (frame["coder"] == gold) & (frame["draw"] == 0) & (frame["variable"] == variable.name)
    known = frame.loc[by_gold & frame["label"].notna(), "unit_id"]
    if known.empty:
        problem, mend = f"{gold!r} has no label of {variable.name!r}", "name the coder whose labels are the gold"
        raise StatisticError(about, [Fault("gold", problem, mend)])
    sample, _ = codings.gold_sample()
    raise_faults(about, check_drawn(sample, frame["unit_id"], known, gold))
    if sample is not None:
        frame = frame[frame["unit_id"].astype(str).isin(set(sample["unit_id"].astype(str)))]
    level = level or _COUNTED.get(variable.kind, "nominal")
    labels = named_labels(variable) if variable.kind == "number" else list_labels(codings)
    there = [name for name in (coder, gold) if (frame["coder"] == name).any()]
    codes = read_codes(frame, variable=variable.name, level=level, labels=labels, coders=there)
    pair = _align(codes if codings.clusters is None else join_cluster(codes, codings.clusters), coder, gold, sample)
    return replace(pair, design=replace(pair.design, n_unused=known.nunique() - len(pair.units)))


def list_labels(codings: Codings) -> Sequence[str]:
    """Labels of the variable; where it lists none those that were given, numbers by their size."""
    if codings.variable.labels is not None:
        return codings.variable.labels
    labels = pd.Series(sorted(codings.frame["label"].dropna().unique()), dtype=object)
    return [str(label) for label in labels.iloc[pd.to_numeric(labels, errors="coerce").argsort(kind="stable")]]


def read_alpha_level(codings: Codings) -> str:
    """Level of measurement for alpha with gold, of `multi` variables a distance of sets; empty where none is said."""
    level = codings.variable.level or ""
    return level if codings.variable.kind != "multi" or level in SET_LEVELS else "masi"


def say_no_pair(codings: Codings, result: Result) -> Result:
    """The result where nobody can be held against the gold; a gold that is nearly the name of a coder is a fault."""
    gold = codings.gold
    nobody = f"Nobody else coded a unit that {gold!r} labelled: nothing to compare. To compare, let others code those."
    return nothing_to_say(codings, why_no_gold(codings.frame, codings.variable.name, gold) or nobody, result)


def say_no_labels(codings: Codings, result: Result) -> Result | None:
    """The result that says that numbers, records and the like are not compared label by label; None for other kinds."""
    if codings.uncounted:
        return nothing_to_say(codings, codings.uncounted, result)
    if codings.variable.kind != "number":
        return None
    mend = "validity(codings) says how far they are from the gold, and limits_of_agreement(codings) draws it"
    return nothing_to_say(codings, f"Numbers are not compared label by label: {mend}.", result)


def list_facts(codings: Codings, pairs: dict[str, Pair], bootstrap: Bootstrap, **more: Any) -> GoldFacts:
    """Facts of the coders of these pairs, and `more`; the counts are those of the first."""
    pair = next(iter(pairs.values()))
    facts = GoldFacts(
        n_units=int(pair.asked.sum()),
        n_coders=len(pairs),
        level=codings.variable.level or "",
        bootstrap=bootstrap,
        resampled=pair.design.resampled,
        weighted=pair.design.weighted,
        joins=codings.joins,
        gold=codings.gold,
        n_gold=len(pair.gold),
        n_asked=int(pair.asked.sum()),
        n_answered=int((pair.coded >= 0).sum()),
        coverage={coder: each.coverage for coder, each in pairs.items()},
        n_clusters=len(np.unique(pair.design.cluster[pair.asked])) if len(pair.design.cluster) else 0,
    )
    return replace(facts, **more)


def remark_gold(codings: Codings, pair: Pair, *notes: str) -> tuple[str, ...]:
    """Sentences of a note: its own, by which chances gold is weighted, and what of it is not used."""
    return *notes, codings.gold_sample()[1], *pair.design.notes, *_say_unbalanced(codings, pair)


def _say_unbalanced(codings: Codings, pair: Pair) -> list[str]:
    """A warning where all gold units weigh the same and yet cannot be a random sample of the model's units."""
    frame = codings.frame
    model = next((name for name in codings.machines if name != codings.gold), "")
    if pair.design.weighted or not model:
        return []
    rows = (frame["coder"] == model) & (frame["variable"] == codings.variable.name) & (frame["draw"] == 0)
    warning = say_unbalanced(frame["label"].where(rows), frame["unit_id"].astype(str).isin(set(map(str, pair.units))))
    return [warning] if warning else []


def change_level(codings: LabelCodes, *, level: str, labels: Sequence[str]) -> LabelCodes:
    """The same codings at another level of measurement, or set distance.

    Raises StatisticError: the level is not for such labels, e.g. interval for labels that are no numbers.
    """
    distinct, code = np.unique(codings.code[codings.code >= 0], return_inverse=True)
    order = labels if level in ("nominal", "ordinal", *SET_LEVELS) else None
    faults = check_level(level, labels)
    if not faults:
        scale, codes, faults = read_scale([codings.scale.labels[at] for at in distinct], level=level, labels=order)
    raise_faults(f"The labels cannot be taken as {level}.", faults)
    changed = np.full(len(codings.code), -1)
    changed[codings.code >= 0] = codes[code]
    return replace(codings, scale=scale, code=changed)


def match_codes(codings: LabelCodes, changed: LabelCodes) -> Ints:
    """For each code of `codings` the code of the same label in `changed`, of `change_level`; -1 for unused, and last.

    Shape (n_labels + 1,), so that the code -1 stays -1.
    """
    codes = np.full(codings.scale.n_labels + 1, -1, dtype=np.int64)
    codes[codings.code] = changed.code
    return codes


def _by(codings: LabelCodes, coder: str) -> Bools:
    at = codings.coders.index(coder) if coder in codings.coders else -1
    return np.asarray(codings.coder == at)


def _align(codings: LabelCodes, coder: str, gold: str, sample: pd.DataFrame | None) -> Pair:
    n_units = len(codings.units)
    answers = np.full((3, n_units), -1, dtype=np.int64)
    answers[2] = -2
    for row, by in enumerate((_by(codings, gold), _by(codings, coder))):
        answers[row, codings.unit[by]] = codings.code[by]
    answers[2, codings.unit[_by(codings, coder)]] = codings.why[_by(codings, coder)]
    rows = np.flatnonzero(answers[0] >= 0)
    units = codings.units[rows]
    design = read_design(units, sample, codings.cluster[rows] if len(codings.cluster) else codings.cluster)
    by_gold, by_coder, why = answers[:, rows]
    return Pair(codings.scale, by_gold, by_coder, why, codings.whys, codings, units, design)


def count_cells(pair: Pair, labels: Sequence[str]) -> Cells:
    """Cells of the gold units that were put to the coder."""
    rows = np.flatnonzero(pair.asked)
    answers = np.stack([pair.gold[rows], pair.coded[rows]])
    design = pair.design.only(rows)
    first, times, which = group_rows(*answers, design.weight, design.stratum)
    codes = answers[:, first].T
    members = hold_labels(pair.scale, len(labels))
    return Cells(
        tuple(labels),
        gold=members[codes[:, 0]],
        coded=members[codes[:, 1]],
        answered=codes[:, 1] >= 0,
        times=times,
        n_gold=len(pair.gold),
        weight=design.weight[first],
        stratum=design.stratum[first],
        members=count_members(design.cluster, which, len(first)),
        codes=codes,
    )


def hold_labels(scale: Scale, n_labels: int) -> Bools:
    """Which labels each code holds, shape (n_codes + 1, n_labels), the last row for no answer (code -1)."""
    members = scale.members if scale.members.size else np.eye(n_labels or scale.n_labels, n_labels, dtype=bool)
    return np.vstack([members, np.zeros((1, n_labels), dtype=bool)])
