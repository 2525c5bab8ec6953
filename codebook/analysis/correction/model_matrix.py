"""A formula over model labels and over gold labels, as two design matrices with the same columns, and fixed effects.

Fixed effects stand after the bar of a formula, as in ``y ~ x | country + year``.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import name_some, raise_faults
from codebook.analysis.core.scales import Floats, Ints
from codebook.analysis.correction.inputs import ABOUT, Inputs
from codebook.analysis.correction.moments import Part
from codebook.errors import Fault
from codebook.ground.quantities import say_count

_COLOURS = re.compile(r"⧛.*?⧚|\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Design:
    """Terms and outcome with model labels, `x` (n_units, n_terms) and `y` (n_units,), and with gold in the `gold` rows.

    `x_gold` and `y_gold` have n_gold rows, whose inclusion probabilities are `prob`. Where there are `groups`
    (n_units,) of a fixed effect, every part is taken within them; `hidden` are terms of other fixed effects. `answered`
    are the rows of the units that the model labelled; None for all.
    """

    terms: tuple[str, ...]
    x: Floats
    y: Floats
    x_gold: Floats
    y_gold: Floats
    gold: Ints
    prob: Floats
    groups: Ints | None = None
    hidden: tuple[str, ...] = ()
    answered: Ints | None = None

    def model_parts(self) -> list[Part]:
        """Model labels taken for true."""
        rows = np.arange(len(self.y)) if self.answered is None else self.answered
        return self._within([Part(self.x[rows], self.y[rows], np.ones(len(rows)), rows)])

    def gold_parts(self) -> list[Part]:
        """The gold units alone, each for the 1/prob units it stands for."""
        return self._within([self._gold_part])

    def corrected_parts(self) -> list[Part]:
        """Model labels everywhere, and their error, seen in the gold units, taken off."""
        n_units = len(self.y)
        weight = np.ones(n_units)
        weight[self.gold] -= 1 / self.prob
        return self._within([Part(self.x, self.y, weight, np.arange(n_units)), self._gold_part])

    @property
    def _gold_part(self) -> Part:
        return Part(self.x_gold, self.y_gold, 1 / self.prob, self.gold)

    def _within(self, parts: list[Part]) -> list[Part]:
        """The parts less the weighted means of their group over all parts (Frisch and Waugh 1933)."""
        if self.groups is None:
            return parts
        columns = [np.column_stack([part.y, part.x]) for part in parts]
        sums, weights = (
            np.zeros((int(self.groups.max()) + 1, columns[0].shape[1])),
            np.zeros(int(self.groups.max()) + 1),
        )
        for part, values in zip(parts, columns, strict=True):
            np.add.at(sums, self.groups[part.unit], part.weight[:, None] * values)
            np.add.at(weights, self.groups[part.unit], part.weight)
        means = np.divide(sums, weights[:, None], out=np.zeros_like(sums), where=weights[:, None] > 0)
        rest = [values - means[self.groups[part.unit]] for part, values in zip(parts, columns, strict=True)]
        return [part._replace(y=each[:, 0], x=each[:, 1:]) for part, each in zip(parts, rest, strict=True)]


def find_names(formula: str) -> set[str]:
    """Names of the columns that a formula uses.

    Raises StatisticError: the formula cannot be read, or names no outcome.
    """
    from formulaic import Formula
    from formulaic.errors import FormulaicError

    try:
        read = Formula(formula)
        names = {str(name) for name in read.required_variables}
    except FormulaicError as error:
        raise_faults(ABOUT, [_misread(formula, error)])
    if not hasattr(read, "lhs"):
        mend = "write outcome ~ terms, e.g. 'gold ~ age + C(country)'"
        raise_faults(ABOUT, [Fault("formula", f"{formula!r} names no outcome", mend)])
    return names


def build_design(formula: str, inputs: Inputs, *, gold: Sequence[str], predicted: Sequence[str], family: str) -> Design:
    """Design matrices of a formula in which the gold columns stand for the labels.

    Raises StatisticError: the formula cannot be worked out, gives no finite numbers, or an outcome that is not of the
    family.
    """
    from formulaic import model_matrix
    from formulaic.errors import FormulaicError

    model, human = _two_frames(inputs, gold, predicted)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            made = model_matrix(formula, model, na_action="ignore")
            made_gold = made.model_spec.get_model_matrix(human, na_action="ignore")
    except (FormulaicError, ValueError, TypeError, KeyError) as error:
        raise_faults(ABOUT, [_misread(formula, error)])
    faults = _check_outcome(made.lhs)
    raise_faults(ABOUT, faults)
    x, y, x_gold, y_gold = (
        np.asarray(part, dtype=float) for part in (made.rhs, made.lhs, made_gold.rhs, made_gold.lhs)
    )
    design = Design(tuple(map(str, made.rhs.columns)), x, y[:, 0], x_gold, y_gold[:, 0], inputs.gold, inputs.prob)
    design = replace(design, answered=inputs.answered)
    raise_faults(ABOUT, [*_check_finite(design), *_check_family(design, family)])
    return design


def swap_labels(design: Design, other: Design) -> Design:
    """The design with the model labels of another."""
    return replace(design, x=other.x, y=other.y)


def _two_frames(inputs: Inputs, gold: Sequence[str], predicted: Sequence[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The data with model labels in the gold columns, and the gold rows; labels of text get the same categories."""
    model = {name: _plain(inputs.frame[by]) for name, by in zip(gold, predicted, strict=True)}
    human = {name: _plain(inputs.frame[name].iloc[inputs.gold]) for name in gold}
    faults = []
    for name in gold:
        words = [not pd.api.types.is_numeric_dtype(each[name].dtype) for each in (model, human)]
        if any(words) and not all(words):
            mend = "give both as numbers (pd.to_numeric), or both as text"
            faults.append(Fault(f"column {name!r}", "gold and model labels are not both numbers or both text", mend))
        elif all(words):
            labels = sorted({*model[name].astype(str), *human[name].astype(str)})
            for each in (model, human):
                each[name] = pd.Series(
                    pd.Categorical(each[name].astype(str), categories=labels), index=each[name].index
                )
    raise_faults(ABOUT, faults)
    return inputs.frame.assign(**model), inputs.frame.iloc[inputs.gold].assign(**human)


def _plain(labels: pd.Series[Any]) -> pd.Series[Any]:
    """Labels as float where they are numbers or truth values, else as they are."""
    kind = pd.api.types.infer_dtype(labels, skipna=True)
    numbers = ("boolean", "floating", "integer", "mixed-integer-float")
    return labels.astype(float) if kind in numbers else labels


def _misread(formula: str, error: Exception) -> Fault:
    message = " ".join(_COLOURS.sub("", str(error)).split())
    return Fault("formula", f"{formula!r} cannot be worked out: {message}", "see the formulaic package on its grammar")


def _check_outcome(outcome: pd.DataFrame) -> list[Fault]:
    if outcome.shape[1] == 1:
        return []
    mend = """name one label: '{gold == "sports"} ~ ...', or give numbers (pd.to_numeric)"""
    return [Fault("formula", f"the outcome makes {outcome.shape[1]} columns, as text with so many labels does", mend)]


def _check_finite(design: Design) -> list[Fault]:
    wrong = ~np.isfinite(design.x).all(axis=0) | ~np.isfinite(design.x_gold).all(axis=0)
    faults = []
    if wrong.any():
        terms = name_some(np.array(design.terms)[wrong])
        faults.append(
            Fault("formula", f"{terms} not finite in some units", "take no logarithm of 0, and divide by none")
        )
    if not (np.isfinite(design.y).all() and np.isfinite(design.y_gold).all()):
        faults.append(
            Fault("formula", "the outcome is not finite in some units", "take no logarithm of 0, and divide by none")
        )
    return faults


def _check_family(design: Design, family: str) -> list[Fault]:
    low, high = min(design.y.min(), design.y_gold.min()), max(design.y.max(), design.y_gold.max())
    if family == "logistic" and not set(np.unique(np.append(design.y, design.y_gold))) <= {0.0, 1.0}:
        mend = """make it 0 or 1, e.g. '{gold == "yes"} ~ ...', or take another family"""
        return [Fault("formula", f"family logistic, but the outcome runs from {low:g} to {high:g}", mend)]
    if family == "poisson" and low < 0:
        mend = "give counts, or take another family"
        return [Fault("formula", f"family poisson, but the outcome runs down to {low:g}", mend)]
    return []


_CONSTANT = 1e-9


def split_effects(formula: str) -> tuple[str, list[str]]:
    """A formula without its fixed effects, and their columns.

    Raises StatisticError: more than one bar, or a part after it that does not name columns.

    Examples
    --------
    >>> split_effects("gold ~ age | country + year")
    ('gold ~ age', ['country', 'year'])
    >>> split_effects('{gold == "a|b"} ~ age')
    ('{gold == "a|b"} ~ age', [])
    """
    heads = {at: formula[:at] for at, sign in enumerate(formula) if sign == "|"}
    bars = [  # outside brackets and quotes
        at
        for at, head in heads.items()
        if all(head.count(a) == head.count(b) for a, b in ("{}", "()", "[]")) and not head.count('"') % 2
    ]
    if not bars:
        return formula, []
    names = [name.strip() for name in formula[bars[0] + 1 :].split("+")]
    if len(bars) > 1 or not all(name.isidentifier() for name in names):
        mend = "write one bar, and columns after it, e.g. 'gold ~ age | country + year'"
        raise_faults(ABOUT, [Fault("formula", f"the fixed effects of {formula!r} cannot be read", mend)])
    return formula[: bars[0]].strip(), names


def add_effects(formula: str, effects: Sequence[str], inputs: Inputs) -> str:
    """The formula with the fixed effects as terms, but for the one with most groups: that one is absorbed."""
    rest = [name for name in effects if name != _absorbed(effects, inputs)]
    return " + ".join([formula, *(f"C({name})" for name in rest)])


def absorb_effects(design: Design, effects: Sequence[str], inputs: Inputs) -> Design:
    """The design within the groups of the largest fixed effect, without the intercept."""
    if not effects:
        return design
    groups = pd.factorize(inputs.frame[_absorbed(effects, inputs)])[0].astype(np.int64)
    slopes = [at for at, term in enumerate(design.terms) if term != "Intercept"]
    terms = tuple(design.terms[at] for at in slopes)
    within = replace(design, terms=terms, x=design.x[:, slopes], x_gold=design.x_gold[:, slopes], groups=groups)
    hidden = tuple(term for term in terms if any(term.startswith(f"C({name})") for name in effects))
    return replace(within, hidden=hidden)


def _absorbed(effects: Sequence[str], inputs: Inputs) -> str:
    return max(effects, key=lambda name: inputs.frame[name].nunique())


def check_effects(effects: Sequence[str], family: str, golds: Sequence[str]) -> list[Fault]:
    """Faults of fixed effects: the family is not linear, or a fixed effect is the label itself."""
    faults = []
    if effects and family != "linear":
        mend = "take family='linear', or add C(country) as a term where there are few groups"
        faults.append(Fault("formula", f"fixed effects need the linear family, here it is {family}", mend))
    if inside := [name for name in effects if name in golds]:
        faults.append(
            Fault("formula", f"{', '.join(inside)} is the label and cannot be a fixed effect", "name another column")
        )
    return faults


def find_constant(design: Design) -> str:
    """Why terms cannot be separated from the fixed effects; empty where all can."""
    if design.groups is None:
        return ""
    (part,) = design.model_parts()
    spread = np.abs(part.x).max(axis=0) <= _CONSTANT * np.maximum(np.abs(design.x).max(axis=0), 1e-300)
    idle = [term for term, is_idle in zip(design.terms, spread, strict=True) if is_idle]
    return f"{', '.join(idle)} never varies within a group of the fixed effects: leave it out" if idle else ""


def say_effects(effects: Sequence[str], design: Design) -> list[str]:
    """The sentence on the fixed effects; none where there are none."""
    if design.groups is None:
        return []
    n_groups = int(design.groups.max()) + 1
    with_gold = len(np.unique(design.groups[design.gold]))
    return [
        f"Fixed effects of {' and '.join(effects)} are taken out ({say_count(n_groups, 'group')} of the largest, "
        f"{with_gold:,} with gold): coefficients compare units within them."
    ]
