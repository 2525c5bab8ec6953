"""Adjudication: the units on which coders differ, one after the other, to a person who decides."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from codebook.analysis.core.codings import Codings
from codebook.coding.assignments import FOLDER, Assigned, Assignment, read_assignment
from codebook.coding.coder_state import CoderState
from codebook.coding.coding_log import ADJUDICATION, CodingLog, coder_fault, log_path
from codebook.coding.deciding.decisions import name_round, read_decided
from codebook.coding.deciding.sides import Dispute, draw_agreed, read_disputes, show_sides
from codebook.coding.kept_units import KeptUnits
from codebook.coding.sessions.session import CodingSession
from codebook.coding.sessions.session_plan import SessionPlan
from codebook.coding.sessions.unit_sources import SourceMaker, embed_files
from codebook.errors import Fault, ParameterError, unknown_choice
from codebook.files.digests import read_json
from codebook.files.lines import write_json
from codebook.ground.quantities import is_or_are, say_count
from codebook.paths import resolve_path, show_path
from codebook.records import Unit
from codebook.scheme import Codebook, read_codebook

_SETTINGS = "adjudication.json"
_ABOUT = "The adjudication cannot be opened."


def open_adjudication(
    by: str,
    folder: str | Path = FOLDER,
    *,
    variable: str = "",
    others: Codings | None = None,
    agreements: float | None = None,
    seed: int | None = None,
    needs_reason: bool | None = None,
) -> AdjudicationSession:
    """Open the units of one variable on which coders differ, for a person who decides. Earlier decisions stay.

    A unit is shown when everybody to whom it is assigned has labelled it. Names are hidden, sides are in random order,
    notes are shown. A decision is a label like any other, with a `reason`; the labels of the coders stay as they are.

    Parameters
    ----------
    by
        Who decides.
    folder
        The coding folder; that of the study where none is named.
    variable
        Of the codebook; empty for the first on which there is something to decide.
    others
        Labels of models, or of people who coded elsewhere, as further sides.
    agreements
        Share of the units on which all agree that are shown too, to find what all get wrong; 0 where it was never said.
    seed
        Of the order of units and sides, and of that share.
    needs_reason
        Take no decision without a reason. Share, seed and this are kept in the folder, and hold for whoever goes on.

    Raises
    ------
    ParameterError
        There is no assignment or no such variable; or the adjudication was begun with another seed.

    Examples
    --------
    >>> from codebook.coding import Trial
    >>> _ = Trial.example("trial")
    >>> with open_adjudication("cy", "trial") as session:
    ...     session.decide("good", reason="praise")
    ...     session
    1 of 18 units decided of 'tone'.
    """
    settings = {"agreements": agreements, "seed": seed, "needs_reason": needs_reason}
    return _open(by, resolve_path(folder), variable, others, settings, embed_files)


def go_on_adjudicating(by: str, folder: Path, sources: SourceMaker) -> AdjudicationSession:
    """Open the adjudication of a folder as it was begun, for a face that shows files in a way of its own."""
    return _open(by, folder, "", None, {}, sources)


def _open(
    by: str, folder: Path, variable: str, others: Codings | None, changes: Mapping[str, Any], sources: SourceMaker
) -> AdjudicationSession:
    assignment = read_assignment(folder)
    book = read_codebook(assignment.codebook)
    names = [each.name for each in book.variables]
    faults = [fault] if (fault := coder_fault(by, "by")) else []
    faults += unknown_choice("variable", variable, names) if variable else []
    ParameterError.raise_any(_ABOUT, faults)
    settings = _keep_settings(folder, {name: value for name, value in changes.items() if value is not None})
    log = CodingLog(log_path(folder, ADJUDICATION))
    try:
        docket = _choose(folder, assignment, [variable] if variable else names, others, CoderState(log.acts), settings)
        plan = replace(_make_plan(by, assignment, book, folder, docket), sources=sources)
        return AdjudicationSession(plan, log, docket)
    except BaseException:
        log.close()
        raise


@dataclass(frozen=True)
class Docket:
    """What is to be decided of one variable: the units in order, all disputes, and when each unit was decided."""

    variable: str
    units: tuple[str, ...]
    disputes: Mapping[str, Dispute]
    decided: Mapping[str, str]
    seed: int
    needs_reason: bool = False

    @property
    def is_open(self) -> bool:
        """Whether a unit is left to decide."""
        return any(unit not in self.decided for unit in self.units)

    @property
    def n_waiting(self) -> int:
        """Units that two or more shall code, and not everybody has."""
        return sum(bool(each.waiting) and len(each.sides) + len(each.waiting) > 1 for each in self.disputes.values())

    @property
    def later(self) -> list[str]:
        """Decided units of which a label was given after the decision: they stay closed."""
        return [unit for unit, time in self.decided.items() if self.disputes[unit].last > time]


def _choose(
    folder: Path,
    assignment: Assignment,
    names: list[str],
    others: Codings | None,
    state: CoderState,
    settings: Mapping[str, Any],
) -> Docket:
    """The docket of the first variable with something to decide; of the first where there is none."""
    dockets = (_read_docket(folder, assignment, name, others, state, settings) for name in names)
    first = next(dockets)
    return first if first.is_open else next((each for each in dockets if each.is_open), first)


def _read_docket(
    folder: Path,
    assignment: Assignment,
    variable: str,
    others: Codings | None,
    state: CoderState,
    settings: Mapping[str, Any],
) -> Docket:
    disputes = read_disputes(folder, assignment, variable, others)
    decided = {unit: str(act["time"]) for unit, act in read_decided(state, variable).items() if unit in disputes}
    seed = settings["seed"]
    drawn = {*draw_agreed(disputes, settings["agreements"], f"{seed}:{variable}")}
    units = [unit for unit, each in disputes.items() if each.is_disputed or unit in drawn or unit in decided]
    units.sort(key=lambda unit: random.Random(f"{seed}:{variable}:{unit}").random())
    return Docket(variable, tuple(units), disputes, decided, seed, settings["needs_reason"])


def _make_plan(by: str, assignment: Assignment, book: Codebook, folder: Path, docket: Docket) -> SessionPlan:
    """The plan of a session on one variable alone: all else was agreed upon, or has its turn later."""
    narrowed = book.model_copy(update={"variables": (book.variable(docket.variable),)})
    rows = tuple(
        Assigned(unit, by, place, name_round(docket.variable)) for place, unit in enumerate(docket.units, start=1)
    )
    later = {*docket.later}

    def beside(row: Assigned, _: Mapping[str, Any]) -> dict[str, Any]:
        sides = show_sides(docket.disputes[row.unit_id], f"{docket.seed}:{docket.variable}:{row.unit_id}:sides")
        about = {"variable": docket.variable, "needs_reason": docket.needs_reason, "later": row.unit_id in later}
        return {"adjudication": {**about, "sides": sides}}

    units = KeptUnits(folder / "units.jsonl")
    return SessionPlan(by, narrowed, rows, units, assignment.study, ADJUDICATION, assignment.digest, beside)


class AdjudicationSession(CodingSession):
    """A session whose units are disputed; `docket` says what waits for coders, and what was labelled after a decision.

    Of a view, `adjudication` has the variable, its sides ({"label", "why", "note"}, shuffled, without names),
    `needs_reason`, and `later`: whether a label came after the decision, which stays as it is.

    Examples
    --------
    >>> import codebook as cb
    >>> _ = cb.coding.Trial.example("trial")
    >>> with cb.coding.open_adjudication("ruth", "trial") as session:
    ...     print(session.progress()["total"] > 0)
    True
    """

    def __init__(self, plan: SessionPlan, log: CodingLog, docket: Docket) -> None:
        self.docket = docket
        super().__init__(plan, log)

    def decide(self, label: Any, reason: str = "") -> None:
        """Decide the unit that is shown; the label may be a third one.

        Raises
        ------
        ParameterError
            It is no answer to the variable, or nothing is left.
        """
        self.label(label, self.docket.variable, **({"reason": reason} if reason else {}))

    def reopen(self, unit_id: str) -> None:
        """Take the decision on a unit back and show it again; the log keeps what it was.

        Raises
        ------
        ParameterError
            The unit is not decided.
        """
        row = next((row for row in self.plan.rows if row.unit_id == unit_id), None)
        if row is None or not self.state.answers(row.turn):
            fault = Fault(
                "unit", f"there is no decision on {unit_id!r}", "name a decided unit; the filter 'all' shows them"
            )
            raise ParameterError("Nothing was reopened.", [fault])
        self.go(unit_id)
        self.label(None, self.docket.variable)

    def _make_label(self, message: Mapping[str, Any], row: Assigned, unit: Unit) -> dict[str, Any]:
        if self.docket.needs_reason and message["label"] is not None and not str(message.get("reason") or "").strip():
            raise ParameterError("Not saved: give a reason.")
        return super()._make_label(message, row, unit)

    def _undo_or_redo(self, kind: str) -> dict[str, Any]:
        """Only acts on this variable: what is taken back is seen."""
        act = super()._undo_or_redo(kind)
        if act["round"] != name_round(self.docket.variable):
            other = act["round"].partition(":")[2]
            raise ParameterError(f"Not done: the last decision was on {other!r}. Open that variable first.")
        return act

    def __repr__(self) -> str:
        n_done, n_all = self.progress()["done"], len(self.plan.rows)
        parts = [f"{n_done:,} of {say_count(n_all, 'unit')} decided of {self.docket.variable!r}"]
        if n := self.docket.n_waiting:
            parts.append(f"{n:,} {'waits' if n == 1 else 'wait'} for coders")
        if n := len(self.docket.later):
            parts.append(
                f"{n:,} {is_or_are(n)} decided, got a new label afterwards, and {'stays' if n == 1 else 'stay'} closed"
            )
        return f"{'; '.join(parts)}.{' Read only.' if self.log.read_only else ''}"


def _keep_settings(folder: Path, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The seed as it was first said, and the rest as it was last said."""
    path = folder / _SETTINGS
    known = read_json(path) if path.is_file() else {}
    faults = []
    if not 0 <= changes.get("agreements", 0) <= 1:
        faults.append(Fault("agreements", f"{changes['agreements']} is not a share", "pass a number from 0 to 1"))
    if "seed" in changes and changes["seed"] != known.get("seed", changes["seed"]):
        problem = f"it is {known['seed']} in {show_path(path)}, but {changes['seed']} here"
        faults.append(Fault("seed", problem, "leave it out: an adjudication keeps the seed it started with"))
    ParameterError.raise_any(_ABOUT, faults)
    settings = {"agreements": 0.0, "seed": 1, "needs_reason": False, **known, **changes}
    if settings != known:
        write_json(path, settings)
    return settings
