"""Would the labels be the same again? Repeated draws, paraphrased prompts, other models, versions of the codebook."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import raise_faults
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.counts import LabelCodes, join_cluster, read_codes
from codebook.analysis.core.estimates import Bootstrap, say_figure
from codebook.analysis.core.forest import plot_estimates
from codebook.analysis.core.matrix_drawing import plot_grid
from codebook.analysis.core.patterns import Patterns, collapse
from codebook.analysis.core.plain_frames import as_codings
from codebook.analysis.core.result import Facts, Result, nothing_to_say
from codebook.analysis.core.runs import Runs, describe_runs, name_prompts, pad, pick_first
from codebook.analysis.core.scales import Floats, VariableLike, list_labels
from codebook.analysis.reliability.coefficients import COEFFICIENTS, estimate_coefficient
from codebook.analysis.reliability.krippendorff import Measure, make_estimate, pairable
from codebook.errors import Fault, unknown_choice
from codebook.ground.quantities import places_of, say_count

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_ABOUT = "Stability cannot be told."
_BY = ("", "unit")
_NOTE = "In each row one thing differs and the rest is the same; `all` compares every run with every other."
_INTRA = "Over the draws of a person it is intra-coder reliability: the same unit, coded again."


@dataclass(frozen=True)
class Group:
    """Runs that differ in one thing only: what is the same in all, the value that differs by run, the codings."""

    fixed: dict[str, str]
    varied: tuple[str, ...]
    codings: LabelCodes


def stability(
    codings: Codings | pd.DataFrame,
    over: str | Sequence[str] = ("draw", "prompt", "model"),
    *,
    by: str = "",
    runs: Runs = None,
    level: str = "",
    resample: Bootstrap = Bootstrap(),
) -> Result:
    """Agreement of runs that differ in one thing only, and what share of them gives the commonest label.

    The models are compared, or, where no coder is known to be a model, all coders but the gold. Over draws people are
    compared, too, each with their own first labels: intra-coder reliability.

    Parameters
    ----------
    over
        What differs: `draw` (repeats of one request, or of a unit that came to a person again), `prompt` (paraphrases,
        or versions of the codebook), `model`, or another column of `runs`. All else that `runs` tells is the same
        within a row; "all" compares all runs. Of a list, what no two runs differ in has a row that says so.
    by
        "unit" for each unit: which labels it got, who gave which, and the share of runs that give the commonest; units
        whose label flips come first.
    runs
        Who is which model with which prompt, see `describe_runs`; None reads `model@digest`.

    Returns
    -------
    Result
        One row per group of runs: variable, over, what is the same (model, prompt, ...), n_runs, runs, level, alpha
        with low and high, percent, consistency with consistency_low and consistency_high (mean share of a unit's runs
        that give its commonest label; 1 is perfectly stable), n_units, n_flipped (units with two labels or more),
        n_dropped, n_missing, undefined_share, dropped, reason. By unit: what is the same, unit_id, n_runs (with a
        label), commonest (empty in a tie), consistency (NaN with fewer than two labels), flipped, labels.

    Raises
    ------
    StatisticError
        Nothing that differs, unless `over` is a list; a variable without a level; faults of the codings.

    Examples
    --------
    >>> from codebook.analysis.core.examples import make_table
    >>> table = make_table("tone", {"m@p1": list("aabbab"), "m@p2": list("aabbba"), "k@p1": list("aabbab")})
    >>> result = stability(table, "prompt", level="nominal")
    >>> result.frame[["model", "n_runs", "alpha", "consistency", "n_units", "n_flipped"]].round(2)
      model  n_runs  alpha  consistency  n_units  n_flipped
    0     m       2   0.39         0.83        6          2
    >>> units = stability(table, "prompt", by="unit", level="nominal")
    >>> units.frame[["unit_id", "consistency", "flipped", "labels"]].head(3)
      unit_id  consistency  flipped        labels
    0      u5          0.5     True  a: p1; b: p2
    1      u6          0.5     True  a: p2; b: p1
    2      u1          1.0    False     a: p1, p2
    """
    codings = as_codings(codings, level=level)
    if by not in _BY:
        raise_faults(_ABOUT, [Fault("by", f"{by!r} is unknown", "pass by='unit', or nothing")])
    if codings.uncounted:
        nothing = Result(pd.DataFrame(), "flips" if by else "stability", "Stability of labels", "stability")
        return nothing_to_say(codings, codings.uncounted, nothing)
    groups = {each: list(_find_groups(codings, each, runs)) for each in ([over] if isinstance(over, str) else over)}
    if isinstance(over, str) and not groups[over]:
        problem = f"no two runs of {codings.variable.name!r} differ in {over!r} alone"
        mend = f"have two runs that differ in {over} alone, or name them in runs=; over='all' compares all runs"
        raise_faults(_ABOUT, [Fault("over", problem, mend)])
    return _list_flips(codings, groups) if by else _compare_groups(codings, groups, resample)


def list_models(codings: Codings) -> list[str]:
    """The models; where nobody is known to be one, all coders but the gold."""
    return codings.machines or [name for name in codings.coders if name != codings.gold]


def _compare_groups(codings: Codings, groups: dict[str, list[Group]], bootstrap: Bootstrap) -> Result:
    variable, every = codings.variable, [group for several in groups.values() for group in several]
    rows = [
        {"variable": variable.name, "over": over, **row}
        for over, several in groups.items()
        for row in ([_make_row(group, bootstrap) for group in several] or [_say_none(over)])
    ]
    frame = pd.DataFrame(rows)
    names = {"model", "prompt", *(name for group in every for name in group.fixed)}
    same = [str(name) for name in frame if name in names]
    frame[same] = frame[same].fillna("")
    facts = Facts(
        n_units=int(frame["n_units"].max()),
        n_coders=len({name for group in every for name in group.codings.coders}),
        level=every[0].codings.scale.level if every else variable.level or "",
        bootstrap=bootstrap,
        resampled="units" if codings.clusters is None else "clusters of units",
        n_clusters=max((group.codings.n_clusters for group in every), default=0),
        coverage={" ".join(filter(None, group.fixed.values())): group.codings.coverage for group in every},
        joins=codings.joins,
    )
    people = "model" in frame and bool(frame.loc[frame["over"] == "draw", "model"].isin(codings.people).any())
    about = f"{variable.name}: alpha over {_list_words(list(groups))}"
    return Result(
        frame,
        name="stability",
        title=about,
        section="stability",
        facts=facts,
        finding=_say_least(frame),
        remarks=(_NOTE, *([_INTRA] if people else [])),
        table=_print(_name_runs(frame, groups)).rename(columns={"model": "model or person"} if people else {}),
        figure=partial(_draw, _name_runs(frame, groups), same, facts.interval),
        outputs=codings.outputs,
    )


def _name_runs(frame: pd.DataFrame, groups: dict[str, list[Group]]) -> pd.DataFrame:
    """The frame for people: prompts and runs by names, and not by the digest of their codebook."""
    every = [group for several in groups.values() for group in several]
    over = [name for group in groups.get("prompt", ()) for name in group.varied]
    names = name_prompts([*over, *(group.fixed["prompt"] for group in every if "prompt" in group.fixed)])
    names = {prompt or "(none)": name for prompt, name in names.items()} | {"(none)": names.get("", "(none)")}
    shown = {"prompt": frame["prompt"].replace(names)} if "prompt" in frame else {}
    if "runs" in frame:
        shown["runs"] = frame["runs"].map(lambda runs: _name_each(runs, names), na_action="ignore")
    return frame.assign(**shown)


def _name_each(runs: str, names: Mapping[str, str]) -> str:
    parts = [(run, *run.partition("@")[::2]) for run in runs.split(", ")]
    return ", ".join(names.get(run) or (f"{model} ({names[at]})" if at in names else run) for run, model, at in parts)


def _list_words(names: list[str]) -> str:
    words = [f"{name}s" if name != "all" else "all runs" for name in names]
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def _say_least(frame: pd.DataFrame) -> str:
    """The row with the lowest alpha."""
    known = frame[frame["alpha"].notna()]
    if known.empty:
        return f"Nothing can be compared: {'; '.join(dict.fromkeys(frame['reason']))}."
    row = known.sort_values("alpha", kind="stable").iloc[0]
    where = _list_words([row["over"]])
    least = f"Least stable over {where}" if len(known) > 1 else f"Over {where}"
    flips = f"{row['n_flipped']:,} of {say_count(row['n_units'], 'unit')} get more than one label"
    alpha = say_figure(row, "alpha", places_of(int(known["n_units"].max())), unknown="")
    return f"{least}: alpha ({row['level']}) of {say_count(row['n_runs'], 'run')} is {alpha}, and {flips}."


def _print(frame: pd.DataFrame) -> pd.DataFrame:
    """What a paper prints; where there is nothing to compare, the reason stands in the place of the runs."""
    consistency = ["consistency", "consistency_low", "consistency_high"]
    columns = ["over", "model", "prompt", "runs", "alpha", "low", "high", *consistency, "n_units"]
    runs = frame["runs"] if "runs" in frame else pd.Series("", index=frame.index)
    printed = frame.assign(runs=runs.fillna(frame["reason"]))
    return printed[[name for name in columns if name in printed]]


def _name_alpha(frame: pd.DataFrame) -> str:
    """Alpha with its level; where nothing could be compared there is none."""
    levels = list(frame["level"].dropna().unique()) if "level" in frame else list[str]()
    return f"Krippendorff's α ({', '.join(levels)})" if len(levels) else "Krippendorff's α"


def _draw(frame: pd.DataFrame, same: list[str], note: str) -> Figure:
    """A grid of prompts by models where each cell is one row, else dots with intervals."""
    cells = [name for name in ("prompt", "model") if name in frame]
    if set(frame["over"]) == {"draw"} and len(cells) == 2 and not frame.duplicated(cells).any() and len(frame) > 1:
        return plot_grid(frame, quantity=_name_alpha(frame))
    quantity = f"{_name_alpha(frame)} of repeated runs"
    words: dict[str, Any] = {"references": (0.667, 0.8), "quantity": quantity, "note": note}
    return plot_estimates(frame.assign(row=_name_rows(frame, same)), name="row", value="alpha", **words)


def _name_rows(frame: pd.DataFrame, same: list[str]) -> list[str]:
    """What differs, and after a colon what is the same."""
    differs = ["over all runs" if over == "all" else f"over {over}s" for over in frame["over"]]
    rest = [", ".join(filter(None, row)) for row in frame[same].astype(str).to_numpy()] if same else [""] * len(frame)
    return [f"{what}: {fixed}" if fixed else what for what, fixed in zip(differs, rest, strict=True)]


def _say_none(over: str) -> dict[str, Any]:
    """The row of what no two runs differ in."""
    figures = ("alpha", "low", "high", "percent", "consistency", "consistency_low", "consistency_high")
    counts = dict.fromkeys(("n_units", "n_flipped", "n_dropped", "n_missing"), 0)
    reason = f"no two runs differ in {over!r} alone: nothing to compare"
    return {"model": "", "prompt": "", "n_runs": 0, **dict.fromkeys(figures, math.nan), **counts, "reason": reason}


def _find_groups(codings: Codings, over: str, runs: Runs) -> Iterator[Group]:
    variable, table = codings.variable, codings.frame
    compared = [name for name in codings.coders if name != codings.gold] if over == "draw" else list_models(codings)
    rows = table[(table["variable"] == variable.name) & table["coder"].isin(compared)]
    described = describe_runs(table if runs is not None else rows, runs)
    described = described[described["coder"].isin(rows["coder"])]
    facts = [str(name) for name in described if name != "coder"]
    raise_faults(_ABOUT, _check_over(over, facts, variable))
    if over == "draw":
        rows = rows.assign(coder=rows["coder"].astype(str) + "\n" + rows["draw"].astype(str), draw=0)
    level = "masi" if variable.kind == "multi" else variable.level or ""
    codes = read_codes(rows, variable=variable.name, level=level, labels=list_labels(variable))
    if codings.clusters is not None:
        codes = join_cluster(codes, codings.clusters)
    parts = pd.DataFrame([name.partition("\n")[::2] for name in codes.coders], columns=["coder", "draw"])
    parts = parts.assign(run=list(codes.coders)).merge(described, on="coder", how="left")
    fixed = [] if over == "all" else [name for name in (*facts, *(["coder"] if over == "draw" else [])) if name != over]
    for keys, part in parts.groupby(fixed, sort=False) if fixed else [((), parts)]:
        if len(part) < 2:
            continue
        same = {name: str(key) for name, key in zip(fixed, keys, strict=True)}
        names = part["run"] if over == "all" else part[over].astype(str)
        yield Group(same, tuple(name or "(none)" for name in names), codes.among(part["run"]))


def _check_over(over: str, facts: Sequence[str], variable: VariableLike) -> list[Fault]:
    faults = []
    allowed = ["draw", *facts, "all"]
    faults += unknown_choice("over", over, allowed)
    if variable.kind != "multi" and not variable.level:
        faults.append(Fault("level", f"{variable.name!r} has none", "give the variable its level of measurement"))
    return faults


def _make_row(group: Group, bootstrap: Bootstrap) -> dict[str, Any]:
    pairs = pairable(group.codings)
    alpha, _ = estimate_coefficient(pairs, COEFFICIENTS["alpha"], bootstrap)
    percent, _ = estimate_coefficient(pairs, COEFFICIENTS["percent"], replace(bootstrap, replicates=0))
    steady, _ = make_estimate(pairs, Measure(_mean_share, pairs.patterns, undefined=pairs.undefined), bootstrap)
    flipped = int(pairs.patterns.times[(pairs.patterns.counts > 0).sum(axis=1) > 1].sum())
    return {
        **group.fixed,
        **{"n_runs": len(group.varied), "runs": ", ".join(group.varied), "level": pairs.scale.level},
        **{"alpha": alpha.value, "low": alpha.low, "high": alpha.high, "percent": percent.value},
        **{"consistency": steady.value, "consistency_low": steady.low, "consistency_high": steady.high},
        **{"n_units": pairs.n_units, "n_flipped": flipped, "n_dropped": pairs.n_dropped, "n_missing": pairs.n_missing},
        **{"undefined_share": alpha.undefined_share, "dropped": pairs.dropped},
        "reason": alpha.reason if bootstrap.replicates or math.isnan(alpha.value) else "",
    }


def _mean_share(patterns: Patterns) -> Callable[[Floats], Floats]:
    """The mean over units of the share of their commonest label."""
    shares = patterns.counts.max(axis=1, initial=0) / np.maximum(patterns.sizes, 1)
    return lambda weights: np.asarray(weights @ shares / weights.sum(axis=1))


def _list_flips(codings: Codings, groups: dict[str, list[Group]]) -> Result:
    parts = [
        _list_units(group, codings.name_label).assign(**({} if len(groups) == 1 else {"over": over}))
        for over, several in groups.items()
        for group in several
    ]
    units = pd.concat(parts or [pd.DataFrame(columns=["unit_id", "flipped", "consistency"])], ignore_index=True)
    units = units.sort_values("consistency", kind="stable", ignore_index=True)
    shown = units.assign(labels=units.pop("in_words")) if parts else units
    n_flips, where = int(units["flipped"].sum()), _list_words(list(groups))
    rate = (
        f"{n_flips:,} of {say_count(len(units), 'unit')} flip"
        if len(parts) == 1
        else f"{say_count(n_flips, 'flip')} of units"
    )
    columns = ["over", "model", "prompt", "unit_id", "n_runs", "consistency", "labels"]
    result = Result(
        units,
        name="flips",
        title=f"{say_count(n_flips, 'unit')} that flip",
        section="stability",
        facts=Facts(units["unit_id"].nunique(), coverage=codings.coverage, joins=codings.joins),
        finding=f"{codings.variable.name}: {rate}: they get more than one label over {where}.",
        remarks=("The least consistent first: a unit that every wording moves is one the codebook does not decide.",),
        table=shown.loc[units["flipped"].astype(bool), [name for name in columns if name in units]],
        outputs=codings.outputs,
    )
    if parts:
        return result
    why = "There is one run only" if list(groups) == ["all"] else f"No two runs differ in {where}"
    return nothing_to_say(codings, f"{why}: nothing to compare.", result)


def _list_units(group: Group, name_label: Callable[[str], str]) -> pd.DataFrame:
    """A row per unit, its labels as they are and, `in_words`, with their titles."""
    codings, names = group.codings, dict(zip(group.codings.coders, group.varied, strict=False))
    labelled, n_units = codings.answered(), len(codings.units)
    patterns = collapse(labelled.unit, labelled.code, codings.scale.n_labels, trace=True)
    shown = pad(patterns.shown, n_units)
    best, _ = pick_first(patterns.counts)
    sizes = np.append(patterns.sizes, 0)[shown].astype(int)
    shares = np.append(patterns.counts.max(axis=1, initial=0), 0)[shown] / np.maximum(sizes, 1)
    texts: list[dict[str, list[str]]] = [{} for _ in range(n_units)]
    for at in np.lexsort((labelled.coder, labelled.code)):
        run = names[codings.coders[labelled.coder[at]]]
        texts[labelled.unit[at]].setdefault(codings.scale.labels[labelled.code[at]], []).append(run)
    labels = np.array([*codings.scale.labels, ""], dtype=object)
    return pd.DataFrame(
        {
            **group.fixed,
            **{"unit_id": codings.units.astype(str), "n_runs": sizes, "commonest": labels[np.append(best, -1)[shown]]},
            **{"consistency": np.where(sizes >= 2, shares, np.nan), "flipped": (sizes >= 2) & (shares < 1)},
            "labels": [_tell_labels(text) for text in texts],
            "in_words": [_tell_labels(text, name_label) for text in texts],
        }
    )


def _tell_labels(text: Mapping[str, Sequence[str]], name_label: Callable[[str], str] = str) -> str:
    """Each label and the runs that gave it."""
    return "; ".join(f"{name_label(label)}: {', '.join(by)}" for label, by in text.items())
