"""One coder's work on an assignment: the same for a form in a notebook, a served page and a script.

    with cb.coding.open_session("ann") as session:
        for unit in session:                      # the units that are left, in ann's own order
            session.label("sports")               # on disk when it returns; the next unit is shown

A form sends messages to `session.act(message)` and draws the view that comes back (`session_view.py`). A session reads
the assignment, the codebook, the units one by one, and the log of its own coder: no file of anybody else.

What a label's line in the log has: `n time coder act unit round draw variable label before shown ms codebook`, and
where there is something to say `suggestion arm evidence confidence reason seq client`.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from codebook.coding.assignments import Assigned
from codebook.coding.coder_state import CoderState, turn_of
from codebook.coding.coding_log import CodingLog
from codebook.coding.label_values import check_label
from codebook.coding.sessions.session_plan import Places, SessionPlan
from codebook.coding.sessions.session_view import LEAST_MS, OF_UNIT, find_message_problem, show_codebook, show_unit
from codebook.errors import BusyError, CodebookError, Fault, ParameterError
from codebook.ground.quantities import say_count
from codebook.records import Unit


class CodingSession:
    """The work of one coder: what is shown now, and acts that are saved to disk before they are confirmed.

    Examples
    --------
    >>> import codebook as cb
    >>> _ = cb.open_study().with_coding(coders=("ann",)).assign()
    >>> session = cb.coding.open_session("ann")
    >>> session.label("economy")
    >>> session.progress()["done"]
    1
    >>> session.close()
    """

    def __init__(self, plan: SessionPlan, log: CodingLog) -> None:
        self.plan, self.log = plan, log
        self.state = CoderState(log.acts)
        self.filter = "left"
        self.n_refused = 0
        self._guard = threading.RLock()
        self._key = secrets.token_hex(4)
        self._n_drawn, self._shown = 0, ""
        self._answered = {str(act["client"]): int(act.get("seq", 0)) for act in log.acts if act.get("client")}
        self._digests = plan.digests
        self.places = Places(plan, self.state)
        self._place: int | None = None
        if not log.read_only:
            opened = {"codebook": plan.codebook.digest, "assignment": plan.assignment, "round": plan.round}
            self.log.append({"coder": plan.coder, "act": "open", **opened})
        self._resume()

    # -- where it stands -------------------------------------------------------------------------------------------

    @property
    def row(self) -> Assigned | None:
        """What is shown; None where nothing is left."""
        return None if self._place is None else self.plan.rows[self._place]

    @property
    def unit(self) -> Unit | None:
        """The unit that is shown; None where nothing is left."""
        return None if self.row is None else self.plan.units[self.row.unit_id]

    @property
    def answers(self) -> dict[str, Any]:
        """The labels of the unit that is shown, by variable."""
        return {} if self.row is None else self.state.answers(self.row.turn)

    @property
    def token(self) -> str:
        """Of the unit as it was last drawn."""
        return f"{self._key}-{self._n_drawn}"

    def __iter__(self) -> Iterator[Unit]:
        """The units that are left, one after the other; one that is not coded meanwhile is passed by."""
        self.go("left", kind="filter")
        for place, row in enumerate(self.plan.rows):
            if place in self.places.left:
                self._draw(place)
                yield self.plan.units[row.unit_id]

    def __enter__(self) -> CodingSession:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the log. May be repeated."""
        self.log.close()

    def __repr__(self) -> str:
        progress = self.progress()
        only = " Read only." if self.log.read_only else ""
        return f"{self.plan.coder}: {progress['done']:,} of {say_count(progress['total'], 'unit')} coded.{only}"

    def progress(self) -> dict[str, Any]:
        """How far the coder is; what cannot be known yet is None."""
        sets = self.places
        minutes = self.state.minutes
        pace = 60 * len(sets.done) / minutes if minutes and sets.done else None
        return {
            "done": len(sets.done),
            "left": len(sets.left),
            "flagged": len(sets.flagged),
            "skipped": len(sets.skipped),
            "recode": len(sets.recode),
            "total": len(self.plan.rows),
            "minutes": round(minutes, 2),
            "per_hour": None if pace is None else round(pace, 1),
            "minutes_left": None if pace is None else round(60 * len(sets.left) / pace, 1),
        }

    def view(self, *, ack: int = 0, message: Mapping[str, str] | None = None, codebook: bool = True) -> dict[str, Any]:
        """What a form is to show now."""
        with self._guard:
            row = self.row
            remark = {"kind": "info", "text": self.log.remark} if self.log.remark and not ack else None
            return {
                "ack": ack,
                "coder": self.plan.coder,
                "study": self.plan.study,
                "round": self.plan.round,
                "read_only": self.log.read_only,
                "codebook": show_codebook(self.plan.codebook) if codebook else None,
                **self._view_unit(row),
                "progress": self.progress(),
                "filter": self.filter,
                "can_undo": self.state.can_undo,
                "can_redo": self.state.can_redo,
                "message": message or remark,
                "refused": self.n_refused,
            }

    def _view_unit(self, row: Assigned | None) -> dict[str, Any]:
        """The parts of a view that are about the unit."""
        nothing = {"suggestion": None, "feedback": None, "adjudication": None}
        empty = {"answers": {}, "notes": {}, "evidence": {}, "confidence": {}, "flag": False, "skipped": None}
        if row is None or self._place is None:
            return {"unit": None, **empty, "recode": [], "arm": "none", **nothing}
        turn, unit = row.turn, self.plan.units[row.unit_id]
        labels = self.state.acts_of(turn, "label")
        where = {"token": self.token, "place": self._place + 1, "total": len(self.plan.rows)}
        view = show_unit(unit, self.plan.sources(unit), **where)
        return {
            "unit": {**view, "again": turn.draw > 0},
            "answers": {name: act["label"] for name, act in labels.items()},
            "evidence": {name: act["evidence"] for name, act in labels.items() if "evidence" in act},
            "confidence": {name: act["confidence"] for name, act in labels.items() if "confidence" in act},
            "notes": self.state.notes(turn),
            "flag": self.state.is_flagged(turn),
            "skipped": self.state.skipped(turn) if self._place in self.places.skipped else None,
            "recode": self.places.old_definitions(turn),
            "arm": row.arm,
            **nothing,
            **self._beside(row),
        }

    def _beside(self, row: Assigned) -> Mapping[str, Any]:
        return self.plan.beside(row, self.state.answers(row.turn)) if self.plan.beside else {}

    # -- acts ------------------------------------------------------------------------------------------------------

    def act(self, message: Any) -> dict[str, Any]:
        """Do what a form's message says, and return the next view; what is refused is said in it, never raised."""
        with self._guard:
            if problem := find_message_problem(message):
                return self.view(message=self._refuse(f"The message cannot be read: {problem}."), codebook=False)
            try:
                notice = None if self._was_done(message) else self._do(message)
            except (BusyError, ParameterError) as error:
                notice = self._refuse(str(error))
            except CodebookError as error:
                notice = {"kind": "error", "text": str(error)}
            return self.view(ack=int(message.get("seq", 0)), message=notice, codebook=message["act"] == "codebook")

    def _was_done(self, message: Mapping[str, Any]) -> bool:
        """Whether a message came before, and was written: its window did not hear of it."""
        client = message.get("client")
        return bool(client) and message.get("seq", 0) <= self._answered.get(str(client), 0)

    def _refuse(self, text: str) -> dict[str, str]:
        self.n_refused += 1
        return {"kind": "refused", "text": text}

    def _do(self, message: Mapping[str, Any]) -> dict[str, str] | None:
        """Do one message; the notice for the form, if there is one."""
        kind = message["act"]
        if kind in OF_UNIT and message.get("token") != self.token:
            return self._refuse("Not saved: this was meant for another unit than the one that is shown.")
        if kind in OF_UNIT and message.get("shown_ms", 0) < LEAST_MS:
            return self._refuse("Not saved: the unit had only just appeared. Press again.")
        if kind == "codebook":
            return None
        if kind in ("go", "filter"):
            self.go(message["to"], kind=kind)
            return None
        self._write(kind, message)
        return None

    def _write(self, kind: str, message: Mapping[str, Any]) -> None:
        """Write an act, and only then let it hold."""
        act = self._undo_or_redo(kind) if kind in ("undo", "redo") else self._make(kind, message)
        sent = {name: message[name] for name in ("client", "seq") if message.get(name)}
        line = self.log.append({"coder": self.plan.coder, **act, **sent})
        turn = self.state.apply(line)
        if sent.get("client"):
            self._answered[str(sent["client"])] = int(sent.get("seq", 0))
        self._move_on(line, self.places.update(turn))

    def _undo_or_redo(self, kind: str) -> dict[str, Any]:
        able = self.state.can_undo if kind == "undo" else self.state.can_redo
        if not able:
            problem = "there is nothing to undo" if kind == "undo" else "there is nothing to redo"
            raise ParameterError(f"Not done: {problem}.")
        act = self.state.next_undo if kind == "undo" else self.state.next_redo
        same = {name: act[name] for name in ("unit", "round", "draw", "variable") if name in act}
        return {"act": kind, "of": act["n"], **same}

    def _make(self, kind: str, message: Mapping[str, Any]) -> dict[str, Any]:
        """The line of an act on the unit that is shown."""
        row, unit = self.row, self.unit
        if row is None or unit is None:
            raise ParameterError("Not done: all units are coded.")
        act: dict[str, Any] = {"act": kind, "unit": row.unit_id, "round": row.round, "draw": row.draw}
        if kind == "label":
            return act | self._make_label(message, row, unit)
        if kind == "note":
            return act | {"variable": message.get("variable", ""), "text": message["text"]}
        if kind == "flag":
            return act | {"on": bool(message.get("on", not self.state.is_flagged(row.turn)))}
        if kind == "skip":
            if self._place in self.places.done:
                raise ParameterError("Not skipped: the unit is coded. Remove its codes first.")
            return act | {"reason": message.get("reason", ""), "on": bool(message.get("on", True))}
        return act

    def _make_label(self, message: Mapping[str, Any], row: Assigned, unit: Unit) -> dict[str, Any]:
        """What the line of a label has besides who and where."""
        try:
            variable = self.plan.codebook.variable(message.get("variable", ""))
        except KeyError as error:
            raise ParameterError("Not saved.", [Fault("variable", str(error.args[0]), "see the codebook")]) from None
        label = message["label"]
        ms = round(message.get("shown_ms", 0))
        self._shown = self._shown or _before_now(ms)
        offered = (self._beside(row).get("suggestion") or {}).get(variable.name)
        extras = {name: message[name] for name in ("evidence", "confidence", "reason") if message.get(name) is not None}
        arm = {"arm": row.arm, "suggestion": offered} if row.arm != "none" or offered is not None else {}
        return {
            "variable": variable.name,
            "label": None if label is None else check_label(label, variable, unit),
            "before": self.state.answers(row.turn).get(variable.name),
            "shown": self._shown,
            "ms": ms,
            "codebook": self._digests[variable.name],
            **arm,
            **extras,
        }

    # -- moving ----------------------------------------------------------------------------------------------------

    def _resume(self) -> None:
        """Show what follows from the log: where the last act left it, or else the first unit that is left."""
        last = self.state.last
        place = None if last is None else self.places.update(turn_of(last))
        self._draw(self._next(-1) if place is None else self._after(place, last))

    def _after(self, place: int, act: Mapping[str, Any] | None) -> int | None:
        """The place after an act: the same unit until it is finished."""
        kinds = ("skip",) if self.plan.stays else ("label", "skip")
        finished = act is not None and act["act"] in kinds and place not in self.places.left
        return self._next(place) if finished else place

    def _move_on(self, line: Mapping[str, Any], place: int | None) -> None:
        if place is None:
            return
        following = place if line["act"] in ("undo", "redo") else self._after(place, line)
        if following != self._place:
            self._draw(following)

    def _next(self, place: int) -> int | None:
        return self.places.next(place, self.filter)

    def _draw(self, place: int | None) -> None:
        """Show a unit: keys that were meant for the one before are not taken any more."""
        self._place = place
        self._n_drawn += 1
        self._shown = ""
        self._drawn_at = time.monotonic()

    def go(self, to: str | int, *, kind: str = "go") -> None:
        """Show another unit: "next", "back", a place (from 1), the id of a unit; or of a filter its first one.

        Raises
        ------
        ParameterError
            There is none.
        """
        if kind == "filter":
            self.filter = str(to)
            here = self._place in self.places.of(self.filter)
            self._draw(self._place if here else self._next(-1))
            return
        self._draw(self._find(to))

    def _find(self, to: str | int) -> int | None:
        if to == "next" and self.plan.stays and self._place in self.places.done:
            return self._next(self._place)
        if to == "next":
            return self.places.step(-1 if self._place is None else self._place, 1)
        if to == "back":
            return self.places.step(len(self.plan.rows) if self._place is None else self._place, -1)
        return self.places.find(to)

    # -- the same acts for scripts: what is refused is raised --------------------------------------------------------

    def label(self, label: Any, variable: str = "", **more: Any) -> None:
        """Label the unit that is shown; with its last variable the next unit follows. None takes a label back.

        Raises
        ------
        ParameterError
            It is no answer to the variable, or nothing is left.
        MachineError
            It could not be written; nothing has changed.
        """
        self._call("label", {"label": label, "variable": variable, **more})

    def skip(self, reason: str = "", *, on: bool = True) -> None:
        """Leave the unit for later, with a reason; it has no code then."""
        self._call("skip", {"reason": reason, "on": on})

    def note(self, text: str, variable: str = "") -> None:
        """Write a note on the unit or on one of its codes; an empty one takes it back."""
        self._call("note", {"text": text, "variable": variable})

    def flag(self, *, on: bool = True) -> None:
        """Mark the unit."""
        self._call("flag", {"on": on})

    def undo(self) -> None:
        """Take the last act back, however long ago, and show its unit."""
        self._call("undo", {})

    def redo(self) -> None:
        """Do again what was taken back last."""
        self._call("redo", {})

    def _call(self, kind: str, message: Mapping[str, Any]) -> None:
        with self._guard:
            self._write(kind, {"shown_ms": 1000 * (time.monotonic() - self._drawn_at), **message})


def _before_now(ms: int) -> str:
    """The time so many milliseconds ago, as a log has it."""
    then = datetime.now(UTC) - timedelta(milliseconds=ms)
    return then.isoformat(timespec="milliseconds").replace("+00:00", "Z")
