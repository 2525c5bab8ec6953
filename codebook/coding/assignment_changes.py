"""An assignment that changes while people code: new units, another coder, one who leaves. What was coded stays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from filelock import FileLock

from codebook.coding.assigning import Design, draw_shares
from codebook.coding.assignments import (
    FOLDER,
    Assigned,
    Assignment,
    name_faults,
    note_round,
    read_assignment,
    read_strata,
    save_assignment,
    to_row,
)
from codebook.coding.coder_state import CoderState
from codebook.coding.coding_log import CodingLog, log_path, now
from codebook.coding.kept_units import keep_units
from codebook.errors import BusyError, Fault, ParameterError
from codebook.ground.quantities import say_count
from codebook.paths import resolve_path
from codebook.records import Unit


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to change in an assignment.

    Attributes
    ----------
    units
        Units; those that nobody has in this round yet are drawn for the coders, by the design.
    coders
        Names of further coders. Where all code all, they get all units; else a fair share of what is open.
    leaving
        Coders who leave: what they have not coded goes to the others.
    sample
        Coders of a gold sample that was drawn after units were given out, here `units`: those that none of these
        coders has are drawn for them, whoever else has them, and further coders get units of the sample only.
    design
        By which new units are drawn; that of the round where none is given.

    Examples
    --------
    >>> Changes(units=("11",), coders=("cy",), leaving=("ann",)).leaving
    ('ann',)
    """

    units: Iterable[Unit] = ()
    coders: Sequence[str] = ()
    leaving: Sequence[str] = ()
    sample: Sequence[str] = ()
    design: Design | None = None


def extend_assignment(
    changes: Changes, folder: str | Path = FOLDER, *, round_name: str = "main"
) -> tuple[Assignment, list[str]]:
    """Change an assignment; return it with sentences that say what changed. What was coded stays as it is.

    Parameters
    ----------
    changes
        New units, further coders, coders who leave.
    round_name
        The round that is changed; a new name begins a round of its own.

    Raises
    ------
    ParameterError
        There is no assignment, a coder's name cannot be one, or nobody is left.
    BusyError
        Somebody whose open units are to move is coding now.

    Examples
    --------
    >>> import codebook as cb
    >>> _ = cb.open_study().with_coding(coders=("ann", "ben")).assign()
    >>> assignment, said = extend_assignment(Changes(coders=("cy",)))
    >>> assignment.coders
    ['ann', 'ben', 'cy']
    """
    place = resolve_path(folder)
    with ExitStack() as locks:
        read_assignment(place)
        locks.enter_context(FileLock(place / ".assignment.lock"))
        before = read_assignment(place)
        work, units = _Work(before, place, round_name, locks), list(changes.units)
        work.take_out(changes.leaving)
        work.add_sample(units, [coder for coder in changes.sample if coder not in changes.leaving], changes.design)
        work.add_coders(changes.coders)
        work.add_units(units, changes.design)
        after = replace(before, rows=tuple(work.rows), rounds=(*before.rounds, *work.rounds))
        if after.rows != before.rows:
            save_assignment(after, place, before=before.digest)
    return after, work.sentences or ["Nothing to change."]


class _Work:
    """The rows as they change, and what is told of it."""

    def __init__(self, before: Assignment, folder: Path, round_name: str, locks: ExitStack) -> None:
        self.rows, self.rounds, self.sentences = list(before.rows), list[dict[str, Any]](), list[str]()
        self.folder, self.round, self._held = folder, round_name, locks
        self._states: dict[str, CoderState] = {}
        self._sample: set[str] | None = None
        drawn = [each for each in before.rounds if each["round"] == round_name and "design" in each]
        self.design = Design(**drawn[-1]["design"]) if drawn else Design()
        self._n_drawn = len(before.rounds)

    @property
    def coders(self) -> list[str]:
        """Who codes in the round, or in any round where it is new."""
        here = [row.coder for row in self.rows if row.round == self.round]
        return list(dict.fromkeys(here or [row.coder for row in self.rows]))

    def _open(self, coder: str) -> list[Assigned]:
        """The rows of a coder of which nothing is coded, in order; the coder cannot code meanwhile."""
        if coder not in self._states:
            log = self._held.enter_context(CodingLog(log_path(self.folder, coder)))
            if log.read_only:
                raise BusyError(
                    f"{coder} is coding now, and open units would move. To mend: close the form, then repeat."
                )
            self._states[coder] = CoderState(log.acts)
        state = self._states[coder]
        rows = [row for row in self.rows if row.coder == coder and row.round == self.round]
        return sorted((row for row in rows if not state.answers(row.turn)), key=lambda row: row.place)

    def take_out(self, leaving: Sequence[str]) -> None:
        """Give what is open of those who leave to the others, to whoever has least and does not have the unit."""
        ParameterError.raise_any("The assignment was not changed.", list(self._leaving_faults(leaving)))
        stay = [coder for coder in self.coders if coder not in leaving]
        hands = _Hands(self.rows, self.round, stay)
        for coder in leaving:
            changed = {row: None if row.draw else hands.take(row) for row in self._open(coder)}
            self._replace(changed)
            n_moved = sum(row is not None for row in changed.values())
            n_over = sum(new is None and not row.draw for row, new in changed.items())
            over = f"; {n_over:,} are already assigned to all of them" if n_over else ""
            self.sentences.append(f"{coder} leaves: {n_moved:,} open units go to {', '.join(stay)}{over}.")
            self._note(leaves=coder, n_units=n_moved)

    def _replace(self, changed: Mapping[Assigned, Assigned | None]) -> None:
        """Put other rows in the place of some; None takes one out."""
        rows = (changed.get(row, row) for row in self.rows)
        self.rows = [row for row in rows if row is not None]

    def _leaving_faults(self, leaving: Sequence[str]) -> Iterator[Fault]:
        for coder in leaving:
            if coder not in self.coders:
                yield Fault("leaves", f"{coder!r} has no units in this round", f"name one of {', '.join(self.coders)}")
        if leaving and not set(self.coders) - set(leaving):
            yield Fault("leaves", "no coder would be left", "add a coder first")

    def _last(self, coder: str) -> int:
        return max((row.place for row in self.rows if row.coder == coder and row.round == self.round), default=0)

    def add_coders(self, coders: Sequence[str]) -> None:
        """Give further coders all units where all code all, else their share of what is open with the others."""
        fresh = [coder for coder in coders if coder not in self.coders]
        ParameterError.raise_any("The assignment was not changed.", list(name_faults([*self.coders, *fresh])))
        everything = self.design.double == 1 and not self.design.overlap and not self.design.per_coder
        for coder in fresh:
            n = self._give_all(coder) if everything else self._give_share(coder)
            self.sentences.append(f"{coder} joins: {say_count(n, 'unit')}.")
            self._note(comes=coder, n_units=n)

    def _may_go(self, row: Assigned) -> bool:
        """Whether a further coder may get the unit of a row: where a gold sample is coded, one of the sample."""
        return row.round == self.round and (self._sample is None or row.unit_id in self._sample)

    def _give_all(self, coder: str) -> int:
        units = dict.fromkeys(row.unit_id for row in self.rows if self._may_go(row))
        self._draw(dict.fromkeys(units, ""), [coder], replace(self.design, seed=self._seed(), strata=""))
        return len(units)

    def _give_share(self, coder: str) -> int:
        """Move open units, the last ones of whoever has most, until the new coder has as many open ones as they."""
        hands = {name: [row for row in self._open(name) if not row.draw and self._may_go(row)] for name in self.coders}
        mine: dict[str, Assigned] = {}
        while hands:
            richest = max(hands, key=lambda name: len(hands[name]))
            if len(hands[richest]) <= len(mine) + 1:
                break
            row = hands[richest].pop()
            mine.setdefault(row.unit_id, row)
        changed = enumerate(mine.values(), start=1)
        self._replace({row: replace(row, coder=coder, place=place) for place, row in changed})
        return len(mine)

    def add_units(self, units: Sequence[Unit], design: Design | None) -> None:
        """Draw the units that nobody has in the round yet, and put them behind what each coder has."""
        known = {row.unit_id for row in self.rows if row.round == self.round}
        self._draw_units([unit for unit in units if unit.unit_id not in known], self.coders, design, "new unit")

    def add_sample(self, units: Sequence[Unit], coders: Sequence[str], design: Design | None) -> None:
        """Draw the units of a gold sample that none of its coders has in the round for them, whoever else has them."""
        if not coders:
            return
        ParameterError.raise_any(
            "The assignment was not changed.", list(name_faults(list(dict.fromkeys([*self.coders, *coders]))))
        )
        self._sample = {unit.unit_id for unit in units}
        theirs = {row.unit_id for row in self.rows if row.round == self.round and row.coder in coders}
        design = design or replace(self.design, seed=self._seed())
        design = replace(design, overlap=min(design.overlap, len(coders)))
        fresh = [unit for unit in units if unit.unit_id not in theirs]
        self._draw_units(fresh, coders, design, "unit")

    def _draw_units(self, units: Sequence[Unit], coders: Sequence[str], design: Design | None, name: str) -> None:
        if not units:
            return
        design = design or replace(self.design, seed=self._seed())
        strata = read_strata(units, design.strata)
        keep_units(self.folder / "units.jsonl", units)
        self._draw(strata, coders, design)
        self.sentences.append(f"{say_count(len(units), name)} for {', '.join(coders)}.")

    def _draw(self, strata: dict[str, str], coders: Sequence[str], design: Design) -> None:
        shares = draw_shares(strata, coders, design)
        ends = {coder: self._last(coder) for coder in coders}
        self.rows += [to_row(share, self.round, behind=ends[share.coder]) for share in shares]
        self.rounds.append(note_round(self.round, shares, strata, coders, design))

    def _seed(self) -> int:
        """Another seed for each addition, which follows from the first."""
        return self.design.seed + self._n_drawn + len(self.rounds)

    def _note(self, **what: Any) -> None:
        drawn = {"design": asdict(self.design), "coders": self.coders, "left_over": 0}
        self.rounds.append({"round": self.round, "at": now(), **what, **drawn})


class _Hands:
    """What those who stay have, and take over."""

    def __init__(self, rows: Sequence[Assigned], round_name: str, coders: Sequence[str]) -> None:
        here = [row for row in rows if row.round == round_name]
        self._units = {coder: {row.unit_id for row in here if row.coder == coder} for coder in coders}
        self._last = {coder: max((row.place for row in here if row.coder == coder), default=0) for coder in coders}

    def take(self, row: Assigned) -> Assigned | None:
        """The row as that of the coder who has least and not this unit; None where all have it."""
        able = [coder for coder, units in self._units.items() if row.unit_id not in units]
        if not able:
            return None
        coder = min(able, key=lambda name: len(self._units[name]))
        self._units[coder].add(row.unit_id)
        self._last[coder] += 1
        return replace(row, coder=coder, place=self._last[coder])
