"""What a corrected regression reads, checked: labels of model and gold, inclusion probabilities, clusters."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import name_some, raise_faults
from codebook.analysis.core.sample_design import ASK_PROB, check_prob, check_sample
from codebook.analysis.core.scales import Floats, Ints
from codebook.errors import Fault
from codebook.ground.joins import join_ids

ABOUT = "The regression cannot be corrected."


@dataclass(frozen=True)
class Inputs:
    """Units of the regression: `frame` as given, `gold` the rows of gold units (n_gold,), their `prob` (n_gold,).

    `cluster` holds a code for each unit, shape (n_units,), `n_clusters` is 0 without clusters; `dropped` says how many
    units were left out and why; `prob_scale` by what the probabilities were multiplied.
    """

    frame: pd.DataFrame
    gold: Ints
    prob: Floats
    prob_scale: float
    cluster: Ints
    n_clusters: int
    dropped: dict[str, int]


def listed(names: str | Sequence[str]) -> list[str]:
    """One name, or several, as a list."""
    return [names] if isinstance(names, str) else list(names)


def read_inputs(
    data: pd.DataFrame,
    *,
    gold: Sequence[str],
    predicted: Sequence[str],
    names: Sequence[str],
    prob: str,
    cluster: str | None,
    sample: pd.DataFrame | None,
) -> Inputs:
    """Check the data and take what is needed; `names` are the other columns that the formula uses.

    Raises
    ------
    StatisticError
        Columns that are not there; gold units without a probability, or with one that is not above 0 and at most 1;
        gold units of the sample that are not in the data, or have no gold label; missing clusters.
    """
    wanted = [*gold, *predicted, *names, *([cluster] if cluster else []), *(["unit_id"] if sample is not None else [])]
    faults = [*_check_columns(data, wanted), *_check_pairs(gold, predicted)]
    raise_faults(ABOUT, faults)
    if sample is not None:
        data = take_sample(data, sample, gold)
        prob = "prob"
    if prob not in data:
        raise_faults(ABOUT, [Fault(f"column {prob!r}", "the inclusion probabilities are not there", ASK_PROB)])
    has_gold = data[list(gold)].notna()
    faults = [*check_gold(has_gold), *check_prob(data[prob], has_gold.all(axis=1).to_numpy(), prob)]
    faults += _check_cluster(data, cluster)
    raise_faults(ABOUT, faults)
    frame, dropped = _drop_gaps(data, predicted, names)
    return _gather(frame, list(gold), prob, cluster, dropped)


def take_sample(data: pd.DataFrame, sample: pd.DataFrame, gold: Sequence[str]) -> pd.DataFrame:
    """The data with `prob` from the sample, joined on unit_id; gold labels of units outside the sample are not used."""
    raise_faults(ABOUT, check_sample(sample))
    twice = data["unit_id"].duplicated()
    faults = []
    if twice.any():
        mend = "give one row a unit"
        faults.append(Fault("unit_id", f"{name_some(data.loc[twice, 'unit_id'])} occur more than once", mend))
    prob = pd.Series(sample["prob"].to_numpy(float), index=sample["unit_id"].astype(str))
    ids = data["unit_id"].astype(str)
    join = join_ids(prob.index, ids)
    if join.strays:
        mend = "add these units to the data, or read the sample of this study"
        faults.append(Fault("sample", join.say_strays("gold units", "in the data", "the data"), mend))
    drawn = ids.isin(prob.index)
    uncoded = drawn & data[list(gold)].isna().any(axis=1)
    if uncoded.any():
        mend = "code them; leaving them out would make the probabilities wrong"
        problem = f"{int(uncoded.sum()):,} drawn units have no gold label: {name_some(ids[uncoded])}"
        faults.append(Fault("gold", problem, mend))
    raise_faults(ABOUT, faults)
    kept = {name: data[name].where(drawn) for name in gold}
    return data.assign(**kept, prob=ids.map(prob).to_numpy(float))


def check_gold(has_gold: pd.DataFrame) -> list[Fault]:
    """Faults of the gold columns, given where they are filled."""
    if not has_gold.all(axis=1).any():
        return [Fault("gold", "no unit has a gold label", "code a sample by hand: draw_gold says which units")]
    some = int((has_gold.any(axis=1) & ~has_gold.all(axis=1)).sum())
    mend = "code all gold variables of a gold unit"
    return [Fault("gold", f"{some:,} units have gold for some variables only", mend)] if some else []


def _check_columns(data: pd.DataFrame, wanted: Sequence[str]) -> list[Fault]:
    there = list(map(str, data.columns))
    faults = []
    for name in dict.fromkeys(wanted):
        if name not in data.columns:
            near = difflib.get_close_matches(name, there, n=1)
            mend = f"did you mean {near[0]!r}?" if near else f"the data has {name_some(there, 12)}"
            faults.append(Fault(f"column {name!r}", "the data does not have it", mend))
    return faults


def _check_pairs(gold: Sequence[str], predicted: Sequence[str]) -> list[Fault]:
    if len(gold) == len(predicted) > 0 and not set(gold) & set(predicted):
        return []
    problem = f"{len(gold)} gold and {len(predicted)} predicted columns do not pair"
    return [Fault("gold, predicted", problem, "name as many different columns of each, in the same order")]


def _check_cluster(data: pd.DataFrame, cluster: str | None) -> list[Fault]:
    missing = int(data[cluster].isna().sum()) if cluster else 0
    mend = "fill it in, or give each such unit a cluster of its own"
    return [Fault(f"column {cluster!r}", f"{missing:,} units have no cluster", mend)] if missing else []


def _drop_gaps(
    data: pd.DataFrame, predicted: Sequence[str], names: Sequence[str]
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Leave out units that lack a covariate or a model label, and count them by column."""
    gaps = data[[*predicted, *names]].isna()
    dropped = {f"{name} missing": int(n) for name, n in gaps.sum().items() if n}
    return data[~gaps.any(axis=1)].reset_index(drop=True), dropped


def _gather(frame: pd.DataFrame, gold: list[str], prob: str, cluster: str | None, dropped: dict[str, int]) -> Inputs:
    at = np.flatnonzero(frame[gold].notna().all(axis=1).to_numpy())
    if not len(at):
        mend = "fill in what is missing: " + ", ".join(dropped)
        raise_faults(ABOUT, [Fault("data", "no gold unit is complete", mend)])
    every = pd.to_numeric(frame[prob], errors="coerce").to_numpy(float)
    scale = 1.0 if np.isnan(every).any() else len(at) / float(every.sum())
    codes = np.arange(len(frame)) if cluster is None else pd.factorize(frame[cluster])[0]
    n_clusters = 0 if cluster is None else int(codes.max()) + 1
    return Inputs(frame, at, every[at] * scale, scale, codes, n_clusters, dropped)
