"""Which lines of which runs go, and which only get another name, since a row of somebody else rests on them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count

from codebook.errors import RunError
from codebook.files.lines import digest
from codebook.ledger import Ledger
from codebook.ledger.forgetting import ErasedRow, SentLine, find_asks, find_lines, find_rows, find_rows_of_asks, is_sent
from codebook.records import Asking
from codebook.requests import make_custom_id
from codebook.run.erasing.targets import Target


@dataclass(frozen=True)
class Held:
    """What the ledger holds of an erasure: rows and questions that go, and questions that get another key.

    `needed` are questions of the target that stay, since rows of other units rest on them.
    """

    rows: Sequence[ErasedRow] = ()
    asks: Collection[int] = ()
    needed: Collection[int] = ()
    keys: Mapping[int, str] = field(default_factory=dict)


def name_lines(target: Target, variables: Sequence[str], asking: Asking) -> None:
    """Note what becomes of the lines about the units of a run, as far as its folder tells."""
    make = partial(make_custom_id, salt=asking.salt)
    for variable in variables:
        for draw in range(asking.draws):
            target.names |= {make(unit_id, variable, draw): None for unit_id in target.units}
            for old, new in target.packs.items():
                name = make(old, variable, draw)
                target.names[name] = make(new, variable, draw)
                target.cuts[name] = target.places[old]


def ask_ledger(ledger: Ledger, targets: Sequence[Target]) -> Held:
    """Return what the ledger holds of the targets."""
    whole = [row for target in targets for row in find_rows(ledger, target.run, target.units)]
    asks = {row.ask_id for row in whole if row.ask_id is not None}
    for target in targets:
        asks |= find_asks(ledger, target.run, [name for name, new in target.names.items() if new is None])
    gone = {row.row_id for row in whole}
    needed = {row.ask_id for row in find_rows_of_asks(ledger, asks) if row.row_id not in gone}
    packs = [row for target in targets for row in find_rows(ledger, target.run, target.packs)]
    keys = {row.ask_id: digest("erased", str(row.ask_id), row.custom_id) for row in packs if row.ask_id is not None}
    return Held(whole, asks - needed, asks & needed, keys)


def settle_names(ledger: Ledger, targets: Sequence[Target], *, alone: bool) -> None:
    """Give other names to lines on which rows of other units rest, count the rows, and refuse what is under way.

    Parameters
    ----------
    alone
        Whether only one run is meant: rows of the same unit in other runs then keep their answers.
    """
    erased, by_run = ask_ledger(ledger, targets), {target.run: target for target in targets}
    gone = {row.row_id for row in erased.rows}
    asks = {*erased.asks, *erased.needed}
    others = {row.ask_id: row for row in find_rows_of_asks(ledger, asks) if row.row_id not in gone}
    lines = find_lines(ledger, asks | erased.keys.keys())
    _refuse_under_way(lines)
    if alone:
        _refuse_dependants([*others.values(), *find_rows_of_asks(ledger, erased.keys)], by_run)
    for target in targets:
        target.n_rows = sum(row.run_id == target.run for row in erased.rows)
    for line in lines:
        names = by_run[line.run_id].names if line.run_id in by_run else {}
        if line.ask_id in erased.asks and line.run_id in by_run:
            names[line.custom_id] = None
        elif line.ask_id in others and line.custom_id in names:
            names[line.custom_id] = _choose_name(ledger, line, others[line.ask_id])


def _choose_name(ledger: Ledger, line: SentLine, other: ErasedRow) -> str:
    """The name of the row that rests on a line, or one that says nothing where that is taken."""
    if other.run_id == line.run_id and not is_sent(ledger, line.run_id, other.custom_id):
        return other.custom_id
    names = (make_custom_id(f"erased {number}", other.variable, other.draw) for number in count(1))
    return next(name for name in names if not is_sent(ledger, line.run_id, name))


def _refuse_under_way(lines: Sequence[SentLine]) -> None:
    if runs := sorted({line.run_id for line in lines if line.under_way}):
        raise RunError(
            f"A job of run {' and '.join(map(repr, runs))} is under way that holds the unit. Nothing was erased. "
            "To mend: collect the run, or cancel and collect it, then repeat."
        )


def _refuse_dependants(others: Sequence[ErasedRow], by_run: Mapping[str, Target]) -> None:
    """An answer that another run needs for the same unit, or pack, cannot go for one run alone."""
    units = {unit_id for target in by_run.values() for unit_id in (*target.units, *target.packs)}
    if runs := sorted({row.run_id for row in others if row.unit_id in units and row.run_id not in by_run}):
        raise RunError(
            f"Run {' and '.join(map(repr, runs))} rests on answers about this unit that were given here. Nothing was "
            "erased. To mend: erase the unit from all runs, without naming one."
        )
