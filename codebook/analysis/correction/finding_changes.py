"""Does a finding change with other labels of the same units? The figure by each, and the difference with interval."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd

from codebook.analysis.core.codings import Codings
from codebook.analysis.core.estimates import say_figure
from codebook.analysis.core.label_titles import title_of
from codebook.analysis.core.plain_frames import as_codings
from codebook.analysis.core.result import Facts, Result, nothing_to_say
from codebook.analysis.core.scales import Ints
from codebook.analysis.correction.inputs import LabelColumns
from codebook.analysis.correction.model_matrix import Design
from codebook.analysis.correction.moments import Fit, Part, fit_parts, no_fit
from codebook.analysis.correction.regression import Regression, find_lack, read_units
from codebook.analysis.correction.sentences import SOURCES
from codebook.ground.quantities import say_p

SHARE = "label ~ 1"
NAIVE, CORRECTED = SOURCES[0], SOURCES[2]
_HOW = (
    "The interval of a difference takes into account that both figures are of the same units (Weesie 1999; for shares "
    "Bonett and Price 2012)."
)
_FIGURES = ("before", "after", "difference", "low", "high", "p")


@dataclass(frozen=True)
class _Side:
    """The design of one set of labels, and the unit of each of its rows."""

    design: Design
    units: pd.Series[Any]

    def parts(self, source: str) -> list[Part]:
        return self.design.model_parts() if source == NAIVE else self.design.corrected_parts()


def changed_findings(
    codings: Codings | pd.DataFrame,
    first: str,
    other: str,
    formula: str = SHARE,
    *,
    labels: Sequence[str] = (),
    family: str = "linear",
    confidence: float = 0.95,
) -> Result:
    """Compare a finding by the labels of one coder with the same finding by those of another, on the same units.

    Both regressions are solved as one system, whose sandwich variance has their covariance (Weesie 1999, Seemingly
    unrelated estimation and the cluster-adjusted sandwich estimator, Stata Technical Bulletin 52). Where both coders
    labelled the same units, a difference of shares has the adjusted interval of Bonett and Price (2012, Journal of
    Educational and Behavioral Statistics 37), which also holds for few units and rare labels.

    Parameters
    ----------
    codings
        Of one variable. Where there is a gold sample, each finding is given twice: from the labels alone, and corrected
        by the gold.
    first, other
        The coders; the difference is `other` minus `first`.
    formula
        As for `correct`; "label ~ 1" is the share of a label, or the mean of a rating.
    labels
        Which labels; all where none is given.

    Returns
    -------
    Result
        label, coefficient, source, before, after, difference with low and high, p, n (units with a label of `other`),
        reason.

    Examples
    --------
    >>> from codebook.analysis.core.examples import make_table
    >>> table = make_table("tone", {"v1": list("aaaaabbbbb"), "v2": list("aaabbbbbbb")})
    >>> changed_findings(table, "v1", "v2").frame[["label", "before", "after", "difference", "low"]].round(2)
      label  before  after  difference   low
    0     a     0.5    0.3        -0.2 -0.48
    1     b     0.5    0.7         0.2 -0.15
    """
    codings = as_codings(codings, needs_level=False)
    of_variable = codings.of(codings.variable.name)
    numeric = of_variable.variable.kind in ("rating", "number")
    there = of_variable.frame.loc[of_variable.frame["coder"].isin([first, other]), "label"].dropna().unique()
    wanted = [""] if numeric else list(labels or of_variable.variable.labels or sorted(there))
    rows = [
        row
        for label in wanted
        for row in _compare(of_variable, (first, other), Regression(formula, family), label, confidence)
    ]
    frame = pd.DataFrame(rows, columns=["label", "coefficient", "source", *_FIGURES, "n", "reason"])
    name, what = ("shares", "shares") if formula == SHARE else ("coefficients", formula)
    title = f"{title_of(of_variable.variable)}: {what} by the labels of {first} and of {other}"
    result = Result(frame, f"changed_{name}", title, "stability", outputs=codings.outputs)
    if frame["difference"].isna().all():
        return nothing_to_say(of_variable, "; ".join(dict.fromkeys(frame["reason"])) or "There is no label.", result)
    facts = Facts(of_variable.frame["unit_id"].nunique(), 2, joins=of_variable.joins)
    return replace(
        result,
        facts=facts,
        finding=_say(of_variable.in_words(frame), facts.places, first, other),
        remarks=(f"Before is {first}, after is {other}. {_HOW} {100 * confidence:g} % intervals.",),
        table=_print(of_variable.in_words(frame)),
    )


def _compare(
    codings: Codings, coders: tuple[str, str], regression: Regression, label: str, confidence: float
) -> Iterator[dict[str, Any]]:
    """The rows of one label: each coefficient by each source. The intercept has one only where it is the only term."""
    corrects = codings.sample is not None and codings.gold in codings.coders
    sides = [_read(codings, coder, regression, label, corrects=corrects) for coder in coders]
    terms = sides[0].design.terms
    term_places = [place for place, term in enumerate(terms) if term != "Intercept"] or [0]
    for source in [NAIVE, CORRECTED] if corrects else [NAIVE]:
        fit = _fit(codings, sides, source, regression.family)
        for place in term_places:
            figures = _differ(fit, place, len(terms), confidence)
            if (regression.formula, source) == (SHARE, NAIVE) and codings.clusters is None:
                figures |= _adjust(sides, confidence)
            n = len(np.unique(np.concatenate([part.unit for part in sides[1].parts(source)])))
            reason = fit.reason or ("no unit has another label: no interval" if math.isnan(figures["low"]) else "")
            about = {"label": label, "coefficient": terms[place], "source": source}
            yield {**about, **figures, "n": n, "reason": reason}


def _read(codings: Codings, coder: str, regression: Regression, label: str, *, corrects: bool) -> _Side:
    mine = replace(codings.only([coder, *[codings.gold] * corrects]), models=(coder,))
    frame, _, columns = read_units(mine, label, None, regression.columns) if corrects else _read_alone(mine, label)
    assert columns is not None
    inputs, design = replace(regression, columns=columns).read(frame)
    return _Side(design, inputs.frame["unit_id"].astype(str))


def _read_alone(codings: Codings, label: str) -> tuple[pd.DataFrame, list[str], LabelColumns]:
    """The units that a coder labelled, with their covariates, as `read_units` gives them where there is gold."""
    rows = codings.draw(0).frame
    data = rows[rows["label"].notna()][["unit_id", "label"]].set_index("unit_id").join(codings.by_unit).reset_index()
    if label and codings.variable.kind == "multi":
        data["label"] = data["label"].str.contains(f'"{label}"', regex=False).astype(float)
    else:
        data["label"] = (data["label"] == label).astype(float) if label else pd.to_numeric(data["label"])
    return data.assign(predicted=data["label"], prob=1.0), [], LabelColumns("label", "predicted")


def _fit(codings: Codings, sides: Sequence[_Side], source: str, family: str) -> Fit:
    """Both regressions as one: the terms of the second follow those of the first."""
    n_terms = len(sides[0].design.terms)
    if source == CORRECTED and (reason := next(filter(None, (find_lack(side.design, family) for side in sides)), "")):
        return no_fit(2 * n_terms, reason)
    codes, units = pd.factorize(pd.concat([side.units for side in sides]))
    places = np.split(codes, [len(sides[0].units)])
    parts = []
    for place, (side, own) in enumerate(zip(sides, places, strict=True)):
        for part in side.parts(source):
            wide = np.zeros((len(part.x), 2 * n_terms))
            wide[:, place * n_terms : (place + 1) * n_terms] = part.x
            parts.append(part._replace(x=wide, unit=own[part.unit]))
    return fit_parts(parts, family, _read_clusters(codings, units))


def _read_clusters(codings: Codings, units: pd.Index[Any]) -> Ints:
    if codings.clusters is None:
        return np.arange(len(units))
    names = {str(unit): name for unit, name in codings.clusters.items()}
    return np.asarray(pd.factorize(units.map(names))[0])


def _differ(fit: Fit, place: int, n_terms: int, confidence: float) -> dict[str, float]:
    """Both estimates of a coefficient, and their difference with interval and p (normal)."""
    there = place + n_terms
    before, after = float(fit.estimate[place]), float(fit.estimate[there])
    variance = fit.covariance[place, place] + fit.covariance[there, there] - 2 * fit.covariance[place, there]
    gap, se = after - before, math.sqrt(max(float(variance), 0.0)) if not math.isnan(variance) else math.nan
    reach = NormalDist().inv_cdf((1 + confidence) / 2) * se if se > 0 else math.nan
    p = 2 * NormalDist().cdf(-abs(gap) / se) if se > 0 else math.nan
    return dict(zip(_FIGURES, (before, after, gap, gap - reach, gap + reach, p), strict=True))


def _adjust(sides: Sequence[_Side], confidence: float) -> dict[str, float]:
    """The adjusted interval of the difference where both shares are of the same units; else nothing."""
    labels = [pd.Series(part.y, index=side.units.iloc[part.unit]) for side in sides for part in side.parts(NAIVE)]
    if not labels[0].index.sort_values().equals(labels[1].index.sort_values()):
        return {}
    gaps = labels[1] - labels[0].reindex(labels[1].index)
    if not gaps.isin([-1, 0, 1]).all():
        return {}
    low, high = paired_share_interval(int((gaps > 0).sum()), int((gaps < 0).sum()), len(gaps), confidence)
    return {"low": low, "high": high, "p": math.nan}  # a p of the plain Wald test would contradict it


def paired_share_interval(n_gained: int, n_lost: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Interval of the difference of two shares of the same n units, of which `n_lost` count for the first one only.

    `n_gained` count for the second one only. The Wald interval with Laplace's adjustment (Bonett and Price 2012).

    Examples
    --------
    Airway hyper-responsiveness before and after a transplantation (Bentur and others 2009; the interval in Fagerland,
    Lydersen and Laake 2014, Statistics in Medicine 33, is −.51 to −.01):

    >>> low, high = paired_share_interval(1, 7, 21)
    >>> round(low, 3), round(high, 3)
    (-0.508, -0.013)
    """
    gained, lost = (n_gained + 1) / (n + 2), (n_lost + 1) / (n + 2)
    gap = gained - lost
    reach = NormalDist().inv_cdf((1 + confidence) / 2) * math.sqrt((gained + lost - gap**2) / (n + 2))
    return max(gap - reach, -1.0), min(gap + reach, 1.0)


def _print(frame: pd.DataFrame) -> pd.DataFrame:
    """At most seven columns: the coefficient where there are several, the source where there are two."""
    shown = frame.rename(columns={"low": "difference_low", "high": "difference_high"})
    several = [name for name in ("label", "coefficient", "source") if shown[name].nunique() > 1]
    return shown[[*several, "before", "after", "difference", "difference_low", "difference_high", "p", "n"]]


def _say(frame: pd.DataFrame, places: int, first: str, other: str) -> str:
    """The largest difference, and how many there are whose interval leaves out 0."""
    known = frame[frame["difference"].notna()].sort_values("difference", key=abs, ascending=False, kind="stable")
    n_sure = int(((known["low"] > 0) | (known["high"] < 0)).sum())
    row = known.iloc[0]
    term = "" if row["coefficient"] in ("Intercept", "label") else str(row["coefficient"])
    what = " ".join(filter(None, [str(row["label"]), term])) or "mean"
    figures = say_figure(row, "difference", places, kind="amount")
    p = "" if math.isnan(row["p"]) else f", {say_p(row['p'])}"
    which = "its interval does not hold 0" if n_sure else "its interval holds 0"
    if len(known) > 1:
        which = f"of {len(known):,} intervals {n_sure or 'none'} {'leaves' if n_sure < 2 else 'leave'} out 0"
    return f"{other} minus {first}: the largest difference is {figures} ({what}, {row['source']}{p}); {which}."
