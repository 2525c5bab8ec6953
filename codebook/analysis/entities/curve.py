"""Precision, recall and F1 over the threshold of a score, on a half of the entities that the threshold never saw."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from codebook.analysis.core.drawing import drawn_places, dress_axes, literal, new_figure, say_in_picture
from codebook.analysis.core.estimates import Bootstrap, say_figure
from codebook.analysis.core.result import Facts, Result
from codebook.analysis.entities.evaluation import REPLICATES, rate_columns, rates_with_intervals
from codebook.analysis.entities.name_lists import Truth, check_columns, raise_faults
from codebook.analysis.entities.scores import BASELINE
from codebook.analysis.entities.truth import HALVES, count_true_pairs, known_entities, label_pairs, split_entities
from codebook.errors import Fault
from codebook.ground.quantities import places_of, say_percent
from codebook.outputs.figure_style import INK, MODEL, MUTED, house_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]
_LINES = {"precision": (MODEL, (0, (5, 2))), "recall": (MUTED, (0, (1, 1.4))), "f1": (INK, "solid")}
_PAIRS = (
    "Counted are pairs of mentions; links and clusters, which are decided from them, are counted in their own table."
)
_SHOWN = {"precision": "precision", "recall": "recall", "f1": "F1"}
_TITLES = {"score": "All scores together", BASELINE: "Shared words (baseline)"}


def pair_curve(
    scores: pd.DataFrame,
    truth: Truth,
    *,
    names: Sequence[str] = ("score", BASELINE),
    steps: int = 100,
    one_to_one: bool = False,
    resample: Bootstrap = REPLICATES,
    folder: Path | None = None,
) -> Result:
    """Precision, recall and F1 of the pairs at or above each threshold, in each half of the entities.

    With a list, a mention's best entity is its only pair (where several tie, each counts in its share). Recall is
    of all true pairs, those that blocking lost included. Rows of equal form count once.

    Parameters
    ----------
    scores
        Of `combine_scores`.
    truth
        Entity of each mention id; missing where the list has none.
    names
        Columns that are looked at, the baseline beside the combined score.
    steps
        Thresholds between 0 and 1.
    one_to_one
        Keep only pairs in which each side is the other's best.
    resample
        Of the entities, which are the independent draws; pairs are not. Its seed also splits the entities in halves.
    folder
        Into which the result is saved.

    Returns
    -------
    Result
        `.frame` has one row per score, half and threshold: `score half threshold precision recall f1`, `_low` and
        `_high` of each, `n_pairs` at or above it, `n_true` pairs to be found, `chosen` (the threshold that
        `choose_threshold` takes). What may be reported (`chosen_figures`) is printed.

    Examples
    --------
    >>> import pandas as pd
    >>> from codebook.analysis.entities import Names, candidate_pairs, combine_scores, score_pairs
    >>> forms = ["Ann Lee", "Lee, Ann", "Ann Li", "Bo Ek", "Ek, Bo", "Bo Eck"]
    >>> names = Names(pd.DataFrame({"mention_id": list("abcdef"), "name": forms}))
    >>> scores = combine_scores(score_pairs(candidate_pairs(names), names))
    >>> curve = pair_curve(scores, dict(zip("abcdef", "112334")), resample=Bootstrap(0))
    >>> curve.frame["score"].unique().tolist()
    ['score', 'word_overlap']
    """
    mend = "pass the pairs of combine_scores"
    raise_faults("The curve cannot be drawn.", check_columns(scores, ["found_by", *names], "pairs", mend))
    pairs = label_pairs(scores, truth, seed=resample.seed)
    pairs = pairs[pairs["found_by"] != "form"]
    true, thresholds = count_true_pairs(scores, truth), np.linspace(0, 1, steps + 1)
    side = split_entities(truth, seed=resample.seed)
    parts = []
    for name in names:
        best = best_pairs(pairs, name, one_to_one=one_to_one)
        for half in HALVES:
            owners = _entities_of(truth, side, half)
            counts = _counts(best[best["half"] == half], name, true, owners, thresholds)
            parts.append(_rows(name, half, thresholds, counts, *rates_with_intervals(counts, resample)))
    curve = pd.concat(parts, ignore_index=True)
    curve["chosen"] = False
    for name in names:
        at = choose_threshold(curve, name)
        curve.loc[(curve["score"] == name) & (curve["threshold"] == at), "chosen"] = True
    return _as_result(curve, resample, folder)


def _as_result(curve: pd.DataFrame, resample: Bootstrap, folder: Path | None) -> Result:
    best = chosen_figures(curve)
    n_true = int(best["n_true"].max()) if len(best) else 0
    places = places_of(n_true)
    figures = [
        f"{_TITLES.get(row['score'], row['score'])}: F1 of pairs {say_figure(row, 'f1', places)} at a threshold of "
        f"{row['threshold']:g}"
        for _, row in best.iterrows()
    ]
    columns = [column for column in best if column not in ("half", "n_pairs")]
    return Result(
        curve,
        "pair_curve",
        "Precision, recall and F1 by threshold",
        "entities",
        Facts(n_true, bootstrap=resample, resampled="entities"),
        f"{'; '.join(figures)} ({n_true:,} true pairs).",
        (
            "The threshold is that of the largest F1 on one half of the entities; the figures are of the other half.",
            _PAIRS,
        ),
        best[columns],
        partial(_plot_curve, curve, resample.confidence),
        folder,
    )


def choose_threshold(curve: pd.DataFrame, score: str = "score", *, precision: float = 0.0) -> float:
    """Return the threshold with the largest F1 in the half "choose"; of equal ones, the middle one.

    Parameters
    ----------
    precision
        At least this precision in that half, e.g. .99 where a wrong merge costs more than a missed one.

    Raises
    ------
    ParameterError
        No threshold reaches the precision. Without a precision there always is one; it is 1 where there are no pairs.

    Examples
    --------
    >>> curve = pd.DataFrame({"threshold": [0.4, 0.5, 0.6], "f1": [0.8, 0.9, 0.7], "n_pairs": [3, 2, 1]})
    >>> choose_threshold(curve.assign(score="score", half="choose", precision=[0.8, 0.9, 1.0]))
    0.5
    """
    rows = curve[(curve["score"] == score) & (curve["half"] == "choose") & (curve["precision"] >= precision)]
    rows = rows[rows["n_pairs"] > 0]
    if rows.empty and not precision and (curve["score"] == score).any():
        return 1.0
    if rows.empty:
        mend = f"name a score of the curve ({', '.join(curve['score'].unique())}) and ask for less"
        fault = Fault("precision", f"no threshold of {score!r} reaches {precision:g}", mend)
        raise_faults("No threshold can be chosen.", [fault])
    best = rows.loc[rows["f1"] >= rows["f1"].max() - 1e-9, "threshold"].to_numpy()
    return float(best[len(best) // 2])


def chosen_figures(curve: pd.DataFrame) -> pd.DataFrame:
    """Rows of the half "test" at the thresholds chosen on the other half: what may be reported.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = [("score", "choose", 0.5, False), ("score", "test", 0.5, True), ("score", "test", 0.6, False)]
    >>> chosen_figures(pd.DataFrame(rows, columns=["score", "half", "threshold", "chosen"]))
       score  half  threshold
    0  score  test        0.5
    """
    return curve[(curve["half"] == "test") & curve["chosen"]].drop(columns="chosen").reset_index(drop=True)


def best_pairs(pairs: pd.DataFrame, name: str, *, one_to_one: bool = False) -> pd.DataFrame:
    """Pairs that a decision can take, with `share`: with a list the best entity of each mention, else all pairs."""
    if not pairs["listed"].any():
        return pairs.assign(share=1.0)
    pairs = pairs.sort_values(name, ascending=False, kind="stable").drop_duplicates(["left", "right"])
    best = pairs[name] >= pairs.groupby("left")[name].transform("max") - 1e-12
    if one_to_one:
        best &= pairs[name] >= pairs.groupby("right")[name].transform("max") - 1e-12
    taken = pairs[best]
    return taken.assign(share=1 / taken.groupby("left")[name].transform("size"))


def _entities_of(truth: Truth, side: pd.Series, half: str) -> pd.Index:
    owners: pd.Index = pd.Index(known_entities(truth)[(side == half).to_numpy()].unique())
    return owners


def _counts(pairs: pd.DataFrame, name: str, true: pd.Series, owners: pd.Index, thresholds: Floats) -> Floats:
    """Found, right, true and found of the true pairs, by entity and threshold."""
    entity = owners.get_indexer(pd.Index(pairs["entity"]))
    last = np.searchsorted(thresholds, pairs[name].to_numpy(dtype=float) + 1e-12, side="right") - 1
    cell, size = entity * len(thresholds) + np.maximum(last, 0), len(owners) * len(thresholds)
    share, same = pairs["share"].to_numpy(), pairs["same"].to_numpy(dtype=float)
    above = [np.bincount(cell, weight, minlength=size).reshape(len(owners), -1) for weight in (share, share * same)]
    claimed, right = (part[:, ::-1].cumsum(axis=1)[:, ::-1] for part in above)
    whole = np.repeat(true.reindex(owners, fill_value=0).to_numpy(dtype=float)[:, None], len(thresholds), axis=1)
    return np.stack([claimed, right, whole, right], axis=-1)


def _rows(name: str, half: str, thresholds: Floats, counts: Floats, values: Floats, ends: Floats) -> pd.DataFrame:
    columns = {"score": name, "half": half, "threshold": thresholds.round(6), **rate_columns(values, ends)}
    sums = counts.sum(axis=0)
    return pd.DataFrame(columns | {"n_pairs": sums[:, 0].round().astype(int), "n_true": sums[:, 2].astype(int)})


@house_style()
def _plot_curve(curve: pd.DataFrame, confidence: float) -> Figure:
    """The curve of the half "test" with intervals, and F1 at the threshold of the other half; a panel per score."""
    scores = list(dict.fromkeys(curve["score"]))
    figure = new_figure("two" if len(scores) > 1 else "middle", 75)
    panels = figure.subplots(1, len(scores), sharey=True, squeeze=False)[0]
    test = curve[curve["half"] == HALVES[1]]
    for axes, score in zip(panels, scores, strict=True):
        _draw(axes, test[test["score"] == score])
        axes.set_title(_TITLES.get(score, score))
    panels[0].set_ylabel("share of pairs")
    panels[0].legend(loc="lower left", bbox_to_anchor=(0, 1.08), ncols=len(_LINES))
    share = say_percent(confidence)
    words = f"{int(test['n_true'].max()):,} true pairs of mentions; bands: {share} bootstrap intervals over entities"
    say_in_picture(figure, f"{words}; dashed: threshold chosen on the other half of the entities. {_PAIRS}")
    return literal(figure)


def _draw(axes: Axes, rows: pd.DataFrame) -> None:
    """Three lines with their bands, the chosen threshold and its F1; precision only where something was found."""
    for measure, (colour, style) in _LINES.items():
        shown = rows[rows["n_pairs"] > 0] if measure == "precision" else rows
        ends = shown[f"{measure}_low"], shown[f"{measure}_high"]
        axes.fill_between(shown["threshold"], *ends, color=colour, alpha=0.13, linewidth=0)
        axes.plot(shown["threshold"], shown[measure], color=colour, linestyle=style, label=_SHOWN[measure])
    for row in rows[rows["chosen"]].to_dict("records"):
        axes.axvline(row["threshold"], color=MUTED, linewidth=0.7, linestyle=(0, (4, 3)), zorder=0)
        axes.plot([row["threshold"]], [row["f1"]], "o", color=INK)
        right = row["threshold"] < 0.6
        place: dict[str, Any] = {
            "xytext": (4 if right else -4, 0),
            "textcoords": "offset points",
            "ha": "left" if right else "right",
        }
        axes.annotate(f"F1 {say_figure(row, 'f1', drawn_places(row['n_true']))}", (row["threshold"], 0.03), **place)
    axes.set(xlim=(0, 1), ylim=(0, 1.02))
    dress_axes(axes, "threshold of the score")
