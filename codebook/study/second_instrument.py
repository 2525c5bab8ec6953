"""A second instrument, disclosed: what one model refused, cut short or answered outside the codebook, asked of another.

Its labels come from a run of its own and bear their own coder for ever; they never take the place of the first one's.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from codebook.analysis.against_gold.validity_tables import validity
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.estimates import Bootstrap
from codebook.analysis.core.result import Result, nothing_to_say
from codebook.errors import Fault, ParameterError
from codebook.ground.quantities import say_count
from codebook.run import Run, list_runs, open_run
from codebook.study.study_opening import Study

SUFFIX = "second"
WHYS = ("refused", "invalid", "truncated")
"""Why a unit is asked again of another model, where nothing else is said."""


def plan_second(study: Study, model: str = "", *, whys: Collection[str] = (), **facts: Any) -> Run:
    """Plan a run that asks the units that a study's run got no label of from another model.

    Parameters
    ----------
    model, facts
        What is otherwise than in the study: engine, provider, options, settings ...
    whys
        Of refused, invalid, truncated; all of them where none is given.

    Raises
    ------
    ParameterError
        Another reason than those, or no unit ended for one of them.

    Examples
    --------
    >>> import codebook as cb
    >>> plan_second(cb.open_study(run="topics"), engine="embedded", whys=["expired"])
    Traceback (most recent call last):
    codebook.errors.ParameterError: These units cannot be asked of another model.
      - why: 'expired' is not a reason that a model gives. To mend: use some of refused, invalid, truncated.
    More on such a message: codebook explain ParameterError
    """
    wanted = tuple(whys) or WHYS
    if strange := [why for why in wanted if why not in WHYS]:
        fault = Fault("why", f"{strange[0]!r} is not a reason that a model gives", f"use some of {', '.join(WHYS)}")
        raise ParameterError("These units cannot be asked of another model.", [fault])
    run = study.open_run()
    table = run.table()
    ids = set(table.loc[table["why"].isin(wanted), "unit_id"])
    if not ids:
        fault = Fault(run.name, f"no unit is {' or '.join(wanted)}", "nothing is to be done")
        raise ParameterError("There is nothing to ask of another model.", [fault])
    other = study.beside(SUFFIX, model=model, **facts)
    return other.plan(units=[unit for unit in run.units() if unit.unit_id in ids])


def second_name(run: str) -> str:
    """The name of the run of a second instrument.

    Examples
    --------
    >>> second_name("topics")
    'topics-second'
    """
    return f"{run}-{SUFFIX}"


def compare_second(study: Study, variable: str = "", *, resample: Bootstrap = Bootstrap()) -> Result:
    """Validity of the first instrument alone, of the second alone, and of the first filled up by the second.

    The first is a coder with gaps; `first + second` has its labels and, where it has none, those of the second. Without
    a second instrument the result says so.

    Examples
    --------
    >>> import codebook as cb
    >>> compare_second(cb.open_study(run="topics"), resample=cb.Bootstrap(0)).finding
    'No second instrument was asked.'
    """
    codings = study.codings().of(variable)
    name = second_name(study.name)
    if name not in list_runs():
        result = Result(codings.frame.head(0), "second_instrument", "First and second instrument", section="validity")
        return nothing_to_say(codings, "No second instrument was asked.", result)
    both, first, second, n_filled = _put_together(codings, study.open_run().name, name)
    result = validity(both, resample=resample)
    n_gap = f"{say_count(n_filled, 'unit')} without a label of {first} {'has' if n_filled == 1 else 'have'} one of"
    return replace(
        result,
        name="second_instrument",
        title="Validity with and without the second instrument",
        finding=f"{n_gap} {second}. {result.finding}",
        remarks=(f"{first} + {second}: labels of {first}, else of {second}.", *result.remarks),
    )


def _put_together(codings: Codings, run: str, second_run: str) -> tuple[Codings, str, str, int]:
    """Codings of both instruments, of both as one, and of the gold; the names of both, and how many units it filled."""
    import pandas as pd

    of_first = codings.frame[codings.frame["run_id"].fillna("") == run]
    table = open_run(second_run).table()
    of_second = table[(table["variable"] == codings.variable.name) & table["unit_id"].isin(of_first["unit_id"])]
    first, second = str(of_first["coder"].iloc[0]), str(of_second["coder"].iloc[0]).partition("@")[0]
    second = second if second != first else f"{second} (second)"
    of_second = of_second.assign(coder=second)
    keys = ["unit_id", "draw"]
    filled = of_second[of_second["label"].notna()]
    gaps = of_first[of_first["label"].isna()].merge(filled[keys], on=keys)[keys]
    places = pd.MultiIndex.from_frame(of_first[keys]).isin(pd.MultiIndex.from_frame(gaps))
    chosen = filled.merge(gaps, on=keys)
    joined = pd.concat([of_first[~places], chosen]).assign(coder=f"{first} + {second}")
    gold = codings.frame[codings.frame["coder"] == codings.gold]
    frame = pd.concat([of_first, of_second, joined, gold], ignore_index=True)
    names = (first, second, f"{first} + {second}")
    return replace(codings, frame=frame, models=names), first, second, int(gaps["unit_id"].nunique())


def say_second(run: Run, whys: Collection[str]) -> str:
    """What was planned, and what to do next."""
    n = sum(1 for _ in run.units())
    reasons = " or ".join(whys or WHYS)
    return (
        f"{say_count(n, 'unit')} that ended {reasons} will be asked of {run.asked.model}, in run {run.name!r}: its "
        f"labels bear their own coder. Send them: codebook submit {run.name}"
    )
