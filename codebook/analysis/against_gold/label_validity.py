"""Validity: does a coder give the labels of the gold? Precision, recall, F1, accuracy, and what a constant gets."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import Any

import pandas as pd

from codebook.analysis.against_gold.gold_cells import Cells, count_cells, read_pair, why_no_pair
from codebook.analysis.against_gold.measures import (
    LABEL_MEASURES,
    NO_MCC,
    NOT_ASKED,
    NOTE,
    Measures,
    check_request,
    commonest,
    explain_gaps,
    measure_cells,
    spread,
)
from codebook.analysis.core.checks import carry_joins
from codebook.analysis.core.counts import Clusters
from codebook.analysis.core.empty import make_empty
from codebook.analysis.core.estimates import Bootstrap
from codebook.analysis.core.sample_design import Design

_SHOWN = {
    "single": {
        "accuracy": "accuracy",
        "accuracy among answered": "accuracy among answered",
        "macro F1": "macro F1",
        "MCC": "MCC",
    },
    "multi": {
        "accuracy": "exact match",
        "accuracy among answered": "exact match among answered",
        "Jaccard": "Jaccard",
        "micro F1": "micro F1",
        "macro F1": "macro F1",
    },
}

_COLUMNS = (
    *("part", "name", "n"),
    *(f"{name}{end}" for name in LABEL_MEASURES for end in ("", "_low", "_high")),
    *("reason", "value", "value_low", "value_high"),
)


def validity(
    table: pd.DataFrame,
    *,
    variable: str,
    labels: Sequence[str],
    coder: str | None,
    gold: str,
    kind: str = "single",
    replicates: int = 1000,
    confidence: float = 0.95,
    seed: int = 1,
    draw: int = 0,
    sample: pd.DataFrame | None = None,
    cluster: Clusters | None = None,
) -> pd.DataFrame:
    """Measures of a coder against gold, label by label and overall, beside those of a constant answer.

    A gold unit asked and not answered (`why` is set) is wrong in accuracy and missed in recall; the row "among
    answered" leaves it out. One without a row of the coder was not asked and is left out. Intervals resample units.

    Parameters
    ----------
    coder
        None, where nobody coded beside the gold, gives an empty frame that says so.
    kind
        `single` (or `rating`): one label a unit. `multi`: sets of labels, measured label by label as given or not.
    sample
        Of `read_gold_sample`: gold outside it is not used, units weigh 1 / `prob`, and are resampled within strata.
    cluster
        Cluster of each unit_id, e.g. its author: whole clusters are then resampled.

    Returns
    -------
    pd.DataFrame
        Rows of `part` "label": n (gold units with it), prevalence, precision, recall, f1, each with _low and _high. Of
        "overall" and "baseline" (always gold's commonest answer): n, value, value_low, value_high of accuracy, macro F1
        and MCC; for `multi` exact match, Jaccard, micro and macro F1. `reason`: why a figure is missing. `attrs`:
        n_gold, n_asked, n_answered, coverage, never_predicted, baseline, resampled, weighted, seed, versions, note.

    Examples
    --------
    >>> from codebook.analysis.core.examples import make_table
    >>> table = make_table("tone", {"gold": list("aaaabbbc"), "model": list("aaabbbba")})
    >>> frame = validity(table, variable="tone", labels=["a", "b", "c"], coder="model", gold="gold")
    >>> frame[["part", "name", "n", "precision", "recall", "f1", "value"]].round(2)
           part                     name  n  precision  recall    f1  value
    0     label                        a  4       0.75    0.75  0.75    NaN
    1     label                        b  3       0.75    1.00  0.86    NaN
    2     label                        c  1        NaN    0.00  0.00    NaN
    3   overall                 accuracy  8        NaN     NaN   NaN   0.75
    4   overall  accuracy among answered  8        NaN     NaN   NaN   0.75
    5   overall                 macro F1  8        NaN     NaN   NaN   0.54
    6   overall                      MCC  8        NaN     NaN   NaN   0.57
    7  baseline                 accuracy  8        NaN     NaN   NaN   0.50
    8  baseline                 macro F1  8        NaN     NaN   NaN   0.22
    """
    check_request(kind, replicates, confidence)
    if coder is None:
        return make_empty(why_no_pair(table, variable, gold), _COLUMNS, table=table)
    level = "masi" if kind == "multi" else "nominal"
    asked: dict[str, Any] = {"variable": variable, "coder": coder, "gold": gold, "draw": draw}
    pair = read_pair(table, labels=labels, level=level, sample=sample, cluster=cluster, **asked)
    cells = count_cells(pair, labels)
    measures = measure_cells(cells, how := Bootstrap(replicates, confidence, seed))
    frame = pd.DataFrame([*_label_rows(cells, measures), *_overall_rows(cells, measures, kind)])
    frame.attrs = {
        **{"variable": variable, "coder": coder, "gold": gold, "kind": kind, "draw": draw},
        **{**describe_design(pair.design), "coverage": pair.coverage},
        **{"n_gold": cells.n_gold, "n_asked": cells.n_asked, "n_answered": cells.n_answered},
        **{"never_predicted": cells.never_predicted, "baseline": commonest(cells)[1], **how.attrs},
        **carry_joins(table),
    }
    return frame


def describe_design(design: Design) -> dict[Hashable, Any]:
    """For a frame's `attrs`: its note, what was resampled, whether gold units are weighted."""
    return {"note": " ".join([NOTE, *design.notes]), "resampled": design.resampled, "weighted": design.weighted}


def _label_rows(cells: Cells, measures: Measures) -> Iterator[dict[str, object]]:
    n_with = cells.gold.T.astype(int) @ cells.times
    for at, label in enumerate(cells.labels):
        own = {name: column[at] for name, column in measures.by_label.items()}
        figures: dict[str, object] = {}
        for name, measure in own.items():
            figures.update(spread(name, measure))
        reason = explain_gaps(own) if cells.n_asked else NOT_ASKED
        yield {"part": "label", "name": label, "n": int(n_with[at]), **figures, "reason": reason}


def _overall_rows(cells: Cells, measures: Measures, kind: str) -> Iterator[dict[str, object]]:
    shown = _SHOWN["multi" if kind == "multi" else "single"]
    for key, name in shown.items():
        n_units = cells.n_answered if key.endswith("answered") else cells.n_asked
        reason = measures.overall[key].gap if cells.n_asked else NOT_ASKED
        reason = (NO_MCC if key == "MCC" else "no answer at all") if reason == "undefined" else reason
        head = {"part": "overall", "name": name, "n": n_units}
        yield {**head, **spread("value", measures.overall[key]), "reason": reason}
    for key, name in shown.items():
        if not key.endswith("answered") and key != "MCC":
            head = {"part": "baseline", "name": name, "n": cells.n_asked}
            yield {**head, **spread("value", measures.baseline[key]), "reason": _constant(cells)}


def _constant(cells: Cells) -> str:
    """What the baseline always answers; a tie is said."""
    if not cells.n_asked:
        return NOT_ASKED
    first, *others = commonest(cells)[1]
    tie = f" (as common: {', '.join(map(repr, others))})" if others else ""
    return f"always {first!r}{tie}"
