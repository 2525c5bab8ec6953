"""The coefficients of agreement by name, with their weights (1 for equal labels), from codings already read."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import name_some, raise_faults
from codebook.analysis.core.counts import coder_patterns, count_patterns
from codebook.analysis.core.estimates import Bootstrap, Estimate
from codebook.analysis.core.scales import SET_LEVELS, Floats, Scale, check_different, label_distances
from codebook.analysis.ratings.intraclass import ICC_FORMS
from codebook.analysis.reliability.kappa import TITLES, coders_chance, light_kappa, measure_companion, shared_chance
from codebook.analysis.reliability.krippendorff import TITLE as SETS_TITLE
from codebook.analysis.reliability.krippendorff import (
    Measure,
    Pairable,
    estimate_alpha,
    make_estimate,
    measure_alpha,
    measure_multivalued,
    undefined_measure,
)
from codebook.analysis.reliability.percent import DEFINITIONS, measure_percent
from codebook.analysis.reliability.rating_coefficients import (
    RATING_TITLES,
    W_TITLE,
    f_interval,
    measure_concordance,
    measure_rating,
)
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
    "light": "Light's kappa",
    "alpha_multivalued": SETS_TITLE,
    "kendall_w": W_TITLE,
    **TITLES,
    **RATING_TITLES,
}
_WEIGHTED = ("ac2", "fleiss", "conger", "cohen", "scott", "brennan_prediger", "light")
_OF_CODERS = (
    *("conger", "cohen", "light", "kendall_w", "bias_index", "kappa_max", "percent_mean_coder_pairs"),
    *RATING_TITLES,
)
_OWN = "own weights"
_ALIKE = "coders are interchangeable here: the codings are counts, which do not say who gave which label"
_OF_TWO = {"cohen": "conger", "scott": "fleiss"}
WEIGHTS = ("identity", "linear", "quadratic", "ordinal", "ratio", *SET_LEVELS)
"""Names of the weights."""
OF_LEVEL = {"nominal": "identity", "ordinal": "ordinal", "interval": "quadratic", "ratio": "ratio"}
"""The weights that go with a level of measurement; a set distance is its own."""


@dataclass(frozen=True, slots=True)
class Coefficient:
    """A coefficient: `name` as asked for, `base` without its weights, `title` as printed.

    `detail` is the definition of percent agreement, or the weights; "" for weights that follow the level. `own` are
    weights of every two labels, of `with_weights` or `with_distances`.
    """

    name: str
    base: str
    title: str
    detail: str
    own: pd.DataFrame | None = field(default=None, compare=False)

    def with_weights(self, weights: pd.DataFrame) -> Coefficient:
        """The coefficient with weights of your own: 1 for labels that agree, less for others, as a square of labels.

        Raises
        ------
        StatisticError
            The weights are no square of labels, are not symmetric, or are not 1 on the diagonal.

        Examples
        --------
        >>> near = pd.DataFrame([[1, 0, 0.5], [0, 1, 0], [0.5, 0, 1]], index=list("abc"), columns=list("abc"))
        >>> COEFFICIENTS["cohen"].with_weights(near).name
        'cohen_own'
        """
        if self.base not in (*_WEIGHTED, "alpha"):
            mend = f"weigh one of {', '.join(('alpha', *_WEIGHTED))}"
            raise_faults("The weights cannot be used.", [Fault("coefficient", f"{self.name} has no weights", mend)])
        raise_faults("The weights cannot be used.", _check_weights(weights))
        return replace(self, name=f"{self.base}_own", detail=_OWN, own=weights)

    def with_distances(self, distances: pd.DataFrame) -> Coefficient:
        """The coefficient with distances of your own: 0 for labels that agree, more the farther they are apart.

        Examples
        --------
        Cohen (1968), tables 1 and 2, two clinicians and 200 patients: kappa .492, weighted .348.

        >>> from codebook.analysis.core.examples import make_table
        >>> from codebook.analysis.reliability import reliability
        >>> times, cells = [88, 14, 18, 10, 40, 10, 2, 6, 12], [(a, b) for a in "123" for b in "123"]
        >>> a, b = zip(*[cell for cell, n in zip(cells, times) for _ in range(n)])
        >>> apart = pd.DataFrame([[0, 1, 3], [1, 0, 6], [3, 6, 0]], index=list("123"), columns=list("123"))
        >>> ask = {"level": "nominal", "coefficients": ["cohen", COEFFICIENTS["cohen"].with_distances(apart)]}
        >>> reliability(make_table("disorder", {"A": a, "B": b}), **ask).frame["value"].round(3).tolist()
        [0.492, 0.348]
        """
        most = float(distances.to_numpy(dtype=float).max())
        return self.with_weights(1 - distances / (most or 1.0))


def _list_coefficients() -> dict[str, Coefficient]:
    plain = {"alpha": "", "ac2": "", "percent": "mean_pairwise"}
    every = [Coefficient(base, base, title, plain.get(base, "identity")) for base, title in _TITLES.items()]
    every += [Coefficient(f"percent_{meaning}", "percent", _TITLES["percent"], meaning) for meaning in DEFINITIONS]
    every += [
        Coefficient(f"{base}_{weights}", base, _TITLES[base], weights)
        for base in _WEIGHTED
        for weights in ("linear", "quadratic", "ordinal")
    ]
    every += [Coefficient("pabak", "brennan_prediger", "PABAK", "identity")]
    return {each.name: each for each in every}


def _check_weights(weights: pd.DataFrame) -> list[Fault]:
    """Faults of a square of weights."""
    mend = "pass a frame with the labels as index and as columns, such as pd.DataFrame(square, labels, labels)"
    if set(weights.index) != set(weights.columns) or weights.index.has_duplicates:
        return [Fault("weights", "rows and columns are not the same labels", mend)]
    square = weights.loc[:, weights.index].to_numpy(dtype=float)
    faults = [] if np.isfinite(square).all() else [Fault("weights", "some are missing", "fill every cell")]
    if not np.array_equal(square, square.T):
        faults.append(Fault("weights", "they are not symmetric", "give a against b the weight of b against a"))
    if not (np.diag(square) == 1).all():
        problem = "the diagonal is not 1 for every label"
        faults.append(Fault("weights", problem, "put 1 on the diagonal (distances: 0, by with_distances)"))
    return faults


def pick_coefficient(name: str | Coefficient) -> Coefficient:
    """The coefficient of that name, or as it is."""
    return COEFFICIENTS[name] if isinstance(name, str) else name


def title_of(name: str) -> str:
    """What a coefficient is called, with weights of one's own too."""
    return COEFFICIENTS[name.removesuffix("_own")].title


COEFFICIENTS = _list_coefficients()
"""Every coefficient by name. Plain `ac2` takes the weights of the level; `_linear`, `_quadratic` and `_ordinal` name
them; `percent_...` names the definition."""


_FAMILIES = {
    "kappa": "kappa of two coders is 'cohen', of several 'fleiss' or 'conger'",
    "icc": "name which one: of single ratings 'icc_1_1', 'icc_2_1', 'icc_3_1', of their mean over coders 'icc_1_k', "
    "'icc_2_k', 'icc_3_k'",
}
"""Names of several coefficients, and which there are."""


def check_coefficients(names: Iterable[str | Coefficient]) -> list[Fault]:
    """Faults of names of coefficients."""
    if isinstance(names, str):
        return [Fault("coefficients", f"{names!r} is no list", f"pass [{names!r}]")]
    strange = [str(name) for name in names if not isinstance(name, Coefficient) and name not in COEFFICIENTS]
    mend = next((_FAMILIES[name] for name in strange if name in _FAMILIES), f"pass some of {', '.join(COEFFICIENTS)}")
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
    if coefficient.base == "alpha" and coefficient.own is None:
        return estimate_alpha(pairs, bootstrap)
    measure = make_measure(pairs, coefficient)
    estimate, draws = make_estimate(pairs, measure, bootstrap)
    if coefficient.name in ICC_FORMS and len(draws) and not math.isnan(estimate.value):
        low, high = f_interval(pairs, coefficient.name, bootstrap.confidence)
        estimate = estimate if math.isnan(low) else replace(estimate, low=low, high=high, reason=measure.remark)
    return estimate, draws


def make_measure(pairs: Pairable, coefficient: Coefficient) -> Measure:
    """A coefficient of codings already read, ready to be computed for any weights of its patterns."""
    near, misfits = _own_weights(pairs, coefficient)
    of_coders = pairs.labelled.interchangeable and not {coefficient.base, coefficient.name}.isdisjoint(_OF_CODERS)
    identity = _ALIKE if of_coders else ""
    if undefined := pairs.undefined or identity or misfits:
        return undefined_measure(pairs, undefined, coefficient.detail)
    if coefficient.base == "alpha":
        measure = measure_alpha(pairs, None if near is None else 1 - near)
        return replace(measure, detail=coefficient.detail)
    if coefficient.base == "percent":
        return measure_percent(pairs, coefficient.detail)
    if coefficient.base in _MEASURES:
        return _MEASURES[coefficient.base](pairs)
    if coefficient.base in TITLES:
        return measure_companion(pairs, coefficient.base)
    if coefficient.base in RATING_TITLES:
        return measure_rating(pairs, coefficient.base)
    return _corrected(pairs, coefficient, near)


_MEASURES: Mapping[str, Callable[[Pairable], Measure]] = {
    "alpha_multivalued": measure_multivalued,
    "kendall_w": measure_concordance,
}


def _own_weights(pairs: Pairable, coefficient: Coefficient) -> tuple[Floats | None, str]:
    """Weights of one's own in the order of the labels, or None; and why they do not fit."""
    if coefficient.own is None:
        return None, ""
    labels, own = list(pairs.scale.labels), coefficient.own
    own = own.set_axis(own.index.astype(str), axis=0).set_axis(own.columns.astype(str), axis=1)
    if lacking := [label for label in labels if label not in own.index]:
        return None, f"the weights have no row for {name_some(lacking)}"
    return own.loc[labels, labels].to_numpy(dtype=float), ""


def _corrected(pairs: Pairable, coefficient: Coefficient, near: Floats | None) -> Measure:
    """A coefficient corrected for chance; only units coded twice for those of two coders, else all labelled ones."""
    base, scale = coefficient.base, pairs.scale
    weights = coefficient.detail or OF_LEVEL.get(scale.level, scale.level)
    if undefined := pairs.undefined or _refusal(pairs, base, weights):
        return undefined_measure(pairs, undefined, weights)
    if near is None and weights != "identity":
        near = agreement_weights(scale, weights)
    codings = pairs.codings if base in (*_OF_TWO, "light") else pairs.labelled
    kind = _OF_TWO.get(base, base)
    about: dict[str, Any] = {"detail": weights, "remark": pairs.alone}
    if kind in ("conger", "light"):
        patterns, counts = coder_patterns(codings)
        n_coders = counts.shape[1]
        build = partial(coders_chance if kind == "conger" else light_kappa, near=near, n_coders=n_coders)
        return Measure(build, patterns, n_coders=n_coders, **about)
    kind = "gwet" if kind in ("ac1", "ac2") else kind
    build = partial(shared_chance, near=near, kind=kind, n_declared=scale.n_declared)
    return Measure(build, count_patterns(codings), **about)


def _refusal(pairs: Pairable, base: str, weights: str) -> str:
    """Why this coefficient is not defined here; empty if it is."""
    scale, n_coders = pairs.scale, pairs.n_coders
    if wrong := misfit(weights, scale.level):
        return wrong
    if base in _OF_TWO and n_coders != 2:
        other = {"cohen": "conger", "scott": "fleiss"}[base]
        return f"{_TITLES[base]} compares two coders, and there are {n_coders} here: ask by='pair', or for {other}"
    if base not in ("ac1", "ac2", "brennan_prediger"):
        return pairs.alone
    if scale.level in SET_LEVELS:
        return f"{_TITLES[base]} needs a list of categories, and sets of labels have none: ask by='label'"
    if scale.n_declared < 2:
        mend = "pass Codings whose variable lists them" if not scale.n_declared else "a variable needs two labels"
        return f"{_TITLES[base]} needs the number of allowed labels, here {scale.n_declared or 'unknown'}: {mend}"
    return ""


def misfit(weights: str, level: str) -> str:
    """Why such weights cannot be used at a level; empty if they can.

    Examples
    --------
    >>> misfit("linear", "nominal")
    'linear weights need an order, and nominal labels have none'
    """
    if weights == _OWN:
        return ""
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
