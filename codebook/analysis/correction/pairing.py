"""From codings and their gold sample to one row per unit: the model's label, the gold label, the chance of its draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import name_some, raise_faults
from codebook.analysis.core.codings import Codings, SampleLike
from codebook.analysis.core.counts import LabelCodes, read_codes
from codebook.analysis.core.gold_balance import say_unbalanced
from codebook.analysis.core.gold_samples import why_no_gold
from codebook.analysis.core.plain_frames import as_codings
from codebook.analysis.core.result import Result, nothing_to_say
from codebook.analysis.core.sample_design import check_drawn
from codebook.analysis.core.scales import Bools, Floats, Ints
from codebook.analysis.correction.sentences import CorrectionFacts
from codebook.errors import Fault

NO_SAMPLE = "No gold sample was drawn for this run: nothing to correct by. To draw one, run 10_gold_sample."

_ABOUT = "The labels cannot be set beside the gold."


@dataclass(frozen=True)
class Beside:
    """Units put to the model: `units` (n_units,), codes of its labels `coded` and of gold (n_units,), -1 without.

    `members` (n_codes + 1, n_labels) says which labels an answer holds, in its last row none; `prob` is NaN but for
    gold units; `whys` counts the units without a label of the model by reason, `n_unused` is the gold labels outside
    the sample, `weighted` whether there is one; `coder` is the model.
    """

    units: pd.Index
    labels: tuple[str, ...]
    names: tuple[str, ...]
    members: Bools
    coded: Ints
    gold: Ints
    prob: Floats
    whys: dict[str, int] = field(default_factory=dict)
    n_unused: int = 0
    weighted: bool = True
    coder: str = ""

    @property
    def gold_rows(self) -> Ints:
        """Positions of the gold units, shape (n_gold,)."""
        return np.flatnonzero(self.gold >= 0)

    def text(self, codes: Ints) -> np.ndarray:
        """Labels as the table has them, None without."""
        return np.array([*self.names, None], dtype=object)[codes]

    @property
    def balance(self) -> str:
        """A warning where the gold counts as a simple random sample but clearly is none; else empty."""
        if self.weighted:
            return ""
        return say_unbalanced(pd.Series(self.text(self.coded)), self.gold >= 0)

    def facts(self, codings: Codings) -> CorrectionFacts:
        """How many units, gold units and labels there are."""
        coverage = {codings.variable.name: {"labelled": int((self.coded >= 0).sum()), **self.whys}}
        return CorrectionFacts(
            n_units=len(self.units),
            n_coders=1,
            n_gold=len(self.gold_rows),
            n_unused=self.n_unused,
            weighted=self.weighted,
            coder=self.coder,
            coverage=coverage,
            dropped=self.whys,
            joins=codings.joins,
        )


def pair_with_gold(
    codings: Codings | pd.DataFrame,
    coder: str | None = None,
    *,
    label: str = "",
    level: str = "",
    gold: str = "",
    sample: SampleLike = None,
) -> Result:
    """One row per unit: the model's label, the gold label of drawn units, and the chance `prob` of the draw.

    Parameters
    ----------
    coder
        The model; None for the only one, or the first.
    label
        Name one to get 1 and 0 (has it, has it not) in place of labels; for sets of labels it must be named.
    sample
        In place of that of the codings; gold labels of units outside it are not used. "random" says that the units
        with a gold label are a simple random sample. Where there is none, or no gold label, the result says so.

    Returns
    -------
    Result
        unit_id, predicted, gold, prob.

    Raises
    ------
    StatisticError
        Gold units that were not put to the coder, drawn units without a gold label, impossible probabilities.

    Examples
    --------
    >>> wide = pd.DataFrame({"unit": ["u1", "u2", "u3", "u4"], "gold": ["a", "b", None, "a"], "model": list("aabb")})
    >>> drawn = pd.DataFrame({"unit_id": ["u1", "u2"], "prob": [0.5, 0.5]})
    >>> pair_with_gold(wide, gold="gold", sample=drawn, label="a").frame
      unit_id  predicted  gold  prob
    0      u1        1.0   1.0   0.5
    1      u2        1.0   0.0   0.5
    2      u3        0.0   NaN   NaN
    3      u4        0.0   NaN   NaN
    """
    codings = open_codings(codings, level, gold, sample)
    columns = pd.DataFrame(columns=["unit_id", "predicted", "gold", "prob"])
    result = Result(columns, "paired_labels", "Labels beside the gold", "correction", outputs=codings.outputs)
    if reason := find_nothing(codings):
        return nothing_to_say(codings, reason, result)
    variable, beside = codings.variable, read_beside(codings, coder)
    raise_faults(_ABOUT, _check_label(label, variable.kind, beside.labels))
    codes = {"predicted": beside.coded, "gold": beside.gold}
    if label:
        has = np.append(beside.members[:-1, beside.labels.index(label)].astype(float), np.nan)
        frame = pd.DataFrame({name: has[each] for name, each in codes.items()})
    else:
        frame = pd.DataFrame({name: beside.text(each) for name, each in codes.items()}).astype("str")
    frame = frame.assign(unit_id=beside.units.astype(str), prob=beside.prob)[list(columns)]
    return replace(result, frame=frame, facts=beside.facts(codings), remarks=tuple(filter(None, [beside.balance])))


def open_codings(codings: Codings | pd.DataFrame, level: str, gold: str, sample: SampleLike) -> Codings:
    """Codings of one variable, with the sample that is passed in place of their own."""
    codings = as_codings(codings, level=level, gold=gold, needs_level=False, whole=True)
    codings = codings.of(codings.variable.name)
    return codings if sample is None else codings.with_sample(sample)


def find_nothing(codings: Codings) -> str:
    """Why there is nothing to correct, or nothing to correct by; empty where there is something."""
    if reason := codings.uncounted or why_no_gold(codings.frame, codings.variable.name, codings.gold):
        return reason
    if not codings.machines and not codings.people:
        return codings.alone
    return NO_SAMPLE if codings.sample is None else ""


def read_beside(codings: Codings, coder: str | None = None) -> Beside:
    """Answers of the model for all its units, and the gold of the drawn ones, checked."""
    model, variable, sample = codings.one_coder(coder), codings.variable, codings.sample
    drawn = None if sample is None or sample.declined else sample.frame
    mine = [Fault("coder", f"{model!r} is the gold itself", "name another coder")] if model == codings.gold else []
    raise_faults(_ABOUT, [*mine, *(sample.locked if sample is not None else ())])
    rows = codings.frame["coder"].isin([model, codings.gold]) & (codings.frame["draw"] == 0)
    level, labels = "masi" if variable.kind == "multi" else "nominal", variable.labels or ()
    codes = read_codes(codings.frame[rows], variable=variable.name, level=level, labels=labels)
    return _align(codes, tuple(labels), (model, codings.gold), drawn)


def _align(codes: LabelCodes, labels: tuple[str, ...], coders: tuple[str, str], drawn: pd.DataFrame | None) -> Beside:
    by_coder, by_gold = (
        codes.only(codes.coder == (codes.coders.index(name) if name in codes.coders else -1)) for name in coders
    )
    answers = np.full((2, len(codes.units)), -1, dtype=np.int64)
    answers[0, by_coder.unit], answers[1, by_gold.unit] = by_coder.code, by_gold.code
    put = np.zeros(len(codes.units), dtype=bool)
    put[by_coder.unit] = True
    prob = _find_prob(codes.units, answers[1] >= 0, put, drawn, coders[1])
    outside = np.isnan(prob) & (answers[1] >= 0)
    answers[1, outside] = -1
    members = codes.scale.members if codes.scale.members.size else np.eye(codes.scale.n_labels, dtype=bool)
    whys = {str(why): int((by_coder.why == at).sum()) for at, why in enumerate(codes.whys)}
    return Beside(
        units=codes.units[put],
        labels=labels,
        names=tuple(codes.scale.labels),
        members=np.vstack([members, np.zeros((1, len(labels)), dtype=bool)]),
        coded=answers[0, put],
        gold=answers[1, put],
        prob=prob[put],
        whys={why: n for why, n in whys.items() if n},
        n_unused=int(outside.sum()),
        weighted=drawn is not None,
        coder=coders[0],
    )


def _find_prob(units: pd.Index, has_gold: Bools, put: Bools, drawn: pd.DataFrame | None, gold: str) -> Floats:
    """Inclusion probability of each unit drawn, NaN for the others, shape (n_units,)."""
    ids = units.astype(str).to_series()
    if drawn is None:
        chance = min(1.0, has_gold.sum() / max(1, int(put.sum())))
        drawn = pd.DataFrame({"unit_id": ids[has_gold], "prob": chance})
    raise_faults(_ABOUT, check_drawn(drawn, ids[put], ids[put & has_gold], gold))
    return drawn.set_index(drawn["unit_id"].astype(str))["prob"].reindex(ids).to_numpy(float)


def _check_label(label: str, kind: str, labels: Sequence[str]) -> list[Fault]:
    if label and label not in labels:
        return [Fault("label", f"{label!r} is not a label of the variable", f"name one of {name_some(labels, 12)}")]
    if kind == "multi" and not label:
        mend = f"name one of {name_some(labels, 12)}"
        return [Fault("label", "a variable of kind multi is taken label by label", mend)]
    return []
