"""What a corrected regression reads, checked: labels of model and gold, inclusion probabilities, clusters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import name_some, raise_faults
from codebook.analysis.core.gold_samples import GoldSample
from codebook.analysis.core.sample_design import ASK_PROB, check_drawn, check_prob
from codebook.analysis.core.scales import Floats, Ints
from codebook.errors import Fault, mend_name
from codebook.ground.quantities import say_count

ABOUT = "The regression cannot be corrected."


@dataclass(frozen=True)
class Inputs:
    """Units of the regression: `frame` as passed, `gold` the rows of gold units (n_gold,), their `prob` (n_gold,).

    `n_units` were there before those with gaps were left out; `dropped` says how many those are, and why. `cluster`
    holds a code for each unit, shape (n_units,), `n_clusters` is 0 without clusters; `prob_scale` is what
    the probabilities were multiplied by. `answered` are the rows with an answer of the model.
    """

    frame: pd.DataFrame
    n_units: int
    gold: Ints
    prob: Floats
    prob_scale: float
    cluster: Ints
    n_clusters: int
    dropped: dict[str, int]
    answered: Ints


@dataclass(frozen=True)
class LabelColumns:
    """Columns of a frame with one row per unit.

    `gold` and `predicted` are a column each, or several in the same order: gold labels, empty where a unit is no gold
    unit, and those of the model. `prob` has the chance with which each unit was drawn for gold: where every unit has
    one, they are scaled so that their mean is the share of gold units, as the R package dsl does (1 in samples of fixed
    size). `cluster` is empty for none. `answered` is the column that says for which units the model gave an answer;
    empty where it did for all. The others have a stand-in label, which the gold corrects; figures from the model labels
    alone leave them out.

    Examples
    --------
    >>> LabelColumns("gold", predicted="model", cluster="author").prob
    'prob'
    """

    gold: str | Sequence[str] = "gold"
    predicted: str | Sequence[str] = "predicted"
    prob: str = "prob"
    cluster: str = ""
    answered: str = ""

    @property
    def golds(self) -> list[str]:
        """Columns of gold labels."""
        return [self.gold] if isinstance(self.gold, str) else list(self.gold)

    @property
    def labels(self) -> list[str]:
        """Columns of the model's labels."""
        return [self.predicted] if isinstance(self.predicted, str) else list(self.predicted)


def read_inputs(data: pd.DataFrame, columns: LabelColumns, names: Sequence[str]) -> Inputs:
    """Check the data and take what is needed; `names` are the other columns that the formula uses.

    Raises StatisticError: columns that are not there; gold units without a probability, or with one that is not above 0
    and at most 1; missing clusters.
    """
    cluster = [columns.cluster] if columns.cluster else []
    wanted = [*columns.golds, *columns.labels, *names, *cluster]
    raise_faults(ABOUT, [*_check_columns(data, wanted), *_check_pairs(columns.golds, columns.labels)])
    if columns.prob not in data:
        fault = Fault(f"column {columns.prob!r}", "the inclusion probabilities are not there", ASK_PROB)
        raise_faults(ABOUT, [fault])
    has_gold = data[columns.golds].notna()
    faults = [*check_gold(has_gold), *check_prob(data[columns.prob], has_gold.all(axis=1).to_numpy(), columns.prob)]
    raise_faults(ABOUT, [*faults, *_check_cluster(data, columns.cluster)])
    frame, dropped = _drop_gaps(data, columns.labels, names)
    return replace(_gather(frame, columns, dropped), n_units=len(data))


def add_chances(
    data: pd.DataFrame, sample: GoldSample | pd.DataFrame, gold: str | Sequence[str] = "gold"
) -> pd.DataFrame:
    """The data with `prob` of a sample, joined on unit_id; gold labels of units outside the sample are not used.

    Raises
    ------
    StatisticError
        Gold units of the sample that are not in the data, or have no gold label; no column unit_id.

    Examples
    --------
    >>> data = pd.DataFrame({"unit_id": ["u1", "u2", "u3"], "gold": ["a", "b", "a"]})
    >>> add_chances(data, pd.DataFrame({"unit_id": ["u1", "u2"], "prob": [0.5, 0.5]}))
      unit_id gold  prob
    0      u1    a   0.5
    1      u2    b   0.5
    2      u3  NaN   NaN
    """
    golds, drawn = LabelColumns(gold).golds, sample.frame if isinstance(sample, GoldSample) else sample
    raise_faults(ABOUT, _check_columns(data, ["unit_id", *golds]))
    ids = data["unit_id"].astype(str)
    faults = check_drawn(drawn, ids, ids[data[golds].notna().all(axis=1)], ", ".join(golds))
    if (twice := ids.duplicated()).any():
        faults.append(Fault("unit_id", f"{name_some(ids[twice])} occur more than once", "give one row per unit"))
    raise_faults(ABOUT, faults)
    prob = drawn.set_index(drawn["unit_id"].astype(str))["prob"]
    labels = {name: data[name].where(ids.isin(prob.index)) for name in golds}
    return data.assign(**labels, prob=ids.map(prob).to_numpy(float))


def check_gold(has_gold: pd.DataFrame) -> list[Fault]:
    """Faults of the gold columns, given where they are filled."""
    if not has_gold.all(axis=1).any():
        return [Fault("gold", "no unit has a gold label", "code a sample by hand: draw_gold says which units")]
    some = int((has_gold.any(axis=1) & ~has_gold.all(axis=1)).sum())
    mend = "code all gold variables of a gold unit"
    return (
        [
            Fault(
                "gold", f"{say_count(some, 'unit')} {'has' if some == 1 else 'have'} gold for some variables only", mend
            )
        ]
        if some
        else []
    )


def _check_columns(data: pd.DataFrame, wanted: Sequence[str]) -> list[Fault]:
    there = list(map(str, data.columns))
    faults = []
    for name in dict.fromkeys(wanted):
        if name not in data.columns:
            mend = mend_name(name, there, f"the data has {name_some(there, 12)}")
            faults.append(Fault(f"column {name!r}", "the data does not have it", mend))
    return faults


def _check_pairs(gold: Sequence[str], predicted: Sequence[str]) -> list[Fault]:
    if len(gold) == len(predicted) > 0 and not set(gold) & set(predicted):
        return []
    problem = f"{len(gold)} gold and {len(predicted)} predicted columns do not pair"
    return [Fault("gold, predicted", problem, "name as many different columns of each, in the same order")]


def _check_cluster(data: pd.DataFrame, cluster: str) -> list[Fault]:
    missing = int(data[cluster].isna().sum()) if cluster else 0
    mend = "fill it in, or give each such unit a cluster of its own"
    return (
        [
            Fault(
                f"column {cluster!r}",
                f"{say_count(missing, 'unit')} {'has' if missing == 1 else 'have'} no cluster",
                mend,
            )
        ]
        if missing
        else []
    )


def _drop_gaps(
    data: pd.DataFrame, predicted: Sequence[str], names: Sequence[str]
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Leave out units that lack a covariate or a model label, and count them by column."""
    gaps = data[[*predicted, *names]].isna()
    dropped = {f"{name} missing": int(n) for name, n in gaps.sum().items() if n}
    return data[~gaps.any(axis=1)].reset_index(drop=True), dropped


def _gather(frame: pd.DataFrame, columns: LabelColumns, dropped: dict[str, int]) -> Inputs:
    at = np.flatnonzero(frame[columns.golds].notna().all(axis=1).to_numpy())
    if not len(at):
        mend = "fill in what is missing: " + ", ".join(dropped)
        raise_faults(ABOUT, [Fault("data", "no gold unit is complete", mend)])
    chances = pd.to_numeric(frame[columns.prob], errors="coerce").to_numpy(float)
    scale = 1.0 if np.isnan(chances).any() else len(at) / float(chances.sum())
    codes = pd.factorize(frame[columns.cluster])[0] if columns.cluster else np.arange(len(frame))
    n_clusters = int(codes.max()) + 1 if columns.cluster else 0
    answered = np.flatnonzero(frame[columns.answered]) if columns.answered else np.arange(len(frame))
    return Inputs(frame, len(frame), at, chances[at] * scale, scale, codes, n_clusters, dropped, answered)
