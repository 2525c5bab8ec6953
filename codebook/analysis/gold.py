"""One coder beside gold: the distinct pairs of answers with how many units show each, and the measures on them.

Every measure of validity is a function of these cells, so resampling the gold units is one multinomial over them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from codebook.analysis.checks import check_coders, check_columns, raise_faults
from codebook.analysis.counts import Codings, read_codings
from codebook.analysis.scales import SET_LEVELS, Bools, Ints, Scale, check_level, read_scale
from codebook.errors import Fault, StatisticError


@dataclass(frozen=True)
class Cells:
    """Distinct pairs of gold answer and coder's answer.

    `gold` and `coded`, shape (n_cells, n_labels), say which labels each answer holds (one for a single label, none
    where the coder gave no answer); `answered` and `times` have shape (n_cells,). `n_gold` counts the units with a
    gold label, of which `times` holds those asked of the coder.
    """

    labels: tuple[str, ...]
    gold: Bools
    coded: Bools
    answered: Bools
    times: Ints
    n_gold: int

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
    codings: Codings

    @property
    def asked(self) -> Bools:
        """Whether each gold unit was put to the coder."""
        return np.asarray(self.why != -2)


def read_pair(
    table: pd.DataFrame,
    *,
    variable: str,
    labels: Sequence[str] | None,
    coder: str,
    gold: str,
    level: str = "nominal",
    draw: int = 0,
) -> Pair:
    """Answers of `coder` in `draw` beside those of `gold`, which is a coder of the table with draw 0.

    Examples
    --------
    >>> from codebook.analysis.examples import make_table
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
    codings = read_codings(both, variable=variable, level=level, labels=labels) if len(both) else None
    if codings is None or not (codings.code[_by(codings, gold)] >= 0).any():
        problem, mend = f"{gold!r} has no label of {variable!r}", "name the coder whose labels are the gold"
        raise StatisticError(about, [Fault("gold", problem, mend)])
    return _align(codings, coder, gold)


def change_level(codings: Codings, *, level: str, labels: Sequence[str]) -> Codings:
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


def _by(codings: Codings, coder: str) -> Bools:
    at = codings.coders.index(coder) if coder in codings.coders else -1
    return np.asarray(codings.coder == at)


def _align(codings: Codings, coder: str, gold: str) -> Pair:
    n_units = len(codings.units)
    answers = np.full((3, n_units), -1, dtype=np.int64)
    answers[2] = -2
    for row, by in enumerate((_by(codings, gold), _by(codings, coder))):
        answers[row, codings.unit[by]] = codings.code[by]
    answers[2, codings.unit[_by(codings, coder)]] = codings.why[_by(codings, coder)]
    answers = answers[:, answers[0] >= 0]
    return Pair(codings.scale, answers[0], answers[1], answers[2], codings.whys, codings)


def count_cells(pair: Pair, labels: Sequence[str]) -> Cells:
    """Cells of the gold units that were put to the coder."""
    members = pair.scale.members if pair.scale.members.size else np.eye(len(labels), dtype=bool)
    width = pair.scale.n_labels + 1  # the last place is no answer
    keys = pair.gold * width + np.where(pair.coded >= 0, pair.coded, width - 1)
    distinct, times = np.unique(keys[pair.asked], return_counts=True)
    held = np.vstack([members, np.zeros((1, len(labels)), dtype=bool)])
    answered = distinct % width < width - 1
    return Cells(tuple(labels), held[distinct // width], held[distinct % width], answered, times, len(pair.gold))
