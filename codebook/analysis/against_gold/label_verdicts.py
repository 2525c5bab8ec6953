"""A verdict on each label of a model: works, weak, not to be automated, or not enough evidence."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from codebook.analysis.against_gold.gold_cells import (
    Cells,
    count_cells,
    list_facts,
    list_labels,
    read_gold,
    read_pair,
    remark_gold,
    say_no_labels,
    say_no_pair,
)
from codebook.analysis.core.checks import name_some, raise_faults
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.estimates import Bootstrap
from codebook.analysis.core.forest import plot_estimates
from codebook.analysis.core.result import Result, blank_result
from codebook.analysis.core.share_intervals import Shares
from codebook.analysis.core.standard_errors import wilson_interval
from codebook.analysis.reliability.agreement_tables import reliability
from codebook.errors import Fault
from codebook.ground.quantities import format_figure, say_count
from codebook.outputs.figure_style import Figure

WORKS, WEAK, NOT, UNKNOWN = "works", "weak", "not to be automated", "not enough evidence"
"""The four verdicts on a label."""

LOWEST = 0.5
"""The lowest floor, for a label on which people hardly agree: below it there are more errors than hits."""

_COLUMNS = (
    *("label", "n", "n_predicted", "f1", "low", "high", "people", "people_low", "people_high", "floor"),
    *("verdict", "needed", "reason"),
)
_MOST = 2**17  # the largest number of gold units that is named as needed


def verdicts(
    codings: Codings | pd.DataFrame,
    coder: str = "",
    *,
    gold: str = "",
    margin: float = 0.1,
    least: float = 0.7,
    width: float = 0.1,
    resample: Bootstrap = Bootstrap(),
) -> Result:
    """May a model give this label? The model is compared with the gold, and with the agreement among people.

    Where two people coded, the floor of a label is their agreement on the label less `margin`, and never under .5
    (where people hardly agree, there is nothing to automate). Where no two people coded, the floor is `least`. A label
    `works` where the interval of F1 with the gold lies above the floor, and is `not to be automated` where the interval
    lies below. Where the floor is inside the interval, the label is `weak` if the interval is no wider than `width` to
    either side; else there is `not enough evidence`. F1 of two coders is the same figure as their positive agreement
    on a label (Hripcsak and Rothschild 2005), so people and model are measured on one scale. F1 = 2a / (1 + a), where
    a is the share of units with the label from both among the units with the label from either. The interval is that
    of Wilson for a; where gold comes in clusters, clusters are drawn anew. The interval always has a width.

    Parameters
    ----------
    codings
        Of one variable, or a plain frame.
    coder, gold
        Who is compared with whom. By default the first coder beside the gold, and the gold of the codings.
    margin
        How far below the agreement of people the F1 of a model may be.
    least
        The floor for a label where no two people coded.
    width
        Half the width of the widest interval with which a label is called weak.

    Returns
    -------
    Result
        A row per label: label, n (gold units with it), n_predicted, f1 with low and high, people (positive agreement)
        with people_low and people_high, floor, verdict, needed (gold units with the label for an interval of `width`),
        reason.

    Examples
    --------
    >>> wide = pd.DataFrame({"gold": list("a" * 60 + "b" * 40), "m": list("a" * 59 + "b" * 41)})
    >>> print(verdicts(wide, gold="gold").finding)
    Of 2 labels 2 work ('a', 'b').
    """
    codings = read_gold(codings, gold=gold)
    raise_faults("No verdict can be given.", _check(margin, least, width))
    coder = coder or codings.pick_pair()[0]
    title = f"{coder or 'A coder'}: which labels may be automated?"
    result = blank_result(codings, _COLUMNS, "verdicts", title, "validity")
    if (nothing := say_no_labels(codings, result)) is not None:
        return nothing
    if not coder:
        return say_no_pair(codings, result)
    pair = read_pair(codings, coder)
    cells, people = count_cells(pair, list_labels(codings)), _read_people(codings, resample)
    frame = pd.DataFrame(_judge(cells, people, (margin, least, width), resample), columns=list(_COLUMNS))
    drawn = resample if cells.members is not None else replace(resample, replicates=0)
    facts = list_facts(codings, {coder: pair}, drawn)
    shown = codings.in_words(frame, "label")
    return replace(
        result,
        frame=frame,
        facts=facts,
        finding=_say(shown),
        remarks=remark_gold(codings, pair, *_remark(codings, frame, (margin, least, width), resample.confidence)),
        table=_print(shown),
        figure=lambda: _draw(shown, coder),
    )


def _check(margin: float, least: float, width: float) -> list[Fault]:
    values = {"margin": margin, "least": least, "width": width}
    return [
        Fault(name, f"{value} is not a share", "pass a number from 0 to 1")
        for name, value in values.items()
        if not 0 <= value <= 1
    ]


def _read_people(codings: Codings, resample: Bootstrap) -> Mapping[str, Mapping[str, float]]:
    """The positive agreement of people on each label, with its interval; empty where no two people coded."""
    people = [name for name in codings.people if name != codings.gold]
    if len(people) < 2:
        return {}
    ask: dict[str, Any] = {"by": "label", "coefficients": ("positive_agreement",), "resample": resample}
    frame = reliability(codings.only(people).at_level(codings.variable.level or "nominal"), **ask).frame
    rows = frame.dropna(subset="value").drop_duplicates("label").set_index("label")
    return {str(label): dict(row) for label, row in rows[["value", "low", "high"]].iterrows()}


def _judge(
    cells: Cells, people: Mapping[str, Mapping[str, float]], rule: tuple[float, float, float], bootstrap: Bootstrap
) -> Iterator[dict[str, Any]]:
    margin, least, width = rule
    nothing = dict.fromkeys(("value", "low", "high"), math.nan)
    for at, label in enumerate(cells.labels):
        either = _Either.of_label(cells, at, bootstrap)
        band = people.get(label, nothing)
        floor = least if math.isnan(band["value"]) else max(LOWEST, band["value"] - margin)
        f1, low, high = (as_f1(each) for each in (either.share, either.low, either.high))
        n = int(cells.times[cells.gold[:, at]].sum())
        verdict = decide(low, high, floor, width)
        of_gold = either.effect * n / either.n if n and either.n else 1.0
        yield {
            **{"label": label, "n": n, "n_predicted": int(cells.times[cells.coded[:, at]].sum())},
            **{"f1": f1, "low": low, "high": high, "people": band["value"]},
            **{"people_low": band["low"], "people_high": band["high"], "floor": floor, "verdict": verdict},
            "needed": _count_needed(either.share, of_gold, width, bootstrap.confidence) if verdict == UNKNOWN else 0,
            "reason": either.reason,
        }


@dataclass(frozen=True)
class _Either:
    """The units to which gold or coder gave a label: the share with it from both, and the effective number.

    `effect` is the design effect: how many times as many units are needed where units come in clusters.
    """

    share: float
    n: float
    low: float = math.nan
    high: float = math.nan
    effect: float = 1.0
    reason: str = ""

    @classmethod
    def of_label(cls, cells: Cells, at: int, bootstrap: Bootstrap) -> _Either:
        """Wilson's interval; for clusters, that of clusters drawn anew, and never narrower than Wilson's."""
        share, n = _share_both(cells, cells.gold[:, at], cells.coded[:, at])
        if not n:
            return cls(share, n, reason="neither in gold nor predicted")
        low, high = wilson_interval(share * n, n, bootstrap.confidence)
        if cells.members is None:
            return cls(share, n, low, high)
        part = cells.take(np.flatnonzero(cells.gold[:, at] | cells.coded[:, at]))
        both = (part.gold[:, [at]] & part.coded[:, [at]]).astype(float)
        end = Shares(both, np.ones_like(both)).estimate(part.drawn, bootstrap)[1][0]
        if math.isnan(end.low):
            return cls(share, n, reason=end.reason)
        wide = min(low, end.low), max(high, end.high)
        return cls(share, n, *wide, effect=((wide[1] - wide[0]) / (high - low)) ** 2)


def _share_both(cells: Cells, gold: np.ndarray, coded: np.ndarray) -> tuple[float, float]:
    """The share of units with a label from both among units with it from gold or coder, and their effective number.

    Weighted units count as (sum of w)^2 / sum of w^2 (Kish 1965).
    """
    either = gold | coded
    weights = cells.weighted[either]
    if not weights.sum():
        return math.nan, 0.0
    spread = float((cells.times[either] * np.broadcast_to(cells.weight, cells.times.shape)[either] ** 2).sum())
    return float(cells.weighted[gold & coded].sum() / weights.sum()), float(weights.sum() ** 2 / spread)


def as_f1(share: float) -> float:
    """F1 of a label, from the share of units with it from both among units with it from gold or coder."""
    return 2 * share / (1 + share)


def decide(low: float, high: float, floor: float, width: float) -> str:
    """The verdict on a label whose F1 has this interval."""
    if math.isnan(low):
        return UNKNOWN
    if low >= floor:
        return WORKS
    if high < floor:
        return NOT
    return WEAK if high - low <= 2 * width else UNKNOWN


def _count_needed(share: float, of_gold: float, width: float, confidence: float) -> int:
    """Gold units with the label for which an interval of this share is no wider than `width` to either side."""
    share = 0.7 if math.isnan(share) else share

    def is_narrow(n: int) -> bool:
        low, high = wilson_interval(share * n, n, confidence)
        return as_f1(high) - as_f1(low) <= 2 * width

    sizes = range(2, _MOST + 1)
    return math.ceil(sizes[min(bisect_left(sizes, True, key=is_narrow), len(sizes) - 1)] * of_gold)


def _say(frame: pd.DataFrame) -> str:
    """How many labels have each verdict, and which; for labels without evidence, how much gold is needed."""
    verbs = {WORKS: ("works", "work"), WEAK: ("is weak", "are weak"), NOT: (f"is {NOT}", f"are {NOT}")}
    parts = []
    for verdict, (one, many) in verbs.items():
        if labels := frame.loc[frame["verdict"] == verdict, "label"].tolist():
            parts.append(f"{len(labels)} {one if len(labels) == 1 else many} ({name_some(labels, 12)})")
    if rows := frame[frame["verdict"] == UNKNOWN].to_dict("records"):
        need = ", ".join(f"{row['label']!r} has {row['n']:,} of about {row['needed']:,} gold units" for row in rows[:6])
        more = ", ..." * (len(rows) > 6)
        parts.append(f"for {len(rows)} there is {UNKNOWN} ({need}{more})")
    return f"Of {say_count(len(frame), 'label')} {'; '.join(parts)}."


def _remark(
    codings: Codings, frame: pd.DataFrame, rule: tuple[float, float, float], confidence: float
) -> Iterator[str]:
    margin, least, width = rule
    known = frame["people"].notna()
    if known.any():
        at_least = f"{format_figure(margin)}, and at least {format_figure(LOWEST)}"
        yield f"The floor of a label is the positive agreement of people on it less {at_least}."
    if not known.all():
        whose = "For a label that no two people used" if known.any() else "No two people coded beside the gold:"
        yield f"{whose} the floor is {format_figure(least)}."
    yield (
        f"A label works where the {100 * confidence:g} % interval of F1 lies above the floor, and is {NOT} where the "
        f"interval lies below. A label is weak where the floor is inside an interval of at most {format_figure(width)} "
        f"to either side; else there is {UNKNOWN}."
    )
    if codings.clusters is not None:
        yield "Intervals of F1 draw clusters of gold units anew; the number of gold units needed allows for clusters."


def _print(frame: pd.DataFrame) -> pd.DataFrame:
    needed = frame["verdict"] + frame["needed"].map(": {:,} needed".format)
    table = frame.assign(verdict=frame["verdict"].where(frame["needed"] == 0, needed))
    return table[["label", "n", "f1", "low", "high", "people", "people_low", "people_high", "floor", "verdict"]].rename(
        columns={"low": "f1_low", "high": "f1_high"}
    )


def _draw(frame: pd.DataFrame, coder: str) -> Figure:
    """F1 of each label beside the agreement of people on it and the floor: a line where it is the same for all."""
    parts = [frame[["label", "n", "f1", "low", "high"]].rename(columns={"f1": "value"}).assign(who=f"{coder} and gold")]
    quantity = f"F1 of {coder} with the gold"
    if frame["people"].notna().any():
        people = frame[["label", "n", "people", "people_low", "people_high"]]
        names = {"people": "value", "people_low": "low", "people_high": "high"}
        parts.insert(0, people.rename(columns=names).assign(who="people among themselves"))
        quantity += ", agreement of people on the label"
    floors = tuple(frame["floor"].unique())
    if len(floors) > 1:
        floor = frame[["label", "n", "floor"]].rename(columns={"floor": "value"})
        parts.append(floor.assign(low=math.nan, high=math.nan, who="floor"))
    rows, references = pd.concat(parts, ignore_index=True), floors if len(floors) == 1 else ()
    return plot_estimates(rows, name="label", group="who", references=references, quantity=f"{quantity}, and the floor")
