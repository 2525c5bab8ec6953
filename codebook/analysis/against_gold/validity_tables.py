"""Validity: do the coders give the labels of the gold? Coder by coder, label by label, or by group of units."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from codebook.analysis.against_gold.gold_cells import (
    Cells,
    Pair,
    change_level,
    count_cells,
    list_facts,
    list_labels,
    match_codes,
    read_alpha_level,
    read_gold,
    read_pair,
    remark_gold,
    say_no_labels,
    say_no_pair,
)
from codebook.analysis.against_gold.group_errors import compare_groups
from codebook.analysis.against_gold.measures import (
    LABEL_MEASURES,
    MEASURES,
    NO_MCC,
    NOT_ASKED,
    NOTE,
    Measure,
    Measures,
    alpha_statistic,
    commonest,
    explain_gaps,
    measure_cells,
    measure_overall,
    measure_statistics,
    spread,
)
from codebook.analysis.against_gold.rating_errors import (
    ERROR_NOTE,
    draw_errors,
    is_scale,
    measure_errors,
    number_row,
    print_errors,
    read_points,
    say_errors,
)
from codebook.analysis.core.checks import name_some
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.estimates import Bootstrap, say_figure
from codebook.analysis.core.forest import plot_estimates
from codebook.analysis.core.result import Result, blank_result, nothing_to_say
from codebook.analysis.reliability.krippendorff import estimate_alpha, pairable
from codebook.ground.quantities import format_figure, places_of, say_count, say_percent
from codebook.outputs.figure_style import Figure

_BY_CODER = ("coder", "n_gold", "n_asked", "accuracy", "alpha")
_BY_LABEL = (
    *("part", "name", "n"),
    *(f"{name}{end}" for name in LABEL_MEASURES for end in ("", "_low", "_high")),
    *("reason", "value", "value_low", "value_high"),
)
_NO_LEVEL = "Alpha with the gold is left out: no level of measurement is said (level=)."
_CONSTANT = "Baselines are those of a constant label: gold's commonest answer for every unit."


def validity(
    codings: Codings | pd.DataFrame,
    coder: str = "",
    *,
    by: str = "",
    gold: str = "",
    level: str = "",
    resample: Bootstrap = Bootstrap(),
) -> Result:
    """Do the coders give the labels of the gold? Beside what a constant label would get.

    A gold unit asked and not answered (`why` is set) is wrong in accuracy and missed in recall; "among answered" leaves
    it out. One without a row of the coder was not asked and is left out. Intervals resample gold units, or their
    clusters; with a gold sample units weigh 1 / their chance, alpha too, and are resampled within its strata.

    Parameters
    ----------
    codings
        Of one variable; or a plain frame: wide (a column per coder) or long (unit, coder, label).
    coder
        Empty takes everyone beside the gold; by label or group the first of them, that of a run before others.
    by
        "": a row per coder. "label": one coder, label by label and overall. Or a covariate (a column of the units): one
        coder on the units of each value, and how far the values are apart.
    gold, level
        Who is the gold, and the level of measurement for alpha with it, where the codings do not say it. The level of
        `multi` variables is the distance of sets: `masi` (also for any other level) or `jaccard`.

    Returns
    -------
    Result
        By coder: coder, n_gold, n_asked, n_answered; accuracy (for `multi` exact match), macro_f1, weighted_f1, mcc and
        balanced_accuracy (not for `multi`) and alpha with gold, each with _low and _high; alpha_level,
        baseline_accuracy, baseline_macro_f1, baseline_label, never_predicted, reason. For ratings and numbers also
        pearson, spearman, ccc (Lin's concordance), mae, rmse and bias (mean error), each with _low and _high, and
        baseline_mae (of gold's median); for numbers these replace accuracy and the other measures of labels.
        By label: rows of `part` "label" have n (gold units with it), prevalence, precision, recall, f1, specificity
        and npv (negative predictive value), each with _low and _high; those of "overall" and "baseline" n, value,
        value_low, value_high of accuracy, macro and weighted F1, MCC and balanced accuracy (for `multi` exact match,
        Jaccard, micro, macro and weighted F1); `reason` says why a figure is missing.
        By a covariate: measure, label, group, difference (whether of two groups), n, value, low, high, reason.

    Raises
    ------
    StatisticError
        All faults of the codings and of the request, each with its mend.

    Examples
    --------
    >>> wide = pd.DataFrame({"gold": list("aaaabbbc"), "m": list("aaabbbba")})
    >>> result = validity(wide, gold="gold", level="nominal")
    >>> print(result.finding.split("; ")[0])
    m meets the gold in 75.0 % of 8 units [40.9, 92.9]
    >>> frame = validity(wide, gold="gold", by="label").frame
    >>> frame[["part", "name", "n", "precision", "recall", "f1", "value"]].round(2)
            part                     name  n  precision  recall    f1  value
    0      label                        a  4       0.75    0.75  0.75    NaN
    1      label                        b  3       0.75    1.00  0.86    NaN
    2      label                        c  1        NaN    0.00  0.00    NaN
    3    overall                 accuracy  8        NaN     NaN   NaN   0.75
    4    overall  accuracy among answered  8        NaN     NaN   NaN   0.75
    5    overall                 macro F1  8        NaN     NaN   NaN   0.54
    6    overall                      MCC  8        NaN     NaN   NaN   0.57
    7    overall        balanced accuracy  8        NaN     NaN   NaN   0.58
    8    overall              weighted F1  8        NaN     NaN   NaN   0.70
    9   baseline                 accuracy  8        NaN     NaN   NaN   0.50
    10  baseline                 macro F1  8        NaN     NaN   NaN   0.22
    11  baseline        balanced accuracy  8        NaN     NaN   NaN   0.33
    12  baseline              weighted F1  8        NaN     NaN   NaN   0.33
    """
    codings = read_gold(codings, gold=gold, level=level)
    if not by:
        return _by_coder(codings, [coder] if coder else codings.beside_gold, resample)
    coder = coder or codings.pick_pair()[0]
    if by != "label":
        return compare_groups(codings, coder, by, resample)
    nothing = blank_result(codings, _BY_LABEL, "validity_by_label", "Label by label", "validity")
    return say_no_labels(codings, nothing) or _by_label(codings, coder, resample)


# -- coder by coder ------------------------------------------------------------------------------------------


def _by_coder(codings: Codings, coders: list[str], bootstrap: Bootstrap) -> Result:
    title = "Each coder against the gold"
    result = blank_result(codings, _BY_CODER, "validity_by_coder", title, "validity")
    if codings.uncounted:
        return nothing_to_say(codings, codings.uncounted, result)
    if not coders:
        return say_no_pair(codings, result)
    is_number, level = codings.variable.kind == "number", read_alpha_level(codings)
    pairs = {coder: read_pair(codings, coder) for coder in coders}
    frame = pd.DataFrame(
        [{"coder": coder, **_coder_row(codings, pair, level, bootstrap)} for coder, pair in pairs.items()]
    )
    first = pairs[coders[0]]
    facts = list_facts(codings, pairs, bootstrap, level=level)
    return replace(
        result,
        frame=frame,
        facts=facts,
        finding=_say_coder(frame.iloc[0], codings),
        remarks=remark_gold(codings, first, *_remark_coders(frame, level)),
        table=print_errors(frame) if is_number else _print_coders(frame),
        figure=lambda: (draw_errors if is_number else _draw_coders)(frame, codings.models, facts.interval),
    )


def _remark_coders(frame: pd.DataFrame, level: str) -> list[str]:
    if "accuracy" not in frame:
        return [ERROR_NOTE]
    return [NOTE, _CONSTANT, *([ERROR_NOTE] if "mae" in frame else []), *([] if level else [_NO_LEVEL])]


def _coder_row(codings: Codings, pair: Pair, level: str, bootstrap: Bootstrap) -> dict[str, object]:
    labels, kind = list_labels(codings), codings.variable.kind
    if kind == "number":
        return number_row(pair, bootstrap)
    cells = count_cells(pair, labels)
    errors = measure_errors(cells, read_points(labels), bootstrap) if is_scale(codings) else None
    overall, baseline = measure_overall(cells, bootstrap)
    nothing = Measure(np.nan, np.nan, np.nan)
    alpha = _measure_alpha(pair, cells, labels, level, bootstrap) if level else nothing
    reasons = [overall["macro F1"].gap, f"alpha: {alpha.gap}" if alpha.gap else ""]
    return {
        **{"n_gold": cells.n_gold, "n_asked": cells.n_asked, "n_answered": cells.n_answered},
        **spread("accuracy", overall["accuracy"]),
        **spread("macro_f1", overall["macro F1"]),
        **({} if kind == "multi" else spread("mcc", overall["MCC"])),
        **({} if kind == "multi" else spread("balanced_accuracy", overall["balanced accuracy"])),
        **spread("weighted_f1", overall["weighted F1"]),
        **{**spread("alpha", alpha), "alpha_level": level},
        **(errors.spread() if errors else {}),
        "baseline_accuracy": baseline["accuracy"],
        "baseline_macro_f1": baseline["macro F1"],
        "baseline_label": " = ".join(commonest(cells)[1]),
        "never_predicted": ", ".join(cells.never_predicted),
        "reason": "; ".join(filter(None, reasons)) if cells.n_asked else NOT_ASKED,
    }


def _measure_alpha(pair: Pair, cells: Cells, labels: Sequence[str], level: str, bootstrap: Bootstrap) -> Measure:
    """Krippendorff's alpha of gold and coder; with a sample, of weighted units."""
    codes = change_level(pair.codings, level=level, labels=labels)
    if not pair.design.weighted:
        alpha, _ = estimate_alpha(pairable(codes), bootstrap)
        return Measure(alpha.value, alpha.low, alpha.high, alpha.reason if np.isnan(alpha.low) else "")
    matched = match_codes(pair.codings, codes)
    return measure_statistics([cells], lambda wide: alpha_statistic(wide, codes.scale, matched), bootstrap)[0]


def _say_coder(row: pd.Series[Any], codings: Codings) -> str:
    """How the first coder meets the gold, beside a constant label, with a warning where it is not shown to."""
    if "accuracy" not in row and (words := say_errors(row, places_of(int(row["n_answered"])))):
        return words
    if np.isnan(row.get("accuracy", np.nan)):
        return f"{row['coder']} cannot be held against the gold: {row['reason']}."
    asked, places = say_count(int(row["n_asked"]), "unit"), places_of(int(row["n_asked"]))
    share = say_figure(row, "accuracy", 1, factor=100).replace(" [", f" % of {asked} [")
    labels = " or ".join(f"'{codings.name_label(label)}'" for label in row["baseline_label"].split(" = "))
    constant = f"always answering {labels} would meet it in {say_percent(row['baseline_accuracy'], 1)}"
    parts = [f"{row['coder']} meets the gold in {share}", constant]
    if row["alpha_level"]:
        answered = f" on the {int(row['n_answered']):,} answered" if row["n_answered"] < row["n_asked"] else ""
        parts.append(f"alpha with the gold ({row['alpha_level']}){answered} is {say_figure(row, 'alpha', places)}")
    warning = ""
    if not row["accuracy_low"] > row["baseline_accuracy"]:
        warning = " It is not shown to be better than that constant: do not use these labels as they are."
    elif row["alpha_level"] and not row["alpha_low"] > 0:
        warning = " Agreement with the gold beyond chance is not shown: do not use these labels as they are."
    errors = say_errors(row, places) if "mae" in row else ""
    return " ".join(filter(None, [f"{'; '.join(parts)}.{warning}", errors]))


def _print_coders(frame: pd.DataFrame) -> pd.DataFrame:
    """Accuracy is of the units asked, alpha of those answered: where these are fewer, both counts stand there."""
    fewer = bool((frame["n_answered"] < frame["n_asked"]).any())
    names = {
        "n_asked": "units",
        "n_answered": "answered",
        "macro_f1": "macro F1",
        "mae": "mean absolute error",
        "bias": "mean error",
        "pearson": "r",
        "baseline_accuracy": "constant label",
    }
    names |= {"alpha": "alpha of answered"} if fewer else {}
    named = {f"{name}{end}": f"{shown}{end}" for name, shown in names.items() for end in ("", "_low", "_high")}
    measures = ("accuracy", "alpha", "mae", "bias", "pearson") if "mae" in frame else ("accuracy", "macro_f1", "alpha")
    columns = [f"{name}{end}" for name in measures for end in ("", "_low", "_high")]
    heads = ["coder", "n_asked", *(["n_answered"] if fewer else [])]
    constant = [] if (fewer and frame["reason"].any()) or "mae" in frame else ["baseline_accuracy"]
    return frame[[*heads, *columns, *constant, "reason"]].rename(columns=named)


def _draw_coders(frame: pd.DataFrame, models: Sequence[str], note: str) -> Figure:
    """Accuracy and alpha of each coder, beside the accuracy of a constant label; people first."""
    shown = {"accuracy": "accuracy", "alpha": "alpha", "baseline_accuracy": "constant label"}
    parts = [
        frame[["coder"]].assign(
            measure=name,
            n=frame["n_answered" if column == "alpha" else "n_asked"],
            value=frame[column],
            low=frame.get(f"{column}_low", np.nan),
            high=frame.get(f"{column}_high", np.nan),
        )
        for column, name in shown.items()
        if frame[column].notna().any()
    ]
    rows = (
        pd.concat(parts, ignore_index=True) if parts else frame.assign(measure="accuracy", value=np.nan, low=0, high=0)
    )
    rows = rows.assign(block=rows["coder"].isin(models)).sort_values("block", kind="stable")
    level = next(iter(frame["alpha_level"]), "")
    alpha = f", and Krippendorff's α with the gold ({level})" if level and frame["alpha"].notna().any() else ""
    return plot_estimates(rows, name="coder", group="measure", quantity=f"accuracy{alpha}", note=note)


# -- label by label ------------------------------------------------------------------------------------------


def _by_label(codings: Codings, coder: str, bootstrap: Bootstrap) -> Result:
    title = f"{coder or 'Coder'} label by label"
    result = blank_result(codings, _BY_LABEL, "validity_by_label", title, "validity")
    if not coder:
        return say_no_pair(codings, result)
    pair = read_pair(codings, coder)
    cells = count_cells(pair, list_labels(codings))
    measures = measure_cells(cells, bootstrap)
    frame = pd.DataFrame([*_label_rows(cells, measures), *_overall_rows(cells, measures, codings.variable.kind)])
    never, constant = tuple(cells.never_predicted), tuple(commonest(cells)[1])
    shown = codings.in_words(frame, "name")
    if cells.n_asked:
        shown.loc[shown["part"] == "baseline", "reason"] = _name_constant(cells, codings.name_label)
    rows = shown[shown["part"] == "label"]
    missing = (
        [f"{coder} never gave {name_some(map(codings.name_label, never), 12)}."] if never and cells.n_asked else []
    )
    facts = list_facts(codings, {coder: pair}, bootstrap, never_predicted=never, baseline=constant)
    return replace(
        result,
        frame=frame,
        facts=facts,
        finding=_say_labels(shown, coder),
        remarks=remark_gold(codings, pair, *_say_overall(shown, facts.places), NOTE, *missing),
        table=_print_labels(shown),
        figure=lambda: plot_estimates(
            rows, value="f1", quantity=f"F1 of {coder} against the gold", note=facts.interval
        ),
    )


def _label_rows(cells: Cells, measures: Measures) -> Iterator[dict[str, object]]:
    n_with = cells.gold.T.astype(int) @ cells.times
    for at, label in enumerate(cells.labels):
        of_label = {name: column[at] for name, column in measures.by_label.items()}
        figures: dict[str, object] = {}
        for name, measure in of_label.items():
            figures.update(spread(name, measure))
        reason = explain_gaps(of_label) if cells.n_asked else NOT_ASKED
        yield {"part": "label", "name": label, "n": int(n_with[at]), **figures, "reason": reason}


def _overall_rows(cells: Cells, measures: Measures, kind: str) -> Iterator[dict[str, object]]:
    names = MEASURES["multi" if kind == "multi" else "single"]
    for key, name in names.items():
        n_units = cells.n_answered if key.endswith("answered") else cells.n_asked
        reason = measures.overall[key].gap if cells.n_asked else NOT_ASKED
        reason = (NO_MCC if key == "MCC" else "no answer at all") if reason == "undefined" else reason
        head = {"part": "overall", "name": name, "n": n_units}
        yield {**head, **spread("value", measures.overall[key]), "reason": reason}
    for key, name in names.items():
        if not key.endswith("answered") and key != "MCC":
            head = {"part": "baseline", "name": name, "n": cells.n_asked}
            yield {**head, **spread("value", measures.baseline[key]), "reason": _name_constant(cells)}


def _name_constant(cells: Cells, name: Callable[[str], str] = str) -> str:
    """What the baseline always answers; a tie is said."""
    if not cells.n_asked:
        return NOT_ASKED
    first, *others = map(name, commonest(cells)[1])
    tie = f" (as common: {', '.join(map(repr, others))})" if others else ""
    return f"always {first!r}{tie}"


def _say_labels(frame: pd.DataFrame, coder: str) -> str:
    """The labels that are met best and worst, and macro F1 beside that of a constant label."""
    rows = frame.to_dict("records")
    labels = [row for row in rows if row["part"] == "label" and not np.isnan(row["f1"])]
    if not labels:
        return f"{coder} has no F1: {rows[0]['reason']}."
    places = places_of(int(next(row["n"] for row in rows if row["part"] == "overall")))
    best, worst = (choose(labels, key=lambda row: row["f1"]) for choose in (max, min))
    ends = f"{best['name']!r} best ({say_figure(best, 'f1', places)})"
    if worst is not best:
        ends += f" and {worst['name']!r} worst ({say_figure(worst, 'f1', places)})"
    macro, constant = (row for row in rows if row["name"] == "macro F1")
    of_constant = format_figure(constant["value"], places)
    value = f"macro F1 is {say_figure(macro, 'value', places)}, of a constant label {of_constant}"
    return f"By F1 {coder} meets {ends}; {value}."


def _say_overall(frame: pd.DataFrame, places: int) -> list[str]:
    """What is measured over all labels, with its interval, and what a constant label would get."""
    rows = frame[frame["part"] != "label"].dropna(subset="value")
    constant = rows[rows["part"] == "baseline"].set_index("name")
    parts = []
    for row in rows[rows["part"] == "overall"].to_dict("records"):
        beside = constant["value"].get(row["name"])
        words = "" if beside is None else f" (a constant label: {format_figure(beside, places)})"
        parts.append(f"{row['name']} {say_figure(row, 'value', places)}{words}")
    return [f"Over all labels: {'; '.join(parts)}."] if parts else []


def _print_labels(frame: pd.DataFrame) -> pd.DataFrame:
    """Label by label; what holds over all labels stands in the note."""
    labels = frame[frame["part"] == "label"].rename(columns={"name": "label"})
    figures = [f"{name}{end}" for name in ("precision", "recall", "f1") for end in ("", "_low", "_high")]
    return labels[["label", "n", *figures, "reason"]]
