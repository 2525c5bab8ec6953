"""Do coders agree? Overall, by group, label, pair, without each coder, by a covariate; and who gave which label."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import raise_faults
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.counts import LabelCodes
from codebook.analysis.core.estimates import Bootstrap
from codebook.analysis.core.gold_balance import WEIGHTED_AGREEMENT, say_alike
from codebook.analysis.core.plain_frames import as_codings
from codebook.analysis.core.result import Facts, Result, nothing_to_say
from codebook.analysis.core.scales import VariableLike, say_without_labels
from codebook.analysis.reliability.agreement_rows import COLUMNS, WEIGHTED, comparison_rows
from codebook.analysis.reliability.agreement_words import (
    draw_agreement,
    print_agreement,
    remark_agreement,
    say_agreement,
)
from codebook.analysis.reliability.coefficients import Coefficient, check_coefficients
from codebook.analysis.reliability.comparisons import (
    BY,
    Comparison,
    Coverage,
    check_by,
    each_pair,
    read_comparisons,
    read_variable,
)
from codebook.analysis.reliability.rating_coefficients import OF_RATINGS
from codebook.ground.quantities import format_figure, say_count
from codebook.outputs import MOST_COLUMNS

_ABOUT = "The reliability cannot be computed."
_HEADS = ("variable", "label", "group", "a", "b", "left_out", "difference", "level")
_EVERY = ("all codings",)
_MOST_OTHERS = 3  # coders who are named with another commonest label
_EXTRA = {"pair": ("a", "b"), "without": ("left_out",)}
_TITLES = {
    "": "Agreement of the coders",
    "group": "Agreement of the coders",
    "label": "Agreement on each label",
    "pair": "Agreement of every two coders",
    "without": "Agreement without each coder",
    "difference": "How much more one group agrees than the first",
}


def reliability(
    codings: Codings | pd.DataFrame,
    by: str = "",
    *,
    coefficients: Sequence[str | Coefficient] = (),
    level: str = "",
    min_units: int = 1,
    resample: Bootstrap = Bootstrap(),
    least: int = 0,
) -> Result:
    """Do the coders agree with each other? The gold is none of them.

    Units with fewer than two codings say nothing of agreement: they are left out of value and interval, and counted.
    Where all other units are of a gold sample with unequal chances, each is weighted by 1 / its chance (Gwet 2021), so
    that the figures estimate those of all units. Undefined (no common unit, no variation) is NaN with the reason. Alpha
    small enough is computed a second time by the krippendorff package. The labels of a `multi` variable are sets, at
    MASI and at Jaccard distance, and one by one.

    Parameters
    ----------
    codings
        Or a plain frame: wide (a column per coder) or long (unit, coder, label).
    by
        "": all coders together. `group`: people, models, people with each model, all. Within these groups: `label`,
        each label against all others; `pair`, each two coders with common units, under the first group that has both;
        `without`, each group without one of its coders, the first row without none; `difference`, each group less the
        first (people + model less people), on units with two codings of either, resampled once for both sides (as
        McKenzie et al. 1996 and Vanbelle and Albert 2008 compare correlated kappas). Or a covariate of
        `codings.with_groups`: all coders on the units of each value, and how far the values are apart: of two values
        a - b, of more each from the rest. For the interval of a difference the two sets of units are resampled
        independently, the second with the next seed; where a cluster has units in both, clusters are drawn once and
        bring their units of either set along.
    coefficients
        By default alpha, ac1 and percent; for numbers, and for ratings on an interval or ratio scale, alpha, icc_2_1
        and pearson. There are alpha, percent, percent_all_coders_agree, percent_pooled_pairs, percent_mean_coder_pairs,
        ac1, ac2 (weights of the level), fleiss, conger, cohen and scott (two coders), brennan_prediger, light; from ac2
        on also with _linear, _quadratic or _ordinal. For numbers icc_1_1, icc_2_1, icc_3_1, icc_1_k, icc_2_k and
        icc_3_k (Shrout and Fleiss 1979, with F intervals), pearson and spearman (mean over all pairs of coders).
        kendall_w for orders, alpha_multivalued for sets. Beside a kappa: pabak, kappa_max, and by label
        positive_agreement, negative_agreement, prevalence_index, bias_index. With weights or distances of your own:
        `COEFFICIENTS["cohen"].with_weights(square)`, and `.with_distances(square)`.
    level
        Level of measurement, where no codebook states it.
    min_units
        Common units below which a pair is left out.
    least
        Units with two or more codings below which no interval is given.

    Returns
    -------
    Result
        `frame` has one row per comparison x coefficient: variable, label, group (a, b; left_out; difference), level,
        coefficient, detail (weights, or definition of percent agreement), value, low, high, se (by linearisation),
        jack_low and jack_high (under 30 units or clusters), t_low and t_high (Gwet's, by se), p (of a difference: two
        sided, by the replicates), n_units (with two or more codings), n_dropped, n_missing,
        n_coders, n_codings, n_clusters, undefined_share, below_667 and below_800 (shares of the replicates), commonest
        (share of the commonest label), dropped and reason (in words).

    Examples
    --------
    Krippendorff (2011), example C, printed .743:

    >>> from codebook.analysis.core.examples import observers_2011
    >>> result = reliability(observers_2011(), level="nominal")
    >>> print(result.finding)
    Krippendorff's alpha (nominal) of code: .74 [.44, .93] (4 coders, 11 units).
    >>> result.frame[["coefficient", "value", "low", "n_units", "n_dropped"]].round(3)
      coefficient  value    low  n_units  n_dropped
    0       alpha  0.743  0.441       11          1
    1         ac1  0.775  0.492       11          1
    2     percent  0.818  0.588       11          1
    """
    codings = as_codings(codings, level=level).counted()
    coefficients = coefficients or _usual(codings)
    faults = [*check_coefficients(coefficients), *check_by(codings, by)]
    name = "reliability" if by in ("", "group") else re.sub(r"\W+", "_", f"reliability_by_{by}")
    empty = Result(_make_frame([], by), name, _TITLES.get(by, f"Agreement by {by}"), "reliability")
    unlike = say_without_labels(codings.variables, "compare") if by == "label" else codings.uncounted
    if nothing := unlike or codings.alone:
        raise_faults(_ABOUT, faults)
        return nothing_to_say(codings, nothing, empty)
    comparisons, coverage = read_comparisons(codings, by, min_units, faults)
    rows = [row for each in comparisons for row in comparison_rows(each, coefficients, resample, least)]
    frame = _make_frame(rows, by)
    if frame.empty and by == "difference":
        return nothing_to_say(codings, "One group of coders: there is no other to hold against it.", empty)
    if frame.empty:
        reason = f"No two coders of a group labelled {say_count(min_units, 'unit')} in common: nothing to compare."
        return nothing_to_say(codings, reason, empty)
    facts, shown = _list_facts(codings, coverage, frame, resample), codings.in_words(frame, "label")
    words, remarks, table = say_agreement(shown, by), remark_agreement(shown, by), print_agreement(shown, by)
    weighted = [WEIGHTED_AGREEMENT] if any(row.get(WEIGHTED) for row in rows) else say_alike(codings)
    remarks = (*remarks, *weighted)
    figure = partial(draw_agreement, shown, by, codings.roles, facts.interval)
    return Result(frame, name, empty.title, "reliability", facts, words, remarks, table, figure, codings.outputs)


def _usual(codings: Codings) -> Sequence[str]:
    """The coefficients that are shown where none are asked for."""
    numbers = [
        each.kind == "number" or (each.kind == "rating" and each.level in ("interval", "ratio"))
        for each in codings.variables
    ]
    return OF_RATINGS if numbers and all(numbers) else ("alpha", "ac1", "percent")


def _make_frame(rows: Sequence[dict[str, object]], by: str) -> pd.DataFrame:
    extra = _EXTRA.get(by, () if by in ("", *BY) else ("difference",))
    figures = [name for name in COLUMNS if name != "p" or by == "difference" or "difference" in extra]
    heads = [name for name in _HEADS if name in ("variable", "label", "group", "level", *extra)]
    return pd.DataFrame(rows, columns=[*heads, *figures])


def _list_facts(codings: Codings, coverage: Coverage, frame: pd.DataFrame, bootstrap: Bootstrap) -> Facts:
    levels = frame["level"].unique()
    return Facts(
        n_units=int(frame["n_units"].iloc[0]),
        n_coders=int(frame["n_coders"].iloc[0]),
        level=str(levels[0]) if len(levels) == 1 else "",
        bootstrap=bootstrap,
        resampled="units with two or more codings" if codings.clusters is None else "clusters of units",
        coverage=coverage,
        joins=codings.joins,
        n_clusters=0 if codings.clusters is None else int(frame["n_clusters"].max()),
    )


def label_shares(codings: Codings | pd.DataFrame, *, level: str = "") -> Result:
    """How often did each coder, the gold among them, give each label? A chance-corrected coefficient depends on it.

    Returns
    -------
    Result
        `frame`: variable, label, coder, n (codings with the label), n_codings, share. The labels of a `multi` variable
        are counted one by one, so their shares need not sum to 1.

    Examples
    --------
    >>> from codebook.analysis.core.examples import observers_2011
    >>> result = label_shares(observers_2011(), level="nominal")
    >>> result.frame[result.frame["label"] == "1"][["coder", "n", "n_codings", "share"]].round(2).to_numpy().tolist()
    [['A', 3, 9, 0.33], ['B', 2, 11, 0.18], ['C', 1, 10, 0.1], ['D', 3, 11, 0.27]]
    """
    codings = as_codings(codings, level=level, whole=True).counted()
    labelled = [each for each in codings.variables if codings.coverage.get(each.name, {}).get("labelled")]
    read = [(each, next(read_variable(codings, each, codings.coders))[1]) for each in labelled]
    rows = [row for variable, codes in read if codes is not None for row in _count_labels(variable, codes)]
    frame = pd.DataFrame(rows, columns=["variable", "label", "coder", "n", "n_codings", "share"])
    n_units = max((len(codes.units) for _, codes in read if codes is not None), default=0)
    facts = Facts(n_units, joins=codings.joins)
    result = Result(frame, "label_shares", "Share of each label by coder", "shares", facts)
    if frame.empty:
        reason = say_without_labels(labelled, "count") or "No coding has a label: nothing to count."
        return nothing_to_say(codings, reason, result)
    shown = list(_EVERY) if codings.interchangeable else codings.busiest(MOST_COLUMNS - 1)
    named = codings.in_words(frame, "label")
    return replace(
        result,
        finding=_say_shares(named[named["coder"].isin(shown)], facts.places),
        table=_print_shares(named, shown, facts.places),
        remarks=(*_remark_sizes(named[named["coder"].isin(shown)]), *say_alike(codings)),
        names=tuple(shown),
        outputs=codings.outputs,
    )


def _count_labels(variable: VariableLike, codes: LabelCodes) -> Iterator[dict[str, object]]:
    """One row per coder and label."""
    labelled, scale = codes.answered(), codes.scale
    if codes.interchangeable:
        labelled = replace(labelled, coder=np.zeros_like(labelled.coder), coders=_EVERY)
    n_coders, n_labels = len(labelled.coders), scale.n_labels
    counts = np.bincount(labelled.coder * n_labels + labelled.code, minlength=n_coders * n_labels)
    counts = counts.reshape(n_coders, n_labels)
    times = counts @ scale.members.astype(int) if scale.members.size else counts
    names = tuple(variable.labels or ()) if scale.members.size else scale.labels
    for coder, n_codings, numbers in zip(labelled.coders, counts.sum(axis=1).tolist(), times.tolist(), strict=True):
        for label, n in zip(names, numbers, strict=True):
            about = {"variable": variable.name, "label": label, "coder": coder}
            yield {**about, "n": n, "n_codings": n_codings, "share": n / max(n_codings, 1)}


def _say_shares(frame: pd.DataFrame, places: int) -> str:
    """The commonest label of the first variable, who of the busiest coders gave it least and most, who gave another."""
    first = frame[frame["variable"] == frame["variable"].iloc[0]]
    label = first.groupby("label", sort=False)["n"].sum().idxmax()
    rows = first[(first["label"] == label) & (first["n_codings"] > 0)].sort_values("share", kind="stable")
    least, most = (
        f"{format_figure(rows['share'].iloc[at], places, 'share')} ({rows['coder'].iloc[at]})" for at in (0, -1)
    )
    others = [
        f"{each['coder']} gives {each['label']!r} most ({format_figure(each['share'], places, 'share')})"
        for each in first.loc[first.groupby("coder", sort=False)["share"].idxmax()].to_dict("records")
        if each["share"] > rows.set_index("coder")["share"].get(each["coder"], math.inf)
    ]
    more = f"; {len(others) - _MOST_OTHERS:,} more give another one most" if len(others) > _MOST_OTHERS else ""
    return (
        f"The commonest label of {first['variable'].iloc[0]} is {label!r}: from {least} to {most} of a coder's labels"
        f"{''.join(f'; {other}' for other in others[:_MOST_OTHERS])}{more}."
    )


def _remark_sizes(frame: pd.DataFrame) -> Iterator[str]:
    """Say of how many codings the shares are, where coders coded different numbers."""
    sizes = frame[frame["variable"] == frame["variable"].iloc[0]].drop_duplicates("coder")
    if sizes["n_codings"].nunique() > 1:
        told = ", ".join(f"{row['coder']} {row['n_codings']:,}" for row in sizes.to_dict("records"))
        yield f"The shares are of different numbers of codings ({told}), so perhaps of different units."


def _print_shares(frame: pd.DataFrame, coders: Sequence[str], places: int) -> pd.DataFrame:
    """One row per label, one column per coder."""
    several = frame["variable"].nunique() > 1
    rows: dict[str, dict[str, str]] = {}
    for row in frame[frame["coder"].isin(coders)].to_dict("records"):
        label = f"{row['variable']}: {row['label']}" if several else row["label"]
        rows.setdefault(label, {})[row["coder"]] = format_figure(row["share"], places, "share")
    table = pd.DataFrame([{"Label": label, **shares} for label, shares in rows.items()])
    return table[["Label", *(name for name in coders if name in table)]].fillna("")


def coder_pairs(codes: LabelCodes, min_units: int) -> pd.DataFrame:
    """Alpha and percent agreement of every two coders with common units: a, b, n_units, percent, alpha, reason."""
    rows = []
    for a, b, pair in each_pair(codes.answered(), min_units):
        figures = comparison_rows(Comparison({}, pair), ("percent", "alpha"), Bootstrap(0))
        about = {name: figures[1][name] for name in ("n_units", "low", "high", "reason")}
        rows.append({"a": a, "b": b, **{str(each["coefficient"]): each["value"] for each in figures}, **about})
    return pd.DataFrame(rows, columns=["a", "b", "n_units", "percent", "alpha", "low", "high", "reason"])
