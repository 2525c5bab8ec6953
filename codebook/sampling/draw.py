"""Draw the units to be coded as gold, with seed, strata and the exact chance that each had."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import name_some
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.gold_samples import GoldSample
from codebook.analysis.core.result import Facts, Result, nothing_to_say
from codebook.analysis.core.scales import Bools, Ints
from codebook.errors import Fault
from codebook.ground.joins import join_ids
from codebook.ground.quantities import say_count
from codebook.sampling.population import (
    DrawRule,
    Population,
    allot,
    chances_by_score,
    draw_systematic,
    read_population,
    refuse,
)

COLUMNS = ("unit_id", "stratum", "prob", "part", "prob_part", "round")
PARTS = ("dev", "test")


def draw_gold(
    units: Codings | pd.DataFrame,
    n: int,
    how: str | DrawRule = "random",
    *,
    dev_share: float = 0.0,
    earlier: GoldSample | None = None,
    seed: int = 1,
) -> GoldSample:
    """Draw n units to be coded as gold.

    Parameters
    ----------
    units
        Codings, of which the units and labels of the model are read; or one row for each unit with `unit_id` and the
        columns used.
    how
        "random"; "by_label", the strata being the model's labels; "uncertainty"; or a `DrawRule`.
    dev_share
        Share of the sample, in each stratum, that is for tuning a prompt ("dev"); the rest is "test", for reporting.
    earlier
        A sample to be enlarged by n more units; its units keep their parts, and all get the chance of the whole.

    Returns
    -------
    GoldSample
        Its frame has `unit_id`, `stratum`, `prob` (exact chance of being in the sample), `part` (dev or test),
        `prob_part` (chance of being in that part: `take_part` makes it the `prob`), `round`.

    Raises
    ------
    ParameterError
        More units than there are, fewer than the minimum of each stratum, an unequal sample to be enlarged.

    Examples
    --------
    >>> units = pd.DataFrame({"unit_id": range(100), "label": ["rare"] * 10 + ["common"] * 90})
    >>> sample = draw_gold(units, 20, "by_label", seed=3)
    >>> sample.list_strata()
      stratum  part   n      prob
    0  common  test  10  0.111111
    1    rare  test  10  1.000000
    """
    rule = how if isinstance(how, DrawRule) else DrawRule(how)
    refuse([*_check_sizes(n, dev_share), *rule.check()])
    population, rng = read_population(units, rule), np.random.default_rng(seed)
    before = _read_earlier(earlier, population)
    drawing = _Drawing(population, rule, before, n)
    places = drawing.by_chance(rng) if population.scores is not None else drawing.by_strata(rng)
    number = 1 if earlier is None else int(earlier.frame["round"].max()) + 1
    dev = _split(population.stratum[places], dev_share, rng)
    new = pd.DataFrame({"at": places, "part": np.where(dev, "dev", "test"), "round": number})
    rows = new if earlier is None else pd.concat([before, new], ignore_index=True)
    settings = {"round": number, "how": rule.way, "n": int(n), "seed": int(seed), "dev_share": float(dev_share)}
    settings |= {"strata": rule.strata if isinstance(rule.strata, str) else list(rule.strata), "minimum": rule.minimum}
    return GoldSample(
        drawing.finish(rows),
        named=True,
        n_units=len(population.units),
        rounds=[*([] if earlier is None else earlier.rounds), settings],
        strata=_count_strata(population, rows),
    )


def take_part(sample: GoldSample, part: str) -> GoldSample:
    """One part of a sample, `prob` being the chance of being in this part; "all" gives the whole.

    Examples
    --------
    >>> units = pd.DataFrame({"unit_id": range(100)})
    >>> test = take_part(draw_gold(units, 20, dev_share=0.25), "test")
    >>> test
    the gold sample: 15 gold units (part 'test'), weighted by chances of 0.15 to 0.15.
    """
    if part not in (*PARTS, "all"):
        refuse([Fault("part", f"{part!r} is not known", "pass 'dev', 'test' or 'all'")])
    return sample.take(part)


def list_strata(codings: Codings) -> Result:
    """The strata of the gold sample of these codings: of each part how many units, and with which chance.

    Returns
    -------
    Result
        `stratum`, `part`, `n`, `prob`: the chance of a unit of the stratum to come into the part.

    Examples
    --------
    >>> codings = Codings(pd.DataFrame({"unit_id": ["u1"], "coder": "m", "label": "a", "why": None, "draw": 0,
    ...                                 "variable": "v"}), [])
    >>> list_strata(codings)
    No gold sample was drawn.
    """
    columns = ["stratum", "part", "n", "prob"]
    empty = Result(pd.DataFrame(columns=columns), "gold_strata", "The gold sample", "gold")
    sample = codings.sample
    if sample is None or not set(COLUMNS) <= set(sample.frame):
        return nothing_to_say(codings, "No gold sample was drawn.", empty)
    n, n_dev = len(sample.frame), int((sample.frame["part"] == "dev").sum())
    origin = f"{n:,} of {sample.n_units:,} units" if sample.n_units else say_count(n, "unit")
    finding = f"{origin} are drawn, seed {sample.seed}: {n_dev:,} to develop, {n - n_dev:,} to test."
    remarks = ("prob is the chance of a unit to come into its part.",)
    facts = Facts(n_units=n, joins=codings.joins)
    rows = sample.list_strata()
    return replace(empty, frame=rows, facts=facts, finding=finding, remarks=remarks, outputs=codings.outputs)


@dataclass(frozen=True)
class _Drawing:
    """A draw of n units of a population by a rule; `before` are the units of an earlier sample."""

    population: Population
    rule: DrawRule
    before: pd.DataFrame
    n: int

    def by_strata(self, rng: np.random.Generator) -> Ints:
        """Positions of the new units, without replacement within strata."""
        sizes, places = self.population.sizes, self.before["at"].to_numpy(dtype=np.int64)
        drawn = self.population.count(places)
        lowest = np.maximum(np.minimum(self.rule.minimum, sizes), drawn)
        refuse(self._check_room(int(drawn.sum()), sizes, lowest))
        wanted = allot(self.n + int(drawn.sum()), sizes, lowest, equal=not self.rule.by_size) - drawn
        free = np.ones(len(self.population.units), dtype=bool)
        free[places] = False
        parts = [
            rng.choice(np.flatnonzero(free & (self.population.stratum == at)), size=size, replace=False)
            for at, size in enumerate(wanted)
        ]
        return np.sort(np.concatenate(parts)).astype(np.int64)

    def by_chance(self, rng: np.random.Generator) -> Ints:
        """Positions of units drawn by their scores."""
        n_units, faults = len(self.population.units), []
        if len(self.before):
            mend = "draw one larger sample, or enlarge it with how='random' or strata"
            faults = [Fault("earlier", "a draw by uncertainty cannot enlarge a sample with exact chances", mend)]
        elif self.n > n_units:
            problem = f"{self.n:,} units cannot be drawn: there are {n_units:,}"
            faults = [Fault("n", problem, f"draw at most {n_units:,}")]
        refuse(faults)
        return draw_systematic(self._chances(), rng)

    def _chances(self) -> np.ndarray:
        scores = self.population.scores
        assert scores is not None
        return chances_by_score(self.n, scores, self.rule.floor)

    def finish(self, rows: pd.DataFrame) -> pd.DataFrame:
        """The columns of a sample; chances are of all rounds together."""
        places = rows["at"].to_numpy(dtype=np.int64)
        stratum, drawn = self.population.stratum[places], self.population.count(places)
        shares = (drawn / self.population.sizes)[stratum]
        prob = shares if self.population.scores is None else self._chances()[places]
        in_part = rows.assign(stratum=stratum).groupby(["stratum", "part"])["at"].transform("size").to_numpy()
        columns = {
            "unit_id": self.population.units[places],
            "stratum": np.array(self.population.names, dtype=object)[stratum],
            "prob": prob,
            "part": rows["part"].to_numpy(),
            "prob_part": prob * in_part / drawn[stratum],
            "round": rows["round"].to_numpy(dtype=np.int64),
        }
        return pd.DataFrame(columns).astype({"unit_id": "str", "stratum": "str", "part": "str"})

    def _check_room(self, n_before: int, sizes: Ints, lowest: Ints) -> list[Fault]:
        n, n_units, least = self.n, int(sizes.sum()), int(lowest.sum())
        if n + n_before > n_units:
            problem = f"{n:,} units cannot be drawn: there are {n_units:,}, {n_before:,} drawn before"
            return [Fault("n", problem, f"draw at most {n_units - n_before:,}")]
        if n + n_before < least:
            mend = f"draw at least {least - n_before:,}, lower `minimum`, or join strata"
            return [Fault("n", f"{n:,} units are too few for {len(sizes):,} strata", mend)]
        return []


def _split(stratum: Ints, dev_share: float, rng: np.random.Generator) -> Bools:
    """Which of the drawn units are for tuning: the same share of each stratum, never all of it."""
    dev = np.zeros(len(stratum), dtype=bool)
    for at in np.unique(stratum):
        rows = np.flatnonzero(stratum == at)
        size = min(int(np.floor(dev_share * len(rows) + 0.5)), len(rows) - 1)
        dev[rng.choice(rows, size=size, replace=False)] = True
    return dev


def _count_strata(population: Population, rows: pd.DataFrame) -> dict[str, list[int]]:
    drawn = population.count(rows["at"].to_numpy(dtype=np.int64))
    counts = zip(population.names, population.sizes, drawn, strict=True)
    return {name: [int(size), int(n)] for name, size, n in counts}


def _read_earlier(earlier: GoldSample | None, population: Population) -> pd.DataFrame:
    """Places of the units of an earlier sample, their parts and rounds; refused if chances differ within a stratum."""
    if earlier is None:
        return pd.DataFrame({"at": np.empty(0, dtype=np.int64), "part": [], "round": []})
    frame = earlier.frame
    if absent := [name for name in COLUMNS if name not in frame]:
        refuse([Fault("earlier", f"it has no {name_some(absent)}", "pass the whole sample of draw_gold")])
    places = population.units.get_indexer(pd.Index(frame["unit_id"].astype(str)))
    if (places < 0).any():
        join = join_ids(frame["unit_id"].astype(str), population.units)
        problem = join.say_strays("units of it", "there", "the frame")
        refuse([Fault("earlier", problem, "draw from the same units as before")])
    expected = (population.count(places) / population.sizes)[population.stratum[places]]
    if not np.allclose(expected, frame["prob"].to_numpy(float), rtol=1e-9):
        mend = "enlarge it with the same strata, with all parts of the sample, or draw a new one"
        refuse([Fault("earlier", "its chances are not those of a draw from these strata", mend)])
    return pd.DataFrame({"at": places, "part": frame["part"].to_numpy(), "round": frame["round"].to_numpy()})


def _check_sizes(n: int, dev_share: float) -> list[Fault]:
    faults = []
    if n < 1:
        faults.append(Fault("n", f"{n} units are no sample", "draw 1 or more; gold_size() says how many"))
    if not 0 <= dev_share < 1:
        faults.append(
            Fault("dev_share", f"{dev_share:g} leaves no units for the test part", "pass 0 or more, and below 1")
        )
    return faults
