"""A second instrument, disclosed: what was refused, cut short or answered outside the codebook is asked once more.

Another model is asked, or the same one, which is shown what was wrong with its answer. These labels come from a run of
their own, always keep a coder name of their own, and never take the place of the first ones.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from msgspec import structs

from codebook.analysis.against_gold.validity_tables import validity
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.estimates import Bootstrap
from codebook.analysis.core.result import Result, nothing_to_say
from codebook.analysis.correction.finding_changes import changed_findings
from codebook.codings import set_aside_abstentions
from codebook.errors import Fault, ParameterError
from codebook.ground.quantities import say_count
from codebook.records import Unit
from codebook.run import Run, list_runs, open_run
from codebook.study.study_opening import Study

if TYPE_CHECKING:
    import pandas as pd

WHYS = ("refused", "invalid", "truncated")
"""Why a unit is asked once more, where nothing else is said."""
AGAIN, SECOND = "again", "second"
"""What the runs of the same model and of another one are called, behind the name of the first."""
_ORDER = (
    "An answer to this unit was given before and was not accepted. The context has that answer and what was wrong with "
    "it. Answer anew, in the form that is asked for."
)
_MOST = 1_000
"""Characters of an answer that are shown again."""


def plan_second(
    study: Study, model: str = "", *, whys: Collection[str] = (), show_errors: bool = False, **facts: Any
) -> Run:
    """Plan a run that asks the units that a study's run got no label of once more, of another model or with the error.

    Only the variables are asked that lack a label somewhere.

    Parameters
    ----------
    model, facts
        What differs from the study: engine, provider, options, settings ...
    whys
        Of refused, invalid, truncated; all of them where none is given.
    show_errors
        Show the answer that was not accepted, and what was wrong with it, in the context of the unit. The codebook says
        so, and has another digest.

    Raises
    ------
    ParameterError
        Another reason than those, no unit ended for one of them, or nothing would be otherwise than the first time.

    Examples
    --------
    >>> import codebook as cb
    >>> plan_second(cb.open_study(run="topics"), engine="embedded", whys=["expired"])
    Traceback (most recent call last):
    codebook.errors.ParameterError: These units cannot be asked once more.
      - why: 'expired' is not a reason that a model gives. To mend: use some of refused, invalid, truncated.
    More on such a message: codebook explain ParameterError
    """
    wanted, is_other = tuple(whys) or WHYS, bool(model or facts.get("engine"))
    faults = [
        Fault("why", f"{why!r} is not a reason that a model gives", f"use some of {', '.join(WHYS)}")
        for why in wanted
        if why not in WHYS
    ]
    if not (is_other or show_errors):
        faults.append(Fault("model", "the same would be asked again", "name another model, or show the errors"))
    ParameterError.raise_any("These units cannot be asked once more.", faults)
    run = study.open_run()
    table = run.table()
    lacking = table[table["why"].isin(wanted)]
    if lacking.empty:
        fault = Fault(run.name, f"no unit is {' or '.join(wanted)}", "nothing is to be done")
        raise ParameterError("There is nothing to ask once more.", [fault])
    variables = [each for each in run.codebook.variables if each.name in set(lacking["variable"])]
    book = run.codebook.model_copy(update={"variables": tuple(variables)})
    ids = set(lacking["unit_id"])
    units: Sequence[Unit] = [unit for unit in run.units() if unit.unit_id in ids]
    if show_errors:
        orders = "\n".join(filter(None, [book.instructions, _ORDER]))
        book, units = book.model_copy(update={"instructions": orders}), list(_show_answers(units, lacking))
    other = study.beside(SECOND if is_other else AGAIN, model=model, **facts)
    return other.plan(codebook=book, units=units)


def _show_answers(units: Sequence[Unit], lacking: pd.DataFrame) -> Iterator[Unit]:
    """The units with the answers that were not accepted, and why, in their context."""
    by_unit = dict(iter(lacking.drop_duplicates(["unit_id", "variable"]).groupby("unit_id")))
    for unit in units:
        mine = by_unit[unit.unit_id]
        answers = [f"{row.variable}: {str(row.raw)[:_MOST]}" for row in mine.itertuples() if row.raw]
        wrongs = [f"{row.variable}: {row.why}. {row.detail}".rstrip() for row in mine.itertuples()]
        shown = {"earlier answer": "\n".join(answers), "what was wrong with it": "\n".join(wrongs)}
        yield structs.replace(unit, context={**unit.context, **shown})


def list_seconds(run: str) -> list[str]:
    """The runs that asked once more what a run got no label of, the same model first.

    Examples
    --------
    >>> list_seconds("topics")
    []
    """
    there = list_runs()
    return [name for suffix in (AGAIN, SECOND) if (name := f"{run}-{suffix}") in there]


def compare_second(
    study: Study,
    variable: str = "",
    *,
    by: str = "",
    part: str = "test",
    unlock: bool = False,
    resample: Bootstrap = Bootstrap(),
) -> Result:
    """Figures of the first instrument alone, of the second alone, and of the first filled up by the second.

    The first is a coder with gaps; `first + second` has its labels and, where it has none, those of the second. Without
    a second instrument, or where it gave no label, the result says so.

    Parameters
    ----------
    by
        "" for validity against the gold; "label" for the share of each label, without and with the second instrument.
    part, unlock
        Of a gold sample, as in `Study.codings`.

    Examples
    --------
    >>> import codebook as cb
    >>> compare_second(cb.open_study(run="topics"), resample=cb.Bootstrap(0)).finding
    'No second instrument was asked.'
    """
    codings = study.codings(part=part, unlock=unlock).of(variable)
    seconds = list_seconds(study.name)
    both, names, n_filled = _put_together(codings, study.open_run().name, seconds)
    if len(names) == 1:
        name = "second_shares" if by else "second_instrument"
        result = Result(codings.frame.head(0), name, "First and second instrument", section="validity")
        what = "The second instrument has given no label." if seconds else "No second instrument was asked."
        return nothing_to_say(codings, what, result)
    first, *others = names
    filled = f"{say_count(n_filled, 'unit')} without a label of {first} {'has' if n_filled == 1 else 'have'} one of"
    filled = f"{filled} {' or '.join(name for name in others if ' + ' not in name)}."
    remark = f"{others[-1]}: labels of {first}, else of the other."
    if by:
        result = changed_findings(replace(both, joins=()), first, others[-1])
        name, title = "second_shares", "Share of each label, without and with the second instrument"
    else:
        result = validity(both, resample=resample)
        name, title = "second_instrument", "Validity with and without the second instrument"
    remarks, finding = (remark, *result.remarks), f"{filled} {result.finding}"
    return replace(result, name=name, title=title, section="validity", finding=finding, remarks=remarks)


def _put_together(codings: Codings, run: str, seconds: Sequence[str]) -> tuple[Codings, list[str], int]:
    """Codings of each instrument, of the first filled up by the others in turn, and of the gold.

    With them come the names, the first one's first, the last with what all know, and how many units were filled.
    """
    import pandas as pd

    filled = codings.frame[codings.frame["run_id"].fillna("") == run]
    names, frames, n_filled = [str(name) for name in filled["coder"].head(1)], [filled], 0
    for second in seconds:
        other = open_run(second)
        table = set_aside_abstentions(Codings(other.table(), other.codebook.variables), other.codebook).frame
        table = table[(table["variable"] == codings.variable.name) & table["unit_id"].isin(filled["unit_id"])]
        if not table["label"].notna().any():
            continue
        name = str(table["coder"].iloc[0]).partition("@")[0]
        names.append(f"{name} ({second.rpartition('-')[2]})" if name in names else name)
        table = table.assign(coder=names[-1])
        filled, n_new = _fill(filled, table)
        n_filled += n_new
        frames += [table, filled.assign(coder=" + ".join(name for name in names if " + " not in name))]
        names.append(str(frames[-1]["coder"].iloc[0]))
    gold = codings.frame[codings.frame["coder"] == codings.gold]
    both = replace(codings, frame=pd.concat([*frames, gold], ignore_index=True), models=tuple(names))
    return both, names, n_filled


def _fill(first: pd.DataFrame, second: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """The first labels with those of the second where there are none, and how many units got one."""
    import pandas as pd

    keys = ["unit_id", "draw"]
    chosen = second[second["label"].notna()].merge(first.loc[first["label"].isna(), keys], on=keys)
    gaps = pd.MultiIndex.from_frame(first[keys]).isin(pd.MultiIndex.from_frame(chosen[keys]))
    return pd.concat([first[~gaps], chosen], ignore_index=True), int(chosen["unit_id"].nunique())


def say_second(run: Run, whys: Collection[str]) -> str:
    """Say what was planned, and what to do next."""
    n = sum(1 for _ in run.units())
    reasons = " or ".join(whys or WHYS)
    return (
        f"{say_count(n, 'unit')} that ended {reasons} will be asked of {run.asked.model}, in run {run.name!r}: its "
        f"labels have a coder name of their own. Send them: codebook submit {run.name}"
    )
