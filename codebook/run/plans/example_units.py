"""Coded units as examples in the codebook, drawn with a seed; the others are left to be coded and to be tested on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson

from codebook.errors import Fault, ParameterError
from codebook.ground.joins import Sides, join_faults, join_ids
from codebook.ground.quantities import say_count, say_percent
from codebook.records import Unit
from codebook.run.plans.asking import AskingFields
from codebook.run.plans.planning import plan
from codebook.run.verbs import Run
from codebook.scheme import Category, Codebook, Example, Variable
from codebook.units import Source
from codebook.units.source import LeftOut

if TYPE_CHECKING:
    import pandas as pd

    from codebook.analysis.core.codings import Codings
    from codebook.analysis.core.result import Result


def draw_examples(
    codebook: Codebook,
    units: Source,
    table: pd.DataFrame,
    *,
    n_each: int = 8,
    seed: int = 1,
    coder: str = "gold",
    variable: str = "",
) -> tuple[Codebook, LeftOut]:
    """Put coded units into the codebook as examples; return it and the units that are left.

    The same seed draws the same units. Units that are not asked, and units of several images, are not drawn.

    Parameters
    ----------
    table
        Tidy table with the labels of `coder`, such as `read_coders` returns it.
    n_each
        How many units a category; of kind `multi`, units that have this category alone.
    variable
        Which variable; the first where empty.

    Raises
    ------
    ParameterError
        A category has fewer coded units than that, or the coded units are not among `units`.

    Examples
    --------
    >>> import codebook as cb
    >>> study = cb.open_study()
    >>> book, rest = draw_examples(study.codebook, study.open_units(), study.codings().frame, n_each=1)
    >>> sum(len(category.examples) for category in book.variables[0].categories)
    4
    """
    target = codebook.variable(variable)
    ids_of, drawable = _by_label(table, target, coder), _drawable(units)
    join = join_ids((unit_id for ids in ids_of.values() for unit_id in ids), drawable)
    sides = Sides(f"units coded by {coder}", "among the units", "the list of units")
    ParameterError.raise_any("The coded units are not those to draw examples from.", join_faults(join, "units", sides))
    chosen = _choose(ids_of, drawable, target, n_each, seed)
    places = {unit_id: label for label, ids in chosen.items() for unit_id in ids}
    drawn = {unit.unit_id: unit for unit in units if unit.unit_id in places}
    categories = [_add(category, (drawn[each] for each in chosen[category.name])) for category in target.categories]
    taught = target.model_copy(update={"categories": tuple(categories)})
    variables = tuple(taught if each.name == target.name else each for each in codebook.variables)
    book = codebook.model_dump() | {"variables": [each.model_dump() for each in variables]}
    return Codebook.model_validate(book), LeftOut(units, frozenset(places))


def try_examples(
    run: Run, units: Source, codings: Codings, *, draws: int = 5, n_each: int = 8, seed: int = 1, name: str = ""
) -> Result:
    """Draw examples several times, have the other units coded each time as `run` is, and hold that against the gold.

    Each draw is a run of its own, named `name`-seed. How far the figures of the draws lie apart shows what chance in
    choosing examples does; the draws share units, so their mean is surer than one of them, but less than it seems.

    Parameters
    ----------
    run
        Whose codebook gets the examples, and whose engine, model and settings answer.
    units
        Those that the examples are drawn from; the others are coded.
    codings
        With the labels of the gold, of one variable (of several, the first is taken).
    draws, seed
        How many draws, with the seeds `seed`, `seed` + 1, ...
    n_each
        How many units a category.
    name
        Of the runs; that of `run` with "-examples" where empty.

    Returns
    -------
    Result
        `.frame`: one row for each draw: run, seed, n_each, n (units left with a label of the gold), n_answered,
        accuracy (unanswered units count as wrong), baseline (always their commonest label). Where the gold gave no
        label, the result says so.

    Examples
    --------
    >>> import codebook as cb
    >>> study = cb.open_study()
    >>> tried = try_examples(cb.open_run("topics"), study.open_units(), study.codings(), draws=2, n_each=1)
    >>> len(tried.frame) > 1
    True
    """
    import pandas as pd

    from codebook.analysis.core.gold_samples import why_no_gold
    from codebook.analysis.core.result import Facts, Result, nothing_to_say

    first = codings.of(codings.variables[0].name)
    table, variable, gold = first.frame, first.variable.name, first.gold
    columns = ("run", "seed", "n_each", "n", "n_answered", "accuracy", "baseline")
    empty = Result(pd.DataFrame(columns=columns), "with_examples", "With examples", "validity")
    if reason := why_no_gold(table, variable, gold):
        return nothing_to_say(codings, reason, empty)
    rows = []
    for number in range(seed, seed + draws):
        book, rest = draw_examples(
            run.codebook, units, table, n_each=n_each, seed=number, coder=gold, variable=variable
        )
        trial = plan(book, rest, run=f"{name or f'{run.name}-examples'}-{number}", **_same_answers(run))
        trial.submit()
        trial.collect(partial=True)
        rows.append(
            {"run": trial.name, "seed": number, "n_each": n_each} | _score(trial.table(), table, gold, variable)
        )
    frame = pd.DataFrame(rows)
    facts = Facts(int(frame["n"].max()), joins=codings.joins)
    remark = "Each draw of examples is a run of its own; unanswered units count as wrong."
    return replace(empty, frame=frame, facts=facts, finding=_say(frame), remarks=(remark,), outputs=codings.outputs)


def _same_answers(run: Run) -> AskingFields:
    """Who answers the questions of a run, and how, as `plan` takes it."""
    asking = run.asked
    fields: AskingFields = {"engine": asking.engine, "model": asking.model, "url": asking.url}
    return {**fields, "settings": asking.settings, "options": asking.options, "private": bool(asking.private)}


def _say(frame: pd.DataFrame) -> str:
    """How many are right with examples, over the draws, and with one label always."""
    shares = frame["accuracy"]
    least, most = (say_percent(share, 1) for share in (shares.min(), shares.max()))
    n_units = " to ".join(str(n) for n in sorted({int(frame["n"].min()), int(frame["n"].max())}))
    return (
        f"With {frame['n_each'].iloc[0]} examples a category {say_percent(shares.mean(), 1)} of {n_units} other units "
        f"are right ({say_count(len(frame), 'draw')}, {least} to {most}); one label always: "
        f"{say_percent(frame['baseline'].mean(), 1)}."
    )


def _score(coded: pd.DataFrame, table: pd.DataFrame, coder: str, variable: str) -> dict[str, Any]:
    """How the labels of a run meet those of a coder."""
    rows = table[(table["coder"] == coder) & (table["variable"] == variable) & table["label"].notna()]
    golden = dict(zip(rows["unit_id"], rows["label"], strict=True))
    mine = coded[(coded["variable"] == variable) & (coded["draw"] == 0) & coded["unit_id"].isin(list(golden))]
    meant = mine["unit_id"].map(golden)
    right = (mine["label"] == meant).fillna(value=False)
    return {
        "n": len(mine),
        "n_answered": int(mine["label"].notna().sum()),
        "accuracy": float(right.mean()),
        "baseline": float(meant.value_counts(normalize=True).max()),
    }


def _drawable(units: Source) -> frozenset[str]:
    return frozenset(unit.unit_id for unit in units if len(unit.files) <= 1)


def _by_label(table: pd.DataFrame, target: Variable, coder: str) -> dict[str, list[str]]:
    """Ids of the units that have each label, in their own order."""
    rows = table[(table["coder"] == coder) & (table["variable"] == target.name) & table["label"].notna()]
    ids_of: dict[str, list[str]] = {}
    for unit_id, label in sorted(zip(rows["unit_id"], rows["label"], strict=True)):
        alone = orjson.loads(label) if target.is_set else [label]
        if len(alone) == 1:
            ids_of.setdefault(alone[0], []).append(unit_id)
    return ids_of


def _choose(
    ids_of: dict[str, list[str]], drawable: frozenset[str], target: Variable, n_each: int, seed: int
) -> dict[str, list[str]]:
    import numpy as np

    dice, faults, chosen = np.random.default_rng(seed), list[Fault](), dict[str, list[str]]()
    for label in target.scale:
        ids = [unit_id for unit_id in ids_of.get(label, ()) if unit_id in drawable]
        if len(ids) < n_each:
            mend = f"draw at most {len(ids)} each, or code more units"
            faults.append(Fault(f"n_each = {n_each}", f"{label!r} has {len(ids)} coded units", mend))
        chosen[label] = [ids[place] for place in dice.permutation(len(ids))[:n_each]]
    ParameterError.raise_any("There are not enough coded units to draw examples from.", faults)
    return chosen


def _add(category: Category, units: Iterable[Unit]) -> Category:
    return category.model_copy(update={"examples": (*category.examples, *map(_show, units))})


def _show(unit: Unit) -> Example:
    """A unit as an example; its image is sent as the unit's own would be."""
    if not unit.files:
        return Example(text=unit.text)
    ask = unit.files[0].ask
    return Example(
        text=unit.text, image=unit.files[0].path, max_side=ask.get("max_side", 0), detail=ask.get("detail", "")
    )
