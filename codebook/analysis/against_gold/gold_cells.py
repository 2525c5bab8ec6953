"""One coder beside gold: the distinct pairs of answers with how many units show each, and the measures on them.

Every measure of validity is a function of these cells, so resampling the gold units is one multinomial over them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import check_coders, check_columns, raise_faults
from codebook.analysis.core.counts import Clusters, LabelCodes, join_cluster, read_codes
from codebook.analysis.core.empty import why_no_gold
from codebook.analysis.core.sample_design import Design, check_drawn, count_members, group_rows, read_design
from codebook.analysis.core.scales import SET_LEVELS, Bools, Floats, Ints, Scale, check_level, read_scale
from codebook.errors import Fault, StatisticError


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

    @property
    def weighted(self) -> Floats:
        """Units of each cell times their weight, shape (n_cells,)."""
        return np.asarray(self.times * self.weight)

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


def read_pair(
    table: pd.DataFrame,
    *,
    variable: str,
    labels: Sequence[str] | None,
    coder: str,
    gold: str,
    level: str = "nominal",
    draw: int = 0,
    sample: pd.DataFrame | None = None,
    cluster: Clusters | None = None,
) -> Pair:
    """Answers of `coder` in `draw` beside those of `gold`, which is a coder of the table with draw 0.

    With a `sample`, gold outside it is not used, and each unit weighs 1 / its inclusion probability.

    Examples
    --------
    >>> from codebook.analysis.core.examples import make_table
    >>> table = make_table("tone", {"gold": ["a", "b", "a"], "model": ["a", None, "b"]})
    >>> pair = read_pair(table, variable="tone", labels=["a", "b"], coder="model", gold="gold")
    >>> pair.gold.tolist(), pair.coded.tolist(), pair.whys
    ([0, 1, 0], [0, -1, 1], ('absent',))
    """
    about = f"{coder!r} cannot be held against gold {gold!r}."
    raise_faults(about, check_columns(table))
    faults = check_coders(table, [coder, gold])
    if coder == gold:
        faults.append(Fault("coder", f"{coder!r} is the gold itself", "name another coder"))
    raise_faults(about, faults)
    rows = ((table["coder"] == coder) & (table["draw"] == draw)) | ((table["coder"] == gold) & (table["draw"] == 0))
    both = table[rows & (table["variable"] == variable)].assign(draw=0)
    if not (by_gold := (both["coder"] == gold) & both["label"].notna()).any():
        problem, mend = f"{gold!r} has no label of {variable!r}", "name the coder whose labels are the gold"
        raise StatisticError(about, [Fault("gold", problem, mend)])
    raise_faults(about, check_drawn(sample, table["unit_id"], both.loc[by_gold, "unit_id"], gold))
    n_gold = both.loc[by_gold, "unit_id"].nunique()
    if sample is not None:
        both = both[both["unit_id"].astype(str).isin(set(sample["unit_id"].astype(str)))]
    codings = read_codes(both, variable=variable, level=level, labels=labels)
    pair = _align(codings if cluster is None else join_cluster(codings, cluster), coder, gold, sample)
    return replace(pair, design=replace(pair.design, n_unused=n_gold - len(pair.units)))


def why_no_pair(table: pd.DataFrame, variable: str, gold: str) -> str:
    """Say why nobody can be held against the gold; a `gold` that is nearly the name of a coder is a fault."""
    others = f"Nobody else coded a unit that {gold!r} labelled: nothing to compare. To compare, let others code those."
    return why_no_gold(table, variable, gold) or others


def change_level(codings: LabelCodes, *, level: str, labels: Sequence[str]) -> LabelCodes:
    """The same codings at another level of measurement, or set distance.

    Raises
    ------
    StatisticError
        The level is not for such labels, e.g. interval for labels that are no numbers.
    """
    used, code = np.unique(codings.code[codings.code >= 0], return_inverse=True)
    order = labels if level in ("nominal", "ordinal", *SET_LEVELS) else None
    faults = check_level(level, labels)
    if not faults:
        scale, codes, faults = read_scale([codings.scale.labels[at] for at in used], level=level, labels=order)
    raise_faults(f"The labels cannot be taken as {level}.", faults)
    codes_given = np.full(len(codings.code), -1)
    codes_given[codings.code >= 0] = codes[code]
    return replace(codings, scale=scale, code=codes_given)


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
    held = hold_labels(pair.scale, len(labels))
    return Cells(
        tuple(labels),
        gold=held[codes[:, 0]],
        coded=held[codes[:, 1]],
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
    members = scale.members if scale.members.size else np.eye(n_labels, dtype=bool)
    return np.vstack([members, np.zeros((1, n_labels), dtype=bool)])
