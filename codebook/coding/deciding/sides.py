"""The sides of a dispute: what each coder, person or model, said of a unit, and whether they differ."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from codebook.analysis.core.codings import Codings
from codebook.coding.assignments import Assignment
from codebook.coding.coder_state import CoderState, Turn
from codebook.coding.coding_log import list_logs, read_acts
from codebook.coding.label_values import Label, without_places
from codebook.files.lines import dump_canonical

MAIN = "main"


@dataclass(frozen=True)
class Side:
    """What one coder said of a unit: a label, or why there is none; a note; when."""

    coder: str
    label: Label = None
    why: str = ""
    note: str = ""
    time: str = ""


@dataclass(frozen=True)
class Dispute:
    """The sides of one unit, and the coders to whom it is assigned and who have not labelled it yet."""

    sides: tuple[Side, ...]
    waiting: tuple[str, ...] = ()
    labels: tuple[Label, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "labels", tuple(side.label for side in self.sides if side.label is not None))

    @property
    def is_complete(self) -> bool:
        """Whether everybody has labelled it, two at least."""
        return not self.waiting and len(self.labels) > 1

    @property
    def is_disputed(self) -> bool:
        """Whether all have labelled it, and not all the same."""
        return self.is_complete and differ(self.labels)

    @property
    def last(self) -> str:
        """When the last of its labels was given; empty where that is not known."""
        return max((side.time for side in self.sides), default="")


def differ(labels: Sequence[Label]) -> bool:
    """Whether labels are not all the same: sets in any order, records in any order, spans by their places.

    Where one of the labels has words without their place, words alone are compared.

    Examples
    --------
    >>> differ(["a", "a"]), differ([["x", "y"], ["y", "x"]]), differ(["a", "b"])
    (False, False, True)
    >>> near, far = ({"s": [{"q": {"quote": "so", "start": at, "end": at + 2}}]} for at in (0, 9))
    >>> differ([near, far]), differ([near, {"s": [{"q": "so"}]}])
    (True, False)
    """
    placed = all(_has_places(label) for label in labels)
    return len({_spell(label if placed else _plain(label)) for label in labels}) > 1


def _has_places(label: Label) -> bool:
    return _plain(label) != label or not isinstance(label, Mapping) or not any(label.values())


def _plain(label: Label) -> Label:
    """A label with the words of its spans alone."""
    return without_places(label) if isinstance(label, Mapping) and "pages" not in label else label


def _spell(label: Label) -> str:
    """A label as it is compared."""
    if isinstance(label, Mapping) and "pages" not in label:
        label = {name: sorted(_dump(each) for each in records) for name, records in label.items()}
    return _dump(sorted(map(_dump, label)) if isinstance(label, list) else label)


def _dump(value: Any) -> str:
    return dump_canonical(value).decode()


def read_disputes(
    folder: Path, assignment: Assignment, variable: str, others: Codings | None = None
) -> dict[str, Dispute]:
    """The sides of every unit of the main round, by its id, in the order of the assignment; the gold is no side."""
    states = {coder: CoderState(read_acts(path)[0]) for coder, path in list_logs(folder)}
    assigned: dict[str, list[str]] = {}
    for row in assignment.rows:
        if row.round == MAIN and not row.draw:
            assigned.setdefault(row.unit_id, []).append(row.coder)
    beside = _sides_of(others, variable) if others is not None else {}
    disputes = {}
    for unit, coders in assigned.items():
        people = {coder: side for coder in coders if (side := _side_of(states, coder, unit, variable))}
        waiting = tuple(coder for coder in coders if coder not in people)
        more = [side for side in beside.get(unit, ()) if side.coder not in coders]
        disputes[unit] = Dispute((*people.values(), *more), waiting)
    return disputes


def _side_of(states: Mapping[str, CoderState], coder: str, unit: str, variable: str) -> Side | None:
    """What a coder's log says; nothing where there is no label yet."""
    if (state := states.get(coder)) is None:
        return None
    turn = Turn(unit, MAIN)
    act = state.acts_of(turn, "label").get(variable)
    if act is None:
        return None
    notes = state.notes(turn)
    note = " ".join(filter(None, (notes.get(variable, ""), notes.get("", "") if variable else "")))
    return Side(coder, act["label"], note=note, time=str(act.get("time", "")))


def _sides_of(codings: Codings, variable: str) -> dict[str, list[Side]]:
    """The labels of codings by unit, or why there is none."""
    frame = codings.frame
    rows = frame[(frame["variable"] == variable) & (frame["draw"] == 0) & (frame["coder"] != codings.gold)]
    kind = next((each.kind for each in codings.variables if each.name == variable), "single")
    sides: dict[str, list[Side]] = {}
    for unit, coder, label, why in rows[["unit_id", "coder", "label", "why"]].itertuples(index=False):
        known = isinstance(label, str)
        side = Side(str(coder), read_label(label, kind) if known else None, "" if known else str(why))
        sides.setdefault(str(unit), []).append(side)
    return sides


def read_label(text: str, kind: str) -> Label:
    """A label as a log has it, from how the tidy table writes it."""
    return text if kind in ("single", "rating", "number", "text") else json.loads(text)


def show_sides(dispute: Dispute, seed: str) -> list[dict[str, Any]]:
    """The sides as a form shows them: shuffled by a seed, without who said what."""
    sides = [{"label": side.label, "why": side.why, "note": side.note} for side in dispute.sides]
    random.Random(seed).shuffle(sides)
    return sides


def draw_agreed(disputes: Mapping[str, Dispute], share: float, seed: str) -> Iterator[str]:
    """Units on which all agree, drawn by a lot of their own each: what was drawn stays so when more are coded."""
    for unit, dispute in disputes.items():
        agreed = dispute.is_complete and not dispute.is_disputed
        if agreed and random.Random(f"{seed}:{unit}:agreed").random() < share:
            yield unit
