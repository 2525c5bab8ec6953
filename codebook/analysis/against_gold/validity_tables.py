"""Validity of many coders at a glance: one row a coder."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from codebook.analysis.against_gold.gold_cells import (
    Cells,
    Pair,
    change_level,
    count_cells,
    match_codes,
    read_pair,
    why_no_pair,
)
from codebook.analysis.against_gold.label_validity import describe_design
from codebook.analysis.against_gold.measures import (
    NOT_ASKED,
    Measure,
    alpha_statistic,
    check_request,
    commonest,
    measure_cells,
    measure_statistic,
    spread,
)
from codebook.analysis.core.checks import carry_joins, check_coders, check_columns, raise_faults
from codebook.analysis.core.counts import Clusters
from codebook.analysis.core.empty import make_empty
from codebook.analysis.core.estimates import Bootstrap
from codebook.analysis.core.scales import SET_LEVELS
from codebook.analysis.reliability.krippendorff import estimate_alpha, pairable


def validity_summary(
    table: pd.DataFrame,
    *,
    variable: str,
    labels: Sequence[str],
    level: str,
    gold: str,
    coders: Iterable[str] | None = None,
    kind: str = "single",
    replicates: int = 1000,
    confidence: float = 0.95,
    seed: int = 1,
    draw: int = 0,
    sample: pd.DataFrame | None = None,
    cluster: Clusters | None = None,
) -> pd.DataFrame:
    """One row a coder: how well each meets the gold, beside what a constant answer would get.

    Parameters
    ----------
    level
        Level of measurement for alpha with gold. For `multi` the distance of sets: `masi` or `jaccard`; any other
        level is then taken as `masi`.
    coders
        None takes everyone but gold who has a row of the variable in this draw; where there is nobody, the frame is
        empty and says so.
    sample, cluster
        As in `validity`; alpha is weighted too.

    Returns
    -------
    pd.DataFrame
        coder, n_gold, n_asked, n_answered; accuracy (for `multi` exact match), macro_f1, mcc (not for `multi`) and
        alpha with gold, each with _low and _high; alpha_level, baseline_accuracy, baseline_macro_f1, baseline_label,
        never_predicted, reason. `attrs`: coverage by coder, what was resampled, seed, versions.

    Examples
    --------
    >>> from codebook.analysis.core.examples import make_table
    >>> table = make_table("tone", {"gold": list("aaaabbbb"), "m1": list("aaabbbba"), "m2": list("aaaaaaaa")})
    >>> frame = validity_summary(table, variable="tone", labels=["a", "b"], level="nominal", gold="gold")
    >>> frame[["coder", "n_asked", "accuracy", "macro_f1", "alpha", "baseline_accuracy", "never_predicted"]].round(2)
      coder  n_asked  accuracy  macro_f1  alpha  baseline_accuracy never_predicted
    0    m1        8      0.75      0.75   0.53                0.5
    1    m2        8      0.50      0.33  -0.25                0.5               b
    """
    check_request(kind, replicates, confidence)
    about = f"The coders cannot be held against gold {gold!r}."
    raise_faults(about, check_columns(table))
    if coders is None:
        rows = (table["variable"] == variable) & (table["draw"] == draw) & (table["coder"] != gold)
        coders = sorted(table.loc[rows, "coder"].unique())
    coders = list(coders)
    if not coders:
        return make_empty(
            why_no_pair(table, variable, gold), ["coder", "n_gold", "n_asked", "accuracy", "alpha"], table=table
        )
    raise_faults(about, check_coders(table, [*coders, gold]))
    set_level = level if level in SET_LEVELS else "masi"
    read_level, alpha_level = (set_level, set_level) if kind == "multi" else ("nominal", level)
    how = Bootstrap(replicates, confidence, seed)
    asked: dict[str, Any] = {"variable": variable, "labels": labels, "gold": gold, "level": read_level, "draw": draw}
    pairs = [read_pair(table, coder=coder, sample=sample, cluster=cluster, **asked) for coder in coders]
    rows_of = [_summary_row(pair, labels, alpha_level, how, kind) for pair in pairs]
    frame = pd.DataFrame([{"coder": coder, **row} for coder, row in zip(coders, rows_of, strict=True)])
    told = describe_design(pairs[0].design) if pairs else {}
    coverage = {coder: pair.coverage for coder, pair in zip(coders, pairs, strict=True)}
    frame.attrs = {"variable": variable, "gold": gold, "kind": kind, "draw": draw, **told, "coverage": coverage}
    frame.attrs |= how.attrs | carry_joins(table)
    return frame


def _summary_row(pair: Pair, labels: Sequence[str], level: str, how: Bootstrap, kind: str) -> dict[str, object]:
    cells = count_cells(pair, labels)
    measures = measure_cells(cells, how)
    alpha = alpha_with_gold(pair, cells, labels, level, how)
    mcc = measures.overall["MCC"]
    reasons = [measures.overall["macro F1"].gap, f"alpha: {alpha.gap}" if alpha.gap else ""]
    return {
        **{"n_gold": cells.n_gold, "n_asked": cells.n_asked, "n_answered": cells.n_answered},
        **spread("accuracy", measures.overall["accuracy"]),
        **spread("macro_f1", measures.overall["macro F1"]),
        **({} if kind == "multi" else spread("mcc", mcc)),
        **{**spread("alpha", alpha), "alpha_level": level},
        "baseline_accuracy": measures.baseline["accuracy"].value,
        "baseline_macro_f1": measures.baseline["macro F1"].value,
        "baseline_label": " = ".join(commonest(cells)[1]),
        "never_predicted": ", ".join(cells.never_predicted),
        "reason": "; ".join(filter(None, reasons)) if cells.n_asked else NOT_ASKED,
    }


def alpha_with_gold(pair: Pair, cells: Cells, labels: Sequence[str], level: str, how: Bootstrap) -> Measure:
    """Krippendorff's alpha of gold and coder; with a sample, of weighted units."""
    codings = change_level(pair.codings, level=level, labels=labels)
    if not pair.design.weighted:
        alpha, _ = estimate_alpha(pairable(codings), how)
        return Measure(alpha.value, alpha.low, alpha.high, alpha.reason)
    statistic = alpha_statistic(cells, codings.scale, match_codes(pair.codings, codings))
    return measure_statistic(cells, statistic, how)
