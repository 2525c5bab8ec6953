"""Validity: does a coder give the labels of the gold? Confusion, precision, recall, F1, and what a constant gets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from codebook.analysis.gold import Cells, count_cells, read_pair
from codebook.analysis.measures import (
    NOT_ASKED,
    NOTE,
    Measures,
    check_request,
    commonest,
    explain_gaps,
    measure_cells,
    spread,
)
from codebook.analysis.reliability import Bootstrap

_SHOWN = {
    "single": {"accuracy": "accuracy", "accuracy among answered": "accuracy among answered", "macro F1": "macro F1"},
    "multi": {
        "accuracy": "exact match",
        "accuracy among answered": "exact match among answered",
        "Jaccard": "Jaccard",
        "micro F1": "micro F1",
        "macro F1": "macro F1",
    },
}


def confusion(
    table: pd.DataFrame, *, variable: str, labels: Sequence[str], coder: str, gold: str, draw: int = 0
) -> pd.DataFrame:
    """Counts of gold label by coder's label, for a variable with one label a unit.

    Parameters
    ----------
    gold
        The coder of the table whose labels are the gold (draw 0).
    draw
        Of the coder.

    Returns
    -------
    pd.DataFrame
        Rows are gold labels, columns the coder's labels, all in codebook order, then a column in brackets for each
        why, e.g. ``(refused)``, and ``(not asked)`` for gold units without a row: it sums to the gold units.

    Examples
    --------
    >>> from codebook.analysis.examples import make_table
    >>> table = make_table("tone", {"gold": ["a", "a", "b", "b"], "model": ["a", "b", "b", None]})
    >>> confusion(table, variable="tone", labels=["a", "b"], coder="model", gold="gold")
    model  a  b  (absent)
    gold
    a      1  1         0
    b      0  1         1
    """
    pair = read_pair(table, variable=variable, labels=labels, coder=coder, gold=gold, draw=draw)
    whys = [f"({why})" for why in pair.whys]
    columns = [*labels, *whys, "(not asked)"]
    column = np.where(pair.coded >= 0, pair.coded, len(labels) + np.where(pair.asked, pair.why, len(whys)))
    counts = np.bincount(pair.gold * len(columns) + column, minlength=len(labels) * len(columns))
    frame = pd.DataFrame(
        counts.reshape(len(labels), len(columns)),
        index=pd.Index(list(labels), name=gold),
        columns=pd.Index(columns, name=coder),
    )
    empty = [name for name in columns[len(labels) :] if not frame[name].any()]
    frame = frame.drop(columns=empty)
    frame.attrs = {"variable": variable, "coder": coder, "gold": gold, "n_gold": len(pair.gold), "draw": draw}
    return frame


def validity(
    table: pd.DataFrame,
    *,
    variable: str,
    labels: Sequence[str],
    coder: str,
    gold: str,
    kind: str = "single",
    replicates: int = 1000,
    confidence: float = 0.95,
    seed: int = 1,
    draw: int = 0,
) -> pd.DataFrame:
    """Measures of a coder against gold, label by label and overall, beside those of a constant answer.

    A gold unit asked and not answered (`why` is set) is wrong in accuracy and missed in recall; the row "among
    answered" leaves it out. One without a row of the coder was not asked and is left out. Intervals resample gold
    units.

    Parameters
    ----------
    kind
        `single` (or `rating`): one label a unit. `multi`: sets of labels, measured label by label as given or not.

    Returns
    -------
    pd.DataFrame
        Rows of `part` "label": n (gold units with it), prevalence, precision, recall, f1, each with _low and _high. Of
        "overall" and "baseline" (always gold's commonest answer): n, value, value_low, value_high of accuracy and macro
        F1; for `multi` exact match, Jaccard, micro and macro F1. `reason`: why a figure is missing. `attrs`: n_gold,
        n_asked, n_answered, never_predicted, baseline, seed, replicates, versions, a note on unanswered units.

    Examples
    --------
    >>> from codebook.analysis.examples import make_table
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
    6  baseline                 accuracy  8        NaN     NaN   NaN   0.50
    7  baseline                 macro F1  8        NaN     NaN   NaN   0.22
    """
    check_request(kind, replicates, confidence)
    level = "masi" if kind == "multi" else "nominal"
    pair = read_pair(table, variable=variable, labels=labels, coder=coder, gold=gold, level=level, draw=draw)
    cells = count_cells(pair, labels)
    measures = measure_cells(cells, how := Bootstrap(replicates, confidence, seed))
    frame = pd.DataFrame([*_label_rows(cells, measures), *_overall_rows(cells, measures, kind)])
    frame.attrs = {
        **{"variable": variable, "coder": coder, "gold": gold, "kind": kind, "draw": draw, "note": NOTE},
        **{"n_gold": cells.n_gold, "n_asked": cells.n_asked, "n_answered": cells.n_answered},
        **{"never_predicted": cells.never_predicted, "baseline": commonest(cells)[1], **how.attrs},
    }
    return frame


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
        reason = "no answer at all" if reason == "undefined" else reason
        head = {"part": "overall", "name": name, "n": n_units}
        yield {**head, **spread("value", measures.overall[key]), "reason": reason}
    for key, name in shown.items():
        if not key.endswith("answered"):
            head = {"part": "baseline", "name": name, "n": cells.n_asked}
            yield {**head, **spread("value", measures.baseline[key]), "reason": _constant(cells)}


def _constant(cells: Cells) -> str:
    """What the baseline always answers; a tie is said."""
    if not cells.n_asked:
        return NOT_ASKED
    first, *others = commonest(cells)[1]
    tie = f" (as common: {', '.join(map(repr, others))})" if others else ""
    return f"always {first!r}{tie}"
