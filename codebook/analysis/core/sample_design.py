"""How gold units were drawn: weights from inclusion probabilities, strata, clusters, and the bootstrap of that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import name_some
from codebook.analysis.core.estimates import Bootstrap, draw_rescaled, resample
from codebook.analysis.core.scales import Bools, Floats, Ints
from codebook.analysis.core.standard_errors import why_no_interval
from codebook.errors import Fault
from codebook.ground.joins import join_ids
from codebook.ground.quantities import is_or_are, say_count

_MOST_GROUPS = 4  # of units of like weight
_EVEN = 1e-12
WEIGHTED = "Gold units are weighted by 1 / their inclusion probability in the sample."
ASK_PROB = (
    "join the sample (codings.with_sample, add_chances), or add the column: the chance with which each unit was drawn "
    "for gold; in a simple random sample the number of gold units / the number of units"
)


@dataclass(frozen=True)
class Design:
    """Of each gold unit its `weight`, `stratum` and `cluster`, shape (n_units,); `weighted` if a sample was passed.

    Weights are 1 / inclusion probability, scaled to a mean of 1. `cluster` is empty where each unit stands for itself.
    `n_unused` units have a gold label and are not in the sample.
    """

    weight: Floats
    stratum: Ints
    cluster: Ints
    weighted: bool = False
    n_unused: int = 0

    @property
    def notes(self) -> list[str]:
        """What is to be told of the weights, and of gold that the sample does not have."""
        unused = f"{say_count(self.n_unused, 'unit')} with a gold label {is_or_are(self.n_unused)} not in the sample"
        return [*([WEIGHTED] if self.weighted else []), *([f"{unused}, and not used."] if self.n_unused else [])]

    def only(self, rows: Any) -> Design:
        """The design of some of the units."""
        cluster = self.cluster[rows] if len(self.cluster) else self.cluster
        return replace(self, weight=self.weight[rows], stratum=self.stratum[rows], cluster=cluster)

    @property
    def resampled(self) -> str:
        """What the bootstrap draws, in words."""
        if len(self.cluster):
            return "clusters of gold units"
        return "gold units" if len(np.unique(self.stratum)) < 2 else "gold units within the strata of the sample"

    @property
    def even(self) -> bool:
        """Whether every unit weighs the same."""
        return not len(self.weight) or bool(np.ptp(self.weight) < 1e-12)


def check_sample(sample: pd.DataFrame) -> list[Fault]:
    """Faults of a gold sample: columns, ids twice, probabilities."""
    absent = [name for name in ("unit_id", "prob") if name not in sample]
    if absent:
        mend = "pass the frame of draw_gold or read_gold_sample"
        return [Fault("sample", f"it has no {name_some(absent)}", mend)]
    if not len(sample):
        return [Fault("sample", "it has no unit", "draw gold with draw_gold")]
    faults = check_prob(sample["prob"], np.ones(len(sample), dtype=bool), "prob")
    twice = sample["unit_id"].duplicated()
    if twice.any():
        problem = f"{name_some(sample.loc[twice, 'unit_id'])} occur more than once"
        faults.append(Fault("sample", problem, "keep one row per unit"))
    return faults


def check_prob(prob: pd.Series, has_gold: Bools, name: str) -> list[Fault]:
    """Faults of the inclusion probabilities of the gold units."""
    where = f"column {name!r}"
    values = pd.to_numeric(prob, errors="coerce").to_numpy(float)
    missing = int((np.isnan(values) & has_gold).sum())
    faults = []
    if missing:
        faults.append(Fault(where, f"{missing:,} gold units have no inclusion probability", ASK_PROB))
    wrong = ~np.isnan(values) & ((values <= 0) | (values > 1))
    if wrong.any():
        shown = name_some(values[wrong])
        mend = "a probability is above 0 and at most 1; a unit that could not be drawn stands for no other"
        faults.append(Fault(where, f"{int(wrong.sum()):,} are not above 0 and at most 1: {shown}", mend))
    return faults


def check_drawn(sample: pd.DataFrame | None, units: pd.Series, labelled: pd.Series, gold: str) -> list[Fault]:
    """Faults of a gold sample, given the units of the table and those with a gold label."""
    if sample is None or (faults := check_sample(sample)):
        return [] if sample is None else faults
    ids = sample["unit_id"].astype(str)
    join = join_ids(ids, units.astype(str))
    if join.strays:
        mend = "add these units to the table, or read the sample of this study"
        return [Fault("sample", join.say_strays("units of the sample", "in the table", "the table"), mend)]
    uncoded = sorted(set(ids) - set(labelled.astype(str)))
    if not uncoded:
        return []
    problem = f"{len(uncoded):,} drawn units have no label of {gold!r}: {name_some(uncoded)}"
    return [Fault("gold", problem, "code them; leaving them out would make the probabilities wrong")]


def read_design(units: pd.Index, sample: pd.DataFrame | None, cluster: Ints) -> Design:
    """The design of these units, in their order.

    `units`: ids, all of them in `sample` where one is passed. `sample`: a checked frame with `unit_id`, `prob` and
    perhaps `stratum`; None if all units weigh the same. `cluster`: of each unit, shape (n_units,), or empty.

    Examples
    --------
    >>> sample = pd.DataFrame({"unit_id": ["a", "b", "c"], "prob": [0.5, 0.25, 0.25], "stratum": ["x", "y", "y"]})
    >>> read_design(pd.Index(["c", "a"]), sample, np.empty(0, dtype=np.int64)).weight.round(3).tolist()
    [1.333, 0.667]
    """
    weight, stratum = np.ones(len(units)), np.zeros(len(units), dtype=np.int64)
    if sample is not None and len(units):
        drawn = sample.set_index(sample["unit_id"].astype(str)).loc[units.astype(str)]
        weight = 1 / drawn["prob"].to_numpy(dtype=float)
        weight = weight / weight.mean()
        stratum = join_small(pd.factorize(drawn["stratum"])[0]) if "stratum" in drawn else stratum
    return Design(weight, stratum, cluster, sample is not None)


def join_small(stratum: Ints) -> Ints:
    """Strata of one unit joined to the largest: alone they would not vary, and the interval would be too short."""
    sizes = np.bincount(stratum[stratum >= 0], minlength=1)
    return np.where((stratum < 0) | (sizes[stratum] < 2), int(sizes.argmax()), stratum)


@dataclass(frozen=True)
class Drawn:
    """Units as they were drawn, those that are alike counted together in a cell.

    `times` units show each cell, shape (n_cells,); each of them weighs `weight` (n_cells,) and is of one `stratum`
    (n_cells,). `members` counts the cells of each cluster (`count_members`); None where each unit stands for itself.
    """

    times: Ints
    weight: Floats
    stratum: Ints
    members: Any = None

    @property
    def is_simple(self) -> bool:
        """Whether every unit weighs the same and was drawn for itself: then a share has Wilson's interval."""
        return self.members is None and self._n_strata < 2 and bool(np.ptp(self.weight) < _EVEN)

    @property
    def n_units(self) -> int:
        """Units of all cells."""
        return int(self.times.sum())

    @property
    def n_clusters(self) -> int:
        """Clusters that show one of the cells; 0 where each unit stands for itself."""
        return 0 if self.members is None else int(np.count_nonzero(self.members @ self.times))

    @property
    def _n_strata(self) -> int:
        return len(np.unique(self.stratum[self.times > 0]))

    @property
    def freedom(self) -> int:
        """Degrees of freedom of an interval: clusters less one, or units less strata."""
        return self.n_clusters - 1 if self.members is not None else self.n_units - self._n_strata

    @property
    def heavy(self) -> Floats:
        """Mean weights of up to four groups of units of like weight: what was not seen may be of any of them.

        Examples
        --------
        >>> Drawn(np.array([100, 60, 40]), np.array([0.1, 1.9, 1.9]), np.zeros(3)).heavy.tolist()
        [0.1, 1.9]
        """
        distinct = np.unique(self.weight[self.times > 0])
        if len(distinct) <= _MOST_GROUPS:
            return np.asarray(distinct, dtype=float)
        each = np.sort(np.repeat(self.weight, self.times))
        return np.array([part.mean() for part in np.array_split(each, _MOST_GROUPS)])

    def why_none(self, what: str = "unit") -> str:
        """Why nothing can be resampled; empty where it can be."""
        return why_no_interval(self.n_units, self.n_clusters, what)

    def with_more(self, weight: Floats) -> Drawn:
        """After the cells more of them, which no unit shows, of these weights (n_more,)."""
        none, members = np.zeros(len(weight), dtype=np.int64), self.members
        if members is not None:
            from scipy.sparse import csr_array

            shape = (members.shape[0], members.shape[1] + len(none))
            members = csr_array((members.data, members.indices, members.indptr), shape=shape)
        times, stratum = np.append(self.times, none), np.append(self.stratum, none)
        return Drawn(times, np.append(self.weight, weight), stratum, members)


def resample_design(
    drawn: Drawn, statistic: Callable[[Floats], Floats], bootstrap: Bootstrap, prior: Floats | None = None
) -> Floats:
    """Values of `statistic` of weighted cells in replicates of the units, drawn within strata, or of clusters.

    From each stratum one unit fewer than it has is drawn, and rescaled (Rao and Wu 1988), since strata may be small.
    Clusters are drawn from all strata.

    `statistic`: from weighted counts, shape (n_draws, n_cells), to values, shape (n_draws, n_values). `prior`: units of
    each cell that a replicate is given beforehand, shape (n_cells,).

    Examples
    --------
    >>> share = lambda counts: counts[:, [0]] / counts.sum(axis=1, keepdims=True)
    >>> drawn = Drawn(np.array([30, 70]), np.ones(2), np.array([0, 1]))
    >>> float(resample_design(drawn, share, Bootstrap(500)).std()) < 1e-12
    True
    """
    strata = np.unique(drawn.stratum[drawn.times > 0])
    if drawn.members is not None or len(strata) < 2:
        how: dict[str, Any] = {"replicates": bootstrap.replicates, "seed": bootstrap.seed, "prior": prior}
        return resample(drawn.times, lambda part: statistic(part * drawn.weight), members=drawn.members, **how)
    weights = np.zeros((bootstrap.replicates, len(drawn.times)))
    for each in strata:
        rows = np.flatnonzero((drawn.stratum == each) & (drawn.times > 0))
        rng = np.random.default_rng([bootstrap.seed, int(each)])
        weights[:, rows] = draw_rescaled(rng, drawn.times[rows], bootstrap.replicates)
    if prior is not None:
        weights += np.random.default_rng([bootstrap.seed, len(strata)]).standard_gamma(prior, size=weights.shape)
    return statistic(weights * drawn.weight)
