"""How much gold does it take to find an effect of this size? A first gold sample tells the error with more gold."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import name_some, raise_faults
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.drawing import dress_axes, literal, new_figure, say_in_picture
from codebook.analysis.core.result import Result, nothing_to_say
from codebook.analysis.core.scales import Floats
from codebook.analysis.correction.inputs import Inputs, LabelColumns
from codebook.analysis.correction.model_matrix import Design
from codebook.analysis.correction.moments import FAMILIES, Fit, sum_slopes
from codebook.analysis.correction.regression import Regression, fit_sources, read_units
from codebook.analysis.correction.sentences import SOURCES, CorrectionFacts
from codebook.errors import Fault
from codebook.ground.quantities import say_count, say_percent
from codebook.outputs.figure_style import MODEL, PEOPLE, Figure, house_style

WANTED = 0.8
"""The customary power."""
_ABOUT = "The size of the gold sample cannot be planned."
_COLUMNS = ("coefficient", "effect", "n_gold", "se", "power", "is_now", "is_enough")
_STEPS = (1.0, 1.5, 2.0, 3.0, 5.0, 8.0, 12.0, 20.0)
_NOTE = (
    "The standard error with more gold is computed from the labels of model and gold on the present gold units, as R "
    "dsl does (power_dsl). This assumes that more units are drawn in the same way, and that all chances grow by the "
    "same factor. Power: the chance that the 95 % interval of an effect of this size leaves out zero. The power is an "
    "estimate, too: with little gold a rough one."
)


def plan_correction(
    codings: Codings | pd.DataFrame,
    formula: str,
    effect: Mapping[str, float],
    *,
    label: str = "",
    data: pd.DataFrame | None = None,
    family: str = "linear",
    columns: LabelColumns = LabelColumns(),
) -> Result:
    """How much gold does a corrected regression need, so that an effect of this size would be found?

    The variance of the corrected coefficient has two parts: one that no gold makes smaller, and one of the model's
    errors in the gold units, which falls as more units are drawn (Egami, Hinck, Stewart and Wei 2024). Before there is
    any gold, ask a made-up study: `plan_correction(make_study(5000, 300, effect=0.4), "gold ~ group", {"group": 0.4},
    ...)`.

    Parameters
    ----------
    codings, formula, label, data, family, columns
        As in `correct`. There must be a first gold sample, of a few hundred units.
    effect
        The smallest size worth finding, by coefficient: `{"age": 0.01}`.

    Returns
    -------
    Result
        One row per coefficient and number of gold units: coefficient, effect, n_gold, se, power, is_now (the present
        gold sample), is_enough (the smallest number with a power of 80 %, where there is one).

    Raises
    ------
    StatisticError
        As `correct`; a coefficient that the formula does not have, or an effect of zero.

    Examples
    --------
    >>> from codebook.analysis.correction import make_study
    >>> study = make_study(5000, 300, effect=0.4, seed=3)
    >>> plan_correction(study, "gold ~ group", {"group": 0.4}, family="logistic").finding.split(":")[0]
    'group, an effect of 0.4'
    """
    frame, joins, about = read_units(codings, label, data, columns)
    empty = Result(pd.DataFrame(columns=list(_COLUMNS)), "gold_power", "Power with more gold", "gold")
    if isinstance(codings, Codings) and about is None:
        return nothing_to_say(codings, joins[0], empty)
    regression = Regression(formula, family, about or columns)
    inputs, design = regression.read(frame)
    raise_faults(_ABOUT, _check(effect, design))
    fit = fit_sources(design, inputs, family)[SOURCES[2]]
    if fit.reason:
        fault = Fault(
            "gold", f"the corrected regression is not defined: {fit.reason}", "mend that first, with `correct`"
        )
        raise_faults(_ABOUT, [fault])
    prospect = Prospect.of(design, inputs, fit, family)
    rows = pd.DataFrame([row for name, size in effect.items() for row in _list_rows(prospect, name, size)])
    facts = CorrectionFacts(len(design.y), n_gold=len(design.gold), joins=tuple(joins), formula=formula, family=family)
    return replace(
        empty,
        frame=rows[list(_COLUMNS)],
        facts=facts,
        finding=_say(rows, prospect),
        remarks=(_NOTE,),
        table=rows[["coefficient", "effect", "n_gold", "se", "power"]],
        figure=lambda: _draw(rows, prospect),
        outputs=codings.outputs if isinstance(codings, Codings) else None,
    )


@dataclass(frozen=True)
class Prospect:
    """What the present gold tells about the variance with more gold.

    `bread` (n_terms, n_terms). The moments of the gold units: by the gold labels `human`, and these minus those by the
    model labels `error` (n_gold, n_terms). `prob` (n_gold,) are their chances; `scale` (n_terms,) takes clusters and
    the present sample into account.
    """

    terms: tuple[str, ...]
    n_units: int
    bread: Floats
    human: Floats
    error: Floats
    prob: Floats
    scale: Floats

    @classmethod
    def of(cls, design: Design, inputs: Inputs, fit: Fit, family: str) -> Prospect:
        """The prospect of a fit."""
        model, human = design.corrected_parts()
        means = FAMILIES[family]
        by_gold = human.x * (human.y - means.mean(human.x @ fit.estimate))[:, None]
        x, y = model.x[design.gold], model.y[design.gold]
        by_model = x * (y - means.mean(x @ fit.estimate))[:, None]
        bread = np.asarray(np.linalg.inv(sum_slopes([model, human], fit.estimate, means)), dtype=np.float64)
        ones = np.ones(len(design.terms))
        first = cls(design.terms, len(design.y), bread, by_gold, by_gold - by_model, design.prob, ones)
        return replace(first, scale=fit.se / first.errors(len(design.gold)))

    def errors(self, n_gold: float) -> Floats:
        """Standard errors with as many gold units, shape (n_terms,)."""
        chance = np.minimum(1.0, self.prob * n_gold / len(self.prob))
        weight = 1 / self.prob
        meat = (self.human.T * weight) @ self.human + (self.error.T * (weight * (1 / chance - 1))) @ self.error
        return np.asarray(self.scale * np.sqrt(np.diag(self.bread @ meat @ self.bread.T)))

    def power(self, term: str, effect: float, n_gold: float) -> float:
        """Chance that the 95 % interval of such an effect leaves out zero."""
        normal, reach = NormalDist(), NormalDist().inv_cdf(0.975)
        pull = abs(effect) / float(self.errors(n_gold)[self.terms.index(term)])
        return normal.cdf(pull - reach) + normal.cdf(-pull - reach)

    def find_least(self, term: str, effect: float) -> int:
        """The least number of gold units with a power of 80 %; 0 where even gold for all units does not reach it."""
        if self.power(term, effect, self.n_units) < WANTED:
            return 0
        sizes = range(1, self.n_units + 1)
        return sizes[bisect_left(sizes, WANTED, key=lambda n_gold: self.power(term, effect, n_gold))]


def _check(effect: Mapping[str, float], design: Design) -> list[Fault]:
    terms = [term for term in design.terms if term not in design.hidden]
    strange = [name for name in effect if name not in terms]
    faults = [Fault("effect", "no coefficient is named", "pass e.g. {'age': 0.01}")] if not effect else []
    if strange:
        faults.append(Fault("effect", f"no coefficient {name_some(strange)}", f"name some of {name_some(terms, 12)}"))
    if zero := [name for name, size in effect.items() if not (math.isfinite(size) and size)]:
        faults.append(
            Fault(
                "effect",
                f"the size of {name_some(zero)} is zero or no number",
                "pass the smallest effect worth finding",
            )
        )
    return faults


def _list_rows(prospect: Prospect, term: str, effect: float) -> Iterator[dict[str, Any]]:
    n_now, enough = len(prospect.prob), prospect.find_least(term, effect)
    sizes = {min(prospect.n_units, round(n_now * step)) for step in _STEPS} | ({enough} if enough else set())
    for n_gold in sorted(sizes):
        error = float(prospect.errors(n_gold)[prospect.terms.index(term)])
        yield {
            **{"coefficient": term, "effect": effect, "n_gold": n_gold, "se": error},
            **{"power": prospect.power(term, effect, n_gold), "is_now": n_gold == n_now, "is_enough": n_gold == enough},
        }


def _say(rows: pd.DataFrame, prospect: Prospect) -> str:
    parts = []
    for term, part in rows.groupby("coefficient", sort=False):
        effect = float(part["effect"].iloc[0])
        now = say_percent(float(part.loc[part["is_now"], "power"].iloc[0]))
        head = f"{term}, an effect of {effect:g}: the chance to find it is {now} now"
        enough = part.loc[part["is_enough"], "n_gold"]
        if len(enough) and part.loc[part["is_now"], "n_gold"].iloc[0] >= enough.iloc[0]:
            parts.append(f"{head}; {enough.iloc[0]:,} gold units are enough for 80 %")
        elif len(enough):
            parts.append(f"{head}, and 80 % with {enough.iloc[0]:,} gold units")
        else:
            most = say_percent(prospect.power(str(term), effect, prospect.n_units))
            parts.append(f"{head}, and {most} even with gold for all {say_count(prospect.n_units, 'unit')}")
    return f"{'; '.join(parts)} (gold units now: {len(prospect.prob):,})."


@house_style()
def _draw(rows: pd.DataFrame, prospect: Prospect) -> Figure:
    """Power against gold units, one line per coefficient, with the present sample and the number that is enough."""
    figure = new_figure("one", 62)
    axes = figure.subplots()
    for at, (term, part) in enumerate(rows.groupby("coefficient", sort=False)):
        effect = float(part["effect"].iloc[0])
        most = int(part["n_gold"].max())
        sizes = np.unique(np.linspace(max(2, len(prospect.prob) // 4), most, 60).round())
        powers = [prospect.power(str(term), effect, size) for size in sizes]
        axes.plot(sizes, powers, "-" if not at else "--", color=MODEL, label=f"{term} = {effect:g}")
        axes.plot(part["n_gold"], part["power"], "o", color=MODEL, markersize=2.5)
        for name, mark in (("is_now", "s"), ("is_enough", "D")):
            some = part[part[name]]
            axes.plot(some["n_gold"], some["power"], mark, color=PEOPLE, markersize=5)
            for n_gold, power in zip(some["n_gold"], some["power"], strict=True):
                axes.annotate(f"{n_gold:,}", (n_gold, power), xytext=(6, -8), textcoords="offset points", color=PEOPLE)
    axes.axhline(WANTED, color=PEOPLE, linewidth=0.6)
    axes.set_ylim(0, 1.02)
    if rows["coefficient"].nunique() > 1:
        axes.legend(loc="lower right")
    dress_axes(axes, "gold units", "power")
    say_in_picture(figure, "Square: the present gold. Diamond: a power of .80 is reached.")
    return literal(figure)
