"""What a coder has said so far, by the log alone: answers, notes, flags, skipped units; undo and redo."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from codebook.coding.coding_log import Act
from codebook.errors import RecordError

UNDOABLE = ("label", "note", "flag", "skip")
_IDLE_MS = 10 * 60_000  # what is longer was a pause


class Turn(NamedTuple):
    """One showing of a unit to a coder: `draw` counts from 0 where the same unit comes again."""

    unit: str
    round: str = "main"
    draw: int = 0


class CoderState:
    """The state of one coder's work, act by act.

    Examples
    --------
    >>> state = CoderState([{"n": 1, "act": "label", "unit": "7", "variable": "topic", "label": "sports"}])
    >>> state.answers(Turn("7")), state.can_undo
    ({'topic': 'sports'}, True)
    >>> state.apply({"n": 2, "act": "undo", "of": 1})
    Turn(unit='7', round='main', draw=0)
    >>> state.answers(Turn("7"))
    {}
    """

    def __init__(self, acts: Iterable[Act] = ()) -> None:
        self._set: dict[Turn, dict[tuple[str, str], Act]] = {}
        self._done: list[tuple[Act, Act | None]] = []
        self._undone: list[tuple[Act, Act | None]] = []
        self._longest: dict[tuple[str, str], int] = {}
        self._ms = 0
        self.last: Act | None = None
        for act in acts:
            self.apply(act)

    def apply(self, act: Act) -> Turn | None:
        """Take an act in, and return the turn that it concerns.

        Raises
        ------
        RecordError
            It undoes another act than the last one.
        """
        kind = act["act"]
        self._count_time(act)
        if kind in UNDOABLE:
            self._done.append((act, self._put(act, act)))
            self._undone.clear()
        elif kind == "undo":
            undone = self._pop(self._done, act)
            self._undone.append(undone)
            self._put(*undone)
        elif kind == "redo":
            redone = self._pop(self._undone, act)
            self._done.append(redone)
            self._put(redone[0], redone[0])
            return self._note_last(redone[0])
        else:
            return None
        return self._note_last(undone[0] if kind == "undo" else act)

    def _count_time(self, act: Act) -> None:
        """Add what a decision took since its unit was drawn, or since the decision before on the same drawing."""
        ms = act.get("ms")
        if ms and ms <= _IDLE_MS:
            drawing = (act["unit"], act.get("shown") or "")
            before = self._longest.get(drawing, 0)
            self._longest[drawing] = max(before, ms)
            self._ms += self._longest[drawing] - before

    @property
    def minutes(self) -> float:
        """Minutes that the coder took, from the drawing of each unit to the last decision on it; pauses left out.

        Examples
        --------
        >>> state = CoderState()
        >>> for n, ms in enumerate((20_000, 30_000, 9_999_999), start=1):
        ...     _ = state.apply({"n": n, "act": "label", "unit": "7", "label": "a", "shown": "then", "ms": ms})
        >>> state.minutes
        0.5
        """
        return self._ms / 60_000

    def _note_last(self, act: Act) -> Turn:
        self.last = act
        return turn_of(act)

    def _pop(self, stack: list[tuple[Act, Act | None]], act: Act) -> tuple[Act, Act | None]:
        if not stack or stack[-1][0]["n"] != act.get("of"):
            raise RecordError(
                f"line {act.get('n')} of a log takes back act {act.get('of')}, which is not the last one."
            )
        return stack.pop()

    def _put(self, where: Act, act: Act | None) -> Act | None:
        """Let an act hold in the slot of another one (or none), and return what held before."""
        slots = self._set.setdefault(turn_of(where), {})
        slot = (where.get("variable", "") or "", where["act"])
        before = slots.pop(slot, None)
        if act is not None and _says_something(act):
            slots[slot] = act
        return before

    @property
    def can_undo(self) -> bool:
        """Whether there is an act to take back."""
        return bool(self._done)

    @property
    def can_redo(self) -> bool:
        """Whether an act was taken back, and none was done since."""
        return bool(self._undone)

    @property
    def next_undo(self) -> Act:
        """The act that undo takes back."""
        return self._done[-1][0]

    @property
    def next_redo(self) -> Act:
        """The act that redo does again."""
        return self._undone[-1][0]

    def acts_of(self, turn: Turn, kind: str) -> dict[str, Act]:
        """The acts of one kind that hold for a turn, by variable."""
        return {variable: act for (variable, name), act in self._set.get(turn, {}).items() if name == kind}

    def answers(self, turn: Turn) -> dict[str, Any]:
        """The labels of a turn by variable."""
        return {variable: act["label"] for variable, act in self.acts_of(turn, "label").items()}

    def notes(self, turn: Turn) -> dict[str, str]:
        """The notes of a turn by variable; that on the unit by ""."""
        return {variable: act["text"] for variable, act in self.acts_of(turn, "note").items()}

    def is_flagged(self, turn: Turn) -> bool:
        """Whether a turn is flagged."""
        return bool(self.acts_of(turn, "flag"))

    def skipped(self, turn: Turn) -> str | None:
        """Why a turn was skipped, None where it was not."""
        act = self.acts_of(turn, "skip").get("")
        return None if act is None else str(act.get("reason", ""))

    def turns(self) -> Iterator[Turn]:
        """Every turn of which something is said."""
        return (turn for turn, slots in self._set.items() if slots)


def turn_of(act: Act) -> Turn:
    """The turn that an act is about."""
    return Turn(str(act["unit"]), act.get("round", "main"), act.get("draw", 0))


def _says_something(act: Act) -> bool:
    """Whether an act sets something, and does not take it back."""
    kind = act["act"]
    if kind == "label":
        return act["label"] is not None
    return bool(act["text"]) if kind == "note" else act.get("on", True) is not False
