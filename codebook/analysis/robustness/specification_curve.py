"""One finding under every model, prompt and way of joining runs: does it hang on a choice?"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import raise_faults
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.counts import LabelCodes, read_codes
from codebook.analysis.core.patterns import collapse
from codebook.analysis.core.plain_frames import as_codings
from codebook.analysis.core.result import Facts, Result, nothing_to_say
from codebook.analysis.core.runs import Runs, describe_runs, find_modal, pad
from codebook.analysis.core.scales import list_labels, read_label_set
from codebook.analysis.robustness.label_stability import list_models
from codebook.analysis.robustness.specification_drawing import plot_specifications
from codebook.errors import Fault, StatisticError
from codebook.ground.joins import Sides, join_faults, join_ids
from codebook.ground.quantities import format_figure, say_count, say_percent

AGGREGATIONS = ("single", "draws", "prompts", "models", "all")
"""Ways to get one label per unit: one run in one draw, or the majority of a run's draws, a model's prompts, a prompt's
models, or everything."""

Finding = Callable[[pd.DataFrame], "Result | pd.DataFrame | pd.Series | Mapping[str, Any]"]

_ABOUT = "The finding cannot be specified."
_VALUES = Sides("units", "among the values", "the list of values")
_FIGURES = ("estimate", "low", "high", "p")
_PRINTED = ("n", "median", "lowest", "highest", "share_significant", "sign_changes")


@dataclass(frozen=True)
class _Choice:
    model: str
    prompt: str
    aggregation: str
    coders: tuple[str, ...]


@dataclass(frozen=True)
class CurveFacts(Facts):
    """Of specifications: how many, what the estimate is, and which estimate and p decide what is significant."""

    n_specifications: int = 0
    quantity: str = "estimate"
    null: float = 0.0
    alpha: float = 0.05


def specifications(
    codings: Codings | pd.DataFrame,
    finding: Finding,
    *,
    by: str = "",
    aggregations: Sequence[str] = AGGREGATIONS,
    runs: Runs = None,
    null: float = 0.0,
    alpha: float = 0.05,
) -> Result:
    """Compute a finding anew from the labels of every model x prompt x way of joining them.

    The models are used, or, where nobody is known to be one, all coders but the gold.

    Parameters
    ----------
    finding
        From a frame with unit_id and label (NaN where there is none) to the finding: a mapping, frame or Result with
        `estimate` and, if it has them, `low`, `high`, `p`, `n`; `quantity` says what the estimate is, with its unit,
        for the figure (of a Result it is the title). Several rows, e.g. the three sources of `correct`, are kept apart
        by their other columns (`source`). A `StatisticError` makes the row undefined, with its reason.
    by
        Such a column: the printed table has a row for each of its values.
    aggregations
        Of `AGGREGATIONS`; those that join nothing here are left out. A tie has no label.
    runs
        Who is which model with which prompt, see `describe_runs`.
    null, alpha
        A row is significant if p is below `alpha`, or without p if its interval leaves out `null`.

    Returns
    -------
    Result
        specification (number), model, prompt, aggregation, what the finding says besides (source, coefficient ...),
        estimate, low, high, p, significant (NaN where undefined), n_runs, n_units, n_labelled, n_tied, reason. Printed
        is the summary (`summarise_specifications`); the figure is the specification curve.

    Raises
    ------
    StatisticError
        Faults of the codings or of the arguments; a finding that returns no estimate.

    Examples
    --------
    >>> from codebook.analysis.core.examples import make_table
    >>> table = make_table("tone", {"m@p1": list("aab"), "m@p2": list("abb"), "k@p1": list("aaa")})
    >>> share = lambda rows: {"estimate": (rows["label"] == "a").mean() - 0.5}
    >>> result = specifications(table, share)
    >>> result.frame[["model", "prompt", "aggregation", "estimate", "n_labelled", "n_tied"]].round(2)
       model prompt aggregation  estimate  n_labelled  n_tied
    0      m     p1      single      0.17           3       0
    1      m     p2      single     -0.17           3       0
    2      k     p1      single      0.50           3       0
    3      m  (all)     prompts     -0.17           2       1
    4  (all)     p1      models      0.17           2       1
    5  (all)  (all)         all      0.17           3       0
    >>> result.finding
    'Over 6 specifications the estimate is 0.17 at the median, from −0.17 to 0.50; its sign changes.'
    """
    codings = as_codings(codings, needs_level=False, whole=True)
    if isinstance(aggregations, str) or not aggregations or set(aggregations) - set(AGGREGATIONS):
        mend = f"pass a list of {', '.join(AGGREGATIONS)}"
        raise_faults(_ABOUT, [Fault("aggregations", f"{aggregations!r}", mend)])
    if codings.uncounted:
        nothing = Result(pd.DataFrame(), "specifications", "The finding over all choices", "stability")
        return nothing_to_say(codings, codings.uncounted, nothing)
    codes, described = _read(codings, runs)
    choices = list(_list_choices(codes, described, aggregations))
    frame = _compute(codes, choices, finding, null, alpha)
    named = frame.pop("quantity").dropna() if "quantity" in frame else pd.Series(dtype=object)
    quantity = str(named.iloc[0]) if len(named) else "estimate"  # the same in all rows
    coverage = {codings.variable.name: codes.coverage}
    facts = CurveFacts(len(codes.units), len(described), "nominal", coverage=coverage, joins=codings.joins)
    return Result(
        frame,
        name="specifications",
        title="The finding over all choices",
        section="stability",
        facts=replace(facts, n_specifications=len(choices), quantity=quantity, null=null, alpha=alpha),
        finding=_say_summary(frame, null, alpha, facts.places),
        remarks=(f"Filled dots: p < {format_figure(alpha)}, or without p an interval without {null:g}.",),
        table=summarise_specifications(frame, by, null=null)[[*([by] if by else []), *_PRINTED]],
        figure=partial(plot_specifications, frame, null=null, quantity=quantity),
        outputs=codings.outputs,
    )


def _compute(
    codes: LabelCodes, choices: Sequence[_Choice], finding: Finding, null: float, alpha: float
) -> pd.DataFrame:
    """The rows of the finding for each choice."""
    rows = []
    for number, choice in enumerate(choices, start=1):
        labels, about = _join(codes, choice)
        head = {"specification": number, "model": choice.model, "prompt": choice.prompt}
        for row in _find(finding, labels):
            rows.append({**head, "aggregation": choice.aggregation, **_judge(row, null, alpha), **about})
    frame = pd.DataFrame(rows)
    tail = [*_FIGURES, "significant", "n_runs", "n_units", "n_labelled", "n_tied", "reason"]
    return frame[[*(name for name in frame if name not in tail), *tail]]


def _read(codings: Codings, runs: Runs) -> tuple[LabelCodes, pd.DataFrame]:
    """The labels of every model in every draw, each as a coder "name, line feed, draw", and who is which model."""
    variable, table = codings.variable, codings.frame
    rows = table[(table["variable"] == variable.name) & table["coder"].isin(list_models(codings))]
    by_draw = rows.assign(coder=rows["coder"].astype(str) + "\n" + rows["draw"].astype(str), draw=0)
    level = "masi" if variable.kind == "multi" else "nominal"
    codes = read_codes(by_draw, variable=variable.name, level=level, labels=list_labels(variable))
    return codes, describe_runs(table if runs is not None else rows, runs)


def _say_summary(frame: pd.DataFrame, null: float, alpha: float, places: int) -> str:
    row = summarise_specifications(frame, null=null).iloc[0]
    if not row["n"]:
        return f"No specification has an estimate: {'; '.join(dict.fromkeys(frame['reason']))}."
    figures = [row[name] for name in ("median", "lowest", "highest")]
    middle, low, high = (format_figure(figure, places, "amount") for figure in figures)
    undefined = f" ({row['n_undefined']:,} more are undefined)" if row["n_undefined"] else ""
    rate = row["share_significant"]
    sure = "" if math.isnan(rate) else f"{say_percent(rate)} are significant at {format_figure(alpha)}; "
    sign = "its sign changes" if row["sign_changes"] else "its sign is the same"
    spread = f"the estimate is {middle} at the median, from {low} to {high}"
    return f"Over {say_count(row['n'], 'specification')}{undefined} {spread}; {sure}{sign}."


def gap_in_means(values: Mapping[str, float] | Mapping[str, str], label: str, *, confidence: float = 0.95) -> Finding:
    """A finding for `specifications`: how much larger is the mean of a number among units with a label than without?

    Of a multi variable, a unit has each label of its set.

    Parameters
    ----------
    values
        The number of each unit_id, e.g. the year; units without one are left out. Of a text its words are counted, so
        that `codings.texts` asks for the length.

    Returns
    -------
    Finding
        Gives estimate, low, high and p (Welch's t-test), n, and the quantity in words.

    Examples
    --------
    >>> rows = pd.DataFrame({"unit_id": list("uvwxyz"), "label": ["a", "a", "a", "b", "b", "b"]})
    >>> gap = gap_in_means(dict(zip("uvwxyz", [5, 6, 7, 1, 2, 3])), "a")(rows)
    >>> gap["estimate"], round(gap["p"], 3), gap["n"]
    (4.0, 0.008, 6)
    >>> sets = rows.assign(label=['["a", "b"]', '["a"]', '["a"]', "[]", '["b"]', "[]"])
    >>> gap_in_means(dict(zip("uvwxyz", [5, 6, 7, 1, 2, 3])), "a")(sets)["estimate"]
    4.0
    """

    counted = any(isinstance(value, str) for value in values.values())

    def find(rows: pd.DataFrame) -> dict[str, Any]:
        from scipy.stats import ttest_ind

        if values:
            raise_faults("There is no gap.", join_faults(join_ids(rows["unit_id"], values), "values", _VALUES))
        counts = {unit: len(value.split()) if isinstance(value, str) else value for unit, value in values.items()}
        number = pd.to_numeric(rows["unit_id"].map(counts)).astype(float)
        known = rows["label"].notna() & number.notna()
        has_label = np.array([label in (read_label_set(str(given)) or [given]) for given in rows["label"]], dtype=bool)
        parts = [number[known & has_label], number[known & ~has_label]]
        if min(map(len, parts)) < 2:
            problem = f"{say_count(len(parts[0]), 'unit')} with {label!r}, {len(parts[1])} without: a mean needs two"
            raise StatisticError("There is no gap.", [Fault("label", problem, "choose a commoner label")])
        test = ttest_ind(*parts, equal_var=False)
        low, high = test.confidence_interval(confidence)
        gap, mean = float(parts[0].mean() - parts[1].mean()), "mean number of words" if counted else "mean"
        figures = {"estimate": gap, "low": float(low), "high": float(high), "p": float(test.pvalue)}
        quantity = f"difference in {mean}: units with {label!r} less those without"
        return {**figures, "n": int(known.sum()), "quantity": quantity}

    return find


def summarise_specifications(frame: pd.DataFrame, by: str = "", *, null: float = 0.0) -> pd.DataFrame:
    """How far a finding hangs on the choices: one row, or one for each value of `by` (e.g. source).

    Returns
    -------
    pd.DataFrame
        n (specifications with an estimate), n_undefined, median, lowest, highest, share_significant (of those that can
        be judged), share_above and share_below (significant above or below `null`), sign_changes (both signs occur),
        signs_significant (both signs are significant somewhere).

    Examples
    --------
    >>> frame = pd.DataFrame({"estimate": [0.2, -0.1, 0.3], "significant": [1.0, 0.0, 1.0]})
    >>> summarise_specifications(frame)[["n", "median", "share_significant", "sign_changes"]].round(2)
       n  median  share_significant  sign_changes
    0  3     0.2               0.67          True
    """
    if by and by not in frame:
        raise_faults(_ABOUT, [Fault("by", f"the frame has no column {by!r}", f"it has {', '.join(map(str, frame))}")])
    parts = list(frame.groupby(by, sort=False)) if by else [("", frame)]
    return pd.DataFrame([{**({by: key} if by else {}), **_summarise(part, null)} for key, part in parts])


def _summarise(part: pd.DataFrame, null: float) -> dict[str, Any]:
    known = part[part["estimate"].notna()]
    gaps, judged = known["estimate"] - null, known["significant"]
    above, below = (judged * (gaps > 0)).mean(), (judged * (gaps < 0)).mean()
    return {
        **{"n": len(known), "n_undefined": len(part) - len(known), "median": known["estimate"].median()},
        **{"lowest": known["estimate"].min(), "highest": known["estimate"].max()},
        **{"share_significant": judged.mean(), "share_above": above, "share_below": below},
        "sign_changes": bool((gaps > 0).any() and (gaps < 0).any()),
        "signs_significant": bool(above > 0 and below > 0),
    }


def _list_choices(codings: LabelCodes, described: pd.DataFrame, aggregations: Sequence[str]) -> Iterator[_Choice]:
    """Every way to get one label per unit that differs from the ways before it."""
    parts = pd.DataFrame([name.partition("\n")[::2] for name in codings.coders], columns=["coder", "draw"])
    parts = parts.assign(run=list(codings.coders)).merge(described, on="coder", how="left")
    first = parts[parts["draw"] == "0"]
    groups = {
        "single": [((row.model, row.prompt), [row.run]) for row in first.itertuples()],
        "draws": [((part.model.iloc[0], part.prompt.iloc[0]), list(part.run)) for _, part in parts.groupby("coder")],
        "prompts": [((model, "(all)"), list(part.run)) for model, part in first.groupby("model", sort=False)],
        "models": [(("(all)", prompt), list(part.run)) for prompt, part in first.groupby("prompt", sort=False)],
        "all": [(("(all)", "(all)"), list(first.run))],
    }
    seen: set[frozenset[str]] = set()
    for name in (name for name in AGGREGATIONS if name in aggregations):
        for (model, prompt), runs in groups[name]:
            if (name == "single" or len(runs) > 1) and frozenset(runs) not in seen:
                seen.add(frozenset(runs))
                yield _Choice(str(model), str(prompt), name, tuple(runs))


def _join(codings: LabelCodes, choice: _Choice) -> tuple[pd.DataFrame, dict[str, int]]:
    """The labels of a choice, one row per unit that was put to its runs, and what to count beside them."""
    part = codings.among(choice.coders)
    labelled = part.answered()
    patterns = collapse(labelled.unit, labelled.code, part.scale.n_labels, trace=True)
    shown = pad(patterns.shown, len(part.units))
    code = np.append(find_modal(patterns)[0], -1)[shown]
    labels = np.array([*part.scale.labels, None], dtype=object)[code]
    frame = pd.DataFrame({"unit_id": part.units.astype(str), "label": labels}).astype({"label": "str"})
    counts = {"n_runs": len(choice.coders), "n_units": len(frame), "n_labelled": int((code >= 0).sum())}
    return frame, {**counts, "n_tied": int(((code < 0) & (shown >= 0)).sum())}


def _find(finding: Finding, labels: pd.DataFrame) -> list[dict[str, Any]]:
    try:
        answer = finding(labels)
    except StatisticError as error:
        return [{"reason": "; ".join(fault.problem for fault in error.faults) or error.summary}]
    frame: Any = answer.frame.assign(quantity=answer.title) if isinstance(answer, Result) else answer
    frame = pd.DataFrame([dict(frame)]) if isinstance(frame, (Mapping, pd.Series)) else frame
    if not isinstance(frame, pd.DataFrame) or "estimate" not in frame or frame.empty:
        mend = 'return a mapping or frame with `estimate`, such as {"estimate": .3}, and low, high, p where it has them'
        raise_faults(_ABOUT, [Fault("finding", f"it returned no estimate, but a {type(frame).__name__}", mend)])
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def _judge(row: Mapping[str, Any], null: float, alpha: float) -> dict[str, Any]:
    """A finding with all its columns, and whether it is significant: 1, 0 or NaN."""
    estimate, low, high, p = (float(row.get(name, math.nan)) for name in _FIGURES)
    significant = math.nan
    if not math.isnan(p):
        significant = float(p < alpha)
    elif not math.isnan(low + high):
        significant = float(not low <= null <= high)
    figures = {"estimate": estimate, "low": low, "high": high, "p": p, "significant": significant}
    reason = str(row.get("reason", "") or ("undefined" if math.isnan(estimate) else ""))
    return {**{name: value for name, value in row.items() if name not in figures}, **figures, "reason": reason}
