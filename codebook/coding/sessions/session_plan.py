"""What a session goes by: who codes which rows by which codebook; and which of them are done, skipped or flagged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from codebook.coding.assignments import Assigned
from codebook.coding.coder_state import CoderState, Turn
from codebook.coding.kept_units import KeptUnits
from codebook.coding.sessions.unit_sources import SourceMaker, embed_files
from codebook.errors import Fault, ParameterError
from codebook.records import Unit
from codebook.scheme import Codebook

Beside = Callable[[Assigned, Mapping[str, Any]], Mapping[str, Any]]
"""What a round adds to a view, by the row that is shown and the answers that it has: suggestion, feedback, sides."""


@dataclass(frozen=True)
class SessionPlan:
    """What a session goes by.

    Attributes
    ----------
    coder, study, round
        Who codes what.
    codebook, rows, units
        The instrument, what is assigned in order, and the units by their ids.
    assignment
        Digest of the assignment.
    beside
        What is shown beside a unit; nothing in a plain round. Every view asks it anew.
    sources
        How files of a unit are shown.
    stays
        A unit stays when it is answered, for what is shown beside it then, until the coder goes on.

    Examples
    --------
    >>> import codebook as cb
    >>> _ = cb.open_study().with_coding(coders=("ann",)).assign()
    >>> with cb.coding.open_session("ann") as session: print(session.plan.coder, len(session.plan.rows))
    ann 12
    """

    coder: str
    codebook: Codebook
    rows: tuple[Assigned, ...]
    units: Mapping[str, Unit] | KeptUnits
    study: str = ""
    round: str = "main"
    assignment: str = ""
    beside: Beside | None = None
    sources: SourceMaker = embed_files
    stays: bool = False

    @property
    def digests(self) -> dict[str, str]:
        """Of each variable that people code, the digest of all that a coder sees of it."""
        return {each.name: self.codebook.variable_digest(each.name) for each in self.codebook.variables}


class Places:
    """Places in a coder's order, by what is known of them; they count from 0."""

    def __init__(self, plan: SessionPlan, state: CoderState) -> None:
        self._plan, self._state, self._digests = plan, state, plan.digests
        self._variables = [each.name for each in plan.codebook.variables]
        self._turns: Mapping[Turn, int] = {row.turn: place for place, row in enumerate(plan.rows)}
        self.done, self.left, self.flagged = set[int](), set[int](), set[int]()
        self.skipped, self.recode = set[int](), set[int]()
        for place in range(len(plan.rows)):
            self._look_at(place)

    def update(self, turn: Turn | None) -> int | None:
        """Look at a turn anew, and return its place; None where it is none of this session."""
        place = None if turn is None else self._turns.get(turn)
        if place is not None:
            self._look_at(place)
        return place

    def _look_at(self, place: int) -> None:
        turn = self._plan.rows[place].turn
        answers = self._state.acts_of(turn, "label")
        done = all(name in answers for name in self._variables)
        skipped = not done and self._state.skipped(turn) is not None
        _put(self.done, place, done)
        _put(self.skipped, place, skipped)
        _put(self.left, place, not done and not skipped)
        _put(self.flagged, place, self._state.is_flagged(turn))
        _put(self.recode, place, bool(self.old_definitions(turn)))

    def old_definitions(self, turn: Turn) -> list[str]:
        """The variables of a turn that were coded by another definition than the codebook's of now."""
        labels = self._state.acts_of(turn, "label")
        return [name for name, act in labels.items() if act.get("codebook") != self._digests.get(name)]

    def of(self, name: str) -> set[int] | range:
        """The places of a filter."""
        sets = {"left": self.left, "flagged": self.flagged, "skipped": self.skipped, "recode": self.recode}
        return sets.get(name, range(len(self._plan.rows)))

    def next(self, place: int, name: str) -> int | None:
        """The next place of a filter, from the front again where there is none behind; None where there is none."""
        places, n = self.of(name), len(self._plan.rows)
        order = ((place + offset) % n for offset in range(1, n + 1))
        return next((each for each in order if each in places), None)

    def find(self, to: str | int) -> int:
        """A place by its number (from 1) or by the id of its unit."""
        n = len(self._plan.rows)
        if isinstance(to, int) and 1 <= to <= n:
            return to - 1
        named = (place for place, row in enumerate(self._plan.rows) if row.unit_id == str(to))
        if (place := next(named, None)) is None:
            fault = Fault("go", f"none of your units is {to!r}", f"give an id, or a number from 1 to {n}")
            raise ParameterError("Not found.", [fault])
        return place

    def step(self, place: int, step: int) -> int:
        """One place on or back in the order, whatever the filter; it ends at the ends."""
        return min(max(place + step, 0), len(self._plan.rows) - 1)


def _put(places: set[int], place: int, holds: bool) -> None:
    if holds:
        places.add(place)
    else:
        places.discard(place)
