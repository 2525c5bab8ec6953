"""From tidy table and gold sample to one row a unit: the model's label, the gold label, the inclusion probability."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import carry_joins, check_coders, check_columns, name_some, raise_faults
from codebook.analysis.core.counts import LabelCodes, read_codes
from codebook.analysis.core.empty import make_empty, why_no_gold
from codebook.analysis.core.sample_design import check_sample
from codebook.analysis.core.scales import Bools, Floats, Ints
from codebook.errors import Fault
from codebook.ground.joins import join_ids

RANDOM = "random"
"""In place of a sample: the gold units are a simple random sample of the units put to the coder."""

NO_SAMPLE = "No gold sample was drawn for this run: nothing to correct by. To draw one, run 10_gold_sample."

_ABOUT = "The labels cannot be set beside the gold."


@dataclass(frozen=True)
class Beside:
    """Units put to the model: `units` (n_units,), codes of its labels `coded` and of gold (n_units,), -1 without.

    `held` (n_codes + 1, n_labels) says which labels an answer holds, in its last row none; `prob` is NaN but for gold
    units; `whys` counts the units without a label of the model by reason, `n_unused` is the gold
    labels outside the sample.
    """

    units: pd.Index
    labels: tuple[str, ...]
    names: tuple[str, ...]
    held: Bools
    coded: Ints
    gold: Ints
    prob: Floats
    whys: dict[str, int]
    n_unused: int = 0

    @property
    def gold_rows(self) -> Ints:
        """Positions of the gold units, shape (n_gold,)."""
        return np.flatnonzero(self.gold >= 0)

    def text(self, codes: Ints) -> np.ndarray:
        """Labels as the table has them, None without."""
        return np.array([*self.names, None], dtype=object)[codes]


def pair_with_gold(
    table: pd.DataFrame,
    *,
    variable: str,
    labels: Sequence[str],
    coder: str,
    gold: str,
    sample: pd.DataFrame | str | None,
    kind: str = "single",
    label: str = "",
    draw: int = 0,
) -> pd.DataFrame:
    """One row a unit, ready for `correct`: the model's label, the gold label of drawn units, and `prob`.

    Parameters
    ----------
    coder, gold
        Coders of the table: the model, and who gave the gold (draw 0).
    sample
        Of `draw_gold` or `read_gold_sample`; gold labels of units outside it are not used. "random" says that the
        units with a gold label are a simple random sample. None, where no sample was drawn, gives an empty frame that
        says so, as does a gold without a label.
    kind
        `single` (or `rating`), or `multi` for sets of labels.
    label
        Name one to get 1 and 0 (has it, has it not) in place of labels; for `multi` it must be named.

    Returns
    -------
    pd.DataFrame
        unit_id, predicted, gold, prob; `attrs`: variable, coder, gold, n_units, n_gold, coverage.

    Raises
    ------
    StatisticError
        Gold units that were not put to the coder, drawn units without a gold label, impossible probabilities.

    Examples
    --------
    >>> from codebook.analysis.core.examples import make_table
    >>> table = make_table("tone", {"gold": ["a", "b", None, "a"], "model": ["a", "a", "b", "b"]})
    >>> sample = pd.DataFrame({"unit_id": ["u1", "u2"], "prob": [0.5, 0.5]})
    >>> pair_with_gold(table, variable="tone", labels=["a", "b"], coder="model", gold="gold", sample=sample, label="a")
      unit_id  predicted  gold  prob
    0      u1        1.0   1.0   0.5
    1      u2        1.0   0.0   0.5
    2      u3        0.0   NaN   NaN
    3      u4        0.0   NaN   NaN
    """
    reason = why_no_gold(table, variable, gold)
    if sample is None or reason:
        return make_empty(reason or NO_SAMPLE, ["unit_id", "predicted", "gold", "prob"], table=table)
    asked = {"variable": variable, "coder": coder, "gold": gold}
    beside = read_beside(table, labels=labels, sample=sample, kind=kind, draw=draw, **asked)
    raise_faults(_ABOUT, _check_label(label, kind, labels))
    both = {"predicted": beside.coded, "gold": beside.gold}
    if label:
        has = np.append(beside.held[:-1, list(labels).index(label)].astype(float), np.nan)
        columns = {name: has[codes] for name, codes in both.items()}
    else:
        columns = {name: beside.text(codes) for name, codes in both.items()}
    frame = pd.DataFrame({"unit_id": beside.units.astype(str), **columns, "prob": beside.prob})
    if not label:
        frame = frame.astype(dict.fromkeys(both, "str"))
    frame.attrs = {**describe(beside), "variable": variable, "coder": coder, "gold": gold, **carry_joins(table)}
    return frame


def describe(beside: Beside) -> dict[Hashable, Any]:
    """Counts for a frame's `attrs`; `coverage` sums to the units asked."""
    labelled = int((beside.coded >= 0).sum())
    return {
        **{"n_units": len(beside.units), "n_gold": len(beside.gold_rows), "dropped": beside.whys},
        "n_unused": beside.n_unused,
        "coverage": {"asked": len(beside.units), "labelled": labelled, **beside.whys},
    }


def read_beside(
    table: pd.DataFrame,
    *,
    variable: str,
    labels: Sequence[str],
    coder: str,
    gold: str,
    sample: pd.DataFrame | str,
    kind: str,
    draw: int,
) -> Beside:
    """Answers of the model for all its units, and the gold of the drawn ones, checked."""
    faults = check_columns(table)
    raise_faults(_ABOUT, faults)
    faults = [*check_coders(table, [coder, gold]), *_check_sample(sample)]
    if coder == gold:
        faults.append(Fault("coder", f"{coder!r} is the gold itself", "name another coder"))
    raise_faults(_ABOUT, faults)
    rows = ((table["coder"] == coder) & (table["draw"] == draw)) | ((table["coder"] == gold) & (table["draw"] == 0))
    both = table[rows & (table["variable"] == variable)].assign(draw=0)
    level = "masi" if kind == "multi" else "nominal"
    codings = read_codes(both, variable=variable, level=level, labels=labels)
    return _align(codings, tuple(labels), coder, gold, sample)


def _align(codings: LabelCodes, labels: tuple[str, ...], coder: str, gold: str, sample: pd.DataFrame | str) -> Beside:
    by_coder, by_gold = (
        codings.only(codings.coder == (codings.coders.index(who) if who in codings.coders else -1))
        for who in (coder, gold)
    )
    answers = np.full((2, len(codings.units)), -1, dtype=np.int64)
    answers[0, by_coder.unit], answers[1, by_gold.unit] = by_coder.code, by_gold.code
    asked = np.zeros(len(codings.units), dtype=bool)
    asked[by_coder.unit] = True
    prob = _find_prob(codings.units, answers[1] >= 0, asked, sample)
    outside = np.isnan(prob) & (answers[1] >= 0)
    answers[1, outside] = -1
    members = codings.scale.members if codings.scale.members.size else np.eye(codings.scale.n_labels, dtype=bool)
    held = np.vstack([members, np.zeros((1, len(labels)), dtype=bool)])
    whys = {str(why): int((by_coder.why == at).sum()) for at, why in enumerate(codings.whys)}
    return Beside(
        units=codings.units[asked],
        labels=labels,
        names=tuple(codings.scale.labels),
        held=held,
        coded=answers[0, asked],
        gold=answers[1, asked],
        prob=prob[asked],
        whys={why: n for why, n in whys.items() if n},
        n_unused=int(outside.sum()),
    )


def _find_prob(units: pd.Index, has_gold: Bools, asked: Bools, sample: pd.DataFrame | str) -> Floats:
    """Inclusion probability of each unit drawn, NaN for the others, shape (n_units,)."""
    ids = units.astype(str)
    if isinstance(sample, str):
        chance = has_gold.sum() / max(1, int(asked.sum()))
        raise_faults(_ABOUT, _check_drawn(ids, has_gold, has_gold, asked, sampled=ids[has_gold]))
        return np.where(has_gold, chance, np.nan)
    known = pd.Series(sample["prob"].to_numpy(float), index=sample["unit_id"].astype(str))
    drawn = np.asarray(ids.isin(known.index))
    raise_faults(_ABOUT, _check_drawn(ids, drawn, has_gold, asked, sampled=known.index))
    return known.reindex(ids).to_numpy(float)


def _check_drawn(ids: pd.Index, drawn: Bools, has_gold: Bools, asked: Bools, *, sampled: pd.Index) -> list[Fault]:
    faults = []
    if not len(sampled):
        faults.append(Fault("gold", "no unit has a gold label", "code the units that draw_gold drew"))
    join = join_ids(sampled, ids[asked])
    if join.strays:
        mend = "put them to the coder, or take the sample of this table"
        faults.append(Fault("sample", join.say_strays("gold units", "among the coder's units", "the coder"), mend))
    uncoded = ids[drawn & asked & ~has_gold]
    if len(uncoded):
        mend = "code them; leaving them out would make the probabilities wrong"
        problem = f"{len(uncoded):,} drawn units have no gold label: {name_some(uncoded)}"
        faults.append(Fault("gold", problem, mend))
    return faults


def _check_sample(sample: pd.DataFrame | str) -> list[Fault]:
    if not isinstance(sample, str):
        return check_sample(sample)
    mend = 'pass the frame of read_gold_sample, or "random" if gold is a simple random sample of the units'
    return [] if sample == RANDOM else [Fault("sample", f"{sample!r} is no gold sample", mend)]


def _check_label(label: str, kind: str, labels: Sequence[str]) -> list[Fault]:
    if label and label not in labels:
        return [Fault("label", f"{label!r} is not a label of the variable", f"name one of {name_some(labels, 12)}")]
    if kind == "multi" and not label:
        mend = f"name one of {name_some(labels, 12)}"
        return [Fault("label", "a variable of kind multi is taken label by label", mend)]
    return []
