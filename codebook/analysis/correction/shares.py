"""How common is each label? By the model alone, by the gold alone, and corrected."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import name_some, raise_faults
from codebook.analysis.core.codings import Clusters, Codings, SampleLike
from codebook.analysis.core.estimates import check_bootstrap
from codebook.analysis.core.forest import keep_order, plot_estimates
from codebook.analysis.core.result import Result, blank_result, nothing_to_say
from codebook.analysis.core.scales import Floats, Ints, VariableLike
from codebook.analysis.core.standard_errors import SMALL, say_few_clusters
from codebook.analysis.correction.moments import Fit, Part, fit_parts, spread_normal
from codebook.analysis.correction.pairing import Beside, find_nothing, open_codings, read_beside
from codebook.analysis.correction.sentences import FEW_GOLD, NOTE, SOURCES, say_correction
from codebook.errors import Fault
from codebook.ground.quantities import format_figure, say_count
from codebook.outputs.figure_style import Figure

_ABOUT = "The shares cannot be corrected."
_EMPTY = ["label", "source", "estimate", "se", "low", "high", "n"]
_NOTE = (
    "Model labels only: share of the units that the model labelled. Corrected: share of all units put to the model. "
    "Rogan-Gladen: computed from the model's share, and from its sensitivity and specificity in the gold (interval of "
    "Lang and Reiczigel 2014)."
)


def prevalence(
    codings: Codings | pd.DataFrame,
    coder: str | None = None,
    *,
    weight: float | None = None,
    confidence: float = 0.95,
    level: str = "",
    gold: str = "",
    sample: SampleLike = None,
) -> Result:
    """Share of each label among the units: model labels only, gold only, corrected.

    The corrected share solves sum_i w (f - s) + R/prob ((y - s) - w (f - s)) = 0, f and y being whether model and gold
    give the label. With w = 1 it is design-based supervised learning, with w = 0 the weighted gold alone; the tuned w
    has the smallest variance (PPI++, Angelopoulos, Duchi and Zrnic 2023), so it is not worse than gold alone in large
    samples. A unit without an answer of the model counts as without the label there, and the gold corrects it.
    Intervals are for the population that the units come from, and normal: with few gold units that have the label, or
    gold drawn by the model's label where it misses many, they are too short (in simulations of a label of 5 %, 95 %
    intervals held the true share in .88 of studies with 100 gold units drawn by chance, in .81 with 200 by label).

    Parameters
    ----------
    coder, sample
        As in `pair_with_gold`.
    weight
        Of the model labels; None tunes it, label by label, between 0 and 1.

    Returns
    -------
    Result
        Three rows per label, and a fourth of the source "Rogan-Gladen" (1978: the model's share corrected by its
        sensitivity and specificity): `label`, `source`, `estimate`, `se`, `low`, `high` (kept in 0 to 1), `n`,
        `n_gold`, `n_with` (of these, with the label), `weight`, `worth` (how many gold units, coded without a model,
        would give the corrected standard error), `reason`.

    Raises
    ------
    StatisticError
        As `pair_with_gold`; a unit without a cluster.

    Examples
    --------
    >>> wide = pd.DataFrame({"gold": list("aabb") + [None] * 4, "model": list("aaabaaab")})
    >>> result = prevalence(wide, weight=1, gold="gold", sample="random")
    >>> frame = result.frame
    >>> frame.loc[frame["label"] == "a", ["source", "estimate", "n", "n_gold", "n_with"]]
                  source  estimate  n  n_gold  n_with
    0  model labels only      0.75  8       0       6
    1          gold only      0.50  4       4       2
    2          corrected      0.50  8       4       2
    3       Rogan-Gladen      0.50  8       4       2
    """
    raise_faults(_ABOUT, _check_settings(weight, confidence))
    codings = open_codings(codings, level, gold, sample)
    result = blank_result(codings, _EMPTY, "shares", "Share of each label", "shares")
    if reason := find_nothing(codings):
        return nothing_to_say(codings, reason, result)
    beside = read_beside(codings, coder)
    cluster = _read_cluster(beside, codings.clusters)
    shares = _Shares(beside, cluster, weight, confidence)
    frame = pd.DataFrame([row for at in range(len(beside.labels)) for row in shares.list_rows(at)])
    shown = codings.in_words(frame, "label")
    n_clusters = 0 if codings.clusters is None else int(cluster.max()) + 1
    return replace(
        result,
        frame=frame,
        facts=replace(beside.facts(codings), n_clusters=n_clusters, confidence=confidence),
        finding=say_correction(shown, codings.name_label(beside.labels[0])),
        remarks=(_NOTE, NOTE, *_list_doubts(beside, frame, n_clusters)),
        table=_print_shares(shown),
        figure=partial(_plot_shares, shown, codings.variable, f"{100 * confidence:g} % intervals."),
    )


def _list_doubts(beside: Beside, frame: pd.DataFrame, n_clusters: int) -> list[str]:
    """What is in doubt: gold that is no random sample, labels that few gold units have, few clusters."""
    rows = frame[(frame["source"] == SOURCES[2]) & frame["estimate"].notna()]
    rare = rows.loc[rows[["n_with"]].assign(rest=rows["n_gold"] - rows["n_with"]).min(axis=1) < FEW_GOLD, "label"]
    doubts = [beside.balance] if beside.balance else []
    if len(rare):
        doubts.append(
            f"Intervals of {name_some(rare, 3)} may be too short: fewer than {FEW_GOLD} gold units have the label, or "
            f"fewer than {FEW_GOLD} lack it."
        )
    return [*doubts, *([say_few_clusters(n_clusters)] if 0 < n_clusters < SMALL else [])]


def _print_shares(frame: pd.DataFrame) -> pd.DataFrame:
    names = {"estimate": "share", "low": "share_low", "high": "share_high"}
    shown = ["label", "source", *names.values(), "n", "n_gold", "worth", "reason"]
    return frame.assign(worth=frame["worth"].round()).rename(columns=names)[shown]


def _plot_shares(frame: pd.DataFrame, variable: VariableLike, note: str) -> Figure:
    """Three dots per label."""
    frame = frame[frame["source"].isin(SOURCES)]
    rows = frame.assign(label=keep_order(frame["label"], variable.level or ""))
    quantity = f"share of units, {variable.name}"
    figure = plot_estimates(rows, name="label", value="estimate", group="source", quantity=quantity, note=note)
    most = frame["high"].max()
    figure.axes[0].set_xlim(0, 1.1 * most if most > 0 else 1)
    return figure


def tune_weight(f: Floats, y: Floats, gold: Ints, prob: Floats, cluster: Ints) -> float:
    """The weight of the model labels that makes the variance of a corrected mean smallest, between 0 and 1.

    `f`: what the model says, shape (n_units,). `y`, `gold` and `prob`: what the gold says, the positions of the gold
    units, their inclusion probabilities, shape (n_gold,).

    Examples
    --------
    >>> f = np.array([1.0, 0, 1, 0, 1, 0, 1, 0])
    >>> tune_weight(f, f[:4], np.arange(4), np.full(4, 0.5), np.arange(8))
    1.0
    """
    middle = np.sum(y / prob) / np.sum(1 / prob)
    gain = -(f - f.mean())
    gain[gold] *= 1 - 1 / prob
    of_gold, of_model = np.zeros(int(cluster.max()) + 1), np.bincount(cluster, weights=gain)
    np.add.at(of_gold, cluster[gold], (y - middle) / prob)
    spread = float(of_model @ of_model)
    return float(np.clip(of_gold @ of_model / spread, 0, 1)) if spread > 0 else 0.0


@dataclass(frozen=True)
class _Shares:
    """Labels beside the gold, the cluster of each unit (n_units,), and the settings of the figures."""

    beside: Beside
    cluster: Ints
    weight: float | None
    confidence: float

    def list_rows(self, at: int) -> Iterator[dict[str, object]]:
        """The rows of the label at this place."""
        beside, cluster = self.beside, self.cluster
        gold, answered = beside.gold_rows, np.flatnonzero(beside.coded >= 0)
        f = beside.members[beside.coded, at].astype(float)
        y, prob = beside.members[beside.gold[gold], at].astype(float), beside.prob[gold]
        tuned = tune_weight(f, y, gold, prob, cluster) if self.weight is None else self.weight
        human = Part(np.ones((len(y), 1)), y, 1 / prob, gold)
        model = Part(np.ones((len(answered), 1)), f[answered], np.ones(len(answered)), answered)
        rest = np.ones(len(f))
        rest[gold] -= 1 / prob
        mixed = Part(np.ones((len(f), 1)), f, tuned * rest, np.arange(len(f)))
        fits = [fit_parts(parts, "linear", cluster) for parts in ([model], [human], [mixed, human])]
        lack = _find_lack(y, beside.labels[at])
        worth = len(y) * (fits[1].se[0] / fits[2].se[0]) ** 2 if fits[2].se[0] > 0 else math.nan
        counts = ((len(answered), 0, int(f.sum())), (len(y), len(y), int(y.sum())), (len(f), len(y), int(y.sum())))
        blank = {"weight": math.nan, "worth": math.nan}
        extra = (blank, blank, {"weight": tuned, "worth": math.nan if lack else float(worth)})
        for source, fit, (n, n_gold, n_with), more in zip(SOURCES, fits, counts, extra, strict=True):
            reason = fit.reason or (_find_silence(f[answered]) if source == SOURCES[0] else lack)
            figures = _spread(fit, self.confidence, reason, plain=source != SOURCES[2])
            sizes = {"n": n, "n_gold": n_gold, "n_with": n_with}
            yield {"label": beside.labels[at], "source": source, **figures, **sizes, **more, "reason": reason}
        yield {
            "label": beside.labels[at],
            "source": ROGAN_GLADEN,
            **self._rogan_gladen(f, y, prob, lack or fits[2].reason),
            **sizes,
            **blank,
        }

    def _rogan_gladen(self, f: Floats, y: Floats, prob: Floats, lack: str) -> dict[str, object]:
        """Estimate, error and interval by sensitivity and specificity; normal where units are in clusters."""
        if lack:
            return {**dict.fromkeys(("estimate", "se", "low", "high"), math.nan), "reason": lack}
        rates, share, error = estimate_rogan_gladen(f, y, 1 / prob, self.beside.gold_rows, self.cluster)
        if math.isnan(share):
            reason = "the model gives the label to units without it at least as often as to units with it"
            return {**dict.fromkeys(("estimate", "se", "low", "high"), math.nan), "reason": reason}
        low, high = lang_reiczigel(rates, self.confidence)
        if len(np.unique(self.cluster)) < len(f):
            figures = spread_normal(share, error, self.confidence)
            low, high = max(0.0, figures["low"]), min(1.0, figures["high"])
        return {"estimate": min(1.0, max(0.0, share)), "se": error, "low": low, "high": high, "reason": ""}


def _find_lack(y: Floats, label: str) -> str:
    """Why the gold units tell no interval of a share; empty where they do."""
    if len(y) < 2:
        return "one gold unit has no spread: code more gold"
    if not y.any():
        most = f"its share in gold is at most about {format_figure(3 / len(y), 3)}"
        return f"no gold unit has {label!r} ({most}): draw gold by the model's label, so that it occurs"
    return "" if not y.all() else f"every gold unit has {label!r}: draw more gold, so that others occur"


def _find_silence(f: Floats) -> str:
    """Why the model's labels tell no interval of a share; empty where they do."""
    if f.all() or not f.any():
        return "the model always gives it" if f.all() else "the model never gives it"
    return ""


def _spread(fit: Fit, confidence: float, lack: str, *, plain: bool) -> dict[str, float]:
    """Estimate and interval within 0 to 1; where there is a reason for no interval, the plain share at most."""
    figures = spread_normal(float(fit.estimate[0]), float(fit.se[0]), confidence)
    figures.pop("p")
    if lack:
        return {name: figures["estimate"] if plain and name == "estimate" else math.nan for name in figures}
    return {**figures, "low": max(0.0, figures["low"]), "high": min(1.0, figures["high"])}


def _read_cluster(beside: Beside, cluster: Clusters | None) -> Ints:
    if cluster is None:
        return np.arange(len(beside.units))
    by_unit = {str(unit): name for unit, name in cluster.items()}
    of_units = pd.Series([by_unit.get(str(unit)) for unit in beside.units], dtype=object)
    if of_units.isna().any():
        lacking = beside.units[of_units.isna()]
        problem = (
            f"{say_count(len(lacking), 'unit')} {'has' if len(lacking) == 1 else 'have'} none: {name_some(lacking)}"
        )
        raise_faults(_ABOUT, [Fault("cluster", problem, "give every unit_id its cluster")])
    return np.asarray(pd.factorize(of_units)[0], dtype=np.int64)


def _check_settings(weight: float | None, confidence: float) -> list[Fault]:
    faults = []
    if weight is not None and not 0 <= weight <= 1:
        faults.append(Fault("weight", f"{weight} is not between 0 and 1", "pass None to have it tuned, or 1"))
    return [*faults, *check_bootstrap(0, confidence)]


ROGAN_GLADEN = "Rogan-Gladen"
"""The source of the rows of this estimate."""


class Rates(NamedTuple):
    """Share of units to which the model gives a label, `apparent`, and how often it is right, with and without it.

    `n`, `n_with` and `n_without` are the units behind each, of weighted ones the effective number (Kish 1965).
    """

    apparent: float
    sensitivity: float
    specificity: float
    n: float
    n_with: float
    n_without: float


def rogan_gladen(apparent: float, sensitivity: float, specificity: float) -> float:
    """(apparent + specificity - 1) / (sensitivity + specificity - 1); NaN where the model is no better than chance.

    Examples
    --------
    23 of 150 cows test positive, sensitivity .96, specificity .89; epiR prints 5.1 of 100:

    >>> round(rogan_gladen(23 / 150, 0.96, 0.89), 3)
    0.051
    """
    tells = sensitivity + specificity - 1
    return (apparent + specificity - 1) / tells if tells > 0 else math.nan


def lang_reiczigel(rates: Rates, confidence: float) -> tuple[float, float]:
    """Interval of the share where sensitivity and specificity are estimates (Lang and Reiczigel 2014), within 0 to 1.

    Examples
    --------
    >>> rates = Rates(23 / 150, 0.96, 0.89, n=150, n_with=100, n_without=100)
    >>> [round(end, 3) for end in lang_reiczigel(rates, 0.95)]
    [0.0, 0.146]
    """
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    n = rates.n + z**2
    apparent = (rates.n * rates.apparent + z**2 / 2) / n
    se, sp = (
        (size * rate + 1) / (size + 2)
        for size, rate in ((rates.n_with, rates.sensitivity), (rates.n_without, rates.specificity))
    )
    share = rogan_gladen(apparent, se, sp)
    of_se, of_sp = se * (1 - se) / (rates.n_with + 2), sp * (1 - sp) / (rates.n_without + 2)
    shift = 2 * z**2 * (share * of_se - (1 - share) * of_sp)
    spread = math.sqrt(apparent * (1 - apparent) / n + (1 - share) ** 2 * of_sp + share**2 * of_se)
    half = z * spread / (se + sp - 1) if se + sp > 1 else math.nan
    return max(0.0, share + shift - half), min(1.0, share + shift + half)


def estimate_rogan_gladen(
    f: Floats, y: Floats, weight: Floats, gold: Ints, cluster: Ints
) -> tuple[Rates, float, float]:
    """The rates, the share, and its standard error by linearisation.

    `f`: whether the model gives the label, shape (n_units,). `y`, `weight` and `gold`: whether the gold does, what
    each gold unit weighs, and their positions, shape (n_gold,). `cluster`: of each unit, shape (n_units,).
    """
    by_model = f[gold]
    with_, without = weight * y, weight * (1 - y)
    sensitivity = float(with_ @ by_model / with_.sum())
    specificity = float(without @ (1 - by_model) / without.sum())
    effective = [float(part.sum() ** 2 / (part**2).sum()) for part in (with_, without)]
    rates = Rates(float(f.mean()), sensitivity, specificity, float(len(f)), *effective)
    share = rogan_gladen(*rates[:3])
    pulls = (f - f.mean()) / len(f)
    of_se = with_ * (by_model - sensitivity) / with_.sum()
    of_sp = without * (1 - by_model - specificity) / without.sum()
    np.add.at(pulls, gold, -share * of_se + (1 - share) * of_sp)
    sums = np.bincount(cluster, weights=pulls / (sensitivity + specificity - 1)) if share == share else np.zeros(1)
    return rates, share, float(np.sqrt(sums @ sums)) if share == share else math.nan
