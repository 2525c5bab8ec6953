"""The units that gold is drawn from, checked: ids, strata, scores; and the chances by which they are drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import name_some
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.scales import Floats, Ints
from codebook.errors import Fault, ParameterError
from codebook.ground.quantities import say_count

WAYS = ("random", "stratified", "by_label", "uncertainty")
ABOUT = "The gold sample cannot be drawn."
_STEPS = 200


@dataclass(frozen=True)
class DrawRule:
    """How units are drawn, where a word does not say enough.

    Parameters
    ----------
    way
        "random"; "stratified" by the columns `strata`; "by_label", the strata being the model's labels (units without
        one are strata by their why); "uncertainty", with a chance in proportion to the column `score`.
    strata
        One column, or several.
    equal
        As many units of each stratum, else in proportion to its size. None: equal by label, else in proportion.
    minimum
        Units of a stratum at least (all of a smaller one).
    floor
        By uncertainty, the smallest chance as a share of the mean chance; above 0, so that every unit can be drawn.
    """

    way: str = "random"
    strata: str | Sequence[str] = ""
    score: str = "uncertainty"
    equal: bool | None = None
    minimum: int = 1
    floor: float = 0.2

    @property
    def by_size(self) -> bool:
        """Whether a larger stratum has more units drawn."""
        return self.way != "by_label" if self.equal is None else not self.equal

    @property
    def columns(self) -> list[str]:
        """Columns that a draw needs beside the ids."""
        named = [self.strata] if isinstance(self.strata, str) else list(self.strata)
        needed = {"random": [], "stratified": named, "by_label": ["label"], "uncertainty": [self.score]}
        return [name for name in needed[self.way] if name]

    def check(self) -> list[Fault]:
        """Faults of the rule."""
        faults = []
        if self.way not in WAYS:
            faults.append(Fault("how", f"{self.way!r} is not known", f"pass one of {', '.join(WAYS)}"))
        elif self.way == "stratified" and not self.strata:
            mend = "pass strata= one column, or a list of columns, in a DrawRule"
            faults.append(Fault("strata", "no column is named", mend))
        elif self.way != "stratified" and self.strata:
            mend = "pass DrawRule('stratified', strata=...), or no strata"
            faults.append(Fault("strata", f"not used when how is {self.way!r}", mend))
        if self.minimum < 1:
            mend = "pass 1 or more, so that every unit can be drawn"
            faults.append(Fault("minimum", f"{self.minimum} leaves strata out", mend))
        if not 0 < self.floor <= 1:
            mend = "pass above 0 and at most 1: a unit that cannot be drawn cannot be corrected for"
            faults.append(Fault("floor", f"{self.floor:g} is no share of the mean chance", mend))
        return faults


@dataclass(frozen=True)
class Population:
    """`units` (n_units,), the code of each unit's stratum and the names of strata, and scores for drawing by chance."""

    units: pd.Index
    stratum: Ints
    names: tuple[str, ...]
    scores: Floats | None = None

    @property
    def sizes(self) -> Ints:
        """Units of each stratum, shape (n_strata,)."""
        return np.bincount(self.stratum, minlength=len(self.names))

    def count(self, places: Ints) -> Ints:
        """Units of each stratum among those at these places, shape (n_strata,)."""
        return np.bincount(self.stratum[places], minlength=len(self.names))


def refuse(faults: Sequence[Fault]) -> None:
    """Raise one ParameterError with all the faults, if there are any."""
    ParameterError.raise_any(ABOUT, faults)


def read_population(units: Codings | pd.DataFrame, rule: DrawRule) -> Population:
    """Units of a frame with one row for each unit, or those that a model was asked for a variable.

    Raises
    ------
    ParameterError
        Missing or repeated ids, unknown columns, strata or scores that are missing, more than one coder or variable.
    """
    frame = _one_row_a_unit(_read_codings(units) if isinstance(units, Codings) else units)
    refuse(_check_columns(frame, ["unit_id", *rule.columns]))
    refuse([*_check_ids(frame["unit_id"]), *_check_filled(frame, rule)])
    ids = pd.Index(frame["unit_id"].astype(str))
    scores = _read_scores(frame[rule.score], rule.score) if rule.way == "uncertainty" else None
    if rule.way in ("random", "uncertainty"):
        return Population(ids, np.zeros(len(ids), dtype=np.int64), ("",), scores)
    texts = [_name_strata(frame, column) for column in rule.columns]
    joined = texts[0] if len(texts) == 1 else pd.Series([" | ".join(row) for row in zip(*texts, strict=True)])
    code, names = pd.factorize(joined, sort=True)
    return Population(ids, code.astype(np.int64), tuple(map(str, names)))


def _read_codings(codings: Codings) -> pd.DataFrame:
    """The codings of the model, with the covariates of its units."""
    frame = codings.of(codings.variable.name).only(coders=[codings.one_coder()]).frame
    more = codings.by_unit
    return frame.assign(**{str(name): frame["unit_id"].map(more[name]) for name in more if name not in frame})


def _one_row_a_unit(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows of draw 0, where the frame has such a column, of the only variable and coder."""
    faults = []
    for column in ("variable", "coder"):
        there = list(frame[column].dropna().unique()) if column in frame else []
        if len(there) > 1:
            mend = f"keep the rows of one {column}: {name_some(there)}"
            faults.append(Fault(column, f"the table has {len(there)}", mend))
    refuse(faults)
    frame = frame[frame["draw"] == 0] if "draw" in frame else frame
    if not len(frame):
        refuse([Fault("units", "there is no unit to draw from", "pass a frame with a row for each unit")])
    return frame.reset_index(drop=True)


def _name_strata(frame: pd.DataFrame, column: str) -> pd.Series:
    """Strata as text; a unit without a label is in a stratum of its reason."""
    texts = frame[column].astype(object)
    if column == "label":
        whys = frame["why"].fillna("no label") if "why" in frame else pd.Series("no label", index=frame.index)
        texts = texts.where(texts.notna(), "(" + whys.astype(str) + ")")
    return texts.astype(str)


def _read_scores(column: pd.Series, name: str) -> Floats:
    scores = pd.to_numeric(column, errors="coerce").to_numpy(float)
    wrong = ~np.isfinite(scores) | (scores < 0)
    if wrong.any():
        problem = f"{int(wrong.sum()):,} are no numbers of zero or more: {name_some(column[wrong])}"
        refuse([Fault(f"column {name!r}", problem, "give 0 where the model is sure and more where it is not")])
    return scores


def _check_columns(frame: pd.DataFrame, columns: Sequence[str]) -> list[Fault]:
    mend = f"the units have {', '.join(map(repr, frame.columns))}"
    return [Fault(f"column {name!r}", "it is not there", mend) for name in columns if name not in frame]


def _check_ids(ids: pd.Series) -> list[Fault]:
    faults = []
    if ids.isna().any():
        faults.append(
            Fault("unit_id", f"missing in {say_count(int(ids.isna().sum()), 'row')}", "fill it in, or drop the rows")
        )
    if (twice := ids[ids.duplicated()]).size:
        mend = "give one row for each unit"
        faults.append(Fault("unit_id", f"{name_some(twice.unique())} occur more than once", mend))
    return faults


def _check_filled(frame: pd.DataFrame, rule: DrawRule) -> list[Fault]:
    if rule.way != "stratified":
        return []
    gaps = {name: int(frame[name].isna().sum()) for name in rule.columns if name != "label"}
    mend = "fill it in: a unit in no stratum cannot be drawn"
    return [Fault(f"column {name!r}", f"missing in {say_count(n, 'unit')}", mend) for name, n in gaps.items() if n]


def allot(n: int, sizes: Ints, lowest: Ints, *, equal: bool) -> Ints:
    """How many units of each stratum: as many of each, or by its size, but no fewer than `lowest` and no more than all.

    Parameters
    ----------
    n
        Units in all, between the sums of `lowest` and `sizes`.
    sizes, lowest
        Units that a stratum has, and must have drawn, shape (n_strata,).

    Examples
    --------
    >>> allot(100, np.array([900, 90, 10]), np.array([5, 5, 5]), equal=False).tolist()
    [86, 9, 5]
    >>> allot(100, np.array([900, 90, 10]), np.array([5, 5, 5]), equal=True).tolist()
    [45, 45, 10]
    """
    wish = np.ones(len(sizes)) if equal else sizes.astype(float)
    exact = _fill(n, lambda level: np.clip(level * wish, lowest, sizes), float(sizes.max()))
    whole = np.floor(exact + 1e-9).astype(np.int64)
    rest = exact - whole
    most = np.argsort(-rest, kind="stable")[: n - int(whole.sum())]
    whole[most] += 1
    return whole


def chances_by_score(n: int, scores: Floats, floor: float) -> Floats:
    """Inclusion probabilities that sum to n, grow with the score, and are nowhere below `floor` times the mean chance.

    Parameters
    ----------
    scores
        Zero or more, shape (n_units,); all zero gives everyone the same chance.

    Examples
    --------
    >>> chances_by_score(2, np.array([0.0, 0.0, 1.0, 3.0]), 0.2).round(2).tolist()
    [0.14, 0.14, 0.71, 1.0]
    """
    total = float(scores.sum())
    even = np.full(len(scores), 1 / len(scores))
    base = floor * even + (1 - floor) * scores / total if total > 0 else even
    return _fill(n, lambda level: np.minimum(level * base, 1.0), 1 / float(base.min()))


def draw_systematic(prob: Floats, rng: np.random.Generator) -> Ints:
    """Positions of a sample of fixed size in which each unit has exactly its `prob`, shape (n_units,).

    Units are laid in random order on a line, each as long as its probability, and taken at every whole step from a
    random start (Madow 1949).

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> times = np.zeros(3)
    >>> for _ in range(4000):
    ...     times[draw_systematic(np.array([0.2, 0.8, 1.0]), rng)] += 1
    >>> (times / 4000).round(1).tolist()
    [0.2, 0.8, 1.0]
    """
    size = round(float(prob.sum()))
    order = rng.permutation(len(prob))
    ends = np.cumsum(prob[order])
    ends *= size / ends[-1]
    ends[-1] = size
    return np.sort(order[np.searchsorted(ends, rng.random() + np.arange(size), side="right")])


def _fill(n: int, at_level: Callable[[float], Floats], highest: float) -> Floats:
    """Values at the level where they sum to n; the sum grows with the level."""
    low, high = 0.0, max(highest, 1.0) * n
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if at_level(middle).sum() < n else (low, middle)
    return np.asarray(at_level(high), dtype=float)
