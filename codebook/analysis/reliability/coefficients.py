"""The coefficients of agreement by name, with their weights (1 for equal labels), from codings already read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from codebook.analysis.core.checks import name_some
from codebook.analysis.core.counts import coder_patterns, count_patterns
from codebook.analysis.core.estimates import Bootstrap, Estimate
from codebook.analysis.core.scales import SET_LEVELS, Floats, Scale, check_different, label_distances
from codebook.analysis.reliability.kappa import coders_chance, shared_chance
from codebook.analysis.reliability.krippendorff import (
    Measure,
    Pairable,
    estimate_alpha,
    estimate_measure,
    measure_alpha,
)
from codebook.analysis.reliability.percent import DEFINITIONS, measure_percent
from codebook.errors import Fault

_TITLES = {
    "alpha": "Krippendorff's alpha",
    "percent": "Percent agreement",
    "ac1": "Gwet's AC1",
    "ac2": "Gwet's AC2",
    "fleiss": "Fleiss' kappa",
    "conger": "Conger's kappa",
    "cohen": "Cohen's kappa",
    "scott": "Scott's pi",
    "brennan_prediger": "Brennan-Prediger",
}
_WEIGHTED = ("ac2", "fleiss", "conger", "cohen", "scott", "brennan_prediger")
_OF_TWO = {"cohen": "conger", "scott": "fleiss"}
WEIGHTS = ("identity", "linear", "quadratic", "ordinal", "ratio", *SET_LEVELS)
"""Names of the weights."""
OF_LEVEL = {"nominal": "identity", "ordinal": "ordinal", "interval": "quadratic", "ratio": "ratio"}
"""The weights that go with a level of measurement; a set distance is its own."""


@dataclass(frozen=True, slots=True)
class Coefficient:
    """A coefficient: `name` as asked for, `base` without its weights, `title` as printed.

    `detail` is the definition of percent agreement, or the weights; "" for weights that follow the level.
    """

    name: str
    base: str
    title: str
    detail: str


def _list_coefficients() -> dict[str, Coefficient]:
    plain = {"alpha": "", "ac2": "", "percent": "mean_pairwise"}
    every = [Coefficient(base, base, title, plain.get(base, "identity")) for base, title in _TITLES.items()]
    every += [Coefficient(f"percent_{meaning}", "percent", _TITLES["percent"], meaning) for meaning in DEFINITIONS]
    every += [
        Coefficient(f"{base}_{weights}", base, _TITLES[base], weights)
        for base in _WEIGHTED
        for weights in ("linear", "quadratic", "ordinal")
    ]
    return {each.name: each for each in every}


COEFFICIENTS = _list_coefficients()
"""Every coefficient by name. Plain `ac2` takes the weights of the level; `_linear`, `_quadratic` and `_ordinal` name
them; `percent_...` names the definition."""


def check_coefficients(names: Iterable[str]) -> list[Fault]:
    """Faults of names of coefficients."""
    if isinstance(names, str):
        return [Fault("coefficients", f"{names!r} is no list", f"pass [{names!r}]")]
    strange = [name for name in names if name not in COEFFICIENTS]
    mend = f"pass some of {', '.join(COEFFICIENTS)}"
    if "kappa" in strange:
        mend = "kappa of two coders is 'cohen', of several 'fleiss' or 'conger'"
    return [Fault("coefficients", f"{name_some(strange)} is unknown", mend)] if strange else []


def estimate_coefficient(pairs: Pairable, coefficient: Coefficient, bootstrap: Bootstrap) -> tuple[Estimate, Floats]:
    """One coefficient of codings already read, and its replicates.

    Examples
    --------
    >>> from codebook.analysis.core.counts import read_codes
    >>> from codebook.analysis.core.examples import observers_2011
    >>> from codebook.analysis.reliability.krippendorff import pairable
    >>> pairs = pairable(read_codes(observers_2011(), variable="code", level="nominal", labels=list("12345")))
    >>> for name in ("fleiss", "ac1", "brennan_prediger"):  # R irrCAC: .76117 .77544 .77273
    ...     print(name, round(estimate_coefficient(pairs, COEFFICIENTS[name], Bootstrap())[0].value, 5))
    fleiss 0.76117
    ac1 0.77544
    brennan_prediger 0.77273
    """
    if coefficient.base == "alpha":
        return estimate_alpha(pairs, bootstrap)
    return estimate_measure(pairs, make_measure(pairs, coefficient), bootstrap)


def make_measure(pairs: Pairable, coefficient: Coefficient) -> Measure:
    """A coefficient of codings already read, ready to be computed for any weights of its patterns."""
    if coefficient.base == "alpha":
        return measure_alpha(pairs)
    if coefficient.base == "percent":
        return measure_percent(pairs, coefficient.detail)
    return _corrected(pairs, coefficient, coefficient.detail or level_weights(pairs.scale.level))


def _corrected(pairs: Pairable, coefficient: Coefficient, weights: str) -> Measure:
    """A coefficient corrected for chance; only units coded twice for those of two coders, else all labelled ones."""
    base, scale = coefficient.base, pairs.scale
    if undefined := pairs.undefined or _refusal(pairs, base, weights):
        return Measure(coefficient.title, weights, lambda drawn: drawn[:, 0], pairs.patterns, undefined=undefined)
    near = None if weights == "identity" else agreement_weights(scale, weights)
    codings = pairs.codings if base in _OF_TWO else pairs.labelled
    kind = _OF_TWO.get(base, base)
    if kind == "conger":
        patterns, counts = coder_patterns(codings)
        statistic = coders_chance(patterns, counts, near)
    else:
        patterns = count_patterns(codings)
        kind = "gwet" if kind in ("ac1", "ac2") else kind
        statistic = shared_chance(patterns, near, kind=kind, n_declared=scale.n_declared)
    return Measure(coefficient.title, weights, statistic, patterns, remark=pairs.alone)


def _refusal(pairs: Pairable, base: str, weights: str) -> str:
    """Why this coefficient is not defined here; empty if it is."""
    scale, n_coders = pairs.scale, pairs.n_coders
    if wrong := misfit(weights, scale.level):
        return wrong
    if base in _OF_TWO and n_coders != 2:
        other = {"cohen": "conger", "scott": "fleiss"}[base]
        return f"{_TITLES[base]} compares two coders, here are {n_coders}: ask by='pair', or for {other}"
    if base not in ("ac1", "ac2", "brennan_prediger"):
        return pairs.alone
    if scale.level in SET_LEVELS:
        return f"{_TITLES[base]} needs a list of categories, and sets of labels have none: ask by='label'"
    if scale.n_declared < 2:
        mend = "pass labels=" if not scale.n_declared else "a variable needs two labels"
        return f"{_TITLES[base]} needs the number of allowed labels, here {scale.n_declared or 'unknown'}: {mend}"
    return ""


def level_weights(level: str) -> str:
    """Name of the weights that go with a level of measurement, or set distance."""
    return OF_LEVEL.get(level, level)


def misfit(weights: str, level: str) -> str:
    """Why such weights cannot be used at a level; empty if they can.

    Examples
    --------
    >>> misfit("linear", "nominal")
    'linear weights need an order, and nominal labels have none'
    """
    if weights in ("linear", "quadratic", "ordinal") and level in ("nominal", *SET_LEVELS):
        return f"{weights} weights need an order, and {level} labels have none"
    if weights == "ratio" and level != "ratio":
        return f"ratio weights need a ratio scale, not {level}"
    return ""


def agreement_weights(scale: Scale, weights: str) -> Floats:
    """Weights of every two labels, shape (n_labels, n_labels).

    Linear 1 - |a - b| / range, quadratic 1 - (a - b)^2 / range^2, where a and b are the numbers of an interval or
    ratio scale and else the places in the codebook's order; ordinal 1 - C(|a - b| + 1, 2) / C(V, 2) of places;
    ratio 1 - ((a - b) / (a + b))^2, scaled to 0 for the two ends of the scale, wherever these lie (Gwet 2014); for sets
    1 - distance.

    Examples
    --------
    >>> scale = Scale("ordinal", ("low", "mid", "high"))
    >>> agreement_weights(scale, "quadratic")
    array([[1.  , 0.75, 0.  ],
           [0.75, 1.  , 0.75],
           [0.  , 0.75, 1.  ]])
    """
    check_different(scale.n_labels)
    if weights == "identity":
        return np.eye(scale.n_labels)
    if weights in SET_LEVELS:
        return 1 - label_distances(scale)
    if weights == "ratio":
        apart = label_distances(scale)
        return 1 - _share(apart, float(apart.max(initial=0.0)))
    places = scale.values if len(scale.values) and weights != "ordinal" else np.arange(scale.n_labels, dtype=float)
    apart = np.abs(places[:, None] - places[None, :])
    if weights == "ordinal":
        apart = (apart + 1) * apart
    return 1 - _share(apart, float(apart.max(initial=0.0))) ** (2 if weights == "quadratic" else 1)


def _share(apart: Floats, most: float) -> Floats:
    return np.asarray(apart / most) if most > 0 else np.zeros_like(apart)
