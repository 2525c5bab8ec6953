"""Which of a coder's units are done, left, flagged, skipped or to be coded anew; kept up act by act."""

from __future__ import annotations

from collections.abc import Mapping

from codebook.coding.coder_state import CoderState, Turn
from codebook.coding.session_plan import SessionPlan
from codebook.errors import Fault, ParameterError


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
        """A place by its number (from 1) or by the id of its unit.

        Raises
        ------
        ParameterError
            There is none.
        """
        n = len(self._plan.rows)
        if isinstance(to, int) and 1 <= to <= n:
            return to - 1
        named = (place for place, row in enumerate(self._plan.rows) if row.unit_id == str(to))
        if (place := next(named, None)) is None:
            fault = Fault("go", f"there is no unit {to!r} among yours", f"give an id, or a place from 1 to {n}")
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
