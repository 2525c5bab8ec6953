"""Would the labels be the same again? Repeated draws, paraphrased prompts, other models, versions of the codebook."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import carry_joins, check_columns, raise_faults
from codebook.analysis.core.counts import LabelCodes, read_codes
from codebook.analysis.core.estimates import Bootstrap, Estimate, check_bootstrap
from codebook.analysis.core.patterns import collapse
from codebook.analysis.core.runs import Runs, describe_runs, pad, pick_first
from codebook.analysis.core.scales import Floats, VariableLike
from codebook.analysis.reliability.coefficients import COEFFICIENTS, estimate_coefficient
from codebook.analysis.reliability.krippendorff import Pairable, make_estimate, pairable
from codebook.errors import Fault

_ABOUT = "Stability cannot be told."


@dataclass(frozen=True)
class Group:
    """Runs that differ in one thing only: what is the same in all, the value that differs by run, the codings."""

    fixed: dict[str, str]
    varied: tuple[str, ...]
    codings: LabelCodes


def stability(
    table: pd.DataFrame,
    variable: VariableLike,
    *,
    over: str | Sequence[str],
    coders: Sequence[str] | None = None,
    runs: Runs = None,
    replicates: int = 1000,
    confidence: float = 0.95,
    seed: int = 1,
    draw: int = 0,
) -> pd.DataFrame:
    """Agreement of runs that differ in one thing only, and what share of them gives the commonest label.

    Parameters
    ----------
    variable
        Of the codebook, or a `VariableSpec`: its level says what counts as near.
    over
        What differs: `draw` (repeats of one request), `prompt` (paraphrases, or versions of the codebook), `model`, or
        another column of `runs`. All else that `runs` tells is the same within a row; "all" compares all runs. Of a
        list, what no two runs differ in has a row that says so.
    coders
        The models; None for all coders. Leave people and the gold out.
    runs
        Who is which model with which prompt, see `describe_runs`; None reads `model@digest`.
    draw
        Which draw is compared where `over` is not `draw`.

    Returns
    -------
    pd.DataFrame
        One row a group of runs: variable, over, what is the same (model, prompt, ...), n_runs, runs, level, alpha with
        low and high, percent, consistency with consistency_low and consistency_high (mean share of a unit's runs that
        give its commonest label; 1 is perfectly stable), n_units, n_flipped (units with two labels or more), n_dropped,
        n_missing, undefined_share, dropped, reason. `attrs`: seed, replicates, coverage, versions.

    Raises
    ------
    StatisticError
        Nothing that differs: no second draw, prompt or model, unless `over` is a list; faults of the table.

    Examples
    --------
    >>> from codebook.analysis.core.examples import make_table
    >>> from codebook.analysis.core.scales import VariableSpec
    >>> table = make_table("tone", {"m@p1": list("aabbab"), "m@p2": list("aabbba"), "k@p1": list("aabbab")})
    >>> tone = VariableSpec("tone", "nominal", ["a", "b"])
    >>> frame = stability(table, tone, over="prompt", replicates=0)
    >>> frame[["model", "n_runs", "alpha", "consistency", "n_units", "n_flipped"]].round(2)
      model  n_runs  alpha  consistency  n_units  n_flipped
    0     m       2   0.39         0.83        6          2
    """
    raise_faults(_ABOUT, check_bootstrap(replicates, confidence))
    how = Bootstrap(replicates, confidence, seed)
    asked: dict[str, Any] = {"coders": coders, "runs": runs, "draw": draw}
    if isinstance(over, str):
        groups = {over: read_groups(table, variable, over=over, **asked)}
    else:
        groups = {each: list(_find_groups(table, variable, over=each, **asked)) for each in over}
    rows = [
        {"variable": variable.name, "over": each, **row}
        for each, found in groups.items()
        for row in ([_make_row(group, how) for group in found] or [_say_none(each)])
    ]
    every = [group for found in groups.values() for group in found]
    coverage = {" ".join(filter(None, group.fixed.values())): _count_coverage(group.codings) for group in every}
    frame = pd.DataFrame(rows)
    frame.attrs = {"level": variable.level, "draw": draw, "coverage": coverage, **how.attrs, **carry_joins(table)}
    if every:
        frame.attrs["level"] = every[0].codings.scale.level
    return frame


def _say_none(over: str) -> dict[str, Any]:
    """The row of what no two runs differ in."""
    figures = ("alpha", "low", "high", "percent", "consistency", "consistency_low", "consistency_high")
    counts = dict.fromkeys(("n_units", "n_flipped", "n_dropped", "n_missing"), 0)
    reason = f"no two runs differ in {over!r} alone: nothing to compare"
    return {"model": "", "prompt": "", "n_runs": 0, **dict.fromkeys(figures, math.nan), **counts, "reason": reason}


def unit_consistency(
    table: pd.DataFrame,
    variable: VariableLike,
    *,
    over: str,
    coders: Sequence[str] | None = None,
    runs: Runs = None,
    draw: int = 0,
) -> pd.DataFrame:
    """For each unit and group of runs: which labels it got, and the share of runs that give the commonest.

    Parameters
    ----------
    over, coders, runs, draw
        As in `stability`.

    Returns
    -------
    pd.DataFrame
        What is the same, unit_id, n_runs (with a label), commonest (empty in a tie), consistency, flipped, labels (who
        gave which: "a: p1, p2; b: p3"). Units with fewer than two labelled runs have no consistency. The flips are
        ``frame[frame["flipped"]]``, or `list_flips`.

    Examples
    --------
    >>> from codebook.analysis.core.examples import make_table
    >>> from codebook.analysis.core.scales import VariableSpec
    >>> table = make_table("tone", {"m@p1": list("aab"), "m@p2": list("aba")})
    >>> frame = unit_consistency(table, VariableSpec("tone", "nominal", ["a", "b"]), over="prompt")
    >>> frame[["unit_id", "consistency", "flipped", "labels"]]
      unit_id  consistency  flipped        labels
    0      u1          1.0    False     a: p1, p2
    1      u2          0.5     True  a: p1; b: p2
    2      u3          0.5     True  a: p2; b: p1
    """
    groups = read_groups(table, variable, over=over, coders=coders, runs=runs, draw=draw)
    frame: pd.DataFrame = pd.concat([_list_units(group) for group in groups], ignore_index=True)
    return frame


def list_flips(
    table: pd.DataFrame,
    variable: VariableLike,
    *,
    over: str,
    coders: Sequence[str] | None = None,
    runs: Runs = None,
    draw: int = 0,
) -> pd.DataFrame:
    """Units whose label changes with the draw, prompt or model, the least consistent first; columns as before."""
    frame = unit_consistency(table, variable, over=over, coders=coders, runs=runs, draw=draw)
    flips: pd.DataFrame = frame[frame["flipped"]].sort_values("consistency", kind="stable", ignore_index=True)
    return flips


def read_groups(table: pd.DataFrame, variable: VariableLike, *, over: str, **asked: Any) -> list[Group]:
    """The groups of runs that differ in `over` alone, each with two runs or more; a fault where there is none."""
    found = list(_find_groups(table, variable, over=over, **asked))
    if not found:
        mend = f"have two runs that differ in {over} alone, or name them in runs=; over='all' compares all runs"
        raise_faults(_ABOUT, [Fault("over", f"no two runs of {variable.name!r} differ in {over!r} alone", mend)])
    return found


def _find_groups(
    table: pd.DataFrame,
    variable: VariableLike,
    *,
    over: str,
    coders: Sequence[str] | None,
    runs: Runs,
    draw: int,
) -> Iterator[Group]:
    raise_faults(_ABOUT, check_columns(table))
    rows = table["variable"] == variable.name
    if coders is not None:
        rows &= table["coder"].isin(list(coders))
    described = describe_runs(table if runs is not None else table[rows], runs)
    described = described[described["coder"].isin(table.loc[rows, "coder"])]
    facts = [str(name) for name in described if name != "coder"]
    raise_faults(_ABOUT, _check_over(over, facts, variable))
    told = table[rows]
    if over == "draw":
        told = told.assign(coder=told["coder"].astype(str) + "\n" + told["draw"].astype(str), draw=0)
        draw = 0
    level = "masi" if variable.kind == "multi" else variable.level or ""
    codings = read_codes(told, variable=variable.name, level=level, labels=variable.labels, draw=draw)
    named = pd.DataFrame([name.partition("\n")[::2] for name in codings.coders], columns=["coder", "draw"])
    named = named.assign(run=list(codings.coders)).merge(described, on="coder", how="left")
    fixed = [] if over == "all" else [name for name in (*facts, *(["coder"] if over == "draw" else [])) if name != over]
    for keys, part in named.groupby(fixed, sort=False) if fixed else [((), named)]:
        if len(part) < 2:
            continue
        same = {name: str(key) for name, key in zip(fixed, keys, strict=True)}
        names = part["run"] if over == "all" else part[over].astype(str)
        yield Group(same, tuple(name or "(none)" for name in names), codings.among(part["run"]))


def _check_over(over: str, facts: Sequence[str], variable: VariableLike) -> list[Fault]:
    faults = []
    allowed = ["draw", *facts, "all"]
    if over not in allowed:
        faults.append(Fault("over", f"{over!r} is unknown", f"pass one of {', '.join(allowed)}"))
    if variable.kind != "multi" and not variable.level:
        faults.append(Fault("level", f"{variable.name!r} has none", "give the variable its level of measurement"))
    return faults


def _make_row(group: Group, how: Bootstrap) -> dict[str, Any]:
    kept = pairable(group.codings)
    alpha, _ = estimate_coefficient(kept, COEFFICIENTS["alpha"], how)
    percent, _ = estimate_coefficient(kept, COEFFICIENTS["percent"], replace(how, replicates=0))
    steady = _estimate_consistency(kept, how)
    flipped = int(kept.patterns.times[(kept.patterns.counts > 0).sum(axis=1) > 1].sum())
    return {
        **group.fixed,
        **{"n_runs": len(group.varied), "runs": ", ".join(group.varied), "level": kept.scale.level},
        **{"alpha": alpha.value, "low": alpha.low, "high": alpha.high, "percent": percent.value},
        **{"consistency": steady.value, "consistency_low": steady.low, "consistency_high": steady.high},
        **{"n_units": kept.n_units, "n_flipped": flipped, "n_dropped": kept.n_dropped, "n_missing": kept.n_missing},
        **{"undefined_share": alpha.undefined_share, "dropped": kept.dropped},
        "reason": alpha.reason if how.replicates or math.isnan(alpha.value) else "",
    }


def _estimate_consistency(kept: Pairable, how: Bootstrap) -> Estimate:
    patterns = kept.patterns
    shares = patterns.counts.max(axis=1, initial=0) / np.maximum(patterns.sizes, 1)

    def mean(weights: Floats) -> Floats:
        return np.asarray(weights @ shares / weights.sum(axis=1))

    return make_estimate(kept, mean, how, undefined=kept.undefined)[0]


def _list_units(group: Group) -> pd.DataFrame:
    codings, names = group.codings, dict(zip(group.codings.coders, group.varied, strict=False))
    given, n_units = codings.answered(), len(codings.units)
    patterns = collapse(given.unit, given.code, codings.scale.n_labels, trace=True)
    shown = pad(patterns.shown, n_units)
    best, _ = pick_first(patterns.counts)
    sizes = np.append(patterns.sizes, 0)[shown].astype(int)
    shares = np.append(patterns.counts.max(axis=1, initial=0), 0)[shown] / np.maximum(sizes, 1)
    texts: list[dict[str, list[str]]] = [{} for _ in range(n_units)]
    for at in np.lexsort((given.coder, given.code)):
        run = names[codings.coders[given.coder[at]]]
        texts[given.unit[at]].setdefault(codings.scale.labels[given.code[at]], []).append(run)
    labels = np.array([*codings.scale.labels, ""], dtype=object)
    return pd.DataFrame(
        {
            **group.fixed,
            **{"unit_id": codings.units.astype(str), "n_runs": sizes, "commonest": labels[np.append(best, -1)[shown]]},
            **{"consistency": np.where(sizes >= 2, shares, np.nan), "flipped": (sizes >= 2) & (shares < 1)},
            "labels": ["; ".join(f"{label}: {', '.join(by)}" for label, by in told.items()) for told in texts],
        }
    )


def _count_coverage(codings: LabelCodes) -> dict[str, int]:
    return {"labelled": len(codings.code) - codings.n_missing, **codings.missing}
