"""Alternative annotator test: would a model do at least as well as one of these people, against the others?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import carry_joins, check_coders, check_columns, name_some, raise_faults
from codebook.analysis.core.counts import LabelCodes, read_codes
from codebook.analysis.core.estimates import (
    Bootstrap,
    adjust_p,
    check_bootstrap,
    format_figure,
    percentile_interval,
    resample,
)
from codebook.analysis.core.patterns import collapse
from codebook.analysis.core.scales import SET_LEVELS, Bools, Floats, Ints, Scale, check_different, label_distances
from codebook.errors import Fault

ALL = "(all)"
"""Stands for a person's name in the row over all people tested."""
_ABOUT = "The alternative annotator test cannot be made."
MIN_UNITS = 30
"""Units below which a person is not tested: the t-test leans on the normal distribution (Calderon et al. 2025)."""
_CLOSE = 1e-9  # two scores nearer than this are equal


def alt_test(
    table: pd.DataFrame,
    *,
    variable: str,
    level: str,
    labels: Sequence[str] | None,
    models: Sequence[str],
    humans: Sequence[str],
    epsilon: float,
    false_discovery: float = 0.05,
    min_units: int = MIN_UNITS,
    replicates: int = 1000,
    confidence: float = 0.95,
    seed: int = 1,
    draw: int = 0,
) -> pd.DataFrame:
    """Alternative annotator test (Calderon, Reichart and Dror 2025), one row a model and person, and one over all.

    Each person in turn is left out; on each unit model and person are scored by how near they are to the other people.
    The model wins against the person if its share of units at which it is at least as near is larger than the
    person's less epsilon: one-sided t-test of the differences, p adjusted after Benjamini and Yekutieli. The winning
    rate is the share of people it wins against; from .5 on the authors call the test passed. That speaks of these
    people on these units; it is no validity.

    Parameters
    ----------
    level
        `nominal`, `ordinal`: the score is the share of equal labels; `interval`, `ratio`: minus the root mean squared
        difference; `masi`, `jaccard`: one minus the mean distance of the sets.
    models, humans
        Names of coders. Models are read in `draw`, people in draw 0.
    epsilon
        What a model's lower cost is worth, stated before the labels are seen; there is no default. The authors
        propose .2 where the people are experts, .15 for skilled people and .1 for crowd workers.
    false_discovery
        Level at which the adjusted p rejects.
    min_units
        Units below which a person is not tested.
    replicates
        Of the bootstrap of units, for the interval of the advantage.

    Returns
    -------
    pd.DataFrame
        model, human, n_units, n_dropped, advantage (share of units at which the model is at least as near; over all
        people: the mean, the advantage probability) with low and high, human_advantage, difference, p, p_adjusted,
        winning_rate (1 or 0; over all people: the share), dropped and reason. A unit put to the model and not answered
        is lost. `attrs`: epsilon, passed (by model), warnings, level, seed, replicates, coverage, versions.

    Raises
    ------
    StatisticError
        Fewer than two people, nobody with `min_units` units, an epsilon outside 0 to 1, faults of the table.

    Examples
    --------
    >>> from codebook.analysis.core.examples import make_table
    >>> same, other = ["a", "b"] * 20, ["a", "b"] * 16 + ["a"] * 8
    >>> table = make_table("tone", {"ann": same, "bo": other, "cy": same, "m": same})
    >>> how = {"variable": "tone", "level": "nominal", "labels": ["a", "b"], "humans": ["ann", "bo", "cy"]}
    >>> frame = alt_test(table, models=["m"], epsilon=0.1, **how)
    >>> frame[["human", "n_units", "advantage", "human_advantage", "winning_rate"]].round(2)
       human  n_units  advantage  human_advantage  winning_rate
    0    ann       40        1.0             1.00           1.0
    1     bo       40        1.0             0.90           1.0
    2     cy       40        1.0             1.00           1.0
    3  (all)       40        1.0             0.97           1.0
    """
    how = Bootstrap(replicates, confidence, seed)
    raise_faults(_ABOUT, check_columns(table))
    faults = [*check_bootstrap(replicates, confidence), *check_request(epsilon, false_discovery, min_units)]
    raise_faults(_ABOUT, [*faults, *check_names(table, models, humans)])
    told = read_told(table, variable, models, humans, draw)
    codings = read_codes(told, variable=variable, level=level, labels=labels, coders=[*humans, *models])
    people = list(dict.fromkeys(humans))
    done = [_Test(model, people, fight(codings, model, people), epsilon, min_units, how) for model in models]
    raise_faults(_ABOUT, [fault for test in done for fault in test.faults()])
    frame = pd.DataFrame([row for test in done for row in test.rows(false_discovery)])
    over = frame[frame["human"] == ALL].set_index("model")
    frame.attrs = {
        **{"variable": variable, "level": level, "epsilon": epsilon, "false_discovery": false_discovery},
        **{"min_units": min_units, "draw": draw, "passed": (over["winning_rate"] >= 0.5).to_dict()},
        **{"warnings": _find_warnings(done, people), **how.attrs, **carry_joins(table)},
        "coverage": {"labelled": len(codings.code) - codings.n_missing, **codings.missing},
    }
    return frame


@dataclass(frozen=True)
class _Test:
    model: str
    people: Sequence[str]
    duels: Duels
    epsilon: float
    min_units: int
    how: Bootstrap

    @property
    def sizes(self) -> Ints:
        return np.bincount(self.duels.human, minlength=len(self.people))

    @property
    def tested(self) -> Bools:
        return self.sizes >= self.min_units

    def faults(self) -> Iterator[Fault]:
        if not self.tested.any():
            most = int(self.sizes.max(initial=0))
            problem = f"no person has {self.min_units} units that another person coded too; the most is {most}"
            yield Fault(
                f"model {self.model!r}", problem, "have more units coded by two or more people, and by the model"
            )

    def rows(self, false_discovery: float) -> Iterator[dict[str, Any]]:
        p = np.array([self._find_p(at) if tested else math.nan for at, tested in enumerate(self.tested)])
        adjusted = adjust_p(p, "by")
        wins = np.where(self.tested, adjusted <= false_discovery, np.nan)
        figures = self._advantages()
        lost = self._share(self.duels.lost)
        for at, name in enumerate(self.people):
            yield {
                **{"model": self.model, "human": name, **self._sizes(at), **figures[at]},
                **{"human_advantage": lost[at], "difference": lost[at] - figures[at]["advantage"]},
                **{"p": p[at], "p_adjusted": adjusted[at], "winning_rate": wins[at], **self._words(at)},
            }
        n_lost = int(self.duels.n_alone.sum() + self.duels.n_unasked.sum())
        mean = float(lost[self.tested].mean())
        yield {
            **{"model": self.model, "human": ALL, "n_units": len(np.unique(self.duels.unit)), "n_dropped": n_lost},
            **{**figures[-1], "human_advantage": mean, "difference": mean - figures[-1]["advantage"]},
            **{"p": math.nan, "p_adjusted": math.nan, "winning_rate": float(wins[self.tested].mean())},
            **{"dropped": self._dropped(slice(None)), "reason": ""},
        }

    def _find_p(self, at: int) -> float:
        """One-sided p that the person does better than the model by epsilon or more."""
        from scipy.special import stdtr

        mine = self.duels.human == at
        gaps = self.duels.lost[mine] - self.duels.won[mine]
        error = float(gaps.std(ddof=1)) / math.sqrt(len(gaps))
        if error == 0:
            return 0.0 if gaps[0] < self.epsilon else 1.0
        return float(stdtr(len(gaps) - 1, (gaps.mean() - self.epsilon) / error))

    def _share(self, flags: Floats) -> Floats:
        sizes = self.sizes
        summed = np.bincount(self.duels.human, weights=flags, minlength=len(self.people))
        return np.asarray(np.divide(summed, sizes, out=np.full(len(sizes), np.nan), where=sizes > 0))

    def _advantages(self) -> list[dict[str, float]]:
        """Advantage with its interval by person, and last over all who are tested."""
        _, unit = np.unique(self.duels.unit, return_inverse=True)
        there = np.zeros((int(unit.max(initial=-1)) + 1, 2, len(self.people)))
        there[unit, 0, self.duels.human] = 1
        there[unit, 1, self.duels.human] = self.duels.won
        distinct, times = np.unique(there.reshape(len(there), -1), axis=0, return_counts=True)
        present, won = np.split(distinct, 2, axis=1)

        def share(weights: Floats) -> Floats:
            sizes = weights @ present
            each = np.divide(weights @ won, sizes, out=np.full(sizes.shape, np.nan), where=sizes > 0)
            return np.append(each, each[:, self.tested].mean(axis=1, keepdims=True), axis=1)

        values = share(times[None, :].astype(float))[0]
        draws = np.empty((0, len(values)))
        if self.how.replicates:
            draws = resample(times, share, replicates=self.how.replicates, seed=self.how.seed)
        spans = [percentile_interval(draws[:, at], self.how.confidence) for at in range(len(values))]
        return [
            {"advantage": float(value), "low": span.low, "high": span.high}
            for value, span in zip(values, spans, strict=True)
        ]

    def _sizes(self, at: int) -> dict[str, int]:
        n_dropped = int(self.duels.n_alone[at] + self.duels.n_unasked[at])
        return {"n_units": int(self.sizes[at]), "n_dropped": n_dropped}

    def _words(self, at: int) -> dict[str, str]:
        few = f"not tested: {self.sizes[at]} units, {self.min_units} are needed"
        return {"dropped": self._dropped(at), "reason": "" if self.tested[at] else few}

    def _dropped(self, at: int | slice) -> str:
        counts = {
            "of units without a second person": int(np.sum(self.duels.n_alone[at])),
            "of units never put to the model": int(np.sum(self.duels.n_unasked[at])),
        }
        return "; ".join(f"{n:,} coding{'s' * (n != 1)} {words}" for words, n in counts.items() if n)


def _find_warnings(done: Sequence[_Test], people: Sequence[str]) -> list[str]:
    said = []
    if len(people) == 2:
        said.append("Two people: each is held against one other only; the authors ask for three.")
    for test in done:
        out = int((~test.tested).sum())
        n_units = len(np.unique(test.duels.unit))
        if out:
            said.append(f"{test.model}: {out} of {len(people)} people have under {test.min_units} units: not tested.")
        if n_units < 50:
            said.append(f"{test.model}: {n_units} units; the authors advise 50 to 100.")
    return said


def say_alt_test(frame: pd.DataFrame) -> str:
    """The result as sentences, with its epsilon and what it does not say.

    Examples
    --------
    >>> row = {"model": "m", "human": ALL, "winning_rate": 0.75, "advantage": 0.88, "n_units": 160, "low": 0.8,
    ...        "high": 0.93}
    >>> frame = pd.DataFrame([row])
    >>> frame.attrs = {"epsilon": 0.1, "warnings": []}
    >>> print(say_alt_test(frame).split(". ")[0])
    m wins against 75 % of the people tested (epsilon .10, 160 units), advantage probability .88 [.80, .93]: passed
    """
    epsilon = format_figure(frame.attrs["epsilon"])
    words = [_say_row(row, epsilon) for row in frame[frame["human"] == ALL].to_dict("records")]
    return " ".join([*words, "This speaks of these people and units; it is no validity.", *frame.attrs["warnings"]])


def _say_row(row: Mapping[Any, Any], epsilon: str) -> str:
    advantage, low, high = (format_figure(row[name]) for name in ("advantage", "low", "high"))
    return (
        f"{row['model']} wins against {100 * row['winning_rate']:.0f} % of the people tested (epsilon {epsilon}, "
        f"{row['n_units']:,} units), advantage probability {advantage} [{low}, {high}]: "
        f"{'passed' if row['winning_rate'] >= 0.5 else 'not passed'}."
    )


@dataclass(frozen=True)
class Duels:
    """A model beside each person on each unit: row by row the unit, the person and who did at least as well.

    Shape (n_duels,). `lost` is whether the person did at least as well as the model; both are true in a tie.
    `n_alone` counts codings of units without a second person, `n_unasked` those of units never put to the model, by
    person, shape (n_humans,).
    """

    unit: Ints
    human: Ints
    won: Floats
    lost: Floats
    n_alone: Ints
    n_unasked: Ints


def read_told(
    table: pd.DataFrame, variable: str, models: Sequence[str], humans: Sequence[str], draw: int
) -> pd.DataFrame:
    """Rows of a variable by models in `draw` and by people in draw 0, all numbered as draw 0."""
    by_model = table["coder"].isin(list(models)) & (table["draw"] == draw)
    by_human = table["coder"].isin(list(humans)) & (table["draw"] == 0)
    return table[(by_model | by_human) & (table["variable"] == variable)].assign(draw=0)


def fight(codings: LabelCodes, model: str, people: Sequence[str]) -> Duels:
    """Score a model and each person against the other people, unit by unit.

    Distances to the others are summed on patterns of labels: a person's own label is at distance 0 of itself, so it
    drops out of the person's sum, and is taken off the model's.
    """
    place = np.full(len(codings.coders), -1)
    for at, name in enumerate(people):
        place[codings.coders.index(name)] = at
    human, given = place[codings.coder], codings.code >= 0
    rows = np.flatnonzero((human >= 0) & given)
    unit, who, own = codings.unit[rows], human[rows], codings.code[rows]
    answers = np.full(len(codings.units), -2)
    by_model = codings.coder == codings.coders.index(model)
    answers[codings.unit[by_model]] = codings.code[by_model]
    said = answers[unit]
    patterns = collapse(unit, own, codings.scale.n_labels, trace=True)
    distances = _score_distances(codings.scale)
    sums = np.append(patterns.counts @ distances, np.full((len(patterns.times), 1), np.inf), axis=1)
    shown = patterns.shown[unit] if len(unit) else unit
    alone = patterns.sizes[shown] < 2
    theirs = sums[shown, own]
    models = sums[shown, np.maximum(said, -1)] - distances[np.maximum(said, 0), own]
    used = ~alone & (said > -2)
    counted = [np.bincount(who[flag], minlength=len(people)) for flag in (alone, ~alone & (said == -2))]
    won, lost = (models <= theirs + _CLOSE)[used], (theirs <= models + _CLOSE)[used]
    return Duels(unit[used], who[used], won.astype(float), lost.astype(float), *counted)


def _score_distances(scale: Scale) -> Floats:
    """What a score sums: unequal labels, squared differences, or distances of sets, shape (n_labels, n_labels)."""
    if scale.level in SET_LEVELS:
        return label_distances(scale)
    check_different(scale.n_labels)
    if scale.level in ("interval", "ratio"):
        return np.asarray((scale.values[:, None] - scale.values[None, :]) ** 2)
    return 1 - np.eye(scale.n_labels)


def check_request(epsilon: float, false_discovery: float, min_units: int) -> list[Fault]:
    """Faults of the settings of the test."""
    faults = []
    if not 0 <= epsilon < 1:
        mend = "state it before you look: .2 where the people are experts, .15 for skilled people, .1 for a crowd"
        faults.append(Fault("epsilon", f"{epsilon!r} is not a share from 0 to 1", mend))
    if not 0 < false_discovery < 1:
        faults.append(Fault("false_discovery", f"{false_discovery!r} is not between 0 and 1", "pass .05"))
    if min_units < 2:
        faults.append(Fault("min_units", f"a t-test of {min_units} units is not defined", f"pass {MIN_UNITS}"))
    return faults


def check_names(table: pd.DataFrame, models: Sequence[str], humans: Sequence[str]) -> list[Fault]:
    """Faults of who is named as a model and as a person."""
    faults = [
        Fault(what, f"{names!r} is one text", "pass a list of coders")
        for what, names in (("models", models), ("humans", humans))
        if isinstance(names, str)
    ]
    if faults:
        return faults
    if both := sorted(set(models) & set(humans)):
        faults.append(Fault("humans", f"{name_some(both)} is also a model", "name each coder once"))
    if not models:
        faults.append(Fault("models", "none is named", "name the coder to be tested"))
    if len(set(humans)) < 2:
        mend = "have two people or more, better three, code the same units"
        faults.append(Fault("humans", f"{len(set(humans))} named: nobody is left to compare with", mend))
    return [*faults, *check_coders(table, [*models, *humans])]
