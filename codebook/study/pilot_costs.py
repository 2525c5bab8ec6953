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
from codebook.run.money import Meter
from codebook.study.study_grid import Cell, Grid

if TYPE_CHECKING:
    import pandas as pd

_TOKENS, _USD = ("tokens_in", "tokens_out"), ("usd_live", "usd_batch")
_HOW = (
    "Each figure is the mean per unit of the pilot, times the number of units that are still to be asked. The interval "
    "draws the units of the pilot anew and leaves room for those that nobody has seen yet (Cochran 1977, section 2.6). "
    "The price is that of every token, with none read from a cache."
)


@dataclass(frozen=True)
class _Scope:
    """Something that may be asked of all units: by which cells, and how often each question."""

    what: str
    cells: Sequence[Cell[Any]]
    draws: int


def estimate_costs(pilot: Grid[Any], resample: Bootstrap = Bootstrap()) -> Result:
    """Say what is still to be paid after a pilot: for the study's own run, and for every cell of the pilot.

    Parameters
    ----------
    pilot
        From `Grid.pilot`, collected.

    Returns
    -------
    Result
        One row for each of the two: what, questions (still to be asked), then tokens_in, tokens_out, usd_live and
        usd_batch of these, each with _low and _high, n_pilot (units of the pilot with all their answers), n_rest (units
        that it did not ask), reason. What is not known is missing, and `reason` says why.

    Examples
    --------
    >>> import codebook as cb
    >>> pilot = cb.open_study().grid.pilot(6)
    >>> statuses = pilot.submit() and pilot.collect()
    >>> estimate_costs(pilot).frame[["what", "questions", "n_pilot", "n_rest"]]
                         what  questions  n_pilot  n_rest
    0           run my-study          6        6       6
    1  all cells of the pilot        12        6       6
    """
    import pandas as pd

    main, run = pilot.cells[0].study, f"run {pilot.study.name}"
    scopes = [_Scope(run, pilot.cells[:1], pilot.study.facts.draws or 1)]
    scopes.append(_Scope("all cells of the pilot", pilot.cells, pilot.settings.draws))
    n_all = sum(1 for _ in pilot.study.open_units())
    frame = pd.DataFrame([_project(scope, pilot.settings.draws, n_all, resample) for scope in scopes])
    charged = any(Meter(cell.study.open_run().asked).charges for cell in pilot.cells)
    shown = [f"{name}{end}" for name in (*_TOKENS, *_USD * charged) for end in ("", "_low", "_high")]
    return Result(
        frame,
        name="pilot_costs",
        title="What is still to be asked, and what it will take",
        section="coverage",
        facts=Facts(int(frame["n_pilot"].max()), bootstrap=resample),
        finding=_say(frame.iloc[0], charged=charged),
        remarks=(_HOW, *dict.fromkeys(filter(None, frame["reason"]))),
        table=_print(frame[["what", "questions", *shown]]),
        outputs=main.folder / "outputs",
    )


def _project(scope: _Scope, draws: int, n_all: int, resample: Bootstrap) -> dict[str, Any]:
    """The row of a scope; `draws` is how often the pilot asked each question."""
    known = [_measure(cell) for cell in scope.cells]
    each = sum(known[1:], known[0]).dropna(subset=list(_TOKENS))
    n_drawn = sum(1 for _ in scope.cells[0].study.open_run().units())
    n_rest, n_more = n_all - n_drawn, max(0, scope.draws - draws)
    n_asked = n_rest * scope.draws + n_drawn * n_more
    n_variables = sum(len(cell.study.codebook.variables) for cell in scope.cells)
    row: dict[str, Any] = {"what": scope.what, "questions": n_asked * n_variables}
    for name in (*_TOKENS, *_USD):
        row |= _interval(name, each[name].to_numpy(float), n_asked, n_all, resample)
    unpriced = [name for name in _USD if math.isnan(row[name])]
    reasons = ["Fewer than two units of the pilot have all their answers with their tokens."] * (len(each) < 2)
    reasons += [f"The price is not known: {', '.join(unpriced)}."] * bool(unpriced and not reasons)
    return {**row, "n_pilot": len(each), "n_rest": n_rest, "reason": " ".join(reasons)}


def _measure(cell: Cell[Any]) -> pd.DataFrame:
    """Tokens and price of one draw of all the questions of a unit, one row for each unit of a cell's run.

    A unit of which a question has no answer is missing.
    """
    import pandas as pd

    from codebook.costs import Usage

    run = cell.study.open_run()
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
    return means.sum(min_count=n_variables)[means.size() == n_variables]


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
    """Tokens as whole numbers."""
    tokens = [name for name in frame if str(name).startswith(_TOKENS)]
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
