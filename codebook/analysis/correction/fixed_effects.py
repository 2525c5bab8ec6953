"""Fixed effects of a corrected regression: what stands after the bar of a formula, as in ``y ~ x | country + year``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import raise_faults
from codebook.analysis.correction.inputs import ABOUT, Inputs
from codebook.analysis.correction.model_matrix import Design
from codebook.errors import Fault
from codebook.ground.quantities import say_count

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
    bars = [at for at, sign in enumerate(formula) if sign == "|" and _is_outside(formula[:at])]
    if not bars:
        return formula, []
    names = [name.strip() for name in formula[bars[0] + 1 :].split("+")]
    if len(bars) > 1 or not all(name.isidentifier() for name in names):
        mend = "write one bar, and columns after it, e.g. 'gold ~ age | country + year'"
        raise_faults(ABOUT, [Fault("formula", f"the fixed effects of {formula!r} cannot be read", mend)])
    return formula[: bars[0]].strip(), names


def _is_outside(head: str) -> bool:
    """Whether a place in a formula is outside brackets and quotes."""
    return all(head.count(a) == head.count(b) for a, b in ("{}", "()", "[]")) and not head.count('"') % 2


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
