"""Regressions with labels of a model, corrected by a gold sample: beside the model's alone and the gold's alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import raise_faults
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.estimates import check_bootstrap
from codebook.analysis.core.forest import keep_order, plot_estimates
from codebook.analysis.core.label_titles import title_of
from codebook.analysis.core.result import Result, nothing_to_say
from codebook.analysis.core.scales import Floats, Ints
from codebook.analysis.correction.inputs import ABOUT, Inputs, LabelColumns, read_inputs
from codebook.analysis.correction.model_matrix import (
    Design,
    absorb_effects,
    add_effects,
    build_design,
    check_effects,
    find_constant,
    find_names,
    say_effects,
    split_effects,
    swap_labels,
)
from codebook.analysis.correction.moments import FAMILIES, Fit, fit_parts, join_fits, no_fit, spread_normal
from codebook.analysis.correction.pairing import pair_with_gold
from codebook.analysis.correction.sentences import NOTE, SOURCES, CorrectionFacts, find_warnings, say_correction
from codebook.errors import Fault, unknown_choice
from codebook.ground.joins import Sides, join_faults, join_ids, tell_strays
from codebook.ground.quantities import say_count
from codebook.outputs.figure_style import Figure

_SCALES = {"logistic": " (log odds)", "poisson": " (log rate)"}
_COUNTS = ("p", "n", "n_gold", "reason")
_CLUSTER, _ANSWERED = "cluster of the unit", "answered by the model"


@dataclass(frozen=True)
class Fitting:
    """How a corrected regression is fitted.

    `folds` in which model labels are first regressed on the gold (linear, with the formula's other columns), and how
    often the units are split anew (`splits`), from which `seed`; coefficients are medians over splits. 0 folds takes
    model labels as they are.
    """

    folds: int = 0
    splits: int = 10
    confidence: float = 0.95
    seed: int = 1

    def check(self) -> list[Fault]:
        """Faults of the settings."""
        faults = []
        if not ((self.folds == 0 or self.folds >= 2) and self.splits >= 1):
            problem = f"{self.folds} folds and {self.splits} splits"
            faults.append(Fault("folds, splits", problem, "pass folds=0 for none or 5, and splits=10"))
        return [*faults, *check_bootstrap(0, self.confidence)]


def correct(
    codings: Codings | pd.DataFrame,
    formula: str,
    *,
    label: str = "",
    data: pd.DataFrame | None = None,
    family: str = "linear",
    columns: LabelColumns = LabelColumns(),
    fitting: Fitting = Fitting(),
) -> Result:
    """Regress with model labels as outcome, covariate or both; correct by the gold units.

    Design-based supervised learning (Egami, Hinck, Stewart and Wei 2023): the estimating equation of a unit is
    m(model) + R/prob * (m(gold) - m(model)), R = 1 for gold units; standard errors are the sandwich, by cluster where
    there are any. It holds however wrong the model is, if gold was drawn with the stated probabilities.

    Parameters
    ----------
    codings
        With gold and sample (see `pair_with_gold`): of the only model, or the first. Or a frame with one row per unit
        that has the labels in `columns`.
    formula
        As the formulaic package reads it; `label` stands for the label, e.g. ``label ~ age`` or ``votes ~ label +
        C(party)``, and in a frame the name of its gold column. Of text labels name one: ``{label == "sports"} ~ age``.
        Fixed effects (linear family only) stand after a bar and are absorbed: ``label ~ age | country + year``.
    label
        One of the codings' labels, which then counts as 1 and 0. Units without an answer of the model count as not
        having it, as in `prevalence`, and the gold corrects that. Where no label is named these units are left out,
        and ratings and numbers keep their values.
    data
        Covariates of the units of codings, by the column `unit_id` or the index, beside those of the codings.
    family
        "linear", "logistic" or "poisson".

    Returns
    -------
    Result
        Three rows per coefficient: `coefficient`, `source` (model labels only, gold only, corrected), `estimate`, `se`,
        `low`, `high`, `p` (two-sided, normal), `n` (units), `n_gold`, `reason` (why it is NaN).

    Raises
    ------
    StatisticError
        All faults of the data at once: unknown columns, missing or impossible probabilities, missing clusters.

    Examples
    --------
    >>> data = pd.DataFrame({"x": [0, 1] * 6, "predicted": [0, 1, 0, 1, 0, 1, 0, 1, 1, 1, 0, 0], "prob": 0.5})
    >>> data["gold"] = [0, 1, 0, 0, 1, 1] + [None] * 6
    >>> correct(data, "gold ~ x").frame[["coefficient", "source", "estimate", "n_gold"]].round(2)
      coefficient             source  estimate  n_gold
    0   Intercept  model labels only      0.17       0
    1   Intercept          gold only      0.33       6
    2   Intercept          corrected      0.50       6
    3           x  model labels only      0.67       0
    4           x          gold only      0.33       6
    5           x          corrected     -0.00       6
    """
    if isinstance(codings, Codings):
        return _correct_codings(codings, formula, label, data, Regression(formula, family, fitting=fitting))
    return Regression(formula, family, columns, fitting).run(codings)


def _correct_codings(
    codings: Codings, formula: str, label: str, data: pd.DataFrame | None, regression: Regression
) -> Result:
    """The regression on the paired labels of codings, with their clusters and covariates."""
    frame, joins, columns = read_units(codings, label, data, regression.columns)
    if columns is None:
        return nothing_to_say(codings, joins[0], regression.empty())
    result = replace(regression, columns=columns).run(frame)
    assert isinstance(result.facts, CorrectionFacts)
    paired = pair_with_gold(codings, label=label)
    facts = replace(result.facts, joins=(*joins, *result.facts.joins), weighted=paired.facts.weighted)
    facts = replace(facts, coverage=paired.facts.coverage, coder=codings.one_coder())
    name = codings.name_label(label) if label else title_of(codings.variable)
    finding = result.facts.nothing or f"{name}, {formula}. {result.finding}"
    remarks, title = (*result.remarks, *paired.remarks), f"{name}: {result.title}"
    return replace(result, facts=facts, title=title, finding=finding, remarks=remarks, outputs=codings.outputs)


def read_units(
    codings: Codings | pd.DataFrame, label: str, data: pd.DataFrame | None, columns: LabelColumns
) -> tuple[pd.DataFrame, list[str], LabelColumns | None]:
    """One row per unit with its labels and covariates; sentences on ids that did not match; the columns of the labels.

    Where there is nothing to correct the columns are None, and the sentence says why.
    """
    if not isinstance(codings, Codings):
        return codings, [], columns
    paired = pair_with_gold(codings, label=label)
    if paired.facts.nothing:
        return paired.frame, [paired.facts.nothing], None
    frame = paired.frame.rename(columns={"gold": "label"})
    if codings.variable.kind in ("rating", "number"):
        frame = frame.assign(label=pd.to_numeric(frame["label"]), predicted=pd.to_numeric(frame["predicted"]))
    joins = list(codings.joins)
    for more in (data, codings.by_unit):
        if more is not None and len(more.columns):
            frame = _join_covariates(frame, more, joins)
    if codings.clusters is not None:
        by_unit = {str(unit): name for unit, name in codings.clusters.items()}
        frame[_CLUSTER] = frame["unit_id"].map(by_unit)
    cluster = "" if codings.clusters is None else _CLUSTER
    silent = frame["predicted"].isna()
    if not label or not silent.any() or silent.all():
        return frame, joins, LabelColumns("label", cluster=cluster)
    frame = frame.assign(**{_ANSWERED: ~silent, "predicted": frame["predicted"].fillna(0.0)})
    n_silent = say_count(int(silent.sum()), "unit")
    joins.append(f"No answer of the model for {n_silent}: taken as without the label, which the gold corrects.")
    return frame, joins, LabelColumns("label", cluster=cluster, answered=_ANSWERED)


def _join_covariates(frame: pd.DataFrame, more: pd.DataFrame, joins: list[str]) -> pd.DataFrame:
    """The frame with the columns of `more` that it does not have; ids that do not meet are told in `joins`."""
    by_unit = more.set_index("unit_id") if "unit_id" in more else more
    by_unit = by_unit.set_axis(by_unit.index.astype(str))
    join = join_ids(by_unit.index, frame["unit_id"])
    sides = Sides("units of the covariates", "among those of the model", "the model")
    raise_faults(ABOUT, join_faults(join, "data", sides))
    joins += tell_strays(join, sides)
    new = {str(name): frame["unit_id"].map(by_unit[name]) for name in by_unit if name not in frame}
    return frame.assign(**new)


@dataclass(frozen=True)
class Regression:
    """A formula with its family, the columns of the labels, and how it is fitted."""

    formula: str
    family: str
    columns: LabelColumns = LabelColumns()
    fitting: Fitting = Fitting()

    def empty(self) -> Result:
        """The result without a row."""
        frame = pd.DataFrame(columns=["coefficient", "source", "estimate", "low", "high"])
        title = f"{self.formula}{_SCALES.get(self.family, '')}"
        return Result(frame, "regression", title, "correction", facts=CorrectionFacts())

    def run(self, data: pd.DataFrame) -> Result:
        """The three fits of the formula on a frame with one row per unit."""
        labels = self.columns.labels
        if len(data) and set(labels) <= set(data) and data[labels].isna().all(axis=None):
            reason = "No unit has a label of the model: nothing to correct."
            return replace(self.empty(), facts=CorrectionFacts(nothing=reason), finding=reason)
        inputs, design = self.read(data)
        fits = fit_sources(design, inputs, self.family)
        if self.fitting.folds and not find_lack(design, self.family):
            rest = sorted(find_names(self._parts[0]) - set(self.columns.golds))
            refined = refine_labels(inputs, self.columns, [*rest, *self._parts[1]], self.fitting)
            swapped = [swap_labels(design, self._build(each, family="")) for each in refined]
            parts = [fit_parts(each.corrected_parts(), self.family, inputs.cluster) for each in swapped]
            fits["corrected"] = join_fits(parts)
        return self._show(pd.DataFrame(list(_list_rows(design, fits, self.fitting.confidence))), inputs, design)

    @property
    def _parts(self) -> tuple[str, list[str]]:
        """The formula without its fixed effects, and their columns."""
        return split_effects(self.formula)

    def read(self, data: pd.DataFrame) -> tuple[Inputs, Design]:
        """The inputs and the design to fit, after all checks."""
        formula, effects = self._parts
        names, golds = find_names(formula), self.columns.golds
        faults = [*self._check_family(), *self.fitting.check(), *_check_use(golds, names)]
        raise_faults(ABOUT, [*faults, *check_effects(effects, self.family, golds)])
        inputs = read_inputs(data, self.columns, sorted({*names, *effects} - set(golds)))
        return inputs, self._build(inputs)

    def _build(self, inputs: Inputs, family: str | None = None) -> Design:
        labels = {"gold": self.columns.golds, "predicted": self.columns.labels}
        formula, effects = self._parts
        whole = add_effects(formula, effects, inputs) if effects else formula
        design = build_design(whole, inputs, **labels, family=self.family if family is None else family)
        return absorb_effects(design, effects, inputs)

    def _show(self, frame: pd.DataFrame, inputs: Inputs, design: Design) -> Result:
        """The result with its facts, sentence, table and figure."""
        warnings = tuple(find_warnings(len(design.terms), inputs.n_clusters, inputs.prob, inputs.prob_scale))
        gaps = ", ".join(f"{name} in {n:,}" for name, n in inputs.dropped.items())
        facts = CorrectionFacts(
            n_units=len(design.y),
            n_coders=1,
            n_gold=len(design.gold),
            n_clusters=inputs.n_clusters,
            weighted=True,
            dropped=inputs.dropped,
            joins=(f"Of {say_count(inputs.n_units, 'unit')} those with a gap are left out: {gaps}.",) if gaps else (),
            confidence=self.fitting.confidence,
            warnings=warnings,
            formula=self.formula,
            family=self.family,
            prob_scale=inputs.prob_scale,
            folds=self.fitting.folds,
            splits=self.fitting.splits if self.fitting.folds else 0,
            seed=self.fitting.seed,
        )
        note = f"{100 * self.fitting.confidence:g} % intervals."
        names = {"low": "estimate_low", "high": "estimate_high"}
        return replace(
            self.empty(),
            frame=frame,
            facts=facts,
            finding=say_correction(frame, warnings=warnings),
            remarks=(NOTE, *say_effects(self._parts[1], design)),
            table=frame.rename(columns=names)[["coefficient", "source", "estimate", *names.values(), *_COUNTS]],
            figure=lambda: _plot_coefficients(frame, f"coefficient ({self.family} regression)", note),
        )

    def _check_family(self) -> list[Fault]:
        return unknown_choice("family", self.family, FAMILIES)


def _plot_coefficients(frame: pd.DataFrame, quantity: str, note: str) -> Figure:
    """Three dots a coefficient; the intercept only where it is alone."""
    slopes = frame[frame["coefficient"] != "Intercept"]
    shown = slopes if len(slopes) else frame
    rows = shown.assign(coefficient=keep_order(shown["coefficient"]))
    words: dict[str, Any] = {"references": (0,), "quantity": quantity, "note": note}
    return plot_estimates(rows, name="coefficient", value="estimate", group="source", **words)


def fit_sources(design: Design, inputs: Inputs, family: str) -> dict[str, Fit]:
    """The three fits by source; gold that identifies no fit of its own corrects nothing either."""
    n_terms = len(design.terms)
    if reason := find_constant(design):
        return dict.fromkeys(SOURCES, no_fit(n_terms, reason))
    model = fit_parts(design.model_parts(), family, inputs.cluster)
    if reason := find_lack(design, family):
        return dict(zip(SOURCES, (model, no_fit(n_terms, reason), no_fit(n_terms, reason)), strict=True))
    human = fit_parts(design.gold_parts(), family, inputs.cluster)
    corrected = fit_parts(design.corrected_parts(), family, inputs.cluster)
    return dict(zip(SOURCES, (model, human, corrected), strict=True))


def find_lack(design: Design, family: str) -> str:
    """Why the gold units cannot carry the regression; empty where they can."""
    n_gold, n_terms = design.x_gold.shape
    n_groups = 0 if design.groups is None else len(np.unique(design.groups[design.gold]))
    if n_gold <= n_terms + n_groups:
        s = "" if n_gold == 1 else "s"
        return f"{n_gold} gold unit{s} for {n_terms + n_groups} coefficients: code more gold"
    if family != "linear" and np.ptp(design.y_gold) == 0:
        return f"the outcome is {design.y_gold[0]:g} in every gold unit: draw gold by label, so that it varies"
    x_gold = design.gold_parts()[0].x
    if np.linalg.matrix_rank(x_gold) < n_terms:
        idle = [t for t, column in zip(design.terms, x_gold.T, strict=True) if np.ptp(column) < 1e-12]
        named = [term for term in idle if term != "Intercept"]
        what = f"{', '.join(named)} never varies" if named else "terms are collinear"
        return f"{what} in the gold units: draw gold by label or stratum, or leave the term out"
    return ""


def _list_rows(design: Design, fits: dict[str, Fit], confidence: float) -> Iterator[dict[str, object]]:
    n_units, n_gold = len(design.y), len(design.gold)
    n_answered = n_units if design.answered is None else len(design.answered)
    sizes = dict(zip(SOURCES, ((n_answered, 0), (n_gold, n_gold), (n_units, n_gold)), strict=True))
    visible_terms = [(at, term) for at, term in enumerate(design.terms) if term not in design.hidden]
    for at, term in visible_terms:
        for source, fit in fits.items():
            n, n_of_gold = sizes[source]
            yield {
                **{"coefficient": term, "source": source},
                **spread_normal(float(fit.estimate[at]), float(fit.se[at]), confidence),
                **{"n": n, "n_gold": n_of_gold, "reason": fit.reason},
            }


def refine_labels(inputs: Inputs, columns: LabelColumns, names: Sequence[str], fitting: Fitting) -> list[Inputs]:
    """The inputs once for each split, with model labels replaced by cross-fitted predictions of the gold.

    The prediction is a linear regression of gold on model labels and the other columns of the formula, gold units
    weighted by 1/prob. Folds are of clusters where there are any.

    Raises StatisticError: labels are text, or too few gold units remain outside a fold.
    """
    raise_faults(ABOUT, _check_numbers(inputs, [*columns.golds, *columns.labels]))
    opened = pd.get_dummies(inputs.frame[list(dict.fromkeys([*columns.labels, *names]))], drop_first=True)
    features = np.column_stack([np.ones(len(opened)), opened.astype(float).to_numpy()])
    outcomes = inputs.frame[columns.golds].astype(float).to_numpy()[inputs.gold]
    rng = np.random.default_rng(fitting.seed)
    refined = []
    for _ in range(fitting.splits):
        fold = (rng.permutation(int(inputs.cluster.max()) + 1) % fitting.folds)[inputs.cluster]
        guesses = _predict(features, outcomes, inputs, fold)
        labels = dict(zip(columns.labels, guesses.T, strict=True))
        refined.append(replace(inputs, frame=inputs.frame.assign(**labels)))
    return refined


def _predict(features: Floats, outcomes: Floats, inputs: Inputs, fold: Ints) -> Floats:
    """Predictions of each gold column for every unit, shape (n_units, n_columns)."""
    guesses = np.empty((len(features), outcomes.shape[1]))
    for number in range(int(fold.max()) + 1):
        outside = fold[inputs.gold] != number
        if outside.sum() <= features.shape[1]:
            problem = f"a fold leaves {int(outside.sum())} gold units for {features.shape[1]} coefficients"
            raise_faults(ABOUT, [Fault("folds", problem, "take folds=0, or code more gold")])
        root = np.sqrt(1 / inputs.prob[outside])[:, None]
        line = np.linalg.lstsq(root * features[inputs.gold[outside]], root * outcomes[outside], rcond=None)[0]
        guesses[fold == number] = features[fold == number] @ line
    return guesses


def _check_numbers(inputs: Inputs, names: Sequence[str]) -> list[Fault]:
    faults = []
    for name in names:
        kind = pd.api.types.infer_dtype(inputs.frame[name], skipna=True)
        if kind not in ("boolean", "floating", "integer", "mixed-integer-float"):
            mend = f"make a column of 0 and 1, e.g. of {name} == 'sports', or take folds=0"
            faults.append(Fault(f"column {name!r}", "labels of text cannot be cross-fitted", mend))
    return faults


def _check_use(golds: Sequence[str], names: set[str]) -> list[Fault]:
    idle = [name for name in golds if name not in names]
    mend = "let the gold column's name stand for the label in the formula, or do not name it"
    return [Fault("formula", f"it does not use {', '.join(map(repr, idle))}", mend)] if idle else []
