"""How many units to code by hand, before any is coded."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import NormalDist

import pandas as pd

from codebook.errors import Fault, ParameterError

ALPHA_RISK = 0.05
"""One-sided risk in `units_for_alpha`, as in the published tables."""

CURVE = (50, 75, 100, 150, 200, 250, 300, 400, 500, 750, 1000, 1500, 2000)


def quantile(confidence: float) -> float:
    """Two-sided normal quantile, 1.96 for .95."""
    return NormalDist().inv_cdf((1 + confidence) / 2)


def wilson_half_width(share: float, n: float, confidence: float = 0.95) -> float:
    """Half the width of Wilson's interval of a share seen in n units (Wilson 1927).

    Examples
    --------
    >>> round(wilson_half_width(0.9, 141), 4)
    0.05
    """
    z = quantile(confidence)
    return z * math.sqrt(share * (1 - share) / n + (z / (2 * n)) ** 2) / (1 + z * z / n)


def units_for_share(share: float, half_width: float, confidence: float = 0.95) -> int:
    """Units after which Wilson's interval of a share, such as an accuracy, is no wider than plus or minus `half_width`.

    Examples
    --------
    >>> [units_for_share(share, 0.05) for share in (0.5, 0.8, 0.9, 0.95)]
    [381, 245, 141, 83]
    """
    low, high = 0, 1
    while wilson_half_width(share, high, confidence) > half_width:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        wide = wilson_half_width(share, middle, confidence) > half_width
        low, high = (middle, high) if wide else (low, middle)
    return high


def units_for_recall(recall: float, half_width: float, prevalence: float, confidence: float = 0.95) -> int:
    """Random units until enough of them have a label of this prevalence to tell its recall.

    Examples
    --------
    >>> units_for_recall(0.8, 0.10, 0.05)
    1200
    """
    return math.ceil(units_for_share(recall, half_width, confidence) / prevalence)


def units_for_alpha(alpha: float, prevalence: float, risk: float = ALPHA_RISK) -> int:
    """Units to be coded twice to tell that Krippendorff's alpha is no smaller than `alpha`, one-sided.

    2 z^2 ((1 + alpha)(3 - alpha) / (4 p (1 - p)(1 - alpha)) - alpha), p the share of the rarest label that matters
    (Krippendorff 2019).

    Examples
    --------
    >>> units_for_alpha(0.8, 0.25), units_for_alpha(0.667, 0.25)
    (139, 81)
    """
    z = NormalDist().inv_cdf(1 - risk)
    spread = 4 * prevalence * (1 - prevalence) * (1 - alpha)
    return math.ceil(2 * z * z * ((1 + alpha) * (3 - alpha) / spread - alpha))


def correlation_of_labels(accuracy: float, prevalence: float) -> float:
    """Squared correlation of a model's yes/no label with gold, where errors are as likely for both.

    Examples
    --------
    >>> round(correlation_of_labels(0.9, 0.3), 4)
    0.5989
    """
    given = prevalence * accuracy + (1 - prevalence) * (1 - accuracy)
    spread = prevalence * (1 - prevalence)
    return float(spread * (2 * accuracy - 1) ** 2 / (given * (1 - given)))


def worth_of_gold(n_gold: int, n_units: int, accuracy: float, prevalence: float = 0.3) -> int:
    """As many gold units without a model tell a share as well as `n_gold` do with `n_units` more labelled by it.

    n / (1 - rho^2 N / (n + N)), the variance of PPI++ (Angelopoulos, Duchi and Zrnic 2023).

    Examples
    --------
    >>> [worth_of_gold(300, 10_000, accuracy) for accuracy in (0.8, 0.9, 0.95)]
    [435, 716, 1244]
    """
    explained = correlation_of_labels(accuracy, prevalence) * n_units / (n_gold + n_units)
    return int(n_gold / (1 - explained))


def gold_size(
    *,
    half_width: float = 0.05,
    accuracies: Iterable[float] = (0.5, 0.8, 0.9, 0.95),
    recall: float = 0.8,
    recall_half_width: float = 0.10,
    prevalence: float = 0.05,
    alphas: Iterable[float] = (0.667, 0.8),
    alpha_prevalence: float = 0.25,
    n_gold: int = 300,
    n_units: int = 10_000,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """How many units to code for what: a table to plan the gold by.

    Parameters
    ----------
    half_width, accuracies
        Plus or minus that the accuracy is to be known by, and how high it may turn out.
    recall, recall_half_width, prevalence
        Of a rare label, found in this share of the units.
    alphas, alpha_prevalence
        Smallest alpha that is to be told from less, and the share of the rarest label that matters.
    n_gold, n_units
        For the worth of gold: gold units, and units that only the model labels.

    Returns
    -------
    pd.DataFrame
        `purpose` (accuracy, recall, alpha, worth), `assumed`, `half_width`, `n` (units to code; for worth: gold units
        without a model that tell as much as `n_gold` with one), `formula`.

    Raises
    ------
    ParameterError
        A share that is not between 0 and 1.

    Examples
    --------
    >>> gold_size()[["purpose", "assumed", "n"]].head(5)
        purpose                      assumed     n
    0  accuracy                 accuracy .50   381
    1  accuracy                 accuracy .80   245
    2  accuracy                 accuracy .90   141
    3  accuracy                 accuracy .95    83
    4    recall  recall .80, label in 5.0 %  1200
    """
    accuracies, alphas = list(accuracies), list(alphas)
    shares = {"half_width": half_width, "recall": recall, "recall_half_width": recall_half_width}
    shares |= {"prevalence": prevalence, "alpha_prevalence": alpha_prevalence, "confidence": confidence}
    shares |= {f"accuracies[{at}]": value for at, value in enumerate(accuracies)}
    shares |= {f"alphas[{at}]": value for at, value in enumerate(alphas)}
    _check(shares, {"n_gold": n_gold, "n_units": n_units})
    rows = [
        *((f"accuracy {_short(a)}", half_width, units_for_share(a, half_width, confidence)) for a in accuracies),
        (
            f"recall {_short(recall)}, label in {prevalence:.1%}".replace("%", " %"),
            recall_half_width,
            units_for_recall(recall, recall_half_width, prevalence, confidence),
        ),
        *((f"alpha {_short(a, 3)}", math.nan, units_for_alpha(a, alpha_prevalence)) for a in alphas),
        *(
            (f"{n_gold:,} gold, model accuracy {_short(a)}", math.nan, worth_of_gold(n_gold, n_units, a))
            for a in accuracies
            if a > 0.5
        ),
    ]
    frame = pd.DataFrame(rows, columns=["assumed", "half_width", "n"])
    purposes = ["accuracy"] * len(accuracies) + ["recall"] + ["alpha"] * len(alphas)
    frame.insert(0, "purpose", [*purposes, *["worth"] * (len(frame) - len(purposes))])
    frame["formula"] = frame["purpose"].map(_FORMULAS)
    frame.attrs = {"confidence": confidence, "n_gold": n_gold, "n_units": n_units, "note": _NOTE}
    return frame


_FORMULAS = {
    "accuracy": "Wilson's interval",
    "recall": "Wilson's interval of the units with the label, divided by its prevalence",
    "alpha": "Krippendorff (2019), one-sided, risk .05",
    "worth": "PPI++: n / (1 - rho^2 N / (n + N)), a label in 30 % of the units",
}
_NOTE = (
    "n is the number of units to code in a simple random sample; for alpha each by two coders or more. Worth: gold "
    "units, coded without any model, that would tell a label's share as well."
)


def gold_curve(
    sizes: Sequence[int] = CURVE,
    *,
    accuracies: Iterable[float] = (0.8, 0.9, 0.95),
    share: float = 0.3,
    n_units: int = 10_000,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Half-width of the interval to expect against the number of gold units.

    Returns
    -------
    pd.DataFrame
        `figure` (accuracy; share of a label), `line`, `n`, `half_width`. The share is once of gold alone and once
        corrected with `n_units` labelled by a model of each accuracy.

    Examples
    --------
    >>> curve = gold_curve([300], accuracies=[0.9])
    >>> curve.round(3)
                 figure                        line    n  half_width
    0          accuracy                accuracy .90  300       0.034
    1  share of a label                   gold only  300       0.052
    2  share of a label  corrected, model right .90  300       0.034
    """
    accuracies = list(accuracies)
    lists = {f"accuracies[{at}]": value for at, value in enumerate(accuracies)}
    counts = {f"sizes[{at}]": n for at, n in enumerate(sizes)}
    _check({"share": share, "confidence": confidence, **lists}, {"n_units": n_units, **counts})
    z = quantile(confidence)
    rows = [
        ("accuracy", f"accuracy {_short(a)}", n, wilson_half_width(a, n, confidence)) for a in accuracies for n in sizes
    ]
    for name, explained in _list_explained(accuracies, share):
        for n in sizes:
            error = math.sqrt(share * (1 - share) / n * (1 - explained * n_units / (n + n_units)))
            rows.append(("share of a label", name, n, z * error))
    frame = pd.DataFrame(rows, columns=["figure", "line", "n", "half_width"])
    frame.attrs = {"confidence": confidence, "share": share, "n_units": n_units}
    return frame


def _list_explained(accuracies: Iterable[float], share: float) -> Iterator[tuple[str, float]]:
    yield "gold only", 0.0
    for accuracy in accuracies:
        yield f"corrected, model right {_short(accuracy)}", correlation_of_labels(accuracy, share)


def _short(share: float, places: int = 2) -> str:
    return f"{share:.{places}f}".removeprefix("0")


def _check(shares: Mapping[str, float], numbers: Mapping[str, int]) -> None:
    """Raise with all that is not a share, or not a number of units."""
    faults = [
        Fault(name, f"{value:g} is not between 0 and 1", "pass a share, e.g. .8")
        for name, value in shares.items()
        if not 0 < value < 1
    ]
    faults += [
        Fault(name, f"{value:,} is no number of units", "pass 1 or more")
        for name, value in numbers.items()
        if value < 1
    ]
    if faults:
        raise ParameterError("The size of the gold sample cannot be worked out.", faults)
