"""How common is each label? By the model alone, by the gold alone, and corrected."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import carry_joins, name_some, raise_faults
from codebook.analysis.core.empty import make_empty, why_no_gold
from codebook.analysis.core.scales import Floats, Ints
from codebook.analysis.correction.moments import Fit, Part, fit_parts
from codebook.analysis.correction.pairing import NO_SAMPLE, Beside, describe, read_beside
from codebook.analysis.correction.regression import spread_normal
from codebook.analysis.correction.sentences import NOTE, SOURCES, package_versions
from codebook.errors import Fault

_ABOUT = "The shares cannot be corrected."
_NOTE = "Model labels only: share of the units it labelled. Corrected: share of all units put to the model."


def prevalence(
    table: pd.DataFrame,
    *,
    variable: str,
    labels: Sequence[str],
    coder: str,
    gold: str,
    sample: pd.DataFrame | str | None,
    kind: str = "single",
    cluster: Mapping[str, object] | None = None,
    weight: float | None = None,
    confidence: float = 0.95,
    draw: int = 0,
) -> pd.DataFrame:
    """Share of each label among the units: model labels only, gold only, corrected.

    The corrected share solves sum_i w (f - s) + R/prob ((y - s) - w (f - s)) = 0, f and y being whether model and gold
    give the label. With w = 1 it is design-based supervised learning, with w = 0 the weighted gold alone; the tuned w
    has the smallest variance (PPI++, Angelopoulos, Duchi and Zrnic 2023), so it is not worse than gold alone in large
    samples. A unit without an answer of the model counts as without the label there, and the gold corrects it.
    Intervals are for the population that the units come from and for gold drawn unit by unit: they are on the safe
    side for the very units at hand, and for gold drawn by strata.

    Parameters
    ----------
    coder, gold, sample, kind
        As in `pair_with_gold`.
    cluster
        Cluster of each unit_id (a mapping or a Series by unit_id), e.g. the author of a text.
    weight
        Of the model labels; None tunes it, label by label, between 0 and 1.

    Returns
    -------
    pd.DataFrame
        Three rows a label: `label`, `source`, `estimate`, `se`, `low`, `high` (kept in 0 to 1), `n`, `n_gold`,
        `n_with` (of these, with the label), `weight`, `worth` (how many gold units, coded without a model, would give
        the corrected standard error), `reason`. `attrs`: n_units, n_gold, dropped (units without a model label, by
        why), coverage, warnings, note, versions.

    Raises
    ------
    StatisticError
        As `pair_with_gold`; a unit without a cluster.

    Examples
    --------
    >>> from codebook.analysis.core.examples import make_table
    >>> table = make_table("tone", {"gold": list("aabb") + [None] * 4, "model": list("aaabaaab")})
    >>> ask = {"variable": "tone", "labels": ["a", "b"], "coder": "model", "gold": "gold", "sample": "random"}
    >>> frame = prevalence(table, **ask, weight=1)
    >>> frame.loc[frame["label"] == "a", ["source", "estimate", "n", "n_gold", "n_with"]]
                  source  estimate  n  n_gold  n_with
    0  model labels only      0.75  8       0       6
    1          gold only      0.50  4       4       2
    2          corrected      0.50  8       4       2
    """
    raise_faults(_ABOUT, _check_settings(weight, confidence))
    none = why_no_gold(table, variable, gold)
    if sample is None or none:
        return make_empty(none or NO_SAMPLE, ["label", "source", "estimate", "se", "low", "high", "n"], table=table)
    asked = {"variable": variable, "coder": coder, "gold": gold}
    beside = read_beside(table, labels=labels, sample=sample, kind=kind, draw=draw, **asked)
    codes = _read_cluster(beside, cluster)
    rows = [row for at in range(len(labels)) for row in _list_rows(beside, at, codes, weight, confidence)]
    frame = pd.DataFrame(rows)
    n_clusters = 0 if cluster is None else int(codes.max()) + 1
    frame.attrs = {
        **describe(beside),
        **{"variable": variable, "coder": coder, "gold": gold, "kind": kind, "draw": draw},
        **{"confidence": confidence, "n_clusters": n_clusters, "weighted": not isinstance(sample, str)},
        **{"warnings": [], "note": f"{_NOTE} {NOTE}", "versions": package_versions(), **carry_joins(table)},
    }
    return frame


def tune_weight(f: Floats, y: Floats, gold: Ints, prob: Floats, cluster: Ints) -> float:
    """The weight of the model labels that makes the variance of a corrected mean smallest, between 0 and 1.

    Parameters
    ----------
    f
        What the model says, shape (n_units,).
    y, gold, prob
        What the gold says, the positions of the gold units, their inclusion probabilities, shape (n_gold,).

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


def _list_rows(
    beside: Beside, at: int, cluster: Ints, weight: float | None, confidence: float
) -> Iterator[dict[str, object]]:
    """The three rows of the label at this place."""
    gold, answered = beside.gold_rows, np.flatnonzero(beside.coded >= 0)
    f = beside.held[beside.coded, at].astype(float)
    y, prob = beside.held[beside.gold[gold], at].astype(float), beside.prob[gold]
    tuned = tune_weight(f, y, gold, prob, cluster) if weight is None else weight
    human = Part(np.ones((len(y), 1)), y, 1 / prob, gold)
    model = Part(np.ones((len(answered), 1)), f[answered], np.ones(len(answered)), answered)
    rest = np.ones(len(f))
    rest[gold] -= 1 / prob
    mixed = Part(np.ones((len(f), 1)), f, tuned * rest, np.arange(len(f)))
    fits = [fit_parts(parts, "linear", cluster) for parts in ([model], [human], [mixed, human])]
    lack = _find_lack(y, beside.labels[at])
    worth = len(y) * (fits[1].se[0] / fits[2].se[0]) ** 2 if fits[2].se[0] > 0 else math.nan
    counts = ((len(answered), 0, int(f.sum())), (len(y), len(y), int(y.sum())), (len(f), len(y), int(y.sum())))
    extra: tuple[dict[str, float], ...] = ({}, {}, {"weight": tuned, "worth": math.nan if lack else float(worth)})
    for source, fit, (n, n_gold, n_with), more in zip(SOURCES, fits, counts, extra, strict=True):
        reason = fit.reason or (_find_silence(f[answered]) if source == SOURCES[0] else lack)
        figures = _spread(fit, confidence, reason, keep=source != SOURCES[2])
        named = {"label": beside.labels[at], "source": source}
        blank = {"weight": math.nan, "worth": math.nan}
        yield {**named, **figures, "n": n, "n_gold": n_gold, "n_with": n_with, **blank, **more, "reason": reason}


def _find_lack(y: Floats, label: str) -> str:
    """Why the gold units tell no interval of a share; empty where they do."""
    if len(y) < 2:
        return "one gold unit has no spread: code more gold"
    if not y.any():
        most = f"its share in gold is at most about {3 / len(y):.3f}"
        return f"no gold unit has {label!r} ({most}): draw gold by the model's label, so that it occurs"
    return "" if not y.all() else f"every gold unit has {label!r}: draw more gold, so that others occur"


def _find_silence(f: Floats) -> str:
    """Why the model's labels tell no interval of a share; empty where they do."""
    if f.all() or not f.any():
        return "the model always gives it" if f.all() else "the model never gives it"
    return ""


def _spread(fit: Fit, confidence: float, lack: str, *, keep: bool) -> dict[str, float]:
    """Estimate and interval within 0 to 1; where there is a reason for no interval, the plain share at most."""
    figures = spread_normal(float(fit.estimate[0]), float(fit.se[0]), confidence)
    figures.pop("p")
    if lack:
        return {name: figures["estimate"] if keep and name == "estimate" else math.nan for name in figures}
    return {**figures, "low": max(0.0, figures["low"]), "high": min(1.0, figures["high"])}


def _read_cluster(beside: Beside, cluster: Mapping[str, object] | None) -> Ints:
    if cluster is None:
        return np.arange(len(beside.units))
    named = {str(unit): of for unit, of in cluster.items()}
    of_units = pd.Series([named.get(str(unit)) for unit in beside.units], dtype=object)
    if of_units.isna().any():
        problem = f"{int(of_units.isna().sum()):,} units have none: {name_some(beside.units[of_units.isna()])}"
        raise_faults(_ABOUT, [Fault("cluster", problem, "give every unit_id its cluster")])
    return np.asarray(pd.factorize(of_units)[0], dtype=np.int64)


def _check_settings(weight: float | None, confidence: float) -> list[Fault]:
    faults = []
    if weight is not None and not 0 <= weight <= 1:
        faults.append(Fault("weight", f"{weight} is not between 0 and 1", "pass None to have it tuned, or 1"))
    if not 0 < confidence < 1:
        faults.append(Fault("confidence", f"{confidence} is not between 0 and 1", "pass a share, e.g. .95"))
    return faults
