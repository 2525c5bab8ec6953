"""What the whole will take, by the pilot's own replies: tokens and US dollars still to be paid, with intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from codebook.analysis.core.estimates import Bootstrap, percentile_interval
from codebook.analysis.core.result import Facts, Result
from codebook.analysis.core.scales import Floats
from codebook.ground.quantities import say_count, show_usd
from codebook.material.unit_store import count_texts
from codebook.run import Run
from codebook.run.history import sum_seconds
from codebook.run.money import Meter
from codebook.study.study_grid import Grid
from codebook.units import Source

if TYPE_CHECKING:
    import pandas as pd

_TOKENS, _USD = ("tokens_in", "tokens_out"), ("usd_live", "usd_batch")
_HOW = (
    "Each figure is the mean per unit of the pilot, times the number of units that are still to be asked. The interval "
    "draws the units of the pilot anew and leaves room for those that nobody has seen yet (Cochran 1977, section 2.6). "
    "The price is that of every token, with none read from a cache."
)
_FIRST = "These are the first units: the interval holds where the others are like them."


@dataclass(frozen=True)
class _Scope:
    """Something that may be asked of all units: by which runs, and how often each question."""

    what: str
    runs: Sequence[Run]
    draws: int


def estimate_costs(pilot: Grid | Run, units: Source, resample: Bootstrap = Bootstrap()) -> Result:
    """Say what is still to be asked after a pilot, and what it will take: tokens, US dollars, seconds.

    Parameters
    ----------
    pilot
        From `study.pilot`, whose run goes on without `-pilot`, or from `study.grid.pilot`; collected.
    units
        All units, as of `study.open_units()`.

    Returns
    -------
    Result
        One row for the study's own run and, of a grid, one for all cells: what, questions (still to be asked), then
        tokens_in, tokens_out, usd_live and usd_batch of these, each with _low and _high, seconds (where the jobs of the
        pilot took so long for each question; the start of an engine weighs more in a small pilot), n_pilot (units of
        the pilot with all their answers), n_rest (units that it did not ask), reason. What is not known is missing, and
        `reason` says why.

    Examples
    --------
    >>> import codebook as cb
    >>> study = cb.open_study()
    >>> pilot = study.grid.pilot(6)
    >>> statuses = pilot.submit() and pilot.collect()
    >>> estimate_costs(pilot, study.open_units()).frame[["what", "questions", "n_pilot", "n_rest"]]
                         what  questions  n_pilot  n_rest
    0           run my-study          6        6       6
    1  all cells of the pilot        12        6       6
    """
    import pandas as pd

    scopes, n_all = _list_scopes(pilot), sum(1 for _ in units)
    frame = pd.DataFrame([_project(scope, n_all, resample) for scope in scopes])
    charged = any(Meter(run.asked).charges for run in scopes[-1].runs)
    figures = [f"{name}{end}" for name in (*_TOKENS, *_USD * charged) for end in ("", "_low", "_high")]
    return Result(
        frame,
        name="pilot_costs",
        title="What is still to be asked, and what it will take",
        section="coverage",
        facts=Facts(int(frame["n_pilot"].max()), bootstrap=resample),
        finding=_say(frame.iloc[0], charged=charged),
        remarks=(_HOW, *[_FIRST] * isinstance(pilot, Run), *dict.fromkeys(filter(None, frame["reason"]))),
        table=_print(frame[["what", "questions", *figures, "seconds"]].dropna(axis=1, how="all")),
        outputs=scopes[0].runs[0].folder.path / "outputs",
    )


def _list_scopes(pilot: Grid | Run) -> list[_Scope]:
    if isinstance(pilot, Run):
        return [_Scope(f"run {pilot.name.removesuffix('-pilot')}", [pilot], pilot.asked.draws)]
    runs = [cell.study.open_run() for cell in pilot.cells]
    own = _Scope(f"run {pilot.study.name}", runs[:1], pilot.study.facts.draws or 1)
    return [own, _Scope("all cells of the pilot", runs, pilot.settings.draws)]


def _project(scope: _Scope, n_all: int, resample: Bootstrap) -> dict[str, Any]:
    """The row of a scope."""
    known, draws = [_measure(run) for run in scope.runs], scope.runs[0].asked.draws
    each = sum(known[1:], known[0]).dropna(subset=list(_TOKENS))
    n_texts = [count_texts(unit.unit_id) for unit in scope.runs[0].units()]
    n_drawn = sum(n_texts)
    n_rest, n_more = max(0, n_all - n_drawn), max(0, scope.draws - draws)
    n_asked = n_rest * scope.draws + n_drawn * n_more
    n_variables = sum(len(run.codebook.variables) for run in scope.runs)
    row: dict[str, Any] = {"what": scope.what, "questions": n_asked * n_variables}
    for name in (*_TOKENS, *_USD):
        row |= _interval(name, each[name].to_numpy(float), n_asked, n_all, resample)
    spans = [(job.created, job.ended) for run in scope.runs for job in run.status().jobs]
    spent, n_asked_before = sum_seconds(spans), n_drawn * draws * n_variables
    seconds = spent / n_asked_before * row["questions"] if spent is not None and n_asked_before else math.nan
    unpriced = [name for name in _USD if math.isnan(row[name])]
    reasons = ["Fewer than two units of the pilot have all their answers with their tokens."] * (len(each) < 2)
    if 2 <= len(each) < len(n_texts):
        reasons.append(
            f"{len(each):,} of {len(n_texts):,} units of the pilot have all their answers with their tokens."
        )
    reasons += [f"The price is not known: {', '.join(unpriced)}."] * bool(unpriced and not reasons)
    return {**row, "seconds": seconds, "n_pilot": len(each), "n_rest": n_rest, "reason": " ".join(reasons)}


def _measure(run: Run) -> pd.DataFrame:
    """Tokens and price of one draw of all the questions of a unit, one row for each unit of a run.

    A unit of which a question has no answer is missing; texts that are asked in one request share what it takes.
    """
    import pandas as pd

    from codebook.costs import Usage

    meter = Meter(run.asked)
    with run.folder.open_ledger() as ledger:
        rows = pd.DataFrame(ledger.list_tokens(run.name), columns=["unit_id", "variable", "draw", "model", *_TOKENS])
    for name, batch in zip(_USD, (False, True), strict=True):
        counts = zip(rows["model"], rows["tokens_in"], rows["tokens_out"], strict=True)
        find = partial(meter.find_rates, batch=batch)
        prices = [find(model or meter.model).price(Usage(n_in, tokens_out=n_out)).usd for model, n_in, n_out in counts]
        rows[name] = pd.Series(prices if meter.charges else 0.0, index=rows.index, dtype=float)
    means = rows.groupby(["unit_id", "variable"])[[*_TOKENS, *_USD]].mean().groupby(level="unit_id")
    n_variables = len(run.codebook.variables)
    amounts = means.sum(min_count=n_variables)[means.size() == n_variables]
    return amounts.div(amounts.index.map(count_texts), axis=0)


def _interval(name: str, each: Floats, n_asked: int, n_all: int, resample: Bootstrap) -> dict[str, float]:
    """The mean of a unit times the units to be asked, and the bootstrap-t interval of their sum, which nobody has seen.

    Texts that are much longer than most make costs skewed, and a percentile interval too short (Efron and Tibshirani
    1993, An Introduction to the Bootstrap, section 12.5).
    """
    value = n_asked * float(each.mean()) if len(each) >= 2 else math.nan
    if math.isnan(value):
        return dict.fromkeys((name, f"{name}_low", f"{name}_high"), math.nan)
    n = len(each)
    weights = np.random.default_rng(resample.seed).multinomial(n, np.full(n, 1 / n), size=resample.replicates) / n
    means = weights @ each
    spreads = np.sqrt(np.maximum(weights @ each**2 - means**2, 0) / (n - 1))
    far = np.divide(each.mean() - means, spreads, out=np.zeros_like(means), where=spreads > 0)
    unseen = math.sqrt(n_all / (n_all - n)) if n_all > n else 0.0
    step = n_asked * unseen * float(each.std(ddof=1)) / math.sqrt(n)
    interval = percentile_interval(value + step * far, resample.confidence, value)
    return {name: value, f"{name}_low": max(interval.low, 0.0), f"{name}_high": interval.high}


def _print(frame: pd.DataFrame) -> pd.DataFrame:
    """Tokens and seconds as whole numbers."""
    tokens = [name for name in frame if str(name).startswith((*_TOKENS, "seconds"))]
    return frame.assign(**{str(name): frame[name].round().astype("Int64") for name in tokens})


def _say(row: pd.Series[Any], *, charged: bool) -> str:
    """What is still to be asked for the study's run, and what it will cost."""
    asked = f"For {row['what']} {say_count(row['questions'], 'question')} are still to be asked"
    if not charged:
        return f"{asked}; nobody charges for them."
    if math.isnan(row["usd_live"]):
        return f"{asked}; what they will cost is not known."
    about = partial(show_usd, about=True)
    prices = [
        f"{about(row[name])} [{about(row[f'{name}_low'])}, {about(row[f'{name}_high'])}] {way}"
        for name, way in zip(_USD, ("live", "as a batch"), strict=True)
        if not math.isnan(row[name])
    ]
    return f"{asked}; they will cost {' or '.join(prices)}."
