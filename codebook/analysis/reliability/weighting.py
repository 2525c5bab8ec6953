"""How much two different labels agree: the weights of the weighted coefficients, 1 for equal labels."""

from __future__ import annotations

import numpy as np

from codebook.analysis.core.scales import SET_LEVELS, Floats, Scale, check_different, label_distances

WEIGHTS = ("identity", "linear", "quadratic", "ordinal", "ratio", *SET_LEVELS)
"""Names of the weights."""

OF_LEVEL = {"nominal": "identity", "ordinal": "ordinal", "interval": "quadratic", "ratio": "ratio"}
"""The weights that go with a level of measurement; a set distance is its own."""


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
