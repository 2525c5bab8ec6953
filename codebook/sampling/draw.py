"""Draw the units to be coded as gold, with seed, strata and the exact chance that each had."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from codebook.errors import Fault, ParameterError
from codebook.ground.joins import join_ids
from codebook.sampling.chances import Ints, allot, chances_by_score, draw_systematic
from codebook.sampling.population import Population, name_some, read_population, refuse

COLUMNS = ("unit_id", "stratum", "prob", "part", "prob_part", "round")
PARTS = ("dev", "test")


def draw_gold(
    units: pd.DataFrame,
    n: int,
    *,
    how: str = "random",
    strata: str | Sequence[str] = "",
    score: str = "uncertainty",
    variable: str = "",
    coder: str = "",
    equal: bool | None = None,
    minimum: int = 1,
    floor: float = 0.2,
    dev_share: float = 0.0,
    earlier: pd.DataFrame | None = None,
    seed: int = 1,
) -> pd.DataFrame:
    """Draw n units to be coded as gold.

    Parameters
    ----------
    units
        One row a unit with `unit_id` and the columns used; or the tidy table, of which one `variable` and `coder` (the
        model) is read.
    how
        "random"; "stratified" by the columns `strata`; "by_label", the strata being the model's labels (units without
        one are strata by their why); "uncertainty", with a chance in proportion to the column `score`.
    equal
        As many units of each stratum, else in proportion to its size. None: equal by label, else in proportion.
    minimum
        Units of a stratum at least (all of a smaller one).
    floor
        By uncertainty, the smallest chance as a share of the mean chance; above 0, so that every unit can be drawn.
    dev_share
        Share of the sample, in each stratum, that is for tuning a prompt ("dev"); the rest is "test", for reporting.
    earlier
        A sample to be enlarged by n more units; its units keep their parts, and all get the chance of the whole.

    Returns
    -------
    pd.DataFrame
        `unit_id`, `stratum`, `prob` (exact chance of being in the sample), `part` (dev or test), `prob_part` (chance of
        being in that part: `take_part` makes it the `prob`), `round`. `attrs`: n_units, rounds (how, n, seed,
        dev_share of each), strata (units, drawn).

    Raises
    ------
    ParameterError
        More units than there are, fewer than the minimum of each stratum, an unequal sample to be enlarged.

    Examples
    --------
    >>> units = pd.DataFrame({"unit_id": range(100), "label": ["rare"] * 10 + ["common"] * 90})
    >>> sample = draw_gold(units, 20, how="by_label", seed=3)
    >>> sample.groupby("stratum")["prob"].agg(["size", "first"])
             size     first
    stratum
    common     10  0.111111
    rare       10  1.000000
    """
    _check_settings(n, minimum, floor, dev_share)
    population = read_population(units, how=how, strata=strata, score=score, variable=variable, coder=coder)
    before = _read_earlier(earlier, population)
    rng = np.random.default_rng(seed)
    if population.scores is None:
        by = how == "by_label" if equal is None else equal
        chosen = _draw_strata(population, before, n, equal=by, minimum=minimum, rng=rng)
    else:
        refuse(_check_scores(len(before), n, len(population.units)))
        chosen = draw_systematic(chances_by_score(n, population.scores, floor), rng)
    number = 1 if earlier is None else int(earlier["round"].max()) + 1
    dev = _split(population.stratum[chosen], dev_share, rng)
    new = pd.DataFrame({"at": chosen, "part": np.where(dev, "dev", "test"), "round": number})
    both = new if earlier is None else pd.concat([before, new], ignore_index=True)
    sample = _finish(population, both, n_drawn=n, floor=floor)
    told = {"round": number, "how": how, "n": int(n), "seed": int(seed), "dev_share": float(dev_share)}
    told |= {"strata": strata if isinstance(strata, str) else list(strata), "minimum": int(minimum)}
    rounds = [*([] if earlier is None else earlier.attrs.get("rounds", [])), told]
    sample.attrs = {"n_units": len(population.units), "rounds": rounds, "seed": seed, "strata": _tell(population, both)}
    return sample


def take_part(sample: pd.DataFrame, part: str) -> pd.DataFrame:
    """One part of a sample, `prob` being the chance of being in this part; "all" gives the whole.

    Examples
    --------
    >>> units = pd.DataFrame({"unit_id": range(100)})
    >>> test = take_part(draw_gold(units, 20, dev_share=0.25), "test")
    >>> len(test), test["prob"].unique().round(6).tolist()
    (15, [0.15])
    """
    if part not in (*PARTS, "all"):
        refuse([Fault("part", f"{part!r} is not known", "pass 'dev', 'test' or 'all'")])
    if part == "all":
        return sample.copy()
    rows = sample[sample["part"] == part]
    taken = rows.assign(prob=rows["prob_part"]).reset_index(drop=True)
    taken.attrs = dict(sample.attrs)
    return taken


def _draw_strata(
    population: Population, before: pd.DataFrame, n: int, *, equal: bool, minimum: int, rng: np.random.Generator
) -> Ints:
    """Positions of n new units, without replacement within strata."""
    sizes = population.sizes
    had = np.bincount(population.stratum[before["at"]], minlength=len(sizes))
    lowest = np.maximum(np.minimum(minimum, sizes), had)
    total = n + int(had.sum())
    refuse(_check_room(total, n, sizes, lowest, population))
    wanted = allot(total, sizes, lowest, equal=equal) - had
    free = np.ones(len(population.units), dtype=bool)
    free[before["at"]] = False
    parts = [
        rng.choice(np.flatnonzero(free & (population.stratum == at)), size=size, replace=False)
        for at, size in enumerate(wanted)
    ]
    return np.sort(np.concatenate(parts)).astype(np.int64)


def _split(stratum: Ints, dev_share: float, rng: np.random.Generator) -> np.ndarray:
    """Which of the drawn units are for tuning: the same share of each stratum, never all of it."""
    dev = np.zeros(len(stratum), dtype=bool)
    for at in np.unique(stratum):
        rows = np.flatnonzero(stratum == at)
        size = min(int(np.floor(dev_share * len(rows) + 0.5)), len(rows) - 1)
        dev[rng.choice(rows, size=size, replace=False)] = True
    return dev


def _finish(population: Population, both: pd.DataFrame, *, n_drawn: int, floor: float) -> pd.DataFrame:
    """The columns of a sample; chances are of all rounds together."""
    at = both["at"].to_numpy(dtype=np.int64)
    stratum = population.stratum[at]
    drawn = np.bincount(stratum, minlength=len(population.names))
    if population.scores is None:
        prob = (drawn / population.sizes)[stratum]
    else:
        prob = chances_by_score(n_drawn, population.scores, floor)[at]
    in_part = both.assign(stratum=stratum).groupby(["stratum", "part"])["at"].transform("size").to_numpy()
    columns = {
        "unit_id": population.units[at],
        "stratum": np.array(population.names, dtype=object)[stratum],
        "prob": prob,
        "part": both["part"].to_numpy(),
        "prob_part": prob * in_part / drawn[stratum],
        "round": both["round"].to_numpy(dtype=np.int64),
    }
    return pd.DataFrame(columns).astype({"unit_id": "str", "stratum": "str", "part": "str"})


def _tell(population: Population, both: pd.DataFrame) -> dict[str, list[int]]:
    drawn = np.bincount(population.stratum[both["at"].to_numpy(dtype=np.int64)], minlength=len(population.names))
    counts = zip(population.names, population.sizes, drawn, strict=True)
    return {name: [int(size), int(n)] for name, size, n in counts}


def _read_earlier(earlier: pd.DataFrame | None, population: Population) -> pd.DataFrame:
    """Places of the units of an earlier sample, their parts and rounds; refused if chances differ within a stratum."""
    if earlier is None:
        return pd.DataFrame({"at": np.empty(0, dtype=np.int64), "part": [], "round": []})
    if absent := [name for name in COLUMNS if name not in earlier]:
        refuse([Fault("earlier", f"it has no {name_some(absent)}", "pass the whole frame of draw_gold")])
    at = population.units.get_indexer(pd.Index(earlier["unit_id"].astype(str)))
    if (at < 0).any():
        join = join_ids(earlier["unit_id"].astype(str), population.units)
        problem = join.say_strays("units of it", "there", "the frame")
        refuse([Fault("earlier", problem, "draw from the same units as before")])
    drawn = np.bincount(population.stratum[at], minlength=len(population.names))
    expected = (drawn / population.sizes)[population.stratum[at]]
    if not np.allclose(expected, earlier["prob"].to_numpy(float), rtol=1e-9):
        mend = "enlarge it with the same strata, with all parts of the sample, or draw a new one"
        refuse([Fault("earlier", "its chances are not those of a draw from these strata", mend)])
    return pd.DataFrame({"at": at, "part": earlier["part"].to_numpy(), "round": earlier["round"].to_numpy()})


def _check_room(total: int, n: int, sizes: Ints, lowest: Ints, population: Population) -> list[Fault]:
    there = int(sizes.sum())
    if total > there:
        mend = f"draw at most {there - (total - n):,}"
        return [Fault("n", f"{n:,} units cannot be drawn: there are {there:,}, {total - n:,} drawn before", mend)]
    if total < lowest.sum():
        mend = f"draw at least {int(lowest.sum()) - (total - n):,}, lower `minimum`, or join strata"
        return [Fault("n", f"{n:,} units are too few for {len(population.names):,} strata", mend)]
    return []


def _check_scores(n_before: int, n: int, there: int) -> list[Fault]:
    if n_before:
        mend = "draw one larger sample, or enlarge it with how='random' or strata"
        return [Fault("earlier", "a draw by uncertainty cannot enlarge a sample with exact chances", mend)]
    mend = f"draw at most {there:,}"
    return [] if n <= there else [Fault("n", f"{n:,} units cannot be drawn: there are {there:,}", mend)]


def _check_settings(n: int, minimum: int, floor: float, dev_share: float) -> None:
    faults = []
    if n < 1:
        faults.append(Fault("n", f"{n} units are no sample", "draw 1 or more; gold_size() says how many"))
    if minimum < 1:
        faults.append(
            Fault("minimum", f"{minimum} leaves strata out", "pass 1 or more, so that every unit can be drawn")
        )
    if not 0 < floor <= 1:
        mend = "pass above 0 and at most 1: a unit that cannot be drawn cannot be corrected for"
        faults.append(Fault("floor", f"{floor:g} is no share of the mean chance", mend))
    if not 0 <= dev_share < 1:
        faults.append(Fault("dev_share", f"{dev_share:g} leaves no test part", "pass 0 or more, and below 1"))
    if faults:
        raise ParameterError("The gold sample cannot be drawn.", faults)
