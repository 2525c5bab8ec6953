"""Alternative annotator test: would a model do at least as well as one of these people, against the others?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import check_coders, raise_faults
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.counts import LabelCodes, join_cluster, read_codes
from codebook.analysis.core.estimates import Bootstrap, adjust_p, percentile_interval, say_figure
from codebook.analysis.core.forest import plot_estimates
from codebook.analysis.core.gold_balance import say_alike
from codebook.analysis.core.patterns import Patterns, collapse
from codebook.analysis.core.plain_frames import as_codings
from codebook.analysis.core.result import Facts, Result, nothing_to_say
from codebook.analysis.core.sample_design import Drawn
from codebook.analysis.core.scales import (
    SET_LEVELS,
    Bools,
    Floats,
    Ints,
    Scale,
    check_different,
    label_distances,
    list_labels,
)
from codebook.analysis.core.share_intervals import Shares, divide
from codebook.analysis.core.standard_errors import join_clusters
from codebook.errors import Fault
from codebook.ground.quantities import format_figure, places_of, say_count, say_percent

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ALL = "(all)"
"""Stands for a person's name in the row over all people tested."""
_ABOUT = "The alternative annotator test cannot be made."
_TITLE = "Alternative annotator test"
_QUANTITY = "share of units at which one is at least as near to the others"
_MORE_PEOPLE = "have two people or more, better three, code the same units"
_MORE_UNITS = "have more units coded by two or more people, and by the model"
_NOTE = (
    "Advantage: share of units at which the model is at least as near to the other people as the person is; wins: "
    "against one person 1 or 0, over all people the share. This speaks of these people and units; it is no validity."
)
MIN_UNITS = 30
"""Units below which a person is not tested: the t-test leans on the normal distribution (Calderon et al. 2025)."""
_CLOSE = 1e-9  # two scores nearer than this are equal


@dataclass(frozen=True)
class AltTestFacts(Facts):
    """Of the alternative annotator test: what was stated before, and which models passed."""

    epsilon: float = 0.0
    false_discovery: float = 0.05
    min_units: int = MIN_UNITS
    passed: Mapping[str, bool] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def alt_test(
    codings: Codings | pd.DataFrame,
    epsilon: float,
    *,
    models: Sequence[str] = (),
    false_discovery: float = 0.05,
    min_units: int = MIN_UNITS,
    level: str = "",
    resample: Bootstrap = Bootstrap(),
) -> Result:
    """Alternative annotator test (Calderon, Reichart and Dror 2025), one row a model and person, and one over all.

    Each person in turn is left out; on each unit model and person are scored by how near they are to the other people.
    The model wins against the person if its share of units at which it is at least as near is larger than the
    person's less epsilon: one-sided t-test of the differences, p adjusted after Benjamini and Yekutieli. The winning
    rate is the share of people it wins against; from .5 on the authors call the test passed. That speaks of these
    people on these units; it is no validity. The score is, by level, the share of equal labels (`nominal`, `ordinal`),
    minus the root mean squared difference (`interval`, `ratio`), or one minus the mean distance of the sets.

    Parameters
    ----------
    epsilon
        What a model's lower cost is worth, stated before the labels are seen; there is no default. The authors
        propose .2 where the people are experts, .15 for skilled people and .1 for crowd workers.
    models
        Coders that are tested; empty for all that are known to be models. People are all others but the gold.
    false_discovery
        Level at which the adjusted p rejects.
    min_units
        Units below which a person is not tested.
    resample
        Bootstrap of units, for the interval of the advantage.

    Returns
    -------
    Result
        model, human, n_units, n_dropped, advantage (share of units at which the model is at least as near; over all
        people: the mean, the advantage probability) with low and high, human_advantage, difference, p, p_adjusted,
        winning_rate (1 or 0; over all people: the share), dropped and reason. A unit put to the model and not answered
        is lost. With fewer than two people, or nobody with `min_units` units, there is nothing to test.

    Raises
    ------
    StatisticError
        No model, an epsilon outside 0 to 1, faults of the codings.

    Examples
    --------
    >>> same, other = ["a", "b"] * 20, ["a", "b"] * 16 + ["a"] * 8
    >>> wide = pd.DataFrame({"ann": same, "bo": other, "cy": same, "m": same})
    >>> result = alt_test(wide, 0.1, models=["m"], level="nominal")
    >>> result.frame[["human", "n_units", "advantage", "human_advantage", "winning_rate"]].round(2)
       human  n_units  advantage  human_advantage  winning_rate
    0    ann       40        1.0             1.00           1.0
    1     bo       40        1.0             0.90           1.0
    2     cy       40        1.0             1.00           1.0
    3  (all)       40        1.0             0.97           1.0
    """
    codings = as_codings(codings, level=level)
    codings = codings.of(codings.variable.name)
    raise_faults(_ABOUT, [*_check_request(epsilon, false_discovery, min_units), *_check_models(codings, models)])
    models = list(dict.fromkeys(models)) or codings.machines
    drawn = "units" if codings.clusters is None else "clusters of units; the t-tests take units as independent"
    settings: dict[str, Any] = {"epsilon": epsilon, "false_discovery": false_discovery, "min_units": min_units}
    facts = AltTestFacts(bootstrap=resample, resampled=drawn, joins=codings.joins, **settings)
    blank = Result(pd.DataFrame(), "alt_test", _TITLE, section="stability", facts=facts)
    if codings.uncounted:
        return nothing_to_say(codings, codings.uncounted, blank)
    people = [name for name in codings.people if name not in models]
    if len(people) < 2:
        who = f"One person ({people[0]!r})" if people else "No person"
        reason = f"{who} beside the models: nothing to compare. To compare, {_MORE_PEOPLE}."
        return nothing_to_say(codings, reason, blank)
    codes = _read_codes(codings, [*people, *models], level)
    tests = [_Test(model, people, _fight(codes, model, people), facts, codes.cluster) for model in models]
    if reasons := [test.too_few for test in tests if test.too_few]:
        return nothing_to_say(codings, f"{' '.join(reasons)} To compare, {_MORE_UNITS}.", blank)
    return _tell(codings, codes, tests, blank)


def _check_models(codings: Codings, models: Sequence[str]) -> list[Fault]:
    if isinstance(models, str):
        return [Fault("models", f"{models!r} is one text", "pass a list of coders")]
    if not models and not codings.machines:
        return [Fault("models", "nobody is known to be a model", "name the coder to be tested: models=[NAME]")]
    return check_coders(codings.frame, list(models))


def _read_codes(codings: Codings, coders: Sequence[str], level: str) -> LabelCodes:
    variable = codings.variable
    level = level or (SET_LEVELS[0] if variable.kind == "multi" else variable.level or "")
    codes = read_codes(codings.frame, variable=variable.name, level=level, labels=list_labels(variable), coders=coders)
    return codes if codings.clusters is None else join_cluster(codes, codings.clusters)


def _tell(codings: Codings, codes: LabelCodes, tests: Sequence[_Test], blank: Result) -> Result:
    frame = pd.DataFrame([row for test in tests for row in test.rows()])
    over = frame[frame["human"] == ALL].set_index("model")
    warnings = tuple(_find_warnings(tests))
    facts = replace(
        tests[0].facts,
        n_units=int(over["n_units"].max()),
        n_coders=len(codes.coders),
        n_clusters=codes.n_clusters,
        level=codes.scale.level,
        coverage={codings.variable.name: codes.coverage},
        passed={str(model): bool(rate >= 0.5) for model, rate in over["winning_rate"].items()},
        warnings=warnings,
    )
    ends = {"low": "advantage_low", "high": "advantage_high"}
    columns = ["human", "n_units", "advantage", *ends, "human_advantage", "p_adjusted", "winning_rate", "reason"]
    ordered = frame.sort_values("human", key=lambda names: names != ALL, kind="stable")
    return replace(
        blank,
        frame=frame,
        facts=facts,
        finding=" ".join(_say_row(row, facts.epsilon) for row in over.reset_index().to_dict("records")),
        remarks=(_NOTE, *warnings, *say_alike(codings)),
        table=ordered[[*(["model"] if len(tests) > 1 else []), *columns]].rename(columns=ends),
        figure=partial(_draw, ordered[ordered["winning_rate"].notna()], facts.interval),
        outputs=codings.outputs,
    )


def _draw(frame: pd.DataFrame, note: str) -> Figure:
    """The advantage of the model beside that of each person who was tested."""
    of_model = frame.assign(who="model")
    of_person = frame.assign(who="person", advantage=frame["human_advantage"], low=math.nan, high=math.nan)
    rows = pd.concat([of_model, of_person], ignore_index=True)
    names = ["model", "human"] if frame["model"].nunique() > 1 else ["human"]
    rows = rows.assign(block=rows["human"] == ALL)
    return plot_estimates(rows, name=names, value="advantage", group="who", quantity=_QUANTITY, note=note)


@dataclass(frozen=True)
class _Test:
    model: str
    people: Sequence[str]
    duels: Duels
    facts: AltTestFacts
    cluster: Ints

    @property
    def sizes(self) -> Ints:
        return np.bincount(self.duels.human, minlength=len(self.people))

    @property
    def tested(self) -> Bools:
        return self.sizes >= self.facts.min_units

    @property
    def too_few(self) -> str:
        """Why nobody can be tested; empty where somebody can."""
        if self.tested.any():
            return ""
        most, least = int(self.sizes.max(initial=0)), self.facts.min_units
        return f"{self.model}: no person has {least} units that another person coded too; the most is {most}."

    def rows(self) -> Iterator[dict[str, Any]]:
        p = np.array([self._find_p(at) if tested else math.nan for at, tested in enumerate(self.tested)])
        adjusted = adjust_p(p, "by")
        wins = np.where(self.tested, adjusted <= self.facts.false_discovery, np.nan)
        figures = self._advantages()
        n_lost = np.bincount(self.duels.human, weights=self.duels.lost, minlength=len(self.people))
        lost = divide(np.asarray(n_lost, dtype=float), self.sizes.astype(float))
        for at, name in enumerate(self.people):
            few = f"not tested: {say_count(self.sizes[at], 'unit')}, {self.facts.min_units} are needed"
            yield {
                **{"model": self.model, "human": name, "n_units": int(self.sizes[at])},
                **{"n_dropped": int(self.duels.n_alone[at] + self.duels.n_unasked[at]), **figures[at]},
                **{"human_advantage": lost[at], "difference": lost[at] - figures[at]["advantage"]},
                **{"p": p[at], "p_adjusted": adjusted[at], "winning_rate": wins[at], "dropped": self._dropped(at)},
                "reason": figures[at]["reason"] if self.tested[at] else few,
            }
        n_dropped = int(self.duels.n_alone.sum() + self.duels.n_unasked.sum())
        mean = float(lost[self.tested].mean())
        yield {
            **{"model": self.model, "human": ALL, "n_units": len(np.unique(self.duels.unit)), "n_dropped": n_dropped},
            **{**figures[-1], "human_advantage": mean, "difference": mean - figures[-1]["advantage"]},
            **{"p": math.nan, "p_adjusted": math.nan, "winning_rate": float(wins[self.tested].mean())},
            **{"dropped": self._dropped(slice(None)), "reason": figures[-1]["reason"]},
        }

    def _find_p(self, at: int) -> float:
        """One-sided p that the person does better than the model by epsilon or more."""
        from scipy.special import stdtr

        mine = self.duels.human == at
        gaps = self.duels.lost[mine] - self.duels.won[mine]
        error = float(gaps.std(ddof=1)) / math.sqrt(len(gaps))
        if error == 0:
            return 0.0 if gaps[0] < self.facts.epsilon else 1.0
        return float(stdtr(len(gaps) - 1, (gaps.mean() - self.facts.epsilon) / error))

    def _advantages(self) -> list[dict[str, Any]]:
        """Advantage with its interval, or why there is none, by person, and last over all who are tested."""
        units, unit = np.unique(self.duels.unit, return_inverse=True)
        there = np.zeros((int(unit.max(initial=-1)) + 1, 2, len(self.people)))
        there[unit, 0, self.duels.human] = 1
        there[unit, 1, self.duels.human] = self.duels.won
        flat = there.reshape(len(there), -1)
        distinct, shown, times = np.unique(flat, axis=0, return_inverse=True, return_counts=True)
        present, won = np.split(distinct, 2, axis=1)

        cluster = self.cluster[units] if len(self.cluster) else self.cluster
        members = join_clusters(Patterns(distinct, times, shown.ravel()), cluster)
        drawn = Drawn(times, np.ones(len(times)), np.zeros(len(times), dtype=np.int64), members)
        bootstrap = self.facts.bootstrap or Bootstrap()
        values, ends, draws = Shares(won, present).estimate(drawn, bootstrap)
        every = float(values[self.tested].mean())
        over_all = percentile_interval(
            draws[:, self.tested].mean(axis=1), bootstrap.confidence, every, freedom=drawn.freedom
        )
        if why := next((end.reason for at, end in enumerate(ends) if self.tested[at] and end.reason), ""):
            over_all = replace(over_all, reason=why)
        return [
            {"advantage": float(value), "low": end.low, "high": end.high, "reason": end.reason}
            for value, end in zip([*values, every], [*ends, over_all], strict=True)
        ]

    def _dropped(self, at: int | slice) -> str:
        counts = {
            "of units without a second person": int(np.sum(self.duels.n_alone[at])),
            "of units never put to the model": int(np.sum(self.duels.n_unasked[at])),
        }
        return "; ".join(f"{say_count(n, 'coding')} {words}" for words, n in counts.items() if n)


def _find_warnings(tests: Sequence[_Test]) -> Iterator[str]:
    if len(tests[0].people) == 2:
        yield "Two people: each is compared with only one other; the authors ask for three."
    for test in tests:
        out, n_people, least = int((~test.tested).sum()), len(test.people), test.facts.min_units
        n_units = len(np.unique(test.duels.unit))
        if out:
            yield f"{test.model}: {out} of {n_people} people have under {least} units: not tested."
        if n_units < 50:
            yield f"{test.model}: {say_count(n_units, 'unit')}; the authors advise 50 to 100."


def _say_row(row: Mapping[Any, Any], epsilon: float) -> str:
    size = f"epsilon {format_figure(epsilon)}, {say_count(row['n_units'], 'unit')}"
    return (
        f"{row['model']} wins against {say_percent(row['winning_rate'])} of the people tested ({size}), "
        f"advantage probability {say_figure(row, 'advantage', places_of(row['n_units']))}: "
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


def _fight(codings: LabelCodes, model: str, people: Sequence[str]) -> Duels:
    """Score a model and each person against the other people, unit by unit.

    Distances to the others are summed on patterns of labels: a person's own label is at distance 0 of itself, so it
    drops out of the person's sum, and is taken off the model's.
    """
    place = np.full(len(codings.coders), -1)
    for at, name in enumerate(people):
        place[codings.coders.index(name)] = at
    human = place[codings.coder]
    rows = np.flatnonzero((human >= 0) & (codings.code >= 0))
    unit, who, code = codings.unit[rows], human[rows], codings.code[rows]
    answers = np.full(len(codings.units), -2)
    by_model = codings.coder == codings.coders.index(model)
    answers[codings.unit[by_model]] = codings.code[by_model]
    of_model = answers[unit]
    patterns = collapse(unit, code, codings.scale.n_labels, trace=True)
    distances = _score_distances(codings.scale)
    sums = np.append(patterns.counts @ distances, np.full((len(patterns.times), 1), np.inf), axis=1)
    shown = patterns.shown[unit] if len(unit) else unit
    alone = patterns.sizes[shown] < 2
    theirs = sums[shown, code]
    models = sums[shown, np.maximum(of_model, -1)] - distances[np.maximum(of_model, 0), code]
    is_duel = ~alone & (of_model > -2)
    aside = [np.bincount(who[flag], minlength=len(people)) for flag in (alone, ~alone & (of_model == -2))]
    won, lost = (models <= theirs + _CLOSE)[is_duel], (theirs <= models + _CLOSE)[is_duel]
    return Duels(unit[is_duel], who[is_duel], won.astype(float), lost.astype(float), *aside)


def _score_distances(scale: Scale) -> Floats:
    """What a score sums: unequal labels, squared differences, or distances of sets, shape (n_labels, n_labels)."""
    if scale.level in SET_LEVELS:
        return label_distances(scale)
    check_different(scale.n_labels)
    if scale.level in ("interval", "ratio"):
        return np.asarray((scale.values[:, None] - scale.values[None, :]) ** 2)
    return 1 - np.eye(scale.n_labels)


def _check_request(epsilon: float, false_discovery: float, min_units: int) -> list[Fault]:
    faults = []
    if not 0 <= epsilon < 1:
        mend = "state it before you look: .2 where the people are experts, .15 for skilled people, .1 for a crowd"
        faults.append(Fault("epsilon", f"{epsilon!r} is not a share from 0 to 1", mend))
    if not 0 < false_discovery < 1:
        faults.append(Fault("false_discovery", f"{false_discovery!r} is not between 0 and 1", "pass .05"))
    if min_units < 2:
        faults.append(Fault("min_units", f"a t-test of {min_units} units is not defined", f"pass {MIN_UNITS}"))
    return faults
